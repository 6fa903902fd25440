// Adds one signature to a PDF as an incremental update (ISO 32000-1, 12.8 and 7.5.6): field, appearance, CMS.
// It must never rewrite an earlier byte, or the signature before it breaks. Stands before the document's path (samples only).
import {
  appendBezierCurve,
  beginText,
  closePath,
  endText,
  moveTo,
  PDFArray,
  PDFDict,
  PDFDocument,
  PDFHexString,
  PDFName,
  type PDFOperator,
  type PDFRef,
  PDFString,
  setFillingRgbColor,
  setLineWidth,
  setStrokingRgbColor,
  stroke,
} from '@cantoo/pdf-lib';
import { Signer, SignPdf } from '@signpdf/signpdf';
import { loadTypefaces } from '../../protocol/node/typefaces.ts';
import { type SampleSigner, signCms } from './sample-ca.ts';
import type { Rect } from './sample-pdf.ts';

/** What one signature is: on which page, in which rectangle, when, and of which of the two kinds. */
export type SignatureRequest = {
  role: 'person' | 'organisation';
  pageIndex: number;
  rect: Rect;
  nowMs: number;
};

// The government's signing tool keeps 10,000 bytes for the CMS; a time stamp would fit as well.
const CONTENTS_BYTES = 10_000;
const BYTE_RANGE_PLACEHOLDER = '**********';

// The library asks for a subclass; the CMS itself is made in sample-ca.ts.
class CmsSigner extends Signer {
  #signer: SampleSigner;
  #options: { nowMs: number; cades: boolean };
  constructor(signer: SampleSigner, options: { nowMs: number; cades: boolean }) {
    super();
    this.#signer = signer;
    this.#options = options;
  }
  override async sign(content: Buffer): Promise<Buffer> {
    return signCms(content, this.#signer, this.#options);
  }
}

/** PDF date in Vietnam's zone (ISO 32000-1, 7.9.4). */
function pdfDate(ms: number): string {
  const digits = new Date(ms + 7 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
  return `D:${digits}+07'00'`;
}

function circle(centre: number, radius: number): PDFOperator[] {
  const k = radius * 0.5523;
  const [low, high] = [centre - radius, centre + radius];
  return [
    moveTo(high, centre),
    appendBezierCurve(high, centre + k, centre + k, high, centre, high),
    appendBezierCurve(centre - k, high, low, centre + k, low, centre),
    appendBezierCurve(low, centre - k, centre - k, low, centre, low),
    appendBezierCurve(centre + k, low, high, centre - k, high, centre),
    closePath(),
    stroke(),
  ];
}

/** A blue pen stroke of a few loops: an image of a signature that is nobody's. */
function penStroke(width: number, height: number): PDFOperator[] {
  const operators = [
    setStrokingRgbColor(0.05, 0.15, 0.65),
    setLineWidth(1.6),
    moveTo(width * 0.08, height * 0.35),
  ];
  for (let i = 0; i < 5; i++) {
    const x = width * (0.08 + 0.16 * i);
    const high = height * (i === 0 ? 1.25 : 0.95 - 0.09 * i);
    const low = height * (0.02 + 0.05 * i);
    operators.push(appendBezierCurve(x + 24, high, x - 6, high, x + 6, low));
    operators.push(appendBezierCurve(x + 10, low, x + 12, height * 0.4, x + width * 0.16, height * 0.38));
  }
  operators.push(
    appendBezierCurve(width * 0.95, height * 0.5, width * 0.5, height * 0.12, width * 0.12, height * 0.14),
  );
  return [...operators, stroke()];
}

/** A red round seal that says it is a sample. Returns its form XObject. */
async function sealForm(doc: PDFDocument, side: number, name: string): Promise<PDFRef> {
  const faces = await loadTypefaces(doc, ['bold']);
  const centre = side / 2;
  const operators = [setStrokingRgbColor(0.82, 0.05, 0.08), setFillingRgbColor(0.82, 0.05, 0.08)];
  operators.push(
    setLineWidth(1.8),
    ...circle(centre, centre - 1.5),
    setLineWidth(0.7),
    ...circle(centre, centre - 6),
  );
  const lines = [
    { text: 'CON DẤU MẪU', size: 8, dy: 8 },
    { text: name.toUpperCase(), size: 5.6, dy: -3 },
    { text: 'KHÔNG CÓ GIÁ TRỊ', size: 4.6, dy: -13 },
  ];
  operators.push(beginText());
  for (const { text, size, dy } of lines) {
    const fitted = Math.min(size, (size * (side - 24)) / faces.width(text, 'bold', size));
    const x = centre - faces.width(text, 'bold', fitted) / 2;
    operators.push(...faces.show({ text, style: 'bold', size: fitted, x, y: centre + dy }));
  }
  operators.push(endText());
  return registerForm(doc, operators, { width: side, height: side, fonts: faces.resources() });
}

function registerForm(
  doc: PDFDocument,
  operators: PDFOperator[],
  { width, height, fonts }: { width: number; height: number; fonts: [string, PDFRef][] },
): PDFRef {
  const resources = { Font: Object.fromEntries(fonts) };
  return doc.context.register(
    doc.context.formXObject(operators, {
      BBox: doc.context.obj([0, 0, width, height]),
      Resources: doc.context.obj(resources),
    }),
  );
}

function signatureDictionary(doc: PDFDocument, signer: SampleSigner, request: SignatureRequest): PDFRef {
  const { context } = doc;
  const byteRange = context.obj([0]);
  for (let i = 0; i < 3; i++) byteRange.push(PDFName.of(BYTE_RANGE_PLACEHOLDER));
  const dictionary = context.obj({
    Type: 'Sig',
    Filter: 'Adobe.PPKLite',
    SubFilter: request.role === 'person' ? 'adbe.pkcs7.detached' : 'ETSI.CAdES.detached',
  });
  // ByteRange before Contents: the library looks for them in this order.
  dictionary.set(PDFName.of('ByteRange'), byteRange);
  dictionary.set(PDFName.of('Contents'), PDFHexString.of('00'.repeat(CONTENTS_BYTES)));
  dictionary.set(PDFName.of('M'), PDFString.of(pdfDate(request.nowMs)));
  dictionary.set(PDFName.of('Name'), PDFHexString.fromText(signer.subject.commonName));
  const reason = request.role === 'person' ? 'Ký duyệt (mẫu)' : 'Phát hành (mẫu)';
  dictionary.set(PDFName.of('Reason'), PDFHexString.fromText(reason));
  return context.register(dictionary);
}

function addField(doc: PDFDocument, widget: PDFRef): void {
  const known = doc.catalog.lookupMaybe(PDFName.of('AcroForm'), PDFDict);
  const fields = doc.context.obj([]);
  const earlier = known?.lookupMaybe(PDFName.of('Fields'), PDFArray);
  for (const field of earlier?.asArray() ?? []) fields.push(field);
  fields.push(widget);
  // SignaturesExist and AppendOnly (ISO 32000-1, table 219).
  const form = doc.context.obj({ Fields: fields, SigFlags: 3 });
  doc.catalog.set(PDFName.of('AcroForm'), doc.context.register(form));
}

/**
 * Signs `pdf` and returns a longer file that begins with exactly the bytes of `pdf`; the new ByteRange covers all of it but the
 * CMS. The person's signature is adbe.pkcs7.detached, the organisation's ETSI.CAdES.detached: receivers meet both.
 */
export async function addSignature(
  pdf: Uint8Array,
  signer: SampleSigner,
  request: SignatureRequest,
): Promise<Buffer> {
  const doc = await PDFDocument.load(pdf, { forIncrementalUpdate: true, updateMetadata: false });
  const page = doc.getPage(request.pageIndex);
  const [x1, y1, x2, y2] = request.rect;
  const [width, height] = [x2 - x1, y2 - y1];
  const appearance =
    request.role === 'person'
      ? registerForm(doc, penStroke(width, height), { width, height, fonts: [] })
      : await sealForm(doc, Math.min(width, height), signer.subject.organisation);
  const widget = doc.context.obj({
    Type: 'Annot',
    Subtype: 'Widget',
    FT: 'Sig',
    Rect: request.rect,
    F: 132, // Print and Locked (ISO 32000-1, table 165).
    P: page.ref,
    V: signatureDictionary(doc, signer, request),
    AP: { N: appearance },
  });
  const fieldName = request.role === 'person' ? 'ChuKyNguoiCoThamQuyen' : 'ChuKyCoQuan';
  widget.set(PDFName.of('T'), PDFString.of(fieldName));
  const widgetRef = doc.context.register(widget);
  const annotations = doc.context.obj([]);
  for (const annotation of page.node.Annots()?.asArray() ?? []) annotations.push(annotation);
  annotations.push(widgetRef);
  page.node.set(PDFName.of('Annots'), annotations);
  addField(doc, widgetRef);
  const prepared = await doc.save({ useObjectStreams: false, updateFieldAppearances: false });
  const cades = request.role === 'organisation';
  return new SignPdf().sign(Buffer.from(prepared), new CmsSigner(signer, { nowMs: request.nowMs, cades }));
}
