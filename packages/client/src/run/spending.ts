import type { BatchRecord } from '../journal/run-record.ts';
import { UnpricedRunError } from './run-errors.ts';
import type { RunState } from './run-state.ts';

/** What comes next would cost more than the run may. */
export interface OverBudget {
  readonly type: 'over_budget';
  readonly spentNanoUsd: number;
  /** Of the next batch; of one that only writes, with the least of what reads it. */
  readonly nextNanoUsd: number;
  /** Expected of the whole run, what was spent included. */
  readonly wholeNanoUsd: number;
  readonly maxNanoUsd: number;
}

/**
 * Whether there is money for a batch beside those under way; null: there is. Leaders alone are money for nothing: they go
 * where something that waits for them can go as well.
 */
export function afford(run: RunState, batch: BatchRecord, underWay: readonly BatchRecord[]): OverBudget | null {
  const { maxNanoUsd } = run.settings;
  if (maxNanoUsd === null) return null;
  const planned = run.journal.record.batches.filter(({ state }) => state.type === 'planned');
  const plannedNanoUsd = sum(planned.map((each) => expectedOf(run, each)));
  const nextNanoUsd = expectedOf(run, batch) + leastBehind(run, batch, planned);
  const spentNanoUsd = run.spentNanoUsd();
  const coming = sum(underWay.map((sent) => expectedOf(run, sent) * run.status.shareToCome(sent)));
  if (spentNanoUsd + coming + nextNanoUsd <= maxNanoUsd) return null;
  return {
    type: 'over_budget',
    spentNanoUsd,
    nextNanoUsd,
    wholeNanoUsd: spentNanoUsd + coming + plannedNanoUsd,
    maxNanoUsd,
  };
}

/** What the cheapest of those costs that wait for a batch, with whatever else it waits for; 0: nobody does. */
function leastBehind(run: RunState, { plan: { number } }: BatchRecord, planned: readonly BatchRecord[]): number {
  const behind = planned.filter(({ plan }) => plan.after.includes(number));
  if (behind.length === 0) return 0;
  const costs = behind.map((waiting) => {
    const others = planned.filter(({ plan }) => plan.number !== number && waiting.plan.after.includes(plan.number));
    return sum([waiting, ...others].map((each) => expectedOf(run, each)));
  });
  return Math.min(...costs);
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
