// The text of the first page by its place: lines and, within a line, pieces that stand apart. Form XObjects and the appearances of
// annotations belong to it, rotated text as well. Bounded; runs in the inspection process. It reads what a viewer would show as text; a
// picture of text is no text, which is told (`no-text`), as is text whose letters cannot be known (`undecodable`).
import { stampLevel } from '../../protocol/safety/secrecy.ts';
import { operations } from './content.ts';
import { fromLegacy, type PageFont, readFont } from './fonts.ts';
import { malformed, PdfFault } from './limits.ts';
import { streamData } from './streams.ts';
import {
  isArray,
  isDict,
  isStream,
  isString,
  nameOf,
  type PdfDict,
  type PdfStream,
  type PdfValue,
  textOf,
} from './values.ts';
import { catalogOf, dictAt, type View } from './view.ts';

export type FirstPage = {
  readonly state: 'read' | 'no-text' | 'undecodable' | 'encrypted' | 'unreadable';
  /** The levels of the stamps found, most secret first. */
  readonly stamps: readonly string[];
  readonly letters: number;
};

type Matrix = readonly [number, number, number, number, number, number];
const identity: Matrix = [1, 0, 0, 1, 0, 0];
const times = (m: Matrix, n: Matrix): Matrix => [
  m[0] * n[0] + m[1] * n[2],
  m[0] * n[1] + m[1] * n[3],
  m[2] * n[0] + m[3] * n[2],
  m[2] * n[1] + m[3] * n[3],
  m[4] * n[0] + m[5] * n[2] + n[4],
  m[4] * n[1] + m[5] * n[3] + n[5],
];

/** One letter on the page: where it begins and ends, and how large it is. */
type Letter = {
  text: string;
  x: number;
  y: number;
  endX: number;
  endY: number;
  size: number;
  legacy: PageFont['legacy'];
};

const OPERATIONS_MAX = 1_000_000;
const LETTERS_MAX = 200_000;
const FORMS_DEEP_MAX = 12;
const PAGE_BYTES_MAX = 48 * 1024 * 1024;
const ANNOTATIONS_MAX = 500;

type Reading = {
  readonly view: View;
  readonly letters: Letter[];
  readonly cells: string[];
  bytes: number;
  operations: number;
  images: number;
};

type TextState = {
  ctm: Matrix;
  font: PageFont | undefined;
  size: number;
  charSpace: number;
  wordSpace: number;
  scale: number;
  leading: number;
  rise: number;
};

/** The first leaf of the page tree with what it inherits. */
function firstPageOf(view: View): { page: PdfDict; resources: PdfDict | undefined } {
  let node = dictAt(view, catalogOf(view).map.get('Pages'));
  let resources: PdfDict | undefined;
  for (let depth = 0; node && depth < 64; depth++) {
    resources = dictAt(view, node.map.get('Resources')) ?? resources;
    const kids = view.get(node, 'Kids');
    if (!isArray(kids)) return { page: node, resources };
    // An empty branch in front is stepped over.
    node = kids.items
      .slice(0, 64)
      .map((kid) => dictAt(view, kid))
      .find((kid) => kid && !isEmptyBranch(view, kid));
  }
  throw malformed('no first page');
}

function isEmptyBranch(view: View, node: PdfDict): boolean {
  const kids = view.get(node, 'Kids');
  return isArray(kids) && kids.items.length === 0;
}

/** Throws nothing but what is no fault of the document. */
export function readFirstPage(view: View): FirstPage {
  const reading: Reading = { view, letters: [], cells: [], bytes: 0, operations: 0, images: 0 };
  let fault: PdfFault | undefined;
  try {
    const { page, resources } = firstPageOf(view);
    readContents(reading, page, resources);
    readAnnotations(reading, page);
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
    fault = error;
  }
  return pageOf(reading, fault);
}

/** Where letters stand on the first page, in the page's own points: begin and size. Empty for what cannot be read. */
export function lettersOn(
  view: View,
): readonly { readonly x: number; readonly y: number; readonly endX: number; readonly size: number }[] {
  const reading: Reading = { view, letters: [], cells: [], bytes: 0, operations: 0, images: 0 };
  try {
    const { page, resources } = firstPageOf(view);
    readContents(reading, page, resources);
    readAnnotations(reading, page);
  } catch (error) {
    if (!(error instanceof PdfFault)) throw error;
  }
  return reading.letters.filter(({ text }) => text.trim() !== '');
}

function pageOf({ letters, cells }: Reading, fault: PdfFault | undefined): FirstPage {
  const lines = linesOf(letters);
  const stamps = [
    ...new Set([...stampsIn(lines), ...cells.flatMap((cell) => stampLevel(cell) ?? [])]),
  ].sort();
  const known = letters.filter(({ text }) => /[\p{L}\p{N}]/u.test(text)).length;
  const unknown = letters.filter(({ text }) => text.includes('\ufffd') || text === '').length;
  const state = fault
    ? fault.code === 'encrypted'
      ? 'encrypted'
      : 'unreadable'
    : unknown > known / 3 && unknown > 5
      ? 'undecodable'
      : known < 10
        ? 'no-text'
        : 'read';
  return { state, stamps, letters: known };
}

function readContents(reading: Reading, page: PdfDict, resources: PdfDict | undefined): void {
  const { view } = reading;
  const contents = view.get(page, 'Contents');
  const streams = (isArray(contents) ? contents.items.slice(0, 1000) : [contents])
    .map((one) => view.resolve(one))
    .filter(isStream);
  // Operators may be cut between two streams: they are one text.
  const data = streams.map((stream) => dataOf(reading, stream));
  run(reading, Buffer.concat(data.flatMap((one) => [one, Buffer.from('\n')])), {
    resources,
    ctm: identity,
    depth: 0,
  });
}

function dataOf(reading: Reading, stream: PdfStream): Buffer {
  const data = streamData(reading.view, stream);
  reading.bytes += data.length;
  if (reading.bytes > PAGE_BYTES_MAX) throw new PdfFault('limit', 'a page with too much content');
  return data;
}

function readAnnotations(reading: Reading, page: PdfDict): void {
  const { view } = reading;
  const list = view.get(page, 'Annots');
  for (const each of isArray(list) ? list.items.slice(0, ANNOTATIONS_MAX) : []) {
    const annotation = dictAt(view, each);
    if (!annotation) continue;
    const kind = nameOf(view.get(annotation, 'Subtype'));
    const said =
      kind === 'FreeText' || kind === 'Stamp' ? textOf(view.get(annotation, 'Contents')) : undefined;
    if (said) reading.cells.push(...said.split(/[\r\n]+/));
    const appearance = view.get(dictAt(view, annotation.map.get('AP')), 'N');
    const state = nameOf(view.get(annotation, 'AS'));
    const form = isDict(appearance) ? view.get(appearance, state ?? '') : appearance;
    const rect = view.get(annotation, 'Rect');
    const corner = isArray(rect) ? rect.items.map((one) => view.resolve(one)) : [];
    const [x, y] = [0, 1].map((i) => (typeof corner[i] === 'number' ? corner[i] : 0)) as [number, number];
    if (isStream(form)) runForm(reading, form, { resources: undefined, ctm: [1, 0, 0, 1, x, y], depth: 0 });
  }
}

type Place = { readonly resources: PdfDict | undefined; readonly ctm: Matrix; readonly depth: number };

function runForm(reading: Reading, form: PdfStream, place: Place): void {
  if (place.depth >= FORMS_DEEP_MAX) return;
  const { view } = reading;
  const resources = dictAt(view, form.dict.map.get('Resources')) ?? place.resources;
  const ctm = times(matrixOf(view, view.get(form.dict, 'Matrix')) ?? identity, place.ctm);
  run(reading, dataOf(reading, form), { resources, ctm, depth: place.depth + 1 });
}

function matrixOf(view: View, value: PdfValue): Matrix | undefined {
  const numbers = isArray(value) ? value.items.map((item) => view.resolve(item)) : [];
  return numbers.length === 6 && numbers.every((one) => typeof one === 'number')
    ? (numbers as unknown as Matrix)
    : undefined;
}

function run(reading: Reading, data: Buffer, place: Place): void {
  const { view } = reading;
  const fonts = new Map<string, PageFont>();
  let state: TextState = {
    ctm: place.ctm,
    font: undefined,
    size: 1,
    charSpace: 0,
    wordSpace: 0,
    scale: 1,
    leading: 0,
    rise: 0,
  };
  const saved: TextState[] = [];
  let text = identity;
  let line = identity;
  const number = (value: PdfValue | undefined): number =>
    typeof value === 'number' && Number.isFinite(value) ? value : 0;
  const moveLine = (x: number, y: number): void => {
    line = times([1, 0, 0, 1, x, y], line);
    text = line;
  };
  const show = (value: PdfValue | undefined): void => {
    if (isString(value) && state.font) text = showText(reading, value.bytes, state, text);
  };
  for (const { name, operands } of operations(data, OPERATIONS_MAX - reading.operations)) {
    reading.operations += 1;
    const [first, second, third] = operands;
    if (name === 'q') {
      if (saved.length < 256) saved.push({ ...state });
    } else if (name === 'Q') state = saved.pop() ?? state;
    else if (name === 'cm') state.ctm = times(sixOf(operands) ?? identity, state.ctm);
    else if (name === 'BT') text = line = identity;
    else if (name === 'Tf') {
      state.font = fontNamed(view, place.resources, nameOf(first) ?? '', fonts);
      state.size = number(second);
    } else if (name === 'Tc') state.charSpace = number(first);
    else if (name === 'Tw') state.wordSpace = number(first);
    else if (name === 'Tz') state.scale = number(first) / 100;
    else if (name === 'TL') state.leading = number(first);
    else if (name === 'Ts') state.rise = number(first);
    else if (name === 'Td') moveLine(number(first), number(second));
    else if (name === 'TD') {
      state.leading = -number(second);
      moveLine(number(first), number(second));
    } else if (name === 'Tm') text = line = sixOf(operands) ?? identity;
    else if (name === 'T*') moveLine(0, -state.leading);
    else if (name === 'Tj') show(first);
    else if (name === "'") {
      moveLine(0, -state.leading);
      show(first);
    } else if (name === '"') {
      state.wordSpace = number(first);
      state.charSpace = number(second);
      moveLine(0, -state.leading);
      show(third);
    } else if (name === 'TJ' && isArray(first))
      for (const item of first.items)
        if (typeof item === 'number')
          text = times([1, 0, 0, 1, (-item / 1000) * state.size * state.scale, 0], text);
        else show(item);
    else if (name === 'Do') {
      const object = view.get(dictAt(view, place.resources?.map.get('XObject')), nameOf(first) ?? '');
      if (!isStream(object)) continue;
      if (nameOf(view.get(object.dict, 'Subtype')) === 'Form')
        runForm(reading, object, { resources: place.resources, ctm: state.ctm, depth: place.depth });
      else reading.images += 1;
    }
  }
}

function sixOf(operands: readonly PdfValue[]): Matrix | undefined {
  const six = operands.slice(-6);
  return six.length === 6 && six.every((one) => typeof one === 'number' && Number.isFinite(one))
    ? (six as unknown as Matrix)
    : undefined;
}

function fontNamed(
  view: View,
  resources: PdfDict | undefined,
  name: string,
  fonts: Map<string, PageFont>,
): PageFont {
  const known = fonts.get(name);
  if (known) return known;
  const font = readFont(view, dictAt(view, resources?.map.get('Font'))?.map.get(name));
  fonts.set(name, font);
  return font;
}

function showText(reading: Reading, bytes: Uint8Array, state: TextState, matrix: Matrix): Matrix {
  let text = matrix;
  for (const glyph of state.font!.glyphs(bytes)) {
    if (reading.letters.length >= LETTERS_MAX) throw new PdfFault('limit', 'a page with too many letters');
    const width =
      ((glyph.width / 1000) * state.size + state.charSpace + (glyph.space ? state.wordSpace : 0)) *
      state.scale;
    const place = times([state.size * state.scale, 0, 0, state.size, 0, state.rise], times(text, state.ctm));
    const inked = times(
      [1, 0, 0, 1, (glyph.width / 1000) * state.size * state.scale, state.rise],
      times(text, state.ctm),
    );
    reading.letters.push({
      text: glyph.text,
      x: place[4],
      y: place[5],
      endX: inked[4],
      endY: inked[5],
      size: Math.hypot(place[2], place[3]) || 1,
      legacy: state.font!.legacy,
    });
    text = times([1, 0, 0, 1, width, 0], text);
  }
  return text;
}

export type Cell = { readonly text: string; readonly from: number; readonly to: number };
export type Line = {
  readonly cells: readonly Cell[];
  readonly across: number;
  readonly size: number;
  readonly angle: number;
};
type Placed = Letter & { readonly along: number; readonly end: number; readonly across: number };

/** Letters of one direction and height are a line, whatever the order in which they were drawn. */
export function linesOf(letters: readonly Letter[]): Line[] {
  const byAngle = new Map<number, Placed[]>();
  let angle = 0;
  for (const letter of letters) {
    const [dx, dy] = [letter.endX - letter.x, letter.endY - letter.y];
    // A letter without width has the direction of the one before.
    if (dx !== 0 || dy !== 0) angle = (Math.round((Math.atan2(dy, dx) * 180) / Math.PI) + 360) % 360;
    const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const along = letter.x * cos + letter.y * sin;
    const end = letter.endX * cos + letter.endY * sin;
    const across = letter.y * cos - letter.x * sin;
    const list = byAngle.get(angle) ?? [];
    list.push({ ...letter, along, end, across });
    byAngle.set(angle, list);
  }
  return [...byAngle].flatMap(([at, list]) => linesAt(at, list));
}

function linesAt(angle: number, letters: Placed[]): Line[] {
  const sorted = [...letters].sort((a, b) => b.across - a.across);
  const rows: Placed[][] = [];
  for (const letter of sorted) {
    const row = rows.at(-1);
    const near =
      row && Math.abs(row[0]!.across - letter.across) <= 0.35 * Math.max(row[0]!.size, letter.size);
    if (near) row.push(letter);
    else rows.push([letter]);
  }
  return rows.map((row) => ({
    angle,
    across: row[0]!.across,
    size: Math.max(...row.map(({ size }) => size).slice(0, 1000)),
    cells: cellsOf(row),
  }));
}

/** A gap of a letter's height and a half parts two pieces; a fifth of it is a space. */
function cellsOf(row: Placed[]): Cell[] {
  row.sort((a, b) => a.along - b.along);
  const cells: { letters: Placed[]; text: string }[] = [];
  for (const letter of row) {
    const cell = cells.at(-1);
    const last = cell?.letters.at(-1);
    const gap = last ? letter.along - Math.max(last.end, last.along) : 0;
    // The same letter drawn twice a hair apart is how bold is faked.
    if (last && last.text === letter.text && Math.abs(letter.along - last.along) < 0.12 * letter.size)
      continue;
    if (!cell || !last || gap > 1.5 * letter.size) cells.push({ letters: [letter], text: '' });
    else {
      if (gap > 0.2 * letter.size)
        cell.letters.push({ ...letter, text: ' ', along: last.end, end: letter.along });
      cell.letters.push(letter);
    }
  }
  return cells
    .map(({ letters }) => ({ text: textIn(letters), from: letters[0]!.along, to: letters.at(-1)!.end }))
    .filter(({ text }) => text.trim() !== '');
}

/** Runs of one old font are translated together: VNI writes marks as letters of their own. */
function textIn(letters: readonly Placed[]): string {
  let out = '';
  let run = '';
  let font: PageFont['legacy'];
  const flush = (): void => {
    out += font ? fromLegacy(run, font) : run;
    run = '';
  };
  for (const { text, legacy } of letters) {
    if (legacy !== font) flush();
    font = legacy;
    run += text;
  }
  flush();
  return out.normalize('NFC');
}

/** Letters that must stand above, at the same left edge, for a lone word to be the end of a paragraph. */
const PROSE_LETTERS = 30;

export function stampsIn(lines: readonly Line[]): string[] {
  const found: string[] = [];
  for (const line of lines) {
    for (const [i, cell] of line.cells.entries()) {
      const level = stampLevel(cell.text);
      if (level && !(i === 0 && endsParagraph(line, cell, lines))) found.push(level);
    }
    // Letters set so far apart that each is a piece of its own.
    const spaced =
      line.cells.length > 1 && line.cells.every(({ text }) => text.trim().length <= 2)
        ? stampLevel(line.cells.map(({ text }) => text).join(''))
        : undefined;
    if (spaced) found.push(spaced);
  }
  return found;
}

/** The word wrapped over from a line of prose right above. */
function endsParagraph(line: Line, cell: Cell, lines: readonly Line[]): boolean {
  return lines.some(
    (other) =>
      other.angle === line.angle &&
      other.across > line.across &&
      other.across - line.across < 2.2 * line.size &&
      other.cells.length === 1 &&
      Math.abs(other.cells[0]!.from - cell.from) < 3 &&
      other.cells[0]!.text.replace(/[^\p{L}]/gu, '').length >= PROSE_LETTERS &&
      !/[.:;!?]\s*$/.test(other.cells[0]!.text),
  );
}
