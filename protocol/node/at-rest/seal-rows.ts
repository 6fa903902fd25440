// Rows from before encryption, sealed where they stand: once, when a folder is opened with its keys for the first time. Which columns is the list of
// whoever owns the schema; the same list tells fsck what must not be plain. Killed at any row it begins again and finds what is left. Must be given
// a connection that opens nothing by itself.
import { type Database, emptyLog, openDatabase, type SqlValue } from '../sqlite.ts';
import { type Cells, isCompared, isSealedText, keyIdOf } from './cells.ts';

/** Columns of one table: texts and blobs are sealed, one key for each row; `compared` are kept as keyed hashes. */
export type SealedColumns = {
  readonly table: string;
  /** What names a row, in order: 'rowid', or the primary key of a table without. */
  readonly keys: readonly string[];
  readonly texts?: readonly string[];
  readonly blobs?: readonly string[];
  readonly compared?: readonly string[];
};
type Row = Record<string, SqlValue>;

/** Where cells may stand that are to be opened, for `useCells`. */
export const sealedNames = (tables: readonly SealedColumns[]): ReadonlySet<string> =>
  new Set(
    tables.flatMap(({ table, texts = [], blobs = [] }) =>
      [...texts, ...blobs].map((name) => `${table}.${name}`),
    ),
  );

const batch = 200;
/** Empty lists and overwritten bytes say nothing. */
const says = (value: SqlValue | undefined): value is string | Uint8Array =>
  typeof value === 'string'
    ? value !== '' && value !== '[]'
    : value instanceof Uint8Array && value.length > 1;

function plainIn(row: Row, { texts = [], blobs = [], compared = [] }: SealedColumns): string[] {
  const plain = (names: readonly string[], sealed: (value: string & Uint8Array) => boolean) =>
    names.filter((name) => says(row[name]) && !sealed(row[name] as string & Uint8Array));
  return [
    ...plain(texts, isSealedText),
    ...plain(blobs, (value) => keyIdOf(value) !== undefined),
    ...plain(compared, isCompared),
  ];
}

/** All rows in the order of their keys, some at a time; a row whose key changes while it is walked is met again at most. */
function* walk(db: Database, columns: SealedColumns): Generator<readonly Row[]> {
  const { table, keys, texts = [], blobs = [], compared = [] } = columns;
  const named = keys.map((key, i) => `${key} AS key${i}`).join(', ');
  const wanted = [...texts, ...blobs, ...compared].join(', ');
  let after: SqlValue[] | undefined;
  for (;;) {
    const where = after ? `WHERE (${keys.join(', ')}) > (${keys.map(() => '?').join(', ')})` : '';
    const rows = db.all<Row>(
      `SELECT ${named}, ${wanted} FROM ${table} ${where} ORDER BY ${keys.join(', ')} LIMIT ${batch}`,
      ...(after ?? []),
    );
    if (rows.length === 0) return;
    after = keys.map((_, i) => rows.at(-1)![`key${i}`]!);
    yield rows;
  }
}

/** Cells of a database that say something and are not sealed. */
export function plainCellsIn(path: string, tables: readonly SealedColumns[]): number {
  const db = openDatabase(path, { readOnly: true });
  try {
    let plain = 0;
    for (const columns of tables)
      for (const rows of walk(db, columns)) for (const row of rows) plain += plainIn(row, columns).length;
    return plain;
  } finally {
    db.close();
  }
}

/** Seals what stands plain, unless a fact says that it is done: a migration that names more columns sets it to 'again'. Both programs have the same table of facts. */
export function sealOnce(db: Database, cells: Cells, tables: readonly SealedColumns[]): void {
  const done = db.get<{ value: string }>("SELECT value FROM facts WHERE name = 'rowsSealed'")?.value;
  if (done === '1') return;
  sealPlainRows(db, cells, tables, done === undefined);
  db.run(
    "INSERT INTO facts (name, value) VALUES ('rowsSealed', '1') ON CONFLICT (name) DO UPDATE SET value = '1'",
  );
}

/**
 * Returns the number of cells sealed; what stood there is overwritten, in free pages and the write-ahead log too. Not beside other connections.
 * `first`: also what was freed before anything here overwrote it, though no row is left to seal.
 */
export function sealPlainRows(
  db: Database,
  cells: Cells,
  tables: readonly SealedColumns[],
  first = true,
): number {
  let sealed = 0;
  db.exec('PRAGMA secure_delete = ON');
  for (const columns of tables)
    for (const rows of walk(db, columns))
      db.transaction(() => {
        for (const row of rows) {
          const names = plainIn(row, columns);
          if (names.length === 0) continue;
          const cell = cells.begin();
          const values = names.map((name) => {
            const value = row[name] as string | Uint8Array;
            if (typeof value !== 'string') return cell.seal(value);
            return columns.compared?.includes(name) ? cells.compared(value) : cell.text(value);
          });
          db.run(
            `UPDATE ${columns.table} SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE ${columns.keys.map((key) => `${key} = ?`).join(' AND ')}`,
            ...values,
            ...columns.keys.map((_, i) => row[`key${i}`]!),
          );
          sealed += names.length;
        }
      });
  // Pages that were freed before anything here overwrote them.
  if (first || sealed > 0) db.exec('VACUUM');
  db.exec('PRAGMA secure_delete = FAST');
  emptyLog(db.path);
  return sealed;
}
