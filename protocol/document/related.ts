// A relation to a document that only its number, date and author name: on paper, or on the national axis. One that travelled here is
// named by a link of the sealed header. The shape of edXML's ResponseFor and ReplacementInfo, so that nothing is lost on the way.
// Types only; wire.proto RelatedDocument.

export type RelatedDocument = {
  /** protocol/seal.ts `relations`. */
  readonly relation: number;
  readonly number: string;
  readonly notation: string;
  /** YYYY-MM-DD or ''. */
  readonly issueDate: string;
  /** Code of the issuing office as written. */
  readonly issuer: string;
  /** Its name. */
  readonly issuerName: string;
  /** Identifier in another system, such as "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT". */
  readonly foreignId: string;
};
