// Ring 1 (protocol/node) with real disks, threads, sockets and TLS.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import t, { type Test } from 'tap';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { backoffMs, manualClock, slowStart, systemClock } from '../protocol/node/clock.ts';
import { loadConfig } from '../protocol/node/config.ts';
import { controlRequest, controlStream, isRunning, serveControl } from '../protocol/node/control.ts';
import { armedCrash, crashPoint } from '../protocol/node/crash.ts';
import * as durable from '../protocol/node/durable.ts';
import { fairQueue, inSlices } from '../protocol/node/fair-queue.ts';
import { createHttpClient, readBounded } from '../protocol/node/http-client.ts';
import { createServer, type ServerOptions } from '../protocol/node/http-server.ts';
import { lockDir } from '../protocol/node/lock.ts';
import { createLogger, loggerOver } from '../protocol/node/logger.ts';
import { loopTurns } from '../protocol/node/loop-turns.ts';
import { rateLimit } from '../protocol/node/rate-limit.ts';
import { lent, releaseBytes } from '../protocol/node/release.ts';
import { DurableJSON, openSettings } from '../protocol/node/settings.ts';
import { backupTo, integrityCheck, migrate, openDatabase, schemaVersion } from '../protocol/node/sqlite.ts';
import { startWorker } from '../protocol/node/worker.ts';
import { type Posted, startWriter, type WriterOptions } from '../protocol/node/writer.ts';
import { writerTurns } from '../protocol/node/writer-turns.ts';
import type { Ops } from './fixtures/writer-ops.ts';

const opsUrl = new URL('./fixtures/writer-ops.ts', import.meta.url);
const childPath = new URL('./fixtures/writer-child.ts', import.meta.url).pathname;
const log = createLogger({ level: 'silent', clock: systemClock, program: 'test' });
const turn = () => new Promise((resolve) => setImmediate(resolve));

function code(wanted: string) {
  return (err: unknown) => isExchangeError(err) && err.code === wanted;
}
async function rejectsWith(t: Test, promise: Promise<unknown>, wanted: string): Promise<ExchangeError> {
  const err = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  t.ok(code(wanted)(err), `rejects with ${wanted}, got ${err}`);
  return err as ExchangeError;
}
function throwsWith(t: Test, call: () => unknown, wanted: string): ExchangeError {
  try {
    call();
  } catch (err) {
    t.ok(code(wanted)(err), `throws ${wanted}, got ${err}`);
    return err as ExchangeError;
  }
  t.fail(`throws ${wanted}`);
  throw new Error('unreachable');
}

t.test('buffers that are given back', async (t) => {
  await t.test(
    'a buffer of its own is freed; a slice of a larger one, and what it lies in, stay',
    async (t) => {
      const own = Buffer.alloc(50_000, 1);
      const part = own.subarray(10, 20);
      releaseBytes(part);
      t.equal(part[0], 1);
      releaseBytes(own);
      releaseBytes(own);
      t.same([own.length, part.length], [0, 0], 'a reader that kept it finds nothing, not other bytes');
      const ofSlab = Buffer.from('a digest');
      releaseBytes(ofSlab);
      t.equal(ofSlab.toString(), 'a digest');
    },
  );
  await t.test('usual documents do not share a slab', async (t) => {
    t.equal(Buffer.allocUnsafe(10_000).buffer.byteLength, 10_000);
    t.equal(Buffer.from('a'.repeat(13_336), 'base64').buffer.byteLength, 10_002);
  });
  await t.test(
    'a lent piece is whole until the next is asked for; the source is closed when its taker stops',
    async (t) => {
      const pieces = [Buffer.alloc(9_000, 1), Buffer.alloc(9_000, 2), Buffer.alloc(9_000, 3)];
      let closed = false;
      async function* source() {
        try {
          yield* pieces;
        } finally {
          closed = true;
        }
      }
      const seen: number[] = [];
      for await (const piece of lent(source())) {
        seen.push(piece.length, piece[8_999]!);
        if (seen.length === 4) break;
      }
      t.same(seen, [9_000, 1, 9_000, 2]);
      t.same([pieces[0]!.length, pieces[2]!.length, closed], [0, 9_000, true]);
    },
  );
});

t.test('durable files', async (t) => {
  const dir = t.testdir();
  await t.test('a written file has its bytes, its exact mode, and leaves no temporary behind', async (t) => {
    durable.writeFileDurable(join(dir, 'a'), 'one', { mode: 0o640 });
    await durable.writeFileDurableAsync(join(dir, 'a'), Buffer.from('two'), { mode: 0o644 });
    t.equal(fs.readFileSync(join(dir, 'a'), 'utf8'), 'two');
    t.equal(fs.statSync(join(dir, 'a')).mode & 0o777, 0o644);
    t.same(fs.readdirSync(dir), ['a']);
  });
  await t.test('replace: false never overwrites, sync and async', async (t) => {
    t.throws(() => durable.writeFileDurable(join(dir, 'a'), 'three', { replace: false }), { code: 'EEXIST' });
    await t.rejects(durable.writeFileDurableAsync(join(dir, 'a'), 'three', { replace: false }), {
      code: 'EEXIST',
    });
    t.equal(fs.readFileSync(join(dir, 'a'), 'utf8'), 'two');
    t.same(fs.readdirSync(dir), ['a']);
  });
  await t.test('folders are made with their parents and removal is idempotent', async (t) => {
    durable.makeDirDurable(join(dir, 'x/y/z'), 0o750);
    durable.makeDirDurable(join(dir, 'x/y/z'), 0o700);
    t.equal(fs.statSync(join(dir, 'x/y/z')).mode & 0o777, 0o750);
    durable.removeDurable(join(dir, 'a'));
    durable.removeDurable(join(dir, 'a'));
    await durable.removeDurableAsync(join(dir, 'a'));
    t.notOk(fs.existsSync(join(dir, 'a')));
  });
  await t.test('a failed fsync is named, is left in place, and ends the process at once', async (t) => {
    // Pipes cannot be synced: the kernel answers EINVAL, as a broken disk answers EIO.
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const holder = fs.openSync(join(dir, 'fifo'), 'r+');
    t.throws(() => durable.syncFile(join(dir, 'fifo')), durable.FailedSync);
    await t.rejects(durable.syncFileAsync(join(dir, 'fifo')), durable.FailedSync);
    fs.closeSync(holder);
    const script = `
      import { crashOnFailedSync, FailedSync } from ${JSON.stringify(new URL('../protocol/node/durable.ts', import.meta.url).href)};
      process.on('exit', () => console.log('exit hook'));
      crashOnFailedSync(new Error('harmless'));
      console.log('goes on');
      crashOnFailedSync(new Error('outer', { cause: new FailedSync('/x', { cause: new Error('EIO') }) }));
      console.log('acknowledged');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = await text(child.stdout);
    t.match(out, /goes on/);
    t.notMatch(out, /acknowledged/);
    t.equal(await exitOf(child), durable.FAILED_SYNC_EXIT);
  });
});

async function text(stream: Readable): Promise<string> {
  return Buffer.from(await readBounded(stream, 1e8)).toString('utf8');
}
function exitOf(child: import('node:child_process').ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve) => child.once('exit', (status, signal) => resolve(status ?? signal)));
}

t.test('time', async (t) => {
  await t.test(
    'a manual clock wakes sleepers in order, also those that sleep again, and on abort',
    async (t) => {
      const clock = manualClock(1000);
      const woken: string[] = [];
      const stop = new AbortController();
      void clock.sleep(20).then(() => woken.push('b'));
      void clock.sleep(10).then(async () => {
        woken.push('a');
        await clock.sleep(5);
        woken.push(`again at ${clock.nowMs()}`);
      });
      void clock.sleep(1e9, stop.signal).then(() => woken.push('aborted'));
      await clock.advance(15);
      t.same(woken, ['a', 'again at 1015']);
      await clock.advance(15);
      stop.abort();
      await turn();
      t.same(woken, ['a', 'again at 1015', 'b', 'aborted']);
      t.equal(clock.sleepers(), 0);
    },
  );
  await t.test('the system clock sleeps, and an abort ends the sleep without an error', async () => {
    await systemClock.sleep(1);
    await systemClock.sleep(1e12, AbortSignal.timeout(5));
  });
  await t.test('back-off grows with age, is bounded and spread over half to all', async (t) => {
    const hour = 3_600_000;
    t.same(
      [0, 8_000, 60_000, hour, 100 * hour].map((age) => backoffMs(age, () => 0.999999)),
      [1000, 2000, 15_000, 900_000, 900_000],
    );
    t.equal(
      backoffMs(hour, () => 0),
      450_000,
    );
  });
  await t.test('slow start falls to one and doubles back', async (t) => {
    const window = slowStart(8);
    window.failed();
    const seen = [window.permitted()];
    for (let round = 0; round < 3; round += 1) {
      for (let n = window.permitted(); n > 0; n -= 1) window.succeeded();
      seen.push(window.permitted());
    }
    t.same(seen, [1, 2, 4, 8]);
  });
  await t.test('crash points do nothing unless armed', async (t) => {
    t.equal(armedCrash(), undefined);
    crashPoint('accept.9');
  });
});

t.test('sqlite', async (t) => {
  const path = join(t.testdir(), 'a.sqlite');
  const steps = [
    { version: 1, name: 'first', sql: 'CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT) STRICT' },
    { version: 2, name: 'second', sql: 'ALTER TABLE a ADD COLUMN w BLOB' },
  ];
  await t.test('a missing database is an error that names the command', async (t) => {
    const err = throwsWith(t, () => openDatabase(path, { init: 'lienthong hub init' }), 'dir-missing');
    t.match(err.detail, /run "lienthong hub init" first/);
    t.notOk(fs.existsSync(path));
  });
  const db = openDatabase(path, { create: true });
  t.teardown(() => db.close());
  await t.test('the pragmas hold and the files are ours alone', async (t) => {
    migrate(db, steps.slice(0, 1));
    t.match(db.get('PRAGMA journal_mode'), { journal_mode: 'wal' });
    t.match(db.get('PRAGMA synchronous'), { synchronous: 2 });
    t.match(db.get('PRAGMA foreign_keys'), { foreign_keys: 1 });
    t.match(db.get('PRAGMA trusted_schema'), { trusted_schema: 0 });
    for (const f of ['', '-wal', '-shm']) t.equal(fs.statSync(path + f).mode & 0o777, 0o600);
  });
  await t.test(
    'migrations run once, forward only; a failing one leaves nothing; a newer schema is refused',
    async (t) => {
      t.equal(migrate(db, steps), 2);
      t.equal(migrate(db, steps), 2);
      const broken = { version: 3, name: 'broken', sql: 'CREATE TABLE c (id INTEGER) STRICT; NOT SQL' };
      t.throws(() => migrate(db, [...steps, broken]));
      t.equal(schemaVersion(db), 2);
      t.equal(db.get("SELECT 1 FROM sqlite_schema WHERE name = 'c'"), undefined);
      t.match(
        throwsWith(t, () => migrate(db, steps.slice(0, 1)), 'schema-newer').detail,
        /schema 2, this program knows 1/,
      );
    },
  );
  await t.test('a transaction that throws changes nothing', async (t) => {
    t.throws(() =>
      db.transaction(() => {
        db.run('INSERT INTO a (v) VALUES (?)', 'x');
        throw new Error('no');
      }),
    );
    t.same([...db.each('SELECT * FROM a')], []);
  });
  await t.test('a read-only connection sees commits and cannot write', async (t) => {
    const reader = openDatabase(path, { readOnly: true });
    db.run('INSERT INTO a (v) VALUES (?)', 'x');
    t.equal(reader.all('SELECT * FROM a').length, 1);
    t.throws(() => reader.run('DELETE FROM a'));
    reader.close();
    reader.close();
  });
  await t.test('a backup taken in use is one sound file; damage is seen', async (t) => {
    const copy = `${path}.backup`;
    await backupTo(db, copy);
    t.notOk(fs.existsSync(`${copy}.partial`));
    t.notOk(fs.existsSync(`${copy}-wal`));
    const opened = openDatabase(copy);
    t.same(integrityCheck(opened), []);
    t.equal(opened.all('SELECT * FROM a').length, 1);
    opened.close();
    fs.writeFileSync(
      copy,
      'this is not a database, whatever its name is; it is text, long enough to be read as a header of one hundred bytes',
    );
    throwsWith(t, () => openDatabase(copy), 'store-damaged');
  });
});

function newWriter(t: Test, options: Partial<WriterOptions> = {}) {
  const path = join(t.testdir(), 'w.sqlite');
  openDatabase(path, { create: true }).close();
  return { path, starting: startWriter<Ops>({ path, operations: opsUrl, ...options }) };
}

t.test('the writer', async (t) => {
  await t.test(
    'a run resolves after its commit, results amended by beforeCommit, many in one batch',
    async (t) => {
      const { path, starting } = newWriter(t);
      const writer = await starting;
      const held = writer.run('slow', { ms: 30 });
      await turn();
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, i) => writer.run('put', { id: i + 1 })),
      );
      t.equal(await held, 'slept');
      t.ok(results.every((r, i) => r.id === i + 1 && r.batchOf > 1));
      const reader = openDatabase(path, { readOnly: true });
      t.match(reader.get('SELECT count(*) AS n FROM row'), { n: 100 });
      reader.close();
      t.ok(writer.stats().batches < 20 && writer.stats().queued === 0 && writer.stats().queuedBytes === 0);
      await writer.close();
      await rejectsWith(t, writer.run('put', { id: 1 }), 'shutting-down');
    },
  );
  await t.test(
    'bytes of arguments are gone after their batch, in the caller whole, in answers whole',
    async (t) => {
      const { starting } = newWriter(t);
      const writer = await starting;
      const bytes = Buffer.alloc(20_000, 7);
      for (const _ of [1, 2, 3]) {
        const { before, same } = await writer.run('keep', { bytes });
        t.equal(before, 0);
        t.equal(Buffer.compare(same, bytes), 0);
      }
      t.equal(bytes.length, 20_000);
      await writer.close();
    },
  );
  await t.test(
    'one key that queues a thousand ops stands before another by the batch that runs',
    async (t) => {
      const { starting } = newWriter(t, {
        keyOf: (_name, { id }: { id: number }) => (id > 10_000 ? 'b' : 'a'),
      });
      const writer = await starting;
      let ofA = 0;
      const many = Array.from({ length: 1000 }, (_, i) =>
        writer.run('put', { id: i + 1 }).then(() => {
          ofA += 1;
        }),
      );
      await turn();
      const before = await writer.run('put', { id: 10_001 }).then(() => ofA);
      t.ok(before < 1000 / 3, `${before} of the thousand went before`);
      await Promise.all(many);
      await writer.close();
    },
  );
  await t.test('an op of a quiet key is in the batch that runs, and ends it', async (t) => {
    const { starting } = newWriter(t, { keyOf: (_name, { ms }: { ms?: number }) => (ms ? 'busy' : 'quiet') });
    const writer = await starting;
    // A batch of 30 ms each, until the key counts as busy.
    const slow = () => writer.run('slow', { ms: 10 });
    await Promise.all(Array.from({ length: 6 }, slow));
    let done = 0;
    const many = Array.from({ length: 60 }, () => slow().then(() => done++));
    await many[0];
    await writer.run('put', { id: 1 });
    t.ok(done < 20, `${done} of sixty before it`);
    await Promise.all(many);
    await writer.close();
  });
  await t.test('many quiet keys that want the thread all the time leave a busy one its part', (t) => {
    let nowMs = 0;
    const turns = writerTurns(() => nowMs);
    const posted = (key: string): Posted => [0, 'op', null, 1, key, undefined];
    turns.took('busy', 5000);
    for (const key of ['busy', 'busy', '']) turns.add(posted(key));
    const served: string[] = [];
    // Whatever is served, two more of keys that nobody saw before have come meanwhile.
    let came = 0;
    const arrivals = () => {
      for (let i = 0; i < 2; i++) turns.add(posted(`quiet ${came++}`));
    };
    for (let batch = 0; batch < 40; batch++)
      for (const [, , , , key] of turns.batch(
        { opsMax: 256, bytesMax: 1e6, commitMs: 0.5, afterEachMs: 0 },
        arrivals,
      )) {
        served.push(key);
        nowMs += 2;
        turns.took(key, 2);
      }
    t.same(
      served.filter((key) => !key.startsWith('quiet')),
      ['busy', '', 'busy'],
      'also what the program does by itself',
    );
    t.ok(served.indexOf('busy') <= 8 && served.lastIndexOf('busy') <= 26);
    t.end();
  });
  await t.test('an op that throws is undone alone and typed; the rest of its batch commits', async (t) => {
    const { path, starting } = newWriter(t);
    const writer = await starting;
    const held = writer.run('slow', { ms: 30 });
    await turn();
    const [first, refused, faulty, unknown, constraint, last] = await Promise.allSettled([
      writer.run('put', { id: 1 }),
      writer.run('putThenRefuse', { id: 2 }),
      writer.run('fault', null),
      writer.run('toString' as 'fault', null),
      writer.run('put', { id: 1 }),
      writer.run('put', { id: 3 }),
    ]);
    await held;
    t.match([first.status, last.status], ['fulfilled', 'fulfilled']);
    t.match(refused, { reason: { code: 'duplicate-conflict', detail: 'row 2', retryAfterMs: 7 } });
    t.ok(refused.status === 'rejected' && refused.reason instanceof ExchangeError);
    for (const bad of [faulty, unknown, constraint])
      t.match(bad, { reason: { code: 'internal', detail: '' } });
    t.match(faulty, { reason: { cause: { message: /a fault of ours/ } } });
    await writer.close();
    const db = openDatabase(path);
    t.same(
      db.all<{ id: number }>('SELECT id FROM row').map((r) => r.id),
      [1, 3],
    );
    db.close();
  });
  await t.test('a beforeCommit that throws fails its whole batch and no other', async (t) => {
    const { path, starting } = newWriter(t);
    const writer = await starting;
    const [put, poison] = await Promise.allSettled([
      writer.run('put', { id: 1 }),
      writer.run('poisonBatch', null),
    ]);
    t.match(put, { reason: { code: 'not-ready', detail: 'no signing key' } });
    t.match(poison, { reason: { code: 'not-ready' } });
    t.match(await writer.run('put', { id: 2 }), { id: 2, batchOf: 1 });
    await writer.close();
    const db = openDatabase(path);
    t.same(
      db.all<{ id: number }>('SELECT id FROM row').map((r) => r.id),
      [2],
    );
    db.close();
  });
  await t.test(
    'the queue is bounded in ops and in bytes; over it runs are refused and the rest commits',
    async (t) => {
      const writer = await newWriter(t, { maxQueued: 10 }).starting;
      const runs = await Promise.allSettled(
        Array.from({ length: 15 }, (_, i) => writer.run('put', { id: i })),
      );
      t.equal(runs.filter((r) => r.status === 'fulfilled').length, 10);
      t.match(runs.at(-1), { reason: { code: 'overloaded', retryAfterMs: 500 } });
      await writer.close();
      const small = await newWriter(t, { maxQueuedBytes: 5000 }).starting;
      const kept = small.run('put', { id: 1, body: new Uint8Array(4000) });
      await rejectsWith(t, small.run('put', { id: 2, body: new Uint8Array(4000) }), 'overloaded');
      await kept;
      await small.run('put', { id: 2, body: new Uint8Array(4000) });
      await small.close();
    },
  );
  await t.test('a slice of a large buffer arrives as itself and does not carry the rest along', async (t) => {
    const { path, starting } = newWriter(t);
    const writer = await starting;
    await writer.run('put', { id: 1, body: Buffer.alloc(4 << 20, 5).subarray(100, 200) });
    await writer.close();
    const db = openDatabase(path);
    t.match(db.get('SELECT length(body) AS n FROM row'), { n: 100 });
    db.close();
  });
  await t.test('it refuses to start on a missing database, and close commits what is queued', async (t) => {
    await rejectsWith(
      t,
      startWriter<Ops>({ path: join(t.testdir(), 'none.sqlite'), operations: opsUrl }),
      'dir-missing',
    );
    const writer = await newWriter(t).starting;
    const put = writer.run('put', { id: 1 });
    await writer.close();
    t.equal((await put).id, 1);
  });
  for (const checkpointsBeside of [false, true])
    await t.test(
      `the WAL stays bounded under a stream of writes, checkpoints ${checkpointsBeside ? 'beside' : 'in'} the thread`,
      async (t) => {
        const { path, starting } = newWriter(t, { checkpointsBeside });
        const writer = await starting;
        let id = 0;
        const lane = async () => {
          while (id < 4000) await writer.run('put', { id: ++id, body: new Uint8Array(20_000) });
        };
        await Promise.all(Array.from({ length: 64 }, lane));
        t.ok(fs.statSync(`${path}-wal`).size < 64 << 20, `${fs.statSync(`${path}-wal`).size} bytes`);
        t.ok(fs.statSync(path).size > 16 << 20, 'what is committed comes into the file');
        await writer.close();
        const db = openDatabase(path);
        t.same(integrityCheck(db), []);
        t.match(db.get('SELECT count(*) AS n, max(id) AS last FROM row'), { n: 4000, last: 4000 });
        db.close();
      },
    );
  await t.test('a thread for checkpoints that cannot be had leaves them to the writer', async (t) => {
    const { path, starting } = newWriter(t, { checkpointsBeside: true });
    const writer = await starting;
    await writer.run('put', { id: 1 });
    // The writer has it open; whoever opens it now finds a folder: SQLITE_CANTOPEN.
    fs.renameSync(path, `${path}.moved`);
    fs.mkdirSync(path);
    let id = 1;
    const lane = async () => {
      while (id < 2000) await writer.run('put', { id: ++id, body: new Uint8Array(20_000) });
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    t.ok(fs.statSync(`${path}.moved`).size > 16 << 20, 'what is committed comes into the file');
    await writer.close();
    fs.rmdirSync(path);
    fs.renameSync(`${path}.moved`, path);
    const db = openDatabase(path);
    t.match(db.get('SELECT count(*) AS n FROM row'), { n: id });
    t.same(integrityCheck(db), []);
    db.close();
  });
  await t.test('a failed fsync is fatal: nothing of the batch is acknowledged or kept', async (t) => {
    let fatal: Error | undefined;
    const { path, starting } = newWriter(t, {
      onFatal: (err) => {
        fatal = err;
      },
    });
    const writer = await starting;
    await writer.run('put', { id: 1 });
    const [put, sync] = await Promise.allSettled([
      writer.run('put', { id: 2 }),
      writer.run('failSync', null),
    ]);
    t.match(put, { reason: { code: 'disk-failed' } });
    t.match(sync, { reason: { code: 'disk-failed' } });
    t.match(fatal, { message: /FailedSync/ });
    await rejectsWith(t, writer.run('put', { id: 3 }), 'disk-failed');
    await writer.close();
    const db = openDatabase(path);
    t.same(
      db.all<{ id: number }>('SELECT id FROM row').map((r) => r.id),
      [1],
    );
    db.close();
  });
});

t.test('SIGKILL of the process keeps every acknowledged row', async (t) => {
  // From outside at a random moment, also with checkpoints beside the thread, and at each named point of the thread (the 20th batch).
  for (const crash of ['', 'beside', 'writer.1', 'writer.2', 'writer.3']) {
    const path = join(t.testdir(), `k${crash}.sqlite`);
    openDatabase(path, { create: true }).close();
    const how = crash === 'beside' ? ['', crash] : [crash];
    const child = spawn(process.execPath, [childPath, path, ...how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (!crash.startsWith('writer') && out.length > 5000) child.kill('SIGKILL');
    });
    const ended = new Promise((resolve) => child.stdout.once('close', resolve));
    t.equal(await exitOf(child), 'SIGKILL');
    await ended;
    acknowledgedAreKept(t, path, out);
  }
});

t.test('a sync that fails in the thread beside ends the process, and loses nothing', async (t) => {
  if (spawnSync('strace', ['-V']).status !== 0) {
    t.comment('skipped: strace is not installed (package strace)');
    return;
  }
  const path = join(t.testdir(), 'failing.sqlite');
  const trace = join(t.testdirName, 'trace');
  openDatabase(path, { create: true }).close();
  // Commits sync the log only: the first sync of the file itself is that of a checkpoint, of the writer if it committed before the one beside was through.
  const strace = ['-f', '-qq', '--seccomp-bpf', '-o', trace, '-P', path, '-e', 'trace=fsync,fdatasync'];
  const command = [process.execPath, childPath, path, '', 'pauses'];
  const child = spawn('strace', [...strace, '-e', 'inject=fsync,fdatasync:error=EIO', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = Promise.all([child.stdout, child.stderr].map((pipe) => once(pipe, 'close')));
  t.equal(await exitOf(child), durable.FAILED_SYNC_EXIT);
  await ended;
  t.match(said, /disk\.writer-died.*(checkpoint: SQLite's error 1034|disk I\/O error)/, 'SQLITE_IOERR_FSYNC');
  const failed = fs.readFileSync(trace, 'utf8').split('INJECTED').length - 1;
  t.equal(failed, 1, 'nobody tries it again, and the log stays');
  t.ok(fs.statSync(`${path}-wal`).size > 0);
  acknowledgedAreKept(t, path, out);
});

/** The last line may be torn: only lines with their end count as acknowledged. */
function acknowledgedAreKept(t: Test, path: string, out: string): void {
  const acknowledged = out.split('\n').slice(0, -1).map(Number);
  const db = openDatabase(path);
  const stored = new Set(db.all<{ id: number }>('SELECT id FROM row').map((r) => r.id));
  t.ok(acknowledged.length > 50, `${acknowledged.length} acknowledged`);
  t.same(
    acknowledged.filter((id) => !stored.has(id)),
    [],
    'nothing lost',
  );
  t.same(integrityCheck(db), []);
  db.close();
}

t.test('one process for each folder', async (t) => {
  const dir = t.testdir();
  throwsWith(t, () => lockDir(join(dir, 'none')), 'dir-missing');
  const lock = lockDir(dir);
  t.match(throwsWith(t, () => lockDir(dir), 'dir-in-use').detail, new RegExp(`process ${process.pid} `));
  lock.release();
  lock.release();
  const script = `
    import { lockDir } from ${JSON.stringify(new URL('../protocol/node/lock.ts', import.meta.url).href)};
    globalThis.kept = lockDir(${JSON.stringify(dir)});
    console.log('held');
    setInterval(() => globalThis.kept, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  t.match(throwsWith(t, () => lockDir(dir), 'dir-in-use').detail, new RegExp(`process ${child.pid} `));
  child.kill('SIGKILL');
  await exitOf(child);
  lockDir(dir).release();
  t.pass('the lock of a killed process is free at once');
});

t.test('the control socket', async (t) => {
  for (const [name, dir] of [
    ['a short path', t.testdir()],
    ['a path over 107 bytes', join(t.testdir(), 'd'.repeat(120))],
  ] as const) {
    await t.test(`commands and streams reach the running process over ${name}`, async (t) => {
      fs.mkdirSync(dir, { recursive: true });
      t.equal(await isRunning(dir), false);
      await rejectsWith(t, controlRequest(dir, 'GET', '/status'), 'not-running');
      // What a killed process leaves.
      fs.writeFileSync(join(dir, 'control.sock'), '');
      const { app } = createServer({ log, bodyLimitBytes: 1000, streamTypes: ['application/octet-stream'] });
      app.post('/echo', async (request) => ({ got: request.body }));
      app.post('/stream', { bodyLimit: 1e9 }, async (request, reply) => {
        reply.type('application/octet-stream');
        return request.body as Readable;
      });
      // A command that stops in the middle does not keep the program. (Plain connect takes short paths only.)
      if (Buffer.byteLength(join(dir, 'control.sock')) <= 107) {
        const half = await serveControl(dir, createServer({ log, bodyLimitBytes: 1000 }).app);
        const asking = net.connect(join(dir, 'control.sock')).resume();
        asking.write('GET /status HTTP/1.1\r\n');
        await once(asking, 'connect');
        await Promise.all([once(asking, 'close'), half.close(50)]);
      }
      const control = await serveControl(dir, app);
      t.equal(fs.statSync(join(dir, 'control.sock')).mode & 0o777, 0o600);
      t.equal(await isRunning(dir), true);
      t.same(await controlRequest(dir, 'POST', '/echo', { body: { a: 1 } }), {
        status: 200,
        body: { got: { a: 1 } },
      });
      await rejectsWith(t, controlRequest(dir, 'GET', '/nothing'), 'not-found');
      const big = Buffer.alloc(3 << 20, 9);
      const back = await controlStream(
        dir,
        {
          method: 'POST',
          path: '/stream',
          headers: { 'content-type': 'application/octet-stream' },
          body: Readable.from([big]),
        },
        (answer) => readBounded(answer.body, 1e9),
      );
      t.ok(big.equals(back));
      await control.close();
      t.equal(await isRunning(dir), false);
      t.notOk(fs.existsSync(join(dir, 'control.sock')));
    });
  }
});

t.test('the log', async (t) => {
  const sink = new PassThrough();
  const own = loggerOver(sink, { level: 'info', clock: manualClock(0), program: 'hub' });
  own.debug({ event: 'link.up' });
  own.child({ requestId: 'r1' }).warn(
    {
      event: 'peer.refused',
      said: `${'x'.repeat(1000)}`,
      password: 'p',
      peer: { token: 'q' },
      err: new ExchangeError('peer-unknown', 'y'.repeat(900)),
    },
    'refused',
  );
  const lines = String(sink.read()).trim().split('\n');
  t.equal(lines.length, 1);
  const line = JSON.parse(lines[0]!);
  t.match(line, {
    level: 'warn',
    event: 'peer.refused',
    requestId: 'r1',
    program: 'hub',
    time: '1970-01-01T00:00:00.000Z',
  });
  t.ok(line.said.length < 310 && line.err.said.length < 310);
  t.match(line.err, { code: 'peer-unknown' });
  t.match([line.password, line.peer.token], ['[redacted]', '[redacted]']);
  const file = join(t.testdir(), 'log');
  const toFile = createLogger({ level: 'info', clock: systemClock, program: 'node', to: file });
  toFile.error({ event: 'program.started', pid: 1 });
  toFile.flush();
  t.match(JSON.parse(fs.readFileSync(file, 'utf8')), { level: 'error', event: 'program.started', pid: 1 });
});

t.test('configuration', async (t) => {
  const dir = t.testdir({
    'secret.key': 'k',
    'ok.json': '{"hub":{"port":1},"key":"secret.key"}',
    'bad.json': '{"hub":{"port":"1","x":1},"mode":"c"}',
    'not.json': '{',
  });
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['hub', 'key'],
    properties: {
      hub: {
        type: 'object',
        additionalProperties: false,
        properties: { port: { type: 'integer' }, host: { type: 'string' } },
      },
      mode: { enum: ['a', 'b'] },
      key: { type: 'string', format: 'secret-path' },
    },
  };
  const load = (name: string) =>
    loadConfig<{ hub: { port: number; host: string }; key: string }>(join(dir, name), schema, {
      hub: { host: 'h' },
    });
  fs.chmodSync(join(dir, 'secret.key'), 0o644);
  throwsWith(t, () => load('ok.json'), 'key-file-loose');
  fs.chmodSync(join(dir, 'secret.key'), 0o600);
  const config = load('ok.json');
  t.same(config, { hub: { host: 'h', port: 1 }, key: join(dir, 'secret.key') });
  t.ok(Object.isFrozen(config.hub));
  const { detail } = throwsWith(t, () => load('bad.json'), 'config-invalid');
  for (const part of [
    '/hub/port: must be integer, found "1"',
    '/hub: unknown key "x"',
    '(a, b), found "c"',
    'missing key "key"',
  ]) {
    t.ok(detail.includes(part), `${detail} names ${part}`);
  }
  throwsWith(t, () => load('not.json'), 'config-invalid');
  throwsWith(t, () => load('none.json'), 'dir-missing');
});

t.test('settings survive, in order, and a hand edit that breaks them is named', async (t) => {
  const file = join(t.testdir(), 'settings.json');
  const check = (v: unknown) => {
    if ((v as { n: number }).n > 100) throw new ExchangeError('config-invalid', 'n');
  };
  const settings = await openSettings(file, { n: 0, name: 'a' }, check);
  await Promise.all(
    Array.from({ length: 50 }, () => settings.update((s) => Object.assign(s, { n: s.n + 1 }))),
  );
  await rejectsWith(
    t,
    settings.update((s) => Object.assign(s, { n: 101 })),
    'config-invalid',
  );
  t.same((await openSettings(file, { n: 0, name: 'b', more: true }, check)).current(), {
    n: 50,
    name: 'a',
    more: true,
  });
  fs.writeFileSync(file, '{');
  await rejectsWith(t, new DurableJSON(file).read(), 'config-invalid');
});

t.test('a worker', async (t) => {
  await t.test('does what there is, rests, and a nudge is never lost', async (t) => {
    const clock = manualClock(0);
    const work = [1, 2, 3];
    const seen: number[] = [];
    const worker = startWorker({
      clock,
      random: () => 0.5,
      idleMs: 1000,
      concurrency: 2,
      onError: (err) => t.fail(String(err)),
      step: async () => {
        const item = work.shift();
        await turn();
        if (item === undefined) return 'idle';
        seen.push(item);
        if (item === 3) {
          work.push(4);
          worker.nudge();
        }
        return 'more';
      },
    });
    await worker.drain();
    t.same(seen.sort(), [1, 2, 3, 4]);
    work.push(5);
    await clock.advance(1000);
    await worker.drain();
    t.ok(seen.includes(5));
    await worker.stop();
    await worker.stop();
  });
  await t.test(
    'backs off by age on errors, honours retryAfterMs, and an operator may cut the wait',
    async (t) => {
      const clock = manualClock(0);
      const waits: number[] = [];
      let steps = 0;
      const worker = startWorker({
        clock,
        random: () => 0,
        idleMs: 1e9,
        onError: (_err, waitMs) => waits.push(waitMs),
        step: async () => {
          steps += 1;
          throw new ExchangeError('overloaded', '', steps === 1 ? { retryAfterMs: 60_000 } : {});
        },
      });
      await worker.drain();
      await clock.advance(60_000);
      t.same(waits, [60_000, 7500]);
      worker.nudge();
      await turn();
      t.equal(steps, 2, 'an ordinary nudge waits');
      worker.nudge({ now: true });
      await turn();
      t.equal(steps, 3);
      await worker.stop();
    },
  );
  await t.test('stop aborts the running step and waits for it', async (t) => {
    let ended = false;
    const worker = startWorker({
      clock: systemClock,
      random: () => 0,
      idleMs: 1000,
      onError: () => t.fail('an abort is no error'),
      step: async (signal) => {
        await systemClock.sleep(1e6, signal);
        ended = true;
        return 'idle';
      },
    });
    await turn();
    await worker.stop();
    t.ok(ended);
  });
});

t.test('a fair queue', async (t) => {
  const queue = fairQueue({
    concurrency: 2,
    perKeyConcurrency: 1,
    length: 6,
    perKeyLength: 4,
    retryAfterMs: 9,
  });
  const order: string[] = [];
  const gates: (() => void)[] = [];
  const task = (name: string) => () => {
    order.push(name);
    return new Promise<string>((resolve) => gates.push(() => resolve(name)));
  };
  const running = ['a1', 'a2', 'a3', 'a4', 'a5'].map((n) => queue.run('a', task(n)));
  t.match(await rejectsWith(t, queue.run('a', task('a6')), 'rate-limited'), { retryAfterMs: 9 });
  running.push(queue.run('b', task('b1')), queue.run('c', task('c1')));
  const leaving = new AbortController();
  const left = queue.run('d', task('d1'), leaving.signal);
  await rejectsWith(t, queue.run('e', task('e1')), 'overloaded');
  leaving.abort(new Error('gone'));
  await t.rejects(left, { message: 'gone' });
  await turn();
  t.same(order, ['a1', 'b1'], 'one of each key runs');
  while (gates.length > 0) {
    gates.shift()?.();
    await turn();
  }
  t.same(await Promise.all(running), ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1']);
  t.same(
    order.slice(0, 4),
    ['a1', 'b1', 'c1', 'a2'].sort((x, y) => order.indexOf(x) - order.indexOf(y)),
  );
  t.ok(order.indexOf('c1') < order.indexOf('a3'), 'the newcomer goes before the backlog');
  await t.rejects(
    queue.run('a', () => Promise.reject(new Error('task'))),
    { message: 'task' },
  );
  t.same(queue.stats(), { running: 0, waiting: 0, keys: 0 });
});

t.test('a batch takes its turns slice by slice, and is turned away whole or not at all', async (t) => {
  const queue = fairQueue({
    concurrency: 1,
    perKeyConcurrency: 1,
    length: 3,
    perKeyLength: 2,
    retryAfterMs: 9,
  });
  const order: string[] = [];
  const judged = (key: string) => async (n: number) => {
    order.push(`${key}${n}`);
    await turn();
    return n * 2;
  };
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  const [large, small] = await Promise.all([
    inSlices(queue, 'a', numbers, judged('a')),
    inSlices(queue, 'b', [0], judged('b')),
  ]);
  t.same(
    large,
    numbers.map((n) => n * 2),
  );
  t.same(small, [0]);
  t.ok(order.indexOf('b0') <= 32, 'the single one of another waits for a slice or two, not for the batch');
  t.same(await inSlices(queue, 'a', [], judged('a')), []);
  order.length = 0;
  const full = Array.from({ length: 6 }, (_, i) => inSlices(queue, `k${i}`, numbers, judged(`k${i}`)));
  const ended = await Promise.allSettled(full);
  t.ok(ended.some(({ status }) => status === 'rejected'));
  for (const [i, { status }] of ended.entries())
    t.equal(order.filter((each) => each.startsWith(`k${i}`)).length, status === 'fulfilled' ? 100 : 0);
  t.same(queue.stats(), { running: 0, waiting: 0, keys: 0 });
});

t.test('at the event loop the busy give way while somebody quiet is about, and only then', async (t) => {
  let nowMs = 0;
  const loop = loopTurns(() => nowMs);
  const begun: string[] = [];
  const begin = (key: string, pieces: number) =>
    Promise.all(Array.from({ length: pieces }, () => loop.turn(key).then(() => begun.push(key))));
  await begin('busy', 200);
  nowMs = 1500;
  const alone = begin('busy', 40);
  await Promise.resolve();
  await Promise.resolve();
  t.equal(begun.length, 240, 'alone it is not held back');
  await alone;
  await begin('quiet', 1);
  begun.length = 0;
  const many = begin('busy', 40);
  const round = turn();
  await begin('quiet', 1);
  t.same(begun, ['quiet'], 'the quiet key does not wait at all');
  await round;
  t.ok(begun.length > 1 && begun.length < 10, 'some pieces in each round of the loop');
  await many;
  t.equal(begun.length, 41, 'and all in the end');
});

t.test('a rate limit gives a burst, then a rate, says when, and forgets quiet keys', async (t) => {
  const clock = manualClock(0);
  const limit = rateLimit({ perSecond: 10, burst: 2, clock, keysMax: 3 });
  limit.take('a');
  limit.take('a');
  t.match(
    throwsWith(t, () => limit.take('a'), 'rate-limited'),
    { retryAfterMs: 100 },
  );
  limit.take('b');
  await clock.advance(100);
  limit.take('a');
  throwsWith(t, () => limit.take('a'), 'rate-limited');
  for (let i = 0; i < 100; i += 1) limit.take(`made up ${i}`, 2);
  limit.take('a', 50);
  throwsWith(t, () => limit.take('a'), 'rate-limited');
});

/** One CA, a server and a client certificate, and a second CA for the box in between; made by openssl. */
function makePki(dir: string) {
  const ssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const ca of ['root', 'box']) {
    ssl(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.pem`,
      '-subj',
      `/CN=CA ${ca}`,
      '-days',
      '30',
    );
  }
  const leaf = (name: string, ca: string, san: string) => {
    ssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    fs.writeFileSync(join(dir, 'ext'), `subjectAltName=${san}\n`);
    ssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${ca}.pem`,
      '-CAkey',
      `${ca}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '30',
      '-extfile',
      'ext',
    );
    const read = (f: string) => fs.readFileSync(join(dir, f), 'utf8');
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  const pem = (ca: string) => fs.readFileSync(join(dir, `${ca}.pem`), 'utf8');
  return {
    root: pem('root'),
    box: pem('box'),
    server: leaf('server', 'root', 'DNS:localhost,IP:127.0.0.1'),
    otherName: leaf('other', 'root', 'DNS:other.test'),
    client: leaf('client', 'root', 'URI:urn:lienthong:node:1'),
    client2: leaf('client2', 'root', 'URI:urn:lienthong:node:2'),
    stranger: leaf('stranger', 'box', 'URI:urn:lienthong:node:1'),
    inspected: leaf('inspected', 'box', 'DNS:localhost,IP:127.0.0.1'),
  };
}
const pki = makePki(t.testdir());

async function tlsServer(t: Test, options: Partial<ServerOptions> = {}) {
  let routed = 0;
  const server = createServer({
    tls: { ...pki.server, ca: pki.root },
    log,
    bodyLimitBytes: 1000,
    streamTypes: ['application/octet-stream'],
    trustHook: (request) => {
      const socket = request.raw.socket as import('node:tls').TLSSocket;
      const cert = socket.getPeerX509Certificate();
      if (!cert) throw new ExchangeError('certificate-missing');
      if (!socket.authorized)
        throw new ExchangeError('certificate-unknown-issuer', String(socket.authorizationError));
      return { key: cert.subject };
    },
    ...options,
  });
  const { app } = server;
  app.get('/who', async (request) => ({ peer: request.peer?.key }));
  app.post('/proto', async (request, reply) =>
    reply.type('application/x-protobuf').send(request.body as Buffer),
  );
  app.put('/up/:id', { bodyLimit: 1 << 20 }, async (request) => {
    routed += 1;
    let bytes = 0;
    for await (const chunk of request.body as Readable) bytes += (chunk as Buffer).length;
    return { bytes };
  });
  app.post(
    '/strict',
    {
      schema: {
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { n: { type: 'integer' }, d: { type: 'integer', default: 7 } },
        },
      },
    },
    async (request) => request.body,
  );
  app.get('/fault', async () => {
    throw new Error('secret of ours');
  });
  app.get('/late', async () => {
    await systemClock.sleep(300);
    return { late: true };
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 }, 'test');
  t.teardown(() => server.drain(0));
  const client = (over: Partial<Parameters<typeof createHttpClient>[0]> = {}) => {
    const c = createHttpClient({
      origin: `https://localhost:${port}`,
      tls: { ca: pki.root, ...pki.client },
      ...over,
    });
    t.teardown(() => c.destroy());
    return c;
  };
  return { server, port, client, routed: () => routed };
}

async function json(answer: { body: Readable }): Promise<unknown> {
  return JSON.parse(await text(answer.body));
}

t.test('the exchange listener', async (t) => {
  await t.test(
    'the trust hook runs before routes, unknown paths and bodies, and its verdict reaches the peer',
    async (t) => {
      const { client, routed } = await tlsServer(t);
      const anonymous = client({ tls: { ca: pki.root } });
      const stranger = client({ tls: { ca: pki.root, ...pki.stranger } });
      for (const path of ['/who', '/nothing', '/up/1']) {
        await rejectsWith(t, anonymous.request({ method: 'GET', path }), 'certificate-missing');
        await rejectsWith(t, stranger.request({ method: 'GET', path }), 'certificate-unknown-issuer');
      }
      // 50 MB are announced; the refusal comes while the client is still sending.
      const body = Readable.from(chunks(50), { objectMode: false });
      await rejectsWith(
        t,
        stranger.request({
          method: 'PUT',
          path: '/up/1',
          headers: { 'content-type': 'application/octet-stream' },
          body,
        }),
        'certificate-unknown-issuer',
      );
      t.equal(routed(), 0);
      t.match(await json(await client().request({ method: 'GET', path: '/who' })), { peer: 'CN=client' });
    },
  );
  await t.test(
    'every failure is a problem document with a request id; faults of ours say nothing',
    async (t) => {
      const { client } = await tlsServer(t);
      const c = client();
      const post = (path: string, type: string, body: string | Uint8Array) =>
        c.request({ method: 'POST', path, headers: { 'content-type': type }, body });
      await rejectsWith(t, c.request({ method: 'GET', path: '/nothing' }), 'not-found');
      await rejectsWith(t, c.request({ method: 'DELETE', path: '/up/abc?x=1' }), 'method-refused');
      await rejectsWith(t, c.request({ method: 'GET', path: '/%zz' }), 'request-malformed');
      await rejectsWith(t, post('/strict', 'text/plain', 'x'), 'media-type-refused');
      await rejectsWith(t, post('/strict', 'application/json', '{'), 'request-malformed');
      await rejectsWith(t, post('/strict', 'application/json', `"${'x'.repeat(2000)}"`), 'batch-too-large');
      await rejectsWith(t, post('/strict', 'application/json', '{"n":"1"}'), 'request-malformed');
      await rejectsWith(t, post('/strict', 'application/json', '{"x":1}'), 'request-malformed');
      await rejectsWith(t, post('/strict', 'application/json', '{"__proto__":{"n":1}}'), 'request-malformed');
      t.match(await json(await post('/strict', 'application/json', '{"n":1}')), { n: 1 });
      t.same((await rejectsWith(t, c.request({ method: 'GET', path: '/fault' }), 'internal')).detail, '');
    },
  );
  await t.test('who connects and never speaks is let go, and no drain waits for it', async (t) => {
    const { server, port } = await tlsServer(t, { timeouts: { handshakeMs: 100 } });
    const silent = net.connect({ host: '127.0.0.1', port });
    silent.resume();
    await once(silent, 'close');
    await server.drain(0);
    const patient = await tlsServer(t, { timeouts: { handshakeMs: 3_600_000 } });
    const shaking = net.connect({ host: '127.0.0.1', port: patient.port });
    await once(shaking, 'connect');
    shaking.resume();
    await Promise.all([once(shaking, 'close'), patient.server.drain(50)]);
  });
  await t.test('protobuf bodies are bounded, declared or chunked, and come back as bytes', async (t) => {
    const { client } = await tlsServer(t);
    const c = client();
    const send = (body: Uint8Array, answerBytesMax = 5000) =>
      c.requestProtobuf({ method: 'POST', path: '/proto', body, answerBytesMax });
    t.same([...(await send(new Uint8Array([1, 2, 3]))).bytes], [1, 2, 3]);
    await rejectsWith(t, send(new Uint8Array(1001)), 'batch-too-large');
    await rejectsWith(t, send(new Uint8Array(900), 800), 'hub-answer-malformed');
    const chunked = Readable.from([Buffer.alloc(600), Buffer.alloc(600)]);
    await rejectsWith(
      t,
      c.request({
        method: 'POST',
        path: '/proto',
        headers: { 'content-type': 'application/x-protobuf' },
        body: chunked,
      }),
      'batch-too-large',
    );
    await rejectsWith(
      t,
      c.requestProtobuf({ method: 'GET', path: '/who', answerBytesMax: 100 }),
      'hub-answer-malformed',
    );
  });
  await t.test('uploads stream and are bounded by the route, declared or chunked', async (t) => {
    const { client } = await tlsServer(t);
    const c = client();
    const put = (body: Uint8Array | Readable) =>
      c.request({
        method: 'PUT',
        path: '/up/1',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      });
    t.match(await json(await put(Buffer.alloc(1 << 20))), { bytes: 1 << 20 });
    t.match(await json(await put(Readable.from(chunks(1), { objectMode: false }))), { bytes: 1 << 20 });
    await rejectsWith(t, put(Buffer.alloc((1 << 20) + 1)), 'batch-too-large');
    await rejectsWith(t, put(Readable.from(chunks(3), { objectMode: false })), 'batch-too-large');
  });
  await t.test('a client that sends its head or its body drop by drop is cut', async (t) => {
    const { port } = await tlsServer(t, { timeouts: { headersMs: 300, requestMs: 600, checkEveryMs: 50 } });
    for (const start of [
      'GET /who HTTP/1.1\r\nhost: x\r\n',
      'POST /proto HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 900\r\n\r\n',
      '',
    ]) {
      const socket = connectTls({ port, host: '127.0.0.1', ca: pki.root, ...pki.client });
      const drip = setInterval(() => start && socket.write('a'), 50);
      let said = '';
      socket.on('data', (d) => (said += d)).on('error', () => {});
      socket.write(start);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(drip);
      if (start)
        t.match(said, /^HTTP\/1\.1 408 [\s\S]*application\/problem\+json[\s\S]*"code":"request-timeout"/);
      else t.pass('a connection that says nothing is cut');
    }
  });
  await t.test('bytes that are no HTTP get a problem document too', async (t) => {
    const { port } = await tlsServer(t);
    const socket = connectTls({ port, host: '127.0.0.1', ca: pki.root, ...pki.client });
    socket.write('HELO mail\r\n\r\n');
    t.match(await text(socket), /400 [\s\S]*"code":"request-malformed"/);
  });
  await t.test('a peer has a bounded number of sockets, and they can be cut', async (t) => {
    const { server, client } = await tlsServer(t, { socketsPerPeerMax: 2 });
    const slow = client({ connections: 1 }).request({ method: 'GET', path: '/late' });
    const failing = t.rejects(slow, { code: 'hub-unreachable' });
    await (await client().request({ method: 'GET', path: '/who' })).body.resume();
    await rejectsWith(t, client().request({ method: 'GET', path: '/who' }), 'rate-limited');
    t.equal(server.destroyPeer('CN=client'), 2);
    await failing;
    t.equal(server.destroyPeer('CN=client'), 0);
    t.match(await json(await client().request({ method: 'GET', path: '/who' })), { peer: 'CN=client' });
  });
  await t.test('drain finishes what runs, cuts idle connections, and then nobody listens', async (t) => {
    const { server, client } = await tlsServer(t);
    const c = client();
    await (await c.request({ method: 'GET', path: '/who' })).body.resume();
    const late = c.request({ method: 'GET', path: '/late' });
    await systemClock.sleep(50);
    await server.drain(5000);
    t.match(await json(await late), { late: true });
    await rejectsWith(t, c.request({ method: 'GET', path: '/who' }), 'hub-unreachable');
  });
  await t.test('at the deadline drain cuts what still runs', async (t) => {
    const { server, client } = await tlsServer(t);
    const late = client().request({ method: 'GET', path: '/late' });
    const failing = rejectsWith(t, late, 'hub-unreachable');
    await systemClock.sleep(50);
    await server.drain(10);
    await failing;
  });
});

function* chunks(mebibytes: number): Generator<Buffer> {
  for (let i = 0; i < mebibytes * 16; i += 1) yield Buffer.alloc(65_536);
}

t.test('the client', async (t) => {
  await t.test('certificates are swapped without dropping a request in flight, on both ends', async (t) => {
    const { server, client } = await tlsServer(t);
    const c = client();
    const late = c.request({ method: 'GET', path: '/late' });
    await systemClock.sleep(50);
    c.swapTls({ ca: pki.root, ...pki.client2 });
    t.match(await json(await c.request({ method: 'GET', path: '/who' })), { peer: 'CN=client2' });
    t.match(await json(await late), { late: true });
    t.throws(() => server.setTls({ key: 'bad', cert: 'bad' }));
    server.setTls({ ...pki.otherName, ca: pki.root });
    await rejectsWith(t, client().request({ method: 'GET', path: '/who' }), 'tls-failed');
    t.ok(
      await client({ tls: { ca: pki.root, ...pki.client, servername: 'other.test' } }).request({
        method: 'GET',
        path: '/who',
      }),
    );
    await c.close();
  });
  await t.test('a chain that is not ours is refused and its issuer named', async (t) => {
    const box = createTlsServer({ ...pki.inspected, ca: pki.box }, (s) => s.end()).listen(0);
    t.teardown(() => box.close());
    const { port } = box.address() as net.AddressInfo;
    const c = createHttpClient({ origin: `https://localhost:${port}`, tls: { ca: pki.root, ...pki.client } });
    t.teardown(() => c.destroy());
    t.match(
      (await rejectsWith(t, c.request({ method: 'GET', path: '/' }), 'tls-inspected')).detail,
      /issuer found: CA box/,
    );
  });
  await t.test(
    'nobody there, a hub that never answers, an answer of a stranger, an abort: each has its code',
    async (t) => {
      const answers: Record<string, (socket: net.Socket) => void> = {
        silent: () => {},
        page: (s) =>
          s.end('HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi'),
        garbage: (s) => s.end('SSH-2.0-x\r\n'),
        hangUp: (s) => s.end(),
      };
      const ports: Record<string, number> = {};
      for (const [name, answer] of Object.entries(answers)) {
        const server = net
          .createServer((s) => s.on('error', () => {}).once('data', () => answer(s)))
          .listen(0, '127.0.0.1');
        await new Promise((resolve) => server.once('listening', resolve));
        t.teardown(() => server.close());
        ports[name] = (server.address() as net.AddressInfo).port;
      }
      const get = async (port: number, signal?: AbortSignal) => {
        const c = createHttpClient({
          origin: `http://127.0.0.1:${port}`,
          timeouts: { headersMs: signal ? 0 : 200 },
        });
        try {
          return await c.request({ method: 'GET', path: '/', ...(signal ? { signal } : {}) });
        } finally {
          await c.destroy();
        }
      };
      await rejectsWith(t, get(1), 'hub-unreachable');
      await rejectsWith(t, get(ports.silent!), 'hub-timeout');
      await rejectsWith(t, get(ports.page!), 'hub-answer-malformed');
      await rejectsWith(t, get(ports.garbage!), 'hub-answer-malformed');
      await rejectsWith(t, get(ports.hangUp!), 'hub-unreachable');
      await t.rejects(get(ports.silent!, AbortSignal.timeout(20)), { name: 'TimeoutError' });
    },
  );
  await t.test('an office proxy is used with its password; its refusals are named', async (t) => {
    const { port } = await tlsServer(t);
    const seen: string[] = [];
    const proxy = http.createServer().on('connect', (request, socket) => {
      seen.push(request.url ?? '');
      const [user, password] = Buffer.from((request.headers['proxy-authorization'] ?? '').slice(6), 'base64')
        .toString()
        .split(':');
      if (user !== 'u') return void socket.end('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n');
      if (password !== 'p') return void socket.end('HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n');
      const out = net.connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        out.pipe(socket).pipe(out);
      });
      out.on('error', () => {});
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.teardown(() => proxy.close());
    const url = `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`;
    const via = async (p: { url: string; user?: string; password?: string }) => {
      const c = createHttpClient({
        origin: `https://localhost:${port}`,
        tls: { ca: pki.root, ...pki.client },
        proxy: p,
      });
      try {
        return await json(await c.request({ method: 'GET', path: '/who' }));
      } finally {
        await c.destroy();
      }
    };
    t.match(await via({ url, user: 'u', password: 'p' }), { peer: 'CN=client' });
    await rejectsWith(t, via({ url }), 'proxy-auth-required');
    await rejectsWith(t, via({ url, user: 'u', password: 'x' }), 'proxy-refused');
    await rejectsWith(t, via({ url: 'http://127.0.0.1:1' }), 'proxy-refused');
    t.equal(seen[0], `localhost:${port}`);
  });
});
