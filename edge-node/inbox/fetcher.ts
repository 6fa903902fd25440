// The long poll: session, directory, recovery, then poll after poll. Answers are stored while the next poll is under way. What arrives
// becomes visible only when all its bytes are verified and on disk, in the same commit as its delivery receipt; statements are
// acknowledged only after they are stored. Must never drop an item silently: it is taken, refused, deferred, or its lease runs out.
import { hash } from 'node:crypto';
import { metadataCodec } from '../../protocol/codec.ts';
import { type ErrorCode, ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { isLineCode, isLineFailure } from '../../protocol/node/hub-link.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { Deferral, DeliveryItem, PollResponse, StatementItem } from '../../protocol/wire.ts';
import type { EdgeContext } from '../context.ts';
import { checkForReceiving } from '../safety/quick.ts';
import { openKnownStatement, statementRow } from '../statement-row.ts';
import type {
  AsideRow,
  Circumstances,
  RefusedDelivery,
  StatementRow,
  TakenDelivery,
} from '../store/types.ts';
import { type ArrivalVerdict, openArrival } from './arrival.ts';
import { createDownloads } from './downloads.ts';

export type Fetcher = {
  readonly loop: WorkLoop;
  fetching(): number;
  /** Resolves when every answer received so far is stored and every download ended. */
  settled(): Promise<void>;
  stop(): Promise<void>;
};

/** Acknowledgements in one poll: 64 KiB hold some 10,000. */
const takenMax = 4096;
/** A line that cuts long polls gets shorter ones, down to this. */
const holdMinMs = 2_000;
const deferMs = { overloaded: 10_000, disk: 60_000, other: 60_000 } as const;

export function startFetcher(
  context: EdgeContext,
  hooks: {
    readonly onReceipts: () => void;
    /** A recall came, or a document that was recalled before it. */
    readonly onRequests: () => void;
    readonly onReoffer: () => void;
    /** The hub has orders of removal up to this number. */
    readonly onRemoval: (number: number) => void;
    readonly recover: (signal: AbortSignal) => Promise<void>;
  },
): Fetcher {
  const { store, clock, link, line, log, config, directory, disk } = context;
  const stopping = new AbortController();
  const storing = new Set<Promise<void>>();
  /** Item ids of statements that are stored and not yet acknowledged. */
  let taken: number[] = [];
  /** Item ids mean something only in the epoch of the hub that gave them. */
  let takenEpoch = store.numberFact('epoch');
  let holdMs: number = config.poll.holdMs;
  /** After a failure the first poll asks and does not wait: it tells whether the line is back. */
  let probe = true;
  /** A poll failed: the hub may have leased to us what never arrived. */
  let answerLost = false;

  const downloads = createDownloads(context, {
    signal: stopping.signal,
    done: async (delivery) => takeAll([delivery]),
    failed: async (delivery, error) => {
      // Never refused here: its seal has verified, so what failed is the line, the hub (a delivery id of before its restore) or this disk.
      const known = isExchangeError(error) ? error : new ExchangeError('internal');
      await deferAll([deferralOf(delivery, known)]);
    },
  });

  async function step(signal: AbortSignal): Promise<StepResult> {
    try {
      await line.ensureSession(signal);
      if (line.recovering()) await hooks.recover(signal);
      forgetOtherEpoch();
      const acknowledged = taken.splice(0, takenMax);
      const epochOfPoll = takenEpoch;
      try {
        await onePoll(acknowledged, signal);
      } catch (error) {
        forgetOtherEpoch();
        if (epochOfPoll === takenEpoch) taken = [...acknowledged, ...taken];
        throw error;
      }
      return 'more';
    } catch (error) {
      signal.throwIfAborted();
      // Another poll of this same instance took over (an answer lost on the way): simply again.
      if (isExchangeError(error, 'poll-replaced')) {
        answerLost = true;
        return 1_000;
      }
      // Restored to a time before the newest revocations: it takes nothing until it has them back.
      if (isExchangeError(error, 'hub-behind')) {
        await directory.bringBack(link, context.identity().hubId, signal);
        probe = true;
        return 1_000;
      }
      line.refused(error);
      probe = true;
      answerLost = true;
      if (isLineFailure(error)) holdMs = Math.max(holdMinMs, holdMs >> 1);
      throw error;
    }
  }

  function forgetOtherEpoch(): void {
    const epoch = store.numberFact('epoch');
    if (epoch !== takenEpoch) taken = [];
    takenEpoch = epoch;
  }

  async function onePoll(acknowledged: readonly number[], signal: AbortSignal): Promise<void> {
    const answer = await link.poll(
      {
        itemsMax: config.poll.itemsMax,
        bytesMax: config.poll.bytesMax,
        epochKnown: store.numberFact('epoch'),
        directoryKnown: directory.stamp(),
        statementsTaken: acknowledged,
        holdMs: probe ? 0 : holdMs,
        answerLost,
        removalKnown: 1 + store.removalSeen(context.identity().hubId),
        revocationKnown: directory.current().hub(context.identity().hubId)?.revocationNumber ?? 0,
      },
      signal,
    );
    probe = false;
    answerLost = false;
    holdMs = Math.min(config.poll.holdMs, holdMs * 2);
    // 1 Leased to us; a crash here: the next session ends the lease and they come again.
    crashPoint('receive.1');
    if (answer.removal) hooks.onRemoval(answer.removal);
    if (answer.epoch.length > 0 && (await line.takeEpoch(answer.epoch))) hooks.onReoffer();
    if (answer.directory !== '' && directory.due(answer.directory)) await freshDirectory(signal);
    if (answer.items.length === 0) return;
    const work = storeAnswer(answer).finally(() => storing.delete(work));
    storing.add(work);
    while (storing.size >= config.receive.batches) await Promise.race(storing);
  }

  /** What is here stays usable when the fetch fails; unknown signers ask again. */
  async function freshDirectory(signal: AbortSignal): Promise<void> {
    try {
      await directory.refresh(link, signal);
    } catch (error) {
      if (!isExchangeError(error) || isLineCode(error.code)) throw error;
      log.warn({ event: 'directory.stale', code: error.code, said: error.detail });
    }
  }

  async function storeAnswer({ items }: PollResponse): Promise<void> {
    const epoch = store.numberFact('epoch');
    const statements = items.flatMap(({ statement }) => (statement ? [statement] : []));
    const deliveries = items.flatMap(({ delivery }) => (delivery ? [delivery] : []));
    try {
      await Promise.all([storeStatements(statements, epoch), storeDeliveries(deliveries)]);
    } catch (error) {
      const known = isExchangeError(error) ? error : new ExchangeError('internal', '', { cause: error });
      log.error({ event: 'worker.waiting', worker: 'fetcher', code: known.code, err: error });
      // Not acknowledged, so statements come again by themselves.
      await deferAll(
        deliveries.map(({ deliveryIds }) => ({
          deliveryIds,
          code: known.code,
          retryAfterMs: deferMs.overloaded,
        })),
      );
    }
  }

  async function storeStatements(items: readonly StatementItem[], epoch: number): Promise<void> {
    if (items.length === 0) return;
    const rows: StatementRow[] = [];
    const aside: AsideRow[] = [];
    const done: number[] = [];
    await Promise.all(
      items.map(async ({ id, statement: bytes }) => {
        try {
          rows.push(statementRow(bytes, await openKnownStatement(bytes, context)));
          done.push(id);
        } catch (error) {
          if (!isExchangeError(error)) throw error;
          log.warn({ event: 'statement.refused', code: error.code });
          // Temporary (a signer that no directory names yet): not acknowledged, so it comes again.
          if (error.row.retry !== 'never') return;
          aside.push(asideOf(bytes, error.code));
          done.push(id);
        }
      }),
    );
    const nowMs = clock.nowMs();
    if (rows.length > 0) await store.write('takeStatements', { items: rows, nowMs });
    if (aside.length > 0) await store.write('keepAsides', { items: aside, nowMs });
    forgetOtherEpoch();
    if (epoch === takenEpoch) taken.push(...done);
    for (const { envelopeId } of rows)
      context.emit({ kind: 'statement', envelopeId: uuidFromBytes(envelopeId) });
  }

  async function storeDeliveries(items: readonly DeliveryItem[]): Promise<void> {
    if (items.length === 0) return;
    if (disk.state().nearlyFull) {
      await deferAll(items.map(({ deliveryIds }) => diskFull(deliveryIds)));
      return;
    }
    const verdicts = await Promise.all(items.map((item) => openArrival(item, context)));
    // 2 Verified in memory; nothing is on disk.
    crashPoint('receive.2');
    const sorted = sort(verdicts);
    await Promise.all([takeAll(sorted.take), refuseAll(sorted.refuse), deferAll(sorted.defer)]);
  }

  function sort(verdicts: readonly ArrivalVerdict[]) {
    const take: TakenDelivery[] = [];
    const refuse: RefusedDelivery[] = [];
    const defer: Deferral[] = [];
    for (const verdict of verdicts) {
      if (verdict.kind === 'refuse') refuse.push(verdict.refusal);
      else if (verdict.kind === 'defer') {
        const { deliveryIds, error } = verdict;
        log.warn({ event: 'delivery.deferred', code: error.code, said: error.detail });
        defer.push({ deliveryIds, code: error.code, retryAfterMs: error.retryAfterMs ?? deferMs.other });
      } else {
        const { delivery, large } = verdict;
        const { sender, envelopeId, digest } = delivery;
        if (large.length === 0 || store.hasArrived(sender, envelopeId, digest)) take.push(delivery);
        else if (!downloads.add({ delivery, large }))
          defer.push(deferralOf(delivery, new ExchangeError('overloaded')));
      }
    }
    return { take, refuse, defer };
  }

  async function takeAll(items: readonly TakenDelivery[]): Promise<void> {
    if (items.length === 0) return;
    const checked = await Promise.all(items.map(withCheck));
    const c = circumstances();
    const outcome = await store.write('takeDeliveries', { items: checked, c });
    // 6 Visible, receipts stored. A crash here posts them at the next start.
    crashPoint('receive.6');
    hooks.onReceipts();
    let stored = 0;
    for (const [i, delivery] of checked.entries()) {
      const { documentId, envelopeId, recipients, sender, check } = delivery;
      if (outcome[i] === 'conflict')
        log.error({ event: 'envelope.conflict', envelopeId: uuidFromBytes(envelopeId), sender });
      if (outcome[i] === 'refused')
        log.error({ event: 'document.quarantined', envelopeId: uuidFromBytes(envelopeId), sender });
      if (outcome[i] !== 'stored') continue;
      stored += 1;
      store.fresh.keepArrived(delivery, c.nowMs);
      // Shown, and told, when it has been looked at.
      if (check && check.state !== 'passed') {
        context.safety.nudge();
        continue;
      }
      context.emit({
        kind: 'arrived',
        documentId: uuidFromBytes(documentId),
        envelopeId: uuidFromBytes(envelopeId),
        units: recipients.map(({ unit }) => unit),
      });
    }
    if (stored > 0) {
      hooks.onRequests();
      log.info({ event: 'document.received', count: stored });
    }
  }

  async function withCheck(delivery: TakenDelivery): Promise<TakenDelivery> {
    const said = delivery.metadata ? metadataCodec.decode(delivery.metadata) : {};
    const { kind, parts, recipients, documentId } = delivery;
    const about = { unit: recipients[0]!.unit, kind, said, parts, documentId };
    const check = await checkForReceiving(about, context);
    return check ? { ...delivery, check } : delivery;
  }

  async function refuseAll(items: readonly RefusedDelivery[]): Promise<void> {
    if (items.length === 0) return;
    for (const { envelopeId, code, sender } of items)
      log.error({ event: 'document.quarantined', envelopeId: uuidFromBytes(envelopeId), code, sender });
    await store.write('refuseDeliveries', { items, c: circumstances() });
    hooks.onReceipts();
  }

  /** A deferral that cannot be told is a lease that runs out: the same in the end. */
  async function deferAll(deferrals: readonly Deferral[]): Promise<void> {
    if (deferrals.length === 0) return;
    try {
      await link.defer(deferrals, stopping.signal);
    } catch (error) {
      if (!isExchangeError(error) && !stopping.signal.aborted) throw error;
    }
  }

  function circumstances(): Circumstances {
    const own = directory.current().hub(context.identity().hubId);
    return {
      nowMs: clock.nowMs(),
      clockOffsetMs: link.clockOffsetMs() ?? store.numberFact('clockOffsetMs'),
      directoryVersion: own?.version ?? 0,
      revocationNumber: own?.revocationNumber ?? 0,
    };
  }

  const loop = startWorker({
    clock,
    random: context.random,
    step,
    idleMs: 1_000,
    onError: (error, waitMs) =>
      log.warn({
        event: 'worker.waiting',
        worker: 'fetcher',
        code: isExchangeError(error) ? error.code : 'internal',
        waitMs,
        ...(isExchangeError(error) ? { said: error.detail } : { err: error }),
      }),
  });

  return {
    loop,
    fetching: downloads.count,
    async settled() {
      while (storing.size > 0) await Promise.all(storing);
      await downloads.settled();
    },
    async stop() {
      stopping.abort();
      await loop.stop();
      await Promise.all(storing);
      await downloads.settled();
    },
  };
}

const diskFull = (deliveryIds: readonly number[]): Deferral => ({
  deliveryIds,
  code: 'disk-nearly-full' satisfies ErrorCode,
  retryAfterMs: deferMs.disk,
});

function deferralOf({ recipients }: TakenDelivery, { code, retryAfterMs }: ExchangeError): Deferral {
  const wait = code === 'disk-nearly-full' ? deferMs.disk : deferMs.other;
  return {
    deliveryIds: recipients.map(({ deliveryId }) => deliveryId),
    code,
    retryAfterMs: retryAfterMs ?? wait,
  };
}

function asideOf(bytes: Uint8Array, code: string): AsideRow {
  return {
    kind: 'statement',
    code,
    sender: null,
    envelopeId: null,
    digest: hash('sha256', bytes, 'buffer'),
    bytes,
    hubReceipt: null,
  };
}
