// Statistics, looks into the console, backlog, reminders, saved lists. Everything for the caller's unit; figures name no document.
import type { FastifyInstance } from 'fastify';
import type { Edge } from '../core.ts';
import type { SheetFormat } from '../office/core.ts';
import { callerOf } from './guard.ts';
import { body, query, text, whole } from './schemas.ts';
import { sendFile } from './send-file.ts';

const month = { type: 'string', pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])$' } as const;
const day = { type: 'string', pattern: '^20[0-9]{2}-[0-9]{2}-[0-9]{2}$' } as const;

export function figureRoutes(app: FastifyInstance, edge: Edge): void {
  const { figures } = edge.desk;
  const read = { act: 'statistics.read' } as const;
  app.get<{ Querystring: { month: string } }>(
    '/c/v1/figures',
    { config: read, schema: { querystring: { ...query({ month }), required: ['month'] } } },
    async (request) => figures.month(callerOf(request).unit, request.query.month),
  );
  app.get<{ Params: { format: SheetFormat }; Querystring: { month: string } }>(
    '/c/v1/figures/files/:format',
    {
      config: read,
      schema: {
        params: {
          type: 'object',
          required: ['format'],
          properties: { format: { enum: ['csv', 'xlsx', 'pdf'] } },
        },
        querystring: { ...query({ month }), required: ['month'] },
      },
    },
    async (request, reply) => {
      const { unit, person } = callerOf(request);
      const { format } = request.params;
      const wanted = request.query.month;
      await edge.noteAudit({ actor: person.email, act: 'print', about: `thống kê ${wanted}`, said: format });
      return sendFile(reply, await figures.file(unit, wanted, format));
    },
  );
  app.get<{ Querystring: { from: string; to: string } }>(
    '/c/v1/presence',
    { config: read, schema: { querystring: { ...query({ from: day, to: day }), required: ['from', 'to'] } } },
    async (request) => figures.presence(callerOf(request).unit, request.query.from, request.query.to),
  );
  app.get('/c/v1/backlog/people', { config: read }, async (request) => ({
    rows: figures.backlog(callerOf(request).unit),
  }));
  nudgeRoutes(app, edge);
  viewRoutes(app, edge);
}

function nudgeRoutes(app: FastifyInstance, { desk: { figures }, signIn }: Edge): void {
  const config = { act: 'anybody' } as const;
  app.post<{ Body: { email: string; said: string } }>(
    '/c/v1/nudges',
    { config: { act: 'person.nudge' }, schema: { body: body({ email: text(300), said: text(1_000) }) } },
    async (request) => {
      await figures.nudge(callerOf(request), request.body);
      return { ok: true };
    },
  );
  app.get('/c/v1/nudges', { config }, async (request) => ({ rows: figures.nudges(callerOf(request)) }));
  app.post<{ Body: { id: number } }>(
    '/c/v1/nudges/seen',
    { config, schema: { body: body({ id: whole() }) } },
    async (request) => {
      await figures.nudgeSeen(callerOf(request), request.body.id);
      return { ok: true };
    },
  );
  /** The person says that he looks now: a page that lies open all day has not looked by itself. */
  app.post('/c/v1/me/looked-in', { config, schema: { body: body({}) } }, async (request) => {
    await signIn.lookedIn(callerOf(request));
    return { ok: true };
  });
}

function viewRoutes(app: FastifyInstance, { desk: { figures } }: Edge): void {
  const config = { act: 'document.read' } as const;
  app.get('/c/v1/views', { config }, async (request) => ({ rows: figures.views(callerOf(request)) }));
  app.post<{ Body: { list: 'in' | 'out'; name: string; query: string } }>(
    '/c/v1/views',
    {
      config,
      schema: { body: body({ list: { enum: ['in', 'out'] }, name: text(200), query: text(1_000) }) },
    },
    async (request) => {
      await figures.saveView(callerOf(request), request.body);
      return { rows: figures.views(callerOf(request)) };
    },
  );
  app.post<{ Body: { id: number } }>(
    '/c/v1/views/drop',
    { config, schema: { body: body({ id: whole() }) } },
    async (request) => {
      await figures.dropView(callerOf(request), request.body.id);
      return { rows: figures.views(callerOf(request)) };
    },
  );
}
