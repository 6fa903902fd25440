// The pages of a document's PDF as pictures with their text, so that a file from outside is looked at without being opened by the browser.
// Only for who may read the document; the first page of a document is in the audit through its view.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Act } from '../accounts/rights.ts';
import type { Edge, PartView } from '../core.ts';
import { callerOf } from './guard.ts';
import { type Pages, pageSourceBytesMax } from './pages.ts';
import { ownDocument } from './routes-documents.ts';
import { text, uuid } from './schemas.ts';

type Params = { direction: 'in' | 'out'; id: string; index: string; page: string };
type DraftFile = { handle: string; page: string };
const number = { type: 'string', pattern: '^[0-9]{1,6}$' } as const;
const params = {
  type: 'object',
  required: ['direction', 'id', 'index'],
  properties: { direction: { enum: ['in', 'out'] }, id: uuid, index: number, page: number },
} as const;
const draftParams = {
  type: 'object',
  required: ['handle'],
  properties: { handle: text(64), page: number },
} as const;

const isPdf = ({ name, mediaType }: PartView): boolean =>
  mediaType === 'application/pdf' || name.toLowerCase().endsWith('.pdf');

type Source = { readonly etag: string; readonly read: () => AsyncIterable<Uint8Array> };
type Served<Asked extends { page: string }> = {
  readonly base: string;
  readonly options: { readonly config: { readonly act: Act }; readonly schema: { readonly params: object } };
  /** Throws `page-unreadable` for what cannot be shown. */
  readonly source: (unit: string, asked: Asked) => Promise<Source>;
};

/** Count, picture and text of the pages, wherever the bytes come from. */
function serve<Asked extends { page: string }>(
  app: FastifyInstance,
  pages: Pages,
  { base, options, source }: Served<Asked>,
): void {
  const asked = (request: FastifyRequest) => source(callerOf(request).unit, request.params as Asked);
  app.get(base, options, async (request) => {
    const count = await pages.count((await asked(request)).read);
    if (count === undefined) throw new ExchangeError('page-unreadable');
    return { count };
  });
  app.get<{ Params: Asked }>(`${base}/:page`, options, async (request, reply) => {
    const { read, etag } = await asked(request);
    reply.header('cache-control', 'private, max-age=600').header('etag', etag);
    return await reply.type('image/png').send(await pages.picture(read, pageOf(request)));
  });
  app.get<{ Params: Asked }>(`${base}/:page/text`, options, async (request) => ({
    text: await pages.words((await asked(request)).read, pageOf(request)),
  }));
}
const pageOf = ({ params }: FastifyRequest): number => Number((params as { page: string }).page);

/** Of documents: for who may read them. */
export function pageRoutes(app: FastifyInstance, edge: Edge): void {
  const { pages } = edge.desk;
  serve<Params>(app, pages, {
    base: '/c/v1/documents/:direction/:id/parts/:index/pages',
    options: { config: { act: 'document.read' }, schema: { params } },
    async source(unit, { direction, id, index }) {
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
    },
  });
}

/** Of files that a draft has, before anything is sent: for the unit that brought them. */
export function draftPageRoutes(app: FastifyInstance, { desk }: Edge): void {
  serve<DraftFile>(app, desk.pages, {
    base: '/c/v1/drafts/files/:handle/pages',
    options: { config: { act: 'document.draft' }, schema: { params: draftParams } },
    async source(unit, { handle }) {
      const { lengthBytes, sha256Hex, read } = desk.draftFile(handle, unit);
      if (lengthBytes > pageSourceBytesMax || !(await desk.pages.available()))
        throw new ExchangeError('page-unreadable');
      return { etag: `"${sha256Hex}"`, read };
    },
  });
}
