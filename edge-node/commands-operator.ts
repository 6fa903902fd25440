// "lienthong node …": enrol, run, look, back up, restore, check, tokens, units.
// Must never print a secret twice, nor a key at all. What a command needs is imported when it runs.
// Beside the document's path.
import fs from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { bytesText, exitCodes, type Output, readable, runCommand, wrongUse } from '../bin/output.ts';
import { atRestOptions, beginAtRest, sayKeyOfRestored } from '../bin/person.ts';
import { systemClock } from '../protocol/node/clock.ts';
import type { ProxyOptions } from '../protocol/node/connector.ts';
import { isRunning } from '../protocol/node/control.ts';
import { checkSecret } from '../protocol/node/secret-file.ts';
import { consoleCommands } from './commands-certificate.ts';
import { keyCommands } from './commands-keys.ts';
import { withNode } from './commands-reach.ts';
import { safetyCommands } from './commands-safety.ts';
import { reindexCommand } from './commands-search.ts';
import { status } from './commands-status.ts';
import { userCommands } from './commands-users.ts';
import { exits, timeText, withDir } from './commands-words.ts';
import { dueCommands } from './commands-work.ts';
import type { UnitHere } from './core.ts';
import type { EnrolResult } from './enrol.ts';
import { programVersion } from './version.ts';

type Common = { readonly dir: string; readonly json?: boolean };
const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function operatorCommands(node: Command): void {
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

type InitOptions = Common & {
  readonly atRest?: string;
  readonly atRestPassphraseFile?: string;
  readonly invitation?: string[];
  readonly invitationFile?: string[];
  readonly port?: string;
  readonly consolePort?: string;
  readonly proxy?: string;
  readonly proxyUserFile?: string;
  readonly proxyPasswordFile?: string;
};

function initCommand(node: Command): void {
  reindexCommand(node);
  dueCommands(node);
  withDir(node.command('init'))
    .description(
      'Ghi danh nút bằng giấy mời của cơ quan đầu mối.\nEnrols this box: makes the folder and the keys here, shows the invitation to the hub, stores the certificates.',
    )
    .option(
      '--invitation <text>',
      'nguyên văn giấy mời, lặp lại được; the invitation as pasted, one per unit',
      collect,
    )
    .option(
      '--invitation-file <file>',
      'tệp chứa giấy mời; a file that holds it, so that it is not seen in the list of processes',
      collect,
    )
    .option(
      '--port <number>',
      'cổng API cục bộ khi tạo mới; port of the local API in a new config.json (default 8080)',
    )
    .option(
      '--console-port <number>',
      'cổng của trang văn thư khi tạo mới, trên máy này; port of the console on this machine in a new config.json (default 8090; 0 with --port 0)',
    )
    .option('--proxy <url>', "proxy của cơ quan; the office's HTTP proxy, http://host:port")
    .option('--proxy-user-file <file>', 'tệp chứa tên đăng nhập proxy; a file with the user name, mode 600')
    .option('--proxy-password-file <file>', 'tệp chứa mật khẩu proxy; a file with the password, mode 600')
    .addHelpText(
      'after',
      '\nOn a folder that exists it adds a unit, or renews the certificates of one; all data stay.\nAfterwards read the six words to the operator of the hub by telephone.' +
        exits,
    )
    .option(...atRestOptions.mode)
    .option(...atRestOptions.file)
    .action((options: InitOptions) => runCommand((out) => init(out, options), options));
}

function proxyOf(options: InitOptions): ProxyOptions | undefined {
  if (options.proxy === undefined) return undefined;
  if (!/^https?:\/\/[^/@]+\/?$/.test(options.proxy))
    throw wrongUse('--proxy is http://host:port', '--proxy có dạng http://máy:cổng');
  const line = (path: string) => {
    checkSecret(path);
    return fs.readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  };
  return {
    url: options.proxy,
    ...(options.proxyUserFile ? { user: line(options.proxyUserFile) } : {}),
    ...(options.proxyPasswordFile ? { password: line(options.proxyPasswordFile) } : {}),
  };
}

async function newConfig(options: InitOptions): Promise<object> {
  const { defaultConsolePort } = await import('./config.ts');
  const portOf = (option: string, given: string | undefined): number | undefined => {
    const port = given === undefined ? undefined : Number(given);
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536))
      throw wrongUse(`${option} is a number from 0 to 65535`, `${option} là số từ 0 đến 65535`);
    return port;
  };
  const port = portOf('--port', options.port);
  const consolePort = portOf('--console-port', options.consolePort) ?? (port === 0 ? 0 : defaultConsolePort);
  const { proxy: url, proxyUserFile, proxyPasswordFile } = options;
  return {
    ...(port === undefined ? {} : { local: { port } }),
    ...(options.consolePort === undefined && fs.existsSync(join(options.dir, 'config.json'))
      ? {}
      : { console: { address: '127.0.0.1', port: consolePort } }),
    ...(url === undefined
      ? {}
      : {
          proxy: {
            url,
            ...(proxyUserFile ? { userFile: fs.realpathSync(proxyUserFile) } : {}),
            ...(proxyPasswordFile ? { passwordFile: fs.realpathSync(proxyPasswordFile) } : {}),
          },
        }),
  };
}

async function init(out: Output, options: InitOptions): Promise<void> {
  const fromFiles = await Promise.all(
    (options.invitationFile ?? []).map((path) => readable(path, () => fs.readFileSync(path, 'utf8'))),
  );
  const invitations = [...(options.invitation ?? []), ...fromFiles];
  if (invitations.length === 0)
    throw wrongUse(
      'give --invitation TEXT or --invitation-file FILE',
      'cần --invitation hoặc --invitation-file',
    );
  const proxy = proxyOf(options);
  const { enrolNode } = await import('./enrol.ts');
  const { readEnrolled } = await import('./enrol-files.ts');
  // Another unit on a box that is there changes nothing about its disk. A folder whose first enrolment failed is none yet.
  const known = readEnrolled(options.dir) !== undefined;
  const result = await enrolNode({
    dir: options.dir,
    invitations,
    ...(proxy ? { proxy } : {}),
    config: await newConfig(options),
    clock: systemClock,
    version: programVersion(),
    onStep: ({ vi }) => out.say(vi),
  });
  if (await isRunning(options.dir))
    await withNode(options.dir, (node) => node.call('POST', '/control/reload-identity', {}));
  const sealed = known ? {} : await beginAtRest(out, options.dir, options);
  out.answer({ ...result, ...sealed });
  sayEnrolled(out, options.dir, result);
}

function sayEnrolled(out: Output, dir: string, { nodeId, hubId, units, clockOffsetMs }: EnrolResult): void {
  out.say(`Đã ghi danh nút ${nodeId} với trung tâm ${hubId}. Enrolled.`);
  for (const { code, name, words, confirmed, again } of units) {
    out.say(`\n  ${code}  ${name}${again ? '  (đã có, chứng thư mới / renewed)' : ''}`);
    if (confirmed) continue;
    out.say(`\n      ${words.split('-').join('  ')}\n`);
    out.say('  Gọi điện cho cơ quan đầu mối và đọc sáu từ này. Trung tâm phải thấy đúng sáu từ đó;');
    out.say(
      '  nếu khác, dừng lại: có người đứng giữa. Chỉ sau khi trung tâm xác nhận, đơn vị mới gửi nhận được.',
    );
    out.say('  Read these six words to the operator of the hub by telephone; they must see the same ones.');
  }
  if (clockOffsetMs !== undefined && Math.abs(clockOffsetMs) > 5_000)
    out.warn(
      `Đồng hồ máy lệch ${Math.round(clockOffsetMs / 1000)} giây so với trung tâm; chỉnh bằng chrony/NTP.\nThis clock differs from the hub's; correct it with chrony/NTP.`,
    );
  out.say(`\nTiếp theo / next:  lienthong node start --dir ${dir}`);
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
