// Makes certificates and certificate requests; the only file that knows @peculiar/x509. P-256 with SHA-256, nothing else.
// It must never take a name, an extension or a time out of a request: a request proves possession of a key, no more.
// Used by ca.ts (the hub's side) and enrol.ts (the box's side).
import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { ExchangeError } from '../protocol/errors.ts';
import { isTokenKey, type TokenKey } from '../protocol/signature.ts';
import { der, derInteger, derOid, derSequence } from './der.ts';
import type { ExtensionSpec } from './extensions.ts';
import { derToPem, pemToDer } from './pem.ts';

const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A request of one P-256 key has about 250 bytes; with names of other makers under 2 KiB. */
const CSR_PEM_BYTES_MAX = 8 * 1024;

/** RFC 5480: SubjectPublicKeyInfo of id-ecPublicKey on prime256v1 up to the uncompressed point (04, x, y). */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');

/** True for exactly the one encoding of a P-256 key that this system uses: named curve, uncompressed point. */
export function isP256(publicKeyDer: Uint8Array): boolean {
  return publicKeyDer.length === 91 && p256Prefix.equals(publicKeyDer.subarray(0, p256Prefix.length));
}

/** Relative names in order: common name, unit of the organisation (our role name). */
export type SubjectName = { readonly commonName: string; readonly role: string };

export type CertificateSpec = {
  readonly serialHex: string;
  readonly subject: SubjectName;
  /** Absent: self-signed. */
  readonly issuerDer?: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKeyDer: Uint8Array;
  readonly signingKey: KeyObject;
  readonly extensions: readonly ExtensionSpec[];
};

const nameOf = (subject: SubjectName) =>
  new x509.Name([{ O: ['lien thong'] }, { OU: [subject.role] }, { CN: [subject.commonName] }]);

/** Signs exactly what is asked, without judging it. Returns DER. Throws `csr-invalid` when the key is not P-256. */
export async function buildCertificate(spec: CertificateSpec): Promise<Uint8Array> {
  if (!isP256(spec.publicKeyDer)) throw new ExchangeError('csr-invalid', 'not a P-256 key');
  const subject = nameOf(spec.subject);
  const issuer = spec.issuerDer ? new x509.X509Certificate(spec.issuerDer).subjectName : subject;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: spec.serialHex,
    subject,
    issuer,
    notBefore: new Date(spec.notBeforeMs),
    notAfter: new Date(spec.notAfterMs),
    publicKey: new x509.PublicKey(Buffer.from(spec.publicKeyDer)),
    signingKey: spec.signingKey.toCryptoKey(ecdsaP256, false, ['sign']),
    signingAlgorithm: ecdsaP256,
    extensions: spec.extensions.map((e) => new x509.Extension(e.oid, e.critical, Buffer.from(e.value))),
  });
  return new Uint8Array(certificate.rawData);
}

/** A PKCS#10 request (PEM) that proves possession of `privateKey`. It carries no names: they would not be read. */
export async function buildCsr(privateKey: KeyObject | TokenKey): Promise<string> {
  if (isTokenKey(privateKey)) return tokenCsr(privateKey);
  const publicKey = createPublicKey(privateKey);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name([{ CN: ['lien thong'] }]),
    keys: {
      privateKey: privateKey.toCryptoKey(ecdsaP256, false, ['sign']),
      publicKey: publicKey.toCryptoKey(ecdsaP256, true, ['verify']),
    },
    signingAlgorithm: ecdsaP256,
  });
  return derToPem('CERTIFICATE REQUEST', new Uint8Array(request.rawData));
}

/** RFC 2986, by hand: the library signs only with keys that it can read. */
function tokenCsr({ publicKeyDer, sign }: TokenKey): string {
  const name = der(0x31, derSequence(derOid('2.5.4.3'), der(0x0c, Buffer.from('lien thong'))));
  const info = derSequence(derInteger(0n), derSequence(name), publicKeyDer, der(0xa0));
  const value = sign(info);
  const half = (from: number) => derInteger(BigInt(`0x${value.subarray(from, from + 32).toString('hex')}`));
  const signature = derSequence(half(0), half(32));
  const algorithm = derSequence(derOid('1.2.840.10045.4.3.2'));
  return derToPem(
    'CERTIFICATE REQUEST',
    derSequence(info, algorithm, der(0x03, Buffer.from([0]), signature)),
  );
}

/**
 * The public key (SubjectPublicKeyInfo, DER) of a PEM request whose own signature verifies under that key.
 * Names and extensions of the request are ignored. Throws `csr-invalid`.
 */
export async function publicKeyOfCsr(csrPem: string): Promise<Uint8Array> {
  if (csrPem.length > CSR_PEM_BYTES_MAX) throw new ExchangeError('csr-invalid', 'larger than 8 KiB');
  let publicKeyDer: Uint8Array;
  let proven = false;
  try {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(pemToDer('CERTIFICATE REQUEST', csrPem)));
    publicKeyDer = new Uint8Array(request.publicKey.rawData);
    const { name, hash } = request.signatureAlgorithm as { name: string; hash?: { name: string } };
    if (isP256(publicKeyDer) && name === 'ECDSA' && hash?.name === 'SHA-256') proven = await request.verify();
  } catch (cause) {
    throw new ExchangeError('csr-invalid', 'the request could not be read', { cause });
  }
  if (!proven) throw new ExchangeError('csr-invalid', 'no proof of possession of a P-256 key');
  return publicKeyDer;
}
