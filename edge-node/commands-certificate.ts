// `lienthong node console-request|console-cert`: the console's server certificate from the hub's own CA, carried both ways as files.
// Must never print or write the key anywhere but in the node's folder. What a command needs is imported when it runs.
import fs from 'node:fs';
import { isIP } from 'node:net';
import type { Command } from 'commander';
import { readable, runCommand, wrongUse } from '../bin/output.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { timeText, withDir } from './commands-words.ts';

type Common = { readonly dir: string; readonly json?: boolean };

export function consoleCommands(node: Command): void {
  requestCommand(node);
  installCommand(node);
}

function requestCommand(node: Command): void {
  withDir(node.command('console-request'))
    .description(
      'Tạo yêu cầu chứng thư cho trang văn thư, để trung tâm ký.\nMakes the key of the console here and the request that the hub signs.',
    )
    .option(
      '--name <host>',
      'tên mà trình duyệt gọi; the name that browsers call (default: the internal name, which the office’s DNS must know)',
    )
    .requiredOption('--out <file>', 'tệp yêu cầu; where to write the request')
    .action((options: Common & { name?: string; out: string }) =>
      runCommand(async (out) => {
        const { isOuterHost } = await import('../certs/ca.ts');
        const { requestConsoleCertificate } = await import('./console-certificate.ts');
        const given = options.name?.toLowerCase();
        if (given !== undefined && !isOuterHost(given))
          throw wrongUse(
            '--name is a host name, as vanban.tayson.gov.vn',
            '--name là tên máy, như vanban.tayson.gov.vn',
          );
        const { pem, ...made } = await requestConsoleCertificate(options.dir, given);
        writeFileDurable(options.out, pem, { mode: 0o644 });
        out.say(
          `Đã ghi ${options.out} cho tên (for the name) ${made.name}. Khoá ở lại máy này. The key stays here.`,
        );
        out.say('Gửi tệp cho người vận hành trung tâm, ở đó chạy (at the hub, run):');
        out.say(`  lienthong hub ca console --dir DIR --request ${options.out} --out console.pem`);
        out.answer({ out: options.out, ...made });
      }, options),
    );
}

function installCommand(node: Command): void {
  withDir(node.command('console-cert'))
    .description(
      'Kiểm tra và cài chứng thư mà trung tâm đã ký cho trang văn thư.\nChecks what the hub signed for the console, installs it and names it in config.json.',
    )
    .requiredOption('--in <file>', 'tệp từ "hub ca console"; the file of "hub ca console"')
    .option(
      '--address <ip>',
      'mở cho mạng cơ quan, như 0.0.0.0; where to listen, for the office’s network (default: as it is)',
    )
    .option('--port <number>', 'cổng; port (default: as it is)')
    .action((options: Common & { in: string; address?: string; port?: string }) =>
      runCommand(async (out) => {
        const { address } = options;
        const port = options.port === undefined ? undefined : Number(options.port);
        if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536))
          throw wrongUse('--port is a number from 0 to 65535', '--port là số từ 0 đến 65535');
        if (address !== undefined && isIP(address) === 0)
          throw wrongUse('--address is an IP address, as 0.0.0.0', '--address là địa chỉ IP, như 0.0.0.0');
        const pem = await readable(options.in, () => fs.readFileSync(options.in, 'utf8'));
        const { installConsoleCertificate } = await import('./console-certificate.ts');
        const done = installConsoleCertificate(options.dir, {
          pem,
          nowMs: systemClock.nowMs(),
          ...(address === undefined ? {} : { address }),
          ...(port === undefined ? {} : { port }),
        });
        out.say(`Đã cài chứng thư cho ${done.name}, đến (until) ${timeText(done.notAfterMs)}. Installed.`);
        out.say(`Trang văn thư / the console: https://${done.name}:${done.port} (${done.address})`);
        out.say(
          done.restart
            ? 'Khởi động lại nút để dùng. It is used from the next start of the node.'
            : 'Nút đang chạy dùng ngay trong vài giây, không cần khởi động lại. A node that runs uses it within seconds; no restart.',
        );
        out.say(
          `Máy của văn thư phải tin chứng thư gốc / browsers must trust the root: ${options.dir}/certs/root.pem (docs/CONSOLE.md)`,
        );
        out.answer(done);
      }, options),
    );
}
