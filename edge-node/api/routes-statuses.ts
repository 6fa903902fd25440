// What the office does with a document, and what senders ask, over REST: statuses of arrivals, recall, update and further recipients of what was sent, requests
// that wait for a decision. 202: it is on disk and will be sent. Nothing is decided here.
import type { FastifyInstance } from 'fastify';
import type { EdgeCore } from '../core.ts';
import type {
  ExtendRequest,
  RecallRequest,
  RemindRequest,
  RequestDecision,
  StatusRequest,
  UpdateRequest,
} from '../statuses/core.ts';
import { problemAnswer } from './answer-forms.ts';
import {
  extendAnswer,
  recallAnswer,
  remindAnswer,
  requestAnswer,
  requestsAnswer,
  statusAnswerSet,
  updateAnswer,
} from './answers-statuses.ts';
import { idParams, noQuery } from './schemas-requests.ts';
import {
  decisionSchema,
  extendSchema,
  recallSchema,
  remindSchema,
  requestsQuery,
  statusSchema,
  updateSchema,
} from './schemas-statuses.ts';

const tags = ['statuses'];
const failure = { '4xx': problemAnswer, '5xx': problemAnswer };
type Id = { id: string };

export function statusRoutes(app: FastifyInstance, core: EdgeCore): void {
  app.post<{ Params: Id; Body: StatusRequest }>('/v1/inbox/:id/status', {
    schema: {
      tags,
      summary: 'Say what the office did with a document',
      description:
        'Goes to the sender as a signed status. status-refused when it may not follow the present one, document-duplicate-suspected before acceptance of a number that was here already, document-held before its check has passed.',
      params: idParams,
      querystring: noQuery,
      body: statusSchema,
      response: { 202: statusAnswerSet, ...failure },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.setStatus(params.id, { ...body, actor })),
  });
  app.post<{ Params: Id; Body: RecallRequest }>('/v1/documents/:id/recall', {
    schema: {
      tags,
      summary: 'Take a document back',
      description:
        'What was not sent is cancelled; what the hub still has is taken back there; who has it is asked, and its node destroys it and says so.',
      params: idParams,
      querystring: noQuery,
      body: recallSchema,
      response: { 202: recallAnswer, ...failure },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.recall(params.id, { ...body, actor })),
  });
  app.post<{ Params: Id; Body: ExtendRequest }>('/v1/documents/:id/recipients', {
    schema: {
      tags,
      summary: 'Send a document to further recipients',
      description:
        'The same document, files and number, to those who do not have it; who has it gets nothing again, so the same request may be repeated. 200: everybody named has it already.',
      params: idParams,
      querystring: noQuery,
      body: extendSchema,
      response: { 200: extendAnswer, 202: extendAnswer, ...failure },
    },
    handler: async ({ params, body, actor }, reply) => {
      const answer = await core.extend(params.id, { ...body, actor });
      return await reply.code(answer.added.length > 0 ? 202 : 200).send(answer);
    },
  });
  app.post<{ Params: Id; Body: UpdateRequest }>('/v1/documents/:id/update', {
    schema: {
      tags,
      summary: 'Correct the description or the receivers of a document',
      description:
        'Each recipient sees old and new and agrees or refuses. Added receivers get the document, removed ones a recall.',
      params: idParams,
      querystring: noQuery,
      body: updateSchema,
      response: { 202: updateAnswer, ...failure },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.update(params.id, { ...body, actor })),
  });
  app.post<{ Params: Id; Body: RemindRequest }>('/v1/documents/:id/remind', {
    schema: {
      tags,
      summary: 'Remind recipients of a document',
      description:
        'A signed word to each named recipient who has it and has neither returned nor finished it; it moves nothing there. To all named, or to none: document-state-refused, reminder-too-soon (once a working day for each).',
      params: idParams,
      querystring: noQuery,
      body: remindSchema,
      response: { 202: remindAnswer, ...failure },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.remind(params.id, { ...body, actor })),
  });
  requestRoutes(app, core);
}

function requestRoutes(app: FastifyInstance, core: EdgeCore): void {
  app.get<{ Querystring: { all?: string; limit?: string } }>('/v1/requests', {
    schema: {
      tags,
      summary: 'Recalls and updates that wait for a decision here',
      querystring: requestsQuery,
      response: { 200: requestsAnswer, ...failure },
    },
    handler: async ({ query }) =>
      await core.requests({
        all: query.all === 'true',
        ...(query.limit === undefined ? {} : { limit: Number(query.limit) }),
      }),
  });
  app.post<{ Params: Id; Body: RequestDecision }>('/v1/requests/:id', {
    schema: {
      tags,
      summary: 'Agree to a request, or refuse it',
      description: 'recall-refusal-warning unless despiteWarning says that the law was read.',
      params: idParams,
      querystring: noQuery,
      body: decisionSchema,
      response: { 202: requestAnswer, ...failure },
    },
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.decide(params.id, { ...body, actor })),
  });
}
