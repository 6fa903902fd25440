// Whether an error says that the disk is full, in whatever words: the system's, or SQLite's by result code. In one place, for the catalogue has one
// code for it. Must not load SQLite: commands that open no database ask too.

const SQLITE_FULL = 13;
/** SQLITE_IOERR_SHMSIZE: the shared-memory file could not grow, which is how a full disk may show first. */
const IOERR_SHMSIZE = 4874;

export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: unknown };
  if (typeof errcode === 'number') return errcode === IOERR_SHMSIZE || (errcode & 0xff) === SQLITE_FULL;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
