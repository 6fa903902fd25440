// Who may use the local API: programs with a token over loopback, the operator over the control socket.
// Must never keep a token (only its SHA-256), compare one in a time that tells, or answer a web page that a browser was tricked into sending.
// In front of every route of the local API.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { checkSecret } from '../../protocol/node/secret-file.ts';
import { openSettings } from '../../protocol/node/settings.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** For the audit: the token's name, or 'command line'. */
    actor: string;
  }
}

export type TokenView = { readonly name: string; readonly addedMs: number };
type TokenFile = { tokens: { name: string; sha256: string; addedMs: number }[] };

export type Tokens = {
  /** Returns the token itself, once; durable on return. Throws `request-malformed` for a name that is taken or odd. */
  add(name: string, nowMs: number): Promise<string>;
  list(): readonly TokenView[];
  /** Throws `not-found`. Durable on return; the token is worthless at once. */
  remove(name: string): Promise<void>;
  /** Name of the holder, or undefined. */
  holder(token: string): string | undefined;
};

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A prefix lets scanners of leaked secrets find it; 256 random bits need no slow hash. */
const PREFIX = 'ltk_';

function checkFile(values: unknown): void {
  const tokens =
    typeof values === 'object' && values !== null && 'tokens' in values ? values.tokens : undefined;
  const good =
    Array.isArray(tokens) &&
    tokens.every(
      (each: Partial<Record<string, unknown>> | null) =>
        typeof each?.name === 'string' &&
        nameForm.test(each.name) &&
        typeof each.sha256 === 'string' &&
        /^[0-9a-f]{64}$/.test(each.sha256) &&
        Number.isSafeInteger(each.addedMs),
    );
  if (!good) throw new ExchangeError('config-invalid', 'tokens.json');
}

/** DIR/tokens.json, mode 0600: who may write it makes himself a token. Throws `key-file-loose`. */
export async function openTokens(dir: string): Promise<Tokens> {
  const path = join(dir, 'tokens.json');
  if (existsSync(path)) checkSecret(path);
  const file = await openSettings<TokenFile>(path, { tokens: [] }, checkFile);
  return {
    async add(name, nowMs) {
      if (!nameForm.test(name))
        throw new ExchangeError('request-malformed', 'a name has 1 to 64 letters, digits, dots and hyphens');
      if (file.current().tokens.some((each) => each.name === name))
        throw new ExchangeError('request-malformed', `there is a token of this name: ${name}`);
      const token = `${PREFIX}${randomBytes(32).toString('base64url')}`;
      await file.update((draft) => {
        draft.tokens.push({ name, sha256: sha256(token).toString('hex'), addedMs: nowMs });
      });
      return token;
    },
    list: () => file.current().tokens.map(({ name, addedMs }) => ({ name, addedMs })),
    async remove(name) {
      if (!file.current().tokens.some((each) => each.name === name))
        throw new ExchangeError('not-found', `no token of this name: ${name.slice(0, 64)}`);
      await file.update((draft) => {
        draft.tokens = draft.tokens.filter((each) => each.name !== name);
      });
    },
    holder(token) {
      const given = sha256(token);
      let found: string | undefined;
      // All of them, always: neither the place nor the number of tokens shows in the time.
      for (const each of file.current().tokens)
        if (timingSafeEqual(given, Buffer.from(each.sha256, 'hex'))) found = each.name;
      return found;
    },
  };
}

/** Answer without a token: nothing of them names a document. */
const open: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json']);

/**
 * Loopback: the Host header must name this machine (a web page that rebinds its name to 127.0.0.1 sends its own), and a Bearer token
 * of `tokens` is needed. `hosts` are further names, lower case, without port.
 */
export function requireToken(app: FastifyInstance, tokens: Tokens, hosts: readonly string[]): void {
  const allowed = new Set(['localhost', '127.0.0.1', '[::1]', ...hosts]);
  app.decorateRequest('actor', '');
  app.addHook('onRequest', async (request, reply) => {
    const host = (request.headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '');
    if (!allowed.has(host))
      throw new ExchangeError('request-malformed', 'the Host header does not name this machine');
    if (request.routeOptions.url !== undefined && open.has(request.routeOptions.url)) return;
    const actor = tokens.holder(bearer(request));
    if (actor === undefined) {
      // RFC 9110 §11.6.1: a 401 names its scheme.
      reply.header('www-authenticate', 'Bearer');
      throw new ExchangeError('token-missing');
    }
    request.actor = actor;
  });
}

function bearer({ headers }: FastifyRequest): string {
  return /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

/** The control socket: its file mode has already said who it is. */
export function operatorOnly(app: FastifyInstance): void {
  app.decorateRequest('actor', '');
  app.addHook('onRequest', async (request) => {
    request.actor = 'command line';
  });
}
