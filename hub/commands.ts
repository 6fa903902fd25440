// `lienthong hub …`: making, starting, looking at, saving and checking a hub. Acts on units are commands-units.ts, on the queue and on
// other hubs commands-queue.ts. A command reaches the running hub through DIR/control.sock, or works on the files when none runs. What a command needs is imported when it runs: the
// hub's own code takes longer to load than most commands to answer.
import { type Command, InvalidArgumentError } from 'commander';
import { bytesText, collect, exitCodes, runCommand, shellWord } from '../bin/output.ts';
import { account, atRestOptions, beginAtRest, plannedAtRest, sayKeyOfRestored } from '../bin/person.ts';
import type { BackupState } from '../protocol/node/backup-record.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { assertFolderOf } from '../protocol/node/config.ts';
import { actorOfClaim } from './admin/caller.ts';
import { auditCommands } from './commands-audit.ts';
import { caCommands } from './commands-ca.ts';
import { queueCommands } from './commands-queue.ts';
import { safetyCommands } from './commands-safety.ts';
import { exits, leaf, nameCaller, stateText, timeText, wholeNumber } from './commands-shared.ts';
import { takedownCommands } from './commands-takedown.ts';
import { unitCommands } from './commands-units.ts';
import { withHub } from './offline.ts';

/** Adds the command `hub` with all below it. */
export function hubCommands(program: Command): void {
  const hub = program
    .command('hub')
    .description('Trung tâm liên thông của một huyện hoặc tỉnh.\nThe hub of a district or a province.');
  const software = program.version() ?? '';
  hub.hook('preAction', (_hub, command) => nameCaller(command.opts()));
  initCommand(hub);
  startCommand(hub, software);
  statusCommand(hub, software);
  savingCommands(hub, software);
  fsckCommand(hub);
  unitCommands(hub, software);
  caCommands(hub, software);
  safetyCommands(hub, software);
  takedownCommands(hub, software);
  queueCommands(hub, software);
  auditCommands(hub, software);
}

/** Two more follow it. */
function firstPort(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_533) throw new InvalidArgumentError('at most 65533');
  return port;
}

function initCommand(hub: Command): void {
  leaf(hub, 'init', 'Tạo trung tâm mới trong --dir.\nMakes a new hub in --dir.')
    .requiredOption('--name <name>', 'cơ quan vận hành trung tâm; the office that runs the hub')
    .requiredOption('--code <code>', 'mã định danh của cơ quan đó; its official code, such as H08.35')
    .option(
      '--host <host>',
      'tên miền hoặc IP mà các nút gọi tới, lặp lại được; repeatable, first goes into invitations',
      collect,
    )
    .option('--port <port>', 'cổng trao đổi; enrolment and the local port take the next two', firstPort)
    .option('--root <dir>', 'thư mục khoá gốc; folder of the root key, shared by all hubs (default DIR/root)')
    .option(...atRestOptions.mode)
    .option(...atRestOptions.file)
    .action(
      (options: {
        atRest?: string;
        atRestPassphraseFile?: string;
        dir: string;
        name: string;
        code: string;
        host?: string[];
        port?: number;
        root?: string;
        json?: boolean;
      }) =>
        runCommand(async (out) => {
          const { initHub } = await import('./init.ts');
          const sealing = await plannedAtRest(options);
          const made = await initHub({
            dir: options.dir,
            name: options.name,
            code: options.code,
            ...(options.host ? { hosts: options.host } : {}),
            ...(options.port === undefined ? {} : { port: options.port }),
            ...(options.root === undefined ? {} : { rootDir: options.root }),
            by: actorOfClaim(account(), 'init'),
            nowMs: systemClock.nowMs(),
          });
          out.say(`Đã tạo trung tâm ${made.hubId} trong ${options.dir}. The hub is made.`);
          out.say(`Vân tay chứng thư gốc (root fingerprint): ${made.rootFingerprint}`);
          if (made.rootCreated)
            out.say(
              `Chép thư mục ${made.rootDir} ra hai USB, cất trong két, rồi xoá khỏi máy này: trong đó có khoá gốc.\nCopy this folder to two USB sticks, lock them away and remove it from this machine: it holds the root key.`,
            );
          const sealed = beginAtRest(out, options.dir, sealing);
          out.say(`Tiếp theo (next): lienthong hub start --dir ${shellWord(options.dir)}`);
          out.answer({ ...made, ...sealed });
        }, options),
    );
}

async function warnOfCertificates(dir: string, warn: (line: string) => void): Promise<void> {
  const { certificateLives } = await import('./identity.ts');
  for (const { name, state, daysLeft, notAfterMs } of certificateLives(dir, systemClock.nowMs()))
    if (state === 'expired')
      warn(`Chứng thư ${name} đã hết hạn ${timeText(notAfterMs)}. The certificate has expired.`);
    else if (state === 'due')
      warn(`Chứng thư ${name} còn ${daysLeft} ngày. The certificate has ${daysLeft} days left: renew it.`);
}

function startCommand(hub: Command, software: string): void {
  leaf(
    hub,
    'start',
    'Chạy trung tâm cho tới khi được yêu cầu dừng.\nRuns the hub until SIGTERM or SIGINT (Ctrl+C).',
  )
    .option('--log-level <level>', 'debug, info, warn, error, silent')
    .action(
      (options: { dir: string; logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'; json?: boolean }) =>
        runCommand(async (out) => {
          assertFolderOf('hub', options.dir);
          await warnOfCertificates(options.dir, out.warn);
          const { runHub } = await import('./main.ts');
          await runHub({
            dir: options.dir,
            software,
            ...(options.logLevel ? { logLevel: options.logLevel } : {}),
            ready: (at) =>
              out.warn(
                `Trung tâm đang chạy; dừng bằng Ctrl+C. Cổng trao đổi / exchange ${at.exchange}, ghi danh / enrolment ${at.enrolment}, cục bộ / local ${at.local}`,
              ),
          });
        }, options),
    );
}

type Status = {
  hubId: string;
  name: string;
  parent: string;
  epoch: number;
  directoryVersion: number;
  directoryExpiresMs: number;
  ledger: { sequence: number };
  units: Record<string, number>;
  openDeliveries: number;
  held: number;
  alarms: number;
  backup?: BackupState;
  at?: Record<string, { host: string; port: number } | undefined>;
};

function backupText(state: BackupState | undefined): string {
  if (!state?.last) return 'CHƯA CÓ (none): lienthong hub backup';
  const { last, standing } = state;
  const wrong = { good: '', none: '', old: '  QUÁ CŨ (old)', incomplete: '  THIẾU TỆP (incomplete)' }[
    standing
  ];
  return `${timeText(last.madeMs)}, ${bytesText(last.bytes)}, ${last.path}${wrong}`;
}

function statusCommand(hub: Command, software: string): void {
  leaf(hub, 'status', 'Tình trạng trung tâm.\nWhat the hub is and how it is.').action(
    (options: { dir: string; json?: boolean }) =>
      runCommand(async (out) => {
        const status = await withHub({ dir: options.dir, software }, (request) =>
          request<Status>('GET', '/admin/v1/status'),
        );
        const running = status.at?.exchange !== undefined;
        out.say(
          `${status.name} (${status.hubId}), ${running ? 'đang chạy (running)' : 'không chạy (not running)'}`,
        );
        out.table(
          ['', ''],
          [
            ['Kỷ nguyên (epoch)', String(status.epoch)],
            [
              'Danh bạ (directory)',
              `bản ${status.directoryVersion}, có hiệu lực đến (until) ${timeText(status.directoryExpiresMs)}`,
            ],
            ['Sổ cái (ledger)', `${status.ledger.sequence} mục (entries)`],
            [
              'Đơn vị (units)',
              Object.entries(status.units)
                .map(([state, n]) => `${n} ${stateText(state)}`)
                .join(', '),
            ],
            ['Lượt đang chờ (open)', `${status.openDeliveries}, trong đó giữ lại (held) ${status.held}`],
            ['Sao lưu (backup)', backupText(status.backup)],
            [
              'Cảnh báo (alarms)',
              status.alarms > 0
                ? `${status.alarms} → lienthong hub alarms --dir ${shellWord(options.dir)}`
                : '0',
            ],
          ],
        );
        await warnOfCertificates(options.dir, out.warn);
        const { certificateLives } = await import('./identity.ts');
        out.answer({ ...status, running, certificates: certificateLives(options.dir, systemClock.nowMs()) });
      }, options),
  );
}

function savingCommands(hub: Command, software: string): void {
  leaf(
    hub,
    'backup',
    'Sao lưu trung tâm, cả khi đang chạy.\nSaves a running or stopped hub, and verifies the copy.',
  )
    .requiredOption('--to <folder>', 'thư mục mới; a folder that does not exist')
    .option('--copy', 'sao chép nội dung thay vì liên kết; copy content instead of hard links')
    .action((options: { dir: string; to: string; copy?: boolean; json?: boolean }) =>
      runCommand(async (out) => {
        const progress = out.progress('backup', 0);
        const { backupHub } = await import('./backup.ts');
        const manifest = await backupHub({
          dir: options.dir,
          to: options.to,
          version: software,
          clock: systemClock,
          copyContent: options.copy === true,
          onProgress: (done) => progress.at(done),
        });
        progress.end();
        const bytes = manifest.files.reduce((sum, file) => sum + file.lengthBytes, 0);
        out.say(
          `Đã sao lưu và kiểm tra lại (saved and verified): ${options.to}, ${manifest.files.length} tệp (files), ${bytesText(bytes)}`,
        );
        out.say(
          'Bản sao có khoá của trung tâm: cất kín như con dấu. Khoá gốc không nằm trong đó.\nIt holds the keys of the hub: lock it away. The root key is not in it.',
        );
        if (manifest.missing.length > 0)
          out.warn(
            `Thiếu ${manifest.missing.length} tệp nội dung; chạy "lienthong hub fsck". Content is missing: run fsck.`,
          );
        out.answer({ to: options.to, files: manifest.files.length, bytes, missing: manifest.missing });
      }, options),
    );
  hub
    .command('verify-backup <folder>')
    .description('Kiểm tra bản sao lưu.\nReads and verifies every byte of a backup.')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .action((folder: string, options: { json?: boolean }) =>
      runCommand(async (out) => {
        const { verifyBackupSet } = await import('../protocol/node/backup-set.ts');
        const manifest = await verifyBackupSet(folder);
        out.say(`Bản sao lưu tốt, làm lúc ${timeText(manifest.madeMs)}. The backup is good.`);
        out.answer({
          program: manifest.program,
          madeMs: manifest.madeMs,
          about: manifest.about,
          missing: manifest.missing,
        });
      }, options),
    );
  leaf(
    hub,
    'restore',
    'Khôi phục từ bản sao lưu vào thư mục mới.\nRestores into a new --dir; begins a new epoch.',
  )
    .requiredOption('--from <folder>', 'bản sao lưu; the backup')
    .option('--keys <path>', 'khoá nội dung, khi không nằm cạnh bản sao; the content keys, if not beside it')
    .action((options: { dir: string; from: string; keys?: string; json?: boolean }) =>
      runCommand(async (out) => {
        const { restoreHub } = await import('./backup.ts');
        const done = await restoreHub({
          from: options.from,
          dir: options.dir,
          keys: options.keys,
          clock: systemClock,
        });
        out.say(
          `Đã khôi phục vào ${options.dir}; kỷ nguyên mới là ${done.epoch}. Restored; the epoch is now ${done.epoch}.`,
        );
        out.say(
          'Các nút sẽ tự gửi lại những gì có sau bản sao lưu. Nodes offer again what came after the backup by themselves.',
        );
        out.warn(
          'Hãy làm lại những việc thêm đơn vị, xác nhận, thu hồi đã làm sau bản sao lưu.\nRepeat acts on units and revocations made after the backup.',
        );
        sayKeyOfRestored(out, options.dir);
        out.answer(done);
      }, options),
    );
}

function fsckCommand(hub: Command): void {
  leaf(
    hub,
    'fsck',
    'Kiểm tra lại toàn bộ chữ ký, giá trị băm, trạng thái và sổ cái.\nVerifies every signature, hash, state and the ledger again.',
  )
    .option('--fast', 'không băm lại tệp nội dung; does not re-hash content files')
    .action((options: { dir: string; fast?: boolean; json?: boolean }) =>
      runCommand(async (out) => {
        const { fsckHub } = await import('./fsck.ts');
        const result = await fsckHub({ dir: options.dir, fast: options.fast === true });
        if (result.findings.length > 0)
          out.table(
            ['Mức', 'Kiểm tra', 'Đối tượng', 'Kết quả'],
            result.findings.map(({ severity, check, about, said }) => [severity, check, about, said]),
          );
        const counted = Object.entries(result.counted)
          .map(([what, n]) => `${what} ${n}`)
          .join(', ');
        out.say(
          `${result.sound ? 'Không có lỗi (sound)' : `${result.faults} lỗi (faults): khôi phục từ bản sao lưu; restore from a backup`}; đã kiểm tra (checked): ${counted}`,
        );
        out.answer(result);
        return result.sound ? exitCodes.done : exitCodes.judgedBad;
      }, options),
    );
}
