// Reads for people: pages of outbox and inbox, one document, its statements, audit, alarms. Newest first, bounded, by index.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { OutboxState } from '../../protocol/states.ts';
import type { InboxPageOptions, OutboxPageOptions } from '../core.ts';

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
};
export type OutRecipient = {
  readonly idx: number;
  readonly unit: string;
  readonly desk: string;
  readonly state: OutboxState;
  readonly code: string | null;
  readonly at_ms: number;
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
const like = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;
const arrival = `seq, sender, envelope_id, document_id, digest, signed, hops, salt, metadata, receipt, accepted_ms, received_ms, kind, urgency,
  created_ms, reply_by_ms, subject, notation, number, destroyed_ms, updated_by`;
const textFilter = `(?2 IS NULL OR subject LIKE ?2 ESCAPE '\\' OR notation LIKE ?2 ESCAPE '\\' OR number LIKE ?2 ESCAPE '\\')`;

export function viewReads(db: Database) {
  return {
    // A page is walked newest first and ends after its rows: an index over times (the + hides it) would sort everything first.
    outboxPage: (o: OutboxPageOptions, limit: number): readonly OutDocument[] =>
      db.all<OutDocument>(
        `SELECT * FROM documents d WHERE seq < ?1 AND ${textFilter} AND (?3 IS NULL OR +unit = ?3) AND +created_ms >= ?4 AND +created_ms < ?5
           AND (?6 IS NULL OR EXISTS (SELECT 1 FROM outbox_recipients r JOIN envelopes e ON e.seq = r.envelope_seq
             WHERE e.document_seq = d.seq AND r.state = ?6 AND NOT EXISTS (SELECT 1 FROM envelopes later
               JOIN outbox_recipients l ON l.envelope_seq = later.seq
               WHERE later.document_seq = d.seq AND later.seq > e.seq AND l.unit = r.unit AND l.desk = r.desk)))
           AND (?8 OR kind NOT IN (2,4,5)) ORDER BY seq DESC LIMIT ?7`,
        before(o.after),
        o.text ? like(o.text) : null,
        o.unit ?? null,
        o.sinceMs ?? 0,
        o.untilMs ?? Number.MAX_SAFE_INTEGER,
        o.state ?? null,
        limit,
        o.every ? 1 : 0,
      ),
    /** Arrivals of a sender that the hub accepted from a time on: few, since it is asked about withdrawn seals. */
    arrivalsSince: (sender: string, acceptedMs: number): readonly Arrival[] =>
      db.all<Arrival>(
        `SELECT ${arrival} FROM inbox WHERE sender = ? AND accepted_ms >= ? ORDER BY seq LIMIT 1000`,
        sender,
        acceptedMs,
      ),
    inboxPage: (o: InboxPageOptions, limit: number): readonly Arrival[] =>
      db.all<Arrival>(
        `SELECT ${arrival} FROM inbox i WHERE seq < ?1 AND ${textFilter} AND (?3 IS NULL OR EXISTS
           (SELECT 1 FROM inbox_recipients r WHERE r.unit = ?3 AND r.inbox_seq = i.seq))
           AND +received_ms >= ?4 AND +received_ms < ?5 AND (?6 IS NULL OR sender = ?6)
           AND (?8 OR kind NOT IN (2,4,5))
           AND (?9 IS NULL OR i.seq IN (SELECT inbox_seq FROM received WHERE unit = ?3 AND instr(?9, code) > 0))
           AND urgency >= ?10 ORDER BY seq DESC LIMIT ?7`,
        before(o.after),
        o.text ? like(o.text) : null,
        o.unit ?? null,
        o.sinceMs ?? 0,
        o.untilMs ?? Number.MAX_SAFE_INTEGER,
        o.sender ?? null,
        limit,
        o.every ? 1 : 0,
        o.codes?.join(' ') ?? null,
        o.urgency ?? 0,
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
        'SELECT seq, envelope_id, digest, signed, follows, attempts, last_error, queued_ms, sealed_ms FROM envelopes WHERE document_seq = ? ORDER BY seq DESC',
        documentSeq,
      ),
    recipientsOf: (envelopeSeq: number): readonly OutRecipient[] =>
      db.all<OutRecipient>(
        'SELECT idx, unit, desk, state, code, at_ms FROM outbox_recipients WHERE envelope_seq = ? ORDER BY idx',
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
        `SELECT ${arrival} FROM inbox WHERE document_id = ?1 OR envelope_id = ?1 ORDER BY seq DESC LIMIT 1`,
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
