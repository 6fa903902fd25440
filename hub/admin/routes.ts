// The admin API of a hub: JSON on the control socket, and injected by the command line when no process runs. Peers, queue, alarms,
// directory, ledger and status here; units and certificates in unit-routes.ts. The caller must be the operator: never on a network port.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseHubId } from '../../protocol/ids.ts';
import { readFact } from '../store/facts.ts';
import type { PeerStateName } from '../store/unit-ops.ts';
import type { Admin } from './acts.ts';
import { addAuditRoutes } from './audit-routes.ts';
import { actorNow } from './caller.ts';
import { addDirectoryRoutes } from './directory-routes.ts';
import { alarms, deliveries, ledgerHead, queue, report } from './queue.ts';
import { addReformRoutes } from './reform-routes.ts';
import { addUnitRoutes } from './unit-routes.ts';

/** Directory parts of a large hub are tens of MB, and base64 adds a third. The control listener's `bodyLimitBytes`. */
export const adminBodyBytesMax = 96 * 1024 * 1024;

export type AdminRoutes = {
  /** What only the running process knows (readiness, connections, listeners); merged into /admin/v1/status. */
  readonly live?: () => Readonly<Record<string, unknown>>;
  /** Called after `upstream set`, so that the link to the next hub starts anew. */
  readonly upstreamChanged?: () => void;
  /** The hub above; '' at the top. */
  readonly upstream?: () => string;
  /** How long an invitation is good: config.invitationDays. Default a week. */
  readonly invitationMs?: number;
};

const text = { type: 'string', minLength: 1, maxLength: 400 } as const;
const body = (required: readonly string[], properties: Record<string, unknown>) => ({
  body: { type: 'object', additionalProperties: false, required, properties },
});
/** Rows of one list. */
const LIST_MAX = 1000;

function addPeerRoutes(app: FastifyInstance, admin: Admin, options: AdminRoutes): void {
  const { clock, store, directory } = admin;

  app.get('/admin/v1/peers', async () => ({
    peers: store.reader.all(
      `SELECT p.peer, p.kind, p.state, p.instance, p.restore_count AS "restoreCount", p.software, p.last_seen_ms AS "lastSeenMs",
         p.added_ms AS "addedMs", (SELECT group_concat(unit) FROM units u WHERE u.node = p.peer) AS units
       FROM peers p ORDER BY p.kind, p.added_ms`,
    ),
  }));

  app.post<{ Body: { hubId: string; part?: string } }>(
    '/admin/v1/peers/hub',
    { schema: body(['hubId'], { hubId: text, part: { type: 'string' } }) },
    async ({ body: { hubId, part } }, reply) => {
      const peer = parseHubId(hubId);
      if (peer === directory.own().hub)
        throw new ExchangeError('request-malformed', 'this is the hub itself');
      // Its part first: it must verify, and it names the key with which the hub will connect.
      if (part !== undefined) await directory.offerAnswer(Buffer.from(part, 'base64'));
      await admin.act('peerAddHub', { hubId: peer, nowMs: clock.nowMs() });
      return reply.code(201).send({ hubId: peer, known: directory.current().hub(peer) !== undefined });
    },
  );

  const moves: Readonly<Record<string, { from: readonly PeerStateName[]; to: PeerStateName }>> = {
    suspend: { from: ['active', 'unconfirmed'], to: 'suspended' },
    resume: { from: ['suspended'], to: 'active' },
    close: { from: ['active', 'unconfirmed', 'suspended'], to: 'closed' },
  };
  for (const [path, move] of Object.entries(moves))
    app.post<{ Params: { peer: string } }>(`/admin/v1/peers/:peer/${path}`, async ({ params: { peer } }) => {
      await admin.act('peerState', { peer, ...move });
      const cut = move.to === 'active' ? 0 : admin.cutPeer(peer);
      return { peer, state: move.to, cut };
    });

  app.post<{ Body: { hubId?: string; url?: string } }>(
    '/admin/v1/upstream',
    { schema: body([], { hubId: text, url: { type: 'string', pattern: '^https://', maxLength: 300 } }) },
    async ({ body: { hubId, url } }) => {
      if ((hubId === undefined) !== (url === undefined))
        throw new ExchangeError('request-malformed', 'both hubId and url, or neither to cut the link');
      const parentHub = hubId === undefined ? '' : parseHubId(hubId);
      const upstream = url === undefined ? '' : JSON.stringify({ kind: 'hub', hubId: parentHub, url });
      const done = await admin.act('setUpstream', { parentHub, upstream, nowMs: clock.nowMs() });
      options.upstreamChanged?.();
      return { parentHub, ...done };
    },
  );
}

type Choice = { ids?: number[]; peer?: string; unit?: string };
const choiceSchema = body([], {
  ids: { type: 'array', minItems: 1, maxItems: LIST_MAX, items: { type: 'integer', minimum: 1 } },
  peer: text,
  unit: text,
});

function addQueueRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock, store } = admin;
  const named = (unit: string) => ({ unit, code: admin.codeOf(unit) });

  app.get('/admin/v1/queue', async () => ({
    queue: queue(store.reader, clock.nowMs()).map((line) => ({ ...line, ...named(line.unit) })),
  }));

  app.get<{ Querystring: { peer?: string; unit?: string; state?: string } }>(
    '/admin/v1/deliveries',
    async ({ query: { peer, unit, state } }) => ({
      deliveries: deliveries(store.reader, {
        peer,
        unit: unit === undefined ? undefined : admin.unitOf(unit),
        state,
        limit: LIST_MAX,
      }).map((row) => ({ ...row, code: admin.codeOf(row.unit), senderCode: admin.codeOf(row.sender) })),
    }),
  );

  /** A unit is a choice of people: the deliveries that wait for it now, by their ids. */
  function chosen({ ids, peer, unit }: Choice) {
    const given = [ids, peer, unit].filter((each) => each !== undefined).length;
    if (given !== 1) throw new ExchangeError('request-malformed', 'one of ids, peer, unit');
    const nowMs = clock.nowMs();
    if (peer !== undefined) return { peer, nowMs };
    if (ids !== undefined) return { ids, nowMs };
    const rows = deliveries(store.reader, { unit: admin.unitOf(unit ?? ''), limit: LIST_MAX });
    return { ids: rows.map(({ id }) => id), nowMs };
  }

  app.post<{ Body: Choice }>('/admin/v1/redrive', { schema: choiceSchema }, async ({ body: choice }) => {
    const peers = await store.redrive({ ...chosen(choice), by: actorNow() });
    admin.wake(peers);
    return { peers };
  });
  app.post<{ Body: Choice }>('/admin/v1/hold', { schema: choiceSchema }, async ({ body: choice }) => ({
    held: await store.hold({ ...chosen(choice), by: actorNow() }),
  }));
  // Ends in a signed notice to the sender: no document disappears without a word.
  app.post<{ Body: Choice }>('/admin/v1/cancel', { schema: choiceSchema }, async ({ body: choice }) => {
    const peers = await store.cancel({ ...chosen(choice), by: actorNow() });
    admin.wake(peers);
    return { peers };
  });

  app.get<{ Querystring: { fromMs?: string; toMs?: string } }>(
    '/admin/v1/report',
    async ({ query: { fromMs, toMs } }) => {
      const figures = report(store.reader, wholeMs(fromMs, 0), wholeMs(toMs, clock.nowMs()));
      return {
        ...figures,
        sent: figures.sent.map((row) => ({ ...row, ...named(row.unit) })),
        received: figures.received.map((row) => ({ ...row, ...named(row.unit) })),
      };
    },
  );
}

function wholeMs(given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ExchangeError('request-malformed', 'a time is a whole number of milliseconds');
  return value;
}

function addStateRoutes(app: FastifyInstance, admin: Admin, options: AdminRoutes): void {
  const { clock, store, directory } = admin;

  app.get<{ Querystring: { all?: string } }>('/admin/v1/alarms', async ({ query: { all } }) => ({
    alarms: alarms(store.reader, { all: all === 'true', limit: LIST_MAX }),
  }));
  app.post<{ Body: { id: number } }>(
    '/admin/v1/alarms/seen',
    { schema: body(['id'], { id: { type: 'integer', minimum: 0 } }) },
    async ({ body: { id } }) => ({ seen: await admin.act('alarmSeen', { id, nowMs: clock.nowMs() }) }),
  );

  app.get('/admin/v1/directory', async () => ({
    stamp: directory.stamp(),
    answer: directory.answer().toString('base64'),
  }));
  app.post<{ Body: { answer: string } }>(
    '/admin/v1/directory',
    { schema: body(['answer'], { answer: { type: 'string' } }) },
    async ({ body: { answer } }) => ({
      newer: await directory.offerAnswer(Buffer.from(answer, 'base64')),
      stamp: directory.stamp(),
    }),
  );

  app.get('/admin/v1/ledger', async () => ledgerHead(store.reader));

  app.get('/admin/v1/status', async () => {
    const own = directory.own();
    const count = (sql: string) => store.reader.get<{ n: number }>(sql)?.n ?? 0;
    return {
      hubId: own.hub,
      name: own.name,
      parent: own.parent,
      epoch: Number(readFact(store.reader, 'epoch') ?? 0),
      directoryVersion: own.version,
      directoryExpiresMs: own.expiresMs,
      revocationNumber: own.revocationNumber,
      ledger: ledgerHead(store.reader),
      units: Object.fromEntries(
        store.reader
          .all<{ state: string; n: number }>('SELECT state, count(*) AS n FROM units GROUP BY state')
          .map(({ state, n }) => [state, n]),
      ),
      openDeliveries: count(
        "SELECT count(*) AS n FROM deliveries WHERE state IN ('ready','deferred','leased','held','relayed')",
      ),
      held: count("SELECT count(*) AS n FROM deliveries WHERE state = 'held'"),
      alarms: count('SELECT count(*) AS n FROM alarms WHERE seen_ms IS NULL'),
      nowMs: clock.nowMs(),
      ...options.live?.(),
    };
  });
}

export function addAdminRoutes(app: FastifyInstance, admin: Admin, options: AdminRoutes): void {
  addReformRoutes(app, admin, options.upstream ?? (() => ''));
  addDirectoryRoutes(app, admin);
  addUnitRoutes(app, admin, { invitationMs: options.invitationMs ?? 7 * 86_400_000 });
  addPeerRoutes(app, admin, options);
  addQueueRoutes(app, admin);
  addStateRoutes(app, admin, options);
  addAuditRoutes(app, admin);
}
