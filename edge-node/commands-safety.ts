// "lienthong node held|release|reject": what waits for a person and the person's word. Must never decide by itself who may: the store does
// (store/safety-ops.ts). Beside the document's path.
import type { Command } from 'commander';
import { type Output, runCommand, visible } from '../bin/output.ts';
import { withNode } from './commands-reach.ts';
import { exits, idOf, timeText, withDir } from './commands-words.ts';
import type { DocumentView, HeldRow, SafetyFinding } from './core.ts';

type Common = { readonly dir: string; readonly json?: boolean };

const findingText = ({ part, words, said, code }: SafetyFinding): string =>
  `${part === undefined ? '' : `tệp ${part}: `}${words.vi} (${code}${said ? `: ${said}` : ''})`;

/** The lines of `show` about what was checked. */
export function saySafety(out: Output, { safety }: DocumentView): void {
  if (!safety) return;
  out.say('');
  out.say(
    visible(
      `Kiểm tra / check: ${safety.words.vi} — ${safety.words.en}${safety.secret ? '  [BÍ MẬT NHÀ NƯỚC / STATE SECRET]' : ''}`,
    ),
  );
  for (const finding of safety.findings) out.say(visible(`  ! ${findingText(finding)}`));
  for (const part of safety.parts) {
    const page =
      part.firstPage === null || part.firstPage === 'read'
        ? ''
        : `; trang 1 không dò được dấu mật (${part.firstPage})`;
    out.say(
      visible(
        `  [${part.index}] ${part.type}, ${part.scanWords.vi}${part.scanSaid ? ` (${part.scanSaid})` : ''}${page}`,
      ),
    );
    if (part.sentence) out.say(visible(`      ${part.verdict}: ${part.sentence.vi}`));
  }
  for (const [label, word] of [
    ['người thứ nhất / first', safety.first],
    ['quyết định / decided', safety.ended],
  ] as const)
    if (word) out.say(visible(`  ${label}: ${word.by}, ${timeText(word.atMs)}: ${word.why}`));
}

export function safetyCommands(node: Command): void {
  withDir(node.command('held'))
    .description(
      'Văn bản đang bị giữ, chờ người thứ hai.\nDocuments that wait for a second person, with what was found in them.',
    )
    .action((options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (reach) =>
          reach.call<{ rows: HeldRow[] }>('GET', '/v1/held'),
        );
        out.answer(body);
        if (body.rows.length === 0) out.say('Không có văn bản nào bị giữ. Nothing is held.');
        for (const row of body.rows) {
          out.say(
            visible(
              `${row.id}  ${row.direction === 'out' ? 'đi' : 'đến'}  từ ${row.from}  ${timeText(row.sinceMs)}${row.secret ? '  BÍ MẬT NHÀ NƯỚC' : ''}`,
            ),
          );
          for (const finding of row.findings) out.say(visible(`  ! ${findingText(finding)}`));
          if (row.first)
            out.say(
              visible(`  đã xác nhận / confirmed by ${row.first.by}; cần một người nữa / one more person`),
            );
        }
      }, options),
    );
  judgeCommand(
    node,
    'release',
    'Cho một văn bản bị giữ đi tiếp (người thứ hai).\nLets a held document go. Whoever handed it in cannot; an arrival needs two different persons.',
  );
  judgeCommand(
    node,
    'reject',
    'Loại một văn bản bị giữ.\nKeeps a held document out for good: outgoing ones are cancelled, arrivals stay hidden.',
  );
}

export function reportSecretCommand(program: Command): void {
  withDir(program.command('report-secret'))
    .argument('<id>', 'mã văn bản hoặc mã phong bì; document id or envelope id')
    .requiredOption('--by <name>', 'ai báo cáo (thư công vụ); who reports it, official e-mail')
    .requiredOption('--reason <words>', 'lý do, KHÔNG chép nội dung mật; why, without the secret itself')
    .option(
      '--direction <out|in>',
      'khi văn bản vừa gửi vừa nhận ở đây; of a document both sent and received here',
    )
    .description(
      'Báo cáo văn bản có nội dung mật (Điều 15.5): ẩn ngay tại đây, báo người đứng đầu và trung tâm.\nReports a document that holds a state secret: hidden here at once, head and hub are told.',
    )
    .action(
      (
        id: string,
        { dir, json, by, reason, direction }: Common & { by: string; reason: string; direction?: string },
      ) =>
        runCommand(
          async (out) => {
            const { body } = await withNode(dir, (reach) =>
              reach.call<object>('POST', `/v1/documents/${idOf(id)}/report-secret`, {
                reason,
                by,
                ...(direction === undefined ? {} : { direction }),
              }),
            );
            out.answer(body);
            out.say(
              'Đã ẩn tại đây; trung tâm được báo ngay khi có đường truyền. Báo ngay người đứng đầu cơ quan.',
            );
            out.say(
              'Hidden here; the hub is told as soon as it is reached. Tell the head of the office now.',
            );
          },
          json === undefined ? {} : { json },
        ),
    );
}

const results = {
  first: 'Đã ghi nhận người thứ nhất; cần thêm một người khác. One more person is needed.',
  released: 'Đã cho qua. Released.',
  rejected: 'Đã loại. Rejected.',
} as const;

function judgeCommand(node: Command, act: 'release' | 'reject', description: string): void {
  withDir(node.command(act))
    .argument('<id>', 'mã như "lienthong node held" in ra; the id as "node held" prints it')
    .requiredOption('--by <name>', 'ai quyết định (thư công vụ); who decides, official e-mail')
    .requiredOption('--reason <words>', 'lý do, được ghi lại; why, recorded')
    .option(
      '--direction <out|in>',
      'khi văn bản vừa gửi vừa nhận ở đây; of a document both sent and received here',
    )
    .description(description)
    .addHelpText('after', exits)
    .action(
      (
        id: string,
        { dir, json, by, reason, direction }: Common & { by: string; reason: string; direction?: string },
      ) =>
        runCommand(
          async (out) => {
            const { body } = await withNode(dir, (reach) =>
              reach.call<{ id: string; result: keyof typeof results }>(
                'POST',
                `/v1/documents/${idOf(id)}/${act}`,
                {
                  reason,
                  by,
                  ...(direction === undefined ? {} : { direction }),
                },
              ),
            );
            out.answer(body);
            out.say(results[body.result]);
          },
          json === undefined ? {} : { json },
        ),
    );
}
