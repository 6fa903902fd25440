// Watches the free space of the disk under --dir: below the floor new work is refused early, as a temporary error, while what was
// accepted still has room for receipts and the log. Must never let a document be refused for ever because of our disk.
import { statfsSync } from 'node:fs';
import { ExchangeError } from '../protocol/errors.ts';
import type { Clock } from '../protocol/node/clock.ts';

export type DiskState = {
  readonly freeBytes: number;
  readonly floorBytes: number;
  readonly nearlyFull: boolean;
};
export type DiskGuard = {
  state(): DiskState;
  /** Throws `disk-nearly-full` when the floor, or the room for `bytes` above it, is reached. */
  assertRoom(bytes?: number): void;
};

/** statfs costs about 5 µs; a second old is fresh enough while writes are bounded to tens of MB per second. */
const lookEveryMs = 1_000;
/** Space must come back this far above the floor before work is taken again, so that the state does not flutter. */
const returnFactor = 1.1;
const retryAfterMs = 60_000;

export function createDiskGuard(options: {
  readonly dir: string;
  readonly floorBytes: number;
  readonly clock: Clock;
  /** Told once at each change. */
  readonly onChange: (state: DiskState) => void;
  /** Free bytes; tests put a full disk in. */
  readonly freeBytes?: () => number;
}): DiskGuard {
  const { dir, floorBytes, clock } = options;
  const look =
    options.freeBytes ??
    (() => {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    });
  let lookedMs = Number.NEGATIVE_INFINITY;
  let now: DiskState = { freeBytes: 0, floorBytes, nearlyFull: false };

  function state(): DiskState {
    if (clock.monotonicMs() - lookedMs < lookEveryMs) return now;
    lookedMs = clock.monotonicMs();
    const freeBytes = look();
    const nearlyFull = freeBytes < (now.nearlyFull ? floorBytes * returnFactor : floorBytes);
    const changed = nearlyFull !== now.nearlyFull;
    now = { freeBytes, floorBytes, nearlyFull };
    if (changed) options.onChange(now);
    return now;
  }

  return {
    state,
    assertRoom(bytes = 0) {
      const { nearlyFull, freeBytes } = state();
      if (nearlyFull || freeBytes - bytes < floorBytes)
        throw new ExchangeError(
          'disk-nearly-full',
          `${freeBytes} bytes free${bytes > 0 ? `, ${bytes + floorBytes} needed` : ''}`,
          { retryAfterMs },
        );
    },
  };
}
