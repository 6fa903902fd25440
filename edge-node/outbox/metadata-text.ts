// Text of a document's metadata as it is handed in (TCVN 6909:2001): composed to NFC, which is the same text, and refused with the conversion
// offered when it seems to be in an older encoding. Never converts by itself: only the caller knows what was meant. Before sealing.

import { violation } from '../../protocol/document/violations.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { encodingNames } from '../../protocol/text/charsets.ts';
import { type TextOffer, textOffers } from '../../protocol/text/judge.ts';

type Fields = { readonly [name: string]: unknown };

/** JSON of the sender's own program: its text is nobody's to judge. */
const notText = new Set(['extraJson', 'clientReference']);
const offeredLengthMax = 300;

function composed<T>(value: T): T {
  if (typeof value === 'string') return value.normalize('NFC') as T;
  if (Array.isArray(value)) return value.map(composed) as T;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, composed(inner)])) as T;
}

function* textsOf(value: unknown, pointer: string): Generator<readonly [string, string]> {
  if (typeof value === 'string') yield [pointer, value];
  else if (Array.isArray(value))
    for (const [i, inner] of value.entries()) yield* textsOf(inner, `${pointer}/${i}`);
  else if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))
    for (const [name, inner] of Object.entries(value))
      if (!notText.has(name)) yield* textsOf(inner, `${pointer}/${name}`);
}

const offerWords = ({ field, encoding, confidence, offered }: TextOffer) => {
  const how = `${encodingNames[encoding]}, ${Math.round(confidence * 100)}%`;
  const reads = offered.slice(0, offeredLengthMax);
  return violation(
    field,
    `có vẻ theo bảng mã cũ (${how}). Đề nghị: “${reads}”.`,
    `seems to be ${how}; offered: "${reads}"`,
  );
};

/** What of `metadata` and of these file names seems to be in an older encoding, with the conversion. */
export function metadataOffers(metadata: Fields, fileNames: readonly string[]): TextOffer[] {
  return textOffers(
    Object.fromEntries([
      ...textsOf(metadata, ''),
      ...fileNames.map((name, i) => [`/parts/${i}/name`, name] as const),
    ]),
  );
}

/**
 * Metadata in NFC. Throws `text-legacy` with one violation per field that names the encoding, how sure that is and the text it would be; not
 * when `keep` says that a person has looked and the text is right as written. Names of files are judged too, never changed.
 */
export function metadataText<M extends Fields>(metadata: M, fileNames: readonly string[], keep: boolean): M {
  if (!keep) {
    const offers = metadataOffers(metadata, fileNames);
    if (offers.length > 0)
      throw new ExchangeError(
        'text-legacy',
        offers
          .map(({ field }) => field)
          .join(', ')
          .slice(0, 300),
        {
          violations: offers.slice(0, 40).map(offerWords),
        },
      );
  }
  return composed(metadata);
}
