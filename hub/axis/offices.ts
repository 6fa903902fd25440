// The offices of another system as rows that people read, compare and bring: what a list of theirs would change here, in both code forms, before
// anything is done; and a table (CSV, XLSX) as such a list. It reads only; borderAgencies does. Nothing is derived from the shape of a code.
import type { Sheet } from '../../protocol/node/spreadsheet.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { AgencyRow } from '../store/border-admin-ops.ts';
import type { Agency } from './connector.ts';

export type OfficeRow = Agency & {
  /** Our unit for it. */
  readonly unit: string;
  /** True for a unit of ours that is registered there. */
  readonly own: boolean;
};
export type OfficePlan = {
  readonly added: readonly Agency[];
  readonly changed: readonly {
    readonly code: string;
    readonly name: string;
    readonly changes: readonly string[];
  }[];
  readonly closed: readonly { readonly code: string; readonly name: string }[];
  readonly conflicts: readonly { readonly code: string; readonly name: string; readonly why: string }[];
  readonly unchanged: number;
};

export const officeHeaders = {
  code: ['Mã định danh', 'Mã mới', 'Mã', 'code'],
  oldCode: ['Mã cũ', 'Mã 13 ký tự', 'code102', 'oldCode'],
  name: ['Tên đơn vị', 'Tên cơ quan', 'Tên', 'name'],
  mail: ['Thư điện tử', 'Email', 'mail'],
  agency: ['Mã nội bộ', 'id'],
  state: ['Trạng thái', 'state'],
} as const;

/** As they were last listed, by code; closed ones too. */
export const officeRows = (db: Database, border: string): OfficeRow[] =>
  db
    .all<AgencyRow>('SELECT * FROM border_agencies WHERE border = ? ORDER BY code, agency', border)
    .map(({ old_code, own, deleted, agency, unit, code, name, mail }) => ({
      agency,
      unit,
      code,
      oldCode: old_code,
      name,
      mail,
      own: own === 1,
      deleted: deleted === 1,
    }));

const closedWords = /^(đóng|đã đóng|closed|giải thể|ngừng hoạt động|deleted)/iu;

/** Rows of a table; an office without an id of its own is the one that has the code now, else known by its code. `refused`: lines without code or name. */
export function officesOfSheet(
  sheet: Sheet,
  known: readonly OfficeRow[],
): {
  readonly rows: readonly Agency[];
  readonly refused: readonly { readonly line: number; readonly reason: string }[];
} {
  const place = Object.fromEntries(
    Object.entries(officeHeaders).map(([field, names]) => [field, sheet.column(...names)]),
  ) as Record<keyof typeof officeHeaders, number>;
  const byCode = new Map(known.filter(({ deleted }) => !deleted).map((each) => [each.code, each]));
  const rows: Agency[] = [];
  const refused: { line: number; reason: string }[] = [];
  const seen = new Map<string, number>();
  for (const { line, cells } of sheet.rows) {
    const cell = (field: keyof typeof officeHeaders) => (cells[place[field]] ?? '').normalize('NFC').trim();
    const [code, oldCode, name] = [cell('code').toUpperCase(), cell('oldCode').toUpperCase(), cell('name')];
    const before = seen.get(code);
    const reason =
      code === ''
        ? 'thiếu mã (no code)'
        : code.length > 64 || oldCode.length > 64
          ? 'mã dài quá 64 ký tự (code too long)'
          : name === ''
            ? 'thiếu tên (no name)'
            : before !== undefined
              ? `mã ${code} đã có ở dòng ${before} (repeated)`
              : '';
    if (reason !== '') {
      refused.push({ line, reason });
      continue;
    }
    seen.set(code, line);
    rows.push({
      agency: cell('agency').slice(0, 100) || (byCode.get(code)?.agency ?? code),
      code,
      oldCode: oldCode === code ? '' : oldCode,
      name: name.slice(0, 140),
      mail: cell('mail').slice(0, 100),
      deleted: closedWords.test(cell('state')),
    });
  }
  return { rows, refused };
}

/** What `list` would change. `ownUnit`: our unit under one of these codes, '' for everybody else. `holderOf`: whom a code of the directory belongs to now. */
export function planOffices(
  list: { readonly rows: readonly Agency[]; readonly full: boolean },
  known: readonly OfficeRow[],
  by: {
    readonly ownUnit: (codes: readonly string[]) => string;
    readonly holderOf: (code: string) => string | undefined;
  },
): OfficePlan {
  const before = new Map(known.map((each) => [each.agency, each]));
  const listed = new Map(list.rows.map((each) => [each.agency, each]));
  const behind = new Map(known.filter(({ own }) => !own).map((each) => [each.unit, each]));
  const plan = {
    added: [] as Agency[],
    changed: [] as { code: string; name: string; changes: string[] }[],
    closed: [] as { code: string; name: string }[],
    conflicts: [] as { code: string; name: string; why: string }[],
    unchanged: 0,
  };
  for (const each of list.rows) {
    const { code, name } = each;
    const was = before.get(each.agency);
    const own = by.ownUnit([code, each.oldCode]) !== '';
    const why = was && was.own !== own ? 'là đơn vị ở đây (one of ours)' : own ? '' : heldBy(each, was);
    if (why !== '') plan.conflicts.push({ code, name, why });
    else if (!was) {
      if (!each.deleted) plan.added.push(each);
    } else if (each.deleted !== was.deleted && each.deleted)
      plan.closed.push({ code: was.code, name: was.name });
    else {
      const changes = (['code', 'oldCode', 'name', 'mail'] as const)
        .filter((field) => each[field] !== was[field])
        .map((field) => `${officeHeaders[field][0]}: ${was[field] || '∅'} → ${each[field] || '∅'}`);
      if (was.deleted && !each.deleted) changes.push('mở lại (open again)');
      if (changes.length === 0) plan.unchanged += 1;
      else plan.changed.push({ code, name, changes });
    }
  }
  if (list.full)
    for (const { agency, code, name, deleted } of known)
      if (!deleted && !listed.has(agency)) plan.closed.push({ code, name });
  return plan;

  /** A code that somebody else has and keeps. */
  function heldBy(each: Agency, was: OfficeRow | undefined): string {
    for (const code of [each.code, each.oldCode]) {
      const holder = code === '' ? undefined : by.holderOf(code);
      if (holder === undefined || holder === was?.unit) continue;
      const other = behind.get(holder);
      const after = other && (listed.get(other.agency) ?? (list.full ? undefined : other));
      if (!other || (after && !after.deleted && (after.code === code || after.oldCode === code)))
        return `mã ${code} đang là của đơn vị khác (held by another office)`;
    }
    return '';
  }
}
