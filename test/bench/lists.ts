// `npm run bench -- lists`: a node with 100,000 arrivals and 100,000 sendings, asked by a console as a clerk's page asks. The rows are copies of true ones
// with other ids, dates, words; the node makes their words at its start (`fill` of the result). Prints the middle and the worst of each question.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { metadataCodec } from '../../protocol/codec.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { type Database, openDatabase } from '../../protocol/node/sqlite.ts';
import { consoleClient, openConsoleOffice, password } from '../support/console.ts';
import { startTestHub } from '../support/hub.ts';
import { eventually, seeEachOther } from '../support/office.ts';
import type { Options } from './bench.ts';

const rounds = 15;
const subjects = [
  'Về việc triển khai kế hoạch phòng, chống thiên tai',
  'Báo cáo tình hình kinh tế – xã hội',
  'Giấy mời họp giao ban công tác',
  'Quyết định phê duyệt dự toán kinh phí',
  'Tờ trình đề nghị bổ sung biên chế',
  'Thông báo kết luận của Chủ tịch',
  'Hướng dẫn thực hiện nghị định',
];
const kinds = ['Công văn', 'Báo cáo', 'Giấy mời', 'Quyết định', 'Tờ trình', 'Thông báo', 'Hướng dẫn'];

/** Copies the newest row of a table, with some columns of its own. */
function copier(db: Database, table: string, own: readonly string[]) {
  const columns = db
    .all<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`)
    .map(({ name }) => name);
  const kept = columns.filter((name) => name !== 'seq' && name !== 'id');
  const sql = `INSERT INTO ${table} (${kept.join(', ')}) SELECT ${kept
    .map((name) => (own.includes(name) ? `?${own.indexOf(name) + 1}` : name))
    .join(', ')} FROM ${table} WHERE rowid = ?${own.length + 1}`;
  const first = db.get<{ id: number }>(`SELECT max(rowid) AS id FROM ${table}`)!.id;
  return (...values: (string | number | Uint8Array)[]) => db.run(sql, ...values, first).lastRowId;
}

function fill(dir: string, nowMs: number, rows: number): void {
  const db = openDatabase(join(dir, 'node.sqlite'));
  const pick = <T>(list: readonly T[], i: number): T => list[i % list.length]!;
  const arrival = db.get<{ seq: number; metadata: Uint8Array; sender: string }>(
    'SELECT seq, metadata, sender FROM inbox WHERE kind = 1 ORDER BY seq DESC LIMIT 1',
  )!;
  const said = metadataCodec.decode(arrival.metadata);
  const to = db.get<{ unit: string; desk: string }>(
    'SELECT unit, desk FROM inbox_recipients WHERE inbox_seq = ?',
    arrival.seq,
  )!;
  const sending = db.get<{ seq: number; envelope: number }>(
    'SELECT d.seq, max(e.seq) AS envelope FROM documents d JOIN envelopes e ON e.document_seq = d.seq WHERE d.kind = 1',
  )!;
  const recipient = db.get<{ unit: string }>(
    'SELECT unit FROM outbox_recipients WHERE envelope_seq = ?',
    sending.envelope,
  )!;
  const stepMs = Math.floor((2 * 365 * 86_400_000) / rows);
  db.transaction(() => {
    const inbox = copier(db, 'inbox', [
      'envelope_id',
      'document_id',
      'digest',
      'metadata',
      'subject',
      'notation',
      'number',
      'urgency',
      'type',
      'reply_by_ms',
      'received_ms',
      'created_ms',
      'accepted_ms',
      'ledger_sequence',
    ]);
    const documents = copier(db, 'documents', [
      'document_id',
      'idempotency_key',
      'metadata',
      'subject',
      'notation',
      'number',
      'urgency',
      'created_ms',
    ]);
    const envelopes = copier(db, 'envelopes', [
      'document_seq',
      'envelope_id',
      'digest',
      'queued_ms',
      'sealed_ms',
      'ledger_sequence',
    ]);
    for (let i = 0; i < rows; i++) {
      const atMs = nowMs - (rows - i) * stepMs;
      const subject = `${pick(subjects, i)} số ${i}, năm ${2025 + (i % 2)}`;
      const number = String(1 + (i % 9_000));
      const metadata = metadataCodec.encode({
        ...said,
        subject,
        number,
        notation: 'UBND-VP',
        type: pick(kinds, i),
      });
      const urgency = i % 50 === 0 ? 3 : i % 10 === 0 ? 1 : 0;
      const documentId = randomBytes(16);
      const seq = inbox(
        randomBytes(16),
        documentId,
        randomBytes(32),
        metadata,
        subject,
        'UBND-VP',
        number,
        urgency,
        pick(kinds, i),
        // A tenth asks for an answer within two weeks.
        i % 10 === 3 ? atMs + 14 * 86_400_000 : 0,
        atMs,
        atMs,
        atMs,
        1_000_000 + i,
      );
      db.run(
        'INSERT INTO inbox_recipients (inbox_seq, idx, unit, desk) VALUES (?, 0, ?, ?)',
        seq,
        to.unit,
        to.desk,
      );
      // Of a large office: forty wait, a few were given back, the rest is done or under way.
      const code =
        i >= rows - 40 ? '01' : i % 300 === 0 ? '02' : pick(['03', '04', '05', '06', '06', '06'], i);
      db.run(
        'INSERT INTO received (sender, document_id, unit, inbox_seq, code, counter, at_ms) VALUES (?, ?, ?, ?, ?, 1, ?)',
        arrival.sender,
        documentId,
        to.unit,
        seq,
        code,
        atMs,
      );
      const sent = documents(
        randomBytes(16),
        `bench-${i}`,
        metadata,
        subject,
        'UBND-VP',
        number,
        urgency,
        atMs,
      );
      const envelope = envelopes(sent, randomBytes(16), randomBytes(32), atMs, atMs, 2_000_000 + i);
      for (let idx = 0; idx < 3; idx++)
        db.run(
          `INSERT INTO outbox_recipients (envelope_seq, idx, unit, desk, grp, grp_version, state, code, at_ms) VALUES (?, ?, ?, ?, '', 0, ?, NULL, ?)`,
          envelope,
          idx,
          recipient.unit,
          `ban-${idx}`,
          i % 2_000 === 7 && idx === 0 ? 'refused' : 'delivered',
          atMs,
        );
    }
  });
  db.exec('ANALYZE');
  db.close();
}

export async function run(options: Options): Promise<object> {
  const rows = Number(options.rows ?? 100_000);
  const results: Record<string, { rows: number; p50Ms: number; worstMs: number }> = {};
  const hub = await startTestHub();
  const a = await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình');
  const b = await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND thị trấn Phú Phong');
  await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);
  const one = (from: typeof a, to: string) =>
    from.node.edge.submit({
      idempotencyKey: 'first',
      to: [to],
      metadata: {
        subject: 'Văn bản đầu',
        number: '1',
        notation: 'UBND-VP',
        type: 'Công văn',
        issueDate: '2026-11-25',
      },
      parts: [{ name: 'tệp.txt', mediaType: 'text/plain', content: Buffer.from('x') }],
    });
  await one(a, 'H08.35.13');
  await one(b, 'H08.35.12');
  await eventually(
    async () =>
      ((await b.node.edge.inbox({})).rows.length > 0 && (await a.node.edge.inbox({})).rows.length > 0) ||
      undefined,
  );
  await b.node.edge.drain();
  await b.node.close();
  const startedMs = performance.now();
  fill(b.dir, systemClock.nowMs(), rows);
  process.stdout.write(
    `${rows} arrivals and ${rows} sendings written in ${Math.round(performance.now() - startedMs)} ms\n`,
  );
  const before = process.memoryUsage.rss();
  const openedMs = performance.now();
  b.node = await b.reopen();
  const readyMs = Math.round(performance.now() - openedMs);
  await eventually(async () => ((await b.node.edge.find({ text: 'nam' })).filling ? undefined : true), 6_000);
  const fillMs = Math.round(performance.now() - openedMs);
  const fillMiB = Math.round((process.memoryUsage.rss() - before) / 1024 / 1024);
  process.stdout.write(
    `ready after ${readyMs} ms; words of all in memory after ${fillMs} ms, ${fillMiB} MiB\n`,
  );
  const clerk = consoleClient(b);
  await clerk.post('/c/v1/sign-in/code', { email: b.email, code: b.code, password });
  const far = async (path: string, pages: number) => {
    let after = '';
    for (let n = 0; n < pages; n++)
      after = (await clerk.get(`${path}?limit=200${after && `&after=${after}`}`)).json.next;
    return after;
  };
  const deepIn = await far('/c/v1/inbox', 25);
  const month = '2026-06';
  const questions: readonly (readonly [string, string])[] = [
    ['first page, arrivals', '/c/v1/inbox?limit=50'],
    ['5,000 rows further down', `/c/v1/inbox?limit=50&after=${deepIn}`],
    ['at the far end', '/c/v1/inbox?limit=50&after=120'],
    ['those that wait', '/c/v1/inbox?limit=50&state=waiting'],
    ['those given back', '/c/v1/inbox?limit=50&state=returned'],
    ['recalled (none)', '/c/v1/inbox?limit=50&state=recalled'],
    ['with a request (none)', '/c/v1/inbox?limit=50&state=asked'],
    ['finished', '/c/v1/inbox?limit=50&state=finished'],
    [
      'of one month',
      `/c/v1/inbox?limit=50&since=${Date.parse(`${month}-01`)}&until=${Date.parse(`${month}-30`)}`,
    ],
    ['flash only', '/c/v1/inbox?limit=50&urgency=3'],
    ['of one kind', `/c/v1/inbox?limit=50&type=${encodeURIComponent('Tờ trình')}`],
    ['of a kind that none is', `/c/v1/inbox?limit=50&type=${encodeURIComponent('Thư công')}`],
    ['late', '/c/v1/inbox?limit=50&due=late'],
    ['of a term that still runs', '/c/v1/inbox?limit=50&due=running'],
    [
      'late, of a sender, of a kind',
      `/c/v1/inbox?due=late&type=${encodeURIComponent('Giấy mời')}&sender=${a.unit}`,
    ],
    ['what to choose from', '/c/v1/inbox/choices'],
    ['words among those that wait', '/c/v1/inbox?text=nam&state=waiting'],
    ['words among those given back', '/c/v1/inbox?text=nam&state=returned'],
    ['words of all among what is late', '/c/v1/inbox?text=nam&due=late'],
    ['two common words', '/c/v1/inbox?text=ke%20hoach%20thien%20tai'],
    ['a number', '/c/v1/inbox?text=125%2Fubnd'],
    ['one word of all rows', '/c/v1/inbox?text=nam'],
    ['words that nothing has', '/c/v1/inbox?text=khong%20he%20co%20chu%20nay'],
    ['first page, sendings', '/c/v1/outbox?limit=50'],
    ['sendings refused', '/c/v1/outbox?limit=50&state=failed'],
    ['sendings that wait', '/c/v1/outbox?limit=50&state=queued'],
    ['Hộp gửi', '/c/v1/outbox?limit=50&state=unsent'],
    ['not confirmed', '/c/v1/outbox?limit=50&state=unanswered'],
    ['asked back (none)', '/c/v1/outbox?limit=50&state=recalled'],
    ['sendings, words', '/c/v1/outbox?text=du%20toan%20kinh%20phi'],
    ['words among sendings refused', '/c/v1/outbox?text=nam&state=failed'],
    ['first screen', '/c/v1/overview'],
    ['figures of a month', `/c/v1/figures?month=${month}`],
  ];
  for (const [name, path] of questions) {
    const times: number[] = [];
    let found = 0;
    for (let round = 0; round < rounds; round++) {
      const from = performance.now();
      const { status, json } = await clerk.get(path);
      times.push(performance.now() - from);
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
      found = json.rows?.length ?? 0;
    }
    times.sort((x, y) => x - y);
    results[name] = { rows: found, p50Ms: times[Math.floor(rounds / 2)]!, worstMs: times.at(-1)! };
    process.stdout.write(
      `${name.padEnd(28)} ${String(found).padStart(4)} rows  p50 ${times[Math.floor(rounds / 2)]!.toFixed(1).padStart(7)} ms  worst ${times.at(-1)!.toFixed(1).padStart(7)} ms\n`,
    );
  }
  await Promise.all([a.node.close(), b.node.close()]);
  await hub.close();
  return { bench: 'lists', rows, readyMs, fillMs, fillMiB, results };
}
