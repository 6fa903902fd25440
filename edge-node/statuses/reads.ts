// Reads of statuses, requests, replacements and duplicates for views and workers: short, by index, on the reading connection.
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds } from '../../protocol/seal.ts';
import { type LatestRecipient, latestRecipientsSql } from '../store/outbox-ops.ts';
import { arrivedTwiceSql } from './numbers.ts';
import type { RequestKind, RequestState } from './request-ops.ts';

export type StoredStatus = {
  readonly status_document: Uint8Array;
  readonly sender: string;
  readonly unit: string;
  readonly by_unit: string;
  readonly code: string;
  readonly counter: number;
  readonly at_ms: number;
  readonly accepted_ms: number;
  readonly reason: number;
  readonly registered_number: string | null;
  readonly person: string | null;
  readonly text: string | null;
  readonly request: Uint8Array | null;
};
export type StoredRequest = {
  readonly inbox_seq: number;
  readonly unit: string;
  readonly kind: RequestKind;
  readonly sender: string;
  readonly document_id: Uint8Array;
  readonly state: RequestState;
  readonly asked_ms: number;
  readonly decided_ms: number | null;
  readonly actor: string;
  readonly envelope_id: Uint8Array;
  readonly metadata: Uint8Array | null;
};
export type StoredReceived = {
  readonly unit: string;
  readonly code: string;
  readonly at_ms: number;
  readonly recall: '' | 'destroying' | 'destroyed';
  /** The term that it was accepted with. */
  readonly due_ms: number | null;
};
/** A request of ours: the envelope, and where it stands on its way to one unit. */
export type AskedOf = {
  readonly document_id: Uint8Array;
  readonly kind: number;
  readonly counter: number;
  readonly created_ms: number;
  readonly unit: string;
  readonly state: string;
};
export type Destroying = {
  readonly inbox_seq: number;
  readonly unit: string;
  readonly documentId: Uint8Array;
};

const requestColumns = `q.inbox_seq, q.unit, q.kind, q.sender, q.document_id, q.state, q.asked_ms, q.decided_ms, q.actor, i.envelope_id, i.metadata`;
const statusColumns =
  'status_document, sender, unit, by_unit, code, counter, at_ms, accepted_ms, reason, registered_number, person, text, request';

export function statusReads(db: Database) {
  return {
    /** Units that sealed this document, if it came here, and those it was sent to, if it went from here. */
    unitsConcerned: (documentId: Uint8Array): readonly string[] =>
      db
        .all<{ unit: string }>(
          `SELECT DISTINCT sender AS unit FROM received WHERE document_id = ?1 UNION
           SELECT r.unit FROM documents d JOIN envelopes e ON e.document_seq = d.seq JOIN outbox_recipients r ON r.envelope_seq = e.seq
           WHERE d.document_id = ?1`,
          documentId,
        )
        .map(({ unit }) => unit),
    latestRecipients: (documentSeq: number): readonly LatestRecipient[] =>
      db.all<LatestRecipient>(latestRecipientsSql, documentSeq),
    /** By counter: the order in which they were said. */
    statusesOf: (direction: 'out' | 'in', documentId: Uint8Array): readonly StoredStatus[] =>
      db.all<StoredStatus>(
        `SELECT ${statusColumns} FROM statuses WHERE direction = ? AND document_id = ? AND state = 'applied' ORDER BY counter, id`,
        direction,
        documentId,
      ),
    receivedOf: (sender: string, documentId: Uint8Array): readonly StoredReceived[] =>
      db.all<StoredReceived>(
        'SELECT unit, code, at_ms, recall, due_ms FROM received WHERE sender = ? AND document_id = ?',
        sender,
        documentId,
      ),
    /** Newest first. */
    requests: (o: { state: RequestState | undefined; limit: number }): readonly StoredRequest[] =>
      db.all<StoredRequest>(
        `SELECT ${requestColumns} FROM requests q JOIN inbox i ON i.seq = q.inbox_seq
         WHERE (?1 IS NULL OR q.state = ?1) AND q.state <> 'waiting' ORDER BY q.asked_ms DESC LIMIT ?2`,
        o.state ?? null,
        o.limit,
      ),
    requestsWaiting: (): number =>
      db.get<{ n: number }>(`SELECT count(*) AS n FROM requests WHERE state = 'open'`)!.n,
    requestsOf: (documentId: Uint8Array): readonly StoredRequest[] =>
      db.all<StoredRequest>(
        `SELECT ${requestColumns} FROM requests q JOIN inbox i ON i.seq = q.inbox_seq WHERE q.document_id = ? ORDER BY q.counter`,
        documentId,
      ),
    requestById: (envelopeOrDocumentId: Uint8Array): readonly StoredRequest[] =>
      db.all<StoredRequest>(
        `SELECT ${requestColumns} FROM requests q JOIN inbox i ON i.seq = q.inbox_seq
         WHERE i.envelope_id = ?1 OR i.document_id = ?1 ORDER BY q.inbox_seq DESC`,
        envelopeOrDocumentId,
      ),
    /** Requests of ours about a document of ours, one row per unit asked, oldest first. */
    askedAbout: (target: Uint8Array): readonly AskedOf[] =>
      db.all<AskedOf>(
        `SELECT d.document_id, c.kind, c.counter, d.created_ms, r.unit, r.state FROM changes c JOIN documents d ON d.seq = c.document_seq
           JOIN envelopes e ON e.document_seq = d.seq JOIN outbox_recipients r ON r.envelope_seq = e.seq
         WHERE c.target = ? AND c.kind IN (${kinds.update}, ${kinds.recall}) ORDER BY c.counter, e.seq`,
        target,
      ),
    /** The newest update of a document of ours: row and metadata. */
    newestUpdate: (target: Uint8Array) =>
      db.get<{ seq: number; metadata: Uint8Array | null }>(
        `SELECT d.seq, d.metadata FROM changes c JOIN documents d ON d.seq = c.document_seq WHERE c.target = ? AND c.kind = ${kinds.update}
         ORDER BY c.counter DESC LIMIT 1`,
        target,
      ),
    /** Documents of ours that replaced this one, oldest first. */
    sentReplacements: (target: Uint8Array): readonly Uint8Array[] =>
      db
        .all<{ document_id: Uint8Array }>(
          `SELECT d.document_id FROM changes c JOIN documents d ON d.seq = c.document_seq WHERE c.target = ? AND c.kind = ${kinds.replacement}
           ORDER BY c.counter`,
          target,
        )
        .map(({ document_id }) => document_id),
    replacementsOf: (
      documentId: Uint8Array,
    ): readonly { unit: string; by_document: Uint8Array; at_ms: number }[] =>
      db.all(
        'SELECT unit, by_document, at_ms FROM replacements WHERE document_id = ? ORDER BY at_ms',
        documentId,
      ),
    arrivedTwice: (documentId: Uint8Array, sender: string, unit: string): readonly Uint8Array[] =>
      db
        .all<{ documentId: Uint8Array }>(arrivedTwiceSql, documentId, sender, unit)
        .map((row) => row.documentId),
    destroying: (limit: number): readonly Destroying[] =>
      db.all<Destroying>(
        `SELECT inbox_seq, unit, document_id AS documentId FROM requests WHERE state = 'destroying' ORDER BY asked_ms LIMIT ?`,
        limit,
      ),
    unlinks: (limit: number): readonly { sha256: Uint8Array; at_ms: number }[] =>
      db.all('SELECT sha256, at_ms FROM unlinks ORDER BY at_ms LIMIT ?', limit),
    /** Metadata of the update that a received document shows now, of its own seal otherwise. */
    metadataOfRow: (inboxSeq: number): Uint8Array | null =>
      db.get<{ metadata: Uint8Array | null }>('SELECT metadata FROM inbox WHERE seq = ?', inboxSeq)
        ?.metadata ?? null,
  };
}
