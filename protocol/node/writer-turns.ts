// Turns in the writer thread: which waiting operation runs next, and when a batch has enough of them. Quiet keys go first and are not kept
// waiting for what a busy one has queued. Must never change the order of operations of one key, and never lose one: what is not handed out stays.
import { shares } from './shares.ts';
import type { Posted } from './writer.ts';

/**
 * How long one batch may take, its commit not counted: everybody's next operation waits for it. Shorter spends a larger share on commits and on
 * answers with little in them; so it is short only while somebody quiet is about. Where the sync is slow a batch may last four times as long as it, so that
 * a commit never takes more than a fifth.
 */
const batchMs = { hurried: 6, busy: 30 };
const hurriedMs = 1000;
const batchPerSync = 4;

/** A key that takes less of the thread in a second is quiet in any case. */
const quietMs = 8;
/** After so many operations of quiet keys one of a busy key, if any waits: many quiet ones together may want the thread all the time. */
const quietInRow = 8;
/** Key of the program's own work, for which nobody waits. */
const nobody = '';

export type WriterTurns = {
  add(posted: Posted): void;
  /** Nothing waits. */
  idle(): boolean;
  /**
   * The operations of one batch, one after the other; each is handed out when it is asked for, so that what comes in while others run is in the
   * same batch when it is of a quiet key. One of each key in turn, quiet keys before the others, which never stand still for it. Ends by number, bytes and time, and early
   * when operations of quiet keys are in it and no more of them wait: only they were in a hurry. At least one, however large. `arrivals`
   * adds what came since.
   */
  batch(bounds: BatchBounds, arrivals: () => void): Generator<Posted, void>;
  /** What an operation of the key took of the thread, its share of the commit included. */
  took(key: string, ms: number): void;
};

export type BatchBounds = {
  readonly opsMax: number;
  readonly bytesMax: number;
  /** What a commit takes now, whatever is in it. */
  readonly commitMs: number;
  /** What each operation adds to its batch between its own run and the answer. */
  readonly afterEachMs: number;
};

type Lanes = Map<string, Posted[]>;

/** `nowMs`: monotonic. */
export function writerTurns(nowMs: () => number): WriterTurns {
  // A key stands in one of the two, and only while operations of it wait; the one served last stands last.
  const quiet: Lanes = new Map();
  const busy: Lanes = new Map();
  const use = shares(quietMs, nowMs);
  let waitingOps = 0;
  let inRow = 0;
  let servedQuietMs = Number.NEGATIVE_INFINITY;

  function stand(key: string, waiting: Posted[]): void {
    (key !== nobody && use.quiet(key) ? quiet : busy).set(key, waiting);
  }

  function next(bytesLeft: number): Posted | undefined {
    const lanes = quiet.size > 0 && (inRow < quietInRow || busy.size === 0) ? quiet : busy;
    const [turn] = lanes;
    if (turn === undefined) return undefined;
    const [key, waiting] = turn;
    if (waiting[0]![3] > bytesLeft) return undefined;
    inRow = lanes === quiet ? inRow + 1 : 0;
    lanes.delete(key);
    const posted = waiting.shift()!;
    waitingOps -= 1;
    if (waiting.length > 0) stand(key, waiting);
    return posted;
  }

  return {
    add(posted) {
      const [, , , , key] = posted;
      waitingOps += 1;
      const waiting = quiet.get(key) ?? busy.get(key);
      if (waiting === undefined) stand(key, [posted]);
      else waiting.push(posted);
    },
    idle: () => quiet.size + busy.size === 0,
    *batch({ opsMax, bytesMax, commitMs, afterEachMs }, arrivals) {
      const startedMs = nowMs();
      const wantedMs = startedMs - servedQuietMs < hurriedMs ? batchMs.hurried : batchMs.busy;
      const longestMs = Math.max(wantedMs, batchPerSync * commitMs);
      let bytes = 0;
      let hurry = false;
      arrivals();
      // What comes in meanwhile from busy keys makes the next batch, which is the larger for it: fewer commits for as many operations.
      let others = waitingOps;
      for (let ops = 0; ops < opsMax; ops++) {
        if (ops > 0) arrivals();
        const forMs = nowMs() - startedMs + ops * afterEachMs;
        // A commit for each operation of a quiet key would take the thread from all: a batch lasts as long as its commit.
        if (ops > 0 && (forMs >= longestMs || (hurry && quiet.size === 0 && forMs >= commitMs))) return;
        if (quiet.size > 0) {
          hurry = true;
          servedQuietMs = startedMs;
        } else if (others <= 0) return;
        others -= 1;
        const posted = next(ops === 0 ? Number.POSITIVE_INFINITY : bytesMax - bytes);
        if (posted === undefined) return;
        bytes += posted[3];
        yield posted;
      }
    },
    took: use.used,
  };
}
