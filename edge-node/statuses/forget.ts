// What this node keeps of a received document's text beside its own row (numbers for the duplicate warning; search and registers add
// theirs) is forgotten in the same transaction in which a recall erases it. Traces that the law asks for stay where they are.
import type { Database } from '../../protocol/node/sqlite.ts';

export function forgetText(db: Database, documentId: Uint8Array): void {
  db.run(`DELETE FROM document_numbers WHERE direction = 'in' AND document_id = ?`, documentId);
}
