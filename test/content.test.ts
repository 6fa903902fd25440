// Content, from chunk hashes to resumable transfers: real files, real HTTP on loopback, a line that breaks. Proves that an
// acknowledged byte is never sent again, that a wrong byte never counts, and that nobody learns of another unit's content.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  createChunkHasher,
  leavesFromBytes,
  type PartDigest,
  treeRoot,
  verifyLeaves,
} from '../protocol/chunks.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { manualClock, systemClock } from '../protocol/node/clock.ts';
import { type ContentStore, openContentStore } from '../protocol/node/content-store.ts';
import { createHttpClient, type HttpClient } from '../protocol/node/http-client.ts';
import { downloadLink, uploadLink } from '../protocol/node/link-content.ts';
import { downloadPart, type UploadLink, type UploadSource, uploadPart } from '../protocol/node/transfer.ts';
import { createCutProxy } from './faults/cut-proxy.ts';
import { startContentHub } from './fixtures/content-hub.ts';

const MiB = 2 ** 20;
const clock = systemClock;
/** A folder of its own inside the test's folder. */
function folder(test: Test, name: string): string {
  const path = join(test.testdirName, name);
  fs.mkdirSync(path, { recursive: true });
  test.teardown(() => fs.rmSync(test.testdirName, { recursive: true, force: true }));
  return path;
}
/** Tests never wait for a back-off: what they prove does not depend on it. */
const hurried = { ...clock, sleep: () => clock.sleep(1) };

function digestOf(bytes: Uint8Array) {
  const hasher = createChunkHasher();
  hasher.update(bytes);
  return hasher.finish();
}
const hexed = (d: PartDigest) =>
  [d.lengthBytes, ...[d.sha256, d.treeRoot, d.leaves].map((b) => Buffer.from(b).toString('hex'))].join(' ');
async function* pieces(bytes: Uint8Array, pieceBytes = 60_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
function sourceOf(bytes: Uint8Array, unit = 'u1'): UploadSource {
  const { leaves, ...digest } = digestOf(bytes);
  const read = async ({ from, to }: { from: number; to: number }) => pieces(bytes.subarray(from, to));
  return { unit, ...digest, leaves: async () => leaves, read };
}
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (isExchangeError(error)) return error.code;
    throw error;
  }
}
async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of stream) all.push(piece);
  return Buffer.concat(all);
}
function clientAs(test: Test, port: number, peer: string): HttpClient['request'] {
  const client = createHttpClient({ origin: `http://127.0.0.1:${port}`, connections: 4 });
  test.teardown(() => client.destroy());
  return (options) => client.request({ ...options, headers: { ...options.headers, 'x-peer': peer } });
}
async function beginIn(store: ContentStore, bytes: Uint8Array, owner = 'u1'): Promise<string> {
  const id = randomUUID();
  await store.begin({ id, owner, ...digestOf(bytes) });
  return id;
}
const put = (store: ContentStore, id: string, bytes: Uint8Array, offsetBytes = 0) =>
  store.append(id, { offsetBytes, body: pieces(bytes) });

t.test('the chunk tree is that of RFC 6962', async (t) => {
  const sha = (...parts: (Uint8Array | string)[]) => {
    const h = createHash('sha256');
    for (const part of parts) h.update(part);
    return h.digest();
  };
  const naive = (leaves: Uint8Array[]): Uint8Array => {
    if (leaves.length === 0) return sha('');
    if (leaves.length === 1) return leaves[0]!;
    let k = 1;
    while (k * 2 < leaves.length) k *= 2;
    return sha(Uint8Array.of(1), naive(leaves.slice(0, k)), naive(leaves.slice(k)));
  };
  for (let n = 0; n < 70; n++) {
    const leaves = Array.from({ length: n }, (_, i) => sha(`${i}`));
    t.ok(Buffer.compare(naive(leaves), treeRoot(leaves)) === 0, `${n} leaves`);
  }
  const bytes = randomBytes(2 * MiB + 17);
  const chunks = [bytes.subarray(0, MiB), bytes.subarray(MiB, 2 * MiB), bytes.subarray(2 * MiB)];
  const leaves = chunks.map((c) => sha(Uint8Array.of(0), c));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 1_500_000 }), { maxLength: 8 }), async (cuts) => {
      const hasher = createChunkHasher();
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        hasher.update(bytes.subarray(at, at + cut));
        at += cut;
        if (at >= bytes.length) break;
      }
      const digest = hasher.finish();
      return (
        Buffer.compare(digest.treeRoot, naive(leaves)) === 0 &&
        Buffer.compare(digest.sha256, sha(bytes)) === 0
      );
    }),
    { numRuns: 20 },
  );
  const digest = digestOf(bytes);
  verifyLeaves(digest.leaves, digest.lengthBytes, digest.treeRoot);
  const refused = { code: 'upload-tree-malformed' };
  t.throws(() => verifyLeaves(digest.leaves, 5 * MiB, digest.treeRoot), refused);
  t.throws(() => verifyLeaves(digest.leaves, digest.lengthBytes, digest.sha256), refused);
  t.throws(() => leavesFromBytes(new Uint8Array(33)), refused);
  t.throws(() => leavesFromBytes(new Uint8Array(32 * 65_537)), refused);
  t.equal(digestOf(new Uint8Array(0)).leaves.length, 0);
});

t.test('content enters by a stream, is read in ranges, checked and removed', async (t) => {
  const dir = t.testdir();
  const store = await openContentStore({ dir, clock });
  for (const size of [0, 1, MiB - 1, MiB, MiB + 1, 9 * MiB + 3]) {
    const bytes = randomBytes(size);
    const digest = await store.addStream(pieces(bytes));
    t.equal(hexed(digest), hexed(digestOf(bytes)), `${size} bytes`);
    t.equal((await store.stat(digest.sha256))?.lengthBytes, size);
    t.ok((await store.leaves(digest.sha256)).length === digest.leaves.length);
    t.ok((await bytesOf(await store.read(digest.sha256))).equals(bytes));
    t.ok(
      (await bytesOf(await store.read(digest.sha256, { from: 5, to: 70_000 }))).equals(
        bytes.subarray(5, 70_000),
      ),
    );
    t.equal((await store.verify(digest.sha256)).ok, true);
  }
  const bytes = randomBytes(3 * MiB);
  await fsp.writeFile(join(dir, 'a file'), bytes);
  const { sha256 } = await store.addFile(join(dir, 'a file'));
  const hex = Buffer.from(sha256).toString('hex');
  const path = join(dir, 'content/sha256', hex.slice(0, 2), hex);
  t.equal(fs.statSync(path).mode & 0o777, 0o600);
  t.equal(fs.statSync(join(path, '..')).mode & 0o777, 0o700);
  const file = await fsp.open(path, 'r+');
  await file.write(Uint8Array.of(bytes[MiB]! ^ 1), 0, 1, MiB);
  await file.close();
  t.match(await store.verify(sha256), { ok: false, badChunks: [1] }, 'fsck names the bad chunk');
  await store.addStream(pieces(bytes));
  t.equal((await store.verify(sha256)).ok, true, 'the same content sent again mends the damage');
  await fsp.rm(`${path}.leaves`);
  t.equal((await store.leaves(sha256)).length, 96, 'a lost hash file is made again');
  await store.remove(sha256);
  await store.remove(sha256);
  t.equal(await store.stat(sha256), undefined);
  t.equal(await codeOf(store.read(sha256)), 'content-gone');
  t.equal(await codeOf(store.addStream(pieces(bytes), { lengthBytesMax: MiB })), 'part-too-large');
  await t.rejects(
    store.addStream(
      (async function* () {
        yield bytes;
        throw new Error('the disk of the clerk');
      })(),
    ),
    { message: 'the disk of the clerk' },
  );
  t.strictSame(await fsp.readdir(join(dir, 'content/tmp')), [], 'a broken stream leaves nothing');
  await fsp.writeFile(join(dir, 'content/store.json'), '{"format":2,"atRest":"plain"}');
  t.equal(await codeOf(openContentStore({ dir, clock })), 'schema-newer');
});

t.test('a partial counts only good chunks that are on disk', async (t) => {
  const dir = t.testdir();
  let store = await openContentStore({ dir, clock });
  const bytes = randomBytes(6 * MiB + 100);
  const id = await beginIn(store, bytes);
  t.equal(await codeOf(put(store, id, bytes, MiB)), 'upload-offset-wrong');

  t.comment('a broken body keeps whole chunks');
  const broken = (async function* () {
    yield bytes.subarray(0, MiB + 5000);
    throw new Error('cut');
  })();
  t.strictSame(await store.append(id, { offsetBytes: 0, body: broken }), { offsetBytes: MiB, ended: 'cut' });

  t.comment('a bad chunk costs itself; what lies behind it is kept');
  const flipped = Buffer.from(bytes);
  flipped[2 * MiB + 7]! ^= 4;
  t.equal(await codeOf(put(store, id, flipped.subarray(MiB, 5 * MiB), MiB)), 'upload-chunk-mismatch');
  t.equal((await store.partial(id)).offsetBytes, 2 * MiB);
  t.equal((await put(store, id, bytes.subarray(2 * MiB, 3 * MiB), 2 * MiB)).offsetBytes, 5 * MiB);
  t.equal(await codeOf(store.finish(id)), 'upload-offset-wrong');
  t.equal(
    await codeOf(put(store, id, randomBytes(3 * MiB), 5 * MiB)),
    'upload-chunk-mismatch',
    'too long and wrong',
  );

  t.comment('after a restart the bytes are asked; a tail of zeros is not believed');
  const data = join(dir, 'content/partial', id, 'data');
  await fsp.truncate(data, 5 * MiB - 100);
  await fsp.truncate(data, 6 * MiB);
  store = await openContentStore({ dir, clock });
  t.equal((await store.partial(id)).offsetBytes, 4 * MiB);
  await fsp.truncate(data, 2 * MiB + 1);
  store = await openContentStore({ dir, clock });
  t.equal((await store.partial(id)).offsetBytes, 2 * MiB);
  t.equal((await put(store, id, bytes.subarray(2 * MiB), 2 * MiB)).offsetBytes, bytes.length);
  t.equal(await store.stat(digestOf(bytes).sha256), undefined, 'nothing is visible before finish');
  store = await openContentStore({ dir, clock });
  t.match(await store.finish(id), { complete: true, offsetBytes: bytes.length });
  t.match(await store.finish(id), { complete: true }, 'idempotent');
  t.ok((await bytesOf(await store.read(digestOf(bytes).sha256))).equals(bytes));
  store = await openContentStore({ dir, clock });
  t.match(await store.partial(id), { complete: true }, 'completeness survives a restart');
  t.equal(await codeOf(put(store, id, bytes)), 'upload-complete');
  await store.remove(digestOf(bytes).sha256);
  t.equal(await codeOf(store.partial(id)), 'upload-unknown', 'and ends with the content');
});

t.test('a wrong whole digest drops the partial', async (t) => {
  const store = await openContentStore({ dir: t.testdir(), clock });
  const bytes = randomBytes(MiB + 1);
  const id = randomUUID();
  const sha256 = digestOf(randomBytes(3)).sha256;
  await store.begin({ id, owner: 'u1', ...digestOf(bytes), sha256 });
  await put(store, id, bytes);
  t.equal(await codeOf(store.finish(id)), 'upload-digest-mismatch');
  t.equal(await codeOf(store.finish(id)), 'upload-unknown');
  t.equal(await store.stat(sha256), undefined);
  t.strictSame(store.usage('u1'), { uploads: 0, bytes: 0 });
});

t.test('a second appender takes over from one that hangs', async (t) => {
  const store = await openContentStore({ dir: t.testdir(), clock });
  const bytes = randomBytes(4 * MiB);
  const id = await beginIn(store, bytes);
  const { promise: hanging, resolve: hangs } = Promise.withResolvers<void>();
  const halfOpen = (async function* () {
    yield bytes.subarray(0, 2 * MiB + 9);
    hangs();
    await new Promise(() => {});
  })();
  const first = store.append(id, { offsetBytes: 0, body: halfOpen });
  await hanging;
  t.equal(await codeOf(put(store, id, bytes)), 'upload-offset-wrong', 'the first has moved the offset');
  t.strictSame(await first, { offsetBytes: 2 * MiB, ended: 'stopped' });
  t.equal((await put(store, id, bytes.subarray(2 * MiB), 2 * MiB)).offsetBytes, 4 * MiB);
});

t.test('ids and digests are checked before they become paths', async (t) => {
  const dir = t.testdir();
  const store = await openContentStore({ dir, clock });
  const digest = digestOf(randomBytes(10));
  for (const id of ['../../etc', '..', '', 'a/b', `${randomUUID()}/..`, 'A'.repeat(36)]) {
    t.equal(await codeOf(store.begin({ id, owner: 'u1', ...digest })), 'id-malformed', id);
    t.equal(await codeOf(store.partial(id)), 'upload-unknown', id);
    t.equal(await codeOf(store.drop(id)), 'upload-unknown', id);
  }
  const path = Buffer.from('../../../../../../../../etc/passw');
  for (const sha256 of [path.subarray(0, 31), path, new Uint8Array(0)])
    t.equal(await codeOf(store.read(sha256)), 'digest-malformed');
  t.equal(await codeOf(store.read(path.subarray(0, 32))), 'content-gone');
});

t.test('idle partials and orphans are swept; what is referred to or fresh stays', async (t) => {
  const manual = manualClock(Date.now());
  const dir = t.testdir();
  const store = await openContentStore({ dir, clock: manual });
  const [kept, orphan, fresh] = [randomBytes(10), randomBytes(20), randomBytes(30)];
  await store.addStream(pieces(kept));
  await store.addStream(pieces(orphan));
  const idle = await beginIn(store, kept);
  await manual.advance(1000);
  const { sha256 } = await store.addStream(pieces(fresh));
  const busy = await beginIn(store, kept);
  const isKept = async (hash: Uint8Array) => Buffer.compare(hash, digestOf(kept).sha256) === 0;
  t.strictSame(await store.sweepOrphans(isKept, { olderThanMs: 500 }), { files: 1, bytes: 20 });
  t.equal(await store.stat(digestOf(orphan).sha256), undefined);
  t.ok(await store.stat(sha256));
  t.equal(await store.sweepPartials({ idleMs: 500 }), 1);
  t.equal(await codeOf(store.partial(idle)), 'upload-unknown');
  t.equal((await store.partial(busy)).offsetBytes, 0);
  await manual.advance(1000);
  t.equal(await store.touch(sha256), true);
  t.equal(await store.touch(digestOf(orphan).sha256), false);
  t.equal((await store.sweepOrphans(isKept, { olderThanMs: 500 })).files, 0, 'a touch protects');
  await fsp.rm(join(dir, 'content/partial', busy, 'meta.json'));
  await openContentStore({ dir, clock: manual });
  t.strictSame(await fsp.readdir(join(dir, 'content/partial')), [], 'a half-made partial is cleared at open');
});

/** Watches that no byte below an acknowledged offset is sent. */
function watched(link: UploadLink) {
  const seen = { acknowledged: 0, again: 0, appends: 0 };
  const heard = <T extends { offsetBytes: number }>(state: T): T => {
    seen.acknowledged = Math.max(seen.acknowledged, state.offsetBytes);
    return state;
  };
  const wrapped: UploadLink = {
    create: async (r) => heard(await link.create(r)),
    offset: async (id) => heard(await link.offset(id)),
    append: async (id, r) => {
      seen.appends += 1;
      seen.again += Math.max(0, seen.acknowledged - r.offsetBytes);
      return heard(await link.append(id, r));
    },
  };
  return { seen, link: wrapped };
}

t.test('an upload survives every kind of cut and sends no acknowledged byte again', async (t) => {
  const hub = await startContentHub(folder(t, 'hub'));
  t.teardown(hub.close);
  for (const how of ['reset', 'end', 'dialler-only'] as const) {
    const bytes = randomBytes(24 * MiB + 12_345);
    const proxy = await createCutProxy({
      target: { host: '127.0.0.1', port: hub.port },
      faults: (n) =>
        n % 3 === 2 ? { cutAfterDownBytes: 300, how } : { cutAfterUpBytes: 1_300_000 + n * 311_111, how },
    });
    t.teardown(proxy.close);
    const line = watched(uploadLink(clientAs(t, proxy.port, 'p1')));
    const source = sourceOf(bytes);
    const done = await uploadPart(line.link, source, { clock: hurried });
    t.equal(line.seen.again, 0, `${how}: acknowledged bytes sent again`);
    t.ok(done.cuts >= 3, `${how}: ${done.cuts} cuts, ${proxy.count.cuts} connections broken`);
    const beyond = done.carriedBytes - bytes.length;
    t.ok(beyond <= proxy.count.cuts * limits.appendBytesMax, `${how}: ${beyond} bytes beyond the size`);
    t.comment(
      `${how}: ${done.cuts} cuts, ${Math.round(beyond / 1024 / Math.max(1, done.cuts))} KiB beyond per cut`,
    );
    t.ok((await bytesOf(await hub.store.read(source.sha256))).equals(bytes));
    t.strictSame(hub.store.usage('u1').uploads, 0);
    const again = await uploadPart(line.link, source, { clock: hurried });
    t.equal(again.carriedBytes, 0, 'the same unit does not send the same content twice');
  }
});

t.test('a restart of the sender goes on with its upload id; a forgotten upload begins anew', async (t) => {
  const hub = await startContentHub(folder(t, 'hub'));
  t.teardown(hub.close);
  const request = clientAs(t, hub.port, 'p1');
  const bytes = randomBytes(12 * MiB);
  const source = sourceOf(bytes);
  const stop = new AbortController();
  let uploadId = '';
  const onProgress = (n: number) => {
    if (n >= 4 * MiB) stop.abort(new Error('power cut'));
  };
  const onUpload = (id: string) => {
    uploadId = id;
  };
  const half = { clock: hurried, signal: stop.signal, onProgress, onUpload };
  await t.rejects(uploadPart(uploadLink(request), source, half), { message: 'power cut' });
  const rest = await uploadPart(uploadLink(request), source, { clock: hurried, uploadId });
  t.equal(rest.uploadId, uploadId);
  t.ok(rest.carriedBytes <= 8 * MiB, `${rest.carriedBytes} bytes after the restart`);

  const other = sourceOf(randomBytes(MiB));
  const unknown = { clock: hurried, uploadId: randomUUID() };
  t.equal((await uploadPart(uploadLink(request), other, unknown)).carriedBytes, MiB);
  const lying: UploadSource = { ...other, sha256: source.sha256.map((b) => b ^ 1) };
  t.equal(await codeOf(uploadPart(uploadLink(request), lying, { clock: hurried })), 'upload-digest-mismatch');
  const empty = sourceOf(new Uint8Array(0));
  t.equal((await uploadPart(uploadLink(request), empty, { clock: hurried })).carriedBytes, 0);
  t.equal((await hub.store.stat(empty.sha256))?.lengthBytes, 0, 'an empty part is a part');
});

t.test('a flipped bit costs one chunk, both ways', async (t) => {
  const hub = await startContentHub(folder(t, 'hub'));
  t.teardown(hub.close);
  const proxy = await createCutProxy({
    target: { host: '127.0.0.1', port: hub.port },
    faults: () => ({ flipUpByte: 5_500_000, flipDownByte: 2_600_000 }),
  });
  t.teardown(proxy.close);
  const bytes = randomBytes(10 * MiB);
  const source = sourceOf(bytes);
  const up = await uploadPart(uploadLink(clientAs(t, proxy.port, 'p1')), source, { clock: hurried });
  t.match(up, { badChunks: 1, carriedBytes: 11 * MiB, cuts: 0 });

  hub.deliveries.set('p1/d1/0', source);
  const store = await openContentStore({ dir: folder(t, 'node'), clock });
  const wanted = { deliveryId: 'd1', part: 0, ...source };
  const down = await downloadPart(downloadLink(clientAs(t, proxy.port, 'p1')), store, wanted, {
    clock: hurried,
  });
  t.match(down, { badChunks: 1, carriedBytes: 11 * MiB, cuts: 0 });
  t.ok((await bytesOf(await store.read(source.sha256))).equals(bytes));
});

t.test('a download goes on after cuts and restarts from the byte on disk', async (t) => {
  const hub = await startContentHub(folder(t, 'hub'));
  t.teardown(hub.close);
  const bytes = randomBytes(30 * MiB + 77);
  const { sha256, lengthBytes, treeRoot } = await hub.store.addStream(pieces(bytes));
  hub.deliveries.set('p1/d1/3', { sha256, lengthBytes });
  const proxy = await createCutProxy({
    target: { host: '127.0.0.1', port: hub.port },
    faults: (n) => ({ cutAfterDownBytes: 1_500_000 + n * 777_777, how: n % 2 ? 'end' : 'reset' }),
  });
  t.teardown(proxy.close);
  const link = downloadLink(clientAs(t, proxy.port, 'p1'));
  const dir = folder(t, 'node');
  const wanted = { deliveryId: 'd1', part: 3, lengthBytes, sha256, treeRoot };
  let store = await openContentStore({ dir, clock });
  const stop = new AbortController();
  let before = 0;
  const onProgress = (n: number) => {
    before = n;
    if (n > 10 * MiB) stop.abort(new Error('power cut'));
  };
  await t.rejects(downloadPart(link, store, wanted, { clock: hurried, signal: stop.signal, onProgress }));
  t.equal(await store.stat(sha256), undefined);
  store = await openContentStore({ dir, clock });
  const rest = await downloadPart(link, store, wanted, { clock: hurried });
  const beyond = rest.carriedBytes - (bytes.length - before);
  t.ok(beyond <= (rest.cuts + 1) * MiB, `${rest.cuts} cuts, ${beyond} bytes beyond`);
  t.ok((await bytesOf(await store.read(sha256))).equals(bytes));
  t.ok(hub.touched.length > 0, 'the lease was renewed');
  t.equal((await downloadPart(link, store, wanted, { clock: hurried })).carriedBytes, 0);
  const other = { ...wanted, sha256: digestOf(randomBytes(1)).sha256, treeRoot: sha256 };
  t.equal(
    await codeOf(downloadPart(link, store, other, { clock: hurried, patienceMs: -1 })),
    'part-mismatch',
  );
  const foreign = downloadLink(clientAs(t, hub.port, 'p2'));
  const empty = await openContentStore({ dir: folder(t, 'other'), clock });
  t.equal(await codeOf(downloadPart(foreign, empty, wanted, { clock: hurried })), 'delivery-unknown');
});

t.test('the hub says nothing about what belongs to others, and keeps its bounds', async (t) => {
  const hub = await startContentHub(folder(t, 'hub'));
  t.teardown(hub.close);
  const base = `http://127.0.0.1:${hub.port}/v1`;
  const call = async (peer: string, method: string, path: string, more: RequestInit = {}) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      ...more,
      headers: { ...more.headers, 'x-peer': peer },
    });
    const text = await answer.text();
    const { requestId: _, instance: __, ...problem } = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: answer.status, problem, headers: answer.headers };
  };
  const create = (peer: string, bytes: Uint8Array, unit = peer.replace('p', 'u')) => {
    const d = digestOf(bytes);
    const [sha256, root, leaves] = [d.sha256, d.treeRoot, d.leaves].map((b) =>
      Buffer.from(b).toString('base64'),
    );
    const body = JSON.stringify({ unit, lengthBytes: d.lengthBytes, sha256, treeRoot: root, leaves });
    return call(peer, 'POST', '/uploads', { body, headers: { 'content-type': 'application/json' } });
  };
  const patch = (offset: string, complete: string, body: Uint8Array) => ({
    body: Buffer.from(body),
    headers: {
      'content-type': 'application/partial-upload',
      'upload-offset': offset,
      'upload-complete': complete,
    },
  });
  const bytes = randomBytes(MiB + 50);
  const begun = await create('p1', bytes);
  t.equal(begun.status, 201);
  t.equal(begun.headers.get('upload-offset'), '0');
  t.equal(begun.headers.get('upload-complete'), '?0');
  const path = begun.headers.get('location')!.replace('/v1', '');

  t.comment('a foreign id, a random id and a path: one answer');
  for (const method of ['HEAD', 'PATCH', 'DELETE']) {
    const more = method === 'PATCH' ? patch('0', '?0', bytes) : {};
    const foreign = await call('p2', method, path, more);
    const random = await call('p2', method, `/uploads/${randomUUID()}`, more);
    const odd = await call('p2', method, '/uploads/..%2f..%2fx', more);
    t.equal(foreign.status, 404);
    t.strictSame([foreign.status, foreign.problem], [random.status, random.problem], method);
    t.strictSame([foreign.status, foreign.problem], [odd.status, odd.problem], method);
  }
  t.equal((await create('p2', bytes, 'u1')).problem.code, 'peer-not-sender');

  const done = await call('p1', 'PATCH', path, patch('0', '?1', bytes));
  t.strictSame([done.status, done.headers.get('upload-complete')], [204, '?1']);
  t.equal(
    (await call('p1', 'HEAD', path)).headers.get('upload-complete'),
    '?1',
    'a lost last answer is found',
  );

  t.comment('content of another unit is like unknown content');
  const shape = (a: Awaited<ReturnType<typeof call>>) => [
    a.status,
    [...a.headers.keys()].sort(),
    a.headers.get('upload-offset'),
    a.headers.get('upload-complete'),
  ];
  t.strictSame(shape(await create('p2', bytes)), shape(await create('p2', randomBytes(MiB + 50))));
  t.equal((await create('p1', bytes)).headers.get('upload-complete'), '?1', 'its own content is known');

  t.comment('forms and bounds');
  const open = (await create('p3', bytes)).headers.get('location')!.replace('/v1', '');
  const wrong = await call('p3', 'PATCH', open, patch('7', '?0', bytes));
  t.strictSame(
    [wrong.status, wrong.problem.code, wrong.headers.get('upload-offset')],
    [409, 'upload-offset-wrong', '0'],
  );
  t.equal((await call('p3', 'PATCH', open, patch('0', 'yes', bytes))).problem.code, 'request-malformed');
  t.equal((await call('p3', 'PATCH', open, patch('0', '?0', new Uint8Array(5 * MiB)))).status, 413);
  const options = await call('p3', 'OPTIONS', '/uploads');
  t.match(options.headers.get('upload-limit'), /^max-size=\d+, max-append-size=4194304, max-age=604800$/);
  t.equal((await call('p3', 'DELETE', open)).status, 204);
  t.equal((await call('p3', 'HEAD', open)).status, 404);
  hub.quota.limitBytes = 4 * MiB;
  t.equal((await create('p4', randomBytes(3 * MiB))).status, 201);
  const many = await Promise.all([1, 2, 3].map(() => create('p4', randomBytes(600_000))));
  t.strictSame(
    many.map((a) => a.status).sort(),
    [201, 429, 429],
    'open uploads count, also when they come at once',
  );
  hub.quota.limitBytes = 2 ** 40;
  hub.disk.freeBytes = 3 * MiB;
  t.equal((await create('p5', randomBytes(MiB))).problem.code, 'disk-nearly-full');
  hub.disk.freeBytes = 2 ** 40;
  const burst = await Promise.all(Array.from({ length: 70 }, (_, i) => create('p6', Buffer.from(`${i}`))));
  t.equal(burst.filter((a) => a.status === 201).length, limits.uploadsOpenMax);
  t.equal(burst.filter((a) => a.problem.code === 'uploads-too-many').length, 6);

  t.comment('parts are read by delivery, in ranges');
  const { sha256, lengthBytes } = digestOf(bytes);
  const etag = `"${Buffer.from(sha256).toString('hex')}"`;
  hub.deliveries.set('p1/d1/0', { sha256, lengthBytes });
  hub.deliveries.set('p1/d1/1', { sha256, lengthBytes: 3, inlineBytes: Buffer.from('abc') });
  const get = async (range: string, more = {}, part = 0) => {
    const headers = { 'x-peer': 'p1', range, ...more };
    const a = await fetch(`${base}/deliveries/d1/parts/${part}`, { headers });
    return {
      status: a.status,
      range: a.headers.get('content-range'),
      etag: a.headers.get('etag'),
      body: Buffer.from(await a.arrayBuffer()),
    };
  };
  const some = await get('bytes=10-19');
  t.match(some, { status: 206, range: `bytes 10-19/${lengthBytes}`, etag });
  t.ok(some.body.equals(bytes.subarray(10, 20)));
  t.ok((await get('bytes=-7')).body.equals(bytes.subarray(-7)));
  t.ok((await get(`bytes=${MiB}-`)).body.equals(bytes.subarray(MiB)));
  t.match(await get(`bytes=${lengthBytes}-`), { status: 416, range: `bytes */${lengthBytes}` });
  t.equal((await get('bytes=0-1,4-5')).status, 200, 'several ranges: the whole, as RFC 9110 allows');
  t.equal((await get('bytes=5-9', { 'if-range': '"other"' })).status, 200);
  t.equal((await get('bytes=5-9', { 'if-range': etag })).status, 206);
  t.equal((await get('bytes=1-1', {}, 1)).body.toString(), 'b');
  for (const path of ['d1/parts/2', 'd2/parts/0', 'd1/parts/x', 'd1/parts/-1', '..%2f/parts/0'])
    t.equal((await call('p1', 'GET', `/deliveries/${path}`)).status, 404, path);
  t.equal((await call('p2', 'GET', '/deliveries/d1/parts/0')).problem.code, 'delivery-unknown');
});

type HubProcess = {
  readonly child: ChildProcess;
  readonly port: number;
  memory(): Promise<{ rssMiB: number; peakMiB: number }>;
};
async function hubProcess(test: Test, dir: string): Promise<HubProcess> {
  const file = join(import.meta.dirname, 'fixtures/content-hub.ts');
  const child = spawn(process.execPath, ['--max-old-space-size=64', file, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  test.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const { port } = JSON.parse((await lines.next()).value!);
  return {
    child,
    port,
    async memory() {
      child.stdin!.write('?');
      return JSON.parse((await lines.next()).value!);
    },
  };
}

t.test('memory stays constant under a part of 300 MB, and a killed hub goes on where it was', async (t) => {
  const dir = folder(t, 'hub');
  let hub = await hubProcess(t, dir);
  const own = await openContentStore({ dir: folder(t, 'node'), clock });
  const lengthBytes = 300_000_000;
  const block = randomBytes(MiB);
  const digest = await own.addStream(
    (async function* () {
      for (let at = 0; at < lengthBytes; at += MiB) {
        block.writeUInt32LE(at);
        yield block.subarray(0, Math.min(MiB, lengthBytes - at));
      }
    })(),
  );
  const source: UploadSource = {
    unit: 'u1',
    ...digest,
    leaves: async () => digest.leaves,
    read: (range) => own.read(digest.sha256, range),
  };
  const proxy = await createCutProxy({ target: { host: '127.0.0.1', port: hub.port } });
  const stop = new AbortController();
  let uploadId = '';
  let acknowledged = 0;
  const first = uploadPart(uploadLink(clientAs(t, hub.port, 'p1')), source, {
    clock: hurried,
    signal: stop.signal,
    onUpload: (id) => {
      uploadId = id;
    },
    onProgress: (n) => {
      acknowledged = n;
      if (n > 100 * MiB && hub.child.kill('SIGKILL')) stop.abort(new Error('killed'));
    },
  });
  await t.rejects(first, { message: 'killed' });
  hub = await hubProcess(t, dir);
  const link = uploadLink(clientAs(t, hub.port, 'p1'));
  t.ok(
    (await link.offset(uploadId)).offsetBytes >= acknowledged,
    'what was acknowledged is there after SIGKILL',
  );
  await uploadPart(link, source, { clock: hurried, uploadId });
  const { rssMiB, peakMiB } = await hub.memory();
  t.comment(`hub after 300 MB: RSS ${rssMiB} MiB, peak ${peakMiB} MiB`);
  t.ok(peakMiB < 250, `peak ${peakMiB} MiB`);
  await proxy.close();
});
