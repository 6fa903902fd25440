// One month of a district's life in every test run: short-lived certificates, a clock that jumps day by day, real programs. The year is
// `npm run year`.
import { rmSync } from 'node:fs';
import t from 'tap';
import { temporaryDir } from './support/hub.ts';
import { liveThrough } from './year/live.ts';
import { faketime } from './year/moved-programs.ts';

t.setTimeout(400_000);
const skip = faketime ? false : 'apt-get install faketime';
t.test(
  'a month: renewals, a stolen box, a merged unit, another CA and root, days without the hub',
  { skip },
  async (t) => {
    const dir = temporaryDir('month');
    const { wrong, documents, renewals } = await liveThrough({
      dir,
      days: 30,
      stepDays: 3,
      directoryDays: 12,
      certificateDays: {
        hubTls: 12,
        hubLink: 12,
        hubReceipts: 24,
        hubDirectory: 24,
        hubCheckpoints: 24,
        nodeTls: 12,
        unitSeal: 15,
      },
      at: { stolen: 3, merge: 6, off: 6, ca: 9, outage: 15, outageDays: 2, back: 21, battery: 24, root: 27 },
      say: (line) => t.comment(line),
    });
    t.strictSame(wrong, []);
    t.ok(
      documents > 25 && renewals.connections > 6 && renewals.seals > 5 && renewals.server > 2,
      JSON.stringify(renewals),
    );
    if (wrong.length === 0) rmSync(dir, { recursive: true, force: true });
  },
);
