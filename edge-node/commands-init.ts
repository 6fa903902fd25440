// "lienthong node init": makes the folder and enrols the box, or gives a box that is there another unit or fresh papers.
// Must never use an invitation before everything that could be refused on this machine was asked for.
// Beside the document's path.
import fs from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { collect, type Output, readable, runCommand, shellWord, wrongUse } from '../bin/output.ts';
import { atRestOptions, beginAtRest, plannedAtRest } from '../bin/person.ts';
import { systemClock } from '../protocol/node/clock.ts';
import type { ProxyOptions } from '../protocol/node/connector.ts';
import { isRunning } from '../protocol/node/control.ts';
import { lockFile } from '../protocol/node/lock.ts';
import { checkSecret } from '../protocol/node/secret-file.ts';
import { withNode } from './commands-reach.ts';
import { exits, withDir } from './commands-words.ts';
import type { EnrolResult } from './enrol.ts';
import { programVersion } from './version.ts';

type Common = { readonly dir: string; readonly json?: boolean };
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

/** Adds `init` to `lienthong node`. */
export function initCommand(node: Command): void {
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

/** Values of a new config.json: ports, the clerk's console on this machine, the proxy. Ends the command when one is wrong. */
export async function newConfig(
  options: Pick<
    InitOptions,
    'dir' | 'port' | 'consolePort' | 'proxy' | 'proxyUserFile' | 'proxyPasswordFile'
  >,
): Promise<object> {
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
  // Another unit on a box that is there changes nothing about its disk. A box that never ran is none yet: its first enrolment failed, or was cut off before sealing.
  const known = readEnrolled(options.dir) !== undefined && fs.existsSync(join(options.dir, lockFile));
  const sealing = known ? undefined : await plannedAtRest(options);
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
  const sealed = known ? {} : beginAtRest(out, options.dir, sealing);
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
  out.say(`\nTiếp theo / next:  lienthong node start --dir ${shellWord(dir)}`);
}
