// A slip of one document as a PDF, A4 upright: a title, then facts in pairs, tables and notes one below the other, over as many pages as they take.
// Runs in a child (print-process.ts). A row never breaks over a page; the head of a table is repeated on the next.
import { loadTypefaces, PDFDocument, type Style, type Typefaces } from '../../protocol/node/typefaces.ts';
import { type Ink, inkOn, wrap } from './ink.ts';
import type { PrintColumn } from './print-register.ts';

export type SlipBlock =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'pairs'; readonly rows: readonly (readonly [name: string, value: string])[] }
  | {
      readonly kind: 'table';
      readonly columns: readonly PrintColumn[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'note'; readonly text: string; readonly strong?: true };
/** Texts in NFC. */
export type SlipJob = {
  readonly kind: 'slip';
  readonly body: string;
  readonly title: string;
  readonly below: string;
  readonly blocks: readonly SlipBlock[];
  readonly foot: string;
  /** Who signs at the end, in capitals; '' for nobody. */
  readonly signed: string;
};

const page = { width: 595.28, height: 841.89, left: 57, right: 42, top: 48, bottom: 54 };
const inner = page.width - page.left - page.right;
const size = { body: 10, title: 15, heading: 11, foot: 8 };
const lineHeight = 13;
const padding = 4;
const nameShare = 0.27;
const linesMax = 40;

type Pen = { ink: Ink; y: number };

export async function printSlip(job: SlipJob): Promise<Uint8Array> {
  const doc = await PDFDocument.create();
  doc.setTitle(job.title, { showInWindowTitleBar: true });
  doc.setLanguage('vi-VN');
  const faces = await loadTypefaces(doc, ['regular', 'bold', 'italic'], { missing: '?' });
  const pages: Ink[] = [];
  const pen: Pen = { ink: undefined as unknown as Ink, y: 0 };
  const turn = () => {
    pen.ink = inkOn(doc.addPage([page.width, page.height]), faces);
    pages.push(pen.ink);
    pen.y = page.height - page.top;
  };
  const room = (height: number): boolean => {
    if (pen.y - height >= page.bottom) return false;
    turn();
    return true;
  };
  turn();
  titleOf(job, pen);
  for (const block of job.blocks) drawBlock(block, { pen, faces, room });
  if (job.signed !== '') {
    room(90);
    const half = inner / 2;
    const at = { x: page.left + half, width: half, align: 'centre' as const };
    pen.ink.text(job.signed, { ...at, y: pen.y - 24, style: 'bold', size: size.heading });
    pen.ink.text('(Ký, ghi rõ họ tên)', { ...at, y: pen.y - 38, style: 'italic' });
  }
  for (const [i, ink] of pages.entries()) {
    ink.line(page.left, page.bottom - 12, page.left + inner, page.bottom - 12);
    ink.text(job.foot, { x: page.left, y: page.bottom - 24, size: size.foot, style: 'italic' });
    const right = { x: page.left + inner - 70, width: 70, align: 'centre' as const };
    ink.text(`Trang ${i + 1}/${pages.length}`, { ...right, y: page.bottom - 24, size: size.foot });
    ink.done();
  }
  return await doc.save({ addDefaultPage: false });
}

function titleOf(job: SlipJob, pen: Pen): void {
  pen.ink.text(job.body.toLocaleUpperCase('vi'), {
    x: page.left,
    y: pen.y - 12,
    style: 'bold',
    size: size.heading,
  });
  const middle = { x: page.left, width: inner, align: 'centre' as const };
  pen.ink.text(job.title.toLocaleUpperCase('vi'), {
    ...middle,
    y: pen.y - 52,
    style: 'bold',
    size: size.title,
  });
  pen.ink.text(job.below, { ...middle, y: pen.y - 70, style: 'italic', size: size.body });
  pen.y -= 88;
}

type Place = { readonly pen: Pen; readonly faces: Typefaces; readonly room: (height: number) => boolean };

function drawBlock(block: SlipBlock, place: Place): void {
  const { pen, faces, room } = place;
  if (block.kind === 'heading') {
    // Never alone at the foot of a page.
    room(70);
    pen.y -= 20;
    pen.ink.text(block.text, { x: page.left, y: pen.y, style: 'bold', size: size.heading });
    pen.y -= 8;
  } else if (block.kind === 'note') {
    const style = block.strong ? 'bold' : 'italic';
    const lines = wrap(block.text, inner, { style, size: size.body, linesMax }, faces);
    // What names a table stays with its first row.
    room(lines.length * lineHeight + (block.strong ? 70 : 8));
    for (const text of lines) {
      pen.y -= lineHeight;
      pen.ink.text(text, { x: page.left, y: pen.y, style, size: size.body });
    }
    pen.y -= 6;
  } else if (block.kind === 'pairs') drawPairs(block.rows, place);
  else drawTable(block, place);
}

function drawPairs(rows: readonly (readonly [string, string])[], { pen, faces, room }: Place): void {
  const from = page.left + nameShare * inner;
  for (const [name, value] of rows) {
    const lines = wrap(
      value,
      inner - nameShare * inner,
      { style: 'regular', size: size.body, linesMax },
      faces,
    );
    room(lines.length * lineHeight);
    pen.ink.text(name, { x: page.left, y: pen.y - lineHeight, size: size.body, style: 'bold' });
    for (const text of lines) {
      pen.y -= lineHeight;
      pen.ink.text(text, { x: from, y: pen.y, size: size.body });
    }
    if (lines.length === 0) pen.y -= lineHeight;
    pen.y -= 2;
  }
}

function drawTable(
  {
    columns,
    rows,
  }: { readonly columns: readonly PrintColumn[]; readonly rows: readonly (readonly string[])[] },
  { pen, faces, room }: Place,
): void {
  const edges = [page.left];
  for (const { share } of columns) edges.push(edges.at(-1)! + share * inner);
  const cellsOf = (cells: readonly string[], style: Style) =>
    columns.map((_, i) =>
      wrap(
        cells[i] ?? '',
        edges[i + 1]! - edges[i]! - 2 * padding,
        { style, size: size.body, linesMax },
        faces,
      ),
    );
  const heightOf = (wrapped: readonly (readonly string[])[]) =>
    Math.max(1, ...wrapped.map((lines) => lines.length)) * lineHeight + 2 * padding - 3;
  const row = (wrapped: readonly (readonly string[])[], style: Style) => {
    const height = heightOf(wrapped);
    for (const [i, lines] of wrapped.entries())
      for (const [k, text] of lines.entries())
        pen.ink.text(text, {
          x: edges[i]! + padding,
          width: edges[i + 1]! - edges[i]! - 2 * padding,
          y: pen.y - padding - size.body + 1 - k * lineHeight,
          align: style === 'bold' ? 'centre' : (columns[i]!.align ?? 'left'),
          size: size.body,
          style,
        });
    for (const edge of edges) pen.ink.line(edge, pen.y, edge, pen.y - height);
    pen.ink.line(page.left, pen.y, page.left + inner, pen.y);
    pen.y -= height;
    pen.ink.line(page.left, pen.y, page.left + inner, pen.y);
  };
  const head = cellsOf(
    columns.map(({ title }) => title),
    'bold',
  );
  const wrapped = rows.map((cells) => cellsOf(cells, 'regular'));
  room(heightOf(head) + heightOf(wrapped[0] ?? [[]]));
  row(head, 'bold');
  for (const each of wrapped) {
    if (room(heightOf(each))) row(head, 'bold');
    row(each, 'regular');
  }
  pen.y -= 6;
}
