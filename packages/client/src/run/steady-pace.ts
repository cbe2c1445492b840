/** Results this far apart come in gusts, as those of batches that end one after the other. */
const MOST_GAP_MS = 10_000;
const STEADY_AFTER_MS = 30_000;

/**
 * Whether results come steadily enough to say how long the rest takes. The few leaders of a first wave say nothing of the
 * thousands that follow, nor do the first seconds.
 */
export class SteadyPace {
  #sinceMs: number | null = null;
  #latestMs = 0;

  settled(nowMs: number): void {
    if (this.#sinceMs === null || nowMs - this.#latestMs > MOST_GAP_MS) this.#sinceMs = nowMs;
    this.#latestMs = nowMs;
  }

  isSteady(nowMs: number): boolean {
    if (this.#sinceMs === null || nowMs - this.#latestMs > MOST_GAP_MS) return false;
    return nowMs - this.#sinceMs >= STEADY_AFTER_MS;
  }
}
