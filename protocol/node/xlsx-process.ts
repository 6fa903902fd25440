// The child that reads or writes one XLSX, with a limit on its memory: 125,000 rows take seconds, and the exchange goes on meanwhile. Not a
// thread: a thread that runs out of memory ends the whole program. Started by spreadsheet.ts, runs when loaded, answers once. Must never
// touch files or the network.
import process from 'node:process';
import readXlsxFile from 'read-excel-file/universal';
import writeXlsxFile from 'write-excel-file/universal';
import { isExchangeError } from '../errors.ts';
import { boundedXlsx, type SheetBounds } from './xlsx-zip.ts';

export type XlsxTask =
  | { readonly kind: 'read'; readonly file: Uint8Array; readonly bounds: SheetBounds }
  | {
      readonly kind: 'write';
      readonly sheet: string;
      readonly columns: readonly {
        readonly header: string;
        readonly type: XlsxType;
        readonly width: number;
      }[];
      readonly rows: readonly (readonly (string | number | null)[])[];
    };
export type XlsxType = 'text' | 'number' | 'date' | 'time';
export type XlsxAnswer =
  | { readonly rows: readonly { readonly line: number; readonly cells: string[] }[] }
  | { readonly file: Uint8Array }
  | {
      readonly code: 'spreadsheet-malformed' | 'spreadsheet-too-large' | 'internal';
      readonly detail: string;
    };

const formats = { date: 'dd/mm/yyyy', time: 'dd/mm/yyyy hh:mm' } as const;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  // A spreadsheet's date has no zone; the reader gives it as UTC.
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return '';
    // Kept as a fraction of a day, which misses the second by less than a millisecond.
    const [day, time = ''] = new Date(Math.round(value.getTime() / 1000) * 1000).toISOString().split(/[TZ]/);
    return time.startsWith('00:00:00') ? `${day}` : `${day} ${time.slice(0, 8)}`;
  }
  return String(value);
}

async function read({ file, bounds }: Extract<XlsxTask, { kind: 'read' }>): Promise<XlsxAnswer> {
  const safe = boundedXlsx(file, bounds);
  try {
    const sheets = await readXlsxFile(new Blob([new Uint8Array(safe)]), { trim: false });
    const rows = (sheets[0]?.data ?? []).map((cells, at) => ({ line: at + 1, cells: cells.map(textOf) }));
    return { rows: rows.filter(({ cells }) => cells.some((cell) => cell !== '')) };
  } catch (error) {
    return {
      code: 'spreadsheet-malformed',
      detail: error instanceof Error ? error.message.slice(0, 200) : '',
    };
  }
}

async function write({ sheet, columns, rows }: Extract<XlsxTask, { kind: 'write' }>): Promise<XlsxAnswer> {
  const cell = (value: string | number | null, type: XlsxType) => {
    if (value === null) return null;
    if (type === 'number') return { value: Number(value), type: Number };
    if (type === 'date' || type === 'time')
      return { value: new Date(value), type: Date, format: formats[type] };
    // Typed as text: nothing in it is ever calculated, and leading zeros stay.
    return { value: String(value), type: String };
  };
  const head = columns.map(({ header }) => ({ value: header, type: String, fontWeight: 'bold' as const }));
  const body = rows.map((row) => columns.map(({ type }, at) => cell(row[at] ?? null, type)));
  const blob = await writeXlsxFile([head, ...body], {
    sheet,
    stickyRowsCount: 1,
    columns: columns.map(({ width }) => ({ width })),
  }).toBlob();
  return { file: new Uint8Array(await blob.arrayBuffer()) };
}

async function answer(task: XlsxTask): Promise<XlsxAnswer> {
  try {
    return await (task.kind === 'read' ? read(task) : write(task));
  } catch (error) {
    if (isExchangeError(error, 'spreadsheet-malformed', 'spreadsheet-too-large'))
      return { code: error.code as 'spreadsheet-malformed', detail: error.detail };
    return { code: 'internal', detail: error instanceof Error ? error.message.slice(0, 200) : '' };
  }
}

process.once('message', (task: XlsxTask) => {
  void answer(task).then((said) => process.send?.(said, () => process.disconnect()));
});
