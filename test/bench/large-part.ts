// One large part through a hub: made once in a file, uploaded by a bare sender, named in a sealed envelope, fetched by a bare receiver.
import { randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createChunkHasher, type PartDigest } from '../../protocol/chunks.ts';
import { wrapperCodec } from '../../protocol/codec.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { type TransferOptions, uploadPart } from '../../protocol/node/transfer.ts';
import { type BareNode, prepare } from '../support/hub.ts';

/** A file of pseudo-random bytes that no disk compresses, with its digests. */
export async function makePart(path: string, bytes: number): Promise<PartDigest> {
  const file = await open(path, 'w');
  const block = Buffer.allocUnsafe(1024 * 1024);
  const hasher = createChunkHasher();
  for (let at = 0; at < bytes; at += block.length) {
    randomFillSync(block);
    const piece = block.subarray(0, Math.min(block.length, bytes - at));
    await file.write(piece, 0, piece.length, at);
    hasher.update(piece);
  }
  await file.datasync();
  await file.close();
  return hasher.finish();
}

export function upload(
  sender: BareNode,
  path: string,
  part: PartDigest,
  options: Partial<TransferOptions> = {},
) {
  return uploadPart(
    sender.link.uploads,
    {
      unit: sender.unit,
      lengthBytes: part.lengthBytes,
      sha256: part.sha256,
      treeRoot: part.treeRoot,
      leaves: async () => part.leaves,
      read: async ({ from, to }) =>
        createReadStream(path, { start: from, end: to - 1, highWaterMark: 1024 * 1024 }),
    },
    { clock: systemClock, ...options },
  );
}

/** Submits an envelope that names an uploaded part. */
export async function submitLarge(
  sender: BareNode,
  to: readonly string[],
  { lengthBytes: length, sha256, treeRoot }: PartDigest,
): Promise<void> {
  const [made] = prepare(sender, [{ to, header: { parts: [{ length, sha256, treeRoot, encryption: 0 }] } }]);
  const { sealed, metadata } = made!;
  const wrapper = wrapperCodec.encode({
    envelope: sealed.signed,
    recipients: to.map((unit, index) => ({ index, unit })),
    metadata,
  });
  const [result] = await sender.link.submit([wrapper]);
  if (result!.problem !== '') throw new Error(result!.problem);
}
