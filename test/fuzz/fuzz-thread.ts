// One thread of the fuzzer: rounds until the time is over, a heartbeat before each, so that whoever watches knows which round hangs.
import { parentPort, workerData } from 'node:worker_threads';
import { chance } from '../soak/random.ts';
import { mutate } from './mutate.ts';
import { isRefusal, targets } from './targets.ts';

export type Start = {
  readonly seed: number;
  readonly from: number;
  readonly untilMs: number;
  readonly only: readonly string[];
  readonly rounds?: number;
};
export type Told =
  | { readonly kind: 'round'; readonly round: number; readonly target: string }
  | {
      readonly kind: 'finding';
      readonly round: number;
      readonly target: string;
      readonly said: string;
      readonly input: Uint8Array;
    }
  | {
      readonly kind: 'end';
      readonly rounds: number;
      readonly refused: number;
      readonly slowestMs: number;
      readonly heapMb: number;
    };

const slowMs = 10_000;
const { seed, from, untilMs, only, rounds = Number.POSITIVE_INFINITY } = workerData as Start;
const tell = (told: Told): void => parentPort?.postMessage(told);
let refused = 0;
let slowestMs = 0;
let round = from;
for (; Date.now() < untilMs && round < rounds; round++) {
  // Each round has a chance of its own: it can be run again alone.
  const luck = chance(seed).fork(String(round));
  const target = luck.pick(only);
  const { samples, run } = targets[target]!;
  tell({ kind: 'round', round, target });
  const input = mutate(luck.pick(samples), luck, luck.pick(samples));
  const startedMs = performance.now();
  try {
    await run(input);
  } catch (error) {
    if (isRefusal(error)) refused += 1;
    else
      tell({
        kind: 'finding',
        round,
        target,
        said: error instanceof Error ? (error.stack ?? error.message) : String(error),
        input,
      });
  }
  const tookMs = performance.now() - startedMs;
  slowestMs = Math.max(slowestMs, tookMs);
  if (tookMs > slowMs) tell({ kind: 'finding', round, target, said: `took ${Math.round(tookMs)} ms`, input });
}
globalThis.gc?.();
tell({
  kind: 'end',
  rounds: round - from,
  refused,
  slowestMs,
  heapMb: Math.round(process.memoryUsage().heapUsed / 1_000_000),
});
