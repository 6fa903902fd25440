// Certificates and signed directory parts, judged under one root, for reading evidence offline: who held which key when.
// It must never take a certificate or a directory part that does not hang under the given root, nor look at the network or a store.
// Under certs/verify-proof.ts, bin/evidence and fsck of a node.

import { createDirectory, type Directory } from '../protocol/directory.ts';
import { type ReadPart, readPart } from '../protocol/directory-pages.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import type { ProofSigner, ProofSigners } from '../protocol/proof.ts';
import { verifySigned } from '../protocol/signature.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { type LeafRole, leafRoles, type Role } from './profile.ts';
import { issuingOf, revocations } from './signers.ts';
import { type CertificateFacts, type RevokedFromMs, type RootAnchor, verifyCertificate } from './trust.ts';

export type EvidenceSources = {
  /** The root; several where one has handed over to another (certs/roots.ts). */
  readonly rootDer: Uint8Array | readonly RootAnchor[];
  /** DER, any order, without the root. */
  readonly certificates: readonly Uint8Array[];
  /** Bytes of Signed directory parts. */
  readonly directory: readonly Uint8Array[];
  /** False: a unit's key may be believed on its certificate alone when no directory part of its hub is given; `unnamed` tells. */
  readonly directoryRequired: boolean;
};

export type Evidence = {
  readonly directory: Directory;
  readonly signers: ProofSigners;
  /** Units whose key was believed without a directory that names it. */
  readonly unnamed: ReadonlySet<string>;
};

/** Throws certificate-*, signature-*, statement-malformed for the first source that does not hold. */
export function createEvidence(sources: EvidenceSources): Evidence {
  const anchors = sources.rootDer instanceof Uint8Array ? [sources.rootDer] : sources.rootDer;
  const drafts = sources.directory.map((bytes) => {
    // Read before it is verified, only to find the certificates that verify it. Pages may be missing: a proof brings those that it needs.
    return readPart(bytes);
  });
  const pool = new Map<string, Certificate>();
  const loose = [
    ...sources.certificates,
    ...drafts.flatMap(({ part }) => [...issuingOf(part), ...part.hubCertificates]),
  ];
  for (const der of loose) {
    const certificate = parseCertificate(der);
    pool.set(certificate.fingerprint, certificate);
  }
  const intermediatesDer = [...pool.values()].filter(({ isCa }) => isCa).map(({ der }) => der);
  const judge = (leafDer: Uint8Array, role: Role, atMs: number, revoked?: RevokedFromMs) =>
    verifyCertificate({
      leafDer,
      intermediatesDer,
      rootsDer: anchors,
      atMs,
      role,
      ...(revoked ? { revoked } : {}),
    });
  // Each one, also those that nothing below asks for: no byte of a proof file may change unseen.
  const roots = anchors.map((anchor) => parseCertificate(anchor instanceof Uint8Array ? anchor : anchor.der));
  const above = [...roots, ...[...pool.values()].filter(({ isCa }) => isCa)];
  for (const certificate of pool.values()) judgeAny(certificate, above, judge);
  for (const draft of drafts) verifyPart(draft, [...pool.values()], judge);
  const parts = drafts.map(({ part }) => part);
  const directory = createDirectory(parts);
  const revoked = revocations(parts);
  const unnamed = new Set<string>();
  const known: Known = { pool: byKey(pool), directory, unnamed };
  return {
    directory,
    unnamed,
    signers: (keyId, atMs) =>
      signerOf(keyId, known, sources.directoryRequired, (der, role) => judge(der, role, atMs, revoked)),
  };
}

type Judge = (leafDer: Uint8Array, role: Role, atMs: number, revoked?: RevokedFromMs) => CertificateFacts;

/** At the first moment at which the whole path can be good: the clocks of root and hub may have differed a little. */
function judgeAny(certificate: Certificate, above: readonly Certificate[], judge: Judge): CertificateFacts {
  const { der, isCa, notBeforeMs, x509 } = certificate;
  const begins = above
    .filter((issuer) => x509.checkIssued(issuer.x509))
    .flatMap((issuer) => [
      Math.max(notBeforeMs, issuer.notBeforeMs),
      // The root above the issuer, whichever it is.
      ...above
        .filter((root) => issuer.x509.checkIssued(root.x509))
        .map((root) => Math.max(notBeforeMs, issuer.notBeforeMs, root.notBeforeMs)),
    ]);
  // A CA that was certified twice (its root has handed over) has one moment for each.
  return firstGood(begins.length > 0 ? begins : [notBeforeMs], (atMs) =>
    isCa ? judge(der, 'issuing', atMs) : firstRole(leafRoles, (role) => judge(der, role, atMs)),
  );
}

/** The verdict of the role that the certificate has; a certificate has exactly one. */
function firstRole(
  roles: readonly LeafRole[],
  attempt: (role: LeafRole) => CertificateFacts,
): CertificateFacts {
  let wrong: unknown;
  for (const role of roles) {
    try {
      return attempt(role);
    } catch (error) {
      // Another role may fit; any other verdict is about the certificate itself.
      if (!isExchangeError(error, 'certificate-wrong-usage')) throw error;
      wrong = error;
    }
  }
  throw wrong;
}

function verifyPart({ signed, part }: ReadPart, pool: readonly Certificate[], judge: Judge): void {
  const keyId = Buffer.from(signed.signature?.keyId ?? []).toString('hex');
  const holders = pool.filter((certificate) => certificate.keyId === keyId);
  if (holders.length === 0) throw new ExchangeError('signer-unknown', `directory of ${part.hub}`);
  const facts = firstGood(holders, ({ der }) => judge(der, 'hub-directory', part.issuedMs));
  if (facts.hubId !== part.hub)
    throw new ExchangeError('signature-invalid', 'a directory signed by another hub');
  verifySigned(signed, ['lienthong/directory/1', 'lienthong/directory/2'], holders[0]!.x509.publicKey);
  const issuing = judge(part.issuingCertificate, 'issuing', part.issuedMs);
  if (issuing.hubId !== part.hub)
    throw new ExchangeError('certificate-wrong-usage', 'the issuing CA of another hub');
}

/** Several certificates may hold one key (renewal): the first that holds is enough, else the verdict on the last. */
function firstGood<T, R>(items: readonly T[], attempt: (item: T) => R): R {
  let refused: unknown = new ExchangeError('signer-unknown');
  for (const item of items) {
    try {
      return attempt(item);
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

function byKey(pool: ReadonlyMap<string, Certificate>): Map<string, Certificate[]> {
  const out = new Map<string, Certificate[]>();
  for (const certificate of pool.values())
    out.set(certificate.keyId, [...(out.get(certificate.keyId) ?? []), certificate]);
  return out;
}

type Known = {
  readonly pool: ReadonlyMap<string, readonly Certificate[]>;
  readonly directory: Directory;
  readonly unnamed: Set<string>;
};

function signerOf(
  keyId: Uint8Array,
  { pool, directory, unnamed }: Known,
  directoryRequired: boolean,
  judge: (der: Uint8Array, role: LeafRole) => CertificateFacts,
): ProofSigner {
  const named = directory.key(keyId);
  const holders = [...(pool.get(Buffer.from(keyId).toString('hex')) ?? [])];
  if (named) holders.unshift(parseCertificate(named.certificateDer));
  if (holders.length === 0) throw new ExchangeError('signer-unknown', 'no certificate of this key');
  const facts = firstGood(holders, ({ der }) =>
    firstRole(['unit-seal', 'hub-receipts'], (role) => judge(der, role)),
  );
  const kind = facts.role === 'unit-seal' ? 'unit' : 'hub';
  if (!directory.hub(facts.hubId)) {
    if (directoryRequired) throw new ExchangeError('proof-invalid', `no directory of ${facts.hubId}`);
    unnamed.add(facts.subjectId);
  } else if (kind === 'unit' && (named?.kind !== 'unit' || named.id !== facts.subjectId))
    throw new ExchangeError('signer-unknown', `no directory names this key of ${facts.subjectId}`);
  return {
    kind,
    id: facts.subjectId,
    hub: facts.hubId,
    publicKey: holders[0]!.x509.publicKey,
    serialHex: facts.serialHex,
  };
}
