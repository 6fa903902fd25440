// Puts the local API together: one server for loopback (tokens, Host check), one for the control socket (the operator).
// Must never listen on anything but what it is told, and never on a public address without a token.
// Between the office's software and EdgeCore.
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../protocol/node/clock.ts';
import { createServer, type ExchangeServer } from '../../protocol/node/http-server.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { EdgeCore } from '../core.ts';
import { operatorOnly, requireToken, type Tokens } from './access.ts';
import { describeApi } from './openapi.ts';
import { documentRoutes } from './routes-documents.ts';
import { healthRoutes, inboxRoutes, nodeRoutes } from './routes-node.ts';
import { officeRoutes } from './routes-office.ts';
import { recipientRoutes } from './routes-recipients.ts';
import { safetyRoutes } from './routes-safety.ts';
import { searchRoutes } from './routes-search.ts';
import { statusRoutes } from './routes-statuses.ts';
import { strictRequests } from './validate.ts';

/** A document of 20 inline parts of 256 KiB in base64. What is larger is uploaded. */
const JSON_BYTES_MAX = 8 * 1024 * 1024;
/** A 64 GiB file from a slow disk or scanner: the silence between two pieces is bounded, not the whole. */
const REQUEST_MS_MAX = 24 * 3_600_000;

export type ApiOptions = {
  readonly core: EdgeCore;
  readonly log: Log;
  readonly clock: Clock;
  readonly version: string;
  /** Absent: the control socket. */
  readonly tokens?: Tokens;
  /** Names beside localhost by which this machine may be called. */
  readonly hosts?: readonly string[];
  /** Further routes of the control socket. */
  readonly more?: (app: FastifyInstance) => void;
};

export async function createApi(options: ApiOptions): Promise<ExchangeServer> {
  const { core, log, clock, version, tokens } = options;
  const server = createServer({
    log,
    clock,
    bodyLimitBytes: JSON_BYTES_MAX,
    streamTypes: ['application/octet-stream'],
    timeouts: { requestMs: REQUEST_MS_MAX },
  });
  const { app } = server;
  if (tokens) requireToken(app, tokens, options.hosts ?? []);
  else operatorOnly(app);
  strictRequests(app, () => clock.nowMs());
  await describeApi(app, version);
  documentRoutes(app, core);
  inboxRoutes(app, core);
  statusRoutes(app, core);
  nodeRoutes(app, core);
  searchRoutes(app, core);
  officeRoutes(app, core);
  recipientRoutes(app, core);
  safetyRoutes(app, core);
  healthRoutes(app, { core, nowMs: () => clock.nowMs(), version });
  options.more?.(app);
  return server;
}
