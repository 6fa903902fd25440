// Keys of programs: under a passphrase, in a PKCS#12 file on the way to new hardware, on a token, in the encrypted copy of a CA. Real files, real
// hub and nodes, OpenSSL as the other reader, SoftHSM as the token.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { createIssuing, createRoot, loadIssuer } from '../certs/ca.ts';
import { checkCaCopy, copyCa, restoreCa } from '../certs/ca-copy.ts';
import {
  buildConsoleRequest,
  readConsoleRequest,
  verifyConsoleCertificate,
} from '../certs/console-request.ts';
import { parseInvitation } from '../certs/invitation.ts';
import { keyFilesOf, protectKeys } from '../certs/key-files.ts';
import { setKeyPassphrase } from '../certs/key-protection.ts';
import {
  createKeyFile,
  createTokenFile,
  generateKey,
  keyPem,
  loadHeldKey,
  loadKeyFile,
  signingKeyOf,
} from '../certs/keys.ts';
import { readP12, writeP12 } from '../certs/p12.ts';
import { readLegacyP12 } from '../certs/p12-legacy.ts';
import { nextKeyOf, pairFiles } from '../certs/pair-files.ts';
import { derToPem } from '../certs/pem.ts';
import { followHandovers, keepRoots } from '../certs/roots.ts';
import { createNextRoot } from '../certs/roots-offline.ts';
import { makeTokenKey, tokenKey } from '../certs/token.ts';
import { buildCsr, publicKeyOfCsr } from '../certs/x509.ts';
import { checksOf } from '../edge-node/api/ready.ts';
import { enrolNode } from '../edge-node/enrol.ts';
import { enrolFiles, invitationName } from '../edge-node/enrol-files.ts';
import { firstCertificate, loadIdentity } from '../edge-node/identity.ts';
import { type RunningNode, startNode } from '../edge-node/main.ts';
import { exportIdentity, importIdentity } from '../edge-node/move.ts';
import { signedCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { parseHubId } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { createHttpClient } from '../protocol/node/http-client.ts';
import { isTokenKey, signingInput, signMany, verifySigned } from '../protocol/signature.ts';
import { noBrowser, openBrowser } from './support/console.ts';
import { quiet, startTestHub } from './support/hub.ts';
import { eventually, inviteUnit } from './support/office.ts';
import { authority, make } from './support/pki.ts';
import { exitOf } from './support/processes.ts';

// The whole file on a busy machine; tap counts from the start of the process.
t.setTimeout(300_000);

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return isExchangeError(error) ? error.code : String(error);
  }
};
const codeOfAsync = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'none',
    (error: unknown) => (isExchangeError(error) ? error.code : String(error)),
  );
/** The passphrase of this process for the time of a test. */
function passphrase(t: Test, text: string | undefined): void {
  setKeyPassphrase(() => text);
  t.teardown(() => setKeyPassphrase(() => undefined));
}

t.test('a key under a passphrase opens with it alone, here and in OpenSSL', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'a.pem');
  passphrase(t, 'mật khẩu của khoá');
  const key = createKeyFile(file);
  t.match(fs.readFileSync(file, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/, 'a new key is encrypted at once');
  t.equal(loadKeyFile(file).keyId, key.keyId);
  if (has('openssl')) {
    const args = ['pkey', '-in', file, '-passin', 'pass:mật khẩu của khoá', '-pubout', '-outform', 'DER'];
    t.same(execFileSync('openssl', args), Buffer.from(key.publicKeyDer), 'OpenSSL reads the same key');
  }
  setKeyPassphrase(() => undefined);
  t.equal(
    codeOf(() => loadKeyFile(file)),
    'key-file-locked',
  );
  setKeyPassphrase(() => 'mật khẩu khác hẳn');
  t.equal(
    codeOf(() => loadKeyFile(file)),
    'key-passphrase-wrong',
  );
  fs.chmodSync(file, 0o640);
  t.equal(
    codeOf(() => loadKeyFile(file)),
    'key-file-loose',
    'encrypted or not',
  );
});

t.test(
  'every key of a folder goes under a passphrase, and a cut change is finished by the next',
  async (t) => {
    const dir = t.testdir({ keys: {}, ca: { former: {} } });
    for (const name of ['keys/node.pem', 'keys/seal-u.pem', 'ca/issuing.key', 'ca/former/1.key'])
      fs.writeFileSync(join(dir, name), keyPem(generateKey()), { mode: 0o600 });
    fs.writeFileSync(join(dir, 'keys/note.txt'), 'no key');
    const ids = () => keyFilesOf(dir).map(({ name }) => loadKeyFile(join(dir, name)).keyId);
    passphrase(t, undefined);
    const before = ids();
    t.equal(before.length, 4);
    t.equal(protectKeys(dir, { next: 'thứ nhất' }).length, 4);
    t.ok(keyFilesOf(dir).every(({ state, mode }) => state === 'encrypted' && mode === 0o600));
    // The power went in the middle of a change: one file has the new passphrase already.
    const [one] = protectKeysOf(dir, 'keys/node.pem', { old: 'thứ nhất', next: 'thứ hai' });
    t.equal(one, 'keys/node.pem');
    t.equal(
      codeOf(() => protectKeys(dir, { old: 'sai', next: 'thứ hai' })),
      'key-passphrase-wrong',
    );
    t.equal(protectKeys(dir, { old: 'thứ nhất', next: 'thứ hai' }).length, 3, 'what was left');
    setKeyPassphrase(() => 'thứ hai');
    t.same(ids(), before, 'the same keys');
    t.equal(protectKeys(dir, { old: 'thứ hai' }).length, 4);
    setKeyPassphrase(() => undefined);
    t.same(ids(), before);
  },
);

/** protectKeys on one file only, as a run that was cut after it would have left the folder. */
function protectKeysOf(dir: string, name: string, passphrases: { old: string; next: string }): string[] {
  const others = keyFilesOf(dir).filter((file) => file.name !== name);
  for (const file of others) fs.renameSync(join(dir, file.name), join(dir, `${file.name}.away`));
  const done = protectKeys(dir, passphrases);
  for (const file of others) fs.renameSync(join(dir, `${file.name}.away`), join(dir, file.name));
  return done;
}

const openssl = has('openssl') ? false : 'openssl is not installed';
t.test(
  'PKCS#12 files are read by OpenSSL, and those of older tools are opened',
  { skip: openssl },
  async (t) => {
    const dir = t.testdir();
    const root = authority('Gốc');
    const leaf = make({ name: 'Lá', issuer: root });
    const entry = { name: 'node', privateKey: leaf.privateKey, certificateDer: leaf.der };
    const bytes = await writeP12(
      { entries: [entry], authorities: [root.der], note: 'ghi chú' },
      'mật khẩu dài',
    );
    fs.writeFileSync(join(dir, 'new.p12'), bytes);
    const read = (file: string, password: string, ...more: string[]) =>
      execFileSync(
        'openssl',
        ['pkcs12', '-in', join(dir, file), '-passin', `pass:${password}`, '-nodes', ...more],
        {
          stdio: 'pipe',
        },
      ).toString();
    const said = read('new.p12', 'mật khẩu dài');
    t.match(said, /friendlyName: node/);
    t.equal(said.split('BEGIN CERTIFICATE').length - 1, 2);
    t.throws(() => read('new.p12', 'khác'));
    const back = await readP12(bytes, 'mật khẩu dài');
    t.match(back, { note: 'ghi chú', entries: [{ name: 'node' }] });
    t.ok(back.entries[0]!.privateKey.equals(leaf.privateKey));
    t.equal(await codeOfAsync(readP12(bytes, 'khác')), 'p12-refused');
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1]! ^= 1;
    t.equal(await codeOfAsync(readP12(changed, 'mật khẩu dài')), 'p12-refused', 'the MAC covers all');
    t.equal(await codeOfAsync(readP12(bytes.subarray(0, 200), 'mật khẩu dài')), 'p12-refused');

    execFileSync('sh', [
      '-c',
      'cd "$1" && openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=cu -days 30 2>/dev/null && openssl pkcs12 -export -legacy -inkey k.pem -in c.pem -out old.p12 -passout pass:cu -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -macalg sha1',
      'sh',
      dir,
    ]);
    const old = readLegacyP12(fs.readFileSync(join(dir, 'old.p12')), 'cu');
    t.equal(old.entries[0]!.privateKey.asymmetricKeyType, 'rsa');
    t.equal(
      codeOf(() => readLegacyP12(fs.readFileSync(join(dir, 'old.p12')), 'sai')),
      'p12-refused',
    );
    fs.writeFileSync(join(dir, 'again.p12'), await writeP12(old, 'mật khẩu mới'));
    t.match(read('again.p12', 'mật khẩu mới'), /BEGIN PRIVATE KEY/);
  },
);

t.test(
  'the copy of a CA opens with its passphrase alone, is tried, and restores a CA that issues',
  async (t) => {
    const dir = t.testdir();
    const nowMs = Date.now();
    passphrase(t, 'mật khẩu của khoá');
    await createRoot(join(dir, 'root'), { name: 'Gốc', nowMs });
    const hubId = parseHubId('h0123456789abcdef');
    await createIssuing(join(dir, 'root'), join(dir, 'ca'), { hubId, hosts: ['localhost'], ips: [], nowMs });
    const copies = new Map<string, Awaited<ReturnType<typeof copyCa>>>();
    for (const from of ['root', 'ca']) {
      const { text, copy } = await copyCa(join(dir, from), { passphrase: 'của bản sao', nowMs });
      t.equal(copy.kind, from === 'root' ? 'root' : 'issuing');
      t.notMatch(text, /PRIVATE KEY/);
      copies.set(from, { text, copy });
      const to = join(dir, `${from}-again`);
      t.match(await restoreCa(text, { passphrase: 'của bản sao', to }), { fingerprint: copy.fingerprint });
      t.equal(await codeOfAsync(restoreCa(text, { passphrase: 'của bản sao', to })), 'dir-exists');
      t.ok(
        keyFilesOf(to).every(({ state, loose }) => state === 'encrypted' && !loose),
        'under this passphrase again',
      );
    }
    const { text } = copies.get('ca')!;
    t.equal(await codeOfAsync(checkCaCopy(text, 'khác')), 'backup-invalid');
    t.equal(await codeOfAsync(checkCaCopy(text.slice(0, -40), 'của bản sao')), 'backup-invalid', 'cut off');
    const other = text.replace('"kind":"', '"kind":"x');
    t.equal(
      await codeOfAsync(checkCaCopy(other, 'của bản sao')),
      'backup-invalid',
      'the header is covered too',
    );
    const issuer = loadIssuer(join(dir, 'ca-again'), { nowMs });
    const { keyId } = await issuer.issue({
      role: 'hub-receipts',
      subjectId: hubId,
      key: { publicKeyDer: generateKey().publicKeyDer },
      nowMs,
    });
    t.ok(keyId);
    fs.writeFileSync(join(dir, 'ca', 'issuing.key'), keyPem(generateKey()));
    t.equal(
      await codeOfAsync(copyCa(join(dir, 'ca'), { passphrase: 'x', nowMs })),
      'backup-invalid',
      'a key that does not fit',
    );
  },
);

type Here = { readonly dir: string; node: RunningNode };
const config = { local: { port: 0 }, disk: { floorBytes: 0 }, log: { level: 'silent' } };
const start = (dir: string) => startNode({ dir, log: quiet });
let sent = 0;
const send = async (from: Here, to: string) => {
  sent += 1;
  return await from.node.edge.submit({
    idempotencyKey: `k${sent}`,
    to: [to],
    metadata: { subject: `số ${sent}` },
    parts: [{ name: 'a.txt', mediaType: 'text/plain', content: Buffer.from(`văn bản ${sent}`) }],
  });
};
const delivered = (from: Here, documentId: string) =>
  eventually(async () => ((await from.node.edge.show(documentId)).state === 'delivered' ? true : undefined));

t.test('a node moves to new hardware with its identity, and the old box is refused', async (t) => {
  const test = await startTestHub();
  t.teardown(() => test.close());
  const dir = t.testdir();
  const open = async (code: string): Promise<Here> => {
    const { invitation } = await inviteUnit(test.hub, code);
    const at = join(dir, code);
    await enrolNode({ dir: at, invitations: [invitation], clock: systemClock, version: 'test', config });
    return { dir: at, node: await start(at) };
  };
  const [a, b] = [await open('XA.1'), await open('XA.2')];
  t.teardown(() => Promise.all([a.node.close(), b.node.close()]));
  await eventually(async () =>
    a.node.edge.searchDirectory('XA.2')[0]?.state === 'active' ? true : undefined,
  );
  await delivered(a, (await send(a, 'XA.2')).documentId);
  await b.node.close();
  const { bytes, moved } = await exportIdentity(b.dir, 'mật khẩu của tệp');
  t.same(moved.units, ['XA.2']);
  const waiting = await send(a, 'XA.2');
  const to = join(dir, 'new');
  const request = { dir: to, bytes, config, clock: systemClock };
  t.equal(await codeOfAsync(importIdentity({ ...request, password: 'khác' })), 'p12-refused');
  passphrase(t, 'mật khẩu của máy mới');
  await importIdentity({ ...request, password: 'mật khẩu của tệp' });
  t.ok(keyFilesOf(to).every(({ state }) => state === 'encrypted'));
  t.equal(await codeOfAsync(importIdentity({ ...request, password: 'mật khẩu của tệp' })), 'dir-exists');
  const old = b.dir;
  const now: Here = { dir: to, node: await start(to) };
  t.teardown(() => now.node.close());
  await delivered(a, waiting.documentId);
  t.ok(now.node.edge, 'what came in the meantime is signed for by the new box');
  const first = await start(old);
  t.teardown(() => first.close());
  await eventually(async () =>
    test.hub.store.reader.get("SELECT 1 FROM alarms WHERE code LIKE 'node-instance%'") ? true : undefined,
  );
  t.pass('a second box of one node is refused and raises an alarm');

  // After a root has handed over: the file brings every root that is believed, and the way from one to the next.
  const nowMs = systemClock.nowMs();
  const rootTurn = { oldDir: join(test.dir, 'root'), newDir: join(dir, 'root2'), name: undefined, nowMs };
  t.equal(await codeOfAsync(createNextRoot({ ...rootTurn, oldUntilMs: nowMs - 1 })), 'request-malformed');
  const next = await createNextRoot({ ...rootTurn, oldUntilMs: 0 });
  await a.node.close();
  keepRoots(
    join(a.dir, 'certs'),
    followHandovers(loadIdentity(a.dir).roots, [next.handover], systemClock.nowMs()),
  );
  const later = await exportIdentity(a.dir, 'mật khẩu của tệp');
  const third = join(dir, 'third');
  await importIdentity({ ...request, dir: third, bytes: later.bytes, password: 'mật khẩu của tệp' });
  const file = join(dir, 'id.p12');
  const word = join(dir, 'word');
  for (const [path, bytesOf] of [
    [file, later.bytes],
    [word, 'mật khẩu của tệp'],
  ] as const)
    fs.writeFileSync(path, bytesOf, { mode: 0o600 });
  const byCommand = ['--dir', join(dir, 'fourth'), '--from', file, '--passphrase-file', word, '--port', '0'];
  t.match(await exitOf(['node', 'import-identity', ...byCommand]), { code: 0, out: /KHOÁ KHÔI PHỤC/ });
  t.match(JSON.parse(fs.readFileSync(join(dir, 'fourth', 'config.json'), 'utf8')), { console: { port: 0 } });
  const closing = ['register', 'close', 'in', '--dir', join(dir, 'fourth'), '--year', '2999'];
  t.match(await exitOf(closing), { code: 1, err: /Năm 2999 chưa hết/ }, 'no book is closed by a slip');
  const { anchors, rootDer } = loadIdentity(third);
  t.equal(anchors.length, 2);
  t.same(Buffer.from(rootDer), Buffer.from(next.rootDer));
});

t.test(
  'the console’s certificate: asked for by the node, signed by the hub’s operator, believed by browsers for its name alone',
  { skip: openssl },
  async (t) => {
    const test = await startTestHub();
    t.teardown(() => test.close());
    const dir = t.testdir();
    const at = join(dir, 'node');
    const { invitation } = await inviteUnit(test.hub, 'XA.7');
    await enrolNode({ dir: at, invitations: [invitation], clock: systemClock, version: 'test', config });
    const [request, signed] = [join(dir, 'request.pem'), join(dir, 'console.pem')];
    const ask = (name: string) =>
      exitOf(['node', 'console-request', '--dir', at, '--name', name, '--out', request]);
    const hubCa = (...more: string[]) =>
      exitOf(['hub', 'ca', 'console', '--dir', test.dir, '--request', request, ...more]);

    // What may not be: an address, the hub's own name, a name that the root did not permit this CA.
    t.equal((await ask('10.0.0.1')).code, 2);
    await ask('localhost');
    t.match(await hubCa(), { code: 78, err: /localhost is a name of this hub/ });
    await ask('vanban.tayson.gov.vn');
    t.match(await hubCa('--out', signed), { code: 78, err: /have the root sign the CA with it/ });
    t.notOk(fs.existsSync(signed));

    t.equal((await ask('Van-Thu.localhost')).code, 0);
    t.equal(fs.statSync(join(at, 'keys', 'next-console.pem')).mode & 0o777, 0o600);
    const of = "SELECT count(*) AS n FROM certificates WHERE role = 'node-console'";
    t.match(await hubCa(), { code: 0, out: /van-thu\.localhost.*XA\.7.*Not signed/s });
    t.same(test.hub.store.reader.get(of), { n: 0 }, 'looking signs nothing');
    t.equal((await hubCa('--out', signed)).code, 0);
    const pem = fs.readFileSync(signed, 'utf8');
    t.equal((await hubCa('--out', signed)).code, 0);
    t.equal(fs.readFileSync(signed, 'utf8'), pem, 'the same request gets the same certificate');
    t.match(test.hub.store.reader.get("SELECT count(*) AS n FROM audit WHERE act = 'certificateRecord'"), {
      n: 1,
    });

    // A name that the node did not sign for; a node that is another.
    const { hubId: hub, nodeId: node, tlsKey: current, anchors } = loadIdentity(at);
    const key = generateKey();
    const forged = await buildConsoleRequest({
      hub,
      node,
      name: 'a.localhost',
      current: signingKeyOf(key),
      key,
    });
    fs.writeFileSync(request, forged);
    t.match(await hubCa('--out', signed), { err: /signer-unknown/ });
    const { signed: inner } = readConsoleRequest(
      await buildConsoleRequest({ hub, node, name: 'a.localhost', current, key }),
    );
    const bytes = Buffer.from(Buffer.from(inner.bytes).toString().replace('a.localhost', 'b.localhost'));
    fs.writeFileSync(request, derToPem('LIENTHONG CONSOLE REQUEST', signedCodec.encode({ ...inner, bytes })));
    t.match(await hubCa('--out', signed), { err: /signature-invalid/ });
    t.throws(
      () =>
        verifyConsoleCertificate({
          pem,
          request: { hub, node, name: 'van-thu.localhost', csr: '' },
          keyId: key.keyId,
          rootsDer: anchors,
          nowMs: systemClock.nowMs(),
        }),
      { code: 'key-file-invalid' },
      'another key',
    );

    fs.writeFileSync(signed, pem);
    const install = [
      'node',
      'console-cert',
      '--dir',
      at,
      '--in',
      signed,
      '--address',
      '127.0.0.2',
      '--port',
      '0',
    ];
    t.match(await exitOf(install), { code: 0, out: /from the next start/ });
    t.match(await exitOf(install), { code: 0, out: /no restart/ }, 'once more changes nothing');
    const running = await start(at);
    t.teardown(() => running.close());
    const port = new URL(running.console!).port;
    t.equal(running.console, `https://van-thu.localhost:${port}`);
    const rootFile = join(at, 'certs', 'root.pem');
    const judged = async (name: string): Promise<string> => {
      const peer = ['-connect', `127.0.0.2:${port}`, '-servername', name, '-verify_hostname', name];
      const child = execFile('openssl', ['s_client', ...peer, '-CAfile', rootFile, '-x509_strict', '-brief']);
      child.stdin?.end();
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (piece) => {
          said += piece;
        });
      await new Promise((resolve) => child.on('close', resolve));
      return /Verification(?: error)?: (.*)/.exec(said)?.[1] ?? said;
    };
    t.equal(await judged('van-thu.localhost'), 'OK', 'OpenSSL believes it');
    t.equal(await judged('khac.localhost'), 'hostname mismatch');

    await t.test(
      'Chromium opens it by its name without a warning once the root is imported, not before',
      {
        skip: noBrowser || (has('certutil') ? false : 'install the Debian package libnss3-tools'),
      },
      async (t) => {
        const opened = async (home: string): Promise<string> => {
          const browser = await openBrowser({ home, hosts: 'MAP van-thu.localhost 127.0.0.2' });
          try {
            const page = await browser.newPage();
            await page.goto(running.console!);
            await page.getByLabel('E-mail công vụ').waitFor();
            return (await page.evaluate('isSecureContext')) ? 'opened' : 'not secure';
          } catch (error) {
            return /ERR_\w+/.exec(String(error))?.[0] ?? String(error);
          } finally {
            await browser.close();
          }
        };
        const home = t.testdir();
        t.equal(await opened(home), 'ERR_CERT_AUTHORITY_INVALID');
        const nss = `sql:${join(home, '.pki', 'nssdb')}`;
        fs.mkdirSync(join(home, '.pki', 'nssdb'), { recursive: true });
        execFileSync('certutil', ['-N', '-d', nss, '--empty-password']);
        execFileSync('certutil', ['-A', '-d', nss, '-n', 'lien thong', '-t', 'C,,', '-i', rootFile]);
        t.equal(await opened(home), 'opened');
      },
    );

    // No other work: a node that takes it for its hub refuses it, though chain, usage and host name hold.
    const { tls } = loadIdentity(at);
    const client = createHttpClient({
      origin: `https://127.0.0.2:${port}`,
      tls: { ...tls, servername: 'van-thu.localhost' },
      connections: 1,
    });
    t.teardown(() => client.close());
    await t.rejects(client.request({ method: 'GET', path: '/' }), {
      code: 'tls-failed',
      detail: 'certificate-wrong-usage',
    });

    // Renewed by the same three commands while it runs: new connections see it, and a key without its certificate disturbs nobody.
    const shownNow = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls(
          {
            host: '127.0.0.2',
            port: Number(port),
            servername: 'van-thu.localhost',
            rejectUnauthorized: false,
          },
          () => {
            resolve(socket.getPeerX509Certificate()!.serialNumber);
            socket.destroy();
          },
        ).once('error', reject);
      });
    const before = await shownNow();
    t.equal((await ask('van-thu.localhost')).code, 0);
    t.equal((await hubCa('--out', signed)).code, 0);
    t.match(await exitOf(install), { code: 0, out: /no restart/ });
    await eventually(async () => ((await shownNow()) === before ? undefined : true), 400);
    t.equal(await judged('van-thu.localhost'), 'OK', 'the renewed one is believed');

    const status = await running.edge.status();
    const shown = status.certificates.find(({ byHand }) => byHand);
    t.match(shown, { file: 'console', renewalDue: false });
    const due = { ...status, certificates: [{ ...shown!, daysLeft: 100, renewalDue: true }] };
    t.match(await exitOf(['node', 'status', '--dir', at]), { out: /còn 36[45] ngày/ });
    const check = checksOf(due, systemClock.nowMs()).find(({ name }) => name === 'certificates');
    t.match(check, { result: 'warn', said: /100 days left/ }, 'a warning for the whole last third');

    const { serialHex: serial } = firstCertificate(fs.readFileSync(signed, 'utf8'));
    const { code } = await exitOf([
      'hub',
      'revoke',
      '--dir',
      test.dir,
      '--node',
      node,
      '--reason',
      'mất máy',
    ]);
    t.equal(code, 0);
    t.match(
      test.hub.store.reader.get('SELECT revoked_reason AS why FROM certificates WHERE serial = ?', serial),
      { why: 'mất máy' },
      'it goes with the node',
    );
  },
);

const module = '/usr/lib/softhsm/libsofthsm2.so';
const noToken =
  fs.existsSync(module) && has('pkcs11-tool') ? false : 'install the Debian packages softhsm2 and opensc';
t.test(
  'a seal on a token seals and signs receipts; without the token documents wait',
  { skip: noToken },
  async (t) => {
    const dir = t.testdir({ tokens: {} });
    fs.writeFileSync(join(dir, 'softhsm.conf'), `directories.tokendir = ${dir}/tokens\nlog.level = ERROR\n`);
    process.env.SOFTHSM2_CONF = join(dir, 'softhsm.conf');
    execFileSync('softhsm2-util', [
      '--init-token',
      '--free',
      '--label',
      'seal',
      '--so-pin',
      '12345678',
      '--pin',
      '4321',
    ]);
    const pinFile = join(dir, 'pin');
    fs.writeFileSync(pinFile, '4321\n', { mode: 0o600 });
    const place = { module, token: 'seal', pinFile };

    // The key alone: a batch under one signature, a request for a certificate, and what goes wrong.
    const reference = makeTokenKey(place, '0a0b');
    const file = join(dir, 'seal.pem');
    createTokenFile(file, reference);
    const held = loadHeldKey(file);
    t.ok(isTokenKey(held.privateKey));
    t.equal(
      codeOf(() => loadKeyFile(file)),
      'key-file-invalid',
      'not for a connection or a CA',
    );
    const items = Array.from({ length: 100 }, (_, i) => ({
      type: 'lienthong/notice/1' as const,
      bytes: Buffer.from(`${i}`),
    }));
    const key = { keyId: Buffer.from(held.keyId, 'hex'), privateKey: held.privateKey };
    const { createPublicKey } = await import('node:crypto');
    const publicKey = createPublicKey({ key: Buffer.from(held.publicKeyDer), format: 'der', type: 'spki' });
    for (const signed of signMany(items, key)) verifySigned(signed, ['lienthong/notice/1'], publicKey);
    t.same(await publicKeyOfCsr(await buildCsr(held.privateKey)), new Uint8Array(held.publicKeyDer));
    const input = signingInput('a', 'b', Buffer.from('c'));
    t.equal(
      codeOf(() => tokenKey({ ...reference, module: '/nowhere.so' }).sign(input)),
      'token-failed',
    );
    t.equal(
      codeOf(() => tokenKey({ ...reference, id: 'ffff' }).sign(input)),
      'token-failed',
      'no such key',
    );
    const others = { ...reference, publicKey: Buffer.from(generateKey().publicKeyDer).toString('base64') };
    t.equal(
      codeOf(() => tokenKey(others).sign(input)),
      'token-failed',
      'a signature by another key is not given out',
    );
    fs.writeFileSync(join(dir, 'wrong'), '9999\n', { mode: 0o600 });
    const wrong = tokenKey({ ...reference, pinFile: join(dir, 'wrong') });
    for (let i = 0; i < 6; i++)
      t.equal(
        codeOf(() => wrong.sign(input)),
        'token-pin-refused',
      );
    t.equal(
      codeOf(() => tokenKey(reference).sign(input)),
      'none',
      'six refusals were one try: the token is not locked',
    );
    fs.chmodSync(pinFile, 0o644);
    t.equal(
      codeOf(() => tokenKey(reference).sign(input)),
      'key-file-loose',
    );
    fs.chmodSync(pinFile, 0o600);

    // An office whose seal was made on the token before it enrolled.
    const test = await startTestHub();
    t.teardown(() => test.close());
    const open = async (code: string, onToken: boolean): Promise<Here> => {
      const { invitation } = await inviteUnit(test.hub, code);
      const at = join(dir, code);
      fs.mkdirSync(join(at, 'keys'), { recursive: true, mode: 0o700 });
      const pending = enrolFiles(at).pendingKey(invitationName(parseInvitation(invitation)));
      if (onToken) createTokenFile(pending, makeTokenKey(place, 'c0de'));
      await enrolNode({ dir: at, invitations: [invitation], clock: systemClock, version: 'test', config });
      return { dir: at, node: await start(at) };
    };
    const [a, b] = [await open('XA.1', true), await open('XA.2', false)];
    t.teardown(() => Promise.all([a.node.close(), b.node.close()]));
    t.same(
      keyFilesOf(a.dir).map(({ state }) => state),
      ['plain', 'token'],
      'the connection is a file, the seal is not',
    );
    for (const [here, code] of [
      [a, 'XA.2'],
      [b, 'XA.1'],
    ] as const)
      await eventually(async () =>
        here.node.edge.searchDirectory(code)[0]?.state === 'active' ? true : undefined,
      );
    await delivered(a, (await send(a, 'XA.2')).documentId);
    await delivered(b, (await send(b, 'XA.1')).documentId);
    t.pass('sealed by the token, and a receipt signed by it');
    // The token is pulled out.
    fs.renameSync(join(dir, 'tokens'), join(dir, 'away'));
    fs.mkdirSync(join(dir, 'tokens'));
    const waiting = await send(a, 'XA.2');
    await systemClock.sleep(500);
    t.equal((await a.node.edge.show(waiting.documentId)).state, 'queued', 'it waits');
    fs.rmSync(join(dir, 'tokens'), { recursive: true });
    fs.renameSync(join(dir, 'away'), join(dir, 'tokens'));
    await a.node.close();
    a.node = await start(a.dir);
    await delivered(a, waiting.documentId);
    // What is renewed stays on its token.
    const seal = keyFilesOf(a.dir).find(({ state }) => state === 'token')!;
    const pair = pairFiles(
      join(a.dir, 'keys'),
      join(a.dir, 'certs'),
      seal.name.replace(/^keys\/|\.pem$/g, ''),
    );
    const next = nextKeyOf(pair);
    t.ok(isTokenKey(next.privateKey));
    t.equal(nextKeyOf(pair).keyId, next.keyId, 'made once');
    t.not(next.keyId, loadHeldKey(pair.key).keyId);
  },
);
