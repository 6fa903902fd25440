// People of a unit: who may sign in, with what, for how long, and what they may do. Over a real store with a clock that the test moves.
import { join } from 'node:path';
import t from 'tap';
import { createPeople } from '../edge-node/accounts/people.ts';
import { officialEmail } from '../edge-node/accounts/person.ts';
import { slotOf, slotStates } from '../edge-node/accounts/presence.ts';
import { acts, mayDo, rights } from '../edge-node/accounts/rights.ts';
import { newSecondFactor, secondFactorCode, secondFactorStep } from '../edge-node/accounts/second-factor.ts';
import { createSignIn } from '../edge-node/accounts/sign-in.ts';
import { createStore, openStore } from '../edge-node/store/store.ts';
import { manualClock } from '../protocol/node/clock.ts';
import { writeXlsx } from '../protocol/node/spreadsheet.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { temporaryDir } from './support/hub.ts';

const startMs = Date.UTC(2026, 10, 26, 1, 0);
const unit = 'u-test';
const from = { address: '10.1.1.7', browser: 'Firefox' };
const good = 'trời hôm nay đẹp quá';
const hourMs = 3_600_000;

async function office(name: string) {
  const dir = temporaryDir(name);
  createStore(dir);
  const store = await openStore(dir, { keys: [] });
  const clock = manualClock(startMs);
  await store.write('syncUnits', {
    units: [
      { unit, code: 'H08.35.12', name: 'UBND xã Thử' },
      { unit: 'u-other', code: 'H08.35.13', name: 'UBND xã Khác' },
    ],
    nowMs: startMs,
  });
  const people = createPeople({ store, clock });
  const signIn = createSignIn({ store, clock });
  return { dir, store, clock, people, signIn };
}
type Office = Awaited<ReturnType<typeof office>>;

const person = (email: string, roles: string[], name = 'Nguyễn Thị Ánh') => ({
  unit,
  email,
  name,
  roles,
  actor: 'test',
});
async function enter({ people, signIn }: Office, email: string, roles: string[], password = good) {
  const { code } = await people.add(person(email, roles));
  return await signIn.withCode({ email, code, password }, from);
}

t.test('the first clerk enters with a one-time code, which is used once, and keeps the unit', async (t) => {
  const o = await office('first');
  t.teardown(() => o.store.close());
  await t.rejects(o.signIn.withPassword({ email: 'vanthu@tayson.gov.vn', password: '' }, from), {
    code: 'sign-in-refused',
  });
  const made = await o.people.add(person('VanThu@TaySon.gov.vn ', ['clerk']));
  t.equal(made.email, 'vanthu@tayson.gov.vn');
  t.match(made.code, /^([2-9A-HJKMNP-TV-Z]{4}-){3}[2-9A-HJKMNP-TV-Z]{4}$/);
  for (const weak of ['ngắn', '1234567890', 'aaaaaaaaaaaa', 'Password123', 'vanthu-tay-son'])
    await t.rejects(o.signIn.withCode({ email: made.email, code: made.code, password: weak }, from), {
      code: 'password-weak',
    });
  await o.clock.advance(60_000);
  await t.rejects(
    o.signIn.withCode({ email: made.email, code: 'AAAA-BBBB-CCCC-DDDD', password: good }, from),
    {
      code: 'code-refused',
    },
  );
  // As it is read aloud: without signs, in small letters.
  const spoken = made.code.toLowerCase().replaceAll('-', ' ');
  const { token } = await o.signIn.withCode({ email: made.email, code: spoken, password: good }, from);
  await t.rejects(o.signIn.withCode({ email: made.email, code: made.code, password: good }, from), {
    code: 'code-refused',
  });
  const caller = await o.signIn.caller(token);
  t.strictSame(caller.roles, ['admin', 'clerk'], 'the first person also keeps the unit');
  t.equal(caller.person.state, 'active');
  t.equal(o.store.unitPerson(unit, made.email)?.name, 'Nguyễn Thị Ánh');
  t.equal(o.store.unitPerson('u-other', made.email), undefined);
  const late = await o.people.code(unit, made.email, 'test');
  await o.clock.advance(73 * hourMs);
  await t.rejects(o.signIn.withCode({ email: made.email, code: late.code, password: good }, from), {
    code: 'code-refused',
  });
});

t.test('a password in any normal form opens, a wrong one never, and guessing is slowed', async (t) => {
  const o = await office('guess');
  t.teardown(() => o.store.close());
  await enter(o, 'a@tayson.gov.vn', ['clerk']);
  await o.clock.advance(600_000);
  const { token } = await o.signIn.withPassword(
    { email: 'A@tayson.gov.vn', password: good.normalize('NFD') },
    from,
  );
  t.ok(await o.signIn.caller(token));
  await o.clock.advance(600_000);
  for (let i = 0; i < 5; i++)
    await t.rejects(o.signIn.withPassword({ email: 'a@tayson.gov.vn', password: `sai ${i}` }, from), {
      code: 'sign-in-refused',
    });
  await t.rejects(o.signIn.withPassword({ email: 'a@tayson.gov.vn', password: good }, from), {
    code: 'rate-limited',
  });
  await o.clock.advance(25_000);
  const back = await o.signIn.withPassword({ email: 'a@tayson.gov.vn', password: good }, from);
  t.equal(back.failures, 5, 'the person learns of the failed tries');
  t.equal(back.newBrowser, false);
});

t.test(
  'a session ends by hand, elsewhere, by time, by idleness, by a new password and by disabling',
  async (t) => {
    const o = await office('sessions');
    t.teardown(() => o.store.close());
    await enter(o, 'keeper@tayson.gov.vn', ['admin']);
    const email = 'a@tayson.gov.vn';
    const one = await enter(o, email, ['clerk']);
    const ended = (token: string) => t.rejects(o.signIn.caller(token), { code: 'session-ended' });
    const again = async () => {
      await o.clock.advance(600_000);
      return (await o.signIn.withPassword({ email, password: good }, from)).token;
    };
    const two = await again();
    const here = await o.signIn.caller(two);
    t.equal(o.signIn.sessions(here).length, 2);
    await o.signIn.endSession(here, o.signIn.sessions(here).find(({ current }) => !current)!.id);
    await ended(one.token);
    await t.rejects(o.signIn.endSession(here, 99_999), { code: 'not-found' });
    await o.signIn.leave(here);
    await ended(two);

    const idle = await again();
    await o.clock.advance(2 * hourMs);
    await ended(idle);
    const long = await again();
    for (let h = 0; h < 11; h++) {
      await o.clock.advance(hourMs);
      await o.signIn.caller(long);
    }
    await o.clock.advance(hourMs);
    await ended(long);

    const [three, four] = [await again(), await again()];
    const changer = await o.signIn.caller(four);
    await t.rejects(o.signIn.changePassword(changer, { before: 'sai', password: 'một câu khác hẳn' }), {
      code: 'sign-in-refused',
    });
    await o.clock.advance(600_000);
    await o.signIn.changePassword(changer, { before: good, password: 'một câu khác hẳn' });
    await ended(three);
    t.ok(await o.signIn.caller(four), 'the one that changed it stays');
    await o.people.disable({ unit, email, actor: 'test' });
    await ended(four);
    await o.clock.advance(600_000);
    await t.rejects(o.signIn.withPassword({ email, password: 'một câu khác hẳn' }, from), {
      code: 'sign-in-refused',
    });
    await o.people.enable({ unit, email, actor: 'test' });
    t.ok(await o.signIn.withPassword({ email, password: 'một câu khác hẳn' }, from));
  },
);

t.test('the second factor is asked after the right password, and each code counts once', async (t) => {
  const o = await office('totp');
  t.teardown(() => o.store.close());
  const email = 'a@tayson.gov.vn';
  const caller = await o.signIn.caller((await enter(o, email, ['clerk'])).token);
  const { secret, uri } = await o.signIn.offerSecondFactor(caller);
  t.match(uri, /^otpauth:\/\/totp\//);
  await t.rejects(o.signIn.confirmSecondFactor(caller, '000000'), { code: 'second-factor-needed' });
  await o.signIn.confirmSecondFactor(caller, secondFactorCode(secret, o.clock.nowMs()));
  t.ok(o.signIn.hasSecondFactor(caller));
  await o.clock.advance(600_000);
  const given = { email, password: good };
  await t.rejects(o.signIn.withPassword(given, from), { code: 'second-factor-needed' });
  await t.rejects(o.signIn.withPassword({ ...given, password: 'sai mật khẩu' }, from), {
    code: 'sign-in-refused',
  });
  const code = secondFactorCode(secret, o.clock.nowMs());
  t.ok(await o.signIn.withPassword({ ...given, code }, from));
  await t.rejects(o.signIn.withPassword({ ...given, code }, from), { code: 'second-factor-needed' }, 'used');
  const fresh = newSecondFactor(email).secret;
  const nowMs = startMs;
  t.equal(secondFactorStep('12 34', fresh, { nowMs, afterStep: 0 }), undefined);
  t.ok(secondFactorStep(secondFactorCode(fresh, nowMs - 30_000), fresh, { nowMs, afterStep: 0 }));
  t.equal(
    secondFactorStep(secondFactorCode(fresh, nowMs - 90_000), fresh, { nowMs, afterStep: 0 }),
    undefined,
  );
  // The phone was lost: a code from the administrator opens again, without the factor.
  await o.clock.advance(600_000);
  const { code: sheet } = await o.people.code(unit, email, 'test');
  t.ok(await o.signIn.withCode({ email, code: sheet, password: good }, from));
  t.ok(await o.signIn.withPassword(given, from));
});

t.test('people come, change roles, leave and return; the unit keeps an administrator', async (t) => {
  const o = await office('people');
  t.teardown(() => o.store.close());
  const { token: keeper } = await enter(o, 'a@tayson.gov.vn', ['clerk']);
  await t.rejects(o.people.add(person('a@tayson.gov.vn', ['clerk'])), { code: 'person-known' });
  await t.rejects(o.people.leave({ unit, email: 'a@tayson.gov.vn', actor: 'test' }), {
    code: 'person-last-admin',
  });
  t.ok(await o.signIn.caller(keeper), 'a refused act changes nothing');
  await t.rejects(o.people.change(person('a@tayson.gov.vn', ['clerk'])), { code: 'person-last-admin' });
  await t.rejects(o.people.disable({ unit, email: 'a@tayson.gov.vn', actor: 'x' }), {
    code: 'person-last-admin',
  });
  const { token } = await enter(o, 'b@tayson.gov.vn', ['officer']);
  await o.people.change({
    ...person('b@tayson.gov.vn', ['leader', 'admin'], 'Trần Văn B'),
    decision: '12/QĐ-UBND',
    decisionDate: '2026-11-25',
  });
  t.strictSame(
    (await o.signIn.caller(token)).roles,
    ['admin', 'leader'],
    'the running session has them at once',
  );
  await o.people.leave({
    unit,
    email: 'a@tayson.gov.vn',
    actor: 'test',
    decision: '13/QĐ-UBND',
    decisionDate: '2026-11-26',
  });
  await t.rejects(o.signIn.caller(keeper), { code: 'session-ended' });
  t.equal(o.store.unitPerson(unit, 'a@tayson.gov.vn'), undefined);
  t.equal(o.store.personByEmail('a@tayson.gov.vn')?.state, 'disabled', 'never deleted');
  const back = await o.people.add(person('a@tayson.gov.vn', ['clerk']));
  t.ok(back.code, 'who returns proves anew who he is');
  t.equal(
    o.store.membershipsOf(o.store.personByEmail('a@tayson.gov.vn')!.id).length,
    2,
    'both stays are kept',
  );
  for (const bad of ['vanthu', 'a b@x.vn', 'a@localhost', '<a@x.vn>', `${'a'.repeat(250)}@x.vn`])
    t.throws(() => officialEmail(bad), { code: 'request-malformed' }, bad);
  await t.rejects(o.people.add(person('c@tayson.gov.vn', ['root'])), { code: 'request-malformed' });
  await t.rejects(o.people.add(person('c@tayson.gov.vn', ['clerk'], 'A\u202eB')), {
    code: 'request-malformed',
  });
});

t.test('a delegation gives some roles for a time, and never more than the giver has', async (t) => {
  const o = await office('delegation');
  t.teardown(() => o.store.close());
  await enter(o, 'keeper@tayson.gov.vn', ['admin']);
  await enter(o, 'a@tayson.gov.vn', ['clerk']);
  const { token } = await enter(o, 'b@tayson.gov.vn', ['officer']);
  const wanted = {
    unit,
    giver: 'a@tayson.gov.vn',
    taker: 'b@tayson.gov.vn',
    roles: ['clerk'],
    fromMs: startMs + hourMs,
    untilMs: startMs + 2 * hourMs,
    reason: 'nghỉ phép',
    actor: 'a@tayson.gov.vn',
  };
  await t.rejects(o.people.delegate({ ...wanted, roles: ['admin'] }), { code: 'right-missing' });
  await t.rejects(o.people.delegate({ ...wanted, untilMs: startMs + 200 * 24 * hourMs }), {
    code: 'request-malformed',
  });
  await t.rejects(o.people.delegate({ ...wanted, taker: 'x@tayson.gov.vn' }), { code: 'person-unknown' });
  await o.people.delegate(wanted);
  t.strictSame((await o.signIn.caller(token)).roles, ['officer'], 'not before it begins');
  await o.clock.advance(hourMs);
  t.strictSame((await o.signIn.caller(token)).given, ['clerk']);
  await o.clock.advance(hourMs);
  t.strictSame((await o.signIn.caller(token)).roles, ['officer'], 'not after its end');
  await o.people.delegate({ ...wanted, untilMs: startMs + 48 * hourMs });
  t.strictSame((await o.signIn.caller(token)).given, ['clerk']);
  await o.people.leave({ unit, email: 'a@tayson.gov.vn', actor: 'test' });
  t.strictSame((await o.signIn.caller(token)).given, [], 'who left gives nothing');
});

t.test('a list of changes is judged whole and applied whole, with its decision', async (t) => {
  const o = await office('list');
  t.teardown(() => o.store.close());
  await enter(o, 'keeper@tayson.gov.vn', ['admin']);
  await enter(o, 'cu@tayson.gov.vn', ['officer']);
  const bytes = (text: string) => Buffer.from(`\ufeff${text}`);
  const list = bytes(
    'Thay đổi;E-mail;Họ và tên;Chức vụ;Bộ phận;Vai trò\nTuyển dụng;moi@tayson.gov.vn;"Lê ""Tư"" Mới";Công chức;VP;văn thư, chuyên viên\r\nNghỉ hưu;cu@tayson.gov.vn\n',
  );
  const judged = await o.people.judge(unit, list, 'ds.csv');
  t.strictSame(judged.faults, []);
  t.equal(judged.changes.length, 2);
  const ordered = {
    unit,
    bytes: list,
    name: 'ds.csv',
    actor: 'test',
    decision: '14/QĐ-UBND',
    decisionDate: '2026-11-26',
  };
  await t.rejects(o.people.apply({ ...ordered, decision: '' }), { code: 'request-malformed' });
  t.strictSame(await o.people.apply(ordered), { lines: 2 });
  t.match(o.store.unitPerson(unit, 'moi@tayson.gov.vn'), {
    name: 'Lê "Tư" Mới',
    roles: ['clerk', 'officer'],
    decision: '14/QĐ-UBND',
  });
  t.equal(o.store.unitPerson(unit, 'cu@tayson.gov.vn'), undefined);
  const bad = await o.people.judge(
    unit,
    bytes(
      'thay doi,email,ho ten,vai tro\nđến,moi@tayson.gov.vn,A,văn thư\nchuyển đi,x@y.gov.vn\nđến,n@y.gov.vn,N,vua\nbay,z@y.gov.vn',
    ),
    'ds.csv',
  );
  t.strictSame(
    bad.faults.map(({ line }) => line),
    [2, 3, 4, 5],
    'every fault is named',
  );
  await t.rejects(o.people.judge(unit, Buffer.from([0xff, 0xfe, 0x41]), 'x'), {
    code: 'spreadsheet-malformed',
  });
  type Row = { readonly change: string; readonly email: string; readonly name: string };
  const xlsx = await writeXlsx<Row>(
    [
      { header: 'Thay đổi', type: 'text', value: ({ change }) => change },
      { header: 'E-mail', type: 'text', value: ({ email }) => email },
      { header: 'Họ tên', type: 'text', value: ({ name }) => name },
    ],
    [{ change: 'đến', email: 'bang@y.gov.vn', name: 'Bảng Tính' }],
    'Danh sách',
  );
  t.match(await o.people.judge(unit, xlsx, 'ds.xlsx'), { faults: [], changes: [{ name: 'Bảng Tính' }] });
});

t.test('every act is allowed to somebody and refused to somebody without roles', async (t) => {
  for (const act of acts) {
    t.notOk(mayDo([], act), act);
    t.ok(rights[act].length > 0);
  }
  t.notOk(mayDo(['admin'], 'document.read'), 'who keeps the machine does not read the papers');
  t.notOk(mayDo(['overseer'], 'document.send'));
  t.notOk(mayDo(['officer'], 'document.receive'));
});

t.test('the four windows of a day', async (t) => {
  const at = (hour: number, minute = 0) => Date.UTC(2026, 10, 26, hour - 7, minute);
  t.strictSame([at(6, 59), at(7), at(10), at(12), at(14), at(17, 29), at(18)].map(slotOf), [
    undefined,
    0,
    1,
    undefined,
    2,
    3,
    undefined,
  ]);
  t.strictSame(slotStates([0], at(13, 30)), ['done', 'missed', 'open', 'later']);
});

t.test(
  'the audit is a chain: a changed or missing row shows, and nobody can edit it by SQL as it is',
  async (t) => {
    const o = await office('audit');
    await enter(o, 'a@tayson.gov.vn', ['clerk']);
    t.match(o.store.verifyAudit(), { good: true, unchained: 0, newest: { digestHex: /^[0-9a-f]{64}$/ } });
    const { rows } = o.store.verifyAudit();
    await o.store.close();
    const db = openDatabase(join(o.dir, 'node.sqlite'));
    t.throws(() => db.run('DELETE FROM audit WHERE id = 2'), /append-only/);
    t.throws(() => db.run("UPDATE audit SET actor = 'x'"), /append-only/);
    db.exec('DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete');
    db.run("UPDATE audit SET actor = 'x' WHERE id = 2");
    db.close();
    const again = await openStore(o.dir, { keys: [] });
    t.teardown(() => again.close());
    t.match(again.verifyAudit(), { good: false, brokenAt: 2 });
    t.ok(rows >= 3);
  },
);
