// A loop that does work when there is some: the sender, the fetcher, the sweeper, the forwarder are workers.
// Must never spin on an error, never lose a nudge, and never swallow a failed fsync.

import { isExchangeError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { backoffMs } from './clock.ts';
import { crashOnFailedSync } from './durable.ts';

/** 'more': call again at once; 'idle': nothing to do until a nudge or `idleMs`; a number: the same, but at most so many ms. */
export type StepResult = 'more' | 'idle' | number;

export type WorkerOptions = {
  readonly clock: Clock;
  /** Gives [0,1); for the jitter. */
  readonly random: () => number;
  /** One piece of work: claim, do, settle. It must give up soon after `signal` aborts. */
  readonly step: (signal: AbortSignal) => Promise<StepResult>;
  /** Steps at once. Default 1. */
  readonly concurrency?: number;
  /** A look without a nudge, for work that becomes due by time. */
  readonly idleMs: number;
  /** Told of every thrown error before the wait; logs it. Temporary or not, the loop goes on: a step settles its own refusals. */
  readonly onError: (err: unknown, waitMs: number) => void;
};

export type WorkLoop = {
  /** There may be work. Cheap, never lost. During a back-off it waits, unless `now` (an operator said so, or the line came back). */
  nudge(options?: { readonly now?: boolean }): void;
  /** Resolves when a look that began after this call found nothing to do, or when all of it is backing off. For tests and shutdown. */
  drain(): Promise<void>;
  /** Aborts the steps and waits for them. Idempotent. */
  stop(): Promise<void>;
};

type Lane = { idle: boolean; wake: AbortController | undefined; backingOff: boolean };

export function startWorker(options: WorkerOptions): WorkLoop {
  const stopping = new AbortController();
  const lanes: Lane[] = [];
  let nudged = 0;
  let failingSinceMs: number | undefined;
  let drains: (() => void)[] = [];

  /** Wakes one resting lane; a lane that finds work wakes the next, so one nudge for one item costs one look. */
  function wakeOne(evenBackingOff: boolean): void {
    lanes.find((l) => l.wake !== undefined && (l.idle || evenBackingOff))?.wake?.abort('woken');
  }

  async function rest(lane: Lane, ms: number, state: 'idle' | 'backing-off'): Promise<void> {
    lane.idle = state === 'idle';
    lane.backingOff = state === 'backing-off';
    lane.wake = new AbortController();
    if (lanes.every((l) => l.idle || l.backingOff)) {
      for (const resolve of drains) resolve();
      drains = [];
    }
    await options.clock.sleep(ms, AbortSignal.any([lane.wake.signal, stopping.signal]));
    lane.idle = false;
    lane.backingOff = false;
    lane.wake = undefined;
  }

  async function work(lane: Lane): Promise<void> {
    while (!stopping.signal.aborted) {
      const seen = nudged;
      try {
        const result = await options.step(stopping.signal);
        failingSinceMs = undefined;
        if (result === 'more') wakeOne(false);
        // A nudge during the step may be about work that the step did not see.
        else if (nudged === seen)
          await rest(lane, result === 'idle' ? options.idleMs : Math.min(result, options.idleMs), 'idle');
      } catch (err) {
        crashOnFailedSync(err);
        if (stopping.signal.aborted) return;
        const now = options.clock.monotonicMs();
        failingSinceMs ??= now;
        const asked = isExchangeError(err) ? (err.retryAfterMs ?? 0) : 0;
        const waitMs = Math.max(asked, backoffMs(now - failingSinceMs, options.random));
        options.onError(err, waitMs);
        await rest(lane, waitMs, 'backing-off');
      }
    }
  }

  for (let i = 0; i < (options.concurrency ?? 1); i += 1)
    lanes.push({ idle: false, wake: undefined, backingOff: false });
  const running = Promise.all(lanes.map(work));

  return {
    nudge({ now = false } = {}) {
      nudged += 1;
      if (now) for (const lane of lanes) lane.wake?.abort('woken');
      else wakeOne(false);
    },
    drain() {
      if (stopping.signal.aborted) return Promise.resolve();
      nudged += 1;
      return new Promise((resolve) => {
        drains.push(resolve);
        if (lanes.every((l) => l.backingOff)) {
          for (const done of drains.splice(0)) done();
          return;
        }
        wakeOne(false);
      });
    },
    async stop() {
      stopping.abort();
      for (const resolve of drains.splice(0)) resolve();
      await running;
    },
  };
}
