// Single values of a hub's store by name: who it is, which epoch, where its parent is. Used by operations and readers alike.
// Must never hold a secret: the table travels in every backup.
import type { Database } from '../../protocol/node/sqlite.ts';

/** `upstream` is JSON or empty; numbers are decimal text. */
export type FactName =
  | 'hubId'
  | 'hubName'
  /** The office that runs the hub: its own unit. */
  | 'ownUnit'
  | 'epoch'
  | 'epochStartedMs'
  | 'commonLedgerSequence'
  /** Epoch of the backup that was restored. */
  | 'epochBefore'
  /** When the backup that was restored was made. */
  | 'restoredFromMs'
  | 'revocationNumber'
  /** Hub id of the next hub; empty at the top. */
  | 'parentHub'
  | 'upstream'
  /** Instance and token at the next hub, and the ledger sequence of its that was seen. */
  | 'upstreamInstance'
  | 'upstreamLedgerSeen'
  /** Epoch of the next hub for which everything open was offered. */
  | 'upstreamEpoch'
  /** What of removals was pushed to the next hub and read there. JSON, hub/takedown/upward.ts. */
  | 'upstreamRemovals'
  /** The next directory version is above this: set at a restore, since versions after the backup are in use outside. */
  | 'directoryVersionFloor';

export function readFact(db: Database, name: FactName): string | undefined {
  return db.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value;
}

/** A fact that `init` has written; its absence is a damaged store. */
export function needFact(db: Database, name: FactName): string {
  const value = readFact(db, name);
  if (value === undefined) throw new Error(`the store has no fact ${name}`);
  return value;
}

/** 0 if absent. */
export const readNumberFact = (db: Database, name: FactName): number => Number(readFact(db, name) ?? 0);

export function writeFact(db: Database, name: FactName, value: string): void {
  db.run(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}
