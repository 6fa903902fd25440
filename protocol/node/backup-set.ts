// A backup of a data folder: one snapshot of the database, the content it refers to, keys and settings, and a manifest of hashes.
// It must never be called complete before everything in it was read back, nor restored over anything that exists.
// Both programs back up while they run: content files never change, so what the snapshot names may be linked after it.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ExchangeError } from '../errors.ts';
import { generationFor, keepGeneration, keyStoreFile } from './at-rest/generations.ts';
import { atRestFile, atRestKeyFile } from './at-rest/master.ts';
import type { Clock } from './clock.ts';
import { isDiskFull } from './disk-full.ts';
import { makeDirDurable, syncDir, syncDirAsync, syncFileAsync, writeFileDurable } from './durable.ts';
import { backupTo, type Database, integrityCheck, openDatabase, schemaVersion } from './sqlite.ts';

export const backupFormat = 'lienthong-backup/1';
const MANIFEST = 'manifest.json';
/** 1,000,000 content files of 150 bytes each in the manifest; more does not fit into one JSON text. */
const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

export type BackupFile = {
  /** Relative to the data folder, with "/". */
  readonly path: string;
  readonly lengthBytes: number;
  readonly sha256Hex: string;
  readonly mode: number;
};
export type BackupManifest = {
  readonly format: string;
  readonly program: string;
  readonly version: string;
  readonly madeMs: number;
  /** File name of the database. */
  readonly database: string;
  readonly schemaVersion: number;
  /** For people: whose backup this is. */
  readonly about: Readonly<Record<string, string | number>>;
  readonly files: readonly BackupFile[];
  /** Content that the database names and the folder did not have, or not with these bytes; hex. Nothing else is wrong then. */
  readonly missing: readonly string[];
};

export type BackupOptions = {
  readonly dir: string;
  /** A folder that does not exist or is empty. */
  readonly to: string;
  readonly program: string;
  readonly version: string;
  readonly database: string;
  /** Files and folders beside the database; those that do not exist are left out. */
  readonly include: readonly string[];
  /** SHA-256 of all content that the snapshot names. Called with the path of the snapshot. */
  readonly contentOf: (snapshot: string) => Iterable<Uint8Array>;
  readonly about: BackupManifest['about'];
  readonly clock: Clock;
  /** true: copy content instead of linking it; needed to survive damage of the file system, not for a copy that is carried away later. */
  readonly copyContent?: boolean | undefined;
  readonly onProgress?: ((doneBytes: number, file: string) => void) | undefined;
};

/** Throws `backup-invalid`, `dir-missing`, `dir-exists`, `disk-nearly-full`. Refused or failed it leaves nothing; what a cut-off left without a manifest is no backup. */
export async function makeBackupSet(options: BackupOptions): Promise<BackupManifest> {
  const { dir, to, database } = options;
  assertEmpty(to);
  const source = openDatabase(join(dir, database), { readOnly: true });
  return await orNothing(to, async () => {
    try {
      await copySet(options, source);
    } finally {
      source.close();
    }
    return await verifyBackupSet(to, { onProgress: options.onProgress });
  });
}

/** What fails leaves no half: a backup made each night would fill the disk with them. A full disk is told as `disk-nearly-full`. */
async function orNothing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const there = fs.existsSync(folder);
  try {
    return await work();
  } catch (error) {
    for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : [])
      fs.rmSync(join(folder, name), { recursive: true, force: true });
    if (!there && fs.existsSync(folder)) fs.rmdirSync(folder);
    if (!isDiskFull(error)) throw error;
    throw new ExchangeError('disk-nearly-full', folder, { cause: error });
  }
}

async function copySet(options: BackupOptions, source: Database): Promise<void> {
  const { dir, to, database } = options;
  makeDirDurable(to, 0o700);
  const version = schemaVersion(source);
  await backupTo(source, join(to, database));
  const files: BackupFile[] = [];
  const progress = counter(options.onProgress);
  for (const name of options.include)
    for (const path of filesUnder(dir, name))
      if (path !== atRestKeyFile) files.push(await copyOne({ dir, to, path, progress }));
  const content = await copyContent(options, progress);
  const madeMs = options.clock.nowMs();
  await keepGeneration({ dir, set: to, id: ownerOf(options.about), madeMs });
  files.push(...content.files, await describe(to, database, progress));
  const manifest: BackupManifest = {
    format: backupFormat,
    program: options.program,
    version: options.version,
    madeMs,
    database,
    schemaVersion: version,
    about: options.about,
    files,
    missing: content.missing,
  };
  syncTree(to);
  // Last, and only after all names above are on disk: its presence says that the backup is whole.
  writeFileDurable(join(to, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
}

/** Whose backup it is: its folder of content keys bears this. */
const ownerOf = (about: BackupManifest['about']): string => String(about.nodeId ?? about.hubId ?? '');

function assertEmpty(path: string): void {
  if (!fs.existsSync(path)) return;
  if (!fs.statSync(path).isDirectory() || fs.readdirSync(path).length > 0)
    throw new ExchangeError('dir-exists', path);
}

type Progress = (bytes: number, file: string) => void;
function counter(told: BackupOptions['onProgress']): Progress {
  let done = 0;
  return (bytes, file) => {
    done += bytes;
    told?.(done, file);
  };
}

/** The file itself, or all regular files below the folder; temporaries of interrupted writes are left out. */
function filesUnder(dir: string, name: string): string[] {
  const full = join(dir, name);
  if (!fs.existsSync(full)) return [];
  if (!fs.statSync(full).isDirectory()) return [name];
  return fs
    .readdirSync(full, { withFileTypes: true })
    .filter((entry) => !entry.name.endsWith('.tmp'))
    .flatMap((entry) => {
      const path = `${name}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(dir, path) : entry.isFile() ? [path] : [];
    })
    .sort();
}

async function hashFile(
  path: string,
  progress: Progress,
): Promise<{ sha256Hex: string; lengthBytes: number }> {
  const hash = createHash('sha256');
  let lengthBytes = 0;
  for await (const piece of fs.createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(piece as Buffer);
    lengthBytes += (piece as Buffer).length;
    progress((piece as Buffer).length, path);
  }
  return { sha256Hex: hash.digest('hex'), lengthBytes };
}

async function describe(root: string, path: string, progress: Progress): Promise<BackupFile> {
  const { mode } = await fsp.stat(join(root, path));
  return { path, ...(await hashFile(join(root, path), progress)), mode: mode & 0o777 };
}

type CopyJob = {
  readonly dir: string;
  readonly to: string;
  readonly path: string;
  readonly progress: Progress;
};

/** A byte-for-byte copy, synced; hashed from the copy, so that what is described is what is there. */
async function copyOne({ dir, to, path, progress }: CopyJob): Promise<BackupFile> {
  const target = join(to, path);
  makeDirDurable(dirname(target), 0o700);
  const { mode } = await fsp.stat(join(dir, path));
  await pipeline(
    fs.createReadStream(join(dir, path)),
    fs.createWriteStream(target, { flags: 'wx', mode: mode & 0o777 }),
  );
  await fsp.chmod(target, mode & 0o777);
  await syncFileAsync(target);
  return await describe(to, path, progress);
}

const contentPath = (sha256Hex: string): string => `content/sha256/${sha256Hex.slice(0, 2)}/${sha256Hex}`;

async function copyContent(
  options: BackupOptions,
  progress: Progress,
): Promise<{ files: BackupFile[]; missing: string[] }> {
  const { dir, to } = options;
  const files: BackupFile[] = [];
  const missing: string[] = [];
  const seen = new Set<string>();
  for (const sha256 of options.contentOf(join(to, options.database))) {
    const hex = Buffer.from(sha256).toString('hex');
    if (seen.has(hex)) continue;
    seen.add(hex);
    makeDirDurable(dirname(join(to, contentPath(hex))), 0o700);
    // Sealed content goes as it lies: a backup never holds what the disk does not. What is gone may have been sealed since we looked (content-files.ts).
    const file =
      (await copyContentFile(options, `${contentPath(hex)}.e1`, progress)) ??
      (await copyContentFile(options, contentPath(hex), progress)) ??
      (await copyContentFile(options, `${contentPath(hex)}.e1`, progress));
    if (file?.path.endsWith('.e1') || file?.sha256Hex === hex) files.push(file);
    else {
      missing.push(hex);
      if (file) await fsp.rm(join(to, file.path));
    }
  }
  // The format of the store, so that a later release knows what it restores.
  if (fs.existsSync(join(dir, 'content/store.json')))
    files.push(await copyOne({ dir, to, path: 'content/store.json', progress }));
  return { files, missing };
}

/** undefined: it is not there, and nothing of it in the set. */
async function copyContentFile(
  { dir, to, copyContent }: BackupOptions,
  path: string,
  progress: Progress,
): Promise<BackupFile | undefined> {
  try {
    const linked = copyContent !== true && (await link(join(dir, path), join(to, path)));
    return linked ? await describe(to, path, progress) : await copyOne({ dir, to, path, progress });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    await fsp.rm(join(to, path), { force: true });
    return undefined;
  }
}

/** False where the two are on different file systems, or links are not allowed: then it is copied. */
async function link(from: string, to: string): Promise<boolean> {
  try {
    await fsp.link(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK' || code === 'ENOTSUP') return false;
    throw error;
  }
}

/** Folders below and including `path`, deepest first. */
function syncTree(path: string): void {
  for (const entry of fs.readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) syncTree(join(path, entry.name));
  syncDir(path);
}

const isManifest = new Ajv2020({ strict: true, allowUnionTypes: true }).compile<BackupManifest>({
  type: 'object',
  required: [
    'format',
    'program',
    'version',
    'madeMs',
    'database',
    'schemaVersion',
    'about',
    'files',
    'missing',
  ],
  properties: {
    format: { const: backupFormat },
    program: { type: 'string' },
    version: { type: 'string' },
    madeMs: { type: 'integer' },
    database: { type: 'string', pattern: '^[a-z]+\\.sqlite$' },
    schemaVersion: { type: 'integer' },
    about: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
    missing: { type: 'array', items: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
    files: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['path', 'lengthBytes', 'sha256Hex', 'mode'],
        properties: {
          path: { type: 'string', pattern: '^[A-Za-z0-9._/-]{1,200}$' },
          lengthBytes: { type: 'integer', minimum: 0 },
          sha256Hex: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          mode: { type: 'integer', minimum: 0, maximum: 511 },
        },
      },
    },
  },
});

/** `backup-invalid` when there is none, or it names files outside of the backup. */
export function readManifest(from: string): BackupManifest {
  const path = join(from, MANIFEST);
  let given: unknown;
  try {
    if (fs.statSync(path).size > MANIFEST_BYTES_MAX)
      throw new ExchangeError('backup-invalid', 'manifest too large');
    given = JSON.parse(fs.readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof ExchangeError) throw cause;
    // Of a set that this account may not read nothing is known.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (['EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG'].includes(code)) throw cause;
    throw new ExchangeError('backup-invalid', `${path} is missing or damaged: the backup was not finished`, {
      cause,
    });
  }
  if (!isManifest(given))
    throw new ExchangeError('backup-invalid', `${path}: not a manifest that this release knows`);
  for (const file of given.files)
    if (isAbsolute(file.path) || normalize(file.path) !== file.path || file.path.startsWith('..'))
      throw new ExchangeError('backup-invalid', 'a path that leaves the backup');
  if (!given.files.some((file) => file.path === given.database))
    throw new ExchangeError('backup-invalid', 'no database');
  return given;
}

/**
 * Reads every byte: lengths, hashes, the database's own check. Content that was removed since is `missing` in what is returned, and no fault. Throws
 * `backup-invalid` naming the first file that differs.
 */
export async function verifyBackupSet(
  from: string,
  options: { readonly onProgress?: BackupOptions['onProgress'] } = {},
): Promise<BackupManifest> {
  const manifest = readManifest(from);
  const progress = counter(options.onProgress);
  const files: BackupFile[] = [];
  const missing = [...manifest.missing];
  for (const file of manifest.files) {
    const removed = await verifyFile(from, file, progress);
    if (removed === undefined) files.push(file);
    else missing.push(removed);
  }
  const db = openDatabase(join(from, manifest.database), { readOnly: true });
  try {
    const [wrong] = integrityCheck(db);
    if (wrong !== undefined) throw new ExchangeError('backup-invalid', `${manifest.database}: ${wrong}`);
  } finally {
    db.close();
  }
  return { ...manifest, files, missing };
}

/** SHA-256 of content whose bytes were destroyed by an order of removal: a set on the same disk shares them (link). Undefined: as the manifest says. */
async function verifyFile(root: string, file: BackupFile, progress: Progress): Promise<string | undefined> {
  const path = join(root, file.path);
  if (!fs.existsSync(path)) throw new ExchangeError('backup-invalid', `${file.path} is missing`);
  const found = await hashFile(path, progress);
  const content = /^content\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(file.path)?.[1];
  if (content && found.lengthBytes === file.lengthBytes && (await onlyZeros(path))) return content;
  if (found.lengthBytes !== file.lengthBytes || found.sha256Hex !== file.sha256Hex)
    throw new ExchangeError('backup-invalid', `${file.path} differs from the manifest`);
  return undefined;
}

async function onlyZeros(path: string): Promise<boolean> {
  for await (const piece of fs.createReadStream(path, { highWaterMark: 1024 * 1024 }))
    if ((piece as Buffer).some((byte) => byte !== 0)) return false;
  return true;
}

export type RestoreOptions = {
  readonly from: string;
  /** Does not exist, or is an empty folder. */
  readonly dir: string;
  readonly program: string;
  /** Changes the copied database before the folder gets its name: raises the restore count. */
  readonly change: (database: string, manifest: BackupManifest) => void;
  /** Where the content keys are, when they are not beside the set. */
  readonly keys?: string | undefined;
  readonly onProgress?: BackupOptions['onProgress'];
};

/**
 * Verifies everything first, then copies into `DIR.restoring` and renames it at the end: `dir` appears whole or not at all. Throws
 * `backup-invalid`, `dir-exists`.
 */
export async function restoreBackupSet(options: RestoreOptions): Promise<BackupManifest> {
  const dir = resolve(options.dir);
  assertEmpty(dir);
  const manifest = await verifyBackupSet(options.from);
  if (manifest.program !== options.program)
    throw new ExchangeError(
      'backup-invalid',
      `a backup of "${manifest.program}", not of "${options.program}"`,
    );
  const sealed = manifest.files.some(({ path }) => path === atRestFile);
  const keys = sealed ? generationFor(options.from, ownerOf(manifest.about), options.keys) : undefined;
  const half = `${dir}.restoring`;
  // Left by a restore that was cut off: nothing of it has ever been used.
  fs.rmSync(half, { recursive: true, force: true });
  return await orNothing(half, async () => {
    makeDirDurable(half, 0o700);
    const progress = counter(options.onProgress);
    for (const file of manifest.files) {
      const copied = await copyOne({ dir: options.from, to: half, path: file.path, progress });
      if (copied.sha256Hex !== file.sha256Hex)
        throw new ExchangeError('backup-invalid', `${file.path} changed while it was copied`);
      await fsp.chmod(join(half, file.path), file.mode);
    }
    if (keys) await fsp.copyFile(keys, join(half, keyStoreFile));
    options.change(join(half, manifest.database), manifest);
    syncTree(half);
    if (fs.existsSync(dir)) fs.rmdirSync(dir);
    await fsp.rename(half, dir);
    await syncDirAsync(dirname(dir));
    return manifest;
  });
}
