// Names in certificates: distinguished names compared as RFC 5280 §7.1 asks (case, width and spaces do not count, string type neither), and
// GeneralNames with every form kept. It must never compare text that it could not decode, nor drop a form of name that it does not know.
import { childrenOf, type Der, expectTag, readDer, readOid, tags } from '../der.ts';
import { Refusal } from './refusal.ts';

export type Name = {
  /** One text for each RDN, normalised; a multi-valued RDN is sorted. Two names are equal when these are. */
  readonly rdns: readonly string[];
  readonly key: string;
  /** For people, the first RDN first. */
  readonly text: string;
  readonly commonName: string;
  /** emailAddress attributes (PKCS#9): constraints on mail apply to them, RFC 5280 §4.2.1.10. */
  readonly emails: readonly string[];
};

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  [EMAIL_ADDRESS]: 'emailAddress',
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of an ASN.1 string; undefined for a type that is no text. Throws `malformed` for bytes that the type does not allow. */
function textOf({ tag, content }: Der): string | undefined {
  const bytes = Buffer.from(content);
  switch (tag) {
    case 0x0c:
      try {
        return utf8.decode(bytes);
      } catch {
        throw new Refusal('malformed', 'a name is not UTF-8');
      }
    // PrintableString, NumericString, IA5String, VisibleString
    case 0x13:
    case 0x12:
    case 0x16:
    case 0x1a:
      if (bytes.some((byte) => byte > 0x7f)) throw new Refusal('malformed', 'a name is not ASCII');
      return bytes.toString('latin1');
    // TeletexString: in practice Latin-1.
    case 0x14:
      return bytes.toString('latin1');
    case 0x1e: {
      if (bytes.length % 2 !== 0) throw new Refusal('malformed', 'a BMPString of odd length');
      const text = Buffer.from(bytes).swap16().toString('utf16le');
      if (/[\ud800-\udfff]/.test(text)) throw new Refusal('malformed', 'a BMPString with surrogates');
      return text;
    }
    case 0x1c: {
      if (bytes.length % 4 !== 0) throw new Refusal('malformed', 'a UniversalString of odd length');
      let text = '';
      for (let at = 0; at < bytes.length; at += 4) {
        const point = bytes.readUInt32BE(at);
        if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
          throw new Refusal('malformed', 'a UniversalString with no character');
        text += String.fromCodePoint(point);
      }
      return text;
    }
    default:
      return undefined;
  }
}

/** RFC 4518 as far as RFC 5280 §7.1 asks: compatibility forms, letter case, runs of spaces, spaces at the ends. */
const folded = (text: string): string =>
  text.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim();

/** A Name, from its DER element. */
export function readName(element: Der | undefined): Name {
  const rdns: string[] = [];
  const words: string[] = [];
  const emails: string[] = [];
  let commonName = '';
  for (const set of childrenOf(expectTag(element, tags.sequence))) {
    const pairs = childrenOf(expectTag(set, 0x31));
    if (pairs.length === 0) throw new Refusal('malformed', 'an empty part of a name');
    const values: string[] = [];
    for (const pair of pairs) {
      const [type, value, ...more] = childrenOf(expectTag(pair, tags.sequence));
      const oid = readOid(type);
      if (!value || more.length > 0) throw new Refusal('malformed', 'a part of a name');
      const text = textOf(value);
      // Other types by their bytes: equal or not.
      values.push(
        `${oid}=${text === undefined ? `#${Buffer.from(value.whole).toString('hex')}` : JSON.stringify(folded(text))}`,
      );
      if (oid === EMAIL_ADDRESS && text !== undefined) emails.push(text);
      if (oid === '2.5.4.3' && text !== undefined) commonName = text;
      words.push(`${shortNames[oid] ?? oid}=${text ?? '#'}`);
    }
    rdns.push(values.sort().join('+'));
  }
  return { rdns, key: rdns.join(','), text: words.join(', '), commonName, emails };
}

/** Everything below `base`: its RDNs are the first ones of `name` (RFC 5280 §4.2.1.10, directoryName). */
export const withinName = (name: Name, base: Name): boolean =>
  base.rdns.length <= name.rdns.length && base.rdns.every((rdn, i) => rdn === name.rdns[i]);

export type GeneralName =
  | { readonly form: 'dns' | 'email' | 'uri'; readonly text: string }
  | { readonly form: 'ip'; readonly bytes: Uint8Array }
  | { readonly form: 'directory'; readonly name: Name }
  /** otherName with its type, x400Address, ediPartyName, registeredID. */
  | { readonly form: 'other'; readonly kind: string };

const otherForms: Readonly<Record<number, string>> = {
  163: 'x400Address',
  165: 'ediPartyName',
  136: 'registeredID',
};

function ia5(content: Uint8Array, what: string): string {
  const text = Buffer.from(content).toString('latin1');
  // Printable ASCII: "good.example\0.evil.example" has no place here.
  if (!/^[\x21-\x7e]*$/.test(text)) throw new Refusal('malformed', what);
  return text;
}

/** As ia5, with the blanks that authorities write into URIs; they are shown, and matched only where a constraint asks. */
function ascii(content: Uint8Array, what: string): string {
  const text = Buffer.from(content).toString('latin1');
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Refusal('malformed', what);
  return text;
}

export function readGeneralName(element: Der): GeneralName {
  switch (element.tag) {
    case 0x81:
      return { form: 'email', text: ia5(element.content, 'a mail address') };
    case 0x82:
      return { form: 'dns', text: ia5(element.content, 'a host name').toLowerCase() };
    case 0x86:
      return { form: 'uri', text: ascii(element.content, 'a URI') };
    case 0x87:
      return { form: 'ip', bytes: element.content };
    case 0xa4:
      return { form: 'directory', name: readName(childrenOf(element)[0]) };
    case 0xa0:
      return { form: 'other', kind: `otherName ${readOid(childrenOf(element)[0])}` };
    default: {
      const kind = otherForms[element.tag];
      if (kind === undefined) throw new Refusal('malformed', 'a form of name that does not exist');
      return { form: 'other', kind };
    }
  }
}

/** GeneralNames, at least one (RFC 5280 §4.2.1.6). `element` is the SEQUENCE, or an implicit tag with the same content. */
export function readGeneralNames(element: Der): readonly GeneralName[] {
  const names = childrenOf(element).map(readGeneralName);
  if (names.length === 0) throw new Refusal('malformed', 'no name where one must be');
  return names;
}

export const generalNamesOf = (bytes: Uint8Array): readonly GeneralName[] =>
  readGeneralNames(readDer(bytes, tags.sequence));

/** One text for comparing names of distribution points. */
export function keyOfName(name: GeneralName): string {
  if (name.form === 'directory') return `directory:${name.name.key}`;
  if (name.form === 'ip') return `ip:${Buffer.from(name.bytes).toString('hex')}`;
  return name.form === 'other' ? `other:${name.kind}` : `${name.form}:${name.text}`;
}
