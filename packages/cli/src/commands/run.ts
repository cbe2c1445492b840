import { checkOutput } from '../answers/output-check.ts';
import { checkClash } from '../answers/output-clash.ts';
import { schemaJudge } from '../answers/schema-judge.ts';
import { checkRunDir } from '../answers/writable-place.ts';
import { readPriceTable } from '../endpoint/price-table.ts';
import { complain, EXIT_MISUSED, type Host } from '../host.ts';
import type { AskOptions, InputOptions } from '../input/input-options.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import type { RequestSource } from '../input/request-source.ts';
import type { BulkCommand } from './bulk-command.ts';
import { driveRun } from './run-drive.ts';
import { explainFailure } from './run-failure.ts';
import type { RunCommandOptions } from './run-options.ts';
import { readRunSettings } from './run-settings.ts';

/** Runs every request of an input, in as many batches as it takes, and writes every answer to one output. */
export async function run(input: string, options: InputOptions & RunCommandOptions, host: Host): Promise<number> {
  return prepareAndDrive([input], options, host, async () => ({
    source: await openRequestSource(input, options, host),
    addsAnswers: false,
    onResult: null,
  }));
}

/** What a command brings to a run. */
export type RunInput = Pick<BulkCommand, 'source' | 'addsAnswers' | 'onResult'>;

/** Checks everything that can be before a run starts, then drives it; answers the exit code. */
export async function prepareAndDrive(
  inputs: readonly string[],
  options: RunCommandOptions & InputOptions & AskOptions,
  host: Host,
  openInput: () => Promise<RunInput>,
): Promise<number> {
  const reading = readRunSettings(options, host);
  if (reading.type === 'faults') return misused(reading.lines, host);
  const { settings } = reading;
  const prices = await readPriceTable(settings.prices, host);
  if (prices.type === 'faults') return misused(prices.lines, host);
  let command: BulkCommand;
  try {
    const path = options.output ?? '-';
    const output = { path, format: await checkOutput(path, options.format, settings.escapesFormulas) };
    const runDir = options.runDir ?? runDirFor(path);
    await checkRunDir(runDir);
    await checkClash({ output: path, runDir, inputs: [...inputs, ...filesIn(options)] }, host.cwd);
    const input = await openInput();
    command = { ...input, settings, prices, judge: judgeOf(input.source, options.schema), output, runDir };
  } catch (error) {
    const failure = explainFailure(error);
    if (failure === null) throw error;
    for (const line of failure.lines) complain(host, line);
    return failure.exitCode;
  }
  return driveRun(command, host);
}

/** Files that options name; a name that is filled in from rows is none. */
function filesIn(options: RunCommandOptions & InputOptions & AskOptions): readonly string[] {
  const { schema, questions, prices, tool = [], document = [], image = [] } = options;
  const texts = [options.prompt, options.system, options.params].filter((text) => text?.startsWith('@') === true);
  const named = [schema, questions, prices, ...tool, ...document, ...image, ...texts.map((text) => text?.slice(1))];
  return named.filter((name) => name !== undefined);
}

function judgeOf({ schema }: RequestSource, name: string | undefined): BulkCommand['judge'] {
  return schema === null ? null : schemaJudge(schema, name ?? 'the schema');
}

/** Beside the output, and named after it. */
function runDirFor(output: string): string {
  return `${output.replace(/[\\/]+$/, '')}.run`;
}

function misused(lines: readonly string[], host: Host): number {
  for (const line of lines) complain(host, line);
  return EXIT_MISUSED;
}
