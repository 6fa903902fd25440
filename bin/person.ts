// The person at the keyboard: which account runs this command, and a passphrase typed without being shown, or read from a file that only its
// owner reads. Must never print a passphrase, take one from an argument (every process list shows those), or wait where nobody can type.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import {
  type AtRestMode,
  assertHolds,
  atRestModes,
  atRestState,
  enableAtRest,
  lacksKey,
  modeWords,
} from '../protocol/node/at-rest/master.ts';
import { CommandError, type Output, shellWord, wrongUse } from './output.ts';

/** As the system says; `sudo` is who called it, `ssh` from where. A claim, good among people who trust their machine. */
export function account(): {
  readonly account: string;
  readonly host: string;
  readonly sudo?: string;
  readonly ssh?: string;
} {
  const { SUDO_USER: sudo, SSH_CONNECTION: ssh } = process.env;
  let name: string;
  try {
    name = os.userInfo().username;
  } catch {
    // An account without a line in passwd (a container): its number names it.
    name = `uid ${process.getuid?.() ?? '?'}`;
  }
  return {
    account: name,
    host: os.hostname(),
    ...(sudo ? { sudo } : {}),
    ...(ssh ? { ssh: ssh.split(' ')[0]! } : {}),
  };
}

const FILE_BYTES_MAX = 4096;

/**
 * The first line of a file that nobody but its owner may read; ends the command otherwise. `guarded`: the system itself keeps the file from
 * others (systemd's credentials, whose access lists show as group bits).
 */
export function passphraseOfFile(path: string, { guarded = false } = {}): string {
  let text: string;
  try {
    const { mode } = fs.statSync(path);
    if (!guarded && (mode & 0o077) !== 0)
      throw new CommandError(
        'failed',
        {
          vi: `Tệp mật khẩu ${path} cho người khác đọc được`,
          en: `The passphrase file ${path} can be read by others`,
        },
        { vi: `Chạy: chmod 600 '${path}'`, en: `Run: chmod 600 '${path}'` },
      );
    text = fs.readFileSync(path, 'utf8').slice(0, FILE_BYTES_MAX);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError('unreadable', {
      vi: `Không đọc được tệp mật khẩu ${path}`,
      en: `Cannot read the passphrase file ${path}`,
    });
  }
  const line = text.split(/\r?\n/)[0]!;
  if (line === '')
    throw new CommandError('failed', { vi: `Tệp ${path} trống`, en: `The file ${path} is empty` });
  return line;
}

/**
 * The passphrase of key files: systemd's credential `lienthong-keys` (LoadCredential=, LoadCredentialEncrypted=), else the file that
 * LIENTHONG_KEY_PASSPHRASE_FILE names. Undefined when neither is there. Read when the first encrypted key is met.
 */
export function keyPassphraseOf(): string | undefined {
  const { LIENTHONG_KEY_PASSPHRASE_FILE: named } = process.env;
  return credential('lienthong-keys') ?? (named ? passphraseOfFile(named) : undefined);
}

/** systemd hands a service its credentials in a folder that only it reads. */
function credential(name: string): string | undefined {
  const { CREDENTIALS_DIRECTORY: folder } = process.env;
  const path = folder === undefined ? undefined : join(folder, name);
  return path !== undefined && fs.existsSync(path) ? passphraseOfFile(path, { guarded: true }) : undefined;
}

/** Of the data at rest, in passphrase mode: the credential `lienthong-passphrase`, else typed. */
export async function atRestPassphrase(): Promise<string> {
  const kept = credential('lienthong-passphrase');
  if (kept !== undefined || process.stdin.isTTY)
    return kept ?? (await askPassphrase('Mật khẩu dữ liệu lưu trữ (passphrase of the data at rest)'));
  throw new CommandError(
    'configuration',
    {
      vi: 'Dữ liệu lưu trữ mở bằng mật khẩu, mà ở đây không có màn hình để gõ',
      en: 'The data at rest open with a passphrase, and there is no terminal to type it on',
    },
    {
      vi: 'Chạy trên màn hình, hoặc giao mật khẩu bằng systemd: LoadCredentialEncrypted=lienthong-passphrase (SAFETY.md).',
      en: 'Run it on a terminal, or hand it over by systemd: LoadCredentialEncrypted=lienthong-passphrase (SAFETY.md).',
    },
  );
}

/** Typed on the terminal, not shown. `twice` asks again and compares, for a new one. */
export async function askPassphrase(question: string, options: { twice?: boolean } = {}): Promise<string> {
  if (!process.stdin.isTTY)
    throw new CommandError(
      'wrongUse',
      { vi: 'Không có màn hình để gõ mật khẩu', en: 'There is no terminal to type a passphrase on' },
      {
        vi: 'Dùng tuỳ chọn đọc mật khẩu từ tệp (600).',
        en: 'Use the option that reads it from a file (mode 600).',
      },
    );
  const first = await typed(`${question}: `);
  if (options.twice && (await typed('Gõ lại (again): ')) !== first)
    throw new CommandError('wrongUse', { vi: 'Hai lần gõ khác nhau', en: 'The two differ' });
  return first;
}

function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let text = '';
    const done = (end: () => void) => {
      stdin.off('data', onText);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      end();
    };
    const onText = (piece: string | Buffer) => {
      for (const letter of piece.toString()) {
        if (letter === '\r' || letter === '\n') return done(() => resolve(text));
        if (letter === '\u0003' || letter === '\u0004')
          return done(() => reject(new CommandError('failed', { vi: 'Đã dừng', en: 'Stopped' })));
        if (letter === '\u007f' || letter === '\b') text = [...text].slice(0, -1).join('');
        else if (letter >= ' ') text += letter;
      }
    };
    stdin.on('data', onText);
  });
}

/** A file given by name, else typed. */
export async function passphraseFrom(
  file: string | undefined,
  question: string,
  options: { twice?: boolean } = {},
): Promise<string> {
  return file === undefined ? await askPassphrase(question, options) : passphraseOfFile(file);
}

const newPassphrase = 'Mật khẩu dữ liệu lưu trữ, từ 12 ký tự (passphrase, at least 12 letters)';

/** What `--at-rest` and `--mode` say. Ends the command when it is no mode; in passphrase mode the passphrase is read or typed twice. */
export async function atRestChoice(
  mode: string,
  passphraseFile: string | undefined,
): Promise<{ readonly mode: AtRestMode; readonly passphrase?: string }> {
  const known = atRestModes.find((each) => each === mode);
  if (!known)
    throw wrongUse(
      `the mode is one of ${atRestModes.join(', ')}`,
      `chế độ là một trong ${atRestModes.join(', ')}`,
    );
  if (known !== 'passphrase') return { mode: known };
  return { mode: known, passphrase: await passphraseFrom(passphraseFile, newPassphrase, { twice: true }) };
}

/** Once, when it is made: nothing keeps it. */
export function sayRecoveryKey(
  out: Output,
  { dir, mode, recovery }: { readonly dir: string; readonly mode: AtRestMode; readonly recovery: string },
): void {
  out.say(`Dữ liệu lưu trữ được mã hoá (encryption at rest): ${mode}`);
  out.say(`  ${modeWords[mode].vi}\n  ${modeWords[mode].en}`);
  out.say(
    '\nKHOÁ KHÔI PHỤC, chỉ hiện một lần; chép ra giấy, cất vào két / RECOVERY KEY, shown once; write it down and lock it away:\n',
  );
  out.say(`    ${recovery}\n`);
  out.say(`Sau đó xác nhận / then confirm:  lienthong at-rest confirm --dir ${shellWord(dir)}`);
}

/** The options of the commands that make a data folder. */
export const atRestOptions = {
  mode: [
    '--at-rest <mode>',
    'cách giữ khoá: key-file (mặc định, chỉ bảo vệ bản sao lưu), passphrase, tpm, hoặc off; how the key of the data is held',
    'key-file',
  ],
  file: ['--at-rest-passphrase-file <file>', 'mật khẩu của chế độ passphrase (tệp 600); default: typed'],
} as const;

type AtRestChoice = Awaited<ReturnType<typeof atRestChoice>>;

/**
 * What the options of a command that makes a data folder say; undefined for `off`. Asked before anything is made or an invitation used: with a mistyped mode, a
 * short passphrase or a missing TPM there would be a folder that stays without encryption.
 */
export async function plannedAtRest(given: {
  readonly atRest?: string;
  readonly atRestPassphraseFile?: string;
}): Promise<AtRestChoice | undefined> {
  const { atRest = 'key-file', atRestPassphraseFile } = given;
  if (atRest === 'off') return undefined;
  const choice = await atRestChoice(atRest, atRestPassphraseFile);
  assertHolds(choice);
  return choice;
}

/** Encryption of a folder that was just made, unless it is `off` (undefined) or on already; answers the recovery key for --json. */
export function beginAtRest(
  out: Output,
  dir: string,
  choice: AtRestChoice | undefined,
): { readonly atRest: string; readonly recovery?: string } {
  if (!choice || atRestState(dir)) return { atRest: atRestState(dir)?.mode ?? 'off' };
  const recovery = enableAtRest(dir, choice);
  sayRecoveryKey(out, { dir, mode: choice.mode, recovery });
  return { atRest: choice.mode, recovery };
}

/** After a restore: what opens the data is not in the set. */
export function sayKeyOfRestored(out: Output, dir: string): void {
  if (!lacksKey(dir)) return;
  out.warn(
    `Bản sao đã mã hoá, khoá không nằm trong đó. Trước khi chạy: lienthong at-rest recover --dir ${shellWord(dir)} với khoá khôi phục đã cất trong két, hoặc chép keys/at-rest.key từ máy cũ.\nThe set is encrypted and does not hold the key. Before you start: lienthong at-rest recover --dir ${shellWord(dir)} with the recovery key from the safe, or copy keys/at-rest.key from the old machine.`,
  );
}
