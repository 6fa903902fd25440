// The one question about files that hold a secret: is it ours, and closed to everybody else? Asked before each is read: secrets that a configuration
// names, tokens, credentials of borders, the key of encryption at rest. Private keys ask the same of the open file (certs/keys.ts).
// Must never mend a mode: whoever could read the file has read it, and a person should know.
import fs from 'node:fs';
import process from 'node:process';
import { ExchangeError } from '../errors.ts';

/** `key-file-loose` unless the file is a regular one, ours, and closed to group and others; `config-invalid` when it is not there. */
export function checkSecret(path: string): void {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(path);
  } catch (cause) {
    throw new ExchangeError('config-invalid', `${path} cannot be read`, { cause });
  }
  const uid = process.getuid?.();
  const foreign = uid !== undefined && uid !== 0 && stat.uid !== uid;
  if (!stat.isFile() || foreign || (stat.mode & 0o077) !== 0) {
    throw new ExchangeError(
      'key-file-loose',
      `${path}: mode ${(stat.mode & 0o777).toString(8)}, expected 600 and our own`,
    );
  }
}
