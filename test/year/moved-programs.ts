// Programs on a moved clock: each its own process under Debian's faketime, all reading one offset from one file, so that OpenSSL, timers and
// stores see the same day. The clock that measures waiting is left alone.
import { spawn } from 'node:child_process';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/lienthong', import.meta.url));
const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (arch) => `/usr/lib/${arch}/faketime/libfaketimeMT.so.1`,
);
/** Where Debian's package faketime puts it; undefined when it is not installed. */
export const faketime = libraries.find(existsSync);

const DAY_MS = 86_400_000;

export type MovedClock = {
  /** Put before a command line. */
  readonly under: readonly string[];
  /** Days from the real day. */
  at(): number;
  moveTo(days: number): void;
  nowMs(): number;
  /** The same programs with a clock of their own that stands at a date: a dead battery. */
  standing(isoDay: string): readonly string[];
};

export function movedClock(dir: string, real: { nowMs(): number }): MovedClock {
  if (!faketime) throw new Error('apt-get install faketime');
  const file = join(dir, 'clock');
  let days = 0;
  const env = (path: string) => [
    'env',
    `LD_PRELOAD=${faketime}`,
    `FAKETIME_TIMESTAMP_FILE=${path}`,
    'FAKETIME_NO_CACHE=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
  ];
  const write = (path: string, text: string) => {
    // In one piece: a program may read it at any moment.
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  write(file, '+0d\n');
  return {
    under: env(file),
    at: () => days,
    moveTo(to) {
      days = to;
      write(file, `${to >= 0 ? '+' : ''}${to}d\n`);
    },
    nowMs: () => real.nowMs() + days * DAY_MS,
    standing(isoDay) {
      const own = join(dir, `clock-${isoDay}`);
      write(own, `@${isoDay} 00:00:00\n`);
      return env(own);
    },
  };
}

/** One command on the moved clock; its standard output. Throws with its standard error when it ends with another code than `code`. */
export function commandAt(clock: MovedClock, args: readonly string[], code = 0): Promise<string> {
  const line = [...clock.under, 'env', '-u', 'NODE_OPTIONS', process.execPath, program, ...args];
  const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (ended) => {
      if (ended === code) resolve(out);
      else reject(new Error(`lienthong ${args.slice(0, 3).join(' ')} ended with ${ended}\n${err || out}`));
    });
  });
}
