// A file that only grows, sealed as it grows: a head with the number of its key, then records, each its length and an AEAD box bound to the place where it
// stands. What a crash left of a last record counts as not written. For pieces of an upload that are on their way; content has its own form
// (sealed-file.ts). Must never give out a record that does not verify.
import type { KeyObject } from 'node:crypto';
import fsp, { type FileHandle } from 'node:fs/promises';
import { ExchangeError } from '../../errors.ts';
import { boxExtraBytes, open, seal } from './aead.ts';
import type { KeyStore } from './key-store.ts';
import { readFully } from './sealed-file.ts';

const magic = Buffer.from('LTUPLOA1');
const headBytes = magic.length + 8;
const lengthBytes = 4;
/** Larger pieces are cut: memory at reading is bounded by it. */
const recordBytesMax = 1024 * 1024;

const about = (offset: number): Buffer => Buffer.from(`lienthong upload 1 ${offset}`);

/** The file must not be there. */
export async function createLog(path: string, keys: KeyStore): Promise<void> {
  const head = Buffer.alloc(headBytes);
  magic.copy(head);
  head.writeBigUInt64BE(BigInt(keys.take().id), magic.length);
  const file = await fsp.open(path, 'wx', 0o600);
  try {
    await file.write(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
}

/** Length of each whole record, in order, from one on. */
async function* records(
  file: FileHandle,
  from = headBytes,
): AsyncGenerator<{ readonly at: number; readonly length: number }> {
  const { size } = await file.stat();
  for (let at = from; at + lengthBytes <= size; ) {
    const length = (await readFully(file, lengthBytes, at)).readUInt32BE();
    const next = at + lengthBytes + length + boxExtraBytes;
    if (length === 0 || length > recordBytesMax || next > size) return;
    yield { at, length };
    at = next;
  }
}

/** Bytes that are whole, of what was written into it, and where their records end in the file. */
export type LogEnd = { readonly offset: number; readonly position: number };

/** `known`: the end as it was seen before; counted on from there, since a file of gigabytes has a hundred thousand records. */
async function endOf(file: FileHandle, known?: LogEnd): Promise<LogEnd> {
  let { offset, position } = known ?? { offset: 0, position: headBytes };
  for await (const { at, length } of records(file, position)) {
    offset += length;
    position = at + lengthBytes + length + boxExtraBytes;
  }
  return { offset, position };
}

async function keyOf(file: FileHandle, keys: KeyStore | undefined): Promise<KeyObject> {
  const head = await readFully(file, headBytes, 0);
  if (head.length < headBytes || !head.subarray(0, magic.length).equals(magic))
    throw new ExchangeError('upload-unknown', 'no sealed upload');
  const key = keys?.find(Number(head.readBigUInt64BE(magic.length)));
  if (!key) throw new ExchangeError('upload-unknown', 'its key is not here');
  return key.object;
}

export async function logEnd(path: string, known?: LogEnd): Promise<LogEnd> {
  const file = await fsp.open(path, 'r');
  try {
    return await endOf(file, known);
  } finally {
    await file.close();
  }
}

/** An open log at its end. `write` is durable after `datasync`. */
export async function appendLog(path: string, keys: KeyStore | undefined, known?: LogEnd) {
  const file = await fsp.open(path, 'r+');
  try {
    const key = await keyOf(file, keys);
    let { offset, position } = await endOf(file, known);
    // The rest of a record that a crash cut off.
    await file.truncate(position);
    return {
      async write(bytes: Uint8Array): Promise<void> {
        for (let at = 0; at < bytes.length; at += recordBytesMax) {
          const some = bytes.subarray(at, at + recordBytesMax);
          const record = Buffer.allocUnsafe(lengthBytes + some.length + boxExtraBytes);
          record.writeUInt32BE(some.length);
          seal(key, some, about(offset)).copy(record, lengthBytes);
          for (let done = 0; done < record.length; )
            done += (await file.write(record, done, record.length - done, position + done)).bytesWritten;
          offset += some.length;
          position += record.length;
        }
      },
      datasync: () => file.datasync(),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What was written, in order. Code: content-damaged. */
export async function* readLog(path: string, keys: KeyStore | undefined): AsyncGenerator<Uint8Array> {
  const file = await fsp.open(path, 'r');
  try {
    const key = await keyOf(file, keys);
    let offset = 0;
    for await (const { at, length } of records(file)) {
      const plain = open(key, await readFully(file, length + boxExtraBytes, at + lengthBytes), about(offset));
      if (!plain) throw new ExchangeError('content-damaged', 'a piece of an upload does not verify');
      yield plain;
      offset += length;
    }
  } finally {
    await file.close();
  }
}
