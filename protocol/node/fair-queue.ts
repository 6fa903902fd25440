// Bounded work shared fairly between keys (peers): round robin, so that the hundredth batch of one office waits behind
// the first of another. Must never hold more than its bounds; over them the peer is told when to come back.
import { ExchangeError } from '../errors.ts';

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
  stats(): { readonly running: number; readonly waiting: number; readonly keys: number };
};

type Lane = { running: number; readonly waiting: (() => void)[] };

export function fairQueue(options: FairQueueOptions): FairQueue {
  // In order of turn: the lane served last moves to the end. Lanes exist only while they run or wait.
  const lanes = new Map<string, Lane>();
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

  return {
    async run(key, task, signal) {
      signal?.throwIfAborted();
      const { retryAfterMs } = options;
      const lane = lanes.get(key) ?? { running: 0, waiting: [] };
      if (lane.waiting.length >= options.perKeyLength)
        throw new ExchangeError('rate-limited', '', { retryAfterMs });
      if (waiting >= options.length) throw new ExchangeError('overloaded', '', { retryAfterMs });
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
    },
    stats: () => ({ running, waiting, keys: lanes.size }),
  };
}
