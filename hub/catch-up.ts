// A hub that was restored from an older backup must not believe keys that were revoked after it. Nodes say which revocation list they hold;
// when one holds a newer one than this hub, nothing is taken or handed out until a node has brought that signed part back.
// DESIGN §5 Restore, PROTOCOL.md 3.9. Must never believe a part that this hub's own directory key has not signed.
import { parseCertificate } from '../certs/certificate.ts';
import { openDirectoryParts } from '../certs/signers.ts';
import { verifyCertificate } from '../certs/trust.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import type { DirectoryPart } from '../protocol/wire.ts';
import type { Admin } from './admin/acts.ts';
import type { HubIdentity } from './identity.ts';
import { type CertificateRecord, rowOfCertificate } from './store/certificate-rows.ts';

export type CatchUp = {
  /** A peer says which list it holds. */
  heard(revocationKnown: number): void;
  /** Throws `hub-behind` while a newer list is out there that was not brought yet. */
  assert(): void;
  behind(): boolean;
  /** Signed parts that a node brings. Idempotent. Returns whether this hub is level now. */
  bring(parts: readonly Uint8Array[]): Promise<boolean>;
};

export function createCatchUp(deps: {
  readonly admin: () => Admin;
  readonly identity: () => HubIdentity;
}): CatchUp {
  /** Highest number heard of; a peer that invents one only gets itself asked for the part that it says it holds. */
  let heardOf = 0;
  const own = () => deps.admin().directory.own();
  const behind = () => heardOf > own().revocationNumber;

  async function bring(parts: readonly Uint8Array[]): Promise<boolean> {
    const { anchors } = deps.identity().roots;
    const { clock, log } = deps.admin();
    const nowMs = clock.nowMs();
    // One by one: a node may hold parts of other hubs that do not concern us.
    const found = parts.flatMap((bytes) =>
      openDirectoryParts([bytes], { rootsDer: anchors, nowMs }).parts.map(({ part }) => part),
    );
    const ours = found.find(({ hub, revocationNumber }) => hub === own().hub && revocationNumber >= heardOf);
    if (!ours || ours.revocationNumber <= own().revocationNumber) return !behind();
    const done = await deps.admin().act('catchUp', {
      number: ours.revocationNumber,
      revocations: ours.revocations.map(({ serialHex, fromMs, reason }) => ({
        serial: serialHex,
        fromMs,
        reason,
      })),
      certificates: certificatesOf(ours, deps.identity()),
      nowMs,
    });
    log.warn({ event: 'hub.caught-up', revocationNumber: ours.revocationNumber, learnt: done.learnt });
    return !behind();
  }

  return {
    heard(revocationKnown) {
      heardOf = Math.max(heardOf, revocationKnown);
    },
    assert() {
      if (behind())
        throw new ExchangeError('hub-behind', `revocation list ${own().revocationNumber} of ${heardOf}`, {
          retryAfterMs: 1_000,
        });
    },
    behind,
    bring,
  };
}

/** Certificates of this hub's CAs that the part names: seals that units renewed, keys with which the lost hub had signed. */
function certificatesOf(part: DirectoryPart, identity: HubIdentity): CertificateRecord[] {
  const issuings = [
    identity.issuer.certificateDer,
    ...identity.former.map(({ certificate }) => certificate.der),
  ];
  const judged = (
    leafDer: Uint8Array,
    role: 'unit-seal' | 'hub-receipts' | 'hub-directory',
    subject: string,
  ) => {
    try {
      const { notBeforeMs: atMs } = parseCertificate(leafDer);
      const rootsDer = identity.roots.anchors;
      const facts = verifyCertificate({ leafDer, intermediatesDer: issuings, rootsDer, atMs, role });
      return facts.subjectId === subject ? [rowOfCertificate(role, subject, leafDer)] : [];
    } catch (error) {
      // Of another role; each is tried for those that sign evidence.
      if (isExchangeError(error)) return [];
      throw error;
    }
  };
  return [
    ...part.units.flatMap(({ unit, sealCertificates }) =>
      sealCertificates.flatMap((der) => judged(der, 'unit-seal', unit)),
    ),
    ...part.hubCertificates.flatMap((der) => [
      ...judged(der, 'hub-receipts', part.hub),
      ...judged(der, 'hub-directory', part.hub),
    ]),
  ];
}
