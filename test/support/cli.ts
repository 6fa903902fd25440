// The node's and the evidence commands as a program of their own, for tests: bin/main.ts without the hub and the demo.
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { evidenceCommands } from '../../bin/evidence/commands.ts';
import { nodeCommands } from '../../edge-node/commands.ts';

const program = new Command('lienthong').exitOverride();
nodeCommands(program);
evidenceCommands(program);
function strict(command: Command): void {
  command.exitOverride();
  command.commands.forEach(strict);
}
strict(program);
try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
