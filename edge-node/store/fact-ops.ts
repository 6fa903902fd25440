// Small writes that belong to no queue: facts, units, audit, alarms, directory parts, staged content, things kept aside.
// Run in the writer thread. The audit holds facts only: no content, no titles.

import type { Database } from '../../protocol/node/sqlite.ts';
import { auditDigest } from '../accounts/audit-chain.ts';
import type { AsideRow, FactName, Facts } from './types.ts';

export function writeFact(db: Database, name: FactName, value: string): void {
  db.run(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}

/** Highest ledger sequence of the hub that this store knows of; never goes back. */
export function raiseLedgerSeen(db: Database, sequence: number): void {
  if (sequence > 0)
    db.run(
      `INSERT INTO facts (name, value) VALUES ('ledgerSeen', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
       WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)`,
      String(sequence),
    );
}

/** Each row is chained to the one before (accounts/audit-chain.ts). */
export function noteAudit(
  db: Database,
  a: { atMs: number; actor: string; act: string; about: string; said?: string },
): void {
  const last = db.get<{ id: number; digest: Uint8Array | null }>(
    'SELECT id, digest FROM audit ORDER BY id DESC LIMIT 1',
  );
  // The id is part of what is chained, so it is chosen here; the writer thread is the only one that writes.
  const row = { id: (last?.id ?? 0) + 1, at_ms: a.atMs, actor: a.actor, act: a.act, about: a.about };
  const said = (a.said ?? '').slice(0, 500);
  db.run(
    'INSERT INTO audit (id, at_ms, actor, act, about, said, digest) VALUES (?, ?, ?, ?, ?, ?, ?)',
    row.id,
    row.at_ms,
    row.actor,
    row.act,
    row.about,
    said,
    auditDigest(last?.digest ?? null, { ...row, said }),
  );
}

/** The same alarm again counts up and is unseen again. */
export function noteAlarm(
  db: Database,
  a: { atMs: number; code: string; about: string; said: string },
): void {
  db.run(
    `INSERT INTO alarms (at_ms, code, about, said) VALUES (?, ?, ?, ?)
     ON CONFLICT (code, about) DO UPDATE SET count = count + 1, at_ms = excluded.at_ms, said = excluded.said, seen_ms = NULL`,
    a.atMs,
    a.code,
    a.about.slice(0, 200),
    a.said.slice(0, 500),
  );
}

/** The same bytes are kept once. */
export function keepAside(db: Database, row: AsideRow, nowMs: number): void {
  db.run(
    `INSERT INTO aside (at_ms, kind, code, sender, envelope_id, digest, bytes, hub_receipt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, digest) DO NOTHING`,
    nowMs,
    row.kind,
    row.code,
    row.sender,
    row.envelopeId,
    row.digest,
    db.cells.begin().seal(row.bytes),
    row.hubReceipt,
  );
}

/** No wait of ours is longer: a later time was reckoned on a clock that was ahead. */
const longestWaitMs = 86_400_000;

export function factOps(db: Database) {
  return {
    /** What waits for a time that the clock, set back since, would reach only after days is due now. */
    clockSetBack({ nowMs }: { nowMs: number }): void {
      const beyondMs = nowMs + longestWaitMs;
      db.run("UPDATE envelopes SET next_ms = 0 WHERE work <> 'done' AND next_ms > ?", beyondMs);
      db.run("UPDATE statements SET next_ms = 0 WHERE post = 'pending' AND next_ms > ?", beyondMs);
      db.run("UPDATE checks SET next_ms = 0 WHERE state = 'pending' AND next_ms > ?", beyondMs);
    },
    setFacts(facts: Facts): void {
      for (const [name, value] of Object.entries(facts)) writeFact(db, name as FactName, value);
    },
    syncUnits({
      units,
      nowMs,
    }: {
      units: readonly { unit: string; code: string; name: string }[];
      nowMs: number;
    }): void {
      for (const { unit, code, name } of units)
        db.run(
          `INSERT INTO units (unit, code, name, added_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (unit) DO UPDATE SET code = excluded.code, name = excluded.name`,
          unit,
          code,
          name,
          nowMs,
        );
    },
    audit(a: { atMs: number; actor: string; act: string; about: string; said: string }): void {
      noteAudit(db, a);
    },
    alarm(a: { atMs: number; code: string; about: string; said: string }): void {
      noteAlarm(db, a);
    },
    alarmSeen({ id, actor, nowMs }: { id: number; actor: string; nowMs: number }): void {
      db.run('UPDATE alarms SET seen_ms = ? WHERE id = ?', nowMs, id);
      noteAudit(db, { atMs: nowMs, actor, act: 'alarm-seen', about: String(id) });
    },
    stageContent(s: {
      handle: string;
      unit: string;
      sha256: Uint8Array;
      treeRoot: Uint8Array;
      length: number;
      nowMs: number;
    }): void {
      db.run(
        'INSERT INTO staged (handle, unit, sha256, tree_root, length, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
        s.handle,
        s.unit,
        s.sha256,
        s.treeRoot,
        s.length,
        s.nowMs,
      );
    },
    forgetStaged({ beforeMs }: { beforeMs: number }): number {
      return db.run(
        `DELETE FROM staged WHERE at_ms < ? AND handle NOT IN (
           SELECT h.handle FROM draft_handles h JOIN drafts d ON d.id = h.draft_id WHERE d.state IN ('open','held'))`,
        beforeMs,
      ).changes;
    },
    keepAsides({ items, nowMs }: { items: readonly AsideRow[]; nowMs: number }): void {
      for (const row of items) {
        keepAside(db, row, nowMs);
        noteAlarm(db, { atMs: nowMs, code: row.code, about: `${row.kind} kept aside`, said: '' });
      }
    },
  };
}
