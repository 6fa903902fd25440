// The SHA-256 tree over the 1 MiB chunks of a part: how the manifest names content so that one bad chunk costs one chunk.
// Pure; must never hold more than one chunk hash per MiB. Used by the sender when content enters, by the hub on every
// append, by the receiver on every range. Domain separation as in RFC 6962 §2.1, so that a leaf is never taken for a node.
import { createHash, type Hash, hash } from 'node:crypto';
import { ExchangeError } from './errors.ts';
import { limits } from './limits.ts';
import { treeLevels } from './merkle.ts';

export const hashBytes = 32;
const leafPrefix = Uint8Array.of(0);

/** Facts about one part that the manifest and an upload carry. `leaves` are the chunk hashes, 32 bytes each, concatenated. */
export type PartDigest = {
  readonly lengthBytes: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
  readonly leaves: Uint8Array;
};

/** Chunks of a part. An empty part has none. */
export function chunkCount(lengthBytes: number): number {
  return Math.ceil(lengthBytes / limits.chunkBytes);
}

/** The leaf prefix, and room behind it for a part that rides inside its envelope. Filled and hashed within one call. */
const prefixed = new Uint8Array(1 + limits.inlinePartBytesMax);

/** Digests of a part of at most `inlinePartBytesMax` (less than one chunk) without the streaming hasher's objects. */
export function oneChunkDigests(content: Uint8Array): Pick<PartDigest, 'sha256' | 'treeRoot'> {
  const sha256 = hash('sha256', content, 'buffer');
  if (content.length === 0) return { sha256, treeRoot: treeRoot([]) };
  prefixed.set(content, 1);
  return { sha256, treeRoot: hash('sha256', prefixed.subarray(0, 1 + content.length), 'buffer') };
}

/**
 * RFC 6962 §2.1 over leaf hashes: node = SHA-256(0x01 || left || right), split at the largest power of two below n.
 * No leaves (an empty part): SHA-256 of the empty string. One leaf: that leaf.
 */
export function treeRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash('sha256', new Uint8Array(0), 'buffer');
  return treeLevels(leaves).at(-1)![0]!;
}

export function leavesToBytes(leaves: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(leaves.length * hashBytes);
  leaves.forEach((leaf, i) => {
    bytes.set(leaf, i * hashBytes);
  });
  return bytes;
}

/** Views into `bytes`, not copies. Throws `upload-tree-malformed` unless a whole number of hashes, at most a largest part's. */
export function leavesFromBytes(bytes: Uint8Array): Uint8Array[] {
  const count = bytes.length / hashBytes;
  if (!Number.isInteger(count) || count > chunkCount(limits.partBytesMax))
    throw new ExchangeError('upload-tree-malformed', `${bytes.length} bytes of chunk hashes`);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * hashBytes, (i + 1) * hashBytes));
}

/** Throws `upload-tree-malformed` unless `leaves` are the chunk hashes of a part of `lengthBytes` under `root`. */
export function verifyLeaves(leaves: Uint8Array, lengthBytes: number, root: Uint8Array): void {
  if (leaves.length !== chunkCount(lengthBytes) * hashBytes)
    throw new ExchangeError(
      'upload-tree-malformed',
      `${leaves.length} bytes of chunk hashes for ${lengthBytes} bytes`,
    );
  if (Buffer.compare(treeRoot(leavesFromBytes(leaves)), root) !== 0)
    throw new ExchangeError('upload-tree-malformed', 'the chunk hashes do not give the declared root');
}

export type ChunkHasher = {
  /** Bytes in order, in pieces of any size. The buffer may be reused after the call. */
  update(bytes: Uint8Array): void;
  /** Once, at the end. */
  finish(): PartDigest;
};

/** Whole-part SHA-256 and chunk hashes in one reading of the bytes; holds 32 bytes per MiB and no content. */
export function createChunkHasher(): ChunkHasher {
  const whole = createHash('sha256');
  const leaves: Uint8Array[] = [];
  let lengthBytes = 0;
  let chunk: Hash | undefined;
  let filled = 0;
  const closeChunk = (): void => {
    if (chunk !== undefined) leaves.push(chunk.digest());
    chunk = undefined;
    filled = 0;
  };
  return {
    update(bytes) {
      whole.update(bytes);
      lengthBytes += bytes.length;
      for (let at = 0; at < bytes.length; ) {
        const take = Math.min(limits.chunkBytes - filled, bytes.length - at);
        chunk ??= createHash('sha256').update(leafPrefix);
        chunk.update(bytes.subarray(at, at + take));
        filled += take;
        at += take;
        if (filled === limits.chunkBytes) closeChunk();
      }
    },
    finish() {
      closeChunk();
      return {
        lengthBytes,
        sha256: whole.digest(),
        treeRoot: treeRoot(leaves),
        leaves: leavesToBytes(leaves),
      };
    },
  };
}
