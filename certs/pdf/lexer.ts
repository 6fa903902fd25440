// Turns bytes into PDF values (ISO 32000-1, 7.2 and 7.3), strictly: what two readers could read in two ways is a fault.
// It must never follow a reference, guess a missing bracket or recurse deeper than the limit. Under xref.ts and view.ts.
import { malformed, NESTING_MAX, PdfFault } from './limits.ts';
import type { PdfDict, PdfValue } from './values.ts';

/** `base`: offset of bytes[0] in the file, -1 in an object stream. `last`: nothing follows, so running out is a fault of the file. */
export type Cursor = { readonly bytes: Buffer; at: number; readonly base: number; readonly last: boolean };

const WHITE = new Uint8Array(256);
for (const code of [0, 9, 10, 12, 13, 32]) WHITE[code] = 1;
const DELIMITER = new Uint8Array(256);
for (const sign of '()<>[]{}/%') DELIMITER[sign.charCodeAt(0)] = 1;

export const isWhite = (code: number | undefined): boolean => code !== undefined && WHITE[code] === 1;

function ranOut(cursor: Cursor): PdfFault {
  return cursor.last ? malformed('an object is cut short') : new PdfFault('cut', 'window too small');
}

function peek(cursor: Cursor): number {
  const code = cursor.bytes[cursor.at];
  if (code === undefined) throw ranOut(cursor);
  return code;
}

/** White space and comments. */
export function skipWhite(cursor: Cursor): void {
  const { bytes } = cursor;
  for (;;) {
    while (WHITE[bytes[cursor.at] ?? 256] === 1) cursor.at += 1;
    if (bytes[cursor.at] !== 0x25) return;
    while (cursor.at < bytes.length && bytes[cursor.at] !== 10 && bytes[cursor.at] !== 13) cursor.at += 1;
  }
}

/** A run of regular characters. Empty at a delimiter. */
export function readWord(cursor: Cursor): string {
  const start = cursor.at;
  const { bytes } = cursor;
  while (cursor.at < bytes.length && WHITE[bytes[cursor.at]!] === 0 && DELIMITER[bytes[cursor.at]!] === 0)
    cursor.at += 1;
  // The word may go on behind the window.
  if (cursor.at === bytes.length && !cursor.last) throw ranOut(cursor);
  return bytes.toString('latin1', start, cursor.at);
}

export function expectWord(cursor: Cursor, word: string): void {
  skipWhite(cursor);
  if (readWord(cursor) !== word) throw malformed(`"${word}" expected`);
}

/** A non-negative whole number, alone. */
export function readNumber(cursor: Cursor): number {
  skipWhite(cursor);
  const word = readWord(cursor);
  if (!/^\d{1,15}$/.test(word)) throw malformed('a whole number expected');
  return Number(word);
}

/** One value with everything in it; references stay references. Throws `cut` when the window is too small. */
export function readValue(cursor: Cursor, depth = 0): PdfValue {
  if (depth > NESTING_MAX) throw new PdfFault('limit', 'values nested too deeply');
  skipWhite(cursor);
  const code = peek(cursor);
  if (code === 0x2f) return readName(cursor);
  if (code === 0x28) return readLiteral(cursor);
  if (code === 0x5b) return readArray(cursor, depth);
  if (code === 0x3c) {
    if (cursor.at + 1 >= cursor.bytes.length) throw ranOut(cursor);
    return cursor.bytes[cursor.at + 1] === 0x3c ? readDict(cursor, depth) : readHex(cursor);
  }
  return readPlain(cursor);
}

function readPlain(cursor: Cursor): PdfValue {
  const word = readWord(cursor);
  if (word === 'true') return true;
  if (word === 'false') return false;
  if (word === 'null') return null;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(word) || word.length > 40)
    throw malformed(`unknown word ${JSON.stringify(word.slice(0, 20))}`);
  if (/^\d{1,10}$/.test(word)) return readReference(cursor, Number(word)) ?? Number(word);
  return Number(word);
}

/** `12 0 R` after its first number, or undefined with the cursor unmoved. */
function readReference(cursor: Cursor, num: number): PdfValue | undefined {
  const { at } = cursor;
  const ahead = cursor.bytes.toString('latin1', at, at + 24);
  const match = /^[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+R(?![^\0\t\n\f\r ()<>[\]{}/%])/.exec(ahead);
  if (!match) {
    if (ahead.length < 24 && !cursor.last && /^[\0\t\n\f\r \dR]*$/.test(ahead)) throw ranOut(cursor);
    return undefined;
  }
  cursor.at += match[0].length;
  return { kind: 'ref', num, gen: Number(match[1]) };
}

function readName(cursor: Cursor): PdfValue {
  cursor.at += 1;
  const word = readWord(cursor);
  return {
    kind: 'name',
    name: word.replace(/#([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  };
}

function readHex(cursor: Cursor): PdfValue {
  const { bytes, base } = cursor;
  const start = cursor.at;
  const end = bytes.indexOf(0x3e, start);
  if (end < 0) throw ranOut(cursor);
  const text = bytes.toString('latin1', start + 1, end).replace(/[\0\t\n\f\r ]+/g, '');
  if (!/^[0-9a-fA-F]*$/.test(text)) throw malformed('hexadecimal string with other letters');
  cursor.at = end + 1;
  return {
    kind: 'string',
    bytes: Buffer.from(text.length % 2 ? `${text}0` : text, 'hex'),
    hex: true,
    plain: text.length === end - start - 1 && text.length % 2 === 0,
    start: base < 0 ? -1 : base + start,
    end: base < 0 ? -1 : base + end + 1,
  };
}

const ESCAPES: Readonly<Record<number, number>> = { 110: 10, 114: 13, 116: 9, 98: 8, 102: 12 };

function readLiteral(cursor: Cursor): PdfValue {
  const { base } = cursor;
  const start = cursor.at;
  const out: number[] = [];
  let depth = 0;
  for (;;) {
    const code = peek(cursor);
    cursor.at += 1;
    if (code === 0x5c) readEscape(cursor, out);
    else if (code === 0x29 && --depth === 0) break;
    else if (code === 0x28 && ++depth === 1) continue;
    else if (code === 13) {
      // An end of line is one line feed, however it is written (7.3.4.2).
      if (peek(cursor) === 10) cursor.at += 1;
      out.push(10);
    } else out.push(code);
  }
  return {
    kind: 'string',
    bytes: Buffer.from(out),
    hex: false,
    plain: false,
    start: base < 0 ? -1 : base + start,
    end: base < 0 ? -1 : base + cursor.at,
  };
}

function readEscape(cursor: Cursor, out: number[]): void {
  const code = peek(cursor);
  cursor.at += 1;
  if (code >= 0x30 && code <= 0x37) {
    let value = code - 0x30;
    for (let i = 0; i < 2 && peek(cursor) >= 0x30 && peek(cursor) <= 0x37; i++) {
      value = value * 8 + peek(cursor) - 0x30;
      cursor.at += 1;
    }
    out.push(value & 0xff);
  } else if (code === 13) {
    if (peek(cursor) === 10) cursor.at += 1;
  } else if (code !== 10) out.push(ESCAPES[code] ?? code);
}

function readArray(cursor: Cursor, depth: number): PdfValue {
  cursor.at += 1;
  const items: PdfValue[] = [];
  for (;;) {
    skipWhite(cursor);
    if (peek(cursor) === 0x5d) break;
    items.push(readValue(cursor, depth + 1));
  }
  cursor.at += 1;
  return { kind: 'array', items };
}

function readDict(cursor: Cursor, depth: number): PdfDict {
  cursor.at += 2;
  const map = new Map<string, PdfValue>();
  let repeated = false;
  for (;;) {
    skipWhite(cursor);
    if (peek(cursor) === 0x3e) break;
    if (peek(cursor) !== 0x2f) throw malformed('a key of a dictionary expected');
    const key = readName(cursor) as { readonly name: string };
    const value = readValue(cursor, depth + 1);
    repeated ||= map.has(key.name);
    map.set(key.name, value);
  }
  if (cursor.at + 1 >= cursor.bytes.length) throw ranOut(cursor);
  if (cursor.bytes[cursor.at + 1] !== 0x3e) throw malformed('">>" expected');
  cursor.at += 2;
  return { kind: 'dict', map, repeated };
}
