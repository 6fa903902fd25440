// The clerk's console: what its server refuses and keeps, and a working day in a real browser over three nodes and a hub.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import t from 'tap';
import type { DraftFields } from '../edge-node/console/contract.ts';
import { emptyFields } from '../edge-node/console/drafts.ts';
import {
  consoleClient,
  firstLogin,
  noBrowser,
  openBrowser,
  openConsoleOffice,
  openContext,
  password,
  samplePdf,
} from './support/console.ts';
import { startTestHub } from './support/hub.ts';
import { eventually, seeEachOther } from './support/office.ts';
import { sharedData } from './support/shared-data.ts';

const hub = await startTestHub();
const [a, b, c] = [
  await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình'),
  await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND xã Tây Vinh'),
  await openConsoleOffice(hub.hub, 'H08.35.14', 'UBND thị trấn Phú Phong'),
];
const browser: Browser | undefined = noBrowser ? undefined : await openBrowser();
t.teardown(async () => {
  await browser?.close();
  await Promise.all([a, b, c].map(({ node }) => node.close()));
  await hub.close();
});
await seeEachOther([a, b, c], ['H08.35.12', 'H08.35.13', 'H08.35.14']);

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
    t.match(await clerk.post('/c/v1/uploads', { lengthBytes: 0 }), { json: { code: 'request-malformed' } });
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

    // What is flash is not held; and the draft is there after a restart of the node in between.
    await clerk.put(`/c/v1/drafts/${id}`, { revision: 2, fields: { ...fields, urgency: 'flash' } });
    await c.node.close();
    c.node = await c.reopen();
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
  },
);

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

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Serious and critical faults of the screen as it stands. */
async function faultsOf(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  // Through the debugger, since the page's own policy rightly refuses scripts from elsewhere.
  await session.send('Runtime.evaluate', { expression: axeSource });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(
      violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html.slice(0, 160)).join(' | '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return JSON.parse(String(result.value)) as string[];
}

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

  // Send to two, by name without marks; keyboard picks; the list is named before it leaves.
  await sender.getByRole('link', { name: 'Soạn văn bản' }).click();
  await sender.locator('input[type=file]').setInputFiles({
    name: 'công văn.pdf',
    mimeType: 'application/pdf',
    buffer: await samplePdf('Cong van'),
  });
  await sender.getByText('Văn bản chính', { exact: true }).waitFor();
  await sender.getByLabel('Số', { exact: true }).fill('12');
  await sender.getByLabel('Ký hiệu', { exact: true }).fill('UBND-VP');
  await sender.getByLabel(/Trích yếu/).fill('Về việc triển khai kế hoạch năm 2027');
  const picker = sender.getByRole('combobox', { name: 'Tìm nơi nhận' });
  for (const words of ['tay vinh', 'phu phong']) {
    await picker.fill(words);
    await sender.locator('[role=listbox] [role=option]').first().waitFor();
    await picker.press('Enter');
  }
  await sender.getByText('2 nơi nhận').waitFor();
  await sender.getByText(/Đã lưu dự thảo/).waitFor();
  await look(sender, 'compose');
  // A reload in the middle loses nothing.
  await sender.reload();
  await sender.getByText('2 nơi nhận').waitFor();
  t.equal(await sender.getByLabel('Ký hiệu', { exact: true }).inputValue(), 'UBND-VP');
  await sender.getByLabel('Độ khẩn').selectOption('flash');
  await sender.getByText(/Đã lưu dự thảo/).waitFor();
  await sender.keyboard.press('Control+Enter');
  await sender.getByRole('heading', { name: 'Gửi 12/UBND-VP tới 2 đơn vị' }).waitFor();
  await look(sender, 'confirm');
  await sender.keyboard.press('Control+Enter');
  await sender.getByRole('heading', { name: 'Văn bản đi' }).waitFor();
  await sender.getByText('Đã đến: 2').waitFor();
  await look(sender, 'outbox');
  await sender.getByRole('button', { name: 'Xem từng nơi nhận' }).click();
  await sender.getByText('UBND thị trấn Phú Phong').first().waitFor();

  const receiver = await open(b);
  await receiver.goto(b.consoleUrl());
  await receiver.getByLabel('E-mail công vụ').fill(b.email);
  await receiver.getByLabel('Mật khẩu').fill(password);
  await receiver.keyboard.press('Enter');
  await receiver.getByText('Văn bản đến chưa mở').waitFor();
  await receiver.getByRole('link', { name: /Văn bản đến chưa mở/ }).click();
  await receiver.getByRole('heading', { name: 'Văn bản đến' }).waitFor();
  await receiver.getByText('Hỏa tốc').first().waitFor();
  await look(receiver, 'inbox');
  // Arrows move, Enter opens, Esc returns to the same row.
  await receiver.keyboard.press('ArrowDown');
  await receiver.keyboard.press('Enter');
  await receiver.getByRole('heading', { name: /12\/UBND-VP/ }).waitFor();
  await receiver.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await look(receiver, 'arrival');
  await receiver.keyboard.press('Escape');
  await receiver.getByRole('heading', { name: 'Văn bản đến' }).waitFor();
  await eventually(async () =>
    (await receiver.evaluate('document.activeElement?.hasAttribute("data-row")')) ? true : undefined,
  );

  for (const [path, heading] of [
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
  }

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
  await receiver.getByRole('dialog').getByLabel('Mật khẩu').fill(password);
  await receiver.getByRole('dialog').getByRole('button', { name: 'Đăng nhập' }).click();
  await receiver.getByText(/Đã lưu dự thảo/).waitFor();
  t.match((await other.get('/c/v1/drafts')).json, { rows: [{ subject: 'Phần đầu và phần sau' }] });

  // Back after signing out shows the sign-in, not the page before.
  await receiver.getByRole('button', { name: 'Đăng xuất' }).click();
  await receiver.getByRole('heading', { name: 'Liên thông văn bản' }).waitFor();
  await receiver.goBack();
  await receiver.getByRole('heading', { name: 'Liên thông văn bản' }).waitFor();
  t.strictSame(faults, [], 'no fault in any page');
});
