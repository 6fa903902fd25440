// `lienthong hub takedown hide|destroy|report`: removal of a state secret that was found later. The decision is signed here, with a key that only the
// operator has, over what the hub shows; the hub gets the signature alone. Requests to admin/takedown-routes.ts.
import type { Command } from 'commander';
import { CommandError, type Output, runCommand, visible } from '../bin/output.ts';
import { signingKeyOf } from '../certs/keys.ts';
import { parseDocumentId, uuidToBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { contentsDigestOf, removalActs, signAct } from '../protocol/removal.ts';
import { openOperatorKey } from './commands-operators.ts';
import { leaf, pathPart, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type Signing = { reason: string; key: string; keyPassphraseFile?: string };
type Draft = {
  hub: string;
  sender: string;
  senderCode: string;
  contents: string[];
  operators: { name: string; publicKey: string; untilMs: number }[];
};
type Removal = {
  number: number;
  documentId: string;
  sender: string;
  act: string;
  reason: string;
  operators: string[];
  decidedBy: string;
  orderedMs: number;
  doneHereMs: number | null;
  reports: { unit: string; person: string; reason: string; atMs: number; receivedMs: number }[];
  peers: {
    unit: string;
    hub: boolean;
    via: string;
    confirmedMs: number | null;
    found: boolean | null;
    lastSeenMs: number | null;
    /** Name of the other system that the office belongs to. */
    beyond: string | null;
  }[];
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
        `  ra lệnh / ordered: ${timeText(one.orderedMs)} bởi ${one.operators.join(' và ')}, ${one.decidedBy}: ${one.reason}`,
      ),
    );
    out.say(
      `  tại trung tâm / at this hub: ${one.doneHereMs === null ? 'CHƯA XONG / not done' : timeText(one.doneHereMs)}`,
    );
    for (const { unit, hub, via, confirmedMs, found, lastSeenMs, beyond } of one.peers) {
      const where = `${hub ? 'trung tâm ' : ''}${unit}${via === '' ? '' : ` (qua ${via})`}`;
      out.say(
        visible(
          beyond
            ? `  ${where}: ở hệ thống khác (${beyond}), lệnh không tới được; phải báo bằng văn bản / in another system, to be told by hand`
            : confirmedMs === null
              ? `  ${where}: CHƯA XÁC NHẬN / not confirmed (liên lạc cuối ${timeText(lastSeenMs)})`
              : `  ${where}: xác nhận / confirmed ${timeText(confirmedMs)}${found ? '' : ' (không còn ở đó / nothing was there)'}`,
        ),
      );
    }
  }
}

/** What the hub shows is said before it is signed: who sent it and how many files it has; never what is in them. */
async function decision(
  id: string,
  act: 'hide' | 'destroy',
  { draft, options, out }: { draft: Draft; options: Signing; out: Output },
): Promise<Buffer> {
  const key = await openOperatorKey(options.key, options.keyPassphraseFile);
  const named = draft.operators.find(
    ({ publicKey, untilMs }) => untilMs === 0 && Buffer.from(publicKey, 'base64').equals(key.publicKeyDer),
  );
  if (!named)
    throw new CommandError(
      'failed',
      { vi: 'Khoá này chưa có tên trong danh bạ', en: 'The directory does not name this key' },
      {
        vi: 'Chạy: lienthong hub operator key TÊN --public TỆP.pub',
        en: 'Run: lienthong hub operator key NAME --public FILE.pub',
      },
    );
  out.say(
    `${named.name} ký (signs): ${act === 'hide' ? 'ẨN / hide' : 'HUỶ / DESTROY'} ${id}, nơi gửi (sender) ${draft.senderCode}, ${draft.contents.length} tệp (files)`,
  );
  return signAct(
    {
      hub: draft.hub,
      act: removalActs[act],
      documentId: uuidToBytes(parseDocumentId(id)),
      sender: draft.sender,
      contentsDigest:
        act === 'hide'
          ? new Uint8Array()
          : contentsDigestOf(draft.contents.map((hex) => Buffer.from(hex, 'hex'))),
      reason: options.reason.slice(0, 160),
      operator: named.name,
      atMs: systemClock.nowMs(),
    },
    signingKeyOf(key),
  );
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
      .requiredOption(
        '--key <file>',
        'khoá của người vận hành (hub operator new-key); the operator’s own key',
      )
      .option('--key-passphrase-file <file>', 'mật khẩu của khoá (tệp 600); default: typed')
      .action((id: string, options: Common & Signing) =>
        runCommand(async (out) => {
          const answer = await withHub({ dir: options.dir, software }, async (request) => {
            const draft = await request<Draft>('GET', `/admin/v1/removals/${pathPart(id)}/draft`);
            const signed = await decision(id, act, { draft, options, out });
            return await request<{ number: number; removals: Removal[] }>('POST', '/admin/v1/removals', {
              signed: signed.toString('base64'),
            });
          });
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
