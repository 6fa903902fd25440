// One process for each --dir. Two writers over one folder would give one document two numbers.
// Must never leave a stale lock: the kernel holds it, so it ends with the process, whatever ended it.
import fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ExchangeError } from '../errors.ts';
import { holdExclusive } from './sqlite.ts';

export type DirLock = {
  /** Idempotent. */
  release(): void;
};

/** Takes DIR/lock.sqlite for this process. `dir-missing` when DIR does not exist, `dir-in-use` naming the holder's pid. */
export function lockDir(dir: string): DirLock {
  if (!fs.existsSync(dir)) throw new ExchangeError('dir-missing', dir);
  // The pid has its own file: reading lock.sqlite here would, on close, drop a lock this process holds (POSIX fcntl).
  const pidFile = join(dir, 'lock.pid');
  const release = holdExclusive(join(dir, 'lock.sqlite'));
  if (release === undefined) {
    const pid = fs.existsSync(pidFile) ? fs.readFileSync(pidFile, 'utf8').trim() : 'unknown';
    throw new ExchangeError('dir-in-use', `process ${pid.slice(0, 20)} uses ${dir}`);
  }
  // Not durable: it only names the holder, and means something only while the lock is held.
  fs.writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return { release };
}
