// Runs the fuzzer for a time and watches it: errors that are no refusal, rounds that hang, memory that grows. Every finding names seed and round, with which
// it is run again.
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Start, Told } from './fuzz-thread.ts';
import { targets } from './targets.ts';

export type Finding = {
  readonly seed: number;
  readonly round: number;
  readonly target: string;
  readonly said: string;
  readonly input: Uint8Array | undefined;
};
export type FuzzResult = {
  readonly seed: number;
  readonly rounds: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly heapMb: readonly number[];
  readonly findings: readonly Finding[];
};

// Of the whole process: a thread collects before it tells its heap.
setFlagsFromString('--expose-gc');

/** A round that says nothing for so long hangs. */
const hangMs = 60_000;
/** A thread is a new one after this: its heap at the end is compared with the one of the first. */
const shiftMs = 5 * 60_000;
const findingsMax = 20;
const growthMb = 150;

function shift(
  start: Start,
  seed: number,
): Promise<{ next: number; refused: number; slowestMs: number; heapMb: number; findings: Finding[] }> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./fuzz-thread.ts', import.meta.url), {
      workerData: start,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const findings: Finding[] = [];
    let at = { round: start.from, target: '' };
    let heardMs = Date.now();
    const done = (refused: number, slowestMs: number, heapMb: number): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve({ next: at.round + 1, refused, slowestMs, heapMb, findings });
    };
    const watch = setInterval(() => {
      if (Date.now() - heardMs < hangMs) return;
      findings.push({ seed, ...at, said: `hangs: nothing for ${hangMs} ms`, input: undefined });
      done(0, hangMs, 0);
    }, 1000);
    worker.on('message', (told: Told) => {
      heardMs = Date.now();
      if (told.kind === 'round') at = { round: told.round, target: told.target };
      else if (told.kind === 'finding')
        findings.push({ seed, round: told.round, target: told.target, said: told.said, input: told.input });
      else done(told.refused, told.slowestMs, told.heapMb);
    });
    worker.on('error', (error) => {
      findings.push({ seed, ...at, said: `crashes: ${error.stack ?? error.message}`, input: undefined });
      done(0, 0, 0);
    });
  });
}

export async function runFuzz(options: {
  readonly seconds: number;
  readonly seed: number;
  readonly only?: readonly string[];
  readonly from?: number;
  readonly rounds?: number;
}): Promise<FuzzResult> {
  const { seconds, seed, only = Object.keys(targets), rounds } = options;
  const endMs = Date.now() + seconds * 1000;
  const findings: Finding[] = [];
  const heaps: number[] = [];
  let [round, refused, slowestMs] = [options.from ?? 0, 0, 0];
  while (Date.now() < endMs && findings.length < findingsMax && (rounds === undefined || round < rounds)) {
    const untilMs = Math.min(endMs, Date.now() + shiftMs);
    const ended = await shift(
      { seed, from: round, untilMs, only, ...(rounds === undefined ? {} : { rounds }) },
      seed,
    );
    round = ended.next;
    refused += ended.refused;
    slowestMs = Math.max(slowestMs, ended.slowestMs);
    if (ended.heapMb > 0) heaps.push(ended.heapMb);
    findings.push(...ended.findings);
  }
  const [first] = heaps;
  const last = heaps.at(-1);
  if (first !== undefined && last !== undefined && last > first + growthMb)
    findings.push({
      seed,
      round,
      target: 'memory',
      said: `the heap grew from ${first} to ${last} MB`,
      input: undefined,
    });
  return {
    seed,
    rounds: round - (options.from ?? 0),
    refused,
    slowestMs: Math.round(slowestMs),
    heapMb: heaps,
    findings,
  };
}
