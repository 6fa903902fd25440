// Requests of senders to change what they sent, inside the writer thread. A recall of a document that nobody has accepted is obeyed at
// once; one that was accepted waits for a person, as does every update. The one writer decides a race of accepting and recalling: the
// first wins, and the signed statuses tell the other side which. Destroying goes in numbered steps, each durable before the next:
// 1 marked, 2 rows erased and files listed, 3 files unlinked (statuses/destroyer.ts), 4 answered 15. A trace of everything stays.
import { changeCodes } from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Header } from '../../protocol/wire.ts';
import { noteAudit } from '../store/fact-ops.ts';
import type { TakenDelivery } from '../store/types.ts';
import { forgetText } from './forget.ts';
import { queueStatus, type ReceivedKey, receivedRow, type StatusMade } from './status-ops.ts';

export type RequestKind = 'recall' | 'update';
export type RequestState = 'waiting' | 'open' | 'destroying' | 'agreed' | 'refused' | 'superseded';

type NewRequest = {
  readonly seq: number;
  readonly item: TakenDelivery;
  readonly kind: RequestKind;
  readonly target: Uint8Array;
  readonly header: Header;
  readonly nowMs: number;
};

/** One row per unit of ours that the request names. */
export function takeRequest(db: Database, r: NewRequest): void {
  const { item, target, kind, nowMs } = r;
  const owner = db.get<{ sender: string }>(
    'SELECT sender FROM received WHERE document_id = ? AND sender IN (SELECT value FROM json_each(?)) LIMIT 1',
    target,
    JSON.stringify(item.standsFor),
  );
  const sender = owner?.sender ?? item.sender;
  for (const unit of new Set(item.recipients.map((recipient) => recipient.unit))) {
    const key = { sender, documentId: target, unit };
    const state = kind === 'recall' ? recallState(db, key, nowMs) : updateState(db, key, r);
    db.run(
      `INSERT INTO requests (inbox_seq, unit, kind, sender, document_id, counter, state, asked_ms, decided_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      r.seq,
      unit,
      kind,
      sender,
      target,
      counterOf(r),
      state,
      nowMs,
      state === 'superseded' ? nowMs : null,
    );
  }
}

/** Without a counter (another system's recall) the time of sealing stands for it. */
const counterOf = ({ header }: NewRequest): number => header.status?.counter || header.createdMs;

function recallState(db: Database, key: ReceivedKey, nowMs: number): RequestState {
  const row = receivedRow(db, key);
  if (!row) return 'waiting';
  // Asked once more: the answer is given once more.
  if (row.recall !== '') return 'destroying';
  if (row.code !== '01' && row.code !== '02') return 'open';
  markDestroying(db, key, nowMs);
  return 'destroying';
}

function markDestroying(db: Database, { sender, documentId, unit }: ReceivedKey, nowMs: number): void {
  db.run(
    `UPDATE received SET recall = 'destroying', at_ms = ? WHERE sender = ? AND document_id = ? AND unit = ? AND recall = ''`,
    nowMs,
    sender,
    documentId,
    unit,
  );
  // What nobody can see any more need not be decided.
  db.run(
    `UPDATE requests SET state = 'superseded', decided_ms = ? WHERE document_id = ? AND unit = ? AND kind = 'update' AND state IN ('open','waiting')`,
    nowMs,
    documentId,
    unit,
  );
}

/** Of several updates the sender's newest counts, whatever came first. */
function updateState(db: Database, key: ReceivedKey, r: NewRequest): RequestState {
  const row = receivedRow(db, key);
  if (!row) return 'waiting';
  if (row.recall !== '' || row.code === '02') return 'superseded';
  const counter = counterOf(r);
  const newer = db.get(
    `SELECT 1 FROM requests WHERE document_id = ? AND unit = ? AND kind = 'update' AND counter > ?`,
    key.documentId,
    key.unit,
    counter,
  );
  if (newer) return 'superseded';
  db.run(
    `UPDATE requests SET state = 'superseded', decided_ms = ? WHERE document_id = ? AND unit = ? AND kind = 'update' AND state = 'open'`,
    r.nowMs,
    key.documentId,
    key.unit,
  );
  return 'open';
}

type RequestRow = ReceivedKey & { readonly kind: RequestKind; readonly state: RequestState };
function requestRow(db: Database, inboxSeq: number, unit: string): RequestRow | undefined {
  return db.get<RequestRow>(
    'SELECT kind, state, sender, document_id AS documentId, unit FROM requests WHERE inbox_seq = ? AND unit = ?',
    inboxSeq,
    unit,
  );
}

export type Decision = {
  /** Inbox row of the request. */
  readonly inboxSeq: number;
  readonly unit: string;
  readonly agree: boolean;
  readonly text: string;
  readonly person: string;
  readonly actor: string;
  /** The clerk has read that the law gives no ground to refuse a recall. */
  readonly despiteWarning: boolean;
  readonly nowMs: number;
};

function answer(
  db: Database,
  row: RequestRow,
  d: Pick<Decision, 'inboxSeq' | 'text' | 'person' | 'actor' | 'nowMs'> & { readonly code: string },
): StatusMade {
  const request = db.get<{ envelopeId: Uint8Array; documentId: Uint8Array }>(
    'SELECT envelope_id AS envelopeId, document_id AS documentId FROM inbox WHERE seq = ?',
    d.inboxSeq,
  )!;
  const { code, text, person, actor, nowMs } = d;
  return queueStatus(db, { ...row, code, text, person, actor, nowMs, after: receivedRow(db, row)!, request });
}

/**
 * Lists show what holds now; what was sealed first stays beside it, as evidence. The titles stay under the update's key and are destroyed with it, in
 * cells of their own: those of the update hold its whole metadata.
 */
function showTitlesOf(db: Database, update: number, { sender, documentId }: ReceivedKey): void {
  const select = 'SELECT subject, notation, number FROM inbox WHERE seq = ?';
  const [key] = db.sealedWith(select, update);
  const shown = db.get<Record<'subject' | 'notation' | 'number', string | null>>(select, update)!;
  db.run(
    'UPDATE inbox SET updated_by = ?, subject = ?, notation = ?, number = ? WHERE sender = ? AND document_id = ? AND destroyed_ms IS NULL',
    update,
    ...db.cells.begin(key).together(shown.subject, shown.notation, shown.number),
    sender,
    documentId,
  );
}

export function requestOps(db: Database) {
  return {
    /** Codes: `request-unknown`, `request-decided`, `recall-refusal-warning`. */
    decideRequest(d: Decision): { readonly state: RequestState } {
      const row = requestRow(db, d.inboxSeq, d.unit);
      if (!row || row.state === 'waiting') throw new ExchangeError('request-unknown');
      if (row.state !== 'open') throw new ExchangeError('request-decided', row.state);
      if (row.kind === 'recall' && !d.agree && !d.despiteWarning)
        throw new ExchangeError('recall-refusal-warning');
      const state: RequestState = !d.agree ? 'refused' : row.kind === 'recall' ? 'destroying' : 'agreed';
      const { changes } = db.run(
        `UPDATE requests SET state = ?, decided_ms = ?, actor = ? WHERE inbox_seq = ? AND unit = ? AND state = 'open'`,
        state,
        d.nowMs,
        d.actor,
        d.inboxSeq,
        d.unit,
      );
      if (changes !== 1) throw new ExchangeError('request-decided');
      if (state === 'destroying') markDestroying(db, row, d.nowMs);
      else answer(db, row, { ...d, code: state === 'agreed' ? changeCodes.agreed : changeCodes.refused });
      if (state === 'agreed') showTitlesOf(db, d.inboxSeq, row);
      noteAudit(db, {
        atMs: d.nowMs,
        actor: d.actor,
        act: `${row.kind}-${d.agree ? 'agreed' : 'refused'}`,
        about: uuidFromBytes(row.documentId),
      });
      return { state };
    },

    /** Step 2. Idempotent: a crash before or after it comes here again. */
    eraseRecalled({ inboxSeq, unit, nowMs }: { inboxSeq: number; unit: string; nowMs: number }): void {
      const row = requestRow(db, inboxSeq, unit);
      if (row?.state === 'destroying') eraseArrivals(db, row, nowMs);
    },

    /** After step 3: these files are gone. */
    unlinked({ digests }: { digests: readonly Uint8Array[] }): void {
      for (const sha256 of digests) db.run('DELETE FROM unlinks WHERE sha256 = ?', sha256);
    },

    /** Step 4: the signed word that it is destroyed. Once per request, by compare-and-swap. */
    answerRecalled({ inboxSeq, unit, nowMs }: { inboxSeq: number; unit: string; nowMs: number }): void {
      const row = requestRow(db, inboxSeq, unit);
      if (!row) return;
      const { changes } = db.run(
        `UPDATE requests SET state = 'agreed', decided_ms = ? WHERE inbox_seq = ? AND unit = ? AND state = 'destroying'`,
        nowMs,
        inboxSeq,
        unit,
      );
      if (changes !== 1) return;
      db.run(
        `UPDATE received SET recall = 'destroyed' WHERE sender = ? AND document_id = ? AND unit = ? AND recall <> 'destroyed'`,
        row.sender,
        row.documentId,
        unit,
      );
      answer(db, row, { inboxSeq, code: changeCodes.agreed, text: '', person: '', actor: '', nowMs });
      noteAudit(db, { atMs: nowMs, actor: '', act: 'destroyed', about: uuidFromBytes(row.documentId) });
    },
  };
}

/**
 * Content and metadata of a document, and of the updates of it, when no unit of this node holds it any more: rows now, files by the
 * list. What is left is the sealed header, the receipts and the requests: the trace.
 */
export function eraseArrivals(db: Database, { sender, documentId }: ReceivedKey, nowMs: number): void {
  const held = db.get(
    `SELECT 1 FROM received WHERE sender = ? AND document_id = ? AND recall = ''`,
    sender,
    documentId,
  );
  if (held) return;
  // What is freed is overwritten, for these deletions only: it costs writes.
  db.exec('PRAGMA secure_delete = ON');
  try {
    const arrivals = db.all<{ seq: number }>(
      'SELECT seq FROM inbox WHERE sender = ? AND document_id = ? AND destroyed_ms IS NULL',
      sender,
      documentId,
    );
    const updates = db.all<{ seq: number }>(
      `SELECT DISTINCT i.seq FROM requests q JOIN inbox i ON i.seq = q.inbox_seq
       WHERE q.document_id = ? AND q.sender = ? AND q.kind = 'update' AND i.destroyed_ms IS NULL`,
      documentId,
      sender,
    );
    const erased = [...arrivals, ...updates].map(({ seq }) => seq);
    for (const seq of erased) {
      const files = db.all<{ sha256: Uint8Array }>(
        'SELECT sha256 FROM in_parts WHERE inbox_seq = ? AND content IS NULL',
        seq,
      );
      db.run('DELETE FROM in_parts WHERE inbox_seq = ?', seq);
      db.run(
        'UPDATE inbox SET salt = NULL, metadata = NULL, subject = NULL, notation = NULL, number = NULL, destroyed_ms = ? WHERE seq = ?',
        nowMs,
        seq,
      );
      for (const { sha256 } of files)
        if (!refersTo(db, sha256))
          db.run('INSERT OR IGNORE INTO unlinks (sha256, at_ms) VALUES (?, ?)', sha256, nowMs);
    }
    forgetText(db, documentId, erased);
  } finally {
    db.exec('PRAGMA secure_delete = FAST');
  }
}

/** Some row, or a handle of late, needs the file. */
export const refersTo = (db: Database, sha256: Uint8Array): boolean =>
  db.get(
    `SELECT 1 FROM out_parts WHERE sha256 = ?1 AND content IS NULL UNION ALL
     SELECT 1 FROM in_parts WHERE sha256 = ?1 AND content IS NULL UNION ALL SELECT 1 FROM staged WHERE sha256 = ?1 LIMIT 1`,
    sha256,
  ) !== undefined;
