import { assert } from '../assertion.ts';

/** A bucket of `capacity` tokens that refills evenly, whole in `fillMs`. Time that goes back refills nothing. */
export class TokenBucket {
  readonly capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #asOfMs: number;

  constructor(capacity: number, fillMs: number, nowMs: number) {
    assert(capacity > 0 && fillMs > 0, () => `a bucket needs a capacity and a time to fill: ${capacity}, ${fillMs} ms`);
    this.capacity = capacity;
    this.#perMs = capacity / fillMs;
    this.#tokens = capacity;
    this.#asOfMs = nowMs;
  }

  /** Takes `tokens`, or nothing when fewer are there. */
  take(tokens: number, nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens + EPSILON < tokens) return false;
    this.#tokens = Math.max(0, this.#tokens - tokens);
    return true;
  }

  /** Tokens that could be taken now. */
  remaining(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens;
  }

  /** How long until `tokens` can be taken; 0 when they can be now. */
  waitMs(tokens: number, nowMs: number): number {
    this.#refill(nowMs);
    return Math.ceil(Math.max(0, tokens - EPSILON - this.#tokens) / this.#perMs);
  }

  /** When the bucket will be full if nothing more is taken. */
  fullAtMs(nowMs: number): number {
    return nowMs + this.waitMs(this.capacity, nowMs);
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#asOfMs) return;
    this.#tokens = Math.min(this.capacity, this.#tokens + (nowMs - this.#asOfMs) * this.#perMs);
    this.#asOfMs = nowMs;
  }
}

/** Refilling by fractions leaves sums a hair short of whole tokens; nobody waits for that. */
const EPSILON = 1e-6;
