// What this node keeps of a received document's text beside its own row is forgotten in the transaction in which a recall erases it: numbers
// for the duplicate warning, findings of checks here; search, registers and tasks by triggers of their own schemas on the erased
// metadata. Traces that the law asks for stay where they are.
import type { Database } from '../../protocol/node/sqlite.ts';

/** `arrivals`: rows of the inbox that this transaction has erased, the document's own and those of its updates. */
export function forgetText(db: Database, documentId: Uint8Array, arrivals: readonly number[]): void {
  db.run(`DELETE FROM document_numbers WHERE direction = 'in' AND document_id = ?`, documentId);
  // Findings name files and signers. A check that has not ended has nothing to look at any more; that nobody let it pass stays true.
  for (const seq of arrivals)
    db.run(
      `UPDATE checks SET findings = '[]', parts = '[]', waiting = NULL,
         state = CASE WHEN state IN ('pending','held') THEN 'rejected' ELSE state END
       WHERE direction = 'in' AND doc = ?`,
      seq,
    );
}
