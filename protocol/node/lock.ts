// One process for each --dir. Two writers over one folder would give one document two numbers.
// Must never leave a stale lock: the kernel holds it, so it ends with the process, whatever ended it.
import fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ExchangeError } from '../errors.ts';
import { holdExclusive } from './sqlite.ts';

/** In DIR from its first start on. */
export const lockFile = 'lock.sqlite';

export type DirLock = {
  /** Idempotent. */
  release(): void;
};

/**
 * Root may write everywhere, and what it leaves in the folder of the program's own account (keys, the lock) is root's: the next start there is refused by the
 * system. So a command of root in a folder that another account uses is refused: `dir-of-another-account`. Whose a folder is, its lock or settings say.
 */
export function assertOwnAccount(dir: string): void {
  if (process.geteuid?.() !== 0) return;
  const path = [lockFile, 'config.json'].map((name) => join(dir, name)).find((each) => fs.existsSync(each));
  const uid = path === undefined ? 0 : fs.statSync(path).uid;
  if (uid !== 0) throw new ExchangeError('dir-of-another-account', `${path}: sudo -u '#${uid}' lienthong …`);
}

/** Takes DIR/lock.sqlite for this process. `dir-missing` when DIR does not exist, `dir-in-use` naming the holder's pid, `dir-of-another-account`. */
export function lockDir(dir: string): DirLock {
  if (!fs.existsSync(dir)) throw new ExchangeError('dir-missing', dir);
  assertOwnAccount(dir);
  // SQLite names no file and no reason: a folder in which another account left something is told by the system's own error (EACCES, EROFS), with its path.
  fs.accessSync(dir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  for (const name of [lockFile, 'hub.sqlite', 'node.sqlite', 'content-keys.sqlite'])
    if (fs.existsSync(join(dir, name))) fs.accessSync(join(dir, name), fs.constants.R_OK | fs.constants.W_OK);
  // The pid has its own file: reading lock.sqlite here would, on close, drop a lock this process holds (POSIX fcntl).
  const pidFile = join(dir, 'lock.pid');
  const release = holdExclusive(join(dir, lockFile));
  if (release === undefined) {
    const pid = fs.existsSync(pidFile) ? fs.readFileSync(pidFile, 'utf8').trim() : 'unknown';
    throw new ExchangeError('dir-in-use', `process ${pid.slice(0, 20)} uses ${dir}`);
  }
  // Not durable: it only names the holder, and means something only while the lock is held.
  fs.writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return { release };
}
