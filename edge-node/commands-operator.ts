// "lienthong node …": run, look, back up, restore, check, tokens, units.
// Must never print a secret twice, nor a key at all. What a command needs is imported when it runs.
// Beside the document's path.
import type { Command } from 'commander';
import { bytesText, exitCodes, type Output, runCommand } from '../bin/output.ts';
import { sayKeyOfRestored } from '../bin/person.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { isRunning } from '../protocol/node/control.ts';
import { consoleCommands } from './commands-certificate.ts';
import { initCommand } from './commands-init.ts';
import { keyCommands } from './commands-keys.ts';
import { withNode } from './commands-reach.ts';
import { safetyCommands } from './commands-safety.ts';
import { reindexCommand } from './commands-search.ts';
import { status } from './commands-status.ts';
import { userCommands } from './commands-users.ts';
import { exits, timeText, withDir } from './commands-words.ts';
import { dueCommands } from './commands-work.ts';
import type { UnitHere } from './core.ts';
import { programVersion } from './version.ts';

type Common = { readonly dir: string; readonly json?: boolean };

export function operatorCommands(node: Command): void {
  reindexCommand(node);
  dueCommands(node);
  initCommand(node);
  withDir(node.command('start'))
    .description(
      'Chạy nút.\nRuns the node until SIGTERM or SIGINT; it finishes what it holds, a second signal ends it at once.',
    )
    .addHelpText(
      'after',
      '\nThe log is JSON lines on stdout. The local API listens where config.json says; commands reach the process through DIR/control.sock.' +
        exits,
    )
    .action((options: Common) =>
      runCommand(async (out) => {
        const { runNode } = await import('./main.ts');
        await runNode(options.dir, ({ host, port }, consoleUrl) => {
          if (consoleUrl) out.warn(`Trang của văn thư / the clerk's console: ${consoleUrl}`);
          out.warn(
            `Nút đang chạy; dừng bằng Ctrl+C. API cho phần mềm văn phòng / local API: http://${host}:${port}`,
          );
        });
      }, options),
    );
  withDir(node.command('status'))
    .description(
      'Tình trạng của nút.\nHow the node stands: line to the hub, waiting work, disk, clock, certificates, alarms.',
    )
    .addHelpText('after', `\nEnds with 1 when a check fails (as /readyz).${exits}`)
    .action((options: Common) => runCommand((out) => status(out, options), options));
  backupCommands(node);
  withDir(node.command('fsck'))
    .description(
      'Kiểm tra toàn bộ dữ liệu của nút.\nRe-verifies every hash, signature, receipt and state of the store, offline, and names what is damaged.',
    )
    .addHelpText('after', `\nReads every byte; changes nothing. 0 clean, 65 damaged.${exits}`)
    .action((options: Common) => runCommand((out) => fsck(out, options), options));
  tokenCommands(node);
  keyCommands(node);
  consoleCommands(node);
  unitCommands(node);
  userCommands(node);
  safetyCommands(node);
}

function backupCommands(node: Command): void {
  withDir(node.command('backup'))
    .description(
      'Sao lưu dữ liệu của nút, cả khi đang chạy.\nBacks the node up, also while it runs: one snapshot of the database, the content it names, keys, settings, and a manifest of hashes; then reads all of it back.',
    )
    .requiredOption(
      '--to <folder>',
      'thư mục mới; a new folder; in a folder that is not empty a dated one is made',
    )
    .option(
      '--copy',
      'sao chép thay vì liên kết; copy content instead of linking it (needed when the backup stays on this disk for long)',
    )
    .addHelpText(
      'after',
      '\nThe backup holds the private keys: who has it can seal in the name of the units. Keep it locked.' +
        exits,
    )
    .action((options: Common & { to: string; copy?: boolean }) =>
      runCommand((out) => backup(out, options), options),
    );
  node
    .command('restore')
    .description(
      'Khôi phục nút từ bản sao lưu vào thư mục mới.\nVerifies a backup and makes a new data folder from it; the node then compares itself with the hub before it takes new work.',
    )
    .requiredOption('--from <folder>', 'bản sao lưu; the backup')
    .option('--keys <path>', 'khoá nội dung, khi không nằm cạnh bản sao; the content keys, if not beside it')
    .requiredOption('--dir <dir>', 'thư mục chưa có hoặc rỗng; a folder that does not exist or is empty')
    .option('--json', 'kết quả JSON; one JSON document on stdout')
    .addHelpText(
      'after',
      `\nNever start the old folder again beside the restored one: two machines would be one node.${exits}`,
    )
    .action((options: Common & { from: string }) => runCommand((out) => restore(out, options), options));
}

async function backup(out: Output, options: Common & { to: string; copy?: boolean }): Promise<number> {
  const progress = out.progress('sao lưu / backup', 0);
  const { backupNode } = await import('./backup.ts');
  const { path, manifest } = await backupNode({
    dir: options.dir,
    to: options.to,
    clock: systemClock,
    version: programVersion(),
    copyContent: options.copy,
    onProgress: (done) => progress.at(done),
  }).finally(() => progress.end());
  // The backup is whole and known to the folder. A node that stands still is not opened for the line in its audit: that might change its schema.
  if (await isRunning(options.dir))
    await withNode(options.dir, (node) => node.call('POST', '/control/backup', {})).catch((error: unknown) =>
      out.warn(
        `Không ghi được vào nhật ký / not in the audit: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  const bytes = manifest.files.reduce((sum, each) => sum + each.lengthBytes, 0);
  out.answer({
    path,
    files: manifest.files.length,
    bytes,
    missing: manifest.missing,
    madeMs: manifest.madeMs,
  });
  out.say(
    `Đã sao lưu và kiểm tra lại / saved and verified: ${path} (${manifest.files.length} tệp, ${bytesText(bytes)})`,
  );
  out.warn(
    'CẢNH BÁO: bản sao lưu có khoá riêng của đơn vị. Cất giữ như con dấu. It holds the private keys: keep it locked.',
  );
  if (manifest.missing.length === 0) return exitCodes.done;
  out.warn(
    `Thiếu hoặc hỏng ${manifest.missing.length} tệp nội dung; chạy "lienthong node fsck". Content is missing or damaged; run fsck.`,
  );
  return exitCodes.judgedBad;
}

async function restore(out: Output, options: Common & { from: string; keys?: string }): Promise<void> {
  const progress = out.progress('khôi phục / restore', 0);
  const { restoreNode } = await import('./backup.ts');
  const { manifest, restoreCount } = await restoreNode({
    from: options.from,
    dir: options.dir,
    keys: options.keys,
    clock: systemClock,
    onProgress: (done) => progress.at(done),
  }).finally(() => progress.end());
  out.answer({
    dir: options.dir,
    madeMs: manifest.madeMs,
    about: manifest.about,
    restoreCount,
    missing: manifest.missing,
  });
  out.say(`Đã khôi phục vào ${options.dir} (bản sao lưu làm lúc ${timeText(manifest.madeMs)}). Restored.`);
  out.say('Khi chạy, nút đối chiếu với trung tâm trước khi nhận việc mới. Tắt hẳn máy cũ.');
  out.say(
    'At start the node compares itself with the hub before it takes new work. Keep the old machine off.',
  );
  sayKeyOfRestored(out, options.dir);
}

async function fsck(out: Output, { dir }: Common): Promise<number> {
  const progress = out.progress('kiểm tra / fsck', 0);
  const { fsckNode } = await import('./fsck.ts');
  const result = await fsckNode({ dir, clock: systemClock, onProgress: (done) => progress.at(done) }).finally(
    () => progress.end(),
  );
  out.answer(result);
  const { documents, arrivals, statements, bytes } = result.checked;
  out.say(
    `Đã kiểm tra / checked: ${documents} văn bản đi, ${arrivals} văn bản đến, ${statements} biên nhận, ${bytesText(bytes)}.`,
  );
  for (const { about, part, code, what } of result.problems)
    out.say(`✗ ${about}${part === undefined ? '' : ` tệp/part ${part}`}: ${what} (${code})`);
  for (const note of result.notes) out.say(`! ${note}`);
  out.say(result.clean ? 'Không có lỗi. Clean.' : `${result.problems.length} lỗi / problems.`);
  return result.clean ? exitCodes.done : exitCodes.judgedBad;
}

function tokenCommands(node: Command): void {
  const token = node
    .command('token')
    .description(
      'Mã truy cập cho phần mềm văn phòng.\nTokens by which the office software uses the local API.',
    );
  withDir(token.command('add'))
    .argument('<name>', 'ai sẽ dùng; who will use it')
    .description('Tạo mã; chỉ hiện một lần.\nMakes a token and shows it once; only its SHA-256 is kept.')
    .action((name: string, options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call<{ token: string }>('POST', `/control/tokens/${encodeURIComponent(name)}`, {}),
        );
        out.answer(body);
        out.say(body.token);
      }, options),
    );
  withDir(token.command('list'))
    .description('Các mã đang dùng.\nNames of the tokens in use.')
    .action((options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call<{ tokens: { name: string; addedMs: number }[] }>('GET', '/control/tokens'),
        );
        out.answer(body);
        out.table(
          ['tên / name', 'từ / since'],
          body.tokens.map(({ name, addedMs }) => [name, timeText(addedMs)]),
        );
      }, options),
    );
  withDir(token.command('remove'))
    .argument('<name>', 'như trong "token list"; as in "token list"')
    .description('Huỷ mã.\nEnds a token at once.')
    .action((name: string, options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call('DELETE', `/control/tokens/${encodeURIComponent(name)}`),
        );
        out.answer(body);
        out.say(`Đã huỷ / removed: ${name}`);
      }, options),
    );
}

function unitCommands(node: Command): void {
  const unit = node.command('unit').description('Các đơn vị của nút.\nThe units that this node serves.');
  withDir(unit.command('list'))
    .description('Danh sách đơn vị.\nLists the units. To add one: "lienthong node init" with its invitation.')
    .action((options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call<{ units: UnitHere[] }>('GET', '/v1/units'),
        );
        out.answer(body);
        out.table(
          ['mã / code', 'tên / name', 'xác nhận / confirmed', 'con dấu còn / seal days left', 'id'],
          body.units.map((each) => [
            each.code,
            each.name,
            each.confirmed ? 'có / yes' : 'chưa / not yet',
            each.sealDaysLeft === undefined ? '—' : String(Math.floor(each.sealDaysLeft)),
            each.unit,
          ]),
        );
      }, options),
    );
}
