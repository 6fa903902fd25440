// The deployment's root and the issuing CA of each hub: makes their keys, signs certificates by profile.
// It must never take a name from a request, sign without proof of possession, or hand out what trust.ts would not accept.
// The caller writes the ledger entry before a certificate leaves the hub (DESIGN §5 Trust).
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { type HubId, parseHubId, parseNodeId, parseUnitId } from '../protocol/ids.ts';
import { makeDirDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { buildCrl, type CrlSpec } from './crl.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  ipBytes,
  keyUsage,
  nameConstraints,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { loadKeyFile, loadOrCreateKeyFile, type OwnKey } from './keys.ts';
import { certificateDer, certificatePem } from './pem.ts';
import {
  BACKDATE_MS,
  caProfiles,
  hubDomain,
  internalName,
  type LeafRole,
  leafKeyUsage,
  leafProfiles,
  touchesInternal,
} from './profile.ts';
import { type CertificateFacts, verifyCertificate } from './trust.ts';
import { buildCertificate, buildCsr, publicKeyOfCsr } from './x509.ts';

/** The files of a CA folder. The root's folder is made to be carried away; a hub's folder holds no root key. */
export const caFiles = {
  rootKey: 'root.key',
  rootCertificate: 'root.crt',
  issuingKey: 'issuing.key',
  issuingCertificate: 'issuing.crt',
} as const;

/** Public files may be read by everybody: certificates hold nothing secret, and operators look at them. */
const PUBLIC_MODE = 0o644;

/** Positive, always 16 octets, 126 random bits: never repeated by chance, and not to be guessed. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** One certificate file. Throws `dir-missing`, `certificate-malformed`. */
export function readCertificate(path: string): Certificate {
  let pem: string;
  try {
    pem = fs.readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('dir-missing', `no certificate: ${path}`, { cause });
  }
  return parseCertificate(certificateDer(pem));
}

export type Root = { readonly certificateDer: Uint8Array; readonly keyId: string };

/**
 * Makes the deployment's root in `dir`: key and certificate, durable on return. A run that was cut off is completed by the
 * next. Throws `dir-exists` when the root is there already. `name` is shown to people; it decides nothing.
 */
export async function createRoot(dir: string, options: { name: string; nowMs: number }): Promise<Root> {
  makeDirDurable(dir, 0o700);
  const path = join(dir, caFiles.rootCertificate);
  if (fs.existsSync(path)) throw new ExchangeError('dir-exists', `there is a root: ${path}`);
  const key = loadOrCreateKeyFile(join(dir, caFiles.rootKey));
  const { pathLength, keyUsage: usages, lifetimeMs } = caProfiles.root;
  const der = await buildCertificate({
    serialHex: newSerial(),
    subject: { commonName: options.name, role: 'root' },
    notBeforeMs: options.nowMs - BACKDATE_MS,
    notAfterMs: options.nowMs + lifetimeMs,
    publicKeyDer: key.publicKeyDer,
    signingKey: key.privateKey,
    extensions: [
      basicConstraints(true, pathLength),
      keyUsage(usages),
      subjectKeyIdentifier(key.publicKeyDer),
    ],
  });
  writeFileDurable(path, certificatePem(der), { mode: PUBLIC_MODE });
  return { certificateDer: der, keyId: key.keyId };
}

/** Makes, or finds, the key of a hub's issuing CA in `dir` and returns the request (PEM) to be carried to the root. */
export async function requestIssuing(dir: string): Promise<string> {
  makeDirDurable(dir, 0o700);
  return buildCsr(loadOrCreateKeyFile(join(dir, caFiles.issuingKey)).privateKey);
}

export type HubRequest = {
  readonly hubId: HubId;
  /** Host names in the outer world. A constraint permits everything below each, so name hosts, not domains. */
  readonly hosts: readonly string[];
  readonly ips: readonly string[];
  /** PEM, from requestIssuing. */
  readonly csr: string;
  readonly nowMs: number;
};

/**
 * Signs the issuing CA of one hub with the root in `rootDir`: limited to the hub's own subtree, its host names and addresses.
 * Throws `csr-invalid`, `config-invalid` (a host that reaches into other hubs' names), `dir-missing`, `key-file-*`.
 */
export async function issueHub(
  rootDir: string,
  request: HubRequest,
): Promise<{ certificateDer: Uint8Array; rootDer: Uint8Array }> {
  const root = readCertificate(join(rootDir, caFiles.rootCertificate));
  const key = matchingKey(join(rootDir, caFiles.rootKey), root);
  const hubId = parseHubId(request.hubId);
  checkHosts(request.hosts, request.ips);
  const publicKeyDer = await publicKeyOfCsr(request.csr);
  const { pathLength, keyUsage: usages, lifetimeMs } = caProfiles.issuing;
  const der = await buildCertificate({
    serialHex: newSerial(),
    subject: { commonName: hubId, role: 'issuing' },
    issuerDer: root.der,
    notBeforeMs: request.nowMs - BACKDATE_MS,
    notAfterMs: Math.min(request.nowMs + lifetimeMs, root.notAfterMs),
    publicKeyDer,
    signingKey: key.privateKey,
    extensions: [
      basicConstraints(true, pathLength),
      keyUsage(usages),
      nameConstraints([hubDomain(hubId), ...request.hosts], request.ips),
      subjectKeyIdentifier(publicKeyDer),
      authorityKeyIdentifier(root.publicKeyDer),
    ],
  });
  verifyCertificate({
    leafDer: der,
    intermediatesDer: [],
    rootsDer: [root.der],
    atMs: request.nowMs,
    role: 'issuing',
  });
  return { certificateDer: der, rootDer: root.der };
}

/** A name in the form that a certificate holds: lower case, letters, digits, hyphens. `localhost` is one. */
const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** True for a host name as certificates hold it, outside this system's own name space; not for an address. */
export const isOuterHost = (text: string): boolean =>
  hostName.test(text) && isIP(text) === 0 && !touchesInternal(text);

function checkHosts(hosts: readonly string[], ips: readonly string[]): void {
  for (const host of hosts) {
    if (!hostName.test(host) || isIP(host))
      throw new ExchangeError('config-invalid', `not a host name: ${host}`);
    if (touchesInternal(host)) throw new ExchangeError('config-invalid', `reserved for this system: ${host}`);
  }
  for (const ip of ips) ipBytes(ip);
}

function matchingKey(path: string, certificate: Certificate): OwnKey {
  const key = loadKeyFile(path);
  if (key.keyId !== certificate.keyId)
    throw new ExchangeError('key-file-invalid', `not the key of the certificate beside it: ${path}`);
  return key;
}

/**
 * Puts what the root has signed beside the key in `dir`; durable on return, idempotent. Throws `certificate-*` when it does not
 * hang under `rootDer` at `nowMs`, `key-file-invalid` when it was signed for another key.
 */
export function installIssuing(
  dir: string,
  signed: { certificateDer: Uint8Array; rootDer: Uint8Array; nowMs: number },
): void {
  const { certificateDer: leafDer, rootDer, nowMs: atMs } = signed;
  verifyCertificate({ leafDer, intermediatesDer: [], rootsDer: [rootDer], atMs, role: 'issuing' });
  matchingKey(join(dir, caFiles.issuingKey), parseCertificate(leafDer));
  // The issuing certificate last: it is the sign that the folder is complete.
  writeFileDurable(join(dir, caFiles.rootCertificate), certificatePem(rootDer), { mode: PUBLIC_MODE });
  writeFileDurable(join(dir, caFiles.issuingCertificate), certificatePem(leafDer), { mode: PUBLIC_MODE });
}

/** All three steps on one machine, for a first hub or the demo. The root's folder should be carried away afterwards. */
export async function createIssuing(
  rootDir: string,
  dir: string,
  request: Omit<HubRequest, 'csr'>,
): Promise<void> {
  const signed = await issueHub(rootDir, { ...request, csr: await requestIssuing(dir) });
  installIssuing(dir, { ...signed, nowMs: request.nowMs });
}

export type IssueRequest = {
  readonly role: LeafRole;
  /** Unit id, node id, or for a role of the hub its own hub id. Given by the caller's records, never by the request. */
  readonly subjectId: string;
  /** Exactly one: a PEM request of somebody else (possession is checked), or the public key of a key of our own. */
  readonly key: { readonly csr: string } | { readonly publicKeyDer: Uint8Array };
  readonly nowMs: number;
  /** Only for servers (`hub-tls`, one for `node-console`); must lie within what the issuing CA permits. */
  readonly hosts?: readonly string[];
  readonly ips?: readonly string[];
};

/** Shorter lives than the profiles' (config.certificateDays); a longer one is cut to the profile. */
export type Lifetimes = Partial<Record<LeafRole, number>>;

export type Issuer = {
  readonly hubId: HubId;
  readonly certificateDer: Uint8Array;
  readonly rootDer: Uint8Array;
  readonly notAfterMs: number;
  /** For its revocation lists. */
  readonly key: OwnKey;
  /**
   * Signs one certificate by profile and checks it as a stranger would before returning it. Valid from 5 minutes before `nowMs`, at
   * most as long as the issuing CA. Not durable, not in the ledger: both are the caller's. Throws `csr-invalid`, `id-malformed`,
   * `certificate-expired` (the issuing CA itself), `config-invalid` (a host that the CA does not permit).
   */
  issue(request: IssueRequest): Promise<CertificateFacts>;
  /** A standard revocation list, PEM, for programs outside this system. */
  revocationList(spec: CrlSpec): string;
};

/** Loads the issuing CA of a hub from its folder. Throws `dir-missing`, `key-file-*`, `certificate-*`. */
export function loadIssuer(
  dir: string,
  options: { readonly nowMs: number; readonly lifetimesMs?: Lifetimes | undefined },
): Issuer {
  const root = readCertificate(join(dir, caFiles.rootCertificate));
  const certificate = readCertificate(join(dir, caFiles.issuingCertificate));
  const key = matchingKey(join(dir, caFiles.issuingKey), certificate);
  const { hubId } = verifyCertificate({
    leafDer: certificate.der,
    intermediatesDer: [],
    rootsDer: [root.der],
    atMs: options.nowMs,
    role: 'issuing',
  });
  return {
    hubId,
    certificateDer: certificate.der,
    rootDer: root.der,
    notAfterMs: certificate.notAfterMs,
    key,
    issue: (request) =>
      issueLeaf({ root, certificate, key, hubId, lifetimesMs: options.lifetimesMs ?? {} }, request),
    revocationList: (spec) => buildCrl(certificate, key.privateKey, spec),
  };
}

type Authority = {
  readonly root: Certificate;
  readonly certificate: Certificate;
  readonly key: OwnKey;
  readonly hubId: HubId;
  readonly lifetimesMs: Lifetimes;
};

const parsers = { hub: parseHubId, node: parseNodeId, unit: parseUnitId } as const;

async function issueLeaf(authority: Authority, request: IssueRequest): Promise<CertificateFacts> {
  const { role, nowMs, hosts = [], ips = [] } = request;
  const profile = leafProfiles[role];
  const subjectId = parsers[profile.subject](request.subjectId);
  if (profile.subject === 'hub' && subjectId !== authority.hubId)
    throw new ExchangeError('config-invalid', 'a hub certifies only its own keys');
  if (hosts.length + ips.length > profile.hostsMax)
    throw new ExchangeError('config-invalid', `${role} has at most ${profile.hostsMax} host names`);
  checkHosts(hosts, ips);
  const publicKeyDer =
    'csr' in request.key ? await publicKeyOfCsr(request.key.csr) : request.key.publicKeyDer;
  const { certificate: ca, lifetimesMs } = authority;
  const lifeMs = Math.min(profile.lifetimeMs, lifetimesMs[role] ?? profile.lifetimeMs);
  const leafDer = await buildCertificate({
    serialHex: newSerial(),
    subject: { commonName: subjectId, role },
    issuerDer: ca.der,
    notBeforeMs: Math.max(nowMs - BACKDATE_MS, ca.notBeforeMs),
    notAfterMs: Math.min(nowMs + lifeMs, ca.notAfterMs),
    publicKeyDer,
    signingKey: authority.key.privateKey,
    extensions: [
      basicConstraints(false),
      keyUsage(leafKeyUsage),
      extendedKeyUsage(profile.usageOid),
      subjectAltName([internalName(role, authority.hubId, subjectId), ...hosts], ips),
      subjectKeyIdentifier(publicKeyDer),
      authorityKeyIdentifier(ca.publicKeyDer),
    ],
  });
  return checkIssued(authority, { leafDer, role, nowMs, withHosts: hosts.length + ips.length > 0 });
}

function checkIssued(
  { root, certificate }: Authority,
  made: { leafDer: Uint8Array; role: LeafRole; nowMs: number; withHosts: boolean },
): CertificateFacts {
  const { leafDer, role, nowMs: atMs } = made;
  try {
    const intermediatesDer = [certificate.der];
    return verifyCertificate({ leafDer, intermediatesDer, rootsDer: [root.der], atMs, role });
  } catch (cause) {
    if (!(cause instanceof ExchangeError) || cause.code !== 'certificate-wrong-usage' || !made.withHosts)
      throw cause;
    const remedy =
      'a host or address that this CA may not certify; have the root sign the CA with it (hub ca request --add-host)';
    throw new ExchangeError('config-invalid', remedy, { cause });
  }
}
