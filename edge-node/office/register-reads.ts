// Reads of the registers and of the work inside the unit. Whole books are walked row by row: a year of a province has tens of thousands of lines.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { BookKey, BookKind } from './entries.ts';

export type Book = {
  readonly id: number;
  readonly unit: string;
  readonly kind: BookKind;
  readonly year: number;
  readonly code: string;
  readonly name: string;
  readonly closed_ms: number | null;
  readonly closed_by: string | null;
  readonly entries: number;
};
export type EntryRow = {
  readonly id: number;
  readonly series: string;
  readonly number: number;
  readonly suffix: string;
  readonly origin: 'electronic' | 'paper';
  readonly sender: string | null;
  readonly document_id: Uint8Array | null;
  readonly day: string;
  readonly author: string;
  readonly notation: string;
  readonly issue_day: string;
  readonly type: string;
  readonly subject: string;
  readonly signer: string;
  readonly places: string;
  readonly keeper: string;
  readonly copies: number;
  readonly forwarded_day: string;
  readonly receipt: string;
  readonly note: string;
  readonly made_ms: number;
  readonly made_by: string;
  readonly struck: string | null;
  readonly erased: number;
};
export type TaskRow = {
  readonly id: number;
  readonly unit: string;
  readonly sender: string;
  readonly document_id: Uint8Array;
  readonly person: string;
  readonly desk: string;
  readonly lead: number;
  readonly instruction: string;
  readonly due_ms: number | null;
  readonly state: 'given' | 'working' | 'done' | 'withdrawn';
  readonly progress: string;
  readonly given_ms: number;
  readonly given_by: string;
  readonly changed_ms: number;
  readonly changed_by: string;
};
export type Gap = { readonly series: string; readonly first: number; readonly last: number };
export type Repeated = { readonly author: string; readonly notation: string; readonly numbers: string };

const bookColumns =
  'b.id, b.unit, b.kind, b.year, b.code, b.name, b.closed_ms, b.closed_by, (SELECT count(*) FROM entries e WHERE e.book = b.id) AS entries';
const inOrder = 'ORDER BY series, number, suffix';

export function registerReads(db: Database) {
  return {
    books: (unit: string): readonly Book[] =>
      db.all<Book>(
        `SELECT ${bookColumns} FROM books b WHERE b.unit = ? ORDER BY b.year DESC, b.kind, b.code`,
        unit,
      ),
    book: ({ unit, kind, year, code }: BookKey): Book | undefined =>
      db.get<Book>(
        `SELECT ${bookColumns} FROM books b WHERE b.unit = ? AND b.kind = ? AND b.year = ? AND b.code = ?`,
        unit,
        kind,
        year,
        code,
      ),
    /** By series and number. */
    entriesOf: (book: number): Generator<EntryRow> =>
      db.each<EntryRow>(`SELECT * FROM entries WHERE book = ? ${inOrder}`, book),
    /** A page after entry `after` in this order. */
    entriesPage: (book: number, after: number | undefined, limit: number): readonly EntryRow[] =>
      db.all<EntryRow>(
        `SELECT * FROM entries WHERE book = ?1 AND (?2 IS NULL OR (series, number, suffix) >
           (SELECT a.series, a.number, a.suffix FROM entries a WHERE a.id = ?2)) ${inOrder} LIMIT ?3`,
        book,
        after ?? null,
        limit,
      ),
    entry: (unit: string, id: number) =>
      db.get<EntryRow & { kind: BookKind; year: number; code: string }>(
        'SELECT e.*, b.kind, b.year, b.code FROM entries e JOIN books b ON b.id = e.book WHERE e.id = ? AND b.unit = ?',
        id,
        unit,
      ),
    /** The standing line of a document in the books of a unit. */
    entryOfDocument: (unit: string, kind: BookKind, documentId: Uint8Array) =>
      db.get<EntryRow & { year: number }>(
        `SELECT e.*, b.year FROM entries e JOIN books b ON b.id = e.book
         WHERE e.document_id = ? AND b.unit = ? AND b.kind = ? AND e.struck IS NULL ORDER BY e.id DESC LIMIT 1`,
        documentId,
        unit,
        kind,
      ),
    /** Numbers that nobody has, between the first and the last of each series. */
    gaps: (book: number): readonly Gap[] =>
      db.all<Gap>(
        `SELECT series, before + 1 AS first, number - 1 AS last FROM (
           SELECT series, number, lag(number, 1, 0) OVER (PARTITION BY series ORDER BY number) AS before
           FROM (SELECT DISTINCT series, number FROM entries WHERE book = ?)) WHERE number > before + 1 ORDER BY series, first LIMIT 1000`,
        book,
      ),
    /** Lines that seem to be one document: same author, number and notation, and date. */
    repeated: (book: number): readonly Repeated[] =>
      db.all<Repeated>(
        `SELECT opened(author) AS author, opened(notation) AS notation, group_concat(number || suffix, ', ') AS numbers FROM entries
         WHERE book = ? AND struck IS NULL AND notation <> '' GROUP BY 1, 2, issue_day HAVING count(*) > 1 LIMIT 1000`,
        book,
      ),
    /** Documents that were sent under a number and stand in no book. */
    unregistered: (unit: string, sinceMs: number, untilMs: number) =>
      db.all<{ document_id: Uint8Array; number: string; notation: string }>(
        `SELECT document_id, number, notation FROM documents d WHERE d.unit = ? AND d.kind IN (1, 3) AND d.number <> '' AND d.created_ms >= ? AND d.created_ms < ?
           AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.document_id = d.document_id) ORDER BY seq LIMIT 1000`,
        unit,
        sinceMs,
        untilMs,
      ),
    tasksOf: (unit: string, sender: string, documentId: Uint8Array): readonly TaskRow[] =>
      db.all<TaskRow>(
        'SELECT * FROM tasks WHERE unit = ? AND sender = ? AND document_id = ? ORDER BY id',
        unit,
        sender,
        documentId,
      ),
    task: (id: number): TaskRow | undefined => db.get<TaskRow>('SELECT * FROM tasks WHERE id = ?', id),
    taskNotes: (task: number) =>
      db.all<{ at_ms: number; actor: string; state: string; said: string }>(
        'SELECT at_ms, actor, state, said FROM task_notes WHERE task = ? ORDER BY id',
        task,
      ),
    /** Open ones first, by deadline; `person` '' is everybody. */
    tasksOfUnit: (
      unit: string,
      o: { person: string; openOnly: boolean; limit: number },
    ): readonly TaskRow[] =>
      db.all<TaskRow>(
        `SELECT * FROM tasks WHERE unit = ?1 AND (?2 = '' OR person = ?2) AND (?3 = 0 OR state IN ('given','working'))
         ORDER BY state NOT IN ('given','working'), due_ms IS NULL, due_ms, id DESC LIMIT ?4`,
        unit,
        o.person,
        o.openOnly ? 1 : 0,
        o.limit,
      ),
    /** Documents of ours that answer a received one: id of that one in hex -> number and notation. */
    answersSent: (unit: string): ReadonlyMap<string, string> => {
      const answers = new Map<string, string>();
      for (const row of db.each<{ about: string; number: string | null; notation: string | null }>(
        `SELECT json_extract(l.value, '$.documentId') AS about, d.number, d.notation FROM documents d, json_each(d.links) l
         WHERE d.unit = ? AND d.links LIKE '%"relation":5%' AND json_extract(l.value, '$.relation') = 5`,
        unit,
      ))
        if (row.about) answers.set(row.about, [row.number, row.notation].filter(Boolean).join('/'));
      return answers;
    },
  };
}
