// Which of our own envelopes concern which earlier document: rows made whenever an update, replacement or recall enters the outbox, by hand
// or when the outbox is rebuilt from the hub. Inside operations of the writer thread.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Status } from '../../protocol/wire.ts';

/** Which relation a kind speaks through; other kinds change nothing. */
export const relationOfKind: Readonly<Record<number, number>> = {
  [kinds.update]: relations.updates,
  [kinds.replacement]: relations.replaces,
  [kinds.recall]: relations.recalls,
};

/** Kinds that are documents by themselves; those of a later version are taken for such. */
export const isDocumentKind = (kind: number): boolean =>
  kind !== kinds.update && kind !== kinds.recall && kind !== kinds.status;

type StoredLink = { readonly relation: number; readonly documentId?: string };

export function targetsOf(kind: number, links: string): Uint8Array[] {
  const relation = relationOfKind[kind];
  return (JSON.parse(links) as StoredLink[]).flatMap((link) =>
    relation !== undefined && link.relation === relation && link.documentId
      ? [uuidToBytes(link.documentId)]
      : [],
  );
}

export function noteChanges(
  db: Database,
  documentSeq: number,
  d: {
    readonly kind: number;
    readonly links: string;
    readonly status: string | null;
    readonly nowMs: number;
  },
): void {
  const counter = d.status === null ? d.nowMs : (JSON.parse(d.status) as Status).counter;
  for (const target of targetsOf(d.kind, d.links))
    db.run(
      'INSERT OR IGNORE INTO changes (document_seq, target, kind, counter) VALUES (?, ?, ?, ?)',
      documentSeq,
      target,
      d.kind,
      counter,
    );
}

/**
 * A replacement names documents of the same unit that nothing has replaced yet, so that versions are one chain. Codes:
 * `document-unknown`, `document-replaced`, `document-state-refused`.
 */
export function assertReplaceable(db: Database, unit: string, targets: readonly Uint8Array[]): void {
  for (const target of targets) {
    const row = db.get<{ seq: number; kind: number }>(
      'SELECT seq, kind FROM documents WHERE document_id = ? AND unit = ?',
      target,
      unit,
    );
    if (!row) throw new ExchangeError('document-unknown', uuidFromBytes(target));
    if (!isDocumentKind(row.kind))
      throw new ExchangeError('document-state-refused', 'only a document can be replaced');
    assertNotReplaced(db, target);
  }
}

/** Throws `document-replaced` with the id of the document that took its place and went out. */
export function assertNotReplaced(db: Database, target: Uint8Array): void {
  const newer = db.get<{ document_id: Uint8Array }>(
    `SELECT d.document_id FROM changes c JOIN documents d ON d.seq = c.document_seq WHERE c.target = ? AND c.kind = ?
       AND EXISTS (SELECT 1 FROM envelopes e JOIN outbox_recipients r ON r.envelope_seq = e.seq
         WHERE e.document_seq = d.seq AND r.state NOT IN ('cancelled','refused'))`,
    target,
    kinds.replacement,
  );
  if (newer) throw new ExchangeError('document-replaced', uuidFromBytes(newer.document_id));
}

/** Units asked to give it back whose answer was not "no": asking twice says nothing new. */
export function alreadyAsked(db: Database, target: Uint8Array): ReadonlySet<string> {
  const rows = db.all<{ unit: string; refused: number }>(
    `SELECT r.unit, EXISTS (SELECT 1 FROM statuses s WHERE s.direction = 'in' AND s.document_id = ?1 AND s.unit = r.unit
         AND s.request = d.document_id AND s.code = '16') AS refused
     FROM changes c JOIN documents d ON d.seq = c.document_seq JOIN envelopes e ON e.document_seq = d.seq
       JOIN outbox_recipients r ON r.envelope_seq = e.seq
     WHERE c.target = ?1 AND c.kind = ${kinds.recall} AND r.state NOT IN ('cancelled','refused','expired','undeliverable')
     ORDER BY c.counter`,
    target,
  );
  const asked = new Map(rows.map(({ unit, refused }) => [unit, refused === 0]));
  return new Set([...asked].filter(([, open]) => open).map(([unit]) => unit));
}
