// Benchmark `fair`: does one unit that does everything at once (50 polls, 10,000 documents, a 2 GB upload) slow the others? Others send
// at a steady rate; runs without and with the noise alternate. The noise is a process of its own at the lowest priority: it stands for a
// box elsewhere, and what it takes of this machine's processors is not the hub's doing. Options: --runs N, --seconds N, --rate N per
// sender, --bytes N.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareNode } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { runLoad, sealDocuments } from './exchange-load.ts';
import { startHubProcess } from './hub-process.ts';
import { machine, median, percentiles, round } from './measure.ts';
import type { NoiseDone, NoiseOrder } from './noise-child.ts';

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const runs = Number(options.runs ?? 3);
  const seconds = Number(options.seconds ?? 10);
  const rate = Number(options.rate ?? 25);
  const bytes = Number(options.bytes ?? 2_000_000_000);
  const about = await machine(dir);
  const hub = await startHubProcess(join(dir, 'hub'));
  const nodes: BareNode[] = [];
  for (let i = 0; i < 4; i++) nodes.push(await hub.node(`H08.35.${i + 1}`));
  const senders = nodes.slice(0, 2);
  const receivers = nodes.slice(2, 4);
  const noise = await startNoise({
    invitations: [await hub.invitation('H08.35.8'), await hub.invitation('H08.35.9')],
    rootDer: hub.rootDer,
    path: join(dir, 'part'),
    bytes,
  });
  const steady = async () => {
    const documents = senders.map((sender) =>
      sealDocuments(sender, receivers, { documents: rate * seconds, bytes: 10_000, sealBatch: 1 }),
    );
    const load = { senders, receivers, documents, submitBatch: 1, submits: 4, inFlight: 10_000 };
    return percentiles((await runLoad({ ...load, perSecond: rate })).latencyMs);
  };
  const quiet: ReturnType<typeof percentiles>[] = [];
  const loud: ReturnType<typeof percentiles>[] = [];
  const did: NoiseDone[] = [];
  for (let i = 0; i <= runs; i++) {
    const without = await steady();
    await noise.order('prepare');
    await noise.order('begin');
    const under = await steady();
    const made = await noise.order('stop');
    process.stderr.write(`p99 ${without.p99} → ${under.p99} ms ${JSON.stringify(made)}\n`);
    if (i === 0) continue;
    quiet.push(without);
    loud.push(under);
    did.push(made);
  }
  noise.end();
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
  return {
    bench: 'fair',
    ...about,
    others: { perSecond: rate * senders.length, bytes: 10_000 },
    noise: did,
    quiet,
    loud,
    p50Ratio: round(median(loud.map((each, i) => each.p50 / quiet[i]!.p50))),
    p99Ratio: round(median(loud.map((each, i) => each.p99 / quiet[i]!.p99))),
  };
}

async function startNoise(start: Extract<NoiseOrder, object>) {
  const child: ChildProcess = fork(new URL('./noise-child.ts', import.meta.url), {
    serialization: 'advanced',
  });
  setPriority(child.pid!, 19);
  const order = async (what: NoiseOrder): Promise<NoiseDone> => {
    child.send(what);
    const [done] = (await once(child, 'message')) as [NoiseDone];
    return done;
  };
  await order(start);
  return { order, end: () => child.kill() };
}
