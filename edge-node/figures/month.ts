// The figures of a unit's month: what went and came by the system and on paper, by kind, unit and urgency, what was late by the terms of
// protocol/calendar, and who looked in four times a day. Derived when asked, from the rows; nothing of it is stored, so it is never stale.
import { confirmBy, sendBy } from '../../protocol/calendar/deadlines.ts';
import { type Calendar, dayOf, momentOf } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { isDay } from '../../protocol/document/judge.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Metadata } from '../../protocol/wire.ts';
import { presenceOf } from '../accounts/presence-figures.ts';
import type { Flow, MonthFigures } from '../console/contract-figures.ts';
import type { EdgeContext } from '../context.ts';

export type MonthOf = { readonly unit: string; readonly month: string; readonly calendar: Calendar };

const unitsShown = 200;

/** First day of the month and of the next one, yyyy-MM-dd. Throws `request-malformed`. */
export function daysOf(month: string): readonly [string, string] {
  const match = /^(20\d{2})-(0[1-9]|1[0-2])$/.exec(month);
  if (!match) throw new ExchangeError('request-malformed', 'month: yyyy-MM');
  const next = new Date(Date.UTC(Number(match[1]), Number(match[2]), 1)).toISOString().slice(0, 10);
  return [`${month}-01`, next];
}

/** Collects one direction. */
function tally(nameOf: (unit: string) => { readonly code: string; readonly name: string }) {
  const kinds = new Map<string, number>();
  const units = new Map<string, { count: number; late: number }>();
  const byUrgency = [0, 0, 0, 0, 0];
  const totals = { electronic: 0, paper: 0, late: 0, paperFollows: 0 };
  const kind = (name: string, n = 1) => void kinds.set(name, (kinds.get(name) ?? 0) + n);
  return {
    document(
      { urgency, late }: { readonly urgency: number; readonly late: boolean },
      metadata: Metadata | undefined,
    ) {
      totals.electronic += 1;
      totals.late += late ? 1 : 0;
      totals.paperFollows += metadata?.paperFollows ? 1 : 0;
      byUrgency[urgency] = (byUrgency[urgency] ?? 0) + 1;
      kind(metadata?.type ?? '');
    },
    unit(unit: string, late: boolean) {
      const one = units.get(unit) ?? { count: 0, late: 0 };
      units.set(unit, { count: one.count + 1, late: one.late + (late ? 1 : 0) });
    },
    paper(rows: readonly { readonly type: string; readonly n: number }[]) {
      for (const { type, n } of rows) {
        totals.paper += n;
        kind(type, n);
      }
    },
    flow(): Flow {
      const all = totals.electronic + totals.paper;
      return {
        ...totals,
        sharePermille: all === 0 ? undefined : Math.round((totals.electronic * 1_000) / all),
        byUrgency,
        byKind: [...kinds]
          .map(([name, count]) => ({ kind: name, count }))
          .sort((x, y) => y.count - x.count || x.kind.localeCompare(y.kind, 'vi')),
        byUnit: [...units]
          .map(([unit, counted]) => ({ unit, ...nameOf(unit), ...counted }))
          .sort((x, y) => y.count - x.count || x.name.localeCompare(y.name, 'vi'))
          .slice(0, unitsShown),
      };
    },
  };
}

/** Lost or erased metadata leave the count and take the kind. */
const metadataOf = (block: Uint8Array | null): Metadata | undefined =>
  block === null ? undefined : metadataCodec.decode(block);

/** Throws `request-malformed` for a month that is none. */
export function monthFigures({ unit, month, calendar }: MonthOf, context: EdgeContext): MonthFigures {
  const { clock, directory, store } = context;
  const [fromDay, untilDay] = daysOf(month);
  const current = directory.current();
  const place = (id: string) => ({ code: current.codeOf(id), name: current.unit(id)?.name ?? '' });
  const range = { unit, fromMs: momentOf(fromDay, '00:00'), untilMs: momentOf(untilDay, '00:00') };
  const nowMs = clock.nowMs();

  const out = tally(place);
  const ends = { recipients: 0, delivered: 0, returned: 0, failed: 0 };
  for (const row of store.sentBetween(range)) {
    const metadata = metadataOf(row.metadata);
    const signedDay = isDay(metadata?.issueDate ?? '') ? metadata!.issueDate : dayOf(row.created_ms);
    const dueMs = sendBy(calendar, { signedDay, handedInMs: row.created_ms, urgency: row.urgency });
    const late = (row.accepted_ms ?? nowMs) > dueMs;
    out.document({ urgency: row.urgency, late }, metadata);
    for (const to of store.recipientsFor(row.seq, row.document_id)) {
      out.unit(to.unit, late);
      ends.recipients += 1;
      if (to.returned) ends.returned += 1;
      else if (to.state === 'delivered') ends.delivered += 1;
      else if (['refused', 'undeliverable', 'expired'].includes(to.state)) ends.failed += 1;
    }
  }
  out.paper(store.paperBetween(unit, 'out', fromDay, untilDay));

  const came = tally(place);
  const stand = { accepted: 0, returned: 0, waiting: 0 };
  for (const row of store.receivedBetween(range)) {
    const late = (row.accepted_ms ?? nowMs) > confirmBy(calendar, row.received_ms);
    came.document({ urgency: row.urgency, late }, metadataOf(row.metadata));
    came.unit(row.sender, late);
    stand[row.code === '01' ? 'waiting' : row.code === '02' ? 'returned' : 'accepted'] += 1;
  }
  came.paper(store.paperBetween(unit, 'in', fromDay, untilDay));

  const lastDay = new Date(Date.parse(untilDay) - 1).toISOString().slice(0, 10);
  return {
    month,
    unit: { unit, ...place(unit) },
    sent: { ...out.flow(), ...ends },
    received: { ...came.flow(), ...stand },
    presence: presenceOf({ unit, from: fromDay, to: lastDay, calendar }, context),
  };
}
