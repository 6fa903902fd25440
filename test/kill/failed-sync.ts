// Runs the hub, and then a node, under strace, which makes fsync and fdatasync of its store fail with EIO from the Nth on, and hands documents
// in: nothing may be acknowledged after a failed sync, the process ends, and a restart on a good disk has everything that was
// acknowledged before. `npm run failed-sync`. Must never take a run in which no sync failed for a good one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAILED_SYNC_EXIT } from '../../protocol/node/durable.ts';
import { openDatabase } from '../../protocol/node/sqlite.ts';
import {
  createTestDistrict,
  handIn,
  isFinal,
  judge,
  type Office,
  type Paper,
  type Program,
  type TestDistrict,
  until,
} from '../support/processes.ts';
import { acknowledged, damaged } from './cases.ts';

if (spawnSync('strace', ['--version']).error) {
  console.log('skipped: strace is not installed (Debian package "strace")');
  process.exit(0);
}

let passed = 0;
let failed = 0;
const row = (wrong: readonly string[], line: string): void => {
  if (wrong.length === 0) passed += 1;
  else failed += 1;
  console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${line} ${wrong.join('; ')}`);
};

const dir = mkdtempSync(join(tmpdir(), 'lienthong-sync-'));
const district = await createTestDistrict({ dir, nodes: 2 });
const [sender, recipient] = district.offices as [Office, Office];

type Disk = {
  readonly program: Program;
  readonly name: string;
  /** What fails; strace -P takes files and folders that exist. */
  readonly paths: (program: Program) => string[];
  readonly size: number;
  /** The first sync that fails. */
  readonly nths: readonly number[];
};
const database = ({ kind, dir: at }: Program) =>
  [`${kind}.sqlite`, `${kind}.sqlite-wal`].map((file) => join(at, file));
/** Every file in the content folder: strace follows descriptors by path only for those named, so here every sync of the process counts. */
const everything = () => [];
const disks: readonly Disk[] = [
  { program: district.hub, name: 'database', paths: database, size: 2_000, nths: [1, 4, 9] },
  { program: district.hub, name: 'content', paths: everything, size: 3_400_000, nths: [8, 14, 20] },
  { program: sender.node, name: 'database', paths: database, size: 2_000, nths: [1, 2, 4, 9] },
  { program: sender.node, name: 'content', paths: everything, size: 3_400_000, nths: [8, 14] },
  { program: recipient.node, name: 'database', paths: database, size: 2_000, nths: [1, 2, 4, 9] },
  { program: recipient.node, name: 'content', paths: everything, size: 3_400_000, nths: [8, 14] },
];

let serial = 0;
for (const disk of disks)
  for (const nth of disk.nths) {
    const wrong = await tryDisk(district, disk, nth);
    row(wrong, `${disk.program.name}, ${disk.name}: every sync from number ${nth} on fails`);
  }
const ends = await district.stop();
row(
  ends.flatMap(({ code, signal }) => (code === 0 ? [] : [`${code} ${signal}`])),
  'every program stops cleanly',
);
for (const program of [district.hub, sender.node, recipient.node])
  row(await damaged(program), `fsck of ${program.name}`);
console.log(`${passed} passed, ${failed} failed`);
if (failed === 0) rmSync(dir, { recursive: true, force: true });
else console.log(`logs and stores are kept in ${dir}`);
process.exit(failed === 0 ? 0 : 1);

/** What is on record as acknowledged by the program, in the order of its own store. */
type Said = { readonly answered: Set<string>; readonly papers: Paper[] };

async function tryDisk({ hub }: TestDistrict, disk: Disk, nth: number): Promise<string[]> {
  const { program } = disk;
  const wrong: string[] = [];
  const said: Said = { answered: new Set(), papers: [] };
  serial += 1;
  const trace = join(dir, `trace-${serial}`);
  await program.stop();
  const early = await program.start({ under: underStrace(disk, nth, trace) });
  const end = early ?? (await driveUntilDead(disk, said));
  // A program that lives on a disk that fails has not noticed, or the disk never failed.
  const broken = countOf(trace);
  if (broken === 0) wrong.push('no sync has failed: nothing was tried');
  if (!end) wrong.push('it lives on after a failed sync');
  else if (end.signal !== 'SIGKILL' && end.code !== FAILED_SYNC_EXIT && !early)
    wrong.push(`it ended with code ${end.code} ${end.signal}`);
  if (program.alive()) await program.kill();
  await program.start();
  // What was answered with an id is known under that id; the rest is handed in again with the same key.
  for (const paper of said.papers) {
    const before = paper.documentId;
    try {
      await acknowledged(paper);
      if (before !== undefined && before !== paper.documentId) wrong.push(`${paper.key}: ${before} is gone`);
      await until(`${paper.key} is final`, 60_000, () => isFinal(paper));
      wrong.push(...(await judge(paper)));
    } catch (error) {
      wrong.push(`${String(error)} ${String((error as Error).cause ?? '')}`);
    }
  }
  // A node syncs at its start already (the list of what the search has yet to take in is emptied): then it ends before anybody can be told anything.
  if (said.papers.length === 0 && !early) wrong.push('nothing was handed in');
  // A receipt that left the hub, or a delivery receipt that left a node, is in the store that gave it.
  wrong.push(...receiptsMissing(hub));
  return wrong;
}

function underStrace({ program, paths }: Disk, nth: number, trace: string): string[] {
  const only = paths(program).flatMap((path) => ['-P', path]);
  const inject = `inject=fsync,fdatasync:error=EIO:when=${nth}+`;
  return ['strace', '-f', '-qq', '-o', trace, ...only, '-e', 'trace=fsync,fdatasync', '-e', inject];
}

function countOf(trace: string): number {
  return readFileSync(trace, 'utf8').split('(INJECTED)').length - 1;
}

/** Hands documents in, one after the other, until the program is gone; undefined if it never goes. */
async function driveUntilDead(disk: Disk, said: Said) {
  for (let i = 0; i < 40; i += 1) {
    const key = `sync ${serial} ${i}.`;
    const paper: Paper = {
      key,
      from: sender,
      to: [recipient],
      parts: [{ seed: key, lengthBytes: disk.size }],
      urgency: 'normal',
      documentId: undefined,
    };
    said.papers.push(paper);
    try {
      paper.documentId = (await handIn(paper)).documentId;
    } catch {
      // Not answered: it may be there or not, and is handed in again below.
    }
    const end = await disk.program.ended(400);
    if (end) return end;
  }
  return await disk.program.ended(10_000);
}

/** Every statement that another program holds of this hub is in the hub's own ledger. */
function receiptsMissing(hub: Program): string[] {
  const wrong: string[] = [];
  const hubDb = openDatabase(join(hub.dir, 'hub.sqlite'), { readOnly: true });
  const senderDb = openDatabase(join(sender.node.dir, 'node.sqlite'), { readOnly: true });
  try {
    const head = hubDb.get<{ n: number }>('SELECT max(sequence) AS n FROM ledger')?.n ?? 0;
    const rows = senderDb.all<{ envelope_id: Uint8Array; ledger_sequence: number }>(
      'SELECT envelope_id, ledger_sequence FROM envelopes WHERE ledger_sequence IS NOT NULL',
    );
    for (const { envelope_id, ledger_sequence } of rows) {
      const held = hubDb.get(
        'SELECT 1 FROM envelopes WHERE envelope_id = ? AND ledger_sequence = ?',
        envelope_id,
        ledger_sequence,
      );
      if (!held) wrong.push(`the hub gave a receipt ${ledger_sequence} that it does not have (head ${head})`);
    }
  } finally {
    hubDb.close();
    senderDb.close();
  }
  return wrong;
}
