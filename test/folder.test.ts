// Watched folders through real nodes and a real hub: what is dropped is taken once and only when it is whole, mistakes are answered beside it in
// words, results come back, arrivals are given whole, links lead nowhere, a recall takes the copy along, a kill changes nothing.
import fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyProof } from '../certs/verify-proof.ts';
import type { DocumentView } from '../edge-node/core.ts';
import { loadIdentity } from '../edge-node/identity.ts';
import { urgencyNamed } from '../protocol/document/urgency.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { arrived, post, send, show } from './support/documents.ts';
import { temporaryDir } from './support/hub.ts';
import { eventually, openDistrict } from './support/office.ts';
import { cli } from './support/run-cli.ts';
import { sharedData } from './support/shared-data.ts';

const shared = temporaryDir('shared');
const [ours, theirs] = [join(shared, 'a'), join(shared, 'b')];
for (const path of [ours, theirs]) fs.mkdirSync(path, { mode: 0o2770 });
const { test, offices } = await openDistrict(t, ['H08.35.13', 'H08.35.14'], {
  'H08.35.13': { folders: [{ path: ours, quietSeconds: 0.3 }] },
  'H08.35.14': { folders: [{ path: theirs, unit: 'H08.35.14', quietSeconds: 0.3 }] },
});
const [a, b] = offices;

const out = join(ours, 'out');
const json = (value: object) => JSON.stringify({ recipients: ['H08.35.14'], ...value });
const drop = (name: string, value: object, files: Readonly<Record<string, string | Uint8Array>>) => {
  // As a careful program does: made aside, shown by one rename.
  const made = fs.mkdtempSync(join(shared, 'made-'));
  fs.writeFileSync(join(made, 'document.json'), json(value));
  for (const [file, content] of Object.entries(files)) fs.writeFileSync(join(made, file), content);
  fs.renameSync(made, join(out, name));
};
const result = (name: string) =>
  eventually(async () => {
    const file = fs
      .readdirSync(join(ours, 'sent'))
      .find((one) => one.startsWith(`${name}--`) && one.endsWith('.json'));
    return file === undefined
      ? undefined
      : (JSON.parse(fs.readFileSync(join(ours, 'sent', file), 'utf8')) as {
          documentId: string;
          state: string;
          document: DocumentView;
        });
  });
const mistake = (name: string) =>
  eventually(async () => {
    const path = join(out, `${name}.LOI.txt`);
    const problem = join(out, `${name}.error.json`);
    if (!fs.existsSync(path) || !fs.existsSync(problem)) return undefined;
    return {
      words: fs.readFileSync(path, 'utf8'),
      problem: JSON.parse(fs.readFileSync(problem, 'utf8')) as {
        code: string;
        violations: { field: string }[];
      },
    };
  });
const given = (id: string) =>
  eventually(async () => {
    for (const name of fs.readdirSync(join(theirs, 'in'))) {
      const path = join(theirs, 'in', name, 'document.json');
      if (
        fs.existsSync(path) &&
        (JSON.parse(fs.readFileSync(path, 'utf8')) as DocumentView).documentId === id
      )
        return join(theirs, 'in', name);
    }
    return undefined;
  });

t.test(
  'a folder with its description is taken, sent, told, and given at the other end with its proof',
  async (t) => {
    const large = Buffer.alloc(900_000, 'dài ');
    drop(
      'Kế hoạch 10',
      { subject: 'Kế hoạch năm', number: '10', notation: 'KH-UBND', type: 'Kế hoạch', extra: { mã: 7 } },
      {
        // As macOS writes names.
        [`1 ${'Kế hoạch'.normalize('NFD')}.txt`]: 'Nội dung',
        '2 phụ lục.bin': large,
      },
    );
    const { documentId } = await result('Kế hoạch 10');
    t.same(fs.readdirSync(out), [], 'nothing is left of it');
    await eventually(async () => ((await result('Kế hoạch 10')).state === 'delivered' ? true : undefined));
    const told = await result('Kế hoạch 10');
    t.match(told.document.metadata, {
      subject: 'Kế hoạch năm',
      number: '10',
      notation: 'KH-UBND',
      type: 'Kế hoạch',
    });
    t.ok(
      told.document.envelopes[0]!.recipients[0]!.timeline.some(({ event }) => event === 'ContentHandover'),
      'the receipt',
    );
    const there = await given(documentId);
    t.same(fs.readdirSync(join(there, 'files')).sort(), ['1 Kế hoạch.txt', '2 phụ lục.bin'], 'names in NFC');
    t.ok(fs.readFileSync(join(there, 'files', '2 phụ lục.bin')).equals(large));
    const { rootDer } = loadIdentity(a.dir);
    const sealed = join(ours, 'sent', `Kế hoạch 10--${documentId}.ltproof`);
    for (const file of [join(there, 'proof.ltproof'), sealed])
      t.equal(verifyProof(fs.readFileSync(file), rootDer).facts.documentId, documentId, 'the proof verifies');
    await arrived(b, documentId);
    await post(b, `/v1/inbox/${documentId}/status`, { code: '03', registeredNumber: '214' });
    await eventually(async () =>
      (await result('Kế hoạch 10')).document.envelopes[0]!.recipients[0]!.status?.registeredNumber === '214'
        ? true
        : undefined,
    );
    t.pass('the registered number comes back into the file');
  },
);

t.test('a description beside its files is enough; the same once more is the same document', async (t) => {
  const put = () => {
    fs.writeFileSync(join(out, 'cv-125.pdf'), 'một');
    fs.writeFileSync(join(out, 'cv-125.phu-luc.txt'), 'hai');
    // Windows editors begin with a byte order mark.
    fs.writeFileSync(join(out, 'cv-125.json'), `\ufeff${json({ subject: 'Công văn 125' })}`);
  };
  put();
  const first = await result('cv-125');
  t.same(
    first.document.parts.map(({ name, mediaType }) => [name, mediaType]),
    [
      ['cv-125.pdf', 'application/pdf'],
      ['cv-125.phu-luc.txt', 'text/plain'],
    ],
  );
  fs.rmSync(join(ours, 'sent', `cv-125--${first.documentId}.json`));
  put();
  t.equal((await result('cv-125')).documentId, first.documentId, 'not sent twice');
  const { rows } = await a.node.edge.outbox({ text: 'Công văn 125' });
  t.equal(rows.length, 1);
});

const register = sharedData('vietnamese/documents.json');
t.test(
  'a public register of others comes through with every field as it was written',
  { skip: fs.existsSync(register) ? false : 'no ../shared/data/vietnamese' },
  async (t) => {
    type Row = {
      so_ky_hieu: string;
      loai_van_ban: string;
      trich_yeu: string;
      do_mat: string;
      do_khan?: string;
    };
    const { real_register: rows } = JSON.parse(fs.readFileSync(register, 'utf8')) as { real_register: Row[] };
    // One row holds a number with its notation for each program to cut as it likes: what is written stays together here.
    const said = (row: Row, i: number) => ({
      number: /^\d+/.exec(row.so_ky_hieu)?.[0] ?? '',
      notation: row.so_ky_hieu.replace(/^\d+\/?/, ''),
      type: row.loai_van_ban,
      subject: row.trich_yeu,
      sphere: 'Giáo dục',
      note: `dòng ${i + 1}`,
      signers: [{ name: 'Nguyễn Văn Mẫu', position: 'Giám đốc', competence: 'KT.' }],
      pages: i + 1,
      copies: 3,
      otherPlaces: ['Chi cục Kiểm lâm'],
      issueDate: '2026-01-15',
    });
    for (const [i, row] of rows.entries())
      drop(
        `sổ ${i}`,
        { ...said(row, i), urgency: urgencyWord(row.do_khan), extra: row, evenIfDuplicate: true },
        {
          'văn bản.txt': row.trich_yeu,
        },
      );
    for (const [i, row] of rows.entries()) {
      const { documentId } = await result(`sổ ${i}`);
      const there = await given(documentId);
      const view = JSON.parse(fs.readFileSync(join(there, 'document.json'), 'utf8')) as DocumentView;
      t.match(view.metadata, said(row, i), row.so_ky_hieu);
      t.same(JSON.parse(view.metadata!.extraJson), row, 'fields that we have no name for as well');
      t.equal(fs.readFileSync(join(there, 'files', 'văn bản.txt'), 'utf8'), row.trich_yeu);
    }
  },
);
const urgencyWord = (vi = 'Thường') => urgencyNamed(vi) ?? 'normal';

t.test('what is still being written is left alone until it is whole', async (t) => {
  const path = join(out, 'chậm.txt');
  fs.writeFileSync(
    join(out, 'chậm.json'),
    json({ subject: 'Chậm', parts: [{ name: 'chậm.txt' }, { name: 'sau.txt' }] }),
  );
  for (let i = 0; i < 8; i++) {
    fs.appendFileSync(path, `dòng ${i}\n`);
    await systemClock.sleep(120);
  }
  fs.writeFileSync(join(out, '~sau.txt'), 'chưa xong');
  await systemClock.sleep(700);
  t.ok(fs.existsSync(join(out, 'chậm.json')), 'a file that is named is not there yet');
  fs.renameSync(join(out, '~sau.txt'), join(out, 'sau.txt'));
  const { document } = await result('chậm');
  t.equal(document.parts[0]!.lengthBytes, Buffer.byteLength('dòng 0\n') * 8);
  fs.writeFileSync(join(out, 'ngay.txt'), 'x');
  fs.writeFileSync(join(out, 'ngay.json'), json({ subject: 'Ngay' }));
  fs.writeFileSync(join(out, 'ngay.ready'), '');
  await result('ngay');
  await eventually(async () => (fs.existsSync(join(out, 'ngay.ready')) ? undefined : true));
  t.pass('a marker says that it is whole');
});

t.test('mistakes are answered beside it, all at once, in words; mended, it is taken', async (t) => {
  drop(
    'sai',
    {
      recipients: [],
      issueDate: '2026-02-30',
      trichYeu: 'x',
      parts: [{ name: 'a.txt' }, { name: '../../etc/passwd' }],
    },
    {
      'a.txt': 'a',
      'b.txt': 'b',
    },
  );
  const { words, problem } = await mistake('sai');
  t.match(words, /Nơi nhận cần ít nhất 1 mục/);
  t.match(words, /Ngày ban hành không có trong lịch/);
  t.match(words, /"trichYeu" không có trong mẫu/);
  t.match(words, /b\.txt" không được nêu/);
  t.match(words, /không dùng được làm tên tệp/);
  t.match(words, /Cách xử lý/);
  t.equal(problem.code, 'request-malformed');
  t.ok(problem.violations.length >= 5);
  const { body } = await post(
    a,
    '/v1/documents',
    { recipients: [], issueDate: '2026-02-30', trichYeu: 'x', parts: [] },
    'k',
  );
  for (const { field } of body.violations as { field: string }[])
    t.ok(
      problem.violations.some((each) => each.field === field),
      `the API says the same of ${field}`,
    );
  t.match((await a.node.edge.status()).folders, [{ path: ours, mistakes: 1, trouble: undefined }]);
  const status = await cli('node', 'status', '--dir', a.dir);
  t.match(status.out, /chưa đúng \/ not right 1/);
  t.ok((await a.node.edge.status()).alarms.some(({ code }) => code === 'folder-drop-refused'));
  fs.rmSync(join(out, 'sai', 'b.txt'));
  fs.writeFileSync(join(out, 'sai', 'document.json'), json({ subject: 'Đã sửa' }));
  await result('sai');
  await eventually(async () => (fs.readdirSync(out).length === 0 ? true : undefined));
  t.pass('and the answers are gone');
});

t.test(
  'what the node refuses comes back with its words: a stranger, old encodings, another unit',
  async (t) => {
    drop('lạ', { recipients: ['H99.1'], subject: 'x' }, { 'a.txt': 'a' });
    drop('tcvn3', { subject: 'Céng hßa x· héi chñ nghÜa ViÖt Nam' }, { 'a.txt': 'a' });
    drop('hộ', { unit: 'H08.35.14', subject: 'x' }, { 'a.txt': 'a' });
    drop('hỏng', { subject: 'x', parts: [{ name: 'a.txt', sha256: '0'.repeat(64) }] }, { 'a.txt': 'a' });
    t.match(await mistake('lạ'), { problem: { code: 'unit-unknown' }, words: /H99\.1/ });
    t.match(await mistake('tcvn3'), {
      problem: { code: 'text-legacy' },
      words: /Cộng hòa xã hội chủ nghĩa Việt Nam/,
    });
    t.match((await mistake('hộ')).problem.code, 'peer-not-sender');
    t.match(await mistake('hỏng'), { problem: { code: 'folder-drop-refused' }, words: /sha256/ });
    t.same(fs.readFileSync(join(out, 'hỏng', 'a.txt'), 'utf8'), 'a', 'the files lie where they lay');
    t.same(fs.readdirSync(join(ours, '.taking')), []);
    for (const name of ['lạ', 'tcvn3', 'hộ', 'hỏng']) fs.rmSync(join(out, name), { recursive: true });
  },
);

t.test('links, second names, folders and pipes are never followed', async (t) => {
  const secret = join(a.dir, 'config.json');
  drop('liên kết', { subject: 'x' }, {});
  fs.symlinkSync(secret, join(out, 'liên kết', 'a.txt'));
  drop('hai tên', { subject: 'x' }, { 'thật.txt': 'x' });
  fs.linkSync(join(out, 'hai tên', 'thật.txt'), join(shared, 'khác.txt'));
  drop('sâu', { subject: 'x' }, {});
  fs.mkdirSync(join(out, 'sâu', 'trong'));
  fs.symlinkSync(a.dir, join(out, 'keys'));
  fs.symlinkSync(secret, join(out, 'mô tả.json'));
  for (const name of ['liên kết', 'hai tên', 'sâu', 'mô tả'])
    t.match(await mistake(name), { words: /chưa được nhận/ });
  t.match(await mistake('keys'), { problem: { code: 'folder-drop-refused' } });
  t.ok(fs.existsSync(secret), 'nothing was moved');
  for (const name of fs.readdirSync(out)) fs.rmSync(join(out, name), { recursive: true });
  fs.renameSync(out, `${out}.thật`);
  fs.symlinkSync(a.dir, out);
  await eventually(async () =>
    (await a.node.edge.status()).folders[0]!.trouble === undefined ? undefined : true,
  );
  await eventually(async () =>
    (await a.node.edge.status()).alarms.some(({ code }) => code === 'folder-unusable') ? true : undefined,
  );
  t.notOk(fs.existsSync(join(a.dir, '.LOI.txt')));
  fs.rmSync(out);
  fs.renameSync(`${out}.thật`, out);
  drop('sau đó', { subject: 'Sau đó' }, { 'a.txt': 'a' });
  await result('sau đó');
  t.pass('it goes on by itself');
});

t.test('an update of the disk that is full, or not ours, waits and loses nothing', async (t) => {
  fs.chmodSync(join(ours, '.taking'), 0o700);
  drop('chờ', { subject: 'Chờ trung tâm' }, { 'a.txt': 'a' });
  await test.hub.close();
  const { documentId } = await result('chờ');
  t.match((await show(a, documentId, 'out')).state, 'queued', 'the line is no matter of the folder');
  await test.restart();
  a.node.edge.retryNow();
  b.node.edge.retryNow();
  await given(documentId);
});

t.test('a recall takes the copy in the folder along, and only then says so', async (t) => {
  const id = await send(a, ['H08.35.14'], { subject: 'Thu hồi cả bản trong thư mục' });
  const there = await given(id);
  await post(a, `/v1/documents/${id}/recall`, { reason: 'Ban hành nhầm' });
  await eventually(async () =>
    (await show(a, id, 'out')).envelopes[0]!.recipients[0]!.change?.state === 'agreed' ? true : undefined,
  );
  t.notOk(fs.existsSync(there), 'gone when it is said to be');
  t.match(fs.readFileSync(`${there}.THU-HOI.txt`, 'utf8'), /đã bị thu hồi/);
});

t.test('what was given stays given: a folder that is emptied is not filled again', async (t) => {
  const before = fs.readdirSync(join(theirs, 'in'));
  for (const name of before) fs.rmSync(join(theirs, 'in', name), { recursive: true });
  await b.node.close();
  b.node = await b.reopen();
  const id = await send(a, ['H08.35.14'], { subject: 'Mới' });
  await given(id);
  t.equal(fs.readdirSync(join(theirs, 'in')).length, 1);
});

t.test('a folder in the node’s own folder, or around it, is refused', async (t) => {
  const config = JSON.parse(fs.readFileSync(join(a.dir, 'config.json'), 'utf8')) as object;
  await a.node.close();
  fs.writeFileSync(
    join(a.dir, 'config.json'),
    JSON.stringify({ ...config, folders: [{ path: join(a.dir, 'content') }] }),
  );
  a.node = await a.reopen();
  await eventually(async () =>
    (await a.node.edge.status()).folders[0]!.trouble === undefined ? undefined : true,
  );
  t.match((await a.node.edge.status()).folders[0]!.trouble, /lie in one another/);
  await a.node.close();
  fs.writeFileSync(join(a.dir, 'config.json'), JSON.stringify(config));
  a.node = await a.reopen();
});
