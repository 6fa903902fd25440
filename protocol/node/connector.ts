// Opens one verified TLS 1.3 connection to the hub, through an HTTP proxy if there is one, and says in our own codes why
// it could not. Must never accept a chain that our root did not issue; it looks at the presented one only to name the box in between.
import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  type PeerCertificate,
} from 'node:tls';
import { ExchangeError } from '../errors.ts';

export type ClientTls = {
  /** The roots we trust, and nothing else: the system's list does not count. */
  readonly ca: string | readonly string[];
  readonly key?: string;
  readonly cert?: string;
  readonly servername?: string;
  /** Judges the server's certificate after chain and host name have held; what it returns refuses the connection. */
  readonly refuseServer?: (certificateDer: Uint8Array) => Error | undefined;
  /** Only towards systems that are not ours; between our own programs it is 1.3 and nothing else. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
};

export type ProxyOptions = {
  /** http:// or https:// of the office's proxy. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
};

export type ConnectorOptions = {
  readonly tls?: ClientTls;
  readonly proxy?: ProxyOptions;
  readonly connectMs: number;
};

type Target = { readonly hostname: string; readonly port: number; readonly secure: boolean };
type Done = (err: Error | null, socket: Socket | null) => void;

/** Below the 30 s after which middleboxes of offices forget a silent connection, so that a held poll survives. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** undici's connector: calls back with a connected, verified socket, or an ExchangeError. */
export function connector(options: ConnectorOptions) {
  return (to: { hostname: string; port?: string; protocol: string }, done: Done): void => {
    const secure = to.protocol === 'https:';
    const target = {
      hostname: to.hostname.replace(/^\[|\]$/g, ''),
      port: Number(to.port || (secure ? 443 : 80)),
      secure,
    };
    let attempt: { destroy(): unknown } | undefined;
    let over = false;
    const finish: Done = (err, socket) => {
      if (over) {
        socket?.destroy();
        return;
      }
      over = true;
      clearTimeout(timer);
      if (err) attempt?.destroy();
      done(err, socket);
    };
    // A timer of its own: it bounds name look-up, proxy and handshake together.
    const timer = setTimeout(
      () => finish(new ExchangeError('hub-unreachable', 'connect timeout'), null),
      options.connectMs,
    );
    const secureOver = (socket: Socket) => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      if (target.secure) attempt = handshake(socket, target, options.tls, finish);
      else finish(null, socket);
    };
    attempt = options.proxy
      ? tunnel(options.proxy, target, secureOver, finish)
      : plain(target, secureOver, finish);
  };
}

function plain(target: Target, next: (socket: Socket) => void, done: Done): Socket {
  const socket = connectTcp({ host: target.hostname, port: target.port, autoSelectFamily: true });
  const failed = (err: NodeJS.ErrnoException) => done(connectFailure(err), null);
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    next(socket);
  });
  return socket;
}

/** RFC 9110 §9.3.6 CONNECT. */
function tunnel(
  proxy: ProxyOptions,
  target: Target,
  next: (socket: Socket) => void,
  done: Done,
): ClientRequest {
  const url = new URL(proxy.url);
  const authority = `${target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname}:${target.port}`;
  const credentials = Buffer.from(`${proxy.user ?? ''}:${proxy.password ?? ''}`).toString('base64');
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (url.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: {
      host: authority,
      ...(proxy.user === undefined ? {} : { 'proxy-authorization': `Basic ${credentials}` }),
    },
  });
  const refused = (status: number) =>
    done(
      new ExchangeError(status === 407 ? 'proxy-auth-required' : 'proxy-refused', `proxy status ${status}`),
      null,
    );
  request.once('connect', (response, socket) => {
    if (response.statusCode === 200) next(socket as Socket);
    else {
      // Detached from the request by now: nobody else would close it.
      socket.destroy();
      refused(response.statusCode ?? 0);
    }
  });
  request.once('response', (response) => refused(response.statusCode ?? 0));
  request.on('error', (cause: NodeJS.ErrnoException) =>
    done(new ExchangeError('proxy-refused', cause.code ?? '', { cause }), null),
  );
  request.end();
  return request;
}

function handshake(socket: Socket, target: Target, tls: ClientTls | undefined, done: Done): Socket {
  const options: ConnectionOptions = {
    socket,
    host: target.hostname,
    // RFC 6066 §3: no IP addresses in SNI.
    servername: tls?.servername ?? (/^[\d.]+$|:/.test(target.hostname) ? '' : target.hostname),
    ALPNProtocols: ['http/1.1'],
    minVersion: tls?.minVersion ?? 'TLSv1.3',
    rejectUnauthorized: true,
    ...(tls ? { ca: [tls.ca].flat() as string[], key: tls.key, cert: tls.cert } : {}),
    checkServerIdentity: (host, shown) =>
      checkServerIdentity(host, shown) ?? tls?.refuseServer?.(new Uint8Array(shown.raw)),
  };
  const secured = connectTls(options);
  let presented: PeerCertificate | undefined;
  // Before node's own listener, which drops the handle, and the certificate with it, when the chain does not verify.
  secured.prependOnceListener('secure', () => {
    // Not getPeerX509Certificate: on a client it takes the certificate out of node's chain, and the name check then fails.
    presented = secured.getPeerCertificate();
  });
  const failed = (err: NodeJS.ErrnoException) => done(tlsFailure(err, presented), null);
  secured.once('error', failed);
  secured.once('secureConnect', () => {
    secured.off('error', failed);
    done(null, secured);
  });
  return secured;
}

/** The chain ends in a root that is not ours: a box on the line, or the wrong hub. Other verdicts are about our own certificates. */
const foreignChain = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

function tlsFailure(cause: NodeJS.ErrnoException, presented: PeerCertificate | undefined): ExchangeError {
  const code = cause.code ?? '';
  if (foreignChain.has(code)) {
    // The CN is the box's own claim, shown to a person so that they can find it; it decides nothing.
    const issuer = String(presented?.issuer?.CN ?? presented?.issuer?.O ?? 'unknown');
    return new ExchangeError('tls-inspected', `issuer found: ${issuer.slice(0, 100)}`, { cause });
  }
  if (presented === undefined && !/^(ERR_SSL_|EPROTO)/.test(code)) return connectFailure(cause);
  return new ExchangeError('tls-failed', code.slice(0, 80), { cause });
}

/** Everything below TLS: the name, the route, the port. The code names which. */
export function connectFailure(cause: NodeJS.ErrnoException): ExchangeError {
  return new ExchangeError('hub-unreachable', (cause.code ?? '').slice(0, 80), { cause });
}
