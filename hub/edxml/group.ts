// One element of a message, read by the names of its children: order and prefixes do not matter. What nobody asks for is kept as an extra,
// so that it passes through untouched. A value that may occur once and occurs twice is refused: two readers would see two messages.
import { ExchangeError } from '../../protocol/errors.ts';
import { type Extra, qcvnNamespace, type WarningCode, type XmlNode } from './model.ts';
import { readDate, readTime } from './times.ts';
import { type Element, elementsOf, textOf } from './xml.ts';

export type Reading = {
  readonly extras: Extra[];
  warn(code: WarningCode, at: string, en: string, vi: string): void;
};

export type Group = {
  readonly path: string;
  readonly element: Element | undefined;
  /** '' if absent. Code: edxml-field-repeated, edxml-malformed. */
  text(name: string): string;
  date(name: string): string;
  time(name: string): string;
  texts(name: string): string[];
  group(name: string): Group;
  /** Those that say something. */
  groups(name: string): Group[];
  has(name: string): boolean;
  /** Takes children without reading them. */
  skip(...names: string[]): void;
  /** Keeps every child that nobody asked for, under `at` instead of the path if given. Call last. */
  rest(at?: string): void;
};

/** Elements of the format, however they are prefixed; a foreign namespace is somebody else's field. */
const ours = (element: Element): boolean =>
  element.uri === undefined || element.uri === '' || /QCVN_102/i.test(element.uri);

/** False for an element that says nothing: empty groups are written by templates and mean that there is none. */
export const hasContent = (element: Element): boolean =>
  element.cut !== undefined ||
  element.children.some((child) => (typeof child === 'string' ? child.trim() !== '' : hasContent(child)));

const trimXml = (text: string) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');

export function openGroup(element: Element | undefined, path: string, reading: Reading): Group {
  const asked = new Set<string>();
  const children = element ? elementsOf(element) : [];
  const all = (name: string): Element[] => {
    asked.add(name);
    return children.filter((child) => child.local === name && ours(child));
  };
  const one = (name: string): Element | undefined => {
    const found = all(name);
    if (found.length > 1)
      throw new ExchangeError('edxml-field-repeated', `${path}/${name} occurs ${found.length} times`);
    return found[0];
  };
  const value = (child: Element, at: string): string => {
    if (elementsOf(child).length > 0)
      throw new ExchangeError('edxml-malformed', `${at} has elements inside, text was expected`);
    const text = trimXml(textOf(child));
    if (text !== text.normalize('NFC'))
      reading.warn('not-nfc', at, 'not in Unicode NFC (TCVN 6909)', 'chữ không ở dạng dựng sẵn (TCVN 6909)');
    return text;
  };
  const text = (name: string): string => {
    const child = one(name);
    return child ? value(child, `${path}/${name}`) : '';
  };
  const dated = (name: string, read: (text: string) => string | undefined): string => {
    const raw = text(name);
    return raw === '' ? '' : (read(raw) ?? raw);
  };
  return {
    path,
    element,
    text,
    date: (name) => dated(name, readDate),
    time: (name) => dated(name, readTime),
    texts: (name) =>
      all(name)
        .map((child, i) => value(child, `${path}/${name}[${i + 1}]`))
        .filter((found) => found !== ''),
    group: (name) => openGroup(one(name), `${path}/${name}`, reading),
    groups: (name) =>
      all(name)
        .filter(hasContent)
        .map((child, i) => openGroup(child, `${path}/${name}[${i + 1}]`, reading)),
    has: (name) => children.some((child) => child.local === name && ours(child)),
    skip(...names) {
      for (const name of names) asked.add(name);
    },
    rest(at = path) {
      const lower = new Set([...asked].map((name) => name.toLowerCase()));
      for (const child of children) {
        if (asked.has(child.local) && ours(child)) continue;
        reading.extras.push({ at, node: nodeOf(child) });
        const near = lower.has(child.local.toLowerCase()) ? '; spelled differently, so not understood' : '';
        reading.warn(
          'unknown-element',
          `${path}/${child.local}`,
          `not interpreted, kept as it is${near}`,
          'không diễn giải, giữ nguyên',
        );
      }
    },
  };
}

/** An element as an extra. White space between elements is layout; an undeclared prefix is read as that of the format. */
export function nodeOf(element: Element): XmlNode {
  const uri = element.uri ?? qcvnNamespace;
  const layout = elementsOf(element).length > 0;
  const children = element.children
    .filter((child) => typeof child !== 'string' || !layout || child.trim() !== '')
    .map((child) => (typeof child === 'string' ? child : nodeOf(child)));
  // Text that comments cut apart is one text.
  const joined = children.reduce<(XmlNode | string)[]>((done, child) => {
    const before = done.at(-1);
    if (typeof child === 'string' && typeof before === 'string') done[done.length - 1] = before + child;
    else if (child !== '') done.push(child);
    return done;
  }, []);
  return {
    name: element.local,
    uri,
    prefixed: uri === qcvnNamespace && element.prefix !== '',
    attributes: element.attributes.map(({ name, uri: of, value }) => ({ name, uri: of ?? '', value })),
    children: joined,
  };
}
