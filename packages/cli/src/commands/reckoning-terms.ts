import type { EstimateOptions } from '@batchwright/client';
import { readPriceTable } from '../endpoint/price-table.ts';
import { EXIT_MISUSED, complain } from '../host.ts';
import type { Host } from '../host.ts';

/** What a command was given about the run it reckons with. */
export interface ReckoningOptions {
  readonly waves?: string;
  readonly markers?: string;
  readonly prices?: string;
  readonly json?: boolean;
}

/** The terms of the run; the exit code, once everything that is wrong was said, when there are none. */
export async function readTerms(options: ReckoningOptions, host: Host): Promise<EstimateOptions | number> {
  const faults: string[] = [];
  const waves = choose('--waves', options.waves ?? 'auto', ['auto', 'off'] as const, faults);
  const markers = choose('--markers', options.markers ?? 'auto', ['auto', 'respect', 'off'] as const, faults);
  const prices = await readPriceTable(options.prices ?? (host.env['BATCHWRIGHT_PRICES'] || null), host);
  if (prices.type === 'faults') faults.push(...prices.lines);
  for (const line of faults) complain(host, line);
  if (faults.length > 0 || prices.type === 'faults' || waves === null || markers === null) return EXIT_MISUSED;
  return { waves, markers, models: prices.models, atMs: host.now() };
}

function choose<Word extends string>(
  flag: string,
  text: string,
  words: readonly Word[],
  faults: string[],
): Word | null {
  const word = words.find((one) => one === text) ?? null;
  if (word === null) faults.push(`${flag} is "${text}", but must be one of ${words.join(', ')}.`);
  return word;
}
