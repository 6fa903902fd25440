// The console beside the documents: figures of a month, four looks a day, backlog and reminders, saved lists, flash alarms on a moved clock, tests of
// the machine, support bundle, practice, passkeys, rights of every route. Two offices and a hub whose clock the test moves.

import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { freePorts } from '../bin/demo/processes.ts';
import { roles } from '../edge-node/accounts/person.ts';
import { dayOf, windows } from '../edge-node/accounts/presence.ts';
import { type Act, mayDo } from '../edge-node/accounts/rights.ts';
import { openTokens } from '../edge-node/api/access.ts';
import type { MonthFigures, Presence } from '../edge-node/console/contract-figures.ts';
import { startNotifier } from '../edge-node/console/notify.ts';
import { startConsole } from '../edge-node/console/server.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import {
  consoleClient,
  faultsOf,
  noBrowser,
  openBrowser,
  openConsoleOffice,
  openContext,
  password,
  signInPage,
} from './support/console.ts';
import { quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { movedClock } from './support/moved-clock.ts';
import { eventually, seeEachOther } from './support/office.ts';
import { sharedData } from './support/shared-data.ts';

const clock = movedClock();
const hub = await startTestHub({ clock });
const [a, b] = [
  await openConsoleOffice(hub.hub, 'H08.35.12', 'UBND xã Tây Bình', { clock }),
  await openConsoleOffice(hub.hub, 'H08.35.13', 'UBND xã Tây Vinh', { clock }),
];
const browser = noBrowser ? undefined : await openBrowser();
t.teardown(async () => {
  await browser?.close();
  await Promise.all([a, b].map(({ node }) => node.close()));
  await hub.close();
});
await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);

type Client = ReturnType<typeof consoleClient>;
const clerks = { a: consoleClient(a), b: consoleClient(b) };
for (const [client, { email, code }] of [
  [clerks.a, a],
  [clerks.b, b],
] as const)
  await client.post('/c/v1/sign-in/code', { email, code, password });

/** Adds a person to the second office and signs in. */
async function personOf(role: string, name: string): Promise<Client & { readonly email: string }> {
  const email = `${role}@tayvinh.gov.vn`;
  const made = await clerks.b.post('/c/v1/people', {
    email,
    name,
    position: name,
    desk: '',
    roles: [role],
    decision: '',
    decisionDate: '',
  });
  const client = consoleClient(b);
  // Many sign in from one address here, which the door rightly slows down.
  clock.move(60_000);
  await client.post('/c/v1/sign-in/code', { email, code: made.json.code, password });
  return { ...client, email };
}
/** The cookie of somebody with this role alone, in the second office. */
async function sessionOf(role: string): Promise<string> {
  const email = `${role}.rieng@tayvinh.gov.vn`;
  const { code } = await b.node.edge.people.add({
    unit: b.unit,
    email,
    name: `Riêng ${role}`,
    roles: [role],
    actor: 'test',
  });
  const client = consoleClient(b);
  clock.move(60_000);
  await client.post('/c/v1/sign-in/code', { email, code, password });
  return client.cookie();
}
const send = (key: string, urgency = 0, subject = `Về việc ${key}`) =>
  a.node.edge.submit({
    idempotencyKey: key,
    to: ['H08.35.13'],
    urgency,
    metadata: { subject, number: key, notation: 'UBND-VP', type: 'Công văn' },
    parts: [{ name: 'tệp.txt', mediaType: 'text/plain', content: Buffer.from(`nội dung ${key}`) }],
  });
const arrived = (n: number) =>
  eventually(async () => {
    const { rows } = await b.node.edge.inbox({});
    return rows.length >= n ? rows : undefined;
  });
const month = () => dayOf(clock.nowMs()).slice(0, 7);

t.test('a month in figures: by the system and on paper, by kind and unit, late, and as files', async (t) => {
  await send('801');
  await send('802', 1);
  const rows = await arrived(2);
  const [one, two] = ['801', '802'].map((number) => rows.find((row) => row.number === number)!);
  t.match(await clerks.b.post(`/c/v1/documents/in/${one!.envelopeId}/accept`, {}), { status: 200 });
  await clerks.b.post(`/c/v1/documents/in/${two!.envelopeId}/return`, { reason: 4, text: 'nhầm' });
  await clerks.b.post('/c/v1/registers/in', {
    fields: {
      author: 'Sở Nội vụ',
      notation: '9/SNV',
      type: 'Quyết định',
      subject: 'Giấy',
      day: dayOf(clock.nowMs()),
    },
  });
  const figures = (client: Client) => client.get(`/c/v1/figures?month=${month()}`);
  const { json } = (await figures(clerks.b)) as { json: MonthFigures };
  t.match(json.received, {
    electronic: 2,
    paper: 1,
    sharePermille: 667,
    accepted: 1,
    returned: 1,
    waiting: 0,
    late: 0,
    byUrgency: [1, 1],
    byKind: [
      { kind: 'Công văn', count: 2 },
      { kind: 'Quyết định', count: 1 },
    ],
    byUnit: [{ code: 'H08.35.12', name: 'UBND xã Tây Bình', count: 2 }],
  });
  const sent = await eventually(async () => {
    const { json: there } = (await figures(clerks.a)) as { json: MonthFigures };
    return there.sent.returned === 1 ? there.sent : undefined;
  });
  t.match(sent, { electronic: 2, recipients: 2, delivered: 1, failed: 0, late: 0 });
  const csv = await clerks.b.get(`/c/v1/figures/files/csv?month=${month()}`);
  t.match(csv.text, /Văn bản đến;Tỷ lệ điện tử;"66,7 %"/);
  t.match(csv.headers.get('content-disposition'), /^attachment; .*thong-ke-/);
  t.match((await clerks.b.get(`/c/v1/figures/files/xlsx?month=${month()}`)).text, /^PK/);
  t.match((await clerks.b.get(`/c/v1/figures/files/pdf?month=${month()}`)).text, /^%PDF-/);
  t.match(await clerks.b.get('/c/v1/figures?month=2026-13'), { json: { code: 'request-malformed' } });
  t.match((await clerks.b.get('/c/v1/figures?month=2020-01')).json, {
    received: { electronic: 0, byKind: [] },
  });
});

t.test(
  'four looks a day: each window once per person, only windows that are over are expected, weekends are free',
  async (t) => {
    // To the next Monday at 08:00 in Vietnam.
    const hourMs = 3_600_000;
    const monday = () => new Date(clock.nowMs() + 7 * hourMs).getUTCDay() === 1;
    do clock.move(24 * hourMs);
    while (!monday());
    const midnightMs = Math.floor((clock.nowMs() + 7 * hourMs) / (24 * hourMs)) * 24 * hourMs - 7 * hourMs;
    clock.move(midnightMs + 8 * hourMs - clock.nowMs());
    const today = dayOf(clock.nowMs());
    await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
    const own = async (): Promise<Presence> =>
      (await clerks.b.get(`/c/v1/presence?from=${today}&to=${today}`)).json;
    const clerk = async () => (await own()).people.find(({ email }) => email === b.email)!;
    t.match(await clerk(), { done: 0, expected: 0, today: [{ state: 'open' }, { state: 'later' }] });
    t.match((await clerks.b.get('/c/v1/overview')).json.slots[0], { state: 'open' });
    await clerks.b.post('/c/v1/me/looked-in');
    await clerks.b.post('/c/v1/me/looked-in');
    t.match(await clerk(), { done: 1, expected: 1, today: [{ state: 'done' }] }, 'counts at once');
    clock.move((windows[1].to - 8 * 60 + 1) * 60_000);
    await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
    t.match(await clerk(), { done: 1, expected: 2, today: [{ state: 'done' }, { state: 'missed' }] });
    t.match(await own(), { workingDays: 1, done: 1, expected: 2 });
    t.match(await clerks.b.get('/c/v1/presence?from=2026-01-01&to=2028-01-01'), {
      json: { code: 'request-malformed' },
    });
  },
);

t.test(
  'the head sees who holds what, reminds with one click and not twice an hour; the person sees it',
  async (t) => {
    const leader = await personOf('leader', 'Lê Chủ Tịch');
    const officer = await personOf('officer', 'Phạm Chuyên Viên');
    await send('811');
    const { envelopeId } = (await arrived(3)).find(({ number }) => number === '811')!;
    await clerks.b.post(`/c/v1/documents/in/${envelopeId}/accept`, {});
    await clerks.b.post(`/c/v1/documents/in/${envelopeId}/forward`, {
      to: [{ who: officer.email, lead: true }],
      instruction: 'Tham mưu',
      due: new Date(clock.nowMs() + 1_800_000).toISOString(),
    });
    clock.move(1_860_000);
    t.match((await leader.get('/c/v1/backlog/people')).json.rows, [
      { person: officer.email, name: 'Phạm Chuyên Viên', open: 1, near: 0, late: 1 },
    ]);
    const nudge = { email: officer.email, said: 'Cần trước giờ họp' };
    t.match(await officer.post('/c/v1/nudges', nudge), { json: { code: 'right-missing' } });
    t.match(await leader.post('/c/v1/nudges', nudge), { status: 200 });
    t.match(await leader.post('/c/v1/nudges', nudge), { json: { code: 'nudge-too-soon' } });
    t.match(await leader.post('/c/v1/nudges', { ...nudge, email: 'ai@x.gov.vn' }), {
      json: { code: 'person-unknown' },
    });
    t.match((await officer.get('/c/v1/overview')).json, { nudges: 1, tasks: 1 });
    const { json } = await officer.get('/c/v1/nudges');
    t.match(json.rows, [{ from: 'Lê Chủ Tịch', said: 'Cần trước giờ họp' }]);
    await leader.post('/c/v1/nudges/seen', { id: json.rows[0].id });
    t.equal(
      (await officer.get('/c/v1/nudges')).json.rows.length,
      1,
      'only the person himself says that he has seen it',
    );
    await officer.post('/c/v1/nudges/seen', { id: json.rows[0].id });
    t.strictSame((await officer.get('/c/v1/nudges')).json.rows, []);
    clock.move(3_600_001);
    t.match(await leader.post('/c/v1/nudges', nudge), { status: 200 });
  },
);

t.test(
  'a saved list belongs to its person, is overwritten by its name, and there are twenty at most',
  async (t) => {
    const save = (name: string, query: string) => clerks.b.post('/c/v1/views', { list: 'in', name, query });
    t.match((await save('Hỏa tốc hôm nay', '?do-khan=3')).json.rows, [
      { name: 'Hỏa tốc hôm nay', list: 'in' },
    ]);
    t.match((await save('Hỏa tốc hôm nay', '?do-khan=3&tu=2026-11-26')).json.rows, [{ query: /tu=/ }]);
    for (let n = 2; n <= 20; n++) await save(`Danh sách ${n}`, '');
    t.match(await save('Một nữa', ''), { json: { code: 'request-malformed' } });
    t.match(await save('‮đảo', ''), { json: { code: 'request-malformed' } });
    const { json } = await clerks.b.get('/c/v1/views');
    t.equal(json.rows.length, 20);
    t.strictSame((await clerks.a.get('/c/v1/views')).json?.rows ?? [], []);
    t.equal((await clerks.b.post('/c/v1/views/drop', { id: json.rows[0].id })).json.rows.length, 19);
  },
);

t.test(
  'tests of line, clock, certificate and scanner say what was tried; a broken line is told with its remedy',
  async (t) => {
    const run = async (name: string) => (await clerks.a.post(`/c/v1/tests/${name}`)).json;
    await clerks.a.post('/c/v1/sign-in', { email: a.email, password });
    t.match(await run('line'), { good: true, steps: [{ good: true }, { good: true }, { good: true }] });
    t.match(await run('clock'), { good: true, steps: [{ found: /giây so với trung tâm/ }] });
    t.match(await run('certificate'), { steps: [{ found: /ngày/ }, { found: /ngày/ }] });
    t.match(await run('scanner'), { good: false, steps: [{ found: /Chưa cài bộ quét/ }] });
    t.match(await run('mail'), { code: 'request-malformed' });
    await hub.hub.close();
    t.match(await run('line'), {
      good: false,
      steps: [{ good: true }, { good: false, code: 'hub-unreachable', remedyVi: /./ }],
    });
    await hub.restart();
    a.node.edge.retryNow();
    b.node.edge.retryNow();
  },
);

t.test('the support bundle has states and codes, and not a byte of any document', async (t) => {
  const secret = 'Chuyện riêng của Nguyễn Văn Kín';
  const submitted = await a.node.edge.submit({
    idempotencyKey: 'kín-821',
    to: ['H08.35.13'],
    metadata: { subject: secret, number: '4821', notation: 'KTX-RIENG', type: 'Công văn' },
    parts: [
      { name: 'bí mật gia truyền.txt', mediaType: 'text/plain', content: Buffer.from('nội dung gia truyền') },
    ],
  });
  // A refusal and an alarm whose words come from outside.
  await a.node.edge.cancel(submitted.documentId).catch(() => {});
  const { status, text, headers } = await clerks.a.get('/c/v1/support-bundle');
  t.equal(status, 200);
  t.match(headers.get('content-disposition'), /chan-doan-/);
  const bundle = JSON.parse(text);
  t.match(bundle, {
    program: { version: /^\d/, schema: Number },
    units: [{ code: 'H08.35.12' }],
    counts: { outboxByState: Object },
    tests: [{ name: 'line' }, { name: 'clock' }, { name: 'certificate' }, { name: 'scanner' }],
  });
  for (const kept of [secret, 'Kín', 'KTX', 'gia truyền', 'Về việc', 'UBND-VP', 'nội dung'])
    t.notOk(text.replace(bundle.what, '').includes(kept), `nothing of a document: ${kept}`);
  // As a word of a text: times, sizes and ids have such digits in them.
  const texts = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].join('\n');
  for (const number of ['4821', '801'])
    t.notMatch(
      texts,
      new RegExp(`(?<![0-9a-z.:])${number}(?![0-9a-z])`),
      `no number of a document: ${number}`,
    );
  for (const form of ['base64', 'hex'] as const)
    t.notOk(text.includes(Buffer.from('nội dung gia truyền').toString(form).slice(0, 16)), form);
});

t.test(
  'a passkey is the second half of a sign-in, and no half of anything else',
  { skip: noBrowser },
  async (t) => {
    // By name: a browser makes no passkey for an address.
    const page = await (await openContext(browser!)).newPage();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true },
    });
    const signIn = async () => {
      clock.move(60_000);
      await page.getByLabel('E-mail công vụ').fill(a.email);
      await page.getByLabel('Mật khẩu').fill(password);
      await page.keyboard.press('Enter');
    };
    await page.goto(a.node.console!);
    await signIn();
    await page.getByRole('link', { name: 'Tài khoản của tôi' }).click();
    await page.getByLabel('Tên khóa').fill('Máy văn thư');
    await page.getByRole('button', { name: 'Thêm khóa' }).click();
    await page.getByText('Máy văn thư', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Đăng xuất' }).click();

    const other = consoleClient(a);
    clock.move(60_000);
    t.match(await other.post('/c/v1/sign-in', { email: a.email, password }), {
      json: { code: 'second-factor-needed' },
    });
    t.match(await other.post('/c/v1/sign-in', { email: a.email, password, code: '000000' }), {
      json: { code: 'second-factor-needed' },
    });
    clock.move(120_000);
    t.match(await other.post('/c/v1/sign-in/passkey', { email: a.email, password: 'sai' }), {
      json: { code: 'sign-in-refused' },
    });
    t.match(
      await other.post('/c/v1/sign-in/passkey', { email: a.email, password }),
      {
        json: { code: 'passkey-refused' },
      },
      'by address there is none',
    );
    t.match(await other.post('/c/v1/sign-in/passkey/finish', { key: 'x', response: {} }), {
      json: { code: 'passkey-refused' },
    });

    const answers: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/passkey/finish')) answers.push(request.postData() ?? '');
    });
    await signIn();
    await page.getByRole('button', { name: 'Dùng khóa đăng nhập' }).click();
    await page
      .getByRole('heading', { name: 'Tài khoản của tôi' })
      .or(page.getByRole('heading', { name: 'Việc hôm nay' }))
      .waitFor();
    t.match(
      await other.ask('POST', '/c/v1/sign-in/passkey/finish', JSON.parse(answers[0]!)),
      {
        json: { code: 'passkey-refused' },
      },
      'an answer counts once',
    );

    // Dropped with the password only; then the password alone is enough again.
    await page.getByRole('link', { name: 'Tài khoản của tôi' }).click();
    await page.getByLabel('Mật khẩu (để bỏ khóa)').fill(password);
    await page.getByRole('button', { name: 'Bỏ khóa Máy văn thư' }).click();
    await page.getByRole('button', { name: 'Bỏ khóa Máy văn thư' }).waitFor({ state: 'detached' });
    clock.move(60_000);
    t.match(await other.post('/c/v1/sign-in', { email: a.email, password }), { status: 200 });
    await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    await page.close();
  },
);

t.test('who may do what: every route against every role, and against nobody', async (t) => {
  const open = await startConsole({
    edge: b.node.edge,
    log: quiet,
    clock,
    config: { address: '127.0.0.1', port: 0 },
    tokens: await openTokens(b.dir),
  });
  t.teardown(() => open.close());
  const at = (path: string) =>
    `http://127.0.0.1:${open.port}${path
      .replace(/:(id|draft|upload)\b/g, randomUUID())
      .replace(':direction', 'in')
      .replace(/:(index|page|task|entry|part)\b/g, '1')
      .replace(':format', 'csv')
      .replace(':kind', 'in')
      .replace(':name', 'certificate')
      .replace('*', 'x')}`;
  const ask = async (path: string, method: string, cookie: string) => {
    // The live line would stay open.
    const ending = new AbortController();
    const response = await fetch(at(path), {
      method,
      headers: {
        'x-lienthong': 'console',
        cookie,
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      },
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }),
      signal: ending.signal,
    });
    const { status } = response;
    const text = /event-stream/.test(response.headers.get('content-type') ?? '') ? '' : await response.text();
    ending.abort();
    return { status, text };
  };
  const routes = open.routes.filter(({ method, path }) => method !== 'HEAD' && path.startsWith('/c/v1/'));
  t.ok(routes.length > 80, `${routes.length} routes`);
  for (const { method, path, act } of routes) {
    const { status, text } = await ask(path, method, '');
    if (act === 'open') t.not(status, 403, `${method} ${path} is open`);
    else
      t.match(
        { status, text },
        { status: 401, text: /session-ended/ },
        `${method} ${path} without a session`,
      );
  }
  const left = routes.filter(({ act, path }) => act !== 'open' && path !== '/c/v1/sign-out');
  for (const role of roles) {
    const cookie = await sessionOf(role);
    for (const { method, path, act } of left) {
      const { status, text } = await ask(path, method, cookie);
      const allowed = act === 'anybody' || mayDo([role], act as Act);
      const refused = status === 403 && /right-missing/.test(text);
      if (allowed === refused || status === 401 || status >= 500)
        t.fail(`${role}: ${method} ${path} (${act}) answers ${status} ${text.slice(0, 80)}`);
    }
    t.pass(`${role}: ${left.length} routes`);
  }
});

t.test(
  'a flash document that nobody opens, and one that does not arrive, raise an alarm and are told once',
  async (t) => {
    const told: string[] = [];
    const port = await freePorts();
    const hook = createServer((request, response) => {
      request.on('data', (piece: Buffer) => told.push(piece.toString('utf8')));
      request.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => hook.listen(port, '127.0.0.1', resolve));
    const notifiers = [a, b].map(({ node }) =>
      startNotifier(
        { webhook: { url: `http://127.0.0.1:${port}/` } },
        { edge: node.edge, log: quiet, clock, url: 'http://localhost:8090' },
      ),
    );
    t.teardown(async () => {
      await Promise.all(notifiers.map((notifier) => notifier.close()));
      hook.closeAllConnections();
      hook.close();
    });
    const alarms = async (node: typeof a.node, code: string) =>
      (await node.edge.status()).alarms.filter((alarm) => alarm.code === code);
    await send('831', 3, 'Công điện kín');
    await arrived(4);
    await eventually(async () => (await a.node.edge.outbox({})).rows[0]!.state === 'delivered' || undefined);
    clock.move(9 * 60_000);
    await systemClock.sleep(50);
    t.equal((await alarms(b.node, 'flash-unseen')).length, 0, 'not before ten minutes');
    clock.move(2 * 60_000);
    const [unseen] = await eventually(async () => {
      const found = await alarms(b.node, 'flash-unseen');
      return found.length > 0 ? found : undefined;
    });
    t.strictSame(await alarms(a.node, 'flash-undelivered'), [], 'it did arrive');
    // Opened in time: no alarm. Away: the sender learns that no 01 came.
    await send('832', 3, 'Công điện hai');
    const opened = (await arrived(5)).find(({ number }) => number === '832')!;
    clock.move(120_000);
    await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
    t.match(await clerks.b.get(`/c/v1/documents/in/${opened.envelopeId}`), { status: 200 });
    await b.node.close();
    await send('833', 3, 'Công điện ba');
    await eventually(async () => {
      clock.move(120_000);
      await systemClock.sleep(20);
      return (await alarms(a.node, 'flash-undelivered')).length > 0 || undefined;
    });
    b.node = await b.reopen();
    clock.move(31_000);
    await arrived(6);
    t.equal((await alarms(b.node, 'flash-unseen')).length, 1, 'the one that was opened has none');
    t.match(unseen, { count: 1 });
    const kinds = told.map((text) => JSON.parse(text).kind);
    t.equal(kinds.filter((kind) => kind === 'flash-unseen').length, 1, 'told once');
    t.equal(kinds.filter((kind) => kind === 'flash-undelivered').length, 1, 'told once');
    for (const text of told) t.notMatch(text, /Công điện|83[123]|UBND-VP/, 'nothing of the document');
  },
);

t.test(
  'the digest of a working day is told once, in numbers, to those on duty and to the heads',
  async (t) => {
    const { SMTPServer } = await import('smtp-server');
    const mails: { readonly to: string[]; readonly text: string }[] = [];
    const smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData(stream, session, done) {
        let text = '';
        stream.on('data', (piece: Buffer) => {
          text += piece.toString('utf8');
        });
        stream.on('end', () => {
          // Alarms of flash documents of before are told too, and not meant here.
          if (/^x-lienthong-kind: digest/im.test(text))
            mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
          done();
        });
      },
    });
    const port = await freePorts();
    await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
    // The next Tuesday at 16:00 in Vietnam.
    const hourMs = 3_600_000;
    const local = () => new Date(clock.nowMs() + 7 * hourMs);
    do clock.move(24 * hourMs);
    while (local().getUTCDay() !== 2);
    clock.move((16 - local().getUTCHours()) * hourMs - local().getUTCMinutes() * 60_000);
    const options = {
      mail: { host: '127.0.0.1', port, from: 'nut@tayvinh.gov.vn', to: ['truc@tayvinh.gov.vn'] },
      digest: { at: '16:30' },
    };
    const open = () =>
      startNotifier(options, { edge: b.node.edge, log: quiet, clock, url: 'http://localhost:8090' });
    const first = open();
    await systemClock.sleep(30);
    t.equal(mails.length, 0, 'not before its time');
    clock.move(31 * 60_000);
    const [mail] = await eventually(async () => (mails.length > 0 ? mails : undefined));
    t.strictSame(mail!.to.sort(), [
      'leader.rieng@tayvinh.gov.vn',
      'leader@tayvinh.gov.vn',
      'truc@tayvinh.gov.vn',
    ]);
    const text = Buffer.from(
      mail!.text.split('\r\n\r\n').slice(1).join('').replace(/\s/g, ''),
      'base64',
    ).toString();
    const plain = /base64/i.test(mail!.text)
      ? text
      : mail!.text
          .replace(/=\r\n/g, '')
          .replace(/(=[0-9A-F]{2})+/g, (hex) => Buffer.from(hex.replace(/=/g, ''), 'hex').toString());
    t.match(plain, /Văn bản đến chờ tiếp nhận: \d/);
    t.match(plain, /Việc quá hạn: 1/);
    t.notMatch(plain, /Công điện|Về việc|UBND-VP|Tham mưu/);
    await first.close();
    const second = open();
    clock.move(61_000);
    await systemClock.sleep(50);
    t.equal(mails.length, 1, 'a restart tells it no second time');
    await second.close();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
  },
);

t.test(
  'on the office network the console speaks TLS 1.3 under its name, with a Secure cookie, and nothing without it',
  async (t) => {
    const dir = temporaryDir('console-tls');
    const [certificateFile, keyFile] = [join(dir, 'console.pem'), join(dir, 'console.key')];
    const name = 'vanban.tayvinh.gov.vn';
    // prettier-ignore
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=DNS:${name}`,
        '-keyout',
        keyFile,
        '-out',
        certificateFile,
      ],
      { stdio: 'ignore' },
    );
    const open = (config: object) =>
      startConsole({
        edge: b.node.edge,
        log: quiet,
        clock,
        config: { address: '0.0.0.0', port: 0, name, ...config },
      });
    await t.rejects(open({}), { code: 'config-invalid' }, 'beyond this machine only over TLS');
    await t.rejects(open({ tls: { certificateFile, keyFile: join(dir, 'nothing') } }), {
      code: 'config-invalid',
    });
    const running = await open({ tls: { certificateFile, keyFile } });
    t.teardown(() => running.close());
    t.equal(running.url, `https://${name}:${running.port}`);
    const ca = readFileSync(certificateFile);
    type Answer = { status: number; headers: IncomingHttpHeaders; protocol: string };
    const ask = (options: RequestOptions, body = '') =>
      new Promise<Answer>((resolve, reject) => {
        const request = httpsRequest(
          { host: '127.0.0.1', port: running.port, servername: name, ca, ...options },
          (response) => {
            response.resume();
            const { socket, statusCode = 0, headers } = response;
            resolve({ status: statusCode, headers, protocol: (socket as TLSSocket).getProtocol() ?? '' });
          },
        );
        request.once('error', reject);
        request.end(body);
      });
    const host = `${name}:${running.port}`;
    t.match(await ask({ path: '/', headers: { host } }), {
      status: 200,
      protocol: 'TLSv1.3',
      headers: { 'strict-transport-security': /max-age/, 'content-security-policy': /default-src 'none'/ },
    });
    t.match(await ask({ path: '/', headers: { host: 'another.example' } }), { status: 400 }, 'another name');
    await t.rejects(ask({ path: '/', headers: { host }, maxVersion: 'TLSv1.2' }), 'an older TLS');
    clock.move(120_000);
    const signedIn = await ask(
      {
        method: 'POST',
        path: '/c/v1/sign-in',
        headers: {
          host,
          origin: `https://${host}`,
          'x-lienthong': 'console',
          'content-type': 'application/json',
        },
      },
      JSON.stringify({ email: b.email, password }),
    );
    t.match(
      signedIn.headers['set-cookie']?.[0],
      /^__Host-lienthong-.*; HttpOnly; SameSite=Strict; .*Secure$/,
    );
    await t.rejects(fetch(`http://127.0.0.1:${running.port}/`), 'no plain HTTP');
  },
);

const naughty = sharedData('names-and-archives/blns.json');
const noNaughty = existsSync(naughty) ? false : 'needs ../shared/data/names-and-archives';
t.test(
  'naughty texts in people, books, reminders, lists and searches are kept or refused, and never a page',
  { skip: noNaughty },
  async (t) => {
    const strings = JSON.parse(readFileSync(naughty, 'utf8')) as string[];
    clock.move(120_000);
    await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
    const odd: string[] = [];
    /** Answered or refused in words; never a fault, never as a page. */
    const ask = async (method: string, path: string, body?: object) => {
      const { status, json, headers } = await clerks.b.ask(method, path, body);
      const type = headers.get('content-type') ?? '';
      if (!/json/.test(type) || status >= 500 || (status !== 200 && !json?.code))
        odd.push(`${method} ${path} ${status} ${type}`);
      return json;
    };
    const person = {
      email: 'officer@tayvinh.gov.vn',
      desk: '',
      roles: ['officer'],
      decision: '',
      decisionDate: '',
    };
    let entered = 0;
    for (const [at, text] of strings.entries()) {
      const some = [...text.toWellFormed()].slice(0, 90).join('');
      const fields = {
        author: some,
        notation: some,
        type: some,
        subject: text,
        signer: some,
        places: text,
        keeper: some,
        receipt: some,
        note: text,
      };
      if ((await ask('POST', '/c/v1/registers/in', { fields }))?.entry) entered += 1;
      await ask('POST', '/c/v1/people/change', {
        ...person,
        name: some,
        position: some,
        decision: some.slice(0, 60),
      });
      // One commit each: in turn, so that a gate need not wait for all of them.
      if (at % 3 === 0)
        await ask('POST', '/c/v1/views', { list: 'in', name: some, query: text.slice(0, 900) });
      if (at % 3 === 1) await ask('POST', '/c/v1/nudges', { email: some, said: some });
      if (at % 3 === 2) await ask('GET', `/c/v1/inbox?text=${encodeURIComponent(some)}`);
    }
    t.strictSame(odd, [], `${strings.length} texts`);
    t.ok(entered > 100, `${entered} are ordinary to a register`);
    t.equal(
      (await clerks.b.get('/c/v1/registers/in?limit=100')).headers.get('x-content-type-options'),
      'nosniff',
    );
    const csv = await clerks.b.get('/c/v1/registers/in/files/csv');
    t.strictSame(csv.text.match(/(^|;|\n)"?[=@]\w.*$/gm), null, 'no cell begins as a formula');
    await ask('POST', '/c/v1/people/change', { ...person, name: 'Phạm Chuyên Viên', position: '' });
  },
);

t.test(
  'figures, practice and several at once in the browser; practice makes no request and leaves no trace',
  { skip: noBrowser },
  async (t) => {
    const faults: string[] = [];
    const page = await (await openContext(browser!)).newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => faults.push(error.message));
    clock.move(120_000);
    await signInPage(page, b);
    const look = async (name: string) => t.strictSame(await faultsOf(page), [], `axe: ${name}`);
    for (const [path, heading] of [
      ['/thong-ke', 'Thống kê'],
      ['/theo-doi', 'Việc đang mở theo người'],
      ['/he-thong/kiem-tra', 'Đường truyền tới trung tâm'],
    ] as const) {
      await page.goto(b.consoleUrl() + path);
      await page.getByRole('heading', { name: heading }).waitFor();
      await look(path);
      t.equal(await page.getByRole('alert').count(), 0, `nothing failed on ${path}`);
    }

    const before = {
      sent: (await b.node.edge.outbox({})).rows.length,
      audit: (await b.node.edge.audit({ limit: 1 })).rows[0]!.id,
    };
    await page.goto(`${b.consoleUrl()}/thuc-hanh`);
    await page.getByText('CHẾ ĐỘ THỰC HÀNH', { exact: false }).waitFor();
    await look('/thuc-hanh');
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') asked.push(`${request.method()} ${request.url()}`);
    });
    await page.getByRole('button', { name: 'Về việc chủ động ứng phó' }).click();
    await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
    await page.getByText('Đã tiếp nhận, số đến 1 (mẫu)').waitFor();
    for (const [subject, reason] of [
      ['Kết quả kiểm kê', 'Sai nơi nhận'],
      ['Kết luận cuộc họp', 'Chữ ký số không hợp lệ'],
    ] as const) {
      await page.getByRole('button', { name: 'Về danh sách' }).click();
      await page.getByRole('button', { name: subject }).click();
      await page.getByRole('button', { name: 'Trả lại' }).click();
      await page.getByLabel('Lý do').selectOption(reason);
      await page.getByRole('button', { name: 'Trả lại' }).last().click();
      await page.getByText(`Đã trả lại: ${reason} (mẫu)`).waitFor();
    }
    await page.getByLabel('Số', { exact: true }).fill('1');
    await page.getByLabel('Ký hiệu').fill('UBND-TH');
    await page.getByLabel('Trích yếu nội dung').fill('Tập gửi');
    await page.getByLabel('UBND xã Mẫu Một').check();
    await page.getByLabel('Phòng Mẫu Ba').check();
    await page.getByRole('button', { name: 'Gửi…' }).click();
    await page.getByRole('button', { name: 'Gửi', exact: true }).click();
    await page.getByText('Bạn đã làm xong cả bốn việc', { exact: false }).waitFor();
    t.strictSame(asked, [], 'nothing was sent from the page');
    t.equal((await b.node.edge.outbox({})).rows.length, before.sent, 'nothing reached the outbox');
    t.equal((await b.node.edge.audit({ limit: 1 })).rows[0]!.id, before.audit, 'nothing was written');
    await page.reload();
    await page.getByText('CHẾ ĐỘ THỰC HÀNH', { exact: false }).waitFor();
    t.equal(await page.getByText('(mẫu)').filter({ hasText: 'Đã trả lại' }).count(), 0, 'gone with the page');

    // Two that wait, named before, each with a number of its own.
    const waiting = async () => (await b.node.edge.inbox({ unit: b.unit, codes: ['01'] })).rows.length;
    const many = await waiting();
    await page.goto(`${b.consoleUrl()}/den?trang-thai=waiting`);
    for (const number of ['831', '833']) await page.getByLabel(`Chọn ${number}/UBND-VP`).check();
    await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
    await page.getByRole('heading', { name: 'Tiếp nhận 2 văn bản?' }).waitFor();
    await look('bulk');
    await page.getByRole('dialog').getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
    await page.getByText('Đã tiếp nhận 2 văn bản.').waitFor();
    t.equal(await waiting(), many - 2);
    t.strictSame(faults, [], 'no fault in any page');
    await page.close();
  },
);

t.test('a term from the acceptance counts in lists and terms until a task has one of its own', async (t) => {
  clock.move(120_000);
  await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
  const ids: Record<string, string> = {};
  for (const key of ['861', '862']) {
    await send(key);
    ids[key] = await eventually(async () => {
      const { rows } = await b.node.edge.inbox({ unit: b.unit });
      return rows.find(({ number }) => number === key)?.envelopeId;
    });
  }
  const in_ = (days: number) => `${dayOf(clock.nowMs() + days * 86_400_000)}T17:00:00+07:00`;
  const at = `/c/v1/documents/in/${ids['861']}`;
  for (const due of [in_(-1), 'mai'])
    t.match((await clerks.b.post(`${at}/accept`, { due })).json, {
      code: 'request-malformed',
      violations: [{ field: '/due' }],
    });
  const dueMs = Date.parse(in_(3));
  t.match(await clerks.b.post(`${at}/accept`, { due: in_(3) }), { status: 200 });
  const { json: view } = await clerks.b.get(at);
  t.equal(view.envelopes[0].recipients[0].dueMs, dueMs);
  const listed = async (due: string) =>
    (await clerks.b.get(`/c/v1/inbox?due=${due}`)).json.rows
      .filter(({ number }: { number: string }) => number === '861')
      .map((row: { dueMs: number }) => row.dueMs);
  t.same([await listed('running'), await listed('late')], [[dueMs], []]);
  const terms = async () =>
    (await b.node.edge.office.due({ unit: b.unit, all: true }))
      .filter(({ rule, documentId }) => rule === 'task' && documentId === view.documentId)
      .map((row) => [row.dueMs, row.who]);
  t.same(await terms(), [[dueMs, '']]);
  const sheet = await b.node.edge.office.sheet({
    unit: b.unit,
    kind: 'in',
    sheet: 'followup',
    format: 'csv',
  });
  const written = in_(3).slice(0, 10).split('-').reverse().join('/');
  t.ok(Buffer.from(sheet.bytes).toString('utf8').includes(written), 'and in the book of terms');
  await clerks.b.post(`${at}/forward`, { to: [{ who: b.email, lead: true }], instruction: '', due: in_(1) });
  t.same(await terms(), [[Date.parse(in_(1)), b.email]], 'the task has its own');
  t.same(await listed('running'), [Date.parse(in_(1))]);

  if (noBrowser) return;
  const page = await (await openContext(browser!)).newPage();
  await signInPage(page, b);
  await page.goto(`${b.consoleUrl()}/den/${ids['862']}`);
  await page.getByRole('button', { name: 'Tiếp nhận và vào sổ' }).click();
  await page.getByLabel('Hạn xử lý (nếu có)').fill(written);
  t.strictSame(await faultsOf(page), [], 'axe: acceptance with a term');
  await page.keyboard.press('Control+Enter');
  await page.locator('dl.facts').getByText(written).waitFor();
  await page.getByRole('button', { name: 'Chuyển xử lý' }).click();
  t.equal(await page.getByLabel('Hạn xử lý', { exact: true }).inputValue(), written, 'offered to the task');
  await page.close();
});

t.test('a try that failed says why, and when the next one is', async (t) => {
  const quota = (bytes: number | null) => {
    const db = openDatabase(join(hub.dir, 'hub.sqlite'));
    db.run('UPDATE units SET quota_bytes = ? WHERE unit = ?', bytes, a.unit);
    db.close();
  };
  quota(1);
  const { documentId } = await send('871');
  const waiting = (tries: number) =>
    eventually(async () => {
      const [sending] = (await a.node.edge.show(documentId, { direction: 'out' })).envelopes;
      return sending?.nextMs !== undefined && sending.attempts >= tries ? sending : undefined;
    });
  t.match(await waiting(1), { lastError: 'quota-exceeded', attempts: 1 });
  clock.move(61_000);
  a.node.edge.retryNow();
  const { nextMs } = await waiting(2);
  if (!noBrowser) {
    const page = await (await openContext(browser!)).newPage();
    await signInPage(page, a);
    await page.goto(`${a.consoleUrl()}/di/${documentId}`);
    const time = new Date(nextMs! + 7 * 3_600_000).toISOString().slice(11, 16);
    await page.getByText(`Chờ gửi lại lúc ${time} (lần 3): đơn vị đã dùng hết dung lượng được cấp`).waitFor();
    t.strictSame(await faultsOf(page), [], 'axe: waits for the next try');
    await page.getByRole('button', { name: 'Gửi ngay' }).click();
    await page.getByText('Đang thử gửi ngay.').waitFor();
    await waiting(3);
    await page.goto(`${a.consoleUrl()}/di?trang-thai=unsent`);
    await page.getByText(/^Chờ gửi lại lúc \d\d:\d\d\./).waitFor();
    t.strictSame(await faultsOf(page), [], 'axe: waits, in the list');
    quota(null);
    await page.getByRole('button', { name: 'Gửi ngay' }).click();
    await page.getByText('Đang thử gửi ngay.').waitFor();
    await page.close();
  }
  quota(null);
  // No clock is moved: without being asked it would wait for its time.
  if (noBrowser) await clerks.a.post(`/c/v1/documents/out/${documentId}/retry`);
  await eventually(async () =>
    (await a.node.edge.show(documentId, { direction: 'out' })).state === 'delivered' ? true : undefined,
  );
});

t.test(
  'keys of the REST API: made by the administrator, shown once, ended at once, in the audit',
  async (t) => {
    clock.move(120_000);
    await clerks.b.post('/c/v1/sign-in', { email: b.email, password });
    const known = async (key: string) =>
      (await fetch(b.url('/v1/units'), { headers: { authorization: `Bearer ${key}` } })).status;
    t.match((await clerks.b.post('/c/v1/keys', { name: 'Phần mềm' })).json, { code: 'request-malformed' });
    const { json } = await clerks.b.post('/c/v1/keys', { name: 'e-office' });
    t.equal(await known(json.key), 200);
    t.match((await clerks.b.post('/c/v1/keys', { name: 'e-office' })).json, { code: 'request-malformed' });
    const { json: list } = await clerks.b.get('/c/v1/keys');
    t.same(list.rows.map(({ name }: { name: string }) => name).sort(), ['e-office', 'test']);
    t.notMatch(JSON.stringify(list), json.key);
    t.match(await clerks.b.post('/c/v1/keys/remove', { name: 'e-office' }), { status: 200 });
    t.equal(await known(json.key), 401);
    t.match(
      (await b.node.edge.audit({ limit: 10 })).rows.filter(({ act }) => /^token-/.test(act)),
      [
        { act: 'token-remove', about: 'e-office', actor: b.email },
        { act: 'token-add', about: 'e-office', actor: b.email },
      ],
    );
    t.match((await clerks.b.get('/c/v1/status')).json, { version: /^\d+\.\d+/ });
    // A key opens the documents of all units of a node: one unit's administrator makes none where there are others.
    const { edge } = b.node;
    const shared = await startConsole({
      edge: { ...edge, units: () => [...edge.units(), ...a.node.edge.units()] },
      log: quiet,
      clock,
      config: { address: '127.0.0.1', port: 0 },
      tokens: await openTokens(b.dir),
    });
    t.teardown(() => shared.close());
    const there = consoleClient({ ...b, consoleUrl: () => `http://127.0.0.1:${shared.port}` });
    await there.post('/c/v1/sign-in', { email: b.email, password });
    t.match((await there.get('/c/v1/keys')).json, { here: false });
    t.match((await there.post('/c/v1/keys', { name: 'x' })).json, { code: 'right-missing' });
    t.match((await there.post('/c/v1/keys/remove', { name: 'test' })).json, { code: 'right-missing' });

    if (noBrowser) return;
    const page = await (await openContext(browser!)).newPage();
    await signInPage(page, b);
    await page.goto(`${b.consoleUrl()}/he-thong/khoa-api`);
    await page.getByRole('button', { name: 'Tạo khóa' }).click();
    await page.getByLabel(/Tên khóa/).fill('quan-ly-van-ban');
    await page.keyboard.press('Control+Enter');
    const shown = await page.getByRole('dialog').locator('code').innerText();
    t.equal(await known(shown), 200);
    t.strictSame(await faultsOf(page), [], 'axe: a new key');
    await page.getByRole('button', { name: 'Đã chép, đóng lại' }).click();
    t.notMatch(await page.locator('body').innerText(), shown);
    page.once('dialog', (asked) => void asked.accept());
    await page.getByRole('button', { name: 'Hủy khóa: quan-ly-van-ban' }).click();
    await page.getByText('Đã hủy khóa quan-ly-van-ban.').waitFor();
    t.equal(await known(shown), 401);
    t.strictSame(await faultsOf(page), [], 'axe: keys');
    await page.close();
  },
);
