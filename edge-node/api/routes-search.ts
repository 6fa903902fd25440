// Search over REST: words of any field of what was sent and received. Reading only.
// Where a clerk's program finds a document again, long after its path has ended.
import type { FastifyInstance } from 'fastify';
import type { EdgeCore } from '../core.ts';
import { problemAnswer } from './answer-forms.ts';
import { foundAnswer } from './answers-lists.ts';
import { type PageQuery, pageOf } from './routes-documents.ts';
import { searchQuery } from './schemas-requests.ts';

const failure = { '4xx': problemAnswer, '5xx': problemAnswer };

export function searchRoutes(app: FastifyInstance, core: EdgeCore): void {
  app.get<{ Querystring: PageQuery & { q?: string; direction?: 'out' | 'in'; sort?: 'newest' | 'subject' } }>(
    '/v1/search',
    {
      schema: {
        tags: ['documents', 'inbox'],
        summary: 'Search sent and received documents',
        description:
          'All words, in any field of the metadata: subject, number and notation (125/UBND-TH), signers, offices, file names, notes. Case, diacritics, đ/d and the place of the tone mark do not matter; the last word may be a beginning; "words in quotation marks" stand in this order. Without q: everything.',
        querystring: searchQuery,
        response: { 200: foundAnswer, ...failure },
      },
      handler: async ({ query: { q, direction, sort, ...page } }) =>
        await core.find({
          ...pageOf(page),
          ...(q === undefined ? {} : { text: q }),
          ...(direction === undefined ? {} : { direction }),
          ...(sort === undefined ? {} : { sort }),
        }),
    },
  );
}
