// One border at work: its loops put together. Out: what is for offices behind it. In: what waits on the other side, and what became of what left.
// Offices: the other side's list, into the signed directory. Nothing is decided here; every step is in the file of its name.

import { isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { SigningKey } from '../../protocol/signature.ts';
import type { ContentTurns } from '../content-turns.ts';
import type { SettleDeps } from '../delivery/statements.ts';
import type { AcceptDeps } from '../ingress/accept.ts';
import { borderStore } from '../store/border-store.ts';
import type { HubStore } from '../store/store.ts';
import { createAgencies } from './agencies.ts';
import type { Connector } from './connector.ts';
import type { BorderContext, BorderRecord } from './context.ts';
import { createInbound } from './inbound.ts';
import { createOutbound } from './outbound.ts';
import { borderPlaces } from './places.ts';
import { createReports } from './reports.ts';
import { createStatuses } from './statuses.ts';

export type BorderDeps = AcceptDeps &
  SettleDeps & {
    readonly record: BorderRecord;
    readonly key: SigningKey;
    readonly connector: Connector;
    readonly store: HubStore;
    readonly content: ContentStore;
    readonly clock: Clock;
    readonly log: Log;
    readonly random: () => number;
    /** config.retention.contentDays. */
    readonly contentDays: number;
    readonly turns: ContentTurns;
    /** After an act on the directory: it is in force in this process on return. */
    readonly refreshDirectory: () => void;
  };

export type Border = {
  readonly record: BorderRecord;
  readonly connector: Connector;
  /** Something waits to leave. */
  nudge(): void;
  /** Messages both ways now: an operator asked, or a test does not wait for the clock. */
  pollNow(): void;
  /** Fetches the list of offices; resolves when it is in force. */
  syncOffices(): Promise<{ added: number; changed: number; closed: number; conflicts: number }>;
  status(): {
    readonly lastContactMs: number | undefined;
    readonly lastError: { readonly code: string; readonly said: string } | undefined;
  };
  stop(): Promise<void>;
};

export function startBorder(deps: BorderDeps): Border {
  const { clock, log, record, random } = deps;
  let lastContactMs: number | undefined;
  let lastError: { code: string; said: string } | undefined;
  const context: BorderContext = {
    ...deps,
    border: borderStore(deps.store, record.name),
    places: borderPlaces({
      db: deps.store.reader,
      border: record.name,
      directory: deps.directory,
      nowMs: () => clock.nowMs(),
    }),
  };
  const heard = (): void => {
    lastContactMs = clock.nowMs();
    lastError = undefined;
  };
  const failed = (worker: string) => (error: unknown, waitMs: number) => {
    const known = isExchangeError(error) ? error : undefined;
    lastError = { code: known?.code ?? 'internal', said: known?.detail ?? '' };
    log.warn({
      event: 'worker.waiting',
      worker: `border.${worker}`,
      border: record.name,
      code: lastError.code,
      waitMs,
      ...(known ? { said: known.detail } : { err: error }),
    });
    // Wrong credentials and offices that are not registered heal only by a person.
    if (known?.row.retry === 'operator')
      void deps.store
        .alarm({ code: known.code, about: `border ${record.name}`, said: known.detail, nowMs: clock.nowMs() })
        .catch((err: unknown) => log.error({ event: 'request.internal', err }));
  };
  const statuses = createStatuses(context);
  const outbound = createOutbound(context, statuses);
  const inbound = createInbound(context, statuses.refusedHere);
  const reports = createReports(context);
  const agencies = createAgencies(context, deps.refreshDirectory);
  const pollMs = Math.max(1, record.settings.pollSeconds) * 1000;

  const out = startWorker({
    clock,
    random,
    // A status that is due again in a moment is no more than the next look away.
    idleMs: Math.min(5000, pollMs),
    step: async (signal) => {
      const left = await outbound.step(signal);
      const sent = await statuses.send(signal);
      return left === 'more' || sent === 'more' ? 'more' : 'idle';
    },
    onError: failed('out'),
  });
  const fetch = startWorker({
    clock,
    random,
    idleMs: pollMs,
    step: async (signal) => {
      const fresh = await inbound.fetch(signal);
      heard();
      while ((await inbound.deliver()) > 0);
      await reports.look(signal);
      out.nudge();
      return fresh > 0 ? 'more' : 'idle';
    },
    onError: failed('in'),
  });
  // What was sealed before a crash is accepted although the other side cannot be reached.
  const accepting = startWorker({
    clock,
    random,
    idleMs: Math.min(5000, pollMs),
    step: async () => {
      await inbound.deliver();
      return 'idle';
    },
    onError: failed('accept'),
  });
  const offices = startWorker({
    clock,
    random,
    idleMs: Math.max(1, record.settings.directorySeconds) * 1000,
    step: async (signal) => {
      await inbound.forgetOlder(deps.contentDays);
      await agencies.sync(signal);
      return 'idle';
    },
    onError: failed('offices'),
  });
  const loops: readonly WorkLoop[] = [out, fetch, accepting, offices];
  return {
    record,
    connector: deps.connector,
    nudge: () => out.nudge(),
    pollNow() {
      for (const loop of [out, fetch, accepting]) loop.nudge({ now: true });
    },
    syncOffices: () => agencies.sync(new AbortController().signal),
    status: () => ({ lastContactMs, lastError }),
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await deps.connector.close();
    },
  };
}
