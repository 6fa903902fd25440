// A certificate of any authority, read whole and strictly (RFC 5280 §4): what validation needs, nothing believed. certs/certificate.ts reads
// only our own profiles and is narrower; both stand on der.ts. It must never drop an extension without saying so (`unknownCritical`).
import { createHash, type KeyObject } from 'node:crypto';
import { isExchangeError } from '../../protocol/errors.ts';
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
} from '../der.ts';
import { type AlgorithmId, type Policy, readAlgorithm, readBits, readKey } from './algorithms.ts';
import { type NameConstraints, readNameConstraints } from './constraints.ts';
import { type GeneralName, generalNamesOf, type Name, readGeneralNames, readName } from './names.ts';
import { Refusal } from './refusal.ts';

/** A certificate with two thousand names has 100 KiB; more is no certificate. */
export const CERTIFICATE_BYTES_MAX = 1024 * 1024;
const EXTENSIONS_MAX = 100;

export const oids = {
  ski: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  policies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  aki: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
} as const;
/** Judged by this program: being critical is then no reason to refuse. */
const judged: ReadonlySet<string> = new Set(Object.values(oids));
const MS_APPLICATION_POLICIES = '1.3.6.1.4.1.311.21.10';

export type Extension = { readonly critical: boolean; readonly value: Uint8Array };
export type Extensions = ReadonlyMap<string, Extension>;

export type KeyUsageBit =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';
const usageBits: readonly KeyUsageBit[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

export type DistributionPoint = {
  /** Full names, or undefined when the point has none. */
  readonly names: readonly GeneralName[] | undefined;
  /** Bits of ReasonFlags as a number; undefined: all. */
  readonly reasons: number | undefined;
  readonly crlIssuer: readonly GeneralName[] | undefined;
  /** nameRelativeToCRLIssuer, which is not resolved here. */
  readonly relative: boolean;
};

export type Policies = {
  readonly critical: boolean;
  readonly oids: readonly string[];
  /** Qualifiers other than CPS pointer and user notice. */
  readonly unknownQualifier: string | undefined;
};

export type Parsed = {
  readonly der: Uint8Array;
  readonly fingerprint: string;
  readonly tbs: Uint8Array;
  readonly algorithm: AlgorithmId;
  readonly signature: Uint8Array;
  readonly serialHex: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spkiDer: Uint8Array;
  /** Throws `key-refused`. Read once. */
  readonly key: (policy: Policy | undefined) => KeyObject;
  readonly selfIssued: boolean;
  readonly basicConstraints: { readonly isCa: boolean; readonly pathLength: number | undefined } | undefined;
  readonly keyUsage: ReadonlySet<KeyUsageBit> | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly altNames: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly policies: Policies | undefined;
  readonly policyMappings: readonly (readonly [issuer: string, subject: string])[];
  readonly policyConstraints: {
    readonly requireExplicit: number | undefined;
    readonly inhibitMapping: number | undefined;
  };
  readonly inhibitAnyPolicy: number | undefined;
  readonly distributionPoints: readonly DistributionPoint[] | undefined;
  /** Key identifiers, hex. */
  readonly authorityKeyId: string | undefined;
  readonly subjectKeyId: string | undefined;
  readonly unknownCritical: readonly string[];
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Runs a reading; a refusal of the DER reader below becomes `malformed`. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isExchangeError(error, 'certificate-malformed'))
      throw new Refusal('malformed', `${what}: ${error.detail}`);
    throw error;
  }
}

/** The bytes are copied. Throws `malformed`, `too-large`. Checks no signature, believes nothing. */
export function parseAny(bytes: Uint8Array): Parsed {
  if (bytes.length > CERTIFICATE_BYTES_MAX) throw new Refusal('too-large', 'a certificate above 1 MiB');
  return reading('certificate', () => parse(Buffer.from(bytes)));
}

function parse(der: Buffer): Parsed {
  const outer = childrenOf(readDer(der, tags.sequence));
  const [tbs, algorithmOuter, signature] = outer;
  if (outer.length !== 3) throw new Refusal('malformed', 'a certificate has three parts');
  const fields = childrenOf(expectTag(tbs, tags.sequence));
  // DEFAULT v1 is left out; §4.1.2.1.
  const version = fields[0]?.tag === 0xa0 ? readSmallInteger(childrenOf(fields.shift()!)[0]) + 1 : 1;
  const [serial, algorithmInner, issuer, validity, subject, spki, ...rest] = fields;
  const algorithm = readAlgorithm(algorithmOuter);
  // §4.1.1.2: the same twice, or one could be changed behind the signature.
  if (Buffer.compare(readAlgorithm(algorithmInner).whole, algorithm.whole) !== 0)
    throw new Refusal('malformed', 'two signature algorithms');
  const [from, to, ...more] = childrenOf(expectTag(validity, tags.sequence));
  if (more.length > 0 || version > 3) throw new Refusal('malformed', 'validity or version');
  const extensions = readExtensions(rest, version);
  const issuerName = readName(issuer);
  const subjectName = readName(subject);
  const spkiDer = expectTag(spki, tags.sequence).whole;
  let key: KeyObject | undefined;
  return {
    der,
    fingerprint: createHash('sha256').update(der).digest('hex'),
    tbs: tbs!.whole,
    algorithm,
    signature: readBits(signature),
    serialHex: readSerial(serial),
    issuer: issuerName,
    subject: subjectName,
    notBeforeMs: readTime(from),
    notAfterMs: readTime(to),
    spkiDer,
    key: (policy) => (key ??= readKey(spkiDer, policy)),
    selfIssued: issuerName.key === subjectName.key,
    ...readKnown(extensions),
  };
}

/** §4.1.2.2: at most 20 octets. Older authorities wrote zero and negative ones: read, compared, nothing more. */
export function readSerial(element: Der | undefined): string {
  const { content } = expectTag(element, tags.integer);
  if (content.length === 0 || content.length > 21 || (content.length === 21 && content[0] !== 0))
    throw new Refusal('malformed', 'serial number');
  return hex(content).replace(/^00(?=.)/, '');
}

function readExtensions(rest: readonly Der[], version: number): Extensions {
  const found = new Map<string, Extension>();
  // issuerUniqueID [1] and subjectUniqueID [2] may stand before, §4.1.2.8.
  const order = rest.map(({ tag }) => tag);
  if (order.some((tag, i) => ![0x81, 0x82, 0xa3].includes(tag) || (i > 0 && tag <= order[i - 1]!)))
    throw new Refusal('malformed', 'fields behind the key');
  const block = rest.find(({ tag }) => tag === 0xa3);
  if (!block) return found;
  if (version !== 3) throw new Refusal('malformed', 'extensions before version 3');
  return readExtensionList(childrenOf(block)[0]);
}

export function readExtensionList(element: Der | undefined): Extensions {
  const found = new Map<string, Extension>();
  const list = childrenOf(expectTag(element, tags.sequence));
  if (list.length === 0 || list.length > EXTENSIONS_MAX) throw new Refusal('malformed', 'extensions');
  for (const extension of list) {
    const parts = childrenOf(expectTag(extension, tags.sequence));
    const oid = readOid(parts[0]);
    const critical = parts.length === 3 ? readBoolean(parts[1]) : false;
    // §4.2: never two of one kind; two readers could take different ones.
    if (found.has(oid) || parts.length > 3) throw new Refusal('malformed', `extension ${oid} twice`);
    found.set(oid, { critical, value: expectTag(parts.at(-1), tags.octetString).content });
  }
  return found;
}

function readKnown(extensions: Extensions) {
  const value = (oid: string) => extensions.get(oid)?.value;
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const found = value(oid);
    return found === undefined ? undefined : reader(found);
  };
  const extendedKeyUsage = read(oids.extendedKeyUsage, readUsages);
  const policies = extensions.get(oids.policies);
  const constraints = read(oids.policyConstraints, readPolicyConstraints);
  return {
    basicConstraints: read(oids.basicConstraints, readBasicConstraints),
    keyUsage: read(oids.keyUsage, readKeyUsage),
    extendedKeyUsage,
    altNames: read(oids.subjectAltName, generalNamesOf),
    nameConstraints: read(oids.nameConstraints, readNameConstraints),
    policies: policies && readPolicies(policies),
    policyMappings: read(oids.policyMappings, readMappings) ?? [],
    policyConstraints: constraints ?? { requireExplicit: undefined, inhibitMapping: undefined },
    inhibitAnyPolicy: read(oids.inhibitAnyPolicy, (bytes) => readSmallInteger(readDer(bytes))),
    distributionPoints: read(oids.crlDistributionPoints, readDistributionPoints),
    authorityKeyId: read(oids.aki, readAuthorityKeyId),
    subjectKeyId: read(oids.ski, (bytes) => hex(readDer(bytes, tags.octetString).content)),
    unknownCritical: [...extensions]
      .filter(([oid, { critical }]) => critical && !judged.has(oid))
      // The same list as the extended key usage in Microsoft's form: that one has been judged.
      .filter(([oid]) => oid !== MS_APPLICATION_POLICIES || extendedKeyUsage === undefined)
      .map(([oid]) => oid),
  };
}

function readBasicConstraints(value: Uint8Array) {
  const parts = childrenOf(readDer(value, tags.sequence));
  const isCa = parts[0]?.tag === tags.boolean ? readBoolean(parts.shift()) : false;
  const pathLength = parts.length > 0 ? readSmallInteger(parts.shift()) : undefined;
  if (parts.length > 0) throw new Refusal('malformed', 'basic constraints');
  return { isCa, pathLength };
}

function readKeyUsage(value: Uint8Array): ReadonlySet<KeyUsageBit> {
  const { content } = readDer(value, tags.bitString);
  if (content.length < 1 || content.length > 3 || content[0]! > 7)
    throw new Refusal('malformed', 'key usage');
  return new Set(usageBits.filter((_, bit) => ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function readUsages(value: Uint8Array): readonly string[] {
  const usages = childrenOf(readDer(value, tags.sequence)).map(readOid);
  if (usages.length === 0) throw new Refusal('malformed', 'extended key usage without one');
  return usages;
}

const CPS = '1.3.6.1.5.5.7.2.1';
const USER_NOTICE = '1.3.6.1.5.5.7.2.2';

function readPolicies({ critical, value }: Extension): Policies {
  const found: string[] = [];
  let unknownQualifier: string | undefined;
  for (const info of childrenOf(readDer(value, tags.sequence))) {
    const [oid, qualifiers, ...more] = childrenOf(expectTag(info, tags.sequence));
    const policy = readOid(oid);
    // §4.2.1.4: "A certificate policy OID MUST NOT appear more than once".
    if (more.length > 0 || found.includes(policy)) throw new Refusal('malformed', 'certificate policies');
    found.push(policy);
    for (const qualifier of qualifiers ? childrenOf(expectTag(qualifiers, tags.sequence)) : []) {
      const id = readOid(childrenOf(expectTag(qualifier, tags.sequence))[0]);
      if (id !== CPS && id !== USER_NOTICE) unknownQualifier ??= id;
    }
  }
  if (found.length === 0) throw new Refusal('malformed', 'certificate policies without one');
  return { critical, oids: found, unknownQualifier };
}

const ANY_POLICY = '2.5.29.32.0';

function readMappings(value: Uint8Array): readonly (readonly [string, string])[] {
  const pairs = childrenOf(readDer(value, tags.sequence)).map((pair) => {
    const [issuer, subject, ...more] = childrenOf(expectTag(pair, tags.sequence)).map(readOid);
    // §6.1.4 (a): anyPolicy is never mapped.
    if (!issuer || !subject || more.length > 0 || issuer === ANY_POLICY || subject === ANY_POLICY)
      throw new Refusal('malformed', 'policy mappings');
    return [issuer, subject] as const;
  });
  if (pairs.length === 0) throw new Refusal('malformed', 'policy mappings');
  return pairs;
}

/** An INTEGER under an implicit tag. */
const implicitCount = (part: Der): number => readSmallInteger({ ...part, tag: tags.integer });

function readPolicyConstraints(value: Uint8Array) {
  const parts = childrenOf(readDer(value, tags.sequence));
  const of = (tag: number) => parts.find((part) => part.tag === tag);
  // §4.2.1.11: never empty.
  if (parts.length === 0 || parts.some(({ tag }) => tag !== 0x80 && tag !== 0x81))
    throw new Refusal('malformed', 'policy constraints');
  const [explicit, mapping] = [of(0x80), of(0x81)];
  return {
    requireExplicit: explicit && implicitCount(explicit),
    inhibitMapping: mapping && implicitCount(mapping),
  };
}

export function readAuthorityKeyId(value: Uint8Array): string | undefined {
  const part = childrenOf(readDer(value, tags.sequence)).find(({ tag }) => tag === 0x80);
  return part && hex(part.content);
}

/** ReasonFlags as bits, the first flag lowest. */
export function readReasons({ content }: Der): number {
  if (content.length < 1 || content.length > 3) throw new Refusal('malformed', 'reasons');
  let bits = 0;
  for (let bit = 0; bit < 9; bit++)
    if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits |= 1 << bit;
  return bits;
}

/** DistributionPointName, inside its explicit tag: full names, or a name relative to the issuer. */
export function readPointName(element: Der | undefined): Pick<DistributionPoint, 'names' | 'relative'> {
  const choice = element && childrenOf(element)[0];
  if (!choice) return { names: undefined, relative: false };
  if (choice.tag === 0xa0) return { names: readGeneralNames(choice), relative: false };
  return { names: undefined, relative: true };
}

function readDistributionPoints(value: Uint8Array): readonly DistributionPoint[] {
  const points = childrenOf(readDer(value, tags.sequence)).map((point): DistributionPoint => {
    const parts = childrenOf(expectTag(point, tags.sequence));
    const of = (tag: number) => parts.find((part) => part.tag === tag);
    const reasons = of(0x81);
    const crlIssuer = of(0xa2);
    return {
      ...readPointName(of(0xa0)),
      reasons: reasons && readReasons(reasons),
      crlIssuer: crlIssuer && readGeneralNames(crlIssuer),
    };
  });
  if (points.length === 0) throw new Refusal('malformed', 'distribution points');
  return points;
}
