// Writes the extensions of our certificates (RFC 5280 §4.2.1), each from the profile's plain values.
// It must never take an extension from a request. Used by ca.ts and crl.ts only.
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { ExchangeError } from '../protocol/errors.ts';
import { extensionOids, type KeyUsage } from './certificate.ts';
import { der, derBoolean, derInteger, derOctets, derOid, derSequence, tags } from './der.ts';

export type ExtensionSpec = { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array };

export function basicConstraints(isCa: boolean, pathLength?: number): ExtensionSpec {
  const parts = isCa ? [derBoolean(true)] : [];
  if (pathLength !== undefined) parts.push(derInteger(BigInt(pathLength)));
  return { oid: extensionOids.basicConstraints, critical: true, value: derSequence(...parts) };
}

/** digitalSignature, or keyCertSign + cRLSign: the only two sets that this system uses. */
export function keyUsage(usages: readonly KeyUsage[]): ExtensionSpec {
  const ca = usages.includes('keyCertSign');
  const bits = ca ? [1, 0b0000_0110] : [7, 0b1000_0000];
  return { oid: extensionOids.keyUsage, critical: true, value: der(tags.bitString, Buffer.from(bits)) };
}

export function extendedKeyUsage(oid: string): ExtensionSpec {
  return { oid: extensionOids.extendedKeyUsage, critical: true, value: derSequence(derOid(oid)) };
}

/** RFC 7093 §2 method 1 in spirit: 20 bytes of SHA-256, over the whole SubjectPublicKeyInfo. */
export function keyIdentifier(publicKeyDer: Uint8Array): Uint8Array {
  return createHash('sha256').update(publicKeyDer).digest().subarray(0, 20);
}

export function subjectKeyIdentifier(publicKeyDer: Uint8Array): ExtensionSpec {
  const value = derOctets(keyIdentifier(publicKeyDer));
  return { oid: extensionOids.subjectKeyIdentifier, critical: false, value };
}

export function authorityKeyIdentifier(issuerPublicKeyDer: Uint8Array): ExtensionSpec {
  const value = derSequence(der(0x80, keyIdentifier(issuerPublicKeyDer)));
  return { oid: extensionOids.authorityKeyIdentifier, critical: false, value };
}

/** The 4 or 16 bytes of an address. Throws `config-invalid`. */
export function ipBytes(text: string): Uint8Array {
  if (isIP(text) === 4) return Buffer.from(text.split('.').map(Number));
  if (isIP(text) === 6 && !text.includes('%')) {
    // The URL parser brings every spelling of an IPv6 address (also ::ffff:1.2.3.4) to one form of hex groups.
    const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
    const groups = (half: string) => (half ? half.split(':') : []);
    const left = groups(head);
    const right = groups(tail ?? '');
    const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
    return Buffer.from([...left, ...zeros, ...right].map((g) => g.padStart(4, '0')).join(''), 'hex');
  }
  throw new ExchangeError('config-invalid', `not an IP address: ${text}`);
}

/** The text of an address of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(
    ':',
  );
}

export function subjectAltName(dnsNames: readonly string[], ips: readonly string[]): ExtensionSpec {
  const names = [
    ...dnsNames.map((name) => der(0x82, Buffer.from(name))),
    ...ips.map((ip) => der(0x87, ipBytes(ip))),
  ];
  return { oid: extensionOids.subjectAltName, critical: false, value: derSequence(...names) };
}

/**
 * Permits the host names with all below them, and exactly the addresses. RFC 5280 limits only the forms of name that are
 * listed, so without addresses all addresses are excluded by name.
 */
export function nameConstraints(dnsNames: readonly string[], ips: readonly string[]): ExtensionSpec {
  const subtree = (tag: number, base: Uint8Array) => derSequence(der(tag, base));
  const permitted = [
    ...dnsNames.map((name) => subtree(0x82, Buffer.from(name))),
    ...ips.map((ip) => {
      const bytes = ipBytes(ip);
      return subtree(0x87, Buffer.concat([bytes, Buffer.alloc(bytes.length, 0xff)]));
    }),
  ];
  const excluded = ips.length > 0 ? [] : [subtree(0x87, Buffer.alloc(8)), subtree(0x87, Buffer.alloc(32))];
  const value = derSequence(
    der(0xa0, ...permitted),
    ...(excluded.length > 0 ? [der(0xa1, ...excluded)] : []),
  );
  return { oid: extensionOids.nameConstraints, critical: true, value };
}
