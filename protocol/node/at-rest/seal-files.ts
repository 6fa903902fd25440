// A content file of before encryption, written once more under a key of its own. Under content-files.ts, which puts it into place. Must never let go of
// the plain bytes before the sealed ones are whole, compared with their digest and synced.
import { createHash } from 'node:crypto';
import fsp from 'node:fs/promises';
import { syncBytes, writeAll } from '../chunk-writer.ts';
import type { KeyStore } from './key-store.ts';
import { createSealed, pieceBytes, readFully } from './sealed-file.ts';

/** Pieces in one read(2). */
const atOnce = 4;

/**
 * Seals the file `plain` into the new file `made`, with the time of the old one, so that the sweep of orphans counts on; synced on return. False,
 * and nothing made: it is not what `sha256` says.
 */
export async function sealFile(
  plain: string,
  made: string,
  { sha256, keys }: { readonly sha256: Uint8Array; readonly keys: KeyStore },
): Promise<boolean> {
  const from = await fsp.open(plain, 'r');
  // Left by a run that was killed.
  await fsp.rm(made, { force: true });
  try {
    const { size, mtime } = await from.stat();
    const whole = createHash('sha256');
    const to = await createSealed(made, keys, size);
    try {
      for (let at = 0; at < size; at += atOnce * pieceBytes) {
        const bytes = await readFully(from, Math.min(atOnce * pieceBytes, size - at), at);
        whole.update(bytes);
        await writeAll(to, bytes, at);
      }
      // An empty part has one piece all the same: the last.
      if (size === 0) await to.finish(0);
      await syncBytes(to, made);
    } finally {
      await to.close();
    }
    const same = whole.digest().equals(sha256);
    if (same) await fsp.utimes(made, mtime, mtime);
    else await fsp.rm(made);
    return same;
  } catch (error) {
    // Of a full disk the first half would fill it for as long as it is full.
    await fsp.rm(made, { force: true });
    throw error;
  } finally {
    await from.close();
  }
}
