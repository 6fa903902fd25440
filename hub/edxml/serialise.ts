// Elements → XML text: the literal prefix "edXML:" on every element of the header, two blanks of indentation, CR LF, as in the sample that is
// known to be accepted. It must never write a character that XML 1.0 has no place for: such a value is refused with its field.
import { ExchangeError } from '../../protocol/errors.ts';
import { qcvnNamespace, type XmlNode } from './model.ts';
import type { Branch } from './tree.ts';

export const LINE = '\r\n';

/** Characters of XML 1.0 and halves of surrogate pairs. */
const illegal =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

/** Code: edxml-field-refused, naming `path`. */
export function escapeText(text: string, path: string): string {
  const wrong = illegal.exec(text);
  if (wrong) {
    const code = wrong[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new ExchangeError('edxml-field-refused', `${path}: character U+${code} has no place in XML`);
  }
  return text.replace(/[&<>\r]/g, (letter) => escapes[letter]!);
}
const escapeAttribute = (text: string, path: string): string =>
  escapeText(text, path).replace(/["\n\t]/g, (letter) => escapes[letter]!);

/** A foreign element, on one line, with its namespaces declared where they change. `around`: the default namespace in force. */
export function nodeText(node: XmlNode, path: string, around: string = qcvnNamespace): string {
  const own = node.uri === qcvnNamespace && (node.prefixed || around !== qcvnNamespace);
  const name = own ? `edXML:${node.name}` : node.name;
  const inside = own ? around : node.uri;
  const declares = inside === around ? '' : ` xmlns="${escapeAttribute(inside, path)}"`;
  const attributes = node.attributes.map(({ name: local, uri, value }, i) => {
    const text = `="${escapeAttribute(value, path)}"`;
    if (uri === '') return ` ${local}${text}`;
    if (uri === 'http://www.w3.org/XML/1998/namespace') return ` xml:${local}${text}`;
    return ` xmlns:a${i}="${escapeAttribute(uri, path)}" a${i}:${local}${text}`;
  });
  const open = `${name}${declares}${attributes.join('')}`;
  if (node.children.length === 0) return `<${open}/>`;
  const content = node.children.map((child) =>
    typeof child === 'string' ? escapeText(child, path) : nodeText(child, path, inside),
  );
  return `<${open}>${content.join('')}</${name}>`;
}

/** Lines of the envelope. `attributes`: of its outermost element. */
export function branchText(branch: Branch, indent: string, declare = false): string {
  const name = `edXML:${branch.name}`;
  const own = Object.entries(branch.attributes ?? {}).map(([key, value]) => ` ${key}="${value}"`);
  const open = `${name}${declare ? ` xmlns:edXML="${qcvnNamespace}"` : ''}${own.join('')}`;
  if (branch.text !== '') return `${indent}<${open}>${escapeText(branch.text, branch.path)}</${name}>${LINE}`;
  const inside = [
    ...branch.children.map((child) => branchText(child, `${indent}  `)),
    ...branch.extras.map((node) => `${indent}  ${nodeText(node, branch.path)}${LINE}`),
  ];
  return `${indent}<${open}>${LINE}${inside.join('')}${indent}</${name}>${LINE}`;
}
