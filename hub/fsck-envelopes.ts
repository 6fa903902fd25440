// fsck: every accepted envelope with its seal, receipt, deliveries and statements. Part of fsck.ts. Nothing in a row is believed that the
// signed bytes can prove; a signer is judged at the time that counts, as on acceptance.
import { createSigners, type Signers } from '../certs/signers.ts';
import { headerCodec, signedCodec } from '../protocol/codec.ts';
import type { Directory } from '../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { envelopeDigest, metadataDigest } from '../protocol/seal.ts';
import { verifySigned } from '../protocol/signature.ts';
import { openStatementSync, outcomes } from '../protocol/statement.ts';
import type { Header, Statement } from '../protocol/wire.ts';
import type { Fsck } from './fsck.ts';

type EnvelopeRow = {
  seq: number;
  envelope_id: Uint8Array;
  document_id: Uint8Array;
  sender: string;
  digest: Uint8Array;
  signed: Uint8Array;
  salt: Uint8Array | null;
  metadata: Uint8Array | null;
  accepted_ms: number;
  receipt: Uint8Array;
  ledger_sequence: number;
  open_deliveries: number;
  closed_ms: number | null;
};
type DeliveryRow = { idx: number; unit: string; state: string; settled_ledger: number | null };

const openStates: ReadonlySet<string> = new Set(['ready', 'deferred', 'leased', 'held', 'relayed']);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const signersOf = (fsck: Fsck, directory: Directory): Signers =>
  createSigners({ directory: () => directory, rootsDer: fsck.anchors });

/** A revocation reaches back on purpose (invalidity time): such a seal is marked, not broken. */
function report(fsck: Fsck, check: string, about: string, error: unknown): void {
  if (!isExchangeError(error)) throw error;
  const severity = error.code === 'certificate-revoked' ? 'note' : 'fault';
  fsck[severity](check, about, error.message);
}

export function checkEnvelopes(fsck: Fsck, directory: Directory): void {
  const signers = signersOf(fsck, directory);
  for (const row of fsck.db.each<EnvelopeRow>(
    `SELECT seq, envelope_id, document_id, sender, digest, signed, salt, metadata, accepted_ms, receipt, ledger_sequence,
       open_deliveries, closed_ms FROM envelopes ORDER BY seq`,
  )) {
    fsck.count('envelopes');
    const about = `${row.sender} ${uuidFromBytes(row.envelope_id)}`;
    const deliveries = fsck.db.all<DeliveryRow>(
      'SELECT idx, unit, state, settled_ledger FROM deliveries WHERE envelope_seq = ? ORDER BY idx',
      row.seq,
    );
    try {
      const header = checkSeal(row, signers);
      checkMetadata(row, header);
    } catch (error) {
      report(fsck, 'envelope', about, error);
    }
    try {
      checkReceipt(fsck, row, { deliveries, signers });
    } catch (error) {
      report(fsck, 'receipt', about, error);
    }
    checkDeliveries(fsck, row, { deliveries, about });
  }
  checkUsage(fsck);
}

/** What each unit has waiting, as counted and as it is: a wrong count refuses documents or lets the disk fill. */
function checkUsage({ db, fault }: Fsck): void {
  for (const row of db.all<{ unit: string; counted: number; found: number }>(
    `SELECT unit, sum(counted) AS counted, sum(found) AS found FROM (
       SELECT unit, open_bytes AS counted, 0 AS found FROM unit_usage
       UNION ALL SELECT sender, 0, bytes FROM envelopes WHERE open_deliveries > 0)
     GROUP BY unit HAVING sum(counted) <> sum(found)`,
  ))
    fault('usage', row.unit, `${row.found} bytes wait, ${row.counted} are counted`);
}

function mismatch(what: string): ExchangeError {
  return new ExchangeError('store-damaged', what);
}

function checkSeal(row: EnvelopeRow, signers: Signers): Header {
  const signed = signedCodec.decode(row.signed);
  if (!same(envelopeDigest(signed.bytes), row.digest)) throw mismatch('the digest is not that of the header');
  const signer = signers.seal(signed.signature?.keyId ?? new Uint8Array(0), row.accepted_ms);
  verifySigned(signed, ['lienthong/header/1'], signer.publicKey);
  const header = headerCodec.decode(signed.bytes);
  if (header.sender !== row.sender || signer.unit !== row.sender) throw mismatch('sender');
  if (!same(header.envelopeId, row.envelope_id) || !same(header.documentId, row.document_id))
    throw mismatch('envelope or document id');
  return header;
}

function checkMetadata({ salt, metadata }: EnvelopeRow, header: Header): void {
  // Erased by retention: the seal holds without it.
  if (salt === null && metadata === null) return;
  if (
    salt === null ||
    metadata === null ||
    !same(metadataDigest({ salt, block: metadata }), header.metadataDigest)
  )
    throw mismatch('metadata is not what was sealed');
}

type About = { readonly deliveries: readonly DeliveryRow[]; readonly signers: Signers };

/** The stored receipt and those of later legs together promise exactly the deliveries that are there. */
function checkReceipt(fsck: Fsck, row: EnvelopeRow, { deliveries, signers }: About): void {
  const first = openStatementSync(row.receipt, signers.statement).statement;
  if (first.ledgerSequence !== row.ledger_sequence)
    throw mismatch(`the receipt names ledger entry ${first.ledgerSequence}`);
  const later = fsck.db.all<{ receipt: Uint8Array }>(
    'SELECT DISTINCT receipt FROM extra_legs WHERE envelope_seq = ?',
    row.seq,
  );
  const rows = new Map(deliveries.map(({ idx, unit }) => [idx, unit]));
  let promised = 0;
  for (const bytes of [row.receipt, ...later.map(({ receipt }) => receipt)]) {
    const { statement, signed } = openStatementSync(bytes, signers.statement);
    if (!same(statement.envelopeDigest, row.digest)) throw mismatch('the receipt is about other bytes');
    if (!fsck.inLedger(statement.ledgerSequence, signed.bytes))
      throw mismatch(`ledger entry ${statement.ledgerSequence} is not about this receipt`);
    for (const { index, unit, outcome } of statement.results) {
      if (outcome !== outcomes.accepted && outcome !== outcomes.forwarded) continue;
      promised += 1;
      if (rows.get(index) !== unit)
        throw mismatch(`no delivery to ${unit} (recipient ${index}), which the receipt promises`);
    }
  }
  if (rows.size !== promised) throw mismatch('deliveries that no receipt promises');
}

function checkDeliveries(
  { db, fault }: Fsck,
  row: EnvelopeRow,
  { deliveries, about }: { deliveries: readonly DeliveryRow[]; about: string },
): void {
  const open = deliveries.filter(({ state }) => openStates.has(state)).length;
  if (open !== row.open_deliveries)
    fault('deliveries', about, `${open} are open, the envelope counts ${row.open_deliveries}`);
  if ((open === 0) !== (row.closed_ms !== null))
    fault(
      'deliveries',
      about,
      open === 0 ? 'nothing is open, yet it is not closed' : 'closed with open deliveries',
    );
  for (const { idx, state, settled_ledger } of deliveries) {
    if (openStates.has(state)) continue;
    const proven =
      settled_ledger !== null &&
      db.get(
        'SELECT 1 FROM statements WHERE envelope_seq = ? AND ledger_sequence = ?',
        row.seq,
        settled_ledger,
      );
    if (!proven) fault('deliveries', about, `recipient ${idx} is ${state} without a statement that says so`);
  }
}

export function checkStatements(fsck: Fsck, directory: Directory): void {
  const signers = signersOf(fsck, directory);
  for (const row of fsck.db.each<{
    id: number;
    statement_id: Uint8Array;
    issuer: string;
    event: number;
    bytes: Uint8Array;
    ledger_sequence: number;
    digest: Uint8Array;
  }>(
    `SELECT s.id, s.statement_id, s.issuer, s.event, s.bytes, s.ledger_sequence, e.digest
     FROM statements s JOIN envelopes e ON e.seq = s.envelope_seq ORDER BY s.id`,
  )) {
    fsck.count('statements');
    try {
      const { statement, signed } = openStatementSync(row.bytes, signers.statement);
      checkStatementRow(statement, row);
      if (!fsck.inLedger(row.ledger_sequence, signed.bytes))
        throw mismatch(`ledger entry ${row.ledger_sequence} is not about it`);
    } catch (error) {
      report(fsck, 'statement', `${row.issuer} no. ${row.id}`, error);
    }
  }
}

function checkStatementRow(
  statement: Statement,
  row: { statement_id: Uint8Array; issuer: string; event: number; digest: Uint8Array },
): void {
  if (statement.issuer !== row.issuer || statement.event !== row.event) throw mismatch('issuer or event');
  if (!same(statement.statementId, row.statement_id)) throw mismatch('statement id');
  if (!same(statement.envelopeDigest, row.digest))
    throw mismatch('it is about other bytes than its envelope');
}
