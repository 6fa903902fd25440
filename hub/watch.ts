// What is missing at the hub and for how long, told as alarms and health checks before it hurts: the next hub, parts of other hubs, the
// right time, the next issuing CA. The times are those of protocol/grace.ts. Must never stop anything.
import { parseCertificate } from '../certs/certificate.ts';
import { renewalDueMs } from '../certs/profile.ts';
import { grace, partOverdueShare } from '../protocol/grace.ts';
import { type BackupState, backupWarning } from '../protocol/node/backup-record.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { HubDirectory } from './directory/hub-directory.ts';
import type { Check } from './health.ts';
import type { HubIdentity } from './identity.ts';
import type { PeerClocks } from './peer-clocks.ts';
import type { HubStore } from './store/store.ts';

/** The same alarm once a day while it lasts: more buries the others. */
const againMs = 86_400_000;
const secondsOf = (ms: number): number => Math.round(ms / 1000);
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export type Watch = {
  /** Raises what has become an alarm. */
  tend(): Promise<void>;
  /** For /readyz. */
  checks(): Check[];
};

export function createWatch(deps: {
  readonly store: HubStore;
  readonly directory: HubDirectory;
  readonly identity: () => HubIdentity;
  readonly clocks: PeerClocks;
  /** hub/steady-clock.ts: the machine's clock is not the hub's, in words. */
  readonly doubt: () => string | undefined;
  readonly behind: () => boolean;
  readonly upstream: () =>
    | { readonly connected: boolean; readonly lastError: string | undefined }
    | undefined;
  readonly backup: () => BackupState;
  readonly clock: Clock;
}): Watch {
  const { store, directory, identity, clocks, clock } = deps;
  const toldMs = new Map<string, number>();
  let awaySinceMs: number | undefined;

  async function tell(
    code: 'hub-unreachable' | 'directory-stale' | 'directory-expired' | 'hub-clock-wrong' | 'ca-due',
    about: string,
    said: string,
  ): Promise<void> {
    const nowMs = clock.nowMs();
    const last = toldMs.get(`${code} ${about}`);
    if (last !== undefined && Math.abs(nowMs - last) < againMs) return;
    toldMs.set(`${code} ${about}`, nowMs);
    await store.alarm({ code, about, said, nowMs });
  }

  async function watchUpstream(nowMs: number): Promise<void> {
    const upstream = deps.upstream();
    if (!upstream || upstream.connected) awaySinceMs = undefined;
    else awaySinceMs ??= nowMs;
    if (awaySinceMs === undefined || nowMs - awaySinceMs < grace.province.alarmsMs) return;
    const said = `since ${new Date(awaySinceMs).toISOString()}: ${upstream?.lastError ?? ''}`;
    await tell('hub-unreachable', 'the next hub', said);
  }

  async function watchParts(nowMs: number): Promise<void> {
    const own = directory.own().hub;
    for (const { hub, issuedMs, expiresMs } of directory.current().parts) {
      if (hub === own || expiresMs === 0) continue;
      if (nowMs >= expiresMs)
        await tell('directory-expired', hub, `ended ${new Date(expiresMs).toISOString()}`);
      else if (nowMs >= issuedMs + (expiresMs - issuedMs) * partOverdueShare)
        await tell('directory-stale', hub, `no newer part since ${new Date(issuedMs).toISOString()}`);
    }
  }

  function dueCas(nowMs: number): { readonly kind: string; readonly untilMs: number }[] {
    const { issuer, roots } = identity();
    return [
      { kind: 'issuing', der: issuer.certificateDer },
      { kind: 'root', der: roots.newestDer },
    ].flatMap(({ kind, der }) => {
      const ca = parseCertificate(der);
      return nowMs >= renewalDueMs(ca) ? [{ kind, untilMs: ca.notAfterMs }] : [];
    });
  }

  return {
    async tend() {
      const nowMs = clock.nowMs();
      await watchUpstream(nowMs);
      await watchParts(nowMs);
      for (const { kind, untilMs } of dueCas(nowMs)) await tell('ca-due', kind, `ends ${dateOf(untilMs)}`);
      const median = clocks.medianMs();
      const doubt = deps.doubt();
      if (doubt) await tell('hub-clock-wrong', 'clock', doubt);
      else if (clocks.suspect() && median !== undefined)
        await tell(
          'hub-clock-wrong',
          'clock',
          `most peers are ${secondsOf(Math.abs(median))} s ${median > 0 ? 'ahead of' : 'behind'} this hub`,
        );
    },
    checks() {
      const nowMs = clock.nowMs();
      const median = clocks.medianMs();
      const ended = directory
        .current()
        .parts.filter(
          ({ hub, expiresMs }) => hub !== directory.own().hub && expiresMs > 0 && nowMs >= expiresMs,
        );
      const due = dueCas(nowMs);
      const backup = backupWarning(deps.backup(), {
        nowMs,
        command: 'lienthong hub backup --dir DIR --to FOLDER',
      });
      return [
        { name: 'backup', state: backup ? 'warn' : 'ok', said: backup?.en ?? '' },
        {
          name: 'clock',
          state: deps.doubt() || clocks.suspect() ? 'warn' : 'ok',
          said:
            deps.doubt() ??
            (median === undefined ? 'too few peers to tell' : `peers' median ${secondsOf(median)} s`),
        },
        {
          name: 'revocations',
          state: deps.behind() ? 'fail' : 'ok',
          said: deps.behind()
            ? 'a node holds a newer revocation list: catching up'
            : `list ${directory.own().revocationNumber}`,
        },
        {
          name: 'directory',
          state: ended.length > 0 ? 'warn' : 'ok',
          said: ended.length > 0 ? `ended: ${ended.map(({ hub }) => hub).join(', ')}` : '',
        },
        {
          name: 'ca',
          state: due.length > 0 ? 'warn' : 'ok',
          said: due.map(({ kind, untilMs }) => `${kind} ends ${dateOf(untilMs)}`).join(', '),
        },
      ];
    },
  };
}
