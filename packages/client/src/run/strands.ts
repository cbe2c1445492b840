import { Stop } from './stop.ts';

/**
 * Several things done at once that stand and fall together: the first that fails aborts the others, and all have come to
 * rest before the failure is told.
 */
export class Strands {
  readonly stop = new Stop();
  readonly #running = new Set<Promise<void>>();

  add(strand: Promise<void>): void {
    const running = strand.then(
      () => void this.#running.delete(running),
      (error: unknown) => {
        this.#running.delete(running);
        this.stop.stop(error instanceof Error ? error : new Error(String(error)));
      },
    );
    this.#running.add(running);
  }

  /** Resolves when none is left, those included that others begin meanwhile; rejects with the first failure. */
  async rest(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.stop.throwIfStopped();
  }
}
