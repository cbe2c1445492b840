/**
 * Puts requests into batches: whole groups together where they fit, and what belongs to no group where room is left.
 *
 * Groups are a tree, in which the requests of a group are those at it and below. They are laid out in the order of the
 * tree, so that every group is a run of neighbours; then a run begins a new batch where it fits a batch, and not what is
 * left of the last. A group larger than a batch is taken apart into those below it. Linear but for sorting what comes out.
 */
import type { GroupOrder } from './group-order.ts';

/** How much each request takes of how much there is. */
export interface Allowance {
  readonly limit: number;
  readonly ofRequest: ArrayLike<number>;
}

/** The most that a batch may take: requests, and whatever else is limited. */
export interface Capacity {
  readonly requests: number;
  readonly allowances: readonly Allowance[];
}

/**
 * Packs requests, which ascend; answers each batch's, ascending. A request that is larger than a batch may be has one of
 * its own: the upstream will say what is wrong with it.
 */
export function packBatches(requests: Uint32Array, capacity: Capacity, groups: GroupOrder | null): Uint32Array[] {
  const packing = new Packing(capacity);
  const layout = groups === null ? null : new GroupLayout(requests, groups);
  if (layout !== null) packGroups(packing, layout, capacity);
  packing.fill(layout?.single ?? requests);
  return packing.batches();
}

/** The longest run that fits a batch, time after time; where none does, what is there first. */
function packGroups(packing: Packing, layout: GroupLayout, capacity: Capacity): void {
  const sizes = new RunSizes(layout.grouped, capacity.allowances);
  const fits = (from: number, to: number): boolean => packing.fitsAny(sizes.of(from, to));
  for (let from = 0; from < layout.grouped.length;) {
    const to = layout.endOfLargest(from, fits);
    packing.putTogether(layout.grouped.subarray(from, to), sizes.of(from, to));
    from = to;
  }
}

class Packing {
  readonly #capacity: Capacity;
  readonly #batches: OpenBatch[] = [];

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  batches(): Uint32Array[] {
    return this.#batches.map(({ requests }) => Uint32Array.from(requests).sort());
  }

  /** Whether so much fits a batch that is empty. */
  fitsAny(size: Float64Array): boolean {
    return new OpenBatch(this.#capacity).fits(size);
  }

  /** Puts some together into the last batch, or a new one where they do not fit that. */
  putTogether(requests: Uint32Array, size: Float64Array): void {
    const last = this.#batches.at(-1);
    const batch = last?.fits(size) === true ? last : this.#open();
    for (const request of requests) batch.requests.push(request);
    batch.take(size);
  }

  /** Puts each where room is left, from the first batch on, and the rest into new ones. */
  fill(requests: Uint32Array): void {
    let at = 0;
    for (const request of requests) {
      const size = this.#sizeOf(request);
      while (this.#batches[at]?.fits(size) === false) at++;
      const batch = this.#batches[at] ?? this.#open();
      batch.requests.push(request);
      batch.take(size);
    }
  }

  #open(): OpenBatch {
    const batch = new OpenBatch(this.#capacity);
    this.#batches.push(batch);
    return batch;
  }

  #sizeOf(request: number): Float64Array {
    const { allowances } = this.#capacity;
    const size = new Float64Array(1 + allowances.length).fill(1);
    for (let i = 0; i < allowances.length; i++) size[i + 1] = allowances[i]?.ofRequest[request] as number;
    return size;
  }
}

/** A batch that is being filled. Sizes: of requests, then of each allowance. */
class OpenBatch {
  readonly requests: number[] = [];
  readonly #room: Float64Array;

  constructor({ requests, allowances }: Capacity) {
    this.#room = Float64Array.of(requests, ...allowances.map(({ limit }) => limit));
  }

  fits(size: Float64Array): boolean {
    return size.every((part, i) => part <= (this.#room[i] as number));
  }

  take(size: Float64Array): void {
    size.forEach((part, i) => (this.#room[i] = (this.#room[i] as number) - part));
  }
}

/** Requests in the order of their groups, so that those of a group are neighbours. */
class GroupLayout {
  readonly grouped: Uint32Array;
  /** Those of no group. */
  readonly single: Uint32Array;
  readonly #groups: GroupOrder;
  /** Per rank, where the requests at that group begin. */
  readonly #first: Uint32Array;

  constructor(requests: Uint32Array, groups: GroupOrder) {
    this.#groups = groups;
    this.single = requests.filter((request) => groups.of[request] === -1);
    this.grouped = new Uint32Array(requests.length - this.single.length);
    this.#first = new Uint32Array(groups.count + 1);
    for (const request of requests) {
      const rank = groups.rankOf(request);
      if (rank >= 0) this.#first[rank + 1] = (this.#first[rank + 1] as number) + 1;
    }
    for (let rank = 0; rank < groups.count; rank++) {
      this.#first[rank + 1] = (this.#first[rank + 1] as number) + (this.#first[rank] as number);
    }
    const next = this.#first.slice();
    for (const request of requests) {
      const rank = groups.rankOf(request);
      if (rank < 0) continue;
      const at = next[rank] as number;
      this.grouped[at] = request;
      next[rank] = at + 1;
    }
  }

  /** Where the largest group ends that begins at a place and fits; else where the request there does. */
  endOfLargest(from: number, fits: (from: number, to: number) => boolean): number {
    let end = from + 1;
    let group = this.#groups.of[this.grouped[from] as number] as number;
    for (; group >= 0 && this.#beginOf(group) === from; group = this.#groups.parent[group] as number) {
      const to = this.#endOf(group);
      if (!fits(from, to)) break;
      end = to;
    }
    return end;
  }

  #beginOf(group: number): number {
    return this.#first[this.#groups.rank[group] as number] as number;
  }

  #endOf(group: number): number {
    return this.#first[(this.#groups.rank[group] as number) + (this.#groups.size[group] as number)] as number;
  }
}

/** What any run of requests takes. */
class RunSizes {
  readonly #sums: readonly Float64Array[];

  constructor(requests: Uint32Array, allowances: readonly Allowance[]) {
    this.#sums = allowances.map(({ ofRequest }) => {
      const sums = new Float64Array(requests.length + 1);
      requests.forEach((request, i) => (sums[i + 1] = (sums[i] as number) + (ofRequest[request] as number)));
      return sums;
    });
  }

  of(from: number, to: number): Float64Array {
    return Float64Array.of(to - from, ...this.#sums.map((sums) => (sums[to] as number) - (sums[from] as number)));
  }
}
