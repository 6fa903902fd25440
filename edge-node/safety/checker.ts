// The worker that looks at documents to the end: inspection, scanner, policy. Takes what is due, oldest first, two at a time, so that one archive
// does not hold up a letter. What passes goes on; what is held waits for a person; what is refused ends with its reason. A scanner that is
// away delays, and after its grace alarms; nothing is lost and nothing passes for it.
import { checkParts, headBytes, type PartToCheck } from '../../certs/inspect/check-parts.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { type StepResult, startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { decide, type Finding, isSecret } from '../../protocol/safety/findings.ts';
import type { FileTypeName } from '../../protocol/safety/policy.ts';
import type { EdgeContext } from '../context.ts';
import type { SettledCheck } from '../store/safety-ops.ts';
import type { CheckRow } from '../store/safety-reads.ts';
import { rulesOf } from './quick.ts';

const atOnce = 2;
const idleMs = 30_000;
/** A scanner that is away is asked again after this, longer with every try. */
const againMs = 2_000;
const againMaxMs = 30_000;

export function startChecker(context: EdgeContext, hooks: { readonly onLetGo: () => void }): WorkLoop {
  const { store, clock, log, safety } = context;
  const claimed = new Set<number>();

  async function step(): Promise<StepResult> {
    const row = store.dueChecks(clock.nowMs(), atOnce * 2).find(({ id }) => !claimed.has(id));
    if (!row) {
      const next = store.nextCheckMs(clock.nowMs());
      return next === undefined ? 'idle' : Math.max(50, next - clock.nowMs());
    }
    claimed.add(row.id);
    try {
      await one(row);
    } finally {
      claimed.delete(row.id);
    }
    return 'more';
  }

  async function one(row: CheckRow): Promise<void> {
    try {
      const settled = await judge(row, context);
      if (settled === undefined) return;
      const [done] = await store.write('settleChecks', { items: [settled] });
      if (done) told(row, settled);
    } catch (error) {
      // Ended by our own stop, not by the file: it is looked at first thing after the next start.
      if (!isExchangeError(error) || error.code === 'shutting-down') throw error;
      // The inspection's queue is full, or content is not there (a restore, a takedown): later, and told.
      log.warn({ event: 'check.delayed', code: error.code, said: error.detail });
      await delay(row, error.code, false);
    }
  }

  async function delay(row: CheckRow, code: string, alarm: boolean): Promise<void> {
    const nextMs = clock.nowMs() + Math.min(againMaxMs, againMs * 2 ** Math.min(row.attempts, 6));
    await store.write('delayChecks', { items: [{ id: row.id, code, nextMs, alarm }], nowMs: clock.nowMs() });
  }

  async function judge(row: CheckRow, { content }: EdgeContext): Promise<SettledCheck | undefined> {
    const about = aboutOf(row, context);
    if (!about) return undefined;
    const rules = rulesOf(context, about);
    const checked = await checkParts(partsOf(row, context, content), {
      rules,
      inspector: safety.inspector,
      scanner: safety.scanner,
      atMs: clock.nowMs(),
    });
    if (checked.kind === 'scanner-down') {
      const overdue = clock.nowMs() - row.since_ms >= safety.scanner.graceMs;
      log.warn({ event: 'check.delayed', code: 'scanner-unreachable', said: checked.said });
      await delay(row, 'scanner-unreachable', overdue);
      return undefined;
    }
    const types = new Map<number, FileTypeName>(checked.parts.map(({ index, type }) => [index, type]));
    // What the quick look found in the metadata stands.
    const before = (JSON.parse(row.findings) as Finding[]).filter(isSecret);
    const decision = decide([...before, ...checked.findings], rules, {
      types,
      receiving: row.direction === 'in',
    });
    const secret = decision.findings.some(isSecret);
    return {
      id: row.id,
      state: decision.action === 'deliver' ? 'passed' : decision.action === 'hold' ? 'held' : 'refused',
      code: secret ? 'secrecy-refused' : 'file-refused',
      findings: JSON.stringify(decision.findings),
      parts: JSON.stringify(checked.parts),
      policy: safety.policy.state().version,
      secret,
      nowMs: clock.nowMs(),
    };
  }

  function told(row: CheckRow, { state, findings }: SettledCheck): void {
    const codes = [...new Set((JSON.parse(findings) as Finding[]).map(({ code }) => code))].join(' ');
    if (state !== 'passed') log.error({ event: 'check.stopped', state, direction: row.direction, codes });
    if (row.direction === 'out') {
      const document = store.documentSeq(row.doc);
      if (document)
        context.emit({
          kind: 'document',
          documentId: uuidFromBytes(document.document_id),
          unit: document.unit,
        });
      if (state === 'passed') hooks.onLetGo();
    } else if (state === 'passed') announce(context, row.doc);
  }

  const loop = startWorker({
    clock,
    random: context.random,
    step,
    concurrency: atOnce,
    idleMs,
    onError: (error, waitMs) => log.error({ event: 'worker.waiting', worker: 'checker', waitMs, err: error }),
  });
  safety.nudge = () => loop.nudge();
  return loop;
}

/** Tells that an arrival is there to be read. */
export function announce({ store, emit }: EdgeContext, inboxSeq: number): void {
  const arrival = store.arrivalSeq(inboxSeq);
  if (!arrival) return;
  emit({
    kind: 'arrived',
    documentId: uuidFromBytes(arrival.document_id),
    envelopeId: uuidFromBytes(arrival.envelope_id),
    units: store.arrivalRecipients(inboxSeq).map(({ unit }) => unit),
  });
}

/** By whose rules: the sending unit's, or the first receiving one's. */
function aboutOf(row: CheckRow, { store }: EdgeContext): { unit: string; kind: number } | undefined {
  if (row.direction === 'out') return store.documentSeq(row.doc);
  const arrival = store.arrivalSeq(row.doc);
  return arrival && { unit: store.arrivalRecipients(row.doc)[0]?.unit ?? '', kind: arrival.kind };
}

function partsOf(row: CheckRow, { store }: EdgeContext, content: EdgeContext['content']): PartToCheck[] {
  const out = row.direction === 'out';
  const stored = out ? store.outParts(row.doc) : store.inParts(row.doc);
  return stored.map(({ idx, name, length, sha256, inline }): PartToCheck => {
    let read: Uint8Array | undefined;
    /** Read, and opened, once for head, inspection and scanner. */
    const bytes = (): Uint8Array => {
      read ??= (out ? store.outContent(row.doc, idx) : store.inContent(row.doc, idx)) ?? undefined;
      return read ?? new Uint8Array();
    };
    async function* once(): AsyncGenerator<Uint8Array> {
      yield bytes();
    }
    return {
      index: idx,
      name,
      lengthBytes: length,
      async head() {
        if (inline) return bytes().subarray(0, headBytes);
        const pieces: Uint8Array[] = [];
        for await (const piece of await content.read(sha256, { from: 0, to: headBytes })) pieces.push(piece);
        return Buffer.concat(pieces);
      },
      content: async () => (inline ? { bytes: bytes() } : await content.source(sha256)),
      stream: async () => (inline ? once() : await content.read(sha256)),
    };
  });
}
