// Rows of watched folders: written in the writer thread, read on the loop. A row says what was done on a disk that is not ours: written after
// what it says is durable there, except 'ready', which comes before the rename that makes an arrival visible.
import type { Database } from '../../protocol/node/sqlite.ts';

export type GivenState = 'ready' | 'given' | 'gone';
export type TakenRow = { readonly documentId: Uint8Array; readonly name: string };
export type GivenRow = {
  readonly folder: string;
  readonly inboxSeq: number;
  readonly name: string;
  readonly state: GivenState;
};

export function folderOps(db: Database) {
  return {
    /** A folder that is new here is given what arrives from now on. */
    folderKnown({ folder }: { folder: string }): void {
      db.run(
        `INSERT INTO folders (folder, given_seq, statements_seen, statuses_seen)
         SELECT ?, (SELECT coalesce(max(seq), 0) FROM inbox), (SELECT coalesce(max(id), 0) FROM statements), (SELECT coalesce(max(id), 0) FROM statuses)
         WHERE true ON CONFLICT (folder) DO NOTHING`,
        folder,
      );
    },
    /** Idempotent: the name of the first time stays. */
    folderTook(r: { documentId: Uint8Array; folder: string; name: string; nowMs: number }): void {
      db.run(
        'INSERT INTO folder_taken (document_id, folder, name, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (document_id) DO NOTHING',
        r.documentId,
        r.folder,
        db.cells.begin().text(r.name),
        r.nowMs,
      );
    },
    folderTold(r: { folder: string; statementsSeen: number; statusesSeen: number }): void {
      db.run(
        'UPDATE folders SET statements_seen = ?, statuses_seen = ? WHERE folder = ?',
        r.statementsSeen,
        r.statusesSeen,
        r.folder,
      );
    },
    /** 'ready' only while the document may be read: false when it was destroyed, or hidden, in the meantime. Nothing brings back what is gone. */
    folderGive(r: GivenRow & { nowMs: number }): boolean {
      const unreadable = db.get(
        `SELECT 1 FROM inbox WHERE seq = ?1 AND destroyed_ms IS NOT NULL UNION ALL
         SELECT 1 FROM received WHERE recall <> '' AND document_id = (SELECT document_id FROM inbox WHERE seq = ?1) UNION ALL
         SELECT 1 FROM checks WHERE direction = 'in' AND doc = ?1 AND state NOT IN ('passed','released')`,
        r.inboxSeq,
      );
      if (r.state === 'ready' && unreadable) return false;
      db.run(
        `INSERT INTO folder_given (folder, inbox_seq, name, state, at_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (folder, inbox_seq) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms WHERE state <> 'gone'`,
        r.folder,
        r.inboxSeq,
        db.cells.begin().text(r.name),
        r.state,
        r.nowMs,
      );
      return true;
    },
    folderGaveUpTo({ folder, seq }: { folder: string; seq: number }): void {
      db.run('UPDATE folders SET given_seq = ? WHERE folder = ? AND given_seq < ?', seq, folder, seq);
    },
  };
}

export function folderReads(db: Database) {
  return {
    folderRow: (folder: string) =>
      db.get<{ givenSeq: number; statementsSeen: number; statusesSeen: number }>(
        'SELECT given_seq AS givenSeq, statements_seen AS statementsSeen, statuses_seen AS statusesSeen FROM folders WHERE folder = ?',
        folder,
      ),
    taken: (documentId: Uint8Array) =>
      db.get<{ folder: string; name: string }>(
        'SELECT folder, name FROM folder_taken WHERE document_id = ?',
        documentId,
      ),
    takenSince: (folder: string, sinceMs: number): readonly TakenRow[] =>
      db.all<TakenRow>(
        'SELECT document_id AS documentId, name FROM folder_taken WHERE folder = ? AND at_ms >= ?',
        folder,
        sinceMs,
      ),
    /** How far statements and statuses have come, for `takenTold`. */
    toldMarks: () =>
      db.get<{ statementsSeen: number; statusesSeen: number }>(
        'SELECT (SELECT coalesce(max(id), 0) FROM statements) AS statementsSeen, (SELECT coalesce(max(id), 0) FROM statuses) AS statusesSeen',
      )!,
    /** Documents taken from the folder of which something was said after these marks. */
    takenTold: (folder: string, statementsSeen: number, statusesSeen: number): readonly TakenRow[] =>
      db.all<TakenRow>(
        `SELECT document_id AS documentId, name FROM folder_taken WHERE folder = ?1 AND document_id IN (
           SELECT d.document_id FROM statements s JOIN envelopes e ON e.envelope_id = s.envelope_id JOIN documents d ON d.seq = e.document_seq
             WHERE s.id > ?2
           UNION SELECT s.document_id FROM statuses s WHERE s.id > ?3)`,
        folder,
        statementsSeen,
        statusesSeen,
      ),
    /** Inbox rows of a unit after `afterSeq` that the folder has not had, oldest first; statuses and requests are no documents. */
    toGive: (folder: string, unit: string, afterSeq: number, limit: number) =>
      db.all<{ seq: number; envelopeId: Uint8Array; destroyedMs: number | null; receivedMs: number }>(
        `SELECT seq, envelope_id AS envelopeId, destroyed_ms AS destroyedMs, received_ms AS receivedMs FROM inbox i
         WHERE seq > ?3 AND kind NOT IN (2,4,5) AND EXISTS (SELECT 1 FROM inbox_recipients r WHERE r.unit = ?2 AND r.inbox_seq = i.seq)
           AND NOT EXISTS (SELECT 1 FROM folder_given g WHERE g.folder = ?1 AND g.inbox_seq = i.seq AND g.state <> 'ready')
         ORDER BY seq LIMIT ?4`,
        folder,
        unit,
        afterSeq,
        limit,
      ),
    givenRow: (folder: string, inboxSeq: number) =>
      db.get<GivenRow>(
        'SELECT folder, inbox_seq AS inboxSeq, name, state FROM folder_given WHERE folder = ? AND inbox_seq = ?',
        folder,
        inboxSeq,
      ),
    /** Copies of a document that lie in folders, whoever sent it. */
    givenCopies: (documentId: Uint8Array): readonly GivenRow[] =>
      db.all<GivenRow>(
        `SELECT g.folder, g.inbox_seq AS inboxSeq, g.name, g.state FROM folder_given g JOIN inbox i ON i.seq = g.inbox_seq
         WHERE i.document_id = ? AND g.state <> 'gone'`,
        documentId,
      ),
    newestArrival: (): number =>
      db.get<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM inbox')!.seq,
  };
}
