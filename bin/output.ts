// What every command says and how it ends: tables, JSON, progress, errors in both languages, exit codes.
// It must never print half a JSON document, a stack trace, or an error without saying who must act; knows nothing of hub or node.
// The commands of hub/ and edge-node/ end here; a script decides on the exit code and on `code`, never on the words.

import process from 'node:process';
import { type ErrorCode, ExchangeError, isExchangeError, type Retry } from '../protocol/errors.ts';
import { isDiskFull } from '../protocol/node/disk-full.ts';
import { toProblem } from '../protocol/problem.ts';

/** 65, 66, 75 and 78 are those of sysexits.h; RestartPreventExitStatus=78 of systemd relies on the last. */
export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  judgedBad: 65,
  unreadable: 66,
  tryLater: 75,
  configuration: 78,
} as const;

type Words = { readonly vi: string; readonly en: string };

/** A command used wrongly, or a file that it was given and could not read: nothing that a peer could ever see. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: number;
  readonly words: Words;
  readonly remedy: Words | undefined;
  constructor(
    exit: 'wrongUse' | 'unreadable' | 'failed' | 'judgedBad' | 'configuration',
    words: Words,
    remedy?: Words,
  ) {
    super(words.en);
    this.exit = exitCodes[exit];
    this.words = words;
    this.remedy = remedy;
  }
}

/** Wrong arguments that commander cannot see. Exit code 2. */
export const wrongUse = (en: string, vi: string): CommandError => new CommandError('wrongUse', { vi, en });

const unreadableCodes: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EPERM']);

/** Runs `read`; a path that cannot be read ends the command with 66 and names the path. */
export async function readable<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!unreadableCodes.has(code)) throw cause;
    throw new CommandError('unreadable', {
      vi: code === 'ENOENT' ? `Không có tệp ${path}` : `Không đọc được tệp ${path} (${code})`,
      en: code === 'ENOENT' ? `There is no file ${path}` : `Cannot read ${path} (${code})`,
    });
  }
}

const pathFaults: Readonly<Record<string, Words>> = {
  EACCES: { vi: 'tài khoản này không có quyền', en: 'this account may not' },
  EPERM: { vi: 'tài khoản này không có quyền', en: 'this account may not' },
  EEXIST: { vi: 'đã có tệp cùng tên', en: 'a file of that name is there' },
  EROFS: { vi: 'ổ đĩa chỉ cho đọc', en: 'the disk is read-only' },
  ENOENT: { vi: 'không có tệp hoặc thư mục này', en: 'there is no such file or folder' },
  ENOTDIR: { vi: 'một phần của đường dẫn không phải thư mục', en: 'a part of the path is no folder' },
  EISDIR: { vi: 'đây là thư mục, không phải tệp', en: 'it is a folder and no file' },
  ELOOP: { vi: 'liên kết vòng', en: 'links that lead in a circle' },
  ENAMETOOLONG: { vi: 'tên quá dài', en: 'the name is too long' },
};

/** A path that the system refuses and that nobody on the way had words for: a folder of another account at `init`, a disk that is mounted read-only. */
function pathError(error: unknown): Error | undefined {
  // A settings file that this account may not read is not wrong.
  const fault = isExchangeError(error, 'config-invalid') ? error.cause : error;
  if (!(fault instanceof Error)) return undefined;
  const { code = '', path } = fault as NodeJS.ErrnoException;
  if (isDiskFull(fault)) return new ExchangeError('disk-nearly-full', path ?? '', { cause: fault });
  const why = pathFaults[code];
  if (!why || path === undefined) return undefined;
  return new CommandError(
    'configuration',
    { vi: `Không dùng được ${path}: ${why.vi} (${code})`, en: `Cannot use ${path}: ${why.en} (${code})` },
    {
      vi: 'Kiểm tra đường dẫn; chạy bằng tài khoản sở hữu thư mục đó (ví dụ sudo -u lienthong …) hoặc chọn thư mục khác.',
      en: 'Check the path; run it as the account that owns the folder (sudo -u lienthong …), or choose another folder.',
    },
  );
}

const configuration: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'config-invalid',
  'dir-missing',
  'dir-exists',
  'dir-in-use',
  'dir-of-another-account',
  'schema-newer',
  'key-file-loose',
  'key-file-missing',
  'at-rest-key-missing',
  'key-file-invalid',
  'key-file-locked',
  'key-passphrase-wrong',
  'recovery-key-wrong',
]);
const judgedBad: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'backup-invalid',
  'p12-refused',
  'store-damaged',
  'content-damaged',
  'proof-invalid',
  'signature-invalid',
  'merkle-proof-invalid',
  'text-binary',
  'text-mixed',
  'text-uncertain',
]);

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exit;
  if (!isExchangeError(error)) return exitCodes.failed;
  if (configuration.has(error.code)) return exitCodes.configuration;
  if (judgedBad.has(error.code)) return exitCodes.judgedBad;
  // A fault of ours is not cured by a script that tries for ever.
  if (error.code === 'internal') return exitCodes.failed;
  return error.row.retry === 'later' ? exitCodes.tryLater : exitCodes.failed;
}

const next: Readonly<Record<Retry, Words>> = {
  never: { vi: 'Hệ thống không tự thử lại.', en: 'The system does not try again.' },
  later: {
    vi: 'Không mất gì; có thể chạy lại đúng lệnh này sau.',
    en: 'Nothing is lost; the same command may be repeated later.',
  },
  operator: {
    vi: 'Hệ thống chờ người xử lý; dữ liệu giữ nguyên.',
    en: 'The system waits until a person has acted; all data stay.',
  },
};

/** Two blocks, Vietnamese first: what happened, what the system does next, what you can do; then the code. */
export function errorText(error: unknown): string {
  if (error instanceof CommandError) {
    const { words, remedy } = error;
    const lines = [words.vi, ...(remedy ? [`  → ${remedy.vi}`] : []), words.en];
    return [...lines, ...(remedy ? [`  → ${remedy.en}`] : [])].join('\n');
  }
  const known = isExchangeError(error) ? error : new ExchangeError('internal', '', { cause: error });
  const { title, remedy, retry } = known.row;
  const fields = (language: 'vi' | 'en') =>
    known.violations.map(
      (each) => `  • ${visible(language === 'vi' ? each.vi : `${each.field} ${each.en}`)}`,
    );
  // What is said field by field is not said twice.
  const said = known.detail && known.violations.length === 0 ? `: ${visible(known.detail)}` : '';
  const wait = known.retryAfterMs === undefined ? '' : ` (≥ ${Math.ceil(known.retryAfterMs / 1000)} s)`;
  const lines = [
    `${title.vi}${said}`,
    ...fields('vi'),
    `  ${next[retry].vi}${wait}`,
    `  → ${remedy.vi}`,
    `${title.en}${said}`,
    ...fields('en'),
    `  ${next[retry].en}${wait}`,
    `  → ${remedy.en}`,
    `(${known.code})`,
  ];
  const cause = causeText(known);
  return cause === '' ? lines.join('\n') : `${lines.join('\n')}\n[${cause}]`;
}

/** A detail may hold words of a peer: no control or direction-changing character reaches the terminal. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) =>
    letter === '\t' ? ' ' : `\\u{${letter.codePointAt(0)!.toString(16)}}`,
  );
}

/** For an option that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** As one writes it on a command line that is to be copied: a folder's name may have spaces. */
export const shellWord = (text: string): string =>
  /^[\p{L}\p{M}\p{N}._/:@%+=,~-]+$/u.test(text) ? text : `'${visible(text).replaceAll("'", `'\\''`)}'`;

/** Only for faults that have no words of their own: without it an operator could not report them. */
function causeText(error: ExchangeError): string {
  const { cause } = error;
  if (!(cause instanceof Error) || isExchangeError(cause)) return '';
  const code = 'code' in cause ? `${String(cause.code)} ` : '';
  return visible(`${code}${cause.message}`.slice(0, 300));
}

export type Progress = {
  /** `done` of the same unit as the total. */
  at(done: number): void;
  end(): void;
};

export type Output = {
  readonly json: boolean;
  /** One line for people, on stdout; nothing with --json. */
  say(line: string): void;
  /** One line for people on stderr, in both modes: warnings, what to do next. */
  warn(line: string): void;
  /** The whole answer of the command with --json, one document; nothing without. */
  answer(value: unknown): void;
  /** Columns aligned by display width; nothing with --json. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  /** On a terminal only; `total` 0 is unknown. */
  progress(label: string, total: number): Progress;
};

/** Combining marks take no place, CJK letters two; the rest of what we print takes one. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text.normalize('NFC')) {
    if (/\p{M}/u.test(letter)) continue;
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(letter)
      ? 2
      : 1;
  }
  return width;
}

function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(visible));
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - widthOf(cell))))
      .join('  ')
      .trimEnd();
  // Without a word at the head the rows speak for themselves.
  return (head.every((cell) => cell === '') ? all.slice(1) : all).map(line).join('\n');
}

/** 1234567 → "1.2 MB". */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** A redraw more often costs the terminal more than the work. */
const PROGRESS_EVERY_MS = 200;

function progressOn(stream: NodeJS.WriteStream, label: string, total: number): Progress {
  if (!stream.isTTY) return { at() {}, end() {} };
  let drawnMs = 0;
  const startedMs = performance.now();
  const draw = (done: number): void => {
    const seconds = Math.max(0.001, (performance.now() - startedMs) / 1000);
    const part = total > 0 ? `${((100 * done) / total).toFixed(0)}%` : bytesText(done);
    stream.write(`\r\x1b[K${label} ${part}  ${bytesText(done / seconds)}/s`);
  };
  return {
    at(done) {
      if (performance.now() - drawnMs < PROGRESS_EVERY_MS) return;
      drawnMs = performance.now();
      draw(done);
    },
    end: () => void stream.write('\r\x1b[K'),
  };
}

export function createOutput(json: boolean): Output {
  const write = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    json,
    say: (line) => (json ? undefined : write(line)),
    warn: (line) => void process.stderr.write(`${line}\n`),
    answer: (value) => (json ? write(JSON.stringify(value, null, 2)) : undefined),
    table: (head, rows) => (json ? undefined : write(tableText(head, rows))),
    progress: (label, total) => progressOn(process.stderr, label, json ? 0 : total),
  };
}

/**
 * The body of every command: `action((args, options) => runCommand((out) => …, options))`. Sets the exit code (a number that `body`
 * returns, else 0) and never throws: an error becomes words on stderr, or with --json a problem document there.
 */
export async function runCommand(
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing.
  body: (out: Output) => Promise<number | void> | number | void,
  options: { readonly json?: boolean } = {},
): Promise<void> {
  const out = createOutput(options.json === true);
  // A reader that went away (`| head`) is no failure.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });
  try {
    process.exitCode = (await body(out)) ?? exitCodes.done;
  } catch (thrown) {
    const error = pathError(thrown) ?? thrown;
    process.exitCode = exitCodeOf(error);
    process.stderr.write(`${out.json ? JSON.stringify(errorJson(error)) : errorText(error)}\n`);
  }
}

function errorJson(error: unknown): unknown {
  if (!(error instanceof CommandError)) return toProblem(error);
  const { words, remedy } = error;
  const rest = remedy ? { remedy: remedy.en, remedyVi: remedy.vi } : {};
  return { title: words.en, titleVi: words.vi, code: 'command', exit: error.exit, ...rest };
}
