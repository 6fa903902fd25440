// Removal of a state secret as the operators order it, on the control socket. Two different persons: the store demands them.
import type { FastifyInstance } from 'fastify';
import { parseDocumentId, uuidToBytes } from '../../protocol/ids.ts';
import type { Removals } from '../takedown/removals.ts';
import type { Admin } from './acts.ts';
import { actorNow } from './caller.ts';

export function addTakedownRoutes(app: FastifyInstance, admin: Admin, removals: Removals): void {
  const schema = {
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['act', 'reason'],
      properties: {
        act: { enum: ['hide', 'destroy'] },
        reason: { type: 'string', minLength: 1, maxLength: 160 },
      },
    },
  };
  app.post<{ Params: { id: string }; Body: { act: 'hide' | 'destroy'; reason: string } }>(
    '/admin/v1/removals/:id',
    { schema },
    async ({ params, body }) => {
      const documentId = uuidToBytes(parseDocumentId(params.id));
      const { number } = await admin.act('removalOrder', {
        documentId,
        act: body.act,
        reason: body.reason,
        person: actorNow().who,
        nowMs: admin.clock.nowMs(),
      });
      await removals.afterAct(number);
      return { number, removals: removals.report(documentId) };
    },
  );
  app.get<{ Querystring: { document?: string } }>('/admin/v1/removals', async ({ query }) => ({
    removals: removals.report(
      query.document === undefined ? undefined : uuidToBytes(parseDocumentId(query.document)),
    ),
  }));
}
