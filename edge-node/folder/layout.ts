// Where things lie in a watched folder, and how they are looked at: out/ (documents handed in), sent/ (what became of them), in/ (arrivals), .taking/
// (ours alone). Whoever can write there is no friend: links are never followed, only plain files with one name are read, a name is never
// a path. Nothing here decides about a document.
import { constants, type Stats } from 'node:fs';
import fsp from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ExchangeError } from '../../protocol/errors.ts';
import { syncDirAsync } from '../../protocol/node/durable.ts';

export type Places = {
  /** Real path of the folder; its name in the store. */
  readonly folder: string;
  readonly out: string;
  readonly sent: string;
  readonly in: string;
  readonly taking: string;
};

/** Answers of ours, and what other programs write while they are not finished. */
const passing =
  /^[.~]|~$|\.(tmp|part|partial|crdownload|filepart|download|swp|lock)$|^(thumbs\.db|desktop\.ini)$/i;
export const answerEndings = ['.LOI.txt', '.error.json'] as const;
export const readyEnding = '.ready';
export const isPassing = (name: string): boolean =>
  passing.test(name) || answerEndings.some((ending) => name.endsWith(ending));

/** A folder with more than this in it is a mistake of another kind. */
const entriesMax = 20_000;
/** Readable and writable for the group of the folder: the office software runs under another user. */
export const sharedFile = 0o660;
const sharedDir = 0o770;
const ownDir = 0o700;

const fails = (said: string, cause?: unknown): ExchangeError =>
  new ExchangeError('folder-unusable', said, { retryAfterMs: 5_000, ...(cause ? { cause } : {}) });

/** Trouble of a share, a disk or its permissions as `folder-unusable`; everything else passes. */
export function unusable(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^E[A-Z]{2,}$/.test(code) ? fails(code, error) : error;
}

/** Makes what is missing. Throws `folder-unusable`; `config-invalid` when it lies in the node's own folder or around it. */
export async function openPlaces(path: string, ownFolder: string): Promise<Places> {
  let folder: string;
  try {
    folder = await fsp.realpath(path);
  } catch (error) {
    throw unusable(error);
  }
  const within = (a: string, b: string) => !relative(a, b).startsWith('..');
  const own = await fsp.realpath(resolve(ownFolder));
  if (within(folder, own) || within(own, folder))
    throw new ExchangeError(
      'config-invalid',
      `/folders: ${path} and the folder of the node lie in one another`,
    );
  const places = {
    folder,
    out: join(folder, 'out'),
    sent: join(folder, 'sent'),
    in: join(folder, 'in'),
    taking: join(folder, '.taking'),
  };
  try {
    for (const dir of [places.out, places.sent, places.in]) await ensureDir(dir, sharedDir);
    await ensureDir(places.taking, ownDir);
  } catch (error) {
    throw unusable(error);
  }
  return places;
}

/** A real folder, made if need be; the set-group bit of the folder above is kept. */
export async function ensureDir(path: string, mode: number): Promise<void> {
  try {
    await fsp.mkdir(path);
    const made = await fsp.lstat(path);
    await fsp.chmod(path, mode | (made.mode & 0o2000));
    await syncDirAsync(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // Somebody may have put a link in its place, to have us rename or write elsewhere.
  if (!(await fsp.lstat(path)).isDirectory()) throw fails('ENOTDIR');
}
export const makeShared = (path: string): Promise<void> => ensureDir(path, sharedDir);
export const makeOwn = (path: string): Promise<void> => ensureDir(path, ownDir);

export type Entry = { readonly name: string; readonly stat: Stats };

/** What lies in a folder, by name; links as links. What vanishes meanwhile is left out. */
export async function entriesOf(path: string): Promise<Entry[]> {
  const names = await fsp.readdir(path);
  if (names.length > entriesMax) throw fails('EMFILE');
  const entries: Entry[] = [];
  for (const name of names.sort()) {
    const stat = await lookAt(join(path, name));
    if (stat) entries.push({ name, stat });
  }
  return entries;
}

export async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await fsp.lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Says that nothing was written between two looks. Not the time of the name's change: a rename is ours. */
export const printOf = ({ name, stat }: Entry): string =>
  [name, stat.mode & constants.S_IFMT, stat.size, stat.mtimeMs, stat.ino].join(' ');

/** A plain file that has one name only: another name of it could be a file of somebody else. */
export const isPlain = (stat: Stats): boolean => stat.isFile() && stat.nlink === 1;

/** Opens for reading; never through a link, never a pipe or device. The caller closes it. Throws `folder-drop-refused`. */
export async function openPlain(path: string): Promise<fsp.FileHandle> {
  let file: fsp.FileHandle;
  try {
    file = await fsp.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ELOOP' || code === 'ENXIO') throw new ExchangeError('folder-drop-refused', 'a link');
    throw unusable(error);
  }
  if (isPlain(await file.stat())) return file;
  await file.close();
  throw new ExchangeError('folder-drop-refused', 'not a plain file');
}

/** The first of NAME, NAME (2), NAME (3) … that is free. */
export async function freeName(dir: string, name: string): Promise<string> {
  for (let i = 1; ; i++) {
    const dot = name.lastIndexOf('.');
    const stem = dot > 0 ? name.slice(0, dot) : name;
    const tried = i === 1 ? name : `${stem} (${i})${dot > 0 ? name.slice(dot) : ''}`;
    if (!(await lookAt(join(dir, tried)))) return tried;
  }
}

/** Moves within the folder, durable on return: the new place first, so that a crash shows both or the new one. */
export async function move(from: string, to: string): Promise<void> {
  await fsp.rename(from, to);
  await syncDirAsync(dirname(to));
  await syncDirAsync(dirname(from));
}

/** At most `bytesMax` bytes of UTF-8 at a letter's edge. */
export function cut(text: string, bytesMax: number): string {
  let out = '';
  for (const letter of text) {
    if (Buffer.byteLength(out) + Buffer.byteLength(letter) > bytesMax) break;
    out += letter;
  }
  return out;
}

/** True when `name` is one step and nothing else. */
export const isStep = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !name.includes(sep) && !name.includes('\0');
