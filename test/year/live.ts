// A district lives through time: real programs, a clock that jumps from day to day, documents at every stop, and what happens to a district
// on the way: renewals, a stolen box, a merged unit, another issuing CA and another root, days without the hub, a box that was off
// too long, a dead battery. Nothing may stop that should not, nothing may pass that should not. Says what was wrong; judges by the
// programs' own words.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../bin/demo/processes.ts';
import { renewalDueMs } from '../../certs/profile.ts';
import { firstCertificate, loadIdentity, sealPair } from '../../edge-node/identity.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest } from '../../protocol/node/control.ts';
import {
  arrivalsOf,
  createProgram,
  handIn,
  isFinal,
  judge,
  type Office,
  type Paper,
  showSent,
  until,
} from '../support/processes.ts';
import { commandAt, type MovedClock, movedClock } from './moved-programs.ts';

export type Life = {
  readonly dir: string;
  readonly days: number;
  /** How far the clock jumps at once: less than the last third of the shortest life, or a renewal is missed as it would be in life. */
  readonly stepDays: number;
  readonly certificateDays: Readonly<Record<string, number>>;
  readonly directoryDays: number;
  /** On which day what happens. */
  readonly at: {
    readonly stolen: number;
    readonly merge: number;
    readonly ca: number;
    readonly outage: number;
    readonly outageDays: number;
    readonly off: number;
    readonly back: number;
    readonly battery: number;
    readonly root: number;
  };
  readonly say: (line: string) => void;
};
export type Lived = {
  readonly wrong: readonly string[];
  readonly documents: number;
  readonly renewals: { readonly connections: number; readonly seals: number; readonly server: number };
};

const waitMs = 180_000;
const wrongMax = 3;
const codes = ['H08.35.901', 'H08.35.902', 'H08.35.903', 'H08.35.904'] as const;

type District = {
  readonly life: Life;
  readonly clock: MovedClock;
  readonly hub: Office['node'];
  readonly root: string;
  readonly offices: Map<string, Office>;
  readonly papers: Paper[];
  readonly wrong: string[];
  readonly seen: { connections: Set<string>; seals: Set<string>; server: Set<string> };
};

export async function liveThrough(life: Life): Promise<Lived> {
  const clock = movedClock(life.dir, systemClock);
  const d = await settle(life, clock);
  try {
    for (let day = 0; day <= life.days; day += life.stepDays) await oneStop(d, day);
    await finish(d);
  } finally {
    for (const { node } of d.offices.values()) await node.stop();
    await d.hub.stop();
  }
  const { connections, seals, server } = d.seen;
  return {
    wrong: d.wrong,
    documents: d.papers.length,
    renewals: { connections: connections.size, seals: seals.size, server: server.size },
  };
}

/** Hub and four offices. The hub is some weeks old: its server certificate is due for renewal as it starts. */
async function settle(life: Life, clock: MovedClock): Promise<District> {
  const { dir } = life;
  const logs = join(dir, 'logs');
  mkdirSync(logs, { recursive: true });
  const root = join(dir, 'root-ca');
  const hubDir = join(dir, 'hub');
  const port = await freePorts();
  clock.moveTo(-65);
  await commandAt(clock, [
    ...['hub', 'init', '--dir', hubDir, '--name', 'UBND huyện thử', '--code', 'H08.35'],
    ...['--root', root, '--port', String(port), '--json'],
  ]);
  const { certificateDays, directoryDays } = life;
  changeJson(join(hubDir, 'config.json'), {
    confirmUnits: false,
    diskReserveBytes: 0,
    directoryDays,
    certificateDays,
  });
  clock.moveTo(0);
  const hub = createProgram({ kind: 'hub', name: 'hub', dir: hubDir, logs });
  await hub.start({ under: clock.under });
  const seen = { connections: new Set<string>(), seals: new Set<string>(), server: new Set<string>() };
  const d: District = { life, clock, hub, root, offices: new Map(), papers: [], wrong: [], seen };
  for (const code of codes)
    await ask(hub, 'POST', '/admin/v1/units', { name: `UBND xã ${code}`, codes: [code] });
  const offices = await Promise.all(codes.map((code) => enrolOffice(d, code, `node-${code}`)));
  for (const office of offices) d.offices.set(office.code, office);
  return d;
}

const ask = async <T>(
  program: Office['node'],
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<T> =>
  (
    await controlRequest(
      program.dir,
      method,
      path,
      body === undefined ? { timeoutMs: 30_000 } : { body, timeoutMs: 30_000 },
    )
  ).body as T;

async function enrolOffice(d: District, code: string, name: string): Promise<Office> {
  const dir = join(d.life.dir, name);
  await invite(d, code, dir);
  const node = createProgram({ kind: 'node', name, dir, logs: join(d.life.dir, 'logs') });
  await node.start({ under: d.clock.under });
  return { code, node };
}

async function invite(d: District, code: string, dir: string): Promise<void> {
  const { invitation } = await ask<{ invitation: string }>(
    d.hub,
    'POST',
    `/admin/v1/units/${code}/invite`,
    {},
  );
  await commandAt(d.clock, [
    'node',
    'init',
    '--dir',
    dir,
    '--invitation',
    invitation,
    '--port',
    '0',
    '--json',
  ]);
}

async function oneStop(d: District, day: number): Promise<void> {
  const { life, clock, say } = { ...d, ...d.life };
  clock.moveTo(day);
  const happens = (on: number) => on >= day && on < day + life.stepDays;
  for (const { node } of d.offices.values()) await retry(node);
  if (happens(life.at.stolen)) await stolenBox(d);
  if (happens(life.at.merge)) await merge(d);
  if (happens(life.at.ca)) await anotherCa(d, false);
  if (happens(life.at.outage)) await outage(d);
  if (happens(life.at.off)) await d.offices.get(codes[1])!.node.stop();
  if (happens(life.at.back)) await backAfterLong(d);
  if (happens(life.at.battery)) await deadBattery(d);
  if (happens(life.at.root)) await anotherRoot(d);
  await ring(d, `day ${day}`);
  await soon(d, 'what is due is renewed', async () => overdue(d).length === 0);
  look(d);
  say(`day ${day}: ${d.papers.length} documents, certificates seen ${JSON.stringify(count(d))}`);
}

const count = ({ seen }: District) => ({
  connections: seen.connections.size,
  seals: seen.seals.size,
  server: seen.server.size,
});

const retry = async (node: Office['node']) => {
  if (node.alive()) await ask(node, 'POST', '/control/retry', {}).catch(() => {});
};

/** Each living office sends to the next one; all of it arrives. */
async function ring(d: District, what: string): Promise<void> {
  const living = [...d.offices.values()].filter(({ node }) => node.alive());
  for (const { node } of living)
    await soon(
      d,
      `${what}: ${node.name} is connected`,
      async () => (await status(node)).hub.state === 'connected',
    );
  await soon(d, `${what}: every office knows every other`, async () => {
    for (const { node } of living)
      for (const { code } of living) if (!(await knows(node, code))) return false;
    return true;
  });
  const now = living.map((from, i) => paper(d, from, living[(i + 1) % living.length]!, what));
  for (const each of now) await submit(each);
  for (const each of now)
    await soon(
      d,
      `${each.key} from ${each.from.code} to ${each.to[0]?.code} arrives`,
      async () => await isFinal(each),
      async () => await whereItIs(d, each),
    );
}

/** Where a paper stands that should have arrived, in the words of those who hold it: a failure that comes once in many runs must say why. */
async function whereItIs(d: District, { from, to, documentId }: Paper): Promise<unknown> {
  const asked = async (program: Office['node'], path: string): Promise<unknown> => {
    try {
      return await ask(program, 'GET', path);
    } catch (error) {
      return String(error);
    }
  };
  return {
    sender: documentId ? await showSent(from, documentId).catch(String) : undefined,
    senderStatus: await asked(from.node, '/v1/status'),
    receiverStatus: to[0] ? await asked(to[0].node, '/v1/status') : undefined,
    queue: await asked(d.hub, '/admin/v1/queue'),
  };
}

async function knows(node: Office['node'], code: string): Promise<boolean> {
  type Answer = { entries: { code: string; state: string }[] };
  const { entries } = await ask<Answer>(node, 'GET', `/v1/directory?q=${code}&limit=5`);
  return entries.some((entry) => entry.code === code && entry.state === 'active');
}

function paper(d: District, from: Office, to: Office, what: string): Paper {
  const key = `${what}, ${from.code} ${d.papers.length}`;
  const made: Paper = {
    key,
    from,
    to: [to],
    parts: [{ seed: key, lengthBytes: 2_000 }],
    urgency: 'normal',
    documentId: undefined,
  };
  d.papers.push(made);
  return made;
}

async function submit(each: Paper): Promise<void> {
  each.documentId = (await handIn(each)).documentId;
}

async function soon(
  d: District,
  what: string,
  asked: () => Promise<boolean>,
  explain?: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await until(what, waitMs, asked);
    return true;
  } catch {
    d.wrong.push(`day ${d.clock.at()}: not so: ${what}`);
    d.life.say(`WRONG ${d.wrong.at(-1)}`);
    if (explain) d.life.say(JSON.stringify(await explain()));
    // What follows from the first few says nothing new, and each waits a minute.
    if (d.wrong.length >= wrongMax) throw new Error(d.wrong.join('\n'));
    return false;
  }
}

type Status = {
  hub: { state: string; code?: string; detail?: string };
  alarms: { code: string; about: string; said: string }[];
};
const status = (node: Office['node']) => ask<Status>(node, 'GET', '/v1/status');

/** Certificates of living programs that are due and have no successor yet. */
function overdue({ offices, hub, clock }: District): string[] {
  const due = (certificate: { notBeforeMs: number; notAfterMs: number }) =>
    clock.nowMs() - 3_600_000 >= renewalDueMs(certificate);
  const living = [...offices.values()].filter(({ node }) => node.alive());
  const ofNodes = living.flatMap(({ node }) => {
    const { tlsCertificate, units } = loadIdentity(node.dir);
    const seals = units.filter(
      ({ unit, certificate }) => due(certificate) && !existsSync(sealPair(node.dir, unit).nextCertificate),
    );
    return [...(due(tlsCertificate) ? [node.name] : []), ...seals.map(({ code }) => code)];
  });
  const server = firstCertificate(readFileSync(join(hub.dir, 'certs/tls.pem'), 'utf8'));
  return hub.alive() && due(server) ? [...ofNodes, 'hub'] : ofNodes;
}

/** Certificates by key: how many each role has had. */
function look({ offices, hub, seen }: District): void {
  for (const { node } of offices.values()) {
    const { tlsCertificate, units } = loadIdentity(node.dir);
    seen.connections.add(tlsCertificate.keyId);
    for (const { certificate } of units) seen.seals.add(certificate.keyId);
  }
  seen.server.add(firstCertificate(readFileSync(join(hub.dir, 'certs/tls.pem'), 'utf8')).keyId);
}

/** One act: the thief's connection is cut and stays out, the office goes on with a new box, and what waited for it arrives there. */
async function stolenBox(d: District): Promise<void> {
  const code = codes[2];
  const stolen = d.offices.get(code)!;
  await commandAt(d.clock, ['hub', 'revoke', '--dir', d.hub.dir, '--office', code, '--reason', 'mất máy']);
  await soon(d, 'the stolen box is refused at once', async () =>
    /revoked/.test((await status(stolen.node)).hub.code ?? ''),
  );
  const waiting = paper(d, d.offices.get(codes[0])!, stolen, 'while the box is gone');
  await submit(waiting);
  const thief: Paper = { ...paper(d, stolen, d.offices.get(codes[0])!, 'of the thief') };
  d.papers.pop();
  await submit(thief);
  await systemClock.sleep(3_000);
  if ((await arrivalsOf(d.offices.get(codes[0])!, thief.key)).length > 0)
    d.wrong.push('a document of the thief arrived');
  await stolen.node.stop();
  const fresh = await enrolOffice(d, code, 'node-new-box');
  d.offices.set(code, fresh);
  await soon(
    d,
    'what waited arrives at the new box',
    async () => (await arrivalsOf(fresh, waiting.key)).length === 1,
  );
  d.papers.splice(d.papers.indexOf(waiting), 1);
  if ((await arrivalsOf(d.offices.get(codes[0])!, thief.key)).length > 0)
    d.wrong.push('a document of the thief arrived');
}

/** The last office closes; what is addressed to it goes to its successor. */
async function merge(d: District): Promise<void> {
  const [into, old] = [d.offices.get(codes[0])!, d.offices.get(codes[3])!];
  await commandAt(d.clock, ['hub', 'unit', 'merge', old.code, '--into', into.code, '--dir', d.hub.dir]);
  const late = paper(d, d.offices.get(codes[2])!, old, 'to the merged unit');
  d.papers.pop();
  await submit(late);
  await soon(
    d,
    'a document to the merged unit reaches its successor',
    async () => (await arrivalsOf(into, late.key)).length === 1,
  );
  await old.node.stop();
  d.offices.delete(codes[3]);
}

/** As the handbook says: request, sign where the root is, install; the hub runs all the time. */
async function anotherCa(d: District, keepKey: boolean, rootDir = d.root): Promise<void> {
  const [request, signed] = ['request.json', 'signed.json'].map((name) => join(d.life.dir, name)) as [
    string,
    string,
  ];
  const keep = keepKey ? ['--keep-key'] : [];
  await commandAt(d.clock, ['hub', 'ca', 'request', '--dir', d.hub.dir, '--out', request, ...keep]);
  await commandAt(d.clock, ['hub', 'ca', 'sign', '--root', rootDir, '--request', request, '--out', signed]);
  await commandAt(d.clock, ['hub', 'ca', 'install', '--dir', d.hub.dir, '--signed', signed]);
}

async function anotherRoot(d: District): Promise<void> {
  const [next, handover] = [join(d.life.dir, 'next-root'), join(d.life.dir, 'handover.pem')];
  await commandAt(d.clock, ['hub', 'root', 'next', '--root', d.root, '--new', next, '--out', handover]);
  await commandAt(d.clock, ['hub', 'root', 'follow', '--dir', d.hub.dir, '--handover', handover]);
  for (const { node } of [...d.offices.values()].filter(({ node }) => node.alive()))
    await soon(
      d,
      `${node.name} follows the new root`,
      async () => loadIdentity(node.dir).anchors.length === 2,
    );
  await anotherCa(d, true, next);
}

/** Days without the hub: every office goes on taking documents, and all of them arrive afterwards. */
async function outage(d: District): Promise<void> {
  const from = d.clock.at();
  await d.hub.stop();
  const waiting: Paper[] = [];
  for (let day = 0; day < d.life.at.outageDays; day++) {
    d.clock.moveTo(from + day);
    const living = [...d.offices.values()].filter(({ node }) => node.alive());
    for (const [i, office] of living.entries()) {
      const each = paper(d, office, living[(i + 1) % living.length]!, `without the hub ${day}`);
      await submit(each);
      waiting.push(each);
    }
  }
  await d.hub.start({ under: d.clock.under });
  for (const { node } of d.offices.values()) await retry(node);
  for (const each of waiting) await soon(d, `${each.key} arrives`, async () => await isFinal(each));
}

/** Off for longer than its certificates live: it says so, and a fresh invitation brings it back with everything it had. */
async function backAfterLong(d: District): Promise<void> {
  const office = d.offices.get(codes[1])!;
  await office.node.start({ under: d.clock.under });
  const waiting = paper(d, office, d.offices.get(codes[0])!, 'written while it was expired');
  await soon(
    d,
    'an expired box says that it has expired',
    async () => (await status(office.node)).hub.code === 'certificate-expired',
  );
  await submit(waiting);
  await office.node.stop();
  await invite(d, office.code, office.node.dir);
  await office.node.start({ under: d.clock.under });
  await soon(d, 'it comes back and sends what it had', async () => await isFinal(waiting));
}

/** A dead CMOS battery: the clock stands in 2000, which is said in words; after it is set everything goes on. */
async function deadBattery(d: District): Promise<void> {
  const office = d.offices.get(codes[0])!;
  await office.node.stop();
  await office.node.start({ under: d.clock.standing('2000-01-01') });
  await soon(d, 'a dead battery is explained', async () => {
    const { hub } = await status(office.node);
    return hub.code === 'clock-wrong' && (hub.detail ?? '').includes('2000-01-01');
  });
  await office.node.stop();
  await office.node.start({ under: d.clock.under });
}

async function finish(d: District): Promise<void> {
  // Those of boxes that are gone were seen to arrive when they were there.
  const living = new Set<Office>(d.offices.values());
  for (const each of d.papers)
    if ([each.from, ...each.to].every((office) => living.has(office))) d.wrong.push(...(await judge(each)));
  for (const { node, code } of d.offices.values()) {
    // What the story did to them: an outage, a box that was off for longer than its papers, a dead battery.
    const expected =
      /^(clock-wrong|hub-unreachable|directory-(stale|expired)|renewal-failing|certificate-expired|tls-failed)$/;
    for (const { code: alarm, about, said } of (await status(node)).alarms)
      if (!expected.test(alarm)) d.wrong.push(`alarm at ${code}: ${alarm} ${about} ${said}`);
    await node.stop();
    await checked(d, ['node', 'fsck', '--dir', node.dir]);
  }
  await d.hub.stop();
  await checked(d, ['hub', 'fsck', '--dir', d.hub.dir]);
  await checked(d, ['hub', 'audit', 'verify', '--dir', d.hub.dir]);
}

async function checked(d: District, args: readonly string[]): Promise<void> {
  try {
    await commandAt(d.clock, args);
  } catch (error) {
    d.wrong.push((error as Error).message.slice(0, 1_000));
  }
}

function changeJson(path: string, changes: Readonly<Record<string, unknown>>): void {
  const given = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, `${JSON.stringify({ ...given, ...changes }, null, 2)}\n`);
}
