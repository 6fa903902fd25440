// Number, notation, issuer and year of every document that leaves or comes, for the duplicate warning (NĐ30 Appendix VI, III.1h).
// Runs inside operations of the writer thread. A warning only: nothing here refuses for good.
import { metadataCodec } from '../../protocol/codec.ts';
import { vietnamDay } from '../../protocol/document/judge.ts';
import { numberKey } from '../../protocol/document/notation.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

type Named = {
  readonly direction: 'out' | 'in';
  readonly issuer: string;
  readonly documentId: Uint8Array;
  readonly number: string | null;
  readonly notation: string | null;
  readonly metadata: Uint8Array | null;
  readonly createdMs: number;
};
export type NumberKey = { readonly issuer: string; readonly year: number; readonly number: string };

/** undefined: it has no number, and cannot be the same as another by it. */
export function keyOf(named: Named): NumberKey | undefined {
  const number = numberKey(named.number ?? '', named.notation ?? '');
  if (number === '' || !named.metadata) return undefined;
  const { issueDate } = metadataCodec.decode(named.metadata);
  const day = /^\d{4}-/.test(issueDate) ? issueDate : vietnamDay(named.createdMs);
  return { issuer: named.issuer, year: Number(day.slice(0, 4)), number };
}

export function noteNumber(db: Database, named: Named): void {
  const key = keyOf(named);
  if (key)
    db.run(
      'INSERT OR IGNORE INTO document_numbers (direction, issuer, year, number, document_id) VALUES (?, ?, ?, ?, ?)',
      named.direction,
      key.issuer,
      key.year,
      db.cells.compared(key.number),
      named.documentId,
    );
}

export function numberOps(db: Database) {
  return {
    /** Documents of before the index of duplicates, or rebuilt from the hub; only those that still have their metadata. */
    noteNumbers({
      rows,
    }: {
      rows: readonly { readonly direction: 'out' | 'in'; readonly seq: number }[];
    }): void {
      for (const { direction, seq } of rows) {
        const row = db.get<Omit<Named, 'direction'>>(
          direction === 'out'
            ? 'SELECT document_id AS documentId, unit AS issuer, number, notation, metadata, created_ms AS createdMs FROM documents WHERE seq = ? AND metadata IS NOT NULL'
            : 'SELECT document_id AS documentId, sender AS issuer, number, notation, metadata, created_ms AS createdMs FROM inbox WHERE seq = ? AND metadata IS NOT NULL',
          seq,
        );
        if (row) noteNumber(db, { ...row, direction });
      }
    },
  };
}

/** Nobody has it, nobody will: it does not stand in the way of a second sending under the same number. */
const nobodyHasIt = `NOT EXISTS (SELECT 1 FROM documents d JOIN envelopes e ON e.document_seq = d.seq JOIN outbox_recipients r ON r.envelope_seq = e.seq
  WHERE d.document_id = n.document_id AND r.state NOT IN ('cancelled','refused'))`;

/** Other documents of ours under this number in its year; `except` are those that it replaces or corrects. */
export function sentUnder(
  db: Database,
  key: NumberKey,
  except: readonly Uint8Array[],
): Uint8Array | undefined {
  const apart = new Set(except.map((id) => Buffer.from(id).toString('hex')));
  return db
    .all<{ document_id: Uint8Array }>(
      `SELECT n.document_id FROM document_numbers n WHERE n.direction = 'out' AND n.issuer = ? AND n.year = ? AND n.number = ?
         AND NOT (${nobodyHasIt}) LIMIT 20`,
      key.issuer,
      key.year,
      db.cells.compared(key.number),
    )
    .map(({ document_id }) => document_id)
    .find((id) => !apart.has(Buffer.from(id).toString('hex')));
}

/**
 * Other documents that came under the same number of the same issuer in its year, or the same document id under another sender.
 * `document_id` first; what was destroyed or given back does not count.
 */
export const arrivedTwiceSql = `SELECT DISTINCT o.document_id AS documentId, o.sender FROM received o
  WHERE o.unit = ?3 AND o.code <> '02' AND o.recall = '' AND (
    (o.document_id = ?1 AND o.sender <> ?2) OR (o.document_id <> ?1 AND o.document_id IN (
      SELECT b.document_id FROM document_numbers a JOIN document_numbers b
        ON b.direction = 'in' AND b.issuer = a.issuer AND b.year = a.year AND b.number = a.number
      WHERE a.direction = 'in' AND a.document_id = ?1)
    AND NOT EXISTS (SELECT 1 FROM replacements p WHERE p.unit = ?3 AND
      ((p.document_id = o.document_id AND p.by_document = ?1) OR (p.document_id = ?1 AND p.by_document = o.document_id))))) LIMIT 10`;
