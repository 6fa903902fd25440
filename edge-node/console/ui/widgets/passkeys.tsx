// Khóa đăng nhập: the passkeys of one's own account; a new one is made by the browser, an old one ends with the password.
import { useState } from 'preact/hooks';
import type { PasskeyView } from '../../../accounts/verbs.ts';
import { post } from '../api.ts';
import { timeText } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { canPasskey, makePasskey, type NewKeyQuestion } from '../passkey.ts';
import { words } from '../words.ts';
import { passkeyWords as w } from '../words-figures.ts';
import { Field, ProblemNotice } from './basics.tsx';
import { PasswordField } from './credentials.tsx';
import { say } from './toasts.tsx';

export function Passkeys() {
  const { value, problem, again } = useLoad<{ rows: readonly PasskeyView[] }>('/me/passkeys');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const act = useAct();
  const add = () =>
    act.run(async () => {
      const question = await post<NewKeyQuestion>('/me/passkeys/offer');
      let response: object;
      try {
        response = await makePasskey(question);
      } catch {
        say(w.cancelled);
        return;
      }
      await post('/me/passkeys', { name: name || w.plainName, response });
      setName('');
      say(w.added);
      again();
    });
  const drop = (id: number) =>
    act.run(async () => {
      await post('/me/passkeys/drop', { id, password });
      setPassword('');
      again();
    });
  const rows = value?.rows ?? [];
  return (
    <section class="card">
      <h2>{w.title}</h2>
      <p class="muted">{w.how}</p>
      <ProblemNotice problem={problem ?? act.problem} />
      {rows.length > 0 && (
        <>
          <ul class="plain-list">
            {rows.map((key) => (
              <li key={key.id}>
                <strong>{key.name}</strong>{' '}
                <span class="muted">
                  {w.made} {timeText(key.madeMs)}
                  {key.usedMs !== undefined && `; ${w.used} ${timeText(key.usedMs)}`}
                </span>{' '}
                <button
                  type="button"
                  class="danger"
                  disabled={act.busy || password === ''}
                  aria-label={w.dropNamed(key.name)}
                  onClick={() => drop(key.id)}
                >
                  {w.drop}
                </button>
              </li>
            ))}
          </ul>
          <PasswordField label={w.dropPassword} value={password} onValue={setPassword} />
        </>
      )}
      {canPasskey() ? (
        <div class="row">
          <Field label={w.name} hint={w.nameHint} value={name} onValue={setName} lengthMax={60} />
          <div class="acts">
            <button type="button" disabled={act.busy} onClick={add}>
              {w.add}
            </button>
          </div>
        </div>
      ) : (
        <p>{w.cannot(words.product)}</p>
      )}
    </section>
  );
}
