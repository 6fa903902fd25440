// Content streams (ISO 32000-1, 7.8.2) -> operators with their operands, one after the other. It must never end a page for an operator that
// it does not know, nor read an inline image as operators. Under page-text.ts.
import { type Cursor, isWhite, readValue, readWord, skipWhite } from './lexer.ts';
import { PdfFault } from './limits.ts';
import type { PdfValue } from './values.ts';

export type Operation = { readonly name: string; readonly operands: readonly PdfValue[] };

const OPERANDS_MAX = 256;
const startsValue = /[/([<+\-.0-9]/;

/** Throws PdfFault `limit` after `operationsMax`. Bytes that are no value and no word are stepped over, as viewers do. */
export function* operations(data: Buffer, operationsMax: number): Generator<Operation> {
  const cursor: Cursor = { bytes: data, at: 0, base: -1, last: true };
  let operands: PdfValue[] = [];
  let count = 0;
  for (;;) {
    skipWhite(cursor);
    const code = data[cursor.at];
    if (code === undefined) return;
    if (startsValue.test(String.fromCharCode(code))) {
      const value = valueAt(cursor);
      if (value !== undefined && operands.length < OPERANDS_MAX) operands.push(value);
      continue;
    }
    const word = readWord(cursor);
    if (word === '') {
      cursor.at += 1;
      continue;
    }
    if (word === 'true' || word === 'false' || word === 'null') continue;
    if (++count > operationsMax) throw new PdfFault('limit', 'too many operators on a page');
    if (word === 'ID') skipImage(cursor);
    else yield { name: word, operands };
    operands = [];
  }
}

function valueAt(cursor: Cursor): PdfValue | undefined {
  const start = cursor.at;
  try {
    return readValue(cursor);
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
    // Numbers such as "--5" or "1.2.3", a broken string: one byte on, and the next token decides.
    cursor.at = start + 1;
    return undefined;
  }
}

/** Behind ID: one white space, the data, then EI between white space. */
function skipImage(cursor: Cursor): void {
  const { bytes } = cursor;
  for (let at = cursor.at + 1; ; ) {
    const end = bytes.indexOf('EI', at, 'latin1');
    if (end < 0) {
      cursor.at = bytes.length;
      return;
    }
    const after = bytes[end + 2];
    if (isWhite(bytes[end - 1]) && (after === undefined || isWhite(after))) {
      cursor.at = end + 2;
      return;
    }
    at = end + 2;
  }
}
