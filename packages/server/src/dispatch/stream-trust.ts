/**
 * Whether the upstream can be asked for streams. Nobody but us wants a leader's answer streamed, so one that cannot
 * stream must not cost a result: after a few streams that came to nothing leaders are asked for whole answers, and
 * followers wait for their ends. Now and then one is tried again, since whoever fails may fail at everything.
 */
export class StreamTrust {
  #failures = 0;
  #againAtMs = Number.NEGATIVE_INFINITY;

  /** Whether the next leader's answer is to be streamed. */
  isGiven(nowMs: number): boolean {
    return nowMs >= this.#againAtMs;
  }

  /** An answer that was to be streamed was none of use, and not for want of room or of a connection. */
  failed(nowMs: number): void {
    this.#failures += 1;
    if (this.#failures >= FAILURES_IN_A_ROW) this.#againAtMs = nowMs + DISTRUST_MS;
  }

  /** A stream has come to its end. */
  served(): void {
    this.#failures = 0;
    this.#againAtMs = Number.NEGATIVE_INFINITY;
  }
}

const FAILURES_IN_A_ROW = 3;
const DISTRUST_MS = 60_000;
