// Groups of recipients: those that a hub keeps in its signed part, and those that a unit keeps for itself. Pure. A group is resolved before a
// document is sealed: the header names every recipient. Must never walk in a circle, whatever a part says.
import { type Directory, inForceUnit, type KnownUnit } from './directory.ts';
import { ExchangeError } from './errors.ts';
import { fold } from './text/fold.ts';
import type { DirectoryGroup } from './wire.ts';

/** A unit's own group: addresses as written, which may name other groups as "group:code". */
export type OwnGroup = { readonly code: string; readonly name: string; readonly members: readonly string[] };

export const groupPrefix = 'group:';
/** "group:cac-xa" or "nhóm:cac-xa" -> "cac-xa"; undefined for any other address. */
export function groupOf(address: string): string | undefined {
  const found = /^\s*(?:group|nh[oó]m)\s*:\s*(.+?)\s*$/iu.exec(address.normalize('NFC'));
  return found?.[1]?.toLowerCase();
}

/** Units of these kinds of one hub that live, in the order of their codes. */
export function unitsOfKinds(directory: Directory, hub: string, kinds: readonly string[]): KnownUnit[] {
  const wanted = new Set(kinds.map(fold));
  const units = directory.hub(hub)?.units ?? [];
  return inOrder(
    units
      .filter(({ kind }) => kind && wanted.has(fold(kind)))
      .flatMap(({ unit }) => directory.unit(unit) ?? [])
      .filter((unit) => unit.hub === hub && inForceUnit(unit)),
  );
}

const inOrder = (units: readonly KnownUnit[]): KnownUnit[] =>
  [...units].sort((a, b) => ((a.aliases[0]?.code ?? a.unit) < (b.aliases[0]?.code ?? b.unit) ? -1 : 1));

/** Units of a hub's group, each once. `group-unknown` when the hub has none of that code. */
export function unitsOfGroup(directory: Directory, hub: string, code: string): KnownUnit[] {
  const part = directory.hub(hub);
  const groups = new Map((part?.groups ?? []).map((group) => [group.code.toLowerCase(), group]));
  if (!groups.has(code)) throw new ExchangeError('group-unknown', code.slice(0, 64));
  const found = new Map<string, KnownUnit>();
  const seen = new Set<string>();
  const walk = (group: DirectoryGroup | undefined): void => {
    if (!group || seen.has(group.code)) return;
    seen.add(group.code);
    for (const unit of unitsOfKinds(directory, hub, group.kinds)) found.set(unit.unit, unit);
    for (const { unit, groups: of } of part?.units ?? []) {
      const known = of?.includes(group.code) ? directory.unit(unit) : undefined;
      if (known?.hub === hub && inForceUnit(known)) found.set(unit, known);
    }
    for (const each of group.includes) walk(groups.get(each.toLowerCase()));
  };
  walk(groups.get(code));
  return inOrder([...found.values()]);
}

/** Members of a unit's own group with those of the groups inside it, as addresses, each once. Codes: group-cycle, group-unknown. */
export function membersOf(
  own: readonly OwnGroup[],
  code: string,
  isHubGroup: (code: string) => boolean,
): string[] {
  const groups = new Map(own.map((group) => [group.code, group]));
  const found = new Set<string>();
  const walk = (at: string, way: readonly string[]): void => {
    const group = groups.get(at);
    if (!group) {
      if (!isHubGroup(at)) throw new ExchangeError('group-unknown', at.slice(0, 64));
      found.add(`${groupPrefix}${at}`);
      return;
    }
    if (way.includes(at)) throw new ExchangeError('group-cycle', [...way, at].join(' > '));
    for (const member of group.members) {
      const inner = groupOf(member);
      if (inner === undefined) found.add(member);
      else walk(inner, [...way, at]);
    }
  };
  walk(code, []);
  return [...found];
}
