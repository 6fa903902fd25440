// The verbs of the registers and deadlines over the shared context: what a request says is resolved and judged here, every change is one
// operation of the writer. Nothing here waits for the hub.
import { dayOf, zone } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseDocumentId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import type { EdgeContext } from '../context.ts';
import { sendingUnit } from '../outbox/submit.ts';
import { assertWorking } from '../statuses/verbs.ts';
import type { CalendarFile } from './calendar-file.ts';
import { chosenFile } from './chosen.ts';
import type { BookName, BookView, EnterRequest, EntryView, OfficeCore } from './core.ts';
import { dueOfUnit } from './due.ts';
import {
  type BookKey,
  checkedEntry,
  type EntryFields,
  sentEntry,
  serialNumber,
  serialText,
} from './entries.ts';
import { receiptSlip } from './receipt.ts';
import type { Book, EntryRow } from './register-reads.ts';
import { sheetFile } from './sheets.ts';
import { stampedCopy } from './stamp.ts';
import { workVerbs } from './work-verbs.ts';

export type OfficeHooks = {
  readonly calendar: CalendarFile;
  /** There is something to send. */
  readonly nudge: () => void;
};

const bookView = ({ closed_ms, closed_by, id: _, ...book }: Book): BookView => ({
  ...book,
  closedMs: closed_ms ?? undefined,
  closedBy: closed_by ?? undefined,
});

export function entryView(row: EntryRow): EntryView {
  const {
    day,
    author,
    notation,
    type,
    subject,
    signer,
    places,
    keeper,
    copies,
    receipt,
    note,
    series,
    origin,
  } = row;
  return {
    entry: row.id,
    registered: serialText(row),
    series,
    origin,
    documentId: row.document_id ? uuidFromBytes(row.document_id) : undefined,
    day,
    author,
    notation,
    issueDay: row.issue_day,
    type,
    subject,
    signer,
    places,
    keeper,
    copies,
    forwardedDay: row.forwarded_day,
    receipt,
    note,
    madeMs: row.made_ms,
    madeBy: row.made_by,
    struck: row.struck ?? undefined,
    erased: row.erased === 1,
  };
}

const codePattern = /^[\p{L}\p{N}_.-]{0,40}$/u;

export function officeVerbs(context: EdgeContext, hooks: OfficeHooks): OfficeCore {
  const { store, clock } = context;
  const thisYear = () => Number(dayOf(clock.nowMs()).slice(0, 4));

  function bookKey({ unit, kind, year, code = '' }: BookName): BookKey {
    const named = year ?? thisYear();
    if (named < 2000 || named > thisYear())
      throw new ExchangeError('register-entry-refused', `/year: 2000 to ${thisYear()}`);
    if (!codePattern.test(code))
      throw new ExchangeError('register-entry-refused', '/code: letters, digits, dots and dashes');
    return { unit: sendingUnit(unit, context), kind, year: named, code };
  }
  function bookNamed(name: BookName): Book {
    const key = bookKey(name);
    const book = store.book(key);
    if (!book) throw new ExchangeError('register-unknown', `${key.kind} ${key.year} ${key.code}`.trim());
    return book;
  }
  function entryOf(unit: string, id: number) {
    const row = store.entry(unit, id);
    if (!row) throw new ExchangeError('register-unknown', `entry ${id}`);
    return row;
  }

  return {
    async books(unit) {
      return store.books(sendingUnit(unit, context)).map(bookView);
    },
    async openBook({ actor = '', name = '', ...book }) {
      await store.write('openBook', {
        ...bookKey(book),
        name: name.normalize('NFC').slice(0, 200),
        actor,
        nowMs: clock.nowMs(),
      });
      return bookView(bookNamed(book));
    },
    async closeBook({ actor = '', ...book }) {
      await store.write('closeBook', { ...bookKey(book), actor, nowMs: clock.nowMs() });
      return bookView(bookNamed(book));
    },
    async entries({ limit: asked, after, ...book }) {
      const limit = Math.min(500, Math.max(1, asked ?? 100));
      if (after !== undefined && !/^\d{1,15}$/.test(after))
        throw new ExchangeError('request-malformed', 'after');
      const rows = store.entriesPage(
        bookNamed(book).id,
        after === undefined ? undefined : Number(after),
        limit,
      );
      return { rows: rows.map(entryView), next: rows.length === limit ? String(rows.at(-1)!.id) : undefined };
    },
    async enter(request) {
      assertWorking(context);
      const { actor = '', documentId, number, keepText = false } = request;
      const nowMs = clock.nowMs();
      const key = bookKey(request);
      const sent = documentId === undefined ? undefined : sentDocument(documentId, request, context);
      const fields = checkedEntry(key.kind, { ...sent?.fields, ...request.fields }, { nowMs, keepText });
      const made = await store.write('enter', {
        ...key,
        series: request.series ?? sent?.series ?? '',
        serial: number === undefined ? sent?.serial : serialNumber(number),
        origin: sent ? 'electronic' : 'paper',
        sender: sent ? key.unit : null,
        documentId: sent ? sent.documentId : null,
        fields,
        actor,
        nowMs,
      });
      return { entry: made.entry, registered: made.number, year: made.year };
    },
    async correct(entry, { unit, fields: given, actor = '', keepText = false }) {
      assertWorking(context);
      const ours = sendingUnit(unit, context);
      const row = entryOf(ours, entry);
      const nowMs = clock.nowMs();
      const present = pickFields(entryView(row));
      const fields = checkedEntry(row.kind, { ...present, ...given }, { nowMs, keepText });
      await store.write('correctEntry', { unit: ours, entry, fields, actor, nowMs });
      return { entry, registered: serialText(row), year: row.year };
    },
    async strike(entry, { unit, reason, actor = '' }) {
      const ours = sendingUnit(unit, context);
      const row = entryOf(ours, entry);
      if (reason.trim() === '' || Buffer.byteLength(reason) > 500)
        throw new ExchangeError('register-entry-refused', '/reason: 1 to 500 bytes');
      await store.write('strikeEntry', {
        unit: ours,
        entry,
        reason: reason.normalize('NFC'),
        actor,
        nowMs: clock.nowMs(),
      });
      return { entry, registered: serialText(row), year: row.year };
    },
    async checkRegister(name) {
      const key = bookKey(name);
      const book = store.book(key);
      const year = (n: number) => Date.parse(`${n}-01-01T00:00:00+07:00`);
      const unregistered =
        key.kind === 'out' && key.code === ''
          ? store.unregistered(key.unit, year(key.year), year(key.year + 1))
          : [];
      return {
        gaps: book ? store.gaps(book.id) : [],
        repeated: book ? store.repeated(book.id) : [],
        unregistered: unregistered.map((row) => ({
          documentId: uuidFromBytes(row.document_id),
          notation: [row.number, row.notation].filter(Boolean).join('/'),
        })),
      };
    },
    async sheet({ sheet, format, ...name }) {
      const book = bookNamed({ ...name, kind: sheet === 'followup' ? 'in' : sheet });
      return sheetFile({ book, sheet, format }, context);
    },
    chosen: async (request) => chosenFile(request, context),
    ...workVerbs(context, hooks),
    async due({ unit, all = false, limit = 500 } = {}) {
      const units =
        unit === undefined ? context.identity().units.map((each) => each.unit) : [sendingUnit(unit, context)];
      const calendar = hooks.calendar.current();
      return store
        .reading(() => units.flatMap((each) => dueOfUnit(each, calendar, context)))
        .filter(({ state }) => all || state !== 'open')
        .sort((a, b) => a.dueMs - b.dueMs)
        .slice(0, Math.min(2_000, Math.max(1, limit)));
    },
    calendar: () => ({ zone, years: hooks.calendar.current().data.years }),
    async setCalendar(data, { actor = '' }) {
      const calendar = hooks.calendar.replace(data);
      await store.write('audit', {
        atMs: clock.nowMs(),
        actor,
        act: 'calendar',
        about: Object.keys(calendar.data.years).join(' '),
        said: '',
      });
      return { zone, years: calendar.data.years };
    },
    receipt: (id, { direction }) => receiptSlip(id, direction, context),
    stamped: (id, options) => stampedCopy(id, options, context),
  };
}

const fieldNames = [
  'day',
  'author',
  'notation',
  'issueDay',
  'type',
  'subject',
  'signer',
  'places',
  'keeper',
  'copies',
  'forwardedDay',
  'receipt',
  'note',
] as const satisfies readonly (keyof EntryFields)[];
const pickFields = (view: EntryView): EntryFields =>
  Object.fromEntries(fieldNames.map((name) => [name, view[name]])) as unknown as EntryFields;

/** The line of a document of ours that stands in no book; the number may be given by hand where it cannot be read. */
function sentDocument(id: string, { number, fields }: EnterRequest, context: EdgeContext) {
  const row = context.store.documentById(uuidToBytes(parseDocumentId(id)));
  if (!row?.metadata) throw new ExchangeError('document-unknown');
  const metadata = metadataCodec.decode(row.metadata);
  const places = context.store
    .outRecipientUnits(row.seq)
    .map((unit) => context.directory.current().unit(unit)?.name ?? unit);
  const read = sentEntry(metadata, places, context.clock.nowMs());
  if (!read && number === undefined && fields.notation === undefined)
    throw new ExchangeError(
      'register-entry-refused',
      '/number: it cannot be read from the document, give it',
    );
  return {
    documentId: row.document_id,
    fields: read?.fields ?? {},
    series: read?.series ?? '',
    serial: read?.serial,
  };
}
