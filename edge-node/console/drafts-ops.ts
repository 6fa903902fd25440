// Writes of drafts and readings; run in the writer thread. A draft changes hands by its revision, and a held one is either taken back or
// handed in, never both: each is one compare-and-swap.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from '../store/fact-ops.ts';

export type DraftSave = {
  readonly draft: string;
  readonly unit: string;
  readonly person: number;
  /** The revision that the page knows; 0 for a new draft. */
  readonly revision: number;
  readonly fields: string;
  readonly handles: readonly string[];
  readonly nowMs: number;
};

export function draftOps(db: Database) {
  function keepHandles(id: number, handles: readonly string[]): void {
    db.run('DELETE FROM draft_handles WHERE draft_id = ?', id);
    for (const handle of new Set(handles))
      db.run('INSERT INTO draft_handles (draft_id, handle) VALUES (?, ?)', id, handle);
  }

  return {
    /** Returns the new revision. `draft-changed` when another window saved in between, or it is no longer open. */
    draftSave(d: DraftSave): { readonly revision: number } {
      if (d.revision === 0) {
        const { changes, lastRowId } = db.run(
          `INSERT INTO drafts (draft, unit, person, state, revision, fields, created_ms, changed_ms) VALUES (?, ?, ?, 'open', 1, ?, ?, ?)
           ON CONFLICT (draft) DO NOTHING`,
          d.draft,
          d.unit,
          d.person,
          db.cells.begin().text(d.fields),
          d.nowMs,
          d.nowMs,
        );
        if (changes !== 1) throw new ExchangeError('draft-changed');
        keepHandles(lastRowId, d.handles);
        return { revision: 1 };
      }
      const row = db.get<{ id: number; revision: number }>(
        `UPDATE drafts SET fields = ?, revision = revision + 1, changed_ms = ?, last_error = NULL
         WHERE draft = ? AND unit = ? AND state = 'open' AND revision = ? RETURNING id, revision`,
        db.cells.begin().text(d.fields),
        d.nowMs,
        d.draft,
        d.unit,
        d.revision,
      );
      if (!row) throw new ExchangeError('draft-changed');
      keepHandles(row.id, d.handles);
      return { revision: row.revision };
    },
    draftDrop(d: { draft: string; unit: string; nowMs: number }): void {
      const { changes } = db.run(
        "UPDATE drafts SET state = 'dropped', changed_ms = ? WHERE draft = ? AND unit = ? AND state = 'open'",
        d.nowMs,
        d.draft,
        d.unit,
      );
      if (changes !== 1) throw new ExchangeError('draft-changed');
    },
    /** From here on it is sent at `dueMs`, whatever becomes of the browser. A second click finds it held and changes nothing. */
    draftHold(d: {
      draft: string;
      unit: string;
      revision: number;
      sender: number;
      actor: string;
      dueMs: number;
      nowMs: number;
    }): void {
      const { changes } = db.run(
        `UPDATE drafts SET state = 'held', due_ms = ?, sender = ?, last_error = NULL WHERE draft = ? AND unit = ? AND state = 'open' AND revision = ?`,
        d.dueMs,
        d.sender,
        d.draft,
        d.unit,
        d.revision,
      );
      if (changes !== 1) throw new ExchangeError('draft-changed');
      noteAudit(db, { atMs: d.nowMs, actor: d.actor, act: 'send', about: d.draft });
    },
    /** Hoàn tác. `undo-too-late` once it was handed in. */
    draftUndo(d: { draft: string; unit: string; actor: string; nowMs: number }): void {
      const { changes } = db.run(
        "UPDATE drafts SET state = 'open', due_ms = NULL, changed_ms = ? WHERE draft = ? AND unit = ? AND state = 'held' AND due_ms > ?",
        d.nowMs,
        d.draft,
        d.unit,
        d.nowMs,
      );
      if (changes !== 1) throw new ExchangeError('undo-too-late');
      noteAudit(db, { atMs: d.nowMs, actor: d.actor, act: 'send-undo', about: d.draft });
    },
    /** Also when it is repeated after a crash: the document is the same by its idempotency key. */
    draftSent(d: { draft: string; documentId: string; nowMs: number }): void {
      db.run(
        "UPDATE drafts SET state = 'sent', document_id = ?, changed_ms = ? WHERE draft = ? AND state = 'held'",
        d.documentId,
        d.nowMs,
        d.draft,
      );
    },
    /** Back to the clerk with the reason, or tried again at `dueMs`. */
    draftFailed(d: { draft: string; error: string; dueMs: number | null; nowMs: number }): void {
      if (d.dueMs === null)
        db.run(
          "UPDATE drafts SET state = 'open', due_ms = NULL, last_error = ?, changed_ms = ? WHERE draft = ? AND state = 'held'",
          d.error,
          d.nowMs,
          d.draft,
        );
      else
        db.run(
          "UPDATE drafts SET due_ms = ?, last_error = ? WHERE draft = ? AND state = 'held'",
          d.dueMs,
          d.error,
          d.draft,
        );
    },
    /** The first look of a person counts; true when it was the first. */
    readingNote(r: { envelopeId: Uint8Array; person: number; nowMs: number }): boolean {
      return (
        db.run(
          'INSERT INTO readings (envelope_id, person, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
          r.envelopeId,
          r.person,
          r.nowMs,
        ).changes === 1
      );
    },
  };
}
