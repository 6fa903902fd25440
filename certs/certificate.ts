// Reads one certificate into plain values, strictly, before anything in it is believed.
// It must never decide: signatures and chains are path.ts, roles and identity are trust.ts.
// First step of every "who is this?".
import { createHash, X509Certificate } from 'node:crypto';
import { ExchangeError } from '../protocol/errors.ts';
import {
  childrenOf,
  type Der,
  expectTag,
  readBoolean,
  readDer,
  readOid,
  readSmallInteger,
  readTime,
  tags,
} from './der.ts';

/** `other`: a form of name that this system never uses (mail, URI, directory name…). */
export type GeneralName =
  | { readonly kind: 'dns'; readonly name: string }
  | { readonly kind: 'ip'; readonly bytes: Uint8Array }
  | { readonly kind: 'other'; readonly tag: number };

export type NameConstraints = {
  readonly critical: boolean;
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
};

export type Certificate = {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  /** Lower case, without leading zeros of the encoding. */
  readonly serialHex: string;
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKeyDer: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo, hex: names the key, whoever certifies it. */
  readonly keyId: string;
  readonly signatureAlgorithm: string;
  readonly isCa: boolean;
  /** Undefined: no limit. */
  readonly pathLength: number | undefined;
  /** Names of usages in the order of RFC 5280 §4.2.1.3; undefined when the extension is absent. */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** Critical extensions that this file does not know: whoever judges must refuse. */
  readonly unknownCritical: readonly string[];
  /** The same certificate for node:crypto. */
  readonly x509: X509Certificate;
};

const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof keyUsages)[number];

/** Ours are under 1 KiB; the bound stops a stranger from making us parse megabytes. */
const CERTIFICATE_BYTES_MAX = 16 * 1024;

export const extensionOids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;
const known: ReadonlySet<string> = new Set(Object.values(extensionOids));

type Extension = { readonly critical: boolean; readonly value: Uint8Array };

function malformed(why: string, cause?: unknown): ExchangeError {
  return new ExchangeError('certificate-malformed', why, { cause });
}

export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** SHA-256 of a SubjectPublicKeyInfo in DER, hex. */
export const keyIdOf = (publicKeyDer: Uint8Array): string => sha256Hex(publicKeyDer);

/** The bytes are copied. Throws `certificate-malformed`; believes nothing, checks no signature. */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > CERTIFICATE_BYTES_MAX) throw malformed('larger than 16 KiB');
  const copy = Buffer.from(bytes);
  const outer = childrenOf(readDer(copy, tags.sequence));
  const [tbs, outerAlgorithm] = outer;
  if (outer.length !== 3 || !outerAlgorithm) throw malformed('a certificate has three parts');
  const fields = childrenOf(expectTag(tbs, tags.sequence));
  if (readSmallInteger(childrenOf(expectTag(fields[0], 0xa0))[0]) !== 2) throw malformed('not version 3');
  const [, serial, innerAlgorithm, issuer, validity, subject, spki, ...rest] = fields;
  if (!innerAlgorithm || Buffer.compare(innerAlgorithm.whole, outerAlgorithm.whole) !== 0)
    throw malformed('two signature algorithms');
  const times = childrenOf(expectTag(validity, tags.sequence));
  const extensions = readExtensions(rest);
  const publicKeyDer = expectTag(spki, tags.sequence).whole;
  return {
    der: copy,
    fingerprint: sha256Hex(copy),
    serialHex: readSerial(serial),
    issuerName: expectTag(issuer, tags.sequence).whole,
    subjectName: expectTag(subject, tags.sequence).whole,
    notBeforeMs: readTime(times[0]),
    notAfterMs: readTime(times[1]),
    publicKeyDer,
    keyId: keyIdOf(publicKeyDer),
    signatureAlgorithm: readOid(childrenOf(expectTag(outerAlgorithm, tags.sequence))[0]),
    ...readBasicConstraints(extensions.get(extensionOids.basicConstraints)),
    keyUsage: readKeyUsage(extensions.get(extensionOids.keyUsage)),
    extendedKeyUsage: readExtendedKeyUsage(extensions.get(extensionOids.extendedKeyUsage)),
    subjectAltName: readNames(extensions.get(extensionOids.subjectAltName)),
    nameConstraints: readNameConstraints(extensions.get(extensionOids.nameConstraints)),
    unknownCritical: [...extensions].filter(([oid, e]) => e.critical && !known.has(oid)).map(([oid]) => oid),
    x509: toX509(copy),
  };
}

function toX509(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw malformed('OpenSSL does not read it', cause);
  }
}

function readSerial(element: Der | undefined): string {
  const { content } = expectTag(element, tags.integer);
  // RFC 5280 §4.1.2.2: positive, at most 20 octets.
  if (content.length === 0 || content.length > 20 || content[0]! > 0x7f) throw malformed('serial number');
  return Buffer.from(content).toString('hex').replace(/^00/, '');
}

function readExtensions(rest: readonly Der[]): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  const block = rest.find((element) => element.tag === 0xa3);
  if (!block) return found;
  for (const extension of childrenOf(expectTag(childrenOf(block)[0], tags.sequence))) {
    const parts = childrenOf(expectTag(extension, tags.sequence));
    const critical = parts.length === 3 ? readBoolean(parts[1]) : false;
    const oid = readOid(parts[0]);
    // RFC 5280 §4.2: never two of one kind; two readers could take different ones.
    if (found.has(oid) || parts.length > 3) throw malformed(`extension ${oid}`);
    found.set(oid, { critical, value: expectTag(parts.at(-1), tags.octetString).content });
  }
  return found;
}

function readBasicConstraints(extension: Extension | undefined): Pick<Certificate, 'isCa' | 'pathLength'> {
  if (!extension) return { isCa: false, pathLength: undefined };
  const parts = childrenOf(readDer(extension.value, tags.sequence));
  const isCa = parts[0]?.tag === tags.boolean ? readBoolean(parts.shift()) : false;
  const pathLength = parts.length > 0 ? readSmallInteger(parts.shift()) : undefined;
  if (parts.length > 0) throw malformed('basic constraints');
  return { isCa, pathLength };
}

function readKeyUsage(extension: Extension | undefined): readonly KeyUsage[] | undefined {
  if (!extension) return undefined;
  const { content } = readDer(extension.value, tags.bitString);
  if (content.length < 2 || content.length > 3) throw malformed('key usage');
  return keyUsages.filter((_, bit) => ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function readExtendedKeyUsage(extension: Extension | undefined): readonly string[] | undefined {
  return extension && childrenOf(readDer(extension.value, tags.sequence)).map(readOid);
}

function readName(element: Der): GeneralName {
  if (element.tag === 0x87) return { kind: 'ip', bytes: element.content };
  if (element.tag !== 0x82) return { kind: 'other', tag: element.tag };
  const name = Buffer.from(element.content).toString('latin1');
  // Printable ASCII without a space or a zero byte: "good.example\0.evil.example" has no place here.
  if (!/^[\x21-\x7e]+$/.test(name)) throw malformed('host name');
  return { kind: 'dns', name };
}

function readNames(extension: Extension | undefined): readonly GeneralName[] {
  return extension ? childrenOf(readDer(extension.value, tags.sequence)).map(readName) : [];
}

function readNameConstraints(extension: Extension | undefined): NameConstraints | undefined {
  if (!extension) return undefined;
  const subtrees = (tag: number) => {
    const block = parts.find((part) => part.tag === tag);
    return (block ? childrenOf(block) : []).map((subtree) => {
      const [base, ...limits] = childrenOf(expectTag(subtree, tags.sequence));
      // RFC 5280 §4.2.1.10: minimum is 0 (absent in DER), maximum is absent.
      if (!base || limits.length > 0) throw malformed('name constraints');
      return readName(base);
    });
  };
  const parts = childrenOf(readDer(extension.value, tags.sequence));
  return { critical: extension.critical, permitted: subtrees(0xa0), excluded: subtrees(0xa1) };
}
