// Drafts and uploads: what is written here survives the browser and the power, and leaves only by "Gửi". Before the outbox on a document's path.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Edge } from '../core.ts';
import type { DraftChecks, DraftFields, PartLook } from './contract.ts';
import { callerOf } from './guard.ts';
import { draftPageRoutes } from './routes-pages.ts';
import { body, idParams, list, query, text, whole, yes } from './schemas.ts';
import { pieceBytesMax } from './uploads.ts';
import type { Who } from './verbs.ts';

type Id = { id: string };
const part = body({
  handle: text(64),
  name: text(255),
  mediaType: text(127),
  lengthBytes: whole(),
  sha256Hex: text(64),
});
const fieldForms = {
  type: text(200),
  number: text(50),
  notation: text(100),
  issueDate: text(10),
  subject: text(2_000),
  signerName: text(200),
  signerPosition: text(200),
  signerCompetence: text(50),
  urgency: { enum: ['normal', 'urgent', 'veryUrgent', 'flash', 'flashTimed'] },
  replyBy: text(10),
  note: text(2_000),
  pages: text(6),
  copies: text(6),
  paperFollows: yes,
  origin: { enum: ['', 'scan', 'digital'] },
  otherPlaces: text(20_000),
  recipients: list(body({ code: text(300), name: text(300) }), 1_024),
  parts: list(part, 64),
  answers: text(36),
  replaces: text(36),
  reason: text(1_000),
  furtherOf: text(36),
};
/** A page that was opened before the node was updated does not know the newest fields yet. */
const fields = body(
  fieldForms,
  Object.keys(fieldForms).filter((name) => !['replaces', 'reason', 'furtherOf'].includes(name)),
);

const whoOf = (request: FastifyRequest): Who => {
  const { unit, person } = callerOf(request);
  return { unit, personId: person.id, email: person.email };
};

export function composeRoutes(app: FastifyInstance, edge: Edge): void {
  const { drafts } = edge.desk;
  const config = { act: 'document.draft' } as const;
  app.get('/c/v1/drafts', { config }, async (request) => ({ rows: drafts.list(callerOf(request).unit) }));
  app.get<{ Params: Id }>('/c/v1/drafts/:id', { config, schema: { params: idParams } }, async (request) =>
    drafts.get(request.params.id, callerOf(request).unit),
  );
  app.put<{ Params: Id; Body: { revision: number; fields: DraftFields } }>(
    '/c/v1/drafts/:id',
    {
      config,
      bodyLimit: 1024 * 1024,
      schema: { params: idParams, body: body({ revision: whole(), fields }) },
    },
    async (request) => await drafts.save(whoOf(request), { draft: request.params.id, ...request.body }),
  );
  app.delete<{ Params: Id }>(
    '/c/v1/drafts/:id',
    { config, schema: { params: idParams } },
    async (request) => {
      await drafts.drop(whoOf(request), request.params.id);
      return { ok: true };
    },
  );
  app.get<{ Params: Id }>(
    '/c/v1/drafts/:id/checks',
    { config, schema: { params: idParams } },
    async (request): Promise<DraftChecks> => {
      const { unit } = callerOf(request);
      const { number, notation, furtherOf } = drafts.get(request.params.id, unit).fields;
      return {
        ...(await drafts.check(request.params.id, unit)),
        numberUsedMs:
          number && !furtherOf ? edge.desk.numberUsed(unit, number.trim(), notation.trim()) : undefined,
      };
    },
  );
  app.post<{ Body: { handle: string; name: string } }>(
    '/c/v1/drafts/look',
    { config, schema: { body: body({ handle: text(64), name: text(255) }) } },
    async (request): Promise<PartLook> => await edge.desk.look(request.body, callerOf(request).unit),
  );
  app.post<{ Params: Id; Body: { revision: number } }>(
    '/c/v1/drafts/:id/send',
    { config: { act: 'document.send' }, schema: { params: idParams, body: body({ revision: whole() }) } },
    async (request) => await drafts.send(whoOf(request), request.params.id, request.body.revision),
  );
  app.post<{ Params: Id }>(
    '/c/v1/drafts/:id/undo',
    { config: { act: 'document.send' }, schema: { params: idParams, body: body({}) } },
    async (request) => {
      await drafts.undo(whoOf(request), request.params.id);
      return { ok: true };
    },
  );
  draftPageRoutes(app, edge);
  uploadRoutes(app, edge);
}

const uploadParams = { type: 'object', required: ['id'], properties: { id: text(32) } } as const;

function uploadRoutes(app: FastifyInstance, edge: Edge): void {
  const { uploads } = edge.desk;
  const config = { act: 'document.draft' } as const;
  app.post<{ Body: { lengthBytes: number } }>(
    '/c/v1/uploads',
    { config, schema: { body: body({ lengthBytes: whole() }) } },
    async (request, reply) =>
      await reply.code(201).send(await uploads.begin(callerOf(request).person.id, request.body.lengthBytes)),
  );
  app.get<{ Params: Id }>(
    '/c/v1/uploads/:id',
    { config, schema: { params: uploadParams } },
    async (request) => uploads.look(callerOf(request).person.id, request.params.id),
  );
  app.patch<{ Params: Id; Querystring: { offset: string }; Body: Readable }>(
    '/c/v1/uploads/:id',
    {
      config,
      bodyLimit: pieceBytesMax,
      schema: {
        params: uploadParams,
        querystring: query({ offset: { type: 'string', pattern: '^[0-9]{1,15}$' } }),
      },
    },
    async (request) => {
      if (typeof request.body?.[Symbol.asyncIterator] !== 'function' || Buffer.isBuffer(request.body))
        throw new ExchangeError('media-type-refused', 'application/octet-stream');
      return await uploads.append(callerOf(request).person.id, {
        upload: request.params.id,
        offsetBytes: Number(request.query.offset),
        body: request.body,
      });
    },
  );
  app.post<{ Params: Id }>(
    '/c/v1/uploads/:id/finish',
    { config, schema: { params: uploadParams, body: body({}) } },
    async (request) => {
      const { person, unit } = callerOf(request);
      return await uploads.finish(person.id, request.params.id, unit);
    },
  );
}
