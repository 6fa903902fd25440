// HTTP towards the hub, and towards our own control socket. The only importer of undici.
// Must never turn an unreadable answer into a permanent refusal: only a problem document of ours may end a document's way.
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { ExchangeError, isExchangeError } from '../errors.ts';
import { fromProblem, problemMediaType } from '../problem.ts';
import { type ClientTls, connectFailure, connector, type ProxyOptions } from './connector.ts';
import { releaseBytes } from './release.ts';

export type { ClientTls, ProxyOptions } from './connector.ts';

export type ClientTimeouts = {
  readonly connectMs: number;
  /** Until the head of the answer; above pollHoldMs. */
  readonly headersMs: number;
  /** Silence within a body. */
  readonly bodyMs: number;
};
const defaultTimeouts: ClientTimeouts = { connectMs: 15_000, headersMs: 45_000, bodyMs: 45_000 };

export type ClientOptions = {
  /** https://host:port of the hub. */
  readonly origin: string;
  readonly tls?: ClientTls;
  readonly proxy?: ProxyOptions;
  /** Connections at once; one is taken by the long poll. */
  readonly connections?: number;
  readonly timeouts?: Partial<ClientTimeouts>;
  /** Instead of TCP: a unix socket (control.ts). */
  readonly socketPath?: string;
};

export type ClientRequestOptions = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal;
  readonly headersTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  /** For servers that speak no problem documents: every status resolves, and the caller judges it. */
  readonly anyStatus?: boolean;
};

export type ClientAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Must be read to the end or destroyed, or its connection stays taken. */
  readonly body: Readable;
};

export type HttpClient = {
  /**
   * Resolves for 2xx and 3xx (any status with `anyStatus`). Rejects with the peer's own ExchangeError (problem document), or `hub-unreachable`,
   * `hub-timeout`, `hub-answer-malformed`, `tls-inspected`, `tls-failed`, `proxy-*`; with `signal.reason` when aborted.
   * Never repeats a request: every request of ours may be repeated by the caller, with the same bytes.
   */
  request(options: ClientRequestOptions): Promise<ClientAnswer>;
  /** As request; the whole answer, at most `answerBytesMax`, which must be application/x-protobuf (or empty). */
  requestProtobuf(
    options: Omit<ClientRequestOptions, 'body'> & {
      readonly body?: Uint8Array;
      readonly answerBytesMax: number;
    },
  ): Promise<{
    readonly status: number;
    readonly headers: ClientAnswer['headers'];
    readonly bytes: Uint8Array;
  }>;
  /** New certificates for new connections; requests in flight end on the old ones. */
  swapTls(tls: ClientTls): void;
  /** Waits for requests in flight. */
  close(): Promise<void>;
  /** Cuts requests in flight. */
  destroy(): Promise<void>;
};

const PROTOBUF = 'application/x-protobuf';
const PROBLEM_BYTES_MAX = 64 * 1024;
/** Four parallel uploads over a line of 2 Mbit/s are enough to fill it; more only share it. */
const CONNECTIONS = 6;
/** Shorter than the server's 75 s, so that we never write into a connection it is closing. */
const KEEP_ALIVE_MS = 55_000;

export function createHttpClient(options: ClientOptions): HttpClient {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const open = (tls: ClientTls | undefined) =>
    new Pool(options.origin, {
      connections: options.connections ?? CONNECTIONS,
      // More than one would let an upload delay the poll queued behind it.
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.bodyMs,
      ...(options.socketPath === undefined
        ? {
            connect: connector({
              connectMs: timeouts.connectMs,
              ...(tls ? { tls } : {}),
              ...(options.proxy ? { proxy: options.proxy } : {}),
            }) as never,
          }
        : { socketPath: options.socketPath }),
    });
  let pool = open(options.tls);
  const retiring = new Set<Promise<void>>();

  async function request(r: ClientRequestOptions): Promise<ClientAnswer> {
    let answer: Awaited<ReturnType<Pool['request']>>;
    try {
      answer = await pool.request({
        method: r.method,
        path: r.path,
        headers: { ...r.headers },
        body: r.body ?? null,
        ...(r.signal ? { signal: r.signal } : {}),
        ...(r.headersTimeoutMs === undefined ? {} : { headersTimeout: r.headersTimeoutMs }),
        ...(r.bodyTimeoutMs === undefined ? {} : { bodyTimeout: r.bodyTimeoutMs }),
      });
    } catch (err) {
      if (r.signal?.aborted) throw r.signal.reason;
      throw clientFailure(err);
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    if (answer.statusCode < 400 || r.anyStatus === true)
      return { status: answer.statusCode, headers, body: answer.body };
    throw await refusal(answer.statusCode, headers, answer.body);
  }

  return {
    request,
    async requestProtobuf({ answerBytesMax, ...r }) {
      const answer = await request({
        ...r,
        headers: { accept: PROTOBUF, ...(r.body ? { 'content-type': PROTOBUF } : {}), ...r.headers },
      });
      const { status, headers } = answer;
      const bytes = await readBounded(answer.body, answerBytesMax);
      if (bytes.length > 0 && mediaType(headers) !== PROTOBUF) {
        throw new ExchangeError(
          'hub-answer-malformed',
          `content-type ${(headers['content-type'] ?? 'none').slice(0, 60)}`,
        );
      }
      return { status, headers, bytes };
    },
    swapTls(tls) {
      const old = pool;
      pool = open(tls);
      const closed = old.close().finally(() => retiring.delete(closed));
      retiring.add(closed);
    },
    async close() {
      await Promise.all([pool.close(), ...retiring]);
    },
    async destroy() {
      await pool.destroy();
    },
  };
}

/** The whole body, or `hub-answer-malformed` over the bound; memory is bounded either way. */
export async function readBounded(body: Readable, bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new ExchangeError('hub-answer-malformed', `more than ${bytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (err) {
    throw clientFailure(err);
  }
  if (chunks.length === 1) return chunks[0]!;
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) releaseBytes(chunk);
  return whole;
}

function mediaType(headers: Readonly<Record<string, string>>): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function refusal(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Readable,
): Promise<ExchangeError> {
  try {
    const bytes = await readBounded(body, PROBLEM_BYTES_MAX);
    if (mediaType(headers) === problemMediaType)
      return fromProblem(status, JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    return new ExchangeError('hub-answer-malformed', `status ${status}`, { cause });
  }
  // A page of some box, not our hub's word: 404 or 400 of it must not end a document, so it is temporary whatever it says.
  return new ExchangeError('hub-answer-malformed', `status ${status} without a problem document`);
}

/** A failure of undici or of the connection in our vocabulary; by code, never by text. Also for errors met while reading a body. */
export function clientFailure(err: unknown): ExchangeError {
  for (let e = err; e instanceof Error; e = e.cause) if (isExchangeError(e)) return e;
  const code = err instanceof Error && 'code' in err ? String(err.code) : '';
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return new ExchangeError('hub-timeout', '', { cause: err });
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return new ExchangeError('hub-answer-malformed', code, { cause: err });
    default:
      // undici leaves `code` of a parse error empty for some kinds; its name is always set.
      if (err instanceof Error && err.name === 'HTTPParserError') {
        return new ExchangeError('hub-answer-malformed', 'not HTTP', { cause: err });
      }
      return connectFailure(err instanceof Error ? err : new Error(String(err)));
  }
}
