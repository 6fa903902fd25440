// How content keys lie in content-keys.sqlite: 1,024 of them in one box under the master key, a row for each box. One by one they would cost a box and
// a row each when they are made, and again in every thread that opens what they sealed. A destroyed key is overwritten with zeros and its block
// sealed anew in the same place. Under key-store.ts, and in the copies beside backups (generations.ts). Must never give a number twice.
import { randomBytes } from 'node:crypto';
import { ExchangeError } from '../../errors.ts';
import type { Database } from '../sqlite.ts';
import { open, seal } from './aead.ts';

export const blockKeys = 1024;
const keyBytes = 32;
const destroyed = Buffer.alloc(keyBytes);
const logWaitMs = 1000;
const retryAfterMs = 1000;

const schema = `CREATE TABLE IF NOT EXISTS key_blocks (
  first INTEGER PRIMARY KEY,        -- number of its first key
  wrapped BLOB NOT NULL             -- 1,024 keys of 32 bytes, zeros where one was destroyed
) STRICT`;

/** Folders of before have one row for each key beside the blocks; no more are added. */
export const hasSingleKeys = (db: Database): boolean =>
  db.get("SELECT 1 FROM sqlite_schema WHERE name = 'content_keys'") !== undefined;

const aboutBlock = (first: number): Buffer => Buffer.from(`lienthong content keys 1 ${first}`);
const aboutSingle = (id: number): Buffer => Buffer.from(`lienthong content key 1 ${id}`);

/** Every key of these databases is one of somebody's documents: what is deleted or overwritten does not live on in a free page. */
export function prepareKeys(db: Database): void {
  db.exec('PRAGMA secure_delete = ON');
  db.exec(schema);
}

export type Block = { readonly first: number; readonly keys: Buffer };

/** Random keys that nothing was sealed with; on disk on return. */
export function makeBlock(db: Database, master: Uint8Array): Block {
  const keys = randomBytes(blockKeys * keyBytes);
  return db.transaction(() => {
    // Blocks stay when all their keys are gone, so the last one tells which numbers were given.
    const last = db.get<{ first: number | null }>('SELECT max(first) AS first FROM key_blocks')!.first;
    const single = hasSingleKeys(db)
      ? db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'content_keys'")?.seq
      : undefined;
    const first = Math.max(last === null ? 0 : last + blockKeys - 1, single ?? 0) + 1;
    db.run(
      'INSERT INTO key_blocks (first, wrapped) VALUES (?, ?)',
      first,
      seal(master, keys, aboutBlock(first)),
    );
    return { first, keys };
  });
}

/** undefined: no such block, or it does not open under this master key. */
export function blockOf(db: Database, master: Uint8Array, id: number): Block | undefined {
  const row = db.get<{ first: number; wrapped: Uint8Array }>(
    'SELECT first, wrapped FROM key_blocks WHERE first <= ? ORDER BY first DESC LIMIT 1',
    id,
  );
  if (!row || id >= row.first + blockKeys) return undefined;
  const keys = open(master, row.wrapped, aboutBlock(row.first));
  return keys && { first: row.first, keys };
}

/** A copy: a block may be overwritten while somebody still uses the key. */
export function keyIn({ first, keys }: Block, id: number): Buffer | undefined {
  const at = (id - first) * keyBytes;
  const key = Buffer.from(keys.subarray(at, at + keyBytes));
  return key.equals(destroyed) ? undefined : key;
}

/** Only where the database has single keys. */
export function singleKey(db: Database, master: Uint8Array, id: number): Buffer | undefined {
  const row = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM content_keys WHERE id = ?', id);
  return row && open(master, row.wrapped, aboutSingle(id));
}

/**
 * Overwritten on return, in the write-ahead log too. Idempotent. Codes: store-damaged when a block does not open: its keys might still be read by
 * somebody who does not ask whether it verifies, and nobody may say that they are gone; overloaded while somebody reads, who may say it neither.
 */
export function destroyKeys(db: Database, master: Uint8Array, ids: readonly number[]): void {
  db.transaction(() => {
    if (hasSingleKeys(db)) for (const id of ids) db.run('DELETE FROM content_keys WHERE id = ?', id);
    for (const id of ids) {
      const there = db.get<{ first: number }>(
        'SELECT first FROM key_blocks WHERE first <= ? AND first > ?',
        id,
        id - blockKeys,
      );
      if (!there) continue;
      const block = blockOf(db, master, id);
      if (!block) throw new ExchangeError('store-damaged', `${db.path}: keys from ${there.first} on`);
      const at = (id - block.first) * keyBytes;
      block.keys.fill(0, at, at + keyBytes);
      db.run(
        'UPDATE key_blocks SET wrapped = ? WHERE first = ?',
        seal(master, block.keys, aboutBlock(block.first)),
        block.first,
      );
    }
  });
  // It waits for readers. A copy that is being made of this database reads for longer: until it is done the file still has the keys.
  if (!db.emptyLog(logWaitMs))
    throw new ExchangeError('overloaded', `the write-ahead log of ${db.path} is in use`, { retryAfterMs });
}

/**
 * Brings a copy to what stands in the store that it was made of: a key that was destroyed while it was made does not live on in it. Only with a copy that
 * destroyers know already; whoever destroys does so in the store first.
 */
export function followDestroyed(copy: Database, store: Database): void {
  copy.transaction(() => {
    if (hasSingleKeys(copy))
      for (const { id } of copy.all<{ id: number }>('SELECT id FROM content_keys'))
        if (!store.get('SELECT 1 FROM content_keys WHERE id = ?', id))
          copy.run('DELETE FROM content_keys WHERE id = ?', id);
    for (const { first } of copy.all<{ first: number }>('SELECT first FROM key_blocks')) {
      const now = store.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM key_blocks WHERE first = ?', first);
      if (now)
        copy.run('UPDATE key_blocks SET wrapped = ?1 WHERE first = ?2 AND wrapped <> ?1', now.wrapped, first);
    }
  });
  copy.emptyLog(logWaitMs);
}
