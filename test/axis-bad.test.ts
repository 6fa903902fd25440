// The border where things are wrong or secret: bad messages kept as evidence and answered fail, offices that contradict, the border's credentials,
// documents that must be destroyed. Against a stand-in axis over real HTTP; the other side of axis.test.ts.
import { hash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { generateKey, signingKeyOf } from '../certs/keys.ts';
import { checkStates } from '../edge-node/fsck-states.ts';
import { readCredential, writeCredential } from '../hub/axis/credentials.ts';
import { readEdxml } from '../hub/edxml/read.ts';
import { fsckHub } from '../hub/fsck.ts';
import { signedStatementCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { kinds } from '../protocol/seal.ts';
import { signOne } from '../protocol/signature.ts';
import { buildStatement, outcomes } from '../protocol/statement.ts';
import { systemId } from './support/axis.ts';
import { type Arrived, ask, borderWorld, finance, home, isDocument, put } from './support/border.ts';
import { filesHolding } from './support/disk-search.ts';
import { bareNode } from './support/hub.ts';
import { operators } from './support/operators.ts';
import { exitOf } from './support/processes.ts';
import { sharedData } from './support/shared-data.ts';

const world = await borderWorld();
const { axis, border, commune, messages, other, paper, province, read, readUntil, units } = world;
const { atOffice, smuggle, until } = world;
t.teardown(() => world.close());

t.test(
  'bad messages are answered fail, kept as evidence with the reason, and stop nobody else',
  async (t) => {
    const good = await axis.send({ from: finance, to: ['H08.35.13'], number: '901' });
    const text = readFileSync(axis.store.messagePath(good.docId), 'utf8');
    await readUntil(commune, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '901'));
    const inbound = await axis.send({ from: home, to: ['H08.35.14'], number: '902' });
    await readUntil(other, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '902'));
    const fresh = text.replaceAll('901', '903');
    await put(commune, paper('900'));
    await atOffice(finance, isDocument('900'));
    const statusText = (documentId: string, code: string) =>
      `<?xml version="1.0" encoding="UTF-8"?><edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLHeader><edXML:MessageHeader><edXML:From><edXML:OrganId>${finance}</edXML:OrganId></edXML:From><edXML:ResponseFor><edXML:OrganId>H08.35.13</edXML:OrganId><edXML:Code>1/X</edXML:Code><edXML:PromulgationDate>2026/01/01</edXML:PromulgationDate><edXML:DocumentId>${documentId}</edXML:DocumentId></edXML:ResponseFor><edXML:StatusCode>${code}</edXML:StatusCode><edXML:Timestamp>2026/11/26 08:00:00</edXML:Timestamp></edXML:MessageHeader></edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>`;
    const attachment = /<Attachment>[\s\S]*<\/Attachment>/.exec(fresh)![0];
    const cases: readonly (readonly [string, Buffer, string, ('edoc' | 'status')?])[] = [
      ['0 bytes', Buffer.alloc(0), 'edxml-malformed'],
      ['another character set', Buffer.from(fresh.replace('UTF-8', 'windows-1258')), 'edxml-charset-refused'],
      [
        'two attachments with one id',
        Buffer.from(fresh.replace(attachment, `${attachment}${attachment}`)),
        'edxml-attachment-repeated',
      ],
      ['a missing attachment', Buffer.from(fresh.replace(attachment, '')), 'edxml-attachment-missing'],
      [
        'a DTD',
        Buffer.from(fresh.replace('<edXML ', '<!DOCTYPE x [<!ENTITY a "b">]><edXML ')),
        'edxml-dtd-refused',
      ],
      ['an office that is not ours', Buffer.from(fresh), 'unit-unknown'],
      [
        'a status for an unknown document',
        Buffer.from(statusText('khong-co', '03')),
        'edxml-document-unknown',
        'status',
      ],
      [
        'a status by an office that did not get the document',
        Buffer.from(statusText('H08.35.13,2026/11/25,900/UBND-TH', '03').replace(finance, home)),
        'border-not-the-sender',
        'status',
      ],
      [
        'a recall of another’s document',
        Buffer.from(
          fresh
            .replace(/<edXML:BussinessDocType>0/, '<edXML:BussinessDocType>1')
            .replace(
              /<edXML:BussinessDocReason>/,
              `<edXML:DocumentId>${inbound.documentId}</edXML:DocumentId><edXML:BussinessDocReason>`,
            ),
        ),
        'border-not-the-sender',
      ],
    ];
    for (const [name, bytes, code, type = 'edoc'] of cases) {
      const to = code === 'unit-unknown' ? 'H08.35.99' : 'H08.35.13';
      if (to === 'H08.35.99') axis.office(to, { own: true });
      const id = smuggle(bytes, type, to);
      await until(async () =>
        (await messages('?direction=in&state=refused')).some(({ foreignId }) => foreignId === id),
      );
      const line = (await messages('?direction=in&state=refused')).find(({ foreignId }) => foreignId === id)!;
      t.strictSame(
        [line.code, line.messageBytes, line.messageSha256],
        [code, bytes.length, hash('sha256', bytes)],
        name,
      );
      await until(() => axis.store.copy(id)!.state === 'fail');
      const stored = join(
        province.dir,
        'content',
        'sha256',
        line.messageSha256.slice(0, 2),
        line.messageSha256,
      );
      t.ok(existsSync(stored) && statSync(stored).size === bytes.length, `${name}: the bytes are kept`);
    }
    const long = Buffer.from(text.replaceAll('901', '20251016112435'));
    const id = smuggle(long, 'edoc');
    await readUntil(commune, ({ arrived }) =>
      arrived.some(({ metadata }) => metadata.number === '20251016112435'),
    );
    t.equal(
      axis.store.copy(id)!.state,
      'done',
      'a number longer than the format allows arrives as it was written',
    );
    const sent = await put(commune, paper('904'));
    const copy = await atOffice(finance, isDocument('904'));
    const twice = statusText('H08.35.13,2026/11/25,904/UBND-TH', '03');
    for (const status of [smuggle(Buffer.from(twice), 'status'), smuggle(Buffer.from(twice), 'status')])
      await until(() => axis.store.copy(status)!.state === 'done');
    await readUntil(commune, ({ arrived }) =>
      arrived.some(
        ({ header }) =>
          header.kind === kinds.status &&
          header.links.some((l) => Buffer.compare(l.documentId, sent.documentId) === 0),
      ),
    );
    await systemClock.sleep(100);
    const kept = await read(commune);
    t.equal(
      kept.arrived.filter(
        ({ header }) =>
          header.kind === kinds.status &&
          header.links.some((l) => Buffer.compare(l.documentId, sent.documentId) === 0),
      ).length,
      1,
      'the same status twice is one',
    );
    t.ok(copy);
  },
);

t.test(
  'the axis’s list of offices becomes units: both code forms, new names and codes, closed ones, and no claim on ours',
  async (t) => {
    const at = (code: string) => province.hub.directory.current().byCode(code, systemClock.nowMs());
    t.equal(
      at('000.00.15.h08')?.unit,
      units.finance,
      'the old form leads to the same office, by the list and not by its shape',
    );
    axis.office('H01.151', { name: 'UBND xã Định Mỹ', id: 'id-151' });
    await border().syncOffices();
    const made = at('H01.151')!;
    t.match(made, { name: 'UBND xã Định Mỹ', border: units.border, state: 1 });
    axis.office('H01.999', { name: 'UBND xã Định Mỹ mới', id: 'id-151' });
    await border().syncOffices();
    t.equal(at('H01.999')?.unit, made.unit, 'the office stays when its code changes');
    t.equal(at('H01.151')?.unit, made.unit, 'and its old code still finds it');
    axis.store.removeAgency('H01.999');
    await border().syncOffices();
    t.equal(province.hub.directory.current().unit(made.unit)?.state, 4, 'closed');
    const ours = at('H08.35.13')!;
    t.notOk(ours.border, 'an office of ours that is listed there stays ours');
    axis.office('H08', { name: 'Giả danh tỉnh', id: 'id-h08' });
    await border().syncOffices();
    t.notOk(at('H08')?.border);
    const version = province.hub.directory.own().version;
    await border().syncOffices();
    t.equal(province.hub.directory.own().version, version, 'nothing new, no new version');

    type Told = {
      counts: Record<string, number>;
      added: { code: string }[];
      changed: { code: string; changes: string[] }[];
      closed: { code: string }[];
      conflicts: { code: string }[];
      refused?: { line: number }[];
      done?: boolean;
    };
    const path = '/admin/v1/borders/truc';
    axis.office('H08.21', { name: 'Sở Y tế' });
    axis.office(home, { old: '000.00.16.H08', name: 'Sở Nội vụ mới' });
    const compared = await ask<Told>(province, 'POST', `${path}/compare`, {});
    t.match(compared, { added: [{ code: 'H08.21' }], counts: { added: 1, changed: 1, closed: 0 } });
    t.match(compared.changed, [{ code: home, changes: ['Tên đơn vị: Sở Nội vụ → Sở Nội vụ mới'] }]);
    t.equal(province.hub.directory.own().version, version, 'comparing changes nothing');
    await border().syncOffices();
    t.equal(at('H08.21')?.name, 'Sở Y tế');

    const csv = join(axis.store.dir, 'don-vi.csv');
    const cli = (...args: string[]) => exitOf(['hub', 'upstream', ...args, '--dir', province.dir]);
    const listed = await cli('offices', 'truc');
    t.match(listed.out, /H08\.15 +.*000\.00\.15\.H08 +.*Sở Tài chính/);
    t.equal((await cli('offices', 'truc', '--to', csv)).code, 0);
    const same = await ask<Told>(province, 'POST', `${path}/offices`, {
      file: readFileSync(csv).toString('base64'),
      dryRun: true,
    });
    t.match(same.counts, { added: 0, changed: 0, closed: 0 }, 'what it writes it reads');
    writeFileSync(
      csv,
      'Mã mới;Mã cũ;Tên đơn vị\nH08.22;000.00.22.H08;Sở Giáo dục\nH08.15;000.00.15.H08;Sở Tài chính\n;;Không mã\n',
    );
    const refused = await cli('import', 'truc', csv);
    t.equal(refused.code, 1);
    t.match(refused.out, /KHÔNG NHẬN dòng 4/);
    t.equal(at('H08.22'), undefined, 'nothing is done while a line is refused');
    t.match(await cli('import', 'truc', csv, '--skip-refused', '--dry-run'), { code: 0, out: /Chỉ xem/ });
    t.equal(at('H08.22'), undefined);
    t.equal((await cli('import', 'truc', csv, '--skip-refused')).code, 0);
    t.match(at('000.00.22.h08'), { name: 'Sở Giáo dục', border: units.border, state: 1 });
    t.equal(at('H08.22')?.unit, at('000.00.22.h08')?.unit, 'both codes lead to it');
    t.equal(at(finance)?.unit, units.finance, 'a code that is known keeps its office');
  },
);

t.test('the secret of the system is encrypted at rest and in no log, list or database', async (t) => {
  const { secret } = axis;
  const everything = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((each) =>
      each.isDirectory()
        ? everything(join(folder, each.name))
        : each.isFile()
          ? [join(folder, each.name)]
          : [],
    );
  for (const file of everything(province.dir))
    t.notOk(readFileSync(file).includes(secret), file.slice(province.dir.length));
  t.notOk(
    world.logged.some((line) => line.includes(secret)),
    'log',
  );
  t.notOk(JSON.stringify(await ask(province, 'GET', '/admin/v1/borders')).includes(secret), 'list');
  const [key, foreign] = [generateKey().privateKey, generateKey().privateKey];
  const path = join(province.dir, 'keys', 'thu.credential');
  writeCredential(path, { sealKey: key, name: 'thu', secret: 'mật khẩu' });
  t.equal(readCredential(path, { sealKey: key, name: 'thu' }), 'mật khẩu');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.throws(() => readCredential(path, { sealKey: foreign, name: 'thu' }), {
    code: 'border-credentials-missing',
  });
  t.throws(() => readCredential(path, { sealKey: key, name: 'khac' }), {
    code: 'border-credentials-missing',
  });
  chmodSync(path, 0o640);
  t.throws(() => readCredential(path, { sealKey: key, name: 'thu' }), { code: 'key-file-loose' });
  await ask(province, 'POST', '/admin/v1/borders/truc/secret', { secret: 'sai' });
  await until(() => border()?.status().lastError?.code === 'axis-credentials-refused');
  await ask(province, 'POST', '/admin/v1/borders/truc/secret', { secret });
  await until(() => border()?.status().lastContactMs !== undefined);
  t.pass('a wrong secret is named, and the right one heals it');
});

t.test('an office is registered on the axis by the hub, and taken off', async (t) => {
  await bareNode(province.hub, 'H08.01').then((node) => node.close());
  const done = await ask<{ said: string }>(province, 'POST', '/admin/v1/borders/truc/register', {
    code: 'H08.01',
  });
  t.equal(done.said, 'REGISTERED');
  t.equal(axis.store.agencyByCode('H08.01')?.system_id, systemId);
  await ask(province, 'POST', '/admin/v1/borders/truc/unregister', { code: 'H08.01' });
  t.equal(axis.store.agencyByCode('H08.01'), undefined);
});

t.test('a removed secret is destroyed at the border too, and does not come in again', async (t) => {
  const words = 'toạ độ trận địa pháo số bảy';
  const file = join(axis.store.dir, 'mat.txt');
  writeFileSync(file, `bản vẽ: ${words}`);
  const papers = { from: finance, to: ['H08.35.13'], number: '985', subject: `Về ${words}`, files: [file] };
  const { documentId: edxmlId } = await axis.send(papers);
  const fits = ({ metadata }: Arrived) => metadata.number === '985';
  const { header } = (await readUntil(commune, ({ arrived }) => arrived.some(fits))).arrived.find(fits)!;
  // A request about it under the same name, and the document again under another id of the axis.
  await axis.send({
    ...papers,
    subject: 'Thu hồi',
    act: '1',
    target: edxmlId,
    reason: 'Gửi nhầm',
    files: [],
  });
  await axis.send(papers);
  await until(
    async () => (await messages('?direction=in')).filter((m) => m.edxmlId === edxmlId).length === 3,
  );
  await until(async () => (await messages('?direction=in&state=sealed')).length === 0);
  t.not(filesHolding(province.dir, Buffer.from(words)).length, 0, 'it lies there before the order');
  const id = uuidFromBytes(header.documentId);
  const order = await operators(province.hub);
  await order('mot', id, 'hide');
  const { removals } = await order('hai', id, 'destroy');
  t.ok(removals[1]!.doneHereMs);
  t.notOk(
    removals[1]!.peers.some(({ beyond }) => beyond),
    'the border itself is this hub: nobody waits for its word',
  );
  t.strictSame(filesHolding(province.dir, Buffer.from(words)), [], 'as received, unzipped, sealed: nowhere');
  const line = (await messages('?direction=in')).filter((m) => m.edxmlId === edxmlId);
  t.ok(line.every(({ messageSha256, parts }) => messageSha256.length === 64 && parts.every(Boolean)));
  await axis.send(papers);
  await until(async () =>
    (await messages('?direction=in&state=refused')).some(({ code }) => code === 'secrecy-refused'),
  );
  await until(() => filesHolding(province.dir, Buffer.from(words)).length === 0);
  t.pass('nor does it come back');
  // What left to an office behind the border is beyond any order, and the record says so.
  const sent = await put(commune, paper('986'));
  const { copy_id } = await atOffice(finance, isDocument('986'));
  const answer = 'Tệp không mở được';
  axis.store.setCopy(copy_id, 'fail', answer, systemClock.nowMs());
  const beyond = uuidFromBytes(sent.documentId);
  const answered = async () =>
    (await messages('?direction=out')).find(({ documentId }) => documentId === beyond);
  await until(async () => (await answered())?.words === answer);
  const told = await order('mot', beyond, 'hide');
  t.match(
    told.removals[0]!.peers.find(({ unit }) => unit === finance),
    { beyond: 'Trục liên thông (thử)' },
  );
  await order('hai', beyond, 'destroy');
  t.equal((await answered())?.words, '', 'and goes with its document');
  await province.hub.close();
  const { findings } = await fsckHub({ dir: province.dir });
  t.strictSame(
    findings.filter(({ severity }) => severity === 'fault'),
    [],
    'rows and digests are whole',
  );
  t.strictSame(
    findings.filter(({ check }) => check === 'orphan'),
    [],
    'no unzipped file is left that nothing names',
  );
  await province.restart();
});

const corpora = [sharedData('edxml'), sharedData('xml-attacks')];
t.test(
  'every sample and every attack, given to us by the axis, is judged as the codec judges it, answered, kept and told',
  { skip: corpora.every(existsSync) ? false : 'needs ../shared/data' },
  async (t) => {
    const files = corpora.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile() && !/\.(md|json)$/.test(each.name))
        .map((each) => join(each.parentPath, each.name)),
    );
    t.ok(files.length > 40);
    const given = new Map<string, { name: string; bytes: Buffer; code: string | undefined }>();
    for (const path of files) {
      // Inside JSON everything is text: what is no UTF-8 arrives with its replacement characters.
      const bytes = Buffer.from(readFileSync(path, 'utf8'));
      const code = await readEdxml([bytes] as never).then(
        () => undefined,
        (error: unknown) => (isExchangeError(error) ? error.code : 'internal'),
      );
      const type = bytes.includes('StatusCode>') ? 'status' : 'edoc';
      given.set(smuggle(bytes, type), { name: basename(path), bytes, code });
    }
    const lines = async () =>
      (await messages('?direction=in')).filter(({ foreignId }) => given.has(foreignId));
    await until(() => [...given.keys()].every((id) => axis.store.copy(id)!.state !== 'initial'));
    await until(async () => (await messages('?direction=in&state=sealed')).length === 0);
    t.equal((await lines()).length, given.size);
    const root = join(province.dir, 'content', 'sha256');
    for (const line of await lines()) {
      const { name, bytes, code } = given.get(line.foreignId)!;
      if (code !== undefined) t.strictSame([line.state, line.code], ['refused', code], name);
      t.equal(line.messageSha256, hash('sha256', bytes), `${name}: its digest`);
      if (line.state !== 'refused') continue;
      const stored = join(root, line.messageSha256.slice(0, 2), line.messageSha256);
      t.ok(existsSync(stored) && statSync(stored).size === bytes.length, `${name}: its bytes are kept`);
      t.not(line.code, '', `${name}: with the reason`);
      if (line.documentId === null)
        t.equal(axis.store.copy(line.foreignId)!.state, 'fail', `${name}: and the axis is told`);
    }
    await axis.send({ from: finance, to: ['H08.35.14'], number: '990' });
    await readUntil(other, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '990'));
    t.pass('and nobody else was stopped');
  },
);

t.test('fsck of a sender’s node believes only what is about that recipient', async (t) => {
  const db = openDatabase(join(axis.store.dir, 'fsck.sqlite'), { create: true });
  t.teardown(() => db.close());
  db.exec(`CREATE TABLE documents (seq INTEGER, document_id BLOB); CREATE TABLE envelopes (seq INTEGER, document_seq INTEGER, envelope_id BLOB, work TEXT);
    CREATE TABLE outbox_recipients (envelope_seq INTEGER, idx INTEGER, state TEXT); CREATE TABLE statements (id INTEGER, envelope_id BLOB, direction TEXT, bytes BLOB);
    CREATE TABLE inbox (seq INTEGER, document_id BLOB); CREATE TABLE inbox_recipients (inbox_seq INTEGER, unit TEXT, statement INTEGER)`);
  const id = (n: number) => Buffer.alloc(16, n);
  const key = signingKeyOf(generateKey());
  db.run('INSERT INTO documents VALUES (1, ?)', id(9));
  for (const [seq, envelope] of [id(1), id(2)].entries())
    db.run("INSERT INTO envelopes VALUES (?, 1, ?, 'done')", seq, envelope);
  for (const [seq, index] of [
    [0, 0],
    [0, 1],
    [1, 0],
  ] as const)
    db.run("INSERT INTO outbox_recipients VALUES (?, ?, 'delivered')", seq, index);
  const say = (
    envelope: Buffer,
    event: 'RelayToNonERDS' | 'ContentHandover',
    index: number,
    outcome: number,
  ) => {
    const { type, bytes } = buildStatement({
      event,
      statementId: id(7),
      envelopeId: envelope,
      documentId: id(9),
      envelopeDigest: Buffer.alloc(32),
      sender: 'u1',
      issuer: 'h1',
      results: [{ index, unit: 'u2', outcome, code: '' }],
      atMs: 1,
    });
    db.run(
      "INSERT INTO statements VALUES (1, ?, 'in', ?)",
      envelope,
      signedStatementCodec.encode(signOne(type, bytes, key)),
    );
  };
  const unproven = () => {
    const problems: string[] = [];
    checkStates(
      db,
      ({ envelopeId, what }) => void problems.push(`${envelopeId?.slice(0, 2)} ${what.slice(0, 11)}`),
    );
    return problems;
  };
  say(id(1), 'RelayToNonERDS', 0, outcomes.relayed);
  t.equal(unproven().length, 3, 'that another system took it is no delivery');
  say(id(1), 'RelayToNonERDS', 0, outcomes.reported);
  t.strictSame(
    unproven(),
    ['01 recipient 1', '02 recipient 0'],
    'nor is the report about another recipient or envelope',
  );
  say(id(1), 'ContentHandover', 1, outcomes.delivered);
  say(id(2), 'RelayToNonERDS', 0, outcomes.reported);
  t.strictSame(unproven(), []);
});
