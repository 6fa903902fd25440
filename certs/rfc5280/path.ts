// Builds and validates certification paths of any authority (RFC 5280 §6.1): from the leaf up over the certificates given, to an anchor. It must
// never use a certificate of the chain as an anchor, look anything up on the network, or work without bound for a hostile file.
// certs/path.ts judges the exchange's own peers and stays narrower; certs/pdf/chain.ts judges signers of documents.
import { type Policy, signatureHolds } from './algorithms.ts';
import { assertNames, type ConstraintBudget, newBudget } from './constraints.ts';
import type { Parsed } from './parse.ts';
import { endPolicies, enterPolicies, leavePolicies, type PolicyState, policyStart } from './policies.ts';
import { asRefusal, Refusal } from './refusal.ts';

export type AnchorRules = {
  /** The anchor's own validity counts (RFC 5937 leaves it to the user; RFC 5280 does not look at it). */
  readonly validity?: boolean;
  /** The anchor's own basic constraints, key usage, name constraints and policies count (RFC 5937). */
  readonly constraints?: boolean;
};

export type PathOptions = {
  readonly atMs: number;
  readonly policy?: Policy;
  readonly anchorRules?: AnchorRules;
  /** Asked for each whole path after RFC 5280 holds: revocation and purpose. A Refusal sends the search on. */
  readonly also?: (path: readonly Parsed[], anchor: Parsed) => void;
};

export type Path = {
  /** Leaf first, without the anchor. */
  readonly certificates: readonly Parsed[];
  readonly anchor: Parsed;
  /** Policies that are valid for the leaf; empty with `anyPolicy` when none was asked for. */
  readonly policies: readonly string[];
  readonly anyPolicy: boolean;
};

/** The longest path; public authorities have four, a rollover of keys adds two. */
const PATH_MAX = 12;
/** Signatures verified for one question: 0.1 ms for a usual key, 2 ms for the largest allowed. */
const SIGNATURES_MAX = 200;
/** Paths that were whole and failed: enough for every rollover, not for a thousand crossed certificates. */
const PATHS_MAX = 40;

type Search = PathOptions & {
  readonly intermediates: readonly Parsed[];
  readonly anchors: readonly Parsed[];
  signaturesLeft: number;
  pathsLeft: number;
  /** Of the first whole path that failed: its reason is the most telling one. */
  whole: Refusal | undefined;
  /** Of an issuer found by name whose signature or key did not serve. */
  partial: Refusal | undefined;
};

/** Throws the Refusal that tells most: of the first whole path, else of a signature, else `unknown-issuer`. */
export function findValidPath(
  leaf: Parsed,
  given: { readonly intermediates: readonly Parsed[]; readonly anchors: readonly Parsed[] },
  options: PathOptions,
): Path {
  const { anchors } = given;
  const isAnchor = (one: Parsed) =>
    anchors.some(
      (anchor) => anchor.subject.key === one.subject.key && Buffer.compare(anchor.spkiDer, one.spkiDer) === 0,
    );
  const search: Search = {
    ...options,
    anchors,
    // §6.1: the anchor is not part of the path; the chain may bring it along.
    intermediates: given.intermediates.filter((one) => !isAnchor(one)),
    signaturesLeft: SIGNATURES_MAX,
    pathsLeft: PATHS_MAX,
    whole: undefined,
    partial: undefined,
  };
  const found = ownAnchor(leaf, search) ?? extend([leaf], search);
  if (found) return found;
  throw search.whole ?? search.partial ?? new Refusal('unknown-issuer', leaf.issuer.text, leaf.subject.text);
}

/** The leaf is itself an anchor, self-signed: the list vouches for it, its own signature, of whatever age, only proves it whole. */
function ownAnchor(leaf: Parsed, search: Search): Path | undefined {
  const anchor = search.anchors.find(({ fingerprint }) => fingerprint === leaf.fingerprint);
  if (!anchor || !leaf.selfIssued) return undefined;
  try {
    if (!signatureHolds({ ...leaf, key: leaf.key(search.policy), signed: leaf.tbs }, { weak: true }))
      return undefined;
    return validate([leaf], anchor, search);
  } catch (error) {
    search.whole ??= asRefusal(error);
    return undefined;
  }
}

function extend(path: readonly Parsed[], search: Search): Path | undefined {
  const last = path.at(-1)!;
  for (const anchor of candidates(last, search.anchors)) {
    if (!vouches(anchor, last, search)) continue;
    if (search.pathsLeft-- <= 0) return undefined;
    try {
      return validate(path, anchor, search);
    } catch (error) {
      search.whole ??= asRefusal(error);
    }
  }
  if (path.length >= PATH_MAX) {
    search.partial ??= new Refusal('path-too-long', `more than ${PATH_MAX} certificates`);
    return undefined;
  }
  for (const issuer of candidates(last, search.intermediates)) {
    const seen = path.some(
      (one) => one.subject.key === issuer.subject.key && Buffer.compare(one.spkiDer, issuer.spkiDer) === 0,
    );
    if (seen || !vouches(issuer, last, search)) continue;
    const found = extend([...path, issuer], search);
    if (found) return found;
  }
  return undefined;
}

/** By name (§7.1). Key identifiers only choose the order: RFC 5280 §4.2.1.1 makes them help to build paths, not a check. */
function candidates(last: Parsed, from: readonly Parsed[]): readonly Parsed[] {
  const named = from.filter(({ subject }) => subject.key === last.issuer.key);
  const fits = ({ subjectKeyId }: Parsed) =>
    last.authorityKeyId === undefined || subjectKeyId === undefined || subjectKeyId === last.authorityKeyId;
  return [...named.filter(fits), ...named.filter((one) => !fits(one))];
}

function vouches(issuer: Parsed, subject: Parsed, search: Search): boolean {
  try {
    if (search.signaturesLeft-- <= 0) throw new Refusal('too-large', 'too many certificates of one name');
    const { algorithm, signature, tbs: signed } = subject;
    if (signatureHolds({ algorithm, key: issuer.key(search.policy), signed, signature }, search.policy))
      return true;
    search.partial ??= new Refusal(
      'signature-invalid',
      `not by ${issuer.subject.text}`,
      subject.subject.text,
    );
  } catch (error) {
    const { code, detail } = asRefusal(error);
    const about = code === 'key-refused' ? issuer : subject;
    search.partial ??= new Refusal(code, detail, about.subject.text);
  }
  return false;
}

type State = {
  readonly policies: PolicyState;
  readonly constraints: NonNullable<Parsed['nameConstraints']>[];
  readonly budget: ConstraintBudget;
  pathLength: number;
};

/** §6.1.2–6.1.5. `path` is leaf first; it is walked from the anchor down. Signatures have been verified. */
function validate(path: readonly Parsed[], anchor: Parsed, options: PathOptions): Path {
  const rules = options.anchorRules ?? {};
  const state: State = {
    policies: policyStart(path.length + (rules.constraints ? 1 : 0)),
    constraints: [],
    budget: newBudget(),
    pathLength: path.length,
  };
  if (rules.validity) assertTime(anchor, options.atMs);
  if (rules.constraints) enterAnchor(anchor, state);
  for (let at = path.length - 1; at >= 0; at--) {
    const certificate = path[at]!;
    const last = at === 0;
    assertTime(certificate, options.atMs);
    // The leaf's key too: what it is used for later is nobody's business here, that it can be used is.
    certificate.key(options.policy);
    // §6.1.3 (b), (c): a self-issued certificate is not limited unless it is the last.
    if (last || !certificate.selfIssued)
      for (const constraints of state.constraints) assertNames(certificate, constraints, state.budget);
    enterPolicies(state.policies, certificate, last);
    if (!last) enterCa(certificate, state);
    assertCritical(certificate);
  }
  endPolicies(state.policies, path[0]!);
  options.also?.(path, anchor);
  const { valid, any } = state.policies;
  return { certificates: path, anchor, policies: [...valid].sort(), anyPolicy: any };
}

/** RFC 5937 §3: the anchor's extensions are the first inputs. A root without basic constraints is an anchor all the same. */
function enterAnchor(anchor: Parsed, state: State): void {
  const { basicConstraints, keyUsage, subject } = anchor;
  if (basicConstraints && !basicConstraints.isCa)
    throw new Refusal('issuer-not-ca', 'the anchor', subject.text);
  if (keyUsage && !keyUsage.has('keyCertSign'))
    throw new Refusal('issuer-key-usage', 'the anchor', subject.text);
  // §3: an anchor without policies leaves the initial set as it is.
  if (anchor.policies) enterPolicies(state.policies, anchor, false);
  leavePolicies(state.policies, anchor);
  if (anchor.nameConstraints) state.constraints.push(anchor.nameConstraints);
  state.pathLength = Math.min(state.pathLength, basicConstraints?.pathLength ?? state.pathLength);
  assertCritical(anchor);
}

/** §6.1.4 for one CA of the path. */
function enterCa(ca: Parsed, state: State): void {
  const { subject, basicConstraints, keyUsage } = ca;
  leavePolicies(state.policies, ca);
  if (ca.nameConstraints) state.constraints.push(ca.nameConstraints);
  if (!basicConstraints) throw new Refusal('issuer-not-ca', 'no basic constraints', subject.text);
  if (!basicConstraints.isCa) throw new Refusal('issuer-not-ca', '', subject.text);
  if (!ca.selfIssued) {
    if (state.pathLength <= 0) throw new Refusal('path-too-long', '', subject.text);
    state.pathLength -= 1;
  }
  state.pathLength = Math.min(state.pathLength, basicConstraints.pathLength ?? state.pathLength);
  if (keyUsage && !keyUsage.has('keyCertSign')) throw new Refusal('issuer-key-usage', '', subject.text);
}

/** Both ends belong to the period (§4.1.2.5); the last second counts in full, since times here have no fractions. */
function assertTime({ notBeforeMs, notAfterMs, subject }: Parsed, atMs: number): void {
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000', '');
  if (atMs < notBeforeMs) throw new Refusal('not-yet-valid', `from ${iso(notBeforeMs)}`, subject.text);
  if (atMs >= notAfterMs + 1000) throw new Refusal('expired', `until ${iso(notAfterMs)}`, subject.text);
}

function assertCritical({ unknownCritical, subject }: Parsed): void {
  if (unknownCritical.length > 0)
    throw new Refusal('critical-extension', unknownCritical.join(' '), subject.text);
}
