// Benchmark `fair`: does one unit that does everything at once (50 polls, 10,000 documents, a 2 GB upload) slow the others? Others send
// at a steady rate; runs without and with the noise alternate. Options: --runs N, --seconds N, --rate N per sender, --bytes N.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BareNode, pollOnce } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { type Ready, runLoad, sealDocuments } from './exchange-load.ts';
import { startHubProcess } from './hub-process.ts';
import { makePart, upload } from './large-part.ts';
import { machine, median, percentiles, round } from './measure.ts';

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const runs = Number(options.runs ?? 3);
  const seconds = Number(options.seconds ?? 10);
  const rate = Number(options.rate ?? 25);
  const bytes = Number(options.bytes ?? 2_000_000_000);
  const about = await machine(dir);
  const hub = await startHubProcess(join(dir, 'hub'));
  const nodes: BareNode[] = [];
  for (let i = 0; i < 5; i++) nodes.push(await hub.node(`H08.35.${i + 1}`));
  const senders = nodes.slice(0, 2);
  const receivers = nodes.slice(2, 4);
  const noisy = nodes[4]!;
  const path = join(dir, 'part');
  const part = await makePart(path, bytes);
  const steady = async () => {
    const documents = senders.map((sender) =>
      sealDocuments(sender, receivers, { documents: rate * seconds, bytes: 10_000, sealBatch: 1 }),
    );
    const load = { senders, receivers, documents, submitBatch: 1, submits: 4, inFlight: 10_000 };
    return percentiles((await runLoad({ ...load, perSecond: rate })).latencyMs);
  };
  const quiet: ReturnType<typeof percentiles>[] = [];
  const loud: ReturnType<typeof percentiles>[] = [];
  let noise: { documents: number; polls: number; uploadedBytes: number }[] = [];
  for (let i = 0; i <= runs; i++) {
    const without = await steady();
    const all = sealDocuments(noisy, receivers, { documents: 10_000, bytes: 10_000, sealBatch: 16 });
    const stop = new AbortController();
    const made = makeNoise(noisy, { all, stop: stop.signal, path, part });
    const under = await steady();
    stop.abort();
    const did = await made;
    process.stderr.write(`p99 ${without.p99} → ${under.p99} ms ${JSON.stringify(did)}\n`);
    if (i === 0) continue;
    quiet.push(without);
    loud.push(under);
    noise = [...noise, did];
  }
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
  return {
    bench: 'fair',
    ...about,
    others: { perSecond: rate * senders.length, bytes: 10_000 },
    noise,
    quiet,
    loud,
    p50Ratio: round(median(loud.map((each, i) => each.p50 / quiet[i]!.p50))),
    p99Ratio: round(median(loud.map((each, i) => each.p99 / quiet[i]!.p99))),
  };
}

/** What one unit can do to a hub, all at once, until stopped. Refusals (rate, turn, replaced polls) are what the hub is there for. */
async function makeNoise(
  node: BareNode,
  given: {
    all: readonly Ready[];
    stop: AbortSignal;
    path: string;
    part: Awaited<ReturnType<typeof makePart>>;
  },
) {
  const { all, stop, path, part } = given;
  let documents = 0;
  let polls = 0;
  let uploadedBytes = 0;
  let next = 0;
  const until = async (work: () => Promise<unknown>): Promise<void> => {
    while (!stop.aborted) await work().catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
  };
  const submitting = () =>
    until(async () => {
      if (next >= all.length) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return;
      }
      const batch = all.slice(next, next + 128);
      next += batch.length;
      await node.link.submit(batch.map(({ wrapper }) => wrapper));
      documents += batch.length;
    });
  const polling = () =>
    until(async () => {
      await pollOnce(node, { holdMs: 2000 });
      polls += 1;
    });
  const uploading = upload(node, path, part, {
    signal: stop,
    onProgress: (bytes) => {
      uploadedBytes = bytes;
    },
  }).catch(() => {});
  await Promise.all([
    ...Array.from({ length: 4 }, submitting),
    ...Array.from({ length: 50 }, polling),
    uploading,
  ]);
  return { documents, polls, uploadedBytes };
}
