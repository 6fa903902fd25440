// The inbox, and how the node stands.
// Must never change anything: all of it is reading.
// Where the office's software finds what has arrived.
import type { FastifyInstance } from 'fastify';
import type { EdgeCore } from '../core.ts';
import { problemAnswer } from './answer-forms.ts';
import { documentAnswer } from './answers-documents.ts';
import { inboxAnswer } from './answers-lists.ts';
import { healthAnswer, readyAnswer, statusAnswer } from './answers-node.ts';
import { createMetrics } from './metrics.ts';
import { checksOf } from './ready.ts';
import { type PageQuery, pageOf } from './routes-documents.ts';
import { idParams, inboxQuery, noQuery, partParams } from './schemas-requests.ts';
import { sendPart } from './send-part.ts';

const failure = { '4xx': problemAnswer, '5xx': problemAnswer };

export function inboxRoutes(app: FastifyInstance, core: EdgeCore): void {
  const tags = ['inbox'];
  app.get<{ Querystring: PageQuery & { sender?: string } }>('/v1/inbox', {
    schema: {
      tags,
      summary: 'The inbox, page by page',
      description: 'A row is here only when every byte has been verified and the receipt is signed.',
      querystring: inboxQuery,
      response: { 200: inboxAnswer, ...failure },
    },
    handler: async ({ query }) => await core.inbox(pageOf(query)),
  });
  app.get<{ Params: { id: string } }>('/v1/inbox/:id', {
    schema: {
      tags,
      summary: 'One arrival',
      params: idParams,
      querystring: noQuery,
      response: { 200: documentAnswer, ...failure },
    },
    handler: async ({ params }) => await core.show(params.id, { direction: 'in' }),
  });
  app.get<{ Params: { id: string; index: string } }>('/v1/inbox/:id/parts/:index', {
    schema: {
      tags,
      summary: 'The bytes of a file that arrived',
      description: 'A single Range is obeyed; ETag is the SHA-256.',
      params: partParams,
      querystring: noQuery,
    },
    handler: (request, reply) => sendPart(request, reply, { core, direction: 'in' }),
  });
}

export function nodeRoutes(app: FastifyInstance, core: EdgeCore): void {
  const tags = ['node'];
  app.get('/v1/status', {
    schema: {
      tags,
      summary: 'How the node stands',
      querystring: noQuery,
      response: { 200: statusAnswer, ...failure },
    },
    handler: async () => await core.status(),
  });
}

export type HealthOptions = {
  readonly core: EdgeCore;
  readonly nowMs: () => number;
  readonly version: string;
};

/** Without a token: for the supervisor and for Prometheus. */
export function healthRoutes(app: FastifyInstance, { core, nowMs, version }: HealthOptions): void {
  const tags = ['operation'];
  const metrics = createMetrics(version);
  app.get('/healthz', {
    schema: { tags, summary: 'Alive', response: { 200: healthAnswer } },
    handler: async () => ({ ok: true }),
  });
  app.get('/readyz', {
    schema: { tags, summary: 'Ready, with reasons', response: { 200: readyAnswer, 503: readyAnswer } },
    handler: async (_request, reply) => {
      const checks = checksOf(await core.status(), nowMs());
      const ready = checks.every(({ result }) => result !== 'fail');
      return await reply.code(ready ? 200 : 503).send({ ready, checks });
    },
  });
  app.get('/metrics', {
    schema: { tags, summary: 'Figures for Prometheus', produces: ['text/plain'] },
    handler: async (_request, reply) =>
      await reply.type(metrics.contentType).send(await metrics.text(await core.status(), nowMs())),
  });
}
