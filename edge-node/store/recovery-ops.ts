// Writes of the outbox after a restore: the hub's (a new epoch: offer again what it may have forgotten) and this node's own (rebuild from
// what the hub has). Run in the writer thread. Must never make a second envelope of a document that the hub already has.
import type { Database } from '../../protocol/node/sqlite.ts';
import { applyWaiting } from '../statuses/arrival-ops.ts';
import { restoreStatus } from '../statuses/restore-ops.ts';
import { raiseLedgerSeen, writeFact } from './fact-ops.ts';
import {
  applyResults,
  insertDocument,
  insertEnvelope,
  insertRecipients,
  keepStatement,
  uploadsMissing,
} from './outbox-ops.ts';
import type { SentRow } from './types.ts';

/** Rebuilt from the hub without its content, and everybody's end is known: there is nothing to offer and nobody who waits for it. */
const settledWithoutContent = `EXISTS (SELECT 1 FROM documents d WHERE d.seq = envelopes.document_seq AND length(d.request_digest) = 0)
  AND NOT EXISTS (SELECT 1 FROM outbox_recipients r WHERE r.envelope_seq = envelopes.seq AND r.state IN ('queued','accepted','relayed'))`;

export function recoveryOps(db: Database) {
  return {
    /** 10.11: what the hub may have forgotten is to be offered again. Idempotent by the epoch number. */
    enterEpoch(e: { number: number; previous: number; commonLedgerSequence: number; nowMs: number }): {
      readonly again: number;
    } {
      const known = Number(
        db.get<{ value: string }>(`SELECT value FROM facts WHERE name = 'epoch'`)?.value ?? 0,
      );
      if (e.number <= known) return { again: 0 };
      // An epoch that nobody told us of lies between: its common point is unknown, so everything older is offered.
      const common = known >= e.previous ? e.commonLedgerSequence : 0;
      let again = 0;
      if (known > 0) {
        const since = (epoch: string, sequence: string) =>
          `${epoch} < ${e.number} AND (${epoch} > ${e.previous} OR ${sequence} > ${common})`;
        const lost = `envelope_id IS NOT NULL AND work = 'done' AND ${since('epoch', 'ledger_sequence')} AND NOT (${settledWithoutContent})`;
        db.exec(`DELETE FROM uploads WHERE envelope_seq IN (SELECT seq FROM envelopes WHERE ${lost});
          UPDATE envelopes SET work = 'send', next_ms = 0, ${uploadsMissing} WHERE ${lost};
          UPDATE statements SET post = 'pending', delivery_ids = '[]', next_ms = 0
            WHERE direction = 'out' AND ${since('about_epoch', 'about_ledger')};`);
        // Orders of removal, and the words about them.
        db.exec('UPDATE removals SET give_back = 1, told = CASE told WHEN 1 THEN 0 ELSE told END');
        again = db.get<{ n: number }>(`SELECT count(*) AS n FROM envelopes WHERE work = 'send'`)?.n ?? 0;
      }
      // Sequences beyond the common point name other entries now.
      db.run(
        `UPDATE facts SET value = ? WHERE name = 'ledgerSeen' AND CAST(value AS INTEGER) > ?`,
        String(common),
        common,
      );
      writeFact(db, 'sentAfter', '0');
      writeFact(db, 'epoch', String(e.number));
      writeFact(db, 'commonLedgerSequence', String(e.commonLedgerSequence));
      return { again };
    },

    /**
     * After a restore: envelopes that the hub has of us. A document that the backup held unsealed gets the sealed bytes of then, so that
     * nobody receives it twice. Idempotent.
     */
    rebuildSent({
      items,
      sentAfter,
      nowMs,
    }: {
      items: readonly SentRow[];
      sentAfter: number;
      nowMs: number;
    }): void {
      for (const item of items) {
        const seq = envelopeOf(item, nowMs);
        for (const statement of item.statements) {
          keepStatement(db, statement, nowMs);
          applyResults(db, seq, statement);
          raiseLedgerSeen(db, statement.ledgerSequence);
        }
        restoreStatus(db, item);
        applyWaiting(db, item.document.documentId, nowMs);
        const receipt = item.statements[0];
        if (receipt)
          db.run(
            `UPDATE envelopes SET work = 'done', epoch = ?, ledger_sequence = ? WHERE seq = ?`,
            receipt.epoch,
            receipt.ledgerSequence,
            seq,
          );
      }
      writeFact(db, 'sentAfter', String(sentAfter));
    },
  };

  function envelopeOf(
    { document: d, envelopeId, digest, signed, createdMs }: SentRow,
    nowMs: number,
  ): number {
    const here = db.get<{ seq: number }>(
      'SELECT seq FROM envelopes WHERE unit = ? AND envelope_id = ?',
      d.unit,
      envelopeId,
    );
    if (here) return here.seq;
    const document =
      db.get<{ seq: number }>('SELECT seq FROM documents WHERE document_id = ?', d.documentId) ??
      db.get<{ seq: number }>(
        'SELECT seq FROM documents WHERE unit = ? AND idempotency_key = ?',
        d.unit,
        d.idempotencyKey,
      );
    const documentSeq = document?.seq ?? insertDocument(db, d);
    const unsealed = db.get<{ seq: number }>(
      `SELECT seq FROM envelopes WHERE document_seq = ? AND work = 'seal' ORDER BY seq LIMIT 1`,
      documentSeq,
    );
    const seq =
      unsealed?.seq ??
      insertEnvelope(db, { documentSeq, unit: d.unit, lane: d.urgency, nowMs, follows: null, large: 0 });
    db.run(
      `UPDATE envelopes SET work = 'done', envelope_id = ?, digest = ?, signed = ?, sealed_ms = ? WHERE seq = ?`,
      envelopeId,
      digest,
      signed,
      createdMs,
      seq,
    );
    db.run('DELETE FROM outbox_recipients WHERE envelope_seq = ?', seq);
    insertRecipients(db, seq, d.recipients, createdMs);
    return seq;
  }
}
