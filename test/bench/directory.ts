// `npm run bench -- directory`: a directory of the nation's size: imported, signed, loaded at hub and node, searched, one act and its difference.
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { openDirectoryParts } from '../../certs/signers.ts';
import { createDirectory } from '../../protocol/directory.ts';
import { searchDirectory } from '../../protocol/directory-search.ts';
import { newUnitId } from '../../protocol/ids.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { startTestHub } from '../support/hub.ts';
import type { Options } from './bench.ts';

async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const from = performance.now();
  const value = await work();
  return { ms: Math.round(performance.now() - from), value };
}

export async function run(options: Options): Promise<unknown> {
  const units = Number(options.units ?? 125_000);
  const test = await startTestHub({ code: 'H08' });
  const { hub } = test;
  const nowMs = systemClock.nowMs();
  const places = ['Bình', 'Tây', 'Phú', 'An', 'Hòa', 'Thuận', 'Giang', 'Tường', 'Phong', 'Vĩnh'];
  const added = Array.from({ length: units }, (_, i) => ({
    unit: newUnitId(randomBytes(10)),
    name: `Ủy ban nhân dân xã ${places[i % 10]} ${places[Math.floor(i / 10) % 10]} ${i}`,
    codes: [`H08.${Math.floor(i / 999) + 100}.${i}`],
    kind: 'xã',
  }));
  const against = hub.directory.own().version;
  const imported = await timed(() =>
    hub.admin.act('unitsImport', {
      against,
      added,
      changed: [],
      closed: [],
      file: new Uint8Array(32),
      nowMs,
    }),
  );
  const act = await timed(() =>
    hub.admin.act('unitRename', { unit: added[7]!.unit, name: 'UBND xã Mới', oldCodeUntilMs: 0, nowMs }),
  );
  const own = hub.directory.own();
  const whole = hub.directory.partSince(own.hub, 0)!;
  const difference = hub.directory.partSince(own.hub, own.version - 1)!;
  const restarted = await timed(() => test.restart());
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const rootsDer = [hub.rootDer];
  const opened = await timed(() => openDirectoryParts([whole], { rootsDer, nowMs }));
  const indexed = await timed(() => createDirectory(opened.value.parts.map(({ part }) => part)));
  globalThis.gc?.();
  const heapMb = Math.round((process.memoryUsage().heapUsed - before) / 1e6);
  const first = await timed(() => searchDirectory(indexed.value, 'xa binh tay', { limit: 20 }));
  const next = await timed(() => searchDirectory(indexed.value, 'phu phong 124', { limit: 20 }));
  await test.close();
  return {
    bench: 'directory',
    machine: `${os.cpus().length} × ${os.cpus()[0]?.model}, node ${process.version}`,
    units,
    importAndSignMs: imported.ms,
    oneActMs: act.ms,
    wholeBytes: whole.length,
    differenceBytes: difference.length,
    hubRestartMs: restarted.ms,
    verifyAndReadMs: opened.ms,
    indexMs: indexed.ms,
    heapMb,
    firstSearchMs: first.ms,
    nextSearchMs: next.ms,
  };
}
