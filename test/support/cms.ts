// CMS signatures and time stamps for tests, attribute by attribute (RFC 5652, 5035, 3161), signed by the parties of pki.ts: what real signers write, and
// what none would. Nothing of the product's own signing is used.
import { createHash, type KeyObject, sign } from 'node:crypto';
import {
  childrenOf,
  der,
  derGeneralizedTime,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derTime,
  readDer,
} from '../../certs/der.ts';

/** A key with its certificate, and the certificates that go along. */
export type Signer = {
  readonly privateKey: KeyObject;
  readonly der: Uint8Array;
  readonly chain?: readonly Uint8Array[];
};

const hashes = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;
export type HashName = keyof typeof hashes;

export type CmsShape = {
  readonly content: Uint8Array;
  /** Of a content that is too large to be held: instead of the digest of `content`. */
  readonly digest?: Uint8Array;
  readonly signer: Signer;
  readonly hash?: HashName;
  /** Salt of RSA-PSS; undefined: PKCS #1 v1.5. */
  readonly pssSalt?: number;
  /** Writes signing-certificate-v2, as ETSI.CAdES.detached asks. */
  readonly cades?: boolean;
  readonly signingMs?: number;
  /** More signed attributes, encoded. */
  readonly signed?: readonly Uint8Array[];
  /** Stamps the signature with this authority. */
  readonly stamp?: { readonly by: Signer; readonly atMs: number };
  /** Of the encapsulated content; absent: detached data. */
  readonly inside?: string;
};

const DATA = '1.2.840.113549.1.7.1';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const digestOf = (hash: HashName, bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest();
const hashId = (hash: HashName): Uint8Array => derSequence(derOid(hashes[hash]), der(0x05));
export const attribute = (oid: string, value: Uint8Array): Uint8Array =>
  derSequence(derOid(oid), der(0x31, value));

/** Adobe's archive of revocation (ISO 32000-1, 12.8.3.3.2) with OCSP answers. */
export const archived = (...answers: readonly Uint8Array[]): Uint8Array =>
  attribute('1.2.840.113583.1.1.8', derSequence(der(0xa1, derSequence(...answers))));

function algorithmOf(key: KeyObject, hash: HashName, pssSalt: number | undefined): Uint8Array {
  if (key.asymmetricKeyType === 'ed25519') return derSequence(derOid('1.3.101.112'));
  if (key.asymmetricKeyType === 'ec') {
    const last = { md5: 0, sha1: 1, sha256: 2, sha384: 3, sha512: 4 }[hash];
    return derSequence(derOid(hash === 'sha1' ? '1.2.840.10045.4.1' : `1.2.840.10045.4.3.${last}`));
  }
  if (pssSalt === undefined) return derSequence(derOid('1.2.840.113549.1.1.1'), der(0x05));
  const parameters = derSequence(
    der(0xa0, hashId(hash)),
    der(0xa1, derSequence(derOid('1.2.840.113549.1.1.8'), hashId(hash))),
    der(0xa2, derInteger(BigInt(pssSalt))),
  );
  return derSequence(derOid('1.2.840.113549.1.1.10'), parameters);
}

/** Issuer and serial number of a certificate, as they stand in it. */
function issuerAndSerial(certificate: Uint8Array): Uint8Array {
  const [, serial, , issuer] = childrenOf(childrenOf(readDer(certificate))[0]!);
  return derSequence(issuer!.whole, serial!.whole);
}

export function cmsOf(shape: CmsShape): Buffer {
  const { content, signer, hash = 'sha256', pssSalt, inside } = shape;
  const { privateKey: key } = signer;
  const attributes = [
    attribute('1.2.840.113549.1.9.3', derOid(inside ?? DATA)),
    attribute('1.2.840.113549.1.9.4', derOctets(shape.digest ?? digestOf(hash, content))),
    ...(shape.cades
      ? [
          attribute(
            '1.2.840.113549.1.9.16.2.47',
            derSequence(derSequence(derSequence(derOctets(digestOf('sha256', signer.der))))),
          ),
        ]
      : []),
    ...(shape.signingMs === undefined ? [] : [attribute('1.2.840.113549.1.9.5', derTime(shape.signingMs))]),
    ...(shape.signed ?? []),
  ].sort(Buffer.compare);
  const signature = sign(
    key.asymmetricKeyType === 'ed25519' ? null : hash,
    der(0x31, ...attributes),
    pssSalt === undefined ? key : { key, padding: 6, saltLength: pssSalt },
  );
  const { stamp } = shape;
  const unsigned = stamp
    ? [der(0xa1, attribute('1.2.840.113549.1.9.16.2.14', tokenOf(signature, stamp)))]
    : [];
  const info = derSequence(
    derInteger(1n),
    issuerAndSerial(signer.der),
    hashId(hash),
    der(0xa0, ...attributes),
    algorithmOf(key, hash, pssSalt),
    derOctets(signature),
    ...unsigned,
  );
  const encapsulated = inside ? [der(0xa0, derOctets(content))] : [];
  const data = derSequence(
    derInteger(inside ? 3n : 1n),
    der(0x31, hashId(hash)),
    derSequence(derOid(inside ?? DATA), ...encapsulated),
    der(0xa0, signer.der, ...(signer.chain ?? [])),
    der(0x31, info),
  );
  return Buffer.from(derSequence(derOid('1.2.840.113549.1.7.2'), der(0xa0, data)));
}

/** An RFC 3161 token over `stamped`. */
export function tokenOf(
  stamped: Uint8Array,
  { by, atMs }: { readonly by: Signer; readonly atMs: number },
): Buffer {
  const info = derSequence(
    derInteger(1n),
    derOid('1.2.3.4.1'),
    derSequence(hashId('sha256'), derOctets(digestOf('sha256', stamped))),
    derInteger(7n),
    derGeneralizedTime(atMs),
  );
  return cmsOf({ content: info, signer: by, cades: true, inside: TST_INFO });
}
