// Statements that peers bring: verified, allowed, settled. Nothing here talks HTTP. Used by the route for peers below and by the upstream
// link for the hub above.
import type { Directory } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { Verifier } from '../../protocol/signature.ts';
import {
  assertBorderWord,
  issuerKind,
  type OpenedStatement,
  openStatement,
  type ResolveStatementSigner,
} from '../../protocol/statement.ts';
import type { Submitter } from '../ingress/entitled.ts';
import { childTowards } from '../routing/route.ts';
import type { HubStore } from '../store/store.ts';

export type SettleDeps = {
  readonly hubId: string;
  readonly upstream: () => string;
  readonly store: HubStore;
  readonly directory: () => Directory;
  readonly resolveStatement: ResolveStatementSigner;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly nudge: (peers: readonly string[]) => void;
};

/** Returns when the statement and what it settles are durable. Idempotent. Codes: statement-*, signature-*, signer-unknown, peer-not-recipient. */
export async function takeStatement(bytes: Uint8Array, peer: Submitter, deps: SettleDeps): Promise<void> {
  const opened = await openStatement(bytes, deps.resolveStatement, deps.verifier);
  assertMayState(opened, peer, deps);
  if (peer.kind === 'node') assertFresh(opened, deps);
  crashPoint('settle.1');
  const { statement, signed } = opened;
  const { nudge } = await deps.store.settle({
    peer: peer.id,
    statementId: statement.statementId,
    event: statement.event,
    envelopeId: statement.envelopeId,
    digest: statement.envelopeDigest,
    sender: statement.sender,
    issuer: statement.issuer,
    results: statement.results.map(({ index, unit, outcome, code }) => ({ index, unit, outcome, code })),
    atMs: statement.atMs,
    inner: signed.bytes,
    bytes,
    nowMs: deps.clock.nowMs(),
  });
  crashPoint('settle.3');
  deps.nudge(nudge);
}

/**
 * A unit chooses the time in its statement, so a stolen seal could date it before its revocation. The hub that takes the statement from
 * the unit's own node judges revocation at the moment of arrival; hubs further on rely on that one (PROTOCOL.md 8.3).
 */
function assertFresh({ signed, statement }: OpenedStatement, deps: SettleDeps): void {
  const { revokedFromMs } = deps.resolveStatement(
    signed.signature?.keyId ?? new Uint8Array(),
    statement.atMs,
  );
  if (revokedFromMs !== undefined && revokedFromMs <= deps.clock.nowMs())
    throw new ExchangeError('certificate-revoked', statement.issuer);
}

/** The signature says who states; this says whether it may come by this peer. The store checks that the delivery was routed there. */
function assertMayState({ statement }: OpenedStatement, peer: Submitter, deps: SettleDeps): void {
  const directory = deps.directory();
  if (issuerKind(statement.event) === 'unit') {
    const unit = directory.unit(statement.issuer);
    if (!unit) throw new ExchangeError('unit-unknown', statement.issuer);
    if (peer.kind === 'node' && unit.node !== peer.id)
      throw new ExchangeError('peer-not-recipient', statement.issuer);
    return;
  }
  // A hub's word comes from that hub or through hubs between; never from a node, and never in our own name.
  if (peer.kind === 'node' || statement.issuer === deps.hubId)
    throw new ExchangeError('peer-not-recipient', statement.issuer);
  assertBorderWord(statement, (id) => directory.unit(id));
  const below = childTowards(directory, deps.hubId, statement.issuer);
  if (peer.id !== deps.upstream() && below !== peer.id)
    throw new ExchangeError('peer-not-recipient', statement.issuer);
}
