/**
 * One word that ends everything a run waits for. Calls get a signal of their own each: on one signal, hosts warn of a leak
 * as soon as a dozen wait, and a run waits for many more.
 */
export class Stop {
  #reason: Error | null = null;
  readonly #listeners = new Set<(reason: Error) => void>();

  /** Why everything is to end; null: it is not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Ends everything; of several reasons the first counts. */
  stop(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    for (const listener of [...this.#listeners]) listener(reason);
  }

  throwIfStopped(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  /** Makes a call with a signal that is aborted by the stop. */
  async during<Value>(call: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    this.throwIfStopped();
    const abort = new AbortController();
    const listener = (reason: Error): void => abort.abort(reason);
    this.#listeners.add(listener);
    try {
      return await call(abort.signal);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Waits until what `begin` was given is called, and rejects when stopped; either way what it began is ended. */
  until(begin: (resume: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== null) {
        reject(this.#reason);
        return;
      }
      let end: (() => void) | null = null;
      const settle = (done: () => void): void => {
        this.#listeners.delete(listener);
        end?.();
        done();
      };
      const listener = (reason: Error): void => settle(() => reject(reason));
      this.#listeners.add(listener);
      end = begin(() => settle(resolve));
    });
  }
}
