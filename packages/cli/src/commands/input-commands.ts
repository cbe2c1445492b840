import type { Command } from 'commander';
import type { Done } from '../done.ts';
import type { Host } from '../host.ts';
import { addOptions, INPUT_OPTIONS } from '../input/input-options.ts';
import { calling } from './batch-commands.ts';
import type { DoctorOptions } from './doctor.ts';
import type { EstimateCommandOptions } from './estimate.ts';
import { RUN_OPTIONS } from './run-options.ts';
import type { SubmitOptions } from './submit.ts';

/** What can be done with requests that are in a file, or are made of its rows. */
export function addInputCommands(program: Command, host: Host, done: Done): void {
  addEstimate(program, host, done);
  addDoctor(program, host, done);
  addSubmit(program, host, done);
}

const INPUT = 'JSONL of {custom_id, params}, or rows (JSONL, CSV, Parquet) for a template; - is standard input';

function addEstimate(program: Command, host: Host, done: Done): void {
  const { waves, markers, prices } = RUN_OPTIONS;
  const command = program
    .command('estimate')
    .description('what a run would use and cost on the hosted API; nothing is sent, and no key is needed')
    .argument('<input>', INPUT);
  addOptions(addOptions(command, INPUT_OPTIONS), { waves, markers, prices })
    .option('--json', 'print JSON')
    .action(async (input: string, options: EstimateCommandOptions) => {
      const { estimate } = await import('./estimate.ts');
      done(await estimate(input, options, host));
    });
}

function addDoctor(program: Command, host: Host, done: Done): void {
  const { markers, prices } = RUN_OPTIONS;
  const command = program
    .command('doctor')
    .description('which prompts of a run would not be cached, why, and what that costs; nothing is sent')
    .argument('<input>', INPUT);
  addOptions(addOptions(command, INPUT_OPTIONS), { markers, prices })
    .option('--json', 'print JSON')
    .option('--no-color', 'without colours')
    .addHelpText('after', '\nLeaves with 0 when there is nothing to say, with 1 when there is.')
    .action(async (input: string, options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts');
      done(await doctor(input, options, host));
    });
}

function addSubmit(program: Command, host: Host, done: Done): void {
  const command = calling(program.command('submit'))
    .description('send requests as one batch and print its id; what one batch cannot hold: run')
    .argument('<input>', INPUT);
  addOptions(command, INPUT_OPTIONS).action(async (input: string, options: SubmitOptions) => {
    const { submit } = await import('./submit.ts');
    done(await submit(input, options, host));
  });
}
