// Reads the operator's folder of trust: root certificates (anchors), issuing certificates that complete chains, revocation lists.
// It must never trust what it was not given as a file: nothing is compiled in, nothing is fetched. Feeds chain.ts.
// A self-signed certification authority is an anchor; any other certificate only helps to build a chain.
import fs from 'node:fs';
import { join } from 'node:path';
import { childrenOf, type Der, readDer, readOid, readTime, tags } from '../der.ts';
import { type PdfCertificate, parsePdfCertificate } from './asn1.ts';
import { ANCHOR_FILE_BYTES_MAX, ANCHOR_FILES_MAX, malformed } from './limits.ts';

export type Crl = {
  /** Where it came from, for the report. */
  readonly from: string;
  readonly issuerDer: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly signatureOid: string;
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** Serial (hex, without leading zeros of the encoding) to the time of revocation. */
  readonly revoked: ReadonlyMap<string, number>;
  /** Says by a critical extension that it is not about everything its issuer certified (a delta, some reasons, some kinds; RFC 5280, 5.2): silence proves nothing. */
  readonly partial: boolean;
};

export type Anchors = {
  readonly roots: readonly PdfCertificate[];
  readonly intermediates: readonly PdfCertificate[];
  readonly crls: readonly Crl[];
  /** Files that look like certificates or lists and cannot be used, with the reason. */
  readonly unusable: readonly string[];
};

export const noAnchors: Anchors = { roots: [], intermediates: [], crls: [], unusable: [] };

/** True for a certification authority that signed itself. */
export function isRoot(certificate: PdfCertificate): boolean {
  if (!certificate.isCa || !certificate.issuerDer.equals(certificate.subjectDer)) return false;
  try {
    return certificate.x509.verify(certificate.publicKey);
  } catch {
    // A key that OpenSSL cannot use signs nothing.
    return false;
  }
}

const DEPTH_MAX = 4;

function filesIn(folder: string, depth = 0): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return depth < DEPTH_MAX ? filesIn(path, depth + 1) : [];
      return entry.isFile() || entry.isSymbolicLink() ? [path] : [];
    });
}

/** PEM blocks of both kinds, or one DER value. Other files give nothing. */
function derIn(bytes: Buffer): { certificate: boolean; der: Buffer }[] {
  if (bytes[0] === 0x30) {
    // TBSCertificate begins with [0] or a serial number; TBSCertList with a version or an algorithm. Trying both is simplest.
    return [{ certificate: true, der: bytes }];
  }
  const text = bytes.toString('latin1');
  const blocks = text.matchAll(
    /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE|(?:X509 )?CRL)-----([A-Za-z0-9+/=\s]+)-----END/g,
  );
  return [...blocks].map(([, kind = '', body = '']) => ({
    certificate: !kind.endsWith('CRL'),
    der: Buffer.from(body.replace(/\s+/g, ''), 'base64'),
  }));
}

/** Everything usable below `folder`, four levels deep. Throws the file system's error when the folder itself cannot be read. */
export function readAnchors(folder: string): Anchors {
  const found = {
    roots: [] as PdfCertificate[],
    intermediates: [] as PdfCertificate[],
    crls: [] as Crl[],
    unusable: [] as string[],
  };
  for (const path of filesIn(folder).slice(0, ANCHOR_FILES_MAX)) {
    if (fs.statSync(path).size > ANCHOR_FILE_BYTES_MAX) continue;
    for (const { certificate, der } of derIn(fs.readFileSync(path))) {
      try {
        sortIn(found, { certificate, der, path });
      } catch {
        // A broken file must not keep the good ones out; it is named in the report.
        found.unusable.push(path);
      }
    }
  }
  return found;
}

function sortIn(
  found: { roots: PdfCertificate[]; intermediates: PdfCertificate[]; crls: Crl[] },
  { certificate, der, path }: { certificate: boolean; der: Buffer; path: string },
): void {
  let parsed: PdfCertificate | undefined;
  try {
    parsed = certificate ? parsePdfCertificate(der) : undefined;
  } catch {
    // A DER file may as well be a list: parseCrl says when it is neither.
  }
  if (!parsed) found.crls.push(parseCrl(der, path));
  else if (isRoot(parsed)) found.roots.push(parsed);
  else found.intermediates.push(parsed);
}

const serialHexOf = (content: Uint8Array): string =>
  Buffer.from(content)
    .toString('hex')
    .replace(/^(00)+(?=..)/, '');
const isTime = (one: Der | undefined): boolean =>
  one?.tag === tags.utcTime || one?.tag === tags.generalizedTime;

/** CertificateList (RFC 5280, 5.1), DER. Throws on anything else; believes nothing yet. */
export function parseCrl(bytes: Uint8Array, from: string): Crl {
  const [tbs, algorithm, signature] = childrenOf(readDer(bytes, tags.sequence));
  if (!tbs || !algorithm || signature?.tag !== tags.bitString) throw malformed('no revocation list');
  const fields = childrenOf(tbs);
  let at = fields[0]?.tag === tags.integer ? 1 : 0;
  const [, issuer, thisUpdate] = fields.slice(at);
  if (issuer?.tag !== tags.sequence || !isTime(thisUpdate)) throw malformed('no revocation list');
  at += 3;
  const next = isTime(fields[at]) ? readTime(fields[at++]) : undefined;
  const revoked = new Map<string, number>();
  if (fields[at]?.tag === tags.sequence)
    for (const entry of childrenOf(fields[at]!)) {
      const [serial, time] = childrenOf(entry);
      if (serial) revoked.set(serialHexOf(serial.content), readTime(time));
    }
  const extensions = fields.find(({ tag }) => tag === 0xa0);
  const partial =
    extensions !== undefined &&
    childrenOf(childrenOf(extensions)[0]!).some((one) => childrenOf(one)[1]?.tag === tags.boolean);
  return {
    from,
    issuerDer: Buffer.from(issuer.whole),
    thisUpdateMs: readTime(thisUpdate),
    nextUpdateMs: next,
    signatureOid: readOid(childrenOf(algorithm)[0]),
    signed: Buffer.from(tbs.whole),
    signature: Buffer.from(signature.content.subarray(1)),
    revoked,
    partial,
  };
}
