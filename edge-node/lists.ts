// Pages of outbox and inbox as people and programs see them: rows of store/list-reads.ts with where each document stands. Newest first, bounded;
// nothing here changes anything.
import { uuidFromBytes } from '../protocol/ids.ts';
import type { OutboxState } from '../protocol/states.ts';
import type { EdgeContext } from './context.ts';
import type { InboxPageOptions, InboxRow, OutboxPageOptions, OutboxRow, Page, PageOptions } from './core.ts';
import { fillingOf, levelSearch } from './find.ts';
import { sendingUnit } from './outbox/submit.ts';
import { isHiddenSent } from './safety/views.ts';
import { searchQuery } from './search-words.ts';
import type { ChangeState } from './statuses/core.ts';
import { storyOfSent } from './statuses/views.ts';
import type { LatestRecipient } from './store/outbox-ops.ts';
import type { Store } from './store/store.ts';
import { documentState, hiddenTitle, movesOf, senderCodeOf } from './views.ts';

const limitOf = (given: number | undefined): number => Math.min(200, Math.max(1, given ?? 50));

/** The rows and what is said of each at one moment of the store (as views.ts, showDocument). */
function pageOf<Row extends { readonly key: number }, View>(
  {
    read,
    limit,
    store,
    ...rest
  }: {
    readonly read: () => readonly Row[];
    readonly limit: number;
    readonly store: Store;
    readonly filling?: true;
  },
  view: (row: Row) => View | undefined,
): Page<View> {
  return store.reading(() => {
    const rows = read();
    return {
      ...rest,
      rows: rows.flatMap((row) => view(row) ?? []),
      next: rows.length === limit ? String(rows.at(-1)!.key) : undefined,
    };
  });
}

/** The caller's unit by its id, and words of a person as a query of the search. */
function askedOf({ unit, words = '' }: PageOptions, context: EdgeContext) {
  levelSearch(context);
  return { ...(unit === undefined ? {} : { unit: sendingUnit(unit, context) }), match: searchQuery(words) };
}

export function outboxPage(options: OutboxPageOptions, context: EdgeContext): Page<OutboxRow> {
  const { store } = context;
  const limit = limitOf(options.limit);
  const asked = askedOf(options, context);
  const filling = asked.match === undefined ? {} : fillingOf(store);
  const read = () => store.outboxPage({ ...options, ...asked }, limit);
  return pageOf({ read, limit, store, ...filling }, (row) => {
    // What shows nothing of itself is not found by its words either.
    if (asked.match !== undefined && isHiddenSent(row.seq, store)) return undefined;
    const newest = store.envelopesOf(row.seq)[0];
    const recipients = store.latestRecipients(row.seq);
    const counts: Partial<Record<OutboxState, number>> = {};
    for (const { state } of recipients) counts[state] = (counts[state] ?? 0) + 1;
    return {
      documentId: uuidFromBytes(row.document_id),
      unit: row.unit,
      idempotencyKey: row.idempotency_key,
      kind: row.kind,
      urgency: row.urgency,
      createdMs: row.created_ms,
      subject: isHiddenSent(row.seq, store) ? '' : (row.subject ?? ''),
      notation: row.notation ?? '',
      number: row.number ?? '',
      state: documentState(recipients.map(({ state }) => state)),
      recipients: counts,
      ...statusCounts({ documentId: row.document_id, sender: row.unit }, recipients, context),
      lastError: newest?.last_error ?? undefined,
      ...(newest ? movesOf(newest, context) : { nextMs: undefined, uploaded: undefined }),
    };
  });
}

/** What was not taken back stands as it stood. */
const recallStands: Partial<Record<ChangeState, string>> = {
  asked: 'recall-asked',
  agreed: 'recalled',
  'taken-back': 'recalled',
};

function statusCounts(
  document: Parameters<typeof storyOfSent>[0],
  recipients: readonly LatestRecipient[],
  context: EdgeContext,
): Pick<OutboxRow, 'statuses' | 'stands'> {
  const story = storyOfSent(document, context);
  const statuses: Record<string, number> = {};
  const stands: Record<string, number> = {};
  for (const to of recipients) {
    const code = story.status(to.unit)?.code ?? (to.state === 'delivered' ? '01' : undefined);
    if (code !== undefined) statuses[code] = (statuses[code] ?? 0) + 1;
    const change = story.change(to.unit, to);
    const back = change?.kind === 'recall' ? recallStands[change.state] : undefined;
    const word = back ?? code ?? to.state;
    stands[word] = (stands[word] ?? 0) + 1;
  }
  return { statuses, stands };
}

export function inboxPage(options: InboxPageOptions, context: EdgeContext): Page<InboxRow> {
  const { store, directory } = context;
  const limit = limitOf(options.limit);
  const asked = { ...askedOf(options, context), nowMs: context.clock.nowMs() };
  const filling = asked.match === undefined && options.type === undefined ? {} : fillingOf(store);
  const read = () => store.inboxPage({ ...options, ...asked }, limit);
  return pageOf({ read, limit, store, ...filling }, (row) => {
    const hidden = hiddenTitle(row.seq, store);
    if (asked.match !== undefined && hidden) return undefined;
    return {
      envelopeId: uuidFromBytes(row.envelope_id),
      documentId: uuidFromBytes(row.document_id),
      sender: row.sender,
      senderCode: senderCodeOf(row, directory.current()),
      units: store.arrivalRecipients(row.seq).map(({ unit: to }) => to),
      kind: row.kind,
      urgency: row.urgency,
      createdMs: row.created_ms,
      acceptedMs: row.accepted_ms,
      receivedMs: row.received_ms,
      replyByMs: row.reply_by_ms,
      safety: store.checkState('in', row.seq)?.state ?? 'passed',
      subject: hidden ? '' : (row.subject ?? ''),
      notation: row.notation ?? '',
      number: row.number ?? '',
      standing: store
        .receivedOf(row.sender, row.document_id)
        .map(({ unit: of, code, recall }) => ({ unit: of, code, recall })),
      replaced: store.replacementsOf(row.document_id).length > 0,
      remindedMs: store.remindersOf('in', { documentId: row.document_id, sender: row.sender }).at(-1)?.at_ms,
      request: store.requestsOf(row.document_id).find(({ state }) => state === 'open')?.kind ?? '',
    };
  });
}
