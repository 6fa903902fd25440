// The next certificate for a key's holder, asked for over the exchange by a node that is let in: signed by the key whose certificate is
// renewed, answered the same for the same new key. PROTOCOL.md 12.5. Must never issue for a subject that the signing key is not
// the certified key of, nor hand out a certificate before it and its ledger entry are durable.
import { keyIdOf, parseCertificate } from '../../certs/certificate.ts';
import { type ReadRenewal, type RenewableRole, readRenewal } from '../../certs/renewal.ts';
import { type Chains, renewalTimeMs } from '../../certs/roots.ts';
import { publicKeyOfCsr } from '../../certs/x509.ts';
import { type Directory, unitStates } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { verifySigned } from '../../protocol/signature.ts';
import type { RenewResponse } from '../../protocol/wire.ts';
import type { HubPeer } from '../peers.ts';
import { type EnrolmentDeps, recordOf } from './enrol.ts';

export type RenewDeps = Pick<EnrolmentDeps, 'admin' | 'issuer'> & {
  /** The present issuing CA, as peers are shown it. */
  readonly issuingDer: Uint8Array;
  readonly chains: Chains;
};

type CertificateRow = { der: Uint8Array; subject: string; revoked_from_ms: number | null };

/**
 * Durable on return; the same new key gets the same certificate. Codes: peer-not-sender, signer-unknown, signature-*, certificate-expired,
 * certificate-revoked, csr-invalid, renewal-not-due, peer-suspended, unit-closed, batch-malformed.
 */
export async function renew(bytes: Uint8Array, peer: HubPeer, deps: RenewDeps): Promise<RenewResponse> {
  const { admin, issuer } = deps;
  const nowMs = admin.clock.nowMs();
  const read = readRenewal(bytes);
  // 1 The certificate of the signing key: ours, of this role, for this peer; 2 good now; 3 its signature.
  const row = certificateOfSigner(read, deps);
  assertNamed(read, row.subject, admin.directory.current());
  assertHolder(row.subject, read.role, peer, admin.directory.current());
  const present = parseCertificate(row.der);
  if (row.revoked_from_ms !== null) throw new ExchangeError('certificate-revoked', present.serialHex);
  if (nowMs >= present.notAfterMs + 1000) throw new ExchangeError('certificate-expired', present.serialHex);
  verifySigned(read.signed, ['lienthong/renewal/1'], present.x509.publicKey);
  // 4 What it asks for is what the key may ask for: this hub, its own name.
  const { hub, subject } = read.renewal;
  if (hub !== issuer.hubId || subject !== row.subject)
    throw new ExchangeError('peer-not-sender', 'a renewal for another');
  // 5 The new key is held by who asks, and serves nothing else.
  const publicKeyDer = await publicKeyOfCsr(read.csr);
  if (keyIdOf(publicKeyDer) === present.keyId)
    throw new ExchangeError('csr-invalid', 'a renewal brings a new key');
  const known = answered(keyIdOf(publicKeyDer), { role: read.role, subject, deps });
  if (known) return { certificate: known, issuingCertificate: deps.issuingDer };
  // After the look at what was answered before: an answer that was lost is given again whatever the time.
  const dueMs = renewalTimeMs(present, deps.chains);
  if (nowMs < dueMs)
    throw new ExchangeError('renewal-not-due', new Date(dueMs).toISOString(), {
      retryAfterMs: Math.min(dueMs - nowMs, 86_400_000),
    });
  const issued = await issuer.issue({ role: read.role, subjectId: subject, key: { publicKeyDer }, nowMs });
  // Another request of the same key may have been first: what is in the store counts.
  const { der } = await admin.act('certificateRenew', { record: recordOf(issued), nowMs });
  admin.log.info({
    event: 'certificate.renewed',
    serial: issued.serialHex,
    notAfter: new Date(issued.notAfterMs).toISOString(),
  });
  return { certificate: der, issuingCertificate: deps.issuingDer };
}

const byKey =
  'SELECT der, subject, revoked_from_ms FROM certificates WHERE key_id = ? ORDER BY not_after_ms DESC LIMIT 1';

function certificateOfSigner({ signed }: ReadRenewal, { admin }: RenewDeps): CertificateRow {
  const keyId = Buffer.from(signed.signature?.keyId ?? []).toString('hex');
  const row = admin.store.reader.get<CertificateRow>(byKey, keyId);
  if (!row) throw new ExchangeError('signer-unknown', keyId.slice(0, 16));
  return row;
}

/** A seal that no directory names yet (nobody has compared the words) has no successor either. */
function assertNamed(
  { signed, role }: ReadRenewal & { role: RenewableRole },
  subject: string,
  directory: Directory,
): void {
  if (role === 'unit-seal' && directory.key(signed.signature!.keyId)?.id !== subject)
    throw new ExchangeError('signer-unknown', subject);
}

/** A node renews its own connection and the seals of the units that it serves. */
function assertHolder(subject: string, role: RenewableRole, peer: HubPeer, directory: Directory): void {
  if (role === 'node-tls') {
    if (peer.kind !== 'node' || peer.id !== subject) throw new ExchangeError('peer-not-sender', subject);
    return;
  }
  const unit = directory.unit(subject);
  if (peer.kind !== 'node' || unit?.node !== peer.id) throw new ExchangeError('peer-not-sender', subject);
  if (unit.state === unitStates.suspended) throw new ExchangeError('peer-suspended', subject);
  if (unit.state === unitStates.closed) throw new ExchangeError('unit-closed', subject);
}

/** The certificate that this new key has already; undefined when it is new. A key that has another use is refused. */
function answered(
  keyId: string,
  { role, subject, deps }: { role: RenewableRole; subject: string; deps: RenewDeps },
): Uint8Array | undefined {
  const rows = deps.admin.store.reader.all<CertificateRow & { role: string }>(
    'SELECT role, subject, der, revoked_from_ms FROM certificates WHERE key_id = ? ORDER BY not_after_ms DESC',
    keyId,
  );
  for (const row of rows) {
    if (row.revoked_from_ms !== null) throw new ExchangeError('certificate-revoked', 'the new key');
    if (row.role !== role || row.subject !== subject)
      throw new ExchangeError('csr-invalid', 'the new key is in use for something else');
  }
  return rows[0]?.der;
}
