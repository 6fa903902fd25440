// Puts the console together: one listener of its own, for people with a browser. On the loopback by default; on the office's network only when the
// configuration says so, and then over TLS. Calls the same verbs as the API; there is no second path to a document.
import fs from 'node:fs';
import { isLocked } from '../../certs/key-protection.ts';
import { keyPem, loadKeyFile } from '../../certs/keys.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { createServer, type ExchangeServer, type TlsMaterial } from '../../protocol/node/http-server.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { Tokens } from '../api/access.ts';
import { strictRequests } from '../api/validate.ts';
import type { EdgeConfig } from '../config.ts';
import type { Edge } from '../core.ts';
import { ensureBuilt, loadBundle } from './bundle.ts';
import { eventRoutes } from './events.ts';
import { cookieName, type GuardedRoute, type GuardOptions, guard } from './guard.ts';
import { startNotifier } from './notify.ts';
import { composeRoutes } from './routes-compose.ts';
import { documentRoutes } from './routes-documents.ts';
import { figureRoutes } from './routes-figures.ts';
import { keyRoutes } from './routes-keys.ts';
import { officeRoutes } from './routes-office.ts';
import { outsideRoutes } from './routes-outside.ts';
import { staticRoutes } from './routes-pages-static.ts';
import { sessionRoutes } from './routes-session.ts';
import { workRoutes } from './routes-work.ts';

export type ConsoleConfig = NonNullable<EdgeConfig['console']>;
export type ConsoleOptions = {
  readonly edge: Edge;
  readonly log: Log;
  readonly clock: Clock;
  readonly config: ConsoleConfig;
  /** Keys of the REST API; left out, the console has no screen for them. */
  readonly tokens?: Tokens;
};
export type RunningConsole = {
  /** As a person types it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Every route with the act that it needs. */
  readonly routes: readonly GuardedRoute[];
  close(): Promise<void>;
};

const bodyBytes = 256 * 1024;
const drainMs = 5_000;
/** A look reads two small files. */
const certificateLookMs = 5_000;
const isLoopback = (address: string): boolean => /^(127\.|::1$|localhost$)/.test(address);

/** Throws `config-invalid` for an address beyond this machine without TLS, an unreadable certificate, or a port that is taken. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const { edge, log, clock, config } = options;
  const tls = tlsOf(config);
  if (!isLoopback(config.address) && !tls)
    throw new ExchangeError(
      'config-invalid',
      '/console: beyond this machine only over TLS; set tls.certificateFile and tls.keyFile',
    );
  const unit = edge.units()[0]?.unit ?? '';
  const guardOptions: GuardOptions = {
    signIn: edge.signIn,
    hosts: [config.name ?? '', config.address].filter(Boolean).map((name) => name.toLowerCase()),
    tls: tls !== undefined,
    nowMs: () => clock.nowMs(),
    cookie: cookieName(unit, tls !== undefined),
  };
  const bundle = await loadBundle(await ensureBuilt());
  const server = createServer({
    log,
    clock,
    bodyLimitBytes: bodyBytes,
    streamTypes: ['application/octet-stream'],
    ...(tls ? { tls: { ...tls, requestCert: false } } : {}),
  });
  const { app } = server;
  const routes = guard(app, guardOptions);
  strictRequests(app, () => clock.nowMs());
  staticRoutes(app, bundle);
  const nowMs = () => clock.nowMs();
  let url = '';
  const label = config.outside && (config.outside.label ?? 'Đăng nhập bằng tài khoản dùng chung của tỉnh');
  sessionRoutes(app, { edge, guard: guardOptions, nowMs, outside: label });
  if (config.outside) {
    const clientSecret = fs.readFileSync(config.outside.clientSecretFile, 'utf8').trim();
    const outside = edge.signIn.openOutside({ ...config.outside, clientSecret });
    outsideRoutes(app, { outside, signIn: edge.signIn, guard: guardOptions, url: () => url, nowMs });
  }
  documentRoutes(app, edge);
  composeRoutes(app, edge);
  workRoutes(app, edge);
  officeRoutes(app, edge);
  figureRoutes(app, edge);
  if (options.tokens) keyRoutes(app, { edge, tokens: options.tokens, nowMs });
  const events = eventRoutes(app, { edge, clock, guard: guardOptions });
  const at = await server
    .listen({ host: config.address, port: config.port }, 'console')
    .catch((error: unknown) => {
      events.close();
      throw error;
    });
  const name = config.name ?? (isLoopback(config.address) ? 'localhost' : config.address);
  url = `${tls ? 'https' : 'http'}://${name}:${at.port}`;
  const renewed = tls && followCertificate(tls, server, options);
  const notifier = config.notify && startNotifier(config.notify, { edge, log, clock, url });
  return {
    url,
    routes,
    ...at,
    async close() {
      renewed?.close();
      await notifier?.close();
      events.close();
      await server.drain(drainMs);
    },
  };
}

/**
 * Uses a renewed certificate without a restart: new connections see it, the ones that stand go on. Key and certificate are two files that are replaced one
 * after the other: a pair that does not fit is looked at again, and what worked stays.
 */
function followCertificate(
  first: TlsMaterial,
  server: ExchangeServer,
  { config, clock, log }: ConsoleOptions,
): { close(): void } {
  const over = new AbortController();
  const textOf = ({ cert, key }: TlsMaterial) => `${cert} ${key}`;
  let seen = textOf(first);
  let said = '';
  const look = () => {
    try {
      const now = tlsOf(config);
      if (!now || textOf(now) === seen) return;
      server.setTls(now);
      seen = textOf(now);
      said = '';
      log.info({ event: 'pages.certificate' });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      // Said once, not every five seconds.
      if (words !== said) log.warn({ event: 'pages.certificate-unusable', said: words });
      said = words;
    }
  };
  void (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(certificateLookMs, over.signal);
      if (!over.signal.aborted) look();
    }
  })();
  return { close: () => over.abort() };
}

function tlsOf({ tls }: ConsoleConfig): TlsMaterial | undefined {
  if (!tls) return undefined;
  try {
    const key = fs.readFileSync(tls.keyFile, 'utf8');
    // One of ours may lie under the passphrase of this process; an imported one may be of any kind.
    return {
      cert: fs.readFileSync(tls.certificateFile, 'utf8'),
      key: isLocked(key) ? keyPem(loadKeyFile(tls.keyFile)) : key,
    };
  } catch (cause) {
    if (isExchangeError(cause)) throw cause;
    throw new ExchangeError('config-invalid', '/console/tls: the files cannot be read', { cause });
  }
}
