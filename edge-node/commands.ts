// The commands of a node: "lienthong node …" for its operator, "lienthong send|outbox|inbox|…" for a clerk or a script.
// They must never touch the store: they ask the API (commands-reach.ts), except for what works on a folder that stands still.
// First and last thing that a person sees of a document's path.
import type { Command } from 'commander';
import { documentCommands } from './commands-documents.ts';
import { operatorCommands } from './commands-operator.ts';
import { registerCommands } from './commands-register.ts';
import { statusCommands } from './commands-statuses.ts';
import { workCommands } from './commands-work.ts';

export function nodeCommands(program: Command): void {
  operatorCommands(
    program
      .command('node')
      .description(
        'Nút của cơ quan: ghi danh, chạy, sao lưu, kiểm tra.\nThe edge node of an office: enrol, run, back up, check.',
      ),
  );
  documentCommands(program);
  statusCommands(program);
  registerCommands(program);
  workCommands(program);
}
