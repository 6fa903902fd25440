// How an issuing CA follows another in a hub's folder: the request that is carried to the root, the answer that is installed, the former
// CAs that stay for the lists they owe. The root may be on another machine that is never on a net: files go both ways.
// Must never lose the key of a CA under which certificates still live, nor leave a key without its certificate.
import fs from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { makeDirDurable, removeDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { caFiles, readCertificate } from './ca.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { loadKeyFile, loadOrCreateKeyFile, type OwnKey } from './keys.ts';
import { completePair, type PairFiles, takeNext } from './pair-files.ts';
import { certificatePem } from './pem.ts';
import { type RootAnchor, verifyCertificate } from './trust.ts';
import { buildCsr } from './x509.ts';

const issuingPair = (dir: string): PairFiles => ({
  key: join(dir, caFiles.issuingKey),
  certificate: join(dir, caFiles.issuingCertificate),
  nextKey: join(dir, `next-${caFiles.issuingKey}`),
  nextCertificate: join(dir, `next-${caFiles.issuingCertificate}`),
});
/** The root of the issuing CA, installed with it. */
const rootPair = (dir: string): PairFiles => ({
  ...issuingPair(dir),
  certificate: join(dir, caFiles.rootCertificate),
  nextCertificate: join(dir, `next-${caFiles.rootCertificate}`),
});
const formerDir = (dir: string) => join(dir, 'former');

/**
 * The request (PEM) to be carried to the root: for a new key, made once and asked for again until it is installed, or with `keepKey` for
 * the present one, so that a new root vouches for what the old root vouched for.
 */
export async function requestNextIssuing(dir: string, options: { keepKey: boolean }): Promise<string> {
  completeIssuing(dir);
  const pair = issuingPair(dir);
  const key = options.keepKey ? loadKeyFile(pair.key) : loadOrCreateKeyFile(pair.nextKey);
  return await buildCsr(key.privateKey);
}

/**
 * Puts the root's answer into use; durable on return; a cut one is completed by the next start. The former CA goes into DIR/former.
 * Idempotent. Throws `certificate-*` when it does not hang under a root that is believed, `key-file-invalid` when it is for another key,
 * `config-invalid` when it is for another hub.
 */
export function installNextIssuing(
  dir: string,
  options: {
    readonly certificateDer: Uint8Array;
    readonly rootDer: Uint8Array;
    readonly anchors: readonly RootAnchor[];
    readonly hubId: string;
    readonly nowMs: number;
  },
): Certificate {
  completeIssuing(dir);
  const { certificateDer: leafDer, rootDer, nowMs: atMs } = options;
  const pair = issuingPair(dir);
  const next = parseCertificate(leafDer);
  const present = readCertificate(pair.certificate);
  if (present.fingerprint === next.fingerprint) return present;
  for (const rootsDer of [options.anchors, [rootDer]])
    verifyCertificate({ leafDer, intermediatesDer: [], rootsDer, atMs, role: 'issuing' });
  const { hubId } = verifyCertificate({
    leafDer,
    intermediatesDer: [],
    rootsDer: [rootDer],
    atMs,
    role: 'issuing',
  });
  if (hubId !== options.hubId) throw new ExchangeError('config-invalid', `signed for hub ${hubId}`);
  const sameKey = loadKeyFile(pair.key).keyId === next.keyId;
  if (!sameKey && (!fs.existsSync(pair.nextKey) || loadKeyFile(pair.nextKey).keyId !== next.keyId))
    throw new ExchangeError('key-file-invalid', 'signed for a request that was not made here');
  retire(dir, present, pair);
  // A request for another key that was under way is given up: without it the certificate below is one that waits to be completed.
  if (sameKey) removeDurable(pair.nextKey);
  writeFileDurable(rootPair(dir).nextCertificate, certificatePem(rootDer), { mode: 0o644 });
  writeFileDurable(pair.nextCertificate, certificatePem(leafDer), { mode: 0o644 });
  // From here on a start completes it.
  if (sameKey) completeIssuing(dir);
  else {
    takeNext(pair);
    completeIssuing(dir);
  }
  return next;
}

/** Bytes as they are: a key that is kept encrypted stays so. */
function retire(dir: string, present: Certificate, pair: PairFiles): void {
  makeDirDurable(formerDir(dir), 0o700);
  const name = join(formerDir(dir), present.serialHex);
  writeFileDurable(`${name}.key`, fs.readFileSync(pair.key));
  writeFileDurable(`${name}.crt`, fs.readFileSync(pair.certificate), { mode: 0o644 });
}

/** Finishes an install that was cut off. Idempotent; call before anything of the folder is loaded. */
export function completeIssuing(dir: string): void {
  const [issuing, root] = [issuingPair(dir), rootPair(dir)];
  // The root's certificate after the issuing one: it alone says that the issuing pair is complete.
  if (fs.existsSync(issuing.nextCertificate)) completePair(issuing);
  if (!fs.existsSync(issuing.nextCertificate)) completePair(root);
}

export type FormerIssuing = { readonly certificate: Certificate; readonly key: OwnKey };

/** Every issuing CA before the present one; in no order. */
export function formerIssuings(dir: string): readonly FormerIssuing[] {
  if (!fs.existsSync(formerDir(dir))) return [];
  return fs
    .readdirSync(formerDir(dir))
    .filter((name) => name.endsWith('.crt'))
    .map((name) => ({
      certificate: readCertificate(join(formerDir(dir), name)),
      key: loadKeyFile(join(formerDir(dir), name.replace(/crt$/, 'key'))),
    }));
}
