// XML text → a small tree of elements, with saxes; the only user of that library. Attachment text has been cut out before (scan.ts).
// Prefixes need not be declared: senders forget it. It must never follow a reference, expand an entity or keep comments and instructions.
import { SaxesParser } from 'saxes';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Bounds } from './bounds.ts';

export type Element = {
  readonly local: string;
  readonly prefix: string;
  /** undefined: the prefix is not declared. */
  readonly uri: string | undefined;
  readonly attributes: readonly {
    readonly name: string;
    readonly uri: string | undefined;
    readonly value: string;
  }[];
  readonly children: (Element | string)[];
  /** Number of the text cut out of this element, in the order of the message. */
  cut?: number;
};

export type XmlReader = {
  /** Codes: edxml-malformed, edxml-too-large, and what `onDeclaration` and `onRoot` throw. */
  write(text: string): void;
  /** The elements that are open, outermost first. */
  readonly open: readonly Element[];
  /** The root, once the whole document has been well-formed. */
  close(): Element;
};
export type XmlEvents = {
  onDeclaration(encoding: string | undefined): void;
  onRoot(root: Element): void;
};

type Scope = ReadonlyMap<string, string>;
const outermost: Scope = new Map([
  ['', ''],
  ['xml', 'http://www.w3.org/XML/1998/namespace'],
]);
const split = (name: string): [string, string] => {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
};

/** Children and values of one start tag in the scope of its parent. */
function elementOf(
  tag: { readonly name: string; readonly attributes: Readonly<Record<string, string>> },
  outer: Scope,
): { readonly element: Element; readonly scope: Scope } {
  const all = Object.entries(tag.attributes);
  const declared = all.filter(([name]) => name === 'xmlns' || name.startsWith('xmlns:'));
  const scope =
    declared.length === 0
      ? outer
      : new Map([
          ...outer,
          ...declared.map(([name, uri]) => [name === 'xmlns' ? '' : name.slice(6), uri] as const),
        ]);
  const [prefix, local] = split(tag.name);
  const attributes = all
    .filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'))
    .map(([qualified, value]) => {
      const [attributePrefix, name] = split(qualified);
      return { name, uri: attributePrefix === '' ? '' : scope.get(attributePrefix), value };
    });
  return { element: { local, prefix, uri: scope.get(prefix), attributes, children: [] }, scope };
}

export function createXmlReader(bounds: Bounds, events: XmlEvents): XmlReader {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const open: Element[] = [];
  const scopes: Scope[] = [outermost];
  let root: Element | undefined;
  let elements = 0;
  let attributes = 0;
  const tooLarge = (what: string) => new ExchangeError('edxml-too-large', what);

  parser.on('error', (error) => {
    throw new ExchangeError('edxml-malformed', error.message.replace(/\s+/g, ' ').slice(0, 200));
  });
  parser.on('xmldecl', ({ encoding }) => events.onDeclaration(encoding));
  parser.on('doctype', () => {
    throw new ExchangeError('edxml-dtd-refused', 'a DOCTYPE');
  });
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > bounds.attributesMax)
      throw tooLarge(`more than ${bounds.attributesMax} attributes in one tag`);
  });
  parser.on('opentag', (tag) => {
    attributes = 0;
    elements += 1;
    if (elements > bounds.elementsMax) throw tooLarge(`more than ${bounds.elementsMax} elements`);
    if (open.length >= bounds.depthMax) throw tooLarge(`elements nested deeper than ${bounds.depthMax}`);
    const { element, scope } = elementOf(tag, scopes.at(-1)!);
    open.at(-1)?.children.push(element);
    open.push(element);
    scopes.push(scope);
    if (open.length > 1 || root) return;
    root = element;
    events.onRoot(element);
  });
  parser.on('closetag', () => {
    open.pop();
    scopes.pop();
  });
  const text = (piece: string): void => void open.at(-1)?.children.push(piece);
  parser.on('text', text);
  parser.on('cdata', text);

  return {
    write: (piece) => void parser.write(piece),
    open,
    close() {
      parser.close();
      return root!;
    },
  };
}

/** All text of an element, whatever comments or CDATA stand inside it. */
export const textOf = (element: Element): string =>
  element.children.filter((child) => typeof child === 'string').join('');
export const elementsOf = (element: Element): Element[] =>
  element.children.filter((child) => typeof child !== 'string');
