// The border to another system, against a stand-in axis over real HTTP: documents and statuses both ways, exactly once although the axis repeats,
// fails and loses answers; refusals in its words. The hub is a province with a district below it, so that a commune's document crosses three
// levels and its words come all the way back. Bad messages: axis-bad.test.ts; the connectors by themselves: axis-connectors.test.ts.
import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { answerPaper, received } from '../bin/axis/practice.ts';
import { fsckHub } from '../hub/fsck.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { kinds, relations } from '../protocol/seal.ts';
import {
  type Arrived,
  about,
  ask,
  borderWorld,
  finance,
  home,
  isDocument,
  outcomesOf,
  put,
} from './support/border.ts';

const world = await borderWorld();
const { axis, commune, district, mail, messages, other, paper, province, read, readUntil, units } = world;
const { atOffice, until } = world;
t.teardown(() => world.close());

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
    // Three documents lose theirs: before anything arrives whose status could be one of the three.
    await until(async () => store.fault('lose-answer') === 0);
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
