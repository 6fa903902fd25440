// The office's own work around the exchange: search, registers, deadlines, work inside the unit. Two real offices and a real hub.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { searchQuery } from '../edge-node/search-words.ts';
import { migrations } from '../edge-node/store/migrations.ts';
import { indexWords } from '../edge-node/store/search-ops.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, openOffice, seeEachOther } from './support/office.ts';
import { cli } from './support/run-cli.ts';

const hub = await startTestHub();
const a = await openOffice(hub.hub, 'H08.35.12');
const b = await openOffice(hub.hub, 'H08.35.13');
t.teardown(async () => {
  await Promise.all([a.node.close(), b.node.close()]);
  await hub.close();
});
await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);

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
  const envelopeId = await eventually(
    async () => (await b.node.edge.inbox()).rows.find((row) => row.documentId === documentId)?.envelopeId,
  );
  return { documentId, envelopeId };
}
const json = async (answer: Response): Promise<Record<string, unknown>> => ({
  ...((await answer.json()) as Record<string, unknown>),
  status: answer.status,
});

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
  await b.node.close();
  const file = join(b.dir, 'node.sqlite');
  const db = openDatabase(file);
  // What a recall or a takedown does, whoever does it.
  db.run(
    'UPDATE inbox SET metadata = NULL, salt = NULL, subject = NULL WHERE envelope_id = ?',
    Buffer.from(envelopeId.replaceAll('-', ''), 'hex'),
  );
  db.exec(`INSERT INTO search_words (search_words) VALUES ('integrity-check')`);
  t.equal(db.all('SELECT 1 FROM search_words WHERE search_words MATCH ?', 'zqxj').length, 0);
  db.exec('CREATE VIRTUAL TABLE terms USING fts5vocab (search_words, row)');
  t.equal(db.all(`SELECT 1 FROM terms WHERE term = 'zqxj'`).length, 0, 'the word is out of the index itself');
  db.exec('DROP TABLE terms');
  // As a node of before the search: the next start fills what is missing.
  db.exec('DELETE FROM search_rows');
  db.close();
  b.node = await b.reopen();
  await eventually(async () =>
    (await b.node.edge.find({ text: 'hoa toc' })).rows.length === 1 ? true : undefined,
  );
  t.equal(await count(), 0);
});

t.test('a hundred thousand documents are searched at once', async (t) => {
  const db = openDatabase(join(temporaryDir('search'), 'node.sqlite'), { create: true });
  migrate(db, migrations);
  const { searchReads } = await import('../edge-node/store/search-ops.ts');
  const words = readFileSync(new URL('../bin/demo/texts/quyet-dinh-2317.txt', import.meta.url), 'utf8')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z]{2,}/g)!;
  const documents = 100_000;
  const some = (i: number, n: number) =>
    Array.from({ length: n }, (_, k) => words[(i * 31 + k * 17) % words.length]).join(' ');
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
      });
  });
  const reads = searchReads(db);
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

const post = (office: typeof a, path: string, body: unknown) =>
  office
    .fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    .then(json);
const get = (office: typeof a, path: string) => office.fetch(path).then(json);
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
    t.match(lost, { code: 'document-registered', detail: /số đến 2, test, 20/ });
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
