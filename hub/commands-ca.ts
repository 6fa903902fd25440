// `lienthong hub ca …` and `hub root …`: another issuing CA under the same root, another root. What needs the root's key runs on the machine
// where the root is, which has no net: files are carried both ways. Everything here may be repeated.
import type { Command } from 'commander';
import { readable, runCommand } from '../bin/output.ts';
import { systemClock } from '../protocol/node/clock.ts';
import type { CaLine } from './admin/ca-routes.ts';
import type { ConsoleAsked, ConsoleSigned } from './admin/console-certificate.ts';
import { exits, leaf, timeOf, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Json = { json?: boolean };
type Common = Json & { dir: string };
const PUBLIC_MODE = 0o644;

export function caCommands(hub: Command, software: string): void {
  const ca = hub
    .command('ca')
    .description('CA cấp chứng thư của trung tâm.\nThe issuing CA of this hub, and how another follows it.');
  statusCommand(ca, software);
  requestCommand(ca);
  signCommand(ca);
  installCommand(ca, software);
  consoleCommand(ca, software);
  const root = hub
    .command('root')
    .description('Khoá gốc của cả hệ thống.\nThe root of the deployment, and how it hands over to another.');
  nextRootCommand(root);
  followCommand(root, software);
}

const kinds = {
  root: 'gốc (root)',
  issuing: 'cấp chứng thư (issuing)',
  former: 'trước đây (former)',
} as const;

function statusCommand(ca: Command, software: string): void {
  leaf(ca, 'status', 'Các CA và thời hạn.\nRoots and issuing CAs, and how long they live.').action(
    (options: Common) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ lines: CaLine[] }>('GET', '/admin/v1/ca'),
        );
        out.table(
          ['CA', 'Số', 'Từ', 'Đến', 'Nên thay từ', 'Chứng thư còn sống'],
          answer.lines.map(({ kind, serial, notBeforeMs, notAfterMs, dueMs, living }) => [
            kinds[kind],
            serial.slice(0, 12),
            timeText(notBeforeMs),
            timeText(notAfterMs),
            timeText(dueMs),
            living === undefined ? '-' : String(living),
          ]),
        );
        out.answer(answer);
      }, options),
  );
}

function requestCommand(ca: Command): void {
  leaf(
    ca,
    'request',
    'Tạo yêu cầu để mang tới máy giữ khoá gốc.\nMakes the request that is carried to the machine with the root key.',
  )
    .requiredOption('--out <file>', 'tệp yêu cầu; where to write the request')
    .option('--keep-key', 'giữ khoá hiện tại (khi đổi gốc); the present key, for a root that follows another')
    .option(
      '--add-host <name>',
      'thêm tên máy mà CA được phép cấp (trang văn thư), lặp lại được; one more host name that the CA may certify, for consoles',
      (value: string, before: string[] = []) => [...before, value],
    )
    .action((options: Common & { out: string; keepKey?: boolean; addHost?: string[] }) =>
      runCommand(async (out) => {
        const { hubPaths } = await import('./identity.ts');
        const { caFiles, readCertificate } = await import('../certs/ca.ts');
        const { outerNamesOf, requestNextIssuing } = await import('../certs/rotation.ts');
        const { writeFileDurable } = await import('../protocol/node/durable.ts');
        const { hubOfIssuing } = await import('../certs/trust.ts');
        const { ca: caDir } = hubPaths(options.dir);
        const issuing = readCertificate(`${caDir}/${caFiles.issuingCertificate}`);
        const names = outerNamesOf(issuing);
        const request = {
          format: 'lienthong-issuing-request/1',
          hubId: hubOfIssuing(issuing),
          ips: names.ips,
          hosts: [...new Set([...names.hosts, ...(options.addHost ?? [])])],
          csr: await requestNextIssuing(caDir, { keepKey: options.keepKey === true }),
        };
        writeFileDurable(options.out, `${JSON.stringify(request, null, 2)}\n`, { mode: PUBLIC_MODE });
        out.say(
          `Đã ghi ${options.out}. Mang sang máy giữ khoá gốc rồi chạy (on the machine with the root, run):`,
        );
        out.say(`  lienthong hub ca sign --root ROOT --request ${options.out} --out signed.json`);
        out.answer({ out: options.out, hubId: request.hubId });
      }, options),
    );
}

function signCommand(ca: Command): void {
  ca.command('sign')
    .description(
      'Ký yêu cầu bằng khoá gốc, trên máy không nối mạng.\nSigns a request with the root, on a machine without a net.',
    )
    .requiredOption('--root <dir>', 'thư mục khoá gốc; folder of the root key')
    .requiredOption('--request <file>', 'tệp từ "hub ca request"; the file of "hub ca request"')
    .requiredOption('--out <file>', 'tệp kết quả; what is carried back')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .action((options: Json & { root: string; request: string; out: string }) =>
      runCommand(async (out) => {
        const { issueHub } = await import('../certs/ca.ts');
        const { certificatePem } = await import('../certs/pem.ts');
        const { parseCertificate } = await import('../certs/certificate.ts');
        const { parseHubId } = await import('../protocol/ids.ts');
        const { writeFileDurable } = await import('../protocol/node/durable.ts');
        const { hubId, hosts, ips, csr } = await readJson<{
          hubId: string;
          hosts: string[];
          ips: string[];
          csr: string;
        }>(options.request, 'lienthong-issuing-request/1');
        const request = { hubId: parseHubId(hubId), hosts, ips, csr, nowMs: systemClock.nowMs() };
        const signed = await issueHub(options.root, request);
        const file = {
          format: 'lienthong-issuing/1',
          certificate: certificatePem(signed.certificateDer),
          root: certificatePem(signed.rootDer),
        };
        writeFileDurable(options.out, `${JSON.stringify(file, null, 2)}\n`, { mode: PUBLIC_MODE });
        const { notAfterMs } = parseCertificate(signed.certificateDer);
        out.say(
          `Trung tâm (hub) ${hubId}; tên (names): ${[...hosts, ...ips].join(', ')}; đến (until) ${timeText(notAfterMs)}`,
        );
        out.say(`Đã ghi ${options.out}. Mang về trung tâm rồi chạy (carry it to the hub and run):`);
        out.say(`  lienthong hub ca install --dir DIR --signed ${options.out}`);
        out.answer({ out: options.out, hubId, notAfterMs });
      }, options),
    );
}

function installCommand(ca: Command, software: string): void {
  leaf(ca, 'install', 'Cài chứng thư CA mới; không phải dừng.\nInstalls what the root signed; nothing stops.')
    .requiredOption('--signed <file>', 'tệp từ "hub ca sign"; the file of "hub ca sign"')
    .action((options: Common & { signed: string }) =>
      runCommand(async (out) => {
        const { certificate, root } = await readJson<{ certificate: string; root: string }>(
          options.signed,
          'lienthong-issuing/1',
        );
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ serial: string; notAfterMs: number }>('POST', '/admin/v1/ca/install', {
            certificate,
            root,
          }),
        );
        out.say(`CA mới đang dùng, đến ${timeText(done.notAfterMs)}. The new CA is in use.`);
        out.say(
          'Chứng thư do CA cũ cấp vẫn tốt đến hết hạn và tự gia hạn dưới CA mới.\nCertificates of the former CA stay good to their end and renew under the new one by themselves.',
        );
        out.answer(done);
      }, options),
    );
}

function consoleCommand(ca: Command, software: string): void {
  leaf(
    ca,
    'console',
    'Xem, rồi ký chứng thư cho trang văn thư của một nút.\nShows, then with --out signs, the certificate of a node’s console from its request.',
  )
    .requiredOption('--request <file>', 'tệp từ "node console-request"; the file of "node console-request"')
    .option('--out <file>', 'ký và ghi ra tệp; sign it, and write what is carried back')
    .action((options: Common & { request: string; out?: string }) =>
      runCommand(async (out) => {
        const request = await readText(options.request);
        const done = await withHub({ dir: options.dir, software }, (ask) =>
          ask<ConsoleAsked & Partial<ConsoleSigned>>('POST', '/admin/v1/ca/console', {
            request,
            sign: options.out !== undefined,
          }),
        );
        const { certificate, ...about } = done;
        out.say(`Tên (name):  ${done.name}`);
        out.say(`Nút (node):  ${done.node}`);
        for (const { code, name } of done.units) out.say(`Đơn vị (unit):  ${code}  ${name}`);
        if (options.out === undefined || certificate === undefined) {
          out.say(
            'Chưa ký. Tên có đúng là của cơ quan này không? Đúng thì chạy lại với --out.\nNot signed. Is the name really that office’s? Then again with --out.',
          );
          return out.answer(about);
        }
        const { writeFileDurable } = await import('../protocol/node/durable.ts');
        writeFileDurable(options.out, certificate, { mode: PUBLIC_MODE });
        out.say(`Số (serial): ${done.serial}; đến (until) ${timeText(done.notAfterMs ?? null)}`);
        out.say(`Đã ghi ${options.out}. Mang về nút rồi chạy (carry it to the node and run):`);
        out.say(`  lienthong node console-cert --dir DIR --in ${options.out}`);
        out.answer({ ...about, out: options.out });
      }, options),
    );
}

function nextRootCommand(root: Command): void {
  root
    .command('next')
    .description(
      'Tạo khoá gốc mới và giấy bàn giao ký bằng khoá gốc cũ.\nMakes the next root and a hand-over signed by the old root’s key.',
    )
    .requiredOption('--root <dir>', 'thư mục khoá gốc cũ; folder of the old root')
    .requiredOption('--new <dir>', 'thư mục khoá gốc mới; folder of the new root, made when there is none')
    .requiredOption('--out <file>', 'giấy bàn giao; the hand-over')
    .option('--name <name>', 'tên của gốc mới; name of the new root')
    .option(
      '--old-until <date>',
      'gốc cũ thôi cấp mới từ ngày; when the old root ends for anything new',
      timeOf,
    )
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .action((options: Json & { root: string; new: string; out: string; name?: string; oldUntil?: number }) =>
      runCommand(async (out) => {
        const { createNextRoot } = await import('../certs/roots-offline.ts');
        const { writeFileDurable } = await import('../protocol/node/durable.ts');
        const { handoverPem } = await import('../certs/roots.ts');
        const made = await createNextRoot({
          oldDir: options.root,
          newDir: options.new,
          name: options.name,
          oldUntilMs: options.oldUntil ?? 0,
          nowMs: systemClock.nowMs(),
        });
        writeFileDurable(options.out, handoverPem(made.handover), { mode: PUBLIC_MODE });
        out.say(`Vân tay gốc mới (fingerprint of the new root): ${made.fingerprint}`);
        out.say(`Đã ghi ${options.out}. Ở từng trung tâm chạy (at every hub run):`);
        out.say(`  lienthong hub root follow --dir DIR --handover ${options.out}`);
        out.say(
          '  lienthong hub ca request --dir DIR --keep-key --out request.json   → ca sign --root (gốc mới, the new one) → ca install',
        );
        out.answer({ out: options.out, fingerprint: made.fingerprint });
      }, options),
    );
}

function followCommand(root: Command, software: string): void {
  leaf(
    root,
    'follow',
    'Tin gốc mới theo giấy bàn giao; các nút tự theo.\nBelieves the root of a hand-over; nodes follow by themselves.',
  )
    .requiredOption('--handover <file>', 'giấy bàn giao; the hand-over')
    .action((options: Common & { handover: string }) =>
      runCommand(async (out) => {
        const handover = await readText(options.handover);
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ root: string }>('POST', '/admin/v1/ca/handover', { handover }),
        );
        out.say(`Gốc mới được tin (the new root is believed): ${done.root}`);
        out.answer(done);
      }, options),
    );
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return await readable(path, () => readFile(path, 'utf8'));
}

async function readJson<T>(path: string, format: string): Promise<T> {
  const { ExchangeError } = await import('../protocol/errors.ts');
  const text = await readText(path);
  try {
    const read = JSON.parse(text) as T & { format?: unknown };
    if (read.format === format) return read;
  } catch {
    // Not JSON: the same answer as for another file.
  }
  throw new ExchangeError('request-malformed', `${path} is not a file of ${format}`);
}
