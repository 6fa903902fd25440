// Reads for the console: drafts, unread arrivals, counts of the day. By index, bounded.
import { vietnamDay } from '../../protocol/document/judge.ts';
import { numberKey } from '../../protocol/document/notation.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { returnedSql, unansweredSql } from '../store/list-reads.ts';
import { newestToRecipient } from '../store/newest.ts';
import type { DraftState } from './contract.ts';

export type DraftRecord = {
  readonly id: number;
  readonly draft: string;
  readonly unit: string;
  readonly person: number;
  readonly state: DraftState;
  readonly revision: number;
  readonly fields: string;
  readonly changed_ms: number;
  readonly due_ms: number | null;
  readonly sender: number | null;
  readonly document_id: string | null;
  readonly last_error: string | null;
  readonly email: string;
};

const joined = 'SELECT d.*, p.email FROM drafts d JOIN persons p ON p.id = d.person';

export function draftReads(db: Database) {
  return {
    draftOf: (draft: string, unit: string): DraftRecord | undefined =>
      db.get<DraftRecord>(`${joined} WHERE d.draft = ? AND d.unit = ?`, draft, unit),
    /** Open and held, newest change first. */
    draftsOf: (unit: string): readonly DraftRecord[] =>
      db.all<DraftRecord>(
        `${joined} WHERE d.unit = ? AND d.state IN ('open','held') ORDER BY d.changed_ms DESC LIMIT 200`,
        unit,
      ),
    draftsDue: (nowMs: number): readonly DraftRecord[] =>
      db.all<DraftRecord>(
        `${joined} WHERE d.state = 'held' AND d.due_ms <= ? ORDER BY d.due_ms LIMIT 20`,
        nowMs,
      ),
    nextDraftDue: (): number | undefined =>
      db.get<{ due_ms: number | null }>("SELECT min(due_ms) AS due_ms FROM drafts WHERE state = 'held'")
        ?.due_ms ?? undefined,
    draftCount: (unit: string): number =>
      db.get<{ n: number }>(
        "SELECT count(*) AS n FROM drafts WHERE unit = ? AND state IN ('open','held')",
        unit,
      )?.n ?? 0,
    /** Handed-in documents of the unit in this year with the same number and notation. */
    numberUsed: (unit: string, number: string, notation: string, sinceMs: number) =>
      db.get<{ created_ms: number }>(
        `SELECT d.created_ms FROM document_numbers n JOIN documents d ON d.document_id = n.document_id
         WHERE n.direction = 'out' AND n.issuer = ? AND n.year = ? AND n.number = ? AND d.created_ms >= ? ORDER BY d.seq DESC LIMIT 1`,
        unit,
        Number(vietnamDay(sinceMs).slice(0, 4)),
        db.cells.compared(numberKey(number, notation)),
        sinceMs,
      )?.created_ms,
    isRead: (envelopeId: Uint8Array): boolean =>
      db.get('SELECT 1 FROM readings WHERE envelope_id = ? LIMIT 1', envelopeId) !== undefined,
    /** Beside a row of the list of arrivals: how many files it has, and the earliest term of an open task of the unit, else that of its acceptance. */
    besideArrival: (envelopeId: Uint8Array, unit: string) =>
      db.get<{ parts: number; due_ms: number | null }>(
        `SELECT (SELECT count(*) FROM in_parts p WHERE p.inbox_seq = i.seq) AS parts,
           coalesce((SELECT min(t.due_ms) FROM tasks t WHERE t.document_id = i.document_id AND t.unit = ?2 AND t.sender = i.sender
             AND t.state IN ('given','working')),
             (SELECT r.due_ms FROM received r WHERE r.sender = i.sender AND r.document_id = i.document_id AND r.unit = ?2)) AS due_ms
         FROM inbox i WHERE i.envelope_id = ?1 LIMIT 1`,
        envelopeId,
        unit,
      ),
    /** Who sent the unit the newest 5,000 arrivals; at most 500. */
    sendersOf: (unit: string) =>
      db.all<{ sender: string }>(
        `SELECT DISTINCT i.sender FROM (SELECT inbox_seq FROM inbox_recipients WHERE unit = ? ORDER BY inbox_seq DESC LIMIT 5000) r
           JOIN inbox i ON i.seq = r.inbox_seq LIMIT 500`,
        unit,
      ),
    /** When the newest envelope of a sender came, a document or a status. */
    lastFrom: (sender: string): number | undefined =>
      db.get<{ received_ms: number }>(
        'SELECT received_ms FROM inbox INDEXED BY inbox_sender WHERE sender = ? ORDER BY seq DESC LIMIT 1',
        sender,
      )?.received_ms,
    /** Documents of people (not statuses) for the unit that nobody has opened; counted up to 1,000. */
    unread: (unit: string) =>
      db.get<{ n: number; urgent: number; oldest: number | null }>(
        `SELECT count(*) AS n, coalesce(sum(urgency > 0), 0) AS urgent, min(received_ms) AS oldest FROM (
           SELECT i.urgency, i.received_ms FROM inbox_recipients r JOIN inbox i ON i.seq = r.inbox_seq
           WHERE r.unit = ? AND i.kind IN (1,3) AND NOT EXISTS (SELECT 1 FROM readings WHERE envelope_id = i.envelope_id)
           ORDER BY r.inbox_seq DESC LIMIT 1000)`,
        unit,
      )!,
    /** Flash documents that came before `beforeMs` and that nobody has opened. */
    flashUnread: (beforeMs: number) =>
      db.all<{ envelope_id: Uint8Array; unit: string; received_ms: number }>(
        `SELECT i.envelope_id, r.unit, i.received_ms FROM inbox i JOIN inbox_recipients r ON r.inbox_seq = i.seq
         WHERE i.urgency >= 3 AND i.kind IN (1,3) AND i.seq > (SELECT max(seq) - 2000 FROM inbox) AND i.received_ms <= ?1 AND i.received_ms > ?1 - 604800000
         AND NOT EXISTS (SELECT 1 FROM readings WHERE envelope_id = i.envelope_id) LIMIT 100`,
        beforeMs,
      ),
    /** Flash sendings queued before `beforeMs` that some recipient has not got; of the last week. */
    flashUndelivered: (beforeMs: number) =>
      db.all<{ document_id: Uint8Array; units: string }>(
        `SELECT d.document_id, group_concat(r.unit, ' ') AS units FROM documents d
         JOIN envelopes e ON e.document_seq = d.seq
         JOIN outbox_recipients r ON r.envelope_seq = e.seq AND r.state IN ('queued','accepted','relayed') AND ${newestToRecipient('e', 'r')}
         WHERE d.urgency >= 3 AND d.kind IN (1,3) AND d.seq > (SELECT max(seq) - 2000 FROM documents)
         AND e.queued_ms <= ?1 AND e.queued_ms > ?1 - 604800000 GROUP BY d.seq LIMIT 100`,
        beforeMs,
      ),
    alarmRaised: (code: string, about: string): boolean =>
      db.get('SELECT 1 FROM alarms WHERE code = ? AND about = ?', code, about) !== undefined,
    /** Sendings of the unit, of its newest 5,000, that wait to leave or did not arrive somewhere and were not settled; `all`: either. */
    unsentCounts: (unit: string) =>
      db.get<{ all: number; queued: number; failed: number }>(
        `SELECT count(*) AS "all", coalesce(sum(queued), 0) AS queued, coalesce(sum(failed), 0) AS failed FROM (
           SELECT max(o.state = 'queued') AS queued, max(o.state <> 'queued') AS failed FROM outbox_recipients o INDEXED BY outbox_undelivered
           CROSS JOIN envelopes e ON e.seq = o.envelope_seq CROSS JOIN documents d ON d.seq = e.document_seq
           WHERE o.state <> 'delivered' AND o.state IN ('queued','refused','undeliverable','expired') AND o.settled_ms IS NULL AND d.unit = ? AND d.kind IN (1,3)
             AND d.seq > (SELECT max(seq) - 5000 FROM documents) AND ${newestToRecipient('e', 'o')} GROUP BY d.seq)`,
        unit,
      )!,
    /** Documents of the unit that an office gave back since `sinceMs`. */
    returnedCount: (unit: string, sinceMs: number): number =>
      db.get<{ n: number }>(
        `SELECT count(DISTINCT seq) AS n FROM (${returnedSql('?1', '?2')})`,
        unit,
        sinceMs,
      )!.n,
    /** Documents of the unit that an office has since before `beforeMs` and has not answered. */
    unansweredCount: (unit: string, beforeMs: number): number =>
      db.get<{ n: number }>(
        `SELECT count(DISTINCT seq) AS n FROM (${unansweredSql('?1', '?2')})`,
        unit,
        beforeMs,
      )!.n,
    /** Arrivals that wait for acceptance, counted up to 5,000. */
    waiting: (unit: string) =>
      db.get<{ n: number; oldest: number | null }>(
        `SELECT count(*) AS n, min(at_ms) AS oldest FROM (
           SELECT v.at_ms FROM received v WHERE v.unit = ? AND v.code = '01' AND v.recall = '' LIMIT 5000)`,
        unit,
      )!,
    countsSince: (unit: string, sinceMs: number) =>
      db.get<{ arrived: number; sent: number }>(
        `SELECT (SELECT count(*) FROM inbox_recipients r JOIN inbox i ON i.seq = r.inbox_seq WHERE r.unit = ?1 AND i.kind IN (1,3) AND i.received_ms >= ?2
                   AND i.seq > (SELECT max(seq) - 5000 FROM inbox)) AS arrived,
                (SELECT count(*) FROM documents WHERE unit = ?1 AND kind IN (1,3) AND created_ms >= ?2 AND seq > (SELECT max(seq) - 5000 FROM documents)) AS sent`,
        unit,
        sinceMs,
      )!,
  };
}
