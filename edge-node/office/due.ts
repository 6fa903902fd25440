// What is late or about to be, per document with its rule: derived when asked, from the rows and the calendar; nothing of it is stored.
import {
  confirmBy,
  type DeadlineRule,
  dueState,
  presentBy,
  ruleWords,
  sendBy,
} from '../../protocol/calendar/deadlines.ts';
import { type Calendar, dayOf, vietnamTime } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { isDay } from '../../protocol/document/judge.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { EdgeContext } from '../context.ts';
import { hiddenTitle } from '../views.ts';
import type { DueView } from './core.ts';

type Titled = {
  readonly subject: string | null;
  readonly number: string | null;
  readonly notation: string | null;
  readonly urgency: number;
  readonly unit: string;
  readonly document_id: Uint8Array;
};

export function dueOfUnit(unit: string, calendar: Calendar, context: EdgeContext): DueView[] {
  const { store, clock, directory } = context;
  const nowMs = clock.nowMs();
  const found: DueView[] = [];
  const add = (
    rule: DeadlineRule,
    dueMs: number,
    row: Titled,
    more: { readonly direction: 'out' | 'in'; readonly envelopeId?: Uint8Array; readonly who?: string },
  ) => {
    const { vi, en, clause } = ruleWords[rule];
    found.push({
      rule,
      words: { vi, en },
      clause,
      state: dueState(calendar, rule, dueMs, nowMs),
      dueMs,
      due: vietnamTime(dueMs),
      direction: more.direction,
      unit,
      documentId: uuidFromBytes(row.document_id),
      envelopeId: more.envelopeId && uuidFromBytes(more.envelopeId),
      subject: row.subject ?? '',
      notation: [row.number, row.notation].filter(Boolean).join('/'),
      urgency: row.urgency,
      who: more.who ?? '',
    });
  };

  for (const row of store.notSent(unit)) {
    const issueDate = row.metadata ? metadataCodec.decode(row.metadata).issueDate : '';
    const signedDay = isDay(issueDate) ? issueDate : dayOf(row.created_ms);
    add('send', sendBy(calendar, { signedDay, handedInMs: row.created_ms, urgency: row.urgency }), row, {
      direction: 'out',
    });
  }
  const answers = store.answersSent(unit);
  for (const row of store.notFinished(unit)) {
    const shown = hiddenTitle(row.inbox_seq, store) ? { ...row, subject: '', number: '', notation: '' } : row;
    const place = { direction: 'in', envelopeId: row.envelope_id } as const;
    if (row.code === '01') add('confirm', confirmBy(calendar, row.received_ms), shown, place);
    if (row.code === '01' || row.code === '03')
      add('present', presentBy(calendar, row.received_ms, row.urgency), shown, place);
    if (row.reply_by_ms > 0 && !answers.has(uuidFromBytes(row.document_id)))
      add('reply', row.reply_by_ms, shown, place);
  }
  for (const row of store.answersAwaited(unit))
    add('answer', row.reply_by_ms, row, {
      direction: 'out',
      who: row.waiting
        .split(' ')
        .map((each) => directory.current().codeOf(each))
        .join(', '),
    });
  for (const row of [...store.tasksDue(unit), ...store.acceptedDue(unit)])
    add('task', row.due_ms, row, {
      direction: 'in',
      envelopeId: row.envelope_id,
      who: row.person || row.desk,
    });
  return found;
}
