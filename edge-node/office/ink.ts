// Lines, boxes and wrapped Vietnamese text on the pages of a PDF that the office prints: what the books (print-register.ts) and the slips
// (print-slip.ts) have in common. Runs in a child (print-process.ts). Never touches files or the network.
import {
  beginText,
  endText,
  lineTo,
  moveTo,
  PDFName,
  type PDFOperator,
  type PDFPage,
  popGraphicsState,
  pushGraphicsState,
  rectangle,
  type Style,
  setLineWidth,
  stroke,
  type Typefaces,
} from '../../protocol/node/typefaces.ts';

const usualSize = 9;

/** "125/UBND-KTTH" may break behind its slash and dashes; what still does not fit is cut by letters. */
const pieces = (text: string): string[] => text.match(/\s+|[^\s/-]*[/-]|[^\s/-]+/g) ?? [];

export type Wrapping = { readonly style: Style; readonly size: number; readonly linesMax: number };

/** The lines of a text within `width` points; what is more than `linesMax` ends in "…". */
export function wrap(
  text: string,
  width: number,
  { style, size, linesMax }: Wrapping,
  faces: Typefaces,
): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const written of pieces(paragraph)) {
      const piece = /^\s/.test(written) ? ' ' : written;
      const joined = line + piece;
      if (faces.width(joined, style, size) <= width) {
        line = line === '' && piece === ' ' ? '' : joined;
        continue;
      }
      if (line.trim() !== '') lines.push(line.trimEnd());
      line = piece === ' ' ? '' : piece;
      while (faces.width(line, style, size) > width && line.length > 1) {
        let fits = line.length - 1;
        while (fits > 1 && faces.width(line.slice(0, fits), style, size) > width) fits -= 1;
        lines.push(line.slice(0, fits));
        line = line.slice(fits);
      }
    }
    if (line.trim() !== '') lines.push(line.trimEnd());
  }
  if (lines.length <= linesMax) return lines;
  return [...lines.slice(0, linesMax - 1), `${lines[linesMax - 1]!.slice(0, -2)}…`];
}

export type Ink = {
  text(
    text: string,
    at: { x: number; y: number; style?: Style; size?: number; align?: 'left' | 'centre'; width?: number },
  ): void;
  line(x1: number, y1: number, x2: number, y2: number, width?: number): void;
  box(x: number, y: number, width: number, height: number): void;
  done(): void;
};

/** Operators of one page, put onto it at the end: one content stream a page. */
export function inkOn(sheet: PDFPage, faces: Typefaces): Ink {
  const drawn: PDFOperator[] = [];
  const { node } = sheet;
  const { Font } = node.normalizedEntries();
  for (const [name, ref] of faces.resources()) Font.set(PDFName.of(name), ref);
  return {
    text(text, { x, y, style = 'regular', size: points = usualSize, align = 'left', width = 0 }) {
      if (text === '') return;
      const at = align === 'centre' ? x + (width - faces.width(text, style, points)) / 2 : x;
      drawn.push(beginText(), ...faces.show({ text, style, size: points, x: at, y }), endText());
    },
    line: (x1, y1, x2, y2, width = 0.5) =>
      void drawn.push(setLineWidth(width), moveTo(x1, y1), lineTo(x2, y2), stroke()),
    box: (x, y, width, height) =>
      void drawn.push(setLineWidth(0.5), rectangle(x, y, width, height), stroke()),
    done: () => sheet.pushOperators(pushGraphicsState(), ...drawn, popGraphicsState()),
  };
}
