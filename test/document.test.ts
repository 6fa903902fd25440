// What a sender says of a document: kinds, numbers and notations as found in offices, urgencies, the one schema with its words, statuses.
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { submitSchema } from '../edge-node/api/schemas-requests.ts';
import { strictRequests } from '../edge-node/api/validate.ts';
import { metadataCodec } from '../protocol/codec.ts';
import { judgeDocument, vietnamDay } from '../protocol/document/judge.ts';
import { documentKinds, kindByAbbreviation, kindByName } from '../protocol/document/kinds.ts';
import { metadataOf, urgencyOf } from '../protocol/document/metadata.ts';
import { numberKey, parseNotation, parseNumberAndNotation } from '../protocol/document/notation.ts';
import {
  mayFollow,
  refusalReason,
  refusalReasons,
  statusMoves,
  statusName,
} from '../protocol/document/statuses.ts';
import { urgencyNamed, urgencyText } from '../protocol/document/urgency.ts';
import { fieldText } from '../protocol/document/violations.ts';
import type { ExchangeError } from '../protocol/errors.ts';
import { fromProblem, toProblem } from '../protocol/problem.ts';
import { buildMetadata } from '../protocol/seal.ts';
import { sharedData } from './support/shared-data.ts';

const nowMs = Date.parse('2026-11-26T09:00:00+07:00');

t.test('the 29 kinds of the decree are there, each once, and any other is as good', async (t) => {
  const decree = documentKinds.filter(({ group }) => group === 'decree30');
  t.equal(decree.length, 29);
  t.equal(decree[17]!.name, 'Công văn', 'place 18, which some software writes as "18"');
  t.equal(new Set(documentKinds.map(({ name }) => name)).size, documentKinds.length);
  t.equal(kindByName('quyết  định (cá biệt)')?.abbreviation, 'QĐ');
  t.equal(kindByName('BẢN THOẢ THUẬN')?.abbreviation, 'BTT', 'the tone mark may stand on either vowel');
  t.equal(kindByName('Giấy triệu tập')?.group, 'regulation');
  t.equal(kindByName('Thư chúc mừng'), undefined);
  t.equal(kindByAbbreviation('TT')?.name, 'Thông tư');
  t.equal(kindByAbbreviation('TTr')?.name, 'Tờ trình');
  t.equal(kindByAbbreviation('Q\u00d0')?.name, 'Quyết định', 'Ð is taken for Đ');
  t.ok(kindByName('Công điện')!.electronic && kindByName('Kết luận')!.electronic);
  t.notOk(kindByName('Giấy nghỉ phép')!.electronic);
});

type Expected = [
  number: string,
  year: number | undefined,
  symbol: string,
  kind: string,
  office: string,
  field: string,
];
const expected: Readonly<Record<string, Expected>> = {
  '125/UBND-TH': ['125', undefined, 'UBND-TH', 'Công văn', 'UBND', 'TH'],
  '10/KH-UBND': ['10', undefined, 'KH-UBND', 'Kế hoạch', 'UBND', ''],
  '09/2025/QĐ-TTg': ['09', 2025, 'QĐ-TTg', 'Quyết định', 'TTg', ''],
  '15/QĐ-BNV': ['15', undefined, 'QĐ-BNV', 'Quyết định', 'BNV', ''],
  '05/BNV-VP': ['05', undefined, 'BNV-VP', 'Công văn', 'BNV', 'VP'],
  '30/2020/NĐ-CP': ['30', 2020, 'NĐ-CP', 'Nghị định', 'CP', ''],
  '02/2017/TT-VPCP': ['02', 2017, 'TT-VPCP', 'Thông tư', 'VPCP', ''],
  '2972/QĐ-BNN-CN': ['2972', undefined, 'QĐ-BNN-CN', 'Quyết định', 'BNN', 'CN'],
  '3236/TTr -SNN': ['3236', undefined, 'TTr -SNN', 'Tờ trình', 'SNN', ''],
  '40/2012/QĐ-UBND': ['40', 2012, 'QĐ-UBND', 'Quyết định', 'UBND', ''],
  '4612/BGDĐT-GDTrH': ['4612', undefined, 'BGDĐT-GDTrH', 'Công văn', 'BGDĐT', 'GDTrH'],
  '84-KH/TU': ['84', undefined, 'KH/TU', 'Kế hoạch', 'TU', ''],
  '27-CT/TW': ['27', undefined, 'CT/TW', 'Chỉ thị', 'TW', ''],
  '15-NQ/TU': ['15', undefined, 'NQ/TU', 'Nghị quyết', 'TU', ''],
  '01/2011/QH13': ['01', 2011, 'QH13', '', 'QH13', ''],
  'Số: 88/TB-UBND': ['88', undefined, 'TB-UBND', 'Thông báo', 'UBND', ''],
  'Số:      /UBND-NC': ['', undefined, 'UBND-NC', 'Công văn', 'UBND', 'NC'],
  '636HVM-KTĐBCL': ['636', undefined, 'HVM-KTĐBCL', 'Công văn', 'HVM', 'KTĐBCL'],
  'QĐ 1772/QĐ-UBND': ['1772', undefined, 'QĐ-UBND', 'Quyết định', 'UBND', ''],
  '…/TTr-ĐNV': ['', undefined, 'TTr-ĐNV', 'Tờ trình', 'ĐNV', ''],
};

t.test('a number and notation is read as offices write it, and never repaired', async (t) => {
  for (const [written, [number, year, symbol, kind, office, field]] of Object.entries(expected)) {
    const read = parseNotation(written);
    t.same(
      { ...read, kind: read.kind?.name ?? '', remarks: undefined },
      { written, number, year, symbol, kind, office, field, remarks: undefined },
      written,
    );
  }
  for (const odd of ['', '/', '---', '12', 'x'.repeat(5000), '\u0000/\u202e', '1/2/3/4/5'])
    t.equal(parseNotation(odd).written, odd);
  t.equal(parseNumberAndNotation('09/2025', 'QĐ-TTg').year, 2025, 'the year with the number');
  t.equal(parseNumberAndNotation('09', '2025/QĐ-TTg').year, 2025, 'or with the notation');
  t.equal(numberKey('05', 'BNV-VP'), numberKey(' 5', 'bnv - vp'), 'two writings of one number');
  t.not(numberKey('5', 'BNV-VP'), numberKey('5', 'BNV-TH'));
  t.equal(numberKey('', 'BNV-VP'), '', 'without a number nothing is a duplicate');
});

const samples = sharedData('vietnamese/documents.json');
t.test(
  'all notations found in public registers are read',
  { skip: existsSync(samples) ? false : 'no ../shared/data/vietnamese' },
  async (t) => {
    const data = JSON.parse(readFileSync(samples, 'utf8')) as {
      loai_van_ban_nd30_phu_luc_III: { ten: string; viet_tat: string }[];
      real_register: { so_ky_hieu: string; loai_van_ban: string; do_khan?: string }[];
      so_ky_hieu_as_found: string[];
      do_khan: string[];
    };
    for (const { ten, viet_tat } of data.loai_van_ban_nd30_phu_luc_III) {
      t.equal(kindByName(ten)?.abbreviation, viet_tat, ten);
      t.equal(kindByAbbreviation(viet_tat), kindByName(ten), viet_tat);
    }
    for (const { so_ky_hieu, loai_van_ban, do_khan } of data.real_register) {
      const read = parseNotation(so_ky_hieu);
      t.equal(read.kind?.name, loai_van_ban, so_ky_hieu);
      t.match(read.number, /^\d+$/, so_ky_hieu);
      if (do_khan !== undefined) t.ok(urgencyNamed(do_khan), do_khan);
    }
    for (const written of data.so_ky_hieu_as_found) {
      const read = parseNotation(written);
      t.equal(read.written, written, 'kept as written');
      t.ok(read.office !== '' && (read.number !== '' || read.remarks.includes('no-number')), written);
      t.ok(read.kind || written.includes('QH13'), written);
    }
    for (const word of data.do_khan) t.ok(urgencyNamed(word), word);
  },
);

t.test('urgencies have their official words, however the tone mark is placed', async (t) => {
  t.equal(urgencyNamed('Hoả tốc'), 'flash');
  t.equal(urgencyNamed('HỎA TỐC HẸN GIỜ'), 'flashTimed');
  t.equal(urgencyNamed('Hỏa tốc'.normalize('NFD')), 'flash');
  t.equal(urgencyNamed('2'), 'veryUrgent');
  t.equal(urgencyNamed('gấp'), undefined);
  t.equal(urgencyText(4), 'hỏa tốc hẹn giờ');
  t.match(urgencyText(9), /9/);
  t.equal(urgencyOf({ type: 'Công điện' }), 2, 'the kind asks for it');
  t.equal(urgencyOf({ number: '3', notation: 'GM-UBND' }), 1, 'so does the notation');
  t.equal(urgencyOf({ type: 'Công điện', urgency: 'normal' }), 0, 'the sender decides');
});

/** The refusal that the API makes of a body. */
function refused(body: unknown): ExchangeError {
  type Compile = (given: {
    schema: object;
    httpPart: string;
  }) => (value: unknown) => { error?: ExchangeError };
  let compile: Compile | undefined;
  const app = {
    setValidatorCompiler: (given: Compile) => {
      compile = given;
    },
    setSerializerCompiler: () => {},
    getDefaultJsonParser: () => () => {},
    removeContentTypeParser: () => {},
    addContentTypeParser: () => {},
  };
  strictRequests(app as never, () => nowMs);
  const { error } = compile!({ schema: submitSchema, httpPart: 'body' })(body);
  return error!;
}

t.test('everything wrong with a document is named at once, in Vietnamese, with its remedy', async (t) => {
  const error = refused({
    recipients: [],
    parts: [],
    issueDate: '2026-02-30',
    replyBy: 'mai',
    urgency: 'flashTimed',
    pages: '3',
    origin: 'fax',
    signers: [{ position: 'Chủ tịch' }],
    otherPlaces: ['Lưu: VT', 'ễ'.repeat(100)],
    notation: 'QĐ\u202eUBND',
    exception: 'defence',
    links: [{ relation: 'answers' }],
    surprise: 1,
  });
  t.equal(error.code, 'request-malformed');
  const byField = new Map(error.violations.map((each) => [each.field, each]));
  for (const field of [
    '/recipients',
    '/issueDate',
    '/replyBy',
    '/urgentAt',
    '/pages',
    '/origin',
    '/signers/0/name',
    '/otherPlaces/1',
    '/notation',
    '/exception',
    '/links/0',
    '/surprise',
  ]) {
    t.ok(byField.has(field), field);
    t.ok(error.detail.includes(field), `${field} in the detail`);
  }
  t.match(byField.get('/issueDate')!.vi, /^Ngày ban hành không có trong lịch\. Xem lại/);
  t.match(byField.get('/exception')!.vi, /quốc phòng.*không được gửi/);
  t.match(byField.get('/signers/0/name')!.vi, /^Tên \(người ký thứ 1\) còn thiếu/);
  t.equal(fieldText('/links/2/relation'), '"relation" (văn bản liên quan thứ 3)');
  t.notOk(JSON.stringify(error.violations).includes('fax'), 'no value is repeated');
  const back = fromProblem(400, JSON.parse(JSON.stringify(toProblem(error))));
  t.same(back.violations, error.violations, 'the command line gets the same words');
  t.same(fromProblem(400, { code: 'request-malformed', violations: [7, { field: 1 }, null] }).violations, []);
});

t.test('dates are judged on the day of Vietnam', async (t) => {
  const lateMs = Date.parse('2026-11-26T23:30:00+07:00');
  t.equal(vietnamDay(lateMs), '2026-11-26');
  t.same(judgeDocument({ issueDate: '2026-11-26' }, lateMs), []);
  t.match(judgeDocument({ issueDate: '2026-11-27' }, lateMs), [{ field: '/issueDate', en: 'in the future' }]);
  t.match(judgeDocument({ issueDate: '0206-11-27' }, lateMs), [{ field: '/issueDate' }]);
  t.match(judgeDocument({ issueDate: '2026-11-26', replyBy: '2026-11-25T23:00:00+07:00' }, lateMs), [
    { field: '/replyBy' },
  ]);
  t.match(judgeDocument({ urgentAt: '2026-11-27T07:00:00+07:00', urgency: 'flash' }, lateMs), [
    { field: '/urgentAt' },
  ]);
  t.same(judgeDocument({ urgentAt: '2026-11-27T07:00:00+07:00', urgency: 'flashTimed' }, lateMs), []);
  const twice = { relation: 'answers', documentId: 'a' };
  t.match(judgeDocument({ links: [twice, twice] }, lateMs), [{ field: '/links/1' }]);
  for (const odd of [null, 7, 'x', [], { links: 7, related: [null, { issueDate: '2026-13-01' }] }])
    t.doesNotThrow(() => judgeDocument(odd, lateMs));
});

t.test('every field survives sealing', async (t) => {
  const said = metadataOf({
    subject: 'Về việc phòng, chống thiên tai',
    number: '05',
    notation: 'CĐ-UBND',
    type: 'Công điện',
    issueDate: '2026-11-26',
    signers: [{ name: 'Nguyễn Văn A', position: 'Chủ tịch', competence: 'TM.' }],
    urgentAt: '2026-11-26T17:00:00+07:00',
    sphere: 'Thuỷ lợi',
    note: 'gấp',
    origin: 'scan',
    paperFollows: true,
    pages: 2,
    copies: 30,
    otherPlaces: ['Lưu: VT'],
    reportPeriod: '2026-Q4',
    related: [
      {
        relation: 'corrects',
        number: '7816',
        notation: 'VPCP-TTĐT',
        issueDate: '2015-09-30',
        issuer: '000.00.00.G22',
        issuerName: 'Văn phòng Chính phủ',
        foreignId: '000.00.00.G22,2015/09/30,7816/VPCP-TTĐT',
      },
    ],
    reason: 'r',
    extra: { a: 1 },
  });
  const { block } = buildMetadata(said, new Uint8Array(32));
  t.match(metadataCodec.decode(block), said);
  t.equal(metadataCodec.decode(block).urgentAtMs, Date.parse('2026-11-26T17:00:00+07:00'));
  t.throws(() => metadataOf({ extra: { a: 'x'.repeat(20_000) } }), { code: 'request-malformed' });
});

t.test('statuses follow one another as the decree says, and unknown ones have words', async (t) => {
  t.same(Object.keys(refusalReasons).length, 8);
  t.equal(refusalReason('wrong-recipient'), 4);
  t.equal(refusalReason('4'), 4);
  t.equal(refusalReason('9'), undefined);
  t.equal(statusName('03').vi, 'Đã tiếp nhận');
  t.equal(statusName('07').vi, 'mã khác');
  t.ok(mayFollow('01', '03') && mayFollow('03', '06') && mayFollow('06', '05'));
  t.notOk(mayFollow('01', '05'), 'what is not registered makes no duty');
  for (const to of Object.keys(statusMoves)) t.notOk(mayFollow('02', to), `02 is an end, not ${to}`);
});
