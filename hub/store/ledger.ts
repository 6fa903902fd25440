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
  /** See openLedger. */
  forget(): void;
};

/** The chain value before the first entry. */
export const chainStart = Buffer.alloc(32);

/** What an entry's chain value must be. */
export function chainHash(previous: Uint8Array, leaf: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([previous, leaf]), 'buffer');
}

/**
 * The last entry is remembered between appends of one transaction; `forget` drops it, and must be called when an operation was undone
 * (its entry went with it) and when a transaction ends either way.
 */
export function openLedger(db: Database): Ledger {
  type Last = { readonly sequence: number; readonly chain: Uint8Array };
  let known: Last | undefined;
  const last = (): Last => {
    known ??= db.get<Last>('SELECT sequence, chain FROM ledger ORDER BY sequence DESC LIMIT 1') ?? {
      sequence: 0,
      chain: chainStart,
    };
    return known;
  };
  return {
    append(kind, entry, atMs) {
      const { sequence: before, chain: previous } = last();
      const leaf = leafHash(entry);
      const next = { sequence: before + 1, chain: chainHash(previous, leaf) };
      db.run(
        'INSERT INTO ledger (sequence, at_ms, kind, leaf, chain) VALUES (?,?,?,?,?)',
        next.sequence,
        atMs,
        kind,
        leaf,
        next.chain,
      );
      known = next;
      return next.sequence;
    },
    head: () => last().sequence,
    forget() {
      known = undefined;
    },
  };
}

/** Walks the whole chain. Yields what is wrong, in order; one changed entry is one finding, not one for each after it. */
export function* checkLedger(
  db: Database,
  onEntry: () => void = () => {},
): Generator<{ readonly about: string; readonly said: string }> {
  let expected = 1;
  let chain: Uint8Array = chainStart;
  for (const row of db.each<{ sequence: number; leaf: Uint8Array; chain: Uint8Array }>(
    'SELECT sequence, leaf, chain FROM ledger ORDER BY sequence',
  )) {
    onEntry();
    const about = `entry ${row.sequence}`;
    if (row.sequence !== expected) yield { about, said: `entry ${expected} is missing` };
    if (!chainHash(chain, row.leaf).equals(Buffer.from(row.chain)))
      yield { about, said: 'the chain does not continue here: this entry or one before it was changed' };
    // From the stored value, so that the next entries are judged by themselves.
    chain = row.chain;
    expected = row.sequence + 1;
  }
}
