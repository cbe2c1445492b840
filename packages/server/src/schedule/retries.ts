import type { Clock, Timer } from '@batchwright/core';

/** What failed and is to be tried again after a while. A stop calls all of it off, and takes on no more. */
export class Retries {
  readonly #pace: Clock;
  readonly #timers = new Set<Timer>();
  #isStopped = false;

  constructor(pace: Clock) {
    this.#pace = pace;
  }

  after(ms: number, action: () => void): void {
    if (this.#isStopped) return;
    const timer = this.#pace.after(ms, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
