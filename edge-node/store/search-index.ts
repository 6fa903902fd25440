// The search, in memory only: folded words of every document's metadata, in full-text order, beside the reading connection (temporary tables, which
// SQLite keeps in memory here). No disk ever holds them, whatever becomes of it. Filled anew at each start (find.ts), brought level with the store
// before each question: rows that came since, and `search_changes`, where triggers note what was changed, erased or deleted. Must never show words
// of a document whose metadata is gone.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { SearchWords } from '../search-words.ts';
import { createFresh, type Fresh } from './fresh.ts';

export type Direction = 'out' | 'in';
export type SearchEntry = {
  readonly direction: Direction;
  readonly seq: number;
  readonly atMs: number;
  readonly words: SearchWords;
  /** Subject, notation and number as the lists show them, a line each: what a list is narrowed by. */
  readonly title: string;
  /** Kind of document (loại văn bản) as it stands now; '': none. */
  readonly type: string;
};
const perMs = 1_000;

const tables = `
-- id: time of arrival or submission in ms, times 1,000, and a running number: the newest have the highest, in both tables.
CREATE TEMP TABLE IF NOT EXISTS search_rows (
  id INTEGER PRIMARY KEY,
  direction TEXT NOT NULL, seq INTEGER NOT NULL,   -- documents.seq or inbox.seq
  sort_key TEXT NOT NULL,                    -- protocol/text/fold.ts sortKey of the subject
  title TEXT NOT NULL, type TEXT NOT NULL,
  UNIQUE (direction, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS temp.search_rows_type ON search_rows (direction, type, seq);
CREATE INDEX IF NOT EXISTS temp.search_rows_sort ON search_rows (sort_key, id);
-- Folded before they come here (protocol/text/fold.ts): the tokenizer only cuts at spaces.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_words USING fts5 (subject, notation, people, places, files, rest,
  tokenize = 'unicode61 remove_diacritics 0', prefix = '1 2 3');
INSERT INTO temp.search_words (search_words, rank) VALUES ('secure-delete', 1);
`;

/** Once per document; a second call does nothing. */
export function indexWords(db: Database, { direction, seq, atMs, words, title, type }: SearchEntry): void {
  if (db.get('SELECT 1 FROM temp.search_rows WHERE direction = ? AND seq = ?', direction, seq)) return;
  const first = Math.max(0, atMs) * perMs;
  const last = db.get<{ id: number | null }>(
    'SELECT max(id) AS id FROM temp.search_rows WHERE id >= ? AND id < ?',
    first,
    first + perMs,
  )?.id;
  // More than a thousand in one millisecond run into the next: order among them is nobody's business.
  let id = last === null || last === undefined ? first : last + 1;
  while (db.get('SELECT 1 FROM temp.search_rows WHERE id = ?', id)) id += 1;
  db.run(
    'INSERT INTO temp.search_rows (id, direction, seq, sort_key, title, type) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    direction,
    seq,
    words.sortKey,
    title,
    type,
  );
  db.run(
    'INSERT INTO temp.search_words (rowid, subject, notation, people, places, files, rest) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    words.subject,
    words.notation,
    words.people,
    words.places,
    words.files,
    words.rest,
  );
}

function dropWords(db: Database, { direction, seq }: { direction: Direction; seq: number }): void {
  const row = db.get<{ id: number }>(
    'DELETE FROM temp.search_rows WHERE direction = ? AND seq = ? RETURNING id',
    direction,
    seq,
  );
  if (row) db.run('DELETE FROM temp.search_words WHERE rowid = ?', row.id);
}

export type SearchFilter = {
  readonly query: string | undefined;
  readonly direction: Direction | undefined;
  readonly unit: string | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly sort: 'newest' | 'subject';
  /** Id of the last row of the page before. */
  readonly after: number | undefined;
};
export type SearchHit = { readonly id: number; readonly direction: Direction; readonly seq: number };
/** A document whose words are to be made. */
export type Unindexed = {
  readonly direction: Direction;
  readonly seq: number;
  readonly at_ms: number;
  readonly metadata: Uint8Array;
  /** Of the update that an arrival is shown by. */
  readonly shown: Uint8Array | null;
  readonly sender: string;
  readonly document_id: Uint8Array;
  readonly kind: number;
  readonly created_ms: number;
  readonly subject: string | null;
  readonly notation: string | null;
  readonly number: string | null;
  /** 1: it stands in the index of duplicates, or has no number. */
  readonly numbered: number;
};

const wanted = `(?2 IS NULL OR r.direction = ?2) AND (?3 IS NULL OR
  (r.direction = 'out' AND EXISTS (SELECT 1 FROM documents d WHERE d.seq = r.seq AND d.unit = ?3)) OR
  (r.direction = 'in' AND EXISTS (SELECT 1 FROM inbox_recipients i WHERE i.inbox_seq = r.seq AND i.unit = ?3)))`;
const newest = 'r.id >= ?4 AND r.id < ?5';
const bySubject = `${newest} AND (?6 IS NULL OR (r.sort_key, r.id) > (SELECT a.sort_key, a.id FROM temp.search_rows a WHERE a.id = ?6))`;
const hit = 'r.id, r.direction, r.seq';
const sql = {
  newestOfWords: `SELECT ${hit} FROM temp.search_words w CROSS JOIN temp.search_rows r ON r.id = w.rowid
    WHERE search_words MATCH ?1 AND w.rowid >= ?4 AND w.rowid < ?5 AND ${wanted} ORDER BY w.rowid DESC LIMIT ?7`,
  subjectOfWords: `SELECT ${hit} FROM temp.search_words w CROSS JOIN temp.search_rows r ON r.id = w.rowid
    WHERE search_words MATCH ?1 AND ${bySubject} AND ${wanted} ORDER BY r.sort_key, r.id LIMIT ?7`,
  newestOfAll: `SELECT ${hit} FROM temp.search_rows r WHERE ?1 IS NULL AND ${newest} AND ${wanted} ORDER BY r.id DESC LIMIT ?7`,
  subjectOfAll: `SELECT ${hit} FROM temp.search_rows r WHERE ?1 IS NULL AND ${bySubject} AND ${wanted} ORDER BY r.sort_key, r.id LIMIT ?7`,
} as const;

/** The same without its words; `id` as in fresh.ts. */
type Newer = Omit<Unindexed, 'metadata' | 'shown' | 'subject' | 'notation' | 'number'> & {
  readonly id: Uint8Array;
  readonly updated: number;
};

// Status envelopes are no documents.
const unindexedIn = (direction: Direction, which: string, wordless = false): string => {
  const [table, time, sender, shown, id, updated] =
    direction === 'out'
      ? ['documents', 'created_ms', 'unit', 'NULL', 'document_id', '0']
      : [
          ...[
            'inbox',
            'received_ms',
            'sender',
            '(SELECT u.metadata FROM inbox u WHERE u.seq = t.updated_by)',
          ],
          ...['envelope_id', 'updated_by IS NOT NULL'],
        ];
  const words = wordless
    ? `${id} AS id, ${updated} AS updated`
    : `metadata, ${shown} AS shown, subject, notation, number`;
  return `SELECT '${direction}' AS direction, seq, ${time} AS at_ms, ${words}, ${sender} AS sender, document_id, kind, created_ms,
    coalesce(number, '') = '' OR EXISTS
      (SELECT 1 FROM document_numbers n WHERE n.direction = '${direction}' AND n.document_id = t.document_id) AS numbered
    FROM ${table} t WHERE metadata IS NOT NULL AND kind <> 5 AND ${which}`;
};
const unindexedSql = {
  newer: {
    out: unindexedIn('out', 'seq > ? ORDER BY seq LIMIT ?', true),
    in: unindexedIn('in', 'seq > ? ORDER BY seq LIMIT ?', true),
  },
  older: {
    out: unindexedIn('out', 'seq <= ? ORDER BY seq DESC LIMIT ?'),
    in: unindexedIn('in', 'seq <= ? ORDER BY seq DESC LIMIT ?'),
  },
  one: { out: unindexedIn('out', 'seq = ?'), in: unindexedIn('in', 'seq = ?') },
} as const;
const directions = ['out', 'in'] as const;
/** Rows that one question waits for at most: what came since the last look, a second ago. */
const newerMax = 500;

export type WordsOf = (row: Unindexed) => SearchEntry;

export function searchReads(db: Database, fresh: Fresh = createFresh()) {
  db.exec(tables);
  const newestSeq = (direction: Direction): number =>
    db.get<{ seq: number | null }>(
      direction === 'out' ? 'SELECT max(seq) AS seq FROM documents' : 'SELECT max(seq) AS seq FROM inbox',
    )?.seq ?? 0;
  /** Everything above `high` is still to come, everything up to `low` is of before the start and still to be filled in. */
  const at: Record<Direction, { high: number; low: number }> = {
    out: { high: 0, low: 0 },
    in: { high: 0, low: 0 },
  };
  let changesSeen = 0;
  begin();

  function begin(): void {
    for (const direction of directions) {
      const seq = newestSeq(direction);
      at[direction] = { high: seq, low: seq };
    }
    changesSeen =
      db.get<{ id: number | null }>('SELECT max(id) AS id FROM search_changes')?.id ?? changesSeen;
  }

  /** One transaction of the temporary tables: a row costs a tenth of what it costs alone. */
  function put(rows: readonly Unindexed[], wordsOf: WordsOf): void {
    if (rows.length === 0) return;
    const entries = rows.map(wordsOf);
    db.exec('BEGIN');
    try {
      for (const entry of entries) indexWords(db, entry);
    } finally {
      db.exec('COMMIT');
    }
  }

  /** From memory if it came a moment ago and no update is shown in its place. */
  function withWords({ id, updated, ...row }: Newer): readonly Unindexed[] {
    const { direction, sender: unit, seq } = row;
    const words = updated === 0 ? fresh.takeWords({ direction, unit, id }) : undefined;
    return words ? [{ ...row, ...words, shown: null }] : db.all<Unindexed>(unindexedSql.one[direction], seq);
  }

  return {
    /** Changes, erasures and what came since; answers what was put in. More than some hundred rows at once are left for the next call. */
    searchLevel(wordsOf: WordsOf): readonly Unindexed[] {
      const all: Unindexed[] = [];
      for (const row of db.all<{ id: number; direction: Direction; seq: number }>(
        'SELECT id, direction, seq FROM search_changes WHERE id > ? ORDER BY id',
        changesSeen,
      )) {
        changesSeen = row.id;
        dropWords(db, row);
        const { high, low } = at[row.direction];
        if (row.seq > low && row.seq <= high)
          put(db.all<Unindexed>(unindexedSql.one[row.direction], row.seq), wordsOf);
      }
      for (const direction of directions) {
        const until = newestSeq(direction);
        if (until === at[direction].high) continue;
        const newer = db.all<Newer>(unindexedSql.newer[direction], at[direction].high, newerMax);
        const rows = newer.flatMap(withWords);
        put(rows, wordsOf);
        at[direction].high = newer.length === newerMax ? newer.at(-1)!.seq : until;
        all.push(...rows);
      }
      return all;
    },
    /** Of what was here at the start, the newest first. Answers what was put in; none: all is in. */
    searchFill(limit: number, wordsOf: WordsOf): readonly Unindexed[] {
      const all = directions.flatMap((direction) => {
        const rows = db.all<Unindexed>(unindexedSql.older[direction], at[direction].low, limit);
        at[direction].low = rows.length < limit ? 0 : rows.at(-1)!.seq - 1;
        return rows;
      });
      put(all, wordsOf);
      return all;
    },
    /** About so many rows no search finds yet; 0: everything is found. */
    searchPending: (): number => at.out.low + at.in.low,
    /** From nothing again. */
    searchClear(): void {
      db.exec('DELETE FROM temp.search_rows');
      db.exec('DELETE FROM temp.search_words');
      begin();
    },
    searchHits(f: SearchFilter, limit: number): readonly SearchHit[] {
      const text =
        f.sort === 'newest'
          ? f.query
            ? sql.newestOfWords
            : sql.newestOfAll
          : f.query
            ? sql.subjectOfWords
            : sql.subjectOfAll;
      const until =
        f.untilMs >= Number.MAX_SAFE_INTEGER / perMs ? Number.MAX_SAFE_INTEGER : f.untilMs * perMs;
      const before = f.sort === 'newest' ? Math.min(f.after ?? Number.MAX_SAFE_INTEGER, until) : until;
      return db.all<SearchHit>(
        text,
        f.query ?? null,
        f.direction ?? null,
        f.unit ?? null,
        f.sinceMs * perMs,
        before,
        f.after ?? null,
        limit,
      );
    },
    outRecipientUnits: (documentSeq: number): readonly string[] =>
      db
        .all<{ unit: string }>(
          `SELECT DISTINCT r.unit FROM envelopes e JOIN outbox_recipients r ON r.envelope_seq = e.seq WHERE e.document_seq = ? LIMIT 64`,
          documentSeq,
        )
        .map(({ unit }) => unit),
    documentBySeq: (seq: number) =>
      db.get<{ document_id: Uint8Array }>('SELECT document_id FROM documents WHERE seq = ?', seq)
        ?.document_id,
    arrivalEnvelope: (seq: number) =>
      db.get<{ envelope_id: Uint8Array }>('SELECT envelope_id FROM inbox WHERE seq = ?', seq)?.envelope_id,
  };
}
