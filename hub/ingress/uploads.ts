// Where a large part enters the hub: POST creates, PATCH appends, HEAD or GET tells the offset, DELETE gives up. An offset in an answer is on
// disk. Must never tell a peer anything about content or uploads of another unit: a foreign upload, a random id and a malformed
// one give one answer, and content that only another unit has brought is received again in full.
// draft-ietf-httpbis-resumable-upload, with the create step of its own and chunk hashes declared at creation.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { partialUploadType, paths } from '../../protocol/api.ts';
import { chunkCount, hashBytes, verifyLeaves } from '../../protocol/chunks.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { limits as allLimits } from '../../protocol/limits.ts';
import type { ContentStore, PartialState } from '../../protocol/node/content-store.ts';
import type { ServerPeer } from '../../protocol/node/http-server.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { lent } from '../../protocol/node/release.ts';

type UploadLimits = Readonly<
  Record<'partBytesMax' | 'appendBytesMax' | 'uploadsOpenMax' | 'uploadIdleMs', number>
>;

export type UploadsDeps = {
  readonly store: ContentStore;
  /** The signed directory lets this peer submit for this unit. */
  readonly assertMayUseUnit: (peer: ServerPeer, unitId: string) => void;
  /** This same unit has itself uploaded this content completely before. */
  readonly knowsContent: (unitId: string, sha256: Uint8Array) => Promise<boolean>;
  /** Idempotent; durable before the peer hears that the upload is complete. */
  readonly rememberContent: (unitId: string, sha256: Uint8Array, lengthBytes: number) => Promise<void>;
  /** `usedBytes` without open uploads: those are counted here. */
  readonly quota: (unitId: string) => Promise<{ readonly limitBytes: number; readonly usedBytes: number }>;
  readonly limits: UploadLimits | typeof allLimits;
  readonly diskFree: () => Promise<number>;
  /** Kept free for the database and what is already accepted. */
  readonly diskReserveBytes: number;
  readonly log: Log;
};

/** Base64 of 2 MiB of chunk hashes, and some fields. */
const createBytesMax = 3 * 1024 * 1024;
/** A create whose answer was lost is found again after this; an upload that lives never pauses so long between requests. */
const lostCreateIdleMs = 30_000;

type Creation = {
  readonly unit: string;
  readonly lengthBytes: number;
  readonly sha256: Uint8Array;
  readonly treeRoot: Uint8Array;
  readonly leaves: Uint8Array;
};

export function uploadRoutes(deps: UploadsDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    const { limits } = deps;
    const limitText = `max-size=${limits.partBytesMax}, max-append-size=${limits.appendBytesMax}, max-age=${Math.floor(limits.uploadIdleMs / 1000)}`;
    if (!app.hasContentTypeParser(partialUploadType))
      app.addContentTypeParser(partialUploadType, (_request, payload, done) => done(null, payload));
    const one = `${paths.uploads}/:uploadId`;
    const answerLimits = async (_request: FastifyRequest, reply: FastifyReply) =>
      reply.code(204).header('upload-limit', limitText).send();
    app.options(paths.uploads, answerLimits);
    app.options(one, answerLimits);

    app.post(paths.uploads, { bodyLimit: createBytesMax }, async (request, reply) => {
      const wanted = creation(request.body);
      const state = await create(deps, peerOf(request), wanted);
      reply.header('upload-limit', limitText).header('location', `${paths.uploads}/${state.uploadId}`);
      return answer(reply, state).code(201).send();
    });

    const tellOffset = async (request: FastifyRequest, reply: FastifyReply) => {
      const { id } = await owned(deps, request);
      const state = await remembered(deps, await deps.store.partial(id, { settle: true }));
      reply.header('upload-length', state.lengthBytes).header('upload-limit', limitText);
      return answer(reply, state).header('cache-control', 'no-store').code(204).send();
    };
    app.head(one, tellOffset);
    // Ours beside the draft: an answer to HEAD has no body, so a refusal could not say its code.
    app.get(one, { exposeHeadRoute: false }, tellOffset);

    app.patch(one, { bodyLimit: limits.appendBytesMax }, async (request, reply) => {
      const { id, state } = await owned(deps, request);
      const said = appendHeaders(request, limits);
      // A repeated last append whose answer was lost.
      if (state.complete)
        return answer(reply, await remembered(deps, state))
          .code(204)
          .send();
      const now = await append(deps, id, { ...said, request, reply });
      return answer(reply, now).code(204).send();
    });

    app.delete(one, async (request, reply) => {
      const { id } = await owned(deps, request);
      await deps.store.drop(id);
      return reply.code(204).send();
    });
  };
}

function answer(reply: FastifyReply, state: Pick<PartialState, 'offsetBytes' | 'complete'>): FastifyReply {
  return reply
    .header('upload-offset', state.offsetBytes)
    .header('upload-complete', state.complete ? '?1' : '?0');
}

function peerOf(request: FastifyRequest): ServerPeer {
  // The trust hook runs before every route; a route without it must not work at all.
  if (request.peer === null || request.peer === undefined) throw new ExchangeError('peer-unknown');
  return request.peer;
}

function creation(body: unknown): Creation {
  const fields: Partial<Record<string, unknown>> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  const bytes = (name: string): Uint8Array => {
    const text = fields[name];
    if (typeof text !== 'string') throw new ExchangeError('request-malformed', name);
    return Buffer.from(text, 'base64');
  };
  const { unit, lengthBytes } = fields;
  if (typeof unit !== 'string' || unit.length > 64) throw new ExchangeError('request-malformed', 'unit');
  if (typeof lengthBytes !== 'number' || !Number.isSafeInteger(lengthBytes) || lengthBytes < 0)
    throw new ExchangeError('request-malformed', 'lengthBytes');
  const wanted = {
    unit,
    lengthBytes,
    sha256: bytes('sha256'),
    treeRoot: bytes('treeRoot'),
    leaves: bytes('leaves'),
  };
  if (wanted.sha256.length !== hashBytes || wanted.treeRoot.length !== hashBytes)
    throw new ExchangeError('digest-malformed');
  return wanted;
}

async function create(
  deps: UploadsDeps,
  peer: ServerPeer,
  wanted: Creation,
): Promise<Pick<PartialState, 'offsetBytes' | 'complete'> & { uploadId: string }> {
  const { store, limits } = deps;
  const { unit: owner, lengthBytes, sha256, treeRoot, leaves } = wanted;
  deps.assertMayUseUnit(peer, owner);
  if (lengthBytes > limits.partBytesMax)
    throw new ExchangeError('part-too-large', `at most ${limits.partBytesMax} bytes`);
  // Before the question what is known, so that a wrong tree gets one answer whatever the hub has.
  if (leaves.length === chunkCount(lengthBytes) * hashBytes) verifyLeaves(leaves, lengthBytes, treeRoot);
  else throw new ExchangeError('upload-tree-malformed');
  const [known, quota, freeBytes] = await Promise.all([
    deps.knowsContent(owner, sha256),
    deps.quota(owner),
    deps.diskFree(),
  ]);
  if (known && (await store.stat(sha256))?.lengthBytes === lengthBytes && (await store.touch(sha256)))
    return { uploadId: randomUUID(), offsetBytes: lengthBytes, complete: true };
  const lost = store.findIdle({ owner, lengthBytes, sha256, treeRoot }, { idleMs: lostCreateIdleMs });
  if (lost !== undefined) return { uploadId: lost, ...(await store.partial(lost, { settle: true })) };
  // From here to begin() nothing is awaited: what these checks count includes every upload begun before.
  const open = store.usage(owner);
  if (open.uploads >= limits.uploadsOpenMax)
    throw new ExchangeError('uploads-too-many', `at most ${limits.uploadsOpenMax}`);
  if (quota.usedBytes + open.bytes + lengthBytes > quota.limitBytes)
    throw new ExchangeError('quota-exceeded', `${quota.limitBytes} bytes`);
  if (freeBytes - store.promisedBytes() - lengthBytes < deps.diskReserveBytes)
    throw new ExchangeError('disk-nearly-full');
  const uploadId = randomUUID();
  const state = await store.begin({ id: uploadId, owner, lengthBytes, sha256, treeRoot, leaves });
  return { uploadId, ...state };
}

/** The upload of this request. A foreign, an unknown and a malformed id end in the same words. */
async function owned(
  deps: UploadsDeps,
  request: FastifyRequest,
): Promise<{ readonly id: string; readonly state: PartialState }> {
  const peer = peerOf(request);
  const { uploadId } = request.params as { uploadId: string };
  // The owner is read before anything is located or stopped: a stranger must not be able to do either.
  const owner = deps.store.ownerOf(uploadId);
  if (owner === undefined) throw new ExchangeError('upload-unknown');
  try {
    deps.assertMayUseUnit(peer, owner);
  } catch (error) {
    // A stranger does not learn that it exists; whoever only has to wait is told so.
    if (isExchangeError(error) && error.row.retry === 'never') throw new ExchangeError('upload-unknown');
    throw error;
  }
  return { id: uploadId, state: await deps.store.partial(uploadId) };
}

/** Before a peer hears `complete`, the hub remembers that this unit has brought this content. */
async function remembered(deps: UploadsDeps, state: PartialState): Promise<PartialState> {
  if (state.complete) await deps.rememberContent(state.owner, state.sha256, state.lengthBytes);
  return state;
}

function appendHeaders(request: FastifyRequest, limits: UploadsDeps['limits']) {
  const offset = request.headers['upload-offset'];
  const complete = request.headers['upload-complete'];
  const length = request.headers['content-length'];
  if (typeof offset !== 'string' || !/^\d{1,15}$/.test(offset))
    throw new ExchangeError('request-malformed', 'Upload-Offset');
  if (complete !== '?0' && complete !== '?1') throw new ExchangeError('request-malformed', 'Upload-Complete');
  if (length === undefined) throw new ExchangeError('request-malformed', 'Content-Length is required');
  // fastify does not bound a body that is passed through.
  if (Number(length) > limits.appendBytesMax)
    throw new ExchangeError('append-too-large', `at most ${limits.appendBytesMax} bytes`);
  return { offsetBytes: Number(offset), lengthBytes: Number(length), last: complete === '?1' };
}

async function append(
  deps: UploadsDeps,
  id: string,
  r: {
    offsetBytes: number;
    lengthBytes: number;
    last: boolean;
    request: FastifyRequest;
    reply: FastifyReply;
  },
): Promise<PartialState> {
  const { store } = deps;
  const { offsetBytes, lengthBytes } = r;
  // Node ends the body at Content-Length, and the answer to a refusal must still find its way, so nothing destroys the socket.
  const body = lent(r.request.raw.iterator({ destroyOnReturn: false }));
  try {
    const end = await store.append(id, { offsetBytes, lengthBytes, body });
    if (end.ended !== 'whole') {
      // Nobody waits for this answer: the line broke, or a newer append took over from a half-open one.
      r.request.raw.destroy();
      throw new ExchangeError('request-timeout', 'the body broke off');
    }
    const state = r.last ? await store.finish(id) : await store.partial(id);
    if (state.complete)
      deps.log.info({ event: 'upload.finished', upload: id, unit: state.owner, bytes: state.lengthBytes });
    return await remembered(deps, state);
  } catch (error) {
    const owner = store.ownerOf(id);
    if (owner !== undefined && isExchangeError(error, 'upload-offset-wrong', 'upload-chunk-mismatch'))
      answer(r.reply, await store.partial(id));
    throw error;
  }
}
