// Every bound of the signature report, with its reason. A document over a bound is `unreadable` with that reason, never half judged.
// It must never be widened by anything in a document. Used by every file of this folder.

export type PdfLimits = {
  /** Wall clock of the whole report, enforced by the parent: the child is killed. */
  readonly wallMs: number;
  /** V8 heap of the child. */
  readonly heapMb: number;
  readonly fileBytesMax: number;
  /** Signature fields with a value; an office document has two to five. */
  readonly signaturesMax: number;
  /** Sections of the cross-reference chain: one per incremental save. */
  readonly sectionsMax: number;
  /** Entries over all sections; 100,000 pages have about 600,000 objects. */
  readonly entriesMax: number;
  /** Objects and values looked at while comparing revisions, over the whole report. */
  readonly visitsMax: number;
  /** Bytes hashed over all signatures: a large file with many signatures would be read many times. */
  readonly hashedBytesMax: number;
};

export const pdfLimits: PdfLimits = {
  wallMs: 60_000,
  heapMb: 768,
  fileBytesMax: 4 * 1024 ** 3,
  signaturesMax: 100,
  sectionsMax: 1_000,
  entriesMax: 1_500_000,
  visitsMax: 6_000_000,
  hashedBytesMax: 24 * 1024 ** 3,
};

/** One object without its stream data. A Kids array of 100,000 pages has 1.2 MB. */
export const OBJECT_BYTES_MAX = 16 * 1024 * 1024;
/** Arrays and dictionaries inside each other. Real files stay under 20. */
export const NESTING_MAX = 64;
/** An object or cross-reference stream after inflating. */
export const INFLATED_BYTES_MAX = 64 * 1024 * 1024;
/** The CMS of one signature; with an embedded CRL it reaches some megabytes. */
export const CMS_BYTES_MAX = 8 * 1024 * 1024;
/** Nodes of the form's field tree. */
export const FIELDS_MAX = 50_000;
/** One anchor, certificate or CRL file. */
export const ANCHOR_FILE_BYTES_MAX = 32 * 1024 * 1024;
export const ANCHOR_FILES_MAX = 2_000;

export type PdfFaultCode = 'malformed' | 'limit' | 'encrypted' | 'cut';

/** Why a PDF, or a part of it, cannot be read. Stays inside this folder: the report turns it into a verdict. */
export class PdfFault extends Error {
  override readonly name = 'PdfFault';
  readonly code: PdfFaultCode;
  constructor(code: PdfFaultCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

export const malformed = (detail: string): PdfFault => new PdfFault('malformed', detail);

/** Counts down; throws `limit` at zero. One for the whole report. */
export type Budget = { spend(visits: number): void; hash(bytes: number): void };

export function budgetOf(limits: PdfLimits): Budget {
  let visits = limits.visitsMax;
  let hashed = limits.hashedBytesMax;
  return {
    spend(count) {
      visits -= count;
      if (visits < 0) throw new PdfFault('limit', 'too many objects to compare');
    },
    hash(bytes) {
      hashed -= bytes;
      if (hashed < 0) throw new PdfFault('limit', 'too many bytes covered by too many signatures');
    },
  };
}
