// The verbs of statuses and changes over the shared context: what a request says is resolved and judged here, the decision is one
// operation of the writer. Nothing here waits for the hub.
import { randomBytes } from 'node:crypto';
import { type Calendar, dayOf } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { metadataOf } from '../../protocol/document/metadata.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseDocumentId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { assertRecipients, buildMetadata } from '../../protocol/seal.ts';
import type { EdgeContext } from '../context.ts';
import { metadataText } from '../outbox/metadata-text.ts';
import { assertTaken, sendingUnit } from '../outbox/submit.ts';
import { recipientsNamed } from '../recipients/named.ts';
import { recipientOf, resolveRecipients } from '../recipients/resolve.ts';
import { assertNoSecret } from '../safety/quick.ts';
import { assertAcceptable, assertReadable } from '../safety/views.ts';
import type { Arrival, OutDocument } from '../store/view-reads.ts';
import type { RequestDecision, StatusCore, UpdateRequest } from './core.ts';
import type { StoredRequest } from './reads.ts';
import { requestView } from './views.ts';

const reasonBytesMax = 4000;
const dayMs = 86_400_000;

export type StatusHooks = {
  /** There is something to send. */
  readonly nudge: () => void;
  /** There is something to destroy. */
  readonly destroy: () => void;
  readonly calendar: { current(): Calendar };
};

export function statusVerbs(context: EdgeContext, hooks: StatusHooks): StatusCore {
  const { store, clock, directory } = context;
  const codeOf = (unit: string) => directory.current().codeOf(unit);
  const optionalId = (id: Uint8Array | null) => (id ? uuidFromBytes(id) : undefined);

  function changed(documentId: Uint8Array, unit: string): void {
    context.emit({ kind: 'document', documentId: uuidFromBytes(documentId), unit });
    hooks.nudge();
  }

  return {
    async setStatus(id, { unit: given, actor = '', ...said }) {
      assertWorking(context);
      const arrival = arrivalOf(id, context);
      // What is held, or badly signed, can still be returned.
      if (said.code === '03') assertAcceptable(arrival, context);
      const units = store.receivedOf(arrival.sender, arrival.document_id).map(({ unit }) => unit);
      const unit = oneOf(units, given, context);
      const made = await store.write('setStatus', {
        ...said,
        sender: arrival.sender,
        documentId: arrival.document_id,
        unit,
        actor,
        nowMs: clock.nowMs(),
      });
      changed(arrival.document_id, unit);
      return {
        documentId: uuidFromBytes(arrival.document_id),
        code: made.code,
        statusId: uuidFromBytes(made.statusDocument),
      };
    },

    async recall(id, { from, reason, actor = '' }) {
      assertWorking(context);
      assertReason(reason);
      const document = documentOf(id, context);
      const outcome = await store.write('recallDocument', {
        documentId: document.document_id,
        units: from?.map((code) => unitNamed(code, context)),
        reason,
        actor,
        nowMs: clock.nowMs(),
      });
      changed(document.document_id, document.unit);
      return {
        documentId: uuidFromBytes(document.document_id),
        cancelled: outcome.cancelled.map(codeOf),
        asked: outcome.asked.map(codeOf),
        recallId: optionalId(outcome.recallId),
      };
    },

    async extend(id, { to, actor = '' }) {
      assertWorking(context);
      const document = documentOf(id, context);
      const { recipients, paper } = resolveRecipients(to, document.unit, context);
      assertRecipients(
        recipients.map(({ groupVersion, ...row }) => ({ ...row, groupDirectoryVersion: groupVersion })),
      );
      const bytes = store.outParts(document.seq).reduce((sum, { length }) => sum + length, 0);
      assertTaken(recipients, { bytes, kind: document.kind }, context);
      const names = directory.current();
      const { added, already } = await store.write('extendDocument', {
        documentId: document.document_id,
        recipients: recipients.map((row) => ({ ...row, name: names.unit(row.unit)?.name ?? '' })),
        actor,
        nowMs: clock.nowMs(),
      });
      if (added.length > 0) changed(document.document_id, document.unit);
      return {
        documentId: uuidFromBytes(document.document_id),
        added: added.map(codeOf),
        already: already.map(codeOf),
        paper,
      };
    },

    async remind(id, { to, actor = '' }) {
      assertWorking(context);
      const document = documentOf(id, context);
      const named = recipientsNamed(document.document_id, to, context) ?? [];
      const units = [...new Set(named.map(({ unit }) => unit))];
      // Its system has no message for it, and the border would have to invent one.
      const behind = units.find((unit) => (directory.current().unit(unit)?.border ?? '') !== '');
      if (behind !== undefined)
        throw new ExchangeError(
          'document-state-refused',
          `${codeOf(behind)} is served by another system: call`,
        );
      const nowMs = clock.nowMs();
      await store.write('remindRecipients', {
        documentId: document.document_id,
        units: units.map((unit) => ({ unit, code: codeOf(unit) })),
        day: workingDayOf(hooks.calendar.current(), nowMs),
        actor,
        nowMs,
      });
      changed(document.document_id, document.unit);
      return { documentId: uuidFromBytes(document.document_id), reminded: units.map(codeOf) };
    },

    async update(id, request) {
      assertWorking(context);
      assertReason(request.reason);
      const document = documentOf(id, context);
      // A correction carries the whole block: of what was reported as a secret nothing goes out again.
      assertReadable({ direction: 'out', row: document }, context);
      const nowMs = clock.nowMs();
      const newest = store.newestUpdate(document.document_id);
      const outcome = await store.write('updateDocument', {
        documentId: document.document_id,
        basedOn: newest?.seq ?? 0,
        metadata: changedMetadata(document, newest?.metadata ?? document.metadata, request),
        added: (request.add ?? []).map((address) => recipientOf(address, nowMs, context)),
        removed: (request.remove ?? []).map((code) => unitNamed(code, context)),
        reason: request.reason,
        actor: request.actor ?? '',
        nowMs,
      });
      changed(document.document_id, document.unit);
      return {
        documentId: uuidFromBytes(document.document_id),
        updateId: optionalId(outcome.updateId),
        recallId: optionalId(outcome.recallId),
      };
    },

    async requests({ all = false, limit = 100 } = {}) {
      const rows = store.requests({
        state: all ? undefined : 'open',
        limit: Math.min(500, Math.max(1, limit)),
      });
      return { rows: rows.map((row) => requestView(row, context)) };
    },

    async decide(requestId, decision: RequestDecision) {
      assertWorking(context);
      const id = uuidToBytes(parseDocumentId(requestId));
      const row = requestNamed(store.requestById(id), decision.unit, context);
      await store.write('decideRequest', {
        inboxSeq: row.inbox_seq,
        unit: row.unit,
        agree: decision.agree,
        text: decision.text ?? '',
        person: decision.person ?? '',
        despiteWarning: decision.despiteWarning ?? false,
        actor: decision.actor ?? '',
        nowMs: clock.nowMs(),
      });
      hooks.destroy();
      changed(row.document_id, row.unit);
      return requestView(requestNamed(store.requestById(id), row.unit, context), context);
    },
  };
}

/** The working day that a moment counts for: a day off belongs to the one before it. */
function workingDayOf(calendar: Calendar, nowMs: number): string {
  let ms = nowMs;
  while (!calendar.isWorkingDay(dayOf(ms))) ms -= dayMs;
  return dayOf(ms);
}

/** As for a new document: what the hub still has to tell us might say otherwise. */
export function assertWorking({ line, disk }: EdgeContext): void {
  if (line.recovering()) throw new ExchangeError('store-recovering', '', { retryAfterMs: 5_000 });
  disk.assertRoom();
}

function assertReason(reason: string): void {
  if (reason.trim() === '')
    throw new ExchangeError('request-malformed', '/reason: missing', {
      violations: [{ field: '/reason', vi: 'Lý do còn thiếu. Ghi lý do, nơi nhận sẽ đọc.', en: 'missing' }],
    });
  if (Buffer.byteLength(reason) > reasonBytesMax)
    throw new ExchangeError('request-malformed', `/reason: more than ${reasonBytesMax} bytes in UTF-8`);
}

function documentOf(id: string, { store }: EdgeContext): OutDocument {
  const row = store.documentById(uuidToBytes(parseDocumentId(id)));
  if (!row) throw new ExchangeError('document-unknown');
  return row;
}

export function arrivalOf(id: string, { store }: EdgeContext): Arrival {
  const row = store.arrivalById(uuidToBytes(parseDocumentId(id)));
  if (!row) throw new ExchangeError('document-unknown');
  return row;
}

/** A unit of the directory by code, or by internal id. */
function unitNamed(code: string, { directory, clock }: EdgeContext): string {
  const found = directory.current().byCode(code, clock.nowMs()) ?? directory.current().unit(code);
  if (!found) throw new ExchangeError('unit-unknown', code.slice(0, 64));
  return found.unit;
}

/** The unit of ours that acts: the one named, or the only one that has it. */
export function oneOf(units: readonly string[], given: string | undefined, context: EdgeContext): string {
  if (units.length === 0) throw new ExchangeError('document-unknown');
  if (given === undefined) {
    if (units.length === 1) return units[0]!;
    throw new ExchangeError('request-malformed', '/unit: several units of this node received it, name one');
  }
  const unit = sendingUnit(given, context);
  if (!units.includes(unit)) throw new ExchangeError('document-unknown');
  return unit;
}

function requestNamed(
  rows: readonly StoredRequest[],
  unit: string | undefined,
  context: EdgeContext,
): StoredRequest {
  const mine = unit === undefined ? rows : rows.filter((row) => row.unit === sendingUnit(unit, context));
  if (mine.length === 0) throw new ExchangeError('request-unknown');
  if (mine.length > 1)
    throw new ExchangeError('request-malformed', '/unit: several units of this node were asked, name one');
  return mine[0]!;
}

/** The whole block as it shall be, sealed anew; null when nothing was said to change. */
function changedMetadata(document: OutDocument, base: Uint8Array | null, request: UpdateRequest) {
  const { fields, reason, keepText = false } = request;
  if (!fields || Object.keys(fields).length === 0) return null;
  if (!base) throw new ExchangeError('content-gone', 'the metadata of this document are erased');
  const before = metadataCodec.decode(base);
  const said = metadataText(metadataOf(fields), [], keepText);
  const after = { ...before, ...said, reason, parts: [], clientReference: '' };
  assertNoSecret(after);
  const { salt, block } = buildMetadata(after, randomBytes(32));
  const { subject, notation, number } = { ...document, ...after };
  return { salt, block, subject, notation, number };
}
