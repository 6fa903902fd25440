// "lienthong node status": how the node stands, for a clerk first: each check in a word, then what is wrong and what to do about it.
// Must never judge by itself (api/ready.ts does), nor speak of a line while no process runs.
// Beside the document's path.
import { exitCodes, type Output, visible } from '../bin/output.ts';
import { catalogue, isErrorCode } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { checksOf } from './api/ready.ts';
import { withNode } from './commands-reach.ts';
import type { EdgeStatus } from './core.ts';

const checkNames: Readonly<Record<string, string>> = {
  hub: 'đường tới trung tâm (hub)',
  disk: 'ổ đĩa (disk)',
  clock: 'đồng hồ (clock)',
  directory: 'danh bạ (directory)',
  certificates: 'chứng thư (certificates)',
  store: 'dữ liệu (store)',
};
const checkResults = { ok: 'tốt (ok)', warn: 'CHÚ Ý (warn)', fail: 'LỖI (fail)' } as const;

function alarmText({ code, about, said, count }: EdgeStatus['alarms'][number]): string {
  const words = isErrorCode(code) ? catalogue[code] : undefined;
  const where = `${about} ${said}`.trim();
  if (!words) return `! ${code}: ${where} (×${count})`;
  return `! ${words.title.vi} (${code}, ${where}, ×${count})\n  → ${words.remedy.vi}\n  → ${words.remedy.en}`;
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
        : `Không chạy / not running. Khởi động / to start: lienthong node start --dir ${dir}`,
    );
    out.table(
      ['', ''],
      checks.map(({ name, result }) => [checkNames[name] ?? name, checkResults[result]]),
    );
    for (const { name, result, said, saidVi } of checks)
      if (result !== 'ok')
        out.say(visible(`\n${checkNames[name] ?? name}: ${saidVi ?? ''}\n  ${said ?? ''}`));
    if (node.running && body.hub.detail) out.say(visible(`  [${body.hub.detail}]`));
    out.say(
      `\nChờ gửi / waiting to be sent: ${body.outbox.waiting}; biên nhận chờ gửi / receipts waiting: ${body.receipts.waiting}; đang nhận / fetching: ${body.inbox.fetching}; để riêng / set aside: ${body.inbox.aside}`,
    );
    if (body.outbox.waiting > 0)
      out.say('Văn bản chờ gửi được giữ trên máy này và tự gửi. They are kept here and sent by themselves.');
    for (const alarm of body.alarms) out.say(visible(alarmText(alarm)));
    return checks.some(({ result }) => result === 'fail') ? exitCodes.failed : exitCodes.done;
  });
}
