// Removal of a state secret as the operators order it, on the control socket: what one is to sign, and what one has signed with a key that only that
// person holds. Two different persons: the store demands them, and so does every node.
import type { FastifyInstance } from 'fastify';
import { parseDocumentId, uuidToBytes } from '../../protocol/ids.ts';
import type { Removals } from '../takedown/removals.ts';
import type { Admin } from './acts.ts';

export function addTakedownRoutes(app: FastifyInstance, admin: Admin, removals: Removals): void {
  const schema = {
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['signed'],
      properties: { signed: { type: 'string', minLength: 1, maxLength: 4096 } },
    },
  };
  app.get<{ Params: { id: string } }>('/admin/v1/removals/:id/draft', async ({ params }) =>
    removals.draft(uuidToBytes(parseDocumentId(params.id))),
  );
  app.post<{ Body: { signed: string } }>('/admin/v1/removals', { schema }, async ({ body }) => {
    const decided = await removals.decided(Buffer.from(body.signed, 'base64'));
    const { number } = await admin.act('removalOrder', decided);
    await removals.afterAct(number);
    return { number, removals: removals.report(decided.documentId) };
  });
  app.get<{ Querystring: { document?: string } }>('/admin/v1/removals', async ({ query }) => ({
    removals: removals.report(
      query.document === undefined ? undefined : uuidToBytes(parseDocumentId(query.document)),
    ),
  }));
}
