// `lienthong hub takedown hide|destroy|report`: removal of a state secret that was found later. Requests to admin/takedown-routes.ts.
import type { Command } from 'commander';
import { type Output, runCommand, visible } from '../bin/output.ts';
import { leaf, pathPart, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type Removal = {
  number: number;
  documentId: string;
  sender: string;
  act: string;
  reason: string;
  operators: string[];
  orderedMs: number;
  doneHereMs: number | null;
  reports: { unit: string; person: string; reason: string; atMs: number; receivedMs: number }[];
  peers: { unit: string; confirmedMs: number | null; found: boolean | null; lastSeenMs: number | null }[];
};

function say(out: Output, removals: readonly Removal[]): void {
  if (removals.length === 0) out.say('Chưa có lệnh gỡ bỏ nào. No removals.');
  for (const one of removals) {
    out.say('');
    out.say(
      visible(
        `Lệnh gỡ bỏ số ${one.number} (${one.act === 'hide' ? 'ẩn / hide' : 'HUỶ / DESTROY'})  văn bản ${one.documentId}  của ${one.sender}`,
      ),
    );
    for (const { unit, person, atMs, receivedMs, reason } of one.reports)
      out.say(
        visible(
          `  báo cáo / reported: ${unit}, ${person}, ${timeText(atMs)}, trung tâm nhận ${timeText(receivedMs)}: ${reason}`,
        ),
      );
    out.say(
      visible(
        `  ra lệnh / ordered: ${timeText(one.orderedMs)} bởi ${one.operators.join(' và ')}: ${one.reason}`,
      ),
    );
    out.say(
      `  tại trung tâm / at this hub: ${one.doneHereMs === null ? 'CHƯA XONG / not done' : timeText(one.doneHereMs)}`,
    );
    for (const { unit, confirmedMs, found, lastSeenMs } of one.peers)
      out.say(
        visible(
          confirmedMs === null
            ? `  ${unit}: CHƯA XÁC NHẬN / not confirmed (liên lạc cuối ${timeText(lastSeenMs)})`
            : `  ${unit}: xác nhận / confirmed ${timeText(confirmedMs)}${found ? '' : ' (không còn ở đó / nothing was there)'}`,
        ),
      );
  }
}

export function takedownCommands(hub: Command, software: string): void {
  const group = hub
    .command('takedown')
    .description(
      'Gỡ bỏ văn bản có nội dung mật phát hiện sau (Điều 15.5).\nRemoves a state secret that was found later.',
    );
  for (const [act, description] of [
    [
      'hide',
      'Ẩn văn bản ở mọi nơi (người vận hành thứ nhất).\nHides a document everywhere; the first operator.',
    ],
    [
      'destroy',
      'Huỷ nội dung ở mọi nơi (người vận hành thứ hai, khác người đã ẩn). Không lấy lại được.\nDestroys content and metadata everywhere; a second, different operator. Cannot be undone.',
    ],
  ] as const)
    leaf(group, act, description)
      .argument('<document>', 'mã văn bản; document id')
      .requiredOption('--reason <words>', 'lý do, không ghi nội dung mật; why, without the secret')
      .action((id: string, options: Common & { reason: string }) =>
        runCommand(async (out) => {
          const answer = await withHub({ dir: options.dir, software }, (request) =>
            request<{ number: number; removals: Removal[] }>('POST', `/admin/v1/removals/${pathPart(id)}`, {
              act,
              reason: options.reason,
            }),
          );
          out.answer(answer);
          say(out, answer.removals);
        }, options),
      );
  leaf(
    group,
    'report',
    'Biên bản gỡ bỏ: mọi mốc thời gian, nơi nào chưa xác nhận.\nThe record of removals: all times, and who has not confirmed.',
  )
    .option('--document <id>', 'chỉ văn bản này; only this document')
    .action((options: Common & { document?: string }) =>
      runCommand(async (out) => {
        const query = options.document === undefined ? '' : `?document=${pathPart(options.document)}`;
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ removals: Removal[] }>('GET', `/admin/v1/removals${query}`),
        );
        out.answer(answer);
        say(out, answer.removals);
      }, options),
    );
}
