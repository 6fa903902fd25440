// "lienthong resend|cancel|retry": what is done with a document after it was handed in, and before the hub has it.
// They must never say that something was sent when it was only tried.
// Beside the document's path: each is one call of the node.
import type { Command } from 'commander';
import { collect, runCommand, shellWord } from '../bin/output.ts';
import { withNode } from './commands-reach.ts';
import { idOf, stateText, withDir } from './commands-words.ts';
import type { SubmitAnswer } from './core.ts';

type Common = { readonly dir: string; readonly json?: boolean };

export function actCommands(program: Command): void {
  actCommand(
    program,
    'resend',
    'Gửi lại văn bản.\nA new envelope of the same document, after expiry, refusal or loss.',
  );
  actCommand(
    program,
    'cancel',
    'Huỷ văn bản khi chưa tới trung tâm.\nCancels a document while nothing of it can have reached the hub.',
  );
  withDir(program.command('retry'))
    .argument('[id]', 'mã văn bản; document id (left out: everything that waits)')
    .description(
      'Gửi ngay thứ đang chờ lần thử sau.\nTries at once what waits for its next try: one document, or everything.',
    )
    .action((id: string | undefined, options: Common) =>
      runCommand(
        (out) =>
          withNode(options.dir, async (node) => {
            const path = id === undefined ? '/control/retry' : `/v1/documents/${idOf(id)}/retry`;
            out.answer((await node.call('POST', path, {})).body);
            out.say(
              node.running
                ? 'Đang thử gửi ngay. It is being tried now.'
                : `Nút không chạy: gửi ngay khi khởi động. Not running; it goes when the node starts: lienthong node start --dir ${shellWord(options.dir)}`,
            );
          }),
        options,
      ),
    );
}

function actCommand(program: Command, act: 'resend' | 'cancel', description: string): void {
  withDir(program.command(act))
    .argument('<id>', 'mã văn bản; document id')
    .option('--to <address>', 'chỉ với nơi nhận này; for this recipient alone (repeatable)', collect)
    .description(description)
    .action((id: string, options: Common & { to?: string[] }) =>
      runCommand(async (out) => {
        const { to } = options;
        const { body } = await withNode(options.dir, (node) =>
          node.call<SubmitAnswer>('POST', `/v1/documents/${idOf(id)}/${act}`, to ? { to } : {}),
        );
        out.answer(body);
        out.say(`${body.documentId}  ${stateText(body.state)}`);
      }, options),
    );
}
