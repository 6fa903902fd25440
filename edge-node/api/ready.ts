// The checks of /readyz and of "lienthong node status", from the core's status. Pure.
// A hub that cannot be reached is a warning: the node goes on taking documents, which is its purpose.
import type { EdgeStatus } from '../core.ts';

export type Check = {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly said?: string;
  readonly saidVi?: string;
};

const DAY_MS = 86_400_000;
/** Certificates are judged at both ends; ECOSYSTEM §4: warn over 5 s, and the hub holds what is 5 minutes ahead. */
const CLOCK_WARN_MS = 5_000;
const CLOCK_FAIL_MS = 5 * 60_000;
const CERTIFICATE_WARN_DAYS = 21;

const bad = (name: string, result: 'warn' | 'fail', said: string, saidVi: string): Check => ({
  name,
  result,
  said,
  saidVi,
});
const ok = (name: string): Check => ({ name, result: 'ok' });

export function checksOf(status: EdgeStatus, nowMs: number): readonly Check[] {
  return [
    hub(status),
    disk(status),
    clock(status),
    directory(status, nowMs),
    certificates(status),
    store(status),
  ];
}

function hub({ hub: { state, words, code } }: EdgeStatus): Check {
  if (state === 'connected') return ok('hub');
  // Another machine runs this node: nothing sent from here is right.
  if (state === 'superseded') return bad('hub', 'fail', `${words.en} (${code ?? ''})`, words.vi);
  return bad('hub', 'warn', `${words.en}${code ? ` (${code})` : ''}`, words.vi);
}

function disk({ disk: { nearlyFull, freeBytes, floorBytes } }: EdgeStatus): Check {
  if (nearlyFull)
    return bad(
      'disk',
      'fail',
      `${freeBytes} bytes free, ${floorBytes} needed`,
      `Chỉ còn ${freeBytes} byte trống`,
    );
  return freeBytes < 2 * floorBytes
    ? bad('disk', 'warn', `${freeBytes} bytes free`, `Còn ${freeBytes} byte trống`)
    : ok('disk');
}

function clock({ clock: { offsetMs } }: EdgeStatus): Check {
  if (offsetMs === undefined || Math.abs(offsetMs) < CLOCK_WARN_MS) return ok('clock');
  const result = Math.abs(offsetMs) < CLOCK_FAIL_MS ? 'warn' : 'fail';
  const seconds = Math.round(offsetMs / 1000);
  return bad(
    'clock',
    result,
    `${seconds} s ahead of the hub`,
    `Đồng hồ lệch ${seconds} giây so với trung tâm`,
  );
}

function directory({ directory: { expiresMs, units } }: EdgeStatus, nowMs: number): Check {
  if (units === 0) return bad('directory', 'fail', 'no signed directory yet', 'Chưa có danh bạ');
  if (expiresMs === undefined || expiresMs > nowMs + 2 * DAY_MS) return ok('directory');
  return expiresMs > nowMs
    ? bad('directory', 'warn', 'expires within two days', 'Danh bạ sắp hết hạn')
    : bad('directory', 'fail', 'expired', 'Danh bạ đã hết hạn');
}

function certificates({ certificates: all }: EdgeStatus): Check {
  const worst = all.toSorted((a, b) => a.daysLeft - b.daysLeft)[0];
  if (!worst || worst.daysLeft > CERTIFICATE_WARN_DAYS) return ok('certificates');
  const days = Math.floor(worst.daysLeft);
  return bad(
    'certificates',
    worst.daysLeft > 0 ? 'warn' : 'fail',
    `${worst.file}: ${days} days left`,
    `${worst.file}: còn ${days} ngày`,
  );
}

function store({ recovering }: EdgeStatus): Check {
  return recovering
    ? bad('store', 'fail', 'restored; comparing with the hub', 'Vừa khôi phục, đang đối chiếu với trung tâm')
    : ok('store');
}
