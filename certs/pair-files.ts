// A key and its certificate as two files that are replaced together, though no file system replaces two files at once. The next pair lies
// beside the present one under other names; taking it into use is two renames, and one that was cut off is completed before anything
// is loaded. Must never make a key twice for one renewal, nor leave a key without the certificate that fits it.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { dirname } from 'node:path';
import { removeDurable, renameDurableSync, writeFileDurable } from '../protocol/node/durable.ts';
import { createTokenFile, type HeldKey, loadOrCreateHeldKey, tokenOfFile } from './keys.ts';
import { makeTokenKey } from './token.ts';

export type PairFiles = {
  readonly key: string;
  readonly certificate: string;
  readonly nextKey: string;
  readonly nextCertificate: string;
};

/** DIR/keys/NAME.pem with DIR/certs/NAME.pem; what follows them is called next-NAME.pem. */
export const pairFiles = (keysDir: string, certsDir: string, name: string): PairFiles => ({
  key: `${keysDir}/${name}.pem`,
  certificate: `${certsDir}/${name}.pem`,
  nextKey: `${keysDir}/next-${name}.pem`,
  nextCertificate: `${certsDir}/next-${name}.pem`,
});

/** The key of the renewal that is under way, made when none is: durable before anybody is asked, so that the same one is asked for again. */
export function nextKeyOf(pair: PairFiles): HeldKey {
  const token = fs.existsSync(pair.nextKey) ? undefined : tokenOfFile(pair.key);
  // What was on a token stays on it.
  return token
    ? createTokenFile(pair.nextKey, makeTokenKey(token, randomBytes(8).toString('hex')))
    : loadOrCreateHeldKey(pair.nextKey);
}

/** What was answered for the next key; durable on return. `pem` as the certificate file holds it. */
export function keepNext(pair: PairFiles, pem: string): void {
  writeFileDurable(pair.nextCertificate, pem, { mode: 0o644 });
}

/** PEM of the next certificate once it was kept, else undefined. */
export function readNext(pair: PairFiles): string | undefined {
  if (!fs.existsSync(pair.nextCertificate) || !fs.existsSync(pair.nextKey)) return undefined;
  return fs.readFileSync(pair.nextCertificate, 'utf8');
}

/** Takes the next pair into use; durable. Between the two renames only `completePair` is right, and every start begins with it. */
export function takeNext(pair: PairFiles): void {
  renameDurableSync(pair.nextKey, pair.key);
  completePair(pair);
}

/** A certificate that waits without its key: the key was renamed and the power went. Idempotent; call before the pair is loaded. */
export function completePair(pair: PairFiles): void {
  if (fs.existsSync(pair.nextCertificate) && !fs.existsSync(pair.nextKey))
    renameDurableSync(pair.nextCertificate, pair.certificate);
}

/** Forgets a renewal that something else has overtaken (a fresh enrolment). The certificate first: alone it would be taken for a cut renewal. */
export function dropNext(pair: PairFiles): void {
  if (!fs.existsSync(dirname(pair.nextKey))) return;
  removeDurable(pair.nextCertificate);
  removeDurable(pair.nextKey);
}
