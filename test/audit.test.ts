// The audit of administration: every act leaves a row in its own transaction, and a row that is removed, altered, put elsewhere or cut off
// is found. Two persons where the configuration asks for them. Real hub, real files, the commands as an operator types them.
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { exportAudit, verifyAuditDir, verifyAuditFile } from '../hub/audit-export.ts';
import { backupHub, restoreHub } from '../hub/backup.ts';
import { fsckHub } from '../hub/fsck.ts';
import { hubPaths } from '../hub/identity.ts';
import { injected } from '../hub/offline.ts';
import type { AuditEntry } from '../hub/store/audit.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { bareNode, startTestHub } from './support/hub.ts';

// The whole file on a busy machine; tap counts from the start of the process.
t.setTimeout(300_000);
const run = promisify(execFile);
const program = fileURLToPath(new URL('../bin/lienthong', import.meta.url));

/** The command as an operator types it. */
async function cli(...args: string[]): Promise<{ code: number; out: string }> {
  // Without the loaders that tap puts into NODE_OPTIONS of every child.
  return await run('env', ['-u', 'NODE_OPTIONS', process.execPath, program, ...args]).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, out: error.stdout }),
  );
}

async function newHub(t: Test, config: Parameters<typeof startTestHub>[0] = {}) {
  const dir = join(t.testdir(), 'hub');
  const test = await startTestHub({ dir, ...config });
  t.teardown(() => test.hub.close());
  return { test, dir, request: injected(test.hub) };
}

const acts = async (request: ReturnType<typeof injected>): Promise<AuditEntry[]> =>
  (await request<{ acts: AuditEntry[] }>('GET', '/admin/v1/audit?limit=1000')).acts.reverse();

const code = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );

t.test('every act on units, certificates and directory is a row with who, what and from where', async (t) => {
  const { test, request } = await newHub(t);
  const { unit } = await request<{ unit: string }>('POST', '/admin/v1/units', {
    name: 'Xã A',
    codes: ['H08.35.1'],
  });
  await request('POST', '/admin/v1/units/H08.35.1/rename', { name: 'Phường A' });
  const node = await bareNode(test.hub, 'H08.35.2');
  t.teardown(() => node.close());
  await request('POST', '/admin/v1/units/H08.35.1/suspend');
  await request('POST', `/admin/v1/peers/${node.nodeId}/suspend`);
  await request('POST', '/admin/v1/revoke', { node: node.nodeId, reason: 'mất máy' });
  t.equal(await code(request('POST', '/admin/v1/units/H08.35.1/suspend')), 'unit-suspended');
  const rows = await acts(request);
  t.same(
    rows.map(({ sequence }) => sequence),
    rows.map((_, i) => i + 1),
    'numbered without a gap',
  );
  const names = rows.map(({ act }) => act);
  for (const name of ['unitAdd', 'unitRename', 'invitationMake', 'enrol', 'unitSuspend', 'certificateRevoke'])
    t.ok(names.includes(name), name);
  t.equal(names.filter((name) => name === 'unitSuspend').length, 1, 'what was refused leaves no row');
  t.match(
    rows.find(({ act }) => act === 'unitRename'),
    {
      about: unit,
      who: 'account:unknown',
      from: 'socket',
      what: { name: 'Phường A' },
    },
  );
  t.match(
    rows.find(({ act }) => act === 'enrol'),
    { who: 'invitation', from: /^enrolment (::ffff:)?127\.0\.0\.1/ },
  );
  t.match(
    rows.find(({ act }) => act === 'certificateRevoke'),
    { about: node.nodeId, what: { reason: 'mất máy' } },
  );
  t.ok(
    rows.every(({ atMs }) => atMs > Date.UTC(2020, 0)),
    'each at its time',
  );
  t.notMatch(JSON.stringify(rows), /secretHash|BEGIN CERTIFICATE/, 'no invitation, no bulk');
  const { ledger } = await request<{ ledger: { sequence: number } }>('GET', '/admin/v1/status');
  t.ok(ledger.sequence > rows.length);
  t.match(verifyAuditDir({ dir: test.dir }), {
    entries: rows.length,
    faults: [],
    head: { sequence: rows.length },
  });
});

t.test('a row that was removed, altered, moved, added or cut off is found', async (t) => {
  const { test, dir, request } = await newHub(t);
  for (let i = 1; i <= 5; i++)
    await request('POST', '/admin/v1/units', { name: `Xã ${i}`, codes: [`H08.35.${i}`] });
  const early = join(t.testdirName, 'early.jsonl');
  await exportAudit({ dir, to: early });
  await request('POST', '/admin/v1/units/H08.35.5/close');
  await test.hub.close();
  const { entries } = verifyAuditDir({ dir });
  t.equal(entries, 7);
  const untie = 'DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_no_delete;';
  const untieLedger = 'DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete;';
  /** What verification says after this was done to a copy of the database. */
  let copies = 0;
  const spoiled = async (sql: string, options: { head?: string } = {}) => {
    const copy = join(t.testdirName, `copy-${copies++}`);
    cpSync(dir, copy, { recursive: true });
    const db = openDatabase(hubPaths(copy).database);
    db.transaction(() => db.exec(`${untie}${sql}`));
    db.close();
    const { faults } = verifyAuditDir({ dir: copy, ...options });
    const fsck = await fsckHub({ dir: copy, fast: true });
    return { kinds: faults.map(({ kind, about }) => `${kind} ${about}`), fsck: fsck.sound };
  };
  t.same(await spoiled('SELECT 1'), { kinds: [], fsck: true }, 'nothing done, nothing found');
  t.match(await spoiled('DELETE FROM audit WHERE sequence = 4'), { kinds: ['removed row 4'], fsck: false });
  const altered = await spoiled("UPDATE audit SET entry = replace(entry, 'Xã 3', 'Xã 9') WHERE sequence = 4");
  t.ok(altered.kinds.includes('altered row 4'));
  t.equal(altered.fsck, false);
  const swapped = await spoiled(
    `UPDATE audit SET sequence = 100 WHERE sequence = 3; UPDATE audit SET sequence = 3 WHERE sequence = 4;
     UPDATE audit SET sequence = 4 WHERE sequence = 100`,
  );
  t.ok(swapped.kinds.includes('reordered row 3') && swapped.kinds.includes('reordered row 4'));
  t.ok((await spoiled('DELETE FROM audit WHERE sequence = 7')).kinds.includes('truncated row 7'), 'the tail');
  const both = `${untieLedger} DELETE FROM audit WHERE sequence = 7; DELETE FROM ledger WHERE sequence >=
    (SELECT max(sequence) FROM ledger WHERE kind = 'admin')`;
  t.ok(
    (await spoiled(both)).kinds.includes('truncated row 7'),
    'with the tail of the ledger: the signed head',
  );
  const added = await spoiled(
    `INSERT INTO audit (sequence, entry, chain, ledger_sequence) SELECT 8, replace(entry, '"sequence":7', '"sequence":8'), chain, 9999 FROM audit WHERE sequence = 7`,
  );
  t.ok(added.kinds.some((kind) => kind.startsWith('unanchored')));
  t.ok(added.kinds.includes('head head'), 'rows that the hub did not write');

  // Whoever sets the whole database back, head and all, is found by a file kept elsewhere.
  const late = join(t.testdirName, 'late.jsonl');
  await exportAudit({ dir, to: late });
  const root = hubPaths(dir).certificate('root');
  t.match(verifyAuditFile({ file: late, root }), { entries: 7, faults: [] });
  const lines = readFileSync(late, 'utf8').split('\n');
  writeFileSync(late, [...lines.slice(0, 4), ...lines.slice(5)].join('\n'));
  t.match(verifyAuditFile({ file: late, root }).faults[0], { kind: 'removed', about: 'row 4' });
  t.same(verifyAuditDir({ dir, head: early }).faults, [], 'an earlier export is contained');
  t.equal(await code(exportAudit({ dir, to: early })), 'dir-exists', 'never over a file');
});

t.test('a backup carries the audit on, and a restore is an act of its own', async (t) => {
  const { test, dir, request } = await newHub(t);
  await request('POST', '/admin/v1/units', { name: 'Xã A', codes: ['H08.35.1'] });
  const to = join(t.testdirName, 'backup');
  await backupHub({ dir, to, version: 'test', clock: systemClock });
  await request('POST', '/admin/v1/units/H08.35.1/close');
  const late = join(t.testdirName, 'late.jsonl');
  await exportAudit({ dir, to: late });
  await test.hub.close();
  const restored = join(t.testdirName, 'restored');
  await restoreHub({ from: to, dir: restored, clock: systemClock });
  t.same(verifyAuditDir({ dir: restored }).faults, []);
  const db = openDatabase(hubPaths(restored).database, { readOnly: true });
  const last = db.get<{ act: string }>('SELECT act FROM audit ORDER BY sequence DESC LIMIT 1');
  db.close();
  t.equal(last?.act, 'republishAbove');
  t.not(
    verifyAuditDir({ dir: restored, head: late }).faults.length,
    0,
    'what came after the backup is missed',
  );
});

t.test('closing a unit waits for a second person where the configuration says so', async (t) => {
  const clock = { ...systemClock, ahead: 0, nowMs: () => systemClock.nowMs() + clock.ahead };
  const config = { secondPerson: { acts: ['closing', 'ca'] as const, waitHours: 24 } };
  const { test, dir } = await newHub(t, { clock, config: { ...config } });
  const as = (operator?: string, passphrase = `mật khẩu của ${operator}`) =>
    injected(test.hub, { account: 'root', host: 'may', ...(operator ? { operator, passphrase } : {}) });
  for (const name of ['lan', 'binh'])
    await as()('POST', '/admin/v1/operators', { name, passphrase: `mật khẩu của ${name}` });
  const third = { name: 'chi', passphrase: 'mật khẩu của chi' };
  t.equal(await code(as()('POST', '/admin/v1/operators', third)), 'second-person-needed', 'operators too');
  for (const n of [1, 2, 3])
    await as()('POST', '/admin/v1/units', { name: `Xã ${n}`, codes: [`H08.35.${n}`] });
  const state = (unit: string) => test.hub.directory.current().byCode(unit, clock.nowMs())?.state;
  const before = state('H08.35.1');

  t.equal(await code(as('lan')('POST', '/admin/v1/units/H08.35.1/close')), 'second-person-needed');
  t.equal(state('H08.35.1'), before, 'nothing happened yet');
  const [line] = (await as()<{ proposals: { id: number }[] }>('GET', '/admin/v1/proposals')).proposals;
  const path = (id: number, word: string) => `/admin/v1/proposals/${id}/${word}`;
  const { id } = line!;
  t.equal(await code(as()('POST', path(id, 'approve'))), 'operator-needed', 'an account is no operator');
  t.equal(await code(as('binh', 'mật khẩu khác')('POST', path(id, 'approve'))), 'operator-refused');
  t.equal(await code(as('lan')('POST', path(id, 'approve'))), 'second-person-needed', 'not the same person');
  t.match(await as('binh')('POST', path(id, 'approve')), { outcome: 'done', agreed: ['lan', 'binh'] });
  t.not(state('H08.35.1'), before, 'in force');
  t.equal(await code(as('binh')('POST', path(id, 'approve'))), 'proposal-closed');

  // Proposed by an account that proved nothing: two operators.
  t.equal(await code(as()('POST', '/admin/v1/units/H08.35.2/close')), 'second-person-needed');
  t.match(await as('lan')('POST', path(id + 1, 'approve')), { outcome: 'waiting' });
  t.equal(await code(as('lan')('POST', path(id + 1, 'approve'))), 'second-person-needed');
  t.match(await as('binh')('POST', path(id + 1, 'refuse')), { outcome: 'refused' });
  t.equal(state('H08.35.2'), before);

  t.equal(await code(as('lan')('POST', '/admin/v1/units/H08.35.3/close')), 'second-person-needed');
  clock.ahead = 25 * 3_600_000;
  t.equal(await code(as('binh')('POST', path(id + 2, 'approve'))), 'proposal-closed', 'expired');
  t.equal(state('H08.35.3'), before);
  t.equal(
    await code(as()('POST', '/admin/v1/units/H08.35.9/close')),
    'unit-unknown',
    'refused before it is proposed',
  );

  // What a command does after its act waits for the act: given again once two persons have agreed, it goes through.
  const follow = () => test.hub.admin.act('rootFollow', { about: 'f00d', nowMs: clock.nowMs() });
  t.equal(await code(follow()), 'second-person-needed');
  for (const operator of ['lan', 'binh']) await as(operator)('POST', path(id + 3, 'approve'));
  t.equal(await code(follow()), 'none');

  const same = { name: 'dung', passphrase: 'mật khẩu của lan' };
  t.equal(
    await code(as()('POST', '/admin/v1/operators', same)),
    'request-malformed',
    'one secret, one person',
  );
  await injected(test.hub, { account: 'giám đốc', host: 'may' })('POST', '/admin/v1/units', {
    name: 'Xã 4',
    codes: ['H08.35.4'],
  });
  const rows = await acts(as());
  t.equal(
    rows.findLast(({ act }) => act === 'unitAdd')?.who,
    `account:${os.userInfo().username} (said giám đốc)`,
    'only the owner of the socket and root can speak on it',
  );
  t.match(
    rows.find(({ act }) => act === 'policySet'),
    { what: { secondPerson: ['closing', 'ca'] } },
  );
  t.match(
    rows.filter(({ act }) => act === 'unitClose'),
    [{ who: 'operator:lan', agreed: ['lan', 'binh'] }],
    'one act, in the names of both',
  );
  t.same(
    rows
      .filter(({ act }) => act === 'approvalDecide')
      .map(({ what }) => (what as { result: { outcome: string } }).result.outcome),
    ['done', 'waiting', 'refused', 'expired', 'waiting', 'done'],
  );
  t.same(verifyAuditDir({ dir }).faults, []);
});

t.test('the commands say what happened, with the exit codes of the house', async (t) => {
  const dir = join(t.testdir(), 'hub');
  const file = join(t.testdirName, 'passphrase');
  writeFileSync(file, 'một câu thật dài\n');
  t.equal(
    (await cli('hub', 'init', '--dir', dir, '--name', 'Huyện', '--code', 'H08.35', '--port', '0')).code,
    0,
  );
  const add = ['hub', 'operator', 'add', 'lan', '--dir', dir, '--new-passphrase-file', file];
  chmodSync(file, 0o644);
  t.equal((await cli(...add)).code, 1, 'a passphrase that others can read');
  chmodSync(file, 0o600);
  t.equal((await cli(...add)).code, 0);
  const as = ['--operator', 'lan', '--passphrase-file', file];
  t.equal((await cli('hub', 'unit', 'add', 'Xã A', '--code', 'A1', '--dir', dir, ...as)).code, 0);
  const listed = await cli('hub', 'audit', 'list', '--dir', dir);
  t.match(listed.out, /thêm đơn vị \(unitAdd\).*operator:lan.*files/);
  t.match(listed.out, /unitAdd.*account:\S+.*init/);
  t.equal((await cli('hub', 'audit', 'verify', '--dir', dir)).code, 0);
  const to = join(t.testdirName, 'out.jsonl');
  t.equal((await cli('hub', 'audit', 'export', '--dir', dir, '--to', to)).code, 0);
  t.equal((await cli('hub', 'audit', 'verify', '--file', to)).code, 2);
  const db = openDatabase(hubPaths(dir).database);
  db.exec('DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE sequence = 2');
  db.close();
  const found = await cli('hub', 'audit', 'verify', '--dir', dir, '--head', to);
  t.equal(found.code, 65);
  t.match(found.out, /dòng bị xoá \(removed\) +row 2/);
});
