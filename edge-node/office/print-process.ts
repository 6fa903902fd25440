// The child that draws one PDF, with limits on its memory and time: long books take seconds, and a received PDF may be hostile. Started by
// print.ts, runs when loaded, answers once. Must never touch files (but its fonts) or the network.
import process from 'node:process';
import { type PrintJob, printRegister } from './print-register.ts';
import { printSlip, type SlipJob } from './print-slip.ts';
import { type StampJob, stampPdf } from './print-stamp.ts';

export type PrintTask = PrintJob | SlipJob | StampJob;
export type PrintAnswer = { readonly file: Uint8Array } | { readonly failed: string };

const drawn = (task: PrintTask): Promise<Uint8Array> =>
  task.kind === 'register' ? printRegister(task) : task.kind === 'slip' ? printSlip(task) : stampPdf(task);

async function draw(task: PrintTask): Promise<PrintAnswer> {
  try {
    return { file: await drawn(task) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message.slice(0, 200) : 'unknown' };
  }
}

process.once('message', async (task) => {
  const answer = await draw(task as PrintTask);
  process.send!(answer, () => process.disconnect());
});
