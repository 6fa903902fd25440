// Whether certificates of a path are revoked, by the lists given (RFC 5280 §6.3): signature, issuer, scope, distribution point, reasons, delta,
// freshness. It must never say "not revoked" from a list that does not cover the certificate, is out of date, or was not fully understood.
import { signatureHolds } from './algorithms.ts';
import { type CrlEntry, type CrlList, directoryKey, entryKey } from './crl.ts';
import { keyOfName } from './names.ts';
import type { DistributionPoint, Parsed } from './parse.ts';
import { findValidPath, type PathOptions } from './path.ts';
import { asRefusal, Refusal, type RefusalCode } from './refusal.ts';

export type RevocationStatus = {
  readonly subject: string;
  readonly serialHex: string;
  /** `unknown`: no list of its issuer was given. Only for CAs above the leaf, unless all must be known. */
  readonly status: 'good' | 'unknown';
  readonly crlThisUpdateMs: number | undefined;
};

export type RevocationQuestion = {
  readonly path: readonly Parsed[];
  readonly anchor: Parsed;
  readonly lists: readonly CrlList[];
  /** Certificates that may have signed a list in the issuer's name: the chain and the anchors. */
  readonly pool: readonly Parsed[];
  readonly options: PathOptions;
  /** Every certificate of the path must be covered, not only the leaf. */
  readonly all: boolean;
};

/** All reasons but unused(0): keyCompromise(1) to aACompromise(8), as bits of ReasonFlags. */
const ALL_REASONS = 0b1_1111_1110;
const REMOVE_FROM_CRL = 8;

/** Throws `revoked`, or why the lists say nothing about the leaf (with `all`: about any certificate). */
export function checkRevocation(question: RevocationQuestion): readonly RevocationStatus[] {
  const { path, anchor, lists, all } = question;
  return path.map((certificate, at) => {
    const issuer = path[at + 1] ?? anchor;
    const { subject, serialHex } = certificate;
    const about = { subject: subject.text, serialHex };
    const concerned = lists.filter((list) => concerns(list, certificate));
    // The anchor in a chain of itself: nobody above it revokes.
    if (certificate.fingerprint === anchor.fingerprint)
      return { ...about, status: 'unknown', crlThisUpdateMs: undefined };
    if (concerned.length === 0 && at > 0 && !all)
      return { ...about, status: 'unknown', crlThisUpdateMs: undefined };
    if (concerned.length === 0)
      throw new Refusal('crl-missing', `of ${certificate.issuer.text}`, subject.text);
    const crlThisUpdateMs = judge(certificate, issuer, concerned, question);
    return { ...about, status: 'good', crlThisUpdateMs };
  });
}

/** Issued by the certificate's issuer, or named as its CRL issuer (an indirect list). */
const concerns = (list: CrlList, { issuer, distributionPoints }: Parsed): boolean =>
  list.issuer.key === issuer.key ||
  (distributionPoints ?? []).some(
    ({ crlIssuer }) => crlIssuer && directoryKey(crlIssuer) === list.issuer.key,
  );

type Covering = { readonly list: CrlList; readonly reasons: number };

/** Returns thisUpdate of the newest list that made it good. The first reason why a list did not serve is what is refused with. */
function judge(
  certificate: Parsed,
  issuer: Parsed,
  lists: readonly CrlList[],
  question: RevocationQuestion,
): number {
  const { atMs } = question.options;
  let refusal: Refusal | undefined;
  const covering: Covering[] = [];
  for (const list of lists)
    try {
      const reasons = scopeOf(list, certificate);
      assertSigned(list, issuer, certificate, question);
      covering.push({ list, reasons });
    } catch (error) {
      refusal ??= asRefusal(error);
    }
  const complete = covering.filter(({ list }) => list.base === undefined);
  const deltas = covering.filter(({ list }) => list.base !== undefined).map(({ list }) => list);
  let reasons = 0;
  let newestMs = 0;
  for (const { list, reasons: ofList } of complete) {
    const delta = newestDelta(list, deltas, atMs);
    const entry = entryOf(certificate, list, delta);
    assertNotRevoked(certificate, entry, atMs);
    try {
      assertFresh(delta ?? list, atMs);
      reasons |= ofList;
      newestMs = Math.max(newestMs, (delta ?? list).thisUpdateMs);
    } catch (error) {
      refusal ??= asRefusal(error);
    }
  }
  // A revocation that stands in a delta alone is believed; that it is absent there says nothing.
  for (const delta of deltas) assertNotRevoked(certificate, entryIn(certificate, delta), atMs);
  if ((reasons & ALL_REASONS) === ALL_REASONS) return newestMs;
  if (refusal) throw refusal;
  const [code, why]: [RefusalCode, string] =
    complete.length === 0
      ? ['crl-unsupported', 'a delta list without its base']
      : ['crl-scope', 'the lists leave reasons of revocation open'];
  throw new Refusal(code, why, certificate.subject.text);
}

const entryIn = ({ issuer, serialHex }: Parsed, list: CrlList): CrlEntry | undefined =>
  list.entries.get(entryKey(issuer.key, serialHex));

function entryOf(certificate: Parsed, list: CrlList, delta: CrlList | undefined): CrlEntry | undefined {
  const changed = delta && entryIn(certificate, delta);
  if (changed?.reason === REMOVE_FROM_CRL) return undefined;
  return changed ?? entryIn(certificate, list);
}

/** Listed is revoked, whatever its date, unless the moment judged lies before it and before the invalidity date. */
function assertNotRevoked(certificate: Parsed, entry: CrlEntry | undefined, atMs: number): void {
  if (!entry || entry.reason === REMOVE_FROM_CRL) return;
  const sinceMs = Math.min(entry.revokedMs, entry.invalidityMs ?? entry.revokedMs);
  if (sinceMs > atMs) return;
  throw new Refusal('revoked', `since ${new Date(sinceMs).toISOString()}`, certificate.subject.text);
}

/** §6.3.3 (a). A list without an end is outside the profile (§5.1.2.5) and cannot be known to be current. */
function assertFresh({ thisUpdateMs, nextUpdateMs, issuer }: CrlList, atMs: number): void {
  const iso = (ms: number) => new Date(ms).toISOString();
  if (atMs < thisUpdateMs) throw new Refusal('crl-not-yet-valid', `from ${iso(thisUpdateMs)}`, issuer.text);
  if (nextUpdateMs === undefined) throw new Refusal('crl-expired', 'a list without nextUpdate', issuer.text);
  if (atMs >= nextUpdateMs + 1000)
    throw new Refusal('crl-expired', `until ${iso(nextUpdateMs)}`, issuer.text);
}

/** §5.2.4: same issuer, same scope, same key, a base not newer than the complete list, itself newer and current. */
function newestDelta(list: CrlList, deltas: readonly CrlList[], atMs: number): CrlList | undefined {
  const fits = deltas.filter(
    (delta) =>
      list.number !== undefined &&
      delta.number !== undefined &&
      delta.base !== undefined &&
      delta.issuer.key === list.issuer.key &&
      delta.scope?.bytes === list.scope?.bytes &&
      delta.authorityKeyId === list.authorityKeyId &&
      delta.base <= list.number &&
      delta.number >= list.number &&
      atMs >= delta.thisUpdateMs &&
      atMs < (delta.nextUpdateMs ?? 0) + 1000,
  );
  return fits.sort((a, b) => (a.number! < b.number! ? 1 : -1))[0];
}

/** §6.3.3 (b): that the list is about this certificate. Returns the reasons that it covers, as bits. Throws `crl-scope`, `crl-unsupported`. */
function scopeOf(list: CrlList, certificate: Parsed): number {
  const { scope, issuer } = list;
  if (list.unsupported !== undefined) throw new Refusal('crl-unsupported', list.unsupported, issuer.text);
  const outside = (why: string) => new Refusal('crl-scope', why, issuer.text);
  const own = issuer.key === certificate.issuer.key;
  if (!own && !scope?.indirect) throw outside('a list of another issuer that is not indirect');
  if (scope?.onlyAttributes) throw outside('for attribute certificates');
  const isCa = certificate.basicConstraints?.isCa === true;
  if (scope?.onlyUsers && isCa) throw outside('for end certificates');
  if (scope?.onlyCas && !isCa) throw outside('for authorities');
  if (scope?.relative)
    throw new Refusal('crl-unsupported', 'a point named relative to its issuer', issuer.text);
  // §6.3.3: a certificate without points has one, that of its issuer.
  const points: readonly DistributionPoint[] = certificate.distributionPoints ?? [
    { names: undefined, reasons: undefined, crlIssuer: undefined, relative: false },
  ];
  let reasons = 0;
  for (const point of points)
    if (pointFits(point, list, certificate)) reasons |= point.reasons ?? ALL_REASONS;
  // A list of the issuer without a scope is about all its certificates, whatever points they name.
  if (own && !scope?.names) reasons = ALL_REASONS;
  if (reasons === 0) throw outside('another distribution point');
  return reasons & (scope?.onlyReasons ?? ALL_REASONS);
}

function pointFits({ names, crlIssuer }: DistributionPoint, list: CrlList, { issuer }: Parsed): boolean {
  const by = crlIssuer ? directoryKey(crlIssuer) : issuer.key;
  if (by !== list.issuer.key) return false;
  const wanted = list.scope?.names;
  if (!wanted) return true;
  const offered = new Set((names ?? crlIssuer ?? []).map(keyOfName));
  return wanted.some((name) => offered.has(keyOfName(name)));
}

/** §6.3.3 (f), (g): a key of the list's issuer, allowed to sign lists, under the same anchor. */
function assertSigned(
  list: CrlList,
  issuer: Parsed,
  certificate: Parsed,
  { anchor, path, pool, options }: RevocationQuestion,
): void {
  const named = [issuer, ...path.slice(1), anchor, ...pool].filter(
    (one, i, all) =>
      one.subject.key === list.issuer.key && all.findIndex((x) => x.fingerprint === one.fingerprint) === i,
  );
  let refusal: Refusal | undefined;
  for (const signer of named.slice(0, 16))
    try {
      if (signer.fingerprint !== anchor.fingerprint && signer.keyUsage && !signer.keyUsage.has('cRLSign'))
        throw new Refusal('crl-issuer', 'its key may not sign lists', signer.subject.text);
      const { algorithm, signature, tbs: signed } = list;
      if (!signatureHolds({ algorithm, key: signer.key(options.policy), signed, signature }, options.policy))
        throw new Refusal('crl-signature-invalid', '', list.issuer.text);
      assertSameAnchor(signer, issuer, { anchor, path, pool, options });
      return;
    } catch (error) {
      refusal ??= asRefusal(error);
    }
  throw (
    refusal ?? new Refusal('crl-issuer', `no certificate of ${list.issuer.text}`, certificate.subject.text)
  );
}

/** A signer inside the path is validated with it; another one (key rollover, indirect list) by a path of its own to the same anchor. */
function assertSameAnchor(
  signer: Parsed,
  issuer: Parsed,
  { anchor, path, pool, options }: Pick<RevocationQuestion, 'anchor' | 'path' | 'pool' | 'options'>,
): void {
  const known = [issuer, ...path, anchor].some(({ fingerprint }) => fingerprint === signer.fingerprint);
  if (known) return;
  // Without lists: a signer of lists is not asked about in the lists that it signs.
  const { also: _, ...plain } = options;
  findValidPath(signer, { intermediates: pool, anchors: [anchor] }, plain);
}
