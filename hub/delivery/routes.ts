// The peer's side of delivery over HTTP: session, poll, statements, defer, sent, goodbye, directory. HTTP only, no decisions.
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { paths, protobufType } from '../../protocol/api.ts';
import {
  deferRequestCodec,
  directoryAnswerCodec,
  directoryRequestCodec,
  pollRequestCodec,
  pollResponseCodec,
  renewRequestCodec,
  renewResponseCodec,
  sentRequestCodec,
  sentResponseCodec,
  sessionRequestCodec,
  sessionResponseCodec,
  statementsRequestCodec,
  statementsResponseCodec,
} from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type FairQueue, inSlices } from '../../protocol/node/fair-queue.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { RateLimit } from '../../protocol/node/rate-limit.ts';
import { releaseBytes } from '../../protocol/node/release.ts';
import { toProblem } from '../../protocol/problem.ts';
import type { KnownPart, RenewResponse, StatementOffer } from '../../protocol/wire.ts';
import type { CatchUp } from '../catch-up.ts';
import type { PeerClocks } from '../peer-clocks.ts';
import { type HubPeer, hubPeer, type Instances } from '../peers.ts';
import { type Polls, wrapperOf } from './poll.ts';
import { type SettleDeps, takeStatement } from './statements.ts';

export type DeliveryDeps = SettleDeps & {
  readonly polls: Polls;
  readonly instances: Instances;
  readonly queue: FairQueue;
  /** How often a peer may end its own open poll by another: each costs everybody a turn of the writer. */
  readonly replacing: RateLimit;
  readonly log: Log;
  readonly epoch: () => { readonly number: number; readonly bytes: Uint8Array };
  readonly heard: (peer: string) => void;
  /** hub/takedown/removals.ts. */
  readonly removalRoutes: (app: FastifyInstance) => void;
  /** What is newer than the caller says it holds. */
  readonly directoryAnswer: (known: readonly KnownPart[]) => Buffer;
  /** For callers of before there were differences. */
  readonly wholeDirectory: () => Promise<Buffer>;
  /** Signed parts that a hub below brings; verified and stored by hub/directory. */
  readonly takeDirectoryParts: (
    parts: readonly Uint8Array[],
    rootHandovers: readonly Uint8Array[],
  ) => Promise<unknown>;
  readonly catchUp: CatchUp;
  /** Clocks of peers. */
  readonly clocks: PeerClocks;
  /** hub/steady-clock.ts: throws `not-ready` while the time is only presumed. */
  readonly assertTimeKnown: () => void;
  /** hub/enrolment/renew.ts. `renewal` is the bytes of a Signed. */
  readonly renew: (renewal: Uint8Array, peer: HubPeer) => Promise<RenewResponse>;
};

/** A hub below sends the parts of its whole subtree. */
const directoryBytesMax = 256 * 1024 * 1024;
/** Below what the codec of the answer takes, so that one oversized first item still fits. */
const sentBytesMax = sentResponseCodec.bytesMax / 4;
/** In one batch. Half a million empty ones fit into its bytes, and each would be answered with a problem document. */
const statementsMax = 512;
const deferMsMax = 6 * 3_600_000;

export function deliveryRoutes(deps: DeliveryDeps) {
  const admitted = (request: FastifyRequest): { peer: HubPeer; instance: number } => {
    const peer = hubPeer(request.peer);
    deps.heard(peer.id);
    return { peer, instance: deps.instances.assert(peer, request) };
  };
  return async (app: FastifyInstance): Promise<void> => {
    app.post(paths.session, async (request, reply) =>
      reply.type(protobufType).send(await openSession(hubPeer(request.peer), request.body as Buffer, deps)),
    );

    app.post(paths.poll, async (request, reply) => {
      const { peer, instance } = admitted(request);
      const poll = pollRequestCodec.decode(request.body as Buffer);
      deps.clocks.heard(peer.id, poll.nowMs);
      deps.catchUp.heard(poll.revocationKnown);
      deps.catchUp.assert();
      if (deps.polls.live(peer.id)) deps.replacing.take(peer.id);
      // The peer works on nothing of that answer: waiting for its leases would hold documents up for two minutes.
      if (poll.answerLost) {
        deps.polls.end(peer.id);
        await deps.store.endLeases({ peer: peer.id });
      }
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const answer = await deps.polls.poll(peer.id, instance, poll, gone.signal);
      const bytes = pollResponseCodec.encode(answer);
      for (const { delivery } of answer.items) if (delivery) releaseBytes(delivery.wrapper);
      // The socket has it: up to 4 MiB, for each poll.
      reply.raw.once('finish', () => releaseBytes(bytes));
      return reply.type(protobufType).send(bytes);
    });

    app.post(paths.statements, { bodyLimit: limits.statementsBytesMax }, async (request, reply) => {
      const { peer } = admitted(request);
      deps.catchUp.assert();
      deps.assertTimeKnown();
      const { statements } = statementsRequestCodec.decode(request.body as Buffer);
      if (statements.length > statementsMax)
        throw new ExchangeError(
          'batch-too-large',
          `${statements.length} statements, at most ${statementsMax}`,
        );
      const results = await inSlices(deps.queue, peer.id, statements, (offer) =>
        takeOffer(offer, peer, deps),
      );
      return reply.type(protobufType).send(statementsResponseCodec.encode({ results }));
    });

    deps.removalRoutes(app);

    app.post(paths.defer, async (request, reply) => {
      const { peer } = admitted(request);
      const { deferrals } = deferRequestCodec.decode(request.body as Buffer);
      if (deferrals.length > limits.batchItemsMax)
        throw new ExchangeError('batch-too-large', `at most ${limits.batchItemsMax} deferrals`);
      for (const { deliveryIds, code, retryAfterMs } of deferrals)
        await deps.store.defer({
          peer: peer.id,
          ids: deliveryIds,
          code: code.slice(0, 64),
          retryAtMs: deps.clock.nowMs() + Math.min(Math.max(retryAfterMs, 1000), deferMsMax),
        });
      return reply.code(204).send();
    });

    app.post(paths.sent, async (request, reply) => {
      const { peer } = admitted(request);
      const { afterSequence, itemsMax } = sentRequestCodec.decode(request.body as Buffer);
      const wanted = Math.max(1, Math.min(itemsMax || limits.batchItemsMax, limits.batchItemsMax));
      const rows = deps.store.sent(peer.id, afterSequence, wanted);
      const items = withinBytes(
        rows.map((row) => ({
          wrapper: wrapperOf({ ...row, inlineParts: [] }),
          statements: [row.receipt, ...row.statements],
          ledgerSequence: row.sequence,
        })),
      );
      const more = rows.length === wanted || items.length < rows.length;
      return reply.type(protobufType).send(sentResponseCodec.encode({ items, more }));
    });

    app.post(paths.goodbye, async (request, reply) => {
      const { peer } = admitted(request);
      deps.polls.end(peer.id);
      await deps.store.endLeases({ peer: peer.id });
      return reply.code(204).send();
    });

    app.post(paths.renew, { bodyLimit: renewRequestCodec.bytesMax }, async (request, reply) => {
      const { peer } = admitted(request);
      const { renewal } = renewRequestCodec.decode(request.body as Buffer);
      const answer = await deps.queue.run(peer.id, () => deps.renew(renewal, peer));
      return reply.type(protobufType).send(renewResponseCodec.encode(answer));
    });

    app.get(paths.directory, async (request, reply) => {
      admitted(request);
      return reply.type(protobufType).send(await deps.wholeDirectory());
    });

    app.post(paths.directory, async (request, reply) => {
      admitted(request);
      const { known } = directoryRequestCodec.decode(request.body as Buffer);
      return reply.type(protobufType).send(deps.directoryAnswer(known));
    });

    app.put(paths.directory, { bodyLimit: directoryBytesMax }, async (request, reply) => {
      const { peer } = admitted(request);
      // A node brings back what this hub has lost, and nothing else.
      if (peer.kind !== 'hub' && !deps.catchUp.behind())
        throw new ExchangeError('peer-not-sender', 'only a hub brings directory parts');
      const { parts, rootHandovers } = directoryAnswerCodec.decode(request.body as Buffer);
      if (deps.catchUp.behind()) await deps.catchUp.bring(parts);
      if (peer.kind !== 'hub') return reply.code(204).send();
      await deps.takeDirectoryParts(parts, rootHandovers);
      return reply.code(204).send();
    });
  };
}

/** The first always, then as many as fit into one answer: an envelope to 1,024 units comes with a thousand receipts. */
function withinBytes<Item extends { wrapper: Uint8Array; statements: readonly Uint8Array[] }>(
  items: readonly Item[],
): Item[] {
  let left = sentBytesMax;
  return items.filter(({ wrapper, statements }, i) => {
    left -= statements.reduce((sum, each) => sum + each.length + 8, wrapper.length + 32);
    return i === 0 || left > 0;
  });
}

async function openSession(peer: HubPeer, body: Buffer, deps: DeliveryDeps): Promise<Buffer> {
  const request = sessionRequestCodec.decode(body);
  const nowMs = deps.clock.nowMs();
  deps.clocks.heard(peer.id, request.nowMs);
  deps.catchUp.heard(request.revocationKnown);
  const token = randomBytes(32);
  try {
    const { instance } = await deps.store.session({
      peer: peer.id,
      previousInstance: request.previousInstance,
      previousToken: request.previousToken,
      newToken: token,
      software: request.software.slice(0, 64),
      restoreCount: request.restoreCount,
      ledgerSeen: request.ledgerSeen,
      epochKnown: request.epochKnown,
      live: deps.polls.live(peer.id),
      nowMs,
    });
    deps.instances.set(peer.id, instance);
    deps.heard(peer.id);
    const units = deps.store.reader
      .all<{ unit: string }>('SELECT unit FROM units WHERE node = ? ORDER BY unit', peer.id)
      .map(({ unit }) => unit);
    return sessionResponseCodec.encode({ instance, token, epoch: deps.epoch().bytes, nowMs, units });
  } catch (error) {
    if (isExchangeError(error, 'node-instance-live', 'node-instance-superseded'))
      await deps.store.alarm({
        code: error.code,
        about: peer.id,
        said: `start after instance ${request.previousInstance}`,
        nowMs,
      });
    throw error;
  }
}

async function takeOffer({ statement }: StatementOffer, peer: HubPeer, deps: DeliveryDeps) {
  try {
    await takeStatement(statement, peer, deps);
    return { problem: '' };
  } catch (error) {
    if (isExchangeError(error))
      deps.log.info({ event: 'statement.refused', peer: peer.id, code: error.code });
    else deps.log.error({ event: 'request.internal', peer: peer.id, err: error });
    return { problem: JSON.stringify(toProblem(error)) };
  }
}
