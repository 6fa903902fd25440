// Named crash points: places where a test kills the process with SIGKILL to prove that nothing acknowledged is lost.
// Must never do anything unless armed, and nothing on the network or in a configuration file can arm it: only bin/ and tests call armCrash.
import process from 'node:process';

type Numbered<Prefix extends string, N extends number> = `${Prefix}.${N}`;

/** The closed list; a point is numbered after the step it follows. */
export type CrashPoint =
  | Numbered<'border', 1 | 2 | 3 | 4>
  | Numbered<'accept', 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10>
  | Numbered<'send', 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8>
  | Numbered<'receive', 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8>
  | Numbered<'folder', 1 | 2 | 3 | 4 | 5 | 6>
  | Numbered<'recall', 1 | 2 | 3 | 4>
  | Numbered<'removal', 1 | 2 | 3 | 4 | 5>
  | Numbered<'settle', 1 | 2 | 3>
  | Numbered<'upload', 1 | 2 | 3>
  | Numbered<'writer', 1 | 2 | 3>;

/** Structured-cloneable, so that the writer can pass it to its thread. */
export type ArmedCrash = { readonly name: CrashPoint; readonly nth: number };

let armed: ArmedCrash | undefined;
let passed = 0;

/** The next `nth` passing (1 = the first) of `name` in THIS thread kills the process. */
export function armCrash(name: CrashPoint, nth = 1): void {
  armed = { name, nth };
  passed = 0;
}

/** What is armed, for handing on to a worker thread; undefined in normal life. */
export function armedCrash(): ArmedCrash | undefined {
  return armed;
}

/** A no-op unless armed; armed, it does not return: SIGKILL, as a power cut would. */
export function crashPoint(name: CrashPoint): void {
  if (armed === undefined || armed.name !== name) return;
  passed += 1;
  if (passed < armed.nth) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered at once to the process, but this thread may run on for some instructions: let it do nothing.
  for (;;) {}
}
