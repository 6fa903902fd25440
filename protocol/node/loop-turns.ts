// Turns at the event loop: while somebody quiet is about, work of the busy that needs the main thread is begun piece by piece, so that the loop looks at its
// sockets in between and what one office brought in a batch does not stand in front of the single document of another. Alone, the busy are not
// held back: what is begun together meets in one commit, which is cheaper. Must never hold a quiet key back.
import { shares } from './shares.ts';

export type LoopTurns = {
  /** Resolves when a piece of work of `key` may begin. */
  turn(key: string): Promise<void>;
};

/** Pieces of busy keys begun in one round of the loop, about a quarter of a millisecond each; one of each key at least. */
const piecesPerRound = 4;
/** A key with fewer pieces a second is quiet in any case. */
const quietPieces = 30;
/** So long after the last piece of a quiet key nobody quiet is about. */
const aboutMs = 1000;

/** `nowMs`: monotonic. */
export function loopTurns(nowMs: () => number = () => performance.now()): LoopTurns {
  const pieces = shares(quietPieces, nowMs);
  const waiting = new Map<string, (() => void)[]>();
  let quietMs = Number.NEGATIVE_INFINITY;

  function round(): void {
    let begun = 0;
    do {
      for (const [key, line] of [...waiting]) {
        line.shift()!();
        begun += 1;
        if (line.length === 0) waiting.delete(key);
      }
    } while (waiting.size > 0 && begun < piecesPerRound);
    if (waiting.size > 0) setImmediate(round);
  }

  return {
    turn(key) {
      const quiet = pieces.quiet(key);
      pieces.used(key, 1);
      const line = waiting.get(key);
      if (quiet) quietMs = nowMs();
      // Behind its own earlier pieces in any case.
      if (line === undefined && (quiet || nowMs() - quietMs > aboutMs)) return Promise.resolve();
      return new Promise((resolve) => {
        if (line !== undefined) line.push(resolve);
        else {
          if (waiting.size === 0) setImmediate(round);
          waiting.set(key, [resolve]);
        }
      });
    },
  };
}
