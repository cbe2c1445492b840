import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PrefixPlan } from '../prefix/prefix-plan.ts';
import type { RequestLists } from './request-lists.ts';

/** A plan to schedule; without a `reach` every request writes all of its path. */
export type SchedulePlan = PrefixPlan & Partial<Pick<PlacedPlan, 'reach'>>;

/**
 * Who can lead what. A request writes its anchor and so many nodes above it as its reach says; one that reaches nothing
 * only reads. Where clients mark their prompts differently, the way to a node's leader is not the way to most work.
 */
export class LeaderReach {
  readonly #reach: Uint8Array | null;
  /** How many nodes, from each one upwards, somebody under it writes. */
  readonly #upwards: Uint8Array;
  /** The child under which that is, of those that reach furthest. */
  readonly #way: Int32Array;

  constructor(plan: SchedulePlan) {
    this.#reach = plan.reach ?? null;
    const nodes = this.#reach === null ? 0 : plan.nodeCount;
    this.#upwards = new Uint8Array(nodes);
    this.#way = new Int32Array(nodes).fill(-1);
    this.#reach?.forEach((reach, request) => {
      const anchor = plan.anchor[request] as number;
      if (anchor !== -1) this.#upwards[anchor] = Math.max(this.#upwards[anchor] as number, reach);
    });
    this.#findWays(plan);
  }

  /** Whether every request writes all of its path. */
  get isUniform(): boolean {
    return this.#reach === null;
  }

  /** How many nodes a request writes, its anchor the first. */
  of(request: number): number {
    const reach = this.#reach?.[request] ?? WHOLE_PATH;
    return reach === WHOLE_PATH ? Number.POSITIVE_INFINITY : reach;
  }

  /** The node whose first request leads `node` and writes it, or -1 when none is known. */
  anchorFor(node: number, lists: RequestLists, isLeadable: (node: number) => boolean): number {
    let needed = 1;
    for (let anchor = node; anchor !== -1 && (this.#upwards[anchor] as number) >= needed; needed++) {
      if (lists.count(anchor) > 0 && this.of(lists.first(anchor)) >= needed) return anchor;
      const way = this.#way[anchor] as number;
      anchor = way !== -1 && isLeadable(way) ? way : -1;
    }
    return -1;
  }

  #findWays(plan: PrefixPlan): void {
    for (let node = this.#upwards.length - 1; node >= 0; node--) {
      const above = plan.parent[node] as number;
      const upwards = this.#upwards[node] as number;
      const further = upwards === WHOLE_PATH ? WHOLE_PATH : upwards - 1;
      if (above === -1 || further < 1) continue;
      const way = this.#way[above] as number;
      if (way === -1 || upwards >= (this.#upwards[way] as number)) this.#way[above] = node;
      this.#upwards[above] = Math.max(this.#upwards[above] as number, further);
    }
  }
}

/** 255 in a plan: the whole path, however long. */
const WHOLE_PATH = 255;
