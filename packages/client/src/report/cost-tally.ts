import { amountOf, Ledger, NO_SHARE, promptTokensOf, ratesOf, sumOfModels } from '@batchwright/core';
import type { LedgerTotals, ModelTable, Rates, RequestUse, TokenCounts } from '@batchwright/core';
import type { RunCost } from './run-report.ts';

/** What the bills of a run have in common. */
export interface CostTerms {
  /** Whose prices. */
  readonly models: ModelTable;
  /** Whether the service gives the batch discount. */
  readonly hasDiscount: boolean;
}

type MoneyKind = keyof RunCost['byKind'];

/** Of equals the first one takes what rounding left over. */
const KINDS = [
  ['output', 'outputTokens'],
  ['input', 'inputTokens'],
  ['write5m', 'write5mTokens'],
  ['write1h', 'write1hTokens'],
  ['read', 'readTokens'],
] as const satisfies readonly (readonly [MoneyKind, keyof TokenCounts])[];

const NO_TOKENS: TokenCounts = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

/**
 * Sums what answers used and cost. Every amount is a whole number of nano-dollars, each answer's bill rounded by itself as
 * it is on the invoice's terms; the parts by kind add up to the whole, exactly.
 */
export class CostTally {
  readonly #ledger = new Ledger();
  readonly #terms: CostTerms;
  readonly #byKind: Record<MoneyKind, number> = { input: 0, write5m: 0, write1h: 0, read: 0, output: 0 };
  #withoutBatchNanoUsd = 0;
  #spentNanoUsd = 0;

  constructor(terms: CostTerms) {
    this.#terms = terms;
  }

  /** By model. What is added later does not change them. */
  get totals(): LedgerTotals {
    return this.#ledger.totals;
  }

  /** Of the answers whose price is known. */
  get spentNanoUsd(): number {
    return this.#spentNanoUsd;
  }

  /** Adds one answer at the prices of a moment. */
  add(use: RequestUse, atMs: number): void {
    const { models: table, hasDiscount: isBatch } = this.#terms;
    const { isPriced } = table;
    const cost = this.#ledger.addUsage(use, NO_SHARE, { atMs, isBatch, isPriced, table });
    if (cost === null) return;
    this.#spentNanoUsd += cost;
    const rates = ratesOf(use.model, promptTokensOf(use), { atMs, isBatch, inferenceGeo: use.inferenceGeo, table });
    if (rates === null) return;
    this.#withoutBatchNanoUsd += amountOf({ ...rates, isBatch: false }, use);
    this.#addKinds(use, rates, cost);
  }

  /** Null when some answer's model has no known price: what is left out of a sum makes it no sum. */
  cost(): RunCost | null {
    const sum = sumOfModels(this.#ledger.totals);
    if (sum.unpricedRequests > 0 || !this.#terms.models.isPriced) return null;
    return {
      nanoUsd: sum.costNanoUsd,
      byKind: { ...this.#byKind },
      withoutBatchNanoUsd: this.#withoutBatchNanoUsd,
      withoutCachingNanoUsd: sum.uncachedCostNanoUsd,
    };
  }

  /** Halving may leave half a nano-dollar in several kinds; the whole is rounded once, so the largest takes the difference. */
  #addKinds(use: RequestUse, rates: Rates, cost: number): void {
    let [largest, most, rest]: [MoneyKind, number, number] = ['output', -1, cost];
    for (const [kind, field] of KINDS) {
      if (use[field] === 0) continue;
      const amount = amountOf(rates, { ...NO_TOKENS, [field]: use[field] });
      this.#byKind[kind] += amount;
      rest -= amount;
      if (amount > most) [largest, most] = [kind, amount];
    }
    this.#byKind[largest] += rest;
  }
}
