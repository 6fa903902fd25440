// Bounded work shared fairly between keys (peers): round robin, so that the hundredth batch of one office waits behind
// the first of another. Must never hold more than its bounds; over them the peer is told when to come back.
import { ExchangeError } from '../errors.ts';
import { loopTurns } from './loop-turns.ts';

export type FairQueueOptions = {
  /** Tasks running at once, all keys together. */
  readonly concurrency: number;
  readonly perKeyConcurrency: number;
  /** Tasks waiting, all keys together; beyond it `overloaded`. */
  readonly length: number;
  /** Tasks waiting for one key; beyond it `rate-limited`. */
  readonly perKeyLength: number;
  /** What a turned-away peer is told. */
  readonly retryAfterMs: number;
};

export type FairQueue = {
  /** Runs `task` when it is the key's turn. An abort of `signal` before its turn rejects with the signal's reason. */
  run<T>(key: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** As `run`, for what belongs to work that was let in: it waits for its turn and is never turned away. */
  more<T>(key: string, task: () => Promise<T>): Promise<T>;
  /** Before each piece of what was let in: see loop-turns.ts. */
  begin(key: string): Promise<void>;
  stats(): { readonly running: number; readonly waiting: number; readonly keys: number };
};

type Lane = { running: number; readonly waiting: (() => void)[] };

export function fairQueue(options: FairQueueOptions): FairQueue {
  // In order of turn: the lane served last moves to the end. Lanes exist only while they run or wait.
  const lanes = new Map<string, Lane>();
  const loop = loopTurns();
  let running = 0;
  let waiting = 0;

  function nextTurn(): [string, Lane] | undefined {
    for (const turn of lanes) {
      if (turn[1].waiting.length > 0 && turn[1].running < options.perKeyConcurrency) return turn;
    }
    return undefined;
  }

  function startNext(): void {
    // Ends, since each round starts a task or leaves.
    while (running < options.concurrency && waiting > 0) {
      const turn = nextTurn();
      if (turn === undefined) return;
      const [key, lane] = turn;
      lanes.delete(key);
      lanes.set(key, lane);
      waiting -= 1;
      running += 1;
      lane.running += 1;
      lane.waiting.shift()?.();
    }
  }

  function turnOf(key: string, lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        const at = lane.waiting.indexOf(go);
        if (at < 0) return;
        lane.waiting.splice(at, 1);
        waiting -= 1;
        forget(key, lane);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      lane.waiting.push(go);
      waiting += 1;
      startNext();
    });
  }

  function forget(key: string, lane: Lane): void {
    if (lane.running === 0 && lane.waiting.length === 0) lanes.delete(key);
  }

  async function inTurn<T>(key: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const lane = lanes.get(key) ?? { running: 0, waiting: [] };
    lanes.set(key, lane);
    await turnOf(key, lane, signal);
    try {
      return await task();
    } finally {
      running -= 1;
      lane.running -= 1;
      forget(key, lane);
      startNext();
    }
  }

  return {
    async run(key, task, signal) {
      signal?.throwIfAborted();
      const { retryAfterMs } = options;
      if ((lanes.get(key)?.waiting.length ?? 0) >= options.perKeyLength)
        throw new ExchangeError('rate-limited', '', { retryAfterMs });
      if (waiting >= options.length) throw new ExchangeError('overloaded', '', { retryAfterMs });
      return inTurn(key, task, signal);
    },
    more: inTurn,
    begin: loop.turn,
    stats: () => ({ running, waiting, keys: lanes.size }),
  };
}

/** Items of one turn. */
const sliceItems = 16;
/** Slices of one batch that wait or run at once: the next one is judged while the disk syncs the one before. */
const slicesAtOnce = 2;

/**
 * Does `work` on each item of a batch, the items of a slice side by side, each slice in a turn of its own: a batch of 128 of one office
 * stands before the single document of another by a slice only. Results in order. `rate-limited` and `overloaded` come before the
 * first item or not at all.
 */
export async function inSlices<Item, Result>(
  queue: FairQueue,
  key: string,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[][] = [];
  let next = 0;
  const piece = async (item: Item): Promise<Result> => {
    await queue.begin(key);
    return work(item);
  };
  const judgeNext = async (turn: FairQueue['more']): Promise<void> => {
    const from = next;
    next += sliceItems;
    const slice = items.slice(from, from + sliceItems);
    await turn(key, async () => {
      if (from === 0) others = Array.from({ length: slicesAtOnce - 1 }, walkBeside);
      results[from / sliceItems] = await Promise.all(slice.map(piece));
    });
  };
  const walk = async (): Promise<void> => {
    while (next < items.length) await judgeNext(queue.more);
  };
  // A rejection is the caller's once the first slice is done; until then nobody listens.
  const walkBeside = () => {
    const walking = walk();
    walking.catch(() => {});
    return walking;
  };
  // Begun when the first slice has its turn: a batch that is turned away leaves nothing behind.
  let others: Promise<void>[] = [];
  await judgeNext(queue.run);
  await Promise.all([walk(), ...others]);
  return results.flat();
}
