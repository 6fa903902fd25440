// How a command reaches a hub: the running process through its control socket, or, when none runs, the same hub opened in this process
// with no listener and the same routes injected. Holds the folder's lock as long as it is open, so that no hub starts in the middle.
import { randomInt } from 'node:crypto';
import { isExchangeError } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { assertFolderOf } from '../protocol/node/config.ts';
import { controlRequest } from '../protocol/node/control.ts';
import { createLogger } from '../protocol/node/logger.ts';
import { fromProblem } from '../protocol/problem.ts';
import { type CallerClaim, callerHeaders } from './admin/caller.ts';
import type { Hub } from './hub.ts';

export type AdminMethod = 'GET' | 'POST';
/** One JSON request to the admin API; refusals arrive as ExchangeErrors. */
export type AdminRequest = <T>(method: AdminMethod, path: string, body?: unknown) => Promise<T>;

type Caller = () => Promise<CallerClaim>;
let caller: Caller | undefined;
/** Who runs this command, for the audit: asked when the command first speaks to the hub. One process runs one command. */
export function setCaller(claim: Caller): void {
  caller = claim;
}

const random = () => randomInt(2 ** 32) / 2 ** 32;

/** Throws `dir-missing`, `dir-in-use`, `config-invalid`, `key-file-*`, `schema-newer`. */
async function openHub(dir: string, software: string): Promise<Hub> {
  // To stderr, and only what an operator must see: stdout is the command's answer.
  const log = createLogger({ level: 'warn', clock: systemClock, program: 'hub', to: 2 });
  // Only now: a command to a running hub does without the hub's own code, which takes long to load on an old machine.
  const { startHub } = await import('./hub.ts');
  return await startHub({ dir, clock: systemClock, log, random, software, listen: false });
}

/** A request into the routes of a hub of this process. */
export function injected({ control }: Pick<Hub, 'control'>, claim?: CallerClaim): AdminRequest {
  return async <T>(method: AdminMethod, path: string, body?: unknown): Promise<T> => {
    const answer = await control.inject({
      method,
      url: path,
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      headers: {
        ...callerHeaders(claim),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });
    const parsed: unknown = answer.payload === '' ? undefined : JSON.parse(answer.payload);
    if (answer.statusCode >= 400) throw fromProblem(answer.statusCode, parsed);
    return parsed as T;
  };
}

/** Runs `use` against the hub of `dir`, running or not; what was opened here is closed on return. */
export async function withHub<T>(
  { dir, software }: { readonly dir: string; readonly software: string },
  use: (request: AdminRequest) => Promise<T>,
): Promise<T> {
  assertFolderOf('hub', dir);
  let opened: Hub | undefined;
  const claim = await caller?.();
  const request: AdminRequest = async <R>(method: AdminMethod, path: string, body?: unknown): Promise<R> => {
    if (opened) return await injected(opened, claim)<R>(method, path, body);
    try {
      const answer = await controlRequest(dir, method, path, {
        headers: callerHeaders(claim),
        ...(body === undefined ? {} : { body }),
      });
      return answer.body as R;
    } catch (error) {
      if (!isExchangeError(error, 'not-running')) throw error;
    }
    opened = await openHub(dir, software);
    return await injected(opened, claim)<R>(method, path, body);
  };
  try {
    return await use(request);
  } finally {
    await opened?.close();
  }
}
