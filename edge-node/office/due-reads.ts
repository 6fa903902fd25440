// Reads for deadlines: what was handed in and is not yet at the hub, what came and was not accepted, presented or answered, open tasks. Each
// bounded to the newest; an old backlog is late anyway.
import type { Database } from '../../protocol/node/sqlite.ts';
import { newestToRecipient } from '../store/newest.ts';

const rowsMax = 2_000;
export type SendRow = {
  readonly document_id: Uint8Array;
  readonly unit: string;
  readonly urgency: number;
  readonly created_ms: number;
  readonly metadata: Uint8Array | null;
  readonly subject: string | null;
  readonly number: string | null;
  readonly notation: string | null;
};
export type ReceivedDueRow = {
  readonly inbox_seq: number;
  readonly unit: string;
  readonly document_id: Uint8Array;
  readonly envelope_id: Uint8Array;
  readonly urgency: number;
  readonly received_ms: number;
  readonly reply_by_ms: number;
  readonly code: string;
  readonly subject: string | null;
  readonly number: string | null;
  readonly notation: string | null;
};
export type AnswerRow = SendRow & { readonly reply_by_ms: number; readonly waiting: string };
/** `person` and `desk` are empty where the term is the document's own, of its acceptance. */
export type TaskDueRow = {
  readonly document_id: Uint8Array;
  readonly unit: string;
  readonly person: string;
  readonly desk: string;
  readonly due_ms: number;
  readonly subject: string | null;
  readonly number: string | null;
  readonly notation: string | null;
  readonly urgency: number;
  readonly envelope_id: Uint8Array;
};

export function dueReads(db: Database) {
  return {
    /** Not accepted by the hub yet: the newest sending is still to be sealed or sent. */
    notSent: (unit: string): readonly SendRow[] =>
      db.all<SendRow>(
        `SELECT d.document_id, d.unit, d.urgency, d.created_ms, d.metadata, d.subject, d.number, d.notation
           FROM (SELECT DISTINCT document_seq FROM envelopes INDEXED BY envelopes_unsent WHERE work <> 'done') e
           JOIN documents d ON d.seq = e.document_seq WHERE d.unit = ? AND d.kind IN (1, 3) ORDER BY d.seq DESC LIMIT ${rowsMax}`,
        unit,
      ),
    /** At our unit and neither finished, given back nor recalled. */
    notFinished: (unit: string): readonly ReceivedDueRow[] =>
      db.all<ReceivedDueRow>(
        `SELECT r.inbox_seq, r.unit, i.document_id, i.envelope_id, i.urgency, i.received_ms, i.reply_by_ms, r.code, i.subject, i.number, i.notation
         FROM received r JOIN inbox i ON i.seq = r.inbox_seq WHERE r.unit = ? AND r.code NOT IN ('02','06') AND r.recall = ''
         ORDER BY r.inbox_seq DESC LIMIT ${rowsMax}`,
        unit,
      ),
    /** Documents of ours with a term for the answer; `waiting`: units that have neither finished nor refused. */
    answersAwaited: (unit: string): readonly AnswerRow[] =>
      db.all<AnswerRow>(
        `SELECT * FROM (SELECT d.document_id, d.unit, d.urgency, d.created_ms, d.metadata, d.subject, d.number, d.notation, d.reply_by_ms,
           (SELECT group_concat(r.unit, ' ') FROM envelopes e JOIN outbox_recipients r ON r.envelope_seq = e.seq WHERE e.document_seq = d.seq
              AND r.state IN ('queued','accepted','relayed','delivered') AND ${newestToRecipient('e', 'r')} AND NOT EXISTS
              (SELECT 1 FROM statuses s WHERE s.direction = 'in' AND s.document_id = d.document_id AND s.unit = r.unit AND s.code IN ('02','06'))) AS waiting
         FROM documents d WHERE d.unit = ? AND d.reply_by_ms > 0 AND d.kind IN (1, 3) ORDER BY d.seq DESC LIMIT ${rowsMax}) WHERE waiting IS NOT NULL`,
        unit,
      ),
    tasksDue: (unit: string): readonly TaskDueRow[] =>
      db.all<TaskDueRow>(
        `SELECT t.document_id, t.unit, t.person, t.desk, t.due_ms, i.subject, i.number, i.notation, i.urgency, i.envelope_id FROM tasks t
           JOIN received r ON r.sender = t.sender AND r.document_id = t.document_id AND r.unit = t.unit JOIN inbox i ON i.seq = r.inbox_seq
         WHERE t.unit = ? AND t.state IN ('given','working') AND t.due_ms IS NOT NULL ORDER BY t.due_ms LIMIT ${rowsMax}`,
        unit,
      ),
    /** Terms of documents from their acceptance, until a task has one of its own. */
    acceptedDue: (unit: string): readonly TaskDueRow[] =>
      db.all<TaskDueRow>(
        `SELECT r.document_id, r.unit, '' AS person, '' AS desk, r.due_ms, i.subject, i.number, i.notation, i.urgency, i.envelope_id
           FROM received r INDEXED BY received_due JOIN inbox i ON i.seq = r.inbox_seq
         WHERE r.unit = ? AND r.due_ms IS NOT NULL AND r.code NOT IN ('02','06') AND r.recall = '' AND NOT EXISTS (SELECT 1 FROM tasks t
           WHERE t.sender = r.sender AND t.document_id = r.document_id AND t.unit = r.unit AND t.state IN ('given','working') AND t.due_ms IS NOT NULL)
         ORDER BY r.due_ms LIMIT ${rowsMax}`,
        unit,
      ),
    acceptedDueOf: (unit: string, sender: string, documentId: Uint8Array): number | undefined =>
      db.get<{ due_ms: number | null }>(
        'SELECT due_ms FROM received WHERE sender = ? AND document_id = ? AND unit = ?',
        sender,
        documentId,
        unit,
      )?.due_ms ?? undefined,
  };
}
