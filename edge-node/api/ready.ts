// The checks of /readyz and of "lienthong node status", from the core's status. Pure.
// A hub that cannot be reached is a warning: the node goes on taking documents, which is its purpose.
import { clockBounds } from '../../protocol/grace.ts';
import { backupWarning } from '../../protocol/node/backup-record.ts';
import type { EdgeStatus } from '../core.ts';

export type Check = {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly said?: string;
  readonly saidVi?: string;
};

const DAY_MS = 86_400_000;
const { nodeWarnMs: CLOCK_WARN_MS, nodeFailMs: CLOCK_FAIL_MS } = clockBounds;
const CERTIFICATE_WARN_DAYS = 21;

const bad = (name: string, result: 'warn' | 'fail', said: string, saidVi: string): Check => ({
  name,
  result,
  said,
  saidVi,
});
const megabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)} MB`;
const ok = (name: string): Check => ({ name, result: 'ok' });

export function checksOf(status: EdgeStatus, nowMs: number): readonly Check[] {
  return [
    hub(status),
    disk(status),
    clock(status),
    directory(status, nowMs),
    certificates(status),
    store(status),
    safety(status, nowMs),
    calendar(status, nowMs),
    backup(status, nowMs),
    ...(status.folders.length > 0 ? [folders(status)] : []),
  ];
}

function hub({ hub: { state, words, code } }: EdgeStatus): Check {
  if (state === 'connected') return ok('hub');
  // Another machine runs this node: nothing sent from here is right. A start just after a crash says so too, for seconds.
  if (state === 'superseded' || code === 'node-instance-live')
    return bad('hub', 'fail', `${words.en} (${code ?? ''})`, words.vi);
  return bad('hub', 'warn', `${words.en}${code ? ` (${code})` : ''}`, words.vi);
}

function disk({ disk: { nearlyFull, freeBytes, floorBytes } }: EdgeStatus): Check {
  if (nearlyFull)
    return bad(
      'disk',
      'fail',
      `${megabytes(freeBytes)} free, ${megabytes(floorBytes)} needed: new documents are refused for now, arrivals wait at the hub. Free some space; it goes on by itself.`,
      `Ổ đĩa chỉ còn trống ${megabytes(freeBytes)}, cần ${megabytes(floorBytes)}: tạm không nhận văn bản mới, văn bản đến chờ ở trung tâm. Hãy giải phóng dung lượng; hệ thống tự chạy tiếp.`,
    );
  return freeBytes < 2 * floorBytes
    ? bad('disk', 'warn', `${megabytes(freeBytes)} free`, `Ổ đĩa còn trống ${megabytes(freeBytes)}`)
    : ok('disk');
}

function clock({ clock: { offsetMs }, hub: { code, detail, words } }: EdgeStatus): Check {
  // Said by whoever answers at the enrolment listener: no connection tells more while the clock is that wrong.
  if (code === 'clock-wrong')
    return bad('clock', 'fail', detail ?? words.en, `${words.vi} (${detail ?? ''})`);
  if (offsetMs === undefined || Math.abs(offsetMs) < CLOCK_WARN_MS) return ok('clock');
  const result = Math.abs(offsetMs) < CLOCK_FAIL_MS ? 'warn' : 'fail';
  const seconds = Math.round(offsetMs / 1000);
  return bad(
    'clock',
    result,
    `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the hub; correct it with chrony/NTP`,
    `Đồng hồ máy ${seconds < 0 ? 'chậm' : 'nhanh'} ${Math.abs(seconds)} giây so với trung tâm; chỉnh bằng chrony/NTP`,
  );
}

function directory({ directory: { expiresMs, units } }: EdgeStatus, nowMs: number): Check {
  if (units === 0)
    return bad(
      'directory',
      'fail',
      'no signed directory yet; it comes with the first connection',
      'Chưa có danh bạ; danh bạ về cùng lần kết nối đầu tiên',
    );
  if (expiresMs === undefined || expiresMs > nowMs + 2 * DAY_MS) return ok('directory');
  return expiresMs > nowMs
    ? bad(
        'directory',
        'warn',
        'expires within two days; it is renewed when the hub is reached',
        'Danh bạ hết hạn trong hai ngày tới; tự đổi mới khi kết nối được trung tâm',
      )
    : bad(
        'directory',
        'fail',
        'expired; it is renewed when the hub is reached',
        'Danh bạ đã hết hạn; tự đổi mới khi kết nối được trung tâm',
      );
}

function certificates({ certificates: all }: EdgeStatus): Check {
  // What is not due yet renews by itself when it is; a short life alone is no warning.
  const due = all.filter(({ renewalDue }) => renewalDue).toSorted((a, b) => a.daysLeft - b.daysLeft);
  const worst = due.find(({ byHand, daysLeft }) => !byHand && daysLeft <= CERTIFICATE_WARN_DAYS);
  const shown = due.find(({ byHand }) => byHand);
  if (!worst) return shown ? consoleCertificate(Math.floor(shown.daysLeft)) : ok('certificates');
  const days = Math.floor(worst.daysLeft);
  return bad(
    'certificates',
    worst.daysLeft > 0 ? 'warn' : 'fail',
    days > 0
      ? `${worst.file}: ${days} days left; it renews by itself when the hub is reached`
      : `${worst.file}: expired. Ask the hub for a new invitation and run "lienthong node init"; all data stay.`,
    days > 0
      ? `${worst.file}: còn ${days} ngày; tự gia hạn khi kết nối được trung tâm`
      : `${worst.file}: đã hết hạn. Xin giấy mời mới từ cơ quan đầu mối rồi chạy "lienthong node init"; dữ liệu giữ nguyên.`,
  );
}

/** Nothing of the exchange hangs on it: browsers warn people, documents go on. Said for the whole last third, since people must act. */
function consoleCertificate(days: number): Check {
  const [left, leftVi] =
    days > 0 ? [`${days} days left`, `còn ${days} ngày`] : ['expired', 'đã hết hạn, trình duyệt sẽ cảnh báo'];
  return bad(
    'certificates',
    'warn',
    `the console's certificate: ${left}. Run "lienthong node console-request", have the hub sign it, then "lienthong node console-cert"; an imported one: import the next.`,
    `Chứng thư của trang văn thư: ${leftVi}. Chạy "lienthong node console-request", nhờ trung tâm ký, rồi "lienthong node console-cert"; nếu là chứng thư nhập từ ngoài thì nhập tệp mới.`,
  );
}

/** Nothing that is held keeps the node from working; a scanner that is away and a faulty policy are said. */
function safety({ safety: { held, scanner, policy } }: EdgeStatus, nowMs: number): Check {
  if (scanner.downSinceMs !== undefined) {
    const minutes = Math.floor((nowMs - scanner.downSinceMs) / 60_000);
    return bad(
      'safety',
      'warn',
      `the malware scanner has not answered for ${minutes} min (${scanner.said}); documents wait for it and go on by themselves`,
      `Bộ quét mã độc không trả lời đã ${minutes} phút; văn bản chờ quét, không mất, tự đi tiếp khi bộ quét chạy lại`,
    );
  }
  if (policy.mistake)
    return bad(
      'safety',
      'warn',
      `policy.conf:${policy.mistake.line}: ${policy.mistake.en}; the policy from before stays in force`,
      `policy.conf dòng ${policy.mistake.line}: ${policy.mistake.vi}; chính sách cũ vẫn có hiệu lực`,
    );
  return held > 0
    ? bad(
        'safety',
        'warn',
        `${held} documents are held for a second person: "lienthong node held"`,
        `${held} văn bản bị giữ, chờ người thứ hai: "lienthong node held"`,
      )
    : ok('safety');
}

/** Deadlines count working days: a year without its holidays makes them wrong. In December the next one should be known. */
function calendar({ calendar: { year, known, next } }: EdgeStatus, nowMs: number): Check {
  const wrong = (what: string, whatVi: string) =>
    bad(
      'calendar',
      'warn',
      `${what}; deadlines may be a day off. "lienthong node calendar --import FILE" takes the Government's notice.`,
      `${whatVi}; hạn xử lý có thể lệch. Nhập lịch theo thông báo của Chính phủ: "lienthong node calendar --import TỆP".`,
    );
  if (known === 'weekends')
    return wrong(`no holidays of ${year} are known`, `Chưa có lịch nghỉ lễ năm ${year}`);
  if (known === 'derived')
    return wrong(
      `the holidays of ${year} are derived, not announced`,
      `Lịch nghỉ lễ năm ${year} là suy ra, chưa theo thông báo`,
    );
  const december = new Date(nowMs + 7 * 3_600_000).getUTCMonth() === 11;
  return december && next !== 'certain'
    ? wrong(
        `the holidays of ${Number(year) + 1} are not announced here yet`,
        `Chưa nhập lịch nghỉ lễ năm ${Number(year) + 1}`,
      )
    : ok('calendar');
}

/** Nothing stops without one; what a broken disk takes with it then is for a person to think of in time. */
function backup({ backup: state }: EdgeStatus, nowMs: number): Check {
  const command = 'lienthong node backup --dir DIR --to FOLDER';
  const said = backupWarning(state, { nowMs, command });
  return said ? bad('backup', 'warn', said.en, said.vi) : ok('backup');
}

/** A share that is away, or a mistake that lies in it, keeps the node from nothing else. */
function folders({ folders: all }: EdgeStatus): Check {
  const away = all.find(({ trouble }) => trouble !== undefined);
  if (away)
    return bad(
      'folders',
      'warn',
      `${away.path} cannot be used (${away.trouble}); it goes on by itself`,
      `Thư mục trao đổi ${away.path} không dùng được (${away.trouble}); kiểm tra ổ đĩa chung và quyền; nút tự làm tiếp`,
    );
  const wrong = all.find(({ mistakes }) => mistakes > 0);
  return wrong
    ? bad(
        'folders',
        'warn',
        `${wrong.path}: ${wrong.mistakes} documents are not right; the answers lie beside them (.LOI.txt)`,
        `${wrong.path}: ${wrong.mistakes} văn bản chưa đúng, xem tệp .LOI.txt bên cạnh`,
      )
    : ok('folders');
}

function store({ recovering }: EdgeStatus): Check {
  return recovering
    ? bad('store', 'fail', 'restored; comparing with the hub', 'Vừa khôi phục, đang đối chiếu với trung tâm')
    : ok('store');
}
