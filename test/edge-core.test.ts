// The node's core against a hub that misbehaves: real SQLite, real TLS and HTTP, real content folder.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createSigners, openDirectoryParts } from '../certs/signers.ts';
import { verifyProof } from '../certs/verify-proof.ts';
import { configDefaults, configSchema, type EdgeConfig } from '../edge-node/config.ts';
import type { Edge, SubmitRequest } from '../edge-node/core.ts';
import { startEdge } from '../edge-node/edge.ts';
import { inboxOps } from '../edge-node/store/inbox-ops.ts';
import { migrations } from '../edge-node/store/migrations.ts';
import { paths } from '../protocol/api.ts';
import { signedDirectoryCodec } from '../protocol/codec.ts';
import { createDirectory } from '../protocol/directory.ts';
import { catalogue } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { checkConfig } from '../protocol/node/config.ts';
import { createLogger } from '../protocol/node/logger.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { createDeployment, type Deployment, type TestNode } from './faults/deployment.ts';
import { type FaultyHub, startFaultyHub } from './faults/faulty-hub.ts';

const silent = createLogger({ level: 'silent', clock: systemClock, program: 'edge' });
const config = configDefaults as EdgeConfig;

type World = {
  deployment: Deployment;
  hub: FaultyHub;
  alpha: TestNode;
  beta: TestNode;
  start: (node: TestNode, extra?: { freeBytes?: () => number }) => Promise<Edge>;
};

async function world(test: Test): Promise<World> {
  const deployment = await createDeployment();
  const hub = await startFaultyHub(deployment);
  const alpha = await deployment.addNode([{ code: 'H01.1', name: 'Ủy ban nhân dân xã Đông Hà' }], hub.url);
  const beta = await deployment.addNode(
    [
      { code: 'H01.2', name: 'Sở Nội vụ' },
      { code: 'H01.3', name: 'Sở Tài chính' },
    ],
    hub.url,
  );
  const running = new Set<Edge>();
  test.teardown(async () => {
    await Promise.all([...running].map((edge) => edge.close()));
    await hub.close();
    deployment.close();
  });
  return {
    deployment,
    hub,
    alpha,
    beta,
    async start(node, extra = {}) {
      // Jitter at its shortest, so that a test waits half a second and not a whole one.
      const options = { dir: node.dir, config, clock: systemClock, log: silent, random: () => 0, ...extra };
      const edge = await startEdge(options);
      running.add(edge);
      return edge;
    },
  };
}

const letter = (key: string, to: readonly string[], more: Partial<SubmitRequest> = {}): SubmitRequest => ({
  idempotencyKey: key,
  to,
  metadata: { subject: `Về việc ${key}`, notation: 'QĐ-UBND' },
  parts: [{ name: 'van-ban.pdf', mediaType: 'application/pdf', content: Buffer.from(`noi dung ${key}`) }],
  ...more,
});

/** Looks until it holds; the test's own timeout is the bound. */
async function until<T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const inState = (edge: Edge, id: string, state: string) =>
  until(async () => {
    const shown = await edge.show(id);
    return shown.state === state ? shown : undefined;
  });
const connected = (edge: Edge) => until(async () => (await edge.status()).hub.state === 'connected');
async function read(edge: Edge, id: string, index: number, range = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of (await edge.readPart(id, index, range)).body) chunks.push(piece);
  return Buffer.concat(chunks);
}

t.test('a document reaches every recipient and the sender learns it, with evidence', async (t) => {
  const { hub, alpha, beta, start, deployment } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  const request = letter('k1', ['vanthu@h01.2', 'H01.3']);
  const { documentId, state } = await a.submit(request);
  t.equal(state, 'queued');
  const shown = await inState(a, documentId, 'delivered');
  t.same(
    shown.envelopes[0]!.recipients.map(({ code, desk, timeline }) => [
      code,
      desk,
      timeline.map(({ event }) => event),
    ]),
    [
      ['H01.2', 'vanthu', ['Queued', 'Sealed', 'SubmissionAcceptance', 'ContentHandover']],
      ['H01.3', '', ['Queued', 'Sealed', 'SubmissionAcceptance', 'ContentHandover']],
    ],
  );
  const [row] = (await b.inbox()).rows;
  t.match(row, { documentId, subject: 'Về việc k1', senderCode: 'H01.1' });
  t.equal((await read(b, documentId, 0)).toString(), 'noi dung k1');
  t.equal((await read(b, documentId, 0, { from: 4, to: 8 })).toString(), 'dung');
  const again = await a.submit(request);
  t.same(again, { documentId, state: 'delivered', duplicate: true });
  await t.rejects(a.submit(letter('k1', ['H01.2'])), { code: 'idempotency-conflict' });
  t.equal(hub.envelopes.size, 1);
  for (const edge of [a, b]) {
    const proof = await edge.proof(documentId, { withMetadata: true });
    const { facts } = verifyProof(proof, deployment.issuer.rootDer);
    t.equal(facts.recipients.length, 2);
  }
  t.same(
    a.searchDirectory('dong ha').map(({ code, here }) => [code, here]),
    [['H01.1', true]],
  );
  t.same(
    (await a.audit()).rows.map(({ act, about }) => [act, about]),
    [['submit', documentId]],
  );
});

t.test('what clerk or software did wrong is refused before anything is stored', async (t) => {
  const { alpha, start } = await world(t);
  const a = await start(alpha);
  await connected(a);
  await t.rejects(a.submit(letter('k', ['H99.9'])), { code: 'unit-unknown', detail: 'H99.9' });
  await t.rejects(a.submit(letter('k', [])), { code: 'recipients-none' });
  await t.rejects(a.submit(letter('k', ['H01.2', 'h01.2'])), { code: 'recipients-repeated' });
  const bad = { name: '../x', mediaType: 'text/plain', content: Buffer.from('x') };
  await t.rejects(a.submit(letter('k', ['H01.2'], { parts: [bad] })), { code: 'part-name-refused' });
  await t.rejects(a.submit(letter('k', ['H01.2'], { unit: 'H01.2' })), { code: 'peer-not-sender' });
  await t.rejects(a.submit(letter('k', ['H01.2'], { parts: [{ name: 'a', mediaType: '', handle: 'no' }] })), {
    code: 'content-gone',
  });
  t.same((await a.outbox()).rows, []);
});

t.test('without the hub a node takes work, keeps it over restarts, and cancels', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  let a = await start(alpha);
  await connected(a);
  await a.close();
  hub.script(paths.session, ...Array.from({ length: 3 }, () => 'cut' as const));
  a = await start(alpha);
  const kept = await a.submit(letter('offline', ['H01.2']));
  const dropped = await a.submit(letter('cancelled', ['H01.2']));
  t.match(await a.cancel(dropped.documentId), { state: 'cancelled' });
  const status = await until(async () => {
    const now = await a.status();
    return now.hub.state === 'unreachable' ? now : undefined;
  });
  t.equal(status.hub.code, 'hub-unreachable');
  t.match(status.hub.words.vi, /trung tâm/);
  t.equal(status.outbox.waiting, 1);
  await a.close();
  const b = await start(beta);
  a = await start(alpha);
  await inState(a, kept.documentId, 'delivered');
  t.equal((await b.inbox()).rows.length, 1);
  await t.rejects(a.cancel(kept.documentId), { code: 'document-state-refused' });
  await t.rejects(a.resend(kept.documentId), { code: 'document-state-refused' });
  t.match(await a.resend(dropped.documentId), { state: 'queued' });
  await inState(a, dropped.documentId, 'delivered');
});

t.test('lost answers, lies and boxes in between never lose or double a document', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  await connected(b);
  hub.script(paths.envelopes, 'apply-then-cut', 'html', 'cut');
  const first = await a.submit(letter('lost-answer', ['H01.2']));
  await inState(a, first.documentId, 'delivered');
  // The receiver's word may come before the hub's own receipt; the sender goes on asking for that.
  await until(async () => (await a.status()).outbox.waiting === 0);
  hub.script(paths.envelopes, 'wrong-digest');
  const second = await a.submit(letter('wrong-digest', ['H01.2']));
  await inState(a, second.documentId, 'delivered');
  hub.script(paths.envelopes, 'wrong-key');
  const third = await a.submit(letter('wrong-key', ['H01.2']));
  await inState(a, third.documentId, 'delivered');
  await until(async () => (await a.status()).outbox.waiting === 0);
  t.equal(hub.envelopes.size, 3, 'every retry sent the same bytes');
  t.equal((await b.inbox()).rows.length, 3);
  const alarms = (await a.status()).alarms.map(({ code }) => code);
  t.ok(alarms.includes('statement-mismatch'));
  await a.alarmSeen((await a.status()).alarms[0]!.id, 'clerk');
});

t.test(
  'a refusal of one document ends that document alone, and sending again is a new envelope',
  async (t) => {
    const { hub, alpha, beta, start } = await world(t);
    const a = await start(alpha);
    await start(beta);
    await connected(a);
    hub.script(paths.envelopes, { each: 'unit-closed' });
    const refused = await a.submit(letter('closed', ['H01.2']));
    const shown = await inState(a, refused.documentId, 'refused');
    t.equal(shown.envelopes[0]!.recipients[0]!.timeline.at(-1)!.code, 'unit-closed');
    t.equal(shown.envelopes[0]!.lastErrorWords?.vi, catalogue['unit-closed'].title.vi);
    await t.rejects(a.extend(refused.documentId, { to: ['H01.1'] }), { code: 'document-state-refused' });
    // What waits for a person is left alone once somebody took care of it in another way, and is shown as before.
    const open = async () => (await a.outbox({ state: ['queued', 'refused'], unsettled: true })).rows.length;
    t.equal(await open(), 1);
    await a.settleFailures(refused.documentId, { actor: 'clerk' });
    t.equal(await open(), 0);
    t.equal((await a.outbox({ state: 'refused' })).rows.length, 1, 'it is still what it is');
    await t.rejects(a.settleFailures(refused.documentId), { code: 'document-state-refused' });
    hub.script(paths.envelopes, { each: 'quota-exceeded' }, { problem: 'overloaded' });
    const later = await a.submit(letter('later', ['H01.2']));
    await inState(a, later.documentId, 'delivered');
    await a.resend(refused.documentId, { actor: 'clerk' });
    const sent = await inState(a, refused.documentId, 'delivered');
    t.equal(sent.envelopes.length, 2);
    t.equal(sent.envelopes[0]!.follows, sent.envelopes[1]!.envelopeId);
    hub.script(paths.envelopes, { each: 'unit-closed' });
    await t.rejects(a.update(later.documentId, { reason: 'sai', fields: { subject: 'Báo cáo MẬT' } }), {
      code: 'secrecy-refused',
    });
    const secret = await a.submit(letter('secret', ['H01.2']));
    await inState(a, secret.documentId, 'refused');
    await a.reportSecret(secret.documentId, { why: 'có dấu mật', actor: 'clerk' });
    await t.rejects(
      a.resend(secret.documentId),
      { code: 'document-held' },
      'nobody lets it go, this way neither',
    );
    await t.rejects(a.update(secret.documentId, { reason: 'sai', fields: { subject: 'khác' } }), {
      code: 'document-held',
    });
    t.equal((await a.show(secret.documentId)).envelopes.length, 1);
  },
);

t.test('an envelope that comes again gets the same stored receipt', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  await connected(b);
  const { documentId } = await a.submit(letter('again', ['H01.2']));
  await inState(a, documentId, 'delivered');
  hub.again();
  await until(() => [...hub.statementsSeen.values()].some((count) => count > 1));
  t.equal(hub.statementsSeen.size, 1);
  t.equal((await b.inbox()).rows.length, 1);
});

t.test('bytes that were changed on the way are never shown and come again', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  hub.tamper((inline) => inline.map((part) => ({ ...part, content: Buffer.alloc(part.content.length, 1) })));
  const { documentId } = await a.submit(letter('tampered', ['H01.2']));
  await until(() => hub.deferred.some(({ code }) => code === 'part-mismatch'));
  t.same((await b.inbox()).rows, []);
  hub.tamper(undefined);
  hub.lapse();
  await inState(a, documentId, 'delivered');
});

t.test('what can never verify is kept aside, refused under signature, and never shown', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  hub.spoilMetadata(true);
  const { documentId } = await a.submit(letter('spoiled', ['H01.2']));
  const shown = await inState(a, documentId, 'refused');
  t.match(shown.envelopes[0]!.recipients[0]!.timeline.at(-1), {
    event: 'ConsignmentRejection',
    code: 'metadata-mismatch',
    by: beta.units[0]!.unit,
  });
  t.same((await b.inbox()).rows, []);
  t.equal((await b.status()).inbox.aside, 1);
  hub.again();
  await until(() => [...hub.statementsSeen.values()].some((count) => count > 1));
  t.equal(hub.statementsSeen.size, 1, 'the same refusal again');
  hub.spoilMetadata(false);
  await a.resend(documentId);
  await inState(a, documentId, 'delivered');
});

t.test('large parts go up once, come down verified, and small documents pass them', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const [a, b] = [await start(alpha), await start(beta)];
  await connected(a);
  await connected(b);
  const large = randomBytes(9 * 1024 * 1024 + 17);
  async function* stream() {
    for (let at = 0; at < large.length; at += 300_000) yield large.subarray(at, at + 300_000);
  }
  const { handle, lengthBytes } = await a.addContent(stream());
  t.equal(lengthBytes, large.length);
  hub.script(paths.envelopes, { each: 'part-missing' });
  const big = await a.submit(
    letter('big', ['H01.2'], {
      parts: [
        { name: 'so-do.tif', mediaType: 'image/tiff', handle },
        { name: 'nho.txt', mediaType: 'text/plain', content: Buffer.from('nho') },
      ],
    }),
  );
  const small = await a.submit(letter('small', ['H01.2']));
  await inState(a, small.documentId, 'delivered');
  await inState(a, big.documentId, 'delivered');
  t.ok((await read(b, big.documentId, 0)).equals(large));
  t.equal((await read(b, big.documentId, 1)).toString(), 'nho');
  const from = 5_000_000;
  t.ok((await read(b, big.documentId, 0, { from, to: from + 100 })).equals(large.subarray(from, from + 100)));
});

t.test('a nearly full disk refuses new work as temporary, says so, and hands deliveries back', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  let free = 10 * 2 ** 30;
  const [a, b] = [await start(alpha), await start(beta, { freeBytes: () => free })];
  await connected(a);
  await connected(b);
  free = 1024;
  await until(async () => (await b.status()).disk.nearlyFull);
  await t.rejects(b.submit(letter('full', ['H01.1'], { unit: 'H01.2' })), { code: 'disk-nearly-full' });
  const { documentId } = await a.submit(letter('waits', ['H01.2']));
  await until(() => hub.deferred.some(({ code }) => code === 'disk-nearly-full'));
  t.same((await b.inbox()).rows, []);
  free = 10 * 2 ** 30;
  await until(async () => !(await b.status()).disk.nearlyFull);
  hub.lapse();
  await inState(a, documentId, 'delivered');
});

t.test(
  'after a restore of the hub, envelopes and receipts since the common point are offered again',
  async (t) => {
    const { hub, alpha, beta, start } = await world(t);
    const [a, b] = [await start(alpha), await start(beta)];
    await connected(a);
    await connected(b);
    const first = await a.submit(letter('before', ['H01.2']));
    await inState(a, first.documentId, 'delivered');
    const common = hub.ledger();
    const lost = await a.submit(letter('after', ['H01.2']));
    await inState(a, lost.documentId, 'delivered');
    t.equal(hub.envelopes.size, 2);
    hub.restoreTo(common);
    await until(() => hub.envelopes.size === 2);
    await until(() => hub.deliveries.every(({ state }) => state === 'settled'));
    t.equal((await b.inbox()).rows.length, 2);
    t.equal((await a.status()).hub.epoch, 2);
    await inState(a, lost.documentId, 'delivered');
  },
);

t.test('a restored node rebuilds its outbox before it takes new work, and sends nothing twice', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  let a = await start(alpha);
  const b = await start(beta);
  await connected(a);
  const old = await a.submit(letter('old', ['H01.2']));
  await inState(a, old.documentId, 'delivered');
  await a.close();
  // The backup holds the first document; the second one is sent after it.
  const path = join(alpha.dir, 'node.sqlite');
  const backup = `${path}.backup`;
  const db = openDatabase(path);
  db.exec(`VACUUM INTO '${backup}'`);
  db.close();
  a = await start(alpha);
  const since = await a.submit(letter('since', ['H01.2']));
  await inState(a, since.documentId, 'delivered');
  await a.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  const { copyFileSync } = await import('node:fs');
  copyFileSync(backup, path);
  const restored = openDatabase(path);
  restored.run(`INSERT INTO facts (name, value) VALUES ('restoreCount', '1')`);
  restored.close();
  hub.script(paths.session, 'cut');
  a = await start(alpha);
  await t.rejects(a.submit(letter('new', ['H01.2'])), { code: 'store-recovering' });
  await until(async () => !(await a.status()).recovering);
  t.same(await a.submit(letter('since', ['H01.2'])), {
    documentId: since.documentId,
    state: 'delivered',
    duplicate: true,
  });
  const fresh = await a.submit(letter('new', ['H01.2']));
  await inState(a, fresh.documentId, 'delivered');
  t.equal(hub.envelopes.size, 3);
  t.equal((await b.inbox()).rows.length, 3);
});

t.test('a backlog goes in full batches and many documents arrive', async (t) => {
  const { hub, alpha, beta, start } = await world(t);
  const b = await start(beta);
  const a = await start(alpha);
  await connected(a);
  await connected(b);
  const keys = Array.from({ length: 300 }, (_, i) => `n${i}`);
  await Promise.all(keys.map((key, i) => a.submit(letter(key, ['H01.2'], { urgency: i % 3 }))));
  await a.drain();
  await until(async () => (await a.outbox({ state: 'delivered', limit: 200 })).next !== undefined);
  const all: string[] = [];
  let after: string | undefined;
  await until(async () => {
    const page = await a.outbox({ state: 'delivered', limit: 200 });
    const rest = await a.outbox({ state: 'delivered', limit: 200, after: page.next ?? '0' });
    return page.rows.length + rest.rows.length === keys.length;
  });
  do {
    const page = await b.inbox({ limit: 100, ...(after ? { after } : {}) });
    all.push(...page.rows.map(({ documentId }) => documentId));
    after = page.next;
  } while (after);
  t.equal(new Set(all).size, keys.length);
  const posts = hub.calls.filter(({ path }) => path === paths.envelopes);
  t.ok(posts.length < keys.length / 2, `${posts.length} requests for ${keys.length} documents`);
});

t.test('a superseded instance stops and says why', async (t) => {
  const { hub, alpha, start } = await world(t);
  const a = await start(alpha);
  await connected(a);
  hub.script(paths.envelopes, { problem: 'node-instance-superseded' });
  await a.submit(letter('clone', ['H01.2']));
  const status = await until(async () => {
    const now = await a.status();
    return now.hub.state === 'superseded' ? now : undefined;
  });
  t.match(status.hub.words.en, /another machine/);
});

t.test('signers: named, certified and in time, or not at all', async (t) => {
  const { deployment, alpha } = await world(t);
  const rootsDer = [deployment.issuer.rootDer];
  const nowMs = Date.now();
  const { bytes } = deployment.directoryPart();
  const opened = openDirectoryParts([bytes], { rootsDer, nowMs });
  t.same(opened.refused, []);
  const directory = createDirectory(opened.parts.map(({ part }) => part));
  const signers = createSigners({ directory: () => directory, rootsDer });
  const [unit] = alpha.units;
  t.equal(signers.seal(unit!.key.keyId, nowMs).unit, unit!.unit);
  t.equal(signers.statement(deployment.keys.receipts.key.keyId, nowMs).kind, 'hub');
  t.throws(() => signers.seal(randomBytes(32), nowMs), { code: 'signer-unknown' });
  t.throws(() => signers.seal(unit!.key.keyId, nowMs + 3 * 365 * 86_400_000), {
    code: 'certificate-expired',
  });
  t.throws(() => signers.seal(deployment.keys.receipts.key.keyId, nowMs), {
    code: 'certificate-wrong-usage',
  });
  const signed = signedDirectoryCodec.decode(bytes);
  const other = signedDirectoryCodec.encode({
    ...signed,
    bytes: Buffer.from(Buffer.from(signed.bytes).toString('latin1').replace('H01.1', 'H01.9'), 'latin1'),
  });
  t.match(openDirectoryParts([other], { rootsDer, nowMs }).refused, [{ code: 'signature-invalid' }]);
  const part = opened.parts[0]!.part;
  const newer = createDirectory([{ ...part, version: part.version + 1 }]);
  t.match(openDirectoryParts([bytes], { rootsDer, nowMs, known: newer }).refused, [
    { code: 'statement-mismatch' },
  ]);
  // A hub that was restored goes on above its old versions, but its revocations may be those of then.
  const wiser = createDirectory([
    { ...part, version: part.version - 1, revocationNumber: part.revocationNumber + 1 },
  ]);
  t.match(openDirectoryParts([bytes], { rootsDer, nowMs, known: wiser }).refused, [
    { code: 'directory-rolled-back' },
  ]);
});

t.test('a receipt that the hub puts off again and again becomes an alarm, once', async (t) => {
  const db = openDatabase(join(t.testdir(), 'node.sqlite'), { create: true });
  migrate(db, migrations);
  db.run(
    `INSERT INTO statements (statement_id, issuer, direction, event, sender, envelope_id, at_ms, stored_ms, bytes, post, delivery_ids)
     VALUES (x'01', 'u', 'out', 1, 'u', x'02', 0, 0, x'03', 'pending', '[]')`,
  );
  const { settlePosts } = inboxOps(db, () => {});
  const alarms = () => db.all<{ code: string; count: number }>('SELECT code, count FROM alarms');
  for (let tries = 1; tries <= 100; tries++) {
    const later = { id: 1, result: 'later', code: 'statement-unknown-envelope', nextMs: tries } as const;
    settlePosts({ items: [later], nowMs: tries });
    if (tries === 30) t.same(alarms(), []);
  }
  t.same(alarms(), [{ code: 'statement-unknown-envelope', count: 1 }]);
  t.match(db.get('SELECT post, attempts FROM statements'), { post: 'pending', attempts: 100 });
  db.close();
});

t.test('the configuration tells every wrong key at once', async (t) => {
  const wrong = { ...config, poll: { ...config.poll, holdMs: 'long' }, extra: 1 };
  t.throws(() => checkConfig(wrong, configSchema, '/x/config.json'), {
    code: 'config-invalid',
    detail: /holdMs.*extra|extra.*holdMs/,
  });
  t.same(checkConfig(config, configSchema, '/x/config.json'), config);
});
