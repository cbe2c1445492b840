import { headerValue, type AnswerHeaders } from '../retry/answer-headers.ts';

/** What an upstream counts, as its `anthropic-ratelimit-…` headers name it. */
export type BudgetKind = 'requests' | 'input-tokens' | 'output-tokens' | 'tokens';

/** A used-up budget: nothing should start before `untilMs`. */
export interface BudgetHold {
  readonly kind: BudgetKind;
  readonly untilMs: number;
}

/**
 * Longest hold that a header can cause. The limits are per minute; a longer wait means that the two clocks disagree,
 * and the next answer will tell again.
 */
export const LONGEST_BUDGET_HOLD_MS = 300_000;

const KINDS = (['requests', 'input-tokens', 'output-tokens', 'tokens'] as const).map((kind) => ({
  kind,
  remaining: `anthropic-ratelimit-${kind}-remaining`,
  reset: `anthropic-ratelimit-${kind}-reset`,
}));

/** The latest hold that an answer's headers ask for, or null. */
export function budgetHold(headers: AnswerHeaders, nowMs: number): BudgetHold | null {
  let latest: BudgetHold | null = null;
  for (const { kind, remaining, reset } of KINDS) {
    if (headerValue(headers, remaining) !== '0') continue;
    const untilMs = resetAtMs(headerValue(headers, reset), nowMs);
    if (untilMs !== null && untilMs > (latest?.untilMs ?? nowMs)) latest = { kind, untilMs };
  }
  return latest;
}

/** Holds an upstream back while one of its own budgets is used up. SPEC.md C9–C11. */
export class UpstreamBudget {
  #hold: BudgetHold | null = null;

  /** Learns from an answer's headers. A hold is kept to its end: answers may arrive out of order. */
  observe(headers: AnswerHeaders, nowMs: number): void {
    const hold = budgetHold(headers, nowMs);
    if (hold !== null && hold.untilMs > (this.#hold?.untilMs ?? nowMs)) this.#hold = hold;
  }

  /** The hold in force at `nowMs`, or null. */
  hold(nowMs: number): BudgetHold | null {
    if (this.#hold !== null && this.#hold.untilMs <= nowMs) this.#hold = null;
    return this.#hold;
  }
}

/** RFC 3339 with a zone; anything else would be read in the machine's own. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

function resetAtMs(text: string | null, nowMs: number): number | null {
  if (text === null || !MOMENT.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.min(atMs, nowMs + LONGEST_BUDGET_HOLD_MS);
}
