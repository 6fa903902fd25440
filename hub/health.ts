// Health for operators: /healthz (alive), /readyz (each check with its reason), /metrics (few labels, never one per document).
// Only ever on the local listener and the control socket.
import { Gauge, Registry } from '@prometheus-io/client';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../protocol/node/clock.ts';
import type { HubStore } from './store/store.ts';

export type HealthDeps = {
  readonly store: HubStore;
  readonly writer: { stats(): { readonly queued: number; readonly batches: number; readonly ops: number } };
  readonly space: { freeBytes(): number; readonly reserveBytes: number };
  readonly clock: Clock;
  /** Checks of hub/watch.ts. */
  readonly watched: () => readonly Check[];
  readonly upstream: () =>
    | { readonly connected: boolean; readonly lastError: string | undefined }
    | undefined;
};

export type Check = {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly said: string;
};

export function createHealth(deps: HealthDeps) {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `lienthong_hub_${name}`, help, labelNames, registers: [registry] });
  const waiting = gauge('deliveries', 'Deliveries by state.', ['state']);
  const oldest = gauge('oldest_ready_seconds', 'Age of the oldest delivery that is ready.');
  const free = gauge('disk_free_bytes', 'Free space of the data folder.');
  const queued = gauge('writer_queued', 'Operations waiting for the writer.');
  const ledger = gauge('ledger_sequence', 'Last ledger sequence.');

  function checks(): Check[] {
    const { space } = deps;
    const upstream = deps.upstream();
    const free = space.freeBytes();
    return [
      { name: 'store', state: 'ok', said: `ledger at ${head(deps.store)}` },
      free < space.reserveBytes
        ? {
            name: 'disk',
            state: 'fail',
            said: `${free} bytes free, ${space.reserveBytes} are kept in reserve`,
          }
        : { name: 'disk', state: free < 2 * space.reserveBytes ? 'warn' : 'ok', said: `${free} bytes free` },
      // The district works on while the province is away.
      ...(upstream
        ? [
            {
              name: 'upstream',
              state: upstream.connected ? 'ok' : 'warn',
              said: upstream.lastError ?? '',
            } as const,
          ]
        : []),
      ...deps.watched(),
    ];
  }

  function measure(): void {
    const { reader } = deps.store;
    for (const state of ['ready', 'deferred', 'leased', 'held', 'relayed'])
      waiting.set({ state }, countState(reader, state));
    const row = reader.get<{ at: number | null }>(
      "SELECT e.accepted_ms AS at FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq WHERE d.state = 'ready' ORDER BY d.deadline_ms LIMIT 1",
    );
    oldest.set(row?.at ? Math.max(0, (deps.clock.nowMs() - row.at) / 1000) : 0);
    free.set(deps.space.freeBytes());
    queued.set(deps.writer.stats().queued);
    ledger.set(head(deps.store));
  }

  return {
    checks,
    addRoutes(app: FastifyInstance): void {
      app.get('/healthz', async () => ({ alive: true }));
      app.get('/readyz', async (_request, reply) => {
        const all = checks();
        return reply.code(all.some(({ state }) => state === 'fail') ? 503 : 200).send({ checks: all });
      });
      app.get('/metrics', async (_request, reply) => {
        measure();
        return reply.type(registry.contentType).send(await registry.metrics());
      });
    },
  };
}

function head(store: HubStore): number {
  return store.reader.get<{ n: number | null }>('SELECT max(sequence) AS n FROM ledger')?.n ?? 0;
}

/** Counted up to a bound: a gauge that says 100,000 has said enough, and a backlog of a million must not make scraping slow. */
function countState(reader: HubStore['reader'], state: string): number {
  return (
    reader.get<{ n: number }>(
      'SELECT count(*) AS n FROM (SELECT 1 FROM deliveries WHERE state = ? LIMIT 100000)',
      state,
    )?.n ?? 0
  );
}
