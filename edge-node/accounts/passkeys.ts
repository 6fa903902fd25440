// Passkeys (WebAuthn) as a second factor beside the six digits. The only door of @simplewebauthn/server, opened when somebody needs it. A challenge is
// used once, within minutes, by the session or the half-finished sign-in that asked for it. Must never take a passkey instead of the password,
// nor one that was made for another name of the console.
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Store } from '../store/store.ts';
import { personText } from './people.ts';
import type { Person } from './person.ts';
import type { Caller, PasskeyPlace, PasskeyView } from './verbs.ts';

const challengeMs = 5 * 60_000;
const waitingMax = 1_000;
export const passkeysMax = 10;
const library = () => import('@simplewebauthn/server');

type Waiting = { readonly challenge: string; readonly person: number; readonly untilMs: number };

/** An address is no name: a browser makes no passkey for it. Throws `passkey-refused`. */
function assertName({ name }: PasskeyPlace): void {
  if (/^[\d.]+$|:/.test(name))
    throw new ExchangeError('passkey-refused', `${name}: mở trang bằng tên, không bằng địa chỉ IP`);
}

export function createPasskeys({
  store,
  clock,
  randomKey,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomKey: () => string;
}) {
  const waiting = new Map<string, Waiting>();
  function keep(key: string, one: Omit<Waiting, 'untilMs'>): void {
    const nowMs = clock.nowMs();
    for (const [old, { untilMs }] of waiting)
      if (untilMs <= nowMs || waiting.size >= waitingMax) waiting.delete(old);
    waiting.set(key, { ...one, untilMs: nowMs + challengeMs });
  }
  /** One use, whatever becomes of it. */
  function take(key: string): Waiting {
    const one = waiting.get(key);
    waiting.delete(key);
    if (!one || one.untilMs <= clock.nowMs())
      throw new ExchangeError('passkey-refused', 'quá 5 phút, hãy làm lại');
    return one;
  }
  const refused = (cause: unknown): never => {
    if (cause instanceof ExchangeError) throw cause;
    throw new ExchangeError('passkey-refused', '', { cause });
  };

  return {
    list: (person: number): readonly PasskeyView[] =>
      store.passkeysOf(person).map(({ id, name, made_ms, used_ms }) => ({
        id,
        name,
        madeMs: made_ms,
        usedMs: used_ms ?? undefined,
      })),
    /** What the browser is asked for, to make a new one. */
    async offer({ person, sessionId }: Caller, place: PasskeyPlace): Promise<object> {
      assertName(place);
      const known = store.passkeysOf(person.id);
      if (known.length >= passkeysMax)
        throw new ExchangeError('passkey-refused', `nhiều nhất ${passkeysMax}`);
      const { generateRegistrationOptions } = await library();
      const options = await generateRegistrationOptions({
        rpName: 'Liên thông văn bản',
        rpID: place.name,
        userID: new Uint8Array(Buffer.from(`lienthong-${person.id}`)),
        userName: person.email,
        userDisplayName: person.name,
        attestationType: 'none',
        // Ed25519, ES256, RS256: what every authenticator in use has.
        supportedAlgorithmIDs: [-8, -7, -257],
        excludeCredentials: known.map(({ credential }) => ({ id: credential })),
        authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
      });
      keep(`new ${sessionId}`, { challenge: options.challenge, person: person.id });
      return options;
    },
    /** Throws `passkey-refused`. */
    async add(
      { person, sessionId }: Caller,
      place: PasskeyPlace,
      given: { readonly name: string; readonly response: object },
    ): Promise<void> {
      const one = take(`new ${sessionId}`);
      const { verifyRegistrationResponse } = await library();
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: given.response as RegistrationResponseJSON,
        expectedChallenge: one.challenge,
        expectedOrigin: place.origin,
        expectedRPID: place.name,
        requireUserVerification: false,
      }).catch(refused);
      if (!verified || !registrationInfo) throw new ExchangeError('passkey-refused');
      const { credential } = registrationInfo;
      await store.write('passkeyAdd', {
        person: person.id,
        email: person.email,
        credential: credential.id,
        publicKey: credential.publicKey,
        counter: credential.counter,
        transports: (credential.transports ?? []).join(' '),
        name: personText('name', given.name, 60) || 'Khóa',
        nowMs: clock.nowMs(),
      });
    },
    /** After the right password: the question for the browser, and the key under which the answer is taken. Throws `passkey-refused` where there is none. */
    async ask(
      person: Person,
      place: PasskeyPlace,
    ): Promise<{ readonly key: string; readonly options: object }> {
      assertName(place);
      const known = store.passkeysOf(person.id);
      if (known.length === 0) throw new ExchangeError('passkey-refused', 'tài khoản này chưa có khóa');
      const { generateAuthenticationOptions } = await library();
      const options = await generateAuthenticationOptions({
        rpID: place.name,
        allowCredentials: known.map(({ credential }) => ({ id: credential })),
        userVerification: 'preferred',
      });
      const key = randomKey();
      keep(`enter ${key}`, { challenge: options.challenge, person: person.id });
      return { key, options };
    },
    /** Whose it is. Throws `passkey-refused`, also for an authenticator whose counter went back: it was copied. */
    async answer(key: string, place: PasskeyPlace, response: object): Promise<Person> {
      const one = take(`enter ${key}`);
      const given = response as AuthenticationResponseJSON;
      const known = store.passkeysOf(one.person).find(({ credential }) => credential === given.id);
      const person = store.personById(one.person);
      if (!known || !person || person.state === 'disabled') throw new ExchangeError('passkey-refused');
      const { verifyAuthenticationResponse } = await library();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: given,
        expectedChallenge: one.challenge,
        expectedOrigin: place.origin,
        expectedRPID: place.name,
        credential: {
          id: known.credential,
          publicKey: new Uint8Array(known.public_key),
          counter: known.counter,
        },
        requireUserVerification: false,
      }).catch(refused);
      if (!verified) throw new ExchangeError('passkey-refused');
      await store.write('passkeyUse', {
        id: known.id,
        counter: authenticationInfo.newCounter,
        nowMs: clock.nowMs(),
      });
      return person;
    },
  };
}
