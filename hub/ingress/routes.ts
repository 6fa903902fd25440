// POST /v1/envelopes: HTTP only, no decisions. A batch takes its turns in the fair queue slice by slice; the wrappers of a slice are judged
// side by side and answered in order, each with its receipt or its problem.
import type { FastifyInstance } from 'fastify';
import { paths, protobufType } from '../../protocol/api.ts';
import { submitRequestCodec, submitResponseCodec } from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type FairQueue, inSlices } from '../../protocol/node/fair-queue.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { RateLimit } from '../../protocol/node/rate-limit.ts';
import { toProblem } from '../../protocol/problem.ts';
import type { CatchUp } from '../catch-up.ts';
import { type HubPeer, hubPeer, type Instances } from '../peers.ts';
import { type AcceptDeps, accept } from './accept.ts';

export type IngressDeps = AcceptDeps & {
  readonly catchUp: Pick<CatchUp, 'assert'>;
  /** hub/steady-clock.ts: throws `not-ready` while the time of a receipt would only be presumed. */
  readonly assertTimeKnown: () => void;
  readonly instances: Instances;
  readonly queue: FairQueue;
  readonly rate: RateLimit;
  readonly log: Log;
};

export function ingressRoutes(deps: IngressDeps) {
  return async (app: FastifyInstance): Promise<void> => {
    app.post(paths.envelopes, { bodyLimit: limits.batchBytesMax }, async (request, reply) => {
      const peer = hubPeer(request.peer);
      deps.instances.assert(peer, request);
      deps.catchUp.assert();
      deps.assertTimeKnown();
      const { wrappers } = submitRequestCodec.decode(request.body as Buffer);
      if (wrappers.length > limits.batchItemsMax)
        throw new ExchangeError(
          'batch-too-large',
          `${wrappers.length} wrappers, at most ${limits.batchItemsMax}`,
        );
      deps.rate.take(peer.id, wrappers.length);
      const results = await inSlices(deps.queue, peer.id, wrappers, (wrapper) =>
        resultOf(wrapper, peer, deps),
      );
      return reply.type(protobufType).send(submitResponseCodec.encode({ results }));
    });
  };
}

async function resultOf(wrapper: Uint8Array, peer: HubPeer, deps: IngressDeps) {
  try {
    const { receipt, duplicate } = await accept(wrapper, peer, deps);
    return { receipt, duplicate };
  } catch (error) {
    // One bad envelope does not refuse its neighbours. What is no ExchangeError is a fault of ours: temporary, and logged.
    if (isExchangeError(error)) {
      const event = error.code === 'duplicate-conflict' ? 'envelope.conflict' : 'envelope.refused';
      deps.log.info({ event, peer: peer.id, code: error.code });
    } else deps.log.error({ event: 'request.internal', peer: peer.id, err: error });
    return { problem: JSON.stringify(toProblem(error)) };
  }
}
