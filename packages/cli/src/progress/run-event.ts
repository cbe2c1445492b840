import { sumOfModels, tokensByKind, usdOf, type LedgerTotals } from '@batchwright/core';
import type { RunProgress } from '@batchwright/client';
import type { AnswerFields } from '../answers/answer-fields.ts';
import type { reportObject } from '../answers/report-json.ts';
import type { ProgressChange } from './progress-changes.ts';
import { settledCount } from './progress-figures.ts';

/**
 * What `--json` prints, one object a line: `started`, then `progress` about once a second and `batch_sent` and
 * `batch_ended` as they happen, then `report` and, last, `ended` with the exit code. Keys are only ever added.
 */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly input: string;
      readonly output: string;
      readonly run_dir: string;
      readonly server: string;
      readonly is_simulated: boolean;
    }
  | ReturnType<typeof progressEvent>
  | ReturnType<typeof batchEvent>
  /** What the run came to. */
  | ReturnType<typeof reportObject>
  /** Of `ask`: one answer, as it comes. */
  | ({ readonly type: 'answer'; readonly document: string; readonly question: string } & AnswerFields)
  | {
      readonly type: 'ended';
      readonly outcome: 'finished' | 'already_finished' | 'left' | 'over_budget' | 'failed';
      readonly exit_code: number;
      /** What happened, where that takes words; null elsewhere. */
      readonly message: string | null;
    };

/** How far the run is. */
export function progressEvent(progress: RunProgress) {
  const { phase, requests, counts, retrying, batches, resultsPerSecond, remainingMs, totals, expectedNanoUsd } =
    progress;
  return {
    type: 'progress',
    phase,
    requests,
    settled: settledCount(progress),
    counts,
    retrying,
    batches: {
      planned: batches.length,
      sent: batches.filter(({ id }) => id !== null).length,
      over: overCount(progress),
    },
    results_per_second: resultsPerSecond,
    remaining_seconds: remainingMs === null ? null : Math.round(remainingMs / 1000),
    ...usageFields(totals),
    expected_cost_usd: expectedNanoUsd === null ? null : usdOf(expectedNanoUsd),
    waiting_for: progress.waitingFor,
    remedy: progress.remedy,
  } as const;
}

function overCount({ batches }: RunProgress): number {
  return batches.filter(({ state }) => state === 'downloaded').length;
}

/** What happened to a batch. */
export function batchEvent(change: Exclude<ProgressChange, { readonly type: 'phase' }>) {
  const { number, id, wave, requests, settled } = change.batch;
  return { type: change.type, batch: number, id, wave, requests, settled } as const;
}

function usageFields(totals: LedgerTotals) {
  const sum = sumOfModels(totals);
  return {
    tokens: tokensByKind(sum),
    cost_usd: sum.requests > sum.unpricedRequests ? usdOf(sum.costNanoUsd) : null,
  };
}
