// Writes about checks, run in the writer thread: begun in the same commit as the document, settled with what follows from it. Each move is one
// compare-and-swap. The second person is enforced here, where the row is: nowhere else.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Cell } from '../../protocol/node/at-rest/cells.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds } from '../../protocol/seal.ts';
import { noteAlarm, noteAudit } from './fact-ops.ts';

export type Direction = 'out' | 'in';
/** What the quick look found; `state` other than pending ends the check at once. */
export type NewCheck = {
  readonly state: 'pending' | 'passed' | 'held';
  readonly submitter: string;
  readonly findings: string;
  readonly parts: string;
  readonly policy: string;
  readonly secret: boolean;
};
export type SettledCheck = {
  readonly id: number;
  readonly state: 'passed' | 'held' | 'refused';
  /** Code for the recipients' rows of what is refused. */
  readonly code: string;
  readonly findings: string;
  readonly parts: string;
  readonly policy: string;
  readonly secret: boolean;
  readonly nowMs: number;
};
export type Judgement = {
  readonly direction: Direction;
  readonly doc: number;
  readonly act: 'release' | 'reject';
  readonly actor: string;
  readonly why: string;
  readonly nowMs: number;
};
type CheckRow = {
  readonly id: number;
  readonly direction: Direction;
  readonly doc: number;
  readonly state: string;
  readonly submitter: string;
  readonly secret: number;
  readonly first_by: string | null;
};

export function insertCheck(
  db: Database,
  about: { direction: Direction; doc: number; nowMs: number },
  check: NewCheck,
  /** Of the document: it goes with it. */
  cell: Cell,
): void {
  const decided = check.state === 'pending' ? null : about.nowMs;
  const [findings, parts] = cell.together(check.findings, check.parts);
  db.run(
    `INSERT INTO checks (direction, doc, state, submitter, findings, parts, policy, secret, since_ms, decided_ms, next_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
     ON CONFLICT (direction, doc) DO NOTHING`,
    about.direction,
    about.doc,
    check.state,
    check.submitter,
    findings,
    parts,
    check.policy,
    check.secret ? 1 : 0,
    about.nowMs,
    decided,
  );
  if (about.direction === 'out' && check.state !== 'passed')
    db.run('UPDATE envelopes SET checked = 0 WHERE document_seq = ?', about.doc);
}

/** Sending again what was not let go: it is looked at again. Code: `document-held`, for what was reported as a state secret: a check that passes would let it go. */
export function checkAgain(db: Database, documentSeq: number): void {
  const row = db.get<{ id: number; state: string; secret: number }>(
    `SELECT id, state, secret FROM checks WHERE direction = 'out' AND doc = ?`,
    documentSeq,
  );
  if (!row || row.state === 'passed' || row.state === 'released') return;
  if (row.secret === 1) throw new ExchangeError('document-held', 'reported as a state secret');
  db.run(
    `UPDATE checks SET state = 'pending', next_ms = 0, attempts = 0, decided_ms = NULL, first_by = NULL WHERE id = ?`,
    row.id,
  );
  db.run(`UPDATE envelopes SET checked = 0 WHERE document_seq = ? AND work = 'seal'`, documentSeq);
}

const aboutOf = (db: Database, { direction, doc }: { direction: Direction; doc: number }): string => {
  const row =
    direction === 'out'
      ? db.get<{ id: Uint8Array }>('SELECT document_id AS id FROM documents WHERE seq = ?', doc)
      : db.get<{ id: Uint8Array }>('SELECT envelope_id AS id FROM inbox WHERE seq = ?', doc);
  return row ? uuidFromBytes(row.id) : `${direction} ${doc}`;
};

function letGo(db: Database, { direction, doc }: { direction: Direction; doc: number }): void {
  if (direction === 'out')
    db.run('UPDATE envelopes SET checked = 1, next_ms = 0 WHERE document_seq = ?', doc);
}

/** An outgoing document ends here: what of it was not sealed. Where nothing was, its corrections end with it: nobody has what they correct. */
function endSending(
  db: Database,
  doc: number,
  how: { state: 'refused' | 'cancelled'; code: string; nowMs: number },
): void {
  endUnsealed(db, doc, how);
  if (db.get('SELECT 1 FROM envelopes WHERE document_seq = ? AND envelope_id IS NOT NULL', doc)) return;
  const corrections = db.all<{ seq: number }>(
    `SELECT c.document_seq AS seq FROM documents d JOIN changes c ON c.target = d.document_id AND c.kind = ${kinds.update} WHERE d.seq = ?`,
    doc,
  );
  for (const { seq } of corrections) endUnsealed(db, seq, how);
}

function endUnsealed(
  db: Database,
  doc: number,
  how: { state: 'refused' | 'cancelled'; code: string; nowMs: number },
): void {
  db.run(
    `UPDATE outbox_recipients SET state = ?, code = ?, at_ms = ? WHERE state = 'queued' AND envelope_seq IN
       (SELECT seq FROM envelopes WHERE document_seq = ? AND work = 'seal')`,
    how.state,
    how.code,
    how.nowMs,
    doc,
  );
  db.run(
    `UPDATE envelopes SET work = 'done', last_error = ? WHERE document_seq = ? AND work = 'seal'`,
    how.code,
    doc,
  );
}

export function safetyOps(db: Database) {
  function held(j: Judgement): CheckRow {
    const row = db.get<CheckRow>(
      'SELECT id, direction, doc, state, submitter, secret, first_by FROM checks WHERE direction = ? AND doc = ?',
      j.direction,
      j.doc,
    );
    if (row?.state !== 'held')
      throw new ExchangeError('document-state-refused', row ? `its check is ${row.state}` : 'it is not held');
    if (row.secret === 1 && j.act === 'release')
      throw new ExchangeError('secrecy-refused', 'marked as a state secret: nobody releases it');
    return row;
  }

  return {
    /** Answers which were still pending. */
    settleChecks({ items }: { items: readonly SettledCheck[] }): readonly boolean[] {
      return items.map((item) => {
        const row = db.get<CheckRow>(
          'SELECT id, direction, doc, state, submitter, secret, first_by FROM checks WHERE id = ?',
          item.id,
        );
        if (row?.state !== 'pending') return false;
        const [findings, parts] = db.cells.begin().together(item.findings, item.parts);
        db.run(
          `UPDATE checks SET state = ?, findings = ?, parts = ?, policy = ?, secret = ?, decided_ms = ?, waiting = NULL WHERE id = ? AND state = 'pending'`,
          item.state,
          findings,
          parts,
          item.policy,
          item.secret ? 1 : 0,
          item.nowMs,
          item.id,
        );
        if (item.state === 'passed') letGo(db, row);
        else if (item.state === 'refused')
          endSending(db, row.doc, { state: 'refused', code: item.code, nowMs: item.nowMs });
        if (item.state !== 'passed')
          noteAlarm(db, {
            atMs: item.nowMs,
            code: item.secret ? 'secrecy-refused' : item.state === 'held' ? 'document-held' : 'file-refused',
            about: aboutOf(db, row),
            said: row.direction,
          });
        return true;
      });
    },
    /** The scanner is away, or too much waits: the document is looked at again. `alarm`: the grace is over. */
    delayChecks({
      items,
      nowMs,
    }: {
      items: readonly { id: number; code: string; nextMs: number; alarm: boolean }[];
      nowMs: number;
    }): void {
      for (const { id, code, nextMs, alarm } of items) {
        db.run(
          `UPDATE checks SET next_ms = ?, waiting = ?, attempts = attempts + 1 WHERE id = ? AND state = 'pending'`,
          nextMs,
          code,
          id,
        );
        if (alarm) noteAlarm(db, { atMs: nowMs, code, about: 'scanner', said: 'documents wait for it' });
      }
    },
    /**
     * A person's word about a held document. Two different persons release it, neither of whom handed it in; whoever handed in counts as
     * the first. One person suffices to reject. Answers what it came to. Codes: document-state-refused, same-person-refused, secrecy-refused.
     */
    judgeHeld(j: Judgement): 'first' | 'released' | 'rejected' {
      const row = held(j);
      const about = aboutOf(db, row);
      noteAudit(db, { atMs: j.nowMs, actor: j.actor, act: `check-${j.act}`, about, said: j.why });
      if (j.act === 'release') {
        if (j.actor === row.submitter)
          throw new ExchangeError('same-person-refused', 'whoever handed it in cannot release it');
        // An arrival has nobody who handed it in: its first person is the first who asks.
        if (row.direction === 'in' && row.first_by === null) {
          db.run(
            'UPDATE checks SET first_by = ?, first_ms = ?, first_why = ? WHERE id = ?',
            j.actor,
            j.nowMs,
            j.why,
            row.id,
          );
          return 'first';
        }
        if (row.first_by === j.actor)
          throw new ExchangeError('same-person-refused', 'the second person is another one');
      }
      db.run(
        `UPDATE checks SET state = ?, ended_by = ?, ended_ms = ?, ended_why = ? WHERE id = ? AND state = 'held'`,
        j.act === 'release' ? 'released' : 'rejected',
        j.actor,
        j.nowMs,
        j.why,
        row.id,
      );
      if (j.act === 'release') letGo(db, row);
      else if (row.direction === 'out')
        endSending(db, row.doc, { state: 'cancelled', code: 'document-held', nowMs: j.nowMs });
      return j.act === 'release' ? 'released' : 'rejected';
    },
  };
}
