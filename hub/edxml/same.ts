// Do two messages mean the same? What a receiver acts on is compared: the model, the extras, and the digest of every unzipped file. Layout,
// prefixes, ZIPs and the order in which unknown elements stand among the known ones are not meaning. Pure.
import type { EdxmlMessage, XmlNode } from './model.ts';
import type { EdxmlRead } from './read.ts';

type Plain = { readonly [key: string]: unknown };

const plainNode = (node: XmlNode): unknown => ({
  name: node.name,
  uri: node.uri,
  attributes: [...node.attributes].sort((a, b) => `${a.uri} ${a.name}`.localeCompare(`${b.uri} ${b.name}`)),
  children: node.children.map((child) => (typeof child === 'string' ? child : plainNode(child))),
});

function plain({ message, files }: Pick<EdxmlRead, 'message' | 'files'>): Plain {
  const extras = message.extras
    .map(({ at, node }) => ({ at: at.toLowerCase() === 'edxml' ? 'edXML' : at, node: plainNode(node) }))
    .sort((a, b) => a.at.localeCompare(b.at));
  return { ...message, extras, files: files.map(({ sha256, lengthBytes }) => ({ sha256, lengthBytes })) };
}

/** Paths at which two messages differ; empty if they mean the same. At most 20. */
export function differences(
  a: Pick<EdxmlRead, 'message' | 'files'>,
  b: Pick<EdxmlRead, 'message' | 'files'>,
): string[] {
  const found: string[] = [];
  const compare = (x: unknown, y: unknown, path: string): void => {
    if (found.length >= 20 || Object.is(x, y)) return;
    if (typeof x !== 'object' || typeof y !== 'object' || x === null || y === null) {
      found.push(path);
      return;
    }
    for (const key of new Set([...Object.keys(x), ...Object.keys(y)]))
      compare((x as Plain)[key], (y as Plain)[key], path === '' ? key : `${path}.${key}`);
  };
  compare(plain(a), plain(b), '');
  return found;
}

/** The message without the clerk's name, mail and telephone: what may be logged. */
export function withoutPersonal(message: EdxmlMessage): EdxmlMessage {
  if (message.what === 'status') return { ...message, staff: null };
  return { ...message, business: message.business && { ...message.business, staff: null } };
}
