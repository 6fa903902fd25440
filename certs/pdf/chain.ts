// Builds the chain of a signer to the operator's anchors at one moment: names, signatures, basic constraints, key usage, revocation.
// It must never use a certificate of the document as an anchor, nor the network. RSA and ECDSA, SHA-1 labelled legacy; the exchange's
// own peers are judged by certs/path.ts, which is stricter and stays so.

import { certificateStrength, checkSignature, keyStrength, type Strength, weakest } from './algorithms.ts';
import type { Anchors, Crl } from './anchors.ts';
import type { PdfCertificate } from './asn1.ts';
import { answersFor, type OcspAnswer } from './ocsp.ts';

export type ChainProblem =
  | 'no-anchor'
  | 'expired'
  | 'not-yet-valid'
  | 'issuer-may-not-issue'
  | 'path-too-long'
  | 'usage'
  | 'critical-extension'
  | 'revoked'
  | 'algorithm-refused';

export type Revocation = 'not-revoked' | 'revoked' | 'unknown';

export type Chain = {
  readonly trusted: boolean;
  readonly problem: ChainProblem | undefined;
  /** From the signer to the anchor, as far as it was found. */
  readonly path: readonly PdfCertificate[];
  readonly strength: Strength;
  readonly revocation: Revocation;
  /** Times of the lists used, oldest first; what was known about revocation is as old as the first. */
  readonly crlTimesMs: readonly number[];
  readonly atMs: number;
};

export type ChainQuestion = {
  readonly signer: PdfCertificate;
  readonly purpose: 'document' | 'time-stamp';
  readonly atMs: number;
  readonly anchors: Anchors;
  /** Certificates and lists that the document brings: they help, and are never believed by themselves. */
  readonly offered: readonly PdfCertificate[];
  readonly offeredCrls: readonly Crl[];
  readonly offeredAnswers?: readonly OcspAnswer[];
};

const PATH_MAX = 8;
/** Signatures tried for one chain: a document may bring many authorities of one name. */
const CHECKS_MAX = 60;
const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;
const SIGNING = 0xc0;
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
/** Uses that say "not for documents" when a certificate names nothing else: servers, programs, time stamps, OCSP (RFC 5280, 4.2.1.12). */
const OTHER_USES = new Set(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.3', TIME_STAMPING, '1.3.6.1.5.5.7.3.9']);

type Search = ChainQuestion & { checksLeft: number; best: readonly PdfCertificate[] };

/** Never throws. Without a path to an anchor the problem is `no-anchor`, else the first problem from the anchor down. */
export function chainOf(question: ChainQuestion): Chain {
  const search: Search = { ...question, checksLeft: CHECKS_MAX, best: [question.signer] };
  const paths = search.anchors.roots.some((root) => same(root, question.signer))
    ? [[question.signer]]
    : [...pathsFrom([question.signer], search)];
  let first: Chain | undefined;
  for (const path of paths) {
    const chain = judgePath(path, search);
    if (chain.trusted) return chain;
    first ??= chain;
  }
  return first ?? { ...verdictOf(search.best, search, 'no-anchor'), trusted: false };
}

const same = (a: PdfCertificate, b: PdfCertificate): boolean => a.fingerprint === b.fingerprint;

function* pathsFrom(path: readonly PdfCertificate[], search: Search): Generator<readonly PdfCertificate[]> {
  const last = path.at(-1)!;
  for (const root of search.anchors.roots) if (vouches(root, last, search)) yield [...path, root];
  if (path.length >= PATH_MAX) return;
  for (const issuer of [...search.anchors.intermediates, ...search.offered]) {
    if (!issuer.isCa || path.some((one) => same(one, issuer)) || !vouches(issuer, last, search)) continue;
    const longer = [...path, issuer];
    if (longer.length > search.best.length) search.best = longer;
    yield* pathsFrom(longer, search);
  }
}

/** Names first, cheap; then the signature, with the algorithm looked up before it is run. */
function vouches(issuer: PdfCertificate, subject: PdfCertificate, search: Search): boolean {
  if (!issuer.subjectDer.equals(subject.issuerDer) && !subject.x509.checkIssued(issuer.x509)) return false;
  if (certificateStrength(subject.signatureOid) === 'refused' || search.checksLeft <= 0) return false;
  search.checksLeft -= 1;
  try {
    return subject.x509.verify(issuer.publicKey);
  } catch {
    // A key that OpenSSL cannot load or use vouches for nothing.
    return false;
  }
}

function judgePath(path: readonly PdfCertificate[], search: Search): Chain {
  let problem: ChainProblem | undefined;
  for (let at = path.length - 1; at >= 0 && !problem; at--) problem = problemAt(path, at, search);
  return verdictOf(path, search, problem);
}

function verdictOf(path: readonly PdfCertificate[], search: Search, found: ChainProblem | undefined): Chain {
  const revocation =
    found === 'no-anchor' ? { state: 'unknown' as const, times: [] } : revocationOf(path, search);
  const problem = found ?? (revocation.state === 'revoked' ? ('revoked' as const) : undefined);
  const keys = path.map((one) => keyStrength(one.publicKey));
  // The anchor's signature over itself proves nothing and is not weighed.
  const signatures = path
    .slice(0, Math.max(1, path.length - 1))
    .map((one) => certificateStrength(one.signatureOid));
  const strength = weakest(...keys, ...signatures);
  const refused = strength === 'refused' && !problem ? ('algorithm-refused' as const) : problem;
  return {
    trusted: refused === undefined,
    problem: refused,
    path,
    strength,
    revocation: revocation.state,
    crlTimesMs: revocation.times,
    atMs: search.atMs,
  };
}

function problemAt(path: readonly PdfCertificate[], at: number, search: Search): ChainProblem | undefined {
  const one = path[at]!;
  if (search.atMs < one.notBeforeMs) return 'not-yet-valid';
  if (search.atMs >= one.notAfterMs + 1000) return 'expired';
  if (one.unknownCritical.length > 0) return 'critical-extension';
  if (at === 0) return leafProblem(one, search.purpose);
  if (!one.isCa || (one.keyUsage !== undefined && (one.keyUsage & KEY_CERT_SIGN) === 0))
    return 'issuer-may-not-issue';
  const between = path.slice(1, at).filter((ca) => !ca.issuerDer.equals(ca.subjectDer)).length;
  return one.pathLength !== undefined && between > one.pathLength ? 'path-too-long' : undefined;
}

function leafProblem(leaf: PdfCertificate, purpose: ChainQuestion['purpose']): ChainProblem | undefined {
  if (leaf.keyUsage !== undefined && (leaf.keyUsage & SIGNING) === 0) return 'usage';
  const uses = leaf.extendedUsages ?? [];
  if (purpose === 'document')
    return uses.length > 0 && uses.every((one) => OTHER_USES.has(one)) ? 'usage' : undefined;
  // RFC 3161, 2.3: this usage, alone, critical.
  return uses.length === 1 && uses[0] === TIME_STAMPING && leaf.extendedUsageCritical ? undefined : 'usage';
}

/** The issuer's lists and answers about the one certificate (OCSP), verified with its key. Revoked before the moment judged counts, later does not. */
function revocationOf(
  path: readonly PdfCertificate[],
  search: Search,
): { state: Revocation; times: readonly number[] } {
  let state: Revocation = 'not-revoked';
  const times: number[] = [];
  for (let at = 0; at < path.length - 1; at++) {
    const lists = [...search.anchors.crls, ...search.offeredCrls].filter((crl) => listBy(crl, path[at + 1]!));
    const newest = lists.sort((a, b) => b.thisUpdateMs - a.thisUpdateMs)[0];
    const answers = (search.offeredAnswers ?? []).filter((one) => answersFor(one, path[at]!, path[at + 1]!));
    // A list or an answer that should have been replaced by then knows nothing about that moment.
    const whole = lists.find(({ partial }) => !partial);
    const known = [whole, ...answers].some((one) => one !== undefined && knownUntilMs(one) >= search.atMs);
    if (!known) state = 'unknown';
    for (const one of [newest, ...answers]) if (one) times.push(one.thisUpdateMs);
    if (answers.some(({ revokedMs }) => revokedMs !== undefined && revokedMs <= search.atMs))
      return { state: 'revoked', times };
    for (const { revoked } of lists) {
      const sinceMs = revoked.get(path[at]!.serialHex);
      if (sinceMs !== undefined && sinceMs <= search.atMs) return { state: 'revoked', times };
    }
  }
  return { state, times: times.sort((a, b) => a - b) };
}

/** Newer word is there at any time for what names no end (RFC 6960, 4.2.2.1; RFC 5280 demands one): it is taken for a day's. */
const knownUntilMs = (one: {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
}): number => one.nextUpdateMs ?? one.thisUpdateMs + 86_400_000;

function listBy(crl: Crl, issuer: PdfCertificate): boolean {
  if (!crl.issuerDer.equals(issuer.subjectDer)) return false;
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & CRL_SIGN) === 0) return false;
  return checkSignature({
    algorithm: { oid: crl.signatureOid, pss: undefined, curveOid: undefined },
    digestOid: '2.16.840.1.101.3.4.2.1',
    key: issuer.publicKey,
    signed: crl.signed,
    signature: crl.signature,
  }).good;
}
