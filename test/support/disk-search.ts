// Which files below a folder hold these bytes: databases with their logs, content, temporary files, whatever lies there. For tests of what must be
// nowhere on a disk.
import fs from 'node:fs';
import { join } from 'node:path';

export function filesHolding(dir: string, wanted: Uint8Array): string[] {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => fs.readFileSync(path).includes(Buffer.from(wanted)));
}
