// Reads for people: one document, its statements, audit, alarms. Newest first, bounded, by index. The pages of the lists are in list-reads.ts.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { OutboxState } from '../../protocol/states.ts';

export type OutDocument = {
  readonly seq: number;
  readonly document_id: Uint8Array;
  readonly unit: string;
  readonly idempotency_key: string;
  readonly kind: number;
  readonly urgency: number;
  readonly created_ms: number;
  readonly links: string;
  readonly status: string | null;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly subject: string | null;
  readonly notation: string | null;
  readonly number: string | null;
};
export type OutEnvelope = {
  readonly seq: number;
  readonly envelope_id: Uint8Array | null;
  readonly digest: Uint8Array | null;
  readonly signed: Uint8Array | null;
  readonly follows: Uint8Array | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly queued_ms: number;
  readonly sealed_ms: number | null;
  readonly work: 'seal' | 'send' | 'done';
  readonly next_ms: number;
};
export type OutRecipient = {
  readonly idx: number;
  readonly unit: string;
  readonly desk: string;
  readonly state: OutboxState;
  readonly code: string | null;
  readonly at_ms: number;
  readonly settled_ms: number | null;
};
export type Arrival = {
  readonly seq: number;
  readonly sender: string;
  readonly envelope_id: Uint8Array;
  readonly document_id: Uint8Array;
  readonly digest: Uint8Array;
  readonly signed: Uint8Array;
  readonly hops: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly receipt: Uint8Array;
  readonly accepted_ms: number;
  readonly received_ms: number;
  readonly kind: number;
  readonly urgency: number;
  readonly created_ms: number;
  readonly reply_by_ms: number;
  readonly subject: string | null;
  readonly notation: string | null;
  readonly number: string | null;
  readonly destroyed_ms: number | null;
  /** Inbox row of the update that it is shown by. */
  readonly updated_by: number | null;
};
export type StoredPart = {
  readonly idx: number;
  readonly length: number;
  readonly sha256: Uint8Array;
  readonly name: string;
  readonly media_type: string;
  /** 1 when the bytes lie in the row. */
  readonly inline: number;
};
export type StoredStatement = {
  readonly id: number;
  readonly event: number;
  readonly issuer: string;
  readonly at_ms: number;
  readonly bytes: Uint8Array;
};

const part = 'idx, length, sha256, name, media_type, content IS NOT NULL AS inline';
export const arrivalColumns = `seq, sender, envelope_id, document_id, digest, signed, hops, salt, metadata, receipt, accepted_ms, received_ms, kind, urgency,
  created_ms, reply_by_ms, subject, notation, number, destroyed_ms, updated_by`;

export function viewReads(db: Database) {
  return {
    /** Arrivals of a sender that the hub accepted from a time on: few, since it is asked about withdrawn seals. */
    arrivalsSince: (sender: string, acceptedMs: number): readonly Arrival[] =>
      db.all<Arrival>(
        `SELECT ${arrivalColumns} FROM inbox WHERE sender = ? AND accepted_ms >= ? ORDER BY seq LIMIT 1000`,
        sender,
        acceptedMs,
      ),
    documentById: (id: Uint8Array): OutDocument | undefined =>
      db.get<OutDocument>(
        `SELECT * FROM documents WHERE document_id = ?1 UNION ALL
         SELECT d.* FROM documents d JOIN envelopes e ON e.document_seq = d.seq WHERE e.envelope_id = ?1 LIMIT 1`,
        id,
      ),
    /** Newest first. */
    envelopesOf: (documentSeq: number): readonly OutEnvelope[] =>
      db.all<OutEnvelope>(
        'SELECT seq, envelope_id, digest, signed, follows, attempts, last_error, queued_ms, sealed_ms, work, next_ms FROM envelopes WHERE document_seq = ? ORDER BY seq DESC',
        documentSeq,
      ),
    recipientsOf: (envelopeSeq: number): readonly OutRecipient[] =>
      db.all<OutRecipient>(
        'SELECT idx, unit, desk, state, code, at_ms, settled_ms FROM outbox_recipients WHERE envelope_seq = ? ORDER BY idx',
        envelopeSeq,
      ),
    outParts: (documentSeq: number): readonly StoredPart[] =>
      db.all<StoredPart>(`SELECT ${part} FROM out_parts WHERE document_seq = ? ORDER BY idx`, documentSeq),
    inParts: (inboxSeq: number): readonly StoredPart[] =>
      db.all<StoredPart>(`SELECT ${part} FROM in_parts WHERE inbox_seq = ? ORDER BY idx`, inboxSeq),
    outContent: (documentSeq: number, idx: number): Uint8Array | null | undefined =>
      db.get<{ content: Uint8Array | null }>(
        'SELECT content FROM out_parts WHERE document_seq = ? AND idx = ?',
        documentSeq,
        idx,
      )?.content,
    inContent: (inboxSeq: number, idx: number): Uint8Array | null | undefined =>
      db.get<{ content: Uint8Array | null }>(
        'SELECT content FROM in_parts WHERE inbox_seq = ? AND idx = ?',
        inboxSeq,
        idx,
      )?.content,
    /** By document or envelope id; the newest arrival. */
    arrivalById: (id: Uint8Array): Arrival | undefined =>
      db.get<Arrival>(
        `SELECT ${arrivalColumns} FROM inbox WHERE document_id = ?1 OR envelope_id = ?1 ORDER BY seq DESC LIMIT 1`,
        id,
      ),
    arrivalRecipients: (inboxSeq: number) =>
      db.all<{ idx: number; unit: string; desk: string }>(
        'SELECT idx, unit, desk FROM inbox_recipients WHERE inbox_seq = ? ORDER BY idx',
        inboxSeq,
      ),
    /** In the order in which they came. */
    statementsOf: (envelopeId: Uint8Array): readonly StoredStatement[] =>
      db.all<StoredStatement>(
        'SELECT id, event, issuer, at_ms, bytes FROM statements WHERE envelope_id = ? ORDER BY id',
        envelopeId,
      ),
    documentOfEnvelope: (envelopeId: Uint8Array) =>
      db.get<{ documentId: Uint8Array; unit: string }>(
        'SELECT d.document_id AS documentId, d.unit FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE e.envelope_id = ?',
        envelopeId,
      ),
    alarms: () =>
      db.all<{ id: number; at_ms: number; code: string; about: string; said: string; count: number }>(
        'SELECT id, at_ms, code, about, said, count FROM alarms WHERE seen_ms IS NULL ORDER BY at_ms DESC LIMIT 100',
      ),
    auditPage: (after: string | undefined, limit: number) =>
      db.all<{ id: number; at_ms: number; actor: string; act: string; about: string; said: string }>(
        'SELECT id, at_ms, actor, act, about, said FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?',
        before(after),
        limit,
      ),
  };
}

function before(after: string | undefined): number {
  return after !== undefined && /^\d{1,15}$/.test(after) ? Number(after) : Number.MAX_SAFE_INTEGER;
}
