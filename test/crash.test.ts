// A part of test/kill/kill-points.ts that every test run can afford: the points where an acknowledgement hangs in the air, and a kill in the
// middle of a large upload and of a large download. Real processes, real SIGKILL, one district for all.
import { rmSync } from 'node:fs';
import t from 'tap';
import { acknowledged, damaged, type KillCase, killOnce, proofOf } from './kill/cases.ts';
import { killAtFolder } from './kill/folder-cases.ts';
import { killInRecall } from './kill/recall-cases.ts';
import { temporaryDir } from './support/hub.ts';
import { createTestDistrict, isFinal, judge, type Office, type Paper, until } from './support/processes.ts';

t.setTimeout(480_000);
const dir = temporaryDir('crash');
const district = await createTestDistrict({ dir, nodes: 2 });
const [sender, recipient] = district.offices as [Office, Office];
t.teardown(async () => {
  await district.stop();
  rmSync(dir, { recursive: true, force: true });
});

const cases: readonly KillCase[] = [
  { where: 'hub', point: 'accept.8', size: 'small' },
  { where: 'hub', point: 'accept.9', size: 'large' },
  { where: 'hub', point: 'writer.3', size: 'small', nth: 4 },
  { where: 'hub', point: 'accept.10', size: 'small' },
  { where: 'hub', point: 'settle.1', size: 'small' },
  { where: 'sender', point: 'send.4', size: 'large' },
  { where: 'recipient', point: 'receive.5', size: 'small' },
];
for (const one of cases)
  t.test(
    `a kill at ${one.point} in the ${one.where} loses nothing and doubles nothing (${one.size})`,
    async (t) => {
      t.same(await killOnce(district, one), []);
    },
  );

for (const { name, point, where } of [
  { name: 'a kill in the middle of a large upload', point: 'upload.2', where: 'hub' },
  { name: 'a kill in the middle of a large download', point: 'upload.2', where: 'recipient' },
] as const)
  t.test(`${name} goes on where it was`, async (t) => {
    const program = where === 'hub' ? district.hub : recipient.node;
    await program.kill();
    const paper: Paper = {
      key: `${name}.`,
      from: sender,
      to: [recipient],
      // Several appends and ranges of 4 MiB: the third one is never heard of.
      parts: [{ seed: name, lengthBytes: 21_000_001 }],
      urgency: 'normal',
      documentId: undefined,
    };
    const waiting = acknowledged(paper);
    await program.start({ crashAt: where === 'hub' ? `${point}:3` : point });
    t.equal((await program.ended(30_000))?.signal, 'SIGKILL');
    t.same(await damaged(program), []);
    await program.start();
    await waiting;
    await until('it is final', 60_000, () => isFinal(paper));
    t.same(await judge(paper), []);
  });

t.test('a kill between the erased rows and the deleted files of a recall forgets neither', async (t) => {
  t.same(await killInRecall(district, 'recall.2'), []);
});

for (const [point, form] of [
  ['folder.1', 'side'],
  ['folder.2', 'folder'],
  ['folder.5', 'folder'],
] as const)
  t.test(
    `a kill at ${point} sends what lay in a watched folder once, and gives it once (${form})`,
    async (t) => {
      t.same(await killAtFolder(district, point, form), []);
    },
  );

t.test('the evidence of all that verifies offline', async (t) => {
  for (const line of await proofOf(district)) t.equal(line, '');
});

t.test('every store is clean after a clean stop', async (t) => {
  for (const { code, signal } of await district.stop()) t.same({ code, signal }, { code: 0, signal: null });
  for (const program of [district.hub, sender.node, recipient.node]) t.same(await damaged(program), []);
});
