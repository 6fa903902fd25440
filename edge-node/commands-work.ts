// "lienthong accept|forward|work" and "lienthong node due|calendar": work inside the unit and its deadlines, from the command line. They ask the
// node; the statuses that the sender sees follow by themselves.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Output, readable, runCommand, visible, wrongUse } from '../bin/output.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { withNode } from './commands-reach.ts';
import { idOf, query, timeText, withDir } from './commands-words.ts';
import type { CalendarView, DueView, EntryAnswer, TaskStory, TaskView } from './office/core.ts';

type Common = { readonly dir: string; readonly json?: boolean; readonly unit?: string };
const only = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

export function workCommands(program: Command): void {
  withDir(program.command('accept'))
    .argument('<id>', 'mã văn bản đến; id of an arrival')
    .option('--number <number>', 'số đến; default the next one')
    .option('--code <code>', 'sổ riêng; a further book')
    .option(
      '--person <email>',
      'văn thư tiếp nhận, tên được báo cho nơi gửi; the clerk, whose name the sender sees',
    )
    .option('--places <text>', 'đơn vị hoặc người nhận; to whom it goes, for the book')
    .option('--note <text>', 'ghi chú trong sổ')
    .option('--due <time>', 'hạn xử lý, ví dụ 2026-11-30T17:00:00+07:00; the term of the document')
    .option('--unit <code>', 'đơn vị; our unit, when the node serves several')
    .option('--even-if-duplicate', 'đã xem văn bản trùng số, vẫn tiếp nhận')
    .description(
      'Tiếp nhận và vào sổ văn bản đến; nơi gửi được báo "đã tiếp nhận" kèm số đến.\nAccepts and registers an arrival; the sender learns it with its number.',
    )
    .action(
      (
        id: string,
        options: Common & {
          number?: string;
          code?: string;
          person?: string;
          places?: string;
          note?: string;
          due?: string;
          evenIfDuplicate?: boolean;
        },
      ) =>
        runCommand(async (out) => {
          const { unit, number, code, person, places, note, due, evenIfDuplicate } = options;
          const fields = only({ places, note });
          const { body } = await withNode(options.dir, (node) =>
            node.call<EntryAnswer & { documentId: string }>('POST', `/v1/inbox/${idOf(id)}/accept`, {
              ...only({ unit, number, code, person, due, evenIfDuplicate }),
              ...(Object.keys(fields).length > 0 ? { fields } : {}),
            }),
          );
          out.answer(body);
          out.say(`Số đến ${body.registered} năm ${body.year} — registered.`);
        }, options),
    );
  withDir(program.command('forward'))
    .argument('<id>', 'mã văn bản đến; id of an arrival')
    .requiredOption(
      '--to <people>',
      'người nhận, cách nhau bằng dấu phẩy: e-mail công vụ, hoặc desk:TÊN; persons or desks of the unit, the first leads',
    )
    .option('--instruction <text>', 'ý kiến chỉ đạo; stays in the unit')
    .option('--due <time>', 'thời hạn, ví dụ 2026-11-30T17:00:00+07:00')
    .option('--unit <code>', 'đơn vị; our unit')
    .description(
      'Chuyển văn bản đến cho người hoặc bộ phận giải quyết.\nGives an arrival to persons or desks with instruction and term.',
    )
    .action((id: string, options: Common & { to: string; instruction?: string; due?: string }) =>
      runCommand(async (out) => {
        const { unit, instruction, due } = options;
        const to = options.to
          .split(',')
          .map((who) => who.trim())
          .filter(Boolean)
          .map((who, i) => ({ who, lead: i === 0 }));
        if (to.length === 0) throw wrongUse('--to names nobody', '--to chưa nêu ai');
        const { body } = await withNode(options.dir, (node) =>
          node.call<{ tasks: number[] }>('POST', `/v1/inbox/${idOf(id)}/forward`, {
            to,
            ...only({ unit, instruction, due }),
          }),
        );
        out.answer(body);
        out.say(`Đã chuyển — tasks ${body.tasks.join(', ')}.`);
      }, options),
    );
  taskCommands(
    program.command('work').description('Việc giải quyết văn bản đến trong đơn vị.\nTasks of the unit.'),
  );
}

function taskCommands(work: Command): void {
  withDir(work.command('list'))
    .argument('[id]', 'chỉ của văn bản này; only of this arrival')
    .option('--person <email>', 'chỉ của người này; only of this person')
    .option('--open', 'chỉ việc chưa xong; only what is not finished')
    .option('--unit <code>', 'đơn vị; our unit')
    .description('Các việc, việc chưa xong và gần hạn trước.\nTasks, open ones first, by term.')
    .action((id: string | undefined, options: Common & { person?: string; open?: boolean }) =>
      runCommand(async (out) => {
        const { unit, person, open } = options;
        const path = `/v1/tasks${query({ unit, person, id: id === undefined ? undefined : idOf(id), open: open ? 'true' : undefined })}`;
        const { body } = await withNode(options.dir, (node) => node.call<{ rows: TaskView[] }>('GET', path));
        out.answer(body);
        out.table(
          ['việc', 'số đến', 'người, bộ phận', 'hạn', 'trạng thái', 'trích yếu', 'tiến độ'],
          body.rows.map((t) => [
            String(t.task),
            t.registered,
            t.personName || t.person || t.desk,
            t.dueMs === undefined ? '' : timeText(t.dueMs),
            stateWords[t.state],
            t.subject.slice(0, 40),
            t.progress.slice(0, 40),
          ]),
        );
      }, options),
    );
  const acts = [
    ['progress', 'working', 'Báo tiến độ: đang xử lý.\nSays how far it is; the sender learns "đang xử lý".'],
    ['finish', 'done', 'Báo hoàn thành.\nFinished; when all who lead are, the sender learns it.'],
  ] as const;
  for (const [name, state, description] of acts)
    withDir(work.command(name))
      .argument('<task>', 'việc, như "work list" in ở cột đầu')
      .option('--said <text>', 'nội dung; stays in the unit')
      .option('--unit <code>', 'đơn vị; our unit')
      .description(description)
      .action((task: string, options: Common & { said?: string }) =>
        runCommand(
          (out) =>
            taskAct(
              out,
              task,
              { path: 'progress', body: only({ unit: options.unit, state, said: options.said }) },
              options,
            ),
          options,
        ),
      );
  withDir(work.command('withdraw'))
    .argument('<task>', 'việc, như "work list" in ở cột đầu')
    .requiredOption('--reason <text>', 'lý do; why')
    .option('--unit <code>', 'đơn vị; our unit')
    .description('Rút lại việc đã giao.\nTakes a task back.')
    .action((task: string, options: Common & { reason: string }) =>
      runCommand(
        (out) =>
          taskAct(
            out,
            task,
            { path: 'withdraw', body: only({ unit: options.unit, reason: options.reason }) },
            options,
          ),
        options,
      ),
    );
}

const stateWords: Readonly<Record<TaskView['state'], string>> = {
  given: 'đã giao',
  working: 'đang xử lý',
  done: 'xong',
  withdrawn: 'rút lại',
};

async function taskAct(
  out: Output,
  task: string,
  { path, body: said }: { path: string; body: object },
  options: Common,
): Promise<void> {
  if (!/^\d{1,15}$/.test(task)) throw wrongUse(`"${task}" is not a task`, `"${task}" không phải số việc`);
  const { body } = await withNode(options.dir, (node) =>
    node.call<TaskStory>('POST', `/v1/tasks/${task}/${path}`, said),
  );
  out.answer(body);
  out.say(
    visible(`Việc ${body.task}: ${stateWords[body.state]} — ${body.personName || body.person || body.desk}`),
  );
  for (const note of body.notes) out.say(visible(`  ${timeText(note.atMs)}  ${note.actor}  ${note.said}`));
}

const dueWords: Readonly<Record<DueView['state'], string>> = {
  late: 'QUÁ HẠN',
  soon: 'sắp đến hạn',
  open: 'còn hạn',
};

export function dueCommands(node: Command): void {
  withDir(node.command('due'))
    .option('--unit <code>', 'chỉ đơn vị này; only this unit')
    .option('--all', 'cả việc chưa gần hạn; also what is not near')
    .description(
      'Việc quá hạn hoặc sắp đến hạn, theo từng văn bản, kèm quy định.\nWhat is late or about to be, per document with the rule. Times are those of Asia/Ho_Chi_Minh.',
    )
    .action((options: Common & { all?: boolean }) =>
      runCommand(async (out) => {
        const path = `/v1/due${query({ unit: options.unit, all: options.all ? 'true' : undefined })}`;
        const { body } = await withNode(options.dir, (reached) =>
          reached.call<{ rows: DueView[] }>('GET', path),
        );
        out.answer(body);
        if (body.rows.length === 0)
          out.say('Không có gì quá hạn hay sắp đến hạn — nothing is late or about to be.');
        const rules = new Map<string, DueView[]>();
        for (const row of body.rows) rules.set(row.rule, [...(rules.get(row.rule) ?? []), row]);
        for (const rows of rules.values()) {
          const [{ words, clause }] = rows as [DueView];
          out.say(`\n${words.vi} — ${words.en} (${clause})`);
          out.table(
            ['', 'hạn (giờ Việt Nam)', '', 'số, ký hiệu', 'trích yếu', 'ai', 'mã'],
            rows.map((row) => [
              dueWords[row.state],
              timeText(row.dueMs),
              row.direction === 'in' ? 'đến' : 'đi',
              row.notation,
              row.subject.slice(0, 50),
              row.who,
              row.envelopeId ?? row.documentId,
            ]),
          );
        }
      }, options),
    );
  withDir(node.command('calendar'))
    .option('--import <file>', 'tệp JSON các năm mới, theo mẫu mà lệnh này in với --json')
    .description(
      'Lịch ngày nghỉ và ngày làm bù; --import thêm hoặc thay các năm.\nDays off and make-up days; --import adds or replaces years.',
    )
    .action((options: Common & { import?: string }) =>
      runCommand(async (out) => {
        const given = options.import === undefined ? undefined : await calendarOf(options.import);
        const { body } = await withNode(options.dir, (reached) =>
          given === undefined
            ? reached.call<CalendarView>('GET', '/v1/calendar')
            : reached.call<CalendarView>('POST', '/v1/calendar', given),
        );
        out.answer(body);
        for (const [year, { certain, off, work, notCertain }] of Object.entries(body.years)) {
          out.say(`\n${year}${certain ? '' : '  (suy ra, chờ thông báo của Chính phủ — derived)'}`);
          for (const { from, to, name } of off)
            out.say(visible(`  nghỉ  ${from}${to === from ? '' : ` – ${to}`}  ${name}`));
          for (const { day, name } of work) out.say(visible(`  làm   ${day}  ${name}`));
          if (notCertain) out.say(visible(`  ! ${notCertain}`));
        }
      }, options),
    );
}

async function calendarOf(file: string): Promise<unknown> {
  const text = await readable(file, () => readFileSync(file, 'utf8'));
  try {
    const { years } = JSON.parse(text) as { years?: unknown };
    return { years };
  } catch (cause) {
    throw new ExchangeError('calendar-invalid', file, { cause });
  }
}
