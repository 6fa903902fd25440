// A file → the one-member ZIP that receivers expect, while it streams: data descriptor, sizes in the central directory, like the Java kit.
// The same file gives the same bytes: no clock, no randomness. Deflate level 1: most attachments are PDFs, which hardly shrink.
import { crc32, createDeflateRaw } from 'node:zlib';
import { ExchangeError } from '../../protocol/errors.ts';
import { bounds } from './bounds.ts';

/** 1 January 1980, the first day that a ZIP can state. */
const DOS_DATE = 0x21;
const FLAGS = 0x0808;

function shared(crc: number, packed: number, unpacked: number, nameBytes: number): Buffer {
  const bytes = Buffer.alloc(26);
  bytes.writeUInt16LE(20, 0);
  bytes.writeUInt16LE(FLAGS, 2);
  bytes.writeUInt16LE(8, 4);
  bytes.writeUInt16LE(0, 6);
  bytes.writeUInt16LE(DOS_DATE, 8);
  bytes.writeUInt32LE(crc, 10);
  bytes.writeUInt32LE(packed, 14);
  bytes.writeUInt32LE(unpacked, 18);
  bytes.writeUInt16LE(nameBytes, 22);
  return bytes;
}
const mark = (value: number, more = 0): Buffer => {
  const bytes = Buffer.alloc(4 + more);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Code: edxml-too-large (a file above fileBytesMax). `member` is "<uuid>.<ext>". */
export async function* zipOne(member: string, file: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const name = Buffer.from(member);
  const local = Buffer.concat([mark(0x04034b50), shared(0, 0, 0, name.length), name]);
  yield local;
  let crc = 0;
  let unpacked = 0;
  let packed = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of file) {
      unpacked += piece.length;
      if (unpacked > bounds.fileBytesMax)
        throw new ExchangeError('edxml-too-large', `a file of more than ${bounds.fileBytesMax} bytes`);
      crc = crc32(piece, crc);
      yield piece;
    }
  };
  for await (const piece of deflate(counted())) {
    packed += piece.length;
    yield piece;
  }
  const descriptor = mark(0x08074b50, 12);
  for (const [i, value] of [crc, packed, unpacked].entries()) descriptor.writeUInt32LE(value, 4 + 4 * i);
  const made = Buffer.from([20, 0]);
  const central = Buffer.concat([
    mark(0x02014b50),
    made,
    shared(crc, packed, unpacked, name.length),
    Buffer.alloc(14),
    name,
  ]);
  const end = mark(0x06054b50, 18);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + packed + descriptor.length, 16);
  yield Buffer.concat([descriptor, central, end]);
}

/** zlib as a generator: each piece in is waited for, so that nothing heaps up. */
async function* deflate(file: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const stream = createDeflateRaw({ level: 1 });
  let out: Buffer[] = [];
  stream.on('data', (piece: Buffer) => out.push(piece));
  try {
    for await (const piece of file) {
      await new Promise<void>((resolve, reject) => {
        stream.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      const ready = out;
      out = [];
      yield* ready;
    }
    await new Promise<void>((resolve, reject) => {
      stream.once('end', resolve).once('error', reject);
      stream.end();
    });
    yield* out;
  } finally {
    stream.destroy();
  }
}
