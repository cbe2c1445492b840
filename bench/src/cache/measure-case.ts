import {
  Affinity,
  makespanBound,
  planPrefixes,
  UPSTREAM_PROFILES,
  type CallTiming,
  type PlacedPlan,
  type PromptBlocks,
  type UpstreamProfile,
} from '@batchwright/core';
import { performance } from 'node:perf_hooks';
import { bubbleBoundMs } from './bounds/bubble-bound.ts';
import { boundOf, costOf, ratesOf, summed, type CostTerms, type TokenBound } from './bounds/token-cost.ts';
import { documentMajor, listed, questionMajor, submitted } from './orders/file-order.ts';
import { GreedyOrder } from './orders/greedy-order.ts';
import { lanesFirst, leaderFirst } from './orders/leader-first.ts';
import type { MakeOrder } from './orders/order.ts';
import type { BillTally, DuplicateWrites } from './play/bill-tally.ts';
import { play, type Played, type PlayedBatch, type PlayTerms } from './play/play.ts';
import { replicaSeeds, USUAL_TIMING, type Timing } from './play/simulated-upstream.ts';
import { Chance } from './prompts/chance.ts';
import { joined, prefixesOf, promptsAt } from './prompts/prompt-table.ts';
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

export interface CaseResult {
  readonly case: Case;
  readonly requests: number;
  readonly ours: Outcome;
  readonly others: readonly Outcome[];
  readonly bound: TokenBound;
  /** Efficiency against the best to expect where reads get lost by chance. */
  readonly lossyEfficiency: number | null;
  /** Efficiency of each replica against the bound of what came to it, where there are several. */
  readonly replicaEfficiency: number | null;
  readonly workMs: number;
  readonly chainMs: number;
  /** What the rate limits allow at most. */
  readonly rateMs: number;
  readonly bubbleMs: number;
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
  const timing = timingOf(measured);
  const times = makespanBounds(measured, batches, timing, bound);
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

export function profileOf({ profile }: Pick<Case, 'profile'>): UpstreamProfile {
  return profile ?? UPSTREAM_PROFILES.anthropic;
}

function planOf(measured: Case, prompts: PromptBlocks, markers = measured.markers): PlacedPlan {
  const { minimumTokens, ttlClass = '5m' } = measured;
  const profile = profileOf(measured).markers;
  return planPrefixes(prompts, { markers, profile, minimumTokens: () => minimumTokens, ttlClass });
}

function timingOf({ answerMs }: Case): Timing {
  return answerMs === undefined ? USUAL_TIMING : { ...USUAL_TIMING, answerMs };
}

function termsOf(measured: Case): Omit<PlayTerms, 'batches'> {
  const { concurrency, minimumTokens, cache, replicas, limits, faults, restartAtMs, pace } = measured;
  const fault = faults?.();
  return {
    concurrency,
    minimumTokens,
    profile: profileOf(measured),
    cachesAll: profileOf(measured).markers === 'ignored',
    ...(restartAtMs === undefined ? {} : { restartAtMs }),
    ...(pace === undefined ? {} : { pace }),
    upstream: {
      timing: timingOf(measured),
      ...(cache === undefined ? {} : { cache }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(limits === undefined ? {} : { limits }),
      ...(fault === undefined ? {} : { fault }),
    },
  };
}

/** What nobody charges for is still computed: then the tokens that are read count nothing, and all others once. */
const UNPRICED = { write5m: 1, write1h: 1, read: 0 } as const;

function costTermsOf(measured: Case): CostTerms {
  const { model, minimumTokens, ttlClass = '5m' } = measured;
  const rates = profileOf(measured).priced ? ratesOf(model, PLAYED_AT_MS) : UNPRICED;
  return { rates, minimumTokens, ttlClass };
}

function playedBatch(
  { tenant, atMs, cancelAtMs }: CaseBatch,
  prompts: PromptBlocks,
  plan: PlacedPlan | null,
  makeOrder: MakeOrder,
): PlayedBatch {
  return {
    tenant,
    prompts,
    plan,
    makeOrder,
    ...(atMs === undefined ? {} : { atMs }),
    ...(cancelAtMs === undefined ? {} : { cancelAtMs }),
  };
}

function ourBatch({ replicas }: Case, batch: CaseBatch, plan: PlacedPlan): PlayedBatch {
  if (replicas === undefined) return playedBatch(batch, batch.prompts, plan, leaderFirst(plan));
  const affinity = new Affinity(plan, replicaSeeds(replicas));
  const makeOrder = lanesFirst(plan, affinity, replicas);
  return { ...playedBatch(batch, batch.prompts, plan, makeOrder), affinityOf: (request) => affinity.of(request) };
}

function tokenBound(batches: readonly CaseBatch[], { billed }: Played, terms: CostTerms): TokenBound {
  const tenants = [...new Set(batches.map(({ tenant }) => tenant))];
  return summed(
    tenants.map((tenant) =>
      boundOf(
        batches.flatMap((batch, i) => (batch.tenant === tenant ? [{ prompts: batch.prompts, times: billed[i]! }] : [])),
        terms,
      ),
    ),
  );
}

/** Of what went to each replica, the bound; what another replica has does not help. */
function replicaBound(batches: readonly CaseBatch[], { replicaOf }: Played, terms: CostTerms): TokenBound {
  const replicas = [...new Set(replicaOf.map(({ replica }) => replica))];
  return summed(
    replicas.map((replica) => {
      const calls = batches.map(({ prompts }, batch) => {
        const times = new Uint8Array(prompts.requestCount);
        for (const call of replicaOf) if (call.replica === replica && call.batch === batch) times[call.request]! += 1;
        return { prompts, times };
      });
      return boundOf(calls, terms);
    }),
  );
}

function outcomeOf(order: string, played: Played, bound: TokenBound, { rates }: CostTerms): Outcome {
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

export function totalOf(tallies: readonly BillTally[]): BillTally['bill'] {
  const total = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0 };
  for (const { bill } of tallies) {
    total.inputTokens += bill.inputTokens;
    total.write5mTokens += bill.write5mTokens;
    total.write1hTokens += bill.write1hTokens;
    total.readTokens += bill.readTokens;
  }
  return total;
}

function makespanBounds(
  measured: Case,
  batches: readonly CaseBatch[],
  { baseMs, tokensPerMs, answerMs }: Timing,
  bound: TokenBound,
): Pick<CaseResult, 'workMs' | 'chainMs' | 'rateMs' | 'bubbleMs'> {
  const timing: CallTiming = { baseMs, msPerUncachedToken: 1 / tokensPerMs, answerMs };
  const tenants = [...new Set(batches.map(({ tenant }) => tenant))];
  const plans = tenants.map((tenant) => {
    const prompts = joined(batches.filter((batch) => batch.tenant === tenant).map((batch) => batch.prompts));
    return planPrefixes(prompts, {
      markers: 'auto',
      profile: 'ignored',
      minimumTokens: () => measured.minimumTokens,
    });
  });
  let [workMs, chainMs, bubbleMs] = [0, 0, 0];
  for (const plan of plans) {
    const { workMs: ownMs, chainMs: longestMs } = makespanBound(plan, timing, measured.concurrency);
    workMs += ownMs;
    chainMs = Math.max(chainMs, longestMs);
    bubbleMs = Math.max(bubbleMs, bubbleBoundMs(plan, timing, measured.concurrency, ownMs));
  }
  return { workMs, chainMs, rateMs: rateBoundMs(measured, batches, bound), bubbleMs: Math.max(bubbleMs, workMs) };
}

/** A bucket is full at first, and gives a minute's worth each minute from then on. */
function rateBoundMs({ limits }: Case, batches: readonly CaseBatch[], { written, input }: TokenBound): number {
  if (limits === undefined) return 0;
  const requests = batches.reduce((sum, { prompts }) => sum + prompts.requestCount, 0);
  const minutes = Math.max(
    requests / limits.requestsPerMinute - 1,
    (written + input) / limits.inputTokensPerMinute - 1,
    0,
  );
  return minutes * 60_000;
}

/** The other orders, with the markers a client would set by itself. */
function compared(measured: Case, batches: readonly CaseBatch[], bound: TokenBound): readonly Outcome[] {
  const terms = costTermsOf(measured);
  const plain = batches.map(({ prompts, plain = prompts }) => plain);
  const plans = plain.map((prompts) => planOf(measured, prompts, 'respect'));
  const groups = batches.map(({ prompts }) =>
    planPrefixes(prompts, { markers: 'auto', profile: 'ignored', minimumTokens: () => measured.minimumTokens }),
  );
  const chance = new Chance(7);
  const orders: readonly (readonly [string, (i: number) => MakeOrder])[] = [
    ['first in, first out', (i) => submitted(plain[i]!)],
    ['document-major', (i) => listed(documentMajor(groups[i]!))],
    ['question-major', (i) => listed(questionMajor(groups[i]!))],
    ['shuffled', (i) => listed(chance.shuffled(plain[i]!.requestCount))],
    ['greedy, no gate', (i) => (_, isPending) => new GreedyOrder(groups[i]!, isPending)],
    ...(measured.replicas === undefined
      ? []
      : [['leader first, any replica', (i: number) => leaderFirst(groups[i]!)] as const]),
  ];
  const outcomes = orders.map(([name, makeOrder]) => {
    const played = play({
      ...termsOf(measured),
      batches: batches.map((batch, i) => playedBatch(batch, plain[i]!, null, makeOrder(i))),
    });
    return outcomeOf(name, played, bound, terms);
  });
  if (measured.replicas !== undefined) return outcomes;
  return [
    ...outcomes,
    ...(batches.length === 1 ? [warmedUp(measured, plain[0]!, plans[0]!, bound, terms)] : []),
    gatedOnCompletion(measured, batches, bound, terms),
  ];
}

/** The recipe: one call of one token for each prefix, all of them first, then the requests as submitted. */
function warmedUp(measured: Case, plain: PromptBlocks, plan: PlacedPlan, bound: TokenBound, terms: CostTerms): Outcome {
  const warmUps = anchorPrompts(plain, plan);
  const rest: PlayedBatch = { tenant: 'a', prompts: plain, plan: null, makeOrder: submitted(plain) };
  const batches: readonly PlayedBatch[] =
    warmUps.requestCount === 0
      ? [rest]
      : [
          { tenant: 'a', prompts: warmUps, plan: null, makeOrder: submitted(warmUps), answerMs: 0 },
          { ...rest, after: 0 },
        ];
  return outcomeOf('warm-ups, then fifo', play({ ...termsOf(measured), batches }), bound, terms);
}

/** Of each prefix at which requests are anchored, the prompt up to and including it, marked. */
export function anchorPrompts(prompts: PromptBlocks, plan: PlacedPlan): PromptBlocks {
  const firstOf = new Map<number, number>();
  plan.anchor.forEach((anchor, request) => {
    if (anchor >= 0 && !firstOf.has(anchor)) firstOf.set(anchor, request);
  });
  const whole = promptsAt(prompts, [...firstOf.values()]);
  const lengths = [...firstOf.keys()].map((anchor) => plan.block[anchor]! + 1);
  return prefixesOf(whole, lengths);
}

/** Core's schedule, told that prefixes can be read only once the answer that wrote them is over. */
function gatedOnCompletion(
  measured: Case,
  batches: readonly CaseBatch[],
  bound: TokenBound,
  terms: CostTerms,
): Outcome {
  const plans = batches.map(({ prompts }) => planOf(measured, prompts));
  const played = play({
    ...termsOf(measured),
    profile: { ...profileOf(measured), readyOn: 'completion' },
    batches: batches.map((batch, i) => playedBatch(batch, batch.prompts, plans[i]!, leaderFirst(plans[i]!))),
  });
  return outcomeOf('leader first, gated on the end', played, bound, terms);
}
