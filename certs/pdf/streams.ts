// The data of a content stream or character map after its filters, bounded. It must never inflate more than it was allowed, nor fail a
// whole page for a tail of rubbish: what came out so far is what a viewer shows. Used by page-text.ts and fonts.ts.
import { constants, inflateSync } from 'node:zlib';
import { malformed, PdfFault } from './limits.ts';
import { isArray, nameOf, type PdfStream, type PdfValue } from './values.ts';
import type { View } from './view.ts';

/** One stream after its filters. A page of text has some 100 KB. */
const STREAM_BYTES_MAX = 16 * 1024 * 1024;

type Filter = (data: Buffer) => Buffer;

function flate(data: Buffer): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: STREAM_BYTES_MAX, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if (error instanceof RangeError) throw new PdfFault('limit', 'a content stream is too large');
    throw malformed('a content stream does not inflate');
  }
}

function hex(data: Buffer): Buffer {
  const text = data
    .toString('latin1')
    .replace(/>[\s\S]*$/, '')
    .replace(/[^0-9a-fA-F]/g, '');
  return Buffer.from(text.length % 2 ? `${text}0` : text, 'hex');
}

function ascii85(data: Buffer): Buffer {
  const out: number[] = [];
  let group: number[] = [];
  const flush = (): void => {
    if (group.length < 2) return;
    const used = group.length - 1;
    while (group.length < 5) group.push(84);
    const value = group.reduce((sum, digit) => sum * 85 + digit, 0) >>> 0;
    for (let i = 0; i < used; i++) out.push((value >>> (24 - 8 * i)) & 0xff);
    group = [];
  };
  for (const code of data) {
    if (code === 0x7e) break;
    if (code === 0x7a && group.length === 0) out.push(0, 0, 0, 0);
    else if (code >= 33 && code <= 117) {
      group.push(code - 33);
      if (group.length === 5) flush();
    }
  }
  flush();
  return Buffer.from(out);
}

/** Variable-width codes, early change (ISO 32000-1, 7.4.4). */
function lzw(data: Buffer): Buffer {
  const out: Buffer[] = [];
  let total = 0;
  let table: Buffer[] = [];
  const reset = (): void => {
    table = Array.from({ length: 258 }, (_, i) => Buffer.from(i < 256 ? [i] : []));
  };
  reset();
  let width = 9;
  let bits = 0;
  let held = 0;
  let before: Buffer | undefined;
  for (const byte of data) {
    held = ((held << 8) | byte) >>> 0;
    bits += 8;
    if (bits < width) continue;
    bits -= width;
    const code = (held >>> bits) & ((1 << width) - 1);
    held &= (1 << bits) - 1;
    if (code === 257) break;
    if (code === 256) {
      reset();
      width = 9;
      before = undefined;
      continue;
    }
    const known =
      table[code] ??
      (before && code === table.length ? Buffer.concat([before, before.subarray(0, 1)]) : undefined);
    if (!known) break;
    total += known.length;
    if (total > STREAM_BYTES_MAX) throw new PdfFault('limit', 'a content stream is too large');
    out.push(known);
    if (before && table.length < 4096) table.push(Buffer.concat([before, known.subarray(0, 1)]));
    before = known;
    if (table.length >= (1 << width) - 1 && width < 12) width += 1;
  }
  return Buffer.concat(out);
}

function runLength(data: Buffer): Buffer {
  const out: Buffer[] = [];
  let total = 0;
  for (let at = 0; at < data.length; ) {
    const length = data[at]!;
    if (length === 128) break;
    const piece =
      length < 128 ? data.subarray(at + 1, at + 2 + length) : Buffer.alloc(257 - length, data[at + 1] ?? 0);
    at += length < 128 ? length + 2 : 2;
    total += piece.length;
    if (total > STREAM_BYTES_MAX) throw new PdfFault('limit', 'a content stream is too large');
    out.push(piece);
  }
  return Buffer.concat(out);
}

const filters: Readonly<Record<string, Filter>> = {
  FlateDecode: flate,
  Fl: flate,
  ASCIIHexDecode: hex,
  AHx: hex,
  ASCII85Decode: ascii85,
  A85: ascii85,
  LZWDecode: lzw,
  LZW: lzw,
  RunLengthDecode: runLength,
  RL: runLength,
};

const listOf = (value: PdfValue): readonly PdfValue[] =>
  isArray(value) ? value.items : value === null ? [] : [value];

/** Throws PdfFault: `limit`, `malformed`; `encrypted` where the file is. */
export function streamData(view: View, stream: PdfStream): Buffer {
  if (view.trailer.map.has('Encrypt')) throw new PdfFault('encrypted', 'content of an encrypted file');
  const { from, to } = view.dataOf(stream);
  if (to - from > STREAM_BYTES_MAX) throw new PdfFault('limit', 'a content stream is too large');
  let data: Buffer = view.source.read(from, to - from);
  for (const each of listOf(view.get(stream.dict, 'Filter'))) {
    const filter = filters[nameOf(view.resolve(each)) ?? ''];
    if (!filter) throw malformed('a filter that text does not use');
    data = filter(data);
  }
  return data;
}
