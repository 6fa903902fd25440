// Vietnamese text: folding for search, sorting, and (below) legacy encodings against the samples of others.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkTextFile } from '../protocol/node/text-file.ts';
import { type LegacyEncoding, legacyEncodings, readLegacy } from '../protocol/text/charsets.ts';
import { compareVietnamese, fold, foldedWords, sameSpelling, sortKey } from '../protocol/text/fold.ts';
import {
  convertText,
  createTextJudge,
  judgeText,
  offerConfidence,
  textOffers,
} from '../protocol/text/judge.ts';
import { sharedData } from './support/shared-data.ts';

/** The program as a person starts it. */
function lienthong(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const program = fileURLToPath(new URL('../bin/lienthong', import.meta.url));
  // Without the loaders that the test runner puts into the environment.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, program, ...args]);
  const said = { out: '', err: '' };
  child.stdout.on('data', (piece) => {
    said.out += piece;
  });
  child.stderr.on('data', (piece) => {
    said.err += piece;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...said })));
}

t.test('search folding makes every way of writing a name equal', async (t) => {
  const ways = [
    'Hoả tốc',
    'Hỏa tốc',
    'HỎA  TỐC',
    'hoa toc',
    'Hỏa tốc'.normalize('NFD'),
    'ｈỏａ\u00a0tốc',
    ' Hoả\ttốc\u200b',
  ];
  for (const way of ways) t.equal(fold(way), 'hoa toc', JSON.stringify(way));
  for (const d of ['Đ', 'đ', 'Ð', 'ð', 'Ɖ', 'ɖ', 'D', 'd']) t.equal(fold(`${d}ông Hà`), 'dong ha', d);
  t.same(foldedWords('Số: 09/2025/QĐ–TTg'), ['so', '09', '2025', 'qd', 'ttg']);
  t.same(foldedWords('  …/ - '), []);
  for (const text of ['Ủy ban', 'ﬁ ½ Ⅷ', 'İstanbul', 'ß', '\ud800', 'Ǆ'])
    t.equal(fold(fold(text)), fold(text), text);
});

t.test('one spelling per meaning keeps marks and case', async (t) => {
  t.equal(sameSpelling('Hoả tốc'), sameSpelling('Hỏa tốc'.normalize('NFD')));
  t.equal(sameSpelling('thuỷ lợi QÐ'), sameSpelling('thủy lợi QĐ'));
  for (const other of ['hoa', 'hòa', 'họa', 'hoà bình', 'Hỏa'])
    t.not(sameSpelling('hỏa'), sameSpelling(other), other);
});

t.test('sorting is Vietnamese, and the stored key sorts as the collator of the platform does', async (t) => {
  const units = [
    'Yên Bái',
    'Đông Hà',
    'Đồng Hới',
    'Dak Lak',
    'Ea Súp',
    'Ân Thi',
    'An Khê',
    'Ăn',
    'án',
    'ăn',
    'ân',
    'an',
    'An',
    'Ô Môn',
    'Ơ',
    'O',
  ];
  const more = [
    'Ư',
    'U',
    'ca',
    'ba',
    'bà',
    'bả',
    'bã',
    'bá',
    'bạ',
    'Ba',
    '10',
    '9',
    'a b',
    'ab',
    'Quảng Trị',
    'Quảng Bình',
    'zê',
    'f',
    'w',
  ];
  const all = [...units, ...more];
  t.same([...all].sort(compareVietnamese), [...all].sort(new Intl.Collator('vi').compare));
  t.same(
    ['Hỏa Lò', 'Hoả An', 'Hòa An', 'Hoa An', 'Họa An'].sort(compareVietnamese),
    ['Hoa An', 'Hòa An', 'Hoả An', 'Họa An', 'Hỏa Lò'],
    'where the tone mark stands does not part equal words',
  );
  t.equal(compareVietnamese('Hoả', 'Hỏa'), 0);
  t.ok(sortKey('x'.repeat(10_000)).length < 700, 'the key is bounded');
});

const codePage = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
/** How 8-bit text looks after a program took its bytes for Windows-1252. */
const misread = (bytes: Iterable<number>): string =>
  [...bytes]
    .map((byte) => (byte >= 0x80 && byte < 0xa0 ? codePage[byte - 0x80]! : String.fromCharCode(byte)))
    .join('');

const columns: Readonly<Record<LegacyEncoding, string>> = {
  tcvn3: 'TCVN3_ABC',
  'tcvn5712-1': 'TCVN5712_1_VN1',
  vni: 'VNI_WINDOWS',
  viscii: 'VISCII',
  vps: 'VPS_unikey',
  'windows-1258': 'WINDOWS_1258_iconv',
  'vietware-x': 'VIETWARE_X',
  'vietware-f': 'VIETWARE_F',
  bkhcm2: 'BKHCM2',
  'vni-mac': 'VNI_MAC',
};
type Mapping = Record<string, Record<string, string>>;
const mappingFile = sharedData('vietnamese/mapping-tables.json');
const mapping: Mapping | undefined = existsSync(mappingFile)
  ? JSON.parse(readFileSync(mappingFile, 'utf8'))
  : undefined;
const needsMapping = mapping
  ? false
  : 'the samples of others are not beside the project (../shared/data/vietnamese)';

/** The judge of others: their table, not ours, writes the text. */
function written(text: string, encoding: LegacyEncoding): Buffer {
  const bytes: number[] = [];
  for (const letter of text) {
    const code = mapping![letter]?.[columns[encoding]];
    bytes.push(...(code ? Buffer.from(code, 'hex') : Buffer.from(letter, 'latin1')));
  }
  return Buffer.from(bytes);
}

const lines = ['cong-van-112', 'quyet-dinh-78', 'thong-bao-45', 'quyet-dinh-2317']
  .flatMap((name) =>
    readFileSync(new URL(`../bin/demo/texts/${name}.txt`, import.meta.url), 'utf8')
      .normalize('NFC')
      .split('\n'),
  )
  .map((line) => line.replace(/[“”–]/gu, '"').trim())
  .filter((line) => /\p{L}/u.test(line.replace(/[\0-\x7f]/g, '')));

t.test('the tables of the encodings agree with those of others', { skip: needsMapping }, async (t) => {
  for (const encoding of legacyEncodings)
    for (const letter of Object.keys(mapping!)) {
      const { text, strange } = readLegacy(misread(written(letter, encoding)), encoding);
      // Where both cases share a code the font drew the difference.
      t.ok(
        text === letter ||
          (text === letter.toLowerCase() && ['tcvn3', 'vietware-f', 'vps'].includes(encoding)),
        `${encoding} ${letter} ${text}`,
      );
      t.equal(strange, 0);
    }
  for (const capital of ['Aµ:À', '¢Ê:Ấ', 'Yý:Ý', '¦ø:Ứ']) {
    const [wrote, meant] = capital.split(':');
    t.equal(convertText(wrote!, 'tcvn3').text, meant, 'capital and toned letter, as other programs wrote it');
  }
  t.equal(convertText('Aùn AÙn yûÛ', 'vni').text, 'Án Án ỷÛ', 'a capital typed with the small tone key');
});

/** Confusion: what is said of each encoding, over all lines. Words of the two that share letters are told apart by nothing. */
function confusion(cut: number): Record<string, Record<string, number>> {
  const table: Record<string, Record<string, number>> = {};
  const count = (truth: string, text: string) => {
    const { encoding, form } = judgeText(text);
    const said = encoding ?? form;
    table[truth] ??= {};
    table[truth][said] = (table[truth][said] ?? 0) + 1;
  };
  for (const line of lines.map((line) => line.slice(0, cut)).filter((line) => /[^\0-\x7f]/.test(line))) {
    count('unicode', line);
    count('nfd', line.normalize('NFD'));
    count('utf-8-twice', misread(Buffer.from(line)));
    for (const encoding of legacyEncodings) count(encoding, misread(written(line, encoding)));
  }
  return table;
}

t.test('legacy encodings are told apart: the confusion table', { skip: needsMapping }, async (t) => {
  // Least share of right answers for whole lines and for lines cut to 25 letters. VN1 is TCVN3 with capitals: without them both names are right.
  // VISCII, VPS and Windows-1258 share plain à á â ã è é ê … with Latin-1: a short line of such letters reads the same, and nothing is offered.
  const least: Record<string, readonly [number, number]> = {
    tcvn3: [0.99, 0.96],
    vni: [0.98, 0.96],
    viscii: [0.96, 0.92],
    'utf-8-twice': [0.99, 0.97],
    'tcvn5712-1': [0.98, 0.96],
    'windows-1258': [0.95, 0.92],
    vps: [0.9, 0.85],
    'vietware-x': [0.95, 0.93],
    'vietware-f': [0.9, 0.84],
    bkhcm2: [0.95, 0.93],
    'vni-mac': [0.98, 0.96],
  };
  for (const [i, cut] of [Number.POSITIVE_INFINITY, 25].entries()) {
    const table = confusion(cut);
    for (const [truth, said] of Object.entries(table)) t.comment(`${cut} ${truth}: ${JSON.stringify(said)}`);
    const { unicode, nfd, ...legacy } = table;
    t.same(Object.keys(unicode!), ['nfc'], 'no false alarm on Unicode');
    t.same(
      Object.keys(nfd!).filter((said) => said !== 'nfc'),
      ['nfd'],
      'nor on decomposed Unicode',
    );
    for (const [truth, said] of Object.entries(legacy)) {
      const all = Object.values(said).reduce((sum, n) => sum + n, 0);
      const right = (said[truth] ?? 0) + (truth === 'tcvn5712-1' ? (said.tcvn3 ?? 0) : 0);
      t.ok(right / all >= least[truth]![i]!, `${truth}: ${right} of ${all}`);
    }
  }
});

t.test(
  'a whole text comes back letter by letter, whatever encoding it was in',
  { skip: needsMapping },
  async (t) => {
    const text = lines.join('\n');
    for (const encoding of legacyEncodings) {
      const wrote = misread(written(text, encoding));
      const judge = createTextJudge();
      judge.add(wrote);
      const { encoding: found, confidence } = judge.verdict();
      t.equal(found, encoding === 'tcvn5712-1' ? 'tcvn5712-1' : encoding);
      t.ok(confidence > 0.9, `${encoding} ${confidence}`);
      const back = convertText(wrote, encoding).text;
      const loses = ['tcvn3', 'vietware-f', 'vps'].includes(encoding);
      t.equal(loses ? back.toLowerCase() : back, loses ? text.toLowerCase() : text, encoding);
    }
    const capitals = 'UỶ BAN NHÂN DÂN XÃ BÌNH MẪU\nCỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM';
    t.equal(
      convertText(misread(written(capitals, 'tcvn3')), 'tcvn3').text,
      capitals,
      '.VnTimeH: capitals from the words around',
    );
  },
);

t.test('other languages, signs and numbers are no Vietnamese of an older encoding', async (t) => {
  const others = [
    'The quick brown fox – naïve café, résumé, jalapeño; 5 µm ± 2 °C, 20 m², © 2024 Acme® £5 §3',
    'Les élèves du collège étaient très contents à la plage où ça va être été, garçon, sœur, Noël',
    'Über die schönen Straßen von Köln gehen größere Mädchen; für Müller hört das Öl auf',
    'El niño comió piñas mañana; ¿dónde está el corazón? ¡Aquí! São Paulo, ação, não, coração',
    'Zażółć gęślą jaźń; příliš žluťoučký kůň; Ærø, smörgåsbord, fåglar på ön',
    'Привет мир, 你好, ສະບາຍດີ, សួស្តី, مرحبا',
    'Krông Bông, Đắk Lắk, Kon Plông, Pleiku, Ea H’leo',
    'là cá, cà phê, ca nô, có thì là',
    '½ × ¾ ÷ 3 = ² « ok » „gut“ 10€',
  ];
  for (const text of others) {
    const verdict = judgeText(text);
    t.not(verdict.form, 'legacy', `${text} ${JSON.stringify(verdict)}`);
    for (const word of text.split(' '))
      t.notOk(judgeText(word).confidence >= offerConfidence && judgeText(word).form === 'legacy', word);
  }
  t.equal(judgeText('').form, 'ascii');
  t.equal(judgeText('Ñ').form, 'nfc');
});

t.test(
  'legacy metadata are offered converted, all fields judged together, and nothing is changed',
  async (t) => {
    const fields = {
      subject: 'V/v triÓn khai c«ng t¸c v¨n th­ n¨m 2026',
      position: 'Chñ tÞch',
      name: 'TrÇn V¨n B×nh',
      notation: 'UBND-VP',
    };
    const offers = textOffers(fields);
    t.same(Object.fromEntries(offers.map(({ field, offered }) => [field, offered])), {
      subject: 'V/v triển khai công tác văn thư năm 2026',
      position: 'Chủ tịch',
      name: 'Trần Văn Bình',
    });
    t.ok(
      offers.every(
        ({ encoding, written }) => encoding === 'tcvn3' && Object.values(fields).includes(written),
      ),
    );
    t.same(textOffers({ subject: 'V/v triển khai công tác', name: 'Trần Văn Bình', note: '' }), []);
    t.same(
      textOffers({ a: 'UÛy ban nhaân daân huyeän Taây Sôn' }).map(({ offered }) => offered),
      ['Ủy ban nhân dân huyện Tây Sơn'],
    );
  },
);

t.test(
  'text check and text convert work on files of any kind and size',
  { skip: needsMapping },
  async (t) => {
    const folder = t.testdir();
    const text = `${lines.join('\n')}\n`;
    const put = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const check = async (file: string) => {
      const { code, out, err } = await lienthong('text', 'check', file, '--json');
      return { code, ...(out ? JSON.parse(out) : JSON.parse(err)) };
    };
    const convert = (...args: string[]) => lienthong('text', 'convert', ...args);
    const withBom = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    const good = {
      utf8: text,
      bom: `\ufeff${text}`,
      utf16: withBom,
      utf16bare: Buffer.from(text, 'utf16le'),
      ascii: 'So 12\n',
      empty: '',
    };
    for (const [name, bytes] of Object.entries(good)) {
      const { code, unicode, nfc, confidence } = await check(put(`${name}.txt`, bytes));
      t.same({ code, unicode, nfc, confidence }, { code: 0, unicode: true, nfc: true, confidence: 1 }, name);
    }
    const legacy: Record<string, Buffer | string> = {
      tcvn3: written(text, 'tcvn3'),
      vni: written(text, 'vni'),
      viscii: written(text, 'viscii'),
      'utf-8-twice': misread(Buffer.from(text)),
    };
    for (const [name, bytes] of Object.entries(legacy)) {
      const file = put(`${name}.txt`, bytes);
      const before = readFileSync(file);
      const said = await check(file);
      t.match(said, { code: 65, unicode: false, nfc: false, encoding: name, mixed: false });
      t.ok(said.confidence > 0.9 && said.sample.offered !== said.sample.written);
      const to = join(folder, `${name}.out`);
      const done = await convert(file, '--out', to, '--json');
      t.equal(done.code, 0, done.err);
      const read = readFileSync(to, 'utf8');
      t.equal(name === 'tcvn3' ? read.toLowerCase() : read, name === 'tcvn3' ? text.toLowerCase() : text);
      t.same(readFileSync(file), before, 'the original is as it was');
      t.equal((await convert(file, '--out', to)).code, 1, 'and no file is written over');
    }
    const nfd = put('nfd.txt', text.normalize('NFD'));
    t.match(await check(nfd), { code: 65, unicode: true, nfc: false, form: 'nfd' });
    t.equal((await convert(nfd)).code, 0);
    t.equal(readFileSync(join(folder, 'nfd.unicode.txt'), 'utf8'), text);
    const mixed = put('mixed.txt', Buffer.concat([Buffer.from(text), written(text, 'tcvn3')]));
    t.match(await check(mixed), { code: 65, mixed: true, form: 'mixed' });
    const refused = await convert(mixed, '--json');
    t.match({ code: refused.code, ...JSON.parse(refused.err) }, { code: 'text-mixed' });
    t.equal(refused.code, 65);
    t.equal(
      (await convert(put('french.txt', Buffer.from('Les élèves étaient à la plage\n', 'latin1')))).code,
      65,
    );
    for (const [name, bytes] of Object.entries({
      pdf: '%PDF-1.7\n',
      zip: 'PK\x03\x04\x14',
      noise: Buffer.from([1, 0, 2, 0, 0, 0, 9]),
    }))
      t.match(await check(put(name, bytes)), { code: 'text-binary' }, name);
    t.equal((await lienthong('text', 'check', join(folder, 'none'))).code, 66);
    t.equal((await convert(nfd, '--from', 'klingon')).code, 2);
  },
);

t.test('a large file with one endless line is judged in bounded memory', async (t) => {
  const path = join(t.testdir(), 'large.txt');
  const fd = openSync(path, 'w');
  const piece = Buffer.from('c«ng hßa x· héi chñ nghÜa '.repeat(10_000), 'latin1');
  for (let i = 0; i < 40; i += 1) writeSync(fd, piece);
  closeSync(fd);
  const before = process.memoryUsage().rss;
  const { verdict, container } = await checkTextFile(path);
  t.match({ ...verdict, container }, { encoding: 'tcvn3', container: '8-bit' });
  t.ok(process.memoryUsage().rss - before < 150e6);
});
