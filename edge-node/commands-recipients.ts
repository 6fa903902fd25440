// "lienthong units find", "lienthong groups …", "lienthong recipients match": who can be written to, before a document is sent. They ask the node;
// only "groups set|remove" change something, and that is the unit's own list.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exitCodes, type Output, readable, runCommand, visible, wrongUse } from '../bin/output.ts';
import { textOfCsv } from '../protocol/csv.ts';
import { readSheet } from '../protocol/node/spreadsheet.ts';
import type { Matched, MatchedPlace } from '../protocol/recipients.ts';
import { type Node, withNode } from './commands-reach.ts';
import { withDir } from './commands-words.ts';
import type { DirectoryEntry } from './core.ts';
import type { GroupView } from './recipients/core.ts';

type Common = { readonly dir: string; readonly json?: boolean; readonly unit?: string };
const withUnit = (command: Command): Command =>
  withDir(command).option(
    '--unit <code>',
    'đơn vị gửi, khi nút có nhiều đơn vị; sending unit, when the node serves several',
  );
const query = (given: Readonly<Record<string, string | undefined>>) =>
  new URLSearchParams(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString();

export function recipientCommands(program: Command): void {
  const units = program.command('units').description('Đơn vị trong danh bạ.\nUnits of the signed directory.');
  withDir(units.command('find'))
    .argument('<text...>', 'tên (không cần dấu, gõ dở cũng được) hoặc mã; a name without marks, or a code')
    .option('--limit <rows>', 'số dòng; 1 to 200, default 20')
    .description('Tìm đơn vị.\nFinds units as one types: code, or beginnings of words.')
    .action((words: string[], options: Common & { limit?: string }) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (node) =>
          node.call<{ entries: DirectoryEntry[] }>(
            'GET',
            `/v1/directory?${query({ q: words.join(' '), limit: options.limit })}`,
          ),
        );
        out.answer(body);
        out.table(
          ['Mã', 'Tên', 'Loại', 'Trạng thái', 'Thuộc'],
          body.entries.map(({ code, name, kind, state, path, successors }) => [
            code,
            name,
            kind,
            successors.length > 0 ? `${state} → ${successors.join(', ')}` : state,
            path,
          ]),
        );
        if (body.entries.length === 0) out.say('Không tìm thấy. Nothing found.');
      }, options),
    );
  groupCommands(program);
  const recipients = program.command('recipients').description('Nơi nhận.\nRecipients.');
  withUnit(recipients.command('match'))
    .argument(
      '[file]',
      'tệp văn bản có phần "Nơi nhận", hoặc bảng CSV, XLSX; a text file, or a table with a column of names or codes',
    )
    .option('--text <text>', 'nội dung "Nơi nhận"; the text itself')
    .description(
      'Đối chiếu "Nơi nhận" với danh bạ: nơi nào gửi được, nơi nào phải chọn, nơi nào gửi giấy.\nCompares a text of "nơi nhận" or a pasted list with the directory: who is served here, what must be chosen, what goes on paper.',
    )
    .action((file: string | undefined, options: Common & { text?: string }) =>
      runCommand(async (out) => {
        const text = options.text ?? (file === undefined ? undefined : await placesText(file));
        if (text === undefined) throw wrongUse('give a file or --text', 'cần nêu tệp hoặc --text');
        const { body } = await withNode(options.dir, (node) =>
          node.call<Matched>('POST', '/v1/recipients/match', {
            text,
            ...(options.unit === undefined ? {} : { unit: options.unit }),
          }),
        );
        out.answer(body);
        sayMatched(out, body);
        return body.complete ? exitCodes.done : exitCodes.failed;
      }, options),
    );
}

/** Of a table, the column of codes, else of names: one place on a line. */
export async function placesText(file: string): Promise<string> {
  const bytes = await readable(file, () => readFileSync(file));
  if (!/\.(csv|xlsx)$/i.test(file)) return textOfCsv(bytes);
  const names = ['Mã định danh', 'Mã', 'Nơi nhận', 'Tên đơn vị', 'Tên'];
  const sheet = await readSheet(bytes, names);
  const at = sheet.column(...names);
  return sheet.rows.map(({ cells }) => cells[at] ?? '').join('\n');
}

const howWords: Readonly<Record<string, string>> = {
  code: 'mã (code)',
  name: 'tên (name)',
  abbreviation: 'viết tắt (abbreviation)',
  group: 'nhóm (group)',
  kinds: 'loại đơn vị (kinds)',
};
const paperWords: Readonly<Record<string, string>> = {
  'unit-unknown': 'không có trong danh bạ (not in the directory)',
  'unit-has-no-node': 'chưa liên thông (no node yet)',
  'unit-suspended': 'tạm dừng (suspended)',
  'unit-closed': 'đã ngừng hoạt động (closed)',
  'unit-split': 'đã chia tách (split)',
};

function placeText(place: MatchedPlace): string {
  switch (place.found) {
    case 'units':
      return `${howWords[place.how]}: ${place.units.map(({ code, desk, name }) => `${desk ? `${desk}@` : ''}${code} ${name}`).join('; ') || 'không đơn vị nào (no unit)'}`;
    case 'several':
      return `CẦN CHỌN (choose): ${place.candidates.map(({ code, name }) => `${code} ${name}`).join(' | ')}`;
    case 'desk-unknown':
      return `CẦN CHỌN: ${place.code} có (lists): ${place.desks.join(', ')}`;
    case 'note':
      return place.note === 'archive'
        ? 'lưu (archive)'
        : 'các nơi nêu trong văn bản, chọn riêng (named elsewhere in the document)';
    case 'nothing':
      return `không thấy (not found)${place.candidates.length > 0 ? `; gần giống (similar): ${place.candidates.map(({ code, name }) => `${code} ${name}`).join(' | ')}` : ''}`;
  }
}

export function sayMatched(out: Output, { places, served, paper, open, elsewhere, complete }: Matched): void {
  out.table(
    ['Nơi nhận', 'Kết quả'],
    places.map((place) => [visible(place.text), visible(placeText(place))]),
  );
  if (paper.length > 0) {
    out.say('\nGửi giấy / on paper:');
    for (const { text, code, reason } of paper)
      out.say(visible(`  ${text}${code ? ` (${code})` : ''}: ${paperWords[reason] ?? reason}`));
  }
  if (served.length > 0)
    out.say(`\n--to ${served.map(({ code, desk }) => (desk ? `${desk}@${code}` : code)).join(',')}`);
  out.say(
    complete
      ? 'Đủ: mọi nơi nhận đều gửi được qua hệ thống. Complete.'
      : `Chưa đủ: ${paper.length} nơi gửi giấy, ${open.length} nơi cần chọn, ${elsewhere.length} dòng nêu nơi ở chỗ khác. Not complete.`,
  );
}

function groupCommands(program: Command): void {
  const groups = program
    .command('groups')
    .description('Nhóm nơi nhận.\nGroups of recipients: send with --to group:CODE.');
  const list = async (node: Node, unit: string | undefined) =>
    (await node.call<{ groups: GroupView[] }>('GET', `/v1/groups?${query({ unit })}`)).body;
  withUnit(groups.command('list'))
    .description('Nhóm của đơn vị và của trung tâm.\nGroups of the unit and of the hub.')
    .action((options: Common) =>
      runCommand(async (out) => {
        const body = await withNode(options.dir, (node) => list(node, options.unit));
        out.answer(body);
        out.table(
          ['Nhóm', 'Tên', 'Của', 'Số nơi', 'Gồm'],
          body.groups.map(({ code, name, kept, members }) => [
            code,
            name,
            kept === 'hub' ? 'trung tâm' : 'đơn vị',
            String(members.length),
            members.slice(0, 5).join(', ') + (members.length > 5 ? ', …' : ''),
          ]),
        );
      }, options),
    );
  withUnit(groups.command('set'))
    .argument('<code>', 'mã nhóm; code of the group')
    .argument('<members...>', 'mã nơi nhận, group:MÃ cho nhóm khác; addresses, group:CODE for another group')
    .requiredOption('--name <name>', 'tên nhóm; its name')
    .description('Lập hoặc sửa nhóm của đơn vị.\nMakes or changes a group of the unit.')
    .action((code: string, members: string[], options: Common & { name: string }) =>
      runCommand(async (out) => {
        const body = {
          name: options.name,
          members,
          ...(options.unit === undefined ? {} : { unit: options.unit }),
        };
        const done = await withNode(options.dir, (node) =>
          node.call<GroupView>('PUT', `/v1/groups/${encodeURIComponent(code)}`, body),
        );
        out.answer(done.body);
        out.say(`Nhóm (group) ${done.body.code}: ${done.body.members.length} nơi (addresses)`);
      }, options),
    );
  withUnit(groups.command('remove'))
    .argument('<code>', 'mã nhóm; code of the group')
    .description('Bỏ nhóm của đơn vị.\nRemoves a group of the unit.')
    .action((code: string, options: Common) =>
      runCommand(async (out) => {
        await withNode(options.dir, (node) =>
          node.call('DELETE', `/v1/groups/${encodeURIComponent(code)}?${query({ unit: options.unit })}`),
        );
        out.say(`Đã bỏ nhóm (removed) ${code}`);
      }, options),
    );
}
