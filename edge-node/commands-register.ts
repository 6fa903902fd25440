// "lienthong register …" and "lienthong stamp": the books of the office, printing and export, the ĐẾN stamp on a copy. They ask the node; a file
// that is there is never written over.
import fs from 'node:fs';
import type { Command } from 'commander';
import { bytesText, CommandError, type Output, runCommand, visible, wrongUse } from '../bin/output.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { readBounded } from '../protocol/node/http-client.ts';
import { withNode } from './commands-reach.ts';
import { idOf, notOverwritten, query, timeText, withDir } from './commands-words.ts';
import type { Page } from './core.ts';
import type { BookView, EntryAnswer, EntryView, RegisterCheck } from './office/core.ts';

type Common = { readonly dir: string; readonly json?: boolean; readonly unit?: string };
type BookOptions = Common & { readonly year?: string; readonly code?: string };
const fileBytesMax = 256 * 1024 * 1024;

const kinds: Readonly<Record<string, 'in' | 'out'>> = {
  in: 'in',
  out: 'out',
  den: 'in',
  đến: 'in',
  di: 'out',
  đi: 'out',
};
function kindOf(text: string): 'in' | 'out' {
  const kind = kinds[text.normalize('NFC').toLowerCase()];
  if (!kind) throw wrongUse('the book is "in" or "out"', 'sổ là "in" (đến) hoặc "out" (đi)');
  return kind;
}
const bookBody = ({ unit, year, code }: BookOptions) => ({
  ...(unit === undefined ? {} : { unit }),
  ...(year === undefined ? {} : { year: Number(year) }),
  ...(code === undefined ? {} : { code }),
});

const withBook = (command: Command): Command =>
  withDir(command)
    .option('--unit <code>', 'đơn vị; our unit, when the node serves several')
    .option('--year <year>', 'năm của sổ; default this year')
    .option('--code <code>', 'sổ riêng; a further book, default the common one');

const fieldOptions: readonly (readonly [string, string, string])[] = [
  ['day', '--day <date>', 'ngày đến hoặc ngày chuyển, YYYY-MM-DD; default today'],
  ['author', '--author <text>', 'tác giả (văn bản đến); the issuing body'],
  ['notation', '--notation <text>', 'số, ký hiệu văn bản, như trên văn bản; as written'],
  ['issueDay', '--issue-date <date>', 'ngày tháng văn bản, YYYY-MM-DD'],
  ['type', '--type <text>', 'tên loại; kind'],
  ['subject', '--subject <text>', 'trích yếu; subject'],
  ['signer', '--signer <text>', 'người ký'],
  ['places', '--places <text>', 'đơn vị hoặc người nhận; nơi nhận'],
  ['keeper', '--keeper <text>', 'đơn vị, người nhận bản lưu'],
  ['copies', '--copies <count>', 'số lượng bản'],
  ['forwardedDay', '--forwarded <date>', 'ngày chuyển, YYYY-MM-DD'],
  ['receipt', '--receipt <text>', 'ký nhận'],
  ['note', '--note <text>', 'ghi chú'],
];
const withFields = (command: Command): Command => {
  for (const [, flags, words] of fieldOptions) command.option(flags, words);
  return command.option(
    '--keep-text',
    'chữ viết như thế là đúng; keep text that seems to be in an older encoding',
  );
};
function fieldsOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named: Record<string, unknown> = {
    ...options,
    issueDay: options.issueDate,
    forwardedDay: options.forwarded,
  };
  const given = fieldOptions.flatMap(([name]) =>
    named[name] === undefined ? [] : [[name, named[name]] as const],
  );
  const fields: Record<string, unknown> = Object.fromEntries(given);
  if (fields.copies !== undefined) {
    if (!/^\d{1,6}$/.test(String(fields.copies)))
      throw wrongUse('--copies is a whole number', '--copies là số nguyên');
    fields.copies = Number(fields.copies);
  }
  return fields;
}
const keepOf = (options: Readonly<Record<string, unknown>>) =>
  options.keepText === true ? { keepText: true } : {};

export function registerCommands(program: Command): void {
  const register = program
    .command('register')
    .description('Sổ đăng ký văn bản đến, văn bản đi.\nThe registers of incoming and outgoing documents.');
  withDir(register.command('books'))
    .option('--unit <code>', 'đơn vị; our unit')
    .description('Các sổ của đơn vị.\nThe books of the unit.')
    .action((options: Common) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (node) =>
          node.call<{ rows: BookView[] }>('GET', `/v1/registers${query({ unit: options.unit })}`),
        );
        out.answer(body);
        out.table(
          ['năm', 'sổ', 'mã', 'tên', 'số dòng', 'khoá'],
          body.rows.map((b) => [
            String(b.year),
            b.kind === 'in' ? 'đến (in)' : 'đi (out)',
            b.code,
            b.name,
            String(b.entries),
            b.closedMs === undefined ? '' : timeText(b.closedMs),
          ]),
        );
      }, options),
    );
  withBook(register.command('show'))
    .argument('<in|out>', 'sổ đến hoặc sổ đi')
    .option('--limit <rows>', 'số dòng; 1 to 500, default 100')
    .option('--after <next>', 'trang tiếp theo')
    .description('Các dòng của một sổ.\nThe lines of a book, by number.')
    .action((kind: string, options: BookOptions & { limit?: string; after?: string }) =>
      runCommand((out) => show(out, kindOf(kind), options), options),
    );
  withBook(register.command('check'))
    .argument('<in|out>', 'sổ đến hoặc sổ đi')
    .description(
      'Số bị bỏ trống, dòng ghi trùng, văn bản đã gửi mà chưa vào sổ.\nGaps, repeated lines, and documents that were sent and stand in no book.',
    )
    .action((kind: string, options: BookOptions) =>
      runCommand((out) => check(out, kindOf(kind), options), options),
    );
  editCommands(register);
  fileCommands(program, register);
}

async function show(
  out: Output,
  kind: 'in' | 'out',
  options: BookOptions & { limit?: string; after?: string },
): Promise<void> {
  const { unit, year, code, limit, after } = options;
  const { body } = await withNode(options.dir, (node) =>
    node.call<Page<EntryView>>('GET', `/v1/registers/${kind}${query({ unit, year, code, limit, after })}`),
  );
  out.answer(body);
  out.table(
    ['số', 'ngày', kind === 'in' ? 'tác giả' : 'nơi nhận', 'số, ký hiệu', 'trích yếu', 'dòng'],
    body.rows.map((row) => [
      row.registered,
      row.day,
      (kind === 'in' ? row.author : row.places).slice(0, 30),
      row.notation,
      row.struck === undefined
        ? row.erased
          ? '(đã thu hồi)'
          : row.subject.slice(0, 60)
        : `(huỷ: ${row.struck.slice(0, 40)})`,
      String(row.entry),
    ]),
  );
  if (body.next) out.say(`--after ${body.next}`);
}

async function check(out: Output, kind: 'in' | 'out', options: BookOptions): Promise<void> {
  const { unit, year, code } = options;
  const { body } = await withNode(options.dir, (node) =>
    node.call<RegisterCheck>('GET', `/v1/registers/${kind}/check${query({ unit, year, code })}`),
  );
  out.answer(body);
  for (const { series, first, last } of body.gaps)
    out.say(
      `Bỏ trống số ${series ? `${series} ` : ''}${first === last ? first : `${first}–${last}`} — no entry.`,
    );
  for (const { author, notation, numbers } of body.repeated)
    out.say(visible(`Ghi trùng ${notation} (${author}): các số ${numbers} — entered more than once.`));
  for (const { documentId, notation } of body.unregistered)
    out.say(
      visible(
        `Đã gửi ${notation}, chưa vào sổ: ${documentId} — sent and in no book, or its number has another document.`,
      ),
    );
  if (body.gaps.length + body.repeated.length + body.unregistered.length === 0)
    out.say('Sổ liên tục, không trùng — no gaps, nothing repeated.');
}

type EditOptions = BookOptions &
  Readonly<Record<string, unknown>> & {
    readonly number?: string;
    readonly series?: string;
    readonly document?: string;
  };

function editCommands(register: Command): void {
  const said = (out: Output, { registered, year, entry }: EntryAnswer) =>
    out.say(`Số ${registered} năm ${year} (dòng ${entry})`);
  withFields(withBook(register.command('enter')))
    .argument('<in|out>', 'sổ đến hoặc sổ đi')
    .option('--number <number>', 'số, ví dụ 12 hoặc 12a; default the next one')
    .option('--series <abbreviation>', 'sổ đi: loại đếm riêng (QĐ, KH…)')
    .option('--document <id>', 'văn bản đã gửi mà chưa vào sổ; a document that was sent')
    .description(
      'Ghi tay một văn bản giấy (cùng dãy số với văn bản điện tử).\nEnters a paper document by hand, in the one series for paper and electronic.',
    )
    .action((kind: string, options: EditOptions) =>
      runCommand(async (out) => {
        const { number, series, document } = options;
        const { body } = await withNode(options.dir, (node) =>
          node.call<EntryAnswer>('POST', `/v1/registers/${kindOf(kind)}`, {
            ...bookBody(options),
            ...(number === undefined ? {} : { number }),
            ...(series === undefined ? {} : { series }),
            ...(document === undefined ? {} : { documentId: idOf(document) }),
            ...keepOf(options),
            fields: fieldsOf(options),
          }),
        );
        out.answer(body);
        said(out, body);
      }, options),
    );
  withFields(withDir(register.command('correct')).option('--unit <code>', 'đơn vị'))
    .argument('<line>', 'dòng, như "register show" in ở cột cuối')
    .description('Sửa một dòng của sổ chưa khoá.\nCorrects a line of an open book.')
    .action((line: string, options: EditOptions) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (node) =>
          node.call<EntryAnswer>('POST', `/v1/register-entries/${lineOf(line)}`, {
            ...(options.unit === undefined ? {} : { unit: options.unit }),
            ...keepOf(options),
            fields: fieldsOf(options),
          }),
        );
        out.answer(body);
        said(out, body);
      }, options),
    );
  withDir(register.command('strike'))
    .argument('<line>', 'dòng, như "register show" in ở cột cuối')
    .requiredOption('--reason <text>', 'lý do; why')
    .option('--unit <code>', 'đơn vị')
    .description('Huỷ một dòng; số đó không dùng lại.\nStrikes a line out; its number is not used again.')
    .action((line: string, options: Common & { reason: string }) =>
      runCommand(async (out) => {
        const { reason, unit } = options;
        const { body } = await withNode(options.dir, (node) =>
          node.call<EntryAnswer>('POST', `/v1/register-entries/${lineOf(line)}/strike`, {
            reason,
            ...(unit === undefined ? {} : { unit }),
          }),
        );
        out.answer(body);
        said(out, body);
      }, options),
    );
  for (const act of ['open', 'close'] as const) bookCommand(register, act);
}

function lineOf(text: string): string {
  if (!/^\d{1,15}$/.test(text)) throw wrongUse(`"${text}" is not a line`, `"${text}" không phải số dòng`);
  return text;
}

const HOUR_MS = 3_600_000;

/** Closing cannot be taken back, and without the common book of incoming documents nothing is accepted: in January "this year" is a slip for the year before. */
function assertOver({ year, early }: BookOptions & { early?: boolean }): void {
  const today = new Date(systemClock.nowMs() + 7 * HOUR_MS).toISOString();
  const which = year ?? today.slice(0, 4);
  if (early === true || today.slice(0, 10) >= `${which}-12-31`) return;
  throw new CommandError(
    'failed',
    { vi: `Năm ${which} chưa hết`, en: `The year ${which} is not over` },
    {
      vi: 'Sổ năm trước: thêm --year. Sổ đã khoá không mở lại được, văn bản của năm đó không vào sổ được nữa; vẫn muốn khoá thì thêm --early.',
      en: 'For the book of last year add --year. A closed book is never opened again, and no document of that year can be entered; add --early to close it all the same.',
    },
  );
}

function bookCommand(register: Command, act: 'open' | 'close'): void {
  const command = withBook(register.command(act)).argument('<in|out>', 'sổ đến hoặc sổ đi');
  if (act === 'open') command.option('--name <text>', 'tên trên bìa; name on the cover');
  else command.option('--early', 'khoá dù năm chưa hết; also while the year is not over');
  command
    .description(
      act === 'open'
        ? 'Mở thêm một sổ riêng (sổ chung tự mở).\nOpens a further book; the common one opens by itself.'
        : 'Khoá sổ: từ nay chỉ đọc và in.\nCloses a book: from now on it can only be read and printed.',
    )
    .action((kind: string, options: BookOptions & { name?: string; early?: boolean }) =>
      runCommand(async (out) => {
        if (act === 'close') assertOver(options);
        const { body } = await withNode(options.dir, (node) =>
          node.call<BookView>('POST', `/v1/registers/${kindOf(kind)}/${act}`, {
            ...bookBody(options),
            ...(options.name === undefined ? {} : { name: options.name }),
          }),
        );
        out.answer(body);
        out.say(
          visible(
            `${body.name}: ${body.entries} dòng${body.closedMs === undefined ? '' : `, đã khoá ${timeText(body.closedMs)}`}`,
          ),
        );
      }, options),
    );
}

const sheets: Readonly<Record<string, 'in' | 'out' | 'followup'>> = {
  ...kinds,
  followup: 'followup',
  'theo-doi': 'followup',
};
const formats = ['pdf', 'xlsx', 'csv'] as const;

function fileCommands(program: Command, register: Command): void {
  withBook(register.command('export'))
    .argument('<in|out|followup>', 'sổ đến, sổ đi, sổ theo dõi giải quyết')
    .option('--format <pdf|xlsx|csv>', 'pdf: A4 ngang để in, ký, đóng quyển', 'pdf')
    .option('--out <file>', 'tệp; default the name that the register has')
    .description('Xuất sổ ra PDF để in, hoặc XLSX, CSV.\nWrites a register as PDF for printing, XLSX or CSV.')
    .action((name: string, options: BookOptions & { format: string; out?: string }) =>
      runCommand(async (out) => {
        const sheet = sheets[name.normalize('NFC').toLowerCase()];
        if (!sheet) throw wrongUse('the register is in, out or followup', 'sổ là in, out hoặc followup');
        if (!formats.some((format) => format === options.format))
          throw wrongUse(
            `--format is one of ${formats.join(', ')}`,
            `--format là một trong: ${formats.join(', ')}`,
          );
        const { unit, year, code } = options;
        await saveFile(
          out,
          `/v1/registers/${sheet}/files/${options.format}${query({ unit, year, code })}`,
          options,
        );
      }, options),
    );
  withDir(program.command('stamp'))
    .argument('<id>', 'mã văn bản đến; id of an arrival')
    .option('--part <number>', 'tệp thứ mấy, từ 0; default the first PDF')
    .option('--at <left,top>', 'vị trí góc trên bên trái của dấu, mm; default 12,62')
    .option('--unit <code>', 'đơn vị; our unit')
    .option('--out <file>', 'tệp; default NAME-den.pdf')
    .description(
      'Tạo bản sao PDF có dấu ĐẾN; tệp gốc của văn bản giữ nguyên.\nA copy of a received PDF with the ĐẾN stamp; the file of the document stays as it is.',
    )
    .action((id: string, options: Common & { part?: string; at?: string; out?: string }) =>
      runCommand(async (out) => {
        const { unit, part, at } = options;
        await saveFile(out, `/v1/inbox/${idOf(id)}/stamped${query({ unit, part, at })}`, options);
      }, options),
    );
}

async function saveFile(
  out: Output,
  path: string,
  options: { readonly dir: string; readonly out?: string },
): Promise<void> {
  const { name, bytes } = await withNode(options.dir, (node) =>
    node.stream({ method: 'GET', path }, async ({ body, headers }) => {
      const said = /filename\*=UTF-8''([^;]+)/.exec(String(headers['content-disposition'] ?? ''))?.[1];
      return {
        name: said ? decodeURIComponent(said) : 'so.pdf',
        bytes: await readBounded(body, fileBytesMax),
      };
    }),
  );
  const file = options.out ?? name.replace(/[/\\]/g, '_');
  if (fs.existsSync(file)) throw notOverwritten(file);
  writeFileDurable(file, bytes, { mode: 0o644, replace: false });
  out.answer({ file, lengthBytes: bytes.length });
  out.say(visible(`${file}  ${bytesText(bytes.length)}`));
}
