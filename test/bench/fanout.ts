// Benchmark `fanout`: one 100 MB document to 100 recipients: uploaded once, stored once, 100 deliveries, 100 signed receipts. Options:
// --recipients N, --bytes N, --fetch N (how many of them also read the content whole).
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareNode } from '../support/hub.ts';
import { pollOnce } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { postReceipts } from './exchange-load.ts';
import { startHubProcess } from './hub-process.ts';
import { makePart, submitLarge, upload } from './large-part.ts';
import { cpuSeconds, machine, now, peakMiB, round } from './measure.ts';

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const recipients = Number(options.recipients ?? 100);
  const bytes = Number(options.bytes ?? 100_000_000);
  const fetching = Number(options.fetch ?? 10);
  const about = await machine(dir);
  const hub = await startHubProcess(join(dir, 'hub'));
  const sender = await hub.node('H08.36.1');
  const receivers: BareNode[] = [];
  for (let i = 0; i < recipients; i++) receivers.push(await hub.node(`H08.35.${i + 1}`));
  const path = join(dir, 'part');
  const part = await makePart(path, bytes);
  const cpu = cpuSeconds(hub.pid);
  const startedMs = now();
  const { carriedBytes } = await upload(sender, path, part);
  const uploadedMs = now();
  await submitLarge(
    sender,
    receivers.map(({ unit }) => unit),
    part,
  );
  const submittedMs = now();
  const deliveries = await Promise.all(
    receivers.map(async (node) => (await pollOnce(node)).items[0]!.delivery!),
  );
  const handedOutMs = now();
  for (let i = 0; i < Math.min(fetching, recipients); i += 2)
    await Promise.all(
      [i, i + 1]
        .filter((n) => n < fetching)
        .map((n) => fetchWhole(receivers[n]!, deliveries[n]!.deliveryIds[0]!, part)),
    );
  const fetchedMs = now();
  await Promise.all(receivers.map((node, i) => postReceipts(node, [deliveries[i]!])));
  const settledMs = now();
  const result = {
    bench: 'fanout',
    ...about,
    recipients,
    bytes,
    uploadedBytes: carriedBytes,
    storedBytes: await contentBytes(join(dir, 'hub', 'content', 'sha256')),
    uploadMBPerSecond: round(bytes / 1000 / (uploadedMs - startedMs), 1),
    submitMs: round(submittedMs - uploadedMs, 1),
    handOutAllMs: round(handedOutMs - submittedMs, 1),
    fetched: Math.min(fetching, recipients),
    fetchMBPerSecond: round((Math.min(fetching, recipients) * bytes) / 1000 / (fetchedMs - handedOutMs), 1),
    receiptsAllMs: round(settledMs - fetchedMs, 1),
    open: await hub.get(`SELECT count(*) AS deliveries FROM deliveries WHERE state <> 'delivered'`),
    cpuSeconds: round(cpuSeconds(hub.pid) - cpu),
    hubPeakMiB: peakMiB(hub.pid),
  };
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
  return result;
}

async function fetchWhole(
  node: BareNode,
  deliveryId: number,
  part: { lengthBytes: number; sha256: Uint8Array },
) {
  const hash = createHash('sha256');
  const body = await node.link.downloads.range(String(deliveryId), 0, { from: 0, to: part.lengthBytes });
  for await (const piece of body) hash.update(piece);
  if (Buffer.compare(hash.digest(), part.sha256) !== 0) throw new Error('another content');
}

async function contentBytes(dir: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(dir, { recursive: true })) {
    const found = await stat(join(dir, name));
    if (found.isFile() && !name.endsWith('.leaves')) sum += found.size;
  }
  return sum;
}
