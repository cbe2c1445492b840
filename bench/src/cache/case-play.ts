/** A case as it is played: its plans, its terms, and what an order came to on it. */
import {
  Affinity,
  planPrefixes,
  UPSTREAM_PROFILES,
  type PlacedPlan,
  type PromptBlocks,
  type UpstreamProfile,
} from '@batchwright/core';
import { costOf, ratesOf, type CostTerms, type TokenBound } from './bounds/token-cost.ts';
import { lanesFirst, leaderFirst } from './orders/leader-first.ts';
import type { MakeOrder } from './orders/order.ts';
import type { BillTally, DuplicateWrites } from './play/bill-tally.ts';
import type { Played, PlayedBatch, PlayTerms } from './play/play-terms.ts';
import { replicaSeeds, USUAL_TIMING, type Timing } from './play/simulated-upstream.ts';
import type { Case, CaseBatch } from './workloads/case.ts';
import { PLAYED_AT_MS } from './workloads/models.ts';

/** What one order came to on one case. */
export interface Outcome {
  readonly order: string;
  readonly written: number;
  readonly read: number;
  readonly input: number;
  /** The bound's cost by the actual one, of the input side. */
  readonly efficiency: number;
  readonly makespanMs: number;
  /** Requests that waited although a place was idle, and the place-seconds that were. */
  readonly delayed: number;
  readonly idleMs: number;
  readonly retries: number;
  readonly duplicates: readonly (DuplicateWrites & { readonly cause: string })[];
}

/** How the case's upstream caches. */
export function profileOf({ profile }: Pick<Case, 'profile'>): UpstreamProfile {
  return profile ?? UPSTREAM_PROFILES.anthropic;
}

/** What core plans for the prompts. */
export function planOf(measured: Case, prompts: PromptBlocks, markers = measured.markers): PlacedPlan {
  const { minimumTokens, ttlClass = '5m' } = measured;
  const profile = profileOf(measured).markers;
  return planPrefixes(prompts, { markers, profile, minimumTokens: () => minimumTokens, ttlClass });
}

/** How long the case's calls take. */
export function timingOf({ answerMs }: Case): Timing {
  return answerMs === undefined ? USUAL_TIMING : { ...USUAL_TIMING, answerMs };
}

/** All of a play but what is played. */
export function termsOf(measured: Case): Omit<PlayTerms, 'batches'> {
  const { concurrency, isAdaptive, minimumTokens, cache, replicas, limits, faults, restartAtMs, pace } = measured;
  const profile = profileOf(measured);
  return {
    concurrency,
    isAdaptive,
    minimumTokens,
    profile,
    cachesAll: profile.markers === 'ignored',
    restartAtMs,
    pace,
    upstream: { timing: timingOf(measured), cache, replicas, limits, fault: faults?.() },
  };
}

/** What the case's tokens cost. */
export function costTermsOf(measured: Case): CostTerms {
  const { model, minimumTokens, ttlClass = '5m' } = measured;
  const rates = profileOf(measured).priced ? ratesOf(model, PLAYED_AT_MS) : UNPRICED;
  return { rates, minimumTokens, ttlClass };
}

/** What nobody charges for is still computed: then the tokens that are read count nothing, and all others once. */
const UNPRICED = { write5m: 1, write1h: 1, read: 0 } as const;

/** A batch in an order, with the markers of a plan. */
export function playedBatch(
  { tenant, atMs, cancelAtMs }: CaseBatch,
  prompts: PromptBlocks,
  plan: PlacedPlan | null,
  makeOrder: MakeOrder,
): PlayedBatch {
  return { tenant, prompts, plan, makeOrder, atMs, cancelAtMs };
}

/** A batch as the server would run it. */
export function ourBatch({ replicas }: Case, batch: CaseBatch, plan: PlacedPlan): PlayedBatch {
  if (replicas === undefined) return playedBatch(batch, batch.prompts, plan, leaderFirst(plan));
  const affinity = new Affinity(plan, replicaSeeds(replicas));
  const makeOrder = lanesFirst(plan, affinity, replicas);
  return { ...playedBatch(batch, batch.prompts, plan, makeOrder), affinityOf: (request) => affinity.of(request) };
}

/** What an order came to, held against the bound. */
export function outcomeOf(order: string, played: Played, bound: TokenBound, { rates }: CostTerms): Outcome {
  const total = totalOf(played.tallies);
  const duplicates = new Map<string, DuplicateWrites>();
  for (const tally of played.tallies) {
    for (const [cause, { writes, tokens }] of tally.duplicates) {
      const known = duplicates.get(cause) ?? { writes: 0, tokens: 0 };
      duplicates.set(cause, { writes: known.writes + writes, tokens: known.tokens + tokens });
    }
  }
  return {
    order,
    written: total.write5mTokens + total.write1hTokens,
    read: total.readTokens,
    input: total.inputTokens,
    efficiency: bound.cost / costOf(total, rates),
    makespanMs: played.makespanMs,
    delayed: played.delayed,
    idleMs: played.idleMs,
    retries: played.retries,
    duplicates: [...duplicates].map(([cause, writes]) => ({ cause, ...writes })),
  };
}

function totalOf(tallies: readonly BillTally[]): BillTally['bill'] {
  const total = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0 };
  for (const { bill } of tallies) {
    total.inputTokens += bill.inputTokens;
    total.write5mTokens += bill.write5mTokens;
    total.write1hTokens += bill.write1hTokens;
    total.readTokens += bill.readTokens;
  }
  return total;
}
