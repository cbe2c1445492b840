import { usageOf, type LedgerTotals, type RequestUse } from '@batchwright/core';
import type { BatchResult } from '@batchwright/protocol';
import type { SettledResult } from '../run/settled-result.ts';
import { CostTally, type CostTerms } from './cost-tally.ts';
import { failureOf, FailureTally } from './failure-tally.ts';
import type { RunReport } from './run-report.ts';

/** What a report says of a run besides its results. */
export interface RunFacts extends Pick<RunReport, 'requests' | 'batches' | 'waves' | 'startedAtMs'> {
  readonly nowMs: number;
}

/** What the answer of a result used; null: it holds none, and nothing was paid for it. */
export function useOf(result: BatchResult): RequestUse | null {
  if (result.type !== 'succeeded') return null;
  const { model, usage } = (result.message ?? {}) as { readonly model?: unknown; readonly usage?: unknown };
  return usageOf(model, usage);
}

type Settled = Pick<SettledResult, 'customId' | 'attempts' | 'rejection'> & { readonly result: BatchResult };

/**
 * Makes a run's report of its results. Each result that came is told once by `addAnswer`, whether it was the last word or
 * not, since it was paid for; each request's final one is told once more by `addSettled`. The order of neither matters.
 */
export class RunTally {
  readonly #cost: CostTally;
  readonly #failures = new FailureTally();
  readonly #counts = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  #rejected = 0;
  #retriedRequests = 0;
  #retriedAttempts = 0;

  constructor(terms: CostTerms) {
    this.#cost = new CostTally(terms);
  }

  get totals(): LedgerTotals {
    return this.#cost.totals;
  }

  /** Of the answers whose price is known. */
  get spentNanoUsd(): number {
    return this.#cost.spentNanoUsd;
  }

  /** A result that came, at the prices of a moment: when its batch was created, so that telling it again gives the same. */
  addAnswer(result: BatchResult, atMs: number): void {
    const use = useOf(result);
    if (use !== null) this.#cost.add(use, atMs);
  }

  /** What finally became of a request. */
  addSettled({ customId, result, attempts, rejection }: Settled): void {
    this.#counts[result.type] += 1;
    if (attempts > 1) {
      this.#retriedRequests += 1;
      this.#retriedAttempts += attempts - 1;
    }
    if (rejection !== null) this.#rejected += 1;
    const failure = rejection === null ? failureOf(result) : { type: 'rejected', message: rejection };
    if (failure !== null) this.#failures.add(customId, failure.type, failure.message);
  }

  report({ requests, batches, waves, startedAtMs, nowMs }: RunFacts): RunReport {
    const { succeeded, errored, canceled, expired } = this.#counts;
    return {
      requests,
      counts: { ...this.#counts },
      rejected: this.#rejected,
      unsettled: requests - succeeded - errored - canceled - expired,
      retried: { requests: this.#retriedRequests, attempts: this.#retriedAttempts },
      failures: this.#failures.commonest(),
      totals: this.totals,
      cost: this.#cost.cost(),
      batches,
      waves,
      startedAtMs,
      elapsedMs: Math.max(0, nowMs - startedAtMs),
    };
  }
}
