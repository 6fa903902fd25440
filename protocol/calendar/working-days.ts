// Working days of the offices of the State in Vietnam: Monday to Friday without the holidays, with the Saturdays that make up for them. Pure:
// the days are data (holidays.json, or what an administrator gave); a year without data has only its weekends, and says so.
// Times are UTC milliseconds; days are YYYY-MM-DD in Asia/Ho_Chi_Minh, which has had no daylight saving since 1975.
import { isDay, vietnamDay } from '../document/judge.ts';
import { ExchangeError } from '../errors.ts';
import holidays from './holidays.json' with { type: 'json' };

export const zone = 'Asia/Ho_Chi_Minh';
const offsetText = '+07:00';
const dayMs = 86_400_000;

export type CalendarYear = {
  /** False: derived, a notice of the Government may say otherwise. */
  readonly certain: boolean;
  readonly off: readonly { readonly from: string; readonly to: string; readonly name: string }[];
  readonly work: readonly { readonly day: string; readonly name: string }[];
  readonly notCertain?: string;
};
export type CalendarData = { readonly years: Readonly<Record<string, CalendarYear>> };
export const shippedCalendar: CalendarData = { years: holidays.years };

export type Calendar = {
  isWorkingDay(day: string): boolean;
  /** The first working day after `day`. */
  nextWorkingDay(day: string): string;
  /** `day` itself if it is one, else the next. */
  workingDayFrom(day: string): string;
  /** Name of the holiday or of the make-up day; undefined for an ordinary day. */
  nameOf(day: string): string | undefined;
  /** What is known of the year: 'certain', 'derived', or 'weekends' only. */
  known(year: string): 'certain' | 'derived' | 'weekends';
  readonly data: CalendarData;
};

const noon = (day: string): number => Date.parse(`${day}T12:00:00Z`);
const after = (day: string, days: number): string =>
  new Date(noon(day) + days * dayMs).toISOString().slice(0, 10);

/** The moment of a day in Vietnam; "24:00" is its end. */
export const momentOf = (day: string, time: string): number =>
  time === '24:00' ? momentOf(after(day, 1), '00:00') : Date.parse(`${day}T${time}:00${offsetText}`);
export { vietnamDay as dayOf };
/** RFC 3339 with Vietnam's offset: 2026-11-22T09:41:00+07:00. */
export const vietnamTime = (ms: number): string =>
  `${new Date(ms + 7 * 3_600_000).toISOString().slice(0, 19)}${offsetText}`;

/** A holiday longer than this is a slip of the hand. */
const daysOffMax = 15;

/** Everything wrong is named; throws `calendar-invalid`. Nothing of a year may lie outside it. */
export function checkCalendar(given: unknown): CalendarData {
  const faults: string[] = [];
  const years = (given as { years?: unknown } | null)?.years;
  if (typeof years !== 'object' || years === null || Array.isArray(years))
    throw new ExchangeError('calendar-invalid', 'years');
  for (const [year, value] of Object.entries(years))
    faults.push(...faultsOfYear(year, value as Partial<CalendarYear>));
  if (faults.length > 0) throw new ExchangeError('calendar-invalid', faults.slice(0, 20).join('; '));
  return { years: years as CalendarData['years'] };
}

function faultsOfYear(year: string, value: Partial<CalendarYear> | null): string[] {
  if (!/^20\d{2}$/.test(year)) return [`${year.slice(0, 10)}: a year is 2000 to 2099`];
  if (typeof value !== 'object' || value === null || typeof value.certain !== 'boolean')
    return [`${year}: certain is true or false`];
  if (!Array.isArray(value.off) || !Array.isArray(value.work)) return [`${year}: off and work are lists`];
  const inYear = (day: unknown): day is string =>
    typeof day === 'string' && isDay(day) && day.startsWith(year);
  const faults: string[] = [];
  for (const [i, off] of value.off.entries()) {
    if (!inYear(off?.from) || !inYear(off?.to) || off.to < off.from || typeof off.name !== 'string')
      faults.push(`${year}: off ${i + 1} needs from, to (days of ${year}) and name`);
    else if ((noon(off.to) - noon(off.from)) / dayMs >= daysOffMax)
      faults.push(`${year}: off ${i + 1} is longer than ${daysOffMax} days`);
  }
  for (const [i, work] of value.work.entries())
    if (
      !inYear(work?.day) ||
      ![0, 6].includes(new Date(noon(work.day)).getUTCDay()) ||
      typeof work.name !== 'string'
    )
      faults.push(`${year}: work ${i + 1} needs name and day, a Saturday or Sunday of ${year}`);
  return faults;
}

/** `given` replaces the shipped years that it names. */
export function createCalendar(given: CalendarData = { years: {} }): Calendar {
  const data: CalendarData = { years: { ...shippedCalendar.years, ...given.years } };
  const names = new Map<string, string>();
  const off = new Set<string>();
  const work = new Set<string>();
  for (const year of Object.values(data.years)) {
    for (const { from, to, name } of year.off)
      for (let day = from; day <= to; day = after(day, 1)) {
        off.add(day);
        names.set(day, name);
      }
    for (const { day, name } of year.work) {
      work.add(day);
      names.set(day, name);
    }
  }
  const isWorkingDay = (day: string): boolean => {
    if (work.has(day)) return true;
    const weekday = new Date(noon(day)).getUTCDay();
    return weekday !== 0 && weekday !== 6 && !off.has(day);
  };
  const workingDayFrom = (day: string): string => {
    let next = day;
    while (!isWorkingDay(next)) next = after(next, 1);
    return next;
  };
  return {
    data,
    isWorkingDay,
    workingDayFrom,
    nextWorkingDay: (day) => workingDayFrom(after(day, 1)),
    nameOf: (day) => names.get(day),
    known(year) {
      const value = data.years[year];
      return value === undefined ? 'weekends' : value.certain ? 'certain' : 'derived';
    },
  };
}
