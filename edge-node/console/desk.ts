// The console's own verbs beside those of EdgeCore: drafts, uploads, who has opened what, counts for the first screen. Over the shared context; the
// server in front judges rights, nothing here knows of HTTP.
import { uuidToBytes } from '../../protocol/ids.ts';
import { dayOf, slotStates, windows, windowText } from '../accounts/presence.ts';
import type { EdgeContext } from '../context.ts';
import type { EdgeCore } from '../core.ts';
import { createDrafts } from './drafts.ts';
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
  core: Pick<EdgeCore, 'submit' | 'addContent'>,
): Promise<Desk> {
  const { store, clock, directory } = context;
  const drafts = createDrafts({ ...context, submit: core.submit });
  const uploads = await openUploads({ dir, clock, addContent: core.addContent });
  const todayMs = () => Math.floor((clock.nowMs() + vietnamMs) / dayMs) * dayMs - vietnamMs;

  return {
    drafts,
    uploads,
    overview({ unit, person }) {
      const { n: unread, urgent: unreadUrgent, oldest } = store.unread(unit);
      const states = new Map(store.sendingStates(unit).map(({ state, n }) => [state, n]));
      const count = (...names: string[]) => names.reduce((sum, name) => sum + (states.get(name) ?? 0), 0);
      const day = dayOf(clock.nowMs());
      const seen = store
        .checkInsOf(unit, day, day)
        .filter(({ email }) => email === person.email)
        .map(({ slot }) => slot);
      const slots = slotStates(seen, clock.nowMs());
      return {
        unread,
        unreadUrgent,
        oldestUnreadMs: oldest ?? undefined,
        unsent: count('queued'),
        failed: count('refused', 'undeliverable', 'expired'),
        drafts: store.draftCount(unit),
        today: store.countsSince(unit, todayMs()),
        alarms: store.alarms().length,
        slots: windows.map((_, slot) => ({ window: windowText(slot), state: slots[slot]! })),
      };
    },
    async noteReading(envelopeId, { person }) {
      await store.write('readingNote', {
        envelopeId: uuidToBytes(envelopeId),
        person: person.id,
        nowMs: clock.nowMs(),
      });
    },
    nameOf: (unit) => directory.current().unit(unit)?.name ?? '',
    isRead: (envelopeId) => store.isRead(uuidToBytes(envelopeId)),
    numberUsed(unit, number, notation) {
      const year = new Date(clock.nowMs() + vietnamMs).getUTCFullYear();
      return store.numberUsed(unit, number, notation, Date.UTC(year, 0, 1) - vietnamMs);
    },
    flashUnread: (ageMs) =>
      store
        .flashUnread(clock.nowMs() - ageMs)
        .map((row) => ({ envelopeId: hexId(row.envelope_id), unit: row.unit, receivedMs: row.received_ms })),
    stop: () => drafts.stop(),
  };
}
