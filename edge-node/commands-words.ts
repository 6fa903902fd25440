// What the commands of a node have in common: --dir, --json, exit codes, words for states, times. No command of its own.
import type { Command } from 'commander';
import { CommandError } from '../bin/output.ts';

export const exits =
  '\nMã kết thúc / exit codes: 0 xong / done, 1 bị từ chối / failed or refused, 2 dùng sai / wrong use, 65 dữ liệu hỏng / judged bad, 66 không đọc được / unreadable, 75 thử lại sau / try later, 78 cấu hình / configuration.';

export function withDir(command: Command): Command {
  return command
    .requiredOption('--dir <dir>', 'thư mục dữ liệu của nút; the data folder of the node')
    .option('--json', 'kết quả JSON; one JSON document on stdout, problem documents on stderr')
    .addHelpText('after', exits);
}

/** Vietnam's time, which has no daylight saving. */
export const timeText = (ms: number): string =>
  new Date(ms + 7 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');

export const stateWords: Readonly<Record<string, string>> = {
  queued: 'chờ gửi',
  accepted: 'trung tâm đã nhận',
  relayed: 'đã chuyển tuyến trên',
  delivered: 'đã đến nơi',
  refused: 'bị từ chối',
  undeliverable: 'không chuyển được',
  expired: 'quá hạn',
  cancelled: 'đã huỷ',
  received: 'đã nhận',
};
export const stateText = (state: string): string => `${stateWords[state] ?? ''} (${state})`;

/** An id as `outbox` and `inbox` print it. Wrong use otherwise: the API would answer with a pattern. */
export function idOf(text: string): string {
  const id = text.trim().toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  throw new CommandError(
    'wrongUse',
    { vi: `"${text}" không phải mã văn bản`, en: `"${text}" is not the id of a document` },
    {
      vi: 'Chép mã ở cột cuối của "lienthong outbox" hoặc "lienthong inbox".',
      en: 'Copy it from the last column of "lienthong outbox" or "lienthong inbox".',
    },
  );
}

/** A file that is there is never replaced. */
export const notOverwritten = (path: string): CommandError =>
  new CommandError(
    'failed',
    { vi: `Tệp ${path} đã có, không ghi đè`, en: `${path} is there already and is not overwritten` },
    { vi: 'Chọn tên hoặc thư mục khác.', en: 'Choose another name or folder.' },
  );

/** "?a=b" of what is given; empty when nothing is. */
export const query = (values: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
