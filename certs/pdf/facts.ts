// What a PDF is beside its signatures: version, encryption, what it would do when opened, and the first page's stamps. Bounded by counting
// visited values. Runs in the inspection process; it must never run, launch or fetch anything it finds.
import { PdfFault } from './limits.ts';
import { type FirstPage, readFirstPage } from './page-text.ts';
import { dictOf, isArray, isRef, nameOf, type PdfValue } from './values.ts';
import { catalogOf, type PdfFile, type View } from './view.ts';

export type PdfFacts = {
  /** 1.0 to 2.0, the later of header and catalog; null where neither says. */
  readonly version: number | null;
  readonly encrypted: boolean;
  /** What is active, by name; sorted. */
  readonly active: readonly string[];
  /** Every reachable object was looked at. */
  readonly whole: boolean;
  readonly firstPage: FirstPage;
};

/** Values looked at; 100,000 pages have about a million. */
const VISITS_MAX = 1_500_000;

const activeActions = new Set([
  'JavaScript',
  'Launch',
  'ImportData',
  'SubmitForm',
  'RichMediaExecute',
  'Rendition',
  'GoToE',
]);
const activeKinds = new Set(['RichMedia', 'Screen', 'Movie', '3D', 'FileAttachment']);

export function factsOf(file: PdfFile, view: View): PdfFacts {
  const encrypted = view.trailer.map.has('Encrypt');
  const { active, whole } = activeIn(view);
  return {
    version: versionOf(file, view),
    encrypted,
    active: [...active].sort(),
    whole,
    firstPage: readFirstPage(view),
  };
}

function versionOf(file: PdfFile, view: View): number | null {
  const head = /%PDF-(\d\.\d)/.exec(file.source.read(0, 1024).toString('latin1'))?.[1];
  let said: string | undefined;
  try {
    said = nameOf(view.get(catalogOf(view), 'Version'));
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
  }
  const versions = [head, said].filter((one) => one !== undefined && /^\d\.\d$/.test(one)).map(Number);
  return versions.length > 0 ? Math.max(...versions) : null;
}

/** Walks everything the trailer reaches. An object that cannot be read is stepped over: the rest still tells. */
function activeIn(view: View): { active: Set<string>; whole: boolean } {
  const active = new Set<string>();
  const seen = new Set<number>();
  const waiting: PdfValue[] = [view.trailer.map.get('Root') ?? null];
  let whole = true;
  for (let visits = 0; waiting.length > 0; visits++) {
    if (visits > VISITS_MAX) return { active, whole: false };
    const value = waiting.pop()!;
    if (isRef(value)) {
      if (seen.has(value.num)) continue;
      seen.add(value.num);
      try {
        waiting.push(view.resolve(value));
      } catch (error) {
        if (!(error instanceof PdfFault)) throw error;
        whole = false;
      }
    } else if (isArray(value)) for (const item of value.items) waiting.push(item);
    else {
      const dict = dictOf(value);
      if (!dict) continue;
      note(dict.map, active);
      for (const [key, item] of dict.map)
        if (key !== 'Parent' && typeof item === 'object' && item !== null) waiting.push(item);
    }
  }
  return { active, whole };
}

function note(map: ReadonlyMap<string, PdfValue>, active: Set<string>): void {
  const action = nameOf(map.get('S'));
  if (action !== undefined && activeActions.has(action)) active.add(action);
  const kind = nameOf(map.get('Subtype'));
  if (kind !== undefined && activeKinds.has(kind)) active.add(kind);
  if (map.has('JS')) active.add('JavaScript');
  if (map.has('XFA')) active.add('XFA');
  if (map.has('EF') || map.has('EmbeddedFiles')) active.add('EmbeddedFiles');
}
