// "Send now": what waits for its next try after one that failed is due at once. Run in the writer thread.
// Must never let go what a check still holds, nor change what the tries before have found: only when the next one comes.
// On the document's way between two tries to reach the hub.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from './fact-ops.ts';

export function retryOps(db: Database) {
  return {
    /** All of it that waits at this machine; again, it changes nothing. Codes: `document-unknown`, `document-held`, `document-state-refused` (nothing waits here). */
    retryDocument(r: { documentId: Uint8Array; actor: string; nowMs: number }): void {
      const row = db.get<{ seq: number }>('SELECT seq FROM documents WHERE document_id = ?', r.documentId);
      if (!row) throw new ExchangeError('document-unknown');
      const { changes } = db.run(
        `UPDATE envelopes SET next_ms = 0 WHERE document_seq = ? AND work <> 'done' AND checked = 1`,
        row.seq,
      );
      if (changes === 0) {
        const held = db.get(`SELECT 1 FROM envelopes WHERE document_seq = ? AND work <> 'done'`, row.seq);
        throw held
          ? new ExchangeError('document-held', 'its check has not let it go yet')
          : new ExchangeError('document-state-refused', 'nothing of it waits here');
      }
      noteAudit(db, { atMs: r.nowMs, actor: r.actor, act: 'retry', about: uuidFromBytes(r.documentId) });
    },
  };
}
