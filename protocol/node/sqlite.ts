// The only file that knows node:sqlite: opening with our pragmas, cached statements, migrations, backup, the lock database.
// Must never open a database without synchronous=FULL, and must never create one by accident: a wrong --dir would look
// like an empty, healthy node. Writing goes through writer.ts; the event loop holds read-only connections.

import fs from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { ExchangeError } from '../errors.ts';
import { type Cells, keyIdOf, plainCells } from './at-rest/cells.ts';
import { isDiskFull } from './disk-full.ts';
import { renameDurable, syncDir, syncFileAsync } from './durable.ts';
import { releaseBytes } from './release.ts';

export type SqlValue = SQLInputValue;
export type RunResult = { readonly changes: number; readonly lastRowId: number };

/** A statement, and which of its columns may hold sealed cells. */
type Prepared = { readonly statement: StatementSync; readonly sealed: readonly string[] };
/** Of such a statement SQLite names only the columns of one half. */
const compound = /\b(UNION|EXCEPT|INTERSECT)\b/i;

/** An open connection with a statement cache. Synchronous: on the event loop use it for short, indexed reads only. */
export class Database {
  readonly path: string;
  readonly #raw: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  #cells: Cells = plainCells;
  #sealed: ReadonlySet<string> | undefined;

  constructor(path: string, raw: DatabaseSync) {
    this.path = path;
    this.#raw = raw;
  }

  /** Several statements, no parameters. For pragmas, schema and transaction control; never with text from outside. */
  exec(sql: string): void {
    this.#raw.exec(sql);
  }

  /**
   * Encryption at rest: sealed cells are opened in every row that is read; what is written is sealed by whoever writes it. In SQL `opened(x)` is the
   * text of a sealed column, for filters. `sealed`: the columns that have such cells, as "table.column"; without it every column is looked at.
   */
  useCells(cells: Cells, sealed?: ReadonlySet<string>): void {
    this.#cells = cells;
    this.#sealed = sealed;
    this.#statements.clear();
    this.#raw.function('opened', { deterministic: true, directOnly: true }, (text) =>
      typeof text === 'string' ? cells.unsealText(text) : text,
    );
  }

  get cells(): Cells {
    return this.#cells;
  }

  #opened<Row>(row: Row, names: readonly string[]): Row {
    const values = row as Record<string, unknown>;
    for (const name of names) {
      const value = values[name];
      if (typeof value === 'string') {
        if (value.charCodeAt(0) === 1) values[name] = this.#cells.unsealText(value);
      } else if (value instanceof Uint8Array) {
        const opened = this.#cells.unseal(value);
        values[name] = opened;
        // The sealed bytes were read for this row alone.
        if (opened.buffer !== value.buffer) releaseBytes(value);
      }
    }
    return row;
  }

  /** The first row, or undefined. Blobs arrive as Uint8Array, integers as number (beyond 2^53 it throws). */
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    const { statement, sealed } = this.#statement(sql);
    const row = statement.get(...values) as Row | undefined;
    return row === undefined || sealed.length === 0 ? row : this.#opened(row, sealed);
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    const { statement, sealed } = this.#statement(sql);
    const rows = statement.all(...values) as Row[];
    if (sealed.length > 0) for (const row of rows) this.#opened(row, sealed);
    return rows;
  }

  /** Rows one by one in bounded memory. Its own statement, so that two walks of the same SQL do not disturb each other. */
  *each<Row>(sql: string, ...values: SqlValue[]): Generator<Row> {
    const { statement, sealed } = this.#prepare(sql);
    for (const row of statement.iterate(...values)) yield this.#opened(row as Row, sealed);
  }

  /** Numbers of the keys under which cells of these rows are sealed (at-rest/cells.ts); nothing is opened. */
  sealedWith(sql: string, ...values: SqlValue[]): number[] {
    const rows = this.#statement(sql).statement.all(...values) as Record<string, unknown>[];
    return rows.flatMap((row) =>
      Object.values(row).flatMap((value) =>
        typeof value === 'string' || value instanceof Uint8Array ? (keyIdOf(value) ?? []) : [],
      ),
    );
  }

  run(sql: string, ...values: SqlValue[]): RunResult {
    const { changes, lastInsertRowid } = this.#statement(sql).statement.run(...values);
    return { changes: Number(changes), lastRowId: Number(lastInsertRowid) };
  }

  /** BEGIN IMMEDIATE … COMMIT around `body`, ROLLBACK if it throws. Not inside an operation of the writer, which has its own. */
  transaction<T>(body: () => T): T {
    this.#raw.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#raw.exec('COMMIT');
      return result;
    } catch (err) {
      if (this.#raw.isTransaction) this.#raw.exec('ROLLBACK');
      throw err;
    }
  }

  /** Many reads at one moment of the database: SQLite takes its lock, and looks whether its pages are still good, once and not for each of them. */
  reading<T>(body: () => T): T {
    if (this.#raw.isTransaction) return body();
    this.#raw.exec('BEGIN');
    try {
      return body();
    } finally {
      // SQLite ends it by itself when it cannot read: its error says more than that there is nothing to commit.
      if (this.#raw.isTransaction) this.#raw.exec('COMMIT');
    }
  }

  /** False after SQLite itself rolled back (disk full, I/O error): then no operation of the transaction has happened. */
  get inTransaction(): boolean {
    return this.#raw.isTransaction;
  }

  /** As the function of this name, by this connection: false while somebody reads. Waits so long at most, and the whole thread with it. */
  emptyLog(waitMs: number): boolean {
    this.#raw.exec(`PRAGMA busy_timeout = ${waitMs}`);
    try {
      return this.#raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
    } finally {
      this.#raw.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    }
  }

  /** Idempotent. The last connection of a database folds the WAL back into the file. */
  close(): void {
    this.#statements.clear();
    if (this.#raw.isOpen) this.#raw.close();
  }

  #statement(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      // SQL is written in the source, so the cache is bounded by the source; text built at run time would leak here.
      prepared = this.#prepare(sql);
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }

  /** Most rows have no sealed column, and rows are read by the dozen for each document: where to look is found out once. */
  #prepare(sql: string): Prepared {
    const statement = this.#raw.prepare(sql);
    if (this.#cells === plainCells) return { statement, sealed: [] };
    const known = compound.test(sql) ? undefined : this.#sealed;
    const sealed = statement
      .columns()
      // What was computed has no column of its own.
      .filter(({ table, column }) => !known || column === null || known.has(`${table}.${column}`))
      .map(({ name }) => name);
    return { statement, sealed };
  }
}

export type OpenOptions = {
  readonly readOnly?: boolean;
  /** Only `init` sets it. */
  readonly create?: boolean;
  /** What the operator runs to make the database; named in the error of a missing one. */
  readonly init?: string;
};

/** Takes what the write-ahead log still holds into the file and empties it: what was overwritten is then nowhere else. Waits for readers. */
export function emptyLog(path: string): boolean {
  const raw = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    return raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } finally {
    raw.close();
  }
}

/** How long a statement waits for another connection's lock. Larger: a hung backup tool stops the hub; smaller: a harmless one does. */
const BUSY_MS = 5_000;

/**
 * Opens with WAL, synchronous=FULL (COMMIT returns after fsync), foreign keys. `dir-missing` when the file does not
 * exist and `create` is not set; `store-damaged` when it is not a database.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Database {
  // A folder that this account may not enter is not taken for one without a database: the system's error says so.
  if (!fs.statSync(path, { throwIfNoEntry: false })) {
    if (!options.create) {
      throw new ExchangeError(
        'dir-missing',
        `${path} does not exist: run "${options.init ?? 'lienthong init'}" first`,
      );
    }
    // Made by us and not by SQLite, so that the database, and the -wal and -shm files that copy its mode, are 0600.
    fs.closeSync(fs.openSync(path, 'wx', 0o600));
    syncDir(dirname(path));
  }
  const readOnly = options.readOnly ?? false;
  const raw = new DatabaseSync(path, {
    readOnly,
    timeout: BUSY_MS,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
  });
  try {
    // No file of the database can reach functions with side effects, nor write to SQLite's own tables.
    raw.enableDefensive(true);
    raw.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY');
    // 16 MiB of pages; the default 2 MiB rereads inner pages of large indexes.
    raw.exec('PRAGMA cache_size = -16384');
    raw.prepare('SELECT count(*) FROM sqlite_schema').get();
    if (!readOnly) {
      const mode = raw.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
      // SQLite answers with another mode, and no error, on file systems without shared memory (some network mounts).
      if (mode !== 'wal')
        throw new ExchangeError('config-invalid', `${path}: needs a local disk, journal mode is ${mode}`);
      // FAST overwrites what is deleted wherever a page is written anyway: pages that were split or used again hold no old text. What must be gone at
      // once, in free pages too, is deleted under ON.
      raw.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST');
    }
  } catch (cause) {
    raw.close();
    const kind = sqliteFailure(cause);
    if (kind === 'damaged') throw new ExchangeError('store-damaged', path, { cause });
    throw cause;
  }
  const db = new Database(path, raw);
  db.useCells(plainCells);
  return db;
}

export type SqliteFailure = 'full' | 'busy' | 'damaged' | 'io' | 'constraint' | 'other';

/** What an error thrown by SQLite means for us; undefined when it is no SQLite error. By result code, never by text. */
export function sqliteFailure(err: unknown): SqliteFailure | undefined {
  if (!(err instanceof Error) || !('errcode' in err) || typeof err.errcode !== 'number') return undefined;
  if (isDiskFull(err)) return 'full';
  switch (err.errcode & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'busy';
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return 'damaged';
    case 7: // SQLITE_NOMEM
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR, fsync failures among them
    case 14: // SQLITE_CANTOPEN
      return 'io';
    case 19: // SQLITE_CONSTRAINT
      return 'constraint';
    default:
      return 'other';
  }
}

export type Migration = { readonly version: number; readonly name: string; readonly sql: string };

/**
 * Brings the schema forward, one transaction for each step, and returns the version reached. Idempotent. `schema-newer`
 * when a later release has written this database: going back needs the backup taken before the upgrade.
 */
export function migrate(db: Database, migrations: readonly Migration[]): number {
  const latest = migrations.at(-1)?.version ?? 0;
  for (const [i, m] of migrations.entries()) {
    if (m.version !== i + 1) throw new Error(`migration ${m.name} must have version ${i + 1}`);
  }
  const found = schemaVersion(db);
  if (found > latest) {
    throw new ExchangeError(
      'schema-newer',
      `${db.path} has schema ${found}, this program knows ${latest}: install the release that wrote it, or restore the backup made before the upgrade`,
    );
  }
  for (const m of migrations.slice(found)) {
    db.transaction(() => {
      db.exec(m.sql);
      // In the same transaction: a crash leaves the step done and counted, or neither.
      db.exec(`PRAGMA user_version = ${m.version}`);
    });
  }
  return latest;
}

/** The number of migrations applied. */
export function schemaVersion(db: Database): number {
  return db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
}

/** Empty when sound; else up to 20 lines of what is wrong. Reads the whole file: for fsck and after a restore. */
export function integrityCheck(db: Database): string[] {
  const lines = db
    .all<{ integrity_check: string }>('PRAGMA integrity_check(20)')
    .map((r) => r.integrity_check)
    .filter((line) => line !== 'ok');
  const orphans = db.all<{ table: string; rowid: number }>('PRAGMA foreign_key_check').slice(0, 20);
  return [...lines, ...orphans.map((o) => `foreign key violated in ${o.table}, row ${o.rowid}`)];
}

/**
 * Copies the database as it stands at one moment to `target` while it is in use; off the event loop. Durable, checked
 * and complete on return, else `target` does not appear. `backup-invalid` when the copy does not check.
 */
export async function backupTo(db: Database, target: string): Promise<void> {
  const partial = `${target}.partial`;
  fs.rmSync(partial, { force: true });
  // A connection of its own: the copying thread holds the connection's mutex, which would stop readers that share it.
  const source = new DatabaseSync(db.path, { readOnly: true, timeout: BUSY_MS });
  try {
    fs.closeSync(fs.openSync(partial, 'wx', 0o600));
    // One step for all pages: a copy in many steps starts anew after each commit of the writer and may never end.
    await backup(source, partial, { rate: 2 ** 31 - 1 });
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(partial, { timeout: BUSY_MS });
  let wrong: string[];
  try {
    // A plain file without -wal, so that one file is the backup.
    copy.exec('PRAGMA journal_mode = DELETE');
    wrong = integrityCheck(new Database(partial, copy));
  } finally {
    copy.close();
  }
  if (wrong.length > 0) throw new ExchangeError('backup-invalid', wrong[0] ?? '');
  await syncFileAsync(partial);
  await renameDurable(partial, target);
}

/**
 * Takes an exclusive lock on a database file that holds nothing; undefined when another process, or this one, has it.
 * The kernel drops the lock when the process dies, also by SIGKILL, so it is never stale. No other code may open the
 * file: closing any descriptor of it in this process would drop the lock (POSIX fcntl).
 */
export function holdExclusive(path: string): (() => void) | undefined {
  const raw = new DatabaseSync(path, { timeout: 0 });
  try {
    raw.exec('BEGIN EXCLUSIVE');
    return () => {
      if (raw.isOpen) raw.close();
    };
  } catch (err) {
    raw.close();
    if (sqliteFailure(err) === 'busy') return undefined;
    throw err;
  }
}
