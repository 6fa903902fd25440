// `npm run screens`: a picture of every screen and state of the console into docs/screens, from two offices and a hub that live while it runs. They
// are to be looked at: what is ugly or confusing there is a defect.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import {
  consoleClient,
  firstLogin,
  noBrowser,
  openBrowser,
  openConsoleOffice,
  openContext,
  password,
  samplePdf,
} from '../support/console.ts';
import { startTestHub } from '../support/hub.ts';
import { eventually, seeEachOther } from '../support/office.ts';

const folder = fileURLToPath(new URL('../../docs/screens/', import.meta.url));

async function main(): Promise<void> {
  if (noBrowser) throw new Error(noBrowser);
  mkdirSync(folder, { recursive: true });
  const hub = await startTestHub();
  const a = await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình');
  const b = await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND thị trấn Phú Phong');
  await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);
  const browser = await openBrowser();
  const page = await (await openContext(browser)).newPage();
  const take = async (name: string, on: Page = page) => {
    await on.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => {});
    await on.screenshot({ path: `${folder}${name}.png` });
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
  const bytes = await samplePdf('Cong van');
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
      parts: [{ name: 'công văn.pdf', mediaType: 'application/pdf', content: bytes }],
    });
  await eventually(async () => ((await b.node.edge.inbox({})).rows.length === 3 ? true : undefined), 400);
  await at('/', '07-tong-quan');
  await at('/den', '08-van-ban-den');
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

  await page.goto(`${b.consoleUrl()}/soan`);
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'báo cáo tháng 11.pdf', mimeType: 'application/pdf', buffer: bytes });
  await page.getByText('Văn bản chính', { exact: true }).waitFor();
  await page.getByLabel('Số', { exact: true }).fill('45');
  await page.getByLabel('Ký hiệu', { exact: true }).fill('BC-UBND');
  await page.getByLabel(/Trích yếu/).fill('Báo cáo tình hình kinh tế – xã hội tháng 11');
  await take('16-soan');
  await page.getByRole('combobox', { name: 'Tìm nơi nhận' }).fill('tay binh');
  await page.locator('[role=listbox] [role=option]').first().waitFor();
  await page.getByRole('combobox', { name: 'Tìm nơi nhận' }).scrollIntoViewIfNeeded();
  await take('17-soan-noi-nhan');
  await page.keyboard.press('Enter');
  await page.getByText('1 nơi nhận').waitFor();
  await page.getByRole('button', { name: 'Gửi…' }).click();
  await page.getByRole('heading', { name: /Gửi 45\/BC-UBND/ }).waitFor();
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
  await page.getByRole('link', { name: /kinh tế/ }).click();
  await page.getByRole('img', { name: 'Hình trang 1' }).waitFor();
  await take('23-chi-tiet-di');
  await page.getByRole('button', { name: 'Thu hồi' }).click();
  await take('24-thu-hoi');
  await at('/so', '25-so-den');
  await page.getByRole('button', { name: 'Vào sổ văn bản giấy' }).click();
  await take('26-vao-so-giay');
  await at('/theo-doi', '27-theo-doi');
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
  await page.getByRole('checkbox').first().check();
  await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
  await page.getByRole('heading', { name: 'Tiếp nhận 1 văn bản?' }).waitFor();
  await take('55-tiep-nhan-nhieu');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 683, height: 768 });
  await at('/den', '37-phong-to-200');
  await page.setViewportSize({ width: 1366, height: 768 });
  await hub.close();
  b.node.edge.retryNow();
  await page.getByText('Mất kết nối', { exact: false }).first().waitFor({ timeout: 90_000 });
  await at('/', '38-mat-ket-noi');
  await browser.close();
  await Promise.all([a.node.close(), b.node.close()]);
}

await main();
process.exit(0);
