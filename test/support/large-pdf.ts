// A signed PDF of any size that takes hardly any disk: a hole inside one stream, one signature over everything but itself. It must never be read whole.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { cmsOf, type Signer } from './cms.ts';

const ten = (number: number): string => String(number).padStart(10, '0');
const CONTENTS = '0'.repeat(8000);

/** Writes `path`, about `holeBytes` long; returns its length. */
export function writeSignedHole(path: string, holeBytes: number, signer: Signer): number {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R /Annots [6 0 R] /Resources << /Font << /F1 5 0 R >> >> >>',
    '<< /Length 39 >>\nstream\nBT /F1 12 Tf 20 300 Td (Noi dung) Tj ET\nendstream',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    '<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /Rect [0 0 0 0] /P 3 0 R /V 7 0 R >>',
    `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange [0 0000000001 0000000002 0000000003] /Contents <${CONTENTS}> >>`,
  ];
  let head = '%PDF-1.7\n';
  const offsets = objects.map((object, at) => {
    const offset = head.length;
    head += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  offsets.push(head.length);
  head += `8 0 obj\n<< /Length ${holeBytes} >>\nstream\n`;
  const xrefAt = head.length + holeBytes + '\nendstream\nendobj\n'.length;
  const rows = offsets.map((offset) => `${ten(offset)} 00000 n \n`).join('');
  const tail = `\nendstream\nendobj\nxref\n0 9\n0000000000 65535 f \n${rows}trailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n${xrefAt}\n%%EOF\n`;
  const sizeBytes = head.length + holeBytes + tail.length;
  const from = head.indexOf(`<${CONTENTS}>`);
  const to = from + CONTENTS.length + 2;
  head = head.replace('0000000001 0000000002 0000000003', `${ten(from)} ${ten(to)} ${ten(sizeBytes - to)}`);
  const hash = createHash('sha256').update(head.slice(0, from), 'latin1').update(head.slice(to), 'latin1');
  const piece = Buffer.alloc(4 * 1024 * 1024);
  for (let left = holeBytes; left > 0; left -= piece.length)
    hash.update(left < piece.length ? piece.subarray(0, left) : piece);
  const digest = hash.update(tail, 'latin1').digest();
  const cms = cmsOf({ content: new Uint8Array(), digest, signer })
    .toString('hex')
    .padEnd(CONTENTS.length, '0');
  const fd = fs.openSync(path, 'w');
  fs.writeSync(fd, head.slice(0, from + 1) + cms + head.slice(to - 1), 0, 'latin1');
  fs.writeSync(fd, tail, head.length + holeBytes, 'latin1');
  fs.closeSync(fd);
  return sizeBytes;
}
