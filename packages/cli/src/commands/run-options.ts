import type { OptionText } from '../input/input-options.ts';

/** What `run` and `ask` were given about how the run goes, as commander hands it on. */
export interface RunCommandOptions {
  readonly output?: string;
  readonly format?: string;
  readonly escapeFormulas?: boolean;
  readonly order?: string;
  readonly server?: string;
  readonly prices?: string;
  readonly waves?: string;
  readonly waveValue?: string;
  readonly markers?: string;
  readonly batchRequests?: string;
  readonly batchBytes?: string;
  readonly batchTokens?: string;
  readonly queued?: string;
  readonly retry?: string;
  readonly attempts?: string;
  readonly maxCost?: string;
  readonly runDir?: string;
  readonly detach?: boolean;
  readonly cancelOnInterrupt?: boolean;
  readonly retryFailed?: boolean;
  readonly restart?: boolean;
  readonly cancelOld?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** Every option about how a run goes, declared once, beside those about its input. */
export const RUN_OPTIONS = {
  output: option('-o, --output <path>', 'where answers go, whole or not at all; - is standard output'),
  format: option(
    '--format <format>',
    'jsonl (the API’s lines), flat, csv, tsv, parquet, sqlite or dir (default: by the output’s name)',
  ),
  escapeFormulas: option(
    '--escape-formulas',
    'of csv and tsv: an apostrophe before what a spreadsheet would compute, such as =1+1',
  ),
  order: option('--order <order>', 'of the answers: arrival, or input (default: arrival)'),
  server: option(
    '--server <url>',
    'the API to run against, or simulated (default: ANTHROPIC_BASE_URL, else api.anthropic.com with a key, else simulated)',
  ),
  maxCost: option('--max-cost <dollars>', 'send nothing that might make the run cost more'),
  retry: option(
    '--retry <classes>',
    'failures to try again: errored, or of it rate_limited, overloaded, api_error, timed_out; expired; canceled; none (default: errored,expired)',
  ),
  attempts: option('--attempts <number>', 'how often a request is tried at most (default: 3)'),
  waves: option(
    '--waves <how>',
    'auto: on the hosted API, what others read is written a wave before; off (default: auto)',
  ),
  waveValue: option('--wave-value <tokens>', 'input tokens a wave less is worth (default: 0)'),
  markers: option('--markers <how>', 'cache_control: auto adds it where it pays; respect, off (default: auto)'),
  batchRequests: option('--batch-requests <number>', 'requests a batch may hold (default: as many as the API takes)'),
  batchBytes: option(
    '--batch-bytes <size>',
    'bytes a batch may have, such as 50MB (default: as many as the API takes)',
  ),
  batchTokens: option('--batch-tokens <number>', 'estimated tokens of prompts a batch may have (default: any)'),
  queued: option('--queued <number>', 'requests that may be under way at once (default: 100000)'),
  prices: option(
    '--prices <file>',
    'a JSON file with prices of models (default: BATCHWRIGHT_PRICES, else those published)',
  ),
  detach: option('--detach', 'send what can be sent and leave; the same command collects the answers later'),
  cancelOnInterrupt: option('--cancel-on-interrupt', 'Ctrl-C cancels what is under way, and keeps what was answered'),
  runDir: option(
    '--run-dir <path>',
    'where the run is kept until it is done (default: beside the output, ending in .run)',
  ),
  retryFailed: option(
    '--retry-failed',
    'of a finished run: try what did not succeed as often again, and write all answers anew',
  ),
  restart: option('--restart', 'forget the run that was begun before, and begin anew'),
  cancelOld: option('--cancel-old', 'with --restart: cancel what is still under way of the run before'),
  json: option('--json', 'print events as JSON, one a line, on standard output'),
  quiet: option('--quiet', 'say only what is wrong'),
  color: option('--no-color', 'no colours, as with NO_COLOR'),
} as const satisfies Record<keyof RunCommandOptions, OptionText>;

/** Options by which requests are put into batches, as the identity of a run names them. */
export const PLANNING_FLAGS = [
  '--waves',
  '--wave-value',
  '--markers',
  '--batch-requests',
  '--batch-bytes',
  '--batch-tokens',
] as const;

function option(flags: string, prose: string): OptionText {
  return { flags, prose, isRepeatable: false };
}
