// What befalls the district of the soak: SIGKILL at random, lines that are cut, half open, slow or down, and stores restored from an older backup.
// Restores follow one another: between a backup of the hub and its restore no node is restored, and the other way round. Two stores that
// forget the same hours at the same time can lose what only they held; no protocol brings that back.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../protocol/node/clock.ts';
import type { CutProxy, Fault } from '../faults/cut-proxy.ts';
import { command, type Program, type TestDistrict } from '../support/processes.ts';
import type { Chance } from './random.ts';

export type FaultCounts = { kills: number; cuts: number; restores: number };
export type FaultOptions = {
  readonly district: TestDistrict;
  readonly proxies: readonly CutProxy[];
  readonly chance: Chance;
  readonly counts: FaultCounts;
  readonly ended: () => boolean;
  readonly say: (line: string) => void;
  readonly restored: (program: Program) => void;
  /** A promise of the program that it did not keep. */
  readonly wrong: (line: string) => void;
};

const seconds = (n: number) => n * 1000;

/** One at a time may take a program down and bring it back. */
const busy = new Map<Program, Promise<unknown>>();
async function alone(program: Program, work: () => Promise<void>): Promise<void> {
  const before = busy.get(program) ?? Promise.resolve();
  const mine = before.then(work);
  busy.set(
    program,
    mine.catch(() => {}),
  );
  await mine;
}

async function rest(options: FaultOptions, fromMs: number, toMs: number): Promise<void> {
  const untilMs = systemClock.monotonicMs() + options.chance.whole(fromMs, toMs);
  while (!options.ended() && systemClock.monotonicMs() < untilMs) await systemClock.sleep(50);
}

/** SIGKILL of the hub or of a node every few seconds; each comes back within two. */
export async function killing(options: FaultOptions, kinds: readonly string[]): Promise<void> {
  const { district, chance, counts } = options;
  const kill = async (program: Program): Promise<void> => {
    await alone(program, async () => {
      await program.kill();
      counts.kills += 1;
      await systemClock.sleep(chance.whole(0, 2000));
      await program.start();
    });
  };
  while (!options.ended()) {
    await rest(options, seconds(2), seconds(7));
    if (options.ended()) return;
    const hub = kinds.includes('hub') && (!kinds.includes('node') || chance.next() < 0.35);
    await kill(hub ? district.hub : chance.pick(district.offices).node);
  }
}

/** Lines that break in every way; `silent` ones too, which only time-outs find. */
export async function cutting(options: FaultOptions, silent: boolean): Promise<void> {
  const { proxies, chance } = options;
  const ways: NonNullable<Fault['how']>[] = ['reset', 'end', 'dialler-only'];
  if (silent) ways.push('target-only', 'silent');
  while (!options.ended()) {
    await rest(options, 300, 2000);
    if (options.ended()) break;
    const proxy = chance.pick(proxies);
    const what = chance.next();
    if (what < 0.4) proxy.cutAll(chance.pick(ways));
    else if (what < 0.6) {
      const how = chance.pick(ways);
      const at = { up: chance.whole(500, 3_000_000), down: chance.whole(500, 3_000_000) };
      const only = chance.next() < 0.5;
      proxy.setFaults((connection) =>
        connection % 3 === 0
          ? { how, ...(only ? { cutAfterUpBytes: at.up } : { cutAfterDownBytes: at.down }) }
          : {},
      );
    } else if (what < 0.75) proxy.setFaults(() => ({ delayMs: 40, bytesPerSecond: 2_000_000 }));
    else if (what < 0.85) {
      proxy.lineDown();
      await rest(options, 500, 4000);
      proxy.lineUp();
    } else proxy.setFaults(() => ({}));
  }
  for (const each of proxies) {
    each.setFaults(() => ({}));
    each.lineUp();
    // What runs through a line that is still bad would stay slow for ever.
    each.cutAll('reset');
  }
}

/** An online backup, some seconds of work, and the store of then comes back: the hub's, or a node's. */
export async function restoring(options: FaultOptions): Promise<void> {
  const { district, chance, counts } = options;
  for (let turn = 1; ; turn += 1) {
    await rest(options, seconds(3), seconds(8));
    if (options.ended()) return;
    const program = chance.next() < 0.4 ? district.hub : chance.pick(district.offices).node;
    const to = join(district.dir, `backup-${turn}`);
    try {
      await command([program.kind, 'backup', '--dir', program.dir, '--to', to, '--json']);
    } catch (error) {
      options.wrong(`backup of ${program.name}: ${String(error)}`);
      rmSync(to, { recursive: true, force: true });
      continue;
    }
    // One and the same backup may come back twice: an operator tries again.
    const times = chance.next() < 0.3 ? 2 : 1;
    for (let time = 1; time <= times; time += 1) {
      await rest(options, seconds(2), seconds(8));
      await alone(program, async () => {
        if (chance.next() < 0.5) await program.kill();
        else await program.stop();
        const old = program.dir;
        const dir = join(district.dir, `${program.name}-restored-${turn}-${time}`);
        await command([program.kind, 'restore', '--from', to, '--dir', dir, '--json']);
        program.dir = dir;
        options.restored(program);
        counts.restores += 1;
        options.say(`restored ${program.name} (${turn}, ${time} of ${times})`);
        await program.start();
        rmSync(old, { recursive: true, force: true });
      });
    }
    rmSync(to, { recursive: true, force: true });
  }
}
