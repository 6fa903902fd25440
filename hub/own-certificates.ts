// The hub's own keys and certificates while it runs: renewed by itself in the last third of their life, with its own issuing CA, and put to
// use without a restart. Must never sign with a key whose certificate the directory does not name yet, nor stop what is under way:
// the old certificate goes on beside the new one until it ends.
import type { Lifetimes } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { ipText } from '../certs/extensions.ts';
import { keyPem } from '../certs/keys.ts';
import { keepNext, nextKeyOf, readNext, takeNext } from '../certs/pair-files.ts';
import { certificateDer, certificatePem } from '../certs/pem.ts';
import { touchesInternal } from '../certs/profile.ts';
import { settledMs } from '../certs/renewal.ts';
import { followHandovers, keepRoots, pathEndsMs, type Roots, renewalTimeMs } from '../certs/roots.ts';
import { checkNextIssuing, installNextIssuing } from '../certs/rotation.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import type { Log } from '../protocol/node/logger.ts';
import type { Admin } from './admin/acts.ts';
import {
  chainsOfHub,
  type HubIdentity,
  type HubKeyName,
  hubKeyNames,
  hubKeyRoles,
  hubPair,
  hubPaths,
  loadHubIdentity,
} from './identity.ts';
import { rowOfCertificate } from './store/certificate-rows.ts';
import type { HubKeyTexts } from './store/types.ts';

export type OwnCertificates = {
  /** As loaded last; another object after every change. */
  identity(): HubIdentity;
  /** Loads what lies in the folder and puts it to use: after a renewal, an issuing CA that was installed, a root that handed over. */
  reload(): Promise<void>;
  /** Records what lies in the folder and is not in the store (a cut renewal), asks for what is due, takes into use what has settled. Idempotent. */
  tend(): Promise<void>;
  /** Throws what `installIssuing` would throw, and changes nothing. */
  checkIssuing(signed: SignedIssuing): void;
  /** What the root has signed, in the folder and in use on return. Idempotent. Codes of certs/rotation.ts. */
  installIssuing(signed: SignedIssuing): Promise<void>;
  /** The roots that these hand-overs lead to; undefined when none begins at the newest root believed here. Codes of certs/roots.ts. */
  followable(handovers: readonly Uint8Array[]): Roots | undefined;
  /** Believes the roots that they lead to, durably, from now on. Returns whether there was one. */
  follow(handovers: readonly Uint8Array[]): Promise<boolean>;
};
export type SignedIssuing = { readonly certificateDer: Uint8Array; readonly rootDer: Uint8Array };

export type OwnCertificatesDeps = {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifetimesMs: Lifetimes;
  /** Late, since administration needs what this gives. */
  readonly admin: () => Admin;
  /** The listeners, the link, the writer: everything that holds a key. */
  readonly use: (identity: HubIdentity) => Promise<void>;
};

/** What the writer thread signs with. */
export const keyTexts = ({ keys }: HubIdentity): HubKeyTexts => ({
  receiptsKeyPem: keyPem(keys.receipts),
  receiptsKeyId: keys.receipts.keyId,
  directoryKeyPem: keyPem(keys.directory),
  directoryKeyId: keys.directory.keyId,
});

export function createOwnCertificates(deps: OwnCertificatesDeps): OwnCertificates {
  const { dir, clock, log, lifetimesMs } = deps;
  const load = () => loadHubIdentity(dir, { nowMs: clock.nowMs(), lifetimesMs });
  let identity = load();
  const paths = hubPaths(dir);
  /** One at a time: callers during one share it. */
  let tending: Promise<void> | undefined;
  const installOf = (signed: SignedIssuing) => ({
    ...signed,
    anchors: identity.roots.anchors,
    hubId: identity.hubId,
    nowMs: clock.nowMs(),
  });

  async function reload(): Promise<void> {
    identity = load();
    await deps.use(identity);
  }

  /** Its own life or its path is over: nobody believes what it signs, so the next one has nothing to wait for. */
  const ended = (name: HubKeyName): boolean =>
    clock.nowMs() > pathEndsMs(parseCertificate(identity.certificates[name]), chainsOfHub(identity));

  async function record(role: string, der: Uint8Array): Promise<void> {
    const { issuer } = identity;
    const { serial, ...rest } = rowOfCertificate(role, issuer.hubId, der);
    if (deps.admin().store.reader.get('SELECT 1 FROM certificates WHERE serial = ?', serial)) return;
    // A version under an ended path would be refused by everybody.
    const [publish, nowMs] = [!ended('directory'), clock.nowMs()];
    await deps.admin().act('ownCertificateRenewed', { record: { serial, ...rest }, publish, nowMs });
  }

  /** The certificate of the key that is next: issued once, recorded before it is a file. */
  async function issueNext(name: HubKeyName): Promise<void> {
    const { issuer, certificates } = identity;
    const pair = hubPair(dir, name);
    const key = nextKeyOf(pair);
    const role = hubKeyRoles[name];
    const known = deps
      .admin()
      .store.reader.get<{ der: Uint8Array }>(
        'SELECT der FROM certificates WHERE key_id = ? AND role = ?',
        key.keyId,
        role,
      );
    const made =
      known?.der ??
      (
        await issuer.issue({
          role,
          subjectId: issuer.hubId,
          key: { publicKeyDer: key.publicKeyDer },
          nowMs: clock.nowMs(),
          ...(name === 'tls' ? outerNames(certificates.tls) : {}),
        })
      ).der;
    await record(role, made);
    keepNext(pair, certificatePem(made));
    const { serialHex, notAfterMs } = parseCertificate(made);
    log.info({
      event: 'certificate.renewed',
      profile: role,
      serial: serialHex,
      notAfter: new Date(notAfterMs).toISOString(),
    });
  }

  /** True when a pair was taken into use. */
  async function tendOne(name: HubKeyName): Promise<boolean> {
    const pair = hubPair(dir, name);
    const waiting = readNext(pair);
    if (waiting === undefined) {
      const present = parseCertificate(identity.certificates[name]);
      if (clock.nowMs() < renewalTimeMs(present, chainsOfHub(identity))) return false;
      await issueNext(name);
      if (!ended(name)) return false;
      takeNext(pair);
      return true;
    }
    const next = parseCertificate(certificateDer(waiting));
    // Whoever must know a key before it is used learns it from the directory: the link's at the next hub, the receipts' at the nodes.
    if (name !== 'tls' && clock.nowMs() < settledMs(next) && !ended(name)) return false;
    takeNext(pair);
    return true;
  }

  /**
   * A hub that was off, or far behind, while the path of its directory key ended. First of all: what the others record is published, and
   * must be signed by a key that is believed. Cut off anywhere it goes on at the next call.
   */
  async function replaceEndedDirectory(): Promise<void> {
    if (!ended('directory') || !(await tendOne('directory'))) return;
    await reload();
    await deps.admin().act('publishAnew', { nowMs: clock.nowMs() });
  }

  async function tendAll(): Promise<void> {
    const { issuer } = identity;
    await record('issuing', issuer.certificateDer);
    await replaceEndedDirectory();
    let changed = false;
    for (const name of hubKeyNames) changed = (await tendOne(name)) || changed;
    if (changed) await reload();
  }

  function followable(handovers: readonly Uint8Array[]): Roots | undefined {
    const followed = followHandovers(identity.roots, handovers, clock.nowMs());
    return followed === identity.roots ? undefined : followed;
  }

  return {
    identity: () => identity,
    reload,
    checkIssuing(signed) {
      checkNextIssuing(paths.ca, installOf(signed));
    },
    async installIssuing(signed) {
      const { der } = installNextIssuing(paths.ca, installOf(signed));
      // The copy that operators look at.
      writeFileDurable(paths.certificate('issuing'), certificatePem(der), { mode: 0o644 });
      await reload();
    },
    followable,
    async follow(handovers) {
      const followed = followable(handovers);
      if (!followed) return false;
      keepRoots(paths.certs, followed);
      log.warn({ event: 'root.followed', root: parseCertificate(followed.newestDer).fingerprint });
      await reload();
      return true;
    },
    tend() {
      tending ??= tendAll().finally(() => {
        tending = undefined;
      });
      return tending;
    },
  };
}

/** Host names and addresses of the present server certificate: the next one is good for the same. */
function outerNames(der: Uint8Array): { hosts: string[]; ips: string[] } {
  const names = parseCertificate(der).subjectAltName;
  return {
    hosts: names.flatMap((each) => (each.kind === 'dns' && !touchesInternal(each.name) ? [each.name] : [])),
    ips: names.flatMap((each) => (each.kind === 'ip' ? [ipText(each.bytes)] : [])),
  };
}
