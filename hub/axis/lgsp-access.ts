// Who we are towards a provincial wrapper: system id and secret of each office, and the login whose token goes with every call. What the operator's
// secret file may hold is read here; nothing of it is ever logged, and a token lives in memory only.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { type AxisHttp, axisWords } from './axis-http.ts';

type System = { readonly systemId: string; readonly secret: string };
type Login = { readonly username: string; readonly password: string; readonly applicationCode: string };
export type LgspSecrets = {
  /** For offices that have none of their own; undefined when each has. */
  readonly common: System | undefined;
  /** By code of the office, upper case. */
  readonly offices: ReadonlyMap<string, System>;
  readonly login: Login | undefined;
};

/** Tokens of the one wrapper that is known end after 30 minutes. */
const TOKEN_MS = 29 * 60_000;

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/**
 * The secret as it was given: plain text is the secret of `systemId`; an object in JSON names `login` (username, password, applicationCode), `secret`,
 * and `offices` ({code, systemId, secret}). Throws config-invalid.
 */
export function lgspSecrets(given: string, systemId: string): LgspSecrets {
  if (!given.trimStart().startsWith('{'))
    return { common: { systemId, secret: given }, offices: new Map(), login: undefined };
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(given) as Record<string, unknown>;
  } catch {
    // The text of the parser would quote the secret.
    throw new ExchangeError('config-invalid', 'the secret file begins like JSON and is none');
  }
  const offices = new Map<string, System>();
  for (const each of Array.isArray(read.offices) ? (read.offices as Record<string, unknown>[]) : []) {
    const code = text(each.code).toUpperCase();
    const system = { systemId: text(each.systemId) || code, secret: text(each.secret) };
    if (code === '' || system.secret === '')
      throw new ExchangeError('config-invalid', 'an office in the secret file has no code or no secret');
    offices.set(code, system);
  }
  const secret = text(read.secret);
  const common = secret === '' ? undefined : { systemId, secret };
  if (!common && offices.size === 0)
    throw new ExchangeError('config-invalid', 'the secret file holds no secret');
  const login = read.login as Record<string, unknown> | undefined;
  if (login === undefined) return { common, offices, login: undefined };
  const [username, password] = [text(login.username), text(login.password)];
  if (username === '' || password === '')
    throw new ExchangeError('config-invalid', 'the login in the secret file has no username or no password');
  return { common, offices, login: { username, password, applicationCode: text(login.applicationCode) } };
}

export type LgspAccess = {
  /** Headers for a call in the name of an office; '' for one that is nobody's. Codes: axis-sender-unknown (no secret for it), axis-credentials-refused, axis-unreachable … */
  headers(office: string, signal: AbortSignal): Promise<Record<string, string>>;
  /** The offices that ask together because they have one system id; each with one of them. */
  groups(offices: readonly string[]): readonly { readonly office: string; readonly of: readonly string[] }[];
  /** The wrapper did not believe the token: the next call logs in anew. True when there was one. */
  forget(): boolean;
};

export function lgspAccess(
  secrets: LgspSecrets,
  deps: { readonly http: AxisHttp; readonly clock: Clock },
): LgspAccess {
  const { http, clock } = deps;
  let token: { readonly value: string; readonly untilMs: number } | undefined;
  let asking: Promise<string> | undefined;

  async function login({ username, password, applicationCode }: Login, signal: AbortSignal): Promise<string> {
    const { status, value } = await http.json({
      method: 'POST',
      path: '/v1/auth/login?allow_anonymous=true',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({
        username,
        password,
        applicationCode,
        otp: null,
        twoFactorProvider: null,
        typeObjs: [0, 1],
      }),
      signal,
    });
    const data = value.data as Record<string, unknown> | undefined;
    const found = text(data?.token) || text(value.token);
    if (found === '')
      throw new ExchangeError('axis-credentials-refused', axisWords(`HTTP ${status}`, value.message));
    token = { value: found, untilMs: clock.nowMs() + TOKEN_MS };
    return found;
  }

  async function bearer(signal: AbortSignal): Promise<Record<string, string>> {
    if (!secrets.login) return {};
    if (token && clock.nowMs() < token.untilMs) return { Authorization: `Bearer ${token.value}` };
    // One login for all calls that wait for it.
    asking ??= login(secrets.login, signal).finally(() => {
      asking = undefined;
    });
    return { Authorization: `Bearer ${await asking}` };
  }

  const systemOf = (office: string) => secrets.offices.get(office.toUpperCase()) ?? secrets.common;
  const anybody = secrets.common ?? [...secrets.offices.values()][0];
  return {
    async headers(office, signal) {
      const system = office === '' ? anybody : systemOf(office);
      if (!system) throw new ExchangeError('axis-sender-unknown', `${office} has no secret of the wrapper`);
      return {
        ...(await bearer(signal)),
        'X-SystemId': system.systemId,
        'X-SecretKey': system.secret,
        Accept: 'application/json',
      };
    },
    groups(offices) {
      const bySystem = new Map<string, string[]>();
      for (const office of offices) {
        const system = systemOf(office)?.systemId;
        if (system !== undefined) bySystem.set(system, [...(bySystem.get(system) ?? []), office]);
      }
      return [...bySystem.values()].map((of) => ({ office: of[0]!, of }));
    },
    forget() {
      const had = token !== undefined;
      token = undefined;
      return had;
    },
  };
}
