// In front of every route of the console: the Host must be this console's, headers that bind the browser, no request from another site, a session,
// and the one act that the route names. A route that names none does not start the server: nothing is open by forgetting.
// Must never let a cookie out over a cross-site request, nor text of a document be taken for a page.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { type Problem, problemMediaType } from '../../protocol/problem.ts';
import { type Act, assertMay } from '../accounts/rights.ts';
import type { Caller, From, SignIn } from '../accounts/verbs.ts';
import { forPerson } from './detail-words.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must be allowed to do; 'anybody': whoever has a session; 'open': nobody in particular. */
    act?: Act | 'anybody' | 'open';
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export type GuardOptions = {
  readonly signIn: SignIn;
  /** Names by which a browser may call this console, lower case, without port. */
  readonly hosts: readonly string[];
  readonly tls: boolean;
  readonly nowMs: () => number;
  readonly cookie: string;
};

/** Cookies know no port: two consoles on one machine must not end each other's sessions. */
export const cookieName = (unit: string, tls: boolean): string =>
  `${tls ? '__Host-' : ''}lienthong-${unit.replace(/[^A-Za-z0-9]/g, '').slice(0, 32)}`;

/** No inline script or style, nothing from elsewhere, no frames but our own pictures of pages. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** A state-changing request carries it; a form or picture of another site cannot, and fetch would have to ask first. */
export const csrfHeader = 'x-lienthong';

export function fromOf(request: FastifyRequest): From {
  const browser = String(request.headers['user-agent'] ?? '')
    .replace(/[^\x20-\x7e]/g, '')
    .slice(0, 200);
  return { address: request.ip.slice(0, 64), browser };
}

export function readCookie(request: FastifyRequest, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

export function setSession(
  reply: FastifyReply,
  options: Pick<GuardOptions, 'cookie' | 'tls'>,
  value: string,
  seconds: number,
): void {
  const secure = options.tls ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${options.cookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`,
  );
}

function assertSameSite(request: FastifyRequest, options: GuardOptions): void {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  const bad =
    headers[csrfHeader] !== 'console' ||
    (site !== undefined && site !== 'same-origin') ||
    (headers.origin !== undefined &&
      headers.origin !== `${options.tls ? 'https' : 'http'}://${headers.host ?? ''}`);
  if (bad) throw new ExchangeError('request-forged');
}

export type GuardedRoute = {
  readonly method: string;
  readonly path: string;
  readonly act: Act | 'anybody' | 'open';
};

/** Returns every route with the act that it names, filled as they are added. */
export function guard(app: FastifyInstance, options: GuardOptions): readonly GuardedRoute[] {
  const routes: GuardedRoute[] = [];
  const allowed = new Set(['localhost', '127.0.0.1', '[::1]', ...options.hosts]);
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const act = route.config?.act;
    if (act === undefined) throw new Error(`${route.url} names no act`);
    for (const method of [route.method].flat()) routes.push({ method, path: route.url, act });
  });
  app.addHook('onRequest', async (request, reply) => {
    reply
      .header('content-security-policy', contentSecurityPolicy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-resource-policy', 'same-origin')
      .header('permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=(), usb=()')
      .header('x-frame-options', 'DENY')
      .header('cache-control', 'no-store')
      // The pages tell time by it: the clock of a PC may be wrong.
      .header('x-lienthong-now', options.nowMs());
    if (options.tls) reply.header('strict-transport-security', 'max-age=31536000');
    const host = (request.headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '');
    if (!allowed.has(host))
      throw new ExchangeError('request-malformed', 'the Host header does not name this console');
    if (request.method !== 'GET') assertSameSite(request, options);
    const act = request.routeOptions.config.act;
    // An unknown path has no act: the answer is that of an unknown path, whoever asks.
    if (act === undefined || act === 'open') return;
    request.caller = await options.signIn.caller(readCookie(request, options.cookie) ?? '');
    if (act !== 'anybody') assertMay(request.caller.roles, act);
  });
  // What a refusal says beside its title is for a person here.
  app.addHook('preSerialization', async (_request, reply, payload) =>
    reply.getHeader('content-type') === problemMediaType ? forPerson(payload as Problem) : payload,
  );
  return routes;
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new ExchangeError('session-ended');
  return request.caller;
}
