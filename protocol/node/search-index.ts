// Makes the search index of a large directory beside everything else, a few milliseconds at a time: else the first who searches after a start
// holds the whole process up for seconds. Must never hold a directory that is no longer the present one. Beside the document's path.
import type { Directory } from '../directory.ts';
import { prepareSearch } from '../directory-search.ts';
import type { Clock } from './clock.ts';
import { startWorker, type WorkLoop } from './worker.ts';

/** At work, and then at rest: half of a core at most. */
const turnMs = 8;
const restMs = 8;

/** Nudge it when the directory changes. */
export function startSearchIndex(options: {
  readonly directory: () => Directory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onError: (error: unknown, waitMs: number) => void;
}): WorkLoop {
  const { directory, clock } = options;
  let preparing: { readonly directory: Directory; readonly steps: Generator<void, void> } | undefined;
  return startWorker({
    ...options,
    idleMs: 60_000,
    async step(signal) {
      const current = directory();
      if (preparing?.directory !== current) preparing = { directory: current, steps: prepareSearch(current) };
      const untilMs = clock.monotonicMs() + turnMs;
      while (clock.monotonicMs() < untilMs) if (preparing.steps.next().done) return 'idle';
      await clock.sleep(restMs, signal);
      return 'more';
    },
  });
}
