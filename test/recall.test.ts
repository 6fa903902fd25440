// Recall, update and replacement through real nodes and a real hub: before sending, at the hub, after delivery, after acceptance; who wins a
// race; what is destroyed and what stays; what strangers ask; and what a restore brings back.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { backupNode, restoreNode } from '../edge-node/backup.ts';
import type { DocumentView } from '../edge-node/core.ts';
import { fsckNode } from '../edge-node/fsck.ts';
import { startNode } from '../edge-node/main.ts';
import type { RequestView } from '../edge-node/statuses/core.ts';
import { backupHub, restoreHub } from '../hub/backup.ts';
import { fsckHub } from '../hub/fsck.ts';
import { dayOf } from '../protocol/calendar/working-days.ts';
import { uuidFromBytes, uuidToBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { kinds, relations } from '../protocol/seal.ts';
import {
  arrived,
  codeOf,
  forge,
  part,
  post,
  recipient,
  sees,
  send,
  show,
  transportOf,
} from './support/documents.ts';
import { hang, quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, type Office, openDistrict, openOffice, seeEachOther } from './support/office.ts';

const { test, offices } = await openDistrict(t, ['H08.35.13', 'H08.35.14', 'H08.35.15']);
const [a, b, c] = offices;
const [B, C] = ['H08.35.14', 'H08.35.15'];
const why = { reason: 'Ban hành nhầm' };
const recall = (office: Office, id: string, more: object = {}) =>
  post(office, `/v1/documents/${id}/recall`, { ...why, ...more });
const accept = (office: Office, id: string, more: object = {}) =>
  post(office, `/v1/inbox/${id}/status`, { code: '03', ...more });
const changed = (id: string, code: string, state: string) =>
  sees(a, id, code, ({ change }) => change?.state === state);
const large = (bytes: Uint8Array, office = a) =>
  office
    .fetch('/v1/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Blob([bytes]).stream(),
      duplex: 'half',
    })
    .then(async (answer) => (await answer.json()) as { uploadId: string; sha256Hex: string });
const fileOf = (dir: string, hex: string) => existsSync(join(dir, 'content', 'sha256', hex.slice(0, 2), hex));
const gone = (look: () => boolean) => eventually(async () => (look() ? undefined : true));
const requestsOf = async (office: Office, all = false): Promise<RequestView[]> =>
  ((await (await office.fetch(`/v1/requests${all ? '?all=true' : ''}`)).json()) as { rows: RequestView[] })
    .rows;
const destroyed = (office: Office, id: string) =>
  eventually(async () => {
    const view = await show(office, id, 'in').catch(() => undefined);
    return view?.destroyedMs === undefined ? undefined : view;
  });

t.test('what was not sent is cancelled, and nothing of it leaves', async (t) => {
  await test.hub.close();
  await eventually(async () => ((await a.node.edge.status()).hub.state === 'connected' ? undefined : true));
  const id = await send(a, [B, C]);
  const answer = await recall(a, id);
  t.match(answer.body, { cancelled: [B, C], asked: [] });
  t.equal((await show(a, id, 'out')).state, 'cancelled');
  t.equal(codeOf(await recall(a, id)), 'document-state-refused', 'there is nothing left to take back');
  t.equal(codeOf(await recall(a, crypto.randomUUID())), 'document-unknown');
  t.equal(codeOf(await post(a, `/v1/documents/${id}/recall`, { reason: ' ' })), 'request-malformed');
  // One of two is taken out of what waits; the other gets it, and the one later, when he is named.
  const some = await send(a, [B, C]);
  const act = (verb: string, body: object) => post(a, `/v1/documents/${some}/${verb}`, body);
  t.equal(codeOf(await act('cancel', { to: ['H08.35.13'] })), 'document-state-refused', 'no recipient of it');
  t.equal(codeOf(await act('cancel', { to: [] })), 'request-malformed');
  t.match(await act('cancel', { to: [C] }), { status: 200, body: { state: 'queued' } });
  t.equal(codeOf(await act('cancel', { to: [C] })), 'document-state-refused', 'it is out already');
  const half = await send(a, [B, C]);
  t.match((await recall(a, half, { from: [C] })).body, { cancelled: [C], asked: [] });
  // A correction passes urgent ones, but never what it corrects; whoever is stopped is sent neither.
  const corrected = await send(a, [B, C]);
  const correction = await post(a, `/v1/documents/${corrected}/update`, {
    reason: 'Sai trích yếu',
    fields: { subject: 'Trích yếu đúng' },
  });
  const updateId = String(correction.body.updateId);
  t.match(await post(a, `/v1/documents/${corrected}/cancel`, { to: [C] }), { status: 200 });
  const placesOf = async (id: string) =>
    (await show(a, id, 'out')).envelopes
      .flatMap(({ recipients }) => recipients)
      .map(({ code, state }) => `${code} ${state}`)
      .sort();
  t.same(await placesOf(updateId), [`${B} queued`, `${C} cancelled`]);
  await test.restart();
  a.node.edge.retryNow();
  const later = await send(a, [B]);
  await arrived(b, later);
  await arrived(b, some);
  await arrived(b, half);
  await eventually(async () => ((await placesOf(updateId)).includes(`${B} delivered`) ? true : undefined));
  const asked = await eventually(async () =>
    (await requestsOf(b)).find(({ documentId }) => documentId === corrected),
  );
  await b.node.edge.decide(asked.requestId, { agree: true });
  const atHub = openDatabase(join(test.dir, 'hub.sqlite'), { readOnly: true });
  t.teardown(() => atHub.close());
  const order = atHub
    .all<{ document_id: Uint8Array }>('SELECT document_id FROM envelopes ORDER BY seq')
    .map(({ document_id }) => uuidFromBytes(document_id))
    .filter((each) => each === corrected || each === updateId);
  t.same(order, [corrected, updateId], 'in the order in which the hub took them');
  // Stopped for one on purpose: the document itself is delivered.
  await eventually(async () => ((await show(a, half, 'out')).state === 'delivered' ? true : undefined));
  await t.rejects(show(c, some, 'in'), { code: 'document-unknown' });
  await t.rejects(
    show(c, half, 'in'),
    { code: 'document-unknown' },
    'nor is he sent what is recalled behind it',
  );
  t.match(await act('resend', { to: [C] }), { status: 202 });
  await arrived(c, some);
  await t.rejects(show(b, id, 'in'), { code: 'document-unknown' });
});

t.test('what the hub still has is taken back there, and its copy is erased', async (t) => {
  await b.node.close();
  const { uploadId, sha256Hex } = await large(randomBytes(700_000));
  const id = await send(a, [B], {
    parts: [{ name: 'lon.bin', mediaType: 'application/pdf', uploadId }, part('nhỏ')],
  });
  await eventually(async () => ((await show(a, id, 'out')).state === 'accepted' ? true : undefined));
  t.ok(fileOf(test.dir, sha256Hex), 'the hub holds it');
  t.match((await recall(a, id)).body, { cancelled: [], asked: [B] });
  const taken = await changed(id, B, 'taken-back');
  t.match(taken, { state: 'cancelled', change: { words: { vi: 'Đã thu hồi trước khi tới nơi nhận' } } });
  t.ok(
    taken.timeline.some(
      ({ event, code }) => event === 'ContentHandoverFailure' && code === 'delivery-recalled',
    ),
    'the hub signs it',
  );
  await gone(() => fileOf(test.dir, sha256Hex));
  const db = openDatabase(join(test.dir, 'hub.sqlite'), { readOnly: true });
  const rows = db.all<{ metadata: null; parts: number; signed: Uint8Array }>(
    'SELECT metadata, signed, (SELECT count(*) FROM parts p WHERE p.envelope_seq = e.seq) AS parts FROM envelopes e WHERE kind = 1 ORDER BY seq DESC LIMIT 1',
  );
  db.close();
  t.match(rows[0], { metadata: null, parts: 0 });
  t.ok(rows[0]!.signed.length > 0, 'the sealed header stays as evidence');
  b.node = await startNode({ dir: b.dir, log: quiet });
  const later = await send(a, [B]);
  await arrived(b, later);
  await t.rejects(show(b, id, 'in'), { code: 'document-unknown' }, 'the recipient never sees it');
  t.equal((await requestsOf(b)).length, 0, 'and no clerk is asked about what never came');
  t.equal(
    codeOf(await post(a, `/v1/documents/${id}/resend`, {})),
    'document-state-refused',
    'it is not sent again by chance',
  );
});

t.test('what was delivered and not accepted is destroyed at every hop, and the trace stays', async (t) => {
  const { uploadId, sha256Hex } = await large(randomBytes(700_000));
  const file = { name: 'lon.bin', mediaType: 'application/pdf', uploadId };
  const kept = await send(a, [B], { parts: [file] });
  const id = await send(a, [B], { subject: 'Bí mật của cuộc thử', parts: [file, part('chỉ ở văn bản này')] });
  await Promise.all([arrived(b, kept), arrived(b, id)]);
  await sees(a, id, B, ({ status }) => status?.code === '01');
  await recall(a, id);
  const seen = await changed(id, B, 'agreed');
  t.match(seen.timeline.at(-1)?.words.vi, 'Đã hủy văn bản theo yêu cầu thu hồi');
  const view = await destroyed(b, id);
  t.match({ metadata: view.metadata, parts: view.parts }, { metadata: undefined, parts: [] });
  t.equal(view.requests[0]?.reason, why.reason, 'the recall itself is kept');
  t.ok(fileOf(b.dir, sha256Hex), 'another document needs the same bytes');
  t.equal(codeOf(await accept(b, id)), 'document-recalled');
  const row = ((await (await b.fetch('/v1/inbox')).json()) as { rows: DocumentView[] }).rows.find(
    ({ documentId }) => documentId === id,
  );
  t.match(row, { subject: '', standing: [{ recall: 'destroyed' }] });
  await recall(a, kept);
  await changed(kept, B, 'agreed');
  await gone(() => fileOf(b.dir, sha256Hex));
  await gone(() => fileOf(test.dir, sha256Hex));
  t.ok(fileOf(a.dir, sha256Hex), 'the issuer keeps its original');
  for (const name of readdirSync(b.dir).filter((each) => /^node\.sqlite$/.test(each))) {
    const db = openDatabase(join(b.dir, name), { readOnly: true });
    t.equal(db.get<{ n: number }>("SELECT count(*) AS n FROM inbox WHERE subject LIKE 'Bí mật%'")?.n, 0);
    db.close();
  }
  const proof = await b.fetch(`/v1/documents/${id}/proof?direction=in`);
  t.equal(proof.status, 200, 'the evidence can still be taken out');
  t.ok((await fsckNode({ dir: b.dir, clock: systemClock })).clean, 'fsck knows what was destroyed');
  t.equal(codeOf(await recall(a, id)), 'document-state-refused', 'it was recalled already');
});

t.test(
  'what was accepted waits for a person; a refusal needs the warning, and may be asked again',
  async (t) => {
    const id = await send(a, [B, C]);
    await Promise.all([arrived(b, id), arrived(c, id)]);
    await accept(b, id, { registeredNumber: '9' });
    await sees(a, id, B, ({ status }) => status?.code === '03');
    await recall(a, id, { from: [B] });
    const [request] = await eventually(async () => {
      const rows = await requestsOf(b);
      return rows.length > 0 ? rows : undefined;
    });
    t.match(request, { kind: 'recall', state: 'open', documentId: id, reason: why.reason });
    t.match(
      await show(b, id, 'in'),
      { metadata: { subject: String }, requests: [{ state: 'open' }] },
      'nothing is destroyed yet',
    );
    const path = `/v1/requests/${request!.requestId}`;
    t.equal(codeOf(await post(b, path, { agree: false })), 'recall-refusal-warning');
    t.match((await post(b, path, { agree: false, despiteWarning: true, text: 'đang dùng' })).body, {
      state: 'refused',
    });
    t.equal(codeOf(await post(b, path, { agree: true })), 'request-decided');
    await changed(id, B, 'refused');
    t.match((await recall(a, id, { from: [B] })).body, { asked: [B] }, 'asked again');
    const again = await eventually(async () => (await requestsOf(b))[0]);
    await post(b, `/v1/requests/${again.requestId}`, { agree: true, person: 'Lê Văn Dũng' });
    await changed(id, B, 'agreed');
    await destroyed(b, id);
    t.notOk((await show(c, id, 'in')).destroyedMs, 'the other recipient keeps his');
    t.equal(codeOf(await post(b, `/v1/requests/${crypto.randomUUID()}`, { agree: true })), 'request-unknown');
  },
);

t.test('accepting and recalling race: one wins, and both sides agree which', async (t) => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => send(a, [B])));
  await Promise.all(ids.map((id) => arrived(b, id)));
  await Promise.all(
    ids.map(async (id, i) => {
      const both = [() => recall(a, id), () => systemClock.sleep(i * 4).then(() => accept(b, id))];
      await Promise.all(both.map((act) => act()));
    }),
  );
  const wins = { recall: 0, accept: 0 };
  for (const id of ids) {
    const here = await eventually(async () => {
      const view = await show(b, id, 'in');
      return view.requests.some(({ state }) => state === 'open' || state === 'agreed') ? view : undefined;
    });
    const open = here.requests.some(({ state }) => state === 'open');
    wins[open ? 'accept' : 'recall'] += 1;
    const there = open
      ? await sees(a, id, B, ({ status }) => status?.code === '03')
      : await sees(a, id, B, ({ change }) => change?.state === 'agreed');
    t.equal(there.change?.state, open ? 'asked' : 'agreed');
    t.equal(there.status?.code, open ? '03' : '01');
  }
  t.equal(wins.recall + wins.accept, ids.length, JSON.stringify(wins));
});

t.test('an update shows old and new, changes the receivers, and of two the newer counts', async (t) => {
  const id = await send(a, [B], {
    subject: 'Trích yếu cũ',
    number: '31',
    notation: 'BC-UBND',
    type: 'Báo cáo',
  });
  await arrived(b, id);
  const update = (more: object) =>
    post(a, `/v1/documents/${id}/update`, { reason: 'Sai trích yếu', ...more });
  t.equal(codeOf(await update({ fields: { issueDate: '2026-13-01' } })), 'request-malformed');
  t.equal(codeOf(await update({ remove: [C] })), 'document-state-refused', 'it does not have it');
  const both = await Promise.all([
    update({ fields: { subject: 'Trích yếu một' } }),
    update({ fields: { subject: 'Trích yếu hai' } }),
  ]);
  t.ok(
    both.every((each) => each.status === 202 || codeOf(each) === 'document-changed'),
    'two people at once: in order, or the second is told',
  );
  t.equal((await update({ fields: { subject: 'Trích yếu mới', pages: 3 } })).status, 202);
  const request = await eventually(async () =>
    (await requestsOf(b)).find(
      ({ after, documentId }) => documentId === id && after?.subject === 'Trích yếu mới',
    ),
  );
  t.match(request, { before: { subject: 'Trích yếu cũ', number: '31' }, after: { number: '31', pages: 3 } });
  t.equal(
    (await requestsOf(b)).filter(({ documentId }) => documentId === id).length,
    1,
    'the newest alone waits',
  );
  t.ok(
    (await requestsOf(b, true)).some(({ documentId, state }) => documentId === id && state === 'superseded'),
  );
  await post(b, `/v1/requests/${request.requestId}`, { agree: true });
  await changed(id, B, 'agreed');
  t.match(await show(b, id, 'in'), {
    metadata: { subject: 'Trích yếu mới', parts: [{ name: 'van-ban.txt' }] },
    originalMetadata: { subject: 'Trích yếu cũ' },
  });
  t.match(await show(a, id, 'out'), {
    metadata: { subject: 'Trích yếu mới' },
    originalMetadata: { subject: 'Trích yếu cũ' },
  });
  const rowsOfB = openDatabase(join(b.dir, 'node.sqlite'));
  t.teardown(() => rowsOfB.close());
  rowsOfB.run(
    `INSERT INTO checks (direction, doc, state, submitter, findings, parts, since_ms, next_ms)
     SELECT DISTINCT 'in', inbox_seq, 'passed', '', '[{"said":"tên người ký"}]', '[{"name":"1"}]', 0, 0 FROM requests WHERE document_id = ?
     ON CONFLICT DO NOTHING`,
    uuidToBytes(id),
  );
  t.equal((await update({ add: [C], remove: [B], fields: { sphere: 'Tài chính' } })).status, 202);
  t.equal(
    codeOf(await update({ add: [B] })),
    'document-state-refused',
    'what was asked back is not given again',
  );
  const added = await arrived(c, id);
  t.equal(added.metadata?.subject, 'Trích yếu cũ', 'as it was sealed first');
  const inC = await eventually(async () => (await requestsOf(c)).find(({ documentId }) => documentId === id));
  t.match(inC.after, { subject: 'Trích yếu mới', sphere: 'Tài chính' }, 'the update follows');
  t.equal(
    (await post(c, `/v1/requests/${inC.requestId}`, { agree: false, text: 'không rõ' })).status,
    202,
    '16 is for updates',
  );
  await changed(id, C, 'refused');
  await destroyed(b, id);
  t.equal((await changed(id, B, 'agreed')).change?.kind, 'recall');
  t.match((await show(b, id, 'in')).metadata, undefined, 'the metadata of its updates went with it');
  const checks = rowsOfB.all<{ findings: string; parts: string }>(
    `SELECT findings, parts FROM checks WHERE direction = 'in' AND doc IN (SELECT inbox_seq FROM requests WHERE document_id = ? AND kind = 'update')`,
    uuidToBytes(id),
  );
  t.ok(checks.length > 0);
  t.same(
    [...new Set(checks.map((row) => JSON.stringify(row)))],
    ['{"findings":"[]","parts":"[]"}'],
    'and what was found in them',
  );
});

/** What is sent to further recipients, by the API; the answer's body. */
const extend = (id: string, to: readonly string[]) => post(a, `/v1/documents/${id}/recipients`, { to });

t.test(
  'a sent document goes to further recipients once, with its number and its newest correction',
  async (t) => {
    const { uploadId, sha256Hex } = await large(randomBytes(600_000));
    const id = await send(a, [B], {
      parts: [{ name: 'phụ lục.bin', mediaType: 'application/octet-stream', uploadId }],
      subject: 'Trích yếu đầu',
      number: '77',
      notation: 'KH-UBND',
      deliverBy: new Date(systemClock.nowMs() + 60_000).toISOString(),
    });
    await arrived(b, id);
    const fields = { subject: 'Trích yếu đã sửa' };
    await post(a, `/v1/documents/${id}/update`, { reason: 'Sai trích yếu', fields });
    await sees(a, id, B, ({ change }) => change?.state === 'asked');
    // The term of the first sending may be over when one more is asked for.
    const db = openDatabase(join(a.dir, 'node.sqlite'));
    db.run('UPDATE documents SET deliver_by_ms = created_ms + 1 WHERE document_id = ?', uuidToBytes(id));
    db.close();
    t.equal(codeOf(await extend(id, ['H08.35.99'])), 'unit-unknown');
    t.equal(codeOf(await extend(id, [])), 'request-malformed');
    t.equal(codeOf(await extend(id, [C, C])), 'recipients-repeated');
    const both = await Promise.all([extend(id, [B, C]), extend(id, [C])]);
    t.same(both.map(({ status }) => status).sort(), [200, 202], 'two clerks at once: one sending');
    t.match(both.find(({ status }) => status === 202)!.body, { added: [C] });
    t.match(await extend(id, [B, C]), { status: 200, body: { added: [], already: [B, C], paper: [] } });
    t.match(await arrived(c, id), {
      metadata: { subject: 'Trích yếu đầu', number: '77' },
      parts: [{ sha256Hex }],
    });
    const inC = await eventually(async () =>
      (await requestsOf(c)).find(({ documentId }) => documentId === id),
    );
    t.match(inC.after, fields, 'the correction follows');
    await sees(a, id, C, ({ state }) => state === 'delivered');
    const view = await show(a, id, 'out');
    t.match(view, { state: 'delivered', completeness: { complete: true, served: 2 } });
    t.equal(view.envelopes.length, 2);
    t.equal(view.envelopes[0]!.follows, view.envelopes[1]!.envelopeId, 'linked to the first sending');
    t.equal((await b.node.edge.inbox({ text: 'Trích yếu đầu' })).rows.length, 1, 'nothing came there again');
    const [row] = (await a.node.edge.outbox({ text: 'Trích yếu đầu' })).rows;
    t.match(row, { documentId: id, recipients: { delivered: 2 } }, 'one document with all its recipients');
    const year = Number(dayOf(systemClock.nowMs()).slice(0, 4));
    const lines = (await a.node.edge.office.entries({ unit: a.unit, kind: 'out', year })).rows;
    const own = lines.filter(({ notation }) => notation === '77/KH-UBND');
    t.match(own, [{ places: /; / }], 'one line, one number, both places');
    t.match(
      (await a.node.edge.audit()).rows.find(({ act }) => act === 'extend'),
      { about: id, said: 'thêm 1 nơi nhận' },
    );
    // A recall asks both sendings.
    t.equal((await post(a, `/v1/documents/${id}/recall`, { reason: 'Gửi nhầm' })).status, 202);
    await destroyed(c, id);
    const asked = (await a.node.edge.outbox({ recalled: true })).rows.map(({ documentId }) => documentId);
    t.ok(asked.includes(id), 'the list of what was asked back');
    t.equal(
      codeOf(await extend(id, [C])),
      'document-state-refused',
      'what was asked back is not given again',
    );
    t.equal(codeOf(await extend(id, ['H08.35.13'])), 'document-state-refused', 'nobody keeps it');
  },
);

t.test('a replacement takes the place of the old one, which is kept and marked', async (t) => {
  const old = await send(a, [B]);
  await arrived(b, old);
  const replacing = (target: string, more: object = {}) => ({
    kind: 'replacement',
    reason: 'Sai nội dung',
    links: [{ relation: 'replaces', documentId: target }],
    ...more,
  });
  const next = await send(a, [B], replacing(old));
  await arrived(b, next);
  t.match(await show(b, old, 'in'), {
    replacedBy: [next],
    metadata: { subject: String },
    destroyedMs: undefined,
  });
  t.match(await show(a, old, 'out'), { replacedBy: [next] });
  const refused = await post(
    a,
    '/v1/documents',
    { recipients: [B], parts: [part('x')], ...replacing(old) },
    'again',
  );
  t.match(refused.body, { code: 'document-replaced', detail: next });
  const foreign = await post(
    b,
    '/v1/documents',
    { recipients: [C], parts: [part('x')], ...replacing(old) },
    'foreign',
  );
  t.equal(codeOf(foreign), 'document-unknown', 'only what one has sent');
  const loop = await forge(a, {
    about: next,
    to: b.unit,
    kind: kinds.replacement,
    relation: relations.replaces,
    as: old,
  }).catch(() => '');
  t.equal(loop, '', 'a document has one id, once');
  const third = crypto.randomUUID();
  await transportOf(
    a,
    await forge(a, { about: third, to: b.unit, kind: kinds.replacement, relation: relations.replaces }),
  );
  const self = crypto.randomUUID();
  const end = await transportOf(
    a,
    await forge(a, {
      about: self,
      to: b.unit,
      kind: kinds.replacement,
      relation: relations.replaces,
      as: self,
    }),
  );
  t.match(end, { state: 'refused' });
  t.ok(end.timeline.some(({ code }) => code === 'replacement-loop'));
});

t.test('nobody recalls the document of another, and status 13 of its sender is a recall too', async (t) => {
  const id = await send(a, [B]);
  await arrived(b, id);
  const forged = await forge(c, { about: id, to: b.unit, kind: kinds.recall, relation: relations.recalls });
  const end = await transportOf(c, forged);
  t.equal(end.state, 'refused');
  t.ok(end.timeline.some(({ code }) => code === 'change-not-sender'));
  t.ok((await show(b, id, 'in')).metadata, 'it is untouched');
  await forge(a, { code: '13', counter: 1, about: id, to: b.unit, text: 'lấy lại' });
  await destroyed(b, id);
  await sees(a, id, B, ({ timeline }) => timeline.some(({ status }) => status?.code === '15'));
  const early = crypto.randomUUID();
  t.equal(
    (
      await transportOf(
        a,
        await forge(a, { about: early, to: b.unit, kind: kinds.recall, relation: relations.recalls }),
      )
    ).state,
    'delivered',
    'a recall may come before its document',
  );
});

t.test('a restored node does not bring a recalled document back to life', async (t) => {
  const id = await send(a, [B]);
  await arrived(b, id);
  await accept(b, id, { registeredNumber: '77' });
  await sees(a, id, B, ({ status }) => status?.code === '03');
  const to = join(temporaryDir('backup'), 'b');
  await backupNode({ dir: b.dir, to, clock: systemClock, version: 'test' });
  await post(b, `/v1/inbox/${id}/status`, { code: '05' });
  await sees(a, id, B, ({ status }) => status?.code === '05');
  await recall(a, id);
  const request = await eventually(async () =>
    (await requestsOf(b)).find(({ documentId }) => documentId === id),
  );
  await post(b, `/v1/requests/${request.requestId}`, { agree: true });
  await changed(id, B, 'agreed');
  await b.node.close();
  const dir = join(temporaryDir('restored'), 'node');
  await restoreNode({ from: to, dir, clock: systemClock });
  b.node = await startNode({ dir, log: quiet });
  const back = await show(b, id, 'in');
  t.ok(back.metadata, 'the backup holds it');
  const opened = await eventually(async () =>
    (await requestsOf(b)).find(({ documentId }) => documentId === id),
  );
  t.equal((await show(b, id, 'in')).requests[0]?.state, 'open', 'the recall is handed out again');
  t.equal(recipient(await show(b, id, 'in'), B).status?.code, '05', 'what was said since the backup stands');
  await post(b, `/v1/requests/${opened.requestId}`, { agree: true });
  await destroyed(b, id);
  t.ok((await fsckNode({ dir, clock: systemClock })).clean);
});

t.test(
  'a restored sender finds its recalls and what was said to it in what the hub gives back',
  async (t) => {
    const id = await send(a, [B, C]);
    await Promise.all([arrived(b, id), arrived(c, id)]);
    const to = join(temporaryDir('backup'), 'a');
    await backupNode({ dir: a.dir, to, clock: systemClock, version: 'test' });
    await accept(c, id, { registeredNumber: '3' });
    await sees(a, id, C, ({ status }) => status?.code === '03');
    await recall(a, id, { from: [B] });
    await changed(id, B, 'agreed');
    await a.node.close();
    const dir = join(temporaryDir('restored'), 'node');
    await restoreNode({ from: to, dir, clock: systemClock });
    a.node = await startNode({ dir, log: quiet });
    await changed(id, B, 'agreed');
    await sees(a, id, C, ({ status }) => status?.registeredNumber === '3');
    t.match((await recall(a, id, { from: [C] })).body, { asked: [C] });
    t.equal(codeOf(await recall(a, id, { from: [B] })), 'document-state-refused', 'B was asked already');
    t.ok((await fsckNode({ dir, clock: systemClock })).clean);
  },
);

t.test('a recall follows its document over two hubs, and no hub keeps a copy', async (t) => {
  const province = await startTestHub({ code: 'H09' });
  const district = await startTestHub({ code: 'H09.1', rootDir: join(province.dir, 'root') });
  await hang(district, province);
  const below = await openOffice(district.hub, 'H09.1.1');
  const above = await openOffice(province.hub, 'H09.01');
  t.teardown(async () => {
    for (const { node } of [below, above]) await node.close();
    await district.close();
    await province.close();
  });
  await seeEachOther([below, above], ['H09.1.1', 'H09.01']);
  const upload = async () =>
    (await large(randomBytes(600_000), below)) as { uploadId: string; sha256Hex: string };
  const sendUp = async ({ uploadId }: { uploadId: string }) =>
    send(below, ['H09.01'], { parts: [{ name: 'lon.bin', mediaType: 'application/pdf', uploadId }] });
  const seen = (id: string, fits: Parameters<typeof sees>[3]) => sees(below, id, 'H09.01', fits);

  const delivered = await upload();
  const first = await sendUp(delivered);
  await seen(first, ({ status }) => status?.code === '01');
  await recall(below, first);
  await seen(first, ({ change }) => change?.state === 'agreed');
  for (const { dir } of [above, province, district]) await gone(() => fileOf(dir, delivered.sha256Hex));

  await above.node.close();
  const waiting = await upload();
  const second = await sendUp(waiting);
  await seen(second, ({ timeline }) => timeline.some(({ event }) => event === 'RelayAcceptance'));
  await recall(below, second);
  const taken = await seen(second, ({ change }) => change?.state === 'taken-back');
  t.ok(
    taken.timeline.some(({ event, by }) => event === 'ContentHandoverFailure' && by === province.hub.hubId),
    'the hub that held it says so',
  );
  for (const { dir } of [province, district]) await gone(() => fileOf(dir, waiting.sha256Hex));
  above.node = await startNode({ dir: above.dir, log: quiet });
  for (const { dir } of [province, district])
    t.same(
      (await fsckHub({ dir, fast: true })).findings.filter(({ severity }) => severity === 'fault'),
      [],
    );
});

t.test('the hub is whole after all that', async (t) => {
  await test.hub.close();
  const result = await fsckHub({ dir: test.dir });
  t.same(
    result.findings.filter(({ severity }) => severity === 'fault'),
    [],
  );
  await test.restart();
});

t.test('a hub restored to a time before a recall is told of it again, and ends where it was', async (t) => {
  await b.node.close();
  const { uploadId, sha256Hex } = await large(randomBytes(600_000));
  const id = await send(a, [B], { parts: [{ name: 'lon.bin', mediaType: 'application/pdf', uploadId }] });
  await eventually(async () => ((await show(a, id, 'out')).state === 'accepted' ? true : undefined));
  const to = join(temporaryDir('backup'), 'hub');
  await backupHub({ dir: test.dir, to, version: 'test', clock: systemClock });
  await recall(a, id);
  await changed(id, B, 'taken-back');
  const listener = (port: number) => ({ host: '127.0.0.1', port, publicUrl: `https://localhost:${port}` });
  const { exchange, enrolment } = test.hub.at;
  await test.hub.close();
  const dir = join(temporaryDir('restored'), 'hub');
  await restoreHub({ from: to, dir, clock: systemClock });
  t.ok(fileOf(dir, sha256Hex), 'the backup holds the content');
  const restored = await startTestHub({
    dir,
    config: { exchange: listener(exchange!.port), enrolment: listener(enrolment!.port) },
  });
  t.teardown(() => restored.close());
  a.node.edge.retryNow();
  await gone(() => fileOf(dir, sha256Hex));
  b.node = await startNode({ dir: b.dir, log: quiet });
  const later = await send(a, [B]);
  await arrived(b, later);
  await t.rejects(show(b, id, 'in'), { code: 'document-unknown' }, 'the recipient never sees it');
});
