// The form's part of a comparison: fields signed, filled, added or changed between two revisions.
// It must never let a signature field carry anything in but its own signature and appearance. Called by difference.ts.
import type { Change, Scope } from './difference.ts';
import { onlyAdded } from './difference.ts';
import { firstDifference, pairKey, usedElsewhere } from './equal.ts';
import { showsSomething } from './fields.ts';
import { NESTING_MAX, PdfFault } from './limits.ts';
import { isArray, isDict, isRef, isString, nameOf, type PdfDict, type PdfValue, textOf } from './values.ts';
import { dictAt, type View } from './view.ts';

/** `pageOf`: number of the page by its object number in the later revision. */
export type FormScope = Scope & { readonly pageOf: Map<number, number> };

type Context = {
  readonly name: string;
  readonly type: string | undefined;
  readonly depth: number;
  readonly parents: readonly [number, number];
};
const TOP: Context = { name: '', type: undefined, depth: 0, parents: [-1, -1] };

/** Compares the whole form; a form that did not exist may come with signature fields only. */
export function compareForm(scope: FormScope, old: PdfDict | undefined, now: PdfDict | undefined): void {
  const { before, after, changes } = scope;
  if (!now) {
    if (old) changes.push({ kind: 'form-changed', where: 'AcroForm' });
    return;
  }
  // Pairs first: widgets point to fields and pages to widgets.
  registerPairs(scope, before.get(old, 'Fields'), after.get(now, 'Fields'), 0);
  for (const key of new Set([...(old?.map.keys() ?? []), ...now.map.keys()])) {
    if (key === 'Fields' || key === 'SigFlags') continue;
    const [a, b] = [old?.map.get(key) ?? null, now.map.get(key) ?? null];
    const where = firstDifference(scope, a, b, `AcroForm.${key}`);
    if (!where) continue;
    const harmless =
      (key === 'DR' && onlyAdded(scope, a, b, 2)) ||
      (key === 'DA' && a === null) ||
      (key === 'NeedAppearances' && after.resolve(b) !== true);
    if (!harmless) changes.push({ kind: 'form-changed', where });
  }
  if (now.repeated && now !== old) changes.push({ kind: 'form-changed', where: 'AcroForm' });
  compareFields(scope, before.get(old, 'Fields'), after.get(now, 'Fields'), TOP);
}

const itemsOf = (value: PdfValue): readonly PdfValue[] => (isArray(value) ? value.items : []);
const numOf = (value: PdfValue | undefined): number => (isRef(value) ? value.num : -1);

/** Old items to new ones: by object number, direct ones by their order. */
function matched(
  a: PdfValue,
  b: PdfValue,
): { pairs: (readonly [PdfValue, PdfValue])[]; lost: PdfValue[]; added: PdfValue[] } {
  const byNum = new Map<number, PdfValue>();
  const direct: PdfValue[] = [];
  for (const item of itemsOf(b)) {
    if (isRef(item)) byNum.set(item.num, item);
    else direct.push(item);
  }
  const pairs: (readonly [PdfValue, PdfValue])[] = [];
  const lost: PdfValue[] = [];
  for (const item of itemsOf(a)) {
    const partner = isRef(item) ? byNum.get(item.num) : direct.shift();
    if (partner === undefined) lost.push(item);
    else pairs.push([item, partner]);
    if (isRef(item)) byNum.delete(item.num);
  }
  return { pairs, lost, added: [...byNum.values(), ...direct] };
}

function registerPairs(scope: FormScope, a: PdfValue, b: PdfValue, depth: number): void {
  if (depth > NESTING_MAX) throw new PdfFault('limit', 'form fields nested too deeply');
  const { pairs, added } = matched(a, b);
  for (const [old, now] of pairs) {
    scope.budget.spend(1);
    if (isRef(old) && isRef(now)) {
      const key = pairKey(old.num, now.num);
      if (scope.judgedElsewhere.has(key)) continue;
      scope.judgedElsewhere.add(key);
    }
    const [one, two] = [dictAt(scope.before, old), dictAt(scope.after, now)];
    registerPairs(scope, scope.before.get(one, 'Kids'), scope.after.get(two, 'Kids'), depth + 1);
  }
  for (const item of added) registerAdded(scope, item, depth);
}

function registerAdded(scope: FormScope, item: PdfValue, depth: number): void {
  if (depth > NESTING_MAX) throw new PdfFault('limit', 'form fields nested too deeply');
  scope.budget.spend(1);
  if (!isRef(item) || scope.judgedElsewhere.has(`+${item.num}`)) return;
  // An object that was there under another role is not a new field.
  if (scope.before.resolve(item) !== null && scope.before.resolve(item) !== scope.after.resolve(item)) return;
  scope.judgedElsewhere.add(`+${item.num}`);
  for (const kid of itemsOf(scope.after.get(dictAt(scope.after, item), 'Kids')))
    registerAdded(scope, kid, depth + 1);
}

function compareFields(scope: FormScope, a: PdfValue, b: PdfValue, context: Context): void {
  if (context.depth > NESTING_MAX) throw new PdfFault('limit', 'form fields nested too deeply');
  const { pairs, lost, added } = matched(a, b);
  for (const item of lost)
    if (scope.before.resolve(item) !== null)
      scope.changes.push({ kind: 'form-changed', where: `AcroForm.Fields ${context.name}` });
  for (const [old, now] of pairs) {
    scope.budget.spend(1);
    const [one, two] = [dictAt(scope.before, old), dictAt(scope.after, now)];
    if (one && two) compareField(scope, { old: one, now: two, nums: [numOf(old), numOf(now)] }, context);
    else if (one) scope.changes.push({ kind: 'form-changed', where: 'AcroForm.Fields' });
  }
  for (const item of added) addedField(scope, item, context);
}

function contextOf(view: View, dict: PdfDict, above: Context, parents: readonly [number, number]): Context {
  const own = textOf(view.get(dict, 'T'));
  return {
    name: own === undefined ? above.name : above.name ? `${above.name}.${own}` : own,
    type: nameOf(view.get(dict, 'FT')) ?? above.type,
    depth: above.depth + 1,
    parents,
  };
}

type FieldPair = { readonly old: PdfDict; readonly now: PdfDict; readonly nums: readonly [number, number] };

/** Keys that signing a prepared field writes. */
const SIGNING_KEYS = new Set(['V', 'AP', 'M', 'NM', 'Type', 'Subtype', 'Ff', 'F', 'AS']);
/** Keys that filling a field writes. */
const FILLING_KEYS = new Set(['V', 'AP', 'AS', 'I', 'RV', 'M', 'NM', 'MK']);

function compareField(scope: FormScope, pair: FieldPair, above: Context): void {
  const { before, after, changes } = scope;
  const { old, now } = pair;
  const context = contextOf(after, now, above, pair.nums);
  const isSignature = context.type === 'Sig';
  const signs = isSignature && before.get(old, 'V') === null && isDict(after.get(now, 'V'));
  let filled = false;
  for (const key of new Set([...old.map.keys(), ...now.map.keys()])) {
    if (key === 'Kids' || (key === 'Parent' && sameParent(old, now, above))) continue;
    const where = firstDifference(
      scope,
      old.map.get(key) ?? null,
      now.map.get(key) ?? null,
      `field ${context.name}.${key}`,
    );
    if (!where || (key === 'Ff' && before.get(old, key) === null && after.get(now, key) === 0)) continue;
    if (signs && SIGNING_KEYS.has(key) && isWidget(after, now)) continue;
    if (!isSignature && FILLING_KEYS.has(key)) filled = true;
    else if (isSignature && key === 'V')
      changes.push({ kind: 'signature-changed', where, field: context.name });
    else changes.push({ kind: 'form-changed', where, field: context.name });
  }
  if (now.repeated && now !== old) changes.push({ kind: 'form-changed', where: `field ${context.name}` });
  if (filled) changes.push({ kind: 'form-filled', where: `field ${context.name}`, field: context.name });
  if (signs) {
    changes.push(signatureAdded(scope, now, context));
    if (appearanceShared(scope, old, now))
      changes.push({ kind: 'appearance-shared', where: `field ${context.name}.AP`, field: context.name });
  }
  compareFields(scope, before.get(old, 'Kids'), after.get(now, 'Kids'), context);
}

/** A field that is no annotation, or a widget: anything else is drawn by its own rules, appearance or not. */
const isWidget = (view: View, dict: PdfDict): boolean =>
  (nameOf(view.get(dict, 'Subtype')) ?? 'Widget') === 'Widget';

const sameParent = (old: PdfDict, now: PdfDict, above: Context): boolean =>
  numOf(now.map.get('Parent')) === above.parents[1] && numOf(old.map.get('Parent')) === above.parents[0];

function pageNumber(scope: FormScope, widget: PdfDict): { page?: number } {
  const page = scope.pageOf.get(numOf(widget.map.get('P')));
  return page === undefined ? {} : { page };
}

function signatureAdded(scope: FormScope, widget: PdfDict, context: Context): Change {
  const value = scope.after.get(widget, 'V') as PdfDict;
  const contents = scope.after.get(value, 'Contents');
  return {
    kind: 'signature-added',
    where: `field ${context.name}`,
    field: context.name,
    ...(isString(contents) ? { contentsAt: contents.start } : {}),
    visible: showsSomething(scope.after, widget) || itemsOf(scope.after.get(widget, 'Kids')).length > 0,
    timeStamp: nameOf(scope.after.get(value, 'SubFilter')) === 'ETSI.RFC3161',
    ...pageNumber(scope, widget),
  };
}

/** The appearance that signing replaced was also used somewhere else in what was signed before. */
function appearanceShared(scope: FormScope, old: PdfDict, now: PdfDict): boolean {
  const { before } = scope;
  const targets = new Set<number>();
  const [a, b] = [old.map.get('AP'), now.map.get('AP')];
  if (a === undefined || firstDifference(scope, a, b ?? null, '') === undefined) return false;
  if (isRef(a)) targets.add(a.num);
  const states = before.resolve(a);
  if (isDict(states)) for (const state of states.map.values()) if (isRef(state)) targets.add(state.num);
  return targets.size > 0 && usedElsewhere(before, targets, scope.budget);
}

/** A field that was not there: only signature fields are harmless, and only when nothing is seen of an unsigned one. */
function addedField(scope: FormScope, item: PdfValue, above: Context): void {
  const { after, changes } = scope;
  if (above.depth > NESTING_MAX) throw new PdfFault('limit', 'form fields nested too deeply');
  scope.budget.spend(1);
  const dict = dictAt(after, item);
  if (!dict) return;
  const context = contextOf(after, dict, above, [-1, -1]);
  const page = pageNumber(scope, dict);
  const kids = itemsOf(after.get(dict, 'Kids'));
  if (!isWidget(after, dict))
    changes.push({ kind: 'annotation-added', where: `field ${context.name}`, ...page });
  else if (dict.repeated) changes.push({ kind: 'form-changed', where: `field ${context.name}`, ...page });
  else if (context.type === 'Sig' && isDict(after.get(dict, 'V')))
    changes.push(signatureAdded(scope, dict, context));
  else if (context.type === 'Sig' || (context.type === undefined && kids.length > 0)) {
    const kind = showsSomething(after, dict) ? 'annotation-added' : 'signature-field-added';
    changes.push({ kind, where: `field ${context.name}`, field: context.name, ...page });
  } else
    changes.push({ kind: 'form-field-added', where: `field ${context.name}`, field: context.name, ...page });
  for (const kid of kids) {
    // Widgets of a signed field show its appearance; everything else below is a field of its own.
    const inner = dictAt(after, kid);
    if (inner?.map.has('T')) addedField(scope, kid, context);
    else if (inner && !isDict(after.get(dict, 'V')) && showsSomething(after, inner))
      changes.push({ kind: 'annotation-added', where: `field ${context.name}`, ...pageNumber(scope, inner) });
  }
}
