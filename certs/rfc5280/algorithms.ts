// The signature algorithms and keys that count for a chain of any authority, by exact identifiers; the arithmetic is node:crypto's. It must
// never run an algorithm that is not on the list, nor let a key of one kind verify a signature of another. Also judged by Wycheproof's vectors.
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { childrenOf, type Der, expectTag, readDer, readOid, tags } from '../der.ts';
import { Refusal } from './refusal.ts';

/** AlgorithmIdentifier (RFC 5280 §4.1.1.2). */
export type AlgorithmId = {
  readonly oid: string;
  readonly params: Der | undefined;
  readonly whole: Uint8Array;
};

export function readAlgorithm(element: Der | undefined): AlgorithmId {
  const sequence = expectTag(element, tags.sequence);
  const [oid, params, ...more] = childrenOf(sequence);
  if (more.length > 0) throw new Refusal('malformed', 'algorithm identifier');
  return { oid: readOid(oid), params, whole: sequence.whole };
}

type Scheme =
  | { readonly kind: 'rsa'; readonly hash: string; readonly weak?: true }
  | { readonly kind: 'ec'; readonly hash: string; readonly weak?: true }
  | { readonly kind: 'pss' }
  | { readonly kind: 'ed25519' | 'ed448' };

const schemes: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.5': { kind: 'rsa', hash: 'sha1', weak: true },
  '1.2.840.113549.1.1.11': { kind: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { kind: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { kind: 'rsa', hash: 'sha512' },
  '1.2.840.113549.1.1.10': { kind: 'pss' },
  '1.2.840.10045.4.1': { kind: 'ec', hash: 'sha1', weak: true },
  '1.2.840.10045.4.3.2': { kind: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { kind: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { kind: 'ec', hash: 'sha512' },
  '1.3.101.112': { kind: 'ed25519' },
  '1.3.101.113': { kind: 'ed448' },
};
/** Known by name so that the reason is a policy, not "unknown". */
const refused: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.3.14.3.2.29': 'SHA-1',
  '1.2.840.10040.4.3': 'DSA with SHA-1',
};
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const curves: ReadonlySet<string> = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);
/** Octets: an old generator left the first bit of a 2,048-bit modulus at zero now and then. */
const RSA_OCTETS = { min: 256, weakMin: 128, max: 1024 } as const;
const MGF1 = '1.2.840.113549.1.1.8';

export type Policy = {
  /** SHA-1 in signatures and RSA of 1024 bits, for judging chains of the 2010s at their own time. Never a default. */
  readonly weak?: boolean;
};

const isNull = (params: Der | undefined): boolean =>
  params === undefined || (params.tag === 0x05 && params.content.length === 0);

type PssParams = { readonly hash: string; readonly saltBytes: number };

/** RSASSA-PSS-params (RFC 4055 §3.1): one hash for both uses, trailer 1. Defaults are SHA-1, 20 bytes. */
function readPss(params: Der | undefined): PssParams {
  const parts = new Map(childrenOf(expectTag(params, tags.sequence)).map((part) => [part.tag, part]));
  if ([...parts.keys()].some((tag) => tag < 0xa0 || tag > 0xa3))
    throw new Refusal('malformed', 'PSS parameters');
  const inner = (tag: number) => {
    const part = parts.get(tag);
    return part ? childrenOf(part)[0] : undefined;
  };
  const hashOf = (element: Der | undefined): string => {
    if (!element) return 'sha1';
    const { oid, params: own } = readAlgorithm(element);
    const name = hashes[oid];
    if (name === undefined || !isNull(own))
      throw new Refusal('algorithm-unsupported', `PSS with hash ${oid}`);
    return name;
  };
  const hash = hashOf(inner(0xa0));
  const mask = inner(0xa1);
  const maskId = mask ? readAlgorithm(mask) : undefined;
  if (maskId && maskId.oid !== MGF1)
    throw new Refusal('algorithm-unsupported', `PSS with mask ${maskId.oid}`);
  if (hashOf(maskId?.params) !== hash) throw new Refusal('algorithm-unsupported', 'PSS with two hashes');
  return { hash, saltBytes: readCount(inner(0xa2), 20) };
}

function readCount(element: Der | undefined, otherwise: number): number {
  if (!element) return otherwise;
  const { content } = expectTag(element, tags.integer);
  if (content.length < 1 || content.length > 2 || content[0]! > 0x7f)
    throw new Refusal('malformed', 'PSS salt length');
  return Buffer.from(content).readUIntBE(0, content.length);
}

/** The key of a SubjectPublicKeyInfo. Throws `key-refused`: kind, size or curve is not on the list, or OpenSSL cannot read it. */
export function readKey(spkiDer: Uint8Array, policy: Policy = {}): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
  } catch {
    throw new Refusal('key-refused', 'the key cannot be read');
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519' || type === 'ed448') return key;
  if (type === 'ec') {
    if (curves.has(details?.namedCurve ?? '')) return key;
    throw new Refusal('key-refused', `curve ${details?.namedCurve ?? 'by its own parameters'}`);
  }
  if (type !== 'rsa' && type !== 'rsa-pss') throw new Refusal('key-refused', `a key of kind ${type}`);
  const bits = details?.modulusLength ?? 0;
  const exponent = details?.publicExponent ?? 0n;
  const octets = Math.ceil(bits / 8);
  if (octets < (policy.weak ? RSA_OCTETS.weakMin : RSA_OCTETS.min) || octets > RSA_OCTETS.max)
    throw new Refusal('key-refused', `RSA of ${bits} bits`);
  if (exponent < 3n || exponent % 2n === 0n || exponent > 0xffffffffffffffffn)
    throw new Refusal('key-refused', 'RSA exponent');
  return key;
}

/** Throws when the algorithm itself is not accepted, before any key is touched: `algorithm-refused`, `algorithm-unsupported`. */
export function assertAlgorithm({ oid, params }: AlgorithmId, policy: Policy = {}): void {
  const scheme = schemes[oid];
  if (!scheme) {
    const name = refused[oid];
    throw name
      ? new Refusal('algorithm-refused', name)
      : new Refusal('algorithm-unsupported', `signature algorithm ${oid}`);
  }
  const hash = scheme.kind === 'pss' ? readPss(params).hash : 'hash' in scheme ? scheme.hash : '';
  if (hash === 'sha1' && !policy.weak) throw new Refusal('algorithm-refused', 'SHA-1');
  if (scheme.kind === 'rsa' && !isNull(params)) throw new Refusal('malformed', 'RSA parameters');
  // RFC 5758 §3.2, RFC 8410 §3: absent.
  if ((scheme.kind === 'ec' || scheme.kind.startsWith('ed')) && params !== undefined)
    throw new Refusal('malformed', 'parameters where there are none');
}

/**
 * Whether `signature` over `signed` is one of `key` under `algorithm`. False also for a key of another kind. Throws as assertAlgorithm.
 * ECDSA signatures are DER (RFC 3279 §2.2.3), strict: OpenSSL refuses other encodings of the same numbers.
 */
export function signatureHolds(
  {
    algorithm,
    key,
    signed,
    signature,
  }: {
    readonly algorithm: AlgorithmId;
    readonly key: KeyObject;
    readonly signed: Uint8Array;
    readonly signature: Uint8Array;
  },
  policy: Policy = {},
): boolean {
  assertAlgorithm(algorithm, policy);
  const scheme = schemes[algorithm.oid]!;
  const type = key.asymmetricKeyType;
  try {
    switch (scheme.kind) {
      case 'rsa':
        return (
          type === 'rsa' &&
          verify(scheme.hash, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
        );
      case 'pss': {
        if (type !== 'rsa' && type !== 'rsa-pss') return false;
        const { hash, saltBytes } = readPss(algorithm.params);
        const padding = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltBytes };
        return verify(hash, signed, padding, signature);
      }
      case 'ec':
        return type === 'ec' && verify(scheme.hash, signed, { key, dsaEncoding: 'der' }, signature);
      default:
        return type === scheme.kind && verify(null, signed, key, signature);
    }
  } catch {
    // A signature or key that OpenSSL cannot use proves nothing (length, parameters of an rsa-pss key).
    return false;
  }
}

/** Bytes of a BIT STRING that holds whole octets. */
export function readBits(element: Der | undefined): Uint8Array {
  const { content } = expectTag(element, tags.bitString);
  if (content[0] !== 0) throw new Refusal('malformed', 'a bit string with loose bits');
  return content.subarray(1);
}

export const algorithmOfDer = (bytes: Uint8Array): AlgorithmId =>
  readAlgorithm(readDer(bytes, tags.sequence));
