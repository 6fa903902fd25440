// Files that were unzipped out of messages of another system and that no row counts on: small ones travel inside their envelope, those of refused
// messages nowhere. Without this they would stay when the message itself is erased. It must never remove what a row names.
import type { BorderContext } from './context.ts';

export type Leftovers = {
  add(digests: readonly { readonly sha256: Uint8Array }[]): void;
  /** Only while no message is being read: between unzipping a file and sealing it no row names it. */
  remove(): Promise<void>;
  /** These at once, overwritten, unless something else counts on them. */
  destroy(digests: readonly Uint8Array[]): Promise<void>;
};

export function createLeftovers({
  content,
  store,
  turns,
}: Pick<BorderContext, 'content' | 'store' | 'turns'>): Leftovers {
  const seen = new Map<string, Uint8Array>();
  const unlessNamed = (sha256: Uint8Array, work: () => Promise<unknown>) =>
    turns.run(Buffer.from(sha256).toString('hex'), async () => {
      if (!store.contentReferenced(sha256)) await work();
    });
  return {
    add(digests) {
      for (const { sha256 } of digests) seen.set(Buffer.from(sha256).toString('hex'), sha256);
    },
    async remove() {
      for (const [hex, sha256] of [...seen]) {
        await unlessNamed(sha256, () => content.remove(sha256));
        seen.delete(hex);
      }
    },
    async destroy(digests) {
      for (const sha256 of digests) await unlessNamed(sha256, () => content.destroy(sha256));
    },
  };
}
