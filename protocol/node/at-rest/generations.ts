// Copies of the store of content keys beside backups: few generations, apart from the sets. A set without its keys opens nowhere, and a key that
// was destroyed here must not live on in old copies: the newest copy serves every older set, all others but one are removed, and a destroyed
// key is taken out of those that are in reach. Must never write the master key there.
import fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ExchangeError } from '../../errors.ts';
import { makeDirDurable, syncDir, writeFileDurable } from '../durable.ts';
import { backupTo, openDatabase } from '../sqlite.ts';
import { destroyKeys, followDestroyed, prepareKeys } from './key-blocks.ts';

export const keyStoreFile = 'content-keys.sqlite';
/** The newest, and the one before in case writing the newest was cut off. More keep destroyed keys alive for longer. */
const generationsKept = 2;
/** Folders remembered: disks that are changed every day of a week. */
const foldersMax = 8;
const foldersFile = 'keys/key-generations.json';

const folderOf = (set: string, id: string): string => join(dirname(resolve(set)), `lienthong-keys-${id}`);
const isGeneration = (name: string): boolean => /^\d+\.sqlite$/.test(name);
const generationsIn = (folder: string): string[] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder)
        .filter(isGeneration)
        .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    : [];

function folders(dir: string): string[] {
  const path = join(dir, foldersFile);
  return fs.existsSync(path) ? (JSON.parse(fs.readFileSync(path, 'utf8')) as string[]) : [];
}

/** After the snapshot of the database: every key that it needs is in. Nothing happens where encryption is off. */
export async function keepGeneration(options: {
  readonly dir: string;
  readonly set: string;
  /** Node id or hub id. */
  readonly id: string;
  readonly madeMs: number;
}): Promise<void> {
  const { dir, set, id, madeMs } = options;
  if (!fs.existsSync(join(dir, keyStoreFile))) return;
  const folder = folderOf(set, id);
  makeDirDurable(folder, 0o700);
  const db = openDatabase(join(dir, keyStoreFile), { readOnly: true });
  try {
    const path = join(folder, `${madeMs}.sqlite`);
    fs.rmSync(path, { force: true });
    await backupTo(db, path);
    for (const name of generationsIn(folder).slice(generationsKept)) fs.rmSync(join(folder, name));
    syncDir(folder);
    const known = [folder, ...folders(dir).filter((each) => each !== folder)].slice(0, foldersMax);
    writeFileDurable(join(dir, foldersFile), `${JSON.stringify(known)}\n`, { ownedAs: dir });
    // From here on who destroys finds it. What was destroyed before, while it was made, is taken out now.
    const copy = openDatabase(path);
    try {
      prepareKeys(copy);
      followDestroyed(copy, db);
    } finally {
      copy.close();
    }
  } finally {
    db.close();
  }
}

/** The keys for a set: the file or folder that was named, else what lies beside the set. Code: backup-invalid. */
export function generationFor(set: string, id: string, named?: string): string {
  if (named !== undefined && fs.existsSync(named) && fs.statSync(named).isFile()) return named;
  const folder = named ?? folderOf(set, id);
  const [newest] = generationsIn(folder);
  if (newest === undefined)
    throw new ExchangeError(
      'backup-invalid',
      `the content keys (${basename(folderOf(set, id))}) are not beside the backup; name them with --keys`,
    );
  return join(folder, newest);
}

/** Takes destroyed keys out of the copies in reach. One on a disk that is not here goes with the second backup from now. Code: store-damaged. */
export function destroyInGenerations(dir: string, master: Uint8Array, ids: readonly number[]): void {
  if (ids.length === 0) return;
  for (const folder of folders(dir))
    for (const name of generationsIn(folder)) {
      const db = openDatabase(join(folder, name));
      try {
        prepareKeys(db);
        destroyKeys(db, master, ids);
      } finally {
        db.close();
      }
    }
}
