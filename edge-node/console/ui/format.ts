// Times, sizes and counts as offices write them: dd/MM/yyyy, 24 hours, Vietnam's time whatever the machine's zone is.

import { nowMs } from './clock.ts';

const offsetMs = 7 * 3_600_000;
const two = (n: number): string => String(n).padStart(2, '0');
const parts = (ms: number) => {
  const at = new Date(ms + offsetMs);
  return {
    day: `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`,
    time: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`,
  };
};

export const dayText = (ms: number): string => parts(ms).day;
export const timeText = (ms: number): string => `${parts(ms).time} ${parts(ms).day}`;
export const clockText = (ms: number): string => parts(ms).time;

/** "5 phút trước"; beyond a day the date itself. */
export function agoText(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 60) return seconds < 10 ? 'vừa xong' : `${seconds} giây trước`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} phút trước`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} giờ trước`;
  return `${Math.floor(seconds / 86_400)} ngày trước`;
}

/** yyyy-MM-dd → dd/MM/yyyy; anything else as it is. */
export const isoToDay = (iso: string): string => {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  return match ? `${match[3]}/${match[2]}/${match[1]}` : iso;
};

/** dd/MM/yyyy (also d/M/yyyy, dots or hyphens) → yyyy-MM-dd; undefined for no real day. */
export function dayToIso(text: string): string | undefined {
  const match = /^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\s*$/.exec(text);
  if (!match) return undefined;
  const iso = `${match[3]}-${two(Number(match[2]))}-${two(Number(match[1]))}`;
  const at = Date.parse(`${iso}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(iso) ? iso : undefined;
}

export const todayIso = (): string => new Date(nowMs() + offsetMs).toISOString().slice(0, 10);
/** Midnight of a day in Vietnam. */
export const isoToMs = (iso: string): number => Date.parse(`${iso}T00:00:00Z`) - offsetMs;

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1).replace('.', ',');
  return `${text} ${units[unit]}`;
}

export const countText = (n: number): string => n.toLocaleString('vi-VN');
export const documentName = (d: { readonly number: string; readonly notation: string }): string =>
  [d.number, d.notation].filter(Boolean).join('/');
