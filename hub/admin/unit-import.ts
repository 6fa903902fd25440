// A table of units (CSV, XLSX) against the directory: what would be added, changed, closed, and which rows cannot be taken, with their line and
// the reason. Pure: the operation that does it is unitsImport. A column that is not in the table touches nothing; an empty cell clears.
import { type Directory, type KnownUnit, unitStates } from '../../protocol/directory.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import type { Sheet, SheetColumn } from '../../protocol/node/spreadsheet.ts';
import type { UnitDesk } from '../../protocol/wire.ts';
import type { UnitImported } from '../store/describe-ops.ts';
import { assertCode, assertUnitName } from './unit-names.ts';

/** Headers as we write them first, then others that are read. */
export const importHeaders = {
  code: ['Mã định danh', 'Mã đơn vị', 'Mã', 'Code'],
  codes: ['Mã khác', 'Mã cũ', 'Other codes'],
  name: ['Tên đơn vị', 'Tên cơ quan', 'Tên', 'Name'],
  kind: ['Loại', 'Loại đơn vị', 'Kind'],
  parent: ['Mã cấp trên', 'Cấp trên', 'Parent'],
  groups: ['Nhóm', 'Groups'],
  desks: ['Người, bộ phận nhận', 'Địa chỉ nhận', 'Desks'],
  size: ['Dung lượng tối đa (MB)', 'Max MB'],
  state: ['Trạng thái', 'State'],
} as const;
type Field = keyof typeof importHeaders;

export type Change = { readonly field: string; readonly from: string; readonly to: string };
export type ImportPlan = {
  readonly added: readonly { readonly line: number; readonly unit: UnitImported }[];
  readonly changed: readonly {
    readonly line: number;
    readonly unit: UnitImported;
    readonly changes: readonly Change[];
  }[];
  /** `line` 0: not in the table. */
  readonly closed: readonly {
    readonly line: number;
    readonly unit: string;
    readonly code: string;
    readonly name: string;
  }[];
  readonly refused: readonly { readonly line: number; readonly code: string; readonly reason: string }[];
  readonly unchanged: number;
};

type Row = {
  readonly line: number;
  readonly code: string;
  readonly closed: boolean;
  readonly known: KnownUnit | undefined;
  readonly unit: UnitImported;
};
export type ImportQuestion = {
  readonly sheet: Sheet;
  readonly directory: Directory;
  readonly hubId: string;
  readonly groups: ReadonlySet<string>;
  readonly newUnitId: () => string;
  /** Units of this hub that the table does not name are closed. */
  readonly closeMissing: boolean;
  readonly nowMs: number;
};

const MB = 1024 * 1024;
const pieces = (text: string) =>
  text
    .split(/[;\n]/)
    .map((each) => each.trim())
    .filter(Boolean);
const closedWords = /^(đóng|đã đóng|closed|close|giải thể|ngừng hoạt động)/iu;

/** Words for a row that cannot be taken; thrown inside one row only. */
class Refusal extends Error {}

function deskOf(text: string): UnitDesk {
  const [desk = '', ...name] = text.split('=').map((each) => each.trim());
  if (!/^[\p{L}\p{N}._-]{1,64}$/u.test(desk) || Buffer.byteLength(desk) > 64)
    throw new Refusal(`địa chỉ nhận không hợp lệ (bad desk): ${desk.slice(0, 40)}`);
  return { desk: desk.toLowerCase(), name: name.join('=').slice(0, 100) };
}

function readRow(question: ImportQuestion, cellOf: (field: Field) => string | undefined): Omit<Row, 'line'> {
  const { directory, hubId, groups, nowMs } = question;
  const named = cellOf('code') ?? '';
  if (named === '') throw new Refusal('thiếu mã (no code)');
  const codes = [...new Set([named, ...pieces(cellOf('codes') ?? '')].map(assertCode))];
  const code = codes[0]!;
  const known = codes.map((each) => directory.byCode(each, nowMs)).find((unit) => unit !== undefined);
  for (const each of codes) {
    const holder = directory.byCode(each, nowMs);
    if (holder && holder.hub !== hubId)
      throw new Refusal(`mã ${each} thuộc trung tâm khác (code of another hub)`);
    if (holder && holder.unit !== known?.unit)
      throw new Refusal(`mã ${each} đã được dùng (code already taken by ${directory.codeOf(holder.unit)})`);
  }
  if (known?.state === unitStates.closed) throw new Refusal(`đơn vị ${code} đã đóng (closed)`);
  const name = cellOf('name') ?? known?.name ?? '';
  if (name === '') throw new Refusal('thiếu tên (no name)');
  assertUnitName(name);
  const mine = pieces(cellOf('groups') ?? '');
  for (const each of mine) if (!groups.has(each)) throw new Refusal(`không có nhóm ${each} (no such group)`);
  const size = cellOf('size');
  const megabytes = size === undefined ? undefined : size === '' ? 0 : Number(size.replace(',', '.'));
  if (megabytes !== undefined && !(megabytes >= 0 && megabytes < 1e7))
    throw new Refusal(`dung lượng không phải số (not a number): ${size}`);
  const kind = cellOf('kind');
  if (Buffer.byteLength(kind ?? '') > 64) throw new Refusal('loại dài quá 64 byte (kind too long)');
  return {
    code,
    known,
    closed: closedWords.test(cellOf('state') ?? ''),
    unit: {
      unit: known?.unit ?? question.newUnitId(),
      name,
      codes:
        cellOf('codes') === undefined && known
          ? [code, ...known.aliases.map(({ code: other }) => other).filter((other) => other !== code)]
          : codes,
      kind,
      groups: cellOf('groups') === undefined ? undefined : mine,
      desks: cellOf('desks') === undefined ? undefined : pieces(cellOf('desks')!).map(deskOf),
      documentBytesMax: megabytes === undefined ? undefined : Math.round(megabytes * MB),
    },
  };
}

const deskText = (desks: readonly UnitDesk[] | undefined) =>
  (desks ?? []).map(({ desk, name }) => (name ? `${desk}=${name}` : desk)).join('; ');

function changesOf({ known, unit }: Row, codeOf: (id: string) => string): Change[] {
  if (!known) return [];
  const changes: Change[] = [];
  const compare = (field: Field, from: string, to: string | undefined) => {
    if (to !== undefined && from !== to) changes.push({ field: importHeaders[field][0], from, to });
  };
  compare('name', known.name, unit.name);
  const inForce = known.aliases.map(({ code }) => code);
  if (unit.codes[0] !== inForce[0] || unit.codes.some((code) => !inForce.includes(code)))
    compare('codes', inForce.join('; '), unit.codes.join('; '));
  compare('kind', known.kind ?? '', unit.kind);
  compare(
    'groups',
    [...(known.groups ?? [])].sort().join('; '),
    unit.groups && [...unit.groups].sort().join('; '),
  );
  compare(
    'desks',
    deskText(known.desks),
    unit.desks && deskText([...unit.desks].sort((a, b) => (a.desk < b.desk ? -1 : 1))),
  );
  compare(
    'size',
    String(known.documentBytesMax),
    unit.documentBytesMax === undefined ? undefined : String(unit.documentBytesMax),
  );
  if (unit.parent !== undefined && unit.parent !== known.parent)
    compare('parent', codeOf(known.parent), codeOf(unit.parent));
  return changes;
}

export function planImport(question: ImportQuestion): ImportPlan {
  const { sheet, directory, hubId } = question;
  const place = Object.fromEntries(
    Object.entries(importHeaders).map(([field, names]) => [field, sheet.column(...names)]),
  ) as Record<Field, number>;
  const refused: { line: number; code: string; reason: string }[] = [];
  const rows: Row[] = [];
  const lineOf = new Map<string, number>();
  for (const { line, cells } of sheet.rows) {
    const cellOf = (field: Field) =>
      place[field] < 0 ? undefined : (cells[place[field]] ?? '').normalize('NFC');
    try {
      const row = { line, ...readRow(question, cellOf) };
      for (const each of new Set([...row.unit.codes, row.unit.unit])) {
        const before = lineOf.get(each);
        if (before !== undefined) throw new Refusal(`mã ${each} đã có ở dòng ${before} (repeated)`);
      }
      for (const each of [...row.unit.codes, row.unit.unit]) lineOf.set(each, line);
      rows.push(row);
    } catch (error) {
      // A row of a table may hold anything; only what is a fault of the row stays with the row.
      if (!(error instanceof Refusal) && !isExchangeError(error, 'request-malformed')) throw error;
      refused.push({
        line,
        code: cellOf('code') ?? '',
        reason: isExchangeError(error) ? error.detail : error.message,
      });
    }
  }
  const placed =
    place.parent < 0
      ? rows
      : withParents(
          question,
          rows,
          refused,
          (line) => sheet.rows.find((row) => row.line === line)!.cells[place.parent] ?? '',
        );
  const ids = new Set(placed.map(({ unit }) => unit.unit));
  const codeOf = (id: string) =>
    id === '' ? '' : (placed.find(({ unit }) => unit.unit === id)?.code ?? directory.codeOf(id));
  const living = placed.filter(({ closed }) => !closed);
  const changed = living
    .filter(({ known }) => known)
    .map((row) => ({ line: row.line, unit: row.unit, changes: changesOf(row, codeOf) }));
  const missing = question.closeMissing
    ? [...directory.units()].filter(
        (unit) =>
          unit.hub === hubId && unit.state !== unitStates.closed && !unit.border && !ids.has(unit.unit),
      )
    : [];
  return {
    added: living.filter(({ known }) => !known).map(({ line, unit }) => ({ line, unit })),
    changed: changed.filter(({ changes }) => changes.length > 0),
    closed: [
      ...placed
        .filter(({ closed, known }) => closed && known)
        .map(({ line, unit, code }) => ({ line, unit: unit.unit, code, name: unit.name })),
      ...missing.map(({ unit, name }) => ({ line: 0, unit, code: directory.codeOf(unit), name })),
    ],
    refused: refused.sort((a, b) => a.line - b.line),
    unchanged: changed.filter(({ changes }) => changes.length === 0).length,
  };
}

/** Parents by code, of the table or of the directory; a row whose parent is unknown, or that would stand above itself, is refused. */
function withParents(
  { directory, hubId, nowMs }: ImportQuestion,
  rows: readonly Row[],
  refused: { line: number; code: string; reason: string }[],
  cellAt: (line: number) => string,
): Row[] {
  const byCode = new Map(rows.flatMap((row) => row.unit.codes.map((code) => [code, row] as const)));
  const parentOf = new Map<string, string>();
  const placed: Row[] = [];
  for (const row of rows) {
    const code = cellAt(row.line).trim().toUpperCase();
    const above = byCode.get(code)?.unit.unit ?? directory.byCode(code, nowMs)?.unit;
    if (code !== '' && (above === undefined || (!byCode.has(code) && directory.unit(above)?.hub !== hubId)))
      refused.push({
        line: row.line,
        code: row.code,
        reason: `không có đơn vị cấp trên ${code} (no such parent)`,
      });
    else {
      parentOf.set(row.unit.unit, above ?? '');
      placed.push({ ...row, unit: { ...row.unit, parent: above ?? '' } });
    }
  }
  return placed.filter((row) => {
    let above = row.unit.parent ?? '';
    for (let step = 0; above !== ''; step++) {
      if (above === row.unit.unit || step > 32) {
        refused.push({ line: row.line, code: row.code, reason: 'vòng cấp trên (circle of parents)' });
        return false;
      }
      above = parentOf.get(above) ?? directory.unit(above)?.parent ?? '';
    }
    return true;
  });
}

const stateWords: Readonly<Record<number, string>> = {
  1: 'hoạt động',
  2: 'chờ xác nhận',
  3: 'tạm dừng',
  4: 'đã đóng',
  5: 'chưa ghi danh',
};

/** The same columns that an import reads. */
export function exportColumns(directory: Directory): readonly SheetColumn<KnownUnit>[] {
  const head = (field: Field) => importHeaders[field][0];
  return [
    { header: head('code'), type: 'text', width: 18, value: ({ aliases }) => aliases[0]?.code },
    {
      header: head('codes'),
      type: 'text',
      width: 18,
      value: ({ aliases }) =>
        aliases
          .slice(1)
          .map(({ code }) => code)
          .join('; '),
    },
    { header: head('name'), type: 'text', width: 48, value: ({ name }) => name },
    { header: head('kind'), type: 'text', value: ({ kind }) => kind },
    {
      header: head('parent'),
      type: 'text',
      width: 18,
      value: ({ parent }) => (parent ? directory.codeOf(parent) : ''),
    },
    { header: head('groups'), type: 'text', value: ({ groups }) => groups?.join('; ') },
    { header: head('desks'), type: 'text', width: 40, value: ({ desks }) => deskText(desks) },
    {
      header: head('size'),
      type: 'number',
      value: ({ documentBytesMax }) => (documentBytesMax ? documentBytesMax / MB : null),
    },
    { header: head('state'), type: 'text', value: ({ state }) => stateWords[state] ?? String(state) },
  ];
}
