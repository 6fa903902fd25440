// Where a hub's keys and certificates lie in its folder, and how they are loaded: the one place that knows the file names.
// Must never use a key that others could read, or a certificate that is not for the key beside it.
// Read at every start; written by init.ts and, at renewal, by whoever renews.
import fs from 'node:fs';
import { join } from 'node:path';
import { type Issuer, loadIssuer } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { loadKeyFile, type OwnKey } from '../certs/keys.ts';
import type { TlsIdentity } from '../certs/listen.ts';
import { certificateDer } from '../certs/pem.ts';
import { type LeafRole, renewalDueMs } from '../certs/profile.ts';
import { ExchangeError } from '../protocol/errors.ts';
import type { HubId } from '../protocol/ids.ts';

/** DIR/keys/NAME.pem and DIR/certs/NAME.pem. */
export const hubKeyRoles = {
  tls: 'hub-tls',
  link: 'hub-link',
  receipts: 'hub-receipts',
  directory: 'hub-directory',
  checkpoints: 'hub-checkpoints',
} as const satisfies Record<string, LeafRole>;
export type HubKeyName = keyof typeof hubKeyRoles;
export const hubKeyNames = Object.keys(hubKeyRoles) as readonly HubKeyName[];

export const hubPaths = (dir: string) => ({
  config: join(dir, 'config.json'),
  database: join(dir, 'hub.sqlite'),
  /** The issuing CA as certs/ca.ts keeps it: issuing.key, issuing.crt, root.crt. */
  ca: join(dir, 'ca'),
  keys: join(dir, 'keys'),
  certs: join(dir, 'certs'),
  key: (name: HubKeyName) => join(dir, 'keys', `${name}.pem`),
  certificate: (name: HubKeyName | 'root' | 'issuing') => join(dir, 'certs', `${name}.pem`),
});

export type HubIdentity = {
  readonly hubId: HubId;
  readonly issuer: Issuer;
  readonly rootDer: Uint8Array;
  readonly issuingDer: Uint8Array;
  readonly keys: Readonly<Record<HubKeyName, OwnKey>>;
  readonly certificates: Readonly<Record<HubKeyName, Uint8Array>>;
  /** Server side of every listener. */
  readonly tls: TlsIdentity & { readonly rootDer: Uint8Array };
  /** Client side towards the next hub. */
  readonly link: TlsIdentity & { readonly rootDer: Uint8Array };
};

export function readCertificateFile(path: string): Uint8Array {
  try {
    return certificateDer(fs.readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('dir-missing', `no certificate: ${path}`, { cause });
  }
}

/** Throws `dir-missing`, `key-file-*`, `certificate-*`. */
export function loadHubIdentity(dir: string, options: { readonly nowMs: number }): HubIdentity {
  const paths = hubPaths(dir);
  const issuer = loadIssuer(paths.ca, options);
  const load = (name: HubKeyName) => {
    const key = loadKeyFile(paths.key(name));
    const der = readCertificateFile(paths.certificate(name));
    if (parseCertificate(der).keyId !== key.keyId)
      throw new ExchangeError('key-file-invalid', `not the key of its certificate: ${paths.key(name)}`);
    return { key, der };
  };
  const pairs = Object.fromEntries(hubKeyNames.map((name) => [name, load(name)])) as Record<
    HubKeyName,
    { key: OwnKey; der: Uint8Array }
  >;
  const each = <T>(pick: (pair: { key: OwnKey; der: Uint8Array }) => T) =>
    Object.fromEntries(hubKeyNames.map((name) => [name, pick(pairs[name])])) as Record<HubKeyName, T>;
  const { rootDer, certificateDer: issuingDer } = issuer;
  const tlsOf = ({ key, der }: { key: OwnKey; der: Uint8Array }) => ({
    key,
    certificateDer: der,
    issuingDer,
    rootDer,
  });
  return {
    hubId: issuer.hubId,
    issuer,
    rootDer,
    issuingDer,
    keys: each(({ key }) => key),
    certificates: each(({ der }) => der),
    tls: tlsOf(pairs.tls),
    link: tlsOf(pairs.link),
  };
}

export type CertificateLife = {
  readonly name: string;
  readonly notAfterMs: number;
  readonly daysLeft: number;
  /** `due`: less than a third of its life is left. */
  readonly state: 'good' | 'due' | 'expired';
};

/** Every certificate of the hub and how long it lives still: `hub start` and `hub status` warn of those that are not `good`. */
export function certificateLives(dir: string, nowMs: number): CertificateLife[] {
  const paths = hubPaths(dir);
  return (['root', 'issuing', ...hubKeyNames] as const).map((name) => {
    const { notBeforeMs, notAfterMs } = parseCertificate(readCertificateFile(paths.certificate(name)));
    const due = renewalDueMs({ notBeforeMs, notAfterMs }) <= nowMs;
    return {
      name,
      notAfterMs,
      daysLeft: Math.floor((notAfterMs - nowMs) / 86_400_000),
      state: notAfterMs <= nowMs ? 'expired' : due ? 'due' : 'good',
    };
  });
}
