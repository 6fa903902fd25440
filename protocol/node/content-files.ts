// Complete content: immutable files named by the SHA-256 of their bytes, and next to each its chunk hashes. Under the outbox of a
// node and the spool of a hub. Must never show a file before its bytes and its folder are synced, and never make a path of
// anything but 32 bytes of a hash.
//
// Format. A plain file has no header, so that `sha256sum` of the file is its name. Content encrypted at rest lies beside the
// plain ones as `<hex>.e1`: a 64-byte header and then chunked AEAD (at-rest/sealed-file.ts); the SHA-256 in the name
// stays that of the bytes carried. `store.json` names the formats that a folder may hold; an unknown one is refused at open.
import { createHash } from 'node:crypto';
import fsp, { type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { chunkCount, createChunkHasher, hashBytes } from '../chunks.ts';
import { ExchangeError } from '../errors.ts';
import { tagBytes } from './at-rest/aead.ts';
import type { KeyStore } from './at-rest/key-store.ts';
import { sealFile } from './at-rest/seal-files.ts';
import {
  headerBytes,
  openSealed,
  pieceBytes,
  plainFile,
  readHeader,
  type SealedFile,
  type StoredFile,
  sealedEnding,
} from './at-rest/sealed-file.ts';
import { checkChunks, diskError, writeAll } from './chunk-writer.ts';
import type { Clock } from './clock.ts';
import { crashOnFailedSync, renameDurable, syncDirAsync, writeFileDurableAsync } from './durable.ts';

/** One read(2) and one write to the socket per piece. */
const readPieceBytes = 256 * 1024;

export type ContentStat = { readonly lengthBytes: number; readonly touchedMs: number };
export type ContentCheck = {
  readonly ok: boolean;
  readonly lengthBytes: number;
  /** Chunks that differ from the kept chunk hashes; empty when those are missing or damaged themselves. */
  readonly badChunks: readonly number[];
};

export type ContentFiles = ReturnType<typeof contentFiles>;

/** A file that is not there, or undefined. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs `work`; a FailedSync inside it ends the process; a full disk comes out as `disk-nearly-full`. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    crashOnFailedSync(error);
    throw diskError(error);
  }
}

/** Lower-case hex of a SHA-256; throws `digest-malformed` unless 32 bytes. The only maker of content file names. */
function hexOf(sha256: Uint8Array): string {
  if (sha256.length !== hashBytes)
    throw new ExchangeError('digest-malformed', `a SHA-256 has 32 bytes, not ${sha256.length}`);
  return Buffer.from(sha256).toString('hex');
}

/** Length of the content in a sealed file, from the file's own: a header, and a tag for every piece. */
const lengthInSealed = (size: number): number =>
  size - headerBytes - Math.max(1, Math.ceil((size - headerBytes) / (pieceBytes + tagBytes))) * tagBytes;

/** A complete content file or a partial one, sealed or plain by its name. */
export async function openStored(
  path: string,
  keys: KeyStore | undefined,
  flags: 'r' | 'r+',
): Promise<StoredFile> {
  return path.endsWith(sealedEnding)
    ? await openSealed(path, keys, flags)
    : plainFile(await fsp.open(path, flags));
}

/** `keys`: new content is sealed; what is there already stays as it is until it is written anew or `sealPlain` comes to it. */
export function contentFiles(root: string, clock: Clock, keys?: KeyStore) {
  const known = new Set<string>();
  const locks = new Map<string, Promise<unknown>>();

  const pathOf = (sha256: Uint8Array): string => {
    const hex = hexOf(sha256);
    return join(root, hex.slice(0, 2), hex);
  };
  const leavesPathOf = (sha256: Uint8Array): string => `${pathOf(sha256)}.leaves`;

  /** Deleting an orphan and touching it must not cross: one at a time per content. */
  async function alone<T>(sha256: Uint8Array, work: () => Promise<T>): Promise<T> {
    const key = hexOf(sha256);
    const mine = (locks.get(key) ?? Promise.resolve()).then(work, work);
    locks.set(key, mine);
    try {
      return await mine;
    } finally {
      if (locks.get(key) === mine) locks.delete(key);
    }
  }

  async function folderFor(sha256: Uint8Array): Promise<void> {
    const path = join(root, hexOf(sha256).slice(0, 2));
    if (known.has(path)) return;
    await fsp.mkdir(path, { mode: 0o700, recursive: true });
    await syncDirAsync(root);
    known.add(path);
  }

  const sealedPathOf = (sha256: Uint8Array): string => `${pathOf(sha256)}${sealedEnding}`;

  /**
   * What `use` makes of the file, wherever it is; undefined: nowhere. The sealed one where there is one, and there once more, since a plain one may become it
   * while we look: whoever opens does it here, not at a path that was found before.
   */
  async function found<T>(sha256: Uint8Array, use: (path: string) => Promise<T>): Promise<T | undefined> {
    const [plain, sealed] = [pathOf(sha256), sealedPathOf(sha256)];
    for (const path of keys ? [sealed, plain, sealed] : [plain]) {
      const made = await unlessMissing(use(path));
      if (made !== undefined) return made;
    }
    return undefined;
  }

  /** As `found`; throws `content-gone`. */
  async function needed<T>(sha256: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
    const made = await found(sha256, use);
    if (made === undefined) throw new ExchangeError('content-gone');
    return made;
  }

  const stat = (sha256: Uint8Array): Promise<ContentStat | undefined> =>
    found(sha256, async (path) => {
      const { size, mtimeMs } = await fsp.stat(path);
      return {
        lengthBytes: path.endsWith(sealedEnding) ? lengthInSealed(size) : size,
        touchedMs: mtimeMs,
      };
    });

  /** Throws `content-gone`. */
  const whereIs = (sha256: Uint8Array): Promise<string> =>
    needed(sha256, async (path) => {
      await fsp.stat(path);
      return path;
    });

  /**
   * Moves a synced, verified file to its final name; durable on return. Content that is already here is replaced by the same
   * bytes: the same calls in the same order, so that neither answer nor time tells a peer what the hub holds from others.
   */
  async function install(from: string, sha256: Uint8Array, leaves: Uint8Array): Promise<void> {
    await folderFor(sha256);
    await alone(sha256, async () => {
      // 1. Chunk hashes first; a crash after it leaves a hash file without content, which the sweep removes.
      if (leaves.length > hashBytes) await writeFileDurableAsync(leavesPathOf(sha256), leaves);
      await fsp.utimes(from, clock.nowMs() / 1000, clock.nowMs() / 1000);
      // 2. rename: a crash before its sync shows the partial or the content, both with all bytes.
      const sealed = from.endsWith(sealedEnding);
      await renameDurable(from, sealed ? sealedPathOf(sha256) : pathOf(sha256));
      // Plain bytes from before encryption are not kept beside the sealed ones.
      if (sealed) await fsp.rm(pathOf(sha256), { force: true });
    });
  }

  async function leaves(sha256: Uint8Array): Promise<Uint8Array> {
    const found = await stat(sha256);
    if (found === undefined) throw new ExchangeError('content-gone');
    const kept = await unlessMissing(fsp.readFile(leavesPathOf(sha256)));
    if (kept?.length === chunkCount(found.lengthBytes) * hashBytes) return kept;
    // Content of one chunk keeps no hash file; a lost hash file of larger content is made again from the bytes.
    const hasher = createChunkHasher();
    for await (const piece of await read(sha256)) hasher.update(piece);
    const digest = hasher.finish();
    if (Buffer.compare(digest.sha256, sha256) !== 0) throw new ExchangeError('content-damaged');
    if (digest.leaves.length > hashBytes) await writeFileDurableAsync(leavesPathOf(sha256), digest.leaves);
    return digest.leaves;
  }

  /** Opens before it returns, so that missing content is an error (`content-gone`) and not a broken stream. `to` is exclusive. */
  async function read(
    sha256: Uint8Array,
    range: { readonly from?: number; readonly to?: number } = {},
  ): Promise<Readable & AsyncIterable<Uint8Array>> {
    return await needed(sha256, async (path) =>
      path.endsWith(sealedEnding)
        ? readSealed(await openSealed(path, keys, 'r'), range)
        : readPlain(await fsp.open(path, 'r'), range),
    );
  }

  async function readPlain(
    file: FileHandle,
    range: { readonly from?: number; readonly to?: number },
  ): Promise<Readable & AsyncIterable<Uint8Array>> {
    const { size } = await file.stat();
    const from = range.from ?? 0;
    const to = Math.min(range.to ?? size, size);
    if (from >= to) {
      await file.close();
      return Readable.from([]);
    }
    return file.createReadStream({ start: from, end: to - 1, highWaterMark: readPieceBytes });
  }

  async function removeNow(sha256: Uint8Array): Promise<void> {
    await fsp.rm(pathOf(sha256), { force: true });
    await fsp.rm(sealedPathOf(sha256), { force: true });
    await fsp.rm(leavesPathOf(sha256), { force: true });
    await unlessMissing(syncDirAsync(join(root, hexOf(sha256).slice(0, 2))));
  }

  /** As `remove`, with the key of a sealed file: no copy of it can be opened any more, and zeros over a plain one. Whoever still refers to it finds it gone. */
  async function destroy(sha256: Uint8Array): Promise<boolean> {
    if ((await stat(sha256)) === undefined) return false;
    const path = await whereIs(sha256);
    const head = path.endsWith(sealedEnding) ? await fsp.open(path, 'r') : undefined;
    if (head) {
      const bytes = Buffer.alloc(headerBytes);
      await head.read(bytes, 0, headerBytes, 0);
      await head.close();
      const header = readHeader(bytes);
      if (header) keys?.destroy([header.keyId]);
    }
    // Also beside the sealed file: sealing may have been killed before it unlinked the plain one.
    await unlessMissing(overwrite(pathOf(sha256)));
    await removeNow(sha256);
    return true;
  }

  /** Zeros first, so that an unlinked block of an ordinary disk holds nothing. Flash and snapshots keep what they keep: encryption answers that. */
  async function overwrite(path: string): Promise<void> {
    const file = await fsp.open(path, 'r+');
    try {
      const { size } = await file.stat();
      const zeros = Buffer.alloc(readPieceBytes);
      for (let at = 0; at < size; at += zeros.length)
        await writeAll(file, zeros.subarray(0, Math.min(zeros.length, size - at)), at);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async function* list(): AsyncGenerator<{ readonly sha256: Uint8Array } & ContentStat> {
    for (const folder of (await fsp.readdir(root)).sort()) {
      for (const name of await fsp.readdir(join(root, folder))) {
        if (!/^[0-9a-f]{64}(\.e1)?$/.test(name)) continue;
        const sha256 = Buffer.from(name.slice(0, 64), 'hex');
        const found = await stat(sha256);
        if (found !== undefined) yield { sha256, ...found };
      }
    }
  }

  async function verify(sha256: Uint8Array): Promise<ContentCheck> {
    const file = await needed(sha256, (path) => openStored(path, keys, 'r'));
    try {
      const lengthBytes = await file.lengthBytes();
      const kept = await unlessMissing(fsp.readFile(leavesPathOf(sha256)));
      const badChunks: number[] = [];
      const whole = createHash('sha256');
      await checkChunks({
        file,
        lengthBytes,
        leaves: kept ?? new Uint8Array(0),
        onChunk: (chunk) => whole.update(chunk),
        onBad: (index) => {
          if (kept !== undefined) badChunks.push(index);
          return 'go-on';
        },
      });
      const same = Buffer.compare(whole.digest(), sha256) === 0;
      return { ok: same && badChunks.length === 0, lengthBytes, badChunks };
    } finally {
      await file.close();
    }
  }

  /**
   * Content of before encryption, sealed file by file; yields each, `false` for one that is not what its name says: it stays, and fsck names it.
   * Killed between sealing and unlinking both files are there, readers take the sealed one, and the next run ends it.
   */
  async function* sealPlain(tmpRoot: string): AsyncGenerator<boolean> {
    if (!keys) return;
    for (const folder of await fsp.readdir(root))
      for (const name of await fsp.readdir(join(root, folder))) {
        if (!/^[0-9a-f]{64}$/.test(name)) continue;
        const sha256 = Buffer.from(name, 'hex');
        yield await onDisk(() => alone(sha256, () => sealNow(sha256, keys, tmpRoot)));
      }
  }

  async function sealNow(sha256: Uint8Array, to: KeyStore, tmpRoot: string): Promise<boolean> {
    const [plain, sealed] = [pathOf(sha256), sealedPathOf(sha256)];
    // Removed, or written anew, since it was listed.
    if (!(await unlessMissing(fsp.stat(plain)))) return true;
    if (!(await unlessMissing(fsp.stat(sealed)))) {
      const made = join(tmpRoot, `${hexOf(sha256)}${sealedEnding}`);
      if (!(await sealFile(plain, made, { sha256, keys: to }))) return false;
      await renameDurable(made, sealed);
    }
    // Whoever reads it reads on: it is unlinked, not overwritten.
    await fsp.rm(plain);
    await syncDirAsync(dirname(plain));
    return true;
  }

  /** Deletes content that nobody refers to and nobody touched for `olderThanMs`; returns what it deleted. */
  async function sweepOrphans(
    isReferenced: (sha256: Uint8Array) => boolean | Promise<boolean>,
    options: { readonly olderThanMs: number },
  ): Promise<{ files: number; bytes: number }> {
    const swept = { files: 0, bytes: 0 };
    for await (const { sha256 } of list()) {
      await alone(sha256, async () => {
        const found = await stat(sha256);
        if (found === undefined || clock.nowMs() - found.touchedMs < options.olderThanMs) return;
        if (await isReferenced(sha256)) return;
        await removeNow(sha256);
        swept.files += 1;
        swept.bytes += found.lengthBytes;
      });
    }
    return swept;
  }

  /** For a process that reads the bytes by itself. Throws `content-gone`. */
  async function source(sha256: Uint8Array): Promise<{ readonly file: string; readonly key?: Uint8Array }> {
    const file = await whereIs(sha256);
    if (!file.endsWith(sealedEnding)) return { file };
    const opened = await openSealed(file, keys, 'r');
    await opened.close();
    return { file, key: opened.key };
  }

  return {
    stat,
    install,
    read,
    source,
    /** Destroys content by its hash, whoever refers to it; durable on return. False: it was not here. Only for a removal. */
    destroy: (sha256: Uint8Array) => onDisk(() => alone(sha256, () => destroy(sha256))),
    list,
    sealPlain,
    verify,
    leaves: (sha256: Uint8Array) => onDisk(() => leaves(sha256)),
    sweepOrphans: (...args: Parameters<typeof sweepOrphans>) => onDisk(() => sweepOrphans(...args)),
    /** Idempotent; durable on return. The caller has made sure that no row refers to it. */
    remove: (sha256: Uint8Array) => onDisk(() => alone(sha256, () => removeNow(sha256))),
    /**
     * `remove`, unless somebody touched the content at or after `sinceMs`: it may be about to be needed, and the sweeper sees to it. True
     * when it is not here any more.
     */
    removeUntouched: (sha256: Uint8Array, sinceMs: number): Promise<boolean> =>
      onDisk(() =>
        alone(sha256, async () => {
          const found = await stat(sha256);
          if (found && found.touchedMs >= sinceMs) return false;
          await removeNow(sha256);
          return true;
        }),
      ),
    /**
     * Protects content from `sweepOrphans` for its `olderThanMs`, until a row refers to it; false when it is not here. Not durable:
     * after a power cut an older time may be back.
     */
    touch: (sha256: Uint8Array): Promise<boolean> =>
      alone(sha256, async () => {
        const nowS = clock.nowMs() / 1000;
        const path = await whereIs(sha256).catch(() => pathOf(sha256));
        return (await unlessMissing(fsp.utimes(path, nowS, nowS).then(() => true))) ?? false;
      }),
  };
}

/** Piece by piece; a piece that does not verify ends the stream with `content-damaged`. */
async function readSealed(
  file: SealedFile,
  range: { readonly from?: number; readonly to?: number },
): Promise<Readable & AsyncIterable<Uint8Array>> {
  const size = await file.lengthBytes();
  const from = range.from ?? 0;
  const to = Math.min(range.to ?? size, size);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      yield* file.stream(from, to);
    } finally {
      await file.close();
    }
  }
  const stream = Readable.from(pieces(), { objectMode: false });
  // A generator that never started does not run its finally.
  stream.once('close', () => void file.close().catch(() => {}));
  return stream;
}
