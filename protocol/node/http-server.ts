// The fastify factory of every listener: limits, slow clients, trust before anything else, RFC 9457 answers, draining.
// Must never let fastify's own error shapes leave, never read a body byte before the trust hook agreed, and never
// decide anything about documents. The only importer of fastify's value; route files import its types.
import { randomUUID } from 'node:crypto';
import type { ServerOptions as HttpsOptions, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { type ErrorCode, ExchangeError, isExchangeError } from '../errors.ts';
import { problemMediaType, toProblem } from '../problem.ts';
import { type Clock, systemClock } from './clock.ts';
import { crashOnFailedSync } from './durable.ts';
import type { Log } from './logger.ts';

/** Who is at the other end. certs/trust.ts adds its fields by declaration merging; `key` groups the sockets of one peer. */
export interface ServerPeer {
  readonly key: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the trust hook before any route; null on listeners without one. */
    peer: ServerPeer | null;
  }
}

export type ServerTimeouts = {
  /** From connection (or the end of the previous answer's keep-alive) to the last header byte. */
  readonly headersMs: number;
  /** A whole request with its body. 4 MiB over 64 kbit/s takes 9 minutes. */
  readonly requestMs: number;
  /** Silence in either direction; above pollHoldMs, since a held poll is silent. */
  readonly socketIdleMs: number;
  /** Between requests of a kept connection; above the client's own, so that the client closes first. */
  readonly keepAliveMs: number;
  /** How often node looks for requests over their time. */
  readonly checkEveryMs: number;
  readonly handshakeMs: number;
};

const defaultTimeouts: ServerTimeouts = {
  headersMs: 10_000,
  requestMs: 600_000,
  socketIdleMs: 60_000,
  keepAliveMs: 75_000,
  checkEveryMs: 2_000,
  handshakeMs: 10_000,
};

export type TlsMaterial = Pick<HttpsOptions, 'key' | 'cert' | 'ca' | 'crl'>;

export type ServerOptions = {
  /** Absent: plain HTTP (unix socket, loopback). */
  readonly tls?: TlsMaterial & {
    /** Default true: ask for a client certificate and let `trustHook` judge it. */ readonly requestCert?: boolean;
  };
  readonly log: Log;
  /** Runs first on every request, also on unknown paths, before a body byte is read. An ExchangeError is answered as such and the connection closed. */
  readonly trustHook?: (request: FastifyRequest) => ServerPeer | Promise<ServerPeer>;
  /** For JSON and protobuf bodies; a route may set its own `bodyLimit`, which also bounds its upload stream. */
  readonly bodyLimitBytes: number;
  /** Bodies of these types reach the route as a Readable that throws `batch-too-large` over the route's bodyLimit. */
  readonly streamTypes?: readonly string[];
  readonly timeouts?: Partial<ServerTimeouts>;
  readonly connectionsMax?: number;
  readonly socketsPerPeerMax?: number;
  readonly clock?: Clock;
};

type Address = { readonly host: string; readonly port: number };

export type ExchangeServer = {
  readonly app: FastifyInstance;
  /** `section`: the place of the address in config.json. Code: `config-invalid` when the address cannot be had, with what to change. */
  listen(where: Address, section: string): Promise<Address>;
  /** Refuses new requests with `shutting-down`, closes idle connections at once, waits for the running ones, cuts what is left at the deadline. */
  drain(deadlineMs: number): Promise<void>;
  /** Cuts every open connection of a peer (revoked, suspended, superseded); returns how many. */
  destroyPeer(key: string): number;
  /** New certificate or CRL for new connections; all fields each time. A bad PEM throws and the old ones go on. */
  setTls(tls: TlsMaterial): void;
  connections(): number;
};

export const protobufMediaType = 'application/x-protobuf';
/** Idle keep-alive connections cost 100 kB each under TLS; 12,000 are about 1.2 GB. */
const CONNECTIONS_MAX = 12_000;
const SOCKETS_PER_PEER_MAX = 32;
const DRAIN_RETRY_AFTER_MS = 2_000;

export function createServer(options: ServerOptions): ExchangeServer {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const app = fastify(fastifyOptions(options, timeouts)) as unknown as FastifyInstance;
  const server = app.server;
  server.headersTimeout = timeouts.headersMs;
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  const sockets = peerSockets(options.socketsPerPeerMax ?? SOCKETS_PER_PEER_MAX);
  let draining = false;
  // Also those that are still in their handshake, of which the HTTP server knows nothing.
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    raw.add(socket);
    socket.once('close', () => raw.delete(socket));
  });

  app.decorateRequest('peer', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (options.trustHook !== undefined) {
      try {
        request.peer = await options.trustHook(request);
        sockets.add(request.peer.key, request.raw.socket);
      } catch (err) {
        reply.header('connection', 'close');
        throw err;
      }
    }
    if (draining) {
      reply.header('connection', 'close');
      throw new ExchangeError('shutting-down', '', { retryAfterMs: DRAIN_RETRY_AFTER_MS });
    }
  });
  addParsers(app, options.streamTypes ?? []);
  answerErrors(app, options.log);

  return {
    app,
    async listen({ host, port }, section) {
      await app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
        const { code = '' } = cause;
        const busy = `; cổng đã có chương trình khác dùng, đặt "port" khác trong config.json; another program has this port, set another "port" in config.json`;
        throw new ExchangeError(
          'config-invalid',
          `/${section}: cannot listen on ${host}:${port} (${code})${code === 'EADDRINUSE' ? busy : ''}`,
          { cause },
        );
      });
      const address = server.address() as AddressInfo;
      return { host: address.address, port: address.port };
    },
    async drain(deadlineMs) {
      draining = true;
      const closed = app.close();
      const given = new AbortController();
      const cut = (options.clock ?? systemClock).sleep(deadlineMs, given.signal).then(() => {
        server.closeAllConnections();
        for (const socket of raw) socket.destroy();
      });
      server.closeIdleConnections();
      await closed;
      given.abort();
      await cut;
    },
    destroyPeer: (key) => sockets.destroy(key),
    setTls(tls) {
      (server as HttpsServer).setSecureContext({ ...tls, minVersion: 'TLSv1.3' });
    },
    connections: () => sockets.count(),
  };
}

function fastifyOptions(options: ServerOptions, timeouts: ServerTimeouts) {
  const tls = options.tls;
  const checks = { connectionsCheckingInterval: timeouts.checkEveryMs, requireHostHeader: true };
  const { requestCert = true, ...material } = tls ?? {};
  const https: HttpsOptions = {
    ...material,
    ...checks,
    requestCert,
    // Permissive on purpose: a refused handshake tells the office nothing; the trust hook answers 403 with the cause.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    handshakeTimeout: timeouts.handshakeMs,
  };
  return {
    ...(tls === undefined ? { http: checks, https: null } : { https }),
    logger: false as const,
    genReqId: () => randomUUID(),
    requestIdHeader: false as const,
    trustProxy: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: timeouts.requestMs,
    connectionTimeout: timeouts.socketIdleMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    forceCloseConnections: 'idle' as const,
    // While draining, fastify would answer 503 in its own shape; our hook answers instead.
    return503OnClosing: false,
    onProtoPoisoning: 'error' as const,
    onConstructorPoisoning: 'error' as const,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
    // fastify's defaults coerce types, drop unknown keys and fill in values: a request would not be what was sent.
    ajv: {
      customOptions: {
        coerceTypes: false as const,
        removeAdditional: false as const,
        useDefaults: false as const,
        allErrors: false,
      },
    },
    // A path that cannot be parsed never reaches the hooks; it gets no more than this.
    frameworkErrors: (_err: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      reply.header('connection', 'close');
      sendProblem(request, reply, new ExchangeError('request-malformed', 'path'));
    },
    clientErrorHandler: answerClientError,
  };
}

/** Faults below HTTP: no request object exists, so the answer is written by hand; there is no peer to log. */
function answerClientError(err: Error & { code?: string }, socket: Socket): void {
  // Before the end of a TLS handshake nothing can be said: words would wait for it, the socket with them, in no list that a drain closes.
  const shaking = 'secureConnecting' in socket && socket.secureConnecting === true;
  if (err.code === 'ECONNRESET' || shaking || !socket.writable) {
    socket.destroy();
    return;
  }
  const slow = err.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const code: ErrorCode = slow
    ? 'request-timeout'
    : err.code === 'HPE_HEADER_OVERFLOW'
      ? 'header-too-large'
      : 'request-malformed';
  const problem = toProblem(new ExchangeError(code));
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: ${problemMediaType}\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}

function addParsers(app: FastifyInstance, streamTypes: readonly string[]): void {
  app.removeContentTypeParser('text/plain');
  // fastify itself bounds `parseAs: 'buffer'` by content-length and by counted bytes.
  app.addContentTypeParser(protobufMediaType, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  for (const type of streamTypes) {
    // fastify does not bound a passthrough parser at all (STACK trap 25): both ways of measuring are ours.
    app.addContentTypeParser(type, (request, payload, done) => {
      const limitBytes = request.routeOptions.bodyLimit ?? 0;
      const declared = request.headers['content-length'];
      if (declared !== undefined && Number(declared) > limitBytes) done(tooLarge(limitBytes));
      else done(null, Readable.from(bounded(payload as Readable, limitBytes), { objectMode: false }));
    });
  }
}

async function* bounded(payload: Readable, limitBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  // destroyOnReturn would close the socket under the answer that says why.
  for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw tooLarge(limitBytes);
    yield chunk;
  }
}

function tooLarge(limitBytes: number): ExchangeError {
  return new ExchangeError('batch-too-large', `at most ${limitBytes} bytes`);
}

function answerErrors(app: FastifyInstance, log: Log): void {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(
      `^${url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[^/]+/g, '[^/]+')
        .replace(/\*/g, '.*')}$`,
    );
    for (const m of [method].flat()) routes.push({ method: m, pattern });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = routes.filter((r) => r.pattern.test(path)).map((r) => r.method);
    if (allowed.length > 0) reply.header('allow', [...new Set(allowed)].join(', '));
    throw new ExchangeError(allowed.length > 0 ? 'method-refused' : 'not-found');
  });
  app.setErrorHandler((err, request, reply) => {
    // A route that met a failed fsync may not answer at all.
    crashOnFailedSync(err);
    const known = translate(err);
    const fields = { requestId: request.id, code: known.code, peer: request.peer?.key };
    if (known.code === 'internal') log.error({ event: 'request.internal', ...fields, err });
    else log.info({ event: 'request.failed', ...fields, status: known.row.status });
    sendProblem(request, reply, known);
  });
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, err: ExchangeError): void {
  const problem = toProblem(err, { requestId: request.id });
  // Bytes of the body that nobody will read would be taken for the next request's head.
  if (!request.raw.complete) reply.header('connection', 'close');
  if (err.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(err.retryAfterMs / 1000));
  void reply.code(problem.status).type(problemMediaType).serializer(JSON.stringify).send(problem);
}

/** fastify's and node's own failures, by code and never by text; the rest is a fault of ours. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'batch-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-refused',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request-malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request-malformed',
  FST_ERR_NOT_FOUND: 'not-found',
  FST_ERR_BAD_URL: 'request-malformed',
  ECONNRESET: 'request-timeout',
  ERR_STREAM_PREMATURE_CLOSE: 'request-timeout',
};

function translate(err: unknown): ExchangeError {
  if (isExchangeError(err)) return err;
  if (!(err instanceof Error)) return new ExchangeError('internal', '', { cause: err });
  if ('validation' in err && Array.isArray(err.validation)) {
    const [first] = err.validation as readonly { instancePath?: string; message?: string }[];
    const part = 'validationContext' in err ? String(err.validationContext) : 'body';
    return new ExchangeError(
      'request-malformed',
      `${part}${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(),
    );
  }
  const code = 'code' in err && typeof err.code === 'string' ? err.code : '';
  const known = frameworkCodes[code];
  if (known !== undefined) return new ExchangeError(known, '', { cause: err });
  if (err instanceof SyntaxError && 'statusCode' in err && err.statusCode === 400) {
    return new ExchangeError('request-malformed', 'body is not JSON', { cause: err });
  }
  return new ExchangeError('internal', '', { cause: err });
}

/** Which sockets belong to whom, so that a revocation reaches connections that were opened before it. */
function peerSockets(perPeerMax: number) {
  const byKey = new Map<string, Set<Socket>>();
  const known = new WeakMap<Socket, string>();
  return {
    add(key: string, socket: Socket): void {
      if (known.get(socket) === key) return;
      const set = byKey.get(key) ?? new Set();
      if (set.size >= perPeerMax)
        throw new ExchangeError('rate-limited', 'too many connections', { retryAfterMs: 5_000 });
      byKey.set(key, set.add(socket));
      known.set(socket, key);
      socket.once('close', () => {
        set.delete(socket);
        if (set.size === 0 && byKey.get(key) === set) byKey.delete(key);
      });
    },
    destroy(key: string): number {
      const set = byKey.get(key) ?? new Set<Socket>();
      const cut = set.size;
      for (const socket of [...set]) socket.destroy();
      return cut;
    },
    count: () => [...byKey.values()].reduce((n, set) => n + set.size, 0),
  };
}
