import {
  amountOf,
  BatchBudget,
  expectedTokens,
  isJsonObject,
  promptTokensOf,
  ratesOf,
  readCacheMarkers,
  sumOfModels,
  tokenEstimator,
  type BatchRecord,
  type ExpectedPrompt,
  type JsonObject,
  type LedgerTotals,
  type PlacedPlan,
} from '@batchwright/core';
import type { Billing } from '../results/shard-ledger.ts';

/** What a shard may still spend, as dispatch and the API ask for it. */
export interface BudgetState {
  readonly reservedNanoUsd: number;
  /** The next request does not fit. */
  readonly isExhausted: boolean;
}

/**
 * The budget of a shard: judges requests by their params at the moment they would be sent, and keeps what was reserved
 * for them until their results are durable. Batches without a budget pay nothing for it: their params are not looked at.
 */
export class ShardBudget implements BudgetState {
  readonly #plan: PlacedPlan;
  readonly #billing: Billing;
  readonly #budget: BatchBudget;
  readonly #dropsMarkers: boolean;
  /** Handed out and not judged yet: their params are being read. */
  readonly #undecided = new Set<number>();
  /** A request was refused under this cap. */
  #isNearCap = false;

  constructor({ options }: BatchRecord, plan: PlacedPlan, billing: Billing, spent: LedgerTotals) {
    const { costNanoUsd: nanoUsd, requests: answers, outputTokens } = sumOfModels(spent);
    this.#plan = plan;
    this.#billing = billing;
    this.#dropsMarkers = options.markers === 'off';
    this.#budget = new BatchBudget(options.budgetNanoUsd, { nanoUsd, answers, outputTokens });
  }

  get reservedNanoUsd(): number {
    return this.#budget.reservedNanoUsd;
  }

  get isExhausted(): boolean {
    return this.#budget.isExhausted;
  }

  /**
   * Whether the shard should hand out nothing more for now. Near its cap one request at a time is read and judged: else
   * each answer would have as many read as there are places in flight, and nearly all of them for nothing.
   */
  get isClosed(): boolean {
    return this.isExhausted || (this.#isNearCap && this.#undecided.size > 0);
  }

  /** A request is handed out, to be judged once its params are there. */
  handedOut(request: number): void {
    if (this.#budget.capNanoUsd !== null) this.#undecided.add(request);
  }

  /** Whether a request may go now; `isWarm` says that its prefix is to be read. What it may cost is reserved if so. */
  reserve(request: number, params: Uint8Array, isWarm: boolean, atMs: number): boolean {
    this.#undecided.delete(request);
    if (this.#budget.capNanoUsd === null) return true;
    const isReserved = this.#budget.reserve(request, this.#expectedNanoUsd(request, params, isWarm, atMs));
    if (!isReserved) this.#isNearCap = true;
    return isReserved;
  }

  /** The request's call failed or never began. */
  release(request: number): void {
    this.#undecided.delete(request);
    this.#budget.release(request);
  }

  /** The request's answer is durable, and in the ledger at this cost. */
  settle(request: number, costNanoUsd: number, outputTokens: number): void {
    this.#budget.settle(request, costNanoUsd, outputTokens);
  }

  /** Takes over what the batch's record says; true when that is another cap. */
  adopt({ options }: BatchRecord): boolean {
    const isOther = options.budgetNanoUsd !== this.#budget.capNanoUsd;
    this.#budget.setCap(options.budgetNanoUsd);
    if (isOther) this.#isNearCap = false;
    return isOther;
  }

  /** A model without a known price costs nothing that could be counted. */
  #expectedNanoUsd(request: number, bytes: Uint8Array, isWarm: boolean, atMs: number): number {
    const parsed: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    const params = isJsonObject(parsed) ? parsed : {};
    const { model, max_tokens: maxTokens, inference_geo: inferenceGeo } = params;
    const name = typeof model === 'string' ? model : '';
    const answer = this.#budget.answerTokens(typeof maxTokens === 'number' ? maxTokens : null);
    const tokens = expectedTokens(this.#prompt(request, params, bytes.byteLength, isWarm), answer);
    const { isBatch, isPriced, table } = this.#billing;
    const geo = typeof inferenceGeo === 'string' ? inferenceGeo : null;
    const rates = isPriced ? ratesOf(name, promptTokensOf(tokens), { atMs, isBatch, inferenceGeo: geo, table }) : null;
    return rates === null ? 0 : amountOf(rates, tokens);
  }

  #prompt(request: number, params: JsonObject, bytes: number, isWarm: boolean): ExpectedPrompt {
    const { anchor: anchors, tokens, ttl, block, suffixTokens } = this.#plan;
    const anchor = anchors[request] ?? -1;
    const isShared = anchor >= 0;
    const written = ttl[anchor] === 1 ? 'write1h' : 'write5m';
    return {
      prefixTokens: isShared ? (tokens[anchor] as number) : 0,
      prefix: isShared && isWarm ? 'read' : written,
      restTokens: suffixTokens[request] || (isShared ? 0 : estimatedTokens(params, bytes)),
      rest: this.#restOf(params, isShared ? (block[anchor] as number) : -1),
    };
  }

  /** What the client marked behind the last shared block is written by every request. */
  #restOf(params: JsonObject, after: number): ExpectedPrompt['rest'] {
    if (this.#dropsMarkers) return 'input';
    const own = readCacheMarkers(params).filter(({ block }) => block > after);
    if (own.length === 0) return 'input';
    return own.some(({ ttl }) => ttl === '1h') ? 'write1h' : 'write5m';
  }
}

/** Of a batch that was planned without a budget and shares nothing: as if all of it were text, which it is at most. */
function estimatedTokens({ model }: JsonObject, textBytes: number): number {
  const estimate = tokenEstimator(typeof model === 'string' ? model : '');
  return estimate({ textBytes, images: 0, documents: 0, documentBytes: 0 });
}
