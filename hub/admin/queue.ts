// What is stuck, for whom, since when and why; figures and lists for the operator. Reads only, on the read connection.
// Must never show what people wrote: header facts and codes only. Every list is bounded.
import { catalogue, isErrorCode } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

/** An error code in both languages; a later version may have written codes that this one does not know. */
export function errorWords(code: string | null): { code: string; vi: string; en: string } | null {
  if (code === null || code === '') return null;
  return isErrorCode(code)
    ? { code, vi: catalogue[code].title.vi, en: catalogue[code].title.en }
    : { code, vi: code, en: code };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Columns of the table: an hour is normal, a day is a closed office, three days is somebody's problem. */
export const ageBuckets = [
  { name: 'under 1 h', underMs: HOUR_MS },
  { name: '1 h - 1 day', underMs: DAY_MS },
  { name: '1 - 3 days', underMs: 3 * DAY_MS },
  { name: 'over 3 days', underMs: Number.POSITIVE_INFINITY },
] as const;

export type QueueLine = {
  readonly unit: string;
  readonly peer: string;
  /** Open deliveries by age, in the order of `ageBuckets`. */
  readonly byAge: readonly number[];
  readonly byState: Readonly<Record<string, number>>;
  readonly open: number;
  readonly oldestMs: number;
  readonly lastSeenMs: number | null;
  readonly lastError: ReturnType<typeof errorWords>;
};

type QueueRow = {
  unit: string;
  peer: string;
  state: string;
  n: number;
  oldest_ms: number;
  h1: number;
  d1: number;
  d3: number;
  last_error: string | null;
  last_seen_ms: number | null;
};

/** One line for each destination with open deliveries, the oldest first. */
export function queue(db: Database, nowMs: number): QueueLine[] {
  const rows = db.all<QueueRow>(
    `SELECT d.unit, d.peer, d.state, count(*) AS n, min(e.accepted_ms) AS oldest_ms,
       sum(e.accepted_ms > ?) AS h1, sum(e.accepted_ms > ?) AS d1, sum(e.accepted_ms > ?) AS d3,
       max(d.last_error) AS last_error, p.last_seen_ms
     FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq LEFT JOIN peers p ON p.peer = d.peer
     WHERE d.state IN ('ready','deferred','leased','held','relayed') GROUP BY d.unit, d.peer, d.state`,
    nowMs - HOUR_MS,
    nowMs - DAY_MS,
    nowMs - 3 * DAY_MS,
  );
  const lines = new Map<string, QueueRow[]>();
  for (const row of rows) {
    const key = `${row.unit} ${row.peer}`;
    lines.set(key, [...(lines.get(key) ?? []), row]);
  }
  return [...lines.values()].map(queueLine).sort((a, b) => a.oldestMs - b.oldestMs);
}

function queueLine(rows: readonly QueueRow[]): QueueLine {
  const { unit, peer, last_seen_ms } = rows[0]!;
  const sum = (pick: (row: QueueRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const [open, h1, d1, d3] = [sum((r) => r.n), sum((r) => r.h1), sum((r) => r.d1), sum((r) => r.d3)];
  return {
    unit,
    peer,
    byAge: [h1, d1 - h1, d3 - d1, open - d3],
    byState: Object.fromEntries(rows.map(({ state, n }) => [state, n])),
    open,
    oldestMs: Math.min(...rows.map(({ oldest_ms }) => oldest_ms)),
    lastSeenMs: last_seen_ms,
    lastError: errorWords(rows.find(({ last_error }) => last_error !== null)?.last_error ?? null),
  };
}

export type DeliveryFilter = {
  readonly peer?: string | undefined;
  readonly unit?: string | undefined;
  readonly state?: string | undefined;
  readonly limit: number;
};

/** Open deliveries one by one, oldest first. */
export function deliveries(db: Database, filter: DeliveryFilter) {
  const rows = db.all<{
    id: number;
    envelope_id: Uint8Array;
    document_id: Uint8Array;
    sender: string;
    unit: string;
    peer: string;
    state: string;
    attempts: number;
    next_ms: number;
    deadline_ms: number;
    accepted_ms: number;
    bytes: number;
    urgency: number;
    last_error: string | null;
  }>(
    `SELECT d.id, e.envelope_id, e.document_id, e.sender, d.unit, d.peer, d.state, d.attempts, d.next_ms, d.deadline_ms,
       e.accepted_ms, e.bytes, e.urgency, d.last_error
     FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
     WHERE d.state IN ('ready','deferred','leased','held','relayed')
       AND (? IS NULL OR d.peer = ?) AND (? IS NULL OR d.unit = ?) AND (? IS NULL OR d.state = ?)
     ORDER BY d.id LIMIT ?`,
    filter.peer ?? null,
    filter.peer ?? null,
    filter.unit ?? null,
    filter.unit ?? null,
    filter.state ?? null,
    filter.state ?? null,
    filter.limit,
  );
  return rows.map(({ envelope_id, document_id, last_error, ...row }) => ({
    ...row,
    envelopeId: uuidFromBytes(envelope_id),
    documentId: uuidFromBytes(document_id),
    lastError: errorWords(last_error),
  }));
}

export function alarms(db: Database, options: { readonly all: boolean; readonly limit: number }) {
  return db.all<{
    id: number;
    atMs: number;
    code: string;
    about: string;
    said: string;
    count: number;
    seenMs: number | null;
  }>(
    `SELECT id, at_ms AS "atMs", code, about, said, count, seen_ms AS "seenMs" FROM alarms
     WHERE ? OR seen_ms IS NULL ORDER BY at_ms DESC, id DESC LIMIT ?`,
    options.all ? 1 : 0,
    options.limit,
  );
}

type Counted = { unit: string; n: number };

/** What the units sent and got between two times (regulation: the hub reports figures, never titles). */
export function report(db: Database, fromMs: number, toMs: number) {
  const totals = db.get<{ envelopes: number; bytes: number }>(
    'SELECT count(*) AS envelopes, coalesce(sum(bytes), 0) AS bytes FROM envelopes WHERE accepted_ms >= ? AND accepted_ms < ?',
    fromMs,
    toMs,
  )!;
  const sent = db.all<Counted>(
    'SELECT sender AS unit, count(*) AS n FROM envelopes WHERE accepted_ms >= ? AND accepted_ms < ? GROUP BY sender ORDER BY n DESC',
    fromMs,
    toMs,
  );
  const received = db.all<Counted & { state: string }>(
    `SELECT d.unit, d.state, count(*) AS n FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
     WHERE e.accepted_ms >= ? AND e.accepted_ms < ? GROUP BY d.unit, d.state ORDER BY d.unit, d.state`,
    fromMs,
    toMs,
  );
  const refused = db.all<{ code: string; n: number }>(
    'SELECT code, count(*) AS n FROM refusals WHERE at_ms >= ? AND at_ms < ? GROUP BY code ORDER BY n DESC',
    fromMs,
    toMs,
  );
  return { fromMs, toMs, ...totals, sent, received, refused };
}

export function ledgerHead(db: Database) {
  const head = db.get<{ sequence: number; at_ms: number; chain: Uint8Array }>(
    'SELECT sequence, at_ms, chain FROM ledger ORDER BY sequence DESC LIMIT 1',
  );
  return head
    ? { sequence: head.sequence, atMs: head.at_ms, chain: Buffer.from(head.chain).toString('hex') }
    : { sequence: 0, atMs: 0, chain: '' };
}
