// Identifiers. Nothing else in the tree makes, parses or formats one, and none is ever read by its shape to decide
// where a document goes: codes are resolved only through the signed directory (PROTOCOL.md 2).
// Pure: time and randomness come in as arguments.
import { ExchangeError } from './errors.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Internal id of a unit, for ever, whatever becomes of its official codes: `u` + 16 Crockford base32 letters (80 bits). */
export type UnitId = Branded<'UnitId'>;
/** Internal id of a node (one appliance): `n` + 16 letters. */
export type NodeId = Branded<'NodeId'>;
/** Internal id of a hub: `h` + 16 letters. */
export type HubId = Branded<'HubId'>;
/** Names one sealing. UUIDv7, lower case with hyphens. A retry is the same envelope. */
export type EnvelopeId = Branded<'EnvelopeId'>;
/** Names the business object, unchanged over sendings and versions. UUID. */
export type DocumentId = Branded<'DocumentId'>;
/** Names one upload: random, known only to the unit that began it. UUIDv4. */
export type UploadId = Branded<'UploadId'>;

const crockford = '0123456789abcdefghjkmnpqrstvwxyz';

function base32(random: Uint8Array): string {
  let bits = 0;
  let held = 0;
  let text = '';
  for (const byte of random) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += crockford[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

/** `random` is 10 fresh random bytes. */
export function newUnitId(random: Uint8Array): UnitId {
  return `u${base32(random.subarray(0, 10))}` as UnitId;
}
/** `random` is 10 fresh random bytes. */
export function newNodeId(random: Uint8Array): NodeId {
  return `n${base32(random.subarray(0, 10))}` as NodeId;
}
/** `random` is 10 fresh random bytes. */
export function newHubId(random: Uint8Array): HubId {
  return `h${base32(random.subarray(0, 10))}` as HubId;
}

const isInternal = (letter: string, text: unknown): text is string =>
  typeof text === 'string' &&
  text.length === 17 &&
  text[0] === letter &&
  /^[0-9a-hjkmnp-tv-z]{16}$/.test(text.slice(1));

/** True for the form of a unit id; says nothing of whether there is such a unit. */
export const isUnitId = (text: unknown): text is UnitId => isInternal('u', text);

function parseInternal(letter: string, text: unknown): string {
  if (isInternal(letter, text)) return text;
  throw new ExchangeError('id-malformed', `expected ${letter} and 16 letters`);
}
export const parseUnitId = (text: unknown): UnitId => parseInternal('u', text) as UnitId;
export const parseNodeId = (text: unknown): NodeId => parseInternal('n', text) as NodeId;
export const parseHubId = (text: unknown): HubId => parseInternal('h', text) as HubId;

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function hexToUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * RFC 9562 §5.7. `random` is 10 fresh random bytes; `nowMs` the maker's clock. Ids of one maker sort by time of making,
 * which keeps index pages warm; nobody may rely on that order.
 */
export function newUuidV7(nowMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  let ms = nowMs;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return hexToUuid(Buffer.from(bytes).toString('hex'));
}

export const newEnvelopeId = (nowMs: number, random: Uint8Array): EnvelopeId =>
  newUuidV7(nowMs, random) as EnvelopeId;
export const newDocumentId = (nowMs: number, random: Uint8Array): DocumentId =>
  newUuidV7(nowMs, random) as DocumentId;

function parseUuid(text: unknown, what: string): string {
  if (typeof text === 'string' && uuidText.test(text)) return text;
  throw new ExchangeError('id-malformed', `${what} is not a UUID in lower case`);
}
export const parseEnvelopeId = (text: unknown): EnvelopeId =>
  parseUuid(text, 'the envelope id') as EnvelopeId;
export const parseDocumentId = (text: unknown): DocumentId =>
  parseUuid(text, 'the document id') as DocumentId;
export const parseUploadId = (text: unknown): UploadId => parseUuid(text, 'the upload id') as UploadId;

/** The 16 bytes of a UUID as they travel. */
export function uuidToBytes(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Throws `id-malformed` unless 16 bytes. */
export function uuidFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new ExchangeError('id-malformed', `an id has 16 bytes, not ${bytes.length}`);
  return hexToUuid(Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex'));
}
