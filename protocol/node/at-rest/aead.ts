// AES-256-GCM boxes: a key or a cell of the database under another key. Every box has a fresh random nonce of 96 bits; one key seals far fewer than
// 2^32 of them. Must never return bytes that did not verify.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { releaseBytes } from '../release.ts';

// Keys go in as key objects: of plain bytes Node asks by two thrown exceptions whether they are one, which costs more than the encryption of a cell.
const nonceBytes = 12;
export const tagBytes = 16;
const noHead = new Uint8Array(0);
export const boxExtraBytes = nonceBytes + tagBytes;

/** `head` || nonce || ciphertext || tag. `about` is bound and not stored; `head` is for who reads the box, and not bound. */
export function seal(
  key: Uint8Array,
  plain: Uint8Array,
  about: Uint8Array,
  head: Uint8Array = noHead,
): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce).setAAD(about);
  const sealed = cipher.update(plain);
  const box = Buffer.concat([head, nonce, sealed, cipher.final(), cipher.getAuthTag()]);
  releaseBytes(sealed);
  return box;
}

/** undefined when it does not verify. */
export function open(key: Uint8Array, box: Uint8Array, about: Uint8Array): Buffer | undefined {
  if (box.length < boxExtraBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), box.subarray(0, nonceBytes)).setAAD(
    about,
  );
  decipher.setAuthTag(box.subarray(box.length - tagBytes));
  try {
    // In this mode everything comes out of `update`; `final` gives no bytes and throws when the tag does not fit.
    const plain = decipher.update(box.subarray(nonceBytes, box.length - tagBytes));
    decipher.final();
    return plain;
  } catch {
    // Another key, or damaged: the caller says which.
    return undefined;
  }
}
