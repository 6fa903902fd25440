// Search over everything that was sent and received, for people: words of any field, without regard to case and marks. The words are in memory only
// (store/search-index.ts); filling them at the start runs beside the work in small batches, and an answer says while it is not complete.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { metadataCodec } from '../protocol/codec.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { startWorker, type WorkLoop } from '../protocol/node/worker.ts';
import type { EdgeContext } from './context.ts';
import type { FindOptions, FoundDocument, Page } from './core.ts';
import { sendingUnit } from './outbox/submit.ts';
import { isHiddenSent } from './safety/views.ts';
import { placeWords, searchQuery, searchWords } from './search-words.ts';
import { isDocumentKind } from './statuses/change-rows.ts';
import type { SearchEntry, Unindexed } from './store/search-index.ts';
import type { Store } from './store/store.ts';
import { hiddenTitle } from './views.ts';

/** About ten milliseconds of the loop. */
const batch = 20;

export function findDocuments(options: FindOptions, context: EdgeContext): Page<FoundDocument> {
  const { store } = context;
  const limit = Math.min(200, Math.max(1, options.limit ?? 50));
  if (options.after !== undefined && !/^\d{1,16}$/.test(options.after))
    throw new ExchangeError('request-malformed', 'after');
  levelSearch(context);
  const wanted = {
    query: searchQuery(options.text ?? ''),
    direction: options.direction,
    unit: options.unit === undefined ? undefined : sendingUnit(options.unit, context),
    sinceMs: options.sinceMs ?? 0,
    untilMs: options.untilMs ?? Number.MAX_SAFE_INTEGER,
    sort: options.sort ?? 'newest',
    after: options.after === undefined ? undefined : Number(options.after),
  } as const;
  return store.reading(() => {
    const hits = store.searchHits(wanted, limit);
    return {
      rows: hits.flatMap(
        ({ direction, seq }) =>
          (direction === 'out' ? sentRow(seq, context) : arrivedRow(seq, context)) ?? [],
      ),
      next: hits.length === limit ? String(hits.at(-1)!.id) : undefined,
      ...fillingOf(store),
    };
  });
}

/** For an answer that goes through the search. */
export const fillingOf = (store: Pick<Store, 'searchPending'>): { readonly filling?: true } =>
  store.searchPending() > 0 ? { filling: true } : {};

function sentRow(seq: number, { store, directory }: EdgeContext): FoundDocument | undefined {
  const id = store.documentBySeq(seq);
  const row = id && store.documentById(id);
  if (!row || isHiddenSent(seq, store)) return undefined;
  const units = store.outRecipientUnits(seq);
  return {
    direction: 'out',
    documentId: uuidFromBytes(row.document_id),
    envelopeId: undefined,
    atMs: row.created_ms,
    subject: row.subject ?? '',
    number: row.number ?? '',
    notation: row.notation ?? '',
    urgency: row.urgency,
    units: [row.unit],
    places: units.map((unit) => directory.current().codeOf(unit)),
  };
}

function arrivedRow(seq: number, { store, directory }: EdgeContext): FoundDocument | undefined {
  const id = store.arrivalEnvelope(seq);
  const row = id && store.arrivalById(id);
  // What is held or refused for its content is not shown by its words either.
  if (!row || hiddenTitle(seq, store)) return undefined;
  return {
    direction: 'in',
    documentId: uuidFromBytes(row.document_id),
    envelopeId: uuidFromBytes(row.envelope_id),
    atMs: row.received_ms,
    subject: row.subject ?? '',
    number: row.number ?? '',
    notation: row.notation ?? '',
    urgency: row.urgency,
    units: store.arrivalRecipients(row.seq).map(({ unit }) => unit),
    places: [directory.current().codeOf(row.sender)],
  };
}

/** A document in words, as the search finds it. */
function entryOf(row: Unindexed, { store, directory }: EdgeContext): SearchEntry {
  const units = row.direction === 'out' ? store.outRecipientUnits(row.seq) : [row.sender];
  const metadata = metadataCodec.decode(row.metadata);
  return {
    direction: row.direction,
    seq: row.seq,
    atMs: row.at_ms,
    words: searchWords(metadata, placeWords(units, directory.current())),
    type: (row.shown ? metadataCodec.decode(row.shown) : metadata).type,
    title: [row.subject, row.notation, row.number].map((text) => text ?? '').join('\n'),
  };
}

/** Before a question that words of the metadata decide. */
export const levelSearch = (context: EdgeContext): void =>
  void context.store.searchLevel((row) => entryOf(row, context));

/** One step of the filling; answers how many documents can be found by it. */
async function fillSome(context: EdgeContext): Promise<number> {
  const { store } = context;
  const rows = [
    ...store.searchLevel((row) => entryOf(row, context)),
    ...store.searchFill(batch, (row) => entryOf(row, context)),
  ];
  const nameless = rows.filter(({ numbered, kind }) => numbered === 0 && isDocumentKind(kind));
  if (nameless.length > 0)
    await store.write('noteNumbers', { rows: nameless.map(({ direction, seq }) => ({ direction, seq })) });
  return rows.length;
}

/**
 * Keeps the search level with the store: fills it at the start, newest first and beside the work; then looks once a second for what changed, so that
 * words of what was erased are not kept in memory either.
 */
export function startSearch(context: EdgeContext): WorkLoop {
  return startWorker({
    clock: context.clock,
    random: context.random,
    idleMs: 1_000,
    async step() {
      await fillSome(context);
      if (context.store.searchPending() === 0) return 'idle';
      // Whoever waits for the loop has their turn between two steps.
      await nextTurn();
      return 'more';
    },
    onError: (error) =>
      context.log.warn({
        event: 'search.fill-failed',
        said: error instanceof Error ? error.message : String(error),
      }),
  });
}

/** From nothing, after a change of the folding. Until it ends a search finds only what is filled again. Answers how many are found. */
export async function rebuildSearch(context: EdgeContext): Promise<number> {
  context.store.searchClear();
  let filled = 0;
  while (context.store.searchPending() > 0) {
    filled += await fillSome(context);
    await nextTurn();
  }
  return filled;
}
