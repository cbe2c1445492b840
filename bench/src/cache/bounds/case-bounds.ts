/** What a case can cost and take at least. */
import { makespanBound, planPrefixes, type CallTiming } from '@batchwright/core';
import { timingOf } from '../case-play.ts';
import type { Played } from '../play/play-terms.ts';
import { joined } from '../prompts/prompt-table.ts';
import type { Case, CaseBatch } from '../workloads/case.ts';
import { bubbleBoundMs } from './bubble-bound.ts';
import { boundOf, summed, type CostTerms, type TokenBound } from './token-cost.ts';

/** How long a case takes at least, by what bounds it. */
export interface MakespanBounds {
  readonly workMs: number;
  readonly chainMs: number;
  /** What the rate limits allow at most. */
  readonly rateMs: number;
  /** With what cannot run before the first prefixes are warm; an estimate where siblings differ. */
  readonly bubbleMs: number;
}

/** The fewest tokens that what was billed for can have cost, tenant by tenant. */
export function tokenBound(batches: readonly CaseBatch[], { billed }: Played, terms: CostTerms): TokenBound {
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
export function replicaBound(batches: readonly CaseBatch[], { replicaOf }: Played, terms: CostTerms): TokenBound {
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

/** The bounds of a case's time, if all its batches were there from the start. */
export function makespanBounds(measured: Case, batches: readonly CaseBatch[], bound: TokenBound): MakespanBounds {
  const { baseMs, tokensPerMs, answerMs } = timingOf(measured);
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
