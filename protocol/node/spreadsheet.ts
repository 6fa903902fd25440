// The one door for tables that people bring and take away: CSV and XLSX. Reading gives text cells by header name with the line they stand on;
// writing takes typed columns. Must never take memory without a bound (ZIP bombs, giant sheets), nor write a cell that runs as a formula.
// Used for units, recipients, registers and reports; never on the path of a document.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type CsvBounds, type CsvSeparator, csvLine, parseCsv, textOfCsv } from '../csv.ts';
import { ExchangeError } from '../errors.ts';
import type { XlsxAnswer, XlsxTask, XlsxType } from './xlsx-process.ts';
import type { SheetBounds } from './xlsx-zip.ts';

/** The national directory is 125,000 rows. Larger: an import could take the memory that exchange needs. */
export const sheetBounds: SheetBounds & CsvBounds & { readonly fileBytesMax: number } = {
  rowsMax: 200_000,
  columnsMax: 64,
  /** What a cell of a spreadsheet program holds at most. */
  cellCharsMax: 32_767,
  fileBytesMax: 64 * 1024 * 1024,
  unpackedBytesMax: 256 * 1024 * 1024,
};
/** The heap of the child that reads or writes an XLSX: 125,000 rows of 10 columns take 700. */
const CHILD_HEAP_MB = 1_200;
/** 125,000 rows take 10 s. */
const CHILD_MS_MAX = 120_000;
/** A header may stand under a title and a date line. */
const HEADER_WITHIN_ROWS = 20;

export type SheetRow = {
  /** As a person counts it in the file, from 1. */
  readonly line: number;
  /** In the order of `headers`, trimmed; '' where there is nothing. Dates of an XLSX are `YYYY-MM-DD`, with a time `YYYY-MM-DD HH:MM:SS`. */
  readonly cells: readonly string[];
};
export type Sheet = {
  readonly format: 'csv' | 'xlsx';
  readonly headers: readonly string[];
  readonly rows: readonly SheetRow[];
  /** Place of the first of these headers that is there, letter case and blanks aside; -1 if none is. */
  column(...names: readonly string[]): number;
};

const plainName = (name: string): string => name.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();

/**
 * The first sheet of an XLSX, or a CSV, told apart by the first bytes. The header is the first row that has one of `headerHas` (any name
 * will do); rows after it are content. Codes: spreadsheet-malformed, spreadsheet-too-large.
 */
export async function readSheet(file: Uint8Array, headerHas: readonly string[]): Promise<Sheet> {
  if (file.length > sheetBounds.fileBytesMax)
    throw new ExchangeError('spreadsheet-too-large', `${file.length} bytes`);
  const xlsx = file[0] === 0x50 && file[1] === 0x4b;
  // The older XLS is an OLE file; so is an XLSX under a password.
  if (file[0] === 0xd0 && file[1] === 0xcf)
    throw new ExchangeError(
      'spreadsheet-malformed',
      'XLS or a file under a password: save it as XLSX without one',
    );
  const rows = xlsx ? await rowsOfXlsx(file) : parseCsv(textOfCsv(file), sheetBounds);
  const wanted = new Set(headerHas.map(plainName));
  const top = rows
    .slice(0, HEADER_WITHIN_ROWS)
    .findIndex(({ cells }) => cells.some((cell) => wanted.has(plainName(cell))));
  if (top < 0) throw new ExchangeError('spreadsheet-malformed', `no column ${headerHas.join(' / ')}`);
  const headers = rows[top]!.cells.map((cell) => cell.normalize('NFC').replace(/\s+/g, ' ').trim());
  const places = new Map<string, number>();
  for (const [at, header] of headers.entries()) {
    if (header === '') continue;
    if (places.has(plainName(header)))
      throw new ExchangeError('spreadsheet-malformed', `two columns ${header.slice(0, 60)}`);
    places.set(plainName(header), at);
  }
  return {
    format: xlsx ? 'xlsx' : 'csv',
    headers,
    rows: rows
      .slice(top + 1)
      .map(({ line, cells }) => ({ line, cells: headers.map((_, at) => (cells[at] ?? '').trim()) })),
    column: (...names) =>
      names.map((name) => places.get(plainName(name))).find((at) => at !== undefined) ?? -1,
  };
}

/** `date` and `time` are milliseconds UTC, shown in Vietnam's time. */
export type SheetColumn<Row> = {
  readonly header: string;
  readonly type: XlsxType;
  /** In letters, for XLSX. */
  readonly width?: number;
  readonly value: (row: Row) => string | number | null | undefined;
};

/** Asia/Ho_Chi_Minh has had no other offset since 1975. */
const VIETNAM_MS = 7 * 3_600_000;

function csvCell(value: string | number | null, type: XlsxType): string | number | null {
  if (value === null || type === 'text') return value === null ? null : String(value);
  if (type === 'number') return Number(value);
  const [, year, month, day, time] =
    /^(\d+)-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(new Date(Number(value) + VIETNAM_MS).toISOString()) ?? [];
  return type === 'date' ? `${day}/${month}/${year}` : `${day}/${month}/${year} ${time}`;
}

/** UTF-8 with BOM, so that spreadsheet programs show Vietnamese; semicolons, which they split on in Vietnam's settings. */
export function writeCsv<Row>(
  columns: readonly SheetColumn<Row>[],
  rows: Iterable<Row>,
  separator: CsvSeparator = ';',
): Buffer {
  const lines = [
    `\ufeff${csvLine(
      columns.map(({ header }) => header),
      separator,
    )}`,
  ];
  for (const row of rows)
    lines.push(
      csvLine(
        columns.map(({ type, value }) => csvCell(value(row) ?? null, type)),
        separator,
      ),
    );
  return Buffer.from(lines.join(''));
}

/** One sheet with a bold first row that stays in sight. `sheet` is at most 31 letters. */
export async function writeXlsx<Row>(
  columns: readonly SheetColumn<Row>[],
  rows: Iterable<Row>,
  sheet: string,
): Promise<Buffer> {
  const written = [...rows].map((row) =>
    columns.map(({ type, value }) => {
      const cell = value(row) ?? null;
      return cell !== null && (type === 'date' || type === 'time') ? Number(cell) + VIETNAM_MS : cell;
    }),
  );
  const answer = await inChild({
    kind: 'write',
    sheet: sheet.replace(/[\\/?*[\]:]/g, ' ').slice(0, 31),
    columns: columns.map(({ header, type, width = 16 }) => ({ header, type, width })),
    rows: written,
  });
  if (!('file' in answer)) throw new Error('no file came back');
  return Buffer.from(answer.file);
}

async function rowsOfXlsx(
  file: Uint8Array,
): Promise<readonly { readonly line: number; readonly cells: string[] }[]> {
  const answer = await inChild({ kind: 'read', file, bounds: sheetBounds });
  if (!('rows' in answer)) throw new Error('no rows came back');
  return answer.rows;
}

/** Throws what the child found; a child out of memory or time is a sheet too large. */
async function inChild(task: XlsxTask): Promise<Exclude<XlsxAnswer, { code: string }>> {
  const child = fork(fileURLToPath(new URL('./xlsx-process.ts', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${CHILD_HEAP_MB}`],
    // What a dying child says of its memory is nobody's business.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: CHILD_MS_MAX,
    killSignal: 'SIGKILL',
  });
  try {
    const answer = await new Promise<XlsxAnswer>((resolve, reject) => {
      child.once('message', (said) => resolve(said as XlsxAnswer));
      child.once('error', reject);
      child.once('exit', () =>
        reject(new ExchangeError('spreadsheet-too-large', 'more than the memory or time set aside for it')),
      );
      child.send(task, (error) => error && reject(error));
    });
    if ('code' in answer) throw new ExchangeError(answer.code, answer.detail);
    return answer;
  } finally {
    child.kill('SIGKILL');
  }
}
