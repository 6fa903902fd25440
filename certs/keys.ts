// Private keys: made on this machine, kept in a file that only its owner reads, never sent anywhere. The file holds the key plain, the key
// under a passphrase (key-protection.ts), or says on which token it is (token.ts); whoever loads it need not know.
// It must never overwrite a key, nor use one that others could have read.
// First step of enrolment, and of every start.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import { ExchangeError } from '../protocol/errors.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { isTokenKey, type SigningKey, type TokenKey } from '../protocol/signature.ts';
import { keyIdOf } from './certificate.ts';
import { isLocked, keyPassphrase, lockKey, unlockKey } from './key-protection.ts';
import { publicKeyDerOf, readReference, referenceText, type TokenReference, tokenKey } from './token.ts';
import { isP256 } from './x509.ts';

export type OwnKey = {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo. */
  readonly publicKeyDer: Uint8Array;
  /** SHA-256 of it, hex. */
  readonly keyId: string;
};

/** A key of our own, here or on a token: seals may be either; everything else is an OwnKey. */
export type HeldKey = Omit<OwnKey, 'privateKey'> & { readonly privateKey: KeyObject | TokenKey };

/** As protocol/signature.ts takes it. */
export const signingKeyOf = ({ keyId, privateKey }: HeldKey): SigningKey => ({
  keyId: Buffer.from(keyId, 'hex'),
  privateKey,
});

const KEY_FILE_BYTES_MAX = 16 * 1024;

function ownKey(privateKey: KeyObject): OwnKey {
  const publicKeyDer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  if (!isP256(publicKeyDer)) throw new ExchangeError('key-file-invalid', 'not a P-256 key');
  return { privateKey, publicKeyDer, keyId: keyIdOf(publicKeyDer) };
}

/** The readable key behind a signing key; one on a token moves with its token. Throws `key-file-invalid`. */
export function ownKeyOf({ privateKey }: { readonly privateKey: KeyObject | TokenKey }): OwnKey {
  if (!isTokenKey(privateKey)) return ownKey(privateKey);
  throw new ExchangeError('key-file-invalid', 'a key on a token cannot be read: move the token itself');
}

/** A fresh P-256 key in memory. */
export function generateKey(): OwnKey {
  return ownKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
}

/** PKCS#8 in PEM, plain: what a TLS listener and the writer thread take. Never log it, never write it to a file (keyFileText does). */
export function keyPem(key: OwnKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const references = new WeakMap<TokenKey, TokenReference>();

function onToken(reference: TokenReference): HeldKey {
  const privateKey = tokenKey(reference);
  references.set(privateKey, reference);
  const publicKeyDer = publicKeyDerOf(reference);
  return { privateKey, publicKeyDer, keyId: keyIdOf(publicKeyDer) };
}

/** What another thread of this process signs with: a plain key, or where its token is. Read by `signerOf`. */
export function signerText({ privateKey }: Pick<HeldKey, 'privateKey'>): string {
  if (!isTokenKey(privateKey)) return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return referenceText(references.get(privateKey)!);
}

export function signerOf(text: string): KeyObject | TokenKey {
  const reference = readReference(text);
  return reference ? tokenKey(reference) : createPrivateKey(text);
}

/** The text of a key file: under the passphrase when this process has one. */
export function keyFileText(key: Pick<HeldKey, 'privateKey'>): string {
  const { privateKey } = key;
  const passphrase = keyPassphrase();
  return isTokenKey(privateKey) || passphrase === undefined
    ? signerText(key)
    : lockKey(privateKey, passphrase);
}

/** Writes that a key is on a token; as durable and as careful as createKeyFile. */
export function createTokenFile(path: string, reference: TokenReference): HeldKey {
  writeKeyFile(path, referenceText(reference));
  return onToken(reference);
}

/** Where the token of a key file is; undefined for a key in the file, or no file. */
export function tokenOfFile(path: string): TokenReference | undefined {
  return fs.existsSync(path) ? readReference(fs.readFileSync(path, 'utf8')) : undefined;
}

/** Makes a key and its file (mode 0600); returns only when it survives a power cut. Throws `dir-exists` when the file exists. */
export function createKeyFile(path: string): OwnKey {
  const key = generateKey();
  writeKeyFile(path, keyFileText(key));
  return key;
}

/** As createKeyFile, under a passphrase of its own: the key of a person, whatever protects the keys of this process. */
export function createLockedKeyFile(path: string, passphrase: string): OwnKey {
  const key = generateKey();
  writeKeyFile(path, lockKey(key.privateKey, passphrase));
  return key;
}

function writeKeyFile(path: string, text: string): void {
  try {
    writeFileDurable(path, text, { mode: 0o600, replace: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new ExchangeError('dir-exists', `a key is never overwritten: ${path}`, { cause });
  }
}

/**
 * Throws `key-file-missing`, `key-file-loose` (anybody but the owner may touch it: chmod 600), `key-file-locked`, `key-passphrase-wrong` or `key-file-invalid`.
 * `passphrase`: of this file, where it is not the one of this process. The mode is read from the open file, so nobody can swap it between the look and the reading.
 */
export function loadKeyFile(path: string, passphrase?: string): OwnKey {
  const { privateKey, ...key } = loadHeldKey(path, passphrase);
  if (isTokenKey(privateKey))
    throw new ExchangeError('key-file-invalid', `a key on a token serves only for a seal: ${path}`);
  return { ...key, privateKey };
}

/** As loadKeyFile, and a key on a token too: for seals. */
export function loadHeldKey(path: string, passphrase = keyPassphrase()): HeldKey {
  const fd = openKey(path);
  try {
    const stat = fs.fstatSync(fd);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8);
      throw new ExchangeError('key-file-loose', `mode ${mode}; run: chmod 600 '${path}'`);
    }
    if (!stat.isFile() || stat.size > KEY_FILE_BYTES_MAX) throw new ExchangeError('key-file-invalid', path);
    return parseKey(fs.readFileSync(fd), path, passphrase);
  } finally {
    fs.closeSync(fd);
  }
}

/** The key of the file, which is made when there is none: an init that was cut off goes on where it stopped. */
export function loadOrCreateKeyFile(path: string): OwnKey {
  return fs.existsSync(path) ? loadKeyFile(path) : createKeyFile(path);
}
/** As loadOrCreateKeyFile, for seals: one on a token is found, none is made there. */
export function loadOrCreateHeldKey(path: string): HeldKey {
  return fs.existsSync(path) ? loadHeldKey(path) : createKeyFile(path);
}

/** A plain key from the text of a key file. Throws `key-file-invalid`. */
export function parseKeyText(text: string, name: string): OwnKey {
  try {
    return ownKey(createPrivateKey(text));
  } catch (cause) {
    throw new ExchangeError('key-file-invalid', name, { cause });
  }
}

function openKey(path: string): number {
  try {
    return fs.openSync(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('key-file-missing', path, { cause });
  }
}

function parseKey(pem: Buffer, path: string, passphrase: string | undefined): HeldKey {
  const text = pem.toString('utf8');
  const reference = readReference(text);
  if (reference) return onToken(reference);
  return isLocked(text) ? ownKey(unlockKey(text, path, passphrase)) : parseKeyText(text, path);
}
