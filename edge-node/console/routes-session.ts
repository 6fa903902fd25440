// Signing in and out, the caller's own account, other sessions, second factor. A password goes in and never comes out.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { acts, mayDo } from '../accounts/rights.ts';
import type { PasskeyPlace, SignedIn } from '../accounts/verbs.ts';
import type { Edge } from '../core.ts';
import type { Me, Start, UnitName } from './contract.ts';
import { callerOf, fromOf, type GuardOptions, setSession } from './guard.ts';
import { body, text, whole } from './schemas.ts';

export type SessionRoutes = {
  readonly edge: Edge;
  readonly guard: GuardOptions;
  readonly nowMs: () => number;
  /** Words on the button of the shared sign-in. */
  readonly outside?: string | undefined;
};

export function sessionRoutes(app: FastifyInstance, { edge, guard, nowMs, outside }: SessionRoutes): void {
  const { signIn } = edge;
  const units = (): UnitName[] => edge.units().map(({ unit, code, name }) => ({ unit, code, name }));
  const entered = (signed: SignedIn) => ({ failures: signed.failures, newBrowser: signed.newBrowser });
  const seconds = (signed: SignedIn) => Math.floor((signed.expiresMs - nowMs()) / 1000);

  app.get('/c/v1/start', { config: { act: 'open' } }, async (): Promise<Start> => {
    const all = units();
    return { units: all, people: all.some(({ unit }) => edge.people.list(unit).length > 0), outside };
  });
  app.post<{ Body: { email: string; password: string; code?: string } }>(
    '/c/v1/sign-in',
    {
      config: { act: 'open' },
      schema: {
        body: body({ email: text(300), password: text(1_000), code: text(20) }, ['email', 'password']),
      },
    },
    async (request, reply) => {
      const signed = await signIn.withPassword(request.body, fromOf(request));
      setSession(reply, guard, signed.token, seconds(signed));
      return entered(signed);
    },
  );
  app.post<{ Body: { email: string; code: string; password: string } }>(
    '/c/v1/sign-in/code',
    {
      config: { act: 'open' },
      schema: { body: body({ email: text(300), code: text(60), password: text(1_000) }) },
    },
    async (request, reply) => {
      const signed = await signIn.withCode(request.body, fromOf(request));
      setSession(reply, guard, signed.token, seconds(signed));
      return entered(signed);
    },
  );
  app.post<{ Body: { email: string; password: string } }>(
    '/c/v1/sign-in/passkey',
    { config: { act: 'open' }, schema: { body: body({ email: text(300), password: text(1_000) }) } },
    async (request) =>
      await signIn.askPasskey(request.body, { ...fromOf(request), place: placeOf(request, guard) }),
  );
  app.post<{ Body: { key: string; response: object } }>(
    '/c/v1/sign-in/passkey/finish',
    { config: { act: 'open' }, schema: { body: body({ key: text(100), response: { type: 'object' } }) } },
    async (request, reply) => {
      const from = { ...fromOf(request), place: placeOf(request, guard) };
      const signed = await signIn.withPasskey(request.body, from);
      setSession(reply, guard, signed.token, seconds(signed));
      return entered(signed);
    },
  );
  app.post('/c/v1/sign-out', { config: { act: 'anybody' } }, async (request, reply) => {
    await signIn.leave(callerOf(request));
    setSession(reply, guard, '', 0);
    // Back after signing out shows nothing of what was there.
    reply.header('clear-site-data', '"cache", "storage"');
    return { ok: true };
  });
  app.get('/c/v1/me', { config: { act: 'anybody' } }, async (request): Promise<Me> => {
    const caller = callerOf(request);
    const all = units();
    const mine = caller.person.memberships.map(({ unit }) => unit);
    const place = caller.person.memberships.find(({ unit }) => unit === caller.unit);
    await signIn.lookedIn(caller);
    return {
      email: caller.person.email,
      name: caller.person.name,
      position: place?.position ?? '',
      unit: all.find(({ unit }) => unit === caller.unit) ?? { unit: caller.unit, code: '', name: '' },
      units: all.filter(({ unit }) => mine.includes(unit)),
      roles: caller.roles,
      given: caller.given,
      may: acts.filter((act) => mayDo(caller.roles, act)),
      secondFactor: signIn.hasSecondFactor(caller),
      method: caller.method,
      nowMs: nowMs(),
    };
  });
  ownRoutes(app, edge);
  passkeyRoutes(app, edge, guard);
}

function ownRoutes(app: FastifyInstance, { signIn }: Edge): void {
  const config = { act: 'anybody' } as const;
  app.post<{ Body: { unit: string } }>(
    '/c/v1/me/unit',
    { config, schema: { body: body({ unit: text(64) }) } },
    async (request) => {
      await signIn.toUnit(callerOf(request), request.body.unit);
      return { ok: true };
    },
  );
  app.get('/c/v1/me/sessions', { config }, async (request) => ({
    sessions: signIn.sessions(callerOf(request)),
  }));
  app.post<{ Body: { id: number } }>(
    '/c/v1/me/sessions/end',
    { config, schema: { body: body({ id: whole() }) } },
    async (request) => {
      await signIn.endSession(callerOf(request), request.body.id);
      return { ok: true };
    },
  );
  app.post<{ Body: { before: string; password: string } }>(
    '/c/v1/me/password',
    { config, schema: { body: body({ before: text(1_000), password: text(1_000) }) } },
    async (request) => {
      await signIn.changePassword(callerOf(request), request.body);
      return { ok: true };
    },
  );
  app.post('/c/v1/me/second-factor', { config }, async (request) =>
    signIn.offerSecondFactor(callerOf(request)),
  );
  app.post<{ Body: { code: string } }>(
    '/c/v1/me/second-factor/confirm',
    { config, schema: { body: body({ code: text(20) }) } },
    async (request) => {
      await signIn.confirmSecondFactor(callerOf(request), request.body.code);
      return { ok: true };
    },
  );
  app.post<{ Body: { password: string } }>(
    '/c/v1/me/second-factor/off',
    { config, schema: { body: body({ password: text(1_000) }) } },
    async (request) => {
      await signIn.dropSecondFactor(callerOf(request), request.body.password);
      return { ok: true };
    },
  );
}

/** The guard has judged the Host header; a passkey is bound to the same name. */
function placeOf(request: FastifyRequest, { tls }: GuardOptions): PasskeyPlace {
  const host = (request.headers.host ?? '').toLowerCase();
  return { name: host.replace(/:\d{1,5}$/, ''), origin: `${tls ? 'https' : 'http'}://${host}` };
}

function passkeyRoutes(app: FastifyInstance, { signIn }: Edge, guard: GuardOptions): void {
  const config = { act: 'anybody' } as const;
  app.get('/c/v1/me/passkeys', { config }, async (request) => ({ rows: signIn.passkeys(callerOf(request)) }));
  app.post('/c/v1/me/passkeys/offer', { config, schema: { body: body({}) } }, async (request) =>
    signIn.offerPasskey(callerOf(request), placeOf(request, guard)),
  );
  app.post<{ Body: { name: string; response: object } }>(
    '/c/v1/me/passkeys',
    { config, schema: { body: body({ name: text(200), response: { type: 'object' } }) } },
    async (request) => {
      await signIn.addPasskey(callerOf(request), placeOf(request, guard), request.body);
      return { rows: signIn.passkeys(callerOf(request)) };
    },
  );
  app.post<{ Body: { id: number; password: string } }>(
    '/c/v1/me/passkeys/drop',
    { config, schema: { body: body({ id: whole(), password: text(1_000) }) } },
    async (request) => {
      await signIn.dropPasskey(callerOf(request), request.body);
      return { rows: signIn.passkeys(callerOf(request)) };
    },
  );
}
