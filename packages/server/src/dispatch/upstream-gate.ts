import {
  ConcurrencyLimit,
  PauseByReason,
  UpstreamBudget,
  type AnswerHeaders,
  type NextStep,
  type Pause,
  type UpstreamAnswer,
} from '@batchwright/core';

/**
 * What stands between a pending request and the upstream: the concurrency that adapts, the budgets that the upstream's
 * headers announce, and pauses. It learns from every answer and knows when to look again.
 */
export class UpstreamGate {
  readonly #limit: ConcurrencyLimit;
  readonly #budget = new UpstreamBudget();
  readonly #pauses = new PauseByReason();

  constructor(maximum: number) {
    this.#limit = new ConcurrencyLimit({ maximum });
  }

  get concurrencyLimit(): number {
    return this.#limit.limit;
  }

  /** While paused, the one call that may start is a probe. */
  get isPaused(): boolean {
    return this.#pauses.isPaused;
  }

  get pauses(): readonly Pause[] {
    return this.#pauses.list();
  }

  /**
   * Whether one more call may start now. If only time stands in the way, `lookAgainAtMs` says when to ask again; else
   * the next answer will be the reason to. A `true` during a pause is its one probe, to be used or returned.
   */
  mayStart(inFlight: number, nowMs: number): boolean {
    if (!this.#limit.allows(inFlight, nowMs) || this.#budget.hold(nowMs) !== null) return false;
    return !this.#pauses.isPaused || this.#pauses.takeProbe(nowMs);
  }

  lookAgainAtMs(inFlight: number, nowMs: number): number | null {
    if (inFlight >= this.#limit.limit) return null;
    const probeAtMs = this.#pauses.isPaused ? this.#pauses.probeAtMs() : nowMs;
    if (probeAtMs === null) return null;
    return Math.max(this.#limit.heldUntilMs, this.#budget.hold(nowMs)?.untilMs ?? nowMs, probeAtMs);
  }

  /** The request that was to be the probe sent nothing. */
  returnProbe(nowMs: number): void {
    this.#pauses.returnProbe(nowMs);
  }

  learn(answer: UpstreamAnswer, headers: AnswerHeaders, startedAtMs: number, nowMs: number): void {
    const retryAfterMs = answer.type === 'rate_limited' || answer.type === 'overloaded' ? answer.retryAfterMs : null;
    this.#limit.answered(answer.type, retryAfterMs, startedAtMs, nowMs);
    this.#budget.observe(headers, nowMs);
    if (answer.type === 'succeeded' || answer.type === 'rejected') this.#pauses.served(startedAtMs);
  }

  /** True when this began the pause; what was in flight then may say the same in dozens. */
  pause(step: Extract<NextStep, { readonly type: 'pause' }>, nowMs: number): boolean {
    const isNew = !this.#pauses.list().some((pause) => pause.reason === step.reason);
    this.#pauses.pause(step.reason, step.message, nowMs);
    return isNew;
  }
}
