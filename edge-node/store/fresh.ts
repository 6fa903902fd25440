// What came a moment ago, in memory until it is used for the first time, so that it is neither read nor opened again: the bytes of what was handed in, until
// its first sending, and the words of both directions, until the search has them. Bounded; empty at each start. It must never say that a document is there
// or has its bytes: that the rows say, after their commit and until an erasure, which has changed them before anybody hears of it.
import type { NewDocument, PartRow, TakenDelivery, Titles } from './types.ts';

export type FreshBytes = {
  readonly salt: Uint8Array;
  readonly metadata: Uint8Array;
  /** Of the small parts. */
  readonly parts: readonly Pick<PartRow, 'sha256' | 'content'>[];
};
export type FreshWords = Titles & { readonly metadata: Uint8Array };
/** By which a row is known: the unit and the document that it sent, or the sender and the envelope that came. */
export type FreshKey = { readonly direction: 'out' | 'in'; readonly unit: string; readonly id: Uint8Array };

/** About 400 usual documents, and the words of 1,000: a second or two of a node at its limit. */
const bytesMax = 4 * 1024 * 1024;
const wordsBytesMax = 1024 * 1024;
/** What is kept beside content and metadata. */
const besideBytes = 512;
/** Bytes that wait for longer wait for the line or for a person, and make room; words, for which the search looks each second, were not asked for. */
const agedMs = { bytes: 60_000, words: 3_000 } as const;

type Kept<T> = { readonly value: T; readonly length: number; readonly atMs: number };

function keeping<T>({ lengthMax, agedMs }: { readonly lengthMax: number; readonly agedMs: number }) {
  const kept = new Map<string, Kept<T>>();
  let held = 0;
  function drop(key: string): T | undefined {
    const found = kept.get(key);
    if (!found) return undefined;
    kept.delete(key);
    held -= found.length;
    return found.value;
  }
  return {
    /** What came first is used first: of more than there is room for the first stay. Nothing is made for what is not kept. */
    keep(key: string, make: () => T, { length, nowMs }: { readonly length: number; readonly nowMs: number }) {
      for (const [oldest, { atMs }] of kept) {
        if (held + length <= lengthMax || nowMs - atMs < agedMs) break;
        drop(oldest);
      }
      if (held + length > lengthMax) return;
      drop(key);
      kept.set(key, { value: make(), length, atMs: nowMs });
      held += length;
    },
    take: drop,
    clear() {
      kept.clear();
      held = 0;
    },
  };
}

export type Fresh = {
  /** Before its commit, so that it is here when the sender sees the row; its id is of this document alone. */
  keepSent(document: NewDocument): void;
  /** It was not committed. */
  forgetSent(document: Pick<NewDocument, 'documentId' | 'unit'>): void;
  /** Only after its commit: other bytes may bear the same ids, and they are refused there. */
  keepArrived(delivery: TakenDelivery, nowMs: number): void;
  /** Once: whoever takes it owns the bytes of the parts and may give them back (protocol/node/release.ts). */
  takeBytes(documentId: Uint8Array): FreshBytes | undefined;
  takeWords(key: FreshKey): FreshWords | undefined;
  /** When anything is erased or hidden. */
  clear(): void;
};

const textOf = (id: Uint8Array): string => Buffer.from(id).toString('latin1');
const wordsKey = ({ direction, unit, id }: FreshKey): string => `${direction} ${unit} ${textOf(id)}`;

export function createFresh(): Fresh {
  const bytes = keeping<FreshBytes>({ lengthMax: bytesMax, agedMs: agedMs.bytes });
  const words = keeping<FreshWords>({ lengthMax: wordsBytesMax, agedMs: agedMs.words });
  return {
    keepSent({ documentId, unit, salt, metadata, parts, subject, notation, number, nowMs }) {
      const inline = parts.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
      const length = metadata.length + besideBytes;
      bytes.keep(
        textOf(documentId),
        () => ({
          salt,
          metadata,
          // Copies: whoever handed it in gives its own back.
          parts: parts.map(({ sha256, content }) => ({ sha256, content: content && Buffer.from(content) })),
        }),
        { length: length + inline, nowMs },
      );
      const key = wordsKey({ direction: 'out', unit, id: documentId });
      words.keep(key, () => ({ metadata, subject, notation, number }), { length, nowMs });
    },
    forgetSent({ documentId, unit }) {
      bytes.take(textOf(documentId));
      words.take(wordsKey({ direction: 'out', unit, id: documentId }));
    },
    keepArrived({ sender, envelopeId, metadata, subject, notation, number }, nowMs) {
      if (!metadata) return;
      words.keep(
        wordsKey({ direction: 'in', unit: sender, id: envelopeId }),
        // A copy: what came is a view of a whole answer.
        () => ({ metadata: Buffer.from(metadata), subject, notation, number }),
        { length: metadata.length + besideBytes, nowMs },
      );
    },
    takeBytes: (documentId) => bytes.take(textOf(documentId)),
    takeWords: (key) => words.take(wordsKey(key)),
    clear() {
      bytes.clear();
      words.clear();
    },
  };
}
