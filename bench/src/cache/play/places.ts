import type { AnswerClass, ConcurrencyLimit } from '@batchwright/core';

/** How many calls may be in flight, and until when none may start: core's own limit, or always the same. */
export type Places = Pick<ConcurrencyLimit, 'limit' | 'heldUntilMs' | 'allows' | 'answered'>;

/** As many as there are, from the first moment on; only a wait that the upstream asks for holds them. */
export class FixedPlaces implements Places {
  readonly limit: number;
  #heldUntilMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.limit = limit;
  }

  get heldUntilMs(): number {
    return this.#heldUntilMs;
  }

  allows(inFlight: number, nowMs: number): boolean {
    return inFlight < this.limit && nowMs >= this.#heldUntilMs;
  }

  answered(_answer: AnswerClass, retryAfterMs: number | null, _startedAtMs: number, nowMs: number): void {
    if (retryAfterMs !== null) this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + retryAfterMs);
  }
}
