import type { BatchRecord } from '../journal/run-record.ts';
import { UnpricedRunError } from './run-errors.ts';
import type { RunState } from './run-state.ts';

/** What comes next would cost more than the run may. */
export interface OverBudget {
  readonly type: 'over_budget';
  readonly spentNanoUsd: number;
  readonly nextNanoUsd: number;
  readonly maxNanoUsd: number;
}

/**
 * Whether there is money for a batch beside those under way; null: there is. Before anything is sent the whole run must
 * fit, since half of one is seldom of use.
 */
export function afford(run: RunState, batch: BatchRecord, underWay: readonly BatchRecord[]): OverBudget | null {
  const { maxNanoUsd } = run.settings;
  if (maxNanoUsd === null) return null;
  const { record } = run.journal;
  const next = record.hasSent ? [batch] : record.batches.filter(({ state }) => state.type === 'planned');
  const nextNanoUsd = sum(next.map((planned) => expectedOf(run, planned)));
  const spentNanoUsd = run.spentNanoUsd();
  const coming = sum(underWay.map((sent) => expectedOf(run, sent) * run.status.shareToCome(sent)));
  if (spentNanoUsd + coming + nextNanoUsd <= maxNanoUsd) return null;
  return { type: 'over_budget', spentNanoUsd, nextNanoUsd, maxNanoUsd };
}

function expectedOf({ settings }: RunState, { plan }: BatchRecord): number {
  if (!settings.models.isPriced) return 0;
  if (plan.expectedNanoUsd !== null) return plan.expectedNanoUsd;
  throw new UnpricedRunError(
    'maxCostUsd: some requests name a model without a known price, so nobody can say what they cost; ' +
      'give its prices in `models`, or no maximum',
  );
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
