// How a command reaches the node of --dir: the running process over DIR/control.sock, or the files when none runs.
// Must never open the files while a process has them (the lock says so), nor connect to the hub for a command.
// In front of every command that concerns documents.
import type { Readable } from 'node:stream';
import { isExchangeError } from '../protocol/errors.ts';
import { assertFolderOf } from '../protocol/node/config.ts';
import { controlRequest, controlStream, isRunning } from '../protocol/node/control.ts';
import type { ClientAnswer, ClientRequestOptions } from '../protocol/node/http-client.ts';

export type Node = {
  /** True: a process runs; false: only the files. */
  readonly running: boolean;
  call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T }>;
  stream<T>(
    options: Omit<ClientRequestOptions, 'body'> & { readonly body?: Readable },
    read: (answer: ClientAnswer) => Promise<T>,
  ): Promise<T>;
};

const overSocket = (dir: string, running: boolean): Node => ({
  running,
  async call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) {
    const answer = await controlRequest(dir, method, path, body === undefined ? {} : { body });
    return { status: answer.status, body: answer.body as T };
  },
  stream: (options, read) => controlStream(dir, options, read),
});

/** Codes: dir-missing, dir-in-use (a process that does not answer), and whatever `use` throws. */
export async function withNode<T>(dir: string, use: (node: Node) => Promise<T>): Promise<T> {
  assertFolderOf('node', dir);
  if (await isRunning(dir)) return await use(overSocket(dir, true));
  // Only now: a command to a running node does without the node's own code, which takes long to load on an old machine.
  const { openForCommands } = await import('./main.ts');
  // Between the look and the lock a process may start: then the lock refuses, and its socket answers.
  const held = await openForCommands(dir).catch((error: unknown) => {
    if (isExchangeError(error, 'dir-in-use')) return undefined;
    throw error;
  });
  if (!held) return await use(overSocket(dir, true));
  try {
    return await use(overSocket(dir, false));
  } finally {
    await held.close();
  }
}
