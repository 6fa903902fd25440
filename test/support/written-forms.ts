// One signed page in the forms that a PDF may be written in: a plain table, tables as streams with objects in streams, hybrid tables; and updates to them.
// What the signed objects say is always the same.
import { RANGES, sealedText } from './revisions.ts';

type CmsOver = (covered: Buffer) => Buffer;

const CONTENTS = '0'.repeat(8000);
export const SIGNATURE = `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange [0 ${RANGES}] /Contents <${CONTENTS}> >>`;
const ten = (number: number): string => String(number).padStart(10, '0');
/** The page as an attacker would have it. */
const otherPage = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Annots [5 0 R] >>';

/** Objects 1 to 5: catalog, pages, page, signature, field. */
export const signedObjects = (changes: Readonly<Record<number, string>> = {}): string[] =>
  [
    '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] /SigFlags 3 >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Annots [5 0 R] >>',
    SIGNATURE,
    '<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /Rect [0 0 0 0] /P 3 0 R /V 4 0 R >>',
  ].map((object, at) => changes[at + 1] ?? object);

export function withTable(objects: readonly string[], cms: CmsOver, head = '%PDF-1.7\n', end = '\n'): Buffer {
  let text = head;
  const rows = objects.map((object, at) => {
    const row = `${ten(text.length)} 00000 n \n`;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return row;
  });
  const size = objects.length + 1;
  text += `xref\n0 ${size}\n0000000000 65535 f \n${rows.join('')}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF${end}`;
  return sealedText(text, CONTENTS, cms);
}

/** One entry of a table that is a stream: W [1 4 2]. */
function entry(type: number, second: number, third: number): string {
  const bytes = Buffer.alloc(7);
  bytes[0] = type;
  bytes.writeUInt32BE(second, 1);
  bytes.writeUInt16BE(third, 5);
  return bytes.toString('latin1');
}

/** All objects in one object stream but the signature, unless `hidden`: then it is there too. */
export function withStreams(cms: CmsOver, { hidden }: { readonly hidden: boolean }): Buffer {
  const inside = signedObjects()
    .map((object, at) => ({ num: at + 1, object }))
    .filter(({ num }) => hidden || num !== 4);
  let at = 0;
  const head = inside
    .map(({ num, object }) => {
      const pair = `${num} ${at}`;
      at += object.length + 1;
      return pair;
    })
    .join(' ');
  const data = `${head}\n${inside.map(({ object }) => object).join('\n')}`;
  let text = '%PDF-1.7\n';
  const signatureAt = text.length;
  if (!hidden) text += `4 0 obj\n${SIGNATURE}\nendobj\n`;
  const holderAt = text.length;
  text += `6 0 obj\n<< /Type /ObjStm /N ${inside.length} /First ${head.length + 1} /Length ${data.length} >>\nstream\n${data}\nendstream\nendobj\n`;
  const members = [1, 2, 3, 4, 5].map((num) => {
    const index = inside.findIndex((one) => one.num === num);
    return index < 0 ? entry(1, signatureAt, 0) : entry(2, 6, index);
  });
  const rows = [entry(0, 0, 65_535), ...members, entry(1, holderAt, 0), entry(1, text.length, 0)].join('');
  text += `7 0 obj\n<< /Type /XRef /Size 8 /W [1 4 2] /Root 1 0 R /Length ${rows.length} >>\nstream\n${rows}\nendstream\nendobj\nstartxref\n${text.length}\n%%EOF\n`;
  return sealedText(text, CONTENTS, cms);
}

const previousOf = (pdf: Buffer): string => /startxref\s+(\d+)\s+%%EOF\s*$/.exec(pdf.toString('latin1'))![1]!;

/** Another page, named by a table. */
export function overriddenByTable(pdf: Buffer): Buffer {
  const object = `3 0 obj\n${otherPage}\nendobj\n`;
  return Buffer.concat([
    pdf,
    Buffer.from(
      `${object}xref\n3 1\n${ten(pdf.length)} 00000 n \ntrailer\n<< /Size 9 /Root 1 0 R /Prev ${previousOf(pdf)} >>\nstartxref\n${pdf.length + object.length}\n%%EOF\n`,
    ),
  ]);
}

/** Another page, named only by the stream of a hybrid table: readers that know no streams do not see it. */
export function overriddenByHybrid(pdf: Buffer): Buffer {
  const object = `3 0 obj\n${otherPage}\nendobj\n`;
  const streamAt = pdf.length + object.length;
  const stream = `9 0 obj\n<< /Type /XRef /Size 10 /Index [3 1] /W [1 4 2] /Length 7 >>\nstream\n${entry(1, pdf.length, 0)}\nendstream\nendobj\n`;
  const table = `xref\n9 1\n${ten(streamAt)} 00000 n \ntrailer\n<< /Size 10 /Root 1 0 R /Prev ${previousOf(pdf)} /XRefStm ${streamAt} >>\nstartxref\n${streamAt + stream.length}\n%%EOF\n`;
  return Buffer.concat([pdf, Buffer.from(object + stream + table, 'latin1')]);
}
