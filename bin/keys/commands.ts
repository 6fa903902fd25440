// `lienthong keys …`: how the keys of a folder lie there, putting them under a passphrase, the encrypted copy of a CA and its restoring, and old
// PKCS#12 files written anew. Works on folders that stand still. The decisions are in certs/; here are only files, words and exit codes.
import fs from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { checkCaCopy, copyCa, restoreCa } from '../../certs/ca-copy.ts';
import { keyFilesOf, protectKeys } from '../../certs/key-files.ts';
import { keyPassphrase, setKeyPassphrase } from '../../certs/key-protection.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { writeFileDurable } from '../../protocol/node/durable.ts';
import { lockDir } from '../../protocol/node/lock.ts';
import { CommandError, exitCodes, readable, runCommand, wrongUse } from '../output.ts';
import { account, passphraseFrom } from '../person.ts';

type Common = { readonly json?: boolean };
const exits =
  '\nMã kết thúc / exit codes: 0 xong / done, 1 bị từ chối / refused, 2 dùng sai / wrong use, 65 dữ liệu hỏng / judged bad, 66 không đọc được / unreadable, 78 cấu hình / configuration.';
const source =
  '\nCác chương trình đọc mật khẩu khoá từ credential "lienthong-keys" của systemd, hoặc tệp mà LIENTHONG_KEY_PASSPHRASE_FILE nêu.\nPrograms read the passphrase of keys from the systemd credential "lienthong-keys", or the file that LIENTHONG_KEY_PASSPHRASE_FILE names.';

const leaf = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits);

export function keysCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('Khoá bí mật: xem, mã hoá, sao lưu CA.\nPrivate keys: look, encrypt, copy a CA.');
  statusCommand(keys);
  protectionCommands(keys);
  copyCommands(keys);
  convertCommand(keys);
}

const states = {
  plain: 'không mã hoá (plain)',
  encrypted: 'đã mã hoá (encrypted)',
  token: 'trên thiết bị (token)',
};

function statusCommand(keys: Command): void {
  leaf(keys, 'status', 'Các tệp khoá trong thư mục.\nThe key files of a hub, a node, a CA or a root.')
    .requiredOption('--dir <dir>', 'thư mục; the folder')
    .action((options: Common & { dir: string }) =>
      runCommand((out) => {
        const files = keyFilesOf(options.dir);
        out.table(
          ['Tệp', 'Trạng thái', 'Quyền'],
          files.map(({ name, state, mode, loose }) => [
            name,
            states[state],
            `${mode.toString(8)}${loose ? '  → chmod 600' : ''}`,
          ]),
        );
        if (files.length === 0) out.say('Không có tệp khoá nào. No key file.');
        out.answer({ files });
        return files.some(({ loose }) => loose) ? exitCodes.failed : exitCodes.done;
      }, options),
    );
}

/** A running program would go on with the keys it has, and a renewal could write between. A folder without a program has no lock. */
function locked<T>(dir: string, work: () => T): T {
  if (!fs.existsSync(dir)) throw new ExchangeError('dir-missing', dir);
  const program = ['hub.sqlite', 'node.sqlite', 'config.json'].some((name) =>
    fs.existsSync(resolve(dir, name)),
  );
  const lock = program ? lockDir(dir) : undefined;
  try {
    return work();
  } finally {
    lock?.release();
  }
}

function protectionCommands(keys: Command): void {
  leaf(
    keys,
    'encrypt',
    'Mã hoá mọi khoá trong thư mục, hoặc đổi mật khẩu.\nEncrypts every key of the folder, or changes the passphrase; the program must be stopped.',
  )
    .requiredOption('--dir <dir>', 'thư mục; the folder')
    .option('--new-passphrase-file <file>', 'mật khẩu mới (tệp 600); the new one, default: typed')
    .option('--passphrase-file <file>', 'mật khẩu hiện tại; the present one, default: where programs read it')
    .addHelpText('after', source)
    .action((options: Common & { dir: string; newPassphraseFile?: string; passphraseFile?: string }) =>
      runCommand(async (out) => {
        const { dir, newPassphraseFile, passphraseFile } = options;
        const next = await passphraseFrom(newPassphraseFile, 'Mật khẩu mới của khoá (new passphrase)', {
          twice: true,
        });
        if ([...next].length < 12)
          throw wrongUse(
            'a passphrase of keys has 12 characters or more',
            'mật khẩu của khoá có từ 12 ký tự',
          );
        const old = passphraseFile === undefined ? keyPassphrase() : await passphraseFrom(passphraseFile, '');
        const names = locked(dir, () => protectKeys(dir, { next, ...(old === undefined ? {} : { old }) }));
        setKeyPassphrase(() => next);
        await note(dir, `keys encrypted: ${names.join(' ')}`);
        out.say(
          `Đã mã hoá ${names.length} tệp khoá. Encrypted: ${names.join(', ') || 'none was left to do'}`,
        );
        out.warn(
          'Mất mật khẩu là mất khoá: cất một bản trong két. Whoever loses the passphrase loses the keys: lock one copy away.',
        );
        out.answer({ encrypted: names });
      }, options),
    );
  leaf(
    keys,
    'decrypt',
    'Bỏ mã hoá, chỉ còn quyền 600.\nWrites the keys plain again, protected by mode 600 alone.',
  )
    .requiredOption('--dir <dir>', 'thư mục; the folder')
    .option('--passphrase-file <file>', 'mật khẩu hiện tại; the present one, default: where programs read it')
    .action((options: Common & { dir: string; passphraseFile?: string }) =>
      runCommand(async (out) => {
        const { dir, passphraseFile } = options;
        const old = passphraseFile === undefined ? keyPassphrase() : await passphraseFrom(passphraseFile, '');
        const names = locked(dir, () => protectKeys(dir, old === undefined ? {} : { old }));
        await note(dir, `keys decrypted: ${names.join(' ')}`);
        out.say(`Đã bỏ mã hoá ${names.length} tệp khoá. Plain again: ${names.join(', ')}`);
        out.answer({ decrypted: names });
      }, options),
    );
}

/** Of a hub's folder: its audit hears of it, from the running hub or on its files. */
async function note(dir: string, what: string): Promise<void> {
  if (!fs.existsSync(resolve(dir, 'hub.sqlite'))) return;
  const { setCaller, withHub } = await import('../../hub/offline.ts');
  setCaller(async () => account());
  await withHub({ dir, software: 'keys' }, (request) =>
    request('POST', '/admin/v1/audit', { about: 'keys', note: what }),
  );
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function copyCommands(keys: Command): void {
  const describe = ({ kind, fingerprint, notAfterMs, files }: Awaited<ReturnType<typeof checkCaCopy>>) =>
    `${kind === 'root' ? 'khoá gốc (root)' : 'CA của trung tâm (issuing CA)'}, vân tay (fingerprint) ${fingerprint}, đến (until) ${dayOf(notAfterMs)}, ${files.length} tệp (files)`;
  leaf(
    keys,
    'backup',
    'Sao CA (của trung tâm hoặc khoá gốc) ra một tệp mã hoá, kiểm tra ngay.\nCopies a CA (of a hub, or the root) into one encrypted file, and checks it.',
  )
    .requiredOption('--dir <dir>', 'thư mục trung tâm, CA, hoặc khoá gốc; folder of a hub, a CA, or the root')
    .requiredOption('--to <file>', 'tệp mới; a file that does not exist')
    .option('--copy-passphrase-file <file>', 'mật khẩu của bản sao; of the copy, default: typed twice')
    .action((options: Common & { dir: string; to: string; copyPassphraseFile?: string }) =>
      runCommand(async (out) => {
        const passphrase = await passphraseFrom(
          options.copyPassphraseFile,
          'Mật khẩu của bản sao, từ 12 ký tự (passphrase of the copy)',
          { twice: true },
        );
        if ([...passphrase].length < 12)
          throw wrongUse(
            'a passphrase of a copy has 12 characters or more',
            'mật khẩu của bản sao có từ 12 ký tự',
          );
        const { text, copy } = await copyCa(options.dir, { passphrase, nowMs: systemClock.nowMs() });
        writeNew(options.to, text);
        await note(options.dir, `encrypted copy of the CA ${copy.fingerprint}`);
        const { account: who, host } = account();
        out.say(`Đã sao và kiểm tra (copied and checked): ${describe(copy)}`);
        out.say(
          'Ghi vào biên bản; cất tệp và mật khẩu ở hai nơi khác nhau. Keep file and passphrase in two places.',
        );
        out.answer({ to: options.to, ...copy, by: who, host });
      }, options),
    );
  leaf(keys, 'verify-backup <file>', 'Mở và thử bản sao CA.\nOpens a copy of a CA and tries its keys.')
    .option('--copy-passphrase-file <file>', 'mật khẩu của bản sao; of the copy, default: typed')
    .action((file: string, options: Common & { copyPassphraseFile?: string }) =>
      runCommand(async (out) => {
        const text = await readable(file, () => fs.readFileSync(file, 'utf8'));
        const passphrase = await passphraseFrom(
          options.copyPassphraseFile,
          'Mật khẩu của bản sao (passphrase)',
        );
        const copy = await checkCaCopy(text, passphrase);
        out.say(`Bản sao tốt (good): ${describe(copy)}`);
        out.answer(copy);
      }, options),
    );
  leaf(
    keys,
    'restore',
    'Khôi phục CA từ bản sao vào thư mục mới.\nRestores a CA from a copy into a new folder.',
  )
    .requiredOption('--from <file>', 'bản sao; the copy')
    .requiredOption('--to <dir>', 'thư mục chưa có, như DIR/ca; a folder that does not exist')
    .option('--copy-passphrase-file <file>', 'mật khẩu của bản sao; of the copy, default: typed')
    .action((options: Common & { from: string; to: string; copyPassphraseFile?: string }) =>
      runCommand(async (out) => {
        const text = await readable(options.from, () => fs.readFileSync(options.from, 'utf8'));
        const passphrase = await passphraseFrom(
          options.copyPassphraseFile,
          'Mật khẩu của bản sao (passphrase)',
        );
        const copy = await restoreCa(text, { passphrase, to: options.to });
        out.say(`Đã khôi phục vào ${options.to} (restored): ${describe(copy)}`);
        out.answer({ to: options.to, ...copy });
      }, options),
    );
}

function writeNew(path: string, bytes: string | Uint8Array): void {
  try {
    writeFileDurable(path, bytes, { mode: 0o600, replace: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CommandError('failed', {
      vi: `Tệp ${path} đã có, không ghi đè`,
      en: `${path} is there already`,
    });
  }
}

function convertCommand(keys: Command): void {
  leaf(
    keys,
    'convert-p12 <file>',
    'Viết lại tệp PKCS#12 của công cụ ký cũ (RC2, 3DES) bằng AES-256.\nWrites a PKCS#12 file of an older signing tool anew, with AES-256.',
  )
    .requiredOption('--to <file>', 'tệp mới; a file that does not exist')
    .option('--legacy', 'tệp cũ RC2/3DES, khoá RSA; protection of older tools, RSA keys')
    .option('--passphrase-file <file>', 'mật khẩu của tệp cũ; of the old file, default: typed')
    .option('--new-passphrase-file <file>', 'mật khẩu của tệp mới; of the new file, default: typed')
    .action(
      (
        file: string,
        options: Common & {
          to: string;
          legacy?: boolean;
          passphraseFile?: string;
          newPassphraseFile?: string;
        },
      ) =>
        runCommand(async (out) => {
          const bytes = await readable(file, () => fs.readFileSync(file));
          const old = await passphraseFrom(options.passphraseFile, 'Mật khẩu của tệp cũ (passphrase)');
          const { readP12, writeP12 } = await import('../../certs/p12.ts');
          const { readLegacyP12 } = await import('../../certs/p12-legacy.ts');
          const p12 = options.legacy ? readLegacyP12(bytes, old) : await readP12(bytes, old);
          const next = await passphraseFrom(options.newPassphraseFile, 'Mật khẩu mới (new passphrase)', {
            twice: true,
          });
          writeNew(options.to, await writeP12(p12, next));
          out.say(
            `Đã viết ${options.to}: ${p12.entries.length} khoá, ${p12.authorities.length} chứng thư kèm. Written: keys and further certificates.`,
          );
          out.answer({ to: options.to, keys: p12.entries.length, certificates: p12.authorities.length });
        }, options),
    );
}
