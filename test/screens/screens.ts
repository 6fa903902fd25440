// `npm run screens`: a picture of every screen and state of the console into docs/screens, from two offices and a hub that live while it runs. They
// are to be looked at: what is ugly or confusing there is a defect.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { makeSamples } from '../../bin/demo/samples.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { openDatabase } from '../../protocol/node/sqlite.ts';
import {
  type ConsoleOffice,
  consoleClient,
  firstLogin,
  noBrowser,
  openBrowser,
  openConsoleOffice,
  openContext,
  password,
} from '../support/console.ts';
import { startTestHub, temporaryDir } from '../support/hub.ts';
import { eventually, seeEachOther } from '../support/office.ts';
import { toPalette } from './palette.ts';

const folder = fileURLToPath(new URL('../../docs/screens/', import.meta.url));

async function main(): Promise<void> {
  if (noBrowser) throw new Error(noBrowser);
  mkdirSync(folder, { recursive: true });
  const anchorsDir = temporaryDir('screens-samples');
  const samples = await makeSamples({ dir: anchorsDir, nowMs: systemClock.nowMs() });
  const bytesOf = (wanted: string) => readFileSync(samples.find(({ number }) => number === wanted)!.file);
  const hub = await startTestHub();
  const a = await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình', { anchorsDir });
  const b = await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND thị trấn Phú Phong', { anchorsDir });
  const c = await openConsoleOffice(hub.hub, 'H08.35.14', 'UBND xã Tây Vinh', { anchorsDir });
  await seeEachOther([a, b, c], ['H08.35.12', 'H08.35.13', 'H08.35.14']);
  const browser = await openBrowser();
  const page = await (await openContext(browser)).newPage();
  const take = async (name: string, on: Page = page) => {
    await on.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => {});
    writeFileSync(`${folder}${name}.png`, toPalette(await on.screenshot()));
    process.stdout.write(`${name}\n`);
  };
  const at = async (path: string, name: string) => {
    await page.goto(b.consoleUrl() + path);
    await page.locator('main h1').waitFor();
    await page.waitForTimeout(400);
    await take(name);
  };

  await page.goto(b.consoleUrl());
  await page.getByRole('button', { name: 'Tôi có mã một lần' }).waitFor();
  await take('01-dang-nhap');
  await page.getByLabel('E-mail công vụ').fill(b.email);
  await page.getByLabel('Mật khẩu').fill('sai');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await take('02-dang-nhap-sai');
  await firstLogin(page, b);
  await take('03-tong-quan-trong');
  await at('/den', '04-van-ban-den-trong');
  await at('/du-thao', '05-du-thao-trong');
  await at('/so', '06-so-trong');

  // Three documents from the other office, one of them flash.
  const sender = consoleClient(a);
  await sender.post('/c/v1/sign-in/code', { email: a.email, code: a.code, password });
  const bytes = bytesOf('112');
  for (const [number, subject, urgency] of [
    ['112', 'Về việc triển khai kế hoạch phòng, chống thiên tai năm 2027', 'flash'],
    ['113', 'Về việc báo cáo kết quả cải cách hành chính quý IV', 'normal'],
    ['114', 'Giấy mời họp giao ban công tác tháng 12', 'urgent'],
  ] as const)
    await a.node.edge.submit({
      idempotencyKey: number,
      to: ['H08.35.13'],
      urgency: { normal: 0, urgent: 1, flash: 3 }[urgency],
      metadata: {
        subject,
        number,
        notation: 'UBND-VP',
        type: 'Công văn',
        issueDate: '2026-11-25',
        signers: [{ name: 'Lê Văn Tư', position: 'Chủ tịch', competence: 'TM.' }],
      },
      parts: [
        { name: 'công văn.pdf', mediaType: 'application/pdf', content: bytes },
        ...(number === '113' ? [{ name: 'biểu mẫu.pdf', mediaType: 'application/pdf', content: bytes }] : []),
      ],
      ...(number === '113' ? { replyByMs: systemClock.nowMs() + 7 * 86_400_000 } : {}),
    });
  await eventually(async () => ((await b.node.edge.inbox({})).rows.length === 3 ? true : undefined), 400);
  await at('/', '07-tong-quan');
  await at('/den', '08-van-ban-den');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await take('62-xem-ben-canh');
  await page.getByText('Lọc thêm').click();
  await page.getByLabel('Nơi gửi').selectOption({ label: 'UBND xã Tây Bình' });
  await take('61-loc-them');
  await page.goto(`${b.consoleUrl()}/den`);
  await page.getByRole('link', { name: /phòng, chống thiên tai/ }).click();
  await page.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await take('09-chi-tiet-den');
  await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
  await take('10-tiep-nhan');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Đã tiếp nhận, số đến', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Chuyển xử lý' }).click();
  await page.getByRole('checkbox').first().waitFor();
  await take('11-chuyen-xu-ly');
  await page.getByRole('checkbox').first().check();
  await page.getByLabel('Ý kiến chỉ đạo').fill('Tham mưu kế hoạch của thị trấn trước ngày 05/12.');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Phân công xử lý').waitFor();
  await take('12-da-tiep-nhan');
  const flash = (await a.node.edge.outbox({})).rows.find(({ number }) => number === '112')!;
  await a.node.edge.recall(flash.documentId, { reason: 'Ban hành nhầm, thay bằng công văn 115' });
  await page.getByText('Nơi gửi yêu cầu lấy lại', { exact: false }).first().waitFor();
  await page.locator('main').evaluate('(main) => main.scrollTo(0, 0)');
  await take('13-yeu-cau-lay-lai');
  await at('/den', '14-van-ban-den-trang-thai');
  await page.getByRole('link', { name: /cải cách hành chính/ }).click();
  await page.getByRole('button', { name: 'Trả lại' }).click();
  await page.getByLabel('Lý do').waitFor();
  await take('15-tra-lai');
  await page.keyboard.press('Escape');

  // The other side corrects what it sent: old and new before the clerk who is asked.
  const update = (await a.node.edge.outbox({})).rows.find(({ number }) => number === '114')!;
  await a.node.edge.update(update.documentId, {
    reason: 'Đổi ngày họp',
    fields: { subject: 'Giấy mời họp giao ban công tác tháng 12 (chuyển sang ngày 03/12)' },
  });
  await eventually(async () =>
    (await b.node.edge.requests({})).rows.some(({ kind }) => kind === 'update') ? true : undefined,
  );
  await at('/den', '39-den-co-yeu-cau');
  await page.getByRole('link', { name: /Giấy mời họp giao ban/ }).click();
  await page.getByText('Sửa thành').waitFor();
  await take('40-yeu-cau-cap-nhat');
  await page.getByRole('button', { name: 'Báo cáo nội dung mật' }).click();
  await take('41-bao-cao-mat');
  await page.keyboard.press('Escape');

  await page.goto(`${b.consoleUrl()}/soan`);
  await page.getByRole('heading', { name: 'Soạn văn bản' }).waitFor();
  await take('42-soan-trong');
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'công văn 112.pdf', mimeType: 'application/pdf', buffer: bytes });
  await page.getByText(/Đọc được \d+ thông tin/).waitFor();
  await page.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await take('16-soan');
  await page.getByText(/Đọc được \d+ thông tin/).scrollIntoViewIfNeeded();
  await take('63-soan-ben-canh');
  await page.keyboard.press('Alt+y');
  await page.getByText('tự điền – hãy kiểm tra').first().waitFor();
  await take('43-soan-da-nhan-goi-y');
  await page.context().setOffline(true);
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'phụ lục.pdf', mimeType: 'application/pdf', buffer: bytesOf('45') });
  await page.getByText('Đứt kết nối', { exact: false }).waitFor();
  await take('44-soan-dut-mang');
  await page.context().setOffline(false);
  await page.getByText('Phụ lục', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Đối chiếu với danh bạ' }).click();
  await page.getByText(/Tìm thấy \d+ đơn vị/).waitFor();
  await page.getByText(/Tìm thấy \d+ đơn vị/).scrollIntoViewIfNeeded();
  await take('45-doi-chieu-noi-nhan');
  await page.getByRole('combobox', { name: 'Tìm nơi nhận' }).fill('tay binh');
  await page.locator('[role=listbox] [role=option]').first().waitFor();
  await page.getByRole('combobox', { name: 'Tìm nơi nhận' }).scrollIntoViewIfNeeded();
  await take('17-soan-noi-nhan');
  await page.keyboard.press('Enter');
  await page.getByText('1 nơi nhận').waitFor();
  await page.getByRole('button', { name: 'Gửi…' }).click();
  await page.getByRole('heading', { name: /Gửi 112\/UBND-VP/ }).waitFor();
  await take('18-xac-nhan-gui');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: 'Văn bản đi' }).waitFor();
  await take('19-hoan-tac');
  await at('/du-thao', '20-du-thao');
  await b.node.edge.desk.drafts.drain();
  await page.waitForTimeout(31_000);
  await at('/di', '21-van-ban-di');
  await page.getByRole('button', { name: 'Xem từng nơi nhận' }).click();
  await page.getByText('UBND xã Tây Bình').first().waitFor();
  await take('22-van-ban-di-noi-nhan');
  await page.getByRole('link', { name: /V\/v các loại/ }).click();
  await page.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await take('23-chi-tiet-di');
  const sent = page.url();
  await page.getByRole('button', { name: 'Gửi thêm nơi nhận' }).click();
  for (const typed of ['tay vinh', 'tay binh']) {
    await page.getByRole('combobox', { name: 'Tìm nơi nhận' }).fill(typed);
    await page.locator('[role=listbox] [role=option]').first().waitFor();
    await page.keyboard.press('Enter');
  }
  await take('64-gui-them-noi-nhan');
  await page.getByRole('button', { name: 'Gửi…' }).click();
  await page.getByRole('dialog').waitFor();
  await take('65-gui-them-xac-nhan');
  await page.getByRole('dialog').getByRole('button', { name: 'Gửi', exact: true }).click();
  await page.getByRole('heading', { name: 'Văn bản đi' }).waitFor();
  await page.waitForTimeout(31_000);
  await page.goto(sent);
  await page.getByText('2 nơi nhận: ', { exact: false }).waitFor();
  await take('66-hai-lan-gui');
  await page.getByRole('button', { name: 'Thu hồi' }).click();
  await take('24-thu-hoi');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Sửa thông tin đã gửi' }).click();
  await take('46-sua-thong-tin');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Thay thế', exact: true }).click();
  await page.getByText('Văn bản này thay thế', { exact: false }).waitFor();
  await page.getByText('2 nơi nhận').waitFor();
  await take('47-thay-the');
  await at('/so', '25-so-den');
  await page.getByRole('button', { name: 'Vào sổ văn bản giấy' }).click();
  await take('26-vao-so-giay');
  await at('/theo-doi', '27-theo-doi');
  await at('/thong-ke', '50-thong-ke');
  await at('/giu-lai', '28-giu-lai');
  await at('/danh-ba', '29-danh-ba');
  await at('/he-thong', '30-he-thong');
  await at('/he-thong/nguoi-dung', '31-nguoi-dung');
  await page.getByRole('button', { name: 'Thêm người' }).click();
  await take('32-them-nguoi');
  await at('/he-thong/nhat-ky', '33-nhat-ky');
  await at('/he-thong/canh-bao', '34-canh-bao');
  await at('/tai-khoan', '35-tai-khoan');
  await at('/tro-giup', '36-tro-giup');
  await at('/thong-ke', '50-thong-ke');
  await at('/he-thong/kiem-tra', '51-kiem-tra-may');
  await page.getByRole('button', { name: 'Kiểm tra tất cả' }).click();
  await page.getByText('Chưa cài bộ quét', { exact: false }).waitFor();
  await take('52-kiem-tra-may-ket-qua');
  await at('/thuc-hanh', '53-thuc-hanh');
  await at('/den?trang-thai=waiting', '54-chon-nhieu');
  await page.getByLabel('Chọn mọi văn bản đang hiện').check();
  await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
  await page.getByRole('heading', { name: 'Tiếp nhận 1 văn bản?' }).waitFor();
  await take('55-tiep-nhan-nhieu');
  await page.keyboard.press('Escape');
  await page.goto(`${b.consoleUrl()}/den?trang-thai=waiting`);
  await page.getByText('Lưu cách lọc này').click();
  await page.getByLabel('Tên để nhớ').fill('Chờ tiếp nhận');
  await take('56-giu-danh-sach');
  await page.getByRole('button', { name: 'Lưu', exact: true }).click();
  await page.getByRole('link', { name: 'Chờ tiếp nhận', exact: true }).waitFor();
  await take('57-danh-sach-da-giu');
  await pictureKeys(await (await openContext(browser)).newPage(), b, take);
  await page.clock.setSystemTime(systemClock.nowMs() + 26 * 3_600_000);
  await at('/den', '60-dong-ho-sai');
  await page.clock.setSystemTime(systemClock.nowMs());
  await page.setViewportSize({ width: 683, height: 768 });
  await at('/den', '37-phong-to-200');
  await page.getByRole('link', { name: /Giấy mời họp giao ban/ }).click();
  await page.getByText('Sửa thành').waitFor();
  await take('48-chi-tiet-phong-to-200');
  await at('/soan', '49-soan-phong-to-200');
  await page.setViewportSize({ width: 1366, height: 768 });
  // The sender knocks, and the one who has it sees it.
  const knocked = (await a.node.edge.outbox({})).rows.find(({ number }) => number === '113')!;
  await a.node.edge.remind(knocked.documentId, { to: ['H08.35.13'] });
  await eventually(
    async () => (await b.node.edge.inbox({ unit: b.unit, only: 'reminded' })).rows.length || undefined,
  );
  await at('/', '73-noi-gui-nhac');
  await at('/den', '74-den-noi-gui-nhac');
  await page.getByRole('link', { name: /cải cách hành chính/ }).click();
  await page
    .getByText(/^Nơi gửi nhắc lúc/)
    .first()
    .waitFor();
  await take('75-chi-tiet-noi-gui-nhac');
  // As a node answers in its first minutes after a start with many documents.
  await page.route('**/c/v1/inbox?*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), filling: true } });
  });
  await at('/den?tim=hop', '68-dang-lap-chi-muc');
  await page.unroute('**/c/v1/inbox?*');
  await at('/he-thong/khoa-api', '72-khoa-api');
  await pictureBack(page, { b, c, bytes, at });
  // The hub takes no more of this office for now: the next try, and why.
  const hubDb = openDatabase(join(hub.dir, 'hub.sqlite'));
  const quota = (bytes: number | null) =>
    hubDb.run('UPDATE units SET quota_bytes = ? WHERE unit = ?', bytes, b.unit);
  quota(1);
  const late = await b.node.edge.submit({
    idempotencyKey: 'retry',
    to: ['H08.35.12', 'H08.35.14'],
    metadata: { subject: 'Báo cáo nhanh về mưa lũ', number: '119', notation: 'BC-UBND', type: 'Báo cáo' },
    parts: [{ name: 'báo cáo.pdf', mediaType: 'application/pdf', content: bytes }],
  });
  const sendingOf = async (id: string) => (await b.node.edge.show(id, { direction: 'out' })).envelopes[0]!;
  await eventually(async () => (await sendingOf(late.documentId)).nextMs);
  await at(`/di/${late.documentId}`, '71-cho-gui-lai');
  quota(null);
  hubDb.close();
  // A large file, of which the hub has some when the line breaks.
  async function* map() {
    for (let n = 0; n < 64; n += 1) yield randomBytes(1024 * 1024);
  }
  const { handle } = await b.node.edge.addContent(map());
  const large = await b.node.edge.submit({
    idempotencyKey: 'large',
    to: ['H08.35.12', 'H08.35.14'],
    metadata: {
      subject: 'Bản đồ quy hoạch sử dụng đất',
      number: '120',
      notation: 'TTr-UBND',
      type: 'Tờ trình',
    },
    parts: [{ name: 'bản đồ.tif', mediaType: 'image/tiff', handle }],
  });
  while (((await sendingOf(large.documentId)).uploaded?.doneBytes ?? 0) < 20_000_000)
    await new Promise(setImmediate);
  await hub.close();
  await at(`/di/${large.documentId}`, '70-dang-gui');
  await at('/di', '76-dang-gui-danh-sach');
  const unsent = await b.node.edge.submit({
    idempotencyKey: 'unsent',
    to: ['H08.35.12', 'H08.35.14'],
    metadata: { subject: 'Báo cáo tuần 48', number: '118', notation: 'BC-UBND', type: 'Báo cáo' },
    parts: [{ name: 'báo cáo.pdf', mediaType: 'application/pdf', content: bytes }],
  });
  b.node.edge.retryNow();
  await page.getByText('Mất kết nối', { exact: false }).first().waitFor({ timeout: 90_000 });
  await at('/', '38-mat-ket-noi');
  await page.getByRole('link', { name: /^Hộp gửi/ }).click();
  await page.getByRole('button', { name: 'Xem từng nơi nhận' }).first().click();
  await page.getByText('UBND xã Tây Vinh').first().waitFor();
  await take('67-hop-gui');
  await b.node.edge.cancel(unsent.documentId, { to: ['H08.35.14'] });
  await at(`/di/${unsent.documentId}`, '69-tung-noi-nhan');
  await browser.close();
  await Promise.all([a, b, c].map(({ node }) => node.close()));
}

type Back = {
  readonly b: ConsoleOffice;
  readonly c: ConsoleOffice;
  readonly bytes: Uint8Array;
  readonly at: (path: string, name: string) => Promise<void>;
};

/** What an office gave back, and what was asked back: at the sender, and where it was. */
async function pictureBack(page: Page, { b, c, bytes, at }: Back): Promise<void> {
  const clerk = consoleClient(c);
  await clerk.post('/c/v1/sign-in/code', { email: c.email, code: c.code, password });
  const { documentId } = await b.node.edge.submit({
    idempotencyKey: 'back',
    to: ['H08.35.12', 'H08.35.14'],
    metadata: { subject: 'Kiểm kê tài sản năm 2026', number: '117', notation: 'BC-UBND', type: 'Báo cáo' },
    parts: [{ name: 'báo cáo.pdf', mediaType: 'application/pdf', content: bytes }],
  });
  const reason = { reason: 4, text: 'Gửi nhầm xã' };
  await eventually(async () => {
    const row = (await c.node.edge.inbox({})).rows.find((each) => each.documentId === documentId);
    const answer = row && (await clerk.post(`/c/v1/documents/in/${row.envelopeId}/return`, reason));
    return answer?.status === 200 || undefined;
  });
  await eventually(
    async () => (await b.node.edge.outbox({ unit: b.unit, returnedSinceMs: 0 })).rows.length || undefined,
  );
  await at('/', '77-bi-tra-lai');
  await b.node.edge.recall(documentId, { reason: 'Gửi nhầm, thông báo 16/TB-UBND' });
  await eventually(
    async () => (await b.node.edge.outbox({ unit: b.unit })).rows[0]?.stands.recalled || undefined,
  );
  await at(`/di/${documentId}`, '78-da-thu-hoi');
  await page.goto(`${b.consoleUrl()}/den?trang-thai=asked`);
  await page.getByRole('link', { name: /phòng, chống thiên tai/ }).click();
  page.once('dialog', (sure) => void sure.accept());
  await page.getByRole('button', { name: 'Đồng ý, hủy văn bản' }).click();
  await page.getByText('Nội dung đã được hủy', { exact: false }).waitFor();
  await at(new URL(page.url()).pathname, '79-den-da-thu-hoi');
  await at('/den', '80-danh-sach-co-thu-hoi');
}

/** By name: a browser makes no passkey for an address. */
async function pictureKeys(
  own: Page,
  office: ConsoleOffice,
  picture: (name: string, on: Page) => Promise<void>,
): Promise<void> {
  const url = office.consoleUrl().replace('127.0.0.1', 'localhost');
  const signIn = async () => {
    await own.goto(url);
    await own.getByLabel('E-mail công vụ').fill(office.email);
    await own.getByLabel('Mật khẩu').fill(password);
    await own.keyboard.press('Enter');
  };
  await signIn();
  await own.getByRole('heading', { name: 'Việc hôm nay' }).waitFor();
  const cdp = await own.context().newCDPSession(own);
  await cdp.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
  };
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, isUserVerified: true, automaticPresenceSimulation: true } as never,
  });
  await own.goto(`${url}/tai-khoan`);
  await own.getByLabel('Tên khóa').fill('Máy văn thư');
  await own.getByRole('button', { name: 'Thêm khóa' }).click();
  const drop = own.getByRole('button', { name: 'Bỏ khóa Máy văn thư' });
  await drop.waitFor();
  await drop.scrollIntoViewIfNeeded();
  await picture('58-khoa-dang-nhap', own);
  await own.getByRole('button', { name: 'Đăng xuất' }).click();
  await own.getByLabel('E-mail công vụ').waitFor();
  await signIn();
  await own.getByRole('button', { name: 'Dùng khóa đăng nhập' }).waitFor();
  await picture('59-khoa-dang-nhap-hoi', own);
}

await main();
process.exit(0);
