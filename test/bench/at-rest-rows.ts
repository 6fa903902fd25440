// What the rows of a document cost more at rest: the node's own operation of handing in, run here in batches as its writer thread runs them, on a plain
// and on a sealed store in turns, with the processor time of the whole process (V8's threads too). Without network, TLS and signatures, so that a change of
// the cells shows where `path` is too noisy. Counted beside it: keys, boxes and sealed cells of one document, which are the same on every machine.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { sealedColumns } from '../../edge-node/store/sealed-columns.ts';
import { createStore, storeFile } from '../../edge-node/store/store.ts';
import { operations } from '../../edge-node/store/writer-ops.ts';
import { tagBytes } from '../../protocol/node/at-rest/aead.ts';
import { keyIdOf } from '../../protocol/node/at-rest/cells.ts';
import { openDatabase, type SqlValue } from '../../protocol/node/sqlite.ts';

const batch = 32;
/** Until the code is compiled. */
const warmBatches = 20;

function openRows(sealed: boolean, bytes: number) {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-rows-'));
  createStore(dir);
  const db = openDatabase(join(dir, storeFile));
  db.run('INSERT INTO units (unit, code, name, added_ms) VALUES (?, ?, ?, ?)', 'u', 'H08.35', 'UBND', 0);
  const { ops } = operations(db, {
    keys: [],
    ...(sealed ? { atRest: { dir, master: randomBytes(32) } } : {}),
  });
  const metadata = randomBytes(300);
  let number = 0;
  const handIn = (): void =>
    void ops.submitDocument({
      documentId: randomBytes(16),
      unit: 'u',
      idempotencyKey: `k${number++}`,
      requestDigest: randomBytes(32),
      kind: 1,
      urgency: 0,
      nowMs: 1_700_000_000_000 + number,
      deliverByMs: null,
      replyByMs: 0,
      links: '[]',
      status: null,
      salt: randomBytes(16),
      metadata: Buffer.from(metadata),
      subject: 'Về việc đo hiệu năng',
      notation: '',
      number: '',
      bytes: bytes + metadata.length,
      recipients: [{ unit: 'v', desk: '', group: '', groupVersion: 0 }],
      parts: [
        {
          length: bytes,
          sha256: randomBytes(32),
          treeRoot: randomBytes(32),
          name: 'van-ban.pdf',
          mediaType: 'application/pdf',
          content: randomBytes(bytes),
        },
      ],
      actor: 'a',
      evenIfDuplicate: true,
      check: {
        state: 'passed',
        submitter: 'a',
        findings: '[]',
        parts: '[{"name":"van-ban.pdf"}]',
        policy: 'p',
        secret: false,
      },
    });
  return {
    db,
    handInSome: () =>
      db.transaction(() => {
        for (let i = 0; i < batch; i++) handIn();
      }),
    end() {
      db.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** A box ends with its tag, in every cell that is a copy of it. */
const tagOf = (cell: string | Uint8Array): string =>
  (typeof cell === 'string'
    ? Buffer.from(cell.slice(cell.lastIndexOf(':') + 1), 'base64')
    : Buffer.from(cell)
  )
    .subarray(-tagBytes)
    .toString('hex');

/** Of one document, in the mean: sealed cells, the boxes that they are, and the keys under which they are. */
function counted(path: string, documents: number) {
  // Opens nothing by itself.
  const db = openDatabase(path, { readOnly: true });
  const cells = sealedColumns.flatMap(({ table, texts = [], blobs = [] }) => {
    const columns = [...texts, ...blobs].join(', ');
    const rows = columns === '' ? [] : db.all<Record<string, SqlValue>>(`SELECT ${columns} FROM ${table}`);
    return rows
      .flatMap((row) => Object.values(row) as (string | Uint8Array | null)[])
      .filter((value) => value !== null && keyIdOf(value) !== undefined) as (string | Uint8Array)[];
  });
  db.close();
  return {
    cells: cells.length / documents,
    boxes: new Set(cells.map(tagOf)).size / documents,
    keys: new Set(cells.map(keyIdOf)).size / documents,
  };
}

export function rowCosts(documents: number, bytes: number) {
  const stores = { plain: openRows(false, bytes), sealed: openRows(true, bytes) };
  const micros = { plain: 0, sealed: 0 };
  const batches = warmBatches + Math.ceil(documents / batch);
  try {
    for (let i = 0; i < batches; i++)
      for (const kind of ['plain', 'sealed'] as const) {
        const before = process.cpuUsage();
        stores[kind].handInSome();
        const { user, system } = process.cpuUsage(before);
        if (i >= warmBatches) micros[kind] += user + system;
      }
    const each = (sum: number): number => Math.round(sum / ((batches - warmBatches) * batch));
    return {
      bytes,
      plainCpuMicros: each(micros.plain),
      sealedCpuMicros: each(micros.sealed),
      sealedPerDocument: counted(stores.sealed.db.path, batches * batch),
    };
  } finally {
    for (const store of Object.values(stores)) store.end();
  }
}
