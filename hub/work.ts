// What the hub does by the clock and not on a request: what is old is swept, reforms take force on their day, its own part and its own
// certificates are renewed in time. A command on a hub that is not running starts the same and decides nothing that time alone would decide.
// It must never let one kind of work stop another, nor sign under a time that is only presumed.
import { clockBounds } from '../protocol/grace.ts';
import { clockSteps } from '../protocol/node/clock.ts';
import type { Log } from '../protocol/node/logger.ts';
import { startSealing } from '../protocol/node/seal-content.ts';
import { startSearchIndex } from '../protocol/node/search-index.ts';
import { type StepResult, startWorker, type WorkLoop } from '../protocol/node/worker.ts';
import type { Admin } from './admin/acts.ts';
import type { Borders } from './axis/borders.ts';
import { reformStep } from './delivery/reforms.ts';
import { type SweepDeps, sweep } from './delivery/sweeper.ts';
import type { HubDirectory } from './directory/hub-directory.ts';
import type { createHeard } from './exchange.ts';
import type { OwnCertificates } from './own-certificates.ts';
import type { createRevocationLists } from './revocation-list.ts';
import type { createSpace } from './space.ts';
import type { createSteadyClock } from './steady-clock.ts';
import type { createWatch } from './watch.ts';

/** A look costs microseconds, and the clock of a machine that slept or was set has moved without a timer noticing. */
const tendMs = 2_000;

export type HubWork = {
  /** What ended while the hub was off, before anybody is shown it. A fault (a token that is not there) is told, and tried again by the work. */
  tendAtStart(): Promise<void>;
  sweepSoon(): void;
  /** What runs is finished. */
  stop(): Promise<void>;
};

export type HubWorkDeps = Omit<SweepDeps, 'clock'> & {
  readonly listening: boolean;
  readonly clock: ReturnType<typeof createSteadyClock>;
  readonly random: () => number;
  readonly log: Log;
  readonly hubId: string;
  readonly upstream: () => string;
  readonly admin: Admin;
  readonly directory: HubDirectory;
  readonly own: OwnCertificates;
  readonly watch: ReturnType<typeof createWatch>;
  readonly revocationLists: ReturnType<typeof createRevocationLists>;
  readonly borders: Borders;
  readonly heard: ReturnType<typeof createHeard>;
  readonly space: ReturnType<typeof createSpace>;
};

export function startHubWork(deps: HubWorkDeps): HubWork {
  const { listening, clock, random, log, store, admin, directory, own } = deps;
  const told =
    (worker: string, level: 'warn' | 'error' = 'error') =>
    (err: unknown, waitMs: number) =>
      log[level]({ event: 'worker.waiting', worker, waitMs, err });
  const loop = (worker: string, idleMs: number, step: () => Promise<StepResult>): WorkLoop =>
    startWorker({ clock, random, step, idleMs, onError: told(worker) });

  const sweeper = loop('sweeper', 5_000, async () =>
    listening
      ? await sweep({ ...deps, clockSuspect: () => deps.clockSuspect() || clock.presumed() })
      : 'idle',
  );
  // What waits for a unit that has ended goes on.
  const reforming = loop('reforms', 15_000, async () =>
    listening && !clock.presumed() ? await reformStep(deps) : 'idle',
  );
  const searchIndex = startSearchIndex({
    directory: () => directory.current(),
    clock,
    random,
    onError: told('search-index'),
  });
  directory.onChange(() => {
    reforming.nudge();
    searchIndex.nudge();
  });
  // The own directory part is signed anew in the last part of its life, and when a forwarding date passes.
  const republishing = loop('directory', 3_600_000, async () => {
    if (!listening || clock.presumed()) return 'idle';
    const nowMs = clock.nowMs();
    await admin.act('approvalExpire', { nowMs });
    await admin.act('republishIfDue', { nowMs });
    return 'idle';
  });
  const steps = clockSteps(clock);
  const tending = loop('tending', tendMs, async () => {
    if (!listening) return 'idle';
    await deps.watch.tend();
    if (steps() < -clockBounds.hubOffMs) await store.clockSetBack({ nowMs: clock.nowMs() });
    // Nothing is signed under a time that is only presumed.
    if (clock.presumed()) return 'idle';
    await own.tend();
    // By the clock, not by the hourly timer: a machine that slept must not hand out a part that has ended.
    const { issuedMs, expiresMs } = directory.own();
    if (clock.nowMs() - issuedMs >= (expiresMs - issuedMs) / 3)
      await admin.act('republishIfDue', { nowMs: clock.nowMs() });
    deps.revocationLists.tend();
    await deps.borders.tend();
    return 'idle';
  });
  const flushing = startWorker({
    clock,
    random,
    step: async () => {
      await deps.heard.flush();
      await deps.space.measure();
      return 'idle';
    },
    idleMs: 5_000,
    onError: told('heard', 'warn'),
  });
  const sealing = listening
    ? [startSealing({ clock, random, content: deps.content, onError: told('sealing') })]
    : [];

  return {
    async tendAtStart() {
      if (clock.presumed()) return;
      try {
        await own.tend();
      } catch (err) {
        told('tending')(err, tendMs);
      }
    },
    sweepSoon: () => sweeper.nudge(),
    async stop() {
      await Promise.all(
        [sweeper, flushing, republishing, reforming, searchIndex, tending, ...sealing].map((each) =>
          each.stop(),
        ),
      );
    },
  };
}
