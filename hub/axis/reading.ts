// A message of the other system, from its bytes to its meaning and its files: first the bytes as they came, durably, then the reading, whose
// files go into the content folder as they are unzipped. Constant memory. It decides nothing: what is refused here stays as evidence.

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { PartDigest } from '../../protocol/chunks.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import { type EdxmlRead, type FileSink, readEdxml } from '../edxml/read.ts';

export type Raw = { readonly sha256: Uint8Array; readonly lengthBytes: number };
export type ReadMessage = EdxmlRead & {
  /** Per attachment of the message, same order: where its bytes lie in the content folder. */
  readonly digests: readonly PartDigest[];
};

/** The largest message: 4 GiB of files in base64 with their ZIPs. */
const MESSAGE_BYTES_MAX = 6 * 1024 ** 3;

/** Keeps the bytes exactly as they come; durable on return. Throws what the source throws, `part-too-large`, `disk-nearly-full`. */
export async function keepRaw(
  source: AsyncIterable<Uint8Array>,
  content: ContentStore,
  signal: AbortSignal,
): Promise<Raw> {
  return await content.addStream(source, { lengthBytesMax: MESSAGE_BYTES_MAX, signal });
}

/** Codes: edxml-*, content-gone. Files of a refused message are not kept. */
export async function readMessage(raw: Raw, content: ContentStore): Promise<ReadMessage> {
  const files: { readonly sink: FileSink; readonly digest: Promise<PartDigest> }[] = [];
  const read = await readEdxml(await content.read(raw.sha256), {
    sink(index) {
      files[index] = contentFile(content);
      return files[index].sink;
    },
  });
  return { ...read, digests: await Promise.all(read.files.map(({ index }) => files[index]!.digest)) };
}

/** A sink that waits for the disk, so that memory holds one piece. */
function contentFile(content: ContentStore): { sink: FileSink; digest: Promise<PartDigest> } {
  const pipe = new PassThrough();
  // What ends it early is known to whoever ended it.
  pipe.on('error', () => {});
  const digest = content.addStream(pipe);
  let failed: unknown;
  digest.catch((error: unknown) => {
    failed = error;
    pipe.destroy();
  });
  return {
    digest,
    sink: {
      async write(bytes) {
        if (failed) throw failed;
        // The reader uses its buffer again.
        if (!pipe.write(Buffer.from(bytes))) await Promise.race([once(pipe, 'drain'), digest]);
      },
      async end() {
        pipe.end();
        await digest;
      },
      abort: () => void pipe.destroy(new Error('the message was refused')),
    },
  };
}
