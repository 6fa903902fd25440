// Content on the disk of a node and of a hub: complete files by SHA-256, and partial ones that grow chunk by chunk.
// DIR/content/{store.json, sha256/ab/<hex>[.leaves], partial/<uploadId>/{meta.json,leaves,data}, tmp/}. Must never acknowledge an
// offset before fdatasync, show content before its digest is checked, or count a chunk that differs from its hash.
// On a document's path: local API -> addStream; hub ingress -> begin, append, finish; node inbox -> the same, from ranges.
// How far a partial has come is written nowhere: after a restart the bytes themselves are compared with the chunk hashes, so an
// append costs one fdatasync and a torn tail is never believed.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { chunkCount, hashBytes, leavesToBytes, type PartDigest, treeRoot, verifyLeaves } from '../chunks.ts';
import { ExchangeError } from '../errors.ts';
import { parseUploadId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { KeyStore } from './at-rest/key-store.ts';
import { createSealed, plainFile, type StoredFile, sealedEnding } from './at-rest/sealed-file.ts';
import { checkChunks, syncBytes, writeChunks } from './chunk-writer.ts';
import type { Clock } from './clock.ts';
import { contentFiles, onDisk, openStored } from './content-files.ts';
import {
  checkFormat,
  dataPathOf,
  fresh,
  loadPartials,
  metaOf,
  type NewPartial,
  type Partial,
  type PartialState,
  readSlice,
  stateOf,
} from './content-partials.ts';
import { crashPoint } from './crash.ts';
import { makeDirDurable, syncDirAsync, writeFileDurableAsync } from './durable.ts';

export type { NewPartial, PartialState } from './content-partials.ts';

export type Append = {
  readonly offsetBytes: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Of the body, when known. */
  readonly lengthBytes?: number;
  readonly signal?: AbortSignal;
};
export type AppendEnd = {
  readonly offsetBytes: number;
  /** `cut`: the body broke; `stopped`: the signal, or another appender took over. What was whole is kept in every case. */
  readonly ended: 'whole' | 'cut' | 'stopped';
};

export type ContentStore = Awaited<ReturnType<typeof openContentStore>>;

/** Creates `DIR/content` on first use, clears what a crash left half made. One process per folder (lock.ts). */
export async function openContentStore(options: {
  readonly dir: string;
  readonly clock: Clock;
  /** Encryption at rest: what is written from now on is sealed. */
  readonly keys?: KeyStore | undefined;
}) {
  const { clock, keys } = options;
  const root = join(options.dir, 'content');
  const partialRoot = join(root, 'partial');
  const tmpRoot = join(root, 'tmp');
  for (const path of [root, join(root, 'sha256'), partialRoot, tmpRoot]) makeDirDurable(path);
  await checkFormat(join(root, 'store.json'), keys !== undefined);
  for (const name of await fsp.readdir(tmpRoot)) await fsp.rm(join(tmpRoot, name), { force: true });
  const files = contentFiles(join(root, 'sha256'), clock, keys);
  const partials = await loadPartials(
    partialRoot,
    async (sha256) => (await files.stat(sha256)) !== undefined,
  );
  const folderOf = (id: string): string => join(partialRoot, parseUploadId(id));

  async function makeData(folder: string, lengthBytes: number): Promise<void> {
    if (keys) {
      const file = await createSealed(join(folder, `data${sealedEnding}`), keys, lengthBytes);
      // An empty part has one piece all the same: the last.
      if (lengthBytes === 0) await file.finish(0);
      await file.close();
    } else await (await fsp.open(join(folder, 'data'), 'wx', 0o600)).close();
  }
  const dataOf = async (id: string): Promise<string> =>
    (await dataPathOf(folderOf(id))) ?? join(folderOf(id), 'data');

  function find(id: string): Partial {
    const found = partials.get(id);
    if (found === undefined) throw new ExchangeError('upload-unknown');
    return found;
  }

  /** One at a time on a partial; an append that runs is stopped, anything else is waited for. */
  async function alone<T>(
    id: string,
    work: (partial: Partial, stopped: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const partial = find(id);
    while (partial.running !== undefined) {
      partial.running.stop();
      await partial.running.ended;
    }
    if (partials.get(id) !== partial) throw new ExchangeError('upload-unknown');
    const stop = new AbortController();
    const result = onDisk(() => work(partial, stop.signal));
    partial.running = { stop: () => stop.abort(), ended: result.catch(() => {}) };
    partial.usedMs = clock.nowMs();
    try {
      return await result;
    } catch (error) {
      // Only refusals leave the state known; after any other failure the bytes are asked.
      if (!(error instanceof ExchangeError) || error.row.status >= 500) partial.located = false;
      throw error;
    } finally {
      partial.running = undefined;
      partial.usedMs = clock.nowMs();
    }
  }

  /** After a restart: how many bytes are there and good. Synced before anyone is told, as they may be in the page cache only. */
  async function locate(partial: Partial): Promise<void> {
    if (partial.located || partial.complete) return;
    partial.hash = createHash('sha256');
    partial.beyond.clear();
    const path = await dataOf(partial.id);
    const file = await openStored(path, keys, 'r+');
    try {
      partial.offsetBytes = await checkChunks({
        file,
        lengthBytes: partial.lengthBytes,
        leaves: await fsp.readFile(join(folderOf(partial.id), 'leaves')),
        onChunk: (chunk) => partial.hash.update(chunk),
      });
      await syncBytes(file, path);
    } finally {
      await file.close();
    }
    partial.located = true;
  }

  async function begin(wanted: NewPartial): Promise<PartialState> {
    const folder = folderOf(wanted.id);
    if (wanted.lengthBytes > limits.partBytesMax) throw new ExchangeError('part-too-large');
    verifyLeaves(wanted.leaves, wanted.lengthBytes, wanted.treeRoot);
    if (wanted.sha256.length !== hashBytes) throw new ExchangeError('digest-malformed');
    if (partials.has(wanted.id)) throw new ExchangeError('duplicate-conflict', 'this upload exists');
    const partial: Partial = fresh(wanted, clock.nowMs());
    // Known at once, so that `usage` counts it while it is being made; nobody else knows its id yet.
    partials.set(wanted.id, partial);
    try {
      await onDisk(async () => {
        await fsp.mkdir(folder, { mode: 0o700 });
        await makeData(folder, wanted.lengthBytes);
        await writeFileDurableAsync(join(folder, 'leaves'), wanted.leaves);
        // meta.json last: a folder without it is cleared at open.
        await writeFileDurableAsync(join(folder, 'meta.json'), metaOf(wanted));
        await syncDirAsync(partialRoot);
      });
    } catch (error) {
      partials.delete(wanted.id);
      await fsp.rm(folder, { recursive: true, force: true });
      throw error;
    }
    // The id is durable and nobody has heard of it: it is swept, or found again by the same content.
    crashPoint('upload.1');
    return stateOf(partial);
  }

  /** Adopts good chunks that lie behind a gap which has just closed. */
  async function closeGap(
    partial: Partial,
    file: StoredFile,
    leaves: () => Promise<Uint8Array>,
  ): Promise<void> {
    const next = () => partial.offsetBytes / limits.chunkBytes;
    if (!partial.beyond.has(next())) return;
    const all = await leaves();
    while (partial.beyond.delete(next())) {
      const end = Math.min(partial.offsetBytes + limits.chunkBytes, partial.lengthBytes);
      const { lengthBytes } = partial;
      const onChunk = (chunk: Uint8Array) => partial.hash.update(chunk);
      const range = { fromBytes: partial.offsetBytes, toBytes: end };
      partial.offsetBytes = await checkChunks({ file, lengthBytes, leaves: all, ...range, onChunk });
      if (partial.offsetBytes !== end) partial.beyond.clear();
    }
  }

  async function appendTo(partial: Partial, append: Append, stopped: AbortSignal): Promise<AppendEnd> {
    if (partial.complete) throw new ExchangeError('upload-complete');
    await locate(partial);
    if (append.offsetBytes !== partial.offsetBytes)
      throw new ExchangeError('upload-offset-wrong', `the offset is ${partial.offsetBytes}`);
    // A crash came between the last byte and finish: all is here, and the peer asks with an empty append to end it.
    if (partial.offsetBytes === partial.lengthBytes && append.lengthBytes === 0)
      return { offsetBytes: partial.offsetBytes, ended: 'whole' };
    const endBytes = Math.min(partial.offsetBytes + (append.lengthBytes ?? Infinity), partial.lengthBytes);
    const folder = folderOf(partial.id);
    const path = await dataOf(partial.id);
    const file = await openStored(path, keys, 'r+');
    try {
      const end = await writeChunks({
        file,
        path,
        body: append.body,
        offsetBytes: partial.offsetBytes,
        lengthBytes: partial.lengthBytes,
        leaves: await readSlice(join(folder, 'leaves'), {
          from: Math.floor(partial.offsetBytes / limits.chunkBytes) * hashBytes,
          to: chunkCount(endBytes) * hashBytes,
        }),
        onChunk: (chunk) => partial.hash.update(chunk),
        signal: append.signal === undefined ? stopped : AbortSignal.any([stopped, append.signal]),
      });
      crashPoint('upload.2');
      // The bytes are on disk: only now may anybody hear of them.
      partial.offsetBytes = end.offsetBytes;
      for (const index of end.beyond) partial.beyond.add(index);
      await closeGap(partial, file, () => fsp.readFile(join(folder, 'leaves')));
      if (end.bad.length > 0)
        throw new ExchangeError('upload-chunk-mismatch', `chunks ${end.bad.slice(0, 8).join(', ')}`);
      if (end.ended === 'long') throw new ExchangeError('request-malformed', 'more bytes than the part has');
      return { offsetBytes: partial.offsetBytes, ended: end.ended };
    } finally {
      await file.close();
    }
  }

  async function dropNow(id: string): Promise<void> {
    partials.delete(id);
    // meta.json first: a crash in between leaves a folder that open() clears.
    await fsp.rm(join(folderOf(id), 'meta.json'), { force: true });
    await fsp.rm(folderOf(id), { recursive: true, force: true });
    await syncDirAsync(partialRoot);
  }

  async function finishNow(partial: Partial): Promise<PartialState> {
    if (partial.complete) return stateOf(partial);
    await locate(partial);
    if (partial.offsetBytes !== partial.lengthBytes)
      throw new ExchangeError('upload-offset-wrong', `the offset is ${partial.offsetBytes}`);
    if (Buffer.compare(partial.hash.copy().digest(), partial.sha256) !== 0) {
      await dropNow(partial.id);
      throw new ExchangeError('upload-digest-mismatch');
    }
    const folder = folderOf(partial.id);
    await files.install(await dataOf(partial.id), partial.sha256, await fsp.readFile(join(folder, 'leaves')));
    crashPoint('upload.3');
    await fsp.rm(join(folder, 'leaves'), { force: true });
    partial.complete = true;
    return stateOf(partial);
  }

  async function addStream(
    body: AsyncIterable<Uint8Array>,
    bounds: { readonly lengthBytesMax?: number; readonly signal?: AbortSignal } = {},
  ): Promise<PartDigest> {
    const path = join(tmpRoot, `${randomUUID()}${keys ? sealedEnding : ''}`);
    const whole = createHash('sha256');
    const leaves: Uint8Array[] = [];
    const lengthBytes = bounds.lengthBytesMax ?? limits.partBytesMax;
    const onChunk = (chunk: Uint8Array, leaf: Uint8Array): void => {
      whole.update(chunk);
      leaves.push(leaf);
    };
    const sealed = keys ? await createSealed(path, keys, undefined) : undefined;
    const file = sealed ?? plainFile(await fsp.open(path, 'wx', 0o600));
    try {
      const end = await writeChunks({
        file,
        path,
        body,
        offsetBytes: 0,
        lengthBytes,
        onChunk,
        signal: bounds.signal,
      });
      if (end.ended === 'long') throw new ExchangeError('part-too-large', `more than ${lengthBytes} bytes`);
      if (end.ended !== 'whole') throw end.cause ?? new ExchangeError('request-timeout');
      await sealed?.finish(end.offsetBytes);
      if (sealed) await syncBytes(sealed, path);
      const found = {
        lengthBytes: end.offsetBytes,
        leaves: leavesToBytes(leaves),
        treeRoot: treeRoot(leaves),
      };
      const digest: PartDigest = { sha256: whole.digest(), ...found };
      await files.install(path, digest.sha256, digest.leaves);
      return digest;
    } catch (error) {
      await fsp.rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }

  return {
    ...files,
    sealPlain: () => files.sealPlain(tmpRoot),
    /** Durable on return. Throws `upload-tree-malformed`, `digest-malformed`, `part-too-large`, `id-malformed`. */
    begin,
    /**
     * Throws `upload-unknown`. With `settle`, an append that runs is stopped first (its whole chunks are kept), so that the answer
     * stays true until the next append: for a peer that asks after a cut.
     */
    async partial(id: string, how: { readonly settle?: boolean } = {}): Promise<PartialState> {
      const now = find(id);
      if (now.complete && (await files.stat(now.sha256)) === undefined) {
        // Nobody referred to the content in time and the sweep took it.
        await alone(id, () => dropNow(id));
        throw new ExchangeError('upload-unknown');
      }
      if (now.complete || (now.located && how.settle !== true)) return stateOf(now);
      return alone(id, async (partial) => {
        await locate(partial);
        return stateOf(partial);
      });
    },
    /**
     * Returns when every whole good chunk of the body is on disk. Throws `upload-offset-wrong`, `upload-complete`,
     * `upload-chunk-mismatch` (good chunks before AND behind the bad one are kept: sending the bad one again moves the offset
     * over all of them), `disk-nearly-full`.
     */
    append: (id: string, append: Append): Promise<AppendEnd> =>
      alone(id, (partial, stopped) => appendTo(partial, append, stopped)),
    /** Idempotent. Content is in place and durable on return. Wrong whole digest: the partial is gone, `upload-digest-mismatch`. */
    finish: (id: string): Promise<PartialState> => alone(id, finishNow),
    /** Undefined for anything that is not an id of a partial here, well formed or not. Looks at no disk. */
    ownerOf: (id: string): string | undefined => partials.get(id)?.owner,
    /** Forgets a partial and its bytes; throws `upload-unknown`. Content that is already complete stays. */
    drop: (id: string): Promise<void> => alone(id, () => dropNow(id)),
    /** Open (not complete) partials of an owner, with the space they may come to need. */
    usage(owner: string): { readonly uploads: number; readonly bytes: number } {
      const open = [...partials.values()].filter((p) => p.owner === owner && !p.complete);
      return { uploads: open.length, bytes: open.reduce((sum, p) => sum + p.lengthBytes, 0) };
    },
    /** Bytes that all open partials still miss: already promised, not yet taken from the disk. */
    promisedBytes: (): number =>
      [...partials.values()].reduce((sum, p) => sum + (p.complete ? 0 : p.lengthBytes - p.offsetBytes), 0),
    /** An open partial of the same content and owner that nobody used for `idleMs`: a create whose answer was lost. */
    findIdle(same: Omit<NewPartial, 'id' | 'leaves'>, idle: { readonly idleMs: number }): string | undefined {
      for (const p of partials.values())
        if (
          p.running === undefined &&
          !p.complete &&
          p.owner === same.owner &&
          p.lengthBytes === same.lengthBytes &&
          Buffer.compare(p.sha256, same.sha256) === 0 &&
          Buffer.compare(p.treeRoot, same.treeRoot) === 0 &&
          clock.nowMs() - p.usedMs >= idle.idleMs
        )
          return p.id;
      return undefined;
    },
    /** Whatever is begun of this content is forgotten with its bytes: a removal. */
    async dropPartialsOf(sha256: Uint8Array): Promise<void> {
      for (const partial of [...partials.values()].filter((p) => Buffer.compare(p.sha256, sha256) === 0))
        await alone(partial.id, () => dropNow(partial.id));
    },
    /** Drops partials, complete ones too, that nobody used for `idleMs`; returns how many. */
    async sweepPartials(sweep: { readonly idleMs: number }): Promise<number> {
      const idle = [...partials.values()].filter(
        (p) => p.running === undefined && clock.nowMs() - p.usedMs >= sweep.idleMs,
      );
      for (const { id } of idle) await alone(id, () => dropNow(id));
      return idle.length;
    },
    /** Content is in place and durable on return; a body that breaks leaves nothing. Throws `part-too-large`, or what the body threw. */
    addStream: (...args: Parameters<typeof addStream>) => onDisk(() => addStream(...args)),
    addFile: (path: string, bounds?: Parameters<typeof addStream>[1]): Promise<PartDigest> =>
      onDisk(() => addStream(createReadStream(path, { highWaterMark: limits.chunkBytes }), bounds)),
  };
}
