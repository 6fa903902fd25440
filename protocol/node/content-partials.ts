// The state of partial content and its form on disk: what a begun upload is bound to, and how it is found again after a restart.
// Part of content-store.ts, and used by nothing else. Must never believe a folder that a crash left half made.
import { createHash, type Hash } from 'node:crypto';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import type { PartDigest } from '../chunks.ts';
import { ExchangeError } from '../errors.ts';
import { parseUploadId } from '../ids.ts';
import { sealedEnding } from './at-rest/sealed-file.ts';
import { unlessMissing } from './content-files.ts';
import { writeFileDurable } from './durable.ts';

const format = { format: 1, atRest: 'plain' } as const;
/** A folder that may hold content under keys of its own (at-rest/). An older release refuses it instead of finding nothing. */
const sealedFormat = { format: 1, atRest: 'e1' } as const;

export type NewPartial = PartDigest & { readonly id: string; readonly owner: string };
export type PartialState = {
  readonly owner: string;
  readonly lengthBytes: number;
  readonly sha256: Uint8Array;
  /** Verified and on disk. */
  readonly offsetBytes: number;
  /** The whole content is checked and in place. */
  readonly complete: boolean;
};
export type Partial = PartialState & {
  readonly id: string;
  readonly treeRoot: Uint8Array;
  offsetBytes: number;
  complete: boolean;
  /** False after a restart or a disk error: `offsetBytes` is to be found in the bytes first. */
  located: boolean;
  /** State of the whole-part hash at `offsetBytes`. */
  hash: Hash;
  /** Good chunks on disk behind a bad one. */
  beyond: Set<number>;
  usedMs: number;
  /** What runs on it now; `stop` is a no-op where it may not be interrupted. */
  running?: { stop: () => void; ended: Promise<unknown> } | undefined;
};

export function fresh(from: Omit<NewPartial, 'leaves'>, usedMs: number): Partial {
  const { id, owner, lengthBytes, sha256, treeRoot } = from;
  const bound = { id, owner, lengthBytes, sha256, treeRoot };
  const state = { offsetBytes: 0, complete: false, located: true, hash: createHash('sha256') };
  return { ...bound, ...state, beyond: new Set(), usedMs };
}

export function stateOf(p: Partial): PartialState {
  const { owner, lengthBytes, sha256, complete } = p;
  return { owner, lengthBytes, sha256, complete, offsetBytes: complete ? lengthBytes : p.offsetBytes };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function metaOf(p: NewPartial): string {
  const { owner, lengthBytes } = p;
  return JSON.stringify({ ...format, owner, lengthBytes, sha256: hex(p.sha256), treeRoot: hex(p.treeRoot) });
}

function refuseNewer(path: string, read: Record<string, unknown>): void {
  if (read.format !== format.format || (read.atRest !== format.atRest && read.atRest !== sealedFormat.atRest))
    throw new ExchangeError('schema-newer', `${path}: format ${read.format}, ${read.atRest}`);
}

/** Code: at-rest-key-missing for a folder with sealed content that is opened without its keys. */
export async function checkFormat(path: string, sealing: boolean): Promise<void> {
  const wanted = `${JSON.stringify(sealing ? sealedFormat : format)}\n`;
  const text = await unlessMissing(fsp.readFile(path, 'utf8'));
  if (text === undefined) return writeFileDurable(path, wanted);
  const found = JSON.parse(text) as Record<string, unknown>;
  refuseNewer(path, found);
  if (found.atRest === sealedFormat.atRest && !sealing)
    throw new ExchangeError('at-rest-key-missing', 'the content is encrypted at rest');
  if (sealing && text !== wanted) writeFileDurable(path, wanted);
}

/** Where the bytes of a partial lie; undefined when finish() has moved them away. */
export async function dataPathOf(folder: string): Promise<string | undefined> {
  for (const name of ['data', `data${sealedEnding}`])
    if (await unlessMissing(fsp.stat(join(folder, name)))) return join(folder, name);
  return undefined;
}

export async function readSlice(
  path: string,
  range: { readonly from: number; readonly to: number },
): Promise<Uint8Array> {
  const file = await fsp.open(path, 'r');
  try {
    const bytes = new Uint8Array(Math.max(0, range.to - range.from));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, range.from);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export async function loadPartials(
  root: string,
  isComplete: (sha256: Uint8Array) => Promise<boolean>,
): Promise<Map<string, Partial>> {
  const loaded = new Map<string, Partial>();
  for (const id of await fsp.readdir(root)) {
    const folder = join(root, id);
    const text = await unlessMissing(fsp.readFile(join(folder, 'meta.json'), 'utf8'));
    if (text === undefined) {
      // begin() or drop() was interrupted: nobody was ever told of it, or nobody may ask any more.
      await fsp.rm(folder, { recursive: true, force: true });
      continue;
    }
    const meta = JSON.parse(text);
    refuseNewer(folder, meta);
    const sha256 = Buffer.from(meta.sha256, 'hex');
    const dataAt = await dataPathOf(folder);
    const data = dataAt === undefined ? undefined : await unlessMissing(fsp.stat(dataAt));
    const hashes = await unlessMissing(fsp.stat(join(folder, 'leaves')));
    const usedMs = data?.mtimeMs ?? (await fsp.stat(folder)).mtimeMs;
    const bound = { id: parseUploadId(id), owner: meta.owner, lengthBytes: meta.lengthBytes };
    const partial = fresh({ ...bound, sha256, treeRoot: Buffer.from(meta.treeRoot, 'hex') }, usedMs);
    // finish() moves the data away: a partial without data whose content is here is complete.
    partial.complete = data === undefined && (await isComplete(sha256));
    partial.located = false;
    // Data without hashes: drop() was interrupted after its folder's sync was lost.
    if (data === undefined ? !partial.complete : hashes === undefined)
      await fsp.rm(folder, { recursive: true, force: true });
    else loaded.set(id, partial);
  }
  return loaded;
}
