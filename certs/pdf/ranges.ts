// ByteRange arithmetic: does a signature cover exactly one revision of the file from its first byte on, but for its own CMS?
// It must never accept a gap that is anything but the whole hexadecimal string of this signature (signature wrapping, "USF").
// Between fields.ts and signature.ts.
import type { SignatureField } from './fields.ts';
import type { ByteSource } from './source.ts';
import { integerOf, isArray } from './values.ts';
import { endsRevision, type View } from './view.ts';

/** `resaved`: a well-formed range that fits another file than this one: the everyday "optimised" or printed copy. */
export type Coverage =
  | { readonly good: true; readonly gapFrom: number; readonly gapTo: number; readonly end: number }
  | { readonly good: false; readonly why: string; readonly resaved: boolean };

const bad = (why: string, resaved = false): Coverage => ({ good: false, why, resaved });

/** `view` is the revision in which the field was found. */
export function coverageOf(view: View, field: SignatureField): Coverage {
  const { source } = view;
  const { contents, signature } = field;
  if (signature.repeated) return bad('signature-key-repeated');
  if (!contents?.hex || contents.start < 0) return bad('contents-not-in-file');
  // Digits only: white space in the one place that nothing signs is not what a signer writes.
  if (!contents.plain) return bad('contents-not-plain');
  const list = view.get(signature, 'ByteRange');
  if (!isArray(list) || list.items.length !== 4) return bad('byte-range-shape');
  const numbers = list.items.map((item) => integerOf(item) ?? -1);
  if (numbers.some((one) => one < 0)) return bad('byte-range-shape');
  const [start, gapFrom, gapTo, rest] = numbers as [number, number, number, number];
  if (start !== 0) return bad('byte-range-start');
  if (gapTo <= gapFrom) return bad('byte-range-overlap');
  const end = gapTo + rest;
  const gap = gapTo - gapFrom;
  if (end > source.sizeBytes) return bad('byte-range-beyond-file', true);
  if (contents.start !== gapFrom || contents.end !== gapTo)
    return bad('byte-range-gap', gap === contents.end - contents.start);
  if (!endsRevision(source, end)) return bad('byte-range-end');
  return { good: true, gapFrom, gapTo, end };
}

/** White space from `from` to the end of the file. */
export function onlyWhiteFrom(source: ByteSource, from: number): boolean {
  let white = true;
  source.each(from, source.sizeBytes, (piece) => {
    white = /^[\0\t\n\f\r ]*$/.test(piece.toString('latin1'));
    return white;
  });
  return white;
}
