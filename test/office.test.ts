// The office's own work around the exchange: search, registers, deadlines, work inside the unit. Two real offices and a real hub.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { degrees, PDFDocument } from '@cantoo/pdf-lib';
import t from 'tap';
import { checksOf } from '../edge-node/api/ready.ts';
import type { Problem } from '../edge-node/fsck.ts';
import { checkBooks } from '../edge-node/office/fsck.ts';
import { drawPdf } from '../edge-node/office/print.ts';
import { searchQuery } from '../edge-node/search-words.ts';
import { numberOps } from '../edge-node/statuses/numbers.ts';
import { migrations } from '../edge-node/store/migrations.ts';
import { indexWords, searchReads } from '../edge-node/store/search-index.ts';
import { confirmBy, confirmDueBefore, dueState, presentBy, sendBy } from '../protocol/calendar/deadlines.ts';
import { checkCalendar, createCalendar, dayOf } from '../protocol/calendar/working-days.ts';
import { readSheet } from '../protocol/node/spreadsheet.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { temporaryDir } from './support/hub.ts';
import { eventually, openDistrict } from './support/office.ts';
import { cli } from './support/run-cli.ts';

const { offices } = await openDistrict(t, ['H08.35.12', 'H08.35.13']);
const [a, b] = offices;

let sent = 0;
/** Sends from `a` to `b` and waits until it is there. Answers the arrival's envelope id. */
async function deliver(fields: Record<string, unknown>): Promise<{ documentId: string; envelopeId: string }> {
  const answer = await a.fetch('/v1/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `office-${sent++}` },
    body: JSON.stringify({
      recipients: ['H08.35.13'],
      parts: [
        {
          name: 'van-ban.pdf',
          mediaType: 'application/pdf',
          contentBase64: Buffer.from(`noi dung ${sent}`).toString('base64'),
        },
      ],
      ...fields,
    }),
  });
  const { documentId, ...problem } = (await answer.json()) as { documentId: string };
  if (answer.status !== 202) throw new Error(JSON.stringify(problem));
  const envelopeId = await eventually(async () => {
    const row = (await b.node.edge.inbox({ limit: 200 })).rows.find((each) => each.documentId === documentId);
    // Until it has been looked at nobody works with it.
    return row?.safety === 'pending' ? undefined : row?.envelopeId;
  }, 1200);
  return { documentId, envelopeId };
}
const json = async (answer: Response): Promise<Record<string, unknown>> => ({
  ...((await answer.json()) as Record<string, unknown>),
  status: answer.status,
});

const post = (office: typeof a, path: string, body: unknown) =>
  office
    .fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    .then(json);
const get = (office: typeof a, path: string) => office.fetch(path).then(json);
t.test('every field of a document is found at both ends, however it is typed', async (t) => {
  const { documentId, envelopeId } = await deliver({
    subject: 'Về việc triển khai Quy chế Hoả tốc ở huyện Tây Sơn',
    number: '125',
    notation: 'UBND-TH',
    type: 'Công văn',
    issueDate: '2026-11-02',
    signers: [{ name: 'Nguyễn Thị Đào', position: 'Chủ tịch', competence: 'TM.' }],
    note: 'Kính chuyển Phòng Nội vụ',
    sphere: 'Nội vụ',
    otherPlaces: ['Bưu điện huyện'],
    parts: [{ name: 'Phụ lục biểu mẫu.txt', mediaType: 'text/plain', contentBase64: 'bQ==' }],
  });
  const found = async (q: string, more = '') =>
    (await json(await b.fetch(`/v1/search?${new URLSearchParams({ q })}${more}`))).rows as {
      envelopeId: string;
    }[];
  const ways = [
    'hoả tốc',
    'HỎA TỐC',
    'hoa toc',
    'Hoả tốc'.normalize('NFD'),
    'nguyen thi dao',
    'đào',
    'dào',
    '125/UBND-TH',
    '125/ubnd',
    'ubnd th',
    'phu luc bieu mau',
    'chuyen phong noi vu',
    'cong van',
    '2/11/2026',
    '02/11/2026',
    '2026-11-02',
    'buu dien',
    'H08.35.12',
    'UBND xã H08.35.12',
    '"quy chế hỏa tốc"',
    'tri',
    'tây sơn 125',
  ];
  for (const q of ways) t.equal((await found(q))[0]?.envelopeId, envelopeId, q);
  for (const q of ['"tốc hỏa"', 'lâm đồng', '126/UBND', 'riển', 'OR', 'NEAR(hoa toc)'])
    t.same(await found(q), [], q);
  t.same(await found('hoa toc', '&direction=out'), []);
  const there = await json(await a.fetch('/v1/search?q=hoa+toc'));
  t.match(there.rows, [{ direction: 'out', documentId, places: ['H08.35.13'] }]);
  t.equal((await a.fetch('/v1/search?q=a&sort=size')).status, 400);
  const { code, out } = await cli('search', 'HOA', 'toc', '--dir', b.dir);
  t.equal(code, 0);
  t.match(out, /125\/UBND-TH.*Hoả tốc/);
  t.equal(searchQuery(' "" ; ) * '), undefined);
});

t.test(
  'metadata in an older encoding are refused with the conversion, and shown with it where they came all the same',
  async (t) => {
    const subject = 'V/v t\u00a8ng c\u00ad\u00eang c\u00abng t\u00b8c v\u00a8n th\u00ad';
    const ask = (more: Record<string, unknown>) =>
      post(a, '/v1/documents', {
        idempotencyKey: `legacy-${JSON.stringify(more).length}`,
        recipients: ['H08.35.13'],
        parts: [{ name: 'van-ban.txt', mediaType: 'text/plain', contentBase64: 'bQ==' }],
        subject,
        ...more,
      });
    t.match(await ask({}), {
      status: 400,
      code: 'text-legacy',
      detail: '/subject',
      violations: [{ field: '/subject', vi: /TCVN3.*V\/v tăng cường công tác văn thư/ }],
    });
    const { documentId } = (await ask({ keepText: true })) as { documentId: string };
    const arrival = await eventually(async () =>
      (await b.node.edge.inbox()).rows.find((row) => row.documentId === documentId),
    );
    t.equal(arrival.subject, subject, 'what was sealed is what is shown');
    const view = await b.node.edge.show(arrival.envelopeId, { direction: 'in' });
    t.match(view.textOffers, [
      { field: '/subject', encoding: 'tcvn3', offered: 'V/v tăng cường công tác văn thư' },
    ]);
    t.equal(
      (await b.node.edge.find({ text: 'tăng cường công tác' })).rows[0]?.documentId,
      documentId,
      'and it is found in Unicode',
    );
    const nfd = await deliver({ subject: 'Văn bản tổ hợp'.normalize('NFD') });
    t.equal(
      (await b.node.edge.show(nfd.envelopeId, { direction: 'in' })).metadata?.subject,
      'Văn bản tổ hợp',
    );
  },
);

t.test('pages are complete in both orders, and by subject the order is Vietnamese', async (t) => {
  for (const subject of [
    'Zzz thứ tự ê',
    'Zzz thứ tự e',
    'Zzz thứ tự đ',
    'Zzz thứ tự d',
    'Zzz thứ tự ẹ',
    'Zzz thứ tự ễ',
  ])
    await deliver({ subject });
  const all = async (sort: string) => {
    const subjects: string[] = [];
    let after = '';
    do {
      const page = await json(
        await b.fetch(`/v1/search?q=zzz&sort=${sort}&limit=2${after && `&after=${after}`}`),
      );
      subjects.push(...(page.rows as { subject: string }[]).map(({ subject }) => subject.slice(-1)));
      after = (page.next as string | undefined) ?? '';
    } while (after);
    return subjects;
  };
  t.same(await all('subject'), ['d', 'đ', 'e', 'ẹ', 'ê', 'ễ']);
  t.same(await all('newest'), ['ễ', 'ẹ', 'd', 'đ', 'e', 'ê']);
});

t.test('words go with the document, and the search can be made anew', async (t) => {
  const { envelopeId } = await deliver({ subject: 'Tuyệt đối không ai được tìm thấy zqxj' });
  const count = async () => (await b.node.edge.find({ text: 'zqxj' })).rows.length;
  t.equal(await count(), 1);
  const { code, out } = await cli('node', 'reindex', '--dir', b.dir, '--json');
  t.equal(code, 0);
  t.ok(JSON.parse(out).documents >= 8);
  t.equal(await count(), 1);
  // What a recall or a takedown does, whoever does it, while the node runs.
  const db = openDatabase(join(b.dir, 'node.sqlite'));
  db.run(
    'UPDATE inbox SET metadata = NULL, salt = NULL, subject = NULL WHERE envelope_id = ?',
    Buffer.from(envelopeId.replaceAll('-', ''), 'hex'),
  );
  db.close();
  t.equal(await count(), 0);
  // The words are in memory: the next start makes them anew.
  await b.node.close();
  b.node = await b.reopen();
  await eventually(async () =>
    (await b.node.edge.find({ text: 'hoa toc' })).rows.length === 1 ? true : undefined,
  );
  t.equal(await count(), 0);
});

t.test('a hundred thousand documents are searched at once', async (t) => {
  const db = openDatabase(join(temporaryDir('search'), 'node.sqlite'), { create: true });
  migrate(db, migrations);
  const words = readFileSync(new URL('../bin/demo/texts/quyet-dinh-2317.txt', import.meta.url), 'utf8')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z]{2,}/g)!;
  const documents = 100_000;
  const some = (i: number, n: number) =>
    Array.from({ length: n }, (_, k) => words[(i * 31 + k * 17) % words.length]).join(' ');
  const reads = searchReads(db);
  db.transaction(() => {
    for (let i = 0; i < documents; i += 1)
      indexWords(db, {
        direction: i % 3 ? 'in' : 'out',
        seq: i,
        atMs: 1_700_000_000_000 + i * 1000,
        words: {
          subject: some(i, 14),
          notation: `${i} qd ubnd`,
          people: some(i + 7, 4),
          places: some(i + 3, 6),
          files: 'van ban pdf',
          rest: some(i + 5, 8),
          sortKey: some(i, 8),
        },
        title: '',
        type: '',
      });
  });
  const ask = (text: string, sort: 'newest' | 'subject' = 'newest') => {
    const started = process.hrtime.bigint();
    const hits = reads.searchHits(
      {
        query: searchQuery(text),
        direction: undefined,
        unit: undefined,
        sinceMs: 0,
        untilMs: Number.MAX_SAFE_INTEGER,
        sort,
        after: undefined,
      },
      50,
    );
    t.comment(`${text} (${sort}): ${hits.length} in ${Number(process.hrtime.bigint() - started) / 1e6} ms`);
    return hits;
  };
  for (const text of [
    'ủy ban',
    'uy b',
    'v',
    'van ban pdf',
    '"van ban" quyet',
    '54321/QĐ',
    '54321',
    'khong co tu nay',
    '',
  ])
    ask(text);
  for (const text of ['ủy ban', 'van ban pdf', '']) ask(text, 'subject');
  t.same(
    ask('54321/QĐ-UBND').map(({ seq }) => seq),
    [54_321],
  );
  t.equal(ask('van ban pdf')[0]?.seq, documents - 1, 'newest first');
  db.close();
});

/** What the sender sees of the one recipient. */
const seen = async (documentId: string) =>
  (await a.node.edge.show(documentId)).envelopes[0]!.recipients[0]!.status as
    | { code: string; registeredNumber?: string; person?: string }
    | undefined;
const people = {
  clerk: 'vanthu@tayson.gov.vn',
  head: 'chutich@tayson.gov.vn',
  officer: 'noivu@tayson.gov.vn',
};

t.test(
  'accepting registers and tells the sender in one step; of two clerks one wins and the other reads who did',
  async (t) => {
    for (const [role, email] of Object.entries(people))
      await b.node.edge.people.add({
        unit: b.unit,
        email,
        name: { clerk: 'Trần Thị Lan', head: 'Nguyễn Văn Hùng', officer: 'Lê Thị Hoà' }[role]!,
        position: '',
        desk: role === 'officer' ? 'Phòng Nội vụ' : '',
        roles: [role === 'head' ? 'leader' : (role as 'clerk' | 'officer')],
        decision: '12/QĐ-UBND',
        decisionDate: '2026-01-05',
        actor: 'test',
      });
    // A paper document of the morning has the first number of the one series.
    const paper = await post(b, '/v1/registers/in', {
      fields: { author: 'Sở Nội vụ', subject: 'Giấy mời họp', notation: '55/GM-SNV', issueDay: '2026-01-04' },
    });
    t.match(paper, { status: 201, registered: '01' });
    const { documentId, envelopeId } = await deliver({
      subject: 'Về việc rà soát hộ nghèo',
      number: '301',
      notation: 'UBND-LĐ',
      issueDate: '2026-01-06',
      signers: [{ name: 'Phạm An' }],
    });
    t.match(await post(b, `/v1/inbox/${envelopeId}/accept`, { person: 'ai-do@khac.gov.vn' }), {
      status: 404,
      code: 'person-unknown',
    });
    t.match(
      await post(b, `/v1/inbox/${envelopeId}/forward`, { to: [{ who: people.officer }] }),
      { status: 409, code: 'status-refused' },
      'nothing is given out before it is registered',
    );
    const both = await Promise.all(
      [1, 2].map(() => post(b, `/v1/inbox/${envelopeId}/accept`, { person: people.clerk })),
    );
    const won = both.find(({ status }) => status === 201);
    const lost = both.find(({ status }) => status === 409);
    t.match(won, { registered: '02' });
    t.match(lost, { code: 'document-registered', detail: /số đến 02, test, \d\d:\d\d \d\d\/\d\d\/20/ });
    t.same(
      await eventually(async () =>
        (await seen(documentId))?.code === '03' ? seen(documentId) : undefined,
      ).then((s) => [s?.registeredNumber, s?.person]),
      ['02', 'Trần Thị Lan'],
    );
    const { rows } = (await get(b, '/v1/registers/in')) as { rows: Record<string, unknown>[] };
    t.match(rows[1], {
      registered: '02',
      notation: '301/UBND-LĐ',
      issueDay: '2026-01-06',
      signer: 'Phạm An',
      author: 'UBND xã H08.35.12',
      origin: 'electronic',
    });

    const far = '2099-01-01T17:00:00+07:00';
    t.match(await post(b, `/v1/inbox/${envelopeId}/forward`, { to: [{ who: 'la@khac.gov.vn' }] }), {
      code: 'person-unknown',
    });
    t.match(await post(b, `/v1/inbox/${envelopeId}/forward`, { to: [{ who: 'desk:Phòng Lạ' }] }), {
      code: 'person-unknown',
    });
    t.match(
      await post(b, `/v1/inbox/${envelopeId}/forward`, {
        to: [{ who: people.officer }],
        due: '2020-01-01T00:00:00Z',
      }),
      { code: 'request-malformed' },
    );
    const given = await post(b, `/v1/inbox/${envelopeId}/forward`, {
      to: [{ who: people.officer, lead: true }, { who: 'desk:Phòng Nội vụ' }],
      instruction: 'Tham mưu trước thứ Sáu',
      due: far,
    });
    t.match(given, { status: 201, tasks: [Number, Number] });
    const [lead, other] = given.tasks as [number, number];
    t.match(await post(b, `/v1/inbox/${envelopeId}/forward`, { to: [{ who: people.officer }] }), {
      code: 'task-refused',
    });
    await eventually(async () => ((await seen(documentId))?.code === '04' ? true : undefined));
    t.match(await post(b, `/v1/tasks/${other}/progress`, { state: 'working', said: 'đã đọc' }), {
      state: 'working',
    });
    await eventually(async () => ((await seen(documentId))?.code === '05' ? true : undefined));
    const { code, out } = await cli('work', 'finish', String(lead), '--said', 'đã trình ký', '--dir', b.dir);
    t.equal(code, 0);
    t.match(out, /xong — Lê Thị Hoà/);
    await eventually(async () => ((await seen(documentId))?.code === '06' ? true : undefined));
    const story = await get(b, `/v1/tasks/${lead}`);
    t.match(story, {
      registered: '02',
      personName: 'Lê Thị Hoà',
      notes: [{ said: 'Tham mưu trước thứ Sáu' }, { said: 'đã trình ký', actor: 'command line' }],
    });
    t.match(await post(b, `/v1/tasks/${lead}/progress`, { state: 'done' }), { code: 'task-refused' });
    t.match(await post(b, '/v1/tasks/999/progress', { state: 'done' }), {
      status: 404,
      code: 'task-unknown',
    });
    t.match(((await get(b, '/v1/registers/in')).rows as unknown[])[1], {
      places: 'Lê Thị Hoà, Phòng Nội vụ',
      forwardedDay: /^20/,
    });
  },
);

t.test(
  'numbers are unique in a book, gaps and repeated lines are named, closed books can only be read',
  async (t) => {
    const enter = (fields: Record<string, unknown>, more: Record<string, unknown> = {}) =>
      post(b, '/v1/registers/in', {
        ...more,
        fields: { author: 'Sở Y tế', subject: 'Công văn giấy', ...fields },
      });
    t.match(await enter({}, { number: '02' }), {
      status: 409,
      code: 'register-number-taken',
      detail: /02: test/,
    });
    t.match(await enter({}, { number: '7' }), { registered: '07' });
    t.match(await enter({}, { number: '7a' }), { registered: '07a' });
    t.match(await enter({ notation: '55/GM-SNV', author: 'Sở Nội vụ', issueDay: '2026-01-04' }), {
      registered: '08',
    });
    const checked = await get(b, '/v1/registers/in/check');
    t.same(checked.gaps, [{ series: '', first: 3, last: 6 }]);
    t.match(checked.repeated, [{ notation: '55/GM-SNV', numbers: /1, 8|8, 1/ }]);
    const bad = await enter({
      day: '2999-01-01',
      subject: ' ',
      author: '',
      issueDay: '2026-02-30',
      copies: 3,
    });
    t.match(bad, { status: 400, code: 'register-entry-refused' });
    t.same((bad.violations as { field: string }[]).map(({ field }) => field).sort(), [
      '/author',
      '/day',
      '/issueDay',
      '/subject',
    ]);
    const legacy = await enter({ subject: 'V/v triÓn khai c«ng t¸c v¨n th­ l­u tr÷' });
    t.match(legacy, {
      status: 400,
      code: 'text-legacy',
      violations: [{ field: '/subject', vi: /TCVN3.*triển khai công tác văn thư lưu trữ/ }],
    });
    t.equal((await enter({}, { number: '0' })).code, 'register-entry-refused');
    const line = ((await get(b, '/v1/registers/in')).rows as { entry: number; registered: string }[]).find(
      ({ registered }) => registered === '07a',
    )!;
    t.match(await post(b, `/v1/register-entries/${line.entry}`, { fields: { note: 'sửa lại' } }), {
      registered: '07a',
    });
    t.match(await post(b, `/v1/register-entries/${line.entry}/strike`, { reason: 'ghi nhầm' }), {
      registered: '07a',
    });
    t.match(
      await enter({}, { number: '7a' }),
      { code: 'register-number-taken' },
      'a struck number stays taken',
    );
    const year = 2025;
    t.match(await enter({ day: '2025-03-01' }, { year }), { registered: '01', year });
    t.match(await post(b, '/v1/registers/in/close', { year }), { closedMs: Number, entries: 1 });
    t.match(await enter({ day: '2025-03-01' }, { year }), { status: 409, code: 'register-closed' });
    t.equal(((await get(b, '/v1/registers/in?year=2025')).rows as unknown[]).length, 1);
    t.match(await get(b, '/v1/registers/in?year=2024'), { status: 404, code: 'register-unknown' });
    t.equal(
      (await post(b, '/v1/registers/in', { code: 'mật', fields: { author: 'x', subject: 'y' } })).code,
      'register-unknown',
    );
  },
);

t.test(
  'what is sent stands in the outgoing book by itself, kinds count apart, and what does not fit is named',
  async (t) => {
    await deliver({ subject: 'Kế hoạch năm', number: '05', notation: 'KH-UBND', issueDate: '2026-01-08' });
    const second = await deliver({
      subject: 'Quyết định khen thưởng',
      number: '05',
      notation: 'QĐ-UBND',
      issueDate: '2026-01-08',
      copies: 7,
      otherPlaces: ['Lưu: VT'],
    });
    const rows = (await get(a, '/v1/registers/out')).rows as Record<string, unknown>[];
    t.match(
      rows.find(({ series }) => series === 'QĐ'),
      { registered: '05', documentId: second.documentId, copies: 7, places: 'UBND xã H08.35.13; Lưu: VT' },
    );
    const taken = await post(a, '/v1/registers/out', {
      number: '6',
      series: 'QĐ',
      fields: { subject: 'Quyết định giấy', notation: '06/QĐ-UBND' },
    });
    t.equal(taken.status, 201);
    const third = await deliver({
      subject: 'Trùng số với bản giấy',
      number: '06',
      notation: 'QĐ-UBND',
      issueDate: '2026-01-09',
    });
    t.match((await get(a, '/v1/registers/out/check')).unregistered, [
      { documentId: third.documentId, notation: '06/QĐ-UBND' },
    ]);
    t.match(await post(a, '/v1/registers/out', { documentId: third.documentId, number: '6b', fields: {} }), {
      registered: '06b',
    });
    t.same((await get(a, '/v1/registers/out/check')).unregistered, []);
  },
);

t.test('a recall takes the words out of the books and leaves the number', async (t) => {
  const { documentId, envelopeId } = await deliver({
    subject: 'Văn bản sẽ thu hồi wqzx',
    number: '77',
    notation: 'UBND',
  });
  const { registered } = await post(b, `/v1/inbox/${envelopeId}/accept`, {});
  await post(a, `/v1/documents/${documentId}/recall`, { reason: 'gửi nhầm' });
  const { rows } = await eventually(async () => {
    const requests = (await get(b, '/v1/requests?all=true')) as {
      rows: { requestId: string; state: string }[];
    };
    return requests.rows.length > 0 ? requests : undefined;
  });
  if (rows[0]!.state === 'open') await post(b, `/v1/requests/${rows[0]!.requestId}`, { agree: true });
  const line = await eventually(async () => {
    const all = (await get(b, '/v1/registers/in')).rows as Record<string, unknown>[];
    return all.find((row) => row.registered === registered && row.erased);
  });
  t.match(line, { subject: '', notation: '', author: '' });
  t.same((await b.node.edge.find({ text: 'wqzx' })).rows, [], 'nor is it found any more');
});

t.test('fsck reads the books: gaps are noted, what does not hold is named', async (t) => {
  const copy = join(temporaryDir('books'), 'node.sqlite');
  const live = openDatabase(join(b.dir, 'node.sqlite'), { readOnly: true });
  live.exec(`VACUUM INTO '${copy}'`);
  live.close();
  const db = openDatabase(copy);
  t.teardown(() => db.close());
  const look = () => {
    const problems: Problem[] = [];
    const notes: string[] = [];
    checkBooks(db, (problem) => problems.push(problem), notes);
    return { problems, notes };
  };
  const sound = look();
  t.same(sound.problems, []);
  t.ok(
    sound.notes.some((note) => note.startsWith('register in ') && note.endsWith('nobody has number 3 to 6')),
  );
  db.exec(`UPDATE entries SET erased = 0, subject = 'còn lại' WHERE erased = 1;
    UPDATE entries SET number = 900 WHERE id = (SELECT e.id FROM entries e JOIN statuses s ON s.document_id = e.document_id AND s.direction = 'out'
      AND s.code = '03' AND s.registered_number <> '' WHERE e.struck IS NULL LIMIT 1);
    UPDATE entries SET document_id = x'00112233445566778899aabbccddeeff', sender = 'x' WHERE id = (SELECT max(id) FROM entries WHERE origin = 'paper');
    UPDATE books SET closed_ms = 1 WHERE id = (SELECT book FROM entries LIMIT 1);
    DELETE FROM document_numbers;`);
  const { problems, notes } = look();
  for (const what of [
    /still here/,
    /told is not the number/,
    /its document is not here/,
    /after its book was closed/,
  ])
    t.ok(
      problems.some((problem) => what.test(problem.what)),
      String(what),
    );
  t.ok(notes.some((note) => /not in the index of duplicates/.test(note)));
  // Documents of before the index exists get into it as they become findable again.
  const row = db.get<{ seq: number }>(
    `SELECT seq FROM inbox WHERE number <> '' AND metadata IS NOT NULL LIMIT 1`,
  )!;
  numberOps(db).noteNumbers({ rows: [{ direction: 'in', seq: row.seq }] });
  t.equal(db.get<{ n: number }>('SELECT count(*) AS n FROM document_numbers')!.n, 1);
});

/** Text of a PDF as a reader sees it, by poppler. */
const pdfText = (file: string, ...options: string[]): string =>
  spawnSync('pdftotext', ['-layout', ...options, file, '-']).stdout.toString();
const noPoppler =
  spawnSync('pdftotext', ['-v']).error !== undefined &&
  'install poppler-utils to look at the printed registers';

t.test(
  'registers are printed with every column and exported without loss',
  { skip: noPoppler },
  async (t) => {
    const folder = temporaryDir('sheets');
    const file = (name: string) => join(folder, name);
    const long = 'Trích yếu rất dài để xuống dòng '.repeat(20).trim();
    await post(b, '/v1/registers/in', {
      fields: { author: 'Sở Tư pháp', subject: long, notation: '4612/BGDĐT-GDTrH', note: '=1+1' },
    });
    for (const name of ['in', 'followup'] as const) {
      const { code, err } = await cli(
        'register',
        'export',
        name,
        '--out',
        file(`${name}.pdf`),
        '--dir',
        b.dir,
      );
      t.equal(code, 0, err);
      const text = pdfText(file(`${name}.pdf`));
      t.match(text, name === 'in' ? /SỔ ĐĂNG KÝ VĂN BẢN ĐẾN/ : /SỔ THEO DÕI GIẢI QUYẾT VĂN BẢN ĐẾN/);
      t.match(text, /Lê Thị Hoà/);
      t.match(text, /NGƯỜI LẬP SỔ/);
      const fonts = spawnSync('pdffonts', [file(`${name}.pdf`)])
        .stdout.toString()
        .trim()
        .split('\n')
        .slice(2);
      t.ok(
        fonts.length > 0 && fonts.every((line) => / yes (yes|no) +yes /.test(line)),
        'every font is embedded and can be read as text',
      );
      t.match(
        spawnSync('pdfinfo', [file(`${name}.pdf`)]).stdout.toString(),
        /Page size: +841\.89 x 595\.28 pts \(A4\)/,
      );
    }
    const plain = pdfText(file('in.pdf'), '-nopgbrk').replace(/\s+/g, ' ');
    for (const word of [
      'Ngày đến',
      'Số đến',
      'Tác giả',
      'Ký nhận',
      'Ghi chú',
      '(10)',
      '301/UBND-LĐ',
      'Hủy: ghi nhầm',
    ])
      t.ok(plain.includes(word), word);
    t.equal(
      (await cli('register', 'export', 'in', '--out', file('in.pdf'), '--dir', b.dir)).code,
      1,
      'a file is not written over',
    );
    for (const format of ['xlsx', 'csv']) {
      const { code, err } = await cli(
        'register',
        'export',
        'in',
        '--format',
        format,
        '--out',
        file(`in.${format}`),
        '--dir',
        b.dir,
      );
      t.equal(code, 0, err);
      const sheet = await readSheet(readFileSync(file(`in.${format}`)), ['Số đến']);
      t.same(sheet.headers, [
        'Ngày đến',
        'Số đến',
        'Tác giả',
        'Số, ký hiệu văn bản',
        'Ngày tháng văn bản',
        'Tên loại và trích yếu nội dung văn bản',
        'Đơn vị hoặc người nhận',
        'Ngày chuyển',
        'Ký nhận',
        'Ghi chú',
      ]);
      const row = sheet.rows.find(({ cells }) => cells[3] === '301/UBND-LĐ');
      t.match(row?.cells, {
        1: '02',
        2: 'UBND xã H08.35.12',
        4: '06/01/2026',
        6: 'Lê Thị Hoà, Phòng Nội vụ',
      });
      t.ok(
        sheet.rows.some(({ cells }) => cells[5] === long),
        format,
      );
    }
  },
);

t.test(
  'the ĐẾN stamp is put onto a copy, and what cannot be stamped is answered',
  { skip: noPoppler },
  async (t) => {
    const folder = temporaryDir('stamp');
    const pdf = async (turn: number, lock = false) => {
      const doc = await PDFDocument.create();
      const page = doc.addPage([595, 842]);
      page.drawText(`noi dung ${turn}`);
      page.setRotation(degrees(turn));
      if (lock) doc.encrypt({ userPassword: 'x', ownerPassword: 'y' });
      return Buffer.from(await doc.save({ useObjectStreams: false }));
    };
    const send = async (name: string, bytes: Buffer) =>
      (
        await deliver({
          subject: `Đóng dấu ${name}`,
          parts: [{ name, mediaType: 'application/pdf', contentBase64: bytes.toString('base64') }],
        })
      ).envelopeId;
    const original = await pdf(90);
    const id = await send('quay.pdf', original);
    t.match(
      await get(b, `/v1/inbox/${id}/stamped`),
      { status: 404, code: 'register-unknown' },
      'it bears the number: first register',
    );
    const { registered } = await post(b, `/v1/inbox/${id}/accept`, { fields: { places: 'Phòng Nội vụ' } });
    const out = join(folder, 'den.pdf');
    const { code, err } = await cli('stamp', id, '--out', out, '--dir', b.dir);
    t.equal(code, 0, err);
    const text = pdfText(out);
    for (const word of [
      'ĐẾN',
      `Số: ${registered}`,
      'UBND XÃ H08.35.13',
      'Chuyển: Phòng Nội vụ',
      'Số và ký hiệu HS',
      'noi dung 90',
    ])
      t.ok(text.includes(word), word);
    t.ok(
      Buffer.from(await (await b.fetch(`/v1/inbox/${id}/parts/0`)).arrayBuffer()).equals(original),
      'the file of the document is as it was',
    );
    // The check of documents lets neither pass on its way; a file that came before it, or was released by a person, is answered here.
    const job = {
      kind: 'stamp',
      body: 'UBND',
      number: '1',
      day: '',
      forwardedTo: '',
      fileCode: '',
      at: undefined,
    } as const;
    for (const [name, file] of [
      ['khoa.pdf', await pdf(0, true)],
      ['hong.pdf', Buffer.from('%PDF-1.7\nkhông phải PDF')],
    ] as const)
      await t.rejects(drawPdf({ ...job, file }), { code: 'pdf-not-printable' }, name);
  },
);

t.test('the stamp stands where nothing is written, or over the least', { skip: noPoppler }, async (t) => {
  const folder = temporaryDir('free');
  const mm = 72 / 25.4;
  /** Words at these places, in mm from the upper left corner. */
  const page = async (words: readonly (readonly [number, number])[], turn = 0) => {
    const doc = await PDFDocument.create();
    const sheet = doc.addPage(turn === 90 ? [842, 595] : [595, 842]);
    for (const [left, top] of words)
      if (turn === 90) sheet.drawText('chu', { x: top * mm, y: left * mm, size: 10, rotate: degrees(90) });
      else sheet.drawText('chu', { x: left * mm, y: 842 - top * mm, size: 10 });
    sheet.setRotation(degrees(turn));
    return Buffer.from(await doc.save());
  };
  const stamped = async (file: Buffer, at?: { leftMm: number; topMm: number }) => {
    const path = join(folder, 'stamped.pdf');
    const job = { body: 'UBND xã', number: '7', day: '26/11/2026', forwardedTo: '', fileCode: '' };
    writeFileSync(path, await drawPdf({ kind: 'stamp', ...job, file, at }));
    const boxes = spawnSync('pdftotext', ['-bbox', path, '-']).stdout.toString();
    const found = [
      ...boxes.matchAll(/xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</g),
    ];
    const at0 = found.find(([, , , , , word]) => word === 'ĐẾN')!;
    return { left: Number(at0[1]) / mm, top: Number(at0[2]) / mm };
  };
  const usual = await stamped(await page([[100, 20]]));
  t.ok(usual.left < 30 && usual.top > 60 && usual.top < 85, JSON.stringify(usual));
  const left = Array.from({ length: 12 }, (_, i) => [15 + (i % 4) * 12, 60 + i * 4] as const);
  const beside = await stamped(await page(left));
  t.ok(beside.left > 50 || beside.top > 105, `not over what is written: ${JSON.stringify(beside)}`);
  const turned = await stamped(await page(left, 90));
  t.ok(turned.left > 50 || turned.top > 105, `also on a page that is turned: ${JSON.stringify(turned)}`);
  const asked = await stamped(await page(left), { leftMm: 12, topMm: 62 });
  t.ok(asked.left < 30, 'a clerk’s own place is taken as it is');
  const full = Array.from(
    { length: 3_000 },
    (_, i) => [4 + (i % 30) * 7, 4 + Math.floor(i / 30) * 3] as const,
  );
  t.ok((await stamped(await page(full))).top > 0, 'a full page is stamped all the same');
});

t.test('the calendar knows holidays, make-up days and what is not certain', async (t) => {
  const calendar = createCalendar();
  for (const day of ['2026-01-10', '2026-08-22', '2024-05-04', '2026-11-26'])
    t.ok(calendar.isWorkingDay(day), day);
  for (const day of ['2026-01-02', '2026-02-17', '2026-04-27', '2026-08-31', '2026-11-28', '2025-05-02'])
    t.notOk(calendar.isWorkingDay(day), day);
  t.equal(calendar.nextWorkingDay('2026-02-13'), '2026-02-23', 'over Tết');
  t.equal(calendar.nextWorkingDay('2026-08-21'), '2026-08-22', 'a Saturday that is made up');
  t.same(['2026', '2027', '2040'].map(calendar.known), ['certain', 'derived', 'weekends']);
  // The lunar calendar of the platform, where it is the Vietnamese one: first of the first month, tenth of the third (or the day after).
  const lunar = new Intl.DateTimeFormat('en-u-ca-chinese', {
    timeZone: 'Asia/Ho_Chi_Minh',
    month: 'numeric',
    day: 'numeric',
  });
  for (const year of [2024, 2025, 2026])
    for (let ms = Date.UTC(year, 0, 10, 5); ms < Date.UTC(year, 5, 1); ms += 86_400_000) {
      const day = dayOf(ms);
      if (lunar.format(ms) === '1/1') t.match(calendar.nameOf(day), /^Tết/, day);
      if (lunar.format(ms) === '3/10')
        t.notOk(calendar.isWorkingDay(calendar.isWorkingDay(day) ? day : dayOf(ms)), day);
    }
  const at = (text: string) => Date.parse(`${text}:00+07:00`);
  const sendOf = (signedDay: string, urgency = 0, handedIn = '2026-11-26T09:00') =>
    sendBy(calendar, { signedDay, handedInMs: at(handedIn), urgency });
  t.equal(sendOf('2026-11-26'), at('2026-11-27T12:00'));
  t.equal(sendOf('2026-11-27'), at('2026-11-30T12:00'), 'Friday: noon of Monday');
  t.equal(sendOf('2026-02-13'), at('2026-02-23T12:00'));
  t.equal(sendOf('2026-11-26', 3), at('2026-11-26T10:00'), 'urgent: at once');
  t.equal(confirmBy(calendar, at('2026-11-26T16:59')), at('2026-11-27T00:00'));
  t.equal(
    confirmBy(calendar, at('2026-11-26T17:00')),
    at('2026-11-28T00:00'),
    'after the office has closed it counts for the next day',
  );
  t.equal(confirmBy(calendar, at('2026-11-28T09:00')), at('2026-12-01T00:00'), 'on a Saturday for Monday');
  for (const now of ['2026-11-27T00:00', '2026-11-28T12:00', '2026-11-30T12:00']) {
    const before = confirmDueBefore(calendar, at(now));
    t.ok(confirmBy(calendar, before - 1) <= at(now), `${now}: what came before is due`);
    t.ok(confirmBy(calendar, before) > at(now), `${now}: what came then is not`);
  }
  t.equal(presentBy(calendar, at('2026-11-26T09:00'), 0), at('2026-11-28T00:00'));
  t.equal(presentBy(calendar, at('2026-11-26T09:00'), 2), at('2026-11-26T10:00'));
  t.same(
    ['2026-11-26T09:00', '2026-11-27T09:00', '2026-11-30T09:00', '2026-12-01T09:00'].map((now) =>
      dueState(calendar, 'reply', at('2026-11-30T17:00'), at(now)),
    ),
    ['open', 'soon', 'soon', 'late'],
  );
  const status = await a.node.edge.status();
  const said = (now: string, known: 'certain' | 'derived' | 'weekends', next: typeof known = 'certain') =>
    checksOf({ ...status, calendar: { year: now.slice(0, 4), known, next } }, at(`${now}T09:00`)).find(
      ({ name }) => name === 'calendar',
    );
  t.equal(said('2026-11-26', 'certain', 'derived')?.result, 'ok');
  t.match(said('2026-12-01', 'certain', 'derived'), { result: 'warn', saidVi: /lịch nghỉ lễ năm 2027/ });
  t.match(said('2028-03-01', 'weekends'), { result: 'warn', saidVi: /Chưa có lịch nghỉ lễ năm 2028/ });
  t.match(said('2027-03-01', 'derived'), { result: 'warn', said: /derived, not announced/ });
  for (const bad of [
    null,
    {},
    { years: { 1999: {} } },
    {
      years: {
        2028: { certain: true, off: [{ from: '2028-02-30', to: '2028-03-01', name: 'x' }], work: [] },
      },
    },
    { years: { 2028: { certain: true, off: [], work: [{ day: '2028-01-03', name: 'thứ Hai' }] } } },
  ])
    t.throws(() => checkCalendar(bad), { code: 'calendar-invalid' });
});

t.test('what is late or near is listed per document with its rule, at both ends', async (t) => {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  const { documentId, envelopeId } = await deliver({
    subject: 'Đề nghị báo cáo gấp',
    number: '88',
    notation: 'UBND',
    replyBy: new Date(Date.now() + 1500).toISOString(),
  });
  type Due = { rule: string; state: string; documentId: string; due: string; clause: string; who: string };
  const due = async (office: typeof a, more = '') =>
    ((await get(office, `/v1/due${more}`)).rows as Due[]).filter((row) => row.documentId === documentId);
  await eventually(async () =>
    (await due(b)).some(({ rule, state }) => rule === 'reply' && state === 'late') ? true : undefined,
  );
  t.same((await due(b, '?all=true')).map(({ rule }) => rule).sort(), ['confirm', 'present', 'reply']);
  t.match(await due(a), [
    { rule: 'answer', state: 'late', who: 'H08.35.13', due: /\+07:00$/, clause: /30\/2020/ },
  ]);
  await post(b, `/v1/inbox/${envelopeId}/accept`, {});
  await post(b, `/v1/inbox/${envelopeId}/forward`, { to: [{ who: people.officer }], due: tomorrow });
  t.same((await due(b, '?all=true')).map(({ rule }) => rule).sort(), ['reply', 'task']);
  const { code, out } = await cli('node', 'due', '--dir', b.dir);
  t.equal(code, 0);
  t.match(out, /Trả lời đúng hạn[\s\S]*QUÁ HẠN[\s\S]*Đề nghị báo cáo gấp/);
  // An answer that is linked to it ends the wait at the receiver.
  const answer = await b.fetch('/v1/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'office-answer' },
    body: JSON.stringify({
      recipients: ['H08.35.12'],
      parts: [{ name: 'bc.txt', mediaType: 'text/plain', contentBase64: 'bQ==' }],
      subject: 'Báo cáo',
      number: '9',
      notation: 'BC-UBND',
      links: [{ relation: 'answers', documentId }],
    }),
  });
  t.equal(answer.status, 202);
  t.same(
    (await due(b, '?all=true')).map(({ rule }) => rule),
    ['task'],
  );
  const calendarFile = join(temporaryDir('calendar'), 'lich.json');
  writeFileSync(
    calendarFile,
    JSON.stringify({
      years: {
        2028: {
          certain: true,
          off: [{ from: '2028-01-25', to: '2028-01-31', name: 'Tết Mậu Thân' }],
          work: [],
        },
      },
    }),
  );
  t.match(
    (await cli('node', 'calendar', '--import', calendarFile, '--dir', b.dir)).out,
    /2028[\s\S]*Tết Mậu Thân/,
  );
  writeFileSync(calendarFile, '{"years": {"2028": {}}}');
  t.equal((await cli('node', 'calendar', '--import', calendarFile, '--dir', b.dir)).code, 1);
  t.match(await get(b, '/v1/calendar'), {
    zone: 'Asia/Ho_Chi_Minh',
    years: { 2026: { certain: true }, 2028: { certain: true } },
  });
});
