// The long poll: claims what is due for a peer, or waits until something is. One poll per peer: a new one ends the old. Nothing is handed
// out without a lease, and an answer that never left gives its lease back at once.
import { randomInt } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { PollRequest, PollResponse } from '../../protocol/wire.ts';
import { spliceWrapper } from '../../protocol/wire-splice.ts';
import type { HubStore } from '../store/store.ts';
import type { Claimed, ClaimedDelivery } from '../store/types.ts';

export type PollDeps = {
  readonly store: HubStore;
  readonly clock: Clock;
  readonly epoch: () => { readonly number: number; readonly bytes: Uint8Array };
  readonly directoryStamp: () => string;
  /** Number of the newest order of removal for a peer; 0 for none. */
  readonly removal: (peer: string) => number;
};

export type Polls = {
  poll(peer: string, instance: number, request: PollRequest, gone: AbortSignal): Promise<PollResponse>;
  /** Something may be waiting for these peers. Call after the commit, never before. */
  nudge(peers: readonly string[]): void;
  /** Everybody: the directory or the epoch changed. */
  nudgeAll(): void;
  /** True while an instance other than a new one holds a poll on a connection that is open. */
  live(peer: string): boolean;
  /** Ends a peer's poll: its instance was replaced, or it was revoked. */
  end(peer: string): void;
  /** Ends every poll with an empty answer, for a clean stop. */
  endAll(): void;
};

type Open = {
  readonly replaced: AbortController;
  /** Aborted when the connection closed. */
  readonly gone: AbortSignal;
  wake: () => void;
  nudged: boolean;
};

export function createPolls(deps: PollDeps): Polls {
  const open = new Map<string, Open>();
  let stopping = false;

  async function poll(
    peer: string,
    instance: number,
    request: PollRequest,
    gone: AbortSignal,
  ): Promise<PollResponse> {
    open.get(peer)?.replaced.abort('replaced');
    open.get(peer)?.wake();
    const mine: Open = { replaced: new AbortController(), gone, wake: () => {}, nudged: false };
    open.set(peer, mine);
    try {
      return await hold(mine, { peer, instance, request, gone });
    } finally {
      if (open.get(peer) === mine) open.delete(peer);
    }
  }

  async function hold(
    mine: Open,
    {
      peer,
      instance,
      request,
      gone,
    }: { peer: string; instance: number; request: PollRequest; gone: AbortSignal },
  ): Promise<PollResponse> {
    // Jitter, so that nodes that polled together after an outage spread out.
    const holdMs = Math.min(request.holdMs, limits.pollHoldMs - randomInt(0, 2000));
    const untilMs = deps.clock.monotonicMs() + holdMs;
    // Acknowledged in the commit of the first claim and before it, or they would be handed out again. Those of another epoch name items of a
    // store that is no more: here they are other items, which nobody has taken.
    let taken = request.epochKnown === deps.epoch().number ? request.statementsTaken : [];
    for (;;) {
      if (mine.replaced.signal.aborted) throw new ExchangeError('poll-replaced');
      mine.nudged = false;
      const claimed = await claim(peer, instance, request, taken);
      taken = [];
      const answer = { ...answerOf(claimed, request), removal: deps.removal(peer) };
      const { removalKnown = 0 } = request;
      if (answer.items.length > 0 && (gone.aborted || mine.replaced.signal.aborted)) {
        await giveBack(peer, claimed);
        // The poll that replaced this one has looked while these items were still leased.
        const next = open.get(peer);
        if (next && next !== mine) nudgeOne(next);
        throw new ExchangeError('poll-replaced');
      }
      const leftMs = untilMs - deps.clock.monotonicMs();
      if (answer.items.length > 0 || answer.epoch.length > 0 || answer.directory !== request.directoryKnown)
        return answer;
      if (removalKnown > 0 && answer.removal >= removalKnown) return answer;
      if (leftMs <= 0 || gone.aborted || stopping) return answer;
      if (!mine.nudged) await wait(mine, leftMs, gone);
    }
  }

  async function wait(mine: Open, ms: number, gone: AbortSignal): Promise<void> {
    const woken = new AbortController();
    mine.wake = () => woken.abort('woken');
    if (!mine.nudged && !stopping) await deps.clock.sleep(ms, AbortSignal.any([woken.signal, gone]));
    mine.wake = () => {};
  }

  function claim(
    peer: string,
    instance: number,
    request: PollRequest,
    taken: readonly number[],
  ): Promise<Claimed> {
    return deps.store.claim({
      peer,
      taken,
      instance,
      itemsMax: Math.max(1, Math.min(request.itemsMax || limits.batchItemsMax, limits.batchItemsMax)),
      bytesMax: Math.min(request.bytesMax || limits.batchBytesMax, limits.batchBytesMax),
      nowMs: deps.clock.nowMs(),
      leaseMs: limits.leaseMs,
    });
  }

  function answerOf(claimed: Claimed, request: PollRequest): PollResponse {
    const epoch = deps.epoch();
    return {
      items: [
        ...claimed.statements.map(({ id, bytes }) => ({
          delivery: null,
          statement: { id, statement: bytes },
        })),
        ...claimed.deliveries.map((delivery) => ({
          delivery: {
            deliveryIds: delivery.ids,
            wrapper: wrapperOf(delivery),
            receipt: delivery.receipt,
            attempt: delivery.attempt,
          },
          statement: null,
        })),
      ],
      nowMs: deps.clock.nowMs(),
      epoch: epoch.number === request.epochKnown ? new Uint8Array() : epoch.bytes,
      directory: deps.directoryStamp(),
      more: claimed.more,
    };
  }

  function giveBack(peer: string, { deliveries, statements }: Claimed): Promise<void> {
    return deps.store.release({
      peer,
      ids: deliveries.flatMap(({ ids }) => ids),
      statementIds: statements.map(({ id }) => id),
    });
  }

  function nudgeOne(each: Open): void {
    each.nudged = true;
    each.wake();
  }

  return {
    poll,
    nudge(peers) {
      for (const peer of peers) {
        const waiting = open.get(peer);
        if (waiting) nudgeOne(waiting);
      }
    },
    nudgeAll() {
      for (const each of open.values()) nudgeOne(each);
    },
    // A poll whose connection has closed is on its way out: a peer that starts again at once is not its own double.
    live: (peer) => open.get(peer)?.gone.aborted === false,
    end(peer) {
      const ended = open.get(peer);
      ended?.replaced.abort('replaced');
      ended?.wake();
    },
    endAll() {
      stopping = true;
      for (const each of open.values()) nudgeOne(each);
    },
  };
}

/** Encoded Wrapper of a leg, from stored pieces: what was signed travels byte for byte. */
export function wrapperOf(delivery: Omit<ClaimedDelivery, 'ids' | 'receipt' | 'attempt'>): Buffer {
  const { salt, metadata } = delivery;
  return spliceWrapper({
    signed: delivery.signed,
    recipients: delivery.recipients,
    hops: delivery.hops,
    metadata: salt && metadata ? { salt, block: metadata } : undefined,
    inlineParts: delivery.inlineParts,
  });
}
