// A key that never leaves its token (PKCS#11): made and used through OpenSC's pkcs11-tool, one short process for each signature. One signature
// covers up to 1,024 statements (merkle-p256), so that a token of a few signatures a second carries a busy office.
// Must never show the PIN to other processes or logs, nor try a PIN again that was refused: tokens lock themselves after a few.
import { spawnSync } from 'node:child_process';
import { createPublicKey, hash, verify } from 'node:crypto';
import fs from 'node:fs';
import { ExchangeError } from '../protocol/errors.ts';
import type { TokenKey } from '../protocol/signature.ts';
import { isP256 } from './x509.ts';

/** What a key file says instead of a key. */
export type TokenReference = {
  readonly kind: 'pkcs11';
  /** Path of the maker's library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** CKA_ID, hex. */
  readonly id: string;
  /** File with the PIN, mode 0600. */
  readonly pinFile: string;
  /** SubjectPublicKeyInfo, base64: what it signs is checked before it is used. */
  readonly publicKey: string;
};

/** The slowest tokens take two seconds; a library that waits for a card reader waits for ever. */
const CALL_MS_MAX = 20_000;
const PIN_BYTES_MAX = 256;

/** Undefined when the text is no reference: then it is a key. */
export function readReference(text: string): TokenReference | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  const { kind, module, token, id, pinFile, publicKey } = parsed(text);
  const strings = [module, token, id, pinFile, publicKey];
  if (
    kind !== 'pkcs11' ||
    strings.some((each) => typeof each !== 'string') ||
    !/^[0-9a-f]{2,64}$/.test(String(id))
  )
    throw new ExchangeError('key-file-invalid', 'not a reference to a token');
  return { kind, module, token, id, pinFile, publicKey } as TokenReference;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new ExchangeError('key-file-invalid', 'not a reference to a token', { cause });
  }
}

export const referenceText = (reference: TokenReference): string => `${JSON.stringify(reference, null, 2)}\n`;

type Place = Pick<TokenReference, 'module' | 'token' | 'pinFile'>;

/** PINs that a token refused in this process, by module, token and PIN. */
const refusedPins = new Set<string>();

/** Runs pkcs11-tool. The PIN goes from its file into the tool's environment, which only this account can read; never into arguments. */
function call({ module, token, pinFile }: Place, args: readonly string[], input?: Uint8Array): Buffer {
  const attempt = `${module} ${token} ${hash('sha256', readPin(pinFile))}`;
  if (refusedPins.has(attempt)) throw new ExchangeError('token-pin-refused', token);
  const script =
    'IFS= read -r LIENTHONG_PIN < "$1" || [ -n "$LIENTHONG_PIN" ]; export LIENTHONG_PIN; shift; exec pkcs11-tool "$@"';
  const to = ['--module', module, '--token-label', token, '--login', '--pin', 'env:LIENTHONG_PIN'];
  const done = spawnSync('/bin/sh', ['-c', script, 'sh', pinFile, ...to, ...args], {
    ...(input ? { input } : {}),
    timeout: CALL_MS_MAX,
    maxBuffer: 64 * 1024,
  });
  if (done.status === 0) return done.stdout;
  const said = (done.error?.message ?? done.stderr.toString())
    .trim()
    .split('\n')
    .slice(-3)
    .join('; ')
    .slice(0, 300);
  if (/CKR_PIN_(INCORRECT|LOCKED|INVALID|EXPIRED)/.test(said)) {
    refusedPins.add(attempt);
    throw new ExchangeError('token-pin-refused', `${token}: ${said}`);
  }
  throw new ExchangeError('token-failed', `${token}: ${said || `exit ${done.status}`}`);
}

function readPin(pinFile: string): string {
  try {
    const { mode, size } = fs.statSync(pinFile);
    if ((mode & 0o077) !== 0)
      throw new ExchangeError(
        'key-file-loose',
        `mode ${(mode & 0o777).toString(8)}; run: chmod 600 '${pinFile}'`,
      );
    if (size > PIN_BYTES_MAX) throw new ExchangeError('key-file-invalid', pinFile);
    return fs.readFileSync(pinFile, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('key-file-missing', pinFile, { cause });
  }
}

/** Makes a P-256 key on the token, sensitive and not extractable. `id` names it there. Throws `token-failed`, `token-pin-refused`, `key-file-*`. */
export function makeTokenKey(place: Place, id: string): TokenReference {
  const { module, token, pinFile } = place;
  const kind = ['--keypairgen', '--key-type', 'EC:prime256v1', '--usage-sign'];
  call(place, [...kind, '--id', id, '--label', `lienthong-${id}`]);
  const publicKeyDer = call(place, ['--read-object', '--type', 'pubkey', '--id', id]);
  if (!isP256(publicKeyDer)) throw new ExchangeError('token-failed', `${token}: its key is not P-256`);
  const reference = {
    kind: 'pkcs11',
    module,
    token,
    id,
    pinFile,
    publicKey: publicKeyDer.toString('base64'),
  } as const;
  // One signature now: better than at the first document.
  tokenKey(reference).sign(Buffer.from('lienthong'));
  return reference;
}

export const publicKeyDerOf = ({ publicKey }: TokenReference): Uint8Array => {
  const der = Buffer.from(publicKey, 'base64');
  if (!isP256(der)) throw new ExchangeError('key-file-invalid', 'the public key of the token is not P-256');
  return der;
};

/** Signs in the calling thread: 30 ms with a token in software, up to a second with one on USB. Each signature is verified before it is given. */
export function tokenKey(reference: TokenReference): TokenKey {
  const publicKeyDer = publicKeyDerOf(reference);
  const key = createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
  return {
    kind: 'token',
    publicKeyDer,
    sign(input) {
      const digest = hash('sha256', input, 'buffer');
      const how = ['--sign', '--mechanism', 'ECDSA', '--signature-format', 'rs', '--id', reference.id];
      const value = call(reference, how, digest);
      if (value.length !== 64 || !verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, value))
        throw new ExchangeError(
          'token-failed',
          `${reference.token}: its signature is not by the key of the certificate`,
        );
      return value;
    },
  };
}
