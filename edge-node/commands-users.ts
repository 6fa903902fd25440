// "lienthong node user …" and "lienthong node audit verify": the people of the units here, seen from the machine itself. The first clerk and his
// one-time code come from here. Must never take or print a password: people set their own in the console.
import type { Command } from 'commander';
import { collect, exitCodes, type Output, runCommand } from '../bin/output.ts';
import { roles, roleWords, type UnitPerson } from './accounts/person.ts';
import type { AuditVerdict, Code } from './accounts/verbs.ts';
import { withNode } from './commands-reach.ts';
import { exits, timeText, withDir } from './commands-words.ts';

type Common = { readonly dir: string; readonly json?: boolean; readonly unit?: string };
type AddOptions = Common & {
  readonly name: string;
  readonly position?: string;
  readonly desk?: string;
  readonly role?: string[];
  readonly decision?: string;
  readonly decisionDate?: string;
  readonly emergency?: boolean;
};
type Decided = Common & { readonly decision?: string; readonly decisionDate?: string };

const roleList = roles.map((role) => `${role} (${roleWords[role]})`).join(', ');

export function sayCode(out: Output, { email, code, expiresMs }: Code): void {
  out.say(`\n  ${email}\n\n      ${code}\n`);
  out.say(
    `  Mã một lần, dùng đến ${timeText(expiresMs)}: mở trang của nút, chọn "Tôi có mã một lần", tự đặt mật khẩu.`,
  );
  out.say('  A one-time code: open the console, choose "Tôi có mã một lần" and set your own password.');
}

const withUnit = (command: Command): Command =>
  withDir(command).option(
    '--unit <code>',
    'đơn vị, khi nút có nhiều đơn vị; the unit, where the node serves several',
  );
const withDecision = (command: Command): Command =>
  withUnit(command)
    .option('--decision <number>', 'số quyết định; number of the decision that orders it')
    .option('--decision-date <yyyy-MM-dd>', 'ngày quyết định; its date');

export function userCommands(node: Command): void {
  const user = node
    .command('user')
    .description('Người dùng của đơn vị.\nThe people who use the console: add, list, code, disable, leave.');
  withDecision(user.command('add'))
    .argument('<email>', 'e-mail công vụ; the official e-mail, which is the login name')
    .requiredOption('--name <name>', 'họ và tên; full name')
    .option('--position <text>', 'chức vụ; position')
    .option('--desk <text>', 'bộ phận; desk')
    .option('--role <role>', `vai trò, lặp lại được; roles, repeatable: ${roleList} (default clerk)`, collect)
    .option(
      '--emergency',
      'tài khoản khẩn cấp; may sign in with a password even where everybody uses the shared sign-in',
    )
    .description(
      'Thêm người và cấp mã một lần.\nAdds a person and shows a one-time code. The first person of a unit also becomes its administrator.',
    )
    .addHelpText('after', exits)
    .action((email: string, { role, dir, json: _, ...rest }: AddOptions) =>
      runCommand(
        async (out) => {
          const made = await withNode(dir, (reach) =>
            reach.call<Code>('POST', '/control/users', { email, ...rest, ...(role ? { roles: role } : {}) }),
          );
          out.answer(made.body);
          out.say(`Đã thêm ${rest.name}. Added.`);
          sayCode(out, made.body);
        },
        { json: _ === true },
      ),
    );
  withUnit(user.command('list'))
    .description('Danh sách người dùng.\nLists the people of the unit.')
    .action((options: Common) => runCommand((out) => list(out, options), options));
  withUnit(user.command('code'))
    .argument('<email>', 'e-mail công vụ')
    .description('Cấp mã một lần mới.\nA new one-time code: for a first sign-in or a forgotten password.')
    .action((email: string, options: Common) =>
      runCommand(async (out) => {
        const { dir, unit } = options;
        const { body } = await withNode(dir, (reach) =>
          reach.call<Code>('POST', '/control/users/code', { email, ...(unit ? { unit } : {}) }),
        );
        out.answer(body);
        sayCode(out, body);
      }, options),
    );
  actCommand(
    user,
    'disable',
    'Khoá tài khoản; phiên làm việc kết thúc ngay.\nLocks an account; its sessions end at once.',
  );
  actCommand(user, 'enable', 'Mở lại tài khoản.\nUnlocks an account.');
  actCommand(
    user,
    'leave',
    'Thôi làm việc ở đơn vị (nghỉ hưu, chuyển đi).\nThe person leaves the unit; sessions and delegations end at once.',
  );
  auditCommand(node);
}

function actCommand(user: Command, act: 'disable' | 'enable' | 'leave', description: string): void {
  withDecision(user.command(act))
    .argument('<email>', 'e-mail công vụ')
    .description(description)
    .action((email: string, { dir, json, ...rest }: Decided) =>
      runCommand(
        async (out) => {
          const { body } = await withNode(dir, (reach) =>
            reach.call('POST', `/control/users/${act}`, { email, ...rest }),
          );
          out.answer(body);
          out.say(`Xong: ${email}. Done.`);
        },
        { json: json === true },
      ),
    );
}

const stateWords = { invited: 'chờ đăng nhập lần đầu', active: 'đang dùng', disabled: 'đã khoá' } as const;

async function list(out: Output, { dir, unit }: Common): Promise<void> {
  const query = unit ? `?unit=${encodeURIComponent(unit)}` : '';
  const { body } = await withNode(dir, (reach) =>
    reach.call<{ users: (UnitPerson & { lastSeenMs?: number })[] }>('GET', `/control/users${query}`),
  );
  out.answer(body);
  if (body.users.length === 0)
    out.say('Chưa có ai. Thêm văn thư đầu tiên: lienthong node user add E-MAIL --name "HỌ TÊN"');
  out.table(
    ['e-mail', 'họ tên / name', 'vai trò / roles', 'chức vụ', 'trạng thái / state', 'lần cuối / last seen'],
    body.users.map((p) => [
      p.email,
      p.name,
      p.roles.map((role) => roleWords[role]).join(', '),
      p.position,
      stateWords[p.state],
      p.lastSeenMs === undefined ? '—' : timeText(p.lastSeenMs),
    ]),
  );
}

function auditCommand(node: Command): void {
  const audit = node.command('audit').description('Nhật ký của nút.\nThe audit of the node.');
  withDir(audit.command('verify'))
    .description(
      'Kiểm tra chuỗi băm của nhật ký.\nWalks the chain of hashes; names the first row that was altered or taken out. 0 good, 65 not.',
    )
    .action((options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call<AuditVerdict>('GET', '/control/audit/verify'),
        );
        out.answer(body);
        out.say(
          body.good
            ? `Nhật ký nguyên vẹn: ${body.rows} dòng. The chain is whole.`
            : `Nhật ký bị sửa hoặc mất dòng tại số ${body.brokenAt}. A row was altered or taken out.`,
        );
        if (body.newest)
          out.say(
            `Dòng mới nhất ${body.newest.id}, mã băm ${body.newest.digestHex}; giữ ở nơi khác để đối chiếu.`,
          );
        return body.good ? exitCodes.done : exitCodes.judgedBad;
      }, options),
    );
}
