// Puts files on disk so that they survive a power cut; every small file of both programs is written here.
// It must never report success before fsync of the bytes AND of the folder has succeeded, and must never retry a failed
// fsync: after EIO the kernel may have dropped the dirty pages, so a second fsync "succeeds" over lost bytes.
// Used under every step that acknowledges something: keys, settings, snapshots, content (content-store.ts streams itself).
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { threadId } from 'node:worker_threads';

/** fsync said no: what the disk holds is unknown. Never caught to carry on; give it to `crashOnFailedSync`. */
export class FailedSync extends Error {
  readonly path: string;
  constructor(path: string, options: { cause: unknown }) {
    super(`fsync failed on ${path}: nothing written since the last good fsync may be trusted`, options);
    this.name = 'FailedSync';
    this.path = path;
  }
}

/** EX_IOERR of sysexits.h: the exit status of a process that saw a failed fsync. */
export const FAILED_SYNC_EXIT = 74;

/**
 * The policy: when `err` is a FailedSync, or has one as its cause, the process ends here and now, without answering
 * anybody and without running exit hooks of the event loop. Restart replays from what the disk really has. Other errors return.
 */
export function crashOnFailedSync(err: unknown): void {
  for (let e = err; e instanceof Error; e = e.cause) {
    if (!(e instanceof FailedSync)) continue;
    try {
      fs.writeSync(
        2,
        `${JSON.stringify({ level: 60, event: 'disk.sync-failed', path: e.path, said: String(e.cause) })}\n`,
      );
    } catch {
      // stderr may be gone; the exit below is what matters.
    }
    // In a worker thread process.exit would end the thread only, and the main thread could still answer.
    if (threadId !== 0) process.kill(process.pid, 'SIGKILL');
    process.exit(FAILED_SYNC_EXIT);
  }
}

export type DurableOptions = {
  /** Permission bits, applied exactly (not under the umask). Default 0o600: nothing of ours is for other users. */
  readonly mode?: number;
  /** false: fail with EEXIST when the file exists (keys are never overwritten). Default true. */
  readonly replace?: boolean;
  /** Written by root it belongs to whom this path belongs; of writeFileDurable only. A backup by root must not leave what the program's account cannot read. */
  readonly ownedAs?: string;
};

let temporaries = 0;
/** Same folder, so that rename is atomic; unique per process, thread and call, so that two writers never share one. */
function temporaryFor(path: string): string {
  temporaries += 1;
  return join(dirname(path), `.${basename(path)}.${process.pid}-${threadId}-${temporaries}.tmp`);
}

function syncFd(fd: number, path: string): void {
  try {
    fs.fsyncSync(fd);
  } catch (cause) {
    throw new FailedSync(path, { cause });
  }
}

/** fsync of a file that was written by other means. Throws FailedSync. */
export function syncFile(path: string): void {
  const fd = fs.openSync(path, 'r');
  try {
    syncFd(fd, path);
  } finally {
    fs.closeSync(fd);
  }
}

/** fsync of a folder: makes creations, renames and removals inside it durable. Throws FailedSync. */
export function syncDir(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    syncFd(fd, path);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Returns only when `data` is under `path` after a power cut; at every moment `path` holds the old bytes or the new
 * ones in full. Throws FailedSync (a crash), or the system error (ENOSPC, EACCES, EEXIST) with nothing changed.
 */
export function writeFileDurable(
  path: string,
  data: string | Uint8Array,
  options: DurableOptions = {},
): void {
  const mode = options.mode ?? 0o600;
  const tmp = temporaryFor(path);
  try {
    // 1. open(O_CREAT|O_EXCL): a crash after it leaves an empty .tmp; `path` is untouched.
    const fd = fs.openSync(tmp, 'wx', mode);
    try {
      fs.fchmodSync(fd, mode);
      // By the descriptor: a name in another account's folder may lead elsewhere a moment later.
      if (options.ownedAs !== undefined && process.geteuid?.() === 0) {
        const { uid, gid } = fs.statSync(options.ownedAs);
        fs.fchownSync(fd, uid, gid);
      }
      // 2. write: a crash leaves a .tmp with any part of the bytes; `path` is untouched.
      fs.writeFileSync(fd, data);
      // 3. fsync of the bytes BEFORE the rename: else a crash may show the new name over an empty file.
      syncFd(fd, tmp);
    } finally {
      fs.closeSync(fd);
    }
    // 4. rename or link: atomic; a crash shows the old file or the new one, never a mixture.
    if (options.replace === false) {
      fs.linkSync(tmp, path);
      fs.unlinkSync(tmp);
    } else fs.renameSync(tmp, path);
  } catch (err) {
    if (!(err instanceof FailedSync)) fs.rmSync(tmp, { force: true });
    throw err;
  }
  // 5. fsync of the folder: before it a crash may bring the old file back; after it the new one stays.
  syncDir(dirname(resolve(path)));
}

/** As writeFileDurable, off the event loop: for files over about 100 kB or on a request's path. */
export async function writeFileDurableAsync(
  path: string,
  data: string | Uint8Array,
  options: DurableOptions = {},
): Promise<void> {
  const mode = options.mode ?? 0o600;
  const tmp = temporaryFor(path);
  try {
    const file = await fsp.open(tmp, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync().catch((cause: unknown) => {
        throw new FailedSync(tmp, { cause });
      });
    } finally {
      await file.close();
    }
    if (options.replace === false) {
      await fsp.link(tmp, path);
      await fsp.unlink(tmp);
    } else await fsp.rename(tmp, path);
  } catch (err) {
    if (!(err instanceof FailedSync)) await fsp.rm(tmp, { force: true });
    throw err;
  }
  await syncDirAsync(dirname(resolve(path)));
}

/**
 * Streams `body` into a new file; durable as a file on return (the folder's entry is the caller's to sync). Fails with EEXIST when something is there,
 * also a link. A body or a disk that fails leaves nothing under `path`. Throws FailedSync, or what the body or the system said.
 */
export async function writeStreamDurable(
  path: string,
  body: AsyncIterable<Uint8Array>,
  mode = 0o600,
): Promise<void> {
  const file = await fsp.open(path, 'wx', mode);
  try {
    await file.chmod(mode);
    for await (const piece of body) {
      let at = 0;
      while (at < piece.length) at += (await file.write(piece, at)).bytesWritten;
    }
    await file.sync().catch((cause: unknown) => {
      throw new FailedSync(path, { cause });
    });
  } catch (error) {
    if (!(error instanceof FailedSync)) await fsp.rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** As syncDir, off the event loop. */
export async function syncDirAsync(path: string): Promise<void> {
  const dir = await fsp.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await dir.sync().catch((cause: unknown) => {
      throw new FailedSync(path, { cause });
    });
  } finally {
    await dir.close();
  }
}

/** As syncFile, off the event loop. */
export async function syncFileAsync(path: string): Promise<void> {
  const file = await fsp.open(path, 'r');
  try {
    await file.sync().catch((cause: unknown) => {
      throw new FailedSync(path, { cause });
    });
  } finally {
    await file.close();
  }
}

/** Moves a file whose bytes are already synced to its final name; durable on return. Both in one file system. */
export async function renameDurable(from: string, to: string): Promise<void> {
  await fsp.rename(from, to);
  // The target folder first: a crash between the two syncs may show both names (same bytes), never neither.
  await syncDirAsync(dirname(resolve(to)));
  if (dirname(resolve(from)) !== dirname(resolve(to))) await syncDirAsync(dirname(resolve(from)));
}

/** As renameDurable, on the calling thread: for keys and certificates, which are loaded in one go at start. */
export function renameDurableSync(from: string, to: string): void {
  fs.renameSync(from, to);
  syncDir(dirname(resolve(to)));
  if (dirname(resolve(from)) !== dirname(resolve(to))) syncDir(dirname(resolve(from)));
}

/** Creates `path` and its missing parents with exactly `mode`; idempotent; an existing folder keeps its mode. */
export function makeDirDurable(path: string, mode = 0o700): void {
  const full = resolve(path);
  try {
    fs.mkdirSync(full, { mode });
  } catch (err) {
    const code = (err as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' && fs.statSync(full).isDirectory()) return;
    if (code !== 'ENOENT') throw err;
    makeDirDurable(dirname(full), mode);
    fs.mkdirSync(full, { mode });
  }
  fs.chmodSync(full, mode);
  // A crash before this sync may lose the folder with everything synced inside it: parent last, so files come after it.
  syncDir(dirname(full));
}

/** Removes a file; idempotent; durable on return (a crash before the sync may bring it back). */
export function removeDurable(path: string): void {
  fs.rmSync(path, { force: true });
  syncDir(dirname(resolve(path)));
}

/** As removeDurable, off the event loop. */
export async function removeDurableAsync(path: string): Promise<void> {
  await fsp.rm(path, { force: true });
  await syncDirAsync(dirname(resolve(path)));
}
