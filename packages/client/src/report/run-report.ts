import type { LedgerTotals } from '@batchwright/core';

/** What a run came to. */
export interface RunReport {
  readonly requests: number;
  readonly counts: {
    readonly succeeded: number;
    readonly errored: number;
    readonly canceled: number;
    readonly expired: number;
  };
  /** Of those that succeeded, the ones whose answer `judge` did not take. */
  readonly rejected: number;
  /** Requests not settled yet, where the run was left. */
  readonly unsettled: number;
  /** Requests tried more than once, and tries beyond the first. */
  readonly retried: { readonly requests: number; readonly attempts: number };
  /** The commonest failures first, at most ten. */
  readonly failures: readonly FailureKind[];
  /** Every answer that was paid for, those tried again included; by model. */
  readonly totals: LedgerTotals;
  /** In thousand-millionths of a dollar; null when some model has no known price, or the upstream takes no money. */
  readonly cost: RunCost | null;
  readonly batches: number;
  readonly waves: number;
  readonly startedAtMs: number;
  /** From the run's beginning on, the pauses between processes included. */
  readonly elapsedMs: number;
}

/** Failures of one kind. */
export interface FailureKind {
  /** The API's error type; `expired`, `canceled`; or `rejected`: the answer was not taken. */
  readonly type: string;
  /** With what differs from request to request (numbers, ids, quoted values) left out. */
  readonly message: string;
  readonly count: number;
  /** One of them. */
  readonly example: { readonly customId: string; readonly message: string };
  /** Whether another try may help. */
  readonly isPermanent: boolean;
}

/** What answers cost, and would have otherwise. The discount is counted where the service gives it. */
export interface RunCost {
  readonly nanoUsd: number;
  /** These add up to the whole. */
  readonly byKind: {
    readonly input: number;
    readonly write5m: number;
    readonly write1h: number;
    readonly read: number;
    readonly output: number;
  };
  /** The same answers at the prices of synchronous calls. */
  readonly withoutBatchNanoUsd: number;
  /** The same answers by the same terms, with nothing cached. */
  readonly withoutCachingNanoUsd: number;
}
