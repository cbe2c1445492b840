import type { Brand } from './brand.ts';
import { findModel } from './models.ts';

/** Integer nano-dollars, a thousand-millionth of a US dollar: every price per token is a whole number of them. */
export type NanoUsd = Brand<number, 'NanoUsd'>;

/** What one token costs by its kind, in nano-dollars. $1 per million tokens is 1,000 of them a token. */
export interface TokenPrices {
  readonly input: number;
  readonly write5m: number;
  readonly write1h: number;
  readonly read: number;
  readonly output: number;
}

/**
 * Synchronous prices by kind of token. In a batch half of the total is due; with `inference_geo: "us"` eleven tenths,
 * on the models that report where they ran.
 */
interface PriceRow {
  readonly models: readonly string[];
  /** The day from which the row holds, 00:00 UTC; null from the model's first day. */
  readonly since: string | null;
  readonly prices: TokenPrices;
  /** A dearer tier for the whole of a request whose prompt is longer than `abovePromptTokens`. */
  readonly longPrompt?: { readonly abovePromptTokens: number; readonly prices: TokenPrices };
}

function tokenPrices(input: number, write5m: number, write1h: number, read: number, output: number): TokenPrices {
  return { input, write5m, write1h, read, output };
}

/** As published in October 2026. A model that is not listed has no known price. A price that changes gets a new row. */
const PRICE_ROWS: readonly PriceRow[] = [
  {
    models: ['claude-fable-5-1', 'claude-mythos-5-1'],
    since: null,
    prices: tokenPrices(10_000, 12_500, 20_000, 250, 50_000),
  },
  {
    models: ['claude-fable-5', 'claude-mythos-5'],
    since: null,
    prices: tokenPrices(10_000, 12_500, 20_000, 1000, 50_000),
  },
  { models: ['claude-opus-5-5'], since: null, prices: tokenPrices(4000, 5000, 8000, 200, 20_000) },
  {
    models: ['claude-opus-5', 'claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6', 'claude-opus-4-5-20251101'],
    since: null,
    prices: tokenPrices(5000, 6250, 10_000, 500, 25_000),
  },
  { models: ['claude-sonnet-5-5'], since: null, prices: tokenPrices(2000, 2500, 4000, 200, 10_000) },
  { models: ['claude-sonnet-5-5'], since: '2026-10-07', prices: tokenPrices(2000, 2500, 4000, 100, 10_000) },
  { models: ['claude-sonnet-5'], since: null, prices: tokenPrices(2000, 2500, 4000, 200, 10_000) },
  {
    models: ['claude-sonnet-4-6', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-20250514'],
    since: null,
    prices: tokenPrices(3000, 3750, 6000, 300, 15_000),
  },
  {
    models: ['claude-haiku-5-5'],
    since: null,
    prices: tokenPrices(100, 125, 200, 10, 500),
    longPrompt: { abovePromptTokens: 100_000, prices: tokenPrices(500, 625, 1000, 50, 2500) },
  },
  { models: ['claude-haiku-4-5-20251001'], since: null, prices: tokenPrices(1000, 1250, 2000, 100, 5000) },
  {
    models: ['claude-opus-4-1-20250805', 'claude-opus-4-20250514'],
    since: null,
    prices: tokenPrices(15_000, 18_750, 30_000, 1500, 75_000),
  },
  { models: ['claude-3-5-haiku-20241022'], since: null, prices: tokenPrices(800, 1000, 1600, 80, 4000) },
];

interface DatedPrices extends PriceRow {
  readonly sinceMs: number;
}

/** Rows by model id, the latest first. */
const BY_MODEL: ReadonlyMap<string, readonly DatedPrices[]> = (() => {
  const rows = PRICE_ROWS.map((row) => ({
    ...row,
    sinceMs: row.since === null ? -Infinity : Date.parse(`${row.since}T00:00:00Z`),
  }));
  const latestFirst = rows.sort((a, b) => b.sinceMs - a.sinceMs);
  return new Map(
    latestFirst.flatMap((row) =>
      row.models.map((id) => [id, latestFirst.filter((other) => other.models.includes(id))]),
    ),
  );
})();

/**
 * What a model's tokens cost at a moment, for a prompt of a length; null for a model without a known price. The name
 * may be an id or an alias. The length counts the whole prompt: read, written and neither.
 */
export function findPrices(modelName: string, promptTokens: number, atMs: number): TokenPrices | null {
  const rows = BY_MODEL.get(findModel(modelName)?.id ?? modelName);
  const row = rows?.find((candidate) => candidate.sinceMs <= atMs);
  if (row === undefined) return null;
  const { longPrompt } = row;
  return longPrompt !== undefined && promptTokens > longPrompt.abovePromptTokens ? longPrompt.prices : row.prices;
}
