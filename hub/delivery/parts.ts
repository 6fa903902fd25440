// Where a recipient reads the large parts of what was delivered to it: by delivery and number, never by hash. Must never read
// content for anyone but a recipient of that delivery; every other question ends in `delivery-unknown`.
// Ranges are RFC 9110 §14, one per request; the tag is the SHA-256, so a resumed read never mixes two contents.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { paths } from '../../protocol/api.ts';
import { createChunkHasher } from '../../protocol/chunks.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { ServerPeer } from '../../protocol/node/http-server.ts';

export type DeliveredPart = {
  readonly sha256: Uint8Array;
  readonly lengthBytes: number;
  /** A small part that lies in the database. */
  readonly inlineBytes?: Uint8Array;
};

export type PartsDeps = {
  readonly store: ContentStore;
  /** Throws `delivery-unknown` for a delivery that does not exist, is not this peer's, or has no such part. */
  readonly partOf: (peer: ServerPeer, deliveryId: string, index: number) => Promise<DeliveredPart>;
  readonly touchLease: (deliveryId: string) => void | Promise<void>;
  readonly clock: Clock;
};

/** A lease is renewed this often while bytes flow. */
const touchEveryMs = limits.leaseMs / 4;

export function partRoutes(deps: PartsDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    const one = `${paths.deliveries}/:deliveryId/parts/:index`;

    app.get(`${one}/leaves`, async (request, reply) => {
      const { part, deliveryId } = await wanted(deps, request);
      await deps.touchLease(deliveryId);
      const leaves = part.inlineBytes ? leavesOf(part.inlineBytes) : await deps.store.leaves(part.sha256);
      return reply.type('application/octet-stream').send(Buffer.from(leaves));
    });

    app.get(one, async (request, reply) => {
      const { part, deliveryId } = await wanted(deps, request);
      await deps.touchLease(deliveryId);
      const tag = `"${Buffer.from(part.sha256).toString('hex')}"`;
      reply.header('etag', tag).header('accept-ranges', 'bytes').header('cache-control', 'no-store');
      const range = rangeOf(request, tag, part.lengthBytes);
      if (range === 'refused') {
        reply.header('content-range', `bytes */${part.lengthBytes}`);
        throw new ExchangeError('range-refused', `the part has ${part.lengthBytes} bytes`);
      }
      const { from, to } = range ?? { from: 0, to: part.lengthBytes };
      reply.type('application/octet-stream').header('content-length', to - from);
      if (range !== undefined)
        reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${part.lengthBytes}`);
      return send(reply, part, { ...deps, deliveryId, from, to });
    });
  };
}

async function wanted(
  deps: PartsDeps,
  request: FastifyRequest,
): Promise<{ readonly part: DeliveredPart; readonly deliveryId: string }> {
  if (request.peer === null || request.peer === undefined) throw new ExchangeError('peer-unknown');
  const { deliveryId, index } = request.params as { deliveryId: string; index: string };
  if (!/^\d{1,3}$/.test(index) || deliveryId.length > 100) throw new ExchangeError('delivery-unknown');
  return { part: await deps.partOf(request.peer, deliveryId, Number(index)), deliveryId };
}

function leavesOf(bytes: Uint8Array): Uint8Array {
  const hasher = createChunkHasher();
  hasher.update(bytes);
  return hasher.finish().leaves;
}

/**
 * RFC 9110 §14.2: undefined means the whole part (no Range, another unit, several ranges, or If-Range of another content);
 * `refused` a range that lies outside.
 */
function rangeOf(
  request: FastifyRequest,
  tag: string,
  lengthBytes: number,
): { readonly from: number; readonly to: number } | 'refused' | undefined {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== tag) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.headers.range ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const from = Math.max(0, lengthBytes - Number(last));
    return from < lengthBytes ? { from, to: lengthBytes } : 'refused';
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  const to = last === '' ? lengthBytes : Math.min(Number(last) + 1, lengthBytes);
  return from < lengthBytes ? { from, to } : 'refused';
}

async function send(
  reply: FastifyReply,
  part: DeliveredPart,
  how: PartsDeps & { readonly deliveryId: string; readonly from: number; readonly to: number },
): Promise<FastifyReply> {
  const { from, to, clock, deliveryId } = how;
  if (part.inlineBytes !== undefined) return reply.send(Buffer.from(part.inlineBytes.subarray(from, to)));
  const body = await how.store.read(part.sha256, { from, to });
  let touchedMs = clock.monotonicMs();
  body.on('data', () => {
    if (clock.monotonicMs() - touchedMs < touchEveryMs) return;
    touchedMs = clock.monotonicMs();
    // A lease that cannot be renewed runs out by itself; the bytes in flight are still good.
    Promise.resolve(how.touchLease(deliveryId)).catch(() => {});
  });
  // 'data' has set it flowing; fastify's own pipe sets the pace from here.
  body.pause();
  return reply.send(body);
}
