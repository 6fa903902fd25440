// The command line: puts the commands of the rooms together and runs one. Knows no command itself but the demo.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { setKeyPassphrase } from '../certs/key-protection.ts';
import { atRestSources } from '../protocol/node/at-rest/open.ts';
import { armCrash, type CrashPoint } from '../protocol/node/crash.ts';
import { exitCodes } from './output.ts';
import { atRestPassphrase, keyPassphraseOf } from './person.ts';

/** Runs one command line; returns the exit code of DESIGN 6. Commands set `process.exitCode` themselves when they end otherwise. */
export async function main(args: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  armCrashPoint(process.env.LIENTHONG_CRASH_AT);
  setKeyPassphrase(keyPassphraseOf);
  atRestSources({ credentials: process.env.CREDENTIALS_DIRECTORY, passphrase: atRestPassphrase });
  const program = new Command('lienthong')
    .description(
      'Gửi và nhận văn bản điện tử giữa các cơ quan.\nCarries official documents between government offices.',
    )
    .version(version)
    .exitOverride()
    // Before the rooms add theirs: every command inherits it. Commander's own sentence is English.
    .configureOutput({
      outputError: (text, write) => {
        const said = {
          vi: 'Lệnh chưa đúng; thêm --help để xem cách dùng.',
          en: 'Add --help to see how it is used.',
        };
        const known = { titleVi: said.vi, title: text.trim(), remedy: said.en, code: 'command' };
        if (!args.includes('--json')) write(`${said.vi}\n${text}${said.en}\n`);
        else write(`${JSON.stringify({ ...known, exit: exitCodes.wrongUse })}\n`);
      },
    })
    .enablePositionalOptions();
  await addCommands(program, args[0] ?? '');
  for (const command of every(program)) command.exitOverride();
  try {
    await program.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; help and version end well.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse;
  }
}

/** Only the room that the command needs is loaded: an old office PC starts `lienthong send` without the hub's code. */
async function addCommands(program: Command, first: string): Promise<void> {
  const rooms: readonly { readonly names: readonly string[]; add(): Promise<void> }[] = [
    { names: ['hub'], add: async () => (await import('../hub/commands.ts')).hubCommands(program) },
    { names: ['axis'], add: async () => (await import('./axis/commands.ts')).axisCommands(program) },
    { names: ['demo'], add: async () => (await import('./demo/command.ts')).demoCommand(program) },
    {
      names: ['edxml'],
      add: async () => (await import('./edxml/commands.ts')).edxmlCommands(program),
    },
    {
      names: ['certs'],
      add: async () => (await import('./certs/commands.ts')).certsCommands(program),
    },
    {
      names: ['keys'],
      add: async () => (await import('./keys/commands.ts')).keysCommands(program),
    },
    {
      names: ['envelope', 'verify'],
      add: async () => (await import('./evidence/commands.ts')).evidenceCommands(program),
    },
    { names: ['at-rest'], add: async () => (await import('./at-rest/commands.ts')).atRestCommands(program) },
    { names: ['policy'], add: async () => (await import('./policy/commands.ts')).policyCommands(program) },
    { names: ['pdf'], add: async () => (await import('./pdf/commands.ts')).pdfCommands(program) },
    { names: ['text'], add: async () => (await import('./text/commands.ts')).textCommands(program) },
    { names: [], add: async () => (await import('../edge-node/commands.ts')).nodeCommands(program) },
  ];
  const help = first === '' || first === 'help' || first.startsWith('-');
  const chosen = rooms.find(({ names }) => names.includes(first)) ?? rooms.at(-1)!;
  for (const room of help ? rooms : [chosen]) await room.add();
  // A word that no room knows is answered with what all of them know.
  if (!help && !program.commands.some((command) => command.name() === first))
    for (const room of rooms) if (room !== chosen) await room.add();
}

function* every(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* every(sub);
}

/** `accept.9` or `accept.9:3` (the third passing): for the proofs in test/kill only, never from a file or the network. */
function armCrashPoint(text: string | undefined): void {
  if (!text) return;
  const [name, nth] = text.split(':');
  armCrash(name as CrashPoint, Number(nth ?? 1));
}
