// The machine's clock with hands: time runs as it does, and `move` puts it on. Whoever sleeps past the new time wakes at once.
import { type Clock, systemClock } from '../../protocol/node/clock.ts';

export type MovedClock = Clock & { move(ms: number): void };

export function movedClock(): MovedClock {
  let offsetMs = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: AbortController }>();
  const nowMs = () => systemClock.nowMs() + offsetMs;
  return {
    ...systemClock,
    nowMs,
    monotonicMs: () => systemClock.monotonicMs() + offsetMs,
    async sleep(ms, signal) {
      const sleeper = { dueMs: nowMs() + ms, wake: new AbortController() };
      sleepers.add(sleeper);
      await systemClock.sleep(
        ms,
        signal ? AbortSignal.any([signal, sleeper.wake.signal]) : sleeper.wake.signal,
      );
      sleepers.delete(sleeper);
    },
    move(ms) {
      offsetMs += ms;
      for (const { dueMs, wake } of sleepers) if (dueMs <= nowMs()) wake.abort();
    },
  };
}
