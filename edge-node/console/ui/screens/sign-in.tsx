// S0: signing in with password (and the 6 digits when they are asked for), or the first time with a one-time code and a password of one's own.
import { useState } from 'preact/hooks';
import type { Start } from '../../contract.ts';
import { Problem, post } from '../api.ts';
import { useAct } from '../load.ts';
import { canPasskey, type KeyQuestion, usePasskey } from '../passkey.ts';
import { Field, ProblemNotice } from '../widgets/basics.tsx';
import { DigitsField, EmailField, NewPasswordField, PasswordField } from '../widgets/credentials.tsx';
import { words } from '../words.ts';
import { passkeyWords as k } from '../words-figures.ts';

const w = words.signIn;
type Told = { failures: number; newBrowser: boolean };
type Props = {
  readonly start: Start | undefined;
  readonly email: string;
  readonly titled?: boolean;
  readonly onEntered: (told: Told) => Promise<void>;
};

export function SignIn({ start, email: known, titled, onEntered }: Props) {
  const [email, setEmail] = useState(known);
  const [byCode, setByCode] = useState(false);
  const unit = start?.units.map(({ name }) => name).join(' · ') ?? '';
  return (
    <>
      {titled && (
        <>
          <h1>{words.product}</h1>
          <p class="muted">{unit}</p>
        </>
      )}
      {start && !start.people && (
        <div class="notice warn">
          <p>
            <strong>{w.nobody}</strong>
          </p>
          <p>{w.nobodyHow}</p>
        </div>
      )}
      {start?.outside && !byCode && (
        <>
          <a class="button main wide" href="/c/v1/outside/begin">
            {start.outside}
          </a>
          <p class="or">{w.or}</p>
        </>
      )}
      {byCode ? (
        <CodeForm email={email} setEmail={setEmail} onEntered={onEntered} />
      ) : (
        <PasswordForm email={email} setEmail={setEmail} onEntered={onEntered} />
      )}
      <p class="other-way">
        {!byCode && <span class="muted">{w.firstTime} </span>}
        <button type="button" class="plain" onClick={() => setByCode(!byCode)}>
          {byCode ? w.havePassword : w.haveCode}
        </button>
      </p>
      {titled && (
        <p class="muted" style={{ margin: '16px 0 0' }}>
          {w.warning}
        </p>
      )}
    </>
  );
}

type FormProps = {
  readonly email: string;
  readonly setEmail: (email: string) => void;
  readonly onEntered: (told: Told) => Promise<void>;
};

function PasswordForm({ email, setEmail, onEntered }: FormProps) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [factor, setFactor] = useState(false);
  const [stopped, setStopped] = useState(false);
  const act = useAct();
  const submit = () =>
    act.run(async () => {
      try {
        await onEntered(await post<Told>('/sign-in', { email, password, ...(code ? { code } : {}) }));
      } catch (error) {
        if (error instanceof Problem && error.body.code === 'second-factor-needed' && !factor) {
          // Not a failure: the next question.
          setFactor(true);
          return;
        }
        throw error;
      }
    });
  const byKey = () =>
    act.run(async () => {
      setStopped(false);
      const { key, options } = await post<{ key: string; options: KeyQuestion }>('/sign-in/passkey', {
        email,
        password,
      });
      let response: object;
      try {
        response = await usePasskey(options);
      } catch {
        setStopped(true);
        return;
      }
      await onEntered(await post<Told>('/sign-in/passkey/finish', { key, response }));
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <ProblemNotice problem={act.problem} />
      <EmailField value={email} onValue={setEmail} autofocus={email === ''} />
      <PasswordField value={password} onValue={setPassword} autofocus={email !== ''} />
      {factor && (
        <>
          {canPasskey() && (
            <>
              <p class="muted">{k.useHow}</p>
              <button type="button" class="wide" disabled={act.busy} onClick={byKey}>
                {k.use}
              </button>
              {stopped && <p role="status">{k.stopped}</p>}
              <p class="or">{k.or}</p>
            </>
          )}
          <DigitsField
            hint={w.factorHint}
            value={code}
            onValue={setCode}
            required={!canPasskey()}
            autofocus
          />
        </>
      )}
      <button type="submit" class="main wide" disabled={act.busy} data-main>
        {w.enter}
      </button>
    </form>
  );
}

function CodeForm({ email, setEmail, onEntered }: FormProps) {
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const act = useAct();
  const different = again !== '' && again !== password;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (password === again)
          act.run(async () => await onEntered(await post<Told>('/sign-in/code', { email, code, password })));
      }}
    >
      <ProblemNotice problem={act.problem} />
      <EmailField value={email} onValue={setEmail} autofocus={email === ''} />
      <Field
        label={w.code}
        hint={w.codeHint}
        value={code}
        onValue={setCode}
        required
        autofocus={email !== ''}
      />
      <NewPasswordField hint={w.newPasswordHint} value={password} onValue={setPassword} />
      <NewPasswordField
        label={w.repeat}
        value={again}
        onValue={setAgain}
        wrong={different ? w.different : undefined}
      />
      <button type="submit" class="main wide" disabled={act.busy || different} data-main>
        {w.setPassword}
      </button>
    </form>
  );
}
