// `lienthong hub queue|redrive|hold|cancel|alarms|report|peer|upstream|directory`: what is stuck and why, what a person must look at, and
// the other hubs. Requests to admin/routes.ts.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandError, exitCodes, readable, runCommand, wrongUse } from '../bin/output.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import type { QueueLine } from './admin/queue.ts';
import { borderCommands } from './commands-border.ts';
import {
  ageText,
  exits,
  leaf,
  pathPart,
  stateText,
  timeOf,
  timeText,
  wholeNumber,
} from './commands-shared.ts';
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
    'Văn bản đang chờ: theo nơi nhận và thời gian chờ, lỗi gần nhất.\nWhat waits: destination × age, last error in words.',
  )
    .option('--unit <code>', 'liệt kê từng lượt chuyển tới một đơn vị; every delivery of one unit')
    .action((options: Common & { unit?: string }) =>
      runCommand(async (out) => {
        if (options.unit !== undefined) {
          const query = `/admin/v1/deliveries?unit=${pathPart(options.unit)}`;
          const list = await withHub({ dir: options.dir, software }, (request) =>
            request<{ deliveries: Line[] }>('GET', query),
          );
          if (list.deliveries.length === 0) out.say('Không có lượt nào. None.');
          else
            out.table(
              ['Số', 'Từ', 'Nhận lúc', 'Trạng thái', 'Lần thử', 'Hạn chuyển', 'Lỗi gần nhất'],
              list.deliveries.map((row) => [
                String(row.id),
                row.senderCode,
                timeText(row.accepted_ms),
                stateText(row.state),
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
        if (answer.queue.length === 0) out.say('Không có văn bản nào đang chờ. Nothing waits.');
        else
          out.table(
            [
              'Nơi nhận',
              '< 1 giờ',
              '< 1 ngày',
              '< 3 ngày',
              '> 3 ngày',
              'Giữ lại',
              'Chờ lâu nhất',
              'Nút liên lạc lúc',
              'Lỗi gần nhất',
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
    redrive:
      'Cho chuyển lại ngay những lượt đang hoãn hoặc giữ lại.\nWhat is deferred or held is ready at once, with a fresh count of attempts.',
    hold: 'Giữ lại, không chuyển cho tới khi redrive.\nNot handed out until redriven.',
    cancel: 'Huỷ lượt chuyển; nơi gửi nhận thông báo có ký.\nGives up; the sender gets a signed notice.',
  } as const;
  const said: Readonly<Record<string, string>> = {
    redrive: 'Đã cho chuyển lại. Ready again.',
    hold: 'Đã giữ lại; "hub redrive" cho chuyển tiếp. Held.',
    cancel: 'Đã huỷ; nơi gửi nhận thông báo có ký. Cancelled; the sender gets a signed notice.',
  };
  for (const [name, description] of Object.entries(acts))
    leaf(hub, `${name} [ids...]`, description)
      .option('--peer <id>', 'mọi lượt của một nút hoặc trung tâm; all of one node or hub')
      .option('--unit <code>', 'mọi lượt đang chờ của một đơn vị; all that wait for one unit')
      .option(
        '--to <code>',
        'chỉ với redrive: chuyển cho đơn vị kế thừa này; only redrive: the successor that gets it',
      )
      .action((ids: string[], options: Common & { peer?: string; unit?: string; to?: string }) =>
        runCommand(async (out) => {
          const body = {
            ...(ids.length > 0 ? { ids: ids.map(idOf) } : {}),
            ...(options.peer === undefined ? {} : { peer: options.peer }),
            ...(options.unit === undefined ? {} : { unit: options.unit }),
          };
          if (Object.keys(body).length !== 1)
            throw wrongUse(
              'give ids (as "hub queue --unit CODE" shows them), or --unit, or --peer',
              'cần nêu số lượt chuyển (xem "hub queue --unit MÃ"), hoặc --unit, hoặc --peer',
            );
          if (options.to !== undefined && (name !== 'redrive' || options.peer !== undefined))
            throw wrongUse(
              '--to goes with redrive of ids or of a unit',
              '--to chỉ đi với redrive theo số lượt chuyển hoặc --unit',
            );
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<{ peers?: string[]; held?: number; forwarded?: number }>(
              'POST',
              options.to === undefined ? `/admin/v1/${name}` : '/admin/v1/redrive-to',
              options.to === undefined ? body : { ...body, to: options.to },
            ),
          );
          out.answer(done);
          if ((done.forwarded ?? done.held ?? done.peers?.length ?? 0) > 0) {
            out.say(`${said[name]}`);
            return exitCodes.done;
          }
          out.warn(
            'Không có lượt nào phù hợp; không có gì thay đổi. No delivery matches; nothing was changed.',
          );
          return exitCodes.failed;
        }, options),
      );
}

/** As commander's own parser for options: an argument list has none. */
function idOf(text: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(text)) return Number(text);
  throw new CommandError('wrongUse', {
    vi: `"${text}" không phải số lượt chuyển; xem cột "Số" của "hub queue --unit MÃ"`,
    en: `"${text}" is not the number of a delivery; see "hub queue --unit CODE"`,
  });
}

function alarmCommand(hub: Command, software: string): void {
  leaf(hub, 'alarms', 'Cảnh báo cần người xem.\nWhat a person must look at.')
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
          if (answer.alarms.length === 0) out.say('Không có cảnh báo. No alarms.');
          else
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
  leaf(hub, 'report', 'Số liệu theo đơn vị.\nFigures by unit; never titles.')
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
        if (figures.sent.length > 0)
          out.table(
            ['Đơn vị gửi', 'Số văn bản'],
            figures.sent.map(({ code, n }) => [code, String(n)]),
          );
        if (figures.received.length > 0)
          out.table(
            ['Đơn vị nhận', 'Trạng thái', 'Số lượt'],
            figures.received.map(({ code, state, n }) => [code, stateText(state), String(n)]),
          );
        if (figures.refused.length > 0)
          out.table(
            ['Từ chối vì', 'Số'],
            figures.refused.map(({ code, n }) => [code, String(n)]),
          );
        out.answer(figures);
      }, options),
    );
}

function peerCommands(hub: Command, software: string): void {
  const peer = hub
    .command('peer')
    .description('Các nút và trung tâm kết nối vào đây.\nNodes and hubs that connect here.');
  leaf(
    peer,
    'list',
    'Danh sách các nút và trung tâm.\nAll nodes and hubs, and when each was last heard.',
  ).action((options: Common) =>
    runCommand(async (out) => {
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{
          peers: { peer: string; kind: string; state: string; software: string; lastSeenMs: number | null }[];
        }>('GET', '/admin/v1/peers'),
      );
      out.table(
        ['Nút', 'Loại', 'Trạng thái', 'Phần mềm', 'Lần cuối thấy'],
        answer.peers.map((row) => [
          row.peer,
          row.kind === 'hub' ? 'trung tâm (hub)' : 'nút (node)',
          stateText(row.state),
          row.software,
          timeText(row.lastSeenMs),
        ]),
      );
      out.answer(answer);
    }, options),
  );
  leaf(peer, 'add-hub <hubId>', 'Cho trung tâm cấp dưới kết nối.\nLets a hub below connect here.')
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
  const peerActs: Readonly<Record<string, string>> = {
    suspend:
      'Tạm dừng một nút hoặc trung tâm; cắt kết nối ngay.\nSuspends; connections are cut at once, nothing is lost.',
    resume: 'Cho kết nối lại.\nEnds a suspension.',
    close: 'Đóng hẳn; cắt kết nối ngay.\nCloses for good; connections are cut at once.',
  };
  for (const act of Object.keys(peerActs))
    leaf(peer, `${act} <peer>`, peerActs[act]!).action((id: string, options: Common) =>
      runCommand(async (out) => {
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ state: string }>('POST', `/admin/v1/peers/${pathPart(id)}/${act}`),
        );
        out.say(`${id}: ${stateText(done.state)}`);
        out.answer(done);
      }, options),
    );
  const upstream = hub
    .command('upstream')
    .description(
      'Nối lên trung tâm cấp trên, hoặc bỏ nối; các lệnh dưới đây nối ra trục liên thông.\nLinks to the hub above, or cuts that link; the commands below are for borders to the axis.',
    )
    // Not required here: the commands below have their own.
    .option('--dir <dir>', 'thư mục dữ liệu của trung tâm; the data folder of the hub')
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText('after', exits)
    .option('--hub <hubId>', 'mã trung tâm cấp trên; id of the hub above')
    .option('--url <url>', 'địa chỉ trao đổi của nó; https address of its exchange listener')
    .option('--none', 'bỏ nối; top of the tree')
    .action((options: { dir?: string; json?: boolean; hub?: string; url?: string; none?: boolean }) =>
      runCommand(async (out) => {
        if (options.dir === undefined) throw wrongUse('--dir is required', 'thiếu --dir');
        const named = options.hub !== undefined && options.url !== undefined;
        if (named === (options.none === true))
          throw wrongUse('either --hub and --url, or --none', 'cần --hub và --url, hoặc --none');
        const body = named ? { hubId: options.hub, url: options.url } : {};
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ parentHub: string }>('POST', '/admin/v1/upstream', body),
        );
        out.say(`Trung tâm cấp trên (upstream): ${done.parentHub || 'không có (none)'}`);
        out.answer(done);
      }, options),
    );
  borderCommands(hub, upstream, software);
}

function directoryCommands(hub: Command, software: string): void {
  const directory = hub.command('directory').description('Danh bạ có ký.\nThe signed directory.');
  leaf(directory, 'export', 'Ghi danh bạ ra tệp.\nWrites all signed parts into a file.')
    .requiredOption('--out <file>', 'tệp mới; the file')
    .action((options: Common & { out: string }) =>
      runCommand(async (out) => {
        const { stamp, answer } = await withHub({ dir: options.dir, software }, (request) =>
          request<{ stamp: string; answer: string }>('GET', '/admin/v1/directory'),
        );
        writeFileDurable(options.out, Buffer.from(answer, 'base64'), { mode: 0o644 });
        out.say(`Đã ghi (written) ${options.out}: ${stamp}`);
        out.answer({ stamp, file: options.out });
      }, options),
    );
  leaf(
    directory,
    'import <file>',
    'Nhập danh bạ của trung tâm khác.\nTakes verified parts of other hubs.',
  ).action((file: string, options: Common) =>
    runCommand(async (out) => {
      const answer = await readable(file, () => readFileSync(file, 'base64'));
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request<{ newer: number; stamp: string }>('POST', '/admin/v1/directory', { answer }),
      );
      out.say(`Đã nhập; phần mới hơn (newer parts): ${done.newer}`);
      out.answer(done);
    }, options),
  );
}
