/** A stream whose last event has come; `cut` closes its connection. */
export interface OpenEnd {
  cut(): void;
}

/** As many connections as are worth keeping for another call; an upstream that ends its streams has one or two here. */
const MOST_OPEN_ENDS = 64;

/**
 * Streams that are over and whose connections have not ended. They hold no place in flight, and an upstream that keeps
 * its connections open after the last event would have one of each until they time out: beyond a number the oldest goes.
 */
export class OpenEnds {
  /** Oldest first. */
  readonly #ends = new Set<OpenEnd>();
  readonly #most: number;

  constructor(most: number = MOST_OPEN_ENDS) {
    this.#most = most;
  }

  add(end: OpenEnd): void {
    this.#ends.add(end);
    const [oldest] = this.#ends;
    if (oldest === undefined || this.#ends.size <= this.#most) return;
    this.#ends.delete(oldest);
    oldest.cut();
  }

  /** Its connection has ended. */
  ended(end: OpenEnd): void {
    this.#ends.delete(end);
  }
}
