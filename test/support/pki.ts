// An authority for tests, byte by byte: certificates and revocation lists of any shape, right or wrong, signed by node:crypto. Nothing of the
// product's own CA is used, so that what it reads was not written by itself.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  der,
  derBoolean,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derTime,
  tags,
} from '../../certs/der.ts';

export type Kind = 'p256' | 'p384' | 'p521' | 'rsa' | 'pss' | 'ed25519' | 'sha1';
export type Party = {
  readonly name: string;
  readonly kind: Kind;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly der: Uint8Array;
};
export type Extension = { readonly oid: string; readonly critical?: boolean; readonly value: Uint8Array };

const sha256 = derSequence(derOid('2.16.840.1.101.3.4.2.1'), der(0x05));
const pssParams = derSequence(
  der(0xa0, sha256),
  der(0xa1, derSequence(derOid('1.2.840.113549.1.1.8'), sha256)),
  der(0xa2, derInteger(32n)),
);
const algorithms: Readonly<Record<Kind, { id: Uint8Array; hash: string | null }>> = {
  p256: { id: derSequence(derOid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  p384: { id: derSequence(derOid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  p521: { id: derSequence(derOid('1.2.840.10045.4.3.4')), hash: 'sha512' },
  rsa: { id: derSequence(derOid('1.2.840.113549.1.1.11'), der(0x05)), hash: 'sha256' },
  sha1: { id: derSequence(derOid('1.2.840.113549.1.1.5'), der(0x05)), hash: 'sha1' },
  pss: { id: derSequence(derOid('1.2.840.113549.1.1.10'), pssParams), hash: 'sha256' },
  ed25519: { id: derSequence(derOid('1.3.101.112')), hash: null },
};
const curves: Partial<Record<Kind, string>> = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' };
/** RSA keys take a second to make: one for all of them. */
let rsa: ReturnType<typeof generateKeyPairSync> | undefined;

function newKeys(kind: Kind): { privateKey: KeyObject; publicKey: KeyObject } {
  const namedCurve = curves[kind];
  if (namedCurve) return generateKeyPairSync('ec', { namedCurve });
  if (kind === 'ed25519') return generateKeyPairSync('ed25519');
  rsa ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return rsa as unknown as { privateKey: KeyObject; publicKey: KeyObject };
}

export function signed(
  tbs: Uint8Array,
  { kind, privateKey }: Pick<Party, 'kind' | 'privateKey'>,
): Uint8Array {
  const { id, hash } = algorithms[kind];
  const key = kind === 'pss' ? { key: privateKey, padding: 6, saltLength: 32 } : privateKey;
  return derSequence(tbs, id, der(tags.bitString, Buffer.from([0]), sign(hash, tbs, key)));
}

export const nameOf = (name: string, tag = 0x0c): Uint8Array =>
  derSequence(der(0x31, derSequence(derOid('2.5.4.3'), der(tag, Buffer.from(name)))));
const extensionOf = ({ oid, critical, value }: Extension): Uint8Array =>
  derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctets(value));

export const ext = {
  ca: (pathLength?: number): Extension => ({
    oid: '2.5.29.19',
    critical: true,
    value: derSequence(
      derBoolean(true),
      ...(pathLength === undefined ? [] : [derInteger(BigInt(pathLength))]),
    ),
  }),
  /** Bits of the first octet: 0x80 digitalSignature, 0x04 keyCertSign, 0x02 cRLSign. */
  usage: (bits: number): Extension => ({
    oid: '2.5.29.15',
    critical: true,
    value: der(tags.bitString, Buffer.from([0, bits])),
  }),
  usages: (...all: string[]): Extension => ({ oid: '2.5.29.37', value: derSequence(...all.map(derOid)) }),
  altNames: (...names: Uint8Array[]): Extension => ({ oid: '2.5.29.17', value: derSequence(...names) }),
  constraints: (permitted: Uint8Array[], excluded: Uint8Array[] = []): Extension => ({
    oid: '2.5.29.30',
    critical: true,
    value: derSequence(
      ...(permitted.length ? [der(0xa0, ...permitted.map((base) => derSequence(base)))] : []),
      ...(excluded.length ? [der(0xa1, ...excluded.map((base) => derSequence(base)))] : []),
    ),
  }),
  points: (...points: Uint8Array[]): Extension => ({
    oid: '2.5.29.31',
    value: derSequence(...points.map((point) => derSequence(point))),
  }),
  raw: (oid: string, value: Uint8Array, critical = false): Extension => ({ oid, critical, value }),
};
export const general = {
  mail: (text: string) => der(0x81, Buffer.from(text)),
  dns: (text: string) => der(0x82, Buffer.from(text)),
  directory: (name: string) => der(0xa4, nameOf(name)),
  uri: (text: string) => der(0x86, Buffer.from(text)),
  ip: (...bytes: number[]) => der(0x87, Buffer.from(bytes)),
  other: () => der(0xa0, derOid('1.2.3.4'), der(0xa0, der(0x0c, Buffer.from('x')))),
};

export type CertificateShape = {
  readonly name: string;
  readonly kind?: Kind;
  readonly issuer?: Party | undefined;
  readonly issuerName?: Uint8Array;
  readonly serial?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly extensions?: readonly Extension[];
  readonly keys?: { privateKey: KeyObject; publicKey: KeyObject };
};

export const nowMs = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;

/** Self-signed without an issuer; an authority when it has `ca` among its extensions, as the first argument says. */
export function make(shape: CertificateShape): Party {
  const { name, kind = 'p256', issuer, serial = 1000, extensions = [] } = shape;
  const { privateKey, publicKey } = shape.keys ?? newKeys(kind);
  const signer = issuer ?? { kind, privateKey };
  const tbs = derSequence(
    der(0xa0, derInteger(2n)),
    derInteger(BigInt(serial)),
    algorithms[signer.kind].id,
    shape.issuerName ?? nameOf(issuer?.name ?? name),
    derSequence(derTime(shape.fromMs ?? nowMs - DAY_MS), derTime(shape.toMs ?? nowMs + 365 * DAY_MS)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length ? [der(0xa3, derSequence(...extensions.map(extensionOf)))] : []),
  );
  return { name, kind, privateKey, publicKey, der: signed(tbs, signer) };
}

export const authority = (name: string, issuer?: Party, more: Partial<CertificateShape> = {}): Party =>
  make({ name, issuer, extensions: [ext.ca(), ext.usage(0x06)], ...more });

export type ListShape = {
  readonly issuer: Party;
  readonly signer?: Party;
  readonly revoked?: readonly { serial: number; atMs?: number; extensions?: readonly Extension[] }[];
  readonly fromMs?: number;
  /** null: without nextUpdate. */
  readonly toMs?: number | null;
  readonly number?: number;
  readonly extensions?: readonly Extension[];
};

export function list(shape: ListShape): Uint8Array {
  const { issuer, signer = issuer, revoked = [], number = 1, toMs = nowMs + DAY_MS } = shape;
  const entries = revoked.map(({ serial, atMs = nowMs - 3600_000, extensions = [] }) =>
    derSequence(
      derInteger(BigInt(serial)),
      derTime(atMs),
      ...(extensions.length ? [derSequence(...extensions.map(extensionOf))] : []),
    ),
  );
  const all = [{ oid: '2.5.29.20', value: derInteger(BigInt(number)) }, ...(shape.extensions ?? [])];
  const tbs = derSequence(
    derInteger(1n),
    algorithms[signer.kind].id,
    nameOf(issuer.name),
    derTime(shape.fromMs ?? nowMs - DAY_MS),
    ...(toMs === null ? [] : [derTime(toMs)]),
    ...(entries.length ? [derSequence(...entries)] : []),
    der(0xa0, derSequence(...all.map(extensionOf))),
  );
  return signed(tbs, signer);
}
