// Benchmark `path`: office software → local API → node → hub → node → signed receipt verified and stored at the sender; every program in a
// process of its own, made and started by the command line. In bulk, then at a steady rate for latency. Options: --documents N,
// --runs N, --rate N, --seconds N, --bytes N, --at-rest off|key-file. The end is read in the sender's own store, where it says when each receipt was stored.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type District, startDistrict } from '../../bin/demo/district.ts';
import { storeFile } from '../../edge-node/store/store.ts';
import { createHttpClient, readBounded } from '../../protocol/node/http-client.ts';
import { type Database, openDatabase } from '../../protocol/node/sqlite.ts';
import { events } from '../../protocol/statement.ts';
import type { Options } from './bench.ts';
import { cpuSeconds, machine, median, now, peakMiB, percentiles, pidOf, round } from './measure.ts';

type Api = { readonly url: string; readonly token: string; readonly to: string };

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const about = await machine(dir);
  const district = await startDistrict(dir, (line) => process.stderr.write(`${line}\n`), {
    atRest: options['at-rest'] ?? 'key-file',
  });
  try {
    return { bench: 'path', ...about, ...(await measure(district, options)) };
  } finally {
    await district.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(district: District, options: Options): Promise<object> {
  const documents = Number(options.documents ?? 4000);
  const runs = Number(options.runs ?? 3);
  const rate = Number(options.rate ?? 50);
  const seconds = Number(options.seconds ?? 20);
  const bytes = Number(options.bytes ?? 10_000);
  const { communeA: from, communeB: to } = district.offices;
  const api: Api = { url: from.apiUrl, token: from.token, to: to.code };
  const pids = {
    sender: pidOf(from.running.dir),
    hub: pidOf(district.hubs[1]!.dir),
    receiver: pidOf(to.running.dir),
  };
  const store = openDatabase(join(from.running.dir, storeFile), { readOnly: true });
  const bulk: object[] = [];
  const bulkRates: number[] = [];
  const steady: ReturnType<typeof percentiles>[] = [];
  for (let i = 0; i <= runs; i++) {
    const cpu = Object.values(pids).map(cpuSeconds);
    const one = await send(api, store, { name: `bulk-${i}`, documents, bytes, inFlight: 64 });
    const used = Object.values(pids).map((pid, n) =>
      round(((cpuSeconds(pid) - cpu[n]!) / documents) * 1000, 3),
    );
    const calm = await send(api, store, {
      name: `steady-${i}`,
      documents: rate * seconds,
      bytes,
      perSecond: rate,
    });
    process.stderr.write(
      `bulk ${one.perSecond}/s, at ${rate}/s p50 ${calm.latencyMs.p50} p99 ${calm.latencyMs.p99} ms\n`,
    );
    if (i === 0) continue;
    bulkRates.push(one.perSecond);
    bulk.push({
      ...one,
      cpuSecondsPer1000: Object.fromEntries(Object.keys(pids).map((name, n) => [name, used[n]])),
    });
    steady.push(calm.latencyMs);
  }
  const peaks = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, peakMiB(pid)]));
  store.close();
  return {
    fsync: 'SQLite WAL, synchronous=FULL, in all three stores',
    bytes,
    documents,
    perSecond: median(bulkRates),
    steadyPerSecond: rate,
    p50Ms: median(steady.map(({ p50 }) => p50)),
    p99Ms: median(steady.map(({ p99 }) => p99)),
    bulk,
    steady,
    peakMiB: peaks,
  };
}

async function send(
  api: Api,
  store: Database,
  how: { name: string; documents: number; bytes: number; inFlight?: number; perSecond?: number },
) {
  const client = createHttpClient({ origin: api.url, connections: how.inFlight ?? 16 });
  const startMs = new Map<string, number>();
  const content = randomBytes(how.bytes);
  // As in exchange-load.ts: never the first bytes of a program.
  content[0] = 0;
  const startedMs = now();
  let next = 0;
  const submitOne = async (number: number): Promise<void> => {
    const key = `${how.name}-${number}`;
    randomBytes(16).copy(content, 1);
    startMs.set(key, Date.now());
    const answer = await client.request({
      method: 'POST',
      path: '/v1/documents',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${api.token}`,
        'idempotency-key': key,
      },
      body: JSON.stringify({
        recipients: [api.to],
        subject: 'Về việc đo hiệu năng',
        parts: [
          { name: 'van-ban.pdf', mediaType: 'application/pdf', contentBase64: content.toString('base64') },
        ],
      }),
    });
    await readBounded(answer.body, 10_000);
  };
  if (how.perSecond === undefined)
    await Promise.all(
      Array.from({ length: how.inFlight ?? 16 }, async () => {
        while (next < how.documents) await submitOne(next++);
      }),
    );
  else {
    const sent: Promise<void>[] = [];
    for (; next < how.documents; next++) {
      const dueMs = startedMs + (next / how.perSecond) * 1000;
      if (dueMs > now()) await new Promise((resolve) => setTimeout(resolve, dueMs - now()));
      sent.push(submitOne(next));
    }
    await Promise.all(sent);
  }
  const takenMs = now();
  const settled = await receipts(store, how);
  const lastMs = Math.max(...settled.map(({ storedMs }) => storedMs));
  const firstMs = Math.min(...startMs.values());
  await client.close();
  return {
    perSecond: Math.round(how.documents / ((lastMs - firstMs) / 1000)),
    takenPerSecond: Math.round(how.documents / ((takenMs - startedMs) / 1000)),
    latencyMs: percentiles(settled.map(({ key, storedMs }) => storedMs - startMs.get(key)!)),
  };
}

/** Waits until the sender holds a delivery receipt for every document of a run; when each was stored. */
async function receipts(
  store: Database,
  { name, documents }: { name: string; documents: number },
): Promise<{ key: string; storedMs: number }[]> {
  for (let tries = 0; ; tries++) {
    const [least, most] = [`${name}-`, `${name}.`];
    const rows = store.all<{ key: string; storedMs: number }>(
      `SELECT d.idempotency_key AS key, s.stored_ms AS storedMs FROM documents d
       JOIN envelopes e ON e.document_seq = d.seq
       JOIN statements s ON s.envelope_id = e.envelope_id AND s.direction = 'in' AND s.event = ?
       WHERE d.idempotency_key > ? AND d.idempotency_key < ?`,
      events.ContentHandover,
      least,
      most,
    );
    if (rows.length >= documents) return rows;
    if (tries > 1200) throw new Error(`${rows.length} of ${documents} receipts after 10 minutes`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
