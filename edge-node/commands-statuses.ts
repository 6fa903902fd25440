// "lienthong set-status|recall|extend|remind|update|requests|agree|refuse": what an office did with a document, what it asks of those who have one of its
// own, and what others ask of it. All through the API; a confirmation that the law asks for is an option, never a question on a terminal.
import type { Command } from 'commander';
import { collect, type Output, runCommand, shellWord, visible, wrongUse } from '../bin/output.ts';
import { refusalReason, refusalReasons, statusName } from '../protocol/document/statuses.ts';
import { assertFields, type FieldOptions, fieldsOf, kindsText, withFields } from './commands-fields.ts';
import { withNode } from './commands-reach.ts';
import { idOf, timeText, withDir } from './commands-words.ts';
import type {
  ExtendAnswer,
  RecallAnswer,
  RemindAnswer,
  RequestView,
  StatusAnswer,
  UpdateAnswer,
} from './statuses/core.ts';

type Common = { readonly dir: string; readonly json?: boolean };

export function statusCommands(program: Command): void {
  setStatusCommand(program);
  returnCommand(program);
  changeCommands(program);
  requestCommands(program);
}

const reasonChoices = Object.entries(refusalReasons)
  .map(([number, { name, vi }]) => `${number} ${name}: ${vi}`)
  .join('; ');

type StatusOptions = Common & {
  code: string;
  unit?: string;
  registeredNumber?: string;
  person?: string;
  reason?: string;
  text?: string;
  evenIfDuplicate?: boolean;
};

function setStatusCommand(program: Command): void {
  withDir(program.command('set-status'))
    .argument('<id>', 'mã văn bản đến; id of a document that arrived')
    .requiredOption(
      '--code <code>',
      '02 trả lại, 03 tiếp nhận, 04 phân công, 05 đang xử lý, 06 hoàn thành; 02 returned to 06 finished',
    )
    .option('--registered-number <text>', 'số đến, với 03; number in your register of incoming documents')
    .option('--reason <number>', `lý do trả lại, với 02; with 02: ${reasonChoices}`)
    .option('--text <text>', 'nội dung gửi nơi ban hành; free text for the sender')
    .option('--person <name>', 'người xử lý, nơi gửi sẽ thấy; who acted, shown to the sender')
    .option('--unit <code>', 'đơn vị nhận, khi nút có nhiều đơn vị; our unit, when several received it')
    .option(
      '--even-if-duplicate',
      'đã xem văn bản trùng và vẫn tiếp nhận; after document-duplicate-suspected: accept all the same',
    )
    .description(
      'Báo trạng thái xử lý văn bản đến cho nơi gửi.\nTells the sender, signed, what the office did with a document.',
    )
    .action((id: string, options: StatusOptions) =>
      runCommand((out) => sayStatus(out, id, options), options),
    );
}

/** The clerk's word for 02: the verb of the console and of the decree. */
function returnCommand(program: Command): void {
  withDir(program.command('return'))
    .argument('<id>', 'mã văn bản đến; id of a document that arrived')
    .requiredOption('--reason <number>', `lý do trả lại; ${reasonChoices}`)
    .option('--text <text>', 'nội dung gửi nơi ban hành; free text for the sender')
    .option('--person <name>', 'người trả lại, nơi gửi sẽ thấy; who returned it, shown to the sender')
    .option('--unit <code>', 'đơn vị nhận, khi nút có nhiều đơn vị; our unit, when several received it')
    .description(
      'Trả lại văn bản đến, có lý do.\nGives a document back to its sender, with one of the eight reasons.',
    )
    .action((id: string, options: Omit<StatusOptions, 'code'>) =>
      runCommand((out) => sayStatus(out, id, { ...options, code: '02' }), options),
    );
}

async function sayStatus(out: Output, id: string, options: StatusOptions): Promise<void> {
  const { code, unit, registeredNumber, person, text, evenIfDuplicate } = options;
  const given = { code, unit, registeredNumber, person, text, evenIfDuplicate };
  const body = { ...said(given), ...reasonOf(options) };
  const answer = await withNode(options.dir, (node) =>
    node.call<StatusAnswer>('POST', `/v1/inbox/${idOf(id)}/status`, body),
  );
  out.answer(answer.body);
  const name = statusName(answer.body.code);
  out.say(`${answer.body.documentId}  ${answer.body.code} ${name.vi}\n${name.en}; the sender will be told.`);
}

const said = (given: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

function reasonOf({ reason }: StatusOptions): { reason?: number } {
  if (reason === undefined) return {};
  const number = refusalReason(reason);
  if (number === undefined)
    throw wrongUse(`--reason is one of: ${reasonChoices}`, `--reason: ${reasonChoices}`);
  return { reason: number };
}

type RecallOptions = Common & { reason: string; from?: string[] };
type UpdateOptions = Common & FieldOptions & { reason: string; add?: string[]; remove?: string[] };

function extendCommand(program: Command): void {
  withDir(program.command('extend'))
    .argument('<id>', 'mã văn bản đã gửi; id of a document that was sent')
    .requiredOption(
      '--to <address>',
      'nơi nhận thêm: mã, bộ phận@mã, group:nhóm; a further recipient (repeatable)',
      collect,
    )
    .description(
      'Gửi thêm nơi nhận cho văn bản đã gửi.\nThe same document to those who do not have it; who has it gets nothing again.',
    )
    .action((id: string, options: Common & { to: string[] }) =>
      runCommand(async (out) => {
        const path = `/v1/documents/${idOf(id)}/recipients`;
        const { body } = await withNode(options.dir, (node) =>
          node.call<ExtendAnswer>('POST', path, { to: options.to }),
        );
        out.answer(body);
        if (body.added.length > 0)
          out.say(
            `Đang gửi thêm / sending to: ${visible(body.added.join(', '))}\nTheo dõi / follow: lienthong show ${body.documentId} --dir ${shellWord(options.dir)}`,
          );
        if (body.already.length > 0)
          out.say(`Đã là nơi nhận, không gửi lại / has it already: ${visible(body.already.join(', '))}`);
        if (body.paper.length > 0)
          out.say(`Chỉ gửi được bản giấy / on paper only: ${visible(body.paper.join(', '))}`);
      }, options),
    );
}

function remindCommand(program: Command): void {
  withDir(program.command('remind'))
    .argument('<id>', 'mã văn bản đã gửi; id of a document that was sent')
    .requiredOption('--to <address>', 'nơi nhận cần nhắc; a recipient to remind (repeatable)', collect)
    .description(
      'Nhắc nơi nhận xem lại văn bản, mỗi ngày làm việc một lần.\nAsks a recipient who has it to look at it again, once a working day.',
    )
    .action((id: string, options: Common & { to: string[] }) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (node) =>
          node.call<RemindAnswer>('POST', `/v1/documents/${idOf(id)}/remind`, { to: options.to }),
        );
        out.answer(body);
        out.say(`Đang nhắc / reminding: ${visible(body.reminded.join(', '))}`);
      }, options),
    );
}

function changeCommands(program: Command): void {
  extendCommand(program);
  remindCommand(program);
  withDir(program.command('recall'))
    .argument('<id>', 'mã văn bản đã gửi; id of a document that was sent')
    .requiredOption('--reason <text>', 'lý do thu hồi, nơi nhận sẽ đọc; why, the recipients read it')
    .option('--from <code>', 'chỉ thu hồi từ nơi nhận này; only from this recipient (repeatable)', collect)
    .description(
      'Thu hồi văn bản đã gửi.\nTakes a document back: cancelled if not sent, ended at the hub if not delivered, else the recipient destroys it and says so.',
    )
    .action((id: string, options: RecallOptions) =>
      runCommand(async (out) => {
        const { reason, from } = options;
        const path = `/v1/documents/${idOf(id)}/recall`;
        const { body } = await withNode(options.dir, (node) =>
          node.call<RecallAnswer>('POST', path, { reason, ...(from ? { from } : {}) }),
        );
        out.answer(body);
        if (body.cancelled.length > 0)
          out.say(`Chưa gửi, đã huỷ / not sent, cancelled: ${visible(body.cancelled.join(', '))}`);
        if (body.asked.length > 0)
          out.say(
            `Đã yêu cầu thu hồi / recall on its way: ${visible(body.asked.join(', '))}\nTheo dõi / follow: lienthong show ${body.documentId} --dir ${shellWord(options.dir)}`,
          );
      }, options),
    );
  withFields(withDir(program.command('update')))
    .argument('<id>', 'mã văn bản đã gửi; id of a document that was sent')
    .requiredOption('--reason <text>', 'lý do, nơi nhận sẽ đọc; why, the recipients read it')
    .option('--add <address>', 'thêm nơi nhận; a further recipient (repeatable)', collect)
    .option(
      '--remove <code>',
      'bỏ nơi nhận, thu hồi ở đó; a recipient to recall it from (repeatable)',
      collect,
    )
    .description(
      'Cập nhật thông tin hoặc nơi nhận của văn bản đã gửi.\nCorrects the description or the receivers; each recipient sees old and new and agrees or refuses.',
    )
    .addHelpText('after', kindsText)
    .action((id: string, options: UpdateOptions) =>
      runCommand(async (out) => {
        const { reason, add, remove } = options;
        const { reason: _, keepText, ...fields } = fieldsOf(options);
        assertFields(fields, options);
        const body = said({
          reason,
          add,
          remove,
          keepText,
          ...(Object.keys(fields).length > 0 ? { fields } : {}),
        });
        const answer = await withNode(options.dir, (node) =>
          node.call<UpdateAnswer>('POST', `/v1/documents/${idOf(id)}/update`, body),
        );
        out.answer(answer.body);
        out.say(
          `Đã ghi nhận cập nhật / update taken: ${answer.body.documentId}\nTheo dõi / follow: lienthong show ${answer.body.documentId} --dir ${shellWord(options.dir)}`,
        );
      }, options),
    );
}

const kindWords = { recall: 'thu hồi', update: 'cập nhật' } as const;
const requestStates: Readonly<Record<string, string>> = {
  open: 'chờ trả lời',
  destroying: 'đang huỷ',
  agreed: 'đã đồng ý',
  refused: 'đã từ chối',
  superseded: 'hết hiệu lực',
};

function requestCommands(program: Command): void {
  withDir(program.command('requests'))
    .option('--all', 'cả những yêu cầu đã trả lời; decided ones too')
    .description(
      'Yêu cầu thu hồi, cập nhật đang chờ cơ quan trả lời.\nRecalls and updates of senders that wait for a decision here.',
    )
    .action((options: Common & { all?: boolean }) =>
      runCommand(async (out) => {
        const path = `/v1/requests${options.all ? '?all=true' : ''}`;
        const { body } = await withNode(options.dir, (node) =>
          node.call<{ rows: readonly RequestView[] }>('GET', path),
        );
        out.answer(body);
        if (body.rows.length === 0) out.say('Không có yêu cầu nào. None.');
        for (const row of body.rows) sayRequest(out, row);
      }, options),
    );
  decideCommand(program, true);
  decideCommand(program, false);
}

function sayRequest(out: Output, row: RequestView): void {
  const { before, after } = row;
  const number = [before?.number, before?.notation].filter(Boolean).join('/');
  out.say(
    visible(
      `${row.requestId}  ${kindWords[row.kind]}  ${requestStates[row.state] ?? row.state}  từ ${row.senderCode}  ${timeText(row.askedMs)}`,
    ),
  );
  out.say(visible(`  ${number ? `${number}  ` : ''}${before?.subject ?? '(đã huỷ / destroyed)'}`));
  out.say(visible(`  lý do / reason: ${row.reason}`));
  if (!before || !after) return;
  for (const name of ['number', 'notation', 'type', 'issueDate', 'subject', 'sphere', 'note'] as const)
    if (before[name] !== after[name])
      out.say(visible(`  ${fieldWords[name]}: ${before[name] || '(trống)'} → ${after[name] || '(trống)'}`));
}
const fieldWords = {
  number: 'số',
  notation: 'ký hiệu',
  type: 'loại',
  issueDate: 'ngày',
  subject: 'trích yếu',
  sphere: 'lĩnh vực',
  note: 'ghi chú',
} as const;

type DecideOptions = Common & { unit?: string; text?: string; person?: string; despiteWarning?: boolean };

function decideCommand(program: Command, agree: boolean): void {
  const command = withDir(program.command(agree ? 'agree' : 'refuse'))
    .argument('<request>', 'mã yêu cầu, từ "lienthong requests"; id of the request')
    .option('--text <text>', 'nội dung gửi nơi yêu cầu; free text for the sender')
    .option('--person <name>', 'người quyết định, nơi gửi sẽ thấy; who decided, shown to the sender')
    .option('--unit <code>', 'đơn vị, khi nút có nhiều đơn vị; our unit, when several were asked')
    .description(
      agree
        ? 'Đồng ý thu hồi (huỷ văn bản) hoặc cập nhật.\nAgrees to a recall, which destroys the document here, or to an update.'
        : 'Từ chối cập nhật; từ chối thu hồi chỉ khi xác nhận.\nRefuses an update; a recall only with --despite-warning.',
    );
  if (!agree)
    command.option(
      '--despite-warning',
      'pháp luật không cho quyền từ chối thu hồi, vẫn từ chối; the law gives no right to it, refuse all the same',
    );
  command.action((id: string, options: DecideOptions) =>
    runCommand(async (out) => {
      const { unit, text, person, despiteWarning } = options;
      const body = { agree, ...said({ unit, text, person, despiteWarning }) };
      const answer = await withNode(options.dir, (node) =>
        node.call<RequestView>('POST', `/v1/requests/${idOf(id)}`, body),
      );
      out.answer(answer.body);
      sayRequest(out, answer.body);
    }, options),
  );
}
