import type { PrefixPlan } from '../prefix/prefix-plan.ts';

/**
 * The plan's tree in the order it is worked through. Children lie side by side, the one that takes longest to finish
 * first; nodes are ranked deepest first. `top` is the node above all others and counts as always warm.
 *
 * No recursion: a conversation of a thousand turns is a thousand levels deep.
 */
export interface PrefixTree {
  readonly top: number;
  /** Of each node, `top` included, the places of its children: from `childStart` to before `childEnd`. */
  readonly childStart: Int32Array;
  readonly childEnd: Int32Array;
  readonly nodeAt: Int32Array;
  readonly placeOf: Int32Array;
  /** A node's parent, `top` for those at the top level. */
  readonly parent: Int32Array;
  /** Deepest first, then as a depth-first walk comes by; `top` is last. */
  readonly rank: Int32Array;
  readonly ofRank: Int32Array;
  /** About how many leaders must follow one another before everything under a node can run. */
  readonly hops: Int32Array;
  /** The child a node's leader best goes on to; -1: it had best be one of the node's own requests. */
  readonly way: Int32Array;
}

export function prefixTree(plan: PrefixPlan): PrefixTree {
  const top = plan.nodeCount;
  const parent = Int32Array.from(plan.parent, (above) => (above === -1 ? top : above));
  const { finish, hops, way } = chains(plan, parent);
  const nodeAt = new Int32Array(top).map((_, node) => node);
  nodeAt.sort(
    (a, b) =>
      (parent[a] as number) - (parent[b] as number) ||
      (finish[b] as number) - (finish[a] as number) ||
      (plan.requests[b] as number) - (plan.requests[a] as number) ||
      a - b,
  );
  const placeOf = new Int32Array(top);
  const childStart = new Int32Array(top + 1);
  const childEnd = new Int32Array(top + 1);
  nodeAt.forEach((node, place) => {
    const above = parent[node] as number;
    placeOf[node] = place;
    if (childEnd[above] === 0) childStart[above] = place;
    childEnd[above] = place + 1;
  });
  const shape = { top, parent, nodeAt, placeOf, childStart, childEnd, hops, way };
  return { ...shape, ...ranks(shape) };
}

/** Of each node: how long all under it takes, how many leaders in a row that is, and which way its own leader goes. */
interface Chains {
  readonly finish: Float64Array;
  readonly hops: Int32Array;
  readonly way: Int32Array;
}

/**
 * How long everything under each node takes if nothing but its leaders held it up. The pace is nominal, since at intake
 * nobody has measured the upstream: a second to the first byte, 4,000 tokens of prefill a second, 20 s for an answer.
 *
 * A leader that goes on into a child warms both at once, but all others wait until it has read both. So it goes on only
 * where that is over sooner than if one of the node's own requests led the node alone.
 */
function chains(plan: PrefixPlan, parent: Int32Array): Chains {
  const { nodeCount, tokens, requests } = plan;
  const finish = new Float64Array(nodeCount);
  const prefill = new Float64Array(nodeCount);
  const hops = new Int32Array(nodeCount + 1);
  const way = new Int32Array(nodeCount).fill(STOP);
  const children = childLists(parent, nodeCount);
  for (let node = nodeCount - 1; node >= 0; node--) {
    const above = parent[node] as number;
    const ownMs = ((tokens[node] as number) - (above === nodeCount ? 0 : (tokens[above] as number))) / TOKENS_PER_MS;
    let [direct, slowest, second] = [requests[node] as number, 0, 0];
    for (let child = children.first(node); child !== STOP; child = children.next(child)) {
      direct -= requests[child] as number;
      const childMs = finish[child] as number;
      if (childMs > slowest) [slowest, second] = [childMs, slowest];
      else second = Math.max(second, childMs);
    }
    const alone = FIRST_BYTE_MS + ownMs + Math.max(direct > 1 ? ANSWER_MS : 0, slowest);
    let best = direct > 0 ? Math.max(alone, ownMs + ANSWER_MS) : Number.POSITIVE_INFINITY;
    prefill[node] = ownMs;
    for (let child = children.first(node); child !== STOP; child = children.next(child)) {
      const others = Math.max(direct > 0 ? ANSWER_MS : 0, finish[child] === slowest ? second : slowest);
      const othersMs = others === 0 ? 0 : FIRST_BYTE_MS + ownMs + (prefill[child] as number) + others;
      const ms = Math.max(ownMs + (finish[child] as number), othersMs);
      if (ms > best || (ms === best && way[node] !== STOP)) continue;
      best = ms;
      way[node] = child;
      prefill[node] = ownMs + (prefill[child] as number);
    }
    finish[node] = best;
    hops[node] = Math.max(1, (hops[node] as number) + (way[node] === STOP ? 1 : 0));
    hops[above] = Math.max(hops[above] as number, hops[node] as number);
  }
  return { finish, hops, way };
}

const STOP = -1;
const FIRST_BYTE_MS = 1000;
const TOKENS_PER_MS = 4;
const ANSWER_MS = 20_000;

/** Each node's children as a linked list: there are no places yet. */
function childLists(
  parent: Int32Array,
  top: number,
): { first: (node: number) => number; next: (node: number) => number } {
  const first = new Int32Array(top + 1).fill(STOP);
  const behind = new Int32Array(top);
  for (let node = top - 1; node >= 0; node--) {
    const above = parent[node] as number;
    behind[node] = first[above] as number;
    first[above] = node;
  }
  return { first: (node) => first[node] as number, next: (node) => behind[node] as number };
}

type Shape = Pick<PrefixTree, 'top' | 'nodeAt' | 'placeOf' | 'parent' | 'childStart' | 'childEnd'>;

function ranks(shape: Shape): Pick<PrefixTree, 'rank' | 'ofRank'> {
  const { top, parent } = shape;
  const depth = new Int32Array(top + 1);
  let deepest = 0;
  for (let node = 0; node < top; node++) {
    const above = parent[node] as number;
    depth[node] = above === top ? 1 : (depth[above] as number) + 1;
    deepest = Math.max(deepest, depth[node] as number);
  }
  const rank = new Int32Array(top + 1);
  const ofRank = new Int32Array(top + 1);
  const nextOfDepth = new Int32Array(deepest + 2);
  for (let node = 0; node <= top; node++) {
    const shallower = (depth[node] as number) - 1;
    if (shallower >= 0) nextOfDepth[shallower] = (nextOfDepth[shallower] as number) + 1;
  }
  for (let level = deepest - 1; level >= 0; level--) {
    nextOfDepth[level] = (nextOfDepth[level] as number) + (nextOfDepth[level + 1] as number);
  }
  for (const node of depthFirst(shape)) {
    const level = depth[node] as number;
    const at = nextOfDepth[level] as number;
    nextOfDepth[level] = at + 1;
    rank[node] = at;
    ofRank[at] = node;
  }
  return { rank, ofRank };
}

/** All nodes as a depth-first walk comes by, `top` first. */
function depthFirst({ top, parent, nodeAt, placeOf, childStart, childEnd }: Shape): Int32Array {
  const order = new Int32Array(top + 1);
  let node = top;
  for (let visited = 0; visited <= top; visited++) {
    order[visited] = node;
    if (childStart[node] !== childEnd[node]) {
      node = nodeAt[childStart[node] as number] as number;
      continue;
    }
    while (node !== top && (placeOf[node] as number) + 1 === childEnd[parent[node] as number]) {
      node = parent[node] as number;
    }
    if (node !== top) node = nodeAt[(placeOf[node] as number) + 1] as number;
  }
  return order;
}
