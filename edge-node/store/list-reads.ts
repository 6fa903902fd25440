// Pages of the two lists, outbox and inbox, newest first, narrowed by any filters together with words of a search. Which way is walked is chosen
// here, by the rarest of the filters, and never left to guesses of the planner (a + hides an index from it): the walk ends with its page.
import type { Database, SqlValue } from '../../protocol/node/sqlite.ts';
import type { InboxPageOptions, OutboxPageOptions } from '../core.ts';
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

// An open task's term, else the answer that the sender asks for; none: NULL, which no comparison passes.
const due = `coalesce((SELECT min(t.due_ms) FROM tasks t WHERE t.document_id = i.document_id AND t.unit = ?4 AND t.sender = i.sender
  AND t.state IN ('given','working')), nullif(i.reply_by_ms, 0))`;
const arrivalPasses = `${textIn('in', 'i', 3)} AND (?4 IS NULL OR EXISTS (SELECT 1 FROM inbox_recipients r WHERE r.unit = ?4 AND r.inbox_seq = i.seq))
  AND +i.received_ms >= ?5 AND +i.received_ms < ?6 AND (?7 IS NULL OR +i.sender = ?7) AND (?8 OR i.kind NOT IN (2,4,5)) AND i.urgency >= ?9
  AND (?10 IS NULL OR EXISTS (SELECT 1 FROM temp.search_rows k WHERE k.direction = 'in' AND k.seq = i.seq AND +k.type = ?10))
  AND (?11 IS NULL OR EXISTS (SELECT 1 FROM received v WHERE v.sender = i.sender AND v.document_id = i.document_id AND v.unit = ?4
    AND v.inbox_seq = i.seq AND instr(?11, v.code) > 0))
  AND (?12 IS NULL OR (${due} < ?13) = (?12 = 'late'))
  AND (?15 <> 'recalled' OR EXISTS (SELECT 1 FROM received v WHERE v.sender = i.sender AND v.document_id = i.document_id AND v.unit = ?4
    AND v.inbox_seq = i.seq AND v.recall <> ''))
  AND (?15 <> 'asked' OR EXISTS (SELECT 1 FROM requests q WHERE q.document_id = i.document_id AND q.unit = ?4 AND q.sender = i.sender AND q.state = 'open'))`;
const arrivalColumnsOfI = arrivalColumns
  .split(',')
  .map((name) => `i.${name.trim()}`)
  .join(', ');
/** ?1: before this key, ?2: rows; ?14: what the way itself asks for. */
const arrivalsBy = (key: string, from: string): string =>
  `SELECT ${key} AS key, ${arrivalColumnsOfI} FROM ${from} AND ${key} < ?1 AND ${arrivalPasses} ORDER BY ${key} DESC LIMIT ?2`;
const arrivals = {
  all: arrivalsBy('i.seq', 'inbox i WHERE ?14 IS NULL'),
  type: arrivalsBy(
    'k.seq',
    "temp.search_rows k INDEXED BY search_rows_type CROSS JOIN inbox i ON i.seq = k.seq WHERE k.direction = 'in' AND k.type = ?14",
  ),
  sender: arrivalsBy('i.seq', 'inbox i INDEXED BY inbox_sender WHERE i.sender = ?14'),
  standing: arrivalsBy(
    'v.inbox_seq',
    'received v INDEXED BY received_standing CROSS JOIN inbox i ON i.seq = v.inbox_seq WHERE v.unit = ?4 AND v.code = ?14',
  ),
  // Few wait for an answer at any time.
  asked: arrivalsBy(
    'i.seq',
    "inbox i WHERE ?14 IS NULL AND i.seq IN (SELECT a.seq FROM requests o INDEXED BY requests_open JOIN inbox a ON a.document_id = o.document_id WHERE o.state = 'open')",
  ),
  recalled: arrivalsBy(
    'v.inbox_seq',
    "received v INDEXED BY received_recalled CROSS JOIN inbox i ON i.seq = v.inbox_seq WHERE ?14 IS NULL AND v.unit = ?4 AND v.recall <> ''",
  ),
  words: arrivalsBy(
    'w.rowid',
    "temp.search_words w CROSS JOIN temp.search_rows f ON f.id = w.rowid AND f.direction = 'in' CROSS JOIN inbox i ON i.seq = f.seq WHERE search_words MATCH ?14",
  ),
} as const;

// The newest sending to a recipient says how it stands with it.
const stands = `SELECT 1 FROM outbox_recipients r JOIN envelopes e ON e.seq = r.envelope_seq
  WHERE e.document_seq = d.seq AND r.state IN (SELECT value FROM json_each(?7)) AND NOT EXISTS (SELECT 1 FROM envelopes later
    JOIN outbox_recipients l ON l.envelope_seq = later.seq
    WHERE later.document_seq = d.seq AND later.seq > e.seq AND l.unit = r.unit AND l.desk = r.desk)`;
const sendingPasses = `${textIn('out', 'd', 3)} AND (?4 IS NULL OR +d.unit = ?4) AND +d.created_ms >= ?5 AND +d.created_ms < ?6
  AND (?7 IS NULL OR EXISTS (${stands})) AND (?8 OR d.kind NOT IN (2,4,5))`;
const sendingsBy = (key: string, from: string): string =>
  `SELECT ${key} AS key, d.* FROM ${from} AND ${key} < ?1 AND ${sendingPasses} ORDER BY ${key} DESC LIMIT ?2`;
const sendings = {
  all: sendingsBy('d.seq', 'documents d WHERE ?9 IS NULL'),
  undelivered: sendingsBy(
    'd.seq',
    `documents d WHERE ?9 IS NULL AND d.seq IN (SELECT n.document_seq FROM outbox_recipients u INDEXED BY outbox_undelivered
      JOIN envelopes n ON n.seq = u.envelope_seq WHERE u.state IN (SELECT value FROM json_each(?7)) AND u.state <> 'delivered')`,
  ),
  words: sendingsBy(
    'w.rowid',
    "temp.search_words w CROSS JOIN temp.search_rows f ON f.id = w.rowid AND f.direction = 'out' CROSS JOIN documents d ON d.seq = f.seq WHERE search_words MATCH ?9",
  ),
} as const;

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
        );
      if (o.match !== undefined) return page('words', o.match);
      if (o.only !== undefined && o.unit !== undefined) return page(o.only, null);
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
      const way =
        o.match !== undefined
          ? 'words'
          : states === undefined || states.includes('delivered')
            ? 'all'
            : 'undelivered';
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
        o.match ?? null,
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
