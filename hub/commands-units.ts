// `lienthong hub unit …`, `invite`, `confirm`, `revoke`: the operator's acts on units, as requests to admin/unit-routes.ts.
import type { Command } from 'commander';
import { CommandError, collect, runCommand, shellWord } from '../bin/output.ts';
import { directoryCommands } from './commands-directory.ts';
import { reformCommands } from './commands-reforms.ts';
import { leaf, pathPart, stateText, timeOf, timeText, wholeNumber } from './commands-shared.ts';
import { type AdminRequest, withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
const DAY_MS = 86_400_000;

type UnitLine = {
  unit: string;
  code: string;
  name: string;
  state: string;
  node: string | null;
  lastSeenMs: number | null;
  waiting: { words: string; node: string } | null;
};

type UnitPage = { units: UnitLine[]; next: number | null };

export function unitCommands(hub: Command, software: string): void {
  const unit = hub.command('unit').description('Đơn vị của trung tâm.\nUnits of this hub.');
  listCommands(unit, software);
  lifeCommands(unit, software);
  reformCommands(unit, software);
  directoryCommands(hub, unit, software);
  invitationCommands(hub, software);
  revokeCommand(hub, software);
}

function listCommands(unit: Command, software: string): void {
  leaf(unit, 'add <name>', 'Thêm đơn vị.\nAdds a unit; it is known and addressable at once.')
    .requiredOption(
      '--code <code>',
      'mã định danh, mã hiện hành trước; repeatable, the present code first',
      collect,
    )
    .option('--parent <code>', 'đơn vị cấp trên; the unit above it')
    .action((name: string, options: Common & { code: string[]; parent?: string }) =>
      runCommand(async (out) => {
        const { dir, code: codes, parent } = options;
        const done = await withHub({ dir, software }, (request) =>
          request<{ unit: string }>('POST', '/admin/v1/units', {
            name,
            codes,
            ...(parent ? { parent } : {}),
          }),
        );
        out.say(
          `Đã thêm ${name} (${codes.join(', ')}). Tiếp theo (next): lienthong hub invite ${codes[0]} --dir ${shellWord(dir)}`,
        );
        out.answer(done);
      }, options),
    );
  leaf(
    unit,
    'list',
    'Danh sách đơn vị, từng trang một (mặc định 1000).\nUnits of this hub, page by page (1,000 unless --limit says otherwise).',
  )
    .option('--limit <n>', 'Số dòng mỗi trang, tối đa 10000; rows of one page, at most 10,000', wholeNumber)
    .option(
      '--after <n>',
      'Trang sau: số mà trang trước đã nêu; the number that the page before named',
      wholeNumber,
    )
    .option('--state <state>', 'Chỉ trạng thái này; only: active, unconfirmed, suspended, closed, invited')
    .action((options: Common & { limit?: number; after?: number; state?: string }) =>
      runCommand(async (out) => {
        const query = new URLSearchParams();
        for (const name of ['limit', 'after', 'state'] as const)
          if (options[name] !== undefined) query.set(name, String(options[name]));
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<UnitPage>('GET', `/admin/v1/units?${query}`),
        );
        out.table(
          ['Mã', 'Tên', 'Trạng thái', 'Nút', 'Lần cuối thấy', 'Sáu từ chờ xác nhận'],
          answer.units.map(({ code, name, state, node, lastSeenMs, waiting }) => [
            code,
            name,
            stateText(state),
            node ?? '-',
            timeText(lastSeenMs),
            waiting?.words.split('-').join(' ') ?? '',
          ]),
        );
        if (answer.next !== null)
          out.say(`Còn nữa, thêm: --after ${answer.next}\nThere are more: --after ${answer.next}`);
        out.answer(answer);
      }, options),
    );
}

function lifeCommands(unit: Command, software: string): void {
  const acts = {
    suspend: 'Tạm dừng: không gửi, không nhận.\nSuspends: neither sends nor receives; nothing is lost.',
    resume: 'Cho hoạt động lại.\nEnds a suspension.',
  } as const;
  const said: Readonly<Record<string, string>> = {
    suspend: 'đã tạm dừng (suspended)',
    resume: 'hoạt động lại (resumed)',
  };
  for (const [name, description] of Object.entries(acts))
    leaf(unit, `${name} <code>`, description).action((code: string, options: Common) =>
      runCommand(async (out) => {
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ version: number }>('POST', `/admin/v1/units/${pathPart(code)}/${name}`),
        );
        out.say(`${code}: ${said[name]}. Danh bạ bản (directory version) ${done.version}`);
        out.answer(done);
      }, options),
    );
  leaf(unit, 'alias <code> <other>', 'Thêm mã khác (mã cũ).\nAdds another, older code of the same unit.')
    .option('--until <date>', 'còn hiệu lực đến; until when it is valid', timeOf)
    .action((unitCode: string, other: string, options: Common & { until?: number }) =>
      runCommand(async (out) => {
        const body = { code: other, ...(options.until === undefined ? {} : { untilMs: options.until }) };
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ version: number }>('POST', `/admin/v1/units/${pathPart(unitCode)}/alias`, body),
        );
        out.say(`${other} → ${unitCode}`);
        out.answer(done);
      }, options),
    );
}

function invitationCommands(hub: Command, software: string): void {
  leaf(
    hub,
    'invite <code>',
    'Tạo giấy mời dùng một lần cho nút của đơn vị.\nA one-time invitation for the unit’s node.',
  )
    .option('--days <n>', 'số ngày có hiệu lực; days it is good', wholeNumber)
    .action((code: string, options: Common & { days?: number }) =>
      runCommand(async (out) => {
        const body = options.days === undefined ? {} : { validMs: options.days * DAY_MS };
        const made = await withHub({ dir: options.dir, software }, (request) =>
          request<{ invitation: string; expiresMs: number }>(
            'POST',
            `/admin/v1/units/${pathPart(code)}/invite`,
            body,
          ),
        );
        out.say(made.invitation);
        out.warn(
          `Giấy mời của ${code}, có hiệu lực đến ${timeText(made.expiresMs)}. Chỉ hiện một lần; chỉ gửi cho đơn vị đó.\nGood until then, shown once; send it to that unit only.`,
        );
        out.answer(made);
      }, options),
    );
  leaf(
    hub,
    'uninvite <code>',
    'Huỷ giấy mời và ghi danh chưa xác nhận.\nWithdraws what is not confirmed.',
  ).action((code: string, options: Common) =>
    runCommand(async (out) => {
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request<{ closed: number }>('POST', `/admin/v1/units/${pathPart(code)}/uninvite`),
      );
      out.say(`Đã huỷ (withdrawn): ${done.closed}`);
      out.answer(done);
    }, options),
  );
  leaf(
    hub,
    'confirm <code>',
    'Xác nhận sau khi hai bên đọc sáu từ giống nhau.\nConfirms after both sides read the same six words.',
  )
    .option('--words <words>', 'sáu từ mà văn thư đọc; the six words that the clerk reads out')
    .action((code: string, options: Common & { words?: string }) =>
      runCommand(async (out) => {
        const body = options.words === undefined ? {} : { words: options.words };
        const done = await withHub({ dir: options.dir, software }, async (request) => {
          await assertWaiting(request, code, options.words);
          return await request<{ node: string }>('POST', `/admin/v1/units/${pathPart(code)}/confirm`, body);
        });
        out.say(`Đã xác nhận ${code}, nút ${done.node}. Confirmed.`);
        out.answer(done);
      }, options),
    );
}

/** The two mistakes that people make here, in words; the hub judges again, and knows units by other codes too. */
async function assertWaiting(request: AdminRequest, code: string, words: string | undefined): Promise<void> {
  const { units } = await request<UnitPage>('GET', `/admin/v1/units?unit=${pathPart(code)}`);
  const unit = units.find((each) => each.code === code);
  if (unit && !unit.waiting)
    throw new CommandError(
      'failed',
      {
        vi: `${code} không có ghi danh nào đang chờ xác nhận (${stateText(unit.state)})`,
        en: `No enrolment of ${code} waits for confirmation`,
      },
      {
        vi: 'Nếu nút đã được xác nhận thì không cần làm gì; nếu chưa, đơn vị chạy "lienthong node init" với giấy mời trước.',
        en: 'Nothing to do if it was confirmed before; otherwise the office runs "lienthong node init" with its invitation first.',
      },
    );
  const spoken = (text: string) =>
    text
      .toLowerCase()
      .split(/[\s-]+/)
      .filter(Boolean)
      .join(' ');
  if (words === undefined || !unit?.waiting || spoken(words) === spoken(unit.waiting.words)) return;
  throw new CommandError(
    'failed',
    {
      vi: `Sáu từ không khớp; trung tâm thấy: ${spoken(unit.waiting.words)}`,
      en: 'These are not the six words that the hub sees',
    },
    {
      vi: `Nhờ văn thư đọc lại. Nếu vẫn khác, có người đứng giữa: chạy "lienthong hub uninvite ${code}" rồi mời lại.`,
      en: `Have them read out again. If they still differ, someone stands in between: "lienthong hub uninvite ${code}", then invite again.`,
    },
  );
}

function revokeCommand(hub: Command, software: string): void {
  leaf(hub, 'revoke', 'Thu hồi chứng thư và cắt kết nối.\nRevokes certificates and cuts connections.')
    .option(
      '--office <code>',
      'máy của đơn vị bị mất: con dấu và kết nối; a stolen box: the seals of a unit and the connection of its node',
    )
    .option('--serial <hex>', 'một chứng thư; one certificate')
    .option('--unit <code>', 'mọi con dấu của đơn vị; all seals of a unit')
    .option('--node <id>', 'mọi chứng thư kết nối của nút; the connection of a node')
    .option(
      '--from <time>',
      'bị lộ từ lúc; time of the compromise: what was accepted after it is held',
      timeOf,
    )
    .requiredOption('--reason <text>', 'lý do; the reason, for people')
    .action(
      (
        options: Common & {
          serial?: string;
          unit?: string;
          node?: string;
          office?: string;
          from?: number;
          reason: string;
        },
      ) =>
        runCommand(async (out) => {
          const { serial, unit, node, office, from, reason } = options;
          const body = {
            reason,
            ...(serial === undefined ? {} : { serial }),
            ...(unit === undefined ? {} : { unit }),
            ...(node === undefined ? {} : { node }),
            ...(office === undefined ? {} : { office }),
            ...(from === undefined ? {} : { fromMs: from }),
          };
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<{ serials: string[]; cut: string[]; held: number; delivered: number }>(
              'POST',
              '/admin/v1/revoke',
              body,
            ),
          );
          out.say(`Đã thu hồi (revoked): ${done.serials.join(', ')}`);
          if (done.held > 0)
            out.warn(
              `${done.held} lượt chuyển được giữ lại chờ người xem: lienthong hub queue. Deliveries are held for a person.`,
            );
          if (done.delivered > 0)
            out.warn(
              `${done.delivered} lượt đã tới nơi nhận sau thời điểm đó: báo cho nơi nhận. Already delivered after that time: tell the recipients.`,
            );
          out.answer(done);
        }, options),
    );
}
