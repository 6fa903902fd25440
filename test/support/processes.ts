// A district of real programs, each its own process started by the command line as on its own machine: for the tests that kill, cut,
// restore and break disks. Every program is found dead or alive by its exit, never by a guess; nothing here judges what they do.
import { type ChildProcess, spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../bin/demo/processes.ts';
import type { DocumentView, InboxRow } from '../../edge-node/core.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest, controlStream, isRunning } from '../../protocol/node/control.ts';

const program = fileURLToPath(new URL('../../bin/lienthong', import.meta.url));
/** Without the loaders that tap puts into NODE_OPTIONS. `env` becomes the program: its pid and its end are the program's. */
const plainNode = ['env', '-u', 'NODE_OPTIONS', process.execPath];
const startMsMax = 60_000;
const stopMsMax = 60_000;

/** Nothing started here outlives this process, whatever ends it. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) {
    // Its group: a program under strace is a grandchild.
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type Program = {
  readonly name: string;
  readonly kind: 'hub' | 'node';
  /** Where its data lies; a restore moves it. */
  dir: string;
  /** Resolves when it answers, or when it is dead already (an armed one may be): then with its end. */
  start(how?: StartHow): Promise<End | undefined>;
  /** True while the process lives. */
  alive(): boolean;
  pid(): number | undefined;
  /** SIGKILL, as a power cut. Resolves when it is gone. */
  kill(): Promise<End>;
  /** SIGTERM; its end. A program that does not stop in time is killed: the signal then says so. */
  stop(): Promise<End>;
  /** Resolves when it is gone, or with undefined after `ms`. */
  ended(ms: number): Promise<End | undefined>;
};
/** Runs one command to its end; returns its standard output. Throws with its standard error when it fails. */
export async function command(args: readonly string[]): Promise<string> {
  const { code, out, err } = await exitOf(args);
  if (code !== 0)
    throw new Error(`lienthong ${args.slice(0, 2).join(' ')} ended with ${code}\n${err || out}`);
  return out;
}

/** As `command`, without judging the exit code. */
export function exitOf(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const line = [...plainNode, program, ...args];
  const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

export type StartHow = {
  /** LIENTHONG_CRASH_AT: `accept.9` or `accept.9:3`. */
  readonly crashAt?: string | undefined;
  /** Put before the command line, as `strace -f …`. */
  readonly under?: readonly string[];
};

export function createProgram(options: {
  kind: 'hub' | 'node';
  name: string;
  dir: string;
  logs: string;
}): Program {
  const { kind, name } = options;
  mkdirSync(options.logs, { recursive: true });
  const log = createWriteStream(join(options.logs, `${name}.log`), { flags: 'a' });
  let child: ChildProcess | undefined;
  let end: Promise<End> | undefined;

  const one: Program = {
    name,
    kind,
    dir: options.dir,
    async start(how = {}) {
      const line = [...(how.under ?? []), ...plainNode, program, kind, 'start', '--dir', one.dir];
      const { LIENTHONG_CRASH_AT: _, ...env } = process.env;
      const started = spawn(line[0]!, line.slice(1), {
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl+C in a terminal reaches the whole group; children are ended here, in order.
        detached: true,
        env: how.crashAt ? { ...env, LIENTHONG_CRASH_AT: how.crashAt } : env,
      });
      child = started;
      living.add(started);
      started.stdout.pipe(log, { end: false });
      started.stderr.pipe(log, { end: false });
      end = new Promise((resolve) => {
        started.once('exit', (code, signal) => {
          living.delete(started);
          log.write(`=== ${name} ended: code ${code} signal ${signal}\n`);
          resolve({ code, signal });
        });
      });
      log.write(`=== ${name} started: pid ${started.pid} ${how.crashAt ?? ''}\n`);
      const untilMs = systemClock.monotonicMs() + startMsMax;
      while (!(await isRunning(one.dir))) {
        if (!one.alive()) return await end;
        if (systemClock.monotonicMs() > untilMs) throw new Error(`${name} is not ready after 60 s`);
        await systemClock.sleep(25);
      }
      return undefined;
    },
    alive: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    pid: () => child?.pid,
    async kill() {
      child?.kill('SIGKILL');
      return (await end) ?? { code: null, signal: null };
    },
    async stop() {
      if (!end || !one.alive()) return (await end) ?? { code: null, signal: null };
      child?.kill('SIGTERM');
      const now = await one.ended(stopMsMax);
      return now ?? (await one.kill());
    },
    async ended(ms) {
      const over = new AbortController();
      const waited = systemClock.sleep(ms, over.signal).then(() => undefined);
      const first = await Promise.race([end ?? Promise.resolve({ code: null, signal: null }), waited]);
      over.abort();
      return first;
    },
  };
  return one;
}

export type Office = { readonly code: string; readonly node: Program };
export type TestDistrict = {
  readonly dir: string;
  /** The root certificate, for `lienthong verify`. */
  readonly root: string;
  readonly hub: Program;
  /** Where the hub's exchange listens. */
  readonly exchangePort: number;
  readonly offices: readonly Office[];
  /** Cleanly: nodes first. */
  stop(): Promise<readonly End[]>;
};

export const officeCode = (i: number): string => `H08.35.${901 + i}`;

/**
 * One hub and `nodes` offices with a node each, enrolled, running and known to each other. `lineOf` gives the port by which a node reaches
 * the hub (a proxy's); default the hub's own.
 */
export async function createTestDistrict(options: {
  readonly dir: string;
  readonly nodes: number;
  readonly lineOf?: (office: number, exchangePort: number) => Promise<number> | number;
  /** Changes to a node's config.json. */
  readonly nodeConfig?: Readonly<Record<string, unknown>>;
}): Promise<TestDistrict> {
  const { dir } = options;
  const logs = join(dir, 'logs');
  const root = join(dir, 'root-ca');
  const hubDir = join(dir, 'hub');
  const exchangePort = await freePorts();
  const named = ['--name', 'UBND huyện thử', '--code', 'H08.35', '--root', root];
  await command([
    ...['hub', 'init', '--dir', hubDir, ...named, '--port', String(exchangePort)],
    // Plain: what a crash leaves is looked at file by file.
    ...['--at-rest', 'off', '--json'],
  ]);
  // Words are compared by people; nothing of what is tried here depends on them.
  changeJson(join(hubDir, 'config.json'), { confirmUnits: false, diskReserveBytes: 0 });
  const hub = createProgram({ kind: 'hub', name: 'hub', dir: hubDir, logs });
  await hub.start();
  const offices = await Promise.all(
    Array.from({ length: options.nodes }, async (_, i): Promise<Office> => {
      const code = officeCode(i);
      await controlRequest(hubDir, 'POST', '/admin/v1/units', {
        body: { name: `UBND xã ${code}`, codes: [code] },
      });
      const { body } = await controlRequest(hubDir, 'POST', `/admin/v1/units/${code}/invite`, { body: {} });
      const { invitation } = body as { invitation: string };
      const at = join(dir, `node-${code}`);
      await command([
        ...['node', 'init', '--dir', at, '--invitation', invitation, '--port', '0'],
        ...['--at-rest', 'off', '--json'],
      ]);
      const port = (await options.lineOf?.(i, exchangePort)) ?? exchangePort;
      changeJson(join(at, 'identity.json'), { exchangeUrl: `https://localhost:${port}` });
      if (options.nodeConfig) changeJson(join(at, 'config.json'), options.nodeConfig);
      const node = createProgram({ kind: 'node', name: `node-${code}`, dir: at, logs });
      await node.start();
      return { code, node };
    }),
  );
  await knownToAll(offices);
  return {
    dir,
    root: join(root, 'root.crt'),
    hub,
    exchangePort,
    offices,
    async stop() {
      const ends = await Promise.all(offices.map(({ node }) => node.stop()));
      return [...ends, await hub.stop()];
    },
  };
}

function changeJson(path: string, changes: Readonly<Record<string, unknown>>): void {
  const given = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, `${JSON.stringify({ ...given, ...changes }, null, 2)}\n`);
}

async function knownToAll(offices: readonly Office[]): Promise<void> {
  for (const { node } of offices)
    await until(`${node.name} knows every office`, 60_000, async () => {
      const { body } = await controlRequest(node.dir, 'GET', '/v1/directory?limit=100&q=H08');
      const { entries } = body as { entries: { code: string; state: string }[] };
      const active = new Set(entries.filter(({ state }) => state === 'active').map(({ code }) => code));
      return offices.every(({ code }) => active.has(code));
    });
}

/** Asks again and again until it is true; throws with `what` after `ms`. An asked program may be away for a while. */
export async function until(what: string, ms: number, asked: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonicMs() + ms;
  let last: unknown;
  for (;;) {
    try {
      if (await asked()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (systemClock.monotonicMs() > endMs) throw new Error(`not within ${ms} ms: ${what}`, { cause: last });
    await systemClock.sleep(50);
  }
}

/** Reproducible bytes that no compression or deduplication shortens. */
function seededBytes(seed: string, lengthBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(lengthBytes));
}

const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A part by its recipe: a long run must not hold what it sent. */
export type PaperPart = { readonly seed: string; readonly lengthBytes: number };
export const bytesOfPart = ({ seed, lengthBytes }: PaperPart): Buffer => seededBytes(seed, lengthBytes);
export const digestOfPart = (part: PaperPart): string => sha256Hex(bytesOfPart(part));

/** A document as office software holds it until it has seen its end. */
export type Paper = {
  readonly key: string;
  readonly from: Office;
  readonly to: readonly Office[];
  readonly parts: readonly PaperPart[];
  readonly urgency: string;
  /** Under what id it was last acknowledged. */
  documentId: string | undefined;
};

/** What is larger than this is handed in as an upload of its own, as the API asks. */
const inlineBytesMax = 256 * 1024;

/** Hands a paper in once: uploads, then the document. Returns its id and whether it was known; throws what the node said, or that nobody answered. */
export async function handIn(
  paper: Paper,
): Promise<{ documentId: string; state: string; duplicate: boolean }> {
  const { dir } = paper.from.node;
  const parts = [];
  for (const [i, part] of paper.parts.entries()) {
    const bytes = bytesOfPart(part);
    const named = { name: `${i + 1}.bin`, mediaType: 'application/octet-stream' };
    if (bytes.length <= inlineBytesMax) parts.push({ ...named, contentBase64: bytes.toString('base64') });
    else parts.push({ ...named, uploadId: await upload(dir, bytes) });
  }
  const { body } = await controlRequest(dir, 'POST', '/v1/documents', {
    timeoutMs: 30_000,
    body: {
      idempotencyKey: paper.key,
      recipients: paper.to.map(({ code }) => code),
      parts,
      subject: paper.key,
      urgency: paper.urgency,
      ...(paper.urgency === 'flashTimed' ? { urgentAt: '2090-01-01T08:00:00+07:00' } : {}),
    },
  });
  return body as { documentId: string; state: string; duplicate: boolean };
}

async function upload(dir: string, bytes: Buffer): Promise<string> {
  const headers = { 'content-type': 'application/octet-stream' };
  return await controlStream(
    dir,
    { method: 'POST', path: '/v1/uploads', headers, body: bytes },
    async ({ body }) => {
      const { uploadId } = JSON.parse((await bytesOf(body)).toString()) as { uploadId: string };
      return uploadId;
    },
  );
}

export async function bytesOf(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

export async function showSent(office: Office, documentId: string): Promise<DocumentView> {
  const path = `/v1/documents/${documentId}?direction=out`;
  return (await controlRequest(office.node.dir, 'GET', path, { timeoutMs: 10_000 })).body as DocumentView;
}

/** Arrivals of this business key (its subject), however many. */
export async function arrivalsOf(office: Office, key: string): Promise<readonly InboxRow[]> {
  const path = `/v1/inbox?limit=50&text=${encodeURIComponent(key)}`;
  const { body } = await controlRequest(office.node.dir, 'GET', path, { timeoutMs: 10_000 });
  return (body as { rows: InboxRow[] }).rows.filter(({ subject }) => subject === key);
}

/** SHA-256 of a part that arrived, hex. */
export async function arrivedPart(office: Office, id: string, index: number): Promise<string> {
  const path = `/v1/inbox/${id}/parts/${index}`;
  return await controlStream(office.node.dir, { method: 'GET', path }, async ({ body }) => {
    const hasher = createHash('sha256');
    for await (const piece of body) hasher.update(piece as Buffer);
    return hasher.digest('hex');
  });
}

/** What is wrong with a paper that should have reached everybody: nothing, when the list is empty. */
export async function judge(paper: Paper): Promise<readonly string[]> {
  const wrong: string[] = [];
  const { key, documentId } = paper;
  if (!documentId) return [`${key} was never acknowledged`];
  const view = await showSent(paper.from, documentId);
  for (const { code, state, timeline } of view.envelopes[0]?.recipients ?? []) {
    if (state !== 'delivered') wrong.push(`${key} to ${code} is ${state} at its sender`);
    const said = new Set(timeline.map(({ event }) => event));
    for (const event of ['SubmissionAcceptance', 'ContentHandover'])
      if (!said.has(event)) wrong.push(`${key} to ${code}: no ${event} at its sender`);
  }
  for (const office of paper.to) {
    const rows = await arrivalsOf(office, key);
    if (rows.length !== 1) wrong.push(`${key}: ${rows.length} arrivals at ${office.code}`);
    for (const row of rows) {
      if (row.documentId !== documentId) wrong.push(`${key}: another document id at ${office.code}`);
      for (const [i, part] of paper.parts.entries())
        if ((await arrivedPart(office, row.envelopeId, i)) !== digestOfPart(part))
          wrong.push(`${key}: part ${i} differs at ${office.code}`);
    }
  }
  return wrong;
}

/**
 * Final for every recipient, and the sender holds the hub's receipt: a receiver's word may overtake it when the sender was killed in between,
 * and the sender asks for it until it has it.
 */
export async function isFinal(paper: Paper): Promise<boolean> {
  if (!paper.documentId) return false;
  const view = await showSent(paper.from, paper.documentId);
  const moving: readonly string[] = ['queued', 'accepted', 'relayed'];
  const receipted = (timeline: readonly { readonly event: string }[]) =>
    timeline.some(({ event }) => event === 'SubmissionAcceptance');
  return (
    view.envelopes[0]?.recipients.every(
      ({ state, timeline }) => !moving.includes(state) && receipted(timeline),
    ) ?? false
  );
}
