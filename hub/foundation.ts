// What the hub stands on: its database brought forward, the writer thread, one reading connection, the content folder, the keys of what is sealed. Under
// hub.ts, which holds the lock of the folder before and after. Must never be opened twice for one folder.
import { openAtRest } from '../protocol/node/at-rest/open.ts';
import { sealedNames, sealOnce } from '../protocol/node/at-rest/seal-rows.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { openContentStore } from '../protocol/node/content-store.ts';
import { migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { startWriter } from '../protocol/node/writer.ts';
import type { HubConfig } from './config.ts';
import { contentTurns } from './content-turns.ts';
import { hubPaths } from './identity.ts';
import { migrations } from './store/migrations.ts';
import { sealedColumns } from './store/sealed-columns.ts';
import { sqliteHubStore, writerKey } from './store/store.ts';
import type { HubKeyTexts, WriterContext } from './store/types.ts';

/** Codes: dir-missing, schema-newer, store-damaged, at-rest-key-missing, key-file-*. */
export async function openFoundation({
  dir,
  clock,
  config,
  ...ours
}: {
  readonly dir: string;
  readonly clock: Clock;
  readonly config: HubConfig;
  readonly hubId: string;
} & HubKeyTexts) {
  const { database } = hubPaths(dir);
  const writing = openDatabase(database, { init: 'lienthong hub init' });
  migrate(writing, migrations);
  const atRest = await openAtRest(dir);
  if (atRest) sealOnce(writing, atRest.cells, sealedColumns);
  writing.close();
  const context: WriterContext = {
    ...(atRest ? { atRest: { dir, master: atRest.master } } : {}),
    ...ours,
    quotaBytesDefault: config.quotaBytesDefault,
    directoryDays: config.directoryDays,
    secondPerson: config.secondPerson.acts,
  };
  const writer = await startWriter({
    path: database,
    operations: new URL('./store/writer-ops.ts', import.meta.url),
    context,
    keyOf: writerKey,
    checkpointsBeside: true,
  });
  const reader = openDatabase(database, { readOnly: true });
  if (atRest) reader.useCells(atRest.cells, sealedNames(sealedColumns));
  const store = sqliteHubStore(writer as never, reader);
  const content = await openContentStore({ dir, clock, keys: atRest?.keys });
  return {
    atRest,
    writer,
    store,
    content,
    turns: contentTurns(),
    /** After everybody who writes. */
    async close(): Promise<void> {
      await store.close();
      atRest?.close();
    },
  };
}
