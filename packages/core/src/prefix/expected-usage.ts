/**
 * What each request of a plan is expected to write, read and leave. The sums over all requests are `predictUsage`'s:
 * each prefix is written once, by the first request that can go first for it, and everybody else reads.
 */
import { finishSteps, lookInSteps, type Steps } from '../steps.ts';
import { ClientMarks } from './client-marks.ts';
import type { PlacedPlan } from './placed-plan.ts';
import { segmentTokens, type PredictedUsage } from './predicted-usage.ts';
import type { PlanOptions } from './plan-prefixes.ts';
import { blocksEach, type PromptBlocks } from './prompt-blocks.ts';
import { TTL_CODES } from './token-rates.ts';

/** What is expected of one request. The same object tells of each request in turn. */
export interface ExpectedUsage {
  /** If all goes as planned. */
  readonly planned: Readonly<PredictedUsage>;
  /** If nobody could read what another wrote: all that is marked is written, by everybody. */
  readonly unread: Readonly<PredictedUsage>;
  /** Names the longest marked prefix, the same for all that mark it; null without an effective marker. */
  readonly markedHash: number | null;
}

/** Tells of each request in turn, in order. */
export function forEachExpectedUsage(
  blocks: PromptBlocks,
  plan: PlacedPlan,
  options: Pick<PlanOptions, 'markers' | 'profile' | 'minimumTokens'>,
  tell: (request: number, usage: ExpectedUsage) => void,
): void {
  finishSteps(expectInSteps(blocks, plan, options, tell));
}

/** The same in steps. */
export function* expectInSteps(
  blocks: PromptBlocks,
  plan: PlacedPlan,
  options: Pick<PlanOptions, 'markers' | 'profile' | 'minimumTokens'>,
  tell: (request: number, usage: ExpectedUsage) => void,
): Steps<void> {
  const expectation = new Expectation(blocks, plan, options);
  yield blocks.requestCount;
  yield* lookInSteps(blocks.requestCount, USAGE_LOOKS + blocksEach(blocks), (request) => {
    expectation.read(request);
    tell(request, expectation);
  });
}

/** What telling of one request costs beside its blocks: it is priced, most likely. */
const USAGE_LOOKS = 8;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

class Expectation implements ExpectedUsage {
  readonly planned: Mutable<PredictedUsage> = { written5m: 0, written1h: 0, read: 0, input: 0 };
  readonly unread: Mutable<PredictedUsage> = { written5m: 0, written1h: 0, read: 0, input: 0 };
  markedHash: number | null = null;
  readonly #blocks: PromptBlocks;
  readonly #plan: PlacedPlan;
  /** Null where the client's markers mean nothing: they are taken out, or the upstream does not heed them. */
  readonly #marks: ClientMarks | null;
  /** Whether requests mark the nodes on their path, whatever the client marked. */
  readonly #marksPath: boolean;
  readonly #leaders: Int32Array;
  readonly #marked: number[] = [];

  constructor(
    blocks: PromptBlocks,
    plan: PlacedPlan,
    options: Pick<PlanOptions, 'markers' | 'profile' | 'minimumTokens'>,
  ) {
    const heeded = options.markers !== 'off' && options.profile === 'required';
    this.#blocks = blocks;
    this.#plan = plan;
    this.#marks = heeded ? new ClientMarks(blocks, options.minimumTokens) : null;
    this.#marksPath = heeded && options.markers === 'auto';
    this.#leaders = leadersOf(plan);
  }

  read(request: number): void {
    const { planned, unread } = this;
    planned.written5m = planned.written1h = 0;
    unread.written5m = unread.written1h = 0;
    this.markedHash = null;
    const anchor = this.#plan.anchor[request] as number;
    const anchored = anchor < 0 ? 0 : (this.#plan.tokens[anchor] as number);
    this.#readPath(request, anchor);
    planned.read = anchored - planned.written5m - planned.written1h;
    this.#readMarks(request, anchored);
    const total = anchored + (this.#plan.suffixTokens[request] as number);
    planned.input = total - planned.read - planned.written5m - planned.written1h;
    unread.input = total - unread.written5m - unread.written1h;
  }

  #readPath(request: number, anchor: number): void {
    const { parent, ttl, tokens, hash } = this.#plan;
    let long = 0;
    for (let node = anchor; node >= 0; node = parent[node] as number) {
      const isLong = ttl[node] === TTL_CODES['1h'];
      if (isLong) long = Math.max(long, tokens[node] as number);
      if (this.#leaders[node] === request) {
        this.planned[isLong ? 'written1h' : 'written5m'] += segmentTokens(this.#plan, node);
      }
    }
    if (!this.#marksPath || anchor < 0) return;
    this.markedHash = hash[anchor] as number;
    this.unread.written1h = long;
    this.unread.written5m = (tokens[anchor] as number) - long;
  }

  /** The client's own markers: those behind the anchor write in any case, all of them where nobody reads. */
  #readMarks(request: number, anchored: number): void {
    if (this.#marks === null) return;
    this.#marks.readEffective(request, this.#marked);
    const { planned, unread } = this;
    let end = anchored;
    let long = anchored;
    let markedEnd = unread.written5m + unread.written1h;
    let markedLong = unread.written1h;
    for (const block of this.#marked) {
      const tokens = this.#blocks.tokens[block] as number;
      end = Math.max(end, tokens);
      if (tokens > markedEnd) this.markedHash = this.#blocks.hash[block] as number;
      markedEnd = Math.max(markedEnd, tokens);
      if (!this.#marks.isLong(block)) continue;
      long = end;
      markedLong = Math.max(markedLong, tokens);
    }
    planned.written1h += long - anchored;
    planned.written5m += end - long;
    unread.written1h = markedLong;
    unread.written5m = markedEnd - markedLong;
  }
}

/** Per node, the first request that can write it together with all between it and its anchor. */
function leadersOf(plan: PlacedPlan): Int32Array {
  const leaders = new Int32Array(plan.nodeCount).fill(-1);
  plan.anchor.forEach((anchor, request) => {
    let reach = plan.reach === null ? Infinity : (plan.reach[request] as number);
    for (let node = anchor; node >= 0 && reach > 0; node = plan.parent[node] as number) {
      if (leaders[node] === -1) leaders[node] = request;
      // Whoever led it without a limit to its reach led all above.
      else if (plan.reach === null) return;
      reach -= 1;
    }
  });
  return leaders;
}
