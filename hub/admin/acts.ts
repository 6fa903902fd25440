// Every act of the operator and of enrolment goes through here: the operation in the writer thread, then what the running process must
// learn of it: directory and trust records anew, connections cut, waiting peers woken. Signals come after the commit, never before.
import { randomBytes } from 'node:crypto';
import { formatInvitation, hashSecret, rootFingerprint } from '../../certs/invitation.ts';
import { resolveAddress } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { HubDirectory } from '../directory/hub-directory.ts';
import type { TrustRecords } from '../directory/trust-records.ts';
import type { AdminOps } from '../store/admin-ops.ts';
import type { DecideResult } from '../store/approval-ops.ts';
import type { HubStore } from '../store/store.ts';
import { actorNow } from './caller.ts';

export type AdminDeps = {
  readonly store: HubStore;
  readonly directory: HubDirectory;
  readonly records: TrustRecords;
  /** The root that an invitation names. */
  readonly rootDer: () => Uint8Array;
  /** Cuts the open connections of a peer (node id or hub id); returns how many. */
  readonly cutPeer: (peer: string) => number;
  /** Wakes the polls of these peers: something became ready for them. */
  readonly wake: (peers: readonly string[]) => void;
  /** https address of the enrolment listener as nodes reach it; it goes into invitations. */
  readonly enrolmentUrl: () => string;
  /** How long an act waits for a second person: config.secondPerson.waitHours. Default three days. */
  readonly proposalLifeMs?: number;
  readonly clock: Clock;
  readonly log: Log;
};

export type Admin = AdminDeps & {
  /**
   * Runs one operation of hub/store/admin-ops.ts in the name of whoever made the running request (caller.ts); on return it is durable, in
   * the audit, published and in force in this process. `second-person-needed`: it was kept as a proposal, whose number the detail names.
   */
  act<K extends keyof AdminOps & string>(
    name: K,
    args: Parameters<AdminOps[K]>[0],
  ): Promise<ReturnType<AdminOps[K]>>;
  /** A proved operator's yes or no to a proposal; what it completes is in force on return. `proposal-closed` when its time is over. */
  decide(args: { id: number; yes: boolean }): Promise<DecideResult>;
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
const PROPOSAL_LIFE_MS = 72 * 3_600_000;

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
    const by = actorNow();
    try {
      const result = await store.admin<ReturnType<AdminOps[K]>>(name, { ...args, by, atMs: clock.nowMs() });
      inForce(result);
      return result;
    } catch (error) {
      if (!isExchangeError(error, 'second-person-needed') || name === 'approvalDecide') throw error;
      const nowMs = clock.nowMs();
      const lifeMs = deps.proposalLifeMs ?? PROPOSAL_LIFE_MS;
      const id = await store.admin<number>('approvalPropose', {
        act: name,
        args,
        proposer: by,
        lifeMs,
        nowMs,
        by,
      });
      log.warn({ event: 'act.proposed', proposal: id, act: name });
      throw new ExchangeError('second-person-needed', `đề nghị số (proposal) ${id}: ${name} ${error.detail}`);
    }
  }

  /** After the commit of an act, whatever it was. */
  function inForce(result: unknown): void {
    directory.refresh();
    // Also without a new directory version: a peer's state is not in it.
    records.refresh();
    if (typeof result !== 'object' || result === null) return;
    if ('cut' in result && Array.isArray(result.cut)) cut(result.cut as string[]);
    if ('node' in result && typeof result.node === 'string') deps.wake([result.node]);
  }

  const admin: Admin = {
    ...deps,
    act,
    async decide({ id, yes }) {
      const decided = await act('approvalDecide', { id, yes, decider: actorNow(), nowMs: clock.nowMs() });
      if (decided.outcome === 'expired') throw new ExchangeError('proposal-closed', `${id} is expired`);
      inForce(decided.inner);
      return decided;
    },
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
        rootFingerprint: rootFingerprint(deps.rootDer()),
        secret,
      });
      const secretHash = Buffer.from(hashSecret(secret), 'hex');
      await act('invitationMake', { unit, secretHash, expiresMs, nowMs });
      return { invitation, expiresMs };
    },
  };
  return admin;
}
