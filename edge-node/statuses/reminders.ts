// Reminders: a sender asks one recipient who has a document and has not said anything final about it to look at it again. A status of the document's sender
// (PROTOCOL.md 5.8), kept on both sides. Must never move the business axis, nor be said twice in a working day to the same office.
// After the document's delivery, inside operations of the writer thread, and the reads that show it.
import { dayOf } from '../../protocol/calendar/working-days.ts';
import { reminderCode } from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { relations } from '../../protocol/seal.ts';
import { noteAudit } from '../store/fact-ops.ts';
import { latestRecipients } from '../store/outbox-ops.ts';
import type { TakenDelivery } from '../store/types.ts';
import { alreadyAsked } from './change-rows.ts';
import { ownDocument } from './holders.ts';
import { insertStatusDocument } from './status-ops.ts';

/** Statuses after which nothing is left to do there. */
const ended = ['02', '06'];

type ReminderRow = {
  readonly direction: 'out' | 'in';
  readonly documentId: Uint8Array;
  readonly sender: string;
  readonly unit: string;
  readonly day: string;
  readonly atMs: number;
  readonly reminderDocument: Uint8Array;
};

/** False: there is one of that day. */
export function insertReminder(db: Database, r: ReminderRow): boolean {
  return (
    db.run(
      'INSERT INTO reminders (direction, document_id, sender, unit, day, at_ms, reminder_document) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      r.direction,
      r.documentId,
      r.sender,
      r.unit,
      r.day,
      r.atMs,
      r.reminderDocument,
    ).changes > 0
  );
}

/**
 * What came: of a document that is here, once a day for each of our units; otherwise it says nothing, and leaves nothing. Another office may have used the same
 * document id: of its document nobody else reminds, and it stands in nobody's way.
 */
export function takeReminder(db: Database, item: TakenDelivery, target: Uint8Array): void {
  for (const unit of new Set(item.recipients.map((to) => to.unit))) {
    const owners = db.all<{ sender: string }>(
      'SELECT sender FROM received WHERE document_id = ? AND unit = ?',
      target,
      unit,
    );
    for (const { sender } of owners.filter((owner) => item.standsFor.includes(owner.sender)))
      insertReminder(db, {
        direction: 'in',
        documentId: target,
        sender,
        unit,
        day: dayOf(item.acceptedMs),
        atMs: item.acceptedMs,
        reminderDocument: item.documentId,
      });
  }
}

/** A unit, and its code as people know it. */
type Reminded = { readonly unit: string; readonly code: string };

export function reminderOps(db: Database) {
  function remindOne(
    document: ReturnType<typeof ownDocument> & { readonly documentId: Uint8Array },
    r: Reminded & { readonly day: string; readonly nowMs: number },
  ): void {
    const { documentId } = document;
    const refuse = (why: string) => new ExchangeError('document-state-refused', why);
    const standing = latestRecipients(db, document.seq).filter(({ unit }) => unit === r.unit);
    if (standing.length === 0) throw refuse(`${r.code} is no recipient of it`);
    if (!standing.some(({ state }) => state === 'delivered')) throw refuse('it has not arrived there yet');
    if (alreadyAsked(db, documentId).has(r.unit)) throw refuse('it was asked back from there');
    const said = db.get<{ code: string }>(
      `SELECT code FROM statuses WHERE direction = 'in' AND document_id = ? AND unit = ? AND code NOT IN ('13','15','16') AND state = 'applied'
       ORDER BY counter DESC LIMIT 1`,
      documentId,
      r.unit,
    );
    if (said && ended.includes(said.code)) throw refuse(`the office has answered: ${said.code}`);
    const envelope = db.get<{ envelope_id: Uint8Array }>(
      `SELECT e.envelope_id FROM envelopes e JOIN outbox_recipients o ON o.envelope_seq = e.seq
       WHERE e.document_seq = ? AND o.unit = ? AND o.state = 'delivered' ORDER BY e.seq DESC LIMIT 1`,
      document.seq,
      r.unit,
    )!;
    const reminderDocument = insertStatusDocument(db, {
      unit: document.unit,
      to: r.unit,
      urgency: document.urgency,
      status: { code: reminderCode, counter: r.nowMs, atMs: r.nowMs, reason: 0 },
      said: { registeredNumber: '', person: '', reason: '' },
      links: [{ relation: relations.statusOf, documentId, envelopeId: envelope.envelope_id }],
      nowMs: r.nowMs,
    });
    const { unit, day, nowMs: atMs } = r;
    if (
      !insertReminder(db, {
        direction: 'out',
        documentId,
        sender: document.unit,
        unit,
        day,
        atMs,
        reminderDocument,
      })
    )
      throw new ExchangeError('reminder-too-soon', r.code);
  }

  return {
    /**
     * To each of `units`, or to none: one refusal undoes all. `day` is the working day that it counts for. Codes: `document-unknown`,
     * `document-state-refused` (not there yet, ended, asked back), `reminder-too-soon`.
     */
    remindRecipients(r: {
      documentId: Uint8Array;
      units: readonly Reminded[];
      day: string;
      actor: string;
      nowMs: number;
    }): void {
      const document = { ...ownDocument(db, r.documentId), documentId: r.documentId };
      for (const each of r.units) remindOne(document, { ...each, day: r.day, nowMs: r.nowMs });
      noteAudit(db, {
        atMs: r.nowMs,
        actor: r.actor,
        act: 'remind',
        about: uuidFromBytes(r.documentId),
        said: `${r.units.length} nơi nhận`,
      });
    },
  };
}

export type StoredReminder = { readonly unit: string; readonly at_ms: number };
/** Received, reminded of, and nothing said since: what is left to do. `u`: the unit. */
export const remindedSql = (u: string): string =>
  `SELECT v.inbox_seq FROM reminders m JOIN received v ON v.sender = m.sender AND v.document_id = m.document_id AND v.unit = m.unit
   WHERE m.direction = 'in' AND m.unit = ${u} AND v.code NOT IN ('02','06') AND v.recall = '' AND v.at_ms <= m.at_ms`;

export function reminderReads(db: Database) {
  return {
    /** Oldest first; `sender`: who sealed the document. */
    remindersOf: (
      direction: 'out' | 'in',
      { documentId, sender }: { readonly documentId: Uint8Array; readonly sender: string },
    ): readonly StoredReminder[] =>
      db.all<StoredReminder>(
        'SELECT unit, at_ms FROM reminders WHERE direction = ? AND document_id = ? AND sender = ? ORDER BY at_ms',
        direction,
        documentId,
        sender,
      ),
    remindedCount: (unit: string): number =>
      db.get<{ n: number }>(`SELECT count(DISTINCT inbox_seq) AS n FROM (${remindedSql('?')})`, unit)!.n,
  };
}
