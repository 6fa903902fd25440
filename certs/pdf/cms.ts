// Judges one CMS signature over given bytes: signed attributes, message digest, signing certificate, signature value (RFC 5652, 5.4).
// It must never look at chains or clocks: that is chain.ts. A signature without the attribute that binds the bytes is invalid.
// Used for signatures of documents and for time-stamp tokens.
import { createHash } from 'node:crypto';
import { checkSignature, hashOf, keyStrength, type Strength, weakest } from './algorithms.ts';
import {
  type Attribute,
  type Cms,
  octetsIn,
  oidIn,
  type PdfCertificate,
  parseCms,
  parseTimeStampInfo,
  signingCertificateIn,
  timeIn,
} from './asn1.ts';
import { PdfFault } from './limits.ts';

export const OID = {
  data: '1.2.840.113549.1.7.1',
  timeStampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timeStampToken: '1.2.840.113549.1.9.16.2.14',
  algorithmProtection: '1.2.840.113549.1.9.52',
} as const;

/** `altered`: the signature itself is genuine, but over other bytes: changed after signing. */
export type Integrity = 'good' | 'altered' | 'invalid';

export type CmsVerdict = {
  readonly integrity: Integrity;
  /** Code of the reason where it is not good. */
  readonly reason: string | undefined;
  readonly strength: Strength;
  readonly algorithm: string;
  readonly signer: PdfCertificate | undefined;
  readonly cms: Cms;
  readonly signingTimeMs: number | undefined;
  readonly notes: readonly string[];
};

/** Digest of the covered bytes, by node's name of the hash. */
export type DigestBy = (hash: string) => Buffer;

type Judged = Pick<CmsVerdict, 'integrity' | 'reason' | 'strength' | 'algorithm'>;
const invalid = (reason: string, algorithm = '', strength: Strength = 'refused'): Judged => ({
  integrity: 'invalid',
  reason,
  strength,
  algorithm,
});

const only = (list: readonly Attribute[], type: string): Buffer | undefined => {
  const found = list.filter((one) => one.type === type);
  return found.length === 1 && found[0]!.values.length === 1 ? found[0]!.values[0] : undefined;
};

export function signerCertificate(
  cms: Cms,
  more: readonly PdfCertificate[] = [],
): PdfCertificate | undefined {
  const { signerId } = cms;
  return [...cms.certificates, ...more].find((one) =>
    signerId.kind === 'key'
      ? one.keyIdHex === signerId.keyIdHex
      : one.serialHex === signerId.serialHex && one.issuerDer.equals(signerId.issuerDer),
  );
}

/**
 * Judges `cms`, whose content is detached or inside. `contentType` is what the signed attribute must say; `digestOf` hashes the
 * content; `content` reads it whole, only for signatures without signed attributes.
 */
export function judgeCms(
  cms: Cms,
  question: {
    readonly contentType: string;
    readonly digestOf: DigestBy;
    readonly content: () => Buffer;
    readonly more?: readonly PdfCertificate[];
  },
): CmsVerdict {
  const signer = signerCertificate(cms, question.more);
  const notes: string[] = [];
  const list = cms.signedAttributes?.list ?? [];
  const time = only(list, OID.signingTime);
  const judged = judge(cms, { ...question, signer, notes });
  return { ...judged, signer, cms, signingTimeMs: time ? timeIn(time) : undefined, notes };
}

type Question = {
  readonly contentType: string;
  readonly digestOf: DigestBy;
  readonly content: () => Buffer;
  readonly signer: PdfCertificate | undefined;
  readonly notes: string[];
};

function judge(cms: Cms, question: Question): Judged {
  const { signer } = question;
  if (cms.signers !== 1) return invalid('signers-not-one');
  // Nothing signs the space kept for the CMS: what is not zero there was put there.
  if (cms.oddPadding) return invalid('padding-not-zero');
  if (!signer) return invalid('signer-certificate-missing');
  const digest = hashOf(cms.digest.oid);
  if (!digest) return invalid('algorithm-refused', cms.digest.oid);
  const attributes = cms.signedAttributes;
  if (!attributes) return judgeBare(cms, signer, question);
  const wrong = wrongAttributes(cms, signer, question);
  if (wrong) return invalid(wrong, digest.name);
  const key = signer.publicKey;
  const check = { algorithm: cms.algorithm, digestOid: cms.digest.oid, key, signature: cms.signature };
  let checked = checkSignature({ ...check, signed: attributes.raw });
  // A BER signer may store another order or length than the DER that it signed (RFC 5652, 5.4).
  if (!checked.good && checked.strength !== 'refused' && !attributes.raw.equals(attributes.der))
    checked = checkSignature({ ...check, signed: attributes.der });
  if (checked.strength === 'refused') return invalid('algorithm-refused', checked.name);
  if (!checked.good) return invalid('signature-wrong', checked.name, checked.strength);
  const strength = weakest(checked.strength, keyStrength(key));
  const matches = octetsIn(only(attributes.list, OID.messageDigest)!).equals(question.digestOf(digest.name));
  return {
    integrity: matches ? 'good' : 'altered',
    reason: matches ? undefined : 'digest-mismatch',
    strength,
    algorithm: checked.name,
  };
}

/** No signed attributes: the signature is over the content itself. */
function judgeBare(cms: Cms, signer: PdfCertificate, question: Question): Judged {
  if (cms.contentType !== OID.data) return invalid('signed-attributes-missing');
  question.notes.push('signed-attributes-missing');
  const checked = checkSignature({
    algorithm: cms.algorithm,
    digestOid: cms.digest.oid,
    key: signer.publicKey,
    signed: question.content(),
    signature: cms.signature,
  });
  if (checked.strength === 'refused') return invalid('algorithm-refused', checked.name);
  if (!checked.good) return invalid('signature-wrong', checked.name, checked.strength);
  return { integrity: 'good', reason: undefined, strength: checked.strength, algorithm: checked.name };
}

/** The code of the first attribute that is missing, repeated or wrong. */
function wrongAttributes(cms: Cms, signer: PdfCertificate, question: Question): string | undefined {
  const list = cms.signedAttributes!.list;
  const type = only(list, OID.contentType);
  if (!type || oidIn(type) !== question.contentType || cms.contentType !== question.contentType)
    return 'content-type-wrong';
  if (!only(list, OID.messageDigest)) return 'message-digest-missing';
  for (const [oid, fallback] of [
    [OID.signingCertificate, '1.3.14.3.2.26'],
    [OID.signingCertificateV2, '2.16.840.1.101.3.4.2.1'],
  ] as const) {
    if (!list.some((one) => one.type === oid)) continue;
    const value = only(list, oid);
    if (!value) return 'signing-certificate-wrong';
    const { hashOid, hash } = signingCertificateIn(value);
    const name = hashOf(hashOid ?? fallback)?.name;
    if (!name || name === 'shake256' || !createHash(name).update(signer.der).digest().equals(hash))
      return 'signing-certificate-wrong';
  }
  return undefined;
}

export type TokenVerdict = {
  readonly good: boolean;
  readonly reason: string | undefined;
  readonly timeMs: number | undefined;
  readonly signer: PdfCertificate | undefined;
  readonly certificates: readonly PdfCertificate[];
  readonly strength: Strength;
  readonly algorithm: string;
  /** The token is genuine but stamps other bytes. */
  readonly altered: boolean;
};

/** An RFC 3161 token: its own signature, and that it stamps the bytes whose digest `digestOf` gives. Chain and time are not judged. */
export function judgeToken(
  bytes: Uint8Array,
  digestOf: DigestBy,
  more: readonly PdfCertificate[] = [],
): TokenVerdict {
  try {
    const cms = parseCms(bytes, { padded: true });
    const { content } = cms;
    if (!content || cms.contentType !== OID.timeStampInfo) return tokenFault('time-stamp-content');
    const verdict = judgeCms(cms, {
      contentType: OID.timeStampInfo,
      digestOf: (hash) =>
        createHash(hash, hash === 'shake256' ? { outputLength: 64 } : {})
          .update(content)
          .digest(),
      content: () => content,
      more,
    });
    const info = parseTimeStampInfo(content);
    const imprint = hashOf(info.imprintOid);
    const matches = imprint !== undefined && digestOf(imprint.name).equals(info.imprint);
    const genuine = verdict.integrity === 'good';
    return {
      good: genuine && matches,
      reason: genuine ? (matches ? undefined : 'time-stamp-imprint') : `time-stamp-${verdict.reason}`,
      timeMs: info.timeMs,
      signer: verdict.signer,
      certificates: cms.certificates,
      strength: weakest(verdict.strength, imprint?.strength ?? 'refused'),
      algorithm: verdict.algorithm,
      altered: genuine && !matches,
    };
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
    return tokenFault('time-stamp-malformed');
  }
}

const tokenFault = (reason: string): TokenVerdict => ({
  good: false,
  reason,
  timeMs: undefined,
  signer: undefined,
  certificates: [],
  strength: 'refused',
  algorithm: '',
  altered: false,
});
