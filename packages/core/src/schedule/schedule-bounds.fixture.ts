import type { PrefixPlan } from '../prefix/prefix-plan.ts';

/** What no schedule without double writes can beat, under the harness's upstream: all its work, and its longest chain. */
export function makespanBound(
  plan: PrefixPlan,
  concurrency: number,
  answerMs = 19_000,
): { workMs: number; chainMs: number } {
  const own = Array.from(plan.tokens, (tokens, node) => tokens - above(plan, node));
  const calls = Array.from(plan.suffixTokens, (tokens) => 1000 + tokens / 4 + answerMs);
  const workMs = (sum(calls) + sum(own) / 4) / concurrency;
  return {
    workMs,
    chainMs: [...fillers(plan, calls), ...chains(plan, own, calls)].reduce((most, ms) => Math.max(most, ms), 0),
  };
}

const above = (plan: PrefixPlan, node: number): number => plan.tokens[plan.parent[node] as number] ?? 0;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const fillers = (plan: PrefixPlan, calls: readonly number[]): number[] =>
  calls.filter((_, request) => plan.anchor[request] === -1);

/** Of each top-level node: its leader warms the child that takes longest, all else waits for the first byte. */
function chains(plan: PrefixPlan, own: readonly number[], calls: readonly number[]): number[] {
  const direct = Array.from({ length: plan.nodeCount }, (): number[] => []);
  const kids = Array.from({ length: plan.nodeCount }, (): number[] => []);
  const tops: number[] = [];
  calls.forEach((callMs, request) => direct[plan.anchor[request] as number]?.push(callMs));
  for (let node = plan.nodeCount - 1; node >= 0; node--) {
    const prefillMs = (own[node] as number) / 4;
    const mine = (direct[node] as number[]).toSorted((a, b) => a - b);
    const below = (kids[node] as number[]).toSorted((a, b) => b - a);
    const led = below.shift() ?? mine.shift() ?? 0;
    const followers = Math.max(mine.at(-1) ?? 0, below[0] ?? 0);
    const longest = Math.max(prefillMs + led, followers > 0 ? 1000 + prefillMs + followers : 0);
    (kids[plan.parent[node] as number] ?? tops).push(longest);
  }
  return tops;
}
