import type { Stop } from './stop.ts';

/** Tells those who wait that something changed; what they look at they see for themselves. */
export class News {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  /** How often there was some. */
  get count(): number {
    return this.#count;
  }

  tell(): void {
    this.#count += 1;
    for (const resume of [...this.#waiting]) resume();
  }

  /** Resolves when there was news after the first `seen`; rejects when stopped. */
  after(seen: number, stop: Stop): Promise<void> {
    return stop.until((resume) => {
      if (this.#count > seen) {
        resume();
        return () => undefined;
      }
      this.#waiting.add(resume);
      return () => this.#waiting.delete(resume);
    });
  }
}
