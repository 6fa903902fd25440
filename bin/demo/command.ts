// `lienthong demo` (npm start): the whole district on one machine, with real documents. Stays up for a person to try; with --once it stops and its
// exit code says whether everything arrived, verified and is clean on disk.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../protocol/node/clock.ts';
import { exitCodes } from '../output.ts';
import { playAxis } from './axis.ts';
import { playChanges } from './changes.ts';
import { type District, startDistrict } from './district.ts';
import { exitOf } from './processes.ts';
import { play, prepareSendings, type Row } from './story.ts';

type Options = {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly dir?: string;
  readonly keep?: boolean;
  readonly large: string;
};

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'Cả một huyện trên một máy: hai trung tâm, bốn nút, một trục thực hành, văn bản thật.\nA whole district on one machine.',
    )
    .option('--once', 'stop when all is delivered and checked; exit 0 only if everything is good')
    .option('--json', 'print one JSON summary as the last line')
    .option('--dir <dir>', 'new folder for all data (default: a temporary one)')
    .option('--keep', 'with --once: keep the folder')
    .option('--large <megabytes>', 'sizes of the generated parts in MB, comma separated', '20,200')
    .action(async (options: Options) => {
      process.exitCode = await demo(options);
    });
}

async function demo(options: Options): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  const seconds = () => ((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1).padStart(6);
  const say = (line: string) => process.stdout.write(`[${seconds()} s] ${line}\n`);
  const dir = options.dir ? resolve(options.dir) : mkdtempSync(join(tmpdir(), 'lienthong-demo-'));
  if (options.dir && existsSync(dir)) {
    process.stderr.write(
      `Thư mục ${dir} đã có; hãy chọn thư mục mới.\n${dir} exists; choose a new folder.\n`,
    );
    return exitCodes.configuration;
  }
  say(`Dữ liệu nằm ở ${dir}`);
  const large = options.large
    .split(',')
    .filter(Boolean)
    .map((text) => Number(text) * 1_000_000);
  const sendings = await prepareSendings(dir, large);
  say(`Đã tạo ${sendings.length} văn bản mẫu, ký số bởi CA mẫu (cá nhân + cơ quan)`);
  const district = await startDistrict(dir, say);
  const interrupted = interruption();
  const rows = await play(district, sendings, say);
  printTable(rows);
  const arrived = rows.filter(({ state, bytesSame }) => state === 'delivered' && bytesSame).length;
  const proved = rows.filter(({ proofGood }) => proofGood).length;
  say(
    `${arrived}/${rows.length} lượt nhận đúng từng byte; ${proved}/${rows.length} bằng chứng kiểm tra ngoại tuyến đạt`,
  );
  const axis = await playAxis(district, say);
  const changes = [...(await playChanges(district, say)), ...axis.changes];
  let clean: Record<string, boolean> = {};
  if (options.once) {
    await axis.stop();
    await district.stop();
    clean = await fsckAll(district);
    say(
      `fsck: ${Object.entries(clean)
        .map(([name, good]) => `${name} ${good ? 'sạch' : 'HỎNG'}`)
        .join(', ')}`,
    );
  } else {
    printAddresses(district);
    process.stdout.write(
      `Trục thực hành: ${axis.url}, thư mục ${axis.dir}. Thử: npx lienthong axis status --dir ${axis.dir}\n`,
    );
    await interrupted;
    say('Đang dừng…');
    await axis.stop();
    await district.stop();
  }
  const good =
    arrived === rows.length &&
    proved === rows.length &&
    changes.every((change) => change.good) &&
    Object.values(clean).every(Boolean);
  if (good && options.once && !options.keep && !options.dir) rmSync(dir, { recursive: true, force: true });
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ good, deliveries: rows.length, arrived, proved, changes, clean, seconds: Number(seconds()), dir: good && options.once && !options.keep ? null : dir, rows })}\n`,
    );
  return good ? exitCodes.done : exitCodes.failed;
}

/** Every store, by the same command that an operator runs. */
async function fsckAll({ hubs, offices }: District): Promise<Record<string, boolean>> {
  const clean: Record<string, boolean> = {};
  for (const hub of hubs)
    clean[hub.name] = (await exitOf(['hub', 'fsck', '--dir', hub.dir, '--json'])).code === 0;
  for (const { running } of Object.values(offices))
    clean[running.name] = (await exitOf(['node', 'fsck', '--dir', running.dir, '--json'])).code === 0;
  return clean;
}

function interruption(): Promise<void> {
  return new Promise((resolvePromise) => {
    process.once('SIGINT', () => resolvePromise());
    process.once('SIGTERM', () => resolvePromise());
  });
}

const stateWords: Readonly<Record<string, string>> = {
  delivered: 'đã đến',
  accepted: 'ở trung tâm',
  relayed: 'đã chuyển lên',
  refused: 'bị từ chối',
  expired: 'quá hạn',
  undeliverable: 'không chuyển được',
  cancelled: 'đã huỷ',
  queued: 'chờ gửi',
};

function printTable(rows: readonly Row[]): void {
  const head = ['Văn bản', 'Nơi gửi', 'Nơi nhận', 'Trạng thái', 'Giây', 'Đúng byte', 'Bằng chứng'];
  const body = rows.map((row) => [
    row.document,
    row.from,
    row.to,
    stateWords[row.state] ?? row.state,
    row.seconds.toFixed(1),
    row.bytesSame ? 'đúng' : 'KHÔNG',
    row.proofGood ? 'đạt' : 'KHÔNG',
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) =>
    `${cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}\n`;
  process.stdout.write(
    `\n${line(head)}${line(widths.map((width) => '─'.repeat(width)))}${body.map(line).join('')}\n`,
  );
}

function printAddresses({ hubs, offices, root }: District): void {
  const lines = Object.values(offices).map(
    ({ name, apiUrl, consoleUrl, clerk, token, running }) =>
      `  ${name}\n    Trang văn thư ${consoleUrl}  (e-mail ${clerk.email}, mã một lần ${clerk.code})\n    API ${apiUrl}  (Authorization: Bearer ${token})\n    thư mục ${running.dir}`,
  );
  const hubLines = hubs.map(({ name, dir }) => `  ${name}: ${dir}`);
  process.stdout.write(
    `Đang chạy. Thử: npx lienthong outbox --dir ${offices.communeA.running.dir}\n${lines.join('\n')}\nTrung tâm:\n${hubLines.join('\n')}\nChứng thư gốc: ${root}\nNhấn Ctrl+C để dừng.\n`,
  );
}
