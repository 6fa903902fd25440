// The two steps of the shared sign-in in the browser: away to the province, and back with a code. The cookie between them is Lax, since the way
// back begins elsewhere; the session's own is Strict, so the last step is a page of ours that goes on by itself.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Outside } from '../accounts/outside-types.ts';
import type { SignIn } from '../accounts/verbs.ts';
import { fromOf, type GuardOptions, readCookie, setSession } from './guard.ts';

const returnPath = '/c/v1/outside/return';
const page =
  '<!doctype html><html lang="vi"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><title>Liên thông văn bản</title><p><a href="/">Tiếp tục</a></p></html>';

export function outsideRoutes(
  app: FastifyInstance,
  options: {
    readonly outside: Outside;
    readonly signIn: SignIn;
    readonly guard: GuardOptions;
    /** As people type it; known once the listener has its port. */
    readonly url: () => string;
    readonly nowMs: () => number;
  },
): void {
  const { outside, signIn, guard, url, nowMs } = options;
  const config = { act: 'open' } as const;
  const between = `${guard.cookie}-o`;
  const secure = guard.tls ? '; Secure' : '';
  app.get('/c/v1/outside/begin', { config }, async (_request, reply) => {
    const begun = await outside.begin(`${url()}${returnPath}`);
    return await reply
      .header('set-cookie', `${between}=${begun.key}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600${secure}`)
      .redirect(begun.url, 303);
  });
  app.get(returnPath, { config }, async (request, reply) => {
    const key = readCookie(request, between);
    if (!key) throw new ExchangeError('sign-in-outside-failed', 'cookie');
    const person = await outside.finish(new URL(request.url, url()), key);
    const signed = await signIn.outside(person, fromOf(request));
    setSession(reply, guard, signed.token, Math.floor((signed.expiresMs - nowMs()) / 1000));
    return await reply.type('text/html; charset=utf-8').send(page);
  });
}
