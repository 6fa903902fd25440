// Writes of removal at a node: hiding at once, and erasing rows by a verified order. Everything that shows or holds the document goes in one transaction;
// search words and register lines go with it by their triggers. The trace (header, receipts, order) stays.
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database, SqlValue } from '../../protocol/node/sqlite.ts';
import type { RemovalOrder } from '../../protocol/wire.ts';
import { noteAlarm, noteAudit } from './fact-ops.ts';

/** In `told`: kept, never obeyed. */
const refusedMark = 2;

type Seq = { readonly seq: number };

function hide(db: Database, direction: 'out' | 'in', doc: number, nowMs: number): void {
  db.run(
    `INSERT INTO checks (direction, doc, state, submitter, secret, since_ms, decided_ms, next_ms) VALUES (?, ?, 'held', '', 1, ?, ?, 0)
     ON CONFLICT (direction, doc) DO UPDATE SET state = 'held', secret = 1`,
    direction,
    doc,
    nowMs,
    nowMs,
  );
  if (direction === 'out') db.run(`UPDATE envelopes SET checked = 0 WHERE document_seq = ?`, doc);
}

const sent = (db: Database, documentId: Uint8Array): readonly Seq[] =>
  db.all<Seq>('SELECT seq FROM documents WHERE document_id = ?', documentId);
const arrived = (db: Database, documentId: Uint8Array): readonly Seq[] =>
  db.all<Seq>('SELECT seq FROM inbox WHERE document_id = ?', documentId);

/** Rows of one document; answers the content keys that sealed them. */
function erase(db: Database, documentId: Uint8Array, nowMs: number): number[] {
  const keys = new Set<number>();
  const note = (sql: string, about: SqlValue): void => {
    for (const id of db.sealedWith(sql, about)) keys.add(id);
  };
  // Lines of books and words of tasks are erased by triggers, with the metadata.
  note(
    'SELECT author, notation, type, subject, signer, places, receipt, keeper, note FROM entries WHERE document_id = ?',
    documentId,
  );
  note('SELECT instruction, progress FROM tasks WHERE document_id = ?', documentId);
  note('SELECT said FROM task_notes WHERE task IN (SELECT id FROM tasks WHERE document_id = ?)', documentId);
  note(
    `SELECT findings, parts FROM checks WHERE (direction = 'out' AND doc IN (SELECT seq FROM documents WHERE document_id = ?1))
       OR (direction = 'in' AND doc IN (SELECT seq FROM inbox WHERE document_id = ?1))`,
    documentId,
  );
  // What it was written as.
  const text = uuidFromBytes(documentId);
  note('SELECT fields FROM drafts WHERE document_id = ?', text);
  db.run(`UPDATE drafts SET fields = '{}' WHERE document_id = ?`, text);
  for (const { seq } of sent(db, documentId)) {
    note('SELECT salt, metadata, subject, notation, number FROM documents WHERE seq = ?', seq);
    note('SELECT content, name FROM out_parts WHERE document_seq = ?', seq);
    db.run(`UPDATE out_parts SET content = NULL, name = '', media_type = '' WHERE document_seq = ?`, seq);
    db.run(
      'UPDATE documents SET salt = NULL, metadata = NULL, subject = NULL, notation = NULL, number = NULL WHERE seq = ?',
      seq,
    );
    db.run(
      `UPDATE envelopes SET work = 'done', last_error = 'secrecy-refused' WHERE document_seq = ? AND work <> 'done'`,
      seq,
    );
  }
  for (const { seq } of arrived(db, documentId)) {
    note('SELECT salt, metadata, subject, notation, number FROM inbox WHERE seq = ?', seq);
    note('SELECT content, name FROM in_parts WHERE inbox_seq = ?', seq);
    db.run('DELETE FROM in_parts WHERE inbox_seq = ?', seq);
    db.run(
      'UPDATE inbox SET salt = NULL, metadata = NULL, subject = NULL, notation = NULL, number = NULL, destroyed_ms = coalesce(destroyed_ms, ?) WHERE seq = ?',
      nowMs,
      seq,
    );
  }
  for (const direction of ['out', 'in'] as const)
    for (const { seq } of direction === 'out' ? sent(db, documentId) : arrived(db, documentId))
      db.run(
        `UPDATE checks SET findings = '[]', parts = '[]' WHERE direction = ? AND doc = ?`,
        direction,
        seq,
      );
  // What did not verify and was kept aside holds wrappers with their content.
  const envelopes = db.all<{ id: Uint8Array }>(
    `SELECT e.envelope_id AS id FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE d.document_id = ?1 AND e.envelope_id IS NOT NULL
     UNION SELECT envelope_id FROM inbox WHERE document_id = ?1`,
    documentId,
  );
  for (const { id } of envelopes)
    db.run(`UPDATE aside SET bytes = zeroblob(1) WHERE envelope_id = ? AND kind = 'delivery'`, id);
  db.run('DELETE FROM document_numbers WHERE document_id = ?', documentId);
  return [...keys];
}

export function takedownOps(db: Database) {
  return {
    /** Hidden at once here; the report waits to be told. */
    reportSecret(r: {
      documentId: Uint8Array;
      bytes: Uint8Array;
      actor: string;
      why: string;
      nowMs: number;
    }): void {
      for (const { seq } of sent(db, r.documentId)) hide(db, 'out', seq, r.nowMs);
      for (const { seq } of arrived(db, r.documentId)) hide(db, 'in', seq, r.nowMs);
      db.run(
        'INSERT INTO secret_reports (document_id, at_ms, bytes) VALUES (?, ?, ?)',
        r.documentId,
        r.nowMs,
        r.bytes,
      );
      const about = uuidFromBytes(r.documentId);
      noteAudit(db, { atMs: r.nowMs, actor: r.actor, act: 'report-secret', about, said: r.why });
      noteAlarm(db, { atMs: r.nowMs, code: 'secret-reported', about, said: r.actor });
    },
    /** A verified order of our hub: in force on return, files and keys excepted. The same order again changes nothing. */
    obeyRemoval({ order, bytes, nowMs }: { order: RemovalOrder; bytes: Uint8Array; nowMs: number }): void {
      const { hub, number, act, documentId, sender, contents, atMs } = order;
      if (db.get('SELECT 1 FROM removals WHERE hub = ? AND number = ?', hub, number)) return;
      const found = sent(db, documentId).length + arrived(db, documentId).length > 0;
      for (const { seq } of sent(db, documentId)) hide(db, 'out', seq, nowMs);
      for (const { seq } of arrived(db, documentId)) hide(db, 'in', seq, nowMs);
      let keys: number[] = [];
      if (act === 2) {
        db.exec('PRAGMA secure_delete = ON');
        try {
          keys = erase(db, documentId, nowMs);
          for (const sha256 of contents) {
            db.run('DELETE FROM staged WHERE sha256 = ?', sha256);
            db.run('INSERT OR IGNORE INTO denied (sha256, at_ms) VALUES (?, ?)', sha256, nowMs);
          }
        } finally {
          db.exec('PRAGMA secure_delete = FAST');
        }
      }
      const hexes = JSON.stringify(contents.map((sha256) => Buffer.from(sha256).toString('hex')));
      db.run(
        'INSERT INTO removals (hub, number, act, document_id, sender, contents, keys, bytes, at_ms, taken_ms, found) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        hub,
        number,
        act,
        documentId,
        sender,
        hexes,
        JSON.stringify(keys),
        bytes,
        atMs,
        nowMs,
        found ? 1 : 0,
      );
      noteAudit(db, {
        atMs: nowMs,
        actor: '',
        act: act === 2 ? 'removal-destroy' : 'removal-hide',
        about: uuidFromBytes(documentId),
        said: `order ${number}`,
      });
    },
    /** Kept and not obeyed; the hub gets no word, so that it stays on its list. Idempotent. */
    refuseRemoval(r: {
      order: RemovalOrder;
      hub: string;
      bytes: Uint8Array;
      said: string;
      nowMs: number;
    }): void {
      const { number, act, documentId, sender, atMs } = r.order;
      db.run(
        `INSERT OR IGNORE INTO removals (hub, number, act, document_id, sender, contents, bytes, at_ms, taken_ms, found, done_ms, told)
         VALUES (?, ?, ?, ?, ?, '[]', ?, ?, ?, 0, ?, ${refusedMark})`,
        r.hub,
        number,
        act,
        documentId,
        sender,
        r.bytes,
        atMs,
        r.nowMs,
        r.nowMs,
      );
      const about = uuidFromBytes(Buffer.alloc(16, documentId));
      noteAlarm(db, { atMs: r.nowMs, code: 'removal-refused', about, said: r.said.slice(0, 300) });
    },
    removalDone({ hub, number, nowMs }: { hub: string; number: number; nowMs: number }): void {
      db.run(
        'UPDATE removals SET done_ms = ? WHERE hub = ? AND number = ? AND done_ms IS NULL',
        nowMs,
        hub,
        number,
      );
    },
    removalsTold({
      hub,
      numbers,
      reports,
      returned = [],
    }: {
      hub: string;
      numbers: readonly number[];
      reports: readonly number[];
      returned?: readonly number[];
    }): void {
      for (const number of returned)
        db.run('UPDATE removals SET give_back = 0 WHERE hub = ? AND number = ?', hub, number);
      for (const number of numbers)
        db.run('UPDATE removals SET told = 1 WHERE hub = ? AND number = ?', hub, number);
      for (const id of reports) db.run('UPDATE secret_reports SET told = 1 WHERE id = ?', id);
    },
  };
}

export type RemovalRow = {
  readonly hub: string;
  readonly number: number;
  readonly act: number;
  readonly document_id: Uint8Array;
  readonly contents: string;
  readonly keys: string;
  readonly found: number;
  readonly done_ms: number | null;
};

export function takedownReads(db: Database) {
  return {
    removalSeen: (hub: string): number =>
      db.get<{ n: number | null }>('SELECT max(number) AS n FROM removals WHERE hub = ?', hub)?.n ?? 0,
    removalsOpen: (): readonly RemovalRow[] =>
      db.all<RemovalRow>('SELECT * FROM removals WHERE done_ms IS NULL ORDER BY number LIMIT 256'),
    removalsUntold: (): readonly RemovalRow[] =>
      db.all<RemovalRow>(
        'SELECT * FROM removals WHERE done_ms IS NOT NULL AND told = 0 ORDER BY number LIMIT 64',
      ),
    reportsUntold: () =>
      db.all<{ id: number; bytes: Uint8Array }>(
        'SELECT id, bytes FROM secret_reports WHERE told = 0 ORDER BY id LIMIT 64',
      ),
    /** After the hub was restored: orders that it may have forgotten. */
    removalsToReturn: (hub: string) =>
      db.all<{ number: number; bytes: Uint8Array }>(
        `SELECT number, bytes FROM removals WHERE give_back = 1 AND hub = ? AND told <> ${refusedMark} ORDER BY number LIMIT 16`,
        hub,
      ),
    /** Sealed headers of a document that are here, sent or received. */
    sealedOf: (documentId: Uint8Array): Uint8Array[] =>
      db
        .all<{ signed: Uint8Array }>(
          `SELECT e.signed FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE d.document_id = ?1 AND e.signed IS NOT NULL
           UNION ALL SELECT signed FROM inbox WHERE document_id = ?1`,
          documentId,
        )
        .map(({ signed }) => signed),
    /** An order was obeyed for this document: it is not shown, whenever it comes. */
    isRemoved: (documentId: Uint8Array): boolean =>
      db.get(`SELECT 1 FROM removals WHERE document_id = ? AND told <> ${refusedMark}`, documentId) !==
      undefined,
    isDenied: (sha256: Uint8Array): boolean =>
      db.get('SELECT 1 FROM denied WHERE sha256 = ?', sha256) !== undefined,
  };
}
