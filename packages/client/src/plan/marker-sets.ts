import { markersToAdd, TTL_CODES, type PlacedMarker, type PlacedPlan } from '@batchwright/core';

/** What many requests get alike. */
export interface MarkerSet {
  readonly markers: readonly PlacedMarker[];
  /** Identities of the prefixes that whoever is sent so has written or read, to live an hour. */
  readonly prefixes: readonly number[];
}

/** Markers that are added alike to many requests: a set for each group of them, the empty one first. */
export class MarkerSets {
  readonly sets: MarkerSet[] = [NOTHING];
  /** Per request, which of the sets. */
  readonly of: Uint32Array;

  constructor(requestCount: number) {
    this.of = new Uint32Array(requestCount);
  }

  /**
   * Those that a plan of waves adds: the ones that live an hour. Where a client's own lives five minutes, so would what is
   * added beside it, and be gone when the next wave comes.
   */
  static lasting(plan: PlacedPlan): MarkerSets {
    const all = new MarkerSets(plan.requestCount);
    const numbers = new Map<number, number>();
    for (let request = 0; request < plan.requestCount; request++) {
      const anchor = plan.anchor[request] as number;
      if (anchor < 0) continue;
      const written = plan.reach?.[request] ?? WRITES_ALL;
      const key = anchor * (WRITES_ALL + 1) + written;
      const number = numbers.get(key) ?? all.sets.push(setOf(plan, request, written)) - 1;
      numbers.set(key, number);
      all.of[request] = number;
    }
    return all;
  }
}

const NOTHING: MarkerSet = { markers: [], prefixes: [] };
/** `PlacedPlan.reach` of a request that writes as much of its path as there is. */
const WRITES_ALL = 255;

function setOf(plan: PlacedPlan, request: number, written: number): MarkerSet {
  const prefixes: number[] = [];
  let left = written;
  for (let node = plan.anchor[request] as number; node >= 0 && left > 0; left--) {
    if (plan.ttl[node] === TTL_CODES['1h']) prefixes.push(plan.hash[node] as number);
    node = plan.parent[node] as number;
  }
  return { markers: markersToAdd(plan, request).filter(({ ttl }) => ttl === '1h'), prefixes };
}

/** Some requests' sets, numbered anew: those that none of them gets are left out. `of` is per request. */
export function usedSets(of: Uint32Array, sets: readonly MarkerSet[]): { of: Uint32Array; sets: readonly MarkerSet[] } {
  const numbers = new Map([[0, 0]]);
  const used = [sets[0] ?? NOTHING];
  const renumbered = of.map((set) => {
    const number = numbers.get(set) ?? used.push(sets[set] ?? NOTHING) - 1;
    numbers.set(set, number);
    return number;
  });
  return { of: renumbered, sets: used };
}
