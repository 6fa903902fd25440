// `npm run year`: one year of a district's life in minutes, with the lives of certificates that the product has (seals a little shorter, so
// that they too are renewed within the year). Ends with 0 only if nothing was wrong.
import { mkdirSync, rmSync } from 'node:fs';
import { systemClock } from '../../protocol/node/clock.ts';
import { temporaryDir } from '../support/hub.ts';
import { liveThrough } from './live.ts';

const dir = temporaryDir('year');
mkdirSync(dir, { recursive: true });
const startedMs = systemClock.monotonicMs();
const { wrong, documents, renewals } = await liveThrough({
  dir,
  days: 365,
  stepDays: 12,
  directoryDays: 30,
  certificateDays: {
    hubTls: 90,
    hubLink: 90,
    hubReceipts: 730,
    hubDirectory: 730,
    hubCheckpoints: 730,
    nodeTls: 120,
    unitSeal: 180,
  },
  at: {
    stolen: 60,
    merge: 100,
    ca: 150,
    off: 170,
    outage: 220,
    outageDays: 7,
    back: 300,
    battery: 320,
    root: 340,
  },
  say: (line) => console.log(line),
});
for (const line of wrong) console.log(`WRONG ${line}`);
const seconds = Math.round((systemClock.monotonicMs() - startedMs) / 1000);
console.log(JSON.stringify({ days: 365, seconds, documents, renewals, wrong: wrong.length, dir }));
if (wrong.length === 0) rmSync(dir, { recursive: true, force: true });
else process.exitCode = 1;
