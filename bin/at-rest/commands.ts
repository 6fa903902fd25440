// "lienthong at-rest enable|status|confirm|recover": encryption of the data folder of a node or a hub that stands still. Shows the recovery key once and keeps it
// nowhere; never prints another key.
import fs from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  atRestState,
  confirmRecovery,
  enableAtRest,
  modeWords,
  recoverAtRest,
} from '../../protocol/node/at-rest/master.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { assertOwnAccount, lockDir } from '../../protocol/node/lock.ts';
import { type Output, runCommand, wrongUse } from '../output.ts';
import { atRestChoice, passphraseFrom, sayRecoveryKey } from '../person.ts';

type Common = { readonly dir: string; readonly json?: boolean };

/** Another folder, or one that this account may not read, has no encryption to tell of: "off" would be untrue, and a lock would be left in it. */
function assertDataFolder(dir: string): void {
  try {
    fs.accessSync(join(dir, 'config.json'), fs.constants.R_OK);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw wrongUse(`${dir} is no data folder`, `${dir} không phải thư mục dữ liệu`);
  }
}

async function enable(
  out: Output,
  { dir, mode, passphraseFile }: Common & { mode: string; passphraseFile?: string },
): Promise<void> {
  assertDataFolder(dir);
  const lock = lockDir(dir);
  try {
    const choice = await atRestChoice(mode, passphraseFile);
    const recovery = enableAtRest(dir, choice);
    out.answer({ mode, recovery });
    sayRecoveryKey(out, { dir, mode: choice.mode, recovery });
    out.say(
      'Dữ liệu đã có giữ nguyên, vẫn đọc được; dữ liệu mới được mã hoá. What is there stays as it is; what is written from now on is encrypted.',
    );
  } finally {
    lock.release();
  }
}

function status(out: Output, { dir }: Common): void {
  assertDataFolder(dir);
  const state = atRestState(dir);
  const words = modeWords[state?.mode ?? 'off'];
  out.answer({ mode: state?.mode ?? 'off', recoveryConfirmed: state?.recoveryConfirmed ?? null, words });
  out.say(`${state?.mode ?? 'off'}: ${words.vi}\n  ${words.en}`);
  if (state && !state.recoveryConfirmed)
    out.say(
      '! Chưa xác nhận đã cất khoá khôi phục / the recovery key has not been confirmed as kept: lienthong at-rest confirm',
    );
}

async function confirm(out: Output, { dir, keyFile }: Common & { keyFile?: string }): Promise<void> {
  assertDataFolder(dir);
  assertOwnAccount(dir);
  confirmRecovery(
    dir,
    await passphraseFrom(keyFile, 'Khoá khôi phục như trên giấy (recovery key as on paper)'),
    systemClock.nowMs(),
  );
  out.answer({ confirmed: true });
  out.say('Đúng khoá; đã ghi nhận là đã cất giữ. It is the right key; its safekeeping is recorded.');
}

type Recover = Common & {
  readonly mode?: string;
  readonly passphraseFile?: string;
  readonly keyFile?: string;
};
async function recover(out: Output, { dir, passphraseFile, keyFile, ...given }: Recover): Promise<void> {
  assertDataFolder(dir);
  const mode = given.mode ?? atRestState(dir)?.mode ?? 'key-file';
  const lock = lockDir(dir);
  try {
    const choice = await atRestChoice(mode, passphraseFile);
    const paper = await passphraseFrom(keyFile, 'Khoá khôi phục như trên giấy (recovery key as on paper)');
    recoverAtRest(dir, paper, { ...choice, nowMs: systemClock.nowMs() });
    out.answer({ mode });
    out.say(
      `Đã lập lại khoá từ giấy; chế độ nay là ${mode}. The key is back from the paper; the mode is now ${mode}.`,
    );
    out.say(`  ${modeWords[choice.mode].vi}\n  ${modeWords[choice.mode].en}`);
  } finally {
    lock.release();
  }
}

export function atRestCommands(program: Command): void {
  const group = program
    .command('at-rest')
    .description('Mã hoá dữ liệu lưu trữ của nút hoặc trung tâm.\nEncryption at rest of a node or hub.');
  const leaf = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'thư mục dữ liệu; the data folder')
      .option('--json', 'kết quả JSON; one JSON document on stdout');
  leaf(
    'enable',
    'Bật mã hoá; in khoá khôi phục một lần.\nTurns encryption on while nothing runs; prints the recovery key once.',
  )
    .requiredOption(
      '--mode <mode>',
      'tpm (gắn với chip của máy), passphrase (nhập khi khởi động), key-file (chỉ bảo vệ bản sao lưu)',
    )
    .option('--passphrase-file <file>', 'mật khẩu (tệp 600); default: typed')
    .action((options: Common & { mode: string; passphraseFile?: string }) =>
      runCommand((out) => enable(out, options), options),
    );
  leaf('status', 'Chế độ giữ khoá và điều nó không bảo vệ.\nThe mode, and what it does not protect.').action(
    (options: Common) => runCommand((out) => status(out, options), options),
  );
  leaf('confirm', 'Xác nhận đã cất khoá khôi phục.\nProves by typing it that the recovery key is kept.')
    .option('--key-file <file>', 'tệp chứa khoá (600); default: typed')
    .action((options: Common & { keyFile?: string }) => runCommand((out) => confirm(out, options), options));
  leaf(
    'recover',
    'Mở lại bằng khoá khôi phục: máy khác, mất tệp khoá, mất mật khẩu; cũng để đổi chế độ.\nOpens with the recovery key, on another machine or after a loss; also to change the mode.',
  )
    .option('--mode <mode>', 'tpm, passphrase, key-file; default: như trước, the one of before')
    .option('--passphrase-file <file>', 'mật khẩu mới (tệp 600); default: typed')
    .option('--key-file <file>', 'tệp chứa khoá khôi phục (600); default: typed')
    .action((options: Recover) => runCommand((out) => recover(out, options), options));
}
