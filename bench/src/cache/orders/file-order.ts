import type { PlacedPlan, PromptBlocks, Room, Turn } from '@batchwright/core';
import type { MakeOrder, Order } from './order.ts';

/** Requests go as they stand in a list, as soon as there is a place: what a client without a plan does. */
export class FileOrder implements Order {
  readonly #queue: number[];
  #next = 0;
  #isClosed = false;

  constructor(requests: Iterable<number>, isPending: (request: number) => boolean) {
    this.#queue = [...requests].filter(isPending);
  }

  get size(): number {
    return this.#isClosed ? 0 : this.#queue.length - this.#next;
  }

  isReady(): boolean {
    return this.size > 0;
  }

  take(_room: Room): Turn | null {
    const request = this.size > 0 ? this.#queue[this.#next++] : undefined;
    return request === undefined ? null : { request, role: 'filler', reason: 'single_use' };
  }

  push(request: number): void {
    this.#queue.push(request);
  }

  nextWakeMs(): null {
    return null;
  }

  close(): void {
    this.#isClosed = true;
  }

  started(): void {}
  firstByte(): void {}
  ended(): void {}
}

/** As submitted. */
export function submitted(prompts: PromptBlocks): MakeOrder {
  const requests = Uint32Array.from({ length: prompts.requestCount }, (_, request) => request);
  return listed(requests);
}

export function listed(requests: Uint32Array): MakeOrder {
  return (_warmthOf, isPending) => new FileOrder(requests, isPending);
}

/** All requests of one prefix, then all of the next, by where each prefix comes first. */
export function documentMajor(plan: PlacedPlan): Uint32Array {
  const { group } = grouped(plan);
  return sortedBy(plan.requestCount, (a, b) => group[a]! - group[b]! || a - b);
}

/** The first request of each prefix, then the second of each, and so on. */
export function questionMajor(plan: PlacedPlan): Uint32Array {
  const { group, nth } = grouped(plan);
  return sortedBy(plan.requestCount, (a, b) => nth[a]! - nth[b]! || group[a]! - group[b]!);
}

function sortedBy(count: number, compare: (a: number, b: number) => number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, request) => request).sort(compare);
}

/** Of each request: its group, numbered as they come first, and which of the group it is. What shares nothing is alone. */
function grouped({ requestCount, anchor }: PlacedPlan): { readonly group: Uint32Array; readonly nth: Uint32Array } {
  const group = new Uint32Array(requestCount);
  const nth = new Uint32Array(requestCount);
  const groups = new Map<number, { readonly number: number; size: number }>();
  let count = 0;
  for (let request = 0; request < requestCount; request++) {
    const key = anchor[request]! < 0 ? -1 - request : anchor[request]!;
    const known = groups.get(key) ?? { number: count++, size: 0 };
    groups.set(key, known);
    group[request] = known.number;
    nth[request] = known.size++;
  }
  return { group, nth };
}
