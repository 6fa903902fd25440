// Content keys: one per document or file, wrapped by the master key, in DIR/content-keys.sqlite. Its own small database, so that it can be backed
// up apart, and so that destroying one key makes every copy of what it sealed unreadable. Keys are made in blocks and are durable before
// the first of them is used: a document never costs a sync more. Used in the main thread (files) and in the writer thread (cells).
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '../sqlite.ts';
import { boxKey } from './aead.ts';
import { destroyInGenerations, keyStoreFile } from './generations.ts';
import {
  type Block,
  blockKeys,
  blockOf,
  destroyKeys,
  hasSingleKeys,
  keyIn,
  makeBlock,
  prepareKeys,
  singleKey,
} from './key-blocks.ts';

/** Opened keys kept in memory, twice so many, and opened blocks: half a megabyte each. */
const keptMax = 2048;
const blocksMax = 16;

/** `object` is the same key as the cipher takes it. */
export type ContentKey = { readonly id: number; readonly key: Buffer; readonly object: KeyObject };
export type KeyStore = {
  /** A key that nothing was sealed with yet; it is on disk. */
  take(): ContentKey;
  /** undefined: destroyed, or of another folder. */
  find(id: number): ContentKey | undefined;
  /** The keys are overwritten on disk on return, in the write-ahead log and in the copies beside backups too. Codes: store-damaged, overloaded. */
  destroy(ids: readonly number[]): void;
  close(): void;
};

export function openKeyStore(dir: string, master: Uint8Array): KeyStore {
  const path = join(dir, keyStoreFile);
  const db: Database = openDatabase(path, { create: !existsSync(path) });
  prepareKeys(db);
  const singles = hasSingleKeys(db);
  // Two generations: taking the oldest out of one map, again and again, costs as much as a box (V8 walks over what was deleted before it).
  let known = new Map<number, ContentKey>();
  let before = new Map<number, ContentKey>();
  /** By the number of its first key; single keys of before are in none. */
  const blocks = new Map<number, Block>();
  /** What is left of the block that keys are taken from. */
  let fresh: { readonly block: Block; next: number } | undefined;

  function keep(id: number, key: Buffer): ContentKey {
    return remember({ id, key, object: boxKey(key) });
  }

  function remember(kept: ContentKey): ContentKey {
    if (known.size >= keptMax) [before, known] = [known, new Map()];
    known.set(kept.id, kept);
    return kept;
  }

  function openedBlock(id: number): Block | undefined {
    for (const block of blocks.values()) if (id >= block.first && id < block.first + blockKeys) return block;
    const block = blockOf(db, master, id);
    if (!block) return undefined;
    if (blocks.size >= blocksMax) blocks.delete(blocks.keys().next().value!);
    blocks.set(block.first, block);
    return block;
  }

  function keyInBlock(id: number): Buffer | undefined {
    const block = openedBlock(id);
    return block && keyIn(block, id);
  }

  return {
    take() {
      if (!fresh || fresh.next === fresh.block.first + blockKeys) {
        const block = makeBlock(db, master);
        fresh = { block, next: block.first };
      }
      const id = fresh.next++;
      return keep(id, keyIn(fresh.block, id)!);
    },
    find(id) {
      const there = known.get(id);
      if (there) return there;
      const older = before.get(id);
      if (older) return remember(older);
      // Who went back to a program of before with a newer store of keys has single keys with numbers of blocks, which nothing there was sealed with.
      const key = (singles ? singleKey(db, master, id) : undefined) ?? keyInBlock(id);
      return key && keep(id, key);
    },
    destroy(ids) {
      for (const id of ids) for (const kept of [known, before]) kept.delete(id);
      // Opened anew, without them, when somebody asks.
      blocks.clear();
      destroyKeys(db, master, ids);
      destroyInGenerations(dir, master, ids);
    },
    close: () => db.close(),
  };
}
