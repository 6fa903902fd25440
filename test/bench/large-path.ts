// Benchmark `large-path`: one part of 1 GB the whole way, every program in a process of its own: local API → node → hub → node → signed receipt
// stored at the sender. Three durable copies (sender, hub, receiver), one after the other; beside it what the disk writes in sequence,
// alternating. Options: --bytes N, --runs N.
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type District, startDistrict } from '../../bin/demo/district.ts';
import { createHttpClient, type HttpClient, readBounded } from '../../protocol/node/http-client.ts';
import type { Options } from './bench.ts';
import { makePart } from './large-part.ts';
import { cpuSeconds, machine, median, now, peakMiB, pidOf, round, sequentialMBPerSecond } from './measure.ts';

const copies = 3;

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const about = await machine(dir);
  const district = await startDistrict(join(dir, 'district'), (line) => process.stderr.write(`${line}\n`));
  try {
    return { bench: 'large-path', ...about, ...(await measure(dir, district, options)) };
  } finally {
    await district.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, district: District, options: Options): Promise<object> {
  const bytes = Number(options.bytes ?? 1_000_000_000);
  const runs = Number(options.runs ?? 2);
  const { communeA: from, communeB: to } = district.offices;
  const pids = {
    sender: pidOf(from.running.dir),
    hub: pidOf(district.hubs[1]!.dir),
    receiver: pidOf(to.running.dir),
  };
  const idleMiB = each(pids, peakMiB);
  const client = createHttpClient({ origin: from.apiUrl });
  const rows: object[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < runs; i++) {
    const path = join(dir, `part-${i}`);
    const { sha256 } = await makePart(path, bytes);
    const diskMBPerSecond = await sequentialMBPerSecond(dir, 1024);
    const cpu = each(pids, cpuSeconds);
    const took = await sendOne({ client, token: from.token, to: to.code, path, sha256 });
    rmSync(path);
    const MBPerSecond = round(bytes / 1e3 / took.allMs, 1);
    ratios.push((MBPerSecond * copies) / diskMBPerSecond);
    rows.push({
      diskMBPerSecond,
      MBPerSecond,
      takenByNodeMs: Math.round(took.takenMs),
      allMs: Math.round(took.allMs),
      cpuSecondsPerGB: each(pids, (pid, name) => round((cpuSeconds(pid) - cpu[name]!) / (bytes / 1e9))),
    });
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  const peaks = each(pids, peakMiB);
  await client.close();
  return {
    bytes,
    copies,
    fsync:
      'fdatasync before each acknowledged offset; file and folder synced before a part is complete, at all three',
    rows,
    ofDiskForThreeCopies: round(median(ratios)),
    idleMiB,
    peakMiB: peaks,
  };
}

function each<Name extends string>(pids: Record<Name, number>, of: (pid: number, name: Name) => number) {
  return Object.fromEntries(
    (Object.keys(pids) as Name[]).map((name) => [name, of(pids[name], name)]),
  ) as Record<Name, number>;
}

/** Hands a file in, sends it, waits until the sender's node shows it delivered. */
async function sendOne(what: {
  client: HttpClient;
  token: string;
  to: string;
  path: string;
  sha256: Uint8Array;
}): Promise<{ takenMs: number; allMs: number }> {
  const { client, path } = what;
  const authorization = `Bearer ${what.token}`;
  const ask = async <Answer>(request: Parameters<HttpClient['request']>[0]): Promise<Answer> => {
    const answer = await client.request({ ...request, headers: { authorization, ...request.headers } });
    const text = Buffer.from(await readBounded(answer.body, 1_000_000)).toString();
    if (answer.status >= 300) throw new Error(text);
    return JSON.parse(text) as Answer;
  };
  const startedMs = now();
  const { uploadId, sha256Hex } = await ask<{ uploadId: string; sha256Hex: string }>({
    method: 'POST',
    path: '/v1/uploads',
    headers: { 'content-type': 'application/octet-stream' },
    body: createReadStream(path, { highWaterMark: 1024 * 1024 }),
  });
  if (sha256Hex !== Buffer.from(what.sha256).toString('hex')) throw new Error('another digest');
  const takenMs = now() - startedMs;
  const { documentId } = await ask<{ documentId: string }>({
    method: 'POST',
    path: '/v1/documents',
    headers: { 'content-type': 'application/json', 'idempotency-key': path },
    body: JSON.stringify({
      recipients: [what.to],
      subject: 'Về việc đo hiệu năng',
      parts: [{ name: 'tai-lieu.bin', mediaType: 'application/octet-stream', uploadId }],
    }),
  });
  for (;;) {
    const shown = await ask<{ state: string }>({
      method: 'GET',
      path: `/v1/documents/${documentId}`,
    });
    if (shown.state === 'delivered') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { takenMs, allMs: now() - startedMs };
}
