// The calendar of working days of this node: the shipped years, and those that its administrator gave in DIR/calendar.json. A file that is not
// well formed stops nothing: the shipped years are used and the operator is told.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Calendar, checkCalendar, createCalendar } from '../../protocol/calendar/working-days.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { writeFileDurable } from '../../protocol/node/durable.ts';

export type CalendarFile = {
  current(): Calendar;
  /** Durable on return. Throws `calendar-invalid`. */
  replace(given: unknown): Calendar;
};

export const calendarFileName = 'calendar.json';

function readCalendar(path: string): Calendar {
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new ExchangeError('calendar-invalid', calendarFileName, { cause });
  }
  return createCalendar(checkCalendar(given));
}

/** `onFault` hears of a file that cannot be used. */
export function openCalendar(dir: string, onFault: (error: unknown) => void): CalendarFile {
  const path = join(dir, calendarFileName);
  let calendar = createCalendar();
  if (existsSync(path))
    try {
      calendar = readCalendar(path);
    } catch (error) {
      onFault(error);
    }
  return {
    current: () => calendar,
    replace(given) {
      const data = checkCalendar(given);
      const next = createCalendar(data);
      writeFileDurable(path, Buffer.from(`${JSON.stringify(data, null, 2)}\n`), {
        mode: 0o640,
        replace: true,
      });
      calendar = next;
      return next;
    },
  };
}
