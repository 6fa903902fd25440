// Random access to the bytes of one PDF file, without ever holding the file.
// It must never read behind the end of the file or keep more than a few blocks. First step of the signature report.
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import { tagBytes } from '../../protocol/node/at-rest/aead.ts';
import { headerBytes, openPiece, pieceBytes, readHeader } from '../../protocol/node/at-rest/sealed-file.ts';
import { malformed } from './limits.ts';

export type ByteSource = {
  readonly sizeBytes: number;
  /** Fewer bytes only where the file ends. The caller must not change them. */
  read(at: number, lengthBytes: number): Buffer;
  /** Calls `use` with consecutive pieces of [from, to). A piece is valid only during the call. Stops when `use` returns false. */
  each(from: number, to: number, use: (piece: Buffer, at: number) => boolean | undefined): void;
  close(): void;
};

const BLOCK_BYTES = 64 * 1024;
const BLOCKS_KEPT = 64;
const PIECE_BYTES = 1024 * 1024;

function readFully(fd: number, into: Buffer, at: number): number {
  let done = 0;
  while (done < into.length) {
    const got = fs.readSync(fd, into, done, into.length - done, at + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

function sealedLength(fd: number): { readonly lengthBytes: number } {
  const head = Buffer.alloc(headerBytes);
  readFully(fd, head, 0);
  const header = readHeader(head);
  if (!header) throw malformed('the sealed file has no header');
  return header;
}

function readSealed(
  fd: number,
  { key, lengthBytes }: { key: Uint8Array; lengthBytes: number },
  into: Buffer,
  at: number,
): number {
  let done = 0;
  while (done < into.length && at + done < lengthBytes) {
    const index = Math.floor((at + done) / pieceBytes);
    const stored = Buffer.alloc(pieceBytes + tagBytes);
    const got = readFully(fd, stored, headerBytes + index * stored.length);
    const plain = openPiece(key, stored.subarray(0, got), index, (index + 1) * pieceBytes >= lengthBytes);
    if (!plain) throw malformed('a sealed piece does not verify');
    done += plain.copy(into, done, at + done - index * pieceBytes);
  }
  return done;
}

/** Opens `file` for reading, with its key where it is sealed at rest; throws the file system's error. */
export function openSource(file: string, key?: Uint8Array): ByteSource {
  const fd = fs.openSync(file, 'r');
  // Content at rest is sealed in pieces as large as our blocks: nothing is ever written in the clear to read it.
  const sealed = key && { key, ...sealedLength(fd) };
  const sizeBytes = sealed?.lengthBytes ?? fs.fstatSync(fd).size;
  const readAt = (into: Buffer, at: number): number =>
    sealed ? readSealed(fd, sealed, into, at) : readFully(fd, into, at);
  const blocks = new Map<number, Buffer>();
  const block = (index: number): Buffer => {
    const known = blocks.get(index);
    if (known) return known;
    const fresh = Buffer.alloc(BLOCK_BYTES);
    const got = readAt(fresh, index * BLOCK_BYTES);
    if (blocks.size >= BLOCKS_KEPT) blocks.delete(blocks.keys().next().value!);
    blocks.set(index, fresh.subarray(0, got));
    return fresh.subarray(0, got);
  };
  return {
    sizeBytes,
    read(at, lengthBytes) {
      const end = Math.min(sizeBytes, at + lengthBytes);
      if (at < 0 || end <= at) return Buffer.alloc(0);
      const first = Math.floor(at / BLOCK_BYTES);
      if (end <= (first + 1) * BLOCK_BYTES)
        return block(first).subarray(at - first * BLOCK_BYTES, end - first * BLOCK_BYTES);
      const whole = Buffer.alloc(end - at);
      return whole.subarray(0, readAt(whole, at));
    },
    each(from, to, use) {
      const piece = Buffer.alloc(PIECE_BYTES);
      for (let at = from; at < to; ) {
        const got = readAt(piece.subarray(0, Math.min(PIECE_BYTES, to - at)), at);
        if (got === 0 || use(piece.subarray(0, got), at) === false) return;
        at += got;
      }
    },
    close: () => fs.closeSync(fd),
  };
}

/** The same over bytes in memory: a small file that lies in a database row. */
export function memorySource(bytes: Buffer): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: (at, lengthBytes) => bytes.subarray(Math.max(0, at), Math.max(0, at + lengthBytes)),
    each(from, to, use) {
      for (let at = from; at < Math.min(to, bytes.length); at += PIECE_BYTES)
        if (use(bytes.subarray(at, Math.min(to, at + PIECE_BYTES)), at) === false) return;
    },
    close: () => {},
  };
}

/** Hash of several ranges one after the other; `xof` for SHAKE lengths. */
export function hashRanges(
  source: ByteSource,
  ranges: readonly (readonly [from: number, to: number])[],
  algorithm: string,
): Buffer {
  // RFC 8419: SHAKE256 with 512 bits is the only extendable function that occurs.
  const hash: Hash = createHash(algorithm, algorithm === 'shake256' ? { outputLength: 64 } : {});
  for (const [from, to] of ranges) source.each(from, to, (piece) => void hash.update(piece));
  return hash.digest();
}

/** Offsets of `word` in [from, to), at most `most` of them. */
export function offsetsOf(
  source: ByteSource,
  word: string,
  { from, to, most }: { from: number; to: number; most: number },
): number[] {
  const wanted = Buffer.from(word, 'latin1');
  const found: number[] = [];
  let tail: Buffer = Buffer.alloc(0);
  source.each(from, to, (piece, at) => {
    const joined = tail.length > 0 ? Buffer.concat([tail, piece]) : piece;
    const base = at - tail.length;
    for (let hit = joined.indexOf(wanted); hit >= 0; hit = joined.indexOf(wanted, hit + 1)) {
      found.push(base + hit);
      if (found.length >= most) return false;
    }
    tail = Buffer.from(joined.subarray(Math.max(0, joined.length - wanted.length + 1)));
    return undefined;
  });
  return found;
}
