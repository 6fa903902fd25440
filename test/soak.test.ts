// A short soak in every test run: real processes, kills, cut lines and a restore at once. The long one is `npm run soak`.
import { rmSync } from 'node:fs';
import t from 'tap';
import { runSoak } from './soak/run.ts';
import { temporaryDir } from './support/hub.ts';

t.setTimeout(400_000);
t.test(
  'under kills, cuts and restores nothing acknowledged is lost, doubled, damaged or stuck',
  async (t) => {
    const dir = temporaryDir('soak');
    const { wrong, counts, good } = await runSoak({
      dir,
      seed: 20_261_122,
      seconds: 15,
      units: 3,
      kill: ['hub', 'node'],
      cut: true,
      silent: false,
      restore: true,
      holdMs: 2000,
      largestBytes: 9_000_000,
      say: (line) => t.comment(line),
    });
    t.comment(JSON.stringify(counts));
    t.same(wrong, []);
    t.ok(counts.deliveries > 0 && counts.kills > 0 && counts.cuts > 0, 'there were documents and faults');
    if (good) rmSync(dir, { recursive: true, force: true });
  },
);
