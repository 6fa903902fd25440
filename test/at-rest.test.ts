// Encryption at rest: the format of sealed files, the three ways of holding the key, and real nodes and a hub whose disks are searched for what
// was sent through them.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generateKey, loadKeyFile, type OwnKey, signingKeyOf } from '../certs/keys.ts';
import { openUploads } from '../edge-node/console/uploads.ts';
import { fsckNode } from '../edge-node/fsck.ts';
import { startNode } from '../edge-node/main.ts';
import { createFresh } from '../edge-node/store/fresh.ts';
import type { SearchEntry, Unindexed } from '../edge-node/store/search-index.ts';
import { createStore, openStore, storeFile } from '../edge-node/store/store.ts';
import { backupHub, restoreHub } from '../hub/backup.ts';
import { fsckHub } from '../hub/fsck.ts';
import { injected } from '../hub/offline.ts';
import { borderOps } from '../hub/store/border-ops.ts';
import { migrations as hubMigrations } from '../hub/store/migrations.ts';
import { safetyOps as hubSafetyOps, insertHubCheck } from '../hub/store/safety-ops.ts';
import { takedownActs } from '../hub/store/takedown-ops.ts';
import { createChunkHasher } from '../protocol/chunks.ts';
import { headerCodec, signedCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { parseDocumentId, uuidToBytes } from '../protocol/ids.ts';
import { seal } from '../protocol/node/at-rest/aead.ts';
import { isSealedText, keyIdOf, sealedCells } from '../protocol/node/at-rest/cells.ts';
import { followDestroyed, prepareKeys, singleKey } from '../protocol/node/at-rest/key-blocks.ts';
import { openKeyStore } from '../protocol/node/at-rest/key-store.ts';
import {
  atRestState,
  confirmRecovery,
  enableAtRest,
  openMaster,
  recoverAtRest,
} from '../protocol/node/at-rest/master.ts';
import { openAtRest } from '../protocol/node/at-rest/open.ts';
import { plainCellsIn, sealOnce } from '../protocol/node/at-rest/seal-rows.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openContentStore } from '../protocol/node/content-store.ts';
import { releaseBytes } from '../protocol/node/release.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { contentsDigestOf, removalActs, signAct } from '../protocol/removal.ts';
import type { RemovalAct } from '../protocol/wire.ts';
import { filesHolding } from './support/disk-search.ts';
import { hang, quiet, startTestHub, type TestHub, temporaryDir } from './support/hub.ts';
import { eventually, type Office, openOffice, seeEachOther } from './support/office.ts';
import { exitOf } from './support/processes.ts';

type Removal = {
  act: string;
  doneHereMs: number | null;
  peers: { unit: string; hub: boolean; via: string; confirmedMs: number | null; found: boolean | null }[];
};
const removal = async ({ hub }: TestHub, documentId: string) =>
  (
    await injected(hub, { account: 'a', host: 'test' })<{ removals: Removal[] }>(
      'GET',
      `/admin/v1/removals?document=${documentId}`,
    )
  ).removals;

/** A hub with operators whose keys its directory names; the first one's by the commands that a person runs. */
function removing(test: TestHub) {
  const keys = new Map<string, OwnKey>();
  const request = <T>(path: string, body: object) =>
    injected(test.hub, { account: 'root', host: 'test' })<T>('POST', path, body);
  return Object.assign(test, {
    async named(first: string, second: string) {
      const dir = temporaryDir('operator');
      const [file, passphraseFile] = [join(dir, 'khoa.pem'), join(dir, 'pass')];
      fs.writeFileSync(passphraseFile, 'mật khẩu của tôi\n', { mode: 0o600 });
      for (const name of [first, second])
        await request('/admin/v1/operators', { name, passphrase: `mật khẩu ${name}` });
      const made = await exitOf([
        ...['hub', 'operator', 'new-key', '--to', file, '--new-passphrase-file', passphraseFile],
      ]);
      const known = await exitOf([
        ...['hub', 'operator', 'key', first, '--dir', test.dir, '--public', `${file}.pub`, '--json'],
      ]);
      if (made.code !== 0 || known.code !== 0) throw new Error(made.err + known.err);
      keys.set(first, loadKeyFile(file, 'mật khẩu của tôi'));
      keys.set(second, generateKey());
      const publicKey = Buffer.from(keys.get(second)!.publicKeyDer).toString('base64');
      await request(`/admin/v1/operators/${second}/key`, { publicKey });
      return { file, passphraseFile };
    },
    async order(
      name: string,
      documentId: string,
      act: 'hide' | 'destroy',
      change: (act: RemovalAct) => RemovalAct = (given) => given,
      by = name,
    ) {
      const draft = await injected(test.hub, { account: 'root', host: 'test' })<{
        hub: string;
        sender: string;
        contents: string[];
      }>('GET', `/admin/v1/removals/${documentId}/draft`);
      const decision = {
        hub: draft.hub,
        act: removalActs[act],
        documentId: uuidToBytes(parseDocumentId(documentId)),
        sender: draft.sender,
        contentsDigest: contentsDigestOf(draft.contents.map((hex) => Buffer.from(hex, 'hex'))),
        reason: 'có toạ độ',
        operator: name,
        atMs: systemClock.nowMs(),
      };
      const signed = signAct(change(decision), signingKeyOf(keys.get(by)!)).toString('base64');
      return await request<{ removals: Removal[] }>('/admin/v1/removals', { signed });
    },
  });
}
const MiB = 1024 * 1024;
async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const flipped = (copy: Buffer): Buffer => {
  copy.writeUInt8(copy[70_000]! ^ 1, 70_000);
  return copy;
};
const collect = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const piece of body) all.push(piece);
  return Buffer.concat(all);
};
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'none';
  } catch (error) {
    return isExchangeError(error) ? error.code : String(error);
  }
};

t.test('sealed content is read in any range, resumed, and never believed once touched', async (t) => {
  const dir = temporaryDir('sealed');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const keys = openKeyStore(dir, randomBytes(32));
  let store = await openContentStore({ dir, clock: systemClock, keys });
  for (const length of [0, 1, 65_535, 65_536, 65_537, MiB, 2 * MiB + 12_345]) {
    const bytes = randomBytes(length);
    const digest = await store.addStream(pieces(bytes));
    t.equal((await store.stat(digest.sha256))?.lengthBytes, length);
    t.ok((await collect(await store.read(digest.sha256))).equals(bytes), `${length} bytes`);
    for (const [from, to] of [
      [0, 1],
      [65_530, 65_540],
      [length - 3, length],
    ] as const)
      if (from >= 0)
        t.ok((await collect(await store.read(digest.sha256, { from, to }))).equals(bytes.subarray(from, to)));
    t.ok((await store.verify(digest.sha256)).ok);
    if (length > 64) t.same(filesHolding(dir, bytes.subarray(0, 64)), [], 'nothing in the clear');
  }
  // An upload that is cut and goes on in another process.
  const bytes = randomBytes(3 * MiB + 5);
  const hasher = createChunkHasher();
  hasher.update(bytes);
  const { sha256, treeRoot, leaves } = hasher.finish();
  const id = '5f1f0000-0000-4000-8000-00000000000a';
  await store.begin({ id, owner: 'u', lengthBytes: bytes.length, sha256, treeRoot, leaves });
  await store.append(id, { offsetBytes: 0, body: pieces(bytes.subarray(0, MiB)) });
  store = await openContentStore({ dir, clock: systemClock, keys });
  t.equal((await store.partial(id)).offsetBytes, MiB, 'found again by its own bytes');
  await store.append(id, { offsetBytes: MiB, body: pieces(bytes.subarray(MiB)) });
  await store.finish(id);
  t.ok((await collect(await store.read(sha256))).equals(bytes));
  const hex = Buffer.from(sha256).toString('hex');
  const path = join(dir, 'content/sha256', hex.slice(0, 2), `${hex}.e1`);
  const stored = fs.readFileSync(path);
  const tampered = async (change: (copy: Buffer) => Buffer) => {
    fs.writeFileSync(path, change(Buffer.from(stored)));
    return (await store.verify(sha256)).ok || (await codeOf(store.read(sha256).then(collect))) === 'none';
  };
  t.notOk(await tampered(flipped), 'a bit');
  t.notOk(await tampered((copy) => copy.subarray(0, 64 + 65_552 * 2)), 'cut at a piece');
  t.notOk(
    await tampered((copy) =>
      Buffer.concat([
        copy.subarray(0, 64),
        copy.subarray(64 + 65_552, 64 + 65_552 * 2),
        copy.subarray(64, 64 + 65_552),
        copy.subarray(64 + 65_552 * 2),
      ]),
    ),
    'two pieces changed places',
  );
  fs.writeFileSync(path, stored);
  keys.destroy([Number(stored.readBigUInt64BE(8))]);
  t.equal(await codeOf(store.read(sha256)), 'content-gone', 'a destroyed key');
  keys.close();
  t.equal(
    await codeOf(openContentStore({ dir, clock: systemClock })),
    'at-rest-key-missing',
    'never opened without its keys',
  );
});

t.test('files of before are sealed one by one, and a run that was broken off is taken up', async (t) => {
  const dir = temporaryDir('files');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const contents = [0, 1, 65_536, 2 * MiB + 12_345].map((length) => randomBytes(length));
  const plain = await openContentStore({ dir, clock: systemClock });
  const digests: Uint8Array[] = [];
  for (const bytes of contents) digests.push((await plain.addStream(pieces(bytes))).sha256);
  const pathOf = (sha256: Uint8Array, ending = '') => {
    const hex = Buffer.from(sha256).toString('hex');
    return join(dir, 'content/sha256', hex.slice(0, 2), `${hex}${ending}`);
  };
  const hours = new Date('2026-11-20T01:00:00Z');
  for (const sha256 of digests) fs.utimesSync(pathOf(sha256), hours, hours);
  const damaged = (await plain.addStream(pieces(randomBytes(5000)))).sha256;
  fs.truncateSync(pathOf(damaged), 4000);

  const keys = openKeyStore(dir, randomBytes(32));
  const store = await openContentStore({ dir, clock: systemClock, keys });
  const reading = await store.read(digests[3]!);
  // Killed after the sealed file was in place: both are there.
  const half = digests[2]!;
  const walk = async (): Promise<boolean[]> => {
    const sealed: boolean[] = [];
    for await (const each of store.sealPlain()) sealed.push(each);
    return sealed;
  };
  t.same((await walk()).sort(), [false, true, true, true, true], 'the damaged one is told');
  fs.writeFileSync(pathOf(half), contents[2]!);
  fs.writeFileSync(join(dir, 'content/tmp', `${Buffer.from(damaged).toString('hex')}.e1`), 'left');
  t.same((await walk()).sort(), [false, true]);
  for (const [i, sha256] of digests.entries()) {
    t.notOk(fs.existsSync(pathOf(sha256)));
    t.ok((await collect(await store.read(sha256))).equals(contents[i]!));
    t.ok((await store.verify(sha256)).ok);
    t.equal((await store.stat(sha256))?.touchedMs, hours.getTime(), 'the sweep counts on');
  }
  t.ok((await collect(reading)).equals(contents[3]!), 'who read the plain file reads on');
  t.ok(fs.existsSync(pathOf(damaged)), 'what is damaged stays, for fsck to name');
  t.same(fs.readdirSync(join(dir, 'content/tmp')), []);
  // Destroyed between the two steps of one that was killed: a backup on the same disk shares the plain file.
  fs.writeFileSync(pathOf(half), contents[2]!);
  fs.linkSync(pathOf(half), join(dir, 'shared'));
  t.ok(await store.destroy(half));
  t.notOk(fs.existsSync(pathOf(half)) || fs.existsSync(pathOf(half, '.e1')));
  t.ok(fs.readFileSync(join(dir, 'shared')).equals(Buffer.alloc(contents[2]!.length)), 'zeros');
  keys.close();
});

t.test('rows of before are sealed once, and a run that was broken off is taken up', async (t) => {
  const dir = temporaryDir('rows');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const path = join(dir, 'some.sqlite');
  const db = openDatabase(path, { create: true });
  db.exec(`CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE rows (id INTEGER PRIMARY KEY, said TEXT, block BLOB) STRICT;
    CREATE TABLE numbers (unit TEXT NOT NULL, number TEXT NOT NULL, PRIMARY KEY (unit, number)) STRICT, WITHOUT ROWID;`);
  db.transaction(() => {
    for (let i = 0; i < 1000; i++) {
      db.run('INSERT INTO rows (said, block) VALUES (?, ?)', `zqrow ${i}`, Buffer.from(`zqrow block ${i}`));
      db.run('INSERT INTO numbers (unit, number) VALUES (?, ?)', `u${i % 3}`, `zqrow${i}`);
    }
  });
  const columns = [
    { table: 'rows', keys: ['rowid'], texts: ['said'], blobs: ['block'] },
    { table: 'numbers', keys: ['unit', 'number'], compared: ['number'] },
  ];
  const master = randomBytes(32);
  const keys = openKeyStore(dir, master);
  const cells = sealedCells(keys, master);
  let left = 500;
  const breaking = {
    ...cells,
    begin() {
      if (left-- === 0) throw new Error('killed');
      return cells.begin();
    },
  };
  t.throws(() => sealOnce(db, breaking, columns), { message: 'killed' });
  t.ok(plainCellsIn(path, columns) > 1000, 'the batch that broke off is as it was');
  sealOnce(db, cells, columns);
  t.equal(plainCellsIn(path, columns), 0);
  t.same(filesHolding(dir, Buffer.from('zqrow')), [], 'in no page, free ones and the log included');
  db.useCells(cells);
  t.same(
    db
      .all<{ said: string; block: Uint8Array }>('SELECT said, block FROM rows ORDER BY id')
      .map((row) => row.said),
    Array.from({ length: 1000 }, (_, i) => `zqrow ${i}`),
  );
  t.equal(
    Buffer.from(db.get<{ block: Uint8Array }>('SELECT block FROM rows WHERE id = 8')!.block).toString(),
    'zqrow block 7',
  );
  t.ok(db.get('SELECT 1 FROM numbers WHERE unit = ? AND number = ?', 'u1', cells.compared('zqrow7')));
  db.close();
  keys.close();
});

t.test(
  'content keys lie in blocks; a destroyed one is nowhere, its neighbours stay, those of before open',
  (t) => {
    const dir = temporaryDir('keys');
    t.teardown(() => fs.rmSync(dir, { recursive: true }));
    const path = join(dir, 'content-keys.sqlite');
    const master = randomBytes(32);
    // As the programs before blocks made them: a row and a box for each key.
    const old = openDatabase(path, { create: true });
    old.exec(
      'CREATE TABLE content_keys (id INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL) STRICT',
    );
    const single = randomBytes(32);
    for (let id = 1; id <= 3; id++)
      old.run(
        'INSERT INTO content_keys (id, wrapped) VALUES (?, ?)',
        id,
        seal(master, single, Buffer.from(`lienthong content key 1 ${id}`)),
      );
    old.run('DELETE FROM content_keys WHERE id = 3');
    old.close();

    const keys = openKeyStore(dir, master);
    const other = openKeyStore(dir, master);
    t.same(keys.find(1)!.key, single);
    const taken = Array.from({ length: 600 }, (_, i) => (i % 2 ? keys : other).take());
    t.equal(new Set(taken.map(({ id }) => id)).size, 600, 'two connections never give one number twice');
    t.equal(new Set(taken.map(({ key }) => key.toString('hex'))).size, 600);
    t.ok(
      taken.every(({ id }) => id > 3),
      'nor one that a key of before had',
    );
    const wrapped = (id: number) => {
      const db = openDatabase(path, { readOnly: true });
      const row = db.get<{ wrapped: Uint8Array }>(
        'SELECT wrapped FROM key_blocks WHERE first <= ? ORDER BY first DESC',
        id,
      )!;
      db.close();
      return Buffer.from(row.wrapped).subarray(-200);
    };
    const [gone, neighbour] = [taken[10]!, taken[12]!];
    const before = wrapped(gone.id);
    t.not(filesHolding(dir, before).length, 0);
    const copy = openDatabase(join(dir, 'copy.sqlite'), { create: true });
    copy.exec(`ATTACH '${path}' AS store; CREATE TABLE content_keys AS SELECT * FROM store.content_keys`);
    prepareKeys(copy);
    copy.exec('INSERT INTO key_blocks SELECT * FROM store.key_blocks; DETACH store');
    const reader = openDatabase(path, { readOnly: true });
    reader.exec('BEGIN; SELECT * FROM key_blocks');
    t.throws(() => keys.destroy([gone.id]), { code: 'overloaded' }, 'somebody reads the box of before');
    reader.exec('COMMIT');
    keys.destroy([2, gone.id, 999_999]);
    t.equal(filesHolding(dir, before).length, 1, 'in a copy that was made meanwhile');
    followDestroyed(copy, reader);
    t.equal(singleKey(copy, master, 2), undefined);
    t.same(singleKey(copy, master, 1), single);
    copy.close();
    reader.close();
    t.equal(keys.find(gone.id), undefined);
    t.equal(keys.find(2), undefined);
    t.same(keys.find(1)!.key, single);
    t.same(filesHolding(dir, before), [], 'the box that held it is overwritten, in the log too');
    keys.close();
    other.close();

    const again = openKeyStore(dir, master);
    t.equal(again.find(gone.id), undefined);
    t.same(again.find(neighbour.id)!.key, neighbour.key);
    t.ok(
      taken.every(({ id }) => id !== again.take().id),
      'nor after a start',
    );
    again.close();
    const broken = openDatabase(path);
    // A program of before, put back beside the newer store, went on with its own numbers.
    broken.run(
      'INSERT INTO content_keys (id, wrapped) VALUES (?, ?)',
      neighbour.id,
      seal(master, single, Buffer.from(`lienthong content key 1 ${neighbour.id}`)),
    );
    const both = openKeyStore(dir, master);
    t.same(both.find(neighbour.id)!.key, single, 'what it sealed opens');
    both.close();
    broken.run('DELETE FROM content_keys WHERE id = ?', neighbour.id);
    broken.run('UPDATE key_blocks SET wrapped = zeroblob(32796) WHERE first = 4');
    broken.close();
    const damaged = openKeyStore(dir, master);
    t.equal(damaged.find(neighbour.id), undefined);
    t.throws(() => damaged.destroy([neighbour.id]), { code: 'store-damaged' }, 'nobody says that it is gone');
    damaged.close();
    t.end();
  },
);

t.test('a removal at a hub destroys the keys of its check and of what another system said', (t) => {
  const dir = temporaryDir('check-keys');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const master = randomBytes(32);
  const keys = openKeyStore(dir, master);
  const db = openDatabase(join(dir, 'hub.sqlite'), { create: true });
  migrate(db, hubMigrations);
  db.useCells(sealedCells(keys, master));
  db.run("INSERT INTO facts (name, value) VALUES ('hubId', 'h1')");
  const documentId = randomBytes(16);
  const signed = signedCodec.encode({ bytes: headerCodec.encode({ parts: [] } as never) } as never);
  const cell = db.cells.begin();
  const seq = db.run(
    `INSERT INTO envelopes (envelope_id, document_id, sender, digest, signed, hops, salt, metadata, kind, urgency, accepted_ms, deliver_by_ms, receipt,
       ledger_sequence, from_peer, bytes, open_deliveries) VALUES (?, ?, 'u1', x'00', ?, x'', ?, ?, 1, 0, 1, 2, x'', 1, 'n1', 9, 0)`,
    randomBytes(16),
    documentId,
    signed,
    cell.seal(randomBytes(32)),
    cell.seal(Buffer.from('metadata')),
  ).lastRowId;
  const check = { findings: '[{"said":"zqfound"}]', parts: '[{}]', policy: '1' };
  insertHubCheck(db, { seq, nowMs: 1, cell }, { ...check, state: 'pending' });
  hubSafetyOps(db).settleCheck({ ...check, seq, state: 'held', secret: true, nowMs: 2 } as never);
  const found = db.sealedWith('SELECT findings, parts FROM checks');
  t.equal(found.length, 2);
  // What another system said of it, across a border.
  db.exec(`PRAGMA foreign_keys = OFF; INSERT INTO border_out (border, source, what, document_id, from_code, to_code, edxml_id, state, message_sha256,
    message_bytes, parts, not_carried, next_ms, made_ms) SELECT 'b', 'd1', 'edoc', document_id, '', '', 'e', 'made', x'', 0, '[]', '[]', 0, 0 FROM envelopes`);
  const border = borderOps({ db } as never, () => []);
  const later = { id: 1, nextMs: 9, code: 'axis-refused', words: 'zqsaid', certain: true };
  border.borderOutLater(later);
  border.borderOutRefused({ ...later, nowMs: 2 });
  border.borderInKeep({
    ...{
      border: 'b',
      foreignId: 'f',
      what: 'edoc',
      fromCode: '',
      toCode: '',
      state: 'held',
      ack: 'fail',
      messageKey: '',
    },
    ...{
      meaning: null,
      messageSha256: randomBytes(32),
      messageBytes: 1,
      parts: [],
      code: 'x',
      said: 'zqsaid',
      rule: '',
    },
    ...{ edxmlId: 'e', documentId, envelopeId: null, wrapper: null, document: null, reports: null, nowMs: 2 },
  });
  const said = [
    ...db.sealedWith('SELECT words FROM border_out'),
    ...db.sealedWith('SELECT said FROM border_in'),
  ];
  t.equal(said.length, 2);
  takedownActs(db).removalOrder({
    ...{ documentId, act: 'destroy', reason: '', operators: ['one', 'two'], acts: [] },
    ...{ decidedBy: 'h2', told: true, contents: [], nowMs: 3 },
  });
  const noted = JSON.parse(db.get<{ keys: string }>('SELECT keys FROM removals')!.keys) as number[];
  t.ok(
    [...found, ...said].every((id) => noted.includes(id)),
    'else they open in every backup',
  );
  t.equal(noted.length, 4, 'and the key of the document');
  t.match(db.get('SELECT words FROM border_out'), { words: '' });
  t.match(db.get('SELECT said FROM border_in'), { said: '' });
  db.close();
  keys.close();
  t.end();
});

t.test('an upload is sealed while it is on its way', async (t) => {
  const dir = temporaryDir('uploads');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const keys = openKeyStore(dir, randomBytes(32));
  const whole = randomBytes(3 * MiB + 17);
  const handed: Buffer[] = [];
  const open = () =>
    openUploads({
      dir,
      keys,
      clock: systemClock,
      assertRoom: () => {},
      addContent: async (body) => {
        handed.push(await collect(body as AsyncIterable<Uint8Array>));
        return { handle: 'h', lengthBytes: 0, sha256Hex: '' };
      },
    });
  let uploads = await open();
  const { upload } = await uploads.begin(7, whole.length);
  await uploads.append(7, { upload, offsetBytes: 0, body: pieces(whole.subarray(0, 2 * MiB), MiB + 5) });
  t.same(filesHolding(dir, whole.subarray(100, 164)), [], 'nothing in the clear');
  const [name] = fs.readdirSync(join(dir, 'uploads'));
  // Cut off in the middle of a record: it counts as not written.
  fs.appendFileSync(join(dir, 'uploads', name!), Buffer.from([0, 0, 1, 0, 9, 9]));
  uploads = await open();
  const { offsetBytes } = await uploads.look(7, upload);
  t.equal(offsetBytes, 2 * MiB, 'goes on where it was, in another process');
  t.equal(await codeOf(uploads.look(8, upload)), 'upload-unknown', 'nobody else has it');
  await uploads.append(7, { upload, offsetBytes, body: pieces(whole.subarray(offsetBytes)) });
  await uploads.finish(7, upload, 'u');
  t.ok(handed[0]!.equals(whole));
  t.same(fs.readdirSync(join(dir, 'uploads')), []);
  const second = await uploads.begin(7, 5);
  await uploads.append(7, { upload: second.upload, offsetBytes: 0, body: pieces(Buffer.from('abcde')) });
  const [path] = fs.readdirSync(join(dir, 'uploads')).map((each) => join(dir, 'uploads', each));
  const bytes = fs.readFileSync(path!);
  bytes.writeUInt8(bytes.at(-1)! ^ 1, bytes.length - 1);
  fs.writeFileSync(path!, bytes);
  t.equal(await codeOf(uploads.finish(7, second.upload, 'u')), 'content-damaged', 'a bit');
  keys.close();
});

const tpmTools = ['swtpm', 'systemd-creds'].every(
  (tool) => spawnSync(tool, ['--version']).error === undefined,
);
t.test(
  'a key in a TPM: sealed by systemd-creds, opened without anybody, and nowhere else',
  {
    skip: tpmTools
      ? false
      : 'install swtpm, libtss2-tcti-swtpm0, libtss2-esys-3.0.2-0, libtss2-rc0 and systemd 252 to try the TPM mode',
  },
  async (t) => {
    const dir = temporaryDir('tpm');
    const socket = join(dir, 'sock');
    fs.mkdirSync(join(dir, 'state'));
    const start = () => {
      // A TPM in software; systemd reaches it by its name for a TCTI driver. State outlives the process, as the chip's does.
      const tpm = spawn('swtpm', [
        ...['socket', '--tpm2', '--tpmstate', `dir=${join(dir, 'state')}`, '--flags', 'startup-clear'],
        ...['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${socket}.ctrl`],
      ]);
      return async () => {
        tpm.kill();
        if (tpm.exitCode === null && tpm.signalCode === null) await once(tpm, 'exit');
      };
    };
    let stop = start();
    const before = process.env.SYSTEMD_TPM2_DEVICE;
    process.env.SYSTEMD_TPM2_DEVICE = `swtpm:path=${socket}`;
    t.teardown(async () => {
      if (before === undefined) delete process.env.SYSTEMD_TPM2_DEVICE;
      else process.env.SYSTEMD_TPM2_DEVICE = before;
      await stop();
      fs.rmSync(dir, { recursive: true });
    });
    await eventually(async () => (fs.existsSync(`${socket}.ctrl`) ? true : undefined));
    const data = join(dir, 'data');
    fs.mkdirSync(data);
    const recovery = enableAtRest(data, { mode: 'tpm' });
    t.same(atRestState(data), { mode: 'tpm', recoveryConfirmed: false });
    const master = (await openMaster(data))!;
    t.same(master, await openMaster(data, { recovery }), 'the same key as the one on paper opens');
    t.same(filesHolding(data, master), [], 'nowhere in the clear');
    t.same(filesHolding(data, Buffer.from(master.toString('base64'))), []);
    fs.writeFileSync(join(data, 'config.json'), '{}');
    t.match(await exitOf(['at-rest', 'status', '--dir', data]), { code: 0, out: /tpm: .*TPM/ });
    await stop();
    fs.rmSync(socket, { force: true });
    t.equal(await codeOf(openMaster(data)), 'at-rest-key-missing', 'without the chip it does not open');
    stop = start();
    await eventually(async () => (fs.existsSync(socket) ? true : undefined));
    t.same(await openMaster(data), master, 'the machine after a start anew');
    await stop();
    fs.rmSync(join(dir, 'state'), { recursive: true });
    fs.mkdirSync(join(dir, 'state'));
    fs.rmSync(socket, { force: true });
    stop = start();
    await eventually(async () => (fs.existsSync(socket) ? true : undefined));
    t.equal(await codeOf(openMaster(data)), 'at-rest-key-missing', 'the disk in another machine');
    recoverAtRest(data, recovery, { mode: 'tpm', nowMs: 1 });
    t.same(await openMaster(data), master, 'bound to the new machine from paper');
  },
);

t.test('small values of a document share a box, and each opens alone', (t) => {
  const dir = temporaryDir('together');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const master = randomBytes(32);
  const keys = openKeyStore(dir, master);
  const cells = sealedCells(keys, master);
  type Value = string | Uint8Array | null;
  const box = (cell: Value): string =>
    Buffer.from(typeof cell === 'string' ? Buffer.from(cell.split(':').at(-1)!, 'base64') : cell!)
      .subarray(-16)
      .toString('hex');
  const opened = (cell: Value): Value =>
    typeof cell === 'string'
      ? cells.unsealText(cell)
      : cell && Buffer.from(cells.unseal(cell)).toString('latin1');
  const salt = Buffer.alloc(32, 0xe1);
  const said = [salt, 'Về việc báo cáo quý III', '', '12/UBND-VP', null, '[]', 'tờ trình.pdf'] as const;
  const sealed = cells.begin().together(...said);
  t.same(sealed.map(opened), [salt.toString('latin1'), ...said.slice(1)]);
  const holding = sealed.filter((cell) => cell !== null && cell !== '' && cell !== '[]');
  t.equal(new Set(holding.map(box)).size, 1, 'one box');
  t.ok(isSealedText(sealed[1]), 'a text that fsck takes for sealed');
  t.strictSame(
    [...new Set(holding.map((cell) => keyIdOf(cell!)))].length,
    1,
    'which a removal finds in each',
  );
  t.same([...holding].reverse().map(opened), holding.map(opened).reverse(), 'in any order');
  const again = sealedCells(keys, master);
  t.equal(again.unsealText(sealed[6]), said[6], 'by whoever opens only this one');

  const names = Array.from({ length: 200 }, (_, i) => `phụ lục ${i}.pdf`);
  const many = cells.begin().together(...names, 'x'.repeat(70_000));
  t.same(many.map(opened), [...names, 'x'.repeat(70_000)]);
  const copies = many.slice(0, -1).reduce((sum, cell) => sum + cell.length, 0);
  t.ok(copies < 200 * 600, 'copies do not grow with their number');
  t.ok(new Set(many.map(box)).size <= 200 / 4);

  const withMetadata = (bytes: number) =>
    cells.begin().together(salt, Buffer.alloc(bytes, 1), 'Về việc', '', 'tờ trình.pdf');
  const boxesOf = (some: readonly Value[]) => new Set(some.filter((cell) => cell !== '').map(box)).size;
  t.equal(boxesOf(withMetadata(120)), 1, 'short metadata join the titles');
  const [saltCell, long, ...titles] = withMetadata(400);
  t.equal(boxesOf([saltCell, ...titles]), 1, 'long ones leave them together');
  t.ok(long.length < 500, 'and are alone, with no copies');
  t.same(cells.unseal(long), Buffer.alloc(400, 1));

  const id = keyIdOf(sealed[1])!;
  t.equal(keyIdOf(cells.begin(id).text('thêm')), id, 'more cells can go with what is there');
  const spoilt = Buffer.from(sealed[0]);
  spoilt[spoilt.length - 1]! ^= 1;
  t.same(cells.unseal(spoilt), spoilt, 'what does not verify is not opened, whatever was opened last');
  t.equal(opened(sealed[1]), said[1]);
  keys.destroy([id]);
  t.same(
    [opened(sealed[1]), cells.unseal(sealed[0])],
    ['', sealed[0]],
    'nor is anything kept of a destroyed key',
  );
  t.same(opened(many[3]!), names[3]);
  keys.close();
  t.end();
});

t.test('what was handed in is sent from memory once, and only as long as the store has it', async (t) => {
  const dir = temporaryDir('fresh');
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  createStore(dir);
  enableAtRest(dir, { mode: 'key-file' });
  const rows = openDatabase(join(dir, storeFile));
  t.teardown(() => rows.close());
  rows.run(`INSERT INTO units (unit, code, name, added_ms) VALUES ('u', 'H08.35', 'UBND', 0)`);
  const opening = async () => {
    const atRest = await openAtRest(dir);
    const store = await openStore(dir, { keys: [], atRest });
    return Object.assign(store, { end: () => store.close().finally(() => atRest?.close()) });
  };
  let store = await opening();
  const metadata = Buffer.from('siêu dữ liệu');
  const content = Buffer.from('nội dung mới nộp');
  const parts = () => [
    {
      ...{ length: content.length, sha256: Buffer.alloc(32, 7), treeRoot: Buffer.alloc(32, 8) },
      ...{ name: 'a.txt', mediaType: 'text/plain', content: Buffer.from(content) },
    },
  ];
  const documentOf = (documentId: Uint8Array) => ({
    ...{ documentId, unit: 'u', idempotencyKey: `${Buffer.from(documentId).toString('hex')}` },
    ...{ requestDigest: randomBytes(32), kind: 1, urgency: 0, nowMs: 1, deliverByMs: null, replyByMs: 0 },
    ...{ links: '[]', status: null, salt: randomBytes(32), metadata, bytes: content.length, actor: 'a' },
    ...{ subject: 'Về việc', notation: '', number: '', evenIfDuplicate: true, parts: parts() },
    recipients: [{ unit: 'v', desk: '', group: '', groupVersion: 0 }],
  });
  /** Handed in as submit.ts does; answers the row of its envelope. */
  const handIn = async (): Promise<{ seq: number; documentId: Uint8Array }> => {
    const document = documentOf(randomBytes(16));
    store.fresh.keepSent(document);
    await store.write('submitDocument', document);
    for (const part of document.parts) releaseBytes(part.content);
    const { seq } = store.dueEnvelopes(1, { limit: 99, onlySealed: false }).at(-1)!;
    return { seq, documentId: document.documentId };
  };
  /** So that what comes from the store is not what was handed in. */
  const spoil = (seq: number, sets = `content = x'00'`) =>
    rows.run(
      `UPDATE out_parts SET ${sets} WHERE document_seq = (SELECT document_seq FROM envelopes WHERE seq = ?)`,
      seq,
    );
  const said = (seq: number) => {
    const { metadata: block, parts: some } = store.toSend(seq)!;
    return [block, some[0]!.content].map((bytes) => bytes && Buffer.from(bytes).toString());
  };
  const [asHandedIn, spoilt] = [
    [`${metadata}`, `${content}`],
    [`${metadata}`, '\u0000'],
  ];
  const { seq: first } = await handIn();
  spoil(first);
  t.same(said(first), asHandedIn, 'from memory; what was handed in was given back meanwhile');
  t.same(said(first), spoilt, 'once');
  const { seq: plain } = await handIn();
  const { seq: again } = await handIn();
  await store.end();
  store = await opening();
  t.same(said(plain), asHandedIn, 'the store has the same');
  spoil(again);
  t.same(said(again), spoilt, 'a start begins with nothing');
  const noWords = { subject: '', notation: '', people: '', places: '', files: '', rest: '', sortKey: '' };
  const searched = ({ direction, seq, at_ms: atMs }: Unindexed): SearchEntry => ({
    ...{ direction, seq, atMs, words: noWords, title: '', type: '' },
  });
  const words = (): string[] =>
    store.searchLevel(searched).map((row) => `${Buffer.from(row.metadata)} ${row.subject}`);
  t.same(words(), [], 'a start has its words from the rows');
  await handIn();
  rows.run(
    `UPDATE documents SET metadata = x'00', subject = '' WHERE seq = (SELECT max(seq) FROM documents)`,
  );
  t.same(words(), [`${metadata} Về việc`], 'the search has them from memory too');
  store.searchClear();
  t.same(
    store.searchFill(1, searched).map(({ subject }) => subject),
    [''],
    'once',
  );
  const { seq: other } = await handIn();
  spoil(other, `content = x'00', sha256 = zeroblob(32)`);
  t.same(said(other), spoilt, 'other bytes than the row says are not sent');
  const { seq: erased } = await handIn();
  spoil(erased, 'content = NULL');
  rows.run(
    'UPDATE documents SET salt = NULL, metadata = NULL WHERE seq = (SELECT document_seq FROM envelopes WHERE seq = ?)',
    erased,
  );
  t.same(said(erased), [null, null], 'what was erased is not sent, whoever erased it');
  const hidden = await handIn();
  spoil(hidden.seq);
  await store.write('reportSecret', {
    ...{ documentId: hidden.documentId, bytes: Buffer.alloc(1), actor: 'a', why: 'mật', nowMs: 2 },
  });
  t.same(said(hidden.seq), spoilt, 'nor is anything kept of what was hidden');
  const refused = documentOf(randomBytes(16));
  store.fresh.keepSent(refused);
  store.fresh.forgetSent(refused);
  await store.write('submitDocument', refused);
  const { seq: last } = store.dueEnvelopes(3, { limit: 99, onlySealed: false }).at(-1)!;
  spoil(last);
  t.same(said(last), spoilt, 'nor of what was not taken');
  await store.end();

  const fresh = createFresh();
  const id = (i: number) => Buffer.alloc(16, i);
  const keep = (i: number, nowMs: number) => {
    const [part] = parts();
    fresh.keepSent({ ...documentOf(id(i)), nowMs, parts: [{ ...part!, content: Buffer.alloc(256 * 1024) }] });
  };
  for (let i = 0; i < 40; i += 1) keep(i, 1);
  const kept = Array.from({ length: 40 }, (_, i) => fresh.takeBytes(id(i)) !== undefined);
  t.same(
    kept,
    kept.map((_, i) => i < 15),
    'bounded: the first, which are sent first, stay',
  );
  for (let i = 0; i < 40; i += 1) keep(i, 1);
  keep(40, 100_000);
  t.same(
    [fresh.takeBytes(id(0)), fresh.takeBytes(id(40)) !== undefined],
    [undefined, true],
    'what waits for long makes room',
  );
});

t.test('the master key in its modes', async (t) => {
  const folder = (): string => {
    const dir = temporaryDir('modes');
    t.teardown(() => fs.rmSync(dir, { recursive: true }));
    return dir;
  };
  t.equal(await openMaster(folder()), undefined, 'off');
  const file = folder();
  const recovery = enableAtRest(file, { mode: 'key-file' });
  t.match(recovery, /^([0-9A-Z]{4}-){12}[0-9A-Z]{4}$/);
  const master = await openMaster(file);
  t.same(
    await openMaster(file, { recovery: recovery.toLowerCase().replaceAll('-', ' ') }),
    master,
    'from paper',
  );
  t.equal(await codeOf(openMaster(file, { recovery: `0000${recovery.slice(4)}` })), 'recovery-key-wrong');
  t.same(atRestState(file), { mode: 'key-file', recoveryConfirmed: false });
  t.throws(() => confirmRecovery(file, `0000${recovery.slice(4)}`, 1), { code: 'recovery-key-wrong' });
  confirmRecovery(file, recovery, 1);
  t.same(atRestState(file), { mode: 'key-file', recoveryConfirmed: true });
  t.throws(() => enableAtRest(file, { mode: 'key-file' }), { code: 'dir-exists' });
  fs.rmSync(join(file, 'keys/at-rest.key'));
  t.equal(await codeOf(openMaster(file)), 'at-rest-key-missing');

  if (!fs.existsSync('/dev/tpmrm0')) {
    const bare = folder();
    t.throws(() => enableAtRest(bare, { mode: 'tpm' }), { code: 'config-invalid' }, 'no TPM, no promise');
    t.equal(atRestState(bare), undefined);
  }

  const typed = folder();
  t.throws(() => enableAtRest(typed, { mode: 'passphrase', passphrase: 'ngắn' }), { code: 'config-invalid' });
  enableAtRest(typed, { mode: 'passphrase', passphrase: 'mười hai chữ trở lên' });
  const opened = await openMaster(typed, { passphrase: () => 'mười hai chữ trở lên'.normalize('NFD') });
  t.equal(opened?.length, 32, 'however the letters were typed');
  t.equal(
    await codeOf(openMaster(typed, { passphrase: () => 'mười hai chữ trở xuống' })),
    'key-passphrase-wrong',
  );
  t.equal(await codeOf(openMaster(typed)), 'at-rest-key-missing');
  t.equal(
    filesHolding(typed, opened!).length + filesHolding(typed, Buffer.from(opened!.toString('base64'))).length,
    0,
    'nowhere in the clear',
  );

  const keys = openKeyStore(typed, opened!);
  const cells = sealedCells(keys, opened!);
  const cell = cells.begin();
  const sealed = cell.seal(Buffer.from('trích yếu'));
  t.same(Buffer.from(cells.unseal(sealed)).toString(), 'trích yếu');
  t.same(cells.unseal(Buffer.from('cũ')), Buffer.from('cũ'), 'rows from before stay readable');
  const text = cell.text('trích yếu');
  t.equal(cells.unsealText(text), 'trích yếu');
  t.equal(cells.unsealText('cũ'), 'cũ');
  t.equal(cells.unsealText(cell.text(text)), text, 'whatever a person writes comes back as written');
  t.equal(cell.text(''), '');
  t.equal(cells.compared('12/UBND'), sealedCells(keys, opened!).compared('12/UBND'));
  t.not(cells.compared('12/UBND'), sealedCells(keys, randomBytes(32)).compared('12/UBND'));
  keys.destroy([keyIdOf(text)!]);
  t.equal(cells.unsealText(text), '', 'a destroyed key stops no list');
  keys.close();
});

t.test(
  'real programs on encrypted folders: old rows stay, new ones are nowhere in the clear, and a backup needs the keys',
  async (t) => {
    const hub = await startTestHub();
    const a = await openOffice(hub.hub, 'H08.35.12');
    const b = await openOffice(hub.hub, 'H08.35.13');
    t.teardown(async () => {
      await Promise.all([a.node.close(), b.node.close()]);
      await hub.close();
    });
    await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);
    let serial = 0;
    // A word of its own in every field, so that it is seen which one lies somewhere in the clear.
    const fields = [
      'subject',
      'notation',
      'type',
      'signer',
      'sphere',
      'place',
      'file',
      'note',
      'related',
    ] as const;
    const mark = (field: (typeof fields)[number], n: number) => `zq${field}${n}x`;
    const send = async (words: string, large: Buffer) => {
      serial += 1;
      const upload = await a.fetch('/v1/uploads', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(large),
      });
      const { uploadId } = (await upload.json()) as { uploadId: string };
      const answer = await a.fetch('/v1/documents', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          idempotencyKey: `k${serial}`,
          recipients: ['H08.35.13'],
          subject: `Về việc ${mark('subject', serial)}`,
          number: String(serial),
          notation: mark('notation', serial),
          type: mark('type', serial),
          issueDate: '2026-11-20',
          signers: [{ name: mark('signer', serial), position: 'Chủ tịch', competence: '' }],
          sphere: mark('sphere', serial),
          otherPlaces: [mark('place', serial)],
          related: [
            {
              relation: 'relates',
              number: '9',
              notation: mark('related', serial),
              issuer: 'x',
              issueDate: '2026-11-01',
            },
          ],
          note: `${words} ${mark('note', serial)}`,
          parts: [
            {
              name: `${mark('file', serial)}.txt`,
              mediaType: 'text/plain',
              contentBase64: Buffer.from(`nhỏ ${words}`).toString('base64'),
            },
            { name: 'lon.bin', mediaType: 'application/octet-stream', uploadId },
          ],
        }),
      });
      const said = (await answer.json()) as { documentId: string };
      const { documentId } = said;
      t.ok(documentId, JSON.stringify(said));
      await eventually(
        async () => ((await a.node.edge.show(documentId)).state === 'delivered' ? true : undefined),
        400,
      );
      return documentId;
    };
    const first = randomBytes(400_000);
    const before = await send('trước khi mã hoá', first);
    await Promise.all([a.node.close(), b.node.close()]);
    const on = await exitOf(['at-rest', 'enable', '--dir', a.dir, '--mode', 'key-file', '--json']);
    t.equal(on.code, 0, on.err);
    enableAtRest(b.dir, { mode: 'key-file' });
    await hub.restart(() => enableAtRest(hub.dir, { mode: 'key-file' }));
    a.node = await startNode({ dir: a.dir, log: quiet });
    b.node = await startNode({ dir: b.dir, log: quiet });
    const words = 'một câu không ai khác viết 7f3a9c';
    const large = randomBytes(700_000);
    const documentId = await send(words, large);
    t.equal(
      (await a.node.edge.show(before)).metadata?.note,
      `trước khi mã hoá ${mark('note', 1)}`,
      'what was there stays readable',
    );
    t.equal((await b.node.edge.show(documentId)).metadata?.note, `${words} ${mark('note', 2)}`);
    const titles = async (text: string) =>
      (await b.node.edge.inbox({ text })).rows.map(({ subject }) => subject);
    for (const n of [1, 2]) {
      t.same(
        await titles(mark('notation', n)),
        [`Về việc ${mark('subject', n)}`],
        'lists show and narrow as before',
      );
      const found = await eventually(async () => {
        const { rows } = await b.node.edge.find({ text: mark('file', n) });
        return rows.length > 0 ? rows : undefined;
      });
      t.equal(found[0]?.subject, `Về việc ${mark('subject', n)}`, 'found by the name of a file');
    }
    const twice = await a.fetch('/v1/documents', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        idempotencyKey: 'same number',
        recipients: ['H08.35.13'],
        subject: 'x',
        number: '1',
        notation: mark('notation', 1),
        type: 'x',
        issueDate: '2026-11-20',
        parts: [{ name: 'x.txt', mediaType: 'text/plain', contentBase64: 'eA==' }],
      }),
    });
    t.equal(twice.status, 409, 'a number that was used is known, of before encryption too');
    const inTheClear = () =>
      [a.dir, b.dir, hub.dir].flatMap((dir) =>
        [1, 2].flatMap((n) =>
          fields.flatMap((field) =>
            filesHolding(dir, Buffer.from(mark(field, n))).map((path) => `${field} ${n}: ${path}`),
          ),
        ),
      );
    t.same(inTheClear(), [], 'no word of a document is in any file while the programs run');
    const partOf = async (id: string) =>
      Buffer.from(await (await b.fetch(`/v1/inbox/${id}/parts/1`)).arrayBuffer());
    t.ok((await partOf(documentId)).equals(large));
    await eventually(async () =>
      [a.dir, b.dir, hub.dir].every((dir) => filesHolding(dir, first.subarray(1000, 1064)).length === 0),
    );
    t.ok((await partOf(before)).equals(first), 'files of before are sealed while the programs run');
    const status = await exitOf(['at-rest', 'status', '--dir', a.dir]);
    t.match(status.out, /key-file: .*CHỈ bảo vệ bản sao lưu/);
    await Promise.all([a.node.close(), b.node.close()]);
    t.same(inTheClear(), [], 'nor after they ended');
    for (const dir of [a.dir, b.dir, hub.dir]) {
      t.same(filesHolding(dir, Buffer.from(`nhỏ ${words}`)), [], `small part, ${dir}`);
      t.same(filesHolding(dir, large.subarray(1000, 1064)), [], `large part, ${dir}`);
    }
    t.same(
      (await fsckHub({ dir: hub.dir })).findings.filter(({ severity }) => severity === 'fault'),
      [],
    );
    const checked = await fsckNode({ dir: a.dir, clock: systemClock });
    t.same(checked.problems, []);
    t.match(checked.notes, [/recovery key has not been confirmed/]);
    const { recovery } = JSON.parse(on.out) as { recovery: string };
    confirmRecovery(a.dir, recovery, 1);
    t.same((await fsckNode({ dir: a.dir, clock: systemClock })).notes, []);
    const to = join(temporaryDir('backup'), 'set');
    t.equal((await exitOf(['node', 'backup', '--dir', a.dir, '--to', to])).code, 0);
    t.notOk(
      fs
        .readdirSync(to, { recursive: true })
        .some((name) => String(name).includes('at-rest.key') || String(name).includes('content-keys')),
      'no key in it',
    );
    // Restored on another machine: content keys from beside the set, the master key from paper.
    const restored = join(temporaryDir('restored'), 'node');
    const back = await exitOf(['node', 'restore', '--from', to, '--dir', restored]);
    t.equal(back.code, 0, back.err);
    t.match(back.err, /Trước khi chạy: lienthong at-rest recover --dir/, 'it says what is missing');
    t.equal(await codeOf(openMaster(restored)), 'at-rest-key-missing');
    const paper = join(temporaryDir('paper'), 'key');
    fs.writeFileSync(paper, `${recovery}\n`, { mode: 0o600 });
    const recovered = await exitOf([
      ...['at-rest', 'recover', '--dir', restored, '--mode', 'key-file', '--key-file', paper],
    ]);
    t.equal(recovered.code, 0, recovered.err);
    t.same(
      (await fsckNode({ dir: restored, clock: systemClock })).problems,
      [],
      'and everything in it opens',
    );
    // A destroyed key is taken out of the copy beside the backup too.
    const again = openKeyStore(a.dir, (await openMaster(a.dir))!);
    const generations = join(
      to,
      '..',
      fs.readdirSync(join(to, '..')).find((name) => name.startsWith('lienthong-keys-'))!,
    );
    t.equal(fs.readdirSync(generations).filter((name) => name.endsWith('.sqlite')).length, 1);
    const master = (await openMaster(a.dir))!;
    const held = (id: number) => {
      const [name] = fs.readdirSync(generations).filter((each) => each.endsWith('.sqlite'));
      const copy = temporaryDir('copy');
      fs.copyFileSync(join(generations, name!), join(copy, 'content-keys.sqlite'));
      const keys = openKeyStore(copy, master);
      try {
        return keys.find(id) !== undefined;
      } finally {
        keys.close();
        fs.rmSync(copy, { recursive: true });
      }
    };
    t.ok(held(1));
    again.destroy([1]);
    t.notOk(held(1));
    t.ok(held(2), 'and no other');
    again.close();
  },
);

t.test(
  'a secret found later is hidden at once, destroyed by two operators everywhere, and nowhere on any disk afterwards',
  async (t) => {
    const above = removing(await startTestHub({ code: 'H08' }));
    const hub = removing(await startTestHub({ code: 'H08.35', rootDir: join(above.dir, 'root') }));
    await hang(hub, above);
    const a = await openOffice(hub.hub, 'H08.35.12');
    const b = await openOffice(hub.hub, 'H08.35.13');
    const c = await openOffice(hub.hub, 'H08.35.14');
    const d = await openOffice(above.hub, 'H08.01');
    const { order } = hub;
    const operators = await hub.named('mot', 'hai');
    t.teardown(async () => {
      await Promise.all([a.node.close(), b.node.close(), c.node.close(), d.node.close()]);
      await hub.close();
      await above.close();
    });
    await seeEachOther([a, b, c, d], ['H08.35.12', 'H08.35.13', 'H08.35.14', 'H08.01']);
    const sendFrom = async (from: Office, recipients: string[], note: string) => {
      const answer = await from.fetch('/v1/documents', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          idempotencyKey: `k${note.length}`,
          recipients,
          subject: 'Về việc thử',
          note,
          parts: [
            { name: 'a.txt', mediaType: 'text/plain', contentBase64: Buffer.from(note).toString('base64') },
          ],
        }),
      });
      const { documentId } = (await answer.json()) as { documentId: string };
      await eventually(
        async () => ((await from.node.edge.show(documentId)).state === 'delivered' ? true : undefined),
        600,
      );
      return documentId;
    };
    const words = 'toạ độ kho số bảy 93c1e7';
    const large = randomBytes(600_000);
    const json = { 'content-type': 'application/json' };
    const octets = { 'content-type': 'application/octet-stream' };
    const upload = async () =>
      (await (
        await a.fetch('/v1/uploads', { method: 'POST', headers: octets, body: new Uint8Array(large) })
      ).json()) as { uploadId?: string; code?: string };
    const { uploadId } = await upload();
    const parts = [
      {
        name: `${words}.txt`,
        mediaType: 'text/plain',
        contentBase64: Buffer.from(`nội dung: ${words}`).toString('base64'),
      },
      { name: 'ban-do.bin', mediaType: 'application/octet-stream', uploadId },
    ];
    const answer = await a.fetch('/v1/documents', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({
        idempotencyKey: 'mat',
        recipients: ['H08.35.13', 'H08.35.14', 'H08.01'],
        subject: `Về ${words}`,
        note: words,
        parts,
      }),
    });
    const { documentId } = (await answer.json()) as { documentId: string };
    await eventually(
      async () => ((await a.node.edge.show(documentId)).state === 'delivered' ? true : undefined),
      600,
    );
    await c.node.close();
    const set = join(temporaryDir('set'), 'hub');
    await backupHub({ dir: hub.dir, to: set, version: 'test', clock: systemClock });

    const said = await b.fetch(`/v1/documents/${documentId}/report-secret`, {
      method: 'POST',
      headers: json,
      body: '{"reason":"có toạ độ quân sự","direction":"in"}',
    });
    t.equal(said.status, 200, JSON.stringify(await said.clone().json()));
    t.match(
      await (await b.fetch(`/v1/inbox/${documentId}/parts/0`)).json(),
      { code: 'document-held' },
      'hidden at once',
    );
    const shown = (await (await b.fetch(`/v1/inbox/${documentId}`)).json()) as { metadata?: object };
    t.equal(shown.metadata, undefined);
    await eventually(async () =>
      hub.hub.store.reader.get('SELECT 1 FROM secret_reports') ? true : undefined,
    );

    await t.rejects(order('mot', documentId, 'destroy'), { code: 'document-state-refused' }, 'hidden first');
    const hidden = await exitOf([
      ...['hub', 'takedown', 'hide', documentId, '--dir', hub.dir, '--reason', 'báo cáo của H08.35.13'],
      ...['--key', operators.file, '--key-passphrase-file', operators.passphraseFile],
    ]);
    t.equal(hidden.code, 0, hidden.err);
    t.match(hidden.out, /mot ký \(signs\): ẨN/);
    await t.rejects(order('mot', documentId, 'destroy'), { code: 'same-person-refused' });
    await t.rejects(
      order('hai', documentId, 'destroy', (act) => ({ ...act, contentsDigest: randomBytes(32) })),
      { code: 'document-state-refused' },
      'a hub cannot add contents to what was signed',
    );
    await t.rejects(
      order('hai', documentId, 'destroy', (act) => act, 'mot'),
      { code: 'signer-unknown' },
      'nobody signs in the name of another',
    );
    await eventually(
      async () => ((await a.node.edge.show(documentId)).metadata === undefined ? true : undefined),
      400,
    );
    const { removals } = await order('hai', documentId, 'destroy');
    t.equal(removals.length, 2);
    const confirmed = (code: string, from = hub, id = documentId) =>
      eventually(async () => {
        const peer = (await removal(from, id)).at(-1)!.peers.find(({ unit }) => unit === code);
        return peer?.confirmedMs ? peer : undefined;
      }, 600);
    t.match(await confirmed('H08.35.12'), { found: true });
    await confirmed('H08.35.13');
    t.match(
      (await removal(hub, documentId)).at(-1)!.peers.find(({ unit }) => unit === 'H08.35.14'),
      { confirmedMs: null },
      'who was away is listed',
    );
    c.node = await startNode({ dir: c.dir, log: quiet });
    await confirmed('H08.35.14');
    t.match(await confirmed('Văn phòng H08'), { hub: true, found: true }, 'the hub above says so of itself');
    t.match(await confirmed('H08.01'), { via: 'Văn phòng H08' }, 'and brings the signed word of its unit');

    for (const [name, dir] of [
      ['hub', hub.dir],
      ['sender', a.dir],
      ['receiver', b.dir],
      ['away', c.dir],
      ['hub above', above.dir],
      ['its office', d.dir],
    ] as const)
      for (const [what, bytes] of [
        ['words', Buffer.from(words)],
        ['small part', Buffer.from(`nội dung: ${words}`)],
        ['large part', large.subarray(5000, 5064)],
      ] as const)
        t.same(filesHolding(dir, bytes), [], `${what} on the disk of the ${name}`);
    t.same(
      (await fsckHub({ dir: hub.dir })).findings.filter(({ severity }) => severity === 'fault'),
      [],
      'the trace stays whole',
    );
    await c.node.close();
    t.same((await fsckNode({ dir: a.dir, clock: systemClock })).problems, [], 'also at the sender');
    t.same((await fsckNode({ dir: c.dir, clock: systemClock })).problems, [], 'and at a receiver');
    const trace = await a.node.edge.show(documentId);
    t.equal(trace.envelopes[0]?.recipients.length, 3);
    t.match(await upload(), { code: 'secrecy-refused' }, 'it does not come in again');
    const report = await exitOf(['hub', 'takedown', 'report', '--dir', hub.dir]);
    t.match(report.out, /HUỶ \/ DESTROY/);
    t.match(report.out, /bởi mot và hai, Văn phòng H08\.35/);
    t.match(report.out, /H08\.35\.14: xác nhận/);
    t.match(report.out, /trung tâm Văn phòng H08: xác nhận/);

    // The other way: operators of the hub above, a document that it only passed on.
    const second = await sendFrom(b, ['H08.01'], 'hai mươi ba 5ac0');
    await above.named('ba', 'bon');
    await above.order('ba', second, 'hide');
    await above.order('bon', second, 'destroy');
    await confirmed('H08.35.13', above, second);
    t.same(filesHolding(hub.dir, Buffer.from('hai mươi ba 5ac0')), [], 'at the hub below');
    t.same(filesHolding(b.dir, Buffer.from('hai mươi ba 5ac0')), [], 'at its office');

    // A hub that leaves the operators out is not obeyed, and not by its own next start.
    const third = await sendFrom(a, ['H08.35.13'], 'ba mươi tư chữ');
    const forged = {
      documentId: uuidToBytes(parseDocumentId(third)),
      act: 'destroy',
      told: true,
      reason: '',
    };
    const invented = { operators: ['mot', 'hai'], acts: [], decidedBy: hub.hub.hubId, contents: [] };
    await hub.hub.store.admin('removalOrder', { ...forged, ...invented, nowMs: systemClock.nowMs() });
    await hub.restart();
    await eventually(async () =>
      (await b.node.edge.status()).alarms.some(({ code }) => code === 'removal-refused') ? true : undefined,
    );
    t.equal((await b.node.edge.show(third)).metadata?.note, 'ba mươi tư chữ');

    // A hub that was restored to a time before it all: the nodes and the hub above bring the orders back.
    await hub.hub.close();
    fs.rmSync(hub.dir, { recursive: true });
    await restoreHub({ from: set, dir: hub.dir, clock: systemClock });
    await hub.restart();
    t.ok(filesHolding(hub.dir, Buffer.from(words)).length > 0, 'the backup still had it');
    await eventually(async () =>
      (await removal(hub, documentId)).some(({ act, doneHereMs }) => act === 'destroy' && doneHereMs)
        ? true
        : undefined,
    );
    t.same(filesHolding(hub.dir, Buffer.from(`nội dung: ${words}`)), [], 'destroyed again');
    t.match(await upload(), { code: 'secrecy-refused' });
  },
);
