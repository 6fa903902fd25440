// The console's own verbs beside those of EdgeCore: drafts, uploads, who has opened what, counts for the first screen. Over the shared context; the
// server in front judges rights, nothing here knows of HTTP.
import { confirmDueBefore } from '../../protocol/calendar/deadlines.ts';
import { createCalendar } from '../../protocol/calendar/working-days.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidToBytes } from '../../protocol/ids.ts';
import type { KeyStore } from '../../protocol/node/at-rest/key-store.ts';
import { dayOf, slotStates, windows, windowText } from '../accounts/presence.ts';
import { firstStayMs } from '../accounts/presence-figures.ts';
import type { EdgeContext } from '../context.ts';
import type { DirectoryEntry, EdgeCore } from '../core.ts';
import { countBelow, levelOf } from '../directory-tree.ts';
import { createFigures } from '../figures/verbs.ts';
import { levelSearch } from '../find.ts';
import { entryOf, findUnits } from '../search.ts';
import { createChecks } from './checks.ts';
import { createDrafts } from './drafts.ts';
import { startFlashWatch } from './flash-watch.ts';
import { createLook } from './look.ts';
import { createOpenings } from './openings.ts';
import { createPages } from './pages.ts';
import { openUploads } from './uploads.ts';
import type { Desk } from './verbs.ts';

const dayMs = 86_400_000;
const vietnamMs = 7 * 3_600_000;
const hexId = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

export async function openDesk(
  dir: string,
  context: EdgeContext,
  core: Pick<
    EdgeCore,
    'submit' | 'show' | 'extend' | 'addContent' | 'requests' | 'office' | 'held' | 'recipients' | 'noteAudit'
  >,
  keys: KeyStore | undefined,
): Promise<Desk> {
  const { store, clock, directory } = context;
  const openings = createOpenings();
  const pages = createPages(clock);
  const look = createLook(context, pages);
  const sent = async (id: string, unit: string) => {
    const view = await core.show(id, { direction: 'out' });
    if (view.sender !== unit) throw new ExchangeError('document-unknown');
    return view;
  };
  const judge = createChecks(context, { look, recipients: core.recipients, sent });
  const drafts = createDrafts({
    ...context,
    submit: core.submit,
    extend: async (id, { unit, ...how }) => {
      await sent(id, unit);
      await core.extend(id, how);
    },
    judge,
  });
  const uploads = await openUploads({
    dir,
    keys,
    clock,
    addContent: core.addContent,
    assertRoom: (bytes) => context.disk.assertRoom(bytes),
  });
  const flash = startFlashWatch(context);
  /** Older ones are no work of today. */
  const returnedSince = () => clock.nowMs() - 7 * 86_400_000;
  const confirmDue = () =>
    confirmDueBefore(createCalendar({ years: core.office.calendar().years }), clock.nowMs());
  const todayMs = () => Math.floor((clock.nowMs() + vietnamMs) / dayMs) * dayMs - vietnamMs;

  return {
    drafts,
    uploads,
    figures: createFigures(context, core),
    pages,
    look: async (part, unit) => (await look(part, unit)).view,
    draftFile(handle, unit) {
      const staged = store.staged(handle);
      if (staged?.unit !== unit) throw new ExchangeError('content-gone', 'no such handle');
      return {
        lengthBytes: staged.length,
        sha256Hex: Buffer.from(staged.sha256).toString('hex'),
        read: async function* () {
          yield* await context.content.read(staged.sha256);
        },
      };
    },
    async overview({ unit, person }) {
      const waiting = store.waiting(unit);
      const [requests, tasks, due, held] = await Promise.all([
        core.requests({ limit: 200 }),
        core.office.tasks({ unit, person: person.email, openOnly: true }),
        core.office.due({ unit, limit: 500 }),
        core.held({ limit: 100 }),
      ]);
      const { n: unread, urgent: unreadUrgent, oldest } = store.unread(unit);
      const sendings = store.unsentCounts(unit);
      const day = dayOf(clock.nowMs());
      const seen = store
        .checkInsOf(unit, day, day)
        .filter(({ email }) => email === person.email)
        .map(({ slot }) => slot);
      const slots = slotStates(seen, clock.nowMs(), firstStayMs(store, person.email, unit));
      return {
        waiting: waiting.n,
        oldestWaitingMs: waiting.oldest ?? undefined,
        requests: requests.rows.filter((row) => row.unit === unit).length,
        reminded: store.remindedCount(unit),
        tasks: tasks.length,
        late: due.filter(({ state }) => state === 'late').length,
        near: due.filter(({ state }) => state !== 'late').length,
        held: held.length,
        unread,
        unreadUrgent,
        oldestUnreadMs: oldest ?? undefined,
        unsent: sendings.queued,
        failed: sendings.failed,
        outbox: sendings.all,
        unanswered: store.unansweredCount(unit, confirmDue()),
        returned: store.returnedCount(unit, returnedSince()),
        drafts: store.draftCount(unit),
        today: store.countsSince(unit, todayMs()),
        alarms: store.alarms().length,
        nudges: store.nudgesFor(unit, person.id).length,
        slots: windows.map((_, slot) => ({ window: windowText(slot), state: slots[slot]! })),
      };
    },
    async noteOpening({ sessionId, person }, { direction, documentId, envelopes }, refresh) {
      const nowMs = clock.nowMs();
      const document = `${direction} ${documentId}`;
      if (!openings.isNew({ session: sessionId, document, refresh, nowMs })) return;
      const arrival = direction === 'in' ? envelopes[0]?.envelopeId : undefined;
      if (arrival)
        await store.write('readingNote', { envelopeId: uuidToBytes(arrival), person: person.id, nowMs });
      await core.noteAudit({ actor: person.email, act: 'view', about: documentId });
    },
    confirmDue,
    returnedSince,
    codeOf: (unit) => directory.current().codeOf(unit),
    directoryLevel(asked) {
      const now = directory.current();
      const here = new Set(context.identity().units.map(({ unit }) => unit));
      const row = (entry: DirectoryEntry, below: number) => ({
        ...entry,
        below,
        heardMs: store.lastFrom(entry.unit),
      });
      if ('text' in asked)
        return {
          way: [],
          entries: findUnits(now, asked.text, { limit: asked.limit, here }).map((entry) =>
            row(entry, countBelow(now, entry.unit)),
          ),
        };
      const { way, units } = levelOf(now, asked.under);
      return {
        way: way.map(({ unit, name }) => ({ unit, code: now.codeOf(unit), name })),
        entries: units.map(({ unit, below }) => row(entryOf(unit, now, here), below)),
      };
    },
    aboveOf(unit) {
      const now = directory.current();
      const above = now.unit(unit)?.parent ?? '';
      return now.unit(above) ? above : '';
    },
    nameOf: (unit) => directory.current().unit(unit)?.name ?? '',
    isRead: (envelopeId) => store.isRead(uuidToBytes(envelopeId)),
    besideArrival({ envelopeId, unit, replyByMs }) {
      const found = store.besideArrival(uuidToBytes(envelopeId), unit);
      return { parts: found?.parts ?? 0, dueMs: found?.due_ms ?? replyByMs };
    },
    sendersOf: (unit) =>
      store
        .sendersOf(unit)
        .map(({ sender }) => ({ unit: sender, name: directory.current().unit(sender)?.name ?? sender }))
        .sort((a, b) => a.name.localeCompare(b.name, 'vi')),
    arrivalTypes() {
      // They are read from the search, which may be a moment behind what arrived.
      levelSearch(context);
      return [...store.arrivalTypes()].sort((a, b) => a.localeCompare(b, 'vi'));
    },
    numberUsed(unit, number, notation) {
      const year = new Date(clock.nowMs() + vietnamMs).getUTCFullYear();
      return store.numberUsed(unit, number, notation, Date.UTC(year, 0, 1) - vietnamMs);
    },
    flashUnread: (ageMs) =>
      store
        .flashUnread(clock.nowMs() - ageMs)
        .map((row) => ({ envelopeId: hexId(row.envelope_id), unit: row.unit, receivedMs: row.received_ms })),
    async stop() {
      await Promise.all([drafts.stop(), flash.stop()]);
    },
  };
}
