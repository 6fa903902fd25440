// The other end of hub-child.ts: starts the hub, looks like its administration to bareNode(), kills it hard when asked.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Hub } from '../../hub/hub.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { type BareNode, bareNode, inviteUnit } from '../support/hub.ts';
import type { HubAnswer } from './hub-child.ts';
import { now } from './measure.ts';

export type HubProcess = {
  readonly pid: number;
  readonly dir: string;
  readonly exchangePort: number;
  /** From fork to every listener answering. */
  readonly startMs: number;
  readonly rootDer: Uint8Array;
  node(code: string): Promise<BareNode>;
  /** Text of an invitation for a new unit, for a node in another process. */
  invitation(code: string): Promise<string>;
  /** First row of a query on the reader's connection. */
  get<Row>(sql: string): Promise<Row>;
  call(name: string, ...args: readonly unknown[]): Promise<unknown>;
  kill(): Promise<void>;
  close(): Promise<void>;
};

/** `execArgv` for profiles: --cpu-prof, --cpu-prof-dir=…. */
export async function startHubProcess(
  dir: string,
  options: { readonly execArgv?: readonly string[] } = {},
): Promise<HubProcess> {
  const startedMs = now();
  const profile = process.env.BENCH_PROFILE;
  const child: ChildProcess = fork(new URL('./hub-child.ts', import.meta.url), {
    serialization: 'advanced',
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL('../../.built/compile-cache', import.meta.url)),
      MALLOC_ARENA_MAX: '2',
      ...process.env,
      BENCH_HUB_DIR: dir,
    },
    execArgv: [
      ...(options.execArgv ?? (process.env.BENCH_NODE_ARGS ?? '').split(' ').filter(Boolean)),
      // As bin/lienthong starts it.
      '--max-semi-space-size=2',
      '--heap-growing-percent=50',
      '--initial-old-space-size=48',
      '--liftoff-only',
      ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-interval=500'] : []),
    ],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<unknown>();
  waiting.set(0, ready);
  let nextId = 1;
  child.on('message', ({ id, value, error }: HubAnswer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const call of waiting.values()) call.reject(new Error(`the hub process ended: ${code ?? signal}`));
  });
  const { rootDer, exchangePort } = (await ready.promise) as { rootDer: Uint8Array; exchangePort: number };
  const startMs = now() - startedMs;
  const call = (name: string, ...args: readonly unknown[]): Promise<unknown> => {
    const id = nextId++;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    child.send({ id, name, args });
    return answer.promise;
  };
  const admin = {
    act: (...args: unknown[]) => call('act', ...args),
    invite: (...args: unknown[]) => call('invite', ...args),
  };
  return {
    pid: child.pid!,
    dir,
    exchangePort,
    startMs,
    rootDer,
    invitation: (code) => inviteUnit({ admin } as unknown as Hub, code),
    async node(code) {
      for (let tries = 0; ; tries++) {
        try {
          return await bareNode(
            { admin, rootDer } as unknown as Hub,
            tries === 0 ? code : `${code}.${tries}`,
          );
        } catch (error) {
          // The enrolment listener takes few a second from one address.
          if (!isExchangeError(error, 'rate-limited') || tries > 20) throw error;
          await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 500));
        }
      }
    },
    get: <Row>(sql: string) => call('count', sql) as Promise<Row>,
    call,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async close() {
      const exited = once(child, 'exit');
      await call('close').catch(() => {});
      await exited;
    },
  };
}
