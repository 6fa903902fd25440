// Writer thread: what a unit is, beside its name and codes: kind, desks, groups, what it takes; the groups that the hub keeps; and many units
// at once from a table. Each is one act with one new version of the directory. Must never let a group contain itself.
import { endings } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { DirectoryGroup, UnitDesk } from '../../protocol/wire.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { addAlias, assertCodeFree, stateOfUnit } from './unit-rows.ts';

/** Absent members are not touched. */
export type UnitDescription = {
  readonly kind?: string | undefined;
  readonly desks?: readonly UnitDesk[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly acceptedKinds?: readonly number[] | undefined;
  readonly documentBytesMax?: number | undefined;
};
export type UnitImported = {
  readonly unit: string;
  readonly name: string;
  /** Codes that it has from now on; the present one first. */
  readonly codes: readonly string[];
  readonly parent?: string | undefined;
} & UnitDescription;
export type UnitsToImport = {
  /** Version of our part that the difference was made against. */
  readonly against: number;
  readonly added: readonly UnitImported[];
  readonly changed: readonly UnitImported[];
  /** Without a successor. */
  readonly closed: readonly string[];
  /** SHA-256 of the file, for the audit. */
  readonly file: Uint8Array;
  readonly nowMs: number;
};

/** Older lists stand for what was sent to the group before: the header names every recipient, so nothing is lost by replacing them. */
function describe(db: Database, unit: string, given: UnitDescription): void {
  const { kind, desks, groups, acceptedKinds, documentBytesMax } = given;
  if (kind !== undefined) db.run('UPDATE units SET kind = ? WHERE unit = ?', kind, unit);
  if (documentBytesMax !== undefined)
    db.run('UPDATE units SET document_bytes_max = ? WHERE unit = ?', documentBytesMax, unit);
  if (acceptedKinds !== undefined)
    db.run('UPDATE units SET accepted_kinds = ? WHERE unit = ?', acceptedKinds.join(' '), unit);
  if (desks !== undefined) {
    db.run('DELETE FROM unit_desks WHERE unit = ?', unit);
    for (const { desk, name } of desks)
      db.run(
        'INSERT OR REPLACE INTO unit_desks (unit, desk, name) VALUES (?, ?, ?)',
        unit,
        desk.toLowerCase(),
        name,
      );
  }
  if (groups !== undefined) {
    db.run('DELETE FROM unit_groups WHERE unit = ?', unit);
    for (const group of groups) {
      if (!db.get('SELECT 1 FROM directory_groups WHERE code = ?', group))
        throw new ExchangeError('group-unknown', group);
      db.run('INSERT OR IGNORE INTO unit_groups (unit, grp) VALUES (?, ?)', unit, group);
    }
  }
}

/** `group-cycle` naming the way back, when a group is reached from itself. */
export function assertNoGroupCycle(groups: ReadonlyMap<string, readonly string[]>, start: string): void {
  const seen = new Set<string>();
  const walk = (code: string, way: readonly string[]): void => {
    for (const next of groups.get(code) ?? []) {
      if (next === start) throw new ExchangeError('group-cycle', [...way, next].join(' > '));
      if (seen.has(next)) continue;
      seen.add(next);
      walk(next, [...way, next]);
    }
  };
  walk(start, [start]);
}

/** A new unit: known and addressable, with no node yet. Without the look-ups of a change: a nation's table is 125,000 of them. */
function addOne(db: Database, given: UnitImported, nowMs: number): void {
  const {
    unit,
    name,
    codes,
    parent = '',
    kind = '',
    documentBytesMax = 0,
    groups = [],
    desks = [],
    acceptedKinds = [],
  } = given;
  db.run(
    "INSERT INTO units (unit, name, state, parent, kind, document_bytes_max, added_ms) VALUES (?, ?, 'invited', ?, ?, ?, ?)",
    unit,
    name,
    parent,
    kind,
    documentBytesMax,
    nowMs,
  );
  for (const [rank, code] of codes.entries()) {
    assertCodeFree(db, code, unit, nowMs);
    // From the beginning of time: documents that name an old code may be older than this entry.
    addAlias(db, { unit, code, nowMs: 0, rank });
  }
  if (groups.length + desks.length + acceptedKinds.length > 0)
    describe(db, unit, { groups, desks, acceptedKinds });
}

function importOne(db: Database, unit: UnitImported, nowMs: number): void {
  const held = new Set(
    db
      .all<{ code: string }>(
        'SELECT code FROM unit_aliases WHERE unit = ? AND (until_ms = 0 OR until_ms > ?)',
        unit.unit,
        nowMs,
      )
      .map(({ code }) => code),
  );
  const before = db.get<{ name: string; from_ms: number }>(
    'SELECT name, coalesce((SELECT max(until_ms) FROM unit_names n WHERE n.unit = u.unit), 0) AS from_ms FROM units u WHERE unit = ?',
    unit.unit,
  );
  if (before && before.name !== unit.name) {
    db.run(
      'INSERT OR IGNORE INTO unit_names (unit, until_ms, from_ms, name) VALUES (?, ?, ?, ?)',
      unit.unit,
      nowMs,
      before.from_ms,
      before.name,
    );
    db.run('UPDATE units SET name = ? WHERE unit = ?', unit.name, unit.unit);
  }
  for (const [rank, code] of unit.codes.entries()) {
    if (!held.has(code)) {
      assertCodeFree(db, code, unit.unit, nowMs);
      addAlias(db, { unit: unit.unit, code, nowMs: 0, rank });
    } else
      db.run(
        'UPDATE unit_aliases SET rank = ? WHERE unit = ? AND code = ? AND rank <> ?',
        rank,
        unit.unit,
        code,
        rank,
      );
  }
  // What the table does not name stays an older code: it stands on letterheads.
  for (const code of held)
    if (!unit.codes.includes(code))
      db.run(
        'UPDATE unit_aliases SET rank = rank + ? WHERE unit = ? AND code = ? AND rank < ?',
        unit.codes.length,
        unit.unit,
        code,
        unit.codes.length,
      );
  if (unit.parent !== undefined)
    db.run('UPDATE units SET parent = ? WHERE unit = ? AND parent <> ?', unit.parent, unit.unit, unit.parent);
  describe(db, unit.unit, unit);
}

export function describeOps(db: Database, deps: AdminDeps) {
  const groupsNow = () =>
    new Map(
      db
        .all<{ code: string; includes: string }>('SELECT code, includes FROM directory_groups')
        .map(({ code, includes }) => [code, JSON.parse(includes) as string[]]),
    );
  return {
    unitDescribe({ unit, nowMs, ...given }: UnitDescription & { unit: string; nowMs: number }) {
      if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
      describe(db, unit, given);
      return { version: publishPart(db, deps, nowMs) };
    },

    /** Makes a group, or gives it another content. Codes: group-unknown, group-cycle. */
    groupSet({ nowMs, group }: { group: DirectoryGroup; nowMs: number }) {
      const { code, name, kinds, includes } = group;
      const groups = groupsNow().set(code, [...includes]);
      for (const each of includes) if (!groups.has(each)) throw new ExchangeError('group-unknown', each);
      assertNoGroupCycle(groups, code);
      db.run(
        `INSERT INTO directory_groups (code, name, kinds, includes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (code) DO UPDATE SET name = ?2, kinds = ?3, includes = ?4`,
        code,
        name,
        JSON.stringify(kinds),
        JSON.stringify(includes),
      );
      return { version: publishPart(db, deps, nowMs) };
    },

    groupRemove({ code, nowMs }: { code: string; nowMs: number }) {
      if (db.run('DELETE FROM directory_groups WHERE code = ?', code).changes === 0)
        throw new ExchangeError('group-unknown', code);
      for (const [other, includes] of groupsNow())
        if (includes.includes(code))
          db.run(
            'UPDATE directory_groups SET includes = ? WHERE code = ?',
            JSON.stringify(includes.filter((each) => each !== code)),
            other,
          );
      db.run('DELETE FROM unit_groups WHERE grp = ?', code);
      return { version: publishPart(db, deps, nowMs) };
    },

    /** A whole table as one act. `directory-moved-on` when another act came between the preview and this. */
    unitsImport({ against, added, changed, closed, nowMs }: UnitsToImport) {
      const own = db.get<{ version: number }>(
        "SELECT version FROM directory_heads WHERE hub = (SELECT value FROM facts WHERE name = 'hubId')",
      );
      if ((own?.version ?? 0) !== against)
        throw new ExchangeError('directory-moved-on', `version ${own?.version ?? 0}, not ${against}`);
      for (const unit of added) addOne(db, unit, nowMs);
      for (const unit of changed) importOne(db, unit, nowMs);
      for (const unit of closed)
        db.run(
          "UPDATE units SET state = 'closed', ended_by = ?, ended_ms = ? WHERE unit = ? AND state <> 'closed'",
          endings.closed,
          nowMs,
          unit,
        );
      return {
        version: publishPart(db, deps, nowMs),
        added: added.length,
        changed: changed.length,
        closed: closed.length,
      };
    },
  };
}
