/** What lies longer back than this counts little. */
const MEMORY_MS = 60_000;

/**
 * How many requests settle in a second, as an average in which older ones count ever less. It begins with what there is:
 * in the first minute nothing is assumed of the time before.
 */
export class SettleRate {
  readonly #startMs: number;
  #weight = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#atMs = nowMs;
  }

  settled(count: number, nowMs: number): void {
    this.#weight = this.#faded(nowMs) + count;
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  perSecond(nowMs: number): number {
    const ageMs = Math.max(nowMs - this.#startMs, LEAST_AGE_MS);
    return (1000 * this.#faded(nowMs)) / (MEMORY_MS * (1 - Math.exp(-ageMs / MEMORY_MS)));
  }

  #faded(nowMs: number): number {
    return this.#weight * Math.exp(-Math.max(0, nowMs - this.#atMs) / MEMORY_MS);
  }
}

/** A rate over less says more about when somebody looked. */
const LEAST_AGE_MS = 1000;
