// Checkpoints of a write-ahead log beside the writer: a thread of its own copies what is committed from the log into the database file, while the writer
// goes on appending. Must never hide an error of the disk, never run without syncs, and never touch anything but the log and the file.
// On the document's path it stands beside protocol/node/writer-thread.ts: nobody waits for it.
import { Worker } from 'node:worker_threads';

/**
 * `idle`: may be begun. `running`. `failed`: SQLite reported an error other than a full disk or a lock; the thread has ended, and whoever owns the database must
 * end too: a later checkpoint could find the same pages clean and call them synced.
 */
export type CheckpointState = 'idle' | 'running' | 'failed';

export type Checkpointer = {
  /** Begins one (PASSIVE: waits for nobody); the first call starts the thread. Only in state `idle`. */
  begin(): void;
  state(): CheckpointState;
  /** SQLite's result code of the failure; 0 without. */
  failure(): number;
  /** Waits for the running one, then for the end of the thread: its connection is closed. Blocks. */
  close(): void;
};

/** The words of the shared state; the second number is SQLite's result code. */
const words = { idle: 0, running: 1, ending: 2, ended: 3, failed: 4 } as const;

/** An idle thread with next to no heap of its own: about 10 MiB, so it is started by the first load that needs it. */
const limits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 };

/**
 * For the database at `path`, which is in WAL mode. `onDied`: the thread ended by itself. Called from a thread that may block, never from the event loop of a
 * program. Safe for what is committed: SQLite counts a page as copied only when the log and then the file were synced, and the log starts over only when all
 * is copied; a process killed anywhere in between copies again.
 */
export function createCheckpointer(path: string, onDied: (err: Error) => void): Checkpointer {
  const shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  let started = false;

  function start(): void {
    started = true;
    // The source of the function and no module: a thread that loads none starts in some milliseconds and needs no compiler of types.
    const worker = new Worker(
      `(${checkpointThread})(require('node:worker_threads').workerData, require('node:sqlite').DatabaseSync)`,
      { eval: true, workerData: { path, shared, words }, name: 'checkpoint', resourceLimits: limits },
    );
    worker.on('error', (err) => onDied(err instanceof Error ? err : new Error(String(err))));
    worker.unref();
  }

  return {
    begin() {
      Atomics.store(shared, 0, words.running);
      if (started) Atomics.notify(shared, 0);
      else start();
    },
    state() {
      const word = Atomics.load(shared, 0);
      return word === words.idle ? 'idle' : word === words.running ? 'running' : 'failed';
    },
    failure: () => Atomics.load(shared, 1),
    close() {
      if (!started) return;
      Atomics.wait(shared, 0, words.running);
      if (Atomics.compareExchange(shared, 0, words.idle, words.ending) !== words.idle) return;
      Atomics.notify(shared, 0);
      Atomics.wait(shared, 0, words.ending);
    },
  };
}

type Started = {
  readonly path: string;
  readonly shared: Int32Array<SharedArrayBuffer>;
  readonly words: Words;
};
type Words = typeof words;
type Connection = {
  exec(sql: string): void;
  prepare(sql: string): { get(): unknown };
  close(): void;
};

/** Runs in the thread, from its source: nothing outside of it is there. */
function checkpointThread(
  { path, shared, words: { idle, running, ending, ended, failed } }: Started,
  Database: new (path: string, options: { timeout: number }) => Connection,
): void {
  const settle = (word: number): void => {
    Atomics.store(shared, 0, word);
    Atomics.notify(shared, 0);
  };
  // Of the errors of SQLite a full disk and a lock stop this checkpoint only: the log keeps every commit and the next one tries again.
  const harmless = (code: number): boolean => [5, 6, 13].includes(code & 0xff);
  try {
    const db = new Database(path, { timeout: 0 });
    // FULL: a checkpoint syncs what it copies as its own connection says, not as the writer's does.
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256');
    const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    for (;;) {
      Atomics.wait(shared, 0, idle);
      if (Atomics.load(shared, 0) === ending) break;
      try {
        checkpoint.get();
      } catch (err) {
        const code = err instanceof Error && 'errcode' in err ? Number(err.errcode) : 1;
        if (!harmless(code)) throw err;
      }
      if (Atomics.load(shared, 0) === running) settle(idle);
    }
    db.close();
    settle(ended);
  } catch (err) {
    Atomics.store(shared, 1, err instanceof Error && 'errcode' in err ? Number(err.errcode) : 1);
    settle(failed);
  }
}
