// Private keys: made on this machine, kept in a file that only its owner reads, never sent anywhere.
// It must never overwrite a key, nor use one that others could have read.
// First step of enrolment, and of every start.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import { ExchangeError } from '../protocol/errors.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import type { SigningKey } from '../protocol/signature.ts';
import { keyIdOf } from './certificate.ts';
import { isP256 } from './x509.ts';

export type OwnKey = {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo. */
  readonly publicKeyDer: Uint8Array;
  /** SHA-256 of it, hex. */
  readonly keyId: string;
};

/** As protocol/signature.ts takes it. */
export const signingKeyOf = ({ keyId, privateKey }: OwnKey): SigningKey => ({
  keyId: Buffer.from(keyId, 'hex'),
  privateKey,
});

const KEY_FILE_BYTES_MAX = 16 * 1024;

function ownKey(privateKey: KeyObject): OwnKey {
  const publicKeyDer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  if (!isP256(publicKeyDer)) throw new ExchangeError('key-file-invalid', 'not a P-256 key');
  return { privateKey, publicKeyDer, keyId: keyIdOf(publicKeyDer) };
}

/** A fresh P-256 key in memory. */
export function generateKey(): OwnKey {
  return ownKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
}

/** PKCS#8 in PEM: the text of a key file, and what a TLS listener takes. Never log it. */
export function keyPem(key: OwnKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Makes a key and its file (mode 0600); returns only when it survives a power cut. Throws `dir-exists` when the file exists. */
export function createKeyFile(path: string): OwnKey {
  const key = generateKey();
  try {
    writeFileDurable(path, keyPem(key), { mode: 0o600, replace: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new ExchangeError('dir-exists', `a key is never overwritten: ${path}`, { cause });
  }
  return key;
}

/**
 * Throws `key-file-missing`, `key-file-loose` (anybody but the owner may touch it: chmod 600) or `key-file-invalid`.
 * The mode is read from the open file, so nobody can swap it between the look and the reading.
 */
export function loadKeyFile(path: string): OwnKey {
  const fd = openKey(path);
  try {
    const stat = fs.fstatSync(fd);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8);
      throw new ExchangeError('key-file-loose', `mode ${mode}; run: chmod 600 '${path}'`);
    }
    if (!stat.isFile() || stat.size > KEY_FILE_BYTES_MAX) throw new ExchangeError('key-file-invalid', path);
    return parseKey(fs.readFileSync(fd), path);
  } finally {
    fs.closeSync(fd);
  }
}

/** The key of the file, which is made when there is none: an init that was cut off goes on where it stopped. */
export function loadOrCreateKeyFile(path: string): OwnKey {
  return fs.existsSync(path) ? loadKeyFile(path) : createKeyFile(path);
}

function openKey(path: string): number {
  try {
    return fs.openSync(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('key-file-missing', path, { cause });
  }
}

function parseKey(pem: Buffer, path: string): OwnKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: pem, format: 'pem' });
  } catch (cause) {
    throw new ExchangeError('key-file-invalid', path, { cause });
  }
  return ownKey(privateKey);
}
