// JSON schemas of the office's own routes: registers, acceptance, tasks, deadlines, calendar. They are the documentation of the API too.
// What only the core can judge (numbers, dates, people) is judged there. Answers are typed by office/core.ts.
import { text, time } from '../../protocol/document/fields.ts';

const whole = (description: string) => ({ type: 'integer', minimum: 0, maximum: 1_000_000, description });
const flag = (description: string) => ({ type: 'boolean', description });
const unit = text(64, 'Our unit (code or internal id). May be left out when only one is meant.');
const kind = {
  type: 'string',
  enum: ['in', 'out'],
  description: 'in: văn bản đến; out: văn bản đi.',
} as const;
const yearText = {
  type: 'string',
  pattern: '^20[0-9]{2}$',
  description: 'Year of the book; default this year in Vietnam.',
} as const;
const code = text(40, 'Code of a further book; left out: the common one.');
const limit = { type: 'string', pattern: '^[1-9][0-9]{0,3}$', description: 'Rows, at most 500.' } as const;
const keepText = flag('After text-legacy: the text is right as written.');

const body = <P extends object>(properties: P, required: readonly string[] = []) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;

export const entryProperties = {
  day: text(10, 'Ngày đến, or ngày chuyển of an outgoing one: YYYY-MM-DD, not in the future.'),
  author: text(300, 'Tác giả: the issuing body.'),
  notation: text(120, 'Số, ký hiệu văn bản, as written.'),
  issueDay: text(10, 'Ngày tháng văn bản, YYYY-MM-DD.'),
  type: text(100, 'Tên loại.'),
  subject: text(2000, 'Trích yếu.'),
  signer: text(300, 'Người ký.'),
  places: text(4000, 'Đơn vị hoặc người nhận; of an outgoing one: nơi nhận.'),
  keeper: text(300, 'Đơn vị, người nhận bản lưu.'),
  copies: whole('Số lượng bản.'),
  forwardedDay: text(10, 'Ngày chuyển, YYYY-MM-DD.'),
  receipt: text(200, 'Ký nhận.'),
  note: text(1000, 'Ghi chú.'),
} as const;
const fields = {
  ...body(entryProperties),
  description: 'Columns of the line; what is left out stays empty, or as it was.',
} as const;

export const bookParams = body({ kind }, ['kind']);
export const bookQuery = body({
  unit,
  year: yearText,
  code,
  limit,
  after: text(20, '`next` of the page before.'),
});
export const booksQuery = body({ unit });
export const sheetQuery = body({ unit, year: yearText, code });
export const sheetParams = body(
  {
    sheet: {
      type: 'string',
      enum: ['in', 'out', 'followup'],
      description: 'Which register; followup: sổ theo dõi giải quyết.',
    },
    format: {
      type: 'string',
      enum: ['csv', 'xlsx', 'pdf'],
      description: 'pdf: A4 landscape, to print and sign.',
    },
  },
  ['sheet', 'format'],
);
const bookNamed = {
  unit,
  year: { type: 'integer', minimum: 2000, maximum: 2099, description: 'Default this year.' },
  code,
} as const;
export const openBookBody = body({ ...bookNamed, name: text(200, 'Name on the cover.') });
export const closeBookBody = body({ ...bookNamed });
export const enterBody = body(
  {
    ...bookNamed,
    number: text(8, '12 or 12a; left out: the next one.'),
    series: text(20, 'Of the outgoing book: abbreviation of the kind (QĐ, KH); empty for công văn.'),
    fields,
    documentId: text(36, 'A document that was sent and stands in no book.'),
    keepText,
  },
  ['fields'],
);
export const entryParams = body(
  { entry: { type: 'string', pattern: '^[0-9]{1,15}$', description: 'Id of the line.' } },
  ['entry'],
);
export const correctBody = body({ unit, fields, keepText }, ['fields']);
export const strikeBody = body({ unit, reason: text(500, 'Why it is struck out.') }, ['reason']);

export const acceptBody = body({
  unit,
  code,
  number: text(8, 'Số đến; left out: the next one.'),
  fields,
  person: text(254, 'Official e-mail of the clerk, whose name the sender sees.'),
  evenIfDuplicate: flag('The clerk has seen that another document bears this number.'),
  keepText: flag('false: judge the words of the metadata for older encodings.'),
  due: time('Hạn xử lý; not before today. The term of an open task goes before it.'),
});
export const forwardBody = body(
  {
    unit,
    to: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      description: 'Who is to act.',
      items: body(
        {
          who: text(254, 'Official e-mail of a person of the unit, or "desk:" and the name of a desk.'),
          lead: flag('Chủ trì; default true when only one is named.'),
        },
        ['who'],
      ),
    },
    instruction: text(4000, 'Ý kiến chỉ đạo. Stays in the unit.'),
    due: time('Thời hạn.'),
  },
  ['to'],
);
export const taskParams = body(
  { task: { type: 'string', pattern: '^[0-9]{1,15}$', description: 'Id of the task.' } },
  ['task'],
);
export const progressBody = body(
  {
    unit,
    state: {
      type: 'string',
      enum: ['working', 'done'],
      description: 'working: 05; done: 06 when all who lead are done.',
    },
    said: text(4000, 'Tiến độ. Stays in the unit.'),
  },
  ['state'],
);
export const withdrawBody = body({ unit, reason: text(4000, 'Why.') }, ['reason']);
const yes = { type: 'string', enum: ['true', 'false'] } as const;
export const tasksQuery = body({
  unit,
  person: text(254, 'Only of this official e-mail.'),
  id: text(36, 'Only of this arrival (document or envelope id).'),
  open: { ...yes, description: 'true: only what is not finished.' },
  limit,
});
export const dueQuery = body({ unit, all: { ...yes, description: 'true: also what is not near.' }, limit });
export const stampQuery = body({
  unit,
  part: {
    type: 'string',
    pattern: '^[0-9]{1,2}$',
    description: 'Which file, from 0; default the first PDF.',
  },
  at: {
    type: 'string',
    pattern: '^[0-9]{1,3},[0-9]{1,3}$',
    description: 'Upper left corner in mm from that of the page: "12,62", the default.',
  },
});
export const calendarBody = {
  type: 'object',
  required: ['years'],
  description: 'As GET /v1/calendar answers: per year certain, off (from, to, name), work (day, name).',
  properties: { years: { type: 'object', description: 'By year.' } },
} as const;
