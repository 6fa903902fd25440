// The sweeper: content that no row refers to, uploads and downloads that nobody continues, handles that were never used. Must never
// delete what a row refers to, and never hurry: everything swept has been left alone for longer than a weekend and a holiday.
import { limits } from '../protocol/limits.ts';
import { startWorker, type WorkLoop } from '../protocol/node/worker.ts';
import type { EdgeContext } from './context.ts';

const everyMs = 6 * 3_600_000;
const dayMs = 86_400_000;
/** A handle holds for at least a week (core.ts). */
const stagedMs = 8 * dayMs;
/** Later than the handles, so that a handle never outlives its content. */
const orphanMs = 9 * dayMs;

export function startHousekeeping({ clock, random, store, content, log }: EdgeContext): WorkLoop {
  return startWorker({
    clock,
    random,
    idleMs: everyMs,
    async step() {
      await store.write('forgetStaged', { beforeMs: clock.nowMs() - stagedMs });
      await content.sweepPartials({ idleMs: limits.uploadIdleMs });
      await content.sweepOrphans((sha256) => store.refersTo(sha256), { olderThanMs: orphanMs });
      return 'idle';
    },
    onError: (error, waitMs) =>
      log.warn({ event: 'worker.waiting', worker: 'housekeeping', waitMs, err: error }),
  });
}
