// Rows -> what people and programs see of one document: its facts, the story of each recipient, parts as streams. Derived facts only;
// nothing here changes anything. The story comes from signed statements, not from columns.
import { headerCodec, metadataCodec, signedCodec, signedStatementCodec } from '../protocol/codec.ts';
import { type Directory, foreignSender, type KnownUnit, nameAt } from '../protocol/directory.ts';
import { catalogue, ExchangeError, isErrorCode } from '../protocol/errors.ts';
import { parseDocumentId, uuidFromBytes, uuidToBytes } from '../protocol/ids.ts';
import { eventName, outcomeName, parseStatement } from '../protocol/statement.ts';
import type { OutboxState } from '../protocol/states.ts';
import type { EdgeContext } from './context.ts';
import type {
  DocumentState,
  DocumentView,
  EnvelopeView,
  PartStream,
  PartView,
  RecipientView,
  SubmitLink,
  TimelineEvent,
} from './core.ts';
import { metadataOffers } from './outbox/metadata-text.ts';
import { assertReadable, isHiddenSent, safetyOf } from './safety/views.ts';
import type { StatusView } from './statuses/core.ts';
import {
  metadataAfter,
  requestView,
  type StatusStory,
  standingOf,
  storyOfArrival,
  storyOfSent,
} from './statuses/views.ts';
import type { Arrival, OutDocument, OutEnvelope, OutRecipient, StoredPart } from './store/view-reads.ts';
import { sealWithdrawn } from './withdrawn.ts';
import { eventWords } from './words.ts';

/** What still moves comes first, then the worst end that nobody wanted; who was stopped on purpose names a document only when nobody else is left. */
const weight: readonly OutboxState[] = [
  'queued',
  'accepted',
  'relayed',
  'refused',
  'undeliverable',
  'expired',
  'delivered',
  'cancelled',
];

export function documentState(states: readonly OutboxState[]): DocumentState {
  return weight.find((state) => states.includes(state)) ?? 'queued';
}

/** What is marked as a state secret shows nothing of itself. */
export const hiddenTitle = (seq: number, store: EdgeContext['store']): boolean =>
  store.checkState('in', seq)?.secret === 1;

/** Of what a border sealed: the office that it names, as the border's word. */
export function senderCodeOf({ sender, metadata }: Arrival, directory: Directory): string {
  const said =
    metadata && directory.unit(sender)?.border === sender ? metadataCodec.decode(metadata) : undefined;
  return foreignSender(directory, sender, said)?.code ?? directory.codeOf(sender);
}

export type Found =
  | { readonly direction: 'out'; readonly row: OutDocument }
  | { readonly direction: 'in'; readonly row: Arrival };

/** By document or envelope id. Throws `document-unknown`, `id-malformed`. */
export function find(id: string, direction: 'out' | 'in' | undefined, { store }: EdgeContext): Found {
  const bytes = uuidToBytes(parseDocumentId(id));
  const sent = direction === 'in' ? undefined : store.documentById(bytes);
  if (sent) return { direction: 'out', row: sent };
  const arrived = direction === 'out' ? undefined : store.arrivalById(bytes);
  if (arrived) return { direction: 'in', row: arrived };
  throw new ExchangeError('document-unknown');
}

const partView = ({ idx, name, media_type, length, sha256 }: StoredPart): PartView => ({
  index: idx,
  name,
  mediaType: media_type,
  lengthBytes: length,
  sha256Hex: Buffer.from(sha256).toString('hex'),
});

/**
 * A document as it stood at one moment: the writer commits between two SELECTs of another connection, and a state without the statement that
 * caused it would be shown. Throws `document-unknown`, `id-malformed`.
 */
export function showDocument(
  id: string,
  direction: 'out' | 'in' | undefined,
  context: EdgeContext,
): DocumentView {
  return context.store.reading(() => {
    const found = find(id, direction, context);
    return found.direction === 'out' ? showSent(found.row, context) : showArrival(found.row, context);
  });
}

function showSent(row: OutDocument, context: EdgeContext): DocumentView {
  const { store, directory } = context;
  const hidden = isHiddenSent(row.seq, store);
  const envelopes = store.envelopesOf(row.seq);
  const states = store.latestRecipients(row.seq).map(({ state }) => state);
  const story = storyOfSent({ documentId: row.document_id, sender: row.unit }, context);
  const sealed = row.metadata ? metadataCodec.decode(row.metadata) : undefined;
  const updated = store.newestUpdate(row.document_id)?.metadata;
  return {
    direction: 'out',
    documentId: uuidFromBytes(row.document_id),
    sender: row.unit,
    senderCode: directory.current().codeOf(row.unit),
    kind: row.kind,
    urgency: row.urgency,
    createdMs: row.created_ms,
    receivedMs: undefined,
    state: documentState(states),
    metadata: hidden ? undefined : updated ? metadataAfter(updated, sealed) : sealed,
    originalMetadata: updated && !hidden ? sealed : undefined,
    destroyedMs: undefined,
    replacedBy: store.sentReplacements(row.document_id).map(uuidFromBytes),
    duplicates: [],
    textOffers: [],
    requests: [],
    parts: store
      .outParts(row.seq)
      .map((stored) => partView(hidden ? { ...stored, name: `part-${stored.idx + 1}` } : stored)),
    links: JSON.parse(row.links) as SubmitLink[],
    status: row.status === null ? undefined : JSON.parse(row.status),
    envelopes: envelopes.map((envelope) => showEnvelope(envelope, story, context)),
    safety: safetyOf('out', row.seq, context),
  };
}

/** When the next try is, and how far its files are up: of what waits here. The second is in memory alone. */
export const movesOf = (
  e: Pick<OutEnvelope, 'seq' | 'work' | 'last_error' | 'next_ms'>,
  { uploading }: Pick<EdgeContext, 'uploading'>,
): Pick<EnvelopeView, 'nextMs' | 'uploaded'> => ({
  nextMs: e.work !== 'done' && e.last_error !== null && e.next_ms > 0 ? e.next_ms : undefined,
  uploaded: e.work === 'done' ? undefined : uploading.of(e.seq),
});

function showEnvelope(e: OutEnvelope, story: StatusStory, context: EdgeContext): EnvelopeView {
  const { store } = context;
  const told = e.envelope_id ? timelines(e.envelope_id, context) : new Map<number, TimelineEvent[]>();
  return {
    envelopeId: e.envelope_id ? uuidFromBytes(e.envelope_id) : undefined,
    digestHex: e.digest ? Buffer.from(e.digest).toString('hex') : undefined,
    follows: e.follows ? uuidFromBytes(e.follows) : undefined,
    sealedMs: e.sealed_ms ?? undefined,
    attempts: e.attempts,
    lastError: e.last_error ?? undefined,
    lastErrorWords: e.last_error && isErrorCode(e.last_error) ? catalogue[e.last_error].title : undefined,
    ...movesOf(e, context),
    recipients: store
      .recipientsOf(e.seq)
      .map((recipient) =>
        showRecipient(e, recipient, { told: told.get(recipient.idx) ?? [], story }, context),
      ),
  };
}

const nameOf = (unit: KnownUnit | undefined, atMs: number): string => (unit ? nameAt(unit, atMs) : '');

function showRecipient(
  e: OutEnvelope,
  r: OutRecipient,
  { told, story }: { readonly told: readonly TimelineEvent[]; readonly story: StatusStory },
  context: EdgeContext,
): RecipientView {
  const directory = context.directory.current();
  const here = (event: string, atMs: number, code = ''): TimelineEvent => ({
    atMs,
    event,
    outcome: '',
    by: '',
    byName: '',
    code,
    words: eventWords(event, '', code),
  });
  const own = [here('Queued', e.queued_ms)];
  if (e.sealed_ms !== null) own.push(here('Sealed', e.sealed_ms));
  // What this node itself knows and no statement says: a refused submission, or a cancellation here.
  if (told.length === 0 && (r.state === 'cancelled' || r.state === 'refused' || r.state === 'expired'))
    own.push(here(r.state === 'cancelled' ? 'Cancelled' : 'Refused', r.at_ms, r.code ?? ''));
  return {
    index: r.idx,
    unit: r.unit,
    code: directory.codeOf(r.unit),
    // The name that was in force then.
    name: nameOf(directory.unit(r.unit), e.queued_ms),
    desk: r.desk,
    state: r.state,
    status: story.status(r.unit) ?? arrivedStatus(r.state, told),
    change: story.change(r.unit, r),
    remindedMs: story.remindedMs(r.unit),
    settledMs: r.settled_ms ?? undefined,
    timeline: inOrder([...own, ...told, ...story.timeline(r.unit)]),
  };
}

/** 01 is the delivery receipt itself. */
function arrivedStatus(state: OutboxState, told: readonly TimelineEvent[]): StatusView | undefined {
  const receipt = told.find(({ event }) => event === 'ContentHandover');
  return state === 'delivered' && receipt ? standingOf('01', receipt.atMs) : undefined;
}

/** By time; what is said of the same moment stays as it came. */
const inOrder = (events: readonly TimelineEvent[]): readonly TimelineEvent[] =>
  events.toSorted((a, b) => a.atMs - b.atMs);

/** By recipient index, in the order of their own times. */
function timelines(envelopeId: Uint8Array, context: EdgeContext): Map<number, TimelineEvent[]> {
  const directory = context.directory.current();
  const byRecipient = new Map<number, TimelineEvent[]>();
  for (const { bytes } of context.store.statementsOf(envelopeId)) {
    // Verified before it was stored, or made here.
    const { statement: s } = parseStatement(signedStatementCodec.decode(bytes));
    const event = eventName(s.event);
    const byName = directory.unit(s.issuer)?.name ?? directory.hub(s.issuer)?.name ?? '';
    for (const { index, outcome, code, words } of s.results) {
      const name = outcomeName(outcome);
      const line: TimelineEvent = {
        atMs: s.atMs,
        event,
        outcome: name,
        by: s.issuer,
        byName,
        code,
        words: eventWords(event, name, code, words),
      };
      byRecipient.set(index, [...(byRecipient.get(index) ?? []), line]);
    }
  }
  for (const list of byRecipient.values()) list.sort((a, b) => a.atMs - b.atMs);
  return byRecipient;
}

function showArrival(row: Arrival, context: EdgeContext): DocumentView {
  const { store } = context;
  const directory = context.directory.current();
  const header = headerCodec.decode(signedCodec.decode(row.signed).bytes);
  const told = timelines(row.envelope_id, context);
  const id = (bytes: Uint8Array) => (bytes.length === 16 ? uuidFromBytes(bytes) : undefined);
  const story = storyOfArrival({ documentId: row.document_id, sender: row.sender }, context);
  const received = new Map(store.receivedOf(row.sender, row.document_id).map((each) => [each.unit, each]));
  const standing = (unit: string) => {
    const own = received.get(unit);
    return story.status(unit) ?? (own && standingOf(own.code, own.at_ms));
  };
  const sealed = row.metadata ? metadataCodec.decode(row.metadata) : undefined;
  const updated = row.updated_by ? store.metadataOfRow(row.updated_by) : null;
  const units = [...new Set(store.arrivalRecipients(row.seq).map(({ unit }) => unit))];
  const duplicates = units.flatMap((unit) => store.arrivedTwice(row.document_id, row.sender, unit));
  const recipients = store.arrivalRecipients(row.seq).map(
    ({ idx, unit, desk }): RecipientView => ({
      index: idx,
      unit,
      code: directory.codeOf(unit),
      name: nameOf(directory.unit(unit), row.received_ms),
      desk,
      state: 'received',
      status: standing(unit),
      change: undefined,
      remindedMs: story.remindedMs(unit),
      dueMs: received.get(unit)?.due_ms ?? undefined,
      timeline: inOrder([...(told.get(idx) ?? []), ...story.timeline(unit)]),
    }),
  );
  return {
    direction: 'in',
    documentId: uuidFromBytes(row.document_id),
    sender: row.sender,
    senderCode: senderCodeOf(row, directory),
    kind: row.kind,
    urgency: row.urgency,
    createdMs: row.created_ms,
    receivedMs: row.received_ms,
    ...(sealWithdrawn(row, context.signers) ? { sealWithdrawn: true as const } : {}),
    state: 'received',
    metadata: hiddenTitle(row.seq, store) ? undefined : updated ? metadataAfter(updated, sealed) : sealed,
    originalMetadata: updated && !hiddenTitle(row.seq, store) ? sealed : undefined,
    destroyedMs: row.destroyed_ms ?? undefined,
    replacedBy: [
      ...new Set(store.replacementsOf(row.document_id).map(({ by_document }) => uuidFromBytes(by_document))),
    ],
    duplicates: [...new Set(duplicates.map(uuidFromBytes))],
    textOffers: sealed && !hiddenTitle(row.seq, store) ? metadataOffers(sealed, []) : [],
    requests: store
      .requestsOf(row.document_id)
      .filter(({ state }) => state !== 'waiting')
      .map((each) => requestView(each, context)),
    parts: store
      .inParts(row.seq)
      .map((stored) =>
        partView(hiddenTitle(row.seq, store) ? { ...stored, name: `part-${stored.idx + 1}` } : stored),
      ),
    links: header.links.map(({ relation, envelopeId, documentId }) => {
      const [envelope, document] = [id(envelopeId), id(documentId)];
      return {
        relation,
        ...(envelope ? { envelopeId: envelope } : {}),
        ...(document ? { documentId: document } : {}),
      };
    }),
    status: header.status ?? undefined,
    envelopes: [
      {
        envelopeId: uuidFromBytes(row.envelope_id),
        digestHex: Buffer.from(row.digest).toString('hex'),
        follows: undefined,
        sealedMs: header.createdMs,
        attempts: 1,
        lastError: undefined,
        lastErrorWords: undefined,
        nextMs: undefined,
        uploaded: undefined,
        recipients,
      },
    ],
    safety: safetyOf('in', row.seq, context),
  };
}

export async function openPart(
  found: Found,
  index: number,
  range: { readonly from?: number; readonly to?: number },
  context: EdgeContext,
): Promise<PartStream> {
  const { store, content } = context;
  const { direction, row } = found;
  assertReadable(found, context);
  const parts = direction === 'out' ? store.outParts(row.seq) : store.inParts(row.seq);
  const stored = parts.find(({ idx }) => idx === index);
  if (!stored) throw new ExchangeError('not-found', `part ${index}`);
  const from = range.from ?? 0;
  const to = Math.min(range.to ?? stored.length, stored.length);
  if (!Number.isSafeInteger(from) || from < 0 || to < from || from > stored.length)
    throw new ExchangeError('range-refused', `${from}-${to} of ${stored.length}`);
  const part = partView(stored);
  if (!stored.inline) return { part, from, to, body: await content.read(stored.sha256, { from, to }) };
  const bytes =
    (direction === 'out' ? store.outContent(row.seq, index) : store.inContent(row.seq, index)) ?? undefined;
  if (!bytes) throw new ExchangeError('content-gone');
  return { part, from, to, body: once(bytes.subarray(from, to)) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
