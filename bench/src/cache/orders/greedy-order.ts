import type { PlacedPlan, Room, Turn } from '@batchwright/core';
import type { Order } from './order.ts';

/**
 * Longest cached prefix first, and nobody waits: of the requests whose prefix an answer has already shown to be cached,
 * one of the deepest; else the next in the file. What serving engines do with what stands in their queue.
 */
export class GreedyOrder implements Order {
  readonly #plan: PlacedPlan;
  readonly #ofAnchor: number[][];
  readonly #isQueued: Uint8Array;
  readonly #inFile: number[] = [];
  /** Anchors known to be cached that have requests left, the deepest last. */
  readonly #cached: number[] = [];
  readonly #isCached: Uint8Array;
  #next = 0;
  #size = 0;

  constructor(plan: PlacedPlan, isPending: (request: number) => boolean) {
    this.#plan = plan;
    this.#ofAnchor = Array.from({ length: plan.nodeCount }, () => []);
    this.#isQueued = new Uint8Array(plan.requestCount);
    this.#isCached = new Uint8Array(plan.nodeCount);
    for (let request = plan.requestCount - 1; request >= 0; request--) {
      if (isPending(request)) this.#ofAnchor[plan.anchor[request]!]?.push(request);
    }
    for (let request = 0; request < plan.requestCount; request++) {
      if (isPending(request)) this.#enqueue(request);
    }
  }

  get size(): number {
    return this.#size;
  }

  isReady(): boolean {
    return this.#size > 0;
  }

  take(_room: Room): Turn | null {
    const request = this.#ofCached() ?? this.#nextInFile();
    if (request === null) return null;
    this.#isQueued[request] = 0;
    this.#size -= 1;
    return { request, role: 'filler', reason: 'single_use' };
  }

  push(request: number): void {
    this.#ofAnchor[this.#plan.anchor[request]!]?.unshift(request);
    this.#enqueue(request);
  }

  firstByte(request: number): void {
    const anchor = this.#plan.anchor[request]!;
    if (anchor < 0 || this.#isCached[anchor] === 1) return;
    this.#isCached[anchor] = 1;
    this.#cached.push(anchor);
    this.#cached.sort((a, b) => this.#plan.tokens[a]! - this.#plan.tokens[b]! || b - a);
  }

  nextWakeMs(): null {
    return null;
  }

  started(): void {}
  ended(): void {}
  close(): void {}

  #enqueue(request: number): void {
    this.#inFile.push(request);
    this.#isQueued[request] = 1;
    this.#size += 1;
  }

  #ofCached(): number | null {
    for (let anchor = this.#cached.at(-1); anchor !== undefined; anchor = this.#cached.at(-1)) {
      const request = takeQueued(this.#ofAnchor[anchor]!, this.#isQueued);
      if (request !== null) return request;
      this.#cached.pop();
      this.#isCached[anchor] = 0;
    }
    return null;
  }

  #nextInFile(): number | null {
    while (this.#next < this.#inFile.length) {
      const request = this.#inFile[this.#next++]!;
      if (this.#isQueued[request] === 1) return request;
    }
    return null;
  }
}

function takeQueued(stack: number[], isQueued: Uint8Array): number | null {
  for (let request = stack.pop(); request !== undefined; request = stack.pop()) {
    if (isQueued[request] === 1) return request;
  }
  return null;
}
