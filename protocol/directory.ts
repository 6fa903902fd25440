// The signed directory, read side: parts of all hubs known, indexed for look-up. Pure. Codes are resolved here and nowhere else:
// known means exact alias; the shape of a code decides nothing (VN-DOMAIN.md 1.9). Chains are judged in certs/, not here.
import { hash, X509Certificate } from 'node:crypto';
import type { KnownUnit, OpenPart } from './directory-pages.ts';
import { ExchangeError } from './errors.ts';
import { editShards, type ShardEdit, type ShardMap } from './shards.ts';
import { keyIdOf } from './signature.ts';
import { foldedWords } from './text/fold.ts';
import type { DirectoryUnit, Foreign, Metadata } from './wire.ts';

export type { KnownUnit } from './directory-pages.ts';
export const unitStates = { active: 1, unconfirmed: 2, suspended: 3, closed: 4, invited: 5 } as const;
export type UnitStateName = keyof typeof unitStates;
/** How a unit's life ended. */
export const endings = { closed: 1, merged: 2, split: 3, moved: 4 } as const;

/** What the directory names a key for: a unit's seal, or a hub. Certificates are judged by certs/signers.ts. */
export type NamedKey =
  | { readonly kind: 'unit'; readonly id: string; readonly hub: string; readonly certificateDer: Uint8Array }
  | { readonly kind: 'hub'; readonly id: string; readonly hub: string; readonly certificateDer: Uint8Array };

export type Directory = {
  /** Changes whenever any part changes. */
  readonly stamp: string;
  readonly parts: readonly OpenPart[];
  unit(id: string): KnownUnit | undefined;
  /** Exact alias in force at `atMs`, upper-cased; `undefined` if none. */
  byCode(code: string, atMs: number): KnownUnit | undefined;
  /** By key id (32 bytes). */
  key(keyId: Uint8Array): NamedKey | undefined;
  hub(id: string): OpenPart | undefined;
  units(): Iterable<KnownUnit>;
  readonly unitCount: number;
  /** Code shown to people: the first alias, else the internal id. */
  codeOf(unit: string): string;
  /** True if the serial is revoked for use at `atMs`. */
  revoked(hub: string, serialHex: string, atMs: number): boolean;
  /** Version of a hub's part, 0 if unknown. */
  version(hub: string): number;
};

type Claims = {
  readonly units: ShardMap<readonly KnownUnit[]>;
  readonly codes: ShardMap<readonly KnownUnit[]>;
  readonly keys: ShardMap<readonly NamedKey[]>;
  readonly revocations: ReadonlyMap<string, ReadonlyMap<string, number>>;
};
const claimsOf = new WeakMap<Directory, Claims>();

/**
 * Later parts of the same hub replace earlier ones only with a higher version. Where two hubs claim one unit, code or key, the part given
 * first counts. `previous`: the directory before, whose indexes are carried over; then a change costs what it changes, not what is there.
 */
export function createDirectory(parts: readonly OpenPart[], previous?: Directory): Directory {
  const byHub = new Map<string, OpenPart>();
  for (const part of parts) {
    const known = byHub.get(part.hub);
    if (!known || known.version < part.version) byHub.set(part.hub, part);
  }
  const claims = index([...byHub.values()], previous);
  const { units, codes, keys, revocations } = claims;
  const directory: Directory = {
    stamp: [...byHub.values()]
      .map(({ hub, version }) => `${hub}.${version}`)
      .sort()
      .join(','),
    parts: [...byHub.values()],
    unit: (id) => units.get(id)?.[0],
    byCode(code, atMs) {
      const upper = code.toUpperCase();
      return codes
        .get(upper)
        ?.find(({ aliases }) =>
          aliases.some((alias) => alias.code.toUpperCase() === upper && inForce(alias, atMs)),
        );
    },
    key: (keyId) => bestOf(keys.get(Buffer.from(keyId).toString('latin1'))),
    hub: (id) => byHub.get(id),
    *units() {
      for (const [first] of units.values()) yield first!;
    },
    unitCount: units.size,
    codeOf: (id) => units.get(id)?.[0]?.aliases[0]?.code ?? id,
    revoked(hub, serialHex, atMs) {
      const fromMs = revocations.get(hub)?.get(serialHex);
      return fromMs !== undefined && fromMs <= atMs;
    },
    version: (hub) => byHub.get(hub)?.version ?? 0,
  };
  claimsOf.set(directory, claims);
  return directory;
}

function inForce(span: { readonly fromMs: number; readonly untilMs: number }, atMs: number): boolean {
  return span.fromMs <= atMs && (span.untilMs === 0 || atMs < span.untilMs);
}

/** The name that was in force then: what was sent in those days is shown as it was. */
export function nameAt(unit: DirectoryUnit, atMs: number): string {
  return unit.formerNames?.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs)?.name ?? unit.name;
}

/** Present name, and the present code or the one in force then. */
export function codeAt(unit: DirectoryUnit, atMs: number): string {
  return (unit.aliases.find((alias) => inForce(alias, atMs)) ?? unit.aliases[0])?.code ?? unit.unit;
}

function index(parts: readonly OpenPart[], previous: Directory | undefined): Claims {
  const before = previous && claimsOf.get(previous);
  const order = parts.map(({ hub }) => hub);
  // The order decides between two claims: only when the hubs known before keep theirs can their claims be carried over.
  const carried =
    before && order.filter((hub) => previous.hub(hub)).join() === previous.parts.map(({ hub }) => hub).join()
      ? before
      : undefined;
  const rankOf = new Map(order.map((hub, rank) => [hub, rank]));
  const edit: Edit = {
    units: editShards(carried?.units),
    codes: editShards(carried?.codes),
    keys: editShards(carried?.keys),
    rankOf: (hub) => rankOf.get(hub) ?? order.length,
  };
  for (const part of parts) {
    const old = carried && previous?.hub(part.hub);
    if (old === part) continue;
    const kept = new Set(
      (old?.pages ?? []).filter((page) => page !== undefined && (part.pages ?? []).includes(page)),
    );
    for (const unit of unitsBeside(old, kept)) dropUnit(edit, unit);
    for (const der of old?.hubCertificates ?? []) dropKey(edit, der, part.hub);
    for (const unit of unitsBeside(part, kept)) addUnit(edit, unit);
    for (const certificateDer of part.hubCertificates)
      addKey(edit, { kind: 'hub', id: part.hub, hub: part.hub, certificateDer });
  }
  const revocations = new Map(
    parts.map((part) => [
      part.hub,
      new Map(part.revocations.map(({ serialHex, fromMs }) => [serialHex, fromMs])),
    ]),
  );
  return { units: edit.units.done(), codes: edit.codes.done(), keys: edit.keys.done(), revocations };
}

type Edit = {
  readonly units: ShardEdit<readonly KnownUnit[]>;
  readonly codes: ShardEdit<readonly KnownUnit[]>;
  readonly keys: ShardEdit<readonly NamedKey[]>;
  readonly rankOf: (hub: string) => number;
};
type Page = NonNullable<OpenPart['pages']>[number];

/** Units of a part, but for those of pages that both versions have. */
function* unitsBeside(part: OpenPart | undefined, kept: ReadonlySet<Page>): Generator<KnownUnit> {
  if (!part) return;
  if (!part.pages) for (const unit of part.units) yield { ...unit, hub: part.hub };
  else for (const page of part.pages) if (page && !kept.has(page)) yield* page.units;
}

function put<Claim extends { readonly hub: string; readonly movedTo?: string }>(
  map: ShardEdit<readonly Claim[]>,
  key: string,
  claim: Claim,
  rankOf: Edit['rankOf'],
): void {
  const claims = map.get(key);
  if (!claims) map.set(key, [claim]);
  // Stable: of one hub, what came first stays first. A hub that has handed a unit over stands behind the one that it named.
  else
    map.set(
      key,
      [...claims, claim].sort((a, b) => handedOver(a, b) || rankOf(a.hub) - rankOf(b.hub)),
    );
}
function handedOver(a: { hub: string; movedTo?: string }, b: { hub: string; movedTo?: string }): number {
  return (a.movedTo === b.hub ? 1 : 0) - (b.movedTo === a.hub ? 1 : 0);
}
function drop<Claim>(map: ShardEdit<readonly Claim[]>, key: string, mine: (claim: Claim) => boolean): void {
  const left = map.get(key)?.filter((claim) => !mine(claim)) ?? [];
  if (left.length > 0) map.set(key, left);
  else map.delete(key);
}

function addUnit(edit: Edit, unit: KnownUnit): void {
  // A second entry of the same unit in one part says nothing.
  if (edit.units.get(unit.unit)?.some(({ hub }) => hub === unit.hub)) return;
  const [before] = edit.units.get(unit.unit) ?? [];
  put(edit.units, unit.unit, unit, edit.rankOf);
  // A unit belongs to the hub whose part was given first; what a second hub says of its codes is ignored, and of its keys, unless it was
  // handed over: what it sealed in its first hub stays good.
  const first = edit.units.get(unit.unit)![0]!;
  if (first !== unit) {
    if (unit.movedTo === first.hub) addSeals(edit, unit);
    return;
  }
  if (before)
    for (const { code } of before.aliases) drop(edit.codes, code.toUpperCase(), (claim) => claim === before);
  for (const code of new Set(unit.aliases.map(({ code }) => code.toUpperCase())))
    put(edit.codes, code, unit, edit.rankOf);
  addSeals(edit, unit);
}

function addSeals(edit: Edit, unit: KnownUnit): void {
  for (const certificateDer of unit.sealCertificates)
    addKey(edit, { kind: 'unit', id: unit.unit, hub: unit.hub, certificateDer });
}

function dropUnit(edit: Edit, { unit, hub, aliases, sealCertificates }: KnownUnit): void {
  const mine = (claim: KnownUnit) => claim.unit === unit && claim.hub === hub;
  drop(edit.units, unit, mine);
  for (const { code } of aliases) drop(edit.codes, code.toUpperCase(), mine);
  for (const der of sealCertificates) dropKey(edit, der, hub);
  // Another hub's claim that was behind ours comes into force with its codes and keys.
  const next = edit.units.get(unit)?.[0];
  if (!next) return;
  drop(edit.units, unit, (claim) => claim === next);
  addUnit(edit, next);
}

function addKey(edit: Edit, named: NamedKey): void {
  put(edit.keys, keyIdOfCertificate(named.certificateDer), named, edit.rankOf);
}
function dropKey(edit: Edit, der: Uint8Array, hub: string): void {
  drop(
    edit.keys,
    keyIdOfCertificate(der),
    (claim) => claim.hub === hub && Buffer.compare(claim.certificateDer, der) === 0,
  );
}

/** Whoever names a key that another holder has gains nothing and takes nothing away; of one holder the longest certificate counts. */
function bestOf(claims: readonly NamedKey[] | undefined): NamedKey | undefined {
  const [first, ...others] = claims ?? [];
  if (!first || others.length === 0) return first;
  const own = claims!.filter(
    ({ kind, id, hub }) => kind === first.kind && id === first.id && hub === first.hub,
  );
  const end = ({ certificateDer }: NamedKey) => new X509Certificate(certificateDer).validToDate.getTime();
  return own.reduce((best, each) => (end(each) > end(best) ? each : best));
}

/**
 * Key id of a certificate, found by walking its DER instead of parsing it whole: 125,000 of them take half a second at start. What is found
 * decides nothing; whoever uses the certificate parses and verifies it, and compares the key (certs/signers.ts).
 */
export function keyIdOfCertificate(der: Uint8Array): string {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  try {
    const element = (at: number) => {
      const first = bytes.readUInt8(at + 1);
      const more = first > 0x80 ? first - 0x80 : 0;
      const length = more > 0 ? bytes.readUIntBE(at + 2, more) : first;
      return { content: at + 2 + more, end: at + 2 + more + length };
    };
    let { content: at } = element(element(0).content);
    // Version (explicit), serial number, algorithm, issuer, validity, subject; then the key.
    const skip = bytes[at] === 0xa0 ? 6 : 5;
    for (let n = 0; n < skip; n++) at = element(at).end;
    const { end } = element(at);
    if (bytes[at] !== 0x30 || end > bytes.length) throw new RangeError('no key');
    return hash('sha256', bytes.subarray(at, end), 'buffer').toString('latin1');
  } catch {
    return readCertificate(der).keyId;
  }
}

/** Throws certificate-malformed. */
function readCertificate(der: Uint8Array): { keyId: string } {
  try {
    return { keyId: keyIdOf(new X509Certificate(der).publicKey).toString('latin1') };
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

/** A chain of reforms has a few links; more is a loop in the directory. */
export const successionsMax = 8;

/** Every unit that may get what is addressed to a closed one, over any number of reforms. */
export function heirsOf(directory: Directory, unit: string): ReadonlySet<string> {
  const heirs = new Set<string>();
  let last = [unit];
  for (let step = 0; step < successionsMax && last.length > 0; step++) {
    last = last.flatMap((each) => directory.unit(each)?.successors ?? []).filter((each) => !heirs.has(each));
    for (const each of last) heirs.add(each);
  }
  return heirs;
}

/** A unit that lives: it may be chosen, whether it is connected yet or not. */
export const inForceUnit = ({ state }: DirectoryUnit): boolean => state !== unitStates.closed;

/** The unit itself, or the single successor of a closed one; else the reason. `unit-split`: there are several, and a person must choose. */
export function destinationOf(
  directory: Directory,
  id: string,
): KnownUnit | 'unit-unknown' | 'unit-suspended' | 'unit-split' | 'unit-closed' {
  let unit = directory.unit(id);
  for (let step = 0; step < successionsMax; step++) {
    if (!unit) return 'unit-unknown';
    if (unit.state === unitStates.suspended) return 'unit-suspended';
    // Handed over to a hub whose own part has not come yet: it is on its way there.
    if (unit.state !== unitStates.closed || unit.movedTo) return unit;
    const [successor, ...others] = unit.successors;
    if (others.length > 0) return 'unit-split';
    if (!successor) return 'unit-closed';
    unit = directory.unit(successor);
  }
  return 'unit-closed';
}

const wordsOfName = new Map<string, string>([
  ['ubnd', 'uy ban nhan dan'],
  ['hdnd', 'hoi dong nhan dan'],
  ['vp', 'van phong'],
]);
/** Words of an office's name, folded, with what offices shorten written out. "&" and dashes count for nothing. */
export function nameWords(name: string): string[] {
  return foldedWords(name).flatMap((word) => wordsOfName.get(word)?.split(' ') ?? [word]);
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
