/** Places that were idle while requests waited, and which requests had to. */
export class IdleWatch {
  #since: { readonly atMs: number; readonly places: number } | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  #idleMs = 0;
  #delayed = 0;

  /** Milliseconds of places. */
  get idleMs(): number {
    return this.#idleMs;
  }

  get delayed(): number {
    return this.#delayed;
  }

  /** From now on so many places are idle although there are requests for them. */
  begin(places: number, nowMs: number): void {
    if (places <= 0) return;
    this.#lastMs = nowMs;
    this.#since = { atMs: nowMs, places };
  }

  end(nowMs: number): void {
    if (this.#since !== null) this.#idleMs += this.#since.places * (nowMs - this.#since.atMs);
    this.#since = null;
  }

  /** A request that was queued at that moment goes now: whoever was queued when a place was last idle had to wait. */
  started(queuedMs: number): void {
    if (queuedMs <= this.#lastMs) this.#delayed += 1;
  }
}
