/**
 * Requests that wait for a moment: a binary heap by wake-up time in two typed arrays, twelve bytes a request. Ties wake
 * in order of their index.
 *
 * Removal is lazy: `isWaiting` is asked when an entry reaches the top, and one that settled meanwhile is dropped there.
 * That suffices because a request that stops waiting without being woken has settled and never waits again.
 */
export class BackoffHeap {
  readonly #isWaiting: (request: number) => boolean;
  #atMs = new Float64Array(FIRST_CAPACITY);
  #requests = new Uint32Array(FIRST_CAPACITY);
  #size = 0;

  constructor(isWaiting: (request: number) => boolean = () => true) {
    this.#isWaiting = isWaiting;
  }

  /** Entries held, those that wait no more included. */
  get size(): number {
    return this.#size;
  }

  /** Adds a request that is not in the heap. */
  push(request: number, atMs: number): void {
    if (this.#size === this.#atMs.length) this.#widen();
    this.#rise(this.#size++, request, atMs);
  }

  /** The earliest wake-up, or null. */
  nextAt(): number | null {
    this.#dropStale();
    return this.#size === 0 ? null : this.#timeAt(0);
  }

  /** Takes the request that woke first, if one is due at `nowMs`. */
  popDue(nowMs: number): number | null {
    const atMs = this.nextAt();
    if (atMs === null || atMs > nowMs) return null;
    const request = this.#requestAt(0);
    this.#removeTop();
    return request;
  }

  #dropStale(): void {
    while (this.#size > 0 && !this.#isWaiting(this.#requestAt(0))) this.#removeTop();
  }

  #removeTop(): void {
    this.#size -= 1;
    if (this.#size > 0) this.#sink(this.#requestAt(this.#size), this.#timeAt(this.#size));
  }

  /** Moves the hole at `place` up to where the entry belongs. */
  #rise(place: number, request: number, atMs: number): void {
    let hole = place;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#isBefore(request, atMs, parent)) break;
      this.#put(hole, this.#requestAt(parent), this.#timeAt(parent));
      hole = parent;
    }
    this.#put(hole, request, atMs);
  }

  /** Moves the hole at the top down to where the entry belongs. */
  #sink(request: number, atMs: number): void {
    let hole = 0;
    for (let child = this.#earlierChild(hole); child !== null; child = this.#earlierChild(hole)) {
      if (this.#isBefore(request, atMs, child)) break;
      this.#put(hole, this.#requestAt(child), this.#timeAt(child));
      hole = child;
    }
    this.#put(hole, request, atMs);
  }

  #earlierChild(parent: number): number | null {
    const left = 2 * parent + 1;
    const right = left + 1;
    if (left >= this.#size) return null;
    if (right >= this.#size) return left;
    return this.#isBefore(this.#requestAt(left), this.#timeAt(left), right) ? left : right;
  }

  #isBefore(request: number, atMs: number, place: number): boolean {
    const other = this.#timeAt(place);
    return atMs < other || (atMs === other && request < this.#requestAt(place));
  }

  #put(place: number, request: number, atMs: number): void {
    this.#requests[place] = request;
    this.#atMs[place] = atMs;
  }

  #timeAt(place: number): number {
    return this.#atMs[place] as number;
  }

  #requestAt(place: number): number {
    return this.#requests[place] as number;
  }

  #widen(): void {
    const capacity = this.#size * 2;
    const [atMs, requests] = [new Float64Array(capacity), new Uint32Array(capacity)];
    atMs.set(this.#atMs);
    requests.set(this.#requests);
    this.#atMs = atMs;
    this.#requests = requests;
  }
}

const FIRST_CAPACITY = 64;
