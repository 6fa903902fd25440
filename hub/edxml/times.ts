// Dates and times of edXML: read in every form seen, written in the one of the format. The format has no zone: Asia/Ho_Chi_Minh (+07:00,
// no summer time) is assumed and stated. Pure; knows no present time.

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** An existing day of the years 1900 to 2199 as YYYY-MM-DD. */
function day(year: number, month: number, date: number): string | undefined {
  if (year < 1900 || year > 2199 || month < 1 || month > 12 || date < 1) return undefined;
  if (date > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  return `${pad(year, 4)}-${pad(month)}-${pad(date)}`;
}

const yearFirst = /^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$/;
const yearLast = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/;

function dayOf(text: string): string | undefined {
  const first = yearFirst.exec(text);
  if (first) return day(Number(first[1]), Number(first[2]), Number(first[3]));
  const last = yearLast.exec(text);
  return last ? day(Number(last[3]), Number(last[2]), Number(last[1])) : undefined;
}

/** yyyy/MM/dd, dd/MM/yyyy (Vietnamese order), with - or . too, a time after it ignored. YYYY-MM-DD; undefined for a day that does not exist. */
export function readDate(text: string): string | undefined {
  return dayOf(text.replace(/[ T]\d.*$/, ''));
}

/** As readDate, then HH:mm[:ss[.fff]], then Z or an offset. Answers YYYY-MM-DDTHH:mm:ss+07:00. A date alone is its first second. */
export function readTime(text: string): string | undefined {
  const found = /^(\S+?)(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text,
  );
  const date = found ? dayOf(found[1]!) : undefined;
  if (!found || date === undefined) return undefined;
  const [hour, minute, second] = [Number(found[2] ?? 0), Number(found[3] ?? 0), Number(found[4] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const local = `${date}T${pad(hour)}:${pad(minute)}:${pad(second)}`;
  const zone = found[5];
  if (zone === undefined) return `${local}+07:00`;
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const ms = Date.parse(`${local}${offset}`);
  return Number.isNaN(ms) ? undefined : timeText(ms);
}

const VIETNAM_MS = 7 * 3_600_000;
/** Milliseconds since 1970 → YYYY-MM-DDTHH:mm:ss+07:00; fractions of a second are cut off. */
export const timeText = (ms: number): string =>
  `${new Date(ms + VIETNAM_MS).toISOString().slice(0, 19)}+07:00`;
/** The day in Vietnam. */
export const dateText = (ms: number): string => timeText(ms).slice(0, 10);
/** Of a text of readTime or readDate (its first moment in Vietnam); undefined for any other text. */
export function timeMs(text: string): number | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return timeMs(`${text}T00:00:00+07:00`);
  if (!/^\d{4}-\d{2}-\d{2}T[\d:]{8}\+07:00$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** yyyy/MM/dd; a text that is no date of ours goes out as it came in. */
export const writeDate = (date: string): string =>
  readDate(date) === date ? date.replaceAll('-', '/') : date;
/** yyyy/MM/dd HH:mm:ss. */
export const writeTime = (time: string): string =>
  readTime(time) === time ? `${time.slice(0, 10).replaceAll('-', '/')} ${time.slice(11, 19)}` : time;
