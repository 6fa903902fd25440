// ExchangeError <-> RFC 9457 problem documents. The only shape in which a failure crosses the wire.
import {
  catalogue,
  type ErrorCode,
  ExchangeError,
  isErrorCode,
  isExchangeError,
  type Violation,
} from './errors.ts';

export const problemMediaType = 'application/problem+json';
const typeBase = 'https://lienthong.invalid/errors/';

/** RFC 9457 §3.1 members, and ours: code, retry, who, remedy in both languages, retryAfterMs. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  readonly code: string;
  readonly retry: string;
  readonly who: string;
  readonly titleVi: string;
  readonly remedy: string;
  readonly remedyVi: string;
  readonly retryAfterMs?: number;
  /** All that is wrong with a request, field by field. */
  readonly violations?: readonly Violation[];
};

/** Anything that is not an ExchangeError becomes `internal` with no detail; its cause belongs in the log. */
export function toProblem(error: unknown, options: { requestId?: string } = {}): Problem {
  const known = isExchangeError(error) ? error : new ExchangeError('internal');
  const { status, retry, who, title, remedy } = catalogue[known.code];
  return {
    type: `${typeBase}${known.code}`,
    title: title.en,
    status,
    ...(known.detail ? { detail: known.detail } : {}),
    ...(options.requestId ? { instance: `urn:lienthong:request:${options.requestId}` } : {}),
    code: known.code,
    retry,
    who,
    titleVi: title.vi,
    remedy: remedy.en,
    remedyVi: remedy.vi,
    ...(known.retryAfterMs === undefined ? {} : { retryAfterMs: known.retryAfterMs }),
    ...(known.violations.length === 0 ? {} : { violations: known.violations }),
  };
}

/** Decides on `code`; an unknown code (a later version) falls back to the HTTP status: 4xx never, 408/425/429/5xx later. */
export function fromProblem(status: number, body: unknown): ExchangeError {
  const fields: Partial<Record<string, unknown>> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  const code = typeof fields.code === 'string' ? fields.code : '';
  const said = typeof fields.detail === 'string' ? fields.detail.slice(0, 500) : '';
  const wait =
    typeof fields.retryAfterMs === 'number' && fields.retryAfterMs >= 0 ? fields.retryAfterMs : undefined;
  const violations = violationsIn(fields.violations);
  const options = {
    ...(wait === undefined ? {} : { retryAfterMs: Math.min(wait, 86_400_000) }),
    ...(violations.length === 0 ? {} : { violations }),
  };
  if (isErrorCode(code)) return new ExchangeError(code, said, options);
  return new ExchangeError(
    byStatus(status),
    `status ${status}${code ? `, code ${code.slice(0, 60)}` : ''}`,
    options,
  );
}

/** Of a body made by anybody: bounded, and only what has the shape. */
function violationsIn(given: unknown): Violation[] {
  const isViolation = (one: unknown): one is Violation =>
    typeof one === 'object' &&
    one !== null &&
    ['field', 'vi', 'en'].every((name) => typeof (one as Record<string, unknown>)[name] === 'string');
  return (Array.isArray(given) ? given.slice(0, 64) : [])
    .filter(isViolation)
    .map(({ field, vi, en }) => ({ field: field.slice(0, 200), vi: vi.slice(0, 500), en: en.slice(0, 500) }));
}

function byStatus(status: number): ErrorCode {
  if (status === 429) return 'rate-limited';
  if (status === 408 || status === 504) return 'hub-timeout';
  if (status === 413) return 'batch-too-large';
  if (status === 401 || status === 403) return 'peer-unknown';
  if (status === 404) return 'not-found';
  if (status >= 400 && status < 500) return 'request-malformed';
  return 'overloaded';
}
