// Looks through a tar: names that lead out, links, programs. Nothing is unpacked; sizes are positions only. Runs in the inspection process.
import type { ArchiveBounds, ArchiveFinding, ByteReader } from './archive.ts';
import { sniffType } from './types.ts';

const block = 512;
const text = (bytes: Buffer): string =>
  bytes.subarray(0, (bytes.indexOf(0) + bytes.length + 1) % (bytes.length + 1)).toString('utf8');

/** Never throws for what is in the file. */
export function inspectTar(reader: ByteReader, bounds: ArchiveBounds): readonly ArchiveFinding[] {
  const unsafe = (said: string): readonly ArchiveFinding[] => [{ code: 'archive-unsafe', said }];
  const found: ArchiveFinding[] = [];
  for (let at = 0, member = 1; at + block <= reader.sizeBytes; member += 1) {
    const head = reader.read(at, block);
    if (head.every((byte) => byte === 0)) break;
    if (member > bounds.membersMax) return unsafe(`more than ${bounds.membersMax} members`);
    const size = Number.parseInt(text(head.subarray(124, 136)).trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0 || at + block + size > reader.sizeBytes)
      return [...found, { code: 'archive-unread', said: `#${member}: a size that does not fit` }];
    const path = `${text(head.subarray(345, 500))}/${text(head.subarray(0, 100))}`.replaceAll('\\', '/');
    const kind = String.fromCharCode(head[156] ?? 0);
    if (path.slice(1).startsWith('/') || path.split('/').includes('..') || /^\/[A-Za-z]:/.test(path))
      return unsafe(`#${member}: a path that leads out of the folder`);
    if (kind === '1' || kind === '2') return unsafe(`#${member}: a link`);
    if (kind === '0' || kind === '\0') {
      const { dangerous, mediaType } = sniffType(Buffer.from(reader.read(at + block, Math.min(size, 8192))));
      if (dangerous && mediaType !== 'text/html')
        found.push({ code: 'executable', said: `#${member} ${mediaType}` });
    }
    at += block + Math.ceil(size / block) * block;
  }
  return found.slice(0, 40);
}
