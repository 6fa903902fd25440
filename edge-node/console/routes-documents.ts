// Lists, one document, its files and pages, sending again, stopping, proof: what a clerk does with documents, for the caller's unit alone.
// Every look and download is in the audit. A document of another unit on the same node is as unknown as one that does not exist.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { OutboxState } from '../../protocol/states.ts';
import { sendPart } from '../api/send-part.ts';
import type { DocumentView, Edge, InboxRow } from '../core.ts';
import type { SheetFormat } from '../office/core.ts';
import { callerOf } from './guard.ts';
import { pageRoutes } from './routes-pages.ts';
import { body, idParams, list, query, text } from './schemas.ts';
import { sendFile } from './send-file.ts';

type Direction = 'out' | 'in';
type Id = { id: string };
type ListQuery = {
  text?: string;
  state?: string;
  sender?: string;
  urgency?: string;
  type?: string;
  due?: 'late' | 'running';
  since?: string;
  until?: string;
  after?: string;
  limit?: string;
};

/** Names of the filters of the inbox. */
const standings: Readonly<Record<string, readonly string[]>> = {
  waiting: ['01'],
  accepted: ['03', '04', '05'],
  finished: ['06'],
  returned: ['02'],
};

/** Names of filters of the outbox that are several states: it did not reach somebody, and nothing happens any more by itself. */
const failed: readonly OutboxState[] = ['refused', 'undeliverable', 'expired'];
/** Filters that ask for something else than a state of the transport. */
const notStates: readonly string[] = ['recalled', 'unanswered', 'returned'];
const several: Readonly<Record<string, readonly OutboxState[]>> = { failed, unsent: ['queued', ...failed] };

const listQuery = query({
  text: text(200),
  state: text(20),
  sender: text(64),
  urgency: { type: 'string', pattern: '^[0-4]$' },
  type: text(200),
  due: { enum: ['late', 'running'] },
  since: text(16),
  until: text(16),
  after: text(20),
  limit: text(3),
});
const directionParams = {
  type: 'object',
  required: ['direction', 'id'],
  properties: { direction: { enum: ['in', 'out'] }, ...idParams.properties },
} as const;

/** As many ids as a page of the list has rows; the address stays within what a server reads. */
const chosenMax = 200;
const chosenSchema = {
  params: { type: 'object', required: ['format'], properties: { format: { enum: ['csv', 'xlsx', 'pdf'] } } },
  querystring: {
    ...query({ ids: { type: 'string', pattern: `^[0-9a-f-]{36}(,[0-9a-f-]{36}){0,${chosenMax - 1}}$` } }),
    required: ['ids'],
  },
} as const;

const rangeOf = ({ since, until, limit, after, text: words }: ListQuery) => ({
  ...(words ? { words: words.normalize('NFC') } : {}),
  ...(since && /^\d{1,15}$/.test(since) ? { sinceMs: Number(since) } : {}),
  ...(until && /^\d{1,15}$/.test(until) ? { untilMs: Number(until) } : {}),
  ...(limit && /^\d{1,3}$/.test(limit) ? { limit: Number(limit) } : {}),
  ...(after ? { after } : {}),
});

/** Throws `document-unknown` unless it is the unit's own. */
export async function ownDocument(
  edge: Edge,
  unit: string,
  { id, direction }: { readonly id: string; readonly direction: Direction },
): Promise<DocumentView> {
  const view = await edge.show(id, { direction });
  const mine =
    direction === 'out'
      ? view.sender === unit
      : view.envelopes.some(({ recipients }) => recipients.some((to) => to.unit === unit));
  if (!mine) throw new ExchangeError('document-unknown');
  return view;
}

export function documentRoutes(app: FastifyInstance, edge: Edge): void {
  const read = { act: 'document.read' } as const;
  const withRead = (row: InboxRow, unit: string) => ({
    ...row,
    ...edge.desk.besideArrival({ ...row, unit }),
    read: edge.desk.isRead(row.envelopeId),
    senderName: edge.desk.nameOf(row.sender),
  });

  app.get<{ Querystring: ListQuery }>(
    '/c/v1/inbox',
    { config: read, schema: { querystring: listQuery } },
    async (request) => {
      const { unit } = callerOf(request);
      const { sender, state, urgency, type, due } = request.query;
      const codes = state ? standings[state] : undefined;
      const page = await edge.inbox({
        ...rangeOf(request.query),
        unit,
        ...(sender ? { sender } : {}),
        ...(codes ? { codes } : {}),
        ...(urgency ? { urgency: Number(urgency) } : {}),
        ...(type ? { type: type.normalize('NFC') } : {}),
        ...(due ? { due } : {}),
        ...(state === 'asked' || state === 'recalled' || state === 'reminded' ? { only: state } : {}),
      });
      return { ...page, rows: page.rows.map((row) => withRead(row, unit)) };
    },
  );
  // What the list of arrivals can be narrowed by: who sends to the unit, and kinds of documents that came.
  app.get('/c/v1/inbox/choices', { config: read }, async (request) => ({
    senders: edge.desk.sendersOf(callerOf(request).unit),
    types: edge.desk.arrivalTypes(),
  }));
  app.get<{ Params: { format: SheetFormat }; Querystring: { ids: string } }>(
    '/c/v1/inbox/chosen/:format',
    { config: read, schema: chosenSchema },
    async (request, reply) => {
      const { unit, person } = callerOf(request);
      const { format } = request.params;
      const ids = request.query.ids.split(',');
      const file = await edge.office.chosen({ unit, ids, format });
      await edge.noteAudit({
        actor: person.email,
        act: 'print',
        about: `${ids.length} văn bản đến`,
        said: format,
      });
      return sendFile(reply, file);
    },
  );
  app.get<{ Querystring: ListQuery }>(
    '/c/v1/outbox',
    { config: read, schema: { querystring: listQuery } },
    async (request) => {
      const { unit } = callerOf(request);
      const { state } = request.query;
      return await edge.outbox({
        ...rangeOf(request.query),
        unit,
        ...(state === 'recalled' ? { recalled: true } : {}),
        ...(state === 'returned' ? { returnedSinceMs: edge.desk.returnedSince() } : {}),
        ...(state === 'unanswered' ? { unansweredSinceMs: edge.desk.confirmDue() } : {}),
        ...(state && !notStates.includes(state)
          ? { state: several[state] ?? (state as OutboxState), unsettled: state in several }
          : {}),
      });
    },
  );
  app.get<{ Params: Id & { direction: Direction }; Querystring: { refresh?: string } }>(
    '/c/v1/documents/:direction/:id',
    { config: read, schema: { params: directionParams, querystring: query({ refresh: text(1) }) } },
    async (request) => {
      const caller = callerOf(request);
      const view = await ownDocument(edge, caller.unit, request.params);
      await edge.desk.noteOpening(caller, view, request.query.refresh === '1');
      return { ...view, senderName: edge.desk.nameOf(view.sender) };
    },
  );
  partRoutes(app, edge);
  pageRoutes(app, edge);
  actRoutes(app, edge);
}

function partRoutes(app: FastifyInstance, edge: Edge): void {
  app.get<{ Params: Id & { direction: Direction; index: string } }>(
    '/c/v1/documents/:direction/:id/parts/:index',
    { config: { act: 'document.read' }, schema: { params: directionParams } },
    async (request, reply) => {
      const caller = callerOf(request);
      const view = await ownDocument(edge, caller.unit, request.params);
      await edge.noteAudit({
        actor: caller.person.email,
        act: 'download',
        about: view.documentId,
        said: `tệp ${request.params.index}`,
      });
      return await sendPart(request, reply, { core: edge, direction: request.params.direction });
    },
  );
  app.get<{ Params: Id & { direction: Direction } }>(
    '/c/v1/documents/:direction/:id/proof',
    { config: { act: 'document.read' }, schema: { params: directionParams } },
    async (request, reply) => await sendProof(edge, request, reply),
  );
}

async function sendProof(
  edge: Edge,
  request: FastifyRequest<{ Params: Id & { direction: Direction } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const caller = callerOf(request);
  const { id, direction } = request.params;
  await ownDocument(edge, caller.unit, { id, direction });
  await edge.noteAudit({ actor: caller.person.email, act: 'proof', about: id });
  const bytes = await edge.proof(id, { direction, withMetadata: true });
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', `attachment; filename="${id}.ltproof"`)
    .send(Buffer.from(bytes));
}

function actRoutes(app: FastifyInstance, edge: Edge): void {
  app.post<{ Params: Id }>(
    '/c/v1/documents/out/:id/settle',
    { config: { act: 'document.recall' }, schema: { params: idParams, body: body({}) } },
    async (request) => {
      const caller = callerOf(request);
      await ownDocument(edge, caller.unit, { id: request.params.id, direction: 'out' });
      await edge.settleFailures(request.params.id, { actor: caller.person.email });
      return { ok: true };
    },
  );
  app.post<{ Params: Id }>(
    '/c/v1/documents/out/:id/retry',
    { config: { act: 'document.recall' }, schema: { params: idParams, body: body({}) } },
    async (request) => {
      const caller = callerOf(request);
      await ownDocument(edge, caller.unit, { id: request.params.id, direction: 'out' });
      return await edge.retry(request.params.id, { actor: caller.person.email });
    },
  );
  for (const act of ['resend', 'cancel'] as const)
    app.post<{ Params: Id; Body: { to?: string[] } }>(
      `/c/v1/documents/out/:id/${act}`,
      {
        config: { act: 'document.recall' },
        schema: { params: idParams, body: body({ to: list(text(300), limits.recipientsMax) }, []) },
      },
      async (request) => {
        const caller = callerOf(request);
        await ownDocument(edge, caller.unit, { id: request.params.id, direction: 'out' });
        return await edge[act](request.params.id, { ...request.body, actor: caller.person.email });
      },
    );
}
