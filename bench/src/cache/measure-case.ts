import { performance } from 'node:perf_hooks';
import { makespanBounds, replicaBound, tokenBound, type MakespanBounds } from './bounds/case-bounds.ts';
import type { TokenBound } from './bounds/token-cost.ts';
import { costTermsOf, ourBatch, outcomeOf, planOf, termsOf, type Outcome } from './case-play.ts';
import { compared } from './compared-orders.ts';
import { play } from './play/play.ts';
import { joined } from './prompts/prompt-table.ts';
import type { Case } from './workloads/case.ts';

/** What a case came to. */
export interface CaseResult extends MakespanBounds {
  readonly case: Case;
  readonly requests: number;
  readonly ours: Outcome;
  readonly others: readonly Outcome[];
  readonly bound: TokenBound;
  /** Efficiency against the best to expect where reads get lost by chance. */
  readonly lossyEfficiency: number | null;
  /** Efficiency of each replica against the bound of what came to it, where there are several. */
  readonly replicaEfficiency: number | null;
  readonly planMs: number;
  readonly decisionUs: { readonly p50: number; readonly p99: number };
  readonly eventsPerMinute: number;
  readonly decisions: number;
  readonly openAtRestart: number | null;
}

/** Plays a case with core's schedule and, where it is to be compared, with the other orders. */
export function measureCase(measured: Case): CaseResult {
  const batches = measured.batches();
  const startedMs = performance.now();
  const plans = batches.map(({ prompts }) => planOf(measured, prompts));
  const planMs = performance.now() - startedMs;
  const played = play({
    ...termsOf(measured),
    batches: batches.map((batch, i) => ourBatch(measured, batch, plans[i]!)),
  });
  const terms = costTermsOf(measured);
  const bound = tokenBound(batches, played, terms);
  const parted = measured.replicas === undefined ? null : replicaBound(batches, played, terms);
  const ours = outcomeOf('leader first', played, bound, terms);
  const times = makespanBounds(measured, batches, bound);
  const optimum = measured.lossyOptimum?.(joined(batches.map(({ prompts }) => prompts)));
  return {
    case: measured,
    requests: batches.reduce((sum, { prompts }) => sum + prompts.requestCount, 0),
    ours,
    others: measured.isCompared ? compared(measured, batches, bound) : [],
    bound,
    lossyEfficiency: optimum === undefined ? null : (ours.efficiency * optimum) / bound.cost,
    replicaEfficiency: parted === null ? null : (ours.efficiency * parted.cost) / bound.cost,
    ...times,
    planMs,
    decisionUs: { p50: played.decisions.quantileUs(0.5), p99: played.decisions.quantileUs(0.99) },
    decisions: played.decisions.count,
    eventsPerMinute: (played.events / played.eventsMs) * 60_000,
    openAtRestart: played.openAtRestart,
  };
}

/** What no schedule can be faster than without writing anything twice. */
export function makespanFloorMs({ workMs, chainMs, rateMs }: CaseResult): number {
  return Math.max(workMs, chainMs, rateMs);
}
