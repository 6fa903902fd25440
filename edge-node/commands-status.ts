// "lienthong node status": how the node stands, for a clerk first: each check in a word, then what is wrong and what to do about it.
// Must never judge by itself (api/ready.ts does), nor speak of a line while no process runs.
// Beside the document's path.
import { bytesText, exitCodes, type Output, shellWord, visible } from '../bin/output.ts';
import { catalogue, isErrorCode } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { checksOf } from './api/ready.ts';
import { withNode } from './commands-reach.ts';
import { timeText } from './commands-words.ts';
import type { EdgeStatus } from './core.ts';

const checkNames: Readonly<Record<string, string>> = {
  hub: 'đường tới trung tâm (hub)',
  disk: 'ổ đĩa (disk)',
  clock: 'đồng hồ (clock)',
  directory: 'danh bạ (directory)',
  certificates: 'chứng thư (certificates)',
  store: 'dữ liệu (store)',
  safety: 'kiểm tra tệp (safety)',
  calendar: 'lịch ngày nghỉ (calendar)',
  backup: 'sao lưu (backup)',
  folders: 'thư mục trao đổi (folders)',
};
const checkResults = { ok: 'tốt (ok)', warn: 'CHÚ Ý (warn)', fail: 'LỖI (fail)' } as const;

function alarmLines({ code, about, said, count }: EdgeStatus['alarms'][number]): string[] {
  const where = [about, said].filter(Boolean).join(' ');
  if (!isErrorCode(code)) return [`! ${code}: ${where} (×${count})`];
  const { title, remedy } = catalogue[code];
  return [
    `! ${title.vi} (${[code, where].filter(Boolean).join(': ')}, ×${count})`,
    `  → ${remedy.vi}`,
    `  → ${remedy.en}`,
  ];
}

/** The exit code: failed when a check fails. */
export async function status(out: Output, { dir }: { readonly dir: string }): Promise<number> {
  return await withNode(dir, async (node) => {
    const { body } = await node.call<EdgeStatus>('GET', '/v1/status');
    const { body: process } = await node.call<{ local: { host: string; port: number } | null; pid: number }>(
      'GET',
      '/control/node',
    );
    const judged = checksOf(body, systemClock.nowMs());
    // A node that stands still has no line to judge.
    const checks = node.running ? judged : judged.filter(({ name }) => name !== 'hub');
    out.answer({ running: node.running, ...(node.running ? process : {}), checks, ...body });
    const api = process.local ? `, API http://${process.local.host}:${process.local.port}` : '';
    out.say(
      node.running
        ? `Đang chạy / running (pid ${process.pid}${api})`
        : `Không chạy / not running. Khởi động / to start: lienthong node start --dir ${shellWord(dir)}`,
    );
    out.table(
      ['', ''],
      checks.map(({ name, result }) => [checkNames[name] ?? name, checkResults[result]]),
    );
    for (const { name, result, said, saidVi } of checks) {
      if (result === 'ok') continue;
      out.say('');
      out.say(visible(`${checkNames[name] ?? name}: ${saidVi ?? ''}`));
      out.say(visible(`  ${said ?? ''}`));
      // Whose certificate, which address: for whoever looks for the cause.
      if (name === 'hub' && body.hub.detail) out.say(visible(`  [${body.hub.detail}]`));
    }
    out.say(
      `\nChờ gửi / waiting to be sent: ${body.outbox.waiting}; biên nhận chờ gửi / receipts waiting: ${body.receipts.waiting}; đang nhận / fetching: ${body.inbox.fetching}; để riêng / set aside: ${body.inbox.aside}`,
    );
    if (body.outbox.waiting > 0)
      out.say('Văn bản chờ gửi được giữ trên máy này và tự gửi. They are kept here and sent by themselves.');
    out.say(visible(`Dữ liệu lưu trữ / data at rest: ${body.atRest.mode} — ${body.atRest.words.vi}`));
    if (body.atRest.mode !== 'off' && !body.atRest.recoveryConfirmed)
      out.say(
        '! Chưa xác nhận đã cất khoá khôi phục: lienthong at-rest confirm / the recovery key is not confirmed as kept',
      );
    for (const { daysLeft } of body.certificates.filter(({ byHand }) => byHand))
      out.say(
        `Chứng thư của trang văn thư / certificate of the console: ${daysLeft > 0 ? `còn ${daysLeft} ngày / days left` : 'ĐÃ HẾT HẠN / expired'}`,
      );
    const { last } = body.backup;
    if (last)
      out.say(
        visible(
          `Sao lưu gần nhất / last backup: ${timeText(last.madeMs)}, ${bytesText(last.bytes)}, ${last.path}`,
        ),
      );
    if (body.requests.waiting > 0)
      out.say(
        `Yêu cầu thu hồi, cập nhật chờ trả lời / requests of senders to decide: ${body.requests.waiting} (lienthong requests --dir ${shellWord(dir)})`,
      );
    const { scanner, policy, held, checking } = body.safety;
    out.say(
      visible(
        `Quét mã độc / malware scanner: ${scanner.configured ? (scanner.downSinceMs === undefined ? 'có / yes' : 'KHÔNG TRẢ LỜI / away') : 'không cấu hình, tệp ghi "chưa quét" / none, files are marked not scanned'}; chính sách / policy: ${policy.from}; bị giữ / held: ${held}; đang kiểm tra / being checked: ${checking}`,
      ),
    );
    for (const { path, unit, waiting, mistakes, trouble } of body.folders)
      out.say(
        visible(
          `Thư mục trao đổi / watched folder ${path} (${unit}): chờ / waiting ${waiting}, chưa đúng / not right ${mistakes}${trouble ? `; KHÔNG DÙNG ĐƯỢC / unusable: ${trouble}` : ''}`,
        ),
      );
    for (const alarm of body.alarms) for (const line of alarmLines(alarm)) out.say(visible(line));
    return checks.some(({ result }) => result === 'fail') ? exitCodes.failed : exitCodes.done;
  });
}
