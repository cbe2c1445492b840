import type { Command } from 'commander';
import type { Done } from '../done.ts';
import type { Host } from '../host.ts';
import { addOptions, ASK_OPTIONS, INPUT_OPTIONS, type AskOptions, type InputOptions } from '../input/input-options.ts';
import { RUN_OPTIONS, type RunCommandOptions } from './run-options.ts';

/** What takes requests from the first to the last answer, however many batches that takes. */
export function addRunCommands(program: Command, host: Host, done: Done): void {
  addRun(program, host, done);
  addAsk(program, host, done);
}

const EXIT_CODES =
  '\nLeaves with 0 when every request succeeded, 1 when some did not, 2 when asked wrongly,\n3 when it was left before its end (the same command goes on), 4 when --max-cost stopped it.';

function addRun(program: Command, host: Host, done: Done): void {
  const command = program
    .command('run')
    .description('run a file of requests, or of rows and a template, and write every answer to one output')
    .argument(
      '<input>',
      'JSONL of {custom_id, params}, or rows (JSONL, CSV, Parquet) for a template; - is standard input',
    );
  addOptions(addOptions(command, INPUT_OPTIONS), RUN_OPTIONS)
    .addHelpText('after', EXIT_CODES)
    .action(async (input: string, options: InputOptions & RunCommandOptions) => {
      const { run } = await import('./run.ts');
      done(await run(input, options, host));
    });
}

function addAsk(program: Command, host: Host, done: Done): void {
  const command = program
    .command('ask')
    .description('ask questions about documents; answers are printed, and kept as output/{custom_id}.json')
    .argument('<documents...>', 'text, Markdown, HTML, PDF or image files');
  addOptions(addOptions(command, ASK_OPTIONS), RUN_OPTIONS)
    .addHelpText('after', EXIT_CODES)
    .action(async (documents: readonly string[], options: AskOptions & RunCommandOptions) => {
      const { ask } = await import('./ask.ts');
      done(await ask(documents, options, host));
    });
}
