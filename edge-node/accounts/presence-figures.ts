// Who looked in how often (regulation 15.2): windows of working days that are over, per person and for the unit. A person counts from the day he
// came to the unit; one who has never signed in yet is not expected.
import { type Calendar, dayOf, momentOf } from '../../protocol/calendar/working-days.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { PersonPresence, Presence } from '../console/contract-figures.ts';
import type { EdgeContext } from '../context.ts';
import { slotStates, windows, windowText } from './presence.ts';

const dayMs = 86_400_000;
const daysMax = 400;
const dayForm = /^\d{4}-\d{2}-\d{2}$/;

type Asked = {
  readonly unit: string;
  readonly from: string;
  readonly to: string;
  readonly calendar: Calendar;
};

/** From one day to another, both included. Throws `request-malformed`. */
export function presenceOf(
  { unit, from, to, calendar }: Asked,
  { store, clock }: Pick<EdgeContext, 'store' | 'clock'>,
): Presence {
  const [first, last] = [from, to].map((day) => (dayForm.test(day) ? Date.parse(day) : Number.NaN)) as [
    number,
    number,
  ];
  if (Number.isNaN(first) || Number.isNaN(last) || last - first > daysMax * dayMs)
    throw new ExchangeError('request-malformed', 'from, to: yyyy-MM-dd');
  const nowMs = clock.nowMs();
  const today = dayOf(nowMs);
  const days: string[] = [];
  for (let at = first; at <= last; at += dayMs) {
    const day = new Date(at).toISOString().slice(0, 10);
    if (day <= today && calendar.isWorkingDay(day)) days.push(day);
  }
  const seen = new Map<string, Set<string>>();
  for (const { email, day, slot } of store.checkInsOf(unit, from, to)) {
    const mine = seen.get(email) ?? new Set();
    seen.set(email, mine.add(`${day} ${slot}`));
  }
  const workdays = new Set(days);
  const todayStates = (mine: ReadonlySet<string>, sinceMs: number) =>
    slotStates(
      windows.flatMap((_, slot) => (mine.has(`${today} ${slot}`) ? [slot] : [])),
      nowMs,
      sinceMs,
    );
  /** Windows of a day that are over, of those that ended after the person came. */
  const over = (day: string, sinceMs: number) =>
    windows.filter((_, slot) => endMs(day, slot) <= nowMs && endMs(day, slot) > sinceMs).length;
  const people = store
    .personsOfUnit(unit)
    .filter(({ state }) => state === 'active')
    .map((person): PersonPresence => {
      const mine = seen.get(person.email) ?? new Set<string>();
      const sinceMs = firstStayMs(store, person.email, unit);
      const states = todayStates(mine, sinceMs);
      // A window that is open counts once it was looked in: nobody falls behind in the middle of one.
      const early = workdays.has(today)
        ? states.filter((state, slot) => state === 'done' && endMs(today, slot) > nowMs).length
        : 0;
      const counts = (key: string) =>
        workdays.has(key.slice(0, 10)) && endMs(key.slice(0, 10), Number(key.slice(11))) > sinceMs;
      return {
        email: person.email,
        name: person.name,
        position: person.position,
        // A look on a day off is welcome and not asked for.
        done: [...mine].filter(counts).length,
        expected: days.reduce((sum, day) => sum + over(day, sinceMs), early),
        today: windows.map((_, slot) => ({ window: windowText(slot), state: states[slot]! })),
      };
    });
  const sum = (field: 'done' | 'expected') => people.reduce((total, person) => total + person[field], 0);
  return { from, to, workingDays: days.length, people, done: sum('done'), expected: sum('expected') };
}

const endMs = (day: string, slot: number): number => momentOf(day, '00:00') + windows[slot]!.to * 60_000;

/** A change of roles begins another row of the same stay. */
export function firstStayMs(store: EdgeContext['store'], email: string, unit: string): number {
  const person = store.personByEmail(email);
  const stays = person ? store.membershipsOf(person.id).filter((stay) => stay.unit === unit) : [];
  let since = stays[0]?.sinceMs ?? Number.MAX_SAFE_INTEGER;
  for (const stay of stays.slice(1)) if (stay.untilMs === since) since = stay.sinceMs;
  return since;
}
