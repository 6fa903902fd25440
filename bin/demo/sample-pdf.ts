// Typesets a sample document as an A4 PDF in the layout of Decree 30/2020 (Appendix I): national title, issuing body, number
// and notation, place and date, subject, body, recipients, signature block. It does not sign (sample-sign.ts does).
// It must never produce a page without the line that says the document is a sample. Stands before the document's path.
import {
  beginText,
  endText,
  lineTo,
  moveTo,
  PDFDocument,
  PDFName,
  type PDFOperator,
  type PDFPage,
  setFillingRgbColor,
  setLineWidth,
  setStrokingRgbColor,
  stroke,
} from '@cantoo/pdf-lib';
import { loadTypefaces, type Style, type Typefaces } from '../../protocol/node/typefaces.ts';

/** A document's fields and body as the files in texts/ hold them; `issueDate` is YYYY-MM-DD, empty when the maker dates it. */
export type SampleText = {
  issuer: string[];
  organisation: string;
  number: string;
  notation: string;
  place: string;
  issueDate: string;
  type: string;
  subject: string;
  addressees: string[];
  recipients: string[];
  authority: string;
  signer: string;
  title: string;
  body: string[];
};

/** Where the signatures go: rectangles [x1, y1, x2, y2] in points on the page of that index. */
export type SignaturePlace = { pageIndex: number; person: Rect; organisation: Rect };
export type Rect = [number, number, number, number];

const PAGE = { width: 595.28, height: 841.89 };
const MARGIN = { top: 62, bottom: 62, left: 85, right: 48 };
const TEXT_WIDTH = PAGE.width - MARGIN.left - MARGIN.right;
const BODY_SIZE = 11;
const LINE_HEIGHT = 16;
const INDENT = 28;
const LEFT_COLUMN = { centre: MARGIN.left + TEXT_WIDTH * 0.2, width: TEXT_WIDTH * 0.42 };
const RIGHT_COLUMN = { centre: MARGIN.left + TEXT_WIDTH * 0.705, width: TEXT_WIDTH * 0.59 };
const SAMPLE_LINE = 'Văn bản mẫu để thử hệ thống liên thông - không có giá trị pháp lý';

type Word = { text: string; style: Style };
type Column = { centre: number; width: number };
type Sheet = { doc: PDFDocument; faces: Typefaces; page: PDFPage; y: number };

const list = (value: string | undefined): string[] =>
  (value ?? '')
    .split(';')
    .map((v) => v.trim())
    .filter(Boolean);

/** Reads a file of texts/: lines "field: value", an empty line, then one paragraph a line. Returns NFC text. */
export function parseSampleText(source: string): SampleText {
  const lines = source.normalize('NFC').trimEnd().split('\n');
  const end = lines.indexOf('');
  const fields = new Map<string, string>();
  for (const line of lines.slice(0, end)) {
    const colon = line.indexOf(':');
    fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const field = (name: string): string => {
    const value = fields.get(name);
    if (!value) throw new Error(`sample text has no field ${name}`);
    return value;
  };
  return {
    issuer: field('issuer').split('|'),
    organisation: field('organisation'),
    number: field('number'),
    notation: field('notation'),
    place: field('place'),
    issueDate: fields.get('issueDate') ?? '',
    type: field('type'),
    subject: field('subject'),
    addressees: list(fields.get('addressees')),
    recipients: list(field('recipients')),
    authority: field('authority'),
    signer: field('signer'),
    title: field('title'),
    body: lines.slice(end + 1),
  };
}

function paint(sheet: Sheet, operators: PDFOperator[]): void {
  sheet.page.pushOperators(beginText(), ...operators, endText());
}

function rule(sheet: Sheet, centre: number, width: number): void {
  sheet.page.pushOperators(
    setStrokingRgbColor(0, 0, 0),
    setLineWidth(0.7),
    moveTo(centre - width / 2, sheet.y),
    lineTo(centre + width / 2, sheet.y),
    stroke(),
  );
}

function newPage(sheet: Pick<Sheet, 'doc' | 'faces'>): Sheet {
  const page = sheet.doc.addPage([PAGE.width, PAGE.height]);
  for (const [name, ref] of sheet.faces.resources()) page.node.setFontDictionary(PDFName.of(name), ref);
  const next = { ...sheet, page, y: PAGE.height - MARGIN.top };
  const centre = PAGE.width / 2;
  const small = 8;
  const width = sheet.faces.width(SAMPLE_LINE, 'italic', small);
  page.pushOperators(setFillingRgbColor(0.45, 0.45, 0.45));
  paint(
    next,
    sheet.faces.show({ text: SAMPLE_LINE, style: 'italic', size: small, x: centre - width / 2, y: 30 }),
  );
  page.pushOperators(setFillingRgbColor(0, 0, 0));
  // Page numbers stand in the middle of the top margin, none on the first page (Decree 30/2020, Appendix I, part II.7).
  const count = sheet.doc.getPageCount();
  if (count > 1) {
    const x = centre - sheet.faces.width(String(count), 'regular', BODY_SIZE) / 2;
    paint(
      next,
      sheet.faces.show({ text: String(count), style: 'regular', size: BODY_SIZE, x, y: PAGE.height - 38 }),
    );
  }
  return next;
}

function breakLines(faces: Typefaces, words: Word[], size: number, room: (line: number) => number): Word[][] {
  const lines: Word[][] = [];
  let line: Word[] = [];
  let used = 0;
  for (const word of words) {
    const width = faces.width(word.text, word.style, size);
    const gap = line.length ? faces.width(' ', word.style, size) : 0;
    if (line.length && used + gap + width > room(lines.length)) {
      lines.push(line);
      line = [word];
      used = width;
    } else {
      line.push(word);
      used += gap + width;
    }
  }
  if (line.length) lines.push(line);
  return lines;
}

/** Splits at spaces; a part between double asterisks is bold. */
function wordsOf(text: string, style: Style): Word[] {
  return text.split('**').flatMap((part, i) =>
    part
      .split(' ')
      .filter(Boolean)
      .map((word): Word => ({ text: word, style: i % 2 ? 'bold' : style })),
  );
}

/** Each word but the last carries its space, so that text taken out of the PDF keeps its words apart. */
function showLine(faces: Typefaces, line: Word[], at: { x: number; y: number; size: number; extra: number }) {
  let x = at.x;
  return line.flatMap((word, i) => {
    const text = i < line.length - 1 ? `${word.text} ` : word.text;
    const operators = faces.show({ text, style: word.style, size: at.size, x, y: at.y });
    x += faces.width(text, word.style, at.size) + at.extra;
    return operators;
  });
}

function lineWidth(faces: Typefaces, line: Word[], size: number): number {
  return line.reduce(
    (sum, w, i) => sum + faces.width(i < line.length - 1 ? `${w.text} ` : w.text, w.style, size),
    0,
  );
}

/** Lines of about equal length, as many as the column's width asks for. */
function balancedLines(faces: Typefaces, words: Word[], size: number, columnWidth: number): Word[][] {
  let best = breakLines(faces, words, size, () => columnWidth);
  const count = best.length;
  for (let width = columnWidth - 10; width > 0 && count > 1; width -= 10) {
    const narrower = breakLines(faces, words, size, () => width);
    if (narrower.length > count) break;
    best = narrower;
  }
  return best;
}

function centred(sheet: Sheet, text: string, options: { column: Column; style: Style; size: number }): void {
  const { column, style, size } = options;
  for (const line of balancedLines(sheet.faces, wordsOf(text, style), size, column.width)) {
    const x = column.centre - lineWidth(sheet.faces, line, size) / 2;
    paint(sheet, showLine(sheet.faces, line, { x, y: sheet.y, size, extra: 0 }));
    sheet.y -= size * 1.4;
  }
}

/** A justified paragraph with an indented first line; goes on to a new page when the paper ends. */
function paragraph(sheet: Sheet, text: string, style: Style): Sheet {
  const indent = (line: number): number => (line === 0 ? INDENT : 0);
  const lines = breakLines(sheet.faces, wordsOf(text, style), BODY_SIZE, (i) => TEXT_WIDTH - indent(i));
  let on = sheet;
  lines.forEach((line, i) => {
    // A first line never stays alone at the foot of a page.
    const below = i === 0 && lines.length > 1 ? LINE_HEIGHT : 0;
    if (on.y - below < MARGIN.bottom) on = newPage(on);
    const slack = TEXT_WIDTH - indent(i) - lineWidth(on.faces, line, BODY_SIZE);
    const extra = i < lines.length - 1 && line.length > 1 ? slack / (line.length - 1) : 0;
    const x = MARGIN.left + indent(i);
    paint(on, showLine(on.faces, line, { x, y: on.y, size: BODY_SIZE, extra }));
    on.y -= LINE_HEIGHT;
  });
  on.y -= 4;
  return on;
}

function head(sheet: Sheet, text: SampleText): void {
  const top = sheet.y;
  const isLetter = text.addressees.length > 0;
  for (const line of text.issuer) centred(sheet, line, { column: LEFT_COLUMN, style: 'bold', size: 10.5 });
  sheet.y += 6;
  rule(sheet, LEFT_COLUMN.centre, 60);
  sheet.y -= 18;
  const number = `Số: ${text.number}/${text.notation}`;
  centred(sheet, number, { column: LEFT_COLUMN, style: 'regular', size: 11 });
  if (isLetter) centred(sheet, text.subject, { column: LEFT_COLUMN, style: 'regular', size: 9.5 });
  const leftEnd = sheet.y;
  sheet.y = top;
  centred(sheet, 'CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM', { column: RIGHT_COLUMN, style: 'bold', size: 10.5 });
  const motto = 'Độc lập - Tự do - Hạnh phúc';
  centred(sheet, motto, { column: RIGHT_COLUMN, style: 'bold', size: 11 });
  sheet.y += 9;
  rule(sheet, RIGHT_COLUMN.centre, sheet.faces.width(motto, 'bold', 11));
  sheet.y -= 21;
  const [year, month, day] = text.issueDate.split('-');
  // Days below 10 and the months January and February take a leading zero (Decree 30/2020, Appendix I, part II.4).
  const shownMonth = Number(month) > 2 ? String(Number(month)) : month;
  const dated = `${text.place}, ngày ${day} tháng ${shownMonth} năm ${year}`;
  centred(sheet, dated, { column: RIGHT_COLUMN, style: 'italic', size: 11 });
  sheet.y = Math.min(sheet.y, leftEnd) - 20;
  if (isLetter) addressees(sheet, text.addressees);
  else subject(sheet, text);
}

function subject(sheet: Sheet, text: SampleText): void {
  const column = { centre: MARGIN.left + TEXT_WIDTH / 2, width: TEXT_WIDTH * 0.86 };
  centred(sheet, text.type.toUpperCase(), { column, style: 'bold', size: 12.5 });
  centred(sheet, text.subject, { column, style: 'bold', size: 11.5 });
  sheet.y += 6;
  rule(sheet, column.centre, 120);
  sheet.y -= 24;
}

function addressees(sheet: Sheet, names: string[]): void {
  const x = MARGIN.left + 70;
  const label = 'Kính gửi: ';
  const listX = x + sheet.faces.width(label, 'regular', BODY_SIZE);
  paint(sheet, sheet.faces.show({ text: label, style: 'regular', size: BODY_SIZE, x, y: sheet.y }));
  names.forEach((name, i) => {
    const text = names.length > 1 ? `- ${name}${i < names.length - 1 ? ';' : '.'}` : `${name}.`;
    paint(sheet, sheet.faces.show({ text, style: 'regular', size: BODY_SIZE, x: listX, y: sheet.y }));
    sheet.y -= LINE_HEIGHT;
  });
  sheet.y -= 12;
}

/** Recipients on the left, the signature block on the right; never parted over two pages. */
function closing(sheet: Sheet, text: SampleText): { sheet: Sheet; place: SignaturePlace } {
  const on = sheet.y < MARGIN.bottom + 150 ? newPage(sheet) : sheet;
  on.y -= 14;
  const top = on.y;
  const x = MARGIN.left;
  paint(on, on.faces.show({ text: 'Nơi nhận:', style: 'boldItalic', size: 10, x, y: on.y }));
  text.recipients.forEach((name, i) => {
    const last = i === text.recipients.length - 1;
    const shown = `- ${name}${last ? '' : ';'}`;
    paint(on, on.faces.show({ text: shown, style: 'regular', size: 9, x, y: on.y - 13 * (i + 1) }));
  });
  centred(on, text.authority, { column: RIGHT_COLUMN, style: 'bold', size: 11 });
  centred(on, text.title.toUpperCase(), { column: RIGHT_COLUMN, style: 'bold', size: 11 });
  const signedTop = on.y + 6;
  on.y -= 84;
  centred(on, text.signer, { column: RIGHT_COLUMN, style: 'bold', size: 11 });
  on.y = Math.min(on.y, top - 13 * (text.recipients.length + 2));
  const centre = RIGHT_COLUMN.centre;
  return {
    sheet: on,
    place: {
      pageIndex: on.doc.getPageCount() - 1,
      person: [centre - 60, signedTop - 68, centre + 60, signedTop - 8],
      // The seal covers about a third of the person's signature on its left (Decree 30/2020, Appendix I, part II.8).
      organisation: [centre - 105, signedTop - 83, centre - 19, signedTop + 3],
    },
  };
}

function body(sheet: Sheet, text: SampleText): SignaturePlace {
  const column = { centre: MARGIN.left + TEXT_WIDTH / 2, width: TEXT_WIDTH * 0.86 };
  let on = sheet;
  let place: SignaturePlace | undefined;
  for (const line of text.body) {
    const rest = line.slice(line.indexOf(' ') + 1);
    if (line === '@page') on = newPage(on);
    else if (line === '@signature') ({ sheet: on, place } = closing(on, text));
    else if (line.startsWith('## ') || line.startsWith('^ ')) {
      // A heading keeps room for a few lines below it.
      if (on.y < MARGIN.bottom + 60) on = newPage(on);
      centred(on, rest, { column, style: line.startsWith('#') ? 'bold' : 'italic', size: BODY_SIZE });
      on.y -= 4;
    } else
      on = paragraph(on, line.startsWith('_ ') ? rest : line, line.startsWith('_ ') ? 'italic' : 'regular');
  }
  return place ?? closing(on, text).place;
}

/** Sets the document; the bytes depend only on the text and `nowMs` (creation date). PDF 1.7 without object streams. */
export async function makeSamplePdf(
  text: SampleText,
  { nowMs }: { nowMs: number },
): Promise<{ bytes: Uint8Array; place: SignaturePlace }> {
  const doc = await PDFDocument.create();
  const at = new Date(nowMs);
  doc.setTitle(`${text.type} ${text.number}/${text.notation}: ${text.subject}`);
  doc.setLanguage('vi');
  doc.setProducer('liên thông - văn bản mẫu');
  doc.setCreator('liên thông - văn bản mẫu');
  doc.setCreationDate(at);
  doc.setModificationDate(at);
  const faces = await loadTypefaces(doc, ['regular', 'italic', 'bold', 'boldItalic']);
  const first = newPage({ doc, faces });
  head(first, text);
  const place = body(first, text);
  return { bytes: await doc.save({ useObjectStreams: false }), place };
}
