// The daily digest: once a working day, what is open at each unit in numbers, to those who are told of urgent documents and to the heads of the unit.
// Never anything of a document. A day that the node slept through is not made up for: the next one says how it stands then.
import { createCalendar, dayOf, momentOf } from '../../protocol/calendar/working-days.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import type { Edge } from '../core.ts';
import type { DigestCounts } from './contract-figures.ts';

const lookEveryMs = 60_000;
/** Later than this after its time it is told no more on that day: the office has closed. */
const lateMsMax = 3 * 3_600_000;

export type DigestConfig = { readonly at: string };
export type Told = {
  readonly subject: string;
  readonly text: string;
  readonly unit: string;
  readonly to: readonly string[];
  readonly counts: DigestCounts;
};

const lines: readonly (readonly [keyof DigestCounts, string])[] = [
  ['waiting', 'Văn bản đến chờ tiếp nhận'],
  ['requests', 'Yêu cầu lấy lại, cập nhật chờ trả lời'],
  ['open', 'Việc đang mở'],
  ['near', 'Việc sắp đến hạn'],
  ['late', 'Việc quá hạn'],
  ['dueLate', 'Thời hạn của đơn vị đã quá'],
  ['unsent', 'Văn bản đi chưa gửi được'],
  ['failed', 'Văn bản đi không tới nơi'],
  ['held', 'Văn bản bị giữ lại để xét'],
];

export function digestText(counts: DigestCounts, url: string): string {
  const said = lines
    .filter(([name]) => counts[name] > 0)
    .map(([name, words]) => `- ${words}: ${counts[name]}`);
  return [
    said.length === 0 ? 'Không còn việc nào chờ xử lý.' : 'Việc đang chờ:',
    ...said,
    '',
    `Kiểm tra văn bản hôm nay: ${counts.looked}/${counts.expected} lượt.`,
    '',
    `Mở trang của nút để xem: ${url}`,
    '',
  ].join('\n');
}

export function startDigest(
  config: DigestConfig,
  {
    edge,
    clock,
    log,
    url,
    tell,
  }: {
    readonly edge: Edge;
    readonly clock: Clock;
    readonly log: Log;
    readonly url: string;
    readonly tell: (told: Told) => Promise<void>;
  },
): WorkLoop {
  return startWorker({
    clock,
    random: () => 0.5,
    idleMs: lookEveryMs,
    async step() {
      const nowMs = clock.nowMs();
      const day = dayOf(nowMs);
      const dueMs = momentOf(day, config.at);
      if (nowMs < dueMs || nowMs > dueMs + lateMsMax) return 'idle';
      if (!createCalendar({ years: edge.office.calendar().years }).isWorkingDay(day)) return 'idle';
      // Claimed before it is told: a mail server that hangs may cost one digest, never a hundred.
      if (!(await edge.desk.figures.claimDigest(day))) return 'idle';
      for (const { unit, name } of edge.units()) {
        const counts = await edge.desk.figures.digest(unit);
        const heads = edge.people
          .list(unit)
          .filter(({ state, roles }) => state === 'active' && roles.includes('leader'))
          .map(({ email }) => email);
        await tell({
          subject: `Việc trong ngày: ${name}`,
          text: digestText(counts, url),
          unit,
          to: heads,
          counts,
        });
      }
      return 'idle';
    },
    onError: (error, waitMs) => log.warn({ event: 'worker.waiting', worker: 'digest', waitMs, err: error }),
  });
}
