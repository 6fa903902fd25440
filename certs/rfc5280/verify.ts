// Judges one chain of any authority, as `lienthong certs verify` shows it: path (RFC 5280 §6.1), revocation (§6.3), purpose. Everything comes in
// as bytes, nothing is looked up. It must never answer `valid` for what it did not judge: that is `unsupported`.
import { CRL_BYTES_MAX, parseCrl } from './crl.ts';
import { type Parsed, parseAny } from './parse.ts';
import { type AnchorRules, findValidPath } from './path.ts';
import { assertPurpose, type Purpose, type PurposeVerdict } from './purpose.ts';
import { asRefusal, Refusal } from './refusal.ts';
import { checkRevocation, type RevocationStatus } from './revocation.ts';

export type ChainQuestion = {
  /** Leaf first; what follows may be in any order and hold strangers. */
  readonly chain: readonly Uint8Array[];
  readonly anchors: readonly Uint8Array[];
  /** Undefined: revocation is not asked about. */
  readonly crls?: readonly Uint8Array[] | undefined;
  /** Every certificate below the anchor must be covered by a list, not only the leaf. */
  readonly crlAll?: boolean;
  readonly purpose: Purpose;
  readonly atMs: number;
  readonly anchorRules?: AnchorRules;
  readonly weak?: boolean;
};

export type CertificateLine = {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly sha256: string;
};

export type ChainVerdict = {
  readonly verdict: 'valid' | 'refused' | 'unsupported';
  /** Why not; undefined when valid. */
  readonly reason:
    | { readonly code: string; readonly detail: string; readonly about: string; readonly clause: string }
    | undefined;
  readonly purpose: Purpose;
  readonly atMs: number;
  readonly profile: PurposeVerdict['profile'];
  /** Leaf first, the anchor last; empty when none was found valid. */
  readonly path: readonly CertificateLine[];
  readonly revocation: readonly RevocationStatus[] | undefined;
  readonly policies: readonly string[];
  readonly warnings: readonly string[];
};

/** Certificates in one file: the largest bundles of public roots have 150. */
export const CERTIFICATES_MAX = 1000;
/** Of a chain: each may be tried as issuer of each. */
const CHAIN_MAX = 100;
const CRLS_MAX = 50;

const lineOf = (one: Parsed): CertificateLine => ({
  subject: one.subject.text,
  issuer: one.issuer.text,
  serial: one.serialHex,
  notBeforeMs: one.notBeforeMs,
  notAfterMs: one.notAfterMs,
  sha256: one.fingerprint,
});

/** Never throws for what the bytes say. Pure. */
export function verifyChain(question: ChainQuestion): ChainVerdict {
  const { purpose, atMs } = question;
  const asked = { purpose, atMs } as const;
  try {
    return { verdict: 'valid', reason: undefined, ...asked, ...judge(question) };
  } catch (error) {
    const { code, detail, about, clause, unsupported } = asRefusal(error);
    return {
      verdict: unsupported ? 'unsupported' : 'refused',
      reason: { code, detail, about, clause },
      ...asked,
      profile: 'rfc5280',
      path: [],
      revocation: undefined,
      policies: [],
      warnings: [],
    };
  }
}

function judge(
  question: ChainQuestion,
): Pick<ChainVerdict, 'profile' | 'path' | 'revocation' | 'policies' | 'warnings'> {
  const { atMs, purpose, anchorRules, weak = false, crlAll = false } = question;
  const [leaf, ...rest] = parsed(question.chain, CHAIN_MAX, 'chain');
  if (!leaf) throw new Refusal('malformed', 'no certificate');
  const { anchors, unread } = readAnchors(question.anchors);
  const lists = readLists(question.crls);
  let revocation: readonly RevocationStatus[] | undefined;
  let use: PurposeVerdict | undefined;
  const options = { atMs, policy: { weak }, ...(anchorRules ? { anchorRules } : {}) };
  const found = findValidPath(
    leaf,
    { intermediates: rest, anchors },
    {
      ...options,
      also: (path, anchor) => {
        use = assertPurpose(path, anchor, { purpose, atMs, anchorLimits: anchorRules?.constraints === true });
        revocation =
          lists &&
          checkRevocation({ path, anchor, lists, pool: [...rest, ...anchors], options, all: crlAll });
      },
    },
  );
  const own = found.anchor.fingerprint === leaf.fingerprint;
  return {
    profile: use?.profile ?? 'rfc5280',
    path: [...found.certificates, ...(own ? [] : [found.anchor])].map(lineOf),
    revocation,
    policies: found.policies,
    warnings: [...(use?.warnings ?? []), ...unread, ...orderDoubts(leaf, rest)],
  };
}

/** Only the first certificate is judged: of a file in another order the verdict would be about the authority, and read as one about the leaf. */
function orderDoubts(leaf: Parsed, rest: readonly Parsed[]): readonly string[] {
  const below = rest.find(
    (each) => each.issuer.key === leaf.subject.key && each.fingerprint !== leaf.fingerprint,
  );
  return below && leaf.basicConstraints?.isCa
    ? [
        `the first certificate is judged, and it is the authority above ${below.subject.text}: is the file leaf first?`,
      ]
    : [];
}

function parsed(all: readonly Uint8Array[], max: number, what: string): Parsed[] {
  if (all.length > max) throw new Refusal('too-large', `more than ${max} certificates in the ${what}`);
  return all.map(parseAny);
}

/** One anchor of a bundle that cannot be read is no reason to refuse the others; when none can, its reason is the answer. */
function readAnchors(all: readonly Uint8Array[]): { anchors: Parsed[]; unread: string[] } {
  if (all.length > CERTIFICATES_MAX) throw new Refusal('too-large', `more than ${CERTIFICATES_MAX} anchors`);
  const anchors: Parsed[] = [];
  const unread: string[] = [];
  let refusal: Refusal | undefined;
  for (const [i, der] of all.entries())
    try {
      anchors.push(parseAny(der));
    } catch (error) {
      refusal ??= asRefusal(error);
      unread.push(`anchor ${i + 1} cannot be read: ${asRefusal(error).detail}`);
    }
  if (anchors.length === 0) throw refusal ?? new Refusal('unknown-issuer', 'no anchor');
  return { anchors, unread };
}

function readLists(all: readonly Uint8Array[] | undefined) {
  if (all === undefined) return undefined;
  const bytes = all.reduce((sum, each) => sum + each.length, 0);
  if (all.length > CRLS_MAX || bytes > 2 * CRL_BYTES_MAX)
    throw new Refusal('too-large', 'too many revocation lists');
  return all.map(parseCrl);
}
