// The office's own work over REST: registers, acceptance, tasks, deadlines, calendar. Office software and the command line do here what the
// clerk does in the console; nothing is decided here.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EdgeCore } from '../core.ts';
import type {
  AcceptRequest,
  EnterRequest,
  ForwardRequest,
  SheetFile,
  SheetFormat,
  SheetKind,
} from '../office/core.ts';
import type { BookKind, EntryFields } from '../office/entries.ts';
import { problemAnswer } from './answer-forms.ts';
import {
  acceptBody,
  bookParams,
  bookQuery,
  booksQuery,
  calendarBody,
  closeBookBody,
  correctBody,
  dueQuery,
  enterBody,
  entryParams,
  forwardBody,
  openBookBody,
  progressBody,
  sheetParams,
  sheetQuery,
  stampQuery,
  strikeBody,
  taskParams,
  tasksQuery,
  withdrawBody,
} from './schemas-office.ts';
import { idParams, noQuery } from './schemas-requests.ts';

const failure = { '4xx': problemAnswer, '5xx': problemAnswer };
type BookQuery = { unit?: string; year?: string; code?: string; limit?: string; after?: string };
const bookOf = ({ year, limit, ...rest }: BookQuery) => ({
  ...rest,
  ...(year === undefined ? {} : { year: Number(year) }),
  ...(limit === undefined ? {} : { limit: Number(limit) }),
});

function cornerOf(at: string | undefined) {
  if (at === undefined) return {};
  const [leftMm = 0, topMm = 0] = at.split(',').map(Number);
  return { at: { leftMm, topMm } };
}

function sendFile(reply: FastifyReply, { name, mediaType, bytes }: SheetFile): FastifyReply {
  return reply
    .header('content-type', mediaType)
    .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    .header('x-content-type-options', 'nosniff')
    .send(Buffer.from(bytes));
}

export function officeRoutes(app: FastifyInstance, core: EdgeCore): void {
  bookRoutes(app, core);
  entryRoutes(app, core);
  workRoutes(app, core);
  dueRoutes(app, core);
}

function bookRoutes(app: FastifyInstance, { office }: EdgeCore): void {
  const tags = ['registers'];
  app.get<{ Querystring: { unit?: string } }>('/v1/registers', {
    schema: { tags, summary: 'The books of a unit', querystring: booksQuery, response: failure },
    handler: async ({ query }) => ({ rows: await office.books(query.unit) }),
  });
  app.get<{ Params: { kind: BookKind }; Querystring: BookQuery }>('/v1/registers/:kind', {
    schema: {
      tags,
      summary: 'Lines of a book, by number',
      params: bookParams,
      querystring: bookQuery,
      response: failure,
    },
    handler: async ({ params, query }) => await office.entries({ ...bookOf(query), ...params }),
  });
  app.get<{ Params: { kind: BookKind }; Querystring: BookQuery }>('/v1/registers/:kind/check', {
    schema: {
      tags,
      summary: 'Gaps, repeated lines, and documents that stand in no book',
      params: bookParams,
      querystring: bookQuery,
      response: failure,
    },
    handler: async ({ params, query }) => await office.checkRegister({ ...bookOf(query), ...params }),
  });
  app.get<{ Params: { sheet: SheetKind; format: SheetFormat }; Querystring: BookQuery }>(
    '/v1/registers/:sheet/files/:format',
    {
      schema: {
        tags,
        summary: 'A book as CSV, XLSX or PDF',
        description: 'All columns of Decree 30/2020 Appendix IV; the PDF is A4 landscape with a cover.',
        params: sheetParams,
        querystring: sheetQuery,
      },
      handler: async ({ params: { sheet, format }, query }, reply) =>
        sendFile(
          reply,
          await office.sheet({ ...bookOf(query), kind: sheet === 'out' ? 'out' : 'in', sheet, format }),
        ),
    },
  );
  const act = { tags, params: bookParams, querystring: noQuery, response: failure };
  type BookBody = { unit?: string; year?: number; code?: string; name?: string };
  app.post<{ Params: { kind: BookKind }; Body: BookBody }>('/v1/registers/:kind/open', {
    schema: { ...act, summary: 'Open a further book', body: openBookBody },
    handler: async ({ params, body, actor }) => await office.openBook({ ...body, ...params, actor }),
  });
  app.post<{ Params: { kind: BookKind }; Body: BookBody }>('/v1/registers/:kind/close', {
    schema: {
      ...act,
      summary: 'Close a book',
      description: 'From now on it can only be read.',
      body: closeBookBody,
    },
    handler: async ({ params, body, actor }) => await office.closeBook({ ...body, ...params, actor }),
  });
}

function entryRoutes(app: FastifyInstance, { office }: EdgeCore): void {
  const tags = ['registers'];
  app.post<{ Params: { kind: BookKind }; Body: Omit<EnterRequest, 'kind'> }>('/v1/registers/:kind', {
    schema: {
      tags,
      summary: 'Enter a paper document by hand, or one that was sent and stands in no book',
      description:
        'One series for paper and electronic documents. register-number-taken says who has the number.',
      params: bookParams,
      querystring: noQuery,
      body: enterBody,
      response: failure,
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(201).send(await office.enter({ ...body, ...params, actor })),
  });
  const act = { tags, params: entryParams, querystring: noQuery, response: failure };
  app.post<{
    Params: { entry: string };
    Body: { unit?: string; fields: Partial<EntryFields>; keepText?: boolean };
  }>('/v1/register-entries/:entry', {
    schema: { ...act, summary: 'Correct a line of an open book', body: correctBody },
    handler: async ({ params, body, actor }) =>
      await office.correct(Number(params.entry), { ...body, actor }),
  });
  app.post<{ Params: { entry: string }; Body: { unit?: string; reason: string } }>(
    '/v1/register-entries/:entry/strike',
    {
      schema: {
        ...act,
        summary: 'Strike a line out',
        description: 'The number stays taken.',
        body: strikeBody,
      },
      handler: async ({ params, body, actor }) =>
        await office.strike(Number(params.entry), { ...body, actor }),
    },
  );
}

function workRoutes(app: FastifyInstance, { office }: EdgeCore): void {
  const tags = ['work'];
  const act = { tags, params: idParams, querystring: noQuery, response: failure };
  app.post<{ Params: { id: string }; Body: Omit<AcceptRequest, 'actor'> | null }>('/v1/inbox/:id/accept', {
    schema: {
      ...act,
      summary: 'Accept and register an arrival',
      description:
        'Register entry and status 03 with its number in one commit. document-registered says who was first.',
      body: { ...acceptBody, type: ['object', 'null'] },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(201).send(await office.accept(params.id, { ...(body ?? {}), actor })),
  });
  app.post<{ Params: { id: string }; Body: Omit<ForwardRequest, 'actor'> }>('/v1/inbox/:id/forward', {
    schema: {
      ...act,
      summary: 'Give it to persons or desks',
      description: 'Tasks and status 04 in one commit.',
      body: forwardBody,
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(201).send(await office.forward(params.id, { ...body, actor })),
  });
  app.get<{ Querystring: { unit?: string; person?: string; id?: string; open?: string; limit?: string } }>(
    '/v1/tasks',
    {
      schema: {
        tags,
        summary: 'Tasks of the unit, of a person or of a document',
        querystring: tasksQuery,
        response: failure,
      },
      handler: async ({ query: { open, limit, ...rest } }) => ({
        rows: await office.tasks({
          ...rest,
          openOnly: open === 'true',
          ...(limit === undefined ? {} : { limit: Number(limit) }),
        }),
      }),
    },
  );
  const task = { tags, params: taskParams, querystring: noQuery, response: failure };
  app.get<{ Params: { task: string } }>('/v1/tasks/:task', {
    schema: { ...task, summary: 'One task with everything said to it' },
    handler: async ({ params }) => await office.task(Number(params.task)),
  });
  app.post<{ Params: { task: string }; Body: { unit?: string; state: 'working' | 'done'; said?: string } }>(
    '/v1/tasks/:task/progress',
    {
      schema: {
        ...task,
        summary: 'Say how far it is',
        description: '05 and 06 go to the sender by themselves.',
        body: progressBody,
      },
      handler: async ({ params, body, actor }) =>
        await office.progress(Number(params.task), { ...body, actor }),
    },
  );
  app.post<{ Params: { task: string }; Body: { unit?: string; reason: string } }>(
    '/v1/tasks/:task/withdraw',
    {
      schema: { ...task, summary: 'Take it back', body: withdrawBody },
      handler: async ({ params, body, actor }) =>
        await office.withdraw(Number(params.task), { ...body, actor }),
    },
  );
  app.get<{ Params: { id: string }; Querystring: { unit?: string; part?: string; at?: string } }>(
    '/v1/inbox/:id/stamped',
    {
      schema: {
        tags,
        summary: 'A copy of a received PDF with the ĐẾN stamp',
        description:
          'The file of the document stays as it is. pdf-not-printable for an encrypted or damaged one.',
        params: idParams,
        querystring: stampQuery,
      },
      handler: async ({ params, query: { part, at, ...rest } }, reply) =>
        sendFile(
          reply,
          await office.stamped(params.id, {
            ...rest,
            ...(part === undefined ? {} : { part: Number(part) }),
            ...cornerOf(at),
          }),
        ),
    },
  );
}

function dueRoutes(app: FastifyInstance, { office }: EdgeCore): void {
  const tags = ['deadlines'];
  app.get<{ Querystring: { unit?: string; all?: string; limit?: string } }>('/v1/due', {
    schema: {
      tags,
      summary: 'What is late or about to be',
      description:
        'Per document the rule with its clause; times in UTC and in Asia/Ho_Chi_Minh. Derived when asked.',
      querystring: dueQuery,
      response: failure,
    },
    handler: async ({ query: { all, limit, ...rest } }) => ({
      rows: await office.due({
        ...rest,
        all: all === 'true',
        ...(limit === undefined ? {} : { limit: Number(limit) }),
      }),
    }),
  });
  app.get('/v1/calendar', {
    schema: {
      tags,
      summary: 'Days off and make-up days that are known here',
      querystring: noQuery,
      response: failure,
    },
    handler: async () => office.calendar(),
  });
  app.post<{ Body: { years: object } }>('/v1/calendar', {
    schema: {
      tags,
      summary: 'Give further years, or replace shipped ones',
      querystring: noQuery,
      body: calendarBody,
      response: failure,
    },
    handler: async ({ body, actor }) => await office.setCalendar(body, { actor }),
  });
}
