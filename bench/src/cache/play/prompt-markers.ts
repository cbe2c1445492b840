import { BLOCK_TRAITS, markersToAdd, type PlacedMarker, type PlacedPlan, type PromptBlocks } from '@batchwright/core';

/** The markers that requests go out with: the client's, and what the plan adds where there is none. */
export class PromptMarkers {
  readonly #prompts: PromptBlocks;
  readonly #plan: PlacedPlan | null;
  readonly #isAll: boolean;
  /** Of each anchor, what is added: the same for all its requests. */
  readonly #added = new Map<number, readonly PlacedMarker[]>();

  constructor(prompts: PromptBlocks, plan: PlacedPlan | null, isAll: boolean) {
    this.#prompts = prompts;
    this.#plan = plan;
    this.#isAll = isAll;
  }

  of(request: number): readonly PlacedMarker[] {
    const from = this.#prompts.firstBlock[request]!;
    const to = this.#prompts.firstBlock[request + 1]!;
    if (this.#isAll) return Array.from({ length: to - from }, (_, block) => ({ block, ttl: '1h' as const }));
    const added = this.#addedTo(request);
    const markers: PlacedMarker[] = [];
    let next = 0;
    for (let at = from; at < to; at++) {
      const block = at - from;
      const traits = this.#prompts.traits[at]!;
      const isAdded = added[next]?.block === block;
      if ((traits & BLOCK_TRAITS.marked1h) !== 0) markers.push({ block, ttl: '1h' });
      else if ((traits & BLOCK_TRAITS.marked5m) !== 0) markers.push({ block, ttl: '5m' });
      else if (isAdded) markers.push(added[next]!);
      if (isAdded) next += 1;
    }
    return markers;
  }

  #addedTo(request: number): readonly PlacedMarker[] {
    if (this.#plan === null) return NONE;
    const anchor = this.#plan.anchor[request]!;
    const known = this.#added.get(anchor);
    if (known !== undefined) return known;
    const added = markersToAdd(this.#plan, request);
    this.#added.set(anchor, added);
    return added;
  }
}

const NONE: readonly PlacedMarker[] = [];
