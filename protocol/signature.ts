// Signatures over exact bytes with a context. Two algorithms are allowed and nothing else: p256, and merkle-p256 for any
// statement in a batch. Verify before parsing what is inside; never sign or verify a re-encoding. PROTOCOL.md 4.
import { hash, type KeyObject, sign, verify } from 'node:crypto';
import { ExchangeError } from './errors.ts';
import { limits } from './limits.ts';
import { leafHash, pathOf, rootFromPath, treeLevels } from './merkle.ts';
import type { Signature, Signed } from './wire.ts';

/** Payload type → context string. A type that is not here is never signed and never verified. */
const contexts = {
  'lienthong/header/1': 'lienthong v1 seal',
  'lienthong/receipt/1': 'lienthong v1 receipt',
  'lienthong/notice/1': 'lienthong v1 notice',
  'lienthong/hop/1': 'lienthong v1 hop',
  'lienthong/epoch/1': 'lienthong v1 epoch',
  'lienthong/directory/1': 'lienthong v1 directory',
  'lienthong/directory/2': 'lienthong v1 directory',
  'lienthong/renewal/1': 'lienthong v1 renewal',
  'lienthong/console/1': 'lienthong v1 console',
  'lienthong/removal/1': 'lienthong v1 removal',
  'lienthong/removal-act/1': 'lienthong v1 removal act',
  'lienthong/removal-done/1': 'lienthong v1 removal done',
  'lienthong/secret-report/1': 'lienthong v1 secret report',
  'lienthong/audit/1': 'lienthong v1 audit',
  'lienthong/root/1': 'lienthong v1 root',
} as const;
export type PayloadType = keyof typeof contexts;

const rootContext = 'lienthong v1 merkle root';
export const algorithms = { p256: 1, merkleP256: 2 } as const;

/** A key that this process cannot read: something else signs, ECDSA P-256 with SHA-256, r || s. May throw `token-failed`, `token-pin-refused`. */
export type TokenKey = {
  readonly kind: 'token';
  /** SubjectPublicKeyInfo. */
  readonly publicKeyDer: Uint8Array;
  sign(input: Uint8Array): Buffer;
};

/** A private key and the id by which others look up its public half. */
export type SigningKey = { readonly keyId: Buffer; readonly privateKey: KeyObject | TokenKey };

export const isTokenKey = (key: KeyObject | TokenKey): key is TokenKey =>
  'kind' in key && key.kind === 'token';

/** Key id: SHA-256 of the DER SubjectPublicKeyInfo. */
export function keyIdOf(publicKey: KeyObject): Buffer {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer');
}

/**
 * Pre-authentication encoding, unambiguous by lengths: u32be length || bytes for context and type, then u64be length || bytes.
 * PROTOCOL.md 4.1.
 */
export function signingInput(context: string, type: string, bytes: Uint8Array): Buffer {
  const contextBytes = Buffer.from(context);
  const typeBytes = Buffer.from(type);
  const out = Buffer.allocUnsafe(16 + contextBytes.length + typeBytes.length + bytes.length);
  let at = out.writeUInt32BE(contextBytes.length, 0);
  at += contextBytes.copy(out, at);
  at = out.writeUInt32BE(typeBytes.length, at);
  at += typeBytes.copy(out, at);
  at = out.writeBigUInt64BE(BigInt(bytes.length), at);
  out.set(bytes, at);
  return out;
}

const inputOf = (type: PayloadType, bytes: Uint8Array) => signingInput(contexts[type], type, bytes);

function rootInput(root: Uint8Array, count: number): Buffer {
  const body = Buffer.allocUnsafe(36);
  body.writeUInt32BE(count, 0);
  body.set(root, 4);
  return signingInput(rootContext, '', body);
}

function signInput(input: Buffer, key: SigningKey): Buffer {
  const { privateKey } = key;
  if (isTokenKey(privateKey)) return privateKey.sign(input);
  return sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

/** One statement, algorithm p256. */
export function signOne(type: PayloadType, bytes: Uint8Array, key: SigningKey): Signed {
  const value = signInput(inputOf(type, bytes), key);
  return { type, bytes, signature: { algorithm: algorithms.p256, keyId: key.keyId, value, merkle: null } };
}

/** 1 to 1,024 statements of any types under one signature (merkle-p256); a single one is signed as p256. Order is kept. */
export function signMany(
  items: readonly { readonly type: PayloadType; readonly bytes: Uint8Array }[],
  key: SigningKey,
): Signed[] {
  if (items.length === 1) return [signOne(items[0]!.type, items[0]!.bytes, key)];
  if (items.length > limits.merkleLeavesMax) throw new RangeError(`at most ${limits.merkleLeavesMax} leaves`);
  const levels = treeLevels(items.map(({ type, bytes }) => leafHash(inputOf(type, bytes))));
  const value = signInput(rootInput(levels.at(-1)![0]!, items.length), key);
  return items.map(({ type, bytes }, index) => ({
    type,
    bytes,
    signature: {
      algorithm: algorithms.merkleP256,
      keyId: key.keyId,
      value,
      merkle: { index, count: items.length, path: pathOf(levels, index) },
    },
  }));
}

/** The bytes that the signature value must cover: the input itself, or the root that the Merkle path gives. */
function coveredInput(type: PayloadType, bytes: Uint8Array, { algorithm, merkle }: Signature): Buffer {
  const input = inputOf(type, bytes);
  if (algorithm === algorithms.p256) {
    if (merkle) throw new ExchangeError('signature-algorithm-refused', 'p256 carries no path');
    return input;
  }
  if (algorithm !== algorithms.merkleP256)
    throw new ExchangeError('signature-algorithm-refused', `algorithm ${algorithm}`);
  if (!merkle || merkle.count < 1 || merkle.count > limits.merkleLeavesMax)
    throw new ExchangeError('merkle-proof-invalid', 'no path, or a count that is not allowed');
  const root = rootFromPath(leafHash(input), merkle.index, merkle.count, merkle.path);
  if (!root) throw new ExchangeError('merkle-proof-invalid', 'path does not fit index and count');
  return rootInput(root, merkle.count);
}

/**
 * The checks that need no key: a signature is there, of an allowed algorithm, well formed, for one of `types`. Returns what must
 * then be verified under the key that `keyId` names. Codes: signature-invalid, signature-algorithm-refused,
 * signature-type-mismatch, merkle-proof-invalid.
 */
export function prepare(
  signed: Signed,
  types: readonly PayloadType[],
): { input: Buffer; signature: Signature } {
  const { type, bytes, signature } = signed;
  const expected = types.find((each) => each === type);
  if (!expected) throw new ExchangeError('signature-type-mismatch', `type ${type.slice(0, 64)}`);
  if (!signature) throw new ExchangeError('signature-invalid', 'no signature');
  if (signature.keyId.length !== 32) throw new ExchangeError('signature-invalid', 'key id is not 32 bytes');
  const input = coveredInput(expected, bytes, signature);
  if (signature.value.length !== 64) throw new ExchangeError('signature-invalid', 'value is not 64 bytes');
  return { input, signature };
}

/** Keys that were looked at: the same few sign all day, and each look asks OpenSSL anew. */
const knownP256 = new WeakSet<KeyObject>();

function assertP256(key: KeyObject): void {
  if (knownP256.has(key)) return;
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ExchangeError('signature-algorithm-refused', 'the key is not P-256');
  knownP256.add(key);
}

/** ECDSA P-256 with SHA-256 over `input`; `value` is r || s. The one raw check; other keys throw signature-algorithm-refused. */
export function verifyInput(input: Uint8Array, value: Uint8Array, publicKey: KeyObject): boolean {
  assertP256(publicKey);
  if (value.length !== 64) return false;
  return verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, value);
}

/** As `verifyInput`, on the thread pool. */
export function verifyInputPooled(
  input: Uint8Array,
  value: Uint8Array,
  publicKey: KeyObject,
): Promise<boolean> {
  assertP256(publicKey);
  if (value.length !== 64) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, value, (error, good) =>
      error ? reject(error) : resolve(good),
    );
  });
}

/** Verification on the calling thread, for the command line and for stores. Throws as `prepare`, or signature-invalid. */
export function verifySigned(signed: Signed, types: readonly PayloadType[], publicKey: KeyObject): void {
  const { input, signature } = prepare(signed, types);
  if (!verifyInput(input, signature.value, publicKey)) throw new ExchangeError('signature-invalid');
}

export type Verifier = {
  /** As `verifySigned`, on the thread pool. A Merkle root that was verified lately under the same key is not verified again. */
  verify(signed: Signed, types: readonly PayloadType[], publicKey: KeyObject): Promise<void>;
};

/** Roots remembered: batches of the last moments. More costs memory only; fewer verifies a root again per batch. */
const rootsRemembered = 512;

export function createVerifier(): Verifier {
  const roots = new Map<string, Promise<boolean>>();
  return {
    async verify(signed, types, publicKey) {
      const { input, signature } = prepare(signed, types);
      assertP256(publicKey);
      let verdict: Promise<boolean> | undefined;
      if (signature.algorithm === algorithms.merkleP256) {
        const bound = Buffer.concat([signature.keyId, signature.value, input]).toString('latin1');
        // The map key binds the key id, which the caller resolved to publicKey; two public keys cannot share one.
        verdict = roots.get(bound);
        if (!verdict) {
          verdict = verifyInputPooled(input, signature.value, publicKey);
          roots.set(bound, verdict);
          if (roots.size > rootsRemembered) roots.delete(roots.keys().next().value!);
        }
      }
      if (!(await (verdict ?? verifyInputPooled(input, signature.value, publicKey))))
        throw new ExchangeError('signature-invalid');
    },
  };
}
