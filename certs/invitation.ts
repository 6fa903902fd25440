// The one-time invitation: one line of text that brings a new box to the right hub and proves that it was expected.
// It must never let a cut or mistyped text pass, nor be stored by the hub in a form that could be used again.
// First thing of enrolment: made by the hub's operator, pasted by the clerk into "node init --invitation".
import { createHash, timingSafeEqual } from 'node:crypto';
import { ExchangeError } from '../protocol/errors.ts';

export type Invitation = {
  /** https address of the hub's enrolment listener. */
  readonly url: string;
  /** SHA-256 of the root certificate's DER: the box believes no other root. */
  readonly rootFingerprint: Uint8Array;
  /** 160 random bits. */
  readonly secret: Uint8Array;
};

/**
 * Only lower-case letters, digits and one hyphen: no chat or mail program makes a link, italics or a typographic dash of it.
 * Crockford's alphabet has no i, l, o, u, so a printed text can be typed.
 */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const PREFIX = 'lienthong';
const VERSION = 1;
const SECRET_BYTES = 20;
const FINGERPRINT_BYTES = 32;
const CHECKSUM_BYTES = 5;
/** One length byte. A host name has at most 253 letters, but a real address 60. */
const URL_BYTES_MAX = 200;
const TEXT_MAX = 2000;

function damaged(why: string): ExchangeError {
  return new ExchangeError('invitation-damaged', why);
}

function digest(context: string, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(`lienthong ${context} v1\0`).update(bytes).digest();
}

function toBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held & 0xff) << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) throw damaged('a letter that does not occur');
    held = ((held & 0xff) << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === 'https:' && !url.username && !url.password && !url.hash && !url.search;
  if (!url || !plain || url.href.length > URL_BYTES_MAX || !/^[\x21-\x7e]+$/.test(url.href))
    throw new ExchangeError(
      'config-invalid',
      'the enrolment address is https without user, query or fragment',
    );
  return url.href;
}

/** One line, about 150 letters. Throws `config-invalid` when the address is not a plain https one. */
export function formatInvitation(invitation: Invitation): string {
  const { secret, rootFingerprint } = invitation;
  if (secret.length !== SECRET_BYTES || rootFingerprint.length !== FINGERPRINT_BYTES)
    throw new ExchangeError('config-invalid', 'a secret has 20 bytes, a fingerprint 32');
  const url = Buffer.from(checkUrl(invitation.url));
  const body = Buffer.concat([
    Buffer.from([VERSION]),
    secret,
    rootFingerprint,
    Buffer.from([url.length]),
    url,
  ]);
  const checksum = digest('invitation checksum', body).subarray(0, CHECKSUM_BYTES);
  return `${PREFIX}-${toBase32(Buffer.concat([body, checksum]))}`;
}

/**
 * Reads a pasted text. Blanks, line ends, invisible characters, quotes and brackets that programs put in or around it do no harm, nor
 * does the case. Anything missing or changed throws `invitation-damaged`.
 */
export function parseInvitation(pasted: string): Invitation {
  if (pasted.length > TEXT_MAX) throw damaged('far too long');
  // Mail wraps, chats quote, phones capitalise and turn hyphens into dashes; o, i, l are Crockford's readings of 0, 1, 1.
  const text = pasted.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (!text.startsWith(PREFIX)) throw damaged(`the text begins with "${PREFIX}-"`);
  const letters = text.slice(PREFIX.length).replaceAll('o', '0').replace(/[il]/g, '1');
  const bytes = fromBase32(letters);
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  const checksum = digest('invitation checksum', body).subarray(0, CHECKSUM_BYTES);
  const urlAt = 1 + SECRET_BYTES + FINGERPRINT_BYTES;
  if (body.length <= urlAt || !checksum.equals(bytes.subarray(-CHECKSUM_BYTES)))
    throw damaged('part of the text is missing or changed');
  if (body[0] !== VERSION) throw damaged(`made by a newer version (${body[0]})`);
  const url = body.subarray(urlAt + 1);
  if (url.length !== body[urlAt]) throw damaged('part of the text is missing or changed');
  return {
    secret: body.subarray(1, 1 + SECRET_BYTES),
    rootFingerprint: body.subarray(1 + SECRET_BYTES, urlAt),
    url: url.toString('latin1'),
  };
}

/** The secret as it travels in the enrolment request: 40 hex letters. */
export const secretText = (secret: Uint8Array): string => Buffer.from(secret).toString('hex');

/**
 * What the hub stores and looks up, hex: the secret cannot be had back from it. A plain hash is enough for 160 random bits. Takes the
 * bytes or the travelling text; a text of another form hashes to something that no invitation has.
 */
export function hashSecret(secret: Uint8Array | string): string {
  const bytes = typeof secret === 'string' ? Buffer.from(secret.toLowerCase(), 'hex') : secret;
  return digest('invitation secret', bytes).toString('hex');
}

/** SHA-256 of a root certificate (DER), as an invitation carries it. */
export const rootFingerprint = (rootDer: Uint8Array): Uint8Array =>
  createHash('sha256').update(rootDer).digest();

/** Throws `root-fingerprint-mismatch` unless this root is the one that the invitation names. */
export function checkRootFingerprint(
  rootDer: Uint8Array,
  invitation: Pick<Invitation, 'rootFingerprint'>,
): void {
  if (!timingSafeEqual(rootFingerprint(rootDer), Buffer.from(invitation.rootFingerprint)))
    throw new ExchangeError('root-fingerprint-mismatch');
}
