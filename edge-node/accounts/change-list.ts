// A list of people who came, moved or left, as a unit sends it with its decision: CSV or XLSX (protocol/node/spreadsheet.ts). Judged line by line
// before anything is changed, so that a person sees all faults at once. Head: thay đổi, e-mail, họ tên, chức vụ, bộ phận, vai trò.
import { ExchangeError } from '../../protocol/errors.ts';
import { readSheet } from '../../protocol/node/spreadsheet.ts';
import { fold } from '../../protocol/text/fold.ts';
import type { ChangeLine } from './change-line.ts';
import { personText } from './people.ts';
import { officialEmail, type Role, roles, roleWords, type UnitPerson } from './person.ts';
import type { ChangeList } from './verbs.ts';

const bytesMax = 1024 * 1024;
const linesMax = 2_000;

const columns = {
  'thay doi': 'change',
  'e-mail': 'email',
  email: 'email',
  'ho ten': 'name',
  'ho va ten': 'name',
  'chuc vu': 'position',
  'bo phan': 'desk',
  'vai tro': 'roles',
} as const;
type Column = (typeof columns)[keyof typeof columns];
const kinds: Readonly<Record<string, ChangeLine['change']>> = {
  'tuyen dung': 'add',
  den: 'add',
  them: 'add',
  'dieu chuyen': 'move',
  'thay doi': 'move',
  sua: 'move',
  'nghi huu': 'leave',
  'thoi viec': 'leave',
  'chuyen di': 'leave',
  nghi: 'leave',
};
const roleByWord = new Map<string, Role>(
  roles.flatMap((role) => [
    [role, role],
    [fold(roleWords[role]), role],
  ]),
);

/** Throws `spreadsheet-malformed`, `spreadsheet-too-large`, `request-malformed` only when the file is no such list at all. */
export async function judgeChangeList(
  bytes: Uint8Array,
  _name: string,
  { known }: { readonly known: (email: string) => UnitPerson | undefined },
): Promise<ChangeList> {
  if (bytes.length > bytesMax) throw new ExchangeError('spreadsheet-too-large', `${bytes.length} bytes`);
  const { headers, rows } = await readSheet(bytes, ['thay đổi', 'thay doi']);
  if (rows.length > linesMax) throw new ExchangeError('request-malformed', `nhiều nhất ${linesMax} dòng`);
  const places = headers.map((title) => columns[fold(title) as keyof typeof columns]);
  for (const needed of ['change', 'email'] as const)
    if (!places.includes(needed))
      throw new ExchangeError(
        'request-malformed',
        'thiếu cột: thay đổi, e-mail, họ tên, chức vụ, bộ phận, vai trò',
      );
  const changes: ChangeLine[] = [];
  const faults: { line: number; why: string }[] = [];
  const seen = new Set<string>();
  for (const { line: number, cells: row } of rows) {
    const cells: Partial<Record<Column, string>> = {};
    for (const [place, column] of places.entries()) if (column) cells[column] = row[place] ?? '';
    try {
      const line = lineOf(cells, known);
      if (seen.has(line.email)) throw new ExchangeError('request-malformed', `${line.email}: nêu hai lần`);
      seen.add(line.email);
      changes.push(line);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      faults.push({ line: number, why: error.detail || error.row.title.vi });
    }
  }
  return { changes, faults };
}

function lineOf(
  cells: Partial<Record<Column, string>>,
  known: (email: string) => UnitPerson | undefined,
): ChangeLine {
  const change = kinds[fold(cells.change ?? '')];
  if (!change)
    throw new ExchangeError(
      'request-malformed',
      'thay đổi: tuyển dụng, điều chuyển hoặc nghỉ hưu, thôi việc, chuyển đi',
    );
  const email = officialEmail(cells.email ?? '');
  const now = known(email);
  if (change === 'add' && now) throw new ExchangeError('person-known', `${email}: đã có trong đơn vị`);
  if (change !== 'add' && !now) throw new ExchangeError('person-unknown', `${email}: không có trong đơn vị`);
  if (change === 'leave') return { change, email };
  const words = (cells.roles ?? '').split(/[,+/]/).map(fold).filter(Boolean);
  const odd = words.find((word) => !roleByWord.has(word));
  if (odd !== undefined) throw new ExchangeError('request-malformed', `vai trò: ${odd}`);
  const given = words.map((word) => roleByWord.get(word)!);
  const name = personText('họ tên', cells.name ?? '', 100) || now?.name;
  if (!name) throw new ExchangeError('request-malformed', 'thiếu họ tên');
  return {
    change,
    email,
    name,
    position: personText('chức vụ', cells.position ?? now?.position ?? '', 100),
    desk: personText('bộ phận', cells.desk ?? now?.desk ?? '', 60),
    roles: given.length > 0 ? given : (now?.roles ?? ['officer']),
  };
}
