/** What is to happen when: a binary heap, in which what is due in the same moment happens in the order it was put in. */
export class EventQueue<Event> {
  readonly #heap: Due<Event>[] = [];
  #order = 0;

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  push(atMs: number, event: Event): void {
    const due = { atMs, order: this.#order++, event };
    let hole = this.#heap.length;
    this.#heap.push(due);
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      if (isBefore(this.#heap[above]!, due)) break;
      this.#heap[hole] = this.#heap[above]!;
      hole = above;
    }
    this.#heap[hole] = due;
  }

  pop(): { readonly atMs: number; readonly event: Event } | null {
    const [first, last] = [this.#heap[0], this.#heap.pop()];
    if (first === undefined || last === undefined) return null;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(last: Due<Event>): void {
    let hole = 0;
    for (let below = 1; below < this.#heap.length; below = 2 * hole + 1) {
      const right = this.#heap[below + 1];
      if (right !== undefined && isBefore(right, this.#heap[below]!)) below += 1;
      if (isBefore(last, this.#heap[below]!)) break;
      this.#heap[hole] = this.#heap[below]!;
      hole = below;
    }
    this.#heap[hole] = last;
  }
}

interface Due<Event> {
  readonly atMs: number;
  readonly order: number;
  readonly event: Event;
}

const isBefore = (a: Due<unknown>, b: Due<unknown>): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
