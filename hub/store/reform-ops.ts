// Writer thread: reforms of units. Rename, merge, split, close, move under another parent, hand over to another hub: each one signed act,
// now or at a time to come. What was stays readable: names with their time, codes as aliases, how and when a unit ended.
// Must never make a circle of successors or parents, nor leave a unit's documents without an end.
import { endings } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { UnitAlias, UnitDesk, UnitName } from '../../protocol/wire.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import type { Reform, ReformRow } from './reform-rows.ts';
import { addAlias, assertCodeFree, raiseAlarm, stateOfUnit } from './unit-rows.ts';

const refused = (why: string) => new ExchangeError('reform-refused', why);
/** More steps upwards are a circle. */
const PARENTS_MAX = 32;

function closeUnit(db: Database, unit: string, how: number, nowMs: number): void {
  const { changes } = db.run(
    "UPDATE units SET state = 'closed', ended_by = ?, ended_ms = ? WHERE unit = ? AND state <> 'closed'",
    how,
    nowMs,
    unit,
  );
  if (changes === 0) {
    stateOfUnit(db, unit);
    throw new ExchangeError('unit-closed', unit);
  }
  db.run(
    'UPDATE invitations SET closed_ms = ? WHERE unit = ? AND used_ms IS NULL AND closed_ms IS NULL',
    nowMs,
    unit,
  );
}

function rename(db: Database, { units, name, code, oldCodeUntilMs = 0 }: Reform, nowMs: number): void {
  const [unit = ''] = units;
  if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
  if (name !== undefined) {
    const before = db.get<{ name: string; from_ms: number }>(
      `SELECT name, coalesce((SELECT max(until_ms) FROM unit_names n WHERE n.unit = u.unit), 0) AS from_ms FROM units u WHERE unit = ?`,
      unit,
    )!;
    if (before.name !== name) {
      db.run(
        'INSERT OR IGNORE INTO unit_names (unit, until_ms, from_ms, name) VALUES (?, ?, ?, ?)',
        unit,
        nowMs,
        before.from_ms,
        before.name,
      );
      db.run('UPDATE units SET name = ? WHERE unit = ?', name, unit);
    }
  }
  if (code === undefined) return;
  assertCodeFree(db, code, unit, nowMs);
  db.run('UPDATE unit_aliases SET rank = rank + 1 WHERE unit = ?', unit);
  db.run(
    'UPDATE unit_aliases SET until_ms = ? WHERE unit = ? AND rank = 1 AND until_ms = 0 AND code <> ?',
    oldCodeUntilMs,
    unit,
    code,
  );
  addAlias(db, { unit, code, nowMs, rank: 0 });
}

/** All old units close at one moment; what is addressed to them goes to the successors until `untilMs` (0: without an end). */
function succeed(db: Database, { kind, units, into = [], untilMs = 0 }: Reform, nowMs: number): void {
  const heirs = [...new Set(into)];
  if (units.length === 0 || units.some((unit) => heirs.includes(unit)))
    throw refused('a unit does not merge into itself');
  if (kind === 'merge' ? heirs.length !== 1 : heirs.length < 2)
    throw refused(kind === 'merge' ? 'a merge has one successor' : 'a split has two successors or more');
  for (const heir of heirs)
    if (stateOfUnit(db, heir) === 'closed') throw new ExchangeError('unit-closed', `the successor ${heir}`);
  for (const unit of units) {
    closeUnit(db, unit, kind === 'merge' ? endings.merged : endings.split, nowMs);
    // Who forwarded to a unit that closes now goes on to the last ones: a chain would need several looks at each document.
    const before = db.all<{ unit: string; until_ms: number }>(
      'SELECT unit, until_ms FROM unit_successors WHERE successor = ?',
      unit,
    );
    db.run('DELETE FROM unit_successors WHERE successor = ?', unit);
    for (const from of [...before, { unit, until_ms: untilMs }])
      for (const heir of heirs)
        db.run(
          'INSERT OR IGNORE INTO unit_successors (unit, successor, until_ms) VALUES (?, ?, ?)',
          from.unit,
          heir,
          from.until_ms,
        );
  }
}

function move(db: Database, { units, parent = '' }: Reform): void {
  for (const unit of units) {
    if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
    if (parent !== '' && stateOfUnit(db, parent) === 'closed')
      throw refused(`the parent ${parent} is closed`);
    let above = parent;
    for (let step = 0; above !== ''; step++) {
      if (above === unit || step > PARENTS_MAX) throw refused(`${unit} would stand above itself`);
      above = db.get<{ parent: string }>('SELECT parent FROM units WHERE unit = ?', above)?.parent ?? '';
    }
    db.run('UPDATE units SET parent = ? WHERE unit = ?', parent, unit);
  }
}

/** The unit lives on under another hub, which lists it from now on; this one goes on naming its old seals. */
function handOver(db: Database, { units, hub = '' }: Reform, nowMs: number): void {
  if (
    !db.get(
      'SELECT 1 FROM (SELECT hub FROM directory_heads UNION SELECT hub FROM directory_parts) WHERE hub = ?',
      hub,
    )
  )
    throw refused(`the directory of ${hub} is not known here`);
  for (const unit of units) {
    closeUnit(db, unit, endings.moved, nowMs);
    db.run('UPDATE units SET moved_to = ? WHERE unit = ?', hub, unit);
  }
}

/** Codes: unit-unknown, unit-closed, unit-exists, reform-refused. */
function apply(db: Database, reform: Reform, nowMs: number): void {
  switch (reform.kind) {
    case 'rename':
      rename(db, reform, nowMs);
      return;
    case 'merge':
    case 'split':
      succeed(db, reform, nowMs);
      return;
    case 'close':
      for (const unit of reform.units) closeUnit(db, unit, endings.closed, nowMs);
      return;
    case 'move':
      move(db, reform);
      return;
    case 'handover':
      handOver(db, reform, nowMs);
      return;
  }
}

export type UnitToAdopt = {
  readonly unit: string;
  readonly name: string;
  readonly aliases: readonly UnitAlias[];
  readonly names: readonly UnitName[];
  readonly desks: readonly UnitDesk[];
  readonly kind: string;
  readonly documentBytesMax: number;
};
type When = {
  /** In the future: signed now, in force then. */
  readonly effectiveMs?: number | undefined;
  readonly nowMs: number;
};
/** One unit, or several that end or move together. */
type Which =
  | { readonly unit: string; readonly units?: undefined }
  | { readonly unit?: undefined; readonly units: readonly string[] };
export type ReformDone = {
  readonly version: number;
  /** Number of a reform that takes force later. */
  readonly planned?: number;
};

export function reformOps(db: Database, deps: AdminDeps) {
  /** An act of tomorrow is tried today, and undone: what could not be done now is refused now. */
  function reform(
    kind: Reform['kind'],
    { unit, units, effectiveMs = 0, nowMs, ...given }: Which & When & Omit<Reform, 'kind' | 'units'>,
  ): ReformDone {
    const what: Reform = { ...given, units: units ?? [unit], kind };
    if (effectiveMs <= nowMs) {
      apply(db, what, nowMs);
      return { version: publishPart(db, deps, nowMs) };
    }
    db.exec('SAVEPOINT rehearsal');
    try {
      apply(db, what, effectiveMs);
    } finally {
      db.exec('ROLLBACK TO rehearsal');
      db.exec('RELEASE rehearsal');
    }
    const planned = db.run(
      "INSERT INTO reforms (kind, state, act, effective_ms, made_ms) VALUES (?, 'planned', ?, ?, ?)",
      kind,
      JSON.stringify(what),
      effectiveMs,
      nowMs,
    ).lastRowId;
    return { version: publishPart(db, deps, nowMs), planned };
  }

  function planned(id: number): ReformRow {
    const row = db.get<ReformRow>(
      "SELECT id, effective_ms, act FROM reforms WHERE id = ? AND state = 'planned'",
      id,
    );
    if (!row) throw refused(`no reform ${id} waits`);
    return row;
  }

  function end(id: number, state: 'done' | 'cancelled' | 'refused', said: string, nowMs: number): void {
    db.run(
      'UPDATE reforms SET state = ?, done_ms = ?, said = ? WHERE id = ?',
      state,
      nowMs,
      said.slice(0, 300),
      id,
    );
  }

  return {
    unitRename: (
      act: {
        unit: string;
        name?: string | undefined;
        /** The present one becomes an older alias until `oldCodeUntilMs` (0: for ever). */
        code?: string | undefined;
        oldCodeUntilMs: number;
      } & When,
    ) => reform('rename', act),
    unitMerge: ({ into, ...act }: { units: readonly string[]; into: string; untilMs: number } & When) =>
      reform('merge', { ...act, into: [into] }),
    unitSplit: (act: { unit: string; into: readonly string[]; untilMs: number } & When) =>
      reform('split', act),
    /** Closed for good, without a successor. Its peer stays: it must still learn what became of what it sent. */
    unitClose: (act: { unit: string } & When) => reform('close', act),
    /** `parent` '': none. */
    unitMove: (act: { units: readonly string[]; parent: string } & When) => reform('move', act),
    /** To another hub, whose directory is known here. */
    unitHandover: (act: { units: readonly string[]; hub: string } & When) => reform('handover', act),

    /**
     * Units that another hub has handed over to this one, with the ids that they have: known, addressable, and what is for them waits until
     * their node has enrolled here. Idempotent. The caller takes them from the other hub's verified part.
     */
    unitsAdopt({
      from,
      units,
      nowMs,
    }: {
      from: string;
      units: readonly UnitToAdopt[];
      nowMs: number;
    }): ReformDone & { adopted: number } {
      let adopted = 0;
      for (const { unit, name, aliases, names, desks, kind, documentBytesMax } of units) {
        const { changes } = db.run(
          `INSERT OR IGNORE INTO units (unit, name, state, parent, kind, document_bytes_max, moved_from, added_ms) VALUES (?, ?, 'invited', '', ?, ?, ?, ?)`,
          unit,
          name,
          kind,
          documentBytesMax,
          from,
          nowMs,
        );
        if (changes === 0) continue;
        adopted += 1;
        for (const [rank, { code, fromMs, untilMs }] of aliases.entries()) {
          if (untilMs === 0 || untilMs > nowMs) assertCodeFree(db, code, unit, nowMs);
          db.run(
            'INSERT OR IGNORE INTO unit_aliases (code, unit, from_ms, until_ms, rank) VALUES (?, ?, ?, ?, ?)',
            code,
            unit,
            fromMs,
            untilMs,
            rank,
          );
        }
        for (const each of names)
          db.run(
            'INSERT OR IGNORE INTO unit_names (unit, until_ms, from_ms, name) VALUES (?, ?, ?, ?)',
            unit,
            each.untilMs,
            each.fromMs,
            each.name,
          );
        for (const { desk, name: of } of desks)
          db.run('INSERT OR IGNORE INTO unit_desks (unit, desk, name) VALUES (?, ?, ?)', unit, desk, of);
      }
      return { version: adopted > 0 ? publishPart(db, deps, nowMs) : 0, adopted };
    },

    /** The day has come. What cannot be done any more is refused, with the code of the reason; reformRefused keeps that. */
    reformApply({ id, nowMs }: { id: number; nowMs: number }): ReformDone {
      const { act } = planned(id);
      apply(db, JSON.parse(act) as Reform, nowMs);
      end(id, 'done', '', nowMs);
      return { version: publishPart(db, deps, nowMs) };
    },
    reformRefused({ id, said, nowMs }: { id: number; said: string; nowMs: number }): ReformDone {
      planned(id);
      end(id, 'refused', said, nowMs);
      raiseAlarm(db, { code: 'reform-refused', about: `reform ${id}`, said, atMs: nowMs });
      return { version: publishPart(db, deps, nowMs) };
    },
    reformCancel({ id, nowMs }: { id: number; nowMs: number }): ReformDone {
      planned(id);
      end(id, 'cancelled', '', nowMs);
      return { version: publishPart(db, deps, nowMs) };
    },
  };
}
