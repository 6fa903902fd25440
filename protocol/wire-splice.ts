// Wrappers are unsigned and rewritten at every leg, but what is inside must travel byte for byte. These two functions cut encoded
// submessages out of a message and put them into another without decoding and re-encoding them, so unknown fields survive.
// PROTOCOL.md 6.1.

/** A varint, appended. */
function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

/** One length-delimited field in pieces: tag and length, then the bytes as they are. */
function field(number: number, ...pieces: readonly Uint8Array[]): Uint8Array[] {
  const head: number[] = [];
  pushVarint(head, number * 8 + 2);
  pushVarint(
    head,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  return [Buffer.from(head), ...pieces];
}

function varintField(number: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  const out: number[] = [];
  pushVarint(out, number * 8);
  pushVarint(out, value);
  return Buffer.from(out);
}

export type WrapperPieces = {
  /** Encoded Signed of the header, as received. */
  readonly signed: Uint8Array;
  readonly recipients: readonly { readonly index: number; readonly unit: string }[];
  /** Encoded Wrapper that holds only the hop trace (see `hopsWrapper`), or empty. */
  readonly hops: Uint8Array;
  readonly metadata: { readonly salt: Uint8Array; readonly block: Uint8Array } | undefined;
  readonly inlineParts: readonly { readonly index: number; readonly content: Uint8Array }[];
};

/** Encoded Wrapper from encoded pieces. Field numbers as in wire.proto; concatenated messages merge, which carries the hops. */
export function spliceWrapper({ signed, recipients, hops, metadata, inlineParts }: WrapperPieces): Buffer {
  // Put together once, at the end: content is copied once.
  return Buffer.concat([
    ...field(1, signed),
    ...recipients.flatMap(({ index, unit }) =>
      field(2, varintField(1, index), ...field(2, Buffer.from(unit))),
    ),
    hops,
    ...(metadata ? field(4, ...field(1, metadata.salt), ...field(2, metadata.block)) : []),
    ...inlineParts.flatMap(({ index, content }) => field(5, varintField(1, index), ...field(2, content))),
  ]);
}

/** Encoded Wrapper with only these hops (each an encoded Signed): what a store keeps of the trace. */
export function hopsWrapper(hops: readonly Uint8Array[]): Buffer {
  return Buffer.concat(hops.flatMap((hop) => field(3, hop)));
}

/** The raw bytes of every length-delimited field `number` at the top level of a message that has passed the codec's walk. */
export function rawFields(bytes: Uint8Array, number: number): Buffer[] {
  const found: Buffer[] = [];
  const cursor = { at: 0 };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  while (cursor.at < view.length) {
    const tag = readVarint(view, cursor);
    const wireType = tag % 8;
    if (wireType === 0) readVarint(view, cursor);
    else if (wireType === 1) cursor.at += 8;
    else if (wireType === 5) cursor.at += 4;
    else {
      const length = readVarint(view, cursor);
      if (Math.floor(tag / 8) === number) found.push(view.subarray(cursor.at, cursor.at + length));
      cursor.at += length;
    }
  }
  return found;
}

function readVarint(view: Buffer, cursor: { at: number }): number {
  let value = 0;
  let factor = 1;
  for (;;) {
    const byte = view[cursor.at++]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
}
