import type { Command } from 'commander';
import type { Host } from '../host.ts';
import { addOptions, INPUT_OPTIONS } from '../input/input-options.ts';
import type { Done } from '../done.ts';
import type { ListOptions } from './list.ts';
import type { RerunOptions } from './rerun.ts';
import type { ResultsOptions } from './results.ts';
import type { WatchOptions } from './watch.ts';
import type { ServiceOptions } from './with-service.ts';

/** What can be done with batches that are there. Ids may be cut short as long as they fit one batch alone. */
export function addBatchCommands(program: Command, host: Host, done: Done): void {
  addList(program, host, done);
  addShow(program, host, done);
  addWatch(program, host, done);
  addResults(program, host, done);
  addCancel(program, host, done);
  addDelete(program, host, done);
  addRerun(program, host, done);
}

/** What every command has that calls an API. */
export function calling(command: Command): Command {
  return command
    .option('--server <url>', 'the API to call (default: ANTHROPIC_BASE_URL, else api.anthropic.com)')
    .option('--json', 'print JSON');
}

const ONE_ID = 'the batch, by its id or the beginning of it';
const IDS = 'batches, by their ids or the beginnings of them';

function addList(program: Command, host: Host, done: Done): void {
  calling(program.command('list'))
    .description('list batches, newest first')
    .option('--limit <number>', 'how many at most', '20')
    .option('--all', 'all there are')
    .action(async (options: ListOptions) => {
      const { list } = await import('./list.ts');
      done(await list(options, host));
    });
}

function addShow(program: Command, host: Host, done: Done): void {
  calling(program.command('show'))
    .description('show one batch: counts and times; of a Batchwright also progress, plan, cost and budget')
    .argument('<id>', ONE_ID)
    .action(async (id: string, options: ServiceOptions) => {
      const { show } = await import('./show.ts');
      done(await show(id, options, host));
    });
}

function addWatch(program: Command, host: Host, done: Done): void {
  calling(program.command('watch'))
    .description('follow batches until all have ended; leaves with 1 when a request failed')
    .argument('<ids...>', IDS)
    .option('--no-color', 'without colours')
    .action(async (ids: readonly string[], options: WatchOptions) => {
      const { watch } = await import('./watch.ts');
      done(await watch(ids, options, host));
    });
}

function addResults(program: Command, host: Host, done: Done): void {
  calling(program.command('results'))
    .description('print the results of a batch, or write them to a file')
    .argument('<id>', ONE_ID)
    .option('-o, --output <path>', 'where to; written whole or not at all (default: standard output)')
    .option(
      '--format <format>',
      'jsonl (the API’s lines), flat, csv, tsv, parquet, sqlite or dir (default: by the output’s name)',
    )
    .option('--escape-formulas', 'of csv and tsv: an apostrophe before what a spreadsheet would compute, such as =1+1')
    .option('--partial', 'what there is of a batch that has not ended, from a Batchwright')
    .action(async (id: string, options: ResultsOptions) => {
      const { results } = await import('./results.ts');
      done(await results(id, options, host));
    });
}

function addCancel(program: Command, host: Host, done: Done): void {
  calling(program.command('cancel'))
    .description('cancel batches; what was answered by then is kept')
    .argument('<ids...>', IDS)
    .action(async (ids: readonly string[], options: ServiceOptions) => {
      const { cancel } = await import('./cancel.ts');
      done(await cancel(ids, options, host));
    });
}

function addDelete(program: Command, host: Host, done: Done): void {
  calling(program.command('delete'))
    .description('delete batches that have ended, with their results')
    .argument('<ids...>', IDS)
    .action(async (ids: readonly string[], options: ServiceOptions) => {
      const { deleteBatches } = await import('./delete.ts');
      done(await deleteBatches(ids, options, host));
    });
}

function addRerun(program: Command, host: Host, done: Done): void {
  const command = calling(program.command('rerun'))
    .description('send the requests of an ended batch that failed again, as a new batch')
    .argument('<id>', ONE_ID)
    .option('--types <types>', 'how they ended: errored, expired, canceled (default: all three, separated by commas)')
    .option('--error-types <types>', 'of those that errored only these, such as rate_limit_error,overloaded_error')
    .option('--input <path>', 'the file the batch was made of; a Batchwright needs none');
  addOptions(command, INPUT_OPTIONS).action(async (id: string, options: RerunOptions) => {
    const { rerun } = await import('./rerun.ts');
    done(await rerun(id, options, host));
  });
}
