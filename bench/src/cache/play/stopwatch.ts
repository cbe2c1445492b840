import { performance } from 'node:perf_hooks';
import { quantile } from '../../measure/spread.ts';

/** How long what is measured took, in the processor's time of this machine and not the play's. */
export class Stopwatch {
  #tookMs = new Float64Array(1024);
  #count = 0;
  #totalMs = 0;

  get count(): number {
    return this.#count;
  }

  get totalMs(): number {
    return this.#totalMs;
  }

  measure<Result>(act: () => Result): Result {
    const startedMs = performance.now();
    const result = act();
    this.#note(performance.now() - startedMs);
    return result;
  }

  /** Microseconds below which a share of the measurements lies; 0 where nothing was measured. */
  quantileUs(share: number): number {
    if (this.#count === 0) return 0;
    return quantile([...this.#tookMs.subarray(0, this.#count).sort()], share) * 1000;
  }

  #note(tookMs: number): void {
    if (this.#count === this.#tookMs.length) {
      const wider = new Float64Array(2 * this.#count);
      wider.set(this.#tookMs);
      this.#tookMs = wider;
    }
    this.#tookMs[this.#count++] = tookMs;
    this.#totalMs += tookMs;
  }
}
