// Benchmark `hub`: the hub alone in a process of its own, bare senders and receivers here; RabbitMQ in the same run, alternating. Options:
// --documents N per run, --runs N, --bytes N, --seal 16|1, --senders, --receivers, --peer no.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareNode } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { runLoad, sealDocuments } from './exchange-load.ts';
import { type HubProcess, startHubProcess } from './hub-process.ts';
import { cpuSeconds, machine, median, percentiles, round, threadSeconds, written } from './measure.ts';
import { type Rabbit, startRabbit } from './rabbit.ts';

type Shape = {
  readonly documents: number;
  readonly bytes: number;
  readonly sealBatch: number;
  readonly pairs: number;
  readonly inFlight: number;
};

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const shape: Shape = {
    documents: Number(options.documents ?? 20_000),
    bytes: Number(options.bytes ?? 10_000),
    sealBatch: Number(options.seal ?? 16),
    pairs: Number(options.pairs ?? 4),
    inFlight: Number(options.inflight ?? 256),
  };
  const runs = Number(options.runs ?? 3);
  const about = await machine(dir);
  const hub = await startHubProcess(join(dir, 'hub'));
  const nodes: BareNode[] = [];
  for (let i = 0; i < 2 * shape.pairs; i++) nodes.push(await hub.node(`H08.35.${10 + i}`));
  const rabbit = options.peer === 'no' ? undefined : await startRabbit(join(dir, 'rabbit'));
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let i = 0; i <= runs; i++) {
    const mine = await oneHub(hub, nodes, shape);
    const peer = rabbit ? await oneRabbit(rabbit, shape) : undefined;
    process.stderr.write(
      `${i === 0 ? 'warm-up' : `run ${i}`}: hub ${mine.perSecond}/s, RabbitMQ ${peer?.perSecond ?? '-'}/s\n`,
    );
    if (i === 0) continue;
    ours.push(mine);
    if (peer) theirs.push(peer);
  }
  await hub.close();
  await rabbit?.close();
  rmSync(dir, { recursive: true, force: true });
  const middle = (list: readonly Run[]) => median(list.map(({ perSecond }) => perSecond));
  return {
    bench: 'hub',
    ...about,
    ...(rabbit
      ? {
          peer: {
            name: 'RabbitMQ',
            version: rabbit.version,
            queue: 'quorum, publisher confirms, consumer acks, mutual TLS',
          },
        }
      : {}),
    shape,
    fsync: 'SQLite WAL, synchronous=FULL, group commit; RabbitMQ: its quorum queue log',
    perSecond: middle(ours),
    ...(theirs.length > 0
      ? {
          peerPerSecond: middle(theirs),
          ratio: round(median(ours.map((each, i) => each.perSecond / theirs[i]!.perSecond))),
        }
      : {}),
    runs: ours,
    peerRuns: theirs,
  };
}

type Run = {
  readonly perSecond: number;
  readonly latencyMs: ReturnType<typeof percentiles>;
  /** Of the serving process, and of this one. */
  readonly cpuSecondsPer1000: number;
  readonly clientCpuSecondsPer1000: number;
  readonly writtenKBPerDocument?: number;
  readonly threadMsPerDocument?: Readonly<Record<string, number>>;
  readonly writeCallsPerDocument?: number;
};

/** CPU of the server and of this client process around a run. */
async function counted(
  cpu: () => number,
  work: () => Promise<{ seconds: number; documents: number; latencyMs: number[] }>,
): Promise<Run> {
  const before = cpu();
  const own = process.cpuUsage();
  const { seconds, documents, latencyMs } = await work();
  const used = process.cpuUsage(own);
  return {
    perSecond: Math.round(documents / seconds),
    latencyMs: percentiles(latencyMs),
    cpuSecondsPer1000: round(((cpu() - before) / documents) * 1000, 3),
    clientCpuSecondsPer1000: round(((used.user + used.system) / 1e6 / documents) * 1000, 3),
  };
}

async function oneHub(hub: HubProcess, nodes: readonly BareNode[], shape: Shape): Promise<Run> {
  const before = written(hub.pid);
  const threadsBefore = threadSeconds(hub.pid);
  const run = await oneLoad(hub, nodes, shape);
  const after = written(hub.pid);
  const threads = threadSeconds(hub.pid);
  return {
    ...run,
    threadMsPerDocument: Object.fromEntries(
      Object.entries(threads)
        .map(
          ([name, seconds]) =>
            [name, round(((seconds - (threadsBefore[name] ?? 0)) * 1000) / shape.documents, 3)] as const,
        )
        .filter(([, ms]) => ms > 0),
    ),
    writtenKBPerDocument: round((after.bytes - before.bytes) / 1000 / shape.documents, 1),
    writeCallsPerDocument: round((after.calls - before.calls) / shape.documents, 1),
  };
}

function oneLoad(hub: HubProcess, nodes: readonly BareNode[], shape: Shape): Promise<Run> {
  const senders = nodes.slice(0, shape.pairs);
  const receivers = nodes.slice(shape.pairs);
  const documents = senders.map((sender) =>
    sealDocuments(sender, receivers, { ...shape, documents: Math.round(shape.documents / shape.pairs) }),
  );
  return counted(
    () => cpuSeconds(hub.pid),
    () => runLoad({ senders, receivers, documents, submitBatch: 32, submits: 4, inFlight: shape.inFlight }),
  );
}

function oneRabbit(rabbit: Rabbit, shape: Shape): Promise<Run> {
  return counted(
    () => rabbit.cpuSeconds(),
    () => rabbit.load(shape),
  );
}
