// Writer thread: borders and the offices behind them. A border is a unit of this hub with a seal key of its own and a node that no machine
// can connect as: the hub itself works for it. Offices of the other system become units behind it, known by the codes that the other
// system states; nothing is derived from the shape of a code. Each act publishes one directory version.
import { randomBytes } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { newUnitId } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type CertificateRecord, recordCertificate } from './certificate-rows.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { raiseAlarm } from './unit-rows.ts';

export type BorderToAdd = {
  readonly name: string;
  readonly connector: string;
  /** Name of the other system for people. */
  readonly system: string;
  readonly unit: string;
  readonly node: string;
  readonly unitName: string;
  /** Code of the border unit itself, for people; the other system does not know it. */
  readonly code: string;
  readonly seal: CertificateRecord;
  /** JSON without secrets. */
  readonly settings: string;
  readonly nowMs: number;
};
export type ListedAgency = {
  /** Id of the office in the other system: stays when its code changes. */
  readonly agency: string;
  readonly code: string;
  readonly oldCode: string;
  readonly name: string;
  readonly mail: string;
  readonly deleted: boolean;
  /** Our own unit under that code, resolved by the caller in the directory; '' for an office of the other system. */
  readonly own: string;
};
export type AgenciesToPut = {
  readonly border: string;
  readonly rows: readonly ListedAgency[];
  /** True: what is not listed is gone. */
  readonly full: boolean;
  readonly version: number;
  readonly nowMs: number;
};
export type AgenciesResult = {
  readonly added: number;
  readonly changed: number;
  readonly closed: number;
  readonly conflicts: number;
};

type BorderRow = { name: string; unit: string; node: string };
/** As `border_agencies` has it. */
export type AgencyRow = {
  agency: string;
  unit: string;
  code: string;
  old_code: string;
  name: string;
  mail: string;
  own: number;
  deleted: number;
};

function needBorder(db: Database, name: string): BorderRow {
  const row = db.get<BorderRow>('SELECT name, unit, node FROM borders WHERE name = ?', name);
  if (!row) throw new ExchangeError('border-unknown', name.slice(0, 64));
  return row;
}

/** Unit that has the code now. A code that is being given up in the same list is free. */
function holderOf(db: Database, code: string, nowMs: number): string | undefined {
  return db.get<{ unit: string }>(
    'SELECT unit FROM unit_aliases WHERE code = ? AND from_ms <= ? AND (until_ms = 0 OR until_ms > ?) LIMIT 1',
    code,
    nowMs,
    nowMs,
  )?.unit;
}

function setCodes(db: Database, unit: string, codes: readonly string[]): void {
  for (const { code } of db.all<{ code: string }>(
    'SELECT code FROM unit_aliases WHERE unit = ? AND until_ms = 0',
    unit,
  ))
    if (!codes.includes(code))
      // Documents under way and statuses of old ones name the old code for years: it stays known unless another office gets it.
      db.run('UPDATE unit_aliases SET rank = rank + 10 WHERE unit = ? AND code = ?', unit, code);
  for (const [rank, code] of codes.entries()) {
    // No upsert: it would take the place of the OR IGNORE in the triggers that mark the unit for its page.
    const { changes } = db.run(
      'UPDATE unit_aliases SET until_ms = 0, rank = ? WHERE code = ? AND unit = ? AND from_ms = 0',
      rank,
      code,
      unit,
    );
    if (changes === 0)
      db.run('INSERT INTO unit_aliases (code, unit, from_ms, rank) VALUES (?, ?, 0, ?)', code, unit, rank);
  }
}

/** True if somebody else has one of these codes; an office of the same border that gave the code up loses it now. */
function taken(
  db: Database,
  { unit, codes, nowMs }: { unit: string; codes: readonly string[]; nowMs: number },
  border: BorderRow,
): boolean {
  return codes.some((code) => {
    const holder = holderOf(db, code, nowMs);
    if (holder === undefined || holder === unit) return false;
    const still = db.get(
      'SELECT 1 FROM border_agencies WHERE border = ? AND unit = ? AND deleted = 0 AND (code = ? OR old_code = ?)',
      border.name,
      holder,
      code,
      code,
    );
    const behind = db.get(
      'SELECT 1 FROM units WHERE unit = ? AND border = ? AND unit <> border',
      holder,
      border.unit,
    );
    if (still || !behind) return true;
    db.run(
      'UPDATE unit_aliases SET until_ms = ? WHERE unit = ? AND code = ? AND until_ms = 0',
      nowMs,
      holder,
      code,
    );
    return false;
  });
}

export function borderAdminOps(db: Database, deps: AdminDeps) {
  function putAgency(
    border: BorderRow,
    listed: ListedAgency,
    nowMs: number,
  ): 'added' | 'changed' | 'closed' | 'same' | 'conflict' {
    const known = db.get<AgencyRow>(
      'SELECT agency, unit, code, old_code, name, mail, own, deleted FROM border_agencies WHERE border = ? AND agency = ?',
      border.name,
      listed.agency,
    );
    const codes = [...new Set([listed.code, listed.oldCode].filter((code) => code !== ''))];
    const own = listed.own !== '';
    if (known && same(known, listed)) return 'same';
    // An office of theirs that is ours now, or was: a person looks, since documents may be under way both ways.
    if (known && (known.own === 1) !== own) return 'conflict';
    if (!known && listed.deleted) return 'same';
    const unit = own ? listed.own : (known?.unit ?? newUnitId(randomBytes(10)));
    if (!own && !listed.deleted && taken(db, { unit, codes, nowMs }, border)) return 'conflict';
    if (!own) putUnit(border, { unit, codes, known: known !== undefined, listed, nowMs });
    db.run(
      `INSERT INTO border_agencies (border, agency, unit, code, old_code, name, mail, own, deleted) VALUES (?,?,?,?,?,?,?,?,?)
       ON CONFLICT (border, agency) DO UPDATE SET unit = excluded.unit, code = excluded.code, old_code = excluded.old_code,
         name = excluded.name, mail = excluded.mail, deleted = excluded.deleted`,
      border.name,
      listed.agency,
      unit,
      listed.code,
      listed.oldCode,
      listed.name,
      listed.mail,
      own ? 1 : 0,
      listed.deleted ? 1 : 0,
    );
    if (listed.deleted) return 'closed';
    return known ? 'changed' : 'added';
  }

  function putUnit(
    border: BorderRow,
    put: { unit: string; codes: readonly string[]; known: boolean; listed: ListedAgency; nowMs: number },
  ): void {
    const { unit, codes, listed, nowMs } = put;
    if (!put.known)
      db.run(
        "INSERT INTO units (unit, name, state, node, border, added_ms) VALUES (?, ?, 'active', ?, ?, ?)",
        unit,
        listed.name,
        border.node,
        border.unit,
        nowMs,
      );
    else
      db.run(
        "UPDATE units SET name = ?, state = CASE WHEN ? THEN 'closed' WHEN state = 'closed' THEN 'active' ELSE state END WHERE unit = ?",
        listed.name,
        listed.deleted ? 1 : 0,
        unit,
      );
    if (!listed.deleted) setCodes(db, unit, codes);
  }

  return {
    /** `unit-exists` when the code or the name is taken. */
    borderAdd(args: BorderToAdd) {
      const { name, unit, node, code, nowMs } = args;
      if (db.get('SELECT 1 FROM borders WHERE name = ?', name)) throw new ExchangeError('unit-exists', name);
      if (holderOf(db, code, nowMs) !== undefined) throw new ExchangeError('unit-exists', code);
      db.run("INSERT INTO peers (peer, kind, state, added_ms) VALUES (?, 'node', 'active', ?)", node, nowMs);
      db.run(
        "INSERT INTO units (unit, name, state, node, border, quota_bytes, added_ms) VALUES (?, ?, 'active', ?, ?, 0, ?)",
        unit,
        args.unitName,
        node,
        unit,
        nowMs,
      );
      setCodes(db, unit, [code]);
      db.run(
        "INSERT INTO borders (name, connector, system, unit, node, settings, state, added_ms) VALUES (?,?,?,?,?,?,'active',?)",
        name,
        args.connector,
        args.system,
        unit,
        node,
        args.settings,
        nowMs,
      );
      recordCertificate(db, deps, args.seal, nowMs);
      return { unit, version: publishPart(db, deps, nowMs) };
    },

    /** Paused: nothing leaves and nothing is fetched; what is for the other side waits here. */
    borderSet({
      name,
      state,
      settings,
    }: {
      name: string;
      state?: 'active' | 'paused';
      settings?: string;
    }): void {
      needBorder(db, name);
      if (state !== undefined) db.run('UPDATE borders SET state = ? WHERE name = ?', state, name);
      if (settings !== undefined) db.run('UPDATE borders SET settings = ? WHERE name = ?', settings, name);
    },

    /** Offices as the other system lists them, in one directory version. What contradicts what is known changes nothing and raises an alarm. */
    borderAgencies({ border: name, rows, full, version, nowMs }: AgenciesToPut): AgenciesResult {
      const border = needBorder(db, name);
      const counted = { added: 0, changed: 0, closed: 0, same: 0, conflict: 0 };
      const listed = new Set(rows.map(({ agency }) => agency));
      const gone = full
        ? db
            .all<AgencyRow>(
              'SELECT agency, unit, code, old_code, name, mail, own, deleted FROM border_agencies WHERE border = ? AND deleted = 0',
              name,
            )
            .filter(({ agency }) => !listed.has(agency))
            .map(
              (row): ListedAgency => ({
                ...row,
                oldCode: row.old_code,
                own: row.own === 1 ? row.unit : '',
                deleted: true,
              }),
            )
        : [];
      // Closed ones first: their codes may go to others in the same list.
      for (const each of [
        ...gone,
        ...rows.filter(({ deleted }) => deleted),
        ...rows.filter(({ deleted }) => !deleted),
      ]) {
        const done = putAgency(border, each, nowMs);
        counted[done] += 1;
        if (done === 'conflict')
          raiseAlarm(db, {
            code: 'border-agency-conflict',
            about: `${name} ${each.agency}`,
            said: `${each.code} ${each.oldCode} ${each.name}`,
            atMs: nowMs,
          });
      }
      db.run(
        'UPDATE borders SET directory_version = max(directory_version, ?), directory_ms = ? WHERE name = ?',
        version,
        nowMs,
        name,
      );
      const { added, changed, closed, conflict: conflicts } = counted;
      if (added + changed + closed > 0) publishPart(db, deps, nowMs);
      return { added, changed, closed, conflicts };
    },
  };
}

function same(known: AgencyRow, listed: ListedAgency): boolean {
  return (
    known.code === listed.code &&
    known.old_code === listed.oldCode &&
    known.name === listed.name &&
    known.mail === listed.mail &&
    (known.deleted === 1) === listed.deleted &&
    (known.own === 1 ? known.unit : '') === listed.own
  );
}
