// A PDF that grows by incremental updates, object by object, and its signatures: the documents that honest signers and attackers make. One page with one
// line of text to begin with. Nothing of the product's own writing is used.
import { pdfOf } from './hostile-pdf.ts';

/** `objects`: text of every object as it stands now; 1 is the catalog, 3 the page, 4 its content. */
export type Pdf = {
  readonly bytes: Buffer;
  readonly objects: ReadonlyMap<number, string>;
  readonly startxref: number;
};

export const CATALOG = 1;
export const PAGE = 3;
export const streamOf = (data: string, more = ''): string =>
  `<< /Length ${data.length}${more} >>\nstream\n${data}\nendstream`;

export function newPdf(text = 'Noi dung', more: readonly string[] = []): Pdf {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    streamOf(`BT /F1 12 Tf 20 300 Td (${text}) Tj ET`),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...more,
  ];
  const bytes = pdfOf(objects);
  return {
    bytes,
    objects: new Map(objects.map((object, at) => [at + 1, object])),
    startxref: bytes.lastIndexOf('xref\n0'),
  };
}

/** First number that is free. */
export const nextOf = ({ objects }: Pdf): number => Math.max(...objects.keys()) + 1;

/** `null` frees an object. `trailer`: more of the trailer. */
export function update(pdf: Pdf, changes: Readonly<Record<number, string | null>>, trailer = ''): Pdf {
  let at = pdf.bytes.length;
  const objects = new Map(pdf.objects);
  const [parts, rows]: [string[], string[]] = [[], []];
  for (const [key, value] of Object.entries(changes)) {
    const num = Number(key);
    if (value === null) {
      objects.delete(num);
      rows.push(`${num} 1\n0000000000 00001 f \n`);
      continue;
    }
    const object = `${num} 0 obj\n${value}\nendobj\n`;
    objects.set(num, value);
    rows.push(`${num} 1\n${String(at).padStart(10, '0')} 00000 n \n`);
    parts.push(object);
    at += Buffer.byteLength(object, 'latin1');
  }
  const size = Math.max(...objects.keys(), ...Object.keys(changes).map(Number)) + 1;
  const tail = `${parts.join('')}xref\n${rows.join('')}trailer\n<< /Size ${size} /Root 1 0 R /Prev ${pdf.startxref} ${trailer}>>\nstartxref\n${at}\n%%EOF\n`;
  return { bytes: Buffer.concat([pdf.bytes, Buffer.from(tail, 'latin1')]), objects, startxref: at };
}

/** The dictionary with one more key, or another value of one that it has. */
export function withKey(dict: string, key: string, value: string): string {
  const bare = dict.replace(new RegExp(` ?/${key} (\\[[^\\]]*\\]|<<.*?>>|[^/>]*)`), '');
  return bare.replace(/>>\s*$/, `/${key} ${value} >>`);
}

const listIn = (dict: string, key: string): string =>
  new RegExp(`/${key} \\[([^\\]]*)\\]`).exec(dict)?.[1] ?? '';

/** Changes that put one more annotation on the page. */
export function annotated(pdf: Pdf, annotation: string): Record<number, string> {
  const num = nextOf(pdf);
  const page = pdf.objects.get(PAGE)!;
  return {
    [PAGE]: withKey(page, 'Annots', `[${listIn(page, 'Annots')} ${num} 0 R]`),
    [num]: annotation,
  };
}

export type SignatureShape = {
  readonly name: string;
  readonly cms: (covered: Buffer) => Buffer;
  readonly subFilter?: string;
  /** More of the signature dictionary: /Reference, /M. */
  readonly more?: string;
  /** More of the field: /Lock, /AP. */
  readonly field?: string;
  readonly rect?: string;
  /** Hexadecimal digits kept for the CMS. */
  readonly room?: number;
  /** Other changes of the same revision. */
  readonly changes?: Readonly<Record<number, string>>;
  /** The certifying signature: named in the catalog's /Perms. */
  readonly certifies?: boolean;
};

/** Room for the three numbers that are known at the end. */
export const RANGES = '0000000001 0000000002 0000000003';

/** One more revision with a field, its widget and its signature over everything but the CMS. */
export function signedPdf(pdf: Pdf, shape: SignatureShape): Pdf {
  const first = Math.max(nextOf(pdf), ...Object.keys(shape.changes ?? {}).map((num) => Number(num) + 1));
  const contents = '0'.repeat(shape.room ?? 24_000);
  const page = shape.changes?.[PAGE] ?? pdf.objects.get(PAGE)!;
  let catalog = shape.changes?.[CATALOG] ?? pdf.objects.get(CATALOG)!;
  const fields = /\/Fields \[([^\]]*)\]/.exec(catalog)?.[1] ?? '';
  catalog = withKey(catalog, 'AcroForm', `<< /Fields [${fields} ${first} 0 R] /SigFlags 3 >>`);
  if (shape.certifies) catalog = withKey(catalog, 'Perms', `<< /DocMDP ${first + 1} 0 R >>`);
  const type = shape.subFilter === 'ETSI.RFC3161' ? 'DocTimeStamp' : 'Sig';
  const prepared = update(pdf, {
    ...shape.changes,
    [CATALOG]: catalog,
    [PAGE]: withKey(page, 'Annots', `[${listIn(page, 'Annots')} ${first} 0 R]`),
    [first]: `<< /Type /Annot /Subtype /Widget /FT /Sig /T (${shape.name}) /Rect ${shape.rect ?? '[0 0 0 0]'} /F 132 /P ${PAGE} 0 R /V ${first + 1} 0 R ${shape.field ?? ''}>>`,
    [first + 1]:
      `<< /Type /${type} /Filter /Adobe.PPKLite /SubFilter /${shape.subFilter ?? 'adbe.pkcs7.detached'} /ByteRange [0 ${RANGES}] /Contents <${contents}> ${shape.more ?? ''}>>`,
  });
  return { ...prepared, bytes: sealedText(prepared.bytes.toString('latin1'), contents, shape.cms) };
}

/** The file with its range and its CMS in their places. `contents`: the zeros kept for it, the last of their kind in `text`. */
export function sealedText(text: string, contents: string, cmsOver: (covered: Buffer) => Buffer): Buffer {
  const from = text.lastIndexOf(`<${contents}>`);
  const to = from + contents.length + 2;
  const ten = (number: number): string => String(number).padStart(10, '0');
  const ranged = text.replace(RANGES, `${ten(from)} ${ten(to)} ${ten(text.length - to)}`);
  const cms = cmsOver(Buffer.from(ranged.slice(0, from) + ranged.slice(to), 'latin1'));
  const hex = cms.toString('hex').padEnd(contents.length, '0');
  if (hex.length > contents.length) throw new Error(`the CMS needs ${hex.length} digits`);
  return Buffer.from(`${ranged.slice(0, from + 1)}${hex}${ranged.slice(to - 1)}`, 'latin1');
}
