import { assert } from '../assertion.ts';

/**
 * The requests of one shard that wait to be handed out: a ring of indexes, four bytes each, first in first out.
 * Invariant: a request is in it at most once (its state says so), so that the shard's size bounds it.
 */
export class PendingQueue {
  readonly #ring: Uint32Array;
  #head = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#ring = new Uint32Array(capacity);
  }

  /** The requests from 0 to `count` − 1 that are pending, in submission order. */
  static of(count: number, isPending: (request: number) => boolean): PendingQueue {
    const queue = new PendingQueue(count);
    for (let request = 0; request < count; request++) {
      if (isPending(request)) queue.push(request);
    }
    return queue;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a request at the end. */
  push(request: number): void {
    this.#assertRoom(request);
    this.#ring[this.#place(this.#size)] = request;
    this.#size += 1;
  }

  /** Puts a request before all others, for one that was handed out and came back untried. */
  unshift(request: number): void {
    this.#assertRoom(request);
    this.#head = this.#head === 0 ? this.#ring.length - 1 : this.#head - 1;
    this.#ring[this.#head] = request;
    this.#size += 1;
  }

  /** Takes the first request, or null. */
  shift(): number | null {
    if (this.#size === 0) return null;
    const request = this.#ring[this.#head] ?? null;
    this.#head = this.#place(1);
    this.#size -= 1;
    return request;
  }

  #assertRoom(request: number): void {
    const capacity = this.#ring.length;
    assert(this.#size < capacity, () => `request ${request} is queued twice: all ${capacity} places are taken`);
  }

  #place(offset: number): number {
    const place = this.#head + offset;
    return place < this.#ring.length ? place : place - this.#ring.length;
  }
}
