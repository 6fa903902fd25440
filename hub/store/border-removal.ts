// Writer thread: what an order to destroy a document finds at the borders. The bytes of messages as received go, whatever was judged of them,
// what was sealed and not accepted yet, and the words said about it; row, digest, ids and times stay as the trace. Beside the document's path; part of takedown-ops.ts.
import type { Database } from '../../protocol/node/sqlite.ts';

/** A message belongs to a document by its id here or by the name that the other system gives it: repetitions, damaged copies, requests about it. */
const ofDocument = `document_id = ?1 OR (border, edxml_id) IN (SELECT border, edxml_id FROM border_documents WHERE document_id = ?1)`;

/** Inside the transaction of the order, under the caller's secure_delete. Returns the content keys that must go. */
export function eraseCrossed(db: Database, documentId: Uint8Array, nowMs: number): number[] {
  const keys: number[] = [];
  for (const { id } of db.all<{ id: number }>(`SELECT id FROM border_in WHERE ${ofDocument}`, documentId)) {
    keys.push(...db.sealedWith('SELECT said, wrapper FROM border_in WHERE id = ?', id));
    db.run(
      "UPDATE border_in SET said = '', wrapper = NULL, erased_ms = ifnull(erased_ms, ?) WHERE id = ?",
      nowMs,
      id,
    );
    // Sealed and not accepted: never to be. What was accepted stays so.
    db.run(
      "UPDATE border_in SET state = 'refused', code = 'secrecy-refused', at_ms = ? WHERE id = ? AND state = 'sealed'",
      nowMs,
      id,
    );
  }
  // A status that still waits to leave says what became of it, and leaves; what the other system answered goes.
  for (const { id } of db.all<{ id: number }>(`SELECT id FROM border_out WHERE ${ofDocument}`, documentId)) {
    keys.push(...db.sealedWith('SELECT words FROM border_out WHERE id = ?', id));
    db.run("UPDATE border_out SET words = '' WHERE id = ?", id);
  }
  return keys;
}

/** Files of messages as received that an order to destroy the document must overwrite: no operator signed them, they are this hub's own. */
export const crossedContents = (db: Pick<Database, 'all'>, documentId: Uint8Array): Uint8Array[] =>
  db
    .all<{ message_sha256: Uint8Array }>(
      `SELECT DISTINCT message_sha256 FROM border_in WHERE ${ofDocument}`,
      documentId,
    )
    .map(({ message_sha256 }) => message_sha256);

/** True for a message about a document that was ordered to be destroyed: it does not come in again, by whatever id it is listed. */
export function isRemoved(
  db: Database,
  { border, edxmlId, documentId }: { border: string; edxmlId: string; documentId: Uint8Array | null },
): boolean {
  return (
    db.get(
      `SELECT 1 FROM removals WHERE act = 'destroy' AND (document_id = ?1 OR document_id IN (
         SELECT document_id FROM border_documents WHERE border = ?2 AND edxml_id = ?3)) LIMIT 1`,
      documentId,
      border,
      edxmlId,
    ) !== undefined
  );
}
