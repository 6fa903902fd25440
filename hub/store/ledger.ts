// The ledger: one hash per acceptance, refusal, delivery, expiry and directory act, in order, in the transaction that makes the thing
// so. leaf = RFC 6962 leaf hash of the statement's bytes, chain = SHA-256(previous chain || leaf). Never updated, never deleted
// from: triggers forbid it and fsck recomputes it.
import { hash } from 'node:crypto';
import { leafHash } from '../../protocol/merkle.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

export type Ledger = {
  /** Appends inside the running transaction; returns the entry's sequence, from 1. */
  append(kind: string, entry: Uint8Array, atMs: number): number;
  /** Sequence of the last entry, 0 if none. */
  head(): number;
};

/** The chain value before the first entry. */
export const chainStart = Buffer.alloc(32);

/** What an entry's chain value must be. */
export function chainHash(previous: Uint8Array, leaf: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([previous, leaf]), 'buffer');
}

/** The last entry is read at every append: an operation undone by its savepoint takes its entry with it, and nothing here remembers it. */
export function openLedger(db: Database): Ledger {
  const last = () =>
    db.get<{ sequence: number; chain: Uint8Array }>(
      'SELECT sequence, chain FROM ledger ORDER BY sequence DESC LIMIT 1',
    ) ?? { sequence: 0, chain: chainStart };
  return {
    append(kind, entry, atMs) {
      const { sequence, chain } = last();
      const leaf = leafHash(entry);
      db.run(
        'INSERT INTO ledger (sequence, at_ms, kind, leaf, chain) VALUES (?,?,?,?,?)',
        sequence + 1,
        atMs,
        kind,
        leaf,
        chainHash(chain, leaf),
      );
      return sequence + 1;
    },
    head: () => last().sequence,
  };
}
