// The signed directory, read side: parts of all hubs known, indexed for look-up. Pure. Codes are resolved here and nowhere else:
// known means exact alias; the shape of a code decides nothing (VN-DOMAIN.md 1.9). Chains are judged in certs/, not here.
import { X509Certificate } from 'node:crypto';
import { ExchangeError } from './errors.ts';
import { keyIdOf } from './signature.ts';
import type { DirectoryPart, DirectoryUnit, Foreign, Metadata } from './wire.ts';

export const unitStates = { active: 1, unconfirmed: 2, suspended: 3, closed: 4, invited: 5 } as const;
export type UnitStateName = keyof typeof unitStates;

export type KnownUnit = DirectoryUnit & { readonly hub: string };
/** What the directory names a key for: a unit's seal, or a hub. Certificates are judged by certs/signers.ts. */
export type NamedKey =
  | { readonly kind: 'unit'; readonly id: string; readonly hub: string; readonly certificateDer: Uint8Array }
  | { readonly kind: 'hub'; readonly id: string; readonly hub: string; readonly certificateDer: Uint8Array };

export type Directory = {
  /** Changes whenever any part changes. */
  readonly stamp: string;
  readonly parts: readonly DirectoryPart[];
  unit(id: string): KnownUnit | undefined;
  /** Exact alias in force at `atMs`, upper-cased; `undefined` if none. */
  byCode(code: string, atMs: number): KnownUnit | undefined;
  /** By key id (32 bytes). */
  key(keyId: Uint8Array): NamedKey | undefined;
  hub(id: string): DirectoryPart | undefined;
  units(): Iterable<KnownUnit>;
  /** Code shown to people: the first alias, else the internal id. */
  codeOf(unit: string): string;
  /** True if the serial is revoked for use at `atMs`. */
  revoked(hub: string, serialHex: string, atMs: number): boolean;
  /** Version of a hub's part, 0 if unknown. */
  version(hub: string): number;
};

/** Later parts of the same hub replace earlier ones only with a higher version. */
export function createDirectory(parts: readonly DirectoryPart[]): Directory {
  const byHub = new Map<string, DirectoryPart>();
  for (const part of parts) {
    const known = byHub.get(part.hub);
    if (!known || known.version < part.version) byHub.set(part.hub, part);
  }
  const units = new Map<string, KnownUnit>();
  const codes = new Map<string, KnownUnit[]>();
  const keys = new Map<string, NamedKey>();
  const revocations = new Map<string, number>();
  for (const part of byHub.values()) {
    for (const unit of part.units) addUnit(part, unit);
    for (const der of part.hubCertificates)
      addKey({ kind: 'hub', id: part.hub, hub: part.hub, certificateDer: der });
    for (const { serialHex, fromMs } of part.revocations) revocations.set(`${part.hub} ${serialHex}`, fromMs);
  }

  function addUnit(part: DirectoryPart, plain: DirectoryUnit): void {
    // A unit belongs to the hub whose part was given first; a second hub claiming it is ignored.
    if (units.has(plain.unit)) return;
    const unit: KnownUnit = { ...plain, hub: part.hub };
    units.set(unit.unit, unit);
    for (const { code } of unit.aliases) {
      const upper = code.toUpperCase();
      codes.set(upper, [...(codes.get(upper) ?? []), unit]);
    }
    for (const der of unit.sealCertificates)
      addKey({ kind: 'unit', id: unit.unit, hub: part.hub, certificateDer: der });
  }

  /** Whoever names a key that another holder has gains nothing and takes nothing away; of one holder the longest certificate counts. */
  function addKey(named: NamedKey): void {
    const { keyId, notAfterMs } = readCertificate(named.certificateDer);
    const before = keys.get(keyId);
    if (before) {
      if (before.kind !== named.kind || before.id !== named.id || before.hub !== named.hub) return;
      if (readCertificate(before.certificateDer).notAfterMs >= notAfterMs) return;
    }
    keys.set(keyId, named);
  }

  return {
    stamp: [...byHub.values()]
      .map(({ hub, version }) => `${hub}.${version}`)
      .sort()
      .join(','),
    parts: [...byHub.values()],
    unit: (id) => units.get(id),
    byCode(code, atMs) {
      const upper = code.toUpperCase();
      return codes
        .get(upper)
        ?.find(({ aliases }) =>
          aliases.some(
            (alias) =>
              alias.code.toUpperCase() === upper &&
              alias.fromMs <= atMs &&
              (alias.untilMs === 0 || atMs < alias.untilMs),
          ),
        );
    },
    key: (keyId) => keys.get(Buffer.from(keyId).toString('latin1')),
    hub: (id) => byHub.get(id),
    units: () => units.values(),
    codeOf: (id) => units.get(id)?.aliases[0]?.code ?? id,
    revoked(hub, serialHex, atMs) {
      const fromMs = revocations.get(`${hub} ${serialHex}`);
      return fromMs !== undefined && fromMs <= atMs;
    },
    version: (hub) => byHub.get(hub)?.version ?? 0,
  };
}

function readCertificate(der: Uint8Array): { keyId: string; notAfterMs: number } {
  try {
    const certificate = new X509Certificate(der);
    return {
      keyId: keyIdOf(certificate.publicKey).toString('latin1'),
      notAfterMs: certificate.validToDate.getTime(),
    };
  } catch (cause) {
    throw new ExchangeError('certificate-malformed', 'in the directory', { cause });
  }
}

/**
 * Whom a border sealed for, by the block that it sealed; undefined for every unit that seals for itself. The office named has signed
 * nothing: this is the border's word (PROTOCOL.md 16). What other units write into that field says nothing.
 */
export function foreignSender(
  directory: Directory,
  sender: string,
  metadata: Pick<Metadata, 'foreign'> | undefined,
): Foreign | undefined {
  const unit = directory.unit(sender);
  return unit?.border === sender && metadata?.foreign?.code ? metadata.foreign : undefined;
}

/** Resolves an address `[desk@]code` or an internal id. Throws `unit-unknown` naming the code. */
export function resolveAddress(
  directory: Directory,
  address: string,
  atMs: number,
): { unit: KnownUnit; desk: string } {
  const at = address.indexOf('@');
  const desk = at < 0 ? '' : address.slice(0, at);
  const code = at < 0 ? address : address.slice(at + 1);
  const unit = directory.byCode(code, atMs) ?? directory.unit(code);
  if (!unit) throw new ExchangeError('unit-unknown', code.slice(0, 64));
  return { unit, desk };
}
