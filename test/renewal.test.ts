// Life of certificates in one process: nodes and hub renew by themselves, on a clock that the test moves. OpenSSL reads the real clock, so
// server certificates stay within it here; whole years are test/year.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createRoot, issueHub } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { generateKey, signingKeyOf } from '../certs/keys.ts';
import { certificateDer, certificatePem } from '../certs/pem.ts';
import { buildRenewal } from '../certs/renewal.ts';
import { handoverPem } from '../certs/roots.ts';
import { createNextRoot } from '../certs/roots-offline.ts';
import { requestNextIssuing } from '../certs/rotation.ts';
import { verifyProof } from '../certs/verify-proof.ts';
import { enrolNode } from '../edge-node/enrol.ts';
import { firstCertificate, loadIdentity, sealPair } from '../edge-node/identity.ts';
import { type RunningNode, startNode } from '../edge-node/main.ts';
import { foreignSeals } from '../edge-node/own-seals.ts';
import { hubPaths, loadHubIdentity } from '../hub/identity.ts';
import { injected } from '../hub/offline.ts';
import type { Directory } from '../protocol/directory.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { bareNode, quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, inviteUnit } from './support/office.ts';
import { exitOf } from './support/processes.ts';

const DAY_MS = 86_400_000;

/** The real clock, moved: timers run as they do, dates are those of another day. */
function movedClock(startMs = 0): Clock & { move(ms: number): void } {
  let movedMs = startMs;
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + movedMs,
    move(ms) {
      movedMs += ms;
    },
  };
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    return error.code;
  }
}

const days = { hubTls: 90, hubLink: 90, hubReceipts: 30, hubDirectory: 30, hubCheckpoints: 30 };
const lifetimesMs = {
  'hub-receipts': 30 * DAY_MS,
  'hub-directory': 30 * DAY_MS,
  'hub-checkpoints': 30 * DAY_MS,
};

t.test('nodes and hub renew while documents flow, and no request fails', async (t) => {
  const clock = movedClock();
  const certificateDays = { ...days, nodeTls: 30, unitSeal: 30 };
  const test = await startTestHub({ clock, config: { certificateDays }, lifetimesMs });
  t.teardown(() => test.close());
  const offices: { dir: string; code: string; node: RunningNode }[] = [];
  for (const code of ['XA.1', 'XA.2']) {
    const dir = join(temporaryDir('renewal'), 'node');
    const { invitation } = await inviteUnit(test.hub, code, clock);
    const config = { local: { port: 0 }, disk: { floorBytes: 0 } };
    await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config });
    const node = await startNode({ dir, log: quiet, clock });
    offices.push({ dir, code, node });
    t.teardown(() => offices.find((each) => each.dir === dir)!.node.close());
  }
  const [a, b] = [offices[0]!, offices[1]!];
  const file = (dir: string, name: string) => readFileSync(join(dir, name), 'utf8');
  const sealFile = (dir: string) => `certs/seal-${loadIdentity(dir).units[0]!.unit}.pem`;
  let sent = 0;
  const send = async (from: typeof a, to: typeof b): Promise<string> => {
    sent += 1;
    const { documentId } = await from.node.edge.submit({
      idempotencyKey: `k${sent}`,
      to: [to.code],
      metadata: { subject: `số ${sent}` },
      parts: [{ name: 'a.txt', mediaType: 'text/plain', content: Buffer.from(`văn bản ${sent}`) }],
    });
    return documentId;
  };
  const arrived = (from: typeof a, id: string) =>
    eventually(async () => ((await from.node.edge.show(id)).state === 'delivered' ? true : undefined));
  const sees = (from: typeof a, code: string) =>
    from.node.edge.searchDirectory(code).some((entry) => entry.code === code && entry.state === 'active');
  await eventually(async () => (sees(a, b.code) && sees(b, a.code) ? true : undefined));
  const firstPaper = await send(a, b);
  await arrived(a, firstPaper);

  const links: string[] = [];
  for (const { node } of offices)
    node.edge.onEvent((event) => {
      if (event.kind === 'link') links.push(`${event.state} ${event.code ?? ''}`);
    });
  const papers: Promise<unknown>[] = [];
  let flowing = true;
  const flow = (async () => {
    while (flowing) {
      papers.push(arrived(a, await send(a, b)), arrived(b, await send(b, a)));
      await systemClock.sleep(100);
    }
  })();

  const before = offices.map(({ dir }) => ({
    tls: file(dir, 'certs/node.pem'),
    seal: file(dir, sealFile(dir)),
  }));
  const hubBefore = loadHubIdentity(test.dir, { nowMs: clock.nowMs() });
  clock.move(21 * DAY_MS);
  await eventually(async () =>
    offices.every(
      ({ dir }, i) =>
        file(dir, 'certs/node.pem') !== before[i]!.tls &&
        existsSync(join(dir, sealFile(dir).replace('seal', 'next-seal'))),
    )
      ? true
      : undefined,
  );
  t.ok(
    offices.every(({ dir }, i) => file(dir, sealFile(dir)) === before[i]!.seal),
    'the old seal goes on while the new one becomes known',
  );
  const named = test.hub.directory.current().unit(loadIdentity(a.dir).units[0]!.unit);
  t.equal(named?.sealCertificates.length, 2, 'the directory names both');
  clock.move(15 * 60_000);
  await eventually(async () =>
    offices.every(({ dir }, i) => file(dir, sealFile(dir)) !== before[i]!.seal) ? true : undefined,
  );
  await eventually(async () =>
    test.hub.own.identity().keys.receipts.keyId !== hubBefore.keys.receipts.keyId ? true : undefined,
  );
  const hubAfter = test.hub.own.identity();
  t.not(hubAfter.keys.directory.keyId, hubBefore.keys.directory.keyId, 'the directory key was renewed too');
  t.equal(hubAfter.keys.tls.keyId, hubBefore.keys.tls.keyId, 'what is not due stays');
  await systemClock.sleep(300);
  flowing = false;
  await flow;
  await Promise.all(papers);
  t.pass(`${papers.length} documents arrived`);
  t.strictSame(links, [], 'the line never fell');
  for (const { node } of offices)
    t.strictSame(
      // The clock was moved under requests that were on their way: what they measured is no life's.
      (await node.edge.status()).alarms.map(({ code }) => code).filter((code) => code !== 'clock-wrong'),
      [],
      'no alarm',
    );

  // The hub restarts with its renewed keys; a node that slept through it all finds a signer it has never heard of, and learns.
  await b.node.close();
  clock.move(DAY_MS);
  await test.restart();
  b.node = await startNode({ dir: b.dir, log: quiet, clock });
  await arrived(a, await send(a, b));
  t.ok((await a.node.edge.proof(firstPaper)).length > 0, 'what was sealed before is still proven');
  t.equal((await a.node.edge.show(firstPaper)).state, 'delivered');
});

t.test('a renewal cut at any point is completed by the next start, with the same keys', async (t) => {
  const clock = movedClock();
  const test = await startTestHub({
    clock,
    config: { certificateDays: { ...days, nodeTls: 30, unitSeal: 30 } },
  });
  t.teardown(() => test.close());
  const dir = join(temporaryDir('renewal'), 'node');
  const { invitation } = await inviteUnit(test.hub, 'XA.1', clock);
  const config = { local: { port: 0 }, disk: { floorBytes: 0 } };
  await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config });
  const at = (name: string) => join(dir, name);
  const first = loadIdentity(dir);
  clock.move(21 * DAY_MS);
  let node = await startNode({ dir, log: quiet, clock });
  await eventually(async () =>
    loadIdentity(dir).tlsCertificate.keyId !== first.tlsCertificate.keyId ? true : undefined,
  );
  await node.close();
  const seal = `seal-${first.units[0]!.unit}.pem`;
  const waiting = firstCertificate(readFileSync(at(`certs/next-${seal}`), 'utf8'));
  // The key was renamed and the power went.
  copyFileSync(at(`keys/${seal}`), at('old-key'));
  renameSync(at(`keys/next-${seal}`), at(`keys/${seal}`));
  t.equal(loadIdentity(dir).units[0]!.certificate.keyId, waiting.keyId, 'the certificate follows its key');
  t.notOk(existsSync(at(`certs/next-${seal}`)));
  node = await startNode({ dir, log: quiet, clock });
  await eventually(async () => ((await node.edge.status()).hub.state === 'connected' ? true : undefined));
  await node.close();
});

t.test('a seal of ours that the directory names and this machine does not hold is noticed', async (t) => {
  const clock = movedClock();
  const test = await startTestHub({ clock });
  t.teardown(() => test.close());
  const enrolled = [];
  for (const code of ['XA.1', 'XA.2']) {
    const dir = join(temporaryDir('own-seals'), 'node');
    const { invitation } = await inviteUnit(test.hub, code, clock);
    await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config: {} });
    enrolled.push({ dir, units: loadIdentity(dir).units });
    clock.move(3_600_000);
  }
  const [earlier, later] = [enrolled[0]!, enrolled[1]!];
  const sealOf = ({ units }: typeof earlier) => units[0]!.certificate;
  // As a hub would say it that certified both keys for one unit.
  const both = [sealOf(earlier).der, sealOf(later).der];
  const directory = { unit: () => ({ sealCertificates: both }) } as unknown as Directory;
  t.same(foreignSeals(directory, earlier.units, earlier.dir), [
    { unit: earlier.units[0]!.unit, code: 'XA.1', serialHex: sealOf(later).serialHex },
  ]);
  t.same(foreignSeals(directory, later.units, later.dir), [], 'the box before this one had the other');
  copyFileSync(
    sealPair(later.dir, later.units[0]!.unit).key,
    sealPair(earlier.dir, earlier.units[0]!.unit).nextKey,
  );
  t.same(foreignSeals(directory, earlier.units, earlier.dir), [], 'it is the renewal under way');
});

t.test('the hub gives the same answer to the same key, and nothing to anybody else', async (t) => {
  const clock = movedClock();
  const test = await startTestHub({
    clock,
    config: { certificateDays: { ...days, nodeTls: 30, unitSeal: 30 } },
  });
  t.teardown(() => test.close());
  const [one, two] = [await bareNode(test.hub, 'XA.1'), await bareNode(test.hub, 'XA.2')];
  t.teardown(async () => {
    await one.close();
    await two.close();
  });
  const next = generateKey();
  const ask = async (who: typeof one, change: Partial<Parameters<typeof buildRenewal>[0]> = {}) =>
    who.link.renew(
      await buildRenewal({
        hub: test.hub.hubId,
        role: 'unit-seal',
        subject: one.unit,
        current: one.sealKey,
        next,
        nowMs: clock.nowMs(),
        ...change,
      }),
    );
  t.equal(await codeOf(() => ask(one)), 'renewal-not-due', 'not before the last third');
  clock.move(21 * DAY_MS);
  t.equal(await codeOf(() => ask(two)), 'peer-not-sender', 'another node');
  t.equal(await codeOf(() => ask(one, { subject: two.unit })), 'peer-not-sender', 'for another unit');
  t.equal(await codeOf(() => ask(one, { hub: 'h0000000000000000' })), 'peer-not-sender', 'for another hub');
  t.equal(await codeOf(() => ask(one, { role: 'node-tls', subject: one.nodeId })), 'peer-not-sender');
  t.equal(await codeOf(() => ask(one, { current: signingKeyOf(generateKey()) })), 'signer-unknown');
  const thief = { ...signingKeyOf(generateKey()), keyId: one.sealKey.keyId };
  t.equal(
    await codeOf(() => ask(one, { current: thief })),
    'signature-invalid',
    'the key id alone is nothing',
  );
  t.equal(await codeOf(() => one.link.renew(Buffer.from('rubbish'))), 'envelope-malformed');
  const answer = await ask(one);
  const again = await ask(one);
  t.strictSame(again.certificate, answer.certificate, 'the same key, the same certificate');
  t.equal(
    await codeOf(() => ask(two, { subject: two.unit, current: two.sealKey })),
    'csr-invalid',
    'the key of another',
  );
  const issued = parseCertificate(answer.certificate);
  const sealed = { keyId: Buffer.from(issued.keyId, 'hex'), privateKey: next.privateKey };
  t.equal(await codeOf(() => ask(one, { current: sealed })), 'csr-invalid', 'a renewal brings a new key');
  t.equal(await codeOf(() => ask(one, { current: sealed, next: generateKey() })), 'renewal-not-due');
  await test.hub.admin.act('unitSuspend', { unit: one.unit, nowMs: clock.nowMs() });
  t.equal(await codeOf(() => ask(one)), 'peer-suspended', 'a suspended unit waits');
  await test.hub.admin.act('unitResume', { unit: one.unit, nowMs: clock.nowMs() });
  await test.hub.admin.act('certificateRevoke', {
    what: { unit: one.unit },
    fromMs: clock.nowMs(),
    reason: 'test',
    nowMs: clock.nowMs(),
  });
  t.equal(await codeOf(() => ask(one)), 'certificate-revoked', 'a revoked key has no successor');
});

t.test(
  'another issuing CA and another root follow without a stop, and what was signed before stays good',
  async (t) => {
    // So that every server certificate made on the way is good today, for OpenSSL too.
    const clock = movedClock(-28 * DAY_MS);
    const certificateDays = { ...days, nodeTls: 30, unitSeal: 30 };
    const test = await startTestHub({ clock, config: { certificateDays } });
    t.teardown(() => test.close());
    const ca = hubPaths(test.dir).ca;
    const rootDir = join(test.dir, 'root');
    const request = injected(test.hub);
    const open = async (code: string) => {
      const dir = join(temporaryDir('renewal'), 'node');
      const { invitation } = await inviteUnit(test.hub, code, clock);
      const config = { local: { port: 0 }, disk: { floorBytes: 0 } };
      await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config });
      const node = await startNode({ dir, log: quiet, clock });
      t.teardown(() => node.close());
      return { dir, code, node };
    };
    const [a, b] = [await open('XA.1'), await open('XA.2')];
    let sent = 0;
    const exchange = async (from: typeof a, to: typeof a): Promise<string> => {
      sent += 1;
      const draft = { idempotencyKey: `k${sent}`, to: [to.code], metadata: { subject: `số ${sent}` } };
      const part = { name: 'a.txt', mediaType: 'text/plain', content: Buffer.from('văn bản') };
      const seen = () =>
        from.node.edge
          .searchDirectory(to.code)
          .some(({ code, state }) => code === to.code && state === 'active');
      await eventually(async () => (seen() ? true : undefined));
      const { documentId } = await from.node.edge.submit({ ...draft, parts: [part] });
      await eventually(async () =>
        (await from.node.edge.show(documentId)).state === 'delivered' ? true : undefined,
      );
      return documentId;
    };
    const carry = async (root: string, keepKey: boolean) => {
      const csr = await requestNextIssuing(ca, { keepKey });
      const hosts = { hosts: ['localhost'], ips: ['127.0.0.1'] };
      const signed = await issueHub(root, { hubId: test.hub.hubId, ...hosts, csr, nowMs: clock.nowMs() });
      return { certificate: certificatePem(signed.certificateDer), root: certificatePem(signed.rootDer) };
    };

    const old = await exchange(a, b);
    const firstProof = await a.node.edge.proof(old);
    const foreign = join(temporaryDir('root'), 'r');
    await createRoot(foreign, { name: 'foreign', nowMs: clock.nowMs() });
    await t.rejects(
      request('POST', '/admin/v1/ca/install', await carry(foreign, false)),
      { code: 'certificate-unknown-issuer' },
      'signed by a root that nobody believes here',
    );
    const before = test.hub.own.identity().issuer.certificateDer;
    await request('POST', '/admin/v1/ca/install', await carry(rootDir, false));
    const issuing = parseCertificate(test.hub.own.identity().issuer.certificateDer);
    t.not(issuing.keyId, parseCertificate(before).keyId, 'another key certifies from now on');
    const c = await open('XA.3');
    t.equal(loadIdentity(c.dir).tlsCertificate.x509.checkIssued(issuing.x509), true, 'a new box is under it');
    await exchange(a, c);
    await exchange(c, b);
    clock.move(21 * DAY_MS);
    await eventually(async () =>
      [a, b].every(({ dir }) => loadIdentity(dir).tlsCertificate.x509.checkIssued(issuing.x509))
        ? true
        : undefined,
    );
    await exchange(b, c);

    // The root hands over and ends for anything new in five days.
    const oldUntilMs = clock.nowMs() + 5 * DAY_MS;
    const newDir = join(temporaryDir('root'), 'next');
    const next = await createNextRoot({
      oldDir: rootDir,
      newDir,
      name: undefined,
      oldUntilMs,
      nowMs: clock.nowMs(),
    });
    const forged = handoverPem(
      Buffer.concat([next.handover.subarray(0, -1), Buffer.from([next.handover.at(-1)! ^ 1])]),
    );
    await t.rejects(request('POST', '/admin/v1/ca/handover', { handover: forged }), {
      code: 'signature-invalid',
    });
    await request('POST', '/admin/v1/ca/handover', { handover: handoverPem(next.handover) });
    const again = { handover: handoverPem(next.handover) };
    t.match(
      await request('POST', '/admin/v1/ca/handover', again),
      { root: String },
      'given again it is told again',
    );
    await eventually(async () =>
      [a, b, c].every(({ dir }) => loadIdentity(dir).anchors.length === 2) ? true : undefined,
    );
    t.pass('every node follows by itself');
    await exchange(a, b);
    const d = await open('XA.4');
    t.equal(loadIdentity(d.dir).rootDer.length > 0, true, 'a box invited during the hand-over enrols');
    await exchange(d, a);
    await request('POST', '/admin/v1/ca/install', await carry(newDir, true));
    // Off before it has renewed what hangs under the old root, and on again when nobody believes that any more.
    await test.restart(() => clock.move(6 * DAY_MS));
    t.strictSame(Buffer.from(test.hub.rootDer), Buffer.from(next.rootDer), 'the old root has ended');
    await exchange(a, b);
    await exchange(c, d);
    const e = await open('XA.5');
    t.equal(loadIdentity(e.dir).anchors.length, 1, 'a box of today believes the new root alone');
    await exchange(e, a);
    await exchange(b, e);
    const oldRoot = certificateDer(readFileSync(join(rootDir, 'root.crt'), 'utf8'));
    const newProof = await e.node.edge.proof(await exchange(e, b));
    t.ok(verifyProof(firstProof, oldRoot).facts, 'a proof of before holds under the root of then');
    for (const proof of [firstProof, newProof])
      t.ok(verifyProof(proof, [oldRoot, next.rootDer]).facts, 'whoever trusts both roots reads both');
    const file = join(newDir, 'bang-chung.ltproof');
    for (const proof of [firstProof, newProof]) {
      writeFileSync(file, proof);
      const said = await exitOf(['verify', file, '--root', join(a.dir, 'certs', 'root.pem')]);
      t.equal(said.code, 0, 'a node’s own root with the hand-overs beside it reads both too');
    }
    t.throws(() => verifyProof(firstProof, next.rootDer), 'the new root alone says nothing of before');
    t.throws(() => verifyProof(newProof, oldRoot), 'nor the old one of after');
    for (const { node } of [a, b, c, d, e])
      t.strictSame(
        (await node.edge.status()).alarms.filter(({ code }) => code !== 'clock-wrong'),
        [],
        'no alarm',
      );
  },
);

t.test(
  'an envelope whose seal wore out before anybody took it is sealed anew, and says what it follows',
  async (t) => {
    const clock = movedClock(-20 * DAY_MS);
    const test = await startTestHub({
      clock,
      config: { certificateDays: { ...days, nodeTls: 30, unitSeal: 6 } },
    });
    t.teardown(() => test.close());
    const offices = [];
    for (const code of ['XA.1', 'XA.2']) {
      const dir = join(temporaryDir('renewal'), 'node');
      const { invitation } = await inviteUnit(test.hub, code, clock);
      const config = { local: { port: 0 }, disk: { floorBytes: 0 } };
      await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config });
      const node = await startNode({ dir, log: quiet, clock });
      t.teardown(() => node.close());
      offices.push({ dir, code, node });
    }
    const [a, b] = [offices[0]!, offices[1]!];
    const unit = loadIdentity(a.dir).units[0]!;
    await eventually(async () =>
      a.node.edge.searchDirectory(b.code).some(({ state }) => state === 'active') ? true : undefined,
    );
    const store = openDatabase(join(test.dir, 'hub.sqlite'));
    store.run('UPDATE units SET quota_bytes = 1 WHERE unit = ?', unit.unit);
    const { documentId } = await a.node.edge.submit({
      idempotencyKey: 'k',
      to: [b.code],
      metadata: { subject: 'chờ' },
      parts: [{ name: 'a.txt', mediaType: 'text/plain', content: Buffer.from('văn bản') }],
    });
    const shown = async () => (await a.node.edge.show(documentId)).envelopes;
    await eventually(async () => ((await shown())[0]?.lastError === 'quota-exceeded' ? true : undefined));
    const sealed = (await shown())[0]!.envelopeId;
    clock.move(4 * DAY_MS + 3_600_000);
    await eventually(async () =>
      existsSync(join(a.dir, `certs/next-seal-${unit.unit}.pem`)) ? true : undefined,
    );
    clock.move(20 * 60_000);
    await eventually(async () =>
      loadIdentity(a.dir).units[0]!.certificate.keyId !== unit.certificate.keyId ? true : undefined,
    );
    clock.move(2 * DAY_MS);
    store.run('UPDATE units SET quota_bytes = NULL WHERE unit = ?', unit.unit);
    store.close();
    a.node.edge.retryNow();
    await eventually(async () =>
      (await a.node.edge.show(documentId)).state === 'delivered' ? true : undefined,
    );
    const [newest, before] = await shown();
    t.equal(newest!.follows, sealed, 'the new envelope names the one it follows');
    t.equal(before!.recipients[0]?.state, 'refused', 'the old one has ended');
    t.equal(before!.lastError, 'certificate-expired');
    t.equal((await b.node.edge.inbox()).rows.length, 1, 'the receiver has it once');
  },
);
