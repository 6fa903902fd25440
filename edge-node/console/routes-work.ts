// What a clerk, a head and an officer do with a document: accept and register, return, forward, report progress, recall, answer a request, let go
// what was held; the registers. The same verbs as the API, for the caller's unit and in his name.
import type { FastifyInstance } from 'fastify';
import { documentKinds } from '../../protocol/document/kinds.ts';
import { refusalReasons } from '../../protocol/document/statuses.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { entryProperties } from '../api/schemas-office.ts';
import type { Edge } from '../core.ts';
import type { SheetFormat, SheetKind } from '../office/core.ts';
import type { BookKind, EntryFields } from '../office/entries.ts';
import { callerOf } from './guard.ts';
import { changeRoutes } from './routes-changes.ts';
import { ownDocument } from './routes-documents.ts';
import { body, idParams, list, query, text, whole, yes } from './schemas.ts';
import { sendFile } from './send-file.ts';

type Id = { id: string };
const number = { type: 'string', pattern: '^[0-9]{1,15}$' } as const;

export function workRoutes(app: FastifyInstance, edge: Edge): void {
  app.get('/c/v1/words', { config: { act: 'anybody' } }, async () => ({
    kinds: documentKinds.map(({ name }) => name),
    reasons: Object.entries(refusalReasons).map(([reason, { vi }]) => ({ reason: Number(reason), vi })),
  }));
  receiveRoutes(app, edge);
  taskRoutes(app, edge);
  recallRoutes(app, edge);
  heldRoutes(app, edge);
  changeRoutes(app, edge);
  registerRoutes(app, edge);
}

function receiveRoutes(app: FastifyInstance, edge: Edge): void {
  const config = { act: 'document.receive' } as const;
  app.post<{
    Params: Id;
    Body: { number?: string; places?: string; note?: string; due?: string; evenIfDuplicate?: boolean };
  }>(
    '/c/v1/documents/in/:id/accept',
    {
      config,
      schema: {
        params: idParams,
        body: body(
          {
            number: text(20),
            places: text(1_000),
            note: text(1_000),
            due: text(40),
            evenIfDuplicate: yes,
          },
          [],
        ),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { id } = request.params;
      await ownDocument(edge, unit, { id, direction: 'in' });
      const { number: wanted, places, note, due, evenIfDuplicate } = request.body;
      return await edge.office.accept(id, {
        unit,
        person: person.email,
        actor: person.email,
        ...(wanted ? { number: wanted } : {}),
        ...(due ? { due } : {}),
        fields: { ...(places ? { places } : {}), ...(note ? { note } : {}) },
        ...(evenIfDuplicate ? { evenIfDuplicate } : {}),
      });
    },
  );
  app.post<{ Params: Id; Body: { reason: number; text: string } }>(
    '/c/v1/documents/in/:id/return',
    { config, schema: { params: idParams, body: body({ reason: whole(99), text: text(1_000) }) } },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { id } = request.params;
      await ownDocument(edge, unit, { id, direction: 'in' });
      const { reason, text: said } = request.body;
      const asked = { code: '02', unit, reason, person: person.name, actor: person.email };
      return await edge.setStatus(id, {
        ...asked,
        ...(said.trim() ? { text: said.normalize('NFC').trim() } : {}),
      });
    },
  );
  app.get<{ Params: Id }>(
    '/c/v1/documents/in/:id/stamped',
    { config: { act: 'document.read' }, schema: { params: idParams } },
    async (request, reply) => {
      const { unit, person } = callerOf(request);
      const { id } = request.params;
      await ownDocument(edge, unit, { id, direction: 'in' });
      await edge.noteAudit({ actor: person.email, act: 'print', about: id, said: 'dấu ĐẾN' });
      return sendFile(reply, await edge.office.stamped(id, { unit }));
    },
  );
}

function taskRoutes(app: FastifyInstance, edge: Edge): void {
  type Forward = { to: { who: string; lead: boolean }[]; instruction: string; due?: string };
  app.post<{ Params: Id; Body: Forward }>(
    '/c/v1/documents/in/:id/forward',
    {
      config: { act: 'document.assign' },
      schema: {
        params: idParams,
        body: body(
          { to: list(body({ who: text(300), lead: yes }), 50), instruction: text(2_000), due: text(40) },
          ['to', 'instruction'],
        ),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      await ownDocument(edge, unit, { id: request.params.id, direction: 'in' });
      return await edge.office.forward(request.params.id, { ...request.body, unit, actor: person.email });
    },
  );
  app.get<{ Params: Id }>(
    '/c/v1/documents/in/:id/tasks',
    { config: { act: 'document.read' }, schema: { params: idParams } },
    async (request) => {
      const { unit } = callerOf(request);
      await ownDocument(edge, unit, { id: request.params.id, direction: 'in' });
      return { rows: await edge.office.tasks({ unit, id: request.params.id }) };
    },
  );
  app.get('/c/v1/tasks', { config: { act: 'document.progress' } }, async (request) => {
    const { unit, person } = callerOf(request);
    return { rows: await edge.office.tasks({ unit, person: person.email, openOnly: true }) };
  });
  app.get('/c/v1/backlog', { config: { act: 'statistics.read' } }, async (request) => {
    const { unit } = callerOf(request);
    return {
      tasks: await edge.office.tasks({ unit, openOnly: true, limit: 500 }),
      due: await edge.office.due({ unit, limit: 200 }),
    };
  });
  app.post<{ Params: { task: string }; Body: { state: 'working' | 'done'; said: string } }>(
    '/c/v1/tasks/:task/progress',
    {
      config: { act: 'document.progress' },
      schema: {
        params: { type: 'object', required: ['task'], properties: { task: number } },
        body: body({ state: { enum: ['working', 'done'] }, said: text(1_000) }),
      },
    },
    async (request) => {
      const { unit, person, roles } = callerOf(request);
      const task = Number(request.params.task);
      const given = await edge.office.task(task);
      // One's own work; the clerk and the head may report for others, which the audit shows.
      if (given.person !== person.email && !roles.includes('clerk') && !roles.includes('leader'))
        throw new ExchangeError('right-missing', 'document.progress');
      return await edge.office.progress(task, { ...request.body, unit, actor: person.email });
    },
  );
}

function recallRoutes(app: FastifyInstance, edge: Edge): void {
  app.post<{ Params: Id; Body: { reason: string; from?: string[] } }>(
    '/c/v1/documents/out/:id/recall',
    {
      config: { act: 'document.recall' },
      schema: {
        params: idParams,
        body: body({ reason: text(1_000), from: list(text(64), 1_024) }, ['reason']),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      await ownDocument(edge, unit, { id: request.params.id, direction: 'out' });
      return await edge.recall(request.params.id, { ...request.body, actor: person.email });
    },
  );
  app.get('/c/v1/requests', { config: { act: 'document.read' } }, async (request) => {
    const { unit } = callerOf(request);
    const { rows } = await edge.requests({ limit: 200 });
    return { rows: rows.filter((row) => row.unit === unit) };
  });
  app.post<{ Params: Id; Body: { agree: boolean; text: string; despiteWarning?: boolean } }>(
    '/c/v1/requests/:id',
    {
      config: { act: 'document.receive' },
      schema: {
        params: idParams,
        body: body({ agree: yes, text: text(1_000), despiteWarning: yes }, ['agree', 'text']),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { agree, text: said, despiteWarning } = request.body;
      return await edge.decide(request.params.id, {
        agree,
        unit,
        person: person.name,
        actor: person.email,
        ...(said.trim() ? { text: said.trim() } : {}),
        ...(despiteWarning ? { despiteWarning } : {}),
      });
    },
  );
}

function heldRoutes(app: FastifyInstance, edge: Edge): void {
  app.get('/c/v1/held', { config: { act: 'document.judge' } }, async () => ({
    rows: await edge.held({ limit: 100 }),
  }));
  app.post<{ Params: Id; Body: { act: 'release' | 'reject'; why: string; direction: 'in' | 'out' } }>(
    '/c/v1/held/:id',
    {
      config: { act: 'document.judge' },
      schema: {
        params: idParams,
        body: body({
          act: { enum: ['release', 'reject'] },
          why: text(1_000),
          direction: { enum: ['in', 'out'] },
        }),
      },
    },
    async (request) => {
      const { person, unit } = callerOf(request);
      const { act, why, direction } = request.body;
      await ownDocument(edge, unit, { id: request.params.id, direction });
      return {
        result: await edge.judgeHeld(request.params.id, { act, why, direction, actor: person.email }),
      };
    },
  );
}

const sheetParams = {
  type: 'object',
  required: ['kind'],
  properties: {
    kind: { enum: ['in', 'out', 'followup'] },
    format: { enum: ['csv', 'xlsx', 'pdf'] },
    entry: number,
  },
} as const;

function registerRoutes(app: FastifyInstance, edge: Edge): void {
  const { office } = edge;
  const read = { act: 'register.read' } as const;
  const yearQuery = query({
    year: { type: 'string', pattern: '^20[0-9]{2}$' },
    after: text(20),
    limit: number,
  });
  type YearQuery = { year?: string; after?: string; limit?: string };
  const bookOf = (unit: string, kind: BookKind, { year }: YearQuery) => ({
    unit,
    kind,
    ...(year ? { year: Number(year) } : {}),
  });
  app.get<{ Params: { kind: BookKind }; Querystring: YearQuery }>(
    '/c/v1/registers/:kind',
    { config: read, schema: { params: sheetParams, querystring: yearQuery } },
    async (request) => {
      const book = bookOf(callerOf(request).unit, request.params.kind, request.query);
      const { after } = request.query;
      const empty = { rows: [], next: undefined };
      // A year in which nothing was entered has no book yet.
      const page = await office
        .entries({ ...book, limit: 100, ...(after ? { after } : {}) })
        .catch((error) => {
          if (error instanceof ExchangeError && error.code === 'register-unknown') return empty;
          throw error;
        });
      return page;
    },
  );
  app.get<{ Params: { kind: BookKind }; Querystring: YearQuery }>(
    '/c/v1/registers/:kind/check',
    { config: read, schema: { params: sheetParams, querystring: yearQuery } },
    async (request) => {
      const books = await office.books(callerOf(request).unit);
      const found = await office
        .checkRegister(bookOf(callerOf(request).unit, request.params.kind, request.query))
        .catch((error) => {
          if (error instanceof ExchangeError && error.code === 'register-unknown')
            return { gaps: [], repeated: [], unregistered: [] };
          throw error;
        });
      return { ...found, books: books.filter(({ kind }) => kind === request.params.kind) };
    },
  );
  app.get<{ Params: { kind: SheetKind; format: SheetFormat }; Querystring: YearQuery }>(
    '/c/v1/registers/:kind/files/:format',
    { config: read, schema: { params: sheetParams, querystring: yearQuery } },
    async (request, reply) => {
      const { unit, person } = callerOf(request);
      const { kind, format } = request.params;
      await edge.noteAudit({ actor: person.email, act: 'print', about: `sổ ${kind}`, said: format });
      const book = bookOf(unit, kind === 'out' ? 'out' : 'in', request.query);
      return sendFile(reply, await office.sheet({ ...book, sheet: kind, format }));
    },
  );
  app.post<{ Params: { kind: BookKind }; Body: { number?: string; fields: Partial<EntryFields> } }>(
    '/c/v1/registers/:kind',
    {
      config: { act: 'register.write' },
      schema: {
        params: sheetParams,
        body: body({ number: text(20), fields: body({ ...entryProperties }, []) }, ['fields']),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      return await office.enter({ ...request.body, unit, kind: request.params.kind, actor: person.email });
    },
  );
}
