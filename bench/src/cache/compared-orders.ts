import { planPrefixes, type PlacedPlan, type PromptBlocks } from '@batchwright/core';
import type { CostTerms, TokenBound } from './bounds/token-cost.ts';
import { costTermsOf, outcomeOf, planOf, playedBatch, profileOf, termsOf, type Outcome } from './case-play.ts';
import { documentMajor, listed, questionMajor, submitted } from './orders/file-order.ts';
import { GreedyOrder } from './orders/greedy-order.ts';
import { leaderFirst } from './orders/leader-first.ts';
import type { MakeOrder } from './orders/order.ts';
import type { PlayedBatch } from './play/play-terms.ts';
import { play } from './play/play.ts';
import { Chance } from './prompts/chance.ts';
import { prefixesOf, promptsAt } from './prompts/prompt-table.ts';
import type { Case, CaseBatch } from './workloads/case.ts';

/** The other orders, with the markers a client would set by itself. */
export function compared(measured: Case, batches: readonly CaseBatch[], bound: TokenBound): readonly Outcome[] {
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
function anchorPrompts(prompts: PromptBlocks, plan: PlacedPlan): PromptBlocks {
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
