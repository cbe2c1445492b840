/**
 * One sync for all who want it at the same time. Who comes while one is under way may have come too late for it, and shares the
 * next with everybody else who does: it begins after all of them came, and so covers what each did before.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves once a sync that began after this call has ended; rejects when that one fails. */
  run(): Promise<void> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    const start = (): Promise<void> => {
      this.#next = null;
      return this.#start();
    };
    return (this.#next = this.#running.then(start, start));
  }

  #start(): Promise<void> {
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
