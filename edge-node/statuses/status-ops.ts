// The business axis, inside the writer thread. `setStatus` is the one door through which a unit of ours says what it did with a document:
// it moves the row by compare-and-swap and hands the signed status in for sending, in the caller's transaction, so that a register
// entry or an assignment and its status are one commit. `takeStatus` takes what other offices say of our documents.
// The highest counter stands, whatever came first; a code of a later version is kept and shown.
import { hash, randomBytes } from 'node:crypto';
import {
  changeCodes,
  isOwnStatus,
  mayFollow,
  type OwnStatus,
  refusalReasonsMax,
} from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { newDocumentId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { buildMetadata, kinds, relations } from '../../protocol/seal.ts';
import type { Status } from '../../protocol/wire.ts';
import { noteAudit } from '../store/fact-ops.ts';
import { insertDocument, insertEnvelope, insertRecipients } from '../store/outbox-ops.ts';
import { arrivedTwiceSql } from './numbers.ts';

/** A status travels long after the document did: a year, for an office whose line is away. */
export const statusLifeMs = 365 * 86_400_000;
const registeredNumberBytesMax = 80;
const personBytesMax = 200;
const textBytesMax = 4000;

export type ReceivedKey = {
  /** Who sealed the document, internal id. */
  readonly sender: string;
  readonly documentId: Uint8Array;
  /** Our unit, internal id. */
  readonly unit: string;
};
export type StatusChange = ReceivedKey & {
  readonly code: string;
  /** Account or token, for the audit. */
  readonly actor: string;
  /** Name shown to the other office; '' is nobody named. */
  readonly person?: string;
  /** Of 03. */
  readonly registeredNumber?: string;
  /** Of 02: 1 to 8. */
  readonly reason?: number;
  readonly text?: string;
  /** The clerk has seen that another document bears this number, and goes on. */
  readonly evenIfDuplicate?: boolean;
  readonly nowMs: number;
};
export type StatusMade = {
  readonly statusDocument: Uint8Array;
  readonly code: string;
  readonly counter: number;
};

export type ReceivedRow = {
  readonly inbox_seq: number;
  readonly code: OwnStatus;
  readonly counter: number;
  readonly recall: '' | 'destroying' | 'destroyed';
};
export function receivedRow(
  db: Database,
  { sender, documentId, unit }: ReceivedKey,
): ReceivedRow | undefined {
  return db.get<ReceivedRow>(
    'SELECT inbox_seq, code, counter, recall FROM received WHERE sender = ? AND document_id = ? AND unit = ?',
    sender,
    documentId,
    unit,
  );
}

/**
 * Sets the status of a received document: 02 with its reason, 03 with the registered number, 04, 05, 06. To be called inside an operation
 * of the writer, beside the caller's own rows; the caller nudges the sender after the commit. Codes: `document-unknown`,
 * `document-recalled`, `status-refused` (it may not follow the present one), `document-duplicate-suspected`, `request-malformed`.
 */
export function setStatus(db: Database, change: StatusChange): StatusMade {
  const { code, nowMs, unit } = change;
  const row = receivedRow(db, change);
  if (!row) throw new ExchangeError('document-unknown');
  if (row.recall !== '') throw new ExchangeError('document-recalled');
  assertSaid(change);
  if (!isOwnStatus(code) || !mayFollow(row.code, code))
    throw new ExchangeError('status-refused', `${row.code} → ${code.slice(0, 8)}`);
  if (code === '03' && !change.evenIfDuplicate) assertFirst(db, change);
  const made = queueStatus(db, { ...change, after: row, request: undefined });
  const { changes } = db.run(
    `UPDATE received SET code = ?, at_ms = ? WHERE sender = ? AND document_id = ? AND unit = ? AND code = ? AND recall = ''`,
    code,
    nowMs,
    change.sender,
    change.documentId,
    unit,
    row.code,
  );
  if (changes !== 1) throw new ExchangeError('status-refused', `${row.code} → ${code}`);
  noteAudit(db, {
    atMs: nowMs,
    actor: change.actor,
    act: `status-${code}`,
    about: uuidFromBytes(change.documentId),
    said: change.reason ? `reason ${change.reason}` : '',
  });
  return made;
}

function assertSaid({ code, reason = 0, registeredNumber = '', person = '', text = '' }: StatusChange): void {
  const wrong = (what: string) => new ExchangeError('request-malformed', what);
  if (code === '02' && (!Number.isInteger(reason) || reason < 1 || reason > refusalReasonsMax))
    throw wrong('/reason: a document goes back with one of the eight reasons');
  if (code !== '02' && reason !== 0) throw wrong('/reason: only with 02');
  if (code !== '03' && registeredNumber !== '') throw wrong('/registeredNumber: only with 03');
  if (Buffer.byteLength(registeredNumber) > registeredNumberBytesMax)
    throw wrong('/registeredNumber: too long');
  if (Buffer.byteLength(person) > personBytesMax) throw wrong('/person: too long');
  if (Buffer.byteLength(text) > textBytesMax) throw wrong('/text: too long');
}

function assertFirst(db: Database, { sender, documentId, unit }: StatusChange): void {
  const other = db.get<{ documentId: Uint8Array }>(arrivedTwiceSql, documentId, sender, unit);
  if (other) throw new ExchangeError('document-duplicate-suspected', uuidFromBytes(other.documentId));
}

/** The sender's envelope and document of a request, which a 15 or 16 answers. */
export type RequestRef = { readonly envelopeId: Uint8Array; readonly documentId: Uint8Array };

/**
 * One status of ours, in the outbox and in the history; the counter of the received row goes up with it. The counter is the clock in
 * milliseconds, or one more than the last: a store restored from a backup goes on above what it had said before.
 */
export function queueStatus(
  db: Database,
  s: Omit<StatusChange, 'evenIfDuplicate'> & {
    readonly after: Pick<ReceivedRow, 'inbox_seq' | 'counter'>;
    readonly request: RequestRef | undefined;
  },
): StatusMade {
  const { sender, documentId, unit, code, nowMs, after } = s;
  const counter = Math.max(after.counter + 1, nowMs);
  const raised = db.run(
    'UPDATE received SET counter = ? WHERE sender = ? AND document_id = ? AND unit = ? AND counter = ?',
    counter,
    sender,
    documentId,
    unit,
    after.counter,
  );
  if (raised.changes !== 1) throw new ExchangeError('status-refused', 'the document moved meanwhile');
  const about = db.get<{ envelope_id: Uint8Array; urgency: number }>(
    'SELECT envelope_id, urgency FROM inbox WHERE seq = ?',
    after.inbox_seq,
  )!;
  const status: Status = { code, counter, atMs: nowMs, reason: s.reason ?? 0 };
  const said = { registeredNumber: s.registeredNumber ?? '', person: s.person ?? '', reason: s.text ?? '' };
  const statusDocument = insertStatusDocument(db, {
    unit,
    to: sender,
    urgency: about.urgency,
    status,
    said,
    links: [
      { relation: relations.statusOf, documentId, envelopeId: about.envelope_id },
      ...(s.request ? [{ relation: relations.answers, ...s.request }] : []),
    ],
    nowMs,
  });
  insertStatus(db, {
    direction: 'out',
    statusDocument,
    sender,
    documentId,
    unit,
    byUnit: unit,
    status,
    acceptedMs: nowMs,
    said,
    request: s.request?.documentId ?? null,
    state: 'applied',
  });
  return { statusDocument, code, counter };
}

type Linked = { readonly relation: number; readonly documentId: Uint8Array; readonly envelopeId: Uint8Array };

/** The envelope of a status, ready to be sealed: of ours about an arrival, or a reminder about what we sent (reminders.ts). */
export function insertStatusDocument(
  db: Database,
  d: {
    unit: string;
    to: string;
    urgency: number;
    status: Status;
    said: { registeredNumber: string; person: string; reason: string };
    links: readonly Linked[];
    nowMs: number;
  },
): Uint8Array {
  const documentId = uuidToBytes(newDocumentId(d.nowMs, randomBytes(10)));
  const key = `status ${uuidFromBytes(documentId)}`;
  const { salt, block } = buildMetadata({ ...d.said, clientReference: key }, randomBytes(32));
  const documentSeq = insertDocument(db, {
    documentId,
    unit: d.unit,
    idempotencyKey: key,
    requestDigest: hash('sha256', key, 'buffer'),
    kind: kinds.status,
    urgency: d.urgency,
    nowMs: d.nowMs,
    deliverByMs: d.nowMs + statusLifeMs,
    replyByMs: 0,
    links: JSON.stringify(d.links.map(linkText)),
    status: JSON.stringify(d.status),
    salt,
    metadata: block,
    subject: '',
    notation: '',
    number: '',
    bytes: 0,
    recipients: [],
    parts: [],
  });
  const seq = insertEnvelope(db, {
    documentSeq,
    unit: d.unit,
    lane: d.urgency,
    nowMs: d.nowMs,
    follows: null,
    large: 0,
  });
  insertRecipients(db, seq, [{ unit: d.to, desk: '', group: '', groupVersion: 0 }], d.nowMs);
  return documentId;
}

/** As documents.links holds it (outbox/sealing.ts StoredLink). */
export const linkText = ({ relation, documentId, envelopeId }: Linked) => ({
  relation,
  documentId: uuidFromBytes(documentId),
  envelopeId: uuidFromBytes(envelopeId),
});

export type StatusRow = {
  readonly direction: 'out' | 'in';
  readonly statusDocument: Uint8Array;
  readonly sender: string;
  readonly documentId: Uint8Array;
  readonly unit: string;
  readonly byUnit: string;
  readonly status: Status;
  readonly acceptedMs: number;
  readonly said: {
    readonly registeredNumber: string;
    readonly person: string;
    readonly reason: string;
  } | null;
  readonly request: Uint8Array | null;
  readonly state: 'applied' | 'waiting';
};

/** Taken once, by who says it and the document id of the status. True if it is new. */
export function insertStatus(db: Database, row: StatusRow): boolean {
  const { status, said } = row;
  const cell = db.cells.begin();
  return (
    db.run(
      `INSERT INTO statuses (direction, status_document, sender, document_id, unit, by_unit, code, counter, at_ms, accepted_ms, reason,
         registered_number, person, text, request, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      row.direction,
      row.statusDocument,
      row.sender,
      row.documentId,
      row.unit,
      row.byUnit,
      status.code,
      status.counter,
      status.atMs,
      row.acceptedMs,
      status.reason ?? 0,
      cell.text(said?.registeredNumber ?? null),
      cell.text(said?.person ?? null),
      cell.text(said?.reason ?? null),
      row.request,
      row.state,
    ).changes > 0
  );
}

export const isAnswer = (code: string): boolean =>
  code === changeCodes.agreed || code === changeCodes.refused;

export function statusOps(db: Database) {
  return {
    /** `setStatus` alone in its transaction: for the API and for what keeps its registers elsewhere. */
    setStatus: (change: StatusChange): StatusMade => setStatus(db, change),
  };
}
