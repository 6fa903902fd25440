// Benchmark `large`: one part of 1 GB into the hub and out of it to a receiver that stores it; beside it what the disk writes in
// sequence, alternating. Then once more over a line that is cut 20 times. Options: --bytes N, --runs N, --cuts N.
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instanceHeader } from '../../protocol/api.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { openContentStore } from '../../protocol/node/content-store.ts';
import { createHttpClient } from '../../protocol/node/http-client.ts';
import { uploadLink } from '../../protocol/node/link-content.ts';
import { downloadPart, uploadPart } from '../../protocol/node/transfer.ts';
import { createCutProxy } from '../faults/cut-proxy.ts';
import { type BareNode, pollOnce } from '../support/hub.ts';
import type { Options } from './bench.ts';
import { postReceipts } from './exchange-load.ts';
import { startHubProcess } from './hub-process.ts';
import { makePart, submitLarge, upload } from './large-part.ts';
import { cpuSeconds, machine, median, now, peakMiB, round, sequentialMBPerSecond } from './measure.ts';

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-bench-'));
  const bytes = Number(options.bytes ?? 1_000_000_000);
  const runs = Number(options.runs ?? 2);
  const cuts = Number(options.cuts ?? 20);
  const about = await machine(dir);
  const hub = await startHubProcess(join(dir, 'hub'));
  const sender = await hub.node('H08.35.1');
  const receiver = await hub.node('H08.35.2');
  const path = join(dir, 'part');
  const rows: {
    diskMBPerSecond: number;
    uploadMBPerSecond: number;
    downloadMBPerSecond: number;
    hubCpuSecondsPerGB: number;
  }[] = [];
  const perSecond = (ms: number) => round(bytes / 1000 / ms, 1);
  for (let i = 0; i < runs; i++) {
    const part = await makePart(path, bytes);
    const disk = await sequentialMBPerSecond(dir, 1024);
    const cpu = cpuSeconds(hub.pid);
    const startedMs = now();
    await upload(sender, path, part);
    const uploadedMs = now();
    await submitLarge(sender, [receiver.unit], part);
    const fetched = await fetchNext(receiver, join(dir, `receiver-${i}`), part);
    rows.push({
      diskMBPerSecond: disk,
      uploadMBPerSecond: perSecond(uploadedMs - startedMs),
      downloadMBPerSecond: perSecond(fetched.ms),
      hubCpuSecondsPerGB: round((cpuSeconds(hub.pid) - cpu) / (bytes / 1e9)),
    });
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
    rmSync(join(dir, `receiver-${i}`), { recursive: true, force: true });
  }
  const cut =
    cuts > 0 ? await withCuts({ dir, path, sender, bytes, cuts, port: hub.exchangePort }) : undefined;
  const result = {
    bench: 'large',
    ...about,
    bytes,
    fsync:
      'fdatasync per append of 4 MiB before its offset is acknowledged; file and folder synced before the part is complete',
    rows,
    // Two durable copies, one after the other: each leg writes the part once.
    uploadOfDisk: round(median(rows.map((r) => r.uploadMBPerSecond / r.diskMBPerSecond))),
    downloadOfDisk: round(median(rows.map((r) => r.downloadMBPerSecond / r.diskMBPerSecond))),
    endToEndOfDiskForTwoCopies: round(
      median(
        rows.map((r) => 1 / (1 / r.uploadMBPerSecond + 1 / r.downloadMBPerSecond) / (r.diskMBPerSecond / 2)),
      ),
    ),
    hubPeakMiB: peakMiB(hub.pid),
    clientPeakMiB: peakMiB(process.pid),
    cut,
  };
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
  return result;
}

async function fetchNext(
  receiver: BareNode,
  dir: string,
  part: { lengthBytes: number; sha256: Uint8Array; treeRoot: Uint8Array },
): Promise<{ ms: number }> {
  const delivery = (await pollOnce(receiver)).items.find((item) => item.delivery)!.delivery!;
  const store = await openContentStore({ dir, clock: systemClock });
  const startedMs = now();
  await downloadPart(
    receiver.link.downloads,
    store,
    { deliveryId: String(delivery.deliveryIds[0]), part: 0, ...part },
    { clock: systemClock },
  );
  const ms = now() - startedMs;
  await postReceipts(receiver, [delivery]);
  return { ms };
}

/** An upload whose line is cut at random places. Acknowledged bytes are never sent again; what is, lies behind the last acknowledgement. */
async function withCuts(given: {
  dir: string;
  path: string;
  sender: BareNode;
  bytes: number;
  cuts: number;
  port: number;
}): Promise<unknown> {
  const { path, sender, bytes, cuts } = given;
  const part = await makePart(path, bytes);
  const proxy = await createCutProxy({ target: { host: '127.0.0.1', port: given.port } });
  let left = cuts;
  // Each connection lives for about a share of the part, so that `cuts` cuts fall into it.
  proxy.setFaults(() =>
    left-- > 0
      ? { cutAfterUpBytes: Math.round((bytes / cuts) * (0.3 + 0.6 * Math.random())), how: 'reset' }
      : {},
  );
  const client = createHttpClient({
    origin: `https://localhost:${proxy.port}`,
    tls: sender.tls!,
    connections: 1,
  });
  // The session of the sender goes on: its number is what the hub asks for.
  const instance = String(sender.link.instance());
  const request = uploadLink((options) =>
    client.request({ ...options, headers: { [instanceHeader]: instance, ...options.headers } }),
  );
  let acknowledged = 0;
  let againBytes = 0;
  const startedMs = now();
  const counted = await uploadPart(
    request,
    {
      unit: sender.unit,
      lengthBytes: bytes,
      sha256: part.sha256,
      treeRoot: part.treeRoot,
      leaves: async () => part.leaves,
      async read({ from, to }) {
        if (from < acknowledged) againBytes += acknowledged - from;
        return createReadStream(path, { start: from, end: to - 1, highWaterMark: 256 * 1024 });
      },
    },
    {
      clock: systemClock,
      onProgress: (bytesNow) => {
        acknowledged = bytesNow;
      },
    },
  );
  const seconds = (now() - startedMs) / 1000;
  await client.destroy();
  const { cuts: made, upBytes } = proxy.count;
  await proxy.close();
  return {
    cuts: made,
    seconds: round(seconds),
    acknowledgedBytesSentAgain: againBytes,
    bytesBeyondTheSize: counted.carriedBytes - bytes,
    beyondPerCutMiB: round((counted.carriedBytes - bytes) / 2 ** 20 / Math.max(1, made)),
    lineBytesPerByte: round(upBytes / bytes, 4),
  };
}
