// `lienthong hub …`: making, starting, looking at, saving and checking a hub. Acts on units are commands-units.ts, on the queue and on
// other hubs commands-queue.ts. A command reaches the running hub through DIR/control.sock, or works on the files when none runs.
import type { Command } from 'commander';
import { bytesText, exitCodes, runCommand } from '../bin/output.ts';
import { verifyBackupSet } from '../protocol/node/backup-set.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { backupHub, restoreHub } from './backup.ts';
import { queueCommands } from './commands-queue.ts';
import { leaf, timeText, wholeNumber } from './commands-shared.ts';
import { unitCommands } from './commands-units.ts';
import { fsckHub } from './fsck.ts';
import { certificateLives } from './identity.ts';
import { initHub } from './init.ts';
import { runHub } from './main.ts';
import { withHub } from './offline.ts';

/** Adds the command `hub` with all below it. */
export function hubCommands(program: Command): void {
  const hub = program
    .command('hub')
    .description('Trung tâm liên thông của một huyện hoặc tỉnh. The hub of a district or a province.');
  const software = program.version() ?? '';
  initCommand(hub);
  startCommand(hub, software);
  statusCommand(hub, software);
  savingCommands(hub, software);
  fsckCommand(hub);
  unitCommands(hub, software);
  queueCommands(hub, software);
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

function initCommand(hub: Command): void {
  leaf(hub, 'init', 'Tạo trung tâm mới trong --dir. Makes a new hub in --dir.')
    .requiredOption('--name <name>', 'cơ quan vận hành trung tâm; the office that runs the hub')
    .requiredOption('--code <code>', 'mã định danh của cơ quan đó; its official code, such as H08.35')
    .option(
      '--host <host>',
      'tên miền hoặc IP mà các nút gọi tới, lặp lại được; repeatable, first goes into invitations',
      collect,
    )
    .option('--port <port>', 'cổng trao đổi; enrolment takes the next one', wholeNumber)
    .option('--root <dir>', 'thư mục khoá gốc; folder of the root key, shared by all hubs (default DIR/root)')
    .action(
      (options: {
        dir: string;
        name: string;
        code: string;
        host?: string[];
        port?: number;
        root?: string;
        json?: boolean;
      }) =>
        runCommand(async (out) => {
          const made = await initHub({
            dir: options.dir,
            name: options.name,
            code: options.code,
            ...(options.host ? { hosts: options.host } : {}),
            ...(options.port === undefined ? {} : { port: options.port }),
            ...(options.root === undefined ? {} : { rootDir: options.root }),
            nowMs: systemClock.nowMs(),
          });
          out.say(`Đã tạo trung tâm ${made.hubId} trong ${options.dir}. The hub is made.`);
          out.say(`Vân tay chứng thư gốc (root fingerprint): ${made.rootFingerprint}`);
          if (made.rootCreated)
            out.say(
              `Cất thư mục ${made.rootDir} ngoại tuyến. Carry this folder away: it holds the root key.`,
            );
          out.say(`Tiếp theo (next): lienthong hub start --dir ${options.dir}`);
          out.answer(made);
        }, options),
    );
}

function warnOfCertificates(dir: string, warn: (line: string) => void): void {
  for (const { name, state, daysLeft, notAfterMs } of certificateLives(dir, systemClock.nowMs()))
    if (state === 'expired')
      warn(`Chứng thư ${name} đã hết hạn ${timeText(notAfterMs)}. The certificate has expired.`);
    else if (state === 'due')
      warn(`Chứng thư ${name} còn ${daysLeft} ngày. The certificate has ${daysLeft} days left: renew it.`);
}

function startCommand(hub: Command, software: string): void {
  leaf(hub, 'start', 'Chạy trung tâm đến khi nhận SIGTERM. Runs the hub until SIGTERM.')
    .option('--log-level <level>', 'debug, info, warn, error, silent')
    .action(
      (options: { dir: string; logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'; json?: boolean }) =>
        runCommand(async (out) => {
          warnOfCertificates(options.dir, out.warn);
          await runHub({
            dir: options.dir,
            software,
            ...(options.logLevel ? { logLevel: options.logLevel } : {}),
            ready: (at) => out.warn(`exchange ${at.exchange}, enrolment ${at.enrolment}, local ${at.local}`),
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
  at?: Record<string, { host: string; port: number } | undefined>;
};

function statusCommand(hub: Command, software: string): void {
  leaf(hub, 'status', 'Tình trạng trung tâm. What the hub is and how it is.').action(
    (options: { dir: string; json?: boolean }) =>
      runCommand(async (out) => {
        const status = await withHub({ dir: options.dir, software }, (request) =>
          request<Status>('GET', '/admin/v1/status'),
        );
        const running = status.at?.exchange !== undefined;
        out.say(
          `${status.name} (${status.hubId}), ${running ? 'đang chạy (running)' : 'không chạy (stopped)'}`,
        );
        out.table(
          ['', ''],
          [
            ['Kỷ nguyên (epoch)', String(status.epoch)],
            [
              'Danh bạ (directory)',
              `v${status.directoryVersion}, đến (until) ${timeText(status.directoryExpiresMs)}`,
            ],
            ['Sổ cái (ledger)', String(status.ledger.sequence)],
            [
              'Đơn vị (units)',
              Object.entries(status.units)
                .map(([state, n]) => `${state} ${n}`)
                .join(', '),
            ],
            ['Đang chờ (open)', `${status.openDeliveries}, giữ lại (held) ${status.held}`],
            ['Cảnh báo (alarms)', String(status.alarms)],
          ],
        );
        warnOfCertificates(options.dir, out.warn);
        out.answer({ ...status, running, certificates: certificateLives(options.dir, systemClock.nowMs()) });
      }, options),
  );
}

function savingCommands(hub: Command, software: string): void {
  leaf(hub, 'backup', 'Sao lưu khi đang chạy. Saves a running or stopped hub, and verifies the copy.')
    .requiredOption('--to <folder>', 'thư mục mới; a folder that does not exist')
    .option('--copy', 'sao chép nội dung thay vì liên kết; copy content instead of hard links')
    .action((options: { dir: string; to: string; copy?: boolean; json?: boolean }) =>
      runCommand(async (out) => {
        const progress = out.progress('backup', 0);
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
        out.say(`Đã sao lưu và kiểm tra (saved and verified): ${manifest.files.length}, ${bytesText(bytes)}`);
        out.say(
          'Bản sao có khoá của trung tâm: cất kín. It holds keys: lock it away. The root is not in it.',
        );
        if (manifest.missing.length > 0)
          out.warn(`${manifest.missing.length} nội dung thiếu; content missing: run fsck`);
        out.answer({ to: options.to, files: manifest.files.length, bytes, missing: manifest.missing });
      }, options),
    );
  hub
    .command('verify-backup <folder>')
    .description('Kiểm tra bản sao lưu. Reads and verifies every byte of a backup.')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .action((folder: string, options: { json?: boolean }) =>
      runCommand(async (out) => {
        const manifest = await verifyBackupSet(folder);
        out.say(`Bản sao lưu tốt, ngày ${timeText(manifest.madeMs)}. The backup is good.`);
        out.answer({
          program: manifest.program,
          madeMs: manifest.madeMs,
          about: manifest.about,
          missing: manifest.missing,
        });
      }, options),
    );
  leaf(hub, 'restore', 'Khôi phục vào --dir mới. Restores into a new --dir; begins a new epoch.')
    .requiredOption('--from <folder>', 'bản sao lưu; the backup')
    .action((options: { dir: string; from: string; json?: boolean }) =>
      runCommand(async (out) => {
        const done = await restoreHub({ from: options.from, dir: options.dir, clock: systemClock });
        out.say(`Đã khôi phục, kỷ nguyên ${done.epoch}. Restored; the epoch is now ${done.epoch}.`);
        out.say('Các nút sẽ tự gửi lại. Nodes offer again what came after the backup by themselves.');
        out.warn(
          'Làm lại việc thêm, xác nhận, thu hồi sau bản sao. Repeat acts on units and revocations made after the backup.',
        );
        out.answer(done);
      }, options),
    );
}

function fsckCommand(hub: Command): void {
  leaf(
    hub,
    'fsck',
    'Kiểm tra lại mọi chữ ký, băm, sổ cái. Verifies every signature, hash, state and the ledger again.',
  )
    .option('--fast', 'không băm lại tệp nội dung; does not re-hash content files')
    .action((options: { dir: string; fast?: boolean; json?: boolean }) =>
      runCommand(async (out) => {
        const result = await fsckHub({ dir: options.dir, fast: options.fast === true });
        out.table(
          ['Mức', 'Kiểm tra', 'Đối tượng', 'Kết quả'],
          result.findings.map(({ severity, check, about, said }) => [severity, check, about, said]),
        );
        const counted = Object.entries(result.counted)
          .map(([what, n]) => `${what} ${n}`)
          .join(', ');
        out.say(`${result.sound ? 'Tốt (sound)' : `${result.faults} lỗi (faults)`}; ${counted}`);
        out.answer(result);
        return result.sound ? exitCodes.done : exitCodes.judgedBad;
      }, options),
    );
}
