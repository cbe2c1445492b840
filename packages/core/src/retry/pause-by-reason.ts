/**
 * Why nothing is dispatched to an upstream. Reasons are held apart, so that one subsystem's resume cannot undo
 * another's pause: an operator's stop outlives a credential that works again.
 */
export type PauseReason = 'spend_cap' | 'credential' | 'operator' | 'storage';

/** A pause as the operator sees it. `probeAtMs` is null for one that only its owner lifts. */
export interface Pause {
  readonly reason: PauseReason;
  readonly message: string;
  readonly sinceMs: number;
  readonly probeAtMs: number | null;
}

/** A paused upstream is first asked again after this long … */
export const PROBE_FIRST_MS = 30_000;
/** … and, doubling with each probe that is refused, at least this often. */
export const PROBE_LAST_MS = 600_000;

/** Pauses that the upstream itself caused and a probe can find ended. Nobody else knows when that is. */
const PROBED: ReadonlySet<PauseReason> = new Set(['spend_cap', 'credential']);

interface Held {
  message: string;
  readonly sinceMs: number;
  waitMs: number;
  probeAtMs: number;
}

/** The pauses of one upstream. SPEC.md P1–P6. */
export class PauseByReason {
  readonly #held = new Map<PauseReason, Held>();
  /** Set while a probe is out; its refusal, and no other, lengthens the wait. */
  #isProbing = false;

  get isPaused(): boolean {
    return this.#held.size > 0;
  }

  /** Pauses in force, oldest first. */
  list(): readonly Pause[] {
    return [...this.#held].map(([reason, { message, sinceMs, probeAtMs }]) => ({
      reason,
      message,
      sinceMs,
      probeAtMs: PROBED.has(reason) ? probeAtMs : null,
    }));
  }

  /** Pauses for a reason, or says again why. Calls that were in flight at the pause may refuse in dozens: they count once. */
  pause(reason: PauseReason, message: string, nowMs: number): void {
    const held = this.#held.get(reason);
    if (held === undefined) {
      this.#held.set(reason, { message, sinceMs: nowMs, waitMs: PROBE_FIRST_MS, probeAtMs: nowMs + PROBE_FIRST_MS });
      return;
    }
    held.message = message;
    if (!this.#isProbing || !PROBED.has(reason)) return;
    this.#isProbing = false;
    held.waitMs = Math.min(held.waitMs * 2, PROBE_LAST_MS);
    held.probeAtMs = nowMs + held.waitMs;
  }

  /** Lifts one reason; the others stay. */
  resume(reason: PauseReason): void {
    this.#held.delete(reason);
    if (this.#held.size === 0) this.#isProbing = false;
  }

  /**
   * The upstream served a call. One that began after a pause the upstream caused proves that pause over; one that was
   * already in flight proves nothing.
   */
  served(startedAtMs: number): void {
    for (const [reason, held] of this.#held) {
      if (PROBED.has(reason) && startedAtMs > held.sinceMs) this.resume(reason);
    }
  }

  /** When one call may be tried although paused; null when not paused, or when only an owner can lift the pause. */
  probeAtMs(): number | null {
    let latestMs: number | null = null;
    for (const [reason, held] of this.#held) {
      if (!PROBED.has(reason)) return null;
      latestMs = Math.max(latestMs ?? held.probeAtMs, held.probeAtMs);
    }
    return latestMs;
  }

  /** Takes the one probe that is due, if it is. A probe that never comes back is followed by another, a wait later. */
  takeProbe(nowMs: number): boolean {
    const dueMs = this.probeAtMs();
    if (dueMs === null || nowMs < dueMs) return false;
    this.#isProbing = true;
    for (const held of this.#held.values()) held.probeAtMs = nowMs + held.waitMs;
    return true;
  }

  /** Gives back a probe of which no call came, so that the next request can be it. */
  returnProbe(nowMs: number): void {
    if (!this.#isProbing) return;
    this.#isProbing = false;
    for (const held of this.#held.values()) held.probeAtMs = Math.min(held.probeAtMs, nowMs);
  }
}
