import { findModel, type NanoUsd, type TokenPrices } from '@batchwright/protocol';
import { PUBLISHED_MODELS, type ModelTable } from './model-table.ts';

/** Tokens of one request, or of many of one model and price, by what each kind costs. */
export interface TokenCounts {
  /** Neither read from a cache nor written to one. */
  readonly inputTokens: number;
  readonly write5mTokens: number;
  readonly write1hTokens: number;
  readonly readTokens: number;
  readonly outputTokens: number;
}

/** What else a bill depends on. */
export interface BillTerms {
  /** When the request ran: prices change. */
  readonly atMs: number;
  /** Whether the batch discount applies. */
  readonly isBatch: boolean;
  /** As `usage.inference_geo` says; `us` costs a tenth more. */
  readonly inferenceGeo?: string | null;
  /** Whose prices; those published, unless it is given. */
  readonly table?: ModelTable | undefined;
}

/** Tokens of the whole prompt, whatever became of them. */
export function promptTokensOf(tokens: Omit<TokenCounts, 'outputTokens'>): number {
  return tokens.inputTokens + tokens.write5mTokens + tokens.write1hTokens + tokens.readTokens;
}

/** What the tokens of one request are billed by: its model's prices, and what becomes of their total. */
export interface Rates {
  readonly prices: TokenPrices;
  readonly isUs: boolean;
  readonly isBatch: boolean;
}

/** The rates for a prompt of a length; null for a model without a known price. */
export function ratesOf(model: string, promptTokens: number, terms: BillTerms): Rates | null {
  const prices = (terms.table ?? PUBLISHED_MODELS).findPrices(model, promptTokens, terms.atMs);
  if (prices === null) return null;
  const isUs = terms.inferenceGeo === 'us' && findModel(model)?.reportsGeo === true;
  return { prices, isUs, isBatch: terms.isBatch };
}

/**
 * What tokens cost at rates. Discount and surcharge apply to the request's total, and what is left of a nano-dollar then
 * is rounded to the nearest, a half upwards: the only rounding there is, so the sum of many bills is within half a
 * nano-dollar a request of the exact amount.
 */
export function amountOf({ prices, isUs, isBatch }: Rates, tokens: TokenCounts): NanoUsd {
  const total =
    tokens.inputTokens * prices.input +
    tokens.write5mTokens * prices.write5m +
    tokens.write1hTokens * prices.write1h +
    tokens.readTokens * prices.read +
    tokens.outputTokens * prices.output;
  return scaled(total, isUs ? 11 : 1, (isUs ? 10 : 1) * (isBatch ? 2 : 1)) as NanoUsd;
}

/** What one request costs; null for a model without a known price. */
export function billOf(model: string, tokens: TokenCounts, terms: BillTerms): NanoUsd | null {
  const rates = ratesOf(model, promptTokensOf(tokens), terms);
  return rates === null ? null : amountOf(rates, tokens);
}

/** `total` times a fraction, to the nearest whole number, in whole numbers throughout. */
function scaled(total: number, numerator: number, denominator: number): number {
  const product = total * numerator;
  const rest = product % denominator;
  return (product - rest) / denominator + (2 * rest >= denominator ? 1 : 0);
}
