// What is missing and for how long, told as alarms before it hurts: the hub, a newer directory, the right time. The times are those of
// protocol/grace.ts. Must never stop anything: whoever needs what is missing decides for himself.
import { parseCertificate } from '../certs/certificate.ts';
import { clockBounds, grace, partOverdueShare } from '../protocol/grace.ts';
import { clockSteps } from '../protocol/node/clock.ts';
import { startWorker, type WorkLoop } from '../protocol/node/worker.ts';
import type { EdgeContext } from './context.ts';
import { foreignSeals, withdrawnSeals } from './own-seals.ts';
import { sealWithdrawn } from './withdrawn.ts';

/** Days are watched; a minute is often enough, and a clock that was set is noticed soon. */
const everyMs = 30_000;
/** The same alarm once a day while it lasts: more buries the others. */
const againMs = 86_400_000;

export function startWatch(context: EdgeContext, { dir }: { readonly dir: string }): WorkLoop {
  const { clock, store, log, line, link, directory, identity, config } = context;
  const toldMs = new Map<string, number>();

  async function tell(
    code:
      | 'hub-unreachable'
      | 'directory-stale'
      | 'directory-expired'
      | 'clock-wrong'
      | 'certificate-revoked'
      | 'seal-not-held',
    about: string,
    said: string,
  ): Promise<void> {
    const nowMs = clock.nowMs();
    const last = toldMs.get(`${code} ${about}`);
    if (last !== undefined && Math.abs(nowMs - last) < againMs) return;
    toldMs.set(`${code} ${about}`, nowMs);
    await store.write('alarm', { atMs: nowMs, code, about, said });
  }

  async function watchHub(nowMs: number): Promise<void> {
    const lastMs = line.lastContactMs();
    if (line.state() === 'connected' || lastMs === undefined) return;
    const awayMs = nowMs - lastMs;
    if (awayMs >= grace.hub.alarmsMs)
      await tell('hub-unreachable', 'hub', `no contact for ${daysOf(awayMs)} days`);
    if (awayMs < config.directory.staleMs) return;
    log.warn({ event: 'directory.stale', ageMs: awayMs });
    await tell('directory-stale', 'directory', `no newer directory for ${daysOf(awayMs)} days`);
  }

  async function watchParts(nowMs: number): Promise<void> {
    const { hubId } = identity();
    for (const { hub, issuedMs, expiresMs } of directory.current().parts) {
      if (expiresMs === 0) continue;
      const overdueMs = issuedMs + (expiresMs - issuedMs) * partOverdueShare;
      if (nowMs >= expiresMs)
        await tell('directory-expired', hub, `ended ${new Date(expiresMs).toISOString()}`);
      else if (hub !== hubId && nowMs >= overdueMs)
        await tell('directory-stale', hub, `no newer part since ${new Date(issuedMs).toISOString()}`);
    }
  }

  const steps = clockSteps(clock);
  /** Set back by a minute and more, and once at the start, since it may have been set while nothing ran. */
  let setBack = true;
  async function watchSteps(nowMs: number): Promise<void> {
    if (steps() < -clockBounds.nodeAlarmMs) setBack = true;
    if (!setBack) return;
    await store.write('clockSetBack', { nowMs });
    setBack = false;
  }

  let revocationsSeen = '';
  /** What arrived under a seal that turned out to be withdrawn by then: marked in the views, and said once. */
  async function watchWithdrawn(): Promise<void> {
    const { parts } = directory.current();
    const seen = parts.map(({ hub, revocationNumber }) => `${hub}.${revocationNumber}`).join(',');
    if (seen === revocationsSeen) return;
    revocationsSeen = seen;
    const sinceMs = new Map(
      parts.flatMap((part) => part.revocations.map((each) => [each.serialHex, each.fromMs])),
    );
    if (sinceMs.size === 0) return;
    for (const { unit, sealCertificates } of directory.current().units()) {
      const fromMs = sealCertificates
        .map((der) => sinceMs.get(parseCertificate(der).serialHex))
        .filter((ms) => ms !== undefined);
      if (fromMs.length === 0) continue;
      const arrivals = store
        .arrivalsSince(unit, Math.min(...fromMs))
        .filter((row) => sealWithdrawn(row, context.signers));
      if (arrivals.length > 0)
        await tell(
          'certificate-revoked',
          directory.current().codeOf(unit),
          `${arrivals.length} documents came under a seal that was withdrawn by then`,
        );
    }
  }

  /**
   * A hub that certifies another key for one of our units could sign in its name: its own unit is who can see it. And a seal of ours that was
   * withdrawn without another in its place.
   */
  async function watchOwnSeals(): Promise<void> {
    for (const { code, serialHex } of foreignSeals(directory.current(), identity().units, dir))
      await tell('seal-not-held', code, `certificate ${serialHex} names a key that is not on this machine`);
    const { hubId: hub, units } = identity();
    for (const { code, certificate } of withdrawnSeals(directory.current(), units, {
      hub,
      nowMs: clock.nowMs(),
    }))
      await tell(
        'certificate-revoked',
        `seal of ${code}`,
        `certificate ${certificate.serialHex}: what the unit sends and receipts waits until it is enrolled anew`,
      );
  }

  async function watchClock(): Promise<void> {
    const offsetMs = link.clockOffsetMs();
    if (offsetMs === undefined || Math.abs(offsetMs) < clockBounds.nodeAlarmMs) return;
    log.warn({ event: 'clock.skewed', skewMs: offsetMs });
    const side = offsetMs > 0 ? 'ahead of' : 'behind';
    await tell('clock-wrong', 'clock', `${Math.round(Math.abs(offsetMs) / 1000)} s ${side} the hub`);
  }

  return startWorker({
    clock,
    random: context.random,
    idleMs: everyMs,
    async step() {
      const nowMs = clock.nowMs();
      await watchSteps(nowMs);
      await watchHub(nowMs);
      await watchParts(nowMs);
      await watchClock();
      await watchWithdrawn();
      await watchOwnSeals();
      return 'idle';
    },
    onError: (error, waitMs) => log.warn({ event: 'worker.waiting', worker: 'watch', waitMs, err: error }),
  });
}

const daysOf = (ms: number): number => Math.floor(ms / 86_400_000);
