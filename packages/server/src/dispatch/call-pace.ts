/** How long the upstream's calls take, as averages that forget: what the schedule reckons with. Milliseconds. */
export class CallPace {
  #firstByteMs: number | null = null;
  #durationMs: number | null = null;

  /** From a call's start to the first byte of its streamed answer. */
  get firstByteMs(): number {
    return this.#firstByteMs ?? UNKNOWN_FIRST_BYTE_MS;
  }

  /** From a call's start to its end. */
  get durationMs(): number {
    return this.#durationMs ?? UNKNOWN_DURATION_MS;
  }

  answered(firstByteMs: number): void {
    this.#firstByteMs = blended(this.#firstByteMs, firstByteMs);
  }

  ended(durationMs: number): void {
    this.#durationMs = blended(this.#durationMs, durationMs);
  }
}

/** A model that answers at some length, until this one has shown what it does. */
const UNKNOWN_FIRST_BYTE_MS = 1000;
const UNKNOWN_DURATION_MS = 10_000;

/** One sample counts for a sixteenth: a burst of short answers must not look like a fast model. */
const WEIGHT = 1 / 16;

function blended(mean: number | null, sample: number): number {
  return mean === null ? sample : mean + WEIGHT * (sample - mean);
}
