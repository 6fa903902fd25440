// A CA's folder (issuing CA of a hub, or the root) as one encrypted copy for the safe, checked when it is made and before it is restored: keys
// fit their certificates, the issuing CA hangs under its root. Inside the copy keys are plain, so that it needs its own passphrase only.
// Must never restore over a folder, nor call a copy good whose keys were not tried.
import fs from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { makeDirDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { caFiles } from './ca.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { keyFileText, keyPem, loadKeyFile, type OwnKey, parseKeyText } from './keys.ts';
import { certificateDer } from './pem.ts';
import { type CopiedFile, openCopy, sealCopy } from './sealed-copy.ts';
import { verifyCertificate } from './trust.ts';

export type CaCopy = {
  readonly kind: 'root' | 'issuing';
  /** Subject's key of the CA, SHA-256 of its certificate. */
  readonly fingerprint: string;
  readonly rootFingerprint: string;
  readonly notAfterMs: number;
  readonly files: readonly string[];
};

const FILES_MAX = 500;

/** Key and certificate files below the folder, names relative to it. */
function filesOf(dir: string): string[] {
  const names = fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(key|crt)$/.test(name))
    .sort();
  if (names.length > FILES_MAX) throw new ExchangeError('config-invalid', `${dir} is no folder of a CA`);
  return names;
}

/** The folder of the CA itself: DIR, or DIR/ca when DIR is a hub's. Throws `dir-missing`. */
export function caFolder(dir: string): string {
  for (const folder of [join(dir, 'ca'), dir])
    if (fs.existsSync(join(folder, caFiles.rootCertificate))) return folder;
  throw new ExchangeError('dir-missing', `no CA in ${dir}`);
}

/** Encrypted text, opened and checked again before it is returned. Throws `key-file-*`, `certificate-*`. */
export async function copyCa(
  dir: string,
  options: { readonly passphrase: string; readonly nowMs: number },
): Promise<{ readonly text: string; readonly copy: CaCopy }> {
  const folder = caFolder(dir);
  const files = filesOf(folder).map((name): CopiedFile => {
    const path = join(folder, name);
    const secret = name.endsWith('.key');
    const bytes = secret ? Buffer.from(keyPem(loadKeyFile(path))) : fs.readFileSync(path);
    return { name, mode: secret ? 0o600 : 0o644, bytes };
  });
  const { kind, fingerprint } = checkFiles(files);
  const about = { kind, fingerprint, made: new Date(options.nowMs).toISOString() };
  const text = await sealCopy({ about, files }, options.passphrase);
  return { text, copy: await checkCaCopy(text, options.passphrase) };
}

/** Opens and tries everything; writes nothing. Throws `backup-invalid`. */
export async function checkCaCopy(text: string, passphrase: string): Promise<CaCopy> {
  return checkFiles((await openCopy(text, passphrase)).files);
}

function checkFiles(files: readonly CopiedFile[]): CaCopy {
  const invalid = (why: string) => new ExchangeError('backup-invalid', why);
  const byName = new Map(files.map((file) => [file.name, Buffer.from(file.bytes).toString('utf8')]));
  const certificate = (name: string): Certificate => {
    const text = byName.get(name);
    if (text === undefined) throw invalid(`${name} is missing`);
    return parseCertificate(certificateDer(text));
  };
  for (const [name, text] of byName) {
    if (!name.endsWith('.key')) continue;
    const other = name.replace(/key$/, 'crt');
    const key: OwnKey = parseKeyText(text, name);
    // A key that still waits for its certificate has none.
    if (byName.has(other) && certificate(other).keyId !== key.keyId)
      throw invalid(`${name} is not the key of ${other}`);
  }
  const root = certificate(caFiles.rootCertificate);
  const kind = byName.has(caFiles.issuingCertificate) ? 'issuing' : 'root';
  const ca = kind === 'issuing' ? certificate(caFiles.issuingCertificate) : root;
  if (!byName.has(kind === 'issuing' ? caFiles.issuingKey : caFiles.rootKey))
    throw invalid('the key is missing');
  if (kind === 'issuing')
    verifyCertificate({
      leafDer: ca.der,
      intermediatesDer: [],
      rootsDer: [root.der],
      // At a moment when both were good: a copy is opened years later.
      atMs: Math.max(ca.notBeforeMs, root.notBeforeMs) + 1000,
      role: 'issuing',
    });
  return {
    kind,
    fingerprint: ca.fingerprint,
    rootFingerprint: root.fingerprint,
    notAfterMs: ca.notAfterMs,
    files: [...byName.keys()],
  };
}

/** Into a folder that is not there; keys under this process's passphrase, if it has one. Durable. Throws `backup-invalid`, `dir-exists`. */
export async function restoreCa(text: string, options: { passphrase: string; to: string }): Promise<CaCopy> {
  const { to } = options;
  if (fs.existsSync(to)) throw new ExchangeError('dir-exists', to);
  const { files } = await openCopy(text, options.passphrase);
  const copy = checkFiles(files);
  for (const { name } of files)
    if (!/^([a-zA-Z0-9-]+\/)?[a-zA-Z0-9.-]+\.(key|crt)$/.test(name) || name.includes('..'))
      throw new ExchangeError('backup-invalid', 'a name that no CA has');
  makeDirDurable(to, 0o700);
  for (const folder of new Set(
    files.flatMap(({ name }) => (name.includes('/') ? [name.split('/')[0]!] : [])),
  ))
    makeDirDurable(join(to, folder), 0o700);
  // Certificates last: they are the sign that a folder is complete.
  for (const file of [...files].sort(
    (a, b) => (a.name.endsWith('.key') ? 0 : 1) - (b.name.endsWith('.key') ? 0 : 1),
  )) {
    const text = Buffer.from(file.bytes).toString('utf8');
    const written = file.name.endsWith('.key') ? keyFileText(parseKeyText(text, file.name)) : text;
    writeFileDurable(join(to, file.name), written, { mode: file.mode });
  }
  return copy;
}
