// "node backup" and "node restore": what of a node's folder is copied, and what a restored one must know.
// Must never restore quietly: the raised restore count makes the node compare itself with its hub before it takes new work (DESIGN §5).
// Beside the document's path; works while the node runs and while it does not.
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { keepBackupRecord } from '../protocol/node/backup-record.ts';
import {
  type BackupManifest,
  type BackupOptions,
  makeBackupSet,
  restoreBackupSet,
} from '../protocol/node/backup-set.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { policyFiles } from '../protocol/node/safety/policy-file.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { readEnrolled } from './enrol-files.ts';
import { storeFile } from './store/store.ts';

const PROGRAM = 'lienthong node';
/** Keys are among them: whoever has the backup can seal in the name of the units. */
const INCLUDED = [
  'config.json',
  'identity.json',
  'settings.json',
  'tokens.json',
  'calendar.json',
  ...policyFiles,
  'keys',
  'certs',
];

/** Content that must be in a backup. What was rebuilt from the hub after a restore has come back without its content: it is not missed. */
export function* contentOf(snapshot: string, dir: string): Generator<Uint8Array> {
  const db = openDatabase(snapshot, { readOnly: true });
  try {
    for (const { sha256 } of db.each<{ sha256: Uint8Array }>(
      `SELECT sha256 FROM out_parts p JOIN documents d ON d.seq = p.document_seq WHERE content IS NULL AND length(d.request_digest) > 0
       UNION SELECT sha256 FROM in_parts WHERE content IS NULL UNION SELECT sha256 FROM staged`,
    ))
      yield sha256;
    for (const { sha256 } of db.each<{ sha256: Uint8Array }>(
      `SELECT DISTINCT sha256 FROM out_parts p JOIN documents d ON d.seq = p.document_seq WHERE content IS NULL AND length(d.request_digest) = 0`,
    ))
      if (fs.existsSync(contentPath(dir, sha256))) yield sha256;
  } finally {
    db.close();
  }
}

function contentPath(dir: string, sha256: Uint8Array): string {
  const hex = Buffer.from(sha256).toString('hex');
  return join(dir, 'content', 'sha256', hex.slice(0, 2), hex);
}

export type NodeBackupOptions = {
  readonly dir: string;
  /** A folder. If it exists and is not empty, a dated folder is made inside it. */
  readonly to: string;
  readonly clock: Clock;
  readonly version: string;
  readonly copyContent?: boolean | undefined;
  readonly onProgress?: BackupOptions['onProgress'];
};

/** Verified on return: every byte was read back; the folder knows of it (backup-record.ts). Throws `dir-missing`, `backup-invalid`, `disk-nearly-full`. */
export async function backupNode(
  options: NodeBackupOptions,
): Promise<{ readonly path: string; readonly manifest: BackupManifest }> {
  const enrolled = readEnrolled(options.dir);
  if (!enrolled)
    throw new ExchangeError('dir-missing', `${options.dir} is not enrolled: there is nothing to back up`);
  const path = targetOf(options.to, options.clock.nowMs());
  const manifest = await makeBackupSet({
    ...options,
    to: path,
    program: PROGRAM,
    database: storeFile,
    include: INCLUDED,
    contentOf: (snapshot) => contentOf(snapshot, options.dir),
    about: {
      nodeId: enrolled.nodeId,
      hubId: enrolled.hubId,
      units: enrolled.units.map(({ code }) => code).join(' '),
    },
  });
  keepBackupRecord(options.dir, resolve(path), manifest);
  return { path, manifest };
}

function targetOf(to: string, nowMs: number): string {
  const used = fs.existsSync(to) && fs.statSync(to).isDirectory() && fs.readdirSync(to).length > 0;
  if (!used) return to;
  return join(to, `node-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`);
}

/** Verifies all of it, then makes `dir`. Throws `backup-invalid`, `dir-exists`. */
export async function restoreNode(options: {
  readonly from: string;
  readonly dir: string;
  readonly keys?: string | undefined;
  readonly clock: Clock;
  readonly onProgress?: BackupOptions['onProgress'];
}): Promise<{ readonly manifest: BackupManifest; readonly restoreCount: number }> {
  let restoreCount = 0;
  const manifest = await restoreBackupSet({
    ...options,
    program: PROGRAM,
    change: (database) => {
      restoreCount = raiseRestoreCount(database, options.clock.nowMs());
    },
  });
  return { manifest, restoreCount };
}

/**
 * PROTOCOL.md 10.1: a count higher than the hub knows makes it hand out again what this store has forgotten. By the clock: the same backup may
 * be restored twice, and the hub must see the second time as well.
 */
export function raiseRestoreCount(database: string, nowMs: number): number {
  const db = openDatabase(database);
  try {
    const fact = "SELECT value FROM facts WHERE name = 'restoreCount'";
    const before = Number(db.get<{ value: string }>(fact)?.value ?? 0);
    const count = Math.max(before + 1, Math.floor(nowMs / 1000));
    db.run(
      `INSERT INTO facts (name, value) VALUES ('restoreCount', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      String(count),
    );
    // One plain file again, as it came: no -wal may be left that the renaming would separate from it.
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return count;
  } finally {
    db.close();
  }
}
