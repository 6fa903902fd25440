// Ủy quyền: one's own roles for another person, from one day to the end of another; instead of lending a password.

import { useState } from 'preact/hooks';
import type { UnitPerson } from '../../../accounts/person.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { dayText, isoToMs, todayIso } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { words } from '../words.ts';
import { DayField, Field, ProblemNotice, SelectField, Tag, Tick } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.people;
const dayMs = 86_400_000;
type Row = {
  readonly id: number;
  readonly giver: string;
  readonly taker: string;
  readonly roles: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
  readonly endedMs?: number;
};

export function Delegations({ people }: { readonly people: readonly UnitPerson[] }) {
  const { value, again } = useLoad<{ delegations: readonly Row[] }>('/delegations');
  const me = useMe();
  const may = useMay();
  const act = useAct();
  return (
    <section class="card">
      <h2>{w.delegations}</h2>
      <ProblemNotice problem={act.problem} />
      {value?.delegations.length === 0 && <p class="muted">{w.noDelegations}</p>}
      <ul class="files">
        {value?.delegations.map((row) => {
          const over = row.endedMs !== undefined || row.untilMs < nowMs();
          return (
            <li key={row.id}>
              <span class="name">
                {row.giver} → {row.taker}: {row.roles.map((role) => words.roles[role] ?? role).join(', ')}{' '}
                <span class="muted">
                  {dayText(row.fromMs)} – {dayText(row.untilMs - 1)} {row.reason}
                </span>
              </span>
              {!over && <Tag tone="good">{w.states.active}</Tag>}
              {!over && (row.giver === me.email || may('person.manage')) && may('delegation.give') && (
                <button
                  type="button"
                  disabled={act.busy}
                  onClick={() =>
                    act.run(async () => {
                      await post('/delegations/end', { id: row.id });
                      again();
                    })
                  }
                >
                  {w.endDelegation}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {may('delegation.give') && <Give people={people} onDone={again} />}
    </section>
  );
}

function Give({ people, onDone }: { readonly people: readonly UnitPerson[]; readonly onDone: () => void }) {
  const me = useMe();
  const own = me.roles.filter((role) => !me.given.includes(role));
  const others = people.filter(({ email, state }) => email !== me.email && state !== 'disabled');
  const [taker, setTaker] = useState(others[0]?.email ?? '');
  const [roles, setRoles] = useState<readonly string[]>(own.slice(0, 1));
  const [from, setFrom] = useState(todayIso());
  const [until, setUntil] = useState('');
  const [reason, setReason] = useState('');
  const act = useAct();
  if (others.length === 0) return null;
  return (
    <details>
      <summary>{w.delegate}</summary>
      <p class="muted">{w.delegateHow}</p>
      <ProblemNotice problem={act.problem} />
      <SelectField
        label={w.taker}
        value={taker}
        onValue={setTaker}
        options={others.map(({ email, name }) => [email, `${name} (${email})`])}
      />
      <fieldset>
        <legend>{w.roles}</legend>
        {own.map((role) => (
          <Tick
            key={role}
            label={words.roles[role] ?? role}
            value={roles.includes(role)}
            onValue={(on) => setRoles(on ? [...roles, role] : roles.filter((each) => each !== role))}
          />
        ))}
      </fieldset>
      <div class="row">
        <DayField label={w.from} value={from} onValue={setFrom} />
        <DayField label={w.until} value={until} onValue={setUntil} />
      </div>
      <Field label={w.reason} value={reason} onValue={setReason} lengthMax={300} />
      <button
        type="button"
        class="main"
        disabled={act.busy || until === '' || roles.length === 0}
        onClick={() =>
          act.run(async () => {
            await post('/delegations', {
              taker,
              roles,
              fromMs: isoToMs(from),
              untilMs: isoToMs(until) + dayMs,
              reason,
            });
            say(w.done);
            onDone();
          })
        }
      >
        {w.delegate}
      </button>
    </details>
  );
}
