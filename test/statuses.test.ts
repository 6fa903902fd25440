// What receiving offices say of documents, through real nodes and a real hub: 01 to 06, the return with its reason, order of arrival,
// words of strangers, unknown codes, duplicates, and what stands after a restore.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { metadataCodec } from '../protocol/codec.ts';
import { uuidToBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { kinds, relations } from '../protocol/seal.ts';
import {
  arrived,
  codeOf,
  forge,
  part,
  post,
  recipient,
  sees,
  send,
  show,
  transportOf,
} from './support/documents.ts';
import { temporaryDir } from './support/hub.ts';
import { eventually, openDistrict } from './support/office.ts';
import { cli } from './support/run-cli.ts';

const { test, offices } = await openDistrict(t, ['H08.35.13', 'H08.35.14', 'H08.35.15']);
const [a, b, c] = offices;

t.test(
  'arrival, acceptance with its number, work and end come back to the sender by themselves',
  async (t) => {
    const id = await send(a, ['H08.35.14', 'H08.35.15'], {
      number: '125',
      notation: 'UBND-TH',
      type: 'Công văn',
    });
    const receipt = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '01');
    t.match(
      receipt.timeline.find(({ event }) => event === 'ContentHandover')?.atMs,
      receipt.status!.atMs,
      '01 is the receipt',
    );
    await arrived(b, id);
    t.equal(
      codeOf(await post(b, `/v1/inbox/${id}/status`, { code: '05' })),
      'status-refused',
      'not registered yet',
    );
    const accepted = await post(b, `/v1/inbox/${id}/status`, {
      code: '03',
      registeredNumber: '214',
      person: 'Nguyễn Thị Bình',
    });
    t.equal(accepted.status, 202);
    const seen = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '03');
    t.match(seen.status, { registeredNumber: '214', person: 'Nguyễn Thị Bình' });
    t.match(seen.timeline.at(-1)?.words.vi, 'Đã tiếp nhận; số đến 214; Nguyễn Thị Bình');
    t.equal(
      recipient(await show(a, id, 'out'), 'H08.35.15').status?.code ?? '01',
      '01',
      'the other office has its own',
    );
    for (const code of ['04', '05', '06'])
      t.equal((await post(b, `/v1/inbox/${id}/status`, { code, text: `bước ${code}` })).status, 202, code);
    const done = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '06');
    t.equal(done.status?.registeredNumber, '214', 'the number in its book stands');
    t.same(
      done.timeline.filter(({ event }) => event === 'Status').map(({ status }) => status!.code),
      ['03', '04', '05', '06'],
    );
    t.same(recipient(await show(b, id, 'in'), 'H08.35.14').status?.code, '06', 'the receiver sees the same');
    const { rows } = (await (await a.fetch('/v1/documents')).json()) as {
      rows: { statuses: object; kind: number }[];
    };
    t.match(rows[0]!.statuses, { '06': 1 });
    const inbox = (await (await a.fetch('/v1/inbox')).json()) as { rows: unknown[] };
    t.equal(inbox.rows.length, 0, 'statuses are no documents');
    const every = (await (await a.fetch('/v1/inbox?every=true')).json()) as { rows: unknown[] };
    t.equal(every.rows.length, 4, 'and are there when asked for');
  },
);

t.test('a sender reminds one recipient, once a working day, and it is seen at both ends', async (t) => {
  const [B, C] = ['H08.35.14', 'H08.35.15'];
  const remind = (id: string, to: readonly string[], office = a) =>
    post(office, `/v1/documents/${id}/remind`, { to });
  const id = await send(a, [B, C]);
  await Promise.all([sees(a, id, B, ({ status }) => status?.code === '01'), arrived(b, id)]);
  await sees(a, id, C, ({ status }) => status?.code === '01');
  // Another office has sent the same office a document under the same id: it stands in nobody's way.
  const twin = openDatabase(join(b.dir, 'node.sqlite'));
  twin.exec('PRAGMA busy_timeout = 5000');
  twin.run(
    `INSERT INTO received (sender, document_id, unit, inbox_seq, code, counter, at_ms)
       SELECT '0', document_id, unit, inbox_seq, '01', 0, at_ms FROM received WHERE document_id = ?`,
    uuidToBytes(id),
  );
  t.equal(codeOf(await remind(crypto.randomUUID(), [B])), 'document-unknown');
  t.equal(codeOf(await remind(id, ['H08.35.13'])), 'document-state-refused', 'no recipient of it');
  t.equal(codeOf(await remind(id, [])), 'request-malformed');
  t.match(await remind(id, [B]), { status: 202, body: { documentId: id, reminded: [B] } });
  t.equal(codeOf(await remind(id, [B])), 'reminder-too-soon');
  t.equal(codeOf(await remind(id, [C, B])), 'reminder-too-soon', 'to all or to none');
  const seen = await eventually(async () => {
    const to = recipient(await show(b, id, 'in'), B);
    return to.remindedMs === undefined ? undefined : to;
  });
  twin.run(`DELETE FROM received WHERE sender = '0'`);
  twin.close();
  t.match(
    seen.timeline.find(({ event }) => event === 'Reminder'),
    { atMs: seen.remindedMs, words: { vi: 'Nơi gửi nhắc' } },
  );
  t.equal(seen.status?.code, '01', 'it moves nothing');
  const ours = await show(a, id, 'out');
  t.match(recipient(ours, B), { remindedMs: Number });
  t.equal(recipient(ours, C).remindedMs, undefined, 'the refused one left nothing');
  t.match((await a.node.edge.audit({ limit: 1 })).rows, [{ act: 'remind', about: id }]);
  const waits = async () =>
    (await b.node.edge.inbox({ unit: b.unit, only: 'reminded' })).rows.map(({ documentId }) => documentId);
  t.same(await waits(), [id], 'among what is to be done');
  await post(b, `/v1/inbox/${id}/status`, { code: '03', registeredNumber: '9' });
  t.same(await waits(), [], 'until the office says something');

  // Another than its sender does not remind of it; one about what is not here leaves nothing; the same day counts once.
  const day = 86_400_000;
  const stranger = await forge(c, { code: 'NHAC', counter: 1, about: id, to: b.unit });
  t.match(await transportOf(c, stranger), { state: 'refused' });
  const again = await forge(a, { code: 'NHAC', counter: Date.now(), about: id, to: b.unit });
  t.match(await transportOf(a, again), { state: 'delivered' });
  const unknown = await forge(a, { code: 'NHAC', counter: 1, about: crypto.randomUUID(), to: b.unit });
  t.match(await transportOf(a, unknown), { state: 'delivered' });
  const db = openDatabase(join(b.dir, 'node.sqlite'), { readOnly: true });
  t.teardown(() => db.close());
  t.equal(db.get<{ n: number }>('SELECT count(*) AS n FROM reminders')!.n, 1);
  t.equal(db.get<{ n: number }>("SELECT count(*) AS n FROM statuses WHERE code = 'NHAC'")!.n, 0);

  // On the next working day once more; who finished or gave it back is left alone.
  const own = openDatabase(join(a.dir, 'node.sqlite'));
  own.exec('PRAGMA busy_timeout = 5000');
  own.run(`UPDATE reminders SET day = '2026-01-05', at_ms = at_ms - ?`, 7 * day);
  own.close();
  t.equal((await remind(id, [B])).status, 202, 'accepted, and asked to go on');
  await post(b, `/v1/inbox/${id}/status`, { code: '06' });
  await sees(a, id, B, ({ status }) => status?.code === '06');
  t.equal(codeOf(await remind(id, [B])), 'document-state-refused');
});

t.test('a return names one of the eight reasons and is the end', async (t) => {
  const id = await send(a, ['H08.35.14']);
  await arrived(b, id);
  t.equal(
    codeOf(await post(b, `/v1/inbox/${id}/status`, { code: '02' })),
    'request-malformed',
    'without a reason',
  );
  t.equal(codeOf(await post(b, `/v1/inbox/${id}/status`, { code: '02', reason: 9 })), 'request-malformed');
  t.equal((await post(b, `/v1/inbox/${id}/status`, { code: '02', reason: 4, text: 'gửi nhầm' })).status, 202);
  const seen = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '02');
  t.match(seen.timeline.at(-1)?.words.vi, 'Từ chối tiếp nhận; Gửi không đúng nơi nhận; gửi nhầm');
  t.equal(codeOf(await post(b, `/v1/inbox/${id}/status`, { code: '03' })), 'status-refused');
  t.equal(
    codeOf(await post(b, `/v1/inbox/${crypto.randomUUID()}/status`, { code: '03' })),
    'document-unknown',
  );
  t.equal(codeOf(await post(b, `/v1/inbox/${id}/status`, { code: '07' })), 'request-malformed');
});

t.test(
  'statuses are applied by their counter, whatever comes first, and unknown ones are shown',
  async (t) => {
    const id = await send(a, ['H08.35.14']);
    await arrived(b, id);
    const to = a.unit;
    await forge(b, { code: '05', counter: 20, about: id, to });
    await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '05');
    await transportOf(b, await forge(b, { code: '03', counter: 10, about: id, to, text: 'đến sau' }));
    const late = recipient(await show(a, id, 'out'), 'H08.35.14');
    t.equal(late.status?.code, '05', 'the lower counter came later and does not stand');
    t.same(late.timeline.filter(({ event }) => event === 'Status').length, 2, 'but it is in the story');
    await forge(b, { code: '07', counter: 30, about: id, to });
    const odd = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '07');
    t.match(odd.status?.words.vi, 'mã khác 07');
    const futureMs = systemClock.nowMs() + 10 * 365 * 86_400_000;
    await forge(b, { code: '06', counter: 40, atMs: futureMs, about: id, to });
    const future = await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '06');
    t.ok(
      future.status!.atMs < futureMs - 86_400_000,
      'a clock that runs ahead moves nothing into the future',
    );
  },
);

t.test('the word of one who is no recipient is refused with a signed notice and moves nothing', async (t) => {
  const id = await send(a, ['H08.35.14']);
  await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '01');
  const forged = await forge(c, { code: '06', counter: 1, about: id, to: a.unit });
  const end = await transportOf(c, forged);
  t.equal(end.state, 'refused');
  t.ok(
    end.timeline.some(({ code }) => code === 'status-not-recipient'),
    'its sender learns why',
  );
  t.notOk(recipient(await show(a, id, 'out'), 'H08.35.15'));
  t.equal(recipient(await show(a, id, 'out'), 'H08.35.14').status?.code, '01');
  const { alarms } = await a.node.edge.status();
  t.ok(
    alarms.some(({ code }) => code === 'status-not-recipient'),
    'and the operator',
  );
});

t.test('a status of a document that is not known is kept until the document is', async (t) => {
  const unknown = crypto.randomUUID();
  const forged = await forge(b, { code: '03', counter: 1, about: unknown, to: a.unit });
  t.equal((await transportOf(b, forged)).state, 'delivered');
  const db = openDatabase(join(a.dir, 'node.sqlite'), { readOnly: true });
  t.teardown(() => db.close());
  t.match(db.all(`SELECT code, state FROM statuses WHERE state = 'waiting'`), [
    { code: '03', state: 'waiting' },
  ]);
});

t.test('the same number of the same office in a year is warned of at both ends', async (t) => {
  const same = { number: '09', notation: 'QĐ-UBND', issueDate: '2026-03-02' };
  const first = await send(a, ['H08.35.14'], same);
  await arrived(b, first);
  const body = { recipients: ['H08.35.14'], parts: [part('khác')], ...same, number: '9' };
  const warned = await post(a, '/v1/documents', body, 'dup-1');
  t.equal(codeOf(warned), 'document-duplicate-suspected');
  t.match(warned.body.detail, first, 'the other one is named');
  t.equal(
    (await post(a, '/v1/documents', { ...body, issueDate: '2025-03-02' }, 'dup-2')).status,
    202,
    'another year',
  );
  const confirmed = await post(a, '/v1/documents', { ...body, evenIfDuplicate: true }, 'dup-1');
  t.equal(confirmed.status, 202, 'the key was not used up by the warning');
  const second = confirmed.body.documentId as string;
  const view = await arrived(b, second);
  t.same(view.duplicates, [first]);
  const accept = `/v1/inbox/${second}/status`;
  t.equal(codeOf(await post(b, accept, { code: '03' })), 'document-duplicate-suspected');
  t.equal((await post(b, accept, { code: '03', evenIfDuplicate: true })).status, 202);
});

t.test('what a status carries is facts in the header and text in what can be erased', async (t) => {
  const id = await send(a, ['H08.35.14']);
  await arrived(b, id);
  await post(b, `/v1/inbox/${id}/status`, {
    code: '03',
    registeredNumber: 'SỐ-777',
    person: 'Trần Văn Cường',
  });
  await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '03');
  const db = openDatabase(join(a.dir, 'node.sqlite'), { readOnly: true });
  t.teardown(() => db.close());
  const row = db.all<{ signed: Uint8Array; metadata: Uint8Array }>(
    'SELECT signed, metadata FROM inbox WHERE kind = 5 ORDER BY seq DESC LIMIT 1',
  )[0]!;
  t.notOk(Buffer.from(row.signed).includes('SỐ-777') || Buffer.from(row.signed).includes('Trần'));
  t.match(metadataCodec.decode(row.metadata), { registeredNumber: 'SỐ-777', person: 'Trần Văn Cường' });
});

t.test('the signed word of the receiver is a proof of its own', async (t) => {
  const id = await send(a, ['H08.35.14']);
  await arrived(b, id);
  await post(b, `/v1/inbox/${id}/status`, { code: '03', registeredNumber: '5' });
  const { status } = await sees(a, id, 'H08.35.14', (one) => one.status?.code === '03');
  const file = join(temporaryDir('proof'), 'status.ltproof');
  const saved = await cli('proof', status!.statusId, '--dir', a.dir, '--direction', 'in', '--out', file);
  t.equal(saved.code, 0, saved.err);
  const verified = await cli('verify', file, '--root', join(a.dir, 'certs', 'root.pem'), '--json');
  t.equal(verified.code, 0, verified.err);
  t.ok(verified.out.includes(b.unit), 'sealed by the receiving unit');
});

t.test('a clerk does it all on the command line, with words and exit codes', async (t) => {
  const file = join(temporaryDir('cli'), 'cong-van.txt');
  writeFileSync(file, 'nội dung');
  const fields = ['--to', 'H08.35.14', '--number', '77', '--notation', 'UBND-VP', '--subject', 'Về việc thử'];
  const sent = await cli('send', file, '--dir', a.dir, ...fields, '--json');
  t.equal(sent.code, 0, sent.err);
  const { documentId: id } = JSON.parse(sent.out) as { documentId: string };
  const again = await cli('send', file, '--dir', a.dir, ...fields, '--note', 'khác');
  t.equal(again.code, 1);
  t.match(again.err, /Đã có văn bản khác cùng số, ký hiệu[\s\S]*document-duplicate-suspected/);
  const future = await cli(
    'send',
    file,
    '--dir',
    a.dir,
    ...fields,
    '--issue-date',
    '2126-01-01',
    '--origin',
    'scan',
  );
  t.match(future.err, /• Ngày ban hành ở tương lai\./);
  t.equal(future.code, 1);
  await arrived(b, id);
  const early = await cli('set-status', id, '--dir', b.dir, '--code', '06');
  t.match(early.err, /Tiếp nhận \(03\) hoặc trả lại \(02\) trước/);
  t.equal((await cli('set-status', id, '--dir', b.dir, '--code', '02', '--reason', 'xấu')).code, 2);
  const set = await cli('set-status', id, '--dir', b.dir, '--code', '03', '--registered-number', '18');
  t.match(set.out, /03 Đã tiếp nhận/);
  await sees(a, id, 'H08.35.14', ({ status }) => status?.code === '03');
  t.match((await cli('show', id, '--dir', a.dir)).out, /03 Đã tiếp nhận; số đến 18/);
  t.match((await cli('inbox', '--dir', b.dir)).out, /Đã tiếp nhận/);
  const more = await cli('extend', id, '--dir', a.dir, '--to', 'H08.35.14', '--to', 'H08.35.15');
  t.match(more.out, /Đang gửi thêm[^\n]*H08\.35\.15[\s\S]*không gửi lại[^\n]*H08\.35\.14/);
  const none = await cli('extend', crypto.randomUUID(), '--dir', a.dir, '--to', 'H08.35.15');
  t.match(none, { code: 1, err: /document-unknown/ });
  const recalled = await cli('recall', id, '--dir', a.dir, '--reason', 'gửi nhầm');
  t.match(recalled.out, /Đã yêu cầu thu hồi[^\n]*H08\.35\.14/);
  const request = await eventually(async () => {
    const { out } = await cli('requests', '--dir', b.dir, '--json');
    return (JSON.parse(out) as { rows: { requestId: string }[] }).rows[0];
  });
  t.match(
    (await cli('requests', '--dir', b.dir)).out,
    /thu hồi {2}chờ trả lời[\s\S]*lý do \/ reason: gửi nhầm/,
  );
  const refused = await cli('refuse', request.requestId, '--dir', b.dir);
  t.match(refused.err, /Pháp luật không cho nơi nhận quyền từ chối thu hồi/);
  t.match((await cli('agree', request.requestId, '--dir', b.dir)).out, /đang huỷ|đã đồng ý/);
  await sees(a, id, 'H08.35.14', ({ change }) => change?.state === 'agreed');
  t.match((await cli('show', id, '--dir', b.dir)).out, /đã xoá mô tả[\s\S]*Đã huỷ nội dung \(thu hồi/);
});

t.test(
  'recipients by the text of "nơi nhận": what is left over stops the sending until it is said to go on paper',
  async (t) => {
    const dir = temporaryDir('places');
    const file = join(dir, 'ke-hoach.txt');
    const places = join(dir, 'noi-nhan.txt');
    writeFileSync(file, 'nội dung');
    writeFileSync(
      places,
      'Nơi nhận:\n- H08.35.14;\n- vanthu@H08.35.15;\n- Chi cục Kiểm lâm vùng 9;\n- Lưu: VT.\n',
    );
    const command = [
      'send',
      file,
      '--dir',
      a.dir,
      '--places',
      places,
      '--subject',
      'Theo nơi nhận',
      '--number',
      '91',
    ];
    const stopped = await cli(...command);
    t.equal(stopped.code, 1);
    t.match(stopped.out, /Chi cục Kiểm lâm vùng 9[\s\S]*--rest-on-paper/);
    t.equal((await a.node.edge.outbox({ text: 'Theo nơi nhận' })).rows.length, 0, 'nothing was sent');
    const sent = await cli(...command, '--rest-on-paper', '--json');
    t.equal(sent.code, 0, sent.err);
    const { documentId } = JSON.parse(sent.out) as { documentId: string };
    const view = await show(a, documentId, 'out');
    t.same(
      view.envelopes[0]!.recipients.map(({ code, desk }) => [code, desk]),
      [
        ['H08.35.14', ''],
        ['H08.35.15', 'vanthu'],
      ],
    );
    t.match(view, {
      metadata: { otherPlaces: ['Chi cục Kiểm lâm vùng 9'] },
      completeness: { complete: false },
    });
    t.equal((await cli('send', file, '--dir', a.dir, '--subject', 'x')).code, 2, 'to nobody');
    await arrived(b, documentId);
    const back = await cli('return', documentId, '--dir', b.dir, '--reason', '4', '--text', 'gửi nhầm nơi');
    t.match(back.out, /02 /);
    const seen = await sees(a, documentId, 'H08.35.14', ({ status }) => status?.code === '02');
    t.match(seen.status, { reason: 4, text: 'gửi nhầm nơi' });
    t.equal((await cli('return', documentId, '--dir', b.dir)).code, 2, 'a reason is needed');
  },
);

/** The directory of that office names the third unit as one that is no more. */
const seesClosed = ({ node }: typeof a) =>
  eventually(async () =>
    node.edge.searchDirectory('H08.35.15').every(({ unit, state }) => unit !== c.unit || state === 'closed')
      ? true
      : undefined,
  );

t.test(
  'an office that took over another answers for what was sent to it, and takes back what it had sent',
  async (t) => {
    const old = await send(c, ['H08.35.13']);
    await arrived(a, old);
    const nowMs = systemClock.nowMs();
    await test.hub.admin.act('unitMerge', { units: [c.unit], into: b.unit, untilMs: 0, nowMs });
    await seesClosed(a);
    const id = await send(a, [c.unit]);
    await arrived(b, id);
    t.equal((await post(b, `/v1/inbox/${id}/status`, { code: '03', registeredNumber: '99' })).status, 202);
    const seen = await eventually(async () => {
      const { envelopes } = await show(a, id, 'out');
      return envelopes[0]!.recipients.find(({ status }) => status?.code === '03');
    });
    t.equal(seen.status?.registeredNumber, '99', 'the signed recipient stands, its heir speaks');
    await forge(b, { about: old, to: a.unit, kind: kinds.recall, relation: relations.recalls });
    const gone = await eventually(async () => {
      const view = await show(a, old, 'in');
      return view.destroyedMs === undefined ? undefined : view;
    });
    t.equal(gone.metadata, undefined);
  },
);
