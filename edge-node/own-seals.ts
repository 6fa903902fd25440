// Does the directory name a seal for one of our units whose key this machine does not hold? Its hub could then sign in the unit's name
// (docs/THREATS.md). And which of our seals are withdrawn, or were followed by another: what they signed and nobody took is signed anew.
// Must never take for foreign what this machine had before, or what a renewal has just asked for.
import { existsSync } from 'node:fs';
import { type Certificate, parseCertificate } from '../certs/certificate.ts';
import { loadHeldKey } from '../certs/keys.ts';
import { signedCodec } from '../protocol/codec.ts';
import type { Directory } from '../protocol/directory.ts';
import { type ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { sealPair, type UnitIdentity } from './identity.ts';

export type ForeignSeal = { readonly unit: string; readonly code: string; readonly serialHex: string };

/**
 * Seals that began after the one this machine holds and are of another key. Earlier ones are those of a box before this one, or of our own
 * keys before a renewal. A store that was set back to a time before a renewal finds its own next seal here: that too is for a person.
 */
export function foreignSeals(
  directory: Directory,
  units: readonly UnitIdentity[],
  dir: string,
): ForeignSeal[] {
  return units.flatMap(({ unit, code, certificate: own }) => {
    const newer = (directory.unit(unit)?.sealCertificates ?? [])
      .map(parseCertificate)
      .filter(({ keyId, notBeforeMs }) => keyId !== own.keyId && notBeforeMs > own.notBeforeMs);
    return newer
      .filter(({ keyId }) => keyId !== nextKeyId(dir, unit))
      .map(({ serialHex }: Certificate) => ({ unit, code, serialHex }));
  });
}

/**
 * The hub will never take these bytes: the seal under them ended or was withdrawn before anybody had accepted them, and the unit holds another
 * one now. While it is the present one they wait (watch.ts tells the operator).
 */
export function sealWornOut(
  problem: ExchangeError,
  { unit, signed }: { readonly unit: string; readonly signed: Uint8Array },
  units: readonly UnitIdentity[],
): boolean {
  if (!isExchangeError(problem, 'certificate-expired', 'certificate-revoked')) return false;
  const present = units.find((each) => each.unit === unit)?.key.keyId;
  const sealedBy = signedCodec.decode(signed).signature?.keyId;
  return present !== undefined && sealedBy !== undefined && Buffer.compare(present, sealedBy) !== 0;
}

/** Units whose present seal is withdrawn: nothing of them is taken by anybody until they are enrolled anew. */
export function withdrawnSeals(
  directory: Directory,
  units: readonly UnitIdentity[],
  { hub, nowMs }: { readonly hub: string; readonly nowMs: number },
): readonly UnitIdentity[] {
  const withdrawn = new Set(
    (directory.hub(hub)?.revocations ?? []).flatMap(({ serialHex, fromMs }) =>
      fromMs <= nowMs ? [serialHex.toLowerCase()] : [],
    ),
  );
  return units.filter(({ certificate }) => withdrawn.has(certificate.serialHex.toLowerCase()));
}

/** Of the renewal that is under way: the hub names it in the directory before it is used. */
function nextKeyId(dir: string, unit: string): string | undefined {
  const { nextKey } = sealPair(dir, unit);
  return existsSync(nextKey) ? loadHeldKey(nextKey).keyId : undefined;
}
