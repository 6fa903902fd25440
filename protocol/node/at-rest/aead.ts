// AES-256-GCM boxes: a key or a cell of the database under another key. Every box has a fresh random nonce of 96 bits; one key seals far fewer than
// 2^32 of them. Must never return bytes that did not verify.
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { releaseBytes } from '../release.ts';

/** A key that seals more than one box comes as an object: Node makes one of plain bytes for every call, a fifth of what a small box costs. */
export type BoxKey = KeyObject | Uint8Array;
export const boxKey = (bytes: Uint8Array): KeyObject => createSecretKey(bytes);
const objectOf = (key: BoxKey): KeyObject => (key instanceof Uint8Array ? createSecretKey(key) : key);

const nonceBytes = 12;
export const tagBytes = 16;
export const boxExtraBytes = nonceBytes + tagBytes;

// Random bytes for many nonces at once: asking costs ten times what the bytes do. Each is given out once; a thread has its own.
const nonces = Buffer.alloc(nonceBytes * 512);
let noncesAt = nonces.length;

function putNonce(into: Buffer, at: number): void {
  if (noncesAt === nonces.length) {
    randomFillSync(nonces);
    noncesAt = 0;
  }
  nonces.copy(into, at, noncesAt, noncesAt + nonceBytes);
  noncesAt += nonceBytes;
}

/** A head || nonce || ciphertext || tag. `about` is bound and not stored; the head is the caller's to write, all of it, for who reads the box, and not bound. */
export function seal(key: BoxKey, plain: Uint8Array, about: Uint8Array, headBytes = 0): Buffer<ArrayBuffer> {
  const box = Buffer.allocUnsafe(headBytes + boxExtraBytes + plain.length);
  const from = headBytes + nonceBytes;
  putNonce(box, headBytes);
  const cipher = createCipheriv('aes-256-gcm', objectOf(key), box.subarray(headBytes, from)).setAAD(about);
  // In this mode everything comes out of `update`; `final` gives no bytes and fixes the tag.
  const sealed = cipher.update(plain);
  box.set(sealed, from);
  releaseBytes(sealed);
  cipher.final();
  box.set(cipher.getAuthTag(), from + plain.length);
  return box;
}

/** undefined when it does not verify. */
export function open(key: BoxKey, box: Uint8Array, about: Uint8Array): Buffer | undefined {
  if (box.length < boxExtraBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', objectOf(key), box.subarray(0, nonceBytes)).setAAD(about);
  decipher.setAuthTag(box.subarray(box.length - tagBytes));
  try {
    // As above: everything out of `update`, and `final` throws when the tag does not fit.
    const plain = decipher.update(box.subarray(nonceBytes, box.length - tagBytes));
    decipher.final();
    return plain;
  } catch {
    // Another key, or damaged: the caller says which.
    return undefined;
  }
}
