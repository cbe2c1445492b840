import type { RequestState, TurnReason } from '@batchwright/core';
import type { LedgerCheckpoint } from '../catalog/catalog.ts';
import type { BudgetState } from './shard-budget.ts';

/** What can be told of a batch while it runs here. */
export interface RunningBatch {
  readonly states: Readonly<Record<RequestState, number>>;
  readonly settledPerSecond: number;
  /** Calls for its requests, by why it was their turn; reasons that never came up are absent. */
  readonly turns: ReadonlyMap<TurnReason, number>;
  /** Queued requests whose prefix is not warm: they wait for a leader, or to be one. */
  readonly waitingForLeader: number;
  /** Prefixes that were led and have requests waiting. */
  readonly openPrefixes: number;
  readonly ledger: LedgerCheckpoint;
  readonly budget: BudgetState;
}
