// The unix socket DIR/control.sock: commands typed on the machine reach the running process, so that one process owns DIR.
// Must never be reachable by other users: who can open the socket is the operator. No other authentication exists here.
import fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { ExchangeError, isExchangeError } from '../errors.ts';
import { systemClock } from './clock.ts';
import {
  type ClientAnswer,
  type ClientRequestOptions,
  createHttpClient,
  readBounded,
} from './http-client.ts';

/** sun_path holds 108 bytes with its final zero. */
const SOCKET_PATH_BYTES_MAX = 107;
/** How long a stop waits for commands that are at work. */
const CUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The socket's path, short enough for bind and connect whatever DIR is: a long one goes through a descriptor of DIR. */
function socketPath(dir: string): { readonly path: string; close(): void } {
  const path = join(dir, 'control.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path, close() {} };
  const fd = fs.openSync(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  let open = true;
  return {
    path: `/proc/self/fd/${fd}/control.sock`,
    close() {
      // Once: the number may be another file's by then.
      if (open) fs.closeSync(fd);
      open = false;
    },
  };
}

/**
 * Serves `app` (of createServer without tls) on DIR/control.sock, mode 0600. The caller holds the lock of DIR, so a
 * socket file found there is left from a killed process and is replaced. `close` finishes running commands and removes it.
 */
export async function serveControl(
  dir: string,
  app: FastifyInstance,
): Promise<{ close(cutMs?: number): Promise<void> }> {
  await app.ready();
  const socket = socketPath(dir);
  fs.rmSync(join(dir, 'control.sock'), { force: true });
  await new Promise<void>((resolve, reject) => {
    app.server.once('error', reject);
    // bind happens inside listen, synchronously: the socket is born 0600, without a moment in which others may connect.
    const umask = process.umask(0o177);
    try {
      app.server.listen(socket.path, () => {
        app.server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
  return {
    async close(cutMs = CUT_MS) {
      app.server.closeIdleConnections();
      // A command that went away in the middle, or one that connected and never asked, may not keep the program from ending.
      const closed = new AbortController();
      const cut = systemClock.sleep(cutMs, closed.signal).then(() => app.server.closeAllConnections());
      await app.close();
      closed.abort();
      await cut;
      socket.close();
      fs.rmSync(join(dir, 'control.sock'), { force: true });
    },
  };
}

export type ControlOptions = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 60 s: restore and fsck are started, not waited for. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** One JSON command to the running process. Its errors arrive as ExchangeErrors; `not-running` when nobody listens. */
export async function controlRequest(
  dir: string,
  method: ClientRequestOptions['method'],
  path: string,
  options: ControlOptions = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  return await withControl(dir, options.timeoutMs ?? 60_000, async (request) => {
    const answer = await request({
      method,
      path,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      headers: {
        ...options.headers,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });
    const text = Buffer.from(await readBounded(answer.body, ANSWER_BYTES_MAX)).toString('utf8');
    return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  });
}

/** A command with streams: `body` may be a Readable, and `read` gets the answer's body to consume before it returns. */
export async function controlStream<T>(
  dir: string,
  options: Omit<ClientRequestOptions, 'body'> & { readonly body?: Readable | Uint8Array | string },
  read: (answer: ClientAnswer) => Promise<T>,
): Promise<T> {
  return await withControl(dir, 0, async (request) => await read(await request(options)));
}

/** True when a process answers on the socket; a file left from a killed one does not count. */
export async function isRunning(dir: string): Promise<boolean> {
  try {
    await controlRequest(dir, 'GET', '/', { timeoutMs: 5_000 });
    return true;
  } catch (err) {
    // Any answer, also 404, is a running process; so is one too busy to answer.
    return !isExchangeError(err, 'not-running');
  }
}

async function withControl<T>(
  dir: string,
  timeoutMs: number,
  use: (request: (o: ClientRequestOptions) => Promise<ClientAnswer>) => Promise<T>,
): Promise<T> {
  if (!fs.existsSync(dir)) throw new ExchangeError('dir-missing', dir);
  const socket = socketPath(dir);
  const client = createHttpClient({
    origin: 'http://control',
    socketPath: socket.path,
    connections: 1,
    timeouts: { headersMs: timeoutMs, bodyMs: timeoutMs },
  });
  try {
    return await use(client.request);
  } catch (err) {
    if (isExchangeError(err, 'hub-unreachable')) throw new ExchangeError('not-running', dir, { cause: err });
    throw err;
  } finally {
    await client.destroy();
    socket.close();
  }
}
