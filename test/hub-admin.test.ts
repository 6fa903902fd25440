// The hub's operator side on real files, sockets and TLS: init, enrolment, confirmation, directory, reorganisation, revocation, two
// hubs under one root, restart, backup and restore, fsck, and the command line.
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { Command } from 'commander';
import t, { type Test } from 'tap';
import {
  buildEnrolRequest,
  type EnrolAnswer,
  type EnrolRequest,
  type VerifiedEnrolment,
  verifyEnrolAnswer,
} from '../certs/enrol.ts';
import { parseInvitation } from '../certs/invitation.ts';
import { generateKey, type OwnKey } from '../certs/keys.ts';
import { enrolmentClientOptions, exchangeClientOptions, rootFetchClientOptions } from '../certs/listen.ts';
import { certificateDer, derToPem, pemToDer } from '../certs/pem.ts';
import { openDirectoryParts } from '../certs/signers.ts';
import { wordsOfKeys } from '../certs/words.ts';
import { backupHub, restoreHub } from '../hub/backup.ts';
import { hubCommands } from '../hub/commands.ts';
import { fsckHub } from '../hub/fsck.ts';
import { type Hub, startHub } from '../hub/hub.ts';
import { certificateLives, hubPaths, loadHubIdentity } from '../hub/identity.ts';
import { initHub } from '../hub/init.ts';
import { injected } from '../hub/offline.ts';
import { enrolPaths } from '../protocol/api.ts';
import { signedCodec, wrapperCodec } from '../protocol/codec.ts';
import { createDirectory, unitStates } from '../protocol/directory.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { newEnvelopeId, uuidToBytes } from '../protocol/ids.ts';
import { type Clock, systemClock } from '../protocol/node/clock.ts';
import { createHttpClient, readBounded } from '../protocol/node/http-client.ts';
import { createHubLink, type HubLink } from '../protocol/node/hub-link.ts';
import { createLogger } from '../protocol/node/logger.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { buildMetadata, seal } from '../protocol/seal.ts';
import { exitOf } from './support/processes.ts';

const name = 'Văn phòng HĐND và UBND huyện Tây Sơn';
const DAY_MS = 86_400_000;
// The whole file on a busy machine with a slow disk; tap's own bound counts from the start of the process.
t.setTimeout(300_000);

/** Real time moved by hand. */
function movedClock(): Clock & { offsetMs: number } {
  const clock = {
    ...systemClock,
    offsetMs: 0,
    nowMs: () => Date.now() + clock.offsetMs,
  };
  return clock;
}

async function openHub(dir: string, clock: Clock = systemClock, confirmUnits = true): Promise<Hub> {
  const listener = { host: '127.0.0.1', port: 0, publicUrl: 'https://127.0.0.1:0' };
  return await startHub({
    dir,
    clock,
    log: createLogger({ level: 'silent', clock, program: 'hub' }),
    random: Math.random,
    software: 'test',
    config: { exchange: listener, enrolment: listener, local: { host: '127.0.0.1', port: 0 }, confirmUnits },
  });
}

async function newHub(t: Test, clock: Clock = systemClock, confirmUnits = true) {
  const dir = join(t.testdir(), 'hub');
  const made = await initHub({ dir, name, code: 'H08.35', nowMs: clock.nowMs() });
  const hub = await openHub(dir, clock, confirmUnits);
  t.teardown(() => hub.close());
  return { dir, made, hub, request: injected(hub) };
}

type Box = { tlsKey: OwnKey; sealKey: OwnKey };
const newBox = (): Box => ({ tlsKey: generateKey(), sealKey: generateKey() });

const roots = new WeakMap<Hub, Uint8Array>();

/** The only request of a box that believes nobody: the answer is compared with the invitation. */
function fetchRoot(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { ...rootFetchClientOptions(), agent: false }, (answer) => {
        let text = '';
        answer.on('data', (piece) => {
          text += piece;
        });
        answer.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

/** What a new box does: fetches the root, compares its fingerprint, sends its request. */
async function post(hub: Hub, request: EnrolRequest): Promise<EnrolAnswer> {
  const origin = `https://127.0.0.1:${hub.at.enrolment!.port}`;
  const rootDer = roots.get(hub) ?? certificateDer(await fetchRoot(`${origin}${enrolPaths.root}`));
  roots.set(hub, rootDer);
  const client = createHttpClient({ origin, tls: enrolmentClientOptions(rootDer) as never });
  try {
    const answer = await client.request({
      method: 'POST',
      path: enrolPaths.enrol,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    return JSON.parse(Buffer.from(await readBounded(answer.body, 100_000)).toString()) as EnrolAnswer;
  } finally {
    await client.destroy();
  }
}

async function enrolBox(
  hub: Hub,
  invitation: string,
  box: Box,
): Promise<{ answer: EnrolAnswer; verified: VerifiedEnrolment; request: EnrolRequest }> {
  const parsed = parseInvitation(invitation);
  const request = await buildEnrolRequest({ invitation: parsed, ...box, nodeVersion: 'test' });
  const answer = await post(hub, request);
  const verified = verifyEnrolAnswer({
    answer,
    invitation: parsed,
    tlsPublicKeyDer: box.tlsKey.publicKeyDer,
    sealPublicKeyDer: box.sealKey.publicKeyDer,
    nowMs: Date.now(),
  });
  return { answer, verified, request };
}

function linkOf(t: Test, hub: Hub, box: Box, verified: VerifiedEnrolment): HubLink {
  const client = createHttpClient({
    origin: `https://127.0.0.1:${hub.at.exchange!.port}`,
    tls: exchangeClientOptions({
      key: box.tlsKey,
      certificateDer: verified.tls.der,
      issuingDer: verified.issuing.der,
      rootDer: verified.rootDer,
    }) as never,
  });
  t.teardown(() => client.destroy());
  return createHubLink({ client, clock: systemClock });
}

const code = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return isExchangeError(error) ? error.code : `${error}`;
  }
};

/** The same request with another byte in its signature. */
function damaged(csr: string): string {
  const der = Buffer.from(pemToDer('CERTIFICATE REQUEST', csr));
  der[der.length - 1]! ^= 1;
  return derToPem('CERTIFICATE REQUEST', der);
}

/** What the hub says to a peer whose connections were cut: the first try may meet a connection that is just gone. */
async function refusal(link: HubLink): Promise<string> {
  const first = await code(link.directory([]));
  return first === 'hub-unreachable' ? await code(link.directory([])) : first;
}

const invite = async (request: ReturnType<typeof injected>, unit: string): Promise<string> =>
  (await request<{ invitation: string }>('POST', `/admin/v1/units/${unit}/invite`, {})).invitation;

const firstSession = {
  previousInstance: 0,
  previousToken: new Uint8Array(0),
  software: 'test',
  restoreCount: 0,
  ledgerSeen: 0,
};

t.test('init makes a whole hub and never touches one that is there', async (t) => {
  const { dir, made, hub } = await newHub(t);
  const modes = (path: string) => fs.statSync(path).mode & 0o777;
  for (const file of fs.readdirSync(join(dir, 'keys'))) t.equal(modes(join(dir, 'keys', file)), 0o600, file);
  t.equal(modes(dir), 0o700);
  t.equal(modes(hubPaths(dir).database), 0o600);
  t.equal(modes(join(dir, 'root', 'root.key')), 0o600);
  t.equal(made.directoryVersion, 1);
  t.match(fs.readFileSync(hubPaths(dir).config, 'utf8'), /confirmUnits/);
  t.notMatch(fs.readFileSync(hubPaths(dir).config, 'utf8'), /PRIVATE/);
  t.same(new Set(certificateLives(dir, Date.now()).map(({ state }) => state)), new Set(['good']));
  t.equal(
    certificateLives(dir, Date.now() + 70 * DAY_MS).find(({ name: which }) => which === 'tls')?.state,
    'due',
  );
  t.equal(await code(initHub({ dir, name, code: 'H08.35', nowMs: Date.now() })), 'dir-exists');
  const other = join(dir, '..', 'other');
  const mistyped = { dir: other, name, code: 'H08.36', hosts: ['hub tayson'], nowMs: Date.now() };
  t.equal(await code(initHub(mistyped)), 'config-invalid');
  t.notOk(fs.existsSync(other), 'refused, it leaves nothing');
  fs.mkdirSync(other);
  t.equal(await code(initHub(mistyped)), 'config-invalid');
  t.same(fs.readdirSync(other), []);
  const nowhere = join(dir, '..', 'nowhere');
  fs.symlinkSync(join(dir, '..', 'not-there'), nowhere);
  t.not(await code(initHub({ ...mistyped, dir: nowhere })), 'no error');
  t.ok(fs.lstatSync(nowhere).isSymbolicLink(), 'it takes away nothing that it did not make');
  t.equal(await code(initHub({ ...mistyped, hosts: ['hub.tayson.example'] })), 'no error');
  const refusedDir = join(dir, '..', 'refused');
  const init = (...more: string[]) =>
    exitOf(['hub', 'init', '--dir', refusedDir, '--name', 'A', '--code', 'H1', ...more]);
  t.match(await init('--at-rest', 'keyfile'), { code: 2, err: /chế độ là một trong tpm/ });
  t.match(await init('--at-rest', 'passphrase', '--at-rest-passphrase-file', '/nowhere'), { code: 66 });
  t.match(await init('--port', '65534'), { code: 2, err: /Lệnh chưa đúng/ });
  const asked = await init('--port', '65534', '--json');
  t.match(
    JSON.parse(asked.err),
    { code: 'command', exit: 2, title: /at most 65533/ },
    'to a program as JSON',
  );
  t.notOk(fs.existsSync(refusedDir), 'nothing is made that would stay without encryption');
  for (const verb of ['status', 'confirm', 'recover']) {
    const more = { status: [], confirm: ['--key-file', '/nowhere'], recover: ['--mode', 'key-file'] }[verb]!;
    t.match(await exitOf(['at-rest', verb, '--dir', refusedDir, ...more]), {
      code: 2,
      err: /no data folder/,
    });
  }
  t.notOk(fs.existsSync(refusedDir), 'nor a lock in a folder that is none');
  const file = join(other, 'config.json');
  t.match(await exitOf(['hub', 'init', '--dir', join(file, 'x'), '--name', 'A', '--code', 'H1']), {
    code: 78,
    err: /Không dùng được .*config\.json\/x: một phần của đường dẫn không phải thư mục[\s\S]*→ Kiểm tra đường dẫn/,
  });
  const own = hub.directory.current().byCode('h08.35', Date.now());
  t.equal(own?.unit, made.unit, 'the office that runs the hub is its first unit');
  t.equal(own?.state, unitStates.invited);
  const sound = await fsckHub({ dir });
  t.same(sound.findings, []);
});

t.test('a box enrols, is confirmed by its six words, and then may connect', async (t) => {
  const { dir, hub, request } = await newHub(t);
  await request('POST', '/admin/v1/units', {
    name: 'UBND xã Bình Nghi',
    codes: ['H08.35.12', '000.12.35.H08'],
  });
  const invitation = await invite(request, 'H08.35.12');
  const stored = fs.readFileSync(hubPaths(dir).database).toString('latin1');
  t.notOk(
    stored.includes(Buffer.from(parseInvitation(invitation).secret).toString('latin1')),
    'no secret is stored',
  );
  const box = newBox();
  const { answer, verified } = await enrolBox(hub, invitation, box);
  t.equal(answer.confirmed, false);
  t.equal(answer.unitCode, 'H08.35.12');
  t.equal(
    answer.words,
    wordsOfKeys([box.tlsKey.publicKeyDer, box.sealKey.publicKeyDer]),
    'both sides see the same words',
  );
  const { units } = await request<{
    units: { code: string; waiting: { words: string } | null; state: string }[];
  }>('GET', '/admin/v1/units');
  const line = units.find((unit) => unit.code === 'H08.35.12');
  t.equal(line?.waiting?.words, answer.words);
  t.equal(line?.state, 'unconfirmed');
  const link = linkOf(t, hub, box, verified);
  t.equal(await code(link.directory([])), 'peer-unconfirmed');
  t.same(
    hub.directory.current().unit(answer.unitId)?.sealCertificates,
    [],
    'its seal is not in the directory yet',
  );
  t.equal(
    await code(request('POST', '/admin/v1/units/H08.35.12/confirm', { words: 'một hai ba bốn năm sáu' })),
    'request-malformed',
    'other words confirm nothing',
  );
  const spoken = answer.words.replaceAll('-', '  ').toUpperCase();
  await request('POST', '/admin/v1/units/H08.35.12/confirm', { words: spoken });
  t.equal((await link.session(firstSession)).units[0], answer.unitId);
  const { parts, stamp } = await link.directory([]);
  t.equal(stamp, hub.directory.stamp());

  t.comment('the directory is verified from outside, knowing only the root');
  const opened = openDirectoryParts(parts, { rootsDer: [verified.rootDer], nowMs: Date.now() });
  t.same(opened.refused, []);
  const directory = createDirectory(opened.parts.map(({ part }) => part));
  const unit = directory.byCode('000.12.35.h08', Date.now());
  t.equal(unit?.unit, answer.unitId, 'the old code names the same unit');
  t.equal(unit?.node, answer.nodeId);
  t.equal(unit?.state, unitStates.active);
  t.equal(Buffer.compare(unit!.sealCertificates[0]!, verified.seal.der), 0);
  const forged = Buffer.from(parts[0]!);
  forged[forged.indexOf('Bình Nghi')] = 0x62;
  t.equal(openDirectoryParts([forged], { rootsDer: [verified.rootDer], nowMs: Date.now() }).parts.length, 0);

  const again = await request('POST', '/admin/v1/units/H08.35.12/confirm', {}).catch((e) => e);
  t.ok(isExchangeError(again, 'request-malformed'), 'nothing waits any more');
  t.same((await fsckHub({ dir })).findings, []);
});

t.test('a lost answer is given again to the same keys, and to no others', async (t) => {
  const clock = movedClock();
  const { hub, request } = await newHub(t, clock);
  const invitation = await invite(request, 'H08.35');
  const parsed = parseInvitation(invitation);
  const box = newBox();
  const asked = await buildEnrolRequest({ invitation: parsed, ...box, nodeVersion: 'test' });
  const [one, two] = await Promise.all([post(hub, asked), post(hub, asked)]);
  t.same(one, two, 'two requests at once get one pair of certificates');
  // Fresh requests (other signatures) of the same keys, also after a restart of the box and past the date of the paper.
  clock.offsetMs = 30 * DAY_MS;
  const later = await buildEnrolRequest({ invitation: parsed, ...box, nodeVersion: 'test2' });
  t.same(await post(hub, later), one);
  const other = await buildEnrolRequest({ invitation: parsed, ...newBox(), nodeVersion: 'test' });
  t.equal(await code(post(hub, other)), 'invitation-used');
  const half = await buildEnrolRequest({
    invitation: parsed,
    ...box,
    sealKey: generateKey(),
    nodeVersion: 'test',
  });
  t.equal(await code(post(hub, half)), 'invitation-used', 'one other key is enough');
  const { alarms } = await request<{ alarms: { code: string; about: string; count: number }[] }>(
    'GET',
    '/admin/v1/alarms',
  );
  t.match(alarms, [{ code: 'invitation-used', about: one.unitId, count: 2 }]);
  clock.offsetMs = 0;
  await request('POST', '/admin/v1/units/H08.35/confirm', {});
  t.equal((await post(hub, asked)).confirmed, true, 'the same certificates, now confirmed');

  await hub.store.seen([{ peer: one.nodeId, atMs: Date.now() + 1000 }]);
  t.equal(await code(post(hub, asked)), 'invitation-used', 'after the first use of its key it is over');
});

t.test('wrong papers are refused, each with its own code', async (t) => {
  const clock = movedClock();
  const { hub, request } = await newHub(t, clock);
  const box = newBox();
  const ask = async (invitation: string, with_: Box = box) =>
    await post(
      hub,
      await buildEnrolRequest({ invitation: parseInvitation(invitation), ...with_, nodeVersion: 't' }),
    );
  const old = await invite(request, 'H08.35');
  const expired = await invite(request, 'H08.35');
  t.equal(await code(ask(old)), 'invitation-unknown', 'a new paper ends the one before it');
  clock.offsetMs = 8 * DAY_MS;
  t.equal(await code(ask(expired)), 'invitation-expired');
  clock.offsetMs = 0;
  const withdrawn = await invite(request, 'H08.35');
  await request('POST', '/admin/v1/units/H08.35/uninvite');
  t.equal(await code(ask(withdrawn)), 'invitation-unknown');
  const good = await invite(request, 'H08.35');
  t.equal(
    await code(ask(good, { tlsKey: box.tlsKey, sealKey: box.tlsKey })),
    'csr-invalid',
    'one key for two uses',
  );
  const noProof = await buildEnrolRequest({ invitation: parseInvitation(good), ...box, nodeVersion: 't' });
  t.equal(await code(post(hub, { ...noProof, sealCsr: damaged(noProof.sealCsr) })), 'csr-invalid');
  t.equal(await code(post(hub, { ...noProof, secret: 'x' })), 'request-malformed');
  await ask(good);
  let refused = 0;
  for (let i = 0; i < 120; i++)
    if ((await code(post(hub, { ...noProof, secret: randomBytes(20).toString('hex') }))) === 'rate-limited')
      refused += 1;
  t.ok(refused > 0, 'an address that goes on and on is slowed down');
});

t.test('one box serves two units; another box for a unit moves it only after a person agreed', async (t) => {
  const { dir, hub, request } = await newHub(t);
  for (const [unit, unitCode] of [
    ['Xã A', 'H08.35.1'],
    ['Xã B', 'H08.35.2'],
  ] as const)
    await request('POST', '/admin/v1/units', { name: unit, codes: [unitCode] });
  const first = newBox();
  const a = await enrolBox(hub, await invite(request, 'H08.35.1'), first);
  await request('POST', '/admin/v1/units/H08.35.1/confirm', { words: a.answer.words });
  const shared = { tlsKey: first.tlsKey, sealKey: generateKey() };
  const b = await enrolBox(hub, await invite(request, 'H08.35.2'), shared);
  t.equal(b.answer.nodeId, a.answer.nodeId, 'recognised by its connection key');
  t.equal(hub.directory.current().unit(b.answer.unitId)?.state, unitStates.unconfirmed);
  await request('POST', '/admin/v1/units/H08.35.2/confirm', {});
  const link = linkOf(t, hub, first, a.verified);
  t.same([...(await link.session(firstSession)).units].sort(), [a.answer.unitId, b.answer.unitId].sort());

  const taken = { tlsKey: generateKey(), sealKey: first.sealKey };
  t.equal(
    await code(enrolBox(hub, await invite(request, 'H08.35.2'), taken)),
    'csr-invalid',
    'a seal key belongs to one unit',
  );
  const replacement = newBox();
  const moved = await enrolBox(hub, await invite(request, 'H08.35.1'), replacement);
  t.not(moved.answer.nodeId, a.answer.nodeId);
  t.equal(
    hub.directory.current().unit(a.answer.unitId)?.node,
    a.answer.nodeId,
    'until then the old box works on',
  );
  t.equal(hub.directory.current().unit(a.answer.unitId)?.state, unitStates.active);
  const { alarms } = await request<{ alarms: { code: string }[] }>('GET', '/admin/v1/alarms');
  t.match(alarms, [{ code: 'unit-moves' }]);
  await request('POST', '/admin/v1/units/H08.35.1/confirm', { words: moved.answer.words });
  const unit = hub.directory.current().unit(a.answer.unitId)!;
  t.equal(unit.node, moved.answer.nodeId);
  t.equal(unit.sealCertificates.length, 2, 'what the old box sealed stays verifiable');
  t.equal(Buffer.compare(unit.sealCertificates[0]!, moved.verified.seal.der), 0, 'newest first');
  t.equal(await code(link.directory([])), 'no error', 'the old box still serves the other unit');
  await request('POST', '/admin/v1/units/H08.35.2/invite', {});
  const last = await enrolBox(hub, await invite(request, 'H08.35.2'), {
    tlsKey: replacement.tlsKey,
    sealKey: generateKey(),
  });
  await request('POST', '/admin/v1/units/H08.35.2/confirm', { words: last.answer.words });
  t.equal(await refusal(link), 'peer-closed', 'a box without units is out');
  t.same((await fsckHub({ dir })).findings, []);
});

t.test('units are renamed, merged and suspended in the directory, and it survives a restart', async (t) => {
  const dir = join(t.testdir(), 'hub');
  await initHub({ dir, name, code: 'H08.35', nowMs: Date.now() });
  let hub = await openHub(dir, systemClock, false);
  let request = injected(hub);
  const add = async (unit: string, unitCode: string) =>
    (await request<{ unit: string }>('POST', '/admin/v1/units', { name: unit, codes: [unitCode] })).unit;
  const [a, b, c] = [await add('Xã A', 'A1'), await add('Xã B', 'B1'), await add('Xã mới', 'C1')];
  t.equal(await code(add('Xã khác', 'a1')), 'unit-exists', 'a code names one unit');
  t.equal(await code(add('Xã\u202ekhác', 'D1')), 'request-malformed');
  t.equal(await code(add('Xã khác', 'van thu@D1')), 'request-malformed');
  await request('POST', `/admin/v1/units/A1/rename`, { name: 'Phường A', code: 'A2' });
  const now = Date.now();
  t.equal(hub.directory.current().codeOf(a), 'A2');
  t.equal(hub.directory.current().byCode('A1', now)?.unit, a, 'letters to the old code still arrive');
  t.equal(hub.directory.current().byCode('A1', now + 400 * DAY_MS), undefined, 'for a year');
  await request('POST', '/admin/v1/units/merge', { units: ['A1', 'B1'], into: 'C1', untilMs: now + DAY_MS });
  t.same(hub.directory.current().unit(a)?.successors, [c]);
  t.equal(hub.directory.current().unit(b)?.state, unitStates.closed);
  const d = await add('Xã sau', 'D1');
  await request('POST', '/admin/v1/units/merge', { units: ['C1'], into: 'D1' });
  t.same(hub.directory.current().unit(a)?.successors, [d], 'successors follow to the last one');
  t.equal(await code(request('POST', '/admin/v1/units/merge', { units: ['D1'], into: 'C1' })), 'unit-closed');
  t.equal(await code(request('POST', '/admin/v1/units/D1/resume')), 'request-malformed');
  await request('POST', '/admin/v1/units/D1/suspend');
  t.equal(hub.directory.current().unit(d)?.state, unitStates.suspended);

  const stamp = hub.directory.stamp();
  const ledger = await request('GET', '/admin/v1/ledger');
  await hub.close();
  hub = await openHub(dir, systemClock, false);
  request = injected(hub);
  t.teardown(() => hub.close());
  t.equal(hub.directory.stamp(), stamp);
  t.same(await request('GET', '/admin/v1/ledger'), ledger);
  await request('POST', '/admin/v1/units/D1/resume');
  t.equal(hub.directory.current().unit(d)?.state, unitStates.invited);
  const { answer } = await enrolBox(hub, await invite(request, 'D1'), newBox());
  t.equal(answer.confirmed, true, 'without confirmation where the configuration says so');
  t.equal(hub.directory.current().unit(d)?.state, unitStates.active);
  t.same((await fsckHub({ dir })).findings, []);
});

t.test('the directory is signed anew before it ends', async (t) => {
  const { hub } = await newHub(t);
  const nowMs = Date.now();
  t.equal(await hub.admin.act('republishIfDue', { nowMs: nowMs + DAY_MS }), 0);
  t.equal(await hub.admin.act('republishIfDue', { nowMs: nowMs + 11 * DAY_MS }), 2);
  t.ok(hub.directory.own().expiresMs > nowMs + 40 * DAY_MS);
});

t.test('a revoked box is cut off at once and stays out', async (t) => {
  const { dir, hub, request } = await newHub(t);
  const box = newBox();
  const { answer, verified } = await enrolBox(hub, await invite(request, 'H08.35'), box);
  await request('POST', '/admin/v1/units/H08.35/confirm', {});
  const link = linkOf(t, hub, box, verified);
  await link.session(firstSession);
  const sealed = sealOne(answer.unitId, box, answer.unitId);
  const [taken] = await link.submit([sealed]);
  t.equal(taken?.problem, '');
  const done = await request<{ serials: string[]; held: number }>('POST', '/admin/v1/revoke', {
    unit: 'H08.35',
    fromMs: Date.now() - 60_000,
    reason: 'lộ khoá',
  });
  t.equal(done.held, 1, 'what was accepted after the compromise waits for a person');
  t.equal(hub.directory.current().revoked(hub.hubId, done.serials[0]!, Date.now()), true);
  const { queue } = await request<{
    queue: { code: string; byState: object; lastError: { code: string } }[];
  }>('GET', '/admin/v1/queue');
  t.match(queue, [{ code: 'H08.35', byState: { held: 1 }, lastError: { code: 'certificate-revoked' } }]);
  const { deliveries } = await request<{ deliveries: { id: number }[] }>(
    'GET',
    '/admin/v1/deliveries?unit=H08.35',
  );
  await request('POST', '/admin/v1/cancel', { ids: deliveries.map(({ id }) => id) });
  t.same((await request<{ queue: unknown[] }>('GET', '/admin/v1/queue')).queue, []);

  const poll = async (statementsTaken: number[], holdMs: number) =>
    await link.poll({
      itemsMax: 10,
      bytesMax: 100_000,
      epochKnown: 1,
      directoryKnown: hub.directory.stamp(),
      statementsTaken,
      holdMs,
    });
  const { items } = await poll([], 0);
  t.equal(items.length, 1, 'the notice of the cancellation');
  const ended = code(poll([items[0]!.statement!.id], 20_000));
  await request('POST', '/admin/v1/revoke', { node: answer.nodeId, reason: 'máy bị mất' });
  t.not(await ended, 'no error', 'the open poll ends');
  t.match(await refusal(link), /^(certificate|peer)-revoked$/);
  t.equal(
    await code(
      enrolBox(hub, await invite(request, 'H08.35'), { tlsKey: box.tlsKey, sealKey: generateKey() }),
    ),
    'peer-revoked',
    'its key never comes back, whatever paper it brings',
  );
  const found = await fsckHub({ dir });
  t.equal(found.faults, 0);
  t.ok(
    found.findings.every(({ severity }) => severity === 'note'),
    'what was sealed after the compromise is marked',
  );
});

function sealOne(sender: string, box: Box, to: string): Uint8Array {
  const nowMs = Date.now();
  const metadata = buildMetadata({ subject: 'V/v thử' }, randomBytes(32));
  const [sealed] = seal(
    [
      {
        header: {
          envelopeId: uuidToBytes(newEnvelopeId(nowMs, randomBytes(10))),
          documentId: uuidToBytes(randomUUID()),
          kind: 1,
          sender,
          recipients: [{ unit: to, desk: '', group: '', groupDirectoryVersion: 0 }],
          createdMs: nowMs,
          deliverByMs: nowMs + DAY_MS,
          replyByMs: 0,
          urgency: 0,
          parts: [],
          links: [],
          clockOffsetMs: 0,
          status: null,
        },
        metadata,
      },
    ],
    { keyId: Buffer.from(box.sealKey.keyId, 'hex'), privateKey: box.sealKey.privateKey },
  );
  return wrapperCodec.encode({
    envelope: signedCodec.decode(sealed!.bytes),
    recipients: [{ index: 0, unit: to }],
    metadata,
  });
}

t.test('a hub below is known by its own signed part, under the same root', async (t) => {
  const { dir, hub, request } = await newHub(t);
  const belowDir = join(t.testdirName, 'below');
  const below = await initHub({
    dir: belowDir,
    name: 'UBND xã Tây Phú',
    code: 'H08.35.20',
    rootDir: join(dir, 'root'),
    nowMs: Date.now(),
  });
  t.equal(below.rootCreated, false);
  const lower = await openHub(belowDir);
  t.teardown(() => lower.close());
  const lowerRequest = injected(lower);
  const url = `https://127.0.0.1:${hub.at.exchange!.port}`;
  const { answer: exported } = await lowerRequest<{ answer: string }>('GET', '/admin/v1/directory');

  const { link: own, rootDer } = loadHubIdentity(belowDir, { nowMs: Date.now() });
  const client = createHttpClient({ origin: url, tls: exchangeClientOptions({ ...own, rootDer }) as never });
  t.teardown(() => client.destroy());
  const link = createHubLink({ client, clock: systemClock });
  t.equal(
    await code(link.session(firstSession)),
    'certificate-unknown-issuer',
    'its CA is not known here yet',
  );
  await request('POST', '/admin/v1/peers/hub', { hubId: below.hubId, part: exported });
  t.equal(await code(link.session(firstSession)), 'no error');
  t.equal(hub.directory.current().byCode('H08.35.20', Date.now())?.hub, below.hubId);
  t.equal(
    await code(request('POST', '/admin/v1/units/H08.35.20/suspend')),
    'unit-unknown',
    'its units are its own affair',
  );

  const { answer: ours } = await request<{ answer: string }>('GET', '/admin/v1/directory');
  t.equal((await lowerRequest<{ newer: number }>('POST', '/admin/v1/directory', { answer: ours })).newer, 1);
  t.equal((await lowerRequest<{ newer: number }>('POST', '/admin/v1/directory', { answer: ours })).newer, 0);

  const strangerDir = join(t.testdirName, 'stranger');
  await initHub({ dir: strangerDir, name: 'Kẻ lạ', code: 'H08.35', nowMs: Date.now() });
  const stranger = await openHub(strangerDir);
  t.teardown(() => stranger.close());
  const { answer: strange } = await injected(stranger)<{ answer: string }>('GET', '/admin/v1/directory');
  t.equal((await request<{ newer: number }>('POST', '/admin/v1/directory', { answer: strange })).newer, 0);
  const { alarms } = await request<{ alarms: { code: string }[] }>('GET', '/admin/v1/alarms');
  t.match(alarms, [{ code: 'directory-part-refused' }]);

  await request('POST', `/admin/v1/peers/${below.hubId}/suspend`);
  t.equal(await refusal(link), 'peer-suspended');
});

t.test('a backup of a running hub is restored as a new epoch', async (t) => {
  const { dir, hub, request } = await newHub(t);
  const box = newBox();
  const { answer, verified } = await enrolBox(hub, await invite(request, 'H08.35'), box);
  await request('POST', '/admin/v1/units/H08.35/confirm', {});
  const link = linkOf(t, hub, box, verified);
  await link.session(firstSession);
  await link.submit([sealOne(answer.unitId, box, answer.unitId)]);
  await request('POST', '/admin/v1/units', { name: 'Xã A', codes: ['A1'] });
  const open = await invite(request, 'A1');
  const { sequence } = await request<{ sequence: number }>('GET', '/admin/v1/ledger');
  const to = join(t.testdirName, 'backup');
  fs.writeFileSync(join(dir, 'policy.conf'), '[default]\nmacros = refuse\n');
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const cut = { dir, to, version: 'test', clock: systemClock };
  t.equal(
    await code(
      backupHub({
        ...cut,
        onProgress: () => {
          throw full;
        },
      }),
    ),
    'disk-nearly-full',
  );
  t.notOk(fs.existsSync(to), 'a backup that failed leaves no half of one');
  const manifest = await backupHub({ dir, to, version: 'test', clock: systemClock });
  t.same(manifest.missing, []);
  t.notOk(
    manifest.files.some(({ path }) => path.includes('root.key')),
    'the root key is not in it',
  );
  await request('POST', '/admin/v1/units', { name: 'Xã B', codes: ['B1'] });
  const after = hub.directory.own().version;

  t.equal(await code(restoreHub({ from: to, dir, clock: systemClock })), 'dir-exists', 'never over a folder');
  const restoredDir = join(t.testdirName, 'restored');
  const restored = await restoreHub({ from: to, dir: restoredDir, clock: systemClock });
  t.ok(fs.existsSync(join(restoredDir, 'policy.conf')), 'its rules for files come back with it');
  if (process.geteuid?.() === 0) {
    const account = 65_534;
    fs.chownSync(restoredDir, account, account);
    fs.chownSync(join(restoredDir, 'config.json'), account, account);
    t.match(await exitOf(['hub', 'status', '--dir', restoredDir]), {
      code: 78,
      err: /sudo -u '#65534' lienthong/,
    });
    t.notOk(
      fs.existsSync(join(restoredDir, 'lock.sqlite')),
      'root leaves nothing in the folder of another account',
    );
    const by = { dir: restoredDir, to: join(t.testdirName, 'by-root'), version: 'test', clock: systemClock };
    await backupHub(by);
    t.equal(fs.statSync(join(restoredDir, 'last-backup.json')).uid, account, 'but what that account reads');
    fs.chownSync(restoredDir, 0, 0);
    fs.chownSync(join(restoredDir, 'config.json'), 0, 0);
  }
  t.match(restored, { hubId: hub.hubId, epoch: Number, commonLedgerSequence: sequence });
  t.same((await fsckHub({ dir: restoredDir })).findings, []);
  const second = await openHub(restoredDir);
  t.teardown(() => second.close());
  t.ok(second.directory.own().version > after, 'its directory is newer than any that nodes have seen');
  t.match(await injected(second)('GET', '/admin/v1/alarms'), { alarms: [{ code: 'hub-restored' }] });
  t.equal(await code(enrolBox(second, open, newBox())), 'invitation-unknown', 'papers of before are void');
  t.match(await injected(second)('GET', '/admin/v1/status'), { epoch: restored.epoch, openDeliveries: 1 });
});

t.test('fsck names what was changed behind the back of the hub', async (t) => {
  const dir = join(t.testdir(), 'hub');
  await initHub({ dir, name, code: 'H08.35', nowMs: Date.now() });
  let hub = await openHub(dir, systemClock, false);
  const box = newBox();
  const { answer, verified } = await enrolBox(hub, await invite(injected(hub), 'H08.35'), box);
  const link = linkOf(t, hub, box, verified);
  await link.session(firstSession);
  for (let i = 0; i < 3; i++) await link.submit([sealOne(answer.unitId, box, answer.unitId)]);
  await hub.close();
  t.match(await fsckHub({ dir }), { sound: true, faults: 0, counted: { envelopes: 3 } });
  const db = openDatabase(hubPaths(dir).database);
  const spoil = (sql: string) => db.transaction(() => db.exec(sql));
  spoil("UPDATE deliveries SET state = 'delivered', settled_ledger = 3 WHERE id = 1");
  spoil("UPDATE envelopes SET metadata = x'00' WHERE seq = 2");
  spoil('UPDATE envelopes SET receipt = (SELECT receipt FROM envelopes WHERE seq = 1) WHERE seq = 3');
  spoil('UPDATE directory_heads SET version = version + 1');
  spoil('DROP TRIGGER ledger_no_update; UPDATE ledger SET leaf = zeroblob(32) WHERE sequence = 4');
  db.close();
  const { findings, sound } = await fsckHub({ dir });
  t.equal(sound, false);
  const checks = new Set(findings.map(({ check }) => check));
  for (const check of ['deliveries', 'envelope', 'receipt', 'directory', 'ledger', 'certificate'])
    t.ok(checks.has(check), check);
  hub = await openHub(dir, systemClock, false);
  await hub.close();
});

t.test('the commands work on the files when no hub runs, and through the socket when one does', async (t) => {
  const dir = join(t.testdir(), 'hub');
  const run = async (...args: string[]): Promise<{ exit: number; out: string }> => {
    const program = new Command('lienthong').version('test').exitOverride();
    hubCommands(program);
    let out = '';
    const { write } = process.stdout;
    const quiet = process.stderr.write;
    process.stdout.write = ((text: string) => {
      out += text;
      return true;
    }) as typeof write;
    process.stderr.write = (() => true) as typeof quiet;
    try {
      await program.parseAsync(['hub', ...args], { from: 'user' });
      return { exit: Number(process.exitCode ?? 0), out };
    } finally {
      process.stdout.write = write;
      process.stderr.write = quiet;
      process.exitCode = 0;
    }
  };
  t.equal((await run('status', '--dir', dir)).exit, 78, 'no folder: configuration');
  const made = await run('init', '--dir', dir, '--name', name, '--code', 'H08.35', '--port', '0', '--json');
  t.equal(made.exit, 0);
  t.match(JSON.parse(made.out), { directoryVersion: 1 });
  t.equal((await run('init', '--dir', dir, '--name', name, '--code', 'H08.35')).exit, 78);
  t.equal((await run('unit', 'add', 'Xã A', '--code', 'A1', '--dir', dir, '--json')).exit, 0);
  t.equal((await run('unit', 'add', 'Xã A', '--code', 'A1', '--dir', dir)).exit, 1, 'refused');
  const invited = await run('invite', 'A1', '--dir', dir);
  const there = fs.readdirSync(join(dir, 'keys'));
  const text = /lienthong-\w+/.exec(invited.out)![0];
  t.match(await exitOf(['node', 'init', '--dir', dir, '--invitation', text]), {
    code: 78,
    err: /holds a hub/,
  });
  t.same(fs.readdirSync(join(dir, 'keys')), there, 'a node never moves into a hub’s folder');
  const mistaken = await exitOf(['node', 'status', '--dir', dir]);
  t.match(mistaken, { code: 78, err: /là thư mục của trung tâm, không phải của nút/ });
  t.ok(parseInvitation(invited.out.split('\n')[0]!));
  t.match((await run('unit', 'list', '--dir', dir)).out, /A1 .*Xã A/);
  const page = await run('unit', 'list', '--limit', '1', '--dir', dir);
  const after = /--after (\d+)/.exec(page.out)?.[1];
  t.notMatch(page.out, /Xã A/, 'the hub itself was first');
  const rest = JSON.parse((await run('unit', 'list', '--after', `${after}`, '--dir', dir, '--json')).out);
  t.match(rest, { units: [{ code: 'A1' }], next: null }, 'a page says that there is more, and where');
  t.equal(
    JSON.parse((await run('unit', 'list', '--state', 'closed', '--dir', dir, '--json')).out).units.length,
    0,
  );
  t.equal((await run('unit', 'list', '--limit', '10001', '--dir', dir)).exit, 1, 'a page has its bound');
  const hub = await openHub(dir);
  t.match(JSON.parse((await run('status', '--dir', dir, '--json')).out), {
    running: true,
    units: { invited: 2 },
    backup: { standing: 'none' },
  });
  t.equal((await run('unit', 'rename', 'A1', '--name', 'Phường A', '--dir', dir)).exit, 0);
  t.equal(hub.directory.current().byCode('A1', Date.now())?.name, 'Phường A', 'the running hub has it');
  t.equal((await run('upstream', '--dir', dir)).exit, 2);
  for (const command of ['queue', 'alarms', 'report'])
    t.equal((await run(command, '--dir', dir)).exit, 0, command);
  t.equal((await run('peer', 'list', '--dir', dir)).exit, 0);
  t.equal((await run('backup', '--dir', dir, '--to', join(t.testdirName, 'copy'))).exit, 0);
  const status = JSON.parse((await run('status', '--dir', dir, '--json')).out) as {
    backup: object;
    checks: { name: string }[];
  };
  t.match(status.backup, { standing: 'good', last: { path: join(t.testdirName, 'copy'), missing: 0 } });
  t.match(
    status.checks.find(({ name }) => name === 'backup'),
    { state: 'ok' },
  );
  t.equal((await run('fsck', '--dir', dir)).exit, 0);
  await hub.close();
  const db = openDatabase(hubPaths(dir).database);
  db.exec("UPDATE certificates SET key_id = 'x' WHERE role = 'hub-tls'");
  db.close();
  t.equal((await run('fsck', '--dir', dir, '--json')).exit, 65);
});
