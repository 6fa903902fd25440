// Reads for the figures of a month and for what lies with whom. Ranges by index; a month of a large unit is walked row by row, never held whole.
import { type Database, schemaVersion } from '../../protocol/node/sqlite.ts';
import { events } from '../../protocol/statement.ts';
import { newestToRecipient } from '../store/newest.ts';

type Range = { readonly unit: string; readonly fromMs: number; readonly untilMs: number };
export type SentOfMonth = {
  readonly seq: number;
  readonly urgency: number;
  readonly created_ms: number;
  readonly metadata: Uint8Array | null;
  readonly document_id: Uint8Array;
  /** When the hub took the first sending; NULL: not yet. */
  readonly accepted_ms: number | null;
};
export type ReceivedOfMonth = {
  readonly sender: string;
  readonly urgency: number;
  readonly received_ms: number;
  readonly metadata: Uint8Array | null;
  readonly code: string;
  readonly accepted_ms: number | null;
};
export type LoadRow = {
  readonly person: string;
  readonly desk: string;
  readonly open: number;
  readonly near: number;
  readonly late: number;
};
export type SavedViewRow = {
  readonly id: number;
  readonly list: 'in' | 'out';
  readonly name: string;
  readonly query: string;
};

export function figureReads(db: Database) {
  return {
    sentBetween: ({ unit, fromMs, untilMs }: Range): Iterable<SentOfMonth> =>
      db.each<SentOfMonth>(
        `SELECT d.seq, d.document_id, d.urgency, d.created_ms, d.metadata,
           (SELECT min(s.at_ms) FROM envelopes e JOIN statements s ON s.envelope_id = e.envelope_id AND s.direction = 'in'
              AND s.event = ${events.SubmissionAcceptance} WHERE e.document_seq = d.seq) AS accepted_ms
         FROM documents d WHERE d.unit = ? AND d.kind IN (1,3) AND d.created_ms >= ? AND d.created_ms < ?`,
        unit,
        fromMs,
        untilMs,
      ),
    /** The addressees of a document, each as its newest sending to it stands; `returned`: the office gave it back (02). */
    recipientsFor: (documentSeq: number, documentId: Uint8Array) =>
      db.all<{ unit: string; state: string; returned: number }>(
        `SELECT r.unit, r.state, EXISTS (SELECT 1 FROM statuses s WHERE s.direction = 'in' AND s.document_id = ?2 AND s.unit = r.unit
           AND s.code = '02' AND s.state = 'applied') AS returned
         FROM envelopes e JOIN outbox_recipients r ON r.envelope_seq = e.seq WHERE e.document_seq = ?1 AND ${newestToRecipient('e', 'r')}`,
        documentSeq,
        documentId,
      ),
    receivedBetween: ({ unit, fromMs, untilMs }: Range): Iterable<ReceivedOfMonth> =>
      db.each<ReceivedOfMonth>(
        `SELECT i.sender, i.urgency, i.received_ms, i.metadata, v.code,
           (SELECT min(s.at_ms) FROM statuses s WHERE s.direction = 'out' AND s.document_id = i.document_id AND s.unit = ?1
              AND s.code IN ('02','03')) AS accepted_ms
         FROM inbox i JOIN received v ON v.inbox_seq = i.seq AND v.sender = i.sender AND v.document_id = i.document_id AND v.unit = ?1
         WHERE i.kind IN (1,3) AND i.received_ms >= ?2 AND i.received_ms < ?3`,
        unit,
        fromMs,
        untilMs,
      ),
    /** Lines entered by hand, by kind of document. */
    paperBetween: (unit: string, book: 'in' | 'out', fromDay: string, untilDay: string) =>
      db.all<{ type: string; n: number }>(
        `SELECT opened(e.type) AS type, count(*) AS n FROM books b JOIN entries e ON e.book = b.id
         WHERE b.unit = ? AND b.kind = ? AND e.origin = 'paper' AND e.struck IS NULL AND e.day >= ? AND e.day < ? GROUP BY 1`,
        unit,
        book,
        fromDay,
        untilDay,
      ),
    /** Open tasks by person or desk; `near` until `nearMs`. Most late first. */
    loads: (unit: string, nowMs: number, nearMs: number): readonly LoadRow[] =>
      db.all<LoadRow>(
        `SELECT person, desk, count(*) AS open, coalesce(sum(due_ms >= ?2 AND due_ms < ?3), 0) AS near, coalesce(sum(due_ms < ?2), 0) AS late
         FROM tasks WHERE unit = ?1 AND state IN ('given','working') GROUP BY person, desk ORDER BY late DESC, near DESC, open DESC LIMIT 500`,
        unit,
        nowMs,
        nearMs,
      ),
    lastNudges: (unit: string, sinceMs: number) =>
      db.all<{ email: string; at_ms: number }>(
        `SELECT p.email, max(n.at_ms) AS at_ms FROM nudges n JOIN persons p ON p.id = n.taker WHERE n.unit = ? AND n.at_ms >= ? GROUP BY p.id`,
        unit,
        sinceMs,
      ),
    nudgesFor: (unit: string, taker: number) =>
      db.all<{ id: number; name: string; said: string; at_ms: number }>(
        `SELECT n.id, p.name, n.said, n.at_ms FROM nudges n JOIN persons p ON p.id = n.giver
         WHERE n.unit = ? AND n.taker = ? AND n.seen_ms IS NULL ORDER BY n.id DESC LIMIT 20`,
        unit,
        taker,
      ),
    schemaVersion: (): number => schemaVersion(db),
    /** Numbers by code and state, for the support bundle: no text of any row. `sinceMs` bounds what is counted of the audit. */
    supportCounts: (sinceMs: number) => {
      const counted = (sql: string, ...values: number[]) =>
        Object.fromEntries(
          db.all<{ name: string; n: number }>(sql, ...values).map(({ name, n }) => [name, n]),
        );
      return {
        outboxByState: counted('SELECT state AS name, count(*) AS n FROM outbox_recipients GROUP BY state'),
        workWaiting: counted(
          "SELECT work AS name, count(*) AS n FROM envelopes WHERE work <> 'done' GROUP BY work",
        ),
        lastErrors: counted(
          "SELECT last_error AS name, count(*) AS n FROM envelopes WHERE work <> 'done' AND last_error IS NOT NULL GROUP BY last_error",
        ),
        inboxByStatus: counted('SELECT code AS name, count(*) AS n FROM received GROUP BY code'),
        receiptsWaiting: counted(
          "SELECT post AS name, count(*) AS n FROM statements WHERE post = 'pending' GROUP BY post",
        ),
        asideByCode: counted('SELECT code AS name, count(*) AS n FROM aside GROUP BY code'),
        actsOfTheWeek: counted(
          'SELECT act AS name, count(*) AS n FROM audit WHERE at_ms >= ? GROUP BY act',
          sinceMs,
        ),
        peopleByState: counted('SELECT state AS name, count(*) AS n FROM persons GROUP BY state'),
      };
    },
    savedViews: (unit: string, person: number): readonly SavedViewRow[] =>
      db.all<SavedViewRow>(
        'SELECT id, list, name, query FROM saved_views WHERE unit = ? AND person = ? ORDER BY list, name',
        unit,
        person,
      ),
  };
}
