// The file that a person sends to those who support the node: versions, settings without secrets, states, counts and codes. Made of numbers, codes and
// fixed words only, so that nothing of a document (names, subjects, numbers, text) can be in it: free text of any row is never copied.
import os from 'node:os';
import process from 'node:process';
import type { SelfTest, SelfTestName } from './console/contract-figures.ts';
import type { EdgeContext } from './context.ts';
import type { EdgeStatus } from './core.ts';
import type { SheetFile } from './office/core.ts';
import { programVersion } from './version.ts';

const tests: readonly SelfTestName[] = ['line', 'clock', 'certificate', 'scanner'];
const dayMs = 86_400_000;
/** Codes, ids, names of files of the program: no blanks, no letters with marks. */
const plain = /^[A-Za-z0-9._:/-]{1,80}$/;
const plainOrNothing = (text: string | undefined): string =>
  text !== undefined && plain.test(text) ? text : '';

type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;
const plainNames = (counts: Counts): Counts =>
  Object.fromEntries(
    Object.entries(counts).map(([group, names]) => [
      group,
      Object.fromEntries(Object.entries(names).filter(([name]) => plain.test(name))),
    ]),
  );

export async function supportBundle(
  context: EdgeContext,
  {
    status,
    run,
    actor,
  }: {
    readonly status: EdgeStatus;
    readonly run: (name: SelfTestName) => Promise<SelfTest>;
    readonly actor: string;
  },
): Promise<SheetFile> {
  const { store, clock, config, identity } = context;
  const nowMs = clock.nowMs();
  const results: SelfTest[] = [];
  for (const name of tests) results.push(await run(name));
  const { console: pages, proxy, safety, ...plainConfig } = config;
  const { hub, safety: checks, alarms, backup, ...rest } = status;
  const bundle = {
    what: 'Gói chẩn đoán của nút liên thông. Không có nội dung, tên, trích yếu, số ký hiệu hay tệp của văn bản nào.',
    made: new Date(nowMs).toISOString(),
    madeBy: actor,
    program: { version: programVersion(), schema: store.schemaVersion() },
    machine: {
      node: process.version,
      platform: `${os.platform()} ${os.release()} ${os.arch()}`,
      cpus: os.cpus().length,
      memoryBytes: os.totalmem(),
      memoryFreeBytes: os.freemem(),
      heapBytes: process.memoryUsage().rss,
      upSeconds: Math.round(process.uptime()),
    },
    units: identity().units.map(({ unit, code, confirmed }) => ({ unit, code, confirmed })),
    hub: {
      id: identity().hubId,
      state: hub.state,
      code: plainOrNothing(hub.code),
      lastContactMs: hub.lastContactMs,
      instance: hub.instance,
      epoch: hub.epoch,
    },
    settings: {
      ...plainConfig,
      proxy: proxy !== undefined,
      console: pages && {
        address: pages.address,
        port: pages.port,
        tls: pages.tls !== undefined,
        mail: pages.notify?.mail !== undefined,
        webhook: pages.notify?.webhook !== undefined,
        outside: pages.outside !== undefined,
      },
      scanner: safety?.scanner !== undefined,
    },
    state: {
      ...rest,
      backup: { standing: backup.standing, madeMs: backup.last?.madeMs },
      checks: {
        held: checks.held,
        checking: checks.checking,
        scannerDown: checks.scanner.downSinceMs !== undefined,
      },
    },
    alarms: alarms.map(({ atMs, code, count, about }) => ({
      atMs,
      code: plainOrNothing(code),
      count,
      about: plainOrNothing(about),
    })),
    counts: plainNames(store.supportCounts(nowMs - 7 * dayMs)),
    tests: results,
  };
  return {
    name: `chan-doan-${new Date(nowMs).toISOString().slice(0, 16).replace(/[:T]/g, '-')}.json`,
    mediaType: 'application/json',
    bytes: Buffer.from(`${JSON.stringify(bundle, null, 1)}\n`),
  };
}
