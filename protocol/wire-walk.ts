// A strict walk over protobuf wire format before the decoder sees it: bounds, depth, no groups, no field zero, no overlong or
// overflowing varints, no singular field twice, wire types as the schema says. Allocates nothing that grows with the input.
// Unknown fields are allowed (a later version may have written them) and only bounded.

export type Shape = ReadonlyMap<number, FieldShape>;
export type FieldShape = {
  readonly name: string;
  readonly repeated: boolean;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wireType: 0 | 1 | 2 | 5;
  /** Packed repeated scalars arrive length-delimited as well. */
  readonly packable: boolean;
  /** Largest varint of the field's type; nobody may read a number cut to its low bits. */
  readonly valueMax: number;
  /** Shape of a nested message. */
  readonly message: (() => Shape) | undefined;
};

/** Undefined if fine, else one sentence that says what is wrong and where; no content in it. */
export function walk(bytes: Uint8Array, shape: Shape, depthMax: number): string | undefined {
  return walkMessage({ bytes, at: 0, value: 0 }, bytes.length, shape, depthMax);
}

type Cursor = { readonly bytes: Uint8Array; at: number; value: number };

function walkMessage(cursor: Cursor, end: number, shape: Shape, depthLeft: number): string | undefined {
  if (depthLeft === 0) return 'nested too deeply';
  // Field numbers of our messages are below 32, so one word remembers the singular fields seen.
  let seen = 0;
  while (cursor.at < end) {
    if (!varint(cursor, end)) return `bad tag at byte ${cursor.at}`;
    const tag = cursor.value;
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0 || tag > 0xffffffff) return `bad field number at byte ${cursor.at}`;
    const field = shape.get(number);
    if (field && !field.repeated) {
      const bit = 1 << number;
      if (seen & bit) return `field ${field.name} occurs twice`;
      seen |= bit;
    }
    if (field && wireType !== field.wireType && !(field.packable && wireType === 2))
      return `field ${field.name} has the wrong wire type`;
    const wrong = walkValue(cursor, end, { wireType, field, depthLeft });
    if (wrong) return wrong;
  }
  return cursor.at === end ? undefined : 'runs over its end';
}

function walkValue(
  cursor: Cursor,
  end: number,
  { wireType, field, depthLeft }: { wireType: number; field: FieldShape | undefined; depthLeft: number },
): string | undefined {
  switch (wireType) {
    case 0:
      return walkVarint(cursor, end, field);
    case 1:
    case 5:
      cursor.at += wireType === 1 ? 8 : 4;
      return cursor.at > end ? 'truncated' : undefined;
    case 2: {
      if (!varint(cursor, end)) return `bad length at byte ${cursor.at}`;
      const until = cursor.at + cursor.value;
      if (until > end) return 'a length points beyond the end';
      if (field?.message && wireType === field.wireType)
        return walkMessage(cursor, until, field.message(), depthLeft - 1);
      if (field?.packable) return walkPacked(cursor, until, field);
      cursor.at = until;
      return undefined;
    }
    default:
      return 'groups are not used';
  }
}

function walkVarint(cursor: Cursor, end: number, field: FieldShape | undefined): string | undefined {
  if (!varint(cursor, end)) return `bad varint at byte ${cursor.at}`;
  if (field && cursor.value > field.valueMax) return `field ${field.name} is out of range`;
  return undefined;
}

/** Numbers inside one length: none may reach over its end. All packed fields of ours are varints. */
function walkPacked(cursor: Cursor, until: number, field: FieldShape): string | undefined {
  while (cursor.at < until) {
    const wrong = walkVarint(cursor, until, field);
    if (wrong) return wrong;
  }
  return undefined;
}

/**
 * Reads one varint into `cursor.value`; false if truncated, overlong (a last byte of zero) or longer than ten bytes. Values of 2^53
 * and above, and so negative numbers (ten bytes), become Infinity: every length and every known field refuses that.
 */
function varint(cursor: Cursor, end: number): boolean {
  const { bytes } = cursor;
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 10; count++) {
    if (cursor.at >= end) return false;
    const byte = bytes[cursor.at++]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      if (byte === 0 && count > 0) return false;
      if (count === 9 && byte > 1) return false;
      cursor.value = value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value;
      return true;
    }
    factor *= 128;
  }
  return false;
}
