// Writes of the outbox, run in the writer thread: hand in, keep sealed bytes, settle what the hub answered, take statements over. Stopping, sending again
// and further recipients: statuses/holders.ts. Every move of a recipient's state is one compare-and-swap by protocol/states.ts.
// Must never move a state without the statement that says so, except for what this node alone decides.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { type Cell, releaseCell } from '../../protocol/node/at-rest/cells.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { outcomes } from '../../protocol/statement.ts';
import { type OutboxState, outboxStates, statesBefore } from '../../protocol/states.ts';
import { registerSent } from '../office/register-ops.ts';
import { assertReplaceable, isDocumentKind, noteChanges, targetsOf } from '../statuses/change-rows.ts';
import { keyOf, noteNumber, sentUnder } from '../statuses/numbers.ts';
import { noteAlarm, noteAudit, raiseLedgerSeen } from './fact-ops.ts';
import { newestToRecipient } from './newest.ts';
import { insertCheck } from './safety-ops.ts';
import { sealAnew } from './seal-anew.ts';
import { sharedBox } from './shared-box.ts';
import type {
  MoveTo,
  NewDocument,
  PartRow,
  RecipientRow,
  SealedRow,
  SendOutcome,
  SentRow,
  StatementRow,
  SubmitOutcome,
} from './types.ts';

const moveSql = Object.fromEntries(
  (Object.keys(outboxStates) as OutboxState[]).map((to) => {
    const from: string[] = statesBefore(outboxStates, to);
    // The receiver's word may overtake the hub's receipt: whoever speaks of the delivery proves that the hub had accepted it.
    if (from.includes('accepted')) from.push('queued');
    const states = from.map((state) => `'${state}'`).join(',');
    return [
      to,
      `UPDATE outbox_recipients SET state = '${to}', code = ?, at_ms = ? WHERE envelope_seq = ? AND idx = ? AND state IN (${states})`,
    ];
  }),
) as Record<OutboxState, string>;

const stateOf: Readonly<Record<number, MoveTo>> = {
  [outcomes.accepted]: 'accepted',
  [outcomes.forwarded]: 'accepted',
  [outcomes.refused]: 'refused',
  [outcomes.delivered]: 'delivered',
  [outcomes.expired]: 'expired',
  [outcomes.undeliverable]: 'undeliverable',
  [outcomes.relayed]: 'relayed',
  [outcomes.cancelled]: 'cancelled',
  [outcomes.reported]: 'delivered',
};

const insertStatement = `INSERT INTO statements (statement_id, issuer, direction, event, sender, envelope_id, at_ms, stored_ms, bytes)
  VALUES (?, ?, 'in', ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
export const uploadsMissing =
  'missing_uploads = (SELECT count(*) FROM out_parts p WHERE p.document_seq = envelopes.document_seq AND p.content IS NULL)';

/** What a verified statement says of each recipient; an outcome of a later version moves nothing. */
export function applyResults(
  db: Database,
  seq: number,
  { results, atMs }: Pick<StatementRow, 'results' | 'atMs'>,
): void {
  for (const { index, outcome, code } of results) {
    const to = stateOf[outcome];
    if (to) db.run(moveSql[to], code === '' ? null : code, atMs, seq, index);
  }
}

export function keepStatement(db: Database, row: StatementRow, nowMs: number): boolean {
  const { statementId, issuer, event, sender, envelopeId, atMs, bytes } = row;
  return (
    db.run(insertStatement, statementId, issuer, event, sender, envelopeId, atMs, nowMs, bytes).changes > 0
  );
}

export function insertEnvelope(
  db: Database,
  row: {
    documentSeq: number;
    unit: string;
    lane: number;
    nowMs: number;
    follows: Uint8Array | null;
    large: number;
  },
): number {
  return db.run(
    `INSERT INTO envelopes (document_seq, unit, follows, work, lane, missing_uploads, next_ms, queued_ms) VALUES (?, ?, ?, 'seal', ?, ?, 0, ?)`,
    row.documentSeq,
    row.unit,
    row.follows,
    row.lane,
    row.large,
    row.nowMs,
  ).lastRowId;
}

export function insertRecipients(
  db: Database,
  seq: number,
  recipients: readonly RecipientRow[],
  nowMs: number,
): void {
  for (const [idx, { unit, desk, group, groupVersion }] of recipients.entries())
    db.run(
      `INSERT INTO outbox_recipients (envelope_seq, idx, unit, desk, grp, grp_version, state, at_ms) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)`,
      seq,
      idx,
      unit,
      desk,
      group,
      groupVersion,
      nowMs,
    );
}

export function insertDocument(
  db: Database,
  d: Omit<SentRow['document'], 'recipients'> & { readonly recipients: readonly RecipientRow[] },
  cell = db.cells.begin(),
): number {
  const { salt, metadata, subject, notation, number, names } = sharedBox(cell, d);
  const seq = db.run(
    `INSERT INTO documents (document_id, unit, idempotency_key, request_digest, kind, urgency, created_ms, deliver_by_ms, reply_by_ms,
      links, status, salt, metadata, subject, notation, number, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    d.documentId,
    d.unit,
    d.idempotencyKey,
    d.requestDigest,
    d.kind,
    d.urgency,
    d.nowMs,
    d.deliverByMs,
    d.replyByMs,
    d.links,
    d.status,
    salt,
    metadata,
    subject,
    notation,
    number,
    d.bytes,
  ).lastRowId;
  insertParts(db, seq, d.parts, { names, cell });
  noteChanges(db, seq, d);
  if (isDocumentKind(d.kind)) noteNumber(db, { ...d, direction: 'out', issuer: d.unit, createdMs: d.nowMs });
  return seq;
}

export type LatestRecipient = {
  readonly unit: string;
  readonly desk: string;
  readonly grp: string;
  readonly grp_version: number;
  readonly state: OutboxState;
  readonly code: string | null;
};
/** Where each recipient of a document stands by the newest sending that names it. */
export const latestRecipientsSql = `SELECT r.unit, r.desk, r.grp, r.grp_version, r.state, r.code FROM envelopes e
  JOIN outbox_recipients r ON r.envelope_seq = e.seq WHERE e.document_seq = ? AND ${newestToRecipient('e', 'r')} ORDER BY e.seq, r.idx`;
export const latestRecipients = (db: Database, documentSeq: number): readonly LatestRecipient[] =>
  db.all<LatestRecipient>(latestRecipientsSql, documentSeq);

function insertParts(
  db: Database,
  documentSeq: number,
  parts: readonly PartRow[],
  { names, cell }: { readonly names: readonly string[]; readonly cell: Cell },
): void {
  for (const [idx, p] of parts.entries()) {
    const content = cell.seal(p.content);
    db.run(
      'INSERT INTO out_parts (document_seq, idx, length, sha256, tree_root, name, media_type, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      documentSeq,
      idx,
      p.length,
      p.sha256,
      p.treeRoot,
      names[idx]!,
      p.mediaType,
      content,
    );
    releaseCell(content, p.content);
  }
}

/**
 * A document that was rebuilt from the hub has no content here; the office software that hands it in again brings it back, so that it can be
 * offered to a hub that has lost it. Only what the seal already covers. Large parts lie in the content folder by then.
 */
function restoreContent(db: Database, documentSeq: number, parts: readonly PartRow[]): void {
  const cell = db.cells.begin();
  for (const [idx, { content, sha256 }] of parts.entries())
    if (content)
      db.run(
        'UPDATE out_parts SET content = ? WHERE document_seq = ? AND idx = ? AND sha256 = ? AND content IS NULL',
        cell.seal(content),
        documentSeq,
        idx,
        sha256,
      );
  db.run(
    `UPDATE envelopes SET next_ms = 0, ${uploadsMissing} - (SELECT count(*) FROM uploads u WHERE u.envelope_seq = envelopes.seq AND u.complete = 1)
     WHERE document_seq = ? AND work = 'send'`,
    documentSeq,
  );
}

/** Another document of ours bears this number in its year, and this one neither replaces nor corrects it. */
function assertFirst(db: Database, d: NewDocument): void {
  const key = keyOf({ ...d, direction: 'out', issuer: d.unit, createdMs: d.nowMs });
  if (!key) return;
  const links = JSON.parse(d.links) as { relation: number; documentId?: string }[];
  const apart = links.flatMap(({ documentId }) => (documentId ? [uuidToBytes(documentId)] : []));
  const other = sentUnder(db, key, apart);
  if (other) throw new ExchangeError('document-duplicate-suspected', uuidFromBytes(other));
}

/** A status or a request that the hub will not take is in no list that a clerk looks at. */
function noteUnsaid(db: Database, { seq, code }: { seq: number; code: string }, nowMs: number): void {
  const row = db.get<{ document_id: Uint8Array; kind: number }>(
    'SELECT d.document_id, d.kind FROM envelopes e JOIN documents d ON d.seq = e.document_seq WHERE e.seq = ?',
    seq,
  );
  if (row && !isDocumentKind(row.kind))
    noteAlarm(db, {
      atMs: nowMs,
      code,
      about: uuidFromBytes(row.document_id),
      said: 'a status, recall or update was not taken',
    });
}

const largeParts = (parts: readonly PartRow[]): number =>
  parts.filter(({ content }) => content === null).length;

export function outboxOps(db: Database) {
  function settleReceipt(seq: number, statement: StatementRow, nowMs: number): void {
    keepStatement(db, statement, nowMs);
    applyResults(db, seq, statement);
    db.run(
      `UPDATE envelopes SET work = 'done', epoch = ?, ledger_sequence = ?, attempts = attempts + 1, failing_since_ms = NULL, last_error = NULL
       WHERE seq = ? AND work = 'send'`,
      statement.epoch,
      statement.ledgerSequence,
      seq,
    );
  }

  return {
    /** Throws `idempotency-conflict`. */
    submitDocument(d: NewDocument): SubmitOutcome {
      const known = db.get<{ seq: number; document_id: Uint8Array; request_digest: Uint8Array }>(
        'SELECT seq, document_id, request_digest FROM documents WHERE unit = ? AND idempotency_key = ?',
        d.unit,
        d.idempotencyKey,
      );
      if (known) {
        // Rebuilt after a restore: the request itself is gone, the key is the office software's word that it is the same.
        const rebuilt = known.request_digest.length === 0;
        if (!rebuilt && Buffer.compare(known.request_digest, d.requestDigest) !== 0)
          throw new ExchangeError('idempotency-conflict', uuidFromBytes(known.document_id));
        if (rebuilt) restoreContent(db, known.seq, d.parts);
        return { documentId: known.document_id, duplicate: true };
      }
      const targets = targetsOf(d.kind, d.links);
      if (targets.length > 0) assertReplaceable(db, d.unit, targets);
      if (!d.evenIfDuplicate && isDocumentKind(d.kind)) assertFirst(db, d);
      const cell = db.cells.begin();
      const documentSeq = insertDocument(db, d, cell);
      const seq = insertEnvelope(db, {
        documentSeq,
        unit: d.unit,
        lane: d.urgency,
        nowMs: d.nowMs,
        follows: null,
        large: largeParts(d.parts),
      });
      if (d.check) insertCheck(db, { direction: 'out', doc: documentSeq, nowMs: d.nowMs }, d.check, cell);
      insertRecipients(db, seq, d.recipients, d.nowMs);
      if (d.entry) registerSent(db, { ...d, entry: d.entry });
      noteAudit(db, { atMs: d.nowMs, actor: d.actor, act: 'submit', about: uuidFromBytes(d.documentId) });
      return { documentId: d.documentId, duplicate: false };
    },

    /** The sealed bytes are durable before their first send. Answers which were still to be sealed (not cancelled meanwhile). */
    keepSealed({ items, nowMs }: { items: readonly SealedRow[]; nowMs: number }): readonly boolean[] {
      return items.map(
        ({ seq, envelopeId, digest, signed }) =>
          db.run(
            `UPDATE envelopes SET work = 'send', envelope_id = ?, digest = ?, signed = ?, sealed_ms = ? WHERE seq = ? AND work = 'seal'`,
            envelopeId,
            digest,
            signed,
            nowMs,
            seq,
          ).changes === 1,
      );
    },

    /** What the hub answered to one batch, together with its receipts. */
    settleSends({ items, nowMs }: { items: readonly SendOutcome[]; nowMs: number }): void {
      let ledgerSeen = 0;
      for (const item of items) {
        if (item.kind === 'receipt') {
          settleReceipt(item.seq, item.statement, nowMs);
          ledgerSeen = Math.max(ledgerSeen, item.statement.ledgerSequence);
        } else if (item.kind === 'seal-anew') sealAnew(db, { seq: item.seq, code: item.code, nowMs });
        else if (item.kind === 'refused') {
          db.run(
            `UPDATE envelopes SET work = 'done', attempts = attempts + 1, last_error = ? WHERE seq = ? AND work <> 'done'`,
            item.code,
            item.seq,
          );
          const open = db.all<{ idx: number }>(
            'SELECT idx FROM outbox_recipients WHERE envelope_seq = ?',
            item.seq,
          );
          for (const { idx } of open) db.run(moveSql[item.state], item.code, nowMs, item.seq, idx);
          noteUnsaid(db, item, nowMs);
          if (item.code === 'duplicate-conflict')
            noteAlarm(db, { atMs: nowMs, code: item.code, about: `envelope ${item.seq}`, said: '' });
        } else {
          db.run(
            `UPDATE envelopes SET next_ms = ?, last_error = ?, attempts = attempts + 1, failing_since_ms = coalesce(failing_since_ms, ?) WHERE seq = ? AND work <> 'done'`,
            item.nextMs,
            item.code,
            nowMs,
            item.seq,
          );
          if (item.uploadAnew) {
            db.run('DELETE FROM uploads WHERE envelope_seq = ?', item.seq);
            db.run(`UPDATE envelopes SET ${uploadsMissing} WHERE seq = ?`, item.seq);
          }
        }
      }
      raiseLedgerSeen(db, ledgerSeen);
    },

    /** Remembers the id of a begun upload, or that it is complete; the last complete one frees the envelope for sending. */
    noteUpload(u: { seq: number; idx: number; uploadId: string; complete: boolean }): void {
      db.run(
        `INSERT INTO uploads (envelope_seq, idx, upload_id) VALUES (?, ?, ?)
         ON CONFLICT (envelope_seq, idx) DO UPDATE SET upload_id = excluded.upload_id, complete = 0 WHERE upload_id <> excluded.upload_id`,
        u.seq,
        u.idx,
        u.uploadId,
      );
      if (!u.complete) return;
      const { changes } = db.run(
        'UPDATE uploads SET complete = 1 WHERE envelope_seq = ? AND idx = ? AND complete = 0',
        u.seq,
        u.idx,
      );
      if (changes === 1)
        db.run('UPDATE envelopes SET missing_uploads = max(0, missing_uploads - 1) WHERE seq = ?', u.seq);
    },

    /** Statements that the hub handed over. Answers per statement whether it belongs to an envelope that is here. */
    takeStatements({ items, nowMs }: { items: readonly StatementRow[]; nowMs: number }): readonly boolean[] {
      let ledgerSeen = 0;
      const known = items.map((row) => {
        ledgerSeen = Math.max(ledgerSeen, row.ledgerSequence);
        const envelope = db.get<{ seq: number; digest: Uint8Array }>(
          'SELECT seq, digest FROM envelopes WHERE unit = ? AND envelope_id = ?',
          row.sender,
          row.envelopeId,
        );
        // Kept in any case: after a restore its envelope may come back later.
        if (!keepStatement(db, row, nowMs)) return envelope !== undefined;
        if (!envelope) return false;
        if (Buffer.compare(envelope.digest, row.digest) !== 0) {
          const about = uuidFromBytes(row.envelopeId);
          noteAlarm(db, {
            atMs: nowMs,
            code: 'statement-mismatch',
            about,
            said: 'a statement about other bytes',
          });
          return false;
        }
        applyResults(db, envelope.seq, row);
        return true;
      });
      raiseLedgerSeen(db, ledgerSeen);
      return known;
    },
  };
}
