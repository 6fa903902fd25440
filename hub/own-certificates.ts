// The hub's own keys and certificates while it runs: renewed by itself in the last third of their life, with its own issuing CA, and put to
// use without a restart. Must never sign with a key whose certificate the directory does not name yet, nor stop what is under way:
// the old certificate goes on beside the new one until it ends.
import type { Lifetimes } from '../certs/ca.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { keyPem } from '../certs/keys.ts';
import { keepNext, nextKeyOf, readNext, takeNext } from '../certs/pair-files.ts';
import { certificateDer, certificatePem } from '../certs/pem.ts';
import { renewalDueMs, touchesInternal } from '../certs/profile.ts';
import { settledMs } from '../certs/renewal.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { Log } from '../protocol/node/logger.ts';
import type { Admin } from './admin/acts.ts';
import {
  type HubIdentity,
  type HubKeyName,
  hubKeyNames,
  hubKeyRoles,
  hubPair,
  loadHubIdentity,
} from './identity.ts';
import { rowOfCertificate } from './store/enrol-ops.ts';
import type { HubKeyTexts } from './store/types.ts';

export type OwnCertificates = {
  /** As loaded last; another object after every change. */
  identity(): HubIdentity;
  /** Loads what lies in the folder and puts it to use: after a renewal, an issuing CA that was installed, a root that handed over. */
  reload(): Promise<void>;
  /** Records what lies in the folder and is not in the store (a cut renewal), asks for what is due, takes into use what has settled. Idempotent. */
  tend(): Promise<void>;
};

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

  async function reload(): Promise<void> {
    identity = load();
    await deps.use(identity);
  }

  async function record(role: string, der: Uint8Array): Promise<void> {
    const { issuer } = identity;
    const { serial, ...rest } = rowOfCertificate(role, issuer.hubId, der);
    if (deps.admin().store.reader.get('SELECT 1 FROM certificates WHERE serial = ?', serial)) return;
    await deps.admin().act('ownCertificateRenewed', { record: { serial, ...rest }, nowMs: clock.nowMs() });
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
      if (clock.nowMs() >= renewalDueMs(parseCertificate(identity.certificates[name]))) await issueNext(name);
      return false;
    }
    const next = parseCertificate(certificateDer(waiting));
    // Whoever must know a key before it is used learns it from the directory: the link's at the next hub, the receipts' at the nodes.
    if (name !== 'tls' && clock.nowMs() < settledMs(next)) return false;
    takeNext(pair);
    return true;
  }

  return {
    identity: () => identity,
    reload,
    async tend() {
      const { issuer } = identity;
      await record('issuing', issuer.certificateDer);
      let changed = false;
      for (const name of hubKeyNames) changed = (await tendOne(name)) || changed;
      if (changed) await reload();
    },
  };
}

/** Host names and addresses of the present server certificate: the next one is good for the same. */
function outerNames(der: Uint8Array): { hosts: string[]; ips: string[] } {
  const names = parseCertificate(der).subjectAltName;
  return {
    hosts: names.flatMap((each) => (each.kind === 'dns' && !touchesInternal(each.name) ? [each.name] : [])),
    ips: names.flatMap((each) => (each.kind === 'ip' ? [addressOf(each.bytes)] : [])),
  };
}

function addressOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return groups.join(':');
}
