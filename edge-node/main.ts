// Runs a node: the core, the control socket, the local API; stops them in the reverse order. Also opens the core for one command.
// Must never answer on the control socket without the lock of DIR, and never end at a signal before what it holds is finished.
// Everything of a document's path in an office runs inside this process.
import process from 'node:process';
import { isExchangeError } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../protocol/node/clock.ts';
import { serveControl } from '../protocol/node/control.ts';
import { createLogger, type Log } from '../protocol/node/logger.ts';
import { openTokens, type Tokens } from './api/access.ts';
import { controlRoutes } from './api/routes-control.ts';
import { createApi } from './api/server.ts';
import { type EdgeConfig, loadEdgeConfig } from './config.ts';
import { startConsole } from './console/server.ts';
import type { Edge } from './core.ts';
import { startEdge } from './edge.ts';
import { programVersion } from './version.ts';

/** Time for requests that run when the node is told to stop: an upload goes on that long. */
const DRAIN_MS = 20_000;

export type NodeOptions = {
  readonly dir: string;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Instead of DIR/config.json. */
  readonly config?: EdgeConfig;
};

export type RunningNode = {
  readonly edge: Edge;
  /** Where the local API listens; a port of 0 in the configuration takes a free one. */
  readonly local: { readonly host: string; readonly port: number };
  /** Where people open the console; undefined where the configuration has none. */
  readonly console: string | undefined;
  /** Finishes requests and running work, says goodbye to the hub, releases the lock. Idempotent. */
  close(): Promise<void>;
};

type Parts = { readonly edge: Edge; readonly tokens: Tokens; readonly clock: Clock; readonly log: Log };

async function openControl(
  dir: string,
  { edge, tokens, clock, log }: Parts,
  local: () => RunningNode['local'] | undefined,
  consoleUrl: () => string | undefined = () => undefined,
): Promise<{ close(): Promise<void> }> {
  const server = await createApi({
    core: edge,
    log,
    clock,
    version: programVersion(),
    more: (app) => controlRoutes(app, { core: edge, tokens, clock, local, consoleUrl }),
  });
  return await serveControl(dir, server.app);
}

/** Throws `dir-missing`, `dir-in-use`, `config-invalid` (also for a port that is taken), `key-file-*`, `schema-newer`, `store-damaged`. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { dir, clock = systemClock } = options;
  const config = options.config ?? loadEdgeConfig(dir);
  const log = options.log ?? createLogger({ level: config.log.level, clock, program: 'node' });
  const edge = await startEdge({ dir, config, clock, log, software: programVersion() });
  const closers: (() => Promise<void>)[] = [() => edge.close()];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      // In reverse: nobody new comes in while the core finishes.
      for (const step of closers.reverse()) await step();
    })();
    return closing;
  };
  try {
    const tokens = await openTokens(dir);
    const parts = { edge, tokens, clock, log };
    let local: RunningNode['local'] | undefined;
    let consoleUrl: string | undefined;
    const control = await openControl(
      dir,
      parts,
      () => local,
      () => consoleUrl,
    );
    closers.push(() => control.close());
    const api = await createApi({ core: edge, log, clock, tokens, version: programVersion() });
    local = await api.listen({ host: config.local.address, port: config.local.port }, 'local');
    closers.push(() => api.drain(DRAIN_MS));
    const screens = config.console
      ? await startConsole({ edge, log, clock, tokens, config: config.console }).catch((error: unknown) => {
          // Pages that cannot be built are no reason to stop the exchange; everything else is a mistake to be mended.
          if (!isExchangeError(error, 'console-not-built')) throw error;
          log.error({ event: 'pages.not-built', said: error.detail });
          return undefined;
        })
      : undefined;
    if (screens) closers.push(() => screens.close());
    consoleUrl = screens?.url;
    return { edge, local, console: consoleUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Until SIGTERM or SIGINT; `ready` is told once, when everything answers. A second signal ends the process at once (nothing acknowledged is lost by that either). */
export async function runNode(
  dir: string,
  ready?: (local: RunningNode['local'], consoleUrl: string | undefined) => void,
): Promise<void> {
  const clock = systemClock;
  const config = loadEdgeConfig(dir);
  const log = createLogger({ level: config.log.level, clock, program: 'node' });
  // Heard from the beginning: what answers already may be told to stop, and finishes what it holds.
  const asked = new Promise<void>((resolve) => {
    let before = false;
    const stop = () => {
      if (before) process.exit(1);
      before = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  const node = await startNode({ dir, clock, log, config });
  log.info({ event: 'program.started', version: programVersion(), pid: process.pid, ...node.local });
  ready?.(node.local, node.console);
  await asked;
  log.info({ event: 'program.stopping' });
  await node.close();
  log.info({ event: 'program.stopped' });
  log.flush();
}

/** No connection leaves: everything goes to a proxy that cannot exist. */
const nowhere = { url: 'http://127.0.0.1:0' };

/**
 * The core over the files of a node that does not run, for the length of one command: same lock, same routes on the control socket, but
 * without the line, the local API and watched folders. Throws as `startNode`.
 */
export async function openForCommands(dir: string): Promise<{ close(): Promise<void> }> {
  const clock = systemClock;
  const log = createLogger({ level: 'silent', clock, program: 'node' });
  const { folders: _, ...config } = loadEdgeConfig(dir);
  const edge = await startEdge({ dir, config: { ...config, proxy: nowhere }, clock, log });
  try {
    const tokens = await openTokens(dir);
    const control = await openControl(dir, { edge, tokens, clock, log }, () => undefined);
    return {
      async close() {
        await control.close();
        await edge.close();
      },
    };
  } catch (error) {
    await edge.close();
    throw error;
  }
}
