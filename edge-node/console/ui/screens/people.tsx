// Tài khoản và vai trò: who works at the unit with which roles; for the administrator also adding, changing, codes, locking, leaving and lists.

import { useState } from 'preact/hooks';
import type { UnitPerson } from '../../../accounts/person.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { agoText, timeText } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { SheetActs } from '../widgets/acts.tsx';
import {
  ColumnHeads,
  DayField,
  Dialog,
  Field,
  Loading,
  ProblemNotice,
  Tag,
  Tick,
} from '../widgets/basics.tsx';
import { ChangeList } from '../widgets/change-list.tsx';
import { Delegations } from '../widgets/delegations.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';

const w = words.people;
type Row = UnitPerson & { readonly lastSeenMs?: number };
type Code = { readonly email: string; readonly code: string; readonly expiresMs: number };

export function People() {
  const { value, problem, again } = useLoad<{ people: readonly Row[] }>('/people');
  const may = useMay();
  const [editing, setEditing] = useState<Row | 'new'>();
  const [code, setCode] = useState<Code>();
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!value) return <Loading />;
  const manages = may('person.manage');
  return (
    <>
      {manages && (
        <div class="acts">
          <button type="button" class="main" onClick={() => setEditing('new')}>
            {w.add}
          </button>
        </div>
      )}
      <div class="table-wrap">
        <table>
          <ColumnHeads
            names={[
              w.name,
              w.position,
              w.roles,
              w.state,
              w.lastSeen,
              ...(manages ? [{ hidden: w.change }] : []),
            ]}
          />
          <tbody>
            {value.people.map((person) => (
              <tr key={person.email}>
                <td>
                  {person.name}
                  <div class="muted">{person.email}</div>
                </td>
                <td>{[person.position, person.desk].filter(Boolean).join(', ')}</td>
                <td>{person.roles.map((role) => words.roles[role] ?? role).join(', ')}</td>
                <td>
                  <Tag
                    tone={person.state === 'active' ? 'good' : person.state === 'invited' ? 'warn' : 'bad'}
                  >
                    {w.states[person.state]}
                  </Tag>
                </td>
                <td class="tight">{person.lastSeenMs ? agoText(person.lastSeenMs, nowMs()) : w.never}</td>
                {manages && (
                  <td class="tight">
                    <button
                      type="button"
                      aria-label={w.changeNamed(person.name)}
                      onClick={() => setEditing(person)}
                    >
                      {w.change}
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Delegations people={value.people} />
      {manages && <ChangeList onDone={again} />}
      {editing && (
        <Editor
          person={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onDone={(made) => {
            setEditing(undefined);
            setCode(made);
            again();
          }}
        />
      )}
      {code && (
        <Dialog title={w.codeFor(code.email)} onClose={() => setCode(undefined)}>
          <p class="big-code">{code.code}</p>
          <p>
            {w.codeHow}
            {timeText(code.expiresMs)}.
          </p>
          <button type="button" class="main" data-main onClick={() => setCode(undefined)}>
            {w.close}
          </button>
        </Dialog>
      )}
    </>
  );
}

type EditorProps = {
  readonly person: Row | undefined;
  readonly onClose: () => void;
  readonly onDone: (code: Code | undefined) => void;
};

function Editor({ person, onClose, onDone }: EditorProps) {
  const [email, setEmail] = useState(person?.email ?? '');
  const [name, setName] = useState(person?.name ?? '');
  const [position, setPosition] = useState(person?.position ?? '');
  const [desk, setDesk] = useState(person?.desk ?? '');
  const [roles, setRoles] = useState<readonly string[]>(person?.roles ?? ['officer']);
  const [decision, setDecision] = useState('');
  const [decisionDate, setDecisionDate] = useState('');
  const act = useAct();
  const body = { email, name, position, desk, roles, decision, decisionDate };
  const verb = (path: 'code' | 'disable' | 'enable' | 'leave') =>
    act.run(async () => {
      const answer = await post<Code>(
        `/people/${path}`,
        path === 'code' ? { email } : { email, decision, decisionDate },
      );
      if (path !== 'code') say(w.done);
      onDone(path === 'code' ? answer : undefined);
    });
  return (
    <Dialog title={person ? w.changeNamed(person.name) : w.add} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.run(async () => {
            const answer = await post<Code>(person ? '/people/change' : '/people', body);
            if (person) say(w.done);
            onDone(person ? undefined : answer);
          });
        }}
      >
        <ProblemNotice problem={act.problem} />
        {!person && (
          <Field label={w.email} value={email} onValue={setEmail} inputmode="email" required autofocus />
        )}
        <Field label={w.name} value={name} onValue={setName} required lengthMax={100} />
        <div class="row">
          <Field label={w.position} value={position} onValue={setPosition} lengthMax={100} />
          <Field label={w.desk} value={desk} onValue={setDesk} lengthMax={60} />
        </div>
        <fieldset>
          <legend>{w.roles}</legend>
          {Object.entries(words.roles).map(([role, label]) => (
            <Tick
              key={role}
              label={label}
              value={roles.includes(role)}
              onValue={(on) => setRoles(on ? [...roles, role] : roles.filter((each) => each !== role))}
            />
          ))}
        </fieldset>
        <div class="row">
          <Field label={w.decision} value={decision} onValue={setDecision} lengthMax={60} />
          <DayField label={w.decisionDate} value={decisionDate} onValue={setDecisionDate} />
        </div>
        <SheetActs label={w.save} disabled={act.busy} onClose={onClose} />
        {person && (
          <div class="acts">
            {person.state !== 'disabled' && (
              <button type="button" disabled={act.busy} onClick={() => verb('code')}>
                {w.code}
              </button>
            )}
            {person.state === 'disabled' ? (
              <button type="button" disabled={act.busy} onClick={() => verb('enable')}>
                {w.enable}
              </button>
            ) : (
              <button type="button" class="danger" disabled={act.busy} onClick={() => verb('disable')}>
                {w.disable}
              </button>
            )}
            <button
              type="button"
              class="danger"
              disabled={act.busy}
              onClick={() => {
                if (confirm(w.leaveSure(person.name))) verb('leave');
              }}
            >
              {w.leave}
            </button>
          </div>
        )}
      </form>
    </Dialog>
  );
}
