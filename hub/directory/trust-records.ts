// What certs/trust.ts asks the hub's records: which peer holds a TLS key and in which state it is, and which serials are revoked.
// Maps in memory, since both are asked on every request; made anew after every act. Must never answer from anything but the store
// and the verified directory: an unknown key is an unknown peer.
import { BACKDATE_MS } from '../../certs/profile.ts';
import { issuingOf, revocations } from '../../certs/signers.ts';
import {
  type CertificateFacts,
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
import { needFact, readNumberFact } from '../store/facts.ts';
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
  /** A certificate that this store had lost in a restore is in use: it is to be recorded again. Told once for each. */
  readonly adopted: (facts: CertificateFacts) => void;
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

  const adopted = new Set<string>();
  /**
   * This hub was restored, and a node that it knows shows a certificate of its own CA from the time between backup and restore: it had
   * renewed. The signature of the CA says so, and the revocation list is caught up before anything is taken (catch-up.ts).
   */
  function adopt(facts: CertificateFacts): RegisteredPeer | undefined {
    const fromMs = readNumberFact(db, 'restoredFromMs');
    const { role, hubId, subjectId, keyId, notBeforeMs } = facts;
    const issuedMs = notBeforeMs + BACKDATE_MS;
    if (fromMs === 0 || role !== 'node-tls' || hubId !== ownHub) return undefined;
    if (issuedMs < fromMs || issuedMs > readNumberFact(db, 'epochStartedMs')) return undefined;
    const row = db.get<{ state: PeerStateName }>(
      "SELECT state FROM peers WHERE peer = ? AND kind = 'node'",
      subjectId,
    );
    if (!row) return undefined;
    if (!adopted.has(keyId)) {
      adopted.add(keyId);
      options.adopted(facts);
    }
    return { kind: 'node', nodeId: parseNodeId(subjectId), hubId: ownHub, state: row.state };
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
    registry: { peerByKey: (keyId) => peers.get(keyId), adopt },
    revoked: (certificate) => revoked(certificate),
    issuingDer: () => directory.current().parts.flatMap(issuingOf),
    refresh,
  };
}
