// `lienthong hub operator …`: persons who prove themselves to the hub by a passphrase, and the keys with which they sign removals. new-key runs on the
// person's own machine and never speaks to a hub. Must never send a private key or its passphrase anywhere.
import fs from 'node:fs';
import type { Command } from 'commander';
import { CommandError, readable, runCommand } from '../bin/output.ts';
import { passphraseFrom } from '../bin/person.ts';
import { isLocked } from '../certs/key-protection.ts';
import { createLockedKeyFile, loadKeyFile, type OwnKey } from '../certs/keys.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { exits, leaf, pathPart, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };

export function operatorCommands(hub: Command, software: string): void {
  const operator = hub
    .command('operator')
    .description('Người vận hành đứng tên bằng mật khẩu.\nOperators, who prove themselves by a passphrase.');
  leaf(
    operator,
    'add <name>',
    'Thêm người vận hành; người đó tự gõ mật khẩu.\nThe new operator types the passphrase.',
  )
    .option('--new-passphrase-file <file>', 'mật khẩu mới từ tệp (600); the new passphrase from a file')
    .action((name: string, options: Common & { newPassphraseFile?: string }) =>
      runCommand(async (out) => {
        const passphrase = await passphraseFrom(
          options.newPassphraseFile,
          `Mật khẩu mới của ${name}, từ 10 ký tự (new passphrase)`,
          { twice: true },
        );
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request('POST', '/admin/v1/operators', { name, passphrase }),
        );
        out.say(`Đã thêm người vận hành ${name}. Added.`);
        out.answer(done);
      }, options),
    );
  leaf(operator, 'list', 'Danh sách người vận hành.\nAll operators.').action((options: Common) =>
    runCommand(async (out) => {
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{ operators: { name: string; addedMs: number; keyFromMs: number | null }[] }>(
          'GET',
          '/admin/v1/operators',
        ),
      );
      out.table(
        ['Tên', 'Từ', 'Khoá ký gỡ bỏ từ'],
        answer.operators.map(({ name, addedMs, keyFromMs }) => [
          name,
          timeText(addedMs),
          keyFromMs === null ? 'CHƯA CÓ (none)' : timeText(keyFromMs),
        ]),
      );
      out.answer(answer);
    }, options),
  );
  leaf(
    operator,
    'remove <name>',
    'Bỏ người vận hành.\nRemoves an operator; the audit keeps the name.',
  ).action((name: string, options: Common) =>
    runCommand(async (out) => {
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request('POST', `/admin/v1/operators/${pathPart(name)}/remove`),
      );
      out.say(`Đã bỏ ${name}. Removed.`);
      out.answer(done);
    }, options),
  );
  operator
    .command('new-key')
    .description(
      'Tạo khoá riêng của người vận hành, chạy trên máy của chính người đó; khoá được mã hoá bằng mật khẩu.\nMakes an operator’s own key, on that person’s machine, under a passphrase.',
    )
    .requiredOption(
      '--to <file>',
      'tệp mới; phần công khai vào FILE.pub; a new file, its public part beside it',
    )
    .option('--new-passphrase-file <file>', 'mật khẩu mới từ tệp (600); the new passphrase from a file')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .action((options: { to: string; newPassphraseFile?: string; json?: boolean }) =>
      runCommand(async (out) => {
        const passphrase = await passphraseFrom(
          options.newPassphraseFile,
          'Mật khẩu của khoá, từ 10 ký tự (passphrase of the key)',
          { twice: true },
        );
        if ([...passphrase].length < 10)
          throw new CommandError('wrongUse', {
            vi: 'Mật khẩu phải từ 10 ký tự',
            en: 'A passphrase has 10 characters or more',
          });
        const key = createLockedKeyFile(options.to, passphrase);
        const publicKey = Buffer.from(key.publicKeyDer).toString('base64');
        writeFileDurable(`${options.to}.pub`, `${publicKey}\n`, { replace: false });
        out.say(`Khoá (key): ${options.to}. Phần công khai (public part): ${options.to}.pub`);
        out.say(
          `Dấu vân tay, đọc qua điện thoại khi ghi vào danh bạ (fingerprint): ${key.keyId.slice(0, 16)}`,
        );
        out.say(
          'Giữ tệp khoá và mật khẩu ở người vận hành, không để trên máy trung tâm. Keep both with the person, not on the hub.',
        );
        out.answer({ key: options.to, publicKey, keyId: key.keyId });
      }, options),
    );
  leaf(
    operator,
    'key <name>',
    'Ghi khoá công khai của người vận hành vào danh bạ có chữ ký; khoá trước hết hiệu lực.\nNames an operator’s public key in the signed directory; the one before ends.',
  )
    .requiredOption('--public <file>', 'tệp .pub của người đó; the .pub file of that person')
    .action((name: string, options: Common & { public: string }) =>
      runCommand(async (out) => {
        const publicKey = (
          await readable(options.public, async () => fs.readFileSync(options.public, 'utf8').slice(0, 1024))
        ).trim();
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ keyId: string }>('POST', `/admin/v1/operators/${pathPart(name)}/key`, { publicKey }),
        );
        out.say(
          `Danh bạ nay có khoá ${done.keyId.slice(0, 16)} của ${name}: so với số người đó đọc. Compare with what that person reads out.`,
        );
        out.answer(done);
      }, options),
    );
}

/** The operator's key for one signature; the passphrase is asked when the file is encrypted. */
export async function openOperatorKey(path: string, passphraseFile?: string): Promise<OwnKey> {
  const text = await readable(path, async () => fs.readFileSync(path, 'utf8').slice(0, 16_384));
  const passphrase = isLocked(text)
    ? await passphraseFrom(passphraseFile, 'Mật khẩu của khoá (passphrase of the key)')
    : undefined;
  return loadKeyFile(path, passphrase);
}
