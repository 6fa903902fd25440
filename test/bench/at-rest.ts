// What encryption at rest costs: the same bytes streamed into a content store and read out of it, plain and sealed in turns, with the processor time of
// the whole process; then the rows of a document (at-rest-rows.ts). In turns because a machine that others use drifts; the best of each is compared. Both sync; hashing is in both.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { openKeyStore } from '../../protocol/node/at-rest/key-store.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { openContentStore } from '../../protocol/node/content-store.ts';
import { rowCosts } from './at-rest-rows.ts';
import type { Options } from './bench.ts';

type Cost = { readonly cpuMs: number; readonly wallMs: number };
const least = (costs: readonly Cost[], of: keyof Cost): number => Math.min(...costs.map((cost) => cost[of]));

export async function run(options: Options) {
  const mib = Number(options.mib ?? 256);
  const rounds = Number(options.rounds ?? 5);
  const piece = randomBytes(1024 * 1024);
  async function* body(mark: number) {
    for (let i = 0; i < mib; i++) {
      piece.writeUInt32LE(mark * 1_000_000 + i, 0);
      yield piece;
    }
  }
  const costs: Record<'plain' | 'sealed', { write: Cost[]; read: Cost[] }> = {
    plain: { write: [], read: [] },
    sealed: { write: [], read: [] },
  };
  const measured = async (work: () => Promise<unknown>): Promise<Cost> => {
    const cpu = process.cpuUsage();
    const atMs = systemClock.monotonicMs();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMs: (user + system) / 1000, wallMs: systemClock.monotonicMs() - atMs };
  };
  for (let round = 0; round < rounds; round++)
    for (const kind of ['plain', 'sealed'] as const) {
      const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-at-rest-'));
      const keys = kind === 'sealed' ? openKeyStore(dir, randomBytes(32)) : undefined;
      const store = await openContentStore({ dir, clock: systemClock, keys });
      let sha256: Uint8Array = new Uint8Array();
      costs[kind].write.push(
        await measured(async () => {
          ({ sha256 } = await store.addStream(body(round)));
        }),
      );
      costs[kind].read.push(
        await measured(async () => {
          for await (const _ of await store.read(sha256));
        }),
      );
      keys?.close();
      rmSync(dir, { recursive: true });
    }
  const figures = (way: 'write' | 'read') => ({
    plainCpuMs: Math.round(least(costs.plain[way], 'cpuMs')),
    sealedCpuMs: Math.round(least(costs.sealed[way], 'cpuMs')),
    moreCpuPercent: Math.round(
      (least(costs.sealed[way], 'cpuMs') / least(costs.plain[way], 'cpuMs') - 1) * 100,
    ),
    plainWallMs: Math.round(least(costs.plain[way], 'wallMs')),
    sealedWallMs: Math.round(least(costs.sealed[way], 'wallMs')),
  });
  return {
    bench: 'at-rest',
    node: process.version,
    mib,
    rounds,
    write: figures('write'),
    read: figures('read'),
    rows: rowCosts(Number(options.documents ?? 8000), 10_000),
  };
}
