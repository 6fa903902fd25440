// `lienthong hub unit rename|merge|split|close|move|handover`, `hub unit reforms`: reforms of units, now or on a day to come, as requests to
// admin/reform-routes.ts. Each one is a signed act; nothing is decided here.
import type { Command } from 'commander';
import { runCommand } from '../bin/output.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { writeCsv } from '../protocol/node/spreadsheet.ts';
import { leaf, pathPart, timeOf, timeText, wholeNumber } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type Timed = Common & { on?: number };
type Done = { version: number; planned?: number };

const onOption = [
  '--on <date>',
  'ngày có hiệu lực, có thể ở tương lai; the day it takes force (default: now)',
  timeOf,
] as const;
const when = ({ on }: Timed) => (on === undefined ? {} : { effectiveMs: on });

/** What was done, or that it waits for its day. */
function saidOf(what: string, done: Done, options: Timed): string {
  return done.planned === undefined
    ? `${what}. Danh bạ bản (directory version) ${done.version}`
    : `${what}: đã ký, có hiệu lực từ ${timeText(options.on ?? null)} (takes force then), số (number) ${done.planned}. Danh bạ bản (directory version) ${done.version}`;
}

export function reformCommands(unit: Command, software: string): void {
  const post = async (options: Timed, path: string, body: object): Promise<Done> =>
    await withHub({ dir: options.dir, software }, (request) =>
      request<Done>('POST', path, { ...body, ...when(options) }),
    );
  const run = (options: Timed, said: string, path: string, body: object) =>
    runCommand(async (out) => {
      const done = await post(options, path, body);
      out.say(saidOf(said, done, options));
      out.answer(done);
    }, options);

  leaf(
    unit,
    'rename <code>',
    'Đổi tên hoặc mã.\nNew name, new code, or both; the old code stays valid for a year.',
  )
    .option('--name <name>', 'tên mới; new name')
    .option('--code <code>', 'mã mới; new code')
    .option('--old-until <date>', 'mã cũ còn hiệu lực đến; until when the old code is valid', timeOf)
    .option(...onOption)
    .action((unitCode: string, options: Timed & { name?: string; code?: string; oldUntil?: number }) =>
      run(options, `${unitCode}: đã đổi (renamed)`, `/admin/v1/units/${pathPart(unitCode)}/rename`, {
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.code === undefined ? {} : { code: options.code }),
        ...(options.oldUntil === undefined ? {} : { oldCodeUntilMs: options.oldUntil }),
      }),
    );
  leaf(
    unit,
    'merge <codes...>',
    'Sáp nhập các đơn vị này vào --into.\nCloses these units; their documents go to --into.',
  )
    .requiredOption('--into <code>', 'đơn vị kế thừa; the successor')
    .option('--until <date>', 'chuyển tiếp đến ngày; forwards until then (default: for ever)', timeOf)
    .option(...onOption)
    .action((codes: string[], options: Timed & { into: string; until?: number }) =>
      run(options, `${codes.join(', ')} → ${options.into}`, '/admin/v1/units/merge', {
        units: codes,
        into: options.into,
        ...(options.until === undefined ? {} : { untilMs: options.until }),
      }),
    );
  leaf(
    unit,
    'split <code>',
    'Chia đơn vị thành nhiều đơn vị kế thừa.\nCloses the unit; its documents wait until one of its successors is chosen (hub redrive --to).',
  )
    .requiredOption('--into <codes...>', 'các đơn vị kế thừa; the successors, two or more')
    .option('--until <date>', 'hỏi lại đến ngày; asked about until then (default: for ever)', timeOf)
    .option(...onOption)
    .action((code: string, options: Timed & { into: string[]; until?: number }) =>
      run(options, `${code} → ${options.into.join(' + ')}`, `/admin/v1/units/${pathPart(code)}/split`, {
        into: options.into,
        ...(options.until === undefined ? {} : { untilMs: options.until }),
      }),
    );
  leaf(unit, 'close <code>', 'Đóng hẳn, không có đơn vị kế thừa.\nCloses for good, without a successor.')
    .option(...onOption)
    .action((code: string, options: Timed) =>
      run(options, `${code}: đóng (closed)`, `/admin/v1/units/${pathPart(code)}/close`, {}),
    );
  leaf(unit, 'move <codes...>', 'Chuyển sang đơn vị cấp trên khác.\nPuts units under another parent unit.')
    .option('--parent <code>', 'đơn vị cấp trên mới; the new parent (default: none)')
    .option(...onOption)
    .action((codes: string[], options: Timed & { parent?: string }) =>
      run(
        options,
        `${codes.join(', ')}: cấp trên (parent) ${options.parent ?? '-'}`,
        '/admin/v1/units/move',
        {
          units: codes,
          ...(options.parent === undefined ? {} : { parent: options.parent }),
        },
      ),
    );
  leaf(
    unit,
    'handover <codes...>',
    'Bàn giao đơn vị cho trung tâm khác (bỏ cấp huyện).\nHands units over to another hub, which lists them from then on; see OPERATIONS.',
  )
    .requiredOption('--hub <id>', 'mã trung tâm tiếp nhận; the hub that takes over')
    .option(...onOption)
    .action((codes: string[], options: Timed & { hub: string }) =>
      run(options, `${codes.length} đơn vị → ${options.hub}`, '/admin/v1/units/handover', {
        units: codes,
        hub: options.hub,
      }),
    );
  adoptCommand(unit, software);
  listCommand(unit, software);
}

type Adopted = {
  adopted: number;
  handed: number;
  invitations: { code: string; name: string; invitation: string; expiresMs: number }[];
};

function adoptCommand(unit: Command, software: string): void {
  leaf(
    unit,
    'adopt',
    'Tiếp nhận các đơn vị mà trung tâm khác đã bàn giao.\nTakes over the units that another hub has handed over to this one.',
  )
    .requiredOption('--from <id>', 'mã trung tâm bàn giao; the hub that handed them over')
    .option(
      '--invitations <file>',
      'ghi giấy mời cho từng nút ra tệp CSV; writes an invitation for each node to a CSV',
    )
    .option(
      '--days <n>',
      'giấy mời có hiệu lực, mặc định 30 ngày; days the invitations are good',
      wholeNumber,
    )
    .action((options: Common & { from: string; invitations?: string; days?: number }) =>
      runCommand(async (out) => {
        const { from, invitations, days } = options;
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<Adopted>('POST', '/admin/v1/units/adopt', {
            from,
            invite: invitations !== undefined,
            ...(days === undefined ? {} : { validMs: days * 86_400_000 }),
          }),
        );
        if (invitations !== undefined) {
          const text = (header: string, value: (row: Adopted['invitations'][number]) => string) => ({
            header,
            type: 'text' as const,
            value,
          });
          const columns = [
            text('Mã định danh', ({ code }) => code),
            text('Tên đơn vị', ({ name }) => name),
            text('Giấy mời', ({ invitation }) => invitation),
          ];
          writeFileDurable(invitations, writeCsv(columns, done.invitations));
          out.warn(
            `${done.invitations.length} giấy mời trong (invitations in) ${invitations}: mỗi giấy chỉ gửi cho đúng đơn vị. Each one to its own unit only.`,
          );
        }
        out.say(
          `Đã tiếp nhận (adopted) ${done.adopted} / ${done.handed} đơn vị được bàn giao (handed over).`,
        );
        out.answer({ ...done, invitations: done.invitations.length });
      }, options),
    );
}

type ReformLine = {
  id: number;
  kind: string;
  state: string;
  effectiveMs: number;
  units: string[];
  into: string[];
  name?: string;
  code?: string;
  said: string;
};
const kindWords: Readonly<Record<string, string>> = {
  rename: 'đổi tên, mã',
  merge: 'sáp nhập',
  split: 'chia tách',
  close: 'đóng',
  move: 'đổi cấp trên',
  handover: 'bàn giao',
};
const stateWords: Readonly<Record<string, string>> = {
  planned: 'chờ ngày hiệu lực',
  done: 'đã thực hiện',
  cancelled: 'đã huỷ',
  refused: 'không thực hiện được',
};

function listCommand(unit: Command, software: string): void {
  leaf(
    unit,
    'reforms',
    'Các việc sắp xếp đã ký có ngày hiệu lực.\nReforms signed for a day: those that wait, then those that are over.',
  )
    .option('--cancel <number>', 'huỷ một việc đang chờ; takes back one that waits', wholeNumber)
    .action((options: Common & { cancel?: number }) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, async (request) => {
          if (options.cancel !== undefined)
            await request('POST', `/admin/v1/reforms/${options.cancel}/cancel`);
          return await request<{ reforms: ReformLine[] }>('GET', '/admin/v1/reforms');
        });
        out.table(
          ['Số', 'Việc', 'Trạng thái', 'Hiệu lực', 'Đơn vị', 'Thành', 'Ghi chú'],
          answer.reforms.map(({ id, kind, state, effectiveMs, units, into, name, code, said }) => [
            String(id),
            kindWords[kind] ?? kind,
            stateWords[state] ?? state,
            timeText(effectiveMs),
            units.join(', '),
            [...into, name, code].filter(Boolean).join(', '),
            said,
          ]),
        );
        out.answer(answer);
      }, options),
    );
}
