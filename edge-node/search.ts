// Search of the directory for people: by code, by words of the name, without regard to case and Vietnamese diacritics. Pure; the folded
// names are kept per directory, since a clerk types letter by letter.
import { type Directory, type KnownUnit, unitStates } from '../protocol/directory.ts';
import type { DirectoryEntry } from './core.ts';

type Folded = { readonly unit: KnownUnit; readonly codes: readonly string[]; readonly name: string };
const kept = new WeakMap<Directory, readonly Folded[]>();

/** "Ủy ban Đông Hà" -> "uy ban dong ha". Đ has no decomposition, so it is named. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('đ', 'd')
    .replace(/\s+/g, ' ')
    .trim();
}

function foldedOf(directory: Directory): readonly Folded[] {
  const known = kept.get(directory);
  if (known) return known;
  const folded = [...directory.units()].map((unit) => ({
    unit,
    codes: unit.aliases.map(({ code }) => fold(code)),
    name: fold(unit.name),
  }));
  kept.set(directory, folded);
  return folded;
}

const nameOfState = Object.fromEntries(Object.entries(unitStates).map(([name, n]) => [n, name]));

/** Exact code, then code prefix, then the name's beginning, then all words somewhere in it. */
function rank({ codes, name }: Folded, text: string, words: readonly string[]): number {
  if (codes.includes(text)) return 0;
  if (codes.some((code) => code.startsWith(text))) return 1;
  if (name.startsWith(text)) return 2;
  if (name.includes(text)) return 3;
  return words.every((word) => name.includes(word)) ? 4 : -1;
}

export function searchDirectory(
  directory: Directory,
  text: string,
  options: { readonly limit: number; readonly here: ReadonlySet<string> },
): DirectoryEntry[] {
  const wanted = fold(text.slice(0, 300));
  const words = wanted.split(' ');
  return foldedOf(directory)
    .map((folded) => ({ folded, rank: rank(folded, wanted, words) }))
    .filter((found) => found.rank >= 0)
    .sort((a, b) => a.rank - b.rank || (a.folded.codes[0] ?? '').localeCompare(b.folded.codes[0] ?? ''))
    .slice(0, options.limit)
    .map(({ folded: { unit } }) => ({
      unit: unit.unit,
      code: directory.codeOf(unit.unit),
      codes: unit.aliases.map(({ code }) => code),
      name: unit.name,
      state: nameOfState[unit.state] ?? `state-${unit.state}`,
      hub: unit.hub,
      parent: unit.parent,
      here: options.here.has(unit.unit),
    }));
}
