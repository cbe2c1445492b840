import { BackoffHeap } from './backoff-heap.ts';

/**
 * Which warm node must be used next if none is to expire. A node's moment only moves away while it waits here, since
 * each use prolongs its life; so it is looked at again when its old moment comes, and not at every use.
 */
export class ExpiryWatch {
  readonly #heap = new BackoffHeap();
  readonly #isWatched: Uint8Array;
  readonly #dueMs: (node: number) => number;

  /** `dueMs`: when a node must be used; Infinity when there is nothing to use it with. */
  constructor(nodes: number, dueMs: (node: number) => number) {
    this.#isWatched = new Uint8Array(nodes);
    this.#dueMs = dueMs;
  }

  /** Begins to watch a node; again is harmless. */
  watch(node: number): void {
    if (this.#isWatched[node] === 1) return;
    const dueMs = this.#dueMs(node);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#isWatched[node] = 1;
    this.#heap.push(node, dueMs);
  }

  /** Takes the node that is due first, if one is due at `nowMs`, or -1. Whoever takes it watches it again. */
  popDue(nowMs: number): number {
    for (let node = this.#heap.popDue(nowMs); node !== null; node = this.#heap.popDue(nowMs)) {
      this.#isWatched[node] = 0;
      if (this.#dueMs(node) <= nowMs) return node;
      this.watch(node);
    }
    return -1;
  }
}
