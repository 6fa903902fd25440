// Outgoing documents over REST: hand in, upload, list, show, send again, cancel, proof.
// A 202 leaves only after the core says that document and content survive a power cut; nothing of a document is kept here.
// First step of a document's path.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentFields } from '../../protocol/document/fields.ts';
import { metadataOf, urgencyOf } from '../../protocol/document/metadata.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { lent, releaseBytes } from '../../protocol/node/release.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { OutboxState } from '../../protocol/states.ts';
import type { EdgeCore, SubmitPart, SubmitRequest } from '../core.ts';
import { problemAnswer } from './answer-forms.ts';
import { documentAnswer, submitAnswer, uploadAnswer } from './answers-documents.ts';
import { outboxAnswer } from './answers-lists.ts';
import {
  directionQuery,
  idempotencyHeaders,
  idParams,
  noBody,
  noQuery,
  outboxQuery,
  partParams,
  proofQuery,
  submitSchema,
  uploadQuery,
} from './schemas-requests.ts';
import { someSchema } from './schemas-statuses.ts';
import { sendPart } from './send-part.ts';

type GivenPart = { name: string; mediaType: string; contentBase64?: string; uploadId?: string };
/** What `submitSchema` lets through. */
export type SubmitBody = DocumentFields & {
  idempotencyKey?: string;
  keepText?: boolean;
  unit?: string;
  recipients: string[];
  parts: GivenPart[];
  kind?: 'document' | 'replacement';
  deliverBy?: string;
  evenIfDuplicate?: boolean;
};

function partOf({ name, mediaType, contentBase64, uploadId }: GivenPart, index: number): SubmitPart {
  if (uploadId !== undefined) return { name, mediaType, handle: uploadId };
  const content = Buffer.from(contentBase64 ?? '', 'base64');
  if (content.length > limits.inlinePartBytesMax)
    throw new ExchangeError(
      'part-too-large',
      `/parts/${index}: upload what is larger than ${limits.inlinePartBytesMax} bytes`,
    );
  return { name, mediaType, content };
}

/** What was handed in lies in the store, or was refused: nobody reads it here again. */
function forgetContent({ parts }: SubmitRequest): void {
  for (const part of parts) if ('content' in part) releaseBytes(part.content);
}

/** Header or field; both only if they agree. Without one a lost answer would make a second document. */
function keyOf(header: string | string[] | undefined, field: string | undefined): string {
  const given = [header].flat()[0];
  if (given !== undefined && field !== undefined && given !== field)
    throw new ExchangeError('request-malformed', 'Idempotency-Key and /idempotencyKey differ');
  const key = given ?? field;
  if (key === undefined)
    throw new ExchangeError('request-malformed', 'missing: header Idempotency-Key or field /idempotencyKey');
  return key;
}

export function toSubmitRequest(body: SubmitBody, idempotencyKey: string, actor: string): SubmitRequest {
  return {
    idempotencyKey,
    actor,
    to: body.recipients,
    metadata: metadataOf(body),
    parts: body.parts.map(partOf),
    ...(body.unit === undefined ? {} : { unit: body.unit }),
    ...(body.keepText === undefined ? {} : { keepText: body.keepText }),
    ...(body.kind === undefined ? {} : { kind: kinds[body.kind] }),
    urgency: urgencyOf(body),
    ...(body.deliverBy === undefined ? {} : { deliverByMs: Date.parse(body.deliverBy) }),
    ...(body.replyBy === undefined ? {} : { replyByMs: Date.parse(body.replyBy) }),
    ...(body.links === undefined
      ? {}
      : { links: body.links.map((link) => ({ ...link, relation: relations[link.relation] })) }),
    ...(body.evenIfDuplicate === undefined ? {} : { evenIfDuplicate: body.evenIfDuplicate }),
  };
}

export type PageQuery = {
  unit?: string;
  text?: string;
  since?: string;
  until?: string;
  limit?: string;
  after?: string;
  every?: string;
};
export function pageOf({ since, until, limit, every, ...rest }: PageQuery) {
  return {
    ...rest,
    ...(every === undefined ? {} : { every: every === 'true' }),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}

type Id = { id: string };
type Direction = { direction?: 'out' | 'in' };
const tags = ['documents'];
const failure = { '4xx': problemAnswer, '5xx': problemAnswer };

export function documentRoutes(app: FastifyInstance, core: EdgeCore): void {
  app.post<{ Body: SubmitBody }>('/v1/documents', {
    schema: {
      tags,
      summary: 'Hand in a document',
      description:
        '202: taken over; it survives a power cut and the node sends it. 200: the key was known, this is the document of then.',
      headers: idempotencyHeaders,
      querystring: noQuery,
      body: submitSchema,
      response: { 200: submitAnswer, 202: submitAnswer, ...failure },
    },
    handler: async (request, reply) => {
      const key = keyOf(request.headers['idempotency-key'], request.body.idempotencyKey);
      const asked = toSubmitRequest(request.body, key, request.actor);
      // Decoded: a commit waits for the disk, and up to 5 MiB of text need not wait with it.
      for (const part of request.body.parts) delete part.contentBase64;
      const answer = await core.submit(asked).finally(() => forgetContent(asked));
      return await reply
        .code(answer.duplicate ? 200 : 202)
        .header('location', `/v1/documents/${answer.documentId}`)
        .send(answer);
    },
  });
  uploadRoute(app, core);
  app.get<{ Querystring: PageQuery & { state?: OutboxState } }>('/v1/documents', {
    schema: {
      tags,
      summary: 'The outbox, page by page',
      querystring: outboxQuery,
      response: { 200: outboxAnswer, ...failure },
    },
    handler: async ({ query }) => await core.outbox(pageOf(query)),
  });
  app.get<{ Params: Id; Querystring: Direction }>('/v1/documents/:id', {
    schema: {
      tags,
      summary: 'One document with the timeline of every recipient',
      params: idParams,
      querystring: directionQuery,
      response: { 200: documentAnswer, ...failure },
    },
    handler: async ({ params, query }) => await core.show(params.id, query),
  });
  app.get<{ Params: Id & { index: string } }>('/v1/documents/:id/parts/:index', {
    schema: {
      tags,
      summary: 'The bytes of a file that was handed in',
      params: partParams,
      querystring: noQuery,
    },
    handler: (request, reply) => sendPart(request, reply, { core, direction: 'out' }),
  });
  actRoutes(app, core);
  proofRoute(app, core);
}

function uploadRoute(app: FastifyInstance, core: EdgeCore): void {
  app.post<{ Body: Readable; Querystring: { unit?: string } }>('/v1/uploads', {
    bodyLimit: limits.partBytesMax,
    schema: {
      tags,
      summary: 'Hand in a large file',
      description:
        'The body is the file, application/octet-stream, of any size up to 64 GiB. Compare sha256Hex with yours; a cut upload leaves nothing.',
      consumes: ['application/octet-stream'],
      querystring: uploadQuery,
      response: { 201: uploadAnswer, ...failure },
    },
    handler: async (request, reply) => {
      if (typeof request.body?.[Symbol.asyncIterator] !== 'function' || Buffer.isBuffer(request.body))
        throw new ExchangeError('media-type-refused', 'the body is application/octet-stream');
      const { unit } = request.query;
      const { handle, lengthBytes, sha256Hex } = await core.addContent(
        lent(request.body),
        unit === undefined ? {} : { unit },
      );
      return await reply.code(201).send({ uploadId: handle, lengthBytes, sha256Hex });
    },
  });
}

function actRoutes(app: FastifyInstance, core: EdgeCore): void {
  const schema = (summary: string, description: string) => ({
    tags,
    summary,
    description,
    params: idParams,
    querystring: noQuery,
    body: someSchema,
    response: { 200: submitAnswer, 202: submitAnswer, ...failure },
  });
  type Some = { Params: Id; Body: { to?: string[] } | null };
  app.post<Some>('/v1/documents/:id/resend', {
    schema: schema(
      'Send again',
      'A new envelope of the same document to those whom it did not reach: after expiry, refusal or loss. Named ones also after they were stopped. document-state-refused when there is nobody.',
    ),
    handler: async ({ params, body, actor }, reply) =>
      await reply.code(202).send(await core.resend(params.id, { ...body, actor })),
  });
  app.post<Some>('/v1/documents/:id/cancel', {
    schema: schema(
      'Cancel',
      'Only while nothing of it can have reached the hub; afterwards recall it. Where some are named, the others get it.',
    ),
    handler: async ({ params, body, actor }) => await core.cancel(params.id, { ...body, actor }),
  });
  app.post<{ Params: Id }>('/v1/documents/:id/retry', {
    schema: {
      tags,
      summary: 'Send now',
      description:
        'What of it waits for its next try after one that failed is tried at once. document-state-refused when nothing of it waits here, document-held while a check has not let it go.',
      params: idParams,
      querystring: noQuery,
      body: noBody,
      response: { 202: submitAnswer, ...failure },
    },
    handler: async ({ params, actor }, reply) =>
      await reply.code(202).send(await core.retry(params.id, { actor })),
  });
}

function proofRoute(app: FastifyInstance, core: EdgeCore): void {
  app.get<{ Params: Id; Querystring: Direction & { metadata?: 'true' | 'false' } }>(
    '/v1/documents/:id/proof',
    {
      schema: {
        tags,
        summary: 'The proof file',
        description:
          'Sealed header, receipts, certificates and directory in one file; "lienthong verify" reads it offline.',
        params: idParams,
        querystring: proofQuery,
        produces: ['application/octet-stream'],
      },
      handler: async (request, reply) => await sendProof(request, reply, core),
    },
  );
}

async function sendProof(
  request: FastifyRequest<{ Params: Id; Querystring: Direction & { metadata?: 'true' | 'false' } }>,
  reply: FastifyReply,
  core: EdgeCore,
): Promise<FastifyReply> {
  const { direction, metadata } = request.query;
  const bytes = await core.proof(request.params.id, {
    ...(direction === undefined ? {} : { direction }),
    withMetadata: metadata === 'true',
  });
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', `attachment; filename="${request.params.id}.ltproof"`)
    .header('x-content-type-options', 'nosniff')
    .send(Buffer.from(bytes));
}
