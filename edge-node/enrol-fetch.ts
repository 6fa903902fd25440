// The first contact with an enrolment listener: root certificate and time over a connection that nobody has vouched for yet.
// Nothing secret may ever be sent here, and nothing that arrives is believed before it is compared with the invitation.
// First step of enrolment; afterwards enrol.ts connects again, strictly.
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { rootFetchClientOptions } from '../certs/listen.ts';
import { certificateDer } from '../certs/pem.ts';
import { enrolPaths } from '../protocol/api.ts';
import { directoryAnswerCodec } from '../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { connectFailure, connector, type ProxyOptions } from '../protocol/node/connector.ts';
import { readBounded } from '../protocol/node/http-client.ts';

export type FirstContact = {
  readonly rootDer: Uint8Array;
  /** The other side's clock, if it said one: a hint for the words of an error, no more. */
  readonly hubMs: number | undefined;
};

const TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAX = 64 * 1024;

export type ContactOptions = {
  readonly url: string;
  readonly proxy?: ProxyOptions;
};

/**
 * Codes: hub-unreachable, proxy-*, tls-failed, `tls-inspected` when somebody answers who is no enrolment listener (a box or a portal on
 * the line), naming the issuer that it shows.
 */
export async function firstContact(options: ContactOptions): Promise<FirstContact> {
  const root = await fetchOnce(options, enrolPaths.root);
  let rootDer: Uint8Array;
  try {
    rootDer = certificateDer(root.bytes.toString('utf8'));
  } catch (cause) {
    if (!isExchangeError(cause, 'certificate-malformed')) throw cause;
    throw new ExchangeError('tls-inspected', `no root certificate there; issuer found: ${root.issuer}`, {
      cause,
    });
  }
  return { rootDer, hubMs: await unverifiedTime(options) };
}

/** The other side's clock, whoever it is: for the words of an explanation, never for a decision. */
export async function unverifiedTime(options: ContactOptions): Promise<number | undefined> {
  try {
    const { bytes } = await fetchOnce(options, enrolPaths.time);
    const said: unknown = JSON.parse(bytes.toString('utf8'));
    const nowMs = typeof said === 'object' && said !== null && 'nowMs' in said ? said.nowMs : undefined;
    return typeof nowMs === 'number' && Number.isSafeInteger(nowMs) ? nowMs : undefined;
  } catch {
    // Only a hint: the strict connection that follows says what is wrong.
    return undefined;
  }
}

/** Signed hand-overs of roots, from whoever answers: certs/roots.ts believes only what a root believed here has signed. */
export async function unverifiedHandovers(options: ContactOptions): Promise<readonly Uint8Array[]> {
  try {
    const { bytes } = await fetchOnce(options, enrolPaths.handovers);
    return directoryAnswerCodec.decode(bytes).rootHandovers;
  } catch {
    // A hub of an earlier version has none; the failed connection is what is told.
    return [];
  }
}

async function fetchOnce(options: ContactOptions, path: string): Promise<{ bytes: Buffer; issuer: string }> {
  const url = new URL(options.url);
  const socket = await openUnverified(url, options.proxy);
  const issuer = issuerOf(socket);
  try {
    return { bytes: await get(socket, url, path), issuer };
  } finally {
    socket.destroy();
  }
}

function get(socket: TLSSocket, url: URL, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        createConnection: () => socket,
        method: 'GET',
        path,
        headers: { host: url.host },
        timeout: TIMEOUT_MS,
      },
      (answer) => {
        if (answer.statusCode !== 200) {
          answer.resume();
          reject(new ExchangeError('hub-answer-malformed', `status ${answer.statusCode ?? 0} at ${path}`));
          return;
        }
        readBounded(answer, ANSWER_BYTES_MAX).then((bytes) => resolve(Buffer.from(bytes)), reject);
      },
    );
    request.once('timeout', () => request.destroy(new ExchangeError('hub-timeout')));
    request.once('error', (cause: NodeJS.ErrnoException) =>
      reject(isExchangeError(cause) ? cause : connectFailure(cause)),
    );
    request.end();
  });
}

/** TCP (through the proxy), then TLS without judging the chain. */
async function openUnverified(url: URL, proxy: ProxyOptions | undefined): Promise<TLSSocket> {
  const open = connector({ connectMs: TIMEOUT_MS, ...(proxy ? { proxy } : {}) });
  // 'http:' gives the bare connection; the port is that of the https address.
  const to = { hostname: url.hostname, port: url.port || '443', protocol: 'http:' };
  const plain = await new Promise<Socket>((resolve, reject) =>
    open(to, (error, socket) => (socket ? resolve(socket) : reject(error))),
  );
  return await new Promise((resolve, reject) => {
    const secured = connectTls({
      ...rootFetchClientOptions(),
      socket: plain,
      ...(/^[\d.]+$|:/.test(url.hostname) ? {} : { servername: url.hostname }),
      ALPNProtocols: ['http/1.1'],
    });
    const timer = setTimeout(
      () => secured.destroy(new ExchangeError('hub-timeout', 'TLS handshake')),
      TIMEOUT_MS,
    );
    secured.once('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(isExchangeError(cause) ? cause : new ExchangeError('tls-failed', cause.code ?? '', { cause }));
    });
    secured.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(secured);
    });
  });
}

/** The box's own claim, for a person who looks for it. */
function issuerOf(socket: TLSSocket): string {
  const issuer = socket.getPeerX509Certificate()?.issuer ?? '';
  return (/^CN=(.*)$/m.exec(issuer)?.[1] ?? (issuer || 'unknown')).slice(0, 100);
}
