// Flash documents that nobody looks at, and flash sendings that did not arrive (O11): one alarm for each after the stated minutes. A look every
// half minute over two short indexed reads; an alarm that was raised is not raised again.
import { startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { EdgeContext } from '../context.ts';

const everyMs = 30_000;
/** The regulation asks for "at once"; ten minutes leave time to walk to the desk. */
export const flashMs = 10 * 60_000;

const idText = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

export function startFlashWatch({ store, clock, random, log, emit }: EdgeContext): WorkLoop {
  async function raise(
    code: 'flash-unseen' | 'flash-undelivered',
    about: string,
    said: string,
  ): Promise<void> {
    if (store.alarmRaised(code, about)) return;
    await store.write('alarm', { atMs: clock.nowMs(), code, about, said });
    emit({ kind: 'flash', code, about });
  }
  return startWorker({
    clock,
    random,
    idleMs: everyMs,
    async step() {
      const beforeMs = clock.nowMs() - flashMs;
      for (const row of store.flashUnread(beforeMs)) await raise('flash-unseen', idText(row.envelope_id), '');
      for (const row of store.flashUndelivered(beforeMs))
        await raise('flash-undelivered', idText(row.document_id), row.units);
      return 'idle';
    },
    onError: (error, waitMs) => log.warn({ event: 'worker.waiting', worker: 'flash', waitMs, err: error }),
  });
}
