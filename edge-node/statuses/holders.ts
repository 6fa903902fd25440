// Who has a document of ours, and how one more unit gets it after it was sent. Added receivers get the document as it was sealed first, and behind it
// the newest correction, so that everybody reads the same; who has it gets nothing again. Inside operations of the writer thread.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds } from '../../protocol/seal.ts';
import type { OutboxState } from '../../protocol/states.ts';
import { addPlaces } from '../office/register-ops.ts';
import { noteAudit } from '../store/fact-ops.ts';
import { insertEnvelope, insertRecipients, latestRecipients, uploadsMissing } from '../store/outbox-ops.ts';
import { checkAgain } from '../store/safety-ops.ts';
import type { RecipientRow } from '../store/types.ts';
import { alreadyAsked, assertNotReplaced, isDocumentKind } from './change-rows.ts';

export type OwnDocument = {
  readonly seq: number;
  readonly unit: string;
  readonly kind: number;
  readonly urgency: number;
};

/** Codes: `document-unknown`, `document-state-refused`. */
export function ownDocument(db: Database, documentId: Uint8Array): OwnDocument {
  const row = db.get<OwnDocument>(
    'SELECT seq, unit, kind, urgency FROM documents WHERE document_id = ?',
    documentId,
  );
  if (!row) throw new ExchangeError('document-unknown');
  if (!isDocumentKind(row.kind))
    throw new ExchangeError('document-state-refused', 'it is no document by itself');
  return row;
}

const mayHave: ReadonlySet<OutboxState> = new Set([
  'queued',
  'accepted',
  'relayed',
  'delivered',
  'expired',
  'undeliverable',
]);

/** Units of the newest sending to each that may have the document, or get it yet. */
export function holders(db: Database, document: OwnDocument): string[] {
  return [
    ...new Set(
      latestRecipients(db, document.seq)
        .filter(({ state }) => mayHave.has(state))
        .map(({ unit }) => unit),
    ),
  ];
}

/** Row of the newest update of a document of ours; 0 if there is none. */
export function newestUpdate(db: Database, target: Uint8Array): number {
  return (
    db.get<{ document_seq: number }>(
      `SELECT document_seq FROM changes WHERE target = ? AND kind = ${kinds.update} ORDER BY counter DESC LIMIT 1`,
      target,
    )?.document_seq ?? 0
  );
}

/** A new envelope of what is here already: the newest that was sealed is the one it follows. `checked` 0: it waits for the check of the document. */
function sendMore(
  db: Database,
  documentSeq: number,
  how: {
    readonly to: readonly RecipientRow[];
    readonly unit: string;
    readonly checked: boolean;
    readonly nowMs: number;
  },
): void {
  const last = db.get<{ lane: number }>(
    'SELECT lane FROM envelopes WHERE document_seq = ? ORDER BY seq DESC LIMIT 1',
    documentSeq,
  );
  const sealed = db.get<{ envelope_id: Uint8Array }>(
    'SELECT envelope_id FROM envelopes WHERE document_seq = ? AND envelope_id IS NOT NULL ORDER BY seq DESC LIMIT 1',
    documentSeq,
  );
  const seq = insertEnvelope(db, {
    documentSeq,
    unit: how.unit,
    lane: last?.lane ?? 0,
    nowMs: how.nowMs,
    follows: sealed?.envelope_id ?? null,
    large: 0,
  });
  db.run(`UPDATE envelopes SET ${uploadsMissing}, checked = ? WHERE seq = ?`, how.checked ? 1 : 0, seq);
  insertRecipients(db, seq, how.to, how.nowMs);
}

/** A recipient as a sending names it. */
export type Named = { readonly unit: string; readonly desk: string };
const isSame = (a: Named, b: Named): boolean => a.unit === b.unit && a.desk === b.desk;

type Unsealed = {
  readonly seq: number;
  readonly unit: string;
  readonly lane: number;
  readonly follows: Uint8Array | null;
  readonly checked: number;
  readonly queued_ms: number;
};
type Waiting = Named & { readonly idx: number };
const recipientsIn = (db: Database, seq: number): readonly Waiting[] =>
  db.all<Waiting>(
    `SELECT idx, unit, desk FROM outbox_recipients WHERE envelope_seq = ? AND state = 'queued' ORDER BY idx`,
    seq,
  );

/**
 * Those of an unsealed sending who stay get a sending of their own, as old as the first, with what is at the hub of its files. The caller ends the first:
 * a sealing that runs meanwhile has the old list, and `keepSealed` keeps no bytes of what has ended.
 */
function sendApart(
  db: Database,
  a: { readonly documentSeq: number; readonly envelope: Unsealed; readonly going: readonly Waiting[] },
): void {
  const { seq, unit, lane, follows, checked, queued_ms: nowMs } = a.envelope;
  const apart = insertEnvelope(db, { documentSeq: a.documentSeq, unit, lane, nowMs, follows, large: 0 });
  const brought = db.run(
    'INSERT INTO uploads (envelope_seq, idx, upload_id, complete) SELECT ?, idx, upload_id, 1 FROM uploads WHERE envelope_seq = ? AND complete = 1',
    apart,
    seq,
  ).changes;
  db.run(`UPDATE envelopes SET ${uploadsMissing} - ?, checked = ? WHERE seq = ?`, brought, checked, apart);
  for (const [idx, to] of a.going.entries())
    db.run(
      'UPDATE outbox_recipients SET envelope_seq = ?, idx = ? WHERE envelope_seq = ? AND idx = ?',
      apart,
      idx,
      seq,
      to.idx,
    );
}

/** Sendings that were never sealed end here for those whom `takes` names: they never hear of the document. Answers them. */
export function stopUnsealed(
  db: Database,
  how: {
    readonly documentSeq: number;
    readonly takes: (to: Named) => boolean;
    readonly nowMs: number;
  },
): readonly Named[] {
  const unsealed = db.all<Unsealed>(
    `SELECT seq, unit, lane, follows, checked, queued_ms FROM envelopes WHERE document_seq = ? AND work = 'seal'`,
    how.documentSeq,
  );
  const all: Named[] = [];
  for (const envelope of unsealed) {
    const to = recipientsIn(db, envelope.seq);
    const going = to.filter((each) => !how.takes(each));
    if (going.length === to.length) continue;
    if (going.length > 0) sendApart(db, { documentSeq: how.documentSeq, envelope, going });
    db.run(`UPDATE envelopes SET work = 'done' WHERE seq = ? AND work = 'seal'`, envelope.seq);
    db.run(
      `UPDATE outbox_recipients SET state = 'cancelled', at_ms = ? WHERE envelope_seq = ? AND state = 'queued'`,
      how.nowMs,
      envelope.seq,
    );
    all.push(...to.filter(how.takes));
  }
  return all;
}

/** A correction that waits behind its document goes to nobody who will not have it. */
export function stopCorrections(
  db: Database,
  document: OwnDocument & { readonly documentId: Uint8Array },
  nowMs: number,
): void {
  const still = new Set(holders(db, document));
  for (const { document_seq: documentSeq } of db.all<{ document_seq: number }>(
    `SELECT document_seq FROM changes WHERE target = ? AND kind = ${kinds.update}`,
    document.documentId,
  ))
    stopUnsealed(db, { documentSeq, takes: ({ unit }) => !still.has(unit), nowMs });
}

/** Throws `content-gone`: erased, or rebuilt from the hub after a restore, which gives no content back. */
function assertContentHere(db: Database, documentSeq: number): void {
  const gone = db.get(
    'SELECT 1 FROM documents WHERE seq = ? AND (metadata IS NULL OR length(request_digest) = 0)',
    documentSeq,
  );
  if (gone) throw new ExchangeError('content-gone', 'the content of this document is not here any more');
}

/** False while its check runs or waits for a person: the sending waits with it. Throws where there is nothing to wait for. */
function letGoAlready(db: Database, documentSeq: number): boolean {
  const check = db.get<{ state: string; secret: number }>(
    `SELECT state, secret FROM checks WHERE direction = 'out' AND doc = ?`,
    documentSeq,
  );
  if (!check || check.state === 'passed' || check.state === 'released') return true;
  if (check.secret === 1) throw new ExchangeError('document-held', 'reported as a state secret');
  if (check.state !== 'pending' && check.state !== 'held')
    throw new ExchangeError('document-state-refused', `its check is ${check.state}`);
  return false;
}

/**
 * `corrected`: the newest correction goes behind it; false where the caller sends a newer one to everybody. Codes: `content-gone`,
 * `document-held`, `document-state-refused`.
 */
export function sendToAdded(
  db: Database,
  document: OwnDocument & { readonly documentId: Uint8Array },
  how: { readonly added: readonly RecipientRow[]; readonly corrected: boolean; readonly nowMs: number },
): void {
  assertContentHere(db, document.seq);
  const checked = letGoAlready(db, document.seq);
  const { unit } = document;
  sendMore(db, document.seq, { to: how.added, unit, checked, nowMs: how.nowMs });
  // It is found by the names of its new places too.
  db.run(`INSERT INTO search_changes (direction, seq) VALUES ('out', ?)`, document.seq);
  const update = how.corrected ? newestUpdate(db, document.documentId) : 0;
  const plain = [...new Set(how.added.map(({ unit: to }) => to))].map((to) => plainRecipient(to));
  if (update !== 0) sendMore(db, update, { to: plain, unit, checked: true, nowMs: how.nowMs });
}

export const plainRecipient = (unit: string): RecipientRow => ({
  unit,
  desk: '',
  group: '',
  groupVersion: 0,
});

export type ExtendOutcome = { readonly added: readonly string[]; readonly already: readonly string[] };

export function holderOps(db: Database) {
  function newest(documentId: Uint8Array): { readonly document_seq: number; readonly unit: string } {
    const row = db.get<{ document_seq: number; unit: string }>(
      'SELECT e.document_seq, e.unit FROM documents d JOIN envelopes e ON e.document_seq = d.seq WHERE d.document_id = ? LIMIT 1',
      documentId,
    );
    if (!row) throw new ExchangeError('document-unknown');
    return row;
  }

  return {
    /**
     * What of it was not sealed ends here; `only`: for these recipients alone, each of whom must wait in something unsealed. `document-state-refused`
     * where all was sealed: sealed bytes may have reached the hub.
     */
    cancelDocument(c: {
      documentId: Uint8Array;
      only?: readonly Named[] | undefined;
      actor: string;
      nowMs: number;
    }): void {
      const { document_seq: documentSeq } = newest(c.documentId);
      const { only } = c;
      const stopped = stopUnsealed(db, {
        documentSeq,
        takes: (to) => only?.some((each) => isSame(each, to)) ?? true,
        nowMs: c.nowMs,
      });
      if (stopped.length === 0 || only?.some((each) => !stopped.some((to) => isSame(each, to))))
        throw new ExchangeError('document-state-refused', 'it was sealed already');
      const document = db.get<OwnDocument>(
        'SELECT seq, unit, kind, urgency FROM documents WHERE seq = ?',
        documentSeq,
      )!;
      stopCorrections(db, { ...document, documentId: c.documentId }, c.nowMs);
      noteAudit(db, {
        atMs: c.nowMs,
        actor: c.actor,
        act: 'cancel',
        about: uuidFromBytes(c.documentId),
        said: c.only ? `${c.only.length} nơi nhận` : '',
      });
    },

    /**
     * A new envelope to those whom their newest sending did not reach; whom it may still reach waits. What was stopped on purpose goes again only where
     * nothing failed. `only`: to these alone, each of whom it did not reach or who was stopped; what else is on its way does not matter then.
     * `document-state-refused` when there is nobody.
     */
    resendDocument(c: {
      documentId: Uint8Array;
      only?: readonly Named[] | undefined;
      actor: string;
      nowMs: number;
    }): void {
      const last = newest(c.documentId);
      const recipients = latestRecipients(db, last.document_seq);
      const open = recipients.some(({ state }) => ['queued', 'accepted', 'relayed'].includes(state));
      // What was taken back is not sent again by chance.
      const recalled = alreadyAsked(db, c.documentId);
      const standing = recipients.filter(({ unit }) => !recalled.has(unit));
      const failed = standing.filter(({ state }) => ['refused', 'undeliverable', 'expired'].includes(state));
      const stopped = standing.filter(({ state }) => state === 'cancelled');
      const missed = c.only
        ? [...failed, ...stopped].filter((to) => c.only?.some((each) => isSame(each, to)))
        : failed.length > 0 || open
          ? failed
          : stopped;
      if (missed.length === 0 || (c.only && missed.length < c.only.length))
        throw new ExchangeError(
          'document-state-refused',
          open ? 'it is still on its way' : 'everybody has it',
        );
      assertContentHere(db, last.document_seq);
      sendMore(db, last.document_seq, {
        to: missed.map((r) => ({ unit: r.unit, desk: r.desk, group: r.grp, groupVersion: r.grp_version })),
        unit: last.unit,
        checked: true,
        nowMs: c.nowMs,
      });
      checkAgain(db, last.document_seq);
      noteAudit(db, {
        atMs: c.nowMs,
        actor: c.actor,
        act: 'resend',
        about: uuidFromBytes(c.documentId),
        said: c.only ? `${c.only.length} nơi nhận` : '',
      });
    },

    /** `document-state-refused` when nothing of it failed, or all was settled before. */
    settleFailures(c: { documentId: Uint8Array; actor: string; nowMs: number }): void {
      const { document_seq: documentSeq } = newest(c.documentId);
      const { changes } = db.run(
        `UPDATE outbox_recipients SET settled_ms = ? WHERE state IN ('refused','undeliverable','expired') AND settled_ms IS NULL
           AND envelope_seq IN (SELECT seq FROM envelopes WHERE document_seq = ?)`,
        c.nowMs,
        documentSeq,
      );
      if (changes === 0) throw new ExchangeError('document-state-refused', 'nothing of it failed');
      noteAudit(db, { atMs: c.nowMs, actor: c.actor, act: 'settle', about: uuidFromBytes(c.documentId) });
    },

    /**
     * Gửi thêm nơi nhận: the same document to those who do not have it. Idempotent by what it means: who has it, or gets it yet, is passed over, so
     * that a second time adds nobody. The line of the outgoing book names the new places, its number stays. Codes: `document-unknown`,
     * `document-replaced`, `document-state-refused` (recalled, stopped, refused), `document-held`, `content-gone`, `recipients-too-many`.
     */
    extendDocument(e: {
      readonly documentId: Uint8Array;
      readonly recipients: readonly (RecipientRow & { readonly name: string })[];
      readonly actor: string;
      readonly nowMs: number;
    }): ExtendOutcome {
      const document = ownDocument(db, e.documentId);
      assertNotReplaced(db, e.documentId);
      const asked = alreadyAsked(db, e.documentId);
      const had = holders(db, document);
      const recalled = e.recipients.find(({ unit }) => asked.has(unit));
      if (recalled)
        throw new ExchangeError(
          'document-state-refused',
          `${recalled.name || recalled.unit} was asked to destroy it: send a new one`,
        );
      if (!had.some((unit) => !asked.has(unit)))
        throw new ExchangeError(
          'document-state-refused',
          'nobody has it: it was stopped, refused or recalled',
        );
      const has = new Set(had);
      const added = e.recipients.filter(({ unit }) => !has.has(unit));
      const already = [...new Set(e.recipients.map(({ unit }) => unit).filter((unit) => has.has(unit)))];
      if (added.length === 0) return { added: [], already };
      if (had.length + added.length > limits.recipientsMax) throw new ExchangeError('recipients-too-many');
      sendToAdded(db, { ...document, documentId: e.documentId }, { added, corrected: true, nowMs: e.nowMs });
      addPlaces(db, {
        unit: document.unit,
        documentId: e.documentId,
        places: added.map(({ name, unit }) => name || unit),
        actor: e.actor,
        nowMs: e.nowMs,
      });
      noteAudit(db, {
        atMs: e.nowMs,
        actor: e.actor,
        act: 'extend',
        about: uuidFromBytes(e.documentId),
        said: `thêm ${added.length} nơi nhận`,
      });
      return { added: added.map(({ unit }) => unit), already };
    },
  };
}
