// Groups that a unit keeps for itself: writes and reads of own_groups. A group is a list of addresses as people wrote them; it is resolved when a
// document is handed in, so that a merged office is found under its new name. Must never keep a group that contains itself.
import { ExchangeError } from '../../protocol/errors.ts';
import { membersOf, type OwnGroup } from '../../protocol/groups.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from '../store/fact-ops.ts';

const GROUPS_MAX = 1_000;

type Row = { code: string; name: string; members: string };

export function ownGroups(db: Database, unit: string): OwnGroup[] {
  return db
    .all<Row>('SELECT code, name, members FROM own_groups WHERE unit = ? ORDER BY code', unit)
    .map(({ code, name, members }) => ({ code, name, members: JSON.parse(members) as string[] }));
}

export type GroupToSet = {
  readonly unit: string;
  readonly group: OwnGroup;
  /** Codes of the hub's groups, which may stand inside. */
  readonly hubGroups: readonly string[];
  readonly actor: string;
  readonly nowMs: number;
};

export function groupOps(db: Database) {
  return {
    /** Codes: group-cycle, group-unknown, request-malformed (too many). */
    ownGroupSet({ unit, group, hubGroups, actor, nowMs }: GroupToSet): void {
      const others = ownGroups(db, unit).filter(({ code }) => code !== group.code);
      if (others.length >= GROUPS_MAX)
        throw new ExchangeError('request-malformed', `at most ${GROUPS_MAX} groups`);
      membersOf([...others, group], group.code, (code) => hubGroups.includes(code));
      db.run(
        `INSERT INTO own_groups (unit, code, name, members, changed_ms, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (unit, code) DO UPDATE SET name = ?3, members = ?4, changed_ms = ?5, actor = ?6`,
        unit,
        group.code,
        group.name,
        JSON.stringify(group.members),
        nowMs,
        actor,
      );
      noteAudit(db, { atMs: nowMs, actor, act: 'group-set', about: group.code });
    },
    ownGroupRemove({
      unit,
      code,
      actor,
      nowMs,
    }: {
      unit: string;
      code: string;
      actor: string;
      nowMs: number;
    }): void {
      if (db.run('DELETE FROM own_groups WHERE unit = ? AND code = ?', unit, code).changes === 0)
        throw new ExchangeError('group-unknown', code);
      noteAudit(db, { atMs: nowMs, actor, act: 'group-removed', about: code });
    },
  };
}

export const groupReads = (db: Database) => ({ ownGroups: (unit: string) => ownGroups(db, unit) });
