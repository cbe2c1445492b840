import { markersToAdd, type PlacedMarker, type PlacedPlan } from '@batchwright/core';

/** Markers that are added alike to many requests: each set once, the empty one first. */
export class MarkerSets {
  readonly sets: (readonly PlacedMarker[])[] = [[]];
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
    const numbers = new Map([['', 0]]);
    /** Per node, for the requests anchored at it; -1: not looked at yet. */
    const atNode = new Int32Array(plan.nodeCount).fill(-1);
    for (let request = 0; request < plan.requestCount; request++) {
      const anchor = plan.anchor[request] as number;
      if (anchor < 0) continue;
      if (atNode[anchor] === -1) {
        const markers = markersToAdd(plan, request).filter(({ ttl }) => ttl === '1h');
        atNode[anchor] = all.#number(markers, numbers);
      }
      all.of[request] = atNode[anchor] as number;
    }
    return all;
  }

  #number(markers: readonly PlacedMarker[], numbers: Map<string, number>): number {
    const key = markers.map(({ block, ttl }) => `${block} ${ttl}`).join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, this.sets.length);
    return this.sets.push(markers) - 1;
  }
}
