// The signature fields of a revision: every field of the form that has, or may get, a signature (ISO 32000-1, 12.7.4.5).
// It must never judge: it only finds the dictionaries, in bounded time, whatever loops the form has.
// Between view.ts and signature.ts.
import { FIELDS_MAX, NESTING_MAX, PdfFault } from './limits.ts';
import {
  isArray,
  isDict,
  isRef,
  isString,
  nameOf,
  type PdfDict,
  type PdfString,
  type PdfValue,
  textOf,
} from './values.ts';
import { catalogOf, dictAt, type View } from './view.ts';

/** `num`: of the field's object; -1 for a direct one. */
export type FieldNode = {
  readonly num: number;
  readonly dict: PdfDict;
  readonly name: string;
  readonly type: string | undefined;
};

export type SignatureField = FieldNode & {
  readonly signature: PdfDict;
  readonly contents: PdfString | undefined;
  /** A place of its own on a page and an appearance: something is seen there. */
  readonly visible: boolean;
};

/** Every node of the form, parents first, with what it inherits. Throws `limit`. */
export function fieldNodes(view: View): FieldNode[] {
  const form = dictAt(view, catalogOf(view).map.get('AcroForm'));
  const found: FieldNode[] = [];
  const seen = new Set<number>();
  const stack: { value: PdfValue; name: string; type: string | undefined; depth: number }[] = [];
  const push = (list: PdfValue, name: string, type: string | undefined, depth: number): void => {
    if (!isArray(list)) return;
    for (const value of [...list.items].reverse()) stack.push({ value, name, type, depth });
  };
  push(view.get(form, 'Fields'), '', undefined, 0);
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.depth > NESTING_MAX || found.length > FIELDS_MAX)
      throw new PdfFault('limit', 'too many form fields');
    const { value, depth } = next;
    if (isRef(value)) {
      if (seen.has(value.num)) continue;
      seen.add(value.num);
    }
    const dict = dictAt(view, value);
    if (!dict) continue;
    const own = textOf(view.get(dict, 'T'));
    const name = own === undefined ? next.name : next.name ? `${next.name}.${own}` : own;
    const type = nameOf(view.get(dict, 'FT')) ?? next.type;
    found.push({ num: isRef(value) ? value.num : -1, dict, name, type });
    push(view.get(dict, 'Kids'), name, type, depth + 1);
  }
  return found;
}

/** True when the widget takes place on a page and shows something of its own. */
export function showsSomething(view: View, widget: PdfDict): boolean {
  const rect = view.get(widget, 'Rect');
  const sides = isArray(rect) ? rect.items.map((side) => view.resolve(side)) : [];
  const [x1, y1, x2, y2] = sides;
  const flat = sides.length !== 4 || x1 === x2 || y1 === y2;
  const flags = view.get(widget, 'F');
  // Hidden and NoView (ISO 32000-1, table 165).
  const hidden = typeof flags === 'number' && (flags & 0x22) !== 0;
  return !flat && !hidden && isDict(view.get(widget, 'AP'));
}

/** The signed fields, in the order of the form. Two fields with one value give one entry: the first. */
export function signatureFields(view: View): SignatureField[] {
  const found: SignatureField[] = [];
  const values = new Set<PdfDict>();
  for (const node of fieldNodes(view)) {
    if (node.type !== 'Sig') continue;
    const signature = view.get(node.dict, 'V');
    if (!isDict(signature) || values.has(signature)) continue;
    values.add(signature);
    const contents = view.get(signature, 'Contents');
    found.push({
      ...node,
      signature,
      contents: isString(contents) ? contents : undefined,
      visible: showsSomething(view, node.dict),
    });
  }
  return found;
}

const PAGES_WALKED = 200_000;

/**
 * Signed signature fields that stand on a page and not in the form: tools that save a file anew forget the form. `known` are those
 * of the form. Throws `limit`.
 */
export function signatureWidgets(view: View, known: readonly SignatureField[]): SignatureField[] {
  const found: SignatureField[] = [];
  const values = new Set(known.map((one) => one.signature));
  const seen = new Set<number>();
  const stack: PdfValue[] = [catalogOf(view).map.get('Pages') ?? null];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (isRef(next)) {
      if (seen.has(next.num)) continue;
      seen.add(next.num);
    }
    if (seen.size > PAGES_WALKED) throw new PdfFault('limit', 'too many pages');
    const node = dictAt(view, next);
    const kids = view.get(node, 'Kids');
    if (isArray(kids)) for (const kid of kids.items) stack.push(kid);
    const annotations = view.get(node, 'Annots');
    for (const item of isArray(annotations) ? annotations.items : []) {
      const dict = dictAt(view, item);
      const signature = view.get(dict, 'V');
      if (!dict || nameOf(view.get(dict, 'FT')) !== 'Sig' || !isDict(signature) || values.has(signature))
        continue;
      values.add(signature);
      const contents = view.get(signature, 'Contents');
      found.push({
        num: isRef(item) ? item.num : -1,
        dict,
        name: textOf(view.get(dict, 'T')) ?? '',
        type: 'Sig',
        signature,
        contents: isString(contents) ? contents : undefined,
        visible: showsSomething(view, dict),
      });
    }
  }
  return found;
}
