// One soak from its district to its judgement: traffic and faults side by side, then the faults stop, everything is driven to its end within a
// bounded wait, and all is compared. Used by soak.ts and, short, by soak.test.ts.
import { systemClock } from '../../protocol/node/clock.ts';
import { type CutProxy, createCutProxy } from '../faults/cut-proxy.ts';
import { createTestDistrict, type Program, type TestDistrict } from '../support/processes.ts';
import { type Counts, checkAll, fsckAll } from './check.ts';
import { cutting, type FaultCounts, killing, restoring } from './faults.ts';
import { chance } from './random.ts';
import { startTraffic } from './traffic.ts';

export type SoakOptions = {
  readonly dir: string;
  readonly seed: number;
  readonly seconds: number;
  readonly units: number;
  readonly kill: readonly string[];
  readonly cut: boolean;
  readonly silent: boolean;
  readonly restore: boolean;
  readonly holdMs: number;
  readonly largestBytes: number;
  readonly say: (line: string) => void;
};
export type SoakResult = {
  readonly good: boolean;
  readonly wrong: readonly string[];
  readonly counts: Counts &
    FaultCounts & { seed: number; seconds: number; drainSeconds: number; broken: number };
};

/** Leases of what was handed out into a cut line run out after two minutes, and a wait that grew in an outage takes as long again. */
const drainMsMax = 300_000;

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { dir, seed, say } = options;
  const random = chance(seed);
  const wrong: string[] = [];
  const proxies: CutProxy[] = [];
  const district = await createTestDistrict({
    dir,
    nodes: options.units,
    nodeConfig: { poll: { holdMs: options.holdMs, itemsMax: 128, bytesMax: 4 * 1024 * 1024 } },
    lineOf: async (_, port) => {
      const proxy = await createCutProxy({ target: { host: '127.0.0.1', port } });
      proxies.push(proxy);
      return proxy.port;
    },
  });
  say(`district of ${options.units} offices is up`);
  const startedMs = systemClock.monotonicMs();
  const restores = new Map<Program, number>();
  const faults: FaultCounts = { kills: 0, cuts: 0, restores: 0 };
  const ended = () => systemClock.monotonicMs() - startedMs > options.seconds * 1000;
  let over = false;
  const traffic = startTraffic({
    offices: district.offices,
    chance: random.fork('traffic'),
    largestBytes: options.largestBytes,
    restoresOf: ({ node }) => restores.get(node) ?? 0,
    wrong: (line) => wrong.push(line),
    ended,
    over: () => over,
  });
  const of = (name: string) => ({
    district,
    proxies,
    chance: random.fork(name),
    counts: faults,
    ended,
    say,
    wrong: (line: string) => wrong.push(line),
    restored: (program: Program) => restores.set(program, (restores.get(program) ?? 0) + 1),
  });
  await Promise.all([
    systemClock.sleep(options.seconds * 1000),
    options.kill.length > 0 ? killing(of('kill'), options.kill) : undefined,
    options.cut ? cutting(of('cut'), options.silent) : undefined,
    options.restore ? restoring(of('restore')) : undefined,
  ]);
  const calmMs = systemClock.monotonicMs();
  say(`faults are over after ${Math.round((calmMs - startedMs) / 1000)} s; ${traffic.papers.length} papers`);
  const drained = new AbortController();
  await Promise.race([traffic.done, systemClock.sleep(drainMsMax, drained.signal)]);
  drained.abort();
  over = true;
  const drainSeconds = Math.round((systemClock.monotonicMs() - calmMs) / 1000);
  faults.cuts = proxies.reduce((sum, { count }) => sum + count.cuts, 0);
  const counts = await checkAll(district, traffic.papers, (line) => wrong.push(line));
  const broken = await stopAll(district, proxies);
  wrong.push(...broken);
  const all = { ...counts, ...faults, seed, seconds: options.seconds, drainSeconds, broken: broken.length };
  return { good: wrong.length === 0, wrong, counts: all };
}

async function stopAll(district: TestDistrict, proxies: readonly CutProxy[]): Promise<string[]> {
  const ends = await district.stop();
  const lines = ends
    .filter(({ code, signal }) => code !== 0 || signal !== null)
    .map(({ code, signal }) => `a program did not stop cleanly: ${code} ${signal}`);
  for (const proxy of proxies) await proxy.close();
  return [...lines, ...(await fsckAll(district))];
}
