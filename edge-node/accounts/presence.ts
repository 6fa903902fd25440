// Four looks a day (regulation 15.2): which window an instant falls into, and who looked in when. Pure. Times are those of Vietnam, which
// has had no daylight saving since 1975 (UTC+7). A window is missed only when it is over.

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const offsetMs = 7 * hourMs;

/** Begin and end of each window in minutes after midnight; the last open to the end of the working day. */
export const windows = [
  { from: 7 * 60, to: 9 * 60 },
  { from: 9 * 60, to: 11 * 60 + 30 },
  { from: 13 * 60, to: 15 * 60 },
  { from: 15 * 60, to: 17 * 60 + 30 },
] as const;

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
export const windowText = (slot: number): string => {
  const window = windows[slot];
  return window ? `${clock(window.from)}–${clock(window.to)}` : '';
};

/** yyyy-MM-dd in Vietnam. */
export const dayOf = (atMs: number): string => new Date(atMs + offsetMs).toISOString().slice(0, 10);

const minuteOf = (atMs: number): number => Math.floor(((atMs + offsetMs) % dayMs) / 60_000);

/** Saturday and Sunday; feasts are judged where terms are (protocol/calendar). */
export const isWeekend = (atMs: number): boolean => [0, 6].includes(new Date(atMs + offsetMs).getUTCDay());

/** Window of an instant; undefined outside of all. */
export function slotOf(atMs: number): number | undefined {
  const minute = minuteOf(atMs);
  const slot = windows.findIndex(({ from, to }) => minute >= from && minute < to);
  return slot === -1 ? undefined : slot;
}

/** 'free': nobody asked for it, on a day off or before the person came. */
export type SlotState = 'done' | 'missed' | 'open' | 'later' | 'free';

/** How the four windows of today stand for somebody who is here since `sinceMs` and looked in during `seen`. */
export function slotStates(seen: readonly number[], nowMs: number, sinceMs = 0): readonly SlotState[] {
  const minute = minuteOf(nowMs);
  const cameToday = dayOf(sinceMs) === dayOf(nowMs) ? minuteOf(sinceMs) : -1;
  return windows.map(({ from, to }, slot) => {
    if (seen.includes(slot)) return 'done';
    if (isWeekend(nowMs) || to <= cameToday) return 'free';
    if (minute >= to) return 'missed';
    return minute >= from ? 'open' : 'later';
  });
}
