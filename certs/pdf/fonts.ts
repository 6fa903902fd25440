// A font of a page -> what its codes mean and how wide they are. The order is that of viewers: the font's own ToUnicode, its encoding with
// differences, the fonts made before Unicode by their names. A code that says nothing gives U+FFFD, never a guess.
import { glyphText } from './glyph-names.ts';
import { fromLegacy, type LegacyFont, legacyFont } from './legacy-fonts.ts';
import { PdfFault } from './limits.ts';
import { streamData } from './streams.ts';
import {
  integerOf,
  isArray,
  isDict,
  isRef,
  isStream,
  nameOf,
  type PdfDict,
  type PdfStream,
  type PdfValue,
} from './values.ts';
import { dictAt, type View } from './view.ts';

export type FontGlyph = {
  readonly text: string;
  /** In thousandths of the font size. */
  readonly width: number;
  /** A single byte 32: word spacing applies. */
  readonly space: boolean;
};
export type PageFont = {
  readonly legacy: LegacyFont | undefined;
  glyphs(bytes: Uint8Array): FontGlyph[];
};

const UNKNOWN = '\ufffd';
const MAPPINGS_MAX = 70_000;

type CharMap = { readonly codes: ReadonlyMap<number, string>; readonly bytes: number };

const hexText = (hex: string): string => {
  const bytes = Buffer.from(hex.length % 4 ? hex.padStart(Math.ceil(hex.length / 4) * 4, '0') : hex, 'hex');
  return bytes.swap16().toString('utf16le');
};

/** A ToUnicode map (9.10.3): code space, single codes, ranges. */
export function readCharMap(data: Buffer): CharMap {
  const text = data.toString('latin1').slice(0, 4 * 1024 * 1024);
  const codes = new Map<number, string>();
  const space = /begincodespacerange\s*<([0-9A-Fa-f\s]+)>/.exec(text)?.[1]?.replace(/\s/g, '') ?? '0000';
  const put = (code: number, to: string): void => {
    if (codes.size < MAPPINGS_MAX) codes.set(code, to);
  };
  for (const [, block] of text.matchAll(/beginbfchar([\s\S]*?)endbfchar/g))
    for (const [, from, to] of block!.matchAll(/<([0-9A-Fa-f]{1,8})>\s*<([0-9A-Fa-f\s]*)>/g))
      put(Number.parseInt(from!, 16), hexText(to!.replace(/\s/g, '')));
  for (const [, block] of text.matchAll(/beginbfrange([\s\S]*?)endbfrange/g))
    for (const [, low, high, start, list] of block!.matchAll(
      /<([0-9A-Fa-f]{1,8})>\s*<([0-9A-Fa-f]{1,8})>\s*(?:<([0-9A-Fa-f\s]+)>|\[([^\]]*)\])/g,
    )) {
      const [from, to] = [Number.parseInt(low!, 16), Number.parseInt(high!, 16)];
      const items = list?.match(/<[0-9A-Fa-f\s]*>/g);
      const first = hexText((start ?? '').replace(/\s/g, ''));
      for (let code = from; code <= to && code - from < MAPPINGS_MAX && codes.size < MAPPINGS_MAX; code++) {
        if (items) put(code, hexText((items[code - from] ?? '<>').slice(1, -1).replace(/\s/g, '')));
        else if (first !== '')
          put(
            code,
            first.slice(0, -1) + String.fromCharCode(first.charCodeAt(first.length - 1) + code - from),
          );
      }
    }
  return { codes, bytes: Math.max(1, Math.min(4, space.length >> 1)) };
}

const latin = (label: string): readonly string[] => {
  const decoder = new TextDecoder(label);
  return Array.from({ length: 256 }, (_, code) => decoder.decode(Uint8Array.of(code)));
};
const winAnsi = latin('windows-1252');
const macRoman = latin('macintosh');

function simpleCodes(view: View, font: PdfDict): (string | undefined)[] {
  const encoding = view.get(font, 'Encoding');
  const named =
    nameOf(encoding) ?? (isDict(encoding) ? nameOf(view.get(encoding, 'BaseEncoding')) : undefined);
  const codes: (string | undefined)[] = [...(named === 'MacRomanEncoding' ? macRoman : winAnsi)];
  if (!isDict(encoding)) return codes;
  const differences = view.get(encoding, 'Differences');
  let code = 0;
  for (const item of isArray(differences) ? differences.items.slice(0, 1024) : []) {
    const value = view.resolve(item);
    const number = integerOf(value);
    if (number !== undefined) code = number;
    else {
      const name = nameOf(value);
      if (name !== undefined && code >= 0 && code < 256) codes[code] = glyphText(name);
      code += 1;
    }
  }
  return codes;
}

function charMapOf(view: View, font: PdfDict, key: string): CharMap | undefined {
  const value = view.get(font, key);
  if (!isStream(value)) return undefined;
  try {
    return readCharMap(streamData(view, value as PdfStream));
  } catch (error) {
    // A damaged map says nothing: the text is undecodable, which is told.
    if (error instanceof PdfFault && error.code !== 'encrypted') return undefined;
    throw error;
  }
}

function simpleFont(view: View, font: PdfDict): PageFont {
  const base = nameOf(view.get(font, 'BaseFont')) ?? '';
  const legacy = legacyFont(base);
  const map = charMapOf(view, font, 'ToUnicode');
  const codes = simpleCodes(view, font);
  const first = integerOf(view.get(font, 'FirstChar')) ?? 0;
  const widths = view.get(font, 'Widths');
  const list = isArray(widths) ? widths.items : [];
  const widthOf = (code: number): number => {
    const width = view.resolve(list[code - first]);
    return typeof width === 'number' ? width : 500;
  };
  return {
    legacy,
    glyphs: (bytes) =>
      Array.from(bytes, (code) => ({
        // Old fonts give Latin-1 codes a meaning of their own, whatever the producer's map says of them.
        text: legacy
          ? (winAnsiOnly(map?.codes.get(code)) ?? String.fromCharCode(code))
          : (map?.codes.get(code) ?? codes[code] ?? UNKNOWN),
        width: widthOf(code),
        space: code === 32,
      })),
  };
}

/** A map of an old font that says real Vietnamese is believed; one that repeats Latin-1 is not a translation. */
const winAnsiOnly = (text: string | undefined): string | undefined =>
  text !== undefined && text !== '' && text.charCodeAt(0) > 0xff ? text : undefined;

function compositeWidths(view: View, font: PdfDict): (code: number) => number {
  const usual = view.get(font, 'DW');
  const array = view.get(font, 'W');
  const widths = new Map<number, number>();
  const items = isArray(array) ? array.items.slice(0, 100_000).map((item) => view.resolve(item)) : [];
  for (let at = 0; at + 1 < items.length; ) {
    const from = integerOf(items[at]) ?? 0;
    const second = items[at + 1];
    if (isArray(second)) {
      for (const [i, width] of second.items.entries()) {
        const value = view.resolve(width);
        if (typeof value === 'number' && widths.size < MAPPINGS_MAX) widths.set(from + i, value);
      }
      at += 2;
    } else {
      const [to, width] = [integerOf(second) ?? from, items[at + 2]];
      for (let code = from; code <= to && widths.size < MAPPINGS_MAX; code++)
        if (typeof width === 'number') widths.set(code, width);
      at += 3;
    }
  }
  return (code) => widths.get(code) ?? (typeof usual === 'number' ? usual : 1000);
}

function compositeFont(view: View, font: PdfDict): PageFont {
  const descendants = view.get(font, 'DescendantFonts');
  const inner = isArray(descendants) ? dictAt(view, descendants.items[0]) : undefined;
  const map = charMapOf(view, font, 'ToUnicode');
  const encoding = view.get(font, 'Encoding');
  const own = isStream(encoding) ? charMapOf(view, font, 'Encoding') : undefined;
  // Predefined maps whose codes are Unicode themselves.
  const unicode = /UCS2|UTF16/.test(nameOf(encoding) ?? '');
  const size = isStream(encoding) ? (own?.bytes ?? 2) : 2;
  const widthOf = inner ? compositeWidths(view, inner) : () => 1000;
  return {
    legacy: legacyFont(nameOf(view.get(font, 'BaseFont')) ?? ''),
    glyphs(bytes) {
      const glyphs: FontGlyph[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        let code = 0;
        for (let i = 0; i < size; i++) code = code * 256 + (bytes[at + i] ?? 0);
        const text = map?.codes.get(code) ?? (unicode ? String.fromCharCode(code) : UNKNOWN);
        glyphs.push({ text, width: widthOf(code), space: size === 1 && code === 32 });
      }
      return glyphs;
    },
  };
}

/** Never throws but PdfFault of an encrypted or damaged file. */
export function readFont(view: View, value: PdfValue | undefined): PageFont {
  const font = dictAt(view, isRef(value) || isDict(value) ? value : undefined);
  if (!font)
    return {
      legacy: undefined,
      glyphs: (bytes) => Array.from(bytes, () => ({ text: UNKNOWN, width: 500, space: false })),
    };
  return nameOf(view.get(font, 'Subtype')) === 'Type0' ? compositeFont(view, font) : simpleFont(view, font);
}

export { fromLegacy };
