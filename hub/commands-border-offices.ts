// `lienthong hub upstream offices|compare|import`: the offices of another system in both code forms; what its list would change here; a table of them
// where the system has no list. Requests to admin/border-office-routes.ts. Nothing is done with --dry-run, nor while a line is refused.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exitCodes, type Output, readable, runCommand } from '../bin/output.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { writeCsv } from '../protocol/node/spreadsheet.ts';
import { officeHeaders } from './axis/offices.ts';
import { leaf, pathPart, timeText } from './commands-shared.ts';
import { withHub } from './offline.ts';

type Common = { dir: string; json?: boolean };
type Office = {
  agency: string;
  code: string;
  oldCode: string;
  name: string;
  mail: string;
  own: boolean;
  deleted: boolean;
};
type Plan = {
  counts: { added: number; changed: number; closed: number; conflicts: number; unchanged: number };
  added: { code: string; oldCode: string; name: string }[];
  changed: { code: string; name: string; changes: string[] }[];
  closed: { code: string; name: string }[];
  conflicts: { code: string; name: string; why: string }[];
  refused?: { line: number; reason: string }[];
  done?: boolean;
};

const stateOf = ({ own, deleted }: Office): string =>
  deleted ? 'đóng (closed)' : own ? 'của ta (ours)' : 'mở (open)';

function sayPlan(out: Output, { counts, added, changed, closed, conflicts, refused = [] }: Plan): void {
  const rows = [
    ...added.map(({ code, oldCode, name }) => ['thêm (added)', code, oldCode, name]),
    ...changed.map(({ code, changes }) => ['sửa (changed)', code, '', changes.join('; ')]),
    ...closed.map(({ code, name }) => ['đóng (closed)', code, '', name]),
    ...conflicts.map(({ code, name, why }) => ['MÂU THUẪN (conflict)', code, '', `${name}: ${why}`]),
    ...refused.map(({ line, reason }) => [`KHÔNG NHẬN dòng ${line} (refused)`, '', '', reason]),
  ];
  if (rows.length > 0) out.table(['Việc', 'Mã', 'Mã cũ', 'Nội dung'], rows);
  out.say(
    `Thêm (added) ${counts.added}, sửa (changed) ${counts.changed}, đóng (closed) ${counts.closed}, mâu thuẫn (conflicts) ${counts.conflicts}, không đổi (unchanged) ${counts.unchanged}.`,
  );
}

export function borderOfficeCommands(upstream: Command, software: string): void {
  leaf(
    upstream,
    'offices <name>',
    'Các đơn vị sau cổng, cả hai mã.\nThe offices behind a border, in both code forms.',
  )
    .option('--to <file>', 'ghi ra CSV thay vì in; writes a CSV instead ("import" reads it)')
    .action((name: string, options: Common & { to?: string }) =>
      runCommand(async (out) => {
        const answer = await withHub({ dir: options.dir, software }, (request) =>
          request<{ offices: Office[]; directoryMs: number | null }>(
            'GET',
            `/admin/v1/borders/${pathPart(name)}/offices`,
          ),
        );
        const { offices } = answer;
        if (options.to !== undefined) {
          const column = (field: keyof typeof officeHeaders, value: (office: Office) => string) => ({
            header: officeHeaders[field][0],
            type: 'text' as const,
            value,
          });
          writeFileDurable(
            options.to,
            writeCsv(
              [
                column('code', ({ code }) => code),
                column('oldCode', ({ oldCode }) => oldCode),
                column('name', (office) => office.name),
                column('mail', ({ mail }) => mail),
                column('agency', ({ agency }) => agency),
                column('state', ({ deleted }) => (deleted ? 'đóng' : 'mở')),
              ],
              offices,
            ),
          );
          out.say(`${offices.length} đơn vị ở ${options.to}. Written.`);
        } else if (offices.length === 0)
          out.say('Chưa có đơn vị nào; "hub upstream sync" hoặc "import". No office yet.');
        else {
          out.table(
            ['Mã', 'Mã cũ', 'Đơn vị', 'Trạng thái'],
            offices.map((office) => [office.code, office.oldCode, office.name, stateOf(office)]),
          );
          out.say(
            `${offices.length} đơn vị, danh bạ bên kia lấy lúc (list of) ${timeText(answer.directoryMs)}.`,
          );
        }
        out.answer(answer);
      }, options),
    );
  leaf(
    upstream,
    'compare <name>',
    'Xem danh bạ bên kia sẽ làm đổi gì ở đây; không đổi gì.\nWhat its list of offices would change here; changes nothing. "sync" does it.',
  ).action((name: string, options: Common) =>
    runCommand(async (out) => {
      const plan = await withHub({ dir: options.dir, software }, (request) =>
        request<Plan>('POST', `/admin/v1/borders/${pathPart(name)}/compare`, {}),
      );
      sayPlan(out, plan);
      out.answer(plan);
    }, options),
  );
  leaf(
    upstream,
    'import <name> <file>',
    'Nhập bảng đơn vị sau cổng (CSV, XLSX) khi bên kia không có danh bạ.\nTakes a table of its offices, where it has no list.',
  )
    .option('--dry-run', 'chỉ xem khác biệt; only shows the differences')
    .option('--full', 'đóng đơn vị không có trong bảng; closes offices that the table does not name')
    .option('--skip-refused', 'bỏ các dòng không nhận; does the good lines although others are refused')
    .addHelpText(
      'after',
      `\nCột / columns: ${Object.values(officeHeaders)
        .map(([first]) => first)
        .join(', ')}. "offices --to" ghi đúng các cột này / writes these very columns.`,
    )
    .action(
      (
        name: string,
        file: string,
        options: Common & { dryRun?: boolean; full?: boolean; skipRefused?: boolean },
      ) =>
        runCommand(async (out) => {
          const bytes = await readable(file, () => readFileSync(file));
          const plan = await withHub({ dir: options.dir, software }, (request) =>
            request<Plan>('POST', `/admin/v1/borders/${pathPart(name)}/offices`, {
              file: bytes.toString('base64'),
              full: options.full ?? false,
              dryRun: options.dryRun ?? false,
              skipRefused: options.skipRefused ?? false,
            }),
          );
          sayPlan(out, plan);
          if (plan.counts.conflicts > 0 && plan.done)
            out.warn('Mâu thuẫn: xem "hub alarms". Conflicts: see there.');
          if (options.dryRun) out.say('Chỉ xem, chưa làm gì. Only looked.');
          else if (!plan.done) out.say('Chưa làm gì. Nothing was done.');
          out.answer(plan);
          const blocked = (plan.refused?.length ?? 0) > 0 && !plan.done && !options.dryRun;
          return blocked ? exitCodes.failed : exitCodes.done;
        }, options),
    );
}
