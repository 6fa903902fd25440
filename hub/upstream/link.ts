// A hub is a node of the next hub. This link dials out to it: takes a session, hands up what has no route below, fetches what is for units
// below, and carries receipts both ways. It accepts by the same procedure as the ingress and settles by the same as the routes.
import { epochCodec, signedCodec, signedStatementCodec } from '../../protocol/codec.ts';
import { type ErrorCode, type ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { createAgain } from '../../protocol/node/again.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { HubLink } from '../../protocol/node/hub-link.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { fromProblem } from '../../protocol/problem.ts';
import { parseStatement } from '../../protocol/statement.ts';
import type { DeliveryItem, Item, KnownPart, PollResponse, StatementItem } from '../../protocol/wire.ts';
import { wrapperOf } from '../delivery/poll.ts';
import { type SettleDeps, takeStatement } from '../delivery/statements.ts';
import { type AcceptDeps, accept } from '../ingress/accept.ts';
import type { ClaimedDelivery } from '../store/types.ts';
import type { Removals } from '../takedown/removals.ts';
import { startUpwardRemovals } from '../takedown/upward.ts';
import {
  contentCodes,
  createSlowLane,
  downloadParts,
  missingAbove,
  missingBelow,
  uploadParts,
} from './content.ts';

export type UpstreamDeps = AcceptDeps &
  SettleDeps & {
    readonly link: HubLink;
    readonly content: ContentStore;
    readonly log: Log;
    readonly clock: Clock;
    readonly random: () => number;
    readonly software: string;
    /** Verified and stored; returns how many were refused. */
    readonly takeDirectoryParts: (
      parts: readonly Uint8Array[],
      rootHandovers: readonly Uint8Array[],
    ) => Promise<number>;
    readonly rootHandovers: () => readonly Uint8Array[];
    /** Parts of our subtree, by version. */
    readonly ownVersions: () => readonly KnownPart[];
    /** A part with what is newer than a version; undefined when nothing is. */
    readonly partSince: (hub: string, version: number) => Uint8Array | undefined;
    /** Versions of all parts that are held here. */
    readonly knownVersions: () => readonly KnownPart[];
    /** Removals of state secrets, hub/takedown/removals.ts. */
    readonly removals: Removals;
    /** Kept durably between starts. */
    readonly facts: {
      get(name: string): string | undefined;
      set(name: string, value: string): Promise<void>;
    };
  };

export type Upstream = {
  /** Something waits to go up. */
  nudge(): void;
  stop(): Promise<void>;
  status(): { readonly connected: boolean; readonly lastError: string | undefined };
};

const receiptRetryMs = 600_000;
/** Documents whose content is on its way at once, up and down each. More share the same line and need more memory. */
const slowAtOnce = 3;
/** When that many are on their way, and for what a receipt did not name. */
const soonMs = 5_000;

/** Statements taken longer ago than any backup that is restored in practice are not offered again. */
const reofferMs = 60 * 86_400_000;

/** The peer as the ingress and the settle procedure see it. */
export function startUpstream(deps: UpstreamDeps): Upstream {
  const { clock, random, store } = deps;
  // One link is for one hub above; after a change of address a new one is made.
  const upstream = deps.upstream();
  const peer = { id: upstream, kind: 'hub' as const };
  let taken: number[] = [];
  let directorySeen = '';
  const partsAgain = createAgain(deps);
  /** Version of each part of our subtree that the next hub has. */
  const pushed = new Map<string, number>();
  let epochSeen = 0;
  let opened = false;
  let stopping = false;
  let opening: Promise<void> | undefined;
  let lastError: string | undefined;

  async function session(): Promise<void> {
    const previous = JSON.parse(deps.facts.get('upstreamInstance') ?? '{"instance":0,"token":""}') as {
      instance: number;
      token: string;
    };
    const answer = await deps.link.session({
      previousInstance: previous.instance,
      previousToken: Buffer.from(previous.token, 'base64'),
      software: deps.software,
      restoreCount: Number(deps.facts.get('epoch') ?? 1) - 1,
      ledgerSeen: Number(deps.facts.get('upstreamLedgerSeen') ?? 0),
    });
    await deps.facts.set(
      'upstreamInstance',
      JSON.stringify({ instance: answer.instance, token: Buffer.from(answer.token).toString('base64') }),
    );
    // What an earlier start had claimed for the way up is ready again: receipts of the next hub make a second copy harmless.
    await store.endLeases({ peer: upstream });
    await learnEpoch(answer.epoch);
    opened = true;
  }

  /**
   * PROTOCOL.md 10.11: a higher epoch means that the next hub was restored. What it may have lost is offered again, and only then the
   * number is kept: a crash in between offers once more. The session's channel authenticates the hub; the number decides nothing else.
   */
  async function learnEpoch(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const { number } = epochCodec.decode(signedCodec.decode(bytes).bytes);
    const kept = deps.facts.get('upstreamEpoch');
    if (kept !== undefined && number > Number(kept)) {
      pushed.clear();
      await store.offerAgain({ peer: upstream, takenSinceMs: clock.nowMs() - reofferMs });
      await upward.again();
    }
    if (kept !== String(number)) await deps.facts.set('upstreamEpoch', String(number));
    epochSeen = number;
  }

  /** Both loops begin here. One session for both: two at once would each take a number and keep the token of the other. */
  function ready(): Promise<void> {
    opening ??= prepare().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  async function prepare(): Promise<void> {
    if (!opened) await session();
    await pushParts();
  }

  /** Only what changed since the last time; all of it when the next hub says that it lacks something. */
  async function pushParts(): Promise<void> {
    const own = deps.ownVersions();
    const send = async () => {
      const parts = own.flatMap(({ hub }) => deps.partSince(hub, pushed.get(hub) ?? 0) ?? []);
      if (parts.length > 0) await deps.link.pushDirectory(parts, undefined, deps.rootHandovers());
    };
    try {
      await send();
    } catch (error) {
      if (!isExchangeError(error, 'directory-gap') || pushed.size === 0) throw error;
      pushed.clear();
      await send();
    }
    for (const { hub, version } of own) pushed.set(hub, version);
  }

  async function fetchParts(signal: AbortSignal): Promise<string> {
    const { parts, stamp, rootHandovers } = await deps.link.directory(deps.knownVersions(), signal);
    try {
      partsAgain.note((await deps.takeDirectoryParts(parts, rootHandovers)) > 0);
      return stamp;
    } catch (error) {
      if (!isExchangeError(error, 'directory-gap')) throw error;
      const whole = await deps.link.directory([], signal);
      partsAgain.note((await deps.takeDirectoryParts(whole.parts, whole.rootHandovers)) > 0);
      return whole.stamp;
    }
  }

  /** Down: one poll. */
  async function fetchStep(signal: AbortSignal): Promise<StepResult> {
    await ready();
    const acknowledged = taken;
    taken = [];
    let answer: PollResponse;
    try {
      answer = await deps.link.poll(
        {
          itemsMax: limits.batchItemsMax,
          bytesMax: limits.batchBytesMax,
          epochKnown: epochSeen,
          directoryKnown: directorySeen,
          statementsTaken: acknowledged,
          holdMs: limits.pollHoldMs,
          removalKnown: 1 + upward.seen(),
        },
        signal,
      );
    } catch (error) {
      taken = [...acknowledged, ...taken];
      throw error;
    }
    await learnEpoch(answer.epoch);
    lastError = undefined;
    if (answer.removal) upward.newest(answer.removal);
    if (answer.directory !== directorySeen || partsAgain.due()) directorySeen = await fetchParts(signal);
    await Promise.all(answer.items.map((item) => takeItem(item, signal)));
    return 'more';
  }

  async function takeItem({ delivery, statement }: Item, signal: AbortSignal): Promise<void> {
    try {
      if (delivery) await takeDelivery(delivery, signal);
      if (statement) {
        await takeStatement(statement.statement, peer, deps);
        taken.push(statement.id);
      }
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      await itemFailed(delivery, statement, error);
    }
  }

  async function itemFailed(
    delivery: DeliveryItem | null,
    statement: StatementItem | null,
    error: ExchangeError,
  ): Promise<void> {
    deps.log.warn({ event: 'statement.refused', peer: upstream, code: error.code });
    // A statement that can never be taken is an operator's alarm, not a loop.
    if (statement && error.row.retry === 'never') {
      taken.push(statement.id);
      await store.alarm({
        code: error.code,
        about: `upstream statement ${statement.id}`,
        said: error.detail,
        nowMs: clock.nowMs(),
      });
    }
    if (delivery)
      await deps.link.defer([
        {
          deliveryIds: delivery.deliveryIds,
          code: error.code,
          retryAfterMs: error.retryAfterMs ?? (error.row.retry === 'never' ? 3_600_000 : 30_000),
        },
      ]);
  }

  async function takeDelivery(item: DeliveryItem, signal: AbortSignal): Promise<void> {
    const absent = missingBelow(item);
    if (absent.parts.length === 0) return await acceptDelivery(item);
    const work = async () => {
      try {
        await downloadParts(item, absent, { ...deps, signal });
        await acceptDelivery(item);
      } catch (error) {
        if (!isExchangeError(error) || signal.aborted) throw error;
        await itemFailed(item, null, error);
      }
    };
    // Under a lease that goes on while bytes flow; the same item once more is the one that runs.
    if (slowDown.begin(`${item.deliveryIds[0]}`, absent, work) === 'full')
      await deps.link.defer([
        { deliveryIds: item.deliveryIds, code: 'uploads-too-many', retryAfterMs: soonMs },
      ]);
  }

  async function acceptDelivery({ wrapper, deliveryIds }: DeliveryItem): Promise<void> {
    const { receipt } = await accept(wrapper, peer, deps);
    // The stored receipt (RelayAcceptance) tells the next hub that the document is ours now.
    const [result] = await deps.link.statements([{ deliveryIds, statement: receipt }]);
    if (result?.problem) throw fromProblem(400, JSON.parse(result.problem));
  }

  /** Up: what is due for the next hub, deliveries and statements. */
  async function sendStep(signal: AbortSignal): Promise<StepResult> {
    await ready();
    const claimed = await store.claim({
      peer: upstream,
      instance: deps.link.instance(),
      itemsMax: limits.batchItemsMax,
      bytesMax: limits.batchBytesMax / 2,
      nowMs: clock.nowMs(),
      leaseMs: 15 * limits.leaseMs,
    });
    if (claimed.deliveries.length === 0 && claimed.statements.length === 0) return 'idle';
    try {
      if (claimed.statements.length > 0) await sendStatements(claimed.statements, signal);
      const light: ClaimedDelivery[] = [];
      for (const delivery of claimed.deliveries) {
        const absent = missingAbove(delivery);
        if (absent.parts.length === 0) light.push(delivery);
        else if (
          slowUp.begin(`${delivery.ids[0]}`, absent, () => sendLarge(delivery, absent, signal)) === 'full'
        )
          await laterAgain(delivery.ids, 'uploads-too-many', soonMs);
      }
      if (light.length > 0) await submit(light, signal);
    } catch (error) {
      // Those whose content is on its way are claimed once more and recognised.
      await store.endLeases({ peer: upstream });
      throw error;
    }
    return 'more';
  }

  async function sendLarge(
    delivery: ClaimedDelivery,
    absent: ReturnType<typeof missingAbove>,
    signal: AbortSignal,
  ): Promise<void> {
    const { ids } = delivery;
    try {
      await uploadParts(absent, deps, signal);
      await submit([delivery], signal);
    } catch (error) {
      if (isExchangeError(error, ...contentCodes)) return await refusedAbove(ids, error);
      await laterAgain(ids, isExchangeError(error) ? error.code : 'internal', soonMs);
      throw error;
    }
  }

  function laterAgain(ids: readonly number[], code: ErrorCode, ms: number): Promise<void> {
    return store.defer({ peer: upstream, ids, code, retryAtMs: clock.nowMs() + ms });
  }

  async function sendStatements(
    items: readonly { readonly id: number; readonly bytes: Uint8Array }[],
    signal: AbortSignal,
  ): Promise<void> {
    const results = await deps.link.statements(
      items.map(({ bytes }) => ({ deliveryIds: [], statement: bytes })),
      signal,
    );
    const done: number[] = [];
    for (const [i, { problem }] of results.entries()) {
      const error = problem === '' ? undefined : fromProblem(400, JSON.parse(problem));
      if (!error || error.row.retry === 'never') done.push(items[i]!.id);
      if (error?.row.retry === 'never')
        await store.alarm({
          code: error.code,
          about: `statement ${items[i]!.id} to the next hub`,
          said: error.detail,
          nowMs: clock.nowMs(),
        });
    }
    await store.taken({ peer: upstream, ids: done, nowMs: clock.nowMs() });
  }

  async function submit(deliveries: readonly ClaimedDelivery[], signal: AbortSignal): Promise<void> {
    const results = await deps.link.submit(
      deliveries.map((delivery) => wrapperOf(delivery)),
      signal,
    );
    for (const [i, { receipt, problem }] of results.entries()) {
      const { ids } = deliveries[i]!;
      try {
        if (problem !== '') throw fromProblem(400, JSON.parse(problem));
        await takeReceipt(receipt);
      } catch (error) {
        if (!isExchangeError(error)) throw error;
        // A receipt that does not fit is no refusal: the document is above, and comes back to this point with the next try.
        if (problem !== '') await refusedAbove(ids, error);
        else await receiptRefused(ids, error);
      }
    }
    // A receipt of another leg names fewer recipients than were sent: the others go once more and get theirs.
    await laterAgain(
      deliveries.flatMap(({ ids }) => ids),
      'overloaded',
      soonMs,
    );
  }

  async function receiptRefused(ids: readonly number[], { code, detail }: ExchangeError): Promise<void> {
    const nowMs = clock.nowMs();
    await store.alarm({ code, about: `receipt of ${upstream}`, said: detail, nowMs });
    await laterAgain(ids, code, receiptRetryMs);
  }

  async function refusedAbove(ids: readonly number[], error: ExchangeError): Promise<void> {
    const nowMs = clock.nowMs();
    if (error.row.retry === 'never') deps.nudge(await store.undeliverable({ ids, code: error.code, nowMs }));
    else await laterAgain(ids, error.code, error.retryAfterMs ?? 30_000);
  }

  /** The next hub's receipt settles our deliveries as relayed (or refused) and goes on to the sender. */
  async function takeReceipt(receipt: Uint8Array): Promise<void> {
    await takeStatement(receipt, peer, deps);
    const { statement } = parseStatement(signedStatementCodec.decode(receipt));
    if (statement.ledgerSequence > Number(deps.facts.get('upstreamLedgerSeen') ?? 0))
      await deps.facts.set('upstreamLedgerSeen', String(statement.ledgerSequence));
  }

  function failed(name: string) {
    return (error: unknown, waitMs: number) => {
      lastError = isExchangeError(error) ? error.code : 'internal';
      // Another start of this hub, or a restart of the next one: a new session is taken with the next step.
      if (isExchangeError(error, 'node-instance-superseded', 'node-session-unknown')) opened = false;
      deps.log.warn({
        event: 'worker.waiting',
        worker: name,
        code: lastError,
        waitMs,
        ...(isExchangeError(error) ? {} : { err: error }),
      });
    };
  }

  const slowFailed = (error: unknown) => {
    if (!stopping) failed('upstream.content')(error, 0);
  };
  const slowUp = createSlowLane(slowAtOnce, slowFailed);
  const slowDown = createSlowLane(slowAtOnce, slowFailed);
  const upward = startUpwardRemovals({
    upstream,
    removals: deps.removals,
    link: deps.link,
    ready,
    fact: {
      get: () => deps.facts.get('upstreamRemovals'),
      set: (value) => deps.facts.set('upstreamRemovals', value),
    },
    clock,
    random,
    onError: failed('upstream.removals'),
  });
  const down: WorkLoop = startWorker({
    clock,
    random,
    step: fetchStep,
    idleMs: 1000,
    onError: failed('upstream.fetch'),
  });
  const up: WorkLoop = startWorker({
    clock,
    random,
    step: sendStep,
    idleMs: 5000,
    onError: failed('upstream.send'),
  });
  return {
    nudge() {
      up.nudge();
      upward.loop.nudge();
    },
    async stop() {
      stopping = true;
      await Promise.all([down.stop(), up.stop(), upward.loop.stop()]);
      await Promise.all([slowUp.ended(), slowDown.ended()]);
      // Best effort: a goodbye that does not arrive only means that leases run out by themselves.
      if (opened) await deps.link.goodbye().catch(() => {});
    },
    status: () => ({ connected: opened && lastError === undefined, lastError }),
  };
}
