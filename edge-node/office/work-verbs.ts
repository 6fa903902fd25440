// The verbs of work inside the unit: accept and register, forward, progress, take back. People are accounts of the unit by official e-mail
// (edge-node/accounts); office software acts through the same verbs under its token's name.
import { dayOf } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { violation } from '../../protocol/document/violations.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { officialEmail } from '../accounts/person.ts';
import type { EdgeContext } from '../context.ts';
import { sendingUnit } from '../outbox/submit.ts';
import { assertAcceptable } from '../safety/views.ts';
import { arrivalOf, assertWorking, oneOf } from '../statuses/verbs.ts';
import type { Arrival } from '../store/view-reads.ts';
import type { OfficeCore, TaskStory, TaskView } from './core.ts';
import { arrivedEntry, checkedEntry, serialNumber, serialText } from './entries.ts';
import type { TaskRow } from './register-reads.ts';
import type { Assignee } from './work-ops.ts';

type WorkCore = Pick<OfficeCore, 'accept' | 'forward' | 'progress' | 'withdraw' | 'task' | 'tasks'>;
const textBytesMax = 4_000;
const assigneesMax = 50;
const refused = (field: string, vi: string, en: string) =>
  new ExchangeError('request-malformed', `${field}: ${en}`, { violations: [violation(field, vi, en)] });

export function workVerbs(context: EdgeContext, hooks: { readonly nudge: () => void }): WorkCore {
  const { store, clock } = context;

  function receivedBy(id: string, given: string | undefined): { arrival: Arrival; unit: string } {
    const arrival = arrivalOf(id, context);
    const units = store.receivedOf(arrival.sender, arrival.document_id).map(({ unit }) => unit);
    return { arrival, unit: oneOf(units, given, context) };
  }
  function changed(documentId: Uint8Array, unit: string): void {
    context.emit({ kind: 'document', documentId: uuidFromBytes(documentId), unit });
    hooks.nudge();
  }
  function text(field: string, given: string): string {
    if (Buffer.byteLength(given) > textBytesMax)
      throw refused(field, `dài quá ${textBytesMax} byte.`, `more than ${textBytesMax} bytes`);
    return given.normalize('NFC').trim();
  }
  function taskView(row: TaskRow): TaskView {
    const { person, desk, instruction, state, progress } = row;
    const arrival = store.arrivalById(row.document_id);
    const entry = store.entryOfDocument(row.unit, 'in', row.document_id);
    return {
      task: row.id,
      documentId: uuidFromBytes(row.document_id),
      subject: arrival?.subject ?? '',
      registered: entry ? serialText(entry) : '',
      person,
      personName: person === '' ? '' : (store.personByEmail(person)?.name ?? ''),
      desk,
      lead: row.lead === 1,
      instruction,
      dueMs: row.due_ms ?? undefined,
      state,
      progress,
      givenMs: row.given_ms,
      givenBy: row.given_by,
      changedMs: row.changed_ms,
      changedBy: row.changed_by,
    };
  }
  function story(id: number): TaskStory {
    const row = store.task(id);
    if (!row) throw new ExchangeError('task-unknown', String(id));
    const notes = store.taskNotes(id).map(({ at_ms, ...note }) => ({ ...note, atMs: at_ms }));
    return { ...taskView(row), notes };
  }
  /** The unit of a task, checked against ours. */
  function unitOfTask(id: number, given: string | undefined): TaskRow {
    const row = store.task(id);
    if (!row || (given !== undefined && sendingUnit(given, context) !== row.unit))
      throw new ExchangeError('task-unknown', String(id));
    return row;
  }

  return {
    async accept(id, request) {
      assertWorking(context);
      const { arrival, unit } = receivedBy(id, request.unit);
      const { actor = '', keepText = true, number, person, due } = request;
      const nowMs = clock.nowMs();
      const dueMs = due === undefined ? null : Date.parse(due);
      if (dueMs !== null && !(dueMs > nowMs || (dueMs > 0 && dayOf(dueMs) === dayOf(nowMs))))
        throw refused(
          '/due',
          'trước hôm nay hoặc không đúng dạng. Ghi như 2026-11-30T17:00:00+07:00.',
          'before today, or no time',
        );
      assertAcceptable(arrival, context);
      if (!arrival.metadata) throw new ExchangeError('document-recalled');
      const author =
        context.directory.current().unit(arrival.sender)?.name ??
        context.directory.current().codeOf(arrival.sender);
      const said = arrivedEntry(
        metadataCodec.decode(arrival.metadata),
        author,
        arrivedDay(arrival.received_ms, nowMs),
      );
      // The sender's own words are kept as they came; what a clerk types is judged.
      const fields = checkedEntry('in', { ...said, ...request.fields }, { nowMs, keepText });
      const clerk = person === undefined ? undefined : store.unitPerson(unit, officialEmail(person));
      if (person !== undefined && !clerk) throw new ExchangeError('person-unknown', person.slice(0, 254));
      const made = await store.write('acceptArrival', {
        sender: arrival.sender,
        documentId: arrival.document_id,
        unit,
        year: Number(fields.day.slice(0, 4)),
        code: request.code ?? '',
        serial: number === undefined ? undefined : serialNumber(number),
        fields,
        person: clerk?.name ?? '',
        evenIfDuplicate: request.evenIfDuplicate ?? false,
        dueMs,
        actor,
        nowMs,
      });
      changed(arrival.document_id, unit);
      return {
        documentId: uuidFromBytes(arrival.document_id),
        entry: made.entry,
        registered: made.number,
        year: made.year,
      };
    },

    async forward(id, request) {
      assertWorking(context);
      const { arrival, unit } = receivedBy(id, request.unit);
      const nowMs = clock.nowMs();
      const { to, instruction = '', due, actor = '' } = request;
      if (to.length === 0 || to.length > assigneesMax)
        throw refused('/to', `cần 1 đến ${assigneesMax} người.`, `1 to ${assigneesMax}`);
      const dueMs = due === undefined ? null : Date.parse(due);
      if (dueMs !== null && !(dueMs > nowMs))
        throw refused(
          '/due',
          'đã qua hoặc không đúng dạng. Ghi như 2026-11-30T17:00:00+07:00.',
          'in the past, or no time',
        );
      const made = await store.write('forwardArrival', {
        sender: arrival.sender,
        documentId: arrival.document_id,
        unit,
        // One person is in charge, whether anybody said so or not.
        to: to.map(({ who, lead }): Assignee => ({ ...assigneeOf(who), lead: lead ?? to.length === 1 })),
        instruction: text('/instruction', instruction),
        dueMs,
        day: dayOf(nowMs),
        actor,
        nowMs,
      });
      changed(arrival.document_id, unit);
      return made;
    },

    async progress(task, { unit, state, said = '', actor = '' }) {
      assertWorking(context);
      const row = unitOfTask(task, unit);
      await store.write('taskProgress', {
        unit: row.unit,
        task,
        state,
        said: text('/said', said),
        actor,
        nowMs: clock.nowMs(),
      });
      changed(row.document_id, row.unit);
      return story(task);
    },
    async withdraw(task, { unit, reason, actor = '' }) {
      const row = unitOfTask(task, unit);
      if (reason.trim() === '') throw refused('/reason', 'đang để trống.', 'empty');
      await store.write('withdrawTask', {
        unit: row.unit,
        task,
        said: text('/reason', reason),
        actor,
        nowMs: clock.nowMs(),
      });
      changed(row.document_id, row.unit);
      return story(task);
    },
    async task(task) {
      return story(task);
    },
    async tasks({ unit, person, id, openOnly = false, limit = 200 }) {
      const bounded = Math.min(1_000, Math.max(1, limit));
      if (id !== undefined) {
        const { arrival, unit: ours } = receivedBy(id, unit);
        return store.tasksOf(ours, arrival.sender, arrival.document_id).slice(0, bounded).map(taskView);
      }
      const email = person === undefined ? '' : officialEmail(person);
      return store
        .tasksOfUnit(sendingUnit(unit, context), { person: email, openOnly, limit: bounded })
        .map(taskView);
    },
  };
}

/** Ngày đến. What came last year and is accepted this year stands in this year's book under today: the old one is closed or printed. */
function arrivedDay(receivedMs: number, nowMs: number): string {
  const [received, today] = [dayOf(receivedMs), dayOf(nowMs)];
  return received.slice(0, 4) === today.slice(0, 4) ? received : today;
}

/** An official e-mail, or `desk:` and the name of a desk. */
function assigneeOf(who: string): { person: string; desk: string } {
  if (who.startsWith('desk:')) return { person: '', desk: who.slice(5).normalize('NFC').trim() };
  return { person: officialEmail(who), desk: '' };
}
