// Kills real programs at every named crash point (protocol/node/crash.ts) with SIGKILL while documents are on their way, starts them again, and
// checks that each acknowledged document is exactly once at its recipient with receipts at its sender. `npm run kill-points [-- NAME…]`.
// Must never pass a point that the program did not die at: a point that is not passed is a failure of the list.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsckNode } from '../../edge-node/fsck.ts';
import { fsckHub } from '../../hub/fsck.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlRequest } from '../../protocol/node/control.ts';
import { createTestDistrict, type TestDistrict } from '../support/processes.ts';
import { borderPoints, killAtBorder, openBorder } from './border-cases.ts';
import { type KillCase, killOnce, proofOf } from './cases.ts';
import { folderPoints, killAtFolder } from './folder-cases.ts';
import { killInRecall, recallPoints } from './recall-cases.ts';
import { killInRemoval, nameOperators, removalPoints } from './removal-cases.ts';

const numbered = (name: string, ...numbers: number[]) => numbers.map((n) => `${name}.${n}`);
const both = ['small', 'large'] as const;
const large = ['large'] as const;

/** Every point, in each program that can pass it, with the documents that pass it. */
const list: readonly (Omit<KillCase, 'size'> & { readonly sizes: readonly KillCase['size'][] })[] = [
  ...numbered('accept', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).map(
    (point) => ({ where: 'hub', point, sizes: both }) as const,
  ),
  ...numbered('settle', 1, 2, 3).map((point) => ({ where: 'hub', point, sizes: both }) as const),
  ...numbered('upload', 1, 2, 3).map((point) => ({ where: 'hub', point, sizes: large }) as const),
  ...numbered('writer', 1, 2, 3).map((point) => ({ where: 'hub', point, sizes: both, nth: 4 }) as const),
  ...numbered('send', 1, 2, 3, 5, 6, 7, 8).map((point) => ({ where: 'sender', point, sizes: both }) as const),
  { where: 'sender', point: 'send.4', sizes: large },
  ...numbered('writer', 1, 2, 3).map((point) => ({ where: 'sender', point, sizes: both, nth: 5 }) as const),
  ...numbered('receive', 1, 2, 4, 5, 6, 7, 8).map(
    (point) => ({ where: 'recipient', point, sizes: both }) as const,
  ),
  { where: 'recipient', point: 'receive.3', sizes: large },
  // Downloads grow in the same store as uploads to a hub.
  ...numbered('upload', 1, 2, 3).map((point) => ({ where: 'recipient', point, sizes: large }) as const),
  ...numbered('writer', 1, 2, 3).map(
    (point) => ({ where: 'recipient', point, sizes: both, nth: 5 }) as const,
  ),
];

const wanted = process.argv.slice(2);
const cases: KillCase[] = list
  .flatMap(({ sizes, ...one }) => sizes.map((size) => ({ ...one, size })))
  .filter(({ point, where }) => wanted.length === 0 || wanted.includes(point) || wanted.includes(where));

const startedMs = systemClock.monotonicMs();
const dir = mkdtempSync(join(tmpdir(), 'lienthong-kill-'));
let passed = 0;
let failed = 0;
const row = (good: boolean, line: string): void => {
  if (good) passed += 1;
  else failed += 1;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${line}`);
};

const district = await createTestDistrict({ dir, nodes: 2 });
for (const one of cases) {
  const atMs = systemClock.monotonicMs();
  const wrong = await killOnce(district, one);
  const seconds = ((systemClock.monotonicMs() - atMs) / 1000).toFixed(1);
  row(wrong.length === 0, `${one.point} ${one.size} in ${one.where}, ${seconds} s ${wrong.join('; ')}`);
}
for (const point of recallPoints.filter((one) => wanted.length === 0 || wanted.includes(one))) {
  const wrong = await killInRecall(district, point);
  row(wrong.length === 0, `${point} in recipient ${wrong.join('; ')}`);
}
for (const point of folderPoints.filter((one) => wanted.length === 0 || wanted.includes(one)))
  for (const form of ['folder', 'side'] as const) {
    const wrong = await killAtFolder(district, point, form);
    row(wrong.length === 0, `${point} ${form} ${wrong.join('; ')}`);
  }
const inRemoval = removalPoints.filter((one) => wanted.length === 0 || wanted.includes(one));
const operatorKeys = inRemoval.length > 0 ? await nameOperators(district) : {};
for (const point of inRemoval) {
  const wrong = await killInRemoval(district, point, operatorKeys);
  row(wrong.length === 0, `${point} ${wrong.join('; ')}`);
}
const atBorder = borderPoints.filter((one) => wanted.length === 0 || wanted.includes(one));
if (atBorder.length > 0) {
  const axis = await openBorder(district);
  for (const point of atBorder) {
    const wrong = await killAtBorder(district, axis, point);
    row(wrong.length === 0, `${point} in hub ${wrong.join('; ')}`);
  }
  await controlRequest(district.hub.dir, 'POST', '/admin/v1/borders/truc/pause', { body: {} });
  await axis.close();
}
for (const line of await proofOf(district)) row(line === '', `proofs of all documents verify ${line}`);
await fsckAll(district);
console.log(`${((systemClock.monotonicMs() - startedMs) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed`);
if (failed === 0) rmSync(dir, { recursive: true, force: true });
else console.log(`logs and stores are kept in ${dir}`);
process.exit(failed === 0 ? 0 : 1);

async function fsckAll({ hub, offices, stop }: TestDistrict): Promise<void> {
  const ends = await stop();
  row(
    ends.every(({ code, signal }) => code === 0 && signal === null),
    'every program stops cleanly',
  );
  const judged = await fsckHub({ dir: hub.dir });
  const faults = judged.findings.filter(({ severity }) => severity === 'fault');
  row(judged.sound, `fsck of the hub ${faults.map(({ about, said }) => `${about}: ${said}`).join('; ')}`);
  for (const { node } of offices) {
    const { clean, problems } = await fsckNode({ dir: node.dir, clock: systemClock });
    row(clean, `fsck of ${node.name} ${problems.map(({ about, what }) => `${about}: ${what}`).join('; ')}`);
  }
}
