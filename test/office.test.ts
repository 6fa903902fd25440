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
