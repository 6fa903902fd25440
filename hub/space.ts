// Free space of the data folder's disk: measured every few seconds, asked on every acceptance. A nearly full disk refuses new work early and
// temporarily; what was accepted keeps its reserve.
import { statfs } from 'node:fs/promises';
import { ExchangeError } from '../protocol/errors.ts';

export type Space = {
  measure(): Promise<{ readonly freeBytes: number }>;
  /** Throws `disk-nearly-full` when `lengthBytes` more would touch the reserve. */
  assert(lengthBytes: number): void;
  freeBytes(): number;
  readonly reserveBytes: number;
};

const retryAfterMs = 60_000;

export function createSpace(dir: string, reserveBytes: number): Space {
  let freeBytes = Number.MAX_SAFE_INTEGER;
  return {
    async measure() {
      const { bavail, bsize } = await statfs(dir);
      freeBytes = bavail * bsize;
      return { freeBytes };
    },
    assert(lengthBytes) {
      if (freeBytes - lengthBytes < reserveBytes)
        throw new ExchangeError('disk-nearly-full', '', { retryAfterMs });
    },
    freeBytes: () => freeBytes,
    reserveBytes,
  };
}
