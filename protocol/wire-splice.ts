// Wrappers are unsigned and rewritten at every leg, but what is inside must travel byte for byte. These two functions cut encoded
// submessages out of a message and put them into another without decoding and re-encoding them, so unknown fields survive.
// PROTOCOL.md 6.1.

/** Bytes of a varint. */
function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** Bytes of a length-delimited field; all our field numbers take one byte. */
const fieldLength = (length: number) => 1 + varintLength(length) + length;
/** Bytes of a number; zero is not written. */
const numberLength = (value: number) => (value === 0 ? 0 : 1 + varintLength(value));

/** A message whose length is known, written once into a buffer of its own: content is copied once, and no pieces are left behind. */
class Message {
  readonly bytes: Buffer;
  #at = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafeSlow(length);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.#at++] = rest;
  }

  /** Tag and length; the bytes come next. */
  head(number: number, length: number): void {
    this.#varint(number * 8 + 2);
    this.#varint(length);
  }

  field(number: number, bytes: Uint8Array): void {
    this.head(number, bytes.length);
    this.raw(bytes);
  }

  number(number: number, value: number): void {
    if (value === 0) return;
    this.#varint(number * 8);
    this.#varint(value);
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
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

/** Encoded Wrapper from encoded pieces, in a buffer of its own. Field numbers as in wire.proto; concatenated messages merge, which carries the hops. */
export function spliceWrapper({ signed, recipients, hops, metadata, inlineParts }: WrapperPieces): Buffer {
  const units = recipients.map(({ index, unit }) => {
    const bytes = Buffer.from(unit);
    return { index, bytes, length: numberLength(index) + fieldLength(bytes.length) };
  });
  const parts = inlineParts.map(({ index, content }) => ({
    index,
    content,
    length: numberLength(index) + fieldLength(content.length),
  }));
  const blockLength = metadata ? fieldLength(metadata.salt.length) + fieldLength(metadata.block.length) : 0;
  let length = fieldLength(signed.length) + hops.length + (metadata ? fieldLength(blockLength) : 0);
  for (const each of units) length += fieldLength(each.length);
  for (const each of parts) length += fieldLength(each.length);
  const out = new Message(length);
  out.field(1, signed);
  for (const each of units) {
    out.head(2, each.length);
    out.number(1, each.index);
    out.field(2, each.bytes);
  }
  out.raw(hops);
  if (metadata) {
    out.head(4, blockLength);
    out.field(1, metadata.salt);
    out.field(2, metadata.block);
  }
  for (const each of parts) {
    out.head(5, each.length);
    out.number(1, each.index);
    out.field(2, each.content);
  }
  return out.bytes;
}

/** Encoded Wrapper with only these hops (each an encoded Signed): what a store keeps of the trace. */
export function hopsWrapper(hops: readonly Uint8Array[]): Buffer {
  const out = new Message(hops.reduce((sum, hop) => sum + fieldLength(hop.length), 0));
  for (const hop of hops) out.field(3, hop);
  return out.bytes;
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
