// Benchmark `backlog`: two hubs, one with a million waiting deliveries and one with none, in alternating runs; then the start of the full
// one after SIGKILL. The backlog is made over the protocol: documents to many units that never fetch. Options: --waiting N, --units N,
// --documents N per run, --runs N.
import { mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareNode } from '../support/hub.ts';
import { prepare } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { runLoad, sealDocuments } from './exchange-load.ts';
import { type HubProcess, startHubProcess } from './hub-process.ts';
import { cpuSeconds, machine, median, now, percentiles, round } from './measure.ts';

type Side = { readonly hub: HubProcess; readonly senders: BareNode[]; readonly receivers: BareNode[] };

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const waiting = Number(options.waiting ?? 1_000_000);
  const units = Number(options.units ?? 200);
  const documents = Number(options.documents ?? 8000);
  const runs = Number(options.runs ?? 3);
  const about = await machine(dir);
  const empty = await side(join(dir, 'empty'));
  const full = await side(join(dir, 'full'));
  const madeMs = await fill(full, { waiting, units });
  const rates: { empty: number; full: number; cpuRatio: number }[] = [];
  for (let i = 0; i <= runs; i++) {
    const a = await oneRun(empty, documents);
    const b = await oneRun(full, documents);
    process.stderr.write(`empty ${a.perSecond}/s, full ${b.perSecond}/s\n`);
    if (i > 0) rates.push({ empty: a.perSecond, full: b.perSecond, cpuRatio: round(b.cpu / a.cpu) });
  }
  const left = await full.hub.get(`SELECT count(*) AS ready FROM deliveries WHERE state = 'ready'`);
  const databaseMB = round(
    (await stat(join(dir, 'full', 'hub.db')).catch(() => ({ size: 0 }))).size / 1e6,
    0,
  );
  await full.hub.kill();
  const again = await startHubProcess(join(dir, 'full'));
  const startMs = again.startMs;
  await again.close();
  // The same start without a backlog: what of it is the program's own.
  await empty.hub.kill();
  const bare = await startHubProcess(join(dir, 'empty'));
  const startEmptyMs = bare.startMs;
  await bare.close();
  rmSync(dir, { recursive: true, force: true });
  return {
    bench: 'backlog',
    ...about,
    waiting: left,
    units,
    fillSeconds: round(madeMs / 1000, 1),
    databaseMB,
    rates,
    ratio: round(median(rates.map(({ empty: a, full: b }) => b / a))),
    cpuRatio: median(rates.map(({ cpuRatio }) => cpuRatio)),
    startAfterKillMs: Math.round(startMs),
    startAfterKillEmptyMs: Math.round(startEmptyMs),
  };
}

async function side(dir: string): Promise<Side> {
  const hub = await startHubProcess(dir);
  const nodes: BareNode[] = [];
  for (let i = 0; i < 8; i++) nodes.push(await hub.node(`H08.35.${i + 1}`));
  return { hub, senders: nodes.slice(0, 4), receivers: nodes.slice(4) };
}

/** Fan-out to units that never fetch, until so many deliveries wait. */
async function fill(
  { hub, senders }: Side,
  { waiting, units }: { waiting: number; units: number },
): Promise<number> {
  const to: string[] = [];
  for (let i = 0; i < units; i++) {
    const node = await hub.node(`H08.40.${i + 1}`);
    to.push(node.unit);
    await node.close();
  }
  const startedMs = now();
  const documents = Math.ceil(waiting / units);
  let next = 0;
  const submitting = async (sender: BareNode) => {
    while (next < documents) {
      const count = Math.min(16, documents - next);
      next += count;
      const made = prepare(
        sender,
        Array.from({ length: count }, () => ({ to })),
      );
      const results = await sender.link.submit(made.map(({ wrapper }) => wrapper));
      const refused = results.find(({ problem }) => problem !== '');
      if (refused) throw new Error(refused.problem);
    }
  };
  await Promise.all(senders.map(submitting));
  return now() - startedMs;
}

async function oneRun({ hub, senders, receivers }: Side, documents: number) {
  const lists = senders.map((sender) =>
    sealDocuments(sender, receivers, { documents: documents / senders.length, bytes: 10_000, sealBatch: 16 }),
  );
  const cpu = cpuSeconds(hub.pid);
  const { seconds, latencyMs } = await runLoad({
    senders,
    receivers,
    documents: lists,
    submitBatch: 32,
    submits: 4,
    inFlight: 256,
  });
  return {
    perSecond: Math.round(documents / seconds),
    cpu: cpuSeconds(hub.pid) - cpu,
    latencyMs: percentiles(latencyMs),
  };
}
