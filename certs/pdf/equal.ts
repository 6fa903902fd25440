// Decides whether a value means the same in two revisions of one document, following every reference in both at once.
// It must never recurse, loop or compare without a bound; pairs that another file judges are left to it. Under difference.ts.
import type { Budget } from './limits.ts';
import { isArray, isDict, isRef, isStream, type PdfRef, type PdfStream, type PdfValue } from './values.ts';
import type { View } from './view.ts';

export type Pairing = {
  readonly before: View;
  readonly after: View;
  readonly budget: Budget;
  /** Pairs of object numbers that are judged by their own rule (pages, fields, widgets): not followed. */
  readonly judgedElsewhere: Set<string>;
  /** Pairs found equal, or being looked at: a document is a graph with circles. */
  readonly equal: Set<string>;
};

export const pairKey = (a: number, b: number): string => (a === b ? String(a) : `${a}=${b}`);

type Job = { readonly a: PdfValue; readonly b: PdfValue; readonly path: string };

const OWN_LENGTH = new Set(['Length']);

/**
 * Undefined when equal, else the path of the first difference. Numbers of objects may differ, meaning may not. Equal results are
 * remembered in `pairing.equal`; an unequal one leaves nothing behind.
 */
export function firstDifference(
  pairing: Pairing,
  a: PdfValue,
  b: PdfValue,
  path: string,
): string | undefined {
  const fresh: string[] = [];
  const jobs: Job[] = [{ a, b, path }];
  for (let job = jobs.pop(); job; job = jobs.pop()) {
    pairing.budget.spend(1);
    if (!step(pairing, job, { jobs, fresh })) {
      for (const key of fresh) pairing.equal.delete(key);
      return job.path;
    }
  }
  return undefined;
}

/** Looks at one pair; pushes what is inside. False: different. */
function step(pairing: Pairing, job: Job, { jobs, fresh }: { jobs: Job[]; fresh: string[] }): boolean {
  const { path } = job;
  if (isRef(job.a) && isRef(job.b)) {
    const key = pairKey(job.a.num, job.b.num);
    if (pairing.equal.has(key) || pairing.judgedElsewhere.has(key)) return true;
    pairing.equal.add(key);
    fresh.push(key);
  }
  const a = isRef(job.a) ? pairing.before.resolve(job.a) : job.a;
  const b = isRef(job.b) ? pairing.after.resolve(job.b) : job.b;
  if (a === b && (typeof a !== 'object' || a === null)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isArray(a) && isArray(b)) {
    if (a.items.length !== b.items.length) return false;
    for (const [at, item] of a.items.entries())
      jobs.push({ a: item, b: b.items[at]!, path: `${path}[${at}]` });
    return true;
  }
  if (isStream(a) && isStream(b)) {
    pushKeys(jobs, a.dict.map, b.dict.map, path);
    return !b.dict.repeated && sameData(pairing, a, b);
  }
  if (isDict(a) && isDict(b)) {
    // A key given twice is read in two ways: only the very same object may have it.
    if (b.repeated && a !== b) return false;
    pushKeys(jobs, a.map, b.map, path);
    return true;
  }
  if (a.kind === 'string' && b.kind === 'string') return a.bytes.equals(b.bytes);
  return a.kind === 'name' && b.kind === 'name' && a.name === b.name;
}

function pushKeys(
  jobs: Job[],
  a: ReadonlyMap<string, PdfValue>,
  b: ReadonlyMap<string, PdfValue>,
  path: string,
): void {
  for (const [key, value] of a)
    if (!OWN_LENGTH.has(key)) jobs.push({ a: value, b: b.get(key) ?? null, path: `${path}.${key}` });
  for (const [key, value] of b)
    if (!a.has(key) && !OWN_LENGTH.has(key)) jobs.push({ a: null, b: value, path: `${path}.${key}` });
}

const PIECE_BYTES = 256 * 1024;

function sameData({ before, after, budget }: Pairing, a: PdfStream, b: PdfStream): boolean {
  const [one, two] = [before.dataOf(a), after.dataOf(b)];
  if (one.to - one.from !== two.to - two.from) return false;
  if (one.from === two.from) return true;
  for (let done = 0; one.from + done < one.to; done += PIECE_BYTES) {
    const size = Math.min(PIECE_BYTES, one.to - one.from - done);
    budget.hash(size * 2);
    const piece = Buffer.from(before.source.read(one.from + done, size));
    if (!piece.equals(after.source.read(two.from + done, size))) return false;
  }
  return true;
}

/**
 * True when one of `targets` is used in `view` anywhere but in the appearance of a widget. A replaced appearance that something
 * else uses may be prepared for a swap ("shadow content").
 */
export function usedElsewhere(view: View, targets: ReadonlySet<number>, budget: Budget): boolean {
  const seen = new Set<number>();
  const stack: PdfValue[] = [...view.trailer.map].filter(([key]) => key !== 'Prev').map(([, value]) => value);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    budget.spend(1);
    if (isRef(value)) {
      if (targets.has(value.num)) return true;
      if (seen.has(value.num)) continue;
      seen.add(value.num);
    }
    const here = view.resolve(value as PdfRef);
    if (isArray(here)) for (const item of here.items) stack.push(item);
    const dict = isDict(here) ? here : isStream(here) ? here.dict : undefined;
    if (!dict) continue;
    const widget = dict.map.get('Subtype');
    const isWidget = typeof widget === 'object' && widget?.kind === 'name' && widget.name === 'Widget';
    for (const [key, inner] of dict.map) if (!(isWidget && key === 'AP')) stack.push(inner);
  }
  return false;
}
