import { assert } from '../assertion.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { TTL_CODES } from '../prefix/token-rates.ts';

/**
 * Who writes which prefixes, once, where what a wave writes can be read from the next wave on. The prefixes that live an
 * hour fall into chains, from the top down: all of a chain are written by one request, its leader.
 *
 * Invariant: no request leads two chains, and the chain above one has a lower number.
 */
export interface LeaderChains {
  readonly count: number;
  /** Per chain: its shortest prefix, the chain of the prefix above that (-1: none), and the request that writes it. */
  readonly top: Int32Array;
  readonly above: Int32Array;
  readonly leader: Int32Array;
  /** Per node: its chain; -1: it does not live long enough for another wave. */
  readonly chainOf: Int32Array;
  /** Per node: the deepest at or above it that lives long enough, as all above it do; -1: none. */
  readonly lasting: Int32Array;
}

/** Cuts the prefixes of a plan into chains, so that as few waves as can be are needed without writing anything twice. */
export function findLeaderChains(plan: PlacedPlan): LeaderChains {
  const lifetimes = lifetimesOf(plan);
  return cutChains(plan, lifetimes.lasting, new LeaderChoice(plan, lifetimes));
}

interface Lifetimes {
  readonly lasting: Int32Array;
  /** Per node: how many of its path, itself included, live too short; and how many live long enough. */
  readonly short: Uint32Array;
  readonly depth: Uint32Array;
}

function lifetimesOf({ nodeCount, parent, ttl }: PlacedPlan): Lifetimes {
  const lasting = new Int32Array(nodeCount);
  const short = new Uint32Array(nodeCount);
  const depth = new Uint32Array(nodeCount);
  for (let v = 0; v < nodeCount; v++) {
    const above = parent[v] as number;
    const shortAbove = above < 0 ? 0 : (short[above] as number);
    const isLasting = ttl[v] === TTL_CODES['1h'] && shortAbove === 0;
    lasting[v] = isLasting ? v : above < 0 ? -1 : (lasting[above] as number);
    short[v] = isLasting ? 0 : shortAbove + 1;
    depth[v] = (above < 0 ? 0 : (depth[above] as number)) + (isLasting ? 1 : 0);
  }
  return { lasting, short, depth };
}

/** `PlacedPlan.reach` of a request that writes as much of its path as there is. */
const REACHES_ALL = 255;

/**
 * From the leaves upwards, who leads each node: whoever writes furthest up, and of those that write equally far the one
 * that comes from the branch which needs the most waves, for that branch then needs one less.
 */
class LeaderChoice {
  /** Per node: who writes it, how many nodes from it upwards, and the node below that is written with it (-1: none). */
  readonly leader: Int32Array;
  readonly covers: Uint32Array;
  readonly via: Int32Array;
  /** Per node: waves after the one it is written in until all below it is done, and the two largest of those below. */
  readonly #waves: Uint32Array;
  readonly #most: Int32Array;
  readonly #second: Int32Array;
  readonly #mostAt: Int32Array;
  readonly #plan: PlacedPlan;

  constructor(plan: PlacedPlan, lifetimes: Lifetimes) {
    const { nodeCount } = plan;
    this.#plan = plan;
    this.leader = new Int32Array(nodeCount).fill(-1);
    this.covers = new Uint32Array(nodeCount);
    this.via = new Int32Array(nodeCount).fill(-1);
    this.#waves = new Uint32Array(nodeCount);
    this.#most = new Int32Array(nodeCount).fill(-1);
    this.#second = new Int32Array(nodeCount).fill(-1);
    this.#mostAt = new Int32Array(nodeCount).fill(-1);
    this.#readRequests(lifetimes);
    const below: Candidates = { kid: new Int32Array(nodeCount).fill(-1), covers: new Uint32Array(nodeCount) };
    for (let v = nodeCount - 1; v >= 0; v--) if (lifetimes.lasting[v] === v) this.#decide(v, below);
  }

  #readRequests({ lasting, short, depth }: Lifetimes): void {
    const { anchor, suffixTokens, tokens, reach } = this.#plan;
    const own = new Float64Array(this.#plan.nodeCount);
    for (let request = 0; request < anchor.length; request++) {
      const node = anchor[request] as number;
      const last = node < 0 ? -1 : (lasting[node] as number);
      if (last < 0) continue;
      const written = reach === null ? REACHES_ALL : (reach[request] as number);
      const rest = written === REACHES_ALL ? Infinity : written - (short[node] as number);
      const covers = Math.max(0, Math.min(rest, depth[last] as number));
      const ownTokens = (tokens[node] as number) - (tokens[last] as number) + (suffixTokens[request] as number);
      const known = this.covers[last] as number;
      if (covers < known || covers === 0 || (covers === known && ownTokens >= (own[last] as number))) continue;
      this.leader[last] = request;
      this.covers[last] = covers;
      own[last] = ownTokens;
    }
  }

  #decide(v: number, below: Candidates): void {
    const kid = below.kid[v] as number;
    const isFromBelow = kid >= 0 && (below.covers[v] as number) >= (this.covers[v] as number);
    if (isFromBelow) {
      this.leader[v] = this.leader[kid] as number;
      this.covers[v] = below.covers[v] as number;
      this.via[v] = kid;
    }
    assert((this.leader[v] as number) >= 0, () => `no request writes prefix ${v}`);
    const others = (isFromBelow && this.#mostAt[v] === kid ? this.#second[v] : this.#most[v]) as number;
    const along = isFromBelow ? (this.#waves[kid] as number) : 0;
    // At least one: somebody follows, as what nobody else reads is no node.
    this.#waves[v] = Math.max(along, others + 1, 1);
    const above = this.#plan.parent[v] as number;
    if (above >= 0) this.#offer(v, above, below);
  }

  #offer(v: number, above: number, below: Candidates): void {
    const waves = this.#waves[v] as number;
    const covers = (this.covers[v] as number) - 1;
    const known = below.kid[above] as number;
    const knownCovers = below.covers[above] as number;
    const isAsFar = covers === knownCovers && (known < 0 || waves >= (this.#waves[known] as number));
    if (covers > 0 && (covers > knownCovers || isAsFar)) {
      below.kid[above] = v;
      below.covers[above] = covers;
    }
    if (waves >= (this.#most[above] as number)) {
      this.#second[above] = this.#most[above] as number;
      this.#most[above] = waves;
      this.#mostAt[above] = v;
    } else if (waves > (this.#second[above] as number)) this.#second[above] = waves;
  }
}

/** Per node, the kid whose leader would write it too, and how many nodes from it upwards. */
interface Candidates {
  readonly kid: Int32Array;
  readonly covers: Uint32Array;
}

function cutChains(plan: PlacedPlan, lasting: Int32Array, { leader, via }: LeaderChoice): LeaderChains {
  const chainOf = new Int32Array(plan.nodeCount).fill(-1);
  const tops: number[] = [];
  const aboves: number[] = [];
  for (let v = 0; v < plan.nodeCount; v++) {
    if (lasting[v] !== v) continue;
    const parent = plan.parent[v] as number;
    if (parent >= 0 && via[parent] === v) {
      chainOf[v] = chainOf[parent] as number;
      continue;
    }
    chainOf[v] = tops.length;
    tops.push(v);
    aboves.push(parent < 0 ? -1 : (chainOf[parent] as number));
  }
  return {
    count: tops.length,
    top: Int32Array.from(tops),
    above: Int32Array.from(aboves),
    leader: Int32Array.from(tops, (top) => leader[top] as number),
    chainOf,
    lasting,
  };
}
