// `lienthong hub unit describe|find|import|export`, `hub group …`: what units are, groups, and tables of units in and out, as requests to
// admin/directory-routes.ts. An import shows its differences; nothing is done with --dry-run, nor while a row is refused.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandError, exitCodes, type Output, readable, runCommand } from '../bin/output.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { leaf, pathPart, wholeNumber } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
const MB = 1024 * 1024;

export function directoryCommands(hub: Command, unit: Command, software: string): void {
  describeCommand(unit, software);
  tableCommands(unit, software);
  groupCommands(hub, software);
}

const deskOf = (given: string) => {
  const [desk = '', ...name] = given.split('=');
  return { desk: desk.trim(), name: name.join('=').trim() };
};

function describeCommand(unit: Command, software: string): void {
  leaf(
    unit,
    'describe <code>',
    'Loại, nhóm, người và bộ phận nhận, dung lượng nhận.\nWhat a unit is and takes.',
  )
    .option('--kind <kind>', 'loại: xã, thị trấn, phòng, ban…; its kind')
    .option('--groups <codes...>', 'các nhóm; its groups (replaces those before)')
    .option('--desks <desks...>', 'người, bộ phận nhận: vanthu="Văn thư"; desks that can be addressed')
    .option(
      '--max-mb <n>',
      'văn bản lớn nhất nhận được, 0 là không nói; largest document, 0 says nothing',
      wholeNumber,
    )
    .action(
      (
        code: string,
        options: Common & { kind?: string; groups?: string[]; desks?: string[]; maxMb?: number },
      ) =>
        runCommand(async (out) => {
          const { kind, groups, desks, maxMb } = options;
          const done = await withHub({ dir: options.dir, software }, (request) =>
            request<{ version: number }>('POST', `/admin/v1/units/${pathPart(code)}/describe`, {
              ...(kind === undefined ? {} : { kind }),
              ...(groups === undefined ? {} : { groups }),
              ...(desks === undefined ? {} : { desks: desks.map(deskOf) }),
              ...(maxMb === undefined ? {} : { documentBytesMax: maxMb * MB }),
            }),
          );
          out.say(`Đã ghi (described) ${code}. Danh bạ bản (directory version) ${done.version}`);
          out.answer(done);
        }, options),
    );
  leaf(
    unit,
    'find <text>',
    'Tìm đơn vị theo tên (không cần dấu) hoặc mã.\nFinds units by name, without diacritics, or by code; of all hubs known.',
  )
    .option('--limit <n>', 'số dòng; lines', wholeNumber)
    .action((text: string, options: Common & { limit?: number }) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ units: { code: string; name: string; kind: string; hub: string; state: number }[] }>(
            'GET',
            `/admin/v1/units/find?q=${encodeURIComponent(text)}&limit=${options.limit ?? 20}`,
          ),
        );
        out.table(
          ['Mã', 'Tên', 'Loại', 'Trung tâm'],
          answer.units.map(({ code, name, kind, hub }) => [code, name, kind, hub]),
        );
        out.answer(answer);
      }, options),
    );
}

type Told = {
  done: boolean;
  version: number;
  counts: { added: number; changed: number; closed: number; refused: number; unchanged: number };
  added: { line: number; code: string; name: string }[];
  changed: {
    line: number;
    code: string;
    name: string;
    changes: { field: string; from: string; to: string }[];
  }[];
  closed: { line: number; code: string; name: string }[];
  refused: { line: number; code: string; reason: string }[];
};

function sayDifferences(out: Output, { counts, added, changed, closed, refused }: Told): void {
  const rows = [
    ...added.map(({ line, code, name }) => [String(line), 'thêm (added)', code, name]),
    ...changed.map(({ line, code, changes }) => [
      String(line),
      'sửa (changed)',
      code,
      changes.map(({ field, from, to }) => `${field}: ${from || '∅'} → ${to || '∅'}`).join('; '),
    ]),
    ...closed.map(({ line, code, name }) => [line === 0 ? '-' : String(line), 'đóng (closed)', code, name]),
    ...refused.map(({ line, code, reason }) => [String(line), 'KHÔNG NHẬN (refused)', code, reason]),
  ];
  if (rows.length > 0) out.table(['Dòng', 'Việc', 'Mã', 'Nội dung'], rows);
  const total = counts.added + counts.changed + counts.closed + counts.refused;
  if (rows.length < total) out.say(`… và ${total - rows.length} dòng nữa (more lines).`);
  out.say(
    `Thêm (added) ${counts.added}, sửa (changed) ${counts.changed}, đóng (closed) ${counts.closed}, không đổi (unchanged) ${counts.unchanged}, không nhận (refused) ${counts.refused}.`,
  );
}

function tableCommands(unit: Command, software: string): void {
  leaf(
    unit,
    'import <file>',
    'Nhập bảng đơn vị (XLSX, CSV): xem khác biệt, rồi làm thành một việc có ký.\nTakes a table of units: shows the differences, then does them as one signed act.',
  )
    .option('--dry-run', 'chỉ xem khác biệt; only shows the differences')
    .option('--close-missing', 'đóng đơn vị không có trong bảng; closes units that the table does not name')
    .option(
      '--skip-refused',
      'làm các dòng được, bỏ các dòng không nhận; does the good rows although others are refused',
    )
    .addHelpText(
      'after',
      '\nCột / columns: Mã định danh, Mã khác, Tên đơn vị, Loại, Mã cấp trên, Nhóm, Người, bộ phận nhận (vanthu=Văn thư; …), Dung lượng tối đa (MB), Trạng thái.\n"hub unit export" ghi đúng các cột này / writes these very columns.',
    )
    .action(
      (file: string, options: Common & { dryRun?: boolean; closeMissing?: boolean; skipRefused?: boolean }) =>
        runCommand(async (out) => {
          const bytes = await readable(file, () => readFileSync(file));
          const told = await withHub({ dir: options.dir, software }, (request) =>
            request<Told>('POST', '/admin/v1/units/import', {
              file: bytes.toString('base64'),
              dryRun: options.dryRun ?? false,
              closeMissing: options.closeMissing ?? false,
              skipRefused: options.skipRefused ?? false,
            }),
          );
          sayDifferences(out, told);
          out.answer(told);
          if (told.done) {
            out.say(`Đã nhập thành một việc có ký. Danh bạ bản (directory version) ${told.version}`);
            return exitCodes.done;
          }
          if (options.dryRun) out.say('Chỉ xem, chưa thay đổi gì. Nothing was changed (--dry-run).');
          else if (told.counts.refused > 0) {
            out.warn(
              'Chưa thay đổi gì: sửa các dòng không nhận, hoặc thêm --skip-refused. Nothing was changed: correct the refused rows, or add --skip-refused.',
            );
            return exitCodes.failed;
          } else out.say('Không có gì khác. No difference.');
          return exitCodes.done;
        }, options),
    );
  leaf(
    unit,
    'export <file>',
    'Xuất bảng đơn vị (.xlsx hoặc .csv).\nWrites the units of this hub as a table.',
  ).action((file: string, options: Common) =>
    runCommand(async (out) => {
      const format = /\.xlsx$/i.test(file) ? 'xlsx' : /\.csv$/i.test(file) ? 'csv' : undefined;
      if (!format)
        throw new CommandError('wrongUse', {
          vi: 'Tên tệp phải kết thúc bằng .xlsx hoặc .csv',
          en: 'The file must end in .xlsx or .csv',
        });
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{ file: string; units: number; version: number }>(
          'GET',
          `/admin/v1/units/export?format=${format}`,
        ),
      );
      writeNew(file, Buffer.from(answer.file, 'base64'));
      out.say(`${answer.units} đơn vị (units), danh bạ bản (directory version) ${answer.version}: ${file}`);
      out.answer({ units: answer.units, version: answer.version, file });
    }, options),
  );
}

function writeNew(path: string, bytes: Buffer): void {
  try {
    writeFileDurable(path, bytes, { replace: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new CommandError('failed', {
      vi: `Tệp ${path} đã có, không ghi đè`,
      en: `${path} is there already and is not overwritten`,
    });
  }
}

function groupCommands(hub: Command, software: string): void {
  const group = hub
    .command('group')
    .description('Nhóm nơi nhận của trung tâm.\nGroups of recipients that this hub keeps for everybody.');
  leaf(group, 'set <code>', 'Lập hoặc sửa nhóm.\nMakes a group or changes it.')
    .requiredOption('--name <name>', 'tên nhóm: "Các xã, thị trấn"; its name')
    .option('--kinds <kinds...>', 'mọi đơn vị thuộc các loại này; every unit of these kinds')
    .option('--includes <codes...>', 'gồm cả các nhóm này; other groups inside it')
    .action((code: string, options: Common & { name: string; kinds?: string[]; includes?: string[] }) =>
      runCommand(async (out) => {
        const { name, kinds = [], includes = [] } = options;
        const done = await withHub({ dir: options.dir, software }, (request) =>
          request<{ version: number }>('POST', '/admin/v1/groups', { code, name, kinds, includes }),
        );
        out.say(`Nhóm (group) ${code}. Danh bạ bản (directory version) ${done.version}`);
        out.answer(done);
      }, options),
    );
  leaf(group, 'remove <code>', 'Bỏ nhóm.\nRemoves a group.').action((code: string, options: Common) =>
    runCommand(async (out) => {
      const done = await withHub({ dir: options.dir, software }, (request) =>
        request<{ version: number }>('POST', `/admin/v1/groups/${pathPart(code)}/remove`),
      );
      out.say(`Đã bỏ nhóm (removed) ${code}. Danh bạ bản (directory version) ${done.version}`);
      out.answer(done);
    }, options),
  );
  leaf(group, 'list', 'Danh sách nhóm.\nAll groups of this hub.').action((options: Common) =>
    runCommand(async (out) => {
      const answer = await withHub({ dir: options.dir, software }, (request) =>
        request<{ groups: { code: string; name: string; kinds: string[]; includes: string[] }[] }>(
          'GET',
          '/admin/v1/groups',
        ),
      );
      out.table(
        ['Nhóm', 'Tên', 'Các loại', 'Gồm nhóm'],
        answer.groups.map(({ code, name, kinds, includes }) => [
          code,
          name,
          kinds.join(', '),
          includes.join(', '),
        ]),
      );
      out.answer(answer);
    }, options),
  );
}
