// Group commit, main side: queues named operations for the thread that owns the writing connection (writer-thread.ts).
// Must never resolve a run before the COMMIT that contains it has been synced, and never retry a failed one.
// On the document's path: accept step 9, settle, the outbox and the inbox all write through here.
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, ExchangeError } from '../errors.ts';
import { type ArmedCrash, armedCrash } from './crash.ts';
import { FAILED_SYNC_EXIT } from './durable.ts';
import { pack } from './pack.ts';
import type { Database } from './sqlite.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: an operation may return nothing.
export type Op = (args: never) => unknown | void;

/**
 * What the operations module returns to the thread. Each op runs synchronously, in a savepoint of the batch's transaction:
 * throwing undoes that op alone and rejects its run with the error (an ExchangeError keeps code, detail, retryAfterMs).
 * Arguments and results cross by structured clone (pack.ts): bytes arrive as Uint8Array, never Buffer. Those of arguments are gone when the batch has
 * been answered: an op copies what it keeps longer.
 */
export type Operations<Ops extends Record<string, Op>> = {
  readonly ops: Ops;
  /** Once for each batch, after its last op and before COMMIT. May write, and may fill in the objects that ops returned. Throwing fails the whole batch. */
  readonly beforeCommit?: () => void;
  /** After COMMIT or rollback of the batch: forget what ops registered. Also runs when an op alone failed within a batch that commits. */
  readonly afterBatch?: (outcome: 'committed' | 'rolled-back') => void;
};

/** The module named by `operations` exports `operations` of this type. */
export type OperationsFactory<Context, Ops extends Record<string, Op>> = (
  db: Database,
  context: Context,
) => Operations<Ops>;

export type WriterOptions = {
  /** The database file; it must exist. */
  readonly path: string;
  /** A module that exports `operations` (OperationsFactory). Imported in the thread. */
  readonly operations: URL;
  /** Handed to the factory; structured-cloneable. */
  readonly context?: unknown;
  /** Ops in one COMMIT. Larger: the first of a batch waits longer; smaller: more fsyncs. */
  readonly maxBatch?: number;
  readonly maxBatchBytes?: number;
  /** Beyond either bound `run` rejects with `overloaded`: memory is bounded and the peer backs off. */
  readonly maxQueued?: number;
  readonly maxQueuedBytes?: number;
  /**
   * Whose turn an op takes: ops of different keys are run by turns, those of one key in the order of `run`. One key that queues
   * thousands costs another the batch that is running. Default: one key for all.
   */
  readonly keyOf?: (name: string, args: never) => string;
  /** Checkpoints in a thread of their own once there are any (checkpointer.ts): nobody waits for them; 10 MiB from the first one on. */
  readonly checkpointsBeside?: boolean;
  readonly crash?: ArmedCrash;
  /** The disk failed or the thread died: what was in flight is of unknown fate. Default: one line on stderr and exit 74. */
  readonly onFatal?: (err: Error) => void;
};

export type WriterStats = {
  readonly queued: number;
  readonly queuedBytes: number;
  readonly batches: number;
  readonly ops: number;
  readonly largestBatch: number;
};

export type Writer<Ops extends Record<string, Op>> = {
  /**
   * Resolves with the op's result only after COMMIT was synced to disk. Rejects with the op's own ExchangeError, with
   * `overloaded` (queue full), `disk-nearly-full` (nothing written), `shutting-down`, or `internal` (the op threw another error, as cause).
   */
  run<K extends keyof Ops & string>(name: K, args: Parameters<Ops[K]>[0]): Promise<ReturnType<Ops[K]>>;
  stats(): WriterStats;
  /** Commits what is queued, then closes the connection. */
  close(): Promise<void>;
};

/** [id, op, arguments, bytes, key, what their bytes lie in]: arrays, since thousands cross per second. */
export type Posted = readonly [
  id: number,
  name: string,
  args: unknown,
  bytes: number,
  key: string,
  moved: ArrayBuffer | undefined,
];
export type ThreadFailure = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
  readonly said: string;
};
export type Answer = readonly [id: number, failed: boolean, value: unknown];
export type ToThread = readonly Posted[] | 'close';
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  | { readonly kind: 'refused'; readonly failure: ThreadFailure }
  | { readonly kind: 'fatal'; readonly said: string };
export type ThreadContext = {
  readonly path: string;
  readonly operations: string;
  readonly context: unknown;
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  readonly checkpointsBeside: boolean;
  readonly crash: ArmedCrash | undefined;
};

/** The thread ends a batch earlier, by time (writer-thread.ts); this bounds what one COMMIT holds where ops are very quick. */
const MAX_BATCH = 256;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_QUEUED = 4096;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** A full queue drains in about a third of a second at 13,000 rows/s; slower disks need several tries. */
const RETRY_AFTER_MS = 500;

/** Ops of keys that have others in the thread are posted so many together, or with the next answers: each post costs both threads. */
const POST_TOGETHER = 16;

type Waiting = { resolve(value: unknown): void; reject(err: Error): void; bytes: number; key: string };

/**
 * Starts the thread; resolves when it has opened the database and the operations are ready. Rejects with the error
 * of opening or of the factory (`dir-missing`, `schema-newer`, …).
 */
export async function startWriter<Ops extends Record<string, Op>>(
  options: WriterOptions,
): Promise<Writer<Ops>> {
  const queue = new WriterQueue(options);
  await queue.ready;
  return {
    // The types of the operations module hold on both sides; across the thread they are unknown.
    run: (name, args) => queue.run(name, args) as Promise<never>,
    stats: () => queue.stats(),
    close: () => queue.close(),
  };
}

class WriterQueue {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #maxQueued: number;
  readonly #maxQueuedBytes: number;
  readonly #onFatal: (err: Error) => void;
  readonly #exited: Promise<void>;
  readonly #keyOf: (name: string, args: never) => string;
  /** Ops not answered yet, by key. */
  readonly #perKey = new Map<string, number>();
  #posting = false;
  #unposted: Posted[] = [];
  #moved: ArrayBuffer[] = [];
  #nextId = 0;
  #queuedBytes = 0;
  #batches = 0;
  #ops = 0;
  #largestBatch = 0;
  #state: 'starting' | 'open' | 'closing' | 'closed' | 'dead' = 'starting';

  constructor(options: WriterOptions) {
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    this.#onFatal = options.onFatal ?? exitOnFatal;
    this.#keyOf = options.keyOf ?? (() => '');
    const workerData: ThreadContext = {
      path: options.path,
      operations: options.operations.href,
      context: options.context,
      maxBatch: options.maxBatch ?? MAX_BATCH,
      maxBatchBytes: options.maxBatchBytes ?? MAX_BATCH_BYTES,
      checkpointsBeside: options.checkpointsBeside ?? false,
      crash: options.crash ?? armedCrash(),
    };
    // Through a line of plain JavaScript, so that the thread too takes its compiled source from the cache.
    const thread = new URL('./writer-thread.ts', import.meta.url).href;
    this.#worker = new Worker(`${asCompiled()}import(${JSON.stringify(thread)});`, {
      eval: true,
      workerData,
      name: 'writer',
    });
    const started = Promise.withResolvers<void>();
    this.ready = started.promise;
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    this.#worker.on('message', (message: FromThread) => this.#receive(message, started));
    this.#worker.on('error', (err) =>
      this.#die(err instanceof Error ? err : new Error(String(err)), started),
    );
    this.#worker.on('messageerror', (err) => this.#die(err, started));
    this.#worker.on('exit', (code) => {
      if (this.#state === 'closing') this.#state = 'closed';
      else this.#die(new Error(`the writer thread ended with code ${code}`), started);
      exited.resolve();
    });
  }

  run(name: string, args: unknown): Promise<unknown> {
    if (this.#state === 'dead') return Promise.reject(new ExchangeError('disk-failed'));
    if (this.#state !== 'open') {
      return Promise.reject(new ExchangeError('shutting-down', '', { retryAfterMs: RETRY_AFTER_MS }));
    }
    const own = pack(args);
    if (this.#waiting.size >= this.#maxQueued || this.#queuedBytes + own.bytes > this.#maxQueuedBytes) {
      return Promise.reject(
        new ExchangeError('overloaded', 'writer queue full', { retryAfterMs: RETRY_AFTER_MS }),
      );
    }
    const id = this.#nextId++;
    this.#queuedBytes += own.bytes;
    // One post for everything that one turn of the event loop brings, so that it meets in one batch.
    const key = this.#keyOf(name, args as never);
    this.#postSoon(key);
    this.#unposted.push([id, name, own.value, own.bytes, key, own.moved]);
    if (own.moved !== undefined) this.#moved.push(own.moved);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, bytes: own.bytes, key });
    });
  }

  /** The first op of a key is in a hurry; the next ones would only stand in the thread's line, behind it. */
  #postSoon(key: string): void {
    const before = this.#perKey.get(key) ?? 0;
    this.#perKey.set(key, before + 1);
    if (this.#posting || (before > 0 && this.#unposted.length + 1 < POST_TOGETHER)) return;
    this.#posting = true;
    setImmediate(() => this.#post());
  }

  #answered({ key, bytes }: Waiting): void {
    this.#queuedBytes -= bytes;
    const left = this.#perKey.get(key)! - 1;
    if (left > 0) this.#perKey.set(key, left);
    else this.#perKey.delete(key);
  }

  stats(): WriterStats {
    return {
      queued: this.#waiting.size,
      queuedBytes: this.#queuedBytes,
      batches: this.#batches,
      ops: this.#ops,
      largestBatch: this.#largestBatch,
    };
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#post();
      this.#state = 'closing';
      this.#worker.postMessage('close' satisfies ToThread);
    }
    await this.#exited;
  }

  #post(): void {
    this.#posting = false;
    if (this.#unposted.length === 0 || this.#state === 'dead') return;
    this.#worker.postMessage(this.#unposted satisfies ToThread, this.#moved);
    this.#unposted = [];
    this.#moved = [];
  }

  #receive(message: FromThread, started: PromiseWithResolvers<void>): void {
    switch (message.kind) {
      case 'ready':
        this.#state = 'open';
        started.resolve();
        return;
      case 'refused':
        this.#state = 'closing';
        started.reject(rebuild(message.failure));
        return;
      case 'fatal':
        this.#die(new Error(message.said), started);
        return;
      case 'answers':
        this.#batches += 1;
        this.#ops += message.answers.length;
        this.#largestBatch = Math.max(this.#largestBatch, message.answers.length);
        for (const [id, failed, value] of message.answers) {
          const waiting = this.#waiting.get(id);
          if (waiting === undefined) continue;
          this.#waiting.delete(id);
          this.#answered(waiting);
          if (failed) waiting.reject(rebuild(value as ThreadFailure));
          else waiting.resolve(value);
        }
        this.#post();
    }
  }

  /**
   * Nothing in flight is acknowledged: its fate is unknown until the restart reads the disk. The connection of the thread is closed as it ends; whoever reads the
   * database in this process keeps it from being the last, whose closing would be one more checkpoint.
   */
  #die(err: Error, started: PromiseWithResolvers<void>): void {
    if (this.#state === 'dead' || this.#state === 'closed') return;
    const wasStarting = this.#state === 'starting';
    this.#state = 'dead';
    void this.#worker.terminate();
    if (wasStarting) {
      started.reject(err);
      return;
    }
    this.#onFatal(err);
    // Only reached with an onFatal that returns (tests): the callers may not hang.
    for (const waiting of this.#waiting.values())
      waiting.reject(new ExchangeError('disk-failed', '', { cause: err }));
    this.#waiting.clear();
  }
}

/** For a thread: compiled source from where this process takes it, or none: 30 MB less and half the start. Whether the folder is to be trusted, bin/lienthong says. */
function asCompiled(): string {
  const folder = getCompileCacheDir();
  // Node adds the folder of its version.
  return folder === undefined
    ? ''
    : `require('node:module').enableCompileCache(${JSON.stringify(dirname(folder))}); `;
}

function exitOnFatal(err: Error): void {
  process.stderr.write(
    `${JSON.stringify({ level: 60, event: 'disk.writer-died', said: err.message.slice(0, 2000) })}\n`,
  );
  process.exit(FAILED_SYNC_EXIT);
}

function rebuild(f: ThreadFailure): ExchangeError {
  return new ExchangeError(f.code, f.detail, {
    ...(f.retryAfterMs === undefined ? {} : { retryAfterMs: f.retryAfterMs }),
    ...(f.said === '' ? {} : { cause: new Error(f.said) }),
  });
}
