// From this exchange to the other system: what is due for the border's node is claimed under a lease like that of any node, becomes one message
// per recipient, and leaves. Before the first byte leaves a row says so durably; the axis's answer and the statement for the sender are one
// transaction. A try whose answer was lost is looked for in the axis's own list before the message goes again.
import { headerCodec, metadataCodec, signedCodec } from '../../protocol/codec.ts';
import { type ErrorCode, ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { StepResult } from '../../protocol/node/worker.ts';
import { kinds } from '../../protocol/seal.ts';
import type { Header, Metadata } from '../../protocol/wire.ts';
import type { DocumentMessage } from '../edxml/model.ts';
import type { OutKept } from '../store/border-types.ts';
import type { ClaimedDelivery } from '../store/types.ts';
import { composeDocument, digestOf, openParts } from './compose.ts';
import type { SentFact } from './connector.ts';
import { type BorderContext, retryWaitMs } from './context.ts';
import type { Statuses } from './statuses.ts';

/** Deliveries on their way at once: a dossier of gigabytes may not hold up what is behind it. */
const atOnce = 4;
const claimAtOnce = 32;
const leaseMs = 30 * 60_000;
/** What nobody understands waits for a person after so many tries. */
const triesOfUnknown = 5;

/** After these of a send, the message may have arrived. */
const doubtful: readonly ErrorCode[] = ['axis-unreachable', 'axis-busy', 'axis-answer-malformed'];

type One = {
  readonly delivery: number;
  readonly index: number;
  readonly unit: string;
  readonly header: Header;
  readonly metadata: Metadata;
  readonly claimed: ClaimedDelivery;
};

export type Outbound = {
  /** Claims and sends what is due. */
  step(signal: AbortSignal): Promise<StepResult>;
};

/** `statuses`: what becomes a status on the other side is the border's to carry. */
export function createOutbound(
  context: BorderContext,
  statuses: Pick<Statuses, 'fromStatements' | 'fromEnvelope'>,
): Outbound {
  const { border, connector, clock, log, places, record, store } = context;

  async function step(signal: AbortSignal): Promise<StepResult> {
    const { deliveries, statements } = await store.claim({
      peer: record.node,
      instance: 0,
      itemsMax: claimAtOnce,
      bytesMax: 8 * 1024 * 1024,
      nowMs: clock.nowMs(),
      leaseMs,
    });
    if (deliveries.length === 0 && statements.length === 0) return 'idle';
    if (statements.length > 0) await statuses.fromStatements(statements);
    await inTurns(deliveries, (each) => carry(each, signal));
    return 'more';
  }

  async function carry(claimed: ClaimedDelivery, signal: AbortSignal): Promise<void> {
    const header = headerCodec.decode(signedCodec.decode(claimed.signed).bytes);
    for (const [i, { index, unit }] of claimed.recipients.entries()) {
      const delivery = claimed.ids[i]!;
      try {
        if (!claimed.metadata) throw new ExchangeError('content-gone', 'the metadata was erased');
        const one: One = {
          delivery,
          index,
          unit,
          header,
          metadata: metadataCodec.decode(claimed.metadata),
          claimed,
        };
        if (header.kind === kinds.status) await statuses.fromEnvelope(one);
        else await carryDocument(one, signal);
      } catch (error) {
        if (!isExchangeError(error) || signal.aborted) throw error;
        await notNow(delivery, error, { attempts: claimed.attempt, certain: true });
      }
    }
  }

  async function carryDocument(one: One, signal: AbortSignal): Promise<void> {
    const to = places.codeOf(one.unit);
    if (one.unit === record.unit || to === undefined)
      throw new ExchangeError('axis-recipient-unknown', `${one.unit} has no code on the other side`);
    const { message, notCarried } = composeDocument(one, context);
    const open = () => openParts(message, one, context);
    const digest = await digestOf(open());
    if (record.settings.messageBytesMax > 0 && digest.lengthBytes > record.settings.messageBytesMax)
      throw new ExchangeError(
        'axis-message-refused',
        `${digest.lengthBytes} bytes, the axis takes ${record.settings.messageBytesMax}`,
      );
    const from = message.from.organId;
    const row = await border.outMake({
      source: `d${one.delivery}`,
      what: 'edoc',
      statusCode: '',
      delivery: one.delivery,
      envelopeSeq: null,
      documentId: one.header.documentId,
      fromCode: from,
      toCode: to,
      edxmlId: message.documentId,
      message: null,
      messageSha256: digest.sha256,
      messageBytes: digest.lengthBytes,
      parts: one.header.parts.map(({ sha256 }) => Buffer.from(sha256).toString('hex')),
      notCarried,
      document: {
        organ: from,
        edxmlId: message.documentId,
        documentId: one.header.documentId,
        code: `${message.number}/${message.notation}`,
        date: message.date,
        sender: one.header.sender,
      },
      nowMs: clock.nowMs(),
    });
    if (row.state !== 'made') return await settledBefore(one, row);
    if (row.doubtful && (await foundThere(row, { message, to }, signal))) return;
    try {
      await border.outTrying({ id: row.id, nowMs: clock.nowMs() });
      crashPoint('border.3');
      const foreignId = await connector.send({ type: 'edoc', from, to, ...digest, open }, signal);
      // The axis has it; nothing here says so yet.
      crashPoint('border.4');
      await sent(row.id, foreignId, '');
    } catch (error) {
      if (!isExchangeError(error) || signal.aborted) throw error;
      await notNow(one.delivery, error, {
        row,
        attempts: row.attempts + 1,
        certain: !isExchangeError(error, ...doubtful),
      });
    }
  }

  async function sent(id: number, foreignId: string, rule: string): Promise<void> {
    const nowMs = clock.nowMs();
    context.nudge(await border.outSent({ id, foreignId, rule, nowMs }));
    log.info({ event: 'border.sent', border: record.name, foreignId, rule: rule || undefined });
  }

  /** It left before; only the delivery was claimed again (a lease that ran out, a hub that was restored). */
  async function settledBefore({ delivery }: One, row: OutKept): Promise<void> {
    if (row.state === 'refused')
      context.nudge(
        await border.refuse({ delivery, code: 'axis-message-refused', words: '', nowMs: clock.nowMs() }),
      );
    else
      await store.defer({
        peer: record.node,
        ids: [delivery],
        code: 'overloaded',
        retryAtMs: clock.nowMs() + 900_000,
      });
  }

  /** A message of which no answer came: the axis's list of what we sent tells. Exactly one that fits and is not another row's is it. */
  async function foundThere(
    row: OutKept,
    { message, to }: { message: DocumentMessage; to: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!connector.sent) return false;
    const facts = await connector.sent(message.from.organId, 'edoc', signal);
    const notation = `${message.number}/${message.notation}`;
    const fits = (fact: SentFact) =>
      fact.to.toUpperCase() === to.toUpperCase() &&
      (fact.notation === '' || fact.notation === notation || fact.notation === message.notation) &&
      (fact.title === '' || fact.title === message.subject) &&
      // Clocks of two systems: a day is enough to tell an earlier sending of the same document.
      (fact.sentMs === 0 || fact.sentMs >= row.madeMs - 86_400_000) &&
      !border.boundOut(fact.foreignId);
    const found = facts.filter(fits);
    if (found.length !== 1) return false;
    await sent(row.id, found[0]!.foreignId, 'sent-list');
    return true;
  }

  async function notNow(
    delivery: number,
    error: ExchangeError,
    on: { readonly row?: OutKept; readonly attempts: number; readonly certain: boolean },
  ): Promise<void> {
    const nowMs = clock.nowMs();
    const { code, detail: words } = error;
    if (error.row.retry === 'never') {
      log.warn({ event: 'border.refused', border: record.name, code, said: words });
      const woken = on.row
        ? await border.outRefused({ id: on.row.id, code, words, nowMs })
        : await border.refuse({ delivery, code, words, nowMs });
      return context.nudge(woken);
    }
    log.warn({ event: 'border.waiting', border: record.name, code, said: words });
    const nextMs = nowMs + Math.max(error.retryAfterMs ?? 0, retryWaitMs(on.attempts, record.settings));
    if (on.row) await border.outLater({ id: on.row.id, nextMs, code, words, certain: on.certain });
    await store.defer({ peer: record.node, ids: [delivery], code, retryAtMs: nextMs });
    if (error.row.retry !== 'operator') return;
    await store.alarm({ code, about: `border ${record.name}`, said: words, nowMs });
    if (code === 'axis-refused' && on.attempts >= triesOfUnknown)
      await store.hold({ ids: [delivery], nowMs });
  }

  return { step };
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, lane));
}
