// What an office lives through on a bad line and with bad papers, on real sockets, TLS and folders: proxies, boxes that inspect, expired
// and foreign certificates, a hub that is away, a full disk, a copied machine, a folder in use. In every case: what the clerk reads, and
// that what was handed in arrives in the end.
import fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadIssuer } from '../certs/ca.ts';
import { basicConstraints, extendedKeyUsage, keyUsage, subjectAltName } from '../certs/extensions.ts';
import { parseInvitation } from '../certs/invitation.ts';
import { loadKeyFile } from '../certs/keys.ts';
import { certificateDer, certificatePem } from '../certs/pem.ts';
import { internalName, leafKeyUsage, leafProfiles } from '../certs/profile.ts';
import { buildCertificate } from '../certs/x509.ts';
import { checksOf } from '../edge-node/api/ready.ts';
import { loadEdgeConfig } from '../edge-node/config.ts';
import type { EdgeCore, SubmitRequest } from '../edge-node/core.ts';
import { startEdge } from '../edge-node/edge.ts';
import { enrolNode } from '../edge-node/enrol.ts';
import { startNode } from '../edge-node/main.ts';
import { initHub } from '../hub/init.ts';
import { injected } from '../hub/offline.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { controlRequest } from '../protocol/node/control.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { createConnectProxy } from './faults/connect-proxy.ts';
import { createTlsBox } from './faults/tls-box.ts';
import { quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, inviteUnit, type Office, openOffice, seeEachOther } from './support/office.ts';
import { exitOf } from './support/processes.ts';
import { cli, startCli } from './support/run-cli.ts';

t.setTimeout(300_000);

const hub = await startTestHub();
const admin = <T>(path: string, body?: unknown): Promise<T> => injected(hub.hub)<T>('POST', path, body);
const a = await openOffice(hub.hub, 'H08.35.21');
const b = await openOffice(hub.hub, 'H08.35.22');
await seeEachOther([a, b], ['H08.35.21', 'H08.35.22']);
t.teardown(async () => {
  await a.node.close();
  await b.node.close();
  await hub.close();
});

let next = 0;
const letter = (to: string, subject: string): SubmitRequest => ({
  idempotencyKey: `${subject} ${next++}`,
  to: [to],
  metadata: { subject },
  parts: [{ name: 'van-ban.txt', mediaType: 'text/plain', content: Buffer.from(subject) }],
});
const handIn = async (edge: EdgeCore, to: string, subject: string): Promise<string> =>
  (await edge.submit(letter(to, subject))).documentId;
const inState = (edge: EdgeCore, id: string, state: string) =>
  eventually(
    async () => ((await edge.show(id, { direction: 'out' })).state === state ? true : undefined),
    400,
  );
/** Until the line says this code; asked again at once, since a test does not wait for a back-off. */
const says = (edge: EdgeCore, code: string | undefined) =>
  eventually(async () => {
    const { hub: line } = await edge.status();
    if (line.code === code && (code !== undefined || line.state === 'connected')) return line;
    edge.retryNow();
    return undefined;
  }, 400);
const changeConfig = (dir: string, change: object) => {
  const path = join(dir, 'config.json');
  const given = JSON.parse(fs.readFileSync(path, 'utf8')) as object;
  fs.writeFileSync(path, JSON.stringify({ ...given, ...change }));
};
/** As the local API takes it. */
const requestOf = (to: string, subject: string, idempotencyKey: string) => ({
  recipients: [to],
  subject,
  idempotencyKey,
  parts: [{ name: 'a.txt', mediaType: 'text/plain', contentBase64: Buffer.from(subject).toString('base64') }],
});
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return isExchangeError(error) ? error.code : String(error);
  }
};
const reopen = async (office: Office, change: () => void | Promise<void>): Promise<void> => {
  await office.node.close();
  await change();
  office.node = await startNode({ dir: office.dir, log: quiet });
};
const freshPapers = async (office: Office, code: string): Promise<void> => {
  const { invitation } = await admin<{ invitation: string }>(`/admin/v1/units/${code}/invite`, {});
  await enrolNode({ dir: office.dir, invitations: [invitation], clock: systemClock, version: 'test' });
  await office.node.edge.reloadIdentity();
};

t.test(
  'an office behind a proxy: enrolment and exchange go through it, its refusals are named',
  async (t) => {
    const proxy = await createConnectProxy({ user: 'xã', password: 'mật khẩu' });
    t.teardown(() => proxy.close());
    const folder = temporaryDir('proxy');
    const secret = (name: string, text: string) => {
      fs.writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 });
      return join(folder, name);
    };
    const [userFile, passwordFile] = [secret('user', 'xã'), secret('password', 'sai')];
    const { invitation } = await inviteUnit(hub.hub, 'H08.35.23');
    const dir = join(folder, 'node');
    const init = [
      'node',
      'init',
      '--dir',
      dir,
      '--invitation',
      invitation,
      '--port',
      '0',
      '--proxy',
      proxy.url,
    ];
    const files = ['--proxy-user-file', userFile, '--proxy-password-file', passwordFile];
    const mistyped = await cli(...init.slice(0, -1), 'http://127.0.0.1:9');
    t.match(mistyped, { code: 1, err: /\(proxy-refused\)/ });
    const wrong = await cli(...init, ...files);
    t.match(wrong, {
      code: 1,
      err: /Proxy không nhận tài khoản hoặc mật khẩu[\s\S]*\(proxy-auth-required\)/,
    });
    t.equal(proxy.tunnels.length, 0);
    secret('password', 'mật khẩu');
    const enrolled = await cli(...init, ...files);
    t.equal(enrolled.code, 0, enrolled.err);
    t.match(enrolled.out, /KHOÁ KHÔI PHỤC/, 'sealed from the beginning, after tries that failed too');
    const { exchange, enrolment } = hub.hub.at;
    t.ok(proxy.tunnels.every((to) => to === `localhost:${enrolment!.port}`) && proxy.tunnels.length > 0);
    changeConfig(dir, { disk: { floorBytes: 0 }, log: { level: 'silent' } });
    const start = () => startNode({ dir, log: quiet });
    let node = await start();
    t.teardown(() => node.close());
    await says(node.edge, undefined);
    await inState(node.edge, await handIn(node.edge, 'H08.35.22', 'qua proxy'), 'delivered');
    t.ok(proxy.tunnels.includes(`localhost:${exchange!.port}`));

    await node.close();
    secret('password', 'đã đổi');
    node = await start();
    await says(node.edge, 'proxy-auth-required');
    const kept = await handIn(node.edge, 'H08.35.22', 'proxy đổi mật khẩu');
    const shown = await cli('node', 'status', '--dir', dir);
    t.match(shown.out, /Chưa kết nối được trung tâm: Proxy không nhận tài khoản hoặc mật khẩu/);
    t.match(shown.out, /config\.json[\s\S]*\(proxy-auth-required\)/, 'what to do, and the code');
    t.match(shown.out, /Chờ gửi \/ waiting to be sent: 1/);
    await node.close();
    secret('password', 'mật khẩu');
    proxy.refuse(403);
    node = await start();
    const { words } = await says(node.edge, 'proxy-refused');
    t.match(words.vi, /cho phép CONNECT/);
    proxy.refuse(undefined);
    await says(node.edge, undefined);
    await inState(node.edge, kept, 'delivered');
  },
);

t.test('a box that inspects TLS is named, and sees nothing that is worth seeing', async (t) => {
  const [box, proxy] = [
    await createTlsBox('Hop kiem tra TLS cua huyen'),
    await createConnectProxy({ user: 'u', password: 'p' }),
  ];
  t.teardown(async () => {
    await proxy.close();
    await box.close();
  });
  const { invitation } = await inviteUnit(hub.hub, 'H08.35.24');
  const dir = join(temporaryDir('box'), 'node');
  const via = { url: proxy.url, user: 'u', password: 'p' };
  const enrol = () =>
    enrolNode({
      dir,
      invitations: [invitation],
      proxy: via,
      clock: systemClock,
      version: 'test',
      config: { local: { port: 0 }, disk: { floorBytes: 0 } },
    });
  box.passOnTo(hub.hub.at.enrolment!.port);
  proxy.leadTo(box.port);
  await t.rejects(enrol(), { code: 'tls-inspected', detail: `issuer found: ${box.issuer}` });
  const { secret } = parseInvitation(invitation);
  t.match(
    box.seen().toString('latin1'),
    /GET \/enrol\/v1\/root/,
    'it did look into the first, public request',
  );
  t.notOk(box.seen().includes(Buffer.from(secret)), 'no invitation');
  t.notMatch(box.seen().toString('latin1'), /POST/);
  proxy.leadTo(undefined);
  await enrol();
  const config = { ...loadEdgeConfig(dir), proxy: { url: proxy.url } };
  // Without user and password the proxy would refuse: config.json names files.
  const secretFile = (name: string, text: string) => {
    fs.writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const files = { userFile: secretFile('proxy-user', 'u'), passwordFile: secretFile('proxy-password', 'p') };
  const before = box.seen().length;
  box.passOnTo(hub.hub.at.exchange!.port);
  proxy.leadTo(box.port);
  const node = await startNode({
    dir,
    log: quiet,
    config: { ...config, proxy: { url: proxy.url, ...files } },
  });
  t.teardown(() => node.close());
  await says(node.edge, 'tls-inspected');
  const shown = await cli('node', 'status', '--dir', dir);
  t.match(shown.out, /Có thiết bị chặn giải mã TLS[\s\S]*loại trừ địa chỉ trung tâm[\s\S]*\(tls-inspected\)/);
  t.match(shown.out, new RegExp(`issuer found: ${box.issuer}`));
  t.ok(box.count.connections > 1);
  t.equal(box.seen().length, before, 'of the exchange not one byte in the clear');
  proxy.leadTo(undefined);
  await says(node.edge, undefined);
  await inState(node.edge, await handIn(node.edge, 'H08.35.21', 'sau khi loại trừ'), 'delivered');
});

/** A connection certificate of this office's key, by whatever CA and for whatever time. */
async function nodeCertificate(office: Office, caDir: string, notAfterMs: number): Promise<string> {
  const key = loadKeyFile(join(office.dir, 'keys', 'node.pem'));
  const { nodeId, hubId } = JSON.parse(fs.readFileSync(join(office.dir, 'identity.json'), 'utf8'));
  const issuingPem = fs.readFileSync(join(caDir, 'issuing.crt'), 'utf8');
  const der = await buildCertificate({
    serialHex: '4123456789abcdef0123456789abcdef',
    subject: { commonName: nodeId, role: 'node-tls' },
    issuerDer: certificateDer(issuingPem),
    notBeforeMs: notAfterMs - 60_000,
    notAfterMs,
    publicKeyDer: key.publicKeyDer,
    signingKey: loadKeyFile(join(caDir, 'issuing.key')).privateKey,
    extensions: [
      basicConstraints(false),
      keyUsage(leafKeyUsage),
      extendedKeyUsage(leafProfiles['node-tls'].usageOid),
      subjectAltName([internalName('node-tls', hubId, nodeId)], []),
    ],
  });
  return certificatePem(der) + issuingPem;
}

t.test(
  'papers that do not hold: the clerk reads which and what to do; the work waits and arrives',
  async (t) => {
    const certificate = join(a.dir, 'certs', 'node.pem');
    const key = join(a.dir, 'keys', 'node.pem');
    const [goodCertificate, goodKey] = [fs.readFileSync(certificate), fs.readFileSync(key)];
    const ownCa = join(hub.dir, 'ca');
    const waiting: string[] = [];
    const refused = async (code: string, words: RegExp): Promise<void> => {
      await says(a.node.edge, code);
      waiting.push(await handIn(a.node.edge, 'H08.35.22', `khi ${code}`));
      const line = checksOf(await a.node.edge.status(), Date.now()).find(({ name }) => name === 'hub');
      const said = `${line?.saidVi}\n${line?.said}`;
      t.match(said, new RegExp(`^Trung tâm chưa cho nút này kết nối: .*\\n.*\\(${code}\\)`), code);
      t.match(said, words, `${code}: the remedy`);
      t.notMatch(said, /socket|ECONN|hang up/i);
    };

    await reopen(a, async () =>
      fs.writeFileSync(certificate, await nodeCertificate(a, ownCa, Date.now() - 3_600_000)),
    );
    await refused('certificate-expired', /Xin giấy mời mới/);
    const shown = await cli('node', 'status', '--dir', a.dir);
    t.equal(shown.code, 1);
    t.match(shown.out, /chưa cho nút này kết nối: Chứng thư của nút đã hết hạn\. Xin giấy mời mới/);
    t.match(shown.out, /\(certificate-expired\)[\s\S]*node\.pem: đã hết hạn/);
    const before = (await a.node.edge.outbox()).rows.length;
    await freshPapers(a, 'H08.35.21');
    await says(a.node.edge, undefined);
    t.equal((await a.node.edge.outbox()).rows.length, before, 'all data stay');
    await inState(a.node.edge, waiting[0]!, 'delivered');
    const renewed = fs.readFileSync(certificate);
    t.notSame(renewed, goodCertificate);

    const other = join(temporaryDir('other'), 'hub');
    await initHub({ dir: other, name: 'UBND huyện khác', code: 'H09', nowMs: Date.now() });
    t.ok(loadIssuer(join(other, 'ca'), { nowMs: Date.now() }));
    await reopen(a, async () =>
      fs.writeFileSync(certificate, await nodeCertificate(a, join(other, 'ca'), Date.now() + 3_600_000)),
    );
    await refused('certificate-unknown-issuer', /Ghi danh lại với giấy mời của đúng trung tâm/);

    const seal = fs.readdirSync(join(a.dir, 'certs')).find((name) => name.startsWith('seal-'))!;
    await a.node.close();
    fs.copyFileSync(join(a.dir, 'certs', seal), certificate);
    t.equal(
      await codeOf(startNode({ dir: a.dir, log: quiet })),
      'key-file-invalid',
      'not the key of its paper',
    );
    a.node = await (async () => {
      fs.copyFileSync(join(a.dir, 'keys', seal), key);
      return await startNode({ dir: a.dir, log: quiet });
    })();
    await refused('certificate-wrong-usage', /Dùng đúng chứng thư kết nối của nút/);
    await reopen(a, () => {
      fs.writeFileSync(key, goodKey);
      fs.writeFileSync(certificate, renewed);
    });
    await says(a.node.edge, undefined);

    const { nodeId } = JSON.parse(fs.readFileSync(join(a.dir, 'identity.json'), 'utf8'));
    await admin(`/admin/v1/peers/${nodeId}/suspend`, {});
    await refused('peer-suspended', /văn bản được giữ và tự gửi khi được mở lại/);
    await admin(`/admin/v1/peers/${nodeId}/resume`, {});
    await says(a.node.edge, undefined);

    await admin('/admin/v1/revoke', { node: nodeId, reason: 'thử' });
    const { code } = await eventually(async () => {
      const line = (await a.node.edge.status()).hub;
      if (/revoked$/.test(line.code ?? '')) return line;
      a.node.edge.retryNow();
      return undefined;
    });
    await refused(code!, /xin giấy mời mới rồi chạy "lienthong node init --invitation"/);
    await freshPapers(a, 'H08.35.21');
    await says(a.node.edge, undefined);
    t.not(
      JSON.parse(fs.readFileSync(join(a.dir, 'identity.json'), 'utf8')).nodeId,
      nodeId,
      'a revoked key stays out',
    );
    t.same(
      fs.readdirSync(join(a.dir, 'keys')).filter((name) => name.startsWith('pending')),
      [],
    );
    for (const id of waiting) await inState(a.node.edge, id, 'delivered');
    await inState(b.node.edge, await handIn(b.node.edge, 'H08.35.21', 'về máy có khoá mới'), 'delivered');
    await reopen(a, () => {});
    await says(a.node.edge, undefined);
  },
);

t.test('the hub is away: documents are taken, the status says so, and all arrive', async (t) => {
  await hub.hub.close();
  await says(a.node.edge, 'hub-unreachable');
  const ids = await Promise.all(
    Array.from({ length: 40 }, (_, i) => handIn(a.node.edge, 'H08.35.22', `trung tâm nghỉ ${i}`)),
  );
  const answer = await a.fetch('/v1/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requestOf('H08.35.22', 'qua API', 'away')),
  });
  t.equal(answer.status, 202);
  ids.push(((await answer.json()) as { documentId: string }).documentId);
  const shown = await cli('node', 'status', '--dir', a.dir);
  t.equal(shown.code, 0, 'a hub that is away is no fault of the node');
  t.match(shown.out, /Chưa kết nối được trung tâm\. Kiểm tra mạng[\s\S]*waiting to be sent: 41/);
  t.match(shown.out, /được giữ trên máy này và tự gửi/);
  await hub.restart();
  await says(a.node.edge, undefined);
  await says(b.node.edge, undefined);
  for (const id of ids) await inState(a.node.edge, id, 'delivered');
});

t.test('a nearly full disk refuses new work for now, defers arrivals, and recovers by itself', async (t) => {
  await b.node.close();
  let free = 10 * 2 ** 30;
  const config = { ...loadEdgeConfig(b.dir), disk: { floorBytes: 2 ** 29 } };
  const edge = await startEdge({ dir: b.dir, config, clock: systemClock, log: quiet, freeBytes: () => free });
  t.teardown(async () => {
    await edge.close();
    b.node = await startNode({ dir: b.dir, log: quiet });
  });
  await says(edge, undefined);
  free = 2 ** 20;
  await eventually(async () => ((await edge.status()).disk.nearlyFull ? true : undefined));
  const refusal = await edge.submit(letter('H08.35.21', 'ổ đầy')).catch((error: unknown) => error);
  t.match(refusal, { code: 'disk-nearly-full', row: { status: 507, retry: 'later' } });
  const disk = checksOf(await edge.status(), Date.now()).find(({ name }) => name === 'disk');
  t.match(disk, { result: 'fail', saidVi: /chỉ còn trống 1 MB[\s\S]*giải phóng dung lượng/ });
  const id = await handIn(a.node.edge, 'H08.35.22', 'đến máy đầy');
  const { queue } = await eventually(async () => {
    const said = await injected(hub.hub)<{ queue: { lastError: { code: string } | null }[] }>(
      'GET',
      '/admin/v1/queue',
    );
    return said.queue.some(({ lastError }) => lastError?.code === 'disk-nearly-full') ? said : undefined;
  });
  t.match(queue, [{ code: 'H08.35.22' }]);
  t.same((await edge.inbox({ text: 'đến máy đầy' })).rows, []);
  free = 10 * 2 ** 30;
  await eventually(async () => ((await edge.status()).disk.nearlyFull ? undefined : true));
  await inState(edge, await handIn(edge, 'H08.35.21', 'lại có chỗ'), 'delivered');
  // It would come again in five minutes.
  await admin('/admin/v1/redrive', { unit: 'H08.35.22' });
  await inState(a.node.edge, id, 'delivered');
  t.equal((await edge.inbox({ text: 'đến máy đầy' })).rows.length, 1);
});

t.test('a copied machine is refused, and both sides say so', async (t) => {
  await says(a.node.edge, undefined);
  const copy = join(temporaryDir('copy'), 'node');
  await reopen(a, () => fs.cpSync(a.dir, copy, { recursive: true }));
  await says(a.node.edge, undefined);
  const clone = await startNode({ dir: copy, log: quiet });
  t.teardown(() => clone.close());
  const { words } = await says(clone.edge, 'node-instance-live');
  t.match(words.vi, /Chỉ một máy được chạy: tắt máy sao chép và báo cơ quan đầu mối/);
  const shown = await cli('node', 'status', '--dir', copy);
  t.equal(shown.code, 1);
  t.match(shown.out, /LỖI[\s\S]*\(node-instance-live\)/);
  const { alarms } = await injected(hub.hub)<{ alarms: { code: string }[] }>('GET', '/admin/v1/alarms');
  t.ok(alarms.some(({ code }) => code === 'node-instance-live'));
  t.equal((await a.node.edge.status()).hub.state, 'connected', 'the first goes on');

  // The first is away for a moment: the copy gets in, and whoever comes second afterwards learns it for good.
  await a.node.close();
  await says(clone.edge, undefined);
  a.node = await startNode({ dir: a.dir, log: quiet });
  const lost = await eventually(async () => {
    for (const { edge } of [a.node, clone]) {
      edge.retryNow();
      if (/^node-instance/.test((await edge.status()).hub.code ?? '')) return edge;
    }
    return undefined;
  }, 400);
  t.ok(lost);
  await clone.close();
  await a.node.close();
  // Its newest store is the copy's: the operator keeps that one.
  fs.rmSync(a.dir, { recursive: true });
  fs.cpSync(copy, a.dir, { recursive: true });
  a.node = await startNode({ dir: a.dir, log: quiet });
  await says(a.node.edge, undefined);
  t.match(await handIn(a.node.edge, 'H08.35.22', 'một máy'), /-/);
});

t.test('a folder that cannot be used is a configuration error with its remedy', async (t) => {
  await b.node.close();
  const folders = temporaryDir('folders');
  const broken = async (name: string, spoil: (dir: string) => void) => {
    const dir = join(folders, name);
    fs.cpSync(b.dir, dir, { recursive: true });
    spoil(dir);
    return await cli('node', 'start', '--dir', dir);
  };
  const [missing, newer, loose, wrong, noJson] = await Promise.all([
    cli('node', 'start', '--dir', join(folders, 'none')),
    broken('newer', (dir) => {
      const db = openDatabase(join(dir, 'node.sqlite'));
      db.exec('PRAGMA user_version = 999');
      db.close();
    }),
    broken('loose', (dir) => fs.chmodSync(join(dir, 'keys', 'node.pem'), 0o644)),
    broken('wrong', (dir) => changeConfig(dir, { local: { port: 'tám' }, poll: { holdMs: -1 }, prot: 1 })),
    broken('no-json', (dir) => fs.writeFileSync(join(dir, 'config.json'), '{ "local": ')),
  ]);
  const remedies = [
    [missing, /Chạy "lienthong hub init" hoặc "lienthong node init" trước[\s\S]*\(dir-missing\)/],
    [newer, /Cài phiên bản phần mềm bằng hoặc mới hơn[\s\S]*\(schema-newer\)/],
    [loose, /keys\/node\.pem[\s\S]*chmod 600[\s\S]*\(key-file-loose\)/],
    [wrong, /Sửa các mục được nêu[\s\S]*\(config-invalid\)/],
    [noJson, /config\.json is not JSON[\s\S]*\(config-invalid\)/],
  ] as const;
  for (const [end, said] of remedies) {
    t.equal(end.code, 78, end.err);
    t.match(end.err, said);
    t.notMatch(end.err, /\n\s+at /, 'no stack');
  }
  for (const key of ['/local/port', '/local: missing key "address"', '/poll/holdMs', 'unknown key "prot"'])
    t.ok(wrong.err.includes(key) || key.includes('address'), key);
  const copy = join(folders, 'port');
  fs.cpSync(b.dir, copy, { recursive: true });
  b.node = await startNode({ dir: b.dir, log: quiet });
  const second = await cli('node', 'start', '--dir', b.dir);
  t.match(second, { code: 78, err: new RegExp(`process ${process.pid} uses [\\s\\S]*\\(dir-in-use\\)`) });

  // A port that another program has: said with what to change, and nothing stays behind.
  const { port } = b.node.local;
  const hubDir = join(folders, 'hub');
  await initHub({ dir: hubDir, name: 'Trung tâm', code: 'H77', nowMs: systemClock.nowMs() });
  changeConfig(hubDir, { exchange: { host: '127.0.0.1', port, publicUrl: `https://localhost:${port}` } });
  changeConfig(copy, { local: { port } });
  for (const of of [
    ['hub', hubDir],
    ['node', copy],
  ] as const)
    for (const _ of [1, 2]) {
      const { code, err } = await exitOf([of[0], 'start', '--dir', of[1]]);
      t.equal(code, 78, err);
      t.match(err, /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\); cổng đã có chương trình khác dùng/);
    }
});

const startedAt = async (t: Test, dir: string) => {
  const child = startCli('node', 'start', '--dir', dir);
  t.teardown(() => child.process.kill('SIGKILL'));
  await eventually(
    async () => ((await codeOf(controlRequest(dir, 'GET', '/v1/status'))) === 'no error' ? true : undefined),
    400,
  );
  return child;
};

t.test('a node told to stop in the middle of traffic ends with 0 and starts again at once', async (t) => {
  await says(b.node.edge, undefined);
  await a.node.close();
  const first = await startedAt(t, a.dir);
  const acknowledged: string[] = [];
  const one = async (i: number): Promise<boolean> => {
    const body = requestOf('H08.35.22', `dừng giữa chừng ${i}`, `stop ${i}`);
    try {
      const answer = await controlRequest(a.dir, 'POST', '/v1/documents', { body });
      acknowledged.push((answer.body as { documentId: string }).documentId);
      return true;
    } catch (error) {
      t.ok(isExchangeError(error), 'whoever comes too late is told so');
      return false;
    }
  };
  const traffic = [0, 1, 2, 3].map(async (lane) => {
    for (let i = 0; i < 200 && (await one(lane * 1000 + i)); i++);
  });
  await eventually(async () => (acknowledged.length >= 12 ? true : undefined));
  first.process.kill('SIGTERM');
  const end = await first.ended;
  t.equal(end.code, 0, end.err);
  await Promise.all(traffic);
  t.notOk(fs.existsSync(join(a.dir, 'control.sock')));
  a.node = await startNode({ dir: a.dir, log: quiet });
  await says(a.node.edge, undefined);
  for (const id of acknowledged) await inState(a.node.edge, id, 'delivered');
  t.ok(acknowledged.length >= 12);
});
