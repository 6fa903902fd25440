// The one-member ZIP around an attachment, unpacked while it streams: what comes out is counted, what the ZIP says of itself is compared
// afterwards (sizes and CRC of the central directory: streaming writers put none in front). No member name is ever used as a path.
import { crc32 } from 'node:zlib';
import { ExchangeError } from '../../protocol/errors.ts';
import { createInflating } from '../../protocol/node/files/inflate.ts';
import { type LocalHeader, zipMarks } from '../../protocol/node/files/zip-records.ts';
import type { Bounds } from './bounds.ts';

const { local: LOCAL, descriptor: DESCRIPTOR, central: CENTRAL, end: END } = zipMarks;
/** A slice of this size inflates to 16 MiB at most, which is what waits in memory for the receiver of the bytes. */
const SLICE_BYTES = 16 * 1024;

export const zipDamaged = (why: string) => new ExchangeError('edxml-attachment-damaged', `ZIP: ${why}`);
export const zipRefused = (why: string) => new ExchangeError('edxml-zip-refused', why);

function assertReadable({ member, flags, method, compressedBytes }: LocalHeader): void {
  if ((flags & 1) !== 0) throw zipRefused('the member is encrypted');
  if (method !== 0 && method !== 8) throw zipRefused(`compression method ${method}; only deflate is used`);
  if (member.endsWith('/')) throw zipRefused('the member is a folder');
  if (method === 0 && ((flags & 8) !== 0 || compressedBytes === 0xffffffff))
    throw zipRefused('a stored member without its length');
}

export type Unzipper = {
  push(bytes: Buffer): Promise<void>;
  /** Compares what came out with the central directory. Codes: edxml-attachment-damaged, edxml-zip-refused. */
  end(): Promise<void>;
  close(): void;
};

/** `onFile` gets the bytes of the member in order and is waited for. */
export function createUnzipper(
  header: LocalHeader,
  bounds: Bounds,
  onFile: (bytes: Buffer) => Promise<void>,
): Unzipper {
  assertReadable(header);
  let packedBytes = 0;
  let fileBytes = 0;
  let crc = 0;
  let memberEnded = header.method === 0 && header.compressedBytes === 0;
  const tail: Buffer[] = [];
  let tailBytes = 0;
  const inflater = header.method === 8 ? createInflating(zipDamaged) : undefined;

  const take = async (bytes: Buffer): Promise<void> => {
    fileBytes += bytes.length;
    if (fileBytes > bounds.ratioFromBytes && fileBytes > packedBytes * bounds.ratioMax)
      throw zipRefused(`grows more than ${bounds.ratioMax} times (a ZIP bomb)`);
    crc = crc32(bytes, crc);
    await onFile(bytes);
  };
  const takeTail = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    tailBytes += bytes.length;
    // A second member is named as such, not as too much tail.
    if (tail.length === 0 || tailBytes <= bounds.zipTailBytesMax) tail.push(Buffer.from(bytes));
    else
      throw moreMembers(Buffer.concat(tail))
        ? zipRefused('more than one member')
        : zipDamaged('no end record');
  };
  const stored = async (bytes: Buffer): Promise<void> => {
    const mine = bytes.subarray(0, header.compressedBytes - packedBytes);
    packedBytes += mine.length;
    if (packedBytes === header.compressedBytes) memberEnded = true;
    if (mine.length > 0) await take(mine);
    takeTail(bytes.subarray(mine.length));
  };
  const deflated = async (bytes: Buffer): Promise<void> => {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      if (memberEnded) {
        takeTail(slice);
        continue;
      }
      const { used, ended, out } = await inflater!.push(slice);
      packedBytes += used;
      for (const piece of out) await take(piece);
      memberEnded = ended;
      takeTail(slice.subarray(used));
    }
  };

  return {
    async push(bytes) {
      if (memberEnded) takeTail(bytes);
      else await (header.method === 0 ? stored(bytes) : deflated(bytes));
    },
    async end() {
      if (tailBytes === 0) throw zipDamaged('cut off before its end');
      assertTail(header, Buffer.concat(tail), { packedBytes, fileBytes, crc });
    },
    close: () => inflater?.close(),
  };
}

type Counted = { readonly packedBytes: number; readonly fileBytes: number; readonly crc: number };

/** Where a descriptor may end: none, then 12 to 24 bytes with or without its mark and in both sizes. */
const descriptorSizes = [0, 12, 16, 20, 24];
const markAt = (tail: Buffer, at: number) => (at + 4 <= tail.length ? tail.readUInt32LE(at) : 0);
const moreMembers = (tail: Buffer) => descriptorSizes.some((size) => markAt(tail, size) === LOCAL);

function assertTail(header: LocalHeader, tail: Buffer, counted: Counted): void {
  const at = descriptorSizes.find(
    (size) =>
      markAt(tail, size) === CENTRAL && (size % 8 === 4 || size === 0 || markAt(tail, 0) === DESCRIPTOR),
  );
  if (at === undefined)
    throw moreMembers(tail)
      ? zipRefused('more than one member')
      : zipDamaged('no central directory after the member');
  if (tail.length < at + 46) throw zipDamaged('central directory cut off');
  const entryBytes =
    46 + tail.readUInt16LE(at + 28) + tail.readUInt16LE(at + 30) + tail.readUInt16LE(at + 32);
  const end = at + entryBytes;
  if (markAt(tail, end) === CENTRAL) throw zipRefused('more than one member');
  if (markAt(tail, end) !== END || tail.length < end + 22) throw zipDamaged('no end record');
  if (tail.readUInt16LE(end + 10) !== 1) throw zipRefused(`${tail.readUInt16LE(end + 10)} members`);
  if (tail.length !== end + 22 + tail.readUInt16LE(end + 20)) throw zipDamaged('bytes after the end record');
  if (tail.readUInt32LE(at + 42) !== 0) throw zipDamaged('the directory points elsewhere');
  if (tail.readUInt16LE(at + 10) !== header.method) throw zipDamaged('two compression methods are stated');
  if (tail.readUInt32LE(at + 16) !== counted.crc)
    throw zipDamaged('the checksum (CRC-32) does not match the content');
  if (tail.readUInt32LE(at + 20) !== counted.packedBytes || tail.readUInt32LE(at + 24) !== counted.fileBytes)
    throw zipDamaged('the sizes in the directory do not match the content');
}
