// An envelope whose seal ended or was withdrawn before the hub had ever accepted it, or that a clock ahead by days had dated: it ends in a clear state, and the same document goes on under the
// unit's present seal as a new envelope that names the one it follows (PROTOCOL.md 2.3). Run in the writer thread, in the transaction
// of the answer. After a withdrawal the operator is told: he knows why it was, and whether what waited here is his. Must never make a second
// envelope for one.
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { outcomes } from '../../protocol/statement.ts';
import { noteAlarm, noteAudit } from './fact-ops.ts';
import { applyResults, insertEnvelope, insertRecipients, uploadsMissing } from './outbox-ops.ts';

type Row = {
  document_seq: number;
  unit: string;
  lane: number;
  envelope_id: Uint8Array | null;
  document_id: Uint8Array;
  here: number;
};
type Recipient = { idx: number; unit: string; desk: string; grp: string; grp_version: number };

/** `code` is the hub's reason. Of a document whose content is not here any more nothing follows: its sender sees it refused. */
export function sealAnew(
  db: Database,
  { seq, code, nowMs }: { readonly seq: number; readonly code: string; readonly nowMs: number },
): void {
  const ended = db.run(
    "UPDATE envelopes SET work = 'done', attempts = attempts + 1, last_error = ? WHERE seq = ? AND work = 'send'",
    code,
    seq,
  );
  if (ended.changes === 0) return;
  const row = db.get<Row>(
    `SELECT e.document_seq, e.unit, e.lane, e.envelope_id, d.document_id,
       (d.metadata IS NOT NULL AND length(d.request_digest) > 0) AS here
     FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE e.seq = ?`,
    seq,
  )!;
  const recipients = db.all<Recipient>(
    'SELECT idx, unit, desk, grp, grp_version FROM outbox_recipients WHERE envelope_seq = ? ORDER BY idx',
    seq,
  );
  applyResults(db, seq, {
    results: recipients.map(({ idx, unit }) => ({ index: idx, unit, outcome: outcomes.refused, code })),
    atMs: nowMs,
  });
  if (row.here === 0) return;
  const { document_seq: documentSeq, unit, lane, envelope_id: follows } = row;
  const next = insertEnvelope(db, { documentSeq, unit, lane, nowMs, follows, large: 0 });
  db.run(`UPDATE envelopes SET ${uploadsMissing} WHERE seq = ?`, next);
  insertRecipients(
    db,
    next,
    recipients.map((r) => ({ unit: r.unit, desk: r.desk, group: r.grp, groupVersion: r.grp_version })),
    nowMs,
  );
  noteAudit(db, {
    atMs: nowMs,
    actor: 'program',
    act: 'seal-anew',
    about: uuidFromBytes(row.document_id),
    said: code,
  });
  if (code === 'certificate-revoked')
    noteAlarm(db, {
      atMs: nowMs,
      code,
      about: `sealed anew: ${unit}`,
      said: 'documents that waited under the withdrawn seal go on under the present one',
    });
}
