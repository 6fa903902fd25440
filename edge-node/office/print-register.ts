// A register as a PDF, A4 landscape: cover, every column of Decree 30/2020 Appendix IV, column numbers, page numbers, place for the signatures of
// the last page, so that it can be printed, signed and bound (NĐ30 Đ16.2b). Runs in a child (print-process.ts). Rows that are long take
// the lines they need; a row never breaks over a page.
import { loadTypefaces, PDFDocument, type Typefaces } from '../../protocol/node/typefaces.ts';
import { type Ink, inkOn, wrap } from './ink.ts';

export type PrintColumn = {
  readonly title: string;
  /** Share of the width; all together are the page. */
  readonly share: number;
  readonly align?: 'left' | 'centre';
};
export type PrintJob = {
  readonly kind: 'register';
  readonly body: string;
  readonly title: string;
  readonly year: number;
  /** Lines of the cover below the year: from number, from day, book. Absent: a list and no book, with its title above the rows and nothing to sign. */
  readonly cover?: readonly string[];
  readonly columns: readonly PrintColumn[];
  /** Texts in NFC. `struck` rows are drawn through. */
  readonly rows: readonly { readonly cells: readonly string[]; readonly struck: boolean }[];
  readonly printed: string;
};

const page = { width: 841.89, height: 595.28, left: 42, right: 28, top: 30, bottom: 34 };
const size = { row: 9, head: 9, number: 8, foot: 8 };
const lineHeight = 11.5;
const padding = 3;
const inner = page.width - page.left - page.right;

function cover(doc: PDFDocument, job: PrintJob, lines: readonly string[], faces: Typefaces): void {
  const ink = inkOn(doc.addPage([page.width, page.height]), faces);
  const centred = (text: string, y: number, points: number, style: 'regular' | 'bold') =>
    ink.text(text, { x: 0, width: page.width, y, size: points, style, align: 'centre' });
  ink.box(page.left, page.bottom, inner, page.height - page.top - page.bottom);
  ink.box(page.left + 4, page.bottom + 4, inner - 8, page.height - page.top - page.bottom - 8);
  centred(job.body.toLocaleUpperCase('vi'), 470, 16, 'bold');
  ink.line(page.width / 2 - 60, 458, page.width / 2 + 60, 458, 0.8);
  centred(job.title.toLocaleUpperCase('vi'), 330, 30, 'bold');
  centred(`Năm ${job.year}`, 285, 18, 'bold');
  for (const [i, line] of lines.entries()) centred(line, 210 - i * 24, 14, 'regular');
  ink.done();
}

/** Above the rows of a list that has no cover; answers where they begin. */
function heading(ink: Ink, job: PrintJob): number {
  const top = page.height - page.top;
  const centred = (text: string, y: number, points: number) =>
    ink.text(text, { x: page.left, width: inner, y, size: points, style: 'bold', align: 'centre' });
  centred(job.body.toLocaleUpperCase('vi'), top - 14, 11);
  centred(job.title.toLocaleUpperCase('vi'), top - 36, 14);
  return top - 50;
}

type HeadAt = { readonly edges: readonly number[]; readonly top: number };

function head(ink: Ink, columns: readonly PrintColumn[], { edges, top }: HeadAt, faces: Typefaces): number {
  const titles = columns.map(({ title }, i) =>
    wrap(
      title,
      edges[i + 1]! - edges[i]! - 2 * padding,
      { style: 'bold', size: size.row, linesMax: 5 },
      faces,
    ),
  );
  const lines = Math.max(...titles.map((each) => each.length));
  const height = lines * lineHeight + 2 * padding;
  for (const [i, each] of titles.entries()) {
    const [from, to] = [edges[i]!, edges[i + 1]!];
    const first = top - padding - size.head - ((lines - each.length) * lineHeight) / 2;
    for (const [k, text] of each.entries())
      ink.text(text, {
        x: from,
        width: to - from,
        y: first - k * lineHeight,
        style: 'bold',
        size: size.head,
        align: 'centre',
      });
    ink.text(`(${i + 1})`, {
      x: from,
      width: to - from,
      y: top - height - size.number - 2,
      style: 'italic',
      size: size.number,
      align: 'centre',
    });
  }
  ink.line(page.left, top, page.left + inner, top, 0.8);
  ink.line(page.left, top - height, page.left + inner, top - height);
  ink.line(page.left, top - height - 13, page.left + inner, top - height - 13, 0.8);
  return top - height - 13;
}

/** The bytes of the PDF. Memory grows with the pages: 10,000 rows are 910 of them. */
export async function printRegister(job: PrintJob): Promise<Uint8Array> {
  const doc = await PDFDocument.create();
  doc.setTitle(`${job.title} ${job.year}`, { showInWindowTitleBar: true });
  doc.setLanguage('vi-VN');
  const faces = await loadTypefaces(doc, ['regular', 'bold', 'italic'], { missing: '?' });
  if (job.cover) cover(doc, job, job.cover, faces);
  const edges = [page.left];
  for (const { share } of job.columns) edges.push(edges.at(-1)! + share * inner);
  const pages: Ink[] = [];
  let ink: Ink | undefined;
  let from = 0;
  let top = 0;
  let y = 0;
  const close = () => {
    if (!ink) return;
    for (const edge of edges) ink.line(edge, from, edge, y);
  };
  const open = () => {
    close();
    ink = inkOn(doc.addPage([page.width, page.height]), faces);
    from = !job.cover && pages.length === 0 ? heading(ink, job) : page.height - page.top;
    pages.push(ink);
    top = head(ink, job.columns, { edges, top: from }, faces);
    y = top;
    return ink;
  };
  open();
  const linesMax = Math.floor((top - page.bottom - 2 * padding) / lineHeight);
  for (const { cells, struck } of job.rows) {
    const wrapped = job.columns.map((_, i) =>
      wrap(
        cells[i] ?? '',
        edges[i + 1]! - edges[i]! - 2 * padding,
        { style: 'regular', size: size.row, linesMax },
        faces,
      ),
    );
    const height = Math.max(1, ...wrapped.map((lines) => lines.length)) * lineHeight + 2 * padding;
    if (y - height < page.bottom) open();
    for (const [i, lines] of wrapped.entries())
      for (const [k, text] of lines.entries()) {
        const at = { x: edges[i]! + padding, y: y - padding - size.row + 0.5 - k * lineHeight };
        const width = edges[i + 1]! - edges[i]! - 2 * padding;
        ink!.text(text, {
          ...at,
          width,
          align: job.columns[i]!.align ?? 'left',
          style: struck ? 'italic' : 'regular',
        });
      }
    if (struck) ink!.line(page.left, y - height / 2, edges.at(-2)!, y - height / 2, 0.7);
    y -= height;
    ink!.line(page.left, y, page.left + inner, y);
  }
  if (y - (job.cover ? 110 : 30) < page.bottom) open();
  if (job.cover) signatures(ink!, y - 22, job);
  else
    ink!.text(`Danh sách có ${job.rows.length} văn bản. In lúc ${job.printed}.`, {
      x: page.left + padding,
      y: y - 22,
      style: 'italic',
    });
  close();
  for (const [i, each] of pages.entries()) {
    const foot = page.bottom - 16;
    each.text(`${job.title} năm ${job.year} — ${job.body}`, {
      x: page.left,
      y: foot,
      size: size.foot,
      style: 'italic',
    });
    each.text(`Trang ${i + 1}/${pages.length}`, {
      x: page.left + inner - 90,
      width: 90,
      y: foot,
      size: size.foot,
      align: 'centre',
    });
    each.done();
  }
  return await doc.save({ addDefaultPage: false });
}

function signatures(ink: Ink, y: number, job: PrintJob): void {
  const half = inner / 2;
  ink.text(`Sổ này có ${job.rows.length} dòng ghi. In lúc ${job.printed}.`, {
    x: page.left + padding,
    y,
    style: 'italic',
  });
  const right = page.left + half;
  ink.text('NGƯỜI LẬP SỔ', {
    x: page.left,
    width: half,
    y: y - 22,
    style: 'bold',
    size: 11,
    align: 'centre',
  });
  ink.text('THỦ TRƯỞNG CƠ QUAN', {
    x: right,
    width: half,
    y: y - 22,
    style: 'bold',
    size: 11,
    align: 'centre',
  });
  for (const x of [page.left, right])
    ink.text('(Ký, ghi rõ họ tên)', { x, width: half, y: y - 36, style: 'italic', align: 'centre' });
}
