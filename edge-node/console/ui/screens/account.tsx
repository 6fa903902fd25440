// Tài khoản của tôi: who I am here, my password, my second factor, my sessions, my keys and notifications.

import { useState } from 'preact/hooks';
import { post } from '../api.ts';
import { timeText } from '../format.ts';
import { setSingleKeys, singleKeys } from '../keys.ts';
import { useAct, useLoad } from '../load.ts';
import { useMe } from '../me.ts';
import { RowAct } from '../widgets/acts.tsx';
import { ColumnHeads, ProblemNotice, SelectField, Tag, Tick, Title } from '../widgets/basics.tsx';
import { DigitsField, NewPasswordField, PasswordField } from '../widgets/credentials.tsx';
import { Passkeys } from '../widgets/passkeys.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';

const w = words.account;

export function Account({ onChanged }: { readonly onChanged: () => void }) {
  const me = useMe();
  const act = useAct();
  return (
    <>
      <Title>{w.title}</Title>
      <section class="card">
        <h2>{w.who}</h2>
        <p>
          <strong>{me.name}</strong> – {me.email}
          {me.position && <> – {me.position}</>}
        </p>
        <p>
          {me.roles.map((role) => (
            <span key={role}>
              <Tag tone={me.given.includes(role) ? 'warn' : ''}>{words.roles[role] ?? role}</Tag>{' '}
            </span>
          ))}
        </p>
        <ProblemNotice problem={act.problem} />
        {me.units.length > 1 && (
          <SelectField
            label={w.unit}
            value={me.unit.unit}
            options={me.units.map(({ unit, name }) => [unit, name])}
            onValue={(unit) =>
              act.run(async () => {
                await post('/me/unit', { unit });
                onChanged();
              })
            }
          />
        )}
      </section>
      <Sessions />
      {me.method !== 'outside' && (
        <>
          <Password />
          <Factor onChanged={onChanged} />
          <Passkeys />
        </>
      )}
      <Preferences />
    </>
  );
}

function Password() {
  const [before, setBefore] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const different = again !== '' && again !== password;
  const act = useAct();
  return (
    <section class="card">
      <h2>{w.password}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (password !== again) return;
          act.run(async () => {
            await post('/me/password', { before, password });
            setBefore('');
            setPassword('');
            setAgain('');
            say(w.changed);
          });
        }}
      >
        <ProblemNotice problem={act.problem} />
        <p class="muted">{words.signIn.newPasswordHint}</p>
        <div class="row">
          <PasswordField label={w.before} value={before} onValue={setBefore} />
          <NewPasswordField value={password} onValue={setPassword} />
          <NewPasswordField
            label={words.signIn.repeat}
            value={again}
            onValue={setAgain}
            wrong={different ? words.signIn.different : undefined}
          />
        </div>
        <button type="submit" disabled={act.busy || different}>
          {w.password}
        </button>
      </form>
    </section>
  );
}

function Factor({ onChanged }: { readonly onChanged: () => void }) {
  const me = useMe();
  const [offered, setOffered] = useState<{ secret: string; uri: string }>();
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const act = useAct();
  return (
    <section class="card">
      <h2>{w.factor}</h2>
      <ProblemNotice problem={act.problem} />
      <p>{me.secondFactor ? w.factorOn : w.factorOff}</p>
      {me.secondFactor ? (
        <>
          <PasswordField label={w.before} value={password} onValue={setPassword} />
          <button
            type="button"
            class="danger"
            disabled={act.busy || password === ''}
            onClick={() =>
              act.run(async () => {
                await post('/me/second-factor/off', { password });
                setPassword('');
                onChanged();
              })
            }
          >
            {w.turnOff}
          </button>
        </>
      ) : offered ? (
        <>
          <p>{w.factorHow}</p>
          <p class="big-code">{offered.secret.replace(/(.{4})(?=.)/g, '$1 ')}</p>
          <DigitsField value={code} onValue={setCode} />
          <button
            type="button"
            class="main"
            disabled={act.busy || code === ''}
            onClick={() =>
              act.run(async () => {
                await post('/me/second-factor/confirm', { code });
                setOffered(undefined);
                setCode('');
                onChanged();
              })
            }
          >
            {w.confirm}
          </button>
        </>
      ) : (
        <button
          type="button"
          disabled={act.busy}
          onClick={() => act.run(async () => setOffered(await post('/me/second-factor')))}
        >
          {w.turnOn}
        </button>
      )}
    </section>
  );
}

type SessionRow = {
  readonly id: number;
  readonly address: string;
  readonly browser: string;
  readonly begunMs: number;
  readonly seenMs: number;
  readonly current: boolean;
};

/** "Firefox trên Windows" is all that a person needs of a user agent. */
function browserName(agent: string): string {
  const browser = /Edg\//.test(agent)
    ? 'Edge'
    : /Firefox\//.test(agent)
      ? 'Firefox'
      : /Chrome\//.test(agent)
        ? 'Chrome'
        : /Safari\//.test(agent)
          ? 'Safari'
          : agent.slice(0, 40);
  const system = /Windows/.test(agent)
    ? 'Windows'
    : /Android/.test(agent)
      ? 'Android'
      : /Mac/.test(agent)
        ? 'Mac'
        : /Linux/.test(agent)
          ? 'Linux'
          : '';
  return [browser, system].filter(Boolean).join(' – ');
}

function Sessions() {
  const { value, problem, again } = useLoad<{ sessions: readonly SessionRow[] }>('/me/sessions');
  const act = useAct();
  return (
    <section class="card">
      <h2>{w.sessions}</h2>
      <ProblemNotice problem={problem ?? act.problem} />
      <div class="table-wrap">
        <table>
          <ColumnHeads names={[w.browser, w.address, w.since, w.seen, { hidden: w.end }]} />
          <tbody>
            {value?.sessions.map((session) => (
              <tr key={session.id}>
                <td>{browserName(session.browser)}</td>
                <td class="number">{session.address}</td>
                <td class="tight number">{timeText(session.begunMs)}</td>
                <td class="tight number">{timeText(session.seenMs)}</td>
                <td class="tight">
                  {session.current ? (
                    <Tag tone="good">{w.thisOne}</Tag>
                  ) : (
                    <RowAct
                      label={w.end}
                      act={act}
                      onAct={async () => {
                        await post('/me/sessions/end', { id: session.id });
                        again();
                      }}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Preferences() {
  const [keys, setKeys] = useState(singleKeys());
  const can = 'Notification' in window;
  const [permission, setPermission] = useState(can ? Notification.permission : 'denied');
  return (
    <section class="card">
      <h2>{w.notify}</h2>
      {permission === 'granted' ? (
        <p>{w.notifyGiven}</p>
      ) : permission === 'denied' ? (
        <p>{w.notifyDenied}</p>
      ) : (
        <p>
          <button type="button" onClick={() => void Notification.requestPermission().then(setPermission)}>
            {w.notifyOn}
          </button>
        </p>
      )}
      <Tick
        label={w.keys}
        value={keys}
        onValue={(on) => {
          setSingleKeys(on);
          setKeys(on);
        }}
      />
      <p class="muted">{w.keysHow}</p>
    </section>
  );
}
