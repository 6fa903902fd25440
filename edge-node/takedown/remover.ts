// Removal at a node. Reports of its people go to the hub; orders of the hub are verified, with the operators' own signatures in them, obeyed (rows first, then files, keys and the write-ahead log) and
// confirmed by every unit of the node. A crash anywhere is taken up again; nothing is confirmed that is still on the disk.
import { join } from 'node:path';
import { headerCodec, removalOrderCodec, signedCodec } from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { parseDocumentId } from '../../protocol/ids.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { emptyLog } from '../../protocol/node/sqlite.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { maySayRemoval, openOrder, removalActs, signDone, signReport } from '../../protocol/removal.ts';
import type { EdgeContext } from '../context.ts';
import { forgetCopies } from '../folder/delivery.ts';
import { storeFile } from '../store/store.ts';
import { find } from '../views.ts';

const idleMs = 60_000;

export type Remover = {
  readonly loop: WorkLoop /** The hub says that there are orders up to this number. */;
  newest(number: number): void;
};

export function startRemover(
  context: EdgeContext,
  options: { readonly dir: string; readonly destroyKeys: (ids: readonly number[]) => void },
): Remover {
  const { store, clock, link, log, content, line } = context;
  let wanted = 0;

  async function step(signal: AbortSignal): Promise<StepResult> {
    const { hubId } = context.identity();
    await finishOpen();
    if (!line.usable()) return 'idle';
    const told = store.removalsUntold().filter(({ hub }) => hub === hubId);
    const reports = store.reportsUntold();
    const seen = store.removalSeen(hubId);
    if (
      store.removalsToReturn(hubId).length === 0 &&
      told.length === 0 &&
      reports.length === 0 &&
      wanted <= seen
    )
      return 'idle';
    // What the hub lost at a restore goes back to it as it came.
    const lost = store.removalsToReturn(hubId);
    const { orders } = await link.removals(
      {
        after: seen,
        done: told.flatMap((row) => wordsOf(row)),
        reports: reports.map(({ bytes }) => bytes),
        orders: lost.map(({ bytes }) => bytes),
      },
      signal,
    );
    await store.write('removalsTold', {
      hub: hubId,
      numbers: told.map(({ number }) => number),
      returned: lost.map(({ number }) => number),
      reports: reports.map(({ id }) => id),
    });
    for (const bytes of orders) await take(bytes, hubId);
    if (orders.length === 0) wanted = 0;
    return 'more';
  }

  /**
   * Obeyed, or kept as refused with an alarm when the operators' signatures or their right are missing: the next order must not wait for it. An
   * operator whom the directory does not name yet is waited for.
   */
  async function take(bytes: Uint8Array, hubId: string): Promise<void> {
    const nowMs = clock.nowMs();
    const directory = context.directory.current();
    try {
      const order = await openOrder(bytes, {
        resolve: context.signers.statement,
        verifier: context.verifier,
        operatorsOf: (hub) => directory.hub(hub)?.operators ?? [],
      });
      if (order.hub !== hubId) throw new ExchangeError('statement-mismatch', 'an order of another hub');
      const parties = partiesOf(order.documentId);
      if (parties && !maySayRemoval(directory, order.decidedBy, parties))
        throw new ExchangeError('removal-refused', `hub ${order.decidedBy} is no party to the document`);
      await store.write('obeyRemoval', { order, bytes, nowMs });
      // 4 Rows are erased, files are not; a crash here: finishOpen of the next start.
      crashPoint('removal.4');
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry !== 'never') throw error;
      const order = removalOrderCodec.decode(signedCodec.decode(bytes).bytes);
      await store.write('refuseRemoval', { order, hub: hubId, bytes, said: error.detail, nowMs });
      log.error({ event: 'removal.refused', number: order.number, code: error.code });
    }
  }

  /** Of the sealed headers here; undefined: nothing of the document is here. */
  function partiesOf(documentId: Uint8Array) {
    const headers = store
      .sealedOf(documentId)
      .map((signed) => headerCodec.decode(signedCodec.decode(signed).bytes));
    const [first] = headers;
    return (
      first && {
        sender: first.sender,
        recipients: headers.flatMap(({ recipients }) => recipients.map(({ unit }) => unit)),
      }
    );
  }

  /** Files, keys and the log of orders whose rows are erased. */
  async function finishOpen(): Promise<void> {
    for (const row of store.removalsOpen()) {
      await forgetCopies(row.document_id, context);
      if (row.act === removalActs.destroy) {
        for (const hex of JSON.parse(row.contents) as string[]) {
          await content.destroy(Buffer.from(hex, 'hex'));
          await content.dropPartialsOf(Buffer.from(hex, 'hex'));
        }
        options.destroyKeys(JSON.parse(row.keys) as number[]);
        if (!emptyLog(join(options.dir, storeFile)))
          throw new ExchangeError('overloaded', 'the write-ahead log is in use', { retryAfterMs: 200 });
      }
      // 5 Everything is gone, and not yet said.
      crashPoint('removal.5');
      await store.write('removalDone', { hub: row.hub, number: row.number, nowMs: clock.nowMs() });
      log.warn({ event: 'removal.obeyed', number: row.number, act: row.act });
    }
  }

  const wordsOf = (row: ReturnType<typeof store.removalsUntold>[number]): Buffer[] =>
    context.identity().units.map(({ unit, key }) =>
      signDone(
        {
          number: row.number,
          hub: row.hub,
          act: row.act,
          documentId: row.document_id,
          unit,
          found: row.found === 1,
          atMs: row.done_ms ?? 0,
        },
        key,
      ),
    );

  const loop = startWorker({
    clock,
    random: context.random,
    step,
    idleMs,
    onError: (error, waitMs) =>
      log.warn({
        event: 'worker.waiting',
        worker: 'remover',
        waitMs,
        code: isExchangeError(error) ? error.code : 'internal',
        ...(isExchangeError(error) ? {} : { err: error }),
      }),
  });
  return {
    loop,
    newest(number) {
      wanted = Math.max(wanted, number);
      if (wanted > store.removalSeen(context.identity().hubId)) loop.nudge();
    },
  };
}

/** A person says that a document holds a state secret: hidden here when this returns, and the hub is told as soon as it is reached. */
export async function reportSecret(
  id: string,
  how: { readonly actor: string; readonly why: string; readonly direction?: 'out' | 'in' | undefined },
  context: EdgeContext,
): Promise<void> {
  if (how.actor.trim() === '' || how.why.trim() === '')
    throw new ExchangeError('request-malformed', 'who reports it, and why');
  const found = find(parseDocumentId(id), how.direction, context);
  const { store, clock } = context;
  const documentId = found.row.document_id;
  const own = found.direction === 'out' ? found.row.unit : store.arrivalRecipients(found.row.seq)[0]?.unit;
  const unit = context.identity().units.find((each) => each.unit === own) ?? context.identity().units[0];
  if (!unit) throw new ExchangeError('key-file-missing', 'no unit');
  const sender = found.direction === 'out' ? found.row.unit : found.row.sender;
  const atMs = clock.nowMs();
  const bytes = signReport(
    {
      documentId,
      sender,
      unit: unit.unit,
      person: how.actor.slice(0, 60),
      reason: how.why.slice(0, 160),
      atMs,
    },
    unit.key,
  );
  await store.write('reportSecret', {
    documentId,
    bytes,
    actor: how.actor,
    why: how.why.slice(0, 300),
    nowMs: atMs,
  });
}
