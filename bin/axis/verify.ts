// What the stand-in axis checks of a request, written from the description of the protocol (VN-DOMAIN §2.2) and from nothing of the client's
// code: two readings of one text must agree. It must never answer which part of a signature was wrong with the right value.
import { createHmac, timingSafeEqual } from 'node:crypto';

export type HeaderMap = Readonly<Record<string, string | string[] | undefined>>;
export type Fields = Readonly<Record<string, string>>;
/** The fields that the signature covers, by lower-case name without the prefix; or why the request is refused. */
export type Verdict =
  | { readonly ok: true; readonly fields: Fields }
  | { readonly ok: false; readonly why: string };

const PREFIX = 'xroadvnpt-';
const WINDOW_MS = 15 * 60_000;

const one = (headers: HeaderMap, name: string): string => {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
};

/** ddMMyyyy'T'HHmmss+SSSS in Vietnamese time; the last four digits are milliseconds. Undefined: not such a text. */
export function readTimestamp(text: string): number | undefined {
  const digits = /^(\d\d)(\d\d)(\d{4})T(\d\d)(\d\d)(\d\d)\+(\d{4})$/.exec(text)?.slice(1).map(Number);
  if (!digits) return undefined;
  const [day, month, year, hour, minute, second, ms] = digits as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour - 7, minute, second, ms);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `secretOf` answers the secret of a system id. */
export function verifyHeaders(
  headers: HeaderMap,
  secretOf: (systemId: string) => string | undefined,
  nowMs: number,
): Verdict {
  const no = (why: string): Verdict => ({ ok: false, why });
  const names = one(headers, `${PREFIX}sign-header-key`).split(';').filter(Boolean);
  const text = one(headers, `${PREFIX}sign-header`);
  const stated = one(headers, `${PREFIX}hash-header`);
  const secret = secretOf(one(headers, `${PREFIX}systemid`));
  if (secret === undefined) return no('unknown system id');
  if (
    !sameText(
      createHmac('sha256', Buffer.from(secret, 'utf8'))
        .update(Buffer.from(text, 'utf8'))
        .digest()
        .toString('hex'),
      stated.toLowerCase(),
    )
  )
    return no('hash-header does not match');
  let signed: unknown;
  try {
    signed = JSON.parse(text);
  } catch {
    return no('sign-header is not JSON');
  }
  if (typeof signed !== 'object' || signed === null) return no('sign-header is not an object');
  const entries = Object.entries(signed as Record<string, unknown>);
  if (entries.length !== names.length || entries.some(([name], i) => name !== names[i]))
    return no('sign-header-key names other fields than sign-header');
  const fields: Record<string, string> = {};
  for (const [name, value] of entries) {
    const lower = name.toLowerCase();
    const bare = lower.startsWith(PREFIX) ? lower.slice(PREFIX.length) : lower;
    // Declared as octet-stream and sent as multipart: the one field that differs on the wire.
    if (bare === 'content-type') continue;
    const sent = one(headers, lower) || one(headers, PREFIX + bare);
    if (typeof value !== 'string' || sent !== value) return no(`header ${name} is not what was signed`);
    fields[bare] = value;
  }
  for (const name of Object.keys(headers))
    if (
      name.startsWith(PREFIX) &&
      !/sign-header(-key)?$|hash-header$/.test(name) &&
      !(name.slice(PREFIX.length) in fields)
    )
      return no(`header ${name} is not signed`);
  const at = readTimestamp(fields.timestamp ?? '');
  if (at === undefined || Math.abs(at - nowMs) > WINDOW_MS) return no('timestamp is missing or too far away');
  return { ok: true, fields };
}

/** The kit's text of a digest: 0x0a is "a", 0x00 is "0". */
export function kitText(digest: Uint8Array): string {
  const letters = '0123456789abcdef';
  let text = '';
  for (const byte of digest) text += (byte >= 16 ? letters[byte >> 4]! : '') + letters[byte & 15]!;
  return text;
}
