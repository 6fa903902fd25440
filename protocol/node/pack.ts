// Values that cross between threads with all their bytes in one buffer that is moved, not copied: structured clone would serialise
// each small view by itself, and the WHOLE buffer under a view (a 1 kB slice of a 4 MiB body costs 4 MiB). Plain data only.
// Must never move a buffer that somebody else can still see: the one that travels is made here.

export type Packed = {
  readonly value: unknown;
  /** About what the value holds, for bounds of memory. */
  readonly bytes: number;
  /** For the transfer list; absent when the value holds no bytes. */
  readonly moved: ArrayBuffer | undefined;
};

type Weight = { views: number; viewBytes: number; rest: number };
type Target = { readonly buffer: ArrayBuffer; at: number };

/** A copy of `value` whose Uint8Arrays all lie in one fresh buffer. */
export function pack(value: unknown): Packed {
  const weight: Weight = { views: 0, viewBytes: 0, rest: 0 };
  weigh(value, weight);
  const bytes = weight.viewBytes + weight.rest;
  if (weight.views === 0) return { value, bytes, moved: undefined };
  const target: Target = { buffer: new ArrayBuffer(weight.viewBytes), at: 0 };
  return { value: copyInto(target, value), bytes, moved: target.buffer };
}

function weigh(value: unknown, weight: Weight): void {
  if (typeof value === 'string') weight.rest += value.length;
  else if (typeof value !== 'object' || value === null) weight.rest += 8;
  else if (value instanceof Uint8Array) {
    weight.views += 1;
    weight.viewBytes += value.byteLength;
  } else if (Array.isArray(value)) {
    weight.rest += 16;
    for (const item of value) weigh(item, weight);
  } else if (isPlain(value)) {
    weight.rest += 32;
    for (const key in value) {
      weight.rest += 8;
      weigh((value as Record<string, unknown>)[key], weight);
    }
  } else weight.rest += 8;
}

function copyInto(target: Target, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    const view = new Uint8Array(target.buffer, target.at, value.byteLength);
    view.set(value);
    target.at += value.byteLength;
    return view;
  }
  if (Array.isArray(value)) return value.map((item) => copyInto(target, item));
  if (!isPlain(value)) return value;
  // All at once and of one shape; built key by key it would be moved to a larger place every few keys.
  const own: Record<string, unknown> = { ...value };
  for (const key in own) {
    const held = own[key];
    if (typeof held === 'object' && held !== null) own[key] = copyInto(target, held);
  }
  return own;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
