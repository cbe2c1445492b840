/** Which requests had better be together. */
export interface RequestTree {
  /** Of each group the one around it, which has a lower number; -1: none. */
  readonly parent: Int32Array;
  /** Of each request the innermost group it is in; -1: none. */
  readonly of: Int32Array;
}

/** A tree of groups in an order in which each is followed by all that are in it. */
export class GroupOrder {
  readonly count: number;
  readonly parent: Int32Array;
  readonly of: Int32Array;
  /** Per group, its place in the order, and how many groups it is, itself included. */
  readonly rank: Uint32Array;
  readonly size: Uint32Array;

  constructor({ parent, of }: RequestTree) {
    this.count = parent.length;
    this.parent = parent;
    this.of = of;
    this.size = sizesOf(parent);
    this.rank = new Uint32Array(this.count);
    /** Per group, where the next of those in it goes. */
    const next = new Uint32Array(this.count);
    let nextTop = 0;
    for (let group = 0; group < this.count; group++) {
      const above = parent[group] as number;
      const rank = above < 0 ? nextTop : (next[above] as number);
      this.rank[group] = rank;
      next[group] = rank + 1;
      const end = rank + (this.size[group] as number);
      if (above < 0) nextTop = end;
      else next[above] = end;
    }
  }

  /** That of a request's group; -1: it is in none. */
  rankOf(request: number): number {
    const group = this.of[request] as number;
    return group < 0 ? -1 : (this.rank[group] as number);
  }
}

function sizesOf(parent: Int32Array): Uint32Array {
  const size = new Uint32Array(parent.length).fill(1);
  for (let group = parent.length - 1; group >= 0; group--) {
    const above = parent[group] as number;
    if (above >= 0) size[above] = (size[above] as number) + (size[group] as number);
  }
  return size;
}
