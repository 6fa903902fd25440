// Reads of the workers: what is due, and everything that one wrapper needs. Short and indexed; on the event loop.
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds } from '../../protocol/seal.ts';
import type { OutboxState } from '../../protocol/states.ts';
import type { Fresh } from './fresh.ts';

export type DueEnvelope = { readonly seq: number; readonly unit: string; readonly work: 'seal' | 'send' };
export type EnvelopeToSend = {
  readonly seq: number;
  readonly unit: string;
  readonly work: 'seal' | 'send';
  readonly envelopeId: Uint8Array | null;
  readonly digest: Uint8Array | null;
  readonly signed: Uint8Array | null;
  readonly follows: Uint8Array | null;
  readonly documentId: Uint8Array;
  readonly kind: number;
  readonly urgency: number;
  readonly queuedMs: number;
  readonly failingSinceMs: number | null;
  readonly deliverByMs: number | null;
  readonly replyByMs: number;
  readonly links: string;
  readonly status: string | null;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly recipients: readonly {
    readonly idx: number;
    readonly unit: string;
    readonly desk: string;
    readonly grp: string;
    readonly grp_version: number;
    readonly state: OutboxState;
  }[];
  readonly parts: readonly OutPart[];
  readonly uploads: readonly { readonly idx: number; readonly uploadId: string; readonly complete: number }[];
};
export type OutPart = {
  readonly idx: number;
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly tree_root: Uint8Array;
  /** null: in the content folder, or erased. */
  readonly content: Uint8Array | null;
};
export type PendingStatement = {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly delivery_ids: string;
  readonly stored_ms: number;
  readonly attempts: number;
};

/** A correction goes behind what it corrects: that may wait for its check, its files or its next try. Of another envelope there is no such row, found in one step. */
const behindNothing = `NOT EXISTS (SELECT 1 FROM changes c JOIN documents t ON t.document_id = c.target JOIN envelopes o ON o.document_seq = t.seq
  WHERE c.document_seq = envelopes.document_seq AND c.kind = ${kinds.update} AND o.work <> 'done' AND o.seq < envelopes.seq)`;
const due = (uploads: '= 0' | '> 0') =>
  `SELECT seq, unit, work FROM envelopes WHERE work <> 'done' AND checked = 1 AND missing_uploads ${uploads} AND next_ms <= ? AND ${behindNothing}
   ORDER BY lane DESC, seq LIMIT ?`;

const dueSealed = due('= 0').replace("<> 'done'", "<> 'done' AND work = 'send'");

/** How an envelope stands; its bytes come from memory or from the rows. */
type Standing = Omit<EnvelopeToSend, 'salt' | 'metadata' | 'recipients' | 'parts' | 'uploads'> & {
  readonly doc: number;
  readonly whole: number;
};
const standing = `SELECT e.seq, e.unit, e.work, e.envelope_id AS envelopeId, e.digest, e.signed, e.follows, d.document_id AS documentId, d.kind, d.urgency,
  e.queued_ms AS queuedMs, e.failing_since_ms AS failingSinceMs, d.deliver_by_ms AS deliverByMs, d.reply_by_ms AS replyByMs,
  d.links, d.status, d.seq AS doc, d.metadata IS NOT NULL AS whole
  FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE e.seq = ?`;
type SentBytes = Pick<EnvelopeToSend, 'salt' | 'metadata' | 'parts'>;

/** Of a document that was handed in a moment ago: what its rows hold, with nothing read or opened. undefined: they hold something else. */
function freshBytes(db: Database, { doc, documentId, whole }: Standing, fresh: Fresh): SentBytes | undefined {
  const kept = fresh.takeBytes(documentId);
  if (!kept || whole !== 1) return undefined;
  const rows = db.all<Omit<OutPart, 'content'> & { inline: number }>(
    'SELECT idx, length, sha256, tree_root, content IS NOT NULL AS inline FROM out_parts WHERE document_seq = ? ORDER BY idx',
    doc,
  );
  const parts: OutPart[] = [];
  for (const { inline, ...row } of rows) {
    const same = kept.parts[row.idx];
    if (inline === 0) parts.push({ ...row, content: null });
    else if (same?.content && Buffer.compare(same.sha256, row.sha256) === 0)
      parts.push({ ...row, content: same.content });
    else return undefined;
  }
  return { salt: kept.salt, metadata: kept.metadata, parts };
}

function storedBytes(db: Database, { doc }: Standing): SentBytes {
  return {
    ...db.get<Pick<EnvelopeToSend, 'salt' | 'metadata'>>(
      'SELECT salt, metadata FROM documents WHERE seq = ?',
      doc,
    )!,
    parts: db.all<OutPart>(
      'SELECT idx, length, sha256, tree_root, content FROM out_parts WHERE document_seq = ? ORDER BY idx',
      doc,
    ),
  };
}

export function outboxReads(db: Database, fresh: Fresh) {
  return {
    /** Urgent ones first, then in the order handed in. */
    dueEnvelopes: (nowMs: number, { limit, onlySealed }: { limit: number; onlySealed: boolean }) =>
      db.all<DueEnvelope>(onlySealed ? dueSealed : due('= 0'), nowMs, limit),
    /** The same of those whose large parts the hub does not have yet. */
    dueUploads: (nowMs: number, limit: number) => db.all<DueEnvelope>(due('> 0'), nowMs, limit),
    /** When the next envelope that backs off becomes due. */
    nextDueMs: (nowMs: number): number | undefined =>
      db.get<{ ms: number | null }>(
        `SELECT min(next_ms) AS ms FROM envelopes WHERE work <> 'done' AND checked = 1 AND missing_uploads = 0 AND next_ms > ?`,
        nowMs,
      )?.ms ?? undefined,
    /** Many reads at once; see Database.reading. `body` must not wait. */
    reading: <T>(body: () => T): T => db.reading(body),
    /** Its first reader takes the bytes out of memory (fresh.ts), and may give those of the parts back. In one `reading`. */
    toSend: (seq: number): EnvelopeToSend | undefined =>
      db.reading(() => {
        const row = db.get<Standing>(standing, seq);
        if (!row) return undefined;
        const bytes = freshBytes(db, row, fresh) ?? storedBytes(db, row);
        return {
          ...row,
          ...bytes,
          recipients: db.all(
            'SELECT idx, unit, desk, grp, grp_version, state FROM outbox_recipients WHERE envelope_seq = ? ORDER BY idx',
            seq,
          ),
          uploads: bytes.parts.some(({ content }) => content === null)
            ? db.all('SELECT idx, upload_id AS uploadId, complete FROM uploads WHERE envelope_seq = ?', seq)
            : [],
        };
      }),
    pendingStatements: (nowMs: number, limit: number): readonly PendingStatement[] =>
      db.all<PendingStatement>(
        `SELECT id, bytes, delivery_ids, stored_ms, attempts FROM statements WHERE post = 'pending' AND next_ms <= ? ORDER BY id LIMIT ?`,
        nowMs,
        limit,
      ),
    outboxWaiting: () =>
      db.get<{ waiting: number; oldestMs: number | null }>(
        // Two halves, as the two partial indexes are.
        `SELECT count(*) AS waiting, min(queued_ms) AS oldestMs FROM (
           SELECT queued_ms FROM envelopes WHERE work <> 'done' AND checked = 1 AND missing_uploads = 0 UNION ALL
           SELECT queued_ms FROM envelopes WHERE work <> 'done' AND checked = 1 AND missing_uploads > 0)`,
      )!,
    receiptsWaiting: () =>
      db.get<{ n: number }>(`SELECT count(*) AS n FROM statements WHERE post = 'pending'`)!.n,
    asideCount: () => db.get<{ n: number }>('SELECT count(*) AS n FROM aside')!.n,
  };
}
