/** A replica that failed is first tried again after this long … */
export const TRIAL_FIRST_MS = 1000;
/** … and, doubling with each trial that fails, at least this often. */
export const TRIAL_LAST_MS = 60_000;
/** A trial silent for longer than a connection takes to fail has most likely reached somebody. */
export const TRIAL_PATIENCE_MS = 15_000;

/**
 * Whether one replica of an upstream is passed over, because it failed. SPEC.md H9–H12. When its time is up one call tries
 * it; others follow once that is answered, or has been silent for so long that it cannot have been refused.
 */
export class ReplicaHealth {
  /** 0: nothing is held against it. */
  #waitMs = 0;
  #openAtMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #trials = 0;
  #triedAtMs = 0;

  get isDown(): boolean {
    return this.#waitMs > 0;
  }

  /** Whether a call may go there now. */
  isOpen(nowMs: number): boolean {
    if (this.#waitMs === 0) return true;
    if (nowMs < this.#openAtMs) return false;
    return this.#trials === 0 || nowMs - this.#triedAtMs >= TRIAL_PATIENCE_MS;
  }

  /** A call goes there; the answer says whether it tries a replica that is passed over, for `ended`. */
  begun(nowMs: number): boolean {
    if (this.#waitMs === 0) return false;
    this.#trials += 1;
    this.#triedAtMs = nowMs;
    return true;
  }

  /** A call that tried it is over, whatever came of it. */
  trialEnded(): void {
    this.#trials -= 1;
  }

  /** A call that began at `startedMs` was answered. One that began before the failure proves nothing. */
  answered(startedMs: number): void {
    if (startedMs > this.#failedAtMs) this.#waitMs = 0;
  }

  /** A call that began at `startedMs` failed. Those in flight together fail together, and count once. */
  failed(startedMs: number, nowMs: number): void {
    if (startedMs <= this.#failedAtMs && this.#failedAtMs !== Number.NEGATIVE_INFINITY) return;
    this.#waitMs = this.#waitMs === 0 ? TRIAL_FIRST_MS : Math.min(this.#waitMs * 2, TRIAL_LAST_MS);
    this.#failedAtMs = nowMs;
    this.#openAtMs = nowMs + this.#waitMs;
  }
}
