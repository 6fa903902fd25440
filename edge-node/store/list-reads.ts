// Pages of the two lists, outbox and inbox, newest first, narrowed by any filters together with words of a search. Which way is walked is chosen
// here, by the rarest of the filters, and never left to guesses of the planner (a + hides an index from it): the walk ends with its page.
import type { Database, SqlValue } from '../../protocol/node/sqlite.ts';
import { kinds } from '../../protocol/seal.ts';
import type { InboxPageOptions, OutboxPageOptions } from '../core.ts';
import { remindedSql } from '../statuses/reminders.ts';
import { newestToRecipient } from './newest.ts';
import { type Arrival, arrivalColumns, type OutDocument } from './view-reads.ts';

/** `match`: a query of FTS5 (search-words.ts); `nowMs` decides what is late. */
export type ArrivalsAsked = Omit<InboxPageOptions, 'limit' | 'words'> & {
  readonly match?: string | undefined;
  readonly nowMs: number;
};
export type SendingsAsked = Omit<OutboxPageOptions, 'limit' | 'words'> & {
  readonly match?: string | undefined;
};
/** `key`: where the next page goes on. */
export type Keyed<Row> = Row & { readonly key: number };

/** Statuses after which nobody has anything left to do. */
const ended = ['02', '06'];
const unfinished = ['01', '03', '04', '05'];

const like = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;
/** By the titles that the search holds in memory; while it is being made, by the row itself. */
const textIn = (direction: 'out' | 'in', row: string, at: number) => `(?${at} IS NULL OR coalesce(
  (SELECT s.title FROM temp.search_rows s WHERE s.direction = '${direction}' AND s.seq = ${row}.seq),
  concat_ws(char(10), opened(${row}.subject), opened(${row}.notation), opened(${row}.number))) LIKE ?${at} ESCAPE '\\')`;

// An open task's term, else what was given at acceptance, else the answer that the sender asks for; none: NULL, which no comparison passes.
const due = `coalesce((SELECT min(t.due_ms) FROM tasks t WHERE t.document_id = i.document_id AND t.unit = ?4 AND t.sender = i.sender
  AND t.state IN ('given','working')), (SELECT g.due_ms FROM received g WHERE g.sender = i.sender AND g.document_id = i.document_id AND g.unit = ?4),
  nullif(i.reply_by_ms, 0))`;
const arrivalPasses = `${textIn('in', 'i', 3)} AND (?4 IS NULL OR EXISTS (SELECT 1 FROM inbox_recipients r WHERE r.unit = ?4 AND r.inbox_seq = i.seq))
  AND +i.received_ms >= ?5 AND +i.received_ms < ?6 AND (?7 IS NULL OR +i.sender = ?7) AND (?8 OR i.kind NOT IN (2,4,5)) AND i.urgency >= ?9
  AND (?10 IS NULL OR EXISTS (SELECT 1 FROM temp.search_rows k WHERE k.direction = 'in' AND k.seq = i.seq AND +k.type = ?10))
  AND (?11 IS NULL OR EXISTS (SELECT 1 FROM received v WHERE v.sender = i.sender AND v.document_id = i.document_id AND v.unit = ?4
    AND v.inbox_seq = i.seq AND instr(?11, v.code) > 0))
  AND (?12 IS NULL OR (${due} < ?13) = (?12 = 'late'))
  AND (?15 <> 'recalled' OR EXISTS (SELECT 1 FROM received v WHERE v.sender = i.sender AND v.document_id = i.document_id AND v.unit = ?4
    AND v.inbox_seq = i.seq AND v.recall <> ''))
  AND (?15 <> 'reminded' OR i.seq IN (${remindedSql('?4')}))
  AND (?15 <> 'asked' OR EXISTS (SELECT 1 FROM requests q WHERE q.document_id = i.document_id AND q.unit = ?4 AND q.sender = i.sender AND q.state = 'open'))`;
/** Words looked up for one row after the other: for a way that has few of them. */
const matches = (
  direction: 'out' | 'in',
  row: string,
  at: number,
) => `(?${at} IS NULL OR EXISTS (SELECT 1 FROM temp.search_rows f
  CROSS JOIN temp.search_words w ON w.rowid = f.id WHERE f.direction = '${direction}' AND f.seq = ${row}.seq AND search_words MATCH ?${at}))`;
const arrivalColumnsOfI = arrivalColumns
  .split(',')
  .map((name) => `i.${name.trim()}`)
  .join(', ');
/** ?1: before this key, ?2: rows; ?14: what the way itself asks for. */
const arrivalsBy = (key: string, from: string): string =>
  `SELECT ${key} AS key, ${arrivalColumnsOfI} FROM ${from} AND ${key} < ?1 AND ${arrivalPasses} ORDER BY ${key} DESC LIMIT ?2`;
const rowMatches = matches('in', 'i', 16);
const arrivals = {
  all: arrivalsBy('i.seq', 'inbox i WHERE ?14 IS NULL'),
  type: arrivalsBy(
    'k.seq',
    "temp.search_rows k INDEXED BY search_rows_type CROSS JOIN inbox i ON i.seq = k.seq WHERE k.direction = 'in' AND k.type = ?14",
  ),
  sender: arrivalsBy('i.seq', 'inbox i INDEXED BY inbox_sender WHERE i.sender = ?14'),
  standing: arrivalsBy(
    'v.inbox_seq',
    `received v INDEXED BY received_standing CROSS JOIN inbox i ON i.seq = v.inbox_seq WHERE v.unit = ?4 AND v.code = ?14 AND ${rowMatches}`,
  ),
  // Few wait for an answer at any time.
  asked: arrivalsBy(
    'i.seq',
    `inbox i WHERE ?14 IS NULL AND i.seq IN (SELECT a.seq FROM requests o INDEXED BY requests_open JOIN inbox a ON a.document_id = o.document_id WHERE o.state = 'open') AND ${rowMatches}`,
  ),
  // All that can have such a term: by the sender's wish, by a task, or from its acceptance; which of them counts is judged row by row.
  due: arrivalsBy(
    'i.seq',
    `inbox i WHERE ?14 IS NULL AND i.seq IN (
       SELECT b.seq FROM inbox b INDEXED BY inbox_reply WHERE b.reply_by_ms > 0
         AND b.reply_by_ms >= iif(?12 = 'late', 0, ?13) AND b.reply_by_ms < iif(?12 = 'late', ?13, 9e15)
       UNION ALL SELECT v.inbox_seq FROM tasks t JOIN received v ON v.sender = t.sender AND v.document_id = t.document_id AND v.unit = t.unit
         WHERE t.unit = ?4 AND t.state IN ('given','working') AND t.due_ms IS NOT NULL
       UNION ALL SELECT g.inbox_seq FROM received g INDEXED BY received_due
         WHERE g.unit = ?4 AND g.due_ms IS NOT NULL AND g.code NOT IN ('02','06')) AND ${rowMatches}`,
  ),
  recalled: arrivalsBy(
    'v.inbox_seq',
    `received v INDEXED BY received_recalled CROSS JOIN inbox i ON i.seq = v.inbox_seq WHERE ?14 IS NULL AND v.unit = ?4 AND v.recall <> '' AND ${rowMatches}`,
  ),
  reminded: arrivalsBy(
    'i.seq',
    `inbox i WHERE ?14 IS NULL AND i.seq IN (${remindedSql('?4')}) AND ${rowMatches}`,
  ),
  words: arrivalsBy(
    'w.rowid',
    "temp.search_words w CROSS JOIN temp.search_rows f ON f.id = w.rowid AND f.direction = 'in' CROSS JOIN inbox i ON i.seq = f.seq WHERE search_words MATCH ?14",
  ),
} as const;

// The newest sending to a recipient says how it stands with it.
const stands = `SELECT 1 FROM outbox_recipients r JOIN envelopes e ON e.seq = r.envelope_seq
  WHERE e.document_seq = d.seq AND r.state IN (SELECT value FROM json_each(?7)) AND (?9 = 0 OR r.settled_ms IS NULL)
    AND ${newestToRecipient('e', 'r')}`;
const sendingPasses = `${textIn('out', 'd', 3)} AND (?4 IS NULL OR +d.unit = ?4) AND +d.created_ms >= ?5 AND +d.created_ms < ?6
  AND (?7 IS NULL OR EXISTS (${stands})) AND (?8 OR d.kind NOT IN (2,4,5))`;
const sendingsBy = (key: string, from: string): string =>
  `SELECT ${key} AS key, d.* FROM ${from} AND ${key} < ?1 AND ${sendingPasses} ORDER BY ${key} DESC LIMIT ?2`;
const addressedLately = (unit: string): string =>
  `SELECT d.seq, d.document_id, r.unit, r.state, r.at_ms FROM envelopes e CROSS JOIN documents d ON d.seq = e.document_seq
     CROSS JOIN outbox_recipients r ON r.envelope_seq = e.seq WHERE e.seq > (SELECT max(seq) - 5000 FROM envelopes) AND e.unit = ${unit} AND d.kind IN (1,3)
     ORDER BY e.seq DESC LIMIT 3000`;
/** Among the same: what an office gave back since a moment, and was neither replaced nor asked back since. */
export const returnedSql = (unit: string, since: string): string =>
  `SELECT seq FROM (${addressedLately(unit)}) x
   WHERE x.state = 'delivered' AND EXISTS (SELECT 1 FROM statuses s WHERE s.document_id = x.document_id AND s.unit = x.unit
     AND s.direction = 'in' AND s.code = '02' AND s.accepted_ms >= ${since}) AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.target = x.document_id AND c.kind IN (${kinds.replacement},${kinds.recall}))`;
/**
 * Documents that somebody has since before a moment and never answered, among the newest 3,000 addresses of a unit within the newest 5,000 sendings:
 * more would cost more than a first screen may, and older ones are no work of today.
 */
export const unansweredSql = (unit: string, before: string): string =>
  `SELECT seq FROM (${addressedLately(unit)}) x
   WHERE x.state = 'delivered' AND x.at_ms < ${before} AND NOT EXISTS (SELECT 1 FROM statuses s WHERE s.document_id = x.document_id AND s.unit = x.unit
     AND s.direction = 'in' AND s.code <> '01') AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.target = x.document_id AND c.kind = ${kinds.recall})`;
const sendings = {
  all: sendingsBy('d.seq', 'documents d WHERE ?10 IS NULL'),
  undelivered: sendingsBy(
    'd.seq',
    `documents d WHERE ?10 IS NULL AND d.seq IN (SELECT n.document_seq FROM outbox_recipients u INDEXED BY outbox_undelivered
      JOIN envelopes n ON n.seq = u.envelope_seq WHERE u.state IN (SELECT value FROM json_each(?7)) AND u.state <> 'delivered') AND ${matches('out', 'd', 11)}`,
  ),
  // Few are asked back at any time.
  recalled: sendingsBy(
    'd.seq',
    `documents d WHERE ?10 IS NULL AND d.document_id IN (SELECT target FROM changes WHERE kind = ${kinds.recall}) AND ${matches('out', 'd', 11)}`,
  ),
  unanswered: sendingsBy(
    'd.seq',
    `documents d WHERE ?10 IS NULL AND d.seq IN (${unansweredSql('?4', '?12')}) AND ${matches('out', 'd', 11)}`,
  ),
  returned: sendingsBy(
    'd.seq',
    `documents d WHERE ?10 IS NULL AND d.seq IN (${returnedSql('?4', '?12')}) AND ${matches('out', 'd', 11)}`,
  ),
  words: sendingsBy(
    'w.rowid',
    "temp.search_words w CROSS JOIN temp.search_rows f ON f.id = w.rowid AND f.direction = 'out' CROSS JOIN documents d ON d.seq = f.seq WHERE search_words MATCH ?10",
  ),
} as const;

/** Ways that are walked by rows and look words up for each. */
const rowWays: readonly (keyof typeof arrivals)[] = ['standing', 'asked', 'reminded', 'due', 'recalled'];
/** So many rows are looked up one by one sooner than a common word is walked through. */
const fewMax = 1_000;
/** Keys of the words are times in microseconds, keys of rows are running numbers: a page goes on the way that it began. */
const rowKeyMax = 1e13;
const goesByRows = (after: string | undefined, few: () => boolean): boolean =>
  after === undefined ? few() : before(after) < rowKeyMax;

const few = (db: Database, from: string, ...values: SqlValue[]): boolean =>
  db.get<{ n: number }>(`SELECT count(*) AS n FROM (SELECT 1 FROM ${from} LIMIT ${fewMax + 1})`, ...values)!
    .n <= fewMax;

type Narrowed = Pick<ArrivalsAsked, 'only' | 'due' | 'nowMs'> & {
  readonly codes: readonly string[] | undefined;
};
function fewArrivals(db: Database, unit: string, o: Narrowed): boolean {
  if (o.only !== undefined) return true;
  if (
    o.due === 'running' &&
    few(db, 'inbox INDEXED BY inbox_reply WHERE reply_by_ms > 0 AND reply_by_ms >= ?', o.nowMs)
  )
    return true;
  return (
    o.codes !== undefined &&
    few(
      db,
      'received INDEXED BY received_standing WHERE unit = ? AND code IN (SELECT value FROM json_each(?))',
      unit,
      JSON.stringify(o.codes),
    )
  );
}

const fewSendings = (db: Database, states: readonly string[]): boolean =>
  few(
    db,
    `outbox_recipients INDEXED BY outbox_undelivered WHERE state IN (SELECT value FROM json_each(?)) AND state <> 'delivered'`,
    JSON.stringify(states),
  );

/** Which list is walked: the narrowest that the question names. */
function sendingWay(
  o: SendingsAsked,
  { byRows, rare }: { readonly byRows: boolean; readonly rare: boolean },
): keyof typeof sendings {
  if (o.unansweredSinceMs !== undefined) return 'unanswered';
  if (o.returnedSinceMs !== undefined) return 'returned';
  if (o.recalled) return 'recalled';
  if (!byRows) return 'words';
  return rare ? 'undelivered' : 'all';
}

export function listReads(db: Database) {
  return {
    inboxPage(o: ArrivalsAsked, limit: number): readonly Keyed<Arrival>[] {
      const codes = o.due ? (o.codes ?? unfinished).filter((code) => !ended.includes(code)) : o.codes;
      const page = (way: keyof typeof arrivals, by: SqlValue) =>
        db.all<Keyed<Arrival>>(
          arrivals[way],
          before(o.after),
          limit,
          o.text ? like(o.text) : null,
          o.unit ?? null,
          o.sinceMs ?? 0,
          o.untilMs ?? Number.MAX_SAFE_INTEGER,
          o.sender ?? null,
          o.every ? 1 : 0,
          o.urgency ?? 0,
          o.type ?? null,
          codes?.join(' ') ?? null,
          o.due ?? null,
          o.nowMs,
          by,
          o.only ?? '',
          ...(rowWays.includes(way) ? [o.match ?? null] : []),
        );
      const rare = o.unit !== undefined && (o.only ?? o.due ?? codes) !== undefined;
      const byRows =
        o.match === undefined ||
        (rare && goesByRows(o.after, () => fewArrivals(db, o.unit!, { ...o, codes })));
      if (o.match !== undefined && !byRows) return page('words', o.match);
      if (o.only !== undefined && o.unit !== undefined) return page(o.only, null);
      if (o.due && o.unit !== undefined) return page('due', null);
      // One walk per standing, each in order; the newest of all of them are the page.
      if (codes && o.unit !== undefined)
        return codes
          .flatMap((code) => page('standing', code))
          .sort((a, b) => b.key - a.key)
          .slice(0, limit);
      if (o.type !== undefined) return page('type', o.type);
      return o.sender === undefined ? page('all', null) : page('sender', o.sender);
    },
    outboxPage(o: SendingsAsked, limit: number): readonly Keyed<OutDocument>[] {
      const states = o.state === undefined ? undefined : [o.state].flat();
      const rare = states !== undefined && !states.includes('delivered');
      const byRows = o.match === undefined || (rare && goesByRows(o.after, () => fewSendings(db, states)));
      const sinceMs = o.unansweredSinceMs ?? o.returnedSinceMs;
      const way = sendingWay(o, { byRows, rare });
      return db.all<Keyed<OutDocument>>(
        sendings[way],
        before(o.after),
        limit,
        o.text ? like(o.text) : null,
        o.unit ?? null,
        o.sinceMs ?? 0,
        o.untilMs ?? Number.MAX_SAFE_INTEGER,
        states ? JSON.stringify(states) : null,
        o.every ? 1 : 0,
        o.unsettled ? 1 : 0,
        way === 'words' ? o.match! : null,
        ...(way === 'all' || way === 'words' ? [] : [o.match ?? null]),
        ...(sinceMs === undefined ? [] : [sinceMs]),
      );
    },
    /** Kinds of documents (loại văn bản) that arrivals have, each found by one step in the index. */
    arrivalTypes: (): readonly string[] =>
      db
        .all<{ type: string }>(
          `WITH RECURSIVE each(type) AS (SELECT min(type) FROM temp.search_rows WHERE direction = 'in' AND type > '' UNION ALL
             SELECT (SELECT min(type) FROM temp.search_rows WHERE direction = 'in' AND type > each.type) FROM each WHERE type IS NOT NULL)
           SELECT type FROM each WHERE type IS NOT NULL LIMIT 200`,
        )
        .map(({ type }) => type),
  };
}

function before(after: string | undefined): number {
  return after !== undefined && /^\d{1,16}$/.test(after) ? Number(after) : Number.MAX_SAFE_INTEGER;
}
