// Finding units as one types: by code, by the beginning of words, without regard to diacritics, case and the place of tones. Pure. The index is
// made at the first search of a directory, or before it in steps, and carried over to the next: only pages that changed are looked at again.
import type { Directory, KnownUnit } from './directory.ts';
import { fold } from './text/fold.ts';

type Entry = {
  readonly unit: KnownUnit;
  readonly codes: readonly string[];
  readonly name: string;
  readonly words: readonly string[];
};
type Index = {
  readonly entries: readonly Entry[];
  /** Distinct words in order, so that a prefix is a range, and for each the entries that have it. */
  readonly words: readonly string[];
  readonly places: readonly (readonly number[])[];
};
const entriesOf = new WeakMap<KnownUnit, Entry>();
const indexes = new WeakMap<Directory, Index>();

/** What clerks leave out or shorten, as it is found in names of offices. Each side finds the other. */
const shortForms: Readonly<Record<string, string>> = {
  ubnd: 'uy ban nhan dan',
  hdnd: 'hoi dong nhan dan',
  ub: 'uy ban',
  tt: 'thi tran',
  tp: 'thanh pho',
  tx: 'thi xa',
};

const plainCode = /^[A-Za-z0-9._-]+$/;
const wordsOf = /[\p{L}\p{N}]+/gu;

function entryOf(unit: KnownUnit): Entry {
  const known = entriesOf.get(unit);
  if (known) return known;
  // Nearly all codes are plain; folding is what the first search of a large directory spends its time on.
  const codes = unit.aliases.map(({ code }) => (plainCode.test(code) ? code.toLowerCase() : fold(code)));
  const name = fold(unit.name);
  const words = [...new Set([...(name.match(wordsOf) ?? []), ...codes])];
  const entry = { unit, codes, name, words };
  entriesOf.set(unit, entry);
  return entry;
}

/** Units looked at between two steps: some milliseconds. */
const unitsPerStep = 500;

/**
 * Makes the index in steps, so that a program that serves others can do something else between them; the first search need not wait for it
 * then. Whoever stops in the middle loses nothing: what was folded is kept with its unit.
 */
export function* prepareSearch(directory: Directory): Generator<void, void> {
  if (indexes.has(directory)) return;
  const entries: Entry[] = [];
  const found = new Map<string, number[]>();
  for (const unit of directory.units()) {
    const entry = entryOf(unit);
    for (const word of entry.words) {
      const places = found.get(word);
      if (places) places.push(entries.length);
      else found.set(word, [entries.length]);
    }
    entries.push(entry);
    if (entries.length % unitsPerStep === 0) yield;
  }
  const words = yield* sorted([...found.keys()]);
  indexes.set(directory, { entries, words, places: words.map((word) => found.get(word)!) });
}

/** In order of code units, merged from runs that are sorted one at a time. */
function* sorted(words: readonly string[]): Generator<void, string[]> {
  let runs: string[][] = [];
  for (let at = 0; at < words.length; at += wordsPerRun) {
    runs.push(words.slice(at, at + wordsPerRun).sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(at + 1 < runs.length ? yield* merge(runs[at]!, runs[at + 1]!) : runs[at]!);
    runs = merged;
  }
  return runs[0] ?? [];
}
const wordsPerRun = 4096;

function* merge(left: readonly string[], right: readonly string[]): Generator<void, string[]> {
  const out: string[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    out.push(left[l]! < right[r]! ? left[l++]! : right[r++]!);
    if (out.length % 16_384 === 0) yield;
  }
  for (; l < left.length; l++) out.push(left[l]!);
  for (; r < right.length; r++) out.push(right[r]!);
  return out;
}

function indexOf(directory: Directory): Index {
  if (!indexes.has(directory)) for (const _ of prepareSearch(directory));
  return indexes.get(directory)!;
}

type Found = { readonly entry: Entry; readonly rank: number };
const before = (a: Found, b: Found): boolean => {
  if (a.rank !== b.rank) return a.rank < b.rank;
  if (a.entry.name.length !== b.entry.name.length) return a.entry.name.length < b.entry.name.length;
  return (a.entry.codes[0] ?? '') < (b.entry.codes[0] ?? '');
};

/** First place at or after `word` in order. */
function lowerBound(words: readonly string[], word: string): number {
  let [from, to] = [0, words.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (words[middle]! < word) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Entries with a word that begins so; undefined when so many that looking at each candidate is cheaper. */
function withPrefix({ words, places }: Index, prefix: string): readonly (readonly number[])[] {
  const lists: (readonly number[])[] = [];
  for (let at = lowerBound(words, prefix); at < words.length && words[at]!.startsWith(prefix); at++)
    lists.push(places[at]!);
  return lists;
}

/** Exact code, code's beginning, the whole name, its beginning, its words in order, its words. Smaller is better; -1: not found. */
function rank({ codes, name, words }: Entry, text: string, wanted: readonly string[]): number {
  if (codes.includes(text)) return 0;
  if (codes.some((code) => code.startsWith(text))) return 1;
  if (name === text) return 2;
  if (name.startsWith(text)) return 3;
  if (!wanted.every((prefix) => words.some((word) => word.startsWith(prefix)))) return -1;
  return name.includes(text) ? 4 : 5;
}

/**
 * The best `limit` units for what was typed; the last word may be unfinished, as may the others. Closed units stand behind open ones, short
 * names before long ones. 125,000 units: milliseconds once the index is there (prepareSearch), else a second for the first search.
 */
export function searchDirectory(
  directory: Directory,
  text: string,
  options: { readonly limit: number },
): KnownUnit[] {
  const typed = fold(text.slice(0, 300));
  const index = indexOf(directory);
  const spelled = typed
    .split(' ')
    .map((word) => shortForms[word] ?? word)
    .join(' ');
  const wanted = spelled.split(/[^\p{L}\p{N}.]+/u).filter(Boolean);
  if (wanted.length === 0) return [];
  const lists = wanted.map((word) => withPrefix(index, word));
  const sizes = lists.map((each) => each.reduce((sum, { length }) => sum + length, 0));
  const rarest = sizes.indexOf(Math.min(...sizes));
  // The best so far, in order: "uy ban" fits every office of the country, and only a few of them are shown.
  const best: Found[] = [];
  const seen = lists[rarest]!.length === 1 ? lists[rarest]![0]! : new Set(lists[rarest]!.flat());
  for (const at of seen) {
    const entry = index.entries[at]!;
    const place = rank(entry, spelled, wanted);
    if (place < 0) continue;
    const found = { entry, rank: place + (entry.unit.state === 4 ? 10 : 0) };
    if (best.length >= options.limit && !before(found, best.at(-1)!)) continue;
    let to = best.length;
    while (to > 0 && before(found, best[to - 1]!)) to -= 1;
    best.splice(to, 0, found);
    if (best.length > options.limit) best.pop();
  }
  return best.map(({ entry }) => entry.unit);
}
