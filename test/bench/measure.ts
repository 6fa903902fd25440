// What every benchmark measures with: the machine, the disk's fdatasync and sequential writing, percentiles, CPU and memory of other
// processes from /proc. Must never compare figures of two runs that did not alternate: this machine drifts.
import { readdirSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

export const now = (): number => performance.now();

export type Percentiles = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
};

/** Of milliseconds, to a hundredth. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** `ps`, the C library's sysconf(_SC_CLK_TCK): 100 on every Linux that Node 24 runs on. */
const ticksPerSecond = 100;

/** CPU-seconds, user and system, of a process with all its threads; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** CPU-seconds of each thread by name, to see which one limits. */
export function threadSeconds(pid: number): Record<string, number> {
  const found: Record<string, number> = {};
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8');
    const name = tid === String(pid) ? 'main' : text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    found[name] = round((found[name] ?? 0) + seconds);
  }
  return found;
}

/** Bytes handed to the disk and write calls so far. */
export function written(pid: number): { readonly bytes: number; readonly calls: number } {
  const text = readFileSync(`/proc/${pid}/io`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { bytes: of('write_bytes'), calls: of('syscw') };
}

/** The program that was started on this folder. */
export function pidOf(dir: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (args.includes(dir) && args.includes('start')) return Number(name);
    } catch {
      // Gone meanwhile.
    }
  }
  throw new Error(`no process runs on ${dir}`);
}

/** A process and everything below it. */
export function treeOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Gone meanwhile.
    }
  }
  const below = (of: number): number[] => [
    of,
    ...[...parents].filter(([, parent]) => parent === of).flatMap(([child]) => below(child)),
  ];
  return below(pid);
}

/** Peak resident memory in MiB. */
export function peakMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return round(Number(line?.[1] ?? 0) / 1024, 1);
}

export type Disk = {
  readonly fdatasync4KiBPerSecond: number;
  readonly fdatasync64KiBPerSecond: number;
  readonly sequentialMBPerSecond: number;
};

/** Appends with fdatasync after each, and sequential writing with an fdatasync per 8 MiB, in a folder of the disk that is measured. */
export async function probeDisk(dir: string): Promise<Disk> {
  return {
    fdatasync4KiBPerSecond: await syncsPerSecond(dir, 4096, 400),
    fdatasync64KiBPerSecond: await syncsPerSecond(dir, 65_536, 200),
    sequentialMBPerSecond: await sequentialMBPerSecond(dir, 512),
  };
}

async function syncsPerSecond(dir: string, bytes: number, count: number): Promise<number> {
  const path = join(dir, 'probe');
  const file = await open(path, 'w');
  const block = Buffer.alloc(bytes, 7);
  const startedMs = now();
  for (let i = 0; i < count; i++) {
    await file.write(block, 0, bytes, i * bytes);
    await file.datasync();
  }
  const seconds = (now() - startedMs) / 1000;
  await file.close();
  await rm(path);
  return Math.round(count / seconds);
}

/** MB (10^6 bytes) per second of one stream that is durable at its end. */
export async function sequentialMBPerSecond(dir: string, sizeMiB: number): Promise<number> {
  const path = join(dir, 'probe');
  const file = await open(path, 'w');
  const block = Buffer.alloc(1024 * 1024, 7);
  const startedMs = now();
  let syncing: Promise<void> = Promise.resolve();
  for (let i = 0; i < sizeMiB; i++) {
    await file.write(block, 0, block.length, i * block.length);
    if (i % 8 === 7) {
      await syncing;
      syncing = file.datasync();
    }
  }
  await syncing;
  await file.datasync();
  const seconds = (now() - startedMs) / 1000;
  await file.close();
  await rm(path);
  return Math.round((sizeMiB * 1.048576) / seconds);
}

export async function machine(dir: string) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    at: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: round(totalmem() / 2 ** 30, 1),
      /** Before this run: above 0.5 others were at work, and only ratios of alternating runs say something. */
      loadBefore: round(loadavg()[0]!, 1),
      disk: await probeDisk(dir),
    },
    versions: { node: process.version, lienthong: version },
  };
}
