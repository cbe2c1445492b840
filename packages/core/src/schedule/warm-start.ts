import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { TTL_CODES } from '../prefix/token-rates.ts';

/**
 * A plan of which a part is warm before its first wave: what nobody needs to write is taken out, so that what lies below
 * stands at the top, and counted again as read. What is warm comes first on every path.
 */
export class WarmStart {
  /** The plan without what is warm; the same plan where nothing is. */
  readonly cold: PlacedPlan;
  /** Per request, the deepest node on its path that is warm; -1: none. */
  readonly reads: Int32Array;
  readonly #tokens: Uint32Array;

  /** `identities` are those of warm prefixes; all that a node lies below is read with it. */
  constructor(plan: PlacedPlan, identities: ReadonlySet<number>) {
    const deepest = deepestWarm(plan, identities);
    this.#tokens = plan.tokens;
    this.reads = plan.anchor.map((anchor) => (anchor < 0 ? -1 : (deepest[anchor] as number)));
    const isWarm = (node: number): boolean => node >= 0 && deepest[node] === node;
    const cut = (node: number): number => (isWarm(node) ? -1 : node);
    this.cold = this.reads.every((node) => node < 0)
      ? plan
      : {
          ...plan,
          parent: plan.parent.map(cut),
          anchor: plan.anchor.map(cut),
          tokens: plan.tokens.map((tokens, node) => tokens - this.#tokensOf(deepest[node] as number)),
          // One that stays without a request is nobody's to write.
          ttl: plan.ttl.map((ttl, node) => (isWarm(node) ? TTL_CODES['5m'] : ttl)),
        };
  }

  /** Adds what is warm to the tokens that each request reads. */
  addReads(read: Uint32Array): void {
    this.reads.forEach((node, request) => {
      read[request] = (read[request] as number) + this.#tokensOf(node);
    });
  }

  #tokensOf(node: number): number {
    return node < 0 ? 0 : (this.#tokens[node] as number);
  }
}

/** Per node, the deepest at or above it that is warm; a node above one that is, is so too. */
function deepestWarm({ nodeCount, parent, hash, ttl }: PlacedPlan, identities: ReadonlySet<number>): Int32Array {
  const isWarm = new Uint8Array(nodeCount);
  for (let v = nodeCount - 1; v >= 0; v--) {
    if (ttl[v] === TTL_CODES['1h'] && identities.has(hash[v] as number)) isWarm[v] = 1;
    const above = parent[v] as number;
    if (isWarm[v] === 1 && above >= 0) isWarm[above] = 1;
  }
  const deepest = new Int32Array(nodeCount);
  for (let v = 0; v < nodeCount; v++) {
    const above = parent[v] as number;
    deepest[v] = isWarm[v] === 1 ? v : above < 0 ? -1 : (deepest[above] as number);
  }
  return deepest;
}
