// Does the directory name a seal for one of our units whose key this machine does not hold? Its hub could then sign in the unit's name
// (docs/THREATS.md). Must never take for foreign what this machine had before, or what a renewal has just asked for.
import { existsSync } from 'node:fs';
import { type Certificate, parseCertificate } from '../certs/certificate.ts';
import { loadHeldKey } from '../certs/keys.ts';
import type { Directory } from '../protocol/directory.ts';
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

/** Of the renewal that is under way: the hub names it in the directory before it is used. */
function nextKeyId(dir: string, unit: string): string | undefined {
  const { nextKey } = sealPair(dir, unit);
  return existsSync(nextKey) ? loadHeldKey(nextKey).keyId : undefined;
}
