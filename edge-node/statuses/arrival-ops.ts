// What an arrival means beyond its bytes, inside the transaction that makes it visible: a document gets its place on the business axis, a
// status is applied, a recall or update becomes a request, a replacement marks what it replaces. What was signed by one who may not say
// it is refused with a signed notice, and moves nothing. Whatever order things come in, the end is the same.
import { headerCodec, metadataCodec, signedCodec } from '../../protocol/codec.ts';
import { changeCodes, reminderCode } from '../../protocol/document/statuses.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Header } from '../../protocol/wire.ts';
import { noteAlarm } from '../store/fact-ops.ts';
import type { TakenDelivery } from '../store/types.ts';
import { isDocumentKind, relationOfKind } from './change-rows.ts';
import { noteNumber } from './numbers.ts';
import { takeReminder } from './reminders.ts';
import { eraseArrivals, takeRequest } from './request-ops.ts';
import { insertStatus, isAnswer, receivedRow } from './status-ops.ts';

/** Statuses of one unit about documents that are not known here (before a rebuilt outbox names them). More are refused. */
const waitingMax = 1_000;
/** Versions of one document; a longer chain is no chain of documents. */
const chainMax = 64;

type Special = { readonly header: Header; readonly target: Uint8Array; readonly request: Uint8Array | null };

/** The document that an arrival of a special kind speaks of; undefined: it names none. */
function specialOf(item: TakenDelivery): Special | undefined {
  const header = headerCodec.decode(signedCodec.decode(item.signed).bytes);
  const relation = relationOfKind[header.kind] ?? relations.statusOf;
  const linked = header.links.find((link) => link.relation === relation && link.documentId.length === 16);
  const answered = header.links.find(
    (link) => link.relation === relations.answers && link.documentId.length === 16,
  );
  return linked && { header, target: linked.documentId, request: answered?.documentId ?? null };
}

const isRecall = ({ header }: Special): boolean =>
  header.kind === kinds.recall || (header.kind === kinds.status && header.status?.code === changeCodes.asked);

/** Before anything is stored: why this may not be taken although its seal is good. */
export function faultOfArrival(db: Database, item: TakenDelivery): ErrorCode | undefined {
  if (item.kind === kinds.document) return undefined;
  const special = specialOf(item);
  if (item.kind === kinds.replacement) return faultOfReplacement(db, item);
  if (isDocumentKind(item.kind)) return undefined;
  if (!special) return 'change-malformed';
  if (isRecall(special) || item.kind === kinds.update) return faultOfRequest(db, item, special.target);
  const { status } = special.header;
  if (!status || !/^[0-9A-Za-z]{1,8}$/.test(status.code)) return 'change-malformed';
  // Only who sealed the document reminds of it.
  if (status.code === reminderCode) return faultOfRequest(db, item, special.target);
  return faultOfStatus(db, item, special.target);
}

/** Only who sealed a document, or its successor, may ask for a change of it. Unknown here: it may still come. */
function faultOfRequest(db: Database, item: TakenDelivery, target: Uint8Array): ErrorCode | undefined {
  const owners = db.all<{ sender: string }>(
    'SELECT DISTINCT sender FROM received WHERE document_id = ?',
    target,
  );
  if (owners.length === 0) return undefined;
  if (!owners.some(({ sender }) => item.standsFor.includes(sender))) return 'change-not-sender';
  return foreignDiffers(db, item, target) ? 'change-not-sender' : undefined;
}

/** One border seals for many offices: what came from one of them is not another's to take back. */
function foreignDiffers(db: Database, item: TakenDelivery, target: Uint8Array): boolean {
  const asking = foreignCode(item.metadata);
  if (asking === '') return false;
  const rows = db.all<{ metadata: Uint8Array | null }>(
    'SELECT metadata FROM inbox WHERE document_id = ? AND sender = ?',
    target,
    item.sender,
  );
  return rows.some(({ metadata }) => metadata !== null && foreignCode(metadata) !== asking);
}
const foreignCode = (block: Uint8Array | null): string =>
  block ? (metadataCodec.decode(block).foreign?.code ?? '') : '';

function faultOfReplacement(db: Database, item: TakenDelivery): ErrorCode | undefined {
  for (const target of replacedBy(item)) {
    if (Buffer.compare(target, item.documentId) === 0) return 'replacement-loop';
    const fault = faultOfRequest(db, item, target);
    if (fault) return fault;
    if (leadsTo(db, item.documentId, target)) return 'replacement-loop';
  }
  return undefined;
}

function replacedBy(item: TakenDelivery): Uint8Array[] {
  return headerCodec
    .decode(signedCodec.decode(item.signed).bytes)
    .links.filter(({ relation, documentId }) => relation === relations.replaces && documentId.length === 16)
    .map(({ documentId }) => documentId);
}

/** Following the newer versions of `from` one comes to `to`. */
function leadsTo(db: Database, from: Uint8Array, to: Uint8Array): boolean {
  const found = db.get(
    `WITH RECURSIVE chain (id, depth) AS (SELECT ?1, 0 UNION
       SELECT r.by_document, depth + 1 FROM replacements r JOIN chain c ON r.document_id = c.id WHERE depth < ${chainMax})
     SELECT 1 FROM chain WHERE id = ?2`,
    from,
    to,
  );
  return found !== undefined;
}

/** The signed recipient for whom the status speaks; undefined while the document is not known here. */
function recipientOf(db: Database, item: TakenDelivery, target: Uint8Array): string | 'unknown' | undefined {
  const document = db.get<{ seq: number; unit: string }>(
    'SELECT seq, unit FROM documents WHERE document_id = ?',
    target,
  );
  if (!document || !item.recipients.some(({ unit }) => unit === document.unit)) return 'unknown';
  for (const unit of item.standsFor)
    if (
      db.get(
        'SELECT 1 FROM outbox_recipients r JOIN envelopes e ON e.seq = r.envelope_seq WHERE e.document_seq = ? AND r.unit = ?',
        document.seq,
        unit,
      )
    )
      return unit;
  return undefined;
}

function faultOfStatus(db: Database, item: TakenDelivery, target: Uint8Array): ErrorCode | undefined {
  const unit = recipientOf(db, item, target);
  if (unit === undefined) return 'status-not-recipient';
  if (unit !== 'unknown') return undefined;
  const { n } = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM statuses WHERE by_unit = ? AND state = 'waiting'`,
    item.sender,
  )!;
  return n >= waitingMax ? 'status-document-unknown' : undefined;
}

/** After the row of the arrival is there, in the same transaction. `faultOfArrival` has passed. */
export function noteArrival(db: Database, seq: number, item: TakenDelivery, nowMs: number): void {
  if (isDocumentKind(item.kind)) {
    noteDocument(db, seq, item, nowMs);
    return;
  }
  const special = specialOf(item)!;
  if (isRecall(special))
    takeRequest(db, { seq, item, kind: 'recall', target: special.target, header: special.header, nowMs });
  else if (item.kind === kinds.update)
    takeRequest(db, { seq, item, kind: 'update', target: special.target, header: special.header, nowMs });
  else if (special.header.status?.code === reminderCode) takeReminder(db, item, special.target);
  else takeStatus(db, item, special);
}

function takeStatus(db: Database, item: TakenDelivery, { header, target, request }: Special): void {
  const unit = recipientOf(db, item, target) ?? item.sender;
  const known = unit !== 'unknown';
  const said = item.metadata ? metadataCodec.decode(item.metadata) : undefined;
  // Another system's status has no counter: the time of sealing stands for it.
  const status = { ...header.status!, counter: header.status!.counter || header.createdMs };
  insertStatus(db, {
    direction: 'in',
    statusDocument: item.documentId,
    sender: item.recipients[0]!.unit,
    documentId: target,
    unit: known ? unit : item.sender,
    byUnit: item.sender,
    status,
    acceptedMs: item.acceptedMs,
    said: said ? { registeredNumber: said.registeredNumber, person: said.person, reason: said.reason } : null,
    request: isAnswer(status.code) ? request : null,
    state: known ? 'applied' : 'waiting',
  });
}

/** A document that was not known when its statuses came is known now: what its recipients said counts, the rest is dropped with an alarm. */
export function applyWaiting(db: Database, documentId: Uint8Array, nowMs: number): void {
  const rows = db.all<{ id: number; unit: string }>(
    `SELECT id, unit FROM statuses WHERE document_id = ? AND state = 'waiting'`,
    documentId,
  );
  for (const { id, unit } of rows) {
    const recipient = db.get(
      `SELECT 1 FROM documents d JOIN envelopes e ON e.document_seq = d.seq JOIN outbox_recipients r ON r.envelope_seq = e.seq
       WHERE d.document_id = ? AND r.unit = ?`,
      documentId,
      unit,
    );
    if (recipient) db.run(`UPDATE statuses SET state = 'applied' WHERE id = ? AND state = 'waiting'`, id);
    else {
      db.run('DELETE FROM statuses WHERE id = ?', id);
      noteAlarm(db, {
        atMs: nowMs,
        code: 'status-not-recipient',
        about: uuidFromBytes(documentId),
        said: unit,
      });
    }
  }
}

function noteDocument(db: Database, seq: number, item: TakenDelivery, nowMs: number): void {
  noteNumber(db, { ...item, direction: 'in', issuer: item.sender });
  for (const unit of new Set(item.recipients.map((recipient) => recipient.unit))) {
    const key = { sender: item.sender, documentId: item.documentId, unit };
    // What we had said before a backup was restored is in the outbox that the hub gave back.
    const before = db.get<{ code: string; counter: number }>(
      `SELECT code, counter FROM statuses WHERE direction = 'out' AND sender = ? AND document_id = ? AND unit = ?
         AND code IN ('02','03','04','05','06') ORDER BY counter DESC LIMIT 1`,
      item.sender,
      item.documentId,
      unit,
    );
    const counter = db.get<{ counter: number | null }>(
      `SELECT max(counter) AS counter FROM statuses WHERE direction = 'out' AND sender = ? AND document_id = ? AND unit = ?`,
      item.sender,
      item.documentId,
      unit,
    )?.counter;
    db.run(
      `INSERT INTO received (sender, document_id, unit, inbox_seq, code, counter, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      item.sender,
      item.documentId,
      unit,
      seq,
      before?.code ?? '01',
      counter ?? 0,
      nowMs,
    );
    if (item.kind === kinds.replacement) noteReplacements(db, item, unit, nowMs);
    openWaiting(db, key, nowMs);
    // Recalled and destroyed before, and here once more (handed out again after a restore): it does not come back to life.
    if (receivedRow(db, key)?.recall === 'destroyed') eraseArrivals(db, key, nowMs);
  }
}

function noteReplacements(db: Database, item: TakenDelivery, unit: string, nowMs: number): void {
  for (const target of replacedBy(item))
    db.run(
      'INSERT OR IGNORE INTO replacements (document_id, unit, by_document, sender, at_ms) VALUES (?, ?, ?, ?, ?)',
      target,
      unit,
      item.documentId,
      item.sender,
      nowMs,
    );
}

type Key = { readonly sender: string; readonly documentId: Uint8Array; readonly unit: string };

/** Requests that came before their document. One by another than its sender is dropped here, where the sender is known. */
function openWaiting(db: Database, { sender, documentId, unit }: Key, nowMs: number): void {
  const waiting = db.all<{ inbox_seq: number; kind: 'recall' | 'update'; sender: string; counter: number }>(
    `SELECT inbox_seq, kind, sender, counter FROM requests WHERE document_id = ? AND unit = ? AND state = 'waiting' ORDER BY counter`,
    documentId,
    unit,
  );
  for (const { inbox_seq, kind, sender: asker } of waiting) {
    if (asker !== sender) {
      db.run(
        `UPDATE requests SET state = 'superseded', decided_ms = ? WHERE inbox_seq = ? AND unit = ?`,
        nowMs,
        inbox_seq,
        unit,
      );
      noteAlarm(db, {
        atMs: nowMs,
        code: 'change-not-sender',
        about: uuidFromBytes(documentId),
        said: asker,
      });
      continue;
    }
    if (kind === 'recall') {
      db.run(
        `UPDATE requests SET state = 'destroying' WHERE inbox_seq = ? AND unit = ? AND state = 'waiting'`,
        inbox_seq,
        unit,
      );
      db.run(
        `UPDATE received SET recall = 'destroying' WHERE sender = ? AND document_id = ? AND unit = ? AND recall = ''`,
        sender,
        documentId,
        unit,
      );
    } else {
      db.run(
        `UPDATE requests SET state = 'superseded', decided_ms = ? WHERE document_id = ? AND unit = ? AND kind = 'update' AND state = 'open'`,
        nowMs,
        documentId,
        unit,
      );
      db.run(
        `UPDATE requests SET state = 'open' WHERE inbox_seq = ? AND unit = ? AND state = 'waiting'`,
        inbox_seq,
        unit,
      );
    }
  }
}
