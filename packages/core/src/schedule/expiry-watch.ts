import { BackoffHeap } from './backoff-heap.ts';

/**
 * Which warm node must be used next if none is to expire. Each use prolongs a node's life, so its moment mostly moves
 * away while it waits here; it is looked at again when the old moment comes, and not at every use. Only where a use came
 * to nothing does it move closer, and then a second, earlier entry is made.
 */
export class ExpiryWatch {
  readonly #heap = new BackoffHeap();
  /** Entries of each node in the heap: one, but for uses that came to nothing. */
  readonly #entries: Uint32Array;
  readonly #dueMs: (node: number) => number;

  /** `dueMs`: when a node must be used; Infinity when there is nothing to use it with. */
  constructor(nodes: number, dueMs: (node: number) => number) {
    this.#entries = new Uint32Array(nodes);
    this.#dueMs = dueMs;
  }

  /** Begins to watch a node; again is harmless. */
  watch(node: number): void {
    if (this.#entries[node] === 0) this.moved(node);
  }

  /** The node's moment is earlier than it was. */
  moved(node: number): void {
    const dueMs = this.#dueMs(node);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#entries[node] = (this.#entries[node] as number) + 1;
    this.#heap.push(node, dueMs);
  }

  /** Takes the node that is due first, if one is due at `nowMs`, or -1. Whoever takes it watches it again. */
  popDue(nowMs: number): number {
    for (let node = this.#heap.popDue(nowMs); node !== null; node = this.#heap.popDue(nowMs)) {
      this.#entries[node] = (this.#entries[node] as number) - 1;
      if (this.#dueMs(node) <= nowMs) return node;
      this.watch(node);
    }
    return -1;
  }
}
