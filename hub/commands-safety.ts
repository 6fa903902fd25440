// `lienthong hub held|release|reject`: what the hub holds after its checks, and the operators' word. Requests to admin/safety-routes.ts.
import type { Command } from 'commander';
import { runCommand, visible } from '../bin/output.ts';
import { leaf, pathPart, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type Held = {
  envelopeId: string;
  senderCode: string;
  state: string;
  secret: boolean;
  sinceMs: number;
  waiting: string | null;
  firstBy: string | null;
  findings: { code: string; part?: number; said: string; words: { vi: string; en: string } }[];
};

export function safetyCommands(hub: Command, software: string): void {
  leaf(
    hub,
    'held',
    'Văn bản trung tâm đang giữ sau kiểm tra.\nWhat the hub holds or is still checking, with what was found.',
  ).action((options: Common) =>
    runCommand(async (out) => {
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{ held: Held[] }>('GET', '/admin/v1/held'),
      );
      out.answer(answer);
      if (answer.held.length === 0) out.say('Không giữ văn bản nào. Nothing is held.');
      for (const row of answer.held) {
        const state =
          row.state === 'held'
            ? 'giữ / held'
            : `đang kiểm tra / being checked${row.waiting ? ` (${row.waiting})` : ''}`;
        out.say(
          visible(
            `${row.envelopeId}  từ ${row.senderCode}  ${timeText(row.sinceMs)}  ${state}${row.secret ? '  BÍ MẬT NHÀ NƯỚC' : ''}`,
          ),
        );
        for (const { code, part, said, words } of row.findings)
          out.say(visible(`  ! ${part === undefined ? '' : `tệp ${part}: `}${words.vi} (${code}: ${said})`));
        if (row.firstBy)
          out.say(
            visible(`  đã xác nhận / confirmed by ${row.firstBy}; cần một người nữa / one more person`),
          );
      }
    }, options),
  );
  for (const [act, description] of [
    [
      'release',
      'Cho một văn bản bị giữ đi tiếp; cần hai người vận hành khác nhau.\nLets a held document go; two different operators are needed.',
    ],
    [
      'reject',
      'Loại một văn bản bị giữ; nơi gửi được báo.\nEnds a held document; its sender gets a signed notice.',
    ],
  ] as const)
    leaf(hub, act, description)
      .argument('<id>', 'mã phong bì như "hub held" in ra; envelope id')
      .requiredOption('--reason <words>', 'lý do, được ghi lại; why, recorded')
      .action((id: string, options: Common & { reason: string }) =>
        runCommand(async (out) => {
          const answer = await withHub({ dir: options.dir, software }, (request) =>
            request<{ result: string }>('POST', `/admin/v1/held/${pathPart(id)}/${act}`, {
              reason: options.reason,
            }),
          );
          out.answer(answer);
          out.say(
            answer.result === 'first'
              ? 'Đã ghi nhận người thứ nhất; cần thêm một người vận hành khác. One more operator is needed.'
              : answer.result === 'released'
                ? 'Đã cho qua. Released.'
                : 'Đã loại. Rejected.',
          );
        }, options),
      );
}
