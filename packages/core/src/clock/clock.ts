/** A timer that has been set and may still be called off. */
export interface Timer {
  cancel(): void;
}

/** Time as an argument. Milliseconds since the Unix epoch; never goes back. */
export interface Clock {
  now(): number;
  /** Runs `action` once, `delayMs` from now or later. */
  after(delayMs: number, action: () => void): Timer;
}
