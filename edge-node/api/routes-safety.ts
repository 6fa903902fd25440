// What is held, and a person's word about it. Over the network the person is the holder of the token; only on the control socket, whose
// caller is the operator of the machine, may the person be named.
// Beside a document's path: without a second person's word a held document stays where it is.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { EdgeCore } from '../core.ts';
import { problemAnswer } from './answer-forms.ts';
import { heldAnswer, judgedAnswer } from './answers-safety.ts';
import { heldQuery, idParams, judgeBody, noQuery } from './schemas-requests.ts';

const failure = { '4xx': problemAnswer, '5xx': problemAnswer };

type Judge = { Params: { id: string }; Body: { reason: string; by?: string; direction?: 'out' | 'in' } };

export function safetyRoutes(app: FastifyInstance, core: EdgeCore): void {
  const tags = ['safety'];
  app.get<{ Querystring: { limit?: string } }>('/v1/held', {
    schema: {
      tags,
      summary: 'Documents that wait for a person',
      description: 'Oldest first, in both directions, with what was found in them.',
      querystring: heldQuery,
      response: { 200: heldAnswer, ...failure },
    },
    handler: async ({ query }) => ({
      rows: await core.held(query.limit === undefined ? {} : { limit: Number(query.limit) }),
    }),
  });
  app.post<Judge>('/v1/documents/:id/report-secret', {
    schema: {
      tags,
      summary: 'Báo cáo văn bản có nội dung mật',
      description:
        'Hidden at this node when this answers; the hub and its operators are told (regulation, Article 15.5).',
      params: idParams,
      querystring: noQuery,
      body: judgeBody,
      response: { 200: judgedAnswer, ...failure },
    },
    handler: async ({ params, body, actor }) => {
      if (body.by !== undefined && actor !== 'command line')
        throw new ExchangeError('request-malformed', '/by: the person is the holder of the token');
      const { reason: why, direction } = body;
      await core.reportSecret(params.id, {
        actor: body.by ?? actor,
        why,
        ...(direction ? { direction } : {}),
      });
      return { id: params.id, result: 'hidden' };
    },
  });
  for (const act of ['release', 'reject'] as const)
    app.post<Judge>(`/v1/documents/:id/${act}`, {
      schema: {
        tags,
        summary: act === 'release' ? 'Let a held document go' : 'Keep a held document out for good',
        description:
          act === 'release'
            ? 'Needs persons who did not hand it in: one for a document that is sent, two for an arrival (result "first": one more). Marked state secrets are released by nobody.'
            : 'One person suffices. An outgoing document is cancelled; an arrival stays hidden.',
        params: idParams,
        querystring: noQuery,
        body: judgeBody,
        response: { 200: judgedAnswer, ...failure },
      },
      handler: async ({ params, body, actor }) => {
        if (body.by !== undefined && actor !== 'command line')
          throw new ExchangeError('request-malformed', '/by: the person is the holder of the token');
        const { reason: why, direction } = body;
        const result = await core.judgeHeld(params.id, {
          act,
          actor: body.by ?? actor,
          why,
          ...(direction ? { direction } : {}),
        });
        return { id: params.id, result };
      },
    });
}
