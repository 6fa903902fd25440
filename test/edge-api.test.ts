// The local API and the commands of a node, over real sockets, with a real hub behind: what office software and a clerk rely on.
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { formatInvitation, parseInvitation } from '../certs/invitation.ts';
import { openTokens } from '../edge-node/api/access.ts';
import { checksOf } from '../edge-node/api/ready.ts';
import { parseRange } from '../edge-node/api/send-part.ts';
import { createAjv } from '../edge-node/api/validate.ts';
import { enrolNode } from '../edge-node/enrol.ts';
import { startNode } from '../edge-node/main.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { type BackupState, backupState } from '../protocol/node/backup-record.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { controlRequest } from '../protocol/node/control.ts';
import { quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, inviteUnit, type Office, openOffice, seeEachOther } from './support/office.ts';
import { cli, startCli } from './support/run-cli.ts';
import { sharedData } from './support/shared-data.ts';

const hub = await startTestHub();
const a: Office = await openOffice(hub.hub, 'H08.35.12');
const b: Office = await openOffice(hub.hub, 'H08.35.13');
t.teardown(async () => {
  await Promise.all([a.node.close(), b.node.close()]);
  await hub.close();
});
await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);

type Problem = { code: string; detail?: string; status: number };
const post = (body: unknown, key?: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const base64 = (text: string) => Buffer.from(text).toString('base64');
const small = { name: 'quyết-định.txt', mediaType: 'text/plain', contentBase64: base64('Điều 1.') };
const document = {
  recipients: ['H08.35.13'],
  subject: 'Về việc thử',
  number: '12',
  notation: 'QĐ-UBND',
  parts: [small],
};

t.test('a document handed in is accepted once, delivered, and its story and parts can be read', async (t) => {
  const first = await a.fetch('/v1/documents', post(document, 'k-1'));
  t.equal(first.status, 202);
  const { documentId } = (await first.json()) as { documentId: string };
  t.equal(first.headers.get('location'), `/v1/documents/${documentId}`);
  const again = await a.fetch('/v1/documents', post({ ...document, idempotencyKey: 'k-1' }));
  t.equal(again.status, 200, 'the same key is the same document');
  t.match(await again.json(), { documentId, duplicate: true });
  const other = await a.fetch('/v1/documents', post({ ...document, subject: 'khác' }, 'k-1'));
  t.match(await other.json(), { code: 'idempotency-conflict' });

  const seen = await eventually(async () => {
    const view = (await (await a.fetch(`/v1/documents/${documentId}`)).json()) as { state: string };
    return view.state === 'delivered' ? view : undefined;
  });
  t.match(seen, { envelopes: [{ recipients: [{ code: 'H08.35.13', state: 'delivered' }] }] });
  const inbox = (await (await b.fetch('/v1/inbox')).json()) as {
    rows: { envelopeId: string; subject: string }[];
  };
  t.equal(inbox.rows[0]?.subject, document.subject);
  const part = await b.fetch(`/v1/inbox/${inbox.rows[0]?.envelopeId}/parts/0`);
  t.equal(await part.text(), 'Điều 1.');
  t.equal(
    part.headers.get('content-disposition'),
    `attachment; filename="quyet-dinh.txt"; filename*=UTF-8''quy%E1%BA%BFt-%C4%91%E1%BB%8Bnh.txt`,
  );
  t.equal(part.headers.get('x-content-type-options'), 'nosniff');
  const proof = await a.fetch(`/v1/documents/${documentId}/proof?metadata=true`);
  t.equal(proof.status, 200);
  t.ok((await proof.arrayBuffer()).byteLength > 1000, 'a proof file');
  const cancel = await a.fetch(`/v1/documents/${documentId}/cancel`, { method: 'POST' });
  t.match(await cancel.json(), { code: 'document-state-refused' });
});

t.test('a large file is uploaded, and read back in ranges', async (t) => {
  const bytes = randomBytes(5 * 1024 * 1024 + 17);
  const up = await a.fetch('/v1/uploads', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Blob([bytes]).stream(),
    duplex: 'half',
  });
  t.equal(up.status, 201);
  const { uploadId, sha256Hex, lengthBytes } = (await up.json()) as {
    uploadId: string;
    sha256Hex: string;
    lengthBytes: number;
  };
  t.equal(sha256Hex, createHash('sha256').update(bytes).digest('hex'));
  t.equal(lengthBytes, bytes.length);
  const handed = await a.fetch(
    '/v1/documents',
    post(
      {
        ...document,
        number: '13',
        subject: 'lớn',
        parts: [{ name: 'ban-do.tif', mediaType: 'image/tiff', uploadId }],
      },
      'k-2',
    ),
  );
  t.equal(handed.status, 202);
  const row = await eventually(async () => {
    const page = (await (await b.fetch('/v1/inbox')).json()) as {
      rows: { envelopeId: string; subject: string }[];
    };
    return page.rows.find(({ subject }) => subject === 'lớn');
  });
  const path = `/v1/inbox/${row.envelopeId}/parts/0`;
  const whole = Buffer.from(await (await b.fetch(path)).arrayBuffer());
  t.ok(whole.equals(bytes), 'the same bytes');
  const range = await b.fetch(path, { headers: { range: 'bytes=1048570-1048590' } });
  t.equal(range.status, 206);
  t.equal(range.headers.get('content-range'), `bytes 1048570-1048590/${bytes.length}`);
  t.ok(Buffer.from(await range.arrayBuffer()).equals(bytes.subarray(1048570, 1048591)), 'the range');
  const beyond = await b.fetch(path, { headers: { range: 'bytes=99999999-' } });
  t.equal(beyond.status, 416);
  t.equal(beyond.headers.get('content-range'), `bytes */${bytes.length}`);
  const stale = await b.fetch(path, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
  t.equal(stale.status, 200, 'another validator gets the whole');
  await stale.arrayBuffer();
});

t.test('ranges are read as RFC 9110 says', async (t) => {
  t.strictSame(parseRange('bytes=0-0', 10), { from: 0, to: 1 });
  t.strictSame(parseRange('bytes=5-', 10), { from: 5, to: 10 });
  t.strictSame(parseRange('bytes=-3', 10), { from: 7, to: 10 });
  t.strictSame(parseRange('bytes=-30', 10), { from: 0, to: 10 });
  t.strictSame(parseRange('bytes=0-99', 10), { from: 0, to: 10 });
  for (const ignored of [undefined, 'lines=1-2', 'bytes=1-2,4-5', 'bytes=5-2', 'bytes=-', 'bytes=a-b'])
    t.equal(parseRange(ignored, 10), undefined, String(ignored));
  for (const refused of ['bytes=10-', 'bytes=-0'])
    t.throws(() => parseRange(refused, 10), { code: 'range-refused' });
  t.throws(() => parseRange('bytes=0-', 0), { code: 'range-refused' });
});

t.test('a request that is not right is refused with every field named, and never with 500', async (t) => {
  const wrong = await a.fetch(
    '/v1/documents',
    post(
      { recipients: 'H08', parts: [{ name: 1, contentBase64: '***' }], pages: '3', surprise: true },
      'k-3',
    ),
  );
  t.equal(wrong.status, 400);
  const { code, detail = '' } = (await wrong.json()) as Problem;
  t.equal(code, 'request-malformed');
  for (const field of [
    '/recipients',
    '/parts/0/name',
    '/parts/0/mediaType',
    '/parts/0/contentBase64',
    '/pages',
    '/surprise',
  ])
    t.ok(detail.includes(field), field);
  const cases: [unknown, string][] = [
    [{ ...document, parts: [{ ...small, uploadId: 'x' }] }, 'contentBase64 or uploadId'],
    ...['QUI', 'QUI==', 'Q=I=', 'QU-_', 'QUJ\nQQ==', 'QŁJD', 'Q\u00a0I='].map(
      (contentBase64): [unknown, string] => [
        { ...document, parts: [{ ...small, contentBase64 }] },
        '/parts/0/contentBase64: must be base64',
      ],
    ),
    [{ ...document, deliverBy: 'tomorrow' }, '/deliverBy'],
    [{ ...document, subject: 'ễ'.repeat(1500) }, '/subject: more than 2000 bytes'],
    ['{"recipients":["H08.35.13"],"parts":[],"subject":"\\ud800"}', 'well-formed Unicode'],
    [`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'more than'],
    [Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, i])), 'more than'],
    [document, 'Idempotency-Key'],
  ];
  for (const [body, words] of cases) {
    const answer = await a.fetch(
      '/v1/documents',
      post(body, words === 'Idempotency-Key' ? undefined : 'k-4'),
    );
    const problem = (await answer.json()) as Problem;
    t.equal(problem.code, 'request-malformed', words);
    t.ok(problem.detail?.includes(words), `${words}: ${problem.detail?.slice(0, 80)}`);
  }
  t.equal((await a.fetch('/v1/documents?x=1')).status, 400, 'an unknown query field');
  t.equal((await a.fetch('/v1/documents/nonsense')).status, 400);
  t.match(await (await a.fetch(`/v1/documents/${crypto.randomUUID()}`)).json(), { code: 'document-unknown' });
  t.match(await (await a.fetch('/v1/documents', post({ ...document, recipients: ['X99'] }, 'k-5'))).json(), {
    code: 'unit-unknown',
  });
  const hollow = { ...document, parts: [small, { ...small, name: 'phụ lục.txt', contentBase64: '' }] };
  t.match(await (await a.fetch('/v1/documents', post(hollow, 'k-6'))).json(), {
    code: 'file-empty',
    violations: [{ field: '/parts/1', vi: 'Tệp (thứ 2) rỗng (0 byte).' }],
  });
  t.equal((await a.fetch('/v1/uploads', post({}))).status, 415);
});

t.test('no broken JSON gets anything but 400', async (t) => {
  const folder = sharedData('json-parsing');
  if (!fs.existsSync(folder)) {
    t.pass('the suite is not on this machine');
    return;
  }
  const names = fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /(^|\/)n_[^/]*$/.test(name));
  t.ok(names.length > 100, `${names.length} files`);
  for (const name of names) {
    const answer = await a.fetch('/v1/documents', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k-n' },
      body: fs.readFileSync(join(folder, name)),
    });
    if (answer.status !== 400) t.fail(`${name}: ${answer.status}`);
    await answer.arrayBuffer();
  }
});

t.test('without a token nothing but health is answered, and a rebound name is refused', async (t) => {
  for (const headers of [{}, { authorization: 'Bearer ltk_wrong' }, { authorization: `Basic ${a.token}` }]) {
    const answer = await fetch(a.url('/v1/inbox'), { headers: headers as Record<string, string> });
    t.equal(answer.status, 401);
    t.equal(answer.headers.get('www-authenticate'), 'Bearer');
    t.match(await answer.json(), { code: 'token-missing' });
  }
  t.equal((await fetch(a.url('/healthz'))).status, 200);
  const metrics = await (await fetch(a.url('/metrics'))).text();
  t.match(metrics, /lienthong_node_hub_connected 1/);
  t.notMatch(metrics, new RegExp(a.unit), 'no label names a unit');
  const ready = (await (await fetch(a.url('/readyz'))).json()) as { checks: { name: string }[] };
  t.ok(ready.checks.some(({ name }) => name === 'hub'));
  const rebound = await new Promise<number>((resolve) =>
    httpRequest(
      {
        port: a.node.local.port,
        host: '127.0.0.1',
        path: '/v1/inbox',
        headers: { host: 'evil.example', authorization: `Bearer ${a.token}` },
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    ).end(),
  );
  t.equal(rebound, 400);
  const stored = fs.readFileSync(join(a.dir, 'tokens.json'), 'utf8');
  t.notOk(stored.includes(a.token), 'the token itself is not kept');
  const loose = t.testdir({ 'tokens.json': stored });
  fs.chmodSync(join(loose, 'tokens.json'), 0o620);
  await t.rejects(openTokens(loose), { code: 'key-file-loose' }, 'who may write it makes himself a token');
});

t.test('openapi.json describes every field, and answers are what it says', async (t) => {
  type Schema = { type?: unknown; description?: string; properties?: Record<string, Schema>; items?: Schema };
  type Operation = {
    responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
    requestBody?: { content: Record<string, { schema: Schema }> };
  };
  const api = (await (await fetch(a.url('/openapi.json'))).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const bare: string[] = [];
  const walk = (schema: Schema | undefined, at: string): void => {
    for (const [name, inner] of Object.entries(schema?.properties ?? {})) {
      if (!inner.description && !inner.items?.description) bare.push(`${at}/${name}`);
      walk(inner, `${at}/${name}`);
    }
    if (schema?.items) walk(schema.items, `${at}[]`);
  };
  for (const [path, operations] of Object.entries(api.paths))
    for (const { requestBody, responses } of Object.values(operations)) {
      for (const { schema } of Object.values(requestBody?.content ?? {})) walk(schema, path);
      for (const { content } of Object.values(responses))
        for (const { schema } of Object.values(content ?? {})) walk(schema, path);
    }
  t.strictSame(bare, [], 'fields without a description');
  const ajv = createAjv();
  const inbox = (await (await b.fetch('/v1/inbox')).json()) as { rows: { envelopeId: string }[] };
  const sent = (await (await a.fetch('/v1/documents')).json()) as { rows: { documentId: string }[] };
  const real: [string, string, Office][] = [
    ['/v1/documents', '/v1/documents', a],
    ['/v1/documents/{id}', `/v1/documents/${sent.rows[0]?.documentId}`, a],
    ['/v1/inbox', '/v1/inbox', b],
    ['/v1/inbox/{id}', `/v1/inbox/${inbox.rows[0]?.envelopeId}`, b],
    ['/v1/units', '/v1/units', a],
    ['/v1/directory', '/v1/directory?q=xa', a],
    ['/v1/status', '/v1/status', a],
    ['/readyz', '/readyz', a],
  ];
  for (const [path, url, office] of real) {
    const schema = api.paths[path]?.get?.responses['200']?.content?.['application/json']?.schema ?? {};
    const answer = await (await office.fetch(url)).json();
    const validate = ajv.compile(schema);
    t.ok(
      validate(answer),
      `${path} ${JSON.stringify(validate.errors?.slice(0, 3).map((e) => [e.instancePath, e.message, e.params]))}`,
    );
  }
});

t.test('the control socket needs no token', async (t) => {
  const { body } = await controlRequest(a.dir, 'GET', '/v1/status');
  t.match(body, { hub: { state: 'connected' } });
  t.equal(fs.statSync(join(a.dir, 'control.sock')).mode & 0o777, 0o600);
});

t.test('enrolment: the same invitation again, a further unit, a false root, a foreign hub', async (t) => {
  const enrol = (dir: string, invitation: string) =>
    enrolNode({ dir, invitations: [invitation], clock: systemClock, version: 'test', config: {} });
  const dir = join(temporaryDir('enrol'), 'node');
  const first = await inviteUnit(hub.hub, 'H08.35.20');
  const done = await enrol(dir, first.invitation);
  t.match(done, { units: [{ unit: first.unit, code: 'H08.35.20', again: false }] });
  t.match(await enrol(dir, first.invitation), { nodeId: done.nodeId, units: [{ again: true }] }, 'once more');
  // As if the answer had been lost: what was stored of it is gone, the keys are there.
  const key = fs.readFileSync(join(dir, 'keys', `seal-${first.unit}.pem`));
  const { invitation } = (
    JSON.parse(fs.readFileSync(join(dir, 'identity.json'), 'utf8')) as { units: { invitation: string }[] }
  ).units[0]!;
  fs.rmSync(join(dir, 'identity.json'));
  fs.writeFileSync(join(dir, 'keys', `pending-${invitation}.pem`), key, { mode: 0o600 });
  t.match(
    await enrol(dir, first.invitation),
    { nodeId: done.nodeId, units: [{ unit: first.unit }] },
    'a lost answer',
  );
  const second = await inviteUnit(hub.hub, 'H08.35.21');
  t.match(
    await enrol(dir, second.invitation),
    { nodeId: done.nodeId, units: [{ unit: second.unit, again: false }] },
    'a further unit on the same node',
  );
  t.equal((fs.statSync(join(dir, 'keys')).mode & 0o777).toString(8), '700');
  const other = parseInvitation((await inviteUnit(hub.hub, 'H08.35.22')).invitation);
  const false_ = formatInvitation({ ...other, rootFingerprint: randomBytes(32) });
  await t.rejects(enrol(join(temporaryDir('enrol'), 'node'), false_), { code: 'root-fingerprint-mismatch' });
  const foreign = await startTestHub({ code: 'H09' });
  t.teardown(() => foreign.close());
  await t.rejects(enrol(dir, (await inviteUnit(foreign.hub, 'H09.1')).invitation), {
    code: 'config-invalid',
  });
  const late = { ...systemClock, nowMs: () => systemClock.nowMs() + 3_600_000 };
  const invited = await inviteUnit(hub.hub, 'H08.35.23');
  await t.rejects(
    enrolNode({
      dir: join(temporaryDir('enrol'), 'node'),
      invitations: [invited.invitation],
      clock: late,
      version: 'test',
    }),
    { code: 'certificate-not-yet-valid', detail: /60 minutes ahead/ },
  );
});

t.test('commands work with the running node and on the files when none runs', async (t) => {
  const file = join(temporaryDir('cli'), 'tờ trình.txt');
  fs.writeFileSync(file, 'Kính gửi');
  const sent = await cli(
    'send',
    '--dir',
    a.dir,
    '--to',
    'H08.35.13',
    '--subject',
    'Từ dòng lệnh',
    '--json',
    file,
  );
  t.equal(sent.code, 0, sent.err);
  const { documentId } = JSON.parse(sent.out) as { documentId: string };
  const twice = JSON.parse(
    (await cli('send', '--dir', a.dir, '--to', 'H08.35.13', '--subject', 'Từ dòng lệnh', '--json', file)).out,
  );
  t.match(twice, { documentId, duplicate: true }, 'the same command hands in once');
  const arrived = await eventually(async () => {
    const { rows } = JSON.parse((await cli('inbox', '--dir', b.dir, '--json')).out) as {
      rows: { documentId: string; envelopeId: string }[];
    };
    return rows.find((row) => row.documentId === documentId);
  }, 30);
  const to = temporaryDir('fetched');
  t.equal((await cli('fetch', arrived.envelopeId, '--dir', b.dir, '--to', to)).code, 0);
  t.equal(fs.readFileSync(join(to, 'tờ trình.txt'), 'utf8'), 'Kính gửi');
  t.equal((await cli('send', '--dir', a.dir, '--to', 'X1', file)).code, 1, 'refused');
  t.equal((await cli('send', '--dir', a.dir, '--to', 'H08.35.13', '/nonexistent')).code, 66);
  t.equal((await cli('send', '--dir', a.dir, file)).code, 2);
  t.equal((await cli('outbox', '--dir', '/nonexistent')).code, 78);
  const shown = await cli('show', documentId, '--dir', a.dir);
  t.match(shown.out, /Từ dòng lệnh/);

  await a.node.close();
  const still = await cli('node', 'status', '--dir', a.dir, '--json');
  t.match(JSON.parse(still.out), { running: false }, still.err);
  const offline = await cli(
    'send',
    '--dir',
    a.dir,
    '--to',
    'H08.35.13',
    '--subject',
    'Khi nghỉ',
    '--json',
    file,
  );
  t.equal(offline.code, 0, offline.err);
  const token = await cli('node', 'token', 'add', 'van-phong', '--dir', a.dir);
  t.match(token.out, /^ltk_/);
  a.node = await startNode({ dir: a.dir, log: quiet });
  t.equal(
    (await fetch(a.url('/v1/units'), { headers: { authorization: `Bearer ${token.out.trim()}` } })).status,
    200,
  );
  const { documentId: late } = JSON.parse(offline.out) as { documentId: string };
  await eventually(async () => ((await a.node.edge.show(late)).state === 'delivered' ? true : undefined));
  t.pass('what was handed in while it stood still was delivered afterwards');
});

t.test('a backup of the running node verifies, restores, and damage is found by name', async (t) => {
  const to = join(temporaryDir('backup'), 'b1');
  type Standing = { backup: BackupState; checks: { name: string; result: string; saidVi?: string }[] };
  const standing = async (dir: string) => {
    const { backup, checks } = JSON.parse(
      (await cli('node', 'status', '--dir', dir, '--json')).out,
    ) as Standing;
    return { backup, check: checks.find(({ name }) => name === 'backup') };
  };
  t.match(await standing(a.dir), {
    backup: { standing: 'none' },
    check: { result: 'warn', saidVi: /Chưa có bản sao lưu nào/ },
  });
  const made = await cli('node', 'backup', '--dir', a.dir, '--to', to, '--copy', '--json');
  t.equal(made.code, 0, made.err);
  const { madeMs, bytes: backedUpBytes } = JSON.parse(made.out) as { madeMs: number; bytes: number };
  t.match(await standing(a.dir), {
    backup: { standing: 'good', last: { path: to, madeMs, bytes: backedUpBytes, missing: 0 } },
    check: { result: 'ok' },
  });
  t.match((await a.node.edge.audit({ limit: 1 })).rows, [{ act: 'backup', about: to }]);
  const week = 7 * 86_400_000;
  t.match(
    checksOf(
      { ...(await a.node.edge.status()), backup: backupState(a.dir, { warnDays: 7, nowMs: madeMs + week }) },
      madeMs + week,
    ).find(({ name }) => name === 'backup'),
    { result: 'warn', saidVi: /đã 7 ngày/ },
  );
  t.equal((await cli('node', 'fsck', '--dir', a.dir)).code, 0, 'clean');
  const restored = join(temporaryDir('restored'), 'node');
  const back = await cli('node', 'restore', '--from', to, '--dir', restored, '--json');
  t.match(JSON.parse(back.out), { restoreCount: Number }, back.err);
  t.equal((await cli('node', 'restore', '--from', to, '--dir', restored)).code, 78, 'never over something');
  t.match(await standing(restored), { backup: { standing: 'none' } }, 'it has no backup of its own yet');
  const clean = await cli('node', 'fsck', '--dir', restored, '--json');
  t.equal(clean.code, 0, clean.out);
  const content = fs
    .readdirSync(join(restored, 'content/sha256'), { recursive: true, withFileTypes: true })
    .find((e) => e.isFile())!;
  const path = join(content.parentPath, content.name);
  const bytes = fs.readFileSync(path);
  bytes[5] = bytes[5]! ^ 1;
  fs.writeFileSync(path, bytes);
  const damaged = await cli('node', 'fsck', '--dir', restored, '--json');
  t.equal(damaged.code, 65);
  t.match(JSON.parse(damaged.out), { clean: false, problems: [{ code: 'content-damaged', part: 0 }] });
  const manifest = JSON.parse(fs.readFileSync(join(to, 'manifest.json'), 'utf8')) as {
    files: { path: string }[];
  };
  for (const { path } of [manifest.files[0]!, manifest.files.at(-1)!]) {
    const copy = join(temporaryDir('bad'), 'b');
    fs.cpSync(to, copy, { recursive: true });
    const original = fs.readFileSync(join(copy, path));
    original[original.length >> 1] = original[original.length >> 1]! ^ 1;
    fs.writeFileSync(join(copy, path), original);
    const refused = await cli('node', 'restore', '--from', copy, '--dir', join(temporaryDir('never'), 'n'));
    t.equal(refused.code, 65, `${path} ${refused.err.slice(0, 100)}`);
  }
});

t.test('a failure says in both languages what happened and what to do', async (t) => {
  const failed = await cli('show', crypto.randomUUID(), '--dir', b.dir);
  t.equal(failed.code, 1);
  t.match(failed.err, /Không có văn bản này[\s\S]*No such document[\s\S]*\(document-unknown\)/);
  const asked = await cli('show', crypto.randomUUID(), '--dir', b.dir, '--json');
  t.match(JSON.parse(asked.err), { code: 'document-unknown', retry: 'never' });
  t.ok(
    isExchangeError(
      await controlRequest('/nonexistent', 'GET', '/').catch((error: unknown) => error),
      'dir-missing',
    ),
  );
});

t.test('a started node finishes at SIGTERM, and a wrong folder is a configuration error', async (t) => {
  await b.node.close();
  const child = startCli('node', 'start', '--dir', b.dir);
  await eventually(async () => {
    const answer = await controlRequest(b.dir, 'GET', '/v1/status').catch(() => undefined);
    return answer?.status === 200 ? true : undefined;
  });
  t.equal((await cli('node', 'start', '--dir', b.dir)).code, 78, 'one process for each folder');
  child.process.kill('SIGTERM');
  const { code, err } = await child.ended;
  t.equal(code, 0, err);
  t.notOk(fs.existsSync(join(b.dir, 'control.sock')), 'the socket is gone');
  b.node = await startNode({ dir: b.dir, log: quiet });
});
