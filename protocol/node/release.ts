// Memory of buffers, given back as soon as their owner has done with them. Buffers lie outside the JavaScript heap, and V8 looks for dead ones only when 64 MiB
// have come together: a part of 1 GB left heaps of them, twice our memory and a third of the processor time. Under everything that carries bytes.
// Must never be given what anybody else may still read, or what a write to disk or socket that has not ended still needs: whoever calls owns the buffer.

/**
 * Node cuts buffers below half of this out of one slab. With its 64 KiB a slice that is kept (a digest, a receipt) keeps 64 KiB with it, and nothing of usual
 * documents can be given back. For each thread that loads this file, as whoever gives back must have had buffers of its own.
 */
Buffer.poolSize = 8 * 1024;

/**
 * Frees the bytes now; the view has none afterwards. Only what lies in a buffer of its own is freed: a slice of a larger one (a pool, a body that was cut) is left
 * to V8. Idempotent. A reader that kept the view finds it empty, never other bytes.
 */
export function releaseBytes(view: Uint8Array): void {
  const { buffer } = view;
  if (buffer instanceof ArrayBuffer && view.byteLength > 0 && view.byteLength === buffer.byteLength)
    buffer.transfer(0);
}

/** Pieces that only their taker reads, and copies before it asks for the next: each is freed then. */
export async function* lent(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    releaseBytes(piece);
  }
}
