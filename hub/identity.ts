// Where a hub's keys and certificates lie in its folder, and how they are loaded: the one place that knows the file names.
// Must never use a key that others could read, or a certificate that is not for the key beside it.
// Read at every start; written by init.ts and, at renewal, by whoever renews.
import fs from 'node:fs';
import { join } from 'node:path';
import { type Issuer, type Lifetimes, loadIssuer } from '../certs/ca.ts';
import { type Certificate, parseCertificate } from '../certs/certificate.ts';
import { loadKeyFile, type OwnKey } from '../certs/keys.ts';
import type { TlsIdentity } from '../certs/listen.ts';
import { completePair, type PairFiles, pairFiles } from '../certs/pair-files.ts';
import { certificateDer } from '../certs/pem.ts';
import { type LeafRole, renewalDueMs } from '../certs/profile.ts';
import { type Chains, type Roots, readRoots, rootsGoodAt, rootsPem, vouches } from '../certs/roots.ts';
import { completeIssuing, type FormerIssuing, formerIssuings } from '../certs/rotation.ts';
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
  /** The present issuing CA. */
  readonly issuer: Issuer;
  readonly former: readonly FormerIssuing[];
  readonly roots: Roots;
  /** What a new box is told: the oldest root that is still good and under which the present issuing CA hangs, so that an invitation outlives a hand-over. */
  readonly rootDer: Uint8Array;
  /** The certificate of the present issuing CA under that root. */
  readonly issuingDer: Uint8Array;
  readonly keys: Readonly<Record<HubKeyName, OwnKey>>;
  readonly certificates: Readonly<Record<HubKeyName, Uint8Array>>;
  /** Server side of every listener. */
  readonly tls: TlsIdentity & { readonly rootDer: Uint8Array };
  /** Client side towards the next hub. */
  readonly link: TlsIdentity & { readonly rootDer: Uint8Array };
  /** PEM of the roots that a client of this hub believes. */
  readonly rootsPem: string;
};

export function readCertificateFile(path: string): Uint8Array {
  try {
    return certificateDer(fs.readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ExchangeError('dir-missing', `no certificate: ${path}`, { cause });
  }
}

/** The roots that this hub believes. */
export const rootsOfHub = (dir: string): Roots => {
  const { certs, certificate } = hubPaths(dir);
  return readRoots(certs, readCertificateFile(certificate('root')));
};

/** The pair of a hub's key as certs/pair-files.ts replaces it. */
export const hubPair = (dir: string, name: HubKeyName): PairFiles =>
  pairFiles(hubPaths(dir).keys, hubPaths(dir).certs, name);

/** Renewals that were cut off are completed first. Throws `dir-missing`, `key-file-*`, `certificate-*`, `config-invalid`. */
export function loadHubIdentity(
  dir: string,
  options: { readonly nowMs: number; readonly lifetimesMs?: Lifetimes },
): HubIdentity {
  const paths = hubPaths(dir);
  completeIssuing(paths.ca);
  const issuer = loadIssuer(paths.ca, options);
  const former = formerIssuings(paths.ca);
  const roots = rootsOfHub(dir);
  const chains = chainsOf([parseCertificate(issuer.certificateDer), ...former.map((f) => f.certificate)], {
    roots,
    nowMs: options.nowMs,
  });
  const load = (name: HubKeyName) => {
    completePair(hubPair(dir, name));
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
  const tlsOf = ({ key, der }: { key: OwnKey; der: Uint8Array }) => {
    const above = chains.above(parseCertificate(der)) ?? chains.present;
    return { key, certificateDer: der, issuingDer: above.issuingDer, rootDer: above.rootDer };
  };
  return {
    hubId: issuer.hubId,
    issuer,
    former,
    roots,
    ...chains.present,
    keys: each(({ key }) => key),
    certificates: each(({ der }) => der),
    tls: tlsOf(pairs.tls),
    link: tlsOf(pairs.link),
    rootsPem: rootsPem(rootsGoodAt(roots, options.nowMs)),
  };
}

/** For certs/roots.ts: under what this hub's certificates may hang. */
export const chainsOfHub = ({ issuer, former, roots }: HubIdentity): Chains => ({
  issuingsDer: [issuer.certificateDer, ...former.map(({ certificate }) => certificate.der)],
  anchors: roots.anchors,
});

type Above = { readonly issuingDer: Uint8Array; readonly rootDer: Uint8Array };

/**
 * Which issuing CA and root to show with a certificate: of several that vouch for it, the one under the oldest root that is still good,
 * since peers follow a hand-over in their own time and every one of them believes the older root.
 */
function chainsOf(
  issuings: readonly Certificate[],
  { roots, nowMs }: { readonly roots: Roots; readonly nowMs: number },
): { readonly present: Above; above(leaf: Certificate): Above | undefined } {
  const present = issuings[0]!;
  const ordered = rootsGoodAt(roots, nowMs).flatMap((rootDer) => {
    const root = parseCertificate(rootDer);
    return issuings
      .filter((issuing) => vouches(root, issuing) && nowMs <= issuing.notAfterMs)
      .map((issuing) => ({ issuing, above: { issuingDer: issuing.der, rootDer } }));
  });
  const first = (fits: (issuing: Certificate) => boolean) =>
    ordered.find(({ issuing }) => fits(issuing))?.above;
  return {
    // Ended everything has, when there is none: the newest then says so to whoever asks.
    present: first(({ keyId }) => keyId === present.keyId) ?? {
      issuingDer: present.der,
      rootDer: roots.newestDer,
    },
    above: (leaf) => first((issuing) => vouches(issuing, leaf)),
  };
}

/** When the newest certificate of the hub, its CA or its root was made, by what it says; 0 where none can be read. It was past when it was made. */
export function certifiedAtMs(dir: string): number {
  const paths = hubPaths(dir);
  const made = (['root', 'issuing', ...hubKeyNames] as const).map((name) => {
    try {
      return parseCertificate(readCertificateFile(paths.certificate(name))).notBeforeMs;
    } catch {
      // Told by whoever needs it (loadHubIdentity).
      return 0;
    }
  });
  return Math.max(...made);
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
