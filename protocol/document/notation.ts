// Reads "số và ký hiệu" as offices write it: "125/UBND-TH" (công văn: office-field), "10/KH-UBND" (kind-office), "09/2025/QĐ-TTg" (with
// its year), "84-KH/TU" (Party bodies). The reading is for lists, registers and the duplicate warning; what was written is never
// repaired, and what cannot be read is still a good notation. The first token decides, matched whole against the table of kinds.

import { type DocumentKind, kindByAbbreviation, letterKind } from './kinds.ts';
import { foldNotation, foldNumber } from './letters.ts';

export type NotationRemark = 'no-number' | 'no-slash' | 'spaces' | 'prefix' | 'unreadable';
export type Notation = {
  /** Exactly what was given. */
  readonly written: string;
  /** Số without the year; '' when the place was left empty. As written: "05" stays "05". */
  readonly number: string;
  /** The year inside the number, as in legal-normative documents. */
  readonly year: number | undefined;
  /** Ký hiệu: what follows the number and its year, trimmed at its ends. */
  readonly symbol: string;
  /** undefined: neither the table nor the shape tells (such as "QH13"). */
  readonly kind: DocumentKind | undefined;
  /** Symbol of the issuing body. */
  readonly office: string;
  /** Symbol of the department or field after it; '' if none. */
  readonly field: string;
  readonly remarks: readonly NotationRemark[];
};

const yearPattern = /^(?:19|20)\d{2}$/;
const dashes = /[-\u2010-\u2013\u2212]/;

/** Reads one joined text. Never throws. */
export function parseNotation(written: string): Notation {
  const remarks = new Set<NotationRemark>();
  let text = written.normalize('NFC').trim();
  const said = /^(?:số|so)\s*:\s*/i.exec(text);
  if (said) {
    text = text.slice(said[0].length).trim();
    remarks.add('prefix');
  }
  // "QĐ 1772/QĐ-UBND": the kind once more before the number.
  const named = /^(\p{L}+)\s+(?=\d)/u.exec(text);
  if (named && kindByAbbreviation(named[1]!)) {
    text = text.slice(named[0].length);
    remarks.add('prefix');
  }
  if (/\s/.test(text)) remarks.add('spaces');
  const party = /^(\d+\p{L}?)\s*[-\u2013]\s*(\p{L}+)\s*\/\s*(\S+)$/u.exec(text);
  if (party && kindByAbbreviation(party[2]!))
    return {
      written,
      number: party[1]!,
      year: undefined,
      symbol: `${party[2]}/${party[3]}`,
      kind: kindByAbbreviation(party[2]!),
      office: party[3]!,
      field: '',
      remarks: [...remarks],
    };
  const { number, year, symbol } = split(text, remarks);
  return { written, number, year, symbol, ...readSymbol(symbol, year !== undefined), remarks: [...remarks] };
}

/** Reads a number and a notation that stand in two fields; the year may be in either. */
export function parseNumberAndNotation(number: string, notation: string): Notation {
  if (number.trim() === '') return parseNotation(notation.includes('/') ? notation : `/${notation}`);
  const joined = notation.trim() === '' ? number : `${number.trim()}/${notation.trim().replace(/^\//, '')}`;
  return parseNotation(joined);
}

function split(
  text: string,
  remarks: Set<NotationRemark>,
): { number: string; year: number | undefined; symbol: string } {
  const [first = '', second, ...rest] = text.split('/').map((piece) => piece.trim());
  if (second === undefined) {
    // "636HVM-KTĐBCL": the slash was forgotten.
    const glued = /^(\d+)(\p{L}.*)$/u.exec(first);
    if (glued) {
      remarks.add('no-slash');
      return { number: glued[1]!, year: undefined, symbol: glued[2]! };
    }
    remarks.add(/^\d+$/.test(first) ? 'no-slash' : 'unreadable');
    return /^\d/.test(first)
      ? { number: first, year: undefined, symbol: '' }
      : { number: '', year: undefined, symbol: first };
  }
  // An empty place is left as dots, blanks or an underscore.
  const number = /^[.…_\s]*$/.test(first) ? '' : first;
  if (number === '') remarks.add('no-number');
  else if (!/^\d+\p{L}?$/u.test(number)) remarks.add('unreadable');
  if (yearPattern.test(second) && rest.length > 0)
    return { number, year: Number(second), symbol: rest.join('/') };
  return { number, year: undefined, symbol: [second, ...rest].join('/') };
}

/** Kind-office[-field], or office-field of a công văn. */
function readSymbol(symbol: string, normative: boolean): Pick<Notation, 'kind' | 'office' | 'field'> {
  const tokens = symbol
    .split(dashes)
    .map((token) => token.trim())
    .filter((token) => token !== '');
  const [first = '', ...rest] = tokens;
  if (first === '') return { kind: undefined, office: '', field: '' };
  const kind = kindByAbbreviation(first);
  if (kind && rest.length > 0) return { kind, office: rest[0]!, field: rest.slice(1).join('-') };
  // With a year and without a kind it is a law ("01/2011/QH13"), not a công văn.
  if (normative) return { kind: undefined, office: first, field: rest.join('-') };
  return { kind: rest.length > 0 ? letterKind : undefined, office: first, field: rest.join('-') };
}

/** What two writings of one number and notation have in common: for the duplicate warning, never shown. '' when one of them is missing. */
export function numberKey(number: string, notation: string): string {
  const read = parseNumberAndNotation(number, notation);
  if (read.number === '' || read.symbol === '') return '';
  return `${foldNumber(read.number)}/${read.year ?? ''}/${foldNotation(read.symbol).replace(/[\u2010-\u2013\u2212]/g, '-')}`;
}
