import { unreachable } from '../assertion.ts';
import type { AnswerClass } from '../retry/upstream-answer.ts';

/** Bounds of an upstream's concurrency. */
export interface ConcurrencyBounds {
  /** Never more in flight than this. */
  readonly maximum: number;
  /** In flight at first; 16 unless told, or the maximum if that is less. */
  readonly initial?: number;
}

/** Rounds of nothing but trouble that are taken for chance, before holds begin. */
const PATIENT_ROUNDS = 3;
const HOLD_FIRST_MS = 250;
const HOLD_LAST_MS = 30_000;
const DECREASE = 0.5;
const INITIAL = 16;

/**
 * How many calls an upstream may have in flight. SPEC.md C1–C8. Additive increase, multiplicative decrease, as TCP
 * does it: doubling per round trip up to where trouble was last met, then one more per window of successes; halved at
 * most once per round trip, since all calls that were in flight at a decrease tell of the same trouble.
 *
 * Beside the window there is a hold, a moment before which nothing starts: what `retry-after` asked for, or, when round
 * after round brings no good answer, a wait that doubles up to 30 s. Without it an upstream that refuses at once would
 * be called as fast as the machine can. Every method is O(1) and allocates nothing.
 */
export class ConcurrencyLimit {
  readonly #maximum: number;
  #window: number;
  /** Below it the window doubles per round trip; above it, it grows by one. */
  #threshold: number;
  /** Calls that started at or before this moment belong to a round that was already counted as trouble. */
  #troubledAtMs = Number.NEGATIVE_INFINITY;
  #troubledRounds = 0;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether the window, and not a lack of work, bounded what was in flight. Only then does success prove anything. */
  #isFull = false;

  constructor({ maximum, initial = INITIAL }: ConcurrencyBounds) {
    this.#maximum = Math.max(1, Math.floor(maximum));
    this.#window = Math.min(this.#maximum, Math.max(1, initial));
    this.#threshold = this.#maximum;
  }

  /** Calls that may be in flight together: an integer from 1 to the maximum. */
  get limit(): number {
    return Math.floor(this.#window);
  }

  /** Nothing starts before this moment; in the past when there is no hold. */
  get heldUntilMs(): number {
    return this.#heldUntilMs;
  }

  /** Whether one more call may start beside those in flight. */
  allows(inFlight: number, nowMs: number): boolean {
    this.#isFull = inFlight >= this.limit - 1;
    return inFlight < this.limit && nowMs >= this.#heldUntilMs;
  }

  /** Learns from the answer to a call that started at `startedAtMs`. */
  answered(answer: AnswerClass, retryAfterMs: number | null, startedAtMs: number, nowMs: number): void {
    switch (answer) {
      case 'succeeded':
      case 'rejected':
        this.#troubledRounds = 0;
        return this.#grow();
      case 'rate_limited':
      case 'overloaded':
        if (retryAfterMs !== null) this.#hold(nowMs + retryAfterMs);
        return this.#trouble(true, startedAtMs, nowMs);
      case 'timed_out':
        return this.#trouble(true, startedAtMs, nowMs);
      case 'broken':
        // Says nothing of load: the window stays, but a dead upstream is not called without pause.
        return this.#trouble(false, startedAtMs, nowMs);
      case 'paused':
        return;
      default:
        return unreachable(answer);
    }
  }

  #grow(): void {
    if (!this.#isFull) return;
    const growth = this.#window < this.#threshold ? 1 : 1 / this.#window;
    this.#window = Math.min(this.#maximum, this.#window + growth);
  }

  #trouble(isLoad: boolean, startedAtMs: number, nowMs: number): void {
    if (startedAtMs <= this.#troubledAtMs) return;
    this.#troubledAtMs = nowMs;
    this.#troubledRounds += 1;
    if (isLoad) {
      this.#window = Math.max(1, this.#window * DECREASE);
      this.#threshold = this.#window;
    }
    const rounds = this.#troubledRounds - PATIENT_ROUNDS;
    if (rounds >= 0) this.#hold(nowMs + Math.min(HOLD_LAST_MS, HOLD_FIRST_MS * 2 ** Math.min(rounds, 20)));
  }

  #hold(untilMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs);
  }
}
