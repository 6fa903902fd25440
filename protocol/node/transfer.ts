// Large parts over a poor line, both ways: sender -> hub in appends, hub -> receiver in ranges. Must never send an acknowledged
// byte again, never hold more than a few chunks, and never trust the other side: every chunk that arrives is checked against
// the signed tree. The link is abstract: link-content.ts speaks HTTP, tests cut it anywhere.
import { createHash } from 'node:crypto';
import { verifyLeaves } from '../chunks.ts';
import { ExchangeError, isExchangeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { backoffMs, type Clock } from './clock.ts';
import type { ContentStore } from './content-store.ts';
import { releaseBytes } from './release.ts';

export type UploadState = { readonly offsetBytes: number; readonly complete: boolean };

export interface UploadLink {
  create(r: {
    readonly unit: string;
    readonly lengthBytes: number;
    readonly sha256: Uint8Array;
    readonly treeRoot: Uint8Array;
    readonly leaves: Uint8Array;
  }): Promise<UploadState & { readonly uploadId: string }>;
  offset(uploadId: string): Promise<UploadState>;
  append(
    uploadId: string,
    r: {
      readonly offsetBytes: number;
      readonly lengthBytes: number;
      readonly complete: boolean;
      readonly body: AsyncIterable<Uint8Array> | Uint8Array;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<UploadState>;
}

export interface DownloadLink {
  leaves(deliveryId: string, part: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** `to` is exclusive. Pieces are their taker's: downloadPart gives the memory of each back. */
  range(
    deliveryId: string,
    part: number,
    r: { readonly from: number; readonly to: number; readonly signal?: AbortSignal | undefined },
  ): Promise<AsyncIterable<Uint8Array>>;
}

/** What is uploaded, for which unit. `read` may be called often and from any chunk. */
export type UploadSource = {
  readonly unit: string;
  readonly lengthBytes: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
  leaves(): Promise<Uint8Array>;
  read(range: { readonly from: number; readonly to: number }): Promise<AsyncIterable<Uint8Array>>;
};

export type TransferOptions = {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (acknowledgedBytes: number) => void;
  /** Gives the last error to the caller after this long without a new acknowledged byte. Default 15 minutes. */
  readonly patienceMs?: number;
  /** [0,1), for back-off. */
  readonly random?: () => number;
};

export type TransferCount = {
  /** Content bytes handed to, or taken from, the line, repeated ones included. */
  readonly carriedBytes: number;
  readonly cuts: number;
  readonly badChunks: number;
};

const patienceDefaultMs = 15 * 60_000;
/** One request should take about this long: acknowledgements come while a person watches, and a lease is renewed in time. */
const requestAimMs = 20_000;
/** A chunk that is bad this often in a row is not the line's fault. */
const sameChunkBadMax = 5;
const createsMax = 5;
/** One range of a download. Every chunk is kept as it arrives, so this bounds only how stale the lease gets. */
const rangeBytesMax = 64 * limits.chunkBytes;

/** How many bytes to ask of the line at once: from its speed, smaller after a failure, one chunk to mend a bad one. */
function requestSize(maxBytes: number) {
  let bytes = maxBytes;
  const clamp = (n: number): number =>
    Math.min(maxBytes, Math.max(limits.chunkBytes, n - (n % limits.chunkBytes)));
  return {
    bytes: () => bytes,
    took(carried: number, ms: number) {
      bytes = clamp((carried / Math.max(1, ms)) * requestAimMs);
    },
    failed() {
      bytes = clamp(bytes / 2);
    },
  };
}

/** Counts failures; the first one after progress is tried again at once, the next ones after a back-off. */
function patience(options: TransferOptions) {
  const { clock, signal, patienceMs = patienceDefaultMs, random = Math.random } = options;
  let failures = 0;
  let sinceMs = 0;
  return {
    progressed() {
      failures = 0;
    },
    /** Throws what trying again cannot help: refusals, the caller's signal, lost patience. */
    async failed(error: unknown): Promise<void> {
      signal?.throwIfAborted();
      if (!isExchangeError(error) || error.row.retry !== 'later') throw error;
      failures += 1;
      if (failures === 1) sinceMs = clock.monotonicMs();
      const ageMs = clock.monotonicMs() - sinceMs;
      if (ageMs > patienceMs) throw error;
      if (failures > 1 || error.retryAfterMs !== undefined)
        await clock.sleep(
          Math.max(failures > 1 ? backoffMs(ageMs, random) : 0, error.retryAfterMs ?? 0),
          signal,
        );
      signal?.throwIfAborted();
    },
  };
}

/** Stops a transfer in which the same chunk is bad again and again. */
function badChunkCount() {
  let atBytes = -1;
  let row = 0;
  let all = 0;
  return {
    all: () => all,
    /** Throws `error` at the limit. */
    bad(offsetBytes: number, error: unknown): void {
      all += 1;
      row = offsetBytes === atBytes ? row + 1 : 1;
      atBytes = offsetBytes;
      if (row >= sameChunkBadMax) throw error;
    },
  };
}

/**
 * Returns when the hub has the whole part, checked and durable. `uploadId` of an earlier call goes on where that one ended;
 * `onUpload` tells the id to keep. Throws refusals, `upload-digest-mismatch`, errors of `source`, and the last error when
 * patience ends; never loses what was acknowledged.
 */
export async function uploadPart(
  link: UploadLink,
  source: UploadSource,
  options: TransferOptions & {
    readonly uploadId?: string;
    readonly onUpload?: (uploadId: string) => void | Promise<void>;
  },
): Promise<TransferCount & { readonly uploadId: string }> {
  const { clock, signal } = options;
  const { unit, lengthBytes, sha256, treeRoot } = source;
  const size = requestSize(limits.appendBytesMax);
  const wait = patience(options);
  const badChunks = badChunkCount();
  let uploadId = options.uploadId;
  let state: UploadState | undefined;
  let creates = 0;
  let mending = false;
  let carriedBytes = 0;
  let cuts = 0;
  let sourceError: { error: unknown } | undefined;

  async function own<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      sourceError = { error };
      throw error;
    }
  }

  /** Only reading is the source's: a line that breaks throws into a stream's generator at its yield, and that is a cut. */
  async function* body(from: number, to: number): AsyncGenerator<Uint8Array> {
    const pieces = (await own(() => source.read({ from, to })))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await own(() => pieces.next());
        if (next.done) return;
        carriedBytes += next.value.length;
        yield next.value;
      }
    } finally {
      await pieces.return?.();
    }
  }

  async function located(): Promise<UploadState> {
    if (uploadId !== undefined) return link.offset(uploadId);
    creates += 1;
    const leaves = await source.leaves();
    const created = await link.create({ unit, lengthBytes, sha256, treeRoot, leaves });
    uploadId = created.uploadId;
    await options.onUpload?.(uploadId);
    return created;
  }

  async function sendNext(from: UploadState): Promise<UploadState> {
    const { offsetBytes } = from;
    const most = mending ? limits.chunkBytes : size.bytes();
    const bytes = Math.min(most, lengthBytes - offsetBytes);
    const complete = offsetBytes + bytes === lengthBytes;
    const startedMs = clock.monotonicMs();
    const append = {
      offsetBytes,
      lengthBytes: bytes,
      complete,
      signal,
      body: body(offsetBytes, offsetBytes + bytes),
    };
    const now = await link.append(uploadId!, append);
    if (now.offsetBytes < offsetBytes + bytes || now.offsetBytes > lengthBytes)
      throw new ExchangeError(
        'hub-answer-malformed',
        `offset ${now.offsetBytes} after ${offsetBytes}+${bytes}`,
      );
    if (!mending) size.took(bytes, clock.monotonicMs() - startedMs);
    mending = false;
    return now;
  }

  for (;;) {
    try {
      state ??= await located();
      options.onProgress?.(state.offsetBytes);
      if (state.complete) return { uploadId: uploadId!, carriedBytes, cuts, badChunks: badChunks.all() };
      const before: number = state.offsetBytes;
      state = await sendNext(state);
      if (state.offsetBytes > before) wait.progressed();
    } catch (error) {
      if (sourceError !== undefined) throw sourceError.error;
      const before = state?.offsetBytes ?? 0;
      // Whatever it was, what the hub has is asked, never guessed.
      state = undefined;
      if (isExchangeError(error, 'upload-unknown') && creates < createsMax) uploadId = undefined;
      else if (isExchangeError(error, 'upload-chunk-mismatch')) {
        badChunks.bad(before, error);
        mending = true;
      } else if (!isExchangeError(error, 'upload-offset-wrong', 'upload-complete')) {
        cuts += 1;
        size.failed();
      }
      await wait.failed(error);
    }
  }
}

/** The same download finds its bytes again after a restart: its id follows from what it fetches. */
function downloadId(deliveryId: string, part: number, sha256: Uint8Array): string {
  const digest = createHash('sha256')
    .update(`lienthong download ${deliveryId} ${part} `)
    .update(sha256)
    .digest();
  const hex = digest.toString('hex').slice(0, 32);
  // RFC 9562 §5.8 (version 8: our own meaning).
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-8$3-8$4-$5');
}

export type WantedPart = {
  readonly deliveryId: string;
  /** Number of the part in the manifest. */
  readonly part: number;
  /** From the signed manifest, verified before. */
  readonly lengthBytes: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
};

/**
 * Returns when the part is in the store, checked and durable; at once when the store has it. After a cut or a restart it goes on
 * from the byte on disk. Throws refusals of the link, `part-mismatch` when the bytes are not what was signed, errors of the own
 * disk, and the last error when patience ends.
 */
export async function downloadPart(
  link: DownloadLink,
  store: ContentStore,
  wanted: WantedPart,
  options: TransferOptions,
): Promise<TransferCount> {
  const { clock, signal } = options;
  const { deliveryId, part, lengthBytes, sha256 } = wanted;
  const id = downloadId(deliveryId, part, sha256);
  const size = requestSize(rangeBytesMax);
  const wait = patience(options);
  const badChunks = badChunkCount();
  let carriedBytes = 0;
  let cuts = 0;
  const count = () => ({ carriedBytes, cuts, badChunks: badChunks.all() });
  if ((await store.stat(sha256))?.lengthBytes === lengthBytes && (await store.touch(sha256))) {
    checkTree(await store.leaves(sha256), wanted);
    return count();
  }

  async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      carriedBytes += piece.length;
      yield piece;
      // The store has copied it into a chunk.
      releaseBytes(piece);
    }
  }

  let mending = false;
  let offsetBytes = await beginDownload(link, store, wanted, { id, wait, signal });
  options.onProgress?.(offsetBytes);
  while (offsetBytes < lengthBytes) {
    const bytes = Math.min(mending ? limits.chunkBytes : size.bytes(), lengthBytes - offsetBytes);
    const startedMs = clock.monotonicMs();
    const before = offsetBytes;
    try {
      const body = counted(await link.range(deliveryId, part, { from: before, to: before + bytes, signal }));
      const append = { offsetBytes, lengthBytes: bytes, body, ...(signal ? { signal } : {}) };
      const end = await store.append(id, append);
      offsetBytes = end.offsetBytes;
      if (end.ended !== 'whole' || offsetBytes < before + bytes)
        throw new ExchangeError('hub-unreachable', 'the answer broke off');
      if (!mending) size.took(bytes, clock.monotonicMs() - startedMs);
      mending = false;
      wait.progressed();
    } catch (error) {
      offsetBytes = (await store.partial(id, { settle: true })).offsetBytes;
      if (offsetBytes > before) wait.progressed();
      if (isExchangeError(error, 'upload-chunk-mismatch')) {
        badChunks.bad(offsetBytes, new ExchangeError('part-mismatch', `part ${part}`, { cause: error }));
        mending = true;
      } else if (isExchangeError(error, 'disk-nearly-full', 'upload-offset-wrong')) throw error;
      else {
        cuts += 1;
        size.failed();
      }
      await wait.failed(error);
    }
    options.onProgress?.(offsetBytes);
  }
  try {
    await store.finish(id);
  } catch (error) {
    // Every chunk fits the signed tree and yet the signed digest is another: the sealing side is at fault.
    if (isExchangeError(error, 'upload-digest-mismatch'))
      throw new ExchangeError('part-mismatch', `part ${part}`, { cause: error });
    throw error;
  }
  return count();
}

/** The offset on disk; a new download gets its chunk hashes first, checked against the signed root. */
async function beginDownload(
  link: DownloadLink,
  store: ContentStore,
  wanted: WantedPart,
  how: { id: string; wait: ReturnType<typeof patience>; signal: AbortSignal | undefined },
): Promise<number> {
  const { deliveryId, part, lengthBytes, sha256, treeRoot } = wanted;
  try {
    return (await store.partial(how.id, { settle: true })).offsetBytes;
  } catch (error) {
    if (!isExchangeError(error, 'upload-unknown')) throw error;
  }
  for (;;) {
    let leaves: Uint8Array;
    try {
      leaves = await link.leaves(deliveryId, part, how.signal);
      checkTree(leaves, wanted);
    } catch (error) {
      await how.wait.failed(error);
      continue;
    }
    const begun = { id: how.id, owner: 'download', lengthBytes, sha256, treeRoot, leaves };
    return (await store.begin(begun)).offsetBytes;
  }
}

function checkTree(leaves: Uint8Array, wanted: WantedPart): void {
  try {
    verifyLeaves(leaves, wanted.lengthBytes, wanted.treeRoot);
  } catch (cause) {
    throw new ExchangeError('part-mismatch', `chunk hashes of part ${wanted.part}`, { cause });
  }
}
