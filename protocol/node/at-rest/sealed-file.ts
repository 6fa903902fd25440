// Content files under a key of their own: a 64-byte header, then AES-256-GCM over pieces of 64 KiB. The nonce of a piece is its number and whether it is the
// last one, so that pieces cannot be moved, dropped or cut off; any range is read by opening only the pieces it touches. Under
// content-files.ts and content-store.ts. Must never use one key for two contents, nor give out a piece that did not verify.
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import fsp, { type FileHandle } from 'node:fs/promises';
import { ExchangeError } from '../../errors.ts';
import { releaseBytes } from '../release.ts';
import { tagBytes } from './aead.ts';
import type { ContentKey, KeyStore } from './key-store.ts';

export const sealedEnding = '.e1';
export const pieceBytes = 64 * 1024;
export const headerBytes = 64;
const magic = Buffer.from('LTCONTE1');
const storedPiece = pieceBytes + tagBytes;

/** What content-store.ts needs of a file: a plain FileHandle fits as well. */
export type StoredFile = {
  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(bytes: Uint8Array, at: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
  /** Of the content, not of the file. */
  lengthBytes(): Promise<number>;
};

export const plainFile = (file: FileHandle): StoredFile => ({
  read: (into, at, length, position) => file.read(into, at, length, position),
  write: (bytes, at, length, position) => file.write(bytes, at, length, position),
  datasync: () => file.datasync(),
  close: () => file.close(),
  lengthBytes: async () => (await file.stat()).size,
});

export type SealedHeader = { readonly keyId: number; readonly lengthBytes: number };

/** undefined: no sealed file. `lengthBytes` is a claim until the last piece has verified. */
export function readHeader(bytes: Uint8Array): SealedHeader | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (
    head.length < headerBytes ||
    head.compare(magic, 0, 8, 0, 8) !== 0 ||
    head.readUInt32BE(16) !== pieceBytes
  )
    return undefined;
  return { keyId: Number(head.readBigUInt64BE(8)), lengthBytes: Number(head.readBigUInt64BE(20)) };
}

function makeHeader({ keyId, lengthBytes }: SealedHeader): Buffer {
  const head = Buffer.alloc(headerBytes);
  magic.copy(head);
  head.writeBigUInt64BE(BigInt(keyId), 8);
  head.writeUInt32BE(pieceBytes, 16);
  head.writeBigUInt64BE(BigInt(lengthBytes), 20);
  return head;
}

function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce[0] = last ? 1 : 0;
  nonce.writeBigUInt64BE(BigInt(index), 4);
  return nonce;
}

/** Ciphertext and tag, to be written one after the other: nothing is copied together first. */
export function sealPiece(
  key: Uint8Array | KeyObject,
  plain: Uint8Array,
  index: number,
  last: boolean,
): readonly [Buffer, Buffer] {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, last));
  const sealed = cipher.update(plain);
  // GCM has nothing left over; the call fixes the tag.
  cipher.final();
  return [sealed, cipher.getAuthTag()];
}

export function openPiece(
  key: Uint8Array | KeyObject,
  stored: Uint8Array,
  index: number,
  last: boolean,
): Buffer | undefined {
  if (stored.length < tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, last));
  decipher.setAuthTag(stored.subarray(stored.length - tagBytes));
  try {
    const plain = decipher.update(stored.subarray(0, stored.length - tagBytes));
    // Throws when the tag differs; GCM has nothing left over.
    decipher.final();
    return plain;
  } catch {
    // Damaged, cut, moved, or of another key: a short read, which every reader compares with the digest.
    return undefined;
  }
}

const isLast = (index: number, lengthBytes: number): boolean => (index + 1) * pieceBytes >= lengthBytes;

export type SealedFile = StoredFile & {
  /** For the process that inspects the file. */
  readonly key: Uint8Array;
  /** A range in order, as the cipher gives it out: nothing is copied. A piece that does not verify throws `content-damaged`. */
  stream(from: number, to: number): AsyncGenerator<Uint8Array>;
  /** The length is known now: the last piece is marked as such and the header says it. Not durable before datasync. */
  finish(lengthBytes: number): Promise<void>;
};

/** Pieces of one read(2) of a stream. */
const streamPieces = 4;

async function readInto(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Fewer where the file ends. */
export async function readFully(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, await readInto(file, bytes, position));
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

async function writeAllOf(file: FileHandle, pieces: readonly Buffer[], position: number): Promise<void> {
  const wanted = pieces.reduce((sum, { length }) => sum + length, 0);
  // Far below the 1,024 buffers that one call takes.
  const { bytesWritten } = await file.writev(pieces, position);
  // A short write is rare (a signal, a full disk): the rest as one, which says why.
  if (bytesWritten < wanted)
    await writeFully(file, Buffer.concat(pieces).subarray(bytesWritten), position + bytesWritten);
}

/** `lengthBytes` undefined: a stream whose end is not known yet; `finish` tells. Writes begin at a multiple of a piece. */
function sealedFile(
  file: FileHandle,
  // Of plain bytes the cipher makes a key object for every piece, and finds out first that they are none.
  { id: keyId, key, object: pieceKey }: ContentKey,
  lengthBytes: number | undefined,
): SealedFile {
  const state = { lengthBytes };
  const last = (index: number): boolean =>
    state.lengthBytes !== undefined && isLast(index, state.lengthBytes);
  let closed: Promise<void> | undefined;
  return {
    key,
    async read(into, at, length, position) {
      // All pieces that the range touches with one read.
      const first = Math.floor(position / pieceBytes);
      const count = Math.floor((position + length - 1) / pieceBytes) - first + 1;
      const stored = await readFully(file, count * storedPiece, headerBytes + first * storedPiece);
      let done = 0;
      for (let i = 0; i < count && done < length; i++) {
        const plain = openPiece(
          pieceKey,
          stored.subarray(i * storedPiece, (i + 1) * storedPiece),
          first + i,
          last(first + i),
        );
        const from = position + done - (first + i) * pieceBytes;
        if (!plain || plain.length <= from) break;
        const some = plain.subarray(from, from + length - done);
        into.set(some, at + done);
        done += some.length;
        releaseBytes(plain);
      }
      releaseBytes(stored);
      return { bytesRead: done };
    },
    async *stream(from, to) {
      const stored = Buffer.allocUnsafe(streamPieces * storedPiece);
      for (let at = from; at < to; ) {
        const first = Math.floor(at / pieceBytes);
        const count = Math.min(streamPieces, Math.ceil(to / pieceBytes) - first);
        const length = await readInto(
          file,
          stored.subarray(0, count * storedPiece),
          headerBytes + first * storedPiece,
        );
        for (let i = 0; i < count; i++) {
          const box = stored.subarray(i * storedPiece, Math.min(length, (i + 1) * storedPiece));
          const plain = openPiece(pieceKey, box, first + i, last(first + i));
          const skip = at - (first + i) * pieceBytes;
          const some = plain?.subarray(skip, Math.min(plain.length, to - (first + i) * pieceBytes));
          if (!some || some.length === 0) throw new ExchangeError('content-damaged');
          at += some.length;
          yield some;
        }
      }
    },
    async write(bytes, at, length, position) {
      const sealed: Buffer[] = [];
      const first = position / pieceBytes;
      if (!Number.isInteger(first)) throw new Error('a sealed file is written from the beginning of a piece');
      for (let done = 0, index = first; done < length; done += pieceBytes, index++)
        sealed.push(
          ...sealPiece(
            pieceKey,
            bytes.subarray(at + done, at + Math.min(length, done + pieceBytes)),
            index,
            last(index),
          ),
        );
      for (let i = 0; i < sealed.length; i += 512)
        await writeAllOf(file, sealed.slice(i, i + 512), headerBytes + (first + i / 2) * storedPiece);
      // The system has them all. After a failed write they are left to V8.
      for (const box of sealed) releaseBytes(box);
      return { bytesWritten: length };
    },
    async finish(lengthBytes) {
      const index = Math.max(0, Math.ceil(lengthBytes / pieceBytes) - 1);
      // It was sealed as one among others: the same bytes once more, under the nonce of a last piece.
      const plain =
        lengthBytes === 0
          ? Buffer.alloc(0)
          : openPiece(
              pieceKey,
              await readFully(file, storedPiece, headerBytes + index * storedPiece),
              index,
              false,
            );
      if (!plain) throw new ExchangeError('disk-failed', 'a piece just written does not verify');
      await writeAllOf(file, sealPiece(pieceKey, plain, index, true), headerBytes + index * storedPiece);
      await writeFully(file, makeHeader({ keyId, lengthBytes }), 0);
      state.lengthBytes = lengthBytes;
    },
    datasync: () => file.datasync(),
    close: () => {
      closed ??= file.close();
      return closed;
    },
    lengthBytes: async () => state.lengthBytes ?? 0,
  };
}

/** A new file with a key of its own. `lengthBytes` where it is known from the beginning (an upload). */
export async function createSealed(
  path: string,
  keys: KeyStore,
  lengthBytes: number | undefined,
): Promise<SealedFile> {
  const file = await fsp.open(path, 'wx+', 0o600);
  const key = keys.take();
  await writeFully(file, makeHeader({ keyId: key.id, lengthBytes: lengthBytes ?? 0 }), 0);
  return sealedFile(file, key, lengthBytes);
}

/** Code: content-gone (its key was destroyed), store-damaged (no sealed file). */
export async function openSealed(
  path: string,
  keys: KeyStore | undefined,
  flags: 'r' | 'r+',
): Promise<SealedFile> {
  const file = await fsp.open(path, flags);
  try {
    const header = readHeader(await readFully(file, headerBytes, 0));
    if (!header) throw new ExchangeError('store-damaged', path);
    const key = keys?.find(header.keyId);
    if (!key) throw new ExchangeError('content-gone', 'its key is not here');
    return sealedFile(file, key, header.lengthBytes);
  } catch (error) {
    await file.close();
    throw error;
  }
}
