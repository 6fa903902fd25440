// The few DER forms that certificates need: a strict reader and a writer. X.690 §10: definite, shortest lengths only.
// It must never accept two encodings of one value, nor read past what it was given: certificates arrive before anybody is known.
// Under certificate.ts (reading), extensions.ts and crl.ts (writing). Pure.
import { ExchangeError } from '../protocol/errors.ts';

/** One element: `tag` byte, `content` without the header, `whole` with it. Both are views of the bytes given. */
export type Der = { readonly tag: number; readonly content: Uint8Array; readonly whole: Uint8Array };

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

function malformed(why: string): ExchangeError {
  return new ExchangeError('certificate-malformed', why);
}

function readAt(bytes: Uint8Array, at: number): { element: Der; next: number } {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw malformed('cut short');
  if ((tag & 0x1f) === 0x1f) throw malformed('long tags do not occur');
  let lengthBytes = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw malformed('length form');
    lengthBytes = 0;
    for (let i = 0; i < count; i++) lengthBytes = lengthBytes * 256 + (bytes[start + i] ?? 0);
    if (lengthBytes < (count === 1 ? 0x80 : 256 ** (count - 1))) throw malformed('length not shortest');
    start += count;
  }
  const end = start + lengthBytes;
  if (end > bytes.length) throw malformed('cut short');
  return { element: { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) }, next: end };
}

/** Exactly one element, nothing behind it; with `tag`, of that tag. Throws `certificate-malformed`. */
export function readDer(bytes: Uint8Array, tag?: number): Der {
  const { element, next } = readAt(bytes, 0);
  if (next !== bytes.length) throw malformed('bytes behind the end');
  return tag === undefined ? element : expectTag(element, tag);
}

/** The elements inside a constructed one. Throws `certificate-malformed`. */
export function childrenOf(element: Der): Der[] {
  if ((element.tag & 0x20) === 0) throw malformed('not constructed');
  const found: Der[] = [];
  for (let at = 0; at < element.content.length; ) {
    const { element: child, next } = readAt(element.content, at);
    found.push(child);
    at = next;
  }
  return found;
}

/** Throws `certificate-malformed` when there is no element or it has another tag. */
export function expectTag(element: Der | undefined, tag: number): Der {
  if (element?.tag !== tag) throw malformed(`expected tag ${tag}, found ${element?.tag ?? 'nothing'}`);
  return element;
}

/** Dotted form; arcs of any size (2.25.<uuid> has arcs of 128 bits). */
export function readOid(element: Der | undefined): string {
  const { content } = expectTag(element, tags.oid);
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw malformed('object identifier not shortest');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    fresh = (byte & 0x80) === 0;
    if (fresh) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const head = arcs.shift();
  if (head === undefined || !fresh || content.length > 64) throw malformed('object identifier');
  const top = head < 40n ? 0n : head < 80n ? 1n : 2n;
  return [top, head - top * 40n, ...arcs].join('.');
}

/** DER booleans are 0x00 and 0xff only. */
export function readBoolean(element: Der | undefined): boolean {
  const { content } = expectTag(element, tags.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed('boolean');
  return content[0] === 0xff;
}

/** A number from 0 to 127; nothing larger is meaningful where this is used (versions, path lengths). */
export function readSmallInteger(element: Der | undefined): number {
  const { content } = expectTag(element, tags.integer);
  const value = content[0];
  if (content.length !== 1 || value === undefined || value > 127) throw malformed('integer');
  return value;
}

/** Milliseconds since 1970. RFC 5280 §4.1.2.5: seconds present, Zulu, no fractions. */
export function readTime(element: Der | undefined): number {
  const long = element?.tag === tags.generalizedTime;
  const { content } = expectTag(element, long ? tags.generalizedTime : tags.utcTime);
  const text = Buffer.from(content).toString('latin1');
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match || text.length !== (long ? 15 : 13)) throw malformed('time');
  const [, year = '', month, day, hour, minute, second] = match;
  const fullYear = long ? year : Number(year) < 50 ? `20${year}` : `19${year}`;
  const ms = Date.parse(`${fullYear}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw malformed('time');
  return ms;
}

/** One element from its content; several pieces are joined. */
export function der(tag: number, ...pieces: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(pieces);
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const hex = size.toString(16);
  const length = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

export const derSequence = (...pieces: readonly Uint8Array[]): Uint8Array => der(tags.sequence, ...pieces);
export const derBoolean = (value: boolean): Uint8Array => der(tags.boolean, Buffer.from([value ? 0xff : 0]));
export const derOctets = (bytes: Uint8Array): Uint8Array => der(tags.octetString, bytes);

/** Non-negative. */
export function derInteger(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return der(tags.integer, bytes[0]! > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function derOid(dotted: string): Uint8Array {
  const [top = 0n, second = 0n, ...rest] = dotted.split('.').map((arc) => BigInt(arc));
  const bytes: number[] = [];
  for (const arc of [top * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    bytes.push(...groups);
  }
  return der(tags.oid, Buffer.from(bytes));
}

/** RFC 5280: UTCTime through 2049, GeneralizedTime from 2050. Whole seconds. */
/** GeneralizedTime whatever the year: extensions ask for it. */
export const derGeneralizedTime = (ms: number): Uint8Array =>
  der(tags.generalizedTime, Buffer.from(`${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));

export function derTime(ms: number): Uint8Array {
  const text = `${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  if (Number(text.slice(0, 4)) >= 2050) return der(tags.generalizedTime, Buffer.from(text));
  return der(tags.utcTime, Buffer.from(text.slice(2)));
}
