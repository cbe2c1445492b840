import { assert } from '../assertion.ts';

/**
 * Requests waiting in several lists, first in first out, linked through one array: four bytes a request.
 * Invariant: a request is in at most one list.
 */
export class RequestLists {
  /** The request behind each; END for a list's last, ABSENT for one that is in no list. */
  readonly #next: Int32Array;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #count: Uint32Array;
  #size = 0;

  constructor(requests: number, lists: number) {
    this.#next = new Int32Array(requests).fill(ABSENT);
    this.#head = new Int32Array(lists).fill(END);
    this.#tail = new Int32Array(lists).fill(END);
    this.#count = new Uint32Array(lists);
  }

  /** Requests in all lists. */
  get size(): number {
    return this.#size;
  }

  count(list: number): number {
    return this.#count[list] as number;
  }

  /** A list's first request, or -1. */
  first(list: number): number {
    return this.#head[list] as number;
  }

  push(list: number, request: number): void {
    this.#enter(list, request);
    this.#next[request] = END;
    const last = this.#tail[list] as number;
    if (last === END) this.#head[list] = request;
    else this.#next[last] = request;
    this.#tail[list] = request;
  }

  unshift(list: number, request: number): void {
    this.#enter(list, request);
    this.#next[request] = this.#head[list] as number;
    this.#head[list] = request;
    if (this.#tail[list] === END) this.#tail[list] = request;
  }

  /** Takes a list's first request, or -1. */
  shift(list: number): number {
    const request = this.first(list);
    if (request === END) return END;
    const next = this.#next[request] as number;
    this.#head[list] = next;
    if (next === END) this.#tail[list] = END;
    this.#next[request] = ABSENT;
    this.#count[list] = this.count(list) - 1;
    this.#size -= 1;
    return request;
  }

  /** Puts all of one list behind another's, in their order. */
  append(from: number, to: number): void {
    const first = this.#head[from] as number;
    if (first === END) return;
    const last = this.#tail[to] as number;
    if (last === END) this.#head[to] = first;
    else this.#next[last] = first;
    this.#tail[to] = this.#tail[from] as number;
    this.#count[to] = this.count(to) + this.count(from);
    this.#head[from] = END;
    this.#tail[from] = END;
    this.#count[from] = 0;
  }

  #enter(list: number, request: number): void {
    assert(this.#next[request] === ABSENT, () => `request ${request} is queued twice, or there is no such request`);
    this.#count[list] = this.count(list) + 1;
    this.#size += 1;
  }
}

const END = -1;
const ABSENT = -2;
