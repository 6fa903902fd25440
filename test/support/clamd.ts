// A real clamd on a socket of its own, with a database of three lines (EICAR): for tests of the scanner. Skipped where it is not installed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../protocol/node/clock.ts';
import { scannerAnswers } from '../../protocol/node/files/clamd.ts';
import { sharedData } from './shared-data.ts';

const database = sharedData('clamd/db');
export const noClamd =
  spawnSync('clamd', ['--version']).error !== undefined
    ? 'clamd is not here: apt-get install clamav-daemon'
    : !existsSync(database) && '../shared/data/clamd is not here';

export type Clamd = {
  readonly socket: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  remove(): void;
};

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Not started yet. `StreamMaxLength` is 2 MB, so that the limit is cheap to pass. */
export function makeClamd(): Clamd {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-clamd-'));
  cpSync(database, join(dir, 'db'), { recursive: true });
  chmodSync(join(dir, 'db'), 0o755);
  for (const name of readdirSync(join(dir, 'db'))) chmodSync(join(dir, 'db', name), 0o644);
  const socket = join(dir, 'clamd.sock');
  const lines = [
    `DatabaseDirectory ${dir}/db`,
    `LocalSocket ${socket}`,
    `PidFile ${dir}/clamd.pid`,
    'Foreground yes',
    'MaxThreads 4',
    'StreamMaxLength 2M',
    ...(process.getuid?.() === 0 ? ['User root'] : []),
  ];
  writeFileSync(join(dir, 'clamd.conf'), `${lines.join('\n')}\n`);
  let child: ChildProcess | undefined;
  const clamd: Clamd = {
    socket,
    async start() {
      rmSync(socket, { force: true });
      child = spawn('clamd', [`--config-file=${dir}/clamd.conf`], { stdio: 'ignore' });
      living.add(child);
      while (!(await scannerAnswers({ socket }, 1000))) {
        if (child.exitCode !== null) throw new Error(`clamd ended with ${child.exitCode}`);
        await systemClock.sleep(50);
      }
    },
    async stop(signal = 'SIGTERM') {
      const mine = child;
      if (!mine || mine.exitCode !== null || mine.signalCode !== null) return;
      const ended = new Promise((resolve) => mine.once('exit', resolve));
      mine.kill(signal);
      await ended;
      living.delete(mine);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  return clamd;
}
