// Time for everything that waits: the clock, the back-off and the slow start after an outage.
// No other file may read the wall clock or set a timer for a decision; tests put in `manualClock`.
import { performance } from 'node:perf_hooks';

export type Clock = {
  /** Milliseconds since 1970, UTC. May jump when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes backward; for durations only. */
  monotonicMs(): number;
  /** Resolves after `ms` or as soon as `signal` aborts (no error: the caller looks at the signal). Never holds the process. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** setTimeout overflows to 1 ms above this many; longer sleeps are made of several. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = Math.max(0, ms); !signal?.aborted; left -= TIMER_MAX_MS) {
      await sleepOnce(Math.min(left, TIMER_MAX_MS), signal);
      if (left <= TIMER_MAX_MS) return;
    }
  },
};

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/**
 * Each call answers by how much the wall clock was set since the call before (or the machine slept: forward), beyond the time that passed.
 * A few milliseconds are slewing.
 */
export function clockSteps(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): () => number {
  const ahead = () => clock.nowMs() - clock.monotonicMs();
  let before = ahead();
  return () => {
    const now = ahead();
    const step = now - before;
    before = now;
    return step;
  };
}

export type ManualClock = Clock & {
  /** Moves time forward and wakes, in order, every sleeper that is due; resolves after their continuations had a turn. */
  advance(ms: number): Promise<void>;
  /** Sleepers waiting now; lets a test wait until the code under test sleeps. */
  sleepers(): number;
};

/** A clock that stands still until `advance`. For tests. */
export function manualClock(startMs: number): ManualClock {
  let now = startMs;
  let waiting: { dueMs: number; wake: () => void }[] = [];
  return {
    nowMs: () => now,
    monotonicMs: () => now - startMs,
    sleepers: () => waiting.length,
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const entry = { dueMs: now + ms, wake: resolve };
        waiting.push(entry);
        signal?.addEventListener(
          'abort',
          () => {
            waiting = waiting.filter((w) => w !== entry);
            resolve();
          },
          { once: true },
        );
      });
    },
    async advance(ms) {
      const target = now + ms;
      for (;;) {
        const next = waiting.filter((w) => w.dueMs <= target).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!next) break;
        now = Math.max(now, next.dueMs);
        waiting = waiting.filter((w) => w !== next);
        next.wake();
        // A turn of the event loop, so that what wakes up may sleep again inside this same advance.
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = target;
    },
  };
}

/** The shortest wait between two tries. Smaller hammers a hub that restarts; larger delays what a blink of the line broke. */
export const BACKOFF_MIN_MS = 1_000;
/** The longest. Larger leaves an office silent after a repair; smaller lets 10,000 nodes load a sick hub. */
export const BACKOFF_MAX_MS = 15 * 60_000;

/**
 * How long to wait before the next try of an item that is `ageMs` old: about a quarter of its age, so that tries thin
 * out as an outage lasts (after 1 h every quarter of an hour), spread over 50–100 % so that nodes that failed together
 * do not return together. `random` gives [0,1).
 */
export function backoffMs(ageMs: number, random: () => number): number {
  const full = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, ageMs / 4));
  return Math.round(full / 2 + (full / 2) * random());
}

export type SlowStart = {
  /** How many may be in flight now: 1 after an outage, doubling with each round of successes up to the full number. */
  permitted(): number;
  succeeded(): void;
  /** Call on a failure that says "the other side is not well" (unreachable, timeout, overloaded), not on a refusal. */
  failed(): void;
};

/** Concurrency that falls to one at an outage and doubles back, so that a hub that returns is not buried at once. */
export function slowStart(full: number): SlowStart {
  let window = full;
  return {
    permitted: () => Math.max(1, Math.floor(window)),
    succeeded() {
      // +1 for every success doubles the window once per round trip, as TCP slow start does.
      window = Math.min(full, window + 1);
    },
    failed() {
      window = 1;
    },
  };
}
