// The only door to pkijs and asn1js: takes CMS, time stamps, certificates and CRLs to pieces (BER and DER), as plain values with raw bytes.
// It must never verify or trust: signatures are cms.ts, chains are chain.ts. Both libraries parse, neither decides.
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { malformed } from './limits.ts';

export type Algorithm = {
  readonly oid: string;
  readonly pss: PssParams | undefined;
  readonly curveOid: string | undefined;
};
export type PssParams = {
  readonly hashOid: string;
  readonly maskOid: string;
  readonly maskHashOid: string;
  readonly saltBytes: number;
};

/** `values`: raw encodings of the members of the set. */
export type Attribute = { readonly type: string; readonly values: readonly Buffer[] };

export type NamePart = { readonly oid: string; readonly value: string };

export type PdfCertificate = {
  readonly der: Buffer;
  readonly fingerprint: string;
  readonly x509: X509Certificate;
  /** Loaded once: a certificate whose key OpenSSL cannot load is not parsed. */
  readonly publicKey: KeyObject;
  readonly subject: readonly NamePart[];
  readonly issuer: readonly NamePart[];
  readonly issuerDer: Buffer;
  readonly subjectDer: Buffer;
  readonly serialHex: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly signatureOid: string;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  /** First byte of the bit string: 0x80 digitalSignature, 0x40 nonRepudiation, 0x04 keyCertSign, 0x02 cRLSign. */
  readonly keyUsage: number | undefined;
  readonly extendedUsages: readonly string[] | undefined;
  readonly extendedUsageCritical: boolean;
  readonly keyIdHex: string | undefined;
  readonly unknownCritical: readonly string[];
};

export type SignerId =
  | { readonly kind: 'issuer'; readonly issuerDer: Buffer; readonly serialHex: string }
  | { readonly kind: 'key'; readonly keyIdHex: string };

export type Cms = {
  readonly contentType: string;
  /** Encapsulated content, undefined for detached signatures. */
  readonly content: Buffer | undefined;
  readonly certificates: readonly PdfCertificate[];
  readonly crls: readonly Buffer[];
  readonly signers: number;
  readonly signerId: SignerId;
  readonly digest: Algorithm;
  readonly algorithm: Algorithm;
  /** The bytes that were signed, as they stand and as DER would have them; both begin with the tag of a SET. */
  readonly signedAttributes:
    | { readonly raw: Buffer; readonly der: Buffer; readonly list: readonly Attribute[] }
    | undefined;
  readonly unsignedAttributes: readonly Attribute[];
  readonly signature: Buffer;
  /** Bytes behind the CMS that are not zero: the space kept for it is filled with zeros. */
  readonly oddPadding: boolean;
};

export type TimeStampInfo = {
  readonly imprintOid: string;
  readonly imprint: Buffer;
  readonly timeMs: number;
};

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** A fresh copy: the libraries want an ArrayBuffer of their own, and Buffers of Node share theirs. */
const own = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer as ArrayBuffer;
type Block = asn1js.BaseBlock;
const rawOf = (block: unknown): Buffer =>
  Buffer.from((block as { valueBeforeDecodeView: Uint8Array }).valueBeforeDecodeView);
const childrenOf = (block: Block): Block[] => {
  const inner = (block.valueBlock as { value?: unknown }).value;
  return Array.isArray(inner) ? (inner as Block[]) : [];
};

/** One BER value at the start of `bytes`; `rest` is behind it. */
function ber(bytes: Uint8Array): { block: Block; rest: number } {
  const parsed = asn1js.fromBER(own(bytes));
  if (parsed.offset <= 0 || parsed.result.error) throw malformed('no BER value');
  return { block: parsed.result as Block, rest: parsed.offset };
}

/** Turns whatever the libraries throw into `malformed`; they know a dozen kinds of errors. */
function guarded<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw malformed(`${what} cannot be parsed`);
  }
}

/** An OCTET STRING, whole or in BER pieces. */
function octetsOf(block: unknown): Buffer {
  const string = block as asn1js.OctetString;
  if (string.valueBlock.isConstructed || string.idBlock.isConstructed)
    return Buffer.concat(childrenOf(string as unknown as Block).map(octetsOf));
  return Buffer.from(string.valueBlock.valueHexView);
}

function algorithmOf(id: pkijs.AlgorithmIdentifier): Algorithm {
  const params = id.algorithmParams as Block | undefined;
  const curveOid = params instanceof asn1js.ObjectIdentifier ? params.valueBlock.toString() : undefined;
  if (id.algorithmId !== '1.2.840.113549.1.1.10') return { oid: id.algorithmId, pss: undefined, curveOid };
  const pss = new pkijs.RSASSAPSSParams(params ? { schema: params } : {});
  const maskParams = pss.maskGenAlgorithm.algorithmParams;
  const inner = maskParams
    ? new pkijs.AlgorithmIdentifier({ schema: maskParams }).algorithmId
    : '1.3.14.3.2.26';
  return {
    oid: id.algorithmId,
    curveOid,
    pss: {
      hashOid: pss.hashAlgorithm.algorithmId,
      maskOid: pss.maskGenAlgorithm.algorithmId,
      maskHashOid: inner,
      saltBytes: pss.saltLength,
    },
  };
}

function attributesOf(set: pkijs.SignedAndUnsignedAttributes | undefined): Attribute[] {
  return (set?.attributes ?? []).map((one) => ({
    type: one.type,
    values: (one.values as unknown[]).map(rawOf),
  }));
}

/** Members of SignedData by their tags, raw: pkijs encodes again, and a certificate must keep its bytes. */
function rawMembers(signedData: Block, tagNumber: number): Block[] {
  const holder = childrenOf(signedData).find(
    (member) => member.idBlock.tagClass === 3 && member.idBlock.tagNumber === tagNumber,
  );
  return holder ? childrenOf(holder) : [];
}

/** CMS SignedData (RFC 5652) with one or more signers; the first is given. `padded`: zeros may follow. */
export function parseCms(bytes: Uint8Array, { padded }: { padded: boolean }): Cms {
  return guarded('CMS', () => {
    const { block, rest } = ber(bytes);
    const behind = bytes.subarray(rest);
    if (!padded && behind.length > 0) throw malformed('bytes behind the CMS');
    const outer = new pkijs.ContentInfo({ schema: block });
    if (outer.contentType !== SIGNED_DATA) throw malformed('not signed data');
    const data = new pkijs.SignedData({ schema: outer.content });
    const signer = data.signerInfos[0];
    if (!signer) throw malformed('no signer');
    const inner = data.encapContentInfo.eContent as unknown;
    const signedData = childrenOf(childrenOf(block)[1]!)[0]!;
    return {
      contentType: data.encapContentInfo.eContentType,
      content: inner ? octetsOf(inner) : undefined,
      certificates: rawMembers(signedData, 0).flatMap((one) => certificateIn(rawOf(one))),
      crls: rawMembers(signedData, 1).map(rawOf),
      signers: data.signerInfos.length,
      signerId: signerIdOf(signedData),
      digest: algorithmOf(signer.digestAlgorithm),
      algorithm: algorithmOf(signer.signatureAlgorithm),
      signedAttributes: signedAttributesOf(signer),
      unsignedAttributes: attributesOf(signer.unsignedAttrs),
      signature: octetsOf(signer.signature),
      oddPadding: behind.some((byte) => byte !== 0),
    };
  });
}

/** Raw issuer and serial number: a name encoded again may differ from the certificate's. */
function signerIdOf(signedData: Block): SignerId {
  const infos = childrenOf(childrenOf(signedData).at(-1)!);
  const sid = childrenOf(infos[0]!)[1]!;
  if (sid.idBlock.tagClass === 3) return { kind: 'key', keyIdHex: hex(octetsOf(keyIdBlock(sid))) };
  const [issuer, serial] = childrenOf(sid);
  return { kind: 'issuer', issuerDer: rawOf(issuer), serialHex: serialOf(serial as asn1js.Integer) };
}

/** [0] IMPLICIT OCTET STRING comes primitive, or wrapped, from the library. */
function keyIdBlock(sid: unknown): unknown {
  const inner = childrenOf(sid as Block);
  return inner.length === 1 ? inner[0] : sid;
}

function serialOf(serial: asn1js.Integer): string {
  return hex(serial.valueBlock.valueHexView).replace(/^(00)+(?=..)/, '');
}

function signedAttributesOf(signer: pkijs.SignerInfo): Cms['signedAttributes'] {
  const set = signer.signedAttrs;
  if (!set) return undefined;
  const encoded = Buffer.from(set.encodedValue);
  const members = set.attributes.map((one) => Buffer.from(one.toSchema().toBER())).sort(Buffer.compare);
  const sorted = new asn1js.Set({ value: members.map((one) => asn1js.fromBER(own(one)).result) });
  return { raw: encoded, der: Buffer.from(sorted.toBER()), list: attributesOf(set) };
}

/** Certificates that cannot be read are left out: a chain that needs them is not found. */
function certificateIn(der: Buffer): PdfCertificate[] {
  try {
    return [parsePdfCertificate(der)];
  } catch {
    // Attribute certificates and broken ones: nothing can be concluded from them.
    return [];
  }
}

const OID_EXT = { ski: '2.5.29.14', usage: '2.5.29.15', basic: '2.5.29.19', extended: '2.5.29.37' };
// Understood or harmless here: names and policies of the certification authority bind no signature of a document.
const UNDERSTOOD = new Set([...Object.values(OID_EXT), '2.5.29.17', '2.5.29.32', '2.5.29.35', '2.5.29.31']);

const namePartsOf = (name: pkijs.RelativeDistinguishedNames): NamePart[] =>
  name.typesAndValues.map(({ type, value }) => ({
    oid: type,
    value: String((value as { valueBlock: { value?: unknown } }).valueBlock.value ?? '')
      .slice(0, 300)
      .normalize('NFC'),
  }));

/** One certificate, exactly: nothing behind it. Throws `malformed`. */
export function parsePdfCertificate(bytes: Uint8Array): PdfCertificate {
  return guarded('certificate', () => {
    const { block, rest } = ber(bytes);
    if (rest !== bytes.length) throw malformed('bytes behind a certificate');
    const certificate = new pkijs.Certificate({ schema: block });
    const der = Buffer.from(bytes);
    const x509 = new X509Certificate(der);
    const fields = childrenOf(childrenOf(block)[0]!).map(rawOf);
    // Version 1 has no version field (RFC 5280, 4.1).
    const shift = fields[0]![0] === 0xa0 ? 0 : -1;
    const [issuerDer, subjectDer] = [fields[3 + shift]!, fields[5 + shift]!];
    const extensions = new Map((certificate.extensions ?? []).map((one) => [one.extnID, one]));
    const basic = extensions.get(OID_EXT.basic)?.parsedValue as pkijs.BasicConstraints | undefined;
    const usage = extensions.get(OID_EXT.usage)?.parsedValue as asn1js.BitString | undefined;
    const extended = extensions.get(OID_EXT.extended)?.parsedValue as pkijs.ExtKeyUsage | undefined;
    const ski = extensions.get(OID_EXT.ski)?.parsedValue as asn1js.OctetString | undefined;
    const limit = basic?.pathLenConstraint;
    return {
      der,
      fingerprint: createHash('sha256').update(der).digest('hex'),
      x509,
      publicKey: x509.publicKey,
      subject: namePartsOf(certificate.subject),
      issuer: namePartsOf(certificate.issuer),
      issuerDer,
      subjectDer,
      serialHex: serialOf(certificate.serialNumber),
      notBeforeMs: certificate.notBefore.value.getTime(),
      notAfterMs: certificate.notAfter.value.getTime(),
      signatureOid: certificate.signatureAlgorithm.algorithmId,
      isCa: basic?.cA === true,
      pathLength: typeof limit === 'number' ? limit : undefined,
      keyUsage: usage ? (usage.valueBlock.valueHexView[0] ?? 0) : undefined,
      extendedUsages: extended?.keyPurposes,
      extendedUsageCritical: extensions.get(OID_EXT.extended)?.critical === true,
      keyIdHex: ski ? hex(octetsOf(ski)) : undefined,
      unknownCritical: [...extensions.values()]
        .filter((one) => one.critical && !UNDERSTOOD.has(one.extnID))
        .map((one) => one.extnID),
    };
  });
}

/** TSTInfo of RFC 3161. */
export function parseTimeStampInfo(bytes: Uint8Array): TimeStampInfo {
  return guarded('time stamp', () => {
    const info = new pkijs.TSTInfo({ schema: ber(bytes).block });
    return {
      imprintOid: info.messageImprint.hashAlgorithm.algorithmId,
      imprint: octetsOf(info.messageImprint.hashedMessage),
      timeMs: info.genTime.getTime(),
    };
  });
}

/** The octets of an OCTET STRING attribute value. */
export const octetsIn = (value: Uint8Array): Buffer => guarded('octets', () => octetsOf(ber(value).block));

/** A dotted object identifier, or undefined when the value is none. */
export function oidIn(value: Uint8Array): string | undefined {
  const { block } = ber(value);
  return block instanceof asn1js.ObjectIdentifier ? block.valueBlock.toString() : undefined;
}

/** UTCTime or GeneralizedTime, milliseconds since 1970. */
export function timeIn(value: Uint8Array): number | undefined {
  const { block } = ber(value);
  return block instanceof asn1js.UTCTime || block instanceof asn1js.GeneralizedTime
    ? block.toDate().getTime()
    : undefined;
}

/** ESSCertID or ESSCertIDv2 (RFC 2634, 5035): hash of the first certificate named; without an algorithm undefined. */
export function signingCertificateIn(value: Uint8Array): { hashOid: string | undefined; hash: Buffer } {
  return guarded('signing-certificate', () => {
    const first = childrenOf(childrenOf(childrenOf(ber(value).block)[0]!)[0]!);
    const [one, two] = first;
    if (one instanceof asn1js.OctetString) return { hashOid: undefined, hash: octetsOf(one) };
    const oid = childrenOf(one!)[0] as asn1js.ObjectIdentifier;
    return { hashOid: oid.valueBlock.toString(), hash: octetsOf(two) };
  });
}
