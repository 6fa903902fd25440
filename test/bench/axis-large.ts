// Memory of a message with one large file through a border, in and out: node test/bench/axis-large.ts [MB, 500 if not given]. Hub, stand-in axis and
// the office's client are one process, so the number is the sum of all three; each size runs in a process of its own. One line for each size.
import { spawnSync } from 'node:child_process';
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { headerCodec, wrapperCodec } from '../../protocol/codec.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { addBorder, startTestAxis } from '../support/axis.ts';
import { until } from '../support/border.ts';
import { bareNode, pollOnce, prepare, startTestHub } from '../support/hub.ts';

const MB = 1_000_000;

/** Bytes that hardly shrink. */
function* noise(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(MB);
  let state = 1;
  for (let i = 0; i < piece.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    piece.writeUInt32LE(state, i);
  }
  for (let left = bytes; left > 0; left -= MB) yield piece.subarray(0, Math.min(left, MB));
}

async function measure(megabytes: number): Promise<void> {
  const axis = await startTestAxis();
  axis.office('H08.15');
  axis.office('H08.35.13', { own: true });
  const hub = await startTestHub({ code: 'H08.35', config: { quotaBytesDefault: 4_000 * MB } });
  const node = await bareNode(hub.hub, 'H08.35.13');
  await addBorder(hub.hub, axis);
  await hub.hub.borders.running('truc')!.syncOffices();
  const path = join(axis.store.dir, 'lon.bin');
  await pipeline(Readable.from(noise(megabytes * MB)), createWriteStream(path));
  const startedMs = systemClock.monotonicMs();
  await axis.send({ from: 'H08.15', to: ['H08.35.13'], number: '1', files: [path] });
  const wrapper = async () =>
    (await pollOnce(node)).items.find(({ delivery }) => delivery)?.delivery?.wrapper;
  let came: Uint8Array | undefined;
  await until(async () => {
    came ??= await wrapper();
    return came !== undefined;
  });
  const [part] = headerCodec.decode(wrapperCodec.decode(came!).envelope!.bytes).parts;
  const inMs = systemClock.monotonicMs();
  // The same file goes out: how it comes up from a node is measured in large-part.ts.
  const { sha256, length } = part!;
  await hub.hub.store.rememberContent({ unit: node.unit, sha256, length, nowMs: systemClock.nowMs() });
  const [paper] = prepare(node, [
    {
      to: [hub.hub.directory.current().byCode('H08.15', systemClock.nowMs())!.unit],
      metadata: {
        subject: 'Tệp lớn',
        number: '2',
        notation: 'UBND',
        issueDate: '2026-11-25',
        type: 'Công văn',
      },
      header: { parts: [part!] },
    },
  ]);
  const outgoing = wrapperCodec.encode({ ...wrapperCodec.decode(paper!.wrapper), inlineParts: [] });
  const [result] = await node.link.submit([outgoing]);
  if (result!.problem !== '') throw new Error(result!.problem);
  await until(() => axis.store.copiesFor('H08.15').some(({ type }) => type === 'edoc'));
  const endMs = systemClock.monotonicMs();
  const rss = process.resourceUsage().maxRSS * 1024;
  console.log(
    `file ${(length / MB).toFixed(0)} MB: in ${((inMs - startedMs) / 1000).toFixed(1)} s, out ${((endMs - inMs) / 1000).toFixed(1)} s, largest RSS of hub, axis and office together ${(rss / MB).toFixed(0)} MB`,
  );
  await node.close();
  await hub.close();
  await axis.close();
  rmSync(axis.store.dir, { recursive: true, force: true });
}

const [first, size] = process.argv.slice(2);
if (first === 'one') await measure(Number(size));
else
  for (const megabytes of [1, Number(first ?? 500)]) {
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'one', String(megabytes)], {
      stdio: 'inherit',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    if (child.status !== 0) process.exitCode = 1;
  }
