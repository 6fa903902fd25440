// Recipients over REST: finding units as one types, what a text of "nơi nhận" names, groups. Before a document's path begins.
import type { FastifyInstance } from 'fastify';
import type { EdgeCore } from '../core.ts';
import { problemAnswer } from './answer-forms.ts';
import {
  directoryAnswer,
  groupAnswer,
  groupsAnswer,
  matchAnswer,
  unitsAnswer,
} from './answers-recipients.ts';
import { codeParams, directoryQuery, groupBody, matchBody, unitQuery } from './schemas-requests.ts';

const failure = { '4xx': problemAnswer, '5xx': problemAnswer };
const tags = ['recipients'];
type Find = { Querystring: { q?: string; limit?: string } };
const unitOf = ({ unit }: { unit?: string }) => (unit === undefined ? {} : { unit });

export function recipientRoutes(app: FastifyInstance, core: EdgeCore): void {
  const found = ({ q = '', limit }: Find['Querystring']) =>
    core.searchDirectory(q, limit === undefined ? {} : { limit: Number(limit) });
  app.get<Find>('/v1/units', {
    schema: {
      tags,
      summary: 'Units that this node serves; with q, units of the directory',
      description:
        'With q: as GET /v1/directory, while one types: by code or by the beginnings of words, without diacritics.',
      querystring: directoryQuery,
      response: { 200: unitsAnswer, ...failure },
    },
    handler: async ({ query }) => ({
      units: core.units(),
      ...(query.q === undefined ? {} : { entries: found(query) }),
    }),
  });
  app.get<Find>('/v1/directory', {
    schema: {
      tags,
      summary: 'Search the signed directory',
      querystring: directoryQuery,
      response: { 200: directoryAnswer, ...failure },
    },
    handler: async ({ query }) => ({ entries: found(query) }),
  });
  app.post<{ Body: { text: string; unit?: string } }>('/v1/recipients/match', {
    schema: {
      tags,
      summary: 'What a text of "nơi nhận", or a pasted list, names',
      description:
        'Exact codes, groups, whole names and abbreviations that fit one unit only. What fits several is named with its candidates and never guessed; what fits none is for paper. Nothing is sent.',
      body: matchBody,
      response: { 200: matchAnswer, ...failure },
    },
    handler: async ({ body }) => core.recipients.match(body.text, unitOf(body)),
  });
  app.get<{ Querystring: { unit?: string } }>('/v1/groups', {
    schema: {
      tags,
      summary: 'Groups of the unit and of the hub',
      querystring: unitQuery,
      response: { 200: groupsAnswer, ...failure },
    },
    handler: async ({ query }) => ({ groups: core.recipients.groups(unitOf(query)) }),
  });
  app.put<{ Params: { code: string }; Body: { name: string; members: string[]; unit?: string } }>(
    '/v1/groups/:code',
    {
      schema: {
        tags,
        summary: 'Make or change a group of the unit',
        description:
          'Send to it as "group:CODE". Members are addresses, also of other groups; a group may not contain itself.',
        params: codeParams,
        body: groupBody,
        response: { 200: groupAnswer, ...failure },
      },
      handler: async ({ params: { code }, body: { name, members, unit }, actor }) =>
        await core.recipients.setGroup(
          { code, name, members },
          { ...unitOf(unit === undefined ? {} : { unit }), actor },
        ),
    },
  );
  app.delete<{ Params: { code: string }; Querystring: { unit?: string } }>('/v1/groups/:code', {
    schema: { tags, summary: 'Remove a group of the unit', params: codeParams, querystring: unitQuery },
    handler: async ({ params: { code }, query, actor }, reply) => {
      await core.recipients.removeGroup(code, { ...unitOf(query), actor });
      return await reply.code(204).send();
    },
  });
}
