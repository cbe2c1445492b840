import { Argument, type Command } from 'commander';
import type { Shell } from './commands/completion.ts';
import type { Done } from './done.ts';
import { addBatchCommands } from './commands/batch-commands.ts';
import { addInputCommands } from './commands/input-commands.ts';
import { addRunCommands } from './commands/run-commands.ts';
import type { Host } from './host.ts';

/** The commands of whoever has requests to run, against any Message Batches API: a function per group. */
export function addClientCommands(program: Command, host: Host, done: Done): void {
  addRunCommands(program, host, done);
  addInputCommands(program, host, done);
  addBatchCommands(program, host, done);
  addCompletion(program, host, done);
}

function addCompletion(program: Command, host: Host, done: Done): void {
  program
    .command('completion')
    .description('print a script that lets a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      const { completion } = await import('./commands/completion.ts');
      done(await completion(shell, program, host));
    });
}
