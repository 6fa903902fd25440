// Content between this hub and the next one: large parts up, once for all recipients, and down before acceptance. Whatever takes long runs
// beside the loops of link.ts, a few at a time: a dossier of gigabytes on a thin line must never delay the documents behind it.
import { headerCodec, signedCodec, wrapperCodec } from '../../protocol/codec.ts';
import { type ErrorCode, ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { HubLink } from '../../protocol/node/hub-link.ts';
import { downloadPart, uploadPart } from '../../protocol/node/transfer.ts';
import type { DeliveryItem, Header } from '../../protocol/wire.ts';
import { contentTurns } from '../content-turns.ts';
import type { HubStore } from '../store/store.ts';
import type { ClaimedDelivery } from '../store/types.ts';

export type ContentDeps = {
  readonly link: HubLink;
  readonly content: ContentStore;
  readonly store: HubStore;
  readonly clock: Clock;
};

/** Refusals and losses that concern one document's content only; everything else concerns the link. */
export const contentCodes: readonly ErrorCode[] = [
  'part-too-large',
  'quota-exceeded',
  'uploads-too-many',
  'upload-digest-mismatch',
  'upload-tree-malformed',
  'upload-chunk-mismatch',
  'peer-not-sender',
  'content-gone',
  'content-damaged',
];
/** What does not move for so long gives its place to another document. */
const uploadPatienceMs = 60_000;

type Missing = {
  readonly sender: string;
  readonly parts: readonly (readonly [number, Header['parts'][number]])[];
};

function missing(header: Header, inlineParts: readonly { readonly index: number }[]): Missing {
  const inline = new Set(inlineParts.map(({ index }) => index));
  return {
    sender: header.sender,
    parts: [...header.parts.entries()].filter(([index]) => !inline.has(index)),
  };
}

/** Parts that do not ride along with what is to go up. */
export const missingAbove = ({ signed, inlineParts }: ClaimedDelivery): Missing =>
  missing(headerCodec.decode(signedCodec.decode(signed).bytes), inlineParts);

/** Parts that did not ride along with what came down. Codes: envelope-*, header-*. */
export function missingBelow(item: DeliveryItem): Missing {
  const { envelope, inlineParts } = wrapperCodec.decode(item.wrapper);
  if (!envelope) throw new ExchangeError('envelope-malformed', 'no sealed header');
  return missing(headerCodec.decode(envelope.bytes), inlineParts);
}

/** Returns when the next hub has all parts; what it has from this sender already is skipped there. */
export async function uploadParts(
  { sender, parts }: Missing,
  { link, content, clock }: ContentDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const [, part] of parts)
    await uploadPart(
      link.uploads,
      {
        unit: sender,
        lengthBytes: part.length,
        sha256: part.sha256,
        treeRoot: part.treeRoot,
        leaves: () => content.leaves(part.sha256),
        read: async (range) => content.read(part.sha256, range),
      },
      { clock, signal, patienceMs: uploadPatienceMs },
    );
}

/** Returns when all parts are here, verified and durable. */
export async function downloadParts(
  item: DeliveryItem,
  { sender, parts }: Missing,
  deps: ContentDeps & { readonly signal: AbortSignal },
): Promise<void> {
  const { link, content, store, clock, signal } = deps;
  for (const [index, { length, sha256, treeRoot }] of parts) {
    const deliveryId = String(item.deliveryIds[0]);
    const wanted = { deliveryId, part: index, lengthBytes: length, sha256, treeRoot };
    await downloadPart(link.downloads, content, wanted, { clock, signal });
    await store.rememberContent({ unit: sender, sha256, length, nowMs: clock.nowMs() });
  }
}

export type SlowLane = {
  /**
   * Runs `work` beside the caller: 'begun', or 'running' when the same key runs already. 'full' when as many run as may. The same content
   * moves once: whoever comes second waits for the first and finds it there. `failed` hears of what `work` throws.
   */
  begin(key: string, content: Missing, work: () => Promise<void>): 'begun' | 'running' | 'full';
  /** Resolves when nothing runs any more; the caller aborts what runs. */
  ended(): Promise<void>;
};

export function createSlowLane(atOnce: number, failed: (error: unknown) => void): SlowLane {
  const running = new Map<string, Promise<void>>();
  const turns = contentTurns();
  return {
    begin(key, { parts: [first] }, work) {
      if (running.has(key)) return 'running';
      if (running.size >= atOnce) return 'full';
      const content = Buffer.from(first?.[1].sha256 ?? '').toString('hex');
      const run = turns
        .run(content, work)
        .catch(failed)
        .finally(() => running.delete(key));
      running.set(key, run);
      return 'begun';
    },
    async ended() {
      await Promise.all(running.values());
    },
  };
}
