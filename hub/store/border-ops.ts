// Writer thread: messages across a border. Each operation is one transaction together with the statement by which the sender learns of it, so
// that what the other system was told, what it answered and what the sender is told never differ. Rows move forward only.
import { foldNumber } from '../../protocol/document/letters.ts';
import { outcomes } from '../../protocol/statement.ts';
import type { DeliveryState } from '../../protocol/states.ts';
import { isRemoved } from './border-removal.ts';
import type {
  Ack,
  InKept,
  InMessage,
  InState,
  NewDocument,
  OutKept,
  OutMessage,
  OutState,
} from './border-types.ts';
import type { Given } from './settle-ops.ts';
import type { Shared } from './types.ts';
import { raiseAlarm } from './unit-rows.ts';

type OutRow = {
  id: number;
  state: OutState;
  delivery: number | null;
  foreign_id: string;
  attempts: number;
  doubtful: number;
  made_ms: number;
  message_sha256: Uint8Array;
  parts: string;
  words: string;
};
const outColumns =
  'id, state, delivery, foreign_id, attempts, doubtful, made_ms, message_sha256, parts, words';

const keptOf = (row: OutRow): OutKept => ({
  id: row.id,
  state: row.state,
  foreignId: row.foreign_id,
  attempts: row.attempts,
  doubtful: row.doubtful === 1,
  madeMs: row.made_ms,
});

/** A statement holds at most 300 bytes of the other system's words; cut between letters. */
function fitting(words: string): string {
  let cut = words
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 300);
  while (Buffer.byteLength(cut) > 300) cut = cut.slice(0, -1);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

export function borderOps({ db }: Shared, speakFor: (delivery: number, what: Given) => string[]) {
  function remember(border: string, document: NewDocument | null, nowMs: number): void {
    if (!document) return;
    const { organ, edxmlId, documentId, code, date, sender } = document;
    db.run(
      `INSERT OR IGNORE INTO border_documents (border, organ, edxml_id, document_id, code, code_key, date, sender, at_ms) VALUES (?,?,?,?,?,?,?,?,?)`,
      border,
      organ,
      edxmlId,
      documentId,
      db.cells.begin().text(code),
      db.cells.compared(foldNumber(code)),
      date,
      sender,
      nowMs,
    );
  }

  /** A message that means the same as one that took effect is its repetition; another meaning under one id is for a person. */
  function judgeRepetition(m: InMessage): { state: InState; said: string; code: string } {
    const { state, code, said } = m;
    if (m.what === 'edoc' && m.edxmlId !== '' && isRemoved(db, m))
      return { state: 'refused', code: 'secrecy-refused', said: 'removed as a state secret' };
    if ((state !== 'sealed' && state !== 'noted') || m.messageKey === '') return { state, code, said };
    const first = db.get<{ id: number; meaning: Uint8Array | null }>(
      "SELECT id, meaning FROM border_in WHERE border = ? AND message_key = ? AND state IN ('sealed','accepted','noted')",
      m.border,
      m.messageKey,
    );
    if (!first) return { state, code, said };
    const same = first.meaning && m.meaning && Buffer.compare(first.meaning, m.meaning) === 0;
    if (same) return { state: 'duplicate', code: '', said: `of message ${first.id}` };
    raiseAlarm(db, {
      code: 'border-message-conflict',
      about: `${m.border} ${m.messageKey}`,
      said: `message ${m.foreignId} differs from ${first.id} under one id`,
      atMs: m.nowMs,
    });
    return { state: 'held', code: 'border-message-conflict', said: `differs from message ${first.id}` };
  }

  function reported(row: OutRow, by: { words: string; rule: string; nowMs: number }): string[] {
    const { changes } = db.run(
      "UPDATE border_out SET state = 'reported', doubtful = 0, ended_ms = ?, words = ?, rule = ?, message = NULL WHERE id = ? AND state IN ('made','sent')",
      by.nowMs,
      db.cells.begin().text(by.words),
      by.rule,
      row.id,
    );
    if (changes === 0) return [];
    return speak(row, {
      event: 'RelayToNonERDS',
      outcome: outcomes.reported,
      to: 'delivered',
      code: '',
      ...by,
    });
  }

  function speak(
    row: OutRow,
    what: Pick<Given, 'event' | 'outcome' | 'code' | 'nowMs'> & {
      readonly to: DeliveryState;
      readonly words: string;
      readonly foreignId?: string;
    },
  ): string[] {
    if (row.delivery === null) return [];
    const parts = (JSON.parse(row.parts) as string[]).map((sha256, index) => ({
      index,
      sha256: Buffer.from(sha256, 'hex'),
    }));
    return speakFor(row.delivery, {
      event: what.event,
      outcome: what.outcome,
      to: what.to,
      code: what.code,
      nowMs: what.nowMs,
      words: fitting(what.words),
      foreignId: (what.foreignId ?? row.foreign_id).slice(0, 100),
      foreignMessage: row.message_sha256,
      parts,
    });
  }

  const outRow = (id: number) => db.get<OutRow>(`SELECT ${outColumns} FROM border_out WHERE id = ?`, id);

  return {
    /**
     * A message that came in, with everything that follows from it here. The same (message, addressee) again answers the row that is
     * there. Durable on return: only then the other system is told.
     */
    borderInKeep(m: InMessage): InKept {
      const known = db.get<{ id: number; state: InState; ack: Ack }>(
        'SELECT id, state, ack FROM border_in WHERE border = ? AND foreign_id = ? AND what = ? AND to_code = ?',
        m.border,
        m.foreignId,
        m.what,
        m.toCode,
      );
      if (known) return { ...known, nudge: [], secret: false };
      const { state, code, said } = judgeRepetition(m);
      const fresh = state === 'sealed' || state === 'noted';
      const secret = code === 'secrecy-refused';
      const ack = secret ? 'fail' : m.ack;
      const cell = db.cells.begin();
      const id = db.run(
        `INSERT INTO border_in (border, foreign_id, what, from_code, to_code, state, ack, message_key, meaning, message_sha256, message_bytes,
           parts, code, said, rule, edxml_id, document_id, envelope_id, wrapper, received_ms, at_ms, erased_ms)
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
        m.border,
        m.foreignId,
        m.what,
        m.fromCode,
        m.toCode,
        state,
        ack,
        m.messageKey,
        m.meaning,
        m.messageSha256,
        m.messageBytes,
        JSON.stringify(m.parts),
        code,
        cell.text(said.slice(0, 500)),
        m.rule,
        m.edxmlId,
        m.documentId,
        m.envelopeId,
        state === 'sealed' ? cell.seal(m.wrapper) : null,
        m.nowMs,
        m.nowMs,
        secret ? m.nowMs : null,
      ).lastRowId;
      if (fresh) remember(m.border, m.document, m.nowMs);
      const about = fresh && m.reports ? outRow(m.reports.outId) : undefined;
      const nudge = about ? reported(about, { words: m.reports!.words, rule: m.rule, nowMs: m.nowMs }) : [];
      return { id, state, ack, nudge, secret };
    },
    /** The other system has taken our word about it. */
    borderInAcked({ id, nowMs }: { id: number; nowMs: number }): void {
      db.run('UPDATE border_in SET acked_ms = ? WHERE id = ? AND acked_ms IS NULL', nowMs, id);
    },
    /** The hub's own procedure accepted what the border had sealed, or refused it for good. */
    borderInEnded(e: {
      id: number;
      state: 'accepted' | 'refused';
      code: string;
      said: string;
      nowMs: number;
    }): void {
      // The page is overwritten: what is destroyed later may not lie in free pages.
      db.exec('PRAGMA secure_delete = ON');
      db.run(
        "UPDATE border_in SET state = ?, code = ?, said = ?, wrapper = NULL, at_ms = ? WHERE id = ? AND state = 'sealed'",
        e.state,
        e.code,
        db.cells.begin().text(e.said.slice(0, 500)),
        e.nowMs,
        e.id,
      );
      db.exec('PRAGMA secure_delete = FAST');
    },

    borderInErased({ id, nowMs }: { id: number; nowMs: number }): void {
      db.run('UPDATE border_in SET erased_ms = ? WHERE id = ? AND erased_ms IS NULL', nowMs, id);
    },

    /**
     * Erases the bytes of messages as received: those of a document that was taken back, or older ones. Digests stay. Returns the files that
     * nothing names any more.
     */
    borderForget(f: {
      border: string;
      documentId: Uint8Array;
      beforeMs: number;
      nowMs: number;
    }): Uint8Array[] {
      const rows = db.all<{ id: number; message_sha256: Uint8Array }>(
        `SELECT id, message_sha256 FROM border_in WHERE border = ? AND erased_ms IS NULL AND state <> 'sealed' AND (document_id = ? OR received_ms < ?)
         LIMIT 500`,
        f.border,
        f.documentId,
        f.beforeMs,
      );
      for (const { id } of rows)
        db.run('UPDATE border_in SET erased_ms = ? WHERE id = ? AND erased_ms IS NULL', f.nowMs, id);
      return rows
        .map(({ message_sha256 }) => message_sha256)
        .filter(
          (sha256) =>
            !db.get('SELECT 1 FROM border_in WHERE message_sha256 = ? AND erased_ms IS NULL', sha256),
        );
    },

    /** One row for each source; a row that is there is answered as it stands. */
    borderOutMake(m: OutMessage): OutKept {
      const { changes, lastRowId } = db.run(
        `INSERT INTO border_out (border, source, what, status_code, delivery, envelope_seq, document_id, from_code, to_code, edxml_id, state,
           message, message_sha256, message_bytes, parts, not_carried, next_ms, made_ms)
         VALUES (?,?,?,?,?,?,?,?,?,?,'made',?,?,?,?,?,?,?) ON CONFLICT (border, source) DO NOTHING`,
        m.border,
        m.source,
        m.what,
        m.statusCode,
        m.delivery,
        m.envelopeSeq,
        m.documentId,
        m.fromCode,
        m.toCode,
        m.edxmlId,
        db.cells.begin().seal(m.message),
        m.messageSha256,
        m.messageBytes,
        JSON.stringify(m.parts),
        JSON.stringify(m.notCarried),
        m.nowMs,
        m.nowMs,
      );
      if (changes > 0) remember(m.border, m.document, m.nowMs);
      const row =
        changes > 0
          ? outRow(lastRowId)
          : db.get<OutRow>(
              `SELECT ${outColumns} FROM border_out WHERE border = ? AND source = ?`,
              m.border,
              m.source,
            );
      return keptOf(row!);
    },
    /** Before the first byte leaves: from now on it may have arrived, whatever we hear. */
    borderOutTrying({ id, nowMs }: { id: number; nowMs: number }): void {
      db.run(
        "UPDATE border_out SET attempts = attempts + 1, doubtful = 1, tried_ms = ? WHERE id = ? AND state = 'made'",
        nowMs,
        id,
      );
    },
    /** The other system took it under this id. Returns peers to wake. */
    borderOutSent(s: { id: number; foreignId: string; rule: string; nowMs: number }): string[] {
      const { changes } = db.run(
        "UPDATE border_out SET state = 'sent', foreign_id = ?, rule = ?, sent_ms = ?, doubtful = 0, message = NULL, code = '', words = '' WHERE id = ? AND state = 'made'",
        s.foreignId,
        s.rule,
        s.nowMs,
        s.id,
      );
      const row = outRow(s.id);
      if (changes === 0 || !row) return [];
      return speak(row, {
        event: 'RelayToNonERDS',
        outcome: outcomes.relayed,
        to: 'relayed',
        code: '',
        words: '',
        nowMs: s.nowMs,
      });
    },
    /** Not now; `certain`: it did not arrive. */
    borderOutLater(l: { id: number; nextMs: number; code: string; words: string; certain: boolean }): void {
      db.run(
        "UPDATE border_out SET next_ms = ?, code = ?, words = ?, doubtful = CASE ? WHEN 1 THEN 0 ELSE doubtful END WHERE id = ? AND state = 'made'",
        l.nextMs,
        l.code,
        db.cells.begin().text(l.words.slice(0, 500)),
        l.certain ? 1 : 0,
        l.id,
      );
    },
    /** Refused for good in the words of the other system: a signed notice goes to the sender. Returns peers to wake. */
    borderOutRefused(r: { id: number; code: string; words: string; nowMs: number }): string[] {
      const { changes } = db.run(
        "UPDATE border_out SET state = 'refused', doubtful = 0, ended_ms = ?, code = ?, words = ?, message = NULL WHERE id = ? AND state IN ('made','sent')",
        r.nowMs,
        r.code,
        db.cells.begin().text(r.words.slice(0, 500)),
        r.id,
      );
      const row = outRow(r.id);
      if (changes === 0 || !row) return [];
      return speak(row, { event: 'RelayToNonERDSFailure', outcome: outcomes.refused, to: 'refused', ...r });
    },
    /** The other system says that the recipient has it. Returns peers to wake. */
    borderOutReported(r: { id: number; words: string; rule: string; nowMs: number }): string[] {
      const row = outRow(r.id);
      return row ? reported(row, r) : [];
    },
    /** A delivery that never became a message: nothing of it left. Returns peers to wake. */
    borderRefuse(r: { delivery: number; code: string; words: string; nowMs: number }): string[] {
      return speakFor(r.delivery, {
        event: 'RelayToNonERDSFailure',
        outcome: outcomes.refused,
        to: 'refused',
        code: r.code,
        words: fitting(r.words),
        nowMs: r.nowMs,
      });
    },
  };
}
