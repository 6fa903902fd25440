// One clause for every question about where a document stands: it may have gone out in several sendings, again to some, later to others, and the newest
// that names a recipient says how it is with that one. Beside the outbox.

/** Of envelope `e` and its recipient `r` by their names in a query: no later sending of the document names the same recipient. */
export const newestToRecipient = (e: string, r: string): string =>
  `NOT EXISTS (SELECT 1 FROM envelopes later JOIN outbox_recipients l ON l.envelope_seq = later.seq
    WHERE later.document_seq = ${e}.document_seq AND later.seq > ${e}.seq AND l.unit = ${r}.unit AND l.desk = ${r}.desk)`;
