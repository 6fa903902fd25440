// From the judged signatures to one verdict: what the document is worth, in one word and one sentence.
// It must never weigh a signature that is not trusted towards an original. Last step of judge.ts. Pure.
import type { Report, ReportedSignature, Verdict } from './report.ts';
import { sentenceOf } from './words.ts';

export type Findings = {
  readonly signatures: readonly ReportedSignature[];
  /** Fields that were signed once and are no longer. */
  readonly removed: readonly string[];
  /** The bytes speak of a signature, and no field has one. */
  readonly unlisted: boolean;
  readonly atMs: number;
  readonly sizeBytes: number;
  readonly encrypted: boolean;
  readonly anchorsGiven: boolean;
  readonly unusableAnchors: readonly string[];
};

const unique = (all: readonly string[]): string[] => [...new Set(all)];

export function verdictOf(findings: Findings): Report {
  const { verdict, reasons } = judged(findings);
  const parts = { verdict, reasons, signatures: findings.signatures };
  const { vi, en } = sentenceOf(parts);
  return {
    ...parts,
    sentence: vi,
    sentenceEn: en,
    warnings: warningsOf(findings),
    atMs: findings.atMs,
    sizeBytes: findings.sizeBytes,
    encrypted: findings.encrypted,
  };
}

function judged({ signatures, removed, anchorsGiven }: Findings): { verdict: Verdict; reasons: string[] } {
  const real = signatures.filter((one) => one.integrity !== 'empty');
  const bad = real.filter((one) => one.integrity === 'invalid');
  if (bad.length > 0)
    return { verdict: 'invalid', reasons: unique(bad.map((one) => one.reason ?? 'invalid')) };
  if (real.some((one) => one.chainProblem === 'revoked'))
    return { verdict: 'invalid', reasons: ['certificate-revoked'] };
  const changed = changesIn(real, removed);
  if (changed.length > 0) return { verdict: 'changed-after-signing', reasons: changed };
  const documents = real.filter((one) => one.kind === 'signature');
  if (documents.length === 0)
    return {
      verdict: 'unsigned',
      reasons: signatures.length > 0 ? [real.length > 0 ? 'time-stamp-only' : 'placeholder'] : [],
    };
  const trusted = documents.filter((one) => one.trusted);
  if (trusted.length === 0) {
    const problems = documents.map((one) => `chain-${one.chainProblem ?? 'unknown'}`);
    return {
      verdict: 'valid-untrusted',
      reasons: unique([...(anchorsGiven ? [] : ['no-anchors-given']), ...problems]),
    };
  }
  if (shownOver(documents, trusted))
    return { verdict: 'valid-untrusted', reasons: ['untrusted-signature-shown'] };
  const has = (party: 'person' | 'organisation'): boolean => trusted.some((one) => one.party === party);
  if (has('organisation'))
    return { verdict: has('person') ? 'original-value' : 'organisation-only', reasons: [] };
  return { verdict: 'valid-untrusted', reasons: ['organisation-signature-missing'] };
}

/** A later signature that nobody vouches for shows what it likes over a document that a trusted one has signed. */
function shownOver(documents: readonly ReportedSignature[], trusted: readonly ReportedSignature[]): boolean {
  return documents.some(
    (one) =>
      !one.trusted &&
      one.visible &&
      trusted.some((other) => (other.coveredBytes ?? 0) < (one.coveredBytes ?? 0)),
  );
}

function changesIn(real: readonly ReportedSignature[], removed: readonly string[]): string[] {
  return unique([
    ...real.filter((one) => one.integrity === 'altered').map((one) => one.reason ?? 'altered'),
    ...real.flatMap((one) =>
      one.changesAfter.filter((change) => !change.permitted).map((change) => change.kind),
    ),
    ...(removed.length > 0 ? ['signature-removed'] : []),
  ]);
}

/** A signer's clock may be off by minutes; the authority's is not. */
const CLOCK_SKEW_MS = 10 * 60_000;

function warningsOf(findings: Findings): string[] {
  const { signatures } = findings;
  const documents = signatures.filter((one) => one.kind === 'signature' && one.integrity !== 'empty');
  const when = (condition: boolean, code: string): string[] => (condition ? [code] : []);
  const stampedMs = (one: ReportedSignature): number | null =>
    one.timeStamp?.trusted ? one.timeStamp.timeMs : null;
  return [
    ...when(
      signatures.some((one) => one.strength === 'legacy'),
      'legacy-algorithm',
    ),
    ...when(
      documents.some((one) => one.trusted) && documents.some((one) => !one.trusted),
      'one-signature-untrusted',
    ),
    ...when(
      documents.some((one) => one.trusted && one.revocation === 'unknown'),
      'revocation-unknown',
    ),
    ...when(
      documents.some((one) => one.judgedBy === 'given'),
      'no-trusted-time',
    ),
    ...when(
      documents.some((one) => one.timeStamp?.valid === false),
      'time-stamp-invalid',
    ),
    ...when(
      documents.some((one) => {
        const stamped = stampedMs(one);
        return stamped !== null && one.claimedTimeMs !== null && one.claimedTimeMs > stamped + CLOCK_SKEW_MS;
      }),
      'claimed-time-after-time-stamp',
    ),
    ...when(
      documents.some((one) => (one.claimedTimeMs ?? 0) > findings.atMs + CLOCK_SKEW_MS),
      'claimed-time-in-future',
    ),
    ...when(
      signatures.some((one) => one.integrity === 'empty') && documents.length > 0,
      'empty-signature-field',
    ),
    ...when(
      documents.some(
        (one) => one.subFilter === 'ETSI.CAdES.detached' && one.notes.includes('signed-attributes-missing'),
      ),
      'signed-attributes-missing',
    ),
    ...when(
      documents.some((one) => one.notes.includes('signing-certificate-missing')),
      'signing-certificate-missing',
    ),
    ...when(
      documents.some((one) => one.changesAfter.some((change) => change.by === 'organisation-signature')),
      'number-or-stamp-added-before-organisation-signed',
    ),
    ...when(findings.encrypted, 'encrypted'),
    ...when(findings.unlisted, 'signature-data-without-field'),
    ...when(findings.unusableAnchors.length > 0, 'anchor-files-unusable'),
  ];
}
