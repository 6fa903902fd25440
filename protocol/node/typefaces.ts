// Sets Vietnamese text in Be Vietnam Pro inside a PDF. The font comes in subsets that do not overlap ("latin" and
// "vietnamese"), so every word is cut into runs, each shown with the subset that has its letters.
// The one door to the PDF writing library and the fonts: registers, the ĐẾN stamp and the samples draw through it. It must never draw a
// missing-glyph box: a letter in neither subset throws, or is drawn as "?" where the caller says so.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  type PDFDocument,
  type PDFFont,
  type PDFHexString,
  type PDFOperator,
  type PDFRef,
  setFontAndSize,
  setTextMatrix,
  showText,
} from '@cantoo/pdf-lib';
import fontkit from '@pdf-lib/fontkit';

export type Style = 'regular' | 'italic' | 'bold' | 'boldItalic';
/** Sizes and positions are in points, the origin at the lower left. */
export type TextPlace = { text: string; style: Style; size: number; x: number; y: number };

export type Typefaces = {
  width(text: string, style: Style, size: number): number;
  /** Operators that show the text at its baseline; the caller puts them between beginText and endText. */
  show(place: TextPlace): PDFOperator[];
  /** Resource name and object of every font loaded, for the resources of a page or a form. */
  resources(): [string, PDFRef][];
};

const FILE_OF: Record<Style, string> = {
  regular: '400-normal',
  italic: '400-italic',
  bold: '700-normal',
  boldItalic: '700-italic',
};
const SUBSETS = ['latin', 'vietnamese'] as const;
const resolve = createRequire(import.meta.url).resolve;

// This pdf-lib calls subset.encode() without arguments where it exists, but in this fontkit it wants a stream; showing only
// encodeStream() makes pdf-lib take the way that works.
const streamingFontkit: Parameters<PDFDocument['registerFontkit']>[0] = {
  create: (bytes, postscriptName) => {
    const font = fontkit.create(bytes, postscriptName);
    const createSubset = font.createSubset.bind(font);
    return Object.assign(font, {
      createSubset: () => {
        const subset = createSubset();
        return {
          includeGlyph: (glyph: Parameters<typeof subset.includeGlyph>[0]) => subset.includeGlyph(glyph),
          encodeStream: () => subset.encodeStream(),
        };
      },
    });
  },
};

type Face = { name: string; font: PDFFont; has: Set<number> };
type Run = { face: Face; hex: PDFHexString; widthPerPoint: number };

async function loadFace(doc: PDFDocument, style: Style, subset: string, prefix: string): Promise<Face> {
  const path = resolve(`@fontsource/be-vietnam-pro/files/be-vietnam-pro-${subset}-${FILE_OF[style]}.woff`);
  const name = `${prefix}-${FILE_OF[style]}-${subset}`;
  // The embedded subset is written out as TrueType; the WOFF itself is no font a PDF may carry (ISO 32000-1, 9.9).
  const font = await doc.embedFont(await readFile(path), { subset: true });
  return { name, font, has: new Set(font.getCharacterSet()) };
}

function cutIntoRuns(text: string, faces: Face[], missing: string | undefined): Run[] {
  const pieces: { face: Face; text: string }[] = [];
  for (const written of text) {
    const known = faces.some((f) => f.has.has(written.codePointAt(0) ?? 0));
    const letter = known || missing === undefined ? written : missing;
    const face = faces.find((f) => f.has.has(letter.codePointAt(0) ?? 0));
    if (!face) throw new Error(`no glyph for ${JSON.stringify(letter)} in ${JSON.stringify(text)}`);
    const last = pieces.at(-1);
    if (last?.face === face) last.text += letter;
    else pieces.push({ face, text: letter });
  }
  return pieces.map((p) => ({
    face: p.face,
    hex: p.face.font.encodeText(p.text),
    widthPerPoint: p.face.font.widthOfTextAtSize(p.text, 1),
  }));
}

/**
 * Loads the styles asked for into `doc`. Text given to the result must be in NFC. `missing` is drawn for letters that no font here has;
 * `prefix` begins the resource names, for a document that has fonts already.
 */
export async function loadTypefaces(
  doc: PDFDocument,
  styles: Style[],
  options: { readonly missing?: string; readonly prefix?: string } = {},
): Promise<Typefaces> {
  doc.registerFontkit(streamingFontkit);
  const faces = new Map<Style, Face[]>();
  for (const style of styles) {
    const loaded: Face[] = [];
    for (const subset of SUBSETS) loaded.push(await loadFace(doc, style, subset, options.prefix ?? 'BVP'));
    faces.set(style, loaded);
  }
  // Words repeat: shaping each once makes a ten-page document five times as quick.
  const known = new Map<string, Run[]>();
  const runsOf = (text: string, style: Style): Run[] => {
    const key = `${style}:${text}`;
    const runs = known.get(key) ?? cutIntoRuns(text, faces.get(style) ?? [], options.missing);
    known.set(key, runs);
    return runs;
  };
  return {
    width: (text, style, size) => runsOf(text, style).reduce((sum, r) => sum + r.widthPerPoint * size, 0),
    show: ({ text, style, size, x, y }) => {
      let at = x;
      return runsOf(text, style).flatMap((run) => {
        const operators = [
          setFontAndSize(run.face.name, size),
          setTextMatrix(1, 0, 0, 1, at, y),
          showText(run.hex),
        ];
        at += run.widthPerPoint * size;
        return operators;
      });
    },
    resources: () => [...faces.values()].flat().map((face): [string, PDFRef] => [face.name, face.font.ref]),
  };
}

export {
  beginText,
  concatTransformationMatrix,
  degrees,
  endText,
  lineTo,
  moveTo,
  PDFDocument,
  type PDFFont,
  PDFName,
  type PDFOperator,
  type PDFPage,
  type PDFRef,
  popGraphicsState,
  pushGraphicsState,
  rectangle,
  setFillingRgbColor,
  setLineWidth,
  setStrokingRgbColor,
  stroke,
} from '@cantoo/pdf-lib';
