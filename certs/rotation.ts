// How an issuing CA follows another in a hub's folder: the request that is carried to the root, the answer that is installed, the former
// CAs that stay for the lists they owe. The root may be on another machine that is never on a net: files go both ways.
// Must never lose the key of a CA under which certificates still live, nor leave a key without its certificate.
import fs from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { makeDirDurable, removeDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { caFiles, readCertificate } from './ca.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { ipText } from './extensions.ts';
import { loadKeyFile, loadOrCreateKeyFile, type OwnKey } from './keys.ts';
import { completePair, type PairFiles, takeNext } from './pair-files.ts';
import { certificatePem } from './pem.ts';
import { touchesInternal } from './profile.ts';
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
export function installNextIssuing(dir: string, install: IssuingInstall): Certificate {
  completeIssuing(dir);
  const { certificateDer, rootDer } = install;
  const pair = issuingPair(dir);
  const present = readCertificate(pair.certificate);
  const { next, sameKey } = checkNextIssuing(dir, install);
  if (present.fingerprint === next.fingerprint) return present;
  retire(dir, present, pair);
  // A request for another key that was under way is given up: without it the certificate below is one that waits to be completed.
  if (sameKey) removeDurable(pair.nextKey);
  writeFileDurable(rootPair(dir).nextCertificate, certificatePem(rootDer), { mode: 0o644 });
  writeFileDurable(pair.nextCertificate, certificatePem(certificateDer), { mode: 0o644 });
  // From here on a start completes it.
  if (!sameKey) takeNext(pair);
  completeIssuing(dir);
  return next;
}

export type IssuingInstall = {
  readonly certificateDer: Uint8Array;
  readonly rootDer: Uint8Array;
  readonly anchors: readonly RootAnchor[];
  readonly hubId: string;
  readonly nowMs: number;
};

/** The checks of `installNextIssuing`; changes nothing. */
export function checkNextIssuing(
  dir: string,
  { certificateDer: leafDer, rootDer, anchors, hubId, nowMs: atMs }: IssuingInstall,
): { readonly next: Certificate; readonly sameKey: boolean } {
  const pair = issuingPair(dir);
  const next = parseCertificate(leafDer);
  // Under the root that came along, and under one that is believed here: both, or the folder would name a root that nobody follows.
  const question = { leafDer, intermediatesDer: [], atMs, role: 'issuing' } as const;
  verifyCertificate({ ...question, rootsDer: anchors });
  const facts = verifyCertificate({ ...question, rootsDer: [rootDer] });
  if (facts.hubId !== hubId) throw new ExchangeError('config-invalid', `signed for hub ${facts.hubId}`);
  const sameKey = loadKeyFile(pair.key).keyId === next.keyId;
  if (!sameKey && (!fs.existsSync(pair.nextKey) || loadKeyFile(pair.nextKey).keyId !== next.keyId))
    throw new ExchangeError('key-file-invalid', 'signed for a request that was not made here');
  return { next, sameKey };
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

export type IssuingRequest = {
  readonly format: 'lienthong-issuing-request/1';
  readonly hubId: string;
  readonly hosts: readonly string[];
  readonly ips: readonly string[];
  /** PEM. */
  readonly csr: string;
};
export type SignedIssuingFile = {
  readonly format: 'lienthong-issuing/1';
  /** PEM. */
  readonly certificate: string;
  readonly root: string;
};

/** Host names and addresses that an issuing CA may certify beside its hub's own names. */
export function outerNamesOf(issuing: Certificate): { hosts: string[]; ips: string[] } {
  const permitted = issuing.nameConstraints?.permitted ?? [];
  return {
    hosts: permitted.flatMap((each) =>
      each.kind === 'dns' && !touchesInternal(each.name) ? [each.name] : [],
    ),
    ips: permitted.flatMap((each) =>
      each.kind === 'ip' ? [ipText(each.bytes.subarray(0, each.bytes.length / 2))] : [],
    ),
  };
}
