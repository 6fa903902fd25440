// Judges the signatures of one PDF, each for itself: coverage, CMS, time stamp, chain. What came after is judged in judge.ts.
// It must never let one bad signature stop the look at the others. Between ranges.ts, cms.ts, chain.ts and judge.ts.

import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { type Anchors, type Crl, parseCrl } from './anchors.ts';
import { type Cms, type PdfCertificate, parseCms, parsePdfCertificate } from './asn1.ts';
import { type Chain, chainOf } from './chain.ts';
import { type CmsVerdict, type DigestBy, judgeCms, judgeToken, OID, type TokenVerdict } from './cms.ts';
import { type SignatureField, signatureFields } from './fields.ts';
import { type Budget, CMS_BYTES_MAX, malformed, PdfFault } from './limits.ts';
import { broughtBy, type OcspAnswer, readAnswers } from './ocsp.ts';
import { type Party, partyOf } from './party.ts';
import { type Coverage, coverageOf } from './ranges.ts';
import { hashRanges } from './source.ts';
import { dateOf, integerOf, isArray, isDict, isStream, nameOf, type PdfDict } from './values.ts';
import { catalogOf, dictAt, type PdfFile, type View, viewOf } from './view.ts';

export type Integrity = 'good' | 'altered' | 'invalid' | 'empty';

export type Judged = {
  readonly field: SignatureField;
  readonly subFilter: string | undefined;
  readonly isTimeStamp: boolean;
  readonly coverage: Coverage;
  readonly integrity: Integrity;
  readonly reason: string | undefined;
  readonly cms: CmsVerdict | undefined;
  readonly token: TokenVerdict | undefined;
  readonly strength: 'strong' | 'legacy' | 'refused';
  readonly algorithm: string | undefined;
  readonly party: Party | undefined;
  readonly notes: string[];
  /** The document as it was signed; only for good coverage. */
  readonly signedView: View | undefined;
  readonly claimedTimeMs: number | undefined;
};

const SUB_FILTERS = new Set([
  'adbe.pkcs7.detached',
  'ETSI.CAdES.detached',
  'adbe.pkcs7.sha1',
  'ETSI.RFC3161',
]);
/** Read into memory only for signatures without signed attributes. */
const BARE_BYTES_MAX = 256 * 1024 * 1024;

type Context = {
  readonly file: PdfFile;
  readonly view: View;
  readonly budget: Budget;
  readonly offered: readonly PdfCertificate[];
};

/** One signature field with a value. Throws only `limit`. */
export function judgeSignature(context: Context, field: SignatureField): Judged {
  const coverage = coverageOf(context.view, field);
  const subFilter = nameOf(context.view.get(field.signature, 'SubFilter'));
  const base = {
    field,
    subFilter,
    isTimeStamp: subFilter === 'ETSI.RFC3161',
    coverage,
    cms: undefined,
    token: undefined,
    strength: 'refused' as const,
    algorithm: undefined,
    party: undefined,
    notes: [] as string[],
    signedView: undefined,
    claimedTimeMs: dateOf(context.view.get(field.signature, 'M')),
  };
  const bytes = field.contents?.bytes;
  if (!bytes || bytes.every((byte) => byte === 0))
    return { ...base, ...withoutCms(context, coverage, field) };
  try {
    const cryptographic = judgeBytes(context, { ...base, bytes });
    return coverage.good
      ? withSignedView(context, { ...base, ...cryptographic })
      : { ...base, ...cryptographic };
  } catch (error) {
    if (!(error instanceof PdfFault) || error.code === 'limit') throw error;
    return { ...base, integrity: 'invalid', reason: 'signature-malformed', notes: [error.message] };
  }
}

/** A place kept for a signature, or one whose CMS was taken away ("universal forgery": the range stands, and what it was for does not). */
function withoutCms(
  { view }: Context,
  coverage: Coverage,
  { signature }: SignatureField,
): Pick<Judged, 'integrity' | 'reason'> {
  const range = view.get(signature, 'ByteRange');
  const stands =
    isArray(range) && range.items.length === 4 && range.items.every((one) => integerOf(one) !== undefined);
  return stands && !coverage.good
    ? { integrity: 'invalid', reason: 'contents-missing' }
    : { integrity: 'empty', reason: 'placeholder' };
}

type Start = Pick<Judged, 'field' | 'subFilter' | 'coverage' | 'notes' | 'claimedTimeMs'> & {
  readonly bytes: Buffer;
};
type Outcome = Pick<
  Judged,
  'integrity' | 'reason' | 'cms' | 'token' | 'strength' | 'algorithm' | 'party' | 'claimedTimeMs'
>;

function judgeBytes(context: Context, start: Start): Outcome {
  const { coverage, subFilter, bytes } = start;
  const invalid = (reason: string): Outcome => ({
    integrity: 'invalid',
    reason,
    cms: undefined,
    token: undefined,
    strength: 'refused',
    algorithm: undefined,
    party: undefined,
    claimedTimeMs: start.claimedTimeMs,
  });
  if (bytes.length > CMS_BYTES_MAX) throw new PdfFault('limit', 'a signature is too large');
  if (!subFilter || !SUB_FILTERS.has(subFilter)) return invalid('sub-filter-unknown');
  // A range that means nothing has no bytes to hash; of the rest only "re-saved" asks whether the signature itself is genuine.
  if (!coverage.good && !coverage.resaved) return invalid(coverage.why);
  const digestOf = digesting(context, coverage);
  const outcome =
    subFilter === 'ETSI.RFC3161'
      ? judgeStamp(context, bytes, digestOf)
      : judgeSigned(context, start, digestOf);
  if (coverage.good) return outcome;
  return outcome.integrity === 'invalid'
    ? outcome
    : { ...outcome, integrity: 'altered', reason: coverage.why };
}

function digesting({ view, budget }: Context, coverage: Coverage): DigestBy {
  const known = new Map<string, Buffer>();
  return (hash) => {
    if (!coverage.good) return Buffer.alloc(0);
    let digest = known.get(hash);
    if (!digest) {
      budget.hash(coverage.end);
      digest = hashRanges(
        view.source,
        [
          [0, coverage.gapFrom],
          [coverage.gapTo, coverage.end],
        ],
        hash,
      );
      known.set(hash, digest);
    }
    return digest;
  };
}

function judgeStamp(context: Context, bytes: Buffer, digestOf: DigestBy): Outcome {
  const token = judgeToken(bytes, digestOf, context.offered);
  return {
    integrity: token.good ? 'good' : token.altered ? 'altered' : 'invalid',
    reason: token.reason,
    cms: undefined,
    token,
    strength: token.strength,
    algorithm: token.algorithm,
    party: undefined,
    claimedTimeMs: token.timeMs,
  };
}

function judgeSigned(context: Context, start: Start, digestOf: DigestBy): Outcome {
  const { bytes, subFilter, coverage } = start;
  const cms = parseCms(bytes, { padded: true });
  const sha1Form = subFilter === 'adbe.pkcs7.sha1';
  const { content } = cms;
  // A detached signature with content inside signs that content, not the file (a form of signature wrapping).
  const shape = sha1Form ? content?.length !== 20 : content !== undefined;
  const verdict = judgeCms(cms, {
    contentType: OID.data,
    digestOf: sha1Form
      ? (hash) =>
          createHash(hash)
            .update(content ?? '')
            .digest()
      : digestOf,
    content: () => (sha1Form ? (content ?? Buffer.alloc(0)) : coveredBytes(context, coverage)),
    more: context.offered,
  });
  const stampAttribute = verdict.cms.unsignedAttributes.find((one) => one.type === OID.timeStampToken)
    ?.values[0];
  const token = stampAttribute
    ? judgeToken(
        stampAttribute,
        (hash) =>
          createHash(hash, hash === 'shake256' ? { outputLength: 64 } : {})
            .update(cms.signature)
            .digest(),
        context.offered,
      )
    : undefined;
  if (subFilter === 'ETSI.CAdES.detached' && !namesCertificate(cms))
    start.notes.push('signing-certificate-missing');
  const sha1Altered =
    sha1Form && verdict.integrity === 'good' && !digestOf('sha1').equals(content ?? Buffer.alloc(0));
  return {
    integrity: shape ? 'invalid' : sha1Altered ? 'altered' : verdict.integrity,
    reason: shape ? 'content-inside-detached' : sha1Altered ? 'digest-mismatch' : verdict.reason,
    cms: verdict,
    token,
    strength: sha1Form ? 'legacy' : verdict.strength,
    algorithm: verdict.algorithm,
    party: verdict.signer ? partyOf(verdict.signer) : undefined,
    claimedTimeMs: verdict.signingTimeMs ?? start.claimedTimeMs,
  };
}

/** EN 319 142-1, 5.3: a PAdES signature names the certificate that it was made with. */
const namesCertificate = ({ signedAttributes }: Cms): boolean =>
  signedAttributes?.list.some(
    ({ type }) => type === OID.signingCertificate || type === OID.signingCertificateV2,
  ) === true;

function coveredBytes({ view, budget }: Context, coverage: Coverage): Buffer {
  if (!coverage.good) throw malformed('nothing covered');
  if (coverage.end > BARE_BYTES_MAX)
    throw new PdfFault('limit', 'too large for a signature without signed attributes');
  budget.hash(coverage.end);
  const { source } = view;
  return Buffer.concat([
    source.read(0, coverage.gapFrom),
    source.read(coverage.gapTo, coverage.end - coverage.gapTo),
  ]);
}

/** The signature must already be a signature, in the same field, in the revision that it covers. */
function withSignedView(context: Context, judged: Judged): Judged {
  const { coverage, field } = judged;
  if (!coverage.good) return judged;
  const notes = [...judged.notes, ...(judged.cms?.notes ?? [])];
  const view = viewOf(context.file, coverage.end);
  const there = signatureFields(view).some(
    (one) => one.contents?.start === coverage.gapFrom && one.name === field.name,
  );
  if (there || judged.integrity === 'invalid') return { ...judged, notes, signedView: view };
  return { ...judged, notes, integrity: 'invalid', reason: 'signature-not-in-its-revision' };
}

export type Trust = {
  readonly chain: Chain;
  readonly stampChain: Chain | undefined;
  readonly stampTimeMs: number | undefined;
};

export type TrustQuestion = {
  readonly anchors: Anchors;
  readonly atMs: number;
  readonly offered: readonly PdfCertificate[];
  readonly offeredCrls: readonly Crl[];
  readonly offeredAnswers: readonly OcspAnswer[];
  /** Time of a later, trusted document time stamp that covers this signature. */
  readonly coveredByMs: number | undefined;
};

/** Chain of the signer at the trusted time, else at the moment asked about. Undefined without a signer. */
export function trustOf(judged: Judged, question: TrustQuestion): Trust | undefined {
  const { token, cms } = judged;
  const signer = judged.isTimeStamp ? token?.signer : cms?.signer;
  if (!signer) return undefined;
  const { anchors } = question;
  const brought = broughtBy(cms?.cms);
  const offeredCrls = [...brought.crls, ...question.offeredCrls];
  const offeredAnswers = [...brought.answers, ...question.offeredAnswers];
  const offered = [...(cms?.cms.certificates ?? []), ...(token?.certificates ?? []), ...question.offered];
  const common = { anchors, offered, offeredCrls, offeredAnswers };
  let stampChain: Chain | undefined;
  if (token?.good && token.signer && token.timeMs !== undefined)
    stampChain = chainOf({ ...common, signer: token.signer, purpose: 'time-stamp', atMs: token.timeMs });
  if (judged.isTimeStamp) {
    const chain = stampChain ?? chainOf({ ...common, signer, purpose: 'time-stamp', atMs: question.atMs });
    return { chain, stampChain, stampTimeMs: stampChain?.trusted ? token?.timeMs : undefined };
  }
  const ownMs = stampChain?.trusted ? token?.timeMs : undefined;
  const times = [ownMs, question.coveredByMs].filter((one) => one !== undefined);
  const stampTimeMs = times.length > 0 ? Math.min(...times) : undefined;
  const chain = chainOf({ ...common, signer, purpose: 'document', atMs: stampTimeMs ?? question.atMs });
  return { chain, stampChain, stampTimeMs };
}

/** Certificates, lists and OCSP answers of the document security store (ISO 32000-2, 12.8.4.3). Broken ones are left out: they only ever help. */
export function offeredBy(view: View): {
  certificates: PdfCertificate[];
  crls: Crl[];
  answers: OcspAnswer[];
} {
  const store = dictAt(view, catalogOf(view).map.get('DSS'));
  const streams = (key: string): Buffer[] => {
    const list = view.get(store, key);
    return isArray(list) ? list.items.slice(0, 200).flatMap((item) => streamBytes(view, item)) : [];
  };
  const attempt = <T>(bytes: Buffer, read: (bytes: Buffer) => T): T[] => {
    try {
      return [read(bytes)];
    } catch {
      // Nothing depends on it.
      return [];
    }
  };
  return {
    certificates: streams('Certs').flatMap((bytes) => attempt(bytes, parsePdfCertificate)),
    crls: streams('CRLs').flatMap((bytes) => attempt(bytes, (der) => parseCrl(der, 'DSS'))),
    answers: readAnswers(streams('OCSPs')),
  };
}

function streamBytes(view: View, item: Parameters<View['resolve']>[0]): Buffer[] {
  try {
    const stream = view.resolve(item);
    if (!isStream(stream)) return [];
    const { from, to } = view.dataOf(stream);
    if (to - from > CMS_BYTES_MAX) return [];
    const raw = Buffer.from(view.source.read(from, to - from));
    const filter = view.get(stream.dict, 'Filter');
    const name = nameOf(isArray(filter) && filter.items.length === 1 ? filter.items[0] : filter);
    if (name === 'FlateDecode') return [inflateSync(raw, { maxOutputLength: CMS_BYTES_MAX })];
    return filter === null ? [raw] : [];
  } catch {
    // As above: a store that cannot be read helps nobody and harms nobody.
    return [];
  }
}

/** DocMDP and the /P of a lock: 1 nothing, 2 forms and signatures, 3 also annotations (ISO 32000-1, table 254). */
export function certificationOf(
  view: View,
  signature: PdfDict,
): { level: number | undefined; locked: (field: string) => boolean } {
  let level: number | undefined;
  const locks: ((field: string) => boolean)[] = [];
  const references = view.get(signature, 'Reference');
  for (const item of isArray(references) ? references.items.slice(0, 20) : []) {
    const reference = dictAt(view, item);
    const method = nameOf(view.get(reference, 'TransformMethod'));
    const parms = dictAt(view, reference?.map.get('TransformParams'));
    const p = view.get(parms, 'P');
    if (method === 'DocMDP') level = typeof p === 'number' && p >= 1 && p <= 3 ? p : 2;
    if (method === 'FieldMDP' && isDict(parms)) {
      locks.push(lockOf(view, parms));
      if (typeof p === 'number' && p >= 1 && p <= 3) level = Math.min(level ?? 3, p);
    }
  }
  return { level, locked: (field) => locks.some((lock) => lock(field)) };
}

function lockOf(view: View, parms: PdfDict): (field: string) => boolean {
  const action = nameOf(view.get(parms, 'Action'));
  const fields = view.get(parms, 'Fields');
  const names = isArray(fields)
    ? fields.items.map((item) => {
        const value = view.resolve(item);
        return typeof value === 'object' && value?.kind === 'string' ? value.bytes.toString('latin1') : '';
      })
    : [];
  const named = (field: string): boolean =>
    names.some((name) => field === name || field.startsWith(`${name}.`));
  if (action === 'Include') return named;
  if (action === 'Exclude') return (field) => !named(field);
  return () => true;
}
