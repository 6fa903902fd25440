// `npm run soak -- --seconds 60 --units 8 --kill hub,node --cut --restore [--seed N] [--hold MS] [--keep]`: a district of real programs under
// random traffic and random faults, and at its end the comparison of what was acknowledged, delivered and receipted. Prints one JSON line; 1 if
// anything is lost, duplicated, corrupted or stuck, or a store is not clean. The same seed draws the same traffic and faults, though
// not the same moments.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSoak } from './run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    units: { type: 'string', default: '8' },
    kill: { type: 'string', default: '' },
    cut: { type: 'boolean', default: false },
    /** Cuts that leave one side waiting: they take as long as time-outs do. */
    silent: { type: 'boolean', default: false },
    restore: { type: 'boolean', default: false },
    seed: { type: 'string' },
    hold: { type: 'string', default: '25000' },
    large: { type: 'string', default: '30000000' },
    keep: { type: 'boolean', default: false },
  },
});

const dir = mkdtempSync(join(tmpdir(), 'lienthong-soak-'));
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.error(`seed ${seed}, ${dir}`);
const result = await runSoak({
  dir,
  seed,
  seconds: Number(values.seconds),
  units: Number(values.units),
  kill: values.kill.split(',').filter((kind) => kind === 'hub' || kind === 'node'),
  cut: values.cut,
  silent: values.silent,
  restore: values.restore,
  holdMs: Number(values.hold),
  largestBytes: Number(values.large),
  say: (line) => console.error(line),
});
console.log(JSON.stringify(result.counts));
for (const line of result.wrong.slice(0, 200)) console.error(line);
if (result.good && !values.keep) rmSync(dir, { recursive: true, force: true });
else console.error(`logs and stores are kept in ${dir}`);
process.exit(result.good ? 0 : 1);
