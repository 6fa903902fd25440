// What the mapping must be told from outside: which office has which national code, and which document of ours a text of the axis means.
// Codes are never read by their shape: only the directory decides (VN-DOMAIN §1.9). Pure.
import type { Organ, ResponseFor } from './model.ts';

export type KnownDocument = {
  /** 16 bytes. */
  readonly documentId: Uint8Array;
  /** DocumentId on the axis: "code,yyyy/mm/dd,number/notation", or a UUID. */
  readonly edxmlId: string;
  /** National code of the office that issued it. */
  readonly organId: string;
  /** "number/notation". */
  readonly code: string;
  /** YYYY-MM-DD. */
  readonly date: string;
};
/** `axis-id`: by the id that the axis gave to the message (hub/axis/places.ts). */
export type MatchRule = 'document-id' | 'number-and-date' | 'axis-id';
export type Places = {
  /** By our internal id; undefined: the office has no national code. */
  organOf(unit: string): Organ | undefined;
  /** By any of its codes. */
  unitOf(organId: string): string | undefined;
  documentOf(documentId: Uint8Array): KnownDocument | undefined;
  /** `organs`: offices that may have issued it. See matchDocument. */
  find(
    about: ResponseFor,
    organs: readonly string[],
  ): { readonly document: KnownDocument; readonly rule: MatchRule } | undefined;
};

const same = (a: string, b: string) => a.trim().toUpperCase() === b.trim().toUpperCase();

/** First the exact id, then issuer, number/notation and date together (VN-DOMAIN §1.10). An ambiguous second rule matches nothing. */
export function matchDocument(
  about: ResponseFor,
  organs: readonly string[],
  known: Iterable<KnownDocument>,
): ReturnType<Places['find']> {
  const all = [...known];
  const exact = about.documentId === '' ? undefined : all.find(({ edxmlId }) => edxmlId === about.documentId);
  if (exact) return { document: exact, rule: 'document-id' };
  if (about.code === '' || about.date === '') return undefined;
  const fits = all.filter(
    ({ code, date, organId }) =>
      same(code, about.code) && date === about.date && organs.some((organ) => same(organ, organId)),
  );
  return fits.length === 1 ? { document: fits[0]!, rule: 'number-and-date' } : undefined;
}
