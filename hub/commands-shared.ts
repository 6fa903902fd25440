// What all commands of a hub have in common: --dir, --json, words for states, times in and out. No command of its own.
import { type Command, InvalidArgumentError } from 'commander';
import { account, passphraseFrom } from '../bin/person.ts';
import { setCaller } from './offline.ts';

export const exits =
  '\nMã kết thúc / exit codes: 0 xong / done, 1 bị từ chối / failed or refused, 2 dùng sai / wrong use, 65 dữ liệu hỏng / judged bad, 66 không đọc được / unreadable, 75 thử lại sau / try later, 78 cấu hình / configuration.';

/** A command with the options that each one has. The description is a Vietnamese line and an English one. */
export function leaf(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .requiredOption('--dir <dir>', 'thư mục dữ liệu của trung tâm; the data folder of the hub')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .option('--operator <name>', 'người vận hành đứng tên; the operator in whose name it is done')
    .option('--passphrase-file <file>', 'mật khẩu của người đó (tệp 600); default: typed')
    .addHelpText('after', exits);
}

/** Who runs a command: the account as the system says, and as operator whoever can prove it when the hub is first asked something. */
export function nameCaller(options: { operator?: string; passphraseFile?: string }): void {
  const { operator, passphraseFile } = options;
  setCaller(async () =>
    operator === undefined
      ? account()
      : {
          ...account(),
          operator,
          passphrase: await passphraseFrom(passphraseFile, `Mật khẩu của ${operator} (passphrase)`),
        },
  );
}

const states: Readonly<Record<string, string>> = {
  invited: 'chưa ghi danh',
  unconfirmed: 'chờ xác nhận',
  active: 'đang hoạt động',
  suspended: 'tạm dừng',
  closed: 'đã đóng',
  revoked: 'đã thu hồi',
  ready: 'chờ nhận',
  leased: 'đang chuyển',
  deferred: 'hoãn, sẽ thử lại',
  held: 'giữ lại',
  relayed: 'đã chuyển tiếp',
  delivered: 'đã đến nơi',
  refused: 'bị từ chối',
  undeliverable: 'không chuyển được',
  expired: 'quá hạn',
  cancelled: 'đã huỷ',
};
/** "đang hoạt động (active)": for people the word, for whoever looks it up the state itself. */
export const stateText = (state: string): string => (states[state] ? `${states[state]} (${state})` : state);

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
}

/** 2026-07-01 or 2026-07-01T08:00+07:00; a date alone is its beginning in Vietnam (UTC+7, no summer time). */
export function timeOf(text: string): number {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00+07:00` : text;
  const value = Date.parse(full);
  if (Number.isNaN(value)) throw new InvalidArgumentError('a date as 2026-07-01, or with a time and zone');
  return value;
}

const HOUR_MS = 3_600_000;

/** In Vietnamese time, to the minute. */
export const timeText = (ms: number | null): string =>
  ms === null ? '-' : new Date(ms + 7 * HOUR_MS).toISOString().slice(0, 16).replace('T', ' ');

/** "3 ngày", "5 giờ", "12 phút": how long ago. */
export function ageText(ms: number): string {
  if (ms >= 24 * HOUR_MS) return `${Math.floor(ms / (24 * HOUR_MS))} ngày (d)`;
  if (ms >= HOUR_MS) return `${Math.floor(ms / HOUR_MS)} giờ (h)`;
  return `${Math.max(0, Math.floor(ms / 60_000))} phút (min)`;
}

export const pathPart = (text: string): string => encodeURIComponent(text);
