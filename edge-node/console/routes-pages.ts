// The pages of a document's PDF as pictures with their text, so that a file from outside is looked at without being opened by the browser.
// Only for who may read the document; the first page of a document is in the audit through its view.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Edge, PartView } from '../core.ts';
import { callerOf } from './guard.ts';
import { pageSourceBytesMax } from './pages.ts';
import { ownDocument } from './routes-documents.ts';
import { uuid } from './schemas.ts';

type Params = { direction: 'in' | 'out'; id: string; index: string; page: string };
const number = { type: 'string', pattern: '^[0-9]{1,6}$' } as const;
const params = {
  type: 'object',
  required: ['direction', 'id', 'index'],
  properties: { direction: { enum: ['in', 'out'] }, id: uuid, index: number, page: number },
} as const;

const isPdf = ({ name, mediaType }: PartView): boolean =>
  mediaType === 'application/pdf' || name.toLowerCase().endsWith('.pdf');

export function pageRoutes(app: FastifyInstance, edge: Edge): void {
  const { pages } = edge.desk;
  const base = '/c/v1/documents/:direction/:id/parts/:index/pages';
  const options = { config: { act: 'document.read' as const }, schema: { params } };

  async function source(unit: string, { direction, id, index }: Params) {
    const view = await ownDocument(edge, unit, { id, direction });
    const part = view.parts[Number(index)];
    if (!part) throw new ExchangeError('not-found', `part ${index}`);
    if (!isPdf(part) || part.lengthBytes > pageSourceBytesMax || !(await pages.available()))
      throw new ExchangeError('page-unreadable');
    return {
      etag: `"${part.sha256Hex}"`,
      read: async function* () {
        const { body } = await edge.readPart(id, part.index, { direction });
        yield* body;
      },
    };
  }

  app.get<{ Params: Params }>(base, options, async (request) => {
    const { read } = await source(callerOf(request).unit, request.params);
    const count = await pages.count(read);
    if (count === undefined) throw new ExchangeError('page-unreadable');
    return { count };
  });
  app.get<{ Params: Params }>(`${base}/:page`, options, async (request, reply) => {
    const { read, etag } = await source(callerOf(request).unit, request.params);
    reply.header('cache-control', 'private, max-age=600').header('etag', etag);
    return await reply.type('image/png').send(await pages.picture(read, Number(request.params.page)));
  });
  app.get<{ Params: Params }>(`${base}/:page/text`, options, async (request) => {
    const { read } = await source(callerOf(request).unit, request.params);
    return { text: await pages.words(read, Number(request.params.page)) };
  });
}
