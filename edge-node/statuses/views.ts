// Rows of statuses and requests -> what people and programs see of them: what stands, the lines of the story, what waits for a decision.
// Derived facts only; nothing here changes anything.
import { metadataCodec } from '../../protocol/codec.ts';
import {
  isChangeCode,
  reasonWords,
  reminderWords,
  statusName,
  type Words,
} from '../../protocol/document/statuses.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { kinds } from '../../protocol/seal.ts';
import type { Metadata } from '../../protocol/wire.ts';
import type { EdgeContext } from '../context.ts';
import type { TimelineEvent } from '../core.ts';
import type { ChangeState, ChangeView, RequestView, StatusView } from './core.ts';
import type { AskedOf, StoredRequest, StoredStatus } from './reads.ts';
import type { StoredReminder } from './reminders.ts';
import type { RequestKind } from './request-ops.ts';
import { changeWords, statusWords } from './words.ts';

type Answered = (request: Uint8Array | null) => RequestKind | undefined;

function statusView(s: StoredStatus, answered: Answered): StatusView {
  const said = {
    statusId: uuidFromBytes(s.status_document),
    code: s.code,
    // A receiver's clock that runs ahead does not put its word into the future.
    atMs: Math.min(s.at_ms, s.accepted_ms),
    reason: s.reason,
    registeredNumber: s.registered_number ?? '',
    person: s.person ?? '',
    text: s.text ?? '',
  };
  return {
    ...said,
    words: statusWords(said, answered(s.request)),
    reasonWords: s.reason > 0 ? reasonWords(s.reason) : undefined,
  };
}

const kindName = (kind: number): RequestKind => (kind === kinds.recall ? 'recall' : 'update');

export type StatusStory = {
  /** What stands on the business axis; undefined: nothing beyond the delivery receipt. */
  readonly status: (unit: string) => StatusView | undefined;
  readonly change: (
    unit: string,
    transport: { readonly state: string; readonly code: string | null },
  ) => ChangeView | undefined;
  readonly timeline: (unit: string) => readonly TimelineEvent[];
  /** When the sender reminded last. */
  readonly remindedMs: (unit: string) => number | undefined;
};

/** A document, and who sealed it. */
type Sealed = { readonly documentId: Uint8Array; readonly sender: string };

/** Of a document that this node sent. */
export function storyOfSent({ documentId, sender }: Sealed, context: EdgeContext): StatusStory {
  const statuses = context.store.statusesOf('in', documentId);
  const asked = context.store.askedAbout(documentId);
  const reminders = context.store.remindersOf('out', { documentId, sender });
  return story(
    { statuses, asked, reminders, words: { vi: 'Đã nhắc nơi nhận', en: 'Reminded the recipient' } },
    context,
  );
}

/** Of a document that arrived: what our units said. */
export function storyOfArrival({ documentId, sender }: Sealed, context: EdgeContext): StatusStory {
  const statuses = context.store.statusesOf('out', documentId);
  const reminders = context.store.remindersOf('in', { documentId, sender });
  return story({ statuses, asked: [], reminders, words: reminderWords }, context);
}

type Told = {
  readonly statuses: readonly StoredStatus[];
  readonly asked: readonly AskedOf[];
  readonly reminders: readonly StoredReminder[];
  /** Of a reminder, from the side that looks. */
  readonly words: Words;
};

function story({ statuses, asked, reminders, words: reminded }: Told, context: EdgeContext): StatusStory {
  const hex = (id: Uint8Array) => Buffer.from(id).toString('hex');
  const kindOf = new Map(asked.map(({ document_id, kind }) => [hex(document_id), kindName(kind)]));
  const answered: Answered = (request) => (request ? (kindOf.get(hex(request)) ?? undefined) : undefined);
  const directory = context.directory.current();
  const nameOf = (unit: string) => directory.unit(unit)?.name ?? '';
  return {
    status(unit) {
      const said = statuses.filter((each) => each.unit === unit && !isChangeCode(each.code));
      const last = said.at(-1);
      if (!last) return undefined;
      const view = statusView(last, answered);
      // The number in the receiver's book stands when a later word (04 to 06) does not repeat it; who gave it back has none.
      const number = last.code === '02' ? undefined : said.findLast((each) => each.registered_number);
      return { ...view, registeredNumber: view.registeredNumber || (number?.registered_number ?? '') };
    },
    change: (unit, transport) => changeOf(unit, transport, { statuses, asked }),
    timeline(unit) {
      const said = statuses
        .filter((each) => each.unit === unit)
        .map((each): TimelineEvent => {
          const status = statusView(each, answered);
          const { atMs, words } = status;
          return {
            atMs,
            event: 'Status',
            outcome: '',
            by: each.by_unit,
            byName: nameOf(each.by_unit),
            code: '',
            words,
            status,
          };
        });
      const ours = asked
        .filter((each) => each.unit === unit)
        .map(
          ({ kind, created_ms: atMs }): TimelineEvent => ({
            atMs,
            event: kind === kinds.recall ? 'RecallAsked' : 'UpdateAsked',
            outcome: '',
            by: '',
            byName: '',
            code: '',
            words:
              kind === kinds.recall
                ? { vi: 'Yêu cầu thu hồi', en: 'Recall asked' }
                : { vi: 'Gửi cập nhật', en: 'Update sent' },
          }),
        );
      const again = reminders
        .filter((each) => each.unit === unit)
        .map(
          ({ at_ms: atMs }): TimelineEvent => ({
            atMs,
            event: 'Reminder',
            outcome: '',
            by: '',
            byName: '',
            code: '',
            words: reminded,
          }),
        );
      return [...said, ...ours, ...again];
    },
    remindedMs: (unit) => reminders.findLast((each) => each.unit === unit)?.at_ms,
  };
}

const lost: ReadonlySet<string> = new Set(['refused', 'expired', 'undeliverable']);

function changeOf(
  unit: string,
  transport: { readonly state: string; readonly code: string | null },
  { statuses, asked }: { statuses: readonly StoredStatus[]; asked: readonly AskedOf[] },
): ChangeView | undefined {
  const last = asked.findLast((each) => each.unit === unit);
  const view = (kind: RequestKind, state: ChangeState, askedMs: number, answeredMs?: number): ChangeView => ({
    kind,
    state,
    words: changeWords(kind, state),
    askedMs,
    answeredMs,
  });
  if (!last) return undefined;
  const kind = kindName(last.kind);
  const answer = statuses.findLast(
    ({ unit: by, request }) =>
      by === unit && request !== null && Buffer.compare(request, last.document_id) === 0,
  );
  if (answer) return view(kind, answer.code === '15' ? 'agreed' : 'refused', last.created_ms, answer.at_ms);
  if (kind === 'recall' && transport.code === 'delivery-recalled')
    return view(kind, 'taken-back', last.created_ms);
  if (last.state === 'cancelled') return view(kind, 'not-sent', last.created_ms);
  return view(kind, lost.has(last.state) ? 'undelivered' : 'asked', last.created_ms);
}

/** What an update leaves of a document's metadata: its own fields, the file names of the document. */
export function metadataAfter(block: Uint8Array, original: Metadata | undefined): Metadata {
  return {
    ...metadataCodec.decode(block),
    parts: original?.parts ?? [],
    clientReference: original?.clientReference ?? '',
  };
}

export function requestView(row: StoredRequest, context: EdgeContext): RequestView {
  const { store } = context;
  const directory = context.directory.current();
  const arrival = store.arrivalById(row.document_id);
  const sealed = arrival?.metadata ? metadataCodec.decode(arrival.metadata) : undefined;
  const updated = arrival?.updated_by ? store.metadataOfRow(arrival.updated_by) : null;
  const current = updated ? metadataAfter(updated, sealed) : sealed;
  const metadata = row.metadata ? metadataCodec.decode(row.metadata) : undefined;
  return {
    requestId: uuidFromBytes(row.envelope_id),
    kind: row.kind,
    state: row.state,
    unit: row.unit,
    unitCode: directory.codeOf(row.unit),
    sender: row.sender,
    senderCode: directory.codeOf(row.sender),
    documentId: uuidFromBytes(row.document_id),
    askedMs: row.asked_ms,
    decidedMs: row.decided_ms ?? undefined,
    reason: metadata?.reason ?? '',
    before: current,
    after: row.kind === 'update' && row.metadata ? metadataAfter(row.metadata, sealed) : undefined,
  };
}

/** Of an arrival, per unit of ours: the code that stands when nothing more was said is 01. */
export function standingOf(code: string, atMs: number): StatusView {
  return {
    statusId: '',
    code,
    words: statusName(code),
    atMs,
    reason: 0,
    reasonWords: undefined,
    registeredNumber: '',
    person: '',
    text: '',
  };
}
