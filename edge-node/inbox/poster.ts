// The worker that posts our delivery receipts and refusals to the hub, many in one request. They are durable before; a crash anywhere
// posts the same bytes again. One lane: what gathers while a request is under way makes the next one. One whose seal ended or was withdrawn
// before the hub took it is signed anew under the unit's present seal.
import { signedCodec, statementCodec } from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { backoffMs } from '../../protocol/node/clock.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { fromProblem } from '../../protocol/problem.ts';
import type { EdgeContext } from '../context.ts';
import { sealWornOut } from '../own-seals.ts';
import type { PendingStatement } from '../store/outbox-reads.ts';
import type { PostOutcome } from '../store/types.ts';

const idleMs = 30_000;
/** Statements are about 700 bytes; the hub settles each with some 50 µs of its writer. */
const batchMax = 512;
const batchBytesMax = limits.statementsBytesMax - 64 * 1024;

export function startPoster(context: EdgeContext): WorkLoop {
  const { store, clock, link, line, log } = context;

  async function step(signal: AbortSignal): Promise<StepResult> {
    if (!line.usable()) return 'idle';
    const batch = bounded(store.pendingStatements(clock.nowMs(), batchMax));
    if (batch.length === 0) return 'idle';
    const offers = batch.map(({ bytes, delivery_ids }) => ({
      deliveryIds: JSON.parse(delivery_ids) as number[],
      statement: bytes,
    }));
    let results: Awaited<ReturnType<typeof link.statements>>;
    try {
      results = await link.statements(offers, signal);
    } catch (error) {
      line.refused(error);
      throw error;
    }
    // 7 The hub has them; a crash before they are marked posts them again, which changes nothing there.
    crashPoint('receive.7');
    const items = batch.map((row, i) => outcomeOf(row, results[i]!.problem));
    await store.write('settlePosts', { items, nowMs: clock.nowMs() });
    crashPoint('receive.8');
    return 'more';
  }

  function outcomeOf(row: PendingStatement, problem: string): PostOutcome {
    if (problem === '') return { id: row.id, result: 'posted', code: '', nextMs: 0 };
    const error = readProblem(problem);
    // The hub has settled it otherwise, or does not know it any more: it hands it out again if it wants the receipt.
    if (error.code === 'delivery-unknown' || error.code === 'delivery-withdrawn')
      return { id: row.id, result: 'posted', code: error.code, nextMs: 0 };
    const unit = statementCodec.decode(signedCodec.decode(row.bytes).bytes).issuer;
    if (sealWornOut(error, { unit, signed: row.bytes }, context.identity().units))
      return { id: row.id, result: 'sign-anew', code: error.code, nextMs: 0 };
    if (error.row.retry === 'never') return { id: row.id, result: 'refused', code: error.code, nextMs: 0 };
    const nowMs = clock.nowMs();
    const waitMs = Math.max(
      error.retryAfterMs ?? 0,
      backoffMs(Math.min(nowMs - row.stored_ms, 4_000 * 2 ** row.attempts), context.random),
    );
    return { id: row.id, result: 'later', code: error.code, nextMs: nowMs + waitMs };
  }

  return startWorker({
    clock,
    random: context.random,
    step,
    idleMs,
    onError: (error, waitMs) =>
      log.warn({
        event: 'worker.waiting',
        worker: 'poster',
        code: isExchangeError(error) ? error.code : 'internal',
        waitMs,
      }),
  });
}

function bounded(rows: readonly PendingStatement[]): readonly PendingStatement[] {
  let bytes = 0;
  const end = rows.findIndex((row, i) => {
    bytes += row.bytes.length + 64;
    return i > 0 && bytes > batchBytesMax;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

function readProblem(text: string): ExchangeError {
  try {
    const problem = JSON.parse(text) as { status?: unknown };
    return fromProblem(typeof problem.status === 'number' ? problem.status : 500, problem);
  } catch (cause) {
    return new ExchangeError('hub-answer-malformed', 'problem of a statement', { cause });
  }
}
