// How far the large parts of a sending have come to the hub, while the uploader is at them: for people who watch. In memory alone, and only what the hub has
// acknowledged: after a restart it is asked, never guessed. Nothing decides by it.
import type { Uploaded } from '../core.ts';
import { percentOf } from '../recipients/newest.ts';

export type UploadProgress = {
  begin(seq: number, allBytes: number): void;
  /** Answers whether it is worth telling: another percent, and not told a moment ago. */
  at(seq: number, doneBytes: number): boolean;
  end(seq: number): void;
  /** By row of the envelope; undefined while nothing of it goes up. */
  of(seq: number): Uploaded | undefined;
};

/** Each telling makes every page that shows the document look again. */
const tellEveryMs = 1_000;

export function uploadProgress(clock: { monotonicMs(): number }): UploadProgress {
  const running = new Map<number, Uploaded & { readonly percent: number; readonly toldMs: number }>();
  return {
    begin(seq, allBytes) {
      running.set(seq, { doneBytes: 0, allBytes, percent: -1, toldMs: -tellEveryMs });
    },
    at(seq, doneBytes) {
      const before = running.get(seq);
      if (!before) return false;
      const now = { doneBytes, allBytes: before.allBytes };
      const percent = percentOf(now);
      const nowMs = clock.monotonicMs();
      const told = percent !== before.percent && nowMs - before.toldMs >= tellEveryMs;
      running.set(seq, told ? { ...now, percent, toldMs: nowMs } : { ...before, doneBytes });
      return told;
    },
    end: (seq) => void running.delete(seq),
    of(seq) {
      const found = running.get(seq);
      return found && { doneBytes: found.doneBytes, allBytes: found.allBytes };
    },
  };
}
