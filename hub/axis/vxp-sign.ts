// The signed header fields of the VXP protocol (VN-DOMAIN §2.2): every field is a header XroadVnpt-<name>; an HMAC covers the JSON text of names
// and values, and that very text travels. Bodies are not covered, but for hash-file. Pure: time comes in.
import { createHmac } from 'node:crypto';

export const vxpPrefix = 'XroadVnpt-';
const VIETNAM_MS = 7 * 3_600_000;

/** Java pattern ddMMyyyy'T'HHmmss+SSSS: what stands after the plus is milliseconds, not a zone. */
export function vxpTimestamp(ms: number): string {
  const [date, time] = new Date(ms + VIETNAM_MS).toISOString().split('T') as [string, string];
  const [year, month, day] = date.split('-');
  return `${day}${month}${year}T${time.slice(0, 8).replaceAll(':', '')}+0${time.slice(9, 12)}`;
}

/** SHA-256 as the Java kit writes it: each byte in hex without its leading zero. The axis compares this very text. */
export function vxpFileHash(sha256: Uint8Array): string {
  return [...sha256].map((byte) => byte.toString(16)).join('');
}

/**
 * All headers of one request. `fields` in the order in which they are signed; `contentType` is what the kit declares, whatever the body is.
 * The secret is UTF-8 text and appears in nothing that is returned.
 */
export function vxpHeaders(
  fields: Readonly<Record<string, string>>,
  by: {
    readonly systemId: string;
    readonly secret: string;
    readonly nowMs: number;
    readonly contentType: string;
  },
): Record<string, string> {
  const own = { systemid: by.systemId, timestamp: vxpTimestamp(by.nowMs), version: '3.0.201608', ...fields };
  const signed: Record<string, string> = { 'Content-Type': by.contentType };
  for (const [name, value] of Object.entries(own)) signed[`${vxpPrefix}${name}`] = value;
  const text = JSON.stringify(signed);
  return {
    ...signed,
    [`${vxpPrefix}sign-header-key`]: Object.keys(signed).join(';'),
    [`${vxpPrefix}sign-header`]: text,
    [`${vxpPrefix}hash-header`]: createHmac('sha256', by.secret).update(text, 'utf8').digest('hex'),
    'User-Agent': 'JAVASDKAgent/1.0.0 XRoad/VPCP',
  };
}
