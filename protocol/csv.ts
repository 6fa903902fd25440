// CSV (RFC 4180) as offices' spreadsheet programs write and read it: comma, semicolon or tab, UTF-8 with BOM, CRLF. Pure.
// Must never write a cell that a spreadsheet program runs as a formula, nor guess at a legacy encoding: that text is refused with the remedy.
import { ExchangeError } from './errors.ts';

export type CsvSeparator = ',' | ';' | '\t';
export type CsvRow = { readonly line: number; readonly cells: string[] };
export type CsvBounds = {
  readonly rowsMax: number;
  readonly columnsMax: number;
  readonly cellCharsMax: number;
};

const malformed = (why: string) => new ExchangeError('spreadsheet-malformed', why);
const tooLarge = (why: string) => new ExchangeError('spreadsheet-too-large', why);

/** A first letter that makes a spreadsheet program calculate instead of show (OWASP CSV injection); behind apostrophes too, so that ours comes off again. */
const RUNS = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** UTF-8 with or without BOM, or UTF-16LE with BOM ("Unicode text" of spreadsheet programs). Codes: spreadsheet-malformed. */
export function textOfCsv(bytes: Uint8Array): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the text is not UTF-8');
  }
}

/** The sign that stands most often outside quotes in the first line that has any. `sep=;` of spreadsheet programs is obeyed. */
function separatorOf(text: string): { separator: CsvSeparator; from: number } {
  const said = /^sep=([,;\t])\r?\n/i.exec(text);
  if (said) return { separator: said[1] as CsvSeparator, from: said[0].length };
  const counts = { ',': 0, ';': 0, '\t': 0 };
  let quoted = false;
  // Far enough for title lines over the header; a quoted text may span lines.
  for (const letter of text.slice(0, 64 * 1024)) {
    if (letter === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (letter === '\n' && Object.values(counts).some((n) => n > 0)) break;
    else if (letter in counts) counts[letter as CsvSeparator] += 1;
  }
  const [best] = (Object.entries(counts) as [CsvSeparator, number][]).sort((a, b) => b[1] - a[1]);
  return { separator: best?.[1] ? best[0] : ',', from: 0 };
}

/** Rows with the line they begin on, from 1; blank lines are left out. Codes: spreadsheet-malformed, spreadsheet-too-large. */
export function parseCsv(text: string, bounds: CsvBounds): CsvRow[] {
  const { separator, from } = separatorOf(text);
  const rows: CsvRow[] = [];
  let at = from;
  let line = from > 0 ? 2 : 1;
  let cells: string[] = [];
  let rowLine = line;

  function endRow(): void {
    if (cells.some((cell) => cell !== '')) {
      if (rows.length >= bounds.rowsMax) throw tooLarge(`more than ${bounds.rowsMax} rows`);
      rows.push({ line: rowLine, cells });
    }
    cells = [];
    line += 1;
    rowLine = line;
  }

  function addCell(cell: string): void {
    if (cells.length >= bounds.columnsMax)
      throw tooLarge(`line ${rowLine}: more than ${bounds.columnsMax} columns`);
    if (cell.length > bounds.cellCharsMax)
      throw tooLarge(`line ${rowLine}: a cell of more than ${bounds.cellCharsMax} characters`);
    // What writeCsv put in front, taken off again.
    cells.push(cell[0] === "'" && RUNS.test(cell) ? cell.slice(1) : cell);
  }

  /** From after the opening quote; leaves `at` behind the closing one. */
  function quotedCell(): string {
    let cell = '';
    for (;;) {
      const end = text.indexOf('"', at);
      if (end < 0) throw malformed(`line ${rowLine}: a quotation mark is not closed`);
      const piece = text.slice(at, end);
      for (let n = piece.indexOf('\n'); n >= 0; n = piece.indexOf('\n', n + 1)) line += 1;
      cell += piece;
      at = end + 1;
      if (text[at] !== '"') return cell;
      cell += '"';
      at += 1;
    }
  }

  const plain = new RegExp(`[${separator}\r\n]`, 'g');
  while (at < text.length) {
    if (text[at] === '"') {
      at += 1;
      addCell(quotedCell());
      if (at < text.length && text[at] !== separator && text[at] !== '\r' && text[at] !== '\n')
        throw malformed(`line ${line}: text after a closing quotation mark`);
    } else {
      plain.lastIndex = at;
      const end = plain.exec(text)?.index ?? text.length;
      addCell(text.slice(at, end));
      at = end;
    }
    if (text[at] === separator) {
      at += 1;
      // A separator at the very end still has an empty cell behind it.
      if (at === text.length || text[at] === '\r' || text[at] === '\n') addCell('');
      else continue;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    endRow();
  }
  return rows;
}

/** One line with its CRLF. Text that would run as a formula gets an apostrophe in front, which parseCsv takes off; numbers stay numbers. */
export function csvLine(
  cells: readonly (string | number | boolean | null)[],
  separator: CsvSeparator,
): string {
  const written = cells.map((cell) => {
    if (cell === null) return '';
    if (typeof cell !== 'string') return String(cell);
    const safe = RUNS.test(cell) ? `'${cell}` : cell;
    // Blanks at the ends are kept only inside quotes by some readers.
    return /["\r\n,;\t]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${written.join(separator)}\r\n`;
}
