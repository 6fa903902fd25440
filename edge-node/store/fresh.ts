// What was handed in a moment ago, kept in memory until its first sending, so that it is neither read nor opened again: nearly every document of a node
// whose line is up. Only ever filled after the commit, with the bytes that were committed; bounded; empty at each start. It must never say that a
// document has its bytes: that the row says (outbox-reads.ts), which an erasure has changed before anybody hears of it. Between submit and sender.
import type { PartRow } from './types.ts';

export type FreshBytes = {
  readonly salt: Uint8Array;
  readonly metadata: Uint8Array;
  /** Of the small parts. */
  readonly parts: readonly Pick<PartRow, 'sha256' | 'content'>[];
};

/** About 400 usual documents, a second of a node at its limit. */
const bytesMax = 4 * 1024 * 1024;
/** What is kept beside the content; the metadata have a limit of their own. */
const besideBytes = 1024;
/** Who waits for longer waits for the line or for a person, and makes room. */
const agedMs = 60_000;

export type Fresh = {
  keep(documentId: Uint8Array, bytes: FreshBytes, nowMs: number): void;
  /** Once: whoever takes it owns the bytes and may give them back (protocol/node/release.ts). */
  take(documentId: Uint8Array): FreshBytes | undefined;
  /** When anything is erased or hidden. */
  clear(): void;
};

const keyOf = (documentId: Uint8Array): string => Buffer.from(documentId).toString('latin1');

export function createFresh(): Fresh {
  const byId = new Map<
    string,
    { readonly bytes: FreshBytes; readonly length: number; readonly atMs: number }
  >();
  let held = 0;

  function drop(key: string, length: number): void {
    byId.delete(key);
    held -= length;
  }

  return {
    keep(documentId, { salt, metadata, parts }, nowMs) {
      const length = parts.reduce(
        (sum, { content }) => sum + (content?.length ?? 0),
        metadata.length + besideBytes,
      );
      // What came first is sent first: of many that wait the first ones stay.
      for (const [key, oldest] of byId) {
        if (held + length <= bytesMax || nowMs - oldest.atMs < agedMs) break;
        drop(key, oldest.length);
      }
      if (held + length > bytesMax) return;
      // A copy of the content: whoever handed it in gives its own back.
      const own = parts.map(({ sha256, content }) => ({ sha256, content: content && Buffer.from(content) }));
      byId.set(keyOf(documentId), { bytes: { salt, metadata, parts: own }, length, atMs: nowMs });
      held += length;
    },
    take(documentId) {
      const key = keyOf(documentId);
      const found = byId.get(key);
      if (found) drop(key, found.length);
      return found?.bytes;
    },
    clear() {
      byId.clear();
      held = 0;
    },
  };
}
