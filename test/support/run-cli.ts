// Runs test/support/cli.ts as a process of its own, as a clerk's shell would run bin/lienthong.
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./cli.ts', import.meta.url));

export type CliEnd = { readonly code: number; readonly out: string; readonly err: string };

export function startCli(...args: string[]): {
  readonly process: ChildProcess;
  readonly ended: Promise<CliEnd>;
} {
  // Without the loaders that tap puts into NODE_OPTIONS: they double the time of a start.
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, NODE_OPTIONS: '' } });
  let out = '';
  let err = '';
  child.stdout.on('data', (piece) => {
    out += piece;
  });
  child.stderr.on('data', (piece) => {
    err += piece;
  });
  const ended = new Promise<CliEnd>((resolve) =>
    child.on('close', (code) => resolve({ code: code ?? -1, out, err })),
  );
  return { process: child, ended };
}

export const cli = (...args: string[]): Promise<CliEnd> => startCli(...args).ended;
