// The worker that carries sealed envelopes to the hub. Claims what is due (urgent first), seals, keeps the sealed bytes, posts batches,
// verifies every receipt, and only then moves a state. It must never send bytes that are not on disk, never take an answer that does
// not verify for a receipt, and never end a document's way on anything but the hub's own word about that document.
import { headerCodec, signedCodec } from '../../protocol/codec.ts';
import { type ErrorCode, ExchangeError, isErrorCode, isExchangeError } from '../../protocol/errors.ts';
import { clockBounds } from '../../protocol/grace.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { backoffMs, slowStart } from '../../protocol/node/clock.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { isLineFailure } from '../../protocol/node/hub-link.ts';
import { releaseBytes } from '../../protocol/node/release.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { fromProblem } from '../../protocol/problem.ts';
import { events } from '../../protocol/statement.ts';
import type { SubmitResult } from '../../protocol/wire.ts';
import type { EdgeContext } from '../context.ts';
import { sealWornOut } from '../own-seals.ts';
import { openKnownStatement, statementRow } from '../statement-row.ts';
import type { EnvelopeToSend } from '../store/outbox-reads.ts';
import type { SendOutcome } from '../store/types.ts';
import { buildWrapper, sealWaiting, wrapperSize } from './sealing.ts';

/** A second batch starts beside a running one only for so many documents: below, waiting for the answer makes one fuller batch. */
const secondBatchMin = 32;
/** … or when the running one takes this long: one stuck request may not hold everything up. */
const stuckMs = 250;
/** Room for the field headers of the request. */
const batchRoomBytes = 64 * 1024;
const idleMs = 60_000;

/** The whole batch was refused for its form: found by halving. Other refusals of a request speak of the peer, not of a document. */
const formCodes: readonly ErrorCode[] = [
  'batch-malformed',
  'batch-too-large',
  'envelope-malformed',
  'envelope-too-large',
  'request-malformed',
];

type Ready = {
  readonly envelope: EnvelopeToSend;
  readonly envelopeId: Uint8Array;
  readonly digest: Uint8Array;
  readonly signed: Uint8Array;
};

export function startSender(context: EdgeContext, onMissingParts: () => void): WorkLoop {
  const { store, clock, link, line, log, config } = context;
  const claimed = new Set<number>();
  const window = slowStart(limits.batchItemsMax);
  let running = 0;
  let lastStartMs = 0;

  /** 1 Claims by a set in memory: this process is the only sender of this store. A crash here changes nothing. */
  const claim = (): EnvelopeToSend[] => store.reading(claimSome);
  function claimSome(): EnvelopeToSend[] {
    const permitted = window.permitted();
    const rows = store
      .dueEnvelopes(clock.nowMs(), { limit: claimed.size + permitted, onlySealed: !line.connected() })
      .filter(({ seq }) => !claimed.has(seq));
    if (running > 0 && rows.length < secondBatchMin && clock.monotonicMs() - lastStartMs < stuckMs) return [];
    const batch: EnvelopeToSend[] = [];
    let bytes = 0;
    for (const { seq } of rows.slice(0, permitted)) {
      const envelope = store.toSend(seq);
      if (!envelope) continue;
      bytes += wrapperSize(envelope);
      if (batch.length > 0 && bytes > limits.batchBytesMax - batchRoomBytes) break;
      batch.push(envelope);
      claimed.add(seq);
    }
    return batch;
  }

  async function step(signal: AbortSignal): Promise<StepResult> {
    if (!line.usable()) return 'idle';
    const batch = claim();
    if (batch.length === 0) return restMs();
    crashPoint('send.1');
    running += 1;
    lastStartMs = clock.monotonicMs();
    try {
      const ready = await sealed(batch);
      if (ready.length > 0) await post(ready, signal);
      return 'more';
    } catch (error) {
      line.refused(error);
      if (isLineFailure(error) || isExchangeError(error, 'overloaded', 'rate-limited', 'not-ready'))
        window.failed();
      throw error;
    } finally {
      running -= 1;
      for (const { seq, parts } of batch) {
        claimed.delete(seq);
        // Read for this try; the next one reads them again.
        for (const { content } of parts) if (content) releaseBytes(content);
      }
    }
  }

  function restMs(): StepResult {
    if (running > 0) return stuckMs;
    const next = store.nextDueMs(clock.nowMs());
    const inMs = next === undefined ? idleMs : next - clock.nowMs();
    return inMs > 0 ? inMs : 1_000;
  }

  /** 2 Seal what is not sealed; 3 keep the bytes. A crash before 3 seals anew (nobody has seen the first); after it the same bytes go. */
  async function sealed(batch: readonly EnvelopeToSend[]): Promise<Ready[]> {
    const fresh = batch.filter(({ work }) => work === 'seal');
    const bySeq = new Map<number, Omit<Ready, 'envelope'>>();
    if (fresh.length > 0) {
      const identity = context.identity();
      const nowMs = clock.nowMs();
      const result = sealWaiting(fresh, {
        nowMs,
        clockOffsetMs: Math.round(link.clockOffsetMs() ?? store.numberFact('clockOffsetMs')),
        randomBytes: context.randomBytes,
        keyOf: (unit) => {
          const found = identity.units.find((each) => each.unit === unit);
          if (!found) throw new ExchangeError('key-file-missing', `seal key of ${unit}`);
          return found.key;
        },
      });
      crashPoint('send.2');
      const kept = await store.write('keepSealed', { items: result.sealed, nowMs });
      crashPoint('send.3');
      for (const [i, row] of result.sealed.entries()) if (kept[i]) bySeq.set(row.seq, row);
      const items = result.refused.map(
        ({ seq, error }): SendOutcome => ({
          seq,
          kind: 'refused',
          // The deadline passed while the document waited here.
          state: error.detail.startsWith('deliver_by_ms') ? 'expired' : 'refused',
          code: error.detail.startsWith('deliver_by_ms') ? 'envelope-expired' : error.code,
        }),
      );
      if (items.length > 0) await store.write('settleSends', { items, nowMs });
    }
    return batch.flatMap((envelope): Ready[] => {
      const { envelopeId, digest, signed } = bySeq.get(envelope.seq) ?? envelope;
      return envelopeId && digest && signed ? [{ envelope, envelopeId, digest, signed }] : [];
    });
  }

  /** 5 to 8. A crash after 5 sends the same bytes again and gets the stored receipt. */
  async function post(batch: readonly Ready[], signal: AbortSignal): Promise<void> {
    const wrappers = batch.map(({ envelope, signed }) => buildWrapper(envelope, signed));
    crashPoint('send.5');
    let results: readonly SubmitResult[];
    try {
      results = await link.submit(wrappers, signal);
    } catch (error) {
      if (!isExchangeError(error, ...formCodes)) throw error;
      if (batch.length > 1) {
        const half = batch.length >> 1;
        await post(batch.slice(0, half), signal);
        await post(batch.slice(half), signal);
        return;
      }
      const items = [refusedOutcome(batch[0]!.envelope, error)];
      await store.write('settleSends', { items, nowMs: clock.nowMs() });
      return;
    } finally {
      // The request has a copy of them.
      for (const wrapper of wrappers) releaseBytes(wrapper);
    }
    crashPoint('send.6');
    const items = await Promise.all(batch.map((ready, i) => judge(ready, results[i]!)));
    crashPoint('send.7');
    await store.write('settleSends', { items, nowMs: clock.nowMs() });
    // A crash from here on finds the receipts stored.
    crashPoint('send.8');
    for (const item of items) if (item.kind === 'receipt') window.succeeded();
    if (items.some((item) => item.kind === 'later' && item.uploadAnew)) onMissingParts();
    announce(batch, items);
  }

  function announce(batch: readonly Ready[], items: readonly SendOutcome[]): void {
    let accepted = 0;
    for (const [i, { envelope, envelopeId }] of batch.entries()) {
      const item = items[i]!;
      if (item.kind === 'receipt') accepted += 1;
      else
        log.warn({
          event: item.kind === 'refused' ? 'envelope.refused' : 'worker.waiting',
          worker: 'sender',
          envelopeId: uuidFromBytes(envelopeId),
          code: item.code,
        });
      context.emit({
        kind: 'document',
        documentId: uuidFromBytes(envelope.documentId),
        unit: envelope.unit,
      });
    }
    if (accepted > 0) log.info({ event: 'document.sent', count: accepted });
  }

  async function judge(ready: Ready, result: SubmitResult): Promise<SendOutcome> {
    try {
      if (result.receipt.length === 0) return outcomeOf(ready, parseProblem(result.problem));
      return { seq: ready.envelope.seq, kind: 'receipt', statement: await verifiedReceipt(ready, result) };
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      // Not a receipt for us: nothing moves, the same bytes go again, and a person is told.
      log.error({ event: 'statement.refused', code: error.code, said: error.detail });
      await store.write('alarm', {
        atMs: clock.nowMs(),
        code: error.code,
        about: `receipt for ${uuidFromBytes(ready.envelopeId)}`,
        said: error.detail,
      });
      return laterOutcome(
        ready.envelope,
        new ExchangeError('hub-answer-malformed', error.code, { cause: error }),
      );
    }
  }

  /** The hub's own key, our envelope, our digest, and a word about every recipient. Throws what is wrong. */
  async function verifiedReceipt({ envelope, envelopeId, digest }: Ready, { receipt }: SubmitResult) {
    const opened = await openKnownStatement(receipt, context);
    const s = opened.statement;
    const wrong = (what: string) => new ExchangeError('statement-mismatch', what);
    if (s.event !== events.SubmissionAcceptance) throw wrong(`event ${s.event}`);
    if (s.issuer !== context.identity().hubId) throw wrong('issuer');
    if (Buffer.compare(s.envelopeDigest, digest) !== 0) throw wrong('digest');
    if (Buffer.compare(s.envelopeId, envelopeId) !== 0 || s.sender !== envelope.unit) throw wrong('envelope');
    if (Buffer.compare(s.documentId, envelope.documentId) !== 0) throw wrong('document');
    const said = new Set(s.results.map(({ index }) => index));
    if (said.size !== s.results.length || envelope.recipients.some(({ idx }) => !said.has(idx)))
      throw wrong('not one result for each recipient');
    return statementRow(receipt, opened);
  }

  function outcomeOf({ envelope, signed }: Ready, problem: ExchangeError): SendOutcome {
    if (sealWornOut(problem, { unit: envelope.unit, signed }, context.identity().units))
      return { seq: envelope.seq, kind: 'seal-anew', code: problem.code };
    // Sealed while this machine was ahead by days: its own clock, set right since, says so too. The same bytes would wait for their day.
    if (
      isExchangeError(problem, 'envelope-from-future') &&
      headerCodec.decode(signedCodec.decode(signed).bytes).createdMs > clock.nowMs() + clockBounds.nodeFailMs
    )
      return { seq: envelope.seq, kind: 'seal-anew', code: problem.code };
    return problem.row.retry === 'never'
      ? refusedOutcome(envelope, problem)
      : laterOutcome(envelope, problem);
  }

  /** Tries thin out with the age of the trouble, with jitter; `part-missing` goes to the uploader at once. */
  function laterOutcome(envelope: EnvelopeToSend, problem: ExchangeError): SendOutcome {
    const nowMs = clock.nowMs();
    const uploadAnew = isExchangeError(problem, 'part-missing', 'upload-unknown', 'part-mismatch');
    const ageMs = nowMs - (envelope.failingSinceMs ?? nowMs);
    const waitMs = Math.max(problem.retryAfterMs ?? 0, backoffMs(ageMs, context.random));
    // The first time at once: an upload that the hub has swept is the usual case.
    const nextMs = uploadAnew && envelope.failingSinceMs === null ? nowMs : nowMs + waitMs;
    return { seq: envelope.seq, kind: 'later', code: problem.code, nextMs, uploadAnew };
  }

  return startWorker({
    clock,
    random: context.random,
    step,
    concurrency: config.send.batches,
    idleMs,
    onError: (error, waitMs) => {
      const code = isExchangeError(error) ? error.code : 'internal';
      log.warn({
        event: 'worker.waiting',
        worker: 'sender',
        code,
        waitMs,
        ...(code === 'internal' ? { err: error } : {}),
      });
    },
  });
}

export function refusedOutcome(envelope: { readonly seq: number }, problem: ExchangeError): SendOutcome {
  const state = problem.code === 'envelope-expired' ? 'expired' : 'refused';
  return { seq: envelope.seq, kind: 'refused', state, code: problem.code };
}

/** A problem that cannot be read, or whose code a later version made, is temporary unless its status says otherwise. */
function parseProblem(text: string): ExchangeError {
  try {
    const problem = JSON.parse(text) as { status?: unknown; code?: unknown };
    const status = typeof problem.status === 'number' ? problem.status : 500;
    if (typeof problem.code === 'string' && !isErrorCode(problem.code) && status < 500)
      return new ExchangeError('envelope-version-unsupported', problem.code.slice(0, 60));
    return fromProblem(status, problem);
  } catch (cause) {
    return new ExchangeError('hub-answer-malformed', 'problem of a result', { cause });
  }
}
