// What was added to a document after a revision, and what that does to what is seen: compares two revisions from the trailer down.
// It must never call a difference harmless that it does not know: every key without a rule must be equal. Whether a difference is
// permitted for a given signature is judged in permission.ts. Between signature.ts and judge.ts.

import { compareForm, type FormScope } from './difference-form.ts';
import { firstDifference, type Pairing, pairKey } from './equal.ts';
import { type Budget, malformed, PdfFault } from './limits.ts';
import { isArray, isDict, isRef, nameOf, type PdfDict, type PdfRef, type PdfValue } from './values.ts';
import { catalogOf, dictAt, type View } from './view.ts';

/**
 * Harmless: `signature-added` (not `visible`), `signature-field-added`, `validation-data`, `metadata`.
 * Additions to what is seen: `page-content-added`, `annotation-added`, `form-filled`, `form-field-added`, `structure-changed`, `signature-added` when `visible`.
 * Everything else changes or hides what was signed.
 */
export type ChangeKind =
  | 'signature-added'
  | 'signature-field-added'
  | 'validation-data'
  | 'metadata'
  | 'page-content-added'
  | 'annotation-added'
  | 'form-filled'
  | 'form-field-added'
  | 'structure-changed'
  | 'page-content-changed'
  | 'pages-changed'
  | 'annotation-changed'
  | 'form-changed'
  | 'signature-changed'
  | 'appearance-shared'
  | 'catalog-changed'
  | 'trailer-changed'
  | 'hidden-data'
  | 'unreadable';

export type Change = {
  readonly kind: ChangeKind;
  readonly where: string;
  /** Counted from 1. */
  readonly page?: number;
  /** Field of `signature-added`, `form-filled`. */
  readonly field?: string;
  /** Offset of the /Contents of the signature added. */
  readonly contentsAt?: number;
  readonly visible?: boolean;
  /** Of an annotation: a note that is read when it is opened, and paints nothing of its own on the page. */
  readonly noteOnly?: boolean;
  /** Of a document time stamp. */
  readonly timeStamp?: boolean;
};

export type Scope = Pairing & { readonly changes: Change[] };

const TRAILER_IGNORED = new Set([
  'Size',
  'Prev',
  'XRefStm',
  'ID',
  'Type',
  'W',
  'Index',
  'Length',
  'Filter',
  'DecodeParms',
  'Root',
  'Info',
]);

/** Every difference between the document at `before.end` and at `after.end`, harmless ones too. Throws only `limit`. */
export function differences(before: View, after: View, budget: Budget): Change[] {
  const scope: Scope = { before, after, budget, judgedElsewhere: new Set(), equal: new Set(), changes: [] };
  try {
    compareAll(scope);
  } catch (error) {
    if (!(error instanceof PdfFault) || error.code === 'limit') throw error;
    // What cannot be read cannot be called unchanged.
    scope.changes.push({ kind: 'unreadable', where: error.message });
  }
  return scope.changes;
}

function compareAll(scope: Scope): void {
  const { before, after, changes } = scope;
  const [old, now] = [catalogOf(before), catalogOf(after)];
  const oldRoot = before.trailer.map.get('Root') as PdfRef;
  const newRoot = after.trailer.map.get('Root') as PdfRef;
  // The same chain of tables reads the same bytes.
  if (before.sections.length === after.sections.length && before.sections[0]?.at === after.sections[0]?.at)
    return;
  scope.judgedElsewhere.add(pairKey(oldRoot.num, newRoot.num));
  const pages = pairPages(scope, old, now);
  const form: FormScope = { ...scope, pageOf: new Map() };
  for (const [at, pair] of pages.entries()) form.pageOf.set(pair.now, at + 1);
  compareForm(form, dictAt(before, old.map.get('AcroForm')), dictAt(after, now.map.get('AcroForm')));
  for (const [at, pair] of pages.entries()) comparePage(scope, pair, at + 1);
  compareCatalogs(scope, old, now);
  compareTrailers(scope);
  if (now.repeated && now !== old) changes.push({ kind: 'catalog-changed', where: 'Root' });
}

function compareTrailers({ before, after, changes, ...rest }: Scope): void {
  const keys = new Set([...before.trailer.map.keys(), ...after.trailer.map.keys()]);
  for (const key of keys) {
    if (TRAILER_IGNORED.has(key)) continue;
    const [a, b] = [before.trailer.map.get(key) ?? null, after.trailer.map.get(key) ?? null];
    const where = firstDifference({ before, after, ...rest }, a, b, `trailer.${key}`);
    if (where) changes.push({ kind: 'trailer-changed', where });
  }
  const [a, b] = [before.trailer.map.get('Info') ?? null, after.trailer.map.get('Info') ?? null];
  if (firstDifference({ before, after, ...rest }, a, b, 'trailer.Info'))
    changes.push({ kind: 'metadata', where: 'Info' });
}

/** Keys of the catalog that say something about the file and show nothing. */
const CATALOG_RULES: Readonly<Record<string, ChangeKind>> = {
  DSS: 'validation-data',
  Metadata: 'metadata',
  Extensions: 'metadata',
  Version: 'metadata',
  LastModified: 'metadata',
  // Tags for screen readers; some signing tools add one for the field. Nothing is seen of them, much may be read.
  StructTreeRoot: 'structure-changed',
};

function compareCatalogs(scope: Scope, old: PdfDict, now: PdfDict): void {
  for (const key of new Set([...old.map.keys(), ...now.map.keys()])) {
    if (key === 'Pages' || key === 'AcroForm') continue;
    const [a, b] = [old.map.get(key) ?? null, now.map.get(key) ?? null];
    const where = firstDifference(scope, a, b, `Root.${key}`);
    if (where) scope.changes.push({ kind: CATALOG_RULES[key] ?? 'catalog-changed', where });
  }
}

type PagePair = {
  readonly old: PdfDict;
  readonly new: PdfDict;
  readonly now: number;
  readonly oldParent: number;
  readonly newParent: number;
};
type Node = {
  readonly a: PdfRef;
  readonly b: PdfRef;
  readonly parents: readonly [number, number];
  readonly depth: number;
};

/** Walks both page trees together. Another shape is `pages-changed`. Pairs are registered, so that links to pages are not followed. */
function pairPages(scope: Scope, old: PdfDict, now: PdfDict): PagePair[] {
  const { before, after, changes, budget } = scope;
  const [a, b] = [old.map.get('Pages'), now.map.get('Pages')];
  if (!isRef(a) || !isRef(b)) throw malformed('the page tree is missing');
  const pairs: PagePair[] = [];
  const intermediate: { a: PdfDict; b: PdfDict }[] = [];
  const stack: Node[] = [{ a, b, parents: [-1, -1], depth: 0 }];
  const seen = new Set<number>();
  const changed = (where: string): void => void changes.push({ kind: 'pages-changed', where });
  for (let node = stack.pop(); node; node = stack.pop()) {
    budget.spend(2);
    if (seen.has(node.a.num) || node.depth > 60) throw malformed('the page tree leads round in a circle');
    seen.add(node.a.num);
    const [one, two] = [before.resolve(node.a), after.resolve(node.b)];
    if (!isDict(one) || !isDict(two)) {
      changed('Pages');
      continue;
    }
    scope.judgedElsewhere.add(pairKey(node.a.num, node.b.num));
    if (!sameParents(one, two, node.parents)) changed('Pages.Parent');
    const [kidsA, kidsB] = [before.get(one, 'Kids'), after.get(two, 'Kids')];
    if (!isArray(kidsA) && !isArray(kidsB)) {
      pairs.push({
        old: one,
        new: two,
        now: node.b.num,
        oldParent: node.parents[0],
        newParent: node.parents[1],
      });
      continue;
    }
    if (!isArray(kidsA) || !isArray(kidsB) || kidsA.items.length !== kidsB.items.length) {
      changed('Pages.Kids');
      continue;
    }
    intermediate.push({ a: one, b: two });
    for (let at = kidsA.items.length - 1; at >= 0; at--) {
      const [kidA, kidB] = [kidsA.items[at], kidsB.items[at]];
      if (isRef(kidA) && isRef(kidB))
        stack.push({ a: kidA, b: kidB, parents: [node.a.num, node.b.num], depth: node.depth + 1 });
      else changed('Pages.Kids');
    }
  }
  for (const pair of intermediate) compareKeys(scope, pair.a, pair.b, 'Pages', ['Kids', 'Parent']);
  return pairs;
}

function sameParents(a: PdfDict, b: PdfDict, [oldParent, newParent]: readonly [number, number]): boolean {
  const numOf = (value: PdfValue | undefined): number => (isRef(value) ? value.num : -1);
  const [one, two] = [numOf(a.map.get('Parent')), numOf(b.map.get('Parent'))];
  // The inherited resources come from where Parent points, not from where the tree was entered.
  return two === newParent || (one !== oldParent && one === two);
}

function compareKeys(scope: Scope, a: PdfDict, b: PdfDict, path: string, except: readonly string[]): void {
  for (const key of new Set([...a.map.keys(), ...b.map.keys()])) {
    if (except.includes(key)) continue;
    const where = firstDifference(scope, a.map.get(key) ?? null, b.map.get(key) ?? null, `${path}.${key}`);
    if (where) scope.changes.push({ kind: 'pages-changed', where });
  }
  if (b.repeated && a !== b) scope.changes.push({ kind: 'pages-changed', where: path });
}

function comparePage(scope: Scope, pair: PagePair, page: number): void {
  const { old, new: now } = pair;
  const path = `page ${page}`;
  compareKeys(scope, old, now, path, ['Parent', 'Annots', 'Contents', 'Resources', 'LastModified', 'Tabs']);
  const value = (dict: PdfDict, key: string): PdfValue => dict.map.get(key) ?? null;
  const contents = firstDifference(scope, value(old, 'Contents'), value(now, 'Contents'), `${path}.Contents`);
  if (contents) {
    const kind = contentAdded(scope, old, now) ? 'page-content-added' : 'page-content-changed';
    scope.changes.push({ kind, where: contents, page });
  }
  const [had, has] = [inherited(scope.before, old, 'Resources'), inherited(scope.after, now, 'Resources')];
  const resources = firstDifference(scope, had, has, `${path}.Resources`);
  if (resources) {
    const kind = onlyAdded(scope, had, has, 2) ? 'page-content-added' : 'page-content-changed';
    scope.changes.push({ kind, where: resources, page });
  }
  compareAnnotations(scope, pair, page);
}

/** The page's own value, else of the nearest node above it (ISO 32000-1, 7.7.3.4): a page may come to have its own. */
function inherited(view: View, page: PdfDict, key: string): PdfValue {
  let node: PdfDict | undefined = page;
  for (let depth = 0; node && depth < 60; depth++) {
    const value = node.map.get(key);
    if (value !== undefined && value !== null) return value;
    node = dictAt(view, node.map.get('Parent'));
  }
  return null;
}

/** True when every old content stream is still there, unchanged and in order, among new ones. */
function contentAdded(scope: Scope, old: PdfDict, now: PdfDict): boolean {
  const partsOf = (view: View, dict: PdfDict): readonly PdfValue[] => {
    const value = view.get(dict, 'Contents');
    return isArray(value) ? value.items : value === null ? [] : [dict.map.get('Contents') ?? null];
  };
  const added = [...partsOf(scope.after, now)];
  for (const part of partsOf(scope.before, old)) {
    const at = added.findIndex((candidate) => firstDifference(scope, part, candidate, '') === undefined);
    if (at < 0) return false;
    added.splice(0, at + 1);
  }
  return true;
}

/** Dictionaries may have more keys than before, down to `depth`; what was there must be equal. */
export function onlyAdded(scope: Pairing, a: PdfValue, b: PdfValue, depth: number): boolean {
  const [one, two] = [scope.before.resolve(a), scope.after.resolve(b)];
  if (one === null) return true;
  if (depth === 0 || !isDict(one) || !isDict(two)) return firstDifference(scope, a, b, '') === undefined;
  if (two.repeated) return false;
  return [...one.map].every(([key, value]) => onlyAdded(scope, value, two.map.get(key) ?? null, depth - 1));
}

function compareAnnotations(scope: Scope, pair: PagePair, page: number): void {
  const { before, after, changes } = scope;
  const listOf = (view: View, dict: PdfDict): readonly PdfValue[] => {
    const value = view.get(dict, 'Annots');
    return isArray(value) ? value.items : [];
  };
  const now = listOf(after, pair.new);
  const left = new Set(now.map((_, at) => at));
  for (const item of listOf(before, pair.old)) {
    const at = now.findIndex((candidate, index) => left.has(index) && sameObject(item, candidate));
    const where = `page ${page}.Annots`;
    if (at < 0) {
      if (before.resolve(item) !== null) changes.push({ kind: 'annotation-changed', where, page });
      continue;
    }
    left.delete(at);
    if (isRef(item) && scope.judgedElsewhere.has(pairKey(item.num, (now[at] as PdfRef).num))) continue;
    const difference = firstDifference(scope, item, now[at]!, where);
    const noteOnly = isNote(before, dictAt(before, item)) && isNote(after, dictAt(after, now[at]));
    if (difference) changes.push({ kind: 'annotation-changed', where: difference, page, noteOnly });
  }
  for (const at of left) {
    const item = now[at]!;
    // Widgets of new fields are judged with the form.
    if (isRef(item) && scope.judgedElsewhere.has(`+${item.num}`)) continue;
    const dict = dictAt(after, item);
    if (dict)
      changes.push({
        kind: 'annotation-added',
        where: `page ${page}: ${nameOf(dict.map.get('Subtype')) ?? '?'}`,
        page,
        noteOnly: isNote(after, dict),
      });
  }
}

/** A sticky note or its window, drawn by the reader. With an appearance of its own, or of another kind, it may cover or black out what was signed. */
const isNote = (view: View, dict: PdfDict | undefined): boolean =>
  ['Text', 'Popup'].includes(nameOf(view.get(dict, 'Subtype')) ?? '') && view.get(dict, 'AP') === null;

function sameObject(a: PdfValue, b: PdfValue): boolean {
  if (isRef(a) && isRef(b)) return a.num === b.num && a.gen === b.gen;
  return !isRef(a) && !isRef(b);
}
