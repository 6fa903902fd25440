// A node changes its hub, when its units were handed over to another one under the same root: allowed only by the signed word of the old hub in
// the directory that this node holds. What the old hub has not settled is offered to the new one, as the same sealed bytes; nothing is
// sent a second time as another document. Done by "node init" while the node stands still.
import { join } from 'node:path';
import { openDirectoryParts } from '../certs/signers.ts';
import { createDirectory } from '../protocol/directory.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { lockDir } from '../protocol/node/lock.ts';
import { type Database, migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { loadIdentity } from './identity.ts';
import { directoryReads } from './store/directory-ops.ts';
import { migrations } from './store/migrations.ts';
import { uploadsMissing } from './store/outbox-ops.ts';
import { storeFile } from './store/store.ts';

/** Runs with the database of a node that stands still. Throws dir-in-use. */
function withStore<T>(dir: string, work: (db: Database) => T): T {
  const lock = lockDir(dir);
  try {
    const db = openDatabase(join(dir, storeFile));
    try {
      migrate(db, migrations);
      return work(db);
    } finally {
      db.close();
    }
  } finally {
    lock.release();
  }
}

/** Throws config-invalid unless the directory that is held says that `unit` was handed over to `hubId`; dir-in-use while the node runs. */
export function assertHandedOver(
  dir: string,
  { unit, hubId, nowMs }: { unit: string; hubId: string; nowMs: number },
): void {
  const { anchors, hubId: before } = loadIdentity(dir);
  const directory = withStore(dir, (db) =>
    createDirectory(
      [...directoryReads(db).directoryParts()].flatMap(({ bytes }) =>
        openDirectoryParts([bytes], { rootsDer: anchors, nowMs }).parts.map(({ part }) => part),
      ),
    ),
  );
  const known = directory.unit(unit);
  if (known && (known.movedTo === hubId || (known.hub === hubId && known.movedFrom === before))) return;
  throw new ExchangeError(
    'config-invalid',
    `this node belongs to hub ${before}, which has not handed ${unit} over to ${hubId} in the directory that is held here; use another --dir for another hub`,
  );
}

/**
 * Numbers of the old hub mean nothing to the new one: instance, epoch, ledger. Envelopes that are not settled go again, receipts not yet taken
 * are posted without the old hub's delivery ids. Idempotent.
 */
export function enterHub(dir: string): void {
  withStore(dir, (db) => {
    db.transaction(() => {
      const open = `envelope_id IS NOT NULL AND work IN ('done','send') AND EXISTS (SELECT 1 FROM outbox_recipients r
        WHERE r.envelope_seq = envelopes.seq AND r.state IN ('queued','accepted','relayed'))`;
      db.exec(`DELETE FROM uploads WHERE envelope_seq IN (SELECT seq FROM envelopes WHERE ${open});
        UPDATE envelopes SET work = 'send', next_ms = 0, ${uploadsMissing} WHERE ${open};
        UPDATE statements SET delivery_ids = '[]', next_ms = 0 WHERE direction = 'out' AND post = 'pending';
        DELETE FROM facts WHERE name IN ('epoch','commonLedgerSequence','instance','instanceToken','ledgerSeen','sentAfter','directoryStamp');`);
    });
  });
}
