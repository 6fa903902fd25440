// What fsck looks at in the books: lines that name a document which is not here, text of what was destroyed, lines written into a closed book, a
// number told to the sender that is not the book's, tasks of nothing. Gaps and documents outside the index of duplicates are no damage: notes. Reads only.
import { numberKey } from '../../protocol/document/notation.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Problem } from '../fsck.ts';

type Row = { readonly document_id: Uint8Array | null; readonly line: string };

/** Names a line as people do: book, year, series and number. */
const line = `b.kind || ' ' || b.year || ' ' || e.series || e.number || e.suffix`;

const checks: readonly { readonly what: string; readonly sql: string }[] = [
  {
    what: 'stands in the book, but its document is not here',
    sql: `SELECT e.document_id, ${line} AS line FROM entries e JOIN books b ON b.id = e.book WHERE e.document_id IS NOT NULL
       AND CASE b.kind WHEN 'out' THEN NOT EXISTS (SELECT 1 FROM documents d WHERE d.document_id = e.document_id)
         ELSE NOT EXISTS (SELECT 1 FROM inbox i WHERE i.document_id = e.document_id AND i.sender = e.sender) END`,
  },
  {
    what: 'its document was destroyed, but the words of the line are still here',
    sql: `SELECT e.document_id, ${line} AS line FROM entries e JOIN books b ON b.id = e.book WHERE e.erased = 0 AND b.kind = 'in' AND EXISTS
       (SELECT 1 FROM inbox i WHERE i.document_id = e.document_id AND i.sender = e.sender AND i.destroyed_ms IS NOT NULL)`,
  },
  {
    what: 'was written after its book was closed',
    sql: `SELECT e.document_id, ${line} AS line FROM entries e JOIN books b ON b.id = e.book WHERE b.closed_ms IS NOT NULL AND e.made_ms > b.closed_ms`,
  },
  {
    what: 'the number that the sender was told is not the number of the line',
    sql: `SELECT e.document_id, ${line} AS line FROM entries e JOIN books b ON b.id = e.book JOIN statuses s
       ON s.direction = 'out' AND s.document_id = e.document_id AND s.sender = e.sender AND s.unit = b.unit AND s.code = '03'
       WHERE b.kind = 'in' AND e.struck IS NULL AND s.registered_number <> '' AND CAST(opened(s.registered_number) AS INTEGER) <> e.number
         AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.document_id = e.document_id AND o.id <> e.id)`,
  },
  {
    what: 'a number stands twice in the book',
    sql: `SELECT NULL AS document_id, ${line} AS line FROM entries e JOIN books b ON b.id = e.book
       GROUP BY e.book, e.series, e.number, e.suffix HAVING count(*) > 1`,
  },
  {
    what: 'a task is open, but its document is not here',
    sql: `SELECT t.document_id, 'task ' || t.id AS line FROM tasks t WHERE t.state IN ('given','working') AND NOT EXISTS
       (SELECT 1 FROM received r WHERE r.sender = t.sender AND r.document_id = t.document_id AND r.unit = t.unit)`,
  },
];

const gaps = `SELECT kind || ' ' || year || ' ' || code AS book, series, before + 1 AS first, number - 1 AS last FROM (
    SELECT b.kind, b.year, b.code, e.book, e.series, e.number, lag(e.number, 1, 0) OVER (PARTITION BY e.book, e.series ORDER BY e.number) AS before
    FROM (SELECT DISTINCT book, series, number FROM entries) e JOIN books b ON b.id = e.book)
  WHERE number > before + 1 ORDER BY book, series, first LIMIT 100`;

const unlisted = `SELECT document_id, number, notation FROM documents WHERE kind IN (1, 3) AND metadata IS NOT NULL AND number <> ''
    AND NOT EXISTS (SELECT 1 FROM document_numbers n WHERE n.direction = 'out' AND n.document_id = documents.document_id)
  UNION ALL SELECT document_id, number, notation FROM inbox WHERE kind IN (1, 3) AND metadata IS NOT NULL AND destroyed_ms IS NULL AND number <> ''
    AND NOT EXISTS (SELECT 1 FROM document_numbers n WHERE n.direction = 'in' AND n.document_id = inbox.document_id)`;

export function checkBooks(db: Database, found: (problem: Problem) => void, notes: string[]): void {
  for (const { what, sql } of checks)
    for (const { document_id, line: where } of db.all<Row>(sql))
      found({
        about: document_id ? uuidFromBytes(document_id) : 'register',
        code: 'store-damaged',
        what: `${where.trim()}: ${what}`,
      });
  for (const { book, series, first, last } of db.all<{
    book: string;
    series: string;
    first: number;
    last: number;
  }>(gaps)) {
    const numbers = first === last ? `${first}` : `${first} to ${last}`;
    notes.push(`register ${book.trim()}${series ? ` ${series}` : ''}: nobody has number ${numbers}`);
  }
  // What is not a number by the rules of the index is not missing from it.
  const missing = [...db.each<{ number: string; notation: string | null }>(unlisted)].filter(
    ({ number, notation }) => numberKey(number, notation ?? '') !== '',
  ).length;
  if (missing > 0)
    notes.push(`${missing} documents are not in the index of duplicates: lienthong node reindex`);
}
