// A hub in a process of its own, so that its CPU and memory are its own: started with fork(), asked over the IPC channel. Used by the
// benchmarks only; the hub inside is the one that `lienthong hub start` runs, with free ports and no limit on documents per second.
import process from 'node:process';
import { startTestHub } from '../support/hub.ts';

export type HubCall = { readonly id: number; readonly name: string; readonly args: readonly unknown[] };
export type HubAnswer = { readonly id: number; readonly value?: unknown; readonly error?: string };

const { hub, close } = await startTestHub({
  ...(process.env.BENCH_HUB_DIR ? { dir: process.env.BENCH_HUB_DIR } : {}),
  config: { quotaBytesDefault: 0 },
});
const verbs: Record<string, (...args: never[]) => unknown> = {
  act: (...args) => (hub.admin.act as (...args: never[]) => unknown)(...args),
  invite: (...args) => (hub.admin.invite as (...args: never[]) => unknown)(...args),
  count: (sql: never) => hub.store.reader.get(sql),
  close: async () => {
    await close();
    setImmediate(() => process.exit(0));
  },
};
process.on('message', async ({ id, name, args }: HubCall) => {
  try {
    process.send!({ id, value: await verbs[name]!(...(args as never[])) } satisfies HubAnswer);
  } catch (error) {
    process.send!({ id, error: String(error) } satisfies HubAnswer);
  }
});
process.on('disconnect', () => process.exit(0));
process.send!({
  id: 0,
  value: { rootDer: hub.rootDer, exchangePort: hub.at.exchange?.port },
} satisfies HubAnswer);
