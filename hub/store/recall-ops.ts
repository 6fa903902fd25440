// Recalls at the hub, inside the writer thread. In the commit that accepts a recall, what waits here for its recipients is held: from then on
// it is never handed out, and a race with a lease has one outcome. `takeBack` then ends those deliveries with a signed notice and, once
// nothing of the document is on its way from here, erases this hub's copy. Evidence (sealed headers, receipts, ledger) is never touched.
import type { Database } from '../../protocol/node/sqlite.ts';
import { outcomes } from '../../protocol/statement.ts';
import type { DeliveryRow, GiveByEnvelope } from './settle-ops.ts';
import type { AcceptArgs } from './types.ts';

/** Kinds 2, 4 and 5 speak of a document and are none. */
const isDocument = 'e.kind NOT IN (2,4,5)';
const open = `'ready','deferred','leased','held','relayed'`;

/** Rows of one acceptance, in its commit. True: there is something to take back. */
export function noteRecalls(db: Database, args: AcceptArgs, seq: number, units: readonly string[]): boolean {
  for (const documentId of args.updates ?? [])
    db.run(
      'INSERT OR IGNORE INTO updates (sender, document_id, envelope_seq) VALUES (?,?,?)',
      args.sender,
      documentId,
      seq,
    );
  for (const documentId of args.recalls ?? []) {
    for (const unit of units)
      db.run(
        `INSERT INTO recalls (sender, document_id, unit, envelope_seq, at_ms) VALUES (?,?,?,?,?)
         ON CONFLICT (sender, document_id, unit) DO UPDATE SET done = 0`,
        args.sender,
        documentId,
        unit,
        seq,
        args.nowMs,
      );
    db.run(
      // Also what a check holds: its release (safety-ops.ts) frees only what it held itself.
      `UPDATE deliveries SET state = 'held', last_error = 'delivery-recalled' WHERE state IN ('ready','deferred','held') AND unit IN (SELECT value FROM json_each(?))
         AND envelope_seq IN (SELECT e.seq FROM envelopes e WHERE e.document_id = ? AND e.sender = ? AND ${isDocument})`,
      JSON.stringify(units),
      documentId,
      args.sender,
    );
  }
  return (args.recalls?.length ?? 0) > 0;
}

/** A document whose recall came before it. Its delivery begins held. */
export function wasRecalled(db: Database, { sender, documentId, kind }: AcceptArgs, unit: string): boolean {
  if (kind === 2 || kind === 4 || kind === 5) return false;
  return (
    db.run(
      'UPDATE recalls SET done = 0 WHERE sender = ? AND document_id = ? AND unit = ?',
      sender,
      documentId,
      unit,
    ).changes > 0
  );
}

type Recalled = { sender: string; document_id: Uint8Array };

export function recallOps(db: Database, give: GiveByEnvelope) {
  function end({ sender, document_id: id }: Recalled, nowMs: number): string[] {
    const rows = db.all<DeliveryRow>(
      `SELECT d.id, d.envelope_seq, d.idx, d.unit, d.state, d.peer FROM envelopes e JOIN deliveries d ON d.envelope_seq = e.seq
         JOIN recalls r ON r.sender = e.sender AND r.document_id = e.document_id AND r.unit = d.unit
       WHERE e.document_id = ? AND e.sender = ? AND ${isDocument} AND d.state IN ('ready','deferred','held')`,
      id,
      sender,
    );
    const nudge = give(rows, {
      event: 'ContentHandoverFailure',
      outcome: outcomes.cancelled,
      to: 'cancelled',
      code: 'delivery-recalled',
      nowMs,
    });
    // What is leased or at the next hub may still come back here.
    db.run(
      `UPDATE recalls SET done = 1 WHERE sender = ?1 AND document_id = ?2 AND NOT EXISTS (SELECT 1 FROM envelopes e
         JOIN deliveries d ON d.envelope_seq = e.seq WHERE e.document_id = ?2 AND e.sender = ?1 AND ${isDocument}
         AND d.unit = recalls.unit AND d.state IN (${open}))`,
      sender,
      id,
    );
    return nudge;
  }

  /** Content and metadata of sendings that were taken back from all their recipients here and are on no way any more. */
  function erase({ sender, document_id: id }: Recalled): { erased: number; orphans: Uint8Array[] } {
    const sendings = db.all<{ seq: number }>(
      `SELECT e.seq FROM envelopes e WHERE e.document_id = ?1 AND e.sender = ?2 AND ${isDocument} AND e.open_deliveries = 0
         AND (e.metadata IS NOT NULL OR EXISTS (SELECT 1 FROM parts p WHERE p.envelope_seq = e.seq))
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.envelope_seq = e.seq AND d.unit NOT IN (
           SELECT unit FROM recalls WHERE sender = ?2 AND document_id = ?1))`,
      id,
      sender,
    );
    if (sendings.length === 0) return { erased: 0, orphans: [] };
    const kept = db.get(
      `SELECT 1 FROM envelopes e WHERE e.document_id = ? AND e.sender = ? AND ${isDocument} AND e.metadata IS NOT NULL
         AND e.seq NOT IN (SELECT value FROM json_each(?))`,
      id,
      sender,
      JSON.stringify(sendings.map(({ seq }) => seq)),
    );
    const updates = kept
      ? []
      : db.all<{ seq: number }>(
          'SELECT envelope_seq AS seq FROM updates WHERE sender = ? AND document_id = ?',
          sender,
          id,
        );
    const seqs = [...sendings, ...updates].map(({ seq }) => seq);
    return { erased: seqs.length, orphans: eraseEnvelopes(db, seqs) };
  }

  return {
    /** Bounded; idempotent. Peers to wake, and digests of files that no part needs any more. */
    takeBack({ nowMs, rowsMax }: { nowMs: number; rowsMax: number }): {
      taken: number;
      nudge: string[];
      orphans: Uint8Array[];
    } {
      const documents = db.all<Recalled>(
        'SELECT DISTINCT sender, document_id FROM recalls WHERE done = 0 LIMIT ?',
        rowsMax,
      );
      const nudge = new Set<string>();
      const orphans: Uint8Array[] = [];
      let taken = 0;
      for (const each of documents) {
        for (const peer of end(each, nowMs)) nudge.add(peer);
        const gone = erase(each);
        taken += gone.erased;
        orphans.push(...gone.orphans);
      }
      return { taken: taken + nudge.size, nudge: [...nudge], orphans };
    },
  };
}

/** Parts and metadata of these envelopes; evidence stays. Digests of files that no part needs any more, forgotten as uploads too. */
export function eraseEnvelopes(db: Database, seqs: readonly number[], metadata = true): Uint8Array[] {
  const orphans: Uint8Array[] = [];
  for (const seq of seqs) {
    const parts = db.all<{ sha256: Uint8Array }>(
      'SELECT sha256 FROM parts WHERE envelope_seq = ? AND content IS NULL',
      seq,
    );
    db.run('DELETE FROM parts WHERE envelope_seq = ?', seq);
    if (metadata) db.run('UPDATE envelopes SET salt = NULL, metadata = NULL WHERE seq = ?', seq);
    for (const { sha256 } of parts)
      if (!db.get('SELECT 1 FROM parts WHERE sha256 = ? AND content IS NULL', sha256)) {
        // Forgotten in the same transaction: whoever sends these bytes again must upload them again.
        db.run('DELETE FROM unit_content WHERE sha256 = ?', sha256);
        orphans.push(sha256);
      }
  }
  return orphans;
}
