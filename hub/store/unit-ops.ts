// Writer thread: acts on units and peers. Each one changes its rows, signs a new directory version and appends its ledger entry
// in one transaction. Reforms are reform-ops.ts. A move of a state is one compare-and-swap. Must never delete a unit, a code or a peer: what was stays readable.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { addAlias, assertCodeFree, stateOfUnit } from './unit-rows.ts';

export type PeerStateName = 'active' | 'unconfirmed' | 'suspended' | 'revoked' | 'closed';

export type UnitToAdd = {
  readonly unit: string;
  readonly name: string;
  /** Official codes, the present one first. Upper case. */
  readonly codes: readonly string[];
  readonly parent: string;
  readonly documentBytesMax: number;
  readonly nowMs: number;
};
function namingOps(db: Database, deps: AdminDeps) {
  return {
    /** A new unit is `invited`: known and addressable, with no node yet. `unit-exists` when a code is taken. */
    unitAdd({ unit, name, codes, parent, documentBytesMax, nowMs }: UnitToAdd) {
      for (const code of codes) assertCodeFree(db, code, unit, nowMs);
      if (parent !== '') stateOfUnit(db, parent);
      db.run(
        "INSERT INTO units (unit, name, state, parent, document_bytes_max, added_ms) VALUES (?, ?, 'invited', ?, ?, ?)",
        unit,
        name,
        parent,
        documentBytesMax,
        nowMs,
      );
      // From the beginning of time: documents that name an old code may be older than this entry.
      for (const [rank, code] of codes.entries()) addAlias(db, { unit, code, nowMs: 0, rank });
      return { unit, version: publishPart(db, deps, nowMs) };
    },

    /** An older or second code for the same unit, behind the present ones. */
    unitAlias({
      unit,
      code,
      untilMs,
      nowMs,
    }: {
      unit: string;
      code: string;
      untilMs: number;
      nowMs: number;
    }) {
      stateOfUnit(db, unit);
      assertCodeFree(db, code, unit, nowMs);
      const last = db.get<{ rank: number }>(
        'SELECT coalesce(max(rank), -1) AS rank FROM unit_aliases WHERE unit = ?',
        unit,
      );
      addAlias(db, { unit, code, nowMs: 0, rank: (last?.rank ?? -1) + 1 });
      db.run(
        'UPDATE unit_aliases SET until_ms = ? WHERE unit = ? AND code = ? AND from_ms = 0',
        untilMs,
        unit,
        code,
      );
      return { version: publishPart(db, deps, nowMs) };
    },
  };
}

function lifeOps(db: Database, deps: AdminDeps) {
  return {
    /** Suspended: may neither send nor receive; what is for it waits. */
    unitSuspend({ unit, nowMs }: { unit: string; nowMs: number }) {
      const { changes } = db.run(
        "UPDATE units SET state = 'suspended' WHERE unit = ? AND state IN ('active', 'unconfirmed', 'invited')",
        unit,
      );
      if (changes === 0) {
        const state = stateOfUnit(db, unit);
        throw new ExchangeError(state === 'closed' ? 'unit-closed' : 'unit-suspended', unit);
      }
      return { version: publishPart(db, deps, nowMs) };
    },

    /** Back to what it is by the facts: active with a node, unconfirmed with a node that nobody confirmed, else invited. */
    unitResume({ unit, nowMs }: { unit: string; nowMs: number }) {
      const { changes } = db.run(
        `UPDATE units SET state = CASE
           WHEN node IS NOT NULL THEN 'active'
           WHEN EXISTS (SELECT 1 FROM invitations i WHERE i.unit = units.unit AND used_ms IS NOT NULL AND confirmed_ms IS NULL) THEN 'unconfirmed'
           ELSE 'invited' END
         WHERE unit = ? AND state = 'suspended'`,
        unit,
      );
      if (changes === 0)
        throw new ExchangeError('request-malformed', `${unit} is ${stateOfUnit(db, unit)}, not suspended`);
      return { version: publishPart(db, deps, nowMs) };
    },
  };
}

function peerOps(db: Database) {
  return {
    /** Registers a hub below (or above): it may connect with a `hub-link` certificate named in its own directory part. */
    peerAddHub({ hubId, nowMs }: { hubId: string; nowMs: number }): void {
      const { changes } = db.run(
        "INSERT OR IGNORE INTO peers (peer, kind, state, added_ms) VALUES (?, 'hub', 'active', ?)",
        hubId,
        nowMs,
      );
      if (changes === 0) throw new ExchangeError('unit-exists', hubId);
    },

    /** Compare-and-swap from any state of `from`. `peer-unknown`, or `request-malformed` naming the state found. */
    peerState({ peer, from, to }: { peer: string; from: readonly PeerStateName[]; to: PeerStateName }): void {
      const found = db.get<{ state: PeerStateName }>('SELECT state FROM peers WHERE peer = ?', peer);
      if (!found) throw new ExchangeError('peer-unknown', peer);
      if (!from.includes(found.state))
        throw new ExchangeError('request-malformed', `${peer} is ${found.state}`);
      db.run('UPDATE peers SET state = ? WHERE peer = ? AND state = ?', to, peer, found.state);
    },

    /** Returns how many were marked; `id` 0 marks all. */
    alarmSeen({ id, nowMs }: { id: number; nowMs: number }): number {
      return db.run(
        'UPDATE alarms SET seen_ms = ? WHERE seen_ms IS NULL AND (id = ? OR ? = 0)',
        nowMs,
        id,
        id,
      ).changes;
    },
  };
}

export function unitOps(db: Database, deps: AdminDeps) {
  return { ...namingOps(db, deps), ...lifeOps(db, deps), ...peerOps(db) };
}
