// OCSP answers that a document or a signature brings along (RFC 6960): taken to pieces, and judged by the issuer's key or a responder that the issuer
// certified for it. It must never ask anybody over the network, nor believe an answer that its issuer does not vouch for. Feeds chain.ts.
import { createHash } from 'node:crypto';
import { childrenOf, type Der, readDer, readOid, readTime, tags } from '../der.ts';
import { certificateStrength, checkSignature, hashOf } from './algorithms.ts';
import { type Crl, parseCrl } from './anchors.ts';
import { type Cms, type PdfCertificate, parsePdfCertificate } from './asn1.ts';
import { malformed } from './limits.ts';

export type OcspAnswer = {
  readonly hashName: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  readonly serialHex: string;
  /** Undefined: good. */
  readonly revokedMs: number | undefined;
  readonly known: boolean;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly signatureOid: string;
  readonly signed: Buffer;
  readonly signature: Buffer;
  readonly responders: readonly PdfCertificate[];
};

const BASIC = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const ANSWERS_MAX = 100;
const enumerated = 0x0a;
const context = (number: number): number => 0xa0 + number;

const serialHexOf = (content: Uint8Array): string =>
  Buffer.from(content)
    .toString('hex')
    .replace(/^(00)+(?=..)/, '');

/** OCSPResponse, DER, with a basic answer for one or more certificates. Throws on anything else; believes nothing yet. */
export function parseOcsp(bytes: Uint8Array): OcspAnswer[] {
  const [status, holder] = childrenOf(readDer(bytes, tags.sequence));
  if (status?.tag !== enumerated || status.content[0] !== 0 || holder?.tag !== context(0))
    throw malformed('no OCSP answer');
  const [kind, octets] = childrenOf(childrenOf(holder)[0]!);
  if (readOid(kind) !== BASIC || octets?.tag !== tags.octetString) throw malformed('no basic OCSP answer');
  const [data, algorithm, signature, certificates] = childrenOf(readDer(octets.content, tags.sequence));
  if (!data || !algorithm || signature?.tag !== tags.bitString) throw malformed('no basic OCSP answer');
  // version [0], responderID [1] or [2], producedAt, responses, extensions [1].
  const answers = childrenOf(data).find(({ tag }) => tag === tags.sequence);
  if (!answers) throw malformed('no answers');
  const common = {
    signatureOid: readOid(childrenOf(algorithm)[0]),
    signed: Buffer.from(data.whole),
    signature: Buffer.from(signature.content.subarray(1)),
    responders: certificates?.tag === context(0) ? respondersOf(certificates) : [],
  };
  return childrenOf(answers)
    .slice(0, ANSWERS_MAX)
    .map((one) => ({ ...common, ...answerOf(one) }));
}

function respondersOf(holder: Der): PdfCertificate[] {
  return childrenOf(childrenOf(holder)[0]!)
    .slice(0, 8)
    .flatMap((one) => {
      try {
        return [parsePdfCertificate(one.whole)];
      } catch {
        // Who signed is then not found, and nothing is believed.
        return [];
      }
    });
}

function answerOf(one: Der): Omit<OcspAnswer, 'signatureOid' | 'signed' | 'signature' | 'responders'> {
  const [id, state, thisUpdate, next] = childrenOf(one);
  const [algorithm, name, key, serial] = childrenOf(id!);
  const hash = hashOf(readOid(childrenOf(algorithm!)[0]));
  if (!hash || !name || !key || !serial || !state) throw malformed('an OCSP answer');
  // good [0] and unknown [2] are empty; revoked [1] begins with its time.
  const number = state.tag & 0x1f;
  return {
    hashName: hash.name,
    issuerNameHash: Buffer.from(name.content),
    issuerKeyHash: Buffer.from(key.content),
    serialHex: serialHexOf(serial.content),
    known: number !== 2,
    revokedMs: number === 1 ? readTime(childrenOf(state)[0]) : undefined,
    thisUpdateMs: readTime(thisUpdate),
    nextUpdateMs: next?.tag === context(0) ? readTime(childrenOf(next)[0]) : undefined,
  };
}

/** True if the answer is about `subject` as `issuer` certified it, and the issuer vouches for it. */
export function answersFor(answer: OcspAnswer, subject: PdfCertificate, issuer: PdfCertificate): boolean {
  if (!answer.known || answer.serialHex !== subject.serialHex) return false;
  const digest = (bytes: Uint8Array): Buffer => createHash(answer.hashName).update(bytes).digest();
  if (!digest(issuer.subjectDer).equals(answer.issuerNameHash)) return false;
  if (!digest(keyBitsOf(issuer)).equals(answer.issuerKeyHash)) return false;
  return [issuer, ...answer.responders.filter((one) => delegated(one, issuer, answer))].some(
    (signer) =>
      checkSignature({
        algorithm: { oid: answer.signatureOid, pss: undefined, curveOid: undefined },
        digestOid: '2.16.840.1.101.3.4.2.1',
        key: signer.publicKey,
        signed: answer.signed,
        signature: answer.signature,
      }).good,
  );
}

/** RFC 6960, 4.2.2.2: certified directly by the issuer, for this use, and good when it answered. */
function delegated(one: PdfCertificate, issuer: PdfCertificate, { thisUpdateMs }: OcspAnswer): boolean {
  if (!one.issuerDer.equals(issuer.subjectDer) || !one.extendedUsages?.includes(OCSP_SIGNING)) return false;
  if (thisUpdateMs < one.notBeforeMs || thisUpdateMs >= one.notAfterMs + 1000) return false;
  if (certificateStrength(one.signatureOid) === 'refused') return false;
  try {
    return one.x509.verify(issuer.publicKey);
  } catch {
    // A key that OpenSSL cannot use vouches for nothing.
    return false;
  }
}

/** The content of the BIT STRING of SubjectPublicKeyInfo, without the count of unused bits. */
function keyBitsOf({ publicKey }: PdfCertificate): Uint8Array {
  const [, bits] = childrenOf(readDer(publicKey.export({ type: 'spki', format: 'der' }), tags.sequence));
  return bits!.content.subarray(1);
}

export type Brought = { readonly crls: readonly Crl[]; readonly answers: readonly OcspAnswer[] };
const ARCHIVAL = '1.2.840.113583.1.1.8';
const BROUGHT_MAX = 100;

function readable<T>(bytes: readonly Uint8Array[], read: (one: Uint8Array) => T): T[] {
  return bytes.slice(0, BROUGHT_MAX).flatMap((one) => {
    try {
      return [read(one)];
    } catch {
      // They only ever help: what cannot be read does not.
      return [];
    }
  });
}

export const readAnswers = (bytes: readonly Uint8Array[]): OcspAnswer[] => readable(bytes, parseOcsp).flat();

/** What a signature carries itself: the lists of its CMS, and Adobe's archive of revocation (ISO 32000-1, 12.8.3.3.2) in the signed attributes. */
export function broughtBy(cms: Cms | undefined): Brought {
  if (!cms) return { crls: [], answers: [] };
  const archive = cms.signedAttributes?.list.find(({ type }) => type === ARCHIVAL)?.values[0];
  const members = archive ? readable([archive], (one) => childrenOf(readDer(one, tags.sequence))).flat() : [];
  const under = (number: number): Uint8Array[] =>
    members
      .filter(({ tag }) => tag === context(number))
      .flatMap((member) =>
        readable([member.content], (one) => childrenOf(readDer(one, tags.sequence))).flat(),
      )
      .map(({ whole }) => whole);
  return {
    crls: readable([...cms.crls, ...under(0)], (one) => parseCrl(one, 'signature')),
    answers: readAnswers(under(1)),
  };
}
