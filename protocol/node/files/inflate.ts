// Raw deflate in slices, for what counts bytes as they come out. Must never be handed a slice so large that what it inflates to would not
// fit into memory: deflate grows at most 1,032 times. Used by the ZIP readers on the way of attachments and parts.
import { createInflateRaw, type InflateRaw } from 'node:zlib';

export type Inflating = {
  push(slice: Buffer): Promise<{ readonly used: number; readonly ended: boolean; readonly out: Buffer[] }>;
  close(): void;
};

/**
 * zlib as a step: bytes in, bytes out, and how many were used. What is still under way when the member ends is waited for.
 * `damaged` makes the error for data that is not deflate.
 */
export function createInflating(damaged: (why: string) => Error): Inflating {
  const stream: InflateRaw = createInflateRaw();
  let out: Buffer[] = [];
  let fed = 0;
  let failure: Error | undefined;
  let wake = (): void => {};
  stream.on('data', (piece: Buffer) => out.push(piece));
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  const wait = async (begin: (resolve: () => void) => void): Promise<void> => {
    await new Promise<void>((resolve) => {
      wake = resolve;
      begin(resolve);
    });
    if (failure) throw damaged(`the compressed data is wrong (${failure.message})`);
  };
  return {
    async push(slice) {
      const before = stream.bytesWritten;
      await wait((resolve) => stream.write(slice, () => resolve()));
      fed += slice.length;
      const ended = stream.bytesWritten < fed;
      if (ended && !stream.readableEnded) await wait((resolve) => stream.once('end', resolve));
      const taken = out;
      out = [];
      return { used: stream.bytesWritten - before, ended, out: taken };
    },
    close: () => void stream.destroy(),
  };
}
