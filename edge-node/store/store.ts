// The node's store: the writer thread (writer-ops.ts) for every change and one read-only connection for short, indexed reads.
// Opening brings the schema forward. Must never be written to by anything but `write`.
import { join } from 'node:path';
import type { AtRest } from '../../protocol/node/at-rest/open.ts';
import { sealedNames, sealOnce } from '../../protocol/node/at-rest/seal-rows.ts';
import { type Database, migrate, openDatabase } from '../../protocol/node/sqlite.ts';
import { startWriter, type Writer } from '../../protocol/node/writer.ts';
import { verifyAudit } from '../accounts/audit-chain.ts';
import { accountReads } from '../accounts/reads.ts';
import { signInReads } from '../accounts/sign-in-reads.ts';
import { draftReads } from '../console/drafts-reads.ts';
import { figureReads } from '../figures/reads.ts';
import { folderReads } from '../folder/folder-ops.ts';
import { dueReads } from '../office/due-reads.ts';
import { registerReads } from '../office/register-reads.ts';
import { groupReads } from '../recipients/group-ops.ts';
import { statusReads } from '../statuses/reads.ts';
import { reminderReads } from '../statuses/reminders.ts';
import { refersTo } from '../statuses/request-ops.ts';
import { directoryReads } from './directory-ops.ts';
import { createFresh, type Fresh } from './fresh.ts';
import { listReads } from './list-reads.ts';
import { migrations } from './migrations.ts';
import { outboxReads } from './outbox-reads.ts';
import { safetyReads } from './safety-reads.ts';
import { sealedColumns } from './sealed-columns.ts';
import { searchReads } from './search-index.ts';
import { takedownReads } from './takedown-ops.ts';
import type { FactName, UnitKey, WriterContext } from './types.ts';
import { viewReads } from './view-reads.ts';
import type { EdgeOps } from './writer-ops.ts';

export const storeFile = 'node.sqlite';

/** What erases or hides a document, or stops one: nothing of it stays in memory. */
const erasing: ReadonlySet<keyof EdgeOps> = new Set([
  'obeyRemoval',
  'reportSecret',
  'eraseRecalled',
  'recallDocument',
  'cancelDocument',
] as const);

export type Store = ReturnType<typeof reads> & {
  /** What is just handed in or has come, for its first sending and for the search. */
  readonly fresh: Omit<Fresh, 'takeBytes' | 'takeWords'>;
  /** One narrow change; durable when it resolves (protocol/node/writer.ts). */
  readonly write: Writer<EdgeOps>['run'];
  readonly stats: Writer<EdgeOps>['stats'];
  close(): Promise<void>;
};

/** Creates the database of a new node; for `init`. Throws `dir-exists` through openDatabase when it is there. */
export function createStore(dir: string): void {
  const db = openDatabase(join(dir, storeFile), { create: true });
  migrate(db, migrations);
  db.close();
}

/** Throws `dir-missing`, `schema-newer`, `store-damaged`. */
export async function openStore(
  dir: string,
  options: { readonly keys: readonly UnitKey[]; readonly atRest?: AtRest | undefined },
): Promise<Store> {
  const path = join(dir, storeFile);
  const first = openDatabase(path, { init: 'lienthong node init' });
  migrate(first, migrations);
  const { atRest } = options;
  if (atRest) sealOnce(first, atRest.cells, sealedColumns);
  // Of the run before: the search begins anew.
  first.run('DELETE FROM search_changes');
  first.close();
  const context: WriterContext = {
    keys: options.keys,
    ...(atRest ? { atRest: { dir, master: atRest.master } } : {}),
  };
  const writer = await startWriter<EdgeOps>({
    path,
    operations: new URL('./writer-ops.ts', import.meta.url),
    context,
  });
  const db = openDatabase(path, { readOnly: true });
  if (atRest) db.useCells(atRest.cells, sealedNames(sealedColumns));
  const fresh = createFresh();
  return {
    ...reads(db, fresh),
    fresh,
    write: (name, args) => {
      const written = writer.run(name, args);
      return erasing.has(name) ? written.finally(fresh.clear) : written;
    },
    stats: writer.stats,
    async close() {
      await writer.close();
      db.close();
    },
  };
}

function reads(db: Database, fresh: Fresh) {
  return {
    ...outboxReads(db, fresh),
    ...viewReads(db),
    ...listReads(db),
    ...searchReads(db, fresh),
    ...registerReads(db),
    ...dueReads(db),
    ...statusReads(db),
    ...reminderReads(db),
    ...safetyReads(db),
    ...takedownReads(db),
    ...accountReads(db),
    ...directoryReads(db),
    ...groupReads(db),
    ...signInReads(db),
    ...draftReads(db),
    ...figureReads(db),
    ...folderReads(db),
    verifyAudit: () => verifyAudit(db),
    fact: (name: FactName): string | undefined =>
      db.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value,
    /** 0 if absent. */
    numberFact: (name: FactName): number =>
      Number(db.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value ?? 0),
    /** True when the arrival, or an earlier refusal of the same bytes, is stored. */
    hasArrived: (sender: string, envelopeId: Uint8Array, digest: Uint8Array): boolean =>
      db.get(
        'SELECT 1 FROM inbox WHERE sender = ? AND envelope_id = ? AND digest = ?',
        sender,
        envelopeId,
        digest,
      ) !== undefined,
    /** True while a row, or a handle of late, refers to the content. */
    refersTo: (sha256: Uint8Array): boolean => refersTo(db, sha256),
    staged: (handle: string) =>
      db.get<{ unit: string; sha256: Uint8Array; tree_root: Uint8Array; length: number }>(
        'SELECT unit, sha256, tree_root, length FROM staged WHERE handle = ?',
        handle,
      ),
  };
}
