// The roots that are believed, and how one hands over to the next: the old root's key signs the new root's certificate, and everybody who
// believes the old one follows by himself. PROTOCOL.md 12.6. Kept as the first root and the hand-overs after it, so that the
// present roots are derived anew at every start and nobody can slip one in by writing a file.
import fs from 'node:fs';
import { join } from 'node:path';
import { rootHandoverCodec, signedCodec } from '../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { type SigningKey, signOne, verifySigned } from '../protocol/signature.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { certificatePem, derToPem, pemBlocks } from './pem.ts';
import { caProfiles, renewalDueMs } from './profile.ts';
import type { RootAnchor } from './trust.ts';

export type Roots = {
  /** Every root believed, the first one first. Another object after every change. */
  readonly anchors: readonly RootAnchor[];
  readonly newestDer: Uint8Array;
  /** Bytes of the Signed hand-overs that led here, oldest first. */
  readonly handovers: readonly Uint8Array[];
};

const HANDOVER_LABEL = 'LIENTHONG ROOT HANDOVER';
/** wire.proto: one in some twenty years. */
const HANDOVERS_MAX = 16;
const handoversFile = (certsDir: string) => join(certsDir, 'root-handovers.pem');

/** Bytes of a Signed "lienthong/root/1". `oldUntilMs` 0: the old root goes on until its certificate ends. */
export function signHandover(options: {
  readonly oldRootDer: Uint8Array;
  readonly oldKey: SigningKey;
  readonly newRootDer: Uint8Array;
  readonly oldUntilMs: number;
  readonly nowMs: number;
}): Buffer {
  const bytes = rootHandoverCodec.encode({
    from: Buffer.from(parseCertificate(options.oldRootDer).fingerprint, 'hex'),
    rootCertificate: options.newRootDer,
    issuedMs: options.nowMs,
    oldUntilMs: options.oldUntilMs,
  });
  return signedCodec.encode(signOne('lienthong/root/1', bytes, options.oldKey));
}

/** The roots of whoever believes only `firstDer` and has no hand-over. */
export function rootsFrom(firstDer: Uint8Array): Roots {
  return { anchors: [firstDer], newestDer: firstDer, handovers: [] };
}

/**
 * Follows those of `offered` that begin at the newest root believed; all others are passed over, since a hand-over of a root that nobody
 * here believes says nothing. The same object when none does. Throws `signature-invalid`, `certificate-*` for one that begins right and
 * does not hold.
 */
export function followHandovers(roots: Roots, offered: readonly Uint8Array[], nowMs: number): Roots {
  let now = roots;
  for (const bytes of offered.slice(0, HANDOVERS_MAX)) now = followOne(now, bytes, nowMs);
  return now;
}

function followOne(roots: Roots, bytes: Uint8Array, nowMs: number): Roots {
  const signed = signedCodec.decode(bytes);
  const draft = rootHandoverCodec.decode(signed.bytes);
  const old = parseCertificate(roots.newestDer);
  // Read before it is verified, only to see whether it is for us.
  if (Buffer.from(draft.from).toString('hex') !== old.fingerprint) return roots;
  verifySigned(signed, ['lienthong/root/1'], old.x509.publicKey);
  // Signed while the old root was good; a key found in a drawer years later hands nothing over. Its own clock may be a little ahead.
  if (draft.issuedMs < old.notBeforeMs || draft.issuedMs > old.notAfterMs)
    throw new ExchangeError('certificate-expired', 'a hand-over signed outside the life of the old root');
  if (nowMs > old.notAfterMs) throw new ExchangeError('certificate-expired', 'the old root has ended');
  assertRoot(parseCertificate(draft.rootCertificate));
  const { oldUntilMs } = draft;
  const ended: RootAnchor = oldUntilMs > 0 ? { der: old.der, untilMs: oldUntilMs } : old.der;
  return {
    anchors: [...roots.anchors.slice(0, -1), ended, draft.rootCertificate],
    newestDer: draft.rootCertificate,
    handovers: [...roots.handovers, bytes],
  };
}

/** Self-signed, of the root's profile; trust.ts checks the rest with every path. */
function assertRoot(root: Certificate): void {
  const { pathLength } = caProfiles.root;
  const own = root.x509.checkIssued(root.x509) && root.x509.verify(root.x509.publicKey);
  if (!own || !root.isCa || root.pathLength !== pathLength)
    throw new ExchangeError('certificate-wrong-usage', 'not a root of this system');
}

/** Roots of a folder: `firstDer` and the hand-overs kept in `certsDir`. Each is verified again, at the time at which it was signed. */
export function readRoots(certsDir: string, firstDer: Uint8Array): Roots {
  const file = handoversFile(certsDir);
  const first = rootsFrom(firstDer);
  if (!fs.existsSync(file)) return first;
  const blocks = pemBlocks(HANDOVER_LABEL, fs.readFileSync(file, 'utf8'));
  try {
    return blocks.reduce((roots, bytes) => followOne(roots, bytes, 0), first);
  } catch (cause) {
    if (!isExchangeError(cause)) throw cause;
    throw new ExchangeError('config-invalid', `${file}: ${cause.code}`, { cause });
  }
}

/** Keeps the hand-overs of `roots`; durable on return. */
export function keepRoots(certsDir: string, roots: Roots): void {
  writeFileDurable(handoversFile(certsDir), roots.handovers.map(handoverPem).join(''), { mode: 0o644 });
}

/** A hand-over as a file that is carried between machines. */
export const handoverPem = (bytes: Uint8Array): string => derToPem(HANDOVER_LABEL, bytes);
export const handoversOf = (text: string): readonly Uint8Array[] => pemBlocks(HANDOVER_LABEL, text);

/** The roots that vouch for something new at `nowMs`, the first one first: what a TLS client believes. */
export function rootsGoodAt({ anchors }: Pick<Roots, 'anchors'>, nowMs: number): readonly Uint8Array[] {
  const good = anchors.flatMap((anchor) => {
    const [der, untilMs] =
      anchor instanceof Uint8Array ? [anchor, Number.POSITIVE_INFINITY] : [anchor.der, anchor.untilMs];
    return nowMs < untilMs && nowMs <= parseCertificate(der).notAfterMs ? [der] : [];
  });
  // All over: TLS then says that the certificate has expired, which is the truth.
  return good.length > 0
    ? good
    : anchors.slice(-1).map((last) => (last instanceof Uint8Array ? last : last.der));
}

/** PEM of several certificates, for `ca` of TLS. */
export const rootsPem = (ders: readonly Uint8Array[]): string => ders.map(certificatePem).join('');

/** The issuing CAs of one hub, the present one first, and the roots above them. */
export type Chains = { readonly issuingsDer: readonly Uint8Array[]; readonly anchors: readonly RootAnchor[] };

/**
 * When the holder of `leaf` should ask for the next certificate: in the last third of its life, and sooner when the root above it ends
 * sooner and the hub has a CA under one that does not.
 */
export function renewalTimeMs(leaf: Certificate, chains: Chains): number {
  const byLife = renewalDueMs(leaf);
  const endsMs = pathEndsMs(leaf, chains);
  if (endsMs === 0 || endsMs >= leaf.notAfterMs) return byLife;
  const issuings = chains.issuingsDer.map(parseCertificate);
  const nextEndsMs = lastEndMs(
    issuings.filter(({ keyId }) => keyId === issuings[0]?.keyId),
    chains.anchors,
  );
  if (nextEndsMs <= endsMs) return byLife;
  return Math.min(byLife, renewalDueMs({ notBeforeMs: leaf.notBeforeMs, notAfterMs: endsMs }));
}

/** From when nobody believes what the holder of `leaf` signs: its own end, or that of the last CA or root above it. 0 without any. */
export function pathEndsMs(leaf: Certificate, { issuingsDer, anchors }: Chains): number {
  // Without a root that has handed over and ends, no path ends before its leaf.
  if (anchors.every((anchor) => anchor instanceof Uint8Array)) return leaf.notAfterMs;
  const above = issuingsDer.map(parseCertificate).filter((issuing) => vouches(issuing, leaf));
  return Math.min(leaf.notAfterMs, lastEndMs(above, anchors));
}

const lastEndMs = (issuings: readonly Certificate[], anchors: readonly RootAnchor[]): number =>
  Math.max(0, ...issuings.map((issuing) => endMs(issuing, anchors)));

function endMs(issuing: Certificate, anchors: readonly RootAnchor[]): number {
  for (const anchor of anchors) {
    const [der, untilMs] =
      anchor instanceof Uint8Array ? [anchor, Number.POSITIVE_INFINITY] : [anchor.der, anchor.untilMs];
    const root = parseCertificate(der);
    if (vouches(root, issuing)) return Math.min(issuing.notAfterMs, root.notAfterMs, untilMs);
  }
  return 0;
}

/** By name, key identifier and signature; the rest of the path is trust.ts. */
export const vouches = (issuer: Certificate, subject: Certificate): boolean =>
  subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.x509.publicKey);
