// Signing in through the province's shared authentication: OpenID Connect, code flow with PKCE, state and nonce bound to the browser by a cookie. The
// only door of openid-client. It proves who somebody is; whether that person is known here, and what he may do, is decided here alone.
// Must never make an account from a claim, nor believe an e-mail that the provider itself does not vouch for.
import { randomBytes } from 'node:crypto';
import * as oidc from 'openid-client';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Store } from '../store/store.ts';
import type { Outside, OutsideConfig } from './outside-types.ts';
import { officialEmail, type Person } from './person.ts';

const beginMsMax = 10 * 60_000;
const waitingMax = 1_000;
type Waiting = {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly atMs: number;
};

const isLoopback = (url: URL): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);

export function createOutside(
  config: OutsideConfig,
  {
    store,
    clock,
  }: {
    readonly store: Pick<Store, 'personByEmail' | 'personById' | 'outsidePerson' | 'write'>;
    readonly clock: Clock;
  },
): Outside {
  const issuer = new URL(config.issuer);
  const waiting = new Map<string, Waiting>();
  let discovered: Promise<oidc.Configuration> | undefined;

  function provider(): Promise<oidc.Configuration> {
    discovered ??= oidc
      .discovery(issuer, config.clientId, config.clientSecret, undefined, {
        timeout: 10,
        // Plain HTTP to this machine only: a proxy in front of the provider, or a test.
        ...(issuer.protocol === 'http:' && isLoopback(issuer)
          ? { execute: [oidc.allowInsecureRequests] }
          : {}),
      })
      .catch((cause: unknown) => {
        // Asked again by the next who tries.
        discovered = undefined;
        throw new ExchangeError('sign-in-outside-failed', 'discovery', { cause });
      });
    return discovered;
  }

  /** By the subject once it is bound; the first time by the e-mail, which the provider must not call unverified. */
  async function personOf(claims: oidc.IDToken): Promise<Person> {
    const bound = store.outsidePerson(claims.iss, claims.sub);
    const known = bound === undefined ? undefined : store.personById(bound);
    if (known) return known;
    const said = claims[config.claim ?? 'email'];
    if (typeof said !== 'string' || claims.email_verified === false)
      throw new ExchangeError('sign-in-outside-failed', 'claim');
    const email = officialEmail(said);
    const person = store.personByEmail(email);
    if (!person || person.state === 'disabled') throw new ExchangeError('sign-in-refused', email);
    await store.write('outsideBind', {
      issuer: claims.iss,
      subject: claims.sub,
      person: person.id,
      email,
      nowMs: clock.nowMs(),
    });
    return person;
  }

  return {
    async begin(redirectUri) {
      const configuration = await provider();
      const nowMs = clock.nowMs();
      for (const [key, { atMs }] of waiting)
        if (nowMs - atMs > beginMsMax || waiting.size >= waitingMax) waiting.delete(key);
      const key = randomBytes(24).toString('base64url');
      const one = {
        verifier: oidc.randomPKCECodeVerifier(),
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        atMs: nowMs,
      };
      waiting.set(key, one);
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email',
        code_challenge: await oidc.calculatePKCECodeChallenge(one.verifier),
        code_challenge_method: 'S256',
        state: one.state,
        nonce: one.nonce,
      });
      return { url: url.href, key };
    },
    async finish(url, key) {
      const one = waiting.get(key);
      // One use, whatever becomes of it.
      waiting.delete(key);
      if (!one || clock.nowMs() - one.atMs > beginMsMax)
        throw new ExchangeError('sign-in-outside-failed', 'state');
      const configuration = await provider();
      const tokens = await oidc
        .authorizationCodeGrant(configuration, url, {
          pkceCodeVerifier: one.verifier,
          expectedState: one.state,
          expectedNonce: one.nonce,
          idTokenExpected: true,
        })
        .catch((cause: unknown) => {
          throw new ExchangeError('sign-in-outside-failed', 'code', { cause });
        });
      const claims = tokens.claims();
      if (!claims) throw new ExchangeError('sign-in-outside-failed', 'id token');
      return await personOf(claims);
    },
  };
}
