// The ZIP around an XLSX, taken apart within bounds and put together anew: what the reader of sheets then gets has no compression, no member
// that it does not need, and sizes that are true. So a ZIP bomb, a lying directory or a sheet with one cell in the last corner costs nothing.
import { crc32, inflateRawSync } from 'node:zlib';
import { ExchangeError } from '../errors.ts';

const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const MEMBERS_MAX = 2_000;
/** Of a workbook, the reader of sheets looks at these only. */
const needed =
  /^(\[Content_Types\]\.xml|_rels\/[^/]+|xl\/(workbook|sharedStrings|styles)\.xml|xl\/_rels\/[^/]+|xl\/worksheets\/[^/]+\.xml)$/i;

export type SheetBounds = {
  readonly rowsMax: number;
  readonly columnsMax: number;
  readonly unpackedBytesMax: number;
};

const malformed = (why: string) => new ExchangeError('spreadsheet-malformed', why);
const tooLarge = (why: string) => new ExchangeError('spreadsheet-too-large', why);

type Member = { readonly name: string; readonly content: Buffer };

function endRecord(zip: Buffer): number {
  for (let at = zip.length - 22; at >= Math.max(0, zip.length - 22 - 65_535); at--)
    if (zip.readUInt32LE(at) === END) return at;
  throw malformed('not an XLSX file');
}

function inflated(packed: Buffer, method: number, leftBytes: number): Buffer {
  if (method === 0) {
    if (packed.length > leftBytes) throw tooLarge('the sheets are too large when unpacked');
    return packed;
  }
  if (method !== 8) throw malformed(`compression method ${method}`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, leftBytes) });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge('the sheets are too large when unpacked');
    throw malformed('damaged compression');
  }
}

function membersOf(zip: Buffer, { unpackedBytesMax }: SheetBounds): Member[] {
  const end = endRecord(zip);
  const count = zip.readUInt16LE(end + 10);
  if (count > MEMBERS_MAX) throw tooLarge(`${count} members`);
  const members = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  let leftBytes = unpackedBytesMax;
  for (let n = 0; n < count; n++) {
    if (at + 46 > zip.length || zip.readUInt32LE(at) !== CENTRAL)
      throw malformed('damaged directory of the ZIP');
    const [method, packedBytes, nameBytes] = [
      zip.readUInt16LE(at + 10),
      zip.readUInt32LE(at + 20),
      zip.readUInt16LE(at + 28),
    ];
    const encrypted = (zip.readUInt16LE(at + 8) & 1) !== 0;
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
    const local = zip.readUInt32LE(at + 42);
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    if (!needed.test(name)) continue;
    if (encrypted) throw malformed('the file is protected by a password');
    if (members.has(name)) throw malformed('two members of one name');
    if (local + 30 > zip.length || zip.readUInt32LE(local) !== LOCAL) throw malformed('damaged member');
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    if (from + packedBytes > zip.length) throw malformed('cut off');
    const content = inflated(zip.subarray(from, from + packedBytes), method, leftBytes);
    leftBytes -= content.length;
    members.set(name, content);
  }
  if (![...members.keys()].some((name) => /^xl\/workbook\.xml$/i.test(name)))
    throw malformed('not an XLSX file');
  return [...members].map(([name, content]) => ({ name, content }));
}

/** The reader fills every gap up to the largest row and column that a cell names: those are looked at first, in the text itself. */
function assertExtent({ name, content }: Member, { rowsMax, columnsMax }: SheetBounds): void {
  if (!/^xl\/worksheets\//i.test(name)) return;
  const text = content.toString('latin1');
  for (const [, double, single] of text.matchAll(/\sr\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    const place = /^([A-Z]{0,3})([1-9]\d{0,6})$/.exec(double ?? single ?? '');
    if (!place) throw malformed('a cell without a proper place');
    const column = [...place[1]!].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
    if (Number(place[2]) > rowsMax) throw tooLarge(`more than ${rowsMax} rows`);
    if (column > columnsMax) throw tooLarge(`more than ${columnsMax} columns`);
  }
  for (const row of text.split(/<(?:[\w.-]+:)?row[\s>/]/))
    if ((row.match(/<(?:[\w.-]+:)?c[\s>/]/g)?.length ?? 0) > columnsMax)
      throw tooLarge(`more than ${columnsMax} columns`);
}

function stored(members: readonly Member[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const { name, content } of members) {
    const label = Buffer.from(name);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x21, 8);
    facts.writeUInt32LE(crc32(content), 10);
    facts.writeUInt32LE(content.length, 14);
    facts.writeUInt32LE(content.length, 18);
    facts.writeUInt16LE(label.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), facts, label, content);
    centrals.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, place, label);
    at += 30 + label.length + content.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Codes: spreadsheet-malformed, spreadsheet-too-large. Memory: at most `unpackedBytesMax` twice. */
export function boundedXlsx(file: Uint8Array, bounds: SheetBounds): Buffer {
  const members = membersOf(Buffer.from(file.buffer, file.byteOffset, file.byteLength), bounds);
  for (const member of members) assertExtent(member, bounds);
  return stored(members);
}
