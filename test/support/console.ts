// The console for tests: offices with a console each, a signed-in clerk, and one browser for all. The browser is Debian's chromium; without it the
// tests that need it skip with one line that says what to install.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { openTokens } from '../../edge-node/api/access.ts';
import { enrolNode } from '../../edge-node/enrol.ts';
import { type RunningNode, startNode } from '../../edge-node/main.ts';
import type { Hub } from '../../hub/hub.ts';
import { type Clock, systemClock } from '../../protocol/node/clock.ts';
import { quiet, temporaryDir } from './hub.ts';
import { inviteUnit, type Office } from './office.ts';

const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
export const noBrowser = chromiumPath ? false : 'needs chromium: apt-get install chromium';

export const password = 'trời hôm nay đẹp quá';
export type ConsoleOffice = Office & { readonly email: string; readonly code: string; consoleUrl(): string };

/** Enrols and starts, with a console on a free port and the first clerk added; `code` is his one-time code. */
export async function openConsoleOffice(
  hub: Hub,
  unitCode: string,
  name: string,
  {
    clock = systemClock,
    console: more = {},
    anchorsDir,
  }: { readonly clock?: Clock; readonly console?: object; readonly anchorsDir?: string } = {},
): Promise<ConsoleOffice> {
  const dir = join(temporaryDir('console'), 'node');
  const { unit, invitation } = await inviteUnit(hub, unitCode, clock, name);
  await enrolNode({
    dir,
    invitations: [invitation],
    clock,
    version: 'test',
    config: {
      local: { port: 0 },
      console: { address: '127.0.0.1', port: 0, ...more },
      disk: { floorBytes: 0 },
      log: { level: 'silent' },
      ...(anchorsDir ? { safety: { anchorsDir } } : {}),
    },
  });
  const token = await (await openTokens(dir)).add('test', systemClock.nowMs());
  const node: RunningNode = await startNode({ dir, log: quiet, clock });
  const email = `vanthu@${unitCode.toLowerCase().replaceAll('.', '-')}.gov.vn`;
  const { code } = await node.edge.people.add({
    unit,
    email,
    name: 'Nguyễn Thị Ánh',
    position: 'Văn thư',
    roles: ['clerk'],
    actor: 'test',
  });
  const office: ConsoleOffice = {
    dir,
    unit,
    invitation,
    token,
    node,
    email,
    code,
    url: (path) => `http://127.0.0.1:${office.node.local.port}${path}`,
    consoleUrl: () => office.node.console!.replace('localhost', '127.0.0.1'),
    async reopen() {
      return await startNode({ dir, log: quiet, clock });
    },
    fetch: (path, init = {}) =>
      fetch(office.url(path), {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
      }),
  };
  return office;
}

/** A quiet browser that talks to nobody but 127.0.0.1, with a profile of its own that is gone when it closes. */
export async function openBrowser({
  home,
  hosts,
}: {
  /** Whose certificates it believes, as `certutil` wrote them. */
  readonly home?: string;
  /** Names by Chromium's own table, as 'MAP a.example 127.0.0.2'. */
  readonly hosts?: string;
} = {}): Promise<Browser> {
  return await chromium.launch({
    executablePath: chromiumPath!,
    ...(home ? { env: { ...process.env, HOME: home } } : {}),
    args: [
      ...(hosts ? [`--host-resolver-rules=${hosts}`] : []),
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

export const openContext = (browser: Browser): Promise<BrowserContext> =>
  browser.newContext({
    viewport: { width: 1366, height: 768 },
    locale: 'vi-VN',
    timezoneId: 'Asia/Ho_Chi_Minh',
    reducedMotion: 'reduce',
  });

/** The first login as a clerk does it: the one-time code, and a password of one's own. */
export async function firstLogin(page: Page, office: ConsoleOffice): Promise<void> {
  await page.goto(office.consoleUrl());
  await page.getByRole('button', { name: 'Tôi có mã một lần' }).click();
  await page.getByLabel('E-mail công vụ').fill(office.email);
  await page.getByLabel('Mã một lần', { exact: false }).first().fill(office.code);
  await page.getByLabel('Mật khẩu mới', { exact: false }).first().fill(password);
  await page.getByLabel('Gõ lại mật khẩu mới').fill(password);
  await page.getByRole('button', { name: 'Đặt mật khẩu và vào' }).click();
  await page.getByRole('heading', { name: 'Việc hôm nay' }).waitFor();
}

/** As every day afterwards; the first screen stands. */
export async function signInPage(page: Page, office: ConsoleOffice): Promise<void> {
  await page.goto(office.consoleUrl());
  await page.getByLabel('E-mail công vụ').fill(office.email);
  await page.getByLabel('Mật khẩu').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Việc hôm nay' }).waitFor();
}

/** A PDF of `pages` pages with a line of text on each. */
export async function samplePdf(title: string, pages = 2): Promise<Buffer> {
  const { PDFDocument, StandardFonts } = await import('@cantoo/pdf-lib');
  const doc = await PDFDocument.create();
  const font = await doc.embedFont(StandardFonts.TimesRoman);
  for (let n = 1; n <= pages; n++) {
    const page = doc.addPage([595, 842]);
    page.drawText(`${title} - trang ${n}`, { x: 72, y: 760, size: 18, font });
    for (let line = 0; line < 24; line++)
      page.drawText(`Noi dung dong ${line + 1} cua van ban thu de xem tren man hinh.`, {
        x: 72,
        y: 720 - line * 24,
        size: 12,
        font,
      });
  }
  return Buffer.from(await doc.save());
}

/** Speaks to the console as its own page does, without a browser. */
export function consoleClient(office: ConsoleOffice) {
  let cookie = '';
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${office.consoleUrl()}${path}`, {
      method,
      headers: {
        'x-lienthong': 'console',
        ...(cookie ? { cookie } : {}),
        ...(body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
        ...(body instanceof Uint8Array ? { 'content-type': 'application/octet-stream' } : {}),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const set = response.headers.get('set-cookie');
    if (set) cookie = set.split(';', 1)[0]!;
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    ask,
    get: (path: string) => ask('GET', path),
    post: (path: string, body: unknown = {}) => ask('POST', path, body),
    put: (path: string, body: unknown) => ask('PUT', path, body),
    /** A download, as bytes. */
    async raw(path: string) {
      const response = await fetch(`${office.consoleUrl()}${path}`, { headers: { cookie } });
      return { headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
    },
    cookie: () => cookie,
  };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Serious and critical faults of the screen as it stands. */
export async function faultsOf(page: Page): Promise<string[]> {
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
