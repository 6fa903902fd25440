// Content keys: one per document or file, each wrapped by the master key, in DIR/content-keys.sqlite. Its own small database, so that it can be backed
// up apart, and so that destroying one key makes every copy of what it sealed unreadable. Keys are made in blocks and are durable before
// the first of them is used: a document never costs a sync more. Used in the main thread (files) and in the writer thread (cells).
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '../sqlite.ts';
import { open, seal } from './aead.ts';
import { destroyInGenerations, keyStoreFile } from './generations.ts';

const blockKeys = 256;
/** Opened keys kept in memory. */
const keptMax = 4096;

const schema = `CREATE TABLE IF NOT EXISTS content_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL
) STRICT`;

export type ContentKey = { readonly id: number; readonly key: Buffer };
export type KeyStore = {
  /** A key that nothing was sealed with yet; it is on disk. */
  take(): ContentKey;
  /** undefined: destroyed, or of another folder. */
  find(id: number): Buffer | undefined;
  /** The keys are overwritten on disk on return, in the write-ahead log and in the copies beside backups too. */
  destroy(ids: readonly number[]): void;
  close(): void;
};

const about = (id: number): Buffer => Buffer.from(`lienthong content key 1 ${id}`);

export function openKeyStore(dir: string, master: Uint8Array): KeyStore {
  const path = join(dir, keyStoreFile);
  const db: Database = openDatabase(path, { create: !existsSync(path) });
  // What is deleted is overwritten, and does not live on in a free page.
  db.exec('PRAGMA secure_delete = ON');
  db.exec(schema);
  const known = new Map<number, Buffer>();
  const fresh: ContentKey[] = [];

  function keep(id: number, key: Buffer): void {
    if (known.size >= keptMax) known.delete(known.keys().next().value!);
    known.set(id, key);
  }

  function makeBlock(): void {
    db.transaction(() => {
      // The number is bound into the box, so it is known first; no number is given twice, deleted ones neither.
      const last =
        db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'content_keys'")?.seq ?? 0;
      for (let id = last + 1; id <= last + blockKeys; id++) {
        const key = randomBytes(32);
        db.run('INSERT INTO content_keys (id, wrapped) VALUES (?, ?)', id, seal(master, key, about(id)));
        fresh.push({ id, key });
      }
    });
  }

  return {
    take() {
      if (fresh.length === 0) makeBlock();
      const next = fresh.shift()!;
      keep(next.id, next.key);
      return next;
    },
    find(id) {
      const there = known.get(id);
      if (there) return there;
      const row = db.get<{ wrapped: Uint8Array }>('SELECT wrapped FROM content_keys WHERE id = ?', id);
      const key = row && open(master, row.wrapped, about(id));
      if (key) keep(id, key);
      return key;
    },
    destroy(ids) {
      for (const id of ids) known.delete(id);
      db.transaction(() => {
        for (const id of ids) db.run('DELETE FROM content_keys WHERE id = ?', id);
      });
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      destroyInGenerations(dir, ids);
    },
    close: () => db.close(),
  };
}
