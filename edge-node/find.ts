// Search over everything that was sent and received, for people: words of any field, without regard to case and marks. Reads only; the fill of
// what no search finds yet runs beside the work in small batches.
import { metadataCodec } from '../protocol/codec.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import type { EdgeContext } from './context.ts';
import type { FindOptions, FoundDocument, Page } from './core.ts';
import { sendingUnit } from './outbox/submit.ts';
import { isHiddenSent } from './safety/views.ts';
import { placeWords, searchQuery, searchWords } from './search-words.ts';
import type { SearchEntry, Unindexed } from './store/search-ops.ts';
import { hiddenTitle } from './views.ts';

const batch = 200;
export function findDocuments(options: FindOptions, context: EdgeContext): Page<FoundDocument> {
  const { store } = context;
  const limit = Math.min(200, Math.max(1, options.limit ?? 50));
  if (options.after !== undefined && !/^\d{1,16}$/.test(options.after))
    throw new ExchangeError('request-malformed', 'after');
  const hits = store.searchHits(
    {
      query: searchQuery(options.text ?? ''),
      direction: options.direction,
      unit: options.unit === undefined ? undefined : sendingUnit(options.unit, context),
      sinceMs: options.sinceMs ?? 0,
      untilMs: options.untilMs ?? Number.MAX_SAFE_INTEGER,
      sort: options.sort ?? 'newest',
      after: options.after === undefined ? undefined : Number(options.after),
    },
    limit,
  );
  return {
    rows: hits.flatMap(
      ({ direction, seq }) => (direction === 'out' ? sentRow(seq, context) : arrivedRow(seq, context)) ?? [],
    ),
    next: hits.length === limit ? String(hits.at(-1)!.id) : undefined,
  };
}

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

function entryOf(row: Unindexed, context: EdgeContext): SearchEntry {
  const units = row.direction === 'out' ? context.store.outRecipientUnits(row.seq) : [row.sender];
  const words = searchWords(
    metadataCodec.decode(row.metadata),
    placeWords(units, context.directory.current()),
  );
  return { direction: row.direction, seq: row.seq, atMs: row.at_ms, words };
}

/**
 * Gives every document its words that has none. Answers how many. May be stopped and begun again at any time; `stopped` is asked between
 * batches.
 */
export async function fillSearch(
  context: EdgeContext,
  stopped: () => boolean = () => false,
): Promise<number> {
  let filled = 0;
  for (const direction of ['out', 'in'] as const) {
    let afterSeq = 0;
    while (!stopped()) {
      const rows = context.store.unindexed(direction, afterSeq, batch);
      if (rows.length === 0) break;
      await context.store.write('indexAgain', { entries: rows.map((row) => entryOf(row, context)) });
      afterSeq = rows.at(-1)!.seq;
      filled += rows.length;
    }
  }
  return filled;
}

/** Gives arrivals of before the list could be narrowed by kind theirs; as fillSearch. */
export async function fillTypes({ store }: EdgeContext, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const rows = store.untyped(batch);
    if (rows.length === 0) return;
    await store.write('noteTypes', {
      types: rows.map(({ seq, metadata }) => ({ seq, type: metadataCodec.decode(metadata).type })),
    });
  }
}

/** From nothing: after a damaged index, or a change of the folding. Until it ends a search finds only what is filled again. */
export async function rebuildSearch(context: EdgeContext): Promise<number> {
  while ((await context.store.write('clearSearch', { limit: 1_000 })) > 0);
  return fillSearch(context);
}
