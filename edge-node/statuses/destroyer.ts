// Destroys what was recalled: rows, then files, also those in watched folders, then the signed answer (15), each step durable before the next, so that the answer never
// says destroyed of what is still there. A crash anywhere is taken up at the next start. Must never touch what another document needs.
import { isExchangeError } from '../../protocol/errors.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { EdgeContext } from '../context.ts';
import { forgetCopies } from '../folder/delivery.ts';

const itemsMax = 50;
const idleMs = 60_000;

export function startDestroyer(context: EdgeContext, onAnswers: () => void): WorkLoop {
  const { store, clock, random, log } = context;

  async function step(): Promise<StepResult> {
    const items = store.destroying(itemsMax);
    const listed = store.unlinks(itemsMax);
    if (items.length === 0 && listed.length === 0) return 'idle';
    // 1 Marked, in the commit that took or decided the request: nobody can act on the document any more.
    crashPoint('recall.1');
    for (const { inbox_seq: inboxSeq, unit } of items)
      await store.write('eraseRecalled', { inboxSeq, unit, nowMs: clock.nowMs() });
    // 2 Rows erased, files listed. A crash here erases nothing twice and forgets no file.
    crashPoint('recall.2');
    await unlinkListed();
    // 3 Files gone.
    crashPoint('recall.3');
    let answered = 0;
    let waits: unknown;
    for (const { inbox_seq: inboxSeq, unit, documentId } of items) {
      try {
        await forgetCopies(documentId, context);
      } catch (error) {
        // A share that is away keeps this answer back, and no other.
        waits = error;
        continue;
      }
      await store.write('answerRecalled', { inboxSeq, unit, nowMs: clock.nowMs() });
      answered += 1;
    }
    // 4 Answered: the status waits in the outbox.
    crashPoint('recall.4');
    if (answered > 0) {
      log.info({ event: 'document.destroyed', count: answered });
      onAnswers();
    }
    if (waits !== undefined) throw waits;
    return 'more';
  }

  async function unlinkListed(): Promise<void> {
    for (let listed = store.unlinks(itemsMax); listed.length > 0; listed = store.unlinks(itemsMax)) {
      // What has come again meanwhile is needed again, or is left to the sweeper.
      for (const { sha256, at_ms: atMs } of listed)
        if (!store.refersTo(sha256)) await context.content.removeUntouched(sha256, atMs);
      await store.write('unlinked', { digests: listed.map(({ sha256 }) => sha256) });
    }
  }

  return startWorker({
    clock,
    random,
    step,
    idleMs,
    onError: (error, waitMs) =>
      log.warn({
        event: 'worker.waiting',
        worker: 'destroyer',
        waitMs,
        code: isExchangeError(error) ? error.code : 'internal',
        ...(isExchangeError(error) ? {} : { err: error }),
      }),
  });
}
