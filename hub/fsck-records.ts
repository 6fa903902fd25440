// fsck: certificates, directory parts, invitations and units against ledger, signatures and each other. Part of fsck.ts.
import { parseCertificate } from '../certs/certificate.ts';
import { issuingOf } from '../certs/signers.ts';
import { type RootAnchor, verifyCertificate } from '../certs/trust.ts';
import { createDirectory, type Directory } from '../protocol/directory.ts';
import { type OpenPart, readPart } from '../protocol/directory-pages.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { verifySigned } from '../protocol/signature.ts';
import type { Fsck } from './fsck.ts';
import { signedHead, storedParts } from './store/directory-reads.ts';
import { readFact } from './store/facts.ts';

/** Words of a failed check; anything but a refusal of ours is a fault of this program and goes on up. */
export function wordsOf(error: unknown): string {
  if (!isExchangeError(error)) throw error;
  return error.message;
}

/** Verifies every stored part and returns the directory of the newest ones. */
export function loadAllParts(fsck: Fsck): Directory {
  const { db, fault, count } = fsck;
  const own = readFact(db, 'hubId') ?? '';
  const published = new Set<string>();
  for (const { leaf } of db.each<{ leaf: Uint8Array }>(
    "SELECT leaf FROM ledger WHERE kind IN ('directory', 'directory-foreign')",
  ))
    published.add(Buffer.from(leaf).toString('hex'));
  const parts: OpenPart[] = [];
  for (const row of storedParts(db, own)) {
    count('directory parts');
    const about = `${row.hub} version ${row.version}`;
    try {
      const part = openPart(row.bytes, fsck.anchors);
      if (part.hub !== row.hub || part.version !== row.version)
        fault('directory', about, `the signed part says ${part.hub} version ${part.version}`);
      parts.push(part);
    } catch (error) {
      fault('directory', about, wordsOf(error));
    }
    if (!published.has(fsck.leafHex(signedHead(row.bytes))))
      fault('directory', about, 'no ledger entry for this version');
  }
  return createDirectory(parts);
}

/** Judged at the time of issue: old versions stay evidence after their signer's certificate ends. */
function openPart(bytes: Uint8Array, rootsDer: readonly RootAnchor[]): OpenPart {
  const { signed, part, missing } = readPart(bytes);
  if (missing > 0) throw new ExchangeError('directory-gap', `${missing} pages`);
  const wanted = Buffer.from(signed.signature?.keyId ?? []).toString('hex');
  const signer = part.hubCertificates.map(parseCertificate).find(({ keyId }) => keyId === wanted);
  verifyCertificate({
    leafDer: signer?.der ?? new Uint8Array(0),
    intermediatesDer: issuingOf(part),
    rootsDer,
    atMs: part.issuedMs,
    role: 'hub-directory',
  });
  verifySigned(signed, ['lienthong/directory/1', 'lienthong/directory/2'], signer!.x509.publicKey);
  return part;
}

export function checkRecords(fsck: Fsck): void {
  const { db, fault, count, inLedger } = fsck;
  for (const row of db.each<{
    serial: string;
    role: string;
    key_id: string;
    der: Uint8Array;
    ledger_sequence: number;
  }>('SELECT serial, role, key_id, der, ledger_sequence FROM certificates')) {
    count('certificates');
    try {
      const { serialHex, keyId } = parseCertificate(row.der);
      if (serialHex !== row.serial || keyId !== row.key_id)
        fault('certificate', row.serial, 'the row differs from the certificate');
    } catch (error) {
      fault('certificate', row.serial, wordsOf(error));
    }
    if (!inLedger(row.ledger_sequence, row.der))
      fault('certificate', row.serial, `ledger entry ${row.ledger_sequence} is not about it`);
  }
  for (const { unit } of db.all<{ unit: string }>(
    'SELECT unit FROM units WHERE node IS NOT NULL AND node NOT IN (SELECT peer FROM peers)',
  ))
    fault('unit', unit, 'its node is no peer');
  for (const { unit } of db.all<{ unit: string }>(
    "SELECT unit FROM units WHERE state = 'active' AND node IS NULL",
  ))
    fault('unit', unit, 'active without a node');
  for (const { code, n } of db.all<{ code: string; n: number }>(
    'SELECT code, count(DISTINCT unit) AS n FROM unit_aliases WHERE until_ms = 0 GROUP BY code HAVING n > 1',
  ))
    fault('unit', code, `${n} units have this code at the same time`);
  for (const { id, ledger_sequence } of db.all<{ id: number; ledger_sequence: number }>(
    'SELECT id, ledger_sequence FROM refusals WHERE ledger_sequence NOT IN (SELECT sequence FROM ledger)',
  ))
    fault('refusal', String(id), `ledger entry ${ledger_sequence} is missing`);
}

/** What senders took back from everybody: a copy that is still here waits for the sweeper, or a restore brought it back. */
export function checkRecalls({ db, note, count }: Fsck): void {
  for (const { sender, document_id, left } of db.each<{
    sender: string;
    document_id: Uint8Array;
    left: number;
  }>(
    `SELECT r.sender, r.document_id, (SELECT count(*) FROM envelopes e WHERE e.document_id = r.document_id AND e.sender = r.sender
       AND e.kind NOT IN (2,4,5) AND e.open_deliveries = 0
       AND (e.metadata IS NOT NULL OR EXISTS (SELECT 1 FROM parts p WHERE p.envelope_seq = e.seq))
       AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.envelope_seq = e.seq AND d.unit NOT IN (
         SELECT o.unit FROM recalls o WHERE o.sender = r.sender AND o.document_id = r.document_id))) AS left
     FROM recalls r GROUP BY r.sender, r.document_id`,
  )) {
    count('recalls');
    if (left > 0)
      note(
        'recall',
        uuidFromBytes(document_id),
        `taken back by ${sender}, and ${left} copies are still here`,
      );
  }
}
