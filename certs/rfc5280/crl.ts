// A certificate revocation list of any authority, read whole and strictly (RFC 5280 §5). It must never skip a critical extension that it does
// not know, of the list or of an entry: then the list says nothing (`unsupported`).
import {
  childrenOf,
  type Der,
  expectTag,
  readBoolean,
  readDer,
  readSmallInteger,
  readTime,
  tags,
} from '../der.ts';
import { type AlgorithmId, readAlgorithm, readBits } from './algorithms.ts';
import { type GeneralName, generalNamesOf, type Name, readName } from './names.ts';
import {
  type DistributionPoint,
  type Extensions,
  oids,
  readAuthorityKeyId,
  readExtensionList,
  reading,
  readPointName,
  readReasons,
  readSerial,
} from './parse.ts';
import { Refusal } from './refusal.ts';

/** A list of a national authority with half a million entries has 20 MiB. The DER reader below stops at 16 MiB. */
export const CRL_BYTES_MAX = 16 * 1024 * 1024;

export type CrlEntry = {
  readonly serialHex: string;
  readonly revokedMs: number;
  readonly reason: number | undefined;
  readonly invalidityMs: number | undefined;
  /** Key of the certificate issuer's name: the list's own, or what an indirect list says. */
  readonly issuerKey: string;
};

export type Scope = Pick<DistributionPoint, 'names' | 'relative'> & {
  readonly onlyUsers: boolean;
  readonly onlyCas: boolean;
  readonly onlyAttributes: boolean;
  readonly onlyReasons: number | undefined;
  readonly indirect: boolean;
  /** The extension's bytes, hex: a delta has the same scope as its base, §5.2.4. */
  readonly bytes: string;
};

export type CrlList = {
  readonly tbs: Uint8Array;
  readonly algorithm: AlgorithmId;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly authorityKeyId: string | undefined;
  /** Big numbers as they are: at most 20 octets. */
  readonly number: bigint | undefined;
  /** BaseCRLNumber: set in a delta. */
  readonly base: bigint | undefined;
  readonly scope: Scope | undefined;
  /** By `issuerKey serial`. Empty when `unsupported` is set. */
  readonly entries: ReadonlyMap<string, CrlEntry>;
  /** A critical extension that is not understood: the list must not be used. */
  readonly unsupported: string | undefined;
};

const DELTA = '2.5.29.27';
const ISSUING_POINT = '2.5.29.28';
const CERTIFICATE_ISSUER = '2.5.29.29';
const REASON = '2.5.29.21';
const INVALIDITY = '2.5.29.24';
const listKnown: ReadonlySet<string> = new Set([
  oids.crlNumber,
  oids.aki,
  oids.freshestCrl,
  DELTA,
  ISSUING_POINT,
]);
const entryKnown: ReadonlySet<string> = new Set([REASON, INVALIDITY, CERTIFICATE_ISSUER]);

export const entryKey = (issuerKey: string, serialHex: string): string => `${serialHex} ${issuerKey}`;

/** Throws `malformed`, `too-large`. Checks no signature. */
export function parseCrl(bytes: Uint8Array): CrlList {
  if (bytes.length > CRL_BYTES_MAX) throw new Refusal('too-large', 'a revocation list above 16 MiB');
  return reading('revocation list', () => parse(Buffer.from(bytes)));
}

function parse(der: Buffer): CrlList {
  const outer = childrenOf(readDer(der, tags.sequence));
  const [tbs, algorithmOuter, signature] = outer;
  if (outer.length !== 3) throw new Refusal('malformed', 'a revocation list has three parts');
  const fields = childrenOf(expectTag(tbs, tags.sequence));
  const version = fields[0]?.tag === tags.integer ? readSmallInteger(fields.shift()) + 1 : 1;
  const algorithm = readAlgorithm(algorithmOuter);
  if (Buffer.compare(readAlgorithm(fields.shift()).whole, algorithm.whole) !== 0)
    throw new Refusal('malformed', 'two signature algorithms');
  const issuer = readName(fields.shift());
  const thisUpdateMs = readTime(fields.shift());
  const isTime = (tag: number | undefined) => tag === tags.utcTime || tag === tags.generalizedTime;
  const nextUpdateMs = isTime(fields[0]?.tag) ? readTime(fields.shift()) : undefined;
  const list = fields[0]?.tag === tags.sequence ? childrenOf(fields.shift()!) : [];
  const block = fields.shift();
  if (fields.length > 0 || version > 2) throw new Refusal('malformed', 'revocation list');
  const extensions: Extensions = block ? readExtensionList(childrenOf(expectTag(block, 0xa0))[0]) : new Map();
  if (block && version !== 2) throw new Refusal('malformed', 'extensions before version 2');
  const scope = extensions.get(ISSUING_POINT);
  const base = extensions.get(DELTA);
  const number = extensions.get(oids.crlNumber);
  const aki = extensions.get(oids.aki);
  const read = readEntries(list, issuer, scope !== undefined && readScope(scope.value).indirect);
  const unknown = unknownCritical(extensions, listKnown);
  return {
    tbs: tbs!.whole,
    algorithm,
    signature: readBits(signature),
    issuer,
    thisUpdateMs,
    nextUpdateMs,
    authorityKeyId: aki && readAuthorityKeyId(aki.value),
    number: number && readNumber(number.value),
    base: base && readNumber(base.value),
    scope: scope && readScope(scope.value),
    entries: read.entries,
    unsupported: unknown ?? read.unsupported,
  };
}

const unknownCritical = (extensions: Extensions, known: ReadonlySet<string>): string | undefined =>
  [...extensions].find(([oid, { critical }]) => critical && !known.has(oid))?.[0];

function readNumber(value: Uint8Array): bigint {
  const { content } = readDer(value, tags.integer);
  if (content.length < 1 || content.length > 21 || content[0]! > 0x7f)
    throw new Refusal('malformed', 'list number');
  return BigInt(`0x${Buffer.from(content).toString('hex')}`);
}

/** §5.2.5. Implicit booleans; absent is false. */
function readScope(value: Uint8Array): Scope {
  const parts = childrenOf(readDer(value, tags.sequence));
  const of = (tag: number) => parts.find((part) => part.tag === tag);
  const flag = (tag: number): boolean => {
    const part = of(tag);
    return part !== undefined && readBoolean({ ...part, tag: tags.boolean });
  };
  if (parts.some(({ tag }) => ![0xa0, 0x81, 0x82, 0x83, 0x84, 0x85].includes(tag)))
    throw new Refusal('malformed', 'issuing distribution point');
  const reasons = of(0x83);
  const scope = {
    ...readPointName(of(0xa0)),
    onlyUsers: flag(0x81),
    onlyCas: flag(0x82),
    onlyReasons: reasons && readReasons(reasons),
    indirect: flag(0x84),
    onlyAttributes: flag(0x85),
    bytes: Buffer.from(value).toString('hex'),
  };
  // "at most one of these" §5.2.5.
  if ([scope.onlyUsers, scope.onlyCas, scope.onlyAttributes].filter(Boolean).length > 1)
    throw new Refusal('malformed', 'issuing distribution point');
  return scope;
}

function readEntries(list: readonly Der[], issuer: Name, indirect: boolean) {
  const entries = new Map<string, CrlEntry>();
  let unsupported: string | undefined;
  let issuerKey = issuer.key;
  for (const item of list) {
    const [serial, at, block, ...more] = childrenOf(expectTag(item, tags.sequence));
    if (more.length > 0) throw new Refusal('malformed', 'entry of a revocation list');
    const extensions: Extensions = block ? readExtensionList(block) : new Map();
    unsupported ??= unknownCritical(extensions, entryKnown);
    const names = extensions.get(CERTIFICATE_ISSUER);
    // §5.3.3: holds for the entries behind it too, until another comes.
    if (names) {
      if (!indirect) unsupported ??= 'certificateIssuer in a list that is not indirect';
      issuerKey = directoryKey(generalNamesOf(names.value)) ?? '';
    }
    const reason = extensions.get(REASON);
    const invalidity = extensions.get(INVALIDITY);
    const entry: CrlEntry = {
      serialHex: readSerial(serial),
      revokedMs: readTime(at),
      reason: reason && readDer(reason.value, 0x0a).content[0],
      invalidityMs: invalidity && readTime(readDer(invalidity.value)),
      issuerKey,
    };
    entries.set(entryKey(issuerKey, entry.serialHex), entry);
  }
  return { entries, unsupported };
}

export function directoryKey(names: readonly GeneralName[]): string | undefined {
  const found = names.find((name) => name.form === 'directory');
  return found?.form === 'directory' ? found.name.key : undefined;
}
