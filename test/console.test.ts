// The clerk's console: what its server refuses and keeps, and a working day in a real browser over three nodes and a hub.

import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import t from 'tap';
import { freePorts } from '../bin/demo/processes.ts';
import { makeSamples } from '../bin/demo/samples.ts';
import { type DraftFields, emptyFields } from '../edge-node/console/contract.ts';
import { detailWords, forPerson } from '../edge-node/console/detail-words.ts';
import { startNotifier } from '../edge-node/console/notify.ts';
import { type RunningConsole, startConsole } from '../edge-node/console/server.ts';
import { percentOf, standingsOf } from '../edge-node/recipients/newest.ts';
import { systemClock } from '../protocol/node/clock.ts';
import {
  consoleClient,
  faultsOf,
  firstLogin,
  noBrowser,
  openBrowser,
  openConsoleOffice,
  openContext,
  password,
  samplePdf,
  signInPage,
} from './support/console.ts';
import { quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, openOffice, seeEachOther } from './support/office.ts';
import { sharedData } from './support/shared-data.ts';

const samplesDir = temporaryDir('console-samples');
const samples = await makeSamples({ dir: samplesDir, nowMs: systemClock.nowMs() });
const letter = samples.find(({ number }) => number === '112')!;
const hub = await startTestHub();
const [a, b, c] = [
  await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình', { anchorsDir: samplesDir }),
  await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND xã Tây Vinh'),
  await openConsoleOffice(hub.hub, 'H08.35.14', 'UBND thị trấn Phú Phong'),
];
const d = await openOffice(hub.hub, 'H08.35.15');
const browser: Browser | undefined = noBrowser ? undefined : await openBrowser();
t.teardown(async () => {
  await browser?.close();
  await Promise.all([a, b, c, d].map(({ node }) => node.close()));
  await hub.close();
});
await seeEachOther([a, b, c], ['H08.35.12', 'H08.35.13', 'H08.35.14', 'H08.35.15']);

/** Without following a redirect or adding a header of its own. */
function rawGet(path: string, headers: Record<string, string>): Promise<number> {
  const url = new URL(a.consoleUrl());
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: url.port, path, headers }, (response) =>
      resolve(response.resume().statusCode ?? 0),
    );
    request.once('error', reject);
    request.end();
  });
}

t.test(
  'before a session there is one page and nothing else; other sites and other names are refused',
  async (t) => {
    const client = consoleClient(a);
    const page = await client.get('/');
    t.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src 'none'/);
    t.notMatch(policy, /unsafe/);
    t.notMatch(page.text, /<script(?![^>]*\ssrc=)/, 'no inline script');
    for (const path of [
      '/me',
      '/overview',
      '/inbox',
      '/outbox',
      '/drafts',
      '/status',
      '/people',
      '/audit',
      '/events',
    ])
      t.match(await client.get(`/c/v1${path}`), { status: 401, json: { code: 'session-ended' } }, path);
    t.match(await client.get('/c/v1/start'), { json: { people: true, units: [{ code: 'H08.35.12' }] } });
    t.equal(await rawGet('/', { host: 'evil.example' }), 400, 'a rebound name');
    t.equal(await rawGet('/../../etc/passwd', { host: 'localhost' }), 404);
    const sign = { email: a.email, password: 'x' };
    for (const headers of [
      { 'x-lienthong': '' },
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      t.match(await client.ask('POST', '/c/v1/sign-in', sign, headers), { json: { code: 'request-forged' } });
    t.match(await client.post('/c/v1/sign-in', { ...sign, more: 1 }), {
      json: { code: 'request-malformed' },
    });
  },
);

t.test('a role sees and does what the table says, and each unit its own documents', async (t) => {
  const admin = consoleClient(b);
  await admin.post('/c/v1/sign-in/code', { email: b.email, code: b.code, password });
  const made = await admin.post('/c/v1/people', {
    email: 'giamsat@tayvinh.gov.vn',
    name: 'Trần Giám Sát',
    position: '',
    desk: '',
    roles: ['overseer'],
    decision: '1/QĐ',
    decisionDate: '2026-11-26',
  });
  t.match(made.json, { code: /^.{19}$/ });
  const overseer = consoleClient(b);
  await overseer.post('/c/v1/sign-in/code', {
    email: 'giamsat@tayvinh.gov.vn',
    code: made.json.code,
    password,
  });
  t.match(await overseer.get('/c/v1/audit'), { status: 200 });
  for (const [method, path, body] of [
    ['PUT', `/c/v1/drafts/${randomUUID()}`, { revision: 0, fields: emptyFields }],
    ['POST', `/c/v1/drafts/${randomUUID()}/send`, { revision: 1 }],
    ['POST', '/c/v1/people/disable', { email: b.email }],
    ['POST', '/c/v1/status/retry', {}],
    ['POST', '/c/v1/uploads', { lengthBytes: 5 }],
  ] as const)
    t.match(await overseer.ask(method, path, body), { status: 403, json: { code: 'right-missing' } }, path);
  await admin.post('/c/v1/people/disable', { email: 'giamsat@tayvinh.gov.vn' });
  t.match(await overseer.get('/c/v1/me'), { json: { code: 'session-ended' } }, 'at once');
  t.match(await admin.get(`/c/v1/documents/in/${randomUUID()}`), { json: { code: 'document-unknown' } });
});

t.test(
  'drafts are kept, a stale window is told, a held one is taken back, and a double click sends once',
  async (t) => {
    const clerk = consoleClient(c);
    await clerk.post('/c/v1/sign-in/code', { email: c.email, code: c.code, password });
    const bytes = await samplePdf('Giay moi');
    const { json: begun } = await clerk.post('/c/v1/uploads', { lengthBytes: bytes.length });
    const piece = (offset: number, to: number) =>
      clerk.ask('PATCH', `/c/v1/uploads/${begun.upload}?offset=${offset}`, bytes.subarray(offset, to));
    t.match(await piece(0, 500), { json: { offsetBytes: 500 } });
    t.match(await piece(0, 500), { json: { code: 'upload-offset-wrong' } }, 'the same piece again');
    t.match(await clerk.post(`/c/v1/uploads/${begun.upload}/finish`), {
      json: { code: 'upload-offset-wrong' },
    });
    t.match(await clerk.get(`/c/v1/uploads/${begun.upload}`), { json: { offsetBytes: 500 } });
    await piece(500, bytes.length);
    t.match(await clerk.post('/c/v1/uploads', { lengthBytes: 0 }), { json: { code: 'file-empty' } });
    const { json: kept } = await clerk.post(`/c/v1/uploads/${begun.upload}/finish`);
    t.equal(kept.lengthBytes, bytes.length);

    const id = randomUUID();
    const fields: DraftFields = {
      ...emptyFields,
      subject: 'Giấy mời họp giao ban',
      number: '7',
      notation: 'GM-UBND',
      issueDate: '2026-11-25',
      recipients: [{ code: 'H08.35.12', name: '' }],
      parts: [
        {
          handle: kept.handle,
          name: 'giấy mời.pdf',
          mediaType: 'application/pdf',
          lengthBytes: kept.lengthBytes,
          sha256Hex: kept.sha256Hex,
        },
      ],
    };
    t.match(await clerk.put(`/c/v1/drafts/${id}`, { revision: 0, fields: { ...fields, subject: '' } }), {
      json: { revision: 1 },
    });
    t.match(await clerk.post(`/c/v1/drafts/${id}/send`, { revision: 1 }), {
      json: { code: 'draft-incomplete' },
    });
    t.match(await clerk.put(`/c/v1/drafts/${id}`, { revision: 1, fields }), { json: { revision: 2 } });
    t.match(await clerk.put(`/c/v1/drafts/${id}`, { revision: 1, fields }), {
      json: { code: 'draft-changed' },
    });
    const { json: held } = await clerk.post(`/c/v1/drafts/${id}/send`, { revision: 2 });
    t.ok(held.dueMs > 0);
    t.match(await clerk.post(`/c/v1/drafts/${id}/send`, { revision: 2 }), {
      status: 200,
      json: { dueMs: held.dueMs },
    });
    t.match(await clerk.put(`/c/v1/drafts/${id}`, { revision: 2, fields }), {
      json: { code: 'draft-changed' },
    });
    t.match(await clerk.post(`/c/v1/drafts/${id}/undo`), { status: 200 });
    t.match(await clerk.get(`/c/v1/drafts/${id}`), { json: { state: 'open', revision: 2 } });
    t.match(await clerk.post(`/c/v1/drafts/${id}/undo`), { json: { code: 'undo-too-late' } });

    // What is flash is not held; and the draft is there after a restart of the node in between, as is what had gone up of a file.
    await clerk.put(`/c/v1/drafts/${id}`, { revision: 2, fields: { ...fields, urgency: 'flash' } });
    const { json: cut } = await clerk.post('/c/v1/uploads', { lengthBytes: bytes.length });
    const onward = (offset: number, to: number) =>
      clerk.ask('PATCH', `/c/v1/uploads/${cut.upload}?offset=${offset}`, bytes.subarray(offset, to));
    await onward(0, 700);
    await c.node.close();
    c.node = await c.reopen();
    t.match(await clerk.get(`/c/v1/uploads/${cut.upload}`), { json: { offsetBytes: 700 } });
    t.match(await onward(700, bytes.length), { json: { offsetBytes: bytes.length } });
    t.match(await clerk.post(`/c/v1/uploads/${cut.upload}/finish`), { json: { sha256Hex: kept.sha256Hex } });
    t.match(await clerk.get(`/c/v1/drafts/${id}`), { json: { revision: 3, fields: { urgency: 'flash' } } });
    await clerk.post(`/c/v1/drafts/${id}/send`, { revision: 3 });
    await c.node.edge.desk.drafts.drain();
    const sent = await eventually(async () => {
      const { json } = await clerk.get(`/c/v1/drafts/${id}`);
      return json.state === 'sent' ? json : undefined;
    });
    t.match(await clerk.get(`/c/v1/documents/out/${sent.documentId}`), {
      json: { metadata: { subject: 'Giấy mời họp giao ban', number: '7' }, urgency: 3 },
    });
    t.match(await clerk.post(`/c/v1/drafts/${id}/undo`), { json: { code: 'undo-too-late' } });
    t.equal((await c.node.edge.outbox({})).rows.length, 1, 'one document');

    // The same document to one more: who has it is named and passed over, and another unit's document is none.
    const more = randomUUID();
    const further = {
      ...emptyFields,
      furtherOf: sent.documentId,
      urgency: 'flash',
      recipients: ['H08.35.12', 'H08.35.15'].map((code) => ({ code, name: code })),
    };
    const delivered = () =>
      eventually(async () => {
        const { json } = await clerk.get(`/c/v1/documents/out/${sent.documentId}`);
        return json.state === 'delivered' ? json : undefined;
      });
    await delivered();
    await clerk.put(`/c/v1/drafts/${more}`, { revision: 0, fields: further });
    const { json: sheet } = await clerk.get(`/c/v1/drafts/${more}/checks`);
    t.same(sheet.goes.units, [{ code: 'H08.35.15', name: 'H08.35.15' }]);
    t.match(
      sheet.checks.find(({ good }: { good: boolean }) => !good),
      { name: 'already', stops: false, words: /không gửi lần nữa: H08\.35\.12/ },
    );
    await clerk.post(`/c/v1/drafts/${more}/send`, { revision: 1 });
    await c.node.edge.desk.drafts.drain();
    t.match((await clerk.get(`/c/v1/drafts/${more}`)).json, { state: 'sent', documentId: sent.documentId });
    const whole = await delivered();
    t.equal(whole.envelopes.length, 2);
    t.equal(whole.envelopes[0].follows, whole.envelopes[1].envelopeId);
    t.match((await clerk.get('/c/v1/outbox')).json.rows, [{ recipients: { delivered: 2 } }], 'one row');
    const unanswered = async (unansweredSinceMs: number) =>
      (await c.node.edge.outbox({ unit: c.unit, unansweredSinceMs })).rows.length;
    t.same([await unanswered(systemClock.nowMs() + 60_000), await unanswered(1)], [1, 0]);
    t.match((await clerk.get('/c/v1/outbox?state=unanswered')).json, { rows: [] }, 'it came today');
    t.match(
      (await clerk.post(`/c/v1/documents/out/${sent.documentId}/retry`)).json,
      { code: 'document-state-refused', detail: /^không còn gì của văn bản này đang chờ/ },
      'why, in the language of who reads it',
    );
    t.match((await clerk.get('/c/v1/overview')).json, { unanswered: 0, outbox: 0, unsent: 0, failed: 0 });
    t.match((await clerk.get('/c/v1/outbox?state=unsent')).json, { rows: [] });
    t.match((await clerk.get('/c/v1/outbox?state=recalled')).json, { rows: [] });
    const [first, second] = await Promise.all(
      whole.envelopes.map(
        async ({ envelopeId }: { envelopeId: string }) =>
          (await clerk.raw(`/c/v1/documents/out/${envelopeId}/proof`)).bytes,
      ),
    );
    t.notOk(first.equals(second), 'each sending has a proof of its own');
    const stranger = consoleClient(b);
    await enter(stranger, b);
    const foreign = randomUUID();
    await stranger.put(`/c/v1/drafts/${foreign}`, { revision: 0, fields: further });
    t.match(await stranger.get(`/c/v1/drafts/${foreign}/checks`), { json: { code: 'document-unknown' } });
    await stranger.ask('DELETE', `/c/v1/drafts/${foreign}`);
  },
);

t.test('what a refusal says beside its title is Vietnamese, or set aside as technical', async (t) => {
  const acts = ['statuses', 'safety', 'store', 'office', 'outbox', 'recipients', 'accounts'].flatMap(
    (room) => {
      const folder = new URL(`../edge-node/${room}/`, import.meta.url);
      return readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
    },
  );
  const refusals = acts.flatMap((source) => [
    ...source.matchAll(
      /ExchangeError\(\s*'(document-state-refused|document-held|task-refused)',\s*'([^']+)'/g,
    ),
  ]);
  t.ok(refusals.length > 8);
  for (const [, code, detail] of refusals)
    t.match(detailWords(detail!), /[^\x20-\x7e]/, `${code}: ${detail}`);
  for (const [detail, words] of [
    ['Tây Vinh was asked to destroy it: send a new one', /^Tây Vinh đã được yêu cầu hủy/],
    ['03 → 06', /"Đã tiếp nhận", không chuyển sang "Hoàn thành"/],
    ['8000000000 bytes free, 9500000000 needed', 'cần 9,5 GB, còn trống 8 GB'],
    ['vanthu@tayson.gov.vn', 'vanthu@tayson.gov.vn'],
    ['cai-cach', 'cai-cach'],
    ['document.progress', undefined],
    ['some text that nobody translated', undefined],
  ] as const)
    t.ok(
      words instanceof RegExp ? words.test(detailWords(detail) ?? '') : detailWords(detail) === words,
      detail,
    );
  const row = { type: '', title: '', status: 409, code: 'x', retry: 'never', who: 'clerk', titleVi: '' };
  t.match(forPerson({ ...row, remedy: '', remedyVi: '', detail: 'the store moved on' }), {
    technical: 'the store moved on',
    detail: undefined,
  });
});

const naughty = sharedData('names-and-archives/blns.json');
const noNaughty = existsSync(naughty) ? false : 'needs ../shared/data/names-and-archives';
t.test('every naughty text comes back as it was and is never a page', { skip: noNaughty }, async (t) => {
  const strings = JSON.parse(readFileSync(naughty, 'utf8')) as string[];
  const clerk = consoleClient(c);
  await clerk.post('/c/v1/sign-in', { email: c.email, password });
  const id = randomUUID();
  let revision = 0;
  for (const text of strings) {
    const fields = {
      ...emptyFields,
      subject: text,
      note: text,
      signerName: text.slice(0, 100),
      otherPlaces: text,
    };
    const answer = await clerk.put(`/c/v1/drafts/${id}`, { revision, fields });
    if (answer.status !== 200) {
      t.match(answer.json, { code: 'request-malformed' }, JSON.stringify(text).slice(0, 60));
      continue;
    }
    revision = answer.json.revision;
  }
  const { json, headers } = await clerk.get(`/c/v1/drafts/${id}`);
  t.match(headers.get('content-type'), /^application\/json/);
  t.equal(json.fields.subject, strings.at(-1));
  for (const text of strings.slice(0, 60)) {
    const found = await clerk.get(
      `/c/v1/directory?text=${encodeURIComponent(text.slice(0, 90).toWellFormed())}`,
    );
    t.ok([200, 400].includes(found.status), JSON.stringify(text).slice(0, 60));
  }
  await clerk.ask('DELETE', `/c/v1/drafts/${id}`);
});

t.test('a working day in the browser', { skip: noBrowser }, async (t) => {
  const faults: string[] = [];
  const open = async (office: typeof a) => {
    const page = await (await openContext(browser!)).newPage();
    page.on('pageerror', (error) => faults.push(`${office.unit}: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) faults.push(message.text());
    });
    return page;
  };
  const look = async (page: Page, name: string) => t.strictSame(await faultsOf(page), [], `axe: ${name}`);

  const sender = await open(a);
  await sender.goto(a.consoleUrl());
  await look(sender, 'sign-in');
  await firstLogin(sender, a);
  await look(sender, 'overview');

  // Send to three, by name without marks; keyboard picks; the list is named before it leaves. What the file says is taken with one key.
  await sender.getByRole('link', { name: 'Soạn văn bản' }).click();
  const files = sender.locator('input[type=file]');
  await files.setInputFiles({
    name: 'công văn.pdf',
    mimeType: 'application/pdf',
    buffer: readFileSync(letter.file),
  });
  await sender.getByText('Văn bản chính', { exact: true }).waitFor();
  await sender.getByText(/Đọc được \d+ thông tin từ tệp/).waitFor();
  await sender.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await look(sender, 'suggestions, beside the pages');
  await sender.keyboard.press('Alt+y');
  await sender.getByText('tự điền – hãy kiểm tra').first().waitFor();
  t.equal(await sender.getByLabel('Người ký', { exact: true }).inputValue(), letter.signer.name);
  t.equal(await sender.getByLabel('Ký hiệu', { exact: true }).inputValue(), 'UBND-VP');
  await sender.getByLabel('Số', { exact: true }).fill('12');
  await files.setInputFiles({ name: 'rỗng.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(0) });
  await sender.getByText('Tệp "rỗng.pdf" rỗng (0 byte)', { exact: false }).waitFor();
  await look(sender, 'an empty file');
  // The line is cut while a file goes up: it waits, and goes on by itself.
  await sender.context().setOffline(true);
  await files.setInputFiles({
    name: 'phụ lục.pdf',
    mimeType: 'application/pdf',
    buffer: await samplePdf('Phu luc'),
  });
  await sender.getByText('Đứt kết nối', { exact: false }).waitFor();
  await sender.context().setOffline(false);
  await sender.getByText('Phụ lục', { exact: true }).waitFor();
  await sender.getByLabel(/Trích yếu/).fill('Về việc triển khai kế hoạch năm 2027');
  const picker = sender.getByRole('combobox', { name: 'Tìm nơi nhận' });
  for (const words of ['tay vinh', 'phu phong', 'H08.35.15']) {
    await picker.fill(words);
    await sender.locator('[role=listbox] [role=option]').first().waitFor();
    await picker.press('Enter');
  }
  await sender.getByText('3 nơi nhận').waitFor();
  await sender.getByText(/Đã lưu dự thảo/).waitFor();
  await look(sender, 'compose');
  // A reload in the middle loses nothing.
  await sender.reload();
  await sender.getByText('3 nơi nhận').waitFor();
  t.equal(await sender.getByLabel('Ký hiệu', { exact: true }).inputValue(), 'UBND-VP');
  await sender.getByLabel('Độ khẩn').selectOption('flash');
  await sender.getByText(/Đã lưu dự thảo/).waitFor();
  await sender.keyboard.press('Control+Enter');
  await sender.getByRole('heading', { name: 'Gửi 12/UBND-VP tới 3 đơn vị' }).waitFor();
  await look(sender, 'confirm');
  await sender.keyboard.press('Control+Enter');
  await sender.getByRole('heading', { name: 'Văn bản đi' }).waitFor();
  await sender.getByText('Đã đến: 3').waitFor();
  await look(sender, 'outbox');
  await sender.getByRole('button', { name: 'Xem từng nơi nhận' }).click();
  await sender.getByText('UBND thị trấn Phú Phong').first().waitFor();

  const receiver = await open(b);
  await signInPage(receiver, b);
  await receiver.getByText('Văn bản chờ tiếp nhận').waitFor();
  await receiver.getByRole('link', { name: /Văn bản chờ tiếp nhận/ }).click();
  await receiver.getByRole('heading', { name: 'Văn bản đến' }).waitFor();
  await receiver.locator('tbody').getByText('Hỏa tốc').first().waitFor();
  await receiver.keyboard.press('ArrowDown');
  await receiver.getByRole('complementary', { name: 'Xem trang bên cạnh' }).getByText('Mở văn bản').waitFor();
  await look(receiver, 'inbox, with the pages beside it');
  await receiver.getByRole('button', { name: 'Tất cả' }).click();
  await receiver.getByRole('button', { name: 'Tất cả', pressed: true }).waitFor();
  await receiver.locator('a[data-row]').first().waitFor();
  // Arrows move, Enter opens, Esc returns to the same row.
  await receiver.keyboard.press('ArrowDown');
  await receiver.keyboard.press('Enter');
  await receiver.getByRole('heading', { name: /12\/UBND-VP/ }).waitFor();
  await receiver.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await look(receiver, 'arrival');
  // Accepted with the keyboard alone; the sender sees the number.
  await receiver.keyboard.press('Control+Enter');
  await receiver.getByRole('heading', { name: 'Tiếp nhận và vào sổ' }).waitFor();
  await look(receiver, 'accept');
  await receiver.keyboard.press('Control+Enter');
  await receiver.getByText('Đã tiếp nhận, số đến', { exact: false }).waitFor();
  await receiver.getByRole('button', { name: 'Chuyển xử lý' }).click();
  await receiver.getByRole('checkbox', { name: /Nguyễn Thị Ánh/ }).check();
  await receiver.getByLabel('Ý kiến chỉ đạo').fill('Tham mưu trả lời');
  await look(receiver, 'forward');
  await receiver.keyboard.press('Control+Enter');
  await receiver.getByText('Tham mưu trả lời').waitFor();
  // A reply knows its recipient and what it answers; the slip and the book can be printed.
  const saved = async (link: string): Promise<Buffer> => {
    const [download] = await Promise.all([
      receiver.waitForEvent('download'),
      receiver.getByRole('link', { name: link }).click(),
    ]);
    return readFileSync(await download.path());
  };
  t.equal((await saved('Phiếu xác nhận gửi nhận (PDF)')).subarray(0, 5).toString(), '%PDF-');
  await receiver.getByRole('button', { name: 'Trả lời văn bản' }).click();
  await receiver.getByText('Văn bản này trả lời văn bản đến:', { exact: false }).waitFor();
  await receiver.getByRole('link', { name: /^12\/UBND-VP – / }).waitFor();
  await receiver.getByText('1 nơi nhận').waitFor();
  await receiver.locator('input[type=file]').setInputFiles({
    name: 'trả lời.pdf',
    mimeType: 'application/pdf',
    buffer: await samplePdf('Tra loi'),
  });
  await receiver.getByText('Văn bản chính', { exact: true }).waitFor();
  await receiver.getByLabel(/Trích yếu/).fill('Trả lời về kế hoạch năm 2027');
  await receiver.getByLabel('Độ khẩn').selectOption('flash');
  await receiver.getByText(/Đã lưu dự thảo/).waitFor();
  await receiver.keyboard.press('Control+Enter');
  await receiver.getByRole('heading', { name: /tới 1 đơn vị/ }).waitFor();
  await receiver.keyboard.press('Control+Enter');
  await receiver.getByRole('heading', { name: 'Văn bản đi' }).waitFor();
  await receiver.goto(`${b.consoleUrl()}/so`);
  await receiver.getByText('Về việc triển khai kế hoạch năm 2027').waitFor();
  t.equal((await saved('In sổ (PDF)')).subarray(0, 5).toString(), '%PDF-');
  await receiver.goto(`${b.consoleUrl()}/den`);
  await receiver.getByRole('link', { name: 'Về việc triển khai kế hoạch năm 2027' }).click();
  await receiver.getByRole('button', { name: 'Trả lời văn bản' }).waitFor();
  await receiver.keyboard.press('Escape');
  await receiver.getByRole('heading', { name: 'Văn bản đến' }).waitFor();
  await eventually(async () =>
    (await receiver.evaluate('document.activeElement?.hasAttribute("data-row")')) ? true : undefined,
  );

  const reply = await eventually(async () => (await a.node.edge.inbox({})).rows[0]);
  await sender.goto(`${a.consoleUrl()}/den/${reply.envelopeId}`);
  await sender.getByText('Mở văn bản liên quan').waitFor();
  await sender.goto(`${a.consoleUrl()}/di`);

  // The third returns it with a reason; the sender reads number and reason, then recalls.
  const third = await open(c);
  await signInPage(third, c);
  await third.getByRole('link', { name: /Văn bản chờ tiếp nhận/ }).click();
  await third.getByRole('link', { name: 'Về việc triển khai kế hoạch năm 2027' }).click();
  await third.getByRole('button', { name: 'Trả lại' }).click();
  await third.getByLabel('Lý do').selectOption('4');
  await third.getByLabel('Nói rõ thêm cho nơi gửi').fill('Không thuộc thẩm quyền');
  await look(third, 'return');
  await third.keyboard.press('Control+Enter');
  await third.getByText('Đã trả lại', { exact: true }).waitFor();
  await sender.getByRole('link', { name: 'Về việc triển khai kế hoạch năm 2027' }).click();
  await sender.getByText('Không thuộc thẩm quyền').first().waitFor();
  const returned = () => a.node.edge.outbox({ unit: a.unit, returnedSinceMs: 0 });
  t.equal((await returned()).rows.length, 1, 'the sender is told on his first screen');
  await look(sender, 'sending');
  for (const sheet of ['Sửa thông tin đã gửi', 'Báo cáo nội dung mật']) {
    await sender.getByRole('button', { name: sheet }).click();
    await sender.getByRole('dialog').waitFor();
    await look(sender, sheet);
    await sender.keyboard.press('Escape');
  }
  await sender.getByRole('button', { name: 'Thay thế', exact: true }).click();
  await sender.getByText('Văn bản này thay thế', { exact: false }).waitFor();
  await look(sender, 'a replacement');
  await sender.goBack();
  await sender.getByRole('button', { name: 'Thu hồi' }).click();
  await sender.getByLabel(/Lý do thu hồi/).fill('Ban hành nhầm, thông báo 13/TB-UBND');
  await look(sender, 'recall');
  await sender.keyboard.press('Control+Enter');
  await receiver.keyboard.press('Enter');
  await receiver.getByText('Nơi gửi yêu cầu lấy lại', { exact: false }).first().waitFor();
  await look(receiver, 'recall asked');
  const numbered = async (query: string) =>
    (await b.node.edge.inbox({ unit: b.unit, ...JSON.parse(query) })).rows.map(({ number }) => number);
  t.same(await numbered('{"only":"asked"}'), ['12'], 'the list of what senders ask for');
  t.same(await numbered('{"only":"asked","words":"ke hoach"}'), ['12']);
  t.same(await numbered('{"only":"recalled"}'), []);
  receiver.once('dialog', (sure) => void sure.accept());
  await receiver.getByRole('button', { name: 'Đồng ý, hủy văn bản' }).click();
  await receiver.getByText('Nội dung đã được hủy', { exact: false }).waitFor();
  t.same(await numbered('{"only":"asked"}'), []);
  t.equal((await numbered('{"only":"recalled"}')).length, 1, 'the list of what was taken back');
  await eventually(async () => {
    const [row] = (await a.node.edge.outbox({})).rows;
    const view = await a.node.edge.show(row!.documentId, { direction: 'out' });
    const { recipients } = view.envelopes[0]!;
    return recipients.some(({ unit, change }) => unit === b.unit && change?.state === 'agreed') || undefined;
  }, 600);
  await sender.getByText('Đã thu hồi', { exact: true }).first().waitFor();
  t.ok((await a.node.edge.outbox({})).rows[0]!.stands.recalled! >= 1, 'and so says the list');
  t.equal((await returned()).rows.length, 0, 'nothing is left to do');

  for (const [path, heading] of [
    ['/so', 'Sổ văn bản'],
    ['/so/di', 'Sổ văn bản'],
    ['/theo-doi', 'Theo dõi xử lý'],
    ['/giu-lai', 'Văn bản bị giữ lại'],
    ['/du-thao', 'Dự thảo'],
    ['/danh-ba', 'Danh bạ đơn vị'],
    ['/he-thong', 'Hệ thống'],
    ['/he-thong/canh-bao', 'Hệ thống'],
    ['/he-thong/nguoi-dung', 'Hệ thống'],
    ['/he-thong/nhat-ky', 'Hệ thống'],
    ['/tai-khoan', 'Tài khoản của tôi'],
    ['/tro-giup', 'Trợ giúp'],
  ] as const) {
    await receiver.goto(b.consoleUrl() + path);
    await receiver.getByRole('heading', { name: heading }).first().waitFor();
    await look(receiver, path);
    t.equal(await receiver.getByRole('alert').count(), 0, `nothing failed on ${path}`);
  }

  // Further recipients, and what is unsent or failed: nothing here, so the menu does not name it.
  const [newest] = (await a.node.edge.outbox({})).rows;
  await sender.goto(`${a.consoleUrl()}/soan?gui-them=${newest!.documentId}`);
  await sender.getByRole('heading', { name: 'Gửi thêm nơi nhận' }).waitFor();
  await look(sender, 'further recipients');
  await sender.getByRole('button', { name: 'Gửi…' }).click();
  await sender.getByRole('dialog').getByText('Chưa chọn nơi nhận').waitFor();
  await sender.keyboard.press('Escape');
  t.equal(await sender.getByRole('link', { name: /Hộp gửi/ }).count(), 0);
  sender.once('dialog', (asked) => void asked.accept());
  await sender.getByRole('button', { name: 'Xóa dự thảo' }).click();
  await sender.getByRole('heading', { name: 'Dự thảo' }).waitFor();

  // The session is ended elsewhere while a draft is being written: sign in over it, nothing is lost.
  await receiver.goto(`${b.consoleUrl()}/soan`);
  await receiver.getByLabel(/Trích yếu/).fill('Phần đầu');
  await receiver.getByText(/Đã lưu dự thảo/).waitFor();
  const other = consoleClient(b);
  await other.post('/c/v1/sign-in', { email: b.email, password });
  const { json } = await other.get('/c/v1/me/sessions');
  for (const session of json.sessions.filter((each: { current: boolean }) => !each.current))
    await other.post('/c/v1/me/sessions/end', { id: session.id });
  await receiver.getByLabel(/Trích yếu/).fill('Phần đầu và phần sau');
  await receiver.getByText('Phiên làm việc đã kết thúc', { exact: false }).waitFor();
  await receiver.locator('dialog input[type=password]:focus').waitFor();
  await receiver.getByRole('dialog').getByLabel('Mật khẩu').fill(password);
  await receiver.getByRole('dialog').getByRole('button', { name: 'Đăng nhập' }).click();
  await receiver.getByText(/Đã lưu dự thảo/).waitFor();
  t.match((await other.get('/c/v1/drafts')).json, { rows: [{ subject: 'Phần đầu và phần sau' }] });

  // The clock of the PC is a day and two hours ahead: the page goes by the node's, and says so.
  const day = (nowMs: number) =>
    new Date(nowMs + 7 * 3_600_000).toISOString().slice(0, 10).split('-').reverse().join('/');
  await sender.clock.setSystemTime(systemClock.nowMs() + 26 * 3_600_000);
  await sender.goto(`${a.consoleUrl()}/soan`);
  await sender.getByText('Đồng hồ của máy tính này nhanh khoảng 26 giờ', { exact: false }).waitFor();
  await look(sender, 'a wrong clock');
  const today = [day(systemClock.nowMs() - 60_000), day(systemClock.nowMs())];
  t.ok(today.includes(await sender.getByLabel('Ngày ban hành').inputValue()), 'the day of the node');
  const waits = randomUUID();
  const drafter = consoleClient(a);
  await enter(drafter, a);
  const some = await bring(drafter, await samplePdf('Cho'));
  const part = { handle: some, name: 'chờ.pdf', mediaType: 'application/pdf', lengthBytes: 1, sha256Hex: '' };
  const recipients = [{ code: 'H08.35.13', name: '' }];
  const written = { ...emptyFields, subject: 'Chờ', number: '9', notation: 'CV', issueDate: '2026-11-25' };
  const fields: DraftFields = { ...written, recipients, parts: [part] };
  await drafter.put(`/c/v1/drafts/${waits}`, { revision: 0, fields });
  t.match(await drafter.post(`/c/v1/drafts/${waits}/send`, { revision: 1 }), { status: 200 });
  await sender.goto(`${a.consoleUrl()}/soan/${waits}`);
  const told = await sender.getByText(/Văn bản sẽ được gửi sau \d+ giây/).innerText();
  t.ok(Number(/\d+/.exec(told)?.[0]) <= 31, 'the seconds to undo are those of the node');
  await sender.getByRole('button', { name: 'Hoàn tác' }).click();
  await sender.getByLabel(/Trích yếu/).waitFor();
  await drafter.ask('DELETE', `/c/v1/drafts/${waits}`);

  // Back after signing out shows the sign-in, not the page before.
  await receiver.getByRole('button', { name: 'Đăng xuất' }).click();
  await receiver.getByRole('heading', { name: 'Liên thông văn bản' }).waitFor();
  await receiver.goBack();
  await receiver.getByRole('heading', { name: 'Liên thông văn bản' }).waitFor();
  t.strictSame(faults, [], 'no fault in any page');
});

/** By password; the first time by the code. */
async function enter(clerk: ReturnType<typeof consoleClient>, { email, code }: typeof a): Promise<void> {
  const known = await clerk.post('/c/v1/sign-in', { email, password });
  if (known.status !== 200) await clerk.post('/c/v1/sign-in/code', { email, code, password });
}

/** Through the upload, as the page does it; the handle of the file. */
async function bring(clerk: ReturnType<typeof consoleClient>, bytes: Uint8Array): Promise<string> {
  const { json: begun } = await clerk.post('/c/v1/uploads', { lengthBytes: bytes.length });
  await clerk.ask('PATCH', `/c/v1/uploads/${begun.upload}?offset=0`, bytes);
  return (await clerk.post(`/c/v1/uploads/${begun.upload}/finish`)).json.handle;
}

t.test(
  'a file says what it is: suggestions, signature, and what would be refused, before it is sent',
  async (t) => {
    const clerk = consoleClient(a);
    await enter(clerk, a);
    const part = async (name: string, bytes: Uint8Array) => ({
      handle: await bring(clerk, bytes),
      name,
      mediaType: 'application/pdf',
      lengthBytes: bytes.length,
      sha256Hex: '',
    });
    const look = async ({ handle, name }: { handle: string; name: string }) =>
      (await clerk.post('/c/v1/drafts/look', { handle, name })).json;
    const signed = await part('công văn 112.pdf', readFileSync(letter.file));
    const looked = await look(signed);
    t.match(looked.signature, {
      verdict: 'original-value',
      signers: [{ party: 'person' }, { party: 'organisation' }],
    });
    t.equal(looked.signature.signers[0].name, letter.signer.name);
    t.match(looked.suggestions.signerName, { value: letter.signer.name, from: 'signature' });
    if (looked.suggestions.number !== undefined || existsSync('/usr/bin/pdftotext'))
      t.match(looked.suggestions, {
        number: { value: '112', from: 'text' },
        notation: { value: 'UBND-VP' },
        issueDate: { value: letter.issueDate },
        type: { value: 'Công văn' },
        subject: { value: letter.subject },
        signerPosition: { value: 'Chủ tịch' },
        signerCompetence: { value: 'TM.' },
        pages: { value: '2' },
      });
    const id = randomUUID();
    const fields: DraftFields = {
      ...emptyFields,
      subject: letter.subject,
      number: '112',
      notation: 'UBND-VP',
      issueDate: letter.issueDate,
      recipients: [{ code: 'H08.35.13', name: 'UBND xã Tây Vinh' }],
      parts: [signed],
    };
    let revision = 0;
    const checks = async (
      some: Partial<DraftFields>,
    ): Promise<Record<string, { good: boolean; stops: boolean; words: string }>> => {
      revision = (await clerk.put(`/c/v1/drafts/${id}`, { revision, fields: { ...fields, ...some } })).json
        .revision;
      const { json } = await clerk.get(`/c/v1/drafts/${id}/checks`);
      return Object.fromEntries(json.checks.map((check: { name: string }) => [check.name, check]));
    };
    t.match(await checks({}), {
      signature: { good: true, words: /đủ giá trị|bản gốc|hợp lệ/i },
      findings: { good: true },
    });
    // What a clerk may drop by mistake or by malice: each is named before it leaves.
    const locked = sharedData('signed-pdf-pyhanko/malformed/minimal-aes256-malformed-perms.pdf');
    if (existsSync(locked))
      t.match(
        (await look(await part('khoá.pdf', readFileSync(locked)))).findings.map(
          ({ code }: { code: string }) => code,
        ),
        ['pdf-encrypted'],
      );
    const program = Buffer.alloc(256);
    program.write('MZ');
    program.writeUInt32LE(64, 60);
    program.write('PE', 64);
    const script = Buffer.from(
      '%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>\nendobj\ntrailer\n<</Root 1 0 R/Size 4>>\n%%EOF\n',
    );
    t.match(
      await checks({ parts: [await part('có mã lệnh.pdf', script)] }),
      { findings: { good: false } },
      'a PDF with a script',
    );
    t.match(
      await checks({
        parts: [signed, await part('thật ra là chương trình.pdf', program)],
      }),
      { findings: { good: false, stops: true, words: /Không được gửi/ } },
      'a program that calls itself PDF',
    );
    t.match(
      await checks({ parts: [signed, await part('danh sách.exe', Buffer.from('chữ thường'))] }),
      { findings: { good: false, words: /chương trình/ } },
      'a name that starts a program, whatever is in it',
    );
    t.match(await checks({ subject: 'Danh sách TỐI MẬT' }), { secret: { stops: true } });
    t.match(await checks({ recipients: [{ code: 'H99.1', name: '' }] }), {
      recipients: { good: false, stops: true },
    });
    const ask = (lengthBytes: number) => clerk.post('/c/v1/uploads', { lengthBytes });
    t.match(await ask(65 * 1024 ** 3), { json: { code: 'part-too-large' } });
    const { bavail, bsize } = statfsSync(a.dir);
    if (bavail * bsize > 20 * 1024 ** 3)
      t.match(await ask(5 * 1024 ** 3), { status: 201 }, '5 GB where there is room');
    t.match(await ask(Math.min(64 * 1024 ** 3, bavail * bsize)), { json: { code: 'disk-nearly-full' } });
    // The disk of the node is full in the middle of a file: told as it is, the draft stands.
    const { upload } = (await clerk.post('/c/v1/uploads', { lengthBytes: 100 })).json;
    const uploads = join(a.dir, 'uploads');
    const half = join(uploads, readdirSync(uploads).find((name) => name.endsWith(upload))!);
    rmSync(half);
    symlinkSync('/dev/full', half);
    t.match(await clerk.ask('PATCH', `/c/v1/uploads/${upload}?offset=0`, Buffer.alloc(100)), {
      status: 507,
      json: { code: 'disk-nearly-full' },
    });
    t.match((await clerk.get(`/c/v1/drafts/${id}`)).json, { revision });
    await clerk.ask('DELETE', `/c/v1/drafts/${id}`);
  },
);

t.test(
  'recipients: a pasted "nơi nhận" by the directory, 500 lines, and groups that are opened on the sheet',
  async (t) => {
    const clerk = consoleClient(a);
    await enter(clerk, a);
    const { json: matched } = await clerk.post('/c/v1/directory/match', {
      text: '- UBND xã Tây Vinh;\n- UBND thị trấn Phú Phong;\n- Sở Nào đó không có;\n- Lưu: VT.',
    });
    t.strictSame(
      matched.found.map(({ code }: { code: string }) => code),
      ['H08.35.13', 'H08.35.14'],
    );
    t.strictSame(matched.missed, ['Sở Nào đó không có']);
    const many = Array.from({ length: 500 }, (_, i) => (i % 2 ? 'H08.35.13' : `H77.${i}`)).join('\n');
    const { json: five } = await clerk.post('/c/v1/directory/match', { text: many });
    t.equal(five.found.length, 1);
    t.equal(five.missed.length, 250, 'each line that names nobody is given back');
    t.match(
      await clerk.post('/c/v1/groups', { name: 'Các xã phía Đông', members: ['H08.35.13', 'H08.35.14'] }),
      {
        json: { code: 'cac-xa-phia-dong' },
      },
    );
    t.match((await clerk.get('/c/v1/groups')).json, {
      rows: [{ name: 'Các xã phía Đông', units: 2, own: true }],
    });
    const id = randomUUID();
    await clerk.put(`/c/v1/drafts/${id}`, {
      revision: 0,
      fields: { ...emptyFields, recipients: [{ code: 'group:cac-xa-phia-dong', name: 'Các xã phía Đông' }] },
    });
    const { json } = await clerk.get(`/c/v1/drafts/${id}/checks`);
    t.strictSame(
      json.goes.units.map(({ name }: { name: string }) => name),
      ['UBND xã Tây Vinh', 'UBND thị trấn Phú Phong'],
    );
    await clerk.ask('DELETE', `/c/v1/drafts/${id}`);
  },
);

t.test(
  'two clerks on one document, updates and replacements, the slip, and one audit row per opening',
  async (t) => {
    const [sender, clerk] = [consoleClient(a), consoleClient(b)];
    await enter(sender, a);
    await enter(clerk, b);
    const { json: made } = await clerk.post('/c/v1/people', {
      email: 'vanthu2@tayvinh.gov.vn',
      name: 'Trần Văn Hai',
      position: 'Văn thư',
      desk: '',
      roles: ['clerk'],
      decision: '2/QĐ',
      decisionDate: '2026-11-26',
    });
    const second = consoleClient(b);
    await second.post('/c/v1/sign-in/code', { email: 'vanthu2@tayvinh.gov.vn', code: made.code, password });
    const replyByMs = Math.floor(systemClock.nowMs() / 1000) * 1000 + 5 * 86_400_000;
    const { documentId } = await a.node.edge.submit({
      idempotencyKey: 'changed later',
      to: ['H08.35.13'],
      metadata: {
        subject: 'Về việc họp giao ban',
        number: '20',
        notation: 'UBND-VP',
        type: 'Giấy mời',
        issueDate: '2026-11-26',
      },
      parts: [
        { name: 'công văn 112.pdf', mediaType: 'application/pdf', content: readFileSync(letter.file) },
        { name: 'phụ lục.txt', mediaType: 'text/plain', content: Buffer.from('phụ lục') },
      ],
      replyByMs,
    });
    const arrived = await eventually(async () =>
      (await clerk.get('/c/v1/inbox')).json.rows.find((row: { number: string }) => row.number === '20'),
    );
    t.match(arrived, { parts: 2, dueMs: replyByMs }, 'what the list shows beside the title');
    const choices = (await clerk.get('/c/v1/inbox/choices')).json;
    t.match(choices, { senders: [{ unit: a.unit, name: 'UBND xã Tây Bình' }] });
    t.ok(choices.types.includes('Giấy mời'));
    const numbers = async (query: string): Promise<string[]> =>
      (await clerk.get(`/c/v1/inbox?${query}`)).json.rows.map(({ number }: { number: string }) => number);
    const invitation = `type=${encodeURIComponent('Giấy mời')}`;
    for (const text of ['', '&text=giao'])
      for (const narrow of [
        `sender=${a.unit}`,
        invitation,
        'state=waiting',
        'due=running',
        'due=running&state=waiting',
      ])
        t.ok((await numbers(narrow + text)).includes('20'), narrow + text);
    for (const text of ['', '&text=giao'])
      for (const narrow of [
        `sender=${c.unit}`,
        'urgency=1',
        'state=finished',
        'due=late',
        'due=running&state=accepted',
        'type=B',
      ])
        t.notOk((await numbers(narrow + text)).includes('20'), narrow + text);
    t.match(
      (await clerk.get('/c/v1/inbox?text=giao&limit=1')).json.rows[0],
      { dueMs: replyByMs, standing: [{ code: '01' }], senderName: 'UBND xã Tây Bình' },
      'a row that was searched for says what every row says',
    );
    const { way, entries } = (await clerk.get('/c/v1/directory')).json;
    t.same(way, [], 'the neighbours stand at the top here');
    const heard = entries.find(({ unit }: { unit: string }) => unit === a.unit);
    t.ok(heard.heardMs > 0, 'when it was last heard of');
    t.match((await clerk.get(`/c/v1/directory?under=${a.unit}`)).json, {
      way: [{ name: 'UBND xã Tây Bình' }],
      entries: [],
    });
    t.match((await clerk.get('/c/v1/directory?under=x')).json, { code: 'unit-unknown' });
    const file = (format: string, ids: string) => clerk.get(`/c/v1/inbox/chosen/${format}?ids=${ids}`);
    const csv = (await file('csv', arrived.envelopeId)).text;
    for (const said of ['Số đến', '20/UBND-VP', 'Giấy mời: Về việc họp giao ban', 'UBND xã Tây Bình'])
      t.ok(csv.includes(said), `the table of chosen arrivals says ${said}`);
    t.ok((await file('pdf', arrived.envelopeId)).text.startsWith('%PDF-'));
    t.match((await file('csv', documentId)).status, 200, 'a document id names its arrival too');
    t.match((await file('csv', randomUUID())).json, { code: 'document-unknown' });
    t.match((await file('csv', 'x')).status, 400);

    const at = `/c/v1/documents/in/${arrived.envelopeId}`;
    for (const look of ['', '?refresh=1', '?refresh=1']) await clerk.get(at + look);
    await second.get(`${at}?refresh=1`);
    const views = (await b.node.edge.audit({ limit: 50 })).rows.filter(
      (row) => row.act === 'view' && row.about === documentId,
    );
    t.strictSame(
      views.map(({ actor }) => actor).sort(),
      [b.email, 'vanthu2@tayvinh.gov.vn'].sort(),
      'one per person; a refresh that opened nothing is an opening',
    );

    await eventually(async () => ((await clerk.get(at)).json.safety?.state === 'passed' ? true : undefined));
    const [first, late] = await Promise.all([
      clerk.post(`${at}/accept`, {}),
      second.post(`${at}/accept`, {}),
    ]);
    const [won, lost] = first.status === 200 ? [first, late] : [late, first];
    t.match(won, { status: 200 });
    t.match(
      lost.json,
      { code: 'document-registered', detail: /số đến \d+, (vanthu@|vanthu2@)/ },
      'the other is told who',
    );

    t.match(
      await sender.post(`/c/v1/documents/out/${documentId}/update`, {
        reason: 'Sửa ngày họp',
        fields: { subject: 'Về việc họp giao ban ngày 27/11' },
      }),
      { status: 200 },
    );
    const request = await eventually(async () => (await clerk.get(at)).json.requests[0]);
    t.match(request, {
      kind: 'update',
      before: { subject: 'Về việc họp giao ban' },
      after: { subject: /27\/11/ },
    });
    t.match(await clerk.post(`/c/v1/requests/${request.requestId}`, { agree: true, text: '' }), {
      status: 200,
    });
    t.match((await clerk.get(at)).json.metadata.subject, /27\/11/);

    const id = randomUUID();
    const part = { name: 'thay.pdf', mediaType: 'application/pdf', lengthBytes: 1, sha256Hex: '' };
    const fields: DraftFields = {
      ...emptyFields,
      subject: 'Về việc họp giao ban (thay thế)',
      number: '21',
      notation: 'UBND-VP',
      issueDate: '2026-11-26',
      urgency: 'flash',
      recipients: [{ code: 'H08.35.13', name: '' }],
      parts: [{ ...part, handle: await bring(sender, readFileSync(letter.file)) }],
      replaces: documentId,
    };
    await sender.put(`/c/v1/drafts/${id}`, { revision: 0, fields });
    t.match(
      (await sender.post(`/c/v1/drafts/${id}/send`, { revision: 1 })).json,
      { code: 'draft-incomplete' },
      'a reason',
    );
    await sender.put(`/c/v1/drafts/${id}`, { revision: 1, fields: { ...fields, reason: 'Sai địa điểm' } });
    await sender.post(`/c/v1/drafts/${id}/send`, { revision: 2 });
    const replacedBy = await eventually(async () => {
      const { json } = await clerk.get(at);
      return json.replacedBy.length > 0 ? json.replacedBy : undefined;
    });
    t.equal(replacedBy.length, 1);
    t.match(
      (await sender.get(`/c/v1/documents/out/${documentId}`)).json.replacedBy,
      [/./],
      'also seen at the sender',
    );

    for (const [who, path] of [
      [sender, `/c/v1/documents/out/${documentId}/receipt`],
      [clerk, `${at}/receipt`],
    ] as const) {
      const slip = await who.raw(path);
      t.match(slip.headers.get('content-disposition'), /phieu-gui-nhan-20-UBND-VP\.pdf/);
      if (!existsSync('/usr/bin/pdftotext')) continue;
      const said = execFileSync('pdftotext', ['-layout', '-', '-'], { input: slip.bytes }).toString('utf8');
      for (const words of [
        'PHIẾU XÁC NHẬN GỬI, NHẬN VĂN BẢN',
        '20/UBND-VP',
        'H08.35.13',
        documentId,
        letter.sha256.slice(0, 8),
      ])
        t.ok(said.includes(words), words);
    }
    // One byte of the comment in the second line is another: it looks the same, and its signatures no longer fit.
    const forged = Buffer.from(readFileSync(letter.file));
    forged[11]! ^= 1;
    await a.node.edge.submit({
      idempotencyKey: 'forged',
      to: ['H08.35.13'],
      metadata: { subject: 'Văn bản bị sửa', number: '22', notation: 'UBND-VP', issueDate: '2026-11-26' },
      parts: [{ name: 'công văn 22.pdf', mediaType: 'application/pdf', content: forged }],
    });
    const bad = await eventually(async () => {
      const { rows } = (await clerk.get('/c/v1/inbox')).json;
      const row = rows.find((each: { number: string }) => each.number === '22');
      const { json } = row ? await clerk.get(`/c/v1/documents/in/${row.envelopeId}`) : { json: undefined };
      return json?.safety?.state === 'passed' ? json : undefined;
    });
    t.equal(bad.safety.parts[0].verdict, 'changed-after-signing');
    const atBad = `/c/v1/documents/in/${bad.envelopes[0].envelopeId}`;
    t.match((await clerk.post(`${atBad}/accept`, {})).json, {
      code: 'document-signature-invalid',
      detail: bad.safety.parts[0].sentence.vi,
    });
    const clerkless = { unit: bad.envelopes[0].recipients[0].unit };
    for (const accepting of [
      () => b.node.edge.office.accept(bad.envelopes[0].envelopeId, clerkless),
      () => b.node.edge.setStatus(bad.envelopes[0].envelopeId, { ...clerkless, code: '03' }),
    ])
      await t.rejects(
        async () => void (await accepting()),
        { code: 'document-signature-invalid' },
        'nor by office software',
      );
    t.match(await clerk.post(`${atBad}/return`, { reason: 1, text: '' }), { status: 200 });
    t.match(await clerk.post(`${at}/report-secret`, { why: 'có dấu mật' }), { status: 200 });
    t.equal((await clerk.get(at)).json.metadata, undefined, 'hidden at once');
  },
);

t.test('the province says who somebody is; who is known here comes in, others do not', async (t) => {
  const { Provider } = await import('oidc-provider');
  const people: Record<string, { email: string; email_verified: boolean }> = {
    known: { email: a.email, email_verified: true },
    stranger: { email: 'ai.do@tinh.gov.vn', email_verified: true },
    unverified: { email: a.email, email_verified: false },
  };
  const secretFile = join(temporaryDir('outside'), 'secret');
  writeFileSync(secretFile, 'a-secret-of-the-client\n', { mode: 0o600 });
  const port = await freePorts();
  const issuer = `http://127.0.0.1:${port}`;
  const running: { console?: RunningConsole } = {};
  const consolePort = await freePorts();
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'lienthong',
        client_secret: 'a-secret-of-the-client',
        redirect_uris: [`http://localhost:${consolePort}/c/v1/outside/return`],
      },
    ],
    claims: { email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    findAccount: async (_ctx: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...people[id] }),
    }),
    cookies: { keys: ['k'] },
  });
  const server = provider.listen(port, '127.0.0.1');
  running.console = await startConsole({
    edge: a.node.edge,
    log: quiet,
    clock: systemClock,
    config: {
      address: '127.0.0.1',
      port: consolePort,
      outside: { issuer, clientId: 'lienthong', clientSecretFile: secretFile },
    },
  });
  t.teardown(async () => {
    await running.console?.close();
    server.closeAllConnections();
    server.close();
  });

  /** A browser without pages: follows redirects, keeps cookies per origin, fills the provider's own development forms. */
  async function enter(
    login: string,
  ): Promise<{ status: number; text: string; session: string | undefined }> {
    const jars = new Map<string, Map<string, string>>();
    let url = new URL(`http://localhost:${consolePort}/c/v1/outside/begin`);
    let form: URLSearchParams | undefined;
    for (let hop = 0; hop < 20; hop++) {
      const jar = jars.get(url.origin) ?? new Map<string, string>();
      jars.set(url.origin, jar);
      const response = await fetch(url, {
        method: form ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form ? { body: form } : {}),
      });
      form = undefined;
      for (const cookie of response.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';', 1);
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      const location = response.headers.get('location');
      if (location) {
        url = new URL(location, url);
        continue;
      }
      const text = await response.text();
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1];
      if (prompt === undefined) {
        const session = [...jar].find(([name, value]) => /^lienthong-[^-]+$/.test(name) && value !== '')?.[1];
        return { status: response.status, text, session };
      }
      const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1] ?? '';
      form = new URLSearchParams({ prompt, login, password: 'x' });
      url = new URL(action, url);
    }
    throw new Error('too many redirects');
  }

  const inside = await enter('known');
  t.equal(inside.status, 200);
  t.ok(inside.session, 'a session began');
  t.match((await enter('stranger')).text, /sign-in-refused/);
  t.match((await enter('unverified')).text, /sign-in-outside-failed/);
  t.equal((await enter('known')).status, 200, 'by the subject the second time');
  const bare = await fetch(`http://localhost:${consolePort}/c/v1/outside/return?code=x&state=y`);
  t.match(await bare.text(), /sign-in-outside-failed/, 'a code without the way there');
});

t.test('an urgent arrival is told by mail and web hook, without anything of the document', async (t) => {
  const { SMTPServer } = await import('smtp-server');
  const mails: string[] = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (piece: Buffer) => {
        text += piece.toString('utf8');
      });
      stream.on('end', () => {
        mails.push(text);
        done();
      });
    },
  });
  const [smtpPort, hookPort] = [await freePorts(), await freePorts()];
  await new Promise<void>((resolve) => smtp.listen(smtpPort, '127.0.0.1', resolve));
  const hooks: string[] = [];
  const hook = createHttpServer((request, response) => {
    request.on('data', (piece: Buffer) => hooks.push(piece.toString('utf8')));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => hook.listen(hookPort, '127.0.0.1', resolve));
  const notifier = startNotifier(
    {
      mail: { host: '127.0.0.1', port: smtpPort, from: 'nut@tayvinh.gov.vn', to: ['truc@tayvinh.gov.vn'] },
      webhook: { url: `http://127.0.0.1:${hookPort}/` },
    },
    { edge: b.node.edge, log: quiet, clock: systemClock, url: 'http://localhost:8090' },
  );
  t.teardown(async () => {
    await notifier.close();
    hook.close();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
  });
  const send = (key: string, urgency: number) =>
    a.node.edge.submit({
      idempotencyKey: key,
      to: ['H08.35.13'],
      urgency,
      metadata: { subject: `Nội dung kín ${key}`, number: key, notation: 'CĐ-UBND' },
      parts: [{ name: 'kín.txt', mediaType: 'text/plain', content: Buffer.from('kín') }],
    });
  await send('901', 0);
  await send('99902', 3);
  await eventually(async () => (mails.length > 0 && hooks.length > 0 ? true : undefined), 600);
  t.equal(mails.length, 1, 'what is not urgent is not told');
  t.match(JSON.parse(hooks[0]!), { kind: 'arrived', urgency: 3, text: 'Có văn bản hỏa tốc mới đến' });
  for (const told of [...mails, ...hooks]) t.notMatch(told, /kín|99902|CĐ-UBND|N=E1=BB=99i|kC3ADn/);
});

t.test(
  'one recipient of several is stopped, taken back or sent to again, and the others are left alone',
  async (t) => {
    const clerk = consoleClient(c);
    await enter(clerk, c);
    const page = noBrowser ? undefined : await (await openContext(browser!)).newPage();
    if (page) {
      await signInPage(page, c);
    }
    const submit = async (number: string, to: readonly string[]) =>
      (
        await c.node.edge.submit({
          idempotencyKey: `moi-noi-${number}`,
          to,
          metadata: { subject: `Từng nơi nhận ${number}`, number, notation: 'CV-UBND' },
          parts: [{ name: 'tệp.txt', mediaType: 'text/plain', content: Buffer.from(number) }],
        })
      ).documentId;
    const states = async (id: string) =>
      Object.fromEntries(
        standingsOf((await c.node.edge.show(id, { direction: 'out' })).envelopes).map(({ code, state }) => [
          code.slice(-2),
          state,
        ]),
      );
    const become = (id: string, wanted: Record<string, string>) =>
      eventually(async () => (isDeepStrictEqual(await states(id), wanted) ? true : undefined), 600);
    const act = (id: string, verb: string, body: object) =>
      clerk.post(`/c/v1/documents/out/${id}/${verb}`, body);
    const refused = { json: { code: 'document-state-refused' } };

    await hub.hub.close();
    await eventually(async () => ((await c.node.edge.status()).hub.state === 'connected' ? undefined : true));
    const id = await submit('41', ['H08.35.12', 'H08.35.13', 'H08.35.15']);
    t.match(await act(id, 'cancel', { to: ['H08.35.14'] }), refused, 'no recipient of it');
    t.match(await act(id, 'resend', { to: ['H08.35.15'] }), refused, 'it waits here');
    t.match(await act(id, 'cancel', { to: ['H08.35.15'] }), { json: { state: 'queued' } });
    t.match(await act(id, 'cancel', { to: ['H08.35.15'] }), refused, 'stopped before');
    t.same(await states(id), { 12: 'queued', 13: 'queued', 15: 'cancelled' });
    if (page) {
      await page.goto(`${c.consoleUrl()}/di/${id}`);
      await page.getByRole('button', { name: 'Dừng gửi: UBND xã Tây Vinh' }).click();
      await page.getByText('Đã dừng gửi tới UBND xã Tây Vinh.').waitFor();
      await page.getByRole('button', { name: 'Gửi lại: UBND xã Tây Vinh' }).click();
      await page.getByText('hàng gửi lại tới UBND xã Tây Vinh').waitFor();
      t.strictSame(await faultsOf(page), [], 'axe: acts of a recipient');
    }
    t.same(await states(id), { 12: 'queued', 13: 'queued', 15: 'cancelled' });
    await d.node.close();
    await hub.restart();
    c.node.edge.retryNow();
    await become(id, { 12: 'delivered', 13: 'delivered', 15: 'cancelled' });
    t.match(await act(id, 'resend', { to: ['H08.35.12', 'H08.35.15'] }), refused, 'one of them has it');
    t.match(await act(id, 'resend', { to: ['H08.35.15'] }), { status: 200 });
    await become(id, { 12: 'delivered', 13: 'delivered', 15: 'accepted' });

    if (page) {
      await page
        .getByRole('button', { name: /^Nhắc: / })
        .first()
        .click();
      await page.getByText(/^Đã nhắc lúc \d\d:\d\d/).waitFor();
      t.equal(
        await page.getByRole('button', { name: /^Nhắc: / }).count(),
        1,
        'the other may be reminded yet',
      );
      t.strictSame(await faultsOf(page), [], 'axe: one was reminded');
    } else t.match(await act(id, 'remind', { to: ['H08.35.12'] }), { status: 200 });
    t.match(await act(id, 'remind', { to: ['H08.35.15'] }), refused, 'it is not there yet');
    // At the hub for one who is away: it is taken back from there.
    t.match(await act(id, 'cancel', { to: ['H08.35.15'] }), refused, 'sealed');
    if (page) {
      await page.getByRole('button', { name: /^Dừng gửi: / }).click();
      await page.getByLabel(/Lý do thu hồi/).fill('Gửi nhầm nơi');
      await page.getByRole('dialog').getByRole('button', { name: 'Dừng gửi' }).click();
      await become(id, { 12: 'delivered', 13: 'delivered', 15: 'cancelled' });
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: /^Dừng gửi: / }).waitFor({ state: 'detached' });
      t.equal(
        await page.getByRole('button', { name: /^Gửi lại/ }).count(),
        0,
        'what was taken back is not given again',
      );
      await page.close();
    }
    d.node = await d.reopen();
  },
);

t.test('how much of a large file is at the hub is said while it goes up', async (t) => {
  const clerk = consoleClient(c);
  await enter(clerk, c);
  const page = noBrowser ? undefined : await (await openContext(browser!)).newPage();
  if (page) {
    await signInPage(page, c);
  }
  const { edge } = c.node;
  async function* bytes() {
    for (let n = 0; n < 48; n += 1) yield randomBytes(1024 * 1024);
  }
  const { handle, lengthBytes } = await edge.addContent(bytes());
  const shown = async (id: string) => (await edge.show(id, { direction: 'out' })).envelopes[0]!.uploaded;
  let told = 0;
  t.teardown(
    edge.onEvent((event) => {
      if (event.kind === 'progress') told += 1;
    }),
  );
  const { documentId } = await edge.submit({
    idempotencyKey: 'tep-lon',
    to: ['H08.35.12', 'H08.35.13'],
    metadata: { subject: 'Bản đồ quy hoạch', number: '51', notation: 'TTr-UBND' },
    parts: [{ name: 'bản đồ.tif', mediaType: 'image/tiff', handle }],
  });
  // The hub goes away as soon as it has some of it, and not all.
  while (!(await shown(documentId))?.doneBytes) await new Promise(setImmediate);
  await hub.hub.close();
  const uploaded = await shown(documentId);
  t.equal(uploaded?.allBytes, lengthBytes);
  t.ok(uploaded!.doneBytes > 0 && uploaded!.doneBytes < lengthBytes, `${uploaded!.doneBytes} of it`);
  t.ok(told > 0, 'pages are told');
  const { rows } = await edge.outbox({ limit: 1 });
  t.match(rows, [{ documentId, uploaded: { allBytes: lengthBytes } }], 'a row of the list knows it too');
  if (page) {
    const shownAs = `Đang gửi (${percentOf(uploaded!)} %)`;
    await page.goto(`${c.consoleUrl()}/di`);
    await page.getByText(`${shownAs}: 2`).waitFor();
    t.strictSame(await faultsOf(page), [], 'axe: a file on its way, in the list');
    await page.goto(`${c.consoleUrl()}/di/${documentId}`);
    await page.getByText(shownAs, { exact: true }).first().waitFor();
    t.strictSame(await faultsOf(page), [], 'axe: a file on its way');
    await page.goto(`${c.consoleUrl()}/di`);
  }
  // One of the two is taken out while half of it is there: the other still gets it.
  await edge.cancel(documentId, { to: ['H08.35.13'] });
  await hub.restart();
  edge.retryNow();
  await eventually(async () => {
    const all = standingsOf((await edge.show(documentId, { direction: 'out' })).envelopes);
    const states = all.map(({ code, state }) => `${code} ${state}`).sort();
    return isDeepStrictEqual(states, ['H08.35.12 delivered', 'H08.35.13 cancelled']) || undefined;
  }, 1_200);
  if (page) {
    await page.getByText('Đã đến: 1').first().waitFor();
    await page.goto(`${c.consoleUrl()}/di/${documentId}`);
    await page.getByText('2 nơi nhận: 1 đã dừng gửi, 1 đã đến', { exact: false }).waitFor();
  }
  t.equal(await shown(documentId), undefined, 'nothing goes up any more');
  await page?.close();
});
