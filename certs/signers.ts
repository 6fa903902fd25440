// Key id -> who it belongs to: the directory names the key AND its certificate chain holds at the asked time AND it is not revoked.
// It must never believe a certificate that no directory part names, nor answer from an earlier directory. Both programs give these
// callbacks to protocol/open.ts and protocol/statement.ts; asked once per envelope and per statement, so answers are remembered.
import type { KeyObject } from 'node:crypto';
import { type Directory, keyIdOfCertificate, type NamedKey } from '../protocol/directory.ts';
import { type OpenPart, readPart, sameContent, unitIn } from '../protocol/directory-pages.ts';
import { type ErrorCode, ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ResolveSealSigner } from '../protocol/open.ts';
import { verifySigned } from '../protocol/signature.ts';
import type { ResolveStatementSigner } from '../protocol/statement.ts';
import type { DirectoryPart, SignedDirectory } from '../protocol/wire.ts';
import { parseCertificate } from './certificate.ts';
import type { LeafRole } from './profile.ts';
import { type CertificateFacts, type RevokedFromMs, type RootAnchor, verifyCertificate } from './trust.ts';

export type ResolvedSigner = {
  readonly kind: 'unit' | 'hub';
  /** Unit id or hub id. */
  readonly id: string;
  /** The hub that certifies it. */
  readonly hub: string;
  readonly publicKey: KeyObject;
  readonly facts: CertificateFacts;
  /** From when the certificate is not believed any more; Infinity when it is not revoked. */
  readonly revokedFromMs: number;
};

export type Signers = {
  /** For protocol/open.ts. Answers at once. */
  readonly seal: (
    keyId: Uint8Array,
    atMs: number,
  ) => ResolvedSigner & { readonly unit: string } & Awaited<ReturnType<ResolveSealSigner>>;
  /** For protocol/statement.ts: a unit's seal key or a hub's receipts key. */
  readonly statement: ResolveStatementSigner;
  /** Any other role of a hub or unit. Throws `signer-unknown` or `certificate-*`. */
  resolve(keyId: Uint8Array, role: LeafRole, atMs: number): ResolvedSigner;
};

export type SignersOptions = {
  /** The directory in force; another object empties the memory. */
  readonly directory: () => Directory;
  /** A getter where roots may hand over while the program runs: another array empties the memory. */
  readonly rootsDer: readonly RootAnchor[] | (() => readonly RootAnchor[]);
  /** The clock of whoever takes documents: seals of a hub whose part has ended then wait. Absent (fsck, evidence): everything is past. */
  readonly nowMs?: () => number;
  /** The hub that asks: what it says itself does not age for it. A hub that slept for a month takes documents before it has signed anew. */
  readonly ownHub?: string;
  /** certs/trust.ts `verifyCertificate`; a parameter so that a hub can put a remembering one in. */
  readonly verify?: typeof verifyCertificate;
};

/** More than the units of a province; one entry is about 2 kB. Fewer verifies chains again (0.5 ms each). */
const rememberedMax = 16_384;

/** A part that ended comes anew with the next poll, or its hub has been silent for a month: a minute does not matter, five are felt by a clerk. */
const expiredRetryMs = 60_000;

type Remembered = ResolvedSigner & { readonly role: LeafRole };

/** Repeated look-ups cost about 1 µs: times and revocation are compared on each one, chains are not. */
export function createSigners({
  directory: current,
  rootsDer,
  nowMs,
  ownHub,
  verify = verifyCertificate,
}: SignersOptions): Signers {
  const currentRoots = typeof rootsDer === 'function' ? rootsDer : () => rootsDer;
  let roots = currentRoots();
  let directory: Directory | undefined;
  let issuing: readonly Uint8Array[] = [];
  let revoked: RevokedFromMs = () => undefined;
  const remembered = new Map<string, Remembered>();

  function renew(): Directory {
    const now = current();
    const rootsNow = currentRoots();
    if (now === directory && rootsNow === roots) return now;
    directory = now;
    roots = rootsNow;
    remembered.clear();
    issuing = now.parts.flatMap(issuingOf);
    revoked = revocations(now.parts);
    return now;
  }

  function judged(key: string, keyId: Uint8Array, role: LeafRole, atMs: number): Remembered {
    const named = current().key(keyId);
    if (!named)
      throw new ExchangeError('signer-unknown', Buffer.from(keyId).toString('hex').slice(0, 16), {
        retryAfterMs: 60_000,
      });
    const facts = verify({
      leafDer: named.certificateDer,
      intermediatesDer: issuing,
      rootsDer: roots,
      atMs,
      role,
      revoked,
    });
    assertNamed(named, facts, keyId);
    const answer: Remembered = {
      kind: named.kind,
      id: named.id,
      hub: named.hub,
      publicKey: parseCertificate(named.certificateDer).x509.publicKey,
      facts,
      role,
      revokedFromMs: earliestRevocation(facts, revoked),
    };
    if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!);
    remembered.set(key, answer);
    return answer;
  }

  function look(keyId: Uint8Array, role: LeafRole, atMs: number): Remembered {
    renew();
    const key = `${role} ${Buffer.from(keyId).toString('latin1')}`;
    const known = remembered.get(key);
    if (
      known &&
      atMs >= known.facts.pathNotBeforeMs &&
      // The last second counts in full, as in path.ts.
      atMs < known.facts.pathNotAfterMs + 1000 &&
      atMs < known.revokedFromMs
    )
      return known;
    // Also for a time outside: the verdict then names the certificate and the reason.
    return judged(key, keyId, role, atMs);
  }

  return {
    seal(keyId, atMs) {
      const found = look(keyId, 'unit-seal', atMs);
      // Who was revoked since cannot be known any more: the document waits, and nobody is refused for the silence of a hub.
      const endsMs = found.hub === ownHub ? 0 : (directory?.hub(found.hub)?.expiresMs ?? 0);
      if (nowMs && endsMs > 0 && endsMs <= nowMs())
        throw new ExchangeError('directory-expired', found.hub, { retryAfterMs: expiredRetryMs });
      return { ...found, unit: found.id };
    },
    statement(keyId, atMs) {
      const kind = renew().key(keyId)?.kind;
      return look(keyId, kind === 'hub' ? 'hub-receipts' : 'unit-seal', atMs);
    },
    resolve: look,
  };
}

/** Chain and directory must say the same: who names a stranger's certificate as its own gains nothing. */
function assertNamed(named: NamedKey, facts: CertificateFacts, keyId: Uint8Array): void {
  if (facts.subjectId !== named.id || facts.hubId !== named.hub)
    throw new ExchangeError('signer-unknown', `certified for ${facts.subjectId}, named as ${named.id}`);
  if (facts.keyId !== Buffer.from(keyId).toString('hex'))
    throw new ExchangeError('signer-unknown', 'the certificate is for another key');
}

/** The issuing CAs of a hub, the present one first. */
export const issuingOf = (part: DirectoryPart): readonly Uint8Array[] => [
  part.issuingCertificate,
  ...part.formerIssuingCertificates,
];

/** The revocation lists of all hubs as one look-up. Serial numbers are unique per issuer only. */
export function revocations(parts: readonly DirectoryPart[]): RevokedFromMs {
  const fromMs = new Map<string, number>();
  for (const part of parts) {
    if (part.revocations.length === 0) continue;
    // A serial of 126 random bits is one of the hub's, whichever of its CAs gave it.
    for (const issuer of new Set(issuingOf(part).map((der) => parseCertificate(der).keyId)))
      for (const each of part.revocations)
        fromMs.set(`${issuer} ${each.serialHex.toLowerCase()}`, each.fromMs);
  }
  return ({ serialHex, issuerKeyId }) => fromMs.get(`${issuerKeyId} ${serialHex}`);
}

function earliestRevocation(facts: CertificateFacts, revoked: RevokedFromMs): number {
  let earliest = Number.POSITIVE_INFINITY;
  let { serialHex } = facts;
  for (const issuer of facts.issuers) {
    earliest = Math.min(earliest, revoked({ serialHex, issuerKeyId: issuer.keyId }) ?? earliest);
    serialHex = issuer.serialHex;
  }
  return earliest;
}

export type OpenedPart = {
  /** Whole: with the pages that were held already. */
  readonly part: OpenPart;
  /** As they came: of a directory/2 with all pages, or with those that are new. */
  readonly bytes: Uint8Array;
};
export type OpenedParts = {
  /** Verified and not older than what is known, one per hub. */
  readonly parts: readonly OpenedPart[];
  /** What was not taken, and why: an alarm, never a reason to stop. */
  readonly refused: readonly { readonly hub: string; readonly code: ErrorCode; readonly detail: string }[];
};

/**
 * Verifies Signed directory parts, each on its own: its issuing CA hangs under a root, the hub-directory certificate inside it signed
 * it, both name the hub of the part, its version is not below the known one (`known`), and the same version is the same content.
 * A part that fails is left out; those of the others stand. A difference to another version than the one held is `directory-gap`.
 */
export function openDirectoryParts(
  signedBytes: readonly Uint8Array[],
  options: {
    readonly rootsDer: readonly RootAnchor[];
    readonly nowMs: number;
    readonly known?: Directory | undefined;
    /** From the own store: judged when it came, and again now only at its own time, so that a wrong clock or a long absence takes nothing away. */
    readonly stored?: boolean;
  },
): OpenedParts {
  const parts = new Map<string, OpenedPart>();
  const refused: { hub: string; code: ErrorCode; detail: string }[] = [];
  for (const bytes of signedBytes) {
    let hub = '';
    try {
      const heldOf = (id: string) => parts.get(id)?.part ?? options.known?.hub(id);
      // Read before it is verified, only to find the certificates that verify it.
      const { signed, part, missing } = readPart(bytes, heldOf);
      hub = part.hub;
      const before = heldOf(hub);
      verifyPart(signed, part, { ...options, before });
      if (before && before.version > part.version)
        throw new ExchangeError(
          'statement-mismatch',
          `directory version ${part.version} after ${before.version}`,
        );
      // A restored hub skips versions but not acts: whoever holds the newer list keeps it and brings it back (PROTOCOL.md 3.9).
      if (before && before.revocationNumber > part.revocationNumber)
        throw new ExchangeError(
          'directory-rolled-back',
          `revocation list ${part.revocationNumber} after ${before.revocationNumber}`,
        );
      if (missing > 0) throw new ExchangeError('directory-gap', `version ${part.version}: ${missing} pages`);
      if (before?.version === part.version && !sameContent(before, part))
        throw new ExchangeError('statement-mismatch', `two directories of version ${part.version}`);
      parts.set(hub, { part, bytes });
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      refused.push({ hub: hub.slice(0, 17), code: error.code, detail: error.detail });
    }
  }
  // After all of them were read: a unit that is handed over leaves one part and enters another with the same answer.
  const newest = (hub: string) => parts.get(hub)?.part ?? options.known?.hub(hub);
  for (const [hub, { part }] of parts)
    try {
      if (options.known) assertClaims(part, options.known, { newest, nowMs: options.nowMs });
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      parts.delete(hub);
      refused.push({ hub, code: error.code, detail: error.detail });
    }
  return { parts: [...parts.values()], refused };
}

function verifyPart(
  signed: SignedDirectory,
  part: DirectoryPart,
  {
    rootsDer,
    nowMs,
    before,
    stored = false,
  }: {
    readonly rootsDer: readonly RootAnchor[];
    readonly nowMs: number;
    readonly before: DirectoryPart | undefined;
    readonly stored?: boolean;
  },
): void {
  const wanted = Buffer.from(signed.signature?.keyId ?? []).toString('hex');
  // What is held already was judged when it came and stays usable while its hub is away; what is new must be signed by a key that is
  // good now, whatever time it gives itself: a stolen key that has expired or was revoked signs nothing new.
  const held = before?.version === part.version;
  const holder = part.hubCertificates.map(parseCertificate).find(({ keyId }) => keyId === wanted);
  if (!holder) throw new ExchangeError('signer-unknown', `the directory of ${part.hub.slice(0, 17)}`);
  const atMs = stored
    ? // A hub whose clock stood behind its own certificates signed it all the same.
      Math.max(part.issuedMs, holder.notBeforeMs)
    : held
      ? Math.min(part.issuedMs, nowMs + limits.aheadOfHubMsMax)
      : nowMs;
  // Which is newer says the version alone: a hub whose clock ran ahead and was set right goes on signing.
  const issuing = verifyCertificate({
    leafDer: part.issuingCertificate,
    intermediatesDer: [],
    rootsDer,
    atMs,
    role: 'issuing',
  });
  const facts = verifyCertificate({
    leafDer: holder.der,
    intermediatesDer: issuingOf(part),
    rootsDer,
    atMs,
    role: 'hub-directory',
    revoked: revocations(before ? [before, part] : [part]),
  });
  if (issuing.hubId !== part.hub || facts.hubId !== part.hub)
    throw new ExchangeError('signer-not-sender', `signed by ${facts.hubId}`);
  verifySigned(signed, ['lienthong/directory/1', 'lienthong/directory/2'], holder.x509.publicKey);
}

/**
 * A hub speaks for its own units only: a unit, a seal key or a code in force that the part of another hub still lists is not taken over,
 * whoever certifies it (PROTOCOL.md 3.4). A unit is handed over by the old hub's word, whose part names the new one (3.7). The whole part is
 * refused: an alarm.
 */
function assertClaims(
  part: OpenPart,
  known: Directory,
  { newest, nowMs }: { readonly newest: (hub: string) => OpenPart | undefined; readonly nowMs: number },
): void {
  /** True while the hub that was known to have it does not say that this one takes it over, or has left it out. */
  const foreign = (hub: string | undefined, unit: string) => {
    if (hub === undefined || hub === part.hub) return false;
    const holder = newest(hub);
    const entry = holder && unitIn(holder, unit);
    return entry !== undefined && entry.movedTo !== part.hub;
  };
  // Pages that are held already were judged when they came.
  const held = new Set(known.hub(part.hub)?.pages);
  const units = part.pages
    ? part.pages.flatMap((page) => (page && !held.has(page) ? page.units : []))
    : part.units;
  for (const { unit, aliases, sealCertificates, movedTo } of units) {
    // Handed over: it is said only what was, and the other hub's word counts.
    if (movedTo) continue;
    if (foreign(known.unit(unit)?.hub, unit))
      throw new ExchangeError('statement-mismatch', `${unit} is a unit of another hub`);
    for (const { code, fromMs, untilMs } of aliases) {
      if (fromMs > nowMs || (untilMs !== 0 && nowMs >= untilMs)) continue;
      const holder = known.byCode(code, nowMs);
      if (holder && foreign(holder.hub, holder.unit))
        throw new ExchangeError('statement-mismatch', `${code.slice(0, 64)} is a code of another hub`);
    }
    for (const der of sealCertificates) {
      const named = known.key(Buffer.from(keyIdOfCertificate(der), 'latin1'));
      if (named && (named.kind === 'hub' ? named.hub !== part.hub : foreign(named.hub, named.id)))
        throw new ExchangeError('statement-mismatch', `a key of ${unit} is named by another hub`);
    }
  }
}
