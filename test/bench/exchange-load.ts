// Bare senders and receivers that drive a hub over its real protocol: submit → poll → signed receipt → settled → receipt taken by the
// sender. A document counts when its sender has the receipt. The number in flight is bounded, so that latency says something.
import { randomBytes } from 'node:crypto';
import { headerCodec, signedStatementCodec, statementCodec, wrapperCodec } from '../../protocol/codec.ts';
import { envelopeDigest } from '../../protocol/seal.ts';
import { signMany } from '../../protocol/signature.ts';
import { buildStatement, outcomes } from '../../protocol/statement.ts';
import type { PollResponse } from '../../protocol/wire.ts';
import { type BareNode, prepare } from '../support/hub.ts';
import { now } from './measure.ts';

export type Ready = { readonly id: string; readonly wrapper: Uint8Array };

/** Seals documents of one sender beforehand, `sealBatch` under one signature, spread over the receivers. */
export function sealDocuments(
  sender: BareNode,
  receivers: readonly BareNode[],
  how: { readonly documents: number; readonly bytes: number; readonly sealBatch: number },
): Ready[] {
  const made: Ready[] = [];
  const filler = randomBytes(how.bytes);
  // No chance that two bytes look like a script or a program: such a document is refused.
  filler[0] = 0;
  for (let from = 0; from < how.documents; from += how.sealBatch) {
    const count = Math.min(how.sealBatch, how.documents - from);
    const drafts = Array.from({ length: count }, (_, i) => {
      const content = Buffer.from(filler);
      randomBytes(16).copy(content, 1);
      return {
        to: [receivers[(from + i) % receivers.length]!.unit],
        parts: [{ name: 'van-ban.pdf', content }],
      };
    });
    for (const { sealed, wrapper } of prepare(sender, drafts))
      made.push({
        id: Buffer.from(headerCodec.decode(sealed.headerBytes).envelopeId).toString('latin1'),
        wrapper,
      });
  }
  return made;
}

export type LoadOptions = {
  readonly senders: readonly BareNode[];
  readonly receivers: readonly BareNode[];
  /** One list for each sender. */
  readonly documents: readonly (readonly Ready[])[];
  readonly submitBatch: number;
  /** Submissions at once of one sender. */
  readonly submits: number;
  /** Documents of one sender without their receipt. */
  readonly inFlight: number;
  /** Documents per second of each sender; absent: as fast as the window lets. */
  readonly perSecond?: number;
};

export type LoadResult = {
  readonly seconds: number;
  readonly documents: number;
  readonly latencyMs: number[];
};

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const stop = new AbortController();
  const total = options.documents.reduce((sum, list) => sum + list.length, 0);
  const latencyMs: number[] = [];
  const done = Promise.withResolvers<void>();
  const startedMs = now();
  const settled = (ms: number) => {
    latencyMs.push(ms);
    if (latencyMs.length === total) done.resolve();
  };
  const work = [
    ...options.receivers.map((node) => receive(node, stop.signal)),
    ...options.senders.map((node, i) =>
      send(node, options.documents[i]!, { options, settled, stop: stop.signal }),
    ),
  ];
  for (const each of work) each.catch(done.reject);
  await done.promise;
  const seconds = (now() - startedMs) / 1000;
  stop.abort();
  await Promise.allSettled(work);
  return { seconds, documents: total, latencyMs };
}

const pollFields = { epochKnown: 1, directoryKnown: 'any', itemsMax: 128, bytesMax: 4_000_000 };

/** Polls one after the other; the answer's directory stamp goes into the next, so that the hub holds it. */
async function poller(
  node: BareNode,
  stop: AbortSignal,
  taken: () => readonly number[],
  each: (answer: PollResponse) => Promise<void>,
): Promise<void> {
  let directoryKnown = pollFields.directoryKnown;
  while (!stop.aborted) {
    try {
      const answer = await node.link.poll(
        { ...pollFields, directoryKnown, holdMs: 5000, statementsTaken: taken() },
        stop,
      );
      directoryKnown = answer.directory;
      await each(answer);
    } catch (error) {
      if (stop.aborted) return;
      throw error;
    }
  }
}

/** Receipts of one answer are signed together and posted while the next poll runs. */
export async function receive(node: BareNode, stop: AbortSignal): Promise<void> {
  const posting = new Set<Promise<void>>();
  let failed: unknown;
  await poller(
    node,
    stop,
    () => [],
    async ({ items }) => {
      if (failed !== undefined) throw failed;
      const wrappers = items.flatMap(({ delivery }) => (delivery ? [delivery] : []));
      if (wrappers.length === 0) return;
      const post = postReceipts(node, wrappers)
        .catch((error: unknown) => {
          failed ??= error;
        })
        .finally(() => posting.delete(post));
      posting.add(post);
      if (posting.size >= 4) await Promise.race(posting);
    },
  );
  await Promise.all(posting);
}

export async function postReceipts(
  node: BareNode,
  deliveries: readonly { readonly deliveryIds: readonly number[]; readonly wrapper: Uint8Array }[],
): Promise<void> {
  const atMs = Date.now();
  const statements = deliveries.map(({ wrapper: bytes }) => {
    const wrapper = wrapperCodec.decode(bytes);
    const signed = wrapper.envelope!.bytes;
    const header = headerCodec.decode(signed);
    return buildStatement({
      event: 'ContentHandover',
      statementId: randomBytes(16),
      envelopeId: header.envelopeId,
      documentId: header.documentId,
      envelopeDigest: envelopeDigest(signed),
      sender: header.sender,
      issuer: node.unit,
      results: wrapper.recipients
        .filter(({ unit }) => unit === node.unit)
        .map(({ index, unit }) => ({ index, unit, outcome: outcomes.delivered, code: '' })),
      atMs,
    });
  });
  const signed = signMany(statements, node.sealKey);
  const results = await node.link.statements(
    signed.map((each, i) => ({
      statement: signedStatementCodec.encode(each),
      deliveryIds: deliveries[i]!.deliveryIds,
    })),
  );
  const refused = results.find(({ problem }) => problem !== '');
  if (refused) throw new Error(refused.problem);
}

type Sending = {
  readonly options: Pick<LoadOptions, 'submitBatch' | 'submits' | 'inFlight' | 'perSecond'>;
  readonly settled: (ms: number) => void;
  readonly stop: AbortSignal;
};

async function send(
  node: BareNode,
  documents: readonly Ready[],
  { options, settled, stop }: Sending,
): Promise<void> {
  const startMs = new Map<string, number>();
  let taken: number[] = [];
  let next = 0;
  let wake: () => void = () => {};
  const firstMs = now();
  const submitting = async (): Promise<void> => {
    while (next < documents.length && !stop.aborted) {
      const room = options.inFlight - startMs.size;
      if (room <= 0) {
        await new Promise<void>((resolve) => {
          const before = wake;
          wake = () => {
            before();
            resolve();
          };
        });
        continue;
      }
      const count = Math.min(options.submitBatch, room, documents.length - next);
      const batch = documents.slice(next, next + count);
      if (options.perSecond !== undefined) {
        const dueMs = firstMs + (next / options.perSecond) * 1000;
        next += count;
        if (dueMs > now()) await new Promise((resolve) => setTimeout(resolve, dueMs - now()));
      } else next += count;
      const atMs = now();
      for (const { id } of batch) startMs.set(id, atMs);
      const results = await node.link.submit(batch.map(({ wrapper }) => wrapper));
      const refused = results.find(({ problem }) => problem !== '');
      if (refused) throw new Error(refused.problem);
    }
  };
  const reading = poller(
    node,
    stop,
    () => {
      const now = taken;
      taken = [];
      return now;
    },
    async ({ items }) => {
      for (const { statement } of items) {
        if (!statement) continue;
        taken.push(statement.id);
        const { bytes } = signedStatementCodec.decode(statement.statement);
        const id = Buffer.from(statementCodec.decode(bytes).envelopeId).toString('latin1');
        const started = startMs.get(id);
        if (started === undefined) continue;
        startMs.delete(id);
        settled(now() - started);
      }
      wake();
      wake = () => {};
    },
  );
  await Promise.all([reading, ...Array.from({ length: options.submits }, submitting)]);
}
