// What can still be done about a document that has left or arrived: correct its description, report a state secret, and the sheet that shows what
// became of it. The same verbs as the API's, in the caller's name; answers to requests are in routes-work.ts.
import type { FastifyInstance } from 'fastify';
import type { Edge } from '../core.ts';
import { callerOf } from './guard.ts';
import { ownDocument } from './routes-documents.ts';
import { body, idParams, list, text, uuid } from './schemas.ts';
import { sendFile } from './send-file.ts';

type Id = { id: string };
type Update = {
  reason: string;
  fields: {
    subject?: string;
    number?: string;
    notation?: string;
    type?: string;
    issueDate?: string;
    note?: string;
  };
  add?: string[];
  remove?: string[];
};
const params = {
  type: 'object',
  required: ['direction', 'id'],
  properties: { direction: { enum: ['in', 'out'] }, id: uuid },
} as const;
type Params = Id & { direction: 'in' | 'out' };

export function changeRoutes(app: FastifyInstance, edge: Edge): void {
  app.post<{ Params: Id; Body: Update }>(
    '/c/v1/documents/out/:id/update',
    {
      config: { act: 'document.recall' },
      schema: {
        params: idParams,
        body: body(
          {
            reason: text(1_000),
            fields: body(
              {
                subject: text(2_000),
                number: text(50),
                notation: text(100),
                type: text(200),
                issueDate: text(10),
                note: text(2_000),
              },
              [],
            ),
            add: list(text(300), 1_024),
            remove: list(text(300), 1_024),
          },
          ['reason', 'fields'],
        ),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { id } = request.params;
      await ownDocument(edge, unit, { id, direction: 'out' });
      return await edge.update(id, { ...request.body, actor: person.email });
    },
  );
  app.post<{ Params: Id; Body: { to: string[] } }>(
    '/c/v1/documents/out/:id/remind',
    {
      config: { act: 'document.recall' },
      schema: { params: idParams, body: body({ to: list(text(300), 1_024) }) },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { id } = request.params;
      await ownDocument(edge, unit, { id, direction: 'out' });
      return await edge.remind(id, { ...request.body, actor: person.email });
    },
  );
  app.post<{ Params: Params; Body: { why: string } }>(
    '/c/v1/documents/:direction/:id/report-secret',
    { config: { act: 'document.report' }, schema: { params, body: body({ why: text(1_000) }) } },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { id, direction } = request.params;
      await ownDocument(edge, unit, { id, direction });
      await edge.reportSecret(id, { actor: person.email, why: request.body.why, direction });
      return { ok: true };
    },
  );
  app.get<{ Params: Params }>(
    '/c/v1/documents/:direction/:id/receipt',
    { config: { act: 'document.read' }, schema: { params } },
    async (request, reply) => {
      const { unit, person } = callerOf(request);
      const { id, direction } = request.params;
      await ownDocument(edge, unit, { id, direction });
      await edge.noteAudit({ actor: person.email, act: 'print', about: id, said: 'phiếu xác nhận gửi nhận' });
      return sendFile(reply, await edge.office.receipt(id, { direction }));
    },
  );
}
