// Writes and signs a standard revocation list (RFC 5280 §5) for people and programs outside this system.
// Our own decisions never read it: trust.ts asks the ledger's revocations, so that an expired list locks out nobody.
// Written by hand because the library's builder takes 12 s for 10,000 entries; this one is linear.
import { type KeyObject, sign } from 'node:crypto';
import { type Certificate, extensionOids } from './certificate.ts';
import {
  der,
  derBoolean,
  derGeneralizedTime,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derTime,
  tags,
} from './der.ts';
import { authorityKeyIdentifier, type ExtensionSpec } from './extensions.ts';
import { derToPem } from './pem.ts';

export type RevokedEntry = {
  readonly serialHex: string;
  readonly revokedAtMs: number;
  /** Since when the key is not believed, if that is earlier: RFC 5280 §5.3.2. */
  readonly invalidFromMs?: number;
};
export type CrlSpec = {
  readonly entries: readonly RevokedEntry[];
  /** Rises with every list of one issuer. */
  readonly number: bigint;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
};

const ecdsaWithSha256 = derSequence(derOid('1.2.840.10045.4.3.2'));

function extension({ oid, critical, value }: ExtensionSpec): Uint8Array {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctets(value));
}

const invalidityDate = (atMs: number): ExtensionSpec => ({
  oid: '2.5.29.24',
  critical: false,
  value: derGeneralizedTime(atMs),
});

/** PEM with the label `X509 CRL`, which OpenSSL and Node want. `key` is the private key of `issuer`. */
export function buildCrl(issuer: Certificate, key: KeyObject, spec: CrlSpec): string {
  const entries = spec.entries.map((entry) =>
    derSequence(
      derInteger(BigInt(`0x${entry.serialHex}`)),
      derTime(entry.revokedAtMs),
      ...(entry.invalidFromMs !== undefined && entry.invalidFromMs < entry.revokedAtMs
        ? [derSequence(extension(invalidityDate(entry.invalidFromMs)))]
        : []),
    ),
  );
  const crlNumber = { oid: extensionOids.crlNumber, critical: false, value: derInteger(spec.number) };
  const tbs = derSequence(
    derInteger(1n),
    ecdsaWithSha256,
    issuer.subjectName,
    derTime(spec.thisUpdateMs),
    derTime(spec.nextUpdateMs),
    // RFC 5280 §5.1.2.6: absent, not empty, when nothing is revoked.
    ...(entries.length > 0 ? [derSequence(...entries)] : []),
    der(0xa0, derSequence(extension(authorityKeyIdentifier(issuer.publicKeyDer)), extension(crlNumber))),
  );
  const signature = der(tags.bitString, Buffer.from([0]), sign('sha256', tbs, key));
  return derToPem('X509 CRL', derSequence(tbs, ecdsaWithSha256, signature));
}
