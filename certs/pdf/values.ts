// The values a PDF is made of (ISO 32000-1, 7.3), as plain data, and small ways to look at them.
// It must never resolve a reference: that needs a revision (view.ts). Under every other file that reads a PDF. Pure.

export type PdfName = { readonly kind: 'name'; readonly name: string };
/** Offsets are of the token with its brackets, in the file; -1 for strings of an object stream. */
export type PdfString = {
  readonly kind: 'string';
  readonly bytes: Buffer;
  readonly hex: boolean;
  /** Hexadecimal, an even number of digits and nothing else. */
  readonly plain: boolean;
  readonly start: number;
  readonly end: number;
};
export type PdfRef = { readonly kind: 'ref'; readonly num: number; readonly gen: number };
export type PdfArray = { readonly kind: 'array'; readonly items: readonly PdfValue[] };
/** `repeated`: a key occurs twice, so readers may differ about its value. */
export type PdfDict = {
  readonly kind: 'dict';
  readonly map: ReadonlyMap<string, PdfValue>;
  readonly repeated: boolean;
};
/** `dataAt`: offset of the first byte of data in the file. The length needs a revision: it may be a reference. */
export type PdfStream = { readonly kind: 'stream'; readonly dict: PdfDict; readonly dataAt: number };
export type PdfValue =
  | null
  | boolean
  | number
  | PdfName
  | PdfString
  | PdfRef
  | PdfArray
  | PdfDict
  | PdfStream;

export type Kind = 'name' | 'string' | 'ref' | 'array' | 'dict' | 'stream';

const isObject = (value: PdfValue | undefined): value is Exclude<PdfValue, null | boolean | number> =>
  typeof value === 'object' && value !== null;

export const isRef = (value: PdfValue | undefined): value is PdfRef =>
  isObject(value) && value.kind === 'ref';
export const isDict = (value: PdfValue | undefined): value is PdfDict =>
  isObject(value) && value.kind === 'dict';
export const isArray = (value: PdfValue | undefined): value is PdfArray =>
  isObject(value) && value.kind === 'array';
export const isStream = (value: PdfValue | undefined): value is PdfStream =>
  isObject(value) && value.kind === 'stream';
export const isString = (value: PdfValue | undefined): value is PdfString =>
  isObject(value) && value.kind === 'string';

/** The name's text, or undefined for anything else. */
export const nameOf = (value: PdfValue | undefined): string | undefined =>
  isObject(value) && value.kind === 'name' ? value.name : undefined;

/** A whole number, or undefined. */
export const integerOf = (value: PdfValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;

/** Dictionary of a dictionary or a stream. */
export const dictOf = (value: PdfValue | undefined): PdfDict | undefined =>
  isDict(value) ? value : isStream(value) ? value.dict : undefined;

/** Text string (ISO 32000-1, 7.9.2.2): UTF-16BE or UTF-8 with a mark, else taken as Latin 1. At most 300 letters. */
export function textOf(value: PdfValue | undefined): string | undefined {
  if (!isString(value)) return undefined;
  const { bytes } = value;
  let text: string;
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    text = Buffer.from(bytes.subarray(2, 2 + ((bytes.length - 2) & ~1)))
      .swap16()
      .toString('utf16le');
  else if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) text = bytes.toString('utf8', 3);
  else text = bytes.toString('latin1');
  return text.slice(0, 300).normalize('NFC');
}

/** PDF date (ISO 32000-1, 7.9.4) to milliseconds since 1970, or undefined. Without a zone: Vietnam's. */
export function dateOf(value: PdfValue | undefined): number | undefined {
  const match =
    /^(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:(Z)|([+-])(\d{2})'?(\d{2})?'?)?/.exec(
      textOf(value) ?? '',
    );
  if (!match) return undefined;
  const part = (at: number, otherwise: number): number =>
    match[at] === undefined ? otherwise : Number(match[at]);
  const local = Date.UTC(part(1, 0), part(2, 1) - 1, part(3, 1), part(4, 0), part(5, 0), part(6, 0));
  if (match[7]) return local;
  const offset = match[8] ? part(9, 0) * 60 + part(10, 0) : 420;
  return local - (match[8] === '-' ? -1 : 1) * offset * 60_000;
}
