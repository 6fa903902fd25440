// `lienthong hub start`: builds the hub, says where it listens, stops cleanly on a signal. Nothing else.
import { systemClock } from '../protocol/node/clock.ts';
import { createLogger, type LogLevel } from '../protocol/node/logger.ts';
import { loadHubConfig } from './config.ts';
import { startHub } from './hub.ts';

export type RunHub = {
  readonly dir: string;
  readonly software: string;
  readonly logLevel?: LogLevel | 'silent';
  /** Told once, when every listener answers. */
  readonly ready?: (at: {
    readonly exchange: string;
    readonly enrolment: string;
    readonly local: string;
  }) => void;
};

/** Runs until SIGTERM or SIGINT; resolves after a clean stop. A second signal ends the process at once. */
export async function runHub({ dir, software, logLevel, ready }: RunHub): Promise<void> {
  const level = logLevel ?? loadHubConfig(dir).logLevel;
  const log = createLogger({ level, clock: systemClock, program: 'hub' });
  const hub = await startHub({ dir, clock: systemClock, log, random: Math.random, software });
  log.info({
    event: 'program.started',
    version: software,
    node: process.version,
    pid: process.pid,
    hubId: hub.hubId,
  });
  const text = (where: { host: string; port: number } | undefined) =>
    where ? `${where.host}:${where.port}` : '';
  ready?.({ exchange: text(hub.at.exchange), enrolment: text(hub.at.enrolment), local: text(hub.at.local) });
  await signalled();
  log.info({ event: 'program.stopping' });
  await hub.close();
  log.info({ event: 'program.stopped' });
  log.flush();
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = () => {
      if (stopping) process.exit(1);
      stopping = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
