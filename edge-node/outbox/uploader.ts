// The worker that brings large parts to the hub before their envelope is sent, a few documents at once, so that small documents never
// wait behind a large one. The id of an upload is durable before its first byte goes: a restart continues at the byte reached.
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { backoffMs } from '../../protocol/node/clock.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { isLineCode } from '../../protocol/node/hub-link.ts';
import { uploadPart } from '../../protocol/node/transfer.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { EdgeContext } from '../context.ts';
import type { EnvelopeToSend, OutPart } from '../store/outbox-reads.ts';
import type { SendOutcome } from '../store/types.ts';
import { refusedOutcome } from './sender.ts';

const idleMs = 60_000;
/** The worker's own back-off takes over after this long without progress; it sees an outage of the whole line. */
const patienceMs = 60_000;

export function startUploader(context: EdgeContext, onUploaded: () => void): WorkLoop {
  const { store, clock, link, line, log, content, config, uploading } = context;
  const claimed = new Set<number>();

  async function step(signal: AbortSignal): Promise<StepResult> {
    if (!line.usable()) return 'idle';
    const due = store.dueUploads(clock.nowMs(), claimed.size + 1).find(({ seq }) => !claimed.has(seq));
    if (!due) return idleMs;
    claimed.add(due.seq);
    try {
      const envelope = store.toSend(due.seq);
      if (envelope) await uploadAll(envelope, signal);
      return 'more';
    } finally {
      claimed.delete(due.seq);
    }
  }

  async function uploadAll(envelope: EnvelopeToSend, signal: AbortSignal): Promise<void> {
    try {
      const known = new Map(envelope.uploads.map((upload) => [upload.idx, upload]));
      const large = envelope.parts.filter(({ content }) => content === null);
      uploading.begin(
        envelope.seq,
        large.reduce((sum, { length }) => sum + length, 0),
      );
      let before = 0;
      for (const part of large) {
        const upload = known.get(part.idx);
        if (upload?.complete !== 1) {
          const base = before;
          await uploadOne(envelope, part, {
            uploadId: upload?.uploadId,
            signal,
            onProgress: (bytes) => tell(envelope, base + bytes),
          });
        }
        before += part.length;
      }
      onUploaded();
    } catch (error) {
      signal.throwIfAborted();
      line.refused(error);
      // The line: all uploads wait together. Anything else is about this document.
      if (!isExchangeError(error) || isLineCode(error.code)) throw error;
      log.warn({ event: 'worker.waiting', worker: 'uploader', code: error.code });
      await store.write('settleSends', { items: [outcomeOf(envelope, error)], nowMs: clock.nowMs() });
    } finally {
      uploading.end(envelope.seq);
      tellPages(envelope);
    }
  }

  function tell(envelope: EnvelopeToSend, doneBytes: number): void {
    if (uploading.at(envelope.seq, doneBytes)) tellPages(envelope);
  }

  function tellPages({ seq, documentId, unit }: EnvelopeToSend): void {
    const uploaded = uploading.of(seq);
    context.emit({ kind: 'progress', documentId: uuidFromBytes(documentId), unit, uploaded });
  }

  async function uploadOne(
    envelope: EnvelopeToSend,
    part: OutPart,
    {
      uploadId,
      signal,
      onProgress,
    }: {
      readonly uploadId: string | undefined;
      readonly signal: AbortSignal;
      readonly onProgress: (acknowledgedBytes: number) => void;
    },
  ): Promise<void> {
    const { seq, unit } = envelope;
    const { idx, length: lengthBytes, sha256, tree_root: treeRoot } = part;
    const note = (id: string, complete: boolean) =>
      store.write('noteUpload', { seq, idx, uploadId: id, complete });
    const source = {
      unit,
      lengthBytes,
      sha256,
      treeRoot,
      leaves: () => content.leaves(sha256),
      read: (range: { readonly from: number; readonly to: number }) => content.read(sha256, range),
    };
    const done = await uploadPart(link.uploads, source, {
      clock,
      signal,
      random: context.random,
      patienceMs,
      onProgress,
      ...(uploadId === undefined ? {} : { uploadId }),
      onUpload: (id) => note(id, false),
    });
    await note(done.uploadId, true);
    // 4 The part is at the hub and known to be: a crash here goes on with the next part.
    crashPoint('send.4');
    log.info({ event: 'upload.finished', bytes: lengthBytes, carried: done.carriedBytes });
  }

  function outcomeOf(envelope: EnvelopeToSend, error: ExchangeError): SendOutcome {
    if (error.row.retry === 'never') return refusedOutcome(envelope, error);
    const nowMs = clock.nowMs();
    const waitMs = backoffMs(nowMs - (envelope.failingSinceMs ?? nowMs), context.random);
    return {
      seq: envelope.seq,
      kind: 'later',
      code: error.code,
      nextMs: nowMs + Math.max(waitMs, error.retryAfterMs ?? 0),
      uploadAnew: isExchangeError(error, 'upload-unknown', 'upload-digest-mismatch'),
    };
  }

  return startWorker({
    clock,
    random: context.random,
    step,
    concurrency: config.send.uploads,
    idleMs,
    onError: (error, waitMs) =>
      log.warn({
        event: 'worker.waiting',
        worker: 'uploader',
        code: isExchangeError(error) ? error.code : new ExchangeError('internal').code,
        waitMs,
      }),
  });
}
