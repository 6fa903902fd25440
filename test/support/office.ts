// Offices for tests: an edge node enrolled with a test hub through the real enrolment listener, with its API on sockets.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openTokens } from '../../edge-node/api/access.ts';
import { enrolNode } from '../../edge-node/enrol.ts';
import { type RunningNode, startNode } from '../../edge-node/main.ts';
import type { Hub } from '../../hub/hub.ts';
import { newUnitId } from '../../protocol/ids.ts';
import { type Clock, systemClock } from '../../protocol/node/clock.ts';
import { quiet, startTestHub, type TestHub, temporaryDir } from './hub.ts';

export async function inviteUnit(
  hub: Hub,
  code: string,
  clock: Clock = systemClock,
  name = `UBND xã ${code}`,
): Promise<{ unit: string; invitation: string }> {
  const { unit } = await hub.admin.act('unitAdd', {
    unit: newUnitId(randomBytes(10)),
    name,
    codes: [code],
    parent: '',
    documentBytesMax: 0,
    nowMs: clock.nowMs(),
  });
  const { invitation } = await hub.admin.invite({ unit, validMs: 86_400_000 });
  return { unit, invitation };
}

export type Office = {
  readonly dir: string;
  readonly unit: string;
  readonly invitation: string;
  readonly token: string;
  node: RunningNode;
  /** Starts the node again after `node.close()`; the caller puts it into `node`. */
  reopen(): Promise<RunningNode>;
  url(path: string): string;
  fetch(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
};

/** Enrols and starts; config.json asks for a free port and no reserve of disk. */
export async function openOffice(
  hub: Hub,
  code: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<Office> {
  const dir = join(temporaryDir('office'), 'node');
  const { unit, invitation } = await inviteUnit(hub, code);
  await enrolNode({
    dir,
    invitations: [invitation],
    clock: systemClock,
    version: 'test',
    config: { local: { port: 0 }, disk: { floorBytes: 0 }, log: { level: 'silent' }, ...config },
  });
  const token = await (await openTokens(dir)).add('test', systemClock.nowMs());
  const office: Office = {
    dir,
    unit,
    invitation,
    token,
    node: await startNode({ dir, log: quiet }),
    reopen: () => startNode({ dir, log: quiet }),
    url: (path) => `http://127.0.0.1:${office.node.local.port}${path}`,
    fetch: (path, init = {}) =>
      fetch(office.url(path), {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
      }),
  };
  return office;
}

/** Polls until `look` gives a value: for what the hub and the workers do in their own time. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, tries = 1200): Promise<T> {
  for (let i = 0; i < tries; i++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await systemClock.sleep(50);
  }
  throw new Error('did not happen');
}

/** The directory of each office names each code as a unit that works: it was known before, as invited. */
export async function seeEachOther(offices: readonly Office[], codes: readonly string[]): Promise<void> {
  const sees = ({ node }: Office, code: string) =>
    node.edge.searchDirectory(code).some((entry) => entry.code === code && entry.state === 'active');
  await eventually(async () =>
    offices.every((office) => codes.every((code) => sees(office, code))) ? true : undefined,
  );
}

/** A hub and its offices, opened together, each in the directory of the others; closed with the test. The hub may be closed and restarted meanwhile. */
export async function openDistrict<const Codes extends readonly string[]>(
  t: { teardown(fn: () => Promise<void>): void },
  codes: Codes,
  configs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Promise<{ test: TestHub; offices: { [I in keyof Codes]: Office } }> {
  const test = await startTestHub();
  const offices = await Promise.all(codes.map((code) => openOffice(test.hub, code, configs[code])));
  t.teardown(async () => {
    await Promise.all(offices.map(({ node }) => node.close()));
    await test.close();
  });
  await seeEachOther(offices, codes);
  return { test, offices: offices as { [I in keyof Codes]: Office } };
}
