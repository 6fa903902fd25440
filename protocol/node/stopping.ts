// The end of a program, part by part in order. Must never skip a part, nor keep from the operator which one it waits for.
import type { Clock } from './clock.ts';
import type { Log } from './logger.ts';

const slowMs = 10_000;

/** Ends one part after the other; one that takes long is named in the log, once. Throws what a part throws, after which nothing more is ended. */
export async function endInOrder(
  parts: readonly (readonly [name: string, end: () => unknown])[],
  { clock, log }: { readonly clock: Pick<Clock, 'sleep'>; readonly log: Log },
): Promise<void> {
  for (const [part, end] of parts) {
    const done = new AbortController();
    void clock.sleep(slowMs, done.signal).then(() => {
      if (!done.signal.aborted) log.warn({ event: 'program.stopping-slowly', part });
    });
    try {
      await end();
    } finally {
      done.abort();
    }
  }
}
