import { COMMON_RATES, ratesOf, writeRate, type EstimateTerms, type TokenRates } from '@batchwright/core';

/** What is paid and need not be. */
export interface Loss {
  /** In tokens at the price of input, so that what has no price can be ranked too. */
  readonly tokens: number;
  /** Null when the model has no known price. */
  readonly nanoUsd: number | null;
}

export const NO_LOSS: Loss = { tokens: 0, nanoUsd: 0 };

export function sumOf(a: Loss, b: Loss): Loss {
  const nanoUsd = a.nanoUsd === null || b.nanoUsd === null ? null : a.nanoUsd + b.nanoUsd;
  return { tokens: a.tokens + b.tokens, nanoUsd };
}

/** What caching costs for one model, and how long its entries live. */
export class CachingCosts {
  readonly #rates: TokenRates;
  /** In nano-dollars, of a token of input; null: unknown. */
  readonly #input: number | null;
  readonly #ttlCode: number;

  constructor(model: string, promptTokens: number, ttlCode: number, terms: EstimateTerms) {
    const found = terms.isPriced ? ratesOf(model, promptTokens, terms) : null;
    const input = found?.prices.input ?? 0;
    this.#ttlCode = ttlCode;
    this.#input = found === null ? null : input * (terms.isBatch ? 0.5 : 1);
    this.#rates =
      found === null || input === 0
        ? COMMON_RATES
        : {
            write5m: found.prices.write5m / input,
            write1h: found.prices.write1h / input,
            read: found.prices.read / input,
          };
  }

  /** What reading a token costs of what it costs as input. */
  get readShare(): number {
    return this.#rates.read;
  }

  /** What the same token costs in so many prompts that share it: written once, where that pays, and read. */
  shared(requests: number): number {
    return Math.min(requests, this.#write(this.#ttlCode) + this.#rates.read * (requests - 1));
  }

  /** What a token costs to write beyond plain input. */
  premium(ttlCode: number): number {
    return Math.max(0, this.#write(ttlCode) - 1);
  }

  /** What a token costs that each of so many requests writes for itself. */
  writtenByAll(requests: number, ttlCode: number): number {
    return requests * this.#write(ttlCode);
  }

  /** So many tokens at the price of input. */
  loss(tokens: number): Loss {
    const rounded = Math.max(0, Math.round(tokens));
    return { tokens: rounded, nanoUsd: this.#input === null ? null : Math.round(tokens * this.#input) };
  }

  #write(ttlCode: number): number {
    return writeRate(this.#rates, ttlCode);
  }
}
