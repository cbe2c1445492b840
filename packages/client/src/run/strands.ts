/**
 * Several things done at once that stand and fall together: the first that fails aborts the others, and all have come to
 * rest before the failure is told.
 */
export class Strands {
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get count(): number {
    return this.#running.size;
  }

  add(strand: Promise<void>): void {
    const running = strand.then(
      () => void this.#running.delete(running),
      (error: unknown) => {
        this.#running.delete(running);
        this.fail(error);
      },
    );
    this.#running.add(running);
  }

  /** Aborts all of them; of several reasons the first counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort(this.#failure.error);
  }

  /** Resolves when none is left, those included that others begin meanwhile; rejects with the first failure. */
  async rest(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure.error;
  }
}
