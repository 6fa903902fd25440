// Makes a hub's folder: root (or uses one), issuing CA limited to this hub's names, the hub's five keys, the database with the first
// ledger entries and the first signed directory part, and the configuration. The only place where a hub folder comes into being.
// Must never touch a folder that holds something, and writes config.json last: without it the folder is no hub.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import { basename, join, relative, resolve, sep } from 'node:path';
import { createIssuing, createRoot, type Issuer, type Lifetimes, loadIssuer } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { createKeyFile, keyPem, type OwnKey } from '../certs/keys.ts';
import { certificatePem } from '../certs/pem.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { type HubId, newHubId, newUnitId } from '../protocol/ids.ts';
import { makeDirDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { assertCode, assertUnitName } from './admin/unit-names.ts';
import { initialConfigText } from './config.ts';
import { hubKeyNames, hubKeyRoles, hubPaths } from './identity.ts';
import { adminOps } from './store/admin-ops.ts';
import { type Actor, programActor } from './store/audit.ts';
import { type CertificateRecord, recordCertificate, rowOfCertificate } from './store/certificate-rows.ts';
import { type FactName, writeFact } from './store/facts.ts';
import { openLedger } from './store/ledger.ts';
import { migrations } from './store/migrations.ts';

export type HubInit = {
  readonly dir: string;
  /** The office that runs the hub: its name, and its official code. It is the first unit; its node enrols by invitation like others. */
  readonly name: string;
  readonly code: string;
  /** Host names and IP addresses under which nodes reach the hub; the first one goes into invitations. Default: this machine alone. */
  readonly hosts?: readonly string[];
  /** Of the exchange listener; enrolment is the next one. */
  readonly port?: number;
  /** Folder of the deployment's root; made when there is none. Default DIR/root. */
  readonly rootDir?: string;
  /** Who makes it, for the first row of the audit. */
  readonly by?: Actor;
  readonly nowMs: number;
  /** Shorter lives of the first certificates. Default: the profiles'. */
  readonly lifetimesMs?: Lifetimes;
};

export type HubInitResult = {
  readonly hubId: HubId;
  readonly unit: string;
  readonly rootDir: string;
  readonly rootFingerprint: string;
  readonly rootCreated: boolean;
  readonly directoryVersion: number;
};

const THIS_MACHINE = ['localhost', '127.0.0.1'] as const;
const PUBLIC_MODE = 0o644;

/**
 * Durable and complete on return; refused, the folder is as it was. Throws `dir-exists`, `config-invalid` (a host name), `request-malformed`
 * (name, code).
 */
export async function initHub(init: HubInit): Promise<HubInitResult> {
  const dir = resolve(init.dir);
  assertUnitName(init.name);
  const code = assertCode(init.code);
  assertEmpty(dir);
  const had = fs.existsSync(dir) ? fs.readdirSync(dir) : undefined;
  makeDirDurable(dir, 0o700);
  claim(hubPaths(dir).ca);
  try {
    return await makeHub(dir, { ...init, code });
  } catch (error) {
    // Nobody has heard of these keys: a mistyped host name is mended and the same command given again.
    for (const name of madeIn(dir, init.rootDir))
      if (!had?.includes(name)) fs.rmSync(join(dir, name), { recursive: true, force: true });
    if (!had && fs.readdirSync(dir).length === 0) fs.rmdirSync(dir);
    throw error;
  }
}

/** Of two that begin at the same moment one makes this folder, and only that one clears away. Code: `dir-exists`. */
function claim(path: string): void {
  try {
    fs.mkdirSync(path, 0o700);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new ExchangeError('dir-exists', path, { cause });
  }
}

/** What `makeHub` makes in the folder, by name. */
function madeIn(dir: string, rootDir: string | undefined): string[] {
  const { ca, keys, certs, config, database } = hubPaths(dir);
  const root = relative(dir, resolve(rootDir ?? join(dir, 'root'))).split(sep)[0]!;
  const files = [config, database, `${database}-wal`, `${database}-shm`];
  const names = [ca, keys, certs, ...files].map((path) => basename(path));
  return root === '..' || root === '' ? names : [...names, root];
}

async function makeHub(dir: string, { code, ...init }: HubInit): Promise<HubInitResult> {
  const paths = hubPaths(dir);
  for (const folder of [paths.ca, paths.keys, paths.certs]) makeDirDurable(folder, 0o700);
  const rootDir = resolve(init.rootDir ?? join(dir, 'root'));
  const rootCreated = !fs.existsSync(join(rootDir, 'root.crt'));
  if (rootCreated) await createRoot(rootDir, { name: `${init.name} - lien thong`, nowMs: init.nowMs });

  const hubId = newHubId(randomBytes(10));
  const all = init.hosts?.length ? init.hosts : THIS_MACHINE;
  const hosts = all.filter((host) => isIP(host) === 0).map((host) => host.toLowerCase());
  const ips = all.filter((host) => isIP(host) !== 0);
  await createIssuing(rootDir, paths.ca, { hubId, hosts, ips, nowMs: init.nowMs });
  const issuer = loadIssuer(paths.ca, { nowMs: init.nowMs, lifetimesMs: init.lifetimesMs });
  const made = await issueHubKeys(dir, { issuer, hosts, ips, nowMs: init.nowMs });

  const unit = newUnitId(randomBytes(10));
  const first = { hubId, unit, name: init.name, code, nowMs: init.nowMs, by: init.by ?? programActor };
  const directoryVersion = createStore(paths.database, first, made);
  writeFileDurable(
    paths.config,
    initialConfigText({
      host: all[0] ?? 'localhost',
      ...(init.port === undefined ? {} : { port: init.port }),
    }),
  );
  const { fingerprint } = parseCertificate(issuer.rootDer);
  return { hubId, unit, rootDir, rootFingerprint: fingerprint, rootCreated, directoryVersion };
}

/** The root may be there already (--root inside --dir); anything else means that somebody uses the folder. */
function assertEmpty(dir: string): void {
  if (!fs.existsSync(dir)) return;
  if (fs.existsSync(hubPaths(dir).config)) throw new ExchangeError('dir-exists', dir);
  const found = fs.readdirSync(dir).filter((name) => name !== 'root');
  if (found.length === 0) return;
  const what = found.includes('hub.sqlite') || found.includes('ca') ? 'an init that was cut off' : found[0];
  throw new ExchangeError('dir-exists', `${dir} holds ${what}: remove it or choose another folder`);
}

type Made = { readonly records: readonly CertificateRecord[]; readonly directoryKey: OwnKey };

async function issueHubKeys(
  dir: string,
  options: { issuer: Issuer; hosts: readonly string[]; ips: readonly string[]; nowMs: number },
): Promise<Made> {
  const { issuer, nowMs } = options;
  const paths = hubPaths(dir);
  const keep = (name: Parameters<typeof paths.certificate>[0], der: Uint8Array) =>
    writeFileDurable(paths.certificate(name), certificatePem(der), { mode: PUBLIC_MODE });
  keep('root', issuer.rootDer);
  keep('issuing', issuer.certificateDer);
  const records = [rowOfCertificate('issuing', issuer.hubId, issuer.certificateDer)];
  let directoryKey: OwnKey | undefined;
  for (const name of hubKeyNames) {
    const key = createKeyFile(paths.key(name));
    if (name === 'directory') directoryKey = key;
    const role = hubKeyRoles[name];
    const { der } = await issuer.issue({
      role,
      subjectId: issuer.hubId,
      key: { publicKeyDer: key.publicKeyDer },
      nowMs,
      ...(role === 'hub-tls' ? { hosts: options.hosts, ips: options.ips } : {}),
    });
    keep(name, der);
    records.push(rowOfCertificate(role, issuer.hubId, der));
  }
  return { records, directoryKey: directoryKey! };
}

/** Facts, certificates, the office's own unit and directory version 1, in one transaction. Returns the version. */
function createStore(
  path: string,
  first: { hubId: HubId; unit: string; name: string; code: string; nowMs: number; by: Actor },
  { records, directoryKey }: Made,
): number {
  const { hubId, unit, name, code, nowMs, by } = first;
  const db = openDatabase(path, { create: true });
  try {
    migrate(db, migrations);
    return db.transaction(() => {
      const facts: readonly (readonly [FactName, string])[] = [
        ['hubId', hubId],
        ['hubName', name],
        ['ownUnit', unit],
        ['epoch', '1'],
        ['epochStartedMs', String(nowMs)],
        ['commonLedgerSequence', '0'],
        ['revocationNumber', '0'],
        ['parentHub', ''],
        ['upstream', ''],
      ];
      for (const [fact, value] of facts) writeFact(db, fact, value);
      const { append: appendLedger } = openLedger(db);
      for (const record of records) recordCertificate(db, { appendLedger }, record, nowMs);
      const context = { directoryKeyPem: keyPem(directoryKey), directoryKeyId: directoryKey.keyId };
      const ops = adminOps(db, { appendLedger, context });
      return ops.unitAdd({ unit, name, codes: [code], parent: '', documentBytesMax: 0, nowMs, by }).version;
    });
  } finally {
    db.close();
  }
}
