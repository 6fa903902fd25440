// Writes of the inbox, run in the writer thread. A document becomes visible and its delivery receipt is signed and stored in ONE commit:
// operations collect what is to be stated, beforeCommit signs it with one signature per unit (writer-ops.ts). The same bytes again get
// the SAME stored receipt; other bytes under the same id are kept aside and refused. Must never sign for a document that is not visible.
import { hash } from 'node:crypto';
import { signedCodec, statementCodec } from '../../protocol/codec.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { type Cell, releaseCell } from '../../protocol/node/at-rest/cells.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { PayloadType } from '../../protocol/signature.ts';
import { buildStatement, events, type StatementFacts, statementType } from '../../protocol/statement.ts';
import { faultOfArrival, noteArrival } from '../statuses/arrival-ops.ts';
import { keepAside, noteAlarm, noteAudit, raiseLedgerSeen } from './fact-ops.ts';
import { insertCheck } from './safety-ops.ts';
import { sharedBox } from './shared-box.ts';
import type {
  ArrivalFacts,
  Circumstances,
  PostOutcome,
  RefusedDelivery,
  TakenDelivery,
  TakenRecipient,
  TakeOutcome,
} from './types.ts';

/** One statement to be signed before the commit; `store` gets the signed bytes. */
export type ToSign = {
  readonly unit: string;
  readonly type: PayloadType;
  readonly bytes: Uint8Array;
  readonly store: (signed: Uint8Array) => void;
};

const insertOut = `INSERT INTO statements (statement_id, issuer, direction, event, sender, envelope_id, at_ms, stored_ms, bytes,
    post, delivery_ids, about_epoch, about_ledger) VALUES (?, ?, 'out', ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`;
const idsText = (deliveryId: number): string => (deliveryId > 0 ? `[${deliveryId}]` : '[]');

/** `sign` takes what one operation wants stated; it throws before it takes any when a key is missing. */
export function inboxOps(db: Database, sign: (items: readonly ToSign[]) => void) {
  /** Of the operation that runs. Handed on only at its end: an operation that throws states nothing. */
  let stated: ToSign[] = [];
  /** Builds one statement of one unit and has it signed; `linked` learns the row id. */
  function state(
    event: 'ContentHandover' | 'ConsignmentRejection',
    how: {
      readonly facts: ArrivalFacts;
      readonly recipient: TakenRecipient;
      readonly c: Circumstances;
      readonly code?: string;
      readonly parts?: StatementFacts['parts'];
      readonly linked?: (id: number) => void;
    },
  ): void {
    const { facts, recipient, c, code = '' } = how;
    const { type, bytes } = buildStatement({
      event,
      statementId: recipient.statementId,
      envelopeId: facts.envelopeId,
      documentId: facts.documentId,
      envelopeDigest: facts.digest,
      sender: facts.sender,
      issuer: recipient.unit,
      results: [
        {
          index: recipient.index,
          unit: recipient.unit,
          outcome: event === 'ContentHandover' ? 4 : 3,
          code,
        },
      ],
      atMs: c.nowMs,
      directoryVersion: c.directoryVersion,
      revocationNumber: c.revocationNumber,
      ...(event === 'ContentHandover' ? { parts: how.parts ?? [], clockOffsetMs: c.clockOffsetMs } : {}),
    });
    stated.push({
      unit: recipient.unit,
      type,
      bytes,
      store(signed) {
        const { lastRowId } = db.run(
          insertOut,
          recipient.statementId,
          recipient.unit,
          events[event],
          facts.sender,
          facts.envelopeId,
          c.nowMs,
          c.nowMs,
          signed,
          idsText(recipient.deliveryId),
          facts.epoch,
          facts.ledgerSequence,
        );
        how.linked?.(lastRowId);
      },
    });
  }

  function offerAgain(id: number, deliveryId: number): void {
    db.run(
      `UPDATE statements SET post = 'pending', delivery_ids = ?, next_ms = 0 WHERE id = ?`,
      idsText(deliveryId),
      id,
    );
  }

  function addRecipient(seq: number, item: TakenDelivery, recipient: TakenRecipient, c: Circumstances): void {
    db.run(
      'INSERT INTO inbox_recipients (inbox_seq, idx, unit, desk) VALUES (?, ?, ?, ?)',
      seq,
      recipient.index,
      recipient.unit,
      recipient.desk,
    );
    state('ContentHandover', {
      facts: item,
      recipient,
      c,
      parts: item.parts.map(({ sha256 }, index) => ({ index, sha256 })),
      linked: (id) =>
        db.run(
          'UPDATE inbox_recipients SET statement = ? WHERE inbox_seq = ? AND idx = ?',
          id,
          seq,
          recipient.index,
        ),
    });
  }

  function takeOne(item: TakenDelivery, c: Circumstances): TakeOutcome {
    const known = db.get<{ seq: number; digest: Uint8Array }>(
      'SELECT seq, digest FROM inbox WHERE sender = ? AND envelope_id = ?',
      item.sender,
      item.envelopeId,
    );
    if (!known) {
      const fault = faultOfArrival(db, item);
      if (fault) {
        refuseOne(asRefusal(item, fault), c);
        return 'refused';
      }
      const cell = db.cells.begin();
      const seq = insertArrival(db, item, c.nowMs, cell);
      noteArrival(db, seq, item, c.nowMs);
      if (item.check) insertCheck(db, { direction: 'in', doc: seq, nowMs: c.nowMs }, item.check, cell);
      for (const recipient of item.recipients) addRecipient(seq, item, recipient, c);
      return 'stored';
    }
    if (Buffer.compare(known.digest, item.digest) !== 0) {
      // A cloned sender or an attack: the first bytes stand, a person must look.
      refuseOne(asRefusal(item, 'duplicate-conflict'), c);
      return 'conflict';
    }
    for (const recipient of item.recipients) {
      const there = db.get<{ statement: number | null }>(
        'SELECT statement FROM inbox_recipients WHERE inbox_seq = ? AND idx = ?',
        known.seq,
        recipient.index,
      );
      if (!there) addRecipient(known.seq, item, recipient, c);
      else if (there.statement !== null) offerAgain(there.statement, recipient.deliveryId);
    }
    return 'again';
  }

  function refuseOne(item: RefusedDelivery, c: Circumstances): void {
    const { code, sender, envelopeId } = item;
    keepAside(
      db,
      {
        kind: 'delivery',
        code,
        sender,
        envelopeId,
        digest: item.wrapperDigest,
        bytes: item.wrapper,
        hubReceipt: item.receipt,
      },
      c.nowMs,
    );
    noteAlarm(db, {
      atMs: c.nowMs,
      code,
      about: `${sender} ${Buffer.from(envelopeId).toString('hex')}`,
      said: 'kept aside and refused',
    });
    for (const recipient of item.recipients) {
      const said = db.get<{ id: number }>(
        `SELECT id FROM statements WHERE envelope_id = ? AND issuer = ? AND event = ? AND sender = ? AND direction = 'out'`,
        envelopeId,
        recipient.unit,
        events.ConsignmentRejection,
        sender,
      );
      if (said) offerAgain(said.id, recipient.deliveryId);
      else state('ConsignmentRejection', { facts: item, recipient, c, code });
    }
  }

  /**
   * The same facts and the same statement id at a new time, under the present seal: to a hub that had taken the bytes before without our
   * knowing it is a duplicate. What the receiver went by when it took the document (directory, revocations) stays as stated.
   */
  function signAnew(id: number, code: string, nowMs: number): void {
    const row = db.get<{ bytes: Uint8Array }>(
      `SELECT bytes FROM statements WHERE id = ? AND post = 'pending'`,
      id,
    );
    if (!row) return;
    const statement = statementCodec.decode(signedCodec.decode(row.bytes).bytes);
    const { issuer, event } = statement;
    stated.push({
      unit: issuer,
      type: statementType(event),
      bytes: statementCodec.encode({ ...statement, atMs: nowMs }),
      store(signed) {
        db.run(
          'UPDATE statements SET bytes = ?, at_ms = ?, next_ms = 0, attempts = attempts + 1, last_error = ? WHERE id = ?',
          signed,
          nowMs,
          code,
          id,
        );
      },
    });
    noteAudit(db, {
      atMs: nowMs,
      actor: 'program',
      act: 'statement-signed-anew',
      about: `statement ${id}`,
      said: code,
    });
  }

  return {
    /** One poll answer, or one document whose large parts are complete. All bytes of all items are verified and on disk. */
    takeDeliveries({
      items,
      c,
    }: {
      items: readonly TakenDelivery[];
      c: Circumstances;
    }): readonly TakeOutcome[] {
      stated = [];
      let ledgerSeen = 0;
      const outcome = items.map((item) => {
        ledgerSeen = Math.max(ledgerSeen, item.ledgerSequence);
        return takeOne(item, c);
      });
      raiseLedgerSeen(db, ledgerSeen);
      sign(stated);
      return outcome;
    },
    /** What does not verify, for ever: kept aside, with a signed refusal to the sender. */
    refuseDeliveries({ items, c }: { items: readonly RefusedDelivery[]; c: Circumstances }): void {
      stated = [];
      for (const item of items) refuseOne(item, c);
      sign(stated);
    },
    /** What the hub answered to statements that were posted. */
    settlePosts({ items, nowMs }: { items: readonly PostOutcome[]; nowMs: number }): void {
      stated = [];
      for (const { id, result, code, nextMs } of items) {
        if (result === 'posted')
          db.run(`UPDATE statements SET post = 'posted', last_error = NULL WHERE id = ?`, id);
        else if (result === 'sign-anew') signAnew(id, code, nowMs);
        else if (result === 'later') {
          const row = db.get<{ attempts: number }>(
            'UPDATE statements SET next_ms = ?, attempts = attempts + 1, last_error = ? WHERE id = ? RETURNING attempts',
            nextMs,
            code,
            id,
          );
          // It goes on being offered; a person should know that a receipt does not get through.
          if (row?.attempts === laterBeforeAlarm)
            noteAlarm(db, {
              atMs: nowMs,
              code,
              about: `statement ${id}`,
              said: `offered ${laterBeforeAlarm} times, the hub still says later`,
            });
        } else {
          db.run(`UPDATE statements SET post = 'refused', last_error = ? WHERE id = ?`, code, id);
          noteAlarm(db, {
            atMs: nowMs,
            code,
            about: `statement ${id}`,
            said: 'the hub does not take this statement',
          });
        }
      }
      sign(stated);
    },
  };
}

/** With the back-off about eight hours: an outage of a hub after a restore is over by then. */
const laterBeforeAlarm = 40;

/** Good bytes that may not be taken; what is kept aside is the sealed header. */
const asRefusal = (item: TakenDelivery, code: ErrorCode): RefusedDelivery => ({
  ...item,
  code,
  wrapper: item.signed,
  wrapperDigest: hash('sha256', item.signed, 'buffer'),
});

function insertArrival(db: Database, item: TakenDelivery, nowMs: number, cell: Cell): number {
  const { salt, metadata, subject, notation, number, names } = sharedBox(cell, item);
  const seq = db.run(
    `INSERT INTO inbox (sender, envelope_id, document_id, digest, signed, hops, salt, metadata, receipt, accepted_ms, epoch, ledger_sequence,
      kind, urgency, created_ms, reply_by_ms, received_ms, subject, notation, number, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    item.sender,
    item.envelopeId,
    item.documentId,
    item.digest,
    item.signed,
    item.hops,
    salt,
    metadata,
    item.receipt,
    item.acceptedMs,
    item.epoch,
    item.ledgerSequence,
    item.kind,
    item.urgency,
    item.createdMs,
    item.replyByMs,
    nowMs,
    subject,
    notation,
    number,
    item.bytes,
  ).lastRowId;
  for (const [idx, p] of item.parts.entries()) {
    const content = cell.seal(p.content);
    db.run(
      'INSERT INTO in_parts (inbox_seq, idx, length, sha256, tree_root, name, media_type, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      seq,
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
  return seq;
}
