// Work inside the unit with a received document, in the writer thread: the clerk accepts and registers, the head gives it to persons or desks,
// each says how far it is. Each act, its rows and the signed status that tells the sender are one commit. Only a registered document
// makes a duty (NĐ30 Đ16.2b): nothing is given out before 03.
import { vietnamTime } from '../../protocol/calendar/working-days.ts';
import { mayFollow } from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { accountReads } from '../accounts/reads.ts';
import { type ReceivedKey, type ReceivedRow, receivedRow, setStatus } from '../statuses/status-ops.ts';
import { noteAudit } from '../store/fact-ops.ts';
import { type EntryFields, type SerialNumber, serialText } from './entries.ts';
import { type EntryMade, insertEntry } from './register-ops.ts';
import type { TaskRow } from './register-reads.ts';

/** "23:22 26/11/2026" */
const minuteText = (ms: number): string => {
  const [day = '', time = ''] = vietnamTime(ms).split('T');
  return `${time.slice(0, 5)} ${day.split('-').reverse().join('/')}`;
};

type Actor = { readonly actor: string; readonly nowMs: number };
export type Acceptance = ReceivedKey &
  Actor & {
    readonly year: number;
    readonly code: string;
    readonly serial: SerialNumber | undefined;
    readonly fields: EntryFields;
    /** Name shown to the sender; '' is nobody named. */
    readonly person: string;
    readonly evenIfDuplicate: boolean;
    readonly dueMs: number | null;
  };
export type Assignee = { readonly person: string; readonly desk: string; readonly lead: boolean };
export type Forwarding = ReceivedKey &
  Actor & {
    readonly to: readonly Assignee[];
    readonly instruction: string;
    readonly dueMs: number | null;
    readonly day: string;
  };
export type TaskProgress = Actor & {
  readonly unit: string;
  readonly task: number;
  readonly state: 'working' | 'done';
  readonly said: string;
};

export function workOps(db: Database) {
  const people = accountReads(db);

  function standing(key: ReceivedKey): ReceivedRow {
    const row = receivedRow(db, key);
    if (!row) throw new ExchangeError('document-unknown');
    if (row.recall !== '') throw new ExchangeError('document-recalled');
    return row;
  }

  /** Says who was first: two clerks have one document before them. */
  function assertNotRegistered({ unit, sender, documentId }: ReceivedKey): void {
    const entry = db.get<{ number: number; suffix: string; made_by: string; made_ms: number }>(
      `SELECT e.number, e.suffix, e.made_by, e.made_ms FROM entries e JOIN books b ON b.id = e.book
       WHERE e.document_id = ? AND e.sender = ? AND b.unit = ? AND b.kind = 'in' AND e.struck IS NULL`,
      documentId,
      sender,
      unit,
    );
    if (entry)
      throw new ExchangeError(
        'document-registered',
        `số đến ${serialText(entry)}, ${entry.made_by}, ${minuteText(entry.made_ms)}`,
      );
  }

  /** Name of a person, or the desk, for the sender and the book. Throws `person-unknown`. */
  function nameOf(unit: string, { person, desk }: Assignee): string {
    if (person !== '') {
      const found = people.unitPerson(unit, person);
      if (!found) throw new ExchangeError('person-unknown', person.slice(0, 254));
      return found.name;
    }
    if (
      desk === '' ||
      !people.personsOfUnit(unit).some((each) => each.desk === desk && each.state !== 'disabled')
    )
      throw new ExchangeError('person-unknown', desk.slice(0, 100));
    return desk;
  }

  function note(task: number, state: string, said: string, { actor, nowMs }: Actor): void {
    db.run(
      'INSERT INTO task_notes (task, at_ms, actor, state, said) VALUES (?, ?, ?, ?, ?)',
      task,
      nowMs,
      actor,
      state,
      db.cells.begin().text(said),
    );
  }

  /** 05 when somebody is at it, 06 when all who lead it (or, where nobody leads, all) are done. Says nothing twice. */
  function statusAfter(task: TaskRow, who: Actor): void {
    const { unit, sender, document_id: documentId } = task;
    const key: ReceivedKey = { unit, sender, documentId };
    const tasks = db.all<TaskRow>(
      `SELECT * FROM tasks WHERE unit = ? AND sender = ? AND document_id = ? AND state <> 'withdrawn'`,
      unit,
      sender,
      documentId,
    );
    const leading = tasks.some(({ lead }) => lead === 1) ? tasks.filter(({ lead }) => lead === 1) : tasks;
    const code = leading.length > 0 && leading.every(({ state }) => state === 'done') ? '06' : '05';
    const { code: present } = standing(key);
    if (present === code || !mayFollow(present, code)) return;
    const person = task.person === '' ? task.desk : (people.personByEmail(task.person)?.name ?? '');
    setStatus(db, { ...key, ...who, code, person });
  }

  function openTask(unit: string, id: number): TaskRow {
    const task = db.get<TaskRow>('SELECT * FROM tasks WHERE id = ? AND unit = ?', id, unit);
    if (!task) throw new ExchangeError('task-unknown', String(id));
    if (task.state === 'withdrawn') throw new ExchangeError('task-refused', 'withdrawn');
    return task;
  }

  return {
    /** Register entry and status 03 with its number. A document that office software accepted without a number here is only registered. */
    acceptArrival(a: Acceptance): EntryMade {
      assertNotRegistered(a);
      const { code: present } = standing(a);
      if (present === '02') throw new ExchangeError('status-refused', `${present} → 03`);
      const made = insertEntry(db, { ...a, kind: 'in', series: '', origin: 'electronic' });
      if (present === '01')
        setStatus(db, {
          sender: a.sender,
          documentId: a.documentId,
          unit: a.unit,
          code: '03',
          registeredNumber: made.number,
          person: a.person,
          evenIfDuplicate: a.evenIfDuplicate,
          actor: a.actor,
          nowMs: a.nowMs,
        });
      if (a.dueMs !== null)
        db.run(
          'UPDATE received SET due_ms = ? WHERE sender = ? AND document_id = ? AND unit = ?',
          a.dueMs,
          a.sender,
          a.documentId,
          a.unit,
        );
      noteAudit(db, { atMs: a.nowMs, actor: a.actor, act: 'register-in', about: `${a.year} ${made.number}` });
      return made;
    },

    /** Tasks and status 04. Nobody gets one twice while it is open. */
    forwardArrival(f: Forwarding): { readonly tasks: readonly number[] } {
      standing(f);
      const names = f.to.map((assignee) => nameOf(f.unit, assignee));
      const tasks = f.to.map((assignee) => {
        const open = db.get(
          `SELECT 1 FROM tasks WHERE unit = ? AND sender = ? AND document_id = ? AND person = ? AND desk = ? AND state IN ('given','working')`,
          f.unit,
          f.sender,
          f.documentId,
          assignee.person,
          assignee.desk,
        );
        if (open)
          throw new ExchangeError('task-refused', `${assignee.person || assignee.desk}: given already`);
        const { lastRowId } = db.run(
          `INSERT INTO tasks (unit, sender, document_id, person, desk, lead, instruction, due_ms, state, progress, given_ms, given_by, changed_ms,
             changed_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'given', '', ?, ?, ?, ?)`,
          f.unit,
          f.sender,
          f.documentId,
          assignee.person,
          assignee.desk,
          assignee.lead ? 1 : 0,
          db.cells.begin().text(f.instruction),
          f.dueMs,
          f.nowMs,
          f.actor,
          f.nowMs,
          f.actor,
        );
        note(lastRowId, 'given', f.instruction, f);
        return lastRowId;
      });
      const leads = names.filter((_, i) => f.to[i]!.lead);
      const { sender, documentId, unit, actor, nowMs } = f;
      setStatus(db, {
        sender,
        documentId,
        unit,
        actor,
        nowMs,
        code: '04',
        person: (leads.length > 0 ? leads : names).join(', ').slice(0, 60),
      });
      // The book's columns "đơn vị hoặc người nhận" and "ngày chuyển", while nobody has written them by hand and the book is open.
      db.run(
        `UPDATE entries SET places = ?, forwarded_day = ?, changed_ms = ?, changed_by = ? WHERE document_id = ? AND sender = ? AND struck IS NULL
           AND places = '' AND book IN (SELECT id FROM books WHERE unit = ? AND kind = 'in' AND closed_ms IS NULL)`,
        db.cells.begin().text(names.join(', ').slice(0, 1000)),
        f.day,
        nowMs,
        actor,
        documentId,
        sender,
        unit,
      );
      return { tasks };
    },

    taskProgress({ unit, task: id, state, said, actor, nowMs }: TaskProgress): void {
      const task = openTask(unit, id);
      if (task.state === 'done' && state === 'done')
        throw new ExchangeError('task-refused', 'finished already');
      standing({ unit, sender: task.sender, documentId: task.document_id });
      db.run(
        'UPDATE tasks SET state = ?, progress = ?, changed_ms = ?, changed_by = ? WHERE id = ?',
        state,
        db.cells.begin().text(said),
        nowMs,
        actor,
        id,
      );
      note(id, state, said, { actor, nowMs });
      noteAudit(db, { atMs: nowMs, actor, act: `task-${state}`, about: `task ${id}` });
      statusAfter({ ...task, state }, { actor, nowMs });
    },

    /** The head takes it back; what remains decides where the document stands. */
    withdrawTask({
      unit,
      task: id,
      said,
      actor,
      nowMs,
    }: Actor & { unit: string; task: number; said: string }): void {
      const task = openTask(unit, id);
      if (task.state === 'done') throw new ExchangeError('task-refused', 'finished already');
      db.run(
        `UPDATE tasks SET state = 'withdrawn', changed_ms = ?, changed_by = ? WHERE id = ?`,
        nowMs,
        actor,
        id,
      );
      note(id, 'withdrawn', said, { actor, nowMs });
      noteAudit(db, { atMs: nowMs, actor, act: 'task-withdraw', about: `task ${id}` });
    },
  };
}
