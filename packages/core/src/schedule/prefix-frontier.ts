import { IndexSet } from './index-set.ts';
import type { LeaderReach } from './leader-reach.ts';
import type { PrefixTree } from './prefix-tree.ts';
import type { RequestLists } from './request-lists.ts';
import { WARM_STATE, type WarmState } from './warm-state.ts';

/**
 * Where the requests of a plan can begin: the warm nodes that have followers waiting, and the cold nodes that can be led
 * because all above them is warm. Kept up to date node by node, so that finding the next is a look into a set.
 *
 * A node is *leadable* when a request under it could warm it: it is not held (warming or settling), and it has requests
 * of its own or a leadable child. What changes there is told upwards only as far as it changes anything.
 */
export class PrefixFrontier {
  readonly #tree: PrefixTree;
  readonly #lists: RequestLists;
  readonly #reach: LeaderReach;
  readonly #state: Uint8Array;
  readonly #leadableChildren: Uint32Array;
  /** By place: leadable, and those of them that are cold. */
  readonly #leadable: IndexSet;
  readonly #coldLeadable: IndexSet;
  /** By rank: warm with requests waiting; held with requests waiting; warm above a child that can be led. */
  readonly #ready: IndexSet;
  readonly #held: IndexSet;
  readonly #parents: IndexSet;
  #readyRequests = 0;
  #open = 0;

  /** `lists` holds each node's own requests under its number. */
  constructor(tree: PrefixTree, lists: RequestLists, reach: LeaderReach) {
    this.#tree = tree;
    this.#lists = lists;
    this.#reach = reach;
    this.#state = new Uint8Array(tree.top + 1);
    this.#state[tree.top] = WARM_STATE.warm;
    this.#leadableChildren = new Uint32Array(tree.top + 1);
    this.#leadable = new IndexSet(tree.top + 1);
    this.#coldLeadable = new IndexSet(tree.top + 1);
    this.#ready = new IndexSet(tree.top + 1);
    this.#held = new IndexSet(tree.top + 1);
    this.#parents = new IndexSet(tree.top + 1);
    for (let node = tree.top - 1; node >= 0; node--) this.#refresh(node);
  }

  /** Followers that could go now. */
  get readyRequests(): number {
    return this.#readyRequests;
  }

  /** Nodes that somebody leads or has led and that still have requests waiting: each must be used before it expires. */
  get openGroups(): number {
    return this.#open;
  }

  get isLeadable(): boolean {
    return !this.#parents.isEmpty;
  }

  state(node: number): WarmState {
    return this.#state[node] as WarmState;
  }

  setState(node: number, state: WarmState): void {
    const before = this.state(node);
    if (before === state) return;
    const waiting = this.#lists.count(node);
    if (before === WARM_STATE.warm) this.#readyRequests -= waiting;
    if (state === WARM_STATE.warm) this.#readyRequests += waiting;
    if (waiting > 0) this.#open += Number(isOpenGroup(state)) - Number(isOpenGroup(before));
    this.#state[node] = state;
    this.#refresh(node);
  }

  /** A request has joined the node's own (+1) or left them (−1). */
  countChanged(node: number, by: 1 | -1): void {
    const count = this.#lists.count(node);
    const state = this.state(node);
    if (state === WARM_STATE.warm) this.#readyRequests += by;
    const turned = by === 1 ? count === 1 : count === 0;
    if (!turned) return;
    if (isOpenGroup(state)) this.#open += by;
    this.#refresh(node);
  }

  /** The node's requests went elsewhere, all at once. */
  emptied(node: number): void {
    this.#refresh(node);
  }

  /** The deepest warm node with requests waiting, from a rank on; -1: none. */
  readyNode(fromRank = 0): number {
    const rank = this.#ready.next(fromRank);
    return rank === -1 ? -1 : (this.#tree.ofRank[rank] as number);
  }

  isReady(node: number): boolean {
    return this.#ready.has(this.#tree.rank[node] as number);
  }

  /** The deepest node that is held with requests waiting, or -1. */
  heldNode(): number {
    const rank = this.#held.next(0);
    return rank === -1 ? -1 : (this.#tree.ofRank[rank] as number);
  }

  /** The cold node to lead next, in the deepest branch that is open, or -1. */
  leadableNode(): number {
    const rank = this.#parents.next(0);
    return rank === -1 ? -1 : this.coldChild(this.#tree.ofRank[rank] as number);
  }

  /** The cold child of a node that is to be led next, or -1. */
  coldChild(node: number): number {
    return this.#firstChild(this.#coldLeadable, node);
  }

  /** The node whose first request best leads `node`: its way down is the tree's as far as that has requests left. */
  leaderAnchor(node: number): number {
    const writer = this.#reach.isUniform
      ? -1
      : this.#reach.anchorFor(node, this.#lists, (child) => this.#isLeadable(child));
    return writer === -1 ? this.#wayDown(node) : writer;
  }

  #wayDown(node: number): number {
    for (let anchor = node; ;) {
      const way = this.#tree.way[anchor] as number;
      const isOwn = way === -1 && this.#lists.count(anchor) > 0;
      const child = isOwn ? -1 : this.#isLeadable(way) ? way : this.#firstChild(this.#leadable, anchor);
      if (child === -1) return anchor;
      anchor = child;
    }
  }

  #isLeadable(node: number): boolean {
    return node !== -1 && this.#leadable.has(this.#tree.placeOf[node] as number);
  }

  #firstChild(children: IndexSet, node: number): number {
    const { childStart, childEnd, nodeAt } = this.#tree;
    const end = childEnd[node] as number;
    if (end === 0) return -1;
    const place = children.next(childStart[node] as number);
    return place === -1 || place >= end ? -1 : (nodeAt[place] as number);
  }

  #refresh(from: number): void {
    const { top, parent, placeOf, rank } = this.#tree;
    for (let node = from; node !== top; node = parent[node] as number) {
      const [state, place] = [this.state(node), placeOf[node] as number];
      const isWaiting = this.#lists.count(node) > 0;
      const isLeadable = !isHeld(state) && (isWaiting || (this.#leadableChildren[node] as number) > 0);
      const wasLeadable = this.#leadable.has(place);
      this.#ready.set(rank[node] as number, isWaiting && state === WARM_STATE.warm);
      this.#held.set(rank[node] as number, isWaiting && isHeld(state));
      this.#leadable.set(place, isLeadable);
      this.#coldLeadable.set(place, isLeadable && state === WARM_STATE.cold);
      this.#refreshParent(node);
      this.#refreshParent(parent[node] as number);
      if (isLeadable === wasLeadable) return;
      const above = parent[node] as number;
      this.#leadableChildren[above] = (this.#leadableChildren[above] as number) + (isLeadable ? 1 : -1);
    }
  }

  #refreshParent(node: number): void {
    const isOpen = isPassable(this.state(node)) && this.coldChild(node) !== -1;
    this.#parents.set(this.#tree.rank[node] as number, isOpen);
  }
}

const isHeld = (state: WarmState): boolean => state === WARM_STATE.warming || state === WARM_STATE.settling;

/** Whether what lies below may be led. What nobody caches holds nobody up. */
const isPassable = (state: WarmState): boolean => state === WARM_STATE.warm || state === WARM_STATE.dead;

const isOpenGroup = (state: WarmState): boolean => state === WARM_STATE.warm || isHeld(state);
