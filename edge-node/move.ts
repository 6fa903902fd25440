// A node's identity as one PKCS#12 file, and a new box that takes it over: connection key, seal keys, certificates, root, where the hub is. The
// data do not travel with it (backup and restore do that): the hub hands out again what it still has, as after a restore from nothing.
// Must never make two boxes of one node: the hub refuses the second instance, and the file says which one took over by its restore count.
import fs from 'node:fs';
import { join } from 'node:path';
import { parseCertificate } from '../certs/certificate.ts';
import { keyFileText, type OwnKey, ownKeyOf } from '../certs/keys.ts';
import { readP12, writeP12 } from '../certs/p12.ts';
import { certificatePem, pemBlocks } from '../certs/pem.ts';
import { followHandovers, keepRoots, type Roots, rootsFrom } from '../certs/roots.ts';
import { type RootAnchor, verifyCertificate } from '../certs/trust.ts';
import { ExchangeError } from '../protocol/errors.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { makeDirDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { raiseRestoreCount } from './backup.ts';
import { type EnrolledFile, enrolFiles, readEnrolled } from './enrol-files.ts';
import { loadIdentity } from './identity.ts';
import { createStore, storeFile } from './store/store.ts';

const NODE = 'node';
const sealName = (unit: string): string => `seal-${unit}`;

type Note = EnrolledFile & { readonly firstRoot?: string; readonly rootHandovers?: readonly string[] };

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const derOf = (anchor: RootAnchor): Uint8Array => (anchor instanceof Uint8Array ? anchor : anchor.der);
const distinct = (ders: readonly Uint8Array[]): Uint8Array[] => [
  ...new Map(ders.map((der) => [base64(der), der])).values(),
];

export type Moved = { readonly nodeId: string; readonly hubId: string; readonly units: readonly string[] };

const movedOf = ({ nodeId, hubId, units }: EnrolledFile): Moved => ({
  nodeId,
  hubId,
  units: units.map(({ code }) => code),
});

/** Bytes of the file. Seals on a token are refused: the token itself moves. Throws `dir-missing`, `key-file-*`. */
export async function exportIdentity(
  dir: string,
  password: string,
): Promise<{ bytes: Buffer; moved: Moved }> {
  const file = readEnrolled(dir);
  if (!file) throw new ExchangeError('dir-missing', `${dir} is not enrolled`);
  const identity = loadIdentity(dir);
  const entryOf = (name: string, { privateKey }: OwnKey, certificate: Uint8Array) => ({
    name,
    privateKey,
    certificateDer: certificate,
  });
  const entries = [
    entryOf(NODE, ownKeyOf(identity.tlsKey), identity.tlsCertificate.der),
    ...identity.units.map(({ unit, key, certificate }) =>
      entryOf(sealName(unit), ownKeyOf(key), certificate.der),
    ),
  ];
  // While a CA is replaced, connection and seals hang under different ones.
  const issuingOf = (name: string): Uint8Array => {
    const [, issuing] = pemBlocks('CERTIFICATE', fs.readFileSync(join(dir, 'certs', name), 'utf8'));
    if (!issuing) throw new ExchangeError('certificate-malformed', `certs/${name} holds no issuing CA`);
    return issuing;
  };
  const { roots } = identity;
  // The root first: the note is carried beside it. Then every other authority, once.
  const authorities = distinct([
    identity.rootDer,
    issuingOf('node.pem'),
    ...identity.units.map(({ unit }) => issuingOf(`seal-${unit}.pem`)),
    ...roots.anchors.map(derOf),
  ]);
  const note: Note = {
    ...file,
    // Whoever believes only the newest root could not verify what was signed under the ones before.
    ...(roots.handovers.length > 0
      ? { firstRoot: base64(derOf(roots.anchors[0]!)), rootHandovers: roots.handovers.map(base64) }
      : {}),
  };
  return {
    bytes: await writeP12({ entries, authorities, note: JSON.stringify(note) }, password),
    moved: movedOf(file),
  };
}

/**
 * Makes `dir` of such a file; everything is verified before the first byte is written, and identity.json comes last. Keys are written under
 * this process's passphrase, if it has one. Throws `p12-refused`, `dir-exists`, `certificate-*` (expired: renew by a new invitation).
 */
export async function importIdentity(options: {
  readonly dir: string;
  readonly bytes: Uint8Array;
  readonly password: string;
  readonly config: object;
  readonly clock: Clock;
}): Promise<Moved> {
  const { dir, clock } = options;
  const files = enrolFiles(dir);
  if (fs.existsSync(dir) && fs.readdirSync(dir).length > 0) throw new ExchangeError('dir-exists', dir);
  const p12 = await readP12(options.bytes, options.password);
  const { firstRoot, rootHandovers, ...file } = noteOf(p12.note);
  const [root, issuing, ...others] = p12.authorities;
  if (!root || !issuing) throw new ExchangeError('p12-refused', 'the authorities are missing');
  const roots = rootsOf(root, firstRoot, rootHandovers);
  const intermediates = [issuing, ...others];
  const nowMs = clock.nowMs();
  const held = (name: string, role: 'node-tls' | 'unit-seal', subject: string) => {
    const entry = p12.entries.find((each) => each.name === name);
    if (!entry) throw new ExchangeError('p12-refused', `no key ${name}`);
    const { certificateDer: leafDer } = entry;
    const question = { leafDer, intermediatesDer: intermediates, rootsDer: roots.anchors, role };
    const facts = verifyCertificate({ ...question, atMs: nowMs });
    const leaf = parseCertificate(leafDer).x509;
    const above = intermediates.find((der) => leaf.checkIssued(parseCertificate(der).x509)) ?? issuing;
    const key = ownKeyOf(entry);
    if (
      facts.subjectId !== subject ||
      facts.hubId !== file.hubId ||
      parseCertificate(leafDer).keyId !== key.keyId
    )
      throw new ExchangeError('p12-refused', `${name} is not what the file says`);
    return { key, pem: certificatePem(leafDer) + certificatePem(above) };
  };
  const node = held(NODE, 'node-tls', file.nodeId);
  const seals = file.units.map(({ unitId }) => ({ unitId, ...held(sealName(unitId), 'unit-seal', unitId) }));
  for (const path of [dir, files.keys, files.certs]) makeDirDurable(path, 0o700);
  writeFileDurable(files.config, `${JSON.stringify(options.config, null, 2)}\n`);
  createStore(dir);
  raiseRestoreCount(join(dir, storeFile), nowMs);
  const open = { mode: 0o644 };
  writeFileDurable(files.root, certificatePem(derOf(roots.anchors[0]!)), open);
  if (roots.handovers.length > 0) keepRoots(files.certs, roots);
  writeFileDurable(files.nodeKey, keyFileText(node.key));
  writeFileDurable(files.nodeCertificate, node.pem, open);
  for (const { unitId, key, pem } of seals) {
    writeFileDurable(files.sealKey(unitId), keyFileText(key));
    writeFileDurable(files.sealCertificate(unitId), pem, open);
  }
  writeFileDurable(files.identity, `${JSON.stringify(file, null, 2)}\n`);
  return movedOf(file);
}

/** The newest root as the file has it, reached by the hand-overs that it brings, each verified again. */
function rootsOf(newest: Uint8Array, first?: string, handovers: readonly string[] = []): Roots {
  if (first === undefined) return rootsFrom(newest);
  const offered = handovers.map((text) => Buffer.from(text, 'base64'));
  // At the time of each: the old root may have ended since.
  const roots = followHandovers(rootsFrom(Buffer.from(first, 'base64')), offered, 0);
  if (Buffer.compare(roots.newestDer, newest) === 0) return roots;
  throw new ExchangeError('p12-refused', 'the hand-overs do not lead to the root of the file');
}

/** identity.json as exported; read again by identity.ts, which checks each id. */
function noteOf(note: string): Note {
  try {
    const file = JSON.parse(note) as Note;
    if (typeof file.nodeId === 'string' && Array.isArray(file.units)) return file;
  } catch {
    // Not ours: said below.
  }
  throw new ExchangeError('p12-refused', 'not an identity exported by this system');
}
