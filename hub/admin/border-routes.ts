// The admin API of borders: added, changed, asked and looked at. Secrets come in and never go out. See routes.ts for who may call.
import type { FastifyInstance } from 'fastify';
import { resolveAddress } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseDocumentId, uuidToBytes } from '../../protocol/ids.ts';
import type { Borders } from '../axis/borders.ts';
import type { BorderRecord, BorderSettings } from '../axis/context.ts';
import { borderDetail, borderLines } from '../axis/show.ts';
import type { Admin } from './acts.ts';

const text = (maxLength: number, minLength = 1) => ({ type: 'string', minLength, maxLength }) as const;
const settingsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    url: text(300),
    systemId: text(100),
    parentCode: text(64, 0),
    ca: text(64 * 1024, 0),
    pollSeconds: { type: 'integer', minimum: 1, maximum: 86_400 },
    directorySeconds: { type: 'integer', minimum: 1, maximum: 604_800 },
    messageBytesMax: { type: 'integer', minimum: 0 },
  },
} as const;
const newBorderSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'connector', 'system', 'code', 'unitName', 'settings', 'secret'],
  properties: {
    name: text(32),
    connector: text(32),
    system: text(64),
    code: text(64),
    unitName: text(300),
    settings: { ...settingsSchema, required: ['url', 'systemId'] },
    secret: text(64 * 1024),
  },
} as const;
const LIST_MAX = 1000;

type Named = { Params: { name: string } };

export function addBorderRoutes(app: FastifyInstance, admin: Admin, borders: Borders): void {
  const { store } = admin;

  function view(record: BorderRecord) {
    const live = borders.running(record.name)?.status();
    const count = (sql: string) => store.reader.get<{ n: number }>(sql, record.name)?.n ?? 0;
    return {
      ...record,
      settings: { ...record.settings, ca: record.settings.ca === '' ? '' : '(PEM)' },
      code: admin.codeOf(record.unit),
      running: live !== undefined,
      lastContactMs: live?.lastContactMs ?? null,
      lastError: live?.lastError ?? null,
      offices: count('SELECT count(*) AS n FROM border_agencies WHERE border = ? AND deleted = 0'),
      waiting: count("SELECT count(*) AS n FROM border_out WHERE border = ? AND state = 'made'"),
      sent: count("SELECT count(*) AS n FROM border_out WHERE border = ? AND state IN ('sent','reported')"),
      received: count(
        "SELECT count(*) AS n FROM border_in WHERE border = ? AND state IN ('accepted','noted','sealed')",
      ),
      refusedIn: count("SELECT count(*) AS n FROM border_in WHERE border = ? AND state = 'refused'"),
      refusedOut: count("SELECT count(*) AS n FROM border_out WHERE border = ? AND state = 'refused'"),
      held: count("SELECT count(*) AS n FROM border_in WHERE border = ? AND state = 'held'"),
    };
  }
  function live(name: string) {
    const border = borders.running(name);
    if (border) return border;
    if (!borders.list().some((record) => record.name === name))
      throw new ExchangeError('border-unknown', name.slice(0, 64));
    throw new ExchangeError(
      'not-ready',
      `the border ${name} does not run: the hub must be started and the border active`,
    );
  }

  app.get('/admin/v1/borders', async () => ({ borders: borders.list().map(view) }));
  app.post<{ Body: Parameters<Borders['add']>[0] }>(
    '/admin/v1/borders',
    { schema: { body: newBorderSchema } },
    async ({ body }, reply) => reply.code(201).send(view(await borders.add(body))),
  );
  app.post<Named & { Body: Partial<BorderSettings> }>(
    '/admin/v1/borders/:name/settings',
    { schema: { body: settingsSchema } },
    async ({ params, body }) => view(await borders.set(params.name, { settings: body })),
  );
  for (const [path, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const)
    app.post<Named>(`/admin/v1/borders/:name/${path}`, async ({ params }) =>
      view(await borders.set(params.name, { state })),
    );
  app.post<Named & { Body: { secret: string } }>(
    '/admin/v1/borders/:name/secret',
    {
      schema: {
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['secret'],
          properties: { secret: text(64 * 1024) },
        },
      },
    },
    async ({ params, body }) => {
      await borders.secret(params.name, body.secret);
      return { name: params.name };
    },
  );
  app.post<Named>(
    '/admin/v1/borders/:name/sync',
    async ({ params }) => await live(params.name).syncOffices(),
  );
  app.post<Named>('/admin/v1/borders/:name/poll', async ({ params }) => {
    live(params.name).pollNow();
    return { name: params.name };
  });
  app.post<Named & { Body: { code: string; mail?: string } }>(
    '/admin/v1/borders/:name/register',
    {
      schema: {
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['code'],
          properties: { code: text(64), mail: text(100, 0) },
        },
      },
    },
    async ({ params, body }) => {
      const border = live(params.name);
      // Also a unit of a hub below: the border speaks for all who are reached without it.
      const { unit } = resolveAddress(admin.directory.current(), body.code, admin.clock.nowMs());
      if (unit.border)
        throw new ExchangeError('request-malformed', `${body.code} is an office of the other system`);
      const said = await border.connector.register(
        {
          id: unit.unit,
          parentCode: border.record.settings.parentCode,
          code: body.code.toUpperCase(),
          name: unit.name,
          mail: body.mail ?? '',
          mobile: '',
          fax: '',
        },
        AbortSignal.timeout(60_000),
      );
      return { code: body.code.toUpperCase(), said, ...(await border.syncOffices()) };
    },
  );
  app.post<Named & { Body: { code: string } }>(
    '/admin/v1/borders/:name/unregister',
    {
      schema: {
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['code'],
          properties: { code: text(64) },
        },
      },
    },
    async ({ params, body }) => ({
      code: body.code.toUpperCase(),
      said: await live(params.name).connector.unregister(
        body.code.toUpperCase(),
        AbortSignal.timeout(60_000),
      ),
    }),
  );

  app.get<{
    Querystring: { border?: string; direction?: string; state?: string; document?: string; sinceMs?: string };
  }>('/admin/v1/border-messages', async ({ query }) => ({
    messages: borderLines(store.reader, {
      border: query.border,
      direction: query.direction === 'in' || query.direction === 'out' ? query.direction : undefined,
      state: query.state,
      document: query.document === undefined ? undefined : uuidToBytes(parseDocumentId(query.document)),
      sinceMs: query.sinceMs === undefined ? undefined : Number(query.sinceMs),
      limit: LIST_MAX,
    }),
  }));
  app.get<{ Params: { direction: string; id: string } }>(
    '/admin/v1/border-messages/:direction/:id',
    async ({ params }) => {
      const id = Number(params.id);
      if ((params.direction !== 'in' && params.direction !== 'out') || !Number.isSafeInteger(id))
        throw new ExchangeError('not-found', `${params.direction} ${params.id}`.slice(0, 64));
      return borderDetail(store.reader, params.direction, id);
    },
  );
}
