// The one place where identity is decided: which role a certificate has, whom it names, and which peer holds a socket.
// It must never decide from a field of a message, from `socket.authorized` (a resumed session keeps an old verdict), or
// allow by default. Asked by the listener's one hook before every route, and by protocol/open.ts and accept for signers.
import type { X509Certificate } from 'node:crypto';
import { type ErrorCode, ExchangeError } from '../protocol/errors.ts';
import type { HubId, NodeId, UnitId } from '../protocol/ids.ts';
import { type Certificate, parseCertificate, sha256Hex } from './certificate.ts';
import { findPath } from './path.ts';
import {
  caProfiles,
  hubOfDomain,
  type LeafRole,
  leafKeyUsage,
  leafProfiles,
  type Role,
  subjectOfName,
  touchesInternal,
} from './profile.ts';
import { isP256 } from './x509.ts';

/** What a verified certificate says. Valid only together with the time it was asked for. */
export type CertificateFacts = {
  readonly role: Role;
  readonly hubId: HubId;
  /** The unit, the node, or for roles of a hub the hub itself. */
  readonly subjectId: string;
  readonly serialHex: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly keyId: string;
  readonly publicKeyDer: Uint8Array;
  readonly der: Uint8Array;
  /** SHA-256 of `der`, hex. */
  readonly fingerprint: string;
  /** The CAs above, nearest first, root last. */
  readonly issuers: readonly { readonly serialHex: string; readonly keyId: string }[];
  /** When the whole path is valid: the narrowest of all its certificates. */
  readonly pathNotBeforeMs: number;
  readonly pathNotAfterMs: number;
};

/**
 * Since when a certificate is not to be believed (the invalidity time of its revocation), or undefined when it is not revoked.
 * Serial numbers are unique per issuer only, hence both. Called once per certificate of a path on every decision: must be a map look-up.
 */
export type RevokedFromMs = (certificate: {
  readonly serialHex: string;
  readonly issuerKeyId: string;
}) => number | undefined;

/** A root that is believed: its certificate (DER), and for one that has handed over (certs/roots.ts) until when it vouches for anything new. */
export type RootAnchor = Uint8Array | { readonly der: Uint8Array; readonly untilMs: number };

/** A root that has handed over ends before its certificate does. */
function parseAnchor(anchor: RootAnchor): Certificate {
  if (anchor instanceof Uint8Array) return parseCertificate(anchor);
  const root = parseCertificate(anchor.der);
  return { ...root, notAfterMs: Math.min(root.notAfterMs, anchor.untilMs - 1000) };
}

export type CertificateQuestion = {
  readonly leafDer: Uint8Array;
  readonly intermediatesDer: readonly Uint8Array[];
  readonly rootsDer: readonly RootAnchor[];
  readonly atMs: number;
  readonly role: Role;
  readonly revoked?: RevokedFromMs;
};

/**
 * Checks the whole path to a root and the exact role at `atMs`. Throws `certificate-malformed`, `certificate-unknown-issuer`,
 * `certificate-not-yet-valid`, `certificate-expired`, `certificate-wrong-usage`, `certificate-revoked`. Pure; without a cache (0.5 ms).
 */
export function verifyCertificate(question: CertificateQuestion): CertificateFacts {
  const facts = judge(parseCertificate(question.leafDer), {
    intermediates: question.intermediatesDer.map(parseCertificate),
    roots: question.rootsDer.map(parseAnchor),
    atMs: question.atMs,
  });
  checkRole(facts, question.role);
  checkRevocation(facts, question.atMs, question.revoked);
  return facts;
}

type Basis = {
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly atMs: number;
};

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

function wrongUsage(why: string): ExchangeError {
  return new ExchangeError('certificate-wrong-usage', why);
}

const sameSet = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
  a?.length === b.length && b.every((member) => a.includes(member));

/** Path and role, at a time; no revocation. */
function judge(leaf: Certificate, { intermediates, roots, atMs }: Basis): CertificateFacts {
  const path = findPath({
    leaf,
    intermediates,
    roots,
    atMs,
    algorithmsAllowed: (c) => isP256(c.publicKeyDer) && c.signatureAlgorithm === ECDSA_WITH_SHA256,
  });
  const root = path.at(-1)!;
  if (root.pathLength !== caProfiles.root.pathLength || !sameSet(root.keyUsage, caProfiles.root.keyUsage))
    throw wrongUsage('not a root of this system');
  const named = path.length === 2 ? issuingSubject(leaf) : path.length === 3 ? leafSubject(path) : undefined;
  if (!named) throw wrongUsage('neither an issuing CA under the root nor a certificate issued by one');
  return {
    ...named,
    serialHex: leaf.serialHex,
    notBeforeMs: leaf.notBeforeMs,
    notAfterMs: leaf.notAfterMs,
    keyId: leaf.keyId,
    publicKeyDer: leaf.publicKeyDer,
    der: leaf.der,
    fingerprint: leaf.fingerprint,
    issuers: path.slice(1).map(({ serialHex, keyId }) => ({ serialHex, keyId })),
    pathNotBeforeMs: Math.max(...path.map((c) => c.notBeforeMs)),
    pathNotAfterMs: Math.min(...path.map((c) => c.notAfterMs)),
  };
}

type Named = { readonly role: Role; readonly hubId: HubId; readonly subjectId: string };

/** A CA of one hub: the hub is the one whose subtree its name constraints permit, and no other internal name is. */
function issuingSubject(ca: Certificate): Named {
  const { pathLength, keyUsage } = caProfiles.issuing;
  if (!ca.isCa || ca.pathLength !== pathLength || !sameSet(ca.keyUsage, keyUsage) || ca.extendedKeyUsage)
    throw wrongUsage('not an issuing CA');
  const internal = (ca.nameConstraints?.permitted ?? []).filter(
    (base) => base.kind === 'dns' && touchesInternal(base.name),
  );
  const [own] = internal;
  const hubId = own?.kind === 'dns' ? hubOfDomain(own.name) : undefined;
  if (!ca.nameConstraints?.critical || internal.length !== 1 || hubId === undefined)
    throw wrongUsage('the issuing CA is not limited to one hub');
  return { role: 'issuing', hubId: hubId as HubId, subjectId: hubId };
}

/** The hub to which an issuing CA is limited. Throws `certificate-wrong-usage`. */
export const hubOfIssuing = (ca: Certificate): HubId => issuingSubject(ca).hubId;

function leafSubject([leaf, issuer]: readonly Certificate[]): Named {
  if (!leaf || !issuer) throw wrongUsage('no issuer');
  const { hubId } = issuingSubject(issuer);
  if (leaf.isCa || !sameSet(leaf.keyUsage, leafKeyUsage)) throw wrongUsage('key usage');
  const internal: string[] = [];
  let others = 0;
  for (const name of leaf.subjectAltName) {
    if (name.kind === 'dns' && touchesInternal(name.name)) internal.push(name.name);
    else others += 1;
  }
  const named = internal.length === 1 ? subjectOfName(internal[0]!) : undefined;
  if (!named) throw wrongUsage('no name of this system, or several');
  const profile = leafProfiles[named.role];
  if (others > profile.hostsMax) throw wrongUsage('names that this role does not have');
  if (!sameSet(leaf.extendedKeyUsage, [profile.usageOid])) throw wrongUsage('usage and name disagree');
  // RFC 5280 name constraints (path.ts) say the same; this line does not depend on how they were written.
  if (named.hubId !== hubId) throw wrongUsage('the issuing CA belongs to another hub');
  return { role: named.role, hubId, subjectId: named.subjectId };
}

function checkRole(facts: CertificateFacts, role: Role): void {
  if (facts.role !== role) throw wrongUsage(`a certificate for ${facts.role}, not for ${role}`);
}

/** A revoked issuing CA takes everything below it along. */
function checkRevocation(facts: CertificateFacts, atMs: number, revoked: RevokedFromMs | undefined): void {
  if (!revoked) return;
  let { serialHex } = facts;
  for (const issuer of facts.issuers) {
    const fromMs = revoked({ serialHex, issuerKeyId: issuer.keyId });
    if (fromMs !== undefined && fromMs <= atMs)
      throw new ExchangeError('certificate-revoked', `serial ${serialHex}`);
    serialHex = issuer.serialHex;
  }
}

export type PeerState = 'active' | 'unconfirmed' | 'suspended' | 'revoked' | 'closed';

export type RegisteredPeer =
  | { readonly kind: 'node'; readonly nodeId: NodeId; readonly hubId: HubId; readonly state: PeerState }
  | { readonly kind: 'hub'; readonly hubId: HubId; readonly state: PeerState };

export type PeerRegistry = {
  /** By key id of the TLS key. Asked on every request: must be a look-up in memory. */
  peerByKey(keyId: string): RegisteredPeer | undefined;
  /** A key that is not registered and whose certificate holds: after a restore, one that was certified after the backup. Default: unknown. */
  adopt?(facts: CertificateFacts): RegisteredPeer | undefined;
};

export type Peer =
  | {
      readonly kind: 'node';
      readonly nodeId: NodeId;
      readonly hubId: HubId;
      readonly keyId: string;
      readonly serialHex: string;
    }
  | { readonly kind: 'hub'; readonly hubId: HubId; readonly keyId: string; readonly serialHex: string };

/** The part of a tls.TLSSocket that is looked at. */
export type PeerSocket = { getPeerX509Certificate?(): X509Certificate | undefined };

export type TrustOptions = {
  readonly rootsDer: readonly RootAnchor[];
  /**
   * Issuing CAs known at start; more come with `learnIssuing`. What a client shows along with its leaf is not used: Node does not hand it
   * out on a server (nodejs/node#65579, in 24.21 too), and a resumed session does not keep it.
   */
  readonly intermediatesDer: readonly Uint8Array[];
  readonly registry: PeerRegistry;
  readonly revoked: RevokedFromMs;
  readonly clock: { nowMs(): number };
};

export type SignerClaim = {
  readonly certificateDer: Uint8Array;
  /** The key that the signature was, or will be, verified with. */
  readonly keyId: string;
  /** The time that counts: for a seal the hub's acceptance time, not now. */
  readonly atMs: number;
};

export type Trust = {
  /**
   * Who holds this socket, judged anew on every call: certificate present, path, role, time, revocation, registry.
   * Throws `certificate-*` or `peer-unknown|unconfirmed|suspended|revoked|closed`. About 1 µs for a socket seen before.
   */
  identify(socket: PeerSocket): Peer;
  /** As verifyCertificate with the known roots, CAs and revocations; verified paths are remembered, times are checked each time. */
  verify(question: { leafDer: Uint8Array; role: Role; atMs: number }): CertificateFacts;
  /** Adds an issuing CA (DER) after checking it against the roots. Idempotent. Throws `certificate-*`. */
  learnIssuing(issuingDer: Uint8Array): CertificateFacts;
  /** Another set of roots (one has handed over). Every verdict is reached anew. */
  setRoots(rootsDer: readonly RootAnchor[]): void;
};

/** Verified leaves remembered; one takes about 4 kB. More than a province has. */
const REMEMBERED_MAX = 8192;

/** Whether every certificate of the remembered path is still (or already) valid; the last second counts in full. */
const intact = (facts: CertificateFacts, atMs: number): boolean =>
  atMs >= facts.pathNotBeforeMs && atMs < facts.pathNotAfterMs + 1000;

/** Denies by default. Holds no resource. */
export function createTrust(options: TrustOptions): Trust {
  let roots = options.rootsDer.map(parseAnchor);
  const issuing = new Map<string, Certificate>();
  for (const der of options.intermediatesDer) {
    const certificate = parseCertificate(der);
    issuing.set(certificate.fingerprint, certificate);
  }
  const remembered = new Map<string, CertificateFacts>();
  let bySocket = new WeakMap<object, CertificateFacts>();

  function factsOf(leafDer: Uint8Array, atMs: number): CertificateFacts {
    // By hash before any parsing: a remembered leaf costs 3 us instead of 60.
    const old = remembered.get(sha256Hex(leafDer));
    if (old && intact(old, atMs)) return old;
    const leaf = parseCertificate(leafDer);
    const facts = judge(leaf, { intermediates: [...issuing.values()], roots, atMs });
    // First in, first out: a stranger cannot push entries out, since only verified leaves enter.
    if (remembered.size >= REMEMBERED_MAX) remembered.delete(remembered.keys().next().value!);
    remembered.set(leaf.fingerprint, facts);
    return facts;
  }

  /** The certificate of a connection never changes under TLS 1.3; the verdict on it does. */
  function factsOfSocket(socket: PeerSocket, nowMs: number): CertificateFacts {
    const old = bySocket.get(socket);
    if (old && intact(old, nowMs)) return old;
    const shown = socket.getPeerX509Certificate?.();
    if (!shown) throw new ExchangeError('certificate-missing');
    const facts = factsOf(shown.raw, nowMs);
    bySocket.set(socket, facts);
    return facts;
  }

  return {
    identify(socket) {
      const nowMs = options.clock.nowMs();
      const facts = factsOfSocket(socket, nowMs);
      if (facts.role !== 'node-tls' && facts.role !== 'hub-link')
        throw wrongUsage(`a certificate for ${facts.role} does not open a connection`);
      // Revoked from whenever: a listed certificate opens no connection. The time counts only for what was signed before it.
      checkRevocation(facts, Number.POSITIVE_INFINITY, options.revoked);
      const { registry } = options;
      return registeredPeer(facts, registry.peerByKey(facts.keyId) ?? registry.adopt?.(facts));
    },
    verify({ leafDer, role, atMs }) {
      const facts = factsOf(leafDer, atMs);
      checkRole(facts, role);
      checkRevocation(facts, atMs, options.revoked);
      return facts;
    },
    learnIssuing(issuingDer) {
      const certificate = parseCertificate(issuingDer);
      const nowMs = options.clock.nowMs();
      const facts = judge(certificate, { intermediates: [], roots, atMs: nowMs });
      checkRole(facts, 'issuing');
      checkRevocation(facts, nowMs, options.revoked);
      issuing.set(certificate.fingerprint, certificate);
      return facts;
    },
    setRoots(rootsDer) {
      roots = rootsDer.map(parseAnchor);
      // Verdicts rest on the roots of then.
      remembered.clear();
      bySocket = new WeakMap();
    },
  };
}

const stateCodes: Record<Exclude<PeerState, 'active'>, ErrorCode> = {
  unconfirmed: 'peer-unconfirmed',
  suspended: 'peer-suspended',
  revoked: 'peer-revoked',
  closed: 'peer-closed',
};

/** The certificate says who it is; the registry says whether this key is that peer's current one, and whether it may come in. */
function registeredPeer(facts: CertificateFacts, entry: RegisteredPeer | undefined): Peer {
  const { hubId, subjectId, keyId, serialHex } = facts;
  if (!entry || entry.hubId !== hubId) throw new ExchangeError('peer-unknown');
  if (entry.kind !== (facts.role === 'node-tls' ? 'node' : 'hub')) throw new ExchangeError('peer-unknown');
  if (entry.kind === 'node' && entry.nodeId !== subjectId) throw new ExchangeError('peer-unknown');
  if (entry.state !== 'active') throw new ExchangeError(stateCodes[entry.state] ?? 'peer-unknown');
  return entry.kind === 'node'
    ? { kind: 'node', nodeId: entry.nodeId, hubId, keyId, serialHex }
    : { kind: 'hub', hubId, keyId, serialHex };
}

/** Any verifier by role and time: a Trust, or for a proof file a closure over verifyCertificate. */
export type Verifier = Pick<Trust, 'verify'>;

/**
 * The certificate is the seal of `unitId` at `atMs` and holds the key `keyId`. Throws `certificate-*`, `signer-unknown` (another
 * key) or `signer-not-sender` (another unit). Whether the directory names it too is the caller's question (DESIGN §5).
 */
export function verifySealSigner(
  verifier: Verifier,
  claim: SignerClaim & { readonly unitId: UnitId },
): CertificateFacts {
  return verifySigner(verifier, claim, 'unit-seal', claim.unitId);
}

/** The same for a key of a hub: receipts, directory or checkpoints. */
export function verifyHubSigner(
  verifier: Verifier,
  claim: SignerClaim & {
    readonly hubId: HubId;
    readonly role: 'hub-receipts' | 'hub-directory' | 'hub-checkpoints';
  },
): CertificateFacts {
  return verifySigner(verifier, claim, claim.role, claim.hubId);
}

function verifySigner(
  verifier: Verifier,
  claim: SignerClaim,
  role: LeafRole,
  subjectId: string,
): CertificateFacts {
  const facts = verifier.verify({ leafDer: claim.certificateDer, role, atMs: claim.atMs });
  if (facts.keyId !== claim.keyId)
    throw new ExchangeError('signer-unknown', 'the certificate is for another key');
  if (facts.subjectId !== subjectId)
    throw new ExchangeError('signer-not-sender', `${facts.subjectId} signed`);
  return facts;
}
