// HTTP towards another system for the connectors: bounded answers in JSON, streams in and out, and every failure as one of the axis-* codes.
// It must never log or hold a secret, and never let a status or a page of some box between end a document: only the other system's own words may.
import { Readable } from 'node:stream';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { type ClientTls, createHttpClient, readBounded } from '../../protocol/node/http-client.ts';

export type AxisRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
};
export type AxisHttp = {
  /** The answer's JSON, at most 64 MiB; its status beside it. Codes: axis-unreachable, axis-busy (5xx), axis-answer-malformed. */
  json(request: AxisRequest): Promise<{ readonly status: number; readonly value: Record<string, unknown> }>;
  /** The answer as a stream; a 5xx is axis-busy. */
  stream(request: AxisRequest): Promise<{ readonly status: number; readonly body: AsyncIterable<Buffer> }>;
  close(): Promise<void>;
};

const JSON_BYTES_MAX = 64 * 1024 * 1024;
const WORDS_MAX = 300;

/** Words of the other system on one line, cut: they are shown to people and stand in alarms. */
export function axisWords(...said: readonly unknown[]): string {
  const words = said
    .filter((each) => typeof each === 'string' || typeof each === 'number')
    .map(String)
    .join(' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, WORDS_MAX);
  return words.isWellFormed() ? words : words.slice(0, -1);
}

export function createAxisHttp(options: {
  /** http(s)://host[:port]; a path before the calls may follow. */
  readonly url: string;
  readonly tls?: ClientTls;
  readonly timeoutMs: number;
}): AxisHttp {
  const { origin, pathname } = new URL(options.url);
  const before = pathname.replace(/\/+$/, '');
  const client = createHttpClient({
    origin,
    ...(options.tls ? { tls: options.tls } : {}),
    connections: 8,
    timeouts: { headersMs: options.timeoutMs, bodyMs: options.timeoutMs },
  });

  async function ask(request: AxisRequest) {
    try {
      const body = request.body;
      const stream =
        typeof body === 'object' && !(body instanceof Uint8Array)
          ? Readable.from(body, { objectMode: false })
          : body;
      return await client.request({
        method: request.method,
        path: `${before}${request.path}`,
        headers: request.headers,
        ...(stream === undefined ? {} : { body: stream as Readable | Uint8Array | string }),
        signal: request.signal,
        anyStatus: true,
      });
    } catch (error) {
      throw ofLine(error, request.signal);
    }
  }

  return {
    async json(request) {
      const { status, body } = await ask(request);
      let bytes: Uint8Array;
      try {
        bytes = await readBounded(body, JSON_BYTES_MAX);
      } catch (error) {
        throw ofLine(error, request.signal);
      }
      const text = Buffer.from(bytes).toString('utf8');
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        // A page of a box between, or of a server that is ill.
        throw new ExchangeError(
          status >= 500 ? 'axis-busy' : 'axis-answer-malformed',
          axisWords(`HTTP ${status}`, text.slice(0, 120)),
        );
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new ExchangeError('axis-answer-malformed', `HTTP ${status}`);
      if (status >= 500)
        throw new ExchangeError(
          'axis-busy',
          axisWords(`HTTP ${status}`, ...wordsIn(value as Record<string, unknown>)),
        );
      return { status, value: value as Record<string, unknown> };
    },
    async stream(request) {
      const { status, body } = await ask(request);
      if (status >= 500) {
        drop(body);
        throw new ExchangeError('axis-busy', `HTTP ${status}`);
      }
      return { status, body: guarded(body, request.signal) };
    },
    close: () => client.destroy(),
  };
}

const wordsIn = (value: Record<string, unknown>): readonly unknown[] => [
  value.ErrorCode ?? value.errorCode ?? value.code,
  value.ErrorDesc ?? value.errorDesc ?? value.message,
];

/** A body that is left in the middle says so as an error, which nobody waits for. */
function drop(body: Readable): void {
  body.once('error', () => {});
  body.destroy();
}

async function* guarded(body: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer;
  } catch (error) {
    throw ofLine(error, signal);
  } finally {
    drop(body);
  }
}

/** Trouble of the line in the words of this room; an abort stays what it is. */
function ofLine(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason ?? error;
  if (isExchangeError(error) && /^(axis|edxml|border|disk|content)-/.test(error.code)) return error;
  const said = isExchangeError(error)
    ? `${error.code} ${error.detail}`.trim()
    : error instanceof Error
      ? error.name
      : '';
  if (isExchangeError(error, 'hub-answer-malformed'))
    return new ExchangeError('axis-answer-malformed', said, { cause: error });
  return new ExchangeError('axis-unreachable', said, { cause: error });
}
