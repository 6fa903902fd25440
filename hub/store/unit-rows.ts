// Writer thread: what acts on units have in common. Each function is a part of one act's transaction.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

export type UnitState = 'active' | 'unconfirmed' | 'suspended' | 'closed' | 'invited';

/** One alarm per (code, about); a repetition counts up and is unseen again. */
export function raiseAlarm(
  db: Database,
  alarm: { readonly code: string; readonly about: string; readonly said: string; readonly atMs: number },
): void {
  db.run(
    `INSERT INTO alarms (at_ms, code, about, said) VALUES (?, ?, ?, ?)
     ON CONFLICT (code, about) DO UPDATE SET at_ms = excluded.at_ms, said = excluded.said, count = count + 1, seen_ms = NULL`,
    alarm.atMs,
    alarm.code,
    alarm.about,
    alarm.said.slice(0, 500),
  );
}

export function stateOfUnit(db: Database, unit: string): UnitState {
  const row = db.get<{ state: UnitState }>('SELECT state FROM units WHERE unit = ?', unit);
  if (!row) throw new ExchangeError('unit-unknown', unit);
  return row.state;
}

/** A code names one unit at a time. It may come back to another unit after its date. */
export function assertCodeFree(db: Database, code: string, unit: string, nowMs: number): void {
  const taken = db.get<{ unit: string }>(
    'SELECT unit FROM unit_aliases WHERE code = ? AND unit <> ? AND (until_ms = 0 OR until_ms > ?)',
    code,
    unit,
    nowMs,
  );
  if (taken) throw new ExchangeError('unit-exists', `${code} is a code of ${taken.unit}`);
}

export function addAlias(
  db: Database,
  alias: { unit: string; code: string; nowMs: number; rank: number },
): void {
  const { code, unit, nowMs, rank } = alias;
  // No upsert: it would take the place of the OR IGNORE in the triggers that mark the unit for its page.
  const { changes } = db.run(
    'UPDATE unit_aliases SET until_ms = 0, rank = ? WHERE code = ? AND unit = ? AND from_ms = ?',
    rank,
    code,
    unit,
    nowMs,
  );
  if (changes === 0)
    db.run(
      'INSERT INTO unit_aliases (code, unit, from_ms, rank) VALUES (?, ?, ?, ?)',
      code,
      unit,
      nowMs,
      rank,
    );
}
