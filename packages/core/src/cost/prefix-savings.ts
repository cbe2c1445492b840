import { findModel } from '@batchwright/protocol';
import { segmentTokens } from '../prefix/predicted-usage.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { TTL_CODES, ttlOf, type MarkerTtl } from '../prefix/token-rates.ts';
import { amountOf, ratesOf } from './bill.ts';
import type { EstimateTerms } from './estimate.ts';

/** A prefix that a plan caches, and what that saves. */
export interface PrefixSaving {
  readonly model: string;
  /** Of the whole prefix. */
  readonly tokens: number;
  /** Of those, the ones that no shorter prefix of the plan holds already. */
  readonly ownTokens: number;
  readonly requests: number;
  /** Position of its last block in its prompts, from 0, in the order tools, system, messages. */
  readonly block: number;
  /** Null where entries live until they are evicted. */
  readonly ttl: MarkerTtl | null;
  /** Against none of its requests caching it; null without prices. Below 0 where two alone share what lives an hour. */
  readonly nanoUsd: number | null;
}

/** The prefixes of a plan that save most, the best first: by money where all have prices, else by tokens read. */
export function largestSavings(plan: PlacedPlan, terms: EstimateTerms, count: number): readonly PrefixSaving[] {
  const money = Float64Array.from({ length: plan.nodeCount }, (_, node) => savedNanoUsd(plan, terms, node) ?? NaN);
  const hasPrices = !money.some(Number.isNaN);
  const weight = (node: number): number =>
    hasPrices ? (money[node] as number) : segmentTokens(plan, node) * ((plan.requests[node] as number) - 1);
  const best = bestOf(plan.nodeCount, weight, count);
  return best.map((node) => ({
    model: modelOf(plan, node),
    tokens: plan.tokens[node] as number,
    ownTokens: segmentTokens(plan, node),
    requests: plan.requests[node] as number,
    block: plan.block[node] as number,
    ttl: terms.profile === 'ignored' ? null : ttlOf(plan.ttl[node] as number),
    nanoUsd: Number.isNaN(money[node]) ? null : (money[node] as number),
  }));
}

/** The id, where the name is known. */
function modelOf(plan: PlacedPlan, node: number): string {
  const name = plan.models[plan.model[node] as number] ?? '';
  return findModel(name)?.id ?? name;
}

/** One request writes what the node adds, the others read it, instead of all of them paying for it in full. */
function savedNanoUsd(plan: PlacedPlan, terms: EstimateTerms, node: number): number | null {
  const model = modelOf(plan, node);
  const rates = terms.isPriced ? ratesOf(model, plan.tokens[node] as number, terms) : null;
  if (rates === null) return null;
  const own = segmentTokens(plan, node);
  const requests = plan.requests[node] as number;
  const isLong = plan.ttl[node] === TTL_CODES['1h'];
  const cached = {
    ...NO_TOKENS,
    write5mTokens: isLong ? 0 : own,
    write1hTokens: isLong ? own : 0,
    readTokens: own * (requests - 1),
  };
  return amountOf(rates, { ...NO_TOKENS, inputTokens: own * requests }) - amountOf(rates, cached);
}

const NO_TOKENS = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

/** A plan may have more prefixes than is good to sort. Of equals the first come first. */
function bestOf(count: number, weight: (node: number) => number, most: number): readonly number[] {
  const best: number[] = [];
  for (let node = 0; node < count; node++) {
    if (best.length === most && weight(node) <= weight(best[most - 1] as number)) continue;
    const at = best.findIndex((other) => weight(other) < weight(node));
    best.splice(at < 0 ? best.length : at, 0, node);
    best.length = Math.min(best.length, most);
  }
  return best;
}
