// The algorithms a signature of a document may use, their names and their strength; and the arithmetic, done by node:crypto.
// It must never run what is not on the list: an unknown algorithm is refused by name before any key is touched.
// Under cms.ts and chain.ts.
import { constants, type KeyObject, verify } from 'node:crypto';
import type { Algorithm, PssParams } from './asn1.ts';

export type Strength = 'strong' | 'legacy' | 'refused';

type Hash = { readonly name: string; readonly strength: Strength };
const HASHES: Readonly<Record<string, Hash>> = {
  '1.3.14.3.2.26': { name: 'sha1', strength: 'legacy' },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', strength: 'legacy' },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', strength: 'strong' },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', strength: 'strong' },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', strength: 'strong' },
  '2.16.840.1.101.3.4.2.8': { name: 'sha3-256', strength: 'strong' },
  '2.16.840.1.101.3.4.2.9': { name: 'sha3-384', strength: 'strong' },
  '2.16.840.1.101.3.4.2.10': { name: 'sha3-512', strength: 'strong' },
  // RFC 8419: with Ed448 only. The second form names its length; 512 bits is the only one used.
  '2.16.840.1.101.3.4.2.12': { name: 'shake256', strength: 'strong' },
  '2.16.840.1.101.3.4.2.18': { name: 'shake256', strength: 'strong' },
};

type Scheme = { readonly key: 'rsa' | 'pss' | 'ec' | 'ed25519' | 'ed448'; readonly hash: string | undefined };
const SCHEMES: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.1': { key: 'rsa', hash: undefined },
  '1.2.840.113549.1.1.5': { key: 'rsa', hash: 'sha1' },
  '1.3.14.3.2.29': { key: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.14': { key: 'rsa', hash: 'sha224' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '2.16.840.1.101.3.4.3.14': { key: 'rsa', hash: 'sha3-256' },
  '2.16.840.1.101.3.4.3.15': { key: 'rsa', hash: 'sha3-384' },
  '2.16.840.1.101.3.4.3.16': { key: 'rsa', hash: 'sha3-512' },
  '1.2.840.113549.1.1.10': { key: 'pss', hash: undefined },
  '1.2.840.10045.2.1': { key: 'ec', hash: undefined },
  '1.2.840.10045.4.1': { key: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.1': { key: 'ec', hash: 'sha224' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '2.16.840.1.101.3.4.3.10': { key: 'ec', hash: 'sha3-256' },
  '2.16.840.1.101.3.4.3.11': { key: 'ec', hash: 'sha3-384' },
  '2.16.840.1.101.3.4.3.12': { key: 'ec', hash: 'sha3-512' },
  '1.3.101.112': { key: 'ed25519', hash: undefined },
  '1.3.101.113': { key: 'ed448', hash: undefined },
};
const CURVES = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);

/** Of a digest, by its object identifier; undefined when it is not on the list. */
export const hashOf = (oid: string): Hash | undefined => HASHES[oid];

export const weakest = (...all: readonly Strength[]): Strength =>
  all.includes('refused') ? 'refused' : all.includes('legacy') ? 'legacy' : 'strong';

/** Strength of a certificate's own signature. */
export function certificateStrength(oid: string): Strength {
  const scheme = SCHEMES[oid];
  if (!scheme) return 'refused';
  return scheme.hash === 'sha1' || scheme.hash === 'sha224' ? 'legacy' : 'strong';
}

/** What the key allows: RSA under 2048 bits is legacy, under 1024 refused; curves by name. */
export function keyStrength(key: KeyObject): Strength {
  const details = key.asymmetricKeyDetails;
  const type = key.asymmetricKeyType;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0;
    return bits >= 2048 ? 'strong' : bits >= 1024 ? 'legacy' : 'refused';
  }
  if (type === 'ec') return CURVES.has(details?.namedCurve ?? '') ? 'strong' : 'refused';
  return type === 'ed25519' || type === 'ed448' ? 'strong' : 'refused';
}

export type Check = {
  readonly algorithm: Algorithm;
  /** Object identifier of SignerInfo.digestAlgorithm. */
  readonly digestOid: string;
  readonly key: KeyObject;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

export type Checked = { readonly good: boolean; readonly strength: Strength; readonly name: string };

/** One signature value. An algorithm outside the list, or a key of another kind, is `refused` and not tried. */
export function checkSignature(check: Check): Checked {
  const { algorithm, digestOid, key, signed, signature } = check;
  const scheme = SCHEMES[algorithm.oid];
  const digest = hashOf(digestOid);
  const refused = (name: string): Checked => ({ good: false, strength: 'refused', name });
  if (!scheme) return refused(`signature algorithm ${algorithm.oid}`);
  if (!digest) return refused(`digest algorithm ${digestOid}`);
  if (scheme.key === 'ed25519' || scheme.key === 'ed448') {
    // RFC 8419, 2.3: SHA-512 with Ed25519, SHAKE256 with Ed448, nothing else.
    if (key.asymmetricKeyType !== scheme.key) return refused('key of another kind');
    if (digest.name !== (scheme.key === 'ed25519' ? 'sha512' : 'shake256'))
      return refused(`${scheme.key} with ${digest.name}`);
    return { good: tried(() => verify(null, signed, key, signature)), strength: 'strong', name: scheme.key };
  }
  if (digest.name === 'shake256') return refused('shake256');
  const pss = scheme.key === 'pss' ? algorithm.pss : undefined;
  if (scheme.key === 'pss' && !goodPss(pss)) return refused('PSS parameters');
  const hash = pss
    ? hashOf(pss.hashOid)
    : Object.values(HASHES).find((one) => one.name === (scheme.hash ?? digest.name));
  if (!hash) return refused('hash');
  const kinds = scheme.key === 'ec' ? ['ec'] : ['rsa', 'rsa-pss'];
  if (!kinds.includes(key.asymmetricKeyType ?? '')) return refused('key of another kind');
  const strength = weakest(hash.strength, digest.strength, keyStrength(key));
  const name = `${scheme.key === 'ec' ? 'ECDSA' : scheme.key === 'pss' ? 'RSA-PSS' : 'RSA'} ${hash.name}`;
  if (strength === 'refused') return refused(`${name} with this key`);
  const options = pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltBytes }
    : scheme.key === 'rsa'
      ? { key, padding: constants.RSA_PKCS1_PADDING }
      : key;
  return { good: tried(() => verify(hash.name, signed, options, signature)), strength, name };
}

/** One hash for message and mask, as every signer writes it; OpenSSL would take others. */
function goodPss(pss: PssParams | undefined): pss is PssParams {
  return (
    pss !== undefined &&
    hashOf(pss.hashOid) !== undefined &&
    pss.maskOid === '1.2.840.113549.1.1.8' &&
    pss.maskHashOid === pss.hashOid &&
    pss.saltBytes >= 0 &&
    pss.saltBytes <= 256
  );
}

function tried(run: () => boolean): boolean {
  try {
    return run();
  } catch {
    // OpenSSL throws for signatures it cannot even load: they are as wrong as the others.
    return false;
  }
}
