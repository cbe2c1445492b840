/** How long calls take, in milliseconds: to the first byte, and to the end. */
export interface KnownPace {
  readonly firstByteMs: number;
  readonly durationMs: number;
}

/** How long calls take, as the server's dispatcher knows it: a guess, then averages that forget. */
export class CallPace {
  readonly #known: KnownPace;
  #firstByteMs: number | null = null;
  #durationMs: number | null = null;

  constructor(known: KnownPace = GUESS) {
    this.#known = known;
  }

  get firstByteMs(): number {
    return this.#firstByteMs ?? this.#known.firstByteMs;
  }

  get durationMs(): number {
    return this.#durationMs ?? this.#known.durationMs;
  }

  answered(firstByteMs: number): void {
    this.#firstByteMs = blended(this.#firstByteMs, firstByteMs);
  }

  ended(durationMs: number): void {
    this.#durationMs = blended(this.#durationMs, durationMs);
  }
}

const GUESS: KnownPace = { firstByteMs: 1000, durationMs: 10_000 };

function blended(mean: number | null, sample: number): number {
  return mean === null ? sample : mean + (sample - mean) / 16;
}
