// Builds and checks one certification path (RFC 5280 §6.1) on node:crypto: names, signatures, CA flags, path lengths,
// key usage, name constraints, critical extensions, times. Knows nothing of our roles; trust.ts judges those on the result.
// It must never believe a field of a certificate before a root's key has vouched for it.
import { ExchangeError } from '../protocol/errors.ts';
import type { Certificate, GeneralName, NameConstraints } from './certificate.ts';

export type PathQuestion = {
  readonly leaf: Certificate;
  /** In any order, may hold strangers. */
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly atMs: number;
  /** The allow-list of keys and signature algorithms, asked for each certificate of the path. */
  readonly algorithmsAllowed: (certificate: Certificate) => boolean;
};

/** Leaf, up to three CAs, root. Ours are three long; the bound stops loops. */
const PATH_MAX = 5;
/** Signatures tried for one question. A stranger may present many CAs of one name; each costs 0.1 ms. */
const SIGNATURES_MAX = 24;

type Search = PathQuestion & { signaturesLeft: number; refusal: ExchangeError | undefined };

/**
 * The path [leaf, …, root], valid at `atMs` in every certificate. Throws `certificate-unknown-issuer` when no root
 * vouches for the leaf, else the first reason met: `certificate-expired`, `certificate-not-yet-valid`, `certificate-wrong-usage`.
 */
export function findPath(question: PathQuestion): readonly Certificate[] {
  const search: Search = { ...question, signaturesLeft: SIGNATURES_MAX, refusal: undefined };
  const path = extend([question.leaf], search);
  if (path) return path;
  throw search.refusal ?? new ExchangeError('certificate-unknown-issuer');
}

function extend(path: readonly Certificate[], search: Search): readonly Certificate[] | undefined {
  const last = path.at(-1)!;
  for (const root of search.roots) {
    if (contains(path, root) || !vouches(root, last, search)) continue;
    const whole = [...path, root];
    const refusal = refusalOf(whole, search);
    if (!refusal) return whole;
    search.refusal ??= refusal;
  }
  if (path.length >= PATH_MAX - 1) return undefined;
  for (const issuer of search.intermediates) {
    if (contains(path, issuer) || !vouches(issuer, last, search)) continue;
    const whole = extend([...path, issuer], search);
    if (whole) return whole;
  }
  return undefined;
}

const contains = (path: readonly Certificate[], one: Certificate): boolean =>
  path.some((member) => member.fingerprint === one.fingerprint);

/** Name and key identifier first (cheap), then the signature. */
function vouches(issuer: Certificate, subject: Certificate, search: Search): boolean {
  if (Buffer.compare(issuer.subjectName, subject.issuerName) !== 0) return false;
  if (!subject.x509.checkIssued(issuer.x509) || search.signaturesLeft <= 0) return false;
  // Before the signature: an algorithm outside the list is never even run.
  if (!search.algorithmsAllowed(issuer) || !search.algorithmsAllowed(subject)) {
    search.refusal ??= new ExchangeError('certificate-wrong-usage', 'algorithm not allowed');
    return false;
  }
  search.signaturesLeft -= 1;
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    // A key that OpenSSL cannot load or use vouches for nothing.
    return false;
  }
}

function refusalOf(path: readonly Certificate[], { atMs }: Search): ExchangeError | undefined {
  // From the root down, so that nothing is reported of a certificate whose issuer is itself refused.
  for (let at = path.length - 1; at >= 0; at--) {
    const refusal =
      (at > 0 ? caRefusal(path, at) : undefined) ??
      criticalRefusal(path[at]!) ??
      timeRefusal(path[at]!, at, atMs);
    if (refusal) return refusal;
  }
  return undefined;
}

function caRefusal(path: readonly Certificate[], at: number): ExchangeError | undefined {
  const ca = path[at]!;
  const wrong = (why: string) => new ExchangeError('certificate-wrong-usage', why);
  if (!ca.isCa || !ca.keyUsage?.includes('keyCertSign')) return wrong('the issuer may not issue');
  const between = path.slice(1, at).filter((member) => !selfIssued(member)).length;
  if (ca.pathLength !== undefined && between > ca.pathLength) return wrong('path longer than allowed');
  if (!ca.nameConstraints) return undefined;
  for (const [below, member] of path.slice(0, at).entries()) {
    if (below > 0 && selfIssued(member)) continue;
    if (!namesPermitted(member.subjectAltName, ca.nameConstraints))
      return wrong('a name outside what the issuer may certify');
  }
  return undefined;
}

const selfIssued = (c: Certificate): boolean => Buffer.compare(c.issuerName, c.subjectName) === 0;

function criticalRefusal(certificate: Certificate): ExchangeError | undefined {
  if (certificate.unknownCritical.length === 0) return undefined;
  return new ExchangeError('certificate-wrong-usage', `critical extension ${certificate.unknownCritical[0]}`);
}

/** Both ends belong to the period (RFC 5280 §4.1.2.5). `at` is the place in the path, for the detail. */
function timeRefusal(certificate: Certificate, at: number, atMs: number): ExchangeError | undefined {
  const which = at === 0 ? '' : 'the certificate of the issuer, ';
  if (atMs < certificate.notBeforeMs)
    return new ExchangeError('certificate-not-yet-valid', `${which}from ${isoOf(certificate.notBeforeMs)}`);
  // The last second counts in full: times in certificates have no fractions.
  if (atMs >= certificate.notAfterMs + 1000)
    return new ExchangeError('certificate-expired', `${which}until ${isoOf(certificate.notAfterMs)}`);
  return undefined;
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

/** RFC 5280 §4.2.1.10 for host names and addresses. A constraint or name of another form is refused where constraints exist. */
export function namesPermitted(names: readonly GeneralName[], constraints: NameConstraints): boolean {
  const { permitted, excluded } = constraints;
  if ([...permitted, ...excluded].some((base) => base.kind === 'other')) return false;
  return names.every((name) => {
    if (name.kind === 'other' || excluded.some((base) => within(name, base))) return false;
    const ofThisForm = permitted.filter((base) => base.kind === name.kind);
    return ofThisForm.length === 0 || ofThisForm.some((base) => within(name, base));
  });
}

function within(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') {
    const [inner, outer] = [name.name.toLowerCase(), base.name.toLowerCase()];
    return inner === outer || inner.endsWith(`.${outer}`);
  }
  if (name.kind !== 'ip' || base.kind !== 'ip') return false;
  const { bytes } = name;
  // A constraint is address and mask.
  if (base.bytes.length !== bytes.length * 2) return false;
  const mask = base.bytes.subarray(bytes.length);
  return bytes.every((byte, i) => (byte & mask[i]!) === (base.bytes[i]! & mask[i]!));
}
