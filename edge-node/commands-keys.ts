// `lienthong node export-identity|import-identity`: moving to new hardware; `lienthong node seal-token make|check`: the seal on a PKCS#11 token.
// Must never print a password or PIN, nor leave an identity file that others can read. What a command needs is imported when it runs.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type { Command } from 'commander';
import { CommandError, readable, runCommand, shellWord, wrongUse } from '../bin/output.ts';
import { atRestOptions, beginAtRest, passphraseFrom, plannedAtRest } from '../bin/person.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { notOverwritten, withDir } from './commands-words.ts';

type Common = { readonly dir: string; readonly json?: boolean };

export function keyCommands(node: Command): void {
  exportCommand(node);
  importCommand(node);
  const token = node
    .command('seal-token')
    .description('Khoá con dấu trên thiết bị PKCS#11.\nThe seal key on a PKCS#11 token.');
  makeCommand(token);
  checkCommand(token);
}

function exportCommand(node: Command): void {
  withDir(node.command('export-identity'))
    .description(
      'Xuất danh tính của nút ra tệp PKCS#12 để chuyển sang máy mới.\nWrites the identity of the node to one PKCS#12 file, for new hardware. Data go by backup and restore.',
    )
    .requiredOption('--to <file>', 'tệp mới; a file that does not exist')
    .option('--passphrase-file <file>', 'mật khẩu của tệp (600); of the file, default: typed twice')
    .action((options: Common & { to: string; passphraseFile?: string }) =>
      runCommand(async (out) => {
        if (fs.existsSync(options.to)) throw notOverwritten(options.to);
        const password = await passphraseFrom(
          options.passphraseFile,
          'Mật khẩu của tệp, từ 12 ký tự (passphrase)',
          {
            twice: true,
          },
        );
        if ([...password].length < 12)
          throw wrongUse('a passphrase has 12 characters or more', 'mật khẩu có từ 12 ký tự');
        const { exportIdentity } = await import('./move.ts');
        const { bytes, moved } = await exportIdentity(options.dir, password);
        writeFileDurable(options.to, bytes, { mode: 0o600, replace: false });
        out.say(`Đã xuất nút ${moved.nodeId} (${moved.units.join(', ')}) ra ${options.to}. Exported.`);
        out.warn(
          'Ai có tệp và mật khẩu là có con dấu. Tắt hẳn máy cũ trước khi chạy máy mới; rồi xoá tệp.\nWho has file and passphrase has the seal. Switch the old box off before the new one starts, then delete the file.',
        );
        out.answer({ to: options.to, ...moved });
      }, options),
    );
}

type ImportOptions = Common & {
  readonly from: string;
  readonly passphraseFile?: string;
  readonly port?: string;
  readonly consolePort?: string;
  readonly atRest?: string;
  readonly atRestPassphraseFile?: string;
};

function importCommand(node: Command): void {
  withDir(node.command('import-identity'))
    .description(
      'Lập nút trên máy mới từ tệp đã xuất.\nMakes the node on new hardware from an exported file; --dir must not exist or be empty.',
    )
    .requiredOption('--from <file>', 'tệp đã xuất; the exported file')
    .option('--passphrase-file <file>', 'mật khẩu của tệp; of the file, default: typed')
    .option('--port <number>', 'cổng API cục bộ; port of the local API (default 8080)')
    .option(
      '--console-port <number>',
      'cổng của trang văn thư; port of the console (default 8090; 0 with --port 0)',
    )
    .option(...atRestOptions.mode)
    .option(...atRestOptions.file)
    .action((options: ImportOptions) =>
      runCommand(async (out) => {
        const bytes = await readable(options.from, () => fs.readFileSync(options.from));
        const { newConfig } = await import('./commands-init.ts');
        const config = await newConfig(options);
        const sealing = await plannedAtRest(options);
        const password = await passphraseFrom(options.passphraseFile, 'Mật khẩu của tệp (passphrase)');
        const { importIdentity } = await import('./move.ts');
        const moved = await importIdentity({
          dir: options.dir,
          bytes,
          password,
          config,
          clock: systemClock,
        });
        out.say(`Đã lập nút ${moved.nodeId} (${moved.units.join(', ')}). The node is here now.`);
        out.say(
          'Văn bản cũ nằm ở bản sao lưu của máy cũ; trung tâm giao lại những gì còn giữ. Old documents are in the backup of the old box; the hub hands out again what it still has.',
        );
        const sealed = beginAtRest(out, options.dir, sealing);
        out.say(`Tiếp theo / next:  lienthong node start --dir ${shellWord(options.dir)}`);
        out.answer({ dir: options.dir, ...moved, ...sealed });
      }, options),
    );
}

type MakeOptions = Common & {
  readonly module: string;
  readonly token: string;
  readonly pinFile: string;
  readonly invitation?: string;
  readonly invitationFile?: string;
  readonly unit?: string;
};

function makeCommand(token: Command): void {
  withDir(token.command('make'))
    .description(
      'Tạo khoá con dấu trên thiết bị, cho giấy mời (trước "node init") hoặc cho lần gia hạn tới của đơn vị.\nMakes a seal key on the token: for an invitation (before "node init"), or for the next renewal of a unit.',
    )
    .requiredOption(
      '--module <file>',
      'thư viện PKCS#11 của thiết bị; library of the token, such as /usr/lib/…/x.so',
    )
    .requiredOption('--token <label>', 'nhãn thiết bị; label of the token')
    .requiredOption('--pin-file <file>', 'tệp mã PIN (600); a file with the PIN, mode 600')
    .option('--invitation <text>', 'giấy mời; the invitation as pasted')
    .option('--invitation-file <file>', 'tệp chứa giấy mời; a file that holds it')
    .option('--unit <code>', 'đơn vị đã ghi danh; a unit that is enrolled')
    .addHelpText('after', '\nNeeds pkcs11-tool (Debian package opensc).')
    .action((options: MakeOptions) =>
      runCommand(async (out) => {
        const path = await keyPathOf(options);
        if (fs.existsSync(path)) throw notOverwritten(path);
        const { makeTokenKey } = await import('../certs/token.ts');
        const { createTokenFile } = await import('../certs/keys.ts');
        const { module, token: label, pinFile } = options;
        const place = {
          module,
          token: label,
          pinFile: fs.existsSync(pinFile) ? fs.realpathSync(pinFile) : pinFile,
        };
        const reference = makeTokenKey(place, randomBytes(8).toString('hex'));
        const { keyId } = createTokenFile(path, reference);
        out.say(`Đã tạo khoá ${reference.id} trên thiết bị ${label} và ký thử. Made and tried.`);
        out.say(
          options.unit === undefined
            ? 'Tiếp theo (next): lienthong node init với đúng giấy mời này. With this same invitation.'
            : 'Được dùng từ lần gia hạn tới; muốn ngay thì xin giấy mời mới. Used from the next renewal; at once with a new invitation.',
        );
        out.answer({ keyId, id: reference.id, token: label, file: path });
      }, options),
    );
}

/** Where the key file lies that enrolment, or the next renewal, will find. */
async function keyPathOf(options: MakeOptions): Promise<string> {
  const { dir, invitation, invitationFile, unit } = options;
  if ([invitation, invitationFile, unit].filter((each) => each !== undefined).length !== 1)
    throw wrongUse(
      'one of --invitation, --invitation-file, --unit',
      'cần một trong --invitation, --invitation-file, --unit',
    );
  const { enrolFiles, invitationName, readEnrolled } = await import('./enrol-files.ts');
  const { makeDirDurable } = await import('../protocol/node/durable.ts');
  if (unit === undefined) {
    const { parseInvitation } = await import('../certs/invitation.ts');
    const text =
      invitation ?? (await readable(invitationFile!, () => fs.readFileSync(invitationFile!, 'utf8')));
    for (const path of [dir, enrolFiles(dir).keys]) makeDirDurable(path, 0o700);
    return enrolFiles(dir).pendingKey(invitationName(parseInvitation(text)));
  }
  const here = readEnrolled(dir)?.units.find(({ code, unitId }) => code === unit || unitId === unit);
  if (!here)
    throw new CommandError('failed', {
      vi: `Nút không có đơn vị ${unit}`,
      en: `The node has no unit ${unit}`,
    });
  const { sealPair } = await import('./identity.ts');
  return sealPair(dir, here.unitId).nextKey;
}

function checkCommand(token: Command): void {
  withDir(token.command('check'))
    .description(
      'Ký thử bằng từng khoá trên thiết bị.\nSigns once with every key of this node that is on a token.',
    )
    .action((options: Common) =>
      runCommand(async (out) => {
        const { keyFilesOf } = await import('../certs/key-files.ts');
        const { loadHeldKey } = await import('../certs/keys.ts');
        const { isTokenKey } = await import('../protocol/signature.ts');
        const files = keyFilesOf(options.dir).filter(({ state }) => state === 'token');
        for (const { name } of files) {
          const { privateKey } = loadHeldKey(`${options.dir}/${name}`);
          if (isTokenKey(privateKey)) privateKey.sign(randomBytes(32));
          out.say(`${name}: ký được (signs)`);
        }
        if (files.length === 0) out.say('Không có khoá nào trên thiết bị. No key is on a token.');
        out.answer({ checked: files.map(({ name }) => name) });
      }, options),
    );
}
