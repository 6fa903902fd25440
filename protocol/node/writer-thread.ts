// Group commit, thread side: owns the one writing connection; takes what is queued, runs it in one transaction, commits
// (fsync), and only then answers. Must never answer before COMMIT returned, never go on after an I/O error, and never
// touch the network. A process killed at any line loses only what was not answered.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ExchangeError, isExchangeError } from '../errors.ts';
import { type Checkpointer, type CheckpointState, createCheckpointer } from './checkpointer.ts';
import { armCrash, crashPoint } from './crash.ts';
import { FailedSync } from './durable.ts';
import { pack } from './pack.ts';
import { releaseBytes } from './release.ts';
import { type Database, openDatabase, sqliteFailure } from './sqlite.ts';
import type {
  Answer,
  FromThread,
  Op,
  Operations,
  Posted,
  ThreadContext,
  ThreadFailure,
  ToThread,
} from './writer.ts';
import { writerTurns } from './writer-turns.ts';

const port = parentPort;
if (port === null) throw new Error('writer-thread.ts runs in a worker thread only');
const start = workerData as ThreadContext;

/**
 * 4 KiB pages. A later checkpoint folds more rewrites of one page into one write, and holds everybody up for longer: as late as it takes no more
 * than some commits' time, within these bounds.
 */
const CHECKPOINT_PAGES = { min: 1024, max: 4096 };
const CHECKPOINT_MS = 15;
const CHECKPOINT_COMMITS = 8;
/** Readers can keep the WAL from starting over; from 64 MiB on we wait for them (at most the busy timeout) and cut it. */
const TRUNCATE_PAGES = 16_384;
/**
 * A checkpoint beside us leaves what is committed meanwhile, so the WAL grows on. From 32 MiB on it is copied whole, so that it can start over: in rounds beside us
 * that leave less each time, and when no more than this is left, after so many rounds, or at 48 MiB, by us. That sync takes as long as some commits.
 */
const WHOLE_FROM_PAGES = 8192;
const OURS_FROM_PAGES = 12_288;
const TAIL_PAGES = 256;
const ROUNDS_BESIDE = 3;
/** Asking for the WAL's size costs 20 µs, so not after each batch. */
const CHECK_EVERY_BYTES = 1024 * 1024;
const CHECK_EVERY_BATCHES = 32;

/** After an op threw, so many batches are run op by op at once: who sends what is refused again and again makes nobody's batch run twice. */
const APART_BATCHES = 64;

/** The disk cannot be trusted any more: everything stops. */
class Fatal extends Error {}

const turns = writerTurns(() => performance.now());
/** Moving averages: what a COMMIT takes, and what an op adds to `beforeCommit`. */
let commitMs = 1;
let afterEachMs = 0.1;
let closing = false;
let dead = false;
let sinceCheckBytes = 0;
let sinceCheckBatches = 0;
let checkpointAtPages = CHECKPOINT_PAGES.max;
let truncateAtPages = TRUNCATE_PAGES;
let apartBatches = 0;
let beside: Checkpointer | undefined;
/** Of the checkpoint that is being made beside us; 0: none is. */
let roundsBeside = 0;

function post(message: FromThread): void {
  port?.postMessage(message);
}

function failureOf(err: unknown): ThreadFailure {
  if (isExchangeError(err)) {
    const said = err.cause instanceof Error ? (err.cause.stack ?? err.cause.message) : '';
    return { code: err.code, detail: err.detail, retryAfterMs: err.retryAfterMs, said };
  }
  const code = sqliteFailure(err) === 'full' ? 'disk-nearly-full' : 'internal';
  return {
    code,
    detail: '',
    retryAfterMs: undefined,
    said: err instanceof Error ? (err.stack ?? err.message) : String(err),
  };
}

function throwIfFatal(err: unknown): void {
  const kind = sqliteFailure(err);
  if (err instanceof FailedSync || kind === 'io' || kind === 'damaged')
    throw new Fatal(String(err), { cause: err });
}

/** The ops of one batch as they are run; `batch` holds those that were handed out. */
function* handOut(batch: Posted[]): Generator<Posted, void> {
  const bounds = { opsMax: start.maxBatch, bytesMax: start.maxBatchBytes, commitMs, afterEachMs };
  for (const posted of turns.batch(bounds, drainPort)) {
    batch.push(posted);
    sinceCheckBytes += posted[3];
    yield posted;
  }
}

const smooth = (before: number, now: number): number => before + (now - before) / 8;

/** One op in its savepoint: throwing undoes it alone. */
function runApart(db: Database, ops: Operations<Record<string, Op>>['ops'], posted: Posted): Answer {
  const [id] = posted;
  db.run('SAVEPOINT op');
  try {
    const value = runPlain(ops, posted);
    db.run('RELEASE op');
    return [id, false, value];
  } catch (err) {
    throwIfFatal(err);
    // SQLite has rolled the whole transaction back (disk full): the ops before this one are undone too.
    if (!db.inTransaction) throw err;
    db.run('ROLLBACK TO op');
    db.run('RELEASE op');
    return [id, true, failureOf(err)];
  }
}

function runPlain(ops: Record<string, Op>, [, name, args, , key]: Posted): unknown {
  const op = Object.hasOwn(ops, name) ? ops[name] : undefined;
  if (op === undefined) throw new Error(`no operation ${name}`);
  const startedMs = performance.now();
  try {
    return op(args as never);
  } finally {
    turns.took(key, performance.now() - startedMs + afterEachMs);
  }
}

/**
 * Nearly always every op of a batch succeeds, and a savepoint for each costs a fifth of the thread: SQLite copies every page aside that
 * an op touches first. So a batch is tried without; when an op throws, all of it is rolled back and run again, each op in its savepoint.
 * `batch` is filled with what was handed out. Ops see only the database and what `afterBatch` makes them forget, so a second run is a first one.
 */
function commitBatch(db: Database, operations: Operations<Record<string, Op>>, batch: Posted[]): Answer[] {
  const ops = handOut(batch);
  if (apartBatches > 0) {
    apartBatches -= 1;
    return commit(db, operations, batch, () => runEach(db, ops, (op) => runApart(db, operations.ops, op)));
  }
  const answers = tryTogether(db, operations.ops, ops);
  if (answers !== undefined) return commit(db, operations, batch, () => answers);
  operations.afterBatch?.('rolled-back');
  apartBatches = APART_BATCHES;
  return commit(db, operations, batch, () => runEach(db, batch, (op) => runApart(db, operations.ops, op)));
}

function runEach(db: Database, ops: Iterable<Posted>, run: (posted: Posted) => Answer): Answer[] {
  db.run('BEGIN IMMEDIATE');
  const answers: Answer[] = [];
  for (const posted of ops) answers.push(run(posted));
  return answers;
}

/** Leaves the transaction open on success; rolled back and undefined when an op threw. */
function tryTogether(db: Database, ops: Record<string, Op>, batch: Iterable<Posted>): Answer[] | undefined {
  try {
    return runEach(db, batch, (posted) => [posted[0], false, runPlain(ops, posted)]);
  } catch (err) {
    throwIfFatal(err);
    if (db.inTransaction) db.run('ROLLBACK');
    return undefined;
  }
}

function commit(
  db: Database,
  operations: Operations<Record<string, Op>>,
  batch: Posted[],
  run: () => Answer[],
): Answer[] {
  let answers: Answer[];
  let outcome: 'committed' | 'rolled-back' = 'rolled-back';
  try {
    answers = run();
    crashPoint('writer.1');
    const endedMs = performance.now();
    operations.beforeCommit?.();
    crashPoint('writer.2');
    const committingMs = performance.now();
    afterEachMs = smooth(afterEachMs, (committingMs - endedMs) / Math.max(1, batch.length));
    db.run('COMMIT');
    commitMs = smooth(commitMs, performance.now() - committingMs);
    outcome = 'committed';
    // After this line the bytes survive a power cut; whoever is not answered because of a crash here asks again.
    crashPoint('writer.3');
  } catch (err) {
    throwIfFatal(err);
    if (err instanceof Fatal) throw err;
    if (db.inTransaction) db.run('ROLLBACK');
    const failure =
      sqliteFailure(err) === 'busy'
        ? failureOf(
            new ExchangeError('overloaded', 'database locked by another program', {
              retryAfterMs: 1000,
              cause: err,
            }),
          )
        : failureOf(err);
    // It did not even begin: whoever waits is told now, not each after a wait of its own.
    if (batch.length === 0) for (const _ of handOut(batch));
    answers = batch.map(([id]) => [id, true, failure]);
  }
  operations.afterBatch?.(outcome);
  return answers;
}

function stateBeside(): CheckpointState {
  const state = beside?.state() ?? 'idle';
  // What was committed stays in the WAL, synced; only the file is in doubt. A second try could find its pages clean, and let the WAL start over.
  if (state === 'failed') throw new Fatal(`checkpoint: SQLite's error ${beside?.failure()}`);
  return state;
}

/** Whether it is time to look at the WAL. */
function checkpointDue(): boolean {
  sinceCheckBatches += 1;
  const besides = stateBeside();
  if (besides === 'running') return false;
  if (besides === 'absent') {
    beside = undefined;
    roundsBeside = 0;
  }
  return roundsBeside > 0 || sinceCheckBytes >= CHECK_EVERY_BYTES || sinceCheckBatches >= CHECK_EVERY_BATCHES;
}

/**
 * Our own checkpoint, since SQLite's automatic one swallows errors: a failed fsync in it would be tried again later, as
 * if nothing had happened. After the answers, so that nobody waits for it but the next batch.
 */
function checkpoint(db: Database): void {
  if (!checkpointDue()) return;
  sinceCheckBytes = 0;
  sinceCheckBatches = 0;
  try {
    const wal = db.get<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint(NOOP)');
    const left = wal === undefined ? 0 : wal.log - wal.checkpointed;
    const rounds = roundsBeside;
    roundsBeside = 0;
    if (wal === undefined || left === 0) return;
    if (left < checkpointAtPages && (rounds === 0 || wal.log < WHOLE_FROM_PAGES)) return;
    if (wal.log < truncateAtPages) {
      const alone = left <= TAIL_PAGES || rounds >= ROUNDS_BESIDE || wal.log >= OURS_FROM_PAGES;
      if (beside !== undefined && !alone) {
        roundsBeside = rounds + 1;
        beside.begin();
        return;
      }
      const startedMs = performance.now();
      db.get('PRAGMA wal_checkpoint(PASSIVE)');
      if (beside === undefined) pace(performance.now() - startedMs);
      return;
    }
    const cut = db.get<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
    // A reader sat through the wait (a backup): not again until the WAL has grown by as much once more.
    truncateAtPages = cut?.busy === 1 ? wal.log + TRUNCATE_PAGES : TRUNCATE_PAGES;
  } catch (err) {
    throwIfFatal(err);
    // A full disk stops the checkpoint only; the WAL keeps every commit and the next one tries again.
    if (sqliteFailure(err) !== 'full' && sqliteFailure(err) !== 'busy') throw err;
  }
}

/** The next checkpoint a little earlier or later, by what this one took. On a slow disk syncs are most of it, and earlier would only make more of them. */
function pace(tookMs: number): void {
  const { min, max } = CHECKPOINT_PAGES;
  const rate = tookMs > Math.max(CHECKPOINT_MS, CHECKPOINT_COMMITS * commitMs) ? 0.8 : 1.1;
  checkpointAtPages = Math.min(max, Math.max(min, Math.round(checkpointAtPages * rate)));
}

function drainPort(): void {
  for (let m = receiveMessageOnPort(port!); m !== undefined; m = receiveMessageOnPort(port!))
    enqueue(m.message);
}

function enqueue(message: ToThread): void {
  if (message === 'close') closing = true;
  else for (const posted of message) turns.add(posted);
}

function flush(db: Database, operations: Operations<Record<string, Op>>): void {
  try {
    drainPort();
    while (!turns.idle()) {
      // Nothing is acknowledged after a sync that failed.
      stateBeside();
      const batch: Posted[] = [];
      const answers = commitBatch(db, operations, batch);
      const { value, moved } = pack(answers);
      port?.postMessage({ kind: 'answers', answers: value }, moved === undefined ? [] : [moved]);
      // The database has them, and answers are copies. Left to V8, up to 64 MiB of them would lie here.
      for (const posted of batch) if (posted[5]) releaseBytes(new Uint8Array(posted[5]));
      checkpoint(db);
      // What arrived during the fsync makes the next batch: the slower the disk, the larger the batch.
      drainPort();
    }
    if (closing) {
      beside?.close();
      // The last connection that closes makes a checkpoint too, and removes the WAL: not after one that failed.
      stateBeside();
      db.close();
      port?.close();
    }
  } catch (err) {
    die(err);
  }
}

function die(err: unknown): void {
  dead = true;
  post({ kind: 'fatal', said: err instanceof Error ? (err.stack ?? err.message) : String(err) });
}

try {
  if (start.crash !== undefined) armCrash(start.crash.name, start.crash.nth);
  const db = openDatabase(start.path);
  // 0: see checkpoint(). The limit gives the space back after a burst; without it the WAL file keeps its largest size.
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864');
  const module = (await import(start.operations)) as {
    operations(db: Database, context: unknown): Operations<Record<string, Op>>;
  };
  const operations = module.operations(db, start.context);
  if (start.checkpointsBeside) beside = createCheckpointer(start.path, die);
  port.on('message', (message: ToThread) => {
    if (dead) return;
    enqueue(message);
    flush(db, operations);
  });
  post({ kind: 'ready' });
} catch (err) {
  post({ kind: 'refused', failure: failureOf(err) });
  port.close();
}
