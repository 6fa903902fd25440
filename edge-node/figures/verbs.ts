// The verbs of figures, backlog, reminders and saved lists over the shared context. Who may call them is judged in front (console/guard.ts).
import { createCalendar, dayOf, momentOf } from '../../protocol/calendar/working-days.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { personText } from '../accounts/people.ts';
import { officialEmail } from '../accounts/person.ts';
import { presenceOf } from '../accounts/presence-figures.ts';
import type { EdgeContext } from '../context.ts';
import type { EdgeCore } from '../core.ts';
import type { OfficeCore } from '../office/core.ts';
import type { Figures } from './core.ts';
import { monthFigures } from './month.ts';
import { figureFile } from './sheet.ts';

const dayMs = 86_400_000;
const nearWorkingDays = 3;

type Core = Pick<EdgeCore, 'requests' | 'held'> & { readonly office: Pick<OfficeCore, 'calendar' | 'due'> };

export function createFigures(context: EdgeContext, { office, requests, held }: Core): Figures {
  const { store, clock, emit } = context;
  const calendar = () => createCalendar({ years: office.calendar().years });
  const month = (unit: string, wanted: string) =>
    monthFigures({ unit, month: wanted, calendar: calendar() }, context);
  return {
    month,
    file: (unit, wanted, format) => figureFile(month(unit, wanted), { format, nowMs: clock.nowMs() }),
    presence: (unit, from, to) => presenceOf({ unit, from, to, calendar: calendar() }, context),
    backlog(unit) {
      const nowMs = clock.nowMs();
      const days = calendar();
      let near = dayOf(nowMs);
      for (let n = 0; n < nearWorkingDays; n++) near = days.nextWorkingDay(near);
      const nudged = new Map(store.lastNudges(unit, nowMs - 7 * dayMs).map((row) => [row.email, row.at_ms]));
      return store.loads(unit, nowMs, momentOf(near, '24:00')).map((row) => ({
        ...row,
        name: row.person === '' ? row.desk : (store.personByEmail(row.person)?.name ?? row.person),
        nudgedMs: nudged.get(row.person),
      }));
    },
    async nudge({ unit, person }, { email, said }) {
      const taker = store.personByEmail(officialEmail(email));
      if (!taker || taker.state === 'disabled' || !taker.memberships.some((stay) => stay.unit === unit))
        throw new ExchangeError('person-unknown', email);
      await store.write('nudge', {
        unit,
        giver: person.id,
        taker: taker.id,
        said: personText('said', said, 300),
        actor: person.email,
        about: taker.email,
        nowMs: clock.nowMs(),
      });
      emit({ kind: 'nudge', unit, email: taker.email });
    },
    nudges: ({ unit, person }) =>
      store
        .nudgesFor(unit, person.id)
        .map(({ id, name, said, at_ms }) => ({ id, from: name, said, atMs: at_ms })),
    async nudgeSeen({ person }, id) {
      await store.write('nudgeSeen', { id, taker: person.id, nowMs: clock.nowMs() });
    },
    async digest(unit) {
      const loads = this.backlog(unit);
      const sum = (field: 'open' | 'near' | 'late') => loads.reduce((total, load) => total + load[field], 0);
      const sendings = store.unsentCounts(unit);
      const day = dayOf(clock.nowMs());
      const looks = this.presence(unit, day, day);
      const [asked, due, kept] = await Promise.all([
        requests({ limit: 200 }),
        office.due({ unit, limit: 500 }),
        held({ limit: 100 }),
      ]);
      return {
        waiting: store.waiting(unit).n,
        requests: asked.rows.filter((row) => row.unit === unit).length,
        open: sum('open'),
        near: sum('near'),
        late: sum('late'),
        dueLate: due.filter(({ rule, state }) => rule !== 'task' && state === 'late').length,
        unsent: sendings.queued,
        failed: sendings.failed,
        held: kept.length,
        looked: looks.done,
        expected: looks.expected,
      };
    },
    claimDigest: (day) => store.write('digestClaim', { day }),
    views: ({ unit, person }) => store.savedViews(unit, person.id),
    async saveView({ unit, person }, { list, name, query }) {
      const clean = personText('name', name, 60);
      if (clean === '') throw new ExchangeError('request-malformed', 'name: missing');
      await store.write('viewSave', {
        unit,
        person: person.id,
        list,
        name: clean,
        query,
        nowMs: clock.nowMs(),
      });
    },
    async dropView({ person }, id) {
      await store.write('viewDrop', { id, person: person.id });
    },
  };
}
