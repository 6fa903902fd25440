// `lienthong hub audit list|verify|export`, `hub operator …`, `hub approvals …`: who did what, and acts that need two persons.
// verify and export read the files themselves, beside a running hub or without one: a process that lies would vouch for itself.
import type { Command } from 'commander';
import { CommandError, exitCodes, readable, runCommand } from '../bin/output.ts';
import { operatorCommands } from './commands-operators.ts';
import { exits, leaf, pathPart, timeOf, timeText, wholeNumber } from './commands-shared.ts';
import { withHub } from './offline.ts';
import type { AuditEntry } from './store/audit.ts';

type Common = { dir: string; json?: boolean };

export function auditCommands(hub: Command, software: string): void {
  const audit = hub
    .command('audit')
    .description(
      'Nhật ký quản trị: ai làm gì, lúc nào, từ đâu.\nWho did what to units, certificates, directory.',
    );
  listCommand(audit, software);
  verifyCommand(audit);
  exportCommand(audit);
  operatorCommands(hub, software);
  approvalCommands(hub, software);
}

/** Names of operations in words; one that is not here shows its own name. */
const acts: Readonly<Record<string, string>> = {
  unitAdd: 'thêm đơn vị',
  unitRename: 'đổi tên, mã',
  unitAlias: 'thêm mã',
  unitSuspend: 'tạm dừng',
  unitResume: 'cho hoạt động lại',
  unitClose: 'đóng đơn vị',
  unitMerge: 'sáp nhập',
  unitConfirm: 'xác nhận ghi danh',
  invitationMake: 'tạo giấy mời',
  invitationClose: 'huỷ giấy mời',
  enrol: 'ghi danh nút',
  certificateRecord: 'ghi chứng thư',
  certificateRevoke: 'thu hồi chứng thư',
  peerAddHub: 'thêm trung tâm',
  peerState: 'đổi trạng thái kết nối',
  setUpstream: 'đặt trung tâm cấp trên',
  republishIfDue: 'ký lại danh bạ',
  republishAbove: 'ký lại danh bạ sau khôi phục',
  putPart: 'nhận danh bạ nơi khác',
  operatorAdd: 'thêm người vận hành',
  operatorRemove: 'bỏ người vận hành',
  operatorKey: 'ghi khoá của người vận hành',
  removalOrder: 'lệnh gỡ bỏ văn bản mật',
  approvalDecide: 'quyết định đề nghị',
  approvalExpire: 'đề nghị quá hạn',
  redrive: 'chuyển lại',
  hold: 'giữ lại',
  cancel: 'huỷ lượt chuyển',
  unitSplit: 'chia tách',
  unitMove: 'đổi cấp trên',
  unitHandover: 'bàn giao đơn vị',
  unitsImport: 'nạp danh bạ',
  unitDescribe: 'đổi thông tin đơn vị',
  issuingInstall: 'thay CA của trung tâm',
  rootFollow: 'theo gốc mới',
  ownCertificateRenewed: 'trung tâm gia hạn chứng thư',
  certificateRenew: 'nút gia hạn chứng thư',
  policySet: 'đặt việc cần hai người',
  noteAct: 'việc ngoài kho',
};
/** Acts whose command also changes files, after the agreement. */
const filesFollow: ReadonlySet<string> = new Set(['issuingInstall', 'rootFollow']);
const actText = (act: string): string => (acts[act] ? `${acts[act]} (${act})` : act);

function listCommand(audit: Command, software: string): void {
  leaf(audit, 'list', 'Các việc đã làm, mới nhất trước.\nActs, the newest first.')
    .option('--act <name>', 'chỉ một loại việc, như unitClose; one kind of act')
    .option('--about <text>', 'đơn vị, nút, số chứng thư; what it is about')
    .option('--who <text>', 'người làm; who did it')
    .option('--from <time>', 'từ lúc; since', timeOf)
    .option('--to <time>', 'đến trước lúc; before', timeOf)
    .option('--limit <n>', 'số dòng, mặc định 100; rows, at most 1000', wholeNumber)
    .action(
      (
        options: Common & {
          act?: string;
          about?: string;
          who?: string;
          from?: number;
          to?: number;
          limit?: number;
        },
      ) =>
        runCommand(async (out) => {
          const { act, about, who, from: fromMs, to: toMs, limit } = options;
          const query = new URLSearchParams();
          for (const [name, value] of Object.entries({ act, about, who, fromMs, toMs, limit }))
            if (value !== undefined) query.set(name, String(value));
          const answer = await withHub({ dir: options.dir, software }, (request) =>
            request<{ acts: (AuditEntry & { aboutText: string })[] }>('GET', `/admin/v1/audit?${query}`),
          );
          out.table(
            ['Số', 'Lúc', 'Việc', 'Về', 'Ai', 'Từ đâu', 'Người đồng ý'],
            answer.acts.map((entry) => [
              String(entry.sequence),
              timeText(entry.atMs),
              actText(entry.act),
              entry.aboutText,
              entry.who,
              entry.from,
              entry.agreed?.join(', ') ?? '',
            ]),
          );
          if (answer.acts.length === 0) out.say('Không có việc nào khớp. No act matches.');
          out.answer(answer);
        }, options),
    );
}

const kinds: Readonly<Record<string, string>> = {
  removed: 'dòng bị xoá',
  altered: 'dòng bị sửa',
  reordered: 'dòng bị đổi chỗ',
  truncated: 'phần cuối bị cắt',
  unanchored: 'không có trong sổ cái',
  head: 'chữ ký đầu chuỗi',
};

function verifyCommand(audit: Command): void {
  audit
    .command('verify')
    .description(
      'Tìm dòng bị xoá, sửa, đổi chỗ hoặc cắt ở cuối.\nFinds a row removed, altered, reordered, or cut off at the end.',
    )
    .option('--dir <dir>', 'thư mục dữ liệu của trung tâm; the data folder of the hub')
    .option('--file <file>', 'tệp đã xuất, thay cho --dir; an exported file instead')
    .option('--root <file>', 'chứng thư gốc, cần khi có --file; the root certificate, needed with --file')
    .option(
      '--head <file>',
      'tệp đã xuất trước đây: chuỗi nay phải chứa nó; an earlier export: today’s chain must contain it',
    )
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .action((options: { dir?: string; file?: string; root?: string; head?: string; json?: boolean }) =>
      runCommand(async (out) => {
        const { verifyAuditDir, verifyAuditFile } = await import('./audit-export.ts');
        const { dir, file, root, head } = options;
        if ((dir === undefined) === (file === undefined) || (file !== undefined && root === undefined))
          throw new CommandError('wrongUse', {
            vi: 'Cần --dir, hoặc --file cùng --root',
            en: 'Either --dir, or --file with --root',
          });
        const paths = [file, root, head].filter((path) => path !== undefined);
        const checked = await readable(paths.join(', '), () =>
          dir === undefined
            ? verifyAuditFile({ file: file!, root: root! })
            : verifyAuditDir({ dir, ...(head === undefined ? {} : { head }) }),
        );
        if (checked.faults.length > 0)
          out.table(
            ['Lỗi', 'Ở đâu', 'Chi tiết'],
            checked.faults.map(({ kind, about, said }) => [`${kinds[kind] ?? kind} (${kind})`, about, said]),
          );
        const sound = checked.faults.length === 0;
        out.say(
          sound
            ? `Nhật ký nguyên vẹn (sound): ${checked.entries} dòng (rows).`
            : `${checked.faults.length} lỗi (faults) trong ${checked.entries} dòng: giữ nguyên máy, sao thư mục, báo cấp trên. Keep the machine as it is, copy the folder, report it.`,
        );
        out.answer({ sound, ...checked });
        return sound ? exitCodes.done : exitCodes.judgedBad;
      }, options),
    );
}

function exportCommand(audit: Command): void {
  leaf(
    audit,
    'export',
    'Xuất cả nhật ký ra một tệp tự chứng minh được.\nWrites the whole audit to one file that proves itself; keep it elsewhere.',
  )
    .requiredOption('--to <file>', 'tệp mới; a file that does not exist')
    .action((options: Common & { to: string }) =>
      runCommand(async (out) => {
        const { exportAudit } = await import('./audit-export.ts');
        const done = await exportAudit({ dir: options.dir, to: options.to });
        out.say(`Đã xuất ${done.entries} dòng ra ${options.to}. Exported.`);
        out.say(
          'Cất tệp ở máy khác: sau này "hub audit verify --head TỆP" chứng minh không có gì bị cắt.\nKeep it on another machine: later "hub audit verify --head FILE" proves that nothing was cut off.',
        );
        out.answer({ to: options.to, ...done });
      }, options),
    );
}

type Proposal = {
  id: number;
  act: string;
  about: string;
  aboutText: string;
  args: Record<string, unknown>;
  who: string;
  agreed: string[];
  state: string;
  expiresMs: number;
};
const states: Readonly<Record<string, string>> = {
  open: 'chờ đồng ý',
  done: 'đã làm',
  refused: 'bị từ chối',
  expired: 'quá hạn',
};

function approvalCommands(hub: Command, software: string): void {
  const approvals = hub
    .command('approvals')
    .description('Việc chờ người thứ hai đồng ý.\nActs that wait for a second person.');
  leaf(approvals, 'list', 'Các đề nghị đang chờ.\nWhat waits.')
    .option('--all', 'cả những đề nghị đã xong; also what has ended')
    .action((options: Common & { all?: boolean }) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ proposals: Proposal[] }>('GET', `/admin/v1/proposals?all=${options.all === true}`),
        );
        out.table(
          ['Số', 'Việc', 'Về', 'Người đề nghị', 'Đã đồng ý', 'Trạng thái', 'Hạn'],
          answer.proposals.map(({ id, act, aboutText, who, agreed, state, expiresMs }) => [
            String(id),
            actText(act),
            aboutText,
            who,
            agreed.join(', '),
            `${states[state] ?? state} (${state})`,
            timeText(expiresMs),
          ]),
        );
        if (answer.proposals.length === 0) out.say('Không có đề nghị nào. Nothing waits.');
        out.answer(answer);
      }, options),
    );
  leaf(
    approvals,
    'show <number>',
    'Nội dung một đề nghị: xem kỹ trước khi đồng ý.\nWhat a proposal would do, in full; read it before you agree.',
  ).action((number: string, options: Common) =>
    runCommand(async (out) => {
      const { proposals } = await withHub({ dir: options.dir, software }, (request) =>
        request<{ proposals: Proposal[] }>('GET', '/admin/v1/proposals?all=true'),
      );
      const found = proposals.find(({ id }) => String(id) === number);
      if (!found)
        throw new CommandError('failed', {
          vi: `Không có đề nghị ${number}`,
          en: `There is no proposal ${number}`,
        });
      out.say(
        `Đề nghị ${number}: ${actText(found.act)}, ${states[found.state] ?? found.state} (${found.state})`,
      );
      out.say(`Người đề nghị (proposed by): ${found.who}; hạn (until) ${timeText(found.expiresMs)}`);
      out.table(
        ['', ''],
        Object.entries(found.args).map(([name, value]) => [
          name,
          /Ms$/.test(name) && typeof value === 'number' && value > 0
            ? timeText(value)
            : typeof value === 'string'
              ? value
              : JSON.stringify(value),
        ]),
      );
      out.answer(found);
    }, options),
  );
  for (const [name, description] of [
    [
      'approve',
      'Đồng ý; đủ hai người khác nhau thì việc có hiệu lực.\nAgrees; with two different operators it takes force.',
    ],
    ['refuse', 'Từ chối.\nRefuses; the proposal ends.'],
  ] as const)
    leaf(approvals, `${name} <number>`, `${description} --operator là bắt buộc (required).`).action(
      (number: string, options: Common & { operator?: string }) =>
        runCommand(async (out) => {
          if (options.operator === undefined)
            throw new CommandError('wrongUse', {
              vi: 'Thiếu --operator TÊN',
              en: '--operator NAME is missing',
            });
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<{ outcome: string; act: string; agreed: string[] }>(
              'POST',
              `/admin/v1/proposals/${pathPart(number)}/${name}`,
            ),
          );
          const said = {
            done: 'đã có hiệu lực (in force)',
            waiting: 'còn cần một người vận hành khác đồng ý (one more operator must agree)',
            refused: 'bị từ chối (refused)',
          }[done.outcome];
          out.say(`Đề nghị ${number}, ${actText(done.act)}: ${said ?? done.outcome}.`);
          if (done.outcome === 'done' && filesFollow.has(done.act))
            out.say(
              'Chạy lại đúng lệnh ban đầu để thay tệp; nay không hỏi nữa. Give the first command again: it now goes through.',
            );
          out.answer(done);
        }, options),
    );
}
