// Which files below a folder hold these bytes: databases with their logs, content, temporary files, whatever lies there. For tests of what must be
// nowhere on a disk.
import fs from 'node:fs';
import { join } from 'node:path';

/** Beside programs that run: a file that goes while we look holds nothing. */
export function filesHolding(dir: string, wanted: Uint8Array): string[] {
  const bytes = Buffer.from(wanted);
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readUnlessGone(path).includes(bytes));
}

function readUnlessGone(path: string): Buffer {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
}
