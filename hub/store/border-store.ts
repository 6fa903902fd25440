// The border's verbs over the writer thread, typed, and its indexed reads. Every verb returns only when its rows survive a power cut.
import type { InKept, InMessage, OutKept, OutMessage } from './border-types.ts';
import type { HubStore } from './store.ts';

export type SealedIn = {
  readonly id: number;
  readonly wrapper: Uint8Array;
  readonly what: string;
  readonly message_sha256: Uint8Array;
  /** SHA-256 of each unzipped file. */
  readonly parts: readonly Uint8Array[];
};
export type WaitingOut = {
  readonly id: number;
  readonly document_id: Uint8Array;
  readonly status_code: string;
  readonly from_code: string;
  readonly to_code: string;
  readonly message: Uint8Array;
  readonly message_sha256: Uint8Array;
  readonly attempts: number;
  readonly doubtful: number;
  readonly made_ms: number;
  readonly tried_ms: number | null;
};
export type SentOut = {
  readonly id: number;
  readonly foreign_id: string;
  readonly from_code: string;
  readonly to_code: string;
};

export type BorderStore = ReturnType<typeof borderStore>;

export function borderStore(store: Pick<HubStore, 'admin' | 'reader'>, border: string) {
  const { reader: db } = store;
  return {
    inKeep: (m: Omit<InMessage, 'border'>) => store.admin<InKept>('borderInKeep', { ...m, border }),
    inAcked: (args: { id: number; nowMs: number }) => store.admin<void>('borderInAcked', args),
    inEnded: (args: {
      id: number;
      state: 'accepted' | 'refused';
      code: string;
      said: string;
      nowMs: number;
    }) => store.admin<void>('borderInEnded', args),
    /** The bytes of this message as received are to be destroyed; the row no longer counts on them. */
    erased: (args: { id: number; nowMs: number }) => store.admin<void>('borderInErased', args),
    forget: (args: { documentId: Uint8Array; beforeMs: number; nowMs: number }) =>
      store.admin<Uint8Array[]>('borderForget', { ...args, border }),
    outMake: (m: Omit<OutMessage, 'border'>) => store.admin<OutKept>('borderOutMake', { ...m, border }),
    outTrying: (args: { id: number; nowMs: number }) => store.admin<void>('borderOutTrying', args),
    outSent: (args: { id: number; foreignId: string; rule: string; nowMs: number }) =>
      store.admin<string[]>('borderOutSent', args),
    outLater: (args: { id: number; nextMs: number; code: string; words: string; certain: boolean }) =>
      store.admin<void>('borderOutLater', args),
    outRefused: (args: { id: number; code: string; words: string; nowMs: number }) =>
      store.admin<string[]>('borderOutRefused', args),
    outReported: (args: { id: number; words: string; rule: string; nowMs: number }) =>
      store.admin<string[]>('borderOutReported', args),
    refuse: (args: { delivery: number; code: string; words: string; nowMs: number }) =>
      store.admin<string[]>('borderRefuse', args),

    /** A message that is here already, for this addressee. */
    knownIn: (foreignId: string, what: string, toCode: string) =>
      db.get<{ id: number; ack: 'done' | 'fail' }>(
        'SELECT id, ack FROM border_in WHERE border = ? AND foreign_id = ? AND what = ? AND to_code = ?',
        border,
        foreignId,
        what,
        toCode,
      ),
    /** Bytes of the same message for another addressee: fetched once. */
    rawIn: (foreignId: string, what: string) =>
      db.get<{ message_sha256: Uint8Array; message_bytes: number }>(
        'SELECT message_sha256, message_bytes FROM border_in WHERE border = ? AND foreign_id = ? AND what = ? AND erased_ms IS NULL LIMIT 1',
        border,
        foreignId,
        what,
      ),
    sealedIn: (limit: number) =>
      db
        .all<Omit<SealedIn, 'parts'> & { parts: string }>(
          "SELECT id, wrapper, what, message_sha256, parts FROM border_in WHERE border = ? AND state = 'sealed' ORDER BY id LIMIT ?",
          border,
          limit,
        )
        .map(
          (row): SealedIn => ({
            ...row,
            parts: (JSON.parse(row.parts) as string[]).map((hex) => Buffer.from(hex, 'hex')),
          }),
        ),
    waitingOut: (nowMs: number, limit: number) =>
      db.all<WaitingOut>(
        `SELECT id, document_id, status_code, from_code, to_code, message, message_sha256, attempts, doubtful, made_ms, tried_ms FROM border_out
         WHERE border = ? AND state = 'made' AND message IS NOT NULL AND next_ms <= ? ORDER BY next_ms LIMIT ?`,
        border,
        nowMs,
        limit,
      ),
    sentOut: (sinceMs: number) =>
      db.all<SentOut>(
        "SELECT id, foreign_id, from_code, to_code FROM border_out WHERE border = ? AND state = 'sent' AND what = 'edoc' AND sent_ms >= ?",
        border,
        sinceMs,
      ),
    boundOut: (foreignId: string) =>
      db.get('SELECT 1 FROM border_out WHERE border = ? AND foreign_id = ?', border, foreignId) !== undefined,
    /** Our messages about a document that went to one of these codes, newest first. */
    outAbout: (documentId: Uint8Array) =>
      db.all<{ id: number; to_code: string; state: string; envelope_seq: number | null }>(
        "SELECT id, to_code, state, envelope_seq FROM border_out WHERE border = ? AND document_id = ? AND what = 'edoc' ORDER BY id DESC",
        border,
        documentId,
      ),
    /** Our newest request (recall, update) about a document at an office: what 15 and 16 answer. It carries the name of its document. */
    requestAbout: (documentId: Uint8Array, edxmlId: string, toCode: string) =>
      db.get<{ document_id: Uint8Array }>(
        `SELECT document_id FROM border_out WHERE border = ? AND edxml_id = ? AND to_code = ? AND document_id <> ? AND what = 'edoc'
         ORDER BY id DESC LIMIT 1`,
        border,
        edxmlId,
        toCode,
        documentId,
      )?.document_id,
    /** Who wrote the message that an accepted envelope of the border holds, and under which name of the document. */
    inOfEnvelope: (envelopeId: Uint8Array) =>
      db.get<{
        id: number;
        from_code: string;
        to_code: string;
        edxml_id: string;
        document_id: Uint8Array;
        what: string;
        message_key: string;
      }>(
        'SELECT id, from_code, to_code, edxml_id, document_id, what, message_key FROM border_in WHERE border = ? AND envelope_id = ?',
        border,
        envelopeId,
      ),
    /** The message in which a document came for an office of ours: under the code that it was listed with, else the first. */
    inAbout: (documentId: Uint8Array, office: string) =>
      db.get<{ foreign_id: string }>(
        `SELECT foreign_id FROM border_in WHERE border = ? AND document_id = ? AND what = 'edoc' AND state <> 'duplicate'
         ORDER BY upper(to_code) = upper(?) DESC, id LIMIT 1`,
        border,
        documentId,
        office,
      ),
    outSource: (source: string) =>
      db.get<{ id: number; state: string }>(
        'SELECT id, state FROM border_out WHERE border = ? AND source = ?',
        border,
        source,
      ),
  };
}
