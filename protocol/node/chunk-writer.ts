// The hot path of content: a stream of bytes -> 1 MiB chunks -> hash, compare, write, fdatasync. Shared by uploads to a hub,
// downloads to a node and files of the local API. Holds a few chunks however large the part is, and must never write a chunk
// that differs from its expected hash, nor report bytes that fdatasync has not confirmed.

import { webcrypto } from 'node:crypto';
import { chunkCount, hashBytes } from '../chunks.ts';
import { ExchangeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { StoredFile } from './at-rest/sealed-file.ts';
import { isDiskFull } from './disk-full.ts';
import { crashOnFailedSync, FailedSync } from './durable.ts';

/** Chunks being filled, hashed and written at once for one stream: one each. More only costs memory. */
const chunksInFlight = 3;
/** While bytes arrive one fdatasync runs behind them all the time; so many may wait for the next one. More only costs dirty pages. */
const syncBehindBytes = 8 * limits.chunkBytes;

/** Byte 0 is the RFC 6962 leaf prefix, the chunk follows: the leaf hash is one pass over one buffer. */
type Slot = Uint8Array<ArrayBuffer>;
const spareSlots: Slot[] = [];
/** Kept between streams, so that a busy hub does not allocate and collect a MiB for every MiB it carries. */
const spareSlotsMax = 16;
const takeSlot = (): Slot => spareSlots.pop() ?? new Uint8Array(1 + limits.chunkBytes);
const giveSlot = (slot: Slot): void => {
  if (spareSlots.length < spareSlotsMax) spareSlots.push(slot);
};

/** fdatasync under the policy: when it fails the process ends. */
export async function syncBytes(file: Pick<StoredFile, 'datasync'>, path: string): Promise<void> {
  try {
    await file.datasync();
  } catch (cause) {
    const failed = new FailedSync(path, { cause });
    crashOnFailedSync(failed);
    throw failed;
  }
}

/** write(2) until all is written; a full disk becomes `disk-nearly-full`, anything else `disk-failed`. */
export async function writeAll(
  file: Pick<StoredFile, 'write'>,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; )
      at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  } catch (cause) {
    throw diskError(cause);
  }
}

/** System errors of writing, in the catalogue's words. */
export function diskError(cause: unknown): unknown {
  if (isDiskFull(cause)) return new ExchangeError('disk-nearly-full', '', { cause });
  if (!(cause instanceof Error) || !('code' in cause)) return cause;
  if (cause.code === 'EIO' || cause.code === 'EROFS' || cause.code === 'EFBIG')
    return new ExchangeError('disk-failed', '', { cause });
  return cause;
}

export type ChunkStream = {
  readonly file: StoredFile;
  readonly path: string;
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the first byte of `body` lies in the part: a multiple of chunkBytes. */
  readonly offsetBytes: number;
  /** The part's whole length, or what it may not exceed when `leaves` is absent. */
  readonly lengthBytes: number;
  /** Expected hashes of the chunks from `offsetBytes` on. Absent: the stream is new and defines them. */
  readonly leaves?: Uint8Array;
  /** Every good chunk of the unbroken run from `offsetBytes`, in order, before it is written. */
  readonly onChunk: (chunk: Uint8Array, leaf: Uint8Array) => void;
  readonly signal?: AbortSignal | undefined;
};

export type ChunkStreamEnd = {
  /** End of the unbroken run of good chunks; all of it is on disk. */
  readonly offsetBytes: number;
  /** Chunks (by number in the part) that were bad, and good ones behind a bad one, which are on disk too. */
  readonly bad: readonly number[];
  readonly beyond: readonly number[];
  /** `whole`: the body ended; `cut`: it broke; `stopped`: `signal`; `long`: it had more bytes than the part. */
  readonly ended: 'whole' | 'cut' | 'stopped' | 'long';
  /** What broke the body. */
  readonly cause?: unknown;
};

/**
 * Takes the body until it ends, breaks, grows too long or `signal` aborts; then makes every whole good chunk durable and tells.
 * A body that breaks is no error here. Throws only for the disk (`disk-nearly-full`, `disk-failed`).
 */
export async function writeChunks(stream: ChunkStream): Promise<ChunkStreamEnd> {
  const { file, path, offsetBytes, lengthBytes, leaves } = stream;
  const bad: number[] = [];
  const beyond: number[] = [];
  let goodBytes = offsetBytes;
  let unsyncedBytes = 0;
  let syncing: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  const land = async (slot: Slot, length: number, position: number): Promise<void> => {
    const digest = webcrypto.subtle.digest('SHA-256', slot.subarray(0, 1 + length));
    const before = tail;
    const leaf = new Uint8Array(await digest);
    await before;
    if (failure !== undefined) return;
    const index = position / limits.chunkBytes;
    const at = (index - offsetBytes / limits.chunkBytes) * hashBytes;
    const good = leaves === undefined || Buffer.compare(leaf, leaves.subarray(at, at + hashBytes)) === 0;
    if (!good) {
      bad.push(index);
      return;
    }
    const chunk = slot.subarray(1, 1 + length);
    const written = writeAll(file, chunk, position);
    // Hashing of the whole part runs here while the pool writes.
    if (bad.length === 0) stream.onChunk(chunk, leaf);
    await written;
    if (bad.length === 0) goodBytes = position + length;
    else beyond.push(index);
    unsyncedBytes += length;
    if (syncing === undefined) startSync();
    else if (unsyncedBytes >= syncBehindBytes) {
      await syncing;
      startSync();
    }
  };

  /** What was written before the call is on disk when it has resolved; at the end little is left to wait for. */
  function startSync(): void {
    unsyncedBytes = 0;
    const running = syncBytes(file, path)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        if (syncing === running) syncing = undefined;
      });
    syncing = running;
  }

  let tail: Promise<void> = Promise.resolve();
  const queue: Promise<void>[] = [];
  const enqueue = async (slot: Slot, length: number, position: number): Promise<void> => {
    tail = land(slot, length, position)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => giveSlot(slot));
    queue.push(tail);
    if (queue.length >= chunksInFlight) await queue.shift();
  };

  const ended = await cutIntoChunks(stream, enqueue, () => failure !== undefined, lengthBytes);
  await Promise.all(queue);
  await syncing;
  if (failure !== undefined) throw failure.error;
  if (unsyncedBytes > 0) await syncBytes(file, path);
  return { offsetBytes: goodBytes, bad, beyond, ...ended };
}

/** Fills slots from the body; a last short chunk counts only at the very end of the part (or of a stream without leaves). */
async function cutIntoChunks(
  stream: ChunkStream,
  enqueue: (slot: Slot, length: number, position: number) => Promise<void>,
  failed: () => boolean,
  lengthBytes: number,
): Promise<Pick<ChunkStreamEnd, 'ended' | 'cause'>> {
  let position = stream.offsetBytes;
  let slot = takeSlot();
  let filled = 0;
  let ended: ChunkStreamEnd['ended'] = 'whole';
  let cause: unknown;
  slot[0] = 0;
  const pieces = stoppable(stream.body, stream.signal);
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done === true || failed()) break;
      let piece = next.value;
      if (position + filled + piece.length > lengthBytes) {
        ended = 'long';
        piece = piece.subarray(0, lengthBytes - position - filled);
      }
      for (let at = 0; at < piece.length; ) {
        const take = Math.min(limits.chunkBytes - filled, piece.length - at);
        slot.set(piece.subarray(at, at + take), 1 + filled);
        at += take;
        filled += take;
        if (filled < limits.chunkBytes) continue;
        await enqueue(slot, filled, position);
        position += filled;
        filled = 0;
        slot = takeSlot();
        slot[0] = 0;
      }
      if (ended === 'long') break;
    }
  } catch (error) {
    cause = error;
    // The line, the other side or the signal ended it: not our error, and what is whole is kept.
    ended = stream.signal?.aborted ? 'stopped' : 'cut';
  } finally {
    pieces.close();
  }
  const isTail = stream.leaves === undefined ? ended === 'whole' : position + filled === lengthBytes;
  if (filled > 0 && isTail) await enqueue(slot, filled, position);
  else giveSlot(slot);
  return { ended, cause };
}

/** Pulls from `body`; `next` rejects at once when the signal aborts, even while a half-open peer sends nothing. */
function stoppable(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
  const iterator = body[Symbol.asyncIterator]();
  let stop: ((error: unknown) => void) | undefined;
  let done = false;
  const onAbort = () => stop?.(new ExchangeError('request-timeout', 'stopped'));
  signal?.addEventListener('abort', onAbort);
  return {
    next: () =>
      new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        if (signal?.aborted) return reject(new ExchangeError('request-timeout', 'stopped'));
        stop = reject;
        iterator.next().then((result) => {
          if (result.done === true) done = true;
          resolve(result);
        }, reject);
      }),
    close: () => {
      signal?.removeEventListener('abort', onAbort);
      // Not awaited: a generator that hangs in next() would never answer.
      if (!done) iterator.return?.()?.then(undefined, () => {});
    },
  };
}

/**
 * Reads a file of a part chunk by chunk and compares; stops at the first chunk that differs or is short. `onChunk` gets each
 * good one in order. Returns the end of the good run.
 */
export async function checkChunks(options: {
  readonly file: Pick<StoredFile, 'read'>;
  readonly lengthBytes: number;
  readonly leaves: Uint8Array;
  readonly fromBytes?: number;
  readonly toBytes?: number;
  readonly onChunk: (chunk: Uint8Array) => void;
  readonly onBad?: (index: number) => 'go-on' | 'stop';
}): Promise<number> {
  const { file, lengthBytes, leaves } = options;
  const to = chunkCount(options.toBytes ?? lengthBytes);
  let good = options.fromBytes ?? 0;
  let broken = false;
  const slot = takeSlot();
  slot[0] = 0;
  try {
    for (let index = good / limits.chunkBytes; index < to; index++) {
      const start = index * limits.chunkBytes;
      const length = Math.min(limits.chunkBytes, lengthBytes - start);
      const { bytesRead } = await file.read(slot, 1, length, start);
      const leaf = new Uint8Array(await webcrypto.subtle.digest('SHA-256', slot.subarray(0, 1 + bytesRead)));
      const expected = leaves.subarray(index * hashBytes, (index + 1) * hashBytes);
      if (bytesRead === length && Buffer.compare(leaf, expected) === 0) {
        options.onChunk(slot.subarray(1, 1 + length));
        if (!broken) good = start + length;
        continue;
      }
      broken = true;
      if (options.onBad?.(index) !== 'go-on') break;
      options.onChunk(slot.subarray(1, 1 + bytesRead));
    }
  } finally {
    giveSlot(slot);
  }
  return good;
}
