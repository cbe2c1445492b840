/**
 * A plan for a native batch upstream: nobody can read what another request of the same wave writes, and a wave takes
 * minutes. So leaders go one wave before whoever reads what they write, and prefixes live an hour. SPEC.md V1–V11.
 *
 * Invariant: every request is in exactly one wave, and the prefix it reads was written in an earlier one, or before all.
 */
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import type { TokenRates } from '../prefix/token-rates.ts';
import { findLeaderChains, type LeaderChains } from './leader-chains.ts';
import { WarmStart } from './warm-start.ts';
import { cutBatches, type BatchLimits, type WaveBatch } from './wave-batches.ts';

/** What waves depend on beside the plan, which must have been made for entries that live an hour. */
export interface WaveTerms extends BatchLimits {
  readonly rates: TokenRates;
  /** What it is worth to be done one wave sooner, in tokens at the price of input. 0: nothing. */
  readonly latencyTokens: number;
  /** Prefixes that can be read from the first wave on, by identity: those that the plan was made with. */
  readonly warm?: ReadonlySet<number>;
}

/** Which request goes in which wave, and what each wave will be billed for. */
export interface WavePlan {
  readonly waveCount: number;
  /** Per request, from 0. */
  readonly wave: Uint32Array;
  /** Per request, 1: it writes for others. */
  readonly isLeader: Uint8Array;
  /** Per request, who writes what it reads, in a wave before; -1: it reads nothing, or what was warm before. */
  readonly leader: Int32Array;
  /** Per request, the deepest node of its path that was warm before, and that it reads where nobody leads it; -1: none. */
  readonly warm: Int32Array;
  /** Per request, the tokens it reads, and those it writes to live an hour. */
  readonly read: Uint32Array;
  readonly written1h: Uint32Array;
  /** In the order in which they should be sent: wave by wave, those of leaders first. */
  readonly batches: readonly WaveBatch[];
  /**
   * Per wave. They sum to the tokens of all prompts; what clients mark behind everything that is shared counts as input
   * here, for a plan knows only its sum (`PlacedPlan.unshared`).
   */
  readonly usage: readonly PredictedUsage[];
}

/** The waves of a plan: as few as write nothing twice, or fewer where that is worth what is then written again. */
export function planWaves(plan: PlacedPlan, terms: WaveTerms): WavePlan {
  const start = new WarmStart(plan, terms.warm ?? NONE_WARM);
  const { cold } = start;
  const chains = findLeaderChains(cold);
  const isLeader = new Uint8Array(plan.requestCount);
  for (const leader of chains.leader) isLeader[leader] = 1;
  const levels = new ChainLevels(cold, chains);
  levels.mergeWhile(terms.latencyTokens, terms.rates.write1h - terms.rates.read);
  const places = placesOf(cold, chains, levels, isLeader);
  start.addReads(places.read);
  const waveCount = places.wave.reduce((count, each) => Math.max(count, each + 1), 0);
  const batches = cutBatches(places.wave, isLeader, terms);
  return { waveCount, ...places, isLeader, warm: start.reads, batches, usage: predictWaves(plan, places, waveCount) };
}

const NONE_WARM: ReadonlySet<number> = new Set();

type Places = Pick<WavePlan, 'wave' | 'leader' | 'read' | 'written1h'>;

/** Where each request goes, and what that makes of the prefixes on its path. */
function placesOf(plan: PlacedPlan, chains: LeaderChains, levels: ChainLevels, isLeader: Uint8Array): Places {
  const count = plan.requestCount;
  const wave = new Uint32Array(count);
  const leader = new Int32Array(count).fill(-1);
  const read = new Uint32Array(count);
  const written1h = new Uint32Array(count);
  for (let request = 0; request < count; request++) {
    const last = lastingAnchor(plan, chains, request);
    if (last < 0) continue;
    const lasting = plan.tokens[last] as number;
    const level = levels.of(last);
    if (isLeader[request] === 1) {
      wave[request] = level;
      leader[request] = levels.leaderBefore(last);
      read[request] = levels.readByLeader(last);
    } else {
      wave[request] = level + 1;
      leader[request] = chains.leader[chains.chainOf[last] as number] as number;
      read[request] = lasting;
    }
    written1h[request] = lasting - (read[request] as number);
  }
  return { wave, leader, read, written1h };
}

/** In which wave each chain is written. At first a chain goes one wave after the one above it. */
class ChainLevels {
  readonly #plan: PlacedPlan;
  readonly #chains: LeaderChains;
  readonly #level: Uint32Array;
  /** Per chain, the highest of those above it that are written in the same wave, or itself. */
  readonly #highest: Int32Array;
  #deepest = 0;

  constructor(plan: PlacedPlan, chains: LeaderChains) {
    this.#plan = plan;
    this.#chains = chains;
    this.#level = new Uint32Array(chains.count);
    this.#highest = new Int32Array(chains.count);
    for (let chain = 0; chain < chains.count; chain++) {
      const above = chains.above[chain] as number;
      this.#level[chain] = above < 0 ? 0 : (this.#level[above] as number) + 1;
      this.#deepest = Math.max(this.#deepest, this.#level[chain] as number);
    }
    this.#join();
  }

  of(node: number): number {
    return this.#level[this.#chains.chainOf[node] as number] as number;
  }

  /** Who wrote, in an earlier wave, what the leader of a node reads; -1: it reads nothing. */
  leaderBefore(node: number): number {
    const highest = this.#highest[this.#chains.chainOf[node] as number] as number;
    const before = this.#chains.above[highest] as number;
    return before < 0 ? -1 : (this.#chains.leader[before] as number);
  }

  /** Tokens that the leader of a node reads: those of the deepest prefix above it that an earlier wave wrote. */
  readByLeader(node: number): number {
    return this.#tokensAbove(this.#highest[this.#chains.chainOf[node] as number] as number);
  }

  /**
   * Takes out the wave whose loss writes the fewest tokens again, as long as that costs less than a wave is worth. There
   * is always one less then: the leaders of the last level have followers, as a prefix that nobody else reads is no node.
   */
  mergeWhile(latencyTokens: number, premium: number): void {
    while (this.#deepest > 0) {
      const rewritten = this.#rewritten();
      let cheapest = -1;
      for (let level = 1; level <= this.#deepest; level++) {
        if (cheapest < 0 || (rewritten[level] as number) < (rewritten[cheapest] as number)) cheapest = level;
      }
      if (cheapest < 0 || (rewritten[cheapest] as number) * premium >= latencyTokens) return;
      this.#merge(cheapest);
    }
  }

  /**
   * Per level, what is written again if its chains go with the level before: each leader then writes for itself what
   * lies above its chain, where it would have read it.
   */
  #rewritten(): Float64Array {
    const tokens = new Float64Array(this.#deepest + 1);
    for (let chain = 0; chain < this.#chains.count; chain++) {
      const highest = this.#highest[chain] as number;
      const before = this.#chains.above[highest] as number;
      if (before < 0) continue;
      const level = this.#level[chain] as number;
      const more = this.#tokensAbove(highest) - this.#tokensAbove(this.#highest[before] as number);
      tokens[level] = (tokens[level] as number) + more;
    }
    return tokens;
  }

  #merge(level: number): void {
    for (let chain = 0; chain < this.#chains.count; chain++) {
      const own = this.#level[chain] as number;
      if (own >= level) this.#level[chain] = own - 1;
    }
    this.#deepest -= 1;
    this.#join();
  }

  #join(): void {
    for (let chain = 0; chain < this.#chains.count; chain++) {
      const above = this.#chains.above[chain] as number;
      const isTogether = above >= 0 && this.#level[above] === this.#level[chain];
      this.#highest[chain] = isTogether ? (this.#highest[above] as number) : chain;
    }
  }

  #tokensAbove(chain: number): number {
    const parent = this.#plan.parent[this.#chains.top[chain] as number] as number;
    return parent < 0 ? 0 : (this.#plan.tokens[parent] as number);
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function predictWaves(plan: PlacedPlan, places: Places, waveCount: number): PredictedUsage[] {
  const sums = Array.from({ length: waveCount }, (): Mutable<PredictedUsage> => ({
    written5m: 0,
    written1h: 0,
    read: 0,
    input: 0,
  }));
  forEachWaveUsage(plan, places, (request, usage) => {
    const sum = sums[places.wave[request] as number] as Mutable<PredictedUsage>;
    sum.written5m += usage.written5m;
    sum.written1h += usage.written1h;
    sum.read += usage.read;
    sum.input += usage.input;
  });
  return sums;
}

/**
 * Tells of each request what it will be billed for, in order; the same object each time. What a client marks behind
 * everything that is shared counts as input.
 */
function forEachWaveUsage(
  plan: PlacedPlan,
  { read, written1h }: Pick<WavePlan, 'read' | 'written1h'>,
  tell: (request: number, usage: Readonly<PredictedUsage>) => void,
): void {
  const usage: Mutable<PredictedUsage> = { written5m: 0, written1h: 0, read: 0, input: 0 };
  for (let request = 0; request < plan.requestCount; request++) {
    const anchor = plan.anchor[request] as number;
    usage.read = read[request] as number;
    usage.written1h = written1h[request] as number;
    const short = (anchor < 0 ? 0 : (plan.tokens[anchor] as number)) - usage.read - usage.written1h;
    const writesAnchor = plan.reach === null || plan.reach[request] !== 0;
    usage.written5m = writesAnchor ? short : 0;
    usage.input = (plan.suffixTokens[request] as number) + (writesAnchor ? 0 : short);
    tell(request, usage);
  }
}

/** The deepest prefix of a request that is still there in the next wave; -1: none. */
function lastingAnchor(plan: PlacedPlan, { lasting }: LeaderChains, request: number): number {
  const anchor = plan.anchor[request] as number;
  return anchor < 0 ? -1 : (lasting[anchor] as number);
}
