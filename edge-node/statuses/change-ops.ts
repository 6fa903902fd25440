// The sender's side of a change, inside the writer thread. Recall: what was never sealed is cancelled here, for the rest a recall envelope
// goes to those who may have the document. Update: new metadata to everybody, the document to added receivers, a recall to removed
// ones, all in one commit. The counter puts a sender's requests in order whatever order they arrive in.
import { hash, randomBytes } from 'node:crypto';
import { changeCodes } from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { newDocumentId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { buildMetadata, kinds, urgencies } from '../../protocol/seal.ts';
import type { Status } from '../../protocol/wire.ts';
import { noteAudit } from '../store/fact-ops.ts';
import { insertDocument, insertEnvelope, insertRecipients } from '../store/outbox-ops.ts';
import type { RecipientRow, Titles } from '../store/types.ts';
import { alreadyAsked, relationOfKind } from './change-rows.ts';
import {
  holders,
  newestUpdate,
  type OwnDocument,
  ownDocument,
  plainRecipient,
  sendToAdded,
  stopCorrections,
  stopUnsealed,
} from './holders.ts';
import { statusLifeMs } from './status-ops.ts';

type Document = OwnDocument;

function nextCounter(db: Database, target: Uint8Array, nowMs: number): number {
  const { last } = db.get<{ last: number | null }>(
    'SELECT max(counter) AS last FROM changes WHERE target = ?',
    target,
  )!;
  return Math.max((last ?? 0) + 1, nowMs);
}

type Change = {
  readonly kind: typeof kinds.recall | typeof kinds.update;
  readonly target: Uint8Array;
  readonly document: Document;
  readonly units: readonly RecipientRow[];
  readonly block: { readonly salt: Uint8Array; readonly block: Uint8Array };
  readonly titles: Titles;
  readonly key: string;
  readonly counter: number;
  readonly nowMs: number;
};

/** Recalls pass like urgent documents (VN-DOMAIN 4.4), and never behind what they recall. */
const laneOf = ({ urgency }: Document): number => Math.max(urgency, urgencies.urgent);

function insertChange(db: Database, c: Change): Uint8Array {
  const documentId = uuidToBytes(newDocumentId(c.nowMs, randomBytes(10)));
  const status: Status = { code: changeCodes.asked, counter: c.counter, atMs: c.nowMs, reason: 0 };
  const documentSeq = insertDocument(db, {
    documentId,
    unit: c.document.unit,
    idempotencyKey: c.key,
    requestDigest: hash('sha256', c.key, 'buffer'),
    kind: c.kind,
    urgency: laneOf(c.document),
    nowMs: c.nowMs,
    deliverByMs: c.nowMs + statusLifeMs,
    replyByMs: 0,
    links: JSON.stringify([{ relation: relationOfKind[c.kind]!, documentId: uuidFromBytes(c.target) }]),
    status: JSON.stringify(status),
    salt: c.block.salt,
    metadata: c.block.block,
    ...c.titles,
    bytes: 0,
    recipients: [],
    parts: [],
  });
  const seq = insertEnvelope(db, {
    documentSeq,
    unit: c.document.unit,
    lane: laneOf(c.document),
    nowMs: c.nowMs,
    follows: null,
    large: 0,
  });
  insertRecipients(db, seq, c.units, c.nowMs);
  return documentId;
}

function insertRecall(
  db: Database,
  r: { target: Uint8Array; document: Document; units: readonly string[]; reason: string; nowMs: number },
): Uint8Array {
  const key = `recall ${uuidFromBytes(r.target)} ${nextCounter(db, r.target, r.nowMs)}`;
  return insertChange(db, {
    ...r,
    kind: kinds.recall,
    units: r.units.map(plainRecipient),
    block: buildMetadata({ reason: r.reason, clientReference: key }, randomBytes(32)),
    titles: { subject: '', notation: '', number: '' },
    key,
    counter: nextCounter(db, r.target, r.nowMs),
  });
}

export type RecallOutcome = {
  /** Units whose copy never left this node. */
  readonly cancelled: readonly string[];
  /** Units that a recall goes to now. */
  readonly asked: readonly string[];
  /** The recall's own document id; null when nothing had to be asked. */
  readonly recallId: Uint8Array | null;
};

export function changeOps(db: Database) {
  return {
    /**
     * `units`: only from these; undefined from everybody. Asked again while an answer is open, it asks nobody twice. Codes:
     * `document-unknown`, `document-state-refused` (nobody can have it, or all were asked).
     */
    recallDocument(r: {
      documentId: Uint8Array;
      units: readonly string[] | undefined;
      reason: string;
      actor: string;
      nowMs: number;
    }): RecallOutcome {
      const document = ownDocument(db, r.documentId);
      const only = r.units && new Set(r.units);
      const cancelled = stopUnsealed(db, {
        documentSeq: document.seq,
        takes: ({ unit }) => only?.has(unit) ?? true,
        nowMs: r.nowMs,
      }).map(({ unit }) => unit);
      stopCorrections(db, { ...document, documentId: r.documentId }, r.nowMs);
      const had = holders(db, document);
      const stranger = r.units?.find((unit) => !had.includes(unit) && !cancelled.includes(unit));
      if (stranger !== undefined)
        throw new ExchangeError('document-state-refused', `${stranger} does not have it`);
      const asked = alreadyAsked(db, r.documentId);
      const units = had.filter((unit) => (only?.has(unit) ?? true) && !asked.has(unit));
      if (units.length === 0 && cancelled.length === 0)
        throw new ExchangeError(
          'document-state-refused',
          had.length === 0 ? 'nobody has it' : 'it was recalled already',
        );
      const recallId =
        units.length === 0
          ? null
          : insertRecall(db, { target: r.documentId, document, units, reason: r.reason, nowMs: r.nowMs });
      noteAudit(db, {
        atMs: r.nowMs,
        actor: r.actor,
        act: recallId ? 'recall' : 'cancel',
        about: uuidFromBytes(r.documentId),
        said: `hỏi ${units.length} nơi, dừng trước khi gửi ${cancelled.length} nơi`,
      });
      return { cancelled, asked: units, recallId };
    },

    /**
     * `metadata` null: only the receivers change. `basedOn` is the newest update that the caller had seen (0 for none): of two people
     * who change at once the second is told. Codes: `document-unknown`, `document-changed`, `document-state-refused`, `content-gone`.
     */
    updateDocument(u: {
      documentId: Uint8Array;
      basedOn: number;
      metadata: ({ readonly salt: Uint8Array; readonly block: Uint8Array } & Titles) | null;
      added: readonly RecipientRow[];
      removed: readonly string[];
      reason: string;
      actor: string;
      nowMs: number;
    }): { readonly updateId: Uint8Array | null; readonly recallId: Uint8Array | null } {
      const document = ownDocument(db, u.documentId);
      if (newestUpdate(db, u.documentId) !== u.basedOn) throw new ExchangeError('document-changed');
      const asked = alreadyAsked(db, u.documentId);
      const had = holders(db, document).filter((unit) => !asked.has(unit));
      const stranger = u.removed.find((unit) => !had.includes(unit));
      if (stranger !== undefined)
        throw new ExchangeError('document-state-refused', `${stranger} does not have it`);
      const twice = u.added.find(({ unit }) => had.includes(unit));
      if (twice) throw new ExchangeError('document-state-refused', `${twice.unit} has it already`);
      const recalled = u.added.find(({ unit }) => asked.has(unit));
      if (recalled)
        throw new ExchangeError(
          'document-state-refused',
          `${recalled.unit} was asked to destroy it: send a new one`,
        );
      if (had.length + u.added.length === 0)
        throw new ExchangeError('document-state-refused', 'nobody has it');
      if (u.added.length > 0)
        sendToAdded(
          db,
          { ...document, documentId: u.documentId },
          { added: u.added, corrected: u.metadata === null, nowMs: u.nowMs },
        );
      const staying = had.filter((unit) => !u.removed.includes(unit));
      const everybody = [...staying.map(plainRecipient), ...u.added.map(({ unit }) => plainRecipient(unit))];
      if (everybody.length > limits.recipientsMax) throw new ExchangeError('recipients-too-many');
      const updateId =
        u.metadata && everybody.length > 0
          ? insertChange(db, {
              kind: kinds.update,
              target: u.documentId,
              document,
              units: everybody,
              block: u.metadata,
              titles: u.metadata,
              key: `update ${uuidFromBytes(u.documentId)} ${nextCounter(db, u.documentId, u.nowMs)}`,
              counter: nextCounter(db, u.documentId, u.nowMs),
              nowMs: u.nowMs,
            })
          : null;
      const recallId =
        u.removed.length > 0
          ? insertRecall(db, {
              target: u.documentId,
              document,
              units: u.removed,
              reason: u.reason,
              nowMs: u.nowMs,
            })
          : null;
      noteAudit(db, {
        atMs: u.nowMs,
        actor: u.actor,
        act: 'update',
        about: uuidFromBytes(u.documentId),
        said: `thêm ${u.added.length} nơi nhận, bớt ${u.removed.length} nơi nhận`,
      });
      return { updateId, recallId };
    },
  };
}
