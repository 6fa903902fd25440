// Every private key in the folder of a hub, a node or a root: which there are, how they lie there, and putting them under a passphrase or taking
// them out of it, one file at a time. A run that was cut off is finished by the next. Must never leave a file without its key.
import { createPrivateKey } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { isLocked, lockKey, unlockKey } from './key-protection.ts';

/** Folders of a hub (keys, ca with its former issuers, root), of a node (keys), and a root's or CA's folder itself. */
const folders = ['', 'keys', 'ca', 'ca/former', 'root'] as const;
const KEY_FILE_BYTES_MAX = 16 * 1024;

export type KeyFileState = {
  /** Relative to the folder. */
  readonly name: string;
  readonly state: 'plain' | 'encrypted' | 'token';
  readonly mode: number;
  /** True when others may touch it: the programs refuse it. */
  readonly loose: boolean;
};

/** In the order of their names. Throws `dir-missing`. */
export function keyFilesOf(dir: string): KeyFileState[] {
  if (!fs.existsSync(dir)) throw new ExchangeError('dir-missing', dir);
  return folders.flatMap((folder) => {
    const path = join(dir, folder);
    if (!fs.existsSync(path)) return [];
    return fs
      .readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(pem|key)$/.test(entry.name))
      .flatMap((entry) => stateOf(dir, join(folder, entry.name)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

function stateOf(dir: string, name: string): KeyFileState[] {
  const path = join(dir, name);
  const { mode, size } = fs.statSync(path);
  if (size > KEY_FILE_BYTES_MAX) return [];
  const text = fs.readFileSync(path, 'utf8');
  const state = isLocked(text)
    ? 'encrypted'
    : text.includes('PRIVATE KEY-----')
      ? 'plain'
      : text.includes('"pkcs11"')
        ? 'token'
        : undefined;
  return state ? [{ name, state, mode: mode & 0o777, loose: (mode & 0o077) !== 0 }] : [];
}

/**
 * Writes every key of `dir` under `next` (undefined: plain). `old` opens what is encrypted now; a file that `next` opens already is left. The
 * caller holds the lock of `dir`. Durable; returns the names written. Throws `key-passphrase-wrong`, `key-file-locked`, `key-file-loose`
 * before anything is written.
 */
export function protectKeys(dir: string, passphrases: { old?: string; next?: string }): string[] {
  const { old, next } = passphrases;
  const files = keyFilesOf(dir).filter(({ state }) => state !== 'token');
  const texts = files.flatMap(({ name, loose, mode }) => {
    const path = join(dir, name);
    if (loose)
      throw new ExchangeError('key-file-loose', `mode ${mode.toString(8)}; run: chmod 600 '${path}'`);
    const text = fs.readFileSync(path, 'utf8');
    if (next === undefined ? !isLocked(text) : isLocked(text) && opens(text, path, next)) return [];
    const key = isLocked(text) ? unlockKey(text, path, old) : createPrivateKey(text);
    const written =
      next === undefined ? key.export({ type: 'pkcs8', format: 'pem' }).toString() : lockKey(key, next);
    // Read back before it takes the place of the only copy.
    const again = next === undefined ? createPrivateKey(written) : unlockKey(written, path, next);
    if (!again.equals(key)) throw new ExchangeError('key-file-invalid', path);
    return [{ name, path, written }];
  });
  for (const { path, written } of texts) writeFileDurable(path, written, { mode: 0o600 });
  return texts.map(({ name }) => name);
}

function opens(text: string, path: string, passphrase: string): boolean {
  try {
    unlockKey(text, path, passphrase);
    return true;
  } catch {
    // Under another one: `old` will open it, or say so.
    return false;
  }
}
