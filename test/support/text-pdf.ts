// Small PDFs with text where a test wants it: for the search of page 1. Fonts and maps as different producers write them.
import { pdfOf } from './hostile-pdf.ts';

export type Placed = {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly angle?: number;
  readonly size?: number;
};

const hex4 = (code: number): string => code.toString(16).padStart(4, '0');

/** Identity-H with a ToUnicode map: glyph numbers are 1, 2, 3 … in the order of first use. */
export function unicodePdf(
  pieces: readonly Placed[],
  more: {
    readonly inForm?: boolean;
    readonly objects?: readonly string[];
    readonly catalog?: string;
    readonly page?: string;
  } = {},
): Buffer {
  const glyphs = [...new Set(pieces.flatMap(({ text }) => [...text]))];
  const shown = (text: string): string =>
    [...text].map((letter) => hex4(glyphs.indexOf(letter) + 1)).join('');
  const content = pieces
    .map(({ text, x, y, angle = 0, size = 12 }) => {
      const [cos, sin] = [
        Math.cos((angle * Math.PI) / 180).toFixed(5),
        Math.sin((angle * Math.PI) / 180).toFixed(5),
      ];
      return `BT /F1 ${size} Tf ${cos} ${sin} ${Number(sin) === 0 ? 0 : -Number(sin)} ${cos} ${x} ${y} Tm <${shown(text)}> Tj ET`;
    })
    .join('\n');
  const map = `1 begincodespacerange <0000> <ffff> endcodespacerange\n${glyphs.length} beginbfchar\n${glyphs
    .map(
      (letter, i) =>
        `<${hex4(i + 1)}> <${[...letter.normalize('NFC')].map((c) => hex4(c.charCodeAt(0))).join('')}>`,
    )
    .join('\n')}\nendbfchar`;
  const stream = (dict: string, data: string): string =>
    `<< ${dict} /Length ${Buffer.byteLength(data)} >>\nstream\n${data}\nendstream`;
  const resources = '<< /Font << /F1 5 0 R >> /XObject << /Fm 8 0 R >> >>';
  return pdfOf([
    `<< /Type /Catalog /Pages 2 0 R ${more.catalog ?? ''} >>`,
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources ${resources} /Contents 4 0 R ${more.page ?? ''} >>`,
    stream('', more.inForm ? '/Fm Do' : content),
    '<< /Type /Font /Subtype /Type0 /BaseFont /TimesNewRomanPSMT /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>',
    '<< /Type /Font /Subtype /CIDFontType2 /BaseFont /TimesNewRomanPSMT /DW 600 >>',
    stream('', map),
    stream(
      `/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources ${resources}`,
      more.inForm ? content : '',
    ),
    ...(more.objects ?? []),
  ]);
}

/** A simple font by its name, text as its bytes (Latin-1): the fonts made before Unicode. */
export function oldFontPdf(
  baseFont: string,
  lines: readonly { readonly bytes: string; readonly y: number }[],
  encoding = '/WinAnsiEncoding',
): Buffer {
  const content = lines
    .map(({ bytes, y }) => `BT /F1 13 Tf 60 ${y} Td <${Buffer.from(bytes, 'latin1').toString('hex')}> Tj ET`)
    .join('\n');
  return pdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    `<< /Type /Font /Subtype /TrueType /BaseFont /${baseFont} /Encoding ${encoding} >>`,
  ]);
}
