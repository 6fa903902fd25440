// The directory as a tree, one level at a time: what lies below a unit, and the way to it from the top. Pure, over the signed directory; what lies
// below whom is gathered once per directory, at the first question.

import type { Directory, KnownUnit } from '../protocol/directory.ts';
import { ExchangeError } from '../protocol/errors.ts';

/** A level is one screen; who looks for one of more types its name. */
const rowsMax = 500;
const wayMax = 16;
const belowOf = new WeakMap<Directory, ReadonlyMap<string, readonly KnownUnit[]>>();

/** By the unit above; '' for those at the top: of no unit, or of one that this directory does not know. */
function gathered(directory: Directory): ReadonlyMap<string, readonly KnownUnit[]> {
  const known = belowOf.get(directory);
  if (known) return known;
  const below = new Map<string, KnownUnit[]>();
  for (const unit of directory.units()) {
    const above = directory.unit(unit.parent) ? unit.parent : '';
    const beside = below.get(above);
    if (beside) beside.push(unit);
    else below.set(above, [unit]);
  }
  belowOf.set(directory, below);
  return below;
}

export type Level = {
  /** From the top down to the unit whose level it is; empty at the top. */
  readonly way: readonly KnownUnit[];
  readonly units: readonly { readonly unit: KnownUnit; readonly below: number }[];
};

/** The units below `under` ('': the top) by their codes, each with how many lie below it; at most 500. Throws `unit-unknown`. */
export function levelOf(directory: Directory, under: string): Level {
  const below = gathered(directory);
  const way: KnownUnit[] = [];
  // A directory that says that two units lie below each other is walked only so far.
  for (let at = directory.unit(under); at && way.length < wayMax; at = directory.unit(at.parent))
    way.unshift(at);
  if (under !== '' && way.length === 0) throw new ExchangeError('unit-unknown', under);
  const units = [...(below.get(under) ?? [])]
    .sort((a, b) => directory.codeOf(a.unit).localeCompare(directory.codeOf(b.unit), 'vi', { numeric: true }))
    .slice(0, rowsMax)
    .map((unit) => ({ unit, below: below.get(unit.unit)?.length ?? 0 }));
  return { way, units };
}

/** How many units lie directly below one. */
export const countBelow = (directory: Directory, unit: string): number =>
  gathered(directory).get(unit)?.length ?? 0;
