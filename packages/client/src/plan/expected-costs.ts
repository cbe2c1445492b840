import {
  amountOf,
  ratesOf,
  USUAL_ANSWER_TOKENS,
  type BillTerms,
  type ModelTable,
  type PredictedUsage,
  type PromptBlocks,
  type Rates,
  type RequestNotes,
} from '@batchwright/core';
import type { PlanTerms } from './planning.ts';

/** What each request is expected to cost: its prompt as planned, and an answer of the usual length. */
export class ExpectedCosts {
  /** Per request; NaN: its model has no known price. */
  readonly nanoUsd: Float64Array;
  readonly #blocks: PromptBlocks;
  readonly #maxTokens: Uint32Array;
  readonly #models: ModelTable;
  readonly #terms: BillTerms;
  readonly #bill = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

  constructor(blocks: PromptBlocks, { maxTokens }: RequestNotes, { models, atMs, hasBatchDiscount }: PlanTerms) {
    this.nanoUsd = new Float64Array(blocks.requestCount).fill(NaN);
    this.#blocks = blocks;
    this.#maxTokens = maxTokens;
    this.#models = models;
    this.#terms = { atMs, isBatch: hasBatchDiscount, table: models };
  }

  addUsage(request: number, { written5m, written1h, read, input }: Readonly<PredictedUsage>): void {
    this.add(request, written5m, written1h, read, input);
  }

  add(request: number, written5m: number, written1h: number, read: number, input: number): void {
    const rates = this.#ratesOf(request, written5m + written1h + read + input);
    if (rates === null) return;
    const bill = this.#bill;
    bill.write5mTokens = written5m;
    bill.write1hTokens = written1h;
    bill.readTokens = read;
    bill.inputTokens = input;
    bill.outputTokens = Math.min(USUAL_ANSWER_TOKENS, this.#maxTokens[request] as number);
    this.nanoUsd[request] = amountOf(rates, bill);
  }

  #ratesOf(request: number, promptTokens: number): Rates | null {
    if (!this.#models.isPriced) return null;
    return ratesOf(this.#blocks.models[this.#blocks.model[request] as number] ?? '', promptTokens, this.#terms);
  }
}
