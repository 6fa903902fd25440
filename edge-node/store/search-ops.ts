// Writes and reads of the search. A row is written in the transaction of its document; the triggers of schema-search.ts erase it with the
// metadata. Rebuilding clears and fills again in small batches, so that the node goes on working meanwhile.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { SearchWords } from '../search-words.ts';
import { isDocumentKind } from '../statuses/change-rows.ts';
import { noteNumber } from '../statuses/numbers.ts';

export type SearchEntry = {
  readonly direction: 'out' | 'in';
  readonly seq: number;
  readonly atMs: number;
  readonly words: SearchWords;
};
type Numbered = {
  readonly documentId: Uint8Array;
  readonly kind: number;
  readonly issuer: string;
  readonly number: string | null;
  readonly notation: string | null;
  readonly metadata: Uint8Array;
  readonly createdMs: number;
};
const perMs = 1_000;

/** Once per document; a second call does nothing. */
export function indexWords(db: Database, { direction, seq, atMs, words }: SearchEntry): void {
  if (db.get('SELECT 1 FROM search_rows WHERE direction = ? AND seq = ?', direction, seq)) return;
  const first = Math.max(0, atMs) * perMs;
  const last = db.get<{ id: number | null }>(
    'SELECT max(id) AS id FROM search_rows WHERE id >= ? AND id < ?',
    first,
    first + perMs,
  )?.id;
  // More than a thousand in one millisecond run into the next: order among them is nobody's business.
  let id = last === null || last === undefined ? first : last + 1;
  while (db.get('SELECT 1 FROM search_rows WHERE id = ?', id)) id += 1;
  db.run(
    'INSERT INTO search_rows (id, direction, seq, sort_key) VALUES (?, ?, ?, ?)',
    id,
    direction,
    seq,
    words.sortKey,
  );
  db.run(
    'INSERT INTO search_words (rowid, subject, notation, people, places, files, rest) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    words.subject,
    words.notation,
    words.people,
    words.places,
    words.files,
    words.rest,
  );
}

export function searchOps(db: Database) {
  return {
    /** Only documents that still have their metadata: one may have been erased since the words were made. Their numbers are listed for the duplicate warning as well. */
    indexAgain({ entries }: { entries: readonly SearchEntry[] }): void {
      for (const entry of entries) {
        const row = db.get<Numbered>(
          entry.direction === 'out'
            ? 'SELECT document_id AS documentId, kind, unit AS issuer, number, notation, metadata, created_ms AS createdMs FROM documents WHERE seq = ? AND metadata IS NOT NULL'
            : 'SELECT document_id AS documentId, kind, sender AS issuer, number, notation, metadata, created_ms AS createdMs FROM inbox WHERE seq = ? AND metadata IS NOT NULL',
          entry.seq,
        );
        if (!row) continue;
        indexWords(db, entry);
        if (isDocumentKind(row.kind)) noteNumber(db, { ...row, direction: entry.direction });
      }
    },
    /** Answers how many rows went; 0: all are gone, and then what a damaged index held beside them too. */
    clearSearch({ limit }: { limit: number }): number {
      const gone = db.run(
        'DELETE FROM search_rows WHERE id IN (SELECT id FROM search_rows LIMIT ?)',
        limit,
      ).changes;
      if (gone === 0) db.run('DELETE FROM search_words');
      return gone;
    },
  };
}

export type SearchFilter = {
  readonly query: string | undefined;
  readonly direction: 'out' | 'in' | undefined;
  readonly unit: string | undefined;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly sort: 'newest' | 'subject';
  /** Id of the last row of the page before. */
  readonly after: number | undefined;
};
export type SearchHit = { readonly id: number; readonly direction: 'out' | 'in'; readonly seq: number };
export type Unindexed = {
  readonly direction: 'out' | 'in';
  readonly seq: number;
  readonly at_ms: number;
  readonly metadata: Uint8Array;
  readonly sender: string;
};

const wanted = `(?2 IS NULL OR r.direction = ?2) AND (?3 IS NULL OR
  (r.direction = 'out' AND EXISTS (SELECT 1 FROM documents d WHERE d.seq = r.seq AND d.unit = ?3)) OR
  (r.direction = 'in' AND EXISTS (SELECT 1 FROM inbox_recipients i WHERE i.inbox_seq = r.seq AND i.unit = ?3)))`;
const newest = 'r.id >= ?4 AND r.id < ?5';
const bySubject = `${newest} AND (?6 IS NULL OR (r.sort_key, r.id) > (SELECT a.sort_key, a.id FROM search_rows a WHERE a.id = ?6))`;
const hit = 'r.id, r.direction, r.seq';
const sql = {
  newestOfWords: `SELECT ${hit} FROM search_words w CROSS JOIN search_rows r ON r.id = w.rowid
    WHERE search_words MATCH ?1 AND w.rowid >= ?4 AND w.rowid < ?5 AND ${wanted} ORDER BY w.rowid DESC LIMIT ?7`,
  subjectOfWords: `SELECT ${hit} FROM search_words w CROSS JOIN search_rows r ON r.id = w.rowid
    WHERE search_words MATCH ?1 AND ${bySubject} AND ${wanted} ORDER BY r.sort_key, r.id LIMIT ?7`,
  newestOfAll: `SELECT ${hit} FROM search_rows r WHERE ?1 IS NULL AND ${newest} AND ${wanted} ORDER BY r.id DESC LIMIT ?7`,
  subjectOfAll: `SELECT ${hit} FROM search_rows r WHERE ?1 IS NULL AND ${bySubject} AND ${wanted} ORDER BY r.sort_key, r.id LIMIT ?7`,
} as const;

const unfound = (direction: 'out' | 'in') => `metadata IS NOT NULL AND kind <> 5 AND seq > ?1
  AND NOT EXISTS (SELECT 1 FROM search_rows r WHERE r.direction = '${direction}' AND r.seq = d.seq) ORDER BY seq LIMIT ?2`;
const unindexedIn = {
  out: `SELECT 'out' AS direction, seq, created_ms AS at_ms, metadata, unit AS sender FROM documents d WHERE ${unfound('out')}`,
  in: `SELECT 'in' AS direction, seq, received_ms AS at_ms, metadata, sender FROM inbox d WHERE ${unfound('in')}`,
} as const;

export function searchReads(db: Database) {
  return {
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
    /**
     * Documents with metadata that no search finds: of before this schema, or rebuilt from the hub; in their order, after `afterSeq`, so that a
     * walk over all of them looks at each once. Status envelopes are none.
     */
    unindexed: (direction: 'out' | 'in', afterSeq: number, limit: number): readonly Unindexed[] =>
      db.all<Unindexed>(unindexedIn[direction], afterSeq, limit),
    outRecipientUnits: (documentSeq: number): readonly string[] =>
      db
        .all<{ unit: string }>(
          `SELECT DISTINCT unit FROM outbox_recipients WHERE envelope_seq = (SELECT max(seq) FROM envelopes WHERE document_seq = ?) LIMIT 64`,
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
