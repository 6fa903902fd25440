// The ĐẾN stamp (Decree 30/2020 Appendix IV: 35 × 50 mm) drawn onto page 1 of a copy of a received PDF. Runs in a child (print-process.ts): the
// file comes from outside. The copy is no original any more and says so; the file of the document is never touched.
import { pdfLimits } from '../../certs/pdf/limits.ts';
import { lettersOn } from '../../certs/pdf/page-text.ts';
import { memorySource } from '../../certs/pdf/source.ts';
import { openPdf, viewOf } from '../../certs/pdf/view.ts';
import {
  beginText,
  concatTransformationMatrix,
  endText,
  lineTo,
  loadTypefaces,
  moveTo,
  PDFDocument,
  PDFName,
  type PDFOperator,
  type PDFPage,
  popGraphicsState,
  pushGraphicsState,
  rectangle,
  setFillingRgbColor,
  setLineWidth,
  setStrokingRgbColor,
  stroke,
  type Typefaces,
} from '../../protocol/node/typefaces.ts';

export type StampJob = {
  readonly kind: 'stamp';
  readonly file: Uint8Array;
  readonly body: string;
  readonly number: string;
  /** As printed: 22/11/2026. */
  readonly day: string;
  readonly forwardedTo: string;
  readonly fileCode: string;
  /** Where its upper left corner stands, in mm from that of the page; undefined: where nothing is written, below number and notation if it can be. */
  readonly at: Corner | undefined;
};

const mm = 72 / 25.4;
export const stampBox = { width: 50 * mm, height: 35 * mm } as const;
/** Below the issuer's name, number and notation, in the margin that binding leaves. */
const usual: Corner = { leftMm: 12, topMm: 62 };
const ink: readonly [number, number, number] = [0.75, 0, 0];

type Corner = { readonly leftMm: number; readonly topMm: number };
/** Air between the stamp and what is written. */
const airMm = 1;
const stepMm = 2;
/** Printers leave this much free. */
const edgeMm = 4;

type Point = { readonly x: number; readonly y: number };
/** How many points lie in a box of millimetres, for thousands of boxes: sums from the corner, by whole millimetres. */
function counted(points: readonly Point[], wide: number, high: number) {
  const row = wide + 1;
  const sums = new Uint32Array(row * (high + 1));
  const within = (value: number, most: number) => Math.max(0, Math.min(most, value));
  for (const at of points) {
    if (at.x < 0 || at.y < 0 || at.x >= wide || at.y >= high) continue;
    const cell = (Math.floor(at.y) + 1) * row + Math.floor(at.x) + 1;
    sums[cell] = sums[cell]! + 1;
  }
  for (let y = 1; y <= high; y++)
    for (let x = 1; x <= wide; x++) {
      const cell = y * row + x;
      sums[cell] = sums[cell]! + sums[cell - 1]! + sums[cell - row]! - sums[cell - row - 1]!;
    }
  return (left: number, top: number, right: number, bottom: number): number => {
    const [l, r] = [within(Math.floor(left), wide), within(Math.ceil(right), wide)];
    const [u, d] = [within(Math.floor(top), high), within(Math.ceil(bottom), high)];
    return sums[d * row + r]! - sums[u * row + r]! - sums[d * row + l]! + sums[u * row + l]!;
  };
}

/**
 * An empty place for the stamp: below number and notation at the left, or below the day at the right (Decree 30/2020, Appendix IV), else the empty place nearest
 * to that. A page without one, or whose text cannot be read (a scan), takes it at the usual place: the clerk can say another.
 */
function freeCorner(file: Uint8Array, sheet: PDFPage): Corner {
  let written: Point[];
  const { x, y, width, height } = sheet.getCropBox();
  const turned = ((sheet.getRotation().angle % 360) + 360) % 360;
  const [seenWidth, seenHeight] = turned % 180 === 0 ? [width, height] : [height, width];
  /** As a reader sees it: mm from the upper left corner. */
  const seen = (px: number, py: number) => {
    const [u, v] = [px - x, py - y];
    const [right, up] =
      turned === 90
        ? [v, width - u]
        : turned === 180
          ? [width - u, height - v]
          : turned === 270
            ? [height - v, u]
            : [u, v];
    return { x: right / mm, y: (seenHeight - up) / mm };
  };
  try {
    const source = memorySource(Buffer.from(file));
    const letters = lettersOn(viewOf(openPdf(source, pdfLimits), source.sizeBytes));
    // Foot and head of each letter.
    written = letters.flatMap((one) => [
      seen(one.x, one.y),
      seen(one.endX, one.y),
      seen(one.x, one.y + one.size * 0.8),
    ]);
  } catch {
    // It can be drawn on all the same: the place is only a wish.
    return usual;
  }
  const [wide, high] = [stampBox.width / mm, stampBox.height / mm];
  const covers = counted(written, Math.ceil(seenWidth / mm), Math.ceil(seenHeight / mm));
  const covered = ({ leftMm, topMm }: Corner) =>
    covers(leftMm - airMm, topMm - airMm, leftMm + wide + airMm, topMm + high + airMm);
  const places: Corner[] = [usual];
  for (let topMm = 40; topMm + high <= seenHeight / mm - edgeMm; topMm += stepMm)
    for (let leftMm: number = edgeMm; leftMm + wide <= seenWidth / mm - edgeMm; leftMm += stepMm)
      places.push({ leftMm, topMm });
  // Down the page costs more than to the side: the stamp belongs to the head of the document.
  const away = ({ leftMm, topMm }: Corner) =>
    2 * Math.abs(topMm - usual.topMm) + Math.abs(leftMm - usual.leftMm);
  places.sort((one, other) => away(one) - away(other));
  const free = places.find((each) => covered(each) === 0);
  return free ?? places.reduce((best, each) => (covered(each) < covered(best) ? each : best), usual);
}

/** The longest that fits in `width`. */
function cut(text: string, width: number, points: number, faces: Typefaces): string {
  let short = text;
  while (short.length > 1 && faces.width(short, 'regular', points) > width) short = short.slice(0, -1);
  return short === text ? text : `${short.slice(0, -1)}…`;
}

function drawn(job: StampJob, faces: Typefaces): PDFOperator[] {
  const { width, height } = stampBox;
  const split = 16 * mm;
  const rows = [height - 8 * mm, height - 8 * mm - 13 * mm, height - 8 * mm - 20 * mm];
  const operators: PDFOperator[] = [];
  const text = (said: string, x: number, y: number, points: number, bold = false) =>
    operators.push(
      beginText(),
      ...faces.show({ text: said, style: bold ? 'bold' : 'regular', size: points, x, y }),
      endText(),
    );
  const centred = (said: string, from: number, to: number, y: number, points: number) => {
    const fits = Math.min(points, (points * (to - from - 4)) / faces.width(said, 'bold', points));
    text(said, from + (to - from - faces.width(said, 'bold', fits)) / 2, y, fits, true);
  };
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    operators.push(moveTo(x1, y1), lineTo(x2, y2), stroke());
  operators.push(
    setStrokingRgbColor(...ink),
    setFillingRgbColor(...ink),
    setLineWidth(1.1),
    rectangle(0, 0, width, height),
    stroke(),
    setLineWidth(0.6),
  );
  for (const y of rows) line(0, y, width, y);
  line(split, rows[0]!, split, rows[1]!);
  centred(job.body.toLocaleUpperCase('vi'), 0, width, rows[0]! + 8, 8);
  centred('ĐẾN', 0, split, rows[1]! + 13, 13);
  text(cut(`Số: ${job.number}`, width - split - 8, 9, faces), split + 4, rows[0]! - 14, 9);
  text(cut(`Ngày: ${job.day}`, width - split - 8, 9, faces), split + 4, rows[1]! + 7, 9);
  text(cut(`Chuyển: ${job.forwardedTo || '……………………………'}`, width - 8, 8, faces), 4, rows[2]! + 6, 8);
  text(cut(`Số và ký hiệu HS: ${job.fileCode || '…………………'}`, width - 8, 8, faces), 4, 8, 8);
  return operators;
}

/** Moves to the corner at which a reader sees the stamp, whatever way the page is turned and wherever its box begins. */
function placeOn(sheet: PDFPage, { leftMm, topMm }: Corner): PDFOperator {
  const { x, y, width, height } = sheet.getCropBox();
  const turned = ((sheet.getRotation().angle % 360) + 360) % 360;
  const [seenWidth, seenHeight] = turned % 180 === 0 ? [width, height] : [height, width];
  // A small page takes the stamp at its edge.
  const left = Math.max(0, Math.min(leftMm * mm, seenWidth - stampBox.width));
  const bottom = Math.max(
    0,
    seenHeight - Math.min(topMm * mm, seenHeight - stampBox.height) - stampBox.height,
  );
  if (turned === 90) return concatTransformationMatrix(0, 1, -1, 0, x + width - bottom, y + left);
  if (turned === 180) return concatTransformationMatrix(-1, 0, 0, -1, x + width - left, y + height - bottom);
  if (turned === 270) return concatTransformationMatrix(0, -1, 1, 0, x + bottom, y + height - left);
  return concatTransformationMatrix(1, 0, 0, 1, x + left, y + bottom);
}

/** Throws for a file that is encrypted, damaged, or has no page. */
export async function stampPdf(job: StampJob): Promise<Uint8Array> {
  const doc = await PDFDocument.load(job.file, { updateMetadata: false });
  if (doc.isEncrypted) throw new Error('encrypted');
  const sheet = doc.getPages()[0];
  if (!sheet) throw new Error('no page');
  const at = job.at ?? freeCorner(job.file, sheet);
  const faces = await loadTypefaces(doc, ['regular', 'bold'], {
    missing: '?',
    // A copy may be stamped again, and a document may use these very fonts.
    prefix: `DEN${doc.context.largestObjectNumber}`,
  });
  // What the page has drawn may have left its coordinates turned: everything of it is put into a state of its own.
  const { Font } = sheet.node.normalizedEntries();
  for (const [name, ref] of faces.resources()) Font.set(PDFName.of(name), ref);
  const start = doc.context.register(doc.context.contentStream([pushGraphicsState()]));
  const end = doc.context.register(
    doc.context.contentStream([
      popGraphicsState(),
      pushGraphicsState(),
      placeOn(sheet, at),
      ...drawn(job, faces),
      popGraphicsState(),
    ]),
  );
  sheet.node.wrapContentStreams(start, end);
  return await doc.save({ addDefaultPage: false });
}
