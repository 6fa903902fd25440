// Reads one section of the cross-reference chain: a table with its trailer, or a stream (ISO 32000-1, 7.5.4 to 7.5.8).
// It must never repair: a section that is not exactly where and what it should be is a fault. Between lexer.ts and view.ts.
import { inflateSync } from 'node:zlib';
import { type Cursor, expectWord, isWhite, readNumber, readValue, readWord, skipWhite } from './lexer.ts';
import { INFLATED_BYTES_MAX, malformed, OBJECT_BYTES_MAX, PdfFault } from './limits.ts';
import type { ByteSource } from './source.ts';
import { integerOf, isArray, isDict, nameOf, type PdfDict, type PdfStream, type PdfValue } from './values.ts';

export type Entry =
  | { readonly in: 'file'; readonly at: number; readonly gen: number }
  | { readonly in: 'stream'; readonly stream: number; readonly index: number }
  | { readonly in: 'free' };

export type Section = {
  /** As the chain names it, and where its first letter stands. */
  readonly at: number;
  readonly startAt: number;
  readonly entries: ReadonlyMap<number, Entry>;
  readonly trailer: PdfDict;
  readonly previousAt: number | undefined;
  /** Behind the last byte of the section (`trailer` dictionary or `endstream`). */
  readonly end: number;
  /** Number of the stream object that is this section, if it is one. */
  readonly ownNum: number | undefined;
};

const FREE: Entry = { in: 'free' };

/** Reads at `at` with a window that grows until `use` does not run out of it. `end`: of the revision. */
export function withWindow<T>(
  source: ByteSource,
  { at, end }: { at: number; end: number },
  use: (cursor: Cursor) => T,
): T {
  for (let size = 4096; ; size *= 8) {
    const bytes = source.read(at, Math.min(size, end - at));
    const last = at + bytes.length >= end;
    try {
      return use({ bytes, at: 0, base: at, last });
    } catch (error) {
      if (!(error instanceof PdfFault) || error.code !== 'cut') throw error;
      if (size >= OBJECT_BYTES_MAX) throw new PdfFault('limit', 'an object is too large');
    }
  }
}

export type IndirectObject = {
  readonly num: number;
  readonly gen: number;
  readonly value: PdfValue;
  /** Behind `endobj`, or for a stream behind the word `stream`. */
  readonly end: number;
};

/** `num gen obj value`, with the start of the data where it is a stream. */
export function readIndirect(cursor: Cursor): IndirectObject {
  const num = readNumber(cursor);
  const gen = readNumber(cursor);
  expectWord(cursor, 'obj');
  const value = readValue(cursor);
  skipWhite(cursor);
  const word = readWord(cursor);
  if (word === 'endobj') return { num, gen, value, end: cursor.base + cursor.at };
  if (word !== 'stream' || !isDict(value)) throw malformed(`object ${num} does not end`);
  if (cursor.at + 1 >= cursor.bytes.length && !cursor.last) throw new PdfFault('cut', 'window too small');
  if (cursor.bytes[cursor.at] === 13) cursor.at += 1;
  if (cursor.bytes[cursor.at] === 10) cursor.at += 1;
  const dataAt = cursor.base + cursor.at;
  return { num, gen, value: { kind: 'stream', dict: value, dataAt }, end: dataAt };
}

/** After the data of a stream: an end of line at most, then `endstream`. Returns the offset behind it. */
export function endOfStream(source: ByteSource, dataEnd: number): number {
  const tail = source.read(dataEnd, 24).toString('latin1');
  const match = /^[\0\t\n\f\r ]*endstream(?![A-Za-z0-9])/.exec(tail);
  if (!match) throw malformed('a stream is not as long as it says');
  return dataEnd + match[0].length;
}

/** Data of a structural stream (object stream, cross-reference stream): plain or Flate, with or without a predictor. */
export function structuralData(source: ByteSource, stream: PdfStream, lengthBytes: number): Buffer {
  if (lengthBytes > OBJECT_BYTES_MAX) throw new PdfFault('limit', 'a structural stream is too large');
  const raw = source.read(stream.dataAt, lengthBytes);
  if (raw.length !== lengthBytes) throw malformed('a stream is cut short');
  const { map } = stream.dict;
  const one = (value: PdfValue | undefined): PdfValue | undefined =>
    isArray(value) ? (value.items.length > 1 ? undefined : value.items[0]) : value;
  const filter = map.get('Filter');
  if (filter === undefined || filter === null || (isArray(filter) && filter.items.length === 0)) return raw;
  if (nameOf(one(filter)) !== 'FlateDecode') throw malformed('filter of a structural stream');
  let data: Buffer;
  try {
    data = inflateSync(raw, { maxOutputLength: INFLATED_BYTES_MAX });
  } catch {
    // The reason of zlib says nothing to a clerk: broken, or larger than the bound.
    throw malformed('a structural stream does not inflate');
  }
  const parms = one(map.get('DecodeParms'));
  return isDict(parms) ? unpredict(data, parms) : data;
}

function unpredict(data: Buffer, parms: PdfDict): Buffer {
  const predictor = integerOf(parms.map.get('Predictor')) ?? 1;
  if (predictor === 1) return data;
  const columns = integerOf(parms.map.get('Columns')) ?? 1;
  const colors = integerOf(parms.map.get('Colors')) ?? 1;
  const bits = integerOf(parms.map.get('BitsPerComponent')) ?? 8;
  if (predictor < 10 || colors !== 1 || bits !== 8 || columns < 1 || columns > 64)
    throw malformed('predictor of a structural stream');
  const rows = Math.floor(data.length / (columns + 1));
  const out = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) {
    const kind = data[row * (columns + 1)]!;
    for (let x = 0; x < columns; x++) {
      const here = row * columns + x;
      const left = x > 0 ? out[here - 1]! : 0;
      const up = row > 0 ? out[here - columns]! : 0;
      const corner = x > 0 && row > 0 ? out[here - columns - 1]! : 0;
      out[here] = data[row * (columns + 1) + 1 + x]! + predicted(kind, left, up, corner);
    }
  }
  return out;
}

/** PNG filters 0 to 4 (RFC 2083, 6). */
function predicted(kind: number, left: number, up: number, corner: number): number {
  if (kind === 0) return 0;
  if (kind === 1) return left;
  if (kind === 2) return up;
  if (kind === 3) return (left + up) >> 1;
  if (kind !== 4) throw malformed('predictor of a structural stream');
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The section at `at` within a revision that ends at `end`; at most `entriesLeft` entries. A hybrid file's stream is merged in. */
export function readSection(
  source: ByteSource,
  { at, end, entriesLeft }: { at: number; end: number; entriesLeft: number },
): Section {
  const start = skipTo(source, at, end);
  if (source.read(start, 4).toString('latin1') !== 'xref')
    return readStreamSection(source, { at, end, entriesLeft });
  const entries = new Map<number, Entry>();
  const trailerAt = readTable(source, { at: start + 4, end, entriesLeft }, entries);
  return withWindow(source, { at: trailerAt, end }, (cursor) => {
    const trailer = readValue(cursor);
    if (!isDict(trailer)) throw malformed('the trailer is no dictionary');
    const section: Section = {
      at,
      startAt: start,
      entries,
      trailer,
      previousAt: offsetIn(trailer, 'Prev'),
      end: cursor.base + cursor.at,
      ownNum: undefined,
    };
    const hybridAt = offsetIn(trailer, 'XRefStm');
    return hybridAt === undefined
      ? section
      : mergeHybrid(source, section, { at: hybridAt, end, entriesLeft });
  });
}

function skipTo(source: ByteSource, at: number, end: number): number {
  if (at < 0 || at >= end) throw malformed('a cross-reference section lies outside the revision');
  const head = source.read(at, 16);
  let skip = 0;
  while (isWhite(head[skip])) skip += 1;
  return at + skip;
}

function offsetIn(trailer: PdfDict, key: string): number | undefined {
  const value = trailer.map.get(key);
  if (value === undefined || value === null) return undefined;
  const at = integerOf(value);
  if (at === undefined || at < 0) throw malformed(`${key} is no offset`);
  return at;
}

/** Readers that know no streams see the table's entries; those that do see the stream's where the table says "free". */
function mergeHybrid(
  source: ByteSource,
  section: Section,
  where: { at: number; end: number; entriesLeft: number },
): Section {
  const hidden = readStreamSection(source, where);
  const entries = new Map(hidden.entries);
  for (const [num, entry] of section.entries)
    if (entry.in !== 'free' || !hidden.entries.has(num)) entries.set(num, entry);
  return { ...section, entries, ownNum: hidden.ownNum };
}

/** Fills `into`; returns the offset behind the word `trailer`. */
function readTable(
  source: ByteSource,
  { at, end, entriesLeft }: { at: number; end: number; entriesLeft: number },
  into: Map<number, Entry>,
): number {
  for (let here = at; ; ) {
    const head = source.read(here, Math.min(64, end - here)).toString('latin1');
    const over = /^[\0\t\n\f\r ]*trailer/.exec(head);
    if (over) return here + over[0].length;
    const match = /^[\0\t\n\f\r ]*(\d{1,10})[ \t]+(\d{1,10})[ \t]*(\r\n|\n|\r)/.exec(head);
    if (!match) throw malformed('cross-reference table');
    const [first, count] = [Number(match[1]), Number(match[2])];
    here += match[0].length;
    if (into.size + count > entriesLeft) throw new PdfFault('limit', 'too many objects');
    const width = rowBytes(source, here);
    if (here + count * width > end) throw malformed('cross-reference table is cut short');
    for (let done = 0; done < count; done += 3000) {
      const rows = Math.min(3000, count - done);
      const text = source.read(here, rows * width).toString('latin1');
      for (let row = 0; row < rows; row++)
        into.set(first + done + row, entryOf(text.slice(row * width, (row + 1) * width)));
      here += rows * width;
    }
  }
}

/** 20 (7.5.4); writers that end lines with one letter, or with three, are read by everybody else too. */
function rowBytes(source: ByteSource, at: number): number {
  const match = /^\d{10} \d{5} [nf]( \r\n| \r| \n|\r\n|\r|\n)/.exec(source.read(at, 24).toString('latin1'));
  return 18 + (match?.[1]?.length ?? 2);
}

function entryOf(line: string): Entry {
  if (!/^\d{10} \d{5} [nf][ \r\n]{1,3}$/.test(line)) throw malformed('entry of a cross-reference table');
  const at = Number(line.slice(0, 10));
  // Offset 0 is the header: some writers mark lost objects so.
  return line[17] === 'n' && at > 0 ? { in: 'file', at, gen: Number(line.slice(11, 16)) } : FREE;
}

function readStreamSection(
  source: ByteSource,
  { at, end, entriesLeft }: { at: number; end: number; entriesLeft: number },
): Section {
  const object = withWindow(source, { at, end }, readIndirect);
  const stream = object.value;
  if (typeof stream !== 'object' || stream?.kind !== 'stream')
    throw malformed('no cross-reference section here');
  const { map } = stream.dict;
  const lengthBytes = integerOf(map.get('Length'));
  if (nameOf(map.get('Type')) !== 'XRef' || lengthBytes === undefined || lengthBytes < 0)
    throw malformed('no cross-reference stream here');
  if (stream.dataAt + lengthBytes > end) throw malformed('cross-reference stream is cut short');
  const data = structuralData(source, stream, lengthBytes);
  return {
    at,
    startAt: skipTo(source, at, end),
    entries: streamEntries(data, stream.dict, entriesLeft),
    trailer: stream.dict,
    previousAt: offsetIn(stream.dict, 'Prev'),
    end: endOfStream(source, stream.dataAt + lengthBytes),
    ownNum: object.num,
  };
}

function numbersIn(value: PdfValue | undefined): number[] | undefined {
  if (!isArray(value)) return undefined;
  const numbers = value.items.map((item) => integerOf(item) ?? -1);
  return numbers.some((one) => one < 0) ? undefined : numbers;
}

function streamEntries(data: Buffer, dict: PdfDict, entriesLeft: number): Map<number, Entry> {
  const [w0 = -1, w1 = -1, w2 = -1] = numbersIn(dict.map.get('W')) ?? [];
  if (w0 < 0 || w1 < 1 || w2 < 0 || w0 > 1 || w1 > 8 || w2 > 4)
    throw malformed('widths of a cross-reference stream');
  const size = integerOf(dict.map.get('Size')) ?? -1;
  const index = numbersIn(dict.map.get('Index')) ?? [0, size];
  if (size < 0 || index.length % 2) throw malformed('index of a cross-reference stream');
  const field = (at: number, width: number): number => {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + data[at + i]!;
    return value;
  };
  const entries = new Map<number, Entry>();
  const width = w0 + w1 + w2;
  let at = 0;
  for (let pair = 0; pair < index.length; pair += 2) {
    const [first, count] = [index[pair]!, index[pair + 1]!];
    if (entries.size + count > entriesLeft) throw new PdfFault('limit', 'too many objects');
    if (at + count * width > data.length) throw malformed('cross-reference stream is cut short');
    for (let i = 0; i < count; i++, at += width) {
      const type = w0 === 0 ? 1 : field(at, w0);
      const [second, third] = [field(at + w0, w1), field(at + w0 + w1, w2)];
      if (type === 1 && second > 0) entries.set(first + i, { in: 'file', at: second, gen: third });
      else if (type === 2) entries.set(first + i, { in: 'stream', stream: second, index: third });
      else entries.set(first + i, FREE);
    }
  }
  return entries;
}
