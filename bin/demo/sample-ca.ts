// Makes a certification authority, its signers and their CMS signatures for the demo's sample documents.
// Everything it issues says "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"; it must never be used for a node's or a hub's certificate, and its
// keys must never be written to disk. Stands before the document's path: only sample documents are signed with it.
import 'reflect-metadata';
import { createHash, KeyObject, randomBytes, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

const OID = {
  pkcs7Data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256: '2.16.840.1.101.3.4.2.1',
};
const DAY_MS = 86_400_000;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const ROOT_NAME = 'CA MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ';
const ISSUING_NAME = 'CA MẪU CẤP 2 - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ';

/** Who a sample certificate names. A person has a title; an organisation has none. */
export type SampleSubject = { commonName: string; organisation: string; title?: string };

/** A key with its certificate (DER) and the issuing certificate (DER); the root is left out, as in real signatures. */
export type SampleSigner = {
  subject: SampleSubject;
  certificateDer: Buffer;
  issuingDer: Buffer;
  privateKey: KeyObject;
};

/** The certificates of the authority (PEM, newline-terminated) and the way to issue one more signer. */
export type SampleCa = {
  rootPem: string;
  issuingPem: string;
  issue(subject: SampleSubject): Promise<SampleSigner>;
};

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify']);

// A leading 01 keeps the serial number positive and of fixed length (RFC 5280, 4.1.2.2).
const newSerial = (): string => `01${randomBytes(8).toString('hex')}`;

function distinguishedName(subject: {
  commonName: string;
  organisation?: string;
  title?: string;
}): x509.JsonName {
  const parts: x509.JsonName = [{ C: ['VN'] }];
  if (subject.organisation) parts.push({ O: [subject.organisation] });
  if (subject.title) parts.push({ T: [subject.title] });
  parts.push({ CN: [subject.commonName] });
  return parts;
}

function authorityExtensions(pathLength: number): x509.Extension[] {
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(usages, true),
  ];
}

type Certifier = {
  certificate: x509.X509Certificate;
  privateKey: webcrypto.CryptoKey;
  extensions: x509.Extension[];
  nowMs: number;
};

async function certify(
  name: x509.JsonName,
  publicKey: webcrypto.CryptoKey,
  by: Certifier,
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: name,
      issuer: by.certificate.subjectName,
      notBefore: new Date(by.nowMs - DAY_MS),
      notAfter: new Date(by.nowMs + 1825 * DAY_MS),
      signingKey: by.privateKey,
      publicKey,
      signingAlgorithm: RSA,
      extensions: [
        ...by.extensions,
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(by.certificate, false, webcrypto),
      ],
    },
    webcrypto,
  );
}

/**
 * Makes root and issuing authority with fresh RSA-2048 keys, valid from a day before `nowMs`.
 * Key generation runs in the thread pool; `issue` may be called for several subjects at once.
 */
export async function makeSampleCa({ nowMs }: { nowMs: number }): Promise<SampleCa> {
  const [rootKeys, issuingKeys] = await Promise.all([newKeys(), newKeys()]);
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: distinguishedName({ commonName: ROOT_NAME }),
      notBefore: new Date(nowMs - DAY_MS),
      notAfter: new Date(nowMs + 3650 * DAY_MS),
      signingAlgorithm: RSA,
      keys: rootKeys,
      extensions: [
        ...authorityExtensions(1),
        await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const issuing = await certify(distinguishedName({ commonName: ISSUING_NAME }), issuingKeys.publicKey, {
    certificate: root,
    privateKey: rootKeys.privateKey,
    extensions: authorityExtensions(0),
    nowMs,
  });
  const leafUsages = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation;
  return {
    rootPem: `${root.toString('pem')}\n`,
    issuingPem: `${issuing.toString('pem')}\n`,
    issue: async (subject) => {
      const keys = await newKeys();
      const leaf = await certify(distinguishedName(subject), keys.publicKey, {
        certificate: issuing,
        privateKey: issuingKeys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.KeyUsagesExtension(leafUsages, true),
        ],
        nowMs,
      });
      return {
        subject,
        certificateDer: Buffer.from(leaf.rawData),
        issuingDer: Buffer.from(issuing.rawData),
        privateKey: KeyObject.from(keys.privateKey),
      };
    },
  };
}

const octets = (bytes: Uint8Array): asn1js.OctetString =>
  new asn1js.OctetString({ valueHex: new Uint8Array(bytes).buffer });

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** SigningCertificateV2 (RFC 5035) with the default hash algorithm, SHA-256, hence only the hash of the certificate. */
function signingCertificateV2(certificateDer: Uint8Array): asn1js.Sequence {
  const essCertId = new asn1js.Sequence({ value: [octets(sha256(certificateDer))] });
  return new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [essCertId] })] });
}

/**
 * CMS SignedData (RFC 5652, DER) over `content`, detached, SHA-256 with RSA PKCS#1 v1.5.
 * `cades` picks the signed attributes: true for ETSI.CAdES.detached (signing-certificate-v2, no signing time, EN 319 142-1),
 * false for adbe.pkcs7.detached as the government's signing tool writes it (signing time from `nowMs`).
 */
export function signCms(
  content: Uint8Array,
  signer: SampleSigner,
  options: { nowMs: number; cades: boolean },
): Buffer {
  const attribute = (type: string, value: unknown): pkijs.Attribute =>
    new pkijs.Attribute({ type, values: [value] });
  const attributes = [
    attribute(OID.contentType, new asn1js.ObjectIdentifier({ value: OID.pkcs7Data })),
    attribute(OID.messageDigest, octets(sha256(content))),
    options.cades
      ? attribute(OID.signingCertificateV2, signingCertificateV2(signer.certificateDer))
      : attribute(OID.signingTime, new asn1js.UTCTime({ valueDate: new Date(options.nowMs) })),
  ];
  // DER orders the members of a SET OF by their encoding (X.690, 11.6); verifiers that encode again rely on it.
  const encoding = (a: pkijs.Attribute): Buffer => Buffer.from(a.toSchema().toBER());
  attributes.sort((a, b) => Buffer.compare(encoding(a), encoding(b)));
  const signedBytes = new asn1js.Set({ value: attributes.map((a) => a.toSchema()) }).toBER();
  const certificate = pkijs.Certificate.fromBER(new Uint8Array(signer.certificateDer));
  const digestAlgorithm = (): pkijs.AlgorithmIdentifier =>
    new pkijs.AlgorithmIdentifier({ algorithmId: OID.sha256, algorithmParams: new asn1js.Null() });
  const signerInfo = new pkijs.SignerInfo({
    version: 1,
    sid: new pkijs.IssuerAndSerialNumber({
      issuer: certificate.issuer,
      serialNumber: certificate.serialNumber,
    }),
    digestAlgorithm: digestAlgorithm(),
    signedAttrs: new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes }),
    signatureAlgorithm: new pkijs.AlgorithmIdentifier({
      algorithmId: OID.rsaEncryption,
      algorithmParams: new asn1js.Null(),
    }),
    signature: octets(sign('sha256', Buffer.from(signedBytes), signer.privateKey)),
  });
  const signedData = new pkijs.SignedData({
    version: 1,
    digestAlgorithms: [digestAlgorithm()],
    encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: OID.pkcs7Data }),
    certificates: [certificate, pkijs.Certificate.fromBER(new Uint8Array(signer.issuingDer))],
    signerInfos: [signerInfo],
  });
  const contentInfo = new pkijs.ContentInfo({
    contentType: OID.signedData,
    content: signedData.toSchema(true),
  });
  return Buffer.from(contentInfo.toSchema().toBER());
}
