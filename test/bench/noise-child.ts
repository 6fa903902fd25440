// What one unit can do to a hub, all at once, until stopped: four connections that submit, fifty that poll, one large upload. In a process of
// its own; driven by fair.ts over the IPC channel. Refusals (rate, turn, replaced polls) are what the hub is there for.
import process from 'node:process';
import { type BareNode, enrolBare, pollOnce } from '../support/hub.ts';
import { postReceipts, type Ready, sealDocuments } from './exchange-load.ts';
import { makePart, upload } from './large-part.ts';

/** First the invitations of the noisy unit and of the one that it writes to; then, in each round, prepare, begin, stop. */
export type NoiseOrder =
  | {
      readonly invitations: readonly [string, string];
      readonly rootDer: Uint8Array;
      readonly path: string;
      readonly bytes: number;
    }
  | 'prepare'
  | 'begin'
  | 'stop';
export type NoiseDone = {
  readonly documents: number;
  readonly polls: number;
  readonly uploadedBytes: number;
};

type Part = Awaited<ReturnType<typeof makePart>>;
let noisy: BareNode;
let receiver: BareNode;
let part: Part;
let path = '';
let waiting: readonly Ready[] = [];
let stop = new AbortController();
let making: Promise<NoiseDone> = Promise.resolve({ documents: 0, polls: 0, uploadedBytes: 0 });

async function obey(order: NoiseOrder): Promise<NoiseDone> {
  if (typeof order === 'object') {
    path = order.path;
    part = await makePart(path, order.bytes);
    noisy = await enrolBare(order.invitations[0], 'noisy', order.rootDer);
    receiver = await enrolBare(order.invitations[1], 'receiver', order.rootDer);
    await noisy.session();
    await receiver.session();
  } else if (order === 'prepare')
    waiting = sealDocuments(noisy, [receiver], { documents: 10_000, bytes: 10_000, sealBatch: 16 });
  else if (order === 'begin') {
    stop = new AbortController();
    making = makeNoise(stop.signal);
  } else {
    stop.abort();
    return making;
  }
  return { documents: 0, polls: 0, uploadedBytes: 0 };
}

async function makeNoise(stopped: AbortSignal): Promise<NoiseDone> {
  let documents = 0;
  let polls = 0;
  let uploadedBytes = 0;
  let next = 0;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (work: () => Promise<unknown>): Promise<void> => {
    while (!stopped.aborted) await work().catch(() => pause(20));
  };
  const submitting = () =>
    until(async () => {
      const batch = waiting.slice(next, next + 128);
      if (batch.length === 0) {
        await pause(50);
        return;
      }
      next += batch.length;
      await noisy.link.submit(batch.map(({ wrapper }) => wrapper));
      documents += batch.length;
    });
  const polling = () =>
    until(async () => {
      await pollOnce(noisy, { holdMs: 2000 });
      polls += 1;
    });
  const receiving = () =>
    until(async () => {
      const { items } = await pollOnce(receiver, { holdMs: 2000 });
      await postReceipts(
        receiver,
        items.flatMap(({ delivery }) => (delivery ? [delivery] : [])),
      );
    });
  const onProgress = (bytes: number) => {
    uploadedBytes = bytes;
  };
  await Promise.all([
    ...Array.from({ length: 4 }, submitting),
    ...Array.from({ length: 50 }, polling),
    receiving(),
    upload(noisy, path, part, { signal: stopped, onProgress }).catch(() => {}),
  ]);
  return { documents, polls, uploadedBytes };
}

process.on('message', async (order: NoiseOrder) => process.send!(await obey(order)));
process.on('disconnect', () => process.exit(0));
