// Encryption at rest: the format of sealed files, the three ways of holding the key, and real nodes and a hub whose disks are searched for what
// was sent through them.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fsckNode } from '../edge-node/fsck.ts';
import { startNode } from '../edge-node/main.ts';
import { fsckHub } from '../hub/fsck.ts';
import { injected } from '../hub/offline.ts';
import { createChunkHasher } from '../protocol/chunks.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { sealedCells } from '../protocol/node/at-rest/cells.ts';
import { openKeyStore } from '../protocol/node/at-rest/key-store.ts';
import { atRestState, confirmRecovery, enableAtRest, openMaster } from '../protocol/node/at-rest/master.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openContentStore } from '../protocol/node/content-store.ts';
import { filesHolding } from './support/disk-search.ts';
import { quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, openOffice, seeEachOther } from './support/office.ts';
import { exitOf } from './support/processes.ts';

type Removal = { act: string; peers: { unit: string; confirmedMs: number | null; found: boolean | null }[] };
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
    'key-file-missing',
    'never opened without its keys',
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
  t.equal(await codeOf(openMaster(file, { recovery: `0000${recovery.slice(4)}` })), 'key-file-invalid');
  t.same(atRestState(file), { mode: 'key-file', recoveryConfirmed: false });
  t.throws(() => confirmRecovery(file, `0000${recovery.slice(4)}`, 1), { code: 'key-file-invalid' });
  confirmRecovery(file, recovery, 1);
  t.same(atRestState(file), { mode: 'key-file', recoveryConfirmed: true });
  t.throws(() => enableAtRest(file, { mode: 'key-file' }), { code: 'dir-exists' });
  fs.rmSync(join(file, 'keys/at-rest.key'));
  t.equal(await codeOf(openMaster(file)), 'key-file-missing');

  const typed = folder();
  t.throws(() => enableAtRest(typed, { mode: 'passphrase', passphrase: 'ngắn' }), { code: 'config-invalid' });
  enableAtRest(typed, { mode: 'passphrase', passphrase: 'mười hai chữ trở lên' });
  const opened = await openMaster(typed, { passphrase: () => 'mười hai chữ trở lên'.normalize('NFD') });
  t.equal(opened?.length, 32, 'however the letters were typed');
  t.equal(
    await codeOf(openMaster(typed, { passphrase: () => 'mười hai chữ trở xuống' })),
    'key-file-invalid',
  );
  t.equal(await codeOf(openMaster(typed)), 'key-file-missing');
  t.equal(
    filesHolding(typed, opened!).length + filesHolding(typed, Buffer.from(opened!.toString('base64'))).length,
    0,
    'nowhere in the clear',
  );

  const keys = openKeyStore(typed, opened!);
  const cell = sealedCells(keys).begin();
  const sealed = cell.seal(Buffer.from('trích yếu'));
  t.same(Buffer.from(sealedCells(keys).unseal(sealed)).toString(), 'trích yếu');
  t.same(sealedCells(keys).unseal(Buffer.from('cũ')), Buffer.from('cũ'), 'rows from before stay readable');
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
          subject: 'Về việc thử',
          note: words,
          parts: [
            {
              name: 'nho.txt',
              mediaType: 'text/plain',
              contentBase64: Buffer.from(`nhỏ ${words}`).toString('base64'),
            },
            { name: 'lon.bin', mediaType: 'application/octet-stream', uploadId },
          ],
        }),
      });
      const { documentId } = (await answer.json()) as { documentId: string };
      await eventually(
        async () => ((await a.node.edge.show(documentId)).state === 'delivered' ? true : undefined),
        400,
      );
      return documentId;
    };
    const before = await send('trước khi mã hoá', randomBytes(400_000));
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
      'trước khi mã hoá',
      'what was there stays readable',
    );
    t.equal((await b.node.edge.show(documentId)).metadata?.note, words);
    const part = Buffer.from(await (await b.fetch(`/v1/inbox/${documentId}/parts/1`)).arrayBuffer());
    t.ok(part.equals(large));
    const status = await exitOf(['at-rest', 'status', '--dir', a.dir]);
    t.match(status.out, /key-file: .*CHỈ bảo vệ bản sao lưu/);
    await Promise.all([a.node.close(), b.node.close()]);
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
  },
);

t.test(
  'a secret found later is hidden at once, destroyed by two operators everywhere, and nowhere on any disk afterwards',
  async (t) => {
    const hub = await startTestHub();
    const a = await openOffice(hub.hub, 'H08.35.12');
    const b = await openOffice(hub.hub, 'H08.35.13');
    const c = await openOffice(hub.hub, 'H08.35.14');
    t.teardown(async () => {
      await Promise.all([a.node.close(), b.node.close(), c.node.close()]);
      await hub.close();
    });
    await seeEachOther([a, b, c], ['H08.35.12', 'H08.35.13', 'H08.35.14']);
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
        recipients: ['H08.35.13', 'H08.35.14'],
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

    const order = (account: string, act: 'hide' | 'destroy') =>
      injected(hub.hub, { account, host: 'test' })<{ removals: Removal[] }>(
        'POST',
        `/admin/v1/removals/${documentId}`,
        { act, reason: 'báo cáo của H08.35.13' },
      );
    await t.rejects(order('mot', 'destroy'), { code: 'document-state-refused' }, 'hidden first');
    await order('mot', 'hide');
    await t.rejects(order('mot', 'destroy'), { code: 'same-person-refused' });
    await eventually(
      async () => ((await a.node.edge.show(documentId)).metadata === undefined ? true : undefined),
      400,
    );
    const { removals } = await order('hai', 'destroy');
    t.equal(removals.length, 2);
    const removal = () =>
      injected(hub.hub, { account: 'mot', host: 'test' })<{ removals: Removal[] }>(
        'GET',
        `/admin/v1/removals?document=${documentId}`,
      );
    const confirmed = (code: string) =>
      eventually(async () => {
        const peer = (await removal()).removals[1]!.peers.find(({ unit }) => unit === code);
        return peer?.confirmedMs ? peer : undefined;
      }, 400);
    t.match(await confirmed('H08.35.12'), { found: true });
    await confirmed('H08.35.13');
    t.match(
      (await removal()).removals[1]!.peers.find(({ unit }) => unit === 'H08.35.14'),
      { confirmedMs: null },
      'who was away is listed',
    );
    c.node = await startNode({ dir: c.dir, log: quiet });
    await confirmed('H08.35.14');

    for (const [name, dir] of [
      ['hub', hub.dir],
      ['sender', a.dir],
      ['receiver', b.dir],
      ['away', c.dir],
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
    const trace = await a.node.edge.show(documentId);
    t.equal(trace.envelopes[0]?.recipients.length, 2);
    t.match(await upload(), { code: 'secrecy-refused' }, 'it does not come in again');
    const report = await exitOf(['hub', 'takedown', 'report', '--dir', hub.dir]);
    t.match(report.out, /HUỶ \/ DESTROY/);
    t.match(report.out, /H08\.35\.14: xác nhận/);
  },
);
