// A book as a file: CSV, XLSX or PDF, with the columns that Decree 30/2020 Appendix IV asks for. The follow-up register is derived: the incoming
// book, who has each document, until when, how far it is, and with which number it was answered.
import { dayOf } from '../../protocol/calendar/working-days.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { type SheetColumn, writeCsv, writeXlsx } from '../../protocol/node/spreadsheet.ts';
import type { EdgeContext } from '../context.ts';
import type { SheetFile, SheetFormat, SheetKind } from './core.ts';
import { serialText } from './entries.ts';
import { drawPdf, printedText } from './print.ts';
import type { Book, EntryRow, TaskRow } from './register-reads.ts';

type ColumnOf<Row> = {
  readonly title: string;
  readonly share: number;
  readonly align?: 'centre';
  readonly width: number;
  readonly value: (row: Row) => string;
};
type Column = ColumnOf<EntryRow>;
/** What the columns of the incoming book read; `registered`: its number as text, '' where there is none yet. */
export type IncomingLine = { readonly registered: string } & Pick<
  EntryRow,
  | 'day'
  | 'author'
  | 'notation'
  | 'issue_day'
  | 'type'
  | 'subject'
  | 'places'
  | 'forwarded_day'
  | 'receipt'
  | 'note'
  | 'struck'
  | 'erased'
>;

type LineText = Pick<EntryRow, 'type' | 'subject' | 'note' | 'struck' | 'erased'>;

/** 2026-11-22 -> 22/11/2026. */
export const dayText = (day: string): string => day.replace(/^(\d{4})-(\d{2})-(\d{2})$/, '$3/$2/$1');
const kindAndSubject = ({ type, subject }: LineText): string => [type, subject].filter(Boolean).join(': ');
const noteText = ({ note, struck, erased }: LineText): string =>
  [note, struck === null ? '' : `Hủy: ${struck}`, erased ? 'Văn bản đã thu hồi' : '']
    .filter(Boolean)
    .join('; ');
const numberText = (row: EntryRow): string => row.notation || serialText(row);

const column = <Row>(
  title: string,
  share: number,
  width: number,
  value: (row: Row) => string,
  align?: 'centre',
): ColumnOf<Row> => ({
  title,
  share,
  width,
  value,
  ...(align ? { align } : {}),
});
const noteColumn = column('Ghi chú', 0.08, 24, (row: LineText) => noteText(row));

export const incomingColumns: readonly ColumnOf<IncomingLine>[] = [
  column('Ngày đến', 0.075, 12, ({ day }) => dayText(day), 'centre'),
  column('Số đến', 0.05, 8, ({ registered }) => registered, 'centre'),
  column('Tác giả', 0.13, 30, ({ author }) => author),
  column('Số, ký hiệu văn bản', 0.1, 18, ({ notation }) => notation),
  column('Ngày tháng văn bản', 0.075, 12, ({ issue_day }) => dayText(issue_day), 'centre'),
  column('Tên loại và trích yếu nội dung văn bản', 0.25, 60, kindAndSubject),
  column('Đơn vị hoặc người nhận', 0.105, 24, ({ places }) => places),
  column('Ngày chuyển', 0.075, 12, ({ forwarded_day }) => dayText(forwarded_day), 'centre'),
  column('Ký nhận', 0.06, 12, ({ receipt }) => receipt),
  noteColumn,
];
const incoming = incomingColumns.map(
  ({ value, ...rest }): Column => ({
    ...rest,
    value: (row) => value({ ...row, registered: serialText(row) }),
  }),
);
const outgoing: readonly Column[] = [
  column('Số, ký hiệu văn bản', 0.1, 18, numberText),
  column('Ngày tháng văn bản', 0.075, 12, ({ issue_day }) => dayText(issue_day), 'centre'),
  column('Tên loại và trích yếu nội dung văn bản', 0.25, 60, kindAndSubject),
  column('Người ký', 0.1, 20, ({ signer }) => signer),
  column('Nơi nhận văn bản', 0.15, 40, ({ places }) => places),
  column('Đơn vị, người nhận bản lưu', 0.08, 16, ({ keeper }) => keeper),
  column('Số lượng bản', 0.045, 8, ({ copies }) => (copies > 0 ? String(copies) : ''), 'centre'),
  column('Ngày chuyển', 0.075, 12, ({ day }) => dayText(day), 'centre'),
  column('Ký nhận', 0.045, 12, ({ receipt }) => receipt),
  noteColumn,
];

const stateWords: Readonly<Record<TaskRow['state'], string>> = {
  given: 'đã giao',
  working: 'đang xử lý',
  done: 'hoàn thành',
  withdrawn: 'đã rút lại',
};

function followUp(unit: string, context: EdgeContext): readonly Column[] {
  const { store } = context;
  const answers = store.answersSent(unit);
  let last: { readonly entry: number; readonly tasks: readonly TaskRow[] } = { entry: 0, tasks: [] };
  /** Columns ask for the tasks of one row after the other. */
  const tasksOf = (row: EntryRow): readonly TaskRow[] => {
    if (last.entry !== row.id)
      last = {
        entry: row.id,
        tasks: row.document_id && row.sender ? store.tasksOf(unit, row.sender, row.document_id) : [],
      };
    return last.tasks;
  };
  const nameOf = ({ person, desk }: TaskRow): string =>
    person === '' ? desk : (store.personByEmail(person)?.name ?? person);
  return [
    column('Số đến', 0.06, 8, serialText, 'centre'),
    column('Văn bản (tên loại, số và ký hiệu, ngày tháng, tác giả)', 0.33, 60, (row) =>
      [kindAndSubject(row), [row.notation, dayText(row.issue_day)].filter(Boolean).join(' ngày '), row.author]
        .filter(Boolean)
        .join('\n'),
    ),
    column('Đơn vị hoặc người nhận', 0.16, 30, (row) => tasksOf(row).map(nameOf).join('\n') || row.places),
    column(
      'Thời hạn giải quyết',
      0.1,
      16,
      (row) => {
        const given = tasksOf(row).flatMap(({ due_ms }) => (due_ms === null ? [] : [due_ms]));
        const own =
          row.document_id && row.sender ? store.acceptedDueOf(unit, row.sender, row.document_id) : undefined;
        const terms = given.length === 0 && own !== undefined ? [own] : given;
        return [...new Set(terms.map((dueMs) => dayText(dayOf(dueMs))))].join('\n');
      },
      'centre',
    ),
    column('Tiến độ giải quyết', 0.15, 30, (row) =>
      tasksOf(row)
        .map(({ state, progress }) => [stateWords[state], progress].filter(Boolean).join(': '))
        .join('\n'),
    ),
    column('Số, ký hiệu văn bản trả lời', 0.12, 18, (row) =>
      row.document_id ? (answers.get(uuidFromBytes(row.document_id)) ?? '') : '',
    ),
    noteColumn,
  ];
}

const titles: Readonly<Record<SheetKind, string>> = {
  in: 'Sổ đăng ký văn bản đến',
  out: 'Sổ đăng ký văn bản đi',
  followup: 'Sổ theo dõi giải quyết văn bản đến',
};
const fileNames: Readonly<Record<SheetKind, string>> = {
  in: 'so-van-ban-den',
  out: 'so-van-ban-di',
  followup: 'so-theo-doi',
};
const mediaTypes: Readonly<Record<SheetFormat, string>> = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pdf: 'application/pdf',
};
/** A drawn or written sheet under its name, without the ending. */
export const named =
  (stem: string, format: SheetFormat) =>
  (bytes: Uint8Array): SheetFile => ({ name: `${stem}.${format}`, mediaType: mediaTypes[format], bytes });

export async function sheetFile(
  { book, sheet, format }: { readonly book: Book; readonly sheet: SheetKind; readonly format: SheetFormat },
  context: EdgeContext,
): Promise<SheetFile> {
  const columns = sheet === 'in' ? incoming : sheet === 'out' ? outgoing : followUp(book.unit, context);
  const rows = context.store.entriesOf(book.id);
  const file = named(`${fileNames[sheet]}-${book.year}${book.code && `-${book.code}`}`, format);
  if (format === 'pdf') return file(await printed(book, sheet, columns, context));
  const cells = columns.map(
    ({ title, width, value }): SheetColumn<EntryRow> => ({ header: title, type: 'text', width, value }),
  );
  return file(
    format === 'csv' ? writeCsv(cells, rows) : await writeXlsx(cells, rows, `${titles[sheet]} ${book.year}`),
  );
}

async function printed(
  book: Book,
  sheet: SheetKind,
  columns: readonly Column[],
  context: EdgeContext,
): Promise<Uint8Array> {
  const { store, directory, clock } = context;
  const rows: { cells: string[]; struck: boolean }[] = [];
  let [first, final]: (EntryRow | undefined)[] = [];
  const days: string[] = [];
  for (const row of store.entriesOf(book.id)) {
    first ??= row;
    final = row;
    if (days.length === 0 || row.day < days[0]!) days[0] = row.day;
    if (days.length < 2 || row.day > days[1]!) days[1] = row.day;
    rows.push({
      cells: columns.map(({ value }) => value(row).normalize('NFC')),
      struck: row.struck !== null,
    });
  }
  const cover =
    first && final
      ? [
          `Từ số ${serialText(first)} đến số ${serialText(final)}`,
          `Từ ngày ${dayText(days[0]!)} đến ngày ${dayText(days[1]!)}`,
          ...(book.code ? [`Quyển: ${book.code}`] : []),
          ...(book.closed_ms === null ? [] : [`Đã khóa sổ ngày ${dayText(dayOf(book.closed_ms))}`]),
        ]
      : ['Chưa có dòng nào'];
  return await drawPdf({
    kind: 'register',
    body: directory.current().unit(book.unit)?.name ?? '',
    title: titles[sheet],
    year: book.year,
    cover,
    columns: columns.map(({ title, share, align }) => ({ title, share, ...(align ? { align } : {}) })),
    rows,
    printed: printedText(clock.nowMs()),
  });
}
