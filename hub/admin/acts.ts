// Every act of the operator and of enrolment goes through here: the operation in the writer thread, then what the running process must
// learn of it: directory and trust records anew, connections cut, waiting peers woken. Signals come after the commit, never before.
import { randomBytes } from 'node:crypto';
import { formatInvitation, hashSecret, rootFingerprint } from '../../certs/invitation.ts';
import { resolveAddress } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { HubDirectory } from '../directory/hub-directory.ts';
import type { TrustRecords } from '../directory/trust-records.ts';
import type { AdminOps } from '../store/admin-ops.ts';
import type { HubStore } from '../store/store.ts';

export type AdminDeps = {
  readonly store: HubStore;
  readonly directory: HubDirectory;
  readonly records: TrustRecords;
  readonly rootDer: Uint8Array;
  /** Cuts the open connections of a peer (node id or hub id); returns how many. */
  readonly cutPeer: (peer: string) => number;
  /** Wakes the polls of these peers: something became ready for them. */
  readonly wake: (peers: readonly string[]) => void;
  /** https address of the enrolment listener as nodes reach it; it goes into invitations. */
  readonly enrolmentUrl: () => string;
  readonly clock: Clock;
  readonly log: Log;
};

export type Admin = AdminDeps & {
  /** Runs one operation of hub/store/admin-ops.ts; on return it is durable, published and in force in this process. */
  act<K extends keyof AdminOps & string>(
    name: K,
    args: Parameters<AdminOps[K]>[0],
  ): Promise<ReturnType<AdminOps[K]>>;
  /** Internal id of a unit of this hub by its code (any in force) or id. `unit-unknown`. */
  unitOf(codeOrId: string): string;
  /** As people write it. */
  codeOf(unit: string): string;
  invite(args: { unit: string; validMs: number }): Promise<MadeInvitation>;
};

export type MadeInvitation = {
  /** Shown once; the store has only its hash. */
  readonly invitation: string;
  readonly expiresMs: number;
};

const SECRET_BYTES = 20;

export function createAdmin(deps: AdminDeps): Admin {
  const { store, directory, records, clock, log } = deps;

  function cut(peers: readonly string[]): void {
    for (const peer of peers) {
      const connections = deps.cutPeer(peer);
      if (connections > 0) log.warn({ event: 'peer.sockets-cut', peer, connections });
    }
  }

  async function act<K extends keyof AdminOps & string>(
    name: K,
    args: Parameters<AdminOps[K]>[0],
  ): Promise<ReturnType<AdminOps[K]>> {
    const result = await store.admin<ReturnType<AdminOps[K]>>(name, args);
    directory.refresh();
    // Also without a new directory version: a peer's state is not in it.
    records.refresh();
    if (typeof result !== 'object' || result === null) return result;
    if ('cut' in result) cut(result.cut);
    if ('node' in result) deps.wake([result.node]);
    return result;
  }

  const admin: Admin = {
    ...deps,
    act,
    unitOf(codeOrId) {
      const { unit } = resolveAddress(directory.current(), codeOrId.trim(), clock.nowMs());
      if (unit.hub !== directory.own().hub)
        throw new ExchangeError('unit-unknown', `${codeOrId.slice(0, 64)} belongs to hub ${unit.hub}`);
      return unit.unit;
    },
    codeOf: (unit) => directory.current().codeOf(unit),
    async invite({ unit, validMs }) {
      const secret = randomBytes(SECRET_BYTES);
      const nowMs = clock.nowMs();
      const expiresMs = nowMs + validMs;
      // Formatted before it is stored: an address that cannot stand in an invitation leaves no trace.
      const invitation = formatInvitation({
        url: deps.enrolmentUrl(),
        rootFingerprint: rootFingerprint(deps.rootDer),
        secret,
      });
      const secretHash = Buffer.from(hashSecret(secret), 'hex');
      await act('invitationMake', { unit, secretHash, expiresMs, nowMs });
      return { invitation, expiresMs };
    },
  };
  return admin;
}
