/** What a token costs, as a multiple of the model's price for input. */
export interface TokenRates {
  readonly write5m: number;
  readonly write1h: number;
  readonly read: number;
}

/**
 * The multiples most models have. Some read cheaper, which makes every cached prefix pay more and changes none of the
 * planner's choices by much; bills are made from real prices elsewhere.
 */
export const COMMON_RATES: TokenRates = { write5m: 1.25, write1h: 2, read: 0.1 };

/** How long an entry lives, as markers spell it. */
export type MarkerTtl = '5m' | '1h';

/** `PrefixPlan.ttl` of each. */
export const TTL_CODES = { '5m': 0, '1h': 1 } as const satisfies Readonly<Record<MarkerTtl, number>>;

export function ttlOf(code: number): MarkerTtl {
  return code === TTL_CODES['1h'] ? '1h' : '5m';
}

export function writeRate(rates: TokenRates, ttlCode: number): number {
  return ttlCode === TTL_CODES['1h'] ? rates.write1h : rates.write5m;
}

/** From how many requests on a prefix costs less when one writes it and the others read it; by ttl code. */
export function worthwhileRequests(rates: TokenRates, ttlCode: number): number {
  return Math.floor((writeRate(rates, ttlCode) - rates.read) / (1 - rates.read)) + 1;
}
