// Connectors by themselves: what they send is what the other side expects, which was written apart; what it answers means again, give up or ask a
// person; and the provincial wrapper end to end against a stand-in of its own.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { readMultipart } from '../bin/axis/multipart.ts';
import { received } from '../bin/axis/practice.ts';
import { startAxisServer } from '../bin/axis/server.ts';
import { kitText, readTimestamp, verifyHeaders } from '../bin/axis/verify.ts';
import { jsonData } from '../hub/axis/json-data.ts';
import { createLgsp } from '../hub/axis/lgsp.ts';
import { multipartFile } from '../hub/axis/multipart-file.ts';
import { lgspCodes, lgspRefusal, vxpRefusal } from '../hub/axis/refusals.ts';
import type { BorderLine } from '../hub/axis/show.ts';
import { vxpFileHash, vxpHeaders, vxpTimestamp } from '../hub/axis/vxp-sign.ts';
import { kitHex } from '../hub/edxml/read.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { kinds, relations } from '../protocol/seal.ts';
import { addBorder, startTestAxis, systemId } from './support/axis.ts';
import {
  about,
  ask,
  finance,
  home,
  hurried,
  isDocument,
  type Mail,
  mailbox,
  paperFor,
  put,
  signersOf,
  until,
} from './support/border.ts';
import { bareNode, startTestHub } from './support/hub.ts';

t.test('headers, hash-file and time are what the axis, which was written apart, expects', async (t) => {
  const nowMs = Date.UTC(2026, 10, 26, 1, 2, 3, 45);
  t.equal(
    vxpTimestamp(nowMs),
    '26112026T080203+0045',
    'Vietnamese time; the last four digits are milliseconds',
  );
  t.equal(readTimestamp('26112026T080203+0045'), nowMs);
  const digest = Buffer.from('0a00ff10'.padEnd(64, '0'), 'hex');
  t.equal(vxpFileHash(digest).slice(0, 7), 'a0ff100', 'the kit’s hex drops leading zeros');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const text = vxpFileHash(bytes);
      return text === kitText(bytes) && text === kitHex(Buffer.from(bytes).toString('hex'));
    }),
  );
  const secret = 'bí mật';
  const made = vxpHeaders(
    { from: finance, messagetype: 'edoc' },
    { systemId: 'S', secret, nowMs, contentType: 'application/octet-stream' },
  );
  const lower = (headers: Record<string, string>) =>
    Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
  const judge = (headers: Record<string, string>, at = nowMs) =>
    verifyHeaders(lower(headers), (id) => (id === 'S' ? secret : undefined), at).ok;
  t.ok(judge(made));
  t.equal(
    made['XroadVnpt-hash-header'],
    createHmac('sha256', secret).update(made['XroadVnpt-sign-header']!).digest('hex'),
  );
  t.notOk(judge({ ...made, 'XroadVnpt-from': home }), 'a changed field');
  t.notOk(judge({ ...made, 'XroadVnpt-to': '["X"]' }), 'a field that nobody signed');
  t.notOk(judge({ ...made, 'XroadVnpt-hash-header': '0'.repeat(64) }), 'another HMAC');
  t.notOk(judge(made, nowMs + 3_600_000), 'an hour late');
  t.notOk(JSON.stringify(made).includes(secret));
});

t.test('a message inside JSON is unescaped while it streams, whatever the text and the cuts', async (t) => {
  const pieces = (bytes: Buffer, sizes: readonly number[]) =>
    (async function* () {
      let at = 0;
      for (let i = 0; at < bytes.length; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        yield bytes.subarray(at, at + size);
        at += size;
      }
    })();
  const run = async (text: string, sizes: readonly number[]) => {
    let rest: Record<string, unknown> = {};
    const out: Buffer[] = [];
    for await (const piece of jsonData(pieces(Buffer.from(text), sizes), (found) => (rest = found)))
      out.push(piece);
    return { data: Buffer.concat(out).toString(), rest };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (data, sizes, first) => {
        if (!data.isWellFormed()) return;
        const object = first
          ? { data, status: 'OK', note: { data: 'x', list: ['a"]'] } }
          : { status: 'OK', note: { data: 'x', list: ['a"]'] }, data };
        const found = await run(JSON.stringify(object), sizes);
        t.equal(found.data, data);
        t.strictSame(found.rest, { ...object, data: '' });
      },
    ),
    { numRuns: 40 },
  );
  for (const bad of ['{"data":"abc', '{"data":"a\\ud800b"}', '{"data":"\\x"}', 'no json', '{"data":"x"}}'])
    await t.rejects(run(bad, [3]), { code: 'axis-answer-malformed' }, bad);
});

t.test('multipart bodies are read as they were written, whatever the cuts', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 400 }),
      fc.integer({ min: 1, max: 90 }),
      async (content, size) => {
        const made = multipartFile({
          name: 'file_doc',
          filename: 'a.edxml',
          lengthBytes: content.length,
          open: async function* () {
            yield content;
          },
          fields: [{ name: 'messageType', value: 'edoc' }],
        });
        const whole: Uint8Array[] = [];
        for await (const piece of made.body) whole.push(piece);
        const bytes = Buffer.concat(whole);
        t.equal(bytes.length, made.lengthBytes);
        const got: Buffer[] = [];
        const { fields, file } = await readMultipart(
          made.contentType,
          (async function* () {
            for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
          })(),
          (piece) => void got.push(Buffer.from(piece)),
        );
        t.strictSame([fields, file], [{ messageType: 'edoc' }, 'file_doc']);
        t.equal(Buffer.compare(Buffer.concat(got), content), 0);
      },
    ),
    { numRuns: 60 },
  );
});

t.test('answers of other systems mean: again, give up, or ask a person', async (t) => {
  // The whole table of the wrapper, and numbers between that nobody has explained: a person, never a guess.
  const lgsp: Readonly<Record<string, readonly [string, string]>> = {
    '10': ['axis-message-refused', 'never'],
    '15': ['axis-credentials-refused', 'operator'],
    '18': ['axis-recipient-unknown', 'never'],
    '19': ['axis-sender-unknown', 'operator'],
    '20': ['axis-busy', 'later'],
    '21': ['axis-busy', 'later'],
    '22': ['axis-message-refused', 'never'],
    '23': ['axis-recipient-locked', 'never'],
  };
  t.strictSame(Object.keys(lgspCodes).sort(), Object.keys(lgsp).sort());
  for (const code of ['1', '9', ...Array.from({ length: 20 }, (_, i) => String(i + 10))]) {
    const error = lgspRefusal(code, 'lời của bên kia');
    t.strictSame([error.code, error.row.retry], lgsp[code] ?? ['axis-refused', 'operator'], code);
    t.equal(error.detail, `${code} lời của bên kia`, 'the words go on as they are');
  }
  const vxp: readonly (readonly [string, string])[] = [
    ['Receiver H08.15 does not exist', 'axis-recipient-unknown'],
    ['Đơn vị nhận không tồn tại', 'axis-recipient-unknown'],
    ['Receiver is locked', 'axis-recipient-locked'],
    ['Sender H08 is not registered', 'axis-sender-unknown'],
    ['hash-header does not match', 'axis-credentials-refused'],
    ['edXML format is wrong', 'axis-message-refused'],
    ['hash-file does not match', 'axis-busy'],
    ['Hệ thống quá tải', 'axis-busy'],
    ['Lỗi 42', 'axis-refused'],
  ];
  for (const [words, code] of vxp) t.equal(vxpRefusal('1', words).code, code, words);
});

t.test(
  'the provincial wrapper: login, offices by its list, documents both ways, statuses as words about a message, its refusals',
  async (t) => {
    const hub = await startTestHub({ code: 'H09' });
    const wrapper = await startTestAxis();
    wrapper.office('H09.15', { name: 'Sở Y tế' });
    wrapper.office('H09.01', { own: true });
    wrapper.store.addSystem({ systemId: 'H09.02', secret: 'riêng', name: 'xã hai', centerCode: 'W00.2' });
    wrapper.store.putAgency({
      id: 'x2',
      systemId: 'H09.02',
      code: 'H09.02',
      code102: '',
      name: 'Xã hai',
      mail: '',
    });
    wrapper.store.setFault('ask-login', 1);
    const node = await bareNode(hub.hub, 'H09.01');
    const second = await bareNode(hub.hub, 'H09.02');
    t.teardown(async () => {
      await Promise.all([node.close(), second.close()]);
      await hub.close();
      await wrapper.close();
    });
    const login = { username: systemId, password: wrapper.secret, applicationCode: 'QLVB' };
    const secret = JSON.stringify({
      secret: wrapper.secret,
      login,
      offices: [{ code: 'H09.02', systemId: 'H09.02', secret: 'riêng' }],
    });
    const said = await addBorder(hub.hub, wrapper, {
      connector: 'lgsp',
      name: 'hong',
      secret: '{"secret":"mat-khau',
    }).catch((error: Error) => error.message);
    t.match(said, /config-invalid/);
    t.notMatch(said, /mat-khau/, 'a damaged secret file is not quoted');
    await addBorder(hub.hub, wrapper, { connector: 'lgsp', name: 'tinh', secret });
    const border = () => hub.hub.borders.running('tinh')!;
    const hurry = hurried(() => border().pollNow());
    const { readUntil } = mailbox(signersOf(hub), hurry);
    const waitFor = (found: () => boolean | Promise<boolean>) =>
      until(async () => {
        hurry();
        return await found();
      });
    await border().syncOffices();
    const unit = hub.hub.directory.current().byCode('H09.15', systemClock.nowMs())!.unit;

    const sent = await put(node, paperFor([unit], '11'));
    await waitFor(async () => (await received(wrapper.store, 'H09.15')).some(isDocument('11')));
    await put(second, paperFor([unit], '21'));
    await waitFor(async () => (await received(wrapper.store, 'H09.15')).some(isDocument('21')));
    t.ok(
      wrapper.store.copiesFor('H09.15').some(({ from_code }) => from_code === 'H09.02'),
      'an office with a system id of its own sends with it',
    );
    const lines = await ask<{ messages: BorderLine[] }>(
      hub,
      'GET',
      `/admin/v1/border-messages?document=${uuidFromBytes(sent.documentId)}`,
    );
    t.match(lines.messages[0], { state: 'sent', direction: 'out' });

    wrapper.store.setFault('duplicate', 1);
    await wrapper.send({ from: 'H09.15', to: ['H09.01'], number: '12' });
    await wrapper.send({ from: 'H09.15', to: ['H09.02'], number: '22' });
    const fits =
      (number: string) =>
      ({ arrived }: Mail) =>
        arrived.some(({ metadata }) => metadata.number === number);
    const came = (await readUntil(node, fits('12'))).arrived.find(
      ({ metadata }) => metadata.number === '12',
    )!;
    await readUntil(second, fits('22'));
    const copyFor = (code: string) => wrapper.store.copiesFor(code).find(({ type }) => type === 'edoc')!;
    const copy = () => copyFor('H09.01');
    await waitFor(() => copy().state === '01' && copyFor('H09.02').state === '01');
    t.pass('our receipt is the word 01 about the message');
    await put(node, {
      to: [border().record.unit],
      parts: [],
      metadata: { reason: 'Chuyển phòng' },
      header: {
        kind: kinds.status,
        links: [
          { relation: relations.statusOf, envelopeId: new Uint8Array(), documentId: came.header.documentId },
        ],
        status: { code: '03', counter: 1, atMs: systemClock.nowMs() },
      } as never,
    });
    await waitFor(() => copy().state === '03');
    const calls = () =>
      wrapper.store.calls().find(({ path, outcome }) => path === '/v1/updateStatus' && outcome === 'OK')!.n;
    const before = calls();
    for (let i = 0; i < 5; i += 1) {
      hurry();
      await systemClock.sleep(120);
    }
    t.equal(calls(), before, 'what is answered is listed again and not answered again');
    t.equal((await readUntil(node, fits('12'))).arrived.length, 1, 'nor does it arrive again');

    wrapper.store.lockAgency('H09.15', true);
    const locked = await put(node, paperFor([unit], '13'));
    const told = await readUntil(node, ({ statements }) =>
      statements.some((s) => s.event === 15 && about(locked.documentId)(s)),
    );
    t.match(told.statements.find((s) => s.event === 15)!.results[0], {
      code: 'axis-recipient-locked',
      words: /^23 Receiver H09\.15 is locked/,
    });
    const { lastError } = border().status();
    t.equal(lastError, undefined);
  },
);

t.test('the wrapper forgets a token: one login anew; a wrong secret is a person’s', async (t) => {
  const wrapper = await startTestAxis();
  wrapper.store.setFault('ask-login', 1);
  wrapper.office('H09.15', { name: 'Sở Y tế' });
  const open = (password: string, secret = wrapper.secret) =>
    createLgsp({
      url: `${wrapper.url}/`,
      systemId,
      secret: JSON.stringify({ secret, login: { username: systemId, password } }),
      clock: systemClock,
    });
  const { signal } = new AbortController();
  const good = open(wrapper.secret);
  const agencies = () => good.agencies!(0, signal).then(({ rows }) => rows.map(({ code }) => code));
  t.strictSame(await agencies(), ['H09.15']);
  await wrapper.server.close();
  const again = await startAxisServer({
    store: wrapper.store,
    clock: systemClock,
    random: Math.random,
    host: '127.0.0.1',
    port: wrapper.server.port,
  });
  // The connection of before has ended with it, which is the line's trouble; its tokens too, which is not.
  await agencies().catch(() => {});
  t.strictSame(await agencies(), ['H09.15'], 'its tokens ended with it');
  const logins = wrapper.store.calls().filter(({ path }) => path === '/v1/auth/login');
  t.equal(
    logins.reduce((sum, { n }) => sum + n, 0),
    2,
  );
  for (const wrong of [open('sai'), open(wrapper.secret, 'sai')]) {
    await t.rejects(wrong.list('edoc', ['H09.01'], signal), { code: 'axis-credentials-refused' });
    await wrong.close();
  }
  t.strictSame(await good.list('status', ['H09.01'], signal), []);
  for (const bad of ['{"secret":', '{"login":{}}', '{"offices":[{"code":"A"}]}'])
    t.throws(() => createLgsp({ url: wrapper.url, systemId, secret: bad, clock: systemClock }), {
      code: 'config-invalid',
    });
  await good.close();
  await again.close();
  wrapper.store.close();
});
