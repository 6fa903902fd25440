// The door for tables: what goes out comes back, what others write is read, what would run or burst is refused. The real libraries, a real child process.
import { deflateRawSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { csvLine, parseCsv, textOfCsv } from '../protocol/csv.ts';
import { isExchangeError } from '../protocol/errors.ts';
import {
  readSheet,
  type SheetColumn,
  sheetBounds,
  writeCsv,
  writeXlsx,
} from '../protocol/node/spreadsheet.ts';

const rejects = (
  t: Test,
  promise: Promise<unknown>,
  code: Parameters<typeof isExchangeError>[1],
  said: RegExp,
) =>
  promise.then(
    () => t.fail(`not refused: ${said}`),
    (error: unknown) => {
      if (!isExchangeError(error, code!)) throw error;
      t.match(error.detail, said);
    },
  );

type Line = { code: string; name: string; atMs: number | null; n: number };
const columns: readonly SheetColumn<Line>[] = [
  { header: 'Mã', type: 'text', value: ({ code }) => code },
  { header: 'Tên đơn vị', type: 'text', width: 50, value: ({ name }) => name },
  { header: 'Từ lúc', type: 'time', value: ({ atMs }) => atMs },
  { header: 'Số', type: 'number', value: ({ n }) => n },
];
const lines: readonly Line[] = [
  {
    code: '000.12.35.H08',
    name: 'UBND xã "Bình Tường"; thôn 1,\nBình Định',
    atMs: Date.UTC(2026, 5, 30, 17, 30),
    n: 7,
  },
  { code: '0012', name: '=HYPERLINK("http://x")', atMs: null, n: -3 },
  { code: '-', name: "'=đã có dấu", atMs: null, n: 0 },
];

t.test('a table comes back from CSV and XLSX as it went', async (t) => {
  for (const file of [
    writeCsv(columns, lines),
    writeCsv(columns, lines, ','),
    await writeXlsx(columns, lines, 'Đơn vị: [1]'),
  ]) {
    const sheet = await readSheet(file, ['mã']);
    t.same(sheet.headers, ['Mã', 'Tên đơn vị', 'Từ lúc', 'Số']);
    const [code, name, n, at] = [
      sheet.column('Mã'),
      sheet.column('tên  ĐƠN VỊ'),
      sheet.column('so', 'số'),
      sheet.column('Từ lúc'),
    ];
    t.same(
      sheet.rows.map(({ cells }) => [cells[code], cells[name], cells[n]]),
      lines.map((line) => [line.code, line.name, String(line.n)]),
    );
    t.equal(
      sheet.rows[0]!.cells[at],
      sheet.format === 'csv' ? '01/07/2026 00:30' : '2026-07-01 00:30:00',
      'Vietnam time',
    );
    t.equal(sheet.rows[1]!.line, sheet.format === 'csv' ? 4 : 3, 'the line as a person counts it');
  }
  t.equal(writeCsv(columns, lines).subarray(0, 3).toString('hex'), 'efbbbf', 'with BOM');
});

t.test('nothing in a CSV runs as a formula', async (t) => {
  for (const text of ['=1+1', '+84 90', '-5', '@SUM(A1)', '\tx', '＝1'])
    t.match(csvLine([text], ';'), /^"?'/, JSON.stringify(text));
  t.equal(csvLine([-5, null, true, 'a'], ','), '-5,,true,a\r\n', 'a number stays a number');
});

t.test('what others write is read', async (t) => {
  const read = async (text: string | Buffer) =>
    (await readSheet(Buffer.from(text), ['Mã'])).rows.map(({ line, cells }) => [line, ...cells]);
  t.same(await read('sep=;\r\nMã;Tên\r\nH1;"a;b"\r\n'), [[3, 'H1', 'a;b']], 'sep= line');
  t.same(
    await read('DANH SÁCH ĐƠN VỊ\n\nMã\tTên\nH1\tx\n\n'),
    [[4, 'H1', 'x']],
    'a title above, tabs, blank lines',
  );
  t.same(await read('Mã,Tên\rH1,x'), [[2, 'H1', 'x']], 'old line ends, none at the end');
  t.same(await read('Mã,Tên,\nH1,"x ""y"" z",\n'), [[2, 'H1', 'x "y" z', '']], 'an empty last column');
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from('Mã\tTên\r\nH1\tHuyện Tây Sơn', 'utf16le'),
  ]);
  t.same(await read(utf16), [[2, 'H1', 'Huyện Tây Sơn']], 'Unicode text of spreadsheet programs');
});

t.test('bad tables are refused with the reason', async (t) => {
  const malformed = 'spreadsheet-malformed';
  await rejects(t, readSheet(Buffer.from('Mã;Tên\nH1;"x'), ['Mã']), malformed, /line 2.*not closed/);
  await rejects(t, readSheet(Buffer.from('Mã;Mã\n'), ['Mã']), malformed, /two columns/);
  await rejects(t, readSheet(Buffer.from('a;b\n'), ['Mã', 'Code']), malformed, /no column Mã \/ Code/);
  await rejects(t, readSheet(Buffer.from([0x4d, 0xe3, 0x3b, 0x0a]), ['Mã']), malformed, /not UTF-8/);
  await rejects(t, readSheet(Buffer.from('d0cf11e0a1b11ae1', 'hex'), ['Mã']), malformed, /password/);
  await rejects(
    t,
    readSheet(Buffer.from('PK\x03\x04 no zip at all, only the magic'), ['Mã']),
    malformed,
    /not an XLSX/,
  );
  const good = await writeXlsx(columns, lines, 'x');
  await rejects(t, readSheet(good.subarray(0, good.length - 300), ['Mã']), malformed, /./);
  t.throws(() => parseCsv('a,b\n'.repeat(5), { ...sheetBounds, rowsMax: 4 }), {
    code: 'spreadsheet-too-large',
  });
  t.throws(() => parseCsv(','.repeat(70), sheetBounds), { code: 'spreadsheet-too-large' });
  t.throws(() => textOfCsv(Buffer.from([0xc3])), { code: malformed });
});

/** An XLSX with one sheet of this XML; `says` is the unpacked size that the ZIP states. */
function workbook(sheetXml: Buffer | string, says?: number): Buffer {
  const rel = 'http://schemas.openxmlformats.org';
  const main = `xmlns="${rel}/spreadsheetml/2006/main"`;
  const members: [string, Buffer][] = [
    ['[Content_Types].xml', Buffer.from(`<Types xmlns="${rel}/package/2006/content-types"/>`)],
    [
      'xl/workbook.xml',
      Buffer.from(
        `<workbook ${main} xmlns:r="${rel}/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>`,
      ),
    ],
    [
      'xl/_rels/workbook.xml.rels',
      Buffer.from(
        `<Relationships xmlns="${rel}/package/2006/relationships"><Relationship Id="rId1" Type="${rel}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
      ),
    ],
    [
      'xl/worksheets/sheet1.xml',
      typeof sheetXml === 'string'
        ? Buffer.from(`<worksheet ${main}><sheetData>${sheetXml}</sheetData></worksheet>`)
        : sheetXml,
    ],
  ];
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const [name, content] of members) {
    const packed = deflateRawSync(content);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(says ?? content.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), facts, Buffer.from(name), packed);
    centrals.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, place, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}
const cell = (r: string, text: string) => `<c r="${r}" t="inlineStr"><is><t>${text}</t></is></c>`;

t.test('a ZIP bomb and a giant sheet cost nothing', async (t) => {
  const good = workbook(`<row r="1">${cell('A1', 'Mã')}</row><row r="5">${cell('A5', 'H1')}</row>`);
  t.same((await readSheet(good, ['Mã'])).rows, [{ line: 5, cells: ['H1'] }], 'the same by hand is read');
  const large = 'spreadsheet-too-large';
  await rejects(t, readSheet(workbook(Buffer.alloc(260 * 1024 * 1024, 0x20)), ['Mã']), large, /unpacked/);
  await rejects(t, readSheet(workbook(Buffer.alloc(260 * 1024 * 1024, 0x20), 10), ['Mã']), large, /unpacked/);
  await rejects(
    t,
    readSheet(workbook(`<row r="1">${cell('A1', 'Mã')}${cell('XFD1', 'x')}</row>`), ['Mã']),
    large,
    /columns/,
  );
  await rejects(
    t,
    readSheet(workbook(`<row r="1">${cell('A1', 'Mã')}</row><row r="1048576"/>`), ['Mã']),
    large,
    /rows/,
  );
  await rejects(
    t,
    readSheet(workbook(`<row r="1">${cell('A1', 'Mã')}</row><row r="1e9"/>`), ['Mã']),
    'spreadsheet-malformed',
    /place/,
  );
  await rejects(
    t,
    readSheet(workbook(`<row r="1">${'<c><v>1</v></c>'.repeat(99)}</row>`), ['Mã']),
    large,
    /columns/,
  );
});
