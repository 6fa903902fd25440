// fsck: parts in the database and content files against the sealed digests, and files that nothing names. Part of fsck.ts.
// Streams: memory does not grow with the size of a file.
import fs from 'node:fs';
import { join } from 'node:path';
import { createChunkHasher } from '../protocol/chunks.ts';
import { headerCodec, signedCodec } from '../protocol/codec.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import type { ContentFiles } from '../protocol/node/content-files.ts';
import { assertPartBytes } from '../protocol/open.ts';
import type { Fsck } from './fsck.ts';
import { wordsOf } from './fsck-records.ts';

type PartRow = {
  idx: number;
  length: number;
  sha256: Uint8Array;
  tree_root: Uint8Array;
  content: Uint8Array | null;
  signed: Uint8Array;
  sender: string;
  envelope_id: Uint8Array;
};

export async function checkContent(
  fsck: Fsck,
  { root, files, fast }: { readonly root: string; readonly files: ContentFiles; readonly fast: boolean },
): Promise<void> {
  const { db, fault, count } = fsck;
  const named = new Set<string>();
  for (const row of db.each<PartRow>(
    `SELECT p.idx, p.length, p.sha256, p.tree_root, p.content, e.signed, e.sender, e.envelope_id
     FROM parts p JOIN envelopes e ON e.seq = p.envelope_seq ORDER BY p.envelope_seq, p.idx`,
  )) {
    count('parts');
    const about = `${row.sender} ${uuidFromBytes(row.envelope_id)} part ${row.idx}`;
    const sealed = headerCodec.decode(signedCodec.decode(row.signed).bytes).parts[row.idx];
    if (!sealed || sealed.length !== row.length || Buffer.compare(sealed.sha256, row.sha256) !== 0) {
      fault('part', about, 'the row differs from the sealed header');
      continue;
    }
    if (row.content !== null) {
      try {
        assertPartBytes(row.content, sealed);
      } catch (error) {
        fault('part', about, wordsOf(error));
      }
      continue;
    }
    const hex = Buffer.from(row.sha256).toString('hex');
    if (named.has(hex)) continue;
    named.add(hex);
    const wrong = await fileFault(files, row, fast);
    if (wrong) fault('content', `${hex} (${about})`, wrong);
  }
  for (const row of db.each<{ sha256: Uint8Array; length: number }>(
    'SELECT DISTINCT message_sha256 AS sha256, message_bytes AS length FROM border_in WHERE erased_ms IS NULL',
  ))
    await checkMessage(row);
  findOrphans(fsck, root, named);

  /** A message of another system, as it was received: its name is its digest. */
  async function checkMessage(row: { sha256: Uint8Array; length: number }): Promise<void> {
    const hex = Buffer.from(row.sha256).toString('hex');
    count('border messages');
    named.add(hex);
    const wrong = await fileFault(files, row, fast);
    if (wrong) fault('border', hex, `the message as received: ${wrong}`);
  }
}

async function fileFault(
  files: ContentFiles,
  part: Pick<PartRow, 'length' | 'sha256'> & Partial<Pick<PartRow, 'tree_root'>>,
  fast: boolean,
): Promise<string | undefined> {
  const stat = await files.stat(part.sha256);
  if (!stat) return 'the file is missing';
  if (stat.lengthBytes !== part.length)
    return `the file has ${stat.lengthBytes} bytes, sealed were ${part.length}`;
  if (fast) return undefined;
  const hasher = createChunkHasher();
  try {
    for await (const piece of await files.read(part.sha256)) hasher.update(piece as Buffer);
  } catch (error) {
    return wordsOf(error);
  }
  const { sha256, treeRoot } = hasher.finish();
  if (Buffer.compare(sha256, part.sha256) !== 0) return 'the bytes have another SHA-256';
  return part.tree_root === undefined || Buffer.compare(treeRoot, part.tree_root) === 0
    ? undefined
    : 'the bytes have another chunk tree';
}

/** Not a fault: an upload that is finished and not yet submitted is such a file, and the sweep takes it in time. */
function findOrphans({ note, count }: Fsck, root: string, named: ReadonlySet<string>): void {
  if (!fs.existsSync(root)) return;
  for (const folder of fs.readdirSync(root, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const name of fs.readdirSync(join(root, folder.name))) {
      if (name.endsWith('.leaves')) continue;
      count('content files');
      if (!named.has(name.replace(/\.e1$/, ''))) note('orphan', name, 'no accepted envelope names this file');
    }
  }
}
