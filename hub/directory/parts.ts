// Judges a signed part of another hub before it is stored: chain to our root, the hub's own directory key, not past its date.
// Must never let a part in that would break the look-up of everybody else's units, nor believe a field before the signature.
import { X509Certificate } from 'node:crypto';
import { type CertificateFacts, verifyCertificate } from '../../certs/trust.ts';
import { directoryPartCodec, signedDirectoryCodec } from '../../protocol/codec.ts';
import { createDirectory, type Directory } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseHubId, parseUnitId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { keyIdOf, verifySigned } from '../../protocol/signature.ts';
import type { DirectoryPart } from '../../protocol/wire.ts';

export type VerifiedPart = { readonly part: DirectoryPart; readonly signer: CertificateFacts };

export type PartQuestion = {
  readonly rootsDer: readonly Uint8Array[];
  readonly nowMs: number;
  /** What is known so far: a key that its hub has revoked signs nothing any more. */
  readonly known?: Pick<Directory, 'revoked'>;
};

/**
 * The part inside `bytes` (encoded Signed), verified. Codes: statement-malformed, signature-*, signer-unknown, certificate-*.
 * The certificate that is looked up inside the part decides nothing by itself: it must hang under the root, be of the role
 * `hub-directory`, and name the hub that the part names.
 */
export function verifyPart(bytes: Uint8Array, { rootsDer, nowMs, known }: PartQuestion): VerifiedPart {
  const signed = signedDirectoryCodec.decode(bytes);
  if (!signed.signature) throw new ExchangeError('signature-invalid', 'no signature');
  const { keyId } = signed.signature;
  const draft = directoryPartCodec.decode(signed.bytes);
  const leafDer = draft.hubCertificates.find((der) => holdsKey(der, keyId));
  if (!leafDer) throw new ExchangeError('signer-unknown', 'the part lists no certificate of its signer');
  const signer = verifyCertificate({
    leafDer,
    intermediatesDer: [draft.issuingCertificate],
    rootsDer,
    atMs: nowMs,
    role: 'hub-directory',
  });
  verifySigned(signed, ['lienthong/directory/1'], new X509Certificate(leafDer).publicKey);
  if (signer.subjectId !== draft.hub)
    throw new ExchangeError('signer-not-sender', `signed by ${signer.subjectId}`);
  const { hub } = draft;
  const listed = draft.revocations.some(
    ({ serialHex, fromMs }) => serialHex === signer.serialHex && fromMs <= nowMs,
  );
  if (listed || known?.revoked(hub, signer.serialHex, nowMs))
    throw new ExchangeError('certificate-revoked', `serial ${signer.serialHex}`);
  assertPart(draft, nowMs);
  return { part: draft, signer };
}

function holdsKey(der: Uint8Array, keyId: Uint8Array): boolean {
  try {
    return keyIdOf(new X509Certificate(der).publicKey).equals(Buffer.from(keyId));
  } catch {
    // A certificate that cannot be read is nobody's; assertPart refuses the whole part if it matters.
    return false;
  }
}

function assertPart(part: DirectoryPart, nowMs: number): void {
  parseHubId(part.hub);
  if (part.parent !== '') parseHubId(part.parent);
  if (part.version < 1 || part.issuedMs > nowMs + limits.aheadOfHubMsMax)
    throw new ExchangeError('statement-malformed', 'version, or issued in the future');
  if (part.expiresMs <= nowMs) throw new ExchangeError('statement-malformed', 'the part is past its date');
  for (const { unit } of part.units) parseUnitId(unit);
  // Reads every certificate once: one that cannot be read would stop the look-up of all hubs later.
  createDirectory([part]);
}
