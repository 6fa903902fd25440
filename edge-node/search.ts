// Search of the directory for people, as answers of this node. The search itself is protocol/directory-search.ts.
import { type Directory, type KnownUnit, unitStates } from '../protocol/directory.ts';
import { searchDirectory } from '../protocol/directory-search.ts';
import type { DirectoryEntry } from './core.ts';

const nameOfState = Object.fromEntries(Object.entries(unitStates).map(([name, n]) => [n, name]));
/** Units above, shown as a path. */
const PATH_MAX = 8;

/** Names of the units above, the nearest first: the same name stands in many districts. */
function pathOf(directory: Directory, parent: string): string {
  const names: string[] = [];
  for (let at = directory.unit(parent); at && names.length < PATH_MAX; at = directory.unit(at.parent))
    names.push(at.name);
  return names.join(', ');
}

export function findUnits(
  directory: Directory,
  text: string,
  options: { readonly limit: number; readonly here: ReadonlySet<string> },
): DirectoryEntry[] {
  return searchDirectory(directory, text, options).map((unit) => entryOf(unit, directory, options.here));
}

/** A unit as people see it. */
export function entryOf(unit: KnownUnit, directory: Directory, here: ReadonlySet<string>): DirectoryEntry {
  return {
    unit: unit.unit,
    code: directory.codeOf(unit.unit),
    codes: unit.aliases.map(({ code }) => code),
    name: unit.name,
    state: nameOfState[unit.state] ?? `state-${unit.state}`,
    hub: unit.hub,
    parent: unit.parent,
    here: here.has(unit.unit),
    kind: unit.kind ?? '',
    path: pathOf(directory, unit.parent),
    desks: (unit.desks ?? []).map(({ desk, name }) => ({ desk, name })),
    formerNames: (unit.formerNames ?? []).map(({ name }) => name),
    successors: unit.successors.map((each) => directory.codeOf(each)),
  };
}
