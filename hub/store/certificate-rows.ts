// Certificates as the hub keeps them: every one that it issued is a row with an entry of the ledger. Writer thread. Must never record one that the ledger does not name.
import { parseCertificate } from '../../certs/certificate.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { AdminDeps } from './directory-ops.ts';

/** What certs/ has issued, as it is kept. `serial` is lower-case hex. */
export type CertificateRecord = {
  readonly serial: string;
  readonly role: string;
  readonly subject: string;
  /** Hex. */
  readonly keyId: string;
  readonly der: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

/** The row of a certificate that the hub made for itself. */
export function rowOfCertificate(
  role: string,
  subject: string,
  certificateDer: Uint8Array,
): CertificateRecord {
  const { serialHex, keyId, der, notBeforeMs, notAfterMs } = parseCertificate(certificateDer);
  return { serial: serialHex, role, subject, keyId, der, notBeforeMs, notAfterMs };
}

export function recordCertificate(
  db: Database,
  { appendLedger }: Pick<AdminDeps, 'appendLedger'>,
  record: CertificateRecord,
  nowMs: number,
): void {
  const { serial, role, subject, keyId, der, notBeforeMs, notAfterMs } = record;
  const sequence = appendLedger('certificate', der, nowMs);
  db.run(
    `INSERT INTO certificates (serial, role, subject, key_id, der, not_before_ms, not_after_ms, issued_ms, ledger_sequence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    serial,
    role,
    subject,
    keyId,
    der,
    notBeforeMs,
    notAfterMs,
    nowMs,
    sequence,
  );
}
