// Bytes of the newest accepted envelopes, so that handing one out moments later reads no disk: nearly every delivery of a hub whose
// nodes are there. Only ever filled after the commit, with the bytes that were committed; bounded; forgotten whole when anything is
// erased. What is not here is read from the store.
import type { AcceptArgs, AcceptResult, ClaimedDelivery } from './types.ts';

export type EnvelopeBytes = Pick<
  ClaimedDelivery,
  'signed' | 'hops' | 'salt' | 'metadata' | 'receipt' | 'inlineParts'
>;

/** About 700 envelopes with a usual document, a second or two of a hub at its limit. More only costs memory. */
const bytesMax = 8 * 1024 * 1024;

export type Recent = {
  add(args: AcceptArgs, kept: NonNullable<AcceptResult['kept']>, receipt: Uint8Array): void;
  get(seq: number): EnvelopeBytes | undefined;
  clear(): void;
};

export function createRecent(): Recent {
  const bySeq = new Map<number, { readonly bytes: EnvelopeBytes; readonly length: number }>();
  let held = 0;
  return {
    add(args, { seq, hops }, receipt) {
      // A copy, in one piece: the arguments are views into a request's whole body, which would stay in memory with them.
      const inline = args.parts.flatMap(({ index, content }) => (content ? [{ index, content }] : []));
      const copy = copier([
        args.signed,
        hops,
        args.salt,
        args.metadata,
        receipt,
        ...inline.map(({ content }) => content),
      ]);
      const bytes: EnvelopeBytes = {
        signed: copy(args.signed),
        hops: copy(hops),
        salt: args.salt && copy(args.salt),
        metadata: args.metadata && copy(args.metadata),
        receipt: copy(receipt),
        inlineParts: inline.map(({ index, content }) => ({ index, content: copy(content) })),
      };
      // What is held beside the content is bounded by the header's and the metadata's limits; 4 KiB is usual.
      const length = bytes.inlineParts.reduce(
        (sum, { content }) => sum + content.length,
        args.signed.length + (args.metadata?.length ?? 0) + 4096,
      );
      bySeq.set(seq, { bytes, length });
      held += length;
      for (const [oldest, { length: freed }] of bySeq) {
        if (held <= bytesMax) return;
        bySeq.delete(oldest);
        held -= freed;
      }
    },
    get: (seq) => bySeq.get(seq)?.bytes,
    clear() {
      bySeq.clear();
      held = 0;
    },
  };
}

/** Copies each of these into one buffer that has room for all of them. */
function copier(pieces: readonly (Uint8Array | null)[]): (piece: Uint8Array) => Buffer {
  const room = Buffer.allocUnsafeSlow(pieces.reduce((sum, piece) => sum + (piece?.length ?? 0), 0));
  let at = 0;
  return (piece) => {
    room.set(piece, at);
    at += piece.length;
    return room.subarray(at - piece.length, at);
  };
}
