// What certs/trust.ts asks the hub's records: which peer holds a TLS key and in which state it is, and which serials are revoked.
// Maps in memory, since both are asked on every request; made anew after every act. Must never answer from anything but the store
// and the verified directory: an unknown key is an unknown peer.
import { issuingOf, revocations } from '../../certs/signers.ts';
import {
  type PeerRegistry,
  type RegisteredPeer,
  type RevokedFromMs,
  type RootAnchor,
  verifyCertificate,
} from '../../certs/trust.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { type HubId, parseHubId, parseNodeId } from '../../protocol/ids.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { DirectoryPart } from '../../protocol/wire.ts';
import { needFact } from '../store/facts.ts';
import type { PeerStateName } from '../store/unit-ops.ts';
import type { HubDirectory } from './hub-directory.ts';

export type TrustRecords = {
  readonly registry: PeerRegistry;
  readonly revoked: RevokedFromMs;
  /** Issuing CAs of all hubs known, for createTrust. Later ones come with the directory: call `trust.learnIssuing` on its change. */
  issuingDer(): readonly Uint8Array[];
  /** After an operation that changes peers or certificates. Directory changes arrive by themselves. */
  refresh(): void;
};

export function createTrustRecords(options: {
  readonly db: Database;
  readonly directory: HubDirectory;
  /** The roots believed now. */
  readonly anchors: () => readonly RootAnchor[];
  readonly clock: Clock;
}): TrustRecords {
  const { db, directory, anchors, clock } = options;
  const ownHub = parseHubId(needFact(db, 'hubId'));
  let peers = new Map<string, RegisteredPeer>();
  let revoked: RevokedFromMs = () => undefined;

  function addNodes(found: Map<string, RegisteredPeer>): void {
    const rows = db.all<{ key_id: string; peer: string; state: PeerStateName }>(
      "SELECT c.key_id, p.peer, p.state FROM certificates c JOIN peers p ON p.peer = c.subject WHERE c.role = 'node-tls' AND p.kind = 'node'",
    );
    for (const { key_id, peer, state } of rows)
      found.set(key_id, { kind: 'node', nodeId: parseNodeId(peer), hubId: ownHub, state });
  }

  /** A hub renews its link key by itself: the keys of a registered hub are those that its own signed part lists. */
  function addHubs(found: Map<string, RegisteredPeer>): void {
    const rows = db.all<{ peer: string; state: PeerStateName }>(
      "SELECT peer, state FROM peers WHERE kind = 'hub'",
    );
    for (const { peer, state } of rows) {
      const part = directory.current().hub(peer);
      if (!part) continue;
      for (const keyId of linkKeys(part)) found.set(keyId, { kind: 'hub', hubId: parseHubId(peer), state });
    }
  }

  function linkKeys(part: DirectoryPart): string[] {
    return part.hubCertificates.flatMap((leafDer) => {
      try {
        const facts = verifyCertificate({
          leafDer,
          intermediatesDer: issuingOf(part),
          rootsDer: anchors(),
          atMs: clock.nowMs(),
          role: 'hub-link',
        });
        return facts.hubId === (part.hub as HubId) ? [facts.keyId] : [];
      } catch (error) {
        // Certificates of the hub's other roles, and expired ones.
        if (isExchangeError(error)) return [];
        throw error;
      }
    });
  }

  function refresh(): void {
    const found = new Map<string, RegisteredPeer>();
    addNodes(found);
    addHubs(found);
    peers = found;
    revoked = revocations(directory.current().parts);
  }

  refresh();
  directory.onChange(refresh);
  return {
    registry: { peerByKey: (keyId) => peers.get(keyId) },
    revoked: (certificate) => revoked(certificate),
    issuingDer: () => directory.current().parts.flatMap(issuingOf),
    refresh,
  };
}
