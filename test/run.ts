// Runs tap and prints the closing line "N passed, N failed" (assertions, counted by tap), with the skipped ones named when there are any.
// With LIENTHONG_NO_SKIPS=1 a skipped test is a failure: the gate installs every package that a test needs.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const noSkips = process.env.LIENTHONG_NO_SKIPS === '1';
const files = process.argv.slice(2);
const child = spawn(
  process.execPath,
  [`${root}node_modules/tap/dist/esm/run.mjs`, '--reporter=tap', ...files],
  {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
    // Hundreds of processes are started: each takes stripped and compiled source from here.
    env: { NODE_COMPILE_CACHE: `${root}.built/compile-cache`, ...process.env },
  },
);
let counts = '';
let rest = '';
const skipped = new Set<string>();
child.stdout.setEncoding('utf8').on('data', (text: string) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    if (line.startsWith('# { total:')) counts = line;
    if (/^ *ok \d+ .*# SKIP/.test(line)) skipped.add(line.replace(/^ *ok \d+ -? ?/, ''));
    // Of good tests only the files are shown; what is wrong is shown whole.
    if (
      /^(not ok|ok|Bail|#)/.test(line) ||
      /^\s+(not ok|---|\.\.\.|at|diff|found|wanted|stack|message|compare|- |\+ |[a-zA-Z]+:)/.test(line)
    )
      if (!/^\s+ok /.test(line)) process.stdout.write(`${line}\n`);
  }
});
const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
  child.on('close', (...ended) => resolve(ended));
});
const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts)?.[1] ?? 0);
const failed = counts ? count('fail') : 1;
for (const line of skipped) console.log(`skipped: ${line}`);
if (noSkips && skipped.size > 0) console.log('a test was skipped: not allowed here');
console.log(`${count('pass')} passed, ${failed} failed`);
process.exitCode = signal ? 1 : code || (failed || (noSkips && skipped.size > 0) ? 1 : 0);
