// Starts the child that draws a PDF (print-process.ts) and waits for it: the exchange goes on meanwhile, and what a hostile PDF does to it
// ends there. At most one at a time: an old office PC has no memory for two long books.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vietnamTime } from '../../protocol/calendar/working-days.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { PrintAnswer, PrintTask } from './print-process.ts';

/** 10,000 rows take 13 s of one core and 910 pages; a machine that is busy takes longer. */
const childHeapMb = 1_024;
const childMsMax = 300_000;
let last: Promise<unknown> = Promise.resolve();

/** When something was printed, as people write it: 16:00 26/11/2026. */
export function printedText(nowMs: number): string {
  const [day = '', time = ''] = vietnamTime(nowMs).split('T');
  return `${time.slice(0, 5)} ${day.split('-').reverse().join('/')}`;
}

/** Throws `pdf-not-printable` for a stamp that cannot be drawn, `internal` for what is ours. */
export function drawPdf(task: PrintTask): Promise<Uint8Array> {
  const mine = last.then(() => inChild(task));
  // The next one waits for the end of this one, however it ends.
  last = mine.catch(() => {});
  return mine;
}

async function inChild(task: PrintTask): Promise<Uint8Array> {
  const child = fork(fileURLToPath(new URL('./print-process.ts', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${childHeapMb}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: childMsMax,
    killSignal: 'SIGKILL',
  });
  try {
    const answer = await new Promise<PrintAnswer>((resolve, reject) => {
      child.once('message', (said) => resolve(said as PrintAnswer));
      child.once('error', reject);
      child.once('exit', () => resolve({ failed: 'more than the memory or time set aside for it' }));
      child.send(task, (error) => error && reject(error));
    });
    if ('file' in answer) return answer.file;
    if (task.kind === 'stamp') throw new ExchangeError('pdf-not-printable', answer.failed);
    throw new ExchangeError('internal', '', { cause: new Error(answer.failed) });
  } finally {
    child.kill('SIGKILL');
  }
}
