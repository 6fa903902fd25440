// The system id's secret of a border: a file beside the keys, encrypted under a key that is derived from the border's own seal key, so that the
// file alone opens nothing. It is read at the start of the border's work and never logged, listed or put into the database.
import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { ExchangeError } from '../../protocol/errors.ts';
import { writeFileDurable } from '../../protocol/node/durable.ts';
import { checkSecret } from '../../protocol/node/secret-file.ts';

const FORMAT = 'lienthong-border-credential/1';
/** A system id's secret, or the secrets of some hundred offices (lgsp-access.ts). */
const SECRET_BYTES_MAX = 64 * 1024;

type Sealed = { readonly format: string; readonly nonce: string; readonly box: string; readonly tag: string };

function keyOf(sealKey: KeyObject, name: string): Buffer {
  const material = sealKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', material, '', `lienthong v1 border credential ${name}`, 32));
}

/** Durable on return; replaces an older one. Throws `config-invalid` for an empty or huge secret. */
export function writeCredential(
  path: string,
  by: { readonly sealKey: KeyObject; readonly name: string; readonly secret: string },
): void {
  const secret = Buffer.from(by.secret, 'utf8');
  if (secret.length === 0 || secret.length > SECRET_BYTES_MAX)
    throw new ExchangeError('config-invalid', `a secret has 1 to ${SECRET_BYTES_MAX} bytes`);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(by.sealKey, by.name), nonce);
  const box = Buffer.concat([cipher.update(secret), cipher.final()]);
  const sealed: Sealed = {
    format: FORMAT,
    nonce: nonce.toString('base64'),
    box: box.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
  };
  writeFileDurable(path, `${JSON.stringify(sealed)}\n`, { mode: 0o600 });
}

/** Throws `key-file-loose`, and `border-credentials-missing` when there is none or it does not open under this key. */
export function readCredential(
  path: string,
  by: { readonly sealKey: KeyObject; readonly name: string },
): string {
  if (fs.existsSync(path)) checkSecret(path);
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ExchangeError('border-credentials-missing', by.name, { cause });
  }
  try {
    const sealed = JSON.parse(text) as Sealed;
    if (sealed.format !== FORMAT) throw new Error('another format');
    const decipher = createDecipheriv(
      'aes-256-gcm',
      keyOf(by.sealKey, by.name),
      Buffer.from(sealed.nonce, 'base64'),
    );
    decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(sealed.box, 'base64')), decipher.final()]).toString(
      'utf8',
    );
  } catch (cause) {
    throw new ExchangeError(
      'border-credentials-missing',
      `${by.name}: the file is damaged or of another key`,
      { cause },
    );
  }
}
