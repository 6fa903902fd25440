// `lienthong hub queue|redrive|hold|cancel|alarms|report|peer|upstream|directory`: what is stuck and why, what a person must look at, and
// the other hubs. Requests to admin/routes.ts.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readable, runCommand, wrongUse } from '../bin/output.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import type { QueueLine } from './admin/queue.ts';
import { ageText, leaf, pathPart, timeOf, timeText, wholeNumber } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };

export function queueCommands(hub: Command, software: string): void {
  queueCommand(hub, software);
  choiceCommands(hub, software);
  alarmCommand(hub, software);
  reportCommand(hub, software);
  peerCommands(hub, software);
  directoryCommands(hub, software);
}

function queueCommand(hub: Command, software: string): void {
  leaf(
    hub,
    'queue',
    'Văn bản đang chờ: nơi nhận × tuổi, lỗi cuối. What waits: destination × age, last error in words.',
  )
    .option('--unit <code>', 'liệt kê từng lượt của một đơn vị; every delivery of one unit')
    .action((options: Common & { unit?: string }) =>
      runCommand(async (out) => {
        if (options.unit !== undefined) {
          const query = `/admin/v1/deliveries?unit=${pathPart(options.unit)}`;
          const list = await withHub({ dir: options.dir, software }, (request) =>
            request<{ deliveries: Line[] }>('GET', query),
          );
          out.table(
            ['Số', 'Từ', 'Nhận lúc', 'Trạng thái', 'Lần', 'Hạn', 'Lỗi cuối'],
            list.deliveries.map((row) => [
              String(row.id),
              row.senderCode,
              timeText(row.accepted_ms),
              row.state,
              String(row.attempts),
              timeText(row.deadline_ms),
              row.lastError?.vi ?? '',
            ]),
          );
          out.answer(list);
          return;
        }
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ queue: (QueueLine & { code: string })[] }>('GET', '/admin/v1/queue'),
        );
        const nowMs = systemClock.nowMs();
        out.table(
          [
            'Nơi nhận',
            '< 1 giờ',
            '< 1 ngày',
            '< 3 ngày',
            '> 3 ngày',
            'Giữ',
            'Cũ nhất',
            'Nút thấy lúc',
            'Lỗi cuối',
          ],
          answer.queue.map((line) => [
            line.code,
            ...line.byAge.map(String),
            String(line.byState.held ?? 0),
            ageText(nowMs - line.oldestMs),
            timeText(line.lastSeenMs),
            line.lastError?.vi ?? '',
          ]),
        );
        out.answer(answer);
      }, options),
    );
}

type Line = {
  id: number;
  senderCode: string;
  accepted_ms: number;
  state: string;
  attempts: number;
  deadline_ms: number;
  lastError: { vi: string } | null;
};

function choiceCommands(hub: Command, software: string): void {
  const acts = {
    redrive: 'Cho chuyển lại ngay. Ready at once, with a fresh count of attempts.',
    hold: 'Giữ lại, không chuyển. Not handed out until redriven.',
    cancel: 'Huỷ; bên gửi nhận thông báo có ký. Gives up; the sender gets a signed notice.',
  } as const;
  for (const [name, description] of Object.entries(acts))
    leaf(hub, `${name} [ids...]`, description)
      .option('--peer <id>', 'mọi lượt của một nút hoặc trung tâm; all of one node or hub')
      .option('--unit <code>', 'mọi lượt đang chờ của một đơn vị; all that wait for one unit')
      .action((ids: string[], options: Common & { peer?: string; unit?: string }) =>
        runCommand(async (out) => {
          const body = {
            ...(ids.length > 0 ? { ids: ids.map(wholeNumber) } : {}),
            ...(options.peer === undefined ? {} : { peer: options.peer }),
            ...(options.unit === undefined ? {} : { unit: options.unit }),
          };
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<Record<string, unknown>>('POST', `/admin/v1/${name}`, body),
          );
          out.say(`${name}: xong (done)`);
          out.answer(done);
        }, options),
      );
}

function alarmCommand(hub: Command, software: string): void {
  leaf(hub, 'alarms', 'Việc cần người xem. What a person must look at.')
    .option('--all', 'cả cảnh báo đã xem; those seen as well')
    .option('--seen <id>', 'đánh dấu đã xem, 0 là tất cả; marks one as seen, 0 marks all', wholeNumber)
    .action((options: Common & { all?: boolean; seen?: number }) =>
      runCommand(async (out) => {
        await withHub({ dir: options.dir, software }, async (request) => {
          if (options.seen !== undefined)
            await request('POST', '/admin/v1/alarms/seen', { id: options.seen });
          const answer = await request<{
            alarms: { id: number; atMs: number; code: string; about: string; said: string; count: number }[];
          }>('GET', `/admin/v1/alarms${options.all ? '?all=true' : ''}`);
          out.table(
            ['Số', 'Lúc', 'Mã', 'Về', 'Lần', 'Nội dung'],
            answer.alarms.map(({ id, atMs, code, about, said, count }) => [
              String(id),
              timeText(atMs),
              code,
              about,
              String(count),
              said,
            ]),
          );
          out.answer(answer);
        });
      }, options),
    );
}

type Counted = { code: string; n: number };

function reportCommand(hub: Command, software: string): void {
  leaf(hub, 'report', 'Số liệu theo đơn vị. Figures by unit; never titles.')
    .option('--from <date>', 'từ; from', timeOf)
    .option('--to <date>', 'đến; to', timeOf)
    .action((options: Common & { from?: number; to?: number }) =>
      runCommand(async (out) => {
        const query = new URLSearchParams();
        if (options.from !== undefined) query.set('fromMs', String(options.from));
        if (options.to !== undefined) query.set('toMs', String(options.to));
        const figures = await withHub({ dir: options.dir, software }, (request) =>
          request<{
            envelopes: number;
            sent: Counted[];
            received: (Counted & { state: string })[];
            refused: Counted[];
          }>('GET', `/admin/v1/report?${query}`),
        );
        out.say(`Văn bản đã nhận (accepted): ${figures.envelopes}`);
        out.table(
          ['Đơn vị gửi', 'Số'],
          figures.sent.map(({ code, n }) => [code, String(n)]),
        );
        out.table(
          ['Đơn vị nhận', 'Trạng thái', 'Số'],
          figures.received.map(({ code, state, n }) => [code, state, String(n)]),
        );
        out.table(
          ['Từ chối', 'Số'],
          figures.refused.map(({ code, n }) => [code, String(n)]),
        );
        out.answer(figures);
      }, options),
    );
}

function peerCommands(hub: Command, software: string): void {
  const peer = hub
    .command('peer')
    .description('Các nút và trung tâm kết nối vào. Nodes and hubs that connect here.');
  leaf(peer, 'list', 'Danh sách. All of them.').action((options: Common) =>
    runCommand(async (out) => {
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{
          peers: { peer: string; kind: string; state: string; software: string; lastSeenMs: number | null }[];
        }>('GET', '/admin/v1/peers'),
      );
      out.table(
        ['Nút', 'Loại', 'Trạng thái', 'Phần mềm', 'Lần cuối thấy'],
        answer.peers.map((row) => [row.peer, row.kind, row.state, row.software, timeText(row.lastSeenMs)]),
      );
      out.answer(answer);
    }, options),
  );
  leaf(peer, 'add-hub <hubId>', 'Cho trung tâm cấp dưới kết nối. Lets a hub below connect here.')
    .option('--part <file>', 'tệp của "hub directory export" từ trung tâm đó; its exported directory')
    .action((hubId: string, options: Common & { part?: string }) =>
      runCommand(async (out) => {
        const { part: file } = options;
        const part =
          file === undefined ? undefined : await readable(file, () => readFileSync(file, 'base64'));
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ known: boolean }>('POST', '/admin/v1/peers/hub', { hubId, ...(part ? { part } : {}) }),
        );
        out.say(`Đã thêm (added) ${hubId}`);
        if (!done.known)
          out.warn(
            'Chưa có danh bạ của trung tâm đó: nhập bằng "hub directory import". Its directory is not known yet.',
          );
        out.answer(done);
      }, options),
    );
  for (const act of ['suspend', 'resume', 'close'])
    leaf(peer, `${act} <peer>`, `${act}; cắt kết nối ngay. Connections are cut at once.`).action(
      (id: string, options: Common) =>
        runCommand(async (out) => {
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<{ state: string }>('POST', `/admin/v1/peers/${pathPart(id)}/${act}`),
          );
          out.say(`${id}: ${done.state}`);
          out.answer(done);
        }, options),
    );
  leaf(hub, 'upstream', 'Nối lên trung tâm cấp trên, hoặc bỏ nối. Links to the hub above, or cuts that link.')
    .option('--hub <hubId>', 'mã trung tâm cấp trên; id of the hub above')
    .option('--url <url>', 'địa chỉ trao đổi của nó; https address of its exchange listener')
    .option('--none', 'bỏ nối; top of the tree')
    .action((options: Common & { hub?: string; url?: string; none?: boolean }) =>
      runCommand(async (out) => {
        const named = options.hub !== undefined && options.url !== undefined;
        if (named === (options.none === true))
          throw wrongUse('either --hub and --url, or --none', 'cần --hub và --url, hoặc --none');
        const body = named ? { hubId: options.hub, url: options.url } : {};
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ parentHub: string }>('POST', '/admin/v1/upstream', body),
        );
        out.say(`Cấp trên (upstream): ${done.parentHub || '-'}`);
        out.answer(done);
      }, options),
    );
}

function directoryCommands(hub: Command, software: string): void {
  const directory = hub.command('directory').description('Danh bạ có ký. The signed directory.');
  leaf(directory, 'export', 'Ghi ra tệp. Writes all signed parts into a file.')
    .requiredOption('--out <file>', 'tệp mới; the file')
    .action((options: Common & { out: string }) =>
      runCommand(async (out) => {
        const { stamp, answer } = await withHub({ dir: options.dir, software }, (request) =>
          request<{ stamp: string; answer: string }>('GET', '/admin/v1/directory'),
        );
        writeFileDurable(options.out, Buffer.from(answer, 'base64'), { mode: 0o644 });
        out.say(stamp);
        out.answer({ stamp, file: options.out });
      }, options),
    );
  leaf(
    directory,
    'import <file>',
    'Nhập danh bạ của trung tâm khác. Takes verified parts of other hubs.',
  ).action((file: string, options: Common) =>
    runCommand(async (out) => {
      const answer = await readable(file, () => readFileSync(file, 'base64'));
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request<{ newer: number; stamp: string }>('POST', '/admin/v1/directory', { answer }),
      );
      out.say(`Mới hơn (newer): ${done.newer}`);
      out.answer(done);
    }, options),
  );
}
