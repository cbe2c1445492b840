import type { PlacedPlan } from './placed-plan.ts';
import { TTL_CODES } from './token-rates.ts';

/** Tokens of prompts by what is paid for them. */
export interface PredictedUsage {
  readonly written5m: number;
  readonly written1h: number;
  readonly read: number;
  readonly input: number;
}

/**
 * The tokens of a batch if all goes as planned: each node is written once, by a request below it that reads the node
 * above, and every other request reads its anchor. The four sum to the tokens of all prompts. On an upstream that caches
 * by itself, `written5m` is what is computed once and kept, though nobody is charged for it.
 */
export function predictUsage(plan: PlacedPlan): PredictedUsage {
  const written = [plan.unshared.written5m, plan.unshared.written1h];
  let read = 0;
  let input = 0;
  for (let v = 0; v < plan.nodeCount; v++) {
    const tokens = segmentTokens(plan, v);
    const code = plan.ttl[v] as number;
    written[code] = (written[code] ?? 0) + tokens;
    read -= tokens;
  }
  for (let r = 0; r < plan.requestCount; r++) {
    const anchor = plan.anchor[r] as number;
    if (anchor >= 0) read += plan.tokens[anchor] as number;
    input += plan.suffixTokens[r] as number;
  }
  input -= plan.unshared.written5m + plan.unshared.written1h;
  return { written5m: written[TTL_CODES['5m']] ?? 0, written1h: written[TTL_CODES['1h']] ?? 0, read, input };
}

/** Tokens that a node adds to the one above it, ℓ(v). */
export function segmentTokens(plan: Pick<PlacedPlan, 'parent' | 'tokens'>, node: number): number {
  const above = plan.parent[node] as number;
  return (plan.tokens[node] as number) - (above < 0 ? 0 : (plan.tokens[above] as number));
}
