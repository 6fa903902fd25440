// Checkpoints of a write-ahead log beside the writer: a thread of its own copies what is committed from the log into the database file, while the writer
// goes on appending. Must never hide an error of the disk, never run without syncs, and never touch anything but the log and the file.
// On the document's path it stands beside protocol/node/writer-thread.ts: nobody waits for it. It needs SQLite 3.51.3 or newer: before, a checkpoint of a second
// connection could take a log that had just started over for one that was copied.
import { Worker } from 'node:worker_threads';

/**
 * `idle`: may be begun. `running`. `absent`: it cannot be had (no thread, or no further open file): nothing was copied, so nothing is in doubt, and whoever owns the
 * database makes its checkpoints alone. `failed`: SQLite reported an error other than a full disk or a lock; the thread has ended, and whoever owns the database
 * must end too, its connection not closed: a later checkpoint could find the same pages clean and call them synced.
 */
export type CheckpointState = 'idle' | 'running' | 'absent' | 'failed';

export type Checkpointer = {
  /** Begins one (PASSIVE: waits for nobody); the first call starts the thread. Only in state `idle`. */
  begin(): void;
  state(): CheckpointState;
  /** SQLite's result code of the failure; 0 without. */
  failure(): number;
  /** Waits for the running one, then for the end of the thread: its connection is closed. Blocks. How the last one ended, `state` says. */
  close(): void;
};

/** The words of the shared state; the second number is SQLite's result code. */
const words = { idle: 0, running: 1, ending: 2, ended: 3, failed: 4, absent: 5 } as const;
/** A thread that died without a word is waited for so long; a large checkpoint on a slow disk takes less. */
const closeMs = 120_000;

/** An idle thread with next to no heap of its own: about 10 MiB, so it is started by the first load that needs it. */
const limits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 };

/**
 * For the database at `path`, which is in WAL mode. `onDied`: the thread failed, or ended by itself. Called from a thread that may block, never from the event loop of a
 * program. Safe for what is committed: the log is synced before a page is copied, and starts over only when all of it is copied and the file was synced after
 * the last page; a process killed anywhere in between copies again.
 */
export function createCheckpointer(path: string, onDied: (err: Error) => void): Checkpointer {
  const shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  let started = false;

  function start(): void {
    // The source of the function and no module: a thread that loads none starts in some milliseconds and needs no compiler of types.
    const worker = new Worker(
      `(${checkpointThread})(require('node:worker_threads').workerData, require('node:sqlite').DatabaseSync)`,
      { eval: true, workerData: { path, shared, words }, name: 'checkpoint', resourceLimits: limits },
    );
    started = true;
    worker.on('error', (cause) => {
      const code = Atomics.load(shared, 1);
      onDied(
        new Error(code === 0 ? `checkpoints: ${cause}` : `checkpoint: SQLite's error ${code}`, { cause }),
      );
    });
    worker.unref();
  }

  function startOrDoWithout(): void {
    try {
      start();
    } catch {
      // The system has no thread to give: the owner of the database goes on alone, as its state says.
      Atomics.store(shared, 0, words.absent);
    }
  }

  return {
    begin() {
      Atomics.store(shared, 0, words.running);
      if (started) Atomics.notify(shared, 0);
      else startOrDoWithout();
    },
    state() {
      const word = Atomics.load(shared, 0);
      if (word === words.running || word === words.ending) return 'running';
      return word === words.failed ? 'failed' : word === words.absent ? 'absent' : 'idle';
    },
    failure: () => Atomics.load(shared, 1),
    close() {
      if (!started) return;
      Atomics.wait(shared, 0, words.running, closeMs);
      if (Atomics.compareExchange(shared, 0, words.idle, words.ending) !== words.idle) return;
      Atomics.notify(shared, 0);
      Atomics.wait(shared, 0, words.ending, closeMs);
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
  { path, shared, words: { idle, running, ending, ended, failed, absent } }: Started,
  Database: new (path: string, options: { timeout: number }) => Connection,
): void {
  const settle = (word: number): void => {
    Atomics.store(shared, 0, word);
    Atomics.notify(shared, 0);
  };
  const codeOf = (err: unknown): number =>
    err instanceof Error && 'errcode' in err ? Number(err.errcode) : 1;
  // Of the errors of SQLite a full disk and a lock stop this checkpoint only: the log keeps every commit and the next one tries again.
  const harmless = (code: number): boolean => [5, 6, 13].includes(code & 0xff);
  // Memory, a lock, a file that cannot be opened: this connection cannot be had, and the other one is as good as before.
  const unavailable = (code: number): boolean => [5, 6, 7, 14].includes(code & 0xff);
  let opened = false;
  try {
    const db = new Database(path, { timeout: 0 });
    // FULL: a checkpoint syncs what it copies as its own connection says, not as the writer's does.
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256');
    const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    opened = true;
    for (;;) {
      Atomics.wait(shared, 0, idle);
      if (Atomics.load(shared, 0) === ending) break;
      try {
        checkpoint.get();
      } catch (err) {
        if (!harmless(codeOf(err))) throw err;
      }
      if (Atomics.load(shared, 0) === running) settle(idle);
    }
    db.close();
    settle(ended);
  } catch (err) {
    Atomics.store(shared, 1, codeOf(err));
    const spared = !opened && unavailable(codeOf(err));
    settle(spared ? absent : failed);
    // Told at once, whether anything is committed next or not.
    if (!spared) throw err;
  }
}
