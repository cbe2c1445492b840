/**
 * Which of the prefixes worth caching get a marker, when a path has more of them than a request may have markers.
 *
 * A prefix is marked by all requests through it or by none, so that whichever of them goes first writes it. One that is
 * not marked is written, or paid in full, as part of what hangs below it. The choice is the cheapest such set, exactly:
 *
 *   cost(v | nearest marked above a, j marked above) = the less of
 *      marked      (T(v) − T(a)) · (write + read · (n − 1)) + Σ cost(child | v, j + 1)
 *      not marked  (T(v) − T(a)) · direct(v)                + Σ cost(child | a, j)
 *
 * where one that is warm is read by all n of them,
 * over all pairs of a node and one above it, of which there are no more than blocks noted.
 */
import type { Steps } from '../steps.ts';
import { MARKER_SLOTS } from './mark-demands.ts';
import { writeRate, type TokenRates } from './token-rates.ts';

/** Prefixes worth caching, as a tree of their own. Node ids: parents before children. */
export interface CandidateTree {
  readonly count: number;
  readonly parent: Int32Array;
  readonly tokens: Uint32Array;
  readonly requests: Uint32Array;
  readonly ttl: Uint8Array;
  /** Requests that share no longer candidate. */
  readonly direct: Uint32Array;
  /** 1: cached already, so that nobody writes it. */
  readonly warm: Uint8Array;
  /** 1: marked whatever is chosen. At most four on a path. */
  readonly forced: Uint8Array;
  /** Markers that may lie on the path of the direct requests, forced ones included; said only where there are any. */
  readonly capacity: Uint8Array;
}

/** Per candidate, 1: marked. All of them wherever that fits, since a marker more costs nothing. */
export function* chooseMarked(tree: CandidateTree, rates: TokenRates): Steps<Uint8Array> {
  const depth = depthsOf(tree);
  const capacity = feasibleCapacity(tree);
  const fits = depth.every((d, v) => tree.direct[v] === 0 || d <= (capacity[v] as number));
  yield tree.count;
  if (fits) return new Uint8Array(tree.count).fill(1);
  return yield* new CheapestMarks(tree, rates, depth, capacity).choose();
}

/** 1 at the top level. */
function depthsOf(tree: CandidateTree): Uint32Array {
  const depth = new Uint32Array(tree.count);
  for (let v = 0; v < tree.count; v++) {
    const above = tree.parent[v] as number;
    depth[v] = above < 0 ? 1 : (depth[above] as number) + 1;
  }
  return depth;
}

/** What is forced always fits: the client set it. */
function feasibleCapacity(tree: CandidateTree): Uint8Array {
  const forced = new Uint8Array(tree.count);
  return tree.capacity.map((capacity, v) => {
    const above = tree.parent[v] as number;
    forced[v] = (above < 0 ? 0 : (forced[above] as number)) + (tree.forced[v] as number);
    return Math.max(capacity, forced[v]);
  });
}

/** Numbers of markers above a node: none to four. */
const COUNTS = MARKER_SLOTS + 1;
/** Pairs and counts weighed in one step. */
const STEP_LOOKS = 8192;

class CheapestMarks {
  readonly #tree: CandidateTree;
  readonly #rates: TokenRates;
  readonly #depth: Uint32Array;
  readonly #capacity: Uint8Array;
  /** Σ cost(child | a, j) of the open node at each depth d, at sumsAt(d) + a · COUNTS + j; a is a depth, 0: none. */
  readonly #sums: Float64Array;
  /** T of the open node at each depth. */
  readonly #openTokens: Float64Array;
  /** Bit j of choices[choiceAt[v] + a]: whether v is marked when a is the nearest marked above and there are j. */
  readonly #choices: Uint8Array;
  readonly #choiceAt: Uint32Array;

  constructor(tree: CandidateTree, rates: TokenRates, depth: Uint32Array, capacity: Uint8Array) {
    this.#tree = tree;
    this.#rates = rates;
    this.#depth = depth;
    this.#capacity = capacity;
    this.#choiceAt = new Uint32Array(tree.count + 1);
    for (let v = 0; v < tree.count; v++) {
      this.#choiceAt[v + 1] = (this.#choiceAt[v] as number) + (depth[v] as number);
    }
    const deepest = depth.reduce((a, b) => Math.max(a, b), 0);
    this.#choices = new Uint8Array(this.#choiceAt[tree.count] as number);
    this.#sums = new Float64Array(sumsAt(deepest + 1));
    this.#openTokens = new Float64Array(deepest + 1);
  }

  *choose(): Steps<Uint8Array> {
    let looked = 0;
    const { firstChild, nextSibling, firstTop } = linkChildren(this.#tree);
    let open = -1;
    let next = firstTop;
    while (next >= 0 || open >= 0) {
      if (next >= 0) {
        this.#enter(next);
        open = next;
        next = firstChild[open] as number;
      } else {
        this.#leave(open);
        looked += COUNTS * (this.#depth[open] as number);
        if (looked >= STEP_LOOKS) {
          yield looked;
          looked = 0;
        }
        next = nextSibling[open] as number;
        open = this.#tree.parent[open] as number;
      }
    }
    return this.#readChoices();
  }

  #enter(v: number): void {
    const depth = this.#depth[v] as number;
    this.#openTokens[depth] = this.#tree.tokens[v] as number;
    this.#sums.fill(0, sumsAt(depth), sumsAt(depth + 1));
  }

  /** All below v is known: its own costs are added to those of the node above. */
  #leave(v: number): void {
    const depth = this.#depth[v] as number;
    const [own, above] = [sumsAt(depth), sumsAt(depth - 1)];
    for (let a = 0; a < depth; a++) {
      const tokens = (this.#tree.tokens[v] as number) - (this.#openTokens[a] as number);
      let marked = 0;
      for (let j = 0; j < COUNTS; j++) {
        const costMarked = this.#costMarked(v, tokens, j, own + depth * COUNTS + j + 1);
        const costPlain = this.#costPlain(v, tokens, j, own + a * COUNTS + j);
        if (costMarked <= costPlain) marked |= 1 << j;
        const sum = above + a * COUNTS + j;
        this.#sums[sum] = (this.#sums[sum] as number) + Math.min(costMarked, costPlain);
      }
      this.#choices[(this.#choiceAt[v] as number) + a] = marked;
    }
  }

  #costMarked(v: number, tokens: number, above: number, below: number): number {
    if (above === MARKER_SLOTS || this.#isTooMany(v, above + 1)) return Infinity;
    const requests = this.#tree.requests[v] as number;
    const first = this.#tree.warm[v] === 1 ? this.#rates.read : writeRate(this.#rates, this.#tree.ttl[v] as number);
    const perToken = first + this.#rates.read * (requests - 1);
    return tokens * perToken + (this.#sums[below] as number);
  }

  #costPlain(v: number, tokens: number, above: number, below: number): number {
    if (this.#tree.forced[v] === 1 || this.#isTooMany(v, above)) return Infinity;
    return tokens * (this.#tree.direct[v] as number) + (this.#sums[below] as number);
  }

  #isTooMany(v: number, markers: number): boolean {
    return this.#tree.direct[v] !== 0 && markers > (this.#capacity[v] as number);
  }

  /** From the top down, each node's choice follows from those above it. */
  #readChoices(): Uint8Array {
    const { count, parent } = this.#tree;
    const marked = new Uint8Array(count);
    const nearest = new Uint32Array(count);
    const markers = new Uint8Array(count);
    for (let v = 0; v < count; v++) {
      const above = parent[v] as number;
      const a = above < 0 ? 0 : (nearest[above] as number);
      const j = above < 0 ? 0 : (markers[above] as number);
      marked[v] = ((this.#choices[(this.#choiceAt[v] as number) + a] as number) >> j) & 1;
      nearest[v] = marked[v] === 1 ? (this.#depth[v] as number) : a;
      markers[v] = j + (marked[v] as number);
    }
    return marked;
  }
}

/** Where the sums of depth d begin: a node at depth d has d + 1 choices of what is marked nearest at or above it. */
function sumsAt(depth: number): number {
  return (COUNTS * (depth * (depth + 1))) / 2;
}

interface Links {
  readonly firstTop: number;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
}

function linkChildren(tree: CandidateTree): Links {
  const firstChild = new Int32Array(tree.count).fill(-1);
  const nextSibling = new Int32Array(tree.count).fill(-1);
  let firstTop = -1;
  for (let v = tree.count - 1; v >= 0; v--) {
    const above = tree.parent[v] as number;
    nextSibling[v] = above < 0 ? firstTop : (firstChild[above] as number);
    if (above < 0) firstTop = v;
    else firstChild[above] = v;
  }
  return { firstTop, firstChild, nextSibling };
}
