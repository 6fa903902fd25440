// Backup of a hub while it runs, its verification, and restore into a new folder. The generic part is protocol/node/backup-set.ts; here is
// what a hub adds: which files, which content, and the new epoch with which a restored hub tells nodes to offer again what it lost.
// Must never overwrite a folder, nor let a restored hub begin as if nothing had happened.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { keyPem, loadKeyFile } from '../certs/keys.ts';
import { keepBackupRecord } from '../protocol/node/backup-record.ts';
import { type BackupManifest, makeBackupSet, restoreBackupSet } from '../protocol/node/backup-set.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { policyFiles } from '../protocol/node/safety/policy-file.ts';
import { type Database, migrate, openDatabase } from '../protocol/node/sqlite.ts';
import { hubPaths } from './identity.ts';
import { adminOps } from './store/admin-ops.ts';
import { needFact, readFact, readNumberFact, writeFact } from './store/facts.ts';
import { openLedger } from './store/ledger.ts';
import { migrations } from './store/migrations.ts';
import { raiseAlarm } from './store/unit-rows.ts';

const PROGRAM = 'hub';
/** More acts than any hub performs between a backup and its restore: the next directory version must be above all that are in use. */
const VERSIONS_SKIPPED = 100_000;

export type HubBackup = {
  readonly dir: string;
  /** A folder that does not exist or is empty. */
  readonly to: string;
  readonly version: string;
  readonly clock: Clock;
  readonly copyContent?: boolean;
  readonly onProgress?: (doneBytes: number, file: string) => void;
};

/**
 * Durable and verified on return; works beside a running hub. Holds the hub's keys and its issuing CA, not the root: keep both safe.
 * Throws `dir-missing`, `dir-exists`, `backup-invalid`, `disk-nearly-full`.
 */
export async function backupHub({ dir, to, version, clock, ...rest }: HubBackup): Promise<BackupManifest> {
  const paths = hubPaths(dir);
  const db = openDatabase(paths.database, { readOnly: true, init: 'lienthong hub init' });
  let about: BackupManifest['about'];
  try {
    about = {
      hubId: needFact(db, 'hubId'),
      name: readFact(db, 'hubName') ?? '',
      epoch: readNumberFact(db, 'epoch'),
    };
  } finally {
    db.close();
  }
  const manifest = await makeBackupSet({
    dir,
    to,
    program: PROGRAM,
    version,
    database: 'hub.sqlite',
    include: ['config.json', ...policyFiles, 'keys', 'certs', 'ca'],
    contentOf,
    about,
    clock,
    ...rest,
  });
  keepBackupRecord(dir, resolve(to), manifest);
  return manifest;
}

function* contentOf(snapshot: string): Generator<Uint8Array> {
  const db = openDatabase(snapshot, { readOnly: true });
  try {
    for (const { sha256 } of db.each<{ sha256: Uint8Array }>(
      // Messages of other systems as received are evidence too.
      'SELECT sha256 FROM parts WHERE content IS NULL UNION SELECT message_sha256 FROM border_in WHERE erased_ms IS NULL',
    ))
      yield sha256;
  } finally {
    db.close();
  }
}

export type HubRestored = {
  readonly hubId: string;
  readonly epoch: number;
  readonly commonLedgerSequence: number;
  readonly madeMs: number;
  /** Content that the backup did not have; hex. */
  readonly missing: readonly string[];
};

/** `dir` appears whole or not at all. Throws `backup-invalid`, `dir-exists`. */
export async function restoreHub(options: {
  readonly from: string;
  readonly dir: string;
  readonly keys?: string | undefined;
  readonly clock: Clock;
  readonly onProgress?: HubBackup['onProgress'];
}): Promise<HubRestored> {
  let begun: Omit<HubRestored, 'madeMs' | 'missing'> | undefined;
  const manifest = await restoreBackupSet({
    from: options.from,
    dir: options.dir,
    program: PROGRAM,
    keys: options.keys,
    change: (database, { madeMs }) => {
      begun = beginEpoch(database, { nowMs: options.clock.nowMs(), madeMs });
    },
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  return { ...begun!, madeMs: manifest.madeMs, missing: manifest.missing };
}

/** A backup holds content of accepted envelopes only: what was uploaded and not yet submitted must be brought anew. */
function forgetMissingContent(db: Database, dir: string): void {
  for (const { sha256 } of db.all<{ sha256: Uint8Array }>('SELECT DISTINCT sha256 FROM unit_content')) {
    const hex = Buffer.from(sha256).toString('hex');
    if (existsSync(join(dir, 'content', 'sha256', hex.slice(0, 2), hex))) continue;
    db.run('DELETE FROM unit_content WHERE sha256 = ?', sha256);
  }
}

/** DESIGN §5 Restore: a new epoch, the last common ledger sequence, and a directory version above all that were ever published. */
function beginEpoch(
  database: string,
  { nowMs, madeMs }: { nowMs: number; madeMs: number },
): Omit<HubRestored, 'madeMs' | 'missing'> {
  const directoryKey = loadKeyFile(hubPaths(dirname(database)).key('directory'));
  const db = openDatabase(database);
  try {
    migrate(db, migrations);
    return db.transaction(() => {
      const ledger = openLedger(db);
      const before = readNumberFact(db, 'epoch');
      // By the clock: one and the same backup may be restored twice, and each restore must be a new epoch to every node.
      const epoch = Math.max(before + 1, Math.floor(nowMs / 1000));
      const commonLedgerSequence = ledger.head();
      writeFact(db, 'epoch', String(epoch));
      writeFact(db, 'epochBefore', String(before));
      writeFact(db, 'epochStartedMs', String(nowMs));
      writeFact(db, 'restoredFromMs', String(madeMs));
      writeFact(db, 'commonLedgerSequence', String(commonLedgerSequence));
      forgetMissingContent(db, dirname(database));
      // An invitation that was used after the backup looks unused here: nobody may use its paper again.
      db.run('UPDATE invitations SET closed_ms = ? WHERE used_ms IS NULL AND closed_ms IS NULL', nowMs);
      const made = new Date(madeMs).toISOString();
      raiseAlarm(db, {
        code: 'hub-restored',
        about: `epoch ${epoch}`,
        said: `restored from a backup of ${made}: units, invitations, confirmations and revocations after it must be done again`,
        atMs: nowMs,
      });
      const context = { directoryKeyPem: keyPem(directoryKey), directoryKeyId: directoryKey.keyId };
      const { republishAbove } = adminOps(db, { appendLedger: ledger.append, context });
      republishAbove({ skip: VERSIONS_SKIPPED, nowMs });
      // Orders of removal after the backup have numbers that nodes know; what they hold of them comes back with the new epoch.
      db.run(
        `INSERT INTO sqlite_sequence (name, seq) SELECT 'removals', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'removals')`,
      );
      db.run(`UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'removals'`, VERSIONS_SKIPPED);
      return { hubId: needFact(db, 'hubId'), epoch, commonLedgerSequence };
    });
  } finally {
    db.close();
  }
}
