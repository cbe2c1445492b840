/** How long calls take, as the server's dispatcher knows it: a guess, then averages that forget. */
export class CallPace {
  #firstByteMs: number | null = null;
  #durationMs: number | null = null;

  get firstByteMs(): number {
    return this.#firstByteMs ?? 1000;
  }

  get durationMs(): number {
    return this.#durationMs ?? 10_000;
  }

  answered(firstByteMs: number): void {
    this.#firstByteMs = blended(this.#firstByteMs, firstByteMs);
  }

  ended(durationMs: number): void {
    this.#durationMs = blended(this.#durationMs, durationMs);
  }
}

function blended(mean: number | null, sample: number): number {
  return mean === null ? sample : mean + (sample - mean) / 16;
}
