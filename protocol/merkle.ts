// The RFC 6962 §2.1 Merkle tree over leaf hashes: root, paths, and verification of a path. Pure; SHA-256 only.
// Used for batches of statements (signature.ts), chunks of content (chunks.ts) and later the log.
import { hash } from 'node:crypto';

const leafPrefix = Buffer.of(0);

/** SHA-256. By way of a string: a digest straight into a buffer of its own costs twice as much, and its collection. */
function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

/** Filled and hashed within one call. */
const pair = Buffer.alloc(65, 1);

/** RFC 6962 §2.1: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return sha256(Buffer.concat([leafPrefix, entry]));
}

/** RFC 6962 §2.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  // Paths are checked to have 32-byte hashes before; anything else must not be cut to fit.
  if (left.length !== 32 || right.length !== 32)
    return sha256(Buffer.concat([pair.subarray(0, 1), left, right]));
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256(pair);
}

/**
 * Levels of the tree from the leaves up; an odd last node is carried up unchanged, which gives the same tree as the
 * split at the largest power of two.
 */
export function treeLevels<Leaf extends Uint8Array>(
  leaves: readonly Leaf[],
): readonly (readonly (Leaf | Buffer)[])[] {
  if (leaves.length === 0) throw new RangeError('a tree has at least one leaf');
  const levels: (Leaf | Buffer)[][] = [[...leaves]];
  for (let level = levels[0]!; level.length > 1; level = levels.at(-1)!) {
    const above: (Leaf | Buffer)[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i]!, level[i + 1]!));
    if (level.length % 2 === 1) above.push(level.at(-1)!);
    levels.push(above);
  }
  return levels;
}

/** RFC 6962 §2.1.1: the siblings from the leaf up. */
export function pathOf(levels: readonly (readonly Buffer[])[], index: number): Buffer[] {
  const path: Buffer[] = [];
  let at = index;
  for (const level of levels.slice(0, -1)) {
    const sibling = level[at ^ 1];
    if (sibling) path.push(sibling);
    at >>= 1;
  }
  return path;
}

/**
 * RFC 9162 §2.1.3.2: the root that `leaf` at `index` of `count` leaves and `path` give; undefined if the path has another
 * length than index and count ask for, so that no two shapes share a proof.
 */
export function rootFromPath(
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): Buffer | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count) || index < 0 || index >= count)
    return undefined;
  let at = index;
  let last = count - 1;
  let root: Buffer = Buffer.from(leaf);
  let used = 0;
  while (last > 0) {
    if (at % 2 === 1 || at < last) {
      const sibling = path[used++];
      if (sibling?.length !== 32) return undefined;
      root = at % 2 === 1 ? nodeHash(sibling, root) : nodeHash(root, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return used === path.length ? root : undefined;
}
