/** What no schedule and no placement of markers can beat: the yardstick of tests, of the benchmark and of the ledger. */
import { segmentTokens } from './predicted-usage.ts';
import { planPrefixes, type PlanOptions } from './plan-prefixes.ts';
import type { PrefixPlan } from './prefix-plan.ts';
import type { PromptBlocks } from './prompt-blocks.ts';
import { COMMON_RATES, TTL_CODES, writeRate, type TokenRates } from './token-rates.ts';

/** The fewest tokens written while cost is least, what is then read and left, and that cost. */
export interface TokenBound {
  readonly written: number;
  readonly read: number;
  readonly input: number;
  /** In tokens at the model's price for input, so that it is exact whatever the price. */
  readonly cost: number;
}

/**
 * The bound of a batch, with tokens as noted: every shared segment that pays is written once and read by all others of
 * its requests. It is a bound because each request is billed for its copy of a segment as input, write or read, and a
 * read needs a write; limits on markers, on looking back and on lifetimes can only raise the cost.
 */
export function lowerBound(
  blocks: PromptBlocks,
  options: Pick<PlanOptions, 'minimumTokens' | 'ttlClass'>,
  rates: TokenRates = COMMON_RATES,
): TokenBound {
  const plan = planPrefixes(blocks, { ...options, markers: 'auto', profile: 'ignored' });
  const write = writeRate(rates, TTL_CODES[options.ttlClass ?? '5m']);
  let [written, read, input] = [0, 0, 0];
  for (let v = 0; v < plan.nodeCount; v++) {
    const tokens = segmentTokens(plan, v);
    written += tokens;
    read += tokens * ((plan.requests[v] as number) - 1);
  }
  for (const tokens of plan.suffixTokens) input += tokens;
  return { written, read, input, cost: written * write + read * rates.read + input };
}

/** How long calls take: the first byte after a base and the prefill of what is not read, then the answer. */
export interface CallTiming {
  readonly baseMs: number;
  readonly msPerUncachedToken: number;
  readonly answerMs: number;
}

/** Two lower bounds of the time that a plan takes without writing anything twice. */
export interface MakespanBound {
  /** All calls at `concurrency`, without a pause. */
  readonly workMs: number;
  /** The longest sequence of leaders and what follows it. */
  readonly chainMs: number;
}

/** Both bounds of a plan; a schedule that never lets a place idle needlessly is within twice the larger. */
export function makespanBound(plan: PrefixPlan, timing: CallTiming, concurrency: number): MakespanBound {
  let busyMs = 0;
  let chainMs = 0;
  const direct = new LongestTwo(plan.nodeCount);
  for (let r = 0; r < plan.requestCount; r++) {
    const callMs = callTime(timing, plan.suffixTokens[r] as number);
    busyMs += callMs;
    const anchor = plan.anchor[r] as number;
    if (anchor < 0) chainMs = Math.max(chainMs, callMs);
    else direct.note(anchor, callMs);
  }
  const below = new LongestTwo(plan.nodeCount);
  for (let v = plan.nodeCount - 1; v >= 0; v--) {
    busyMs += segmentTokens(plan, v) * timing.msPerUncachedToken;
    const nodeMs = nodeTime(segmentTokens(plan, v), timing, direct.longest(v), direct.second(v), below, v);
    const above = plan.parent[v] as number;
    if (above < 0) chainMs = Math.max(chainMs, nodeMs);
    else below.note(above, nodeMs);
  }
  return { workMs: busyMs / concurrency, chainMs };
}

/** From the start of the leader of a node to the end of everything under it; the leader is the one that makes it least. */
function nodeTime(
  tokens: number,
  timing: CallTiming,
  longestCall: number,
  secondCall: number,
  below: LongestTwo,
  v: number,
): number {
  const prefillMs = tokens * timing.msPerUncachedToken;
  const firstByteMs = timing.baseMs + prefillMs;
  const after = (ms: number): number => (ms > 0 ? firstByteMs + ms : 0);
  const ledFromBelow = Math.max(after(longestCall), after(below.second(v)), below.longest(v) + prefillMs);
  const ledDirectly = Math.max(after(secondCall), after(below.longest(v)), prefillMs + longestCall);
  if (below.longest(v) === 0) return ledDirectly;
  return longestCall === 0 ? ledFromBelow : Math.min(ledFromBelow, ledDirectly);
}

function callTime(timing: CallTiming, uncachedTokens: number): number {
  return timing.baseMs + uncachedTokens * timing.msPerUncachedToken + timing.answerMs;
}

/** The longest and second longest of what hangs directly at each node; 0: there is none. */
class LongestTwo {
  readonly #longest: Float64Array;
  readonly #second: Float64Array;

  constructor(nodeCount: number) {
    this.#longest = new Float64Array(nodeCount);
    this.#second = new Float64Array(nodeCount);
  }

  note(node: number, ms: number): void {
    const longest = this.#longest[node] as number;
    if (ms > longest) {
      this.#longest[node] = ms;
      this.#second[node] = longest;
    } else if (ms > (this.#second[node] as number)) this.#second[node] = ms;
  }

  longest(node: number): number {
    return this.#longest[node] as number;
  }

  second(node: number): number {
    return this.#second[node] as number;
  }
}
