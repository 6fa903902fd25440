// What happens when something is missing for a week, on a clock that the test moves; what a hub does that was restored to a time before a
// revocation; what clocks do. The times are those of protocol/grace.ts.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseCertificate } from '../certs/certificate.ts';
import { buildCrl } from '../certs/crl.ts';
import { certificatePem } from '../certs/pem.ts';
import { verifyProof } from '../certs/verify-proof.ts';
import { enrolNode } from '../edge-node/enrol.ts';
import { loadIdentity } from '../edge-node/identity.ts';
import { type RunningNode, startNode } from '../edge-node/main.ts';
import { backupHub, restoreHub } from '../hub/backup.ts';
import { createPeerClocks } from '../hub/peer-clocks.ts';
import { createSteadyClock } from '../hub/steady-clock.ts';
import { enrolPaths } from '../protocol/api.ts';
import { signedStatementCodec, statementCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { graceTable } from '../protocol/grace.ts';
import { type Clock, systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import {
  type BareNode,
  bareNode,
  hang,
  pollOnce,
  prepare,
  quiet,
  rawRequest,
  startTestHub,
  type TestHub,
  temporaryDir,
} from './support/hub.ts';
import { eventually, inviteUnit } from './support/office.ts';

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

type Office = { readonly dir: string; readonly code: string; node: RunningNode };
async function openOffice(test: TestHub, code: string, clock: Clock): Promise<Office> {
  const dir = join(temporaryDir('grace'), 'node');
  const { invitation } = await inviteUnit(test.hub, code, clock);
  const config = { local: { port: 0 }, disk: { floorBytes: 0 } };
  await enrolNode({ dir, invitations: [invitation], clock, version: 'test', config });
  return { dir, code, node: await startNode({ dir, log: quiet, clock }) };
}
/** XA.1 and XA.2; whichever node each has at the end is closed with the test. */
async function twoOffices(t: Test, test: TestHub, clock: Clock): Promise<readonly [Office, Office]> {
  const offices = [await openOffice(test, 'XA.1', clock), await openOffice(test, 'XA.2', clock)] as const;
  t.teardown(async () => {
    for (const { node } of offices) await node.close();
  });
  return offices;
}
let sent = 0;
async function send(from: Office, to: Office): Promise<string> {
  sent += 1;
  const part = { name: 'a.txt', mediaType: 'text/plain', content: Buffer.from('văn bản') };
  const draft = {
    idempotencyKey: `k${sent}`,
    to: [to.code],
    metadata: { subject: `số ${sent}` },
    parts: [part],
  };
  return (await from.node.edge.submit(draft)).documentId;
}
const arrived = (from: Office, id: string) =>
  eventually(async () => ((await from.node.edge.show(id)).state === 'delivered' ? true : undefined), 2400);
const sees = (from: Office, to: Office) =>
  eventually(async () =>
    from.node.edge.searchDirectory(to.code).some(({ code, state }) => code === to.code && state === 'active')
      ? true
      : undefined,
  );
const alarmsOf = async ({ node }: Office) => (await node.edge.status()).alarms.map(({ code }) => code);

t.test('docs/OPERATIONS.md has the table that the programs use', async (t) => {
  const doc = readFileSync(new URL('../docs/OPERATIONS.md', import.meta.url), 'utf8');
  t.ok(doc.includes(graceTable()), 'copy the output of graceTable() into docs/OPERATIONS.md');
});

t.test('a week without the hub: documents are taken, the operator is told, everything arrives', async (t) => {
  const clock = movedClock(-20 * DAY_MS);
  const test = await startTestHub({ clock });
  t.teardown(() => test.close());
  const [a, b] = await twoOffices(t, test, clock);
  await sees(a, b);
  await arrived(a, await send(a, b));
  await test.hub.close();
  const papers: string[] = [];
  for (let day = 0; day < 7; day++) {
    papers.push(await send(a, b));
    clock.move(DAY_MS + 3_600_000);
  }
  // The watch looks every half minute by its own timer; a restart in the middle of the outage looks at once.
  await a.node.close();
  a.node = await startNode({ dir: a.dir, log: quiet, clock });
  await eventually(async () => ((await alarmsOf(a)).includes('directory-stale') ? true : undefined));
  t.ok((await alarmsOf(a)).includes('hub-unreachable'));
  papers.push(await send(a, b));
  await test.restart();
  a.node.edge.retryNow();
  b.node.edge.retryNow();
  await Promise.all(papers.map((id) => arrived(a, id)));
  t.pass('eight documents of a week arrived');
});

t.test(
  'a week without the province: the district works, what goes up waits, the operator is told, everything arrives',
  async (t) => {
    const clock = movedClock(-20 * DAY_MS);
    const province = await startTestHub({ clock, code: 'H08' });
    const district = await startTestHub({ clock, rootDir: join(province.dir, 'root') });
    t.teardown(async () => {
      await district.close();
      await province.close();
    });
    await hang(district, province);
    const [a, b] = [await openOffice(district, 'XA.1', clock), await openOffice(district, 'XA.2', clock)];
    const top = await openOffice(province, 'H08.01', clock);
    t.teardown(async () => {
      for (const { node } of [a, b, top]) await node.close();
    });
    for (const [from, to] of [
      [a, b],
      [a, top],
      [top, a],
    ] as const)
      await sees(from, to);
    await arrived(a, await send(a, top));
    await province.hub.close();
    const up: string[] = [];
    const down: string[] = [];
    for (let day = 0; day < 7; day++) {
      up.push(await send(a, top));
      down.push(await send(top, a));
      await arrived(a, await send(a, b));
      clock.move(DAY_MS + 3_600_000);
    }
    const alarms = () =>
      district.hub.store.reader.all<{ code: string; about: string }>('SELECT code, about FROM alarms');
    // It is away from when the district notices, which may be after the last of these days: hours go on until it is told.
    let hours = 0;
    await eventually(async () => {
      if (alarms().some(({ code, about }) => code === 'hub-unreachable' && about === 'the next hub'))
        return true;
      hours += 1;
      if (hours < 240) clock.move(3_600_000);
      return undefined;
    });
    t.notOk(
      alarms().some(({ code }) => code === 'directory-expired'),
      'the part of the province is good for longer',
    );
    t.ok((await a.node.edge.status()).hub.code === undefined, 'its offices notice nothing');
    await province.restart();
    for (const { node } of [a, top]) node.edge.retryNow();
    await Promise.all([...up.map((id) => arrived(a, id)), ...down.map((id) => arrived(top, id))]);
    t.equal((await top.node.edge.inbox()).rows.length, 8, 'once each');
  },
);

t.test(
  'a week with the clock of a node ahead: what it sends waits, is told, and goes once the clock is set',
  async (t) => {
    const clock = movedClock(-20 * DAY_MS);
    const ahead: Clock = { ...clock, nowMs: () => clock.nowMs() + 9 * DAY_MS };
    const test = await startTestHub({ clock });
    t.teardown(() => test.close());
    const [a, b] = await twoOffices(t, test, clock);
    await sees(a, b);
    await sees(b, a);
    await a.node.close();
    a.node = await startNode({ dir: a.dir, log: quiet, clock: ahead });
    const papers: string[] = [];
    for (let day = 0; day < 7; day++) {
      papers.push(await send(a, b));
      await arrived(b, await send(b, a));
      clock.move(DAY_MS);
    }
    await eventually(async () => {
      const { envelopes } = await a.node.edge.show(papers[6]!);
      return envelopes[0]?.lastError === 'envelope-from-future' ? true : undefined;
    });
    await a.node.close();
    a.node = await startNode({ dir: a.dir, log: quiet, clock: ahead });
    await eventually(async () => ((await alarmsOf(a)).includes('clock-wrong') ? true : undefined));
    await a.node.close();
    a.node = await startNode({ dir: a.dir, log: quiet, clock });
    await Promise.all(papers.map((id) => arrived(a, id)));
    t.equal((await b.node.edge.inbox()).rows.length, papers.length, 'once each');
  },
);

t.test(
  'a week with the clock of the hub two hours ahead: everything arrives each day, and its operator is told',
  async (t) => {
    const clock = movedClock(-20 * DAY_MS);
    let aheadMs = 0;
    const test = await startTestHub({ clock: { ...clock, nowMs: () => clock.nowMs() + aheadMs } });
    t.teardown(() => test.close());
    const offices: Office[] = [];
    for (const code of ['XA.1', 'XA.2', 'XA.3']) offices.push(await openOffice(test, code, clock));
    t.teardown(async () => {
      for (const { node } of offices) await node.close();
    });
    const [a, b, c] = [offices[0]!, offices[1]!, offices[2]!];
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const)
      await sees(from, to);
    await arrived(a, await send(a, b));
    aheadMs = 2 * 3_600_000;
    for (let day = 0; day < 7; day++) {
      clock.move(DAY_MS);
      for (const [from, to] of [
        [a, b],
        [b, c],
        [c, a],
      ] as const)
        await arrived(from, await send(from, to));
    }
    await eventually(async () =>
      test.hub.store.reader.get("SELECT 1 FROM alarms WHERE code = 'hub-clock-wrong'") ? true : undefined,
    );
    for (const office of offices)
      t.equal((await office.node.edge.status()).hub.state, 'connected', 'nobody is stopped');
  },
);

t.test('a part that has ended makes documents wait, and heals with the next one', async (t) => {
  const clock = movedClock(-20 * DAY_MS);
  const test = await startTestHub({ clock, config: { directoryDays: 3 } });
  t.teardown(() => test.close());
  const [a, b] = await twoOffices(t, test, clock);
  await sees(a, b);
  await a.node.close();
  await test.hub.close();
  clock.move(4 * DAY_MS);
  a.node = await startNode({ dir: a.dir, log: quiet, clock });
  await eventually(async () => ((await alarmsOf(a)).includes('directory-expired') ? true : undefined));
  const id = await send(a, b);
  await test.restart();
  a.node.edge.retryNow();
  b.node.edge.retryNow();
  await arrived(a, id);
});

t.test(
  'a restored hub takes nothing until nodes have told it what was revoked after the backup',
  async (t) => {
    const clock = movedClock();
    const test = await startTestHub({ clock });
    const [a, b, stolen] = [
      await openOffice(test, 'XA.1', clock),
      await openOffice(test, 'XA.2', clock),
      await openOffice(test, 'XA.3', clock),
    ];
    t.teardown(async () => {
      for (const { node } of [a, b, stolen]) await node.close();
    });
    await sees(a, b);
    await sees(stolen, a);
    const compromisedMs = clock.nowMs();
    const doubtful = await send(stolen, a);
    await arrived(stolen, doubtful);
    t.equal((await a.node.edge.show(doubtful)).sealWithdrawn, undefined);
    const to = join(temporaryDir('backup'), 'b');
    await backupHub({ dir: test.dir, to, version: 'test', clock });
    const nodeId = loadIdentity(stolen.dir).nodeId;
    const revoked = await test.hub.admin.act('certificateRevoke', {
      what: { office: test.hub.admin.unitOf('XA.3') },
      fromMs: compromisedMs,
      reason: 'stolen',
      nowMs: clock.nowMs(),
    });
    t.equal(revoked.serials.length, 2, 'seal and connection in one act');
    t.equal(revoked.delivered, 1, 'what had arrived after that time is counted');
    await eventually(async () => (await a.node.edge.show(doubtful)).sealWithdrawn);
    t.strictSame(revoked.cut, [nodeId], 'the connection is cut');
    const number = test.hub.directory.own().revocationNumber;
    await eventually(async () =>
      [a, b].every(({ node }) => node.edge.searchDirectory('XA.1').length > 0) &&
      (await stolen.node.edge.status()).hub.code?.startsWith('certificate-revoked')
        ? true
        : undefined,
    );
    const ports = { exchange: test.hub.at.exchange!.port, enrolment: test.hub.at.enrolment!.port };
    await stolen.node.close();
    await test.hub.close();
    const dir = join(temporaryDir('hub'), 'hub');
    await restoreHub({ from: to, dir, clock });
    const listener = (port: number) => ({ host: '127.0.0.1', port, publicUrl: `https://localhost:${port}` });
    const restored = await startTestHub({
      dir,
      clock,
      config: { exchange: listener(ports.exchange), enrolment: listener(ports.enrolment) },
    });
    t.teardown(() => restored.close());
    t.ok(restored.hub.directory.own().revocationNumber < number, 'the backup does not know');
    a.node.edge.retryNow();
    b.node.edge.retryNow();
    await eventually(
      async () => (restored.hub.directory.own().revocationNumber > number ? true : undefined),
      400,
    );
    stolen.node = await startNode({ dir: stolen.dir, log: quiet, clock });
    await eventually(async () => ((await stolen.node.edge.status()).hub.code ? true : undefined));
    t.match(
      (await stolen.node.edge.status()).hub.code,
      /^(certificate|peer)-revoked$/,
      'the stolen box stays out',
    );
    await arrived(a, await send(a, b));
  },
);

t.test(
  'an envelope accepted after the time of a compromise is held; a delivered one is counted',
  async (t) => {
    const clock = movedClock();
    const test = await startTestHub({ clock });
    t.teardown(() => test.close());
    const [one, two] = [await bareNode(test.hub, 'XA.1'), await bareNode(test.hub, 'XA.2')];
    t.teardown(async () => {
      await one.close();
      await two.close();
    });
    const from = clock.nowMs() - 1000;
    await one.link.submit(prepare(one, [{ to: [two.unit] }], clock.nowMs()).map(({ wrapper }) => wrapper));
    const done = await test.hub.admin.act('certificateRevoke', {
      what: { unit: one.unit },
      fromMs: from,
      reason: 'compromise',
      nowMs: clock.nowMs(),
    });
    t.equal(done.held, 1, 'what was not handed out waits for a person');
    t.equal(
      (await pollOnce(two)).items.filter(({ delivery }) => delivery).length,
      0,
      'and is not handed out',
    );
    const again = await one.link.submit(
      prepare(one, [{ to: [two.unit] }], clock.nowMs()).map(({ wrapper }) => wrapper),
    );
    t.match(again[0]?.problem, /certificate-revoked/, 'nothing new is taken under it');

    // Suspended is neither revoked nor closed: it ends, and nothing was lost.
    await test.hub.admin.act('unitSuspend', { unit: two.unit, nowMs: clock.nowMs() });
    const suspended = await two.link.submit(
      prepare(two, [{ to: [one.unit] }], clock.nowMs()).map(({ wrapper }) => wrapper),
    );
    t.match(suspended[0]?.problem, /peer-suspended/);
    await test.hub.admin.act('unitResume', { unit: two.unit, nowMs: clock.nowMs() });
    const resumed = await two.link.submit(
      prepare(two, [{ to: [one.unit] }], clock.nowMs()).map(({ wrapper }) => wrapper),
    );
    t.ok(resumed[0]?.receipt.length, 'a suspension ends');
    await test.hub.admin.act('unitClose', { unit: two.unit, nowMs: clock.nowMs() });
    const closed = await two.link.submit(
      prepare(two, [{ to: [one.unit] }], clock.nowMs()).map(({ wrapper }) => wrapper),
    );
    t.match(closed[0]?.problem, /peer-closed/);

    // The list for others: on the enrolment listener and as a file, read by OpenSSL.
    const answer = await rawRequest(
      test.hub.at.enrolment!.port,
      { ca: certificatePem(test.hub.rootDer), servername: 'localhost' },
      { method: 'GET', path: enrolPaths.crl },
    );
    const folder = temporaryDir('crl');
    writeFileSync(join(folder, 'list.pem'), answer.body);
    writeFileSync(join(folder, 'ca.pem'), certificatePem(test.hub.own.identity().issuingDer));
    const openssl = (...args: string[]) =>
      execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' }).toString();
    const said = openssl('crl', '-in', 'list.pem', '-noout', '-text', '-CAfile', 'ca.pem');
    t.match(said, new RegExp(done.serials[0]!.toUpperCase()), 'the serial is in it');
    t.match(said, /Invalidity Date/, 'with the time of the compromise');
    await eventually(async () => {
      try {
        return readFileSync(join(test.dir, 'crl.pem'), 'utf8').includes('X509 CRL') ? true : undefined;
      } catch {
        return undefined;
      }
    });
  },
);

t.test(
  'what waits under a withdrawn seal is told, and goes on under the seal that follows: document and receipt',
  async (t) => {
    const clock = movedClock();
    const test = await startTestHub({ clock });
    t.teardown(() => test.close());
    const [a, b] = await twoOffices(t, test, clock);
    await sees(a, b);
    await sees(b, a);
    const unit = test.hub.admin.unitOf('XA.2');
    await test.hub.admin.act('certificateRevoke', {
      what: { unit },
      fromMs: clock.nowMs(),
      reason: 'stolen',
      nowMs: clock.nowMs(),
    });
    const [received, own] = [await send(a, b), await send(b, a)];
    await eventually(async () => ((await b.node.edge.inbox()).rows.length === 1 ? true : undefined));
    await eventually(async () =>
      (await b.node.edge.show(own)).envelopes[0]?.lastError === 'certificate-revoked' ? true : undefined,
    );
    // Nobody asks for this alarm but the watch, which looks at once after a start.
    await b.node.close();
    b.node = await startNode({ dir: b.dir, log: quiet, clock });
    await eventually(async () => ((await alarmsOf(b)).includes('certificate-revoked') ? true : undefined));
    t.equal((await a.node.edge.show(received)).state, 'accepted', 'the receipt is not taken');
    await b.node.close();
    const waiting = openDatabase(join(b.dir, 'node.sqlite'));
    const posted = () =>
      waiting.get<{ post: string; bytes: Uint8Array }>("SELECT * FROM statements WHERE direction = 'out'")!;
    const before = posted();
    t.equal(before.post, 'pending');

    const { invitation } = await test.hub.admin.invite({ unit, validMs: DAY_MS });
    await enrolNode({ dir: b.dir, invitations: [invitation], clock, version: 'test' });
    b.node = await startNode({ dir: b.dir, log: quiet, clock });
    await arrived(a, received);
    await arrived(b, own);
    await eventually(async () => (posted().post === 'posted' ? true : undefined));
    t.not(Buffer.compare(before.bytes, posted().bytes), 0, 'the receipt was signed anew');
    waiting.close();
    const { envelopes } = await b.node.edge.show(own);
    t.equal(envelopes[0]?.follows, envelopes[1]?.envelopeId, 'the document was sealed anew');
    t.equal((await a.node.edge.inbox()).rows.length, 1, 'and arrived once');
    t.ok(verifyProof(await a.node.edge.proof(received), test.hub.rootDer).facts, 'the proof holds offline');
  },
);

t.test('a revocation list of 10,000 is made in one go', async (t) => {
  const test = await startTestHub();
  t.teardown(() => test.close());
  const { issuer } = test.hub.own.identity();
  const entries = Array.from({ length: 10_000 }, () => ({
    serialHex: `40${randomBytes(15).toString('hex')}`,
    revokedAtMs: systemClock.nowMs(),
    invalidFromMs: systemClock.nowMs() - DAY_MS,
  }));
  const spec = {
    entries,
    number: 7n,
    thisUpdateMs: systemClock.nowMs(),
    nextUpdateMs: systemClock.nowMs() + DAY_MS,
  };
  const folder = temporaryDir('crl');
  writeFileSync(
    join(folder, 'list.pem'),
    buildCrl(parseCertificate(issuer.certificateDer), issuer.key.privateKey, spec),
  );
  writeFileSync(join(folder, 'ca.pem'), certificatePem(issuer.certificateDer));
  const out = execFileSync('openssl', ['crl', '-in', 'list.pem', '-noout', '-text'], {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  }).toString();
  t.equal(out.match(/Serial Number/g)?.length, 10_000);
});

t.test('a hub whose clock is wrong tells its operator and stops nobody', async (t) => {
  const clocks = createPeerClocks({ clock: systemClock });
  clocks.heard('n1', systemClock.nowMs() + 600_000);
  t.equal(clocks.medianMs(), undefined, 'one office proves nothing');

  // Certificates of an hour ago: a hub that is set back to before it gave them knows nobody.
  const hubClock = movedClock(-3_600_000);
  const test = await startTestHub({ clock: hubClock });
  t.teardown(() => test.close());
  const nodes: BareNode[] = [];
  for (const code of ['XA.1', 'XA.2', 'XA.3']) nodes.push(await bareNode(test.hub, code));
  t.teardown(async () => {
    for (const node of nodes) await node.close();
  });
  hubClock.move(40 * 60_000);
  for (const node of nodes) await pollOnce(node);
  await eventually(async () =>
    test.hub.store.reader.get("SELECT 1 FROM alarms WHERE code = 'hub-clock-wrong'") ? true : undefined,
  );
  const [one, two] = [nodes[0]!, nodes[1]!];
  const results = await one.link.submit(prepare(one, [{ to: [two.unit] }]).map(({ wrapper }) => wrapper));
  t.ok(results[0]?.receipt.length, 'a document of 20 minutes ahead of the hub is taken');

  // Months off, both ways: what the peers agreed on is kept, and they are asked before anything is receipted.
  for (const days of [-8000, 8000]) {
    await test.restart(() => hubClock.move(days * DAY_MS));
    for (const node of nodes) await node.session();
    const [before] = await one.link.submit(prepare(one, [{ to: [two.unit] }]).map(({ wrapper }) => wrapper));
    t.ok(before?.receipt.length, `${days} days off: a document is taken`);
    const { atMs } = statementCodec.decode(signedStatementCodec.decode(before!.receipt).bytes);
    t.ok(Math.abs(atMs - systemClock.nowMs()) < 600_000, 'under the time of the peers, not of the machine');
    t.match(test.hub.store.reader.get("SELECT said FROM alarms WHERE code = 'hub-clock-wrong'"), {
      said: /this machine says \d{4}.*its peers/,
    });
    hubClock.move(-days * DAY_MS);
    await pollOnce(two);
  }
  await test.hub.close();
  hubClock.move(8000 * DAY_MS);
  await test.restart();
  t.equal(
    await codeOf(async () => {
      await one.session();
      await one.link.submit(prepare(one, [{ to: [two.unit] }]).map(({ wrapper }) => wrapper));
    }),
    'not-ready',
    'before enough of them were heard nothing is receipted',
  );
});

t.test(
  'a time on which peers agreed is gone on from, and a long absence is not a wrong clock for ever',
  async (t) => {
    const dir = temporaryDir('clock');
    let [machineMs, monotonicMs] = [Date.UTC(2027, 0, 1), 0];
    const machine: Clock = { ...systemClock, nowMs: () => machineMs, monotonicMs: () => monotonicMs };
    const start = () => createSteadyClock({ dir, clock: machine, peersTell: true });
    const first = start();
    t.equal(first.nowMs(), machineMs, 'nobody was ever heard: the machine is believed');
    first.heard(2000);
    t.equal(first.doubt(), undefined);

    machineMs = Date.UTC(2000, 0, 1);
    const dead = start();
    t.ok(dead.presumed());
    t.equal(dead.nowMs(), Date.UTC(2027, 0, 1) + 2000);
    monotonicMs += 3_600_000;
    machineMs += 3_600_000;
    t.notOk(dead.presumed(), 'waited long enough');
    t.equal(dead.nowMs(), Date.UTC(2027, 0, 1, 1) + 2000, 'what is past is certain');

    machineMs = Date.UTC(2027, 5, 1);
    const away = start();
    t.throws(() => away.assertKnown(), { code: 'not-ready' });
    t.match(away.doubt(), /2027-06-01 00:00 UTC, its peers last agreed on 2027-01-01/);
    away.heard(0);
    t.equal(away.nowMs(), machineMs, 'the peers say the same: it was off for five months');

    machineMs = Date.UTC(2028, 5, 1);
    const alone = start();
    t.ok(alone.presumed());
    alone.confirmed();
    t.ok(alone.presumed(), 'fewer than a quorum settle no doubt');
    monotonicMs += 1_000_000;
    t.equal(alone.nowMs(), machineMs, 'nobody came: the machine is believed');
    // A machine that slept three times, with two offices: nobody tells the time, and those who come say the same as it.
    alone.heard(0);
    for (let slept = 0; slept < 3; slept += 1) {
      machineMs += 20 * DAY_MS;
      alone.confirmed();
      t.equal(alone.doubt(), undefined, 'no doubt');
    }
    const asleep = machineMs;
    machineMs += 40 * DAY_MS;
    t.equal(
      start().nowMs(),
      asleep,
      'the file says what was agreed last, however short the machine has run since',
    );
    const pastMs = asleep + 35 * DAY_MS;
    t.equal(
      createSteadyClock({ dir, clock: machine, peersTell: true, pastMs }).nowMs(),
      machineMs,
      'what was certified since is past: no month is missing',
    );
    machineMs = Date.UTC(2000, 0, 1);
    t.equal(
      createSteadyClock({ dir, clock: machine, peersTell: true, pastMs }).nowMs(),
      asleep,
      'a certificate of a machine that was ahead and has been set back proves nothing',
    );
    t.equal(createSteadyClock({ dir, clock: machine, peersTell: false }).nowMs(), machineMs);
  },
);

t.test('a machine whose clock stands in 2000 says so, and goes on when it is set', async (t) => {
  const test = await startTestHub();
  t.teardown(() => test.close());
  const office = await openOffice(test, 'XA.1', systemClock);
  await office.node.close();
  t.pass('OpenSSL reads the real clock: the whole way is test/year; here the words');
  const { diagnose } = await import('../edge-node/diagnosis.ts');
  const dead: Clock = { ...systemClock, nowMs: () => Date.UTC(2000, 0, 1) };
  const { enrolUrl } = loadIdentity(office.dir);
  const found = await diagnose({
    enrolUrl: () => enrolUrl,
    proxy: undefined,
    clock: dead,
    follow: async () => false,
  });
  t.equal(found?.code, 'clock-wrong');
  t.match(found?.detail, /2000-01-01/);
  t.equal(
    await diagnose({
      enrolUrl: () => enrolUrl,
      proxy: undefined,
      clock: systemClock,
      follow: async () => false,
    }),
    undefined,
    'a right clock is not blamed',
  );
  t.equal(await codeOf(async () => undefined), 'done');
});
