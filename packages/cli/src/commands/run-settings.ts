import { RETRY_CLASSES, type RetryClass, type RunOptions } from '@batchwright/client';
import { nanoUsdOf } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import { chooseEndpoint, type EndpointChoice } from '../endpoint/endpoint-choice.ts';
import type { Host } from '../host.ts';
import type { Identity } from './kept-run.ts';
import type { PLANNING_FLAGS, RunCommandOptions } from './run-options.ts';

/** How a run goes, checked. */
export interface RunSettings {
  readonly run: Omit<RunOptions, 'client' | 'service' | 'store' | 'signal'>;
  /** What was said of how requests are put into batches, by flag; what is the default anyway is left out. */
  readonly planning: Identity;
  readonly order: 'input' | 'arrival';
  readonly endpoint: EndpointChoice;
  /** The file of prices, if there is one. */
  readonly prices: string | null;
  readonly cancelsOnInterrupt: boolean;
  readonly escapesFormulas: boolean;
  readonly restart: 'no' | 'if_idle' | 'cancel';
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
}

/** The settings, or what is wrong with the options: a line for each fault. */
export type SettingsReading =
  | { readonly type: 'settings'; readonly settings: RunSettings }
  | { readonly type: 'faults'; readonly lines: readonly string[] };

/** Reads the options of a run. */
export function readRunSettings(options: RunCommandOptions, host: Host): SettingsReading {
  const faults: string[] = [];
  const read = new OptionReader(faults);
  const endpoint = chooseEndpoint(options.server, host.env);
  if (endpoint.type === 'fault') faults.push(endpoint.line);
  faults.push(...impossiblePairs(options, endpoint.type === 'simulated'));
  const run = runOptions(options, read);
  const order = read.word('--order', options.order, ['arrival', 'input']) ?? 'arrival';
  if (faults.length > 0 || endpoint.type === 'fault') return { type: 'faults', lines: faults };
  const settings: RunSettings = {
    run,
    planning: planningOf(run),
    order,
    endpoint,
    prices: options.prices ?? (host.env['BATCHWRIGHT_PRICES'] || null),
    cancelsOnInterrupt: options.cancelOnInterrupt === true,
    escapesFormulas: options.escapeFormulas === true,
    restart: options.restart !== true ? 'no' : options.cancelOld === true ? 'cancel' : 'if_idle',
    json: options.json === true,
    quiet: options.quiet === true,
    colour: options.color !== false,
  };
  return { type: 'settings', settings };
}

function runOptions(options: RunCommandOptions, read: OptionReader): RunSettings['run'] {
  const { batchRequests, batchBytes, batchTokens } = options;
  const waves = read.word('--waves', options.waves, ['auto', 'off']);
  const latencyTokens = read.integer('--wave-value', options.waveValue, 0, 1_000_000_000_000);
  const requests = read.integer('--batch-requests', batchRequests, 1, LIMITS.batchRequests);
  const bytes = read.bytes('--batch-bytes', batchBytes, LIMITS.batchBodyBytes);
  const tokens = read.integer('--batch-tokens', batchTokens, 1, Number.MAX_SAFE_INTEGER);
  const queuedRequests = read.integer('--queued', options.queued, 1, 1_000_000_000);
  const attempts = read.integer('--attempts', options.attempts, 1, 100);
  const retry = read.retry(options.retry);
  const maxCostUsd = read.dollars('--max-cost', options.maxCost);
  return {
    markers: read.word('--markers', options.markers, ['auto', 'respect', 'off']) ?? 'auto',
    batchSize: {
      ...(requests !== null && { requests }),
      ...(bytes !== null && { bytes }),
      ...(tokens !== null && { tokens }),
    },
    detach: options.detach === true,
    retryFailed: options.retryFailed === true,
    ...(waves !== null && { waves }),
    ...(latencyTokens !== null && { latencyTokens }),
    ...(queuedRequests !== null && { queuedRequests }),
    ...(attempts !== null && { attempts }),
    ...(retry !== null && { retry }),
    ...(maxCostUsd !== null && { maxCostUsd }),
  };
}

function planningOf({ waves, latencyTokens, markers, batchSize }: RunSettings['run']): Identity {
  const values: Readonly<Record<(typeof PLANNING_FLAGS)[number], string | number | undefined>> = {
    '--waves': waves === 'auto' ? undefined : waves,
    '--wave-value': latencyTokens === 0 ? undefined : latencyTokens,
    '--markers': markers === 'auto' ? undefined : markers,
    '--batch-requests': batchSize?.requests,
    '--batch-bytes': batchSize?.bytes,
    '--batch-tokens': batchSize?.tokens,
  };
  const said = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said.map(([flag, value]) => [flag, String(value)]));
}

/** Options that make no sense together, before anything is started. */
function impossiblePairs(options: RunCommandOptions, isSimulated: boolean): readonly string[] {
  const faults: string[] = [];
  const { output = '-', runDir, json, detach, cancelOld, restart, retryFailed } = options;
  if (output === '-' && json === true) {
    faults.push('--json prints events on standard output, and so would the answers go. Name a file with -o.');
  }
  if (output === '-' && runDir === undefined) {
    faults.push(
      'answers on standard output leave no place to keep the run. Name a file with -o, or a directory with --run-dir.',
    );
  }
  if (detach === true && isSimulated) {
    faults.push(
      '--detach leaves the batches to a server, but the simulated one ends with this command. Name a server, or leave --detach out.',
    );
  }
  if (retryFailed === true && restart === true) {
    faults.push('--retry-failed goes on with the run that --restart forgets. Leave one of them out.');
  }
  if (cancelOld === true && restart !== true) {
    faults.push('--cancel-old is about the run that --restart forgets. Add --restart, or leave it out.');
  }
  return faults;
}

/** No request fits in less. */
const LEAST_BODY_BYTES = JSON.stringify({
  requests: [{ custom_id: 'a', params: { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'a' }] } }],
}).length;
const NO_RETRY = 'none';
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20 };

/** Reads the text of options; null for what was not given, and a line among the faults for what is wrong. */
class OptionReader {
  readonly #faults: string[];

  constructor(faults: string[]) {
    this.#faults = faults;
  }

  word<Word extends string>(flag: string, text: string | undefined, words: readonly Word[]): Word | null {
    const word = words.find((one) => one === text) ?? null;
    if (word === null) this.#refuse(flag, text, `one of ${words.join(', ')}`);
    return word;
  }

  integer(flag: string, text: string | undefined, from: number, to: number): number | null {
    const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
    if (value >= from && value <= to) return value;
    const bound =
      to >= Number.MAX_SAFE_INTEGER ? `a whole number from ${from}` : `a whole number from ${from} to ${to}`;
    return this.#refuse(flag, text, bound);
  }

  bytes(flag: string, text: string | undefined, most: number): number | null {
    const [, digits = '', unit = ''] = /^(\d{1,12})\s*([a-z]*)$/i.exec(text ?? '') ?? [];
    const value = Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? Number.NaN);
    if (digits !== '' && value >= LEAST_BODY_BYTES && value <= most) return value;
    return this.#refuse(flag, text, `a size from ${LEAST_BODY_BYTES} to ${most} bytes, such as 50MB`);
  }

  dollars(flag: string, text: string | undefined): string | null {
    if (nanoUsdOf(text) !== null) return text ?? null;
    return this.#refuse(flag, text, 'an amount in dollars above 0, such as 12.50');
  }

  retry(text: string | undefined): readonly RetryClass[] | null {
    if (text === undefined) return null;
    const words = text.split(',').map((word) => word.trim());
    if (words.length === 1 && words[0] === NO_RETRY) return [];
    const classes = words.flatMap((word) => RETRY_CLASSES.filter((known) => known === word));
    if (classes.length === words.length) return classes;
    return this.#refuse('--retry', text, `${NO_RETRY}, or of ${RETRY_CLASSES.join(', ')}, separated by commas`);
  }

  #refuse(flag: string, text: string | undefined, expects: string): null {
    if (text !== undefined) this.#faults.push(`${flag} is "${text}", but must be ${expects}.`);
    return null;
  }
}
