// The border to another system, against a stand-in axis over real HTTP: documents and statuses both ways, exactly once although the axis repeats,
// fails and loses answers; refusals in its words; bad messages kept as evidence; codes through its own list. The hub is a province with a
// district below it, so that a commune's document crosses three levels and its words come all the way back.
import { createHmac, hash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readMultipart } from '../bin/axis/multipart.ts';
import { answerPaper, received } from '../bin/axis/practice.ts';
import { kitText, readTimestamp, verifyHeaders } from '../bin/axis/verify.ts';
import { generateKey } from '../certs/keys.ts';
import { createSigners } from '../certs/signers.ts';
import { readCredential, writeCredential } from '../hub/axis/credentials.ts';
import { jsonData } from '../hub/axis/json-data.ts';
import { multipartFile } from '../hub/axis/multipart-file.ts';
import { lgspRefusal, vxpRefusal } from '../hub/axis/refusals.ts';
import type { BorderLine } from '../hub/axis/show.ts';
import { vxpFileHash, vxpHeaders, vxpTimestamp } from '../hub/axis/vxp-sign.ts';
import { kitHex } from '../hub/edxml/read.ts';
import { fsckHub } from '../hub/fsck.ts';
import { headerCodec, metadataCodec, wrapperCodec } from '../protocol/codec.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { loggerOver } from '../protocol/node/logger.ts';
import { kinds, relations } from '../protocol/seal.ts';
import { eventName, openStatementSync, outcomeName } from '../protocol/statement.ts';
import type { Header, Metadata, Statement } from '../protocol/wire.ts';
import { addBorder, startTestAxis, systemId, type TestAxis } from './support/axis.ts';
import {
  type BareNode,
  bareNode,
  type Draft,
  deliveryReceipt,
  pollOnce,
  prepare,
  startTestHub,
  type TestHub,
} from './support/hub.ts';

const logged: string[] = [];
const log = loggerOver(
  { write: (line: string) => void logged.push(line) },
  { level: 'info', clock: systemClock, program: 'test' },
);
const axis = await startTestAxis();
const finance = 'H08.15';
const home = 'H08.16';
axis.office(finance, { old: '000.00.15.H08', name: 'Sở Tài chính' });
axis.office(home, { old: '000.00.16.H08', name: 'Sở Nội vụ' });
axis.office('H08.35.13', { own: true, name: 'UBND xã Bình Tân' });
axis.office('H08.35.14', { own: true, name: 'UBND xã Tây Thuận' });

const province = await startTestHub({ code: 'H08', log });
const district = await startTestHub({ code: 'H08.35', rootDir: join(province.dir, 'root') });
await district.hub.directory.offerAnswer(province.hub.directory.answer());
await province.hub.directory.offerAnswer(district.hub.directory.answer());
await province.hub.admin.act('peerAddHub', { hubId: district.hub.hubId, nowMs: systemClock.nowMs() });
await ask(district, 'POST', '/admin/v1/upstream', {
  hubId: province.hub.hubId,
  url: `https://localhost:${province.hub.at.exchange!.port}`,
});
const commune = await bareNode(district.hub, 'H08.35.13');
const other = await bareNode(district.hub, 'H08.35.14');
await until(
  () => province.hub.directory.current().byCode('H08.35.14', systemClock.nowMs())?.node === other.nodeId,
);
await addBorder(province.hub, axis);
const border = () => province.hub.borders.running('truc')!;
await border().syncOffices();
await until(() => district.hub.directory.current().byCode(finance, systemClock.nowMs()) !== undefined);
const units = { finance: unitOf(finance), home: unitOf(home), border: border().record.unit };

t.teardown(async () => {
  await Promise.all([commune.close(), other.close()]);
  await district.close();
  await province.close();
  await axis.close();
});

async function ask<T>({ hub }: TestHub, method: 'GET' | 'POST', url: string, payload?: object): Promise<T> {
  const answer = await hub.control.inject({ method, url, ...(payload ? { payload } : {}) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.json() as T;
}
async function until(found: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await found())) await systemClock.sleep(20);
}
function unitOf(code: string): string {
  return district.hub.directory.current().byCode(code, systemClock.nowMs())!.unit;
}
const messages = async (query = ''): Promise<BorderLine[]> =>
  (await ask<{ messages: BorderLine[] }>(province, 'GET', `/admin/v1/border-messages${query}`)).messages;

type Arrived = { header: Header; metadata: Metadata; files: string[] };
type Mail = { arrived: Arrived[]; statements: Statement[]; taken: number[] };
const mail = new Map<string, Mail>();
const signersOf = ({ hub }: TestHub) =>
  createSigners({ directory: () => hub.directory.current(), rootsDer: [hub.rootDer] });
const signers = signersOf(district);

/** Takes what waits for a node, receipts it, and keeps everything that ever came. */
async function read(node: BareNode, by = signers): Promise<Mail> {
  const kept = mail.get(node.unit) ?? { arrived: [], statements: [], taken: [] };
  mail.set(node.unit, kept);
  const { items } = await pollOnce(node, { taken: kept.taken });
  kept.taken = [];
  for (const { delivery, statement } of items) {
    if (statement) {
      kept.taken.push(statement.id);
      kept.statements.push(openStatementSync(statement.statement, by.statement).statement);
    }
    if (!delivery) continue;
    const wrapper = wrapperCodec.decode(delivery.wrapper);
    kept.arrived.push({
      header: headerCodec.decode(wrapper.envelope!.bytes),
      metadata: metadataCodec.decode(wrapper.metadata!.block),
      files: wrapper.inlineParts.map(({ content }) => Buffer.from(content).toString()),
    });
    await node.link.statements([
      { deliveryIds: delivery.deliveryIds, statement: deliveryReceipt(node, delivery.wrapper) },
    ]);
  }
  return kept;
}
async function readUntil(node: BareNode, enough: (mail: Mail) => boolean, by = signers): Promise<Mail> {
  let kept = await read(node, by);
  while (!enough(kept)) {
    await systemClock.sleep(30);
    kept = await read(node, by);
  }
  return kept;
}
const about = (documentId: Uint8Array) => (s: Statement) => Buffer.compare(s.documentId, documentId) === 0;
const outcomesOf = ({ statements }: Mail, documentId: Uint8Array) =>
  statements
    .filter(about(documentId))
    .flatMap(({ event, results }) =>
      results.map(({ outcome }) => `${eventName(event)} ${outcomeName(outcome)}`),
    );

function paper(number: string, more: Partial<Draft> = {}): Draft {
  return {
    to: [units.finance],
    ...more,
    metadata: {
      subject: `Về việc số ${number}`,
      number,
      notation: 'UBND-TH',
      issueDate: '2026-11-25',
      type: 'Công văn',
      ...more.metadata,
    },
  };
}
async function put(node: BareNode, draft: Draft): Promise<Header> {
  const [prepared] = prepare(node, [draft]);
  const [result] = await node.link.submit([prepared!.wrapper]);
  if (result!.problem !== '') throw new Error(result!.problem);
  return headerCodec.decode(prepared!.sealed.headerBytes);
}
const atOffice = async (
  code: string,
  fits: (row: Awaited<ReturnType<typeof received>>[number]) => boolean = () => true,
) => {
  for (;;) {
    const found = (await received(axis.store, code)).find(fits);
    if (found) return found;
    await systemClock.sleep(30);
  }
};
const isDocument = (number: string) => (row: Awaited<ReturnType<typeof received>>[number]) =>
  row.message.what === 'document' && row.message.number === number && row.message.kind === 'new';

t.test(
  'a commune’s document reaches an office of the axis, and what the axis says comes back signed by the border’s hub',
  async (t) => {
    const sent = await put(
      commune,
      paper('101', { parts: [{ name: 'cv-101.txt', content: Buffer.from('nội dung 101') }] }),
    );
    const copy = await atOffice(finance, isDocument('101'));
    t.match(copy.message, {
      from: { organId: 'H08.35.13', name: 'UBND xã Bình Tân' },
      to: [{ organId: finance }],
      notation: 'UBND-TH',
      date: '2026-11-25',
    });
    t.equal(copy.edxml_id, 'H08.35.13,2026/11/25,101/UBND-TH');
    const sha256 = hash('sha256', 'nội dung 101');
    t.equal(copy.files[0]!.sha256, sha256, 'the unzipped file is byte for byte the one that was handed in');
    axis.store.setCopy(copy.copy_id, 'done', '', systemClock.nowMs());
    const kept = await readUntil(commune, (all) => outcomesOf(all, sent.documentId).length === 3);
    t.strictSame(
      outcomesOf(kept, sent.documentId).sort(),
      ['RelayAcceptance accepted', 'RelayToNonERDS relayed', 'RelayToNonERDS reported'],
      'accepted by the province, taken by the axis, reported by the axis; never delivered, which only a receiver may sign',
    );
    const relayed = kept.statements.filter(about(sent.documentId)).find(({ event }) => event === 14)!;
    t.equal(relayed.issuer, province.hub.hubId);
    t.equal(
      Buffer.from(relayed.parts[0]!.sha256).toString('hex'),
      sha256,
      'the statement holds the digest of the unzipped file',
    );
    const [line] = await messages(`?document=${uuidFromBytes(sent.documentId)}`);
    t.match(line, {
      direction: 'out',
      state: 'reported',
      rule: 'axis-id',
      foreignId: copy.doc_id,
      parts: [sha256],
      messageSha256: Buffer.from(relayed.foreignMessage!).toString('hex'),
    });
    t.equal(relayed.results[0]!.foreignId, copy.doc_id);
    const bytes = readFileSync(axis.store.messagePath(copy.doc_id));
    t.equal(
      hash('sha256', bytes),
      line!.messageSha256,
      'the evidence names the very bytes that the axis got',
    );
  },
);

t.test(
  'a document from the axis reaches a commune, sealed by the border for its sender, and its arrival goes back as 01',
  async (t) => {
    const { documentId } = await axis.send({ from: finance, to: ['H08.35.13', 'H08.35.14'], number: '201' });
    const fits = ({ metadata }: Arrived) => metadata.number === '201';
    for (const node of [commune, other]) {
      const found = (await readUntil(node, ({ arrived }) => arrived.some(fits))).arrived.filter(fits);
      t.equal(found.length, 1);
      const { header, metadata, files } = found[0]!;
      t.equal(header.sender, units.border, 'the border seals; nobody pretends that the office did');
      t.match(metadata.foreign, {
        code: finance,
        name: 'Sở Tài chính',
        documentId,
        system: 'Trục liên thông (thử)',
      });
      t.strictSame(files, ['Nội dung văn bản từ trục']);
    }
    const ids = [commune, other].map(({ unit }) => mail.get(unit)!.arrived.find(fits)!.header.documentId);
    t.strictSame(ids[0], ids[1], 'one document for both');
    for (const code of ['H08.35.13', 'H08.35.14'])
      await atOffice(
        finance,
        ({ message }) =>
          message.what === 'status' &&
          message.code === '01' &&
          message.from.organId === code &&
          message.responseFor.documentId === documentId,
      );
    t.ok(
      axis.store.copiesFor('H08.35.13').every(({ state }) => state === 'done'),
      'acknowledged',
    );
  },
);

t.test(
  'statuses cross both ways, each once: 03 to 06 of theirs to the sender, ours to the axis',
  async (t) => {
    const sent = await put(commune, paper('301'));
    const copy = await atOffice(finance, isDocument('301'));
    for (const code of ['01', '03', '05', '06'])
      await answerPaper(
        axis.store,
        { copyId: copy.copy_id, code, description: `ghi chú ${code}` },
        systemClock,
      );
    const isStatus = ({ header }: Arrived) =>
      header.kind === kinds.status &&
      header.links.some(({ documentId }) => Buffer.compare(documentId, sent.documentId) === 0);
    const kept = await readUntil(commune, ({ arrived }) => arrived.filter(isStatus).length >= 3);
    const statuses = kept.arrived
      .filter(isStatus)
      .sort((a, b) => a.header.status!.counter - b.header.status!.counter);
    t.strictSame(
      statuses.map(({ header, metadata }) => [header.status!.code, metadata.reason, metadata.foreign!.code]),
      [
        ['03', 'ghi chú 03', finance],
        ['05', 'ghi chú 05', finance],
        ['06', 'ghi chú 06', finance],
      ],
    );
    t.ok(
      outcomesOf(kept, sent.documentId).includes('RelayToNonERDS reported'),
      '01 settles the delivery and travels no further',
    );

    const { documentId } = await axis.send({ from: finance, to: ['H08.35.13'], number: '302' });
    const { header } = (
      await readUntil(commune, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '302'))
    ).arrived.find(({ metadata }) => metadata.number === '302')!;
    const atMs = systemClock.nowMs();
    await put(commune, {
      to: [units.border],
      parts: [],
      metadata: { reason: 'Chuyển phòng Kế toán', registeredNumber: '88' },
      header: {
        kind: kinds.status,
        links: [
          { relation: relations.statusOf, envelopeId: new Uint8Array(), documentId: header.documentId },
        ],
        status: { code: '03', counter: 1, atMs },
      } as never,
    });
    const back = await atOffice(
      finance,
      ({ message }) =>
        message.what === 'status' && message.code === '03' && message.responseFor.documentId === documentId,
    );
    t.match(back.message, {
      from: { organId: 'H08.35.13' },
      responseFor: { organId: finance, code: '302/STC-VP' },
      description: 'Chuyển phòng Kế toán. Số đến: 88',
    });
  },
);

t.test('recall and replacement pass in both directions; 13 asks back and 15 answers', async (t) => {
  const sent = await put(commune, paper('401'));
  const copy = await atOffice(finance, isDocument('401'));
  const acts = (relation: number, documentId: Uint8Array) => [
    { relation, envelopeId: new Uint8Array(), documentId },
  ];
  await put(commune, {
    to: [units.finance],
    parts: [],
    metadata: { reason: 'Sai số liệu' },
    header: { kind: kinds.recall, links: acts(relations.recalls, sent.documentId) },
  });
  const recall = await atOffice(
    finance,
    ({ message }) => message.what === 'document' && message.kind === 'recall',
  );
  t.match(
    recall.message,
    { number: '401', business: { type: '1', reason: 'Sai số liệu', documentId: copy.edxml_id } },
    'the recall names what it takes back',
  );
  await answerPaper(axis.store, { copyId: copy.copy_id, code: '15', description: 'Đã huỷ' }, systemClock);
  const kept = await readUntil(commune, ({ arrived }) =>
    arrived.some(({ header }) => header.status?.code === '15'),
  );
  t.ok(kept.arrived.some(({ metadata }) => metadata.reason === 'Đã huỷ'));
  await put(
    commune,
    paper('402', {
      metadata: { reason: 'Thay văn bản sai' },
      header: { kind: kinds.replacement, links: acts(relations.replaces, sent.documentId) },
    }),
  );
  const replacement = await atOffice(
    finance,
    ({ message }) => message.what === 'document' && message.kind === 'replacement',
  );
  t.match(replacement.message, {
    number: '402',
    business: { replacements: [{ documentId: copy.edxml_id, organIds: [finance] }] },
  });

  const first = await axis.send({ from: finance, to: ['H08.35.13'], number: '403' });
  const arrived = await readUntil(commune, ({ arrived }) =>
    arrived.some(({ metadata }) => metadata.number === '403'),
  );
  const { header } = arrived.arrived.find(({ metadata }) => metadata.number === '403')!;
  const linked = (kind: number, relation: number) => (each: Arrived) =>
    each.header.kind === kind &&
    each.header.links.some(
      (link) => link.relation === relation && Buffer.compare(link.documentId, header.documentId) === 0,
    );
  await axis.send({
    from: finance,
    to: ['H08.35.13'],
    number: '404',
    act: '3',
    target: first.documentId,
    reason: 'Đính chính',
  });
  await axis.send({
    from: finance,
    to: ['H08.35.13'],
    number: '403',
    act: '1',
    target: first.documentId,
    reason: 'Gửi nhầm',
    files: [],
  });
  const all = await readUntil(
    commune,
    ({ arrived: got }) =>
      got.some(linked(kinds.recall, relations.recalls)) &&
      got.some(linked(kinds.replacement, relations.replaces)),
  );
  t.equal(all.arrived.find(linked(kinds.recall, relations.recalls))!.metadata.reason, 'Gửi nhầm');
  const came = (await messages('?direction=in')).find(
    (line) => line.edxmlId === first.documentId && line.state === 'accepted' && line.parts.length > 0,
  )!;
  const bytesOf = join(province.dir, 'content', 'sha256', came.messageSha256.slice(0, 2), came.messageSha256);
  await until(() => !existsSync(bytesOf));
  t.pass('the border forgets the bytes of a recalled document and keeps their digest');
  const asked = (await received(axis.store, 'H08.35.13')).find(
    ({ edxml_id, type }) => edxml_id === first.documentId && type === 'edoc',
  )!;
  await answerPaper(
    axis.store,
    { copyId: asked.copy_id, code: '13', description: 'Xin lấy lại' },
    systemClock,
  );
  await readUntil(
    commune,
    ({ arrived: got }) => got.filter(linked(kinds.recall, relations.recalls)).length === 2,
  );
  t.pass('13 of the sender is a recall like the other');
});

t.test(
  'refusals of the axis reach the sender in its words: unknown, locked, and refused by the receiver’s system',
  async (t) => {
    axis.store.lockAgency(home, true);
    const locked = await put(commune, paper('501', { to: [units.home, units.finance] }));
    const kept = await readUntil(commune, (all) => outcomesOf(all, locked.documentId).length >= 4);
    const refusal = kept.statements.filter(about(locked.documentId)).find(({ event }) => event === 15)!;
    t.match(refusal.results[0], {
      index: 0,
      unit: units.home,
      code: 'axis-recipient-locked',
      words: /Receiver H08\.16 is locked/,
    });
    t.ok(
      outcomesOf(kept, locked.documentId).includes('RelayToNonERDS relayed'),
      'the other recipient got it: one row for each',
    );
    axis.store.removeAgency(home);
    const gone = await put(commune, paper('502', { to: [units.home] }));
    const after = await readUntil(commune, (all) =>
      all.statements.some((s) => about(gone.documentId)(s) && s.event === 15),
    );
    t.match(after.statements.filter(about(gone.documentId)).find(({ event }) => event === 15)!.results[0], {
      code: 'axis-recipient-unknown',
      words: /does not exist/,
    });
    const third = await put(commune, paper('503'));
    const copy = await atOffice(finance, isDocument('503'));
    axis.store.setCopy(copy.copy_id, 'fail', 'Tệp không mở được', systemClock.nowMs());
    const failed = await readUntil(commune, (all) =>
      all.statements.some((s) => about(third.documentId)(s) && s.event === 15),
    );
    t.match(failed.statements.filter(about(third.documentId)).find(({ event }) => event === 15)!.results[0], {
      words: 'Tệp không mở được',
    });
    axis.office(home, { old: '000.00.16.H08', name: 'Sở Nội vụ' });
    const nameless = await put(commune, paper('504', { metadata: { notation: '' } }));
    const said = await readUntil(commune, (all) =>
      all.statements.some((s) => about(nameless.documentId)(s) && s.event === 15),
    );
    t.match(
      said.statements.filter(about(nameless.documentId)).find(({ event }) => event === 15)!.results[0],
      { code: 'edxml-field-refused', words: /CodeNotation/ },
    );
  },
);

t.test(
  'the axis repeats, fails, loses answers and cuts messages off: each document arrives once in both directions',
  async (t) => {
    const { store } = axis;
    store.setFault('duplicate', 1);
    store.setFault('fail-chance', 0.15);
    store.setFault('lose-answer', 3);
    store.setFault('damage', 3);
    const outgoing = Array.from({ length: 6 }, (_, i) => `6${String(i).padStart(2, '0')}`);
    const incoming = Array.from({ length: 6 }, (_, i) => `7${String(i).padStart(2, '0')}`);
    for (const number of outgoing) await put(commune, paper(number));
    for (const number of incoming) await axis.send({ from: finance, to: ['H08.35.14'], number });
    const numbersAt = async () =>
      (await received(store, finance)).flatMap(({ message }) =>
        message.what === 'document' ? [message.number] : [],
      );
    const poll = () => ask(province, 'POST', '/admin/v1/borders/truc/poll', {});
    await until(async () => {
      await poll();
      await read(other);
      const there = await numbersAt();
      const here = mail.get(other.unit)!.arrived.map(({ metadata }) => metadata.number);
      await systemClock.sleep(100);
      return outgoing.every((n) => there.includes(n)) && incoming.every((n) => here.includes(n));
    });
    store.setFault('fail-chance', 0);
    // Lists go on repeating what is done: nothing more may come of it.
    await until(async () => {
      await poll();
      await read(other);
      await systemClock.sleep(50);
      return (
        store.copiesFor('H08.35.14').every(({ state }) => state === 'done') &&
        (await messages('?state=made')).length === 0
      );
    });
    const there = (await numbersAt()).filter((n) => outgoing.includes(n));
    t.strictSame(
      there.sort(),
      outgoing,
      'nothing lost and nothing sent twice, although three answers were lost',
    );
    const here = mail
      .get(other.unit)!
      .arrived.map(({ metadata }) => metadata.number)
      .filter((n) => incoming.includes(n));
    t.strictSame(here.sort(), incoming);
    t.equal(
      (await messages()).filter(({ rule }) => rule === 'sent-list').length,
      3,
      'found in the axis’s own list instead of being sent again',
    );
    store.setFault('duplicate', 0);
  },
);

t.test(
  'one document under another axis id is a repetition; another text under one id is held for a person',
  async (t) => {
    await axis.send({ from: finance, to: ['H08.35.13'], number: '801' });
    await readUntil(commune, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '801'));
    await axis.send({ from: finance, to: ['H08.35.13'], number: '801' });
    await until(async () =>
      (await messages('?direction=in&state=duplicate')).some(({ edxmlId }) => edxmlId.includes(',801/')),
    );
    await axis.send({ from: finance, to: ['H08.35.13'], number: '801', subject: 'Một nội dung khác' });
    await until(async () =>
      (await messages('?direction=in&state=held')).some(({ edxmlId }) => edxmlId.includes(',801/')),
    );
    const kept = await read(commune);
    t.equal(kept.arrived.filter(({ metadata }) => metadata.number === '801').length, 1);
    const { alarms } = await ask<{ alarms: { code: string }[] }>(province, 'GET', '/admin/v1/alarms');
    t.ok(alarms.some(({ code }) => code === 'border-message-conflict'));
  },
);

/** Puts bytes into the axis that it would never have let in. */
async function smuggle(bytes: Buffer, type: 'edoc' | 'status', to = 'H08.35.13'): Promise<string> {
  const docId = randomBytes(12).toString('hex');
  writeFileSync(axis.store.messagePath(docId), bytes);
  axis.store.addMessage({
    docId,
    type,
    from: finance,
    to: [to],
    edxmlId: '',
    title: '',
    notation: '',
    statusCode: '',
    sha256: hash('sha256', bytes),
    bytes: bytes.length,
    nowMs: systemClock.nowMs(),
  });
  return axis.store.copiesFor(to).find((copy) => copy.doc_id === docId)!.copy_id;
}

t.test(
  'bad messages are answered fail, kept as evidence with the reason, and stop nobody else',
  async (t) => {
    const good = await axis.send({ from: finance, to: ['H08.35.13'], number: '901' });
    const text = readFileSync(axis.store.messagePath(good.docId), 'utf8');
    await readUntil(commune, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '901'));
    const inbound = await axis.send({ from: home, to: ['H08.35.14'], number: '902' });
    await readUntil(other, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '902'));
    const fresh = text.replaceAll('901', '903');
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
        Buffer.from(statusText('H08.35.13,2026/11/25,402/UBND-TH', '03').replace(finance, home)),
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
      const id = await smuggle(bytes, type, to);
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
    const id = await smuggle(long, 'edoc');
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
    for (const status of [
      await smuggle(Buffer.from(twice), 'status'),
      await smuggle(Buffer.from(twice), 'status'),
    ])
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

t.test('a document that its receiver here refuses goes back to the axis as 02 with the reason', async (t) => {
  const unit = province.hub.directory.current().byCode('H08.35.14', systemClock.nowMs())!.unit;
  await district.hub.admin.act('unitSuspend', { unit, nowMs: systemClock.nowMs() });
  await until(() => province.hub.directory.current().unit(unit)?.state === 3);
  const { documentId } = await axis.send({ from: finance, to: ['H08.35.14'], number: '951' });
  const back = await atOffice(
    finance,
    ({ message }) =>
      message.what === 'status' && message.code === '02' && message.responseFor.documentId === documentId,
  );
  t.match(back.message, { from: { organId: 'H08.35.14' }, description: /tạm dừng/ });
  await district.hub.admin.act('unitResume', { unit, nowMs: systemClock.nowMs() });
  await until(() => province.hub.directory.current().unit(unit)?.state === 1);
});

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
    logged.some((line) => line.includes(secret)),
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
    { numRuns: 100 },
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
  const retry = (error: { row: { retry: string } }) => error.row.retry;
  t.strictSame(
    ['10', '15', '18', '19', '20', '21', '22', '23', '99'].map((code) => retry(lgspRefusal(code, ''))),
    ['never', 'operator', 'never', 'operator', 'later', 'later', 'never', 'never', 'operator'],
  );
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
  'the provincial wrapper carries both ways by system id and secret, and refuses a wrong one',
  async (t) => {
    const second = await startTestHub({ code: 'H09' });
    const wrapper: TestAxis = await startTestAxis();
    wrapper.office('H09.15', { name: 'Sở Y tế' });
    wrapper.office('H09.01', { own: true });
    const node = await bareNode(second.hub, 'H09.01');
    await addBorder(second.hub, wrapper, { connector: 'lgsp', name: 'lgsp' });
    // The wrapper lists no offices: they are put in as they would come from a file.
    await second.hub.store.admin('borderAgencies', {
      border: 'lgsp',
      rows: [
        { agency: 'x', code: 'H09.15', oldCode: '', name: 'Sở Y tế', mail: '', deleted: false, own: '' },
      ],
      full: false,
      version: 0,
      nowMs: systemClock.nowMs(),
    });
    second.hub.directory.refresh();
    const unit = second.hub.directory.current().byCode('H09.15', systemClock.nowMs())!.unit;
    await put(node, paper('11', { to: [unit] }));
    await until(async () => (await received(wrapper.store, 'H09.15')).length === 1);
    await wrapper.send({ from: 'H09.15', to: ['H09.01'], number: '12' });
    await readUntil(
      node,
      ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '12'),
      signersOf(second),
    );
    t.ok(wrapper.store.copiesFor('H09.01').every(({ state }) => state === 'done'));
    wrapper.store.lockAgency('H09.15', true);
    const locked = await put(node, paper('13', { to: [unit] }));
    let got: string[] = [];
    await until(async () => {
      const { items } = await pollOnce(node);
      got = [
        ...got,
        ...items.flatMap(({ statement }) =>
          statement ? [Buffer.from(statement.statement).toString('latin1')] : [],
        ),
      ];
      return got.some((bytes) => bytes.includes('axis-recipient-locked') && bytes.includes('23 '));
    });
    t.ok(locked);
    const status = await new Promise<number>((resolve, reject) => {
      const call = request(
        `${wrapper.url}/v1/getReceivedEdocList`,
        { method: 'POST', headers: { 'x-systemid': systemId, 'x-secretkey': 'sai' } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      call.on('error', reject);
      call.end('{}');
    });
    t.equal(status, 400);
    await node.close();
    await second.close();
    await wrapper.close();
  },
);

t.test('what is sealed when the hub stops is delivered when it comes back, and nothing twice', async (t) => {
  const before = mail.get(commune.unit)!.arrived.length;
  await axis.send({ from: finance, to: ['H08.35.13'], number: '971' });
  await until(async () => (await messages('?direction=in')).some(({ edxmlId }) => edxmlId.includes(',971/')));
  await put(commune, paper('972'));
  await province.restart();
  await ask(province, 'POST', '/admin/v1/borders/truc/poll', {});
  await readUntil(commune, ({ arrived }) => arrived.some(({ metadata }) => metadata.number === '971'));
  await atOffice(finance, isDocument('972'));
  await systemClock.sleep(300);
  const kept = await read(commune);
  t.equal(kept.arrived.filter(({ metadata }) => metadata.number === '971').length, 1);
  t.equal((await received(axis.store, finance)).filter(isDocument('972')).length, 1);
  t.ok(kept.arrived.length > before);
  await province.hub.close();
  const { findings } = await fsckHub({ dir: province.dir });
  const faults = findings.filter(({ severity }) => severity === 'fault');
  t.strictSame(faults, [], 'the store is clean');
  await province.restart();
});
