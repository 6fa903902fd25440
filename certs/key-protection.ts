// Private keys at rest under a passphrase: PKCS#8 EncryptedPrivateKeyInfo, PBES2 with scrypt (RFC 7914 §7) and AES-256-CBC, which OpenSSL reads
// as well. The passphrase comes from a file or a systemd credential, named once at start by bin/; here it is only used.
// Must never write a passphrase anywhere, nor fall back to a plain key file when one is set.
import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, scryptSync } from 'node:crypto';
import { ExchangeError } from '../protocol/errors.ts';
import { der, derInteger, derOctets, derOid, derSequence } from './der.ts';
import { derToPem } from './pem.ts';

type Source = () => string | undefined;
let source: Source = () => undefined;

/** Names where the passphrase of this process's key files is read. Once, before the first key is loaded. */
export function setKeyPassphrase(given: Source): void {
  source = given;
}
/** Undefined: key files are plain, protected by their mode and the disk's encryption alone. */
export const keyPassphrase = (): string | undefined => source();

/** 16 MiB and 50 ms for one try: OpenSSL's own bound is 32 MiB. The same as `openssl pkcs8 -scrypt`. */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const LABEL = 'ENCRYPTED PRIVATE KEY';

export const isLocked = (text: string): boolean => text.includes(`-----BEGIN ${LABEL}-----`);

/** PEM of a private key under a passphrase. */
export function lockKey(privateKey: KeyObject, passphrase: string): string {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  // As OpenSSL takes it: the bytes of the text.
  const key = scryptSync(Buffer.from(passphrase), salt, 32, cost);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  const kdf = derSequence(
    derOid('1.3.6.1.4.1.11591.4.11'),
    derSequence(
      derOctets(salt),
      ...[cost.N, cost.r, cost.p].map((value) => derInteger(BigInt(value))),
      derInteger(32n),
    ),
  );
  const encryption = derSequence(derOid('2.16.840.1.101.3.4.1.42'), der(0x04, iv));
  const pbes2 = derSequence(derOid('1.2.840.113549.1.5.13'), derSequence(kdf, encryption));
  return derToPem(LABEL, derSequence(pbes2, derOctets(sealed)));
}

/** Throws `key-file-locked` without a passphrase, `key-passphrase-wrong` with another one. `path` names the file. */
export function unlockKey(text: string, path: string, passphrase = keyPassphrase()): KeyObject {
  if (passphrase === undefined) throw new ExchangeError('key-file-locked', path);
  try {
    return createPrivateKey({ key: text, format: 'pem', passphrase });
  } catch (cause) {
    throw new ExchangeError('key-passphrase-wrong', path, { cause });
  }
}
