// The signed directory as its readers hold it: pages and differences, an index that follows them, search, tables of units, texts of recipients,
// groups. Pure parts on real bytes and signatures; the hub's and the node's own ways are in reforms.test.ts.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { openDirectoryParts } from '../certs/signers.ts';
import { levelOf } from '../edge-node/directory-tree.ts';
import { directoryReads } from '../edge-node/store/directory-ops.ts';
import { migrations as nodeMigrations } from '../edge-node/store/migrations.ts';
import { planImport } from '../hub/admin/unit-import.ts';
import { storedPart, storedParts } from '../hub/store/directory-reads.ts';
import { migrations as hubMigrations } from '../hub/store/migrations.ts';
import { signedDirectoryCodec } from '../protocol/codec.ts';
import { createDirectory, type Directory, endings, nameAt } from '../protocol/directory.ts';
import { type OpenPart, pageCountFor, pageOf, pageRange, readPart } from '../protocol/directory-pages.ts';
import { prepareSearch, searchDirectory } from '../protocol/directory-search.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { membersOf, unitsOfGroup } from '../protocol/groups.ts';
import { newUnitId } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { readSheet, writeCsv } from '../protocol/node/spreadsheet.ts';
import { type Database, migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { type MatchQuestion, matchRecipients } from '../protocol/recipients.ts';
import { editShards } from '../protocol/shards.ts';
import type { DirectoryGroup, DirectoryUnit } from '../protocol/wire.ts';
import { startTestHub, temporaryDir } from './support/hub.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'no error';
  } catch (error) {
    if (isExchangeError(error)) return error.code;
    throw error;
  }
};

t.test('a unit lies in the page that its id says, and pages grow by doubling', async (t) => {
  for (const count of [1, 2, 64, 4096])
    for (let i = 0; i < 200; i++) {
      const unit = newUnitId(randomBytes(10));
      const { from, to } = pageRange(pageOf(unit, count), count);
      if (!(from <= unit && unit < to)) t.fail(`${unit} of ${count}`);
    }
  t.equal(pageCountFor(10, 1), 1);
  t.equal(pageCountFor(129, 1), 4);
  t.equal(pageCountFor(125_000, 1), 2048);
  t.equal(pageCountFor(10, 2048), 2048, 'never back');
});

t.test('a map that is changed leaves the one before as it was', async (t) => {
  const first = editShards<number>();
  for (let i = 0; i < 5000; i++) first.set(`k${i}`, i);
  const before = first.done();
  const edit = editShards(before);
  edit.set('k7', -7);
  edit.set('new', 1);
  edit.delete('k8');
  edit.delete('nothing');
  const after = edit.done();
  t.same([before.get('k7'), before.get('k8'), before.get('new'), before.size], [7, 8, undefined, 5000]);
  t.same([after.get('k7'), after.get('k8'), after.get('new'), after.size], [-7, undefined, 1, 5000]);
  t.equal([...after.values()].length, 5000);
});

t.test('differences: only what changed travels, and nothing but what was signed is believed', async (t) => {
  const test = await startTestHub({ code: 'H08.35' });
  t.teardown(() => test.close());
  const { hub } = test;
  const rootsDer = [hub.rootDer];
  const act = hub.admin.act;
  const nowMs = systemClock.nowMs();
  const imported = Array.from({ length: 600 }, (_, i) => ({
    unit: newUnitId(randomBytes(10)),
    name: `UBND xã số ${i}`,
    codes: [`H08.35.${1000 + i}`],
    kind: 'xã',
  }));
  await act('unitsImport', {
    against: hub.directory.own().version,
    added: imported,
    changed: [],
    closed: [],
    file: new Uint8Array(32),
    nowMs,
  });
  const hubId = hub.directory.own().hub;
  const whole = hub.directory.partSince(hubId, 0)!;
  const opened = openDirectoryParts([whole], { rootsDer, nowMs });
  t.same(opened.refused, []);
  let known = createDirectory(opened.parts.map(({ part }) => part));
  const { version } = opened.parts[0]!.part;
  const target = imported[17]!.unit;
  await act('unitRename', { unit: target, name: 'UBND xã Bình Tường', oldCodeUntilMs: 0, nowMs: nowMs + 1 });
  const difference = hub.directory.partSince(hubId, version)!;
  t.ok(difference.length * 3 < whole.length, `${difference.length} bytes instead of ${whole.length}`);
  t.equal(signedDirectoryCodec.decode(difference).pages.length, 1, 'one page');
  t.match(
    openDirectoryParts([difference], { rootsDer, nowMs }).refused,
    [{ code: 'directory-gap' }],
    'a difference to nothing',
  );

  const damaged = Buffer.from(difference);
  damaged[damaged.indexOf(Buffer.from('Bình Tường'))] = 0x62;
  t.match(
    openDirectoryParts([damaged], { rootsDer, nowMs, known }).refused,
    [{ code: 'directory-page-wrong' }],
    'another content under a signed digest',
  );
  const signed = signedDirectoryCodec.decode(difference);
  const forged = signedDirectoryCodec.encode({
    ...signed,
    type: signed.type,
    signature: signed.signature,
    pages: signed.pages,
    bytes: Buffer.from(signed.bytes).fill(1, signed.bytes.length - 1),
  });
  t.not(
    openDirectoryParts([forged], { rootsDer, nowMs, known }).refused.length,
    0,
    'a head that was not signed',
  );

  const next = openDirectoryParts([difference], { rootsDer, nowMs, known });
  t.same(next.refused, []);
  const before = known;
  known = createDirectory([next.parts[0]!.part], known);
  t.equal(known.unit(target)?.name, 'UBND xã Bình Tường');
  t.equal(before.unit(target)?.name, 'UBND xã số 17', 'who holds the directory before sees it as it was');
  t.equal(known.unitCount, 601);
  t.equal(nameAt(known.unit(target)!, nowMs), 'UBND xã số 17', 'the name of then');
  t.equal(nameAt(known.unit(target)!, nowMs + 2), 'UBND xã Bình Tường');
  const pages = (part: OpenPart) => part.pages!;
  t.equal(
    pages(next.parts[0]!.part).filter((page, i) => page === pages(opened.parts[0]!.part)[i]).length,
    pages(next.parts[0]!.part).length - 1,
    'the other pages are the very same',
  );
  t.match(
    openDirectoryParts([whole], { rootsDer, nowMs, known }).refused,
    [{ code: 'statement-mismatch' }],
    'an older version never replaces a newer one',
  );
  t.same(
    createDirectory([readPart(hub.directory.partSince(hubId, 0)!).part]).byCode('h08.35.1017', nowMs)?.unit,
    target,
  );

  t.comment('a reader of before gets the whole part in the old form, with the same content');
  const old = await hub.directory.wholeAnswer();
  const oldParts = openDirectoryParts(
    [...(await import('../protocol/codec.ts')).directoryAnswerCodec.decode(old).parts],
    { rootsDer, nowMs },
  );
  t.same(oldParts.refused, []);
  t.equal(oldParts.parts[0]!.part.pages, undefined);
  t.equal(oldParts.parts[0]!.part.units.length, 601);
  t.same(
    openDirectoryParts([oldParts.parts[0]!.bytes], { rootsDer, nowMs, known }).refused,
    [],
    'one version, two forms, one content',
  );

  t.comment('acts that cannot be');
  const unit = (i: number) => imported[i]!.unit;
  const refusal = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error) => (isExchangeError(error) ? error.code : String(error)),
    );
  t.equal(
    await refusal(act('unitMerge', { units: [unit(1)], into: unit(1), untilMs: 0, nowMs })),
    'reform-refused',
    'into itself',
  );
  await act('unitMove', { units: [unit(2)], parent: unit(3), nowMs });
  t.equal(
    await refusal(act('unitMove', { units: [unit(3)], parent: unit(2), nowMs })),
    'reform-refused',
    'a circle of parents',
  );
  t.equal(
    await refusal(act('unitMove', { units: [unit(3)], parent: unit(3), nowMs })),
    'reform-refused',
    'above itself',
  );
  t.equal(
    await refusal(act('unitRename', { unit: unit(4), code: 'H08.35.1005', oldCodeUntilMs: 0, nowMs })),
    'unit-exists',
    'a code already taken',
  );
  t.equal(
    await refusal(act('unitSplit', { unit: unit(4), into: [unit(5)], untilMs: 0, nowMs })),
    'reform-refused',
    'one heir is no split',
  );
  await act('unitMerge', { units: [unit(6)], into: unit(7), untilMs: 0, nowMs });
  t.equal(
    await refusal(act('unitMerge', { units: [unit(7)], into: unit(6), untilMs: 0, nowMs })),
    'unit-closed',
    'a circle of successors',
  );
  t.equal(hub.directory.current().unit(unit(6))?.endedBy, endings.merged);
  t.equal(
    await refusal(
      act('unitsImport', { against: 1, added: [], changed: [], closed: [], file: new Uint8Array(32), nowMs }),
    ),
    'directory-moved-on',
  );
  const group = (code: string, includes: string[]): DirectoryGroup => ({
    code,
    name: code,
    kinds: [],
    includes,
  });
  await act('groupSet', { group: group('a', []), nowMs });
  await act('groupSet', { group: group('b', ['a']), nowMs });
  t.equal(await refusal(act('groupSet', { group: group('a', ['b']), nowMs })), 'group-cycle');
  t.equal(await refusal(act('groupSet', { group: group('c', ['c']), nowMs })), 'group-cycle');

  t.comment('a day to come');
  const day = nowMs + 86_400_000;
  t.equal(
    await refusal(act('unitMerge', { units: [unit(8)], into: unit(6), untilMs: 0, effectiveMs: day, nowMs })),
    'unit-closed',
    'what could not be done now is not planned',
  );
  const planned = await act('unitMerge', {
    units: [unit(8)],
    into: unit(9),
    untilMs: 0,
    effectiveMs: day,
    nowMs,
  });
  t.equal(hub.directory.current().unit(unit(8))?.state, 5, 'nothing before its day');
  t.match(
    hub.directory.own().planned,
    [{ unit: unit(8), kind: 2, atMs: day, into: [unit(9)] }],
    'everybody sees what is coming',
  );
  await act('unitClose', { unit: unit(9), nowMs });
  t.equal(
    await refusal(act('reformApply', { id: planned.planned!, nowMs: day })),
    'unit-closed',
    'its successor ended meanwhile',
  );
  await act('reformRefused', { id: planned.planned!, said: 'unit-closed', nowMs: day });
  t.same(hub.directory.own().planned, []);
  await test.restart();
  t.equal(test.hub.directory.current().unit(target)?.name, 'UBND xã Bình Tường', 'after a restart');
});

const hubId = 'h0000000000000001';
let count = 0;
const unit = (
  code: string,
  name: string,
  kind: string,
  more: Partial<DirectoryUnit> = {},
): DirectoryUnit => ({
  ...{
    unit: `u${String(++count).padStart(16, '0')}`,
    aliases: [{ code, fromMs: 0, untilMs: 0 }],
    name,
    kind,
    state: 1,
  },
  ...{ sealCertificates: [], successors: [], documentBytesMax: 0, node: 'n', parent: '' },
  ...more,
});
const partOf = (
  hub: string,
  name: string,
  units: readonly DirectoryUnit[],
  groups: readonly DirectoryGroup[] = [],
): OpenPart => ({
  ...{
    hub,
    version: 1,
    issuedMs: 0,
    expiresMs: 0,
    units,
    hubCertificates: [],
    issuingCertificate: Buffer.alloc(0),
    parent: '',
  },
  ...{ revocationNumber: 0, revocations: [], name, formerIssuingCertificates: [], groups },
});
const district = [
  unit('H08.35', 'UBND huyện Tây Sơn', 'huyện'),
  unit('H08.35.1', 'Văn phòng HĐND và UBND huyện', 'văn phòng'),
  unit('H08.35.2', 'Phòng Tài chính - Kế hoạch', 'phòng'),
  unit('H08.35.3', 'Phòng Lao động - Thương binh và Xã hội', 'phòng'),
  unit('H08.35.4', 'Phòng Nội vụ', 'phòng'),
  unit('H08.35.5', 'Phòng Giáo dục và Đào tạo', 'phòng', { desks: [{ desk: 'vanthu', name: 'Văn thư' }] }),
  unit('H08.35.6', 'Ban Quản lý dự án', 'ban'),
  unit('H08.35.12', 'UBND xã Bình Tường', 'xã', {
    aliases: [
      { code: 'H08.35.12', fromMs: 0, untilMs: 0 },
      { code: '000.12.35.H08', fromMs: 0, untilMs: 0 },
    ],
  }),
  unit('H08.35.13', 'UBND thị trấn Phú Phong', 'thị trấn', { state: 5, node: '' }),
  unit('H08.35.14', 'Ủy ban nhân dân xã Tây Giang', 'xã'),
  unit('H08.35.15', 'Hội Nông dân huyện', 'hội', { groups: ['doan-the'] }),
  unit('H08.35.16', 'Chi cục Thuế huyện', 'chi cục', { groups: ['doan-the'] }),
  unit('H08.35.17', 'Chi cục Thống kê huyện', 'chi cục'),
];
const merged = unit('H08.35.18', 'UBND xã Bình Thuận', 'xã', { state: 4, successors: [district[7]!.unit] });
const groups: DirectoryGroup[] = [
  { code: 'cac-phong', name: 'Các phòng chuyên môn', kinds: ['phòng'], includes: [] },
  {
    code: 'tat-ca',
    name: 'Tất cả',
    kinds: ['xã', 'thị trấn'],
    includes: ['cac-phong', 'doan-the', 'tat-ca'],
  },
  { code: 'doan-the', name: 'Khối đoàn thể', kinds: [], includes: [] },
];
const other = [unit('H08.36.4', 'Phòng Nội vụ', 'phòng'), unit('H08.36.9', 'Phòng Y tế', 'phòng')];
const directory = createDirectory([
  partOf(hubId, 'UBND huyện Tây Sơn', [...district, merged], groups),
  partOf('h0000000000000002', 'UBND huyện Phù Cát', other),
]);
const question: MatchQuestion = {
  directory,
  hub: hubId,
  senders: new Set([district[0]!.unit]),
  ownGroup: () => undefined,
  atMs: 1,
};
const codes = (text: string) =>
  matchRecipients(text, question).served.map(({ code, desk }) => (desk ? `${desk}@${code}` : code));

t.test('units are found as one types', async (t) => {
  const names = (text: string) => searchDirectory(directory, text, { limit: 5 }).map(({ name }) => name);
  t.equal(names('binh tuong')[0], 'UBND xã Bình Tường');
  t.equal(names('bình tư')[0], 'UBND xã Bình Tường', 'the last word may be unfinished');
  t.equal(names('ubnd xa tay')[0], 'Ủy ban nhân dân xã Tây Giang', 'the committee is found in both ways');
  t.equal(names('000.12.35')[0], 'UBND xã Bình Tường', 'by the old code');
  t.equal(names('H08.35.12')[0], 'UBND xã Bình Tường');
  t.equal(names('phong ke hoach')[0], 'Phòng Tài chính - Kế hoạch', 'words in any place');
  t.same(names('không có gì cả'), []);
  t.same(names(' '), []);
  const all = names('binh');
  t.ok(all.indexOf('UBND xã Bình Thuận') > all.indexOf('UBND xã Bình Tường'), 'what has ended stands behind');
});

t.test(
  'the directory is walked as a tree, by codes in their order, also where it names a unit above that it does not know',
  async (t) => {
    const province = unit('H08', 'UBND tỉnh', 'tỉnh');
    const [late, early] = [10, 9].map((n) =>
      unit(`H08.${n}`, `UBND xã ${n}`, 'xã', { parent: province.unit }),
    );
    const office = unit('H08.9.1', 'Văn phòng', 'phòng', { parent: early!.unit });
    const lost = unit('H09.1', 'UBND xã lạc', 'xã', { parent: 'u0000000000000000' });
    const tree = createDirectory([partOf(hubId, 'UBND tỉnh', [late!, office, province, early!, lost])]);
    const level = (under: string) => {
      const { way, units } = levelOf(tree, under);
      return [way.map(({ name }) => name), units.map(({ unit: { name }, below }) => [name, below])];
    };
    t.same(level(''), [
      [],
      [
        ['UBND tỉnh', 2],
        ['UBND xã lạc', 0],
      ],
    ]);
    t.same(level(province.unit), [
      ['UBND tỉnh'],
      [
        ['UBND xã 9', 1],
        ['UBND xã 10', 0],
      ],
    ]);
    t.same(level(office.unit), [['UBND tỉnh', 'UBND xã 9', 'Văn phòng'], []]);
    t.throws(() => levelOf(tree, 'u1'), { code: 'unit-unknown' });
  },
);

t.test(
  'the index of a large directory is made in steps, and finds what one made at once finds',
  async (t) => {
    const names = ['Bình Tường', 'Phú Phong', 'Tây Giang', 'Vĩnh An', 'Hòa Sơn'];
    const many = Array.from({ length: 9_000 }, (_, i) =>
      unit(`H${i % 63}.${i}`, `UBND xã ${names[i % 5]} ${i}`, 'xã'),
    );
    const [inSteps, atOnce] = [many, many.map((each) => ({ ...each }))].map((units) =>
      createDirectory([partOf(hubId, 'UBND tỉnh', units)]),
    ) as [Directory, Directory];
    let steps = 0;
    for (const _ of prepareSearch(inSteps)) steps += 1;
    t.ok(steps > 18, 'others have their turn between');
    t.equal([...prepareSearch(inSteps)].length, 0, 'made once');
    for (const text of ['binh tuong', 'h12.5', 'xa 8999', 'phu phong 1', 'hoa son 44', 'h62.8', 'vinh'])
      t.same(
        searchDirectory(inSteps, text, { limit: 30 }).map((each) => each.unit),
        searchDirectory(atOnce, text, { limit: 30 }).map((each) => each.unit),
        text,
      );
  },
);

t.test('the text of "nơi nhận" is matched: certain, to choose, for paper', async (t) => {
  const text = `Nơi nhận:
- Như Điều 3;
- Thường trực Huyện ủy (để b/c);
- UBND các xã, thị trấn;
- Phòng TC-KH, LĐ-TB&XH;
- VP HĐND&UBND huyện;
- Chủ tịch UBND xã Bình Thuận;
- Lưu: VT, TH.`;
  const matched = matchRecipients(text, question);
  t.same(
    matched.served.map(({ code }) => code),
    ['H08.35.12', 'H08.35.14', 'H08.35.2', 'H08.35.3', 'H08.35.1', 'H08.35.18'],
  );
  t.same(
    matched.paper.map(({ text, reason }) => [text, reason]),
    [
      ['Thường trực Huyện ủy', 'unit-unknown'],
      ['UBND thị trấn Phú Phong', 'unit-has-no-node'],
    ],
  );
  t.same(matched.elsewhere, ['Như Điều 3']);
  t.equal(matched.complete, false);
  t.same(codes('- Các phòng, ban huyện;'), ['H08.35.2', 'H08.35.3', 'H08.35.4', 'H08.35.5', 'H08.35.6']);
  t.same(codes('Phòng GDĐT; xã Tây Giang và UBND xã Bình Tường.'), ['H08.35.5', 'H08.35.14', 'H08.35.12']);
  t.same(codes('000.12.35.h08\nvanthu@H08.35.5'), ['H08.35.12', 'vanthu@H08.35.5'], 'a pasted list');
  t.same(codes('Phòng Nội vụ huyện Tây Sơn'), ['H08.35.4'], 'our own place behind the name');
  t.ok(matchRecipients('- UBND xã Bình Tường;\n- Lưu: VT', question).complete, 'the archive is no place');

  const place = (line: string) => matchRecipients(line, question).places[0]!;
  t.match(
    place('Phòng Nội vụ huyện Phù Cát'),
    { found: 'nothing' },
    'the office of another district is not ours',
  );
  t.match(
    place('Phòng Y tế'),
    { found: 'several', candidates: [{ code: 'H08.36.9' }] },
    'nor is another district’s taken for ours',
  );
  t.match(place('Chi cục T'), { found: 'nothing' }, 'one letter is no abbreviation');
  t.match(place('Chi cục TK'), { found: 'nothing' });
  t.match(place('chutich@H08.35.5'), { found: 'desk-unknown', code: 'H08.35.5', desks: ['vanthu'] });
  t.match(place('chutich@H08.35.12'), { found: 'units' }, 'a unit that lists no desks takes all');
  const partly = matchRecipients('UBND các xã, phường', question);
  t.same(
    [partly.served.length, partly.paper.map(({ text }) => text)],
    [2, ['phường']],
    'a kind that is not here is left to a person, and said',
  );
  const twins = createDirectory([
    partOf(hubId, '', [
      unit('A', 'Trường Tiểu học Số 1', 'trường'),
      unit('B', 'Trường Tiểu học số 1', 'trường'),
      unit('C', 'Phòng Tư pháp', 'phòng'),
      unit('D', 'Phòng Thanh tra pháp chế', 'phòng'),
    ]),
  ]);
  const asked = (line: string) => matchRecipients(line, { ...question, directory: twins }).places[0]!;
  t.match(
    asked('Trường Tiểu học số 1'),
    { found: 'several', candidates: [{ code: 'A' }, { code: 'B' }] },
    'never guessed',
  );
  t.same(matchRecipients('x'.repeat(100_000), question).served, [], 'a text without end');
});

t.test('groups: by kind, by name, inside one another, never in a circle', async (t) => {
  t.equal(unitsOfGroup(directory, hubId, 'cac-phong').length, 4);
  t.equal(
    unitsOfGroup(directory, hubId, 'tat-ca').length,
    9,
    'a circle in a signed part ends; what was merged is not in it',
  );
  t.equal(
    codeOf(() => unitsOfGroup(directory, hubId, 'khong-co')),
    'group-unknown',
  );
  t.same(codes('group:doan-the'), ['H08.35.15', 'H08.35.16']);
  t.same(codes('Khối đoàn thể'), ['H08.35.15', 'H08.35.16'], 'by its name');
  const own = (code: string, ...members: string[]) => ({ code, name: code, members });
  const isHubGroup = (code: string) => code === 'cac-phong';
  t.same(membersOf([own('a', 'H1', 'group:b'), own('b', 'H2', 'group:cac-phong')], 'a', isHubGroup), [
    'H1',
    'H2',
    'group:cac-phong',
  ]);
  t.equal(
    codeOf(() => membersOf([own('a', 'group:b'), own('b', 'nhóm:a')], 'a', isHubGroup)),
    'group-cycle',
  );
  t.equal(
    codeOf(() => membersOf([own('a', 'group:x')], 'a', isHubGroup)),
    'group-unknown',
  );
});

t.test('a table of units: what would change, line by line', async (t) => {
  const rows = [
    ['H08.35.12', 'UBND xã Bình Tường mới', 'xã', 'H08.35', ''],
    ['H08.35.14', 'Ủy ban nhân dân xã Tây Giang', 'xã', '', ''],
    ['H08.35.20', 'UBND xã Tây Vinh', 'xã', 'H08.35.21', ''],
    ['H08.35.21', 'UBND xã Tây Bình', 'xã', 'H08.35.20', ''],
    ['H08.35.12', 'Trùng', 'xã', '', ''],
    ['H08.36.9', 'Của trung tâm khác', 'xã', '', ''],
    ['H 08', 'Mã sai', 'xã', '', ''],
    ['H08.35.22', '', 'xã', '', ''],
    ['H08.35.23', 'UBND xã Vĩnh An', 'xã', 'H08.99', ''],
    ['H08.35.16', 'Chi cục Thuế huyện', 'chi cục', '', 'đóng'],
    ['H08.35.24', 'UBND xã Tây An', 'xã', 'H08.35', ''],
  ];
  const header = ['Mã định danh', 'Tên đơn vị', 'Loại', 'Mã cấp trên', 'Trạng thái'];
  const file = writeCsv(
    header.map((name, at) => ({ header: name, type: 'text' as const, value: (row: string[]) => row[at] })),
    rows,
  );
  const plan = planImport({
    ...{ sheet: await readSheet(file, ['Mã định danh']), directory, hubId, groups: new Set<string>() },
    ...{ newUnitId: () => newUnitId(randomBytes(10)), closeMissing: false, nowMs: 1 },
  });
  t.same(
    plan.added.map(({ line, unit }) => [line, unit.codes[0]]),
    [[12, 'H08.35.24']],
  );
  t.match(plan.changed, [
    {
      line: 2,
      changes: [
        { field: 'Tên đơn vị', to: 'UBND xã Bình Tường mới' },
        { field: 'Mã cấp trên', from: '', to: 'H08.35' },
      ],
    },
  ]);
  t.equal(plan.unchanged, 1);
  t.match(plan.closed, [{ line: 11, code: 'H08.35.16' }]);
  t.same(
    plan.refused.map(({ line }) => line),
    [4, 5, 6, 7, 8, 9, 10],
    'a circle of parents, repeated, foreign, malformed, nameless, no parent',
  );
});

t.test(
  'a part of the directory is of one moment, though a newer one is stored between its head and its pages',
  (t) => {
    const sides = [
      ['hub', hubMigrations, (db: Database) => storedPart(db, 'h1')!.bytes],
      ['hub, every part', hubMigrations, (db: Database) => [...storedParts(db, 'h1')][0]!.bytes],
      ['node', nodeMigrations, (db: Database) => [...directoryReads(db).directoryParts()][0]!.bytes],
      ['proof', nodeMigrations, (db: Database) => directoryReads(db).directoryPartsOf(['h1'], ['u1'])[0]!],
    ] as const;
    for (const [name, migrations, read] of sides) {
      const path = join(temporaryDir('moment'), 'some.sqlite');
      const writing = openDatabase(path, { create: true });
      migrate(writing, migrations);
      const hub = migrations === hubMigrations;
      const put = (version: number) =>
        writing.transaction(() => {
          writing.exec('DELETE FROM directory_heads; DELETE FROM directory_pages');
          const head = signedDirectoryCodec.encode({
            type: 'lienthong/directory/2',
            bytes: new Uint8Array(0),
            pages: [],
            signature: { keyId: new Uint8Array(0), algorithm: 1, value: Buffer.from(`head ${version}`) },
          } as never);
          writing.run(
            `INSERT INTO directory_heads (hub, version, bytes, at_ms${hub ? ', pages' : ''}) VALUES ('h1', ?, ?, 0${hub ? ', 1' : ''})`,
            version,
            head,
          );
          writing.run(
            `INSERT INTO directory_pages (hub, page, digest, bytes${hub ? ', version' : ''}) VALUES ('h1', 0, x'00', ?${hub ? ', 1' : ''})`,
            Buffer.from(`page ${version}`),
          );
        });
      put(1);
      const db = openDatabase(path, { readOnly: true });
      const get = db.get.bind(db);
      let stored = false;
      db.get = ((sql: string, ...values: never[]) => {
        const row = get(sql, ...values);
        if (!stored && sql.includes('directory_heads')) put(2);
        stored ||= sql.includes('directory_heads');
        return row;
      }) as never;
      const { signature, pages } = signedDirectoryCodec.decode(read(db));
      t.ok(stored, name);
      t.equal(Buffer.from(signature!.value).toString(), 'head 1');
      t.same(
        pages.map((page) => Buffer.from(page).toString()),
        ['page 1'],
        name,
      );
      db.close();
      writing.close();
    }
    t.end();
  },
);
