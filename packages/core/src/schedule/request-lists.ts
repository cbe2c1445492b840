import { AssertionFailure } from '../assertion.ts';

/**
 * Requests waiting in several lists, first in first out, linked through one array: four bytes a request. There is none
 * while all that wait are in one list and follow one another by number, as those of a batch do that shares nothing,
 * until the first of them comes back.
 *
 * Invariant: a request is in at most one list.
 */
export class RequestLists {
  readonly #requests: number;
  /** The request behind each; END for a list's last, ABSENT for one that is in no list. Null while the number says it. */
  #next: Int32Array | null = null;
  /** The list that has requests while nothing links them. */
  #run = 0;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #count: Uint32Array;
  #size = 0;

  constructor(requests: number, lists: number) {
    this.#requests = requests;
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
    if (this.#next === null && this.#goesOn(list, request)) return this.#lengthen(list, request, request);
    const next = this.#link();
    this.#enter(next, list, request);
    next[request] = END;
    const last = this.#tail[list] as number;
    if (last === END) this.#head[list] = request;
    else next[last] = request;
    this.#tail[list] = request;
  }

  /** Pushes the requests from `first` on, up to and without `end`; at least one. */
  pushRun(list: number, first: number, end: number): void {
    if (this.#next === null && end <= this.#requests && this.#goesOn(list, first)) {
      return this.#lengthen(list, first, end - 1);
    }
    const next = this.#link();
    this.push(list, first);
    for (let request = first + 1; request < end; request++) {
      assertAbsent(next, request);
      next[request - 1] = request;
      next[request] = END;
    }
    this.#tail[list] = end - 1;
    this.#count[list] = this.count(list) + end - first - 1;
    this.#size += end - first - 1;
  }

  unshift(list: number, request: number): void {
    const next = this.#link();
    this.#enter(next, list, request);
    next[request] = this.#head[list] as number;
    this.#head[list] = request;
    if (this.#tail[list] === END) this.#tail[list] = request;
  }

  /** Takes a list's first request, or -1. */
  shift(list: number): number {
    const request = this.first(list);
    if (request === END) return END;
    const next = this.#behind(list, request);
    this.#head[list] = next;
    if (next === END) this.#tail[list] = END;
    if (this.#next !== null) this.#next[request] = ABSENT;
    this.#count[list] = this.count(list) - 1;
    this.#size -= 1;
    return request;
  }

  /** Puts all of one list behind another's, in their order. */
  append(from: number, to: number): void {
    const first = this.#head[from] as number;
    if (first === END) return;
    const next = this.#link();
    const last = this.#tail[to] as number;
    if (last === END) this.#head[to] = first;
    else next[last] = first;
    this.#tail[to] = this.#tail[from] as number;
    this.#count[to] = this.count(to) + this.count(from);
    this.#head[from] = END;
    this.#tail[from] = END;
    this.#count[from] = 0;
  }

  #behind(list: number, request: number): number {
    if (this.#next !== null) return this.#next[request] as number;
    return request === this.#tail[list] ? END : request + 1;
  }

  /** Whether the request's number says where it stands: behind all that wait. */
  #goesOn(list: number, request: number): boolean {
    if (request < 0 || request >= this.#requests) return false;
    return this.#size === 0 || (list === this.#run && request === (this.#tail[list] as number) + 1);
  }

  #lengthen(list: number, first: number, last: number): void {
    if (this.#size === 0) this.#head[list] = first;
    this.#tail[list] = last;
    this.#run = list;
    this.#count[list] = this.count(list) + last - first + 1;
    this.#size += last - first + 1;
  }

  #link(): Int32Array {
    if (this.#next !== null) return this.#next;
    const next = new Int32Array(this.#requests).fill(ABSENT);
    const list = this.#run;
    for (let request = this.first(list); request !== END; request = this.#behind(list, request)) {
      next[request] = this.#behind(list, request);
    }
    this.#next = next;
    return next;
  }

  #enter(next: Int32Array, list: number, request: number): void {
    assertAbsent(next, request);
    this.#count[list] = this.count(list) + 1;
    this.#size += 1;
  }
}

function assertAbsent(next: Int32Array, request: number): void {
  if (next[request] === ABSENT) return;
  throw new AssertionFailure(`request ${request} is queued twice, or there is no such request`);
}

const END = -1;
const ABSENT = -2;
