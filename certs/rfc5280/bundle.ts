// Certificates or revocation lists from a file as people have them: PEM with text between the blocks, or one DER. It must never take a
// truncated block for a whole one, nor a block of another kind for the one that was asked for.

export type BundleKind = 'CERTIFICATE' | 'X509 CRL';
/** Labels that old tools wrote for the same thing. */
const labels: Readonly<Record<BundleKind, readonly string[]>> = {
  CERTIFICATE: ['CERTIFICATE', 'X509 CERTIFICATE'],
  'X509 CRL': ['X509 CRL', 'CRL'],
};

/** Why a file is no bundle, in a few words; the command ends unreadable. */
export type NoBundle = { readonly why: string };

/** Undecoded blocks in their order; blocks of other kinds (keys, parameters) are passed over. */
export function readBundle(bytes: Uint8Array, kind: BundleKind): readonly Uint8Array[] | NoBundle {
  if (bytes.length === 0) return { why: 'the file is empty' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!text.includes('-----BEGIN ')) return bytes[0] === 0x30 ? [bytes] : { why: 'neither PEM nor DER' };
  const found: Uint8Array[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
  for (let match = begin.exec(text); match; match = begin.exec(text)) {
    const label = match[1]!;
    const start = begin.lastIndex;
    const end = text.indexOf(`-----END ${label}-----`, start);
    if (end < 0) return { why: `a block ${label} has no end: the file was cut off` };
    begin.lastIndex = end;
    if (!labels[kind].includes(label)) continue;
    const body = text.slice(start, end).replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return { why: `a block ${label} is not base64` };
    found.push(Buffer.from(body, 'base64'));
  }
  return found.length > 0 ? found : { why: `no block ${kind}` };
}
