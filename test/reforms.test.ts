// Reforms with documents on their way: real hubs, real nodes, real lines. A merged, split, renamed or closed unit, and a district that is handed
// over to the province: nothing is lost, nothing arrives twice, every sender learns what became of it.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { enrolNode } from '../edge-node/enrol.ts';
import { type RunningNode, startNode } from '../edge-node/main.ts';
import { injected } from '../hub/offline.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { hang, quiet, startTestHub, temporaryDir } from './support/hub.ts';
import { eventually, inviteUnit, type Office, openOffice, seeEachOther } from './support/office.ts';

const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => {
      if (isExchangeError(error)) return error.code;
      throw error;
    },
  );
let sent = 0;
async function send(
  from: Pick<Office, 'node'>,
  to: readonly string[],
  { large = 0, ...more }: { unit?: string; large?: number } = {},
): Promise<string> {
  sent += 1;
  const scan = { name: 'b.bin', mediaType: 'application/octet-stream', content: randomBytes(large) };
  const { documentId } = await from.node.edge.submit({
    ...more,
    idempotencyKey: `k${sent}`,
    to,
    metadata: { subject: `văn bản ${sent}` },
    parts: [
      { name: 'a.txt', mediaType: 'text/plain', content: Buffer.from(`nội dung ${sent}`) },
      ...(large > 0 ? [scan] : []),
    ],
  });
  return documentId;
}
const recipientsOf = async (office: Pick<Office, 'node'>, id: string) =>
  (await office.node.edge.show(id)).envelopes[0]!.recipients;
const reaches = async (office: Pick<Office, 'node'>, id: string, state: string) => {
  const there = async () => (await recipientsOf(office, id)).every((each) => each.state === state);
  await eventually(async () => ((await there()) ? true : undefined), 1200).catch(async () => {
    throw new Error(`not ${state}: ${JSON.stringify(await office.node.edge.show(id), null, 1)}`);
  });
};
const subjects = async (office: Pick<Office, 'node'>) => {
  const { rows } = await office.node.edge.inbox({ limit: 200 });
  return rows.map(({ subject }) => subject).sort();
};

t.test('a district reforms itself while documents are on their way', async (t) => {
  const test = await startTestHub({ code: 'H08.35' });
  const { hub } = test;
  const [a, b, c, d] = (await Promise.all(
    ['X.1', 'X.2', 'X.3', 'X.4'].map((code) => openOffice(hub, code)),
  )) as [Office, Office, Office, Office];
  const offices = [a, b, c, d];
  const running = new Set(offices);
  t.teardown(async () => {
    await Promise.all([...running].map(({ node }) => node.close()));
    await test.close();
  });
  const stop = async (office: Office) => {
    await office.node.close();
    running.delete(office);
  };
  const start = async (office: Office) => {
    office.node = await office.reopen();
    running.add(office);
  };
  await seeEachOther(offices, ['X.1', 'X.2', 'X.3', 'X.4']);
  const request = injected(hub);
  const nowMs = () => systemClock.nowMs();

  t.comment('merge: what waits, what comes later, and what the old unit is still told');
  const first = await send(a, ['X.2']);
  await reaches(a, first, 'delivered');
  await stop(d);
  const theirs = await send(b, ['X.4']);
  await reaches(b, theirs, 'accepted');
  await stop(b);
  const waiting = await send(a, ['X.2', 'X.4']);
  await reaches(a, waiting, 'accepted');
  await request('POST', '/admin/v1/units/merge', { units: ['X.2'], into: 'X.3' });
  await start(d);
  await reaches(a, waiting, 'delivered');
  const told = (await recipientsOf(a, waiting))[0]!;
  t.equal(told.unit, b.unit, 'the signed recipient is still named');
  t.ok(
    told.timeline.some(({ outcome }) => outcome === 'forwarded'),
    'the hub says that it went to the successor',
  );
  t.ok(
    told.timeline.some(({ event, by }) => event === 'ContentHandover' && by === c.unit),
    'the successor has signed for it',
  );
  const later = await send(a, ['X.2']);
  await reaches(a, later, 'delivered');
  t.same(await subjects(c), ['văn bản 3', 'văn bản 4'], 'each once');
  await start(b);
  await reaches(b, theirs, 'delivered');

  t.comment(
    'rename on a day to come: it takes force by itself, and what was sent before shows the name of then',
  );
  const day = nowMs() + 3_000;
  await request('POST', '/admin/v1/units/X.4/rename', {
    name: 'UBND xã Tây Phú',
    code: 'X.40',
    effectiveMs: day,
  });
  t.equal(hub.directory.current().unit(d.unit)?.name, 'UBND xã X.4', 'not before');
  while (nowMs() <= day) await systemClock.sleep(50);
  await hub.admin.act('reformApply', { id: 1, nowMs: nowMs() }).catch((error: unknown) => {
    // The worker was faster.
    if (!isExchangeError(error, 'reform-refused')) throw error;
  });
  await eventually(async () => (a.node.edge.searchDirectory('tay phu').length > 0 ? true : undefined));
  t.equal((await recipientsOf(a, waiting))[1]!.name, 'UBND xã X.4', 'the name that was in force then');
  t.same(
    a.node.edge.searchDirectory('x.4').map(({ code, formerNames }) => [code, formerNames]),
    [['X.40', ['UBND xã X.4']]],
    'found by the old code',
  );

  t.comment('split: held, both sides see why, a person chooses');
  await request('POST', '/admin/v1/units/X.40/split', { into: ['X.1', 'X.3'] });
  await eventually(async () =>
    c.node.edge.searchDirectory('X.40')[0]?.state === 'closed' ? true : undefined,
  );
  const unsure = await send(c, ['X.40']);
  await eventually(
    async () =>
      (await recipientsOf(c, unsure))[0]!.timeline.some(({ code }) => code === 'unit-split')
        ? true
        : undefined,
    600,
  );
  t.equal((await recipientsOf(c, unsure))[0]!.state, 'accepted', 'the hub has it');
  const queue = await request<{
    deliveries: { id: number; state: string; lastError: { code: string } | null }[];
  }>('GET', '/admin/v1/deliveries?unit=X.40');
  t.match(queue.deliveries, [{ state: 'held', lastError: { code: 'unit-split' } }]);
  t.equal(
    await refusal(request('POST', '/admin/v1/redrive-to', { unit: 'X.40', to: 'H08.35' })),
    'reform-refused',
    'none of its successors',
  );
  await request('POST', '/admin/v1/redrive-to', { unit: 'X.40', to: 'X.1' });
  await reaches(c, unsure, 'delivered');
  t.ok((await subjects(a)).includes('văn bản 5'));

  t.comment('close: refused with the reason, before and after it was handed in');
  await stop(c);
  const late = await send(a, ['X.3']);
  await reaches(a, late, 'accepted');
  await request('POST', '/admin/v1/units/X.3/close');
  await reaches(a, late, 'undeliverable');
  t.ok((await recipientsOf(a, late))[0]!.timeline.some(({ code }) => code === 'unit-closed'));
  await eventually(async () =>
    a.node.edge.searchDirectory('X.3')[0]?.state === 'closed' ? true : undefined,
  );
  t.equal(await refusal(send(a, ['X.3'])), 'unit-closed');
  t.equal(await refusal(send(a, ['X.2'])), 'unit-closed', 'and so is what was merged into it');

  t.comment('groups, desks and the list for paper, through the node');
  await request('POST', '/admin/v1/units/H08.35/describe', { kind: 'huyện' });
  const added = await request<{ unit: string }>('POST', '/admin/v1/units', {
    name: 'UBND xã Chưa Nối',
    codes: ['X.5'],
  });
  await request('POST', `/admin/v1/units/${added.unit}/describe`, { kind: 'xã' });
  await request('POST', '/admin/v1/units/X.1/describe', {
    kind: 'xã',
    desks: [{ desk: 'vanthu', name: 'Văn thư' }],
  });
  await request('POST', '/admin/v1/groups', { code: 'cac-xa', name: 'Các xã, thị trấn', kinds: ['xã'] });
  const e = await openOffice(hub, 'X.6');
  running.add(e);
  await eventually(async () =>
    e.node.edge.recipients.groups().some(({ code }) => code === 'cac-xa') &&
    e.node.edge.searchDirectory('X.6')[0]?.state === 'active'
      ? true
      : undefined,
  );
  const toAll = await send(e, ['group:cac-xa']);
  const view = await e.node.edge.show(toAll);
  t.same(
    view.envelopes[0]!.recipients.map(({ code }) => code),
    ['X.1'],
  );
  t.same(view.completeness?.paper, ['UBND xã Chưa Nối (X.5)'], 'what cannot be reached is named for paper');
  await reaches(e, toAll, 'delivered');
  t.match((await e.node.edge.show(toAll)).completeness, {
    complete: false,
    served: 1,
    waiting: [],
    failed: [],
  });
  t.equal(await refusal(send(e, ['chutich@X.1'])), 'desk-unknown');
  const direct = await send(e, ['vanthu@X.1']);
  await reaches(e, direct, 'delivered');
  t.equal((await e.node.edge.show(direct)).completeness?.complete, true);
  const matched = await (
    await e.fetch('/v1/recipients/match', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: '- Các xã, thị trấn;\n- Sở Nội vụ;\n- Lưu: VT' }),
    })
  ).json();
  t.match(matched, {
    served: [{ code: 'X.1', group: 'cac-xa' }],
    paper: [{ text: 'Sở Nội vụ' }, { code: 'X.5', reason: 'unit-has-no-node' }],
    complete: false,
  });
  const put = async (code: string, members: string[]) =>
    (
      await e.fetch(`/v1/groups/${code}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Nhóm', members }),
      })
    ).json() as Promise<{ code: string }>;
  t.match(await put('ban-be', ['X.1', 'group:cac-xa']), { kept: 'unit' });
  t.match(await put('vong', ['group:vong']), { code: 'group-cycle' });
  t.match(await put('la', ['X.99']), { code: 'unit-unknown' });
  t.match(await (await e.fetch('/v1/units?q=chua noi')).json(), { entries: [{ code: 'X.5', kind: 'xã' }] });
  const mine = await send(e, ['group:ban-be']);
  t.same(
    (await recipientsOf(e, mine)).map(({ code }) => code),
    ['X.1'],
    'once, although it is in both',
  );
  t.equal(await (await e.fetch('/v1/groups/ban-be', { method: 'DELETE' })).status, 204);
  t.equal(await refusal(send(e, ['group:ban-be'])), 'group-unknown');
});

t.test('the district tier is deleted: its communes go under the province while documents flow', async (t) => {
  const province = await startTestHub({ code: 'H08' });
  const district = await startTestHub({ code: 'H08.35', rootDir: join(province.dir, 'root') });
  await hang(district, province);
  const [x, y] = (await Promise.all(
    ['H08.35.1', 'H08.35.2'].map((code) => openOffice(district.hub, code)),
  )) as [Office, Office];
  const top = await openOffice(province.hub, 'H08.1');
  const offices = [x, y, top];
  // One box that serves two communes.
  const z = { dir: join(temporaryDir('office'), 'node') } as { readonly dir: string; node: RunningNode };
  const twins = [await inviteUnit(district.hub, 'H08.35.3'), await inviteUnit(district.hub, 'H08.35.4')];
  const open = (dir: string) => startNode({ dir, log: quiet });
  await enrolNode({
    dir: z.dir,
    invitations: twins.map(({ invitation }) => invitation),
    clock: systemClock,
    version: 'test',
    config: { local: { port: 0 }, disk: { floorBytes: 0 } },
  });
  z.node = await open(z.dir);
  t.teardown(async () => {
    await Promise.all([...offices, z].map(({ node }) => node.close()));
    await district.close();
    await province.close();
  });
  await seeEachOther([...offices, z as Office], ['H08.35.1', 'H08.35.2', 'H08.35.3', 'H08.35.4', 'H08.1']);
  const codeOf = (office: Office) => (office === x ? 'H08.35.1' : office === y ? 'H08.35.2' : 'H08.1');
  type Box = Pick<Office, 'node'>;
  const letters: { from: Box; to: Box; id: string; subject: string }[] = [];
  const write = async (from: Office, to: Office, large = 0) => {
    const id = await send(from, [codeOf(to)], { large });
    letters.push({ from, to, id, subject: `văn bản ${sent}` });
  };
  /** From and to each of the two communes of one box. */
  const twinsWrite = async (large = 0) => {
    for (const unit of ['H08.35.3', 'H08.35.4']) {
      letters.push({
        from: z,
        to: top,
        id: await send(z, ['H08.1'], { unit, large }),
        subject: `văn bản ${sent}`,
      });
      letters.push({ from: x, to: z, id: await send(x, [unit], { large }), subject: `văn bản ${sent}` });
    }
  };
  const everybody = async () => {
    for (const from of offices) for (const to of offices) if (from !== to) await write(from, to);
  };
  await everybody();
  t.comment('y is switched off: what is for it waits at the district');
  await y.node.close();
  await twinsWrite();
  await write(x, y, 3_000_000);
  await write(top, y);
  await eventually(
    async () => ((await recipientsOf(x, letters.at(-2)!.id))[0]!.state === 'accepted' ? true : undefined),
    600,
  );

  t.comment('the signed hand-over, and the province takes over');
  const [down, up] = [injected(district.hub), injected(province.hub)];
  t.equal(
    await refusal(
      down('POST', '/admin/v1/units/handover', { units: ['H08.35.1'], hub: 'h0000000000000000' }),
    ),
    'reform-refused',
    'to a hub that is not known',
  );
  await down('POST', '/admin/v1/units/handover', {
    units: ['H08.35.1', 'H08.35.2', 'H08.35.3', 'H08.35.4'],
    hub: province.hub.hubId,
  });
  await twinsWrite();
  await eventually(
    async () =>
      province.hub.directory.current().unit(x.unit)?.movedTo === province.hub.hubId ? true : undefined,
    600,
  );
  await write(top, x);
  await write(x, top);
  const adopted = await up<{ adopted: number; invitations: { code: string; invitation: string }[] }>(
    'POST',
    '/admin/v1/units/adopt',
    { from: district.hub.hubId, invite: true },
  );
  t.equal(adopted.adopted, 4);
  t.same(adopted.invitations.map(({ code }) => code).sort(), [
    'H08.35.1',
    'H08.35.2',
    'H08.35.3',
    'H08.35.4',
  ]);
  await eventually(
    async () =>
      x.node.edge.searchDirectory('H08.35.2')[0]?.hub === province.hub.hubId &&
      top.node.edge.searchDirectory('H08.35.2')[0]?.hub === province.hub.hubId
        ? true
        : undefined,
    600,
  );
  await write(top, y);
  await write(x, y);

  t.comment('each node: one command with one invitation');
  const invitationOf = (office: Office) =>
    adopted.invitations.find(({ code }) => code === codeOf(office))!.invitation;
  const rehome = (office: Office) =>
    enrolNode({ dir: office.dir, invitations: [invitationOf(office)], clock: systemClock, version: 'test' });
  t.equal(await refusal(rehome(x)), 'dir-in-use', 'not while it runs');
  t.comment('large parts are under way at the moment the node stops');
  await write(x, top, 8_000_000);
  await x.node.close();
  t.match(await rehome(x), { hubId: province.hub.hubId, units: [{ unit: x.unit }] });
  x.node = await startNode({ dir: x.dir, log: quiet });
  await write(x, y);
  await write(top, x);
  t.comment('the box of two communes: an invitation for each, one after the other or at once');
  await eventually(
    async () => (z.node.edge.searchDirectory('H08.35.4')[0]?.hub === province.hub.hubId ? true : undefined),
    600,
  );
  await twinsWrite(2_000_000);
  await z.node.close();
  const two = adopted.invitations
    .filter(({ code }) => /[34]$/.test(code))
    .map(({ invitation }) => invitation);
  await enrolNode({ dir: z.dir, invitations: two, clock: systemClock, version: 'test' });
  z.node = await open(z.dir);
  t.comment('y was away all the time: it learns of the hand-over from its old hub first');
  t.equal(await refusal(rehome(y)), 'config-invalid', 'nobody has told it yet');
  y.node = await y.reopen();
  await eventually(
    async () => (y.node.edge.searchDirectory('H08.35.2')[0]?.hub === province.hub.hubId ? true : undefined),
    600,
  );
  await write(y, x);
  await y.node.close();
  await rehome(y);
  y.node = await startNode({ dir: y.dir, log: quiet });
  await everybody();
  await twinsWrite();

  for (const { from, id } of letters) await reaches(from, id, 'delivered');
  t.pass(`${letters.length} documents, every sender knows that they arrived`);
  for (const office of [...offices, z])
    t.same(
      await subjects(office),
      letters
        .filter(({ to }) => to === office)
        .map(({ subject }) => subject)
        .sort(),
      `${office === z ? 'H08.35.3 and 4' : codeOf(office as Office)}: each once`,
    );
  t.equal(x.node.edge.searchDirectory('H08.35.1')[0]?.hub, province.hub.hubId);
  const alarms = province.hub.store.reader.all<{ code: string; about: string; said: string }>(
    'SELECT code, about, said FROM alarms',
  );
  t.same(
    alarms.filter(({ code }) => code === 'directory-part-refused' || code === 'duplicate-conflict'),
    [],
  );
});
