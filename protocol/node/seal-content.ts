// A hub or a node that was given encryption at rest later: its content files of before are sealed beside the work, one file a step. Must never hold up a
// document, nor let go of the old bytes before the new ones are whole (at-rest/seal-files.ts).
import fs from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { ContentStore } from './content-store.ts';
import { startWorker, type WorkLoop } from './worker.ts';

/** An upload that was begun before encryption and ended after the last look is met by the next one. */
const againMs = 86_400_000;

export function startSealing({
  clock,
  random,
  content,
  onError,
}: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly content: Pick<ContentStore, 'sealPlain'>;
  readonly onError: (error: unknown, waitMs: number) => void;
}): WorkLoop {
  let walk = content.sealPlain();
  return startWorker({
    clock,
    random,
    idleMs: againMs,
    async step() {
      // A walk that threw is at its end: the next step begins another.
      const { done } = await walk.next().catch((error: unknown) => {
        walk = content.sealPlain();
        throw error;
      });
      if (!done) return 'more';
      walk = content.sealPlain();
      return 'idle';
    },
    onError,
  });
}

/** Content files under this folder that are not sealed, for fsck. */
export function plainFilesIn(root: string): number {
  if (!fs.existsSync(root)) return 0;
  return fs
    .readdirSync(root)
    .flatMap((folder) => fs.readdirSync(join(root, folder)))
    .filter((name) => /^[0-9a-f]{64}$/.test(name)).length;
}

/** In the words of both fscks; empty when all is sealed. */
export function plainWords(texts: number, files: number): string[] {
  return [
    ...(texts > 0 ? [`${texts} texts from before encryption stand plain; the next start seals them`] : []),
    ...(files > 0
      ? [`${files} content files from before encryption stand plain; the running program seals them`]
      : []),
  ];
}
