// Child processes of the demo: each program runs as it would on its own machine, started by the same command line, spoken to over its control
// socket. Never leaves one behind: every child is stopped cleanly, or killed when it does not stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest, isRunning } from '../../protocol/node/control.ts';

export const program = fileURLToPath(new URL('../lienthong', import.meta.url));
const startMsMax = 30_000;
const stopMsMax = 30_000;

export type Running = {
  readonly name: string;
  readonly dir: string;
  /** One JSON command over the control socket. Throws the program's own ExchangeError. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
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
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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

/** Starts `lienthong hub start` or `lienthong node start` and waits until it answers. Its log goes to `logs`. */
export async function start(
  kind: 'hub' | 'node',
  name: string,
  options: { dir: string; logs: string },
): Promise<Running> {
  mkdirSync(options.logs, { recursive: true });
  const log = createWriteStream(join(options.logs, `${name}.log`), { flags: 'a' });
  const child = spawn(process.execPath, [program, kind, 'start', '--dir', options.dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl+C in a terminal reaches the whole group; the demo stops its children in order itself.
    detached: true,
  });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  await answering(child, options.dir, `${name}: see ${join(options.logs, `${name}.log`)}`);
  return {
    name,
    dir: options.dir,
    async ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
      const answer = await controlRequest(options.dir, method, path, body === undefined ? {} : { body });
      return answer.body as Answer;
    },
    stop: () => stopped(child),
  };
}

async function answering(child: ChildProcess, dir: string, said: string): Promise<void> {
  const untilMs = systemClock.monotonicMs() + startMsMax;
  while (!(await isRunning(dir))) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it was ready. ${said}`);
    if (systemClock.monotonicMs() > untilMs)
      throw new Error(`not ready after ${startMsMax / 1000} s. ${said}`);
    await systemClock.sleep(50);
  }
}

async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  child.kill('SIGTERM');
  const given = new AbortController();
  void systemClock.sleep(stopMsMax, given.signal).then(() => {
    if (!given.signal.aborted) child.kill('SIGKILL');
  });
  const code = await ended;
  given.abort();
  return code;
}

/** Three ports in a row that are free now: exchange, enrolment and local of one hub, or the first for a node. */
export async function freePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const first = await freePort(0);
    if (first !== undefined && first < 65_000 && (await freePort(first + 1)) && (await freePort(first + 2)))
      return first;
  }
  throw new Error('no three free ports in a row');
}

function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
