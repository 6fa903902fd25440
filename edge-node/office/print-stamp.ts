// The ĐẾN stamp (Decree 30/2020 Appendix IV: 35 × 50 mm) drawn onto page 1 of a copy of a received PDF. Runs in a child (print-process.ts): the
// file comes from outside. The copy is no original any more and says so; the file of the document is never touched.
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
  /** Where its upper left corner stands, in mm from that of the page; undefined: below number and notation, at the left edge. */
  readonly at: { readonly leftMm: number; readonly topMm: number } | undefined;
};

const mm = 72 / 25.4;
export const stampBox = { width: 50 * mm, height: 35 * mm } as const;
/** Free of the national motto and the issuer's name at the top, in the margin that binding leaves. */
const usual = { leftMm: 12, topMm: 62 };
const ink: readonly [number, number, number] = [0.75, 0, 0];

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
function placeOn(sheet: PDFPage, { leftMm, topMm } = usual): PDFOperator {
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
      placeOn(sheet, job.at),
      ...drawn(job, faces),
      popGraphicsState(),
    ]),
  );
  sheet.node.wrapContentStreams(start, end);
  return await doc.save({ addDefaultPage: false });
}
