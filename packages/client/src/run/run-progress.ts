import type { LedgerTotals } from '@batchwright/core';

/** How far a run is, at one moment. */
export interface RunProgress {
  readonly phase: 'reading' | 'planning' | 'running' | 'writing' | 'finished';
  /** Requests read so far; from `planning` on, all there are. */
  readonly requests: number;
  /** Requests whose fate is settled, by outcome, as far as it is known. */
  readonly counts: {
    readonly succeeded: number;
    readonly errored: number;
    readonly canceled: number;
    readonly expired: number;
  };
  /** Requests that will be tried again. */
  readonly retrying: number;
  readonly batches: readonly BatchProgress[];
  /** Of about the last minute; null: unknown. */
  readonly resultsPerSecond: number | null;
  /** Milliseconds to the end at this rate; null: unknown, as before a tenth is settled unless the rate is steady. */
  readonly remainingMs: number | null;
  /** What the answers that are here used and cost, by model. */
  readonly totals: LedgerTotals;
  /** Expected of the whole run; null when a model has no known price. */
  readonly expectedNanoUsd: number | null;
  /** What the run waits for, when nothing moves: one line for people. */
  readonly waitingFor: string | null;
  /** What helps against that, in a line for people; null: nothing but waiting. */
  readonly remedy: string | null;
}

export interface BatchProgress {
  readonly number: number;
  /** Null until it was created. */
  readonly id: string | null;
  readonly state: 'planned' | 'sending' | 'in_progress' | 'canceling' | 'ended' | 'downloaded';
  readonly wave: number;
  readonly isLeading: boolean;
  readonly requests: number;
  readonly settled: number;
}
