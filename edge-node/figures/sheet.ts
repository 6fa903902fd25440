// The figures of a month as a file to take away or print: CSV, XLSX, PDF. Three columns, a line per figure, so that any office's table can take them.
import { type SheetColumn, writeCsv, writeXlsx } from '../../protocol/node/spreadsheet.ts';
import type { Flow, MonthFigures } from '../console/contract-figures.ts';
import type { SheetFile, SheetFormat } from '../office/core.ts';
import { drawPdf, printedText } from '../office/print.ts';
import { named } from '../office/sheets.ts';

export type FigureLine = { readonly group: string; readonly name: string; readonly value: string };

const percent = (permille: number | undefined): string =>
  permille === undefined ? '–' : `${(permille / 10).toFixed(1).replace('.', ',')} %`;
const urgencyWords = ['Thường', 'Khẩn', 'Thượng khẩn', 'Hỏa tốc', 'Hỏa tốc hẹn giờ'];

function flowLines(group: string, flow: Flow, late: string): FigureLine[] {
  const line = (name: string, value: number | string) => ({ group, name, value: String(value) });
  return [
    line('Tổng số', flow.electronic + flow.paper),
    line('Điện tử qua hệ thống', flow.electronic),
    line('Bản giấy', flow.paper),
    line('Tỷ lệ điện tử', percent(flow.sharePermille)),
    line('Điện tử kèm bản giấy', flow.paperFollows),
    line(late, flow.late),
    ...flow.byUrgency.flatMap((count, urgency) =>
      count > 0 ? [line(`Độ khẩn: ${urgencyWords[urgency] ?? urgency}`, count)] : [],
    ),
    ...flow.byKind.map(({ kind, count }) => line(`Loại: ${kind || 'không ghi loại'}`, count)),
    ...flow.byUnit.map(({ code, name, count, late: n }) =>
      line(
        `Đơn vị: ${[name, code && `(${code})`].filter(Boolean).join(' ')}`,
        n > 0 ? `${count} (chậm ${n})` : count,
      ),
    ),
  ];
}

export function figureLines({ sent, received, presence }: MonthFigures): readonly FigureLine[] {
  const line = (group: string, name: string, value: number | string) => ({
    group,
    name,
    value: String(value),
  });
  const rate = (done: number, expected: number) =>
    `${done}/${expected} (${percent(expected === 0 ? undefined : Math.round((done * 1_000) / expected))})`;
  return [
    ...flowLines('Văn bản đi', sent, 'Gửi chậm so với thời hạn'),
    line('Văn bản đi', 'Lượt gửi tới nơi nhận', sent.recipients),
    line('Văn bản đi', 'Đã đến nơi nhận', sent.delivered),
    line('Văn bản đi', 'Bị trả lại', sent.returned),
    line('Văn bản đi', 'Không gửi được', sent.failed),
    ...flowLines('Văn bản đến', received, 'Tiếp nhận chậm so với thời hạn'),
    line('Văn bản đến', 'Đã tiếp nhận', received.accepted),
    line('Văn bản đến', 'Đã trả lại', received.returned),
    line('Văn bản đến', 'Chưa tiếp nhận', received.waiting),
    line('Kiểm tra văn bản 4 lần/ngày', 'Số ngày làm việc', presence.workingDays),
    line('Kiểm tra văn bản 4 lần/ngày', 'Toàn đơn vị', rate(presence.done, presence.expected)),
    ...presence.people.map(({ name, email, done, expected }) =>
      line('Kiểm tra văn bản 4 lần/ngày', `${name} (${email})`, rate(done, expected)),
    ),
  ];
}

export async function figureFile(
  figures: MonthFigures,
  { format, nowMs }: { readonly format: SheetFormat; readonly nowMs: number },
): Promise<SheetFile> {
  const lines = figureLines(figures);
  const [year = '', month = ''] = figures.month.split('-');
  const title = `Thống kê gửi, nhận văn bản tháng ${month}`;
  const file = named(`thong-ke-${figures.month}`, format);
  if (format === 'pdf')
    return file(
      await drawPdf({
        kind: 'register',
        body: figures.unit.name,
        title,
        year: Number(year),
        cover: [`Tháng ${month}/${year}`],
        columns: [
          { title: 'Phần', share: 0.25 },
          { title: 'Chỉ tiêu', share: 0.55 },
          { title: 'Số liệu', share: 0.2, align: 'centre' },
        ],
        rows: lines.map(({ group, name, value }) => ({
          cells: [group, name, value].map((text) => text.normalize('NFC')),
          struck: false,
        })),
        printed: printedText(nowMs),
      }),
    );
  const columns: readonly SheetColumn<FigureLine>[] = [
    { header: 'Phần', type: 'text', width: 28, value: ({ group }) => group },
    { header: 'Chỉ tiêu', type: 'text', width: 60, value: ({ name }) => name },
    { header: 'Số liệu', type: 'text', width: 16, value: ({ value }) => value },
  ];
  return file(
    format === 'csv' ? writeCsv(columns, lines) : await writeXlsx(columns, lines, `${title} ${year}`),
  );
}
