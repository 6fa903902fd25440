// Writes PDFs nobody would write: loops, bombs, thousands of signatures, a hundred thousand pages, two sparse gigabytes.
// It must never fill a disk: what is large is a hole. For test/pdf.test.ts.
import fs from 'node:fs';
import { deflateSync } from 'node:zlib';

/** Objects by number, from 1, to a file with one table. `root` is object 1. */
export function pdfOf(objects: readonly (string | Buffer)[], trailer = ''): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.7\n')];
  let at = parts[0]!.length;
  const offsets = objects.map((object, index) => {
    const offset = at;
    const bytes = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      Buffer.from(object as string, 'latin1'),
      Buffer.from('\nendobj\n'),
    ]);
    parts.push(bytes);
    at += bytes.length;
    return offset;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R ${trailer}>>\nstartxref\n${at}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

const stream = (dict: string, data: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`<< ${dict} /Length ${data.length} >>\nstream\n`),
    data,
    Buffer.from('\nendstream'),
  ]);

const fakeSignature = (num: number): string =>
  `<< /FT /Sig /T (S${num}) /V << /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 10 20 30] /Contents <3080> >> >>`;

export const hostile: Readonly<Record<string, () => Buffer>> = {
  'a cross-reference chain that is a loop': () => {
    const good = pdfOf(['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>']);
    const at = good.lastIndexOf('xref\n0');
    return Buffer.from(good.toString('latin1').replace('/Root 1 0 R ', `/Root 1 0 R /Prev ${at} `), 'latin1');
  },
  'references that lead round in a circle': () => pdfOf(['2 0 R', '3 0 R', '1 0 R']),
  'a form that contains itself': () =>
    pdfOf([
      '<< /Pages 2 0 R /AcroForm << /Fields [3 0 R] >> >>',
      '<< /Kids [2 0 R] >>',
      '<< /FT /Sig /Kids [3 0 R 3 0 R] >>',
    ]),
  'arrays inside arrays': () => pdfOf([`<< /Pages 2 0 R /X ${'['.repeat(100_000)} >>`]),
  'a dictionary that never ends': () => pdfOf([`<< /Pages 2 0 R ${'/K 1 '.repeat(400_000)}`]),
  'a thousand signatures': () =>
    pdfOf([
      `<< /Pages 2 0 R /AcroForm << /Fields [${Array.from({ length: 1000 }, (_, i) => `${i + 3} 0 R`).join(' ')}] >> >>`,
      '<< /Type /Pages /Kids [] /Count 0 >>',
      ...Array.from({ length: 1000 }, (_, i) => fakeSignature(i)),
    ]),
  'an object stream that inflates to a gigabyte': () =>
    pdfOf([
      stream(
        '/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode',
        deflateSync(Buffer.alloc(80_000_000), { level: 9 }),
      ),
    ]),
  'a table that claims a billion objects': () =>
    Buffer.from(
      '%PDF-1.7\nxref\n0 1000000000\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n',
    ),
  'a cross-reference stream of four billion entries': () =>
    Buffer.concat([
      Buffer.from('%PDF-1.7\n1 0 obj\n'),
      stream('/Type /XRef /W [0 1 0] /Size 4294967295 /Root 1 0 R', Buffer.alloc(10)),
      Buffer.from('\nendobj\nstartxref\n9\n%%EOF\n'),
    ]),
};

/** `count` pages in one flat tree, each with a content stream of its own. */
export function manyPages(count: number): Buffer {
  const kids = Array.from({ length: count }, (_, i) => `${i + 3} 0 R`).join(' ');
  const page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> >>';
  return pdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${count} >>`,
    ...Array.from({ length: count }, () => page),
  ]);
}

/** A file of `sizeBytes` that is a hole but for its head and an honest end. */
export function writeSparse(path: string, sizeBytes: number): void {
  const end = Buffer.from(
    `\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Root 1 0 R >>\nstartxref\n${sizeBytes}\n%%EOF\n`,
  );
  const fd = fs.openSync(path, 'w');
  fs.writeSync(fd, Buffer.from('%PDF-1.7\n'), 0, 9, 0);
  fs.writeSync(fd, end, 0, end.length, sizeBytes - 1);
  fs.closeSync(fd);
}
