// What receiving offices say of documents, through real nodes and a real hub: 01 to 06, the return with its reason, order of arrival,
// words of strangers, unknown codes, duplicates, and what stands after a restore.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import type { DocumentView, RecipientView } from '../edge-node/core.ts';
import { metadataCodec } from '../protocol/codec.ts';
import { newDocumentId, uuidFromBytes, uuidToBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { buildMetadata, kinds, relations } from '../protocol/seal.ts';
import { startTestHub } from './support/hub.ts';
import { eventually, type Office, openOffice, seeEachOther } from './support/office.ts';

const test = await startTestHub();
const a = await openOffice(test.hub, 'H08.35.13');
const b = await openOffice(test.hub, 'H08.35.14');
const c = await openOffice(test.hub, 'H08.35.15');
await seeEachOther([a, b, c], ['H08.35.13', 'H08.35.14', 'H08.35.15']);
t.teardown(async () => {
  for (const { node } of [a, b, c]) await node.close();
  await test.close();
});

type Answer = { status: number; body: Record<string, unknown> };
async function post(office: Office, path: string, body: unknown, key?: string): Promise<Answer> {
  const answer = await office.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const part = (text: string) => ({
  name: 'van-ban.txt',
  mediaType: 'text/plain',
  contentBase64: Buffer.from(text).toString('base64'),
});
let sent = 0;
async function send(from: Office, to: readonly string[], more: object = {}): Promise<string> {
  sent += 1;
  const { status, body } = await post(
    from,
    '/v1/documents',
    { recipients: to, parts: [part(`nội dung ${sent}`)], subject: `Về việc ${sent}`, ...more },
    `k-${sent}`,
  );
  if (status !== 202) throw new Error(JSON.stringify(body));
  return body.documentId as string;
}
const show = (office: Office, id: string, direction: 'out' | 'in') =>
  office.node.edge.show(id, { direction });
const recipient = (view: DocumentView, code: string): RecipientView =>
  view.envelopes.flatMap(({ recipients }) => recipients).find((each) => each.code === code)!;
const arrived = (office: Office, id: string) =>
  eventually(async () => await show(office, id, 'in').catch(() => undefined));
/** Waits until the sender's view of a recipient fits. */
const sees = (office: Office, id: string, code: string, fits: (r: RecipientView) => boolean) =>
  eventually(async () => {
    const one = recipient(await show(office, id, 'out'), code);
    return one && fits(one) ? one : undefined;
  });
const codeOf = (answer: Answer) => answer.body.code;

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

type Forged = { code: string; counter: number; atMs?: number; about: string; to: string; text?: string };
/** A status exactly as given, sealed and sent by that office: what other software might make. */
async function forge(office: Office, { code, counter, atMs, about, to, text = '' }: Forged): Promise<string> {
  const nowMs = systemClock.nowMs();
  const db = openDatabase(join(office.dir, 'node.sqlite'));
  const documentId = uuidToBytes(newDocumentId(nowMs, randomBytes(10)));
  const { salt, block } = buildMetadata({ reason: text }, randomBytes(32));
  try {
    db.exec('PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE');
    const { lastRowId } = db.run(
      `INSERT INTO documents (document_id, unit, idempotency_key, request_digest, kind, urgency, created_ms, reply_by_ms, links, status,
         salt, metadata, bytes) VALUES (?, ?, ?, x'01', ?, 0, ?, 0, ?, ?, ?, ?, 0)`,
      documentId,
      office.unit,
      `forged ${uuidFromBytes(documentId)}`,
      kinds.status,
      nowMs,
      JSON.stringify([{ relation: relations.statusOf, documentId: about }]),
      JSON.stringify({ code, counter, atMs: atMs ?? nowMs }),
      salt,
      block,
    );
    const { lastRowId: envelope } = db.run(
      `INSERT INTO envelopes (document_seq, unit, work, lane, missing_uploads, next_ms, queued_ms) VALUES (?, ?, 'seal', 0, 0, 0, ?)`,
      lastRowId,
      office.unit,
      nowMs,
    );
    db.run(
      `INSERT INTO outbox_recipients (envelope_seq, idx, unit, desk, grp, grp_version, state, at_ms) VALUES (?, 0, ?, '', '', 0, 'queued', ?)`,
      envelope,
      to,
      nowMs,
    );
    db.exec('COMMIT');
  } finally {
    db.close();
  }
  office.node.edge.retryNow();
  return uuidFromBytes(documentId);
}
const transportOf = (office: Office, id: string) =>
  eventually(async () => {
    const one = (await show(office, id, 'out')).envelopes[0]!.recipients[0]!;
    return one.state === 'queued' || one.state === 'accepted' ? undefined : one;
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
