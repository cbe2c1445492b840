import type { FinalCounts } from '../journal/journal-entry.ts';
import type { RunReport } from '../report/run-report.ts';
import type { RunProgress } from './run-progress.ts';
import type { SettledResult } from './settled-result.ts';

/**
 * A run of any number of requests: read and planned first, then sent, followed, tried again where that helps. Iterating
 * drives it, and yields every request's final result once, as it is known. It can be iterated once.
 */
export interface BulkRun extends AsyncIterable<SettledResult> {
  readonly progress: RunProgress;
  /** Drives the run to its end, or to where it cannot go on; the results stay in the store. */
  settle(): Promise<RunEnd>;
  /** The final results again, from the store; `input`: in the order of the requests. Once the run has settled. */
  results(order: 'input' | 'arrival'): AsyncIterable<SettledResult>;
  /**
   * Notes that the results are where they shall be, and removes what is kept but for the journal; all of it stays where
   * some did not succeed, so that `retryFailed` can try those again.
   */
  finish(): Promise<void>;
  /** Cancels every batch under way; nothing more is sent. What was answered by then is kept. */
  cancel(): Promise<void>;
  close(): Promise<void>;
}

/** Why a run came to rest. */
export type RunEnd =
  | { readonly type: 'settled'; readonly report: RunReport }
  /** It was done before: nothing was touched. `counts` is null of a run that a version without `retryFailed` finished. */
  | { readonly type: 'already_finished'; readonly atMs: number; readonly counts: FinalCounts | null }
  /** The signal, or `detach`; the same run can be taken up. */
  | { readonly type: 'left'; readonly report: RunReport }
  /** What comes next would exceed `maxCostUsd`. */
  | {
      readonly type: 'over_budget';
      readonly spentNanoUsd: number;
      readonly nextNanoUsd: number;
      /** Expected of the whole run, what was spent included. */
      readonly wholeNanoUsd: number;
      readonly maxNanoUsd: number;
      readonly report: RunReport;
    };
