// Who is asking: signing in with password, one-time code or through the province, and the session of each request. Sessions are rows, so that
// ending one is one UPDATE that the next request sees. Must never say whether an address exists, keep a secret in the clear, or
// answer a hundred guesses as fast as one.
import { createHash, randomBytes } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { rateLimit } from '../../protocol/node/rate-limit.ts';
import type { EdgeConfig } from '../config.ts';
import type { Store } from '../store/store.ts';
import { createOutside } from './outside.ts';
import { createPasskeys } from './passkeys.ts';
import { assertGoodPassword, hashPassword, verifyPassword } from './password.ts';
import { officialEmail, type Person } from './person.ts';
import { dayOf, slotOf } from './presence.ts';
import { type Act, assertMay } from './rights.ts';
import { newSecondFactor, secondFactorStep } from './second-factor.ts';
import type { NewSession } from './sign-in-ops.ts';
import type { Caller, From, SignedIn, SignIn } from './verbs.ts';

/** A working day; a person signs in once each morning. */
const sessionMs = 12 * 3_600_000;
/** A screen left alone for this long asks again. */
const idleMs = 2 * 3_600_000;
/** Sightings closer than this are not written. */
const seenEveryMs = 60_000;

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

export function createSignIn({
  store,
  clock,
  config,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly config?: Pick<EdgeConfig, 'console'>;
}): SignIn {
  const emergencyOnly = config?.console?.outside?.only === true;
  // Ten quick tries from one machine, then one in 6 s; five for one person, then one in 20 s. A slow guesser has 4,320 a day against argon2id.
  const perAddress = rateLimit({ perSecond: 1 / 6, burst: 10, clock });
  const perPerson = rateLimit({ perSecond: 1 / 20, burst: 5, clock });

  const passkeys = createPasskeys({
    store,
    clock,
    randomKey: () => randomBytes(24).toString('base64url'),
  });

  async function begin(person: Person, method: NewSession['method'], from: From): Promise<SignedIn> {
    const unit = person.memberships[0]?.unit;
    // Without a place there is nothing to see; the words are those of a wrong password, since the caller is not known yet.
    if (person.state === 'disabled' || unit === undefined) throw new ExchangeError('sign-in-refused');
    const token = randomBytes(32).toString('base64url');
    const nowMs = clock.nowMs();
    const newBrowser = !store.browserKnown(person.id, from.browser);
    const { failures } = await store.write('sessionBegin', {
      digest: sha256(token),
      person: person.id,
      unit,
      method,
      ...from,
      nowMs,
      expiresMs: nowMs + sessionMs,
      email: person.email,
    });
    return { token, expiresMs: nowMs + sessionMs, failures, newBrowser };
  }

  /** One answer for unknown, disabled, wrong: `sign-in-refused`; `rate-limited`. Says nothing of second factors. */
  async function byPassword(given: { readonly email: string; readonly password: string }, from: From) {
    perAddress.take(from.address);
    let email: string;
    try {
      email = officialEmail(given.email);
    } catch (cause) {
      throw new ExchangeError('sign-in-refused', '', { cause });
    }
    perPerson.take(email);
    const person = store.personByEmail(email);
    const credential = person && store.credential(person.id);
    const right = await verifyPassword(given.password, credential?.password ?? undefined);
    // Where everybody signs in elsewhere, a password opens the emergency accounts alone.
    const mayUse = !emergencyOnly || person?.emergency === true;
    if (!person || !credential || !right || !mayUse || person.state === 'disabled') {
      await store.write('signInFailed', {
        person: person?.id ?? null,
        email: person ? email : 'unknown',
        from: from.address,
        nowMs: clock.nowMs(),
      });
      throw new ExchangeError('sign-in-refused');
    }
    return { person, credential, email };
  }

  return {
    /**
     * Codes: `sign-in-refused` (one answer for unknown, disabled, wrong), `second-factor-needed` (only after the right password),
     * `rate-limited`.
     */
    async withPassword(
      given: { readonly email: string; readonly password: string; readonly code?: string | undefined },
      from: From,
    ): Promise<SignedIn> {
      const { person, credential, email } = await byPassword(given, from);
      if (credential.totp === null && store.passkeysOf(person.id).length > 0)
        throw new ExchangeError('second-factor-needed', 'khóa đăng nhập');
      if (credential.totp !== null) {
        if (!given.code) throw new ExchangeError('second-factor-needed');
        const step = secondFactorStep(given.code, credential.totp, {
          nowMs: clock.nowMs(),
          afterStep: credential.totp_step,
        });
        if (step === undefined) {
          await store.write('signInFailed', {
            person: person.id,
            email,
            from: from.address,
            nowMs: clock.nowMs(),
          });
          throw new ExchangeError('second-factor-needed', 'mã 6 số không đúng hoặc đã dùng');
        }
        await store.write('totpUse', { person: person.id, step });
      }
      return await begin(person, 'password', from);
    },
    /** The code and the new password in one act; sessions of before end. Codes: `code-refused`, `password-weak`, `rate-limited`. */
    async withCode(
      given: { readonly email: string; readonly code: string; readonly password: string },
      from: From,
    ): Promise<SignedIn> {
      perAddress.take(from.address);
      let person: Person | undefined;
      try {
        person = store.personByEmail(officialEmail(given.email));
      } catch {
        // The same answer as for a wrong code.
      }
      assertGoodPassword(given.password, { email: person?.email ?? given.email });
      const password = await hashPassword(given.password);
      const digest = codeDigest(given.code, person?.email ?? '');
      await store.write('codeUse', { digest, password, nowMs: clock.nowMs(), from: from.address });
      return await begin(store.personByEmail(person!.email)!, 'code', from);
    },
    /** After the province has said who it is (outside.ts). */
    openOutside: (config) => createOutside(config, { store, clock }),
    outside: (person: Person, from: From): Promise<SignedIn> => begin(person, 'outside', from),
    /** Who asks. Codes: `session-ended`. Notes that the session is in use and the look-in of the day's window. */
    async caller(token: string): Promise<Caller> {
      const digest = sha256(token);
      const row = store.sessionByDigest(digest);
      const nowMs = clock.nowMs();
      if (!row || row.ended_ms !== null || row.expires_ms <= nowMs || row.seen_ms + idleMs <= nowMs)
        throw new ExchangeError('session-ended');
      const person = store.personById(row.person);
      const place = person?.memberships.find(({ unit }) => unit === row.unit) ?? person?.memberships[0];
      if (!person || person.state === 'disabled' || !place) throw new ExchangeError('session-ended');
      if (nowMs - row.seen_ms >= seenEveryMs) await store.write('sessionSeen', { digest, nowMs });
      const given = store.rolesGiven(person.id, place.unit, nowMs);
      return {
        sessionId: row.id,
        digest,
        method: row.method,
        person,
        unit: place.unit,
        roles: [...new Set([...place.roles, ...given])],
        given,
      };
    },
    /** The person is at the screen now: counts for the window of the day. */
    async lookedIn({ person, unit }: Caller): Promise<void> {
      const nowMs = clock.nowMs();
      const slot = slotOf(nowMs);
      if (slot !== undefined)
        await store.write('checkIn', { person: person.id, unit, day: dayOf(nowMs), slot, nowMs });
    },
    async leave(caller: Caller): Promise<void> {
      await store.write('sessionEnd', {
        id: caller.sessionId,
        person: caller.person.id,
        why: 'signed-out',
        actor: caller.person.email,
        nowMs: clock.nowMs(),
      });
    },
    sessions: (caller: Caller) =>
      store.sessionsOf(caller.person.id).map((row) => ({
        id: row.id,
        method: row.method,
        address: row.address,
        browser: row.browser,
        begunMs: row.begun_ms,
        seenMs: row.seen_ms,
        current: row.id === caller.sessionId,
      })),
    /** One's own session elsewhere. Throws `not-found`. */
    async endSession(caller: Caller, id: number): Promise<void> {
      const ended = await store.write('sessionEnd', {
        id,
        person: caller.person.id,
        why: 'ended-elsewhere',
        actor: caller.person.email,
        nowMs: clock.nowMs(),
      });
      if (!ended) throw new ExchangeError('not-found', `session ${id}`);
    },
    /** To another of one's units. Throws `right-missing`. */
    async toUnit(caller: Caller, unit: string): Promise<void> {
      if (!caller.person.memberships.some((each) => each.unit === unit))
        throw new ExchangeError('right-missing', unit);
      await store.write('sessionUnit', { digest: caller.digest, unit });
    },
    /** All other sessions end. Codes: `sign-in-refused` (the old one is wrong), `password-weak`. */
    async changePassword(caller: Caller, given: { before: string; password: string }): Promise<void> {
      perPerson.take(caller.person.email);
      const stored = store.credential(caller.person.id)?.password ?? undefined;
      if (!(await verifyPassword(given.before, stored))) throw new ExchangeError('sign-in-refused');
      assertGoodPassword(given.password, caller.person);
      await store.write('passwordSet', {
        person: caller.person.id,
        email: caller.person.email,
        password: await hashPassword(given.password),
        keep: caller.digest,
        nowMs: clock.nowMs(),
      });
    },
    /** A fresh secret, in force only after `confirmSecondFactor`. */
    async offerSecondFactor(caller: Caller): Promise<{ readonly secret: string; readonly uri: string }> {
      const offered = newSecondFactor(caller.person.email);
      await store.write('totpOffer', { person: caller.person.id, secret: offered.secret });
      return offered;
    },
    async confirmSecondFactor(caller: Caller, code: string): Promise<void> {
      perPerson.take(caller.person.email);
      const secret = store.credential(caller.person.id)?.totp_next;
      const nowMs = clock.nowMs();
      const step = secret ? secondFactorStep(code, secret, { nowMs, afterStep: 0 }) : undefined;
      if (!secret || step === undefined)
        throw new ExchangeError('second-factor-needed', 'mã 6 số không đúng');
      const { id: person, email } = caller.person;
      await store.write('totpConfirm', { person, email, secret, step, nowMs });
    },
    /** Needs the password: a screen left open is not enough. */
    async dropSecondFactor(caller: Caller, password: string): Promise<void> {
      perPerson.take(caller.person.email);
      const stored = store.credential(caller.person.id)?.password ?? undefined;
      if (!(await verifyPassword(password, stored))) throw new ExchangeError('sign-in-refused');
      const { id: person, email } = caller.person;
      await store.write('totpOff', { person, email, actor: email, nowMs: clock.nowMs() });
    },
    hasSecondFactor: (caller: Caller): boolean => store.credential(caller.person.id)?.totp != null,
    passkeys: (caller) => passkeys.list(caller.person.id),
    offerPasskey: passkeys.offer,
    addPasskey: passkeys.add,
    async dropPasskey(caller, { id, password }) {
      perPerson.take(caller.person.email);
      const stored = store.credential(caller.person.id)?.password ?? undefined;
      if (!(await verifyPassword(password, stored))) throw new ExchangeError('sign-in-refused');
      const { id: person, email } = caller.person;
      await store.write('passkeyEnd', { id, person, email, nowMs: clock.nowMs() });
    },
    async askPasskey(given, from) {
      const { person } = await byPassword(given, from);
      return await passkeys.ask(person, from.place);
    },
    async withPasskey({ key, response }, { place, ...from }) {
      perAddress.take(from.address);
      return await begin(await passkeys.answer(key, place, response), 'password', from);
    },
  };
}

/** Throws `right-missing`. */
export const assertCaller = (caller: Caller, act: Act): void => assertMay(caller.roles, act);

/** No 0, O, 1, I, L, U: read aloud over the telephone. */
const codeLetters = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeLength = 16;

/** 16 letters of 30: 78 bits; shown as XXXX-XXXX-XXXX-XXXX. */
export function newCode(): string {
  let code = '';
  while (code.length < codeLength) {
    // Above the last multiple of 30 the letters would not be equally likely.
    for (const byte of randomBytes(32))
      if (byte < 240 && code.length < codeLength) code += codeLetters[byte % codeLetters.length];
  }
  return code.replace(/(.{4})(?=.)/g, '$1-');
}

/** Bound to the person: a code that was read over a shoulder does not open another account. */
export const codeDigest = (code: string, email: string): Uint8Array =>
  sha256(`lienthong/one-time-code/1\0${email}\0${code.toUpperCase().replace(/[^0-9A-Z]/g, '')}`);
