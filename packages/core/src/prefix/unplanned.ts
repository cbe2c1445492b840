import type { PlacedPlan } from './placed-plan.ts';

/** The plan of requests of which nothing is known to be shared: each goes when its turn comes. */
export function unplanned(requestCount: number): PlacedPlan {
  const none = new Uint32Array(0);
  return {
    nodeCount: 0,
    parent: new Int32Array(0),
    hash: new Float64Array(0),
    tokens: none,
    requests: none,
    block: none,
    ttl: new Uint8Array(0),
    model: new Uint16Array(0),
    models: [],
    requestCount,
    ...sharesNothing(requestCount),
    reach: null,
    added: { first: new Uint32Array(1), block: none, ttl: new Uint8Array(0) },
    unshared: { written5m: 0, written1h: 0 },
  };
}

/** Says the same of every request, so one is enough for all batches: eight bytes a request that need not be there again. */
let widest: Pick<PlacedPlan, 'anchor' | 'suffixTokens'> = {
  anchor: new Int32Array(0),
  suffixTokens: new Uint32Array(0),
};

/** The part of a plan that says so of each request. It is others' as well: nobody may write to it. */
export function sharesNothing(requestCount: number): typeof widest {
  if (requestCount > widest.anchor.length) {
    widest = { anchor: new Int32Array(requestCount).fill(-1), suffixTokens: new Uint32Array(requestCount) };
  }
  return {
    anchor: widest.anchor.subarray(0, requestCount),
    suffixTokens: widest.suffixTokens.subarray(0, requestCount),
  };
}
