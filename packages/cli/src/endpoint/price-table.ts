import { resolve } from 'node:path';
import type { Config } from '@batchwright/server';
import { modelTable, PUBLISHED_MODELS, type ModelTable } from '@batchwright/core';
import type { Host } from '../host.ts';

/** What models cost, as a file says over what is published. */
export interface PriceTable {
  readonly type: 'table';
  readonly models: ModelTable;
  /** As a server takes it. */
  readonly file: Config['prices'];
}

/** What is wrong with a file of prices, a line for each fault. */
export interface PriceFaults {
  readonly type: 'faults';
  readonly lines: readonly string[];
}

/** Reads a file of prices, the same one a server reads and by the same rules; null: those published. */
export async function readPriceTable(path: string | null, host: Host): Promise<PriceTable | PriceFaults> {
  if (path === null) return { type: 'table', models: PUBLISHED_MODELS, file: null };
  const { loadConfig } = await import('@batchwright/server');
  const file = resolve(host.cwd, path);
  // A server's other settings are none of this command's business, wherever it was started.
  const readFile = (name: string): string | null => (resolve(name) === file ? host.readFile(name) : null);
  const loaded = loadConfig({ args: ['--prices', path], env: {}, cwd: host.cwd, readFile });
  if (loaded.type === 'invalid') return { type: 'faults', lines: loaded.lines };
  const { prices } = loaded.config;
  return { type: 'table', models: modelTable(PUBLISHED_MODELS, prices?.models ?? []), file: prices };
}
